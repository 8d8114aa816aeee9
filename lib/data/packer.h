/* packer.h - batches of a matrix of bytes in packed form (nablas/packed.h); for lib/data alone.
 *
 * Four fifths of MNIST's pixels are 0, and which they are differs little from batch to batch: 259
 * of the 784 columns are used by more than a quarter of the images, and hold 86 % of the pixels
 * that are not 0. So a set is stored once more, when its packer is made: the bytes of those common
 * columns side by side, which go into BLAS, and the other pixels that are not 0 one by one. A batch
 * of it is 0.4 of the bytes, and needs no search. */
#ifndef NABLAS_PACKER_H
#define NABLAS_PACKER_H

#include "nablas/packed.h"
#include "nablas/threads.h"

typedef struct nb_packer nb_packer;

/* nb_packer_create - read the bytes, and make room for batches of them.
 *
 *   packer  out  NULL where packing would not pay: more than seven columns of eight are common, as
 *                in photographs; or there are more than 2^16 columns or 2^32 - 1 rows
 *   bytes   in   uint8 (n, k), n, k > 0, which must stay as it is as long as the packer
 *   scale   in   a byte means (float)byte / scale
 *   dtype   in   of the batches: float32 or float64
 *   rows    in   of the largest batch
 *   pool    in   the threads that do it; NULL: the caller
 * nb_packer_destroy - free it; NULL is fine.
 * Errors: NB_EOVERFLOW; NB_ENOMEM. *packer is NULL then.
 * Cost:   two passes over the bytes; for MNIST 0.4 of them in memory. */
nb_status nb_packer_create(nb_packer **packer, const nb_tensor *bytes, float scale, nb_dtype dtype,
                           size_t rows, nb_pool *pool);
void nb_packer_destroy(nb_packer *packer);

/* nb_packer_pack - rows index[0] ... index[n-1], or first ... first+n-1 if index is NULL; n and all
 * of them within bounds.
 *
 *   index  in   must stay until the rows are written
 *   x      out  (n, k), packed; valid until the next call. nb_packer_fill writes its rows
 * Cost: a look at each index; of nb_packer_fill one pass over the batch. No allocation. */
void nb_packer_pack(nb_packer *packer, size_t n, const size_t *index, size_t first, nb_tensor *x);
nb_status nb_packer_fill(void *packer, size_t lo, size_t hi);

#endif
