#include "numeric_fixtures.h"

#include "nablas/numeric.h"

#include <math.h>

/* ---- The textbook's numbers, chapter 4. Complete digits are compared to the bit; they are what
 * the book's code gives under NumPy 1.24.2. ---- */

static double function_1(double x, void *context)
{
    (void)context;
    return 0.01 * (x * x) + 0.1 * x;
}

/* function_2 with the other argument held at *context. */
static double function_tmp(double x, void *context)
{
    const double *other = context;
    return x * x + *other * *other;
}

static void the_books_derivatives(void **state)
{
    (void)state;
    double three = 3, four = 4;
    assert_true(nb_numerical_diff(function_1, NULL, 5) == 0.1999999999990898);
    assert_true(nb_numerical_diff(function_1, NULL, 10) == 0.2999999999986347);
    assert_true(nb_numerical_diff(function_tmp, &four, 3) == 6.00000000000378);
    assert_true(nb_numerical_diff(function_tmp, &three, 4) == 7.999999999999119);
}

static void the_books_forward_and_bad_differences(void **state)
{
    (void)state;
    assert_true(nb_numerical_diff_forward(function_1, NULL, 5, 1e-4) == 0.20000099999917254);
    assert_true(nb_numerical_diff_forward(function_1, NULL, 10, 1e-4) == 0.3000009999976072);
    assert_true(nb_numerical_diff_bad(function_1, NULL, 5) == 0);
    assert_true(nb_numerical_diff_bad(function_1, NULL, 10) == 0);
    /* At 0, x + h is h. */
    assert_true(nb_numerical_diff_bad(function_1, NULL, 0) == 0.1);
}

