/* dataset_file.h - arrays in files as a dataset: NumPy's .npy and .npz, safetensors, IDX.
 *
 *     nb_dataset_load(&d, &classes, "digits.npz", NULL, NULL);              its arrays x and t
 *     nb_dataset_load(&d, &classes, "x.npy", "t.npy", NULL);
 *     nb_dataset_load(&d, &classes, "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz", NULL); */
#ifndef NABLAS_DATASET_FILE_H
#define NABLAS_DATASET_FILE_H

#include "nablas/dataset.h"
#include "nablas/names.h"
#include "nablas/recipe.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_dataset_file_options {
    nb_learning learning; /* told from t as a table's target is (recipe.h); of an integer type, any
                                number of classes from 0 on is told too, if none is left out */
    const nb_names *classes; /* of a model: t holds these names' numbers, or 0 ... count-1 */
    bool inputs_only;        /* no t is looked for: it is 0, and `classes` 0 */
} nb_dataset_file_options;

/* nb_dataset_load - the dataset in one or two files.
 *
 *   d        out  x as in the file, (n, ...), with scale 255 if it holds bytes, else 1; t int32 (n)
 *                 with classes, or float64 (n, m)
 *   classes  out  their names: the numbers of t, sorted; count 0: t are numbers
 *   path     in   .npz or .safetensors with arrays x and t; or x alone: a .npy, or, with any other
 *                 suffix, an IDX file, raw or gzipped
 *   targets  in   t in a file of its own, .npy or IDX; NULL: it is in `path`
 *   options  in   NULL: defaults
 * Errors: those of nb_arrays_load and nb_idx_read; NB_EFORMAT no array x or t; NB_ESHAPE another
 *         number of targets than samples, a scalar or vector x; NB_ERANGE NaN or infinity, with
 *         its place; one class only; a target that is no class of the options; NB_EINVAL;
 *         NB_ENOMEM. *d and *classes are zeroed then. */
nb_status nb_dataset_load(nb_dataset *d, nb_names *classes, const char *path, const char *targets,
                          const nb_dataset_file_options *options);

NB_END_DECLS
#endif
