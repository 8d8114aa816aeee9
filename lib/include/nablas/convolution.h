/* convolution.h - convolution and pooling of images on plain arrays, in two precisions.
 *
 * Images are (N, C, H, W), as in the book's chapter 7: channel by channel, row by row. A function
 * takes `images` contiguous images, so a thread that has some images of a batch passes pointers to
 * the first of them. Nothing here allocates; the caller provides scratch memory, one for each
 * thread. `beta` is BLAS's: the old contents are multiplied by it and, with beta = 0, not read.
 *
 * Letters: N images, C channels of H x W pixels; FN filters of FH x FW; S stride, P padding;
 * OH x OW positions of the window. Sizes are in numbers, not in bytes.
 *
 * Errors, of all functions: NB_EINVAL a NULL array (where it is not said to be optional), a size of
 * 0, out_height or out_width that nb_window_fit did not set. Outputs are then untouched. No images
 * are no error. NaN and infinity propagate. */
#ifndef NABLAS_CONVOLUTION_H
#define NABLAS_CONVOLUTION_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* nb_window - a window that moves over images. Pixels outside of the image are 0; there are pad_y
 * rows of them above and below it, and pad_x columns on both sides.
 *
 * nb_window_fit - set out_height and out_width, how many positions there are; textbook 7.2.4:
 *
 *   OH = 1 + (H + 2P - FH) / S, rounded down, and OW in the same way
 *
 * Errors: NB_EINVAL a size or stride of 0, a window larger than the padded image;
 *         NB_EOVERFLOW a padded image or C FH FW OH OW beyond SIZE_MAX / 64. */
typedef struct nb_window {
    size_t channels, height, width; /* of an image: C, H, W */
    size_t rows, columns;           /* of the window: FH, FW */
    size_t stride_y, stride_x, pad_y, pad_x;
    size_t out_height, out_width; /* OH, OW; set by nb_window_fit */
} nb_window;

nb_status nb_window_fit(nb_window *window);

/* --- the definition ---------------------------------------------------------------------------- */

/* nb_{s,d}im2col - the pixels in the window at each position, as a row; textbook 7.4.3:
 *
 *   col((n, oy, ox), (c, fy, fx)) := x(n, c, oy S - P + fy, ox S - P + fx)
 *
 * nb_{s,d}col2im - its transpose: each number of col is added to the pixel that it came from.
 *
 *   x(n, c, y, x) := sum of the numbers from there + beta x,  added in order (fy, fx)
 *
 *   x    (images, C, H, W)
 *   col  (images OH OW, C FH FW) contiguous; must not overlap x
 * A convolution is col W^T; everything faster below is tested against that.
 * Cost: images OH OW C FH FW copies or additions, one by one. */
nb_status nb_sim2col(const nb_window *window, size_t images, const float *x, float *col);
nb_status nb_dim2col(const nb_window *window, size_t images, const double *x, double *col);
nb_status nb_scol2im(const nb_window *window, size_t images, const float *col, float beta,
                     float *x);
nb_status nb_dcol2im(const nb_window *window, size_t images, const double *col, double beta,
                     double *x);

/* --- convolution ------------------------------------------------------------------------------- */

/* How the sums are computed. AUTO chooses between two methods for each pass (docs/convolution.md
 * has the rule and the measurements):
 *   DIRECT   each image is unfolded along x alone, to FW times its size. The other pixels of the
 *            window are rows of this array at other places, so all sums are formed in registers,
 *            without a matrix col.
 *   PRODUCT  some rows of positions at a time, as many as the second-level cache holds, are unfolded
 *            and multiplied by BLAS. For large images, for few positions, and always for
 *            backward_input with a stride.
 *   WINOGRAD F(2 x 2, 3 x 3) for forward and backward_input in float32, if the window is 3 x 3 with
 *            stride 1 and there are 8 channels and filters or more: 4 products an output and channel
 *            in place of 9, for larger rounding errors. Else, and for backward_weights, as AUTO. With
 *            d the 4 x 4 pixels of an output's tile, g the filter, |.| by element, u = 2^-24,
 *
 *              |y - exact y| <= (C + 15) u |A|^T (sum over channels of (|G| |g| |G|^T) * (|B|^T |d| |B|)) |A|
 *
 *            A NaN or infinity reaches all four outputs of its tiles. Lavin & Gray, CVPR 2016;
 *            the error: Barabasz et al., ACM TOMS 46 (2020). */
