/* The elementwise loops. NB_ISA (base, avx2, avx512) and the precision come from the Makefile; see
 * vector.h. Loops stay simple enough for gcc and clang to vectorise: no calls, no branches. */
#include "kernel/vector.h"
#include "nablas/elementwise.h"

#include "kernel/vector_math.h"
#include "kernel/vector_norm.h"
#include "kernel/vector_update.h"

static void exponential(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = exp_of(x[i]);
}

static void sigmoid(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = sigmoid_of(x[i]);
}

static void sigmoid_backward(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    if (beta == 0) {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) dx[i] = (1 - y[i]) * y[i] * dy[i];
    } else {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) dx[i] = (1 - y[i]) * y[i] * dy[i] + beta * dx[i];
    }
}

/* Rows are short: one long exp fills the vectors that ten columns would not, and their sum is a
 * plain one. A long row's is pairwise, or float32 would be 1 % off over a million columns. */
static void softmax(size_t n, size_t m, const real *X, size_t ldx, real *Y, size_t ldy)
{
    for (size_t i = 0; i < n; i++) {
        const real *x = X + i * ldx;
        real *y = Y + i * ldy, max = x[0];
        /* A NaN that is passed over reaches the row by its sum. */
        for (size_t j = 1; j < m; j++) max = x[j] > max ? x[j] : max;
        INDEPENDENT
        for (size_t j = 0; j < m; j++) y[j] = x[j] - max;
    }
    if (ldy == m)
        exponential(n * m, Y, Y);
    else
        for (size_t i = 0; i < n; i++) exponential(m, Y + i * ldy, Y + i * ldy);
    for (size_t i = 0; i < n; i++) {
        real *y = Y + i * ldy, sum = 0;
        if (m < 16)
            for (size_t j = 0; j < m; j++) sum += y[j];
        else
            sum = NB(sum)(m, y);
        INDEPENDENT
        for (size_t j = 0; j < m; j++) y[j] /= sum;
    }
}

static void relu(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? 0 : x[i]; /* NaN stays NaN */
}

static void relu_backward(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    /* dy is read whether it is needed or not: a load under a condition is not vectorised for the
     * baseline. */
    if (beta == 0) {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) {
            const real share = dy[i];
            dx[i] = x[i] <= 0 ? 0 : share;
        }
    } else {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) {
            const real share = dy[i];
            dx[i] = (x[i] <= 0 ? 0 : share) + beta * dx[i];
        }
    }
}

static void add_bias(size_t n, size_t m, const real *b, bool relu_too, real *Y, size_t ldy)
{
    for (size_t i = 0; i < n; i++, Y += ldy) {
        if (relu_too) {
            INDEPENDENT
            for (size_t j = 0; j < m; j++) {
                const real y = Y[j] + b[j];
                Y[j] = y <= 0 ? 0 : y;
            }
        } else {
            INDEPENDENT
            for (size_t j = 0; j < m; j++) Y[j] += b[j];
        }
    }
}

static void step(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? 1 : 0;
}

static void scale(size_t n, real alpha, const real *x, real beta, real *y)
{
    if (beta == 0) {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = alpha * x[i];
    } else {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = alpha * x[i] + beta * y[i];
    }
}

static void add(size_t n, const real *a, const real *b, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void multiply(size_t n, const real *a, const real *b, real beta, real *y)
{
    if (beta == 0) {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
    } else {
        INDEPENDENT
        for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i] + beta * y[i];
    }
}

/* --- more activations ------------------------------------------------------------------------- */

static void hyperbolic_tangent(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = tanh_of(x[i]);
}

static void leaky_relu(size_t n, real slope, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? slope * x[i] : x[i];
}

static void elu(size_t n, real alpha, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real below = alpha * expm1_of(x[i]);
        y[i] = x[i] <= 0 ? below : x[i];
    }
}

static void gelu(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = gelu_of(x[i]);
}

