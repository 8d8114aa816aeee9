/* The loss of each sample times the weight of its class. */
#include "op/ops.h"

enum { each_in, target_in, weights_in };

static nb_status weigh_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char each[96], target[96], weights[96];
    const nb_tensor *t = &in[target_in], *w = &in[weights_in];
    const bool labels = t->dtype == NB_INT32;
    (void)config;
    need->out = in[each_in].shape;
    if (in[each_in].dtype != NB_INT32 && w->dtype != NB_INT32 && need->out.ndim == 1 &&
        w->shape.ndim == 1 &&
        nb_shape_equal(t->shape, labels ? need->out : NB_SHAPE(need->out.dim[0], w->shape.dim[0])))
        return NB_OK;
    return nb_fail(NB_ESHAPE, "weigh: losses %s, t %s %s, class weights %s",
                   nb_shape_text(in[each_in].shape, each, sizeof each), nb_dtype_name(t->dtype),
                   nb_shape_text(t->shape, target, sizeof target),
                   nb_shape_text(w->shape, weights, sizeof weights));
}

/* Of row i: of its label, or the mean of the classes that its target is made of. */
static nb_status weight_of(const nb_call *c, size_t i, double *weight)
{
    const nb_tensor *t = c->in[target_in], *w = c->in[weights_in];
    const size_t classes = w->shape.dim[0];
    *weight = 0;
    for (size_t j = 0; t->dtype != NB_INT32 && j < classes; j++)
        *weight += c->kernels->get(nb_tensor_at(t, i), j) * c->kernels->get(w->data, j);
    if (t->dtype != NB_INT32) return NB_OK;
    const int32_t label = ((const int32_t *)t->data)[i];
    if (label < 0 || (size_t)label >= classes)
        return nb_fail(NB_ERANGE, "weigh: t[%zu]=%ld is no label of m=%zu classes", i, (long)label,
                       classes);
    *weight = c->kernels->get(w->data, (size_t)label);
    return NB_OK;
}

/* to := from weight + beta to */
static nb_status weigh(const nb_call *c, const nb_tensor *from, double beta, const nb_tensor *to,
                       size_t lo, size_t hi)
{
    double weight;
    nb_status status = NB_OK;
    for (size_t i = lo; i < hi && !(status = weight_of(c, i, &weight)); i++)
        c->kernels->scale(1, weight, nb_tensor_at(from, i), beta, nb_tensor_at(to, i));
    return status;
}

static nb_status weigh_forward(const nb_call *c, size_t lo, size_t hi)
{
    return weigh(c, c->in[each_in], 0, c->out, lo, hi);
}

static nb_status weigh_backward(const nb_call *c, size_t lo, size_t hi)
{
    return weigh(c, c->dout, c->beta, c->din, lo, hi);
}

/* Given, not learnt. */
static nb_status given_backward(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    return nb_fail(NB_EINVAL, "weigh: the %s no gradient",
                   c->input == target_in ? "target has" : "class weights have");
}

const nb_op nb_op_weigh = {
    .name = "weigh",
    .inputs = 3,
    .promises = NB_BY_ROW | NB_LABELS,
    .plan = weigh_plan,
    .forward = {{weigh_forward, NB_ROWS, 0, false}},
    .backward = {{weigh_backward, NB_INPUT_ROWS, each_in, false},
                 {given_backward, NB_INPUT_ROWS, target_in, false},
                 {given_backward, NB_INPUT_ROWS, weights_in, false}},
};
