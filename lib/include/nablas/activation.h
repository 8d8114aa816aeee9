/* activation.h - activation functions and their gradients, elementwise on plain arrays.
 *
 *   n    in   number of elements
 *   x    in   (n) values before the activation
 *   y    out  (n) values after it; y may be x itself
 *   dy   in   (n) gradient of the loss with respect to y
 *   dx   out  (n) := dy * dy/dx + beta dx; with beta = 0 old contents are not read; dx may be dy
 *
 * Units:  dimensionless. No errors: every double is a valid input; NaN gives NaN (step: 0).
 * Cost:   one pass; vectorised for the instruction set found at run time, the same bits on each
 *         (but for a NaN's payload). */
#ifndef NABLAS_ACTIVATION_H
#define NABLAS_ACTIVATION_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_{s,d}exp - y = e^x. Within 1 ULP of the true value, over- and underflow included;
 * test_activation.c holds it to that. All 2^32 floats were tried: at most 0.991 ULP; of 50 million
 * doubles, 0.964. */
void nb_sexp(size_t n, const float *x, float *y);
void nb_dexp(size_t n, const double *x, double *y);

/* nb_{s,d}sigmoid - y = 1 / (1 + e^-x); textbook 3.2.4. Within 2.5 ULP everywhere (all floats:
 * 2.402, 50 million doubles: 2.387), also where the naive formula loses its digits (x far below 0).
 * nb_{s,d}sigmoid_backward - dx = dy (1 - y) y + beta dx, from the output y; textbook 5.5.2. */
void nb_ssigmoid(size_t n, const float *x, float *y);
void nb_dsigmoid(size_t n, const double *x, double *y);
void nb_ssigmoid_backward(size_t n, const float *y, const float *dy, float beta, float *dx);
void nb_dsigmoid_backward(size_t n, const double *y, const double *dy, double beta, double *dx);

/* nb_{s,d}relu - y = max(0, x); textbook 3.2.7.
 * nb_{s,d}relu_backward - dx = (x <= 0 ? 0 : dy) + beta dx, from the input x; textbook 5.5.1. */
void nb_srelu(size_t n, const float *x, float *y);
void nb_drelu(size_t n, const double *x, double *y);
void nb_srelu_backward(size_t n, const float *x, const float *dy, float beta, float *dx);
void nb_drelu_backward(size_t n, const double *x, const double *dy, double beta, double *dx);

/* nb_{s,d}tanh - y = tanh x. Within 3 ULP everywhere.
 * nb_{s,d}tanh_backward - dx = dy (1 - y^2) + beta dx, from the output y. */
void nb_stanh(size_t n, const float *x, float *y);
void nb_dtanh(size_t n, const double *x, double *y);
void nb_stanh_backward(size_t n, const float *y, const float *dy, float beta, float *dx);
void nb_dtanh_backward(size_t n, const double *y, const double *dy, double beta, double *dx);

/* nb_{s,d}leaky_relu - y = x > 0 ? x : slope x. With slope 0 it is relu.
 * nb_{s,d}leaky_relu_backward - dx = (x <= 0 ? slope : 1) dy + beta dx, from the input x.
 * Source: Maas, Hannun & Ng, ICML 2013. */
void nb_sleaky_relu(size_t n, float slope, const float *x, float *y);
void nb_dleaky_relu(size_t n, double slope, const double *x, double *y);
void nb_sleaky_relu_backward(size_t n, float slope, const float *x, const float *dy, float beta,
                             float *dx);
void nb_dleaky_relu_backward(size_t n, double slope, const double *x, const double *dy, double beta,
                             double *dx);

/* nb_{s,d}elu - y = x > 0 ? x : alpha (e^x - 1). Within 1.5 ULP for alpha = 1.
 * nb_{s,d}elu_backward - dx = (x <= 0 ? alpha e^x : 1) dy + beta dx, from the input x.
 * Source: Clevert, Unterthiner & Hochreiter, ICLR 2016. */
void nb_selu(size_t n, float alpha, const float *x, float *y);
void nb_delu(size_t n, double alpha, const double *x, double *y);
void nb_selu_backward(size_t n, float alpha, const float *x, const float *dy, float beta,
                      float *dx);
void nb_delu_backward(size_t n, double alpha, const double *x, const double *dy, double beta,
                      double *dx);

/* nb_{s,d}gelu - y = x P(x), with the normal distribution function P(x) = (1 + erf(x/sqrt 2))/2,
 * not its approximation by tanh. Within 8 ULP everywhere; -Inf gives -0.
 * nb_{s,d}gelu_backward - dx = dy (P(x) + x p(x)) + beta dx, from the input x, with the density
 * p(x) = e^(-x^2/2)/sqrt(2 pi). The slope is within 3 epsilon.
 * Source: Hendrycks & Gimpel, arXiv:1606.08415. */
void nb_sgelu(size_t n, const float *x, float *y);
void nb_dgelu(size_t n, const double *x, double *y);
void nb_sgelu_backward(size_t n, const float *x, const float *dy, float beta, float *dx);
void nb_dgelu_backward(size_t n, const double *x, const double *dy, double beta, double *dx);

/* nb_{s,d}softplus - y = log(1 + e^x), as max(x, 0) + log(1 + e^-|x|). Within 2 ULP
 * everywhere.
 * nb_{s,d}softplus_backward - dx = dy sigmoid(x) + beta dx, from the input x.
 * Source: Dugas, Bengio, Belisle, Nadeau & Garcia, NIPS 2000. */
void nb_ssoftplus(size_t n, const float *x, float *y);
void nb_dsoftplus(size_t n, const double *x, double *y);
void nb_ssoftplus_backward(size_t n, const float *x, const float *dy, float beta, float *dx);
void nb_dsoftplus_backward(size_t n, const double *x, const double *dy, double beta, double *dx);

/* nb_{s,d}step - y = 1 if x > 0, else 0; textbook 3.2.2. Its gradient is 0 wherever it exists. */
void nb_sstep(size_t n, const float *x, float *y);
void nb_dstep(size_t n, const double *x, double *y);

/* nb_{s,d}softmax - each row: y_j = e^(x_j - max x) / sum_k e^(x_k - max x); textbook 3.5.
 *
 *   n,m  in   rows, columns
 *   X    in   (n,m), row stride ldx >= max(1,m)
 *   Y    out  (n,m), row stride ldy >= max(1,m); Y may be X itself, with ldy = ldx
 * Each row of Y sums to 1, to rounding, however long it is: from 16 columns on the sum is nb_{s,d}sum.
 * A row with NaN or +Inf, or of -Inf alone, becomes NaN.
 * Errors: NB_EINVAL short stride; Y untouched. */
nb_status nb_ssoftmax(size_t n, size_t m, const float *X, size_t ldx, float *Y, size_t ldy);
nb_status nb_dsoftmax(size_t n, size_t m, const double *X, size_t ldx, double *Y, size_t ldy);

/* nb_{s,d}softmax_backward - each row: dx = y (dy - sum_k dy_k y_k) + beta dx, from the output y.
 *   Y, dY, dX  (n,m) contiguous; dX may be dY. */
void nb_ssoftmax_backward(size_t n, size_t m, const float *Y, const float *dY, float beta,
                          float *dX);
void nb_dsoftmax_backward(size_t n, size_t m, const double *Y, const double *dY, double beta,
                          double *dX);

NB_END_DECLS
#endif
