#include "support.h"

#include "nablas/array.h"
#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "nablas/threads.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

static nb_graph *graph_of(nb_dtype dtype)
{
    nb_graph *g;
    assert_ok(nb_graph_create(&g, dtype));
    return g;
}

/* A parameter's value, or any node's, as doubles. */
static double at(nb_node *node, size_t i)
{
    const nb_tensor *value = nb_value(node);
    return nb_kernels_of(value->dtype)->get(value->data, i);
}

static double slope(nb_node *node, size_t i)
{
    const nb_tensor *gradient = nb_gradient(node);
    return nb_kernels_of(gradient->dtype)->get(gradient->data, i);
}

static void put(nb_node *node, size_t count, const double *numbers)
{
    nb_tensor *value = nb_value(node);
    assert_int_equal(nb_tensor_count(value), count);
    for (size_t i = 0; i < count; i++) nb_kernels_of(value->dtype)->set(value->data, i, numbers[i]);
}

#define PUT(node, ...) \
    put(node, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__})

/* --- building --------------------------------------------------------------------------------- */

static nb_node *x_of(nb_graph *g, size_t columns)
{
    return nb_input(g, "x", NB_SHAPE(NB_BATCH, columns));
}

static nb_node *p_of(nb_graph *g, nb_shape shape)
{
    return nb_parameter(g, "p", shape);
}

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

static nb_node *multiply_scalar(nb_graph *g)
{
    return nb_multiply(p_of(g, NB_SCALAR), p_of(g, NB_SHAPE(1)));
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
    return nb_apply(&wide, 0, (nb_node *[]){x, x, x, x});
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
    {multiply_scalar, NB_ESHAPE, "multiply: () and (1,)"},
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
    {many_inputs, NB_EINVAL, "wide: 4 inputs, at most 3"},
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

/* --- feeding and the order of calls ----------------------------------------------------------- */

typedef struct small {
    nb_graph *g;
    nb_node *x, *T, *t, *W, *b, *scores, *labels_loss, *loss, *other;
    double numbers[5 * 3], rows[5 * 2];
    int32_t label[5];
} small;

/* (5,3) -> 2 classes, with labels, one-hot rows and squares as losses. */
static void small_init(small *s, size_t max_batch)
{
    s->g = graph_of(NB_FLOAT64);
    s->x = x_of(s->g, 3);
    s->T = nb_input(s->g, "T", NB_SHAPE(NB_BATCH, 2));
    s->t = nb_labels(s->g, "t");
    s->W = nb_parameter(s->g, "W", NB_SHAPE(3, 2));
    s->b = nb_parameter(s->g, "b", NB_SHAPE(2));
    s->scores = nb_affine(s->x, s->W, s->b);
    s->labels_loss = nb_softmax_cross_entropy(s->scores, s->t, NB_BOOK_EPSILON);
    s->loss = nb_name(nb_mean_squared_error(nb_sigmoid(s->scores), s->T), "squares");
    s->other = nb_mean_squared_error(s->scores, s->T);
    assert_ok(nb_graph_finish(s->g, max_batch));
    support_fill_d(15, s->numbers, 1);
    support_fill_d(10, s->rows, 2);
    for (size_t i = 0; i < 5; i++) s->label[i] = (int32_t)(i % 2);
    PUT(s->W, .1, -.2, .3, .4, -.5, .6);
    PUT(s->b, .7, -.8);
}

static void small_feed(small *s, size_t rows)
{
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 3), s->numbers);
    const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 2), s->rows);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(rows), s->label);
    assert_ok(nb_feed(s->x, &x));
    assert_ok(nb_feed(s->T, &T));
    assert_ok(nb_feed(s->t, &t));
}

static void feeding_is_checked(void **state)
{
    (void)state;
    small s;
    float single[15] = {0};
    small_init(&s, 4);
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), s.numbers);
    assert_fails(NB_EINVAL, "nb_feed: W is not an input", nb_feed(s.W, &x));
    assert_fails(NB_EINVAL, "nb_feed: affine is not an input", nb_feed(s.scores, &x));
    assert_ok(nb_feed(s.x, &x));
    const nb_tensor wrong[] = {
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3, 1), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(0, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(NB_BATCH, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SCALAR, s.numbers),
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(NB_ESHAPE, "expected (4, 3) or fewer rows", nb_feed(s.x, &wrong[i]));
    assert_fails(NB_ESHAPE, "nb_feed: x is (5, 3), expected", nb_feed(s.x, &wrong[0]));
    const nb_tensor f = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 3), single);
    assert_fails(NB_EDTYPE, "nb_feed: x takes float64, not float32", nb_feed(s.x, &f));
    assert_fails(NB_EDTYPE, "nb_feed: t takes int32, not float64", nb_feed(s.t, &x));
    /* The value fed before stays. */
    assert_ptr_equal(nb_value(s.x)->data, s.numbers);
    assert_true(nb_shape_equal(nb_value(s.x)->shape, NB_SHAPE(3, 3)));
    assert_ok(nb_forward(s.scores));
    assert_true(nb_shape_equal(nb_value(s.scores)->shape, NB_SHAPE(3, 2)));
    nb_graph_destroy(s.g);

    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *v = nb_input(g, "v", NB_SHAPE(2));
    x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), s.numbers);
    assert_fails(NB_EINVAL, "v is not an input of a finished graph", nb_feed(v, &x));
    assert_ok(nb_graph_finish(g, 4));
    assert_ok(nb_feed(v, &x));
    x.shape = NB_SHAPE(1);
    assert_fails(NB_ESHAPE, "nb_feed: v is (1,), expected (2,)", nb_feed(v, &x));
    assert_null(strstr(nb_last_error(), "fewer"));
    nb_graph_destroy(g);
}

