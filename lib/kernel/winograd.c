/* Convolution by transformed tiles: see winograd.h. All tiles of an image, or of a few small ones, are
 * transformed, part by part multiplied as matrices by tiles.c, and transformed back. The numbers of a
 * tile do not depend on what else is computed with it. */
#define NB_REAL_SINGLE
#include "kernel/winograd.h"
#include "kernel/vector.h"

#include <string.h>

/* A convolution of source images; the gradient of the input is one, too. */
typedef struct plan {
    const nb_stiles *tiles;
    const nb_winograd *loops;
    size_t channels, filters, height, width; /* of a source image */
    size_t pad_y, pad_x;
    size_t out_height, out_width;
    size_t down, across; /* tiles of an image */
    size_t group;        /* images at a time */
    size_t ld;           /* places for their tiles */
    size_t tall, panel;  /* height of the panels of filters; numbers of a part */
    size_t rows, pitch;  /* of a channel with its padding, as far as there are tiles */
} plan;

static size_t rounded(size_t numbers, size_t to)
{
    return (numbers + to - 1) / to * to;
}

/* The distance of parts: if they were a multiple of a page apart, the 16 that are read or written
 * together would fall into the same few places of the first-level cache. */
static size_t apart(size_t numbers)
{
    enum { page = 4096 / sizeof(float), step = 64 };
    return rounded(numbers, page) + step;
}

/* `w`: of the convolution that is computed, but for its channels. */
static plan plan_of(const nb_window *w, size_t channels, size_t filters)
{
    enum { enough = 64 }; /* tiles in a product */
    const nb_svector *table = nb_svector_table();
    plan p = {.tiles = table->tiles,
              .loops = table->winograd,
              .channels = channels,
              .filters = filters,
              .height = w->height,
              .width = w->width,
              .pad_y = w->pad_y,
              .pad_x = w->pad_x,
              .out_height = w->out_height,
              .out_width = w->out_width,
              .down = (w->out_height + 1) / 2,
              .across = (w->out_width + 1) / 2};
    const size_t tiles = p.down * p.across;
    p.group = tiles < enough ? enough / tiles : 1;
    p.ld = rounded(p.group * tiles, p.tiles->lanes) + NB_TILE_SLACK / 4;
    p.tall = nb_stile_height(p.tiles, filters, p.ld / p.tiles->lanes);
    p.panel = rounded(filters, p.tall) * p.channels;
    p.rows = 2 * p.down + 2;
    p.pitch = 2 * p.across + 2;
    return p;
}

static plan forward_plan(const nb_convolution *c)
{
    return plan_of(&c->window, c->window.channels, c->filters);
}

static plan input_plan(const nb_convolution *c)
{
    const nb_window *w = &c->window;
    const nb_window back = {.height = w->out_height,
                            .width = w->out_width,
                            .out_height = w->height,
                            .out_width = w->width,
                            .pad_y = 2 - w->pad_y,
                            .pad_x = 2 - w->pad_x};
    return plan_of(&back, c->filters, w->channels);
}

/* With few channels or filters the transforms take longer than what they save; 8 was not measured.
 * Back to the input, padding of more than 2 would cut off what it has to read. */
bool nb_takes_winograd(const nb_convolution *c, nb_convolution_pass pass)
{
    enum { least = 8 };
    const nb_window *w = &c->window;
    const bool fits = w->rows == 3 && w->columns == 3 && w->stride_y == 1 && w->stride_x == 1;
    return c->way == NB_CONVOLUTION_WINOGRAD && fits && pass != NB_PASS_WEIGHTS &&
           w->channels >= least && c->filters >= least &&
           (pass == NB_PASS_FORWARD || (w->pad_y <= 2 && w->pad_x <= 2));
}

/* --- scratch ---------------------------------------------------------------------------------- */

/* Panels, parts of the source, parts of the output, a padded channel, two rows of outputs, offsets. */
typedef struct room {
    float *panels, *taken, *given, *padded, *rows, *rest;
    uint32_t *offset;
    size_t numbers;
} room;

static float *carve(room *r, float *scratch, size_t numbers)
{
    float *place = scratch ? scratch + r->numbers : NULL;
    r->numbers += rounded(numbers, NB_TILE_SLACK);
    return place;
}

