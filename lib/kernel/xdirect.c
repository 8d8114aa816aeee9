/* Convolution without a matrix of columns: an image is unfolded along x alone, which puts all
 * positions of a tap side by side; tiles.c does the rest. */
#include "kernel/direct.h"
#include "kernel/vector.h"

#include <string.h>

/* A convolution of source images, unfolded. The gradient of the input is one too: dy is then the
 * source, and the filters are turned.
 *
 * Where the window moves by one pixel and a row has as many positions as pixels, or more, all columns
 * of the window share one copy of the image, with rows of `positions` numbers: a tap begins so many
 * numbers further on. What it then sees of the row before or behind is padding, where a row has as
 * many zeros as there are on one side of the image; otherwise a mask hides it. */
typedef struct plan {
    const NB(tiles) * tiles;
    nb_unfolding u; /* shared: of one column */
    size_t taps, filters, positions, source, unfolded, height;
    size_t columns; /* of the window */
    bool shared;    /* one copy for all columns */
    bool masked;    /* and masks are needed */
    ptrdiff_t left; /* shared: the first column begins so many numbers before the image */
    size_t guard;   /* zeros before and behind the image */
} plan;

/* Filters come in panels of `height`, each `count` vectors of positions, or taps, in tiles of `wide`.
 * A tile does height wide products, and loads for about the time of nine more. */
static size_t cost_of(size_t filters, size_t count, size_t height, size_t wide)
{
    const size_t rest = count % wide;
    return (filters + height - 1) / height *
           (count / wide * (height * wide + 9) + (rest ? height * rest + 9 : 0));
}

size_t NB(tile_height)(const NB(tiles) * t, size_t filters, size_t count)
{
    return t->height[cost_of(filters, count, t->height[1], t->wide[1]) <
                     cost_of(filters, count, t->height[0], t->wide[0])];
}

/* Regions of the scratch begin on boundaries of vectors. */
static size_t rounded(size_t numbers)
{
    return (numbers + NB_TILE_SLACK - 1) / NB_TILE_SLACK * NB_TILE_SLACK;
}

static void share_columns(plan *p)
{
    nb_unfolding *u = &p->u;
    const size_t left = (size_t)-u->first_x, last = u->columns - 1;
    const size_t right = last > left ? last - left : 0;
    p->shared = true;
    p->left = -u->first_x;
    p->masked = left > u->positions - u->width;
    p->guard = rounded(left > right ? left : right);
    u->first_x = 0;
    u->columns = 1;
}

static plan plan_of(const nb_unfolding *outline, size_t rows, size_t out_height, size_t filters)
{
    plan p = {.tiles = NB(vector_table)()->tiles, .u = *outline, .filters = filters};
    nb_unfolding *u = &p.u;
    p.columns = u->columns;
    if (u->step_x == 1 && u->step_y == 1 && u->positions >= u->width) share_columns(&p);
    u->phases = u->step_y < rows ? u->step_y : rows;
    u->rows = out_height + (rows - 1) / u->step_y;
    u->phase_stride = u->rows * u->positions;
    u->column_stride = u->phases * u->phase_stride;
    u->channel_stride = u->columns * u->column_stride;
    p.taps = u->channels * rows * p.columns;
    p.positions = out_height * u->positions;
    p.source = u->channels * u->height * u->width;
    p.unfolded = u->channels * u->channel_stride;
    p.height =
        NB(tile_height)(p.tiles, filters, (p.positions + p.tiles->lanes - 1) / p.tiles->lanes);
    return p;
}

static plan forward_plan(const nb_convolution *c)
{
    const nb_window *w = &c->window;
    const nb_unfolding u = {.channels = w->channels,
                            .height = w->height,
                            .width = w->width,
                            .columns = w->columns,
                            .positions = w->out_width,
                            .step_y = w->stride_y,
                            .step_x = w->stride_x,
                            .first_y = -(ptrdiff_t)w->pad_y,
                            .first_x = -(ptrdiff_t)w->pad_x};
    return plan_of(&u, w->rows, w->out_height, c->filters);
}

static plan weights_plan(const nb_convolution *c)
{
    plan p = forward_plan(c);
    p.height = NB(tile_height)(p.tiles, p.filters, p.taps + 1);
    return p;
}

