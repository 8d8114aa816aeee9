/* Artists made of pixels: images, matrices, pages of images. */
#include "nablas/memory.h"
#include "plot/paint.h"

#include <math.h>
#include <string.h>

/* --- one image --- */

static void bound_pixels(const nb_artist *a, nb_bounds *b)
{
    nb_bounds_point(b, a->ax, -0.5, -0.5);
    nb_bounds_point(b, a->ax, (double)a->nx - 0.5, (double)a->ny - 0.5);
    b->tight = true;
}

/* Rows grow downwards, as in a matrix on paper. */
static void use_pixel_axes(nb_axes *ax)
{
    for (int d = 0; d < 2; d++) ax->axis[d].whole = true;
    ax->axis[1].down = ax->axis[1].flipped = true;
    ax->equal = true;
}

/* Where pixels i ... i+1, j ... j+1 are on paper; false if nowhere sensible. */
static bool pixel_box(const nb_artist *a, double i0, double j0, double i1, double j1, nb_rect *box)
{
    double x0, y0, x1, y1, far = 8000;
    if (!nb_axes_place(a->ax, i0 - 0.5, j0 - 0.5, &x0, &y0) ||
        !nb_axes_place(a->ax, i1 - 0.5, j1 - 0.5, &x1, &y1))
        return false;
    *box = (nb_rect){x0, y0, x1 - x0, y1 - y0};
    return box->w != 0 && box->h != 0 && fabs(x0) < far && fabs(y0) < far && fabs(x1) < far &&
           fabs(y1) < far;
}

static void draw_image(const nb_artist *a, cairo_t *cr)
{
    nb_rect to;
    if (a->images && pixel_box(a, 0, 0, (double)a->nx, (double)a->ny, &to))
        nb_paint_image(cr, a->images, to);
}

/* Copies into the figure; NULL, and the figure has failed, if one is no image. */
static nb_image *copy_images(nb_artist *a, size_t count, const nb_image *images)
{
    nb_figure *fig = a->ax->fig;
    nb_image *copies = nb_figure_take(fig, count, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++) {
        const nb_image *from = &images[i];
        if (!from->pixels || !from->width || !from->height || from->width > NB_IMAGE_MAX_SIDE ||
            from->height > NB_IMAGE_MAX_SIDE ||
            (from->channels != 1 && from->channels != 3 && from->channels != 4)) {
            nb_figure_fail(fig, nb_fail(NB_EINVAL, "%s: image %zu is %zux%zu with %zu channels%s",
                                        a->kind->name, i, from->width, from->height, from->channels,
                                        from->pixels ? "" : " and no pixels"));
            return NULL;
        }
        if (from->channels > 1) fig->photo = true;
        copies[i] = *from;
        copies[i].pixels = nb_figure_take(fig, from->width * from->height, from->channels);
        if (!copies[i].pixels) return NULL;
        memcpy(copies[i].pixels, from->pixels, from->width * from->height * from->channels);
    }
    return copies;
}

void nb_plot_image(nb_axes *ax, const nb_image *image)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_image", .bounds = bound_pixels, .draw = draw_image};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, NB_BLACK, 0);
    if (!a || !nb_artist_needs(a, 1, image)) return;
    a->images = copy_images(a, 1, image);
    a->nx = image->width;
    a->ny = image->height;
    use_pixel_axes(ax);
}

/* --- a matrix --- */

static double luminance(nb_color c)
{
    return 0.2126 * (c >> 16 & 255) + 0.7152 * (c >> 8 & 255) + 0.0722 * (c & 255);
}

