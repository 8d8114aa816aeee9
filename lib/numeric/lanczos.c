#include "nablas/lanczos.h"
#include "nablas/memory.h"
#include "numeric/finite.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* k rows of Q, and T = Q A Q^T, with its diagonal alpha and beta beside it; beta[k-1] leads to the
 * next row. */
typedef struct lanczos {
    size_t n, k;
    int exponent;            /* Q and T are those of A / 2^exponent */
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

/* The exponent e of the largest element, 2^(e-1) <= |x_i| < 2^e. */
static int exponent_of(size_t n, const double *x)
{
    int e = 0;
    frexp(fabs(x[cblas_idamax((int)n, x, 1)]), &e);
    return e;
}

/* q := x / |x|, also where the square of |x|, or 1 / |x|, is no number. */
static void normalise(size_t n, const double *x, double *q)
{
    const int e = exponent_of(n, x);
    for (size_t i = 0; i < n; i++) q[i] = ldexp(x[i], -e);
    const double length = cblas_dnrm2((int)n, q, 1);
    for (size_t i = 0; i < n; i++) q[i] /= length;
}

/* w := w - Q^T Q w; the last of Q w is returned. */
static double orthogonalise(lanczos *l, double *w)
{
    const int k = (int)l->k, n = (int)l->n;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, k, n, 1, l->Q, n, w, 1, 0, l->dot, 1);
    cblas_dgemv(CblasRowMajor, CblasTrans, k, n, -1, l->Q, n, l->dot, 1, 1, w, 1);
    return l->dot[k - 1];
}

/* Elements whose squares might overflow, or are denormal, are taken in other units. Those of the
 * first product decide. */
static void scale_product(lanczos *l, double *w)
{
    if (l->k == 1) {
        const int e = exponent_of(l->n, w);
        l->exponent = abs(e) > 400 ? e : 0;
    }
    if (l->exponent)
        for (size_t i = 0; i < l->n; i++) w[i] = ldexp(w[i], -l->exponent);
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
    scale_product(l, w);
    l->alpha[l->k - 1] = orthogonalise(l, w);
    const double before = cblas_dnrm2((int)l->n, w, 1);
    orthogonalise(l, w);
    const double after = cblas_dnrm2((int)l->n, w, 1);
    /* What a second pass still shortens is rounding error along Q: A leads to nothing new. */
    l->beta[l->k - 1] = after < before / 2 ? 0 : after;
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
        /* A beta of rounding errors is 0: the space of Q is invariant. */
        if (l->k == room || largest->residual <= tolerance * norm ||
            l->beta[l->k - 1] <= DBL_EPSILON * norm)
            return NB_OK;
        normalise(l->n, l->Q + l->k * l->n, l->Q + l->k * l->n);
    }
}

static nb_status check(nb_operator apply, size_t n, const double *v, double tolerance,
                       size_t iterations, const nb_eigenvalue *largest)
{
    if (!apply || !v || !largest)
        return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: apply, v or largest is NULL");
    if (n == 0 || iterations == 0 || !(tolerance >= 0))
        return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: n=%zu, iterations=%zu, tolerance=%g", n,
                       iterations, tolerance);
    if (n > INT_MAX) return nb_fail(NB_EOVERFLOW, "nb_largest_eigenvalue: n=%zu", n);
    const size_t i = nb_first_not_finite(n, v);
    if (i < n) return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: v[%zu]=%g", i, v[i]);
    if (v[cblas_idamax((int)n, v, 1)] == 0)
        return nb_fail(NB_EINVAL, "nb_largest_eigenvalue: v is 0, expected a direction");
    return NB_OK;
}

nb_status nb_largest_eigenvalue(nb_operator apply, void *context, size_t n, double *v,
                                double tolerance, size_t iterations, nb_eigenvalue *largest)
{
    lanczos l;
    nb_eigenvalue found = {0};
    const size_t room = iterations < n ? iterations : n;
    nb_status status = check(apply, n, v, tolerance, iterations, largest);
    if (!status) status = create(&l, n, room);
    if (status) return status;
    normalise(n, v, l.Q);
    status = search(&l, apply, context, tolerance, room, &found);
    if (!status) {
        const double *s = l.S + (l.k - 1) * l.k;
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)l.k, (int)n, 1, l.Q, (int)n, s, 1, 0, v, 1);
        *largest = (nb_eigenvalue){ldexp(found.value, l.exponent),
                                   ldexp(found.residual, l.exponent), found.iterations};
    }
    nb_free(l.Q);
    return status;
}
