/* Gradients of several functions at once, and by the complex step. */
#include "nablas/memory.h"
#include "numeric/check.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- Jacobians -------------------------------------------------------------------------------- */

typedef struct component {
    nb_vector_function f;
    void *context;
    size_t m, i;
    double *y; /* (m) */
} component;

static double value_of(size_t n, const double *x, void *context)
{
    const component *c = context;
    c->f(n, x, c->m, c->context, c->y);
    return c->y[c->i];
}

nb_status nb_jacobian_check(nb_vector_function f, nb_vector_function jacobian, void *context,
                            size_t n, size_t m, const double *x, const nb_check_options *options,
                            nb_gradient_report *report)
{
    nb_status status = nb_check_begin(report, options, m, "nb_jacobian_check");
    if (status) return status;
    if (!f || !jacobian || (n > 0 && !x)) {
        nb_gradient_report_destroy(report);
        return nb_fail(NB_EINVAL, "nb_jacobian_check: f, jacobian or x is NULL");
    }
    double *J = nb_alloc_zero(m * n + 1, sizeof *J), *room = nb_alloc_zero(m + n + 1, sizeof *room);
    status = J && room ? NB_OK : NB_ENOMEM;
    if (!status) {
        double *at = room + m;
        if (n) memcpy(at, x, n * sizeof *x);
        f(n, at, m, context, room);
        if (n) memcpy(at, x, n * sizeof *x);
        jacobian(n, at, m, context, J);
    }
    for (size_t i = 0; i < m && !status; i++) {
        component c = {f, context, m, i, room};
        status = nb_check_add_row(report, value_of, &c, n, x, J + i * n);
        snprintf(report->row[i].name, sizeof report->row[i].name, "y[%zu]", i);
    }
    nb_free(J);
    nb_free(room);
    nb_check_end(report);
    if (status) nb_gradient_report_destroy(report);
    return status;
}

/* --- the complex step ------------------------------------------------------------------------- */

typedef struct stepping {
    nb_complex_function f;
    void *context;
    size_t n;
    nb_complex *z; /* (n) */
} stepping;

static nb_complex at(const stepping *s, size_t i, nb_complex z)
{
    nb_complex f = (double)NAN;
    const nb_complex kept = s->z[i];
    s->z[i] = z;
    s->f(s->n, s->z, s->context, &f);
    s->z[i] = kept;
    return f;
}

static double complex_step(const stepping *s, size_t i, double x, double *h)
{
    *h = x != 0 ? ldexp(fabs(x), -100) : ldexp(1, -100);
    const double parts[2] = {x, *h};
    nb_complex z;
    memcpy(&z, parts, sizeof z);
    return cimag(at(s, i, z)) / *h;
}

/* Is a what real differences say? Then the imaginary part went astray. */
static bool is_real_slope(const stepping *s, size_t i, double x, double a)
{
    const double h = 1e-5 * (x != 0 ? fabs(x) : 1);
    const double d = (creal(at(s, i, x + h)) - creal(at(s, i, x - h))) / (2 * h);
    const double noise = 16 * DBL_EPSILON * fabs(creal(at(s, i, x))) / h;
    return fabs(d - a) <= 1e-6 * fmax(fabs(d), fabs(a)) + noise && fabs(a) > 8 * noise;
}

static void look(const stepping *s, const double *x, double *numerical, nb_gradient_row *row,
                 const double *analytic)
{
    nb_habits habits = nb_no_habits;
    const nb_checked all = {
        .count = s->n, .x = x, .numerical = numerical, .exact = numerical, .analytic = analytic};
    for (size_t i = 0; i < s->n; i++) {
        nb_gradient_element e = {.index = i, .analytic = analytic[i]};
        e.numerical = e.best = numerical[i] = complex_step(s, i, x[i], &e.best_h);
        const double size = fmax(fabs(e.numerical), fabs(e.analytic));
        e.noise = 16 * DBL_EPSILON * size;
        e.bound = e.seen = 1e-12 * size;
        nb_reason reason = size == 0 ? NB_VACUOUS : NB_AGREES;
        if (!isfinite(e.numerical) || !isfinite(e.analytic))
            reason = NB_NOT_FINITE;
        else if (fabs(e.numerical - e.analytic) > e.bound)
            reason = NB_WRONG;
        if (reason == NB_WRONG && fabs(e.numerical - e.analytic) > 1e-3 * size &&
            is_real_slope(s, i, x[i], e.analytic))
            reason = NB_UNRESOLVED;
        nb_check_record(row, NULL, reason, x[i], &e, &habits);
    }
    nb_check_compare(&all, row);
    nb_check_name_slip(&habits, &all, row);
}

nb_status nb_complex_check(nb_complex_function f, nb_gradient_function gradient, void *context,
                           size_t n, const double *x, nb_gradient_report *report)
{
    nb_status status = nb_check_begin(report, NULL, 1, "nb_complex_check");
    if (status) return status;
    if (!f || !gradient || (n > 0 && !x)) {
        nb_gradient_report_destroy(report);
        return nb_fail(NB_EINVAL, "nb_complex_check: f, gradient or x is NULL");
    }
    double *room = nb_alloc_zero(3 * n + 1, sizeof *room);
    stepping s = {f, context, n, nb_alloc_zero(n + 1, sizeof *s.z)};
    status = room && s.z ? NB_OK : NB_ENOMEM;
    if (!status) {
        nb_gradient_row *row = &report->row[report->count++];
        *row = (nb_gradient_row){.name = "x", .ndim = 1, .dim = {n}, .count = n};
        for (size_t i = 0; i < n; i++) s.z[i] = room[i] = x[i];
        nb_complex value = 0;
        f(n, s.z, context, &value);
        report->value = creal(value);
        gradient(n, room, context, room + n);
        look(&s, x, room + 2 * n, row, room + n);
    }
    nb_free(room);
    nb_free(s.z);
    nb_check_end(report);
    if (status) nb_gradient_report_destroy(report);
    return status;
}
