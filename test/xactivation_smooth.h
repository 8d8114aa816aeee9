/* xactivation_smooth.h - the tests of tanh, leaky relu, elu, gelu and softplus; see xsupport.h. */
#include "xulps.h"

/* Each function with its truth, its slope's truth and the bounds that the header names. Alpha and
 * the leaky slope are numbers whose products are rounded. */
#undef NUMBER
#define NUMBER ((real)0.385)

static void T(elu_of_1)(size_t n, const real *x, real *y)
{
    NB(elu)(n, 1, x, y);
}

static long double T(true_elu)(long double x)
{
    return x > 0 ? x : expm1l(x);
}

static long double T(true_normal)(long double x)
{
    return erfcl(-x * sqrtl(0.5L)) / 2;
}

static long double T(true_gelu)(long double x)
{
    return x == -INFINITY ? 0 : x * T(true_normal)(x);
}

static long double T(true_softplus)(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

static void T(activations_are_within_the_headers_ulp)(void **state)
{
    (void)state;
    T(hold_everywhere)(NB(tanh), tanhl, 3);
    T(hold_everywhere)(T(elu_of_1), T(true_elu), 1.5);
    T(hold_everywhere)(NB(gelu), T(true_gelu), 8);
    T(hold_everywhere)(NB(softplus), T(true_softplus), 2);
}

static void T(activations_at_their_ends)(void **state)
{
    (void)state;
    const real inf = (real)INFINITY, tiny = REAL(TRUE_MIN), zero = (real)-0.0;
    const real x[] = {inf, -inf, 0, zero, -tiny, REAL(MAX), -REAL(MAX), (real)NAN};
    const real tanh[] = {1, -1, 0, zero, -tiny, 1, -1, (real)NAN};
    const real elu[] = {inf, -NUMBER, 0, zero, zero, REAL(MAX), -NUMBER, (real)NAN};
    const real gelu[] = {inf, zero, 0, zero, zero, REAL(MAX), zero, (real)NAN};
    const real ln2 = (real)0.69314718055994530942L;
    const real softplus[] = {inf, 0, ln2, ln2, ln2, REAL(MAX), 0, (real)NAN};
    real y[8];
    NB(tanh)(8, x, y);
    assert_int_equal(T(first_difference)(8, y, tanh), 8);
    NB(elu)(8, NUMBER, x, y);
    for (size_t i = 0; i < 8; i++) assert_true(y[i] == elu[i] || (isnan(y[i]) && i == 7));
    NB(gelu)(8, x, y);
    for (size_t i = 0; i < 8; i++) assert_true(y[i] == gelu[i] || (isnan(y[i]) && i == 7));
    NB(softplus)(8, x, y);
    assert_int_equal(T(first_difference)(8, y, softplus), 8);
    NB(leaky_relu)(8, 0, x, y);
    assert_true(isnan(y[1]) && isnan(y[7])); /* 0 times -Inf */
    assert_true(y[0] == inf && y[4] == 0 && y[6] == 0);
}

static void T(leaky_relu_is_its_formula)(void **state)
{
    (void)state;
    enum { n = 70 };
    real x[n], y[n];
    T(fill)(n, x, 3);
    NB(leaky_relu)(n, NUMBER, x, y);
    for (size_t i = 0; i < n; i++) assert_true(y[i] == (x[i] > 0 ? x[i] : NUMBER * x[i]));
}

/* --- backward -------------------------------------------------------------------------------- */

/* The backward functions with one signature; `a` is what the function takes, x or y. */
typedef void T(backward)(size_t n, const real *a, const real *dy, real beta, real *dx);

static void T(leaky_backward)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(leaky_relu_backward)(n, NUMBER, x, dy, beta, dx);
}

static void T(elu_backward_of_number)(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    NB(elu_backward)(n, NUMBER, x, dy, beta, dx);
}

/* dx is dy times the truth at x, to `bound` epsilon; beta adds; the old dx is not read without it;
 * dx may be dy. More numbers than the kernel's blocks hold. */
static void T(check_backward)(T(backward) * backward, const real *x, const real *a,
                              long double truth(long double), double bound)
{
    enum { n = 600 };
    const real beta = (real)-0.6;
    real dy[n], dx[n + 1], old[n], sum[n];
    T(fill)(n, dy, 22);
    T(fill)(n, old, 23);
    T(fill_nan)(n + 1, dx);
    memcpy(sum, old, sizeof sum);
    backward(n, a, dy, 0, dx);
    backward(n, a, dy, beta, sum);
    for (size_t i = 0; i < n; i++) {
        T(assert_within)(dx[i], truth(x[i]) * dy[i], (long double)bound * REAL(EPSILON), "dx", i);
        assert_true(sum[i] == dx[i] + beta * old[i]);
    }
    assert_true(isnan(dx[n]));
    backward(n, a, dy, 0, dy);
    assert_int_equal(T(first_difference)(n, dy, dx), n);
}

static long double T(tanh_slope)(long double x)
{
    return 1 / (coshl(x) * coshl(x));
}

static long double T(leaky_slope)(long double x)
{
    return x > 0 ? 1 : NUMBER;
}

static long double T(elu_slope)(long double x)
{
    return x > 0 ? 1 : NUMBER * expl(x);
}

static long double T(gelu_slope)(long double x)
{
    return T(true_normal)(x) + x * expl(-x * x / 2) / sqrtl(2 * acosl(-1));
}

static long double T(softplus_slope)(long double x)
{
    return 1 / (1 + expl(-x));
}

static void T(activations_backward_is_the_slope)(void **state)
{
    (void)state;
    enum { n = 600 };
    real x[n], y[n];
    T(fill)(n, x, 21);
    for (size_t i = 0; i < n; i++) x[i] *= 7;
    x[5] = 0; /* the corner of relu's kin: the slope of below */
    x[6] = -40;
    x[7] = 40;
    NB(tanh)(n, x, y);
    T(check_backward)(NB(tanh_backward), x, y, T(tanh_slope), 8);
    T(check_backward)(T(leaky_backward), x, x, T(leaky_slope), 1);
    T(check_backward)(T(elu_backward_of_number), x, x, T(elu_slope), 2);
    T(check_backward)(NB(gelu_backward), x, x, T(gelu_slope), 4);
    T(check_backward)(NB(softplus_backward), x, x, T(softplus_slope), 3);
}

/* The slopes at infinity, where a product of 0 and infinity would be NaN. */
static void T(slopes_have_ends)(void **state)
{
    (void)state;
    const real x[] = {(real)INFINITY, (real)-INFINITY, REAL(MAX), -REAL(MAX)}, dy[] = {1, 1, 1, 1};
    real dx[4];
    NB(gelu_backward)(4, x, dy, 0, dx);
    for (size_t i = 0; i < 4; i++) assert_true(dx[i] == (i % 2 ? 0 : 1));
    NB(softplus_backward)(4, x, dy, 0, dx);
    for (size_t i = 0; i < 4; i++) assert_true(dx[i] == (i % 2 ? 0 : 1));
    NB(elu_backward)(4, NUMBER, x, dy, 0, dx);
    for (size_t i = 0; i < 4; i++) assert_true(dx[i] == (i % 2 ? 0 : 1));
}
