#include "support.h"

#include "nablas/array.h"

#define NB_REAL_SINGLE
#include "xarray.h"
#undef NB_REAL_SINGLE
#include "xarray.h"

static void runs_are_the_active_columns(void **state)
{
    (void)state;
    static const struct {
        const char *active;
        size_t runs, count;
        nb_run run[4];
    } cases[] = {
        {"", 0, 0, {{0, 0}}},
        {"0", 0, 0, {{0, 0}}},
        {"1", 1, 1, {{0, 1}}},
        {"0111", 1, 3, {{1, 4}}},
        {"1110", 1, 3, {{0, 3}}},
        {"10101", 3, 3, {{0, 1}, {2, 3}, {4, 5}}},
        {"0011010011100", 3, 6, {{2, 4}, {5, 6}, {8, 11}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t k = strlen(cases[i].active);
        uint8_t active[16];
        nb_run run[9];
        size_t count = 99;
        /* Any byte but 0 is active. */
        for (size_t j = 0; j < k; j++) active[j] = cases[i].active[j] == '1' ? (uint8_t)(j + 7) : 0;
        assert_int_equal(nb_find_runs(k, active, run, &count), cases[i].runs);
        assert_int_equal(count, cases[i].count);
        for (size_t r = 0; r < cases[i].runs; r++) {
            assert_int_equal(run[r].begin, cases[i].run[r].begin);
            assert_int_equal(run[r].end, cases[i].run[r].end);
        }
    }
}

static void bytes_are_merged_with_or(void **state)
{
    (void)state;
    enum { most = 200 };
    uint8_t bytes[most], into[most], before[most];
    for (size_t i = 0; i < most; i++) bytes[i] = (uint8_t)(i * 37);
    for (size_t i = 0; i < most; i++) before[i] = (uint8_t)(i * 91 + 5);
    for (size_t n = 0; n <= most; n++) {
        memcpy(into, before, most);
        nb_merge_bytes(n, bytes, into);
        for (size_t i = 0; i < n; i++) assert_int_equal(into[i], before[i] | bytes[i]);
        for (size_t i = n; i < most; i++) assert_int_equal(into[i], before[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(sum_has_numpys_bits),
        BOTH(sum_lets_nan_through),
        BOTH(updates_are_their_formulas),
        BOTH(bytes_become_the_float32_quotient),
        BOTH(packed_rows_are_their_runs_converted),
        cmocka_unit_test(runs_are_the_active_columns),
        cmocka_unit_test(bytes_are_merged_with_or),
        BOTH(column_sums_add_the_rows_in_order),
        BOTH(argmax_is_numpys),
        BOTH(correct_rows_are_counted),
        BOTH(one_infinity_is_found),
    };
    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
