/* digit_fixtures.h - pictures of digits as people make them, by cairo: written or printed, on plain,
 * ruled or framed paper, in bad light, with noise. For test_digit_photos.c and digit_tool.c. */
#ifndef TEST_DIGIT_FIXTURES_H
#define TEST_DIGIT_FIXTURES_H

#include "nablas/digit.h"
#include "nablas/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <jpeglib.h>

typedef enum photo_light { EVEN, SIDE, CORNER, SHADOW } photo_light;
typedef enum photo_print { PLAIN, RULED, GRID, FRAME } photo_print;

/* Lengths are parts of the picture's height, but for width and height themselves. Reflectances and
 * light are from 0 to 1. */
typedef struct photo_kind {
    const char *name;
    size_t width, height;
    const char *font; /* NULL: written by hand */
    double pen;       /* width of the stroke */
    double size;      /* of a digit */
    double tilt;      /* degrees, this way or that */
    double paper, ink;
    photo_light light;
    double shade; /* light where it is least */
    double noise; /* standard deviation, in levels */
    photo_print print;
    double lines; /* reflectance of what is printed */
    size_t digits;
    bool jpeg;
} photo_kind;

static const photo_kind photo_kinds[] = {
    {"pen", 200, 200, NULL, .06, .6, 0, 1, .05, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"thin pen", 200, 200, NULL, .02, .6, 0, 1, .1, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"marker", 200, 200, NULL, .09, .6, 0, 1, .05, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"chalk", 240, 180, NULL, .06, .6, 0, .2, .9, EVEN, 1, 4, PLAIN, 0, 1, false},
    {"DejaVu Sans", 200, 200, "DejaVu Sans", 0, .6, 0, 1, 0, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"DejaVu Serif", 160, 220, "DejaVu Serif", 0, .5, 0, 1, 0, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"DejaVu Sans Mono", 90, 70, "DejaVu Sans Mono", 0, .6, 0, 1, 0, EVEN, 1, 0, PLAIN, 0, 1,
     false},
    {"noise", 300, 300, NULL, .06, .6, 0, .8, .2, EVEN, 1, 12, PLAIN, 0, 1, false},
    {"much noise", 400, 300, NULL, .07, .6, 0, .8, .2, EVEN, 1, 35, PLAIN, 0, 1, false},
    {"side light, 70 %", 400, 400, NULL, .06, .5, 0, .95, .15, SIDE, .7, 3, PLAIN, 0, 1, false},
    {"side light, 50 %", 400, 300, NULL, .06, .5, 0, .95, .15, SIDE, .5, 3, PLAIN, 0, 1, true},
    {"faint, side light", 480, 360, NULL, .05, .5, 0, .9, .6, SIDE, .5, 4, PLAIN, 0, 1, true},
    {"light in a corner", 400, 300, NULL, .06, .4, 0, .95, .2, CORNER, .4, 3, PLAIN, 0, 1, true},
    {"a shadow", 400, 400, NULL, .06, .5, 0, .95, .15, SHADOW, .6, 3, PLAIN, 0, 1, false},
    {"small in a photograph", 1600, 1200, NULL, .012, .12, 0, .9, .2, SIDE, .6, 8, PLAIN, 0, 1,
     true},
    {"ruled", 400, 400, NULL, .05, .5, 0, .97, .15, EVEN, 1, 2, RULED, .55, 1, false},
    {"grid", 400, 400, NULL, .05, .5, 0, .97, .15, EVEN, 1, 2, GRID, .6, 1, false},
    {"ruled, tilted, side light", 500, 400, NULL, .05, .5, 5, .95, .15, SIDE, .5, 3, RULED, .5, 1,
     true},
    {"frame", 300, 300, NULL, .05, .5, 0, 1, .1, EVEN, 1, 0, FRAME, 0, 1, false},
    {"frame, tilted, side light", 500, 400, NULL, .05, .5, 7, .95, .2, SIDE, .5, 3, FRAME, .1, 1,
     true},
    {"tilted", 200, 200, NULL, .06, .6, 12, 1, .05, EVEN, 1, 0, PLAIN, 0, 1, false},
    {"three digits", 600, 200, NULL, .06, .6, 0, 1, .05, EVEN, 1, 0, PLAIN, 0, 3, false},
    {"printed, four digits", 500, 120, "DejaVu Sans", 0, .5, 3, .95, .1, SIDE, .6, 3, PLAIN, 0, 4,
     false},
    {"chalk, side light", 400, 300, NULL, .06, .5, 0, .25, .9, SIDE, .5, 3, PLAIN, 0, 1, true},
    {"a dark shadow", 300, 400, NULL, .05, .4, 0, .95, .15, SHADOW, .4, 2, PLAIN, 0, 1, true},
    {"ruled in black", 400, 400, NULL, .05, .5, 2, .97, .15, EVEN, 1, 2, RULED, .15, 1, false},
    {"grid, side light, noise", 500, 400, NULL, .05, .5, 4, .95, .15, SIDE, .6, 8, GRID, .6, 1,
     true},
    {"two, ruled, side light", 600, 400, NULL, .05, .45, 4, .95, .15, SIDE, .5, 3, RULED, .5, 2,
     true},
};
enum { PHOTO_KINDS = sizeof photo_kinds / sizeof *photo_kinds, PHOTO_DIGITS = 4 };

