/* The colour bar: which value has which colour. */
#include "plot/frame.h"
#include "plot/paint.h"

#include <math.h>

const nb_artist *nb_bar_find(const nb_axes *ax)
{
    if (!ax->has_bar || ax->solid) return NULL;
    for (const nb_artist *a = ax->first; a; a = a->next)
        if (a->lo < a->hi || a->lo > a->hi) return a;
    return NULL;
}

void nb_bar_ticks(nb_axes *ax)
{
    const nb_artist *a = nb_bar_find(ax);
    if (!a) return;
    ax->bar.lo = fmin(a->lo, a->hi);
    ax->bar.hi = fmax(a->lo, a->hi);
    nb_ticks_linear(&ax->bar.ticks, ax->bar.lo, ax->bar.hi,
                    (size_t)fmin(fmax(ax->box.h / 38, 2), 12), false);
}

static double widest(const nb_ticks *ticks, cairo_t *cr)
{
    double width = 0;
    for (size_t i = 0; i < ticks->count; i++)
        width = fmax(width, nb_text_width(cr, ticks->text[i], NB_SIZE_TICK));
    return width;
}

double nb_bar_room(const nb_axes *ax, cairo_t *cr)
{
    if (!nb_bar_find(ax)) return 0;
    double room = NB_SIDE_GAP + NB_BAR + NB_TICK + NB_TICK_GAP + widest(&ax->bar.ticks, cr);
    if (ax->bar.label) room += NB_LABEL_GAP + 1.2 * nb_text_height(ax->bar.label, NB_SIZE_LABEL);
    return fmax(room, NB_SIDE_GAP + nb_text_width(cr, ax->bar.ticks.note, NB_SIZE_TICK));
}

/* Strip by strip: the bands between the levels, or so many that none is seen. */
static void draw_strips(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    enum { SMOOTH = 256 };
    const size_t strips = a->filled ? a->count + 1 : SMOOTH;
    const double lo = fmin(a->lo, a->hi), range = fabs(a->hi - a->lo);
    double from = lo;
    for (size_t k = 0; k < strips && range > 0; k++) {
        double to = lo + range * (double)(k + 1) / SMOOTH;
        if (a->filled) to = k < a->count ? a->v[k] : lo + range;
        to = fmin(fmax(to, from), lo + range);
        double at = a->filled ? (double)k / fmax((double)a->count, 1)
                              : (((double)k + 0.5) / SMOOTH - 0.5) * (a->hi < a->lo ? -1 : 1) + 0.5;
        /* Down to the bar's foot: what comes next is painted over it, and no seam shows. */
        const double top = r.y + r.h * (1 - (to - lo) / range),
                     y = r.y + r.h * (1 - (from - lo) / range);
        cairo_rectangle(cr, r.x, top, r.w, y - top + (k ? 0.5 : 0));
        nb_paint_color(cr, a->color ? a->color : nb_color_of(a->map, at));
        cairo_fill(cr);
        from = to;
    }
}

void nb_bar_draw(const nb_axes *ax, cairo_t *cr)
{
    const nb_artist *a = nb_bar_find(ax);
    const nb_ticks *ticks = &ax->bar.ticks;
    if (!a) return;
    const nb_rect r = {ax->box.x + ax->box.w + NB_SIDE_GAP, ax->box.y, NB_BAR, ax->box.h};
    draw_strips(a, cr, r);
    cairo_rectangle(cr, r.x, r.y, r.w, r.h);
    nb_paint_stroke(cr, NB_INK_FRAME, 1, NB_SOLID);
    double x = r.x + r.w + NB_TICK + NB_TICK_GAP;
    for (size_t i = 0; i < ticks->count; i++) {
        double t = (ticks->at[i] - ax->bar.lo) / (ax->bar.hi - ax->bar.lo);
        if (!(t >= -1e-6 && t <= 1 + 1e-6)) continue;
        cairo_move_to(cr, r.x + r.w, r.y + r.h * (1 - t));
        cairo_rel_line_to(cr, NB_TICK, 0);
        nb_paint_stroke(cr, NB_INK_FRAME, 1, NB_SOLID);
        nb_text_draw(cr, ticks->text[i], NB_SIZE_TICK, x, r.y + r.h * (1 - t), 0, 0.5, 0, NB_INK);
    }
    nb_text_draw(cr, ticks->note, NB_SIZE_TICK, r.x, r.y - NB_TICK_GAP, 0, 1, 0, NB_INK);
    if (ax->bar.label)
        nb_text_draw(cr, ax->bar.label, nb_text_fit(cr, ax->bar.label, NB_SIZE_LABEL, ax->cell.h),
                     x + widest(ticks, cr) + NB_LABEL_GAP, r.y + r.h / 2, 0.5, 0,
                     -1.57079632679489662, NB_INK);
}
