/* own_data.h - a table, arrays or a folder of pictures as samples. */
#ifndef EXAMPLES_OWN_DATA_H
#define EXAMPLES_OWN_DATA_H

#include "own_options.h"

typedef enum { OWN_TABLE, OWN_ARRAYS, OWN_PICTURES } own_kind;

/* Samples are numbered from 0: rows of a table that can be learnt from, samples of arrays, pictures. */
typedef struct own_data {
    own_kind kind;
    const char *path; /* as messages call it */
    size_t count;     /* samples */
    nb_table table;
    nb_recipe recipe;
    size_t *row; /* (count) of the table */
    nb_images pictures;
    nb_dataset set; /* arrays, pictures: all samples as they are; for a table, its targets alone */
    nb_names classes; /* count 0: the targets are numbers */
    size_t targets;   /* numbers of a target */
    double *mean,
        *deviation; /* (targets) by which numbers are standardised, of the samples last fitted */
    bool borrowed;  /* recipe and classes are those of the data it is to be like */
} own_data;

/* own_read - what the options say.
 * own_read_test - the samples of --test: columns, classes and sizes are those of `like`.
 * own_destroy - free it.
 * own_fit - standardise by these samples from now on; index NULL: all.
 * own_take - these samples as a dataset, to be freed by nb_dataset_destroy.
 * own_number - an output of the model as a number of target j's own unit.
 * own_describe - what was found, in lines of "name: what".
 *
 * All but the last two exit on failure. */
enum { OWN_TEXT = 8192 };
void own_read(own_data *d, const own_settings *s, nb_pool *pool);
void own_read_test(own_data *d, const own_data *like, const own_settings *s, nb_pool *pool);
void own_destroy(own_data *d);
void own_fit(own_data *d, const page *p, size_t n, const size_t *index);
void own_take(const own_data *d, const page *p, size_t n, const size_t *index, nb_dataset *set);
double own_number(const own_data *d, size_t j, double y);
void own_describe(const own_data *d, char text[OWN_TEXT]);

#endif
