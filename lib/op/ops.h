/* ops.h - the operations of this folder: one line each. */
#ifndef NABLAS_OPS_H
#define NABLAS_OPS_H

#include "nablas/op.h"

#define NB_OP_LIST(X)        \
    X(affine)                \
    X(matmul)                \
    X(matmul_stack)          \
    X(add)                   \
    X(multiply)              \
    X(subtract)              \
    X(divide)                \
    X(broadcast)             \
    X(identity)              \
    X(step)                  \
    X(sigmoid)               \
    X(relu)                  \
    X(tanh)                  \
    X(leaky_relu)            \
    X(elu)                   \
    X(gelu)                  \
    X(softplus)              \
    X(exp)                   \
    X(log)                   \
    X(square)                \
    X(sqrt)                  \
    X(abs)                   \
    X(power)                 \
    X(scale)                 \
    X(softmax)               \
    X(sum)                   \
    X(mean)                  \
    X(sum_axis)              \
    X(mean_axis)             \
    X(max_axis)              \
    X(reshape)               \
    X(transpose)             \
    X(slice)                 \
    X(concatenate)           \
    X(batch_norm)            \
    X(dropout)               \
    X(conv2d)                \
    X(max_pool)              \
    X(average_pool)          \
    X(squared_error)         \
    X(softmax_cross_entropy) \
    X(weigh)                 \
    X(pointwise_loss)

#define X(name) extern const nb_op nb_op_##name;
NB_OP_LIST(X)
#undef X

/* nb_op_joined - the operation that computes `first`, and then `then` (of one input, with that
 * configuration) from its output, or NULL: there is none. It is called with the inputs, configuration
 * and memory of the first operation, `out` and `dout` of the last, `kept` of the last that has any, and
 * needs no more scratch than the first has asked for. `first` may be joined itself. */
const nb_op *nb_op_joined(const nb_op *first, const nb_op *then, const void *config);

/* Joined operations that op_convolution.c does not know itself. */
extern const nb_op nb_affine_relu, nb_batch_norm_relu;

/* nb_group_begin - the first row of in[0] in a group, and where it ends. The last group has what is
 * left: all of an in[0] that has no batch. */
size_t nb_group_begin(const nb_call *c, size_t group, size_t *end);

#endif
