/* nb_function_check: a callback with its hand-written gradient. */
#include "nablas/memory.h"
#include "numeric/check.h"
#include "numeric/ladder.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double visible = 1e-3, close_enough = 1e-7;

typedef struct callback {
    nb_function f;
    void *context;
    size_t n, i; /* the element that moves */
    double *x;
} callback;

static double along(void *context, double w)
{
    const callback *c = context;
    const double kept = c->x[c->i];
    c->x[c->i] = w;
    const double f = c->f(c->n, c->x, c->context);
    c->x[c->i] = kept;
    return f;
}

/* --- one element ------------------------------------------------------------------------------ */

typedef struct looking {
    callback *c;
    double x;       /* element i */
    double h;       /* the check's own step */
    double scale;   /* |x|, or at 0 that of the others */
    double largest; /* of all |a|: d, at one step, may be anything */
    nb_ladder ladder;
    nb_gradient_element *e;
} looking;

static bool agrees(const nb_plateau *p, double a)
{
    return isfinite(p->slope) &&
           fabs(p->slope - a) <= close_enough * fmax(fabs(p->slope), fabs(a)) + 4 * p->error;
}

/* The narrowest plateau with digits decides. */
static const nb_plateau *deciding(const nb_ladder *l)
{
    return isfinite(l->narrow.error) ? &l->narrow : &l->best;
}

/* Would an error of one part in a thousand be seen, though d is off by its own error? */
static bool is_sharp(const nb_plateau *p, double a)
{
    return 8 * p->error <= visible * fmax(fabs(p->slope), fabs(a)) || (p->slope == 0 && a == 0);
}

/* The scales that x has: its own, or at 0 how far it has to go until f, which is not 0, could have
 * changed; and others, where these say nothing of how f changes. */
static int scales_of(const looking *s, double f, double a, double *scale)
{
    int count = 0;
    const double far = fabs(f / a);
    if (s->x == 0 && far > 0 && isfinite(far)) scale[count++] = far / 4;
    if (s->x == 0 && f == 0) scale[count++] = ldexp(s->scale, -36);
    scale[count++] = s->scale;
    scale[count++] = ldexp(s->scale, 20);
    scale[count++] = ldexp(s->scale, 40);
    return count;
}

/* That wide steps do not move f says nothing of narrow ones; what they say has to be what narrow ones
 * say; and steps of f that are wide beside x are no rounding. */
static bool says_more(const looking *s, const nb_ladder *wide, double a)
{
    const nb_plateau *p = deciding(wide), *before = deciding(&s->ladder);
    return !wide->lost && p->slope != 0 && is_sharp(p, a) && agrees(before, p->slope) &&
           (s->x == 0 || wide->noise <= fabs(p->slope * s->x) / 256);
}

static void climb(looking *s, double f, double a)
{
    double scale[5];
    const int count = scales_of(s, f, a, scale);
    for (int k = 0; k < count; k++) {
        nb_ladder l;
        nb_ladder_climb(along, s->c, s->x, scale[k], &l);
        if (k > 0 || !agrees(deciding(&l), a) || isfinite(l.wide.error))
            nb_ladder_listen(along, s->c, &l);
        if (k == 0 || says_more(s, &l, a)) s->ladder = l;
        if (s->ladder.lost) return;
        if (is_sharp(deciding(&s->ladder), a) && (s->ladder.best.slope != 0 || a == 0)) return;
    }
}

/* Of a corner at x central differences give the mean, whatever the step; anything else is what wide
 * steps make of waves. */
static bool is_between(const nb_ladder *l, double low, double high)
{
    const double error = l->narrow.error + l->left.error + l->right.error;
    return isinf(error) || fabs(l->narrow.slope - (low + high) / 2) <= 4 * error;
}

