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
    if (!A && m > 0 && n > 0) return nb_fail(NB_EINVAL, "%s: A is NULL", who);
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
    if (!values) return nb_fail(NB_EINVAL, "nb_symmetric_eigenvalues: values is NULL");
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
    if (!B || !X) return nb_fail(NB_EINVAL, "nb_solve_positive_definite: B or X is NULL");
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

/* min |E Y - F|, E = (A over sqrt(ridge) I) with column j divided by 2^exponent[j]: then columns in
 * any units are of like length, and the conditions below do not depend on the units. */
typedef struct problem {
    size_t m, n, k, rows;
    const double *A, *B;
    double ridge;
    double *E;     /* rows * n */
    double *right; /* (k,rows): F^T, then Y^T in the first n of each row */
    double *work;
    int work_size;
    int *exponent, *integers; /* (n) each; integers: pivots, or DTRCON's */
    int zero;
    double rcond;
} problem;

/* E in column-major order if `columns`, else row by row; and F. */
static void set_up(problem *p, bool columns)
{
    const size_t down = columns ? 1 : p->n, across = columns ? p->rows : 1;
    for (size_t i = 0; i < p->rows; i++)
        for (size_t j = 0; j < p->n; j++)
            p->E[i * down + j * across] = ldexp(i < p->m        ? p->A[i * p->n + j]
                                                : i - p->m == j ? sqrt(p->ridge)
                                                                : 0,
                                                -p->exponent[j]);
    memset(p->right, 0, p->rows * p->k * sizeof *p->right);
    to_columns(p->m, p->k, p->B, p->right, p->rows);
}

static void find_units(problem *p)
{
    for (size_t j = 0; j < p->n; j++) {
        double largest = sqrt(p->ridge);
        for (size_t i = 0; i < p->m; i++) largest = fmax(largest, fabs(p->A[i * p->n + j]));
        frexp(largest, &p->exponent[j]);
    }
}

/* By orthogonal factors in place. DGELS sees E^T: it takes E^T = L Q, or R where E is square.
 * Dependent columns leave `zero`, the first that is, or `rcond`. */
static bool solve_by_factors(problem *p)
{
    const int n = (int)p->n, rows = (int)p->rows;
    set_up(p, false);
    p->zero = LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'T', n, rows, (int)p->k, p->E, n, p->right, rows,
                                 p->work, p->work_size);
    if (p->zero) return false;
    LAPACKE_dtrcon_work(LAPACK_COL_MAJOR, '1', rows > n ? 'L' : 'U', 'N', n, p->E, n, &p->rcond,
                        p->work, p->integers);
    return p->rcond >= (double)n * DBL_EPSILON / 2;
}

static nb_status tell_dependent(const problem *p)
{
    if (p->zero)
        return nb_fail(NB_ESINGULAR, "nb_least_squares: column %d of A depends on those before it",
                       p->zero - 1);
    return nb_fail(NB_ESINGULAR,
                   "nb_least_squares: the columns of A are dependent: reciprocal condition "
                   "number %.1e",
                   p->rcond);
}

/* A ridge so small that it is lost in rounding E has one effect left: of all X that solve the rest
 * it takes the shortest. E P = Q R by a factor with pivots leaves `rank` equations R P^T Y = Q^T F,
 * which DGELS solves in the units of X. */
static nb_status solve_dependent(problem *p)
{
    const int n = (int)p->n, rows = (int)p->rows, k = (int)p->k;
    double *R = nb_alloc_zero(p->n + 1, p->n * sizeof *R);
    if (!R) return NB_ENOMEM;
    double *tau = R + p->n * p->n;
    memset(p->integers, 0, p->n * sizeof *p->integers);
    set_up(p, true);
    LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, rows, n, p->E, rows, p->integers, tau, p->work,
                        p->work_size);
    LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', rows, k, n, p->E, rows, tau, p->right, rows,
                        p->work, p->work_size);
    const double noise = (double)n * DBL_EPSILON * fabs(p->E[0]);
    size_t rank = 0;
    for (; rank < p->n && fabs(p->E[rank + rank * p->rows]) > noise; rank++)
        for (size_t c = rank; c < p->n; c++) {
            const size_t j = (size_t)p->integers[c] - 1;
            R[rank + j * p->n] = ldexp(p->E[rank + c * p->rows], p->exponent[j]);
        }
    p->zero = LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'N', (int)rank, n, k, R, n, p->right, rows,
                                 p->work, p->work_size);
    memset(p->exponent, 0, p->n * sizeof *p->exponent);
    nb_free(R);
    return p->zero ? tell_dependent(p) : NB_OK;
}

/* What the largest of the calls to LAPACK wants. */
static int work_wanted(const problem *p)
{
    const int n = (int)p->n, rows = (int)p->rows, k = (int)p->k;
    double want[4] = {0}, most = 3 * (double)n + 1; /* DTRCON: 3n */
    LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'T', n, rows, k, NULL, n, NULL, rows, &want[0], -1);
    if (p->ridge > 0) {
        LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, rows, n, NULL, rows, NULL, NULL, &want[1], -1);
        LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', rows, k, n, NULL, rows, NULL, NULL, rows,
                            &want[2], -1);
        LAPACKE_dgels_work(LAPACK_COL_MAJOR, 'N', n, n, k, NULL, n, NULL, rows, &want[3], -1);
    }
    for (size_t i = 0; i < 4; i++) most = fmax(most, want[i]);
    return (int)most;
}

nb_status nb_least_squares(size_t m, size_t n, size_t k, const double *A, const double *B,
                           double ridge, double *X)
{
    if (!(ridge >= 0) || !isfinite(ridge))
        return nb_fail(NB_EINVAL, "nb_least_squares: ridge=%g, expected 0 or above", ridge);
    /* ridge: n equations sqrt(ridge) x_j = 0 more */
    problem p = {m, n, k, m + (ridge > 0 ? n : 0), A, B, .ridge = ridge};
    nb_status status = check("nb_least_squares", m, n, k, A, false);
    if (status || n == 0 || k == 0) return status;
    if (!X || (m && !B)) return nb_fail(NB_EINVAL, "nb_least_squares: B or X is NULL");
    if (p.rows < n)
        return nb_fail(NB_ESINGULAR, "nb_least_squares: %zu equations for %zu unknowns", m, n);

    p.work_size = work_wanted(&p);
    p.E = nb_alloc(p.rows * (n + k) + (size_t)p.work_size, sizeof *p.E);
    p.exponent = nb_alloc(n, 2 * sizeof *p.exponent);
    status = p.E && p.exponent ? NB_OK : NB_ENOMEM;
    if (!status) {
        p.right = p.E + p.rows * n;
        p.work = p.right + p.rows * k;
        p.integers = p.exponent + n;
        find_units(&p);
        if (!solve_by_factors(&p)) status = ridge > 0 ? solve_dependent(&p) : tell_dependent(&p);
    }
    for (size_t j = 0; j < n && !status; j++)
        for (size_t c = 0; c < k; c++)
            X[j * k + c] = ldexp(p.right[c * p.rows + j], -p.exponent[j]);
    nb_free(p.exponent);
    nb_free(p.E);
    return status;
}
