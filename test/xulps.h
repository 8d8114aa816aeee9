/* xulps.h - a function of one number against long double, over the whole range; see xsupport.h. */
#include "xsupport.h"

#undef MANTISSA_BITS
#ifdef NB_REAL_SINGLE
#define MANTISSA_BITS 23
#else
#define MANTISSA_BITS 52
#endif

/* The number with these bits: 1 for the sign, the rest for the exponent, MANTISSA_BITS. */
static inline real T(from_bits)(uint64_t bits)
{
    real x;
#ifdef NB_REAL_SINGLE
    const uint32_t word = (uint32_t)bits;
#else
    const uint64_t word = bits;
#endif
    memcpy(&x, &word, sizeof x);
    return x;
}

/* |got - truth| in units of the last place of a `real` near the truth; below the smallest normal
 * number that unit is the smallest denormal. 0 if both are NaN or the same infinity. */
static inline long double T(ulps)(real got, long double truth)
{
    if (isnan(truth) || isnan(got)) return isnan(truth) && isnan(got) ? 0 : INFINITY;
    /* Halfway from the largest number to the next power of two, rounding gives infinity. */
    const bool infinite = fabsl(truth) >= REAL(MAX) * (1 + (long double)REAL(EPSILON) / 4);
    if (isinf(got) || infinite)
        return infinite && got == (truth > 0 ? (real)INFINITY : -(real)INFINITY) ? 0 : INFINITY;
    int exponent = REAL(MIN_EXP);
    if (fabsl(truth) >= REAL(MIN)) frexpl(truth, &exponent);
    return fabsl((long double)got - truth) / ldexpl(1, exponent - MANTISSA_BITS - 1);
}

/* f is within `bound` ULP of the truth at each of x. */
static inline void T(hold)(void f(size_t, const real *, real *), long double truth(long double),
                           double bound, size_t n, const real *x)
{
    real y[4096];
    f(n, x, y);
    for (size_t i = 0; i < n; i++) {
        const long double error = T(ulps)(y[i], truth(x[i]));
        if (error <= (long double)bound) continue;
        fail_msg("f(%a) = %a, truly %La: %.3Lf ULP", (double)x[i], (double)y[i], truth(x[i]),
                 error);
    }
}

/* The whole range of x: each of its binary exponents with both signs, denormals, infinities and NaN
 * among them; and densely where e^x is neither 0 nor infinite, and where it is near 1. */
static inline void T(hold_everywhere)(void f(size_t, const real *, real *),
                                      long double truth(long double), double bound)
{
    enum { batch = 2048 };
    const uint64_t exponents = sizeof(real) == 4 ? 256 : 2048;
    const uint64_t per = sizeof(real) == 4 ? batch : 64;
    real x[batch];
    size_t n = 0;
    uint64_t seed = 2385;
    for (uint64_t sign_exponent = 0; sign_exponent < 2 * exponents; sign_exponent++) {
        for (uint64_t i = 0; i < per; i++) {
            const uint64_t one = (uint64_t)1 << MANTISSA_BITS;
            uint64_t mantissa = (uint64_t)(fabs(support_value(&seed)) * (double)one);
            if (i == 0) mantissa = 0;
            if (i == 1) mantissa = 1;
            if (i == 2) mantissa = one - 1;
            x[n++] = T(from_bits)(sign_exponent << MANTISSA_BITS | mantissa);
            if (n < batch) continue;
            T(hold)(f, truth, bound, n, x);
            n = 0;
        }
    }
    assert_int_equal(n, 0);
    for (size_t round = 0; round < 128; round++) {
        static const double widths[] = {1, 4, 20, sizeof(real) == 4 ? 110 : 760};
        for (size_t i = 0; i < batch; i++) x[i] = (real)(widths[round % 4] * support_value(&seed));
        T(hold)(f, truth, bound, batch, x);
    }
}