/* At a corner, a jump or the edge of the domain: the slopes on either side. */
static nb_reason beside(const nb_ladder *l, double a, const nb_plateau **used)
{
    const nb_plateau *left = &l->left, *right = &l->right;
    const double size = fmax(fabs(a), fmax(fabs(left->slope), fabs(right->slope)));
    const bool is_left = left->error <= visible * size;
    const bool is_right = right->error <= visible * size;
    *used = is_left ? left : right;
    if (is_left && is_right) {
        const double margin = 4 * (left->error + right->error) + close_enough * fabs(a);
        const double low = fmin(left->slope, right->slope), high = fmax(left->slope, right->slope);
        if (!is_between(l, low, high)) return NB_WRONG;
        return high - low > margin && a >= low - margin && a <= high + margin ? NB_KINK : NB_WRONG;
    }
    if (!is_left && !is_right) return NB_UNRESOLVED;
    return agrees(*used, a) && isinf(l->narrow.error) ? NB_JUMP : NB_WRONG;
}

/* a is right, and d, with the check's own step, is not: why. */
static nb_reason explain(const looking *s, const nb_plateau *p)
{
    const double h = s->h, x = s->ladder.x;
    const double up = along(s->c, x + h), down = along(s->c, x - h), f = s->ladder.f;
    if (!isfinite(up) || !isfinite(down)) return NB_TRUNCATION;
    if (s->ladder.noise / h > fabs(s->e->numerical - p->slope) / 4) return NB_ROUNDING;
    if (nb_ladder_jump(along, s->c, x, h, p->slope) > 0 ||
        nb_ladder_jump(along, s->c, x, -h, p->slope) > 0)
        return NB_JUMP;
    /* Curvature grows with h, what a corner does to the slopes on either side stays. */
    const double g = p->h / 8, near = fabs(along(s->c, x + g) - 2 * f + along(s->c, x - g)) / g;
    const double far = fabs(up - 2 * f + down) / h;
    return far > 10 * h / g * (near + 4 * s->ladder.noise / g) ? NB_KINK : NB_TRUNCATION;
}

static nb_reason reason_of(looking *s)
{
    const nb_ladder *l = &s->ladder;
    const nb_plateau *p = deciding(l);
    nb_gradient_element *e = s->e;
    const double a = e->analytic;
    e->best = p->slope;
    e->best_h = p->h;
    e->noise = p->error;
    e->seen = 4 * p->error + close_enough * fmax(fabs(p->slope), fabs(a));
    if (l->flat && a == 0) return NB_VACUOUS;
    if (l->lost) return NB_UNRESOLVED;
    const bool sharp = is_sharp(p, a);
    if (isfinite(p->error) && agrees(p, a)) {
        if (!sharp && 8 * p->error > visible * s->largest) return NB_UNRESOLVED;
        if (fabs(e->numerical - a) <= e->bound) return sharp ? NB_AGREES : NB_BELOW_NOISE;
        return explain(s, p);
    }
    const nb_plateau *used = p;
    const nb_reason reason = beside(l, a, &used);
    const bool known = isfinite(l->narrow.error) && !agrees(p, a);
    if (reason == NB_WRONG || (reason == NB_UNRESOLVED && !known)) e->best = used->slope;
    if (reason == NB_UNRESOLVED && known) return NB_WRONG;
    return reason;
}

/* --- all elements ----------------------------------------------------------------------------- */

typedef struct work {
    double *x, *numerical, *whole;
    const double *analytic;
    double f, scale, largest;
} work;

static double step_of(const nb_check_options *o, const work *w, size_t i)
{
    const double x = fabs(w->x[i]);
    return o->relative ? o->h * (x > 0 ? x : w->scale) : o->h;
}

static double difference(callback *c, double x, double h)
{
    return (along(c, x + h) - along(c, x - h)) / (2 * h);
}

static void differentiate(callback *c, const nb_check_options *o, work *w)
{
    for (c->i = 0; c->i < c->n; c->i++) {
        const double h = step_of(o, w, c->i), x = w->x[c->i];
        w->numerical[c->i] = difference(c, x, o->richardson ? h / 2 : h);
        if (o->richardson) w->whole[c->i] = difference(c, x, h);
        if (isfinite(w->analytic[c->i])) w->largest = fmax(w->largest, fabs(w->analytic[c->i]));
    }
    if (o->richardson) nb_check_extrapolate(c->n, w->whole, w->numerical);
}

