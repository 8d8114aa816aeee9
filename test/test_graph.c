/* Building a graph, and looking at it. */
#include "graph_fixtures.h"

#include "nablas/memory.h"

#include <math.h>

static nb_node *affine_sizes(nb_graph *g)
{
    return nb_affine(x_of(g, 3), p_of(g, NB_SHAPE(4, 5)), p_of(g, NB_SHAPE(5)));
}

static nb_node *affine_bias(nb_graph *g)
{
    return nb_affine(x_of(g, 4), p_of(g, NB_SHAPE(4, 5)), p_of(g, NB_SHAPE(1, 5)));
}

static nb_node *affine_vector(nb_graph *g)
{
    return nb_affine(p_of(g, NB_SHAPE(4)), p_of(g, NB_SHAPE(1, 5)), p_of(g, NB_SHAPE(5)));
}

static nb_node *affine_folded(nb_graph *g)
{
    return nb_affine(nb_input(g, "x", NB_SHAPE(NB_BATCH, 2, 3)), p_of(g, NB_SHAPE(5, 1)),
                     p_of(g, NB_SHAPE(1)));
}

static nb_node *matmul_sizes(nb_graph *g)
{
    return nb_matmul(p_of(g, NB_SHAPE(2, 3)), p_of(g, NB_SHAPE(2, 3)));
}

static nb_node *add_sizes(nb_graph *g)
{
    return nb_add(p_of(g, NB_SHAPE(2)), p_of(g, NB_SHAPE(3)));
}

static nb_node *add_dimensions(nb_graph *g)
{
    return nb_add(x_of(g, 1), nb_input(g, "v", NB_SHAPE(NB_BATCH)));
}

static nb_node *multiply_sizes(nb_graph *g)
{
    return nb_multiply(p_of(g, NB_SHAPE(2, 3)), p_of(g, NB_SHAPE(2)));
}

static nb_node *softmax_vector(nb_graph *g)
{
    return nb_softmax(p_of(g, NB_SHAPE(4)));
}

static nb_node *squares_sizes(nb_graph *g)
{
    return nb_mean_squared_error(x_of(g, 3), nb_input(g, "t", NB_SHAPE(NB_BATCH, 2)));
}

static nb_node *squares_scalar(nb_graph *g)
{
    return nb_mean_squared_error(p_of(g, NB_SCALAR), p_of(g, NB_SCALAR));
}

static nb_node *entropy_sizes(nb_graph *g)
{
    return nb_softmax_cross_entropy(x_of(g, 3), nb_input(g, "t", NB_SHAPE(NB_BATCH, 2)), 0);
}

static nb_node *entropy_rows(nb_graph *g)
{
    return nb_softmax_cross_entropy(p_of(g, NB_SHAPE(2, 3)), nb_labels(g, "t"), 0);
}

static nb_node *entropy_labels_for_scores(nb_graph *g)
{
    return nb_softmax_cross_entropy(nb_labels(g, "a"), nb_labels(g, "t"), 0);
}

static nb_node *add_labels(nb_graph *g)
{
    return nb_add(nb_input(g, "v", NB_SHAPE(NB_BATCH)), nb_labels(g, "t"));
}

static nb_node *squares_labels(nb_graph *g)
{
    return nb_mean_squared_error(nb_labels(g, "y"), nb_labels(g, "t"));
}

static nb_node *sigmoid_labels(nb_graph *g)
{
    return nb_sigmoid(nb_labels(g, "t"));
}

static nb_node *sum_labels(nb_graph *g)
{
    return nb_sum(nb_labels(g, "t"));
}

static nb_node *null_input(nb_graph *g)
{
    return nb_add(p_of(g, NB_SCALAR), NULL);
}

static nb_node *null_first_input(nb_graph *g)
{
    return nb_add(NULL, p_of(g, NB_SCALAR));
}

static nb_node *no_elements(nb_graph *g)
{
    return p_of(g, NB_SHAPE(3, 0));
}

static nb_node *growing_parameter(nb_graph *g)
{
    return nb_parameter(g, "W", NB_SHAPE(NB_BATCH, 3));
}

static nb_node *many_dimensions(nb_graph *g)
{
    return p_of(g, (nb_shape){NB_MAX_DIMS + 1, {1}});
}

static nb_node *many_elements(nb_graph *g)
{
    return p_of(g, NB_SHAPE(SIZE_MAX / 2, 3));
}

static nb_node *many_inputs(nb_graph *g)
{
    static const nb_op wide = {.name = "wide", .inputs = NB_MAX_INPUTS + 1};
    nb_node *x = p_of(g, NB_SCALAR);
    return nb_apply(&wide, &(double){0}, (nb_node *[]){x, x, x, x});
}

