/* Losses that compare numbers one by one, y with its target t: of a row their mean over the
 * columns. Binary cross entropy takes the logit y, so that no logarithm sees a rounded 0 or 1. */
#include "op/op_pointwise.h"
#include "op/ops.h"

#include <math.h>

static double loss_of(const nb_pointwise *p, double y, double t)
{
    const double d = y - t;
    switch (p->kind) {
    case NB_POINT_SQUARED:
        return d * d;
    case NB_POINT_ABSOLUTE:
        return fabs(d);
    case NB_POINT_HUBER:
        return fabs(d) <= p->delta ? d * d / 2 : p->delta * (fabs(d) - p->delta / 2);
    default: /* max(y, 0) - y t + log(1 + e^-|y|); NaN goes through every term */
        return (y < 0 ? 0 : y) - y * t + log1p(exp(-fabs(y)));
    }
}

static double slope_of(const nb_pointwise *p, double y, double t)
{
    const double d = y - t;
    switch (p->kind) {
    case NB_POINT_SQUARED:
        return 2 * d;
    case NB_POINT_ABSOLUTE:
        return d == 0 ? 0 : copysign(1, d);
    case NB_POINT_HUBER:
        return fabs(d) <= p->delta ? d : copysign(p->delta, d);
    default:
        return 1 / (1 + exp(-y)) - t;
    }
}

/* d loss / d t */
static double target_slope(const nb_pointwise *p, double y, double t)
{
    return p->kind == NB_POINT_BINARY ? -y : -slope_of(p, y, t);
}

static nb_status pointwise_loss_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char y[96], t[96];
    const nb_pointwise *p = config;
    if ((unsigned)p->kind > NB_POINT_BINARY || (p->kind == NB_POINT_HUBER && !(p->delta > 0)))
        return nb_fail(NB_EINVAL, "pointwise_loss: kind=%d, delta=%g", (int)p->kind, p->delta);
    if (in[0].shape.ndim == 0 || !nb_shape_equal(in[0].shape, in[1].shape))
        return nb_fail(NB_ESHAPE, "pointwise_loss: y is %s, t is %s, expected one shape",
                       nb_shape_text(in[0].shape, y, sizeof y),
                       nb_shape_text(in[1].shape, t, sizeof t));
    need->out = NB_SHAPE(in[0].shape.dim[0]);
    return NB_OK;
}

static nb_status pointwise_loss_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t m = nb_tensor_width(c->in[0]);
    for (size_t i = lo; i < hi; i++) {
        double sum = 0;
        for (size_t j = i * m; j < (i + 1) * m; j++)
            sum += loss_of(c->config, k->get(c->in[0]->data, j), k->get(c->in[1]->data, j));
        k->set(c->out->data, i, sum / (double)m);
    }
    return NB_OK;
}

static nb_status pointwise_loss_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t m = nb_tensor_width(c->in[0]);
    double (*const slope)(const nb_pointwise *, double, double) =
        c->input == 0 ? slope_of : target_slope;
    for (size_t i = lo; i < hi; i++) {
        const double g = c->alpha * k->get(c->dout->data, i) / (double)m;
        for (size_t j = i * m; j < (i + 1) * m; j++) {
            const double share =
                g * slope(c->config, k->get(c->in[0]->data, j), k->get(c->in[1]->data, j));
            k->set(c->din->data, j,
                   c->beta == 0 ? share : share + c->beta * k->get(c->din->data, j));
        }
    }
    return NB_OK;
}

const nb_op nb_op_pointwise_loss = {
    .name = "pointwise_loss",
    .inputs = 2,
    .config = sizeof(nb_pointwise),
    .promises = NB_BY_ROW,
    .plan = pointwise_loss_plan,
    .forward = {{pointwise_loss_forward, NB_ROWS, 0, false}},
    .backward = {{pointwise_loss_backward, NB_INPUT_ROWS, 0, false},
                 {pointwise_loss_backward, NB_INPUT_ROWS, 1, false}},
};
