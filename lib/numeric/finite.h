/* finite.h - for lib/numeric alone. */
#ifndef NABLAS_NUMERIC_FINITE_H
#define NABLAS_NUMERIC_FINITE_H

#include <math.h>
#include <stddef.h>

/* The first element that is NaN or infinite; n if there is none. */
static inline size_t nb_first_not_finite(size_t n, const double *x)
{
    size_t i = 0;
    while (i < n && isfinite(x[i])) i++;
    return i;
}

#endif
