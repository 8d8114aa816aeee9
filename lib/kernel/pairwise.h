/* pairwise.h - sums in NumPy's order of terms that are computed on the way; for lib/kernel alone. */
#ifndef NABLAS_PAIRWISE_H
#define NABLAS_PAIRWISE_H

#include <stddef.h>

/* Terms lo ... lo+n-1, n <= 128: written to `room` (128), or where they are already. */
typedef const float *nb_sterms(const void *context, size_t lo, size_t n, float *room);
typedef const double *nb_dterms(const void *context, size_t lo, size_t n, double *room);

/* The sum of terms 0 ... n-1, to the bit that of nb_ssum or nb_dsum over an array of them. */
float nb_ssum_of(size_t n, nb_sterms *terms, const void *context);
double nb_dsum_of(size_t n, nb_dterms *terms, const void *context);

#endif
