/* Creating models: builds a graph with its loss from a list of layers. */
#include "nablas/memory.h"
#include "nn/layers.h"
#include "tensor/element.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { default_rows = 200 };

const char *nb_loss_name(nb_loss loss)
{
    static const char *const names[] = {"cross_entropy", "binary_cross_entropy", "squared",
                                        "absolute", "huber"};
    return (unsigned)loss < NB_LOSSES ? names[loss] : "";
}

/* --- options ---------------------------------------------------------------------------------- */

static nb_status check_options(const nb_model_options *o)
{
    size_t count;
    if (o->layers.count == 0 || !o->layers.layer)
        return nb_fail(NB_EINVAL, "nb_model_create: no layers");
    if ((unsigned)o->loss >= NB_LOSSES)
        return nb_fail(NB_EINVAL, "nb_model_create: loss=%d", (int)o->loss);
    if ((unsigned)o->init > NB_INIT_HE)
        return nb_fail(NB_EINVAL, "nb_model_create: init=%d", (int)o->init);
    if (!(o->std >= 0 && o->std <= 1e30))
        return nb_fail(NB_EINVAL, "nb_model_create: std=%g, expected 0 ... 1e30", o->std);
    if (!(o->epsilon >= 0 && o->epsilon < 1))
        return nb_fail(NB_EINVAL, "nb_model_create: epsilon=%g, expected 0 ... 1", o->epsilon);
    if (o->class_weights && o->loss != NB_CROSS_ENTROPY)
        return nb_fail(NB_EINVAL, "nb_model_create: class_weights with the loss %s",
                       nb_loss_name(o->loss));
    if (!(o->delta >= 0) || !isfinite(o->delta) || !(o->scale >= 0) || !isfinite(o->scale))
        return nb_fail(NB_EINVAL, "nb_model_create: delta=%g, scale=%g, expected numbers from 0",
                       o->delta, o->scale);
    if (o->input.ndim == 0 || o->input.ndim >= NB_MAX_DIMS)
        return nb_fail(NB_ESHAPE, "nb_model_create: input has %zu dimensions, expected 1 ... %d",
                       o->input.ndim, NB_MAX_DIMS - 1);
    nb_status status = nb_shape_count(o->input, &count);
    if (!status && count == 0)
        status = nb_fail(NB_ESHAPE, "nb_model_create: input has a size of 0");
    for (size_t i = 0; i < o->layers.count && !status; i++)
        status = nb_layer_check(&o->layers.layer[i], i);
    return status;
}

/* The caller's lists, copied. */
static nb_status copy_layers(nb_model *m)
{
    nb_model_options *o = &m->options;
    nb_layer *layer = nb_alloc(o->layers.count, sizeof *layer);
    if (layer) memcpy(layer, o->layers.layer, o->layers.count * sizeof *layer);
    o->layers.layer = layer;
    o->random = NULL;
    if (o->delta == 0) o->delta = 1;
    if (o->scale == 0) o->scale = 1;
    if (o->max_batch == 0) o->max_batch = default_rows;
    return layer ? NB_OK : NB_ENOMEM;
}

/* Names in one block: the pointers, then the characters. */
static nb_status copy_classes(nb_model *m, const char *const *classes)
{
    size_t bytes = m->outputs * sizeof *classes;
    if (!classes) return NB_OK;
    for (size_t i = 0; i < m->outputs; i++) {
        if (!classes[i])
            return nb_fail(NB_EINVAL, "nb_model_create: the name of class %zu is NULL", i);
        bytes += strlen(classes[i]) + 1;
    }
    char **copy = nb_alloc(bytes, 1);
    if (!copy) return NB_ENOMEM;
    char *text = (char *)(copy + m->outputs);
    for (size_t i = 0; i < m->outputs; i++) {
        copy[i] = strcpy(text, classes[i]);
        text += strlen(text) + 1;
    }
    m->options.classes = (const char *const *)copy;
    return NB_OK;
}

/* --- building --------------------------------------------------------------------------------- */

static nb_node *build_input(nb_graph *g, const nb_model_options *o)
{
    nb_shape shape = {o->input.ndim + 1, {NB_BATCH}};
    memcpy(shape.dim + 1, o->input.dim, o->input.ndim * sizeof *shape.dim);
    nb_node *x = nb_input(g, "x", shape);
    /* Bytes that are mostly 0 come packed, where a product is what meets them. */
    return shape.ndim == 2 && o->layers.layer[0].kind == NB_LAYER_DENSE ? nb_sparse(x) : x;
}

