/* chapter6.h - what the programs of the book's chapter 6 share: logs, deep networks, training several
 * of them on the same batches. */
#ifndef EXAMPLES_CHAPTER6_H
#define EXAMPLES_CHAPTER6_H

#include "common.h"

/* log_open - begin a file of comma separated values with "iter"; log_text appends to it; log_close
 * ends its last line. All of them exit on failure, naming the file. log NULL: nothing is written. */
FILE *log_open(const page *p, const char *name);
void log_text(const page *p, FILE *log, const char *format, ...) NB_PRINTF(3, 4);
void log_close(const page *p, FILE *log);

/* The book's MultiLayerNet and, with batch norm or dropout, MultiLayerNetExtend: inputs, hidden layers
 * of 100, outputs, with ReLU, in float64. */
typedef struct deep_net {
    size_t inputs, hidden;
    nb_init init;
    double std; /* NB_INIT_STD */
    bool batch_norm;
    double dropout; /* ratio; 0: no such layers */
    size_t batch;
} deep_net;

enum { DEEP_WIDTH = 100, MOST_HIDDEN = 8 };

/* deep_net_create - draw its weights from `random`. Exits on failure. */
nb_model *deep_net_create(const page *p, const deep_net *d, nb_random *random);

/* optimizer_for - an optimiser of that type and learning rate, weight decay lambda. Exits on failure. */
nb_optimizer *optimizer_for(const page *p, nb_model *net, const nb_optimizer_type *type, double lr,
                            double lambda);

/* decay_term - 1/2 lambda |W|^2 over all weights, that the book adds to its loss. */
double decay_term(const nb_model *net, double lambda);

/* learn - one update on a batch, training; returns the loss after it, predicting. Exits on failure. */
double learn(const page *p, nb_model *net, nb_optimizer *optimizer, const nb_batch *batch,
             nb_random *random);

/* accuracy_of - of a model on a dataset. Exits on failure. */
double accuracy_of(const page *p, nb_model *net, const nb_dataset *set);

/* One of several networks that learn from the same batches. */
typedef struct contender {
    char name[32];
    nb_model *net;
    nb_optimizer *optimizer;
    double *loss; /* (iterations) */
} contender;

enum { COMPETE_BATCH = 128, MOST_CONTENDERS = 16 };

/* compete - `iterations` batches of COMPETE_BATCH, drawn from the training set, each learnt from by all in their
 * order; a table of losses as they go, accuracies on the test set at the end; `log` or NULL. Destroys
 * nets and optimisers. */
void compete(const page *p, const nb_mnist *mnist, size_t count, contender *c, size_t iterations,
             const char *log, nb_random *random);

/* draw_losses - the losses over the iterations, smoothed as the book does, from 0 to `top`, saved and
 * freed. */
void draw_losses(const page *p, size_t count, contender *c, size_t iterations, double top,
                 const char *title);

/* overfit - 6.4: learn `iterations` batches of 100 from `train`; accuracies on all of `train` and `test`
 * after iterations 0, n/100, 2n/100, ..., one line for each tenth of them, and a figure; with weight
 * decay lambda its term counts to the loss. Losses of iterations 0, 99 and the last are printed; all of
 * them go to `log`, or NULL. Destroys net and optimiser. */
enum { OVERFIT_IMAGES = 300, OVERFIT_BATCH = 100 };

typedef struct overfitting {
    nb_dataset train, test;
    nb_model *net;
    nb_optimizer *optimizer;
    double lambda;
    size_t iterations, epochs; /* evaluations at most */
    const char *log, *title;
} overfitting;

void overfit(const page *p, const overfitting *o, nb_random *random);

#endif
