/* samples.h - how rows of a dataset become a batch; for lib/data alone. */
#ifndef NABLAS_SAMPLES_H
#define NABLAS_SAMPLES_H

#include "nablas/dataset.h"
#include "nablas/kernels.h"

double nb_dataset_scale(const nb_dataset *d);

/* nb_index_check - is every index below `count`? Errors: NB_ERANGE. */
nb_status nb_index_check(const char *who, size_t count, size_t n, const size_t *index);

/* nb_samples_write - rows 0 ... n-1 of x: samples index[0] ..., or first ... where index is NULL.
 * nb_targets_write - those of t. Errors: NB_ERANGE a label that is no class; t is untouched. */
void nb_samples_write(const nb_dataset *d, size_t n, const size_t *index, size_t first,
                      const nb_tensor *x);
nb_status nb_targets_write(const nb_dataset *d, const char *who, size_t n, const size_t *index,
                           size_t first, const nb_tensor *t);

#endif
