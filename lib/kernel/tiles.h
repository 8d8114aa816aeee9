/* tiles.h - the inner loops of convolution, built once per instruction set as vector.c is.
 *
 * Sums of products stay in registers, as a tile of `height` filters by some vectors of positions or
 * by some taps. A tap is one (channel, y, x) of the window. All positions of a tap lie side by side
 * in the unfolded image, from offset[tap] on. Products are fused into sums where the machine can,
 * so the bits depend on the instruction set, as BLAS's do. */
#ifndef NABLAS_TILES_H
#define NABLAS_TILES_H

#include "kernel/geometry.h"
#include "kernel/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number of a mask: all ones or 0. */
#ifdef NB_REAL_SINGLE
typedef int32_t NB(tile_mask);
#else
typedef int64_t NB(tile_mask);
#endif

/* An image y(filters, positions) := act(W x + b + beta y). */
typedef struct NB(tile_forward) {
    size_t taps, filters, positions, height;
    const uint32_t *offset; /* (taps) */
    const uint32_t *shade;  /* (taps) or NULL: where a tap's mask begins, (positions) */
    const NB(tile_mask) * mask;
    size_t shared;      /* so many taps read much the same numbers */
    const real *x;      /* the unfolded image and NB_TILE_SLACK numbers more */
    const real *panels; /* W as (filters / height, rounded up; taps; height) */
    const real *bias;   /* (filters) or NULL */
    bool relu;
    real beta;
    real *y; /* (filters, positions) */
} NB(tile_forward);

/* sum(vectors, taps, lanes) += dy(positions) x(taps, positions)^T over images, or := for the first of
 * several jobs: filters lie in lanes. Taps are rows (c, fy) by columns (fx); x is padded. */
typedef struct NB(tile_weights) {
    size_t images, vectors;       /* of filters */
    size_t rows, columns, window; /* of taps; rows of a channel */
    size_t down, across;          /* positions */
    size_t x_stride, channel,
        pitch;             /* in x, from an image, a channel, a row of pixels to the next */
    size_t step_y, step_x; /* from a position to the next below, and to the right */
    const real *x;
    const real *dy; /* (vectors, images, down, across, lanes) */
    bool first;
    real *sum;
} NB(tile_weights);

typedef struct NB(tiles) {
    size_t lanes;              /* numbers in a vector */
    size_t height[2], wide[2]; /* tiles that there are */
    void (*forward)(const NB(tile_forward) * job);
    void (*weights)(const NB(tile_weights) * job);
    /* to(positions, lanes) := dy^T, of filters <= lanes rows ld apart; total(lanes) += its sums. */
    void (*turn_filters)(size_t filters, size_t positions, const real *dy, size_t ld, real *to,
                         real *total);
    /* dW(filters, taps) := sum(taps, lanes)^T + beta dW, filters <= lanes. */
    void (*turn_taps)(size_t filters, size_t taps, const real *sum, real beta, real *dW);
    void (*unfold)(const nb_unfolding *u, const real *x, real *to);
    /* The transpose of unfold: each number is added to the pixel that it came from. */
    void (*fold)(const nb_unfolding *u, const real *from, real *x);
} NB(tiles);

extern const NB(tiles) NB(tiles_base);
#if defined(__x86_64__)
extern const NB(tiles) NB(tiles_avx2);
extern const NB(tiles) NB(tiles_avx512);
#endif

#endif
