/* The paper, its light and its noise; the ink. */
#include "digit/sheet.h"
#include "nablas/linear.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORK_PIXELS = 1 << 20, /* larger pictures are made smaller: a digit needs few */
    LEAST_SIDE = 100,      /* noisy ones too, but not below this */
    EDGE = 4096,           /* pixels looked at along the edge */
    TERMS = 6,
    ROUNDS = 12,
    CELLS = 64 /* of the shade's grid, along the shorter side */
};

/* What the paper along the picture's edge looks like. */
typedef struct edge {
    size_t count;
    size_t at[EDGE];                                       /* index of the pixel */
    double grey[EDGE], next[EDGE], rest[EDGE], room[EDGE]; /* and of its neighbour; grey - paper */
} edge;

/* The light on the paper: 1, u, v, u^2, uv, v^2, with u and v from -1 to 1 across the picture. */
typedef struct light {
    double c[TERMS];
} light;

static size_t shorter(const nb_sheet *s)
{
    return s->width < s->height ? s->width : s->height;
}

/* --- grey ------------------------------------------------------------------------------------- */

static unsigned luminance(const uint8_t *p, size_t channels)
{
    if (channels == 1) return p[0];
    return (2126u * p[0] + 7152u * p[1] + 722u * p[2] + 5000u) / 10000u;
}

/* The mean of each step x step pixels, what is transparent as `ground`; those left over at the
 * right and below belong to the last. */
static void make_grey(const nb_image *image, unsigned ground, const nb_sheet *s, float *grey)
{
    const size_t channels = image->channels;
    for (size_t y = 0; y < s->height; y++)
        for (size_t x = 0; x < s->width; x++) {
            const size_t x_end = x + 1 < s->width ? (x + 1) * s->step : image->width,
                         y_end = y + 1 < s->height ? (y + 1) * s->step : image->height;
            unsigned long sum = 0, count = 0;
            for (size_t j = y * s->step; j < y_end; j++)
                for (size_t i = x * s->step; i < x_end; i++, count++) {
                    const uint8_t *p = image->pixels + (j * image->width + i) * channels;
                    const unsigned alpha = channels == 4 ? p[3] : 255;
                    sum += (luminance(p, channels) * alpha + ground * (255 - alpha) + 127) / 255;
                }
            grey[y * s->width + x] = (float)sum / (float)count;
        }
}

static bool is_transparent(const nb_image *image)
{
    if (image->channels != 4) return false;
    for (size_t i = 0; i < image->width * image->height; i++)
        if (image->pixels[4 * i + 3] < 255) return true;
    return false;
}

/* --- the paper -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of |value - centre|; `room` is for n. */
static double median_distance(size_t n, const double *value, double centre, double *room)
{
    for (size_t i = 0; i < n; i++) room[i] = fabs(value[i] - centre);
    qsort(room, n, sizeof *room, compare);
    return room[(n - 1) / 2];
}

static double median(size_t n, const double *value, double *room)
{
    memcpy(room, value, n * sizeof *room);
    qsort(room, n, sizeof *room, compare);
    return room[(n - 1) / 2];
}

/* A sixteenth of the shorter side all around. */
static void find_edge(const nb_sheet *s, const float *grey, edge *e)
{
    const size_t w = s->width, h = s->height, deep = shorter(s) / 16 ? shorter(s) / 16 : 1;
    const size_t inner = w > 2 * deep && h > 2 * deep ? (w - 2 * deep) * (h - 2 * deep) : 0;
    const size_t every = (w * h - inner) / EDGE + 1;
    size_t turn = 0;
    e->count = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            if (x == deep && y >= deep && y + deep < h && w > 2 * deep) x = w - deep;
            if (turn++ % every) continue;
            const size_t at = y * w + x;
            e->at[e->count] = at;
            e->grey[e->count] = (double)grey[at];
            e->next[e->count++] = (double)grey[x + 1 < w ? at + 1 : at - (x > 0)];
        }
}

static void terms_at(const nb_sheet *s, size_t at, double *term)
{
    const double w = (double)s->width, h = (double)s->height;
    const double u = (2 * (double)(at % s->width) + 1 - w) / w,
                 v = (2 * (double)(at / s->width) + 1 - h) / h;
    const double all[TERMS] = {1, u, v, u * u, u * v, v * v};
    memcpy(term, all, sizeof all);
}

