/* xsupport.h - for tests that are written once in `real`, as the kernels are.
 *
 * A file test/x<stem>.h holds such tests; test_<stem>.c includes it twice, with NB_REAL_SINGLE
 * defined and without, and lists each test with BOTH. What it defines at file scope is called
 * T(name): name_s or name_d; REAL(EPSILON) is FLT_EPSILON or DBL_EPSILON. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* The truth is computed in long double, so numbers are promoted all the time, on purpose. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wdouble-promotion"
#endif

#undef real
#undef T
#undef REAL

/* real.h and vector.h give a source its one precision; a test takes both, one after the other. */
#undef NABLAS_REAL_H
#undef NABLAS_VECTOR_H
#undef NABLAS_TILES_H
#undef NB
#undef BLAS
#undef MATH
#undef NB_REAL_DTYPE
#undef NB_REAL_BYTES

#ifdef NB_REAL_SINGLE
#define real real_s
#define T(name) name##_s
#define REAL(name) FLT_##name
#else
#define real real_d
#define T(name) name##_d
#define REAL(name) DBL_##name
#endif
#include "kernel/vector.h"

#define BOTH(name) cmocka_unit_test(name##_s), cmocka_unit_test(name##_d)

/* n numbers of support_fill: uniform in [-1, 1), never 0. */
static inline void T(fill)(size_t n, real *x, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) x[i] = (real)support_value(&seed);
}

static inline void T(fill_nan)(size_t n, real *x)
{
    for (size_t i = 0; i < n; i++) x[i] = (real)NAN;
}

/* The same bits, or both NaN. */
static inline bool T(same)(real a, real b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* The first index at which a and b are not the same; n if none. */
static inline size_t T(first_difference)(size_t n, const real *a, const real *b)
{
    size_t i = 0;
    while (i < n && T(same)(a[i], b[i])) i++;
    return i;
}

/* The stride of rows that are `pad` numbers apart; at least 1, as BLAS wants it. */
static inline size_t T(stride)(size_t columns, size_t pad)
{
    return columns + pad > 0 ? columns + pad : 1;
}

/* A matrix (rows, columns), row stride ld, filled from `seed`, its padding NaN. For free(). */
static inline real *T(matrix)(size_t rows, size_t columns, size_t ld, uint64_t seed)
{
    real *X = malloc((rows * ld + 1) * sizeof *X);
    assert_non_null(X);
    T(fill_nan)(rows * ld + 1, X);
    for (size_t i = 0; i < rows; i++) T(fill)(columns, X + i * ld, seed + i);
    return X;
}

/* The padding is still NaN, up to the one number behind the last row. */
static inline void T(assert_padding_kept)(size_t rows, size_t columns, size_t ld, const real *X)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = columns; j < ld; j++) assert_true(isnan(X[i * ld + j]));
    assert_true(isnan(X[rows * ld]));
}

/* |got - want| <= bound; NaN on any side fails. */
static inline void T(assert_within)(real got, long double want, long double bound, const char *what,
                                    size_t i)
{
    if (fabsl((long double)got - want) <= bound) return;
    fail_msg("%s[%zu] is %.17g, not %.17Lg: %.3Lg off, %.3Lg allowed", what, i, (double)got, want,
             fabsl((long double)got - want), bound);
}
