/* train_figures.h - what a run of training draws of a run: figures 4-11 and 4-12, and what the network
 * gets wrong. */
#ifndef EXAMPLES_TRAIN_FIGURES_H
#define EXAMPLES_TRAIN_FIGURES_H

#include "common.h"

/* Up to two values over iterations. When it is full, every second point goes, and from then on only every
 * second is taken. */
enum { SERIES_ROOM = 16384, FIRST = 1000 };
typedef struct series {
    size_t seen, every, count; /* every: 0 before the first */
    double x[SERIES_ROOM], y[2][SERIES_ROOM];
} series;

/* A run so far; start from zeros. */
typedef struct run_history {
    series loss;     /* of the mini-batches */
    series first;    /* of the first FIRST of them */
    series accuracy; /* train and test, over epochs */
} run_history;

/* record - take in one iteration; `epoch` is the iterations of one. */
void record(run_history *h, const nb_progress *p, double epoch);

/* plot_loss - the losses of mini-batches, and their running mean. */
void plot_loss(nb_axes *ax, const series *s, const char *title);

/* plot_metric - the two values of a series over epochs. */
void plot_metric(nb_axes *ax, const series *s, const char *first, const char *second,
                 const char *metric);

/* draw_run - DIR/NAME_loss.png, _accuracy.png and _wrong.png. Nothing is fed to the network
 * afterwards. */
nb_status draw_run(const page *p, const run_history *h, nb_model *net, const nb_mnist *m);

#endif
