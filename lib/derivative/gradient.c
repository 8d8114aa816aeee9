/* nb_gradient_check: backpropagation through a graph against its differences. */
#include "nablas/gradient.h"
#include "derivative/decide.h"
#include "derivative/pieces.h"
#include "derivative/promise.h"
#include "derivative/term.h"
#include "derivative/training.h"
#include "graph/graph.h"
#include "nablas/memory.h"
#include "numeric/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The graph in float64, as it is and in its exact form. */
typedef struct checking {
    nb_check_options options;
    nb_node *loss, *exact; /* the same where there is no other form */
    nb_judge judge;
    nb_random stream; /* the copy that masks are drawn from */
    nb_node *given;   /* the caller's */
    nb_training training;
} checking;

/* --- the exact form --------------------------------------------------------------------------- */

static bool has_exact(const nb_node *node)
{
    return node->op && node->op->exact;
}

/* A copy in which every operation is the function that its backward differentiates; the graph itself
 * if it is so already. */
static nb_status make_exact(checking *k)
{
    nb_graph *exact;
    bool changed = false;
    k->exact = k->loss;
    for (size_t i = 0; i <= k->loss->index; i++) changed |= has_exact(k->loss->graph->node[i]);
    nb_status status = changed ? nb_graph_cast(k->loss->graph, NB_FLOAT64, &exact) : NB_OK;
    if (status || !changed) return status;
    changed = false;
    for (size_t i = 0; i < exact->nodes; i++)
        if (has_exact(exact->node[i])) changed |= exact->node[i]->op->exact(exact->node[i]->config);
    if (!changed) {
        nb_graph_destroy(exact);
        return NB_OK;
    }
    k->exact = exact->node[k->loss->index];
    status = nb_graph_set_pool(exact, nb_graph_pool(k->loss->graph));
    return status ? status : nb_forward(k->exact);
}

/* --- one parameter ---------------------------------------------------------------------------- */

static nb_status differentiate(const checking *k, nb_node *loss, nb_node *parameter,
                               nb_tensor *numerical)
{
    nb_tensor whole;
    const double h = k->options.h;
    if (!k->options.richardson) return nb_graph_numerical_gradient(loss, parameter, h, numerical);
    nb_status status = nb_tensor_create(&whole, NB_FLOAT64, numerical->shape);
    if (!status) status = nb_graph_numerical_gradient(loss, parameter, h, &whole);
    if (!status) status = nb_graph_numerical_gradient(loss, parameter, h / 2, numerical);
    if (!status) nb_check_extrapolate(nb_tensor_count(&whole), whole.data, numerical->data);
    nb_tensor_destroy(&whole);
    return status;
}

static void name_row(const nb_node *parameter, nb_gradient_row *row)
{
    snprintf(row->name, sizeof row->name, "%s", nb_node_name(parameter));
    row->ndim = parameter->shape.ndim;
    _Static_assert(sizeof row->dim == sizeof parameter->shape.dim, "NB_CHECK_DIMS");
    memcpy(row->dim, parameter->shape.dim, sizeof row->dim);
    row->count = nb_tensor_count(&parameter->value);
}

static void say_precision(const nb_node *parameter, nb_gradient_report *report)
{
    if (*report->broken) return;
    report->breach = NB_BREACH_PRECISION;
    snprintf(report->broken, sizeof report->broken,
             "%s: the gradient of %s in float32 is not that in float64, to rounding",
             nb_breach_name(report->breach), nb_node_title(parameter));
}

static nb_status decide(checking *k, nb_node *parameter, const double *numerical,
                        const double *exact, nb_gradient_report *report)
{
    nb_gradient_row *row = &report->row[report->count - 1];
    const nb_node *trained =
        k->training.loss ? k->training.loss->graph->node[parameter->index] : NULL;
    const bool single = trained && trained->graph->dtype == NB_FLOAT32;
    nb_deciding d = {.judge = &k->judge,
                     .parameter = parameter,
                     .c = {.count = nb_tensor_count(&parameter->value),
                           .x = nb_value(parameter)->data,
                           .numerical = numerical,
                           .exact = exact,
                           .analytic = nb_gradient(parameter)->data,
                           .f = nb_scalar(k->loss)},
                     .f = nb_scalar(k->loss),
                     .f_exact = nb_scalar(k->exact),
                     .h = k->options.h,
                     .options = &k->options,
                     .training = &k->training,
                     .single = single ? trained->gradient.data : NULL,
                     .sway = k->training.sway[report->count - 1]};
    nb_status status = nb_silent_reason(k->loss, parameter, &d.c.silent);
    if (status) return status;
    nb_check_compare(&d.c, row);
    status = nb_decide(&d, row);
    if (d.apart) say_precision(parameter, report);
    return status ? status : nb_name_term(k->loss, parameter, &d.c, row);
}

