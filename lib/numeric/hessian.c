#include "nablas/hessian.h"
#include "nablas/linear.h"
#include "nablas/memory.h"
#include "numeric/finite.h"

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

void nb_numerical_hessian(nb_function f, void *context, size_t n, double *x, double *H)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double a = step_at(x[i]), b = step_at(x[j]);
            const double above =
                value_at(f, context, n, x, i, a, j, b) - value_at(f, context, n, x, i, a, j, -b);
            const double below =
                value_at(f, context, n, x, i, -a, j, b) - value_at(f, context, n, x, i, -a, j, -b);
            H[i * n + j] = H[j * n + i] = (above - below) / (4 * a * b);
        }
}

/* One step; `work` holds a gradient, that is then the way, and a Hessian. */
static nb_status newton_step(nb_function f, void *context, size_t n, double *x, double *work)
{
    double *way = work, *H = work + n;
    nb_numerical_gradient(f, context, n, x, way);
    nb_numerical_hessian(f, context, n, x, H);
    nb_status status = nb_solve_positive_definite(n, 1, H, way, way);
    for (size_t i = 0; i < n && !status; i++) x[i] -= way[i];
    return status;
}

nb_status nb_newton(nb_function f, void *context, size_t n, double *x, size_t steps,
                    double *history)
{
    if (n == 0) return NB_OK;
    double *work = nb_alloc(n, (n + 1) * sizeof *work);
    nb_status status = work ? NB_OK : NB_ENOMEM;
    size_t step = 0;
    if (history) memcpy(history, x, n * sizeof *x);
    while (step < steps && status == NB_OK) {
        status = newton_step(f, context, n, x, work);
        if (status == NB_ESINGULAR)
            status =
                nb_fail(NB_ESINGULAR,
                        "nb_newton: the Hessian after step %zu is not positive definite", step);
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
