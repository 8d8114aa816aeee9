/* graph.h - computational graphs: build, feed, forward, backward.
 *
 *     nb_graph *g;
 *     nb_graph_create(&g, NB_FLOAT64);
 *     nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
 *     nb_node *number = nb_parameter(g, "number", NB_SCALAR);
 *     nb_node *price = nb_multiply(apple, number);
 *     nb_graph_finish(g, 1);
 *
 * Leaves are inputs (the caller's data, fed) and parameters (the graph's own, with a gradient).
 * While a graph is built, a failure makes the node NULL, operations on NULL give NULL, and
 * nb_graph_finish answers with the first failure. After nb_graph_finish nothing is allocated:
 * values, gradients and what operations keep lie in one arena sized for the largest batch.
 *
 * A graph and its nodes are used by one caller at a time; different graphs are independent. */
#ifndef NABLAS_GRAPH_H
#define NABLAS_GRAPH_H

#include "nablas/op.h"
#include "nablas/packed.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/threads.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nb_graph nb_graph;
typedef struct nb_node nb_node;

/* As a first dimension: as many rows as are fed. */
#define NB_BATCH ((size_t)-1)

/* --- building ------------------------------------------------------------------------------- */

/* nb_graph_create - an empty graph that computes in NB_FLOAT32 or NB_FLOAT64.
 * nb_graph_destroy - free it and its nodes; NULL is fine.
 * Errors: NB_EDTYPE, NB_ENOMEM; *g is NULL then. */
nb_status nb_graph_create(nb_graph **g, nb_dtype dtype);
void nb_graph_destroy(nb_graph *g);

/* nb_input - a leaf whose value the caller feeds, of the graph's element type.
 * nb_labels - the same for labels: int32 (NB_BATCH).
 * nb_parameter - a leaf that the graph owns and learns; zeros after nb_graph_finish. */
nb_node *nb_input(nb_graph *g, const char *name, nb_shape shape);
nb_node *nb_labels(nb_graph *g, const char *name);
nb_node *nb_parameter(nb_graph *g, const char *name, nb_shape shape);

/* nb_apply - a node for any operation, also one of your own; `op` must outlive the graph. The
 * functions below are this one with the operation filled in. */
nb_node *nb_apply(const nb_op *op, double attribute, nb_node *const *inputs);

/* (n,m) = x (n,k) W (k,m) + b (m); dimensions of x behind the first are taken as one k. */
nb_node *nb_affine(nb_node *x, nb_node *W, nb_node *b);
/* (n,m) = a (n,k) b (k,m) */
nb_node *nb_matmul(nb_node *a, nb_node *b);
/* a + b, a b elementwise; equal shapes */
nb_node *nb_add(nb_node *a, nb_node *b);
nb_node *nb_multiply(nb_node *a, nb_node *b);
/* elementwise: x; 1 if x > 0 else 0; 1/(1 + e^-x); max(0, x) */
nb_node *nb_identity(nb_node *x);
nb_node *nb_step(nb_node *x);
nb_node *nb_sigmoid(nb_node *x);
nb_node *nb_relu(nb_node *x);
/* each row of a (n,m) */
nb_node *nb_softmax(nb_node *a);
/* the sum, the mean of all elements: a scalar */
nb_node *nb_sum(nb_node *x);
nb_node *nb_mean(nb_node *x);
/* the scalar 1/2 sum (y - t)^2 over batch and columns, the book's */
nb_node *nb_mean_squared_error(nb_node *y, nb_node *t);
/* the scalar mean over the batch of -log(softmax(a)_t + epsilon); t is one-hot (n,m) or nb_labels.
 * epsilon is NB_BOOK_EPSILON or, computed from the logits, NB_EXACT_LOG (loss.h). As in the book,
 * backward is (y - t)/n for both: the derivative of the exact form. */
nb_node *nb_softmax_cross_entropy(nb_node *a, nb_node *t, double epsilon);

/* nb_sparse - say that an input (NB_BATCH, k) may be mostly 0, so that nb_feed_packed may leave
 * zeros out; returns the node. It may then be used only as the first operand of nb_affine and
 * nb_matmul. Costs one more copy of the second operand's memory. */
nb_node *nb_sparse(nb_node *input);

/* nb_name - give a node a name (copied) for messages, reports and pictures; returns the node. */
nb_node *nb_name(nb_node *node, const char *name);

/* nb_graph_finish - plan the memory for batches of up to `max_batch` rows, allocate it, zero the
 * parameters. After it the graph is fixed.
 * Errors: the first failure while building; NB_EINVAL max_batch = 0 or already finished;
 *         NB_EOVERFLOW, NB_ENOMEM. */
