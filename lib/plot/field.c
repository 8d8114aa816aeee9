/* Artists over the plane: arrows and contours. */
#include "nablas/text.h"
#include "plot/contour.h"
#include "plot/paint.h"

#include <math.h>
#include <stdio.h>

/* --- arrows --- */

static bool drawable(const nb_artist *a, size_t i)
{
    return fabs(a->u[i]) <= NB_PLOT_HUGE && fabs(a->v[i]) <= NB_PLOT_HUGE;
}

static void bound_arrows(const nb_artist *a, nb_bounds *b)
{
    for (size_t i = 0; i < a->n; i++) {
        if (!drawable(a, i)) continue;
        nb_bounds_point(b, a->ax, a->x[i], a->y[i]);
        if (a->scale != 0)
            nb_bounds_point(b, a->ax, a->x[i] + a->scale * a->u[i], a->y[i] + a->scale * a->v[i]);
    }
}

/* Where arrow i points on paper, in points for a unit of data; false for no direction. */
static bool direction(const nb_artist *a, size_t i, double *dx, double *dy)
{
    const nb_axis *h = &a->ax->axis[0], *v = &a->ax->axis[1];
    const double ln10 = 2.302585092994046;
    *dx = a->u[i] * a->ax->box.w / (h->hi - h->lo) * (h->flipped ? -1 : 1);
    *dy = a->v[i] * a->ax->box.h / (v->hi - v->lo) * (v->flipped ? 1 : -1);
    if (h->log) *dx /= a->x[i] * ln10;
    if (v->log) *dy /= a->y[i] * ln10;
    return isfinite(*dx) && isfinite(*dy) && hypot(*dx, *dy) > 0;
}

static void arrow(cairo_t *cr, double x, double y, double dx, double dy, double width,
                  nb_color color)
{
    double length = hypot(dx, dy);
    if (length < 0.6 * width) {
        nb_paint_marker(cr, NB_CIRCLE, x, y, 1.2 * width, color);
        return;
    }
    double head = fmin(5 * width, length), wide = 2 * width * head / (5 * width), half = width / 2;
    if (half > wide / 2) half = wide / 2;
    double c = dx / length, s = dy / length;
    double along[] = {
        0, length - 0.85 * head, length - head, length, length - head, length - 0.85 * head, 0};
    double off[] = {half, half, wide, 0, -wide, -half, -half};
    cairo_new_path(cr);
    for (int i = 0; i < 7; i++)
        cairo_line_to(cr, x + c * along[i] - s * off[i], y + s * along[i] + c * off[i]);
    cairo_close_path(cr);
    nb_paint_color(cr, color);
    cairo_fill(cr);
}

/* The mean distance on paper from a point to its nearest, taken over some hundred of them. */
static double spacing(const nb_artist *a)
{
    double sum = 0, count = 0, x, y, px, py;
    size_t stride = a->n / 100 + 1;
    for (size_t i = 0; i < a->n; i += stride) {
        double nearest = HUGE_VAL;
        if (!nb_axes_place(a->ax, a->x[i], a->y[i], &x, &y)) continue;
        for (size_t k = 0; k < a->n; k++)
            if (k != i && nb_axes_place(a->ax, a->x[k], a->y[k], &px, &py) && (px != x || py != y))
                nearest = fmin(nearest, hypot(px - x, py - y));
        if (isfinite(nearest)) sum += nearest, count++;
    }
    return count > 0 ? fmin(fmax(sum / count, 12), 60) : 60;
}

/* How arrow lengths come out: the longest that was asked for, and how long it may be on paper. */
typedef struct lengths {
    double longest, reach;
} lengths;

static lengths measure_arrows(const nb_artist *a)
{
    lengths l = {0, 1.2 * spacing(a)};
    for (size_t i = 0; i < a->n; i++)
        if (drawable(a, i)) l.longest = fmax(l.longest, hypot(a->u[i], a->v[i]));
    return l;
}

/* Arrow i on paper; a dot has dx = dy = 0. False if it is nowhere near. */
static bool arrow_at(const nb_artist *a, size_t i, const lengths *l, double at[2], double d[2])
{
    const double far = 8000;
    if (!drawable(a, i) || !nb_axes_place(a->ax, a->x[i], a->y[i], &at[0], &at[1])) return false;
    if (fabs(at[0]) > far || fabs(at[1]) > far) return false;
    if (!direction(a, i, &d[0], &d[1])) {
        d[0] = d[1] = 0;
        return true;
    }
    const double length = a->scale != 0
                              ? a->scale
                              : l->reach * hypot(a->u[i], a->v[i]) / l->longest / hypot(d[0], d[1]);
    for (int k = 0; k < 2; k++) d[k] = fmin(fmax(d[k] * length, -far), far);
    return true;
}

