/* What surrounds the data: grid, frame, ticks, labels, titles. */
#include "plot/frame.h"
#include "plot/paint.h"

#include <math.h>

/* Where `value` of axis `d` stands along its side of the box; false if outside. */
static bool along(const nb_axes *ax, int d, double value, double *at)
{
    const nb_axis *axis = &ax->axis[d];
    double t = (nb_axis_unit(axis, value) - axis->lo) / (axis->hi - axis->lo);
    if (!(t >= -1e-6 && t <= 1 + 1e-6)) return false;
    if (axis->flipped) t = 1 - t;
    *at = d == 0 ? ax->box.x + t * ax->box.w : ax->box.y + (1 - t) * ax->box.h;
    return true;
}

static void grid_line(const nb_axes *ax, cairo_t *cr, int d, double at)
{
    const nb_rect *box = &ax->box;
    if (d == 0) {
        cairo_move_to(cr, at, box->y);
        cairo_line_to(cr, at, box->y + box->h);
    } else {
        cairo_move_to(cr, box->x, at);
        cairo_line_to(cr, box->x + box->w, at);
    }
    nb_paint_stroke(cr, NB_INK_GRID, 0.8, NB_SOLID);
}

void nb_frame_draw_back(const nb_axes *ax, cairo_t *cr)
{
    double at;
    if (!ax->grid || ax->hidden) return;
    for (int d = 0; d < 2; d++)
        for (size_t i = 0; i < ax->axis[d].ticks.count; i++)
            if (along(ax, d, ax->axis[d].ticks.at[i], &at)) grid_line(ax, cr, d, at);
}

static void tick(const nb_axes *ax, cairo_t *cr, int d, double at, double length)
{
    double bottom = ax->box.y + ax->box.h;
    cairo_move_to(cr, d == 0 ? at : ax->box.x, d == 0 ? bottom : at);
    cairo_rel_line_to(cr, d == 0 ? 0 : -length, d == 0 ? length : 0);
    nb_paint_stroke(cr, NB_INK_FRAME, 1, NB_SOLID);
}

static void draw_ticks(const nb_axes *ax, cairo_t *cr, int d)
{
    const nb_ticks *ticks = &ax->axis[d].ticks;
    double at, off = NB_TICK + NB_TICK_GAP, bottom = ax->box.y + ax->box.h;
    for (size_t i = 0; i < ticks->count; i++) {
        if (!along(ax, d, ticks->at[i], &at)) continue;
        tick(ax, cr, d, at, NB_TICK);
        if (ax->axis[d].unnamed) continue;
        if (d == 0 && ax->axis[0].slanted)
            nb_text_draw(cr, ticks->text[i], NB_SIZE_TICK, at + 3, bottom + off, 1, 0,
                         -0.7853981633974483, NB_INK);
        else if (d == 0)
            nb_text_draw(cr, ticks->text[i], NB_SIZE_TICK, at, bottom + off, 0.5, 0, 0, NB_INK);
        else
            nb_text_draw(cr, ticks->text[i], NB_SIZE_TICK, ax->box.x - off, at, 1, 0.5, 0, NB_INK);
    }
    for (size_t i = 0; i < ticks->minor_count; i++)
        if (along(ax, d, ticks->minor[i], &at)) tick(ax, cr, d, at, NB_TICK / 2.0);
    if (!ticks->note[0] || ax->axis[d].unnamed) return;
    if (d == 0) /* below the last tick's text, in the label's row */
        nb_text_draw(cr, ticks->note, NB_SIZE_TICK, ax->box.x + ax->box.w,
                     bottom + off + NB_LABEL_GAP + ax->axis[0].tick_height, 1, 0, 0, NB_INK);
    else
        nb_text_draw(cr, ticks->note, NB_SIZE_TICK, ax->box.x, ax->box.y - NB_TICK_GAP, 0, 1, 0,
                     NB_INK);
}

static double tick_width(const nb_ticks *ticks, cairo_t *cr)
{
    double width = 0;
    for (size_t i = 0; i < ticks->count; i++)
        width = fmax(width, nb_text_width(cr, ticks->text[i], NB_SIZE_TICK));
    return ticks->count ? width + NB_TICK + NB_TICK_GAP : 0;
}

static void draw_labels(const nb_axes *ax, cairo_t *cr)
{
    const nb_rect *box = &ax->box;
    const char *x = ax->axis[0].label, *y = ax->axis[1].label;
    if (x && !ax->axis[0].unnamed) {
        double note = ax->axis[0].ticks.note[0]
                          ? nb_text_width(cr, ax->axis[0].ticks.note, NB_SIZE_TICK) + NB_LABEL_GAP
                          : 0;
        double size = nb_text_fit(cr, x, NB_SIZE_LABEL, fmax(ax->cell.w - NB_PAD - 2 * note, 20));
        double down = NB_LABEL_GAP;
        if (ax->axis[0].ticks.count) down += NB_TICK + NB_TICK_GAP + ax->axis[0].tick_height + 1;
        nb_text_draw(cr, x, size, box->x + box->w / 2, box->y + box->h + down, 0.5, 0, 0, NB_INK);
    }
    if (y && !ax->axis[1].unnamed) {
        double size = nb_text_fit(cr, y, NB_SIZE_LABEL, ax->cell.h - NB_PAD);
        nb_text_draw(cr, y, size, box->x - tick_width(&ax->axis[1].ticks, cr) - NB_LABEL_GAP,
                     box->y + box->h / 2, 0.5, 1, -1.57079632679489662, NB_INK);
    }
}

static void draw_title(const nb_axes *ax, cairo_t *cr)
{
    if (!ax->title) return;
    double size = nb_text_fit(cr, ax->title, NB_SIZE_TITLE, ax->cell.w - NB_PAD);
    double half = nb_text_width(cr, ax->title, size) / 2, center = ax->box.x + ax->box.w / 2;
    double top = ax->box.y - NB_TITLE_GAP;
    if (!ax->hidden && !ax->solid && ax->axis[1].ticks.note[0])
        top -= nb_text_height("0", NB_SIZE_TICK) + NB_TICK_GAP;
    /* Above the middle of the axes, unless it would leave the cell there. */
    center = fmin(center, ax->cell.x + ax->cell.w - NB_PAD / 2.0 - half);
    center = fmax(center, ax->cell.x + NB_PAD / 2.0 + half);
    nb_text_draw(cr, ax->title, size, center, top, 0.5, 1, 0, NB_INK);
}

void nb_frame_draw_front(const nb_axes *ax, cairo_t *cr)
{
    if (!ax->hidden && !ax->solid) {
        cairo_rectangle(cr, ax->box.x, ax->box.y, ax->box.w, ax->box.h);
        nb_paint_stroke(cr, NB_INK_FRAME, 1, NB_SOLID);
        draw_ticks(ax, cr, 0);
        draw_ticks(ax, cr, 1);
        draw_labels(ax, cr);
    }
    draw_title(ax, cr);
}
