/* Sum, mean and largest element along one axis. */
#include "op/op_axis.h"
#include "op/op_map.h"
#include "op/ops.h"

#include <math.h>
#include <string.h>

enum { most_run = 512 };

nb_status nb_axis_find(const char *name, int axis, nb_shape shape, size_t *found)
{
    char text[96];
    const int ndim = (int)shape.ndim;
    if (ndim == 0) return nb_fail(NB_ESHAPE, "%s: axis %d of (), which has none", name, axis);
    if (axis < -ndim || axis >= ndim)
        return nb_fail(NB_ESHAPE, "%s: axis %d of %s, expected %d ... %d", name, axis,
                       nb_shape_text(shape, text, sizeof text), -ndim, ndim - 1);
    *found = (size_t)(axis < 0 ? axis + ndim : axis);
    return NB_OK;
}

nb_slab nb_slab_of(const nb_tensor *t, int axis)
{
    const size_t at = axis < 0 ? t->shape.ndim - (size_t)-axis : (size_t)axis;
    nb_slab s = {1, t->shape.dim[at], 1};
    for (size_t d = 0; d < at; d++) s.outer *= t->shape.dim[d];
    for (size_t d = at + 1; d < t->shape.ndim; d++) s.inner *= t->shape.dim[d];
    return s;
}

static nb_status reduction_plan(const char *name, const nb_tensor *in, const void *config,
                                nb_need *need)
{
    size_t axis = 0;
    const nb_reduction *r = config;
    need->scratch = most_run;
    nb_status status = nb_axis_find(name, r->axis, in[0].shape, &axis);
    for (size_t d = 0; d < in[0].shape.ndim && !status; d++)
        if (d != axis || r->keep)
            need->out.dim[need->out.ndim++] = d == axis ? 1 : in[0].shape.dim[d];
    return status;
}

static nb_slab slab_of(const nb_call *c)
{
    return nb_slab_of(c->in[0], ((const nb_reduction *)c->config)->axis);
}

static void *element(const nb_call *c, const nb_tensor *t, size_t i)
{
    return (char *)t->data + i * c->kernels->size;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of `in`, where the elements that make element i of `out` begin; they are s->inner apart. */
static size_t first_of(const nb_slab *s, size_t i)
{
    return i / s->inner * s->along * s->inner + i % s->inner;
}

/* --- sum and mean ----------------------------------------------------------------------------- */

static nb_status sum_axis_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const nb_slab s = slab_of(c);
    const size_t width = nb_tensor_width(c->out), end = hi * width;
    nb_status status = NB_OK;
    for (size_t i = lo * width, n; i < end && !status; i += n) {
        const void *x = element(c, c->in[0], first_of(&s, i));
        n = least(s.inner - i % s.inner, end - i);
        if (s.inner == 1)
            k->set(c->out->data, i, k->sum(s.along, x));
        else
            status = k->column_sums(s.along, n, 1, x, s.inner, 0, element(c, c->out, i));
    }
    return status;
}

static nb_status mean_axis_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const double along = (double)slab_of(c).along;
    const size_t width = nb_tensor_width(c->out);
    nb_status status = sum_axis_forward(c, lo, hi);
    for (size_t i = lo * width; i < hi * width; i++)
        k->set(c->out->data, i, k->get(c->out->data, i) / along);
    return status;
}

/* Every element gets `share` of the gradient of what it went into. */
static nb_status spread(const nb_call *c, double share, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const nb_slab s = slab_of(c);
    const size_t width = nb_tensor_width(c->din), end = hi * width, block = s.along * s.inner;
    for (size_t i = lo * width, n; i < end; i += n) {
        const void *g = element(c, c->dout, i / block * s.inner + i % s.inner);
        n = least(s.inner - i % s.inner, end - i);
        if (s.inner == 1) {
            n = least(least(s.along - i % s.along, end - i), most_run);
            nb_repeat(k, n, g, c->scratch);
            g = c->scratch;
        }
        k->scale(n, share, g, c->beta, element(c, c->din, i));
    }
    return NB_OK;
}

