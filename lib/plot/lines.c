/* Artists made of points: lines, scatter, areas, guides, texts. */
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

/* Where a legend must not be: this near to a line. */
static nb_rect around(nb_rect r, double near)
{
    return (nb_rect){r.x - near, r.y - near, r.w + 2 * near, r.h + 2 * near};
}

static double hide_points(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double sum = 0, x0 = 0, y0 = 0, x1, y1, marker = 0;
    bool joined = false;
    (void)cr;
    if (a->line.marker != NB_NO_MARKER) marker = a->line.size / 2;
    const nb_rect near = around(r, 2 + fmax(a->line.width / 2, marker));
    for (size_t i = 0; i < a->n; i++, x0 = x1, y0 = y1) {
        const bool now = nb_axes_place(a->ax, a->x[i], a->y[i], &x1, &y1);
        if (now && joined && a->line.dash != NB_NO_LINE)
            sum += nb_paint_inside(near, x0, y0, x1, y1);
        if (now && marker > 0) sum += nb_paint_inside(near, x1, y1, x1, y1);
        joined = now;
    }
    return sum;
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
    static const nb_artist_kind kind = {.name = "nb_plot_line",
                                        .bounds = nb_bounds_points,
                                        .draw = draw_points,
                                        .key = key_points,
                                        .hides = hide_points};
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
                                        .key = key_points,
                                        .hides = hide_points};
    add_points(ax, &kind, n, x, y, style,
               (nb_line_style){.dash = NB_NO_LINE, .width = 1.8, .marker = NB_CIRCLE, .size = 6},
               0);
}

/* --- guides --- */

static const nb_line_style guide = {
    .dash = NB_DASHED, .width = 1, .marker = NB_NO_MARKER, .size = 6};

/* An end that is NaN is the edge of the axes. */
static bool guide_ends(const nb_artist *a, double x[2], double y[2])
{
    const nb_axis *h = &a->ax->axis[0], *v = &a->ax->axis[1];
    const nb_rect *box = &a->ax->box;
    for (int i = 0; i < 2; i++) {
        double mid_x = h->log ? pow(10, h->lo) : h->lo, mid_y = v->log ? pow(10, v->lo) : v->lo;
        bool across = isnan(a->x[i]), up = isnan(a->y[i]);
        if (!nb_axes_place(a->ax, across ? mid_x : a->x[i], up ? mid_y : a->y[i], &x[i], &y[i]))
            return false;
        if (across) x[i] = box->x + i * box->w;
        if (up) y[i] = box->y + i * box->h;
    }
    return true;
}

static void draw_guide(const nb_artist *a, cairo_t *cr)
{
    double x[2], y[2];
    bool pen = false;
    if (!guide_ends(a, x, y)) return;
    cairo_new_path(cr);
    nb_paint_line(cr, x[0], y[0], x[1], y[1], &pen);
    nb_paint_stroke(cr, a->color, a->line.width, a->line.dash);
}

/* Better not, but no reason to leave the box: a guide goes on behind the legend. */
static double hide_guide(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double x[2], y[2];
    (void)cr;
    return guide_ends(a, x, y) ? 1e-6 * nb_paint_inside(r, x[0], y[0], x[1], y[1]) : 0;
}

static void add_guide(nb_axes *ax, double x0, double y0, double x1, double y1,
                      const nb_line_style *style)
{
    static const nb_artist_kind kind = {
        .name = "a guide", .draw = draw_guide, .key = key_points, .hides = hide_guide};
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

/* Better not, but an area is background. */
static double hide_fill(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double sum = 0, x, y, low;
    (void)cr;
    for (size_t i = 0; i < a->n; i++)
        if (nb_axes_place(a->ax, a->x[i], a->v[i], &x, &low) &&
            nb_axes_place(a->ax, a->x[i], a->y[i], &x, &y))
            sum += nb_paint_inside(r, x, y, x, low);
    return a->n ? 1e-6 * sum / (double)a->n : 0;
}

void nb_key_box(const nb_artist *a, cairo_t *cr, nb_rect box)
{
    cairo_rectangle(cr, box.x, box.y + box.h / 2 - 5, box.w, 10);
    nb_paint_color(cr, a->color);
    cairo_fill(cr);
}

void nb_plot_fill(nb_axes *ax, size_t n, const double *x, const double *y0, const double *y1,
                  const nb_fill_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_fill",
                                        .bounds = bound_fill,
                                        .draw = draw_fill,
                                        .key = nb_key_box,
                                        .hides = hide_fill};
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

/* --- texts --- */

/* Size, point and anchor of the text on paper; false if the point is not in the axes. */
static bool set_text(const nb_artist *a, cairo_t *cr, double *size, double at[2], double anchor[2])
{
    const nb_rect *box = &a->ax->box;
    nb_place side = a->place == NB_BEST || a->place == NB_OUTSIDE ? NB_UPPER_RIGHT : a->place;
    double x, y, off = 6, h = 0.5, v = 0.5;
    if (!a->text || !nb_axes_place(a->ax, a->x[0], a->y[0], &x, &y)) return false;
    if (x < box->x - 1 || x > box->x + box->w + 1 || y < box->y - 1 || y > box->y + box->h + 1)
        return false;
    if (side == NB_UPPER_RIGHT || side == NB_LOWER_RIGHT || side == NB_RIGHT) h = 0, x += off;
    if (side == NB_UPPER_LEFT || side == NB_LOWER_LEFT || side == NB_LEFT) h = 1, x -= off;
    if (side == NB_UPPER_LEFT || side == NB_UPPER_RIGHT || side == NB_ABOVE) v = 1, y -= off;
    if (side == NB_LOWER_LEFT || side == NB_LOWER_RIGHT || side == NB_BELOW) v = 0, y += off;
    *size = nb_text_fit(cr, a->text, a->size, a->ax->fig->width - 8);
    double w = nb_text_width(cr, a->text, *size), tall = nb_text_height(a->text, *size);
    at[0] = fmax(fmin(x, a->ax->fig->width - 4 - (1 - h) * w), 4 + h * w);
    at[1] = fmax(fmin(y, a->ax->fig->height - 4 - (1 - v) * tall), 4 + v * tall);
    anchor[0] = h, anchor[1] = v;
    return true;
}

static void draw_text(const nb_artist *a, cairo_t *cr)
{
    double size, at[2], anchor[2];
    if (set_text(a, cr, &size, at, anchor))
        nb_text_draw(cr, a->text, size, at[0], at[1], anchor[0], anchor[1], 0, a->color);
}

static double hide_text(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double size, at[2], anchor[2];
    if (!set_text(a, cr, &size, at, anchor)) return 0;
    const double w = nb_text_width(cr, a->text, size), h = nb_text_height(a->text, size);
    return nb_rect_overlap(r, (nb_rect){at[0] - anchor[0] * w, at[1] - anchor[1] * h, w, h});
}

void nb_plot_text(nb_axes *ax, double x, double y, const char *text, const nb_text_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_text", .on_top = true, .draw = draw_text, .hides = hide_text};
    nb_text_style s = style ? *style : (nb_text_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, s.color, NB_INK);
    if (!a) return;
    a->x = nb_figure_copy(ax->fig, 1, &x);
    a->y = nb_figure_copy(ax->fig, 1, &y);
    a->text = nb_figure_text(ax->fig, text);
    a->size = sane(s.size) ? s.size : 12;
    a->place = s.place;
}
