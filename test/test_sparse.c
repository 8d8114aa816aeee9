#include "support.h"

#include "nablas/sparse.h"

#define NB_REAL_SINGLE
#include "xsparse.h"
#undef NB_REAL_SINGLE
#include "xsparse.h"

static void runs_are_the_columns_above(void **state)
{
    (void)state;
    static const struct {
        const char *count;
        uint8_t above;
        size_t runs, columns;
        nb_run run[4];
    } cases[] = {
        {"", 0, 0, 0, {{0, 0}}},
        {"0", 0, 0, 0, {{0, 0}}},
        {"1", 0, 1, 1, {{0, 1}}},
        {"1", 1, 0, 0, {{0, 0}}},
        {"0111", 0, 1, 3, {{1, 4}}},
        {"9880", 0, 1, 3, {{0, 3}}},
        {"9880", 8, 1, 1, {{0, 1}}},
        {"10101", 0, 3, 3, {{0, 1}, {2, 3}, {4, 5}}},
        {"3255214213311", 2, 4, 6, {{0, 1}, {2, 4}, {6, 7}, {9, 11}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t k = strlen(cases[i].count);
        uint8_t count[16];
        nb_run run[9];
        size_t columns = 99;
        for (size_t j = 0; j < k; j++) count[j] = (uint8_t)(cases[i].count[j] - '0');
        assert_int_equal(nb_find_runs(k, count, cases[i].above, run, &columns), cases[i].runs);
        assert_int_equal(columns, cases[i].columns);
        for (size_t r = 0; r < cases[i].runs; r++) {
            assert_int_equal(run[r].begin, cases[i].run[r].begin);
            assert_int_equal(run[r].end, cases[i].run[r].end);
        }
    }
}

static void counts_stay_at_255(void **state)
{
    (void)state;
    enum { most = 200 };
    uint8_t bytes[most], count[most], before[most], more[most];
    for (size_t i = 0; i < most; i++) {
        bytes[i] = (uint8_t)(i % 3 * 37);
        before[i] = (uint8_t)(i % 4 ? i * 91 + 5 : 255 - i % 2);
        more[i] = (uint8_t)(i * 53);
    }
    for (size_t n = 0; n <= most; n++) {
        memcpy(count, before, most);
        nb_count_bytes(n, bytes, count);
        for (size_t i = 0; i < most; i++) {
            const int want = before[i] + (i < n && bytes[i]);
            assert_int_equal(count[i], want > 255 ? 255 : want);
        }
        memcpy(count, before, most);
        nb_add_counts(n, more, count);
        for (size_t i = 0; i < most; i++) {
            const int want = before[i] + (i < n ? more[i] : 0);
            assert_int_equal(count[i], want > 255 ? 255 : want);
        }
    }
}

/* The row ends where its memory does, so that AddressSanitizer sees a byte too many. */
static void entries_are_the_wanted_ink(void **state)
{
    (void)state;
    for (size_t k = 0; k < 70; k++) {
        uint8_t *bytes = malloc(k + (k == 0)), *wanted = malloc(k + (k == 0));
        nb_entry entry[70];
        size_t want = 0;
        assert_true(bytes && wanted);
        for (size_t j = 0; j < k; j++) {
            bytes[j] = (uint8_t)(j * 7 % 5 < 2 ? 1 << j % 8 : 0);
            wanted[j] = (uint8_t)(j * 11 % 3 ? 255 : 0);
        }
        const size_t found = nb_find_entries(k, bytes, wanted, 255, entry);
        for (size_t j = 0; j < k; j++) {
            if (!bytes[j] || !wanted[j]) continue;
            assert_true(want < found);
            assert_int_equal(entry[want].column, j);
            assert_true(entry[want++].value == (double)((float)bytes[j] / 255.0f));
        }
        assert_int_equal(found, want);
        free(bytes);
        free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_the_columns_above),
        cmocka_unit_test(counts_stay_at_255),
        cmocka_unit_test(entries_are_the_wanted_ink),
        BOTH(packed_rows_are_their_runs_converted),
        BOTH(entries_meet_their_rows),
    };
    return cmocka_run_group_tests_name("sparse", tests, NULL, NULL);
}
