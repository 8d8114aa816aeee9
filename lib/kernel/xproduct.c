/* Convolution by BLAS: as many rows of positions as the second-level cache holds are unfolded at a
 * time, as a matrix col(C FH FW, positions). The same calls for each image, so the same bits. */
#include "kernel/direct.h"
#include "kernel/vector.h"
#include "nablas/activation.h"
#include "nablas/blas.h"
#include "nablas/elementwise.h"

/* Rows of positions in one matrix, and the distance of its rows. */
typedef struct stripe {
    size_t rows, ld;
} stripe;

static stripe stripe_of(const nb_window *w)
{
    enum { cache = 384 * 1024, page = 4096 };
    const size_t fit = cache / sizeof(real) / (nb_taps(w) * w->out_width);
    stripe s = {fit < 1 ? 1 : fit < w->out_height ? fit : w->out_height, 0};
    /* Rows a power of two apart would fall into the same sets of the cache; unfolding writes as much
     * behind a row as fills a vector. */
    s.ld = s.rows * w->out_width + NB_TILE_SLACK / 4;
    if (s.ld * sizeof(real) % (page / 8) == 0) s.ld += 64 / sizeof(real);
    return s;
}

static size_t columns_of(const nb_window *w)
{
    return nb_taps(w) * stripe_of(w).ld;
}

/* The matrix, then an image of the output where something follows. */
size_t NB(product_scratch)(const nb_convolution *c)
{
    return columns_of(&c->window) + nb_slope_room(c, c->filters);
}

/* Tap row fy of positions oy ... oy+rows-1. */
static nb_unfolding part_of(const nb_window *w, size_t oy, size_t rows, size_t fy, size_t ld)
{
    return (nb_unfolding){.channels = w->channels,
                          .height = w->height,
                          .width = w->width,
                          .columns = w->columns,
                          .positions = w->out_width,
                          .phases = 1,
                          .rows = rows,
                          .step_y = w->stride_y,
                          .step_x = w->stride_x,
                          .first_y = (ptrdiff_t)(oy * w->stride_y + fy) - (ptrdiff_t)w->pad_y,
                          .first_x = -(ptrdiff_t)w->pad_x,
                          .channel_stride = w->rows * w->columns * ld,
                          .column_stride = ld};
}

static void unfold(const nb_window *w, size_t oy, size_t rows, size_t ld, const real *x, real *col)
{
    for (size_t fy = 0; fy < w->rows; fy++) {
        const nb_unfolding u = part_of(w, oy, rows, fy, ld);
        NB(vector_table)()->tiles->unfold(&u, x, col + fy * w->columns * ld);
    }
}

static void fold(const nb_window *w, size_t oy, size_t rows, size_t ld, const real *col, real *x)
{
    for (size_t fy = 0; fy < w->rows; fy++) {
        const nb_unfolding u = part_of(w, oy, rows, fy, ld);
        NB(vector_table)()->tiles->fold(&u, col + fy * w->columns * ld, x);
    }
}

/* Rows of positions from oy on that are one matrix. */
static size_t rows_from(const nb_window *w, stripe s, size_t oy)
{
    return s.rows < w->out_height - oy ? s.rows : w->out_height - oy;
}

/* y := beta y, whatever is in it if beta = 0. */
static void scale(size_t n, real beta, real *y)
{
    for (size_t i = 0; i < n; i++) y[i] = beta == 0 ? 0 : beta * y[i];
}

nb_status NB(product_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                              const real *b, real *y, uint8_t *winner, real *col)
{
    const nb_window *w = &c->window;
    const stripe s = stripe_of(w);
    const size_t taps = nb_taps(w), positions = nb_positions(w);
    const bool pooled = c->then == NB_THEN_RELU_POOL;
    for (size_t n = 0; n < images; n++, x += nb_image_size(w)) {
        const size_t at = n * c->filters * nb_out_plane(c);
        real *full = pooled ? col + columns_of(w) : y + at;
        for (size_t oy = 0; oy < w->out_height; oy += s.rows) {
            const size_t rows = rows_from(w, s, oy);
            unfold(w, oy, rows, s.ld, x, col);
            nb_status status = NB(gemm)(false, false, c->filters, rows * w->out_width, taps, 1, W,
                                        taps, col, s.ld, 0, full + oy * w->out_width, positions);
            if (status) return status;
        }
        for (size_t f = 0; b && f < c->filters; f++)
            for (size_t p = 0; p < positions; p++) full[f * positions + p] += b[f];
        if (c->then != NB_THEN_NOTHING) NB(relu)(c->filters * positions, full, full);
        if (pooled) NB(pool_image)(c, full, y + at, winner + nb_winners_at(c, n));
    }
    return NB_OK;
}

nb_status NB(product_input)(const nb_convolution *c, size_t images, NB(slope) s, const real *W,
                            real beta, real *dx, real *col)
{
    const nb_window *w = &c->window;
    const stripe t = stripe_of(w);
    const size_t taps = nb_taps(w), positions = nb_positions(w);
    for (size_t n = 0; n < images; n++, dx += nb_image_size(w)) {
        const real *dy = NB(slope_image)(c, NB(slope_of)(c, s, n), col + columns_of(w));
        scale(nb_image_size(w), beta, dx);
        for (size_t oy = 0; oy < w->out_height; oy += t.rows) {
            const size_t rows = rows_from(w, t, oy);
            nb_status status = NB(gemm)(true, false, taps, rows * w->out_width, c->filters, 1, W,
                                        taps, dy + oy * w->out_width, positions, 0, col, t.ld);
            if (status) return status;
            fold(w, oy, rows, t.ld, col, dx);
        }
    }
    return NB_OK;
}

nb_status NB(product_weights)(const nb_convolution *c, size_t images, const real *x, NB(slope) s,
                              real beta, real *dW, real *db, real *col)
{
    const nb_window *w = &c->window;
    const stripe t = stripe_of(w);
    const size_t taps = nb_taps(w), positions = nb_positions(w);
    scale(c->filters * taps, beta, dW);
    if (db) scale(c->filters, beta, db);
    for (size_t n = 0; n < images; n++, x += nb_image_size(w)) {
        const real *dy = NB(slope_image)(c, NB(slope_of)(c, s, n), col + columns_of(w));
        for (size_t oy = 0; oy < w->out_height; oy += t.rows) {
            const size_t rows = rows_from(w, t, oy);
            unfold(w, oy, rows, t.ld, x, col);
            nb_status status = NB(gemm)(false, true, c->filters, taps, rows * w->out_width, 1,
                                        dy + oy * w->out_width, positions, col, t.ld, 1, dW, taps);
            if (status) return status;
        }
        for (size_t f = 0; db && f < c->filters; f++)
            db[f] += NB(sum)(positions, dy + f * positions);
    }
    return NB_OK;
}
