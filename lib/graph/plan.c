/* nb_graph_finish: every array of the graph gets its place in one arena.
 *
 *     | parameters | gradients of the parameters | for each operation: value, aux, gradient |
 *
 * The plan is walked twice by the same code, first to measure, then to hand out. */
#include "graph/graph.h"
#include "nablas/memory.h"

#include <stdint.h>
#include <string.h>

typedef struct arena {
    char *base;  /* NULL while measuring */
    size_t used; /* SIZE_MAX: overflow */
} arena;

static void *carve(arena *a, size_t count, size_t size)
{
    size_t bytes, end;
    char *place = a->base ? a->base + a->used : NULL;
    if (!nb_size_mul(count, size, &bytes) || !nb_size_add(bytes, NB_ALIGNMENT - 1, &bytes) ||
        !nb_size_add(a->used, bytes / NB_ALIGNMENT * NB_ALIGNMENT, &end))
        end = SIZE_MAX;
    a->used = end;
    return place;
}

/* Elements of a node for the largest batch; SIZE_MAX on overflow, which `carve` then reports. */
static size_t largest(const nb_node *node, size_t width)
{
    size_t rows =
        node->batched ? node->graph->max_batch : (node->shape.ndim ? node->shape.dim[0] : 1);
    size_t count;
    return nb_size_mul(rows, width, &count) ? count : SIZE_MAX;
}

/* Views of all parameters, one after the other; returns how many elements they span. */
static size_t place_leaves(nb_graph *g, arena *a, bool gradients)
{
    const size_t size = nb_dtype_size(g->dtype), from = a->used;
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->kind != PARAMETER) continue;
        void *place = carve(a, nb_tensor_count(&node->value), size);
        if (gradients)
            node->gradient = nb_tensor_view(g->dtype, node->shape, place);
        else
            node->value.data = place;
    }
    return (a->used - from) / size;
}

static void place_operations(nb_graph *g, arena *a)
{
    const size_t size = nb_dtype_size(g->dtype);
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->kind != OPERATION) continue;
        const size_t count = largest(node, nb_tensor_width(&node->value));
        node->value.data = carve(a, count, size);
        if (node->aux_width) {
            nb_shape shape = NB_SHAPE(node->shape.ndim ? node->shape.dim[0] : 1, node->aux_width);
            node->aux =
                nb_tensor_view(g->dtype, shape, carve(a, largest(node, node->aux_width), size));
        }
        if (node->op->prepare && node->input[0]->sparse)
            node->packed = carve(a, nb_tensor_count(&node->input[1]->value), size);
        if (node->needs_gradient)
            node->gradient = nb_tensor_view(g->dtype, node->shape, carve(a, count, size));
    }
}

static void place_all(nb_graph *g, arena *a)
{
    char *begin = a->base;
    const size_t count = place_leaves(g, a, false);
    g->parameters = nb_tensor_view(g->dtype, NB_SHAPE(count), begin);
    begin = a->base ? a->base + a->used : NULL;
    place_leaves(g, a, true);
    g->gradients = nb_tensor_view(g->dtype, NB_SHAPE(count), begin);
    place_operations(g, a);
}

/* Descent goes to a packed copy first, and from there to the parameter: it must be the only one. */
static bool packed_and_shared(const nb_graph *g, const nb_node *node)
{
    size_t uses = 0;
    if (!node->packed) return false;
    for (size_t i = 0; i < g->nodes; i++)
        for (size_t j = 0; j < nb_node_inputs(g->node[i]); j++)
            uses += g->node[i]->input[j] == node->input[1];
    return uses > 1;
}

/* Rows can be shared out if every operation has the batch's rows, except scalars at the end, which
 * the caller computes alone. The gradient can go straight into a parameter if whoever uses it
 * honours alpha, and works on the batch: then it reads no other parameter to do so. */
static void classify(nb_graph *g)
{
    g->row_parallel = true;
    g->fusable = true;
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        if (packed_and_shared(g, node)) g->fusable = false;
        for (size_t j = 0; j < nb_node_inputs(node); j++) {
            const nb_node *input = node->input[j];
            if (input->kind == OPERATION && !input->batched) g->row_parallel = false;
            if (input->kind == PARAMETER &&
                !(node->batched && node->op->scales && node->op->backward))
                g->fusable = false;
        }
        if (node->op && !node->batched && node->shape.ndim) g->row_parallel = false;
    }
}

nb_status nb_graph_finish(nb_graph *g, size_t max_batch)
{
    if (g->status) return nb_fail(g->status, "%s", g->detail);
    if (g->max_batch) return nb_fail(NB_EINVAL, "nb_graph_finish: already finished");
    if (max_batch == 0 || max_batch == NB_BATCH)
        return nb_fail(NB_EINVAL, "nb_graph_finish: max_batch=%zu", max_batch);
    g->max_batch = max_batch;

    arena a = {NULL, 0};
    place_all(g, &a);
    nb_status status = NB_OK;
    if (a.used == SIZE_MAX)
        status = nb_fail(NB_EOVERFLOW,
                         "nb_graph_finish: max_batch=%zu: more memory than a size "
                         "holds",
                         max_batch);
    else if (!(g->arena = nb_alloc_zero(a.used, 1)))
        status = NB_ENOMEM;
    if (status) {
        g->max_batch = 0;
        g->parameters = g->gradients = (nb_tensor){0};
        nb_graph_spoil(g, status);
        return status;
    }
    a = (arena){g->arena, 0};
    place_all(g, &a);
    classify(g);
    return NB_OK;
}

nb_pool *nb_graph_pool(const nb_graph *g)
{
    return g->pool;
}

void nb_graph_set_pool(nb_graph *g, nb_pool *pool)
{
    g->pool = pool;
}