typedef enum {
    NB_CONVOLUTION_AUTO,
    NB_CONVOLUTION_DIRECT,
    NB_CONVOLUTION_PRODUCT,
    NB_CONVOLUTION_WINOGRAD
} nb_convolution_way;

/* What else is done to an image of the output while it is in the cache:
 *   RELU       y := max(0, y), NaN kept, as nb_?relu
 *   RELU_POOL  the same, then nb_?max_pooling by 2 x 2 pixels with stride 2: only its output and its
 *              winners leave the cache
 * In the backward functions, dy is then the gradient with respect to the final output. It is
 * propagated through pooling and relu, one channel of one image at a time, just before it is used. The
 * result is the same to the bit as that of the single functions. */
typedef enum { NB_THEN_NOTHING, NB_THEN_RELU, NB_THEN_RELU_POOL } nb_convolution_then;

/* The filters W(FN, C, FH, FW) at each position of a window. */
typedef struct nb_convolution {
    nb_window window;
    size_t filters; /* FN */
    nb_convolution_way way;
    nb_convolution_then then;
    size_t winner_stride; /* from the winners of one image to those of the next; 0: no gaps */
} nb_convolution;

/* nb_{s,d}convolution_scratch - numbers of scratch that one call of any of the functions below
 * needs, for the way that is set and any number of images; contents need not be kept between calls.
 * 0 for a convolution that they refuse. Depends on the instruction set as well. */
size_t nb_sconvolution_scratch(const nb_convolution *convolution);
size_t nb_dconvolution_scratch(const nb_convolution *convolution);

/* nb_{s,d}convolution_forward - textbook 7.4.4:
 *
 *   y(n, f, oy, ox) := sum over (c, fy, fx) of W(f, c, fy, fx) x(n, c, oy S - P + fy, ox S - P + fx)
 *                      + b(f),  and what is to be done then
 *
 *   x        in   (images, C, H, W)
 *   W        in   (FN, C, FH, FW)
 *   b        in   (FN), or NULL for none
 *   y        out  (images, FN, OH, OW), or pooled (images, FN, OH / 2, OW / 2), rounded down; must
 *                 not overlap the others
 *   winner   out  (the same) bytes, if pooled: see nb_?max_pooling; else it may be NULL
 *   scratch  work (nb_?convolution_scratch)
 * The bits of an image do not depend on the other images of the call, so threads may divide a batch
 * in any way. They depend on the processor, as BLAS's do. BLAS should be on one thread.
 * Cost:   2 images FN OH OW C FH FW flop. */
nb_status nb_sconvolution_forward(const nb_convolution *convolution, size_t images, const float *x,
                                  const float *W, const float *b, float *y, uint8_t *winner,
                                  float *scratch);
nb_status nb_dconvolution_forward(const nb_convolution *convolution, size_t images, const double *x,
                                  const double *W, const double *b, double *y, uint8_t *winner,
                                  double *scratch);

/* nb_{s,d}convolution_backward_input - gradient with respect to the images:
 *
 *   dx(n) := col2im(dy(n)^T W) + beta dx(n)
 *
 *   dy         in      of the shape of y
 *   y, winner  in      what forward has written; not read, and may be NULL, where nothing was done
 *                      then, and winner where nothing was pooled. The dy in the formula is the
 *                      gradient with respect to the sums, see nb_convolution_then
 *   dx         in/out  (images, C, H, W); must not overlap the others
 * Threads and cost as forward. */
nb_status nb_sconvolution_backward_input(const nb_convolution *convolution, size_t images,
                                         const float *dy, const float *y, const uint8_t *winner,
                                         const float *W, float beta, float *dx, float *scratch);
