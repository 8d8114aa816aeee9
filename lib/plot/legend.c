/* The legend: in which corner or on which side, how many columns, what does not fit. */
#include "plot/frame.h"
#include "plot/paint.h"

#include <math.h>
#include <stdio.h>

enum { KEY = 26, KEY_GAP = 7, BETWEEN = 18, PAD = 7, PAD_ROWS = 4, INSET = 8 };

static bool named(const nb_artist *a)
{
    return a->label && a->kind->key;
}

/* As many rows as fit into room_w x room_h, then as many columns as they need; `wide`: first
 * columns. */
static nb_legend measure(const nb_axes *ax, cairo_t *cr, double room_w, double room_h, bool wide)
{
    nb_legend l = {.row = 1.5 * NB_SIZE_LEGEND};
    double text = 0, all = 0;
    room_w -= 2 * PAD, room_h -= 2 * PAD_ROWS;
    for (const nb_artist *a = ax->first; a; a = a->next) {
        if (!named(a)) continue;
        l.count++;
        double w = nb_text_width(cr, a->label, NB_SIZE_LEGEND);
        text = fmax(text, w);
        all += KEY + KEY_GAP + w + BETWEEN;
    }
    if (!l.count) return l;
    if (wide && all - BETWEEN <= room_w) { /* one line, each entry as wide as it is */
        l.rows = 1, l.cols = l.shown = l.count, l.whole = l.line = true;
        l.at.w = all - BETWEEN + 2 * PAD, l.at.h = l.row + 2 * PAD_ROWS;
        return l;
    }
    l.column = fmin(KEY + KEY_GAP + text + 6, fmax(room_w, 40));
    size_t most_rows = (size_t)fmax(room_h / l.row, 1),
           most_cols = (size_t)fmax(room_w / l.column, 1);
    l.cols = wide ? l.count : (l.count + most_rows - 1) / most_rows;
    if (l.cols > most_cols) l.cols = most_cols;
    l.rows = (l.count + l.cols - 1) / l.cols;
    if (l.rows > most_rows) l.rows = most_rows;
    l.shown = l.count;
    if (l.count > l.rows * l.cols) {
        l.shown = l.rows * l.cols - 1;
        snprintf(l.more, sizeof l.more, "and %zu more", l.count - l.shown);
    }
    l.whole = l.shown == l.count && KEY + KEY_GAP + text + 6 <= l.column;
    l.at.w = l.column * (double)l.cols + 2 * PAD - 6;
    l.at.h = l.row * (double)l.rows + 2 * PAD_ROWS;
    return l;
}

static nb_rect place(const nb_axes *ax, const nb_legend *l, nb_place where)
{
    double left = ax->box.x + INSET, top = ax->box.y + INSET;
    double right = ax->box.x + ax->box.w - INSET - l->at.w;
    double bottom = ax->box.y + ax->box.h - INSET - l->at.h;
    double x = (left + right) / 2, y = (top + bottom) / 2;
    if (where == NB_UPPER_LEFT || where == NB_LOWER_LEFT || where == NB_LEFT) x = left;
    if (where == NB_UPPER_RIGHT || where == NB_LOWER_RIGHT || where == NB_RIGHT) x = right;
    if (where == NB_UPPER_LEFT || where == NB_UPPER_RIGHT || where == NB_ABOVE) y = top;
    if (where == NB_LOWER_LEFT || where == NB_LOWER_RIGHT || where == NB_BELOW) y = bottom;
    return (nb_rect){x, y, l->at.w, l->at.h};
}

double nb_legend_hides(const nb_axes *ax, const nb_artist *but, cairo_t *cr, nb_rect r)
{
    double sum = 0;
    for (const nb_artist *a = ax->first; a; a = a->next)
        if (a->kind->hides && a != but) sum += a->kind->hides(a, cr, r);
    return sum;
}

