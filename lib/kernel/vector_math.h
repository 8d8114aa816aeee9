/* vector_math.h - what the loops of vector.c compute for one element: exp, log and what follows
 * from them, without branches, so that a loop around them vectorises. For vector.c alone. */
#ifndef NABLAS_VECTOR_MATH_H
#define NABLAS_VECTOR_MATH_H

#include "kernel/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The loop's elements are independent, also when y is x. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* exp(x) = 2^k e^r with k = rint(x / ln 2), |r| <= ln(2)/2. Adding `round` = 1.5 * 2^(mantissa
 * bits) leaves k in the low bits of the sum. ln 2 is split so that k * ln2_hi is exact (Cody &
 * Waite, Software Manual for the Elementary Functions, 1980, ch. 6). 2^k is applied as two factors,
 * so that results below the smallest normal number are right. Outside [lowest, highest] the result
 * is 0 or infinity, which the two factors give by themselves at those ends. NaN passes through. */
#ifdef NB_REAL_SINGLE
typedef uint32_t word;
typedef int32_t sword;
enum { mantissa_bits = 23, exponent_bias = 127 };
static const real lowest = -104.0f, highest = 89.0f, log2_e = 1.44269504f, round_ = 12582912.0f,
                  ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f;
/* For log_plus: ln 2 in two parts; for log_of: denormals are multiplied by 2^upscale. */
static const real root_half = 0x1.6a09e6p-1f, log_ln2_hi = 6.9313812256e-01f,
                  log_ln2_lo = 9.0580006145e-06f, smallest = 0x1p-126f, upscale = 25;
/* Beyond gauss_end e^(-x^2/2) is 0. A number whose lower half of digits is 0 has an exact square. */
static const real gauss_end = 14.5f;
static const word sign_bit = 0x80000000u, upper_half = 0xfffff000u;
#else
typedef uint64_t word;
typedef int64_t sword;
enum { mantissa_bits = 52, exponent_bias = 1023 };
static const real lowest = -746.0, highest = 710.0, log2_e = 1.4426950408889634,
                  round_ = 6755399441055744.0, ln2_hi = 6.93147180369123816490e-01,
                  ln2_lo = 1.90821492927058770002e-10;
static const real root_half = 0x1.6a09e667f3bcdp-1, log_ln2_hi = 6.93147180369123816490e-01,
                  log_ln2_lo = 1.90821492927058770002e-10, smallest = 0x1p-1022, upscale = 54;
static const real gauss_end = 39;
static const word sign_bit = 0x8000000000000000u, upper_half = 0xfffffffff8000000u;
#endif

static inline word bits_of(real x)
{
    word w;
    memcpy(&w, &x, sizeof w);
    return w;
}

static inline real real_of(word w)
{
    real x;
    memcpy(&x, &w, sizeof x);
    return x;
}

/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2. */
static inline real exp_tail(real r)
{
#ifdef NB_REAL_SINGLE
    /* Minimax, after Moshier's Cephes expf. */
    return ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r +
             4.1665795894e-2f) *
                r +
            1.6666665459e-1f) *
               r +
           5.0000001201e-1f;
#else
    /* Taylor to r^13 / 13!: the first term left out is below 2^-57 of e^r. */
    real p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    return p * r + 0.5;
#endif
}

static inline real exp_of(real x)
{
    x = x < lowest ? lowest : x;
    x = x > highest ? highest : x;
    const real shifted = x * log2_e + round_;
    const real k = shifted - round_;
    const real r = (x - k * ln2_hi) - k * ln2_lo;
    const word power = bits_of(shifted) - bits_of(round_);
    const word half = (word)((sword)power >> 1);
    const real factor1 = real_of((half + exponent_bias) << mantissa_bits);
    const real factor2 = real_of((power - half + exponent_bias) << mantissa_bits);
    return ((r * r * exp_tail(r) + r) + 1) * factor1 * factor2;
}

/* 1 / (1 + e^-x), written with e^-|x| <= 1 so that the small side keeps its digits. */
static inline real sigmoid_of(real x)
{
    const real e = exp_of(x < 0 ? x : -x);
    const real numerator = x < 0 ? e : 1;
    return numerator / (1 + e);
}

/* e^x - 1 for x <= 0: 2^k (e^r - 1) + (2^k - 1), exact where k = 0. */
static inline real expm1_of(real x)
{
    x = x < -50 ? -50 : x; /* -1 by then */
    const real shifted = x * log2_e + round_;
    const real k = shifted - round_;
    const real r = (x - k * ln2_hi) - k * ln2_lo;
    const real power =
        real_of((bits_of(shifted) - bits_of(round_) + exponent_bias) << mantissa_bits);
    return power * (r * r * exp_tail(r) + r) + (power - 1);
}

static inline real magnitude_of(real x)
{
    return real_of(bits_of(x) & ~sign_bit);
}

/* (e^2|x| - 1) / (e^2|x| + 1), written with e^-2|x| - 1, with the sign of x. */
static inline real tanh_of(real x)
{
    const real e = expm1_of(-2 * magnitude_of(x));
    return real_of(bits_of(magnitude_of(e / (2 + e))) | (bits_of(x) & sign_bit));
}

/* log(x / 2^shift) + c for normal x > 0 and small c. x = 2^k m with m in [sqrt(1/2), sqrt(2)), and
 * log m by the series in s = (m - 1) / (m + 1), after e_log.c and e_logf.c of Sun's fdlibm. */
