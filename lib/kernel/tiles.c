/* The inner loops of convolution. NB_ISA (base, avx2, avx512) and the precision come from the
 * Makefile, which lets the compiler fuse products into sums here; see tiles.h. */
#include "kernel/tiles.h"

#include <string.h>

#define NARROW_TILES(T) \
    T(1, 1, 8)          \
    T(1, 2, 6) T(1, 3, 4) T(1, 3, 3) T(1, 5, 2) T(2, 1, 6) T(2, 2, 3) T(2, 3, 2) T(2, 5, 1)

/* Tiles of dW, WEIGHT_TILES: vectors of filters, columns and rows of taps. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define WEIGHT_TILES(T) \
    T(1, 1, 8)          \
    T(1, 2, 8)          \
    T(1, 3, 8) T(1, 3, 3) T(1, 5, 5) T(2, 1, 8) T(2, 2, 6) T(2, 3, 4) T(2, 3, 3) T(2, 5, 2)
enum { height0 = 8, wide0 = 3, height1 = 6, wide1 = 4 };
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define WEIGHT_TILES(T) NARROW_TILES(T)
enum { height0 = 4, wide0 = 3, height1 = 6, wide1 = 2 };
#else
#define VECTOR_BYTES 16
#define WEIGHT_TILES(T) NARROW_TILES(T)
enum { height0 = 4, wide0 = 2, height1 = 6, wide1 = 2 };
#endif
enum { most_height = 8, most_wide = 4, most_rows = 8, most_columns = 5, most_vectors = 2 };

/* One vector, wherever it lies, and what comparing two gives. */
typedef real block __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef NB(tile_mask) sword;
typedef sword mask __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
enum { lanes = sizeof(block) / sizeof(real) };

#define INLINE static inline __attribute__((always_inline))
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL /* every access is checked: no registers to gain, and compiling would take minutes */
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* A vector that many products share is loaded once: gcc would rather load it with each of them. */
#if defined(__AVX__)
#define KEEP(v) __asm__("" : "+v"(v))
#else
#define KEEP(v) (void)(v)
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

/* x where the mask has ones, 0 where it has zeros. */
INLINE block seen(block x, const sword *kept)
{
    return (block)((mask)x & *(const mask *)kept);
}

/* A part of the work: taps first ... end-1, filters from `filter` and positions from `at` on. */
typedef struct place {
    size_t first, end, filter, at;
} place;

/* Copy a tile (height, width) of y, as much of it as there is, from there or back. */
static void copy_edge(const forward_job *j, place p, size_t height, size_t width, real *tile,
                      bool back)
{
    const size_t rows = j->filters - p.filter < height ? j->filters - p.filter : height;
    const size_t columns = j->positions - p.at < width ? j->positions - p.at : width;
    for (size_t r = 0; r < rows; r++) {
        real *y = j->y + (p.filter + r) * j->positions + p.at;
        memcpy(back ? y : tile + r * width, back ? tile + r * width : y, columns * sizeof *y);
    }
}

/* The sums of `height` filters at `wide` vectors of positions, y(height, ld). The first taps begin
 * with beta y, the next with what y has of the sums, the last ones add the bias. */
INLINE void forward_sums(const forward_job *j, place p, const size_t height, const size_t wide,
                         const bool masked, real *y, size_t ld)
{
    block sum[most_height][most_wide];
    const real factor = p.first ? 1 : j->beta;
    UNROLL
    for (size_t r = 0; r < height; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++) {
            sum[r][v] = (block){0};
            if (factor != 0) sum[r][v] = factor * load(y + r * ld + v * lanes);
        }
    }
    const real *w = j->panels + p.filter * j->taps + p.first * height;
    for (size_t k = p.first; k < p.end; k++, w += height) {
        const real *from = j->x + j->offset[k] + p.at;
        block x[most_wide];
        UNROLL
        for (size_t v = 0; v < wide; v++) {
            x[v] = load(from + v * lanes);
            if (masked) x[v] = seen(x[v], j->mask + j->shade[k] + p.at + v * lanes);
        }
        UNROLL
        for (size_t r = 0; r < height; r++) {
            UNROLL
            for (size_t v = 0; v < wide; v++) sum[r][v] += w[r] * x[v];
        }
    }
    const bool last = p.end == j->taps;
    UNROLL
    for (size_t r = 0; r < height; r++) {
        const real b = last && j->bias && p.filter + r < j->filters ? j->bias[p.filter + r] : 0;
        UNROLL
        for (size_t v = 0; v < wide; v++) {
            block s = sum[r][v];
            if (last && j->bias) s += b;
            if (last && j->relu) s = positive(s);
            *(block *)(y + r * ld + v * lanes) = s;
        }
    }
}

