/* vector.h - the hot elementwise loops, built once per instruction set and picked at run time.
 *
 * vector.c is plain C that compilers vectorise; the Makefile compiles it for the baseline of the
 * architecture and, on x86-64, for AVX2 and AVX-512. Each object exports one table. The loops are
 * the same operations in the same order without contraction, so every table gives the same bits
 * (but for a NaN's payload). */
#ifndef NABLAS_VECTOR_H
#define NABLAS_VECTOR_H

#include "kernel/real.h"
#include "kernel/tiles.h"
#include "nablas/sparse.h"
#include "nablas/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NB(vector) {
    /* Lengths are any size_t, pointers need no alignment; y may be x itself. `beta` is BLAS's:
     * with beta = 0 the old contents are not read. */
    void (*exponential)(size_t n, const real *x, real *y);
    void (*sigmoid)(size_t n, const real *x, real *y);
    void (*sigmoid_backward)(size_t n, const real *y, const real *dy, real beta, real *dx);
    void (*softmax)(size_t n, size_t m, const real *X, size_t ldx, real *Y, size_t ldy);
    void (*relu)(size_t n, const real *x, real *y);
    void (*relu_backward)(size_t n, const real *x, const real *dy, real beta, real *dx);
    /* Y := Y + 1 b^T, and then max(0, Y) with `relu`; rows begin ldy apart. */
    void (*add_bias)(size_t n, size_t m, const real *b, bool relu, real *Y, size_t ldy);
    void (*step)(size_t n, const real *x, real *y);
    void (*scale)(size_t n, real alpha, const real *x, real beta, real *y);
    void (*add)(size_t n, const real *a, const real *b, real *y);
    void (*multiply)(size_t n, const real *a, const real *b, real beta, real *y);
    void (*tanh)(size_t n, const real *x, real *y);
    void (*tanh_backward)(size_t n, const real *y, const real *dy, real beta, real *dx);
    void (*leaky_relu)(size_t n, real slope, const real *x, real *y);
    void (*leaky_relu_backward)(size_t n, real slope, const real *x, const real *dy, real beta,
                                real *dx);
    void (*elu)(size_t n, real alpha, const real *x, real *y);
    void (*elu_backward)(size_t n, real alpha, const real *x, const real *dy, real beta, real *dx);
    void (*gelu)(size_t n, const real *x, real *y);
    void (*gelu_backward)(size_t n, const real *x, const real *dy, real beta, real *dx);
    void (*softplus)(size_t n, const real *x, real *y);
    void (*softplus_backward)(size_t n, const real *x, const real *dy, real beta, real *dx);
    void (*log)(size_t n, const real *x, real *y);
    void (*square)(size_t n, const real *x, real *y);
    void (*square_backward)(size_t n, const real *x, const real *dy, real beta, real *dx);
    void (*sqrt)(size_t n, const real *x, real *y);
    void (*sqrt_backward)(size_t n, const real *y, const real *dy, real beta, real *dx);
    void (*abs)(size_t n, const real *x, real *y);
    void (*abs_backward)(size_t n, const real *x, const real *dy, real beta, real *dx);
    void (*subtract)(size_t n, const real *a, const real *b, real *y);
    void (*divide)(size_t n, const real *a, const real *b, real beta, real *y);
    void (*momentum)(size_t n, const nb_update *u, const real *g, real *v, real *w);
    void (*nesterov)(size_t n, const nb_update *u, const real *g, real *v, real *w);
    void (*adagrad)(size_t n, const nb_update *u, const real *g, real *h, real *w);
    void (*rmsprop)(size_t n, const nb_update *u, const real *g, real *h, real *w);
    void (*adam)(size_t n, const nb_update *u, const real *g, real *m, real *v, real *w);
    double (*sum_squares)(size_t n, const real *x);
    void (*sum_rows)(size_t n, size_t m, const real *X, size_t ldx, real *sum);
    void (*square_deviations)(size_t n, size_t m, const real *X, const real *mean, real *sum);
    void (*multiply_rows)(size_t n, size_t m, const real *A, const real *B, real *sum);
    void (*normalize)(size_t n, size_t m, const real *X, const real *const column[4], bool relu,
                      real *XN, real *Y);
    void (*normalize_backward)(size_t n, size_t m, const real *DY, const real *XN,
                               const real *const column[3], real beta, real *DX);
    void (*nudge_rows)(size_t n, size_t m, const real *B, const uint32_t *row, const real *d,
                       const real *w, real *Y);
    void (*sgd)(size_t n, real lr, const real *g, real *w);
    void (*add_rows)(size_t entries, const nb_entry *entry, size_t m, const real *W, real *y);
    void (*count_bytes)(size_t n, const uint8_t *bytes, uint8_t *count);
    void (*from_bytes)(size_t n, const uint8_t *bytes, float divisor, real *y);
    /* Y(m,n) := X(n,m)^T, whose rows begin ldx apart. */
    void (*transpose)(size_t n, size_t m, const real *X, size_t ldx, real *Y);
    /* Windows of 2 x 2 side by side: n rows of m outputs from 2n rows, which begin ldx apart.
     * unpool_pairs covers rows of 2m numbers. */
    void (*pool_pairs)(size_t n, size_t m, const real *x, size_t ldx, real *y, uint8_t *winner);
    void (*unpool_pairs)(size_t n, size_t m, const real *dy, const uint8_t *winner, real beta,
                         real *dx, size_t ldx);
    const NB(tiles) * tiles;            /* those of tiles.c for the same instruction set */
    const struct nb_winograd *winograd; /* of transforms.c; NULL in float64 */
} NB(vector);

/* The table for this machine: the widest instruction set that it has, or the one that the
 * environment variable NABLAS_ISA names (base, avx2, avx512) if the machine has it. */
const NB(vector) * NB(vector_table)(void);

/* The table of that name, or NULL if the machine does not have it. */
const NB(vector) * NB(vector_named)(const char *name);

extern const struct nb_winograd nb_winograd_base;
#if defined(__x86_64__)
extern const struct nb_winograd nb_winograd_avx2;
extern const struct nb_winograd nb_winograd_avx512;
#endif

extern const NB(vector) NB(vector_base);
#if defined(__x86_64__)
extern const NB(vector) NB(vector_avx2);
extern const NB(vector) NB(vector_avx512);
#endif

#endif
