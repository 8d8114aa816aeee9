#include "nablas/digit.h"
#include "digit/sheet.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double FAINTEST = 16, /* levels */
    THIN = 1.5, THICK = 2; /* pixels of 28x28; MNIST's strokes: 1 % below 1.5, half below 2.6 */

/* --- the ink of one digit --------------------------------------------------------------------- */

/* Faint ink belongs to the digit unless it only surrounds another. */
static bool is_foreign(const nb_sheet *s, const nb_parts *all, int name, size_t x, size_t y)
{
    bool foreign = false;
    for (size_t j = y > 0 ? y - 1 : 0; j <= y + 1 && j < s->height; j++)
        for (size_t i = x > 0 ? x - 1 : 0; i <= x + 1 && i < s->width; i++) {
            const int32_t owner = all->owner[j * s->width + i];
            if (owner == name) return false;
            foreign = foreign || owner != 0;
        }
    return foreign;
}

/* (height,width) of its box, 0 to 255. */
static void copy_ink(const nb_sheet *s, const nb_parts *all, const nb_part *p, uint8_t *ink)
{
    for (size_t y = p->box.top; y < p->box.top + p->box.height; y++)
        for (size_t x = p->box.left; x < p->box.left + p->box.width; x++) {
            const size_t at = y * s->width + x;
            const int32_t owner = all->owner[at];
            const bool own = owner ? owner == p->name : !is_foreign(s, all, p->name, x, y);
            *ink++ = own ? (uint8_t)lround(255 * nb_sheet_level(s, at)) : 0;
        }
}

/* The area of the strokes over half the length of their rim, which is that of the pixels' sides there
 * by pi/4; in pixels of 28x28. */
static double thickness(const nb_box *b, const uint8_t *ink)
{
    const size_t w = b->width, h = b->height;
    size_t inside = 0, sides = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const uint8_t *p = ink + y * w + x;
            if (*p < 128) continue;
            inside++;
            sides += x == 0 || p[-1] < 128;
            sides += x + 1 == w || p[1] < 128;
            sides += y == 0 || *(p - w) < 128;
            sides += y + 1 == h || p[w] < 128;
        }
    const double rim = (double)sides * acos(-1) / 4;
    return sides ? 2 * (double)inside / rim * NB_DIGIT_BOX / (double)(w > h ? w : h) : 0;
}

/* The darkest of `radius` pixels to either side, along one line of n. */
static void widen(size_t n, size_t stride, size_t radius, uint8_t *ink, uint8_t *line)
{
    for (size_t i = 0; i < n; i++) line[i] = ink[i * stride];
    for (size_t i = 0; i < n; i++)
        for (size_t j = i > radius ? i - radius : 0; j <= i + radius && j < n; j++)
            if (ink[i * stride] < line[j]) ink[i * stride] = line[j];
}

/* `line` is room for the longer side. */
static void thicken(const nb_box *b, uint8_t *ink, uint8_t *line)
{
    const double thick = thickness(b, ink);
    const double unit = (double)(b->width > b->height ? b->width : b->height) / NB_DIGIT_BOX;
    if (thick <= 0 || thick > THIN) return;
    const size_t radius = (size_t)((THICK - thick) * unit / 2 + 0.25);
    for (size_t y = 0; y < b->height; y++) widen(b->width, 1, radius, ink + y * b->width, line);
    for (size_t x = 0; x < b->width; x++) widen(b->height, b->width, radius, ink + x, line);
}

/* --- 28x28 ------------------------------------------------------------------------------------ */

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

static void draw_digit(const uint8_t *ink, const nb_box *b, uint8_t *digit)
{
    const size_t longer = b->width > b->height ? b->width : b->height;
    const size_t width = fitted(b->width, longer), height = fitted(b->height, longer);
    double small[NB_DIGIT_BOX][NB_DIGIT_BOX], most = 0, sum = 0, x_sum = 0, y_sum = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const double value = small[y][x] = area_mean(ink, b->width, part_of(x, width, b->width),
                                                         part_of(y, height, b->height));
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

static nb_status check(const nb_image *image, const char *who)
{
    if (!image) return nb_fail(NB_EINVAL, "%s: image is NULL", who);
    const size_t channels = image->channels;
    if (!image->pixels || image->width == 0 || image->height == 0)
        return nb_fail(NB_EINVAL, "%s: an image of %zux%zu, without pixels", who, image->width,
                       image->height);
    if (channels != 1 && channels != 3 && channels != 4)
        return nb_fail(NB_EINVAL, "%s: channels=%zu, expected 1, 3 or 4", who, channels);
    return NB_OK;
}

static nb_status make_digit(const nb_sheet *s, const nb_parts *all, const nb_part *p, nb_digit *d)
{
    const nb_box *b = &p->box;
    const size_t longer = b->width > b->height ? b->width : b->height;
    uint8_t *ink = nb_alloc(b->height * b->width + longer, 1);
    if (!ink) return NB_ENOMEM;
    copy_ink(s, all, p, ink);
    thicken(b, ink, ink + b->height * b->width);
    draw_digit(ink, b, d->pixels);
    nb_free(ink);
    d->left = b->left * s->step;
    d->top = b->top * s->step;
    d->width = b->width * s->step;
    d->height = b->height * s->step;
    return NB_OK;
}

static nb_status read_digits(const nb_image *image, size_t most, nb_digit *digits, size_t *count,
                             const char *who)
{
    nb_sheet sheet;
    nb_parts parts = {0};
    nb_status status = nb_sheet_create(&sheet, image);
    if (status) return status;
    bool blank = sheet.full - sheet.none < FAINTEST;
    if (!blank) status = nb_sheet_erase_lines(&sheet);
    blank = blank || sheet.full - sheet.none < FAINTEST;
    if (!blank && !status) status = nb_parts_find(&parts, &sheet);
    blank = blank || sheet.full - sheet.none < FAINTEST || parts.count == 0;
    if (blank && !status)
        status = nb_fail(NB_EINVAL, "%s: no digit: nothing stands out from the paper", who);
    for (size_t i = 0; i < parts.count && i < most && !status; i++)
        status = make_digit(&sheet, &parts, &parts.part[i], &digits[i]);
    if (!status) *count = parts.count;
    nb_parts_destroy(&parts);
    nb_sheet_destroy(&sheet);
    return status;
}

nb_status nb_digits_from_image(const nb_image *image, size_t most, nb_digit *digits, size_t *count)
{
    const char *who = "nb_digits_from_image";
    if (!count || (most > 0 && !digits))
        return nb_fail(NB_EINVAL, "%s: %s is NULL", who, count ? "digits" : "count");
    *count = 0;
    nb_status status = check(image, who);
    return status ? status : read_digits(image, most, digits, count, who);
}

nb_status nb_digit_from_image(const nb_image *image, uint8_t *digit)
{
    const char *who = "nb_digit_from_image";
    nb_digit one;
    size_t count;
    if (!digit) return nb_fail(NB_EINVAL, "%s: digit is NULL", who);
    nb_status status = check(image, who);
    if (!status) status = read_digits(image, 1, &one, &count, who);
    if (status) return status;
    if (count > 1)
        return nb_fail(NB_EINVAL, "%s: %zu digits, expected one (nb_digits_from_image)", who,
                       count);
    memcpy(digit, one.pixels, NB_DIGIT_PIXELS);
    return NB_OK;
}
