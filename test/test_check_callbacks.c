/* Callbacks that are hard to differentiate: each right slope passes or says why not, no sign error
 * passes, and nothing changes with the unit of x. */
#include "support.h"

#include "checker_callbacks.c"

#include "nablas/random.h"

#include <math.h>

/* Of 90 points: tanh at -15 and exp(-x^2) at 1e-12, whose slopes are lost in the rounding of f. They are
 * not passed, nor are their opposites. */
enum { beyond_double = 2 };

static void right_slopes_pass_and_wrong_ones_do_not(void **state)
{
    (void)state;
    static const double factors[] = {1, -1, 2, .5, 1.001};
    size_t failed = 0;
    for (size_t k = 0; k < hard_points; k++)
        for (size_t f = 0; f < COUNT(factors); f++) {
            nb_gradient_report report;
            const hard_point p = hard_point_at(k);
            assert_ok(hard_check(p, 1, factors[f], &report));
            if (f == 0) failed += !report.passed;
            if (f > 0 && p.curve->slope(p.x) != 0 && report.passed)
                fail_msg("%s at %g, slope times %g", p.curve->name, p.x, factors[f]);
            nb_gradient_report_destroy(&report);
        }
    if (failed > beyond_double) fail_msg("%zu right ones", failed);
}

static void the_unit_of_x_does_not_matter(void **state)
{
    (void)state;
    for (size_t k = 0; k < hard_points; k++) {
        nb_gradient_report report;
        const hard_point p = hard_point_at(k);
        assert_ok(hard_check(p, 1, 1, &report));
        const bool passed = report.passed;
        nb_gradient_report_destroy(&report);
        /* Powers of two, which change no bit of f, where x has a size at all. */
        for (int e = -40; e <= 40; e += 8) {
            if (p.x == 0 || !isfinite(p.curve->slope(p.x) / ldexp(1, e))) continue;
            assert_ok(hard_check(p, ldexp(1, e), 1, &report));
            if (report.passed != passed) fail_msg("%s at %g, 2^%d x", p.curve->name, p.x, e);
            nb_gradient_report_destroy(&report);
            assert_ok(hard_check(p, ldexp(1, e), -1, &report));
            assert_false(report.passed && p.curve->slope(p.x) != 0);
            nb_gradient_report_destroy(&report);
        }
    }
}

/* f(x / c) is noisy, as x / c is rounded: one wave has 6 / (u x) different values. No wrong slope passes. */
static void the_rounding_of_x_hides_no_slope(void **state)
{
    (void)state;
    static const double units[] = {1, 1e-11, 1e-3, .1, 3, 10, 729, 2401, 1e5, 43046721, 1e12};
    static const double slips[] = {-1, 2, .5, 0, 1.001};
    static const struct {
        const char *name;
        double x;
    } cases[] = {{"sine", 1e12},           {"sine", -4.7e11},     {"sine", 7.85e11},
                 {"sine", 1e10},           {"cosine_wave", 1e11}, {"cosine_wave", 6.1e9},
                 {"waves", 1e10},          {"waves", -2.2e11},    {"sine", 1e4},
                 {"cosine_wave", 5764001}, {"logarithm", 1e-12},  {"root", 1e14},
                 {"cubic", 1e12},          {"exponential", 700},  {"hyperbolic", -15}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < COUNT(units); k++) {
            nb_gradient_report report;
            const hard_point p = {hard_curve(cases[i].name), cases[i].x};
            if (!isfinite(p.curve->slope(p.x) / units[k])) continue;
            assert_ok(hard_check(p, units[k], 1, &report));
            if (!report.passed) fail_msg("%s at %g, %g x", p.curve->name, p.x, units[k]);
            nb_gradient_report_destroy(&report);
            for (size_t s = 0; s < COUNT(slips); s++) {
                assert_ok(hard_check(p, units[k], slips[s], &report));
                if (report.passed)
                    fail_msg("%s at %g, %g x, times %g", p.curve->name, p.x, units[k], slips[s]);
                nb_gradient_report_destroy(&report);
            }
        }
}

static nb_reason reason_of(const nb_gradient_report *report)
{
    nb_reason r = 0;
    while (!report->tally[r]) r++;
    return r;
}

/* --- names ------------------------------------------------------------------------------------ */