/* All panels of filters at some positions, whose x stays in the first-level cache. */
INLINE void forward_column(const forward_job *j, place p, const size_t height, const size_t wide,
                           const bool masked)
{
    for (p.filter = 0; p.filter < j->filters; p.filter += height) {
        if (p.filter + height <= j->filters && p.at + wide * lanes <= j->positions) {
            forward_sums(j, p, height, wide, masked, j->y + p.filter * j->positions + p.at,
                         j->positions);
            continue;
        }
        real edge[most_height * most_wide * lanes] = {0};
        copy_edge(j, p, height, wide * lanes, edge, false);
        forward_sums(j, p, height, wide, masked, edge, wide * lanes);
        copy_edge(j, p, height, wide * lanes, edge, true);
    }
}

/* All positions. One vector alone waits for its own sums, so the last two tiles share what is
 * left. */
INLINE void forward_taps(const forward_job *j, place p, const size_t height, const size_t most,
                         const bool masked)
{
    size_t left = (j->positions + lanes - 1) / lanes;
    for (p.at = 0; left;) {
        const size_t wide = left == most + 1 && most > 2 ? most - 1 : left < most ? left : most;
        switch (wide) {
        case 1:
            forward_column(j, p, height, 1, masked);
            break;
        case 2:
            forward_column(j, p, height, 2, masked);
            break;
        case 3:
            if (most >= 3) forward_column(j, p, height, 3, masked);
            break;
        default:
            if (most >= 4) forward_column(j, p, height, 4, masked);
        }
        p.at += wide * lanes;
        left -= wide;
    }
}

/* Taps in blocks whose x stays in the first-level cache for all panels of filters. */
INLINE void forward_blocks(const forward_job *j, const size_t height, const size_t most_wide_here,
                           const bool masked)
{
    enum { cache = 28 * 1024 };
    const size_t most = cache / sizeof(block) / most_wide_here * j->shared;
    const size_t blocks = (j->taps + most - 1) / most, some = (j->taps + blocks - 1) / blocks;
    for (place p = {0}; p.first < j->taps; p.first = p.end) {
        p.end = p.first + some < j->taps ? p.first + some : j->taps;
        forward_taps(j, p, height, most_wide_here, masked);
    }
}

static void forward(const forward_job *j)
{
    if (j->height == height0 && j->shade)
        forward_blocks(j, height0, wide0, true);
    else if (j->height == height0)
        forward_blocks(j, height0, wide0, false);
    else if (j->shade)
        forward_blocks(j, height1, wide1, true);
    else
        forward_blocks(j, height1, wide1, false);
}

/* --- gradient of the weights ------------------------------------------------------------------ */

typedef NB(tile_weights) weights_job;

/* The sums of `rows` rows of taps from `row` on, `columns` of each from `column` on, with `vectors`
 * of filters. Beyond the last row, it is taken again, and not kept. */
INLINE void weights_tile(const weights_job *j, size_t vector, size_t row, size_t column,
                         const size_t vectors, const size_t columns, const size_t rows)
{
    const size_t taps = j->rows * j->columns, across = j->across, step = j->step_x;
    const size_t stride = j->images * j->down * across * lanes;
    const real *dy = j->dy + vector * stride;
    block sum[most_rows][most_columns][most_vectors];
    size_t at[most_rows];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const size_t q = row + r < j->rows ? row + r : j->rows - 1;
        at[r] = q / j->window * j->channel + q % j->window * j->pitch + column;
        UNROLL
        for (size_t i = 0; i < columns * vectors; i++)
            sum[r][i / vectors][i % vectors] = (block){0};
    }
    for (size_t n = 0; n < j->images; n++)
        for (size_t y = 0; y < j->down; y++) {
            const real *x = j->x + n * j->x_stride + y * j->step_y;
            for (size_t i = 0; i < across; i++, x += step, dy += lanes) {
                block d[most_vectors];
                UNROLL
                for (size_t v = 0; v < vectors; v++) {
                    d[v] = load(dy + v * stride);
                    KEEP(d[v]);
                }
                UNROLL
                for (size_t r = 0; r < rows; r++) {
                    /* One register a row, or compilers keep all at[r] + c. */
                    __asm__("" : "+r"(at[r]));
                    UNROLL
                    for (size_t c = 0; c < columns; c++) {
                        UNROLL
                        for (size_t v = 0; v < vectors; v++) sum[r][c][v] += x[at[r] + c] * d[v];
                    }
                }
            }
        }
    block kept[most_rows][most_columns][most_vectors];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t c = 0; c < columns; c++) {
            UNROLL
            for (size_t v = 0; v < vectors; v++) kept[r][c][v] = sum[r][c][v];
        }
    }
    for (size_t r = 0; r < rows && row + r < j->rows; r++)
        for (size_t c = 0; c < columns; c++)
            for (size_t v = 0; v < vectors; v++) {
                const size_t tap = (row + r) * j->columns + column + c;
                real *to = j->sum + ((vector + v) * taps + tap) * lanes;
                if (!j->first) kept[r][c][v] += load(to);
                *(block *)to = kept[r][c][v];
            }
}