static void forward_needs_what_it_needs(void **state)
{
    (void)state;
    small s;
    small_init(&s, 5);
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), s.numbers);
    nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), s.rows);
    assert_fails(NB_EINVAL, "nb_forward: the input x was not fed", nb_forward(s.scores));
    assert_ok(nb_feed(s.x, &x));
    assert_ok(nb_forward(s.scores)); /* without a target */
    assert_fails(NB_EINVAL, "nb_forward: the input T was not fed", nb_forward(s.loss));
    assert_ok(nb_feed(s.T, &T));
    assert_fails(NB_ESHAPE, "x has 3 rows, T has 2", nb_forward(s.loss));
    assert_ok(nb_forward(s.scores));
    T.shape.dim[0] = 3;
    assert_ok(nb_feed(s.T, &T));
    assert_ok(nb_forward(s.loss));
    nb_graph_destroy(s.g);

    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *p = nb_sum(p_of(g, NB_SHAPE(2)));
    assert_fails(NB_EINVAL, "not finished", nb_forward(p));
    nb_graph_destroy(g);
}

static void a_label_is_a_class(void **state)
{
    (void)state;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 3));
    for (size_t row = 0; row < 5; row++)
        for (int threads = 0; threads < 2; threads++)
            for (int32_t wrong = -1; wrong <= 2; wrong += 3) {
                small s;
                char text[64];
                small_init(&s, 5);
                small_feed(&s, 5);
                nb_graph_set_pool(s.g, threads ? pool : NULL);
                s.label[row] = wrong;
                s.label[4] = wrong; /* the first of two is named */
                snprintf(text, sizeof text, "t[%zu]=%d is no label of m=2 classes", row, wrong);
                assert_fails(NB_ERANGE, text, nb_forward(s.labels_loss));
                assert_fails(NB_EINVAL, "no nb_forward", nb_backward(s.labels_loss));
                s.label[row] = s.label[4] = 1;
                assert_ok(nb_forward(s.labels_loss));
                nb_graph_destroy(s.g);
            }
    nb_pool_destroy(pool);
}

static void backward_follows_forward(void **state)
{
    (void)state;
    small s;
    small_init(&s, 5);
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_backward(s.loss));
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_descend(s.loss, .1, false));
    small_feed(&s, 3);
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.loss));
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    assert_ok(nb_backward(s.loss)); /* nothing changed */
    assert_fails(NB_EINVAL, "no nb_forward(sum)", nb_backward(s.other));
    assert_ok(nb_forward(s.other));
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_backward(s.loss));
    assert_ok(nb_backward(s.other));
    small_feed(&s, 3);
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.other));
    /* Descent changes the parameters: what forward computed is past. */
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_descend(s.loss, .1, false));
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.loss));
    assert_fails(NB_EINVAL, "since the last feed", nb_descend(s.loss, .1, false));
    assert_ok(nb_forward(s.scores));
    assert_fails(NB_ESHAPE, "affine is (batch, 2), expected a scalar", nb_backward(s.scores));
    nb_graph_destroy(s.g);
}

/* A gradient belongs to the loss that was asked last; batches come and go. */
static void losses_share_a_graph(void **state)
{
    (void)state;
    small s;
    double first[8], second[8];
    small_init(&s, 5);
    small_feed(&s, 5);
    nb_node *const losses[] = {s.loss, s.labels_loss, s.other};
    const nb_tensor dw = nb_graph_gradients(s.g);
    assert_int_equal(nb_tensor_count(&dw), 16);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(nb_forward(losses[i]));
        assert_ok(nb_backward(losses[i]));
        for (size_t j = 0; j < 8; j++) first[j] = j < 6 ? slope(s.W, j) : slope(s.b, j - 6);
        /* In between: another loss, another batch. */
        small_feed(&s, 2);
        assert_ok(nb_forward(losses[(i + 1) % 3]));
        assert_true(nb_gradient(s.scores)->shape.dim[0] == 2);
        assert_ok(nb_backward(losses[(i + 1) % 3]));
        small_feed(&s, 5);
        assert_ok(nb_forward(losses[i]));
        assert_ok(nb_backward(losses[i]));
        for (size_t j = 0; j < 8; j++) second[j] = j < 6 ? slope(s.W, j) : slope(s.b, j - 6);
        assert_memory_equal(first, second, sizeof first);
        /* What this loss does not need has no gradient. */
        for (size_t k = 0; k < 3; k++) assert_true((nb_gradient(losses[k]) != NULL) == (k == i));
    }
    nb_graph_destroy(s.g);
}

static void a_target_cannot_be_learnt_through_the_entropy(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *loss = nb_softmax_cross_entropy(p_of(g, NB_SHAPE(2, 3)), p_of(g, NB_SHAPE(2, 3)), 0);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_forward(loss));
    assert_fails(NB_EINVAL, "the target has no gradient", nb_backward(loss));
    nb_graph_destroy(g);
}

/* A loss without a parameter, a parameter without a loss, a parameter as the loss. */
static void unreached_parameters_have_gradient_zero(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = nb_input(g, "x", NB_SHAPE(3)), *w = p_of(g, NB_SHAPE(3)), *p = p_of(g, NB_SCALAR);
    nb_node *sum_x = nb_sum(x), *sum_w = nb_sum(w);
    double numbers[3] = {1, 2, 4};
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_feed(x, &fed));
    assert_ok(nb_forward(sum_w));
    assert_ok(nb_backward(sum_w));
    for (size_t i = 0; i < 3; i++) assert_true(slope(w, i) == 1);
    assert_true(slope(p, 0) == 0);
    assert_ok(nb_forward(sum_x));
    assert_true(nb_scalar(sum_x) == 7);
    assert_ok(nb_backward(sum_x));
    for (size_t i = 0; i < 3; i++) assert_true(slope(w, i) == 0);
    PUT(p, 3);
    assert_ok(nb_forward(p));
    assert_ok(nb_backward(p));
    assert_true(slope(p, 0) == 1 && slope(w, 0) == 0);
    assert_ok(nb_descend(p, .5, false));
    assert_true(at(p, 0) == 2.5 && at(w, 0) == 0);
    nb_graph_destroy(g);

    /* Also where nothing stands between descent and the parameter. */
    g = graph_of(NB_FLOAT64);
    p = p_of(g, NB_SCALAR);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_forward(p));
    assert_ok(nb_descend(p, .5, false));
    assert_true(at(p, 0) == -.5);
    nb_graph_destroy(g);
}

