#include "numeric/ladder.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Differences are taken in long double: f may be close to overflow. */
enum { steps = nb_ladder_steps, first = 2, hums = 9, narrower = 8 };
typedef nb_ladder_side side;

static const double unit = DBL_EPSILON / 2;
static const double digits = 1e-3;
/* Steps of whole powers of 2 would meet the steps of what rounds x, as in f(x / 10), again and again. */
static const double odd = .7236067977499790;
static const nb_plateau none = {(double)NAN, (double)INFINITY, (double)NAN};

/* --- noise ------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool grows(const double *heard, int k)
{
    return heard[k] > 2.5 * heard[k - 1] && heard[k] < 6.5 * heard[k - 1];
}

/* Of second differences with steps 1, 2, 4, ...: a curve or a wave begins where they grow fourfold again
 * and again; at the end a corner, where they grow twofold, or a part of a curve. */
static double noise_among(const double *heard, int count)
{
    int end = count;
    double noise = 0;
    for (int k = count - 3; k > 0; k--)
        if (grows(heard, k) && grows(heard, k + 1) && grows(heard, k + 2)) end = k;
    while (end > 1 && heard[end - 1] > 1.5 * heard[end - 2]) end--;
    for (int k = 0; k < end; k++) noise = fmax(noise, heard[k]);
    return noise;
}

/* On one side, with steps so narrow that they contain little else. */
static double noise_near(nb_ladder_function f, void *context, double x, double at, double scale)
{
    double heard[hums];
    int count = 0;
    for (int k = 0; k < hums; k++) {
        const double h = x + ldexp(odd * scale, k - 44) - x; /* as x can take it */
        const long double bend = (long double)at - 2 * (long double)f(context, x + h) +
                                 (long double)f(context, x + 2 * h);
        if (isfinite(bend)) heard[count++] = (double)fabsl(bend) / 2;
    }
    return count > 2 ? noise_among(heard, count) : (double)INFINITY;
}

/* A function that waves faster than the widest of these steps is not noisy: what it does in narrower
 * ones, down to neighbours, is then less. */
static double noise_beside(nb_ladder_function f, void *context, double x, double at, double scale)
{
    const double wide = noise_near(f, context, x, at, scale);
    if (!(wide > 1e6 * unit * fabs(at))) return wide;
    return fmin(wide, noise_near(f, context, x, at, ldexp(scale, -narrower)));
}

/* Of the quieter side: at a corner or a jump the other one hears that. */
static double noise_of(nb_ladder_function f, void *context, double x, double at, double scale)
{
    const double noise =
        fmin(noise_beside(f, context, x, at, scale), noise_beside(f, context, x, at, -scale));
    return fmax(isfinite(noise) ? noise : 0, unit * fabs(at));
}

/* --- plateaus --------------------------------------------------------------------------------- */

/* d extrapolated to h = 0 from steps k-1 and k. */
static long double extrapolated(const side *s, int k)
{
    const long double ratio = (long double)s->h[k - 1] / (long double)s->h[k];
    const long double factor = s->order == 2 ? ratio * ratio : ratio;
    return (factor * s->d[k] - s->d[k - 1]) / (factor - 1);
}

/* From steps k-3 ... k. */
static nb_plateau plateau_at(const side *s, int k, double noise)
{
    for (int j = k - 3; j <= k; j++)
        if (!isfinite(s->d[j]) || !(s->h[j] > 0)) return none;
    const long double t = extrapolated(s, k), before = extrapolated(s, k - 1);
    const long double change = fabsl(t - before), earlier = fabsl(before - extrapolated(s, k - 2));
    const double spread = (double)(change > earlier ? change : earlier);
    if (!isfinite((double)t)) return none;
    const double heard = noise + s->rounding * fabs((double)t);
    return (nb_plateau){(double)t, 2 * spread + 4 * heard / s->h[k], s->h[k - 3]};
}

static nb_plateau best_of(const side *s, double noise)
{
    nb_plateau best = none;
    for (int k = 3; k < steps; k++) {
        const nb_plateau p = plateau_at(s, k, noise);
        if (p.error < best.error) best = p;
    }
    return best;
}

static bool has_digits(const nb_plateau *p, double size)
{
    return p->error <= digits * fmax(fabs(p->slope), size);
}

/* --- jumps ------------------------------------------------------------------------------------ */

/* Halve the interval again and again, and keep the half in which f leaves its line by more: what is
 * left at the end, where the ends are neighbours, is a jump, or rounding. */
double nb_ladder_jump(nb_ladder_function f, void *context, double x, double t, double slope)
{
    double lo = 0, hi = t;
    long double below = (long double)f(context, x), above = (long double)f(context, x + t);
    const double size = fmax(fabs((double)below), fabs((double)above));
    for (int k = 0; k < 80; k++) {
        const double mid = lo + (hi - lo) / 2;
        if (x + mid == x + lo || x + mid == x + hi) break;
        const long double here = (long double)f(context, x + mid);
        const long double left = here - below - (long double)(slope * (mid - lo));
        const long double right = above - here - (long double)(slope * (hi - mid));
        if (!isfinite(here)) return 0;
        if (fabsl(left) > fabsl(right))
            hi = mid, above = here;
        else
            lo = mid, below = here;
    }
    /* A step of x takes f that far beside it, too, where f is steep or noisy. */
    const long double before = (long double)f(context, x + lo - (hi - lo));
    const long double behind = (long double)f(context, x + hi + (hi - lo));
    const long double steep = fmaxl(fabsl(below - before), fabsl(behind - above));
    const double left_over = (double)fabsl(above - below);
    const bool rounding = left_over <= 16 * unit * size + 4 * fabs(slope * (hi - lo));
    return isfinite(left_over) && !rounding && left_over > 4 * (double)steep ? left_over : 0;
}