static void draw_arrows(const nb_artist *a, cairo_t *cr)
{
    double at[2], d[2];
    const lengths l = measure_arrows(a);
    for (size_t i = 0; i < a->n; i++)
        if (arrow_at(a, i, &l, at, d)) arrow(cr, at[0], at[1], d[0], d[1], a->line.width, a->color);
}

static double hide_arrows(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double at[2], d[2], sum = 0, near = 2 * a->line.width;
    const lengths l = measure_arrows(a);
    (void)cr;
    r = (nb_rect){r.x - near, r.y - near, r.w + 2 * near, r.h + 2 * near};
    for (size_t i = 0; i < a->n; i++)
        if (arrow_at(a, i, &l, at, d))
            sum += nb_paint_inside(r, at[0], at[1], at[0] + d[0], at[1] + d[1]);
    return sum;
}

static void key_arrow(const nb_artist *a, cairo_t *cr, nb_rect box)
{
    arrow(cr, box.x, box.y + box.h / 2, box.w, 0, fmin(a->line.width, 3), a->color);
}

void nb_plot_quiver(nb_axes *ax, size_t n, const double *x, const double *y, const double *u,
                    const double *v, const nb_arrow_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_quiver",
                                        .bounds = bound_arrows,
                                        .draw = draw_arrows,
                                        .key = key_arrow,
                                        .hides = hide_arrows};
    nb_arrow_style s = style ? *style : (nb_arrow_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, s.label, s.color, 0xff555555);
    if (!a || !nb_artist_needs(a, n, x) || !nb_artist_needs(a, n, y) || !nb_artist_needs(a, n, u) ||
        !nb_artist_needs(a, n, v))
        return;
    a->x = nb_figure_copy(ax->fig, n, x);
    a->y = nb_figure_copy(ax->fig, n, y);
    a->u = nb_figure_copy(ax->fig, n, u);
    a->v = nb_figure_copy(ax->fig, n, v);
    a->n = n;
    a->line = (nb_line_style){.dash = NB_NO_LINE, .width = 1.6};
    if (s.width > 0 && s.width < 1000) a->line.width = s.width;
    a->scale = fabs(s.scale) <= NB_PLOT_HUGE ? s.scale : 0;
}

/* --- contours --- */

/* a->u: z; a->v: the `count` levels. */
static void bound_contour(const nb_artist *a, nb_bounds *b)
{
    for (size_t i = 0; i < a->nx; i++)
        for (size_t j = 0; j < a->ny; j += a->ny - 1) nb_bounds_point(b, a->ax, a->x[i], a->y[j]);
    for (size_t j = 0; j < a->ny; j++) nb_bounds_point(b, a->ax, a->x[0], a->y[j]);
    b->tight = true;
}

/* The longest line of a level carries its value, where it runs most level and free of others. */
static void write_value(const nb_artist *a, cairo_t *cr, const nb_isolines *lines, double level,
                        nb_color color)
{
    char number[32], text[48];
    size_t longest = 0, best = 0;
    const nb_rect *box = &a->ax->box;
    nb_snprintf(number, sizeof number, "%.4g", level);
    nb_minus(text, sizeof text, number);
    double w = nb_text_width(cr, text, 10), h = nb_text_height(text, 10), flattest = HUGE_VAL;
    for (size_t l = 1; l < lines->count; l++)
        if (lines->start[l + 1] - lines->start[l] >
            lines->start[longest + 1] - lines->start[longest])
            longest = l;
    for (size_t i = lines->start[longest]; i + 1 < lines->start[longest + 1]; i++) {
        double x0, y0, x1, y1;
        if (!nb_axes_place(a->ax, lines->x[i], lines->y[i], &x0, &y0) ||
            !nb_axes_place(a->ax, lines->x[i + 1], lines->y[i + 1], &x1, &y1))
            continue;
        if (x0 < box->x + w || x0 > box->x + box->w - w || y0 < box->y + h ||
            y0 > box->y + box->h - h)
            continue;
        double slope = fabs(y1 - y0) / (fabs(x1 - x0) + 1e-9) - 0.001 * y0;
        if (slope >= flattest) continue;
        const nb_rect there = {x0 - w / 2, y0 - h / 2, w, h};
        if (nb_legend_hides(a->ax, a, cr, there) >= NB_HARMLESS) slope += 1e3; /* rather free */
        if (slope < flattest) flattest = slope, best = i;
    }
    double x, y;
    if (isinf(flattest) || !nb_axes_place(a->ax, lines->x[best], lines->y[best], &x, &y)) return;
    cairo_rectangle(cr, x - w / 2 - 2, y - h / 2 - 2, w + 4, h + 4);
    nb_paint_color(cr, NB_WHITE);
    cairo_fill(cr);
    nb_text_draw(cr, text, 10, x, y, 0.5, 0.5, 0, color);
}

