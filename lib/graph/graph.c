#include "graph/graph.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

nb_status nb_graph_create(nb_graph **out, nb_dtype dtype)
{
    if (!out) return nb_fail(NB_EINVAL, "nb_graph_create: g is NULL");
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
    nb_free(node->config);
    nb_free(node);
}

void nb_graph_destroy(nb_graph *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->nodes; i++) destroy_node(g->node[i]);
    nb_graph_schedule_destroy(g);
    nb_free(g->node);
    nb_free(g->arena);
    nb_free(g->scratch);
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

static nb_node *append(nb_graph *g, nb_role role, nb_dtype dtype, nb_shape shape)
{
    size_t rest;
    nb_shape row = shape;
    const bool batched = shape.ndim > 0 && shape.dim[0] == NB_BATCH;
    if (!g || g->status) return NULL;
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
    node->head = node;
    node->index = g->nodes;
    node->role = role;
    node->shape = shape;
    node->batched = batched;
    node->needs_gradient = role == NB_PARAMETER;
    node->value = nb_tensor_view(dtype, shape, NULL);
    g->node[g->nodes++] = node;
    return node;
}

nb_node *nb_name(nb_node *node, const char *name)
{
    if (!node) return NULL;
    if (!name) return nb_graph_spoil(node->graph, nb_fail(NB_EINVAL, "nb_name: name is NULL"));
    char *copy = nb_alloc(strlen(name) + 1, 1);
    if (!copy) return nb_graph_spoil(node->graph, NB_ENOMEM);
    strcpy(copy, name);
    nb_free(node->name);
    node->name = copy;
    return node;
}

nb_node *nb_input(nb_graph *g, const char *name, nb_shape shape)
{
    return g ? nb_name(append(g, NB_INPUT, g->dtype, shape), name) : NULL;
}

nb_node *nb_labels(nb_graph *g, const char *name)
{
    return nb_name(append(g, NB_INPUT, NB_INT32, NB_SHAPE(NB_BATCH)), name);
}

/* A leaf of the graph's own. */
static nb_node *own(nb_graph *g, nb_role role, const char *who, const char *name, nb_shape shape)
{
    if (!g) return NULL;
    if (shape.ndim > 0 && shape.dim[0] == NB_BATCH)
        return nb_graph_spoil(g, nb_fail(NB_ESHAPE, "%s: %s cannot grow with the batch", who,
                                         name ? name : "a node"));
    return nb_name(append(g, role, g->dtype, shape), name);
}

nb_node *nb_parameter(nb_graph *g, const char *name, nb_shape shape)
{
    return own(g, NB_PARAMETER, "nb_parameter", name, shape);
}

nb_node *nb_state(nb_graph *g, const char *name, nb_shape shape)
{
    return own(g, NB_STATE, "nb_state", name, shape);
}

/* --- operations ------------------------------------------------------------------------------- */

/* What the planner of an input's users sees where the input may be packed. */
static const nb_packed any_packing = {0};

static nb_status check_packed(const nb_op *op, size_t operand)
{
    if (operand == 0 && (op->promises & NB_PACKED)) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: operand %zu may not be packed (nb_sparse)", op->name, operand);
}

nb_node *nb_sparse(nb_node *input)
{
    if (!input) return NULL;
    nb_graph *g = input->graph;
    nb_status status = NB_OK;
    if (g->max_batch)
        status = nb_fail(NB_EINVAL, "nb_sparse: the graph is finished");
    else if (input->role != NB_INPUT || !input->batched || input->shape.ndim != 2)
        status = nb_fail(NB_EINVAL, "nb_sparse: %s is no input of shape (batch, k)",
                         nb_node_name(input));
    else if (input->uses)
        status = nb_fail(NB_EINVAL, "nb_sparse: %s is used already", nb_node_name(input));
    if (status) return nb_graph_spoil(g, status);
    input->sparse = true;
    return input;
}

