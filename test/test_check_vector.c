/* Jacobians, complex steps, products, Taylor's orders and second derivatives of callbacks. */
#include "support.h"

#include "nablas/check.h"

#include <complex.h>
#include <math.h>

/* --- a function of three numbers with all its derivatives, and a slip in one ------------------ */

typedef enum { right, in_gradient, in_curvature, not_symmetric } slip;

static double f(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return exp(x[0]) * sin(x[1]) + x[2] * x[2] * x[0];
}

static void gradient(size_t n, const double *x, void *context, double *g)
{
    (void)n;
    g[0] = exp(x[0]) * sin(x[1]) + x[2] * x[2];
    g[1] = exp(x[0]) * cos(x[1]);
    g[2] = 2 * x[2] * x[0];
    if (*(const slip *)context == in_gradient) g[1] *= 1 + 1e-3;
}

static void curvature(size_t n, const double *x, const double *v, void *context, double *Hv)
{
    const slip s = *(const slip *)context;
    const double e = exp(x[0]), si = sin(x[1]), co = cos(x[1]);
    (void)n;
    Hv[0] = e * si * v[0] + e * co * v[1] + 2 * x[2] * v[2];
    Hv[1] = e * co * v[0] - e * si * v[1] * (s == in_curvature ? 1.01 : 1);
    Hv[2] = 2 * x[2] * v[0] + 2 * x[0] * v[2];
    if (s == not_symmetric) Hv[1] += v[2], Hv[2] -= v[1]; /* what v^T H v does not see */
}

static const double point[3] = {.7, -1.3, 2.385};

static void rates_tell_which_derivative_is_wrong(void **state)
{
    (void)state;
    for (slip s = right; s <= in_curvature; s++) {
        nb_taylor t;
        assert_ok(nb_taylor_check(f, gradient, curvature, &s, 3, point, NULL, &t));
        assert_near(t.rate[0], 1, .1);
        assert_near(t.rate[1], s == in_gradient ? 1 : 2, .1);
        assert_near(t.rate[2], s == in_gradient ? 1 : s == in_curvature ? 2 : 3, .1);
        assert_int_equal(t.verdict, s == right ? NB_GRADIENT_RIGHT : NB_GRADIENT_WRONG);
        assert_ok(nb_taylor_check(f, gradient, NULL, &s, 3, point, (double[]){1, -2, .3}, &t));
        assert_true(isnan(t.rate[2]));
        assert_int_equal(t.verdict, s == in_gradient ? NB_GRADIENT_WRONG : NB_GRADIENT_RIGHT);
    }
}

static double straight(size_t n, const double *x, void *context)
{
    (void)n;
    return *(const double *)context + 3 * x[0] - x[1];
}

static void straight_slope(size_t n, const double *x, void *context, double *g)
{
    (void)n, (void)x, (void)context;
    g[0] = 3;
    g[1] = -1;
}

static void a_straight_line_leaves_nothing_and_a_hidden_one_is_unknown(void **state)
{
    (void)state;
    nb_taylor t;
    double base = 0;
    assert_ok(nb_taylor_check(straight, straight_slope, NULL, &base, 2, point, NULL, &t));
    assert_int_equal(t.verdict, NB_GRADIENT_RIGHT);
    assert_true(isinf(t.rate[1]));
    base = 1e20;
    assert_ok(nb_taylor_check(straight, straight_slope, NULL, &base, 2, point, NULL, &t));
    assert_int_equal(t.verdict, NB_GRADIENT_UNKNOWN);
}

static void second_derivatives_are_compared_and_symmetric(void **state)
{
    (void)state;
    for (slip s = right; s <= not_symmetric; s++) {
        nb_second r;
        assert_ok(nb_second_check(gradient, curvature, &s, 3, point, &r));
        assert_int_equal(r.verdict, s == right ? NB_GRADIENT_RIGHT : NB_GRADIENT_WRONG);
        if (s == right) assert_near(r.difference, r.product, 1e-9 * fabs(r.product));
        assert_int_equal(r.asymmetry > 1e-7, s == not_symmetric);
    }
}

