/* mnist.h - the MNIST digits, and other sets with the same file names and format, such as
 * Fashion-MNIST; textbook 3.6.1. They are two datasets (dataset.h): images stay bytes in memory, 47
 * MB for the 60,000, and are converted to floating point as a batch is fetched (as floats they
 * would take 188 MB). */
#ifndef NABLAS_MNIST_H
#define NABLAS_MNIST_H

#include "nablas/dataset.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

#define NB_MNIST_CLASSES 10

/* The three switches of the book's load_mnist: pixels from 0 to 1 rather than 0 to 255; an image
 * as one row of a matrix rather than (1, 28, 28); a label as a row of ten with a single 1 rather
 * than an integer. And how many images are read, the first of each set: 0 means all, NB_MNIST_NONE
 * none, which leaves the set empty and its files unopened. */
typedef struct nb_mnist_options {
    bool normalize, flatten, one_hot_label;
    size_t train, test;
} nb_mnist_options;

#define NB_MNIST_NONE ((size_t)-1)
#define NB_MNIST_DEFAULTS (NB_LITERAL(nb_mnist_options){true, true, false, 0, 0})

typedef struct nb_mnist {
    nb_dataset train;     /* 60,000: x uint8 (n, rows columns) or, not flattened, (n, 1, rows,
                             columns); t uint8 (n); ten classes; scale 255 or 1 */
    nb_dataset test;      /* 10,000 */
    size_t rows, columns; /* of an image */
} nb_mnist;

/* nb_mnist_load - read train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
 * t10k-labels-idx1-ubyte from the folder `dir`; if one is missing, its .gz, or the name with a dot
 * (train-images.idx3-ubyte), or that name's .gz.
 * nb_mnist_destroy - free it and zero the struct; fine on a zeroed or half-built one and on NULL.
 *
 *   m        out  old contents never read
 *   dir      in   a folder; scripts/get_mnist.sh fills one
 *   options  in   NULL: NB_MNIST_DEFAULTS, the book's
 * Errors: NB_EINVAL  dir is NULL, or its name too long
 *         NB_EIO     a file is missing or cannot be read
 *         NB_EDTYPE  elements other than uint8
 *         NB_ESHAPE  images not (n, rows, columns) or labels not (n), all above 0; fewer or more
 *                    labels than images; test images of another size than training images
 *         NB_ERANGE  a label above 9
 *         and those of nb_idx_read. Each message names the file, what was found and what was
 *         expected. *m is then zeroed and nothing stays allocated.
 * Cost:   one pass over the images and labels asked for; their bytes and nothing more. */
nb_status nb_mnist_load(nb_mnist *m, const char *dir, const nb_mnist_options *options);
void nb_mnist_destroy(nb_mnist *m);

NB_END_DECLS
#endif