static void the_books_gradients(void **state)
{
    (void)state;
    static const struct {
        double x[2], gradient[2];
    } cases[] = {
        {{3, 4}, {6.00000000000378, 7.999999999999119}},
        {{0, 2}, {0, 4.000000000004}},
        {{3, 0}, {6.000000000012662, 0}},
        {{1, 2}, {1.9999999999997797, 4.000000000004}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x[2] = {cases[i].x[0], cases[i].x[1]}, gradient[2];
        nb_numerical_gradient(function_2, NULL, 2, x, gradient);
        assert_memory_equal(gradient, cases[i].gradient, sizeof gradient);
        assert_memory_equal(x, cases[i].x, sizeof x);
    }
}

static void the_books_descents(void **state)
{
    (void)state;
    static const struct {
        double begin[2], lr;
        size_t steps;
        double end[2];
    } cases[] = {
        {{-3, 4}, 0.1, 100, {-6.111107928998789e-10, 8.148143905314271e-10}},
        {{2, 2}, 0.1, 100, {4.074071952684763e-10, 4.074071952684763e-10}},
        {{-3, 4}, 0.1, 20, {-0.03458764513817675, 0.04611686018418694}},
        {{-3, 4}, 10, 100, {-25898374737328.363, -1295248616896.5398}},
        {{-3, 4}, 1e-10, 100, {-2.999999939999995, 3.9999999199999934}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x[2] = {cases[i].begin[0], cases[i].begin[1]};
        assert_ok(nb_gradient_descent(function_2, NULL, 2, x, cases[i].lr, cases[i].steps, NULL));
        assert_memory_equal(x, cases[i].end, sizeof x);
    }
}

/* The loss of simpleNet, its 2x3 weights as the variable: -log(softmax(x W)[t] + *context). */
static double simple_net_loss(size_t n, const double *w, void *context)
{
    static const double x[2] = {0.6, 0.9};
    const double *epsilon = context;
    double y[3], max, sum = 0;
    assert_int_equal(n, 6);
    for (size_t j = 0; j < 3; j++) y[j] = x[0] * w[j] + x[1] * w[3 + j];
    max = fmax(y[0], fmax(y[1], y[2]));
    for (size_t j = 0; j < 3; j++) sum += y[j] = exp(y[j] - max);
    return -log(y[2] / sum + *epsilon);
}

/* As the two printed runs: all digits that the book shows. */
static void the_books_simple_net(void **state)
{
    (void)state;
    static const struct {
        double w[6], dw[6];
    } cases[] = {
        {{0.47355232, 0.9977393, 0.84668094, 0.85557411, 0.03563661, 0.69422093},
         {0.21924763, 0.14356247, -0.36281009, 0.32887144, 0.2153437, -0.54421514}},
        {{-0.31211728, 0.81783696, 1.0369602, -0.35531326, -0.40729509, 1.30223118},
         {0.0466332, 0.08766316, -0.13429636, 0.06994981, 0.13149474, -0.20144454}},
    };
    static double epsilon[] = {0, 1e-7}; /* which of the two logarithms each run took */
    for (size_t i = 0; i < COUNT(cases); i++) {
        double w[6], dw[6];
        memcpy(w, cases[i].w, sizeof w);
        nb_numerical_gradient(simple_net_loss, &epsilon[i], 6, w, dw);
        for (size_t k = 0; k < 6; k++) assert_near(dw[k], cases[i].dw[k], 5.1e-9);
    }
}

/* ---- Properties ---- */

typedef struct cubic {
    double a, b, c, d;
} cubic;

static double cubic_at(double x, void *context)
{
    const cubic *p = context;
    return ((p->a * x + p->b) * x + p->c) * x + p->d;
}

/* What rounding may do to a difference with step h of p, at most |x| from 0: Horner's rule rounds 6
 * times, the quotient and what it is compared to less than 8 times. */
static double rounding(const cubic *p, double x, double h)
{
    double f = ((fabs(p->a) * x + fabs(p->b)) * x + fabs(p->c)) * x + fabs(p->d);
    double slope = (3 * fabs(p->a) * x + 2 * fabs(p->b)) * x + fabs(p->c);
    return UNIT / h * (6 * f + x * slope) + 8 * UNIT * slope;
}

/* The central difference of a cubic is off by a h^2, the forward one by (3ax + b) h + a h^2;
 * nothing else but rounding. With a = 0, central is exact. */
static void differences_err_as_taylor_says(void **state)
{
    (void)state;
    static const double steps[] = {NB_NUMERICAL_H, 0.1, 1e-6};
    uint64_t seed = 1;
    for (size_t i = 0; i < 300; i++) {
        cubic p = {support_value(&seed), support_value(&seed), support_value(&seed),
                   support_value(&seed)};
        double x = 3 * support_value(&seed), h = steps[i % 3];
        if (i % 2) p.a = 0;
        double slope = (3 * p.a * x + 2 * p.b) * x + p.c;
        double curve = 3 * p.a * x + p.b;
        double larger = fabs(x) + h;
        assert_near(nb_numerical_diff_central(cubic_at, &p, x, h), slope + p.a * h * h,
                    rounding(&p, larger, h));
        assert_near(nb_numerical_diff_forward(cubic_at, &p, x, h), slope + curve * h + p.a * h * h,
                    2 * rounding(&p, larger, h));
        assert_true(nb_numerical_diff(cubic_at, &p, x) ==
                    nb_numerical_diff_central(cubic_at, &p, x, NB_NUMERICAL_H));
    }
}

/* D(sf + tg) = s Df + t Dg. */
static void differences_are_linear(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (size_t i = 0; i < 100; i++) {
        cubic f = {support_value(&seed), support_value(&seed), support_value(&seed),
                   support_value(&seed)};
        cubic g = {support_value(&seed), support_value(&seed), support_value(&seed),
                   support_value(&seed)};
        double s = support_value(&seed), t = support_value(&seed), x = support_value(&seed);
        cubic sum = {s * f.a + t * g.a, s * f.b + t * g.b, s * f.c + t * g.c, s * f.d + t * g.d};
        double bound = rounding(&sum, 1, NB_NUMERICAL_H) +
                       fabs(s) * rounding(&f, 1, NB_NUMERICAL_H) +
                       fabs(t) * rounding(&g, 1, NB_NUMERICAL_H);
        assert_near(nb_numerical_diff(cubic_at, &sum, x),
                    s * nb_numerical_diff(cubic_at, &f, x) + t * nb_numerical_diff(cubic_at, &g, x),
                    bound);
    }
}

enum { LARGEST = 7 };

typedef struct quadratic {
    double a[LARGEST][LARGEST], b[LARGEST];
} quadratic;

/* x'Ax + b'x */
static double quadratic_at(size_t n, const double *x, void *context)
{
    const quadratic *q = context;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += q->b[i] * x[i];
        for (size_t j = 0; j < n; j++) sum += x[i] * q->a[i][j] * x[j];
    }
    return sum;
}

/* grad(x'Ax + b'x) = (A + A')x + b, up to rounding: f adds n(n + 1) terms below 1.01, each of
 * two products. */
static void the_gradient_of_a_quadratic_is_exact(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LARGEST; n++) {
        quadratic q;
        double x[LARGEST], gradient[LARGEST], terms = (double)(n * (n + 1));
        support_fill_d(LARGEST * LARGEST, &q.a[0][0], n);
        support_fill_d(LARGEST, q.b, 100 + n);
        support_fill_d(LARGEST, x, 200 + n);
        nb_numerical_gradient(quadratic_at, &q, n, x, gradient);
        for (size_t i = 0; i < n; i++) {
            double expected = q.b[i];
            for (size_t j = 0; j < n; j++) expected += (q.a[i][j] + q.a[j][i]) * x[j];
            assert_near(gradient[i], expected, 1.01 * UNIT / NB_NUMERICAL_H * terms * (terms + 4));
        }
    }
}

