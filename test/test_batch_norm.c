/* Batch norm against NumPy 1.24: the book's BatchNormalization by column, and by channel. */
#include "support.h"

#include "nablas/gradient.h"
#include "nablas/memory.h"
#include "nablas/random.h"
#include "op/ops.h"

#include <math.h>

enum { most_rows = 130, most_width = 12 };

/* batch_norm alone: x is a parameter, so that it has a gradient; its dout is c. */
typedef struct layer {
    nb_graph *g;
    nb_node *x, *gamma, *beta, *mean, *variance, *y, *c, *loss;
    double weight[most_rows * most_width];
} layer;

static void start(layer *l, nb_shape shape, const nb_batch_norm_options *options, nb_random *random)
{
    const nb_shape features =
        NB_SHAPE(options->channels ? shape.dim[1] : shape.dim[1] * (shape.ndim > 2 ? 6 : 1));
    assert_ok(nb_graph_create(&l->g, NB_FLOAT64));
    l->x = nb_parameter(l->g, "x", shape);
    l->gamma = nb_parameter(l->g, "gamma", features);
    l->beta = nb_parameter(l->g, "beta", features);
    l->mean = nb_state(l->g, "mean", features);
    l->variance = nb_state(l->g, "variance", features);
    l->y = nb_batch_norm(l->x, l->gamma, l->beta, l->mean, l->variance, options);
    l->c = nb_input(l->g, "c", shape);
    l->loss = nb_sum(nb_multiply(l->y, l->c));
    assert_ok(nb_graph_finish(l->g, most_rows));
    nb_node *const order[] = {l->x, l->gamma, l->beta};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < nb_tensor_count(nb_value(order[k])); i++)
            ((double *)nb_value(order[k])->data)[i] = nb_random_randn(random);
    const nb_tensor c = nb_tensor_view(NB_FLOAT64, shape, l->weight);
    for (size_t i = 0; i < nb_tensor_count(&c); i++) l->weight[i] = nb_random_randn(random);
    assert_ok(nb_feed(l->c, &c));
}

static const double *numbers(nb_node *node)
{
    return nb_value(node)->data;
}

static const double *gradient(const nb_node *node)
{
    return nb_gradient(node)->data;
}

static void assert_all(size_t n, const double *got, const double *want, double bound)
{
    for (size_t i = 0; i < n; i++) assert_near(got[i], want[i], bound * fmax(1, fabs(want[i])));
}

static void train(layer *l)
{
    assert_ok(nb_graph_set_pass(l->g, (nb_pass){.training = true}));
    assert_ok(nb_forward(l->loss));
    assert_ok(nb_backward(l->loss));
}

/* --- NumPy ------------------------------------------------------------------------------------ */

/* seed 3: x = randn(19, 3) * [1, 2, .5] + [.3, -2, 5], gamma, beta, dout = randn; sums of 19 rows
 * differ from NumPy's by their order alone. */
static void columns_are_the_book_s(void **state)
{
    (void)state;
    layer l;
    nb_random random;
    static const double times[] = {1, 2, .5}, plus[] = {.3, -2, 5};
    nb_random_seed(&random, 3);
    start(&l, NB_SHAPE(19, 3), &nb_batch_norm_book, &random);
    double *x = nb_value(l.x)->data;
    for (size_t i = 0; i < 57; i++) x[i] = x[i] * times[i % 3] + plus[i % 3];
    train(&l);
    assert_all(3, numbers(l.mean),
               (double[]){0.017602037286884933, -0.26404204625030764, 0.49750500420538041}, 1e-15);
    assert_all(3, numbers(l.variance),
               (double[]){0.10485494493680739, 0.47928895940454569, 0.023162959213183437}, 1e-15);
    assert_all(3, numbers(l.y),
               (double[]){-2.4276295883370071, 0.91696340426427847, -0.48858988467228087}, 4e-15);
    assert_all(3, numbers(l.y) + 54,
               (double[]){-1.8804680789909416, 1.773297558752216, -1.9789720221435148}, 4e-15);
    assert_all(3, gradient(l.x),
               (double[]){-2.0345048071123917, 0.1780901123319957, -0.54239712190410516}, 1e-14);
    assert_all(3, gradient(l.x) + 54,
               (double[]){0.20127044161032848, 0.19074723162534052, -4.2106220477835015}, 1e-14);
    assert_all(3, gradient(l.gamma),
               (double[]){3.7556848698766707, 1.5189142772962789, 6.6438941815754937}, 1e-14);
    assert_all(3, gradient(l.beta),
               (double[]){5.4324460898963007, -1.5825154218592905, -0.73947696032695442}, 1e-14);

    train(&l);
    assert_all(3, numbers(l.mean),
               (double[]){0.033443870845081373, -0.50167988787558448, 0.94525950799022285}, 1e-15);
    assert_all(3, numbers(l.variance),
               (double[]){0.19922439537993403, 0.9106490228686368, 0.044009622505048529}, 1e-15);
    assert_ok(nb_graph_set_pass(l.g, (nb_pass){0}));
    assert_ok(nb_forward(l.loss));
    assert_all(3, numbers(l.y) + 54,
               (double[]){-6.2649675930135933, 3.6933480919628314, -41.059555346355154}, 4e-15);
    nb_graph_destroy(l.g);
}

