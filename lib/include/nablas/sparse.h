/* sparse.h - matrices that are mostly zeros, as rows of pixels are.
 *
 * Of the columns of such a matrix some are used by many rows: they are kept side by side, as runs
 * of neighbouring columns, and go through BLAS. Some are used by a few rows: their elements are
 * kept one by one, as entries. The others are 0 throughout and left out. */
#ifndef NABLAS_SPARSE_H
#define NABLAS_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Columns begin ... end-1. */
typedef struct nb_run {
    uint32_t begin, end;
} nb_run;

/* One element of a row. */
typedef struct nb_entry {
    uint32_t column;
    double value;
} nb_entry;

/* nb_count_bytes - count_i := min(count_i + (bytes_i != 0), 255): how many of a few rows use a
 * column. nb_add_counts - count_i := min(count_i + more_i, 255). Vectorised. */
void nb_count_bytes(size_t n, const uint8_t *bytes, uint8_t *count);
void nb_add_counts(size_t n, const uint8_t *more, uint8_t *count);

/* nb_find_runs - the runs of the columns j < k with count[j] > above.
 *   runs     out  (k/2 + 1)
 *   columns  out  how many columns they have in all
 * Returns the number of runs. k is below 2^32. */
size_t nb_find_runs(size_t k, const uint8_t *count, uint8_t above, nb_run *runs, size_t *columns);

/* nb_find_entries - the elements of one row of bytes that are not 0 in the columns with wanted[j]
 * != 0 (0 or 255), each (float) byte / divisor.
 *   entry  out  as many as there are, at most k
 * Returns how many. */
size_t nb_find_entries(size_t k, const uint8_t *bytes, const uint8_t *wanted, float divisor,
                       nb_entry *entry);

/* nb_{s,d}pack_bytes - the columns in `run` of one row of bytes, converted as nb_{s,d}from_bytes.
 *   bytes  in   the row; `readable` bytes from its start may be read, at least up to the last run
 *   y      out  (columns of the runs) */
void nb_spack_bytes(size_t runs, const nb_run *run, const uint8_t *bytes, size_t readable,
                    float divisor, float *y);
void nb_dpack_bytes(size_t runs, const nb_run *run, const uint8_t *bytes, size_t readable,
                    float divisor, double *y);

/* nb_{s,d}add_rows - the product of a sparse row with a matrix:
 *   y(m) += sum_e value_e W[column_e, :]
 * nb_{s,d}add_outer - the gradient of that, for the entries with lo <= column_e < hi:
 *   W[column_e, :] += alpha value_e y(m)
 * W is (., m), row stride m. */
void nb_sadd_rows(size_t entries, const nb_entry *entry, size_t m, const float *W, float *y);
void nb_dadd_rows(size_t entries, const nb_entry *entry, size_t m, const double *W, double *y);
void nb_sadd_outer(size_t entries, const nb_entry *entry, size_t lo, size_t hi, size_t m,
                   float alpha, const float *y, float *W);
void nb_dadd_outer(size_t entries, const nb_entry *entry, size_t lo, size_t hi, size_t m,
                   double alpha, const double *y, double *W);

#ifdef __cplusplus
}
#endif
#endif
