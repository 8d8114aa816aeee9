/* Feeding, and the two passes: each stage of a schedule is one task of the pool. */
#include "graph/graph.h"
#include "nablas/blas.h"

#include <math.h>
#include <string.h>

/* --- feeding ---------------------------------------------------------------------------------- */

static nb_status check_value(const nb_node *input, const nb_tensor *value, bool written)
{
    char got[96], want[96];
    const nb_shape found = value->shape;
    if (value->packed && !input->sparse)
        return nb_fail(NB_EINVAL, "nb_feed: %s is no nb_sparse input, the value is packed",
                       nb_node_title(input));
    if (value->dtype != input->value.dtype)
        return nb_fail(NB_EDTYPE, "nb_feed: %s takes %s, not %s", nb_node_title(input),
                       nb_dtype_name(input->value.dtype), nb_dtype_name(value->dtype));
    nb_shape shape = input->shape;
    if (input->batched) shape.dim[0] = found.ndim ? found.dim[0] : 0;
    if (!nb_shape_equal(shape, found) ||
        (input->batched && (shape.dim[0] == 0 || shape.dim[0] > input->graph->max_batch))) {
        if (input->batched) shape.dim[0] = input->graph->max_batch;
        return nb_fail(NB_ESHAPE, "nb_feed: %s is %s, expected %s%s", nb_node_title(input),
                       nb_shape_text(found, got, sizeof got),
                       nb_shape_text(shape, want, sizeof want),
                       input->batched ? " or fewer rows" : "");
    }
    return value->packed ? nb_packed_check(value, written) : NB_OK;
}

static nb_status feed(nb_node *input, const nb_tensor *value, nb_fill fill, void *context)
{
    if (!input || input->role != NB_INPUT || !input->graph->max_batch)
        return nb_fail(NB_EINVAL, "nb_feed: %s is not an input of a finished graph",
                       input ? nb_node_title(input) : "NULL");
    const nb_tensor none = nb_tensor_view(input->value.dtype, input->shape, NULL);
    if (value && !value->data)
        return nb_fail(NB_EINVAL, "nb_feed: the value of %s has no data", nb_node_title(input));
    nb_status status = value ? check_value(input, value, !fill) : NB_OK;
    if (status) return status;
    nb_graph *g = input->graph;
    const nb_tensor now = value ? *value : none;
    if (!now.packed != !input->value.packed) g->planned = NULL;
    input->value = now;
    input->fill = fill;
    input->fill_context = context;
    g->forwarded = NULL;
    return NB_OK;
}

nb_status nb_feed(nb_node *input, const nb_tensor *value)
{
    return feed(input, value, NULL, NULL);
}

nb_status nb_feed_rows(nb_node *input, const nb_tensor *value, nb_fill fill, void *context)
{
    if (!value || !fill)
        return nb_fail(NB_EINVAL, "nb_feed_rows: %s is NULL", value ? "fill" : "value");
    if (input && !input->batched)
        return nb_fail(NB_EINVAL, "nb_feed_rows: %s has no rows of the batch",
                       nb_node_title(input));
    return feed(input, value, fill, context);
}

nb_call nb_node_call(const nb_node *node)
{
    nb_call c = {.kernels = node->graph->kernels,
                 .config = node->head->config,
                 .pass = node->graph->passed,
                 .rows = node->graph->batch,
                 .out = &node->value,
                 .kept = &node->kept,
                 .memory = node->head->memory,
                 .partial = node->head->partial,
                 .scratch = node->graph->scratch,
                 .dout = &node->gradient,
                 .alpha = 1};
    for (size_t i = 0; i < node->runs->inputs; i++) c.in[i] = &nb_run_input(node, i)->value;
    return c;
}

nb_status nb_call_forward(const nb_op *op, const nb_call *c)
{
    nb_status status = NB_OK;
    for (size_t k = 0; k < NB_MAX_PHASES && op->forward[k].run && !status; k++) {
        nb_call call = *c;
        call.input = op->forward[k].input;
        if (nb_phase_applies(&op->forward[k], c))
            status = op->forward[k].run(&call, 0, nb_phase_count(&op->forward[k], c));
    }
    return status;
}

/* --- stages ----------------------------------------------------------------------------------- */

/* A pass through one of the two schedules. */
typedef struct passage {
    nb_graph *g;
    const nb_schedule *schedule;
    bool again;           /* forward: what was prepared from parameters is current */
    const nb_sink *sinks; /* backward: NULL: gradients */
    nb_written written;   /* backward: told of each gradient; NULL: nobody is */
    void *context;        /* for written */
    size_t from, to;      /* steps of the present stage */
} passage;