static void softplus(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = softplus_of(x[i]);
}

/* share := dy f', where `a` is what f' is computed from and p is f's own number, if it has one. */
typedef void share_of(size_t n, real p, const real *a, const real *dy, real *share);

/* dx := share + beta dx, in blocks that stay in the first-level cache. */
static void accumulate(share_of *f, size_t n, real p, const real *a, const real *dy, real beta,
                       real *dx)
{
    enum { block = 256 };
    real share[block];
    if (beta == 0) {
        f(n, p, a, dy, dx);
        return;
    }
    for (size_t lo = 0; lo < n; lo += block) {
        const size_t width = n - lo < block ? n - lo : block;
        real *old = dx + lo;
        f(width, p, a + lo, dy + lo, share);
        INDEPENDENT
        for (size_t i = 0; i < width; i++) old[i] = share[i] + beta * old[i];
    }
}

static void tanh_share(size_t n, real p, const real *y, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = (1 - y[i] * y[i]) * dy[i];
}

static void tanh_backward(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    accumulate(tanh_share, n, 0, y, dy, beta, dx);
}

static void leaky_share(size_t n, real slope, const real *x, const real *dy, real *share)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = (x[i] <= 0 ? slope : 1) * dy[i];
}

static void leaky_relu_backward(size_t n, real slope, const real *x, const real *dy, real beta,
                                real *dx)
{
    accumulate(leaky_share, n, slope, x, dy, beta, dx);
}

static void elu_share(size_t n, real alpha, const real *x, const real *dy, real *share)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real below = alpha * exp_of(x[i]);
        share[i] = (x[i] <= 0 ? below : 1) * dy[i];
    }
}

static void elu_backward(size_t n, real alpha, const real *x, const real *dy, real beta, real *dx)
{
    accumulate(elu_share, n, alpha, x, dy, beta, dx);
}

static void gelu_share(size_t n, real p, const real *x, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = gelu_slope(x[i]) * dy[i];
}

static void gelu_backward(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    accumulate(gelu_share, n, 0, x, dy, beta, dx);
}

static void softplus_share(size_t n, real p, const real *x, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = sigmoid_of(x[i]) * dy[i];
}

static void softplus_backward(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    accumulate(softplus_share, n, 0, x, dy, beta, dx);
}

/* --- elementwise arithmetic ------------------------------------------------------------------- */

static void logarithm(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = log_of(x[i]);
}

static void square(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = x[i] * x[i];
}

static void square_share(size_t n, real p, const real *x, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = 2 * x[i] * dy[i];
}

static void square_backward(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    accumulate(square_share, n, 0, x, dy, beta, dx);
}

static void square_root(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = MATH(sqrt)(x[i]);
}

static void root_share(size_t n, real p, const real *y, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = dy[i] / (2 * y[i]);
}

static void sqrt_backward(size_t n, const real *y, const real *dy, real beta, real *dx)
{
    accumulate(root_share, n, 0, y, dy, beta, dx);
}

static void magnitude(size_t n, const real *x, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = magnitude_of(x[i]);
}

static void magnitude_share(size_t n, real p, const real *x, const real *dy, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) {
        const real side = x[i] < 0 ? -1 : x[i]; /* 0 and NaN stay what they are */
        share[i] = (x[i] > 0 ? 1 : side) * dy[i];
    }
}

static void abs_backward(size_t n, const real *x, const real *dy, real beta, real *dx)
{
    accumulate(magnitude_share, n, 0, x, dy, beta, dx);
}

static void subtract(size_t n, const real *a, const real *b, real *y)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = a[i] - b[i];
}

static void divide_share(size_t n, real p, const real *b, const real *a, real *share)
{
    (void)p;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) share[i] = a[i] / b[i];
}

static void divide(size_t n, const real *a, const real *b, real beta, real *y)
{
    accumulate(divide_share, n, 0, b, a, beta, y);
}