static nb_node *build_loss(const nb_model *m, nb_node *targets, nb_node *weights)
{
    switch (m->options.loss) {
    case NB_SQUARED_LOSS:
        return nb_squared_loss(m->scores, targets);
    case NB_ABSOLUTE_LOSS:
        return nb_absolute_loss(m->scores, targets);
    case NB_HUBER_LOSS:
        return nb_huber_loss(m->scores, targets, m->options.delta);
    case NB_BINARY_CROSS_ENTROPY:
        return nb_binary_cross_entropy(m->scores, targets);
    default:
        if (weights)
            return nb_weighted_cross_entropy(m->scores, targets, weights, m->options.epsilon);
        return nb_softmax_cross_entropy(m->scores, targets, m->options.epsilon);
    }
}

static nb_status build(nb_model *m)
{
    const nb_model_options *o = &m->options;
    nb_layer_numbers numbers = {0};
    nb_graph *g = m->graph;
    nb_node *z = m->x = build_input(g, o);
    char text[96];
    for (size_t i = 0; i < o->layers.count; i++)
        z = nb_layer_build(z, &o->layers.layer[i], &numbers);
    m->scores = nb_name(z, "scores");
    if (!z) return NB_OK; /* nb_graph_finish says why */
    const nb_shape shape = nb_value(z)->shape;
    if (shape.ndim != 2)
        return nb_fail(NB_ESHAPE, "nb_model_create: the last layer gives %s, expected (batch, n)",
                       nb_shape_text(shape, text, sizeof text));
    m->outputs = shape.dim[1];
    nb_node *weights = o->class_weights ? nb_state(g, "class_weights", NB_SHAPE(m->outputs)) : NULL;
    if (o->loss == NB_CROSS_ENTROPY) {
        m->output = nb_name(nb_softmax(z), "y");
        m->labels = nb_labels(g, "t");
        m->label_loss = nb_name(build_loss(m, m->labels, weights), "loss");
    } else {
        m->output = o->loss == NB_BINARY_CROSS_ENTROPY ? nb_name(nb_sigmoid(z), "y") : z;
    }
    m->targets = nb_input(g, "T", NB_SHAPE(NB_BATCH, m->outputs));
    m->target_loss = nb_name(build_loss(m, m->targets, weights), "loss");
    return NB_OK;
}

static void begin_layers(nb_model *m, bool made)
{
    nb_layer_numbers numbers = {0};
    for (size_t i = 0; i < m->options.layers.count; i++)
        nb_layer_begin(m->graph, &m->options.layers.layer[i], &numbers, made);
}

static nb_status set_class_weights(nb_model *m)
{
    const double *weights = m->options.class_weights;
    const nb_tensor *state = nb_value(nb_graph_find(m->graph, "class_weights"));
    for (size_t i = 0; weights && i < m->outputs; i++) {
        if (!(weights[i] >= 0) || !isfinite(weights[i]))
            return nb_fail(NB_EINVAL, "nb_model_create: class_weights[%zu]=%g, expected from 0", i,
                           weights[i]);
        nb_kernels_of(state->dtype)->set(state->data, i, weights[i]);
    }
    m->options.class_weights = NULL;
    return NB_OK;
}

/* Called even if building the graph has failed: weights beyond the file's are reported first. */
static nb_status check_bounds(const nb_model *m, const nb_model_bounds *b)
{
    size_t all = 0, count;
    const bool named = b->classes == 0 || b->classes == m->outputs;
    if (m->scores && (!named || (b->class_weights && b->class_weights != m->outputs)))
        return nb_fail(NB_EFORMAT, "nb_model_create: %zu %s of classes, the model has %zu outputs",
                       named ? b->class_weights : b->classes, named ? "weights" : "names",
                       m->outputs);
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (nb_node_role(node) != NB_PARAMETER && nb_node_role(node) != NB_STATE) continue;
        if (nb_shape_count(nb_value(node)->shape, &count) || count > b->elements - all)
            return nb_fail(NB_ESHAPE, "nb_model_create: %s is more than the %zu weights there are",
                           nb_node_name(node), b->elements);
        all += count;
    }
    return NB_OK;
}

nb_status nb_model_create(nb_model **out, const nb_model_options *o)
{
    return nb_model_create_within(out, o, NULL);
}

nb_status nb_model_create_within(nb_model **out, const nb_model_options *o,
                                 const nb_model_bounds *bounds)
{
    if (out) *out = NULL;
    if (!out || !o)
        return nb_fail(NB_EINVAL, "nb_model_create: %s is NULL", out ? "options" : "model");
    nb_status status = check_options(o);
    if (status) return status;
    nb_model *m = nb_alloc_zero(1, sizeof *m);
    if (!m) return NB_ENOMEM;
    m->options = *o;
    m->options.classes = NULL;
    status = copy_layers(m);
    if (!status) status = nb_graph_create(&m->graph, o->dtype);
    if (!status) status = build(m);
    if (!status && bounds) status = check_bounds(m, bounds);
    if (!status) status = nb_graph_finish(m->graph, m->options.max_batch);
    if (!status) status = copy_classes(m, o->classes);
    if (!status) status = set_class_weights(m);
    if (!status) begin_layers(m, true);
    if (!status && o->random) status = nb_model_draw(m, o->random);
    if (status)
        nb_model_destroy(m);
    else
        *out = m;
    return status;
}

