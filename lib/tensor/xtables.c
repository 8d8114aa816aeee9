/* The kernels of one precision behind the types of kernels.h: each wrapper casts, and calls. */
#include "kernel/affine.h"
#include "kernel/normalize.h"
#include "kernel/real.h"
#include "nablas/activation.h"
#include "nablas/blas.h"
#include "nablas/convolution.h"
#include "nablas/elementwise.h"
#include "nablas/loss.h"
#include "nablas/update.h"
#include "tensor/tables.h"

static double get(const void *x, size_t i)
{
    return (double)((const real *)x)[i];
}

static void set(void *x, size_t i, double value)
{
    ((real *)x)[i] = (real)value;
}

static nb_status gemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, double alpha,
                      const void *A, size_t lda, const void *B, size_t ldb, double beta, void *C,
                      size_t ldc)
{
    return NB(gemm)(trans_a, trans_b, m, n, k, (real)alpha, A, lda, B, ldb, (real)beta, C, ldc);
}

static nb_status affine(size_t n, size_t k, size_t m, const void *X, size_t ldx, const void *W,
                        size_t ldw, const void *b, void *Y, size_t ldy)
{
    return NB(affine)(n, k, m, X, ldx, W, ldw, b, Y, ldy);
}

static nb_status affine_relu(size_t n, size_t k, size_t m, const void *X, size_t ldx, const void *W,
                             size_t ldw, const void *b, void *Y, size_t ldy)
{
    return NB(affine_relu)(n, k, m, X, ldx, W, ldw, b, Y, ldy);
}

static void add_bias(size_t n, size_t m, const void *b, bool relu, void *Y, size_t ldy)
{
    NB(add_bias)(n, m, b, relu, Y, ldy);
}

static void sigmoid(size_t n, const void *x, void *y)
{
    NB(sigmoid)(n, x, y);
}

static void sigmoid_backward(size_t n, const void *y, const void *dy, double beta, void *dx)
{
    NB(sigmoid_backward)(n, y, dy, (real)beta, dx);
}

static void relu(size_t n, const void *x, void *y)
{
    NB(relu)(n, x, y);
}

static void relu_backward(size_t n, const void *x, const void *dy, double beta, void *dx)
{
    NB(relu_backward)(n, x, dy, (real)beta, dx);
}

static void step(size_t n, const void *x, void *y)
{
    NB(step)(n, x, y);
}

static nb_status softmax(size_t n, size_t m, const void *X, size_t ldx, void *Y, size_t ldy)
{
    return NB(softmax)(n, m, X, ldx, Y, ldy);
}

static void softmax_backward(size_t n, size_t m, const void *Y, const void *dY, double beta,
                             void *dX)
{
    NB(softmax_backward)(n, m, Y, dY, (real)beta, dX);
}

static void hyperbolic_tangent(size_t n, const void *x, void *y)
{
    NB(tanh)(n, x, y);
}

static void tanh_backward(size_t n, const void *y, const void *dy, double beta, void *dx)
{
    NB(tanh_backward)(n, y, dy, (real)beta, dx);
}

static void leaky_relu(size_t n, double slope, const void *x, void *y)
{
    NB(leaky_relu)(n, (real)slope, x, y);
}

static void leaky_relu_backward(size_t n, double slope, const void *x, const void *dy, double beta,
                                void *dx)
{
    NB(leaky_relu_backward)(n, (real)slope, x, dy, (real)beta, dx);
}

static void elu(size_t n, double alpha, const void *x, void *y)
{
    NB(elu)(n, (real)alpha, x, y);
}

static void elu_backward(size_t n, double alpha, const void *x, const void *dy, double beta,
                         void *dx)
{
    NB(elu_backward)(n, (real)alpha, x, dy, (real)beta, dx);
}

static void gelu(size_t n, const void *x, void *y)
{
    NB(gelu)(n, x, y);
}

static void gelu_backward(size_t n, const void *x, const void *dy, double beta, void *dx)
{
    NB(gelu_backward)(n, x, dy, (real)beta, dx);
}

static void softplus(size_t n, const void *x, void *y)
{
    NB(softplus)(n, x, y);
}

static void softplus_backward(size_t n, const void *x, const void *dy, double beta, void *dx)
{
    NB(softplus_backward)(n, x, dy, (real)beta, dx);
}

static void logarithm(size_t n, const void *x, void *y)
{
    NB(log)(n, x, y);
}

static void exponential(size_t n, const void *x, void *y)
{
    NB(exp)(n, x, y);
}

static void square(size_t n, const void *x, void *y)
{
    NB(square)(n, x, y);
}

static void square_backward(size_t n, const void *x, const void *dy, double beta, void *dx)
{
    NB(square_backward)(n, x, dy, (real)beta, dx);
}

static void square_root(size_t n, const void *x, void *y)
{
    NB(sqrt)(n, x, y);
}

static void sqrt_backward(size_t n, const void *y, const void *dy, double beta, void *dx)
{
    NB(sqrt_backward)(n, y, dy, (real)beta, dx);
}

