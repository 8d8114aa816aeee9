/* blocks.h - how a product is best handed to BLAS. */
#ifndef NABLAS_BLOCKS_H
#define NABLAS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/* nb_block_rows - rows of C(m,n) for one call; m: all at once.
 *
 * On AVX-512 OpenBLAS multiplies matrices with mnk <= 100^3 straight from where they lie, without
 * copying them to buffers: for the fifty columns of the book's net a sixth faster in float, a third
 * in double (docs/performance.md). So a product a little beyond that is handed over in blocks of
 * rows that are within. Not where a block would be thin, not where BLAS would share the product
 * among threads, and not for op(A) = A, op(B) = B^T, for which there is no such kernel. The choice
 * depends on the sizes and the processor alone: the same bits in every run. */
size_t nb_block_rows(bool trans_a, bool trans_b, size_t m, size_t n, size_t k);

/* nb_block_copies - does A(m,k) B(n,k)^T gain from a copy of B^T, of at most NB_COPY_BYTES? There it
 * does where the kernel above is missing and A has enough rows to pay for the copy. Threads share A in
 * groups of so many rows, or do not share it: the answer, and the bits, are the same either way. */
enum { NB_COPY_BYTES = 80 * 1024 };
bool nb_block_copies(size_t m, size_t n, size_t k, size_t size);

/* nb_blas_enter, nb_blas_leave - around every call of BLAS; `leave` takes what `enter` returned.
 * They keep threads apart where BLAS cannot bear two, and see to the number of BLAS's own threads
 * where that is to be set in each calling thread. */
int nb_blas_enter(void);
void nb_blas_leave(int before);

#endif
