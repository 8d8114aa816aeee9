/* packed.h - a sparse matrix (n,k) as an affine layer takes it. */
#ifndef NABLAS_PACKED_H
#define NABLAS_PACKED_H

#include "nablas/sparse.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The columns in `run` side by side, and single entries in other columns; all else is 0. With
 * run = NULL nothing is left out: dense is (n,k), and there are no entries. Everything is the
 * caller's. */
typedef struct nb_packed {
    nb_tensor dense; /* (n, columns of the runs) */
    size_t runs;
    const nb_run *run;     /* (runs) ascending, apart */
    const size_t *row;     /* (n), or NULL: no entries */
    const size_t *row_end; /* (n): row i has entry[row[i]] ... entry[row_end[i]-1] */
    const nb_entry *entry; /* ascending in a row; in no run, which is not checked */

    /* NULL, or who writes rows lo ... hi-1 of dense and the entries, which are not there yet then:
     * each thread of the forward pass asks for those that it goes on with, at the same time as the
     * others; lo = hi if it has none. */
    nb_status (*fill)(void *context, size_t lo, size_t hi);
    void *context;
} nb_packed;

/* nb_packed_check - is it a matrix of k columns as described? Of one with `fill` the runs alone:
 * what `fill` writes is not checked.
 * nb_packed_fill - write rows lo ... hi-1, if there is `fill`.
 * Errors: NB_ESHAPE, with the run or entry that is out of order or range; what `fill` answers.
 * Cost:   runs and entries. */
nb_status nb_packed_check(const nb_packed *p, size_t k);
nb_status nb_packed_fill(const nb_packed *p, size_t lo, size_t hi);

/* nb_packed_expand - x(n,k) := the matrix with its zeros. x is of any floating type.
 * Errors: NB_ESHAPE x's rows, or as nb_packed_check; what `fill` answers. */
nb_status nb_packed_expand(const nb_packed *p, nb_tensor *x);

#ifdef __cplusplus
}
#endif
#endif