/* seed 4: x = randn(5, 2, 3, 2), gamma, beta, dout; epsilon 1e-5; the running variance was 1. */
static void channels_are_the_usual_ones(void **state)
{
    (void)state;
    layer l;
    nb_random random;
    nb_random_seed(&random, 4);
    start(&l, NB_SHAPE(5, 2, 3, 2), &nb_batch_norm_channels, &random);
    for (size_t i = 0; i < 2; i++) ((double *)nb_value(l.variance)->data)[i] = 1;
    train(&l);
    assert_all(2, numbers(l.mean), (double[]){0.017190107481814095, -0.015677519036788483}, 1e-16);
    assert_all(2, numbers(l.variance), (double[]){1.0133059081827649, 0.9682488563784486}, 1e-15);
    assert_all(6, numbers(l.y) + 54,
               (double[]){-0.99753035628654541, -0.58888265601873691, -1.2861806634092765,
                          -0.42818972298405877, -0.44798186730789813, -0.53726174971522211},
               2e-15);
    assert_all(6, gradient(l.x) + 54,
               (double[]){0.25554374685255959, -0.14106004517122203, 0.19990992913972358,
                          0.66961779904810403, -0.21608781813167707, -0.58308012293432587},
               2e-15);
    assert_all(2, gradient(l.gamma), (double[]){-7.2122632632478076, 2.7476023382060775}, 4e-15);
    assert_all(2, gradient(l.beta), (double[]){2.8831389809699743, 2.4994447216809137}, 4e-15);
    nb_graph_destroy(l.g);
}

/* --- properties ------------------------------------------------------------------------------- */

/* In a graph with a batch: x W, batch norm, a mean of squares. */
typedef struct net {
    nb_graph *g;
    nb_node *x, *W, *gamma, *mean, *variance, *loss;
    double data[most_rows * 4];
} net;

static void start_net(net *n, nb_dtype dtype, bool channels)
{
    nb_batch_norm_options options = channels ? nb_batch_norm_channels : nb_batch_norm_book;
    const size_t width = channels ? 2 : 6;
    nb_random random;
    nb_random_seed(&random, 8);
    assert_ok(nb_graph_create(&n->g, dtype));
    n->x = nb_input(n->g, "x", NB_SHAPE(NB_BATCH, 4));
    n->W = nb_parameter(n->g, "W", NB_SHAPE(4, 6));
    nb_node *z = nb_matmul(n->x, n->W);
    if (channels) z = nb_reshape(z, NB_SHAPE(2, 3));
    n->gamma = nb_parameter(n->g, "gamma", NB_SHAPE(width));
    n->mean = nb_state(n->g, "mean", NB_SHAPE(width));
    n->variance = nb_state(n->g, "variance", NB_SHAPE(width));
    z = nb_batch_norm(z, n->gamma, nb_parameter(n->g, "beta", NB_SHAPE(width)), n->mean,
                      n->variance, &options);
    n->loss = nb_mean(nb_square(nb_sigmoid(z)));
    assert_ok(nb_graph_finish(n->g, most_rows));
    for (size_t i = 0; i < nb_graph_nodes(n->g); i++) {
        nb_node *node = nb_graph_node(n->g, i);
        if (!nb_node_is_parameter(node)) continue;
        for (size_t j = 0; j < nb_tensor_count(nb_value(node)); j++)
            nb_kernels_of(dtype)->set(nb_value(node)->data, j, nb_random_randn(&random));
    }
    assert_ok(nb_graph_set_pass(n->g, (nb_pass){.training = true}));
}