static void nudge_rows(size_t n, size_t m, const real *B, const uint32_t *row, const real *d,
                       const real *w, real *Y)
{
    for (size_t i = 0; i < n; i++) {
        const real *b = B + (size_t)row[i] * m;
        const real di = d[i];
        real *y = Y + i * m;
        INDEPENDENT
        for (size_t j = 0; j < m; j++) y[j] = b[j] + di * w[j];
    }
}

static void sgd(size_t n, real lr, const real *g, real *w)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) w[i] -= lr * g[i];
}

/* byte / divisor, correctly rounded. With a fused multiply-add the quotient of the reciprocal is
 * corrected by its own remainder (Markstein, IBM J. Res. Dev. 34 (1990)), a third of a division's
 * time and the same bits: all 2^23 significands of a divisor were tried with all bytes. Below
 * 2^-120 the first product overflows, from 2^127 on the reciprocal is denormal. */
static inline float quotient(float byte, float divisor, float reciprocal)
{
#ifdef __FMA__
    const float q = byte * reciprocal;
    const float remainder = __builtin_fmaf(-q, divisor, byte);
    return __builtin_fmaf(remainder, reciprocal, q);
#else
    (void)reciprocal;
    return byte / divisor;
#endif
}

static void from_bytes(size_t n, const uint8_t *bytes, float divisor, real *y)
{
    const float reciprocal = 1 / divisor;
    INDEPENDENT
    for (size_t i = 0; i < n; i++) y[i] = (real)quotient((float)bytes[i], divisor, reciprocal);
}

/* Counts modulo 256. */
static void count_bytes(size_t n, const uint8_t *bytes, uint8_t *count)
{
    INDEPENDENT
    for (size_t i = 0; i < n; i++) count[i] = (uint8_t)(count[i] + (bytes[i] != 0));
}

/* --- pooling in pairs ----------------------------------------------------------------------------
 * Rows of images are short, 8 to 28 numbers, so vectors of 32 bytes at most. */
#if defined(__AVX__)
#define SHORT_BYTES 32
#else
#define SHORT_BYTES 16
#endif
typedef real brief __attribute__((vector_size(SHORT_BYTES), aligned(sizeof(real)), may_alias));
typedef sword numbers __attribute__((vector_size(SHORT_BYTES), aligned(sizeof(real)), may_alias));
enum { pairs = sizeof(brief) / sizeof(real) };
typedef uint8_t bytes
    __attribute__((vector_size(SHORT_BYTES / NB_REAL_BYTES), aligned(1), may_alias));

