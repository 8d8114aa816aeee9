/* Dropout against NumPy 1.24, and its masks. */
#include "support.h"

#include "nablas/gradient.h"
#include "nablas/memory.h"
#include "nablas/random.h"
#include "op/op_dropout.h"
#include "op/ops.h"

#include <math.h>

enum { rows = 3, width = 5, count = rows * width };

typedef struct layer {
    nb_graph *g;
    nb_node *x, *y, *loss;
    nb_random random;
} layer;

/* seed 7: x = randn(3, 5), then the masks rand(3, 5) > .3. */
static void start(layer *l, bool book)
{
    nb_random_seed(&l->random, 7);
    assert_ok(nb_graph_create(&l->g, NB_FLOAT64));
    l->x = nb_parameter(l->g, "x", NB_SHAPE(rows, width));
    l->y = nb_dropout(l->x, .3, book);
    l->loss = nb_sum(l->y);
    assert_ok(nb_graph_finish(l->g, rows));
    for (size_t i = 0; i < count; i++)
        ((double *)nb_value(l->x)->data)[i] = nb_random_randn(&l->random);
}

static void pass(layer *l, nb_pass kind)
{
    assert_ok(nb_graph_set_pass(l->g, kind));
    assert_ok(nb_forward(l->loss));
    assert_ok(nb_backward(l->loss));
}

static void assert_values(const layer *l, const double *want)
{
    const double *y = nb_value(l->y)->data;
    for (size_t i = 0; i < count; i++) assert_near(y[i], want[i], 2e-16 * fabs(want[i]));
}

/* --- NumPy ------------------------------------------------------------------------------------ */

static const double masked[count] = {1.690525703800356,
                                     -0.0,
                                     0.032820163678584403,
                                     0.40751628299650783,
                                     -0.0,
                                     0.0020655729059481302,
                                     -0.00089038585793136283,
                                     -0.0,
                                     1.0176580056634932,
                                     0.60049851591954939,
                                     -0.62542897396675967,
                                     -0.17154826119572117,
                                     0,
                                     -0.26135641519164698,
                                     -0.24274907867254661};

static void training_is_x_times_the_mask(void **state)
{
    (void)state;
    layer l;
    start(&l, true);
    pass(&l, (nb_pass){.training = true, .random = &l.random});
    assert_values(&l, masked);
    const double *dx = nb_gradient(l.x)->data;
    for (size_t i = 0; i < count; i++) assert_true(dx[i] == (masked[i] == 0 ? 0 : 1));
    nb_graph_destroy(l.g);
}

static void predicting_is_x_times_what_stays(void **state)
{
    (void)state;
    layer l;
    start(&l, true);
    pass(&l, (nb_pass){0});
    assert_values(&l, (double[]){1.1833679926602492, -0.32615615937858294, 0.022974114575009082,
                                 0.28526139809755546, -0.55224612003801699, 0.0014459010341636911,
                                 -0.0006232701005519539, -1.2283070144417945, 0.71236060396444523,
                                 0.42034896114368453, -0.43780028177673175, -0.12008378283700481,
                                 0.35370956193772612, -0.18294949063415289, -0.16992435507078263});
    const double *dx = nb_gradient(l.x)->data;
    for (size_t i = 0; i < count; i++) assert_true(dx[i] == 1 - .3);
    nb_graph_destroy(l.g);
}

static void inverted_training_is_scaled_and_predicting_is_x(void **state)
{
    (void)state;
    layer l;
    start(&l, false);
    pass(&l, (nb_pass){.training = true, .random = &l.random});
    const double *y = nb_value(l.y)->data, *x = nb_value(l.x)->data;
    for (size_t i = 0; i < count; i++) assert_near(y[i], masked[i] / .7, 2.3e-16 * fabs(y[i]));
    pass(&l, (nb_pass){0});
    assert_memory_equal(y, x, count * sizeof *x);
    nb_graph_destroy(l.g);
}

/* --- masks ------------------------------------------------------------------------------------ */

static void each_training_pass_draws_anew_and_a_frozen_one_repeats(void **state)
{
    (void)state;
    layer l;
    double first[count];
    start(&l, true);
    const nb_random begin = l.random;
    pass(&l, (nb_pass){.training = true, .random = &l.random});
    memcpy(first, nb_value(l.y)->data, sizeof first);
    const nb_random after = l.random;
    pass(&l, (nb_pass){.training = true, .frozen = true});
    assert_memory_equal(first, nb_value(l.y)->data, sizeof first);
    pass(&l, (nb_pass){.training = true, .random = &l.random});
    assert_memory_not_equal(first, nb_value(l.y)->data, sizeof first);
    l.random = begin;
    pass(&l, (nb_pass){.training = true, .random = &l.random});
    assert_memory_equal(first, nb_value(l.y)->data, sizeof first);
    assert_memory_equal(&l.random, &after, sizeof after);
    pass(&l, (nb_pass){.random = &l.random});
    assert_memory_equal(&l.random, &after, sizeof after); /* predicting draws nothing */
    nb_graph_destroy(l.g);
}

