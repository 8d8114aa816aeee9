/* numeric_fixtures.h - functions of a vector for the tests of numeric.h and hessian.h. */
#ifndef TEST_NUMERIC_FIXTURES_H
#define TEST_NUMERIC_FIXTURES_H

#include "support.h"

#include <math.h>

/* The rounding error of a double. */
#define UNIT 0x1p-53

static inline double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

static inline double nan_everywhere(size_t n, const double *x, void *context)
{
    (void)n, (void)x, (void)context;
    return (double)NAN;
}

static inline double never_called(size_t n, const double *x, void *context)
{
    (void)n, (void)x, (void)context;
    fail_msg("f was called");
    return 0;
}

/* Numbers whose bits are easily lost: 0.1, -0, the least, the largest, infinity, a NaN's payload. */
static inline void fill_awkward(double x[8])
{
    static const double numbers[7] = {
        0.1, -0.0, 5e-324, -1e-5, 1e13, 1.7976931348623157e308, (double)INFINITY};
    const uint64_t payload = 0x7ff8000000abcdefu;
    memcpy(x, numbers, sizeof numbers);
    memcpy(&x[7], &payload, sizeof payload);
}

#endif