nb_status nb_dconvolution_backward_input(const nb_convolution *convolution, size_t images,
                                         const double *dy, const double *y, const uint8_t *winner,
                                         const double *W, double beta, double *dx, double *scratch);

/* nb_{s,d}convolution_backward_weights - gradient with respect to weights and bias, of these images:
 *
 *   dW(f, (c, fy, fx)) := sum over (n, oy, ox) of dy(n, f, oy, ox) col((n, oy, ox), (c, fy, fx)) + beta dW
 *   db(f)              := sum over (n, oy, ox) of dy(n, f, oy, ox) + beta db
 *
 *   dy, y, winner  in  as for backward_input
 *   dW  in/out  (FN, C, FH, FW)
 *   db  in/out  (FN), or NULL: not wanted
 * The bits depend on where the range of images begins and ends. For bits that do not depend on
 * threads, split the batch into fixed groups of images and add the groups' gradients in a fixed
 * order. A group should have some 1000 positions (images OH OW) or more, because the lanes of the
 * sums are added up once for each group.
 * Cost: as forward. */
nb_status nb_sconvolution_backward_weights(const nb_convolution *convolution, size_t images,
                                           const float *x, const float *dy, const float *y,
                                           const uint8_t *winner, float beta, float *dW, float *db,
                                           float *scratch);
nb_status nb_dconvolution_backward_weights(const nb_convolution *convolution, size_t images,
                                           const double *x, const double *dy, const double *y,
                                           const uint8_t *winner, double beta, double *dW,
                                           double *db, double *scratch);

/* --- pooling ----------------------------------------------------------------------------------- */

/* Each channel by itself: x(images, C, H, W) to y(images, C, OH, OW). The padding counts as pixels
 * of value 0, as in the book's Pooling, which also uses im2col. No scratch, no products: the same
 * bits on every machine, and those of an image do not depend on the others.
 *
 * nb_{s,d}max_pooling - textbook 7.3.1 and 7.4.4:
 *
 *   y(n, c, oy, ox)      := max over (fy, fx) of x(n, c, oy S - P + fy, ox S - P + fx)
 *   winner(n, c, oy, ox) := fy FW + fx of the maximum: the first among equals; NaN is largest
 *
 * nb_{s,d}max_pooling_backward - dx := sum of the dy that the pixel won + beta dx
 *
 *   x, dx   (images, C, H, W)
 *   y, dy   (images, C, OH, OW); must not overlap x, dx
 *   winner  (images, C, OH, OW) bytes, from the forward pass
 * Errors: NB_EINVAL also a window of more than 256 pixels. The dy of a winner beyond the window is
 *         ignored.
 * Cost:   images C OH OW FH FW comparisons; backward one pass. 2 x 2 with stride 2 is vectorised. */
nb_status nb_smax_pooling(const nb_window *window, size_t images, const float *x, float *y,
                          uint8_t *winner);
nb_status nb_dmax_pooling(const nb_window *window, size_t images, const double *x, double *y,
                          uint8_t *winner);
nb_status nb_smax_pooling_backward(const nb_window *window, size_t images, const float *dy,
                                   const uint8_t *winner, float beta, float *dx);
nb_status nb_dmax_pooling_backward(const nb_window *window, size_t images, const double *dy,
                                   const uint8_t *winner, double beta, double *dx);

/* nb_{s,d}average_pooling          - y(n, c, oy, ox) := sum over (fy, fx) of x(...) / (FH FW)
 * nb_{s,d}average_pooling_backward - dx := sum of dy / (FH FW) of the windows over it + beta dx
 * Arrays as above. A window as large as the image is global average pooling; of any size.
 * Cost: images C OH OW FH FW additions. */
nb_status nb_saverage_pooling(const nb_window *window, size_t images, const float *x, float *y);
nb_status nb_daverage_pooling(const nb_window *window, size_t images, const double *x, double *y);
nb_status nb_saverage_pooling_backward(const nb_window *window, size_t images, const float *dy,
                                       float beta, float *dx);
nb_status nb_daverage_pooling_backward(const nb_window *window, size_t images, const double *dy,
                                       double beta, double *dx);

NB_END_DECLS
#endif