/* --- all steps -------------------------------------------------------------------------------- */

static void look(nb_ladder_function f, void *context, nb_ladder *l)
{
    l->flat = true;
    for (int k = 0; k < steps; k++) {
        /* h as x can take it, so that both sides are equally far; they may not be where x - h has
         * finer neighbours, or h is far above x. */
        const double up = l->x + ldexp(odd * l->scale, -first - k), h = up - l->x, down = l->x - h;
        const long double at = (long double)l->f, above = (long double)f(context, up);
        const long double below = (long double)f(context, down), x = (long double)l->x;
        const bool moves = up > l->x && down < l->x;
        l->both.d[k] = (above - below) / ((long double)up - (long double)down);
        l->after.d[k] = (above - at) / ((long double)up - x);
        l->before.d[k] = (at - below) / (x - (long double)down);
        l->both.h[k] = l->before.h[k] = l->after.h[k] = moves ? h : 0;
        l->flat &= above == below;
    }
}

/* Do narrower steps move f by more than noise, and otherwise than this says? Then f waves faster than
 * these steps can tell. */
static bool is_contradicted(const side *s, const nb_plateau *p, double noise)
{
    const double heard = noise + s->rounding * fabs(p->slope);
    int against = 0;
    for (int k = 0; k < steps; k++) {
        const double h = s->h[k];
        if (!(h > 0) || h >= p->h / 16 || !isfinite(s->d[k])) continue;
        const long double off = fabsl(s->d[k] - (long double)p->slope);
        against += off * (long double)h > 16 * (long double)heard &&
                   off > (long double)(fabs(p->slope) + p->error) / 4;
    }
    return isfinite(p->error) && against > 3;
}

/* The narrowest with digits, made better by wider ones that agree; and the best of wider ones with
 * digits of their own that do not. */
static void find_ends(nb_ladder *l)
{
    double size = digits * fabs(l->f) / l->scale; /* a slope of 0 is told from one that matters */
    for (int k = 3; k < steps; k++) {
        const nb_plateau p = plateau_at(&l->both, k, l->noise);
        if (has_digits(&p, 0)) size = fmax(size, fabs(p.slope));
    }
    l->narrow = l->wide = none;
    for (int k = steps - 1; k >= 3; k--) {
        const nb_plateau p = plateau_at(&l->both, k, l->noise);
        if (isinf(l->narrow.error)) {
            if (has_digits(&p, size) && !is_contradicted(&l->both, &p, l->noise)) l->narrow = p;
        } else if (fabs(p.slope - l->narrow.slope) <= 4 * (p.error + l->narrow.error)) {
            if (isinf(l->wide.error) && p.error < l->narrow.error) l->narrow = p;
        } else if (has_digits(&p, 0) && p.error < l->wide.error) {
            l->wide = p;
        }
    }
    l->lost = isinf(l->narrow.error) && is_contradicted(&l->both, &l->best, l->noise) &&
              is_contradicted(&l->before, &l->left, l->noise) &&
              is_contradicted(&l->after, &l->right, l->noise);
}

/* Where steps are narrower than is best, results change by noise alone: the median of that. */
static double murmur(const nb_ladder *l)
{
    const side *s = &l->both;
    double heard[steps];
    int count = 0;
    for (int k = steps - 1; k >= 3; k--) {
        const nb_plateau p = plateau_at(s, k, 0);
        if (!isfinite(p.error)) continue;
        if (s->h[k] > l->narrow.h / 16) break;
        heard[count++] = (double)fabsl(extrapolated(s, k) - extrapolated(s, k - 1)) * s->h[k] / 2;
    }
    qsort(heard, (size_t)count, sizeof *heard, by_size);
    return isfinite(l->narrow.error) && count >= 6 ? heard[count / 2] : 0;
}

static void find_plateaus(nb_ladder *l)
{
    l->best = best_of(&l->both, l->noise);
    l->left = best_of(&l->before, l->noise);
    l->right = best_of(&l->after, l->noise);
    find_ends(l);
}

void nb_ladder_climb(nb_ladder_function f, void *context, double x, double scale, nb_ladder *l)
{
    *l = (nb_ladder){.x = x, .scale = scale, .f = f(context, x)};
    l->both.order = 2;
    l->before.order = l->after.order = 1;
    l->both.rounding = l->before.rounding = l->after.rounding = unit * fabs(x);
    l->noise = noise_of(f, context, x, l->f, scale);
    look(f, context, l);
    find_plateaus(l);
    l->noise = fmax(l->noise, murmur(l));
    find_plateaus(l);
}

static double jump_within(nb_ladder_function f, void *context, const nb_ladder *l, double t)
{
    const double slope = isfinite(l->narrow.slope) ? l->narrow.slope : 0;
    return fmin(nb_ladder_jump(f, context, l->x, t, slope),
                nb_ladder_jump(f, context, l->x, -t, slope));
}

void nb_ladder_listen(nb_ladder_function f, void *context, nb_ladder *l)
{
    double both = jump_within(f, context, l, l->scale / 4);
    if (isfinite(l->narrow.h)) both = fmax(both, jump_within(f, context, l, 64 * l->narrow.h));
    if (both <= l->noise) return;
    l->noise = 2 * both;
    find_plateaus(l);
}
