#include "nablas/digit.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 256, FAINTEST = 16 };

/* --- grey ------------------------------------------------------------------------------------- */

static unsigned luminance(const uint8_t *p, size_t channels)
{
    if (channels == 1) return p[0];
    return (2126u * p[0] + 7152u * p[1] + 722u * p[2] + 5000u) / 10000u;
}

/* One byte a pixel, what is transparent as `ground`. */
static void make_grey(const nb_image *image, unsigned ground, uint8_t *grey)
{
    const size_t channels = image->channels, count = image->width * image->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = image->pixels + i * channels;
        const unsigned alpha = channels == 4 ? p[3] : 255;
        grey[i] = (uint8_t)((luminance(p, channels) * alpha + ground * (255 - alpha) + 127) / 255);
    }
}

/* --- paper and ink ---------------------------------------------------------------------------- */

/* Distances from the paper at which ink begins and is full. */
typedef struct shades {
    int paper;
    bool dark; /* ink is darker than the paper */
    double none, full;
} shades;

static int median(const size_t *histogram, size_t count)
{
    int level = 0;
    for (size_t below = histogram[0]; 2 * below < count;) below += histogram[++level];
    return level;
}

/* The outermost pixels: their median, and the median of the distances from it. */
static void find_paper(size_t width, size_t height, const uint8_t *grey, int *paper, int *noise)
{
    size_t levels[LEVELS] = {0}, distances[LEVELS] = {0}, count = 0;
    for (size_t y = 0; y < height; y++) {
        const size_t step = y == 0 || y == height - 1 || width == 1 ? 1 : width - 1;
        for (size_t x = 0; x < width; x += step, count++) levels[grey[y * width + x]]++;
    }
    *paper = median(levels, count);
    for (int v = 0; v < LEVELS; v++) distances[abs(v - *paper)] += levels[v];
    *noise = median(distances, count);
}

static shades find_shades(size_t width, size_t height, const uint8_t *grey)
{
    size_t levels[LEVELS] = {0};
    double cubes[2] = {0}, fourths[2] = {0};
    int paper, noise;
    find_paper(width, height, grey, &paper, &noise);
    for (size_t i = 0; i < width * height; i++) levels[grey[i]]++;
    for (int v = 0; v < LEVELS; v++) {
        const double d = abs(v - paper), cube = (double)levels[v] * d * d * d;
        cubes[v < paper] += cube;
        fourths[v < paper] += cube * d;
    }
    const bool dark = cubes[1] > cubes[0];
    return (shades){.paper = paper,
                    .dark = dark,
                    .none = 4.0 * noise,
                    .full = cubes[dark] > 0 ? fourths[dark] / cubes[dark] : 0};
}

static double contrast(const shades *s)
{
    return s->full - s->none;
}

/* In place: grey levels to ink, 0 to 255. */
static void make_ink(const shades *s, size_t count, uint8_t *grey)
{
    uint8_t ink[LEVELS];
    for (int v = 0; v < LEVELS; v++) {
        const double d = s->dark ? s->paper - v : v - s->paper;
        ink[v] = (uint8_t)lround(255 * fmin(1, fmax(0, (d - s->none) / contrast(s))));
    }
    for (size_t i = 0; i < count; i++) grey[i] = ink[grey[i]];
}

/* --- the digit -------------------------------------------------------------------------------- */

typedef struct box {
    size_t left, top, width, height;
} box;

/* Where ink exceeds a quarter. There is some: full ink is a mean of what is there. */
static box find_digit(size_t width, size_t height, const uint8_t *ink)
{
    size_t left = width, right = 0, top = height, bottom = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            if (ink[y * width + x] < 64) continue;
            if (x < left) left = x;
            if (x > right) right = x;
            if (y < top) top = y;
            bottom = y;
        }
    if (left > right) return (box){0, 0, width, height}; /* which cannot be */
    return (box){left, top, right - left + 1, bottom - top + 1};
}

/* Side i of n equal parts of `length`: pixels lo ... hi-1, the first and last of them in part. */
typedef struct span {
    size_t lo, hi;
    double begin, end;
} span;