/* What nb_apply asks of the inputs, whatever the operation; `g` is the graph of one of them. */
static nb_status check_inputs(const nb_graph *g, const nb_op *op, nb_node *const *inputs)
{
    for (size_t i = 0; i < op->inputs; i++) {
        const nb_node *input = inputs[i];
        if (!input) return nb_fail(NB_EINVAL, "%s: input %zu is NULL", op->name, i);
        if (input->graph != g) return nb_fail(NB_EINVAL, "%s: inputs of two graphs", op->name);
        if (input->value.dtype != g->dtype && !(op->promises & NB_LABELS))
            return nb_fail(NB_EDTYPE, "%s: input %zu is %s, the graph computes in %s", op->name, i,
                           nb_dtype_name(input->value.dtype), nb_dtype_name(g->dtype));
        nb_status status = input->sparse ? check_packed(op, i) : NB_OK;
        if (status) return status;
    }
    return NB_OK;
}

static nb_status check_op(const nb_op *op, const void *config)
{
    if (op->inputs == 0 || op->inputs > NB_MAX_INPUTS)
        return nb_fail(NB_EINVAL, "%s: %zu inputs, expected 1 ... %d",
                       op->name ? op->name : "nb_apply", op->inputs, NB_MAX_INPUTS);
    if (!op->plan || !op->forward[0].run || !op->name)
        return nb_fail(NB_EINVAL, "nb_apply: %s has no %s", op->name ? op->name : "an operation",
                       op->name ? "plan or forward" : "name");
    if (op->config && !config)
        return nb_fail(NB_EINVAL, "%s: config is NULL, expected %zu bytes", op->name, op->config);
    for (size_t k = 0; k < NB_MAX_PHASES; k++)
        if (op->forward[k].input >= op->inputs || op->backward[k].input >= op->inputs)
            return nb_fail(NB_EINVAL, "%s: phase %zu is of an input that is not there", op->name,
                           k);
    return NB_OK;
}

static nb_status configure(nb_node *node, const nb_op *op, const void *config)
{
    node->op = node->runs = op;
    if (!op->config) return NB_OK;
    node->config = nb_alloc(op->config, 1);
    if (!node->config) return NB_ENOMEM;
    memcpy(node->config, config, op->config);
    return NB_OK;
}

static nb_status make(nb_graph *g, const nb_op *op, const void *config, nb_node *const *inputs,
                      nb_node **made)
{
    nb_tensor in[NB_MAX_INPUTS];
    nb_need need = {0};
    nb_status status = check_op(op, config);
    if (!status) status = check_inputs(g, op, inputs);
    if (status) return status;
    for (size_t i = 0; i < op->inputs; i++) {
        in[i] = nb_tensor_view(inputs[i]->value.dtype, inputs[i]->shape, NULL);
        in[i].packed = inputs[i]->sparse ? &any_packing : NULL;
    }
    if ((status = op->plan(in, config, &need))) return status;
    nb_node *node = append(g, NB_OPERATION, g->dtype, need.out);
    if (!node) return g->status;
    node->need = need;
    for (size_t i = 0; i < op->inputs; i++) {
        node->input[i] = inputs[i];
        inputs[i]->uses++;
        node->needs_gradient |= inputs[i]->needs_gradient;
    }
    *made = node;
    return configure(node, op, config);
}

nb_node *nb_apply(const nb_op *op, const void *config, nb_node *const *inputs)
{
    nb_graph *g = NULL;
    nb_node *node = NULL;
    if (!op || !inputs) return NULL;
    /* An operation of too many inputs has an array that we do not know the end of. */
    for (size_t i = 0; i < (op->inputs <= NB_MAX_INPUTS ? op->inputs : 1); i++)
        if (inputs[i] && (!g || g->status)) g = inputs[i]->graph;
    if (!g || g->status) return NULL;
    nb_status status = make(g, op, config, inputs, &node);
    return status ? nb_graph_spoil(g, status) : node;
}

