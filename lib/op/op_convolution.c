/* Convolution, textbook 7.4.4; LeCun et al., Proc. IEEE 86 (1998).
 *
 * A group's dW and db are one partial sum: FN C FH FW numbers, then FN. */
#include "op/op_window.h"
#include "op/ops.h"

enum { x_in, W_in, b_in };

static nb_convolution convolution_with(const nb_sliding *how, const nb_tensor *x,
                                       const nb_tensor *W)
{
    const size_t *image = x->shape.dim, *filter = W->shape.dim;
    nb_sliding window = *how;
    window.rows = filter[2];
    window.columns = filter[3];
    if (!window.stride_y) window.stride_y = 1;
    if (!window.stride_x) window.stride_x = 1;
    return (nb_convolution){.window = nb_window_of(&window, image),
                            .filters = filter[0],
                            .way = how->winograd ? NB_CONVOLUTION_WINOGRAD : NB_CONVOLUTION_AUTO};
}

static nb_status convolution_of(const nb_call *c, nb_convolution_then then,
                                nb_convolution *convolution)
{
    *convolution = convolution_with(c->config, c->in[x_in], c->in[W_in]);
    convolution->then = then;
    convolution->winner_stride = nb_tensor_width(c->kept) * c->kernels->size;
    return nb_window_fit(&convolution->window);
}

/* Where pooling follows: those of image `row`. */
static uint8_t *winners(const nb_call *c, size_t row)
{
    return c->kept->data ? nb_tensor_at(c->kept, row) : NULL;
}

/* For whatever may follow (nb_op_joined). */
static size_t scratch_of(nb_convolution c, const nb_kernels *kernels)
{
    const bool pools = c.window.out_height >= 2 && c.window.out_width >= 2;
    c.then = pools ? NB_THEN_RELU_POOL : NB_THEN_RELU;
    return kernels->convolution_scratch(&c);
}

static nb_status conv2d_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char x[96], W[96], b[96];
    const nb_sliding *how = config;
    const nb_shape *image = &in[x_in].shape, *filter = &in[W_in].shape, *bias = &in[b_in].shape;
    const bool fits = image->ndim == 4 && filter->ndim == 4 && image->dim[1] == filter->dim[1] &&
                      filter->dim[0] != SIZE_MAX && nb_shape_equal(*bias, NB_SHAPE(filter->dim[0]));
    if (!fits)
        return nb_fail(NB_ESHAPE,
                       "conv2d: x is %s, W %s, b %s, expected (n, C, H, W), (FN, C, FH, FW), (FN)",
                       nb_shape_text(*image, x, sizeof x), nb_shape_text(*filter, W, sizeof W),
                       nb_shape_text(*bias, b, sizeof b));
    if ((how->rows && how->rows != filter->dim[2]) ||
        (how->columns && how->columns != filter->dim[3]))
        return nb_fail(NB_ESHAPE, "conv2d: a window of %zu x %zu with W %s", how->rows,
                       how->columns, nb_shape_text(*filter, W, sizeof W));
    nb_convolution convolution = convolution_with(how, &in[x_in], &in[W_in]);
    nb_status status = nb_window_fit(&convolution.window);
    if (status) return status;
    need->out = NB_SHAPE(image->dim[0], filter->dim[0], convolution.window.out_height,
                         convolution.window.out_width);
    need->partial = nb_tensor_count(&in[W_in]) + filter->dim[0];
    need->scratch = scratch_of(convolution, nb_kernels_of(in[x_in].dtype));
    if (need->scratch) return NB_OK;
    return nb_fail(NB_ESHAPE, "conv2d: x is %s, W %s: no filters, or too many",
                   nb_shape_text(*image, x, sizeof x), nb_shape_text(*filter, W, sizeof W));
}

static nb_status forward(const nb_call *c, size_t lo, size_t hi, nb_convolution_then then)
{
    nb_convolution convolution;
    nb_status status = convolution_of(c, then, &convolution);
    if (status) return status;
    return c->kernels->convolution_forward(&convolution, hi - lo, nb_tensor_at(c->in[x_in], lo),
                                           c->in[W_in]->data, c->in[b_in]->data,
                                           nb_tensor_at(c->out, lo), winners(c, lo), c->scratch);
}

/* The kernel has no alpha, which only a parameter's gradient meets: with another than 1,
 * din := alpha (gradient + beta / alpha din). */
static nb_status x_backward(const nb_call *c, size_t lo, size_t hi, nb_convolution_then then)
{
    const nb_kernels *k = c->kernels;
    const size_t count = (hi - lo) * nb_tensor_width(c->din);
    void *dx = nb_tensor_at(c->din, lo);
    nb_convolution convolution;
    nb_status status = convolution_of(c, then, &convolution);
    if (status) return status;
    if (c->alpha == 0) {
        k->scale(count, c->beta, dx, 0, dx);
        return NB_OK;
    }
    status = k->convolution_backward_input(&convolution, hi - lo, nb_tensor_at(c->dout, lo),
                                           nb_tensor_at(c->out, lo), winners(c, lo),
                                           c->in[W_in]->data, c->beta / c->alpha, dx, c->scratch);
    if (!status && c->alpha != 1) k->scale(count, c->alpha, dx, 0, dx);
    return status;
}

