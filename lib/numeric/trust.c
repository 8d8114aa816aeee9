/* Newton's method in a trusted region |D p| <= radius, D_i the square root of the largest |B_ii| so
 * far, so that the units of x do not matter. In the basis of the scaled Hessian's eigenvectors the
 * least of the model in the region is a sum for each shift of the eigenvalues, whether they are
 * positive or not. */
#include "nablas/hessian.h"
#include "nablas/memory.h"
#include "numeric/finite.h"
#include "numeric/minimize.h"

#include <cblas.h>
#include <lapacke.h>
#include <string.h>

typedef struct trust {
    double *B;      /* (n,n), then the eigenvectors v_i as rows */
    double *lambda; /* (n), ascending */
    double *c;      /* (n), v_i^T D^-1 g */
    double *q;      /* (n), the step in that basis */
    double *D;      /* (n) */
    double *radius;
    double *dsyev;
    size_t dsyev_size;
} trust;

static size_t dsyev_wants(size_t n)
{
    double best = 0;
    LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'V', 'U', (int)n, NULL, (int)n, NULL, &best, -1);
    return (size_t)best;
}

bool nb_trust_size(const nb_search *s, size_t *size)
{
    return nb_size_mul(s->n, s->n + 4, size) && nb_size_add(*size, dsyev_wants(s->n) + 1, size);
}

static trust layout(const nb_search *s)
{
    const size_t n = s->n;
    trust t = {.B = s->work};
    t.lambda = t.B + n * n;
    t.c = t.lambda + n;
    t.q = t.c + n;
    t.D = t.q + n;
    t.radius = t.D + n;
    t.dsyev = t.radius + 1;
    t.dsyev_size = dsyev_wants(n);
    return t;
}

static double counted(size_t n, const double *x, void *context)
{
    nb_search *s = context;
    (void)n, (void)x; /* s->trial */
    return nb_search_value(s);
}

/* The lower triangle of B at x, by differences if need be; false if it is not finite. */
static bool hessian(nb_search *s, double *B)
{
    const size_t n = s->n;
    memcpy(s->trial, s->x, n * sizeof *s->x);
    if (s->options->hessian) {
        s->options->hessian(n, s->x, s->context, B);
    } else if (!s->gradient) {
        nb_numerical_hessian(counted, s, n, s->trial, B);
    } else {
        for (size_t i = 0; i < n; i++) {
            const double h = NB_CUBE_ROOT * fmax(1, fabs(s->x[i])), above = s->x[i] + h;
            s->trial[i] = above;
            if (!nb_search_gradient(s, B + i * n)) return false;
            s->trial[i] = s->x[i] - h;
            if (!nb_search_gradient(s, s->trial_g)) return false;
            for (size_t j = 0; j < n; j++)
                B[i * n + j] = (B[i * n + j] - s->trial_g[j]) / (above - s->trial[i]);
            s->trial[i] = s->x[i];
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < i; j++) B[i * n + j] = (B[i * n + j] + B[j * n + i]) / 2;
    }
    for (size_t i = 0; i < n; i++)
        if (nb_first_not_finite(i + 1, B + i * n) <= i) return false;
    return true;
}

/* B, D, eigenvalues, and c at x. */
static bool look_around(nb_search *s, trust *t)
{
    const int n = (int)s->n;
    if (!hessian(s, t->B)) return false;
    for (size_t i = 0; i < s->n; i++) {
        const double own = sqrt(fabs(t->B[i * s->n + i]));
        if (s->anew) t->D[i] = own > 0 ? own : 1;
        t->D[i] = fmax(t->D[i], own);
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j <= i; j++) t->B[i * s->n + j] /= t->D[i] * t->D[j];
    if (LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'V', 'U', n, t->B, n, t->lambda, t->dsyev,
                           (int)t->dsyev_size))
        return false;
    for (size_t i = 0; i < s->n; i++) s->p[i] = s->g[i] / t->D[i];
    cblas_dgemv(CblasRowMajor, CblasNoTrans, n, n, 1, t->B, n, s->p, 1, 0, t->c, 1);
    if (s->anew) {
        for (size_t i = 0; i < s->n; i++) s->p[i] = s->x[i] * t->D[i];
        *t->radius = .1 * fmax(cblas_dnrm2(n, s->p, 1), 1);
    }
    return true;
}