static double light_at(const light *l, const nb_sheet *s, size_t at)
{
    double term[TERMS], sum = 0;
    terms_at(s, at, term);
    for (int i = 0; i < TERMS; i++) sum += l->c[i] * term[i];
    return sum;
}

/* sum w |grey - light|^2 at its least, and with w = 1 / |grey - light| of the round before in the
 * end sum |grey - light|: ink at the edge then hardly counts. */
static nb_status fit_light(const nb_sheet *s, edge *e, light *l)
{
    for (size_t i = 0; i < e->count; i++) e->rest[i] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double A[TERMS * TERMS] = {0}, b[TERMS] = {0}, term[TERMS];
        for (size_t k = 0; k < e->count; k++) {
            const double weight = 1 / fmax(fabs(e->rest[k]), 0.1);
            terms_at(s, e->at[k], term);
            for (int i = 0; i < TERMS; i++) {
                for (int j = 0; j <= i; j++) A[i * TERMS + j] += weight * term[i] * term[j];
                b[i] += weight * term[i] * e->grey[k];
            }
        }
        nb_status status = nb_solve_positive_definite(TERMS, 1, A, b, l->c);
        if (status) return status;
        for (size_t k = 0; k < e->count; k++) e->rest[k] = e->grey[k] - light_at(l, s, e->at[k]);
    }
    return NB_OK;
}

/* One level for the whole paper, the edge's median, unless a smooth surface fits the edge better. */
static nb_status find_light(const nb_sheet *s, edge *e, light *l)
{
    const double paper = median(e->count, e->grey, e->room),
                 noise = median_distance(e->count, e->grey, paper, e->room);
    if (noise > 0.5 && shorter(s) >= 16) {
        nb_status status = fit_light(s, e, l);
        if (status && status != NB_ESINGULAR) return status;
        if (!status && median_distance(e->count, e->rest, 0, e->room) < 0.8 * noise) return NB_OK;
    }
    *l = (light){{paper}};
    return NB_OK;
}

/* --- shadows ---------------------------------------------------------------------------------- */

/* The largest (sign 1) or smallest (-1) of the 2 radius + 1 cells around each, along one line. */
static void spread(size_t n, size_t stride, size_t radius, float sign, float *cell, float *room)
{
    for (size_t i = 0; i < n; i++) {
        const size_t lo = i > radius ? i - radius : 0, hi = i + radius < n ? i + radius : n - 1;
        float most = sign * cell[lo * stride];
        for (size_t j = lo + 1; j <= hi; j++) most = fmaxf(most, sign * cell[j * stride]);
        room[i] = sign * most;
    }
    for (size_t i = 0; i < n; i++) cell[i * stride] = room[i];
}

static void spread_both(size_t w, size_t h, size_t radius, float sign, float *cell, float *room)
{
    for (size_t y = 0; y < h; y++) spread(w, 1, radius, sign, cell + y * w, room);
    for (size_t x = 0; x < w; x++) spread(h, w, radius, sign, cell + x, room);
}

/* Between the middles of four cells. */
static float between(size_t w, size_t h, const float *cell, double x, double y)
{
    x = fmin(fmax(x - 0.5, 0), (double)(w - 1));
    y = fmin(fmax(y - 0.5, 0), (double)(h - 1));
    const size_t i = (size_t)x, j = (size_t)y, right = i + 1 < w, down = j + 1 < h ? w : 0;
    const float fx = (float)(x - (double)i), fy = (float)(y - (double)j);
    const float *c = cell + j * w + i;
    return (1 - fy) * ((1 - fx) * c[0] + fx * c[right]) +
           fy * ((1 - fx) * c[down] + fx * c[down + right]);
}

/* The means of size x size of the sheet's values; (h,w) cells. */
static void make_cells(const nb_sheet *s, const float *value, size_t size, size_t w, size_t h,
                       float *cell)
{
    memset(cell, 0, w * h * sizeof *cell);
    for (size_t y = 0; y < s->height; y++)
        for (size_t x = 0; x < s->width; x++)
            cell[y / size * w + x / size] += value[y * s->width + x];
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const size_t wide = x + 1 < w ? size : s->width - x * size,
                         high = y + 1 < h ? size : s->height - y * size;
            cell[y * w + x] /= (float)(wide * high);
        }
}

