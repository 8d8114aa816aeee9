/* half.h - numbers in 16 bits, IEEE 754's binary16: 10 bits of fraction, from 6e-8 to 65504. For storage;
 * arithmetic is done in float or double. */
#ifndef NABLAS_HALF_H
#define NABLAS_HALF_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* nb_half_pack - h[i] := the half nearest to x[i]; of two as near, the one with an even last bit. From
 *                65520 on that is infinity; below 2^-24 / 2 it is 0, with the sign kept. NaN stays NaN.
 * nb_half_unpack - x[i] := the value of h[i], exactly.
 * nb_half_of, nb_half_value - the same for one number.
 *
 *   x  (n)
 *   h  (n)
 * No errors. The rounding mode of the caller does not matter.
 * Cost:   a few ns each. Source: IEEE 754-2008, 3.4 and 4.3; np.float16 gives the same bits. */
void nb_half_pack(size_t n, const double *x, uint16_t *h);
void nb_half_unpack(size_t n, const uint16_t *h, double *x);
uint16_t nb_half_of(double x);
double nb_half_value(uint16_t h);

NB_END_DECLS
#endif