static const nb_sink *sink_of(const passage *p, const nb_node *parameter)
{
    const nb_sink *sink = p->sinks;
    for (size_t i = 0; i < parameter->index; i++) sink += p->g->node[i]->role == NB_PARAMETER;
    return sink;
}

/* Is there anything to do? */
static bool active(const passage *p, const nb_step_of *step)
{
    if (step->kind == NB_STEP_FILL) return step->node->fill;
    if (step->kind == NB_STEP_ADD) return p->sinks;
    return !(p->again && step->phase->over == NB_INPUT_ROWS &&
             nb_run_input(step->node, step->phase->input)->follows);
}

/* In three ranges, the last one first. */
static nb_status run_split(const nb_phase *phase, const nb_call *c, nb_random *random)
{
    const size_t n = nb_phase_count(phase, c);
    size_t a = (size_t)(nb_random_rand(random) * (double)n);
    size_t b = (size_t)(nb_random_rand(random) * (double)n);
    if (a > b) {
        const size_t swap = a;
        a = b, b = swap;
    }
    nb_status status = b < n ? phase->run(c, b, n) : NB_OK;
    if (!status && a < b) status = phase->run(c, a, b);
    return !status && a > 0 ? phase->run(c, 0, a) : status;
}

static nb_status run_phase(const passage *p, const nb_step_of *step, size_t part, size_t parts)
{
    size_t lo, hi;
    nb_call c = nb_node_call(step->node);
    nb_tensor into;
    c.input = step->phase->input;
    if (c.scratch) c.scratch = (char *)c.scratch + part * p->g->scratch_bytes;
    if (p->schedule == &p->g->backward && step->phase->over == NB_INPUT_ROWS) {
        const nb_node *input = nb_run_input(step->node, c.input);
        c.din = &input->gradient;
        c.beta = step->first ? 0 : 1;
        if (p->sinks && step->direct) {
            const nb_sink *sink = sink_of(p, input);
            into = input->gradient;
            into.data = sink->into;
            c.din = &into;
            c.alpha = sink->alpha;
            c.beta = sink->beta;
        }
    }
    if (p->g->split && !step->alone) return run_split(step->phase, &c, p->g->split);
    nb_phase_share(step->phase, &c, part, parts, &lo, &hi);
    return lo < hi ? step->phase->run(&c, lo, hi) : NB_OK;
}

static nb_status run_fill(nb_node *input, size_t part, size_t parts)
{
    size_t lo, hi;
    nb_share_rows(input->value.shape.dim[0], part, parts, &lo, &hi);
    return lo < hi ? input->fill(input->fill_context, lo, hi) : NB_OK;
}

/* into := alpha gradient + beta into, where the gradient could not go there itself. */
static nb_status run_add(const passage *p, const nb_node *parameter, size_t part, size_t parts)
{
    size_t lo, hi;
    const nb_sink *sink = sink_of(p, parameter);
    nb_tensor into = parameter->gradient;
    into.data = sink->into;
    nb_share_rows(nb_tensor_height(&into), part, parts, &lo, &hi);
    p->g->kernels->scale((hi - lo) * nb_tensor_width(&into), sink->alpha,
                         nb_tensor_at(&parameter->gradient, lo), sink->beta,
                         nb_tensor_at(&into, lo));
    return NB_OK;
}

static nb_status run_stage(void *context, size_t part, size_t parts)
{
    const passage *p = context;
    nb_status status = NB_OK;
    for (size_t i = p->from; i < p->to && !status; i++) {
        const nb_step_of *step = &p->schedule->step[i];
        const size_t of = step->alone ? 1 : parts;
        if (part >= of || !active(p, step)) continue;
        if (step->kind == NB_STEP_PHASE)
            status = run_phase(p, step, part, of);
        else
            status = step->kind == NB_STEP_FILL ? run_fill(step->node, part, of)
                                                : run_add(p, step->node, part, of);
    }
    return status;
}

/* Wake the pool's threads for the stages in which there is something to share. */
static nb_status run_shared(passage *p)
{
    const nb_schedule *s = p->schedule;
    nb_status status = NB_OK;
    for (p->from = 0; p->from < s->steps && !status; p->from = p->to) {
        bool any = false, shared = false;
        for (p->to = p->from; p->to < s->steps; p->to++) {
            const nb_step_of *step = &s->step[p->to];
            if (step->stage != s->step[p->from].stage) break;
            any |= active(p, step);
            shared |= active(p, step) && !step->alone;
        }
        if (any) status = nb_pool_run(shared ? p->g->pool : NULL, run_stage, p);
    }
    return status;
}

