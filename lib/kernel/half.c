#include "nablas/half.h"

#include <math.h>

enum { BIAS = 15, FRACTION = 10, INFINITE = 0x7c00, QUIET = 0x200 };

/* The whole number nearest to a, 0 <= a <= 2048; of two, the even one. */
static uint32_t nearest(double a)
{
    uint32_t whole = (uint32_t)a;
    const double rest = a - whole;
    return whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1));
}

uint16_t nb_half_of(double x)
{
    const double a = fabs(x);
    int exponent;
    uint32_t bits;
    if (isnan(x))
        bits = INFINITE | QUIET;
    else if (a >= 65520)
        bits = INFINITE;
    else if (a < ldexp(1, 1 - BIAS)) /* subnormal; rounded up to the least normal it has its bits */
        bits = nearest(ldexp(a, BIAS - 1 + FRACTION));
    else {
        const double fraction = frexp(a, &exponent); /* 1/2 ... 1 */
        /* A fraction rounded up to 1 carries into the exponent. */
        bits =
            ((uint32_t)(exponent - 2 + BIAS) << FRACTION) + nearest(ldexp(fraction, FRACTION + 1));
    }
    return (uint16_t)((signbit(x) ? 0x8000u : 0u) | bits);
}

double nb_half_value(uint16_t h)
{
    const int exponent = (h >> FRACTION) & 31, fraction = h & 1023;
    double a = exponent == 0 ? ldexp(fraction, 1 - BIAS - FRACTION)
                             : ldexp(fraction + 1024, exponent - BIAS - FRACTION);
    if (exponent == 31) a = fraction ? (double)NAN : (double)INFINITY;
    return h & 0x8000 ? -a : a;
}

void nb_half_pack(size_t n, const double *x, uint16_t *h)
{
    for (size_t i = 0; i < n; i++) h[i] = nb_half_of(x[i]);
}

void nb_half_unpack(size_t n, const uint16_t *h, double *x)
{
    for (size_t i = 0; i < n; i++) x[i] = nb_half_value(h[i]);
}
