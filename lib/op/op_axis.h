/* op_axis.h - an axis of a tensor, and configurations with one; for lib/op and lib/graph. */
#ifndef NABLAS_OP_AXIS_H
#define NABLAS_OP_AXIS_H

#include "nablas/op.h"

/* Of sum_axis, mean_axis, max_axis. */
typedef struct nb_reduction {
    int axis;  /* negative: from the last on */
    bool keep; /* as a dimension of 1 */
} nb_reduction;

/* Of slice. */
typedef struct nb_part {
    int axis;
    size_t from, to;
} nb_part;

/* A tensor as an array (outer, along, inner) around one of its axes. */
typedef struct nb_slab {
    size_t outer, along, inner;
} nb_slab;

/* nb_axis_find - *found = the axis, counted from 0.
 * Errors: NB_ESHAPE there is no such axis; the message names the operation and the shape. */
nb_status nb_axis_find(const char *name, int axis, nb_shape shape, size_t *found);

/* nb_slab_of - around a valid axis, which may be negative; for shapes without NB_BATCH. */
nb_slab nb_slab_of(const nb_tensor *t, int axis);

#endif
