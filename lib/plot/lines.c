/* Artists made of points: lines, scatter, areas, bars, guides, texts. */
#include "plot/paint.h"

#include <math.h>
#include <stdio.h>

/* --- lines and points --- */

/* One horizontal pixel's worth of a line that is denser than pixels: where it enters, its lowest
 * and highest point, where it leaves. Ten thousand losses become two thousand strokes that look
 * alike. */
typedef struct column {
    bool open;
    double x, first, lo, hi, last;
} column;

typedef struct pencil {
    cairo_t *cr;
    bool down; /* the path ends at (x, y) */
    double x, y;
} pencil;

static void pencil_to(pencil *p, double x, double y)
{
    if (p->down || isfinite(p->x)) nb_paint_line(p->cr, p->x, p->y, x, y, &p->down);
    p->x = x, p->y = y;
}

static void flush(pencil *p, column *c)
{
    if (!c->open) return;
    pencil_to(p, c->x, c->first);
    if (c->hi > c->lo) {
        bool falling = c->last < c->first;
        pencil_to(p, c->x, falling ? c->hi : c->lo);
        pencil_to(p, c->x, falling ? c->lo : c->hi);
        pencil_to(p, c->x, c->last);
    }
    c->open = false;
}

static void trace_dense(const nb_artist *a, pencil *p)
{
    column c = {.open = false};
    double x, y;
    for (size_t i = 0; i < a->n; i++) {
        if (!nb_axes_place(a->ax, a->x[i], a->y[i], &x, &y)) {
            flush(p, &c);
            p->x = (double)NAN, p->down = false;
            continue;
        }
        if (c.open && fabs(x - c.x) < 0.25) {
            c.lo = fmin(c.lo, y), c.hi = fmax(c.hi, y), c.last = y;
            continue;
        }
        flush(p, &c);
        c = (column){true, x, y, y, y, y};
    }
    flush(p, &c);
}

static void trace(const nb_artist *a, pencil *p)
{
    double x, y;
    for (size_t i = 0; i < a->n; i++) {
        if (nb_axes_place(a->ax, a->x[i], a->y[i], &x, &y))
            pencil_to(p, x, y);
        else
            p->x = (double)NAN, p->down = false;
    }
}

static void draw_points(const nb_artist *a, cairo_t *cr)
{
    double x, y, near = 2 * a->line.size;
    const nb_rect *box = &a->ax->box;
    if (a->line.dash != NB_NO_LINE) {
        pencil p = {.cr = cr, .x = (double)NAN};
        cairo_new_path(cr);
        if ((double)a->n > 4 * box->w)
            trace_dense(a, &p);
        else
            trace(a, &p);
        nb_paint_stroke(cr, a->color, a->line.width, a->line.dash);
    }
    if (a->line.marker == NB_NO_MARKER) return;
    for (size_t i = 0; i < a->n; i++)
        if (nb_axes_place(a->ax, a->x[i], a->y[i], &x, &y) && x > box->x - near &&
            x < box->x + box->w + near && y > box->y - near && y < box->y + box->h + near)
            nb_paint_marker(cr, a->line.marker, x, y, a->line.size, a->color);
}

static void key_points(const nb_artist *a, cairo_t *cr, nb_rect box)
{
    double y = box.y + box.h / 2;
    if (a->line.dash != NB_NO_LINE) {
        cairo_move_to(cr, box.x, y);
        cairo_line_to(cr, box.x + box.w, y);
        nb_paint_stroke(cr, a->color, fmin(a->line.width, 6), a->line.dash);
    }
    if (a->line.marker != NB_NO_MARKER)
        nb_paint_marker(cr, a->line.marker, box.x + box.w / 2, y, fmin(a->line.size, 10), a->color);
}

static bool sane(double width)
{
    return width > 0 && width < 1000;
}

static void add_points(nb_axes *ax, const nb_artist_kind *kind, size_t n, const double *x,
                       const double *y, const nb_line_style *style, nb_line_style usual,
                       nb_color color)
{
    nb_line_style s = style ? *style : (nb_line_style){0};
    nb_artist *a = nb_artist_add(ax, kind, s.label, s.color, color);
    if (!a || !nb_artist_needs(a, n, x) || !nb_artist_needs(a, n, y)) return;
    a->line = usual;
    if (s.dash != NB_DASH_AUTO) a->line.dash = s.dash;
    if (s.marker != NB_MARKER_AUTO) a->line.marker = s.marker;
    if (sane(s.width)) a->line.width = s.width;
    if (sane(s.size)) a->line.size = s.size;
    a->n = n;
    a->x = nb_figure_copy(ax->fig, n, x);
    a->y = nb_figure_copy(ax->fig, n, y);
}