/* --- looking ---------------------------------------------------------------------------------- */

nb_tensor *nb_value(nb_node *node)
{
    return node ? &node->value : NULL;
}

const nb_tensor *nb_gradient(const nb_node *node)
{
    if (!node || (node->role == NB_OPERATION && (!node->needed || node->inner))) return NULL;
    return node->gradient.data ? &node->gradient : NULL;
}

double nb_scalar(const nb_node *node)
{
    if (!node || !node->value.data || node->value.packed || nb_tensor_count(&node->value) != 1)
        return (double)NAN;
    if (node->value.dtype == NB_INT32) return *(const int32_t *)node->value.data;
    return node->graph->kernels->get(node->value.data, 0);
}

nb_role nb_node_role(const nb_node *node)
{
    return node ? node->role : NB_INPUT;
}

const char *nb_node_name(const nb_node *node)
{
    return node && node->name ? node->name : "";
}

const char *nb_node_title(const nb_node *node)
{
    return node->name ? node->name : (node->op ? node->op->name : "a node");
}

const nb_op *nb_node_op(const nb_node *node)
{
    return node ? node->op : NULL;
}

const void *nb_node_config(const nb_node *node)
{
    return node ? node->config : NULL;
}

size_t nb_node_inputs(const nb_node *node)
{
    return node && node->op ? node->op->inputs : 0;
}

nb_node *nb_node_input(const nb_node *node, size_t i)
{
    return i < nb_node_inputs(node) ? node->input[i] : NULL;
}

bool nb_node_is_parameter(const nb_node *node)
{
    return node && node->role == NB_PARAMETER;
}

nb_graph *nb_node_graph(const nb_node *node)
{
    return node ? node->graph : NULL;
}

size_t nb_node_index(const nb_node *node)
{
    return node ? node->index : 0;
}

bool nb_promises(const nb_node *node, unsigned promise)
{
    return node->op && (node->op->promises & promise);
}

nb_dtype nb_graph_dtype(const nb_graph *g)
{
    return g ? g->dtype : NB_FLOAT32;
}

size_t nb_graph_max_batch(const nb_graph *g)
{
    return g ? g->max_batch : 0;
}

size_t nb_graph_nodes(const nb_graph *g)
{
    return g ? g->nodes : 0;
}

nb_node *nb_graph_node(const nb_graph *g, size_t i)
{
    return i < nb_graph_nodes(g) ? g->node[i] : NULL;
}

nb_node *nb_graph_find(const nb_graph *g, const char *name)
{
    for (size_t i = 0; name && i < nb_graph_nodes(g); i++)
        if (strcmp(nb_node_name(g->node[i]), name) == 0) return g->node[i];
    return NULL;
}

nb_tensor nb_graph_parameters(const nb_graph *g)
{
    return g ? g->parameters : (nb_tensor){0};
}

nb_tensor nb_graph_gradients(const nb_graph *g)
{
    return g ? g->gradients : (nb_tensor){0};
}

nb_pool *nb_graph_pool(const nb_graph *g)
{
    return g ? g->pool : NULL;
}

nb_status nb_graph_set_pass(nb_graph *g, nb_pass pass)
{
    if (!g) return nb_fail(NB_EINVAL, "nb_graph_set_pass: g is NULL");
    g->pass = pass;
    return NB_OK;
}

nb_status nb_graph_join(nb_graph *g, bool joins)
{
    if (!g) return nb_fail(NB_EINVAL, "nb_graph_join: g is NULL");
    if (g->joins == joins) return NB_OK;
    g->joins = joins;
    g->planned = g->forwarded = NULL;
    return NB_OK;
}

bool nb_graph_joins(const nb_graph *g)
{
    return g && g->joins;
}

nb_pass nb_graph_pass(const nb_graph *g)
{
    return g ? g->pass : (nb_pass){0};
}