static nb_status run_step(passage *p, size_t i)
{
    const nb_step_of *step = &p->schedule->step[i];
    const bool shared = !step->alone && nb_blas_concurrent();
    p->from = i;
    p->to = i + 1;
    return nb_pool_run(shared ? p->g->pool : NULL, run_stage, p);
}

/* The operation whose backward step is the last to write the parameter's gradient; NULL: none is. */
static const nb_node *last_writer(const passage *p, const nb_node *parameter)
{
    const nb_node *last = NULL;
    for (size_t i = 0; i < p->schedule->steps; i++) {
        const nb_step_of *step = &p->schedule->step[i];
        if (step->kind == NB_STEP_PHASE && step->phase->over == NB_INPUT_ROWS &&
            nb_run_input(step->node, step->phase->input) == parameter &&
            (!last || step->node->index < last->index))
            last = step->node;
    }
    return last;
}

/* Gradients to their sinks that nothing after `writer` adds to. */
static nb_status settle(passage *p, const nb_node *writer)
{
    nb_status status = NB_OK;
    for (size_t k = p->g->nodes; k-- > 0 && !status;) {
        const nb_node *parameter = p->g->node[k];
        if (parameter->role != NB_PARAMETER || last_writer(p, parameter) != writer) continue;
        for (size_t i = 0; i < p->schedule->steps && !status; i++)
            if (p->schedule->step[i].kind == NB_STEP_ADD && p->schedule->step[i].node == parameter)
                status = run_step(p, i);
        if (!status) p->written(parameter, p->context);
    }
    return status;
}

/* Node by node, from the loss: the gradients of the last layers are complete first. */
static nb_status run_nodes(passage *p)
{
    nb_status status = NB_OK;
    for (size_t k = p->g->nodes; k-- > 0 && !status;) {
        const nb_node *node = p->g->node[k];
        bool ran = false;
        for (size_t i = 0; i < p->schedule->steps && !status; i++) {
            if (p->schedule->step[i].kind != NB_STEP_PHASE || p->schedule->step[i].node != node)
                continue;
            ran = true;
            status = run_step(p, i);
        }
        if (ran && !status) status = settle(p, node);
    }
    return status ? status : settle(p, NULL);
}

/* With one thread for each product of BLAS, whatever was set: so bits depend on the rows alone. */
static nb_status run_stages(passage *p)
{
    nb_status status;
    p->to = p->schedule->steps;
    nb_blas_begin_single();
    if (p->written)
        status = run_nodes(p);
    else if (!p->g->split && nb_pool_threads(p->g->pool) > 1 && nb_blas_concurrent())
        status = run_shared(p);
    else
        status = run_stage(p, 0, 1);
    nb_blas_end_single();
    return status;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* The batch that the needed inputs agree on, and the shapes that follow from it. */
static nb_status set_batch(nb_node *target)
{
    nb_graph *g = target->graph;
    const nb_node *leader = NULL;
    for (size_t i = 0; i <= target->index; i++) {
        const nb_node *node = g->node[i];
        if (node->role != NB_INPUT || !node->needed) continue;
        if (!node->value.data)
            return nb_fail(NB_EINVAL, "nb_forward: the input %s was not fed", nb_node_title(node));
        if (!node->batched) continue;
        if (leader && leader->value.shape.dim[0] != node->value.shape.dim[0])
            return nb_fail(NB_ESHAPE, "nb_forward: %s has %zu rows, %s has %zu",
                           nb_node_title(leader), leader->value.shape.dim[0], nb_node_title(node),
                           node->value.shape.dim[0]);
        leader = node;
    }
    const size_t batch = leader ? leader->value.shape.dim[0] : 1;
    for (size_t i = 0; i <= target->index; i++) {
        nb_node *node = g->node[i];
        if (node->role != NB_OPERATION || !node->needed || !node->batched) continue;
        node->value.shape.dim[0] = node->gradient.shape.dim[0] = node->kept.shape.dim[0] = batch;
    }
    g->batch = batch;
    return NB_OK;
}

static nb_status forward(nb_node *target, bool again)
{
    nb_status status;
    if (!target || !target->graph->max_batch)
        return nb_fail(NB_EINVAL, "nb_forward: %s",
                       target ? "the graph is not finished" : "target is NULL");
    nb_graph *g = target->graph;
    g->forwarded = NULL;
    nb_graph_plan(target);
    if ((status = set_batch(target))) return status;
    g->passed = g->pass;
    if ((status = run_stages(&(passage){.g = g, .schedule = &g->forward, .again = again})))
        return status;
    for (size_t i = 0; i <= target->index; i++)
        if (g->node[i]->needed) g->node[i]->fill = NULL;
    g->forwarded = target;
    return NB_OK;
}

nb_status nb_forward(nb_node *target)
{
    return forward(target, false);
}

nb_status nb_forward_again(nb_node *target)
{
    return forward(target, true);
}

/* --- backward --------------------------------------------------------------------------------- */

/* Nobody writes the gradient of a parameter that the loss does not depend on, or of a node on which
 * it depends only through operations without a gradient: it is 0. Operations that the loss does not
 * need have no gradient at all, see nb_gradient. */
static void clear_unwritten(const nb_graph *g)
{
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        if (!node->gradient.data || node->written) continue;
        if (node->role != NB_PARAMETER && (!node->needed || node->inner)) continue;
        memset(node->gradient.data, 0, nb_tensor_count(&node->gradient) * g->kernels->size);
    }
}

