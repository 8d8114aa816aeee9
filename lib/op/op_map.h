/* op_map.h - what operations on one input, element by element, share; for lib/op alone. */
#ifndef NABLAS_OP_MAP_H
#define NABLAS_OP_MAP_H

#include "nablas/op.h"

/* The plan: `out` has the shape of in[0], and nothing is kept. */
nb_status nb_map_plan(const nb_tensor *in, const void *config, nb_need *need);

/* The same with a configuration of one double, which has to be finite. */
nb_status nb_map_number(const char *name, const nb_tensor *in, const void *config, nb_need *need);

/* Rows lo ... hi-1 of out := f(in[0]); of din := dout f' + beta din, where f' is computed from
 * `from`, in[0] or out. A kernel with a parameter takes the double of the configuration. */
typedef void nb_kernel(size_t n, const void *x, void *y);
typedef void nb_kernel_number(size_t n, double p, const void *x, void *y);
typedef void nb_slope(size_t n, const void *from, const void *dy, double beta, void *dx);
typedef void nb_slope_number(size_t n, double p, const void *from, const void *dy, double beta,
                             void *dx);

nb_status nb_map(const nb_call *c, nb_kernel *f, size_t lo, size_t hi);
nb_status nb_map_with(const nb_call *c, nb_kernel_number *f, size_t lo, size_t hi);
nb_status nb_map_back(const nb_call *c, nb_slope *f, const nb_tensor *from, size_t lo, size_t hi);
nb_status nb_map_back_with(const nb_call *c, nb_slope_number *f, size_t lo, size_t hi);

/* n copies of the number at x, to `to`. */
void nb_repeat(const nb_kernels *k, size_t n, const void *x, void *to);

#endif
