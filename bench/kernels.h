/* kernels.h - what xkernels.c, which is compiled in two precisions, measures for kernels.c. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include "bench.h"

enum { isas = 3, most_kernels = 32 };

typedef struct kernel_time {
    const char *name;
    double ns[isas]; /* of one element, the least; NaN if the machine lacks the instruction set */
} kernel_time;

/* Time each loop of vector.h by the tables of those names, after a check that all tables give the
 * same bits. Returns how many loops there are. */
size_t nb_skernel_times(const char *const isa[isas], kernel_time row[most_kernels]);
size_t nb_dkernel_times(const char *const isa[isas], kernel_time row[most_kernels]);

#endif