typedef struct witness {
    const double *x;
    size_t calls, n;
} witness;

/* Call 2i sees x[i] + h, call 2i + 1 sees x[i] - h, and the rest of x as it was. */
static double watched(size_t n, const double *x, void *context)
{
    witness *w = context;
    size_t i = w->calls / 2;
    double moved = w->calls % 2 ? w->x[i] - 1e-4 : w->x[i] + 1e-4;
    assert_int_equal(n, w->n);
    for (size_t j = 0; j < n; j++)
        assert_memory_equal(&x[j], j == i ? &moved : &w->x[j], sizeof *x);
    w->calls++;
    return x[i] > w->x[i] ? 1 : 0;
}

static void x_is_nudged_one_element_at_a_time(void **state)
{
    (void)state;
    double x[5], before[5], gradient[6] = {[5] = 42};
    support_fill_d(5, x, 3);
    memcpy(before, x, sizeof x);
    witness w = {.x = before, .n = 5};
    nb_numerical_gradient(watched, &w, 5, x, gradient);
    assert_int_equal(w.calls, 10);
    for (size_t i = 0; i < 5; i++) assert_true(gradient[i] == 1 / 2e-4);
    assert_true(gradient[5] == 42);
}

static void x_is_restored_to_the_bit(void **state)
{
    (void)state;
    double x[8], before[COUNT(x)], gradient[COUNT(x)];
    fill_awkward(x);
    memcpy(before, x, sizeof x);
    nb_numerical_gradient(nan_everywhere, NULL, COUNT(x), x, gradient);
    assert_memory_equal(x, before, sizeof x);
    for (size_t i = 0; i < COUNT(x); i++) assert_true(isnan(gradient[i]));
}

static void nothing_to_do_is_no_call(void **state)
{
    (void)state;
    double x[] = {3, 4}, history[] = {0, 0, 42};
    nb_numerical_gradient(never_called, NULL, 0, NULL, NULL);
    assert_ok(nb_gradient_descent(never_called, NULL, 0, NULL, 0.1, 10, NULL));
    assert_ok(nb_gradient_descent(never_called, NULL, 2, x, 0.1, 0, history));
    assert_true(x[0] == 3 && x[1] == 4);
    assert_true(history[0] == 3 && history[1] == 4 && history[2] == 42);
}

static void history_is_the_path(void **state)
{
    (void)state;
    double history[21][2], x[2] = {-3, 4}, y[2] = {-3, 4}, gradient[2], guard = 42;
    assert_ok(nb_gradient_descent(function_2, NULL, 2, x, 0.1, 19, &history[0][0]));
    for (size_t step = 0; step <= 19; step++) {
        assert_memory_equal(history[step], y, sizeof y);
        nb_numerical_gradient(function_2, NULL, 2, y, gradient);
        for (size_t i = 0; i < 2; i++) y[i] -= 0.1 * gradient[i];
    }
    assert_memory_equal(history[19], x, sizeof x);
    /* NumPy's rows 1 and 2. */
    assert_true(history[1][0] == -2.399999999999622 && history[1][1] == 3.200000000000088);
    assert_true(history[2][0] == -1.9199999999982538 && history[2][1] == 2.5599999999976717);
    history[2][0] = guard;
    assert_ok(nb_gradient_descent(function_2, NULL, 2, x, 0.1, 1, &history[0][0]));
    assert_true(history[2][0] == guard);
}

