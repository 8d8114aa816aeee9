/* tables.h - the two tables behind nb_kernels_of. */
#ifndef NABLAS_TABLES_H
#define NABLAS_TABLES_H

#include "nablas/kernels.h"

extern const nb_kernels nb_skernels;
extern const nb_kernels nb_dkernels;

#endif
