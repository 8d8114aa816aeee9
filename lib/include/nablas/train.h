/* train.h - mini-batch training of a network on a dataset: textbook 4.5.2, 4.5.3 and 5.7.4.
 *
 *     nb_train_options options = NB_TRAIN_DEFAULTS;
 *     nb_train(net, &mnist, &random, &options, &result);
 *
 * One step: draw a batch, forward, backward, w := w - lr dw, and the loss of the same batch with
 * the new weights, as the book records it. */
#ifndef NABLAS_TRAIN_H
#define NABLAS_TRAIN_H

#include "nablas/mnist.h"
#include "nablas/net.h"
#include "nablas/random.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How batches are drawn: each image at random from all, as the book's np.random.choice; or the
 * images in a random order, each once in an epoch, as its footnote says. The last batch of such an
 * epoch holds what is left. */
typedef enum { NB_REPLACE, NB_EPOCH } nb_sampling;

/* Where the gradient comes from: backpropagation (chapter 5) or central differences (chapter 4),
 * of which float32 leaves about three digits. */
typedef enum { NB_BACKPROP, NB_NUMERICAL } nb_gradient_method;

/* Where a run stands after one iteration. */
typedef struct nb_progress {
    size_t iteration, iterations;         /* 0 ... iterations-1 */
    double loss;                          /* of this batch, after the update */
    double smoothed;                      /* running mean of the loss, weight 1/50 for the newest */
    bool evaluated;                       /* the two below are of this iteration */
    double train_accuracy, test_accuracy; /* the latest; NaN before the first */
    double seconds, train_seconds, eval_seconds; /* since the run began */
    double images_per_second;                    /* in training, evaluations left out */
    double seconds_left;                         /* estimate, evaluations included */
} nb_progress;

/* Called after each iteration. Any answer but NB_OK ends the run: NB_ESTOPPED in good order, with a
 * last evaluation; any other as a failure, whose detail (nb_fail) is the run's. */
typedef nb_status (*nb_train_report)(const nb_progress *progress, void *context);

typedef struct nb_train_options {
    size_t iterations; /* >= 1 */
    size_t batch;      /* >= 1 */
    double lr;         /* finite */
    nb_sampling sampling;
    nb_gradient_method gradient;
    size_t eval_every; /* accuracy after iterations 0, eval_every, ... and after the last; 0: only
                          after the last */
    size_t threads; /* up to NB_MAX_THREADS; 0: one, or as many as there are processors and work for
                       them (groups of rows, blas.h), as the steps themselves show to be faster. The
                       bits are the same for any number */
    nb_train_report report; /* or NULL */
    void *context;          /* for report */
} nb_train_options;

/* The book's run: 10,000 iterations of 100, lr 0.1, accuracy once per epoch of 600. */
#define NB_TRAIN_DEFAULTS \
    ((nb_train_options){.iterations = 10000, .batch = 100, .lr = 0.1, .eval_every = 600})

typedef struct nb_train_result {
    nb_progress last; /* the last iteration that was completed, if any */
    size_t completed; /* iterations completed */
    size_t threads;   /* that most steps ran on */
} nb_train_result;

/* nb_train_max_batch - the rows that the network's graph should be made for: the batch, or what an
 * evaluation takes at once. */
size_t nb_train_max_batch(size_t batch);

/* nb_train - train `net` on data->train, evaluate on both sets.
 *
 *   net      in/out  inputs as data has pixels, NB_MNIST_CLASSES outputs; max_batch as
 *                    nb_train_max_batch. Nothing is fed to it afterwards.
 *   data     in      loaded with `flatten`; both sets with images of one size, not empty
 *   random   in/out  the stream that batches are drawn from; after the weights, as in the book
 *   options  in
 *   result   out     valid in every case, also on error
 * Errors: NB_EINVAL an option outside its range; NB_ESHAPE network and data do not fit;
 *         NB_EDIVERGED a loss that is not finite, with the iteration, the loss before it and the
 *         likely cause; NB_ERANGE a label that is no class; NB_ENOMEM; what `report` answered.
 *         The weights are those of the last update, also of the one that diverged.
 * BLAS's own threads are set to one during the run and put back after it.
 * Cost:   one step of n rows is three forward-sized products for each layer, and allocates nothing;
 *         by central differences it costs, and allocates, what nb_graph_numerical_gradient does. */
nb_status nb_train(nb_net *net, const nb_mnist *data, nb_random *random,
                   const nb_train_options *options, nb_train_result *result);

/* The parts of nb_train, for a loop of one's own. */
typedef struct nb_trainer nb_trainer;

/* nb_trainer_create - workspace for training `net`. Net, data and random must outlive it, and the
 * data stay as they are: the sets are read now and stored once more (packer.h), in 0.4 of their
 * bytes for MNIST.
 * nb_trainer_step - one iteration; *loss as above.
 * nb_trainer_accuracy - share of a set's images that the network gets right; errors as nb_train's.
 * A set other than &data->train and &data->test is stored once more for the call.
 * nb_trainer_threads - threads that most steps so far ran on. */
nb_status nb_trainer_create(nb_trainer **trainer, nb_net *net, const nb_mnist *data,
                            nb_random *random, const nb_train_options *options);
void nb_trainer_destroy(nb_trainer *trainer);
nb_status nb_trainer_step(nb_trainer *trainer, double *loss);
nb_status nb_trainer_accuracy(nb_trainer *trainer, const nb_dataset *set, double *accuracy);
size_t nb_trainer_threads(const nb_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
