/* packer.h - batches of images from bytes to the packed matrices that a network takes.
 *
 * Four fifths of MNIST's pixels are 0. Of a hundred images some 270 of the 784 columns are 0
 * throughout and left out; some 150 more are used by an eighth of the images or fewer, and their
 * few pixels are kept one by one; the others go side by side into BLAS. */
#ifndef NABLAS_PACKER_H
#define NABLAS_PACKER_H

#include "nablas/mnist.h"
#include "nablas/packed.h"
#include "nablas/threads.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nb_packer nb_packer;

/* nb_packer_create - workspace for batches of up to `rows` images of `pixels` pixels, packed by up
 * to `threads` threads into matrices of float32 or float64.
 * nb_packer_destroy - free it; NULL is fine.
 * Errors: NB_EDTYPE; NB_EINVAL rows, pixels or threads = 0; NB_EOVERFLOW; NB_ENOMEM; *packer is
 *         NULL then. */
nb_status nb_packer_create(nb_packer **packer, nb_dtype dtype, size_t rows, size_t pixels,
                           size_t threads);
void nb_packer_destroy(nb_packer *packer);

/* nb_packer_pack - images index[0] ... index[n-1], or lo ... lo+n-1 if index is NULL.
 *
 *   pool    in   NULL, or a pool of no more threads than at creation
 *   d       in   a set that is `flatten`
 *   whole   in   leave nothing out
 *   packed  out  (n, pixels), as nb_dataset_gather's x; valid until the next call. Nothing is left
 *                out where that would not pay, as in Fashion-MNIST
 * Errors: NB_ESHAPE images of another size, not flattened, or n > rows; NB_ERANGE an image that is
 *         not there.
 * Cost:   two passes over the images' bytes, one over the packed batch; no allocation. */
nb_status nb_packer_pack(nb_packer *packer, nb_pool *pool, const nb_dataset *d, size_t n,
                         const size_t *index, size_t lo, bool whole, nb_packed *packed);

#ifdef __cplusplus
}
#endif
#endif
