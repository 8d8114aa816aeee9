/* The same elements in another shape or order: reshape and transpose. */
#include "op/op_axis.h"
#include "op/ops.h"

#include <string.h>

enum { most_run = 512 };

/* --- reshape ---------------------------------------------------------------------------------- */

static bool is_batched(const nb_tensor *t)
{
    return t->shape.ndim > 0 && t->shape.dim[0] == SIZE_MAX;
}

static nb_status reshape_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    const nb_shape *to = config;
    char found[96], want[96] = "too many dimensions";
    const size_t batch = is_batched(&in[0]);
    size_t count = 0, have = nb_tensor_width(&in[0]);
    bool fits = to->ndim <= NB_MAX_DIMS - batch;
    if (!batch) have *= nb_tensor_height(&in[0]);
    if (fits) {
        nb_shape_text(*to, want, sizeof want);
        need->out = *to;
        need->out.ndim += batch;
        if (batch) need->out.dim[0] = SIZE_MAX;
        for (size_t d = 0; d < to->ndim; d++) {
            need->out.dim[d + batch] = to->dim[d];
            fits = fits && to->dim[d] != SIZE_MAX;
        }
        fits = fits && !nb_shape_count(*to, &count) && count == have;
    }
    if (fits) return NB_OK;
    return nb_fail(NB_ESHAPE, "reshape: %s as %s, expected a shape of %zu elements%s",
                   nb_shape_text(in[0].shape, found, sizeof found), want, have,
                   batch ? " for each row of the batch" : "");
}

/* Elements keep their places, whatever the rows of in and out are. */
static nb_status reshape_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out), at = lo * width * c->kernels->size;
    memcpy((char *)c->out->data + at, (const char *)c->in[0]->data + at,
           (hi - lo) * width * c->kernels->size);
    return NB_OK;
}

static nb_status reshape_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->din), at = lo * width * c->kernels->size;
    c->kernels->scale((hi - lo) * width, 1, (const char *)c->dout->data + at, c->beta,
                      (char *)c->din->data + at);
    return NB_OK;
}

const nb_op nb_op_reshape = {
    .name = "reshape",
    .inputs = 1,
    .config = sizeof(nb_shape),
    .promises = NB_BY_ROW,
    .plan = reshape_plan,
    .forward = {{reshape_forward, NB_ROWS, 0, false}},
    .backward = {{reshape_backward, NB_INPUT_ROWS, 0, false}},
};

/* --- transpose -------------------------------------------------------------------------------- */

static nb_status transpose_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    const nb_shape *axes = config;
    char found[96], order[96] = "too many axes";
    bool seen[NB_MAX_DIMS] = {false};
    const size_t ndim = in[0].shape.ndim;
    bool fits = axes->ndim == ndim;
    if (axes->ndim <= NB_MAX_DIMS) nb_shape_text(*axes, order, sizeof order);
    nb_shape_text(in[0].shape, found, sizeof found);
    for (size_t d = 0; fits && d < ndim; d++) {
        const size_t axis = axes->dim[d];
        fits = axis < ndim && !seen[axis];
        if (!fits) break;
        seen[axis] = true;
        need->out.dim[d] = in[0].shape.dim[axis];
    }
    need->out.ndim = ndim;
    need->scratch = most_run;
    if (!fits)
        return nb_fail(NB_ESHAPE, "transpose: %s with axes %s, expected each of its %zu axes once",
                       found, order, ndim);
    if (is_batched(&in[0]) && axes->dim[0] != 0)
        return nb_fail(NB_ESHAPE, "transpose: %s with axes %s: the batch has to stay first", found,
                       order);
    return NB_OK;
}

/* How far apart in `from` the elements are that are neighbours along each axis of `to`, the axes of
 * which are those `order` of `from`. */
static void strides_of(const nb_shape *from, const size_t *order, size_t *stride)
{
    size_t of[NB_MAX_DIMS];
    for (size_t d = from->ndim, step = 1; d-- > 0; step *= from->dim[d]) of[d] = step;
    for (size_t d = 0; d < from->ndim; d++) stride[d] = of[order[d]];
}

/* `count` elements of an array of shape `to`, the last axis of which moves by stride[ndim-1]. */
static void collect(const nb_kernels *k, const nb_shape *to, const size_t *stride, const void *from,
                    size_t first, size_t count, void *out)
{
    const size_t step = to->ndim ? stride[to->ndim - 1] : 0;
    size_t at = 0, rest = first;
    for (size_t d = to->ndim; d-- > 0; rest /= to->dim[d]) at += rest % to->dim[d] * stride[d];
    if (k->size == sizeof(float))
        for (size_t i = 0; i < count; i++) ((float *)out)[i] = ((const float *)from)[at + i * step];
    else
        for (size_t i = 0; i < count; i++)
            ((double *)out)[i] = ((const double *)from)[at + i * step];
}

/* How many elements from `i` on lie on one line of the last axis. */
static size_t line_from(const nb_shape *shape, size_t i, size_t end, size_t most)
{
    const size_t length = shape->ndim ? shape->dim[shape->ndim - 1] : 1, left = length - i % length;
    size_t n = left < end - i ? left : end - i;
    return n < most ? n : most;
}

static nb_status transpose_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_shape *to = &c->out->shape;
    size_t stride[NB_MAX_DIMS];
    const size_t width = nb_tensor_width(c->out), end = hi * width;
    strides_of(&c->in[0]->shape, ((const nb_shape *)c->config)->dim, stride);
    for (size_t i = lo * width, n; i < end; i += n) {
        n = line_from(to, i, end, SIZE_MAX);
        collect(c->kernels, to, stride, c->in[0]->data, i, n,
                (char *)c->out->data + i * c->kernels->size);
    }
    return NB_OK;
}

static nb_status transpose_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_shape *to = &c->din->shape;
    const size_t *order = ((const nb_shape *)c->config)->dim;
    size_t inverse[NB_MAX_DIMS], stride[NB_MAX_DIMS];
    const size_t width = nb_tensor_width(c->din), end = hi * width;
    for (size_t d = 0; d < to->ndim; d++) inverse[order[d]] = d;
    strides_of(&c->out->shape, inverse, stride);
    for (size_t i = lo * width, n; i < end; i += n) {
        n = line_from(to, i, end, most_run);
        collect(c->kernels, to, stride, c->dout->data, i, n, c->scratch);
        c->kernels->scale(n, 1, c->scratch, c->beta, (char *)c->din->data + i * c->kernels->size);
    }
    return NB_OK;
}

const nb_op nb_op_transpose = {
    .name = "transpose",
    .inputs = 1,
    .config = sizeof(nb_shape),
    .promises = NB_BY_ROW,
    .plan = transpose_plan,
    .forward = {{transpose_forward, NB_ROWS, 0, false}},
    .backward = {{transpose_backward, NB_INPUT_ROWS, 0, false}},
};