/* From the logits, the loss stays finite where the probability is 0 in any precision. */
static void the_exact_logarithm_is_taken_of_the_logits(void **state)
{
    (void)state;
    static const double epsilon[] = {NB_EXACT_LOG, NB_BOOK_EPSILON};
    const double loss_of[] = {1000, -log(1e-7)};
    for (size_t e = 0; e < 2; e++) {
        double hot[] = {0, 1};
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *a = p_of(g, NB_SHAPE(1, 2)), *t = nb_input(g, "t", NB_SHAPE(1, 2));
        nb_node *loss = nb_softmax_cross_entropy(a, t, epsilon[e]);
        const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), hot);
        assert_ok(nb_graph_finish(g, 1));
        PUT(a, 1000, 0);
        assert_ok(nb_feed(t, &T));
        assert_ok(nb_forward(loss));
        assert_near(nb_scalar(loss), loss_of[e], 1e-12);
        assert_ok(nb_backward(loss));
        assert_true(slope(a, 0) == 1 && slope(a, 1) == -1);
        nb_graph_destroy(g);
    }
}

/* --- the book's numbers ----------------------------------------------------------------------- */

static void two_apples(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
    nb_node *number = nb_parameter(g, "number", NB_SCALAR);
    nb_node *tax = nb_parameter(g, "tax", NB_SCALAR);
    nb_node *price = nb_multiply(nb_multiply(apple, number), tax);
    assert_ok(nb_graph_finish(g, 1));
    PUT(apple, 100);
    PUT(number, 2);
    PUT(tax, 1.1);
    assert_ok(nb_forward(price));
    assert_near(nb_scalar(price), 220, 1e-13);
    assert_ok(nb_backward(price));
    assert_true(slope(apple, 0) == 2.2);
    assert_near(slope(number, 0), 110, 2e-14);
    assert_true(slope(tax, 0) == 200);
    nb_graph_destroy(g);
}

static void apples_and_oranges(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *leaf[5];
    static const double value[] = {100, 2, 150, 3, 1.1};
    static const double derivative[] = {2.2, 110, 3.3000000000000003, 165, 650};
    for (size_t i = 0; i < 5; i++) leaf[i] = p_of(g, NB_SCALAR);
    nb_node *apples = nb_multiply(leaf[0], leaf[1]), *oranges = nb_multiply(leaf[2], leaf[3]);
    nb_node *sum = nb_add(apples, oranges), *price = nb_multiply(sum, leaf[4]);
    assert_ok(nb_graph_finish(g, 1));
    for (size_t i = 0; i < 5; i++) put(leaf[i], 1, &value[i]);
    assert_ok(nb_forward(price));
    assert_near(nb_scalar(price), 715, 2e-13);
    assert_true(nb_scalar(sum) == 650);
    assert_ok(nb_backward(price));
    for (size_t i = 0; i < 5; i++) assert_near(slope(leaf[i], 0), derivative[i], 3e-14);
    assert_true(slope(leaf[2], 0) == 3.3000000000000003);
    assert_true(slope(sum, 0) == 1.1 && slope(apples, 0) == 1.1 && slope(price, 0) == 1);
    nb_graph_destroy(g);
}

static void the_three_layer_network(void **state)
{
    (void)state;
    static const double A1[] = {.3, .7, 1.1}, Z1[] = {.57444252, .66818777, .75026011};
    static const double A2[] = {.51615984, 1.21402696}, Z2[] = {.62624937, .7710107};
    static const double Y[] = {.31682708, .69627909};
    double numbers[] = {1, .5};
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 2), *W[3], *b[3], *a[3], *z[3];
    static const size_t size[] = {2, 3, 2, 2};
    for (size_t l = 0; l < 3; l++) {
        W[l] = p_of(g, NB_SHAPE(size[l], size[l + 1]));
        b[l] = p_of(g, NB_SHAPE(size[l + 1]));
        a[l] = nb_affine(l ? z[l - 1] : x, W[l], b[l]);
        z[l] = l < 2 ? nb_sigmoid(a[l]) : nb_identity(a[l]);
    }
    assert_ok(nb_graph_finish(g, 1));
    PUT(W[0], .1, .3, .5, .2, .4, .6);
    PUT(b[0], .1, .2, .3);
    PUT(W[1], .1, .4, .2, .5, .3, .6);
    PUT(b[1], .1, .2);
    PUT(W[2], .1, .3, .2, .4);
    PUT(b[2], .1, .2);
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), numbers);
    assert_ok(nb_feed(x, &X));
    assert_ok(nb_forward(z[2]));
    for (size_t i = 0; i < 3; i++) {
        assert_near(at(a[0], i), A1[i], 1e-15);
        assert_near(at(z[0], i), Z1[i], 5e-9);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_near(at(a[1], i), A2[i], 5e-9);
        assert_near(at(z[1], i), Z2[i], 5e-9);
        assert_near(at(z[2], i), Y[i], 5e-9);
    }
    nb_graph_destroy(g);
}

typedef struct simple_case {
    double W[6], p[3], epsilon, loss, dW[6];
} simple_case;

static const simple_case simple_cases[] = {
    {{.47355232, .9977393, .84668094, .85557411, .03563661, .69422093},
     {1.05414809, .63071653, 1.1328074},
     NB_EXACT_LOG,
     0.92806853663411326,
     {.21924763, .14356247, -.36281009, .32887144, .2153437, -.54421514}},
    {{.47355232, .9977393, .84668094, .85557411, .03563661, .69422093},
     {1.05414809, .63071653, 1.1328074},
     NB_BOOK_EPSILON,
     0.9280682857864075,
     {.21924763, .14356247, -.36281009, .32887144, .2153437, -.54421514}},
    {{-.31211728, .81783696, 1.0369602, -.35531326, -.40729509, 1.30223118},
     {-.5070523, .1241366, 1.79418418},
     NB_BOOK_EPSILON,
     0.25338010072421907,
     {.0466332, .08766316, -.13429636, .06994981, .13149474, -.20144454}},
};

