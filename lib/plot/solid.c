/* Three dimensions: surfaces, and the box of axes around them. */
#include "nablas/memory.h"
#include "plot/frame.h"
#include "plot/paint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The box is [-1, 1] x [-1, 1] x [-TALL, TALL], seen from `DISTANCE` along (azimuth, elevation). */
static const double tall = 0.72, distance = 9;

typedef struct camera {
    double right[3], up[3], front[3]; /* front: towards the eye */
    double scale, x, y;               /* to paper */
} camera;

typedef struct spot {
    double x, y, depth;
} spot;

static camera look(const nb_axes *ax)
{
    const double degree = 0.017453292519943295;
    double a = ax->azimuth * degree, e = ax->elevation * degree;
    return (camera){{-sin(a), cos(a), 0},
                    {-sin(e) * cos(a), -sin(e) * sin(a), cos(e)},
                    {cos(e) * cos(a), cos(e) * sin(a), sin(e)},
                    1,
                    0,
                    0};
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static spot project(const camera *c, double x, double y, double z)
{
    double p[] = {x, y, z}, depth = dot(p, c->front), near = distance / (distance - depth);
    return (spot){c->x + c->scale * near * dot(p, c->right), c->y - c->scale * near * dot(p, c->up),
                  depth};
}

/* `value` in the box's units along axis d. */
static double in_box(const nb_axes *ax, int d, double value)
{
    const nb_axis *axis = &ax->axis[d];
    double t = 2 * (nb_axis_unit(axis, value) - axis->lo) / (axis->hi - axis->lo) - 1;
    return (axis->flipped ? -t : t) * (d == 2 ? tall : 1);
}

/* --- the box --- */

/* The walls that the surface stands before, as -1 or 1 along each axis. */
typedef struct walls {
    double at[3];
} walls;

static walls back_walls(const camera *c)
{
    return (walls){
        {c->front[0] > 0 ? -1 : 1, c->front[1] > 0 ? -1 : 1, c->front[2] >= 0 ? -tall : tall}};
}

/* The edge that carries axis d: its fixed coordinates, and a vector that points away from the box.
 */
static void edge_of(const camera *c, walls w, int d, double fixed[3], double away[3])
{
    for (int k = 0; k < 3; k++) fixed[k] = w.at[k], away[k] = 0;
    if (d < 2) {
        fixed[1 - d] = -w.at[1 - d];
        away[1 - d] = -w.at[1 - d];
        return;
    }
    /* z stands on the right-hand end of the two back walls. */
    int k = dot((double[]){w.at[0], -w.at[1], 0}, c->right) > 0 ? 1 : 0;
    fixed[k] = -w.at[k];
    away[k] = -w.at[k];
}

static void wall(cairo_t *cr, const camera *c, walls w, int d)
{
    static const double turn[][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
    cairo_new_path(cr);
    for (int i = 0; i < 4; i++) {
        double p[3];
        p[d] = w.at[d];
        p[(d + 1) % 3] = turn[i][0] * ((d + 1) % 3 == 2 ? tall : 1);
        p[(d + 2) % 3] = turn[i][1] * ((d + 2) % 3 == 2 ? tall : 1);
        spot s = project(c, p[0], p[1], p[2]);
        cairo_line_to(cr, s.x, s.y);
    }
    cairo_close_path(cr);
    nb_paint_color(cr, d == 2 ? 0xfff0f0f0 : (d == 0 ? 0xfff5f5f5 : 0xfff8f8f8));
    cairo_fill_preserve(cr);
    nb_paint_stroke(cr, 0xffd0d0d0, 0.8, NB_SOLID);
}

/* Lines on the two walls that a tick of axis d touches. */
static void wall_lines(cairo_t *cr, const camera *c, walls w, int d, double at)
{
    for (int other = 0; other < 3; other++) {
        if (other == d) continue;
        int across = 3 - d - other;
        double p[3], q[3], end = across == 2 ? tall : 1;
        p[d] = q[d] = at;
        p[other] = q[other] = w.at[other];
        p[across] = -end, q[across] = end;
        spot s = project(c, p[0], p[1], p[2]), t = project(c, q[0], q[1], q[2]);
        cairo_move_to(cr, s.x, s.y);
        cairo_line_to(cr, t.x, t.y);
        nb_paint_stroke(cr, 0xffd8d8d8, 0.8, NB_SOLID);
    }
}

/* --- ticks and labels, drawn or only measured --- */

typedef struct extent {
    double x0, y0, x1, y1;
} extent;

static void cover(extent *e, double x, double y, double w, double h)
{
    e->x0 = fmin(e->x0, x - w / 2), e->x1 = fmax(e->x1, x + w / 2);
    e->y0 = fmin(e->y0, y - h / 2), e->y1 = fmax(e->y1, y + h / 2);
}

typedef struct pen {
    cairo_t *cr;
    bool draw;
    extent covered;
} pen;

/* Centred as far from (x, y) along (dx, dy) as to leave `gap`; returns the far side's distance. */
static double text_beside(pen *p, const char *text, double size, double x, double y, double dx,
                          double dy, double gap)
{
    double w = nb_text_width(p->cr, text, size), h = nb_text_height(text, size);
    double reach = fabs(dx) * w / 2 + fabs(dy) * h / 2;
    x += dx * (gap + reach), y += dy * (gap + reach);
    cover(&p->covered, x, y, w, h * 1.5);
    if (p->draw) nb_text_draw(p->cr, text, size, x, y, 0.5, 0.5, 0, NB_INK);
    return gap + 2 * reach;
}

static void axis_texts(const nb_axes *ax, const camera *c, walls w, int d, pen *p)
{
    const nb_axis *axis = &ax->axis[d];
    double fixed[3], away[3], deepest = NB_TICK + NB_TICK_GAP;
    edge_of(c, w, d, fixed, away);
    /* The direction away from the box, on paper. */
    double dx = dot(away, c->right), dy = -dot(away, c->up), length = hypot(dx, dy);
    if (length < 1e-6) dx = 0, dy = 1, length = 1;
    dx /= length, dy /= length;
    /* Texts of the floor go down and those of z up, or the last of one meets the first of the
     * other. */
    dy += d == 2 ? -0.35 : (c->front[2] >= 0 ? 0.7 : -0.7);
    length = hypot(dx, dy);
    dx /= length, dy /= length;
    for (size_t i = 0; i < axis->ticks.count; i++) {
        double at = in_box(ax, d, axis->ticks.at[i]);
        if (!(fabs(at) <= (d == 2 ? tall : 1) * (1 + 1e-6))) continue;
        fixed[d] = at;
        spot s = project(c, fixed[0], fixed[1], fixed[2]);
        if (p->draw) {
            cairo_move_to(p->cr, s.x, s.y);
            cairo_line_to(p->cr, s.x + dx * NB_TICK, s.y + dy * NB_TICK);
            nb_paint_stroke(p->cr, NB_INK_FRAME, 1, NB_SOLID);
        }
        deepest = fmax(deepest, text_beside(p, axis->ticks.text[i], NB_SIZE_TICK, s.x, s.y, dx, dy,
                                            NB_TICK + NB_TICK_GAP));
    }
    fixed[d] = 0;
    spot middle = project(c, fixed[0], fixed[1], fixed[2]);
    const char *label = axis->label ? axis->label : "";
    if (*label || axis->ticks.note[0]) {
        char both[256];
        snprintf(both, sizeof both, "%s%s%s", label, *label && axis->ticks.note[0] ? "  " : "",
                 axis->ticks.note);
        text_beside(p, both, NB_SIZE_LABEL, middle.x, middle.y, dx, dy, deepest + NB_LABEL_GAP);
    }
    if (!p->draw) return;
    double end = d == 2 ? tall : 1;
    fixed[d] = -end;
    spot s = project(c, fixed[0], fixed[1], fixed[2]);
    fixed[d] = end;
    spot t = project(c, fixed[0], fixed[1], fixed[2]);
    cairo_move_to(p->cr, s.x, s.y);
    cairo_line_to(p->cr, t.x, t.y);
    nb_paint_stroke(p->cr, NB_INK_FRAME, 1, NB_SOLID);
}

static extent measure(const nb_axes *ax, const camera *c, cairo_t *cr)
{
    pen p = {cr, false, {HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL}};
    for (int i = 0; i < 8; i++) {
        spot s = project(c, i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? tall : -tall);
        cover(&p.covered, s.x, s.y, 0, 0);
    }
    for (int d = 0; d < 3 && !ax->hidden; d++) axis_texts(ax, c, back_walls(c), d, &p);
    return p.covered;
}

/* Scale and move the camera until box and texts just fill the rectangle. */
static void fit(const nb_axes *ax, camera *c, cairo_t *cr)
{
    c->scale = fmin(ax->box.w, ax->box.h) / 4;
    c->x = c->y = 0;
    for (int round = 0; round < 6; round++) {
        extent e = measure(ax, c, cr);
        double grow = fmin(ax->box.w - (e.x1 - e.x0), ax->box.h - (e.y1 - e.y0));
        c->scale = fmax(c->scale + grow / 3.2, 4);
    }
    extent e = measure(ax, c, cr);
    c->x = ax->box.x + (ax->box.w - e.x0 - e.x1) / 2;
    c->y = ax->box.y + (ax->box.h - e.y0 - e.y1) / 2;
}

/* --- the surface --- */

typedef struct patch {
    double depth;
    size_t at; /* its corner with the least indices */
} patch;

/* Far ones first; equal ones in the order of the grid, whatever qsort does. */
static int by_depth(const void *a, const void *b)
{
    const patch *p = a, *q = b;
    if (p->depth != q->depth) return p->depth < q->depth ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

static void paint_patch(const nb_artist *a, cairo_t *cr, const camera *c, size_t at)
{
    const size_t corner[] = {at, at + 1, at + 1 + a->nx, at + a->nx};
    const nb_axes *ax = a->ax;
    double mean = 0;
    cairo_new_path(cr);
    for (int k = 0; k < 4; k++) {
        size_t i = corner[k] % a->nx, j = corner[k] / a->nx;
        double z = in_box(ax, 2, a->u[corner[k]]);
        spot s = project(c, in_box(ax, 0, a->x[i]), in_box(ax, 1, a->y[j]), z);
        cairo_line_to(cr, s.x, s.y);
        mean += z / 4;
    }
    cairo_close_path(cr);
    double height = (mean / tall + 1) / 2;
    nb_color color =
        a->color ? a->color : nb_color_of(a->map, ax->axis[2].flipped ? 1 - height : height);
    nb_paint_color(cr, color);
    cairo_fill_preserve(cr);
    if (a->flag)
        nb_paint_stroke(cr, color, 0.4, NB_SOLID); /* or the background shows between the patches */
    else
        nb_paint_stroke(cr, 0x50000000, 0.5, NB_SOLID);
}

static void paint_surface(const nb_artist *a, cairo_t *cr, const camera *c)
{
    size_t count = 0;
    patch *patches = nb_alloc(a->nx * a->ny, sizeof *patches);
    if (!patches) {
        nb_figure_fail(a->ax->fig, NB_ENOMEM);
        return;
    }
    for (size_t j = 0; j + 1 < a->ny; j++)
        for (size_t i = 0; i + 1 < a->nx; i++) {
            const size_t at = j * a->nx + i;
            double p[3] = {0, 0, 0};
            for (size_t k = 0; k < 4; k++) {
                size_t di = k & 1, dj = k >> 1;
                p[0] += in_box(a->ax, 0, a->x[i + di]) / 4;
                p[1] += in_box(a->ax, 1, a->y[j + dj]) / 4;
                p[2] += in_box(a->ax, 2, a->u[at + dj * a->nx + di]) / 4;
            }
            double depth = dot(p, c->front);
            if (fabs(depth) < 100) patches[count++] = (patch){depth, at}; /* NaN: left out */
        }
    qsort(patches, count, sizeof *patches, by_depth);
    for (size_t i = 0; i < count; i++) paint_patch(a, cr, c, patches[i].at);
    nb_free(patches);
}

/* As many ticks as their texts have room for on the axis's edge, as the camera sees it. */
static size_t tick_room(const camera *c, int d)
{
    double fixed[3], away[3], end = d == 2 ? tall : 1, text_w = 26, text_h = 17;
    edge_of(c, back_walls(c), d, fixed, away);
    fixed[d] = -end;
    spot s = project(c, fixed[0], fixed[1], fixed[2]);
    fixed[d] = end;
    spot t = project(c, fixed[0], fixed[1], fixed[2]);
    return (size_t)fmin(fmax(fmax(fabs(t.x - s.x) / text_w, fabs(t.y - s.y) / text_h), 2), 8);
}

static void find_ticks(nb_axes *ax, const camera *c)
{
    for (int d = 0; d < 3; d++) {
        nb_axis *axis = &ax->axis[d];
        if (axis->given)
            nb_ticks_given(&axis->ticks, axis->given_count, axis->given_at, axis->given_names);
        else
            nb_ticks_linear(&axis->ticks, axis->lo, axis->hi, c ? tick_room(c, d) : 5, false);
    }
}

void nb_solid_draw(nb_axes *ax, cairo_t *cr)
{
    camera c = look(ax);
    find_ticks(ax, NULL);
    fit(ax, &c, cr);
    find_ticks(ax, &c); /* now that the box has a size */
    fit(ax, &c, cr);
    walls w = back_walls(&c);
    for (int d = 0; d < 3 && !ax->hidden; d++) wall(cr, &c, w, d);
    for (int d = 0; d < 3 && !ax->hidden; d++)
        for (size_t i = 0; i < ax->axis[d].ticks.count; i++) {
            double at = in_box(ax, d, ax->axis[d].ticks.at[i]);
            if (fabs(at) <= (d == 2 ? tall : 1) * (1 + 1e-6)) wall_lines(cr, &c, w, d, at);
        }
    pen p = {.cr = cr, .draw = true};
    for (int d = 0; d < 3 && !ax->hidden; d++) axis_texts(ax, &c, w, d, &p);
    for (const nb_artist *a = ax->first; a; a = a->next) paint_surface(a, cr, &c);
}

static void bound_surface(const nb_artist *a, nb_bounds *b)
{
    for (size_t j = 0; j < a->ny; j++)
        for (size_t i = 0; i < a->nx; i++) {
            double p[] = {a->x[i], a->y[j], a->u[j * a->nx + i]};
            if (!(fabs(p[0]) <= NB_PLOT_HUGE && fabs(p[1]) <= NB_PLOT_HUGE &&
                  fabs(p[2]) <= NB_PLOT_HUGE))
                continue;
            for (int d = 0; d < 3; d++)
                b->lo[d] = fmin(b->lo[d], p[d]), b->hi[d] = fmax(b->hi[d], p[d]);
        }
}

void nb_plot_surface(nb_axes *ax, size_t nx, size_t ny, const double *x, const double *y,
                     const double *z, const nb_surface_style *style)
{
    static const nb_artist_kind kind = {
        .name = "nb_plot_surface", .solid = true, .bounds = bound_surface};
    nb_surface_style s = style ? *style : (nb_surface_style){0};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, NB_BLACK, 0);
    if (!a || !nb_artist_grid(a, nx, ny, x, y, z)) return;
    a->color = s.color;
    a->map = s.map;
    a->flag = s.smooth;
}
