/* nb_ladder_fit: polynomials by least squares, where noise leaves no two values of f to trust. */
#include "numeric/ladder.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

enum { degree = 12, few = 64, many = 1024, windows = 96, above = 38 };

static const double unit = DBL_EPSILON / 2;
static const double digits = 1e-3;

/* What f looks like in x - h ... x + h. */
typedef struct window {
    double h;
    double slope, error; /* one standard deviation; infinite: f is no polynomial with noise on it */
    double moved;        /* if the noise is that of x: by how much the slope is of another place */
} window;

/* Values of f; nothing is known of their noise but that neighbours have it, too. */
typedef struct sample {
    nb_ladder_function f;
    void *context;
    const nb_ladder *l;
    double h;
    int count;
    double s[many], r[many]; /* r = (f(x + h s) - f(x)) / size, then what is left of it */
    double p[many], q[many]; /* a polynomial at s, and the one before it */
    double size, largest;    /* of |f - f(x)| and |f| */
} sample;

static double beside(double x)
{
    return nextafter(x, (double)INFINITY);
}

/* One at random in each of equal parts of x + h from ... x + h to: points with one distance could keep
 * in step with what rounds them. */
static bool draw(sample *a, double from, double to)
{
    uint32_t random = 1;
    a->size = 0;
    a->largest = fabs(a->l->f);
    for (int i = 0; i < a->count; i++) {
        random = random * 1664525u + 1013904223u;
        const double part = (i + ldexp(random, -32)) / a->count;
        const double x = a->l->x + a->h * (from + (to - from) * part), f = a->f(a->context, x);
        a->s[i] = (x - a->l->x) / a->h;
        a->r[i] = f - a->l->f;
        if (!isfinite(a->s[i]) || !isfinite(a->r[i])) return false;
        a->size = fmax(a->size, fabs(a->r[i]));
        a->largest = fmax(a->largest, fabs(f));
    }
    for (int i = 0; i < a->count && a->size > 0; i++) a->r[i] /= a->size;
    return a->size > 0;
}

/* Second differences of values that are close beside those of the window, at distances of 3 neighbours
 * and more, as x / 3 rounds a few neighbours alike: a polynomial has none, and a wave, a corner or the
 * steps of a staircase few. */
static double noise_of(const sample *a)
{
    double sum = 0;
    for (int i = 0; i < few; i++) {
        const double x = a->l->x + a->h * a->s[i * a->count / few], step = beside(x) - x;
        const double y = x + step * (3 + fmod(i, 1 + floor(a->h / step / 512)));
        const double bend =
            a->f(a->context, x) - 2 * a->f(a->context, y) + a->f(a->context, y + (y - x));
        sum += bend / a->size * (bend / a->size);
    }
    return sqrt(sum / (6 * few)) + unit * a->largest / a->size;
}

/* What is left is noise if it has no memory, and is no larger than between neighbours. */
static bool is_noise(const sample *a, double left)
{
    double together = 0, alone = 0;
    for (int i = 1; i < a->count; i++) {
        together += a->r[i] * a->r[i - 1];
        alone += a->r[i] * a->r[i];
    }
    return together <= 4 * alone / sqrt(a->count) && left <= 4 * noise_of(a);
}

/* p(0), p'(0), p''(0). */
typedef struct at_0 {
    double p, slope, bend;
} at_0;

/* p_k+1 = (s - mean) p_k - ratio p_k-1. */
static void next(sample *a, double mean, double ratio, at_0 now[2])
{
    const at_0 k = now[0], before = now[1];
    now[1] = k;
    now[0].p = -mean * k.p - ratio * before.p;
    now[0].slope = k.p - mean * k.slope - ratio * before.slope;
    now[0].bend = 2 * k.slope - mean * k.bend - ratio * before.bend;
    for (int i = 0; i < a->count; i++) {
        const double p = a->p[i];
        a->p[i] = (a->s[i] - mean) * p - ratio * a->q[i];
        a->q[i] = p;
    }
}

typedef struct term {
    double factor, norm; /* r = sum of factor p, norm = p^T p */
    at_0 p;
} term;

