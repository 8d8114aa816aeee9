/* xelementwise.h - the tests of elementwise.h; see xsupport.h. */
#include "xulps.h"

/* np.sum(x[:n]) with i = np.arange(1000000); x = 2.385 / (i * 7919 % 1009 + 1), for `single` after
 * x = x.astype(np.float32). NumPy 1.24. */
static real *T(numbers_to_sum)(size_t n)
{
    real *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (real)(2.385 / (double)((uint64_t)i * 7919 % 1009 + 1));
    return x;
}

static void T(sum_has_numpys_bits)(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double in_double;
        float in_single;
    } numpy[] = {
        {0, 0x0.0p+0, 0x0.0p+0f},
        {1, 0x1.3147ae147ae14p+1, 0x1.3147aep+1f},
        {7, 0x1.37f48a982889fp+1, 0x1.37f48ap+1f},
        {8, 0x1.3846fad873333p+1, 0x1.3846fap+1f},
        {9, 0x1.38a948ab64dd3p+1, 0x1.38a948p+1f},
        {15, 0x1.46dbc03479654p+1, 0x1.46dbcp+1f},
        {127, 0x1.e2f6ce7abfef4p+1, 0x1.e2f6cap+1f},
        {128, 0x1.e35f0240c0193p+1, 0x1.e35efep+1f},
        {129, 0x1.e3e1ea87f79eep+1, 0x1.e3e1eap+1f},
        {1000, 0x1.1c7e2c73ec835p+4, 0x1.1c7e2cp+4f},
        {2049, 0x1.3370874dce02ap+5, 0x1.337086p+5f},
        {8191, 0x1.255cabef21836p+7, 0x1.255cacp+7f},
        {8192, 0x1.255defe0ff1c7p+7, 0x1.255dfp+7f},
        {8193, 0x1.255f70dccf4a7p+7, 0x1.255f7p+7f},
        {10000, 0x1.625ab02dec948p+7, 0x1.625abp+7f},
        {16385, 0x1.238aa8345e183p+8, 0x1.238aa8p+8f},
        {100003, 0x1.bb4379d4409b0p+10, 0x1.bb437ap+10f},
        {1000000, 0x1.14d25b8a3fd94p+14, 0x1.14d25cp+14f},
    };
    real *x = T(numbers_to_sum)(1000000);
    for (size_t i = 0; i < sizeof numpy / sizeof *numpy; i++) {
        const real want = sizeof(real) == 4 ? (real)numpy[i].in_single : (real)numpy[i].in_double;
        const real got = NB(sum)(numpy[i].n, x);
        if (!T(same)(got, want))
            fail_msg("sum of %zu: %a, NumPy %a", numpy[i].n, (double)got, (double)want);
    }
    free(x);
}

/* The bytes of the sums of the first 4k^2 + k + 1 numbers, k = 0 ... 499, the lowest first, hashed by
 * 64-bit FNV-1a, as NumPy's were. */
static void T(five_hundred_sums_have_numpys_bits)(void **state)
{
    (void)state;
    const uint64_t numpy = sizeof(real) == 4 ? 0x8862d043096cc881u : 0xf11c268c64bb6e0cu;
    uint64_t hash = 0xcbf29ce484222325u;
    real *x = T(numbers_to_sum)(1000000);
    for (size_t k = 0; k < 500; k++) {
        const real sum = NB(sum)(4 * k * k + k + 1, x);
        uint32_t single;
        uint64_t bits = 0;
        memcpy(&single, &sum, sizeof single);
        memcpy(&bits, &sum, sizeof sum);
        if (sizeof sum == sizeof single) bits = single;
        for (size_t byte = 0; byte < sizeof sum; byte++)
            hash = (hash ^ (bits >> 8 * byte & 255)) * 0x100000001b3u;
    }
    assert_true(hash == numpy);
    free(x);
}

