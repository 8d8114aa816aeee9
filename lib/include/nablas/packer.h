/* packer.h - a data set's images as the packed matrices that a network takes.
 *
 * Four fifths of MNIST's pixels are 0, and which they are differs little from batch to batch: 259
 * of the 784 columns are used by more than a quarter of the images, and hold 86 % of the pixels
 * that are not 0. So a set is stored once more, when its packer is made: the bytes of those common
 * columns side by side, which go into BLAS, and the other pixels that are not 0 one by one. A batch
 * of it is 0.4 of the bytes, and needs no search. */
#ifndef NABLAS_PACKER_H
#define NABLAS_PACKER_H

#include "nablas/mnist.h"
#include "nablas/packed.h"
#include "nablas/threads.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nb_packer nb_packer;

/* nb_packer_create - read a set, and make room for batches of it.
 *
 *   d      in  a set that is `flatten`, which must stay as it is as long as the packer
 *   dtype  in  of the batches: float32 or float64
 *   rows   in  images of the largest batch
 *   pool   in  NULL, or who does it
 *   whole  in  leave nothing out. It is so in any case where leaving out would not pay: where more
 *              than seven columns of eight are common, as in photographs; and of sets of more than
 *              2^16 pixels or 2^32 - 1 images
 * nb_packer_destroy - free it; NULL is fine.
 * Errors: NB_EDTYPE; NB_EINVAL rows = 0; NB_ESHAPE a set that is empty or not flattened;
 *         NB_EOVERFLOW; NB_ENOMEM. *packer is NULL then.
 * Cost:   two passes over the images; for MNIST 0.4 of their bytes. */
nb_status nb_packer_create(nb_packer **packer, const nb_dataset *d, nb_dtype dtype, size_t rows,
                           nb_pool *pool, bool whole);
void nb_packer_destroy(nb_packer *packer);

/* nb_packer_pack - images index[0] ... index[n-1], or lo ... lo+n-1 if index is NULL.
 *
 *   index   in   must stay until the rows are written
 *   packed  out  (n, pixels), as nb_dataset_gather's x, with a `fill` that writes the rows; valid
 *                until the next call
 * Errors: NB_ESHAPE n > rows; NB_ERANGE an image that is not there.
 * Cost:   a look at each index; of `fill` one pass over the batch. No allocation. */
nb_status nb_packer_pack(nb_packer *packer, size_t n, const size_t *index, size_t lo,
                         nb_packed *packed);

#ifdef __cplusplus
}
#endif
#endif
