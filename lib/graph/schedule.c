/* The schedule: the phases of all operations that a target needs are assigned to stages. In a stage
 * each thread runs its share of every step, in order; there is a barrier between stages. A step
 * belongs to the earliest stage in which its inputs are available:
 *
 *   a step over rows of the batch that reads the same rows of values computed by rows of the batch:
 *   the same stage, because the thread has computed these rows itself;
 *   any other: the stage after that of its inputs.
 *
 * A multilayer perceptron has one stage of rows forward, one of rows backward, one of parameters.
 * The batch is fetched (nb_feed_rows) in the stage of its first reader, while it is in cache. */
#include "graph/graph.h"
#include "nablas/blas.h"
#include "nablas/memory.h"
#include "op/ops.h"

#include <stdio.h>
#include <string.h>

/* The first stages in which an array may be read: its own rows by each thread, all by any thread.
 */
typedef struct ready {
    size_t rows, all;
} ready;

/* Of a node: its value, or its gradient. */
struct nb_mark {
    ready ready;
};

static size_t later(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* --- phases ----------------------------------------------------------------------------------- */

size_t nb_phase_count(const nb_phase *phase, const nb_call *c)
{
    switch (phase->over) {
    case NB_ROWS:
        return nb_tensor_height(c->out);
    case NB_INPUT_ROWS:
        return nb_tensor_height(c->in[phase->input]);
    case NB_GROUPS:
        return nb_groups(c->rows);
    default:
        return 1;
    }
}

void nb_phase_share(const nb_phase *phase, const nb_call *c, size_t part, size_t parts, size_t *lo,
                    size_t *hi)
{
    const size_t count = nb_phase_count(phase, c);
    if (phase->over == NB_GROUPS)
        nb_share(count, part, parts, lo, hi);
    else
        nb_share_rows(count, part, parts, lo, hi);
}

bool nb_phase_applies(const nb_phase *phase, const nb_call *c)
{
    return !phase->packed_only || c->in[0]->packed;
}

static bool alone(const nb_node *node, const nb_phase *phase)
{
    return phase->over == NB_ONCE || phase->over == NB_DRAW ||
           !(node->runs->promises & (NB_BY_ROW | NB_BY_ELEMENT));
}

/* When a step of a stage has run, what it wrote may be read. */
static ready written_in(size_t stage, bool by_one)
{
    return (ready){by_one ? stage + 1 : stage, stage + 1};
}

static nb_step_of *append(nb_schedule *s, nb_step_of step)
{
    s->step[s->steps] = step;
    return &s->step[s->steps++];
}

/* By stage; what was appended first stays first. */
static void sort(nb_schedule *s)
{
    s->stages = 0;
    for (size_t i = 0; i < s->steps; i++) {
        const nb_step_of step = s->step[i];
        size_t at = i;
        for (; at > 0 && s->step[at - 1].stage > step.stage; at--) s->step[at] = s->step[at - 1];
        s->step[at] = step;
        s->stages = later(s->stages, step.stage + 1);
    }
}

/* --- forward ---------------------------------------------------------------------------------- */

static size_t forward_stage(const nb_graph *g, const nb_node *node, const nb_phase *phase)
{
    const bool by_one = alone(node, phase);
    size_t stage = 0;
    if (phase->over == NB_DRAW) return 0;
    for (size_t i = 0; i < nb_run_inputs(node); i++) {
        const nb_node *input = nb_run_input(node, i);
        const ready r = g->mark[input->index].ready;
        const bool same_rows =
            !by_one && input->batched &&
            (phase->over == NB_INPUT_ROWS || (phase->over == NB_ROWS && node->batched));
        if (phase->over == NB_INPUT_ROWS && i != phase->input) continue;
        stage = later(stage, same_rows ? r.rows : r.all);
    }
    return stage;
}

static void plan_operation(nb_graph *g, nb_node *node)
{
    const nb_call c = nb_node_call(node);
    ready before = {0, 0};
    for (size_t k = 0; k < NB_MAX_PHASES && node->runs->forward[k].run; k++) {
        const nb_phase *phase = &node->runs->forward[k];
        if (!nb_phase_applies(phase, &c)) continue;
        const bool by_one = alone(node, phase);
        const size_t stage = later(forward_stage(g, node, phase), before.all);
        append(&g->forward,
               (nb_step_of){.node = node, .phase = phase, .stage = stage, .alone = by_one});
        before = written_in(stage, by_one || phase->over != NB_ROWS || !node->batched);
    }
    g->mark[node->index].ready = before;
}

/* The stage of the first step that reads the input's rows, for the thread that does so. */
static size_t first_reader(const nb_schedule *s, const nb_node *input)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < s->steps; i++) {
        const nb_step_of *step = &s->step[i];
        for (size_t j = 0; step->kind == NB_STEP_PHASE && j < nb_run_inputs(step->node); j++) {
            if (nb_run_input(step->node, j) != input) continue;
            const nb_over over = step->phase->over;
            const bool same_rows =
                !step->alone && ((over == NB_ROWS && step->node->batched) ||
                                 (over == NB_INPUT_ROWS && step->phase->input == j));
            const bool reads =
                over != NB_DRAW && (over != NB_INPUT_ROWS || step->phase->input == j);
            const size_t stage = same_rows || step->stage == 0 ? step->stage : step->stage - 1;
            if (reads && stage < first) first = stage;
        }
    }
    return first == SIZE_MAX ? 0 : first;
}

