/* export.h - the parts of the program export: a model in other programs' files. */
#ifndef EXAMPLES_EXPORT_H
#define EXAMPLES_EXPORT_H

#include "common.h"

/* export_metric - the metric of the model's loss on all samples of `path`: MNIST's folder (its test
 *                 images), a file of arrays, a folder of pictures, or, for a model of a table, a text.
 *                 Exits on failure. */
double export_metric(const page *p, nb_model *model, const char *path);

#endif
