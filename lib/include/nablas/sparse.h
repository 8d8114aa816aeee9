/* sparse.h - matrices that are mostly zeros, as rows of pixels are.
 *
 * Columns that many rows use are stored contiguously, as runs of neighbouring columns, and go
 * through BLAS. The elements of columns that few rows use are stored one by one, as entries.
 * Columns of zeros are left out. */
#ifndef NABLAS_SPARSE_H
#define NABLAS_SPARSE_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* Columns begin ... end-1. */
typedef struct nb_run {
    uint32_t begin, end;
} nb_run;

/* One element of a row. */
typedef struct nb_entry {
    uint32_t column;
    double value;
} nb_entry;

/* One byte of a row, in column low + 256 high: three bytes, which may lie anywhere. */
typedef struct nb_byte_entry {
    uint8_t low, high, byte;
} nb_byte_entry;

/* nb_count_bytes - how many of the n rows of bytes(n,k) use a column:
 *   count(k)_j := sum_i [bytes_ij != 0]
 * n is below 2^32. Cost: one pass over the bytes, vectorised. */
void nb_count_bytes(size_t n, size_t k, const uint8_t *bytes, uint32_t *count);

/* nb_find_runs - the runs of the columns j < k with count[j] > above.
 *   runs     out  (k/2 + 1)
 *   columns  out  how many columns they have in all
 * Returns the number of runs. k is below 2^32. */
size_t nb_find_runs(size_t k, const uint32_t *count, uint32_t above, nb_run *runs, size_t *columns);

/* nb_find_bytes - the bytes of a row that are not 0, in the columns with wanted[j] = 255 (0: not
 * wanted). k is at most 2^16.
 *   found  out  as many as there are, ascending
 * Returns how many. */
size_t nb_find_bytes(size_t k, const uint8_t *bytes, const uint8_t *wanted, nb_byte_entry *found);

/* nb_{s,d}add_rows - the product of a sparse row with a matrix:
 *   y(m) += sum_e value_e W[column_e, :]
 * W is (., m), row stride m. */
void nb_sadd_rows(size_t entries, const nb_entry *entry, size_t m, const float *W, float *y);
void nb_dadd_rows(size_t entries, const nb_entry *entry, size_t m, const double *W, double *y);

NB_END_DECLS
#endif