/* The step from 3 with lr = 1e200 ends near -6e200, whose square is Inf; Inf - Inf is NaN. */
static void a_descent_that_leaves_the_numbers_stops(void **state)
{
    (void)state;
    double history[6][2], x[2] = {0, 3};
    assert_fails(NB_EDIVERGED, "nb_gradient_descent: x[0]=",
                 nb_gradient_descent(function_2, NULL, 2, x, 1e200, 5, &history[0][0]));
    assert_non_null(strstr(nb_last_error(), "after step 2, lr=1e+200"));
    assert_true(history[0][1] == 3);
    assert_true(history[1][1] < -5.9e200);
    assert_true(isnan(x[1]));
    for (size_t step = 2; step <= 5; step++) assert_memory_equal(history[step], x, sizeof x);

    double again[2] = {0, 3};
    assert_fails(NB_EDIVERGED, "after step 2",
                 nb_gradient_descent(function_2, NULL, 2, again, 1e200, 5, NULL));
    assert_true(isnan(again[1]));
    double far[2] = {0, 3};
    assert_fails(NB_EDIVERGED, "x[1]=-inf after step 1",
                 nb_gradient_descent(function_2, NULL, 2, far, 1e308, 5, NULL));
}

static void bad_arguments_are_told(void **state)
{
    (void)state;
    const double rates[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    double x[2] = {-3, 4}, history[6] = {42}, gradient[2] = {42}, errors[NB_DIFFS], h = 1;
    for (size_t i = 0; i < COUNT(rates); i++)
        assert_fails(NB_EINVAL, "nb_gradient_descent: lr=",
                     nb_gradient_descent(never_called, NULL, 2, x, rates[i], 2, history));
    assert_fails(NB_EINVAL, "NULL", nb_gradient_descent(NULL, NULL, 2, x, .1, 2, history));
    assert_fails(NB_EINVAL, "NULL",
                 nb_gradient_descent(never_called, NULL, 2, NULL, .1, 2, history));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_gradient(NULL, NULL, 2, x, gradient));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_gradient(never_called, NULL, 2, NULL, gradient));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_gradient(never_called, NULL, 2, x, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_diff_errors(NULL, NULL, 1, 1, 1, &h, errors));
    assert_fails(NB_EINVAL, "NULL",
                 nb_numerical_diff_errors(function_1, NULL, 1, 1, 1, NULL, errors));
    assert_fails(NB_EINVAL, "NULL", nb_numerical_diff_errors(function_1, NULL, 1, 1, 1, &h, NULL));
    assert_true(x[0] == -3 && x[1] == 4 && history[0] == 42 && gradient[0] == 42);
    assert_true(isnan(nb_numerical_diff(NULL, NULL, 1)));
    assert_true(isnan(nb_numerical_diff_central(NULL, NULL, 1, 1)));
    assert_true(isnan(nb_numerical_diff_forward(NULL, NULL, 1, 1)));
    assert_true(isnan(nb_numerical_diff_bad(NULL, NULL, 1)));
    assert_true(isnan(nb_numerical_diff_richardson(NULL, NULL, 1, 1, &h)) && isnan(h));
}

static void memory_is_taken_once(void **state)
{
    (void)state;
    double x[2] = {-3, 4}, history[8] = {42};
    support_allocator_start(1);
    nb_status status = nb_gradient_descent(function_2, NULL, 2, x, 0.1, 3, history);
    support_allocator_stop();
    assert_fails(NB_ENOMEM, "nb_alloc", status);
    assert_true(x[0] == -3 && x[1] == 4 && history[0] == 42);

    support_allocator_start(0);
    status = nb_gradient_descent(function_2, NULL, 2, x, 0.1, 3, history);
    support_allocator_stop();
    assert_ok(status);
    assert_int_equal(support_memory.taken, 1);
    assert_int_equal(support_memory.live, 0);
}

