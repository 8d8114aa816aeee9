/* Convolution and pooling as operations of a graph. */
#include "support.h"

#include "nablas/gradient.h"
#include "nablas/memory.h"
#include "op/ops.h"

#include <math.h>

static const nb_sliding slides[] = {
    {0}, {0, 0, 2, 1, 1, 0, false}, {0, 0, 1, 3, 2, 2, false}, {2, 3, 1, 1, 1, 2, false}};

static void assert_promises(const nb_op *op, const nb_sliding *how, const nb_operand *operand)
{
    nb_gradient_report report;
    assert_ok(nb_op_check(op, how, operand, NULL, &report));
    if (!report.passed) fail_msg("%s: %s", op->name, report.broken);
    nb_gradient_report_destroy(&report);
}

static void they_keep_their_promises(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(slides); i++) {
        const nb_operand conv[] = {{.shape = NB_SHAPE(3, 2, 4, 5)},
                                   {.shape = NB_SHAPE(3, 2, 2, 3)},
                                   {.shape = NB_SHAPE(3)}};
        assert_promises(&nb_op_conv2d, &slides[i], conv);
        assert_promises(nb_op_joined(&nb_op_conv2d, &nb_op_relu, NULL), &slides[i], conv);
        assert_promises(&nb_op_max_pool, &slides[i], conv);
        assert_promises(&nb_op_average_pool, &slides[i], conv);
    }
}

/* --- values ----------------------------------------------------------------------------------- */

/* One image of 4 x 4, the book's 7.2.2 and 7.2.3: filter, bias 3, padding, stride. */
static void convolution_is_the_books(void **state)
{
    (void)state;
    static const double image[] = {1, 2, 3, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 3, 0, 1};
    static const double filter[] = {2, 0, 1, 0, 1, 2, 1, 0, 2};
    static const double plain[] = {18, 19, 9, 18};
    static const double padded[] = {10, 15, 13, 5, 7, 18, 19, 13, 13, 9, 18, 9, 11, 13, 7, 6};
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_parameter(g, "x", NB_SHAPE(1, 1, 4, 4));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(1, 1, 3, 3)), *b = nb_parameter(g, "b", NB_SHAPE(1));
    nb_node *y = nb_conv2d(x, W, b, NULL);
    nb_node *p = nb_conv2d(x, W, b, &(nb_sliding){.pad_y = 1, .pad_x = 1});
    nb_node *s = nb_conv2d(x, W, b, &(nb_sliding){0, 0, 2, 2, 1, 1, false});
    assert_ok(nb_graph_finish(g, 1));
    memcpy(nb_value(x)->data, image, sizeof image);
    memcpy(nb_value(W)->data, filter, sizeof filter);
    *(double *)nb_value(b)->data = 3;
    assert_ok(nb_forward(y));
    for (size_t i = 0; i < 4; i++) assert_near(((double *)nb_value(y)->data)[i], plain[i], 1e-14);
    assert_ok(nb_forward(p));
    for (size_t i = 0; i < 16; i++) assert_near(((double *)nb_value(p)->data)[i], padded[i], 1e-14);
    assert_ok(nb_forward(s));
    for (size_t i = 0; i < 4; i++)
        assert_near(((double *)nb_value(s)->data)[i], padded[i / 2 * 8 + i % 2 * 2], 1e-14);
    nb_graph_destroy(g);
}

static void pooling_is_the_books(void **state)
{
    (void)state;
    static const double image[] = {1, 2, 1, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 4, 0, 1};
    static const double largest[] = {2, 3, 4, 2}, mean[] = {1, 1.5, 2.25, 1};
    const nb_sliding pairs = {2, 2, 0, 0, 0, 0, false};
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_parameter(g, "x", NB_SHAPE(1, 1, 4, 4));
    nb_node *m = nb_max_pool(x, &pairs), *a = nb_average_pool(x, &pairs);
    nb_node *most = nb_max_pool(x, NULL), *all = nb_average_pool(x, NULL);
    assert_ok(nb_graph_finish(g, 1));
    memcpy(nb_value(x)->data, image, sizeof image);
    assert_ok(nb_forward(m));
    assert_memory_equal(nb_value(m)->data, largest, sizeof largest);
    assert_ok(nb_forward(a));
    assert_memory_equal(nb_value(a)->data, mean, sizeof mean);
    assert_ok(nb_forward(most));
    assert_true(nb_scalar(most) == 4);
    assert_ok(nb_forward(all));
    assert_true(nb_scalar(all) == 23. / 16);
    nb_graph_destroy(g);
}

