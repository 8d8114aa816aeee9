/* nb_op_check: one operation in the smallest graph around it. */
#include "derivative/decide.h"
#include "derivative/promise.h"
#include "graph/graph.h"
#include "nablas/blas.h"
#include "nablas/gradient.h"
#include "nablas/random.h"

#include <stdio.h>

/* What is fed: the constants among the operands, and c. */
typedef struct bench {
    nb_graph *graph;
    nb_node *node[NB_MAX_INPUTS + 1]; /* operands, c */
    nb_tensor fed[NB_MAX_INPUTS + 1]; /* {0} for those that are parameters */
    nb_node *loss;
} bench;

static nb_status build(bench *b, const nb_op *op, const void *config, const nb_operand *operand)
{
    nb_status status = nb_graph_create(&b->graph, NB_FLOAT64);
    if (status) return status;
    for (size_t i = 0; i < op->inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "in[%zu]", i);
        b->node[i] = operand[i].constant ? nb_input(b->graph, name, operand[i].shape)
                                         : nb_parameter(b->graph, name, operand[i].shape);
    }
    nb_node *y = nb_apply(op, config, b->node);
    if (y) b->node[op->inputs] = nb_input(b->graph, "c", y->shape);
    b->loss = nb_sum(nb_multiply(y, b->node[op->inputs]));
    return nb_graph_finish(b->graph, 1);
}

static nb_status fill(bench *b, size_t i, const double *value, nb_random *random)
{
    nb_tensor *t = nb_value(b->node[i]);
    if (!nb_node_is_parameter(b->node[i])) {
        nb_status status = nb_tensor_create(&b->fed[i], NB_FLOAT64, t->shape);
        if (!status) status = nb_feed(b->node[i], &b->fed[i]);
        if (status) return status;
    }
    double *x = t->data;
    for (size_t j = 0; j < nb_tensor_count(t); j++)
        x[j] = value ? value[j] : nb_random_randn(random);
    return NB_OK;
}

/* --- promises --------------------------------------------------------------------------------- */

/* Two groups of rows, and some: enough to be shared out. */
enum { probe_rows = 2 * NB_ROW_GROUP + 5 };

/* Can the first dimensions of these operands (bits) be the batch's? */
static bool takes_batch(const nb_op *op, const void *config, const nb_operand *operand,
                        unsigned which)
{
    nb_tensor in[NB_MAX_INPUTS];
    nb_need need = {0};
    for (size_t i = 0; i < op->inputs; i++) {
        in[i] = nb_tensor_view(NB_FLOAT64, operand[i].shape, NULL);
        if (!(which >> i & 1)) continue;
        if (in[i].shape.ndim == 0) return false;
        in[i].shape.dim[0] = NB_BATCH;
    }
    return op->plan(in, config, &need) == NB_OK && need.out.ndim > 0 && need.out.dim[0] == NB_BATCH;
}

/* The fewest operands that can, the first ones before others; 0: none. */
static unsigned find_batch(const nb_op *op, const void *config, const nb_operand *operand)
{
    for (size_t count = 1; count <= op->inputs; count++)
        for (unsigned which = 1; which < 1u << op->inputs; which++) {
            size_t bits = 0;
            for (size_t i = 0; i < op->inputs; i++) bits += which >> i & 1;
            if (bits == count && takes_batch(op, config, operand, which)) return which;
        }
    return 0;
}

/* The operand's values, its rows repeated where they are the batch's. */
static nb_status repeat(const nb_tensor *from, bool batched, nb_tensor *to)
{
    nb_shape shape = from->shape;
    if (batched) shape.dim[0] = probe_rows;
    nb_status status = nb_tensor_create(to, NB_FLOAT64, shape);
    if (status) return status;
    double *x = to->data;
    const double *y = from->data;
    for (size_t j = 0; j < nb_tensor_count(to); j++) x[j] = y[j % nb_tensor_count(from)];
    return NB_OK;
}