#define TILE(vectors, columns, rows)                                                     \
    static void tile_##vectors##_##columns##_##rows(const weights_job *j, size_t vector, \
                                                    size_t row, size_t column)           \
    {                                                                                    \
        weights_tile(j, vector, row, column, vectors, columns, rows);                    \
    }
WEIGHT_TILES(TILE)
#undef TILE

static const struct weight_tile {
    size_t vectors, columns, rows;
    void (*sums)(const weights_job *j, size_t vector, size_t row, size_t column);
} weight_tile[] = {
#define TILE(vectors, columns, rows) {vectors, columns, rows, tile_##vectors##_##columns##_##rows},
    WEIGHT_TILES(TILE)
#undef TILE
};

/* Time of a tile over all rows of taps: its products, two at a time as its loads, and a little. */
static size_t time_of(const struct weight_tile *t, size_t rows)
{
    const size_t products = t->rows * t->columns * t->vectors;
    const size_t loads = t->rows * t->columns + t->vectors;
    const size_t most = products > loads ? products : loads;
    return (rows + t->rows - 1) / t->rows * ((most > 8 ? most : 8) + 2);
}

/* The fastest tile of so many columns, for one vector of filters or two. */
static const struct weight_tile *tile_for(size_t columns, size_t vectors, size_t rows)
{
    const struct weight_tile *best[2] = {NULL, NULL};
    for (size_t i = 0; i < sizeof weight_tile / sizeof *weight_tile; i++) {
        const struct weight_tile *t = &weight_tile[i], **b = &best[t->vectors - 1];
        if (t->columns == columns && (!*b || time_of(t, rows) < time_of(*b, rows))) *b = t;
    }
    const bool both = vectors > 1 && time_of(best[1], rows) <= 2 * time_of(best[0], rows);
    return best[both];
}

static void weights(const weights_job *j)
{
    for (size_t column = 0, some; column < j->columns; column += some) {
        const size_t left = j->columns - column;
        some = left == 4 ? 2 : left >= 5 && left != 6 ? 5 : left < 3 ? left : 3;
        for (size_t v = 0, many; v < j->vectors; v += many) {
            const struct weight_tile *t = tile_for(some, j->vectors - v, j->rows);
            many = t->vectors;
            for (size_t row = 0; row < j->rows; row += t->rows) t->sums(j, v, row, column);
        }
    }
}

/* --- transposition ---------------------------------------------------------------------------- */

#if VECTOR_BYTES / NB_REAL_BYTES == 16
#define FIRST(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif VECTOR_BYTES / NB_REAL_BYTES == 8
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif VECTOR_BYTES / NB_REAL_BYTES == 4
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SECOND(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 2)
#define SECOND(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Transpose `lanes` vectors of `lanes` numbers: log2(lanes) times, vectors i and i + lanes / 2 are
 * interleaved. */
INLINE void turn(block *v)
{
    UNROLL
    for (size_t times = 1; times < lanes; times *= 2) {
        block next[lanes];
        UNROLL
        for (size_t i = 0; i < lanes / 2; i++) {
            next[2 * i] = FIRST(v[i], v[i + lanes / 2]);
            next[2 * i + 1] = SECOND(v[i], v[i + lanes / 2]);
        }
        UNROLL
        for (size_t i = 0; i < lanes; i++) v[i] = next[i];
    }
}

INLINE block load_some(size_t n, const real *x)
{
    block v = {0};
    memcpy(&v, x, n * sizeof *x);
    return v;
}

