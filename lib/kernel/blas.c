#include "nablas/blas.h"

#include <cblas.h>

int nb_blas_threads(void)
{
    return openblas_get_num_threads();
}

void nb_blas_set_threads(int n)
{
    openblas_set_num_threads(n < 1 ? 1 : n);
}

const char *nb_blas_core(void)
{
    return openblas_get_corename();
}
