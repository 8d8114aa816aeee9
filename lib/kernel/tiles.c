/* The inner loops of convolution. NB_ISA (base, avx2, avx512) and the precision come from the
 * Makefile, which lets the compiler fuse products into sums here; see tiles.h. */
#include "kernel/tiles.h"

#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
enum { height0 = 8, wide0 = 3, height1 = 6, wide1 = 4 };
#elif defined(__AVX__)
#define VECTOR_BYTES 32
enum { height0 = 4, wide0 = 3, height1 = 6, wide1 = 2 };
#else
#define VECTOR_BYTES 16
enum { height0 = 4, wide0 = 2, height1 = 6, wide1 = 2 };
#endif
enum { most_height = 8, most_wide = 4 };

/* One vector, wherever it lies, and what comparing two gives. */
typedef real block __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
#ifdef NB_REAL_SINGLE
typedef int32_t sword;
#else
typedef int64_t sword;
#endif
typedef sword mask __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
enum { lanes = sizeof(block) / sizeof(real) };

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

INLINE block load(const real *x)
{
    return *(const block *)x;
}

/* --- forward ---------------------------------------------------------------------------------- */

typedef NB(tile_forward) forward_job;

INLINE block positive(block x)
{
    return (block)(~(mask)(x <= (block){0}) & (mask)x); /* NaN stays NaN */
}

/* A tile that is not all within the image, (height, width): number by number. */
static void finish_edge(const forward_job *j, size_t filter, size_t at, size_t height, size_t width,
                        const real *sum)
{
    for (size_t r = 0; r < height && filter + r < j->filters; r++)
        for (size_t i = 0; i < width && at + i < j->positions; i++) {
            real *y = j->y + (filter + r) * j->positions + at + i;
            real s = sum[r * width + i] + (j->bias ? j->bias[filter + r] : 0);
            if (j->relu && s <= 0) s = 0;
            *y = j->beta != 0 ? s + j->beta * *y : s;
        }
}

/* A tile of sums becomes outputs. */
INLINE void finish(const forward_job *j, size_t filter, size_t at, const size_t height,
                   const size_t wide, block (*sum)[most_wide])
{
    if (filter + height > j->filters || at + wide * lanes > j->positions) {
        real edge[most_height * most_wide * lanes];
        UNROLL
        for (size_t r = 0; r < height; r++) {
            UNROLL
            for (size_t v = 0; v < wide; v++)
                *(block *)(edge + (r * wide + v) * lanes) = sum[r][v];
        }
        finish_edge(j, filter, at, height, wide * lanes, edge);
        return;
    }
    UNROLL
    for (size_t r = 0; r < height; r++) {
        real *y = j->y + (filter + r) * j->positions + at;
        const real b = j->bias ? j->bias[filter + r] : 0;
        UNROLL
        for (size_t v = 0; v < wide; v++) {
            block s = sum[r][v] + b;
            if (j->relu) s = positive(s);
            if (j->beta != 0) s += j->beta * load(y + v * lanes);
            *(block *)(y + v * lanes) = s;
        }
    }
}

/* `height` filters from `filter` on at `wide` vectors of positions from `at` on. */
INLINE void forward_tile(const forward_job *j, size_t filter, size_t at, const size_t height,
                         const size_t wide)
{
    block sum[most_height][most_wide];
    UNROLL
    for (size_t r = 0; r < height; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++) sum[r][v] = (block){0};
    }
    const real *w = j->panels + filter * j->taps;
    for (size_t k = 0; k < j->taps; k++, w += height) {
        const real *from = j->x + j->offset[k] + at;
        block x[most_wide];
        UNROLL
        for (size_t v = 0; v < wide; v++) x[v] = load(from + v * lanes);
        UNROLL
        for (size_t r = 0; r < height; r++) {
            UNROLL
            for (size_t v = 0; v < wide; v++) sum[r][v] += w[r] * x[v];
        }
    }
    finish(j, filter, at, height, wide, sum);
}

/* A panel of filters at all positions. One vector alone waits for its own sums, so the last two
 * tiles share what is left. */
