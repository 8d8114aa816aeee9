/* affine.h - an affine layer and what follows it, in one pass; for the tables of kernels.h.
 *
 *   affine_relu  Y(n,m) := max(0, X(n,k) W(k,m) + 1(n) b(m)^T), to the bit nb_?relu of nb_?affine;
 *                b is not NULL. Errors, cost: as nb_?affine
 *   add_bias     Y(n,m) := Y + 1(n) b(m)^T; with `relu` max(0, that); row stride ldy. Cost: one pass */
#ifndef NABLAS_AFFINE_H
#define NABLAS_AFFINE_H

#include "kernel/real.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

nb_status NB(affine_relu)(size_t n, size_t k, size_t m, const real *X, size_t ldx, const real *W,
                          size_t ldw, const real *b, real *Y, size_t ldy);
void NB(add_bias)(size_t n, size_t m, const real *b, bool relu, real *Y, size_t ldy);

#endif