/* --- training --------------------------------------------------------------------------------- */

enum { ROWS = 53, SIDE = 9, PIXELS = 2 * SIDE * SIDE, STEPS = 3 };

/* convolution, pooling, convolution, mean over the image; 53 images: 7 groups, the last of 5 */
static nb_node *build(nb_dtype dtype, nb_graph **g)
{
    assert_ok(nb_graph_create(g, dtype));
    nb_node *x = nb_input(*g, "x", NB_SHAPE(NB_BATCH, 2, SIDE, SIDE));
    nb_node *W1 = nb_parameter(*g, "W1", NB_SHAPE(5, 2, 3, 2)),
            *b1 = nb_parameter(*g, "b1", NB_SHAPE(5));
    nb_node *W2 = nb_parameter(*g, "W2", NB_SHAPE(4, 5, 2, 2)),
            *b2 = nb_parameter(*g, "b2", NB_SHAPE(4));
    nb_node *h = nb_relu(nb_conv2d(x, W1, b1, &(nb_sliding){.pad_y = 1, .pad_x = 1}));
    h = nb_max_pool(h, &(nb_sliding){2, 2, 2, 2, 0, 0, false});
    h = nb_tanh(nb_conv2d(h, W2, b2, &(nb_sliding){0, 0, 1, 2, 1, 0, false}));
    nb_node *loss = nb_mean(nb_square(nb_average_pool(h, NULL)));
    assert_ok(nb_graph_finish(*g, ROWS));
    return loss;
}

static void feed_numbers(nb_graph *g, void *images)
{
    uint64_t seed = 3;
    const nb_kernels *k = nb_kernels_of(nb_graph_dtype(g));
    const nb_tensor w = nb_graph_parameters(g);
    const nb_tensor x = nb_tensor_view(nb_graph_dtype(g), NB_SHAPE(ROWS, 2, SIDE, SIDE), images);
    for (size_t i = 0; i < ROWS * PIXELS; i++) k->set(images, i, support_value(&seed));
    for (size_t i = 0; i < nb_tensor_count(&w); i++) k->set(w.data, i, support_value(&seed));
    assert_ok(nb_feed(nb_graph_find(g, "x"), &x));
}

/* Steps that descend on `pool`; counted: nothing is allocated. */
static nb_graph *descended(nb_dtype dtype, nb_pool *pool, bool counted, bool joins)
{
    static double images[ROWS * PIXELS];
    nb_graph *g;
    nb_node *loss = build(dtype, &g);
    feed_numbers(g, images);
    assert_ok(nb_graph_set_pool(g, pool));
    assert_ok(nb_graph_join(g, joins));
    if (counted) support_allocator_start(0);
    for (size_t i = 0; i < STEPS; i++) {
        assert_ok(nb_forward(loss));
        assert_ok(nb_descend(loss, .5));
    }
    if (counted) {
        assert_int_equal(support_memory.taken, 0);
        support_allocator_stop();
    }
    return g;
}

static void threads_and_joining_change_no_bit_and_a_step_allocates_nothing(void **state)
{
    (void)state;
    static const nb_dtype dtypes[] = {NB_FLOAT32, NB_FLOAT64};
    for (size_t d = 0; d < COUNT(dtypes); d++) {
        nb_graph *one = descended(dtypes[d], NULL, true, false);
        for (size_t threads = 1; threads <= 4; threads++) {
            nb_pool *pool;
            assert_ok(nb_pool_create(&pool, threads));
            nb_graph *more = descended(dtypes[d], pool, threads == 1, threads < 4);
            const nb_tensor a = nb_graph_parameters(one), b = nb_graph_parameters(more);
            assert_memory_equal(a.data, b.data, nb_tensor_count(&a) * nb_dtype_size(dtypes[d]));
            nb_graph_destroy(more);
            nb_pool_destroy(pool);
        }
        nb_graph_destroy(one);
    }
}

