/* Pooling, textbook 7.3 and 7.4.4: the largest pixel or the mean in each window.
 *
 * `kept` holds, image by image, the bytes that say which pixel of its window was the largest. */
#include "op/op_window.h"
#include "op/ops.h"

static nb_status pool_plan(const char *name, const nb_tensor *in, const void *config, nb_need *need)
{
    char found[96];
    const nb_shape *x = &in[0].shape;
    if (x->ndim != 4)
        return nb_fail(NB_ESHAPE, "%s: x is %s, expected (n, C, H, W)", name,
                       nb_shape_text(*x, found, sizeof found));
    nb_window window = nb_window_of(config, x->dim);
    nb_status status = nb_window_fit(&window);
    if (!status) need->out = NB_SHAPE(x->dim[0], x->dim[1], window.out_height, window.out_width);
    return status;
}

static nb_status window_of(const nb_call *c, nb_window *window)
{
    *window = nb_window_of(c->config, c->in[0]->shape.dim);
    return nb_window_fit(window);
}

/* --- largest ---------------------------------------------------------------------------------- */

static nb_status max_pool_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    nb_status status = pool_plan("max_pool", in, config, need);
    if (status) return status;
    const nb_window window = nb_window_of(config, in[0].shape.dim);
    if (window.rows > 256 / window.columns)
        return nb_fail(NB_EINVAL, "max_pool: a window of %zu x %zu pixels, expected up to 256",
                       window.rows, window.columns);
    const size_t bytes = need->out.dim[1] * need->out.dim[2] * need->out.dim[3];
    need->kept = (bytes + sizeof(float) - 1) / sizeof(float); /* nb_graph_cast wants it the same */
    return NB_OK;
}

static nb_status max_pool_forward(const nb_call *c, size_t lo, size_t hi)
{
    nb_window window;
    nb_status status = window_of(c, &window);
    for (size_t i = lo; i < hi && !status; i++)
        status = c->kernels->max_pooling(&window, 1, nb_tensor_at(c->in[0], i),
                                         nb_tensor_at(c->out, i), nb_tensor_at(c->kept, i));
    return status;
}

static nb_status max_pool_backward(const nb_call *c, size_t lo, size_t hi)
{
    nb_window window;
    nb_status status = window_of(c, &window);
    for (size_t i = lo; i < hi && !status; i++)
        status = c->kernels->max_pooling_backward(&window, 1, nb_tensor_at(c->dout, i),
                                                  nb_tensor_at(c->kept, i), c->beta,
                                                  nb_tensor_at(c->din, i));
    return status;
}

const nb_op nb_op_max_pool = {
    .name = "max_pool",
    .inputs = 1,
    .config = sizeof(nb_sliding),
    .promises = NB_BY_ROW,
    .plan = max_pool_plan,
    .forward = {{max_pool_forward, NB_ROWS, 0, false}},
    .backward = {{max_pool_backward, NB_INPUT_ROWS, 0, false}},
};

/* --- mean ------------------------------------------------------------------------------------- */

static nb_status average_pool_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return pool_plan("average_pool", in, config, need);
}

static nb_status average_pool_forward(const nb_call *c, size_t lo, size_t hi)
{
    nb_window window;
    nb_status status = window_of(c, &window);
    if (status) return status;
    return c->kernels->average_pooling(&window, hi - lo, nb_tensor_at(c->in[0], lo),
                                       nb_tensor_at(c->out, lo));
}

static nb_status average_pool_backward(const nb_call *c, size_t lo, size_t hi)
{
    nb_window window;
    nb_status status = window_of(c, &window);
    if (status) return status;
    return c->kernels->average_pooling_backward(&window, hi - lo, nb_tensor_at(c->dout, lo),
                                                c->beta, nb_tensor_at(c->din, lo));
}

const nb_op nb_op_average_pool = {
    .name = "average_pool",
    .inputs = 1,
    .config = sizeof(nb_sliding),
    .promises = NB_BY_ROW,
    .plan = average_pool_plan,
    .forward = {{average_pool_forward, NB_ROWS, 0, false}},
    .backward = {{average_pool_backward, NB_INPUT_ROWS, 0, false}},
};
