/* Bars and histograms. */
#include "nablas/series.h"
#include "plot/paint.h"

#include <math.h>

static void bound_bars(const nb_artist *a, nb_bounds *b)
{
    const nb_axis *v = &a->ax->axis[1];
    double room = a->text && !v->log ? 1.06 : 1; /* for the number above the bar */
    for (size_t i = 0; i < a->n; i++) {
        if (isnan(nb_axis_unit(v, a->y[i]))) continue;
        nb_bounds_point(b, a->ax, a->x[i] - a->size / 2, a->y[i] * room);
        nb_bounds_point(b, a->ax, a->x[i] + a->size / 2, v->log ? a->y[i] : 0);
    }
    b->from_zero = true;
}

/* Bar i on paper, cut to what is near the figure; *up: it rises from its foot. */
static bool bar(const nb_artist *a, size_t i, nb_rect *r, bool *up)
{
    const nb_axis *v = &a->ax->axis[1];
    double x0, y0, x1, y1, foot = v->log ? pow(10, v->lo) : 0, far = 8000;
    if (!nb_axes_place(a->ax, a->x[i] - a->size / 2, foot, &x0, &y0) ||
        !nb_axes_place(a->ax, a->x[i] + a->size / 2, a->y[i], &x1, &y1))
        return false;
    x0 = fmin(fmax(x0, -far), far), x1 = fmin(fmax(x1, -far), far);
    y0 = fmin(fmax(y0, -far), far), y1 = fmin(fmax(y1, -far), far);
    *r = (nb_rect){fmin(x0, x1), fmin(y0, y1), fabs(x1 - x0), fabs(y1 - y0)};
    *up = y1 <= y0;
    return true;
}

/* One path for all, so that no seam shows between bars that touch. */
static void draw_bars(const nb_artist *a, cairo_t *cr)
{
    nb_rect r;
    bool up;
    cairo_new_path(cr);
    for (size_t i = 0; i < a->n; i++)
        if (bar(a, i, &r, &up)) cairo_rectangle(cr, r.x, r.y, r.w, r.h);
    nb_paint_color(cr, a->color);
    cairo_fill(cr);
    for (size_t i = 0; a->text && i < a->n; i++) {
        char number[64], text[64];
        if (!bar(a, i, &r, &up)) continue;
        nb_format(number, sizeof number, a->text, a->y[i]);
        nb_minus(text, sizeof text, number);
        nb_text_draw(cr, text, NB_SIZE_TICK - 1, r.x + r.w / 2, up ? r.y - 4 : r.y + r.h + 4, 0.5,
                     up ? 1 : 0, 0, NB_INK);
    }
}

static double hide_bars(const nb_artist *a, cairo_t *cr, nb_rect legend)
{
    double sum = 0, number = a->text ? NB_SIZE_TICK + 4 : 0;
    nb_rect r;
    bool up;
    (void)cr;
    for (size_t i = 0; i < a->n; i++) {
        if (!bar(a, i, &r, &up)) continue;
        if (up) r.y -= number;
        r.h += number;
        sum += nb_rect_overlap(legend, r);
    }
    return sum;
}

void nb_plot_bars(nb_axes *ax, size_t n, const double *x, const double *height,
                  const nb_bar_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_bars",
                                        .bounds = bound_bars,
                                        .draw = draw_bars,
                                        .key = nb_key_box,
                                        .hides = hide_bars};
    nb_bar_style s = style ? *style : (nb_bar_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, s.label, s.color, 0);
    if (!a || !nb_artist_needs(a, n, height) || !nb_artist_format(a, s.format)) return;
    double *at = nb_figure_take(ax->fig, n, sizeof *at);
    a->y = nb_figure_copy(ax->fig, n, height);
    if (!at || !a->y) return;
    for (size_t i = 0; i < n; i++) at[i] = x ? x[i] : (double)i;
    a->x = at;
    a->n = n;
    a->size = s.width > 0 && s.width < NB_PLOT_HUGE ? s.width : 0.8;
    a->line.dash = NB_NO_LINE;
}

void nb_plot_histogram(nb_axes *ax, size_t n, const double *x, size_t bins, double lo, double hi,
                       const nb_bar_style *style)
{
    if (!ax || ax->fig->status) return;
    size_t *count = nb_figure_take(ax->fig, bins, sizeof *count);
    double *at = nb_figure_take(ax->fig, bins, sizeof *at),
           *height = nb_figure_take(ax->fig, bins, sizeof *height);
    if (!count || !at || !height) return;
    nb_status status = nb_histogram(n, x, lo, hi, bins, count);
    if (status) {
        nb_figure_fail(ax->fig, status);
        return;
    }
    for (size_t b = 0; b < bins; b++) {
        at[b] = lo + ((double)b + 0.5) / (double)bins * (hi - lo);
        height[b] = (double)count[b];
    }
    nb_bar_style s = style ? *style : (nb_bar_style){0};
    s.width = (hi - lo) / (double)bins * (s.width > 0 && s.width <= 1 ? s.width : 1);
    nb_plot_bars(ax, bins, at, height, &s);
}
