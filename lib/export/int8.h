/* int8.h - weights as bytes; for lib/export alone. */
#ifndef NABLAS_EXPORT_INT8_H
#define NABLAS_EXPORT_INT8_H

#include <stddef.h>

/* nb_int8_scale - s of the n weights of one output.
 * nb_int8_of - q of a weight, -127 ... 127: w is s q, but for half of s. */
float nb_int8_scale(size_t n, const float *w);
int nb_int8_of(float w, float scale);

#endif
