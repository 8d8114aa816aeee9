/* Parts of tensors: slice and concatenate. Both are copies between a tensor and a part of another
 * along one axis. */
#include "op/op_axis.h"
#include "op/ops.h"

#include <string.h>

/* For slice: positions from ... from+count-1 along the axis of the whole are all of the part. */
typedef struct place {
    nb_slab whole;
    size_t from, count;
} place;

static char *element(const nb_kernels *k, const nb_tensor *t, size_t i)
{
    return (char *)t->data + i * k->size;
}

/* y := x + beta y, for n elements */
static void accumulate(const nb_kernels *k, size_t n, const void *x, double beta, void *y)
{
    if (beta == 0)
        memcpy(y, x, n * k->size);
    else
        k->scale(n, 1, x, beta, y);
}

static void fade(const nb_kernels *k, size_t n, double beta, void *y)
{
    if (beta == 0)
        memset(y, 0, n * k->size);
    else if (beta != 1)
        k->scale(n, beta, y, 0, y);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows lo ... hi-1 of the part := those elements of the whole + beta part. */
static void take(const nb_kernels *k, const place *p, const nb_tensor *whole, const nb_tensor *part,
                 double beta, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(part), end = hi * width, block = p->count * p->whole.inner;
    for (size_t i = lo * width, n; i < end; i += n) {
        const size_t outer = i / block, in_block = i % block;
        n = least(block - in_block, end - i);
        accumulate(
            k, n, element(k, whole, (outer * p->whole.along + p->from) * p->whole.inner + in_block),
            beta, element(k, part, i));
    }
}

/* Rows lo ... hi-1 of the whole := what of the part is there + beta whole. Elements beside the part
 * fade, if asked to, else they stay. */
static void give(const nb_kernels *k, const place *p, const nb_tensor *part, const nb_tensor *whole,
                 double beta, bool beside, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(whole), end = hi * width;
    const size_t block = p->whole.along * p->whole.inner, inner = p->whole.inner;
    const size_t first = p->from * inner, last = first + p->count * inner;
    for (size_t i = lo * width, n; i < end; i += n) {
        const size_t outer = i / block, at = i % block;
        const bool inside = at >= first && at < last;
        n = least((inside ? last : (at < first ? first : block)) - at, end - i);
        if (inside)
            accumulate(k, n, element(k, part, outer * p->count * inner + at - first), beta,
                       element(k, whole, i));
        else if (beside)
            fade(k, n, beta, element(k, whole, i));
    }
}

/* --- slice ------------------------------------------------------------------------------------ */

static nb_status slice_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char text[96];
    size_t axis = 0;
    const nb_part *part = config;
    nb_status status = nb_axis_find("slice", part->axis, in[0].shape, &axis);
    if (status) return status;
    need->out = in[0].shape;
    nb_shape_text(in[0].shape, text, sizeof text);
    if (in[0].shape.dim[axis] == SIZE_MAX)
        return nb_fail(NB_ESHAPE, "slice: axis %d of %s is the batch, expected another", part->axis,
                       text);
    if (part->from >= part->to || part->to > in[0].shape.dim[axis])
        return nb_fail(NB_ESHAPE,
                       "slice: from %zu to %zu along axis %d of %s, expected 0 <= from "
                       "< to <= %zu",
                       part->from, part->to, part->axis, text, in[0].shape.dim[axis]);
    need->out.dim[axis] = part->to - part->from;
    return NB_OK;
}

static place slice_of(const nb_call *c)
{
    const nb_part *part = c->config;
    return (place){nb_slab_of(c->in[0], part->axis), part->from, part->to - part->from};
}

static nb_status slice_forward(const nb_call *c, size_t lo, size_t hi)
{
    const place p = slice_of(c);
    take(c->kernels, &p, c->in[0], c->out, 0, lo, hi);
    return NB_OK;
}

static nb_status slice_backward(const nb_call *c, size_t lo, size_t hi)
{
    const place p = slice_of(c);
    give(c->kernels, &p, c->dout, c->din, c->beta, true, lo, hi);
    return NB_OK;
}

const nb_op nb_op_slice = {
    .name = "slice",
    .inputs = 1,
    .config = sizeof(nb_part),
    .promises = NB_BY_ROW,
    .plan = slice_plan,
    .forward = {{slice_forward, NB_ROWS, 0, false}},
    .backward = {{slice_backward, NB_INPUT_ROWS, 0, false}},
};

/* --- concatenate ------------------------------------------------------------------------------ */

static nb_status concatenate_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char a[96], b[96];
    size_t axis = 0;
    nb_shape other = in[1].shape;
    nb_status status = nb_axis_find("concatenate", *(const int *)config, in[0].shape, &axis);
    if (status) return status;
    need->out = in[0].shape;
    nb_shape_text(in[0].shape, a, sizeof a);
    nb_shape_text(in[1].shape, b, sizeof b);
    if (in[0].shape.dim[axis] == SIZE_MAX || (other.ndim > axis && other.dim[axis] == SIZE_MAX))
        return nb_fail(NB_ESHAPE, "concatenate: axis %d of %s is the batch, expected another",
                       *(const int *)config, a);
    if (other.ndim > axis) other.dim[axis] = in[0].shape.dim[axis];
    if (!nb_shape_equal(other, in[0].shape))
        return nb_fail(NB_ESHAPE,
                       "concatenate: %s and %s, expected shapes that differ along axis "
                       "%zu only",
                       a, b, axis);
    if (in[1].shape.dim[axis] >= SIZE_MAX - in[0].shape.dim[axis])
        return nb_fail(NB_EOVERFLOW, "concatenate: %s and %s", a, b);
    need->out.dim[axis] += in[1].shape.dim[axis];
    return NB_OK;
}

static place concatenated(const nb_call *c, size_t input)
{
    const int axis = *(const int *)c->config;
    const size_t first = nb_slab_of(c->in[0], axis).along;
    return (place){nb_slab_of(c->out, axis), input ? first : 0,
                   nb_slab_of(c->in[input], axis).along};
}

static nb_status concatenate_forward(const nb_call *c, size_t lo, size_t hi)
{
    for (size_t i = 0; i < 2; i++) {
        const place p = concatenated(c, i);
        give(c->kernels, &p, c->in[i], c->out, 0, false, lo, hi);
    }
    return NB_OK;
}

static nb_status concatenate_backward(const nb_call *c, size_t lo, size_t hi)
{
    const place p = concatenated(c, c->input);
    take(c->kernels, &p, c->dout, c->din, c->beta, lo, hi);
    return NB_OK;
}

const nb_op nb_op_concatenate = {
    .name = "concatenate",
    .inputs = 2,
    .config = sizeof(int),
    .promises = NB_BY_ROW,
    .plan = concatenate_plan,
    .forward = {{concatenate_forward, NB_ROWS, 0, false}},
    .backward = {{concatenate_backward, NB_INPUT_ROWS, 0, false},
                 {concatenate_backward, NB_INPUT_ROWS, 1, false}},
};