static nb_status check_parameter(checking *k, nb_node *parameter, nb_gradient_report *report)
{
    nb_tensor numerical, exact = {0};
    name_row(parameter, &report->row[report->count++]);
    nb_status status = nb_tensor_create(&numerical, NB_FLOAT64, parameter->shape);
    if (!status) status = differentiate(k, k->loss, parameter, &numerical);
    if (!status && k->exact != k->loss) {
        status = nb_tensor_create(&exact, NB_FLOAT64, parameter->shape);
        if (!status)
            status = differentiate(k, k->exact, k->exact->graph->node[parameter->index], &exact);
    }
    const double *other = exact.data ? exact.data : numerical.data;
    if (!status) status = decide(k, parameter, numerical.data, other, report);
    nb_tensor_destroy(&numerical);
    nb_tensor_destroy(&exact);
    return status;
}

/* --- promises --------------------------------------------------------------------------------- */

static bool is_ours(const nb_op *op)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (nb_op_at(i) == op) return true;
    return false;
}

/* The node's operation with the values that it has in this pass. */
static nb_status check_promises(const nb_node *node, nb_gradient_report *report)
{
    nb_probe probe = {.op = node->op,
                      .config = node->config,
                      .pass = node->graph->passed,
                      .kept = &node->kept,
                      .memory = node->memory};
    probe.pass.frozen = true;
    for (size_t i = 0; i < node->op->inputs; i++) {
        probe.in[i] = node->input[i]->value;
        probe.batched[i] = node->input[i]->batched;
        probe.constant[i] = !node->input[i]->needs_gradient;
    }
    return nb_promises_check(&probe, &report->breach, report->broken, sizeof report->broken);
}

/* --- the whole graph -------------------------------------------------------------------------- */

static size_t parameters(const nb_graph *g)
{
    size_t count = 0;
    for (size_t i = 0; i < g->nodes; i++) count += g->node[i]->role == NB_PARAMETER;
    return count;
}

/* The pass that is checked: masks are drawn once, from a copy of the stream, and stay. The stream
 * stays too, for operations that draw though they must not. */
static nb_status forward_frozen(checking *k)
{
    nb_graph *g = k->loss->graph;
    nb_pass pass = g->pass;
    if (pass.random) {
        k->stream = *pass.random;
        pass.random = &k->stream;
    }
    nb_graph_set_pass(g, pass);
    nb_status status = pass.frozen ? NB_OK : nb_forward(k->loss);
    pass.frozen = true;
    nb_graph_set_pass(g, pass);
    return status ? status : nb_forward(k->loss);
}

static uint64_t hash_of(const nb_node *node)
{
    const nb_tensor *t = &node->value;
    const bool any = node->needed && t->data && !t->packed;
    return any ? nb_hash(nb_hash_begin, t->data, nb_tensor_count(t) * nb_dtype_size(t->dtype)) : 0;
}

/* What a second pass is not to change. */
typedef struct disorder {
    const nb_node *node; /* the first whose value is another; NULL: none */
    nb_reason reason;
} disorder;

static nb_status find_disorder(checking *k, disorder *found)
{
    const nb_random before = k->stream;
    const nb_graph *g = k->loss->graph;
    uint64_t *hash = nb_alloc(k->loss->index + 1, sizeof *hash);
    if (!hash) return NB_ENOMEM;
    for (size_t i = 0; i <= k->loss->index; i++) hash[i] = hash_of(g->node[i]);
    nb_status status = nb_forward(k->loss);
    for (size_t i = 0; i <= k->loss->index && !found->node && !status; i++)
        if (hash[i] != hash_of(g->node[i])) found->node = g->node[i];
    nb_free(hash);
    if (!found->node) return status;
    const bool drawn = memcmp(&before, &k->stream, sizeof before) != 0;
    found->reason = !found->node->op ? NB_OVERWRITTEN : drawn ? NB_REDRAWN : NB_NONDETERMINISTIC;
    return status;
}