typedef struct area {
    const nb_artist *a;
    cairo_t *cr;
} area;

static void add_polygon(void *context, size_t n, const double *x, const double *y)
{
    const area *to = context;
    double px[8], py[8];
    for (size_t k = 0; k < n; k++) {
        if (!nb_axes_place(to->a->ax, x[k], y[k], &px[k], &py[k])) return;
        px[k] = fmin(fmax(px[k], -8000), 8000), py[k] = fmin(fmax(py[k], -8000), 8000);
    }
    for (size_t k = 0; k < n; k++) (k ? cairo_line_to : cairo_move_to)(to->cr, px[k], py[k]);
    cairo_close_path(to->cr);
}

/* From the lowest up, each over the ones below: all that is above a level, as one path, so that no
 * seam shows between its pieces. */
static void fill_bands(const nb_artist *a, cairo_t *cr)
{
    area to = {a, cr};
    for (size_t k = 0; k <= a->count; k++) {
        const double at = a->count ? (double)k / (double)a->count : 0.5;
        cairo_new_path(cr);
        nb_band_walk(a->nx, a->ny, a->x, a->y, a->u, k ? a->v[k - 1] : -HUGE_VAL, add_polygon, &to);
        nb_paint_color(cr, a->color ? a->color : nb_color_of(a->map, at));
        cairo_fill(cr);
    }
}

static void draw_contour(const nb_artist *a, cairo_t *cr)
{
    if (a->filled) {
        fill_bands(a, cr);
        return;
    }
    double lo = a->count ? a->v[0] : 0, range = a->count ? a->v[a->count - 1] - lo : 0;
    for (size_t k = 0; k < a->count; k++) {
        nb_isolines lines;
        nb_color color = a->color;
        if (!color) color = nb_color_of(a->map, range > 0 ? (a->v[k] - lo) / range : 0);
        nb_status status = nb_isolines_trace(&lines, a->nx, a->ny, a->x, a->y, a->u, a->v[k]);
        if (status) {
            nb_figure_fail(a->ax->fig, status);
            return;
        }
        cairo_new_path(cr);
        for (size_t l = 0; l < lines.count; l++) {
            double x0 = 0, y0 = 0, x1, y1;
            bool pen = false, joined = false;
            for (size_t i = lines.start[l]; i < lines.start[l + 1]; i++) {
                bool now = nb_axes_place(a->ax, lines.x[i], lines.y[i], &x1, &y1);
                if (now && joined) nb_paint_line(cr, x0, y0, x1, y1, &pen);
                if (!now) pen = false;
                x0 = x1, y0 = y1, joined = now;
            }
        }
        nb_paint_stroke(cr, color, a->line.width, a->line.dash);
        if (a->flag && lines.count) write_value(a, cr, &lines, a->v[k], color);
        nb_isolines_free(&lines);
    }
}

/* Of lines; an area is background. */
static double hide_contour(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double sum = 0, near = 1 + a->line.width / 2;
    (void)cr;
    r = (nb_rect){r.x - near, r.y - near, r.w + 2 * near, r.h + 2 * near};
    for (size_t k = 0; k < a->count && !a->filled; k++) {
        nb_isolines lines;
        nb_status status = nb_isolines_trace(&lines, a->nx, a->ny, a->x, a->y, a->u, a->v[k]);
        if (status) {
            nb_figure_fail(a->ax->fig, status);
            return sum;
        }
        for (size_t l = 0; l < lines.count; l++)
            for (size_t i = lines.start[l]; i + 1 < lines.start[l + 1]; i++) {
                double x0, y0, x1, y1;
                if (nb_axes_place(a->ax, lines.x[i], lines.y[i], &x0, &y0) &&
                    nb_axes_place(a->ax, lines.x[i + 1], lines.y[i + 1], &x1, &y1))
                    sum += nb_paint_inside(r, x0, y0, x1, y1);
            }
        nb_isolines_free(&lines);
    }
    return sum;
}

