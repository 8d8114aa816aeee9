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
}

/* Masks (columns, positions): a column's hides what is not of the position's own row. */
static void set_masks(const plan *p, NB(tile_mask) * kept)
{
    const ptrdiff_t width = (ptrdiff_t)p->u.width;
    const size_t across = p->u.positions;
    for (size_t fx = 0; p->masked && fx < p->columns; fx++, kept += rounded(p->positions)) {
        const ptrdiff_t at = (ptrdiff_t)fx - p->left;
        for (size_t i = 0; i < across; i++) {
            const ptrdiff_t seen = at + (ptrdiff_t)i;
            kept[i] = seen >= 0 && seen < width ? -1 : 0;
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
    return rounded(2 * p->taps);
}

static size_t mask_numbers(const plan *p)
{
    return p->masked ? p->columns * rounded(p->positions) : 0;
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
    uint32_t *offset = (uint32_t *)(void *)begin, *shade = offset + p->taps;
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

/* Sums over the positions of some images, or of some rows of one, for some vectors of filters at a
 * time. Their dy and their pixels are half of the second-level cache, and a tile's sums go to memory
 * seldom. */
typedef struct sums {
    const NB(tiles) * tiles;
    nb_unfolding u; /* the padded rows of an image that they see */
    bool padded;
    size_t filters, positions, across, taps, source;
    size_t images, rows, vectors;
} sums;

static sums sums_of(const nb_convolution *c)
{
    enum { most_images = 8, most_positions = 1024, most_sums = 64 * 1024 };
    const nb_window *w = &c->window;
    sums s = {.tiles = NB(vector_table)()->tiles,
              .padded = w->pad_y || w->pad_x,
              .filters = c->filters,
              .positions = nb_positions(w),
              .across = w->out_width,
              .taps = nb_taps(w),
              .source = nb_image_size(w)};
    const size_t lanes = s.tiles->lanes, all = (c->filters + lanes - 1) / lanes;
    const size_t fit = most_positions / s.positions, some = most_sums / (s.taps * lanes);
    const size_t parts = (s.positions + most_positions - 1) / most_positions;
    s.images = fit < 1 ? 1 : fit < most_images ? fit : most_images;
    s.rows = parts < w->out_height ? (w->out_height + parts - 1) / parts : 1;
    s.vectors = some < 1 ? 1 : some < all ? some : all;
    s.u = (nb_unfolding){.channels = w->channels,
                         .height = w->height,
                         .width = w->width,
                         .columns = 1,
                         .positions = (w->out_width - 1) * w->stride_x + w->columns,
                         .phases = 1,
                         .rows = (s.rows - 1) * w->stride_y + w->rows,
                         .step_y = 1,
                         .step_x = 1,
                         .first_x = -(ptrdiff_t)w->pad_x};
    s.u.channel_stride = s.u.rows * s.u.positions;
    return s;
}

/* The scratch: sums, those of db, pixels, dy, and dy before what follows. */
static size_t sum_numbers(const sums *s)
{
    return rounded(s->vectors * s->tiles->lanes * (s->taps + 1));
}

static size_t pixel_numbers(const sums *s)
{
    return s->padded ? rounded(s->images * s->u.channels * s->u.channel_stride + NB_TILE_SLACK) : 0;
}

static size_t turned_numbers(const sums *s)
{
    return rounded(s->vectors * s->tiles->lanes * s->images * s->rows * s->across);
}

static size_t weights_scratch(const nb_convolution *c)
{
    const sums s = sums_of(c);
    const size_t planes = s.vectors * s.tiles->lanes;
    return sum_numbers(&s) + pixel_numbers(&s) + turned_numbers(&s) +
           nb_slope_room(c, planes < c->filters ? planes : c->filters);
}

size_t NB(direct_scratch)(const nb_convolution *c, nb_convolution_pass pass)
{
    if (pass == NB_PASS_WEIGHTS) return weights_scratch(c);
    const plan p = pass == NB_PASS_INPUT ? input_plan(c) : forward_plan(c);
    /* Behind it: an image before it is pooled, or a channel of the gradient. */
    return rounded(forward_numbers(&p)) + nb_slope_room(c, pass == NB_PASS_INPUT ? 1 : c->filters);
}

/* dy of `filters` filters from `filter` on, at rows y ... y+rows-1 of an image. */
static void turn_image(const sums *s, const nb_convolution *c, NB(slope) slope, size_t filter,
                       size_t filters, size_t y, size_t rows, size_t stride, real *to, real *total,
                       real *before)
{
    const size_t lanes = s->tiles->lanes, across = c->window.out_width;
    const real *dy = slope.dy + filter * s->positions;
    if (c->then != NB_THEN_NOTHING) {
        for (size_t f = 0; y == 0 && f < filters; f++)
            NB(slope_plane)(c, slope, filter + f, before + f * s->positions);
        dy = before;
    }
    for (size_t f = 0; f < filters; f += lanes, to += stride, total += lanes)
        s->tiles->turn_filters(filters - f < lanes ? filters - f : lanes, rows * across,
                               dy + f * s->positions + y * across, s->positions, to, total);
}

/* The sums of some vectors of filters. */
static void add_images(const sums *s, const nb_convolution *c, size_t images, const real *x,
                       NB(slope) slope, size_t filter, size_t filters, real *scratch)
{
    const nb_window *w = &c->window;
    const size_t lanes = s->tiles->lanes;
    nb_unfolding u = s->u;
    real *pixels = scratch + sum_numbers(s), *turned = pixels + pixel_numbers(s);
    real *total = scratch + s->vectors * lanes * s->taps;
    NB(tile_weights)
    job = {.vectors = (filters + lanes - 1) / lanes,
           .rows = s->taps / w->columns,
           .columns = w->columns,
           .window = w->rows,
           .across = w->out_width,
           .x_stride = s->padded ? u.channels * u.channel_stride : s->source,
           .channel = s->padded ? u.channel_stride : w->height * w->width,
           .pitch = s->padded ? u.positions : w->width,
           .step_x = w->stride_x,
           .dy = turned,
           .first = true,
           .sum = scratch};
    job.step_y = w->stride_y * job.pitch;
    memset(total, 0, job.vectors * lanes * sizeof *total);
    for (size_t lo = 0; lo < images; lo += s->images)
        for (size_t y = 0; y < w->out_height; y += s->rows, job.first = false) {
            job.images = images - lo < s->images ? images - lo : s->images;
            job.down = w->out_height - y < s->rows ? w->out_height - y : s->rows;
            job.x = s->padded ? pixels : x + lo * s->source + y * job.step_y;
            u.first_y = (ptrdiff_t)(y * w->stride_y) - (ptrdiff_t)w->pad_y;
            u.rows = (job.down - 1) * w->stride_y + w->rows;
            const size_t plane = job.down * job.across * lanes;
            for (size_t n = 0; n < job.images; n++) {
                if (s->padded)
                    s->tiles->unfold(&u, x + (lo + n) * s->source, pixels + n * job.x_stride);
                turn_image(s, c, NB(slope_of)(c, slope, lo + n), filter, filters, y, job.down,
                           job.images * plane, turned + n * plane, total,
                           turned + turned_numbers(s));
            }
            s->tiles->weights(&job);
        }
}

void NB(direct_weights)(const nb_convolution *c, size_t images, const real *x, NB(slope) slope,
                        real beta, real *dW, real *db, real *scratch)
{
    const sums s = sums_of(c);
    const size_t lanes = s.tiles->lanes, most = s.vectors * lanes;
    const real *total = scratch + s.vectors * lanes * s.taps;
    for (size_t filter = 0, some; filter < s.filters; filter += some) {
        some = s.filters - filter < most ? s.filters - filter : most;
        if (!images) memset(scratch, 0, sum_numbers(&s) * sizeof *scratch);
        add_images(&s, c, images, x, slope, filter, some, scratch);
        for (size_t f = 0; f < some; f += lanes)
            s.tiles->turn_taps(some - f < lanes ? some - f : lanes, s.taps, scratch + f * s.taps,
                               beta, dW + (filter + f) * s.taps);
        for (size_t f = 0; db && f < some; f++)
            db[filter + f] = beta == 0 ? total[f] : total[f] + beta * db[filter + f];
    }
}