static nb_status check_sinks(const nb_graph *g, const nb_sink *sinks)
{
    for (size_t i = 0, k = 0; i < g->nodes; i++)
        if (g->node[i]->role == NB_PARAMETER && !sinks[k++].into)
            return nb_fail(NB_EINVAL, "nb_backward_into: the sink of %s is NULL",
                           nb_node_title(g->node[i]));
    return NB_OK;
}

static nb_status backward(nb_node *loss, const nb_sink *sinks, nb_written written, void *context)
{
    char text[96];
    if (!loss) return nb_fail(NB_EINVAL, "nb_backward: loss is NULL");
    nb_graph *g = loss->graph;
    if (nb_tensor_count(&loss->value) != 1)
        return nb_fail(NB_ESHAPE, "nb_backward: %s is %s, expected a scalar", nb_node_title(loss),
                       nb_shape_text(loss->shape, text, sizeof text));
    if (g->forwarded != loss)
        return nb_fail(NB_EINVAL, "nb_backward: no nb_forward(%s) since the last feed or step",
                       nb_node_title(loss));
    nb_status status = sinks ? check_sinks(g, sinks) : NB_OK;
    if (status) return status;
    clear_unwritten(g);
    if (loss->gradient.data) g->kernels->set(loss->gradient.data, 0, 1);
    status = run_stages(&(passage){
        .g = g, .schedule = &g->backward, .sinks = sinks, .written = written, .context = context});
    if (sinks) g->forwarded = NULL;
    for (size_t i = 0, k = 0; sinks && i < g->nodes; i++) {
        nb_node *node = g->node[i];
        if (node->role != NB_PARAMETER) continue;
        node->follows = node->direct && sinks[k].into == node->value.data;
        k++;
    }
    return status;
}

nb_status nb_backward_into(nb_node *loss, const nb_sink *sinks)
{
    return backward(loss, sinks, NULL, NULL);
}

nb_status nb_backward_told(nb_node *loss, const nb_sink *sinks, nb_written written, void *context)
{
    if (!sinks || !written)
        return nb_fail(NB_EINVAL, "nb_backward_told: %s is NULL", sinks ? "written" : "sinks");
    const nb_graph *g = loss ? loss->graph : NULL;
    for (size_t i = 0, k = 0; g && i < g->nodes; i++)
        if (g->node[i]->role == NB_PARAMETER && sinks[k++].into == g->node[i]->value.data)
            return nb_fail(NB_EINVAL, "nb_backward_told: the sink of %s is the parameter itself",
                           nb_node_title(g->node[i]));
    return backward(loss, sinks, written, context);
}

nb_status nb_backward(nb_node *loss)
{
    return nb_backward_into(loss, NULL);
}

nb_status nb_descend(nb_node *loss, double lr)
{
    if (!isfinite(lr)) return nb_fail(NB_EINVAL, "nb_descend: lr=%g", lr);
    if (!loss || !loss->graph->max_batch)
        return nb_fail(NB_EINVAL, "nb_descend: %s",
                       loss ? "the graph is not finished" : "loss is NULL");
    nb_graph *g = loss->graph;
    for (size_t i = 0, k = 0; i < g->nodes; i++)
        if (g->node[i]->role == NB_PARAMETER)
            g->sink[k++] = (nb_sink){g->node[i]->value.data, -lr, 1};
    return nb_backward_into(loss, g->sink);
}
