/* xactivation.h - the tests of activation.h; see xsupport.h. */
#include "xulps.h"

static void T(exp_is_within_1_ulp)(void **state)
{
    (void)state;
    T(hold_everywhere)(NB(exp), expl, 1);
}

static void T(exp_has_the_right_ends)(void **state)
{
    (void)state;
    /* The largest x with a finite e^x, the smallest with e^x > 0, each with its outer neighbour. */
    const real last = sizeof(real) == 4 ? (real)0x1.62e42ep+6 : (real)0x1.62e42fefa39efp+9;
    const real first = sizeof(real) == 4 ? (real)-0x1.9fe368p+6 : (real)-0x1.74910d52d3051p+9;
    const real inf = (real)INFINITY;
    const real x[] = {last,
                      MATH(nextafter)(last, inf),
                      REAL(MAX),
                      inf,
                      first,
                      MATH(nextafter)(first, -inf),
                      -REAL(MAX),
                      -inf,
                      0,
                      (real)-0.0,
                      REAL(TRUE_MIN),
                      -REAL(TRUE_MIN),
                      (real)NAN};
    real y[13];
    NB(exp)(13, x, y);
    assert_true(isfinite(y[0]) && y[0] > REAL(MAX) * (real)0.999);
    for (size_t i = 1; i < 4; i++) assert_true(y[i] == inf);
    assert_true(y[4] == REAL(TRUE_MIN));
    for (size_t i = 5; i < 8; i++) assert_true(T(same)(y[i], 0));
    for (size_t i = 8; i < 12; i++) assert_true(y[i] == 1);
    assert_true(isnan(y[12]));
}