static void corners_and_jumps_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double x;
        nb_reason reason;
    } cases[] = {{"absolute", 1e-5, NB_AGREES},
                 {"bend", 1e-7 + 1e-12, NB_KINK},
                 {"steep_bend", .3, NB_KINK},
                 {"step", 3.00001, NB_JUMP},
                 {"jumping", 5.0001e-5, NB_JUMP}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < hard_points; k++) {
            nb_gradient_report report;
            hard_point p = hard_point_at(k);
            if (strcmp(p.curve->name, cases[i].name) != 0) continue;
            p.x = cases[i].x;
            assert_ok(hard_check(p, 1, 1, &report));
            if (reason_of(&report) != cases[i].reason)
                fail_msg("%s at %g: %s", p.curve->name, p.x, nb_reason_name(reason_of(&report)));
            assert_true(report.passed);
            nb_gradient_report_destroy(&report);
            break;
        }
}

static double counting(size_t n, const double *x, void *context)
{
    size_t *calls = context;
    (void)n;
    return sin(*x) + 1e-9 * (double)++*calls;
}

static double hiding(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return 1e20 + sin(*x);
}

static double spoiling(size_t n, const double *x, void *context)
{
    double *w = (double *)(uintptr_t)x;
    (void)n, (void)context;
    *w += 1;
    return 3;
}

static void cosine(size_t n, const double *x, void *context, double *gradient)
{
    (void)n, (void)context;
    *gradient = cos(*x);
}

static void minus_cosine(size_t n, const double *x, void *context, double *gradient)
{
    cosine(n, x, context, gradient);
    *gradient = -*gradient;
}

static void what_cannot_be_told_is_named(void **state)
{
    (void)state;
    static const struct {
        nb_function f;
        nb_reason reason;
    } cases[] = {
        {counting, NB_NONDETERMINISTIC}, {hiding, NB_UNRESOLVED}, {spoiling, NB_OVERWRITTEN}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int slip = 0; slip < 2; slip++) {
            size_t calls = 0;
            const double x = .7;
            nb_gradient_report report;
            assert_ok(nb_function_check(cases[i].f, slip ? minus_cosine : cosine, &calls, 1, &x,
                                        NULL, &report));
            assert_int_equal(reason_of(&report), cases[i].reason);
            assert_int_equal(nb_gradient_report_verdict(&report), NB_GRADIENT_UNKNOWN);
            nb_gradient_report_destroy(&report);
        }
}

/* --- what is not finite ----------------------------------------------------------------------- */

static const double odd[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};

static double product_of(size_t n, const double *x, void *context)
{
    double p = 1;
    (void)context;
    for (size_t i = 0; i < n; i++) p *= 1 + x[i] * x[i];
    return p;
}

static void odd_gradient(size_t n, const double *x, void *context, double *gradient)
{
    nb_random *random = context;
    (void)x;
    for (size_t i = 0; i < n; i++) gradient[i] = odd[(size_t)(3 * nb_random_rand(random))];
}

static double odd_value(size_t n, const double *x, void *context)
{
    (void)n, (void)x;
    return *(const double *)context;
}

static void nothing_that_is_not_finite_passes(void **state)
{
    (void)state;
    nb_random random;
    nb_gradient_report report;
    nb_random_seed(&random, 8);
    for (int k = 0; k < 100; k++) {
        double x[20];
        for (size_t i = 0; i < COUNT(x); i++) x[i] = nb_random_randn(&random);
        assert_ok(nb_function_check(product_of, odd_gradient, &random, COUNT(x), x, NULL, &report));
        assert_int_equal(report.tally[NB_NOT_FINITE], COUNT(x));
        assert_int_equal(nb_gradient_report_verdict(&report), NB_GRADIENT_WRONG);
        nb_gradient_report_destroy(&report);
    }
    for (size_t k = 0; k < COUNT(odd); k++) {
        double f = odd[k];
        const double x = 1;
        assert_ok(nb_function_check(odd_value, cosine, &f, 1, &x, NULL, &report));
        assert_int_equal(report.tally[NB_NOT_FINITE], 1);
        nb_gradient_report_destroy(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_slopes_pass_and_wrong_ones_do_not),
        cmocka_unit_test(the_unit_of_x_does_not_matter),
        cmocka_unit_test(the_rounding_of_x_hides_no_slope),
        cmocka_unit_test(corners_and_jumps_are_told_apart),
        cmocka_unit_test(what_cannot_be_told_is_named),
        cmocka_unit_test(nothing_that_is_not_finite_passes),
    };
    return cmocka_run_group_tests_name("check_callbacks", tests, NULL, NULL);
}
