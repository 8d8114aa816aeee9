/* Layers, by name and as nodes of a graph. */
#include "nn/layers.h"

#include <math.h>
#include <stdio.h>

const char *nb_activation_name(nb_activation activation)
{
    static const char *const names[] = {
#define X(code, name) #name,
        NB_ACTIVATION_LIST(X)
#undef X
    };
    return (unsigned)activation < NB_ACTIVATIONS ? names[activation] : "";
}

nb_layer nb_dense(size_t units)
{
    return (nb_layer){.kind = NB_LAYER_DENSE, .units = units, .bias = true};
}

nb_layer nb_dense_without_bias(size_t units)
{
    return (nb_layer){.kind = NB_LAYER_DENSE, .units = units};
}

nb_layer nb_act(nb_activation activation)
{
    const double value = activation == NB_LEAKY_RELU ? 0.01 : (activation == NB_ELU ? 1.0 : 0.0);
    return (nb_layer){.kind = NB_LAYER_ACTIVATION, .activation = activation, .value = value};
}

nb_layer nb_standardize(void)
{
    return (nb_layer){.kind = NB_LAYER_STANDARDIZE};
}

nb_layer nb_batch_norm_layer(void)
{
    return (nb_layer){.kind = NB_LAYER_BATCH_NORM};
}

nb_layer nb_dropout_layer(double ratio)
{
    return (nb_layer){.kind = NB_LAYER_DROPOUT, .value = ratio};
}

nb_layer nb_flatten_layer(void)
{
    return (nb_layer){.kind = NB_LAYER_FLATTEN};
}

nb_layer nb_conv(size_t filters, size_t size, size_t stride, size_t pad)
{
    return (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                      .filters = filters,
                      .window = {size, size, stride, stride, pad, pad, false}};
}

static nb_layer pooling(nb_layer_kind kind, size_t size, size_t stride)
{
    return (nb_layer){.kind = kind, .window = {size, size, stride, stride, 0, 0, false}};
}

nb_layer nb_max_pooling(size_t size, size_t stride)
{
    return pooling(NB_LAYER_MAX_POOL, size, stride);
}

nb_layer nb_average_pooling(size_t size, size_t stride)
{
    return pooling(NB_LAYER_AVERAGE_POOL, size, stride);
}

nb_layer nb_as_in_book(nb_layer layer)
{
    layer.book = layer.kind == NB_LAYER_BATCH_NORM || layer.kind == NB_LAYER_DROPOUT;
    return layer;
}

/* --- checks ----------------------------------------------------------------------------------- */

static nb_status check_value(const nb_layer *l, size_t i, const char *name, double least,
                             double most)
{
    if (l->value >= least && l->value <= most) return NB_OK;
    return nb_fail(NB_EINVAL, "nb_model_create: layer %zu: %s=%g, expected %g ... %g", i, name,
                   l->value, least, most);
}

nb_status nb_layer_check(const nb_layer *l, size_t i)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        if (l->units > 0 && l->units != NB_BATCH) return NB_OK;
        return nb_fail(NB_ESHAPE, "nb_model_create: layer %zu: units=%zu", i, l->units);
    case NB_LAYER_ACTIVATION:
        if ((unsigned)l->activation >= NB_ACTIVATIONS)
            return nb_fail(NB_EINVAL, "nb_model_create: layer %zu: activation=%d", i,
                           (int)l->activation);
        return check_value(l, i, nb_activation_name(l->activation), -1e6, 1e6);
    case NB_LAYER_DROPOUT:
        return check_value(l, i, "ratio", 0, 1 - 1e-9);
    case NB_LAYER_CONVOLUTION:
        if (l->filters > 0 && l->filters != NB_BATCH && l->window.rows > 0 && l->window.columns > 0)
            return NB_OK;
        return nb_fail(NB_ESHAPE, "nb_model_create: layer %zu: %zu filters of %zu x %zu", i,
                       l->filters, l->window.rows, l->window.columns);
    case NB_LAYER_STANDARDIZE:
    case NB_LAYER_BATCH_NORM:
    case NB_LAYER_FLATTEN:
    case NB_LAYER_MAX_POOL: /* the operation looks at the window */
    case NB_LAYER_AVERAGE_POOL:
        return NB_OK;
    default:
        return nb_fail(NB_EINVAL, "nb_model_create: layer %zu: kind=%d", i, (int)l->kind);
    }
}

/* --- building --------------------------------------------------------------------------------- */

typedef nb_node *(*leaf)(nb_graph *g, const char *name, nb_shape shape);

static nb_node *numbered(leaf make, nb_graph *g, const char *letter, size_t number, nb_shape shape)
{
    char name[32];
    snprintf(name, sizeof name, "%s%zu", letter, number);
    return make(g, name, shape);
}

static nb_node *parameter(nb_graph *g, const char *letter, size_t number, nb_shape shape)
{
    return numbered(nb_parameter, g, letter, number, shape);
}

static nb_node *dense(nb_node *x, const nb_layer *l, size_t number)
{
    nb_graph *g = nb_node_graph(x);
    const nb_tensor *value = nb_value(x);
    if (!value) return NULL;
    nb_node *W = parameter(g, "W", number, NB_SHAPE(nb_tensor_width(value), l->units));
    return l->bias ? nb_affine(x, W, parameter(g, "b", number, NB_SHAPE(l->units)))
                   : nb_matmul(nb_flatten(x), W);
}