/* Of two vectors in a row, the even numbers and the odd ones; and back. */
#if SHORT_BYTES / NB_REAL_BYTES == 8
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif SHORT_BYTES / NB_REAL_BYTES == 4
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODD(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SECOND(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ODD(a, b) __builtin_shufflevector(a, b, 1, 3)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 2)
#define SECOND(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

static inline brief brief_at(const real *x)
{
    return *(const brief *)x;
}

/* The greater of two, and its number; the first of equals, and NaN is greatest. */
static inline void prefer(brief x, sword number, brief *best, numbers *winner)
{
    const numbers better = ~(numbers)(x <= *best) & (numbers)(*best == *best);
    *best = (brief)(((numbers)x & better) | ((numbers)*best & ~better));
    *winner = (number & better) | (*winner & ~better);
}

/* Two vectors of upper pixels, `next` apart, and those below. */
static inline void pool_some(const real *x, const real *below, size_t next, real *y,
                             uint8_t *winner)
{
    const brief a = brief_at(x), b = brief_at(x + next);
    const brief c = brief_at(below), d = brief_at(below + next);
    brief best = EVEN(a, b);
    numbers number = {0};
    prefer(ODD(a, b), 1, &best, &number);
    prefer(EVEN(c, d), 2, &best, &number);
    prefer(ODD(c, d), 3, &best, &number);
    *(brief *)y = best;
    *(bytes *)winner = __builtin_convertvector(number, bytes);
}

static void pool_few(size_t m, const real *x, const real *below, real *y, uint8_t *winner)
{
    for (size_t j = 0; j < m; j++) {
        const real pixel[] = {x[2 * j], x[2 * j + 1], below[2 * j], below[2 * j + 1]};
        real best = pixel[0];
        uint8_t number = 0;
        for (uint8_t k = 1; k < 4; k++) {
            const bool better = !(pixel[k] <= best) & (best == best);
            best = better ? pixel[k] : best;
            number = better ? k : number;
        }
        y[j] = best;
        winner[j] = number;
    }
}

static void pool_pairs(size_t n, size_t m, const real *x, size_t ldx, real *y, uint8_t *winner)
{
    if (2 * m == pairs) /* two rows of windows at once */
        for (; n >= 2; n -= 2, x += 4 * ldx, y += pairs, winner += pairs)
            pool_some(x, x + ldx, 2 * ldx, y, winner);
    for (size_t i = 0; i < n; i++, x += 2 * ldx, y += m, winner += m) {
        size_t j = 0;
        for (; j + pairs <= m; j += pairs)
            pool_some(x + 2 * j, x + ldx + 2 * j, pairs, y + j, winner + j);
        if (j == m) continue;
        if (j) /* the last vector is moved back */
            pool_some(x + 2 * (m - pairs), x + ldx + 2 * (m - pairs), pairs, y + m - pairs,
                      winner + m - pairs);
        else
            pool_few(m, x, x + ldx, y, winner);
    }
}

/* The pixels of one row of the windows, of which `number` is the first, get what they won. */
static inline void unpool_row(brief d, numbers winner, sword number, real beta, real *dx,
                              size_t next)
{
    const brief even = (brief)((numbers)d & (numbers)(winner == number));
    const brief odd = (brief)((numbers)d & (numbers)(winner == number + 1));
    brief first = FIRST(even, odd), second = SECOND(even, odd);
    if (beta != 0) {
        first += beta * brief_at(dx);
        second += beta * brief_at(dx + next);
    }
    *(brief *)dx = first;
    *(brief *)(dx + next) = second;
}

static inline void unpool_some(const real *dy, const uint8_t *winner, real beta, real *dx,
                               real *below, size_t next)
{
    const numbers number = __builtin_convertvector(*(const bytes *)winner, numbers);
    unpool_row(brief_at(dy), number, 0, beta, dx, next);
    unpool_row(brief_at(dy), number, 2, beta, below, next);
}

static void unpool_few(size_t m, const real *dy, const uint8_t *winner, real beta, real *dx,
                       real *below)
{
    for (size_t j = 0; j < m; j++)
        for (uint8_t number = 0; number < 4; number++) {
            real *to = (number < 2 ? dx : below) + 2 * j + number % 2;
            const real share = winner[j] == number ? dy[j] : 0;
            *to = beta == 0 ? share : share + beta * *to;
        }
}

static void unpool_pairs(size_t n, size_t m, const real *dy, const uint8_t *winner, real beta,
                         real *dx, size_t ldx)
{
    if (2 * m == pairs)
        for (; n >= 2; n -= 2, dy += pairs, winner += pairs, dx += 4 * ldx)
            unpool_some(dy, winner, beta, dx, dx + ldx, 2 * ldx);
    for (size_t i = 0; i < n; i++, dy += m, winner += m, dx += 2 * ldx) {
        size_t j = 0;
        real *below = dx + ldx;
        for (; j + pairs <= m; j += pairs)
            unpool_some(dy + j, winner + j, beta, dx + 2 * j, below + 2 * j, pairs);
        if (j < m && j && beta == 0) { /* moved back; with beta, what is there would count twice */
            j = m - pairs;
            unpool_some(dy + j, winner + j, 0, dx + 2 * j, below + 2 * j, pairs);
        } else {
            unpool_few(m - j, dy + j, winner + j, beta, dx + 2 * j, below + 2 * j);
        }
    }
}

/* As many rows of a matrix as a vector has numbers: shuffling rows r and r + half together transposes
 * them after as many times as their number has binary digits. */
static inline void transpose_some(const real *x, size_t ldx, real *y, size_t ldy)
{
    brief row[pairs], next[pairs];
    for (size_t r = 0; r < pairs; r++) row[r] = brief_at(x + r * ldx);
    for (size_t times = 1; times < pairs; times *= 2) {
        for (size_t r = 0; r < pairs / 2; r++) {
            next[2 * r] = FIRST(row[r], row[r + pairs / 2]);
            next[2 * r + 1] = SECOND(row[r], row[r + pairs / 2]);
        }
        for (size_t r = 0; r < pairs; r++) row[r] = next[r];
    }
    for (size_t r = 0; r < pairs; r++) *(brief *)(y + r * ldy) = row[r];
}

static void transpose(size_t n, size_t m, const real *X, size_t ldx, real *Y)
{
    size_t i = 0;
    for (; i + pairs <= n; i += pairs) {
        size_t j = 0;
        for (; j + pairs <= m; j += pairs) transpose_some(X + i * ldx + j, ldx, Y + j * n + i, n);
        for (; j < m; j++)
            for (size_t r = i; r < i + pairs; r++) Y[j * n + r] = X[r * ldx + j];
    }
    for (; i < n; i++)
        for (size_t j = 0; j < m; j++) Y[j * n + i] = X[i * ldx + j];
}

/* One vector, wherever it lies. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef real block __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
enum { lanes = sizeof(block) / sizeof(real), most_blocks = 8 };

static inline block *block_at(const real *x)
{
    return (block *)x;
}

/* `blocks` (a constant) blocks of y from column `at` on, which stay in registers. The last is moved back to
 * end with the row. It may then overlap the block before it: both have the same numbers there. Columns before
 * `at` are already done, so of a single block only the columns from `at` on are written. */
static inline __attribute__((always_inline)) void add_rows_at(size_t entries, const nb_entry *entry,
                                                              size_t m, const real *W, real *y,
                                                              size_t at, const size_t blocks)
{
    block sum[most_blocks];
    const size_t last = at + (blocks - 1) * lanes, moved = last + lanes > m ? m - lanes : last;
    for (size_t b = 0; b + 1 < blocks; b++) sum[b] = *block_at(y + at + b * lanes);
    sum[blocks - 1] = *block_at(y + moved);
    for (size_t e = 0; e < entries; e++) {
        const real *w = W + entry[e].column * m;
        const real value = (real)entry[e].value;
        for (size_t b = 0; b + 1 < blocks; b++) sum[b] += value * *block_at(w + at + b * lanes);
        sum[blocks - 1] += value * *block_at(w + moved);
    }
    for (size_t b = 0; b + 1 < blocks; b++) *block_at(y + at + b * lanes) = sum[b];
    if (blocks > 1 || moved == last)
        *block_at(y + moved) = sum[blocks - 1];
    else
        for (size_t j = last; j < m; j++) y[j] = sum[blocks - 1][j - moved];
}

static void add_rows(size_t entries, const nb_entry *entry, size_t m, const real *W, real *y)
{
    if (m < lanes) {
        for (size_t e = 0; e < entries; e++)
            for (size_t j = 0; j < m; j++)
                y[j] += (real)entry[e].value * W[entry[e].column * m + j];
        return;
    }
    for (size_t at = 0; at < m; at += most_blocks * lanes) switch ((m - at + lanes - 1) / lanes) {
        case 1:
            add_rows_at(entries, entry, m, W, y, at, 1);
            break;
        case 2:
            add_rows_at(entries, entry, m, W, y, at, 2);
            break;
        case 3:
            add_rows_at(entries, entry, m, W, y, at, 3);
            break;
        case 4:
            add_rows_at(entries, entry, m, W, y, at, 4);
            break;
        case 5:
            add_rows_at(entries, entry, m, W, y, at, 5);
            break;
        case 6:
            add_rows_at(entries, entry, m, W, y, at, 6);
            break;
        case 7:
            add_rows_at(entries, entry, m, W, y, at, 7);
            break;
        default:
            add_rows_at(entries, entry, m, W, y, at, most_blocks);
        }
}

/* Sums of `blocks` (a constant) vectors of columns, in registers. */
static inline __attribute__((always_inline)) void sum_blocks(size_t n, const real *X, size_t ldx,
                                                             real *sum, const size_t blocks)
{
    block total[most_blocks] = {{0}};
    for (size_t i = 0; i < n; i++, X += ldx)
        for (size_t b = 0; b < blocks; b++) total[b] += *block_at(X + b * lanes);
    for (size_t b = 0; b < blocks; b++) *block_at(sum + b * lanes) = total[b];
}

/* Row after row, whichever columns share a vector. */
static void sum_rows(size_t n, size_t m, const real *X, size_t ldx, real *sum)
{
    size_t j = 0;
    for (; j + 4 * lanes <= m; j += 4 * lanes) sum_blocks(n, X + j, ldx, sum + j, 4);
    for (; j + lanes <= m; j += lanes) sum_blocks(n, X + j, ldx, sum + j, 1);
    for (size_t k = j; k < m; k++) sum[k] = 0;
    for (size_t i = 0; i < n && j < m; i++)
        for (size_t k = j; k < m; k++) sum[k] += X[i * ldx + k];
}

#define TABLE_(isa) NB(vector_##isa)
#define TABLE(isa) TABLE_(isa)
#define TILES_(isa) NB(tiles_##isa)
#define TILES(isa) TILES_(isa)
#define WINOGRAD_(isa) nb_winograd_##isa
#define WINOGRAD(isa) WINOGRAD_(isa)

const NB(vector) TABLE(NB_ISA) = {
    .exponential = exponential,
    .sigmoid = sigmoid,
    .sigmoid_backward = sigmoid_backward,
    .softmax = softmax,
    .relu = relu,
    .relu_backward = relu_backward,
    .add_bias = add_bias,
    .step = step,
    .scale = scale,
    .add = add,
    .multiply = multiply,
    .tanh = hyperbolic_tangent,
    .tanh_backward = tanh_backward,
    .leaky_relu = leaky_relu,
    .leaky_relu_backward = leaky_relu_backward,
    .elu = elu,
    .elu_backward = elu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .softplus = softplus,
    .softplus_backward = softplus_backward,
    .log = logarithm,
    .square = square,
    .square_backward = square_backward,
    .sqrt = square_root,
    .sqrt_backward = sqrt_backward,
    .abs = magnitude,
    .abs_backward = abs_backward,
    .subtract = subtract,
    .divide = divide,
    .momentum = momentum,
    .nesterov = nesterov,
    .adagrad = adagrad,
    .rmsprop = rmsprop,
    .adam = adam,
    .sum_squares = sum_squares,
    .sum_rows = sum_rows,
    .square_deviations = square_deviations,
    .multiply_rows = multiply_rows,
    .normalize = normalize,
    .normalize_backward = normalize_backward,
    .nudge_rows = nudge_rows,
    .sgd = sgd,
    .from_bytes = from_bytes,
    .count_bytes = count_bytes,
    .add_rows = add_rows,
    .transpose = transpose,
    .pool_pairs = pool_pairs,
    .unpool_pairs = unpool_pairs,
    .tiles = &TILES(NB_ISA),
#ifdef NB_REAL_SINGLE
    .winograd = &WINOGRAD(NB_ISA),
#endif
};
