/* Figures become images. */
#include "plot/canvas.h"
#include "nablas/memory.h"
#include "plot/frame.h"
#include "plot/paint.h"
#include "plot/reduce.h"

#include <math.h>
#include <string.h>

enum { PIXELS = 2 }; /* to the point */

/* The memory of a sheet: ours, which has large pages, until an image takes it over. */
static const cairo_user_data_key_t owned;

static void give_back(void *data)
{
    uint8_t **pixels = data;
    nb_free(*pixels);
    nb_free(pixels);
}

/* White; NULL if there is no memory. */
static cairo_surface_t *sheet_of(int width, int height)
{
    const int stride = cairo_format_stride_for_width(CAIRO_FORMAT_RGB24, width);
    const size_t bytes = (size_t)stride * (size_t)height;
    uint8_t **pixels = nb_alloc_zero(1, sizeof *pixels);
    if (!pixels || !(*pixels = nb_alloc(bytes, 1))) {
        nb_free(pixels);
        return NULL;
    }
    memset(*pixels, 0xff, bytes);
    cairo_surface_t *sheet =
        cairo_image_surface_create_for_data(*pixels, CAIRO_FORMAT_RGB24, width, height, stride);
    const cairo_status_t status = cairo_surface_set_user_data(sheet, &owned, pixels, give_back);
    if (!status) return sheet;
    nb_fail(NB_ENOMEM, "nb_figure: %s", cairo_status_to_string(status));
    cairo_surface_destroy(sheet);
    give_back(pixels);
    return NULL;
}

cairo_t *nb_canvas_open(double width, double height)
{
    cairo_surface_t *sheet = sheet_of((int)ceil(PIXELS * width), (int)ceil(PIXELS * height));
    if (!sheet) return NULL;
    cairo_t *cr = cairo_create(sheet);
    cairo_surface_destroy(sheet);
    if (cairo_status(cr)) {
        nb_fail(NB_ENOMEM, "nb_figure: %s", cairo_status_to_string(cairo_status(cr)));
        cairo_destroy(cr);
        return NULL;
    }
    /* Shapes that depend neither on the screen's settings nor on where a letter happens to stand.
     */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
    cairo_scale(cr, PIXELS, PIXELS);
    return cr;
}

/* From four bytes a pixel to three, in place: what is read lies at or behind what is written. */
static void squeeze(const nb_image *image, size_t stride)
{
    uint8_t *to = image->pixels;
    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++, to += 3) {
            uint32_t pixel;
            memcpy(&pixel, image->pixels + y * stride + 4 * x, sizeof pixel);
            to[0] = (uint8_t)(pixel >> 16);
            to[1] = (uint8_t)(pixel >> 8);
            to[2] = (uint8_t)pixel;
        }
}

nb_status nb_canvas_close(cairo_t *cr, nb_status status, nb_image *image)
{
    cairo_surface_t *sheet = cairo_get_target(cr);
    cairo_surface_flush(sheet);
    *image = (nb_image){0};
    uint8_t **pixels = cairo_surface_get_user_data(sheet, &owned);
    if (!status && (cairo_status(cr) || !pixels))
        status = nb_fail(NB_ENOMEM, "nb_figure: %s", cairo_status_to_string(cairo_status(cr)));
    if (!status) {
        *image = (nb_image){(size_t)cairo_image_surface_get_width(sheet),
                            (size_t)cairo_image_surface_get_height(sheet), 3, *pixels};
        *pixels = NULL;
        squeeze(image, (size_t)cairo_image_surface_get_stride(sheet));
    }
    cairo_destroy(cr);
    return status;
}

/* --- figures --- */

static void draw_artists(const nb_axes *ax, cairo_t *cr, bool on_top)
{
    for (const nb_artist *a = ax->first; a; a = a->next)
        if (a->kind->draw && a->kind->on_top == on_top) a->kind->draw(a, cr);
}

static void draw_axes(nb_axes *ax, cairo_t *cr)
{
    nb_frame_draw_back(ax, cr);
    if (ax->solid) {
        nb_solid_draw(ax, cr);
    } else {
        cairo_save(cr);
        cairo_rectangle(cr, ax->box.x, ax->box.y, ax->box.w, ax->box.h);
        cairo_clip(cr);
        draw_artists(ax, cr, false);
        cairo_restore(cr);
    }
    nb_frame_draw_front(ax, cr);
    draw_artists(ax, cr, true);
    nb_bar_draw(ax, cr);
    nb_legend_draw(ax, &ax->key, cr);
}

/* Labels of all axes together, along the sides of the figure. */
static void draw_labels(const nb_figure *fig, cairo_t *cr)
{
    double lo[2] = {HUGE_VAL, HUGE_VAL}, hi[2] = {-HUGE_VAL, -HUGE_VAL};
    for (const nb_axes *ax = fig->first; ax; ax = ax->next) {
        lo[0] = fmin(lo[0], ax->box.x), hi[0] = fmax(hi[0], ax->box.x + ax->box.w);
        lo[1] = fmin(lo[1], ax->box.y), hi[1] = fmax(hi[1], ax->box.y + ax->box.h);
    }
    if (!fig->first) return;
    if (fig->label[0])
        nb_text_draw(cr, fig->label[0],
                     nb_text_fit(cr, fig->label[0], NB_SIZE_LABEL, fig->width - 2 * NB_PAD),
                     (lo[0] + hi[0]) / 2, fig->height - NB_PAD, 0.5, 1, 0, NB_INK);
    if (fig->label[1])
        nb_text_draw(cr, fig->label[1],
                     nb_text_fit(cr, fig->label[1], NB_SIZE_LABEL, fig->height - 2 * NB_PAD),
                     NB_PAD, (lo[1] + hi[1]) / 2, 0.5, 0, -1.57079632679489662, NB_INK);
}

nb_status nb_figure_render(nb_figure *fig, nb_image *image)
{
    *image = (nb_image){0};
    nb_status status = nb_figure_status(fig);
    if (status) return status;
    cairo_t *cr = nb_canvas_open(fig->width, fig->height);
    if (!cr) return NB_ENOMEM;
    nb_layout(fig, cr);
    if (fig->title)
        nb_text_draw(cr, fig->title,
                     nb_text_fit(cr, fig->title, NB_SIZE_TITLE + 1, fig->width - 16),
                     fig->width / 2, 10, 0.5, 0, 0, NB_INK);
    for (nb_axes *ax = fig->first; ax; ax = ax->next) draw_axes(ax, cr);
    if (fig->first) nb_legend_draw(fig->first, &fig->key, cr);
    draw_labels(fig, cr);
    return nb_canvas_close(cr, nb_figure_status(fig), image);
}

static nb_status render_reduced(nb_figure *fig, nb_image *image)
{
    nb_status status = nb_figure_render(fig, image);
    return status || fig->photo ? status : nb_image_reduce(image);
}

nb_status nb_figure_save(nb_figure *fig, const char *path, const nb_png_text *text)
{
    nb_image image;
    nb_status status = render_reduced(fig, &image);
    if (!status) status = nb_png_save(&image, path, text);
    nb_image_destroy(&image);
    return status;
}

nb_status nb_figure_encode(nb_figure *fig, const nb_png_text *text, unsigned char **bytes,
                           size_t *size)
{
    nb_image image;
    if (bytes) *bytes = NULL;
    if (size) *size = 0;
    nb_status status = render_reduced(fig, &image);
    if (!status) status = nb_png_encode(&image, text, bytes, size);
    nb_image_destroy(&image);
    return status;
}
