/* winograd.h - convolution by 3 x 3 in float32 with fewer products: F(2 x 2, 3 x 3) of Lavin & Gray,
 * CVPR 2016 (arXiv:1509.09308). A tile of 2 x 2 outputs is computed from 4 x 4 pixels d as
 *
 *   Y = A^T ((G g G^T) * sum over channels of (B^T d B)) A
 *
 * with 16 products for a channel in place of 36. */
#ifndef NABLAS_WINOGRAD_H
#define NABLAS_WINOGRAD_H

#include "kernel/direct.h"

#ifdef NB_REAL_SINGLE

enum { NB_WINOGRAD_PARTS = 16 }; /* elements of B^T d B */

/* The transforms of a row of tiles, built once per instruction set: as many at a time as fill a vector,
 * and beyond the last as many as that vector has places. */
typedef struct nb_winograd {
    size_t most; /* numbers that are written beyond the last tile */
    /* An image (rows, width) into rows `pitch` apart. */
    void (*copy)(size_t rows, size_t width, const float *x, float *to, size_t pitch);
    /* Four rows of pixels, `pitch` apart, become the parts of B^T d B, `stride` apart. */
    void (*take)(size_t tiles, const float *x, size_t pitch, float *to, size_t stride);
    /* Parts become two rows of outputs, act(. + b). */
    void (*give)(size_t tiles, const float *from, size_t stride, float b, bool relu, float *y0,
                 float *y1);
} nb_winograd;

/* nb_takes_winograd - whether a pass in float32 is computed so: asked for, 3 x 3 with stride 1, enough
 * channels that it is faster. */
bool nb_takes_winograd(const nb_convolution *convolution, nb_convolution_pass pass);

/* As in direct.h. */
size_t nb_winograd_scratch(const nb_convolution *c, nb_convolution_pass pass);
void nb_winograd_forward(const nb_convolution *c, size_t images, const float *x, const float *W,
                         const float *b, float *y, uint8_t *winner, float *scratch);
void nb_winograd_input(const nb_convolution *c, size_t images, nb_sslope s, const float *W,
                       float beta, float *dx, float *scratch);

#endif
#endif
