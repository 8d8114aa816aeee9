/* Operations and callbacks, checked without a graph of the caller's. */
#include "check_fixtures.h"

#include <math.h>

/* --- operations ------------------------------------------------------------------------------- */

static void every_operation_passes(void **state)
{
    (void)state;
    static const double one_hot[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1};
    static const nb_operand x = {.shape = {2, {4, 3}}};
    static const nb_operand t = {.shape = {2, {4, 3}}, .value = one_hot, .constant = true};
    const nb_operand W = {.shape = NB_SHAPE(3, 5)}, b = {.shape = NB_SHAPE(5)};
    /* Those that take (4,3); test_gradient_ops has every operation with shapes of its own. */
    static const char *const names[] = {"affine",
                                        "matmul",
                                        "add",
                                        "multiply",
                                        "subtract",
                                        "identity",
                                        "step",
                                        "relu",
                                        "sigmoid",
                                        "tanh",
                                        "gelu",
                                        "softplus",
                                        "exp",
                                        "square",
                                        "abs",
                                        "softmax",
                                        "sum",
                                        "mean",
                                        "squared_error",
                                        "pointwise_loss",
                                        "softmax_cross_entropy"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const nb_op *op = find_op(names[i]);
        nb_operand in[NB_MAX_INPUTS] = {x, x};
        nb_gradient_report report;
        if (strcmp(op->name, "affine") == 0 || strcmp(op->name, "matmul") == 0) in[1] = W;
        if (strcmp(op->name, "affine") == 0) in[2] = b;
        if (strcmp(op->name, "softmax_cross_entropy") == 0) in[1] = t;
        assert_ok(nb_op_check(op, (const double[2]){0}, in, NULL, &report));
        assert_clean(&report);
        assert_int_equal(report.count, op->inputs - in[1].constant);
        assert_string_equal(report.row[0].name, "in[0]");
        assert_int_equal(report.row[0].count, 12);
        const size_t agrees = report.row[0].tally[NB_AGREES];
        if (strcmp(op->name, "step") == 0)
            assert_int_equal(agrees, 0);
        else if (strcmp(op->name, "relu") == 0)
            assert_true(agrees > 3 && agrees < 12);
        else
            assert_int_equal(agrees, 12);
        nb_gradient_report_destroy(&report);
    }
}

