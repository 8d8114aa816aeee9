/* run.h - a run of nb_train, and how it is kept and continued; for lib/train alone. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "nablas/train.h"
#include "train/trainer.h"

typedef struct run {
    nb_trainer *trainer;
    nb_model *model;
    const nb_dataset *train, *test;
    const nb_train_options *options;
    nb_progress at;
    size_t evaluations;
    double begin;
    void *best; /* with patience: parameters and state where the test set's metric was best */
    double best_metric;
    size_t best_iteration, best_evaluation;
    double saved; /* when the last checkpoint was written, or the run began */
    /* With options->nan: the run as it was up to two periods ago, the older first, and its steps. */
    struct {
        nb_arrays trainer, loop;
        size_t steps;
    } copy[2];
    size_t *index; /* (options->batch) for the autopsy */
} run;

/* nb_run_weights - parameters and state, one after the other, to (save) or from `block`; returns their
 *                  bytes. NULL: no more than that.
 * nb_run_is_due - after an iteration: is a checkpoint? In a team member 0's clock says so.
 * nb_run_save - write one to `path`, with `iteration` as the last that is done.
 * nb_run_resume - the run as it was after the checkpoint's last iteration.
 * nb_run_copy - before an iteration: keep a copy in memory if one is due.
 * nb_run_rescue - the iteration at hand gave a loss that is not finite: find out why, and go back if
 *                 the options say so. *gone_back: then the next iteration is r->at.iteration.
 * nb_run_forget - free the copies. */
size_t nb_run_weights(const nb_graph *g, char *block, bool save);
nb_status nb_run_is_due(const run *r, bool *due);
nb_status nb_run_save(run *r, const char *path, size_t iteration);
nb_status nb_run_resume(run *r);
nb_status nb_run_copy(run *r);
nb_status nb_run_rescue(run *r, double loss, bool *gone_back);
void nb_run_forget(run *r);

#endif
