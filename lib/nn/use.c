/* Using models: predictions, losses, gradients, metrics. */
#include "nablas/gradient.h"
#include "nablas/model.h"

#include <math.h>
#include <string.h>

/* Rows lo ... of x, at most max_batch of them. */
static nb_tensor chunk_of(const nb_model *m, const nb_tensor *x, size_t lo)
{
    const size_t n = x->shape.dim[0], most = nb_graph_max_batch(m->graph);
    return nb_tensor_rows(x, lo, n - lo < most ? n : lo + most);
}

/* A forward pass that predicts, whatever the graph is set to. */
static nb_status predict(nb_model *m, nb_node *target)
{
    const nb_pass pass = nb_graph_pass(m->graph);
    nb_graph_set_pass(m->graph, (nb_pass){0});
    nb_status status = nb_forward(target);
    nb_graph_set_pass(m->graph, pass);
    return status;
}

static nb_status forward_all(nb_model *m, nb_node *target, const nb_tensor *x, nb_tensor *y)
{
    char got[96], want[96];
    if (!y->data || y->packed)
        return nb_fail(NB_EINVAL, "nb_model_predict: y has no elements of its own");
    if (y->dtype != nb_graph_dtype(m->graph))
        return nb_fail(NB_EDTYPE, "nb_model_predict: y is %s, the model computes in %s",
                       nb_dtype_name(y->dtype), nb_dtype_name(nb_graph_dtype(m->graph)));
    if (x->shape.ndim == 0 || !nb_shape_equal(y->shape, NB_SHAPE(x->shape.dim[0], m->outputs)))
        return nb_fail(NB_ESHAPE, "nb_model_predict: y is %s for x %s and %zu outputs",
                       nb_shape_text(y->shape, got, sizeof got),
                       nb_shape_text(x->shape, want, sizeof want), m->outputs);
    for (size_t lo = 0; lo < x->shape.dim[0];) {
        const nb_tensor part = chunk_of(m, x, lo);
        nb_status status = nb_feed(m->x, &part);
        if (!status) status = predict(m, target);
        if (status) return status;
        const nb_tensor *value = nb_value(target);
        memcpy(nb_tensor_at(y, lo), value->data,
               nb_tensor_count(value) * nb_dtype_size(value->dtype));
        lo += part.shape.dim[0];
    }
    return NB_OK;
}

nb_status nb_model_scores(nb_model *m, const nb_tensor *x, nb_tensor *y)
{
    if (!m || !x || !y) return nb_fail(NB_EINVAL, "nb_model_scores: an argument is NULL");
    return forward_all(m, m->scores, x, y);
}

nb_status nb_model_predict(nb_model *m, const nb_tensor *x, nb_tensor *y)
{
    if (!m || !x || !y) return nb_fail(NB_EINVAL, "nb_model_predict: an argument is NULL");
    return forward_all(m, m->output, x, y);
}

/* --- losses and gradients --------------------------------------------------------------------- */

static nb_status feed_targets(nb_model *m, const nb_tensor *t, nb_node **loss)
{
    const bool labels = t->dtype == NB_INT32;
    if (labels && !m->labels)
        return nb_fail(NB_EDTYPE, "nb_model_feed: labels, the loss %s takes rows of numbers",
                       nb_loss_name(m->options.loss));
    *loss = labels ? m->label_loss : m->target_loss;
    return nb_feed(labels ? m->labels : m->targets, t);
}

nb_status nb_model_feed(nb_model *m, const nb_tensor *x, const nb_tensor *t, nb_node **loss)
{
    if (!m || !x || !t || !loss) return nb_fail(NB_EINVAL, "nb_model_feed: an argument is NULL");
    nb_status status = nb_feed(m->x, x);
    return status ? status : feed_targets(m, t, loss);
}

nb_status nb_model_feed_batch(nb_model *m, const nb_batch *b, nb_node **loss)
{
    if (!m || !b || !loss) return nb_fail(NB_EINVAL, "nb_model_feed_batch: an argument is NULL");
    nb_status status =
        b->fill ? nb_feed_rows(m->x, &b->x, b->fill, b->context) : nb_feed(m->x, &b->x);
    return status ? status : feed_targets(m, &b->t, loss);
}

nb_status nb_model_loss(nb_model *m, const nb_tensor *x, const nb_tensor *t, double *value)
{
    nb_node *loss;
    if (!value) return nb_fail(NB_EINVAL, "nb_model_loss: loss is NULL");
    nb_status status = nb_model_feed(m, x, t, &loss);
    if (!status) status = predict(m, loss);
    if (!status) *value = nb_scalar(loss);
    return status;
}

nb_status nb_model_gradient(nb_model *m, const nb_tensor *x, const nb_tensor *t)
{
    nb_node *loss;
    nb_status status = nb_model_feed(m, x, t, &loss);
    if (!status) status = nb_forward(loss);
    return status ? status : nb_backward(loss);
}

nb_status nb_model_numerical_gradient(nb_model *m, const nb_tensor *x, const nb_tensor *t, double h)
{
    nb_node *loss;
    nb_status status = nb_model_feed(m, x, t, &loss);
    for (size_t i = 0; !status && i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (!nb_node_is_parameter(node)) continue;
        nb_tensor gradient = *nb_gradient(node);
        status = nb_graph_numerical_gradient(loss, node, h, &gradient);
    }
    return status;
}

nb_node *nb_model_parameter(const nb_model *m, const char *name)
{
    nb_node *node = m ? nb_graph_find(m->graph, name) : NULL;
    return nb_node_is_parameter(node) ? node : NULL;
}

/* --- metrics ---------------------------------------------------------------------------------- */