static nb_status sum_axis_backward(const nb_call *c, size_t lo, size_t hi)
{
    return spread(c, 1, lo, hi);
}

static nb_status mean_axis_backward(const nb_call *c, size_t lo, size_t hi)
{
    return spread(c, 1 / (double)slab_of(c).along, lo, hi);
}

static nb_status sum_axis_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return reduction_plan("sum_axis", in, config, need);
}

static nb_status mean_axis_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return reduction_plan("mean_axis", in, config, need);
}

const nb_op nb_op_sum_axis = {
    .name = "sum_axis",
    .inputs = 1,
    .config = sizeof(nb_reduction),
    .promises = NB_BY_ROW,
    .plan = sum_axis_plan,
    .forward = {{sum_axis_forward, NB_ROWS, 0, false}},
    .backward = {{sum_axis_backward, NB_INPUT_ROWS, 0, false}},
};

const nb_op nb_op_mean_axis = {
    .name = "mean_axis",
    .inputs = 1,
    .config = sizeof(nb_reduction),
    .promises = NB_BY_ROW,
    .plan = mean_axis_plan,
    .forward = {{mean_axis_forward, NB_ROWS, 0, false}},
    .backward = {{mean_axis_backward, NB_INPUT_ROWS, 0, false}},
};

/* --- largest ---------------------------------------------------------------------------------- */

static nb_status max_axis_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return reduction_plan("max_axis", in, config, need);
}

/* Where along the axis the largest of the elements of element i of `out` is, as argmax says. */
static size_t largest(const nb_call *c, const nb_slab *s, size_t i)
{
    const nb_kernels *k = c->kernels;
    const void *x = element(c, c->in[0], first_of(s, i));
    if (s->inner == 1) return k->argmax(s->along, x);
    size_t best = 0;
    double most = k->get(x, 0);
    for (size_t j = 1; j < s->along && !isnan(most); j++) {
        const double here = k->get(x, j * s->inner);
        if (here <= most) continue;
        best = j;
        most = here;
    }
    return best;
}

static nb_status max_axis_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_slab s = slab_of(c);
    const size_t width = nb_tensor_width(c->out), size = c->kernels->size;
    for (size_t i = lo * width; i < hi * width; i++)
        memcpy(element(c, c->out, i),
               element(c, c->in[0], first_of(&s, i) + largest(c, &s, i) * s.inner), size);
    return NB_OK;
}

/* The first largest element gets all of the gradient. It is looked for again: a thread does so for
 * its own rows, or, where the axis is that of the rows, for all. */
static nb_status max_axis_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const nb_slab s = slab_of(c);
    const size_t width = nb_tensor_width(c->din), begin = lo * width, end = hi * width;
    const size_t block = s.along * s.inner;
    if (c->beta == 0)
        memset(element(c, c->din, begin), 0, (end - begin) * k->size);
    else if (c->beta != 1)
        k->scale(end - begin, c->beta, element(c, c->din, begin), 0, element(c, c->din, begin));
    for (size_t p = begin / block; p * block < end; p++)
        for (size_t i = p * s.inner; i < (p + 1) * s.inner; i++) {
            const size_t at = first_of(&s, i) + largest(c, &s, i) * s.inner;
            if (at >= begin && at < end)
                k->set(c->din->data, at, k->get(c->din->data, at) + k->get(c->dout->data, i));
        }
    return NB_OK;
}

const nb_op nb_op_max_axis = {
    .name = "max_axis",
    .inputs = 1,
    .config = sizeof(nb_reduction),
    .promises = NB_BY_ROW,
    .plan = max_axis_plan,
    .forward = {{max_axis_forward, NB_ROWS, 0, false}},
    .backward = {{max_axis_backward, NB_INPUT_ROWS, 0, false}},
};
