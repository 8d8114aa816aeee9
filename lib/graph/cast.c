/* nb_graph_cast, nb_graph_clone: the same graph, in another precision or over the same parameters. */
#include "graph/graph.h"
#include "nablas/memory.h"

static nb_node *copy_leaf(const nb_node *node, nb_graph *copy)
{
    const char *name = nb_node_name(node);
    if (node->role == NB_PARAMETER) return nb_parameter(copy, name, node->shape);
    if (node->role == NB_STATE) return nb_state(copy, name, node->shape);
    if (node->value.dtype == NB_INT32) return nb_labels(copy, name);
    nb_node *made = nb_input(copy, name, node->shape);
    return node->sparse ? nb_sparse(made) : made;
}

static nb_node *copy_node(const nb_node *node, nb_graph *copy)
{
    nb_node *inputs[NB_MAX_INPUTS] = {NULL};
    if (!node->op) return copy_leaf(node, copy);
    for (size_t j = 0; j < node->op->inputs; j++) inputs[j] = copy->node[node->input[j]->index];
    nb_node *made = nb_apply(node->op, node->config, inputs);
    return node->name ? nb_name(made, node->name) : made;
}

static nb_status copy_structure(const nb_graph *g, const char *who, nb_dtype dtype,
                                const nb_graph *lender, nb_graph **out)
{
    nb_graph *copy;
    if (!out) return nb_fail(NB_EINVAL, "%s: copy is NULL", who);
    *out = NULL;
    if (!g || !g->max_batch)
        return nb_fail(NB_EINVAL, "%s: the graph is %s", who, g ? "not finished" : "NULL");
    nb_status status = nb_graph_create(&copy, dtype);
    if (status) return status;
    copy->lender = lender;
    for (size_t i = 0; i < g->nodes; i++)
        if (!copy_node(g->node[i], copy)) break;
    if ((status = nb_graph_finish(copy, g->max_batch)))
        nb_graph_destroy(copy);
    else
        *out = copy;
    return status;
}

/* What the node is fed, as an array of its own. */
static nb_status copy_fed(const nb_node *node, nb_node *made)
{
    made->value.shape = node->value.shape;
    made->owned = nb_alloc_zero(nb_tensor_count(&made->value), nb_dtype_size(made->value.dtype));
    if (!made->owned) return NB_ENOMEM;
    made->value.data = made->owned;
    return node->fill ? node->fill(node->fill_context, 0, node->value.shape.dim[0]) : NB_OK;
}

/* Masks and what else a frozen pass repeats. */
static nb_status copy_kept(const nb_node *node, nb_node *made)
{
    nb_tensor from = nb_tensor_view(node->value.dtype, NB_SHAPE(node->need.memory), node->memory);
    nb_tensor to = nb_tensor_view(made->value.dtype, from.shape, made->memory);
    if (node->batched && node->kept.shape.dim[0] == NB_BATCH) return NB_OK; /* never computed */
    made->kept.shape = node->kept.shape;
    nb_status status = node->need.memory ? nb_tensor_convert(&from, &to) : NB_OK;
    return status || !node->need.kept ? status : nb_tensor_convert(&node->kept, &made->kept);
}

static nb_status copy_value(const nb_node *node, nb_node *made)
{
    if (node->role == NB_OPERATION) return copy_kept(node, made);
    if (!node->value.data) return NB_OK;
    nb_status status = node->role == NB_INPUT ? copy_fed(node, made) : NB_OK;
    return status ? status : nb_tensor_convert(&node->value, &made->value);
}

nb_status nb_graph_cast(const nb_graph *g, nb_dtype dtype, nb_graph **out)
{
    nb_status status = copy_structure(g, "nb_graph_cast", dtype, NULL, out);
    for (size_t i = 0; !status && i < g->nodes; i++)
        status = copy_value(g->node[i], (*out)->node[i]);
    if (status && out) {
        nb_graph_destroy(*out);
        *out = NULL;
    } else if (out) {
        (*out)->pass = g->pass;
    }
    return status;
}

nb_status nb_graph_clone(const nb_graph *g, nb_graph **out)
{
    return copy_structure(g, "nb_graph_clone", nb_graph_dtype(g), g, out);
}