/* np.sum of -0.0, however many times. */
static void T(minus_zeros_sum_to_zero)(void **state)
{
    (void)state;
    real x[200];
    for (size_t i = 0; i < 200; i++) x[i] = (real)-0.0;
    for (size_t n = 0; n <= 200; n++) assert_true(T(same)(NB(sum)(n, x), 0));
}

static void T(sum_lets_nan_through)(void **state)
{
    (void)state;
    real x[300];
    T(fill)(300, x, 7);
    for (size_t i = 0; i < 300; i += 13) {
        const real kept = x[i];
        x[i] = (real)NAN;
        assert_true(isnan(NB(sum)(300, x)));
        x[i] = kept;
    }
    assert_true(isfinite(NB(sum)(300, x)));
}

/* scale, add, multiply and sgd are one expression each: the same bits as that expression, for every
 * length up to 70, with and without old contents, and in place. */
static void T(updates_are_their_formulas)(void **state)
{
    (void)state;
    enum { most = 70 };
    const real alpha = (real)2.385, beta = (real)-0.7, lr = (real)0.013;
    real a[most], b[most], old[most], want[8][most], got[8][most + 1];
    T(fill)(most, a, 1);
    T(fill)(most, b, 2);
    T(fill)(most, old, 3);
    for (size_t i = 0; i < most; i++) {
        want[0][i] = alpha * a[i];
        want[1][i] = alpha * a[i] + beta * old[i];
        want[2][i] = a[i] + b[i];
        want[3][i] = a[i] * b[i];
        want[4][i] = a[i] * b[i] + beta * old[i];
        want[5][i] = old[i] - lr * a[i];
        want[6][i] = alpha * old[i];
        want[7][i] = old[i] * old[i] + beta * old[i];
    }
    for (size_t n = 0; n <= most; n++) {
        for (size_t k = 0; k < 8; k++) {
            T(fill_nan)(most + 1, got[k]);
            if (k == 1 || k >= 4) memcpy(got[k], old, n * sizeof *old);
        }
        NB(scale)(n, alpha, a, 0, got[0]);
        NB(scale)(n, alpha, a, beta, got[1]);
        NB(add)(n, a, b, got[2]);
        NB(multiply)(n, a, b, 0, got[3]);
        NB(multiply)(n, a, b, beta, got[4]);
        NB(sgd)(n, lr, a, got[5]);
        NB(scale)(n, alpha, got[6], 0, got[6]);
        NB(multiply)(n, got[7], got[7], beta, got[7]);
        for (size_t k = 0; k < 8; k++) {
            const size_t i = T(first_difference)(n, got[k], want[k]);
            if (i < n) fail_msg("formula %zu, n = %zu: element %zu", k, n, i);
            assert_true(isnan(got[k][n]));
        }
    }
}

static void T(log_is_within_1_ulp)(void **state)
{
    (void)state;
    T(hold_everywhere)(NB(log), logl, 1);
    const real x[] = {0, (real)-0.0, 1, (real)INFINITY, -1, (real)-INFINITY, (real)NAN};
    const real want[] = {(real)-INFINITY, (real)-INFINITY, 0,        (real)INFINITY,
                         (real)NAN,       (real)NAN,       (real)NAN};
    real y[7];
    NB(log)(7, x, y);
    assert_int_equal(T(first_difference)(7, y, want), 7);
}

/* subtract, divide, square, sqrt, abs and their slopes: the bits of the expression; more numbers
 * than the kernels' blocks hold. */