/* Polynomials that are orthogonal on these very points. Source: G. E. Forsythe, J. SIAM 5 (1957). */
static void project(sample *a, term *terms)
{
    at_0 now[2] = {{1, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < a->count; i++) a->p[i] = 1, a->q[i] = 0;
    for (int k = 0; k <= degree; k++) {
        double norm = 0, mean = 0, dot = 0;
        for (int i = 0; i < a->count; i++) {
            norm += a->p[i] * a->p[i];
            mean += a->s[i] * a->p[i] * a->p[i];
            dot += a->r[i] * a->p[i];
        }
        terms[k] = (term){dot / norm, norm, now[0]};
        for (int i = 0; i < a->count; i++) a->r[i] -= dot / norm * a->p[i];
        next(a, mean / norm, k > 0 ? norm / terms[k - 1].norm : 0, now);
    }
}

/* The polynomial has all terms up to the last that exceeds the noise, and two more. It has to meet f(x). */
static window fit(sample *a, double h, int count, double from, double to)
{
    const window none = {h, (double)NAN, (double)INFINITY, 0};
    term terms[degree + 1];
    a->h = h;
    a->count = count;
    if (!draw(a, from, to)) return none;
    project(a, terms);
    const double rounding = unit * a->largest / a->size;
    double left = 0;
    for (int i = 0; i < count; i++) left += a->r[i] * a->r[i];
    left = fmax(sqrt(left / (count - degree - 1)), rounding);
    int last = degree;
    while (last > 0 && fabs(terms[last].factor) * sqrt(terms[last].norm) <= 4 * left) last--;
    if (last + 2 > degree || !is_noise(a, left)) return none;
    at_0 sum = {0, 0, 0};
    double doubt = 0, off = 1;
    for (const term *t = terms; t <= terms + last + 2; t++) {
        sum.p += t->factor * t->p.p;
        sum.slope += t->factor * t->p.slope;
        sum.bend += t->factor * t->p.bend;
        doubt += t->p.slope * t->p.slope / t->norm;
        off += t->p.p * t->p.p / t->norm;
    }
    if (!(fabs(sum.p) <= 5 * left * sqrt(off))) return none;
    const double scale = a->size / h, slope = sum.slope * scale;
    const double moved = (left - rounding) * fabs(sum.bend / sum.slope);
    return (window){h, slope, left * sqrt(doubt) * scale, moved * scale};
}

static bool is_sharp(const window *w, int count)
{
    const double error = w->error * sqrt((double)few / count) + w->moved;
    return 8 * error <= digits * fabs(w->slope);
}

/* In steps with what rounds x, a narrow window is tilted by what x may be off by. */
static bool agree(const sample *a, const window *v, const window *w)
{
    const double tilt = unit * fabs(a->l->x * v->slope) / w->h;
    return isfinite(w->error) && fabs(v->slope - w->slope) <= 4 * (v->error + w->error + tilt);
}

/* A corner has two slopes, a jump another one in half the window. */
static bool is_smooth(sample *a, const window *w)
{
    const window narrower = fit(a, w->h / 2, a->count, -1, 1);
    const window left = fit(a, w->h, a->count, -1, 0), right = fit(a, w->h, a->count, 0, 1);
    return agree(a, w, &narrower) && agree(a, w, &left) && agree(a, w, &right);
}

bool nb_ladder_fit(nb_ladder_function f, void *context, nb_ladder *l)
{
    sample a = {.f = f, .context = context, .l = l};
    const double x = fabs(l->x), step = x > 0 ? beside(x) - x : ldexp(l->scale, -52);
    window all[windows];
    int count = 0;
    for (double h = ldexp(l->scale, above); count < windows && h >= few * step; h /= 2)
        if (isfinite(x + h)) all[count++] = fit(&a, h, few, -1, 1);
    for (int k = 0; k < count; k++) {
        if (!is_sharp(&all[k], many)) continue;
        const double neighbours = all[k].h / step;
        const int n = neighbours < many ? (int)neighbours : many;
        const window w = fit(&a, all[k].h, n, -1, 1);
        bool sound = is_sharp(&w, few) && is_smooth(&a, &w);
        for (int j = k + 1; j < count && sound; j++)
            sound = isinf(all[j].error) || agree(&a, &w, &all[j]);
        if (!sound) continue;
        l->narrow = (nb_plateau){w.slope, w.error + w.moved, w.h};
        l->lost = false;
        return true;
    }
    return false;
}