/* Two masks in the order of their nodes, also where the second node is computed first. */
static void masks_are_drawn_in_the_order_of_the_nodes(void **state)
{
    (void)state;
    nb_graph *g;
    nb_random random, again;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *p = nb_parameter(g, "p", NB_SHAPE(40));
    nb_node *late = nb_dropout(nb_sigmoid(nb_exp(nb_identity(p))), .5, true);
    nb_node *early = nb_dropout(p, .5, true), *loss = nb_sum(nb_add(late, early));
    assert_ok(nb_graph_finish(g, 1));
    for (size_t i = 0; i < 40; i++) ((double *)nb_value(p)->data)[i] = 1;
    nb_random_seed(&random, 11);
    nb_random_seed(&again, 11);
    assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .random = &random}));
    assert_ok(nb_forward(loss));
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 40; i++)
            assert_true((((double *)nb_value(k ? early : late)->data)[i] != 0) ==
                        (nb_random_rand(&again) > .5));
    nb_graph_destroy(g);
}

/* A dropout between two products, 53 rows: shared out. */
static void train_net(nb_graph **out, nb_pool *pool, double *x, bool book, bool counted)
{
    nb_graph *g;
    nb_random random;
    nb_random_seed(&random, 6);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 4));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(4, 6)), *V = nb_parameter(g, "V", NB_SHAPE(6, 2));
    nb_node *loss = nb_mean(nb_square(nb_matmul(nb_dropout(nb_matmul(in, W), .5, book), V)));
    assert_ok(nb_graph_finish(g, 53));
    assert_ok(nb_graph_set_pool(g, pool));
    assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .random = &random}));
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(53, 4), x), w = nb_graph_parameters(g);
    support_fill_d(53 * 4, x, 1);
    support_fill_d(nb_tensor_count(&w), w.data, 2);
    assert_ok(nb_feed(in, &X));
    if (counted) support_allocator_start(0);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(nb_forward(loss));
        assert_ok(nb_descend(loss, .1));
    }
    if (counted) {
        assert_int_equal(support_memory.taken, 0);
        support_allocator_stop();
    }
    *out = g;
}

static void threads_change_no_bit_and_a_step_allocates_nothing(void **state)
{
    (void)state;
    static double x[53 * 4];
    for (int book = 0; book < 2; book++) {
        nb_graph *one, *more;
        train_net(&one, NULL, x, book, true);
        for (size_t threads = 2; threads <= 4; threads++) {
            nb_pool *pool;
            assert_ok(nb_pool_create(&pool, threads));
            train_net(&more, pool, x, book, false);
            const nb_tensor a = nb_graph_parameters(one), b = nb_graph_parameters(more);
            assert_memory_equal(a.data, b.data, nb_tensor_count(&a) * sizeof(double));
            nb_graph_destroy(more);
            nb_pool_destroy(pool);
        }
        nb_graph_destroy(one);
    }
}

static void it_keeps_its_promises(void **state)
{
    (void)state;
    const nb_operand operand[] = {{.shape = NB_SHAPE(5, 2, 2)}};
    for (int book = 0; book < 2; book++) {
        nb_gradient_report report;
        assert_ok(nb_op_check(&nb_op_dropout, &(nb_dropping){.4, book}, operand, NULL, &report));
        if (!report.passed) fail_msg("%s", report.broken);
        nb_gradient_report_destroy(&report);
    }
}

/* The stream of the caller is where it was: the check draws from a copy. */
static void a_gradient_check_in_training_freezes_the_mask(void **state)
{
    (void)state;
    for (int book = 0; book < 2; book++) {
        layer l;
        nb_gradient_report report;
        start(&l, book);
        const nb_random before = l.random;
        assert_ok(nb_graph_set_pass(l.g, (nb_pass){.training = true, .random = &l.random}));
        assert_ok(nb_gradient_check(l.loss, 1e-4, &report));
        assert_true(report.passed);
        nb_gradient_report_destroy(&report);
        assert_memory_equal(&l.random, &before, sizeof before);
        nb_graph_destroy(l.g);
    }
}

static void misuse_is_answered(void **state)
{
    (void)state;
    static const double bad[] = {-.1, 1, 1.5, (double)NAN};
    for (size_t i = 0; i < COUNT(bad); i++) {
        nb_graph *g;
        assert_ok(nb_graph_create(&g, NB_FLOAT64));
        assert_null(nb_dropout(nb_parameter(g, "p", NB_SHAPE(3)), bad[i], true));
        assert_fails(NB_EINVAL, "dropout: ratio=", nb_graph_finish(g, 1));
        nb_graph_destroy(g);
    }
    layer l;
    start(&l, true);
    assert_ok(nb_graph_set_pass(l.g, (nb_pass){.training = true}));
    assert_fails(NB_EINVAL, "without a random stream", nb_forward(l.loss));
    nb_graph_destroy(l.g);
    assert_null(nb_dropout(NULL, .5, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_is_x_times_the_mask),
        cmocka_unit_test(predicting_is_x_times_what_stays),
        cmocka_unit_test(inverted_training_is_scaled_and_predicting_is_x),
        cmocka_unit_test(each_training_pass_draws_anew_and_a_frozen_one_repeats),
        cmocka_unit_test(masks_are_drawn_in_the_order_of_the_nodes),
        cmocka_unit_test(threads_change_no_bit_and_a_step_allocates_nothing),
        cmocka_unit_test(it_keeps_its_promises),
        cmocka_unit_test(a_gradient_check_in_training_freezes_the_mask),
        cmocka_unit_test(misuse_is_answered),
    };
    return cmocka_run_group_tests_name("dropout", tests, NULL, NULL);
}