/* Positions of some filters, a vector of each or less, are turned; their sums are returned. Beyond the
 * last filter, it is taken again. */
INLINE block turn_positions(size_t filters, size_t positions, const real *dy, size_t ld, real *to)
{
    block v[lanes];
    UNROLL
    for (size_t i = 0; i < lanes; i++) {
        v[i] = positions == lanes ? load(dy) : load_some(positions, dy);
        if (i + 1 < filters) dy += ld;
    }
    turn(v);
    UNROLL
    for (size_t i = 0; i < lanes; i++)
        if (i < positions) *(block *)(to + i * lanes) = v[i];
    UNROLL
    for (size_t n = lanes / 2; n; n /= 2) {
        UNROLL
        for (size_t i = 0; i < n; i++) v[i] += v[i + n];
    }
    return v[0];
}

static void turn_filters(size_t filters, size_t positions, const real *dy, size_t ld, real *to,
                         real *total)
{
    block sum = load(total);
    size_t p = 0;
    for (; p + lanes <= positions; p += lanes)
        sum += turn_positions(filters, lanes, dy + p, ld, to + p * lanes);
    if (p < positions) sum += turn_positions(filters, positions - p, dy + p, ld, to + p * lanes);
    *(block *)total = sum;
}

static void turn_taps(size_t filters, size_t taps, const real *sum, real beta, real *dW)
{
    for (size_t k = 0; k < taps; k += lanes, dW += lanes) {
        const size_t left = taps - k < lanes ? taps - k : lanes;
        block v[lanes];
        UNROLL
        for (size_t i = 0; i < lanes; i++) v[i] = load(sum + (i < left ? k + i : k) * lanes);
        turn(v);
        UNROLL
        for (size_t f = 0; f < lanes; f++) {
            real *to = dW + f * taps;
            if (f >= filters) continue;
            if (beta != 0) v[f] += beta * (left == lanes ? load(to) : load_some(left, to));
            if (left == lanes)
                *(block *)to = v[f];
            else
                memcpy(to, &v[f], left * sizeof *to);
        }
    }
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

/* Of the places first, first + step, ... numbers begin ... end-1 are within 0 ... size-1, and number
 * begin is place lo. */
typedef struct span {
    size_t begin, end, lo;
} span;

INLINE span span_from(ptrdiff_t first, size_t step, size_t size, size_t positions)
{
    const size_t skip = first < 0 ? ((size_t)-first + step - 1) / step : 0;
    const ptrdiff_t lo = first + (ptrdiff_t)(skip * step);
    if (lo >= (ptrdiff_t)size || skip >= positions) return (span){0};
    const size_t fit = (size - (size_t)lo + step - 1) / step;
    return (span){skip, skip + (fit < positions - skip ? fit : positions - skip), (size_t)lo};
}

/* A few zeros, and more behind them, in 16 bytes at a time: compilers would call memset. */
INLINE void zeros(size_t n, real *to)
{
    typedef real quad __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
    enum { few = sizeof(quad) / sizeof(real) };
    if (!n) return;
    *(quad *)to = (quad){0};
    for (size_t i = few; i < n; i += few) *(quad *)(to + i) = (quad){0};
}

/* One row of positions: the span from the image, zeros on both sides. */
static void unfold_row(const nb_unfolding *u, span s, const real *from, real *to)
{
    const size_t count = s.end - s.begin;
    zeros(s.begin, to);
    to += s.begin;
    if (u->step_x == 1) copy(count, from, to);
    if (u->step_x != 1)
        for (size_t i = 0; i < count; i++) to[i] = from[i * u->step_x];
    zeros(u->positions - s.end, to + count);
}

/* n rows in whole vectors (a constant), of which `kept` are the bits within the span: what the last
 * one writes behind the row is written over later, or slack. */
INLINE void unfold_rows(const nb_unfolding *u, const mask *kept, size_t n, const real *from,
                        real *to, const size_t vectors)
{
    const size_t pitch = u->step_y * u->width;
    for (size_t i = 0; i < n; i++, from += pitch, to += u->positions) {
        UNROLL
        for (size_t v = 0; v < vectors; v++)
            *(block *)(to + v * lanes) = (block)((mask)load(from + v * lanes) & kept[v]);
    }
}

enum { most_whole = 4 };

/* n rows of the image x of `size` numbers, the first span at x + at. The vectors of a row begin with
 * the padding on its left, so that the first rows of all, and the last, may not have them whole. */
static void unfold_inside(const nb_unfolding *u, span s, size_t n, const real *x, size_t size,
                          size_t at, real *to)
{
    if (u->positions == u->width && u->step_x == 1 && u->step_y == 1 && s.begin == 0 &&
        s.end == u->positions) {
        copy(n * u->positions, x + at, to);
        return;
    }
    const size_t vectors = (u->positions + lanes - 1) / lanes, whole = vectors * lanes;
    const size_t pitch = u->step_y * u->width;
    size_t lo = at < s.begin ? (s.begin - at + pitch - 1) / pitch : 0, hi = n;
    while (hi > lo && at + (hi - 1) * pitch - s.begin + whole > size) hi--;
    if (vectors > most_whole || u->step_x != 1 || lo > n) lo = hi = n;
    mask kept[most_whole], number;
    for (size_t l = 0; l < lanes; l++) number[l] = (sword)l;
    for (size_t v = 0; lo < hi && v < vectors; v++, number += (sword)lanes)
        kept[v] = (number >= (sword)s.begin) & (number < (sword)s.end);
    for (size_t i = 0; i < lo; i++) unfold_row(u, s, x + at + i * pitch, to + i * u->positions);
    const real *from = x + at + lo * pitch - (lo < hi ? s.begin : 0);
    real *row = to + lo * u->positions;
    switch (lo < hi ? vectors : 0) {
    case 0:
        break;
    case 1:
        unfold_rows(u, kept, hi - lo, from, row, 1);
        break;
    case 2:
        unfold_rows(u, kept, hi - lo, from, row, 2);
        break;
    case 3:
        unfold_rows(u, kept, hi - lo, from, row, 3);
        break;
    default:
        unfold_rows(u, kept, hi - lo, from, row, 4);
    }
    for (size_t i = hi; i < n; i++) unfold_row(u, s, x + at + i * pitch, to + i * u->positions);
}

/* Rows begin ... end-1 of a phase are within the image. */
INLINE span rows_of(const nb_unfolding *u, size_t phase)
{
    return span_from(u->first_y + (ptrdiff_t)phase, u->step_y, u->height, u->rows);
}

static void unfold(const nb_unfolding *u, const real *x, real *to)
{
    const size_t plane = u->height * u->width;
    for (size_t c = 0; c < u->channels; c++)
        for (size_t fx = 0; fx < u->columns; fx++) {
            const span s = span_from(u->first_x + (ptrdiff_t)fx, u->step_x, u->width, u->positions);
            for (size_t phase = 0; phase < u->phases; phase++) {
                const span y = rows_of(u, phase);
                const size_t at = c * plane + y.lo * u->width + s.lo;
                real *tap =
                    to + c * u->channel_stride + fx * u->column_stride + phase * u->phase_stride;
                memset(tap, 0, y.begin * u->positions * sizeof *tap);
                unfold_inside(u, s, y.end - y.begin, x, u->channels * plane, at,
                              tap + y.begin * u->positions);
                memset(tap + y.end * u->positions, 0,
                       (u->rows - y.end) * u->positions * sizeof *tap);
            }
        }
}

static void fold(const nb_unfolding *u, const real *from, real *x)
{
    const span y = rows_of(u, 0);
    for (size_t c = 0; c < u->channels; c++)
        for (size_t fx = 0; fx < u->columns; fx++) {
            const span s = span_from(u->first_x + (ptrdiff_t)fx, u->step_x, u->width, u->positions);
            const real *tap = from + c * u->channel_stride + fx * u->column_stride + s.begin;
            real *image = x + (c * u->height + y.lo) * u->width + s.lo;
            for (size_t i = y.begin; i < y.end; i++, image += u->step_y * u->width) {
                const real *row = tap + i * u->positions;
                if (u->step_x == 1)
                    for (size_t p = 0; p < s.end - s.begin; p++) image[p] += row[p];
                else
                    for (size_t p = 0; p < s.end - s.begin; p++) image[p * u->step_x] += row[p];
            }
        }
}

#define TABLE_(isa) NB(tiles_##isa)
#define TABLE(isa) TABLE_(isa)

const NB(tiles) TABLE(NB_ISA) = {
    .lanes = lanes,
    .height = {height0, height1},
    .wide = {wide0, wide1},
    .forward = forward,
    .weights = weights,
    .turn_filters = turn_filters,
    .turn_taps = turn_taps,
    .unfold = unfold,
    .fold = fold,
};
