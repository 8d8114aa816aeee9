/* trial.h - graphs to try the two numerical gradients on, and how they are compared. */
#ifndef TEST_TRIAL_H
#define TEST_TRIAL_H

#include "support.h"

#include "nablas/gradient.h"
#include "nablas/kernels.h"

#include <math.h>

/* --- graphs to try ---------------------------------------------------------------------------- */

enum { most_fed = 16 };

/* A graph, what it is fed, and the draws that made it. */
typedef struct trial {
    nb_graph *g;
    nb_node *loss;
    nb_dtype dtype;
    size_t rows;
    uint64_t state;
    nb_tensor fed[most_fed];
    size_t feds;
} trial;

static inline size_t below(trial *t, size_t n)
{
    return (size_t)((support_value(&t->state) + 1) / 2 * (double)n) % n;
}

static inline void trial_init(trial *t, nb_dtype dtype, size_t rows, uint64_t seed)
{
    *t = (trial){.dtype = dtype, .rows = rows, .state = seed * 977 + 5};
    assert_ok(nb_graph_create(&t->g, dtype));
}

static inline void trial_end(trial *t)
{
    nb_graph_destroy(t->g);
    for (size_t i = 0; i < t->feds; i++) nb_tensor_destroy(&t->fed[i]);
}

/* Numbers like pixels: a third is 0, and the others are of few values. */
static inline double pixel(trial *t)
{
    static const double values[] = {0, 0, 0.25, 0.5, 0.75, 1};
    return values[below(t, 6)];
}

/* Fill what is to be fed, and the parameters; feed it. */
static inline void trial_finish(trial *t)
{
    const nb_kernels *k = nb_kernels_of(t->dtype);
    assert_ok(nb_graph_finish(t->g, t->rows + 2));
    const nb_tensor w = nb_graph_parameters(t->g);
    for (size_t i = 0; i < nb_tensor_count(&w); i++) k->set(w.data, i, support_value(&t->state));
    for (size_t i = 0; i < nb_graph_nodes(t->g); i++) {
        nb_node *node = nb_graph_node(t->g, i);
        for (size_t j = 0; nb_node_role(node) == NB_STATE && j < nb_tensor_count(nb_value(node));
             j++)
            k->set(nb_value(node)->data, j, 1);
        if (nb_node_role(node) != NB_INPUT) continue;
        nb_shape shape = nb_value(node)->shape;
        if (shape.ndim && shape.dim[0] == NB_BATCH) shape.dim[0] = t->rows;
        assert_true(t->feds < most_fed);
        nb_tensor *value = &t->fed[t->feds++];
        assert_ok(nb_tensor_create(value, nb_value(node)->dtype, shape));
        for (size_t j = 0; j < nb_tensor_count(value); j++) {
            if (value->dtype == NB_INT32)
                ((int32_t *)value->data)[j] = (int32_t)below(t, 2);
            else
                k->set(value->data, j,
                       nb_node_name(node)[0] == 'x' ? pixel(t) : support_value(&t->state));
        }
        assert_ok(nb_feed(node, value));
    }
}

/* --- fast against brute ----------------------------------------------------------------------- */

/* Both gradients of a parameter; the largest difference beside what rounding may do. */
static inline void compare_parameter(nb_node *loss, nb_node *w, double h)
{
    nb_tensor fast, brute;
    const nb_dtype dtype = nb_value(w)->dtype;
    const nb_kernels *k = nb_kernels_of(dtype);
    assert_ok(nb_tensor_create(&fast, dtype, nb_value(w)->shape));
    assert_ok(nb_tensor_create(&brute, dtype, nb_value(w)->shape));
    assert_ok(nb_graph_numerical_gradient_brute(loss, w, h, &brute));
    assert_ok(nb_graph_numerical_gradient(loss, w, h, &fast));
    const double ulp = dtype == NB_FLOAT64 ? 0x1p-53 : 0x1p-24;
    const double bound = 100 * ulp * (1 + fabs(nb_scalar(loss))) / h;
    for (size_t i = 0; i < nb_tensor_count(&fast); i++) {
        const double a = k->get(fast.data, i), b = k->get(brute.data, i);
        if (!(fabs(a - b) <= bound + 1e-3 * (dtype == NB_FLOAT32) * fabs(b)))
            print_error("%s[%zu] of a loss of %g\n", nb_node_name(w), i, nb_scalar(loss));
        assert_near(a, b, bound + 1e-3 * (dtype == NB_FLOAT32) * fabs(b));
    }
    nb_tensor_destroy(&fast);
    nb_tensor_destroy(&brute);
}

static inline void compare_all(nb_node *loss, double h)
{
    nb_graph *g = nb_node_graph(loss);
    for (size_t i = 0; i < nb_graph_nodes(g); i++)
        if (nb_node_is_parameter(nb_graph_node(g, i)))
            compare_parameter(loss, nb_graph_node(g, i), h);
}

static inline double step_for(nb_dtype dtype)
{
    return dtype == NB_FLOAT64 ? 1e-4 : 1e-2;
}

#endif