static void draw_matrix(const nb_artist *a, cairo_t *cr)
{
    nb_rect box;
    if (!a->images || !pixel_box(a, 0, 0, (double)a->nx, (double)a->ny, &box)) return;
    nb_paint_image(cr, a->images, box);
    for (size_t k = 0; a->text && k < a->nx * a->ny; k++) {
        char number[64], text[64];
        double i = (double)(k % a->nx), j = (double)(k / a->nx);
        const uint8_t *p = a->images->pixels + 4 * k;
        if (!p[3] || !pixel_box(a, i, j, i + 1, j + 1, &box)) continue;
        nb_format(number, sizeof number, a->text, a->u[k]);
        nb_minus(text, sizeof text, number);
        double size = nb_text_fit(cr, text, fmin(NB_SIZE_TICK, 0.6 * fabs(box.h)), fabs(box.w) - 4);
        if (size < 4) continue; /* nobody could read it */
        nb_color under = (nb_color)p[0] << 16 | (nb_color)p[1] << 8 | p[2];
        nb_text_draw(cr, text, size, box.x + box.w / 2, box.y + box.h / 2, 0.5, 0.5, 0,
                     luminance(under) > 130 ? NB_INK : NB_WHITE);
    }
}

/* RGBA of n values; *lo = *hi, or one of them NaN, becomes the values' own range. */
static void color_values(size_t n, const double *values, nb_color_map map, double *lo, double *hi,
                         uint8_t *pixels)
{
    if (!(*lo < *hi || *lo > *hi)) {
        *lo = HUGE_VAL, *hi = -HUGE_VAL;
        for (size_t i = 0; i < n; i++)
            if (fabs(values[i]) <= NB_PLOT_HUGE)
                *lo = fmin(*lo, values[i]), *hi = fmax(*hi, values[i]);
        if (!(*lo < *hi)) *lo = *hi = 0; /* one value, or none */
    }
    for (size_t i = 0; i < n; i++) {
        nb_color c = 0;
        if (fabs(values[i]) <= NB_PLOT_HUGE)
            c = nb_color_of(map, *hi != *lo ? (values[i] - *lo) / (*hi - *lo) : 0.5);
        for (int k = 0; k < 4; k++)
            pixels[4 * i + (size_t)k] = (uint8_t)(c >> (k < 3 ? 16 - 8 * k : 24));
    }
}

void nb_plot_matrix(nb_axes *ax, size_t rows, size_t cols, const double *values,
                    const nb_matrix_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_matrix", .bounds = bound_pixels, .draw = draw_matrix};
    nb_matrix_style s = style ? *style : (nb_matrix_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, NB_BLACK, 0);
    if (!a || !nb_artist_needs(a, 1, values) || !nb_artist_format(a, s.format)) return;
    if (!rows || !cols || rows > NB_IMAGE_MAX_SIDE || cols > NB_IMAGE_MAX_SIDE) {
        nb_figure_fail(ax->fig,
                       nb_fail(NB_ERANGE, "nb_plot_matrix: %zux%zu; a side must be 1 ... %d", rows,
                               cols, NB_IMAGE_MAX_SIDE));
        return;
    }
    a->nx = cols;
    a->ny = rows;
    a->u = nb_figure_copy(ax->fig, rows * cols, values);
    a->images = nb_figure_take(ax->fig, 1, sizeof *a->images);
    uint8_t *pixels = nb_figure_take(ax->fig, rows * cols, 4);
    if (!a->u || !a->images || !pixels) return;
    a->lo = s.lo, a->hi = s.hi, a->map = s.map, a->color = 0;
    color_values(rows * cols, values, s.map, &a->lo, &a->hi, pixels);
    *a->images = (nb_image){cols, rows, 4, pixels};
    use_pixel_axes(ax);
}

/* --- a page of images --- */

static size_t caption_lines(const nb_artist *a)
{
    size_t most = 0;
    for (size_t i = 0; a->captions && i < a->count; i++) {
        size_t n = a->captions[i] ? 1 : 0;
        for (const char *c = n ? a->captions[i] : ""; *c; c++) n += *c == '\n';
        if (n > most) most = n;
    }
    return most;
}

/* As large as fits into w x h, in whole pixels of the paper if there is one to the pixel. */
static nb_rect fit_image(const nb_image *image, double w, double h)
{
    double scale = fmin(w / (double)image->width, h / (double)image->height);
    if (scale >= 1) scale = floor(2 * scale) / 2;
    return (nb_rect){.w = scale * (double)image->width, .h = scale * (double)image->height};
}