static void plan_forward(nb_node *target)
{
    nb_graph *g = target->graph;
    nb_schedule *s = &g->forward;
    s->steps = 0;
    for (size_t i = 0; i <= target->index; i++) {
        nb_node *node = g->node[i];
        g->mark[i] = (struct nb_mark){0};
        if (!node->needed) continue;
        if (node->role == NB_OPERATION && !node->inner) plan_operation(g, node);
        if (node->role != NB_INPUT || !node->batched) continue;
        append(s, (nb_step_of){.kind = NB_STEP_FILL, .node = node});
        g->mark[i].ready = written_in(0, false);
    }
    for (size_t i = 0; i < s->steps; i++)
        if (s->step[i].kind == NB_STEP_FILL) s->step[i].stage = first_reader(s, s->step[i].node);
    sort(s);
}

/* --- backward --------------------------------------------------------------------------------- */

static bool has_input(const nb_node *node, const nb_node *input)
{
    for (size_t j = 0; j < nb_run_inputs(node); j++)
        if (nb_run_input(node, j) == input) return true;
    return false;
}

/* A phase that writes a gradient, after those that prepare it. */
static void plan_gradient(nb_graph *g, nb_node *node, const nb_phase *phase, ready before)
{
    nb_node *input = nb_run_input(node, phase->input);
    const bool by_one = alone(node, phase);
    const ready from = g->mark[node->index].ready;
    ready *to = &g->mark[input->index].ready;
    const bool same_rows = !by_one && node->batched && input->batched;
    size_t stage = same_rows ? later(from.rows, before.rows) : later(from.all, before.all);
    stage = later(stage, by_one ? to->all : to->rows);
    append(&g->backward,
           (nb_step_of){.node = node,
                        .phase = phase,
                        .stage = stage,
                        .alone = by_one,
                        .first = !input->written,
                        .direct = input->role == NB_PARAMETER && input->uses == 1 &&
                                  node->batched && (node->runs->promises & NB_FUSES)});
    const ready written = written_in(stage, by_one);
    *to = (ready){later(to->rows, written.rows), later(to->all, written.all)};
    input->written = true;
}