INLINE void forward_panel(const forward_job *j, size_t filter, const size_t height,
                          const size_t most)
{
    size_t left = (j->positions + lanes - 1) / lanes;
    for (size_t at = 0; left;) {
        const size_t wide = left == most + 1 && most > 2 ? most - 1 : left < most ? left : most;
        switch (wide) {
        case 1:
            forward_tile(j, filter, at, height, 1);
            break;
        case 2:
            forward_tile(j, filter, at, height, 2);
            break;
        case 3:
            if (most >= 3) forward_tile(j, filter, at, height, 3);
            break;
        default:
            if (most >= 4) forward_tile(j, filter, at, height, 4);
        }
        at += wide * lanes;
        left -= wide;
    }
}

static void forward(const forward_job *j)
{
    if (j->height == height0)
        for (size_t f = 0; f < j->filters; f += height0) forward_panel(j, f, height0, wide0);
    else
        for (size_t f = 0; f < j->filters; f += height1) forward_panel(j, f, height1, wide1);
}

/* --- gradient of the weights ------------------------------------------------------------------ */

typedef NB(tile_weights) weights_job;

/* The sum of a vector's lanes, halves added to halves. */
INLINE real total(block v)
{
    real t[lanes];
    memcpy(t, &v, sizeof v);
    for (size_t n = lanes / 2; n; n /= 2)
        for (size_t i = 0; i < n; i++) t[i] += t[i + n];
    return t[0];
}

/* A tile of sums, (height, wide, lanes), is added up and kept. */
static void keep_totals(const weights_job *j, size_t filter, size_t tap, size_t height, size_t wide,
                        const real *sum)
{
    for (size_t r = 0; r < height && filter + r < j->filters; r++)
        for (size_t v = 0; v < wide && tap + v <= j->taps; v++) {
            real *to = j->dW + (filter + r) * j->taps + tap + v;
            if (tap + v == j->taps) {
                if (!j->db) continue;
                to = j->db + filter + r;
            }
            const real s = total(load(sum + (r * wide + v) * lanes));
            *to = j->beta != 0 ? s + j->beta * *to : s;
        }
}

/* One step of a tile: `d` are vectors of dy, x those of the taps. */
INLINE void products(const size_t height, const size_t wide, const block *d, const block *x,
                     block (*sum)[most_wide])
{
    UNROLL
    for (size_t r = 0; r < height; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++) sum[r][v] += d[r] * x[v];
    }
}

/* `height` filters from `filter` on by `wide` taps from `tap` on. Beyond the last of either, the
 * last is taken again, and not kept. */
INLINE void weights_tile(const weights_job *j, size_t filter, size_t tap, const size_t height,
                         const size_t wide)
{
    const size_t full = j->positions / lanes * lanes;
    size_t row[most_height], offset[most_wide];
    block sum[most_height][most_wide], d[most_height], x[most_wide];
    mask keep = {0};
    for (size_t i = 0; i < j->positions - full; i++) keep[i] = -1;
    UNROLL
    for (size_t v = 0; v < wide; v++)
        offset[v] = j->offset[tap + v <= j->taps ? tap + v : j->taps];
    UNROLL
    for (size_t r = 0; r < height; r++) {
        row[r] = filter + r < j->filters ? filter + r : j->filters - 1;
        UNROLL
        for (size_t v = 0; v < wide; v++) sum[r][v] = (block){0};
    }
    for (size_t n = 0; n < j->images; n++) {
        const real *from = j->x + n * j->x_stride, *dy = j->dy + n * j->filters * j->positions;
        for (size_t p = 0; p < full; p += lanes) {
            UNROLL
            for (size_t v = 0; v < wide; v++) x[v] = load(from + offset[v] + p);
            UNROLL
            for (size_t r = 0; r < height; r++) d[r] = load(dy + row[r] * j->positions + p);
            products(height, wide, d, x, sum);
        }
        if (full == j->positions) continue;
        UNROLL
        for (size_t v = 0; v < wide; v++)
            x[v] = (block)((mask)load(from + offset[v] + full) & keep);
        UNROLL
        for (size_t r = 0; r < height; r++)
            d[r] = load(j->tail + (n * j->filters + row[r]) * lanes);
        products(height, wide, d, x, sum);
    }
    real sums[most_height * most_wide * lanes];
    UNROLL
    for (size_t r = 0; r < height; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++) *(block *)(sums + (r * wide + v) * lanes) = sum[r][v];
    }
    keep_totals(j, filter, tap, height, wide, sums);
}

