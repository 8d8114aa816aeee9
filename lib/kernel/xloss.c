#include "kernel/pairwise.h"
#include "kernel/real.h"
#include "nablas/elementwise.h"
#include "nablas/loss.h"

#include <math.h>

#ifdef NB_REAL_SINGLE
#define ME(name) "nb_s" name
#else
#define ME(name) "nb_d" name
#endif

/* What the losses differ in: the loss of row i. */
typedef struct batch {
    const char *function;
    size_t n, m, ldy, ldt;
    const real *Y, *T; /* outputs or logits; one-hot targets, or NULL: labels */
    const int32_t *labels;
    real epsilon;
    real (*row)(const struct batch *b, size_t i);
    real *each;
} batch;

/* The losses of rows lo ... lo+n-1. */
static const real *row_losses(const void *context, size_t lo, size_t n, real *room)
{
    const batch *b = context;
    real *losses = b->each ? b->each + lo : room;
    for (size_t i = 0; i < n; i++) losses[i] = b->row(b, lo + i);
    return losses;
}

/* The sum of all rows' losses. */
static nb_status fold(const batch *b, real *sum)
{
    const size_t least = b->m ? b->m : 1;
    if (b->ldy < least)
        return nb_fail(NB_EINVAL, "%s: ldy=%zu < m=%zu", b->function, b->ldy, least);
    if (b->T && b->ldt < least)
        return nb_fail(NB_EINVAL, "%s: ldt=%zu < m=%zu", b->function, b->ldt, least);
    for (size_t i = 0; b->labels && i < b->n; i++)
        if (b->labels[i] < 0 || (size_t)b->labels[i] >= b->m)
            return nb_fail(NB_ERANGE, "%s: t[%zu]=%ld is no label of m=%zu classes", b->function, i,
                           (long)b->labels[i], b->m);
    *sum = NB(sum_of)(b->n, row_losses, b);
    return NB_OK;
}

static nb_status mean_of(const batch *b, real *loss)
{
    real sum = 0;
    nb_status status = fold(b, &sum);
    if (!status && loss) *loss = b->n ? sum / (real)b->n : 0;
    return status;
}

/* One row, and a sum over its columns. */
typedef struct row {
    const real *y, *t;
    real epsilon, max;
    size_t first; /* column of max */
} row;

static real sum_row(const batch *b, NB(terms) * terms, size_t i)
{
    const row r = {b->Y + i * b->ldy, b->T + i * b->ldt, b->epsilon, 0, 0};
    return NB(sum_of)(b->m, terms, &r);
}

static const real *squares(const void *context, size_t lo, size_t n, real *room)
{
    const row *r = context;
    for (size_t j = 0; j < n; j++) {
        const real d = r->y[lo + j] - r->t[lo + j];
        room[j] = d * d;
    }
    return room;
}

static real squared_error(const batch *b, size_t i)
{
    return (real)0.5 * sum_row(b, squares, i);
}

nb_status NB(mean_squared_error)(size_t n, size_t m, const real *Y, size_t ldy, const real *T,
                                 size_t ldt, real *each, real *loss)
{
    const batch b = {ME("mean_squared_error"), n, m, ldy, ldt, Y, T, NULL, 0, squared_error, each};
    real sum = 0;
    nb_status status = fold(&b, &sum);
    if (!status && loss) *loss = sum;
    return status;
}

/* Where t is 0 the term is 0, also for y = 0 and an exact logarithm, but NaN for a NaN. */
static const real *entropy_terms(const void *context, size_t lo, size_t n, real *room)
{
    const row *r = context;
    for (size_t j = 0; j < n; j++) {
        const real y = r->y[lo + j], t = r->t[lo + j];
        room[j] = t * (t == 0 ? y : MATH(log)(y + r->epsilon));
    }
    return room;
}

static real entropy_row(const batch *b, size_t i)
{
    return b->labels ? -MATH(log)(b->Y[i * b->ldy + (size_t)b->labels[i]] + b->epsilon)
                     : -sum_row(b, entropy_terms, i);
}

nb_status NB(cross_entropy_error)(size_t n, size_t m, const real *Y, size_t ldy, const real *T,
                                  size_t ldt, real epsilon, real *each, real *loss)
{
    const batch b = {
        ME("cross_entropy_error"), n, m, ldy, ldt, Y, T, NULL, epsilon, entropy_row, each};
    return mean_of(&b, loss);
}

nb_status NB(cross_entropy_error_labels)(size_t n, size_t m, const real *Y, size_t ldy,
                                         const int32_t *t, real epsilon, real *each, real *loss)
{
    const batch b = {
        ME("cross_entropy_error_labels"), n, m, ldy, 0, Y, NULL, t, epsilon, entropy_row, each};
    return mean_of(&b, loss);
}

/* e^(a_j - max) without the largest, whose 1 would swallow the others; NaN if max is infinite. */
static const real *others(const void *context, size_t lo, size_t n, real *room)
{
    const row *r = context;
    for (size_t j = 0; j < n; j++)
        room[j] = MATH(exp)(r->y[lo + j] - r->max) - (lo + j == r->first);
    return room;
}

static const real *weights_below(const void *context, size_t lo, size_t n, real *room)
{
    const row *r = context;
    for (size_t j = 0; j < n; j++) {
        const real t = r->t[lo + j];
        room[j] = t == 0 ? 0 : t * (r->y[lo + j] - r->max);
    }
    return room;
}

/* Terms relative to the maximum, so that the large parts cancel before they are added:
 * log sum e^(a_j - max) * sum t - sum t_j (a_j - max). */
static real logit_row(const batch *b, size_t i)
{
    if (b->m == 0) return 0;
    const real *a = b->Y + i * b->ldy;
    const size_t first = NB(argmax)(b->m, a);
    const row r = {a, b->T ? b->T + i * b->ldt : NULL, 0, a[first], first};
    const real rest = MATH(log1p)(NB(sum_of)(b->m, others, &r));
    if (b->labels) return rest - (a[b->labels[i]] - r.max);
    return rest * NB(sum)(b->m, r.t) - NB(sum_of)(b->m, weights_below, &r);
}

nb_status NB(logit_cross_entropy)(size_t n, size_t m, const real *A, size_t lda, const real *T,
                                  size_t ldt, real *each, real *loss)
{
    const batch b = {ME("logit_cross_entropy"), n, m, lda, ldt, A, T, NULL, 0, logit_row, each};
    return mean_of(&b, loss);
}

nb_status NB(logit_cross_entropy_labels)(size_t n, size_t m, const real *A, size_t lda,
                                         const int32_t *t, real *each, real *loss)
{
    const batch b = {
        ME("logit_cross_entropy_labels"), n, m, lda, 0, A, NULL, t, 0, logit_row, each};
    return mean_of(&b, loss);
}

nb_status NB(residual)(size_t n, size_t m, const real *g, const real *Y, const real *T,
                       const int32_t *labels, real beta, real *dA)
{
    for (size_t i = 0; i < n; i++) {
        if (!T && (labels[i] < 0 || (size_t)labels[i] >= m))
            return nb_fail(NB_ERANGE,
                           ME("residual") ": labels[%zu]=%ld is no label of m=%zu classes", i,
                           (long)labels[i], m);
        for (size_t j = 0; j < m; j++) {
            const real t = T ? T[i * m + j] : (real)(j == (size_t)labels[i]);
            const real share = g[i] * (Y[i * m + j] - t);
            dA[i * m + j] = beta == 0 ? share : share + beta * dA[i * m + j];
        }
    }
    return NB_OK;
}