static plan input_plan(const nb_convolution *c)
{
    const nb_window *w = &c->window;
    const nb_unfolding u = {.channels = c->filters,
                            .height = w->out_height,
                            .width = w->out_width,
                            .columns = w->columns,
                            .positions = w->width,
                            .step_y = 1,
                            .step_x = 1,
                            .first_y = (ptrdiff_t)w->pad_y - (ptrdiff_t)(w->rows - 1),
                            .first_x = (ptrdiff_t)w->pad_x - (ptrdiff_t)(w->columns - 1)};
    return plan_of(&u, w->rows, w->height, w->channels);
}

/* Where each tap (c, fy, fx) begins in the guarded image, and its mask. */
static void set_offsets(const plan *p, uint32_t *offset, uint32_t *shade)
{
    const nb_unfolding *u = &p->u;
    const size_t rows = p->taps / u->channels / p->columns;
    const size_t step = p->shared ? 1 : u->column_stride;
    const size_t begin = p->guard - (size_t)p->left;
    for (size_t c = 0; c < u->channels; c++)
        for (size_t fy = 0; fy < rows; fy++)
            for (size_t fx = 0; fx < p->columns; fx++) {
                *offset++ =
                    (uint32_t)(begin + c * u->channel_stride + fx * step +
                               fy % u->step_y * u->phase_stride + fy / u->step_y * u->positions);
                if (p->masked) *shade++ = (uint32_t)(fx * rounded(p->positions));
            }
    if (p->masked) *shade = (uint32_t)(p->columns * rounded(p->positions));
}

/* Masks (columns + 1, positions): a column's hides what is not of the position's own row; the last
 * hides nothing. */
static void set_masks(const plan *p, NB(tile_mask) * kept)
{
    const ptrdiff_t width = (ptrdiff_t)p->u.width;
    const size_t across = p->u.positions;
    for (size_t fx = 0; p->masked && fx <= p->columns; fx++, kept += rounded(p->positions)) {
        const ptrdiff_t at = (ptrdiff_t)fx - p->left;
        for (size_t i = 0; i < across; i++) {
            const ptrdiff_t seen = at + (ptrdiff_t)i;
            kept[i] = fx == p->columns || (seen >= 0 && seen < width) ? -1 : 0;
        }
        for (size_t done = across, some; done < p->positions; done += some) {
            some = done < p->positions - done ? done : p->positions - done;
            memcpy(kept + done, kept, some * sizeof *kept);
        }
    }
}

/* --- scratch ---------------------------------------------------------------------------------- */

static size_t offset_numbers(const plan *p)
{
    return rounded(2 * (p->taps + 1));
}

static size_t mask_numbers(const plan *p)
{
    return p->masked ? (p->columns + 1) * rounded(p->positions) : 0;
}

static size_t panel_numbers(const plan *p)
{
    return rounded((p->filters + p->height - 1) / p->height * p->height * p->taps);
}

static size_t forward_numbers(const plan *p)
{
    return offset_numbers(p) + mask_numbers(p) + panel_numbers(p) + 2 * p->guard + p->unfolded +
           NB_TILE_SLACK;
}

/* Where the plane of ones is that is the bias's tap: behind the image and what unfolding writes
 * behind it. */
static size_t ones_at(const plan *p)
{
    return 2 * p->guard + p->unfolded + p->tiles->lanes;
}

static size_t group_stride(const plan *p)
{
    return rounded(ones_at(p) + p->positions);
}

/* Images at a time: a tile's rows of dy stay in the first-level cache while it goes over the taps,
 * and are long enough for its sums to be added up cheaply; all are half of the second-level one. */
static size_t group_images(const plan *p)
{
    enum { first = 32 * 1024, second = 512 * 1024 };
    const size_t rows = first / sizeof(real) / p->height / p->positions;
    const size_t whole = second / sizeof(real) / group_stride(p);
    const size_t fit = rows < whole ? rows : whole;
    return fit < 1 ? 1 : fit;
}

static size_t weights_numbers(const plan *p)
{
    return offset_numbers(p) + mask_numbers(p) + NB_TILE_SLACK +
           group_images(p) * (group_stride(p) + p->filters * p->tiles->lanes);
}