/* ---- Richardson's extrapolation, and the errors of all kinds against the step. ---- */

static double sine(double x, void *context)
{
    (void)context;
    return sin(x);
}

static void richardson_is_of_order_four(void **state)
{
    (void)state;
    const double x = .7, fifth = cos(x);
    for (double h = .5; h > .02; h /= 2) {
        double error;
        const double d = nb_numerical_diff_richardson(sine, NULL, x, h, &error);
        const double truncation = h * h * h * h / 480 * fabs(fifth);
        assert_near(d, cos(x), 1.1 * truncation);
        assert_true(fabs(d - cos(x)) > .8 * truncation);
        /* The estimate is the error of the central difference it began with. */
        const double half = fabs(nb_numerical_diff_central(sine, NULL, x, h / 2) - cos(x));
        assert_true(error > .9 * half && error < 1.1 * half);
        assert_true(d == nb_numerical_diff_richardson(sine, NULL, x, h, NULL));
    }
    assert_near(nb_numerical_diff_richardson(sine, NULL, x, 1e-3, NULL), cos(x), 1e-12);
}

/* The book's function_1 at 5 in single precision: 0.2002716 for 0.2. */
static void the_errors_form_a_v(void **state)
{
    (void)state;
    enum { n = 12 };
    double h[n], errors[NB_DIFFS][n];
    for (int i = 0; i < n; i++) h[i] = pow(10, -i);
    nb_numerical_diff_errors(function_1, NULL, 5, .2, n, h, errors[0]);
    assert_near(errors[NB_DIFF_CENTRAL_SINGLE][4], .0002716, 1e-7);
    assert_near(errors[NB_DIFF_FORWARD][4], 1e-6, 1e-11);
    assert_true(errors[NB_DIFF_CENTRAL][4] == fabs(0.1999999999990898 - .2));

    nb_numerical_diff_errors(sine, NULL, .7, cos(.7), n, h, errors[0]);
    static const double best[NB_DIFFS][2] = {[NB_DIFF_FORWARD_SINGLE] = {1e-5, 1e-3},
                                             [NB_DIFF_CENTRAL_SINGLE] = {1e-8, 3e-4},
                                             [NB_DIFF_FORWARD] = {1e-11, 1e-7},
                                             [NB_DIFF_CENTRAL] = {1e-14, 1e-9},
                                             [NB_DIFF_RICHARDSON] = {0, 1e-11}};
    for (size_t k = 0; k < NB_DIFFS; k++) {
        double least = 1;
        for (size_t i = 0; i < n; i++) least = fmin(least, errors[k][i]);
        assert_true(least >= best[k][0] && least < best[k][1]);
        assert_true(errors[k][0] > 10 * least && errors[k][n - 1] > 10 * least);
        assert_true(*nb_diff_name((nb_diff)k));
    }
    assert_string_equal(nb_diff_name(NB_DIFF_FORWARD), "forward, float64");
    assert_string_equal(nb_diff_name(NB_DIFFS), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_derivatives),
        cmocka_unit_test(the_books_forward_and_bad_differences),
        cmocka_unit_test(the_books_gradients),
        cmocka_unit_test(the_books_descents),
        cmocka_unit_test(the_books_simple_net),
        cmocka_unit_test(differences_err_as_taylor_says),
        cmocka_unit_test(differences_are_linear),
        cmocka_unit_test(the_gradient_of_a_quadratic_is_exact),
        cmocka_unit_test(x_is_nudged_one_element_at_a_time),
        cmocka_unit_test(x_is_restored_to_the_bit),
        cmocka_unit_test(nothing_to_do_is_no_call),
        cmocka_unit_test(history_is_the_path),
        cmocka_unit_test(a_descent_that_leaves_the_numbers_stops),
        cmocka_unit_test(bad_arguments_are_told),
        cmocka_unit_test(memory_is_taken_once),
        cmocka_unit_test(richardson_is_of_order_four),
        cmocka_unit_test(the_errors_form_a_v),
    };
    return cmocka_run_group_tests_name("numeric", tests, NULL, NULL);
}