nb_status nb_graph_finish(nb_graph *g, size_t max_batch);

/* nb_graph_set_pool - share rows and parameters over the pool's threads from now on; NULL: one
 * thread. The pool stays the caller's. A graph shares its work if every operation but the last few
 * scalars works on rows of the batch; another one runs on the caller's thread. The bits
 * are those of one thread (nb_share_rows), but for the gradient of a packed product, and a descent
 * that goes by it, which agree to rounding. */
void nb_graph_set_pool(nb_graph *g, nb_pool *pool);
nb_pool *nb_graph_pool(const nb_graph *g);

/* --- running -------------------------------------------------------------------------------- */

/* nb_feed - the value of an input from now on. The data stay the caller's, are not copied, not
 * written, and must stay until another feed; NULL: the input has no value any more.
 * Errors: NB_EINVAL not an input or not finished; NB_EDTYPE; NB_ESHAPE, also more rows than
 *         max_batch. The old value stays then. */
nb_status nb_feed(nb_node *input, const nb_tensor *value);

/* nb_feed_packed - the same for an nb_sparse input, without its zeros:
 *   value  in  (n, k), packed; what it points to stays the caller's, as in nb_feed. With `fill`,
 *              the next nb_forward or nb_graph_cast writes the rows; before it nb_value(input) is
 *              not there
 * The products with it are smaller by what is left out; the result is the same to rounding.
 * Errors: as nb_feed; NB_EINVAL not an nb_sparse input; NB_ESHAPE as nb_packed_check. */
nb_status nb_feed_packed(nb_node *input, const nb_packed *value);

/* nb_forward - compute `target` and all that it needs, from the values fed.
 * Errors: NB_EINVAL an input was not fed; NB_ESHAPE two inputs with batches of different length;
 *         what operations answer (NB_ERANGE for a label). NaN and Inf propagate. */
nb_status nb_forward(nb_node *target);

/* nb_backward - gradients of the scalar `loss` with respect to every parameter, by backpropagation
 * from the latest nb_forward(loss). Parameters that the loss does not depend on get 0.
 * nb_descend - the same, and w := w - lr dw for every parameter. Where the operations allow, the
 * gradient goes straight into the parameter and the gradient arrays are left as they were. If
 * `again`, the forward pass is then repeated, and the value of `loss` is the one after the step.
 * Errors: NB_ESHAPE the loss is no scalar; NB_EINVAL no nb_forward(loss) came before. */
nb_status nb_backward(nb_node *loss);
nb_status nb_descend(nb_node *loss, double lr, bool again);

/* --- looking -------------------------------------------------------------------------------- */

/* nb_value - the value of a node, at its current batch; a parameter's may be written, before the
 *     forward pass that is to see it.
 * nb_gradient - the gradient of a parameter, or of an operation between a parameter and the target
 * of the latest nb_forward; NULL for others. */
nb_tensor *nb_value(nb_node *node);
const nb_tensor *nb_gradient(const nb_node *node);
/* nb_scalar - the value of a one-element node as a double; NaN if it has another shape. */
double nb_scalar(const nb_node *node);

const char *nb_node_name(const nb_node *node); /* "" if it has none */
const nb_op *nb_node_op(const nb_node *node);  /* NULL for a leaf */
size_t nb_node_inputs(const nb_node *node);    /* 0 for a leaf */
nb_node *nb_node_input(const nb_node *node, size_t i);
bool nb_node_is_parameter(const nb_node *node);
nb_graph *nb_node_graph(const nb_node *node);
size_t nb_node_index(const nb_node *node); /* place in the graph, from 0 */

nb_dtype nb_graph_dtype(const nb_graph *g);
size_t nb_graph_max_batch(const nb_graph *g); /* 0 before nb_graph_finish */
size_t nb_graph_nodes(const nb_graph *g);
nb_node *nb_graph_node(const nb_graph *g, size_t i); /* in the order they were made */

/* All parameters, all gradients, as one flat vector each: what an optimiser or a checkpoint sees.
 * Each parameter starts at a multiple of 64 bytes, the gaps are 0. {0} before nb_graph_finish. */
nb_tensor nb_graph_parameters(const nb_graph *g);
nb_tensor nb_graph_gradients(const nb_graph *g);

/* nb_graph_cast - a copy of a finished graph that computes in `dtype`, with the parameters and the
 * values fed converted (its own from then on, until fed anew). Nodes keep their places.
 * Errors: NB_EINVAL not finished; NB_EDTYPE; NB_ENOMEM; *copy is NULL then. */
nb_status nb_graph_cast(const nb_graph *g, nb_dtype dtype, nb_graph **copy);

#ifdef __cplusplus
}
#endif
#endif