static void simple_net(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(simple_cases); c++) {
        const simple_case *s = &simple_cases[c];
        double numbers[] = {.6, .9}, hot[] = {0, 0, 1};
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = x_of(g, 2), *t = nb_input(g, "t", NB_SHAPE(NB_BATCH, 3));
        nb_node *W = p_of(g, NB_SHAPE(2, 3)), *p = nb_matmul(x, W);
        nb_node *loss = nb_softmax_cross_entropy(p, t, s->epsilon);
        assert_ok(nb_graph_finish(g, 1));
        put(W, 6, s->W);
        const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), numbers);
        const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), hot);
        assert_ok(nb_feed(x, &X));
        assert_ok(nb_feed(t, &T));
        assert_ok(nb_forward(loss));
        for (size_t i = 0; i < 3; i++) assert_near(at(p, i), s->p[i], 1e-8);
        /* Eight digits of W give as many of the loss: enough to tell the two epsilons apart. */
        assert_near(nb_scalar(loss), s->loss, 1e-8);
        assert_ok(nb_backward(loss));
        for (size_t i = 0; i < 6; i++) assert_near(slope(W, i), s->dW[i], 5e-8);
        nb_graph_destroy(g);
    }
}

/* --- an operation of one's own ---------------------------------------------------------------- */

/* attribute * x^3; keeps x^2 in aux. Counts the rows it was asked for. */
static atomic_size_t cube_rows;

static nb_status cube_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    *out = in[0].shape;
    *aux = nb_tensor_width(&in[0]);
    return NB_OK;
}

static nb_status cube_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    const double *x = nb_tensor_at(c->in[0], lo);
    double *y = nb_tensor_at(c->out, lo), *kept = nb_tensor_at(c->aux, lo);
    atomic_fetch_add(&cube_rows, hi - lo);
    for (size_t i = 0; i < (hi - lo) * width; i++) {
        kept[i] = x[i] * x[i];
        y[i] = c->attribute * kept[i] * x[i];
    }
    return NB_OK;
}

static nb_status cube_backward(const nb_call *c, size_t j, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    const double *kept = nb_tensor_at(c->aux, lo), *dy = nb_tensor_at(c->dout, lo);
    double *dx = nb_tensor_at(c->din, lo);
    assert_true(j == 0 && c->alpha == 1);
    for (size_t i = 0; i < (hi - lo) * width; i++)
        dx[i] = 3 * c->attribute * kept[i] * dy[i] + (c->beta == 0 ? 0 : c->beta * dx[i]);
    return NB_OK;
}

static const nb_op cube = {.name = "cube",
                           .inputs = 1,
                           .shape = cube_shape,
                           .forward = cube_forward,
                           .backward = cube_backward};

static void an_operation_of_ones_own(void **state)
{
    (void)state;
    enum { n = 7, m = 3 };
    double numbers[n * m], W[m * m];
    support_fill_d(n * m, numbers, 8);
    support_fill_d(m * m, W, 9);
    for (size_t threads = 1; threads <= 4; threads++) {
        nb_pool *pool;
        assert_ok(nb_pool_create(&pool, threads));
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = x_of(g, m), *w = p_of(g, NB_SHAPE(m, m)), *a = nb_matmul(x, w);
        nb_node *y = nb_apply(&cube, .5, (nb_node *[]){a}), *loss = nb_sum(y);
        assert_ok(nb_graph_finish(g, n));
        nb_graph_set_pool(g, pool);
        put(w, m * m, W);
        for (size_t rows = 1; rows <= n; rows++) {
            const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, m), numbers);
            assert_ok(nb_feed(x, &X));
            atomic_store(&cube_rows, 0);
            assert_ok(nb_forward(loss));
            assert_int_equal(atomic_load(&cube_rows), rows);
            assert_ok(nb_backward(loss));
            for (size_t i = 0; i < rows * m; i++) {
                assert_near(at(y, i), .5 * pow(at(a, i), 3), 1e-14);
                assert_near(slope(a, i), 1.5 * pow(at(a, i), 2), 1e-14);
            }
        }
        nb_graph_destroy(g);
        nb_pool_destroy(pool);
    }
}

/* --- threads and descent ---------------------------------------------------------------------- */

typedef struct deep {
    nb_graph *g;
    nb_node *x, *t, *loss;
} deep;

enum { deep_rows = 33, deep_inputs = 20, deep_hidden = 12 };

/* Two hidden layers that share their weight, one of them twice in a diamond. With `penalty` the
 * loss has the squared weights added: a use of the weight that does not scale. */
static deep deep_of(nb_dtype dtype, bool penalty)
{
    deep d = {.g = graph_of(dtype)};
    nb_node *W1 = nb_parameter(d.g, "W1", NB_SHAPE(deep_inputs, deep_hidden));
    nb_node *b1 = nb_parameter(d.g, "b1", NB_SHAPE(deep_hidden));
    nb_node *W2 = nb_parameter(d.g, "W2", NB_SHAPE(deep_hidden, deep_hidden));
    nb_node *b2 = nb_parameter(d.g, "b2", NB_SHAPE(deep_hidden));
    nb_node *W3 = nb_parameter(d.g, "W3", NB_SHAPE(deep_hidden, 10));
    d.x = x_of(d.g, deep_inputs);
    d.t = nb_labels(d.g, "t");
    nb_node *h1 = nb_relu(nb_affine(d.x, W1, b1));
    nb_node *h2 = nb_sigmoid(nb_affine(h1, W2, b2));
    nb_node *h3 = nb_sigmoid(nb_affine(nb_add(h2, nb_multiply(h1, h2)), W2, b2));
    d.loss = nb_softmax_cross_entropy(nb_matmul(h3, W3), d.t, NB_BOOK_EPSILON);
    if (penalty) d.loss = nb_add(d.loss, nb_sum(nb_multiply(W2, W2)));
    assert_ok(nb_graph_finish(d.g, deep_rows));
    const nb_tensor w = nb_graph_parameters(d.g);
    uint64_t seed = 11;
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        nb_kernels_of(dtype)->set(w.data, i, support_value(&seed) / 2);
    return d;
}

