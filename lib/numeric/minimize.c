#include "nablas/minimize.h"
#include "nablas/memory.h"
#include "numeric/finite.h"
#include "numeric/minimize.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

double nb_search_value(nb_search *s)
{
    if (nb_first_not_finite(s->n, s->trial) < s->n) return (double)INFINITY;
    s->now->calls++;
    const double f = s->f(s->n, s->trial, s->context);
    return isnan(f) ? (double)INFINITY : f;
}

bool nb_search_gradient(nb_search *s, double *g)
{
    if (s->gradient) {
        s->now->gradients++;
        s->gradient(s->n, s->trial, s->context, g);
        return nb_first_not_finite(s->n, g) == s->n;
    }
    for (size_t i = 0; i < s->n; i++) {
        const double x = s->trial[i], h = NB_CUBE_ROOT * fmax(1, fabs(x));
        s->trial[i] = x + h;
        const double above = s->trial[i], f_above = nb_search_value(s);
        s->trial[i] = x - h;
        g[i] = (f_above - nb_search_value(s)) / (above - s->trial[i]);
        s->trial[i] = x;
    }
    return nb_first_not_finite(s->n, g) == s->n;
}

typedef struct method {
    bool (*size)(const nb_search *s, size_t *size);
    nb_step (*step)(nb_search *s);
} method;

static const method methods[] = {
    [NB_MINIMIZER_BFGS] = {nb_bfgs_size, nb_bfgs_step},
    [NB_MINIMIZER_LBFGS] = {nb_lbfgs_size, nb_lbfgs_step},
    [NB_MINIMIZER_NEWTON] = {nb_trust_size, nb_trust_step},
};

const char *nb_minimizer_name(nb_minimizer which)
{
    static const char *const names[] = {
#define X(code, name) name,
        NB_MINIMIZER_LIST(X)
#undef X
    };
    return (size_t)which < NB_MINIMIZERS ? names[which] : "";
}

const char *nb_stop_text(nb_stop stop)
{
    static const char *const texts[] = {
#define X(code, text) text,
        NB_STOP_LIST(X)
#undef X
    };
    return (size_t)stop < NB_STOPS ? texts[stop] : "";
}

static double largest_of(size_t n, const double *g)
{
    return fabs(g[cblas_idamax((int)n, g, 1)]);
}

/* The method finds nothing lower: by the rounding of f, unless f falls along the gradient, or against
 * it. */
static nb_status check_end(nb_search *s)
{
    nb_minimum *now = s->now;
    const double a = NB_CUBE_ROOT * fmax(1, largest_of(s->n, s->x)) / largest_of(s->n, s->g);
    double fallen[2];
    for (int against = 0; against <= 1; against++) {
        for (size_t i = 0; i < s->n; i++) s->trial[i] = s->x[i] + (against ? -a : a) * s->g[i];
        fallen[against] = now->value - nb_search_value(s);
    }
    const double noise = 64 * DBL_EPSILON * fabs(now->value);
    if (s->gradient && fallen[0] > noise)
        return nb_fail(NB_EINVAL,
                       "nb_minimize: after step %zu f=%g falls along the gradient, by %g, and not "
                       "against it: is the gradient that of f?",
                       now->steps, now->value, fallen[0]);
    if (fallen[1] > noise)
        return nb_fail(NB_ESINGULAR,
                       "nb_minimize: after step %zu %s finds no step, though f=%g falls by %g "
                       "against the gradient",
                       now->steps, nb_minimizer_name(s->options->method), now->value, fallen[1]);
    now->stop = NB_STOP_ROUNDING;
    return NB_OK;
}

/* True: the search is over, with *status. */
static bool is_over(nb_search *s, nb_status *status)
{
    nb_minimum *now = s->now;
    const nb_minimize_options *o = s->options;
    if (o->history) memcpy(o->history + now->steps * s->n, s->x, s->n * sizeof *s->x);
    if (o->watch && !o->watch(now, s->n, s->x, s->g, s->context)) {
        now->stop = NB_STOP_CALLER;
        *status =
            nb_fail(NB_ESTOPPED, "nb_minimize: stopped by the callback at step %zu", now->steps);
    } else if (now->gradient <= o->tolerance) {
        now->stop = NB_STOP_GRADIENT;
    } else if (now->steps == o->steps) {
        now->stop = NB_STOP_STEPS;
        *status =
            nb_fail(NB_ESTOPPED, "nb_minimize: after %zu steps, f=%g, the gradient is %g, above %g",
                    now->steps, now->value, now->gradient, o->tolerance);
    }
    return now->stop != NB_STOP_NOT_RUN;
}