static void weights(const weights_job *j)
{
    if (j->height == height0)
        for (size_t k = 0; k <= j->taps; k += wide0)
            for (size_t f = 0; f < j->filters; f += height0) weights_tile(j, f, k, height0, wide0);
    else
        for (size_t k = 0; k <= j->taps; k += wide1)
            for (size_t f = 0; f < j->filters; f += height1) weights_tile(j, f, k, height1, wide1);
}

/* --- unfolding -------------------------------------------------------------------------------- */

/* memcpy for short rows: vectors, then their halves. */
INLINE void copy(size_t n, const real *from, real *to)
{
    for (; n >= lanes; n -= lanes, from += lanes, to += lanes) *(block *)to = load(from);
    UNROLL
    for (size_t part = lanes / 2; part; part /= 2) {
        if (!(n & part)) continue;
        memcpy(to, from, part * sizeof *to);
        from += part;
        to += part;
    }
}

/* Positions begin ... end-1 of tap column fx are within the image, the first of them at pixel lo. */
typedef struct span {
    size_t begin, end, lo;
} span;

INLINE span span_of(const nb_unfolding *u, size_t fx)
{
    const ptrdiff_t at = u->first_x + (ptrdiff_t)fx, step = (ptrdiff_t)u->step_x;
    const size_t skip = at < 0 ? (size_t)((-at + step - 1) / step) : 0;
    const ptrdiff_t lo = at + (ptrdiff_t)skip * step;
    if (lo >= (ptrdiff_t)u->width || skip >= u->positions) return (span){0};
    const size_t fit = (u->width - (size_t)lo + u->step_x - 1) / u->step_x;
    const size_t count = fit < u->positions - skip ? fit : u->positions - skip;
    return (span){skip, skip + count, (size_t)lo};
}

INLINE void unfold_row(const nb_unfolding *u, span s, const real *from, real *to)
{
    for (size_t i = 0; i < s.begin; i++) to[i] = 0;
    if (u->step_x == 1)
        copy(s.end - s.begin, from + s.lo, to + s.begin);
    else
        for (size_t i = s.begin; i < s.end; i++) to[i] = from[s.lo + (i - s.begin) * u->step_x];
    for (size_t i = s.end; i < u->positions; i++) to[i] = 0;
}

static void unfold(const nb_unfolding *u, const real *x, real *to)
{
    for (size_t c = 0; c < u->channels; c++)
        for (size_t fx = 0; fx < u->columns; fx++) {
            const span inside = span_of(u, fx);
            const real *image = x + c * u->height * u->width;
            real *tap = to + c * u->channel_stride + fx * u->column_stride;
            for (size_t phase = 0; phase < u->phases; phase++)
                for (size_t i = 0; i < u->rows; i++) {
                    const ptrdiff_t y = u->first_y + (ptrdiff_t)(phase + i * u->step_y);
                    const bool in = y >= 0 && y < (ptrdiff_t)u->height;
                    unfold_row(u, in ? inside : (span){0}, in ? image + (size_t)y * u->width : image,
                               tap + phase * u->phase_stride + i * u->positions);
                }
        }
}

static void fold(const nb_unfolding *u, const real *from, real *x)
{
    for (size_t c = 0; c < u->channels; c++)
        for (size_t fx = 0; fx < u->columns; fx++) {
            const span s = span_of(u, fx);
            const real *tap = from + c * u->channel_stride + fx * u->column_stride;
            real *image = x + c * u->height * u->width + s.lo;
            for (size_t i = 0; i < u->rows; i++) {
                const ptrdiff_t y = u->first_y + (ptrdiff_t)(i * u->step_y);
                if (y < 0 || y >= (ptrdiff_t)u->height) continue;
                const real *row = tap + i * u->positions + s.begin;
                real *pixel = image + (size_t)y * u->width;
                if (u->step_x == 1)
                    for (size_t p = 0; p < s.end - s.begin; p++) pixel[p] += row[p];
                else
                    for (size_t p = 0; p < s.end - s.begin; p++) pixel[p * u->step_x] += row[p];
            }
        }
}

#define TABLE_(isa) NB(tiles_##isa)
#define TABLE(isa) TABLE_(isa)

const NB(tiles) TABLE(NB_ISA) = {
    .lanes = lanes,
    .height = {height0, height1},
    .forward = forward,
    .weights = weights,
    .unfold = unfold,
    .fold = fold,
};
