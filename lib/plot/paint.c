#include "plot/paint.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

nb_color nb_color_of(nb_color_map map, double at)
{
    /* Viridis by Smith and van der Walt (CC0), at every tenth. */
    static const nb_color viridis[] = {0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c,
                                       0x22a884, 0x44bf70, 0x7ad151, 0xbddf26, 0xfde725, 0xfde725};
    static const nb_color greys[] = {0x000000, 0xffffff, 0xffffff};
    if (map == NB_GREYS_REVERSED) return nb_color_of(NB_GREYS, 1 - at);
    if (isnan(at)) return 0;
    at = at < 0 ? 0 : (at > 1 ? 1 : at);
    const nb_color *stops = map == NB_GREYS ? greys : viridis;
    at *= map == NB_GREYS ? 1 : 10;
    int i = (int)at;
    double t = at - i;
    nb_color mixed = 0xff000000u;
    for (int shift = 0; shift < 24; shift += 8) {
        double from = stops[i] >> shift & 255, to = stops[i + 1] >> shift & 255;
        mixed |= (nb_color)lround(from + t * (to - from)) << shift;
    }
    return mixed;
}

void nb_paint_color(cairo_t *cr, nb_color color)
{
    cairo_set_source_rgba(cr, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
                          (color & 255) / 255.0, (color >> 24) / 255.0);
}

nb_color nb_paint_alpha(nb_color color, unsigned alpha)
{
    return (color & 0xffffffu) | (nb_color)alpha << 24;
}

void nb_paint_stroke(cairo_t *cr, nb_color color, double width, nb_dash dash)
{
    static const double pattern[][4] = {[NB_DASHED] = {4, 2.4, 4, 2.4},
                                        [NB_DASH_DOT] = {5.5, 2, 1.2, 2},
                                        [NB_DOTTED] = {1.1, 1.9, 1.1, 1.9}};
    double lengths[4];
    if (dash == NB_DASHED || dash == NB_DASH_DOT || dash == NB_DOTTED) {
        for (int i = 0; i < 4; i++) lengths[i] = pattern[dash][i] * fmax(width, 0.8);
        cairo_set_dash(cr, lengths, 4, 0);
        cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
    } else {
        cairo_set_dash(cr, NULL, 0, 0);
        cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    }
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cr, width);
    nb_paint_color(cr, color);
    cairo_stroke(cr);
}

static void polygon(cairo_t *cr, double x, double y, double radius, int corners, double turn)
{
    for (int i = 0; i < corners; i++) {
        double angle = turn + 2 * pi * i / corners;
        cairo_line_to(cr, x + radius * sin(angle), y - radius * cos(angle));
    }
    cairo_close_path(cr);
}

void nb_paint_marker(cairo_t *cr, nb_marker marker, double x, double y, double size, nb_color color)
{
    double r = size / 2;
    cairo_new_path(cr);
    switch (marker) {
    case NB_SQUARE:
        cairo_rectangle(cr, x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
        break;
    case NB_TRIANGLE:
        polygon(cr, x, y + 0.15 * r, 1.25 * r, 3, 0);
        break;
    case NB_DIAMOND:
        polygon(cr, x, y, 1.25 * r, 4, 0);
        break;
    case NB_CROSS:
    case NB_PLUS:
        for (int i = 0; i < 4; i++) {
            double angle = i * pi / 2 + (marker == NB_CROSS ? pi / 4 : 0);
            cairo_move_to(cr, x, y);
            cairo_line_to(cr, x + 1.1 * r * sin(angle), y + 1.1 * r * cos(angle));
        }
        nb_paint_stroke(cr, color, size / 4, NB_SOLID);
        return;
    default:
        cairo_arc(cr, x, y, r, 0, 2 * pi);
    }
    nb_paint_color(cr, color);
    cairo_fill(cr);
}

/* Liang and Barsky, ACM Transactions on Graphics 3 (1984): keep t0 ... t1 of p + t d inside. */
static bool clip(double p, double d, double lo, double hi, double *t0, double *t1)
{
    if (d == 0) return p >= lo && p <= hi;
    double a = (lo - p) / d, b = (hi - p) / d;
    *t0 = fmax(*t0, fmin(a, b));
    *t1 = fmin(*t1, fmax(a, b));
    return *t0 <= *t1;
}

void nb_paint_line(cairo_t *cr, double x0, double y0, double x1, double y1, bool *pen)
{
    const double far = 8000; /* figures end at 4000; cairo counts to 2^23 pixels */
    double t0 = 0, t1 = 1, dx = x1 - x0, dy = y1 - y0;
    if (!clip(x0, dx, -far, far, &t0, &t1) || !clip(y0, dy, -far, far, &t0, &t1)) {
        *pen = false;
        return;
    }
    if (!*pen || t0 > 0) cairo_move_to(cr, x0 + t0 * dx, y0 + t0 * dy);
    cairo_line_to(cr, x0 + t1 * dx, y0 + t1 * dy);
    *pen = t1 >= 1;
}

double nb_rect_overlap(nb_rect a, nb_rect b)
{
    const double w = fmin(a.x + a.w, b.x + b.w) - fmax(a.x, b.x);
    const double h = fmin(a.y + a.h, b.y + b.h) - fmax(a.y, b.y);
    return w > 0 && h > 0 ? w * h : 0;
}

double nb_paint_inside(nb_rect r, double x0, double y0, double x1, double y1)
{
    double t0 = 0, t1 = 1, dx = x1 - x0, dy = y1 - y0;
    if (!clip(x0, dx, r.x, r.x + r.w, &t0, &t1) || !clip(y0, dy, r.y, r.y + r.h, &t0, &t1))
        return 0;
    const double length = (t1 - t0) * hypot(dx, dy);
    return t0 == 0 || t1 == 1 ? fmax(length, 1) : length;
}

/* --- text --- */

static const double cap_height = 0.73, line_height = 1.3;

static void use_font(cairo_t *cr, double size)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* Copy the line that begins at `text`, cut to fit; returns where the next begins, or NULL. */
static const char *next_line(const char *text, char *line, size_t size)
{
    const char *end = strchr(text, '\n');
    size_t length = end ? (size_t)(end - text) : strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
    }
    memcpy(line, text, length);
    line[length] = 0;
    return end ? end + 1 : NULL;
}

