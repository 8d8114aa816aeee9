#include "graph/graph.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

nb_status nb_graph_create(nb_graph **out, nb_dtype dtype)
{
    *out = NULL;
    const nb_kernels *kernels = nb_kernels_of(dtype);
    if (!kernels)
        return nb_fail(NB_EDTYPE, "nb_graph_create: a graph computes in float32 or float64, not %s",
                       nb_dtype_name(dtype));
    nb_graph *g = nb_alloc_zero(1, sizeof *g);
    if (!g) return NB_ENOMEM;
    g->dtype = dtype;
    g->kernels = kernels;
    *out = g;
    return NB_OK;
}

static void destroy_node(nb_node *node)
{
    if (!node) return;
    nb_free(node->name);
    nb_free(node->owned);
    nb_free(node);
}

void nb_graph_destroy(nb_graph *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->nodes; i++) destroy_node(g->node[i]);
    nb_free(g->node);
    nb_free(g->arena);
    nb_free(g);
}

nb_node *nb_graph_spoil(nb_graph *g, nb_status status)
{
    if (!g->status) {
        g->status = status;
        snprintf(g->detail, sizeof g->detail, "%s", nb_last_error());
    }
    return NULL;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static bool make_room(nb_graph *g)
{
    if (g->nodes < g->room) return true;
    const size_t room = g->room ? 2 * g->room : 16;
    nb_node **bigger = nb_alloc(room, sizeof *bigger);
    if (!bigger) return false;
    if (g->nodes) memcpy(bigger, g->node, g->nodes * sizeof *bigger);
    nb_free(g->node);
    g->node = bigger;
    g->room = room;
    return true;
}

static nb_node *append(nb_graph *g, nb_node_kind kind, nb_dtype dtype, nb_shape shape)
{
    size_t rest;
    nb_shape row = shape;
    const bool batched = shape.ndim > 0 && shape.dim[0] == NB_BATCH;
    if (g->status) return NULL;
    if (g->max_batch)
        return nb_graph_spoil(g, nb_fail(NB_EINVAL, "nablas: the graph is finished, no node can "
                                                    "be added"));
    if (batched) row.dim[0] = 1;
    nb_status status = nb_shape_count(row, &rest);
    if (status) return nb_graph_spoil(g, status);
    if (rest == 0) {
        char text[96];
        return nb_graph_spoil(g, nb_fail(NB_ESHAPE, "nablas: a node of shape %s has no elements",
                                         nb_shape_text(row, text, sizeof text)));
    }
    nb_node *node = make_room(g) ? nb_alloc_zero(1, sizeof *node) : NULL;
    if (!node) return nb_graph_spoil(g, NB_ENOMEM);
    node->graph = g;
    node->index = g->nodes;
    node->kind = kind;
    node->shape = shape;
    node->batched = batched;
    node->needs_gradient = kind == PARAMETER;
    node->value = nb_tensor_view(dtype, shape, NULL);
    g->node[g->nodes++] = node;
    return node;
}

nb_node *nb_name(nb_node *node, const char *name)
{
    if (!node) return NULL;
    char *copy = nb_alloc(strlen(name) + 1, 1);
    if (!copy) return nb_graph_spoil(node->graph, NB_ENOMEM);
    strcpy(copy, name);
    nb_free(node->name);
    node->name = copy;
    return node;
}

nb_node *nb_input(nb_graph *g, const char *name, nb_shape shape)
{
    return nb_name(append(g, INPUT, g->dtype, shape), name);
}

static nb_status check_packed(const nb_op *op, size_t operand)
{
    if (operand == 0 && op->prepare) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: operand %zu may not be packed (nb_sparse)", op->name, operand);
}

nb_node *nb_sparse(nb_node *input)
{
    if (!input) return NULL;
    nb_graph *g = input->graph;
    nb_status status = NB_OK;
    if (g->max_batch)
        status = nb_fail(NB_EINVAL, "nb_sparse: the graph is finished");
    else if (input->kind != INPUT || !input->batched || input->shape.ndim != 2)
        status = nb_fail(NB_EINVAL, "nb_sparse: %s is no input of shape (batch, k)",
                         nb_node_name(input));
    for (size_t i = 0; i < g->nodes && !status; i++)
        for (size_t j = 0; j < nb_node_inputs(g->node[i]) && !status; j++)
            if (g->node[i]->input[j] == input) status = check_packed(g->node[i]->op, j);
    if (status) return nb_graph_spoil(g, status);
    input->sparse = true;
    return input;
}

nb_node *nb_labels(nb_graph *g, const char *name)
{
    return nb_name(append(g, INPUT, NB_INT32, NB_SHAPE(NB_BATCH)), name);
}

nb_node *nb_parameter(nb_graph *g, const char *name, nb_shape shape)
{
    if (shape.ndim > 0 && shape.dim[0] == NB_BATCH)
        return nb_graph_spoil(
            g, nb_fail(NB_ESHAPE, "nb_parameter: %s cannot grow with the batch", name));
    return nb_name(append(g, PARAMETER, g->dtype, shape), name);
}

/* What nb_apply asks of the inputs, whatever the operation; `g` is the graph of one of them. */
static nb_status check_inputs(const nb_graph *g, const nb_op *op, nb_node *const *inputs)
{
    for (size_t i = 0; i < op->inputs; i++) {
        const nb_node *input = inputs[i];
        if (!input) return nb_fail(NB_EINVAL, "%s: input %zu is NULL", op->name, i);
        if (input->graph != g) return nb_fail(NB_EINVAL, "%s: inputs of two graphs", op->name);
        if (input->value.dtype != g->dtype && !op->labels)
            return nb_fail(NB_EDTYPE, "%s: input %zu is %s, the graph computes in %s", op->name, i,
                           nb_dtype_name(input->value.dtype), nb_dtype_name(g->dtype));
        nb_status status = input->sparse ? check_packed(op, i) : NB_OK;
        if (status) return status;
    }
    return NB_OK;
}

nb_node *nb_apply(const nb_op *op, double attribute, nb_node *const *inputs)
{
    nb_tensor in[NB_MAX_INPUTS];
    nb_shape shape;
    size_t aux = 0;
    bool needs_gradient = false;
    nb_graph *g = NULL;
    for (size_t i = 0; i < op->inputs; i++)
        if (inputs[i] && (!g || g->status)) g = inputs[i]->graph;
    if (!g || g->status) return NULL;
    nb_status status = op->inputs > NB_MAX_INPUTS ? nb_fail(NB_EINVAL, "%s: %zu inputs, at most %d",
                                                            op->name, op->inputs, NB_MAX_INPUTS)
                                                  : check_inputs(g, op, inputs);
    if (status) return nb_graph_spoil(g, status);
    for (size_t i = 0; i < op->inputs; i++) {
        in[i] = nb_tensor_view(inputs[i]->value.dtype, inputs[i]->shape, NULL);
        needs_gradient |= inputs[i]->needs_gradient;
    }
    if ((status = op->shape(in, &shape, &aux))) return nb_graph_spoil(g, status);
    nb_node *node = append(g, OPERATION, g->dtype, shape);
    if (!node) return NULL;
    node->op = op;
    node->attribute = attribute;
    node->aux_width = aux;
    node->needs_gradient = needs_gradient;
    for (size_t i = 0; i < op->inputs; i++) node->input[i] = inputs[i];
    return node;
}

/* --- looking ---------------------------------------------------------------------------------- */

nb_tensor *nb_value(nb_node *node)
{
    return &node->value;
}

const nb_tensor *nb_gradient(const nb_node *node)
{
    if (node->kind == OPERATION && !node->needed) return NULL;
    return node->gradient.data ? &node->gradient : NULL;
}

double nb_scalar(const nb_node *node)
{
    if (!node->value.data || nb_tensor_count(&node->value) != 1) return (double)NAN;
    if (node->value.dtype == NB_INT32) return *(const int32_t *)node->value.data;
    return node->graph->kernels->get(node->value.data, 0);
}

const char *nb_node_name(const nb_node *node)
{
    return node->name ? node->name : "";
}

const nb_op *nb_node_op(const nb_node *node)
{
    return node->op;
}

size_t nb_node_inputs(const nb_node *node)
{
    return node->op ? node->op->inputs : 0;
}

nb_node *nb_node_input(const nb_node *node, size_t i)
{
    return i < nb_node_inputs(node) ? node->input[i] : NULL;
}

bool nb_node_is_parameter(const nb_node *node)
{
    return node->kind == PARAMETER;
}

nb_graph *nb_node_graph(const nb_node *node)
{
    return node->graph;
}

size_t nb_node_index(const nb_node *node)
{
    return node->index;
}

nb_dtype nb_graph_dtype(const nb_graph *g)
{
    return g->dtype;
}

size_t nb_graph_max_batch(const nb_graph *g)
{
    return g->max_batch;
}

size_t nb_graph_nodes(const nb_graph *g)
{
    return g->nodes;
}

nb_node *nb_graph_node(const nb_graph *g, size_t i)
{
    return i < g->nodes ? g->node[i] : NULL;
}

nb_tensor nb_graph_parameters(const nb_graph *g)
{
    return g->parameters;
}

nb_tensor nb_graph_gradients(const nb_graph *g)
{
    return g->gradients;
}
