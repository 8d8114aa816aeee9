#include "numeric/check.h"
#include "nablas/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const double unit = DBL_EPSILON / 2;
static const double safety = 8; /* of the floor */
static const double relative = 10 * NB_NUMERICAL_H * NB_NUMERICAL_H;

/* --- the report ------------------------------------------------------------------------------- */

nb_status nb_check_begin(nb_gradient_report *report, const nb_check_options *options, size_t rows,
                         const char *who)
{
    const nb_check_options chosen = options ? *options : NB_CHECK_DEFAULTS;
    if (!report) return nb_fail(NB_EINVAL, "%s: report is NULL", who);
    *report = (nb_gradient_report){0};
    if (!(chosen.h > 0) || !isfinite(chosen.h))
        return nb_fail(NB_EINVAL, "%s: h=%g, expected a positive number", who, chosen.h);
    report->row = nb_alloc_zero(rows, sizeof *report->row);
    if (!report->row) return NB_ENOMEM;
    report->options = chosen;
    return NB_OK;
}

void nb_check_end(nb_gradient_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        for (size_t r = 0; r < NB_REASONS; r++) report->tally[r] += report->row[i].tally[r];
    report->passed = !*report->broken;
    for (size_t r = NB_UNRESOLVED; r < NB_REASONS; r++) report->passed &= report->tally[r] == 0;
}

void nb_gradient_report_destroy(nb_gradient_report *report)
{
    if (!report) return;
    nb_free(report->row);
    *report = (nb_gradient_report){0};
}

void nb_check_extrapolate(size_t n, const double *whole, double *half)
{
    for (size_t i = 0; i < n; i++) half[i] += (half[i] - whole[i]) / 3;
}

/* --- comparing -------------------------------------------------------------------------------- */

double nb_check_floor(double f, double x, double a)
{
    return safety * unit / NB_NUMERICAL_H * (fabs(f) + fabs(x * a));
}

double nb_check_bound(double f, double x, double d, double a)
{
    return nb_check_floor(f, x, a) + relative * fmax(fabs(d), fabs(a));
}

static double bound_at(const nb_checked *c, size_t i)
{
    return nb_check_bound(c->f, c->x[i], c->numerical[i], c->analytic[i]);
}

static bool vacuous(const nb_checked *c, size_t i)
{
    const double floor = nb_check_floor(c->f, c->x[i], c->analytic[i]);
    return fabs(c->numerical[i]) <= floor && fabs(c->analytic[i]) <= floor;
}

/* NaN is beyond every bound. */
static bool beyond(const nb_checked *c, size_t i)
{
    return !(fabs(c->numerical[i] - c->analytic[i]) <= bound_at(c, i));
}

size_t nb_check_compare(const nb_checked *c, nb_gradient_row *row)
{
    size_t looked_at = 0, count = 0;
    row->count = c->count;
    row->max_abs = c->count ? -1 : 0;
    for (size_t i = 0; i < c->count; i++) {
        const double d = c->numerical[i], a = c->analytic[i], off = fabs(d - a);
        row->mean_abs += off / (double)c->count;
        count += beyond(c, i);
        if (!vacuous(c, i)) {
            const double share = off > 0 ? off / fmax(fabs(d), fabs(a)) : off;
            row->mean_rel += share;
            row->max_rel = fmax(row->max_rel, share);
            looked_at++;
        }
        /* A NaN is worse than any number, and must not hide. */
        if (off <= row->max_abs || isnan(row->max_abs)) continue;
        row->max_abs = off;
        row->worst = i;
        row->numerical = d;
        row->analytic = a;
    }
    if (looked_at) row->mean_rel /= (double)looked_at;
    if (!isfinite(row->max_abs)) row->mean_rel = row->max_rel = row->max_abs;
    return count;
}

/* The exact form agrees, and rounding at this h is too small to be what the other one is off by. */
static bool biased(const nb_checked *c, size_t i, double h)
{
    const double a = c->analytic[i], bound = bound_at(c, i);
    const double rounding = safety * unit / h * fabs(c->f);
    return fabs(c->exact[i] - a) <= bound &&
           (rounding <= bound || fabs(c->numerical[i] - a) > bound + rounding);
}