/* Around dark strokes on a shaded paper most cells are nearer to the lightest in sight than to the
 * darkest. */
static bool paper_is_lighter(size_t w, size_t h, size_t radius, const float *cell, float *most,
                             float *least, float *room)
{
    double sum = 0;
    memcpy(most, cell, w * h * sizeof *most);
    memcpy(least, cell, w * h * sizeof *least);
    spread_both(w, h, radius, 1, most, room);
    spread_both(w, h, radius, -1, least, room);
    for (size_t i = 0; i < w * h; i++)
        sum += 2 * (double)cell[i] - (double)most[i] - (double)least[i];
    return sum > 0;
}

/* A closing, or an opening with sign -1: what is narrower than 2 radius cells is filled. */
static void close_cells(size_t w, size_t h, size_t radius, float sign, float *cell, float *room)
{
    spread_both(w, h, radius, sign, cell, room);
    spread_both(w, h, radius, -sign, cell, room);
}

/* Shadows are wider than strokes. What of the sheet is as wide as a third of the picture, by a
 * closing (or opening, for light ink) on a grid of means, goes from the ink to the paper. Near the
 * edge a closing raises a slope, and it fills the dips that the smooth light left beside a shadow:
 * with the light and without it the paper is too light at different places, and the darker is it. */
static nb_status remove_shadows(const nb_sheet *s, float *paper)
{
    const size_t size = shorter(s) > CELLS ? shorter(s) / CELLS : 1;
    const size_t w = (s->width + size - 1) / size, h = (s->height + size - 1) / size;
    const size_t radius = (w < h ? w : h) / 6 + 1, longer = w > h ? w : h;
    float *cell = nb_alloc(3 * w * h + longer, sizeof *cell);
    if (!cell) return NB_ENOMEM;
    float *smooth = cell + w * h, *whole = smooth + w * h, *room = whole + w * h;
    make_cells(s, s->ink, size, w, h, cell);
    const float sign = paper_is_lighter(w, h, radius, cell, smooth, whole, room) ? 1 : -1;
    make_cells(s, paper, size, w, h, smooth);
    for (size_t i = 0; i < w * h; i++) whole[i] = smooth[i] + cell[i];
    close_cells(w, h, radius, sign, cell, room);
    close_cells(w, h, radius, sign, whole, room);
    for (size_t i = 0; i < w * h; i++)
        cell[i] = sign * fminf(sign * cell[i], sign * (whole[i] - smooth[i]));
    for (size_t y = 0; y < s->height; y++)
        for (size_t x = 0; x < s->width; x++) {
            const size_t at = y * s->width + x;
            const float shade = between(w, h, cell, ((double)x + .5) / (double)size,
                                        ((double)y + .5) / (double)size);
            s->ink[at] -= shade;
            paper[at] += shade;
        }
    nb_free(cell);
    return NB_OK;
}

/* --- ink -------------------------------------------------------------------------------------- */

/* sum d^3 and sum d^4 of what is darker than the paper, [1], and lighter, [0]. */
static bool is_dark(const nb_sheet *s)
{
    double cubes[2] = {0};
    for (size_t i = 0; i < s->width * s->height; i++) {
        const double d = (double)s->ink[i];
        cubes[d < 0] += fabs(d * d * d);
    }
    return cubes[1] > cubes[0];
}

void nb_sheet_weigh(nb_sheet *s)
{
    double cubes = 0, fourths = 0;
    for (size_t i = 0; i < s->width * s->height; i++) {
        const double d = (double)s->ink[i], cube = d > 0 ? d * d * d : 0;
        cubes += cube;
        fourths += cube * d;
    }
    s->full = cubes > 0 ? fourths / cubes : 0;
}

double nb_sheet_level(const nb_sheet *s, size_t i)
{
    const double ink = (double)s->ink[i];
    return s->full > s->none ? fmin(1, fmax(0, (ink - s->none) / (s->full - s->none))) : 0;
}