/* q_i := -c_i / (lambda_i + shift), or 0 where that is rounding over rounding; |q|, and *slope, by
 * how much it shrinks with the shift. */
static double shifted(const trust *t, size_t n, double shift, double *slope)
{
    const double tiny = DBL_EPSILON * fmax(fabs(t->lambda[0]), fabs(t->lambda[n - 1]));
    double cubes = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = t->lambda[i] + shift;
        t->q[i] = d > tiny ? -t->c[i] / d : 0;
        if (d > tiny) cubes += t->q[i] * t->q[i] / d;
    }
    const double length = cblas_dnrm2((int)n, t->q, 1);
    *slope = cubes / length;
    return length;
}

/* q: the least of c^T q + q^T lambda q / 2 with |q| <= radius, to a tenth of the radius. */
static void least_in_region(const trust *t, size_t n)
{
    const double radius = *t->radius, least = t->lambda[0];
    double slope, low = fmax(0, -least), shift = low;
    if (least > 0 && shifted(t, n, 0, &slope) <= radius) return;
    double high = low + cblas_dnrm2((int)n, t->c, 1) / radius;
    if (least <= 0) shift = low + fabs(t->c[0]) / radius;
    for (int i = 0; i < 50; i++) {
        const double length = shifted(t, n, shift, &slope);
        if (fabs(length - radius) <= .1 * radius) return;
        if (length > radius) {
            low = shift;
        } else if (i > 0) {
            high = shift;
        } else {
            /* The hard case: g has nothing along v_0, where the model falls to both sides. */
            t->q[0] = copysign(sqrt(radius * radius - length * length), -t->c[0]);
            return;
        }
        shift += length / slope * (length - radius) / radius;
        if (!(shift > low && shift < high)) shift = low + (high - low) / 2;
    }
}

/* trial := x + p, D p = V^T q. */
static void move(nb_search *s, const trust *t)
{
    const int n = (int)s->n;
    cblas_dgemv(CblasRowMajor, CblasTrans, n, n, 1, t->B, n, t->q, 1, 0, s->p, 1);
    for (size_t i = 0; i < s->n; i++) {
        s->p[i] /= t->D[i];
        s->trial[i] = s->x[i] + s->p[i];
    }
}

nb_step nb_trust_step(nb_search *s)
{
    trust t = layout(s);
    if (!look_around(s, &t)) return NB_STEP_BLIND;
    s->anew = false;
    const double f = s->now->value, rounding = 8 * DBL_EPSILON * fabs(f);
    for (int tries = 0; tries < 600; tries++) { /* from the largest number to the least */
        double promised = 0;
        least_in_region(&t, s->n);
        for (size_t i = 0; i < s->n; i++) promised -= t.q[i] * (t.c[i] + t.lambda[i] * t.q[i] / 2);
        const double length = cblas_dnrm2((int)s->n, t.q, 1);
        move(s, &t);
        s->trial_value = nb_search_value(s);
        const double kept = (f - s->trial_value) / promised;
        if (kept > .75 && length > .8 * *t.radius) *t.radius *= 3;
        if (!(kept >= .25)) *t.radius = .25 * length;
        if (kept > 1e-4 && nb_search_gradient(s, s->trial_g)) return NB_STEP_TAKEN;
        if (promised > rounding) continue;
        /* f no longer tells; the gradient may. */
        if (fabs(f - s->trial_value) <= rounding && nb_search_gradient(s, s->trial_g) &&
            cblas_dnrm2((int)s->n, s->trial_g, 1) < .9 * cblas_dnrm2((int)s->n, s->g, 1))
            return NB_STEP_TAKEN;
        return NB_STEP_NONE;
    }
    return NB_STEP_NONE;
}
