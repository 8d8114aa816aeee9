#include "nablas/random.h"

#include <math.h>

/* Names as in the paper: degree of recurrence, middle word. */
enum { N = 624, M = 397 };

void nb_random_seed(nb_random *r, uint32_t seed)
{
    for (uint32_t i = 0; i < N; i++) {
        r->key[i] = seed;
        seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
    }
    r->pos = N;
    r->has_gauss = false;
    r->gauss = 0;
}

/* x(k+n) = x(k+m) + (upper bit of x(k), lower 31 bits of x(k+1)) A; eq. 2.1. */
static uint32_t twist(uint32_t upper, uint32_t lower, uint32_t middle)
{
    uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return middle ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
}

static void next_block(uint32_t *key)
{
    int i = 0;
    for (; i < N - M; i++) key[i] = twist(key[i], key[i + 1], key[i + M]);
    for (; i < N - 1; i++) key[i] = twist(key[i], key[i + 1], key[i + M - N]);
    key[i] = twist(key[i], key[0], key[M - 1]);
}

/* Tempering, eq. 2.2-2.5. */
static inline uint32_t temper(uint32_t y)
{
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static uint32_t next_word(nb_random *r)
{
    if (r->pos == N) {
        next_block(r->key);
        r->pos = 0;
    }
    return temper(r->key[r->pos++]);
}

/* Both words at once, where the block has them: `pos` is read and written once. */
static inline double next_real(nb_random *r)
{
    uint32_t word[2];
    if (r->pos + 2 <= N) {
        for (int i = 0; i < 2; i++) word[i] = temper(r->key[r->pos + i]);
        r->pos += 2;
    } else {
        for (int i = 0; i < 2; i++) word[i] = next_word(r);
    }
    return ((word[0] >> 5) * 0x1p26 + (word[1] >> 6)) * 0x1p-53; /* 27 and 26 bits */
}

double nb_random_rand(nb_random *r)
{
    return next_real(r);
}

double nb_random_randn(nb_random *r)
{
    double x1, x2, s;
    if (r->has_gauss) {
        double kept = r->gauss;
        r->has_gauss = false;
        r->gauss = 0;
        return kept;
    }
    do {
        x1 = 2 * next_real(r) - 1;
        x2 = 2 * next_real(r) - 1;
        s = x1 * x1 + x2 * x2;
    } while (s >= 1 || s == 0);
    double scale = sqrt(-2 * log(s) / s);
    r->gauss = scale * x1;
    r->has_gauss = true;
    return scale * x2;
}

/* Uniform in 0 ... max, by masked rejection; max = 0 draws nothing. */
static uint64_t draw_to(nb_random *r, uint64_t max)
{
    uint64_t mask = max, value;
    if (max == 0) return 0;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    do {
        value = next_word(r);
        if (max > UINT32_MAX) value = value << 32 | next_word(r);
        value &= mask;
    } while (value > max);
    return value;
}

nb_status nb_random_choice(nb_random *r, size_t n, size_t count, size_t *out)
{
    if (n == 0 && count > 0) return nb_fail(NB_EINVAL, "nb_random_choice: n=0, count=%zu", count);
    for (size_t i = 0; i < count; i++) out[i] = (size_t)draw_to(r, n - 1);
    return NB_OK;
}

void nb_random_shuffle(nb_random *r, size_t count, size_t *items)
{
    for (size_t i = count; i-- > 1;) {
        size_t j = (size_t)draw_to(r, i);
        size_t kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}

void nb_random_permutation(nb_random *r, size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = i;
    nb_random_shuffle(r, n, out);
}
