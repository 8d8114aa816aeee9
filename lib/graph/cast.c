/* nb_graph_cast: the same graph in another precision. */
#include "graph/graph.h"
#include "nablas/memory.h"

#include <string.h>

static nb_node *copy_node(const nb_node *node, nb_graph *copy)
{
    nb_node *inputs[NB_MAX_INPUTS] = {NULL};
    nb_node *made;
    if (node->kind == PARAMETER) return nb_parameter(copy, nb_node_name(node), node->shape);
    if (node->kind == INPUT && node->value.dtype == NB_INT32)
        return nb_labels(copy, nb_node_name(node));
    if (node->kind == INPUT) {
        made = nb_input(copy, nb_node_name(node), node->shape);
        return node->sparse ? nb_sparse(made) : made;
    }
    for (size_t j = 0; j < node->op->inputs; j++) inputs[j] = copy->node[node->input[j]->index];
    made = nb_apply(node->op, node->attribute, inputs);
    return node->name ? nb_name(made, node->name) : made;
}

static nb_status copy_value(const nb_node *node, nb_node *made)
{
    if (node->kind == OPERATION || !node->value.data) return NB_OK;
    if (node->kind == INPUT) {
        made->value.shape = node->value.shape;
        if (node->fed.run) made->value.shape.dim[1] = node->shape.dim[1];
        made->owned =
            nb_alloc_zero(nb_tensor_count(&made->value), nb_dtype_size(made->value.dtype));
        if (!made->owned) return NB_ENOMEM;
        made->value.data = made->owned;
    }
    return node->fed.run || node->fed.fill ? nb_packed_expand(&node->fed, &made->value)
                                           : nb_tensor_convert(&node->value, &made->value);
}

nb_status nb_graph_cast(const nb_graph *g, nb_dtype dtype, nb_graph **out)
{
    nb_graph *copy;
    *out = NULL;
    if (!g->max_batch) return nb_fail(NB_EINVAL, "nb_graph_cast: the graph is not finished");
    nb_status status = nb_graph_create(&copy, dtype);
    if (status) return status;
    for (size_t i = 0; i < g->nodes; i++)
        if (!copy_node(g->node[i], copy)) break;
    if ((status = nb_graph_finish(copy, g->max_batch))) goto fail;
    for (size_t i = 0; i < g->nodes; i++)
        if ((status = copy_value(g->node[i], copy->node[i]))) goto fail;
    *out = copy;
    return NB_OK;
fail:
    nb_graph_destroy(copy);
    return status;
}