static void T(elementwise_functions_are_their_formulas)(void **state)
{
    (void)state;
    enum { n = 600 };
    const real beta = (real)-0.7;
    static real x[n], dy[n], old[n], want[11][n], got[11][n + 1];
    T(fill)(n, x, 1);
    T(fill)(n, dy, 2);
    T(fill)(n, old, 3);
    x[7] = 0;
    x[8] = (real)-0.0;
    for (size_t k = 0; k < 11; k++) {
        T(fill_nan)(n + 1, got[k]);
        if (k >= 7) memcpy(got[k], old, sizeof old);
    }
    for (size_t i = 0; i < n; i++) {
        const real side = (real)((x[i] > 0) - (x[i] < 0)), root = MATH(sqrt)(x[i]);
        const real all[11] = {x[i] - dy[i],
                              x[i] / dy[i],
                              x[i] * x[i],
                              root,
                              MATH(fabs)(x[i]),
                              2 * x[i] * dy[i],
                              side * dy[i],
                              x[i] / dy[i] + beta * old[i],
                              2 * x[i] * dy[i] + beta * old[i],
                              dy[i] / (2 * root) + beta * old[i],
                              side * dy[i] + beta * old[i]};
        for (size_t k = 0; k < 11; k++) want[k][i] = all[k];
    }
    NB(subtract)(n, x, dy, got[0]);
    NB(divide)(n, x, dy, 0, got[1]);
    NB(square)(n, x, got[2]);
    NB(sqrt)(n, x, got[3]);
    NB(abs)(n, x, got[4]);
    NB(square_backward)(n, x, dy, 0, got[5]);
    NB(abs_backward)(n, x, dy, 0, got[6]);
    NB(divide)(n, x, dy, beta, got[7]);
    NB(square_backward)(n, x, dy, beta, got[8]);
    NB(sqrt_backward)(n, got[3], dy, beta, got[9]);
    NB(abs_backward)(n, x, dy, beta, got[10]);
    for (size_t k = 0; k < 11; k++) {
        for (size_t i = 0; i < n; i++)
            if (!T(same)(got[k][i], want[k][i]) && !(got[k][i] == 0 && want[k][i] == 0))
                fail_msg("formula %zu, element %zu: %a, not %a", k, i, (double)got[k][i],
                         (double)want[k][i]);
        if (k < 7) assert_true(isnan(got[k][n]));
    }
    const real nan[] = {(real)NAN};
    NB(abs_backward)(1, nan, dy, 0, got[0]);
    assert_true(isnan(got[0][0]));
}

static void T(power_is_numpys)(void **state)
{
    (void)state;
    enum { n = 300 };
    static const double exponents[] = {0, 1, 2, 0.5, -1, 3, -0.5, 2.385};
    const real beta = (real)1.75;
    real x[n], y[n], dy[n], dx[n], sum[n], old[n];
    T(fill)(n, x, 5);
    T(fill)(n, dy, 6);
    T(fill)(n, old, 7);
    for (size_t k = 0; k < COUNT(exponents); k++) {
        const real p = (real)exponents[k];
        memcpy(sum, old, sizeof sum);
        T(fill_nan)(n, dx);
        NB(power)(n, p, x, y);
        NB(power_backward)(n, p, x, dy, 0, dx);
        NB(power_backward)(n, p, x, dy, beta, sum);
        for (size_t i = 0; i < n; i++) {
            const long double truth = powl(x[i], p), slope = p == 0 ? 0 : p * powl(x[i], p - 1);
            if (isnan(truth)) {
                assert_true(isnan(y[i]) && isnan(dx[i]));
                continue;
            }
            T(assert_within)(y[i], truth, REAL(EPSILON) * fabsl(truth), "x^p", i);
            T(assert_within)(dx[i], slope * dy[i], 3 * REAL(EPSILON) * fabsl(slope), "dx", i);
            assert_true(sum[i] == dx[i] + beta * old[i]);
        }
    }
    /* np.array([-8, 0, -0.0, nan]) ** p: NumPy's quick ways, also where pow would say otherwise. */
    const real edge[] = {-8, 0, (real)-0.0, (real)NAN}, inf = (real)INFINITY;
    NB(power)(4, 0, edge, y);
    assert_true(y[0] == 1 && y[1] == 1 && y[3] == 1);
    NB(power)(4, -1, edge, y);
    assert_true(y[0] == (real)-0.125 && y[1] == inf && y[2] == -inf && isnan(y[3]));
    NB(power)(4, 3, edge, y);
    assert_true(y[0] == -512 && y[1] == 0 && isnan(y[3]));
    NB(power_backward)(2, 0, edge, dy, 0, dx);
    assert_true(dx[0] == 0 && dx[1] == 0);
}

