/* Where everything stands: limits from the data, ticks from the room there is, margins from the
 * texts they have to hold. */
#include "plot/frame.h"
#include "plot/paint.h"

#include <math.h>

/* --- limits --- */

static nb_bounds bounds_of(const nb_axes *ax)
{
    nb_bounds all = {.lo = {HUGE_VAL, HUGE_VAL, HUGE_VAL}, .hi = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL}};
    for (const nb_artist *a = ax->first; a; a = a->next)
        if (a->kind->bounds) a->kind->bounds(a, &all);
    return all;
}

/* An axis needs a length that its own rounding does not swallow. */
static void set_axis(nb_axis *axis, double lo, double hi, double room, bool from_zero)
{
    double want[2] = {nb_axis_unit(axis, axis->set_lo), nb_axis_unit(axis, axis->set_hi)};
    if (lo > hi) lo = 0, hi = axis->log ? 0 : 1, room = 0; /* no data */
    if (!isnan(want[0])) lo = want[0];
    if (!isnan(want[1])) hi = want[1];
    if (lo > hi) {
        if (isnan(want[0])) lo = hi;
        if (isnan(want[1])) hi = lo;
    }
    double least = fmax(1e-9 * fmax(fabs(lo), fabs(hi)), 1e-290);
    if (hi - lo < least) { /* one value: to its left and right */
        double half = axis->log ? 0.5 : fmax(fabs(lo) < 1e-290 ? 0.5 : 0.05 * fabs(lo), least);
        lo -= half, hi += half, room = 0;
    }
    axis->lo = isnan(want[0]) && !(from_zero && lo == 0) ? lo - room * (hi - lo) : lo;
    axis->hi = isnan(want[1]) && !(from_zero && hi == 0) ? hi + room * (hi - lo) : hi;
}

void nb_layout_limits(nb_axes *ax)
{
    nb_bounds b = bounds_of(ax);
    double room = b.tight || ax->solid ? 0 : 0.045;
    for (int d = 0; d < 3; d++)
        set_axis(&ax->axis[d], b.lo[d], b.hi[d], room, d == 1 && b.from_zero);
}

/* --- ticks --- */

static void find_ticks(nb_axis *axis, size_t most)
{
    if (axis->given)
        nb_ticks_given(&axis->ticks, axis->given_count, axis->given_at, axis->given_names);
    else if (axis->log && axis->lo > -300 && axis->hi < 300)
        nb_ticks_log(&axis->ticks, pow(10, axis->lo), pow(10, axis->hi), most);
    else
        nb_ticks_linear(&axis->ticks, axis->lo, axis->hi, most, axis->whole);
}

static double widest(const nb_axis *axis, cairo_t *cr)
{
    double width = 0;
    for (size_t i = 0; i < axis->ticks.count; i++)
        width = fmax(width, nb_text_width(cr, axis->ticks.text[i], NB_SIZE_TICK));
    return width;
}

/* Where tick i stands on an axis of that length; NaN if beyond its ends. */
static double tick_at(const nb_axis *axis, size_t i, double length)
{
    double t = (nb_axis_unit(axis, axis->ticks.at[i]) - axis->lo) / (axis->hi - axis->lo);
    if (!(t >= -1e-6 && t <= 1 + 1e-6)) return (double)NAN;
    return length * (axis->flipped ? 1 - t : t);
}

/* Two of the names that the caller gave, side by side, would meet. */
static bool names_meet(const nb_axis *axis, cairo_t *cr, double length)
{
    double last = (double)NAN, half = 0;
    for (size_t i = 0; i < axis->ticks.count; i++) {
        double at = tick_at(axis, i, length);
        if (isnan(at)) continue;
        double w = nb_text_width(cr, axis->ticks.text[i], NB_SIZE_TICK) / 2;
        if (fabs(at - last) < w + half + 3) return true;
        last = at, half = w;
    }
    return false;
}

/* Slanted names hang from their ends at the ticks, at 45 degrees. */
static const double slope = 0.7071067811865476;

static double tick_height(const nb_axis *axis, cairo_t *cr)
{
    double height = nb_text_height("0", NB_SIZE_TICK);
    if (axis->slanted) return slope * (widest(axis, cr) + height);
    for (size_t i = 0; i < axis->ticks.count; i++)
        height = fmax(height, nb_text_height(axis->ticks.text[i], NB_SIZE_TICK));
    return height;
}

