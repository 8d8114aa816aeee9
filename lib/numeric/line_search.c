/* A step along p by the strong Wolfe conditions. f is asked first, and the gradient only where f is
 * low enough for the point to be taken. */
#include "numeric/minimize.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static const double lower = 1e-4, flatter = .9;

/* What is known of f along p. */
typedef struct point {
    double a, f, slope; /* slope: NAN where it was not asked */
} point;

/* Where the cubic through both, or the parabola, is least; NAN if nowhere. */
static double least_between(const point *p, const point *q)
{
    const double w = q->a - p->a;
    if (isnan(q->slope)) return p->a - p->slope * w * w / (2 * (q->f - p->f - p->slope * w));
    const double s = p->slope + q->slope - 3 * (q->f - p->f) / w;
    const double root = copysign(sqrt(s * s - p->slope * q->slope), w);
    return q->a - w * (q->slope + root - s) / (q->slope - p->slope + 2 * root);
}

/* The next a to try: between low and high, if there is a high, or beyond low. */
static double next(const point *before, const point *low, const point *high)
{
    if (isnan(high->a)) {
        /* The secant of the slopes, at most ten times as far. */
        const double w = low->a - before->a;
        const double a = low->a + w * low->slope / (before->slope - low->slope);
        const double least = low->a + w, most = low->a + 9 * w;
        return a > least ? fmin(a, most) : a > low->a ? least : most;
    }
    const double w = high->a - low->a;
    const double a = isfinite(high->f) ? least_between(low, high) : (double)NAN;
    const double share = (a - low->a) / w;
    if (!isfinite(high->f)) return low->a + .1 * w;
    return !(share >= 0 && share <= 1) ? low->a + .5 * w : low->a + fmin(fmax(share, .1), .9) * w;
}

/* Move trial to x + a p; false if it does not differ from x + b p. */
static bool move_to(nb_search *s, double a, double b)
{
    bool moved = false;
    for (size_t i = 0; i < s->n; i++) {
        s->trial[i] = s->x[i] + a * s->p[i];
        moved |= s->trial[i] != s->x[i] + b * s->p[i];
    }
    return moved;
}

nb_step nb_line_search(nb_search *s, double slope)
{
    double a = 1;
    const point start = {0, s->now->value, slope};
    const double rounding = 8 * DBL_EPSILON * fabs(start.f);
    point before = start, low = start, high = {(double)NAN, 0, 0};
    for (int tries = 0; tries < 100; tries++) {
        if (!isfinite(a) || !move_to(s, a, low.a)) break;
        point now = {a, nb_search_value(s), (double)NAN};
        /* Low, or as low as rounding lets tell: then the slope decides. */
        bool fine = now.f <= start.f + lower * a * slope && now.f < low.f;
        const bool level = !fine && low.a == 0 && fabs(now.f - start.f) <= rounding;
        fine = (fine || level) && nb_search_gradient(s, s->trial_g);
        if (fine) now.slope = cblas_ddot((int)s->n, s->trial_g, 1, s->p, 1);
        if (fine && fabs(now.slope) <= -flatter * slope) {
            s->trial_value = now.f;
            return NB_STEP_TAKEN;
        }
        if (!fine) {
            high = now;
        } else {
            if (isnan(high.a) ? now.slope >= 0 : now.slope * (high.a - low.a) >= 0) high = low;
            before = low;
            low = now;
            memcpy(s->low_g, s->trial_g, s->n * sizeof *s->low_g);
        }
        if (fabs((high.a - low.a) * low.slope) < DBL_EPSILON / 4 * fabs(low.f)) break;
        a = next(&before, &low, &high);
    }
    if (low.a == 0) return NB_STEP_NONE;
    move_to(s, low.a, 0);
    memcpy(s->trial_g, s->low_g, s->n * sizeof *s->low_g);
    s->trial_value = low.f;
    return isnan(high.a) ? NB_STEP_ENDLESS : NB_STEP_TAKEN;
}