static long double T(true_sigmoid)(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static void T(sigmoid_is_within_2_and_a_half_ulp)(void **state)
{
    (void)state;
    T(hold_everywhere)(NB(sigmoid), T(true_sigmoid), 2.5);
}

static void T(sigmoid_has_the_books_values)(void **state)
{
    (void)state;
    const real x[] = {-1, 1, 2, 0, (real)-0.0, (real)INFINITY, (real)-INFINITY, REAL(MAX)};
    static const double want[] = {.26894142, .73105858, .88079708, .5, .5, 1, 0, 1};
    real y[8];
    NB(sigmoid)(8, x, y);
    for (size_t i = 0; i < 3; i++) assert_near((double)y[i], want[i], 5e-9 + (double)REAL(EPSILON));
    for (size_t i = 3; i < 8; i++) assert_true((double)y[i] == want[i]);
}

static void T(relu_and_step_at_their_corner)(void **state)
{
    (void)state;
    const real inf = (real)INFINITY, nan = (real)NAN, tiny = REAL(TRUE_MIN), x3 = (real)2.385;
    const real x[] = {0, (real)-0.0, tiny, -tiny, x3, -x3, inf, -inf, nan};
    const real relu[] = {0, 0, tiny, 0, x3, 0, inf, 0, nan};
    const real steps[] = {0, 0, 1, 0, 1, 0, 1, 0, 0};
    const real dy[] = {-x3, -x3, -x3, -x3, -x3, -x3, -x3, -x3, -x3};
    const real back[] = {0, 0, -x3, 0, -x3, 0, -x3, 0, -x3};
    real y[9];
    NB(relu)(9, x, y);
    assert_int_equal(T(first_difference)(9, y, relu), 9); /* +0 for -0 */
    NB(step)(9, x, y);
    assert_int_equal(T(first_difference)(9, y, steps), 9);
    NB(relu_backward)(9, x, dy, 0, y);
    assert_int_equal(T(first_difference)(9, y, back), 9);
}

/* --- backward -------------------------------------------------------------------------------- */

static void T(sigmoid_backward_is_the_slope)(void **state)
{
    (void)state;
    enum { n = 70 };
    const long double h = 1e-5L;
    const real beta = (real)-0.6;
    real x[n], y[n], dy[n], dx[n], old[n], sum[n];
    T(fill)(n, x, 21);
    T(fill)(n, dy, 22);
    T(fill)(n, old, 23);
    T(fill_nan)(n, dx);
    memcpy(sum, old, sizeof sum);
    for (size_t i = 0; i < n; i++) x[i] *= 6;
    NB(sigmoid)(n, x, y);
    NB(sigmoid_backward)(n, y, dy, 0, dx);
    NB(sigmoid_backward)(n, y, dy, beta, sum);
    for (size_t i = 0; i < n; i++) {
        const long double slope =
            (T(true_sigmoid)(x[i] + h) - T(true_sigmoid)(x[i] - h)) / (2 * h) * dy[i];
        /* 1 - y loses digits where y is near 1: an absolute bound. */
        T(assert_within)(dx[i], slope, 4 * REAL(EPSILON) + 1e-10L, "dx", i);
        assert_true(sum[i] == dx[i] + beta * old[i]);
    }
    NB(sigmoid_backward)(n, y, dy, 0, dy); /* dx may be dy */
    assert_int_equal(T(first_difference)(n, dy, dx), n);
}

static void T(relu_backward_keeps_or_drops)(void **state)
{
    (void)state;
    enum { n = 70 };
    const real beta = (real)1.75;
    real x[n], dy[n], dx[n], old[n], sum[n];
    T(fill)(n, x, 31);
    T(fill)(n, dy, 32);
    T(fill)(n, old, 33);
    T(fill_nan)(n, dx);
    memcpy(sum, old, sizeof sum);
    NB(relu_backward)(n, x, dy, 0, dx);
    NB(relu_backward)(n, x, dy, beta, sum);
    for (size_t i = 0; i < n; i++) {
        assert_true(dx[i] == (x[i] > 0 ? dy[i] : 0));
        assert_true(sum[i] == dx[i] + beta * old[i]);
    }
    NB(relu_backward)(n, x, dy, 0, dy);
    assert_int_equal(T(first_difference)(n, dy, dx), n);
}

/* --- softmax --------------------------------------------------------------------------------- */

static void T(softmax_has_the_books_values)(void **state)
{
    (void)state;
    const real X[] = {(real).3, (real)2.9, 4, 1010, 1000, 990};
    static const double want[] = {.01821127,  .24519181,      .73659691,
                                  .999954600, 4.53978686e-05, 2.06106005e-09};
    real Y[6];
    assert_ok(NB(softmax)(2, 3, X, 3, Y, 3));
    for (size_t i = 0; i < 6; i++) {
        const double bound = i < 3 ? 5e-9 : 3e-9 * want[i];
        assert_near((double)Y[i], want[i], bound + 4 * (double)REAL(EPSILON) * want[i]);
    }
}

/* y_j = e^x_j / sum e^x in long double. */
static void T(true_softmax)(size_t m, const long double *x, long double *y)
{
    long double max = x[0], sum = 0;
    for (size_t j = 1; j < m; j++) max = fmaxl(max, x[j]);
    for (size_t j = 0; j < m; j++) sum += y[j] = expl(x[j] - max);
    for (size_t j = 0; j < m; j++) y[j] /= sum;
}

/* Against the definition, any strides; rows sum to 1; in place the same bits. */
static void T(check_softmax)(size_t n, size_t m, size_t pad_x, size_t pad_y)
{
    enum { widest = 130 };
    const size_t ldx = T(stride)(m, pad_x), ldy = T(stride)(m, pad_y);
    real *X = T(matrix)(n, m, ldx, 77), *Y = T(matrix)(n, 0, ldy, 0);
    assert_true(m <= widest);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) X[i * ldx + j] *= 9;
    assert_ok(NB(softmax)(n, m, X, ldx, Y, ldy));
    for (size_t i = 0; i < n && m > 0; i++) {
        long double x[widest], y[widest], sum = 0;
        for (size_t j = 0; j < m; j++) x[j] = X[i * ldx + j];
        T(true_softmax)(m, x, y);
        for (size_t j = 0; j < m; j++) {
            const real got = Y[i * ldy + j];
            /* x - max is rounded (at most 18: 9 eps), then exp, m sums, a quotient. */
            T(assert_within)(got, y[j], (long double)(m + 12) * REAL(EPSILON) * y[j], "y", j);
            sum += got;
        }
        T(assert_within)(1, sum, (long double)(m + 1) * REAL(EPSILON) / 2, "row sum", i);
    }
    T(assert_padding_kept)(n, m, ldy, Y);
    assert_ok(NB(softmax)(n, m, X, ldx, X, ldx));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(T(first_difference)(m, X + i * ldx, Y + i * ldy), m);
    T(assert_padding_kept)(n, m, ldx, X);
    free(X);
    free(Y);
}