static void draw_images(const nb_artist *a, cairo_t *cr)
{
    const nb_rect *box = &a->ax->box;
    size_t cols = a->nx, rows = a->ny, lines = caption_lines(a);
    double w = box->w / (double)cols, h = box->h / (double)rows, tallest = 0;
    double size = fmin(NB_SIZE_TICK, 0.16 * w + 3), gap = fmin(w, h) * 0.06 + 1;
    double below = lines ? size * 1.3 * (double)lines + 5 : 0, room = fmax(h - below - gap, 1);
    if (!a->images) return;
    for (size_t i = 0; a->captions && i < a->count; i++) /* one size for all */
        if (a->captions[i]) size = nb_text_fit(cr, a->captions[i], size, w - 4);
    for (size_t i = 0; i < a->count; i++)
        tallest = fmax(tallest, fit_image(&a->images[i], w - gap, room).h);
    /* Rows no farther apart than they need to be, the page in the middle of the box. */
    double row = fmin(h, tallest + below + fmax(gap, lines ? size * 0.7 : 0));
    double top = box->y + (box->h - row * (double)rows) / 2;
    for (size_t i = 0; i < a->count; i++) {
        nb_rect to = fit_image(&a->images[i], w - gap, room);
        to.x = round(2 * box->x + 2 * w * ((double)(i % cols) + 0.5) - to.w) / 2;
        to.y = round(2 * top + 2 * row * (double)(i / cols) + tallest - to.h) / 2;
        nb_paint_image(cr, &a->images[i], to);
        if (a->captions && a->captions[i])
            nb_text_draw(cr, a->captions[i], size, to.x + to.w / 2, to.y + to.h + 5, 0.5, 0, 0,
                         NB_INK);
    }
}

/* The artist, still without images; NULL, and the figure has failed, if cols is no number of
 * columns. */
static nb_artist *add_page(nb_axes *ax, const nb_artist_kind *kind, size_t count, size_t cols,
                           const char *const *captions)
{
    nb_artist *a = nb_artist_add(ax, kind, NULL, NB_BLACK, 0);
    if (!a) return NULL;
    if (cols == 0 || cols > 1000) {
        nb_figure_fail(ax->fig,
                       nb_fail(NB_ERANGE, "%s: cols=%zu, expected 1 ... 1000", kind->name, cols));
        return NULL;
    }
    if (captions) a->captions = nb_figure_take(ax->fig, count, sizeof *captions);
    for (size_t i = 0; captions && a->captions && i < count; i++)
        a->captions[i] = nb_figure_text(ax->fig, captions[i]);
    a->count = count;
    a->nx = cols;
    a->ny = (count + cols - 1) / cols;
    nb_axes_hide(ax);
    return a;
}

void nb_plot_images(nb_axes *ax, size_t count, size_t cols, const nb_image *images,
                    const char *const *captions)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_images", .on_top = true, .draw = draw_images};
    nb_artist *a = add_page(ax, &kind, count, cols, captions);
    if (a && nb_artist_needs(a, count, images)) a->images = copy_images(a, count, images);
}

void nb_plot_filters(nb_axes *ax, size_t count, size_t cols, size_t height, size_t width,
                     const double *values, const char *const *captions,
                     const nb_matrix_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_filters", .on_top = true, .draw = draw_images};
    nb_matrix_style s = style ? *style : (nb_matrix_style){.map = NB_GREYS_REVERSED};
    nb_artist *a = add_page(ax, &kind, count, cols, captions);
    if (!a || !nb_artist_needs(a, count, values)) return;
    if (!height || !width || height > NB_IMAGE_MAX_SIDE || width > NB_IMAGE_MAX_SIDE) {
        nb_figure_fail(ax->fig,
                       nb_fail(NB_ERANGE, "nb_plot_filters: %zux%zu; a side must be 1 ... %d",
                               height, width, NB_IMAGE_MAX_SIDE));
        return;
    }
    nb_image *images = nb_figure_take(ax->fig, count, sizeof *images);
    for (size_t i = 0; images && i < count; i++) {
        double lo = s.lo, hi = s.hi;
        uint8_t *pixels = nb_figure_take(ax->fig, height * width, 4);
        if (!pixels) return;
        color_values(height * width, values + i * height * width, s.map, &lo, &hi, pixels);
        images[i] = (nb_image){width, height, 4, pixels};
    }
    a->images = images;
}