static inline real log_plus(real x, real shift, real c)
{
    const word one = (word)exponent_bias << mantissa_bits;
    const word moved = bits_of(x) + (one - bits_of(root_half));
    const word fraction = moved & (((word)1 << mantissa_bits) - 1);
    /* The biased exponent as a number: 2^mantissa_bits + k. */
    const real biased = real_of((moved >> mantissa_bits) |
                                ((word)(exponent_bias + mantissa_bits) << mantissa_bits));
    const real k = biased - ((real)(((word)1 << mantissa_bits) + exponent_bias) + shift);
    const real f = real_of(fraction + bits_of(root_half)) - 1;
    const real s = f / (2 + f), z = s * s, w = z * z, half_square = (real)0.5 * f * f;
#ifdef NB_REAL_SINGLE
    const real series =
        w * (0.40000972152f + w * 0.24279078841f) + z * (0.66666662693f + w * 0.28498786688f);
#else
    const real series = w * (3.999999999940941908e-01 +
                             w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)) +
                        z * (6.666666666666735130e-01 +
                             w * (2.857142874366239149e-01 +
                                  w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
#endif
    return s * (half_square + series) + (k * log_ln2_lo + c) - half_square + f + k * log_ln2_hi;
}

static inline real log_of(real x)
{
    const bool denormal = x < smallest;
    const real scaled = denormal ? x * (real)((word)1 << (int)upscale) : x;
    const real y = log_plus(scaled, denormal ? upscale : 0, 0);
    const real edge = x == 0 ? -(real)INFINITY : (real)NAN;
    const real positive = x < (real)INFINITY ? y : x;
    return x > 0 ? positive : edge;
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). What 1 + e loses of e is put back to first order. */
static inline real softplus_of(real x)
{
    const real e = exp_of(-magnitude_of(x)), u = 1 + e;
    return (x > 0 ? x : 0) + log_plus(u, 0, (e - (u - 1)) / u);
}

/* e^(-x^2/2); what the rounding of x^2 loses is put back to first order. */
static inline real gauss_of(real x)
{
    x = magnitude_of(x);
    x = x > gauss_end ? gauss_end : x;
    const real high = real_of(bits_of(x) & upper_half), square = x * x;
    const real lost = (high * high - square) + (x - high) * (x + high);
    const real g = exp_of((real)-0.5 * square);
    return g - g * ((real)0.5 * lost);
}

/* erfcx(z)/2 with z = |x|/sqrt(2) and erfcx(z) = e^(z^2) erfc(z), so that the normal distribution
 * function of -|x| is this times e^(-x^2/2). (z + c) erfcx(z) is a polynomial in (z - c)/(z + c),
 * interpolated at Chebyshev's nodes in 60 digits, after Shepherd & Laframboise, Math. Comp. 36
 * (1981); its error is below 3e-17 (single: 7e-9). */
static inline real half_erfcx(real x)
{
#ifdef NB_REAL_SINGLE
    static const real center = 3.0f,
                      coefficient[] = {-0.000333150355f, -0.000497142238f, 0.00307963215f,
                                       -0.00121720932f,  -0.0268374257f,   0.119527078f,
                                       -0.310466518f,    0.590228447f,     -0.883394464f,
                                       1.07400691f};
#else
    static const real center = 3.5,
                      coefficient[] = {
                          3.2847524270656909e-9,  8.9977573541159751e-9,  -2.1793820167142234e-8,
                          -8.3425834172086257e-8, 1.1630214405898796e-7,  5.5048259901614985e-7,
                          -7.9658874143344089e-7, -3.3920385465516182e-6, 7.2442889671782067e-6,
                          1.8647213970488499e-5,  -7.4777128978158729e-5, -4.2062175631180542e-5,
                          0.00071453169192453271, -0.0013053546893647539, -0.0031770503431111176,
                          0.026518619881374546,   -0.092318706638480617,  0.22573862164742775,
                          -0.43525602671688804,   0.69411364663464404,    -0.93779972456711204,
                          1.0870555892622601};
#endif
    enum { terms = sizeof coefficient / sizeof *coefficient };
    real z = magnitude_of(x);
    z = (z > gauss_end ? gauss_end : z) * (real)0.70710678118654752440;
    const real r = 1 / (z + center), t = (z - center) * r;
    /* Odd and even powers by themselves: a loop this short is unrolled, and so vectorised. */
    real odd = coefficient[0], even = coefficient[1];
    for (int i = 2; i < terms; i += 2) {
        odd = odd * (t * t) + coefficient[i];
        even = even * (t * t) + coefficient[i + 1];
    }
    return (real)0.5 * ((odd * t + even) * r);
}

/* x held to where the density is not 0, so that infinity times it is not NaN. */
static inline real held(real x)
{
    x = x < -gauss_end ? -gauss_end : x;
    return x > gauss_end ? gauss_end : x;
}

static inline real gelu_of(real x)
{
    const real g = gauss_of(x), tail = half_erfcx(x);
    const real below = held(x) * tail * g; /* in this order it is denormal only at the end */
    return x > 0 ? x * (1 - tail * g) : below;
}

static inline real gelu_slope(real x)
{
    const real g = gauss_of(x), tail = half_erfcx(x) * g;
    return (x > 0 ? 1 - tail : tail) + held(x) * g * (real)0.39894228040143267794;
}

#endif
