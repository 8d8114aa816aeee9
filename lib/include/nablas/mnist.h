/* mnist.h - the MNIST digits, and whatever comes in files of the same names and form, as
 * Fashion-MNIST; textbook 3.6.1.
 *
 * Images stay bytes in memory, 47 MB for the 60,000, and become real numbers as a batch is gathered
 * (188 MB if they were kept so). */
#ifndef NABLAS_MNIST_H
#define NABLAS_MNIST_H

#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NB_MNIST_CLASSES 10

/* The three switches of the book's load_mnist: pixels from 0 to 1 rather than 0 to 255; an image
 * as one row of a matrix rather than (1, 28, 28); a label as a row of ten with a single 1 rather
 * than an integer. */
typedef struct nb_mnist_options {
    bool normalize, flatten, one_hot_label;
} nb_mnist_options;

#define NB_MNIST_DEFAULTS ((nb_mnist_options){true, true, false})

/* Images with their labels. It may also be put together by hand, over a caller's bytes (views), or
 * over some rows of another set (nb_tensor_rows). */
typedef struct nb_dataset {
    nb_tensor images; /* uint8 (n, rows, columns) */
    nb_tensor labels; /* uint8 (n), each below NB_MNIST_CLASSES */
    bool normalize, flatten, one_hot_label;
} nb_dataset;

typedef struct nb_mnist {
    nb_dataset train; /* 60,000 */
    nb_dataset test;  /* 10,000 */
} nb_mnist;

/* nb_mnist_load - read train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
 * t10k-labels-idx1-ubyte from the folder `dir`; where one is missing, its .gz.
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
 * Cost:   one pass over the files; their bytes and nothing more. */
nb_status nb_mnist_load(nb_mnist *m, const char *dir, const nb_mnist_options *options);
void nb_mnist_destroy(nb_mnist *m);

/* nb_dataset_count - number of images.
 * nb_dataset_x_shape, nb_dataset_t_shape - shapes of a batch of n: (n, rows columns) or
 * (n, 1, rows, columns); (n), or (n, 10) if one_hot_label. */
size_t nb_dataset_count(const nb_dataset *d);
nb_shape nb_dataset_x_shape(const nb_dataset *d, size_t n);
nb_shape nb_dataset_t_shape(const nb_dataset *d, size_t n);

/* nb_dataset_gather - images index[0] ... index[n-1] and their labels; an index may repeat.
 * nb_dataset_range - images lo ... hi-1 and theirs.
 *
 *   d      in   a loaded set
 *   index  in   (n), each below nb_dataset_count(d)
 *   x      out  float32 or float64, nb_dataset_x_shape(d, n); NULL: not wanted. A pixel is
 *               (float) byte / 255.0f, the quotient rounded to single precision in float64 too, as
 *               the book's loader does; the byte itself if not `normalize`
 *   t      out  int32, nb_dataset_t_shape(d, n); float32 or float64 if `one_hot_label`; NULL: not
 *               wanted
 * Units:  pixels from 0, the paper, to 1, the ink.
 * Errors: NB_EDTYPE, NB_ESHAPE  of x or t; NB_ERANGE an index, lo or hi beyond the images, lo > hi,
 *         or a label above 9 to be written as a row. x and t are then untouched.
 * Cost:   one pass over the batch; no allocation. Thread-safe for distinct x and t. */
nb_status nb_dataset_gather(const nb_dataset *d, size_t n, const size_t *index, nb_tensor *x,
                            nb_tensor *t);
nb_status nb_dataset_range(const nb_dataset *d, size_t lo, size_t hi, nb_tensor *x, nb_tensor *t);

#ifdef __cplusplus
}
#endif
#endif