static void deep_feed(deep *d, size_t rows)
{
    static double doubles[deep_rows * deep_inputs];
    static float singles[deep_rows * deep_inputs];
    static int32_t label[deep_rows];
    support_fill_d(deep_rows * deep_inputs, doubles, 12);
    support_fill_s(deep_rows * deep_inputs, singles, 12);
    for (size_t i = 0; i < deep_rows; i++) label[i] = (int32_t)(i * 7 % 10);
    const nb_dtype dtype = nb_graph_dtype(d->g);
    const nb_tensor x = nb_tensor_view(dtype, NB_SHAPE(rows, deep_inputs),
                                       dtype == NB_FLOAT32 ? (void *)singles : (void *)doubles);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(rows), label);
    assert_ok(nb_feed(d->x, &x));
    assert_ok(nb_feed(d->t, &t));
}

static nb_tensor copy_of(nb_tensor from)
{
    nb_tensor copy;
    assert_ok(nb_tensor_create(&copy, from.dtype, from.shape));
    assert_ok(nb_tensor_convert(&from, &copy));
    return copy;
}

static void assert_tensors_near(const nb_tensor *a, const nb_tensor *b, double bound)
{
    const nb_kernels *k = nb_kernels_of(a->dtype);
    for (size_t i = 0; i < nb_tensor_count(a); i++)
        assert_near(k->get(a->data, i), k->get(b->data, i), bound * (1 + fabs(k->get(a->data, i))));
}

static double unit(nb_dtype dtype)
{
    return dtype == NB_FLOAT32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

static void threads_change_the_rounding_at_most(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 2, 3, 5, deep_rows};
    for (size_t c = 0; c < 2 * COUNT(batches); c++) {
        const nb_dtype dtype = c % 2 ? NB_FLOAT32 : NB_FLOAT64;
        deep d = deep_of(dtype, false);
        deep_feed(&d, batches[c / 2]);
        assert_ok(nb_forward(d.loss));
        assert_ok(nb_backward(d.loss));
        const double loss = nb_scalar(d.loss);
        nb_tensor serial = copy_of(nb_graph_gradients(d.g));
        for (size_t threads = 2; threads <= 4; threads++) {
            nb_pool *pool;
            assert_ok(nb_pool_create(&pool, threads));
            nb_graph_set_pool(d.g, pool);
            assert_ok(nb_forward(d.loss));
            assert_ok(nb_backward(d.loss));
            assert_near(nb_scalar(d.loss), loss, 64 * unit(dtype));
            nb_tensor once = copy_of(nb_graph_gradients(d.g));
            assert_tensors_near(&once, &serial, 64 * unit(dtype));
            for (size_t again = 0; again < 5; again++) {
                assert_ok(nb_forward(d.loss));
                assert_ok(nb_backward(d.loss));
                assert_memory_equal(nb_graph_gradients(d.g).data, once.data,
                                    nb_tensor_count(&once) * nb_dtype_size(dtype));
            }
            nb_tensor_destroy(&once);
            nb_graph_set_pool(d.g, NULL);
            nb_pool_destroy(pool);
        }
        nb_tensor_destroy(&serial);
        nb_graph_destroy(d.g);
    }
}

/* Three steps of descent, with batches of different length, against backward and w -= lr dw. */
static void assert_descends(nb_dtype dtype, bool penalty, size_t threads)
{
    enum { steps = 3 };
    static const size_t batch[steps] = {deep_rows, 2, 17};
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, threads));
    deep d = deep_of(dtype, penalty), reference = deep_of(dtype, penalty);
    const nb_tensor w = nb_graph_parameters(reference.g), dw = nb_graph_gradients(reference.g);
    const nb_tensor mine = nb_graph_parameters(d.g), untouched = nb_graph_gradients(d.g);
    const size_t count = nb_tensor_count(&w);
    nb_graph_set_pool(d.g, pool);
    nb_kernels_of(dtype)->set(untouched.data, 0, 7);
    for (size_t step = 0; step < steps; step++) {
        deep_feed(&reference, batch[step]);
        assert_ok(nb_forward(reference.loss));
        assert_ok(nb_backward(reference.loss));
        nb_kernels_of(dtype)->sgd(count, .25, dw.data, w.data);
        deep_feed(&d, batch[step]);
        assert_ok(nb_forward(d.loss));
        assert_ok(nb_descend(d.loss, .25, false));
        assert_tensors_near(&mine, &w, 64 * unit(dtype));
    }
    /* Straight into the parameters where every use of them allows it; else by the gradient. */
    assert_true((nb_kernels_of(dtype)->get(untouched.data, 0) == 7) == !penalty);
    nb_graph_destroy(d.g);
    nb_graph_destroy(reference.g);
    nb_pool_destroy(pool);
}

static void descent_is_backward_and_a_step(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++)
        for (int penalty = 0; penalty < 2; penalty++) {
            assert_descends(NB_FLOAT64, penalty, threads);
            assert_descends(NB_FLOAT32, penalty, threads);
        }
}

/* Either the weight is an operation, without rows to share, which all threads would need first; or
 * a scalar follows scalars, and its gradient must reach them before it reaches the rows. */
static nb_node *not_rows(nb_node *x, nb_node *W, bool weight)
{
    nb_node *y = nb_sigmoid(nb_matmul(x, weight ? nb_sigmoid(W) : W));
    return weight ? nb_sum(y) : nb_multiply(nb_mean(nb_multiply(y, y)), nb_sum(y));
}

