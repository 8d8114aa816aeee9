/* What convolution and pooling need to know of sizes, in any precision. */
#include "nablas/convolution.h"

#include "kernel/geometry.h"

static bool multiply(size_t *product, size_t factor)
{
    static const size_t most = SIZE_MAX / 64;
    if (factor && *product > most / factor) return false;
    *product *= factor;
    return true;
}

/* Positions along one side. */
static nb_status fit(const char *side, size_t image, size_t window, size_t stride, size_t pad,
                     size_t *positions)
{
    if (pad > SIZE_MAX / 256 || image > SIZE_MAX / 128)
        return nb_fail(NB_EOVERFLOW, "nb_window_fit: %s %zu with padding %zu", side, image, pad);
    if (!image || !window || !stride)
        return nb_fail(NB_EINVAL, "nb_window_fit: %s %zu, window %zu, stride %zu, none may be 0",
                       side, image, window, stride);
    const size_t padded = image + 2 * pad;
    if (window > padded)
        return nb_fail(NB_EINVAL, "nb_window_fit: a window of %s %zu on images of %zu + 2 * %zu",
                       side, window, image, pad);
    *positions = 1 + (padded - window) / stride;
    return NB_OK;
}

nb_status nb_window_fit(nb_window *w)
{
    nb_status status;
    if (!w) return nb_fail(NB_EINVAL, "nb_window_fit: window is NULL");
    if (!w->channels) return nb_fail(NB_EINVAL, "nb_window_fit: 0 channels");
    if ((status = fit("height", w->height, w->rows, w->stride_y, w->pad_y, &w->out_height)) ||
        (status = fit("width", w->width, w->columns, w->stride_x, w->pad_x, &w->out_width)))
        return status;
    size_t padded = w->channels, col = w->channels;
    if (!multiply(&padded, w->height + 2 * w->pad_y) ||
        !multiply(&padded, w->width + 2 * w->pad_x) || !multiply(&col, w->rows) ||
        !multiply(&col, w->columns) || !multiply(&col, w->out_height) ||
        !multiply(&col, w->out_width))
        return nb_fail(NB_EOVERFLOW, "nb_window_fit: %zu channels of %zu x %zu, window %zu x %zu",
                       w->channels, w->height, w->width, w->rows, w->columns);
    return NB_OK;
}

nb_status nb_window_check(const char *function, const nb_window *w)
{
    if (!w) return nb_fail(NB_EINVAL, "%s: window is NULL", function);
    nb_window again = *w;
    nb_status status = nb_window_fit(&again);
    if (status) return status;
    if (again.out_height == w->out_height && again.out_width == w->out_width) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %zu x %zu positions, expected %zu x %zu (nb_window_fit)",
                   function, w->out_height, w->out_width, again.out_height, again.out_width);
}

nb_status nb_convolution_check(const char *function, const nb_convolution *c)
{
    const nb_window *w = &c->window;
    nb_status status = nb_window_check(function, w);
    if (status) return status;
    if (!c->filters) return nb_fail(NB_EINVAL, "%s: 0 filters", function);
    if (c->way > NB_CONVOLUTION_WINOGRAD)
        return nb_fail(NB_EINVAL, "%s: way %d is none", function, (int)c->way);
    if (c->then > NB_THEN_RELU_POOL)
        return nb_fail(NB_EINVAL, "%s: then %d is none", function, (int)c->then);
    if (c->then == NB_THEN_RELU_POOL && (w->out_height < 2 || w->out_width < 2))
        return nb_fail(NB_EINVAL, "%s: %zu x %zu positions, too few for pooling by 2 x 2", function,
                       w->out_height, w->out_width);
    size_t weights = nb_taps(w), outputs = nb_positions(w), unfolded = w->width;
    if (multiply(&weights, c->filters) && multiply(&outputs, c->filters) &&
        multiply(&unfolded, w->columns) && multiply(&unfolded, w->height + w->rows) &&
        multiply(&unfolded, c->filters))
        return NB_OK;
    return nb_fail(NB_EOVERFLOW, "%s: %zu filters of %zu x %zu x %zu", function, c->filters,
                   w->channels, w->rows, w->columns);
}

/* Numbers of an image unfolded along x: of x, or of dy for the gradient of the input. */
static size_t unfolded(const nb_convolution *c, nb_convolution_pass pass)
{
    const nb_window *w = &c->window;
    if (pass == NB_PASS_INPUT)
        return c->filters * w->columns * (w->height + w->rows - 1) * w->width;
    const size_t phases = w->stride_y < w->rows ? w->stride_y : w->rows;
    return w->channels * w->columns * phases * (w->out_height + (w->rows - 1) / w->stride_y) *
           w->out_width;
}

/* From docs/convolution.md. */
bool nb_takes_direct(const nb_convolution *c, nb_convolution_pass pass)
{
    enum { most = 1 << 20, least_row = 8 };
    const nb_window *w = &c->window;
    if (c->way == NB_CONVOLUTION_PRODUCT) return false;
    if (pass == NB_PASS_WEIGHTS) return true;
    const size_t size = unfolded(c, pass);
    const bool strided = w->stride_y > 1 || w->stride_x > 1;
    if (size > UINT32_MAX / 2 || (pass == NB_PASS_INPUT && strided)) return false;
    return c->way == NB_CONVOLUTION_DIRECT || (size <= most && nb_positions(w) >= least_row);
}
