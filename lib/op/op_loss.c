/* Softmax, the losses of each sample, and the sums that reduce them to a scalar. */
#include "nablas/loss.h"
#include "op/ops.h"

#include <string.h>

static nb_status softmax_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char text[96];
    (void)config;
    need->out = in[0].shape;
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

static nb_status softmax_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->softmax_backward(hi - lo, nb_tensor_width(c->out), nb_tensor_at(c->out, lo),
                                 nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_softmax = {
    .name = "softmax",
    .inputs = 1,
    .promises = NB_BY_ROW,
    .plan = softmax_plan,
    .forward = {{softmax_forward, NB_ROWS, 0, false}},
    .backward = {{softmax_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status total_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)in, (void)config;
    need->out = NB_SCALAR;
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

static nb_status sum_backward(const nb_call *c, size_t lo, size_t hi)
{
    return spread(c, 1, lo, hi);
}

static nb_status mean_backward(const nb_call *c, size_t lo, size_t hi)
{
    return spread(c, 1 / (double)nb_tensor_count(c->in[0]), lo, hi);
}

const nb_op nb_op_sum = {
    .name = "sum",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_SUM,
    .plan = total_plan,
    .forward = {{sum_forward, NB_ONCE, 0, false}},
    .backward = {{sum_backward, NB_INPUT_ROWS, 0, false}},
};

const nb_op nb_op_mean = {
    .name = "mean",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_MEAN,
    .plan = total_plan,
    .forward = {{mean_forward, NB_ONCE, 0, false}},
    .backward = {{mean_backward, NB_INPUT_ROWS, 0, false}},
};

/* 1/2 sum_j (y_j - t_j)^2 of each row: the summand of the book's mean_squared_error. */
static nb_status squared_error_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char y[96], t[96];
    (void)config;
    need->out = NB_SHAPE(in[0].shape.dim[0]);
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
static nb_status squared_error_backward(const nb_call *c, size_t lo, size_t hi)
{
    return c->kernels->residual(hi - lo, nb_tensor_width(c->in[0]), nb_tensor_at(c->dout, lo),
                                nb_tensor_at(c->in[c->input], lo),
                                nb_tensor_at(c->in[1 - c->input], lo), NULL, c->beta,
                                nb_tensor_at(c->din, lo));
}

const nb_op nb_op_squared_error = {
    .name = "squared_error",
    .inputs = 2,
    .promises = NB_BY_ROW,
    .plan = squared_error_plan,
    .forward = {{squared_error_forward, NB_ROWS, 0, false}},
    .backward = {{squared_error_backward, NB_INPUT_ROWS, 0, false},
                 {squared_error_backward, NB_INPUT_ROWS, 1, false}},
};

/* -log(softmax(a)_t + epsilon) of each row; the probabilities are kept for backward. */
static nb_status softmax_cross_entropy_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char a[96], t[96];
    const bool labels = in[1].dtype == NB_INT32;
    (void)config;
    if (in[0].shape.ndim == 2 && in[0].dtype != NB_INT32 &&
        nb_shape_equal(in[1].shape, labels ? NB_SHAPE(in[0].shape.dim[0]) : in[0].shape)) {
        need->kept = in[0].shape.dim[1];
        need->out = NB_SHAPE(in[0].shape.dim[0]);
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
    void *y = nb_tensor_at(c->kept, lo), *each = nb_tensor_at(c->out, lo);
    nb_status status = check_labels(t, m, lo, hi);
    if (!status) status = c->kernels->softmax(n, m, nb_tensor_at(a, lo), m, y, m);
    if (status) return status;
    const double epsilon = *(const double *)c->config;
    if (epsilon == NB_EXACT_LOG)
        return c->kernels->logit_cross_entropy(n, m, nb_tensor_at(a, lo), one_hot(t, lo),
                                               labels(t, lo), each);
    return c->kernels->cross_entropy(n, m, y, one_hot(t, lo), labels(t, lo), epsilon, each);
}

static nb_status softmax_cross_entropy_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_tensor *t = c->in[1];
    return c->kernels->residual(hi - lo, nb_tensor_width(c->din), nb_tensor_at(c->dout, lo),
                                nb_tensor_at(c->kept, lo), one_hot(t, lo), labels(t, lo), c->beta,
                                nb_tensor_at(c->din, lo));
}

/* Targets are given, not learnt: a parameter as the target is a mistake. */
static nb_status target_backward(const nb_call *c, size_t lo, size_t hi)
{
    (void)c, (void)lo, (void)hi;
    return nb_fail(NB_EINVAL, "softmax_cross_entropy: the target has no gradient");
}

static bool make_exact(void *config)
{
    double *epsilon = config;
    if (*epsilon == NB_EXACT_LOG) return false;
    *epsilon = NB_EXACT_LOG;
    return true;
}

const nb_op nb_op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .inputs = 2,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_LABELS,
    .plan = softmax_cross_entropy_plan,
    .forward = {{softmax_cross_entropy_forward, NB_ROWS, 0, false}},
    .backward = {{softmax_cross_entropy_backward, NB_INPUT_ROWS, 0, false},
                 {target_backward, NB_INPUT_ROWS, 1, false}},
    .exact = make_exact,
};