static void what_is_not_rows_is_not_shared(void **state)
{
    (void)state;
    enum { rows = 8 };
    double numbers[rows * 3];
    nb_pool *pool;
    support_fill_d(rows * 3, numbers, 3);
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 3), numbers);
    assert_ok(nb_pool_create(&pool, 3));
    for (int weight = 0; weight < 2; weight++) {
        nb_graph *g[2];
        nb_node *loss[2];
        for (size_t i = 0; i < 2; i++) {
            g[i] = graph_of(NB_FLOAT64);
            nb_node *x = x_of(g[i], 3), *W = p_of(g[i], NB_SHAPE(3, 2));
            loss[i] = not_rows(x, W, weight);
            assert_ok(nb_graph_finish(g[i], rows));
            PUT(W, .1, .2, -.3, .4, .5, -.6);
            assert_ok(nb_feed(x, &fed));
            nb_graph_set_pool(g[i], i ? pool : NULL);
        }
        for (size_t step = 0; step < 4; step++) {
            const nb_tensor w = nb_graph_parameters(g[0]), threaded = nb_graph_parameters(g[1]);
            assert_ok(nb_forward(loss[0]));
            assert_ok(nb_backward(loss[0]));
            nb_kernels_of(NB_FLOAT64)->sgd(6, .5, nb_graph_gradients(g[0]).data, w.data);
            assert_ok(nb_forward(loss[1]));
            assert_ok(nb_descend(loss[1], .5, false));
            assert_near(nb_scalar(loss[0]), nb_scalar(loss[1]), 1e-14);
            assert_tensors_near(&w, &threaded, 1e-14);
        }
        nb_graph_destroy(g[0]);
        nb_graph_destroy(g[1]);
    }
    nb_pool_destroy(pool);
}

static void descent_may_go_on_to_the_next_value(void **state)
{
    (void)state;
    for (int penalty = 0; penalty < 2; penalty++) {
        deep d = deep_of(NB_FLOAT64, penalty), twin = deep_of(NB_FLOAT64, penalty);
        deep_feed(&d, 9);
        deep_feed(&twin, 9);
        assert_ok(nb_forward(d.loss));
        for (size_t step = 0; step < 3; step++) {
            assert_ok(nb_descend(d.loss, .1, true));
            assert_ok(nb_forward(twin.loss));
            assert_ok(nb_descend(twin.loss, .1, false));
            assert_ok(nb_forward(twin.loss));
            assert_true(nb_scalar(d.loss) == nb_scalar(twin.loss));
        }
        nb_graph_destroy(d.g);
        nb_graph_destroy(twin.g);
    }
}

/* --- columns left out ------------------------------------------------------------------------- */

enum { wide = 11, wide_rows = 6 };

/* How the packed input is used: once; its weight by two layers; by a layer of another input as
 * well; as an operation; in matmul. */
typedef enum { ONCE, TWICE, ELSEWHERE, COMPUTED, MATMUL, uses } packed_use;

typedef struct packed_graph {
    nb_graph *g;
    nb_node *x, *z, *W, *loss;
} packed_graph;

static packed_graph packed_graph_of(packed_use use)
{
    packed_graph p = {.g = graph_of(NB_FLOAT64)};
    p.x = nb_sparse(x_of(p.g, wide));
    p.z = nb_input(p.g, "z", NB_SHAPE(NB_BATCH, wide));
    p.W = p_of(p.g, NB_SHAPE(wide, 3));
    nb_node *W = use == COMPUTED ? nb_sigmoid(p.W) : p.W;
    nb_node *b = p_of(p.g, NB_SHAPE(3));
    nb_node *y = use == MATMUL ? nb_matmul(p.x, W) : nb_affine(p.x, W, b);
    if (use == TWICE) y = nb_add(nb_sigmoid(y), nb_relu(nb_matmul(p.x, W)));
    if (use == ELSEWHERE) y = nb_add(nb_sigmoid(y), nb_relu(nb_affine(p.z, W, b)));
    p.loss = nb_mean(nb_multiply(nb_softmax(y), y));
    assert_ok(nb_graph_finish(p.g, wide_rows));
    support_fill_d(nb_tensor_count(nb_value(p.W)), nb_value(p.W)->data, 5);
    PUT(b, .1, -.2, .3);
    return p;
}

/* Which of the columns are not 0: all, none, first and last, runs. */
static const char *const column_patterns[] = {"xxxxxxxxxxx", "...........", "x.........x",
                                              ".xxx..x.xx.", "xx........."};

typedef struct columns {
    double whole[wide_rows * wide], packed[wide_rows * wide];
    nb_run run[wide];
    size_t runs, count;
} columns;

static void columns_init(columns *c, const char *pattern)
{
    uint32_t active[wide];
    double *next = c->packed;
    support_fill_d(wide_rows * wide, c->whole, 31);
    for (size_t j = 0; j < wide; j++) active[j] = pattern[j] == 'x';
    for (size_t i = 0; i < wide_rows * wide; i++)
        if (active[i % wide])
            *next++ = c->whole[i];
        else
            c->whole[i] = 0;
    c->runs = nb_find_runs(wide, active, 0, c->run, &c->count);
}

static nb_status feed_runs(nb_node *x, const nb_tensor *dense, size_t runs, const nb_run *run)
{
    return nb_feed_packed(x, &(nb_packed){.dense = *dense, .runs = runs, .run = run});
}

static void feed_columns(packed_graph *p, columns *c, size_t rows, bool packed)
{
    nb_tensor whole = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, wide), c->whole);
    const nb_tensor some = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, c->count), c->packed);
    static double other[wide_rows * wide];
    if (packed)
        assert_ok(feed_runs(p->x, &some, c->runs, c->run));
    else
        assert_ok(nb_feed(p->x, &whole));
    support_fill_d(wide_rows * wide, other, 32);
    whole.data = other;
    assert_ok(nb_feed(p->z, &whole));
}

