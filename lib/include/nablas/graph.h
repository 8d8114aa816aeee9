/* graph.h - computational graphs: build, feed, forward, backward.
 *
 *     nb_graph *g;
 *     nb_graph_create(&g, NB_FLOAT64);
 *     nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
 *     nb_node *number = nb_parameter(g, "number", NB_SCALAR);
 *     nb_node *price = nb_multiply(apple, number);
 *     nb_graph_finish(g, 1);
 *
 * Leaves are inputs (data that the caller feeds), parameters (owned by the graph, with a gradient)
 * and state (owned by the graph, updated by operations in training, such as running means). While a
 * graph is built, a failure makes the node NULL, operations on NULL give NULL, and nb_graph_finish
 * returns the first failure. After nb_graph_finish nothing is allocated: values, gradients and what
 * operations keep are in one arena sized for the largest batch.
 *
 * Thread safety: a graph and its nodes are used by one thread at a time; different graphs are
 * independent, and so are a graph and its clones (nb_graph_clone) while nothing writes parameters.
 * Misuse is answered: a NULL node or graph gives NB_EINVAL, or NULL, 0, false, NaN where no status
 * is returned. */
#ifndef NABLAS_GRAPH_H
#define NABLAS_GRAPH_H

#include "nablas/function.h"
#include "nablas/op.h"
#include "nablas/packed.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/threads.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_graph nb_graph;

/* As a first dimension: the batch, as many rows as are fed. */
#define NB_BATCH ((size_t)-1)

/* --- building ------------------------------------------------------------------------------- */

/* nb_graph_create - an empty graph that computes in NB_FLOAT32 or NB_FLOAT64.
 * nb_graph_destroy - free it and its nodes; NULL is fine.
 * Errors: NB_EINVAL, NB_EDTYPE, NB_ENOMEM; *g is NULL then. */
nb_status nb_graph_create(nb_graph **g, nb_dtype dtype);
void nb_graph_destroy(nb_graph *g);

/* nb_input - a leaf whose value the caller feeds, of the graph's element type.
 * nb_labels - the same for labels: int32 (NB_BATCH).
 * nb_parameter - a trainable leaf that the graph owns; zeros after nb_graph_finish.
 * nb_state - a leaf that the graph owns and its operations update in training passes; zeros after
 *            nb_graph_finish. It has no gradient, and is saved and copied as parameters are. */
nb_node *nb_input(nb_graph *g, const char *name, nb_shape shape);
nb_node *nb_labels(nb_graph *g, const char *name);
nb_node *nb_parameter(nb_graph *g, const char *name, nb_shape shape);
nb_node *nb_state(nb_graph *g, const char *name, nb_shape shape);

/* nb_apply - a node for any operation, including your own; `op` must outlive the graph. Each
 * function of function.h calls it with one operation.
 *
 *   config  in  op->config bytes, copied; NULL where there are none
 *   inputs  in  (op->inputs) */
nb_node *nb_apply(const nb_op *op, const void *config, nb_node *const *inputs);

/* nb_sparse - say that an input (NB_BATCH, k) may be mostly 0, so that it may be fed packed
 * (packed.h); returns the node. It may then be used only where an operation takes it: the first
 * operand of nb_affine and nb_matmul. Costs one more copy of the second operand's memory. */
nb_node *nb_sparse(nb_node *input);

/* nb_name - give a node a name (copied) for messages, reports and pictures; returns the node. */
nb_node *nb_name(nb_node *node, const char *name);

/* nb_graph_finish - plan the memory for batches of up to `max_batch` rows, allocate it, zero the
 * parameters. After it the graph is fixed.
 * Errors: the first failure while building; NB_EINVAL max_batch = 0 or already finished;
 *         NB_EOVERFLOW, NB_ENOMEM. */
nb_status nb_graph_finish(nb_graph *g, size_t max_batch);