bool nb_legend_inside(nb_axes *ax, cairo_t *cr)
{
    static const nb_place corners[] = {NB_UPPER_RIGHT, NB_UPPER_LEFT, NB_LOWER_RIGHT,
                                       NB_LOWER_LEFT,  NB_RIGHT,      NB_LEFT,
                                       NB_ABOVE,       NB_BELOW,      NB_CENTER};
    nb_legend *l = &ax->key;
    *l = measure(ax, cr, ax->box.w - 2 * INSET, ax->box.h - 2 * INSET, false);
    if (!l->count) return true;
    l->at = place(ax, l, ax->legend == NB_BEST ? corners[0] : ax->legend);
    if (ax->legend != NB_BEST) return true;
    double least = nb_legend_hides(ax, NULL, cr, l->at);
    for (size_t i = 1; i < sizeof corners / sizeof *corners && least > 0; i++) {
        const nb_rect r = place(ax, l, corners[i]);
        const double hides = nb_legend_hides(ax, NULL, cr, r);
        if (hides < least) least = hides, l->at = r;
    }
    return least < NB_HARMLESS && l->whole;
}

void nb_legend_beside(nb_axes *ax, cairo_t *cr)
{
    const nb_rect *cell = &ax->cell;
    nb_legend *l = &ax->key;
    ax->legend_side = NB_RIGHT;
    *l = measure(ax, cr, 0.3 * cell->w, cell->h - 2 * NB_PAD, false);
    if (l->count && !l->whole) {
        *l = measure(ax, cr, cell->w - 2 * NB_PAD, 0.4 * cell->h, true);
        ax->legend_side = NB_BELOW;
    }
    l->at.x = ax->box.x + ax->box.w + nb_bar_room(ax, cr) + NB_SIDE_GAP;
    l->at.y = ax->box.y;
    if (ax->legend_side == NB_RIGHT) return;
    l->at.x = fmin(ax->box.x + (ax->box.w - l->at.w) / 2, cell->x + cell->w - NB_PAD - l->at.w);
    l->at.x = fmax(l->at.x, cell->x + NB_PAD);
    l->at.y = cell->y + cell->h - NB_PAD - l->at.h;
}

void nb_legend_above(nb_figure *fig, cairo_t *cr, double top)
{
    fig->key = (nb_legend){.count = 0};
    if (!fig->has_legend || !fig->first) return;
    fig->key = measure(fig->first, cr, fig->width - 2 * NB_PAD, fig->height / 4, true);
    fig->key.at.x = (fig->width - fig->key.at.w) / 2;
    fig->key.at.y = top + NB_PAD;
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

void nb_legend_draw(const nb_axes *ax, const nb_legend *l, cairo_t *cr)
{
    if (!l->count) return;
    rounded(cr, l->at, 3);
    nb_paint_color(cr, nb_paint_alpha(NB_WHITE, 0xe6));
    cairo_fill_preserve(cr);
    nb_paint_stroke(cr, 0xffcccccc, 1, NB_SOLID);
    size_t i = 0;
    double along = 0; /* of a single line */
    for (const nb_artist *a = ax->first; a && i < l->rows * l->cols; a = a->next) {
        if (!named(a)) continue;
        double x = l->at.x + PAD + (l->line ? along : l->column * (double)(i / l->rows));
        double y = l->at.y + PAD_ROWS + l->row * ((double)(i % l->rows) + 0.5);
        bool last = i == l->shown;
        const char *text = last ? l->more : a->label;
        double size = NB_SIZE_LEGEND;
        if (!l->line) size = nb_text_fit(cr, text, size, l->column - KEY - KEY_GAP);
        along += KEY + KEY_GAP + nb_text_width(cr, text, size) + BETWEEN;
        if (!last) a->kind->key(a, cr, (nb_rect){x, y - l->row / 2, KEY, l->row});
        nb_text_draw(cr, text, size, x + KEY + KEY_GAP, y, 0, 0.5, 0, NB_INK);
        i++;
        if (last) break;
    }
}