/* Forward, backward, three steps of descent: the graph fed packed and the one fed whole agree. */
static void run_packed(packed_use use, const char *pattern, size_t rows, nb_pool *pool)
{
    columns c;
    columns_init(&c, pattern);
    packed_graph a = packed_graph_of(use), b = packed_graph_of(use);
    const nb_tensor dw[] = {nb_graph_gradients(a.g), nb_graph_gradients(b.g)};
    const nb_tensor w[] = {nb_graph_parameters(a.g), nb_graph_parameters(b.g)};
    nb_graph_set_pool(b.g, pool);
    feed_columns(&a, &c, rows, false);
    feed_columns(&b, &c, rows, true);
    assert_ok(nb_forward(b.loss));
    for (size_t step = 0; step < 3; step++) {
        assert_ok(nb_forward(a.loss));
        assert_near(nb_scalar(b.loss), nb_scalar(a.loss), 1e-13);
        assert_ok(nb_backward(a.loss));
        /* NaN: the columns left out have a gradient too, and it is 0. */
        memset(nb_gradient(b.W)->data, 0xff, wide * 3 * sizeof(double));
        assert_ok(nb_backward(b.loss));
        assert_tensors_near(&dw[0], &dw[1], 1e-13);
        nb_kernels_of(NB_FLOAT64)->sgd(nb_tensor_count(&w[0]), .3, dw[0].data, w[0].data);
        assert_ok(nb_descend(b.loss, .3, step == 0));
        if (step) assert_ok(nb_forward(b.loss));
        assert_tensors_near(&w[0], &w[1], 1e-13);
    }
    /* A cast is fed whole; it may be fed packed again. */
    nb_graph *cast;
    assert_ok(nb_forward(a.loss));
    assert_ok(nb_graph_cast(b.g, NB_FLOAT64, &cast));
    nb_node *loss = nb_graph_node(cast, nb_node_index(b.loss));
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(a.loss), 1e-13);
    b.x = nb_graph_node(cast, nb_node_index(b.x));
    b.z = nb_graph_node(cast, nb_node_index(b.z));
    feed_columns(&b, &c, rows, true);
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(a.loss), 1e-13);
    nb_graph_destroy(cast);
    nb_graph_destroy(a.g);
    nb_graph_destroy(b.g);
}

static void columns_of_zeros_may_be_left_out(void **state)
{
    (void)state;
    nb_pool *pool[3] = {NULL};
    assert_ok(nb_pool_create(&pool[1], 2));
    assert_ok(nb_pool_create(&pool[2], 4));
    for (int use = 0; use < uses; use++)
        for (size_t c = 0; c < COUNT(column_patterns); c++)
            for (size_t rows = 1; rows <= wide_rows; rows += wide_rows - 1)
                for (size_t p = 0; p < 3; p++)
                    run_packed((packed_use)use, column_patterns[c], rows, pool[p]);
    nb_pool_destroy(pool[1]);
    nb_pool_destroy(pool[2]);
}

static void packed_feeding_is_checked(void **state)
{
    (void)state;
    columns c;
    columns_init(&c, ".xxx..x.xx.");
    packed_graph p = packed_graph_of(ONCE);
    nb_tensor v = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 6), c.packed);
    assert_fails(NB_EINVAL, "nb_feed_packed: z is no nb_sparse input",
                 feed_runs(p.z, &v, c.runs, c.run));
    assert_fails(NB_ESHAPE, "dense is (2, 6), the runs have 4 columns",
                 feed_runs(p.x, &v, 2, c.run));
    v.shape.dim[0] = wide_rows + 1;
    assert_fails(NB_ESHAPE, "or fewer rows", feed_runs(p.x, &v, c.runs, c.run));
    v.shape.dim[0] = 2;
    v.dtype = NB_FLOAT32;
    assert_fails(NB_EDTYPE, "x takes float64", feed_runs(p.x, &v, c.runs, c.run));
    v.dtype = NB_FLOAT64;
    const nb_run wrong[][2] = {
        {{1, 4}, {3, 6}}, {{4, 7}, {1, 4}}, {{0, 5}, {11, 12}}, {{0, 6}, {7, 7}}, {{5, 4}, {6, 8}}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(NB_ESHAPE, "expected ascending columns below 11",
                     feed_runs(p.x, &v, 2, wrong[i]));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(p.loss));
    nb_graph_destroy(p.g);
}

static void only_products_take_a_packed_input(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++)
        for (int use = 0; use < 4 - late; use++) {
            nb_graph *g = graph_of(NB_FLOAT64);
            nb_node *x = x_of(g, 3), *y = x_of(g, 3);
            if (!late) assert_ptr_equal(nb_sparse(x), x);
            if (use == 0) nb_sigmoid(x);
            if (use == 1) nb_add(y, x);
            if (use == 2) nb_softmax_cross_entropy(y, x, 0);
            if (use == 3) nb_matmul(y, x);
            if (late) assert_null(nb_sparse(x));
            assert_fails(NB_EINVAL, "may not be packed (nb_sparse)", nb_graph_finish(g, 2));
            nb_graph_destroy(g);
        }
    nb_graph *g = graph_of(NB_FLOAT64);
    assert_null(nb_sparse(NULL));
    assert_null(nb_sparse(p_of(g, NB_SHAPE(2, 2))));
    assert_fails(NB_EINVAL, "nb_sparse: p is no input of shape (batch, k)", nb_graph_finish(g, 2));
    nb_graph_destroy(g);
    /* After nb_graph_finish there is no room for the copy. */
    g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 3);
    nb_matmul(x, p_of(g, NB_SHAPE(3, 2)));
    assert_ok(nb_graph_finish(g, 2));
    assert_null(nb_sparse(x));
    double numbers[2] = {1, 2};
    const nb_tensor v = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 1), numbers);
    assert_fails(NB_EINVAL, "no nb_sparse input", feed_runs(x, &v, 1, &(nb_run){0, 1}));
    nb_graph_destroy(g);
}

/* --- casting ---------------------------------------------------------------------------------- */