static nb_status check_promises(const bench *b, const nb_op *op, const void *config,
                                const nb_operand *operand, nb_gradient_report *report)
{
    const unsigned batch = find_batch(op, config, operand);
    nb_random random;
    nb_random_seed(&random, 1);
    nb_probe probe = {.op = op, .config = config};
    nb_status status = NB_OK;
    for (size_t i = 0; i < op->inputs && !status; i++) {
        probe.batched[i] = batch >> i & 1;
        probe.constant[i] = operand[i].constant;
        status = repeat(nb_value(b->node[i]), probe.batched[i], &probe.in[i]);
    }
    for (int training = 0; training < 2 && !status && !*report->broken; training++) {
        probe.pass = (nb_pass){.training = training, .random = &random};
        status = nb_promises_check(&probe, &report->breach, report->broken, sizeof report->broken);
    }
    for (size_t i = 0; i < op->inputs; i++) nb_tensor_destroy(&probe.in[i]);
    return status;
}

/* --- all of it -------------------------------------------------------------------------------- */

nb_status nb_op_check(const nb_op *op, const void *config, const nb_operand *operand,
                      const nb_check_options *options, nb_gradient_report *report)
{
    bench b = {0};
    nb_random random;
    if (!report) return nb_fail(NB_EINVAL, "nb_op_check: report is NULL");
    *report = (nb_gradient_report){0};
    if (!op || !operand)
        return nb_fail(NB_EINVAL, "nb_op_check: %s is NULL", op ? "operand" : "op");
    nb_random_seed(&random, 0);
    nb_status status = build(&b, op, config, operand);
    for (size_t i = 0; i <= op->inputs && !status; i++)
        status = fill(&b, i, i < op->inputs ? operand[i].value : NULL, &random);
    if (!status) status = nb_gradient_check_with(b.loss, options, report);
    if (!status && !*report->broken) status = check_promises(&b, op, config, operand, report);
    report->passed &= !*report->broken;
    if (status) nb_gradient_report_destroy(report);
    for (size_t i = 0; i <= op->inputs; i++) nb_tensor_destroy(&b.fed[i]);
    nb_graph_destroy(b.graph);
    return status;
}

/* --- the adjoint test ------------------------------------------------------------------------- */

nb_status nb_op_adjoint(const nb_op *op, const void *config, const nb_operand *operand,
                        size_t input, nb_adjoint *adjoint)
{
    bench b = {0};
    nb_random random;
    if (!op || !operand || !adjoint)
        return nb_fail(NB_EINVAL, "nb_op_adjoint: %s is NULL",
                       !op       ? "op"
                       : operand ? "adjoint"
                                 : "operand");
    *adjoint = (nb_adjoint){0};
    if (input >= op->inputs || operand[input].constant)
        return nb_fail(NB_EINVAL, "nb_op_adjoint: input=%zu, expected an operand with a gradient",
                       input);
    nb_random_seed(&random, 0);
    nb_status status = build(&b, op, config, operand);
    for (size_t i = 0; i <= op->inputs && !status; i++)
        status = fill(&b, i, i < op->inputs ? operand[i].value : NULL, &random);
    if (!status) status = nb_forward(b.loss);
    if (!status) status = nb_backward(b.loss);
    nb_judge judge = {.loss = b.loss, .exact = b.loss};
    if (!status) status = nb_judge_ready(&judge);
    /* The operation was made after its operands, before c. */
    if (!status)
        status =
            nb_judge_adjoint(&judge, b.graph->node[b.node[op->inputs]->index - 1], input, adjoint);
    nb_wide_destroy(judge.wide);
    for (size_t i = 0; i <= op->inputs; i++) nb_tensor_destroy(&b.fed[i]);
    nb_graph_destroy(b.graph);
    if (status) *adjoint = (nb_adjoint){0};
    return status;
}
