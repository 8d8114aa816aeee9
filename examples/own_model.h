/* own_model.h - a network for samples of one's own: made, trained, asked. */
#ifndef EXAMPLES_OWN_MODEL_H
#define EXAMPLES_OWN_MODEL_H

#include "display.h"
#include "judge.h"
#include "own_data.h"
#include "train_figures.h"

/* A run of training, and what is shown of it. */
typedef struct own_run {
    own_settings *settings;
    const own_data *data;
    display *display;
    run_history *history;   /* NULL: none, and none of the settings' files */
    double first;           /* loss */
    bool evaluates;         /* as it goes, with a line for each evaluation */
    size_t epoch;           /* iterations of one */
    nb_train_options train; /* as the run has them */
    nb_optimizer_options optimizer;
    nb_train_result result;
} own_run;

/* own_train - a model trained on `train`, seen by `test` (or NULL) as it goes; for nb_model_destroy.
 *             Answers NB_ESTOPPED after Ctrl-C, and exits on any other failure.
 * own_ask - add what the model answers on `set` to *a, whose truth is in the target's own unit.
 * own_settle - what --save keeps beside the weights: how a table is read, how the model was trained;
 *              outputs become numbers of the target's own unit. */
nb_status own_train(own_run *run, const nb_dataset *train, const nb_dataset *test,
                    nb_random *random, nb_model **model);
void own_ask(const own_data *d, const page *p, nb_model *model, const nb_dataset *set, answers *a);
void own_settle(const own_data *d, const page *p, nb_model *model, const char *training);

/* own_describe_run - network and training, in lines of "name: what". */
void own_describe_run(const own_run *run, const nb_model *model, size_t samples,
                      char text[OWN_TEXT]);

/* OWN_TRAINING - the key of the text in a model's file that says how it was trained. */
#define OWN_TRAINING "nablas.training"

#endif