/* --- looking again at one element ------------------------------------------------------------- */

/* The function around one element. */
typedef struct site {
    const nb_checked *c;
    size_t i;
    double x, f;    /* the element, the function there (in its exact form) */
    uint64_t piece; /* and the piece */
    double noise;   /* v of check.h */
} site;

/* One step: d(h), the slopes on either side, and whether a corner lies between. */
typedef struct look {
    double h, above, below, slope, left, right;
    bool corner;
} look;

static nb_status look_at(const site *s, double h, look *l)
{
    double above, below;
    uint64_t piece_above = 0, piece_below = 0;
    /* The steps as they are taken, after x + h and x - h were rounded. */
    const double up = s->x + h, down = s->x - h;
    nb_status status = s->c->at(s->c->context, s->i, up, &above, &piece_above);
    if (!status) status = s->c->at(s->c->context, s->i, down, &below, &piece_below);
    if (status) return status;
    *l = (look){.h = h,
                .above = above,
                .below = below,
                .slope = (above - below) / (up - down),
                .left = (s->f - below) / (s->x - down),
                .right = (above - s->f) / (up - s->x),
                .corner = piece_above != s->piece || piece_below != s->piece};
    return NB_OK;
}

static nb_status visit(const nb_checked *c, size_t i, double noise, site *s)
{
    *s = (site){.c = c, .i = i, .x = c->x[i]};
    nb_status status = c->at(c->context, i, s->x, &s->f, &s->piece);
    s->noise = fmax(noise, unit * (fabs(s->f) + fabs(s->x * c->analytic[i])));
    return status;
}

/* --- the noise of f --------------------------------------------------------------------------- */

enum { hums = 11, sites = 16 };

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(size_t n, double *x, double share)
{
    qsort(x, n, sizeof *x, by_size);
    return n ? x[(size_t)(share * (double)(n - 1))] : 0;
}

/* f(x-2t) - 4 f(x-t) + 6 f(x) - 4 f(x+t) + f(x+2t) = t^4 f'''' + up to 16 v; NaN where it tells
 * nothing: f is the same at all five, or has a corner among them. */
static nb_status fourth_difference(const site *s, double t, double *fourth)
{
    look near, far;
    nb_status status = look_at(s, t, &near);
    if (!status) status = look_at(s, 2 * t, &far);
    if (status) return status;
    const bool flat =
        near.above == s->f && near.below == s->f && far.above == s->f && far.below == s->f;
    *fourth = far.below + far.above - 4 * (near.below + near.above) + 6 * s->f;
    if (flat || near.corner || far.corner) *fourth = (double)NAN;
    return NB_OK;
}

/* At one element: low among steps 1e-4 ... 1e-9, the wider of which may see f itself, but not the
 * lowest, where the noise may happen to cancel. */
static nb_status noise_at(const nb_checked *c, size_t i, double *noise)
{
    site s;
    double heard[hums];
    size_t count = 0;
    nb_status status = visit(c, i, 0, &s);
    for (int k = 0; k < hums && !status; k++) {
        double fourth;
        status = fourth_difference(&s, pow(10, -4 - k / 2.0) * fmax(1, fabs(s.x)), &fourth);
        if (!status && isfinite(fourth)) heard[count++] = fabs(fourth) / 4;
    }
    *noise = quantile(count, heard, .3);
    return status;
}

/* Of f, whichever element moves: the upper quartile over some elements that are beyond the bound.
 */
static nb_status measure_noise(const nb_checked *c, double *noise)
{
    double each[sites];
    size_t all = 0, seen = 0, count = 0;
    nb_status status = NB_OK;
    for (size_t i = 0; i < c->count; i++) all += beyond(c, i);
    const size_t stride = all / sites + 1;
    for (size_t i = 0; i < c->count && !status; i++)
        if (beyond(c, i) && seen++ % stride == 0) status = noise_at(c, i, &each[count++]);
    *noise = quantile(count, each, .75);
    return status;
}

/* --- the most accurate step ------------------------------------------------------------------- */

/* The steps 1e-1 ... 1e-9, those first that are as a rule the most accurate; 1e-10 is only the next
 * of the last. */
