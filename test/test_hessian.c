#include "numeric_fixtures.h"

#include "nablas/hessian.h"

#include <math.h>

#define STEP 0x1p-13 /* where |x| < 1 */

static double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double valley = x[1] - x[0] * x[0], far = 1 - x[0];
    return 100 * (valley * valley) + far * far;
}

enum { LARGEST = 7 };

/* x'Ax / 2 + b'x, A symmetric positive definite. */
typedef struct quadratic {
    double a[LARGEST][LARGEST], b[LARGEST];
} quadratic;

static double quadratic_at(size_t n, const double *x, void *context)
{
    const quadratic *q = context;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += q->b[i] * x[i];
        for (size_t j = 0; j < n; j++) sum += x[i] * q->a[i][j] * x[j] / 2;
    }
    return sum;
}

/* A = M M' + I, b below 1. */
static quadratic quadratic_of(size_t n, uint64_t seed)
{
    quadratic q;
    double m[LARGEST][LARGEST];
    support_fill_d(LARGEST * LARGEST, &m[0][0], seed);
    support_fill_d(LARGEST, q.b, seed + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            q.a[i][j] = i == j;
            for (size_t k = 0; k < n; k++) q.a[i][j] += m[i][k] * m[j][k];
        }
    return q;
}

/* ---- the Hessian ---- */

static void the_books_function_is_exact(void **state)
{
    (void)state;
    static const double points[][2] = {{-3, 4}, {0, 0}, {3, 0}, {0, 2}, {1, 2}, {-0.5, 1024}};
    for (size_t i = 0; i < COUNT(points); i++) {
        double x[2] = {points[i][0], points[i][1]}, H[5] = {[4] = 42};
        nb_numerical_hessian(function_2, NULL, 2, x, H);
        assert_true(H[0] == 2 && H[1] == 0 && H[2] == 0 && H[3] == 2 && H[4] == 42);
        assert_memory_equal(x, points[i], sizeof x);
    }
}

/* Truncation is 0; four values of f, each with n(n+2) roundings of terms below S. */
static void the_hessian_of_a_quadratic_is_exact(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LARGEST; n++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            quadratic q = quadratic_of(n, 10 * seed);
            double x[LARGEST], H[LARGEST * LARGEST], terms = 0;
            support_fill_d(n, x, 7 * seed);
            nb_numerical_hessian(quadratic_at, &q, n, x, H);
            for (size_t i = 0; i < n; i++) {
                terms += fabs(q.b[i]);
                for (size_t j = 0; j < n; j++) terms += fabs(q.a[i][j]) / 2;
            }
            const double bound = UNIT / (STEP * STEP) * (double)(n * (n + 2)) * terms;
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                    assert_near(H[i * n + j], q.a[i][j], bound);
                    assert_true(H[i * n + j] == H[j * n + i]);
                }
        }
}

/* f_00 = 1200 x0^2 - 400 x1 + 2 (f_0000 = 2400), f_01 = -400 x0 (f_0001 = 0), f_11 = 200. */
static void rosenbrocks_hessian_errs_as_taylor_says(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (size_t i = 0; i < 200; i++) {
        double x[2] = {support_value(&seed), support_value(&seed)}, H[4];
        nb_numerical_hessian(rosenbrock, NULL, 2, x, H);
        const double h2 = STEP * STEP, rounding = 8 * UNIT / h2 * 410;
        assert_near(H[0], 1200 * x[0] * x[0] - 400 * x[1] + 2 + h2 / 3 * 2400, rounding);
        assert_near(H[1], -400 * x[0], rounding);
        assert_near(H[3], 200, rounding);
    }
}

static double fourth_powers(size_t n, const double *x, void *context)
{
    (void)context;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i] * (x[i] * x[i]);
    return sum;
}

/* Half of the digits at 1 and at 1e30. */
static void the_step_grows_with_x(void **state)
{
    (void)state;
    for (double scale = 1.3; scale < 1e30; scale *= 1e3) {
        double x[1] = {-scale}, H[1];
        nb_numerical_hessian(fourth_powers, NULL, 1, x, H);
        assert_near(H[0] / (12 * scale * scale), 1, 4e-8);
    }
}

static void x_is_restored_to_the_bit(void **state)
{
    (void)state;
    double x[8], before[COUNT(x)], H[COUNT(x) * COUNT(x)];
    fill_awkward(x);
    memcpy(before, x, sizeof x);
    nb_numerical_hessian(nan_everywhere, NULL, COUNT(x), x, H);
    assert_memory_equal(x, before, sizeof x);
    for (size_t i = 0; i < COUNT(H); i++) assert_true(isnan(H[i]));
}

static void nothing_to_do_is_no_call(void **state)
{
    (void)state;
    double x[] = {3, 4}, history[] = {0, 0, 42};
    nb_numerical_hessian(never_called, NULL, 0, NULL, NULL);
    assert_ok(nb_newton(never_called, NULL, 0, NULL, 10, NULL));
    assert_ok(nb_newton(never_called, NULL, 2, x, 0, history));
    assert_true(x[0] == 3 && x[1] == 4 && history[0] == 3 && history[1] == 4 && history[2] == 42);
}