static nb_status check_target(const nb_model *m, const nb_tensor *t)
{
    char got[96], want[96];
    const nb_tensor *scores = nb_value(m->scores);
    const size_t n = scores->shape.dim[0];
    const bool labels = t->dtype == NB_INT32 && m->labels;
    if (!t->data || t->packed)
        return nb_fail(NB_EINVAL, "nb_model_compare: t has no elements of its own");
    if (!labels && t->dtype != scores->dtype)
        return nb_fail(NB_EDTYPE, "nb_model_compare: t is %s, the model computes in %s",
                       nb_dtype_name(t->dtype), nb_dtype_name(scores->dtype));
    if (!nb_shape_equal(t->shape, labels ? NB_SHAPE(n) : scores->shape))
        return nb_fail(NB_ESHAPE, "nb_model_compare: t is %s %s, the scores are %s",
                       nb_dtype_name(t->dtype), nb_shape_text(t->shape, got, sizeof got),
                       nb_shape_text(scores->shape, want, sizeof want));
    const int32_t *label = t->data;
    for (size_t i = 0; labels && i < n; i++)
        if (label[i] < 0 || (size_t)label[i] >= m->outputs)
            return nb_fail(NB_ERANGE, "nb_model_compare: t[%zu]=%ld is no label of m=%zu classes",
                           i, (long)label[i], m->outputs);
    return NB_OK;
}

static nb_status compare_classes(const nb_model *m, const nb_tensor *t, nb_score *score)
{
    const nb_tensor *scores = nb_value(m->scores);
    const nb_kernels *kernels = nb_kernels_of(scores->dtype);
    const size_t n = scores->shape.dim[0], classes = m->outputs;
    size_t correct = 0;
    nb_status status = NB_OK;
    if (t->dtype == NB_INT32)
        status = kernels->count_correct(n, classes, scores->data, classes, t->data, &correct);
    else
        for (size_t i = 0; i < n; i++)
            correct += kernels->argmax(classes, nb_tensor_at(scores, i)) ==
                       kernels->argmax(classes, nb_tensor_at(t, i));
    score->count += n;
    score->correct += correct;
    return status;
}

/* Welford's way to the spread of t: no difference of large sums. */
static void compare_numbers(const nb_model *m, const nb_tensor *t, nb_score *score)
{
    const nb_tensor *y = nb_value(m->output);
    const nb_kernels *kernels = nb_kernels_of(y->dtype);
    for (size_t i = 0; i < nb_tensor_count(y); i++) {
        const double target = kernels->get(t->data, i), value = kernels->get(y->data, i);
        const double d = value - target, before = target - score->mean;
        score->count++;
        score->correct += (value > 0.5) == (target > 0.5);
        score->squared += d * d;
        score->absolute += fabs(d);
        score->mean += before / (double)score->count;
        score->spread += before * (target - score->mean);
    }
}

nb_status nb_model_compare(nb_model *m, const nb_tensor *t, nb_score *score)
{
    if (!m || !t || !score) return nb_fail(NB_EINVAL, "nb_model_compare: an argument is NULL");
    const bool classes = m->options.loss == NB_CROSS_ENTROPY;
    nb_status status = predict(m, classes ? m->scores : m->output);
    if (!status) status = check_target(m, t);
    if (status) return status;
    if (classes) return compare_classes(m, t, score);
    compare_numbers(m, t, score);
    return NB_OK;
}

double nb_model_metric(const nb_model *m, const nb_score *s)
{
    if (!m || !s || s->count == 0) return (double)NAN;
    const double n = (double)s->count;
    switch (m->options.loss) {
    case NB_CROSS_ENTROPY:
    case NB_BINARY_CROSS_ENTROPY:
        return (double)s->correct / n;
    case NB_ABSOLUTE_LOSS:
        return s->absolute / n;
    default:
        return sqrt(s->squared / n);
    }
}

double nb_score_r2(const nb_score *s)
{
    return s && s->spread > 0 ? 1 - s->squared / s->spread : (double)NAN;
}

const char *nb_model_metric_name(const nb_model *m)
{
    if (!m) return "";
    if (m->options.loss == NB_CROSS_ENTROPY || m->options.loss == NB_BINARY_CROSS_ENTROPY)
        return "accuracy";
    return m->options.loss == NB_ABSOLUTE_LOSS ? "MAE" : "RMSE";
}

bool nb_model_metric_better(const nb_model *m, double a, double b)
{
    return m && (strcmp(nb_model_metric_name(m), "accuracy") == 0 ? a > b : a < b);
}

nb_status nb_model_accuracy(nb_model *m, const nb_tensor *x, const nb_tensor *t, double *accuracy)
{
    nb_score score = {0};
    if (!m || !x || !t || !accuracy)
        return nb_fail(NB_EINVAL, "nb_model_accuracy: an argument is NULL");
    if (m->options.loss != NB_CROSS_ENTROPY && m->options.loss != NB_BINARY_CROSS_ENTROPY)
        return nb_fail(NB_EINVAL, "nb_model_accuracy: the loss %s has none",
                       nb_loss_name(m->options.loss));
    const size_t n = nb_tensor_height(x);
    if (x->shape.ndim == 0 || n == 0 || nb_tensor_height(t) != n)
        return nb_fail(NB_ESHAPE, "nb_model_accuracy: x has %zu rows, t has %zu", n,
                       nb_tensor_height(t));
    for (size_t lo = 0; lo < n;) {
        const nb_tensor x_part = chunk_of(m, x, lo);
        const nb_tensor t_part = nb_tensor_rows(t, lo, lo + x_part.shape.dim[0]);
        nb_status status = nb_feed(m->x, &x_part);
        if (!status) status = nb_model_compare(m, &t_part, &score);
        if (status) return status;
        lo += x_part.shape.dim[0];
    }
    *accuracy = (double)score.correct / (double)score.count;
    return NB_OK;
}
