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
} batch;
typedef real row_loss(const batch *b, size_t i);

/* Fold the rows' losses in blocks: sum in NumPy's order within a block. A block is as long as what
 * NumPy sums without splitting, so up to 128 samples agree with it to the last bit. */
static nb_status fold(const batch *b, row_loss *row, real *each, real *sum)
{
    enum { block = 128 };
    real losses[block], total = 0;
    if (b->ldy < (b->m ? b->m : 1))
        return nb_fail(NB_EINVAL, "%s: ldy=%zu < m=%zu", b->function, b->ldy, b->m ? b->m : 1);
    if (b->T && b->ldt < (b->m ? b->m : 1))
        return nb_fail(NB_EINVAL, "%s: ldt=%zu < m=%zu", b->function, b->ldt, b->m ? b->m : 1);
    for (size_t lo = 0; lo < b->n; lo += block) {
        const size_t width = b->n - lo < block ? b->n - lo : block;
        for (size_t i = 0; i < width; i++) {
            if (b->labels && (b->labels[lo + i] < 0 || (size_t)b->labels[lo + i] >= b->m))
                return nb_fail(NB_ERANGE, "%s: t[%zu]=%ld is no label of m=%zu classes",
                               b->function, lo + i, (long)b->labels[lo + i], b->m);
            losses[i] = row(b, lo + i);
            if (each) each[lo + i] = losses[i];
        }
        total += NB(sum)(width, losses);
    }
    *sum = total;
    return NB_OK;
}

static nb_status mean_of(const batch *b, row_loss *row, real *each, real *loss)
{
    real sum;
    nb_status status = fold(b, row, each, &sum);
    if (status) return status;
    if (loss) *loss = b->n ? sum / (real)b->n : 0;
    return NB_OK;
}

/* Sum over the columns of a row in NumPy's order, for rows of any length. */
typedef real term(const batch *b, const real *y, const real *t, size_t j);

static real sum_terms(const batch *b, term *f, const real *y, const real *t, size_t lo, size_t n)
{
    real terms[128];
    if (n > 128) {
        const size_t half = n / 2 / 8 * 8;
        return sum_terms(b, f, y, t, lo, half) + sum_terms(b, f, y, t, lo + half, n - half);
    }
    for (size_t j = 0; j < n; j++) terms[j] = f(b, y, t, lo + j);
    return NB(sum)(n, terms);
}

static real sum_row(const batch *b, term *f, size_t i)
{
    return sum_terms(b, f, b->Y + i * b->ldy, b->T + i * b->ldt, 0, b->m);
}

static real square(const batch *b, const real *y, const real *t, size_t j)
{
    (void)b;
    return (y[j] - t[j]) * (y[j] - t[j]);
}

static real squared_error(const batch *b, size_t i)
{
    return (real)0.5 * sum_row(b, square, i);
}

nb_status NB(mean_squared_error)(size_t n, size_t m, const real *Y, size_t ldy, const real *T,
                                 size_t ldt, real *each, real *loss)
{
    const batch b = {ME("mean_squared_error"), n, m, ldy, ldt, Y, T, NULL, 0};
    real sum;
    nb_status status = fold(&b, squared_error, each, &sum);
    if (!status && loss) *loss = sum;
    return status;
}

static real entropy_term(const batch *b, const real *y, const real *t, size_t j)
{
    /* Where t is 0 the term is 0, also for y = 0 and an exact logarithm, but NaN for a NaN. */
    return t[j] * (t[j] == 0 ? y[j] : MATH(log)(y[j] + b->epsilon));
}

static real entropy_row(const batch *b, size_t i)
{
    return b->labels ? -MATH(log)(b->Y[i * b->ldy + (size_t)b->labels[i]] + b->epsilon)
                     : -sum_row(b, entropy_term, i);
}

nb_status NB(cross_entropy_error)(size_t n, size_t m, const real *Y, size_t ldy, const real *T,
                                  size_t ldt, real epsilon, real *each, real *loss)
{
    const batch b = {ME("cross_entropy_error"), n, m, ldy, ldt, Y, T, NULL, epsilon};
    return mean_of(&b, entropy_row, each, loss);
}

nb_status NB(cross_entropy_error_labels)(size_t n, size_t m, const real *Y, size_t ldy,
                                         const int32_t *t, real epsilon, real *each, real *loss)
{
    const batch b = {ME("cross_entropy_error_labels"), n, m, ldy, 0, Y, NULL, t, epsilon};
    return mean_of(&b, entropy_row, each, loss);
}

/* Terms relative to the maximum, so that the large parts cancel before they are added:
 * log sum e^(a_j - max) * sum t - sum t_j (a_j - max). */
static real logit_row(const batch *b, size_t i)
{
    if (b->m == 0) return 0;
    const real *a = b->Y + i * b->ldy, max = a[NB(argmax)(b->m, a)];
    real sum = 0, picked = 0, weight = 0;
    for (size_t j = 0; j < b->m; j++) sum += MATH(exp)(a[j] - max);
    if (b->labels) {
        picked = a[b->labels[i]] - max;
        weight = 1;
    } else {
        const real *t = b->T + i * b->ldt;
        for (size_t j = 0; j < b->m; j++) {
            picked += t[j] == 0 ? 0 : t[j] * (a[j] - max);
            weight += t[j];
        }
    }
    return MATH(log)(sum) * weight - picked;
}

nb_status NB(logit_cross_entropy)(size_t n, size_t m, const real *A, size_t lda, const real *T,
                                  size_t ldt, real *each, real *loss)
{
    const batch b = {ME("logit_cross_entropy"), n, m, lda, ldt, A, T, NULL, 0};
    return mean_of(&b, logit_row, each, loss);
}

nb_status NB(logit_cross_entropy_labels)(size_t n, size_t m, const real *A, size_t lda,
                                         const int32_t *t, real *each, real *loss)
{
    const batch b = {ME("logit_cross_entropy_labels"), n, m, lda, 0, A, NULL, t, 0};
    return mean_of(&b, logit_row, each, loss);
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