static room room_of(const plan *p, float *scratch)
{
    room r = {0};
    r.panels = carve(&r, scratch, NB_WINOGRAD_PARTS * p->panel);
    r.taken = carve(&r, scratch, NB_WINOGRAD_PARTS * apart(p->channels * p->ld) + NB_TILE_SLACK);
    r.given = carve(&r, scratch, NB_WINOGRAD_PARTS * apart(p->filters * p->ld) + NB_TILE_SLACK);
    r.padded = carve(&r, scratch, p->rows * p->pitch + 2 * NB_TILE_SLACK);
    r.rows = carve(&r, scratch, 2 * (2 * p->across + p->loops->most));
    r.offset = (uint32_t *)(void *)carve(&r, scratch, p->channels);
    r.rest = carve(&r, scratch, 0);
    return r;
}

size_t nb_winograd_scratch(const nb_convolution *c, nb_convolution_pass pass)
{
    const plan p = pass == NB_PASS_INPUT ? input_plan(c) : forward_plan(c);
    return room_of(&p, NULL).numbers + nb_slope_room(c, pass == NB_PASS_INPUT ? 1 : c->filters);
}

/* --- the parts -------------------------------------------------------------------------------- */

/* (G g G^T), row by row; `turned`: of g read backwards. */
static void transform_filter(const float *g, bool turned, float part[NB_WINOGRAD_PARTS])
{
    float down[4][3];
    for (size_t k = 0; k < 3; k++) {
        const float g0 = g[turned ? 8 - k : k], g1 = g[turned ? 5 - k : 3 + k];
        const float g2 = g[turned ? 2 - k : 6 + k];
        down[0][k] = g0;
        down[1][k] = (g0 + g1 + g2) / 2;
        down[2][k] = (g0 - g1 + g2) / 2;
        down[3][k] = g2;
    }
    for (size_t i = 0; i < 4; i++, part += 4) {
        part[0] = down[i][0];
        part[1] = (down[i][0] + down[i][1] + down[i][2]) / 2;
        part[2] = (down[i][0] - down[i][1] + down[i][2]) / 2;
        part[3] = down[i][2];
    }
}

/* Panels (filters / height, channels, height) of each part; empty places are 0. */
static void set_panels(const plan *p, const float *W, size_t filter_stride, size_t channel_stride,
                       bool turned, float *panels)
{
    memset(panels, 0, NB_WINOGRAD_PARTS * p->panel * sizeof *panels);
    for (size_t f = 0; f < p->filters; f++)
        for (size_t c = 0; c < p->channels; c++) {
            float part[NB_WINOGRAD_PARTS];
            float *to = panels + (f / p->tall * p->channels + c) * p->tall + f % p->tall;
            transform_filter(W + f * filter_stride + c * channel_stride, turned, part);
            for (size_t i = 0; i < NB_WINOGRAD_PARTS; i++) to[i * p->panel] = part[i];
        }
}

/* One channel of the image at place g of the group. What a row writes beyond its last tile, the next
 * writes over. */
static void take_channel(const plan *p, const room *r, size_t channel, size_t g, const float *plane)
{
    const size_t stride = apart(p->channels * p->ld);
    float *to = r->taken + channel * p->ld + g * p->down * p->across;
    p->loops->copy(p->height, p->width, plane, r->padded + p->pad_y * p->pitch + p->pad_x,
                   p->pitch);
    for (size_t i = 0; i < p->down; i++)
        p->loops->take(p->across, r->padded + 2 * i * p->pitch, p->pitch, to + i * p->across,
                       stride);
}

static size_t places_of(const plan *p, size_t images)
{
    return rounded(images * p->down * p->across, p->tiles->lanes);
}

static void multiply(const plan *p, const room *r, size_t images)
{
    nb_stile_forward job = {.taps = p->channels,
                            .filters = p->filters,
                            .positions = places_of(p, images),
                            .height = p->tall,
                            .offset = r->offset,
                            .shared = 1};
    for (size_t i = 0; i < NB_WINOGRAD_PARTS; i++) {
        job.x = r->taken + i * apart(p->channels * p->ld);
        job.panels = r->panels + i * p->panel;
        job.y = r->given + i * apart(p->filters * job.positions);
        p->tiles->forward(&job);
    }
}

/* What follows the sums. */
typedef struct ending {
    const float *bias; /* NULL: none */
    bool relu;
    float beta;
} ending;

