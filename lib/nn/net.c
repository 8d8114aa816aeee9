#include "nablas/net.h"
#include "nablas/gradient.h"
#include "nablas/memory.h"

#include <stdio.h>
#include <string.h>

/* --- building --------------------------------------------------------------------------------- */

static nb_node *layer(nb_graph *g, nb_node *x, size_t number, const nb_net_options *o)
{
    char W[32], b[32];
    const size_t *size = o->sizes + number - 1;
    snprintf(W, sizeof W, "W%zu", number);
    snprintf(b, sizeof b, "b%zu", number);
    nb_node *weight = nb_parameter(g, W, NB_SHAPE(size[0], size[1]));
    return o->bias ? nb_affine(x, weight, nb_parameter(g, b, NB_SHAPE(size[1])))
                   : nb_matmul(x, weight);
}

static nb_node *activate(nb_activation activation, nb_node *a)
{
    return activation == NB_RELU ? nb_relu(a) : nb_sigmoid(a);
}

static void build(nb_net *net, const nb_net_options *o)
{
    nb_graph *g = net->graph;
    nb_node *z = net->x = nb_sparse(nb_input(g, "x", NB_SHAPE(NB_BATCH, o->sizes[0])));
    for (size_t l = 1; l < o->layers; l++) z = activate(o->activation, layer(g, z, l, o));
    net->scores = nb_name(layer(g, z, o->layers, o), "scores");
    net->probabilities = nb_name(nb_softmax(net->scores), "y");
    net->labels = nb_labels(g, "t");
    net->one_hot = nb_input(g, "T", NB_SHAPE(NB_BATCH, o->sizes[o->layers]));
    net->loss = nb_name(nb_softmax_cross_entropy(net->scores, net->labels, o->epsilon), "loss");
    net->one_hot_loss =
        nb_name(nb_softmax_cross_entropy(net->scores, net->one_hot, o->epsilon), "loss");
}

nb_status nb_net_create(nb_net **out, const nb_net_options *o)
{
    *out = NULL;
    if (o->layers == 0) return nb_fail(NB_EINVAL, "nb_net_create: layers=0");
    nb_net *net = nb_alloc_zero(1, sizeof *net);
    if (!net) return NB_ENOMEM;
    nb_status status = nb_graph_create(&net->graph, o->dtype);
    if (status) goto fail;
    build(net, o);
    status = nb_graph_finish(net->graph, o->max_batch);
    if (status) goto fail;
    *out = net;
    return NB_OK;
fail:
    nb_net_destroy(net);
    return status;
}

void nb_net_destroy(nb_net *net)
{
    if (!net) return;
    nb_graph_destroy(net->graph);
    nb_free(net);
}

void nb_net_randomize(nb_net *net, nb_random *random, double std)
{
    const nb_kernels *kernels = nb_kernels_of(nb_graph_dtype(net->graph));
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (!nb_node_is_parameter(node)) continue;
        const nb_tensor *value = nb_value(node);
        const bool weight = value->shape.ndim == 2;
        for (size_t j = 0; j < nb_tensor_count(value); j++)
            kernels->set(value->data, j, weight ? std * nb_random_randn(random) : 0);
    }
}

nb_status nb_two_layer_net_create(nb_net **net, size_t inputs, size_t hidden, size_t outputs,
                                  double std, nb_activation activation, nb_dtype dtype,
                                  size_t max_batch, nb_random *random)
{
    const nb_net_options options = {.layers = 2,
                                    .sizes = (const size_t[]){inputs, hidden, outputs},
                                    .bias = true,
                                    .activation = activation,
                                    .epsilon = NB_BOOK_EPSILON,
                                    .dtype = dtype,
                                    .max_batch = max_batch};
    nb_status status = nb_net_create(net, &options);
    if (!status) nb_net_randomize(*net, random, std);
    return status;
}

nb_status nb_simple_net_create(nb_net **net, nb_dtype dtype, nb_random *random)
{
    const nb_net_options options = {.layers = 1,
                                    .sizes = (const size_t[]){2, 3},
                                    .bias = false,
                                    .epsilon = NB_BOOK_EPSILON,
                                    .dtype = dtype,
                                    .max_batch = 100};
    nb_status status = nb_net_create(net, &options);
    if (!status) nb_net_randomize(*net, random, 1);
    return status;
}

/* --- using ------------------------------------------------------------------------------------ */

/* Rows lo ... of x, at most max_batch of them. */
static nb_tensor chunk_of(const nb_net *net, const nb_tensor *x, size_t lo)
{
    const size_t n = x->shape.dim[0], most = nb_graph_max_batch(net->graph);
    return nb_tensor_rows(x, lo, n - lo < most ? n : lo + most);
}

static nb_status forward_all(nb_net *net, nb_node *target, const nb_tensor *x, nb_tensor *y)
{
    char got[96], want[96];
    const nb_shape row = nb_value(target)->shape;
    if (y->dtype != nb_graph_dtype(net->graph))
        return nb_fail(NB_EDTYPE, "nb_net_predict: y is %s, the network computes in %s",
                       nb_dtype_name(y->dtype), nb_dtype_name(nb_graph_dtype(net->graph)));
    if (x->shape.ndim == 0 || !nb_shape_equal(y->shape, NB_SHAPE(x->shape.dim[0], row.dim[1])))
        return nb_fail(NB_ESHAPE, "nb_net_predict: y is %s for x %s",
                       nb_shape_text(y->shape, got, sizeof got),
                       nb_shape_text(x->shape, want, sizeof want));
    for (size_t lo = 0; lo < x->shape.dim[0];) {
        const nb_tensor part = chunk_of(net, x, lo);
        nb_status status = nb_feed(net->x, &part);
        if (!status) status = nb_forward(target);
        if (status) return status;
        const nb_tensor *value = nb_value(target);
        memcpy(nb_tensor_at(y, lo), value->data,
               nb_tensor_count(value) * nb_dtype_size(value->dtype));
        lo += part.shape.dim[0];
    }
    return NB_OK;
}