static void take_trial(nb_search *s)
{
    double *x = s->x, *g = s->g;
    memcpy(x, s->trial, s->n * sizeof *x);
    memcpy(g, s->trial_g, s->n * sizeof *g);
    s->now->value = s->trial_value;
    s->now->gradient = largest_of(s->n, g);
    s->now->steps++;
}

/* Where f falls no more than by its rounding, the method begins anew from there, once. */
static nb_status run(nb_search *s)
{
    enum { patience = 3 }; /* steps in a row that leave f where it was */
    nb_minimum *now = s->now;
    nb_status status = NB_OK;
    double lowest = now->value;
    bool over = is_over(s, &status), tried = true;
    int idle = 0;
    s->anew = true;
    while (!over) {
        const nb_step step = methods[s->options->method].step(s);
        if (step == NB_STEP_BLIND)
            return nb_fail(NB_EDIVERGED, "nb_minimize: after step %zu the Hessian is not finite",
                           now->steps);
        if (step != NB_STEP_NONE) {
            take_trial(s);
            if (step == NB_STEP_ENDLESS || now->value == -(double)INFINITY) {
                now->stop = NB_STOP_UNBOUNDED;
                return nb_fail(NB_EDIVERGED, "nb_minimize: f=%g after step %zu falls without end",
                               now->value, now->steps);
            }
            idle++;
            if (lowest - now->value > 2 * DBL_EPSILON * fabs(lowest)) {
                lowest = now->value;
                tried = false;
                idle = 0;
            }
            over = is_over(s, &status);
        }
        if (over || (step != NB_STEP_NONE && idle < patience)) continue;
        if (tried) return check_end(s);
        s->anew = tried = true;
        idle = 0;
    }
    return status;
}

static nb_status check(nb_function f, size_t n, const double *x, const nb_minimize_options *o)
{
    if (!f || !x) return nb_fail(NB_EINVAL, "nb_minimize: f or x is NULL");
    if ((size_t)o->method >= NB_MINIMIZERS)
        return nb_fail(NB_EINVAL, "nb_minimize: method=%d", (int)o->method);
    if (!(o->tolerance >= 0) || !isfinite(o->tolerance))
        return nb_fail(NB_EINVAL, "nb_minimize: tolerance=%g, expected 0 or above", o->tolerance);
    if (o->method == NB_MINIMIZER_LBFGS && o->memory == 0)
        return nb_fail(NB_EINVAL, "nb_minimize: memory=0 steps, expected 1 or more");
    if (n > INT_MAX) return nb_fail(NB_EOVERFLOW, "nb_minimize: n=%zu", n);
    return NB_OK;
}

/* f and its gradient at the start. */
static nb_status begin(nb_search *s)
{
    const size_t bad = nb_first_not_finite(s->n, s->x);
    if (bad < s->n) return nb_fail(NB_EINVAL, "nb_minimize: x[%zu]=%g", bad, s->x[bad]);
    memcpy(s->trial, s->x, s->n * sizeof *s->x);
    s->now->calls++;
    s->now->value = s->f(s->n, s->x, s->context);
    if (!isfinite(s->now->value))
        return nb_fail(NB_EINVAL, "nb_minimize: f(x)=%g where it begins", s->now->value);
    if (!nb_search_gradient(s, s->g)) {
        const size_t i = nb_first_not_finite(s->n, s->g);
        return nb_fail(NB_EINVAL, "nb_minimize: gradient[%zu]=%g where it begins", i, s->g[i]);
    }
    s->now->gradient = largest_of(s->n, s->g);
    return NB_OK;
}

nb_status nb_minimize(nb_function f, nb_gradient_function gradient, void *context, size_t n,
                      double *x, const nb_minimize_options *options, nb_minimum *result)
{
    const nb_minimize_options o = options ? *options : NB_MINIMIZE_DEFAULTS;
    nb_minimum now = {0};
    nb_search s = {f, gradient, context, n, &o, &now, .x = x};
    size_t size, vectors;
    if (n == 0) return NB_OK;
    nb_status status = check(f, n, x, &o);
    if (status) return status;
    if (!methods[o.method].size(&s, &size) || !nb_size_mul(5, n, &vectors) ||
        !nb_size_add(size, vectors, &size))
        return nb_fail(NB_EOVERFLOW, "nb_minimize: n=%zu, memory=%zu", n, o.memory);
    s.g = nb_alloc(size, sizeof *s.g);
    if (!s.g) return NB_ENOMEM;
    s.trial = s.g + n;
    s.trial_g = s.trial + n;
    s.p = s.trial_g + n;
    s.low_g = s.p + n;
    s.work = s.low_g + n;

    status = begin(&s);
    if (!status) status = run(&s);
    if (o.history)
        for (size_t step = now.steps; step <= o.steps; step++)
            memcpy(o.history + step * n, x, n * sizeof *x);
    if (result) *result = now;
    nb_free(s.g);
    return status;
}
