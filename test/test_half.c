/* Halves: every one of them, and what lies between two. The values are those of IEEE 754. */
#include "support.h"

#include "nablas/half.h"

#include <math.h>

static void every_half_is_its_own_value(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const double x = nb_half_value((uint16_t)h);
        if (isnan(x))
            assert_true(isnan(nb_half_value(nb_half_of(x))));
        else
            assert_int_equal(nb_half_of(x), h);
    }
}

static void the_values_are_ieees(void **state)
{
    (void)state;
    static const struct {
        uint16_t half;
        double value;
    } known[] = {{0x0000, 0},
                 {0x0001, 5.9604644775390625e-8},
                 {0x03ff, 6.097555160522461e-5},
                 {0x0400, 6.103515625e-5},
                 {0x3555, 0.333251953125},
                 {0x3c00, 1},
                 {0x3c01, 1.0009765625},
                 {0xc000, -2},
                 {0x7bff, 65504}};
    for (size_t i = 0; i < COUNT(known); i++)
        assert_true(nb_half_value(known[i].half) == known[i].value);
    assert_true(isinf(nb_half_value(0x7c00)) && isinf(nb_half_value(0xfc00)));
    assert_true(isnan(nb_half_value(0x7e00)));
    assert_int_equal(nb_half_of(-0.0), 0x8000);
}

/* Between two neighbours the nearer, half way the even one. */
static void rounding_is_to_the_nearest_and_even(void **state)
{
    (void)state;
    for (uint16_t h = 0; h < 0x7bff; h++) {
        const double lo = nb_half_value(h), hi = nb_half_value(h + 1), middle = (lo + hi) / 2;
        assert_int_equal(nb_half_of(middle), h % 2 ? h + 1 : h);
        assert_int_equal(nb_half_of(nextafter(middle, 0)), h);
        assert_int_equal(nb_half_of(nextafter(middle, hi)), h + 1);
        assert_int_equal(nb_half_of(-nextafter(middle, hi)), 0x8000 | (h + 1));
    }
}

static void what_is_too_large_is_infinite(void **state)
{
    (void)state;
    assert_int_equal(nb_half_of(nextafter(65520, 0)), 0x7bff);
    assert_int_equal(nb_half_of(65520), 0x7c00);
    assert_int_equal(nb_half_of(-1e300), 0xfc00);
    assert_int_equal(nb_half_of((double)INFINITY), 0x7c00);
}

static void arrays_are_packed_and_unpacked(void **state)
{
    (void)state;
    const double x[] = {0.1, -3, 1e-9, 70000};
    const double want[] = {0.0999755859375, -3, 0, (double)INFINITY};
    uint16_t h[COUNT(x)];
    double y[COUNT(x)];
    nb_half_pack(COUNT(x), x, h);
    nb_half_unpack(COUNT(x), h, y);
    for (size_t i = 0; i < COUNT(x); i++) assert_true(y[i] == want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_its_own_value),
        cmocka_unit_test(the_values_are_ieees),
        cmocka_unit_test(rounding_is_to_the_nearest_and_even),
        cmocka_unit_test(what_is_too_large_is_infinite),
        cmocka_unit_test(arrays_are_packed_and_unpacked),
    };
    return cmocka_run_group_tests_name("half", tests, NULL, NULL);
}
