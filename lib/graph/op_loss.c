/* Softmax, the losses of each sample, and the sums that make one number of them. */
#include "graph/ops.h"
#include "nablas/graph.h"
#include "nablas/loss.h"

#include <string.h>

static nb_status softmax_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    char text[96];
    *aux = 0;
    *out = in[0].shape;
    if (in[0].shape.ndim == 2) return NB_OK;
    return nb_fail(NB_ESHAPE, "softmax: %s, expected (n, m)",
                   nb_shape_text(in[0].shape, text, sizeof text));
}

static nb_status softmax_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    return c->kernels->softmax(hi - lo, m, nb_tensor_at(c->in[0], lo), m, nb_tensor_at(c->out, lo),
                               m);
}

static nb_status softmax_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    c->kernels->softmax_backward(hi - lo, nb_tensor_width(c->out), nb_tensor_at(c->out, lo),
                                 nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_softmax = {
    .name = "softmax",
    .inputs = 1,
    .shape = softmax_shape,
    .forward = softmax_forward,
    .backward = softmax_backward,
};

static nb_status total_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    (void)in;
    *aux = 0;
    *out = NB_SCALAR;
    return NB_OK;
}

static nb_status sum_forward(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    c->kernels->set(c->out->data, 0, c->kernels->sum(nb_tensor_count(c->in[0]), c->in[0]->data));
    return NB_OK;
}

static nb_status mean_forward(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const size_t n = nb_tensor_count(c->in[0]);
    c->kernels->set(c->out->data, 0, c->kernels->sum(n, c->in[0]->data) / (double)n);
    return NB_OK;
}

/* Every element gets `share` of the scalar's gradient. */
static nb_status spread(const nb_call *c, double share, size_t lo, size_t hi)
{
    const nb_kernels *kernels = c->kernels;
    const double g = share * kernels->get(c->dout->data, 0);
    const size_t width = nb_tensor_width(c->din);
    for (size_t i = lo * width; i < hi * width; i++) {
        const double old = c->beta == 0 ? 0 : c->beta * kernels->get(c->din->data, i);
        kernels->set(c->din->data, i, g + old);
    }
    return NB_OK;
}

static nb_status sum_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    return spread(c, 1, lo, hi);
}

static nb_status mean_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    return spread(c, 1 / (double)nb_tensor_count(c->in[0]), lo, hi);
}

const nb_op nb_op_sum = {
    .name = "sum",
    .inputs = 1,
    .kind = NB_SUM,
    .shape = total_shape,
    .forward = sum_forward,
    .backward = sum_backward,
};

const nb_op nb_op_mean = {
    .name = "mean",
    .inputs = 1,
    .kind = NB_MEAN,
    .shape = total_shape,
    .forward = mean_forward,
    .backward = mean_backward,
};

/* 1/2 sum_j (y_j - t_j)^2 of each row: the summand of the book's mean_squared_error. */
static nb_status squared_error_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    char y[96], t[96];
    *aux = 0;
    *out = NB_SHAPE(in[0].shape.dim[0]);
    if (in[0].shape.ndim >= 1 && nb_shape_equal(in[0].shape, in[1].shape)) return NB_OK;
    return nb_fail(NB_ESHAPE, "mean_squared_error: y %s and t %s",
                   nb_shape_text(in[0].shape, y, sizeof y),
                   nb_shape_text(in[1].shape, t, sizeof t));
}

static nb_status squared_error_forward(const nb_call *c, size_t lo, size_t hi)
{
    return c->kernels->squared_error(hi - lo, nb_tensor_width(c->in[0]), nb_tensor_at(c->in[0], lo),
                                     nb_tensor_at(c->in[1], lo), nb_tensor_at(c->out, lo));
}

