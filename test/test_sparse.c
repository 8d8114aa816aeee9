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
        uint32_t above;
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
        uint32_t count[16];
        nb_run run[9];
        size_t columns = 99;
        for (size_t j = 0; j < k; j++) count[j] = (uint32_t)(cases[i].count[j] - '0');
        assert_int_equal(nb_find_runs(k, count, cases[i].above, run, &columns), cases[i].runs);
        assert_int_equal(columns, cases[i].columns);
        for (size_t r = 0; r < cases[i].runs; r++) {
            assert_int_equal(run[r].begin, cases[i].run[r].begin);
            assert_int_equal(run[r].end, cases[i].run[r].end);
        }
    }
}

/* More rows than a byte counts, more columns than are counted at once. */
static void bytes_are_counted_by_column(void **state)
{
    (void)state;
    enum { rows = 700, most = 1100 };
    uint8_t *bytes = malloc((size_t)rows * most);
    uint32_t count[most + 1];
    static const size_t ks[] = {0, 1, 2, 5, 35, 245, 1023, 1024, 1025, most};
    static const size_t ns[] = {0, 1, 2, 254, 255, 256, rows};
    assert_non_null(bytes);
    for (size_t a = 0; a < COUNT(ks); a++) {
        for (size_t b = 0; b < COUNT(ns); b++) {
            const size_t k = ks[a], n = ns[b];
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < k; j++)
                    bytes[i * k + j] = (uint8_t)(i % (j + 1) ? 0 : 1 + i % 255);
            memset(count, 0xa5, sizeof count);
            nb_count_bytes(n, k, bytes, count);
            for (size_t j = 0; j < k; j++) assert_int_equal(count[j], (n + j) / (j + 1));
            assert_int_equal(count[k], 0xa5a5a5a5);
        }
    }
    free(bytes);
}

/* The row ends where its memory does, so that AddressSanitizer sees a byte too many. */
static void wanted_bytes_are_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < 700; k += k < 70 ? 1 : 99) {
        uint8_t *bytes = malloc(k + (k == 0)), *wanted = malloc(k + (k == 0));
        nb_byte_entry found[700];
        size_t want = 0;
        assert_true(bytes && wanted);
        for (size_t j = 0; j < k; j++) {
            bytes[j] = (uint8_t)(j * 7 % 5 < 2 ? 1 << j % 8 : 0);
            wanted[j] = (uint8_t)(j * 11 % 3 ? 255 : 0);
        }
        const size_t count = nb_find_bytes(k, bytes, wanted, found);
        for (size_t j = 0; j < k; j++) {
            if (!bytes[j] || !wanted[j]) continue;
            assert_true(want < count);
            assert_int_equal(found[want].low + 256 * found[want].high, j);
            assert_int_equal(found[want++].byte, bytes[j]);
        }
        assert_int_equal(count, want);
        free(bytes);
        free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_the_columns_above),
        cmocka_unit_test(bytes_are_counted_by_column),
        cmocka_unit_test(wanted_bytes_are_found),
        BOTH(entries_meet_their_rows),
    };
    return cmocka_run_group_tests_name("sparse", tests, NULL, NULL);
}
