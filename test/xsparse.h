#include "xsupport.h"

#include "nablas/array.h"

/* A packed row is the bytes of its runs, side by side, converted as from_bytes. The row ends where
 * it may be read, so that AddressSanitizer sees a byte too many; runs of all lengths, more bytes
 * than the kernel packs at once. */
static void T(packed_rows_are_their_runs_converted)(void **state)
{
    (void)state;
    enum { most = 6000 };
    static uint8_t active[most], gathered[most];
    static real want[most], got[most + 1];
    static nb_run run[most / 2 + 1];
    for (size_t k = 0; k <= most; k = k < 70 ? k + 1 : k * 3) {
        uint8_t *bytes = malloc(k + 1);
        size_t count, n = 0;
        uint64_t seed = k;
        assert_non_null(bytes);
        memset(active, 0, sizeof active);
        for (size_t j = 0; j < k; j++) bytes[j] = (uint8_t)(j * 37 + k);
        for (size_t j = 0; j < k; j += (size_t)(30 * fabs(support_value(&seed))) + 1)
            for (size_t end = j + (size_t)(60 * fabs(support_value(&seed))); j < end && j < k; j++)
                active[j] = 1;
        for (size_t j = 0; j < k; j++)
            if (active[j]) gathered[n++] = bytes[j];
        const size_t runs = nb_find_runs(k, active, 0, run, &count);
        const size_t readable = runs ? run[runs - 1].end : 0;
        uint8_t *exact = malloc(readable + (readable == 0));
        assert_non_null(exact);
        memcpy(exact, bytes, readable);
        assert_int_equal(count, n);
        NB(from_bytes)(n, gathered, 255, want);
        T(fill_nan)(n + 1, got);
        NB(pack_bytes)(runs, run, exact, readable, 255, got);
        assert_int_equal(T(first_difference)(n, got, want), n);
        assert_true(isnan(got[n]));
        free(exact);
        free(bytes);
    }
}

/* y += sum value W[column, :], in the entries' order: the same bits as one by one. */
static void T(entries_meet_their_rows)(void **state)
{
    (void)state;
    enum { k = 7, m = 53 };
    static const nb_entry entry[] = {{0, 0.25}, {3, -1.385}, {6, 2.385}};
    real W[k * m], y[m], want[m], outer[k * m], want_outer[k * m];
    uint64_t seed = 5;
    for (size_t i = 0; i < k * m; i++) W[i] = outer[i] = want_outer[i] = (real)support_value(&seed);
    for (size_t j = 0; j < m; j++) y[j] = want[j] = (real)support_value(&seed);
    for (size_t width = 0; width <= m; width++) {
        for (size_t e = 0; e < 3; e++)
            for (size_t j = 0; j < width; j++)
                want[j] += (real)entry[e].value * W[entry[e].column * width + j];
        NB(add_rows)(3, entry, width, W, y);
        for (size_t j = 0; j < m; j++) assert_true(y[j] == want[j]);
    }
    /* Only the rows lo ... hi-1. */
    for (size_t lo = 0; lo <= k; lo++)
        for (size_t hi = lo; hi <= k; hi++) {
            for (size_t e = 0; e < 3; e++)
                for (size_t j = 0; j < m && entry[e].column >= lo && entry[e].column < hi; j++)
                    want_outer[entry[e].column * m + j] += (real)0.37 * (real)entry[e].value * y[j];
            NB(add_outer)(3, entry, lo, hi, m, (real)0.37, y, outer);
            for (size_t i = 0; i < k * m; i++) assert_true(outer[i] == want_outer[i]);
        }
}
