#include "kernel/direct.h"
#include "kernel/vector.h"

#include <string.h>

#ifdef NB_REAL_SINGLE
#include "kernel/winograd.h"
#define ME(name) "nb_sconvolution_" name
#define TAKES_WINOGRAD(c, pass) nb_takes_winograd(c, pass)
#define WINOGRAD(name) nb_winograd_##name
#else
#define ME(name) "nb_dconvolution_" name
#define TAKES_WINOGRAD(c, pass) false
#define WINOGRAD(name) NB(direct_##name)
#endif

static nb_status check(const char *function, const nb_convolution *c, const void *images,
                       const void *gradient, const void *weights, const void *scratch)
{
    if (!c) return nb_fail(NB_EINVAL, "%s: convolution is NULL", function);
    nb_status status = nb_convolution_check(function, c);
    if (status) return status;
    if (images && gradient && weights && scratch) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s is NULL", function,
                   !images     ? "x or dx"
                   : !gradient ? "y or dy"
                   : !weights  ? "W or dW"
                               : "scratch");
}

/* --- what follows ----------------------------------------------------------------------------- */

NB(slope) NB(slope_of)(const nb_convolution *c, NB(slope) s, size_t n)
{
    const size_t image = n * c->filters * nb_out_plane(c);
    s.dy += image;
    if (s.y) s.y += image;
    if (s.winner) s.winner += nb_winners_at(c, n);
    return s;
}

/* Prefetch what the next planes read: y and dy are in no cache any more, and a plane is too short for
 * the processor's own prefetching. */
static void fetch_ahead(const real *x, size_t n)
{
    enum { ahead = 4096, line = 64 };
    for (size_t at = 0; at < n * sizeof *x; at += line)
        __builtin_prefetch((const void *)((uintptr_t)x + ahead + at));
}

const real *NB(slope_plane)(const nb_convolution *c, NB(slope) s, size_t f, real *plane)
{
    const NB(vector) *loops = NB(vector_table)();
    const size_t height = c->window.out_height / 2, width = c->window.out_width / 2;
    const size_t at = f * nb_out_plane(c), positions = nb_positions(&c->window);
    if (c->then == NB_THEN_NOTHING) return s.dy + at;
    if (c->then == NB_THEN_RELU) {
        fetch_ahead(s.y + at, positions);
        fetch_ahead(s.dy + at, positions);
        loops->relu_backward(positions, s.y + at, s.dy + at, 0, plane);
        return plane;
    }
    if (c->window.out_height % 2 || c->window.out_width % 2)
        memset(plane, 0, positions * sizeof *plane);
    real *pooled = plane + positions; /* relu behind pooling: the same numbers, a quarter of them */
    loops->relu_backward(height * width, s.y + at, s.dy + at, 0, pooled);
    loops->unpool_pairs(height, width, pooled, s.winner + at, 0, plane, c->window.out_width);
    return plane;
}

const real *NB(slope_image)(const nb_convolution *c, NB(slope) s, real *to)
{
    const size_t positions = nb_positions(&c->window);
    if (c->then == NB_THEN_NOTHING) return s.dy;
    for (size_t f = 0; f < c->filters; f++) NB(slope_plane)(c, s, f, to + f * positions);
    return to;
}

void NB(pool_image)(const nb_convolution *c, const real *full, real *y, uint8_t *winner)
{
    const nb_window *w = &c->window;
    const size_t pooled = nb_out_plane(c);
    for (size_t f = 0; f < c->filters; f++) NB(vector_table)
    ()->pool_pairs(w->out_height / 2, w->out_width / 2, full + f * nb_positions(w), w->out_width,
                   y + f * pooled, winner + f * pooled);
}

/* --- the ways --------------------------------------------------------------------------------- */

static nb_status check_winner(const char *function, const nb_convolution *c, const void *y,
                              const void *winner)
{
    const bool fits = (c->then == NB_THEN_NOTHING || y) && (c->then != NB_THEN_RELU_POOL || winner);
    return fits ? NB_OK : nb_fail(NB_EINVAL, "%s: %s is NULL", function, y ? "winner" : "y");
}

size_t NB(convolution_scratch)(const nb_convolution *c)
{
    if (!c || nb_convolution_check(ME("scratch"), c)) return 0;
    size_t most = 0;
    for (nb_convolution_pass pass = 0; pass < NB_PASSES; pass++) {
        const size_t size = TAKES_WINOGRAD(c, pass)    ? WINOGRAD(scratch)(c, pass)
                            : nb_takes_direct(c, pass) ? NB(direct_scratch)(c, pass)
                                                       : NB(product_scratch)(c);
        if (size > most) most = size;
    }
    return most;
}

nb_status NB(convolution_forward)(const nb_convolution *c, size_t images, const real *x,
                                  const real *W, const real *b, real *y, uint8_t *winner,
                                  real *scratch)
{
    nb_status status = check(ME("forward"), c, x, y, W, scratch);
    if (!status) status = check_winner(ME("forward"), c, y, winner);
    if (status) return status;
    if (TAKES_WINOGRAD(c, NB_PASS_FORWARD)) {
        WINOGRAD(forward)(c, images, x, W, b, y, winner, scratch);
        return NB_OK;
    }
    if (!nb_takes_direct(c, NB_PASS_FORWARD))
        return NB(product_forward)(c, images, x, W, b, y, winner, scratch);
    NB(direct_forward)(c, images, x, W, b, y, winner, scratch);
    return NB_OK;
}

nb_status NB(convolution_backward_input)(const nb_convolution *c, size_t images, const real *dy,
                                         const real *y, const uint8_t *winner, const real *W,
                                         real beta, real *dx, real *scratch)
{
    const NB(slope) s = {dy, y, winner};
    nb_status status = check(ME("backward_input"), c, dx, dy, W, scratch);
    if (!status) status = check_winner(ME("backward_input"), c, y, winner);
    if (status) return status;
    if (TAKES_WINOGRAD(c, NB_PASS_INPUT)) {
        WINOGRAD(input)(c, images, s, W, beta, dx, scratch);
        return NB_OK;
    }
    if (!nb_takes_direct(c, NB_PASS_INPUT))
        return NB(product_input)(c, images, s, W, beta, dx, scratch);
    NB(direct_input)(c, images, s, W, beta, dx, scratch);
    return NB_OK;
}

nb_status NB(convolution_backward_weights)(const nb_convolution *c, size_t images, const real *x,
                                           const real *dy, const real *y, const uint8_t *winner,
                                           real beta, real *dW, real *db, real *scratch)
{
    const NB(slope) s = {dy, y, winner};
    nb_status status = check(ME("backward_weights"), c, x, dy, dW, scratch);
    if (!status) status = check_winner(ME("backward_weights"), c, y, winner);
    if (status) return status;
    if (!nb_takes_direct(c, NB_PASS_WEIGHTS))
        return NB(product_weights)(c, images, x, s, beta, dW, db, scratch);
    NB(direct_weights)(c, images, x, s, beta, dW, db, scratch);
    return NB_OK;
}
