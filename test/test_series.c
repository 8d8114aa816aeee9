#include "support.h"

#include "nablas/series.h"

#include <float.h>
#include <math.h>

/* Numbers from NumPy 1.24.2: the book's smooth_curve, np.histogram. */

static void smooth_curves_are_numpys(void **state)
{
    (void)state;
    static const double eleven[] = {0.13488462886030866,  0.11704962518949769, 0.043412058576190585,
                                    -0.08780708111509322, -0.259893131475712,  -0.4675855267356137,
                                    -0.6585847060434322,  -0.8686613574999306, -1.0212128990199543,
                                    -1.1694958643579791,  -1.1946634319481269};
    static const double fourteen[] = {
        0.13488462886030866, 0.11704962518949769, 0.043412058576190585, -0.08780708111509322,
        -0.259893131475712,  -0.4675855267356137, -0.7175855267356137,  -0.983670544501409,
        -1.2488148168182207, -1.5089369802754677, -1.7011982041811544,  -1.9348591281598684,
        -2.07500340047668,   -2.117549657721008};
    double x[14], y[14];
    for (int i = 0; i < 14; i++) x[i] = i * i * 7 % 11 / 8.0 - 0.25 * i;
    assert_ok(nb_smooth_curve(11, x, y));
    for (int i = 0; i < 11; i++) assert_near(y[i], eleven[i], 16 * DBL_EPSILON);
    assert_ok(nb_smooth_curve(14, x, y));
    for (int i = 0; i < 14; i++) assert_near(y[i], fourteen[i], 16 * DBL_EPSILON);

    static double wave[1000], smooth[1000];
    double sum = 0;
    for (int i = 0; i < 1000; i++) wave[i] = cos(i * 0.37) * i;
    assert_ok(nb_smooth_curve(1000, wave, smooth));
    for (int i = 0; i < 1000; i++) sum += smooth[i];
    assert_near(smooth[0], 0.6851674431842062, 1e-14);
    assert_near(smooth[4], -1.6426062499708343, 1e-14);
    assert_near(smooth[500], -263.2289418292134, 1e-11);
    assert_near(smooth[998], -205.32314086577387, 1e-11);
    assert_near(smooth[999], -159.88641168893008, 1e-11);
    assert_near(sum, -2118.663654239402, 1e-9);
}

static void a_constant_stays_what_it_is(void **state)
{
    (void)state;
    double x[40], y[40];
    for (int i = 0; i < 40; i++) x[i] = 2.385;
    assert_ok(nb_smooth_curve(40, x, y));
    for (int i = 0; i < 40; i++) assert_near(y[i], 2.385, 12 * DBL_EPSILON);
    x[20] = (double)NAN;
    assert_ok(nb_smooth_curve(40, x, y));
    for (int i = 0; i < 40; i++) assert_int_equal(isnan(y[i]), i >= 15 && i <= 25);
}

static void smooth_curve_refuses_short_series(void **state)
{
    (void)state;
    double x[10] = {0}, y[10] = {7};
    assert_fails(NB_ESHAPE, "n=10 < 11", nb_smooth_curve(10, x, y));
    assert_near(y[0], 7, 0);
    assert_fails(NB_EINVAL, "nb_smooth_curve", nb_smooth_curve(11, NULL, y));
    assert_fails(NB_EINVAL, "nb_smooth_curve", nb_smooth_curve(11, x, NULL));
}

