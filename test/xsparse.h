#include "xsupport.h"

/* y += sum value W[column, :], in the entries' order: the same bits as one by one, for rows narrower
 * than a vector and wider than those that are kept in registers. W ends where its memory does. */
static void T(entries_meet_their_rows)(void **state)
{
    (void)state;
    enum { k = 7, most = 150 };
    static const nb_entry entry[] = {{0, 0.25}, {3, -1.385}, {6, 2.385}};
    real y[most], want[most];
    uint64_t seed = 5;
    for (size_t m = 0; m <= most; m++) {
        real *W = malloc(k * (m + 1) * sizeof *W), *end = W + k * (m + 1), *w = end - k * m;
        assert_non_null(W);
        for (size_t i = 0; i < k * m; i++) w[i] = (real)support_value(&seed);
        for (size_t j = 0; j < most; j++) y[j] = want[j] = (real)support_value(&seed);
        for (size_t e = 0; e < 3; e++)
            for (size_t j = 0; j < m; j++)
                want[j] += (real)entry[e].value * w[entry[e].column * m + j];
        NB(add_rows)(3, entry, m, w, y);
        for (size_t j = 0; j < most; j++) assert_true(y[j] == want[j]);
        free(W);
    }
}
