#include "derivative/pieces.h"
#include "derivative/term.h"
#include "nablas/memory.h"
#include "op/op_axis.h"
#include "op/ops.h"

#include <string.h>

static const uint64_t prime = 0x100000001b3u;

uint64_t nb_hash(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++) hash = (hash ^ b[i]) * prime;
    return hash;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static uint64_t hash_signs(uint64_t hash, const nb_tensor *in, const nb_kernels *k)
{
    for (size_t j = 0; j < nb_tensor_count(in); j++)
        hash = (hash ^ (k->get(in->data, j) > 0)) * prime;
    return hash;
}

/* The bytes that max_pool keeps; behind them, up to a whole number, is nothing. */
static uint64_t hash_winners(uint64_t hash, const nb_node *pool)
{
    const size_t bytes = nb_tensor_width(&pool->value);
    for (size_t i = 0; i < nb_tensor_height(&pool->value); i++)
        hash = nb_hash(hash, nb_tensor_at(&pool->kept, i), bytes);
    return hash;
}

/* Where along the axis each largest element is. */
static uint64_t hash_largest(uint64_t hash, const nb_node *node)
{
    const nb_kernels *k = node->graph->kernels;
    const nb_tensor *x = &node->input[0]->value;
    const nb_slab s = nb_slab_of(x, ((const nb_reduction *)node->config)->axis);
    for (size_t i = 0; i < s.outer * s.inner; i++) {
        const size_t first = i / s.inner * s.along * s.inner + i % s.inner;
        size_t best = 0;
        for (size_t j = 1; j < s.along; j++)
            if (k->get(x->data, first + j * s.inner) > k->get(x->data, first + best * s.inner))
                best = j;
        hash = nb_hash(hash, &best, sizeof best);
    }
    return hash;
}

uint64_t nb_piece(const nb_node *loss)
{
    uint64_t hash = nb_hash_begin;
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        if (!node->needed || !node->op) continue;
        if (nb_promises(node, NB_CORNER))
            hash = hash_signs(hash, &node->input[0]->value, node->graph->kernels);
        if (node->op == &nb_op_max_pool) hash = hash_winners(hash, node);
        if (node->op == &nb_op_max_axis) hash = hash_largest(hash, node);
    }
    return hash;
}

/* --- why both sides are 0 --------------------------------------------------------------------- */

static bool normalizes(const nb_node *node)
{
    return node->op == &nb_op_batch_norm && node->graph->passed.training;
}

/* What batch norm makes of one number for each feature is 0, whatever the number. */
static bool is_alone(const nb_node *norm)
{
    const nb_tensor *x = &norm->input[0]->value;
    const bool channels = ((const nb_batch_norm_options *)norm->config)->channels;
    return nb_tensor_height(x) == 1 && (!channels || nb_tensor_width(x) == x->shape.dim[1]);
}

/* Does the parameter reach the loss; `open`: where batch norm of one number lets it through? */
static bool reaches(const nb_node *loss, const nb_node *parameter, bool open, bool *reached)
{
    enum { gamma_in = 1 }; /* x before it */
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        reached[i] = node == parameter;
        for (size_t j = 0; node->op && node->needed && j < node->op->inputs; j++) {
            const bool closed = !open && j <= gamma_in && normalizes(node) && is_alone(node);
            reached[i] |= !closed && reached[node->input[j]->index];
        }
    }
    return reached[loss->index];
}

/* A bias that goes into the rows of one product, and these only into batch norm. */
static bool before_norm(const nb_node *loss, const nb_node *parameter)
{
    size_t position = 0, into = 0;
    const nb_node *product = nb_only_user(loss, parameter, &position);
    if (!product || position != 2) return false;
    if (product->op != &nb_op_conv2d && !nb_promises(product, NB_PRODUCT)) return false;
    const nb_node *norm = nb_only_user(loss, product, &into);
    return norm && into == 0 && normalizes(norm);
}

nb_status nb_silent_reason(const nb_node *loss, const nb_node *parameter, nb_reason *reason)
{
    bool *reached = nb_alloc(loss->index + 1, sizeof *reached);
    if (!reached) return NB_ENOMEM;
    *reason = NB_VACUOUS;
    if (before_norm(loss, parameter)) *reason = NB_BEFORE_NORM;
    if (!reaches(loss, parameter, false, reached) && reaches(loss, parameter, true, reached))
        *reason = NB_BATCH_OF_ONE;
    nb_free(reached);
    return NB_OK;
}
