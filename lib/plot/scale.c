/* nb_image_scale: columns, then rows, each a weighted mean of neighbours. */
#include "nablas/image.h"
#include "nablas/memory.h"
#include "plot/image_source.h"

#include <math.h>
#include <string.h>

/* How the pixels of one side are made: pixel i of `most` neighbours from first[i] on. */
typedef struct weights {
    size_t to, most;
    size_t *first; /* (to) */
    float *weight; /* (to, most) */
} weights;

/* Pixel i covers from i from/to to (i+1) from/to: as a share of that, how far each pixel is in it. */
static void cover(weights *w, size_t from)
{
    const double unit = (double)from / (double)w->to;
    for (size_t i = 0; i < w->to; i++) {
        const double lo = (double)i * unit, hi = (double)(i + 1) * unit;
        w->first[i] = (size_t)lo;
        for (size_t k = 0; k < w->most; k++) {
            const double left = (double)(w->first[i] + k), right = left + 1;
            const double part = fmin(right, hi) - fmax(left, lo);
            w->weight[i * w->most + k] =
                (float)(part > 0 && w->first[i] + k < from ? part / unit : 0);
        }
    }
}

/* The middle of pixel i, between the middles of two. */
static void interpolate(weights *w, size_t from)
{
    for (size_t i = 0; i < w->to; i++) {
        double at = ((double)i + 0.5) * (double)from / (double)w->to - 0.5;
        at = fmax(0, fmin(at, (double)(from - 1)));
        w->first[i] = (size_t)at;
        w->weight[2 * i + 1] = (float)(at - floor(at));
        w->weight[2 * i] = 1 - w->weight[2 * i + 1];
    }
}

static nb_status weigh(weights *w, size_t from, size_t to)
{
    const bool smaller = to < from;
    *w = (weights){.to = to, .most = smaller ? (from + to - 1) / to + 1 : 2};
    w->first = nb_alloc(to, sizeof *w->first);
    w->weight = nb_alloc(to * w->most, sizeof *w->weight);
    if (!w->first || !w->weight) return NB_ENOMEM;
    if (smaller)
        cover(w, from);
    else
        interpolate(w, from);
    return NB_OK;
}

static void free_weights(weights *w)
{
    nb_free(w->first);
    nb_free(w->weight);
}

/* One row of `from`, w->to pixels wide, in floating point. */
static void scale_row(const uint8_t *from, const weights *w, size_t channels, float *to)
{
    for (size_t i = 0; i < w->to; i++)
        for (size_t c = 0; c < channels; c++) {
            float sum = 0;
            for (size_t k = 0; k < w->most; k++) {
                const float weight = w->weight[i * w->most + k];
                if (weight > 0) sum += weight * (float)from[(w->first[i] + k) * channels + c];
            }
            to[i * channels + c] = sum;
        }
}

static void scale_columns(const float *from, const weights *w, size_t width, uint8_t *to)
{
    for (size_t i = 0; i < w->to; i++)
        for (size_t x = 0; x < width; x++) {
            float sum = 0;
            for (size_t k = 0; k < w->most; k++) {
                const float weight = w->weight[i * w->most + k];
                if (weight > 0) sum += weight * from[(w->first[i] + k) * width + x];
            }
            to[i * width + x] = (uint8_t)fminf(255, sum + 0.5F);
        }
}

nb_status nb_image_scale(const nb_image *from, size_t width, size_t height, nb_image *to)
{
    if (to) *to = (nb_image){0};
    if (!to || !from || !from->pixels)
        return nb_fail(NB_EINVAL, "nb_image_scale: %s", to ? "no image" : "to is NULL");
    nb_status status =
        nb_image_check(from->width, from->height, from->channels, "nb_image_scale", NULL);
    if (!status) status = nb_image_create(to, width, height, from->channels);
    if (status) return status;
    const size_t row = width * from->channels;
    if (width == from->width && height == from->height) {
        memcpy(to->pixels, from->pixels, row * height);
        return NB_OK;
    }
    weights across = {0}, down = {0};
    float *rows = nb_alloc(row * from->height, sizeof *rows);
    if (!rows) status = NB_ENOMEM;
    if (!status) status = weigh(&across, from->width, width);
    if (!status) status = weigh(&down, from->height, height);
    for (size_t y = 0; !status && y < from->height; y++)
        scale_row(from->pixels + y * from->width * from->channels, &across, from->channels,
                  rows + y * row);
    if (!status) scale_columns(rows, &down, row, to->pixels);
    free_weights(&across);
    free_weights(&down);
    nb_free(rows);
    if (status) nb_image_destroy(to);
    return status;
}