/* nb_graph_set_pool - share the work over the pool's threads from now on; NULL: one thread. The
 * pool stays the caller's. The bits are those of one thread. An operation that does not promise
 * NB_BY_ROW is computed by one thread, the others by all.
 * Errors: NB_EINVAL not finished; NB_ENOMEM scratch memory for more threads; the old pool stays.
 * Cost:   allocates only where there are more threads than ever before. */
nb_status nb_graph_set_pool(nb_graph *g, nb_pool *pool);
nb_pool *nb_graph_pool(const nb_graph *g);

/* nb_graph_set_pass - how forward passes run from now on (op.h); predicting at first. The stream
 * stays the caller's. Errors: NB_EINVAL. */
nb_status nb_graph_set_pass(nb_graph *g, nb_pass pass);
nb_pass nb_graph_pass(const nb_graph *g);

/* nb_graph_join - compute nodes as one where an operation allows it and only one node uses each value
 * in between: a convolution, relu and max pooling by 2 x 2; affine or batch norm, and relu. Off at
 * first; the numbers are the same to the bit. A node in between is then not computed: nb_value keeps
 * its old contents, nb_gradient is NULL. A training loop (train.h) joins while it lasts; a numerical
 * gradient, which needs all values, turns it off. After a change, nb_forward comes before nb_backward.
 * nb_graph_joins - whether it does; false for NULL. Errors: NB_EINVAL. */
nb_status nb_graph_join(nb_graph *g, bool joins);
bool nb_graph_joins(const nb_graph *g);

/* --- running -------------------------------------------------------------------------------- */

/* nb_feed - set the value of an input. The data remain the caller's: they are neither copied nor
 * written, and must stay valid until the next feed. NULL removes the value. It may be packed
 * (packed.h) if the input is nb_sparse: products then skip the zeros left out, with the same
 * results up to rounding.
 * nb_feed_rows - the same for rows that are not written yet: the next forward pass that needs them
 * calls fill(context, lo, hi) for ranges of rows, each on the thread that uses them next; the value
 * must not be read before that. A pass requests each row once.
 * Errors: NB_EINVAL not an input, not finished, packed where it may not be; NB_EDTYPE; NB_ESHAPE,
 *         also more rows than max_batch. The old value stays then. */
nb_status nb_feed(nb_node *input, const nb_tensor *value);
nb_status nb_feed_rows(nb_node *input, const nb_tensor *value, nb_fill fill, void *context);

/* nb_forward - compute `target` and all that it needs, from the values fed.
 * nb_forward_again - the same, if only nb_backward_into has written parameters since the last
 * forward pass: what operations prepared from parameters is then reused.
 * Errors: NB_EINVAL an input was not fed; NB_ESHAPE two inputs with batches of different length;
 *         what operations answer (NB_ERANGE for a label). NaN and Inf propagate. */
nb_status nb_forward(nb_node *target);
nb_status nb_forward_again(nb_node *target);

/* Where the gradient of one parameter goes: into := alpha gradient + beta into, elementwise. `into`
 * is an array of the parameter's size: its value (descent: alpha = -lr, beta = 1), its gradient, or
 * an optimiser's (a velocity). With beta = 0 the old contents are not read. */
typedef struct nb_sink {
    void *into;
    double alpha, beta;
} nb_sink;

/* nb_backward - gradients of the scalar `loss` with respect to every parameter, by backpropagation
 * from the latest nb_forward(loss). Parameters that the loss does not depend on get 0.
 * nb_backward_into - the same, into sinks: one for each parameter, in the order they were made.
 * Where a parameter is used once and its operation promises NB_FUSES, the gradient goes straight
 * into the sink and nb_gradient keeps its old contents: w := w - lr dw is then a single matrix
 * product. Otherwise the gradient is written first and then added, with the same result up to
 * rounding. A parameter is written only after all gradients that need its old value.
 * Errors: NB_EINVAL a NULL; NB_ESHAPE the loss is no scalar; NB_EINVAL no nb_forward(loss) since
 *         the last feed or step. */
nb_status nb_backward(nb_node *loss);
nb_status nb_backward_into(nb_node *loss, const nb_sink *sinks);

