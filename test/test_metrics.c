#include "support.h"

#include "nablas/metrics.h"

#include <math.h>

static void a_confusion_matrix_counts_answers(void **state)
{
    (void)state;
    static const int32_t t[] = {0, 0, 1, 1, 1, 2}, y[] = {0, 1, 1, 1, 0, 2};
    size_t count[9];
    assert_ok(nb_confusion(6, t, y, 3, count));
    static const size_t expected[] = {1, 1, 0, 1, 2, 0, 0, 0, 1};
    assert_memory_equal(count, expected, sizeof count);
    assert_fails(NB_ERANGE, "t[5]=2, y[5]=2, expected 0 to 1", nb_confusion(6, t, y, 2, count));
    assert_memory_equal(count, expected, sizeof count);
    assert_ok(nb_confusion(0, NULL, NULL, 3, count));
    assert_int_equal(count[4], 0);
    assert_fails(NB_EINVAL, "NULL", nb_confusion(6, NULL, y, 3, count));
    assert_fails(NB_EINVAL, "classes=0", nb_confusion(6, t, y, 0, count));
}

/* sklearn.metrics.classification_report of the same answers. */
static void classes_are_reported_as_scikit_learn_does(void **state)
{
    (void)state;
    static const size_t count[] = {1, 1, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    nb_class_report r;
    nb_class_score s[4];
    assert_ok(nb_class_report_of(4, count, &r, s));
    assert_int_equal(r.n, 6);
    assert_int_equal(r.correct, 4);
    assert_near(r.accuracy, 4 / 6.0, 1e-15);
    assert_int_equal(r.largest, 1);
    assert_near(r.baseline, 0.5, 0);
    assert_near(s[0].precision, 0.5, 0);
    assert_near(s[0].recall, 0.5, 0);
    assert_near(s[1].precision, 2 / 3.0, 1e-15);
    assert_near(s[1].f1, 2 / 3.0, 1e-15);
    assert_near(s[2].f1, 1, 0);
    assert_int_equal(s[1].support, 3);
    assert_true(isnan(s[3].precision) && isnan(s[3].recall) && isnan(s[3].f1));
    assert_near(r.macro_f1, (0.5 + 2 / 3.0 + 1) / 3, 1e-15);
    assert_near(r.balanced, (0.5 + 2 / 3.0 + 1) / 3, 1e-15);
    assert_ok(nb_class_report_of(4, count, &r, NULL));
    static const size_t none[4] = {0};
    assert_ok(nb_class_report_of(2, none, &r, s));
    assert_true(isnan(r.accuracy) && isnan(r.baseline) && isnan(r.macro_f1));
    assert_true(r.low == 0 && r.high == 1);
    assert_fails(NB_EINVAL, "NULL", nb_class_report_of(4, NULL, &r, s));
    assert_fails(NB_EINVAL, "classes=0", nb_class_report_of(0, count, &r, s));
}

/* 8 of 10: prop.test(8, 10, correct = FALSE) in R; the others: the formula in Python. */
static void an_interval_is_wilson_s(void **state)
{
    (void)state;
    static const struct {
        size_t correct, n;
        double low, high;
    } cases[] = {{8, 10, 0.4901625, 0.9433178},
                 {0, 10, 0, 0.2775328},
                 {10, 10, 0.7224672, 1},
                 {95, 100, 0.8882495, 0.9784563},
                 {0, 0, 0, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        double low, high;
        nb_wilson(cases[i].correct, cases[i].n, &low, &high);
        assert_near(low, cases[i].low, 5e-8);
        assert_near(high, cases[i].high, 5e-8);
    }
    nb_wilson(1, 2, NULL, NULL);
}

static void numbers_are_compared_with_their_mean(void **state)
{
    (void)state;
    static const double t[] = {1e9 + 1, 1e9 + 2, 1e9 + 4}, y[] = {1e9 + 1, 1e9 + 3, 1e9 + 2};
    nb_number_report r;
    assert_ok(nb_number_report_of(3, t, y, (double)NAN, &r));
    assert_near(r.rmse, sqrt(5 / 3.0), 1e-14);
    assert_near(r.mae, 1, 1e-15);
    assert_near(r.baseline, 1e9 + 7 / 3.0, 2e-7);
    assert_near(r.r2, 1 - 5 / (14 / 3.0), 1e-6);
    assert_near(r.baseline_rmse, sqrt(14 / 9.0), 1e-6);
    assert_near(r.baseline_mae, 10 / 9.0, 1e-6);
    assert_ok(nb_number_report_of(3, t, y, 1e9 + 2, &r));
    assert_near(r.baseline_rmse, sqrt(5 / 3.0), 1e-14);
    assert_near(r.baseline_mae, 1, 1e-15);
    assert_ok(nb_number_report_of(0, NULL, NULL, (double)NAN, &r));
    assert_true(isnan(r.rmse) && isnan(r.mae) && isnan(r.r2) && isnan(r.baseline_rmse));
    static const double same[] = {2.5, 2.5};
    assert_ok(nb_number_report_of(2, same, y, (double)NAN, &r));
    assert_true(isnan(r.r2));
    assert_near(r.baseline_rmse, 0, 0);
    assert_fails(NB_EINVAL, "NULL", nb_number_report_of(2, NULL, y, 0, &r));
    assert_fails(NB_EINVAL, "NULL", nb_number_report_of(2, t, y, 0, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confusion_matrix_counts_answers),
        cmocka_unit_test(classes_are_reported_as_scikit_learn_does),
        cmocka_unit_test(an_interval_is_wilson_s),
        cmocka_unit_test(numbers_are_compared_with_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