/* Backward of one node against its forward, whatever the loss makes of it; what differs, in words. */
static nb_status check_transposes(checking *k, nb_node *node, nb_gradient_report *report)
{
    const size_t size = sizeof report->first;
    nb_status status = nb_judge_ready(&k->judge);
    for (size_t i = 0; i < node->op->inputs && !status && !*report->first; i++) {
        nb_adjoint adjoint = {.agrees = true};
        double amount;
        if (!node->input[i]->needs_gradient) continue;
        status = nb_judge_adjoint(&k->judge, node, i, &adjoint);
        if (status || adjoint.agrees) continue;
        status = nb_judge_slip(&k->judge, node, i, &report->first_slip, &amount);
        const int length =
            snprintf(report->first, size,
                     "%s: backward does not give the gradient of its input %zu that forward has",
                     nb_node_title(node), i);
        char name[120];
        nb_check_slip_text(nb_node_title(node->input[i]), report->first_slip, amount, name,
                           sizeof name);
        if (*name && length > 0 && (size_t)length < size)
            snprintf(report->first + length, size - (size_t)length, "; %s", name);
    }
    return status;
}

/* The first operation, from the loss on, whose backward is wrong: below it all are wrong that depend
 * on it. */
static nb_status find_first(checking *k, nb_gradient_report *report)
{
    const nb_graph *g = k->loss->graph;
    size_t wrong = 0;
    nb_status status = NB_OK;
    for (size_t i = 0; i < report->count; i++) wrong += report->row[i].tally[NB_WRONG];
    for (size_t i = k->loss->index + 1; i-- > 0 && wrong && !status && !*report->first;)
        if (g->node[i]->needed && g->node[i]->op) status = check_transposes(k, g->node[i], report);
    return status;
}

static nb_status prepare(checking *k)
{
    nb_status status = nb_backward(k->loss);
    if (!status) status = make_exact(k);
    k->judge = (nb_judge){.loss = k->loss, .exact = k->exact};
    return status ? status : nb_training_create(&k->training, k->given, &k->judge);
}

/* Of operations that are not nablas's. */
static nb_status check_operations(checking *k, nb_gradient_report *report)
{
    const nb_graph *g = k->loss->graph;
    nb_status status = NB_OK;
    for (size_t i = 0; i < g->nodes && !status && !*report->broken; i++) {
        nb_node *node = g->node[i];
        if (!node->needed || !node->op || is_ours(node->op)) continue;
        status = check_promises(node, report);
        if (status || *report->broken) break;
        status = check_transposes(k, node, report);
        if (!*report->first) continue;
        report->breach = NB_BREACH_BACKWARD;
        memcpy(report->broken, report->first, sizeof report->broken);
    }
    return status;
}

static nb_status check_training(checking *k, nb_gradient_report *report)
{
    if (*report->broken) return NB_OK;
    return nb_training_run(&k->training, &report->breach, report->broken, sizeof report->broken);
}

/* Along a random direction of all parameters, where nothing else is wrong. */
static nb_status check_direction(checking *k, nb_gradient_report *report)
{
    bool agrees = true;
    nb_gradient_element e;
    for (size_t i = 0; i < report->count; i++)
        for (size_t r = NB_UNRESOLVED; r < NB_REASONS; r++) agrees &= report->row[i].tally[r] == 0;
    if (!agrees || *report->broken) return NB_OK;
    nb_status status = nb_check_direction(&k->judge, NULL, k->training.rounding, &e, &agrees);
    if (status || agrees) return status;
    report->breach = NB_BREACH_DIRECTION;
    snprintf(report->broken, sizeof report->broken,
             "%s: along a random direction of all parameters the loss changes by %g, the gradient "
             "says %g",
             nb_breach_name(report->breach), e.numerical, e.analytic);
    return NB_OK;
}

static nb_status check_elements(checking *k, nb_gradient_report *report)
{
    const nb_graph *g = k->loss->graph;
    nb_status status = check_operations(k, report);
    if (!status) status = check_training(k, report);
    for (size_t i = 0; i < g->nodes && !status; i++)
        if (g->node[i]->role == NB_PARAMETER) status = check_parameter(k, g->node[i], report);
    if (!status) status = find_first(k, report);
    return status ? status : check_direction(k, report);
}