enum { decades = 10 };
static const int order[decades - 1] = {4, 3, 5, 2, 6, 1, 7, 8, 9};

typedef struct ladder {
    look at[decades + 1]; /* by decade, from 1; h = 0: not looked at yet */
    int best;             /* the most accurate; 0: none without a corner */
    double error;         /* E of check.h there */
} ladder;

static nb_status climb(const site *s, ladder *steps, int decade)
{
    look *l = &steps->at[decade];
    return l->h > 0 ? NB_OK : look_at(s, pow(10, -decade), l);
}

/* Fill the ladder as far as it takes to find a step with E <= enough. */
static nb_status find_best(const site *s, double enough, ladder *steps)
{
    *steps = (ladder){.error = (double)INFINITY};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        const int decade = order[k];
        nb_status status = climb(s, steps, decade);
        if (!status) status = climb(s, steps, decade + 1);
        if (status) return status;
        const look *l = &steps->at[decade], *next = l + 1;
        const double change = fabs(l->slope - next->slope), noise = s->noise / next->h;
        const double error = change + noise;
        if (l->corner || next->corner || !(error < steps->error)) continue;
        steps->error = error;
        steps->best = decade;
        if (error <= enough) break;
    }
    return NB_OK;
}

/* A corner at x itself: the slopes on either side stay apart as h shrinks to the best step (where
 * the function is smooth their distance is h f''), and the derivative lies between them. */
static nb_status corner_at(const site *s, ladder *steps, double a, double bound, bool *corner)
{
    const int decade = steps->best == 0 ? 5 : steps->best == 1 ? 2 : steps->best;
    const look *wide = &steps->at[decade - 1], *narrow = &steps->at[decade];
    nb_status status = climb(s, steps, decade - 1);
    if (!status) status = climb(s, steps, decade);
    if (status) return status;
    const double apart = fabs(narrow->right - narrow->left),
                 before = fabs(wide->right - wide->left);
    const double low = fmin(narrow->left, narrow->right), high = fmax(narrow->left, narrow->right);
    const double noise = 8 * s->noise / narrow->h, margin = bound + noise + fabs(before - apart);
    *corner = apart > noise && apart > before / 3 && a >= low - margin && a <= high + margin;
    return NB_OK;
}

/* Is there a corner between -h and h? The function says so or, where it cannot, its slopes do: they
 * are further apart than the curvature at the best step allows. */
static bool corner_within(const site *s, const look *own, const look *best)
{
    if (s->c->pieces) return own->corner;
    const double curvature = (fabs(best->right - best->left) + 4 * s->noise / best->h) / best->h;
    return own->h > best->h &&
           fabs(own->right - own->left) > 10 * own->h * curvature + 8 * s->noise / own->h;
}

static nb_status examine(const nb_checked *c, size_t i, double h, double *noise, nb_reason *reason,
                         nb_gradient_element *element)
{
    site s;
    look own;
    ladder steps;
    const double a = element->analytic, bound = element->bound;
    nb_status status = isnan(*noise) ? measure_noise(c, noise) : NB_OK;
    if (!status) status = visit(c, i, *noise, &s);
    if (!status) status = look_at(&s, h, &own);
    if (!status) status = find_best(&s, bound, &steps);
    if (status) return status;
    const look *best = &steps.at[steps.best ? steps.best : 4];
    element->best_h = best->h;
    element->best = best->slope;
    *reason = NB_WRONG;
    if (steps.best && fabs(best->slope - a) <= bound + 4 * steps.error) {
        const bool small = h < best->h || (h == best->h && s.noise / h > steps.error / 2);
        *reason = corner_within(&s, &own, best) ? NB_KINK : small ? NB_ROUNDING : NB_TRUNCATION;
        return NB_OK;
    }
    bool corner;
    status = corner_at(&s, &steps, a, bound, &corner);
    if (!status && corner) *reason = NB_KINK;
    return status;
}

/* --- the reasons ------------------------------------------------------------------------------ */

