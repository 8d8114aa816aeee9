/* own_options.h - what `train` is asked to do. */
#ifndef EXAMPLES_OWN_OPTIONS_H
#define EXAMPLES_OWN_OPTIONS_H

#include "common.h"
#include "train_files.h"

enum { MAX_TOLD = 256 };

typedef struct own_settings {
    page page;
    /* data */
    const char *path, *targets; /* a file, and that of its targets; or NULL */
    const char *images, *test, *target;
    nb_table_options table;
    nb_column_told tell[MAX_TOLD];
    nb_learning learning;
    nb_missing missing;
    size_t width, height, channels; /* of pictures; 0: those of the first */
    bool skip_bad;
    double validation;
    size_t folds; /* 0: none */
    bool balanced;
    /* network */
    size_t hidden[MAX_HIDDEN], layers;
    nb_activation activation;
    double dropout;
    /* training */
    nb_optimizer_options optimizer;
    nb_lr_kind schedule;
    nb_train_options train; /* batch 0: by the rows */
    bool decay_given;
    size_t epochs, patience;
    uint32_t seed;
    /* results */
    run_files files;
    const char *report; /* or NULL */
} own_settings;

/* read_own_settings - of the command line; *s must stay where it is. Exits after --help and on a usage
 *                     error. */
void read_own_settings(own_settings *s, int argc, char **argv);

#endif