/* As many ticks as the rectangle has room for. */
static void ticks_of(nb_axes *ax, cairo_t *cr)
{
    bool cells = ax->axis[0].whole && ax->axis[1].whole; /* name each, if they are few */
    double gap = 1.1 * NB_SIZE_TICK;
    size_t most = (size_t)fmin(fmax(ax->box.w / (cells ? 28 : 48), 2), cells ? 12 : 10);
    size_t down = (size_t)fmin(fmax(ax->box.h / 38, 2), 10);
    do {
        find_ticks(&ax->axis[0], most);
    } while (!ax->axis[0].given && ax->axis[0].ticks.count > 1 &&
             (widest(&ax->axis[0], cr) + gap) * (double)ax->axis[0].ticks.count > ax->box.w &&
             --most >= 2);
    if (ax->equal) down = (size_t)fmin(fmax(round(ax->box.h / ax->box.w * (double)most), 2), 20);
    find_ticks(&ax->axis[1], down);
    ax->axis[0].slanted = ax->axis[0].given && names_meet(&ax->axis[0], cr, ax->box.w);
    ax->axis[0].tick_height = tick_height(&ax->axis[0], cr);
    nb_bar_ticks(ax);
}

/* --- margins --- */

typedef struct margins {
    double left, right, top, bottom;
} margins;

static double label_room(const nb_axis *axis)
{
    return axis->label ? NB_LABEL_GAP + 1.2 * nb_text_height(axis->label, NB_SIZE_LABEL) : 0;
}

/* What names of ticks and the label take below and at the left. */
static double names_below(const nb_axis *x)
{
    double room = label_room(x);
    if (x->ticks.count)
        room += NB_TICK + NB_TICK_GAP + x->tick_height + 3; /* 3: a comma, a subscript */
    if (x->ticks.note[0] && !x->label) room += nb_text_height("0", NB_SIZE_TICK) + NB_TICK_GAP;
    return room;
}

static double names_left(const nb_axis *y, cairo_t *cr)
{
    return label_room(y) + (y->ticks.count ? widest(y, cr) + NB_TICK + NB_TICK_GAP : 0);
}

/* Names of ticks along x reach over the ends of the box: half the name, or all of a slanted one. */
static void room_for_ends(const nb_axes *ax, cairo_t *cr, margins *m)
{
    const nb_axis *x = &ax->axis[0];
    double half = widest(x, cr) / 2;
    if (!x->ticks.count) return;
    if (!x->slanted) {
        m->right = fmax(m->right, half + 3);
        m->left = fmax(m->left, half + 3);
        return;
    }
    for (size_t i = 0; i < x->ticks.count; i++) {
        double at = tick_at(x, i, ax->box.w);
        double w = nb_text_width(cr, x->ticks.text[i], NB_SIZE_TICK) * slope;
        if (!isnan(at)) m->left = fmax(m->left, w - at + 3);
    }
}

static margins margins_of(const nb_axes *ax, cairo_t *cr)
{
    margins m = {NB_PAD, NB_PAD + 4, NB_PAD, NB_PAD};
    const bool *share = ax->fig->share;
    const nb_axis *x = &ax->axis[0], *y = &ax->axis[1];
    double digit = nb_text_height("0", NB_SIZE_TICK);
    if (ax->title) m.top += nb_text_height(ax->title, NB_SIZE_TITLE) + NB_TITLE_GAP;
    if (ax->hidden || ax->solid) return m;
    if (!share[1]) m.left += names_left(y, cr); /* shared: they stand outside the cells */
    if (!share[0]) {
        m.bottom += names_below(x);
        room_for_ends(ax, cr, &m);
    }
    m.top += y->ticks.note[0] ? digit + NB_TICK_GAP : digit / 2;
    m.right += nb_bar_room(ax, cr);
    if (ax->legend_side == NB_RIGHT) m.right += ax->key.at.w + NB_SIDE_GAP;
    if (ax->legend_side == NB_BELOW) m.bottom += ax->key.at.h + NB_SIDE_GAP;
    return m;
}

static bool same_grid(const nb_axes *a, const nb_axes *b)
{
    return a->rows == b->rows && a->cols == b->cols && a->hidden == b->hidden;
}

static void set_box(nb_axes *ax, margins m)
{
    const nb_rect *cell = &ax->cell;
    /* A cell too small for its texts still gets a rectangle; the texts then overlap it. */
    double w = fmax(cell->w - m.left - m.right, cell->w / 4);
    double h = fmax(cell->h - m.top - m.bottom, cell->h / 4);
    ax->box =
        (nb_rect){cell->x + fmin(m.left, cell->w / 2), cell->y + fmin(m.top, cell->h / 2), w, h};
}

/* One unit of x as long as one of y: take from the longer side. */
static void make_equal(nb_axes *ax)
{
    nb_rect *box = &ax->box;
    double range_x = ax->axis[0].hi - ax->axis[0].lo, range_y = ax->axis[1].hi - ax->axis[1].lo;
    double unit = fmin(box->w / range_x, box->h / range_y);
    double w = fmax(unit * range_x, 8), h = fmax(unit * range_y, 8);
    *box = (nb_rect){box->x + (box->w - w) / 2, box->y + (box->h - h) / 2, w, h};
}

