/* normalize.h - the loops of batch norm, over n rows of m numbers without a gap; textbook 6.3.
 *
 *   square_deviations   sum[j] := sum over i of (X[i][j] - mean[j])^2, row by row
 *   multiply_rows       sum[j] := sum over i of A[i][j] B[i][j], row by row
 *   normalize           XN := (X - mean) / std;  Y := XN gamma + beta, with `relu` max(0, that)
 *                       column: mean, std, gamma, beta, each (m)
 *   normalize_backward  DX := (XN tilt + shift + DY) gain + beta DX
 *                       column: gain, shift, tilt, each (m)
 *
 * Nothing overlaps. With beta = 0 DX is not read. Errors: none; NaN and Inf propagate. Cost: one pass.
 * The bits are the same for every instruction set. */
#ifndef NABLAS_NORMALIZE_H
#define NABLAS_NORMALIZE_H

#include "kernel/real.h"

#include <stdbool.h>
#include <stddef.h>

void NB(square_deviations)(size_t n, size_t m, const real *X, const real *mean, real *sum);
void NB(multiply_rows)(size_t n, size_t m, const real *A, const real *B, real *sum);
void NB(normalize)(size_t n, size_t m, const real *X, const real *const column[4], bool relu,
                   real *XN, real *Y);
void NB(normalize_backward)(size_t n, size_t m, const real *DY, const real *XN,
                            const real *const column[3], real beta, real *DX);

#endif