/* The gradient goes straight to the weights (NB_FUSES); the same as adding it after. */
static void descent_is_the_weights_less_the_gradient(void **state)
{
    (void)state;
    static double images[ROWS * PIXELS];
    nb_graph *g, *straight = descended(NB_FLOAT64, NULL, false, false);
    nb_node *loss = build(NB_FLOAT64, &g);
    feed_numbers(g, images);
    const nb_tensor w = nb_graph_parameters(g), dw = nb_graph_gradients(g);
    const double *want = nb_graph_parameters(straight).data;
    for (size_t i = 0; i < STEPS; i++) {
        assert_ok(nb_forward(loss));
        assert_ok(nb_backward(loss));
        for (size_t j = 0; j < nb_tensor_count(&w); j++)
            ((double *)w.data)[j] -= .5 * ((double *)dw.data)[j];
    }
    for (size_t j = 0; j < nb_tensor_count(&w); j++)
        assert_near(((double *)w.data)[j], want[j], 1e-14);
    nb_graph_destroy(g);
    nb_graph_destroy(straight);
}

/* --- nodes that are computed as one ------------------------------------------------------------ */

/* Only the last of them has a value; switched off, or asked for numerically, all have. */
static void joined_nodes_have_one_value(void **state)
{
    (void)state;
    static double images[ROWS * PIXELS];
    char text[2048];
    nb_graph *g;
    nb_node *loss = build(NB_FLOAT64, &g);
    nb_node *sums = nb_node_input(nb_graph_node(g, 6), 0), *W1 = nb_graph_find(g, "W1");
    feed_numbers(g, images);
    assert_string_equal(nb_node_op(sums)->name, "conv2d");
    assert_ok(nb_graph_join(g, true));
    assert_true(nb_graph_joins(g) && !nb_graph_joins(NULL));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    assert_null(nb_gradient(sums));
    assert_true(*(double *)nb_value(sums)->data == 0);
    nb_graph_schedule_text(loss, text, sizeof text);
    assert_non_null(strstr(text, "conv2d, relu, max_pool: rows\n"));
    assert_null(strstr(text, "    relu"));
    assert_ok(nb_forward(sums)); /* what is asked for is computed */
    assert_true(*(double *)nb_value(sums)->data != 0);
    nb_tensor numerical;
    assert_ok(nb_tensor_create(&numerical, NB_FLOAT64, nb_value(W1)->shape));
    assert_ok(nb_graph_numerical_gradient(loss, W1, 1e-5, &numerical));
    for (size_t i = 0; i < nb_tensor_count(&numerical); i++)
        assert_near(((double *)nb_gradient(W1)->data)[i], ((double *)numerical.data)[i], 1e-8);
    assert_false(nb_graph_joins(g));
    assert_ok(nb_forward(loss));
    assert_ok(nb_graph_join(g, true));
    assert_fails(NB_EINVAL, "no nb_forward", nb_backward(loss));
    assert_fails(NB_EINVAL, "nb_graph_join: g is NULL", nb_graph_join(NULL, true));
    nb_tensor_destroy(&numerical);
    nb_graph_destroy(g);
}

/* A value that two nodes use, or that is asked for, stays; so does pooling that is not by 2 x 2. */
static void nodes_that_are_needed_are_not_joined(void **state)
{
    (void)state;
    char text[2048];
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT32));
    nb_node *x = nb_parameter(g, "x", NB_SHAPE(1, 1, 6, 6));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(2, 1, 3, 3)), *b = nb_parameter(g, "b", NB_SHAPE(2));
    nb_node *twice = nb_conv2d(x, W, b, NULL), *relu = nb_relu(nb_conv2d(x, W, b, NULL));
    nb_node *both = nb_add(nb_relu(twice), twice);
    nb_node *other = nb_max_pool(relu, &(nb_sliding){2, 2, 1, 2, 0, 0, false});
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_graph_join(g, true));
    assert_true(nb_graph_schedule_text(both, text, sizeof text) > 0);
    assert_non_null(strstr(text, " relu: rows\n"));
    assert_null(strstr(text, "conv2d, relu"));
    assert_true(nb_graph_schedule_text(other, text, sizeof text) > 0);
    assert_non_null(strstr(text, " conv2d, relu: rows\n"));
    assert_non_null(strstr(text, " max_pool: rows\n"));
    nb_graph_destroy(g);
}

