#include "kernel/pairwise.h"
#include "kernel/vector.h"
#include "nablas/activation.h"

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

void NB(tanh)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->tanh(n, x, y);
}

void NB(tanh_backward)(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->tanh_backward(n, y, dy, beta, dx);
}

void NB(leaky_relu)(size_t n, real slope, const real *x, real *y)
{
    NB(vector_table)()->leaky_relu(n, slope, x, y);
}

void NB(leaky_relu_backward)(size_t n, real slope, const real *x, const real *dy, real beta,
                             real *dx)
{
    NB(vector_table)()->leaky_relu_backward(n, slope, x, dy, beta, dx);
}

void NB(elu)(size_t n, real alpha, const real *x, real *y)
{
    NB(vector_table)()->elu(n, alpha, x, y);
}

void NB(elu_backward)(size_t n, real alpha, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->elu_backward(n, alpha, x, dy, beta, dx);
}

void NB(gelu)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->gelu(n, x, y);
}

void NB(gelu_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->gelu_backward(n, x, dy, beta, dx);
}

void NB(softplus)(size_t n, const real *x, real *y)
{
    NB(vector_table)()->softplus(n, x, y);
}

void NB(softplus_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(vector_table)()->softplus_backward(n, x, dy, beta, dx);
}

nb_status NB(softmax)(size_t n, size_t m, const real *X, size_t ldx, real *Y, size_t ldy)
{
    if (ldx < (m ? m : 1) || ldy < (m ? m : 1))
        return nb_fail(NB_EINVAL, SOFTMAX ": ldx=%zu or ldy=%zu < m=%zu", ldx, ldy, m ? m : 1);
    if (m) NB(vector_table)()->softmax(n, m, X, ldx, Y, ldy);
    return NB_OK;
}

static const real *products(const void *context, size_t lo, size_t n, real *room)
{
    const real *const *yd = context;
    for (size_t j = 0; j < n; j++) room[j] = yd[1][lo + j] * yd[0][lo + j];
    return room;
}

void NB(softmax_backward)(size_t n, size_t m, const real *Y, const real *dY, real beta, real *dX)
{
    for (size_t i = 0; i < n; i++) {
        const real *y = Y + i * m, *dy = dY + i * m, *const yd[] = {y, dy};
        const real dot = NB(sum_of)(m, products, yd);
        real *dx = dX + i * m;
        for (size_t j = 0; j < m; j++) {
            const real share = y[j] * (dy[j] - dot);
            dx[j] = beta == 0 ? share : share + beta * dx[j];
        }
    }
}