/* Y(i,:) = B(row_i,:) + d_i w, the same bits, for widths around the vectors'. */
static void T(nudged_rows_are_their_formula)(void **state)
{
    (void)state;
    enum { rows = 5, n = 9, most = 35 };
    static const uint32_t row[n] = {4, 0, 0, 2, 2, 2, 1, 3, 4};
    real B[rows * most], d[n], w[most], want[n * most], got[n * most + 1];
    T(fill)(rows * most, B, 1);
    T(fill)(n, d, 2);
    T(fill)(most, w, 3);
    for (size_t m = 0; m <= most; m++)
        for (size_t count = 0; count <= n; count += 3) {
            for (size_t i = 0; i < count * m; i++)
                want[i] = B[row[i / m] * m + i % m] + d[i / m] * w[i % m];
            T(fill_nan)(n * most + 1, got);
            NB(nudge_rows)(count, m, B, row, d, w, got);
            assert_int_equal(T(first_difference)(count * m, got, want), count * m);
            assert_true(isnan(got[count * m]));
        }
}

/* The book's loader: astype(np.float32) / 255.0, in single precision whatever `real` is. */
static void T(bytes_become_the_float32_quotient)(void **state)
{
    (void)state;
    static const float named[] = {255,          1, 3, 2.385f, 0x1p-100f, 0x1p100f, 0x1.fffffep-1f,
                                  0x1.000002p0f};
    enum { fixed = sizeof named / sizeof *named };
    uint64_t seed = 3;
    uint8_t bytes[256];
    real y[256];
    for (size_t i = 0; i < 256; i++) bytes[i] = (uint8_t)(255 - i);
    for (size_t d = 0; d < 2000; d++) {
        const double power = exp2(floor(99 * support_value(&seed)));
        const double other = power * (1 + fabs(support_value(&seed)));
        const float divisor = d < fixed ? named[d] : (float)other;
        NB(from_bytes)(256, bytes, divisor, y);
        for (size_t i = 0; i < 256; i++) {
            const float quotient = (float)(255 - i) / divisor;
            if (!T(same)(y[i], (real)quotient)) fail_msg("%zu / %a", 255 - i, (double)divisor);
        }
    }
    /* np.float32(77) / np.float32(255) */
    NB(from_bytes)(1, bytes + 178, 255, y);
    assert_true((double)y[0] == 0x1.353536p-2);
}

/* Rows are added in order, each column by itself, then alpha and beta: the same bits. */
static void T(check_column_sums)(size_t n, size_t m, real beta, size_t pad)
{
    const size_t ld = T(stride)(m, pad);
    const real alpha = (real)0.37;
    real *Y = T(matrix)(n, m, ld, 5), *b = T(matrix)(1, m, m, 50), *want = T(matrix)(1, m, m, 50);
    for (size_t j = 0; j < m; j++) {
        real sum = 0;
        for (size_t i = 0; i < n; i++) sum += Y[i * ld + j];
        want[j] = beta == 0 ? alpha * sum : alpha * sum + beta * want[j];
    }
    if (beta == 0) T(fill_nan)(m, b);
    assert_ok(NB(column_sums)(n, m, alpha, Y, ld, beta, b));
    assert_int_equal(T(first_difference)(m, b, want), m);
    T(assert_padding_kept)(1, m, m, b);
    free(Y);
    free(b);
    free(want);
}