/* ---- Newton's method ---- */

/* The gradient's error u/h |f| = 1e-12 * 25 over the curvature 2. */
static void newton_solves_the_books_function_in_one_step(void **state)
{
    (void)state;
    double x[2] = {-3, 4}, history[4][2];
    assert_ok(nb_newton(function_2, NULL, 2, x, 3, &history[0][0]));
    assert_true(history[0][0] == -3 && history[0][1] == 4);
    for (size_t i = 0; i < 2; i++) {
        assert_near(history[1][i], 0, UNIT / NB_NUMERICAL_H * 25);
        assert_near(history[2][i], 0, 1e-19);
        assert_true(history[3][i] == x[i]);
    }
}

/* After one step the gradient is 0 up to rounding: |H dx| <= error of gradient and of H. */
static void newton_solves_a_quadratic_in_one_step(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LARGEST; n++) {
        quadratic q = quadratic_of(n, n);
        double x[LARGEST];
        support_fill_d(n, x, n + 50);
        assert_ok(nb_newton(quadratic_at, &q, n, x, 1, NULL));
        for (size_t i = 0; i < n; i++) {
            double gradient = q.b[i];
            for (size_t j = 0; j < n; j++) gradient += q.a[i][j] * x[j];
            assert_near(gradient, 0, 1e-6);
        }
    }
}

/* Rosenbrock's function from its usual start; the values are those of exact derivatives (NumPy).
 * The second step is long, over a nearly singular Hessian: it makes 1e-4 out of errors of 1e-8. */
static void newton_finds_rosenbrocks_minimum(void **state)
{
    (void)state;
    static const double values[] = {24.199999999999996, 4.731884325266608, 1411.8451793099266,
                                    0.05596551683387304, 0.3131890761158417};
    double x[2] = {-1.2, 1}, history[9][2];
    assert_ok(nb_newton(rosenbrock, NULL, 2, x, 8, &history[0][0]));
    for (size_t i = 0; i < COUNT(values); i++)
        assert_near(rosenbrock(2, history[i], NULL) / values[i], 1, i < 2 ? 1e-6 : 1e-3);
    assert_near(history[1][0], -1.1752809, 1e-7);
    assert_near(history[1][1], 1.38067416, 1e-7);
    assert_true(rosenbrock(2, history[5], NULL) < 1e-10);
    assert_near(x[0], 1, 1e-5); /* f''' h^2 / 6 = 4e-6 in the gradient, over 0.4 */
    assert_near(x[1], 1, 2e-5);
}

static double saddle(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] - x[1] * x[1];
}

static double hill_beyond_1(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] / 2 - x[0] * x[0] * (x[0] * x[0]) / 12; /* second derivative 1 - x^2 */
}

static void newton_stops_where_there_is_no_minimum(void **state)
{
    (void)state;
    double x[2] = {1, 1}, history[4][2];
    assert_fails(NB_ESINGULAR, "nb_newton: the Hessian after step 0 is not positive definite",
                 nb_newton(saddle, NULL, 2, x, 3, &history[0][0]));
    for (size_t i = 0; i < 4; i++) assert_true(history[i][0] == 1 && history[i][1] == 1);

    /* From .95 the first step goes to x - (x - x^3/3) / (1 - x^2) = -5.86, beyond the hill. */
    double y[1] = {0.95}, path[4];
    assert_fails(NB_ESINGULAR, "after step 1", nb_newton(hill_beyond_1, NULL, 1, y, 3, path));
    assert_near(y[0], 0.95 - (0.95 - 0.95 * 0.95 * 0.95 / 3) / (1 - 0.95 * 0.95), 1e-5);
    assert_true(path[0] == 0.95 && path[1] == y[0] && path[2] == y[0] && path[3] == y[0]);
}

/* Within the step of the gradient a cliff, within that of the Hessian a bowl. */
static double cliff(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    if (x[0] == 0) return 0;
    return fabs(x[0]) > NB_NUMERICAL_H ? x[0] * x[0] : copysign(1e305, x[0]);
}

static void newton_tells_what_is_not_finite(void **state)
{
    (void)state;
    double x[2] = {1, 1}, y[1] = {0}, path[3];
    assert_fails(NB_EDIVERGED, "A[0][0]=", nb_newton(nan_everywhere, NULL, 2, x, 3, NULL));
    assert_true(x[0] == 1 && x[1] == 1);
    assert_fails(NB_EDIVERGED, "nb_newton: x[0]=-inf after step 1",
                 nb_newton(cliff, NULL, 1, y, 2, path));
    assert_true(path[0] == 0 && isinf(path[1]) && isinf(path[2]) && isinf(y[0]));
}

/* (x - 1)' Q (x - 1) / 2, Q_ij = 1 / (i + j + 1). */
static double hilbert(size_t n, const double *x, void *context)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) sum += (x[i] - 1) * (x[j] - 1) / (double)(i + j + 1) / 2;
    return sum + (context ? *(double *)context : 0);
}