static void plan_node_backward(nb_graph *g, nb_node *node)
{
    const ready from = g->mark[node->index].ready;
    const nb_call c = nb_node_call(node);
    ready before = {0, 0};
    for (size_t k = 0; k < NB_MAX_PHASES && node->runs->backward[k].run; k++) {
        const nb_phase *phase = &node->runs->backward[k];
        if (!nb_phase_applies(phase, &c)) continue;
        if (phase->over == NB_INPUT_ROWS) {
            if (nb_run_input(node, phase->input)->needs_gradient)
                plan_gradient(g, node, phase, before);
            continue;
        }
        const bool by_one = alone(node, phase);
        const bool same_rows = !by_one && phase->over == NB_ROWS && node->batched;
        const size_t stage = later(same_rows ? from.rows : from.all, before.all);
        append(&g->backward,
               (nb_step_of){.node = node, .phase = phase, .stage = stage, .alone = by_one});
        before = written_in(stage, !same_rows);
    }
}

/* Does the step need the parameter's value? Not where it writes the gradient of another parameter and
 * its operation promises NB_FUSES. */
static bool reads(const nb_step_of *step, const nb_node *parameter)
{
    if (step->kind != NB_STEP_PHASE || !has_input(step->node, parameter)) return false;
    const nb_node *written = step->phase->over == NB_INPUT_ROWS
                                 ? nb_run_input(step->node, step->phase->input)
                                 : parameter;
    return written == parameter || written->batched || !step->node->batched ||
           !(step->node->runs->promises & NB_FUSES);
}

/* The stage after the last step, other than `writer`, that reads the parameter. */
static size_t after_readers(const nb_schedule *s, const nb_node *parameter,
                            const nb_step_of *writer)
{
    size_t stage = 0;
    for (size_t i = 0; i < s->steps; i++)
        if (&s->step[i] != writer && reads(&s->step[i], parameter))
            stage = later(stage, s->step[i].stage + 1);
    return stage;
}

/* A parameter is written after the last step that reads its old value: directly by the step that
 * computes its gradient, or by a separate step that adds the gradient. */
static void plan_parameter(nb_graph *g, nb_node *parameter)
{
    nb_schedule *s = &g->backward;
    nb_step_of *direct = NULL;
    for (size_t i = 0; i < s->steps; i++) {
        nb_step_of *step = &s->step[i];
        if (step->direct && nb_run_input(step->node, step->phase->input) == parameter)
            direct = step;
    }
    const size_t stage = after_readers(s, parameter, direct);
    parameter->direct = direct;
    if (direct)
        direct->stage = later(direct->stage, stage);
    else
        append(s, (nb_step_of){.kind = NB_STEP_ADD, .node = parameter, .stage = stage});
}

static void plan_backward(nb_node *loss)
{
    nb_graph *g = loss->graph;
    nb_schedule *s = &g->backward;
    s->steps = 0;
    memset(g->mark, 0, g->nodes * sizeof *g->mark);
    for (size_t i = 0; i < g->nodes; i++) g->node[i]->written = g->node[i] == loss;
    for (size_t i = loss->index + 1; i-- > 0;) {
        nb_node *node = g->node[i];
        if (node->needed && node->op && node->needs_gradient && node->written)
            plan_node_backward(g, node);
    }
    for (size_t i = 0; i < g->nodes; i++)
        if (g->node[i]->role == NB_PARAMETER) plan_parameter(g, g->node[i]);
    sort(s);
}

/* --- both ------------------------------------------------------------------------------------- */

/* Which nodes are computed as one: see nb_graph_join. */
static void plan_joins(nb_graph *g)
{
    for (size_t i = 0; i < g->nodes; i++) {
        nb_node *node = g->node[i], *first = node->op ? node->input[0] : NULL;
        node->runs = node->op;
        node->head = node;
        node->inner = false;
        if (!g->joins || !node->needed || !first || !first->op || first->uses != 1) continue;
        const nb_op *joined = nb_op_joined(first->runs, node->op, node->config);
        if (!joined) continue;
        node->runs = joined;
        node->head = first->head;
        first->inner = true;
    }
}

