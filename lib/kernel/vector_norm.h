/* vector_norm.h - batch norm's loops over rows (n, m) that lie one behind the other; see
 * normalize.h. For vector.c alone. */
#ifndef NABLAS_VECTOR_NORM_H
#define NABLAS_VECTOR_NORM_H

#include "kernel/vector_math.h"

static void square_deviations(size_t n, size_t m, const real *X, const real *mean, real *sum)
{
    for (size_t j = 0; j < m; j++) sum[j] = 0;
    for (size_t i = 0; i < n; i++, X += m) {
        INDEPENDENT
        for (size_t j = 0; j < m; j++) sum[j] += (X[j] - mean[j]) * (X[j] - mean[j]);
    }
}

static void multiply_rows(size_t n, size_t m, const real *A, const real *B, real *sum)
{
    for (size_t j = 0; j < m; j++) sum[j] = 0;
    for (size_t i = 0; i < n; i++, A += m, B += m) {
        INDEPENDENT
        for (size_t j = 0; j < m; j++) sum[j] += A[j] * B[j];
    }
}

static inline __attribute__((always_inline)) void normalize_row(size_t m, const real *x,
                                                                const real *const column[4],
                                                                const bool relu, real *xn, real *y)
{
    const real *mean = column[0], *std = column[1], *gamma = column[2], *beta = column[3];
    INDEPENDENT
    for (size_t j = 0; j < m; j++) {
        const real n = (x[j] - mean[j]) / std[j], scaled = n * gamma[j] + beta[j];
        xn[j] = n;
        if (relu)
            y[j] = scaled <= 0 ? 0 : scaled;
        else
            y[j] = scaled;
    }
}

static void normalize(size_t n, size_t m, const real *X, const real *const column[4], bool relu,
                      real *XN, real *Y)
{
    for (size_t i = 0; i < n; i++, X += m, XN += m, Y += m)
        if (relu)
            normalize_row(m, X, column, true, XN, Y);
        else
            normalize_row(m, X, column, false, XN, Y);
}

static void normalize_backward(size_t n, size_t m, const real *DY, const real *XN,
                               const real *const column[3], real beta, real *DX)
{
    const real *gain = column[0], *shift = column[1], *tilt = column[2];
    for (size_t i = 0; i < n; i++, DY += m, XN += m, DX += m) {
        if (beta == 0) {
            INDEPENDENT
            for (size_t j = 0; j < m; j++) DX[j] = (XN[j] * tilt[j] + shift[j] + DY[j]) * gain[j];
        } else {
            INDEPENDENT
            for (size_t j = 0; j < m; j++)
                DX[j] = (XN[j] * tilt[j] + shift[j] + DY[j]) * gain[j] + beta * DX[j];
        }
    }
}

#endif
