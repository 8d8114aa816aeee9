/* Feeding, the forward pass, the backward pass, and gradient descent through it. */
#include "graph/graph.h"
#include "nablas/blas.h"

#include <stdio.h>
#include <string.h>

static const char *title(const nb_node *node)
{
    return node->name ? node->name : (node->op ? node->op->name : "a node");
}

static nb_status check_input(const nb_node *input)
{
    if (input->kind == INPUT && input->graph->max_batch) return NB_OK;
    return nb_fail(NB_EINVAL, "nb_feed: %s is not an input of a finished graph", title(input));
}

static nb_status check_value(const nb_node *input, const nb_tensor *value, nb_shape found)
{
    char got[96], want[96];
    if (value->dtype != input->value.dtype)
        return nb_fail(NB_EDTYPE, "nb_feed: %s takes %s, not %s", title(input),
                       nb_dtype_name(input->value.dtype), nb_dtype_name(value->dtype));
    nb_shape shape = input->shape;
    if (input->batched) shape.dim[0] = found.ndim ? found.dim[0] : 0;
    if (!nb_shape_equal(shape, found) ||
        (input->batched && (shape.dim[0] == 0 || shape.dim[0] > input->graph->max_batch))) {
        if (input->batched) shape.dim[0] = input->graph->max_batch;
        return nb_fail(NB_ESHAPE, "nb_feed: %s is %s, expected %s%s", title(input),
                       nb_shape_text(found, got, sizeof got),
                       nb_shape_text(shape, want, sizeof want),
                       input->batched ? " or fewer rows" : "");
    }
    return NB_OK;
}

static nb_status set_value(nb_node *input, nb_tensor value, nb_packed fed)
{
    input->value = value;
    input->fed = fed;
    input->graph->forwarded = NULL;
    return NB_OK;
}

nb_status nb_feed(nb_node *input, const nb_tensor *value)
{
    const nb_packed whole = {.run = NULL};
    nb_status status = check_input(input);
    if (status) return status;
    if (!value)
        return set_value(input, nb_tensor_view(input->value.dtype, input->shape, NULL), whole);
    status = check_value(input, value, value->shape);
    return status ? status : set_value(input, *value, whole);
}

nb_status nb_feed_packed(nb_node *input, const nb_packed *value)
{
    if (!input->sparse)
        return nb_fail(NB_EINVAL, "nb_feed_packed: %s is no nb_sparse input", title(input));
    nb_status status = check_input(input);
    if (!status) status = nb_packed_check(value, input->shape.dim[1]);
    if (!status)
        status = check_value(input, &value->dense,
                             NB_SHAPE(value->dense.shape.dim[0], input->shape.dim[1]));
    return status ? status : set_value(input, value->dense, *value);
}

/* --- the plan for one target ------------------------------------------------------------------ */

/* Which nodes the target needs and, for backward, who writes each gradient first. */
static void plan(nb_node *target)
{
    nb_graph *g = target->graph;
    if (g->planned == target) return;
    for (size_t i = 0; i < g->nodes; i++) g->node[i]->needed = g->node[i]->written = false;
    target->needed = true;
    for (size_t i = target->index + 1; i-- > 0;) {
        nb_node *node = g->node[i];
        if (!node->needed || !node->op) continue;
        for (size_t j = 0; j < node->op->inputs; j++) node->input[j]->needed = true;
    }
    /* Backward visits nodes from the last and inputs from the first; so does this. */
    for (size_t i = 0; i < g->nodes; i++)
        for (size_t j = 0; j < nb_node_inputs(g->node[i]); j++) {
            nb_node *node = g->node[i];
            bool first = node->needed && node->op->backward;
            for (size_t k = 0; first && k < j; k++) first = node->input[k] != node->input[j];
            for (size_t later = i + 1; first && later < g->nodes; later++) {
                const nb_node *other = g->node[later];
                for (size_t k = 0; first && other->needed && k < nb_node_inputs(other); k++)
                    first = other->input[k] != node->input[j] || !other->op->backward;
            }
            node->first[j] = first;
            node->input[j]->written |= first;
        }
    g->planned = target;
}

