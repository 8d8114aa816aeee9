#include "kernel/affine.h"
#include "kernel/blocks.h"
#include "kernel/real.h"
#include "kernel/vector.h"
#include "nablas/blas.h"

#include <cblas.h>
#include <limits.h>

#ifdef NB_REAL_SINGLE
#define GEMM "nb_sgemm"
#else
#define GEMM "nb_dgemm"
#endif

/* BLAS's integer is an int unless OpenBLAS was built with 64-bit ones. */
#if defined(OPENBLAS_USE64BITINT)
typedef blasint integer;
#else
typedef int integer;
#endif
static const size_t largest = sizeof(integer) == sizeof(int) ? INT_MAX : (size_t)LLONG_MAX;

static nb_status check(const char *name, size_t value, const char *stride, size_t ld)
{
    if (ld < (value ? value : 1))
        return nb_fail(NB_EINVAL, GEMM ": %s=%zu < %s=%zu", stride, ld, name, value ? value : 1);
    if (ld > largest)
        return nb_fail(NB_EOVERFLOW, GEMM ": %s=%zu is beyond BLAS's largest %zu", stride, ld,
                       largest);
    return NB_OK;
}

static nb_status check_all(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, size_t lda,
                           size_t ldb, size_t ldc)
{
    nb_status status;
    if ((status = check(trans_a ? "m" : "k", trans_a ? m : k, "lda", lda)) ||
        (status = check(trans_b ? "k" : "n", trans_b ? k : n, "ldb", ldb)) ||
        (status = check("n", n, "ldc", ldc)))
        return status;
    if (m > largest || n > largest || k > largest)
        return nb_fail(NB_EOVERFLOW, GEMM ": m=%zu n=%zu k=%zu, beyond BLAS's largest %zu", m, n, k,
                       largest);
    return NB_OK;
}

static void multiply(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, real alpha,
                     const real *A, size_t lda, const real *B, size_t ldb, real beta, real *C,
                     size_t ldc)
{
    const size_t rows = nb_block_rows(trans_a, trans_b, m, n, k);
    const int before = nb_blas_enter();
    for (size_t i = 0; i < m; i += rows) BLAS(gemm)
    (CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans,
     (integer)(m - i < rows ? m - i : rows), (integer)n, (integer)k, alpha,
     A + (trans_a ? i : i * lda), (integer)lda, B, (integer)ldb, beta, C + i * ldc, (integer)ldc);
    nb_blas_leave(before);
}

/* A B^T by way of a copy of B^T, whose products need no packing. */
static void multiply_copy(size_t m, size_t n, size_t k, real alpha, const real *A, size_t lda,
                          const real *B, size_t ldb, real beta, real *C, size_t ldc)
{
    real copy[NB_COPY_BYTES / sizeof(real)] __attribute__((aligned(64)));
    NB(vector_table)()->transpose(n, k, B, ldb, copy);
    multiply(false, false, m, n, k, alpha, A, lda, copy, n, beta, C, ldc);
}

nb_status NB(gemm)(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, real alpha,
                   const real *A, size_t lda, const real *B, size_t ldb, real beta, real *C,
                   size_t ldc)
{
    nb_status status = check_all(trans_a, trans_b, m, n, k, lda, ldb, ldc);
    if (status) return status;
    if (m == 0 || n == 0) return NB_OK;
    if (!trans_a && trans_b && nb_block_copies(m, n, k, sizeof *B))
        multiply_copy(m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
    else
        multiply(trans_a, trans_b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
    return NB_OK;
}

/* The bias, and relu, block by block: what BLAS has just written is still in a cache. */
static nb_status affine(size_t n, size_t k, size_t m, const real *X, size_t ldx, const real *W,
                        size_t ldw, const real *b, bool relu, real *Y, size_t ldy)
{
    nb_status status = check_all(false, false, n, m, k, ldx, ldw, ldy);
    const size_t rows = m ? nb_block_rows(false, false, n, m, k) : n;
    for (size_t i = 0; i < n && !status; i += rows) {
        const size_t some = n - i < rows ? n - i : rows;
        status =
            NB(gemm)(false, false, some, m, k, 1, X + i * ldx, ldx, W, ldw, 0, Y + i * ldy, ldy);
        if (!status && b) NB(vector_table)()->add_bias(some, m, b, relu, Y + i * ldy, ldy);
    }
    return status;
}

nb_status NB(affine)(size_t n, size_t k, size_t m, const real *X, size_t ldx, const real *W,
                     size_t ldw, const real *b, real *Y, size_t ldy)
{
    return affine(n, k, m, X, ldx, W, ldw, b, false, Y, ldy);
}

nb_status NB(affine_relu)(size_t n, size_t k, size_t m, const real *X, size_t ldx, const real *W,
                          size_t ldw, const real *b, real *Y, size_t ldy)
{
    return affine(n, k, m, X, ldx, W, ldw, b, true, Y, ldy);
}

void NB(add_bias)(size_t n, size_t m, const real *b, bool relu, real *Y, size_t ldy)
{
    NB(vector_table)()->add_bias(n, m, b, relu, Y, ldy);
}