static void magnitude(size_t n, const void *x, void *y)
{
    NB(abs)(n, x, y);
}

static void abs_backward(size_t n, const void *x, const void *dy, double beta, void *dx)
{
    NB(abs_backward)(n, x, dy, (real)beta, dx);
}

static void power(size_t n, double p, const void *x, void *y)
{
    NB(power)(n, (real)p, x, y);
}

static void power_backward(size_t n, double p, const void *x, const void *dy, double beta, void *dx)
{
    NB(power_backward)(n, (real)p, x, dy, (real)beta, dx);
}

static void subtract(size_t n, const void *a, const void *b, void *y)
{
    NB(subtract)(n, a, b, y);
}

static void divide(size_t n, const void *a, const void *b, double beta, void *y)
{
    NB(divide)(n, a, b, (real)beta, y);
}

static void square_deviations(size_t n, size_t m, const void *X, const void *mean, void *sum)
{
    NB(square_deviations)(n, m, X, mean, sum);
}

static void multiply_rows(size_t n, size_t m, const void *A, const void *B, void *sum)
{
    NB(multiply_rows)(n, m, A, B, sum);
}

static void normalize(size_t n, size_t m, const void *X, const void *const column[4], bool relu,
                      void *XN, void *Y)
{
    const real *const of[4] = {column[0], column[1], column[2], column[3]};
    NB(normalize)(n, m, X, of, relu, XN, Y);
}

static void normalize_backward(size_t n, size_t m, const void *DY, const void *XN,
                               const void *const column[3], double beta, void *DX)
{
    const real *const of[3] = {column[0], column[1], column[2]};
    NB(normalize_backward)(n, m, DY, XN, of, (real)beta, DX);
}

static void momentum(size_t n, const nb_update *u, const void *g, void *v, void *w)
{
    NB(momentum)(n, u, g, v, w);
}

static void nesterov(size_t n, const nb_update *u, const void *g, void *v, void *w)
{
    NB(nesterov)(n, u, g, v, w);
}

static void adagrad(size_t n, const nb_update *u, const void *g, void *h, void *w)
{
    NB(adagrad)(n, u, g, h, w);
}

static void rmsprop(size_t n, const nb_update *u, const void *g, void *h, void *w)
{
    NB(rmsprop)(n, u, g, h, w);
}

static void adam(size_t n, const nb_update *u, const void *g, void *m, void *v, void *w)
{
    NB(adam)(n, u, g, m, v, w);
}

static double sum_squares(size_t n, const void *x)
{
    return NB(sum_squares)(n, x);
}

static double sum(size_t n, const void *x)
{
    return (double)NB(sum)(n, x);
}

static void scale(size_t n, double alpha, const void *x, double beta, void *y)
{
    NB(scale)(n, (real)alpha, x, (real)beta, y);
}

static void add(size_t n, const void *a, const void *b, void *y)
{
    NB(add)(n, a, b, y);
}

static void multiply(size_t n, const void *a, const void *b, double beta, void *y)
{
    NB(multiply)(n, a, b, (real)beta, y);
}

static void nudge_rows(size_t n, size_t m, const void *B, const uint32_t *row, const void *d,
                       const void *w, void *Y)
{
    NB(nudge_rows)(n, m, B, row, d, w, Y);
}

static void sgd(size_t n, double lr, const void *g, void *w)
{
    NB(sgd)(n, (real)lr, g, w);
}

static void from_bytes(size_t n, const uint8_t *bytes, float divisor, void *y)
{
    NB(from_bytes)(n, bytes, divisor, y);
}

static void add_rows(size_t entries, const nb_entry *entry, size_t m, const void *W, void *y)
{
    NB(add_rows)(entries, entry, m, W, y);
}

static nb_status column_sums(size_t n, size_t m, double alpha, const void *Y, size_t ldy,
                             double beta, void *b)
{
    return NB(column_sums)(n, m, (real)alpha, Y, ldy, (real)beta, b);
}

static size_t argmax(size_t n, const void *x)
{
    return NB(argmax)(n, x);
}

static nb_status count_correct(size_t n, size_t m, const void *Y, size_t ldy, const int32_t *labels,
                               size_t *count)
{
    return NB(count_correct)(n, m, Y, ldy, labels, count);
}

static nb_status squared_error(size_t n, size_t m, const void *Y, const void *T, void *each)
{
    return NB(mean_squared_error)(n, m, Y, m, T, m, each, NULL);
}

static nb_status cross_entropy(size_t n, size_t m, const void *Y, const void *T,
                               const int32_t *labels, double epsilon, void *each)
{
    return T ? NB(cross_entropy_error)(n, m, Y, m, T, m, (real)epsilon, each, NULL)
             : NB(cross_entropy_error_labels)(n, m, Y, m, labels, (real)epsilon, each, NULL);
}