/* --- vectors ---------------------------------------------------------------------------------- */

static void map(size_t n, const double *x, size_t m, void *context, double *y)
{
    (void)context;
    for (size_t i = 0; i < m; i++)
        for (size_t j = (y[i] = 0, 0); j < n; j++) y[i] += sin((double)(i + 1) * x[j]);
}

static void jacobian(size_t n, const double *x, size_t m, void *context, double *J)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) J[i * n + j] = (double)(i + 1) * cos((double)(i + 1) * x[j]);
    if (*(const bool *)context) J[1 * n + 2] *= -1;
}

static void the_wrong_element_of_a_jacobian_is_found(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        bool context = wrong;
        nb_gradient_report report;
        assert_ok(nb_jacobian_check(map, jacobian, &context, 3, 4, point, NULL, &report));
        assert_int_equal(report.count, 4);
        assert_string_equal(report.row[1].name, "y[1]");
        assert_int_equal(report.tally[NB_WRONG], wrong);
        assert_int_equal(report.row[1].tally[NB_WRONG], wrong);
        if (wrong) assert_int_equal(report.row[1].listed[NB_WRONG][0].index, 2);
        assert_int_equal(nb_gradient_report_verdict(&report), wrong);
        nb_gradient_report_destroy(&report);
    }
}

static void forward_mode(size_t n, const double *x, size_t m, const double *v, void *context,
                         double *out)
{
    double J[12];
    jacobian(n, x, m, context, J);
    for (size_t i = 0; i < m; i++)
        for (size_t j = (out[i] = 0, 0); j < n; j++) out[i] += J[i * n + j] * v[j];
}

static void backward_mode(size_t n, const double *x, size_t m, const double *c, void *context,
                          double *out)
{
    double J[12];
    (void)context;
    jacobian(n, x, m, &(bool){false}, J);
    for (size_t j = 0; j < n; j++)
        for (size_t i = (out[j] = 0, 0); i < m; i++) out[j] += J[i * n + j] * c[i];
}

static void forward_and_backward_mode_are_of_one_jacobian(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        bool context = wrong;
        nb_adjoint a;
        assert_ok(nb_adjoint_check(forward_mode, backward_mode, &context, 3, 4, point, &a));
        assert_int_equal(a.agrees, !wrong);
        if (!wrong) assert_true(fabs(a.forward - a.backward) <= 4e-16 * a.terms);
    }
}

/* --- complex numbers -------------------------------------------------------------------------- */

typedef struct stepped {
    double factor;
    bool rough; /* not analytic */
} stepped;

static void complex_f(size_t n, const nb_complex *z, void *context, nb_complex *value)
{
    const stepped *s = context;
    (void)n;
    *value = 1e8 + cexp(z[0]) * csin(z[1]) + (s->rough ? cabs(z[2]) : z[2]);
}

static void complex_gradient(size_t n, const double *x, void *context, double *g)
{
    (void)n;
    g[0] = exp(x[0]) * sin(x[1]);
    g[1] = exp(x[0]) * cos(x[1]) * ((const stepped *)context)->factor;
    g[2] = 1;
}

static void the_complex_step_sees_one_part_in_a_million_million(void **state)
{
    (void)state;
    static const stepped cases[] = {{1, false}, {1 + 3e-12, false}, {-1, false}, {1, true}};
    static const nb_reason want[] = {NB_AGREES, NB_WRONG, NB_WRONG, NB_UNRESOLVED};
    for (size_t i = 0; i < COUNT(cases); i++) {
        stepped s = cases[i];
        nb_gradient_report report;
        assert_ok(nb_complex_check(complex_f, complex_gradient, &s, 3, point, &report));
        assert_int_equal(report.tally[want[i]], i ? 1 : 3);
        assert_int_equal(nb_gradient_report_verdict(&report), i == 0 ? 0 : i < 3 ? 1 : 2);
        nb_gradient_report_destroy(&report);
    }
}