static const struct {
    nb_node *(*build)(nb_graph *g);
    nb_status status;
    const char *text;
} mistakes[] = {
    {affine_sizes, NB_ESHAPE, "affine: (batch, 3) times (4, 5)"},
    {affine_bias, NB_ESHAPE, "affine: bias (1, 5), expected (5,)"},
    {affine_vector, NB_ESHAPE, "affine: (4,) times (1, 5)"},
    {affine_folded, NB_ESHAPE, "affine: (batch, 2, 3) times (5, 1)"},
    {matmul_sizes, NB_ESHAPE, "matmul: (2, 3) times (2, 3)"},
    {add_sizes, NB_ESHAPE, "add: (2,) and (3,)"},
    {add_dimensions, NB_ESHAPE, "add: (batch, 1) and (batch,)"},
    {multiply_sizes, NB_ESHAPE, "multiply: (2, 3) and (2,): dimension 1 is 3 and 2"},
    {softmax_vector, NB_ESHAPE, "softmax: (4,), expected (n, m)"},
    {squares_sizes, NB_ESHAPE, "mean_squared_error: y (batch, 3) and t (batch, 2)"},
    {squares_scalar, NB_ESHAPE, "mean_squared_error: y () and t ()"},
    {entropy_sizes, NB_ESHAPE, "softmax_cross_entropy: a (batch, 3) and t float64 (batch, 2)"},
    {entropy_rows, NB_ESHAPE, "softmax_cross_entropy: a (2, 3) and t int32 (batch,)"},
    {entropy_labels_for_scores, NB_ESHAPE, "softmax_cross_entropy: a (batch,) and t int32"},
    {add_labels, NB_EDTYPE, "add: input 1 is int32, the graph computes in float64"},
    {squares_labels, NB_EDTYPE, "squared_error: input 0 is int32"},
    {sigmoid_labels, NB_EDTYPE, "sigmoid: input 0 is int32"},
    {sum_labels, NB_EDTYPE, "sum: input 0 is int32"},
    {null_input, NB_EINVAL, "add: input 1 is NULL"},
    {null_first_input, NB_EINVAL, "add: input 0 is NULL"},
    {no_elements, NB_ESHAPE, "a node of shape (3, 0) has no elements"},
    {growing_parameter, NB_ESHAPE, "nb_parameter: W cannot grow with the batch"},
    {many_dimensions, NB_EINVAL, "ndim=9 > 8"},
    {many_elements, NB_EOVERFLOW, "has more elements than a size holds"},
    {many_inputs, NB_EINVAL, "wide: 7 inputs, expected 1 ... 6"},
};

/* Every mistake gives a NULL node and is what nb_graph_finish answers, whatever follows it. */
static void mistakes_are_remembered_until_finish(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        assert_non_null(nb_relu(p_of(g, NB_SHAPE(2))));
        nb_node *node = mistakes[i].build(g);
        assert_null(node);
        assert_null(nb_name(nb_sum(nb_add(node, node)), "after"));
        assert_null(affine_sizes(g));
        nb_fail(NB_EIO, "another failure");
        assert_fails(mistakes[i].status, mistakes[i].text, nb_graph_finish(g, 2));
        assert_fails(mistakes[i].status, mistakes[i].text, nb_graph_finish(g, 2));
        assert_int_equal(nb_graph_max_batch(g), 0);
        nb_graph_destroy(g);
    }
}

static void graphs_do_not_mix(void **state)
{
    (void)state;
    nb_graph *a = graph_of(NB_FLOAT64), *b = graph_of(NB_FLOAT64);
    assert_null(nb_add(p_of(a, NB_SCALAR), p_of(b, NB_SCALAR)));
    assert_fails(NB_EINVAL, "add: inputs of two graphs", nb_graph_finish(a, 1));
    /* A failed graph's NULL does not pass in a sound one. */
    assert_null(nb_add(p_of(b, NB_SCALAR), p_of(a, NB_SCALAR)));
    assert_fails(NB_EINVAL, "add: input 1 is NULL", nb_graph_finish(b, 1));
    nb_graph_destroy(a);
    nb_graph_destroy(b);
}

static void a_graph_computes_in_reals(void **state)
{
    (void)state;
    nb_graph *g;
    assert_fails(NB_EDTYPE, "not int32", nb_graph_create(&g, NB_INT32));
    assert_null(g);
    nb_graph_destroy(NULL);
}