void nb_model_destroy(nb_model *m)
{
    if (!m) return;
    nb_graph_destroy(m->graph);
    nb_free((void *)(uintptr_t)m->options.layers.layer);
    nb_free((void *)(uintptr_t)m->options.classes);
    nb_arrays_destroy(&m->texts);
    nb_free(m);
}

nb_status nb_model_set_text(nb_model *m, const char *key, const char *text)
{
    if (!m || !key || !text)
        return nb_fail(NB_EINVAL, "nb_model_set_text: %s is NULL",
                       !m ? "model" : (key ? "text" : "key"));
    if (strcmp(key, NB_MODEL_KEY) == 0)
        return nb_fail(NB_EINVAL, "nb_model_set_text: key='%s', which is the description's", key);
    return nb_arrays_set_text(&m->texts, key, text);
}

const char *nb_model_text(const nb_model *m, const char *key)
{
    return m && key ? nb_arrays_text(&m->texts, key) : NULL;
}

static nb_node *twin(const nb_graph *g, const nb_node *node)
{
    return node ? nb_graph_node(g, nb_node_index(node)) : NULL;
}

nb_status nb_model_clone(const nb_model *m, nb_model **out)
{
    if (out) *out = NULL;
    if (!out || !m)
        return nb_fail(NB_EINVAL, "nb_model_clone: %s is NULL", out ? "model" : "clone");
    nb_model *copy = nb_alloc_zero(1, sizeof *copy);
    if (!copy) return NB_ENOMEM;
    copy->options = m->options;
    copy->outputs = m->outputs;
    copy->options.classes = NULL;
    nb_status status = copy_layers(copy);
    if (!status) status = copy_classes(copy, m->options.classes);
    if (!status) status = nb_graph_clone(m->graph, &copy->graph);
    if (status) {
        nb_model_destroy(copy);
        return status;
    }
    copy->x = twin(copy->graph, m->x);
    copy->labels = twin(copy->graph, m->labels);
    copy->targets = twin(copy->graph, m->targets);
    copy->scores = twin(copy->graph, m->scores);
    copy->output = twin(copy->graph, m->output);
    copy->label_loss = twin(copy->graph, m->label_loss);
    copy->target_loss = twin(copy->graph, m->target_loss);
    *out = copy;
    return NB_OK;
}

/* --- first weights ---------------------------------------------------------------------------- */

nb_status nb_model_draw(nb_model *m, nb_random *random)
{
    if (!m || !random)
        return nb_fail(NB_EINVAL, "nb_model_draw: %s is NULL", m ? "random" : "model");
    const nb_model_options *o = &m->options;
    const nb_kernels *kernels = nb_kernels_of(o->dtype);
    size_t layer = 0;
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (!nb_node_is_parameter(node)) continue;
        const nb_tensor *w = nb_value(node);
        const bool weight = w->shape.ndim >= 2;
        while (weight && !nb_layer_weighs(&o->layers.layer[layer])) layer++;
        const size_t inputs = w->shape.ndim > 2 ? nb_tensor_width(w) : w->shape.dim[0];
        const double std = weight ? nb_layer_std(o, layer, inputs) : 0;
        const double limit = sqrt(3.0) * std;
        for (size_t j = 0, count = nb_tensor_count(w); j < count; j++)
            nb_put_element(kernels, w->data, j,
                           !weight      ? 0
                           : o->uniform ? limit * (2 * nb_random_rand(random) - 1)
                                        : std * nb_random_randn(random));
        layer += weight;
    }
    begin_layers(m, false);
    return NB_OK;
}

/* --- the book's ------------------------------------------------------------------------------- */

nb_status nb_two_layer_net_create(nb_model **model, size_t inputs, size_t hidden, size_t outputs,
                                  double std, nb_activation activation, nb_dtype dtype,
                                  size_t max_batch, nb_random *random)
{
    return nb_model_create(
        model, &(nb_model_options){
                   .input = NB_SHAPE(inputs),
                   .layers = NB_LAYERS(nb_dense(hidden), nb_act(activation), nb_dense(outputs)),
                   .epsilon = NB_BOOK_EPSILON,
                   .dtype = dtype,
                   .max_batch = max_batch,
                   .random = random,
                   .init = NB_INIT_STD,
                   .std = std});
}

nb_status nb_simple_net_create(nb_model **model, nb_dtype dtype, nb_random *random)
{
    return nb_model_create(model, &(nb_model_options){.input = NB_SHAPE(2),
                                                      .layers = NB_LAYERS(nb_dense_without_bias(3)),
                                                      .epsilon = NB_BOOK_EPSILON,
                                                      .dtype = dtype,
                                                      .max_batch = 100,
                                                      .random = random,
                                                      .init = NB_INIT_STD,
                                                      .std = 1});
}
