/* The adjoint test, the orders of Taylor's remainders, second derivatives: of callbacks. */
#include "nablas/memory.h"
#include "nablas/random.h"
#include "numeric/check.h"
#include "numeric/ladder.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double dot(size_t n, const double *x, const double *y)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (long double)x[i] * (long double)y[i];
    return (double)sum;
}

static double length(size_t n, const double *x)
{
    return sqrt(dot(n, x, x));
}

/* As large as x is, element by element, or as all of it where it is 0. */
static void draw(size_t n, const double *x, nb_random *random, double *v)
{
    double largest = 0;
    for (size_t i = 0; x && i < n; i++)
        if (isfinite(x[i])) largest = fmax(largest, fabs(x[i]));
    for (size_t i = 0; i < n; i++) {
        const double size = x && x[i] != 0 ? fabs(x[i]) : largest;
        v[i] = (size > 0 ? size : 1) * nb_random_randn(random);
    }
}

/* --- the adjoint test ------------------------------------------------------------------------- */

nb_status nb_adjoint_check(nb_product_function forward, nb_product_function backward, void *context,
                           size_t n, size_t m, const double *x, nb_adjoint *a)
{
    if (!a) return nb_fail(NB_EINVAL, "nb_adjoint_check: adjoint is NULL");
    *a = (nb_adjoint){0};
    if (!forward || !backward || (n > 0 && !x))
        return nb_fail(NB_EINVAL, "nb_adjoint_check: forward, backward or x is NULL");
    double *v = nb_alloc_zero(2 * (n + m) + 1, sizeof *v);
    if (!v) return NB_ENOMEM;
    double *c = v + n, *Jv = c + m, *JTc = Jv + m;
    nb_random random;
    nb_random_seed(&random, 18);
    draw(n, x, &random, v);
    draw(m, NULL, &random, c);
    forward(n, x, m, v, context, Jv);
    backward(n, x, m, c, context, JTc);
    a->forward = dot(m, Jv, c);
    a->backward = dot(n, v, JTc);
    a->terms = length(m, Jv) * length(m, c) + length(n, v) * length(n, JTc);
    a->linear = true;
    a->agrees = fabs(a->forward - a->backward) <= 1024 * (DBL_EPSILON / 2) * a->terms;
    nb_free(v);
    return NB_OK;
}

/* --- Taylor's remainders ---------------------------------------------------------------------- */

enum { halvings = 50 };

/* f along v, with room for the point. */
typedef struct line {
    nb_function f;
    nb_gradient_function gradient;
    void *context;
    size_t n;
    const double *x, *v, *u;
    double *at, *g; /* (n), (n) */
} line;

static void move(const line *l, double t)
{
    for (size_t i = 0; i < l->n; i++) l->at[i] = l->x[i] + t * l->v[i];
}

static double f_at(const line *l, double t)
{
    move(l, t);
    return l->f(l->n, l->at, l->context);
}