static void T(softmax_is_its_definition)(void **state)
{
    (void)state;
    static const size_t rows[] = {0, 1, 2, 33}, columns[] = {0, 1, 2, 3, 10, 17, 129};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 7; j++)
            for (size_t way = 0; way < 4; way++)
                T(check_softmax)(rows[i], columns[j], way & 1 ? 3 : 0, way & 2 ? 5 : 0);
}

/* Only differences count: a shift that rounds nothing changes no bit. */
static void T(softmax_ignores_a_shift)(void **state)
{
    (void)state;
    enum { m = 10 };
    real x[m], shifted[m], y[m], want[m];
    T(fill)(m, x, 3);
    for (size_t j = 0; j < m; j++) x[j] = MATH(floor)(x[j] * 640) / 64;
    assert_ok(NB(softmax)(1, m, x, m, want, m));
    for (int shift = -3000; shift <= 3000; shift += 750) {
        for (size_t j = 0; j < m; j++) shifted[j] = x[j] + (real)shift;
        assert_ok(NB(softmax)(1, m, shifted, m, y, m));
        assert_int_equal(T(first_difference)(m, y, want), m);
    }
}

static void T(softmax_of_extreme_rows)(void **state)
{
    (void)state;
    const real inf = (real)INFINITY, nan = (real)NAN, max = REAL(MAX), x = (real)2.385;
    const real X[7][3] = {{x, nan, 1},      {x, inf, 1}, {nan, 1, 2},    {-inf, -inf, -inf},
                          {max, max, -max}, {x, x, x},   {-max, x, -inf}};
    real Y[7][3];
    assert_ok(NB(softmax)(7, 3, *X, 3, *Y, 3));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 3; j++) assert_true(isnan(Y[i][j]));
    assert_true(Y[4][0] == (real)0.5 && Y[4][1] == (real)0.5 && Y[4][2] == 0);
    for (size_t j = 0; j < 3; j++) assert_true(Y[5][j] == (real)1 / 3);
    assert_true(Y[6][0] == 0 && Y[6][1] == 1 && Y[6][2] == 0);
}

/* A running sum in float32 is 1.4 % off over a million columns. Here the values are rounded 12 times
 * as in check_softmax, and the sum as many times as numbers are added in a row: 16 within 128, 7
 * pairs, m / 8192 blocks. */
static void T(softmax_of_long_rows)(void **state)
{
    (void)state;
    for (size_t m = 15; m <= 1000000; m = m * 8 + 1) {
        real *x = malloc(2 * m * sizeof *x), *y = x + m;
        long double sum = 0, total = 0, slope = 0;
        assert_non_null(x);
        T(fill)(m, x, m);
        x[m / 2] = 9;
        for (size_t j = 0; j < m; j++) sum += expl((long double)x[j] - 9);
        assert_ok(NB(softmax)(1, m, x, m, y, m));
        const long double bound = (35 + (long double)m / 8192) * REAL(EPSILON) / 2;
        T(assert_within)(y[m / 2], 1 / sum, bound / sum, "the largest of m", m);
        for (size_t j = 0; j < m; j++) total += y[j];
        T(assert_within)(1, total, bound, "the sum of m", m);
        /* dy = 1 everywhere: the gradient is y (1 - sum y) = 0. */
        for (size_t j = 0; j < m; j++) x[j] = 1;
        NB(softmax_backward)(1, m, y, x, 0, x);
        for (size_t j = 0; j < m; j++) slope += fabsl((long double)x[j]);
        T(assert_within)(0, slope, 2 * bound, "the slope of m", m);
        free(x);
    }
}

static void T(softmax_refuses_short_strides)(void **state)
{
    (void)state;
    const real X[6] = {0};
    real Y[7];
    T(fill_nan)(7, Y);
    assert_fails(NB_EINVAL, "softmax: ldx=2 or ldy=3 < m=3", NB(softmax)(2, 3, X, 2, Y, 3));
    assert_fails(NB_EINVAL, "softmax: ldx=3 or ldy=2 < m=3", NB(softmax)(2, 3, X, 3, Y, 2));
    assert_fails(NB_EINVAL, "softmax: ldx=0 or ldy=1 < m=1", NB(softmax)(0, 0, X, 0, Y, 1));
    T(assert_padding_kept)(1, 0, 6, Y);
}

