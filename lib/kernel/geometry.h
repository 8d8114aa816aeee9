/* geometry.h - the sizes of convolutions. */
#ifndef NABLAS_GEOMETRY_H
#define NABLAS_GEOMETRY_H

#include "nablas/convolution.h"

/* nb_window_check - NB_OK for a window that nb_window_fit has set, else an error of `function`. */
nb_status nb_window_check(const char *function, const nb_window *window);

/* nb_convolution_check - the same for a convolution. */
nb_status nb_convolution_check(const char *function, const nb_convolution *convolution);

typedef enum { NB_PASS_FORWARD, NB_PASS_INPUT, NB_PASS_WEIGHTS, NB_PASSES } nb_convolution_pass;

/* nb_takes_direct - whether a pass goes the direct way: the one that was asked for, if it can, or
 * the faster of the two. */
bool nb_takes_direct(const nb_convolution *convolution, nb_convolution_pass pass);

/* Rows of an image that are to be unfolded along x: what tap column fx sees in row i of a phase,
 * over all positions ox, goes to
 *
 *   to[c channel_stride + fx column_stride + phase phase_stride + i positions + ox]
 *      := x(c, first_y + phase + i step_y, first_x + fx + ox step_x), 0 outside of the image. */
typedef struct nb_unfolding {
    size_t channels, height, width; /* of the image */
    size_t columns, positions;      /* taps and positions along x */
    size_t phases, rows;
    size_t step_y, step_x;
    ptrdiff_t first_y, first_x;
    size_t channel_stride, column_stride, phase_stride;
} nb_unfolding;

/* What lies behind an unfolded image may be read, so far. */
enum { NB_TILE_SLACK = 64 };

static inline size_t nb_image_size(const nb_window *w)
{
    return w->channels * w->height * w->width;
}

static inline size_t nb_positions(const nb_window *w)
{
    return w->out_height * w->out_width;
}

/* Numbers of one channel of the output: positions, or what pooling leaves of them. */
static inline size_t nb_out_plane(const nb_convolution *c)
{
    const nb_window *w = &c->window;
    return c->then == NB_THEN_RELU_POOL ? w->out_height / 2 * (w->out_width / 2) : nb_positions(w);
}

/* The winners of image n. */
static inline size_t nb_winners_at(const nb_convolution *c, size_t n)
{
    return n * (c->winner_stride ? c->winner_stride : c->filters * nb_out_plane(c));
}

/* Room for so many channels of the gradient before what follows, and for a pooled one. */
static inline size_t nb_slope_room(const nb_convolution *c, size_t channels)
{
    if (c->then == NB_THEN_NOTHING) return 0;
    return channels * nb_positions(&c->window) +
           (c->then == NB_THEN_RELU_POOL ? nb_out_plane(c) : 0);
}

static inline size_t nb_taps(const nb_window *w)
{
    return w->channels * w->rows * w->columns;
}

#endif