/* dy = g (y - t), dt = g (t - y). */
static nb_status squared_error_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    return c->kernels->residual(hi - lo, nb_tensor_width(c->in[0]), nb_tensor_at(c->dout, lo),
                                nb_tensor_at(c->in[i], lo), nb_tensor_at(c->in[1 - i], lo), NULL,
                                c->beta, nb_tensor_at(c->din, lo));
}

const nb_op nb_op_squared_error = {
    .name = "squared_error",
    .inputs = 2,
    .shape = squared_error_shape,
    .forward = squared_error_forward,
    .backward = squared_error_backward,
};

/* -log(softmax(a)_t + epsilon) of each row; the probabilities are kept for backward. */
static nb_status softmax_cross_entropy_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    char a[96], t[96];
    const bool labels = in[1].dtype == NB_INT32;
    if (in[0].shape.ndim == 2 && in[0].dtype != NB_INT32 &&
        nb_shape_equal(in[1].shape, labels ? NB_SHAPE(in[0].shape.dim[0]) : in[0].shape)) {
        *aux = in[0].shape.dim[1];
        *out = NB_SHAPE(in[0].shape.dim[0]);
        return NB_OK;
    }
    return nb_fail(NB_ESHAPE, "softmax_cross_entropy: a %s and t %s %s",
                   nb_shape_text(in[0].shape, a, sizeof a), nb_dtype_name(in[1].dtype),
                   nb_shape_text(in[1].shape, t, sizeof t));
}

static const void *one_hot(const nb_tensor *t, size_t row)
{
    return t->dtype == NB_INT32 ? NULL : nb_tensor_at(t, row);
}

static const int32_t *labels(const nb_tensor *t, size_t row)
{
    return t->dtype == NB_INT32 ? nb_tensor_at(t, row) : NULL;
}

/* The kernels check labels too, and would count a thread's rows from the thread's first. */
static nb_status check_labels(const nb_tensor *t, size_t m, size_t lo, size_t hi)
{
    if (t->dtype != NB_INT32) return NB_OK;
    for (size_t i = lo; i < hi; i++) {
        const int32_t label = ((const int32_t *)t->data)[i];
        if (label < 0 || (size_t)label >= m)
            return nb_fail(NB_ERANGE,
                           "softmax_cross_entropy: t[%zu]=%ld is no label of m=%zu "
                           "classes",
                           i, (long)label, m);
    }
    return NB_OK;
}

static nb_status softmax_cross_entropy_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t n = hi - lo, m = nb_tensor_width(c->in[0]);
    const nb_tensor *a = c->in[0], *t = c->in[1];
    void *y = nb_tensor_at(c->aux, lo), *each = nb_tensor_at(c->out, lo);
    nb_status status = check_labels(t, m, lo, hi);
    if (!status) status = c->kernels->softmax(n, m, nb_tensor_at(a, lo), m, y, m);
    if (status) return status;
    if (c->attribute == NB_EXACT_LOG)
        return c->kernels->logit_cross_entropy(n, m, nb_tensor_at(a, lo), one_hot(t, lo),
                                               labels(t, lo), each);
    return c->kernels->cross_entropy(n, m, y, one_hot(t, lo), labels(t, lo), c->attribute, each);
}

static nb_status softmax_cross_entropy_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    const nb_tensor *t = c->in[1];
    if (i != 0) return nb_fail(NB_EINVAL, "softmax_cross_entropy: the target has no gradient");
    return c->kernels->residual(hi - lo, nb_tensor_width(c->din), nb_tensor_at(c->dout, lo),
                                nb_tensor_at(c->aux, lo), one_hot(t, lo), labels(t, lo), c->beta,
                                nb_tensor_at(c->din, lo));
}

static const double exact_log = NB_EXACT_LOG;

const nb_op nb_op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .inputs = 2,
    .shape = softmax_cross_entropy_shape,
    .forward = softmax_cross_entropy_forward,
    .backward = softmax_cross_entropy_backward,
    .labels = true,
    .exact = &exact_log,
};
