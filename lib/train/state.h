/* state.h - what a trainer is made of, as named views of its memory; for lib/train alone. */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "nablas/arrays.h"
#include "nablas/train.h"

/* nb_trainer_view - add views of all that decides how the run goes on: weights, optimiser, random
 *                   stream, sampler, counts. They are valid until the next step.
 * nb_trainer_assign - write arrays of these names, types and shapes back: all or nothing. `label` is
 *                     where they come from, for messages. Arrays of other names are left alone.
 * nb_arrays_copy - the same arrays with elements of their own, and the texts; `into` is zeroed before.
 * nb_arrays_add_as - add a view of `tensor` as PREFIX and NAME. */
nb_status nb_trainer_view(nb_trainer *trainer, nb_arrays *views);
nb_status nb_trainer_assign(nb_trainer *trainer, const nb_arrays *arrays, const char *label);
nb_status nb_arrays_copy(const nb_arrays *arrays, nb_arrays *into);
nb_status nb_arrays_add_as(nb_arrays *arrays, const char *prefix, const char *name,
                           nb_tensor tensor);

#endif