/* The batch that the needed inputs agree on, and the shapes that follow from it. */
static nb_status set_batch(nb_node *target)
{
    nb_graph *g = target->graph;
    const nb_node *leader = NULL;
    for (size_t i = 0; i <= target->index; i++) {
        const nb_node *node = g->node[i];
        if (node->kind != INPUT || !node->needed) continue;
        if (!node->value.data)
            return nb_fail(NB_EINVAL, "nb_forward: the input %s was not fed", title(node));
        if (!node->batched) continue;
        if (leader && leader->value.shape.dim[0] != node->value.shape.dim[0])
            return nb_fail(NB_ESHAPE, "nb_forward: %s has %zu rows, %s has %zu", title(leader),
                           leader->value.shape.dim[0], title(node), node->value.shape.dim[0]);
        leader = node;
    }
    const size_t batch = leader ? leader->value.shape.dim[0] : 1;
    for (size_t i = 0; i <= target->index; i++) {
        nb_node *node = g->node[i];
        if (node->kind != OPERATION || !node->needed || !node->batched) continue;
        node->value.shape.dim[0] = node->gradient.shape.dim[0] = node->aux.shape.dim[0] = batch;
    }
    g->batch = batch;
    return NB_OK;
}

nb_call nb_node_call(const nb_node *node)
{
    nb_call c = {.kernels = node->graph->kernels,
                 .attribute = node->attribute,
                 .out = &node->value,
                 .aux = &node->aux,
                 .dout = &node->gradient,
                 .alpha = 1,
                 .packed = node->packed};
    for (size_t i = 0; i < node->op->inputs; i++) c.in[i] = &node->input[i]->value;
    c.sparse = node->input[0]->fed.run ? &node->input[0]->fed : NULL;
    return c;
}

/* --- forward ---------------------------------------------------------------------------------- */

static bool takes_packed(const nb_node *node)
{
    return node->needed && node->op && node->op->prepare && node->input[0]->fed.run;
}

static nb_status forward_share(const nb_node *node, size_t part, size_t parts)
{
    size_t lo, hi;
    const nb_call c = nb_node_call(node);
    /* A computed weight is known only now; it has no rows of the batch, so this is one thread. */
    if (takes_packed(node) && node->input[1]->kind == OPERATION) {
        nb_status status = node->op->prepare(&c, 0, nb_tensor_height(c.in[1]));
        if (status) return status;
    }
    nb_share_rows(nb_tensor_height(&node->value), part, parts, &lo, &hi);
    return lo < hi ? node->op->forward(&c, lo, hi) : NB_OK;
}

static nb_status fill_share(const nb_node *input, size_t part, size_t parts)
{
    size_t lo, hi;
    if (!input->needed || !input->batched) return NB_OK;
    nb_share_rows(input->value.shape.dim[0], part, parts, &lo, &hi);
    return nb_packed_fill(&input->fed, lo, hi);
}

/* The rows of one part through all batched operations: no row looks at another. */
static nb_status forward_rows(void *context, size_t part, size_t parts)
{
    const nb_node *target = context;
    for (size_t i = 0; i <= target->index; i++) {
        const nb_node *node = target->graph->node[i];
        nb_status status = fill_share(node, part, parts);
        if (status) return status;
        if (!node->needed || !node->op || !(node->batched || parts == 1)) continue;
        status = forward_share(node, part, parts);
        if (status) return status;
    }
    return NB_OK;
}

static nb_status prepare_rows(void *context, size_t part, size_t parts)
{
    const nb_node *target = context;
    for (size_t i = 0; i <= target->index; i++) {
        const nb_node *node = target->graph->node[i];
        if (!takes_packed(node)) continue;
        size_t lo, hi;
        const nb_call c = nb_node_call(node);
        nb_share_rows(nb_tensor_height(c.in[1]), part, parts, &lo, &hi);
        nb_status status = node->op->prepare(&c, lo, hi);
        if (status) return status;
    }
    return NB_OK;
}

/* `prepared`: the operations' packed copies are those of the present parameters. */
static nb_status forward(nb_node *target, bool prepared)
{
    nb_graph *g = target->graph;
    nb_status status;
    if (!g->max_batch) return nb_fail(NB_EINVAL, "nb_forward: the graph is not finished");
    g->forwarded = NULL;
    plan(target);
    if ((status = set_batch(target))) return status;
    nb_pool *pool = g->row_parallel ? g->pool : NULL;
    const size_t parts = nb_pool_threads(pool);
    for (size_t i = 0; i <= target->index && !prepared; i++)
        if (takes_packed(g->node[i])) {
            if ((status = nb_pool_run(pool, prepare_rows, target))) return status;
            break;
        }
    if ((status = nb_pool_run(pool, forward_rows, target))) return status;
    for (size_t i = 0; i <= target->index && parts > 1; i++) {
        const nb_node *node = g->node[i];
        if (!node->needed || !node->op || node->batched) continue;
        if ((status = forward_share(node, 0, 1))) return status;
    }
    for (size_t i = 0; i <= target->index; i++)
        if (g->node[i]->needed) g->node[i]->fed.fill = NULL;
    g->forwarded = target;
    return NB_OK;
}