/* nb_backward_told - the same, with the same bits, node by node from the loss. written(parameter,
 * context) is called, on this thread, as soon as the parameter's sink is complete; so the caller can
 * use the gradients of the last layers while those of the first are computed. No sink may be a
 * parameter itself, as other nodes still read it. After a failure, `written` was not called for all.
 * Cost: the threads synchronise after each operation. */
typedef void (*nb_written)(const nb_node *parameter, void *context);
nb_status nb_backward_told(nb_node *loss, const nb_sink *sinks, nb_written written, void *context);

/* nb_descend - one step of gradient descent, textbook 4.4.2: nb_backward_into with w := w - lr dw for
 * every parameter. (optim.h has other optimisers.) Errors: also NB_EINVAL lr is not finite. */
nb_status nb_descend(nb_node *loss, double lr);

/* --- looking -------------------------------------------------------------------------------- */

/* nb_value - the value of a node, at its current batch; a parameter's may be written, before the
 *     forward pass that uses it.
 * nb_gradient - the gradient of a parameter, or of an operation between a parameter and the target
 * of the latest nb_forward; NULL for others. */
nb_tensor *nb_value(nb_node *node);
const nb_tensor *nb_gradient(const nb_node *node);
/* nb_scalar - the value of a one-element node as a double; NaN if it has another shape. */
double nb_scalar(const nb_node *node);

/* What a node is. */
typedef enum { NB_INPUT, NB_PARAMETER, NB_STATE, NB_OPERATION } nb_role;

nb_role nb_node_role(const nb_node *node);       /* NB_INPUT for NULL */
const char *nb_node_name(const nb_node *node);   /* "" if it has none */
const nb_op *nb_node_op(const nb_node *node);    /* NULL for a leaf */
const void *nb_node_config(const nb_node *node); /* NULL where the operation has none */
size_t nb_node_inputs(const nb_node *node);      /* 0 for a leaf */
nb_node *nb_node_input(const nb_node *node, size_t i);
bool nb_node_is_parameter(const nb_node *node);
nb_graph *nb_node_graph(const nb_node *node);
size_t nb_node_index(const nb_node *node); /* place in the graph, from 0 */

nb_dtype nb_graph_dtype(const nb_graph *g);
size_t nb_graph_max_batch(const nb_graph *g); /* 0 before nb_graph_finish */
size_t nb_graph_nodes(const nb_graph *g);
nb_node *nb_graph_node(const nb_graph *g, size_t i);         /* in the order they were made */
nb_node *nb_graph_find(const nb_graph *g, const char *name); /* the first of that name, or NULL */

/* All parameters, all gradients, as one flat vector each, for optimisers and checkpoints.
 * Each parameter starts at a multiple of 64 bytes, the gaps are 0. {0} before nb_graph_finish. */
nb_tensor nb_graph_parameters(const nb_graph *g);
nb_tensor nb_graph_gradients(const nb_graph *g);

/* nb_graph_cast - a copy of a finished graph that computes in `dtype`, with parameters, state and
 * the values fed converted (its own from then on, until fed anew). Nodes keep their places.
 * nb_graph_clone - a graph of the same type that shares the parameters and state of `g`, which must
 * outlive it, and has all else of its own, nothing fed: several threads may then predict with one
 * set of weights, a clone each.
 * Errors: NB_EINVAL not finished; NB_EDTYPE; NB_ENOMEM; *copy is NULL then. */
nb_status nb_graph_cast(const nb_graph *g, nb_dtype dtype, nb_graph **copy);
nb_status nb_graph_clone(const nb_graph *g, nb_graph **copy);

/* nb_graph_schedule_text - what runs when: the stages of a forward pass to `target` and, if it is a
 * scalar, of the backward pass from it; between stages the threads synchronise.
 *
 *   text  out  cut to size - 1 bytes and closed by 0; not written if size = 0
 *
 * Returns the length of the whole text, as snprintf; 0 for a graph that is not finished. */
size_t nb_graph_schedule_text(nb_node *target, char *text, size_t size);

NB_END_DECLS
#endif