/* The median of the last three rates log2 R(h) / R(h/2) before rounding takes over. */
static double rate_of(const long double *R, const double *noise)
{
    double rate[halvings] = {0};
    int count = 0, small = 0;
    for (int k = 0; k + 1 < halvings; k++) {
        if (!isfinite(R[k]) || !isfinite(R[k + 1])) continue;
        small += fabsl(R[k]) <= 64 * (long double)noise[k];
        if (fabsl(R[k + 1]) <= 64 * (long double)noise[k + 1]) break;
        rate[count++] = (double)log2l(fabsl(R[k] / R[k + 1]));
    }
    if (count == 0) return small ? (double)INFINITY : (double)NAN;
    if (count < 3) return rate[count - 1];
    const double a = rate[count - 3], b = rate[count - 2], c = rate[count - 1];
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

static void find_rates(const line *l, double slope, const double *bend, nb_taylor *t)
{
    long double R[3][halvings];
    double noise[halvings];
    const long double f0 = (long double)f_at(l, 0);
    for (int k = 0; k < halvings; k++) {
        const double h = ldexp(1, -k);
        const long double f = (long double)f_at(l, h), H = (long double)h;
        R[0][k] = f - f0;
        R[1][k] = R[0][k] - H * (long double)slope;
        R[2][k] = bend ? R[1][k] - H * H / 2 * (long double)*bend : (long double)NAN;
        noise[k] = DBL_EPSILON * (double)(fabsl(f) + fabsl(f0) + fabsl(H * (long double)slope));
    }
    for (int r = 0; r < 3; r++) t->rate[r] = r < 2 || bend ? rate_of(R[r], noise) : (double)NAN;
    const bool moves = !isinf(t->rate[0]) && !isnan(t->rate[0]);
    bool right = t->rate[1] >= 1.75;
    if (bend) right = right && t->rate[2] >= 2.75;
    /* R0 within rounding: f does not say anything. Unless a says the same. */
    t->verdict = !moves || isnan(t->rate[1]) ? NB_GRADIENT_UNKNOWN
                 : right                     ? NB_GRADIENT_RIGHT
                                             : NB_GRADIENT_WRONG;
}

nb_status nb_taylor_check(nb_function f, nb_gradient_function gradient, nb_curvature_function Hv,
                          void *context, size_t n, const double *x, const double *v,
                          nb_taylor *taylor)
{
    if (!taylor) return nb_fail(NB_EINVAL, "nb_taylor_check: taylor is NULL");
    *taylor = (nb_taylor){{(double)NAN, (double)NAN, (double)NAN}, NB_GRADIENT_UNKNOWN};
    if (!f || !gradient || (n > 0 && !x))
        return nb_fail(NB_EINVAL, "nb_taylor_check: f, gradient or x is NULL");
    double *room = nb_alloc_zero(4 * n + 1, sizeof *room);
    if (!room) return NB_ENOMEM;
    double *drawn = room + 3 * n;
    nb_random random;
    nb_random_seed(&random, 19);
    draw(n, x, &random, drawn);
    line l = {.f = f, .context = context, .n = n, .x = x, .v = v ? v : drawn, .at = room};
    l.g = room + n;
    f_at(&l, 0);
    gradient(n, l.at, context, l.g);
    const double slope = dot(n, l.g, l.v);
    move(&l, 0);
    if (Hv) Hv(n, l.at, l.v, context, room + 2 * n);
    const double bend = dot(n, room + 2 * n, l.v);
    find_rates(&l, slope, Hv ? &bend : NULL, taylor);
    nb_free(room);
    return NB_OK;
}

/* --- second derivatives ----------------------------------------------------------------------- */

/* u^T gradient(x + t v) */
static double slope_at(void *context, double t)
{
    const line *l = context;
    move(l, t);
    l->gradient(l->n, l->at, l->context, l->g);
    return dot(l->n, l->u, l->g);
}

static void compare(line *l, nb_second *s)
{
    nb_ladder ladder;
    nb_ladder_climb(slope_at, l, 0, 1, &ladder);
    const nb_plateau *p = isfinite(ladder.narrow.error) ? &ladder.narrow : &ladder.best;
    s->difference = p->slope;
    s->error = p->error;
    const double most = fmax(fabs(s->difference), fabs(s->product));
    const bool flat = ladder.flat && s->product == 0;
    if (flat) s->difference = s->error = 0;
    if (!flat && !(p->error <= 1e-3 * most))
        s->verdict = NB_GRADIENT_UNKNOWN;
    else if (!(fabs(s->difference - s->product) <= 1e-7 * most + 4 * s->error))
        s->verdict = NB_GRADIENT_WRONG;
    if (!(s->asymmetry <= 1e-7)) s->verdict = NB_GRADIENT_WRONG;
}

nb_status nb_second_check(nb_gradient_function gradient, nb_curvature_function Hv, void *context,
                          size_t n, const double *x, nb_second *second)
{
    if (!second) return nb_fail(NB_EINVAL, "nb_second_check: second is NULL");
    *second = (nb_second){0};
    if (!gradient || !Hv || (n > 0 && !x))
        return nb_fail(NB_EINVAL, "nb_second_check: gradient, Hv or x is NULL");
    double *room = nb_alloc_zero(6 * n + 1, sizeof *room);
    if (!room) return NB_ENOMEM;
    double *u = room, *v = u + n, *Hu = v + n, *product = Hu + n;
    nb_random random;
    nb_random_seed(&random, 20);
    draw(n, x, &random, u);
    draw(n, x, &random, v);
    Hv(n, x, u, context, Hu);
    Hv(n, x, v, context, product);
    const double size = length(n, u) * length(n, product) + length(n, v) * length(n, Hu);
    second->product = dot(n, u, product);
    second->asymmetry = size > 0 ? fabs(second->product - dot(n, v, Hu)) / size : size;
    line l = {.gradient = gradient, .context = context, .n = n, .x = x, .v = v, .u = u};
    l.at = product + n;
    l.g = l.at + n;
    compare(&l, second);
    nb_free(room);
    return NB_OK;
}