nb_status nb_forward(nb_node *target)
{
    return forward(target, false);
}

/* --- backward --------------------------------------------------------------------------------- */

typedef struct descent {
    nb_node *loss;
    bool to_batch, to_rest; /* gradients of operations on the batch; of everything else */
    bool fused;             /* parameters: write w - lr dw instead of dw */
    double lr;
} descent;

static nb_status backward_share(const descent *d, const nb_node *node, size_t j, size_t part,
                                size_t parts)
{
    size_t lo, hi;
    const nb_node *input = node->input[j];
    nb_call c = nb_node_call(node);
    c.din = &input->gradient;
    c.beta = node->first[j] ? 0 : 1;
    if (d->fused && input->kind == PARAMETER) {
        c.din = &input->value;
        c.alpha = -d->lr;
        c.beta = 1;
    }
    nb_share_rows(nb_tensor_height(c.din), part, parts, &lo, &hi);
    return lo < hi ? node->op->backward(&c, j, lo, hi) : NB_OK;
}

static nb_status backward_part(void *context, size_t part, size_t parts)
{
    const descent *d = context;
    const nb_graph *g = d->loss->graph;
    for (size_t i = d->loss->index + 1; i-- > 0;) {
        const nb_node *node = g->node[i];
        if (!node->needed || !node->op || !node->needs_gradient || !node->op->backward) continue;
        for (size_t j = 0; j < node->op->inputs; j++) {
            const nb_node *input = node->input[j];
            if (!input->needs_gradient) continue;
            if (!(input->kind == OPERATION && input->batched ? d->to_batch : d->to_rest)) continue;
            nb_status status = backward_share(d, node, j, part, parts);
            if (status) return status;
        }
    }
    return NB_OK;
}

/* Nobody writes the gradient of a parameter that the loss does not depend on, or of a node on which
 * it depends only through operations without a gradient: it is 0. Operations that the loss does not
 * need have no gradient at all, see nb_gradient. */
static void clear_unwritten(nb_node *loss, bool fused)
{
    const nb_graph *g = loss->graph;
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        if (!node->gradient.data || node->written || node == loss) continue;
        if (node->kind == PARAMETER ? fused : !node->needed) continue;
        memset(node->gradient.data, 0, nb_tensor_count(&node->gradient) * nb_dtype_size(g->dtype));
    }
}

static nb_status backward(nb_node *loss, bool fused, double lr)
{
    nb_graph *g = loss->graph;
    char text[96];
    if (nb_tensor_count(&loss->value) != 1)
        return nb_fail(NB_ESHAPE, "nb_backward: %s is %s, expected a scalar", title(loss),
                       nb_shape_text(loss->shape, text, sizeof text));
    if (g->forwarded != loss)
        return nb_fail(NB_EINVAL, "nb_backward: no nb_forward(%s) since the last feed",
                       title(loss));
    clear_unwritten(loss, fused);
    if (!loss->needs_gradient) return NB_OK;
    g->kernels->set(loss->gradient.data, 0, 1);

    nb_pool *pool = g->row_parallel ? g->pool : NULL;
    if (nb_pool_threads(pool) == 1 && !fused) {
        descent all = {loss, true, true, false, 0};
        return backward_part(&all, 0, 1);
    }
    /* Rows first; then the parameters, whose gradients need all rows. Fused, a parameter changes
     * under the second and may not before the first is through. */
    descent rows = {loss, true, false, false, 0};
    descent parameters = {loss, false, true, fused, lr};
    nb_status status = nb_pool_run(pool, backward_part, &rows);
    return status ? status : nb_pool_run(pool, backward_part, &parameters);
}

nb_status nb_backward(nb_node *loss)
{
    return backward(loss, false, 0);
}

nb_status nb_descend(nb_node *loss, double lr, bool again)
{
    nb_graph *g = loss->graph;
    const bool fused = g->fusable && g->row_parallel && loss->kind == OPERATION;
    nb_status status = backward(loss, fused, lr);
    if (status) return status;
    if (!fused)
        g->kernels->sgd(nb_tensor_count(&g->parameters), lr, g->gradients.data, g->parameters.data);
    g->forwarded = NULL;
    return again ? forward(loss, fused) : NB_OK;
}
