/* kernels.h - the kernels of one precision as a table, for code that is written once for both.
 *
 * Each entry is the kernel of the same name in blas.h, activation.h, elementwise.h, update.h, loss.h
 * and convolution.h, with arrays as void pointers (float or double, as the table's dtype says) and
 * numbers as double. */
#ifndef NABLAS_KERNELS_H
#define NABLAS_KERNELS_H

#include "nablas/convolution.h"
#include "nablas/sparse.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

typedef struct nb_kernels {
    nb_dtype dtype;
    size_t size; /* bytes of one element */

    double (*get)(const void *x, size_t i);
    void (*set)(void *x, size_t i, double value);

    nb_status (*gemm)(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, double alpha,
                      const void *A, size_t lda, const void *B, size_t ldb, double beta, void *C,
                      size_t ldc);
    nb_status (*affine)(size_t n, size_t k, size_t m, const void *X, size_t ldx, const void *W,
                        size_t ldw, const void *b, void *Y, size_t ldy);
    /* Of lib/kernel/affine.h. */
    nb_status (*affine_relu)(size_t n, size_t k, size_t m, const void *X, size_t ldx, const void *W,
                             size_t ldw, const void *b, void *Y, size_t ldy);
    void (*add_bias)(size_t n, size_t m, const void *b, bool relu, void *Y, size_t ldy);

    void (*sigmoid)(size_t n, const void *x, void *y);
    void (*sigmoid_backward)(size_t n, const void *y, const void *dy, double beta, void *dx);
    void (*relu)(size_t n, const void *x, void *y);
    void (*relu_backward)(size_t n, const void *x, const void *dy, double beta, void *dx);
    void (*step)(size_t n, const void *x, void *y);
    nb_status (*softmax)(size_t n, size_t m, const void *X, size_t ldx, void *Y, size_t ldy);
    void (*softmax_backward)(size_t n, size_t m, const void *Y, const void *dY, double beta,
                             void *dX);

    void (*tanh)(size_t n, const void *x, void *y);
    void (*tanh_backward)(size_t n, const void *y, const void *dy, double beta, void *dx);
    void (*leaky_relu)(size_t n, double slope, const void *x, void *y);
    void (*leaky_relu_backward)(size_t n, double slope, const void *x, const void *dy, double beta,
                                void *dx);
    void (*elu)(size_t n, double alpha, const void *x, void *y);
    void (*elu_backward)(size_t n, double alpha, const void *x, const void *dy, double beta,
                         void *dx);
    void (*gelu)(size_t n, const void *x, void *y);
    void (*gelu_backward)(size_t n, const void *x, const void *dy, double beta, void *dx);
    void (*softplus)(size_t n, const void *x, void *y);
    void (*softplus_backward)(size_t n, const void *x, const void *dy, double beta, void *dx);
    void (*log)(size_t n, const void *x, void *y);
    void (*exp)(size_t n, const void *x, void *y);
    void (*square)(size_t n, const void *x, void *y);
    void (*square_backward)(size_t n, const void *x, const void *dy, double beta, void *dx);
    void (*sqrt)(size_t n, const void *x, void *y);
    void (*sqrt_backward)(size_t n, const void *y, const void *dy, double beta, void *dx);
    void (*abs)(size_t n, const void *x, void *y);
    void (*abs_backward)(size_t n, const void *x, const void *dy, double beta, void *dx);
    void (*power)(size_t n, double p, const void *x, void *y);
    void (*power_backward)(size_t n, double p, const void *x, const void *dy, double beta,
                           void *dx);
    void (*subtract)(size_t n, const void *a, const void *b, void *y);
    void (*divide)(size_t n, const void *a, const void *b, double beta, void *y);
    void (*momentum)(size_t n, const nb_update *u, const void *g, void *v, void *w);
    void (*nesterov)(size_t n, const nb_update *u, const void *g, void *v, void *w);
    void (*adagrad)(size_t n, const nb_update *u, const void *g, void *h, void *w);
    void (*rmsprop)(size_t n, const nb_update *u, const void *g, void *h, void *w);
    void (*adam)(size_t n, const nb_update *u, const void *g, void *m, void *v, void *w);
    double (*sum_squares)(size_t n, const void *x);

    /* Batch norm, on rows without a gap (lib/kernel/normalize.h): column holds mean, std, gamma,
     * beta; backward gain, shift, tilt. */
    void (*square_deviations)(size_t n, size_t m, const void *X, const void *mean, void *sum);
    void (*multiply_rows)(size_t n, size_t m, const void *A, const void *B, void *sum);
    void (*normalize)(size_t n, size_t m, const void *X, const void *const column[4], bool relu,
                      void *XN, void *Y);
    void (*normalize_backward)(size_t n, size_t m, const void *DY, const void *XN,
                               const void *const column[3], double beta, void *DX);

    double (*sum)(size_t n, const void *x);
    void (*scale)(size_t n, double alpha, const void *x, double beta, void *y);
    void (*add)(size_t n, const void *a, const void *b, void *y);
    void (*multiply)(size_t n, const void *a, const void *b, double beta, void *y);
    void (*nudge_rows)(size_t n, size_t m, const void *B, const uint32_t *row, const void *d,
                       const void *w, void *Y);
    void (*sgd)(size_t n, double lr, const void *g, void *w);
    void (*from_bytes)(size_t n, const uint8_t *bytes, float divisor, void *y);
    void (*add_rows)(size_t entries, const nb_entry *entry, size_t m, const void *W, void *y);
    nb_status (*column_sums)(size_t n, size_t m, double alpha, const void *Y, size_t ldy,
                             double beta, void *b);
    size_t (*argmax)(size_t n, const void *x);
    nb_status (*count_correct)(size_t n, size_t m, const void *Y, size_t ldy, const int32_t *labels,
                               size_t *count);

    /* The loss of each sample; the target is T (one-hot) or, where T is NULL, labels. */
    nb_status (*squared_error)(size_t n, size_t m, const void *Y, const void *T, void *each);
    nb_status (*cross_entropy)(size_t n, size_t m, const void *Y, const void *T,
                               const int32_t *labels, double epsilon, void *each);
    nb_status (*logit_cross_entropy)(size_t n, size_t m, const void *A, const void *T,
                                     const int32_t *labels, void *each);
    nb_status (*residual)(size_t n, size_t m, const void *g, const void *Y, const void *T,
                          const int32_t *labels, double beta, void *dA);

    nb_status (*im2col)(const nb_window *window, size_t images, const void *x, void *col);
    nb_status (*col2im)(const nb_window *window, size_t images, const void *col, double beta,
                        void *x);
    size_t (*convolution_scratch)(const nb_convolution *convolution);
    nb_status (*convolution_forward)(const nb_convolution *convolution, size_t images,
                                     const void *x, const void *W, const void *b, void *y,
                                     uint8_t *winner, void *scratch);
    nb_status (*convolution_backward_input)(const nb_convolution *convolution, size_t images,
                                            const void *dy, const void *y, const uint8_t *winner,
                                            const void *W, double beta, void *dx, void *scratch);
    nb_status (*convolution_backward_weights)(const nb_convolution *convolution, size_t images,
                                              const void *x, const void *dy, const void *y,
                                              const uint8_t *winner, double beta, void *dW,
                                              void *db, void *scratch);
    nb_status (*max_pooling)(const nb_window *window, size_t images, const void *x, void *y,
                             uint8_t *winner);
    nb_status (*max_pooling_backward)(const nb_window *window, size_t images, const void *dy,
                                      const uint8_t *winner, double beta, void *dx);
    nb_status (*average_pooling)(const nb_window *window, size_t images, const void *x, void *y);
    nb_status (*average_pooling_backward)(const nb_window *window, size_t images, const void *dy,
                                          double beta, void *dx);
} nb_kernels;

/* nb_kernels_of - the table for NB_FLOAT32 or NB_FLOAT64; NULL for any other type. */
const nb_kernels *nb_kernels_of(nb_dtype dtype);

NB_END_DECLS
#endif
