/* im2col and col2im as the book defines them, one number at a time. */
#include "kernel/geometry.h"
#include "kernel/real.h"

#ifdef NB_REAL_SINGLE
#define ME(name) "nb_s" name
#else
#define ME(name) "nb_d" name
#endif

/* The pixel that tap (fy, fx) sees at position (oy, ox), or false: in the padding. */
static bool pixel_of(const nb_window *w, size_t oy, size_t ox, size_t fy, size_t fx, size_t *pixel)
{
    const size_t y = oy * w->stride_y + fy, x = ox * w->stride_x + fx;
    if (y < w->pad_y || y - w->pad_y >= w->height || x < w->pad_x || x - w->pad_x >= w->width)
        return false;
    *pixel = (y - w->pad_y) * w->width + x - w->pad_x;
    return true;
}

nb_status NB(im2col)(const nb_window *w, size_t images, const real *x, real *col)
{
    nb_status status = nb_window_check(ME("im2col"), w);
    if (status) return status;
    if (!x || !col) return nb_fail(NB_EINVAL, ME("im2col") ": x or col is NULL");
    size_t pixel;
    for (size_t n = 0; n < images; n++, x += nb_image_size(w))
        for (size_t oy = 0; oy < w->out_height; oy++)
            for (size_t ox = 0; ox < w->out_width; ox++)
                for (size_t c = 0; c < w->channels; c++)
                    for (size_t fy = 0; fy < w->rows; fy++)
                        for (size_t fx = 0; fx < w->columns; fx++)
                            *col++ = pixel_of(w, oy, ox, fy, fx, &pixel)
                                         ? x[c * w->height * w->width + pixel]
                                         : 0;
    return NB_OK;
}

/* Column (c, fy, fx) of one image's rows. */
static void add_column(const nb_window *w, size_t c, size_t fy, size_t fx, const real *col, real *x)
{
    const real *from = col + (c * w->rows + fy) * w->columns + fx;
    size_t pixel;
    for (size_t oy = 0; oy < w->out_height; oy++)
        for (size_t ox = 0; ox < w->out_width; ox++, from += nb_taps(w))
            if (pixel_of(w, oy, ox, fy, fx, &pixel)) x[c * w->height * w->width + pixel] += *from;
}

nb_status NB(col2im)(const nb_window *w, size_t images, const real *col, real beta, real *x)
{
    nb_status status = nb_window_check(ME("col2im"), w);
    if (status) return status;
    if (!x || !col) return nb_fail(NB_EINVAL, ME("col2im") ": x or col is NULL");
    for (size_t n = 0; n < images; n++) {
        for (size_t i = 0; i < nb_image_size(w); i++) x[i] = beta == 0 ? 0 : beta * x[i];
        for (size_t c = 0; c < w->channels; c++)
            for (size_t fy = 0; fy < w->rows; fy++)
                for (size_t fx = 0; fx < w->columns; fx++) add_column(w, c, fy, fx, col, x);
        x += nb_image_size(w);
        col += nb_positions(w) * nb_taps(w);
    }
    return NB_OK;
}
