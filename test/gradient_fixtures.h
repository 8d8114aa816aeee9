/* gradient_fixtures.h - what graphs are fed, and how their gradients are held to differences. */
#ifndef TEST_GRADIENT_FIXTURES_H
#define TEST_GRADIENT_FIXTURES_H

#include "support.h"

#include "nablas/gradient.h"

#include <math.h>

enum { most_inputs = 16, most_elements = 2048, classes = 4 };

/* What is fed to a graph: it must outlive the pass. */
typedef struct fed {
    double real[most_inputs][most_elements];
    int32_t label[most_inputs][most_elements];
} fed;

static inline bool is_input(nb_node *node)
{
    return nb_node_role(node) == NB_INPUT;
}

/* Random numbers for every input; labels, or one-hot rows for inputs of that name. */
static inline void feed_all(nb_graph *g, size_t batch, fed *data, uint64_t seed)
{
    for (size_t i = 0, used = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!is_input(node)) continue;
        assert_true(used < most_inputs);
        nb_tensor t = *nb_value(node);
        if (t.shape.ndim && t.shape.dim[0] == NB_BATCH) t.shape.dim[0] = batch;
        const size_t count = nb_tensor_count(&t), width = nb_tensor_width(&t);
        double *real = data->real[used];
        int32_t *label = data->label[used++];
        assert_true(count <= most_elements);
        support_fill_d(count, real, seed + 100 * i);
        for (size_t j = 0; j < count; j++) label[j] = (int32_t)((seed + i + 3 * j) % classes);
        if (strcmp(nb_node_name(node), "one_hot") == 0)
            for (size_t j = 0; j < count; j++)
                real[j] = j % width == (seed + j / width) % width ? 1 : 0;
        t.data = t.dtype == NB_INT32 ? (void *)label : (void *)real;
        assert_ok(nb_feed(node, &t));
    }
}

static inline void fill_parameters(nb_graph *g, uint64_t seed)
{
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        nb_tensor *value = nb_value(node);
        for (size_t j = 0; j < nb_tensor_count(value); j++)
            nb_kernels_of(value->dtype)->set(value->data, j, support_value(&seed));
    }
}

/* Backpropagation agrees with central differences, h = 1e-5: their error is a few h^2 and
 * DBL_EPSILON/h times what the loss is made of. */
static inline void assert_gradient(nb_node *loss, double bound)
{
    nb_gradient_report report;
    assert_ok(nb_gradient_check(loss, 1e-5, &report));
    for (size_t i = 0; i < report.count; i++) {
        const nb_gradient_row *row = &report.row[i];
        if (row->max_abs <= bound * (1 + fabs(row->analytic))) continue;
        print_error("%s[%zu]: numerical %.12g, analytic %.12g\n", row->name, row->worst,
                    row->numerical, row->analytic);
        fail();
    }
    nb_gradient_report_destroy(&report);
}

static inline void copy_gradients(const nb_graph *g, double *to, size_t room)
{
    const nb_tensor flat = nb_graph_gradients(g);
    const size_t count = nb_tensor_count(&flat);
    assert_true(count <= room);
    for (size_t i = 0; i < count; i++) to[i] = nb_kernels_of(flat.dtype)->get(flat.data, i);
}

/* The gradients of `loss`, whoever computes them, are the `count` numbers `want`. */
static inline void assert_same_gradients(nb_node *loss, const double *want, double bound)
{
    double got[512];
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    copy_gradients(nb_node_graph(loss), got, COUNT(got));
    const nb_tensor flat = nb_graph_gradients(nb_node_graph(loss));
    for (size_t i = 0; i < nb_tensor_count(&flat); i++)
        assert_near(got[i], want[i], bound * (1 + fabs(want[i])));
}

static inline const nb_op *find_op(const char *name)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (strcmp(nb_op_at(i)->name, name) == 0) return nb_op_at(i);
    return NULL;
}

static inline void make_pools(nb_pool **pools)
{
    for (size_t i = 0; i < 3; i++) assert_ok(nb_pool_create(&pools[i], i + 2));
}

static inline void destroy_pools(nb_pool **pools)
{
    for (size_t i = 0; i < 3; i++) nb_pool_destroy(pools[i]);
}

/* --- an operation of a user's: every row of x times the parameter p --------------------------- */

static inline nb_status scaled_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    if (nb_tensor_width(&in[0]) == nb_tensor_count(&in[1])) return NB_OK;
    return nb_fail(NB_ESHAPE, "scaled: widths differ");
}

static inline nb_status scaled_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t i = lo; i < hi; i++)
        c->kernels->multiply(width, nb_tensor_at(c->in[0], i), c->in[1]->data, 0,
                             nb_tensor_at(c->out, i));
    return NB_OK;
}

static inline nb_status scaled_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t i = c->input;
    const nb_kernels *k = c->kernels;
    const size_t n = nb_tensor_height(c->out), width = nb_tensor_width(c->out);
    const size_t each = nb_tensor_width(c->din);
    if (i == 0) return nb_fail(NB_EINVAL, "scaled: x has no gradient");
    for (size_t j = lo * each; j < hi * each; j++) {
        double sum = 0;
        for (size_t row = 0; row < n; row++)
            sum += k->get(c->in[0]->data, row * width + j) * k->get(c->dout->data, row * width + j);
        k->set(c->din->data, j,
               c->alpha * sum + (c->beta == 0 ? 0 : c->beta * k->get(c->din->data, j)));
    }
    return NB_OK;
}

static const nb_op scaled = {
    .name = "scaled",
    .inputs = 2,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = scaled_plan,
    .forward = {{scaled_forward, NB_ROWS, 0, false}},
    .backward = {{scaled_backward, NB_INPUT_ROWS, 0, false},
                 {scaled_backward, NB_INPUT_ROWS, 1, false}},
};

#endif
