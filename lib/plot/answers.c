/* What a network answers beside what is true: confusion, calibration, predictions. */
#include "plot/paint.h"

#include <math.h>

static bool usable(const nb_axes *ax)
{
    return ax && !ax->fig->status;
}

static void name_classes(nb_axes *ax, size_t classes, const char *const *names)
{
    double at[NB_MAX_TICKS];
    if (classes > NB_MAX_TICKS) return;
    for (size_t c = 0; c < classes; c++) at[c] = (double)c;
    nb_axes_xticks(ax, classes, at, names);
    nb_axes_yticks(ax, classes, at, names);
}

void nb_plot_confusion(nb_axes *ax, size_t classes, const size_t *count, const char *const *names)
{
    double most_wrong = 0;
    if (!usable(ax)) return;
    if (classes == 0 || classes > 1000 || !count) {
        nb_figure_fail(ax->fig, nb_fail(count ? NB_ERANGE : NB_EINVAL,
                                        "nb_plot_confusion: %zu classes, expected 1 ... 1000%s",
                                        classes, count ? "" : ", counts at NULL"));
        return;
    }
    double *value = nb_figure_take(ax->fig, classes * classes, sizeof *value);
    if (!value) return;
    for (size_t k = 0; k < classes * classes; k++) {
        value[k] = (double)count[k];
        if (k / classes != k % classes) most_wrong = fmax(most_wrong, value[k]);
    }
    nb_plot_matrix(ax, classes, classes, value,
                   &(nb_matrix_style){.hi = fmax(1.25 * most_wrong, 1), .format = "%.0f"});
    name_classes(ax, classes, names);
    nb_axes_labels(ax, "what the network says", "what it is");
}

/* --- a diagonal: where two things are equal --- */

/* a->x: the least and the greatest, along both axes. */
static void bound_diagonal(const nb_artist *a, nb_bounds *b)
{
    nb_bounds_point(b, a->ax, a->x[0], a->x[0]);
    nb_bounds_point(b, a->ax, a->x[1], a->x[1]);
}

/* From end to end of the axes. */
static bool diagonal_ends(const nb_artist *a, double x[2], double y[2])
{
    const nb_axis *axis = a->ax->axis;
    double end[2] = {fmin(axis[0].lo, axis[1].lo), fmax(axis[0].hi, axis[1].hi)};
    for (int k = 0; k < 2; k++) {
        const double at = axis[0].log && axis[1].log ? pow(10, end[k]) : end[k];
        if (!nb_axes_place(a->ax, at, at, &x[k], &y[k])) return false;
    }
    return true;
}

static double hide_diagonal(const nb_artist *a, cairo_t *cr, nb_rect r)
{
    double x[2], y[2];
    (void)cr;
    return diagonal_ends(a, x, y) ? 1e-6 * nb_paint_inside(r, x[0], y[0], x[1], y[1]) : 0;
}

static void draw_diagonal(const nb_artist *a, cairo_t *cr)
{
    double x[2], y[2];
    bool pen = false;
    if (!diagonal_ends(a, x, y)) return;
    cairo_new_path(cr);
    nb_paint_line(cr, x[0], y[0], x[1], y[1], &pen);
    nb_paint_stroke(cr, NB_INK_GUIDE, 1, NB_DASHED);
}

static void add_diagonal(nb_axes *ax, double lo, double hi)
{
    static const nb_artist_kind kind = {.name = "a diagonal",
                                        .bounds = bound_diagonal,
                                        .draw = draw_diagonal,
                                        .hides = hide_diagonal};
    nb_artist *a = nb_artist_add(ax, &kind, NULL, NB_INK_GUIDE, 0);
    if (a) a->x = nb_figure_copy(ax->fig, 2, (double[]){lo, hi});
}

void nb_plot_calibration(nb_axes *ax, size_t bins, const nb_calibration_bin *bin,
                         const nb_line_style *style)
{
    size_t n = 0;
    if (!usable(ax)) return;
    if (bins && !bin) {
        nb_figure_fail(ax->fig, nb_fail(NB_EINVAL, "nb_plot_calibration: %zu bins at NULL", bins));
        return;
    }
    double *x = nb_figure_take(ax->fig, bins, sizeof *x),
           *y = nb_figure_take(ax->fig, bins, sizeof *y);
    if (!x || !y) return;
    for (size_t b = 0; b < bins; b++)
        if (bin[b].count) x[n] = bin[b].confidence, y[n++] = bin[b].accuracy;
    nb_line_style s = style ? *style : (nb_line_style){0};
    if (s.marker == NB_MARKER_AUTO) s.marker = NB_CIRCLE;
    add_diagonal(ax, 0, 1);
    nb_plot_line(ax, n, x, y, &s);
    nb_axes_labels(ax, "how sure", "how often right");
    nb_axes_equal(ax);
}

void nb_plot_predictions(nb_axes *ax, size_t n, const double *truth, const double *predicted,
                         const nb_line_style *style)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    if (!usable(ax)) return;
    if (n && (!truth || !predicted)) {
        nb_figure_fail(ax->fig, nb_fail(NB_EINVAL, "nb_plot_predictions: n=%zu values at NULL", n));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(truth[i]) <= NB_PLOT_HUGE && fabs(predicted[i]) <= NB_PLOT_HUGE)) continue;
        lo = fmin(lo, fmin(truth[i], predicted[i]));
        hi = fmax(hi, fmax(truth[i], predicted[i]));
    }
    nb_line_style s = style ? *style : (nb_line_style){0};
    if (!s.color) s.color = nb_paint_alpha(NB_BLUE, 0x80);
    if (!(s.size > 0)) s.size = 4;
    if (lo <= hi) add_diagonal(ax, lo, hi);
    nb_plot_scatter(ax, n, truth, predicted, &s);
    nb_axes_labels(ax, "true", "predicted");
    nb_axes_equal(ax);
}