/* What stands outside all cells: title, legend, labels, and names of ticks that axes share. */
static margins margins_around(const nb_figure *fig, cairo_t *cr)
{
    margins m = {0, 0, 0, 0};
    if (fig->title) m.top = NB_PAD + 2 + nb_text_height(fig->title, NB_SIZE_TITLE + 1);
    if (fig->key.count) m.top += NB_PAD + fig->key.at.h;
    for (const nb_axes *ax = fig->first; ax; ax = ax->next) {
        if (ax->hidden || ax->solid) continue;
        if (fig->share[0]) m.bottom = fmax(m.bottom, names_below(&ax->axis[0]));
        if (fig->share[1]) m.left = fmax(m.left, names_left(&ax->axis[1], cr));
    }
    if (fig->label[0])
        m.bottom += NB_LABEL_GAP + 1.2 * nb_text_height(fig->label[0], NB_SIZE_LABEL);
    if (fig->label[1]) m.left += NB_LABEL_GAP + 1.2 * nb_text_height(fig->label[1], NB_SIZE_LABEL);
    return m;
}

static void place_cells(nb_figure *fig, margins m)
{
    for (nb_axes *ax = fig->first; ax; ax = ax->next) {
        double w = fmax(fig->width - m.left - m.right, fig->width / 4) / (double)ax->cols;
        double h = fmax(fig->height - m.top - m.bottom, fig->height / 4) / (double)ax->rows;
        ax->cell = (nb_rect){fmin(m.left, fig->width / 2) + w * (double)(ax->index % ax->cols),
                             m.top + h * (double)(ax->index / ax->cols), w, h};
    }
}

/* Axes of one grid get the same limits along what they share, and the first in a row or the last in
 * a column has the names. */
static void share_axes(nb_figure *fig)
{
    for (nb_axes *ax = fig->first; ax; ax = ax->next)
        for (int d = 0; d < 2; d++) {
            ax->axis[d].unnamed = false;
            if (!fig->share[d] || ax->solid) continue;
            for (nb_axes *other = fig->first; other; other = other->next) {
                if (!same_grid(ax, other) || other->solid) continue;
                ax->axis[d].lo = fmin(ax->axis[d].lo, other->axis[d].lo);
                ax->axis[d].hi = fmax(ax->axis[d].hi, other->axis[d].hi);
                bool in_line = d == 0 ? ax->index % ax->cols == other->index % ax->cols
                                      : ax->index / ax->cols == other->index / ax->cols;
                if (in_line && (d == 0 ? other->index > ax->index : other->index < ax->index))
                    ax->axis[d].unnamed = true;
            }
        }
}

static void place_boxes(nb_figure *fig, cairo_t *cr)
{
    /* Ticks depend on the rectangle and the rectangle on the ticks' texts: it settles at once. */
    for (int round = 0; round < 3; round++) {
        for (nb_axes *ax = fig->first; ax; ax = ax->next)
            if (!ax->solid) ticks_of(ax, cr);
        place_cells(fig, margins_around(fig, cr));
        for (nb_axes *ax = fig->first; ax; ax = ax->next) {
            margins all = {0, 0, 0, 0};
            for (nb_axes *other = fig->first; other; other = other->next) {
                if (!same_grid(ax, other)) continue;
                margins m = margins_of(other, cr);
                all = (margins){fmax(all.left, m.left), fmax(all.right, m.right),
                                fmax(all.top, m.top), fmax(all.bottom, m.bottom)};
            }
            set_box(ax, all);
            if (ax->equal && !ax->solid) make_equal(ax);
        }
    }
}

/* A legend that has no place in the box goes beside it, and the box makes room. */
static void place_legends(nb_figure *fig, cairo_t *cr)
{
    bool moved = false;
    for (nb_axes *ax = fig->first; ax; ax = ax->next) {
        if (!ax->has_legend || ax->solid) continue;
        if (ax->legend != NB_OUTSIDE && nb_legend_inside(ax, cr)) continue;
        nb_legend_beside(ax, cr);
        moved = true;
    }
    if (!moved) return;
    place_boxes(fig, cr);
    for (nb_axes *ax = fig->first; ax; ax = ax->next) {
        if (!ax->has_legend || ax->solid) continue;
        if (ax->legend_side == NB_BEST)
            nb_legend_inside(ax, cr);
        else
            nb_legend_beside(ax, cr);
    }
}

void nb_layout(nb_figure *fig, cairo_t *cr)
{
    double top = 0;
    if (fig->title) top = NB_PAD + 2 + nb_text_height(fig->title, NB_SIZE_TITLE + 1);
    nb_legend_above(fig, cr, top);
    place_cells(fig, (margins){0, 0, top, 0});
    for (nb_axes *ax = fig->first; ax; ax = ax->next) {
        nb_layout_limits(ax);
        set_box(ax, (margins){50, NB_PAD, NB_PAD, 40});
        ax->key = (nb_legend){.count = 0};
        ax->legend_side = NB_BEST;
    }
    share_axes(fig);
    place_boxes(fig, cr);
    place_legends(fig, cr);
}