static void feed_net(net *n, size_t rows)
{
    const nb_tensor x = nb_tensor_view(nb_graph_dtype(n->g), NB_SHAPE(rows, 4), n->data);
    nb_random random;
    nb_random_seed(&random, 9);
    for (size_t i = 0; i < 4 * rows; i++)
        nb_kernels_of(x.dtype)->set(n->data, i, nb_random_randn(&random));
    assert_ok(nb_feed(n->x, &x));
}

static void step(net *n)
{
    assert_ok(nb_forward(n->loss));
    assert_ok(nb_descend(n->loss, .5));
}

/* Weights and running statistics after three steps. */
static void bits_after(net *n, size_t rows, nb_dtype dtype, bool channels, nb_pool *pool)
{
    start_net(n, dtype, channels);
    assert_ok(nb_graph_set_pool(n->g, pool));
    feed_net(n, rows);
    for (size_t i = 0; i < 3; i++) step(n);
}

static void assert_same_bits(nb_node *a, nb_node *b)
{
    const nb_tensor *v = nb_value(a);
    assert_memory_equal(v->data, nb_value(b)->data, nb_tensor_count(v) * nb_dtype_size(v->dtype));
}

static void the_bits_are_those_of_one_thread(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 7, 8, 9, 53, most_rows};
    for (size_t kind = 0; kind < 4; kind++)
        for (size_t r = 0; r < COUNT(rows); r++) {
            const nb_dtype dtype = kind % 2 ? NB_FLOAT32 : NB_FLOAT64;
            net one, more;
            bits_after(&one, rows[r], dtype, kind / 2, NULL);
            for (size_t threads = 2; threads <= 4; threads++) {
                nb_pool *pool;
                assert_ok(nb_pool_create(&pool, threads));
                bits_after(&more, rows[r], dtype, kind / 2, pool);
                assert_same_bits(one.W, more.W);
                assert_same_bits(one.gamma, more.gamma);
                assert_same_bits(one.mean, more.mean);
                assert_same_bits(one.variance, more.variance);
                nb_graph_destroy(more.g);
                nb_pool_destroy(pool);
            }
            nb_graph_destroy(one.g);
        }
}

static void a_frozen_pass_repeats_the_loss_and_moves_nothing(void **state)
{
    (void)state;
    net n;
    start_net(&n, NB_FLOAT64, false);
    feed_net(&n, 20);
    assert_ok(nb_forward(n.loss));
    const double loss = nb_scalar(n.loss), mean = *numbers(n.mean), variance = *numbers(n.variance);
    assert_ok(nb_graph_set_pass(n.g, (nb_pass){.training = true, .frozen = true}));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(nb_forward(n.loss));
        assert_true(nb_scalar(n.loss) == loss);
    }
    assert_true(*numbers(n.mean) == mean && *numbers(n.variance) == variance);
    assert_true(mean != 0 && variance != 0);
    assert_ok(nb_graph_set_pass(n.g, (nb_pass){0}));
    assert_ok(nb_forward(n.loss));
    assert_true(nb_scalar(n.loss) != loss);
    assert_true(*numbers(n.mean) == mean && *numbers(n.variance) == variance);
    nb_graph_destroy(n.g);
}

/* d moves with the batch's statistics, as a does; the running ones stay where they are. */
static void a_gradient_check_in_training_freezes_the_statistics(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        net n;
        nb_gradient_report report;
        start_net(&n, NB_FLOAT64, kind == 1);
        feed_net(&n, 20);
        step(&n);
        const double mean = *numbers(n.mean), variance = *numbers(n.variance);
        assert_ok(nb_forward(n.loss));
        assert_true(*numbers(n.mean) != mean && *numbers(n.variance) != variance);
        const double moved = *numbers(n.mean), spread = *numbers(n.variance);
        assert_ok(nb_gradient_check(n.loss, 1e-4, &report));
        assert_true(report.passed);
        assert_true(*numbers(n.mean) == moved && *numbers(n.variance) == spread);
        nb_gradient_report_destroy(&report);
        nb_graph_destroy(n.g);
    }
}