/* One direction of each parameter: a row with one element. */
static nb_status check_directions(checking *k, nb_gradient_report *report)
{
    const nb_graph *g = k->loss->graph;
    nb_status status = check_operations(k, report);
    if (!status) status = check_training(k, report);
    for (size_t i = 0; i < g->nodes && !status; i++) {
        bool agrees;
        nb_gradient_element e;
        nb_habits habits = nb_no_habits;
        if (g->node[i]->role != NB_PARAMETER) continue;
        nb_gradient_row *row = &report->row[report->count++];
        snprintf(row->name, sizeof row->name, "%s", nb_node_name(g->node[i]));
        row->count = 1;
        status = nb_check_direction(&k->judge, g->node[i], k->training.rounding, &e, &agrees);
        if (status) break;
        const nb_checked c = {.count = 1,
                              .x = (double[]){0},
                              .numerical = &e.numerical,
                              .exact = &e.numerical,
                              .analytic = &e.analytic,
                              .f = nb_scalar(k->loss)};
        const nb_reason reason = !isfinite(e.analytic) ? NB_NOT_FINITE
                                 : isnan(e.numerical)  ? NB_UNRESOLVED
                                 : !agrees             ? NB_WRONG
                                 : e.analytic == 0     ? NB_VACUOUS
                                                       : NB_AGREES;
        nb_check_compare(&c, row);
        nb_check_record(row, NULL, reason, 0, &e, &habits);
        nb_check_name_slip(&habits, &c, row);
    }
    return status;
}

static nb_status check_passes(checking *k, nb_gradient_report *report)
{
    nb_status status = check_training(k, report);
    return status ? status : check_direction(k, report);
}

/* Two passes differ: nothing can be compared. */
static void check_none(const nb_graph *g, const disorder *found, nb_gradient_report *report)
{
    const char *what = found->node->op ? "forward gives other numbers the second time"
                                       : "forward writes into an input";
    report->breach = found->reason == NB_OVERWRITTEN ? NB_BREACH_OVERWRITTEN
                     : found->reason == NB_REDRAWN   ? NB_BREACH_REDRAWN
                                                     : NB_BREACH_NONDETERMINISTIC;
    snprintf(report->broken, sizeof report->broken, "%s: %s: %s", nb_node_title(found->node),
             nb_reason_name(found->reason), what);
    for (size_t i = 0; i < g->nodes; i++) {
        if (g->node[i]->role != NB_PARAMETER) continue;
        nb_gradient_row *row = &report->row[report->count++];
        name_row(g->node[i], row);
        nb_check_all_are(found->reason, row);
    }
}

typedef nb_status (*inquiry)(checking *k, nb_gradient_report *report);

static nb_status check_all(checking *k, inquiry inquire, nb_gradient_report *report)
{
    disorder found = {NULL, NB_AGREES};
    nb_status status = forward_frozen(k);
    if (status) return status;
    report->value = nb_scalar(k->loss);
    status = find_disorder(k, &found);
    if (!status && found.node)
        check_none(k->loss->graph, &found, report);
    else if (!status)
        status = prepare(k);
    if (!status && !found.node) status = inquire(k, report);
    nb_check_end(report);
    return status;
}

static nb_status check(nb_node *loss, const nb_check_options *options, inquiry inquire,
                       const char *who, nb_gradient_report *report)
{
    if (!loss || !report)
        return nb_fail(NB_EINVAL, "%s: %s is NULL", who, loss ? "report" : "loss");
    nb_graph *graph = loss->graph, *cast;
    nb_status status = nb_check_begin(report, options, parameters(graph), who);
    if (status) return status;
    status = nb_graph_cast(graph, NB_FLOAT64, &cast);
    if (!status) {
        checking k = {.options = report->options, .loss = cast->node[loss->index], .given = loss};
        status = nb_graph_set_pool(cast, nb_graph_pool(graph));
        if (!status) status = check_all(&k, inquire, report);
        nb_training_destroy(&k.training);
        nb_wide_destroy(k.judge.wide);
        if (k.exact && k.exact != k.loss) nb_graph_destroy(k.exact->graph);
        nb_graph_destroy(cast);
    }
    if (status) nb_gradient_report_destroy(report);
    return status;
}

nb_status nb_gradient_check_with(nb_node *loss, const nb_check_options *options,
                                 nb_gradient_report *report)
{
    return check(loss, options, check_elements, "nb_gradient_check", report);
}

nb_status nb_gradient_check_fast(nb_node *loss, nb_gradient_report *report)
{
    return check(loss, NULL, check_directions, "nb_gradient_check_fast", report);
}

nb_status nb_training_check(nb_node *loss, nb_gradient_report *report)
{
    return check(loss, NULL, check_passes, "nb_training_check", report);
}

nb_status nb_gradient_check(nb_node *loss, double h, nb_gradient_report *report)
{
    return nb_gradient_check_with(loss, &(nb_check_options){.h = h}, report);
}