static nb_node *convolution(nb_node *x, const nb_layer *l, size_t number)
{
    nb_graph *g = nb_node_graph(x);
    const nb_tensor *value = nb_value(x);
    if (!value) return NULL;
    /* Without channels, nb_conv2d says what is wrong. */
    const size_t channels = value->shape.ndim > 1 ? value->shape.dim[1] : 1;
    nb_node *W = parameter(g, "W", number,
                           NB_SHAPE(l->filters, channels, l->window.rows, l->window.columns));
    return nb_conv2d(x, W, parameter(g, "b", number, NB_SHAPE(l->filters)), &l->window);
}

static nb_node *activate(nb_node *x, const nb_layer *l)
{
    switch (l->activation) {
    case NB_SIGMOID:
        return nb_sigmoid(x);
    case NB_RELU:
        return nb_relu(x);
    case NB_TANH:
        return nb_tanh(x);
    case NB_LEAKY_RELU:
        return nb_leaky_relu(x, l->value);
    case NB_ELU:
        return nb_elu(x, l->value);
    case NB_GELU:
        return nb_gelu(x);
    case NB_SOFTPLUS:
        return nb_softplus(x);
    case NB_STEP:
        return nb_step(x);
    default:
        return nb_identity(x);
    }
}

static nb_node *batch_norm(nb_node *x, const nb_layer *l, size_t number)
{
    nb_graph *g = nb_node_graph(x);
    const nb_tensor *value = nb_value(x);
    if (!value) return NULL;
    const bool channels = !l->book && value->shape.ndim > 2;
    const nb_shape shape = NB_SHAPE(channels ? value->shape.dim[1] : nb_tensor_width(value));
    nb_node *gamma = parameter(g, "gamma", number, shape);
    nb_node *beta = parameter(g, "beta", number, shape);
    nb_node *mean = numbered(nb_state, g, "mean", number, shape);
    nb_node *variance = numbered(nb_state, g, "variance", number, shape);
    return nb_batch_norm(x, gamma, beta, mean, variance,
                         l->book ? &nb_batch_norm_book : &nb_batch_norm_channels);
}

static nb_node *standardize(nb_node *x, size_t number)
{
    nb_graph *g = nb_node_graph(x);
    const nb_tensor *value = nb_value(x);
    nb_shape shape = {0};
    if (!value) return NULL;
    for (size_t d = 1; d < value->shape.ndim; d++) shape.dim[shape.ndim++] = value->shape.dim[d];
    nb_node *center = numbered(nb_state, g, "center", number, shape);
    nb_node *deviation = numbered(nb_state, g, "deviation", number, shape);
    return nb_divide(nb_subtract(x, center), deviation);
}

nb_node *nb_layer_build(nb_node *x, const nb_layer *l, nb_layer_numbers *numbers)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        return dense(x, l, ++numbers->weights);
    case NB_LAYER_STANDARDIZE:
        return standardize(x, ++numbers->standards);
    case NB_LAYER_BATCH_NORM:
        return batch_norm(x, l, ++numbers->norms);
    case NB_LAYER_DROPOUT:
        return nb_dropout(x, l->value, l->book);
    case NB_LAYER_FLATTEN:
        return nb_flatten(x);
    case NB_LAYER_CONVOLUTION:
        return convolution(x, l, ++numbers->weights);
    case NB_LAYER_MAX_POOL:
        return nb_max_pool(x, &l->window);
    case NB_LAYER_AVERAGE_POOL:
        return nb_average_pool(x, &l->window);
    default:
        return activate(x, l);
    }
}

/* --- first values ----------------------------------------------------------------------------- */

static void fill(nb_graph *g, const char *letter, size_t number, double value)
{
    char name[32];
    snprintf(name, sizeof name, "%s%zu", letter, number);
    const nb_tensor *t = nb_value(nb_graph_find(g, name));
    for (size_t i = 0; t && i < nb_tensor_count(t); i++)
        nb_kernels_of(t->dtype)->set(t->data, i, value);
}

void nb_layer_begin(nb_graph *g, const nb_layer *l, nb_layer_numbers *numbers, bool made)
{
    if (l->kind == NB_LAYER_STANDARDIZE && ++numbers->standards && made)
        fill(g, "deviation", numbers->standards, 1);
    if (l->kind != NB_LAYER_BATCH_NORM) return;
    fill(g, "gamma", ++numbers->norms, 1);
    fill(g, "beta", numbers->norms, 0);
    fill(g, "mean", numbers->norms, 0);
    fill(g, "variance", numbers->norms, l->book ? 0 : 1);
}

/* --- first weights ---------------------------------------------------------------------------- */

bool nb_layer_weighs(const nb_layer *l)
{
    return l->kind == NB_LAYER_DENSE || l->kind == NB_LAYER_CONVOLUTION;
}

double nb_layer_std(const nb_model_options *o, size_t i, size_t inputs)
{
    const nb_layers *list = &o->layers;
    nb_init init = o->init;
    if (init == NB_INIT_STD) return o->std;
    if (init == NB_INIT_DEFAULT) {
        init = NB_INIT_XAVIER;
        for (size_t k = i + 1; k < list->count && !nb_layer_weighs(&list->layer[k]); k++) {
            const nb_activation a = list->layer[k].activation;
            if (list->layer[k].kind == NB_LAYER_ACTIVATION &&
                (a == NB_RELU || a == NB_LEAKY_RELU || a == NB_ELU || a == NB_GELU))
                init = NB_INIT_HE;
        }
    }
    return sqrt((init == NB_INIT_HE ? 2.0 : 1.0) / (double)inputs);
}
