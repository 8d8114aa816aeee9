/* xnormalize.h - the tests of lib/kernel/normalize.h; see xsupport.h. */
#include "xsupport.h"

/* Each loop's definition, one number at a time; numbers behind the columns are NaN and stay so. */
static void T(loops_are_their_definitions)(void **state)
{
    (void)state;
    enum { rows = 5, most = 70, all = rows * most };
    static const char *const isa[] = {"base", "avx2", "avx512"};
    static real x[all + 1], y[all + 1], c[4][most], one[all + 1], two[all + 1], want[2][all + 1];
    T(fill)(all, x, 1);
    T(fill)(all, y, 2);
    for (unsigned k = 0; k < 4; k++) T(fill)(most, c[k], 3 + k);
    const real *const column[4] = {c[0], c[1], c[2], c[3]};
    for (size_t n = 0; n <= rows; n++)
        for (size_t m = 1; m <= most; m += m < 35 ? 1 : 7)
            for (size_t k = 0; k < 3; k++) {
                const NB(vector) *v = NB(vector_named)(isa[k]);
                if (!v) continue;
                for (size_t j = 0; j < m; j++) want[0][j] = want[1][j] = 0;
                for (size_t i = 0; i < n * m; i++) {
                    const real d = x[i] - c[0][i % m];
                    want[0][i % m] += d * d;
                    want[1][i % m] += x[i] * y[i];
                }
                v->square_deviations(n, m, x, c[0], one);
                v->multiply_rows(n, m, x, y, two);
                assert_memory_equal(one, want[0], m * sizeof(real));
                assert_memory_equal(two, want[1], m * sizeof(real));

                for (size_t i = 0; i < n * m; i++) {
                    want[0][i] = (x[i] - c[0][i % m]) / c[1][i % m];
                    want[1][i] = want[0][i] * c[2][i % m] + c[3][i % m];
                }
                one[n * m] = two[n * m] = (real)NAN;
                for (int relu = 0; relu < 2; relu++) {
                    v->normalize(n, m, x, column, relu, one, two);
                    if (relu) v->relu(n * m, want[1], want[1]);
                    assert_memory_equal(one, want[0], n * m * sizeof(real));
                    assert_memory_equal(two, want[1], n * m * sizeof(real));
                    assert_true(isnan(one[n * m]) && isnan(two[n * m]));
                }

                for (size_t i = 0; i < n * m; i++) {
                    one[i] = (real)NAN; /* beta = 0 does not read it */
                    two[i] = y[i];
                    want[0][i] = (y[i] * c[2][i % m] + c[1][i % m] + x[i]) * c[0][i % m];
                    want[1][i] = want[0][i] + (real)0.385 * y[i];
                }
                v->normalize_backward(n, m, x, y, column, 0, one);
                v->normalize_backward(n, m, x, y, column, (real)0.385, two);
                assert_memory_equal(one, want[0], n * m * sizeof(real));
                assert_memory_equal(two, want[1], n * m * sizeof(real));
                assert_true(isnan(one[n * m]) && isnan(two[n * m]));
            }
}