double nb_text_width(cairo_t *cr, const char *text, double size)
{
    char line[512];
    double widest = 0;
    use_font(cr, size);
    while (text) {
        cairo_text_extents_t extents;
        text = next_line(text, line, sizeof line);
        cairo_text_extents(cr, line, &extents);
        widest = fmax(widest, extents.x_advance);
    }
    return widest;
}

double nb_text_height(const char *text, double size)
{
    double height = cap_height * size;
    for (; *text; text++)
        if (*text == '\n') height += line_height * size;
    return height;
}

void nb_text_draw(cairo_t *cr, const char *text, double size, double x, double y, double h,
                  double v, double angle, nb_color color)
{
    char line[512];
    double baseline = cap_height * size - v * nb_text_height(text, size);
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rotate(cr, angle);
    use_font(cr, size);
    nb_paint_color(cr, color);
    for (; text; baseline += line_height * size) {
        cairo_text_extents_t extents;
        text = next_line(text, line, sizeof line);
        cairo_text_extents(cr, line, &extents);
        cairo_move_to(cr, -h * extents.x_advance, baseline);
        cairo_show_text(cr, line);
    }
    cairo_restore(cr);
    cairo_new_path(cr);
}

double nb_text_fit(cairo_t *cr, const char *text, double size, double width)
{
    double wide = nb_text_width(cr, text, size);
    return wide <= width || wide == 0 ? size : fmax(size * width / wide, 1);
}

void nb_paint_image(cairo_t *cr, const nb_image *image, nb_rect to)
{
    int width = (int)image->width, height = (int)image->height;
    cairo_surface_t *picture = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    unsigned char *pixels = cairo_image_surface_get_data(picture);
    for (int y = 0; pixels && y < height; y++) {
        const uint8_t *from = image->pixels + (size_t)y * image->width * image->channels;
        uint32_t *row = (uint32_t *)(void *)(pixels + y * cairo_image_surface_get_stride(picture));
        for (int x = 0; x < width; x++, from += image->channels) {
            uint32_t a = image->channels == 4 ? from[3] : 255, rgb[3];
            for (size_t c = 0; c < 3; c++)
                rgb[c] = (from[image->channels == 1 ? 0 : c] * a + 127) / 255;
            row[x] = a << 24 | rgb[0] << 16 | rgb[1] << 8 | rgb[2];
        }
    }
    cairo_surface_mark_dirty(picture);
    cairo_save(cr);
    cairo_translate(cr, to.x, to.y);
    cairo_scale(cr, to.w / width, to.h / height);
    cairo_set_source_surface(cr, picture, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(cr, 0, 0, width, height);
    cairo_fill(cr);
    cairo_restore(cr);
    cairo_surface_destroy(picture);
}
