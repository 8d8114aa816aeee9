/* loss.h - the book's loss functions, on plain arrays, in two precisions.
 *
 *   n,m   in   samples, classes; n = 0 gives a loss of 0
 *   Y     in   (n,m) outputs, row stride ldy >= max(1,m)
 *   T     in   (n,m) targets (one-hot rows), row stride ldt >= max(1,m); or
 *   t     in   (n) labels, 0 ... m-1
 *   each  out  (n) the loss of each sample, or NULL
 *   loss  out  the loss of the batch, or NULL
 *
 * Errors: NB_EINVAL short stride; NB_ERANGE a label outside 0 ... m-1 (named with its row); `each`
 * and `loss` are then untouched. NaN propagates. Sums over samples and columns are in the order of
 * nb_{s,d}sum.
 * Units:  mean squared error in [Y]^2, cross entropy in nat. */
#ifndef NABLAS_LOSS_H
#define NABLAS_LOSS_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* The constant that the book's code adds inside the logarithm to avoid log 0. It changes the loss
 * by up to 1e-7/y, and backpropagation ignores it; NB_EXACT_LOG leaves it out. */
#define NB_BOOK_EPSILON 1e-7
#define NB_EXACT_LOG 0.0

/* nb_{s,d}mean_squared_error - textbook 4.2.1: each = 1/2 sum_j (y_j - t_j)^2, no mean;
 * loss = their sum over the samples. */
nb_status nb_smean_squared_error(size_t n, size_t m, const float *Y, size_t ldy, const float *T,
                                 size_t ldt, float *each, float *loss);
nb_status nb_dmean_squared_error(size_t n, size_t m, const double *Y, size_t ldy, const double *T,
                                 size_t ldt, double *each, double *loss);

/* nb_{s,d}cross_entropy_error - textbook 4.2.2 to 4.2.4: each = -sum_j t_j log(y_j + epsilon);
 * loss = their mean over the samples. Y holds probabilities. */
nb_status nb_scross_entropy_error(size_t n, size_t m, const float *Y, size_t ldy, const float *T,
                                  size_t ldt, float epsilon, float *each, float *loss);
nb_status nb_dcross_entropy_error(size_t n, size_t m, const double *Y, size_t ldy, const double *T,
                                  size_t ldt, double epsilon, double *each, double *loss);

/* The same with labels: each = -log(y_t + epsilon). */
nb_status nb_scross_entropy_error_labels(size_t n, size_t m, const float *Y, size_t ldy,
                                         const int32_t *t, float epsilon, float *each, float *loss);
nb_status nb_dcross_entropy_error_labels(size_t n, size_t m, const double *Y, size_t ldy,
                                         const int32_t *t, double epsilon, double *each,
                                         double *loss);

/* nb_{s,d}logit_cross_entropy - the exact cross entropy of softmax(A), computed from the logits:
 *
 *   each = log1p(sum_(j != k) e^(a_j - a_k)) sum_j t_j - sum_j t_j (a_j - a_k),  a_k = max a
 *
 * loss = their mean. Right to the last digits also where the target is all but certain and the loss
 * is e^-50. Finite for every finite A, unless the loss itself is too large for the type. */
nb_status nb_slogit_cross_entropy(size_t n, size_t m, const float *A, size_t lda, const float *T,
                                  size_t ldt, float *each, float *loss);
nb_status nb_dlogit_cross_entropy(size_t n, size_t m, const double *A, size_t lda, const double *T,
                                  size_t ldt, double *each, double *loss);

/* The same with labels: each = log1p(sum_(j != k) e^(a_j - a_k)) - (a_t - a_k). */
nb_status nb_slogit_cross_entropy_labels(size_t n, size_t m, const float *A, size_t lda,
                                         const int32_t *t, float *each, float *loss);
nb_status nb_dlogit_cross_entropy_labels(size_t n, size_t m, const double *A, size_t lda,
                                         const int32_t *t, double *each, double *loss);

/* nb_{s,d}residual - what the gradients of the losses above have in common (textbook 5.6.3):
 *
 *   dA(n,m) := diag(g) (Y - T) + beta dA
 *
 *   g  in   (n) gradient with respect to the loss of each sample
 *   T  in   (n,m) contiguous, or NULL: then `labels` (n) names the 1 in each row
 *   Y, dA   (n,m) contiguous; with beta = 0 the old dA is not read; dA may be Y
 * With Y = softmax(A) this is the gradient of softmax with cross entropy, with Y itself the
 * gradient of the squared error. Errors: NB_ERANGE a label outside 0 ... m-1. */
nb_status nb_sresidual(size_t n, size_t m, const float *g, const float *Y, const float *T,
                       const int32_t *labels, float beta, float *dA);
nb_status nb_dresidual(size_t n, size_t m, const double *g, const double *Y, const double *T,
                       const int32_t *labels, double beta, double *dA);

NB_END_DECLS
#endif
