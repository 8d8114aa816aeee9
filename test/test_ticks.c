#include "support.h"

#include "plot/ticks.h"

#include <math.h>

static void check_texts(const nb_ticks *t, const char *note, size_t n, const char *const *want)
{
    assert_int_equal(t->count, n);
    for (size_t i = 0; i < n; i++) assert_string_equal(t->text[i], want[i]);
    assert_string_equal(t->note, note);
}

static void ticks_are_written_as_people_do(void **state)
{
    (void)state;
    nb_ticks t;
    nb_ticks_linear(&t, 0, 20, 8, false);
    check_texts(&t, "", 5, (const char *[]){"0", "5", "10", "15", "20"});
    nb_ticks_linear(&t, -1.09, 1.09, 6, false);
    check_texts(&t, "", 5, (const char *[]){"\u22121.0", "\u22120.5", "0.0", "0.5", "1.0"});
    nb_ticks_linear(&t, -2.6e13, 3e13, 4, false);
    check_texts(&t, "\u00d710\u00b9\u00b3", 3, (const char *[]){"\u22122", "0", "2"});
    nb_ticks_linear(&t, 0, 3.1e-7, 4, false);
    check_texts(&t, "\u00d710\u207b\u2077", 4, (const char *[]){"0", "1", "2", "3"});
    nb_ticks_linear(&t, 1e6, 1e6 + 0.004, 5, false);
    check_texts(&t, "+1000000", 5, (const char *[]){"0.000", "0.001", "0.002", "0.003", "0.004"});
    nb_ticks_linear(&t, -0.5, 2.5, 9, true);
    check_texts(&t, "", 3, (const char *[]){"0", "1", "2"});
    nb_ticks_linear(&t, 0, 60000, 4, false);
    check_texts(&t, "", 4, (const char *[]){"0", "20000", "40000", "60000"});
    nb_ticks_log(&t, 1e-3, 20, 9);
    check_texts(&t, "", 5,
                (const char *[]){"10\u207b\u00b3", "10\u207b\u00b2", "10\u207b\u00b9", "10\u2070",
                                 "10\u00b9"});
    assert_int_equal(t.minor_count, 33); /* 2e-3 ... 9, 20 */
    nb_ticks_log(&t, 1e-15, 1, 9);
    assert_true(t.count >= 5 && t.count <= 9);
    nb_ticks_log(&t, 2, 7, 9);
    check_texts(&t, "", 6, (const char *[]){"2", "3", "4", "5", "6", "7"});
}

static void ticks_lie_in_the_range_and_apart(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 20000; round++) {
        nb_ticks t;
        double size = pow(10, 290 * support_value(&seed)), lo = support_value(&seed) * size;
        double hi = lo + size * pow(10, 4.5 * (support_value(&seed) - 1));
        size_t most = 2 + (size_t)((support_value(&seed) + 1) * 5);
        if (!(hi > lo)) continue;
        nb_ticks_linear(&t, lo, hi, most, false);
        double step = t.count > 1 ? t.at[1] - t.at[0] : 0, near = 1e-5 * (hi - lo);
        assert_true(t.count >= 1 && t.count <= most);
        for (size_t i = 0; i < t.count; i++) {
            assert_true(t.at[i] >= lo - near && t.at[i] <= hi + near);
            assert_true(strlen(t.text[i]) < NB_TICK_TEXT - 1 && strlen(t.text[i]) > 0);
            if (i) assert_near(t.at[i] - t.at[i - 1], step, 1e-9 * step + 4e-16 * fabs(t.at[i]));
            if (i) assert_string_not_equal(t.text[i], t.text[i - 1]);
        }
        /* Not one step fits more on either side. */
        if (t.count > 1) assert_true(t.at[0] - step < lo && t.at[t.count - 1] + step > hi);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_written_as_people_do),
        cmocka_unit_test(ticks_lie_in_the_range_and_apart),
    };
    return cmocka_run_group_tests_name("ticks", tests, NULL, NULL);
}
