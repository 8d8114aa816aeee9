/* op_window.h - windows over images, from what an operation was given; for lib/op. */
#ifndef NABLAS_OP_WINDOW_H
#define NABLAS_OP_WINDOW_H

#include "nablas/convolution.h"
#include "nablas/op.h"

/* Over images of the shape (n, C, H, W), not yet fitted (nb_window_fit). A window of 0 is the whole
 * image, a stride of 0 the window's size. */
static inline nb_window nb_window_of(const nb_sliding *how, const size_t *image)
{
    nb_window w = {.channels = image[1], .height = image[2], .width = image[3]};
    w.rows = how->rows ? how->rows : image[2];
    w.columns = how->columns ? how->columns : image[3];
    w.stride_y = how->stride_y ? how->stride_y : w.rows;
    w.stride_x = how->stride_x ? how->stride_x : w.columns;
    w.pad_y = how->pad_y;
    w.pad_x = how->pad_x;
    return w;
}

#endif
