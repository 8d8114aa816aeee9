/* graph_fixtures.h - how the tests of graphs make them, and read and write their numbers. */
#ifndef TEST_GRAPH_FIXTURES_H
#define TEST_GRAPH_FIXTURES_H

#include "support.h"

#include "nablas/graph.h"

#include <math.h>

static inline nb_graph *graph_of(nb_dtype dtype)
{
    nb_graph *g;
    assert_ok(nb_graph_create(&g, dtype));
    return g;
}

/* A parameter's value, or any node's, as doubles. */
static inline double at(nb_node *node, size_t i)
{
    const nb_tensor *value = nb_value(node);
    return nb_kernels_of(value->dtype)->get(value->data, i);
}

static inline double slope(nb_node *node, size_t i)
{
    const nb_tensor *gradient = nb_gradient(node);
    return nb_kernels_of(gradient->dtype)->get(gradient->data, i);
}

static inline void put(nb_node *node, size_t count, const double *numbers)
{
    nb_tensor *value = nb_value(node);
    assert_int_equal(nb_tensor_count(value), count);
    for (size_t i = 0; i < count; i++) nb_kernels_of(value->dtype)->set(value->data, i, numbers[i]);
}

#define PUT(node, ...) \
    put(node, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__})

static inline nb_node *x_of(nb_graph *g, size_t columns)
{
    return nb_input(g, "x", NB_SHAPE(NB_BATCH, columns));
}

static inline nb_node *p_of(nb_graph *g, nb_shape shape)
{
    return nb_parameter(g, "p", shape);
}

static inline void assert_tensors_near(const nb_tensor *a, const nb_tensor *b, double bound)
{
    const nb_kernels *k = nb_kernels_of(a->dtype);
    for (size_t i = 0; i < nb_tensor_count(a); i++)
        assert_near(k->get(a->data, i), k->get(b->data, i), bound * (1 + fabs(k->get(a->data, i))));
}

#endif
