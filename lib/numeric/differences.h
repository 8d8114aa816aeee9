/* differences.h - nb_numerical_gradient with another step; for lib/numeric alone. */
#ifndef NABLAS_NUMERIC_DIFFERENCES_H
#define NABLAS_NUMERIC_DIFFERENCES_H

#include "nablas/numeric.h"

void nb_differences(nb_function f, void *context, size_t n, double *x, double h, double *gradient);

#endif