void nb_graph_plan(nb_node *target)
{
    nb_graph *g = target->graph;
    if (g->planned == target) return;
    for (size_t i = 0; i < g->nodes; i++) g->node[i]->needed = false;
    target->needed = true;
    for (size_t i = target->index + 1; i-- > 0;)
        for (size_t j = 0; g->node[i]->needed && j < nb_node_inputs(g->node[i]); j++)
            g->node[i]->input[j]->needed = true;
    plan_joins(g);
    plan_forward(target);
    plan_backward(target);
    g->planned = target;
}

static size_t phases(const nb_phase *phase)
{
    size_t count = 0;
    while (count < NB_MAX_PHASES && phase[count].run) count++;
    return count;
}

nb_status nb_graph_schedule_create(nb_graph *g)
{
    size_t forward = 0, backward = 0, parameters = 0;
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        forward += node->op ? phases(node->op->forward) : node->role == NB_INPUT;
        backward += node->op ? phases(node->op->backward) : node->role == NB_PARAMETER;
        parameters += node->role == NB_PARAMETER;
    }
    g->forward.step = nb_alloc(forward, sizeof *g->forward.step);
    g->backward.step = nb_alloc(backward, sizeof *g->backward.step);
    g->mark = nb_alloc_zero(g->nodes, sizeof *g->mark);
    g->sink = nb_alloc(parameters, sizeof *g->sink);
    return g->forward.step && g->backward.step && g->mark && g->sink ? NB_OK : NB_ENOMEM;
}

void nb_graph_schedule_destroy(nb_graph *g)
{
    nb_free(g->forward.step);
    nb_free(g->backward.step);
    nb_free(g->mark);
    nb_free(g->sink);
}

/* --- as text ---------------------------------------------------------------------------------- */

static const char *const over_names[] = {"rows", "rows of", "groups of rows", "once", "draw"};

static void describe(const nb_step_of *step, bool backward, char *text, size_t size)
{
    const nb_node *node = step->node;
    if (step->kind == NB_STEP_FILL || step->kind == NB_STEP_ADD) {
        snprintf(text, size, "%s %s", step->kind == NB_STEP_FILL ? "fetch" : "add to",
                 nb_node_title(node));
        return;
    }
    const bool of = step->phase->over == NB_INPUT_ROWS;
    const char *name = node->name ? node->name : "";
    snprintf(text, size, "%s%s%s: %s%s%s%s%s", node->runs->name, *name ? " " : "", name,
             backward && of ? "gradient, " : "", over_names[step->phase->over], of ? " " : "",
             of ? nb_node_title(nb_run_input(node, step->phase->input)) : "",
             step->alone ? ", one thread" : "");
}

static size_t write_schedule(const nb_schedule *s, bool backward, char *text, size_t size,
                             size_t used)
{
    for (size_t i = 0, stage = 0; i < s->steps; i++) {
        char line[160];
        const nb_step_of *step = &s->step[i];
        const bool fetch = step->kind == NB_STEP_FILL && !step->node->fill;
        char *at = used < size ? text + used : NULL;
        if (i == 0 || step->stage != s->step[i - 1].stage) {
            used += (size_t)snprintf(at, at ? size - used : 0, "%s, stage %zu\n",
                                     backward ? "backward" : "forward", ++stage);
            at = used < size ? text + used : NULL;
        }
        if (fetch) continue;
        describe(step, backward, line, sizeof line);
        used += (size_t)snprintf(at, at ? size - used : 0, "    %s%s\n", line,
                                 step->kind == NB_STEP_ADD ? " (descent only)" : "");
    }
    return used;
}

size_t nb_graph_schedule_text(nb_node *target, char *text, size_t size)
{
    if (!target || !target->graph->max_batch || (size && !text)) return 0;
    nb_node *before = target->graph->planned; /* whose backward pass may still come */
    if (size) *text = 0;
    nb_graph_plan(target);
    size_t used = write_schedule(&target->graph->forward, false, text, size, 0);
    if (target->needs_gradient && nb_tensor_count(&target->value) == 1)
        used = write_schedule(&target->graph->backward, true, text, size, used);
    if (before) nb_graph_plan(before);
    return used;
}
