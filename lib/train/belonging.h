/* belonging.h - what a checkpoint belongs to, as texts: library, model, options, data. */
#ifndef TRAIN_BELONGING_H
#define TRAIN_BELONGING_H

#include "nablas/arrays.h"
#include "nablas/train.h"

/* nb_belonging_write - set the texts of this run.
 * nb_belonging_check - are those of a file this run's? NB_EINVAL with what differs, NB_EFORMAT no
 *                      checkpoint or one of another format; `label` names the file. */
nb_status nb_belonging_write(nb_trainer *trainer, nb_arrays *arrays);
nb_status nb_belonging_check(nb_trainer *trainer, const nb_arrays *arrays, const char *label);

#endif