/* --- misuse ----------------------------------------------------------------------------------- */

typedef struct misuse {
    nb_shape x, W, b;
    nb_sliding how;
    nb_status code;
    const char *text;
} misuse;

static void convolutions_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const nb_shape x = NB_SHAPE(NB_BATCH, 2, 4, 4), W = NB_SHAPE(3, 2, 3, 3), b = NB_SHAPE(3);
    const misuse cases[] = {
        {NB_SHAPE(NB_BATCH, 32), W, b, {0}, NB_ESHAPE, "conv2d: x is (batch, 32), W (3, 2, 3, 3)"},
        {x,
         NB_SHAPE(3, 1, 3, 3),
         b,
         {0},
         NB_ESHAPE,
         "expected (n, C, H, W), (FN, C, FH, FW), (FN)"},
        {x, W, NB_SHAPE(2), {0}, NB_ESHAPE, "b (2,)"},
        {x, NB_SHAPE(3, 2, 5, 3), b, {0}, NB_EINVAL, "a window of height 5 on images of 4"},
        {x,
         W,
         b,
         {2, 3, 1, 1, 0, 0, false},
         NB_ESHAPE,
         "conv2d: a window of 2 x 3 with W (3, 2, 3, 3)"},
        {x, W, b, {0, 0, 1, 1, SIZE_MAX / 2, 0, false}, NB_EOVERFLOW, "padding"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_graph *g;
        assert_ok(nb_graph_create(&g, NB_FLOAT32));
        assert_null(nb_conv2d(nb_input(g, "x", cases[i].x), nb_parameter(g, "W", cases[i].W),
                              nb_parameter(g, "b", cases[i].b), &cases[i].how));
        assert_fails(cases[i].code, cases[i].text, nb_graph_finish(g, 1));
        nb_graph_destroy(g);
    }
    assert_null(nb_conv2d(NULL, NULL, NULL, NULL));
}

typedef nb_node *(*pooling)(nb_node *x, const nb_sliding *how);

static void refuses_pool(pooling pool, bool flat, const nb_sliding *how, nb_status code,
                         const char *text)
{
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT32));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 1, 17, 17));
    assert_null(pool(flat ? nb_flatten(x) : x, how));
    assert_fails(code, text, nb_graph_finish(g, 1));
    assert_null(pool(NULL, how));
    nb_graph_destroy(g);
}

static void pools_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const nb_sliding high = {.rows = 18, .columns = 1};
    refuses_pool(nb_max_pool, true, NULL, NB_ESHAPE, "max_pool: x is (batch, 289)");
    refuses_pool(nb_average_pool, true, NULL, NB_ESHAPE, "average_pool: x is (batch, 289)");
    refuses_pool(nb_max_pool, false, NULL, NB_EINVAL, "max_pool: a window of 17 x 17 pixels");
    refuses_pool(nb_max_pool, false, &high, NB_EINVAL, "a window of height 18");
    refuses_pool(nb_average_pool, false, &high, NB_EINVAL, "a window of height 18");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_keep_their_promises),
        cmocka_unit_test(convolution_is_the_books),
        cmocka_unit_test(pooling_is_the_books),
        cmocka_unit_test(threads_and_joining_change_no_bit_and_a_step_allocates_nothing),
        cmocka_unit_test(joined_nodes_have_one_value),
        cmocka_unit_test(nodes_that_are_needed_are_not_joined),
        cmocka_unit_test(descent_is_the_weights_less_the_gradient),
        cmocka_unit_test(convolutions_that_do_not_fit_are_refused),
        cmocka_unit_test(pools_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("conv2d", tests, NULL, NULL);
}