static nb_status logit_cross_entropy(size_t n, size_t m, const void *A, const void *T,
                                     const int32_t *labels, void *each)
{
    return T ? NB(logit_cross_entropy)(n, m, A, m, T, m, each, NULL)
             : NB(logit_cross_entropy_labels)(n, m, A, m, labels, each, NULL);
}

static nb_status residual(size_t n, size_t m, const void *g, const void *Y, const void *T,
                          const int32_t *labels, double beta, void *dA)
{
    return NB(residual)(n, m, g, Y, T, labels, (real)beta, dA);
}

static nb_status im2col(const nb_window *window, size_t images, const void *x, void *col)
{
    return NB(im2col)(window, images, x, col);
}

static nb_status col2im(const nb_window *window, size_t images, const void *col, double beta,
                        void *x)
{
    return NB(col2im)(window, images, col, (real)beta, x);
}

static nb_status convolution_forward(const nb_convolution *convolution, size_t images,
                                     const void *x, const void *W, const void *b, void *y,
                                     uint8_t *winner, void *scratch)
{
    return NB(convolution_forward)(convolution, images, x, W, b, y, winner, scratch);
}

static nb_status convolution_backward_input(const nb_convolution *convolution, size_t images,
                                            const void *dy, const void *y, const uint8_t *winner,
                                            const void *W, double beta, void *dx, void *scratch)
{
    return NB(convolution_backward_input)(convolution, images, dy, y, winner, W, (real)beta, dx,
                                          scratch);
}

static nb_status convolution_backward_weights(const nb_convolution *convolution, size_t images,
                                              const void *x, const void *dy, const void *y,
                                              const uint8_t *winner, double beta, void *dW,
                                              void *db, void *scratch)
{
    return NB(convolution_backward_weights)(convolution, images, x, dy, y, winner, (real)beta, dW,
                                            db, scratch);
}

static nb_status max_pooling(const nb_window *window, size_t images, const void *x, void *y,
                             uint8_t *winner)
{
    return NB(max_pooling)(window, images, x, y, winner);
}

static nb_status max_pooling_backward(const nb_window *window, size_t images, const void *dy,
                                      const uint8_t *winner, double beta, void *dx)
{
    return NB(max_pooling_backward)(window, images, dy, winner, (real)beta, dx);
}

static nb_status average_pooling(const nb_window *window, size_t images, const void *x, void *y)
{
    return NB(average_pooling)(window, images, x, y);
}

static nb_status average_pooling_backward(const nb_window *window, size_t images, const void *dy,
                                          double beta, void *dx)
{
    return NB(average_pooling_backward)(window, images, dy, (real)beta, dx);
}

const nb_kernels NB(kernels) = {
    .dtype = NB_REAL_DTYPE,
    .size = sizeof(real),
    .get = get,
    .set = set,
    .gemm = gemm,
    .affine = affine,
    .affine_relu = affine_relu,
    .add_bias = add_bias,
    .sigmoid = sigmoid,
    .sigmoid_backward = sigmoid_backward,
    .relu = relu,
    .relu_backward = relu_backward,
    .step = step,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .tanh = hyperbolic_tangent,
    .tanh_backward = tanh_backward,
    .leaky_relu = leaky_relu,
    .leaky_relu_backward = leaky_relu_backward,
    .elu = elu,
    .elu_backward = elu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .softplus = softplus,
    .softplus_backward = softplus_backward,
    .log = logarithm,
    .exp = exponential,
    .square = square,
    .square_backward = square_backward,
    .sqrt = square_root,
    .sqrt_backward = sqrt_backward,
    .abs = magnitude,
    .abs_backward = abs_backward,
    .power = power,
    .power_backward = power_backward,
    .subtract = subtract,
    .divide = divide,
    .square_deviations = square_deviations,
    .multiply_rows = multiply_rows,
    .normalize = normalize,
    .normalize_backward = normalize_backward,
    .momentum = momentum,
    .nesterov = nesterov,
    .adagrad = adagrad,
    .rmsprop = rmsprop,
    .adam = adam,
    .sum_squares = sum_squares,
    .sum = sum,
    .scale = scale,
    .add = add,
    .multiply = multiply,
    .nudge_rows = nudge_rows,
    .sgd = sgd,
    .from_bytes = from_bytes,
    .add_rows = add_rows,
    .column_sums = column_sums,
    .argmax = argmax,
    .count_correct = count_correct,
    .squared_error = squared_error,
    .cross_entropy = cross_entropy,
    .logit_cross_entropy = logit_cross_entropy,
    .residual = residual,
    .im2col = im2col,
    .col2im = col2im,
    .convolution_scratch = NB(convolution_scratch),
    .convolution_forward = convolution_forward,
    .convolution_backward_input = convolution_backward_input,
    .convolution_backward_weights = convolution_backward_weights,
    .max_pooling = max_pooling,
    .max_pooling_backward = max_pooling_backward,
    .average_pooling = average_pooling,
    .average_pooling_backward = average_pooling_backward,
};
