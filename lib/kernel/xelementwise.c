#include "kernel/pairwise.h"
#include "kernel/vector.h"
#include "nablas/elementwise.h"

#include <math.h>

#ifdef NB_REAL_SINGLE
#define ME(name) "nb_s" name
#else
#define ME(name) "nb_d" name
#endif

/* Up to 128 numbers: eight running sums. */
static real sum_leaf(size_t n, const real *x)
{
    real sum = 0;
    size_t i = 0;
    if (n >= 8) {
        real r[8];
        for (size_t j = 0; j < 8; j++) r[j] = x[j];
        for (i = 8; i < n / 8 * 8; i += 8)
            for (size_t j = 0; j < 8; j++) r[j] += x[i + j];
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++) sum += x[i];
    return sum;
}

static real sum_pairs(size_t lo, size_t n, NB(terms) * terms, const void *context)
{
    real room[128];
    if (n <= 128) return sum_leaf(n, terms(context, lo, n, room));
    const size_t half = n / 2 / 8 * 8;
    return sum_pairs(lo, half, terms, context) + sum_pairs(lo + half, n - half, terms, context);
}

/* 8192 numbers are what NumPy's reductions hand to its pairwise loop at a time. */
real NB(sum_of)(size_t n, NB(terms) * terms, const void *context)
{
    enum { block = 8192 };
    real sum = 0;
    for (size_t lo = 0; lo < n; lo += block)
        sum += sum_pairs(lo, n - lo < block ? n - lo : block, terms, context);
    return sum;
}

static const real *in_place(const void *x, size_t lo, size_t n, real *room)
{
    (void)n, (void)room;
    return (const real *)x + lo;
}

/* + 0, for NumPy adds to 0: numbers that are all -0 give 0. */
real NB(sum)(size_t n, const real *x)
{
    return n <= 128 ? sum_leaf(n, x) + 0 : NB(sum_of)(n, in_place, x);
}

void NB(scale)(size_t n, real alpha, const real *x, real beta, real *y)
{
    NB(vector_table)()->scale(n, alpha, x, beta, y);
}

void NB(add)(size_t n, const real *a, const real *b, real *y)
{
    NB(vector_table)()->add(n, a, b, y);
}

void NB(multiply)(size_t n, const real *a, const real *b, real beta, real *y)
{
    NB(vector_table)()->multiply(n, a, b, beta, y);
}

void NB(log)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->log(n, x, y);
}

void NB(square)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->square(n, x, y);
}

void NB(square_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->square_backward(n, x, dy, beta, dx);
}

void NB(sqrt)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->sqrt(n, x, y);
}

void NB(sqrt_backward)(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->sqrt_backward(n, y, dy, beta, dx);
}

void NB(abs)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->abs(n, x, y);
}

void NB(abs_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->abs_backward(n, x, dy, beta, dx);
}

void NB(subtract)(size_t n, const real *a, const real *b, real *y)
{
    NB(vector_table)()->subtract(n, a, b, y);
}

void NB(divide)(size_t n, const real *a, const real *b, real beta, real *y)
{
    NB(vector_table)()->divide(n, a, b, beta, y);
}

static void fill(size_t n, real value, real *y)
{
    for (size_t i = 0; i < n; i++) y[i] = value;
}

void NB(power)(size_t n, real p, const real *x, real *y)
{
    if (p == 0)
        fill(n, 1, y);
    else if (p == 1)
        NB(scale)(n, 1, x, 0, y);
    else if (p == 2)
        NB(square)(n, x, y);
    else if (p == (real)0.5)
        NB(sqrt)(n, x, y);
    else if (p == -1)
        for (size_t i = 0; i < n; i++) y[i] = 1 / x[i];
    else
        for (size_t i = 0; i < n; i++) y[i] = MATH(pow)(x[i], p);
}

void NB(power_backward)(size_t n, real p, const real *x, const real *dy, real beta, real *dx)
{
    enum { block = 256 };
    real slope[block];
    for (size_t lo = 0; lo < n; lo += block) {
        const size_t width = n - lo < block ? n - lo : block;
        if (p == 0) /* not 0 times 1/0 */
            fill(width, 0, slope);
        else
            NB(power)(width, p - 1, x + lo, slope);
        NB(scale)(width, p, slope, 0, slope);
        NB(multiply)(width, slope, dy + lo, beta, dx + lo);
    }
}

void NB(nudge_rows)(size_t n, size_t m, const real *B, const uint32_t *row, const real *d,
                    const real *w, real *Y)
{
    NB(vector_table)()->nudge_rows(n, m, B, row, d, w, Y);
}

void NB(sgd)(size_t n, real lr, const real *g, real *w)
{
    NB(vector_table)()->sgd(n, lr, g, w);
}

void NB(from_bytes)(size_t n, const uint8_t *bytes, float divisor, real *y)
{
    NB(vector_table)()->from_bytes(n, bytes, divisor, y);
}

static nb_status check_stride(const char *function, size_t m, size_t ldy)
{
    if (ldy >= (m ? m : 1)) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: ldy=%zu < m=%zu", function, ldy, m ? m : 1);
}

nb_status NB(column_sums)(size_t n, size_t m, real alpha, const real *Y, size_t ldy, real beta,
                          real *b)
{
    enum { block = 256 };
    real sum[block];
    nb_status status = check_stride(ME("column_sums"), m, ldy);
    if (status) return status;
    for (size_t lo = 0; lo < m; lo += block) {
        const size_t width = m - lo < block ? m - lo : block;
        NB(vector_table)()->sum_rows(n, width, Y + lo, ldy, sum);
        NB(scale)(width, alpha, sum, beta, b + lo);
    }
    return NB_OK;
}

size_t NB(argmax)(size_t n, const real *x)
{
    /* Without branches, which scores would mislead. */
    real max = n ? x[0] : 0;
    size_t best = 0;
    bool ordered = true;
    for (size_t i = 0; i < n; i++) {
        const bool greater = x[i] > max;
        ordered &= x[i] == x[i];
        max = greater ? x[i] : max;
        best = greater ? i : best;
    }
    for (size_t i = 0; !ordered && i < n; i++)
        if (x[i] != x[i]) return i;
    return best;
}

nb_status NB(count_correct)(size_t n, size_t m, const real *Y, size_t ldy, const int32_t *labels,
                            size_t *count)
{
    nb_status status = check_stride(ME("count_correct"), m, ldy);
    if (status) return status;
    size_t correct = 0;
    for (size_t i = 0; i < n; i++)
        correct += labels[i] >= 0 && (size_t)labels[i] < m &&
                   NB(argmax)(m, Y + i * ldy) == (size_t)labels[i];
    *count = correct;
    return NB_OK;
}

bool NB(all_finite)(size_t n, const real *x)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}
