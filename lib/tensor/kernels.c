#include "nablas/kernels.h"
#include "tensor/tables.h"

const nb_kernels *nb_kernels_of(nb_dtype dtype)
{
    return dtype == NB_FLOAT32 ? &nb_skernels : (dtype == NB_FLOAT64 ? &nb_dkernels : NULL);
}