/* --- each element, misuse --------------------------------------------------------------------- */

static void count_each(void *context, const char *name, nb_reason reason,
                       const nb_gradient_element *e)
{
    size_t *count = context;
    assert_string_equal(name, "x");
    assert_int_equal(reason, NB_AGREES);
    assert_int_equal(e->index, *count);
    assert_true(e->noise >= 0 && e->noise <= e->seen && e->seen <= 1e-3 * fabs(e->analytic));
    ++*count;
}

static void each_element_is_told(void **state)
{
    (void)state;
    nb_gradient_report report;
    slip s = right;
    size_t count = 0;
    nb_check_options o = NB_CHECK_DEFAULTS;
    o.each = count_each;
    o.context = &count;
    assert_ok(nb_function_check(f, gradient, &s, 3, point, &o, &report));
    assert_int_equal(count, 3);
    nb_gradient_report_destroy(&report);
}

static void misuse_and_lack_of_memory_are_answered(void **state)
{
    (void)state;
    nb_gradient_report report;
    nb_taylor t;
    nb_second r;
    nb_adjoint a;
    slip s = right;
    stepped z = {1, false};
    bool wrong = false;
    assert_fails(NB_EINVAL, "nb_taylor_check",
                 nb_taylor_check(NULL, gradient, NULL, &s, 3, point, NULL, &t));
    assert_fails(NB_EINVAL, "nb_taylor_check",
                 nb_taylor_check(f, gradient, NULL, &s, 3, point, NULL, NULL));
    assert_fails(NB_EINVAL, "nb_second_check", nb_second_check(gradient, NULL, &s, 3, point, &r));
    assert_fails(NB_EINVAL, "nb_adjoint_check",
                 nb_adjoint_check(NULL, backward_mode, NULL, 3, 4, point, &a));
    assert_fails(NB_EINVAL, "nb_jacobian_check",
                 nb_jacobian_check(NULL, jacobian, NULL, 3, 4, point, NULL, &report));
    assert_fails(NB_EINVAL, "nb_complex_check",
                 nb_complex_check(complex_f, NULL, &z, 3, point, &report));
    for (int k = 0; k < 5; k++) {
        size_t fail_at = 0;
        nb_status status;
        do {
            report = (nb_gradient_report){0};
            support_allocator_start(++fail_at);
            status =
                k == 0   ? nb_taylor_check(f, gradient, NULL, &s, 3, point, NULL, &t)
                : k == 1 ? nb_second_check(gradient, curvature, &s, 3, point, &r)
                : k == 2 ? nb_adjoint_check(forward_mode, backward_mode, &wrong, 3, 4, point, &a)
                : k == 3 ? nb_jacobian_check(map, jacobian, &wrong, 3, 4, point, NULL, &report)
                         : nb_complex_check(complex_f, complex_gradient, &z, 3, point, &report);
            nb_gradient_report_destroy(&report);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
            assert_memory_status(status);
        } while (status);
        assert_true(fail_at > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_tell_which_derivative_is_wrong),
        cmocka_unit_test(a_straight_line_leaves_nothing_and_a_hidden_one_is_unknown),
        cmocka_unit_test(second_derivatives_are_compared_and_symmetric),
        cmocka_unit_test(the_wrong_element_of_a_jacobian_is_found),
        cmocka_unit_test(forward_and_backward_mode_are_of_one_jacobian),
        cmocka_unit_test(the_complex_step_sees_one_part_in_a_million_million),
        cmocka_unit_test(each_element_is_told),
        cmocka_unit_test(misuse_and_lack_of_memory_are_answered),
    };
    return cmocka_run_group_tests_name("check_vector", tests, NULL, NULL);
}