static void a_cast_computes_the_same_in_another_precision(void **state)
{
    (void)state;
    nb_graph *copy;
    deep d = deep_of(NB_FLOAT32, true);
    deep_feed(&d, 9);
    assert_ok(nb_forward(d.loss));
    assert_ok(nb_backward(d.loss));
    assert_ok(nb_graph_cast(d.g, NB_FLOAT64, &copy));
    assert_int_equal(nb_graph_dtype(copy), NB_FLOAT64);
    assert_int_equal(nb_graph_nodes(copy), nb_graph_nodes(d.g));
    assert_int_equal(nb_graph_max_batch(copy), deep_rows);
    for (size_t i = 0; i < nb_graph_nodes(copy); i++) {
        nb_node *a = nb_graph_node(d.g, i), *b = nb_graph_node(copy, i);
        assert_string_equal(nb_node_name(a), nb_node_name(b));
        assert_ptr_equal(nb_node_op(a), nb_node_op(b));
        assert_int_equal(nb_node_is_parameter(a), nb_node_is_parameter(b));
    }
    nb_node *loss = nb_graph_node(copy, nb_node_index(d.loss));
    assert_fails(NB_EINVAL, "no nb_forward", nb_backward(loss));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    assert_near(nb_scalar(loss), nb_scalar(d.loss), 1e-5);
    for (size_t i = 0; i < nb_graph_nodes(copy); i++) {
        nb_node *a = nb_graph_node(d.g, i), *b = nb_graph_node(copy, i);
        if (!nb_node_is_parameter(a)) continue;
        for (size_t j = 0; j < nb_tensor_count(nb_value(a)); j++) {
            assert_true(at(a, j) == at(b, j));
            assert_near(slope(a, j), slope(b, j), 1e-5);
        }
    }
    /* It lives without the first graph, may be cast on, and be fed anew. */
    const double value = nb_scalar(loss);
    const size_t x = nb_node_index(d.x), t = nb_node_index(d.t);
    nb_graph *again;
    nb_graph_destroy(d.g);
    assert_ok(nb_graph_cast(copy, NB_FLOAT64, &again));
    nb_node *same = nb_graph_node(again, nb_node_index(loss));
    assert_ok(nb_forward(same));
    assert_true(nb_scalar(same) == value);
    deep fresh = {again, nb_graph_node(again, x), nb_graph_node(again, t), same};
    deep_feed(&fresh, deep_rows);
    assert_ok(nb_forward(same));
    assert_true(nb_scalar(same) != value);
    nb_graph_destroy(copy);
    nb_graph_destroy(again);
}

static void a_cast_can_fail(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64), *copy = g;
    p_of(g, NB_SHAPE(2));
    assert_fails(NB_EINVAL, "nb_graph_cast: the graph is not finished",
                 nb_graph_cast(g, NB_FLOAT32, &copy));
    assert_null(copy);
    assert_ok(nb_graph_finish(g, 1));
    copy = g;
    assert_fails(NB_EDTYPE, "not uint8", nb_graph_cast(g, NB_UINT8, &copy));
    assert_null(copy);
    nb_graph_destroy(g);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The linker sends every allocation of the library and of this file here (Makefile: wrap_graph);
 * what BLAS and the C library take for themselves is not ours. */
static atomic_size_t allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_posix_memalign(block, alignment, size);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 2));
    for (int c = 0; c < 8; c++) {
        const size_t before = atomic_load(&allocations);
        deep d = deep_of(c & 1 ? NB_FLOAT32 : NB_FLOAT64, c & 2);
        assert_true(atomic_load(&allocations) > before); /* the wrapper sees the library */
        if (c & 4) nb_graph_set_pool(d.g, pool);
        const size_t built = atomic_load(&allocations);
        for (size_t step = 0; step < 6; step++) {
            deep_feed(&d, 1 + step * 5);
            assert_ok(nb_forward(d.loss));
            assert_ok(nb_backward(d.loss));
            assert_ok(nb_descend(d.loss, .1, false));
        }
        assert_int_equal(atomic_load(&allocations), built);
        nb_graph_destroy(d.g);
    }
    nb_pool_destroy(pool);
}

/* Build, finish, feed, cast, run: everything that may allocate, once. */
static nb_status whole_life(void)
{
    static double numbers[4] = {1, 2, 3, 4};
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), numbers);
    nb_graph *g, *copy = NULL;
    nb_status status = nb_graph_create(&g, NB_FLOAT64);
    if (status) {
        assert_null(g);
        return status;
    }
    nb_node *x = x_of(g, 2), *h = x;
    /* More nodes than the first room for them. */
    for (size_t i = 0; i < 8; i++)
        h = nb_name(nb_sigmoid(nb_affine(h, p_of(g, NB_SHAPE(2, 2)), p_of(g, NB_SHAPE(2)))), "h");
    nb_node *loss = nb_name(nb_name(nb_sum(h), "once"), "twice");
    status = nb_graph_finish(g, 2);
    if (!status) {
        assert_ok(nb_feed(x, &fed));
        assert_ok(nb_forward(loss));
        assert_ok(nb_backward(loss));
        status = nb_graph_cast(g, NB_FLOAT32, &copy);
        assert_true((copy == NULL) == (status != NB_OK));
        if (!status) assert_ok(nb_descend(loss, .1, false));
    }
    nb_graph_destroy(copy);
    nb_graph_destroy(g);
    return status;
}

static void no_failing_allocation_leaks(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    do {
        support_allocator_start(++fail_at);
        status = whole_life();
        if (status) assert_fails(NB_ENOMEM, "no memory", status);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
    } while (status);
    assert_true(fail_at > 100);
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
        cmocka_unit_test(feeding_is_checked),
        cmocka_unit_test(forward_needs_what_it_needs),
        cmocka_unit_test(a_label_is_a_class),
        cmocka_unit_test(backward_follows_forward),
        cmocka_unit_test(losses_share_a_graph),
        cmocka_unit_test(a_target_cannot_be_learnt_through_the_entropy),
        cmocka_unit_test(unreached_parameters_have_gradient_zero),
        cmocka_unit_test(the_exact_logarithm_is_taken_of_the_logits),
        cmocka_unit_test(two_apples),
        cmocka_unit_test(apples_and_oranges),
        cmocka_unit_test(the_three_layer_network),
        cmocka_unit_test(simple_net),
        cmocka_unit_test(an_operation_of_ones_own),
        cmocka_unit_test(threads_change_the_rounding_at_most),
        cmocka_unit_test(descent_is_backward_and_a_step),
        cmocka_unit_test(what_is_not_rows_is_not_shared),
        cmocka_unit_test(descent_may_go_on_to_the_next_value),
        cmocka_unit_test(columns_of_zeros_may_be_left_out),
        cmocka_unit_test(packed_feeding_is_checked),
        cmocka_unit_test(only_products_take_a_packed_input),
        cmocka_unit_test(a_cast_computes_the_same_in_another_precision),
        cmocka_unit_test(a_cast_can_fail),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(no_failing_allocation_leaks),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