static void histograms_are_numpys(void **state)
{
    (void)state;
    size_t count[30];
    double x[101], edges[93];
    for (int i = 0; i <= 100; i++) x[i] = i / 100.0; /* many of them on an edge */
    assert_ok(nb_histogram(101, x, 0, 1, 30, count));
    for (int b = 0; b < 30; b++) assert_int_equal(count[b], b % 3 == 0 || b == 29 ? 4 : 3);
    assert_ok(nb_histogram(101, x, 0.1, 0.9, 7, count));
    for (int b = 0; b < 7; b++) assert_int_equal(count[b], b % 2 == 0 ? 12 : 11);

    /* Each edge of np.linspace(-0.3, 0.7, 31) and its neighbours. */
    for (int i = 0; i < 31; i++) {
        const double edge = i == 30 ? 0.7 : i * ((0.7 - -0.3) / 30) + -0.3;
        edges[3 * i] = edge;
        edges[3 * i + 1] = nextafter(edge, -9);
        edges[3 * i + 2] = nextafter(edge, 9);
    }
    assert_ok(nb_histogram(93, edges, -0.3, 0.7, 30, count));
    for (int b = 0; b < 30; b++) assert_int_equal(count[b], b == 29 ? 4 : 3);

    const double odd[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, -0.3, 0.7};
    assert_ok(nb_histogram(5, odd, -0.3, 0.7, 1, count));
    assert_int_equal(count[0], 2);
    assert_ok(nb_histogram(0, NULL, 0, 1, 2, count));
    assert_int_equal(count[0] + count[1], 0);
    assert_fails(NB_ERANGE, "0 bins", nb_histogram(5, odd, 0, 1, 0, count));
    assert_fails(NB_ERANGE, "from 1 to 1", nb_histogram(5, odd, 1, 1, 3, count));
    assert_fails(NB_ERANGE, "nan", nb_histogram(5, odd, (double)NAN, 1, 3, count));
    assert_fails(NB_ERANGE, "inf", nb_histogram(5, odd, 0, HUGE_VAL, 3, count));
    assert_fails(NB_EINVAL, "nb_histogram", nb_histogram(5, NULL, 0, 1, 3, count));
    assert_fails(NB_EINVAL, "nb_histogram", nb_histogram(5, odd, 0, 1, 3, NULL));
}

static void calibration_compares_confidence_with_accuracy(void **state)
{
    (void)state;
    const double p[] = {0.95, 0.85, 0.15, 1, 0.5, 0.55};
    const bool right[] = {true, false, true, true, false, true};
    nb_calibration_bin bin[5];
    double error;
    assert_ok(nb_calibration(6, p, right, 5, bin, &error));
    assert_int_equal(bin[0].count, 1);
    assert_int_equal(bin[1].count, 0);
    assert_true(isnan(bin[1].accuracy) && isnan(bin[1].confidence));
    assert_int_equal(bin[2].count, 2);
    assert_near(bin[2].confidence, 0.525, 1e-15);
    assert_near(bin[2].accuracy, 0.5, 0);
    assert_int_equal(bin[4].count, 3);
    assert_near(bin[4].confidence, 2.8 / 3, 1e-15);
    assert_near(bin[4].accuracy, 2.0 / 3, 1e-15);
    assert_near(error, (0.85 + 0.05 + 0.8) / 6, 1e-15);
    assert_ok(nb_calibration(0, NULL, NULL, 5, bin, &error));
    assert_true(isnan(error));
    assert_ok(nb_calibration(6, p, right, 5, bin, NULL));
    bin[0].count = 77;
    assert_fails(NB_ERANGE, "confidence[1]=1.5",
                 nb_calibration(2, (double[]){0, 1.5}, right, 5, bin, &error));
    assert_fails(NB_ERANGE, "nan", nb_calibration(1, (double[]){(double)NAN}, right, 5, bin, NULL));
    assert_fails(NB_ERANGE, "no bins", nb_calibration(1, p, right, 0, bin, NULL));
    assert_fails(NB_EINVAL, "nb_calibration", nb_calibration(1, p, NULL, 5, bin, NULL));
    assert_fails(NB_EINVAL, "nb_calibration", nb_calibration(1, p, right, 5, NULL, NULL));
    assert_int_equal(bin[0].count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_curves_are_numpys),
        cmocka_unit_test(a_constant_stays_what_it_is),
        cmocka_unit_test(smooth_curve_refuses_short_series),
        cmocka_unit_test(histograms_are_numpys),
        cmocka_unit_test(calibration_compares_confidence_with_accuracy),
    };
    return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