/* dx against the Jacobian of the true softmax, column by column, by central differences. */
static void T(softmax_backward_is_the_jacobian)(void **state)
{
    (void)state;
    enum { n = 3, m = 10 };
    const long double h = 1e-5L;
    const real beta = (real)-0.6;
    real X[n * m], Y[n * m], dY[n * m], dX[n * m], old[n * m], sum[n * m];
    T(fill)(n * m, X, 41);
    T(fill)(n * m, dY, 42);
    T(fill)(n * m, old, 43);
    T(fill_nan)(n * m, dX);
    memcpy(sum, old, sizeof sum);
    for (size_t i = 0; i < n * m; i++) X[i] *= 4;
    assert_ok(NB(softmax)(n, m, X, m, Y, m));
    NB(softmax_backward)(n, m, Y, dY, 0, dX);
    NB(softmax_backward)(n, m, Y, dY, beta, sum);
    for (size_t i = 0; i < n * m; i++) {
        const size_t row = i / m * m;
        long double x[m], above[m], below[m], want = 0;
        for (size_t k = 0; k < m; k++) x[k] = X[row + k];
        x[i - row] += h;
        T(true_softmax)(m, x, above);
        x[i - row] -= 2 * h;
        T(true_softmax)(m, x, below);
        for (size_t k = 0; k < m; k++) want += dY[row + k] * (above[k] - below[k]) / (2 * h);
        T(assert_within)(dX[i], want, 20 * REAL(EPSILON) + 1e-10L, "dx", i);
        assert_true(sum[i] == dX[i] + beta * old[i]);
    }
    NB(softmax_backward)(n, m, Y, dY, 0, dY); /* dX may be dY */
    assert_int_equal(T(first_difference)(n * m, dY, dX), n * m);
    NB(softmax_backward)(0, m, Y, dY, 0, dX);
    NB(softmax_backward)(n, 0, Y, dY, 0, dX);
    assert_int_equal(T(first_difference)(n * m, dY, dX), n * m);
}

/* --- instruction sets ------------------------------------------------------------------------ */