static void examine(callback *c, const nb_check_options *o, const work *w, nb_gradient_row *row)
{
    nb_habits habits = nb_no_habits;
    const nb_checked all = {.count = c->n,
                            .x = w->x,
                            .numerical = w->numerical,
                            .exact = w->numerical,
                            .analytic = w->analytic,
                            .f = w->f,
                            .scale = o->relative ? w->scale : 0,
                            .silent = NB_VACUOUS};
    nb_check_compare(&all, row);
    for (c->i = 0; c->i < c->n; c->i++) {
        const double x = w->x[c->i], a = w->analytic[c->i], d = w->numerical[c->i];
        nb_gradient_element e = {.index = c->i, .numerical = d, .analytic = a};
        looking s = {.c = c, .x = x, .h = step_of(o, w, c->i), .largest = w->largest, .e = &e};
        s.scale = x != 0 ? fabs(x) : w->scale;
        e.bound =
            8 * (DBL_EPSILON / 2) / (NB_NUMERICAL_H * (o->relative ? s.scale : 1)) * fabs(w->f) +
            close_enough * fmax(fabs(d), fabs(a));
        e.best = e.best_h = e.noise = e.seen = (double)NAN;
        nb_reason reason = NB_NOT_FINITE;
        if (isfinite(a) && isfinite(w->f) && isfinite(x)) {
            reason = NB_UNEXAMINED;
            if (row->tally[NB_WRONG] < NB_CHECK_WRONG) {
                climb(&s, w->f, a);
                reason = reason_of(&s);
                if (reason == NB_UNRESOLVED && row->tally[reason] < NB_CHECK_WRONG &&
                    nb_ladder_fit(along, c, &s.ladder))
                    reason = reason_of(&s);
            }
        }
        nb_check_record(row, o, reason, x, &e, &habits);
    }
    nb_check_name_slip(&habits, &all, row);
}

/* x left alone? And the same four times? */
static bool is_function(const callback *c, const double *x, double *f, nb_reason *reason)
{
    *f = c->f(c->n, c->x, c->context);
    *reason = NB_OVERWRITTEN;
    if (c->n && memcmp(c->x, x, c->n * sizeof *x) != 0) return false;
    *reason = NB_NONDETERMINISTIC;
    for (int k = 0; k < 3; k++) {
        const double again = c->f(c->n, c->x, c->context);
        if (again != *f && !(isnan(again) && isnan(*f))) return false;
    }
    return true;
}

nb_status nb_check_add_row(nb_gradient_report *report, nb_function f, void *context, size_t n,
                           const double *x, const double *analytic)
{
    double *room = nb_alloc_zero(n, 3 * sizeof *room);
    if (!room) return NB_ENOMEM;
    work w = {room, room + n, room + 2 * n, analytic, 0, 0, 0};
    callback c = {f, context, n, 0, w.x};
    if (n) memcpy(w.x, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++) w.scale = fmax(w.scale, isfinite(x[i]) ? fabs(x[i]) : 0);
    if (w.scale == 0) w.scale = 1;
    nb_gradient_row *row = &report->row[report->count++];
    *row = (nb_gradient_row){.name = "x", .ndim = 1, .dim = {n}, .count = n};
    nb_reason reason;
    if (is_function(&c, x, &report->value, &reason)) {
        w.f = report->value;
        differentiate(&c, &report->options, &w);
        examine(&c, &report->options, &w, row);
    } else {
        nb_check_all_are(reason, row);
    }
    nb_free(room);
    return NB_OK;
}

nb_status nb_function_check(nb_function f, nb_gradient_function gradient, void *context, size_t n,
                            const double *x, const nb_check_options *options,
                            nb_gradient_report *report)
{
    nb_status status = nb_check_begin(report, options, 1, "nb_function_check");
    if (status) return status;
    if (!f || !gradient || (n > 0 && !x)) {
        nb_gradient_report_destroy(report);
        return nb_fail(NB_EINVAL, "nb_function_check: f, gradient or x is NULL");
    }
    double *room = nb_alloc_zero(n, 2 * sizeof *room);
    status = room ? NB_OK : NB_ENOMEM;
    if (!status) {
        if (n) memcpy(room, x, n * sizeof *x);
        f(n, room, context); /* a gradient may use what f left behind */
        if (n) memcpy(room, x, n * sizeof *x);
        gradient(n, room, context, room + n);
        status = nb_check_add_row(report, f, context, n, x, room + n);
    }
    nb_free(room);
    nb_check_end(report);
    if (status) nb_gradient_report_destroy(report);
    return status;
}
