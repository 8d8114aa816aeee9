/* The legend: which corner, how many columns, what does not fit. */
#include "plot/paint.h"

#include <math.h>
#include <stdio.h>

typedef struct legend {
    size_t count, shown, rows, cols;
    double column, row, width, height; /* of a column, a row, the whole */
    char more[32];                     /* the last line, if not all are shown */
} legend;

enum { KEY = 26, KEY_GAP = 7, PAD = 7, PAD_ROWS = 4, INSET = 8 };

static bool named(const nb_artist *a)
{
    return a->label && a->kind->key;
}

static legend measure(const nb_axes *ax, cairo_t *cr)
{
    legend l = {.row = 1.5 * NB_SIZE_LEGEND};
    double room_w = ax->box.w - 2 * INSET - 2 * PAD, room_h = ax->box.h - 2 * INSET - 2 * PAD_ROWS,
           text = 0;
    for (const nb_artist *a = ax->first; a; a = a->next) {
        if (!named(a)) continue;
        l.count++;
        text = fmax(text, nb_text_width(cr, a->label, NB_SIZE_LEGEND));
    }
    if (!l.count) return l;
    l.column = fmin(KEY + KEY_GAP + text + 6, fmax(room_w, 40));
    size_t most_rows = (size_t)fmax(room_h / l.row, 1),
           most_cols = (size_t)fmax(room_w / l.column, 1);
    l.cols = (l.count + most_rows - 1) / most_rows;
    if (l.cols > most_cols) l.cols = most_cols;
    l.rows = (l.count + l.cols - 1) / l.cols;
    if (l.rows > most_rows) l.rows = most_rows;
    l.shown = l.count;
    if (l.count > l.rows * l.cols) {
        l.shown = l.rows * l.cols - 1;
        snprintf(l.more, sizeof l.more, "and %zu more", l.count - l.shown);
    }
    l.width = l.column * (double)l.cols + 2 * PAD - 6;
    l.height = l.row * (double)l.rows + 2 * PAD_ROWS;
    return l;
}

static nb_rect place(const nb_axes *ax, const legend *l, nb_place where)
{
    double left = ax->box.x + INSET, top = ax->box.y + INSET;
    double right = ax->box.x + ax->box.w - INSET - l->width;
    double bottom = ax->box.y + ax->box.h - INSET - l->height;
    double x = (left + right) / 2, y = (top + bottom) / 2;
    if (where == NB_UPPER_LEFT || where == NB_LOWER_LEFT || where == NB_LEFT) x = left;
    if (where == NB_UPPER_RIGHT || where == NB_LOWER_RIGHT || where == NB_RIGHT) x = right;
    if (where == NB_UPPER_LEFT || where == NB_UPPER_RIGHT || where == NB_ABOVE) y = top;
    if (where == NB_LOWER_LEFT || where == NB_LOWER_RIGHT || where == NB_BELOW) y = bottom;
    return (nb_rect){x, y, l->width, l->height};
}

static bool inside(nb_rect r, double x, double y)
{
    const double near = 4;
    return x > r.x - near && x < r.x + r.w + near && y > r.y - near && y < r.y + r.h + near;
}

/* How much of the data a legend at `r` would hide: points, and steps of lines between them. */
static double hidden_by(const nb_axes *ax, nb_rect r)
{
    double sum = 0;
    for (const nb_artist *a = ax->first; a; a = a->next) {
        double x0 = 0, y0 = 0, x1, y1, weight = a->n ? 1000 / (double)a->n : 0;
        bool joined = false;
        for (size_t i = 0; a->x && a->y && i < a->n; i++) {
            if (!nb_axes_place(ax, a->x[i], a->y[i], &x1, &y1)) {
                joined = false;
                continue;
            }
            double steps = fmin(joined ? ceil(hypot(x1 - x0, y1 - y0) / 6) : 1, 200);
            for (double s = 1; s <= steps; s++)
                if (inside(r, x0 + (x1 - x0) * s / steps, y0 + (y1 - y0) * s / steps))
                    sum += weight / steps + 0.5;
            x0 = x1, y0 = y1, joined = a->line.dash != NB_NO_LINE;
        }
    }
    return sum;
}

static nb_rect best(const nb_axes *ax, const legend *l)
{
    static const nb_place corners[] = {NB_UPPER_RIGHT, NB_UPPER_LEFT, NB_LOWER_RIGHT,
                                       NB_LOWER_LEFT,  NB_RIGHT,      NB_LEFT,
                                       NB_ABOVE,       NB_BELOW,      NB_CENTER};
    nb_rect found = place(ax, l, corners[0]);
    double least = hidden_by(ax, found);
    for (size_t i = 1; i < sizeof corners / sizeof *corners && least > 0; i++) {
        nb_rect r = place(ax, l, corners[i]);
        double hides = hidden_by(ax, r);
        if (hides < least) least = hides, found = r;
    }
    return found;
}

static void rounded(cairo_t *cr, nb_rect r, double radius)
{
    const double quarter = 1.57079632679489662;
    cairo_new_path(cr);
    cairo_arc(cr, r.x + r.w - radius, r.y + radius, radius, -quarter, 0);
    cairo_arc(cr, r.x + r.w - radius, r.y + r.h - radius, radius, 0, quarter);
    cairo_arc(cr, r.x + radius, r.y + r.h - radius, radius, quarter, 2 * quarter);
    cairo_arc(cr, r.x + radius, r.y + radius, radius, 2 * quarter, 3 * quarter);
    cairo_close_path(cr);
}

void nb_legend_draw(const nb_axes *ax, cairo_t *cr)
{
    legend l = {0};
    if (ax->has_legend && !ax->solid) l = measure(ax, cr);
    if (!l.count) return;
    nb_rect r = ax->legend == NB_BEST ? best(ax, &l) : place(ax, &l, ax->legend);
    rounded(cr, r, 3);
    nb_paint_color(cr, nb_paint_alpha(NB_WHITE, 0xe6));
    cairo_fill_preserve(cr);
    nb_paint_stroke(cr, 0xffcccccc, 1, NB_SOLID);
    size_t i = 0;
    for (const nb_artist *a = ax->first; a && i < l.rows * l.cols; a = a->next) {
        if (!named(a)) continue;
        double x = r.x + PAD + l.column * (double)(i / l.rows);
        double y = r.y + PAD_ROWS + l.row * ((double)(i % l.rows) + 0.5);
        bool last = i == l.shown;
        const char *text = last ? l.more : a->label;
        double size = nb_text_fit(cr, text, NB_SIZE_LEGEND, l.column - KEY - KEY_GAP);
        if (!last) a->kind->key(a, cr, (nb_rect){x, y - l.row / 2, KEY, l.row});
        nb_text_draw(cr, text, size, x + KEY + KEY_GAP, y, 0, 0.5, 0, NB_INK);
        i++;
        if (last) break;
    }
}
