/* op_packed.h - the phases of products y = a b whose first operand is packed (nablas/packed.h).
 *
 * Of a, BLAS sees only the columns in the runs; the rows of b that they meet are kept in c->memory.
 * Rows of b are named by their place in b. Single entries of a meet b itself. */
#ifndef NABLAS_OP_PACKED_H
#define NABLAS_OP_PACKED_H

#include "op/ops.h"

/* What the rows of y get beside the product: the bias in[2], and relu. */
typedef enum nb_addition { NB_ADD_NOTHING, NB_ADD_BIAS, NB_ADD_BIAS_RELU } nb_addition;

/* nb_packed_need - memory and scratch for a (n, k) times b (k, m).
 * nb_packed_prepare - NB_INPUT_ROWS forward of b: what is kept of its rows.
 * nb_packed_forward - NB_ROWS: rows lo ... hi-1 of y.
 * nb_packed_backward - NB_INPUT_ROWS of b: rows lo ... hi-1 of alpha a^T dy + beta din. Their bits do not
 * depend on lo and hi, and no other row is written.
 * Errors: need: false if more memory is needed than a size holds; forward, backward: those of gemm. */
bool nb_packed_need(const nb_tensor *a, const nb_tensor *b, nb_need *need);
nb_status nb_packed_prepare(const nb_call *c, size_t lo, size_t hi);
nb_status nb_packed_forward(const nb_call *c, nb_addition then, size_t lo, size_t hi);
nb_status nb_packed_backward(const nb_call *c, size_t lo, size_t hi);

#endif
