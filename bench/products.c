/* BLAS without us. */
#include "bench.h"

#include <cblas.h>

void bench_blas_threads(size_t threads)
{
    if (nb_blas_threads() != (int)threads) nb_blas_set_threads((int)threads);
}

void bench_cblas(nb_dtype dtype, bool trans_a, bool trans_b, size_t m, size_t n, size_t k,
                 double alpha, const void *A, const void *B, double beta, void *C)
{
    const enum CBLAS_TRANSPOSE ta = trans_a ? CblasTrans : CblasNoTrans;
    const enum CBLAS_TRANSPOSE tb = trans_b ? CblasTrans : CblasNoTrans;
    const int M = (int)m, N = (int)n, K = (int)k;
    const int lda = trans_a ? M : K, ldb = trans_b ? K : N;
    if (dtype == NB_FLOAT32)
        cblas_sgemm(CblasRowMajor, ta, tb, M, N, K, (float)alpha, A, lda, B, ldb, (float)beta, C,
                    N);
    else
        cblas_dgemm(CblasRowMajor, ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, N);
}