/* Hilbert's matrix has the least eigenvalue 1e-7 for n = 6, 3e-9 for n = 7. The error of the
 * numerical Hessian is about 7e-9 |f|: from n = 7 on, or where a constant stands before f, a step
 * would be one into nowhere. NB_OK is arriving. */
static void newton_arrives_or_says_that_it_cannot(void **state)
{
    (void)state;
    double offsets[] = {0, 1, 30, -1e3};
    size_t arrived = 0;
    for (size_t n = 2; n <= 10; n++)
        for (size_t k = 0; k < COUNT(offsets); k++)
            for (uint64_t seed = 1; seed <= 20; seed++) {
                double x[10];
                support_fill_d(n, x, seed);
                const nb_status status = nb_newton(hilbert, &offsets[k], n, x, 6, NULL);
                if (n >= 7 || (n == 6 && k > 1)) assert_int_equal(status, NB_ESINGULAR);
                if (n <= 4 && k < 3) assert_ok(status);
                if (status) {
                    assert_fails(NB_ESINGULAR, "is not positive definite: its least", status);
                    continue;
                }
                /* What the gradient's error, u / h |f| and a few of its roundings, leaves. */
                double gradient[10];
                const double error = 16 * UNIT / NB_NUMERICAL_H * fabs(offsets[k]) + 1e-13;
                for (size_t i = 0; i < n; i++) {
                    gradient[i] = 0;
                    for (size_t j = 0; j < n; j++) gradient[i] += (x[j] - 1) / (double)(i + j + 1);
                    assert_near(gradient[i], 0, error);
                }
                arrived++;
            }
    assert_true(arrived > 100);
}

static void bad_arguments_are_told(void **state)
{
    (void)state;
    double x[2] = {3, 4}, H[4] = {42};
    assert_fails(NB_EINVAL, "NULL", nb_numerical_hessian(NULL, NULL, 2, x, H));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_hessian(never_called, NULL, 2, NULL, H));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_hessian(never_called, NULL, 2, x, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_newton(NULL, NULL, 2, x, 1, H));
    assert_fails(NB_EINVAL, "NULL", nb_newton(never_called, NULL, 2, NULL, 1, H));
    assert_fails(NB_EOVERFLOW, "nb_newton: n=", nb_newton(never_called, NULL, SIZE_MAX, x, 1, H));
    assert_true(x[0] == 3 && x[1] == 4 && H[0] == 42);
}

static void memory_that_is_refused_is_told(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 6; k++) {
        double x[2] = {-3, 4}, history[3][2];
        support_allocator_start(k);
        const nb_status status = nb_newton(function_2, NULL, 2, x, 2, &history[0][0]);
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(support_memory.live, 0);
        if (k == 6) {
            assert_ok(status);
            assert_int_equal(support_memory.taken, 5); /* its own, and two for each system */
            break;
        }
        assert_fails(NB_ENOMEM, "nb_alloc", status);
        assert_true(history[0][0] == -3 && history[0][1] == 4);
        assert_memory_equal(history[2], x, sizeof x);
        assert_true((x[0] == -3) == (k < 4));
    }
}

/* ---- the stability limit of gradient descent ---- */

/* On a quadratic descent multiplies an eigenvector's share by 1 - lr lambda: it converges below
 * 2 / lambda_max and leaves above. */
static void descent_is_stable_up_to_2_over_the_largest_eigenvalue(void **state)
{
    (void)state;
    static quadratic q = {{{2, 1}, {1, 3}}, {0, 0}};
    const double limit = 2 / ((5 + sqrt(5)) / 2);
    for (int above = 0; above <= 1; above++) {
        double x[2] = {1, 1};
        const double lr = limit * (above ? 1.01 : 0.99);
        assert_ok(nb_gradient_descent(quadratic_at, &q, 2, x, lr, 1000, NULL));
        if (above)
            assert_true(hypot(x[0], x[1]) > 1e6);
        else
            assert_true(hypot(x[0], x[1]) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_function_is_exact),
        cmocka_unit_test(the_hessian_of_a_quadratic_is_exact),
        cmocka_unit_test(rosenbrocks_hessian_errs_as_taylor_says),
        cmocka_unit_test(the_step_grows_with_x),
        cmocka_unit_test(x_is_restored_to_the_bit),
        cmocka_unit_test(nothing_to_do_is_no_call),
        cmocka_unit_test(newton_solves_the_books_function_in_one_step),
        cmocka_unit_test(newton_solves_a_quadratic_in_one_step),
        cmocka_unit_test(newton_finds_rosenbrocks_minimum),
        cmocka_unit_test(newton_stops_where_there_is_no_minimum),
        cmocka_unit_test(newton_tells_what_is_not_finite),
        cmocka_unit_test(newton_arrives_or_says_that_it_cannot),
        cmocka_unit_test(bad_arguments_are_told),
        cmocka_unit_test(memory_that_is_refused_is_told),
        cmocka_unit_test(descent_is_stable_up_to_2_over_the_largest_eigenvalue),
    };
    return cmocka_run_group_tests_name("hessian", tests, NULL, NULL);
}
