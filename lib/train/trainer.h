/* trainer.h - the trainer's functions for the loop of nb_train; for lib/train alone. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "nablas/train.h"

/* nb_trainer_first_loss - the loss of the first batch before the first step, once that is taken. */
double nb_trainer_first_loss(const nb_trainer *trainer);

#endif
