/* element.h - single elements of arrays in the precision of a table of kernels, as its `get` and `set`,
 * but inline: for loops over many. */
#ifndef NABLAS_ELEMENT_H
#define NABLAS_ELEMENT_H

#include "nablas/kernels.h"

static inline double nb_element(const nb_kernels *k, const void *x, size_t i)
{
    return k->dtype == NB_FLOAT32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static inline void nb_put_element(const nb_kernels *k, void *x, size_t i, double value)
{
    if (k->dtype == NB_FLOAT32)
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

#endif