void nb_plot_line(nb_axes *ax, size_t n, const double *x, const double *y,
                  const nb_line_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_line", .bounds = nb_bounds_points, .draw = draw_points, .key = key_points};
    add_points(ax, &kind, n, x, y, style,
               (nb_line_style){.dash = NB_SOLID, .width = 1.8, .marker = NB_NO_MARKER, .size = 6},
               0);
}

void nb_plot_scatter(nb_axes *ax, size_t n, const double *x, const double *y,
                     const nb_line_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_scatter",
                                        .bounds = nb_bounds_points,
                                        .draw = draw_points,
                                        .key = key_points};
    add_points(ax, &kind, n, x, y, style,
               (nb_line_style){.dash = NB_NO_LINE, .width = 1.8, .marker = NB_CIRCLE, .size = 6},
               0);
}

/* --- guides --- */

static const nb_line_style guide = {
    .dash = NB_DASHED, .width = 1, .marker = NB_NO_MARKER, .size = 6};

/* An end that is NaN is the edge of the axes. */
static void draw_guide(const nb_artist *a, cairo_t *cr)
{
    const nb_axis *h = &a->ax->axis[0], *v = &a->ax->axis[1];
    const nb_rect *box = &a->ax->box;
    double x[2], y[2];
    bool pen = false;
    for (int i = 0; i < 2; i++) {
        double mid_x = h->log ? pow(10, h->lo) : h->lo, mid_y = v->log ? pow(10, v->lo) : v->lo;
        bool across = isnan(a->x[i]), up = isnan(a->y[i]);
        if (!nb_axes_place(a->ax, across ? mid_x : a->x[i], up ? mid_y : a->y[i], &x[i], &y[i]))
            return;
        if (across) x[i] = box->x + i * box->w;
        if (up) y[i] = box->y + i * box->h;
    }
    cairo_new_path(cr);
    nb_paint_line(cr, x[0], y[0], x[1], y[1], &pen);
    nb_paint_stroke(cr, a->color, a->line.width, a->line.dash);
}

static void add_guide(nb_axes *ax, double x0, double y0, double x1, double y1,
                      const nb_line_style *style)
{
    static const nb_artist_kind kind = {.name = "a guide", .draw = draw_guide, .key = key_points};
    add_points(ax, &kind, 2, (double[]){x0, x1}, (double[]){y0, y1}, style, guide, NB_INK_GUIDE);
}

void nb_plot_hline(nb_axes *ax, double y, const nb_line_style *style)
{
    if (isfinite(y)) add_guide(ax, (double)NAN, y, (double)NAN, y, style);
}

void nb_plot_vline(nb_axes *ax, double x, const nb_line_style *style)
{
    if (isfinite(x)) add_guide(ax, x, (double)NAN, x, (double)NAN, style);
}

void nb_plot_segment(nb_axes *ax, double x0, double y0, double x1, double y1,
                     const nb_line_style *style)
{
    if (isfinite(x0 + y0) && isfinite(x1 + y1)) add_guide(ax, x0, y0, x1, y1, style);
}

/* --- areas --- */

static void bound_fill(const nb_artist *a, nb_bounds *b)
{
    for (size_t i = 0; i < a->n; i++) {
        nb_bounds_point(b, a->ax, a->x[i], a->y[i]);
        nb_bounds_point(b, a->ax, a->x[i], a->v[i]);
    }
}

static void draw_fill(const nb_artist *a, cairo_t *cr)
{
    double x0 = 0, low0 = 0, high0 = 0, x1, low1, high1, far = 8000;
    bool joined = false;
    cairo_new_path(cr);
    for (size_t i = 0; i < a->n; i++, x0 = x1, low0 = low1, high0 = high1) {
        bool now = nb_axes_place(a->ax, a->x[i], a->y[i], &x1, &high1) &&
                   nb_axes_place(a->ax, a->x[i], a->v[i], &x1, &low1);
        if (!now) x1 = low1 = high1 = 0;
        x1 = fmin(fmax(x1, -far), far);
        low1 = fmin(fmax(low1, -far), far), high1 = fmin(fmax(high1, -far), far);
        if (now && joined) { /* one path for all, so that no seam shows between the pieces */
            cairo_move_to(cr, x0, low0);
            cairo_line_to(cr, x0, high0);
            cairo_line_to(cr, x1, high1);
            cairo_line_to(cr, x1, low1);
            cairo_close_path(cr);
        }
        joined = now;
    }
    nb_paint_color(cr, a->color);
    cairo_fill(cr);
}

static void key_box(const nb_artist *a, cairo_t *cr, nb_rect box)
{
    cairo_rectangle(cr, box.x, box.y + box.h / 2 - 5, box.w, 10);
    nb_paint_color(cr, a->color);
    cairo_fill(cr);
}