typedef struct photo {
    nb_image image;
    size_t count;
    int digit[PHOTO_DIGITS];
    nb_image clean[PHOTO_DIGITS]; /* each alone, at its place, black on white */
} photo;

/* --- one digit -------------------------------------------------------------------------------- */

/* Strokes in the unit square, y downwards: points {x, y}, or arcs {x, y, rx, ry, begin, end} in
 * degrees from the right, clockwise. A stroke ends at a 0. */
static const double photo_strokes[10][9][6] = {
    {{.5, .5, .24, .34, -80, 290}},
    {{.42, .3}, {.52, .17}, {.5, .83}},
    {{.5, .36, .18, .19, -190, 20}, {.32, .8}, {.72, .8}},
    {{.48, .34, .17, .16, -160, 90}, {.48, .65, .2, .17, -90, 155}},
    {{.56, .17}, {.28, .6}, {.76, .6}, {0}, {.62, .38}, {.58, .85}},
    {{.7, .19}, {.4, .19}, {.37, .46}, {.49, .63, .2, .2, -110, 145}},
    {{.62, .16}, {.42, .4}, {.5, .64, .18, .19, -155, 210}},
    {{.28, .21}, {.71, .2}, {.46, .84}},
    {{.5, .33, .15, .16, 90, 450}, {.5, .67, .18, .18, -90, 270}},
    {{.5, .36, .17, .18, 0, 360}, {.67, .4}, {.6, .84}},
};

/* -1 ... 1 */
static inline double photo_value(nb_random *random)
{
    return 2 * nb_random_rand(random) - 1;
}

static inline void photo_write(cairo_t *cr, int digit, double pen)
{
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_new_path(cr);
    for (size_t i = 0; i < 9; i++) {
        const double *s = photo_strokes[digit][i];
        if (s[0] <= 0) {
            cairo_new_sub_path(cr);
        } else if (s[2] > 0) {
            for (double a = s[4]; a <= s[5]; a += 5)
                cairo_line_to(cr, s[0] + s[2] * cos(a * acos(-1) / 180),
                              s[1] + s[3] * sin(a * acos(-1) / 180));
        } else {
            cairo_line_to(cr, s[0], s[1]);
        }
    }
    cairo_set_line_width(cr, pen);
    cairo_stroke(cr);
}

/* Of that height, around the middle (x, y); `turn` in radians. A hand slants and stretches. */
static inline void photo_glyph(cairo_t *cr, const photo_kind *k, int digit, double x, double y,
                               double height, double turn, nb_random random)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rotate(cr, turn);
    if (k->font) {
        char text[2] = {(char)('0' + digit), 0};
        cairo_text_extents_t e;
        cairo_select_font_face(cr, k->font, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
        cairo_set_font_size(cr, height / .73);
        cairo_text_extents(cr, text, &e);
        cairo_move_to(cr, -e.x_bearing - e.width / 2, -e.y_bearing - e.height / 2);
        cairo_show_text(cr, text);
    } else {
        const cairo_matrix_t slant = {
            .xx = .95 + .15 * photo_value(&random), .xy = .12 * photo_value(&random), .yy = 1};
        const double scale = height / .66;
        cairo_transform(cr, &slant);
        cairo_scale(cr, scale, scale);
        cairo_translate(cr, -.5, -.5);
        photo_write(cr, digit, k->pen * (double)k->height / scale);
    }
    cairo_restore(cr);
}

/* --- what is printed -------------------------------------------------------------------------- */

static inline void photo_rules(cairo_t *cr, double length, double apart, double phase)
{
    for (double at = -length; at < length; at += apart) {
        cairo_move_to(cr, -length, at + phase * apart);
        cairo_line_to(cr, length, at + phase * apart);
    }
    cairo_stroke(cr);
}

static inline void photo_printed(cairo_t *cr, const photo_kind *k, double turn, nb_random *random)
{
    const double w = (double)k->width, h = (double)k->height;
    cairo_save(cr);
    cairo_translate(cr, w / 2, h / 2);
    cairo_rotate(cr, turn);
    cairo_set_source_rgb(cr, k->lines, k->lines, k->lines);
    cairo_set_line_width(cr, .008 * h);
    const double phase = nb_random_rand(random);
    if (k->print == RULED || k->print == GRID) photo_rules(cr, w + h, .17 * h, phase);
    if (k->print == GRID) {
        cairo_rotate(cr, acos(-1) / 2);
        photo_rules(cr, w + h, .17 * h, phase);
    }
    if (k->print == FRAME) {
        cairo_rectangle(cr, -.38 * h, -.38 * h, .76 * h, .76 * h);
        cairo_stroke(cr);
    }
    cairo_restore(cr);
}

/* --- the picture ------------------------------------------------------------------------------ */

