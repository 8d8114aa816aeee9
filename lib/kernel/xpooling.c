#include "kernel/geometry.h"
#include "kernel/vector.h"

#ifdef NB_REAL_SINGLE
#define ME(name) "nb_s" name "_pooling"
#else
#define ME(name) "nb_d" name "_pooling"
#endif

static nb_status check(const char *function, const nb_window *w, const void *images,
                       const void *pooled, const void *winner)
{
    nb_status status = nb_window_check(function, w);
    if (status) return status;
    if (!images || !pooled || !winner)
        return nb_fail(NB_EINVAL, "%s: %s is NULL", function,
                       !images   ? "x or dx"
                       : !pooled ? "y or dy"
                                 : "winner");
    return NB_OK;
}

static nb_status check_bytes(const char *function, const nb_window *w)
{
    if (w->rows <= 256 && w->rows * w->columns <= 256) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: a window of %zu x %zu, more than 256 pixels", function, w->rows,
                   w->columns);
}

/* 2 x 2, side by side: each pixel is in one window. */
static bool is_pairs(const nb_window *w)
{
    return w->rows == 2 && w->columns == 2 && w->stride_y == 2 && w->stride_x == 2 && !w->pad_y &&
           !w->pad_x;
}

/* What of a window is within the image: rows y ... y+rows-1, columns x ... x+columns-1, which begin
 * at (skip_y, skip_x) of the window. */
typedef struct part {
    size_t y, x, rows, columns, skip_y, skip_x;
} part;

static void within(size_t position, size_t stride, size_t pad, size_t window, size_t size,
                   size_t *at, size_t *count, size_t *skip)
{
    const size_t begin = position * stride, end = begin + window;
    const size_t lo = begin > pad ? begin - pad : 0, most = end > pad ? end - pad : 0;
    const size_t hi = most < size ? most : size;
    *at = lo;
    *count = hi > lo ? hi - lo : 0;
    *skip = lo + pad - begin;
}

static part part_of(const nb_window *w, size_t oy, size_t ox)
{
    part p;
    within(oy, w->stride_y, w->pad_y, w->rows, w->height, &p.y, &p.rows, &p.skip_y);
    within(ox, w->stride_x, w->pad_x, w->columns, w->width, &p.x, &p.columns, &p.skip_x);
    return p.rows && p.columns ? p : (part){0};
}

static bool is_greater(real a, real b)
{
    return !(a <= b) && b == b; /* NaN is greater than all, but not than NaN */
}

/* Pixel (fy, fx) of a window; the padding is 0. */
static real pixel(const nb_window *w, part p, const real *plane, size_t fy, size_t fx)
{
    const size_t y = fy - p.skip_y, x = fx - p.skip_x; /* huge before the part */
    return y < p.rows && x < p.columns ? plane[(p.y + y) * w->width + p.x + x] : 0;
}

static real maximum(const nb_window *w, part p, const real *plane, uint8_t *winner)
{
    real best = pixel(w, p, plane, 0, 0);
    *winner = 0;
    for (size_t fy = 0; fy < w->rows; fy++)
        for (size_t fx = 0; fx < w->columns; fx++) {
            const real value = pixel(w, p, plane, fy, fx);
            if (!is_greater(value, best)) continue;
            best = value;
            *winner = (uint8_t)(fy * w->columns + fx);
        }
    return best;
}

nb_status NB(max_pooling)(const nb_window *w, size_t images, const real *x, real *y,
                          uint8_t *winner)
{
    nb_status status = check(ME("max"), w, x, y, winner);
    if (status || (status = check_bytes(ME("max"), w))) return status;
    const size_t plane = w->height * w->width, positions = nb_positions(w);
    for (size_t c = 0; c < images * w->channels; c++) {
        const real *from = x + c * plane;
        if (is_pairs(w)) {
            NB(vector_table)
            ()->pool_pairs(w->out_height, w->out_width, from, w->width, y + c * positions,
                           winner + c * positions);
            continue;
        }
        for (size_t p = 0; p < positions; p++)
            y[c * positions + p] = maximum(w, part_of(w, p / w->out_width, p % w->out_width), from,
                                           winner + c * positions + p);
    }
    return NB_OK;
}

static void scale(size_t n, real beta, real *x)
{
    for (size_t i = 0; i < n; i++) x[i] = beta == 0 ? 0 : beta * x[i];
}

/* One channel of one image. */
static void return_to_winners(const nb_window *w, const real *dy, const uint8_t *winner, real *dx)
{
    for (size_t p = 0; p < nb_positions(w); p++) {
        const size_t fy = winner[p] / w->columns, fx = winner[p] % w->columns;
        const size_t y = p / w->out_width * w->stride_y + fy - w->pad_y;
        const size_t x = p % w->out_width * w->stride_x + fx - w->pad_x;
        if (fy < w->rows && y < w->height && x < w->width) dx[y * w->width + x] += dy[p];
    }
}

nb_status NB(max_pooling_backward)(const nb_window *w, size_t images, const real *dy,
                                   const uint8_t *winner, real beta, real *dx)
{
    nb_status status = check(ME("max") "_backward", w, dx, dy, winner);
    if (status || (status = check_bytes(ME("max") "_backward", w))) return status;
    const size_t plane = w->height * w->width, positions = nb_positions(w);
    const bool pairs = is_pairs(w), covered = pairs && w->height % 2 == 0 && w->width % 2 == 0;
    for (size_t c = 0; c < images * w->channels; c++) {
        real *to = dx + c * plane;
        if (!covered) scale(plane, beta, to);
        if (pairs) NB(vector_table)
        ()->unpool_pairs(w->out_height, w->out_width, dy + c * positions, winner + c * positions,
                         covered ? beta : 1, to, w->width);
        else return_to_winners(w, dy + c * positions, winner + c * positions, to);
    }
    return NB_OK;
}

nb_status NB(average_pooling)(const nb_window *w, size_t images, const real *x, real *y)
{
    nb_status status = check(ME("average"), w, x, y, w);
    if (status) return status;
    const size_t positions = nb_positions(w);
    const real area = (real)(w->rows * w->columns);
    for (size_t i = 0; i < images * w->channels * positions; i++) {
        const part p = part_of(w, i % positions / w->out_width, i % w->out_width);
        const real *from = x + (i / positions * w->height + p.y) * w->width + p.x;
        real sum = 0;
        for (size_t r = 0; r < p.rows; r++, from += w->width)
            for (size_t j = 0; j < p.columns; j++) sum += from[j];
        y[i] = sum / area;
    }
    return NB_OK;
}

nb_status NB(average_pooling_backward)(const nb_window *w, size_t images, const real *dy, real beta,
                                       real *dx)
{
    nb_status status = check(ME("average") "_backward", w, dx, dy, w);
    if (status) return status;
    const size_t positions = nb_positions(w);
    const real area = (real)(w->rows * w->columns);
    scale(images * nb_image_size(w), beta, dx);
    for (size_t i = 0; i < images * w->channels * positions; i++) {
        const part p = part_of(w, i % positions / w->out_width, i % w->out_width);
        real *to = dx + (i / positions * w->height + p.y) * w->width + p.x;
        const real share = dy[i] / area;
        for (size_t r = 0; r < p.rows; r++, to += w->width)
            for (size_t j = 0; j < p.columns; j++) to[j] += share;
    }
    return NB_OK;
}
