/* gradient.h - gradients of a graph by differences, and the check of backpropagation against them.
 */
#ifndef NABLAS_GRADIENT_H
#define NABLAS_GRADIENT_H

#include "nablas/check.h"
#include "nablas/graph.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* nb_graph_numerical_gradient - the gradient of the scalar `loss` with respect to one parameter by
 * central differences, in the graph's own precision; textbook 4.4:
 *
 *   gradient_i := (loss(w_i + h) - loss(w_i - h)) / (2h)
 *
 * nb_graph_numerical_gradient_brute - the same by this definition, literally; the function above
 * recomputes only what w_i can change. They agree up to rounding: in float64 and with h = 1e-4, to
 * about 1e-11 of the loss.
 *
 *   parameter  in   of the same graph; restored bit for bit
 *   h          in   the step, > 0; the book's is NB_NUMERICAL_H (numeric.h)
 *   gradient   out  of the parameter's type and shape
 * A float32 graph is cast to float64, with its parameters and what it was fed, and the result rounded:
 * differences in float32 with h = 1e-4 are off by up to a fourth of the largest element (W1 of the
 * book's net). The brute one stays in the graph's precision.
 * The graph is left as nb_forward(loss) leaves it.
 * Errors: NB_EINVAL not finished, not a parameter of the loss's graph, h not positive or not
 *         finite; NB_ESHAPE, also a loss that is no scalar; NB_EDTYPE; what nb_forward answers; not
 *         brute: NB_ENOMEM, as each call allocates its workspace.
 * Cost:   brute: two forward passes for each element.
 *         The other, where W(k,m) or b(m) belongs to one affine or matmul x W + b over a batch, and
 *         the loss is a sum or mean over it: for each column of W or b and each row of x, what one
 *         element of the product changes is computed twice for each distinct nonzero value in that
 *         row (2m times, not 2km, if x has two values). Each computation costs one element through
 *         elementwise operations, up to the next product; a row times m', its width, through that
 *         product; then whole rows. Anywhere else (a parameter used twice, the book's apples): what
 *         is downstream of the parameter, twice for each element.
 *         Shared over the threads of the graph's pool; their number changes no bit that it does not
 *         change in the forward pass.
 * How:    lib/derivative/nudge.c. The promises of your own operation speed this up (op.h). */
nb_status nb_graph_numerical_gradient(nb_node *loss, nb_node *parameter, double h,
                                      nb_tensor *gradient);
nb_status nb_graph_numerical_gradient_brute(nb_node *loss, nb_node *parameter, double h,
                                            nb_tensor *gradient);

/* nb_gradient_check - compare backpropagation with central differences (check.h), in float64
 * whatever the graph computes in: the graph is cast, with its parameters and what it was fed.
 * nb_gradient_check_with - the same with options; NULL: NB_CHECK_DEFAULTS.
 *
 *   loss    in   a scalar of a finished graph whose inputs are fed
 *   h       in   the step
 *   report  out  old contents never read; one row for each parameter, in the order they were made
 * The promises (op.h) of your own operations are checked first: the operation is run whole, twice, by
 * ranges with the other rows hidden, on threads, with alpha and beta, and in both precisions. Its
 * backward is also checked with random vectors, c^T (J v) against (J^T c)^T v, which detects a mistake
 * even where the loss is saturated. report->broken names the first broken promise, and the check fails.
 * A repeated pass has to give the same numbers (NB_REDRAWN, NB_NONDETERMINISTIC, NB_OVERWRITTEN;
 * report->broken names the node). Masks are drawn once, from a copy of the stream.
 * A kink is a difference within whose step an input of an operation with a corner (nb_op) changes sign,
 * or another element becomes the largest.
 * Errors: as nb_graph_cast, nb_forward, nb_backward, nb_graph_numerical_gradient; the report is
 *         zeroed then.
 * Cost:   nb_graph_numerical_gradient for each parameter, twice with richardson, and once more if
 *         an operation has an inexact form; some 10 to 100 forward passes in long double (downstream of
 *         the parameter, on one thread) for each element beyond the bound that this does not explain,
 *         for the four largest of each parameter, and for as many below the floor as take about a
 *         second. 32 bytes for each number of the graph.
 * Source: textbook 5.7.3. */
nb_status nb_gradient_check(nb_node *loss, double h, nb_gradient_report *report);
nb_status nb_gradient_check_with(nb_node *loss, const nb_check_options *options,
                                 nb_gradient_report *report);

/* nb_training_check - compare the passes that training runs, in the graph's own precision, with
 * backpropagation in float64:
 *
 *   float32 against float64        no farther apart than rounding: 256 u times the sum of the sizes of
 *                                  the terms (u = 2^-24) for the largest elements, 2 % for the rest, and
 *                                  what moving every weight and input by 16 u changes, 16 times
 *   the same pass twice            the same bits
 *   rows split at random           every phase of an operation that promises NB_BY_ROW in three ranges
 *   one thread against two
 *   packed inputs against dense    where an input is nb_sparse; also with rows split at random
 *   beta = 1                       the gradient added to numbers that are there
 *   w := w - lr dw in one step     (nb_descend) against w - lr times the gradient
 *   a random direction             of all parameters, by whole forward passes: ((f(w + tv) - f(w - tv)) / 2t
 *                                  against v^T dw
 *
 *   report  out  no rows; `breach` and `broken` name the first difference
 * nb_gradient_check does the same before it checks single elements.
 * Errors: as nb_gradient_check; NB_EINVAL a NULL.
 * Cost:   eight backward passes, nine in float32, one less without a sparse input; some 30 forward passes.
 *
 * nb_gradient_check_fast - that, and one random direction v of each parameter, where single
 * elements are too many.
 *
 *   report  out  one row for each parameter with one element: v^T dw as `analytic`, the difference
 *                along v as `numerical`, of the exact form
 * An error in some elements is detected as far as they contribute to the sum: one that changes the
 * gradient by one part in 10^7 of its length is detected in most directions. NB_UNRESOLVED: there are so
 * many corners along v that no three steps are on one smooth piece.
 * Cost:   besides, some 15 to 40 forward passes for each parameter.
 *         A net of 10^7 parameters, 100 rows, float64: 55 s on one thread. */
nb_status nb_training_check(nb_node *loss, nb_gradient_report *report);
nb_status nb_gradient_check_fast(nb_node *loss, nb_gradient_report *report);

/* An operand of an operation to check. */
typedef struct nb_operand {
    nb_shape shape;      /* without NB_BATCH */
    const double *value; /* its elements, or NULL: normal random numbers, the same each time */
    bool constant;       /* backward has no gradient for it (a target) */
} nb_operand;

/* nb_op_check - check the gradient of one operation with respect to each of its operands, in the
 * smallest graph around it: the loss sum_k c_k y_k of its output y with random numbers c.
 *
 *   config     in   op->config bytes, or NULL
 *   operand    in   (op->inputs)
 *   options    in   NULL: NB_CHECK_DEFAULTS
 *   report     out  old contents never read; a row for each operand that is not constant, named
 *                   "in[0]", "in[1]", ...
 * The operation's promises are checked as above, in predicting and training passes; operands whose
 * first dimension may be the batch are repeated to 53 rows.
 * For an operation that takes labels, build a graph and use nb_gradient_check.
 * Errors: as nb_gradient_check and nb_apply; the report is zeroed then. */
nb_status nb_op_check(const nb_op *op, const void *config, const nb_operand *operand,
                      const nb_check_options *options, nb_gradient_report *report);

/* nb_op_adjoint - the adjoint test of one operation with respect to one operand:
 *
 *   <J v, c> = <v, J^T c>,  v and c random
 *
 * Where the operation is linear in the operand (a product, a sum, a reshaping; relu and max pooling
 * on the piece where they are), J v is f(x + v) - f(x - v) over 2, without a step, and the two agree
 * to 1e-15 of `terms`; elsewhere J v is found by Romberg's extrapolation in long double, to 1e-10 or
 * better, and to about 1e-9 for an operation of yours, which computes in double.
 *
 *   config, operand  in   as nb_op_check
 *   input            in   which operand, < op->inputs, not constant
 * Errors: NB_EINVAL; as nb_op_check; *adjoint is zeroed then.
 * Cost:   some 10 to 40 times forward of this operation, once backward. */
nb_status nb_op_adjoint(const nb_op *op, const void *config, const nb_operand *operand,
                        size_t input, nb_adjoint *adjoint);

NB_END_DECLS
#endif
