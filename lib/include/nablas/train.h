/* train.h - mini-batch training of a model on a dataset: textbook 4.5.2, 4.5.3 and 5.7.4.
 *
 *     nb_train_options options = NB_TRAIN_DEFAULTS;
 *     nb_train(model, &mnist.train, &mnist.test, &random, &options, &result);
 *
 * One step: draw a batch, forward, backward, update (w := w - lr dw, or another optimiser's rule),
 * then the loss of the same batch with the new weights in a predicting pass, as the book records
 * it. The same training loop written out in six calls:
 *
 *     nb_source_create(&source, &train, &(nb_source_options){.batch = 100, .random = &random});
 *     nb_optimizer_create(&optimizer, model->graph, &nb_adam, NULL);
 *     while (nb_source_next(source, &batch) == NB_OK && ...) {
 *         nb_model_feed_batch(model, &batch, &loss);
 *         nb_forward(loss);
 *         nb_optimizer_step(optimizer, loss);
 *     } */
#ifndef NABLAS_TRAIN_H
#define NABLAS_TRAIN_H

#include "nablas/autopsy.h"
#include "nablas/checkpoint.h"
#include "nablas/dataset.h"
#include "nablas/model.h"
#include "nablas/optim.h"
#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* Where the gradient comes from: backpropagation (chapter 5) or central differences (chapter 4),
 * which are good to about three digits in float32. */
typedef enum { NB_BACKPROP, NB_NUMERICAL } nb_gradient_method;

/* The progress of a run after one iteration. */
typedef struct nb_progress {
    size_t iteration, iterations;     /* 0 ... iterations-1 */
    double loss;                      /* of this batch, after the update, predicting */
    double smoothed;                  /* running mean of the loss, weight 1/50 for the newest */
    bool evaluated;                   /* the two metrics are of this iteration */
    const char *metric;               /* what they are: "accuracy", "RMSE", "MAE" */
    double train_metric, test_metric; /* the latest; NaN before the first, or without a set */
    double lr;                        /* of this iteration */
    double seconds, train_seconds, eval_seconds; /* since the run began */
    double samples_per_second;                   /* in training, evaluations left out */
    double seconds_left;                         /* estimate, evaluations included */
} nb_progress;

/* Called after each iteration. Any return value but NB_OK ends the run: NB_ESTOPPED normally, with
 * a last evaluation; any other as a failure, whose detail (nb_fail) becomes the run's. */
typedef nb_status (*nb_train_report)(const nb_progress *progress, void *context);

typedef struct nb_train_options {
    size_t iterations;                  /* >= 1 */
    size_t batch;                       /* >= 1 */
    double lr;                          /* finite; what optimizer_options say if that is NULL */
    const nb_optimizer_type *optimizer; /* NULL: nb_sgd */
    const nb_optimizer_options *optimizer_options; /* NULL: its defaults, with `lr` */
    nb_sampling sampling;
    nb_gradient_method gradient;
    size_t eval_every;  /* metrics after iterations 0, eval_every, ... and after the last; 0: only
                          after the last */
    size_t evaluate;    /* metrics are of the first so many samples of each set; 0: of all */
    bool training_loss; /* record the loss of a training pass with masks of its own, as the book's
                           DeepConvNet does (8.1), not of a predicting pass */
    size_t patience;    /* stop after this many evaluations without a better metric on the test set,
                          and restore the best weights; 0: neither. Needs a test set */
    bool dense;         /* sources do not pack: BLAS computes every product whole (dataset.h) */
    size_t threads; /* up to NB_MAX_THREADS; 0: one, or as many as there are processors and work for
                       them (groups of rows, blas.h), as the steps themselves show to be faster. The
                       bits are the same for any number */
    const nb_checkpoint_options *checkpoint; /* NULL: none is written or continued */
    const nb_nan_options *nan;               /* what to do when the loss is not finite; NULL: only
                                                end the run with NB_EDIVERGED */
    nb_train_report report;                  /* or NULL */
    void *context;                           /* for report */
    const nb_team
        *team; /* the processes that train together (team.h), each with the same model, sets,
                            stream and options but threads, report, context and the names of checkpoints;
                            NULL: this one alone */
} nb_train_options;

/* The book's run: 10,000 iterations of 100, lr 0.1, accuracy once per epoch of 600. */
#ifndef __cplusplus
#define NB_TRAIN_DEFAULTS \
    ((nb_train_options){.iterations = 10000, .batch = 100, .lr = 0.1, .eval_every = 600})
#else
#define NB_TRAIN_DEFAULTS                                                    \
    ([] {                                                                    \
        nb_train_options o = {};                                             \
        o.iterations = 10000, o.batch = 100, o.lr = 0.1, o.eval_every = 600; \
        return o;                                                            \
    }())
#endif

typedef struct nb_train_result {
    nb_progress last;      /* the last iteration that was completed, if any */
    size_t completed;      /* iterations completed, those before a checkpoint included */
    size_t threads;        /* that most steps ran on */
    size_t best_iteration; /* with patience: the weights are those after this one, ... */
    double best;           /* ... where the test set's metric was this; else NaN */
} nb_train_result;