static void pick(const nb_sheet *s, edge *e)
{
    for (size_t i = 0; i < e->count; i++) e->rest[i] = (double)s->ink[e->at[i]];
}

/* s->ink holds grey levels; make it what stands out of the paper. `paper` is room for as much. */
static nb_status find_ink(nb_sheet *s, edge *e, float *paper)
{
    const size_t count = s->width * s->height;
    light l;
    nb_status status;
    find_edge(s, s->ink, e);
    status = find_light(s, e, &l);
    if (status) return status;
    for (size_t i = 0; i < count; i++) {
        paper[i] = (float)light_at(&l, s, i);
        s->ink[i] -= paper[i];
    }
    pick(s, e);
    for (size_t i = 0; i < e->count; i++) e->next[i] -= e->grey[i];
    const double noise = median_distance(e->count, e->rest, 0, e->room);
    const double grain = median_distance(e->count, e->next, 0, e->room) / sqrt(2);
    if (noise > 1 + 2 * grain && shorter(s) >= 16) {
        status = remove_shadows(s, paper);
        if (status) return status;
        pick(s, e);
        const double middle = median(e->count, e->rest, e->room);
        for (size_t i = 0; i < count; i++) s->ink[i] -= (float)middle;
    }
    const bool dark = is_dark(s);
    /* Ink takes a part of the light, so it stands out less in the shade. */
    for (size_t i = 0; i < e->count; i++) e->grey[i] = (double)paper[e->at[i]];
    const double usual = fmax(0, median(e->count, e->grey, e->room));
    for (size_t i = 0; i < count; i++)
        s->ink[i] *= (float)((usual + 16) / (fmax(0, (double)paper[i]) + 16)) * (dark ? -1.f : 1.f);
    pick(s, e);
    s->none = 4 * median_distance(e->count, e->rest, 0, e->room);
    nb_sheet_weigh(s);
    return NB_OK;
}

static nb_status read_sheet(nb_sheet *s, const nb_image *image, unsigned ground, edge *e)
{
    s->width = image->width / s->step;
    s->height = image->height / s->step;
    s->ink = nb_alloc(s->height * s->width, sizeof *s->ink);
    float *paper = nb_alloc(s->height * s->width, sizeof *paper);
    nb_status status = s->ink && paper ? NB_OK : NB_ENOMEM;
    if (!status) {
        make_grey(image, ground, s, s->ink);
        status = find_ink(s, e, paper);
    }
    nb_free(paper);
    if (status) nb_sheet_destroy(s);
    return status;
}

static double contrast(const nb_sheet *s)
{
    return s->full - s->none;
}

/* Smaller until noise is small, too. */
static nb_status read_quietly(nb_sheet *s, const nb_image *image, unsigned ground, edge *e)
{
    const size_t width = image->width, height = image->height;
    *s = (nb_sheet){.step = 1};
    while ((width / s->step) * (height / s->step) > WORK_PIXELS && s->step < width &&
           s->step < height)
        s->step++;
    for (;;) {
        nb_status status = read_sheet(s, image, ground, e);
        if (status) return status;
        if (s->none < 0.25 * s->full || shorter(s) / 2 < LEAST_SIDE) return NB_OK;
        const size_t step = 2 * s->step;
        nb_sheet_destroy(s);
        s->step = step;
    }
}

nb_status nb_sheet_create(nb_sheet *s, const nb_image *image)
{
    nb_sheet on_black;
    edge *e = nb_alloc(1, sizeof *e);
    if (!e) return NB_ENOMEM;
    nb_status status = read_quietly(s, image, 255, e);
    if (!status && is_transparent(image)) {
        status = read_quietly(&on_black, image, 0, e);
        if (!status && contrast(&on_black) > 2 * contrast(s)) {
            const nb_sheet worse = *s;
            *s = on_black;
            on_black = worse;
        }
        if (!status) nb_sheet_destroy(&on_black);
        if (status) nb_sheet_destroy(s);
    }
    nb_free(e);
    return status;
}

void nb_sheet_destroy(nb_sheet *s)
{
    if (!s) return;
    nb_free(s->ink);
    *s = (nb_sheet){0};
}