static void T(column_sums_add_the_rows_in_order)(void **state)
{
    (void)state;
    static const size_t rows[] = {0, 1, 2, 3, 50, 101}, columns[] = {0, 1, 3, 10, 256, 257, 600};
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 7; j++) {
            T(check_column_sums)(rows[i], columns[j], 0, 0);
            T(check_column_sums)(rows[i], columns[j], 0, 3);
            T(check_column_sums)(rows[i], columns[j], (real)-1.3, 3);
        }
    }
    real Y[4] = {0}, b[3] = {(real)NAN, (real)NAN, (real)NAN};
    assert_fails(NB_EINVAL, "column_sums: ldy=2 < m=3", NB(column_sums)(1, 3, 1, Y, 2, 0, b));
    assert_true(isnan(b[0]) && isnan(b[2]));
}

static void T(argmax_is_numpys)(void **state)
{
    (void)state;
    const real nan = (real)NAN, inf = (real)INFINITY;
    const struct {
        size_t n, want;
        real x[6];
    } cases[] = {
        {0, 0, {nan}},
        {1, 0, {-3}},
        {3, 2, {(real)1.05414809, (real)0.63071653, (real)1.1328074}}, /* textbook 4.4.2 */
        {6, 1, {-7, (real)2.385, 1, (real)2.385, (real)2.385, 0}},     /* the first among equals */
        {4, 0, {0, (real)-0.0, 0, (real)-0.0}},
        {4, 0, {-inf, -inf, -inf, -inf}},
        {4, 3, {-inf, -5, -6, (real)-4.5}},
        {5, 2, {1, inf, nan, inf, nan}}, /* the first NaN beats everything */
        {5, 0, {nan, inf, nan, 1, 2}},
        {5, 4, {1, 2, 3, inf, nan}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(NB(argmax)(cases[i].n, cases[i].x), cases[i].want);
}

static void T(correct_rows_are_counted)(void **state)
{
    (void)state;
    enum { n = 5, m = 3, ld = 5 };
    const real nan = (real)NAN;
    /* NaN in the padding would win every argmax that read it. */
    const real Y[n * ld] = {
        (real).2, (real).7, (real).1, nan,      nan,      (real).6, (real).3, (real).1, nan,
        nan,      (real).1, (real).1, (real).8, nan,      nan,      (real).4, (real).4, (real).2,
        nan,      nan,      (real).1, nan,      (real).8, nan,      nan,
    };
    const int32_t right[n] = {1, 0, 2, 0, 1}, some[n] = {1, 2, 2, 1, 1};
    const int32_t outside[n] = {-1, 3, INT32_MAX, INT32_MIN, 4};
    size_t count = 99;
    assert_ok(NB(count_correct)(n, m, Y, ld, right, &count));
    assert_int_equal(count, 5);
    assert_ok(NB(count_correct)(n, m, Y, ld, some, &count));
    assert_int_equal(count, 3);
    assert_ok(NB(count_correct)(n, m, Y, ld, outside, &count));
    assert_int_equal(count, 0);
    count = 99;
    assert_fails(NB_EINVAL, "count_correct: ldy=2 < m=3",
                 NB(count_correct)(n, m, Y, 2, right, &count));
    assert_int_equal(count, 99);
    assert_ok(NB(count_correct)(0, m, Y, ld, right, &count));
    assert_int_equal(count, 0);
    count = 99;
    assert_ok(NB(count_correct)(n, 0, Y, ld, right, &count));
    assert_int_equal(count, 0);
}

static void T(one_infinity_is_found)(void **state)
{
    (void)state;
    enum { most = 70 };
    static const real bad[] = {(real)NAN, (real)INFINITY, (real)-INFINITY};
    real x[most];
    T(fill)(most, x, 11);
    x[3] = REAL(MAX);
    x[5] = -REAL(MAX);
    x[6] = REAL(TRUE_MIN);
    assert_true(NB(all_finite)(0, bad));
    for (size_t i = 0; i < most; i++) {
        const real kept = x[i];
        for (size_t k = 0; k < 3; k++) {
            x[i] = bad[k];
            assert_true(NB(all_finite)(i, x));
            assert_false(NB(all_finite)(i + 1, x));
            assert_false(NB(all_finite)(most, x));
        }
        x[i] = kept;
    }
    assert_true(NB(all_finite)(most, x));
}