static size_t partial_width(const nb_call *c)
{
    return nb_tensor_count(c->in[W_in]) + nb_tensor_count(c->in[b_in]);
}

static void *partial_at(const nb_call *c, size_t group, size_t i)
{
    return (char *)c->partial + (group * partial_width(c) + i) * c->kernels->size;
}

static nb_status sum_groups(const nb_call *c, size_t lo, size_t hi, nb_convolution_then then)
{
    nb_convolution convolution;
    nb_status status = convolution_of(c, then, &convolution);
    for (size_t g = lo, end; g < hi && !status; g++) {
        const size_t from = nb_group_begin(c, g, &end);
        status = c->kernels->convolution_backward_weights(
            &convolution, end - from, nb_tensor_at(c->in[x_in], from), nb_tensor_at(c->dout, from),
            nb_tensor_at(c->out, from), winners(c, from), 0, partial_at(c, g, 0),
            partial_at(c, g, nb_tensor_count(c->in[W_in])), c->scratch);
    }
    return status;
}

/* Numbers i ... i+count-1 of the partial sums, added up, are the gradient at `to`. */
static nb_status take_sums(const nb_call *c, size_t i, size_t count, void *to)
{
    nb_fold(c->kernels, nb_groups(c->rows), count, partial_width(c), partial_at(c, 0, i));
    c->kernels->scale(count, c->alpha, partial_at(c, 0, i), c->beta, to);
    return NB_OK;
}

static nb_status W_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->din);
    return take_sums(c, lo * width, (hi - lo) * width, nb_tensor_at(c->din, lo));
}

static nb_status b_backward(const nb_call *c, size_t lo, size_t hi)
{
    return take_sums(c, nb_tensor_count(c->in[W_in]) + lo, hi - lo, nb_tensor_at(c->din, lo));
}

/* --- with what follows ------------------------------------------------------------------------ */

#define PHASES(name, then)                                                     \
    static nb_status name##_forward(const nb_call *c, size_t lo, size_t hi)    \
    {                                                                          \
        return forward(c, lo, hi, then);                                       \
    }                                                                          \
    static nb_status name##_x_backward(const nb_call *c, size_t lo, size_t hi) \
    {                                                                          \
        return x_backward(c, lo, hi, then);                                    \
    }                                                                          \
    static nb_status name##_sum_groups(const nb_call *c, size_t lo, size_t hi) \
    {                                                                          \
        return sum_groups(c, lo, hi, then);                                    \
    }

PHASES(plain, NB_THEN_NOTHING)
PHASES(relu, NB_THEN_RELU)
PHASES(pool, NB_THEN_RELU_POOL)

#define CONVOLUTION(text, phases)                                                                  \
    {                                                                                              \
        .name = text, .inputs = 3, .config = sizeof(nb_sliding), .promises = NB_BY_ROW | NB_FUSES, \
        .plan = conv2d_plan, .forward = {{phases##_forward, NB_ROWS, 0, false}},                   \
        .backward = {{phases##_x_backward, NB_INPUT_ROWS, x_in, false},                            \
                     {phases##_sum_groups, NB_GROUPS, 0, false},                                   \
                     {W_backward, NB_INPUT_ROWS, W_in, false},                                     \
                     {b_backward, NB_INPUT_ROWS, b_in, false}},                                    \
    }

const nb_op nb_op_conv2d = CONVOLUTION("conv2d", plain);

/* As the second and third node run them, in place of all. */
static const nb_op conv2d_relu = CONVOLUTION("conv2d, relu", relu);
static const nb_op conv2d_relu_pool = CONVOLUTION("conv2d, relu, max_pool", pool);

const nb_op *nb_op_joined(const nb_op *first, const nb_op *then, const void *config)
{
    if (first == &nb_op_affine && then == &nb_op_relu) return &nb_affine_relu;
    if (first == &nb_op_batch_norm && then == &nb_op_relu) return &nb_batch_norm_relu;
    if (first == &nb_op_conv2d && then == &nb_op_relu) return &conv2d_relu;
    if (first != &conv2d_relu || then != &nb_op_max_pool) return NULL;
    const nb_sliding *w = config;
    const bool pairs = w->rows == 2 && w->columns == 2 && (!w->stride_y || w->stride_y == 2) &&
                       (!w->stride_x || w->stride_x == 2) && !w->pad_y && !w->pad_x;
    return pairs ? &conv2d_relu_pool : NULL;
}
