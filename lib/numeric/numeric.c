#include "nablas/numeric.h"
#include "nablas/memory.h"
#include "numeric/differences.h"
#include "numeric/finite.h"

#include <string.h>

double nb_numerical_diff(nb_function1 f, void *context, double x)
{
    return nb_numerical_diff_central(f, context, x, NB_NUMERICAL_H);
}

double nb_numerical_diff_central(nb_function1 f, void *context, double x, double h)
{
    return f ? (f(x + h, context) - f(x - h, context)) / (2 * h) : (double)NAN;
}

double nb_numerical_diff_forward(nb_function1 f, void *context, double x, double h)
{
    return f ? (f(x + h, context) - f(x, context)) / h : (double)NAN;
}

double nb_numerical_diff_bad(nb_function1 f, void *context, double x)
{
    return nb_numerical_diff_forward(f, context, x, 10e-50);
}

double nb_numerical_diff_richardson(nb_function1 f, void *context, double x, double h,
                                    double *error)
{
    const double whole = nb_numerical_diff_central(f, context, x, h);
    const double half = nb_numerical_diff_central(f, context, x, h / 2);
    const double move = (half - whole) / 3;
    if (error) *error = fabs(move);
    return half + move;
}

const char *nb_diff_name(nb_diff diff)
{
    static const char *const names[] = {
#define X(code, name) name,
        NB_DIFF_LIST(X)
#undef X
    };
    return (size_t)diff < NB_DIFFS ? names[diff] : "";
}

/* The differences as a float32 program takes them. */
static float single_central(nb_function1 f, void *context, float x, float h)
{
    const float up = x + h, down = x - h;
    return ((float)f((double)up, context) - (float)f((double)down, context)) / (2 * h);
}

static float single_forward(nb_function1 f, void *context, float x, float h)
{
    const float up = x + h;
    return ((float)f((double)up, context) - (float)f((double)x, context)) / h;
}

nb_status nb_numerical_diff_errors(nb_function1 f, void *context, double x, double derivative,
                                   size_t n, const double *h, double *errors)
{
    if (n > 0 && (!f || !h || !errors))
        return nb_fail(NB_EINVAL, "nb_numerical_diff_errors: f, h or errors is NULL");
    for (size_t i = 0; i < n; i++) {
        const float s = (float)x, hs = (float)h[i];
        const double got[NB_DIFFS] = {
            [NB_DIFF_FORWARD_SINGLE] = (double)single_forward(f, context, s, hs),
            [NB_DIFF_CENTRAL_SINGLE] = (double)single_central(f, context, s, hs),
            [NB_DIFF_FORWARD] = nb_numerical_diff_forward(f, context, x, h[i]),
            [NB_DIFF_CENTRAL] = nb_numerical_diff_central(f, context, x, h[i]),
            [NB_DIFF_RICHARDSON] = nb_numerical_diff_richardson(f, context, x, h[i], NULL),
        };
        for (size_t k = 0; k < NB_DIFFS; k++) errors[k * n + i] = fabs(got[k] - derivative);
    }
    return NB_OK;
}

nb_status nb_numerical_gradient(nb_function f, void *context, size_t n, double *x, double *gradient)
{
    if (n > 0 && (!f || !x || !gradient))
        return nb_fail(NB_EINVAL, "nb_numerical_gradient: f, x or gradient is NULL");
    nb_differences(f, context, n, x, NB_NUMERICAL_H, gradient);
    return NB_OK;
}

void nb_differences(nb_function f, void *context, size_t n, double *x, double h, double *gradient)
{
    for (size_t i = 0; i < n; i++) {
        double kept = x[i];
        x[i] = kept + h;
        double above = f(n, x, context);
        x[i] = kept - h;
        double below = f(n, x, context);
        gradient[i] = (above - below) / (2 * h);
        x[i] = kept;
    }
}

nb_status nb_gradient_descent(nb_function f, void *context, size_t n, double *x, double lr,
                              size_t steps, double *history)
{
    if (n == 0) return NB_OK;
    if (!f || !x) return nb_fail(NB_EINVAL, "nb_gradient_descent: f or x is NULL");
    if (!isfinite(lr)) return nb_fail(NB_EINVAL, "nb_gradient_descent: lr=%g", lr);
    double *gradient = nb_alloc(n, sizeof *gradient);
    if (!gradient) return NB_ENOMEM;

    nb_status status = NB_OK;
    size_t step = 0;
    if (history) memcpy(history, x, n * sizeof *x);
    while (step < steps && status == NB_OK) {
        nb_numerical_gradient(f, context, n, x, gradient);
        for (size_t i = 0; i < n; i++) x[i] -= lr * gradient[i];
        step++;
        if (history) memcpy(history + step * n, x, n * sizeof *x);
        size_t i = nb_first_not_finite(n, x);
        if (i < n)
            status = nb_fail(NB_EDIVERGED, "nb_gradient_descent: x[%zu]=%g after step %zu, lr=%g",
                             i, x[i], step, lr);
    }
    if (history)
        while (step++ < steps) memcpy(history + step * n, x, n * sizeof *x);
    nb_free(gradient);
    return status;
}