static void an_operation_of_ones_own_is_checked(void **state)
{
    (void)state;
    const nb_operand in[] = {
        {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
    static const size_t wrong[][3] = {
        [clean] = {0}, [transposed] = {16}, [no_bias] = {0, 0, 4}, [flipped] = {0, 16, 0}};
    for (int slip = clean; slip <= flipped; slip++) {
        nb_gradient_report report;
        assert_ok(nb_op_check(&planted, &(double){slip}, in, NULL, &report));
        for (size_t i = 0; i < 3; i++) assert_reason(&report.row[i], NB_WRONG, wrong[slip][i]);
        nb_gradient_report_destroy(&report);
    }
    nb_gradient_report report;
    const nb_operand bad[] = {
        {.shape = NB_SHAPE(4, 3)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
    assert_fails(NB_ESHAPE, "affine", nb_op_check(&planted, &(double){0}, bad, NULL, &report));
    assert_true(report.row == NULL && report.count == 0);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void callbacks_are_checked(void **state)
{
    (void)state;
    static const double factors[] = {200, -200, 100, 0, 200.001, (double)NAN};
    for (size_t i = 0; i < COUNT(factors); i++) {
        nb_gradient_report report;
        double factor = factors[i];
        const double x[2] = {-1.2, 1.3};
        assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x, NULL, &report));
        assert_int_equal(report.count, 1);
        assert_int_equal(report.passed, i == 0);
        assert_true(report.value == rosenbrock(2, x, NULL));
        assert_reason(&report.row[0], i < 5 ? NB_WRONG : NB_NOT_FINITE, i > 0);
        if (i > 0 && i < 5) assert_near(report.row[0].ratio, factor / 200, 1e-6);
        nb_gradient_report_destroy(&report);
        assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x,
                                    &(nb_check_options){.h = 1e-3, .richardson = true}, &report));
        assert_int_equal(report.passed, i == 0);
        nb_gradient_report_destroy(&report);
    }
}

typedef struct curve {
    double (*f)(double), (*derivative)(double);
    double scale, factor;
} curve;

static double curve_at(size_t n, const double *x, void *context)
{
    const curve *c = context;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += c->f(c->scale * x[i]);
    return sum;
}

static void curve_gradient(size_t n, const double *x, void *context, double *gradient)
{
    const curve *c = context;
    for (size_t i = 0; i < n; i++)
        gradient[i] = c->factor * c->scale * c->derivative(c->scale * x[i]);
}

static double one_sided(double x)
{
    return x > 0 ? 1 : -1;
}

/* Of the element that comes first only, and hidden by no later one. */
static void nan_first(size_t n, const double *x, void *context, double *gradient)
{
    curve_gradient(n, x, context, gradient);
    gradient[0] = (double)NAN;
}

static void a_nan_is_the_worst(void **state)
{
    (void)state;
    nb_gradient_report report;
    curve c = {sin, cos, 1, 1};
    const double x[3] = {.3, .5, .7};
    assert_ok(nb_function_check(curve_at, nan_first, &c, 3, x, NULL, &report));
    assert_true(isnan(report.row[0].max_abs) && report.row[0].worst == 0);
    assert_reason(&report.row[0], NB_NOT_FINITE, 1);
    assert_int_equal(report.tally[NB_AGREES], 2);
    nb_gradient_report_destroy(&report);
}

/* A quartic that is flat at 0, where curvature and slope vanish together. */
static double quartic(double x)
{
    return x * x * x * x / 4;
}

static double cube(double x)
{
    return x * x * x;
}

static double reciprocal(double x)
{
    return 1 / x;
}

/* sin, known to 1e-8 only. */
static double offset_sin(double x)
{
    return (sin(x) + 1e8) - 1e8;
}

static void curves_pass_and_slips_do_not(void **state)
{
    (void)state;
    static const struct {
        double (*f)(double), (*derivative)(double);
        double scale, x, h;
        nb_reason reason;
    } cases[] = {
        {sin, cos, 1, .7, 1e-4, NB_AGREES},
        {sin, cos, 1, .7, .5, NB_TRUNCATION},
        {sin, cos, 1, .7, 1e-10, NB_ROUNDING},
        {sin, cos, 1e5, .7, 1e-4, NB_TRUNCATION}, /* h sees many periods */
        {exp, exp, 1, 3, 1e-4, NB_AGREES},
        {exp, exp, 20, 1, 1e-4, NB_TRUNCATION},
        {quartic, cube, 1, 0, 1e-4, NB_VACUOUS},
        {quartic, cube, 1, 1e-3, 1e-4, NB_TRUNCATION},
        {offset_sin, cos, 1, .7, 1e-4, NB_ROUNDING}, /* the noise is not u |f| */
        {fabs, one_sided, 1, 2.385, 1e-4, NB_AGREES},
        {fabs, one_sided, 1, 4e-5, 1e-4, NB_KINK},
        {fabs, one_sided, 1, -3e-7, 1e-4, NB_KINK},
        {fabs, one_sided, 1, 0, 1e-4, NB_KINK},
        {log, reciprocal, 1, 5e-5, 1e-4, NB_TRUNCATION}, /* no value at x - h */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int slip = 0; slip < 3; slip++) {
            static const double factors[] = {1, -1.001, 1.001};
            nb_gradient_report report;
            curve c = {cases[i].f, cases[i].derivative, cases[i].scale, factors[slip]};
            const nb_check_options o = {.h = cases[i].h};
            assert_ok(nb_function_check(curve_at, curve_gradient, &c, 1, &cases[i].x, &o, &report));
            const bool same = !slip || cases[i].reason == NB_VACUOUS;
            const nb_reason want = same ? cases[i].reason : NB_WRONG;
            if (report.tally[want] != 1) print_error("case %zu, slip %d\n", i, slip);
            assert_reason(&report.row[0], want, 1);
            nb_gradient_report_destroy(&report);
        }
}

static double zero_at(size_t n, const double *x, void *context)
{
    (void)n, (void)x, (void)context;
    return 0;
}

static void a_null_is_told(void **state)
{
    (void)state;
    const double x = 1;
    nb_gradient_report report;
    memset(&report, 1, sizeof report);
    assert_fails(NB_EINVAL, "nb_function_check: f, gradient or x is NULL",
                 nb_function_check(NULL, curve_gradient, NULL, 1, &x, NULL, &report));
    assert_true(report.row == NULL && report.count == 0);
    assert_fails(NB_EINVAL, "NULL", nb_function_check(zero_at, NULL, NULL, 1, &x, NULL, &report));
    assert_fails(NB_EINVAL, "NULL",
                 nb_function_check(zero_at, curve_gradient, NULL, 1, NULL, NULL, &report));
    assert_fails(NB_EINVAL, "nb_function_check: report is NULL",
                 nb_function_check(zero_at, curve_gradient, NULL, 1, &x, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_passes),
        cmocka_unit_test(an_operation_of_ones_own_is_checked),
        cmocka_unit_test(callbacks_are_checked),
        cmocka_unit_test(a_nan_is_the_worst),
        cmocka_unit_test(curves_pass_and_slips_do_not),
        cmocka_unit_test(a_null_is_told),
    };
    return cmocka_run_group_tests_name("check_function", tests, NULL, NULL);
}
