/* packed.h - the sparse format of a matrix (n,k), for affine layers. */
#ifndef NABLAS_PACKED_H
#define NABLAS_PACKED_H

#include "nablas/sparse.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

NB_BEGIN_DECLS

/* How a tensor (n,k) is packed: its `data` holds the columns in `run` side by side, (n, columns), and
 * `entry` single elements of other columns; all else is 0. Everything is the caller's. */
typedef struct nb_packed {
    size_t columns, runs;  /* of the runs together; >= 1 */
    const nb_run *run;     /* (runs) ascending, apart */
    const size_t *row;     /* (n), or NULL: no entries */
    const size_t *row_end; /* (n): row i has entry[row[i]] ... entry[row_end[i]-1] */
    const nb_entry *entry; /* ascending in a row; in no run, which is not checked */
} nb_packed;

/* nb_packed_check - check that x is a matrix packed as described.
 *
 *   entries  in   false: check the runs alone, while rows and entries are not written yet
 * Errors: NB_EINVAL a NULL; NB_ESHAPE, with the run or entry that is out of order or range.
 * Cost:   runs and entries. */
nb_status nb_packed_check(const nb_tensor *x, bool entries);

NB_END_DECLS
#endif