static inline double photo_lit(const photo_kind *k, double u, double v, double angle)
{
    const double along = .5 + ((u - .5) * cos(angle) + (v - .5) * sin(angle)) / 1.4142;
    const double lost = 1 - k->shade;
    switch (k->light) {
    case SIDE:
        return 1 - lost * along;
    case CORNER:
        return 1 - lost * (u * u + v * v) / 2;
    case SHADOW:
        return 1 - lost / (1 + exp(-40 * (along - .45)));
    default:
        return 1;
    }
}

static inline nb_image photo_take(const photo_kind *k, cairo_surface_t *page, nb_random *random)
{
    nb_image image;
    const double angle = 3.2 * photo_value(random);
    const size_t stride = (size_t)cairo_image_surface_get_stride(page);
    cairo_surface_flush(page);
    const uint8_t *from = cairo_image_surface_get_data(page);
    if (nb_image_create(&image, k->width, k->height, 1)) abort();
    for (size_t y = 0; y < k->height; y++)
        for (size_t x = 0; x < k->width; x++) {
            const double light =
                photo_lit(k, (double)x / (double)k->width, (double)y / (double)k->height, angle);
            uint32_t rgb;
            memcpy(&rgb, from + y * stride + 4 * x, sizeof rgb);
            double level = light * (rgb & 255);
            if (k->noise > 0) level += k->noise * nb_random_randn(random);
            image.pixels[y * k->width + x] = (uint8_t)lround(fmin(255, fmax(0, level)));
        }
    return image;
}

/* As a telephone keeps it. */
static inline nb_image photo_compressed(nb_image image)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)image.width;
    jpeg.image_height = (JDIMENSION)image.height;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 70, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < image.height; y++) {
        JSAMPROW row = image.pixels + y * image.width;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    nb_image_destroy(&image);
    if (nb_image_parse(bytes, size, "photo", 1, &image)) abort();
    free(bytes);
    return image;
}

static inline cairo_surface_t *photo_page(const photo_kind *k, double level, cairo_t **cr)
{
    cairo_surface_t *page =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)k->width, (int)k->height);
    *cr = cairo_create(page);
    cairo_set_source_rgb(*cr, level, level, level);
    cairo_paint(*cr);
    return page;
}

static inline void photo_clean(const photo_kind *k, photo *p, size_t i, double x, double y,
                               double height, double turn, nb_random random)
{
    static const photo_kind plain = {.light = EVEN};
    photo_kind as = plain;
    cairo_t *cr;
    as.width = k->width, as.height = k->height;
    cairo_surface_t *page = photo_page(k, 1, &cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    photo_glyph(cr, k, p->digit[i], x, y, height, turn, random);
    p->clean[i] = photo_take(&as, page, &random);
    cairo_destroy(cr);
    cairo_surface_destroy(page);
}

/* Picture `number` of its kind shows digit number % 10, and others behind it. */
static inline photo photo_make(const photo_kind *k, size_t number)
{
    photo p = {.count = k->digits};
    nb_random random;
    cairo_t *cr;
    uint32_t seed = (uint32_t)number;
    for (const char *c = k->name; *c; c++) seed = 31 * seed + (unsigned char)*c;
    nb_random_seed(&random, seed);
    cairo_surface_t *page = photo_page(k, k->paper, &cr);
    const double w = (double)k->width, h = (double)k->height, height = k->size * h;
    const double turn = k->tilt * photo_value(&random) * acos(-1) / 180;
    const double apart = k->digits > 1 ? .75 * w / (double)k->digits : 0;
    photo_printed(cr, k, turn, &random);
    for (size_t i = 0; i < p.count; i++) {
        const double along = apart * ((double)i - (double)(p.count - 1) / 2);
        const double free_x = k->print == FRAME || p.count > 1 ? .03 * h : .4 * w - .45 * height,
                     free_y = k->print == FRAME ? .05 * h : .45 * h - .6 * height;
        const double x = w / 2 + along * cos(turn) + fmax(0, free_x) * photo_value(&random),
                     y = h / 2 + along * sin(turn) +
                         fmax(0, free_y) * photo_value(&random) * (p.count > 1 ? .3 : 1);
        p.digit[i] = (int)((number + 3 * i) % 10);
        cairo_set_source_rgb(cr, k->ink, k->ink, k->ink);
        photo_glyph(cr, k, p.digit[i], x, y, height, turn, random);
        photo_clean(k, &p, i, x, y, height, turn, random);
    }
    p.image = photo_take(k, page, &random);
    if (k->jpeg) p.image = photo_compressed(p.image);
    cairo_destroy(cr);
    cairo_surface_destroy(page);
    return p;
}

static inline void photo_destroy(photo *p)
{
    nb_image_destroy(&p->image);
    for (size_t i = 0; i < PHOTO_DIGITS; i++) nb_image_destroy(&p->clean[i]);
}

/* What cairo and fontconfig keep of the fonts. */
static inline void photo_end(void)
{
    cairo_debug_reset_static_data();
    FcFini();
}

#endif
