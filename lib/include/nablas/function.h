/* function.h - the built-in operations as functions, for building graphs (graph.h): each calls
 * nb_apply with one operation. A NULL input gives NULL; if shapes do not fit, nb_graph_finish fails
 * and its message names them. n is the batch (NB_BATCH) or any first dimension. */
#ifndef NABLAS_FUNCTION_H
#define NABLAS_FUNCTION_H

#include "nablas/op.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_node nb_node;

/* --- products ------------------------------------------------------------------------------- */

/* (n,m) = x (n,k) W (k,m) + b (m); all dimensions of x after the first count as one k. */
nb_node *nb_affine(nb_node *x, nb_node *W, nb_node *b);
/* (n,m) = a (n,k) b (k,m); of stacks (n,i,j) = a (n,i,k) b (k,j), or a (n,i,k) b (n,k,j), with any
 * number of equal dimensions in place of n. */
nb_node *nb_matmul(nb_node *a, nb_node *b);

/* --- elementwise ---------------------------------------------------------------------------- */

/* a + b, a - b, a b, a / b, with NumPy's broadcasting: shapes are aligned at their ends, and an
 * array is stretched along dimensions that it lacks or that are 1: (batch, m) with (m), (1, m),
 * (batch, 1) or a scalar. The batch is the first dimension of the result. Gradients are summed over
 * stretched dimensions, rows in order. NB_ESHAPE: the message names the dimension at fault. */
nb_node *nb_add(nb_node *a, nb_node *b);
nb_node *nb_subtract(nb_node *a, nb_node *b);
nb_node *nb_multiply(nb_node *a, nb_node *b);
nb_node *nb_divide(nb_node *a, nb_node *b);
/* x; 1 if x > 0 else 0; 1/(1 + e^-x); max(0, x) */
nb_node *nb_identity(nb_node *x);
nb_node *nb_step(nb_node *x);
nb_node *nb_sigmoid(nb_node *x);
nb_node *nb_relu(nb_node *x);
/* More activations, as in activation.h: tanh x; x > 0 ? x : slope x; x > 0 ? x : alpha (e^x - 1);
 * x P(x) with the normal distribution function P; log(1 + e^x) */
nb_node *nb_tanh(nb_node *x);
nb_node *nb_leaky_relu(nb_node *x, double slope);
nb_node *nb_elu(nb_node *x, double alpha);
nb_node *nb_gelu(nb_node *x);
nb_node *nb_softplus(nb_node *x);
/* e^x; log x; x^2; sqrt x; |x| (slope 0 at 0); x^p as NumPy's x ** p; factor x. Where a function or
 * its slope is undefined, the result is IEEE's: log 0 = -Inf, sqrt -1 = NaN. */
nb_node *nb_exp(nb_node *x);
nb_node *nb_log(nb_node *x);
nb_node *nb_square(nb_node *x);
nb_node *nb_sqrt(nb_node *x);
nb_node *nb_abs(nb_node *x);
nb_node *nb_power(nb_node *x, double p);
nb_node *nb_scale(nb_node *x, double factor);

/* --- rows and sums -------------------------------------------------------------------------- */

/* each row of a (n,m) */
nb_node *nb_softmax(nb_node *a);
/* the sum, the mean of all elements: a scalar */
nb_node *nb_sum(nb_node *x);
nb_node *nb_mean(nb_node *x);
/* the sum, mean or maximum along one axis, which is removed or, with keep, becomes of size 1.
 * Axis 0 is the first, -1 the last; if axis 0 is the batch, the result has no batch. Among equal
 * maxima the first gets the gradient; NaN counts as the largest. */
nb_node *nb_sum_axis(nb_node *x, int axis, bool keep);
nb_node *nb_mean_axis(nb_node *x, int axis, bool keep);
nb_node *nb_max_axis(nb_node *x, int axis, bool keep);

/* --- shapes ----------------------------------------------------------------------------------
 *
 * Each makes a copy, in one pass. The batch stays the first dimension. NB_ESHAPE: the message says
 * what was expected. */

/* the elements of x (n, ...) in their order: x (batch, ...) as (batch, shape), x without a batch as
 * shape. nb_flatten - x (n, ...) as (n, k); x itself if it already has that shape. */
