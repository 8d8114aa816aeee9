/* direct.h - the two ways of convolution behind convolution.h; arguments as there, checked. */
#ifndef NABLAS_DIRECT_H
#define NABLAS_DIRECT_H

#include "kernel/geometry.h"
#include "kernel/tiles.h"

/* What comes back from behind a convolution: dy, and what forward has written there. */
typedef struct NB(slope) {
    const real *dy, *y;
    const uint8_t *winner;
} NB(slope);

/* Of image n. */
NB(slope) NB(slope_of)(const nb_convolution *c, NB(slope) s, size_t n);

/* The gradient with respect to the sums of channel f of the image of `s`: dy itself, or, where relu
 * or pooling follow, computed into `plane` of nb_slope_room(c, 1) numbers. */
const real *NB(slope_plane)(const nb_convolution *c, NB(slope) s, size_t f, real *plane);

/* All channels of it, at `to` of nb_slope_room(c, FN) numbers, or where they are. */
const real *NB(slope_image)(const nb_convolution *c, NB(slope) s, real *to);

/* y and winner of one image, from its output behind relu, full(FN, OH, OW). */
void NB(pool_image)(const nb_convolution *c, const real *full, real *y, uint8_t *winner);

/* The height of the panels that suits so many filters and vectors of positions, or taps. */
size_t NB(tile_height)(const NB(tiles) * tiles, size_t filters, size_t count);

size_t NB(direct_scratch)(const nb_convolution *c, nb_convolution_pass pass);
void NB(direct_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                        const real *b, real *y, uint8_t *winner, real *scratch);
void NB(direct_input)(const nb_convolution *c, size_t images, NB(slope) s, const real *W, real beta,
                      real *dx, real *scratch);
void NB(direct_weights)(const nb_convolution *c, size_t images, const real *x, NB(slope) s,
                        real beta, real *dW, real *db, real *scratch);

size_t NB(product_scratch)(const nb_convolution *c);
nb_status NB(product_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                              const real *b, real *y, uint8_t *winner, real *scratch);
nb_status NB(product_input)(const nb_convolution *c, size_t images, NB(slope) s, const real *W,
                            real beta, real *dx, real *scratch);
nb_status NB(product_weights)(const nb_convolution *c, size_t images, const real *x, NB(slope) s,
                              real beta, real *dW, real *db, real *scratch);

#endif
