/* number.h - what a cell says; for lib/table alone. */
#ifndef NABLAS_NUMBER_H
#define NABLAS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { NB_NO_NUMBER, NB_FINITE, NB_NOT_FINITE } nb_number_kind;

/* nb_number_read - the number that a cell holds, rounded correctly; `decimal` is '.' or ','.
 *                  Infinity, and what is beyond a double's range, is NB_NOT_FINITE; NaN is no number.
 * nb_is_missing - whether the cell holds none of a value: empty, NA, N/A, NaN, nan, null, NULL, ?. */
nb_number_kind nb_number_read(const char *text, size_t size, char decimal, double *value);
bool nb_is_missing(const char *text, size_t size);

#endif
