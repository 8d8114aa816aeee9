/* direct.h - the two ways of convolution behind convolution.h; arguments as there, checked. */
#ifndef NABLAS_DIRECT_H
#define NABLAS_DIRECT_H

#include "kernel/geometry.h"
#include "kernel/tiles.h"

size_t NB(direct_scratch)(const nb_convolution *c, nb_convolution_pass pass);
void NB(direct_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                        const real *b, bool relu, real *y, real *scratch);
void NB(direct_input)(const nb_convolution *c, size_t images, const real *dy, const real *W,
                      real beta, real *dx, real *scratch);
void NB(direct_weights)(const nb_convolution *c, size_t images, const real *x, const real *dy,
                        real beta, real *dW, real *db, real *scratch);

size_t NB(product_scratch)(const nb_convolution *c);
nb_status NB(product_forward)(const nb_convolution *c, size_t images, const real *x, const real *W,
                              const real *b, bool relu, real *y, real *scratch);
nb_status NB(product_input)(const nb_convolution *c, size_t images, const real *dy, const real *W,
                            real beta, real *dx, real *scratch);
nb_status NB(product_weights)(const nb_convolution *c, size_t images, const real *x, const real *dy,
                              real beta, real *dW, real *db, real *scratch);

#endif
