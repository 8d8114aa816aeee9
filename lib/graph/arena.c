/* nb_graph_finish: every array of the graph gets its place in one arena.
 *
 *     | parameters | gradients of the parameters | state | for each operation: value, kept,
 *     memory, partial sums, gradient |
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

/* The values of all leaves of one role, one after the other; returns how many elements they span. */
static size_t place_leaves(nb_graph *g, arena *a, nb_role role)
{
    const size_t size = g->kernels->size, from = a->used;
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->role != role) continue;
        node->value.data = g->lender ? g->lender->node[i]->value.data
                                     : carve(a, nb_tensor_count(&node->value), size);
    }
    return (a->used - from) / size;
}

static size_t place_gradients(nb_graph *g, arena *a)
{
    const size_t size = g->kernels->size, from = a->used;
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->role == NB_PARAMETER)
            node->gradient = nb_tensor_view(g->dtype, node->shape,
                                            carve(a, nb_tensor_count(&node->value), size));
    }
    return (a->used - from) / size;
}

static void *place_if(arena *a, size_t count, size_t size)
{
    return count ? carve(a, count, size) : NULL;
}

static void place_operations(nb_graph *g, arena *a)
{
    const size_t size = g->kernels->size;
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->role != NB_OPERATION) continue;
        const size_t count = largest(node, nb_tensor_width(&node->value));
        const size_t rows = node->shape.ndim ? node->shape.dim[0] : 1;
        size_t partial;
        node->value.data = carve(a, count, size);
        node->kept = nb_tensor_view(g->dtype, NB_SHAPE(rows, node->need.kept),
                                    place_if(a, largest(node, node->need.kept), size));
        node->memory = place_if(a, node->need.memory, size);
        if (!nb_size_mul(nb_groups(g->max_batch), node->need.partial, &partial)) partial = SIZE_MAX;
        node->partial = place_if(a, partial, size);
        if (node->needs_gradient)
            node->gradient = nb_tensor_view(g->dtype, node->shape, carve(a, count, size));
    }
}

static void place_all(nb_graph *g, arena *a)
{
    char *begin = a->base;
    size_t count = place_leaves(g, a, NB_PARAMETER);
    g->parameters = nb_tensor_view(g->dtype, NB_SHAPE(count), begin);
    if (g->lender) g->parameters = g->lender->parameters;
    begin = a->base ? a->base + a->used : NULL;
    count = place_gradients(g, a);
    g->gradients = nb_tensor_view(g->dtype, NB_SHAPE(count), begin);
    place_leaves(g, a, NB_STATE);
    place_operations(g, a);
}

static nb_status allocate(nb_graph *g)
{
    arena a = {NULL, 0};
    place_all(g, &a);
    if (a.used == SIZE_MAX)
        return nb_fail(NB_EOVERFLOW,
                       "nb_graph_finish: max_batch=%zu: more memory than a size holds",
                       g->max_batch);
    if (!(g->arena = nb_alloc_zero(a.used, 1))) return NB_ENOMEM;
    a = (arena){g->arena, 0};
    place_all(g, &a);
    for (size_t i = 0; i < g->nodes; i++) {
        size_t bytes;
        if (!nb_size_mul(g->node[i]->need.scratch, g->kernels->size, &bytes) ||
            !nb_size_add(bytes, NB_ALIGNMENT - 1, &bytes))
            return nb_fail(NB_EOVERFLOW, "nb_graph_finish: %s: too much scratch memory",
                           nb_node_title(g->node[i]));
        bytes = bytes / NB_ALIGNMENT * NB_ALIGNMENT;
        if (bytes > g->scratch_bytes) g->scratch_bytes = bytes;
    }
    nb_status status = nb_graph_set_pool(g, NULL);
    return status ? status : nb_graph_schedule_create(g);
}

nb_status nb_graph_finish(nb_graph *g, size_t max_batch)
{
    if (!g) return nb_fail(NB_EINVAL, "nb_graph_finish: g is NULL");
    if (g->status) return nb_fail(g->status, "%s", g->detail);
    if (g->max_batch) return nb_fail(NB_EINVAL, "nb_graph_finish: already finished");
    if (max_batch == 0 || max_batch == NB_BATCH)
        return nb_fail(NB_EINVAL, "nb_graph_finish: max_batch=%zu", max_batch);
    g->max_batch = max_batch;
    nb_status status = allocate(g);
    if (!status) return NB_OK;
    g->max_batch = 0;
    g->parameters = g->gradients = (nb_tensor){0};
    nb_graph_spoil(g, status);
    return status;
}

nb_status nb_graph_set_pool(nb_graph *g, nb_pool *pool)
{
    if (!g || !g->max_batch)
        return nb_fail(NB_EINVAL, "nb_graph_set_pool: the graph is %s",
                       g ? "not finished" : "NULL");
    const size_t threads = nb_pool_threads(pool);
    if (g->scratch_bytes && threads > g->scratch_threads) {
        char *scratch = nb_alloc(threads, g->scratch_bytes);
        if (!scratch) return NB_ENOMEM;
        nb_free(g->scratch);
        g->scratch = scratch;
        g->scratch_threads = threads;
    }
    g->pool = pool;
    return NB_OK;
}