static void finishing_is_once_and_for_a_batch(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT32);
    nb_node *x = x_of(g, 3);
    nb_node *y = nb_matmul(x, p_of(g, NB_SHAPE(3, 2)));
    assert_null(nb_graph_parameters(g).data);
    assert_fails(NB_EINVAL, "max_batch=0", nb_graph_finish(g, 0));
    assert_fails(NB_EINVAL, "max_batch=", nb_graph_finish(g, NB_BATCH));
    assert_ok(nb_graph_finish(g, 5));
    assert_int_equal(nb_graph_max_batch(g), 5);
    assert_fails(NB_EINVAL, "already finished", nb_graph_finish(g, 5));
    assert_int_equal(nb_tensor_count(nb_value(nb_graph_node(g, 1))), 6);
    assert_null(nb_sigmoid(y));
    assert_non_null(strstr(nb_last_error(), "the graph is finished"));
    assert_int_equal(nb_graph_nodes(g), 3);
    nb_graph_destroy(g);
}

static void too_large_a_batch_is_an_answer(void **state)
{
    (void)state;
    static const size_t batches[] = {SIZE_MAX / 2, SIZE_MAX / 8, SIZE_MAX / 24, SIZE_MAX / 48};
    for (size_t i = 0; i < COUNT(batches); i++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_matmul(x_of(g, 3), p_of(g, NB_SHAPE(3, 3)));
        nb_status status = nb_graph_finish(g, batches[i]);
        assert_true(status == NB_EOVERFLOW || (i == 3 && status == NB_ENOMEM));
        assert_null(nb_graph_parameters(g).data);
        assert_int_equal(nb_graph_parameters(g).shape.ndim, 0);
        nb_graph_destroy(g);
    }
}

static void parameters_are_one_vector(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT32);
    nb_node *a = nb_parameter(g, "a", NB_SHAPE(3)), *b = nb_parameter(g, "b", NB_SHAPE(17, 2));
    nb_node *c = nb_parameter(g, "c", NB_SCALAR);
    assert_ok(nb_graph_finish(g, 1));
    const nb_tensor w = nb_graph_parameters(g), dw = nb_graph_gradients(g);
    assert_true(nb_shape_equal(w.shape, NB_SHAPE(16 + 48 + 16)));
    assert_true(nb_shape_equal(dw.shape, w.shape));
    assert_ptr_equal(nb_value(a)->data, w.data);
    assert_ptr_equal(nb_value(b)->data, (float *)w.data + 16);
    assert_ptr_equal(nb_value(c)->data, (float *)w.data + 64);
    assert_ptr_equal(nb_gradient(a)->data, dw.data);
    assert_ptr_equal(nb_gradient(b)->data, (float *)dw.data + 16);
    assert_int_equal((uintptr_t)w.data % NB_ALIGNMENT, 0);
    for (size_t i = 0; i < 80; i++) assert_true(((float *)w.data)[i] == 0);
    nb_graph_destroy(g);
}

static void a_graph_can_be_looked_at(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 3), *W = nb_parameter(g, "W", NB_SHAPE(3, 2)), *t = nb_labels(g, "t");
    nb_node *a = nb_matmul(x, W), *s = nb_name(nb_name(nb_sum(a), "total"), "sum of all");
    assert_ok(nb_graph_finish(g, 2));
    assert_int_equal(nb_graph_dtype(g), NB_FLOAT64);
    assert_int_equal(nb_graph_nodes(g), 5);
    for (size_t i = 0; i < 5; i++) assert_int_equal(nb_node_index(nb_graph_node(g, i)), i);
    assert_null(nb_graph_node(g, 5));
    assert_ptr_equal(nb_node_graph(s), g);
    assert_string_equal(nb_node_name(s), "sum of all");
    assert_string_equal(nb_node_name(a), "");
    assert_string_equal(nb_node_op(a)->name, "matmul");
    assert_null(nb_node_op(x));
    assert_int_equal(nb_node_inputs(a), 2);
    assert_int_equal(nb_node_inputs(x), 0);
    assert_ptr_equal(nb_node_input(a, 1), W);
    assert_null(nb_node_input(a, 2));
    assert_null(nb_node_input(x, 0));
    assert_true(nb_node_is_parameter(W) && !nb_node_is_parameter(x) && !nb_node_is_parameter(a));
    /* No batch yet: no gradient of what has rows, and no scalar. */
    assert_non_null(nb_gradient(W));
    assert_true(!nb_gradient(x) && !nb_gradient(t) && !nb_gradient(a));
    assert_true(isnan(nb_scalar(a)) && isnan(nb_scalar(x)));
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_remembered_until_finish),
        cmocka_unit_test(graphs_do_not_mix),
        cmocka_unit_test(a_graph_computes_in_reals),
        cmocka_unit_test(finishing_is_once_and_for_a_batch),
        cmocka_unit_test(too_large_a_batch_is_an_answer),
        cmocka_unit_test(parameters_are_one_vector),
        cmocka_unit_test(a_graph_can_be_looked_at),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