/* The tables that this machine can run besides the baseline; returns how many. */
static size_t T(tables)(const NB(vector) * table[2])
{
    size_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        table[count++] = &NB(vector_avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        table[count++] = &NB(vector_avx512);
#endif
    (void)table;
    return count;
}

/* The loops of a table, each on n elements. x has n + 1 numbers: y = x + 1 is the second operand,
 * aligned otherwise than the first, and the old contents. `out` has LOOPS rows of n + 1, NaN at
 * the end of each. Element i of a row comes from x[i], x[i + 1] and bytes[i] alone. */
#define LOOPS 49
static const nb_update T(update) = {.lr = 0.385,
                                    .scale = 0.7,
                                    .l2 = 0.03,
                                    .keep = 0.99,
                                    .momentum = 0.9,
                                    .decay = 0.99,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-7};
static void T(run_all)(const NB(vector) * t, size_t n, const real *x, const uint8_t *bytes,
                       real *out)
{
    const real *y = x + 1, a = (real)2.385, beta = (real)-0.7;
    real *row[LOOPS];
    for (size_t k = 0; k < LOOPS; k++) {
        row[k] = out + k * (n + 1);
        memcpy(row[k], y, n * sizeof *y);
        row[k][n] = (real)NAN;
    }
    t->exponential(n, x, row[0]);
    t->sigmoid(n, x, row[1]);
    t->sigmoid_backward(n, x, y, 0, row[2]);
    t->sigmoid_backward(n, x, y, beta, row[3]);
    t->relu(n, x, row[4]);
    t->relu_backward(n, x, y, 0, row[5]);
    t->relu_backward(n, x, y, beta, row[6]);
    t->step(n, x, row[7]);
    t->scale(n, a, x, 0, row[8]);
    t->scale(n, a, x, beta, row[9]);
    t->add(n, x, y, row[10]);
    t->multiply(n, x, y, 0, row[11]);
    t->multiply(n, x, row[12], beta, row[12]);
    t->sgd(n, a, x, row[13]);
    t->from_bytes(n, bytes, 255, row[14]);
    t->sigmoid(n, row[15], row[15]);
    t->add_rows(2, (const nb_entry[]){{0, 0.25}, {0, -1.385}}, n, x, row[16]);
    t->tanh(n, x, row[17]);
    t->tanh_backward(n, x, y, 0, row[18]);
    t->tanh_backward(n, x, y, beta, row[19]);
    t->leaky_relu(n, a, x, row[20]);
    t->leaky_relu_backward(n, a, x, y, beta, row[21]);
    t->elu(n, a, x, row[22]);
    t->elu_backward(n, a, x, y, beta, row[23]);
    t->gelu(n, x, row[24]);
    t->gelu_backward(n, x, y, beta, row[25]);
    t->softplus(n, x, row[26]);
    t->softplus_backward(n, x, y, beta, row[27]);
    t->log(n, x, row[28]);
    t->square(n, x, row[29]);
    t->square_backward(n, x, y, beta, row[30]);
    t->sqrt(n, x, row[31]);
    t->sqrt_backward(n, x, y, beta, row[32]);
    t->abs(n, x, row[33]);
    t->abs_backward(n, x, y, beta, row[34]);
    t->subtract(n, x, y, row[35]);
    t->divide(n, x, y, 0, row[36]);
    t->divide(n, x, row[37], beta, row[37]);
    t->momentum(n, &T(update), x, row[38], row[39]);
    t->nesterov(n, &T(update), x, row[40], row[41]);
    t->adagrad(n, &T(update), x, row[42], row[43]);
    t->rmsprop(n, &T(update), x, row[44], row[45]);
    t->adam(n, &T(update), x, row[46], row[47], row[48]);
}

static void T(compare_tables)(const NB(vector) * t, size_t n, const real *x, const uint8_t *bytes)
{
    static real want[LOOPS * 4097], got[LOOPS * 4097];
    assert_true(n <= 4096);
    T(run_all)(&NB(vector_base), n, x, bytes, want);
    T(run_all)(t, n, x, bytes, got);
    const size_t i = T(first_difference)(LOOPS * (n + 1), want, got);
    if (i < LOOPS * (n + 1))
        fail_msg("loop %zu at x=%a, n=%zu: %a, baseline %a", i / (n + 1), (double)x[i % (n + 1)], n,
                 (double)got[i], (double)want[i]);
}

/* Whatever the bits of x, the length and the alignment. (A NaN is a NaN, whatever its payload.) */
static void T(instruction_sets_give_the_same_bits)(void **state)
{
    (void)state;
    enum { most = 4096 };
    const NB(vector) * table[2];
    const size_t tables = T(tables)(table);
    static real x[most + 1];
    static uint8_t bytes[most];
    uint64_t seed = 5;
    if (tables == 0) skip();
    for (size_t i = 0; i < most; i++) bytes[i] = (uint8_t)(i * 7);
    for (size_t round = 0; round < 64; round++) {
        for (size_t i = 0; i <= most; i++) {
            const double value = support_value(&seed);
            const uint64_t bits = (uint64_t)(fabs(support_value(&seed)) * 0x1p52);
            x[i] = round % 2 ? (real)(value * 100) : T(from_bits)(bits << 12 ^ bits);
        }
        for (size_t t = 0; t < tables; t++) T(compare_tables)(table[t], most, x, bytes);
    }
    for (size_t n = 0; n <= 70; n++)
        for (size_t offset = 0; offset < 17; offset++)
            for (size_t t = 0; t < tables; t++)
                T(compare_tables)(table[t], n, x + offset, bytes + offset);
}

/* The vector part of a loop and its remainder agree, and nothing is written behind n. */
static void T(any_length_gives_the_same_bits)(void **state)
{
    (void)state;
    enum { most = 70 };
    const NB(vector) *t = NB(vector_table)();
    real x[most + 1], one[most][LOOPS * 2], all[LOOPS * (most + 1)];
    uint8_t bytes[most];
    T(fill)(most + 1, x, 51);
    for (size_t i = 0; i <= most; i++) x[i] *= 20;
    for (size_t i = 0; i < most; i++) bytes[i] = (uint8_t)(i * 37);
    for (size_t i = 0; i < most; i++) T(run_all)(t, 1, x + i, bytes + i, one[i]);
    for (size_t n = 0; n <= most; n++) {
        T(run_all)(t, n, x, bytes, all);
        for (size_t k = 0; k < LOOPS; k++) {
            const real *row = all + k * (n + 1);
            for (size_t i = 0; i < n; i++) assert_true(T(same)(row[i], one[i][2 * k]));
            assert_true(isnan(row[n]));
        }
    }
}
