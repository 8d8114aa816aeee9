#include "kernel/vector.h"
#include "nablas/activation.h"

#include <math.h>

#ifdef NB_REAL_SINGLE
#define SOFTMAX "nb_ssoftmax"
#else
#define SOFTMAX "nb_dsoftmax"
#endif

void NB(exp)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->exponential(n, x, y);
}

void NB(sigmoid)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->sigmoid(n, x, y);
}

void NB(sigmoid_backward)(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->sigmoid_backward(n, y, dy, beta, dx);
}

void NB(relu)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->relu(n, x, y);
}

void NB(relu_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->relu_backward(n, x, dy, beta, dx);
}

void NB(step)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->step(n, x, y);
}

static real maximum(size_t m, const real *x)
{
    real max = x[0];
    for (size_t j = 1; j < m; j++)
        if (x[j] > max) max = x[j]; /* a NaN that is passed over reaches the row by its sum */
    return max;
}

nb_status NB(softmax)(size_t n, size_t m, const real *X, size_t ldx, real *Y, size_t ldy)
{
    if (ldx < (m ? m : 1) || ldy < (m ? m : 1))
        return nb_fail(NB_EINVAL, SOFTMAX ": ldx=%zu or ldy=%zu < m=%zu", ldx, ldy, m ? m : 1);
    if (m == 0) return NB_OK;
    for (size_t i = 0; i < n; i++) {
        const real max = maximum(m, X + i * ldx);
        for (size_t j = 0; j < m; j++) Y[i * ldy + j] = X[i * ldx + j] - max;
    }
    /* Rows are short: one long exp fills the vectors that ten columns would not. */
    if (ldy == m)
        NB(exp)(n * m, Y, Y);
    else
        for (size_t i = 0; i < n; i++) NB(exp)(m, Y + i * ldy, Y + i * ldy);
    for (size_t i = 0; i < n; i++) {
        real *y = Y + i * ldy, sum = 0;
        for (size_t j = 0; j < m; j++) sum += y[j];
        for (size_t j = 0; j < m; j++) y[j] /= sum;
    }
    return NB_OK;
}

void NB(softmax_backward)(size_t n, size_t m, const real *Y, const real *dY, real beta, real *dX)
{
    for (size_t i = 0; i < n; i++) {
        const real *y = Y + i * m, *dy = dY + i * m;
        real *dx = dX + i * m, dot = 0;
        for (size_t j = 0; j < m; j++) dot += dy[j] * y[j];
        for (size_t j = 0; j < m; j++) {
            const real share = y[j] * (dy[j] - dot);
            dx[j] = beta == 0 ? share : share + beta * dx[j];
        }
    }
}