nb_status nb_net_predict(nb_net *net, const nb_tensor *x, nb_tensor *y)
{
    return forward_all(net, net->scores, x, y);
}

nb_status nb_net_probabilities(nb_net *net, const nb_tensor *x, nb_tensor *y)
{
    return forward_all(net, net->probabilities, x, y);
}

nb_status nb_net_feed(nb_net *net, const nb_tensor *x, const nb_tensor *t, nb_node **loss)
{
    const bool labels = t->dtype == NB_INT32;
    nb_status status = nb_feed(net->x, x);
    if (!status) status = nb_feed(labels ? net->labels : net->one_hot, t);
    if (!status) *loss = labels ? net->loss : net->one_hot_loss;
    return status;
}

static nb_status forward_loss(nb_net *net, const nb_tensor *x, const nb_tensor *t, nb_node **loss)
{
    nb_status status = nb_net_feed(net, x, t, loss);
    return status ? status : nb_forward(*loss);
}

nb_status nb_net_loss(nb_net *net, const nb_tensor *x, const nb_tensor *t, double *value)
{
    nb_node *loss;
    nb_status status = forward_loss(net, x, t, &loss);
    if (!status) *value = nb_scalar(loss);
    return status;
}

static nb_status check_target(const nb_tensor *t, const nb_tensor *scores)
{
    char got[96], want[96];
    const size_t n = scores->shape.dim[0], m = scores->shape.dim[1];
    const bool labels = t->dtype == NB_INT32;
    if (!labels && t->dtype != scores->dtype)
        return nb_fail(NB_EDTYPE, "nb_net_count_correct: t is %s, the network computes in %s",
                       nb_dtype_name(t->dtype), nb_dtype_name(scores->dtype));
    if (!nb_shape_equal(t->shape, labels ? NB_SHAPE(n) : scores->shape))
        return nb_fail(NB_ESHAPE, "nb_net_count_correct: t is %s %s, the scores are %s",
                       nb_dtype_name(t->dtype), nb_shape_text(t->shape, got, sizeof got),
                       nb_shape_text(scores->shape, want, sizeof want));
    const int32_t *label = t->data;
    for (size_t i = 0; labels && i < n; i++)
        if (label[i] < 0 || (size_t)label[i] >= m)
            return nb_fail(NB_ERANGE,
                           "nb_net_count_correct: t[%zu]=%ld is no label of m=%zu classes", i,
                           (long)label[i], m);
    return NB_OK;
}

nb_status nb_net_count_correct(nb_net *net, const nb_tensor *t, size_t *count)
{
    nb_status status = nb_forward(net->scores);
    const nb_tensor *scores = nb_value(net->scores);
    if (!status) status = check_target(t, scores);
    if (status) return status;
    const nb_kernels *kernels = nb_kernels_of(scores->dtype);
    const size_t n = scores->shape.dim[0], m = scores->shape.dim[1];
    if (t->dtype == NB_INT32) return kernels->count_correct(n, m, scores->data, m, t->data, count);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        *count +=
            kernels->argmax(m, nb_tensor_at(scores, i)) == kernels->argmax(m, nb_tensor_at(t, i));
    return NB_OK;
}

nb_status nb_net_accuracy(nb_net *net, const nb_tensor *x, const nb_tensor *t, double *accuracy)
{
    size_t correct = 0;
    const size_t n = nb_tensor_height(x);
    if (x->shape.ndim == 0 || n == 0 || nb_tensor_height(t) != n)
        return nb_fail(NB_ESHAPE, "nb_net_accuracy: x has %zu rows, t has %zu", n,
                       nb_tensor_height(t));
    for (size_t lo = 0; lo < n;) {
        size_t found;
        const nb_tensor x_part = chunk_of(net, x, lo);
        const nb_tensor t_part = nb_tensor_rows(t, lo, lo + x_part.shape.dim[0]);
        nb_status status = nb_feed(net->x, &x_part);
        if (!status) status = nb_net_count_correct(net, &t_part, &found);
        if (status) return status;
        correct += found;
        lo += x_part.shape.dim[0];
    }
    *accuracy = (double)correct / (double)n;
    return NB_OK;
}

nb_status nb_net_gradient(nb_net *net, const nb_tensor *x, const nb_tensor *t)
{
    nb_node *loss;
    nb_status status = forward_loss(net, x, t, &loss);
    return status ? status : nb_backward(loss);
}

nb_status nb_net_numerical_gradient(nb_net *net, const nb_tensor *x, const nb_tensor *t, double h)
{
    nb_node *loss;
    nb_status status = nb_net_feed(net, x, t, &loss);
    for (size_t i = 0; i < nb_graph_nodes(net->graph) && !status; i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (!nb_node_is_parameter(node)) continue;
        nb_tensor gradient = *nb_gradient(node);
        status = nb_graph_numerical_gradient(loss, node, h, &gradient);
    }
    return status;
}

nb_node *nb_net_parameter(const nb_net *net, const char *name)
{
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (nb_node_is_parameter(node) && strcmp(nb_node_name(node), name) == 0) return node;
    }
    return NULL;
}
