/* nb_function_check: a callback with its hand-written gradient. */
#include "nablas/memory.h"
#include "numeric/check.h"
#include "numeric/differences.h"

#include <string.h>

typedef struct callback {
    nb_function f;
    void *context;
    size_t n;
    double *x;
} callback;

static nb_status function_at(void *context, size_t i, double w, double *f, uint64_t *piece)
{
    const callback *c = context;
    const double kept = c->x[i];
    (void)piece;
    c->x[i] = w;
    *f = c->f(c->n, c->x, c->context);
    c->x[i] = kept;
    return NB_OK;
}

nb_status nb_function_check(nb_function f, nb_gradient_function gradient, void *context, size_t n,
                            const double *x, const nb_check_options *options,
                            nb_gradient_report *report)
{
    nb_status status = nb_check_begin(report, options, 1, "nb_function_check");
    if (status) return status;
    if (!f || !gradient || (n > 0 && !x)) {
        nb_gradient_report_destroy(report);
        return nb_fail(NB_EINVAL, "nb_function_check: f, gradient or x is NULL");
    }
    double *work = nb_alloc_zero(n, 4 * sizeof *work);
    if (!work) {
        nb_gradient_report_destroy(report);
        return NB_ENOMEM;
    }
    double *numerical = work + n, *whole = work + 2 * n, *analytic = work + 3 * n;
    callback c = {f, context, n, work};
    const double h = report->options.h;
    if (n) memcpy(c.x, x, n * sizeof *x);
    report->value = f(n, c.x, context);
    gradient(n, c.x, context, analytic);
    nb_differences(f, context, n, c.x, report->options.richardson ? h / 2 : h, numerical);
    if (report->options.richardson) {
        nb_differences(f, context, n, c.x, h, whole);
        nb_check_extrapolate(n, whole, numerical);
    }

    const nb_checked checked = {.count = n,
                                .x = c.x,
                                .numerical = numerical,
                                .analytic = analytic,
                                .f = report->value,
                                .silent = NB_VACUOUS,
                                .at = function_at,
                                .context = &c};
    nb_gradient_row *row = &report->row[report->count++];
    *row = (nb_gradient_row){.name = "x", .ndim = 1, .dim = {n}};
    nb_check_compare(&checked, row);
    status = nb_check_explain(&checked, h, row);
    nb_check_end(report);
    nb_free(work);
    return status;
}
