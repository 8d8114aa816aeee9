/* vector_update.h - the optimisers' loops; see update.h. For vector.c alone.
 *
 * Each statement is one of NumPy's, in its order, so that float64 has its bits. Constants are
 * computed in double and then rounded: 1 - beta2 of single precision would be 5e-5 off. */
#ifndef NABLAS_VECTOR_UPDATE_H
#define NABLAS_VECTOR_UPDATE_H

#include "kernel/vector_math.h"
#include "nablas/update.h"

/* The numbers that every step has. */
typedef struct common {
    real lr, scale, l2, keep;
} common;

static inline common common_of(const nb_update *u)
{
    return (common){(real)u->lr, (real)u->scale, (real)u->l2, (real)u->keep};
}

/* The gradient that a step sees. Without decay w is left out, as 0 times infinity is NaN. */
static inline real seen(const common *c, real g, real w)
{
    return c->l2 == 0 ? c->scale * g : c->scale * g + c->l2 * w;
}

static void momentum(size_t n, const nb_update *u, const real *g, real *v, real *w)
{
    const common c = common_of(u);
    const real mu = (real)u->momentum;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        v[i] = mu * v[i] - c.lr * seen(&c, g[i], w[i]);
        w[i] = c.keep * w[i] + v[i];
    }
}

static void nesterov(size_t n, const nb_update *u, const real *g, real *v, real *w)
{
    const common c = common_of(u);
    const real mu = (real)u->momentum, mu2 = (real)(u->momentum * u->momentum);
    const real far = (real)((1 + u->momentum) * u->lr);
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real gradient = seen(&c, g[i], w[i]);
        w[i] = c.keep * w[i] + mu2 * v[i] - far * gradient;
        v[i] = mu * v[i] - c.lr * gradient;
    }
}

static void adagrad(size_t n, const nb_update *u, const real *g, real *h, real *w)
{
    const common c = common_of(u);
    const real epsilon = (real)u->epsilon;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real gradient = seen(&c, g[i], w[i]);
        h[i] += gradient * gradient;
        w[i] = c.keep * w[i] - c.lr * gradient / (MATH(sqrt)(h[i]) + epsilon);
    }
}

static void rmsprop(size_t n, const nb_update *u, const real *g, real *h, real *w)
{
    const common c = common_of(u);
    const real epsilon = (real)u->epsilon;
    const real decay = (real)u->decay, rest = (real)(1 - u->decay);
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real gradient = seen(&c, g[i], w[i]);
        h[i] = decay * h[i] + rest * gradient * gradient;
        w[i] = c.keep * w[i] - c.lr * gradient / (MATH(sqrt)(h[i]) + epsilon);
    }
}

static void adam(size_t n, const nb_update *u, const real *g, real *m, real *v, real *w)
{
    const common c = common_of(u);
    const real epsilon = (real)u->epsilon;
    const real rest1 = (real)(1 - u->beta1), rest2 = (real)(1 - u->beta2);
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real gradient = seen(&c, g[i], w[i]);
        m[i] += rest1 * (gradient - m[i]);
        v[i] += rest2 * (gradient * gradient - v[i]);
        w[i] = c.keep * w[i] - c.lr * m[i] / (MATH(sqrt)(v[i]) + epsilon);
    }
}

/* Eight running sums, in double in both precisions. */
static double sum_squares(size_t n, const real *x)
{
    double r[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) r[j] += (double)x[i + j] * (double)x[i + j];
    for (size_t j = 0; i + j < n; j++) r[j] += (double)x[i + j] * (double)x[i + j];
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
}

#endif