static nb_status reason_of(const nb_checked *c, size_t i, double h, const nb_gradient_row *row,
                           double *noise, nb_reason *reason, nb_gradient_element *element)
{
    *reason = vacuous(c, i) ? c->silent : NB_AGREES;
    if (!beyond(c, i)) return NB_OK;
    *reason = NB_NOT_FINITE;
    if (!isfinite(element->numerical) || !isfinite(element->analytic)) return NB_OK;
    if (c->exact && biased(c, i, h)) {
        element->best_h = h;
        element->best = c->exact[i];
        *reason = NB_BIAS;
        return NB_OK;
    }
    *reason = NB_UNEXAMINED;
    if (row->tally[NB_WRONG] == NB_CHECK_WRONG) return NB_OK;
    return examine(c, i, h, noise, reason, element);
}

/* --- what wrong elements have in common ------------------------------------------------------ */

#define NOWHERE                             \
    {                                       \
        (double)INFINITY, -(double)INFINITY \
    }
const nb_habits nb_no_habits = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};

/* NaN stays out of fmin and fmax, and must not. */
static void widen(nb_range *r, double x)
{
    r->least = isnan(x) ? -(double)INFINITY : fmin(r->least, x);
    r->most = isnan(x) ? (double)INFINITY : fmax(r->most, x);
}

static bool is_one(const nb_range *r, double tolerance)
{
    return r->most - r->least <= tolerance * fabs(r->most);
}

static void note(nb_habits *h, double w, const nb_gradient_element *e)
{
    widen(&h->factor, e->analytic / e->best);
    widen(&h->in_w, (e->best - e->analytic) / w);
    widen(&h->constant, e->best - e->analytic);
    widen(&h->w, w);
}

void nb_check_record(nb_gradient_row *row, nb_reason reason, double x,
                     const nb_gradient_element *element, nb_habits *habits)
{
    const size_t place = row->tally[reason]++;
    if (place < NB_CHECK_LISTED) row->listed[reason][place] = *element;
    if (reason == NB_WRONG) note(habits, x, element);
}

/* A difference d - a of two close numbers has fewer digits than their quotient. With one element, or
 * all w alike, a term in w cannot be told from a constant. */
void nb_check_name_slip(const nb_habits *h, nb_gradient_row *row)
{
    const bool several = row->tally[NB_WRONG] > 1 && !is_one(&h->w, 1e-6);
    row->ratio = row->amount = (double)NAN;
    if (!row->tally[NB_WRONG]) return;
    if (is_one(&h->factor, 1e-6)) {
        row->slip = NB_SLIP_FACTOR;
        row->ratio = row->amount = h->factor.most;
    } else if (several && is_one(&h->in_w, 1e-3)) {
        row->slip = NB_SLIP_TERM_IN_W;
        row->amount = h->in_w.most;
    } else if (several && is_one(&h->constant, 1e-3)) {
        row->slip = NB_SLIP_TERM_CONSTANT;
        row->amount = h->constant.most;
    }
}

nb_status nb_check_explain(const nb_checked *c, double h, nb_gradient_row *row)
{
    nb_habits seen = nb_no_habits;
    double noise = (double)NAN; /* not measured yet */
    for (size_t i = 0; i < c->count; i++) {
        nb_reason reason;
        nb_gradient_element element = {.index = i,
                                       .numerical = c->numerical[i],
                                       .analytic = c->analytic[i],
                                       .bound = bound_at(c, i),
                                       .best_h = (double)NAN,
                                       .best = (double)NAN};
        nb_status status = reason_of(c, i, h, row, &noise, &reason, &element);
        if (status) return status;
        nb_check_record(row, reason, c->x[i], &element, &seen);
    }
    nb_check_name_slip(&seen, row);
    return NB_OK;
}

void nb_check_all_are(nb_reason reason, nb_gradient_row *row)
{
    row->tally[reason] = row->count;
    row->ratio = row->amount = (double)NAN;
    for (size_t i = 0; i < row->count && i < NB_CHECK_LISTED; i++)
        row->listed[reason][i] = (nb_gradient_element){.index = i,
                                                       .numerical = (double)NAN,
                                                       .analytic = (double)NAN,
                                                       .bound = (double)NAN,
                                                       .best_h = (double)NAN,
                                                       .best = (double)NAN};
}