void nb_plot_fill(nb_axes *ax, size_t n, const double *x, const double *y0, const double *y1,
                  const nb_fill_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_fill", .bounds = bound_fill, .draw = draw_fill, .key = key_box};
    nb_fill_style s = style ? *style : (nb_fill_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, s.label, s.color, 0);
    if (!a || !nb_artist_needs(a, n, x) || !nb_artist_needs(a, n, y0)) return;
    if (!s.color) a->color = nb_paint_alpha(a->color, 0x50);
    a->x = nb_figure_copy(ax->fig, n, x);
    a->y = nb_figure_copy(ax->fig, n, y0);
    a->v = y1 ? nb_figure_copy(ax->fig, n, y1) : nb_figure_take(ax->fig, n, sizeof *y1);
    a->n = n;
    a->line.dash = NB_NO_LINE;
}

/* --- bars --- */

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

static void draw_bars(const nb_artist *a, cairo_t *cr)
{
    const nb_axis *v = &a->ax->axis[1];
    double x0, y0, x1, y1, foot = v->log ? pow(10, v->lo) : 0, far = 8000;
    for (size_t i = 0; i < a->n; i++) {
        if (!nb_axes_place(a->ax, a->x[i] - a->size / 2, foot, &x0, &y0) ||
            !nb_axes_place(a->ax, a->x[i] + a->size / 2, a->y[i], &x1, &y1))
            continue;
        x0 = fmin(fmax(x0, -far), far), x1 = fmin(fmax(x1, -far), far);
        y0 = fmin(fmax(y0, -far), far), y1 = fmin(fmax(y1, -far), far);
        cairo_rectangle(cr, fmin(x0, x1), fmin(y0, y1), fabs(x1 - x0), fabs(y1 - y0));
        nb_paint_color(cr, a->color);
        cairo_fill(cr);
        if (!a->text) continue;
        char number[64], text[64];
        nb_format(number, sizeof number, a->text, a->y[i]);
        nb_minus(text, sizeof text, number);
        nb_text_draw(cr, text, NB_SIZE_TICK - 1, (x0 + x1) / 2, y1 + (y1 <= y0 ? -4 : 4), 0.5,
                     y1 <= y0 ? 1 : 0, 0, NB_INK);
    }
}

void nb_plot_bars(nb_axes *ax, size_t n, const double *x, const double *height,
                  const nb_bar_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_bars", .bounds = bound_bars, .draw = draw_bars, .key = key_box};
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

/* --- texts --- */

static void draw_text(const nb_artist *a, cairo_t *cr)
{
    const nb_rect *box = &a->ax->box;
    nb_place at = a->place == NB_BEST ? NB_UPPER_RIGHT : a->place;
    double x, y, off = 6, h = 0.5, v = 0.5;
    if (!a->text || !nb_axes_place(a->ax, a->x[0], a->y[0], &x, &y)) return;
    if (x < box->x - 1 || x > box->x + box->w + 1 || y < box->y - 1 || y > box->y + box->h + 1)
        return;
    if (at == NB_UPPER_RIGHT || at == NB_LOWER_RIGHT || at == NB_RIGHT) h = 0, x += off;
    if (at == NB_UPPER_LEFT || at == NB_LOWER_LEFT || at == NB_LEFT) h = 1, x -= off;
    if (at == NB_UPPER_LEFT || at == NB_UPPER_RIGHT || at == NB_ABOVE) v = 1, y -= off;
    if (at == NB_LOWER_LEFT || at == NB_LOWER_RIGHT || at == NB_BELOW) v = 0, y += off;
    double size = nb_text_fit(cr, a->text, a->size, a->ax->fig->width - 8);
    double w = nb_text_width(cr, a->text, size), tall = nb_text_height(a->text, size);
    x = fmax(fmin(x, a->ax->fig->width - 4 - (1 - h) * w), 4 + h * w);
    y = fmax(fmin(y, a->ax->fig->height - 4 - (1 - v) * tall), 4 + v * tall);
    nb_text_draw(cr, a->text, size, x, y, h, v, 0, a->color);
}

void nb_plot_text(nb_axes *ax, double x, double y, const char *text, const nb_text_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_text", .on_top = true, .draw = draw_text};
    nb_text_style s = style ? *style : (nb_text_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, s.color, NB_INK);
    if (!a) return;
    a->x = nb_figure_copy(ax->fig, 1, &x);
    a->y = nb_figure_copy(ax->fig, 1, &y);
    a->text = nb_figure_text(ax->fig, text);
    a->size = sane(s.size) ? s.size : 12;
    a->place = s.place;
}