nb_node *nb_reshape(nb_node *x, nb_shape shape);
nb_node *nb_flatten(nb_node *x);
/* axis d of the result is axis axes.dim[d] of x: nb_transpose(x, NB_SHAPE(0, 2, 1)) */
nb_node *nb_transpose(nb_node *x, nb_shape axes);
/* positions from ... to-1 along an axis other than the batch */
nb_node *nb_slice(nb_node *x, int axis, size_t from, size_t to);
/* a followed by b, along an axis other than the batch */
nb_node *nb_concatenate(nb_node *a, nb_node *b, int axis);

/* --- training ------------------------------------------------------------------------------- */

/* gamma (x - mean) / sqrt(variance + epsilon) + beta, for each feature, 6.3. In training passes mean
 * and (biased) variance are those of the batch, and the running ones become momentum old +
 * (1 - momentum) new; predicting passes use the running ones. mean, variance: nb_state; all four
 * (features). options NULL: nb_batch_norm_book. */
nb_node *nb_batch_norm(nb_node *x, nb_node *gamma, nb_node *beta, nb_node *mean, nb_node *variance,
                       const nb_batch_norm_options *options);
/* In training passes x where rand() > ratio, drawn in C order from the pass's stream, and 0
 * elsewhere, 6.4.3; 0 <= ratio < 1. The book's dropout keeps x unscaled and multiplies by 1 - ratio
 * when predicting; the other (inverted) divides by 1 - ratio in training, and predicts with x. */
nb_node *nb_dropout(nb_node *x, double ratio, bool book);

/* --- images -----------------------------------------------------------------------------------
 *
 * x (n, C, H, W) to (n, ..., OH, OW), OH = 1 + (H + 2 pad - rows) / stride, rounded down; textbook
 * chapter 7, convolution.h. Padding is zeros, for a maximum too. The bits of an image do not depend
 * on the other images, those of gradients not on threads. NB_ESHAPE, NB_EINVAL: shapes that do not
 * fit, a window larger than the image and its padding. */

/* W(f) applied to x at each position, plus b(f): W (FN, C, FH, FW), b (FN), result (n, FN, OH, OW).
 * how NULL: stride 1, no padding. Partial sums of dW take FN (C FH FW + 1) numbers for every
 * NB_GROUP_ROWS images; the batch is never unfolded as a whole. */
nb_node *nb_conv2d(nb_node *x, nb_node *W, nb_node *b, const nb_sliding *how);
/* the largest pixel in the window, the first among equals, NaN counts as the largest; the mean of
 * its pixels. Result (n, C, OH, OW). how NULL: the window is the image, (n, C, 1, 1). */
nb_node *nb_max_pool(nb_node *x, const nb_sliding *how);
nb_node *nb_average_pool(nb_node *x, const nb_sliding *how);

/* --- losses --------------------------------------------------------------------------------- */

/* the scalar 1/2 sum (y - t)^2 over batch and columns, the book's */
nb_node *nb_mean_squared_error(nb_node *y, nb_node *t);
/* the scalar mean over the batch of -log(softmax(a)_t + epsilon); t is one-hot (n,m) or nb_labels.
 * epsilon is NB_BOOK_EPSILON or, computed from the logits, NB_EXACT_LOG (loss.h). As in the book,
 * backward is (y - t)/n for both: the derivative of the exact form. */
nb_node *nb_softmax_cross_entropy(nb_node *a, nb_node *t, double epsilon);
/* the same, with each sample's loss multiplied by weights[t] (m) before the mean; for one-hot t, by
 * sum_j t_j weights_j */
nb_node *nb_weighted_cross_entropy(nb_node *a, nb_node *t, nb_node *weights, double epsilon);
/* the scalar mean over batch and columns of (y - t)^2, of |y - t| (slope 0 at 0), of Huber's
 * d^2/2 where |d| <= delta, delta (|d| - delta/2) beyond, d = y - t; y, t (n, ...) of equal shape */
nb_node *nb_squared_loss(nb_node *y, nb_node *t);
nb_node *nb_absolute_loss(nb_node *y, nb_node *t);
nb_node *nb_huber_loss(nb_node *y, nb_node *t, double delta);
/* the scalar mean over batch and columns of -t log s - (1 - t) log(1 - s), s = sigmoid(a), computed
 * from the logits a without a rounded 0 or 1; 0 <= t <= 1 */
nb_node *nb_binary_cross_entropy(nb_node *a, nb_node *t);

NB_END_DECLS
#endif