/* The mean of one row is the row: what comes out is beta, and nothing reaches x or gamma. */
static void one_row_is_its_own_mean(void **state)
{
    (void)state;
    layer l;
    nb_random random;
    nb_random_seed(&random, 2);
    start(&l, NB_SHAPE(1, 5), &nb_batch_norm_book, &random);
    train(&l);
    for (size_t i = 0; i < 5; i++) {
        assert_true(numbers(l.y)[i] == numbers(l.beta)[i]);
        assert_true(gradient(l.x)[i] == 0 && gradient(l.gamma)[i] == 0);
        assert_true(gradient(l.beta)[i] == l.weight[i]);
    }
    nb_graph_destroy(l.g);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    net n;
    start_net(&n, NB_FLOAT32, true);
    feed_net(&n, 30);
    step(&n);
    support_allocator_start(0);
    for (size_t i = 0; i < 3; i++) step(&n);
    assert_int_equal(support_memory.taken, 0);
    support_allocator_stop();
    nb_graph_destroy(n.g);
}

static void it_keeps_its_promises(void **state)
{
    (void)state;
    static const nb_batch_norm_options *const kinds[] = {&nb_batch_norm_book,
                                                         &nb_batch_norm_channels};
    const double variance[] = {.7, 1.3, 2, .5};
    for (size_t k = 0; k < 2; k++) {
        const nb_shape features = NB_SHAPE(k ? 2 : 4);
        const nb_operand operand[] = {{.shape = NB_SHAPE(5, 2, 2)},
                                      {.shape = features},
                                      {.shape = features},
                                      {.shape = features, .constant = true},
                                      {.shape = features, .value = variance, .constant = true}};
        nb_gradient_report report;
        assert_ok(nb_op_check(&nb_op_batch_norm, kinds[k], operand, NULL, &report));
        if (!report.passed) fail_msg("%s", report.broken);
        nb_gradient_report_destroy(&report);
    }
}

/* --- misuse ----------------------------------------------------------------------------------- */

static nb_status finish_with(nb_shape x, nb_shape features, nb_batch_norm_options options)
{
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_batch_norm(nb_input(g, "x", x), nb_parameter(g, "gamma", features),
                  nb_parameter(g, "beta", features), nb_state(g, "mean", features),
                  nb_state(g, "variance", features), &options);
    nb_status status = nb_graph_finish(g, 3);
    nb_graph_destroy(g);
    return status;
}

static void misuse_is_answered(void **state)
{
    (void)state;
    const nb_batch_norm_options book = nb_batch_norm_book, channels = nb_batch_norm_channels;
    const nb_shape x = NB_SHAPE(NB_BATCH, 2, 3);
    assert_fails(NB_ESHAPE, "gamma is (2,), expected (6,)", finish_with(x, NB_SHAPE(2), book));
    assert_fails(NB_ESHAPE, "gamma is (6,), expected (2,)", finish_with(x, NB_SHAPE(6), channels));
    assert_fails(NB_ESHAPE, "expected (n, m)", finish_with(NB_SHAPE(NB_BATCH), NB_SHAPE(1), book));
    assert_fails(NB_EINVAL, "momentum=1.5",
                 finish_with(x, NB_SHAPE(6), (nb_batch_norm_options){false, 1.5, 1e-6}));
    assert_fails(NB_EINVAL, "epsilon=nan",
                 finish_with(x, NB_SHAPE(6), (nb_batch_norm_options){false, .9, (double)NAN}));
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *p = nb_parameter(g, "p", NB_SHAPE(3));
    assert_null(nb_batch_norm(nb_input(g, "x", NB_SHAPE(NB_BATCH, 3)), p, p, p, p, NULL));
    assert_fails(NB_EINVAL, "running mean is no nb_state", nb_graph_finish(g, 1));
    nb_graph_destroy(g);
    assert_null(nb_batch_norm(NULL, NULL, NULL, NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_book_s),
        cmocka_unit_test(channels_are_the_usual_ones),
        cmocka_unit_test(the_bits_are_those_of_one_thread),
        cmocka_unit_test(a_frozen_pass_repeats_the_loss_and_moves_nothing),
        cmocka_unit_test(a_gradient_check_in_training_freezes_the_statistics),
        cmocka_unit_test(one_row_is_its_own_mean),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(it_keeps_its_promises),
        cmocka_unit_test(misuse_is_answered),
    };
    return cmocka_run_group_tests_name("batch_norm", tests, NULL, NULL);
}
