/* train_options.h - what train_mnist is asked to do. */
#ifndef EXAMPLES_TRAIN_OPTIONS_H
#define EXAMPLES_TRAIN_OPTIONS_H

#include "convnets.h"
#include "train_files.h"

typedef struct settings {
    page page;
    const char *data, *load, *report, *digit_page; /* or NULL */
    bool curvature, figures;
    run_files files;
    convnet net;                        /* --net; without layers: a perceptron of these */
    nb_layer layer[4 * MAX_HIDDEN + 1]; /* dense, batch norm, activation, dropout, ..., dense */
    size_t layers;
    nb_dtype dtype;
    nb_init init;
    double std;
    uint32_t seed;
    size_t epochs;   /* 0: train.iterations says it */
    bool eval_given; /* train.eval_every is; else an epoch's iterations */
    size_t warmup;
    nb_lr_kind schedule;
    nb_optimizer_options optimizer;
    nb_train_options train;
} settings;

/* read_settings - of the command line, with `more` options, ended by {0}, or NULL; `about` NULL:
 *                 train_mnist. *s must stay where it is. Exits after --help and on a usage error.
 * settle_settings - what depends on the number of training images. */
void read_settings(settings *s, int argc, char **argv, const char *about, const page_option *more);
void settle_settings(settings *s, size_t images);

#endif