/* nb_train_max_batch - the max_batch that the model needs: the batch (in a team its `rows`), or the 200
 * rows that an evaluation takes at once. */
size_t nb_train_max_batch(size_t batch);

/* nb_train - train `model` on `train`, evaluate on both sets.
 *
 *   model    in/out  max_batch as nb_train_max_batch. Nothing is fed to it afterwards
 *   train    in      samples of the model's input shape; labels for cross entropy, or targets with
 *                    as many columns as the model has outputs
 *   test     in      the same, or NULL
 *   random   in/out  the stream that batches and dropout's masks are drawn from; as in the book,
 *                    the stream that drew the weights
 *   options  in
 *   result   out     valid in every case, also on error
 * Errors: NB_EINVAL an option outside its range; NB_ESHAPE, NB_EDTYPE model and data do not fit;
 *         NB_EDIVERGED a loss that is not finite, with the iteration, the loss before it and the
 *         likely cause; NB_ERANGE a label that is no class; NB_ENOMEM; what `report` answered; of
 *         checkpoints, those of nb_trainer_save and nb_trainer_load, and NB_EINVAL one that has done
 *         more than `iterations`.
 *         The weights are those of the last update, also of the one that diverged.
 * BLAS's own threads are set to one during the run and put back after it.
 * Cost:   one step of n rows is three forward-sized products for each layer, and allocates nothing;
 *         by central differences it costs, and allocates, what nb_graph_numerical_gradient does. */
nb_status nb_train(nb_model *model, const nb_dataset *train, const nb_dataset *test,
                   nb_random *random, const nb_train_options *options, nb_train_result *result);

/* --- all at once ---------------------------------------------------------------------------- */

typedef struct nb_fit_options {
    uint32_t seed;          /* of weights, split and batches */
    double validation;      /* the share of the samples held out, > 0, < 1 */
    size_t epochs;          /* at most */
    size_t patience;        /* epochs without a better metric; 0: train for all epochs */
    size_t batch;           /* at most a quarter of the training samples is taken */
    double lr;              /* of Adam */
    nb_loss loss;           /* for targets; labels are learnt by cross entropy */
    size_t threads;         /* 0: as nb_train chooses */
    nb_train_report report; /* or NULL */
    void *context;
} nb_fit_options;

#define NB_FIT_DEFAULTS                                                             \
    NB_LITERAL(nb_fit_options)                                                      \
    {                                                                               \
        .validation = 0.2, .epochs = 300, .patience = 30, .batch = 32, .lr = 0.003, \
        .loss = NB_SQUARED_LOSS                                                     \
    }

/* nb_fit - from a dataset to a model that predicts: hold out a part (of labels, of every class),
 * standardise x where it is not bytes, train with Adam, evaluate once per epoch, stop when the
 * held-out part no longer improves, keep the best weights. Numeric targets are standardised for
 * training, so metrics in reports are in standard deviations; the model's outputs and result->best
 * are in the targets' own units.
 *
 *   model    out  in float32: the hidden layers, and a dense one for the classes or targets
 *   hidden   in   layers before the last; count 0: none
 *   options  in   NULL: NB_FIT_DEFAULTS
 *   result   out  best is the held-out part's metric; or NULL
 * Errors: those of nb_dataset_divide, nb_model_create and nb_train; *model is NULL then. */
nb_status nb_fit(nb_model **model, const nb_dataset *data, nb_layers hidden,
                 const nb_fit_options *options, nb_train_result *result);

/* --- step by step --------------------------------------------------------------------------- */

/* The parts of nb_train, for a loop of your own; checkpoint.h declares nb_trainer, saves and continues
 * it. */

/* nb_trainer_create - workspace for training `model`. Model, data and random must outlive it, and
 * the data must not change: the sets are read now and, where that pays, a second copy without zeros
 * is stored (dataset.h), 0.4 of the original's bytes for MNIST.
 * nb_trainer_step - one iteration; *loss as above.
 * nb_trainer_metric - the model's metric on a set, of the trainer's own sets on their first
 * options.evaluate samples; errors as nb_train's. A set other than the
 * trainer's is prepared for the call.
 * nb_trainer_threads - threads that most steps so far ran on.
 * nb_trainer_optimizer - the optimiser in use. */
nb_status nb_trainer_create(nb_trainer **trainer, nb_model *model, const nb_dataset *train,
                            const nb_dataset *test, nb_random *random,
                            const nb_train_options *options);
void nb_trainer_destroy(nb_trainer *trainer);
nb_status nb_trainer_step(nb_trainer *trainer, double *loss);
nb_status nb_trainer_metric(nb_trainer *trainer, const nb_dataset *set, double *metric);
size_t nb_trainer_threads(const nb_trainer *trainer);
nb_optimizer *nb_trainer_optimizer(nb_trainer *trainer);

NB_END_DECLS
#endif
