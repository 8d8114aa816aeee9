#include "nablas/lanczos.h"
#include "nablas/memory.h"
#include "numeric/finite.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <string.h>

/* k rows of Q, and T = Q A Q^T, with its diagonal alpha and beta beside it; beta[k-1] leads to the
 * next row. */
typedef struct lanczos {
    size_t n, k;
    double *Q;               /* (room+1, n), orthonormal rows; row k is the next one */
    double *alpha, *beta;    /* (room) */
    double *d, *e, *S, *dot; /* (room), (room), (room, room), (2 room): work */
} lanczos;

static nb_status create(lanczos *l, size_t n, size_t room)
{
    size_t basis, small;
    *l = (lanczos){.n = n};
    if (!nb_size_mul(room + 1, n, &basis) || !nb_size_mul(room, room + 6, &small) ||
        !nb_size_add(basis, small, &basis))
        return nb_fail(NB_EOVERFLOW, "nb_largest_eigenvalue: %zu vectors of %zu", room, n);
    l->Q = nb_alloc(basis, sizeof *l->Q);
    if (!l->Q) return NB_ENOMEM;
    l->alpha = l->Q + (room + 1) * n;
    l->beta = l->alpha + room;
    l->d = l->beta + room;
    l->e = l->d + room;
    l->dot = l->e + room;
    l->S = l->dot + 2 * room;
    return NB_OK;
}

/* w := w - Q^T Q w; the last of Q w is returned. */
static double orthogonalise(lanczos *l, double *w)
{
    const int k = (int)l->k, n = (int)l->n;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, k, n, 1, l->Q, n, w, 1, 0, l->dot, 1);
    cblas_dgemv(CblasRowMajor, CblasTrans, k, n, -1, l->Q, n, l->dot, 1, 1, w, 1);
    return l->dot[k - 1];
}

/* One product: another row and column of T, and in row k of Q the next vector, of length beta. */
static nb_status extend(lanczos *l, nb_operator apply, void *context)
{
    double *w = l->Q + (l->k + 1) * l->n;
    nb_status status = apply(l->n, l->Q + l->k * l->n, w, context);
    if (status) return status;
    const size_t i = nb_first_not_finite(l->n, w);
    if (i < l->n)
        return nb_fail(NB_EDIVERGED, "nb_largest_eigenvalue: product %zu has element %zu at %g",
                       l->k + 1, i, w[i]);
    l->k++;
    l->alpha[l->k - 1] = orthogonalise(l, w);
    orthogonalise(l, w);
    l->beta[l->k - 1] = cblas_dnrm2((int)l->n, w, 1);
    return NB_OK;
}

/* Eigenvalues d of T, and its eigenvectors as rows of S; |A| as far as T knows it. */
static nb_status diagonalise(lanczos *l, nb_eigenvalue *largest, double *norm)
{
    const size_t k = l->k;
    memcpy(l->d, l->alpha, k * sizeof *l->d);
    memcpy(l->e, l->beta, k * sizeof *l->e);
    if (LAPACKE_dstev_work(LAPACK_COL_MAJOR, 'V', (int)k, l->d, l->e, l->S, (int)k, l->dot))
        return nb_fail(NB_EDIVERGED, "nb_largest_eigenvalue: DSTEV did not settle");
    largest->value = l->d[k - 1];
    largest->residual = l->beta[k - 1] * fabs(l->S[k * k - 1]);
    largest->iterations = k;
    *norm = fmax(fabs(l->d[0]), fabs(l->d[k - 1]));
    return NB_OK;
}

static nb_status search(lanczos *l, nb_operator apply, void *context, double tolerance, size_t room,
                        nb_eigenvalue *largest)
{
    for (;;) {
        double norm = 0;
        nb_status status = extend(l, apply, context);
        if (!status) status = diagonalise(l, largest, &norm);
        if (status) return status;
        if (l->k == room || largest->residual <= tolerance * norm) return NB_OK;
        cblas_dscal((int)l->n, 1 / l->beta[l->k - 1], l->Q + l->k * l->n, 1);
    }
}

static nb_status check(size_t n, const double *v, double tolerance, size_t iterations)
{
    if (n == 0 || iterations == 0 || !(tolerance >= 0))
        return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: n=%zu, iterations=%zu, tolerance=%g", n,
                       iterations, tolerance);
    if (n > INT_MAX) return nb_fail(NB_EOVERFLOW, "nb_largest_eigenvalue: n=%zu", n);
    const double length = cblas_dnrm2((int)n, v, 1);
    if (!(length > 0) || !isfinite(length))
        return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: |v|=%g, expected above 0 and finite",
                       length);
    return NB_OK;
}

nb_status nb_largest_eigenvalue(nb_operator apply, void *context, size_t n, double *v,
                                double tolerance, size_t iterations, nb_eigenvalue *largest)
{
    lanczos l;
    nb_eigenvalue found;
    const size_t room = iterations < n ? iterations : n;
    nb_status status = check(n, v, tolerance, iterations);
    if (!status) status = create(&l, n, room);
    if (status) return status;
    memcpy(l.Q, v, n * sizeof *v);
    cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, v, 1), l.Q, 1);
    status = search(&l, apply, context, tolerance, room, &found);
    if (!status) {
        const double *s = l.S + (l.k - 1) * l.k;
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)l.k, (int)n, 1, l.Q, (int)n, s, 1, 0, v, 1);
        *largest = found;
    }
    nb_free(l.Q);
    return status;
}