static void key_contour(const nb_artist *a, cairo_t *cr, nb_rect box)
{
    if (a->filled) {
        cairo_rectangle(cr, box.x, box.y + box.h / 2 - 5, box.w, 10);
        nb_paint_color(cr, a->color ? a->color : nb_color_of(a->map, 0.5));
        cairo_fill(cr);
        return;
    }
    cairo_move_to(cr, box.x, box.y + box.h / 2);
    cairo_line_to(cr, box.x + box.w, box.y + box.h / 2);
    nb_paint_stroke(cr, a->color ? a->color : nb_color_of(a->map, 0.5), a->line.width,
                    a->line.dash);
}

/* The least and the greatest z that can be drawn. */
static void find_range(nb_artist *a)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    for (size_t i = 0; i < a->nx * a->ny; i++)
        if (fabs(a->u[i]) <= NB_PLOT_HUGE) lo = fmin(lo, a->u[i]), hi = fmax(hi, a->u[i]);
    if (lo < hi) a->lo = lo, a->hi = hi;
}

static bool flat(const nb_artist *a)
{
    return !(a->hi - a->lo > 1e-12 * fmax(fabs(a->lo), fabs(a->hi))) || a->hi - a->lo < 1e-290;
}

/* Round levels strictly inside the range of z. */
static void choose_levels(nb_artist *a, size_t most)
{
    double *levels = nb_figure_take(a->ax->fig, NB_MAX_TICKS, sizeof *levels);
    if (!levels || flat(a)) return;
    int exponent;
    double first, last;
    int mantissa = nb_round_step(a->lo, a->hi, most, &exponent, &first, &last);
    for (double k = first; k <= last && a->count < NB_MAX_TICKS; k++) {
        double level = nb_decimal(k * mantissa, exponent);
        if (level > a->lo && level < a->hi) levels[a->count++] = level;
    }
    a->v = levels;
}

/* The levels between `areas` equally high ones. */
static void part_evenly(nb_artist *a, size_t areas)
{
    double *levels = nb_figure_take(a->ax->fig, areas, sizeof *levels);
    if (!levels || flat(a)) return;
    a->count = areas - 1;
    for (size_t k = 0; k < a->count; k++)
        levels[k] = a->lo + (a->hi - a->lo) * ((double)(k + 1) / (double)areas);
    a->v = levels;
}

static void take_levels(nb_artist *a, size_t count, const double *levels)
{
    for (size_t k = 0; k < count && a->filled; k++)
        if (isnan(levels[k]) || (k && !(levels[k] > levels[k - 1]))) {
            nb_figure_fail(a->ax->fig,
                           nb_fail(NB_ERANGE, "nb_plot_contour: levels[%zu]=%g after %g", k,
                                   levels[k], k ? levels[k - 1] : -HUGE_VAL));
            return;
        }
    a->v = nb_figure_copy(a->ax->fig, count, levels);
    a->count = count;
}

void nb_plot_contour(nb_axes *ax, size_t nx, size_t ny, const double *x, const double *y,
                     const double *z, const nb_contour_style *style)
{
    static const nb_artist_kind kind = {.name = "nb_plot_contour",
                                        .bounds = bound_contour,
                                        .draw = draw_contour,
                                        .key = key_contour,
                                        .hides = hide_contour};
    nb_contour_style s = style ? *style : (nb_contour_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, s.label, s.color, NB_BLACK);
    if (!a || !nb_artist_grid(a, nx, ny, x, y, z)) return;
    a->color = s.color;
    a->map = s.map;
    a->flag = s.values;
    a->line.width = s.width > 0 && s.width < 1000 ? s.width : 1.2;
    a->line.dash = s.dash == NB_DASH_AUTO ? NB_SOLID : s.dash;
    a->filled = s.filled;
    find_range(a);
    if (s.levels)
        take_levels(a, s.count, s.levels);
    else if (s.filled)
        part_evenly(a, s.count ? (s.count < 1000 ? s.count : 1000) : 30);
    else
        choose_levels(a, s.count ? (s.count < NB_MAX_TICKS ? s.count : NB_MAX_TICKS) : 8);
    /* The map of lines begins at the first level and ends at the last; that of areas covers z. */
    if (!s.filled && a->count && a->v) a->lo = a->v[0], a->hi = a->v[a->count - 1];
}
