#include "numeric/check.h"
#include "nablas/memory.h"

#include <float.h>
#include <math.h>

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

nb_gradient_verdict nb_gradient_report_verdict(const nb_gradient_report *report)
{
    if (report->passed) return NB_GRADIENT_RIGHT;
    const bool wrong = *report->broken || report->tally[NB_WRONG] || report->tally[NB_NOT_FINITE];
    return wrong ? NB_GRADIENT_WRONG : NB_GRADIENT_UNKNOWN;
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

/* In steps of h, or of h |x|. */
static double floor_of(const nb_checked *c, size_t i)
{
    const double x = fabs(c->x[i]), step = c->scale > 0 ? (x > 0 ? x : c->scale) : 1;
    return nb_check_floor(c->f / step, x / step, c->analytic[i]);
}

static bool vacuous(const nb_checked *c, size_t i)
{
    const double floor = floor_of(c, i);
    return fabs(c->numerical[i]) <= floor && fabs(c->analytic[i]) <= floor;
}

void nb_check_compare(const nb_checked *c, nb_gradient_row *row)
{
    size_t looked_at = 0;
    row->count = c->count;
    row->max_abs = c->count ? -1 : 0;
    for (size_t i = 0; i < c->count; i++) {
        const double d = c->numerical[i], a = c->analytic[i], off = fabs(d - a);
        row->mean_abs += off / (double)c->count;
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
    return isfinite(r->most) && r->most - r->least <= tolerance * fabs(r->most);
}

static void note(nb_habits *h, double w, const nb_gradient_element *e)
{
    widen(&h->factor, e->analytic / e->best);
    widen(&h->in_w, (e->best - e->analytic) / w);
    widen(&h->constant, e->best - e->analytic);
    widen(&h->w, w);
}

void nb_check_record(nb_gradient_row *row, const nb_check_options *options, nb_reason reason,
                     double x, const nb_gradient_element *element, nb_habits *habits)
{
    const size_t place = row->tally[reason]++;
    if (place < NB_CHECK_LISTED) row->listed[reason][place] = *element;
    if (options && options->each) options->each(options->context, row->name, reason, element);
    if (reason == NB_WRONG) note(habits, x, element);
}

/* What d alone explains is left aside; 1e-4: no other order of the elements comes so close. */
bool nb_check_matches(const nb_checked *c, nb_check_place place, const void *context)
{
    size_t moved = 0, told = 0;
    for (size_t i = 0; i < c->count; i++) {
        const size_t j = place(context, i);
        if (j == SIZE_MAX) continue;
        const double a = c->analytic[i], d = c->exact[j], here = c->exact[i];
        const double margin = floor_of(c, i) + 1e-4 * fmax(fabs(a), fabs(d));
        if (!(fabs(a - d) <= margin)) return false;
        moved += fabs(a - here) > 10 * margin;
        told++;
    }
    return moved > 1 && 2 * told > c->count;
}

/* Place k of an array (columns, rows) holds what belongs into (rows, columns) the other way round. */
typedef struct exchange {
    size_t rows, columns;
} exchange;

static size_t exchanged(const void *context, size_t k)
{
    const exchange *e = context;
    return k % e->rows * e->columns + k / e->rows;
}

static bool is_transposed(const nb_checked *c, const nb_gradient_row *row)
{
    const size_t root = (size_t)(sqrt((double)c->count) + .5);
    exchange e = {root, root};
    if (row->ndim == 2) e = (exchange){row->dim[0], row->dim[1]};
    if (e.rows < 2 || e.columns < 2 || e.rows * e.columns != c->count) return false;
    return nb_check_matches(c, exchanged, &e);
}

/* What is moved in from beyond the ends may be anything, or comes from the other end. */
typedef struct shift {
    size_t count;
    long long by;
    bool around;
} shift;

static size_t shifted(const void *context, size_t i)
{
    const shift *s = context;
    const long long n = (long long)s->count, j = (long long)i + s->by;
    if (s->around) return (size_t)((j % n + n) % n);
    return j < 0 || j >= (long long)s->count ? SIZE_MAX : (size_t)j;
}

static double shift_of(const nb_checked *c, const nb_gradient_row *row)
{
    const size_t width = row->ndim && row->dim[0] ? row->count / row->dim[0] : 1;
    const long long by[] = {1, -1, (long long)width, -(long long)width, 2, -2};
    for (size_t k = 0; k < sizeof by / sizeof *by; k++)
        if (nb_check_matches(c, shifted, &(shift){c->count, by[k], false}) ||
            nb_check_matches(c, shifted, &(shift){c->count, by[k], true}))
            return (double)by[k];
    return 0;
}

static void set_slip(nb_gradient_row *row, nb_slip slip, double amount)
{
    row->slip = slip;
    row->amount = amount + 0.; /* no -0 */
}

/* A difference d - a of two close numbers has fewer digits than their quotient. With one element, or
 * all w alike, a term in w cannot be told from a constant. */
void nb_check_name_slip(const nb_habits *h, const nb_checked *c, nb_gradient_row *row)
{
    const bool several = row->tally[NB_WRONG] > 1;
    row->ratio = row->amount = (double)NAN;
    if (!row->tally[NB_WRONG]) return;
    if (is_one(&h->factor, 1e-6))
        set_slip(row, NB_SLIP_FACTOR, row->ratio = h->factor.most);
    else if (several && is_transposed(c, row))
        set_slip(row, NB_SLIP_TRANSPOSED, 0);
    else if (several && shift_of(c, row) != 0)
        set_slip(row, NB_SLIP_SHIFTED, shift_of(c, row));
    else if (several && !is_one(&h->w, 1e-6) && is_one(&h->in_w, 1e-3))
        set_slip(row, NB_SLIP_TERM_IN_W, h->in_w.most);
    else if (several && !is_one(&h->w, 1e-6) && is_one(&h->constant, 1e-3))
        set_slip(row, NB_SLIP_TERM_CONSTANT, h->constant.most);
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
