/* nb_op_check: one operation in the smallest graph around it. */
#include "graph/graph.h"
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

nb_status nb_op_check(const nb_op *op, const void *config, const nb_operand *operand,
                      const nb_check_options *options, nb_gradient_report *report)
{
    bench b = {0};
    nb_random random;
    nb_random_seed(&random, 0);
    *report = (nb_gradient_report){0};
    nb_status status = build(&b, op, config, operand);
    for (size_t i = 0; i <= op->inputs && !status; i++)
        status = fill(&b, i, i < op->inputs ? operand[i].value : NULL, &random);
    if (!status) status = nb_gradient_check_with(b.loss, options, report);
    for (size_t i = 0; i <= op->inputs; i++) nb_tensor_destroy(&b.fed[i]);
    nb_graph_destroy(b.graph);
    return status;
}