static span part_of(size_t i, size_t n, size_t length)
{
    const double begin = (double)(i * length) / (double)n,
                 end = (double)((i + 1) * length) / (double)n;
    return (span){(size_t)begin, (size_t)ceil(end), begin, end};
}

static double covered(const span *s, size_t i)
{
    return fmin(s->end, (double)i + 1) - fmax(s->begin, (double)i);
}

/* The mean ink in a rectangle. */
static double area_mean(const uint8_t *ink, size_t stride, span x, span y)
{
    double sum = 0;
    for (size_t j = y.lo; j < y.hi; j++) {
        double row = 0;
        for (size_t i = x.lo; i < x.hi; i++) row += covered(&x, i) * ink[j * stride + i];
        sum += covered(&y, j) * row;
    }
    return sum / ((x.end - x.begin) * (y.end - y.begin));
}

/* Where `size` pixels begin whose centre of mass is at `centre`: so that it falls into pixel 14. */
static size_t place(double centre, size_t size)
{
    const double at = ceil(NB_DIGIT_SIDE / 2 - centre);
    return (size_t)fmin((double)(NB_DIGIT_SIDE - size), fmax(0, at));
}

static size_t fitted(size_t side, size_t longer)
{
    const size_t size = longer ? (side * NB_DIGIT_BOX * 2 + longer) / (longer * 2) : 0;
    return size ? size : 1;
}

static void draw_digit(const uint8_t *ink, size_t stride, const box *b, uint8_t *digit)
{
    const size_t longer = b->width > b->height ? b->width : b->height;
    const size_t width = fitted(b->width, longer), height = fitted(b->height, longer);
    double small[NB_DIGIT_BOX][NB_DIGIT_BOX], most = 0, sum = 0, x_sum = 0, y_sum = 0;
    ink += b->top * stride + b->left;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const double value = small[y][x] =
                area_mean(ink, stride, part_of(x, width, b->width), part_of(y, height, b->height));
            most = fmax(most, value);
            sum += value;
            x_sum += value * ((double)x + 0.5);
            y_sum += value * ((double)y + 0.5);
        }
    const size_t left = place(x_sum / sum, width), top = place(y_sum / sum, height);
    memset(digit, 0, NB_DIGIT_PIXELS);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            digit[(top + y) * NB_DIGIT_SIDE + left + x] = (uint8_t)lround(255 * small[y][x] / most);
}

/* --- all of it -------------------------------------------------------------------------------- */

static nb_status check(const nb_image *image)
{
    const size_t channels = image->channels;
    if (!image->pixels || image->width == 0 || image->height == 0)
        return nb_fail(NB_EINVAL, "nb_digit_from_image: an image of %zux%zu, without pixels",
                       image->width, image->height);
    if (channels != 1 && channels != 3 && channels != 4)
        return nb_fail(NB_EINVAL, "nb_digit_from_image: channels=%zu, expected 1, 3 or 4",
                       channels);
    return NB_OK;
}

nb_status nb_digit_from_image(const nb_image *image, uint8_t *digit)
{
    nb_status status = check(image);
    if (status) return status;
    const size_t width = image->width, height = image->height;
    uint8_t *grey = nb_alloc(height, width);
    if (!grey) return NB_ENOMEM;

    if (image->channels == 4) make_grey(image, 0, grey);
    const shades on_black = find_shades(width, height, grey);
    make_grey(image, 255, grey);
    shades s = find_shades(width, height, grey);
    if (image->channels == 4 && contrast(&on_black) > 2 * contrast(&s)) {
        s = on_black;
        make_grey(image, 0, grey);
    }
    if (contrast(&s) < FAINTEST) {
        nb_free(grey);
        return nb_fail(NB_EINVAL,
                       "nb_digit_from_image: no digit: nothing stands out from the paper");
    }
    make_ink(&s, width * height, grey);
    const box b = find_digit(width, height, grey);
    draw_digit(grey, width, &b, digit);
    nb_free(grey);
    return NB_OK;
}
