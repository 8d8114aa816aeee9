#include "nablas/hessian.h"
#include "nablas/linear.h"
#include "nablas/memory.h"
#include "numeric/finite.h"

#include <float.h>
#include <limits.h>
#include <string.h>

static double step_at(double x)
{
    int exponent = 0;
    if (isfinite(x)) frexp(x, &exponent);
    return ldexp(1, (exponent > 0 ? exponent : 0) - 13);
}

/* f at x + a e_i + b e_j. */
static double value_at(nb_function f, void *context, size_t n, double *x, size_t i, double a,
                       size_t j, double b)
{
    const double xi = x[i], xj = x[j];
    x[i] += a;
    x[j] += b;
    const double value = f(n, x, context);
    x[j] = xj;
    x[i] = xi;
    return value;
}

nb_status nb_numerical_hessian(nb_function f, void *context, size_t n, double *x, double *H)
{
    if (n > 0 && (!f || !x || !H))
        return nb_fail(NB_EINVAL, "nb_numerical_hessian: f, x or H is NULL");
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double a = step_at(x[i]), b = step_at(x[j]);
            const double above =
                value_at(f, context, n, x, i, a, j, b) - value_at(f, context, n, x, i, a, j, -b);
            const double below =
                value_at(f, context, n, x, i, -a, j, b) - value_at(f, context, n, x, i, -a, j, -b);
            H[i * n + j] = H[j * n + i] = (above - below) / (4 * a * b);
        }
    return NB_OK;
}

/* h_i H_ij h_j is a difference of values of f: its least eigenvalue must exceed their rounding. */
static nb_status check_definite(size_t n, const double *x, const double *H, double f, double *S,
                                double *values, size_t step)
{
    double size = fabs(f);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) S[i * n + j] = step_at(x[i]) * H[i * n + j] * step_at(x[j]);
        size += fabs(S[i * n + i]);
    }
    nb_status status = nb_symmetric_eigenvalues(n, S, values, NULL);
    const double rounding = sqrt((double)n) * size * DBL_EPSILON / 2; /* a random matrix of them */
    if (!status && values[0] <= rounding)
        status = nb_fail(NB_ESINGULAR,
                         "nb_newton: the Hessian after step %zu is not positive definite: its "
                         "least eigenvalue, as a difference of f, is %.2g, rounding f %.2g",
                         step, values[0], rounding);
    return status;
}

/* Step number step + 1. `work` holds a gradient, that is then the way, and two matrices. */
static nb_status newton_step(nb_function f, void *context, size_t n, double *x, double *work,
                             size_t step)
{
    double *way = work, *H = work + n, *S = H + n * n;
    nb_numerical_hessian(f, context, n, x, H);
    nb_status status = check_definite(n, x, H, f(n, x, context), S, way, step);
    if (status) return status;
    nb_numerical_gradient(f, context, n, x, way);
    status = nb_solve_positive_definite(n, 1, H, way, way);
    for (size_t i = 0; i < n && !status; i++) x[i] -= way[i];
    return status;
}

nb_status nb_newton(nb_function f, void *context, size_t n, double *x, size_t steps,
                    double *history)
{
    if (n == 0) return NB_OK;
    if (!f || !x) return nb_fail(NB_EINVAL, "nb_newton: f or x is NULL");
    if (n > INT_MAX) return nb_fail(NB_EOVERFLOW, "nb_newton: n=%zu", n);
    double *work = nb_alloc(n, (2 * n + 1) * sizeof *work);
    nb_status status = work ? NB_OK : NB_ENOMEM;
    size_t step = 0;
    if (history) memcpy(history, x, n * sizeof *x);
    while (step < steps && status == NB_OK) {
        status = newton_step(f, context, n, x, work, step);
        step++;
        if (history) memcpy(history + step * n, x, n * sizeof *x);
        const size_t i = nb_first_not_finite(n, x);
        if (!status && i < n)
            status = nb_fail(NB_EDIVERGED, "nb_newton: x[%zu]=%g after step %zu", i, x[i], step);
    }
    if (history)
        while (step++ < steps) memcpy(history + step * n, x, n * sizeof *x);
    nb_free(work);
    return status;
}