/* Rows of outputs that are kept elsewhere first, as they write beyond their end. */
static void copy_rows(const plan *p, const float *rows, size_t pitch, size_t count, float beta,
                      float *y)
{
    for (size_t i = 0; i < count; i++, rows += pitch, y += p->out_width)
        for (size_t k = 0; k < p->out_width; k++)
            y[k] = beta == 0 ? rows[k] : rows[k] + beta * y[k];
}

/* The image at place g: straight to y where what is written beyond a row is written over later. */
static void give_image(const plan *p, const room *r, size_t images, size_t g, ending e, float *y)
{
    const size_t places = places_of(p, images), stride = apart(p->filters * places);
    const size_t span = 2 * p->across + p->loops->most, plane = p->out_height * p->out_width;
    const float *end = y + p->filters * plane;
    for (size_t f = 0; f < p->filters; f++) {
        const float *from = r->given + f * places + g * p->down * p->across;
        const float b = e.bias ? e.bias[f] : 0;
        for (size_t i = 0; i < p->down; i++, from += p->across) {
            float *row = y + f * plane + 2 * i * p->out_width;
            const size_t count = 2 * i + 1 < p->out_height ? 2 : 1;
            const bool fits =
                e.beta == 0 && count == 2 && (size_t)(end - row) >= p->out_width + span;
            float *first = fits ? row : r->rows, *second = first + (fits ? p->out_width : span);
            p->loops->give(p->across, from, stride, b, e.relu, first, second);
            if (!fits) copy_rows(p, first, span, count, e.beta, row);
        }
    }
}

/* --- both passes ------------------------------------------------------------------------------ */

static room begin(const plan *p, const float *W, size_t filter_stride, size_t channel_stride,
                  bool turned, float *scratch)
{
    const room r = room_of(p, scratch);
    set_panels(p, W, filter_stride, channel_stride, turned, r.panels);
    memset(r.taken, 0, (size_t)(r.padded - r.taken) * sizeof *r.taken); /* also where no tile is */
    memset(r.padded, 0, (size_t)(r.rows - r.padded) * sizeof *r.padded);
    for (size_t c = 0; c < p->channels; c++) r.offset[c] = (uint32_t)(c * p->ld);
    return r;
}

static size_t some(size_t images, size_t group)
{
    return images < group ? images : group;
}

void nb_winograd_forward(const nb_convolution *c, size_t images, const float *x, const float *W,
                         const float *b, float *y, uint8_t *winner, float *scratch)
{
    const plan p = forward_plan(c);
    const room r = begin(&p, W, 9 * p.channels, 9, false, scratch);
    const ending e = {b, c->then != NB_THEN_NOTHING, 0};
    const bool pooled = c->then == NB_THEN_RELU_POOL;
    const size_t plane = c->window.height * c->window.width, out = c->filters * nb_out_plane(c);
    for (size_t lo = 0, count; lo < images; lo += count) {
        count = some(images - lo, p.group);
        for (size_t k = 0; k < p.channels; k++)
            for (size_t g = 0; g < count; g++)
                take_channel(&p, &r, k, g, x + ((lo + g) * p.channels + k) * plane);
        multiply(&p, &r, count);
        for (size_t g = 0; g < count; g++) {
            float *to = y + (lo + g) * out;
            give_image(&p, &r, count, g, e, pooled ? r.rest : to);
            if (pooled) nb_spool_image(c, r.rest, to, winner + nb_winners_at(c, lo + g));
        }
    }
}

void nb_winograd_input(const nb_convolution *c, size_t images, nb_sslope s, const float *W,
                       float beta, float *dx, float *scratch)
{
    const plan p = input_plan(c);
    const room r = begin(&p, W, 9, 9 * c->window.channels, true, scratch);
    const ending e = {NULL, false, beta};
    for (size_t lo = 0, count; lo < images; lo += count) {
        count = some(images - lo, p.group);
        for (size_t k = 0; k < p.channels; k++)
            for (size_t g = 0; g < count; g++)
                take_channel(&p, &r, k, g,
                             nb_sslope_plane(c, nb_sslope_of(c, s, lo + g), k, r.rest));
        multiply(&p, &r, count);
        for (size_t g = 0; g < count; g++)
            give_image(&p, &r, count, g, e, dx + (lo + g) * nb_image_size(&c->window));
    }
}
