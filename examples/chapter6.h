/* chapter6.h - what the programs of the book's chapter 6 share: options, logs, deep networks, training
 * several of them on the same batches. What fails here exits with the library's message. */
#ifndef EXAMPLES_CHAPTER6_H
#define EXAMPLES_CHAPTER6_H

#include "common.h"

/* --- a program -------------------------------------------------------------------------------- */

typedef struct experiment {
    page page;
    const char *data, *log; /* --log FILE.csv, or NULL */
    nb_dtype dtype;
    uint32_t seed;
    nb_random random;
    size_t train, test; /* images that experiment_load reads, as in nb_mnist_options; 0: all */
    nb_mnist mnist;
} experiment;

/* experiment_begin - read the command line: the program's own options, ended by {0}, and --data,
 *                    --dtype, --seed, --log. `logged` is what help says that --log writes.
 * experiment_load - make the figures' folder, read MNIST, seed the stream: when all options are known.
 * experiment_end - main's last value. */
enum { MOST_OPTIONS = 8 };

void experiment_begin(experiment *e, int argc, char **argv, const char *about,
                      const page_option *own, const char *logged);
void experiment_load(experiment *e);
int experiment_end(experiment *e);

/* log_open - begin a file of comma separated values with "iter"; log_text appends to it; log_close
 * ends its last line. name NULL: nothing is written. */
FILE *log_open(const page *p, const char *name);
void log_text(const page *p, FILE *log, const char *format, ...) NB_PRINTF(3, 4);
void log_close(const page *p, FILE *log);

/* --- networks --------------------------------------------------------------------------------- */

/* The book's MultiLayerNet and, with batch norm or dropout, MultiLayerNetExtend: pixels, hidden layers
 * of 100, ten classes, with ReLU; and the optimiser that teaches it. */
typedef struct deep_net {
    size_t hidden;
    nb_init init;
    double std; /* NB_INIT_STD */
    bool batch_norm;
    double dropout;                /* ratio; 0: no such layers */
    const nb_optimizer_type *type; /* NULL: SGD */
    double lr, decay;
    size_t batch;
} deep_net;

typedef struct learner {
    nb_model *net;
    nb_optimizer *optimizer;
} learner;

enum { DEEP_WIDTH = 100, MOST_HIDDEN = 8, MOST_CONTENDERS = 16 };

/* learner_create - draws the weights from `random`.
 * learn - one update on a batch, training; returns the loss's node.
 * loss_after - that loss of the same batch after the update, predicting.
 * accuracies_of - of at most MOST_CONTENDERS nets of the same largest batch, on all samples of a
 * source; accuracy_of - of one. */
learner learner_create(const experiment *e, const deep_net *d, nb_random *random);
void learner_destroy(learner *l);
nb_node *learn(const page *p, const learner *l, const nb_batch *batch, nb_random *random);
double loss_after(const page *p, const learner *l, nb_node *loss);
void accuracies_of(const page *p, size_t count, const learner *const *l, nb_source *source,
                   double *accuracy);
double accuracy_of(const page *p, const learner *l, nb_source *source);

/* decay_term - 1/2 decay |W|^2 over all weights, which the book adds to its loss.
 * batch_norm_net_create - MultiLayerNetExtend(784, [20, 20], 10, use_batchnorm=True), in float64.
 * first_images - x and t := the first n training images and their labels; the caller's to destroy. */
double decay_term(const nb_model *net, double decay);
nb_model *batch_norm_net_create(const page *p, size_t inputs, size_t batch, nb_random *random);
void first_images(const page *p, const nb_mnist *mnist, size_t n, nb_tensor *x, nb_tensor *t);

/* shuffle_first - the first `most` of all samples in another order (shuffle_dataset).
 * batches_of - a source of batches, drawn with replacement, and of all samples in turn. */
void shuffle_first(const page *p, const nb_dataset *all, size_t most, nb_random *random,
                   nb_dataset *shuffled);
nb_source *batches_of(const experiment *e, const nb_dataset *set, size_t batch, nb_random *random);

/* --- several side by side --------------------------------------------------------------------- */

typedef struct contender {
    char name[32];
    deep_net net;
    learner learner;
    double *loss; /* (iterations) */
} contender;

enum { COMPETE_BATCH = 128 };

/* compete - make the nets in their order; `iterations` batches of COMPETE_BATCH, each learnt from by
 * all; a table of losses as they go, accuracies on the test set at the end; then a figure of the losses,
 * smoothed as the book does, from 0 to `top`. */
void compete(experiment *e, size_t count, contender *c, size_t iterations, double top,
             const char *title);

/* --- overfitting ------------------------------------------------------------------------------ */

/* 6.4: seven layers learn batches of 100 from the first 300 images. */
typedef struct overfitting {
    double decay, dropout;
    size_t epochs; /* accuracies on those images and the test set, after iterations 0, 3, 6, ... */
    bool whole_epoch;    /* go on behind the last of them, as the book's Trainer does */
    const char *against; /* "dropout" */
} overfitting;

/* overfit - learn the training images, OVERFIT_IMAGES that e->train has asked for, by heart: one line
 * for each tenth accuracy, a figure of all; the losses (decay's term counts) of iterations 0, 99 and
 * the last. */
enum { OVERFIT_IMAGES = 300 };
void overfit(experiment *e, const overfitting *o);

#endif
