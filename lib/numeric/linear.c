/* LAPACK stores columns, nablas rows: LAPACK sees the transpose of a row-major array. A symmetric
 * matrix is its own; elsewhere LAPACK is asked for the transposed problem, so that only right-hand
 * sides are ever turned round. The LAPACKE functions ending in _work take workspace from their
 * caller, so that all memory is nb_alloc's. */
#include "nablas/linear.h"
#include "nablas/memory.h"
#include "numeric/finite.h"

#include <float.h>
#include <lapacke.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* LAPACK's name for the lower triangle of ours. */
#define LOWER 'U'

/* Sizes that fit LAPACK's int, m with n rows of a ridge below it; the m rows of A finite, up to the
 * diagonal if `lower`. */
static nb_status check(const char *who, size_t m, size_t n, size_t k, const double *A, bool lower)
{
    if (n > INT_MAX || m > INT_MAX - n || k > INT_MAX)
        return nb_fail(NB_EOVERFLOW, "%s: A is (%zu, %zu), k=%zu: beyond LAPACK's int", who, m, n,
                       k);
    for (size_t i = 0; i < m && n > 0; i++) {
        const size_t end = lower ? i + 1 : n;
        const size_t j = nb_first_not_finite(end, A + i * n);
        if (j < end) return nb_fail(NB_EDIVERGED, "%s: A[%zu][%zu]=%g", who, i, j, A[i * n + j]);
    }
    return NB_OK;
}

/* columns(k,rows), rows of it `ld` apart, := B(rows,k)^T, and back. */
static void to_columns(size_t rows, size_t k, const double *B, double *columns, size_t ld)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < k; j++) columns[j * ld + i] = B[i * k + j];
}

static void from_columns(size_t rows, size_t k, const double *columns, size_t ld, double *B)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < k; j++) B[i * k + j] = columns[j * ld + i];
}

nb_status nb_symmetric_eigenvalues(size_t n, const double *A, double *values, double *vectors)
{
    nb_status status = check("nb_symmetric_eigenvalues", n, n, 0, A, true);
    if (status || n == 0) return status;
    const int order = (int)n;
    const char job = vectors ? 'V' : 'N';
    double best;
    LAPACKE_dsyev_work(LAPACK_COL_MAJOR, job, LOWER, order, NULL, order, NULL, &best, -1);
    double *V = nb_alloc(n * n + n + (size_t)best, sizeof *V);
    if (!V) return NB_ENOMEM;
    double *lambda = V + n * n;
    memcpy(V, A, n * n * sizeof *V);
    const int info = LAPACKE_dsyev_work(LAPACK_COL_MAJOR, job, LOWER, order, V, order, lambda,
                                        lambda + n, (int)best);
    if (info) {
        status = nb_fail(NB_EDIVERGED, "nb_symmetric_eigenvalues: %d values did not settle", info);
    } else {
        memcpy(values, lambda, n * sizeof *values);
        if (vectors) memcpy(vectors, V, n * n * sizeof *vectors);
    }
    nb_free(V);
    return status;
}

nb_status nb_solve_positive_definite(size_t n, size_t k, const double *A, const double *B,
                                     double *X)
{
    nb_status status = check("nb_solve_positive_definite", n, n, k, A, true);
    if (status || n == 0 || k == 0) return status;
    double *L = nb_alloc(n * (n + k), sizeof *L);
    if (!L) return NB_ENOMEM;
    double *columns = L + n * n;
    memcpy(L, A, n * n * sizeof *L);
    to_columns(n, k, B, columns, n);
    const int info =
        LAPACKE_dposv_work(LAPACK_COL_MAJOR, LOWER, (int)n, (int)k, L, (int)n, columns, (int)n);
    if (info)
        status = nb_fail(NB_ESINGULAR,
                         "nb_solve_positive_definite: A (%zu, %zu) is not positive definite: its "
                         "leading %d rows and columns are not",
                         n, n, info);
    else
        from_columns(n, k, columns, n, X);
    nb_free(L);
    return status;
}

/* Least squares over `rows` >= n equations in place: A becomes its factor, the first n of each row
 * of `columns` the solution. DGELS sees A^T: it takes A^T = L Q, or R where A is square. */
static nb_status solve_by_factors(size_t rows, size_t n, size_t k, double *A, double *columns,
                                  double *work, int work_size)
{
    const int info = LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'T', (int)n, (int)rows, (int)k, A, (int)n,
                                        columns, (int)rows, work, work_size);
    if (info)
        return nb_fail(NB_ESINGULAR, "nb_least_squares: column %d of A depends on those before it",
                       info - 1);
    double rcond;
    int *integers = nb_alloc(n, sizeof *integers);
    if (!integers) return NB_ENOMEM;
    LAPACKE_dtrcon_work(LAPACK_COL_MAJOR, '1', rows > n ? 'L' : 'U', 'N', (int)n, A, (int)n, &rcond,
                        work, integers);
    nb_free(integers);
    if (rcond < (double)n * DBL_EPSILON / 2)
        return nb_fail(NB_ESINGULAR,
                       "nb_least_squares: the columns of A are dependent: reciprocal condition "
                       "number %.1e",
                       rcond);
    return NB_OK;
}

nb_status nb_least_squares(size_t m, size_t n, size_t k, const double *A, const double *B,
                           double ridge, double *X)
{
    if (!(ridge >= 0) || !isfinite(ridge))
        return nb_fail(NB_EINVAL, "nb_least_squares: ridge=%g, expected 0 or above", ridge);
    const size_t rows = m + (ridge > 0 ? n : 0); /* ridge: n equations sqrt(ridge) x_j = 0 more */
    nb_status status = check("nb_least_squares", m, n, k, A, false);
    if (status || n == 0 || k == 0) return status;
    if (rows < n)
        return nb_fail(NB_ESINGULAR, "nb_least_squares: %zu equations for %zu unknowns", m, n);

    double best;
    LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'T', (int)n, (int)rows, (int)k, NULL, (int)n, NULL,
                       (int)rows, &best, -1);
    const size_t work_size = (size_t)best > 3 * n ? (size_t)best : 3 * n; /* DTRCON: 3n */
    double *factor = nb_alloc(rows * (n + k) + work_size, sizeof *factor);
    if (!factor) return NB_ENOMEM;
    double *columns = factor + rows * n, *work = columns + rows * k;
    if (m) memcpy(factor, A, m * n * sizeof *factor);
    memset(factor + m * n, 0, (rows - m) * n * sizeof *factor);
    for (size_t j = 0; j < rows - m; j++) factor[(m + j) * n + j] = sqrt(ridge);
    memset(columns, 0, rows * k * sizeof *columns);
    to_columns(m, k, B, columns, rows);
    status = solve_by_factors(rows, n, k, factor, columns, work, (int)work_size);
    if (!status) from_columns(n, k, columns, rows, X);
    nb_free(factor);
    return status;
}
