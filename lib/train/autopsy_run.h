/* autopsy_run.h - examining a trainer; for lib/train alone. */
#ifndef TRAIN_AUTOPSY_RUN_H
#define TRAIN_AUTOPSY_RUN_H

#include "nablas/arrays.h"
#include "nablas/train.h"

/* nb_autopsy_perform - put the trainer back to `copy` (views that nb_trainer_view gave, copied),
 * repeat its steps up to number `step` and find out what is wrong with that one.
 *
 *   before  called when the trainer is before that step, with `context`
 *   index   (options.batch) the batch's samples; a->index points there
 * Afterwards the trainer is before that step again.
 * Errors: of the steps; NB_ENOMEM. */
nb_status nb_autopsy_perform(nb_trainer *trainer, const nb_arrays *copy, size_t step,
                             nb_status (*before)(void *context), void *context, size_t *index,
                             nb_autopsy *a);

#endif