/* Behind them: an image before it is pooled; a channel of the gradient; that of a group. */
size_t NB(direct_scratch)(const nb_convolution *c, nb_convolution_pass pass)
{
    const plan p = pass == NB_PASS_INPUT     ? input_plan(c)
                   : pass == NB_PASS_FORWARD ? forward_plan(c)
                                             : weights_plan(c);
    const size_t planes = pass == NB_PASS_INPUT     ? 1
                          : pass == NB_PASS_FORWARD ? c->filters
                                                    : c->filters * group_images(&p);
    return rounded(pass == NB_PASS_WEIGHTS ? weights_numbers(&p) : forward_numbers(&p)) +
           nb_slope_room(c, planes);
}

/* --- forward and back to the input ------------------------------------------------------------ */

/* Panels (filters / height, taps, height) of w(filters, channels, window), whose filters and
 * channels are so far apart; its window is read backwards if turned. Empty places are 0. */
static void set_panels(const plan *p, const real *w, size_t filter_stride, size_t channel_stride,
                       bool turned, real *panels)
{
    const size_t window = p->taps / p->u.channels, height = p->height;
    for (size_t f = 0; f < (p->filters + height - 1) / height * height; f++) {
        real *to = panels + f / height * height * p->taps + f % height;
        for (size_t c = 0; c < p->u.channels; c++) {
            const real *from = w + (f < p->filters ? f : 0) * filter_stride + c * channel_stride;
            for (size_t at = 0; at < window; at++, to += height)
                *to = f < p->filters ? from[turned ? window - 1 - at : at] : 0;
        }
    }
}

/* Zeros around an image. */
static void set_guards(const plan *p, real *image)
{
    memset(image, 0, p->guard * sizeof *image);
    memset(image + p->guard + p->unfolded, 0, p->guard * sizeof *image);
}

/* A job for one image after the other. The scratch: panels, offsets, masks, the image, the rest. */
typedef struct run {
    NB(tile_forward) job;
    real *image, *rest;
} run;

static run run_of(const plan *p, real *scratch)
{
    real *begin = scratch + panel_numbers(p);
    uint32_t *offset = (uint32_t *)(void *)begin, *shade = offset + p->taps + 1;
    NB(tile_mask) *kept = (NB(tile_mask) *)(void *)(begin + offset_numbers(p));
    real *image = begin + offset_numbers(p) + mask_numbers(p);
    set_offsets(p, offset, shade);
    set_masks(p, kept);
    set_guards(p, image);
    memset(image + 2 * p->guard + p->unfolded, 0, NB_TILE_SLACK * sizeof *image);
    return (run){.job = {.taps = p->taps,
                         .filters = p->filters,
                         .positions = p->positions,
                         .height = p->height,
                         .offset = offset,
                         .shade = p->masked ? shade : NULL,
                         .mask = kept,
                         .shared = p->shared ? p->columns : 1,
                         .x = image,
                         .panels = scratch},
                 .image = image + p->guard,
                 .rest = scratch + rounded(forward_numbers(p))};
}

void NB(direct_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                        const real *b, real *y, uint8_t *winner, real *scratch)
{
    const plan p = forward_plan(c);
    const size_t window = c->window.rows * c->window.columns;
    const size_t out = c->filters * nb_out_plane(c);
    const bool pooled = c->then == NB_THEN_RELU_POOL;
    set_panels(&p, W, p.taps, window, false, scratch);
    run r = run_of(&p, scratch);
    r.job.bias = b;
    r.job.relu = c->then != NB_THEN_NOTHING;
    for (size_t n = 0; n < images; n++, y += out) {
        r.job.y = pooled ? r.rest : y;
        p.tiles->unfold(&p.u, x + n * p.source, r.image);
        p.tiles->forward(&r.job);
        if (pooled) NB(pool_image)(c, r.rest, y, winner + nb_winners_at(c, n));
    }
}

/* Channel by channel, so that what follows the convolution is undone within the first-level cache.
 * What unfolding one channel writes behind itself, the next writes over. */
