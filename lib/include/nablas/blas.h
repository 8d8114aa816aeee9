/* blas.h - matrix products and the affine layer, on plain arrays, in two precisions.
 *
 * Matrices are row-major; ld* is the distance between rows, in elements. Every product of the
 * toolkit goes through nb_sgemm or nb_dgemm, and so through cblas_sgemm or cblas_dgemm. */
#ifndef NABLAS_BLAS_H
#define NABLAS_BLAS_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* nb_{s,d}gemm - matrix product by BLAS, with arguments checked, in blocks of rows where that is
 * faster.
 *
 *   C(m,n) := alpha op(A)(m,k) op(B)(k,n) + beta C        op(M) = M, or M^T where trans_* is set
 *
 *   m,n,k  in      m = 0 or n = 0 is a no-op; k = 0 gives C := beta C
 *   A      in      (m,k), or (k,m) if trans_a; row stride lda >= max(1, its columns)
 *   B      in      (k,n), or (n,k) if trans_b; row stride ldb >= max(1, its columns)
 *   C      in/out  (m,n), row stride ldc >= max(1,n); not read if beta = 0; must not overlap A or B
 * Errors: NB_EINVAL short stride; NB_EOVERFLOW a size or stride beyond BLAS's int; C untouched.
 *         NaN and Inf propagate.
 * Cost:   2mnk flop. Thread-safe for distinct C.
 * Source: Dongarra, Du Croz, Hammarling & Duff, ACM TOMS 16 (1990). */
nb_status nb_sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                   const float *A, size_t lda, const float *B, size_t ldb, float beta, float *C,
                   size_t ldc);
nb_status nb_dgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, double alpha,
                   const double *A, size_t lda, const double *B, size_t ldb, double beta, double *C,
                   size_t ldc);

/* nb_share_rows - rows lo ... hi-1 of C(m,n) for call `part` of `parts` that compute it together,
 * so that C has the same bits for any number of parts, with BLAS on one thread. BLAS computes rows
 * in groups, and those of an incomplete group in another order. Shares therefore begin at multiples
 * of NB_ROW_GROUP and have at least that many rows, or none. 24 is a multiple of the groups (1, 2,
 * 3, 4, 8, 12) of OpenBLAS 0.3.21's kernels for x86-64; the tests check the kernels of the machine
 * that they run on. */
enum { NB_ROW_GROUP = 24 };
void nb_share_rows(size_t m, size_t part, size_t parts, size_t *lo, size_t *hi);

/* nb_{s,d}affine - forward pass of an affine layer, one xGEMM.
 *
 *   Y(n,m) := X(n,k) W(k,m) + 1(n) b(m)^T
 *
 *   n,k,m  in   rows, inputs, outputs; n = 0 or m = 0 is a no-op
 *   X      in   (n,k), row stride ldx >= max(1,k)
 *   W      in   (k,m), row stride ldw >= max(1,m)
 *   b      in   (m), or NULL for none
 *   Y      out  (n,m), row stride ldy >= max(1,m); old contents never read;
 *               must not overlap X, W or b
 * The bias is added to each block of rows when BLAS has written it, while it is in a cache.
 * Errors: as nb_sgemm; Y untouched.
 * Cost:   2nkm flop, no workspace.
 * Source: textbook 3.3.3 and 5.6; Rumelhart, Hinton & Williams, Nature 323 (1986), eq. 1. */
nb_status nb_saffine(size_t n, size_t k, size_t m, const float *X, size_t ldx, const float *W,
                     size_t ldw, const float *b, float *Y, size_t ldy);
nb_status nb_daffine(size_t n, size_t k, size_t m, const double *X, size_t ldx, const double *W,
                     size_t ldw, const double *b, double *Y, size_t ldy);

/* nb_blas_threads - how many threads BLAS uses for one product now.
 * nb_blas_set_threads - set that number, n >= 1, for all threads of the process.
 * With another BLAS than OpenBLAS the first returns 1 and the second does nothing: see the
 * documentation of that BLAS. */
int nb_blas_threads(void);
void nb_blas_set_threads(int n);

/* nb_blas_begin_single - make BLAS use one thread for each product, whatever was set: the bits of a
 * product then do not depend on the number of BLAS's threads, and threads that share a product
 * (nb_share_rows) do not each start more of them.
 * nb_blas_end_single - restore the number set before, or set by nb_blas_set_threads in between.
 *
 * Calls may be nested and made on any threads; the last end restores. The setting is process-wide.
 * Cost: a tenth of a microsecond for both. */
void nb_blas_begin_single(void);
void nb_blas_end_single(void);

/* nb_blas_concurrent - whether threads can multiply at the same time. An OpenBLAS built without
 * threads is not thread-safe: nb_sgemm and nb_dgemm then admit one thread at a time, and more than
 * one thread gains little. */
bool nb_blas_concurrent(void);

/* nb_blas_core - OpenBLAS's name for the processor it picked its kernels for, "SkylakeX"; "unknown"
 * for another BLAS.
 * nb_blas_description - BLAS's name, version and build options: "OpenBLAS 0.3.21 NO_LAPACKE
 * DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64, threads of its own". */
const char *nb_blas_core(void);
const char *nb_blas_description(void);

NB_END_DECLS
#endif