static void unfold_slope(const plan *p, const nb_convolution *c, NB(slope) s, real *plane, real *to)
{
    nb_unfolding one = p->u;
    one.channels = 1;
    if (c->then == NB_THEN_NOTHING) {
        p->tiles->unfold(&p->u, s.dy, to);
        return;
    }
    for (size_t f = 0; f < c->filters; f++)
        p->tiles->unfold(&one, NB(slope_plane)(c, s, f, plane), to + f * one.channel_stride);
}

void NB(direct_input)(const nb_convolution *c, size_t images, NB(slope) s, const real *W, real beta,
                      real *dx, real *scratch)
{
    const plan p = input_plan(c);
    const size_t window = c->window.rows * c->window.columns;
    set_panels(&p, W, window, nb_taps(&c->window), true, scratch);
    run r = run_of(&p, scratch);
    r.job.beta = beta;
    for (size_t n = 0; n < images; n++) {
        r.job.y = dx + n * nb_image_size(&c->window);
        unfold_slope(&p, c, NB(slope_of)(c, s, n), r.rest, r.image);
        p.tiles->forward(&r.job);
    }
}

/* --- gradient of the weights ------------------------------------------------------------------ */

/* Positions that fill no vector, followed by zeros. */
static void set_tails(const plan *p, size_t rows, const real *dy, real *tail)
{
    const size_t lanes = p->tiles->lanes, left = p->positions % lanes;
    if (!left) return;
    for (size_t i = 0; i < rows; i++) {
        real *to = tail + i * lanes;
        memcpy(to, dy + (i + 1) * p->positions - left, left * sizeof *to);
        memset(to + left, 0, (lanes - left) * sizeof *to);
    }
}

void NB(direct_weights)(const nb_convolution *c, size_t images, const real *x, NB(slope) s,
                        real beta, real *dW, real *db, real *scratch)
{
    const plan p = weights_plan(c);
    const size_t group = group_images(&p), stride = group_stride(&p);
    const size_t gradient = p.filters * p.positions;
    uint32_t *offset = (uint32_t *)(void *)scratch, *shade = offset + p.taps + 1;
    NB(tile_mask) *kept = (NB(tile_mask) *)(void *)(scratch + offset_numbers(&p));
    real *unfolded = scratch + offset_numbers(&p) + mask_numbers(&p);
    real *tail = unfolded + group * stride + NB_TILE_SLACK;
    real *before = scratch + rounded(weights_numbers(&p));
    set_offsets(&p, offset, shade);
    set_masks(&p, kept);
    offset[p.taps] = (uint32_t)ones_at(&p);
    for (size_t n = 0; n < group; n++) {
        set_guards(&p, unfolded + n * stride);
        for (size_t i = 0; i < p.positions; i++) unfolded[n * stride + ones_at(&p) + i] = 1;
    }
    memset(unfolded + group * stride, 0, NB_TILE_SLACK * sizeof *unfolded);
    for (size_t lo = 0; lo < images || lo == 0; lo += group) {
        const size_t count = images - lo < group ? images - lo : group;
        for (size_t n = 0; n < count; n++)
            p.tiles->unfold(&p.u, x + (lo + n) * p.source, unfolded + n * stride + p.guard);
        const real *dy = NB(slope_of)(c, s, lo).dy;
        for (size_t n = 0; n < count && c->then != NB_THEN_NOTHING; n++)
            NB(slope_image)(c, NB(slope_of)(c, s, lo + n), before + n * gradient);
        if (c->then != NB_THEN_NOTHING) dy = before;
        set_tails(&p, count * p.filters, dy, tail);
        const NB(tile_weights) job = {.images = count,
                                      .taps = p.taps,
                                      .filters = p.filters,
                                      .positions = p.positions,
                                      .height = p.height,
                                      .offset = offset,
                                      .shade = p.masked ? shade : NULL,
                                      .mask = kept,
                                      .shared = p.shared ? p.columns : 1,
                                      .x = unfolded,
                                      .x_stride = stride,
                                      .dy = dy,
                                      .tail = tail,
                                      .beta = lo == 0 ? beta : 1,
                                      .dW = dW,
                                      .db = db};
        p.tiles->weights(&job);
    }
}
