/* Graphs: planted bugs are found, and what is no bug is named. */
#include "check_fixtures.h"

#include "nablas/mnist.h"
#include "nablas/random.h"
#include "perceptron.h"

#include <math.h>

/* --- planted bugs ----------------------------------------------------------------------------- */

static void a_sound_graph_is_clean(void **state)
{
    (void)state;
    size_t truncated = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        bed b;
        check_slip(&b, clean, 10 * seed);
        assert_true(b.report.passed);
        for (size_t i = 0; i < 6; i++) assert_true(isnan(b.report.row[i].ratio));
        /* Where the gradient happens to be near 0 and the third derivative is not. */
        truncated += b.report.tally[NB_TRUNCATION];
        assert_int_equal(b.report.tally[NB_AGREES] + b.report.tally[NB_TRUNCATION], elements);
        end_bed(&b);
    }
    assert_true(truncated < 100 * elements / 200);
}

static void a_wrong_transpose_is_found_upstream(void **state)
{
    (void)state;
    bed b;
    check_slip(&b, transposed, 3);
    assert_reason(&b.report.row[0], NB_WRONG, 16);
    assert_reason(&b.report.row[1], NB_WRONG, 4);
    for (size_t i = 2; i < 6; i++) assert_reason(&b.report.row[i], NB_WRONG, 0);
    assert_true(isnan(b.report.row[0].ratio));
    end_bed(&b);
}

/* Slips that are a factor: who is wrong, and the factor. */
static void factors_are_named(void **state)
{
    (void)state;
    static const struct {
        int slip;
        size_t row, wrong;
        double ratio;
    } cases[] = {
        {no_bias, 3, 4, 0},
        {flipped, 2, 16, -1},
        {times_batch, 2, 16, rows},
        {times_batch, 3, 4, rows},
        {over_batch, 2, 16, 1.0 / rows},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bed b;
        check_slip(&b, cases[i].slip, 7 + i);
        assert_reason(&b.report.row[cases[i].row], NB_WRONG, cases[i].wrong);
        assert_near(b.report.row[cases[i].row].ratio, cases[i].ratio, 1e-6);
        assert_reason(&b.report.row[0], NB_WRONG, 0);
        assert_reason(&b.report.row[4], NB_WRONG, 0);
        end_bed(&b);
    }
}

static void one_part_in_a_million_of_one_element_is_found(void **state)
{
    (void)state;
    bed b;
    check_slip(&b, one_element, 5);
    assert_reason(&b.report.row[2], NB_WRONG, 1);
    assert_int_equal(b.report.row[2].listed[NB_WRONG][0].index, 1);
    assert_int_equal(b.report.row[2].worst, 1);
    assert_near(b.report.row[2].ratio, 1 + 1e-6, 1e-9);
    end_bed(&b);
}

static void what_is_not_finite_is_named(void **state)
{
    (void)state;
    bed b;
    check_slip(&b, not_a_number, 2);
    assert_reason(&b.report.row[3], NB_NOT_FINITE, 4);
    assert_true(isnan(b.report.row[3].max_abs) && isnan(b.report.row[3].mean_abs) &&
                isnan(b.report.row[3].max_rel) && isnan(b.report.row[3].mean_rel));
    assert_reason(&b.report.row[2], NB_WRONG, 0);
    nb_gradient_report_destroy(&b.report);
    /* A NaN in a parameter: everything is. */
    ((double *)nb_graph_parameters(b.g).data)[0] = (double)NAN;
    assert_ok(nb_gradient_check(b.loss, 1e-4, &b.report));
    assert_false(b.report.passed);
    assert_int_equal(b.report.tally[NB_NOT_FINITE], elements);
    end_bed(&b);
}

/* --- the step --------------------------------------------------------------------------------- */

static void a_bad_step_is_named_and_excuses_nothing(void **state)
{
    (void)state;
    static const struct {
        double h;
        nb_reason reason;
    } cases[] = {
        {1e-9, NB_ROUNDING}, {1e-10, NB_ROUNDING}, {.5, NB_TRUNCATION}, {.1, NB_TRUNCATION}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            bed b;
            make_bed(&b, clean, nb_sigmoid, NB_EXACT_LOG, seed);
            assert_ok(nb_gradient_check(b.loss, cases[i].h, &b.report));
            assert_true(b.report.passed);
            const size_t named = b.report.tally[cases[i].reason];
            assert_true(named > 40);
            assert_int_equal(named + b.report.tally[NB_AGREES], elements);
            end_bed(&b);

            make_bed(&b, flipped, nb_sigmoid, NB_EXACT_LOG, seed);
            assert_ok(nb_gradient_check(b.loss, cases[i].h, &b.report));
            assert_int_equal(b.report.row[2].tally[NB_WRONG], 16);
            assert_near(b.report.row[2].ratio, -1, 1e-6);
            assert_int_equal(b.report.tally[NB_WRONG], 16);
            end_bed(&b);
        }
}

static void richardson_forgives_a_large_step(void **state)
{
    (void)state;
    bed b;
    const double h = .02;
    make_bed(&b, clean, nb_sigmoid, NB_EXACT_LOG, 1);
    assert_ok(nb_gradient_check(b.loss, h, &b.report));
    const double central = b.report.row[2].max_abs;
    assert_true(b.report.tally[NB_TRUNCATION] > 20);
    nb_gradient_report_destroy(&b.report);
    assert_ok(
        nb_gradient_check_with(b.loss, &(nb_check_options){.h = h, .richardson = true}, &b.report));
    assert_true(b.report.options.richardson && b.report.options.h == h);
    assert_true(b.report.row[2].max_abs < 1e-3 * central);
    assert_clean(&b.report);
    end_bed(&b);
}

/* --- the 1e-7 --------------------------------------------------------------------------------- */

static void the_1e_7_is_named_and_excuses_nothing(void **state)
{
    (void)state;
    for (int slip = clean; slip <= flipped; slip += flipped) {
        bed b;
        make_bed(&b, slip, nb_sigmoid, NB_BOOK_EPSILON, 4);
        assert_ok(nb_gradient_check(b.loss, 1e-4, &b.report));
        assert_int_equal(b.report.passed, slip == clean);
        assert_int_equal(b.report.tally[NB_WRONG], slip == clean ? 0 : 16);
        assert_true(b.report.tally[NB_BIAS] > 30);
        assert_int_equal(b.report.tally[NB_WRONG] + b.report.tally[NB_BIAS] +
                             b.report.tally[NB_AGREES],
                         elements);
        /* Seen against the same difference without it. */
        const nb_gradient_element *e = &b.report.row[5].listed[NB_BIAS][0];
        assert_true(fabs(e->best - e->analytic) < e->bound);
        assert_true(fabs(e->numerical - e->analytic) > e->bound);
        end_bed(&b);
    }
}

/* At h = 1e-9 the two agree in some elements by chance, with the 1e-7 or without. */
static void chance_is_not_called_bias(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        bed b;
        make_bed(&b, clean, nb_sigmoid, NB_BOOK_EPSILON, seed);
        assert_ok(nb_gradient_check(b.loss, 1e-9, &b.report));
        assert_true(b.report.passed);
        assert_int_equal(b.report.tally[NB_BIAS], 0);
        end_bed(&b);
    }
}

/* --- corners ---------------------------------------------------------------------------------- */

/* loss = sum of op(w_i): w_0 at `at`, w_1 far from any corner. */
static void check_at(const nb_op *op, double at, double h, nb_gradient_report *report)
{
    const double w[2] = {at, 2.385};
    const nb_operand operand = {.shape = NB_SHAPE(2), .value = w};
    assert_ok(nb_op_check(op, &(double){0}, &operand, &(nb_check_options){.h = h}, report));
}

static nb_status bent_forward(const nb_call *c, size_t lo, size_t hi)
{
    return op_forward(find_op("relu"), c, lo, hi);
}

/* relu with the gradient of its other side, and with one that no side has. */
static nb_status bent_backward(const nb_call *c, size_t lo, size_t hi)
{
    const double old = c->kernels->get(c->din->data, 0);
    nb_status status = op_backward(find_op("relu"), c, lo, hi);
    const bool near = fabs(c->kernels->get(c->in[0]->data, 0)) < 1;
    const double share = *(const double *)c->config * c->kernels->get(c->dout->data, 0);
    if (near) c->kernels->set(c->din->data, 0, share + (c->beta == 0 ? 0 : c->beta * old));
    return status;
}

static nb_status bent_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return find_op("relu")->plan(in, config, need);
}

static const nb_op bent = {.name = "bent",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_CORNER,
                           .plan = bent_plan,
                           .forward = {{bent_forward, NB_ROWS, 0, false}},
                           .backward = {{bent_backward, NB_INPUT_ROWS, 0, false}}};

static void a_corner_within_the_step_is_named(void **state)
{
    (void)state;
    static const double at[] = {5e-5, -5e-5, 9e-5, 1e-6, -1e-6, 3e-8, 0};
    static const char *const names[] = {"relu", "step"};
    nb_gradient_report report;
    for (size_t n = 0; n < COUNT(names); n++) {
        for (size_t i = 0; i < COUNT(at); i++) {
            check_at(find_op(names[n]), at[i], 1e-4, &report);
            assert_true(report.passed);
            assert_reason(&report.row[0], NB_KINK, 1);
            assert_int_equal(report.row[0].listed[NB_KINK][0].index, 0);
            nb_gradient_report_destroy(&report);
        }
        check_at(find_op(names[n]), 2e-4, 1e-4, &report);
        assert_clean(&report);
        nb_gradient_report_destroy(&report);
    }
}

/* On either side of a corner only one slope is right; at it, all between the two. */
static void a_corner_excuses_nothing(void **state)
{
    (void)state;
    static const struct {
        double at, slope;
        nb_reason reason;
    } cases[] = {
        {5e-5, 1, NB_KINK},   {5e-5, 0, NB_WRONG}, {5e-5, .9999, NB_WRONG}, {-5e-5, 0, NB_KINK},
        {-5e-5, 1, NB_WRONG}, {0, 0, NB_KINK},     {0, 1, NB_KINK},         {0, .7, NB_KINK},
        {0, 1.01, NB_WRONG},  {0, -.01, NB_WRONG}, {3, 1, NB_AGREES},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_gradient_report report;
        const double w[2] = {cases[i].at, 2.385};
        const nb_operand operand = {.shape = NB_SHAPE(2), .value = w};
        assert_ok(nb_op_check(&bent, &(double){cases[i].slope}, &operand, NULL, &report));
        assert_int_equal(report.row[0].tally[cases[i].reason],
                         cases[i].reason == NB_AGREES ? 2 : 1);
        assert_int_equal(report.passed, cases[i].reason != NB_WRONG);
        nb_gradient_report_destroy(&report);
    }
}

/* Some input of relu changes sign within a step of .01; no element is wrong. */
static void corners_deep_in_a_net_are_named(void **state)
{
    (void)state;
    size_t kinks = 0;
    for (uint64_t seed = 0; seed < 80; seed++) {
        bed b;
        make_bed(&b, clean, nb_relu, NB_EXACT_LOG, seed);
        assert_ok(nb_gradient_check(b.loss, .01, &b.report));
        assert_true(b.report.passed);
        kinks += b.report.tally[NB_KINK];
        /* Behind the relu there are none. */
        assert_int_equal(b.report.row[4].tally[NB_KINK] + b.report.row[5].tally[NB_KINK], 0);
        end_bed(&b);
    }
    if (kinks < 15) fail_msg("only %zu", kinks);
}

static void a_dead_unit_is_vacuous(void **state)
{
    (void)state;
    bed b;
    make_bed(&b, clean, nb_relu, NB_EXACT_LOG, 11);
    double *b1 = nb_value(nb_graph_node(b.g, 5))->data;
    assert_string_equal(nb_node_name(nb_graph_node(b.g, 5)), "b1");
    b1[2] = -100;
    for (size_t i = 0; i < rows; i++) b.x[4 * i + 1] = 0; /* and an input that is never on */
    assert_ok(nb_gradient_check(b.loss, 1e-4, &b.report));
    assert_true(b.report.passed);
    assert_true(b.report.row[0].tally[NB_VACUOUS] >= 4);
    assert_true(b.report.row[2].tally[NB_VACUOUS] >= 4);
    assert_true(b.report.row[3].tally[NB_VACUOUS] >= 1);
    assert_true(b.report.row[4].tally[NB_VACUOUS] >= 3);
    assert_int_equal(b.report.row[0].listed[NB_VACUOUS][0].index, 4);
    end_bed(&b);
}

/* --- networks --------------------------------------------------------------------------------- */

static void check_net(const perceptron *o, uint32_t seed, double std)
{
    nb_model *net;
    nb_node *loss;
    nb_random random;
    nb_gradient_report report;
    double x[4 * 8];
    const int32_t t[4] = {0, 2, 1, 2};
    nb_random_seed(&random, seed);
    assert_ok(perceptron_create(&net, o));
    perceptron_randomize(net, &random, std);
    support_fill_d(COUNT(x), x, seed);
    const nb_tensor images = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4, o->sizes[0]), x);
    assert_ok(nb_model_feed(
        net, &images, &(nb_tensor){.dtype = NB_INT32, .shape = NB_SHAPE(4), .data = (void *)t},
        &loss));
    assert_ok(nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.passed);
    const nb_tensor w = nb_graph_parameters(net->graph);
    assert_true(2 * report.tally[NB_VACUOUS] < nb_tensor_count(&w));
    if (o->epsilon != NB_EXACT_LOG) assert_true(report.tally[NB_BIAS] > 0);
    assert_int_equal(report.tally[NB_ROUNDING], 0);
    nb_gradient_report_destroy(&report);
    nb_model_destroy(net);
}

static void every_net_passes(void **state)
{
    (void)state;
    static const size_t sizes[][4] = {{2, 3}, {8, 6, 3}, {8, 6, 5, 3}};
    for (uint32_t seed = 0; seed < 10; seed++)
        for (size_t layers = 1; layers <= 3; layers++)
            for (size_t k = 0; k < 8; k++) {
                const perceptron o = {.layers = layers,
                                      .sizes = sizes[layers - 1],
                                      .bias = k & 1,
                                      .activation = k & 2 ? NB_RELU : NB_SIGMOID,
                                      .epsilon = k & 4 ? NB_BOOK_EPSILON : NB_EXACT_LOG,
                                      .dtype = NB_FLOAT64,
                                      .max_batch = 4};
                check_net(&o, seed, 1);
                check_net(&o, seed, .3);
            }
}

/* Trained until the loss is 1e-4 and less, where logits of 20 leave more noise in it than its own
 * size does, and gradients of 1e-8 sink in it: no false alarm, at any step. */
static void a_trained_net_passes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        bed b;
        make_bed(&b, clean, seed % 2 ? nb_relu : nb_sigmoid, NB_EXACT_LOG, seed);
        assert_ok(nb_forward(b.loss));
        for (int k = 0; k < 100000; k++) {
            assert_ok(nb_descend(b.loss, .5));
            assert_ok(nb_forward_again(b.loss));
        }
        assert_true(nb_scalar(b.loss) < 1e-4);
        for (double h = 1e-10; h < 1; h *= 100) {
            assert_ok(nb_gradient_check(b.loss, h, &b.report));
            assert_true(b.report.passed);
            nb_gradient_report_destroy(&b.report);
        }
        end_bed(&b);
    }
}

/* The book's table: mean |d - a|, from its own run with NumPy. What is only rounding (exact log, all but
 * b2) is smaller here: our differences leave out the rows that do not change, and with them their
 * share of the rounding. */
static void the_books_table(void **state)
{
    (void)state;
    static const double exact[4] = {2.55e-13, 7.60e-13, 8.53e-13, 1.20e-10};
    static const double book[4] = {4.6e-10, 2.8e-9, 6.1e-9, 1.4e-7};
    nb_mnist mnist;
    if (nb_mnist_load(&mnist, "data/mnist", NULL)) skip();
    nb_tensor x, t;
    assert_ok(nb_tensor_create(&x, NB_FLOAT64, NB_SHAPE(3, 784)));
    assert_ok(nb_tensor_create(&t, NB_INT32, NB_SHAPE(3)));
    assert_ok(nb_dataset_range(&mnist.train, 0, 3, &x, &t));
    for (int k = 0; k < 2; k++) {
        const perceptron o = {.layers = 2,
                              .sizes = (const size_t[]){784, 50, 10},
                              .bias = true,
                              .activation = NB_RELU,
                              .epsilon = k ? NB_BOOK_EPSILON : NB_EXACT_LOG,
                              .dtype = NB_FLOAT64,
                              .max_batch = 3};
        nb_model *net;
        nb_node *loss;
        nb_random random;
        nb_gradient_report report;
        nb_random_seed(&random, 0);
        assert_ok(perceptron_create(&net, &o));
        perceptron_randomize(net, &random, .01);
        assert_ok(nb_model_feed(net, &x, &t, &loss));
        assert_ok(nb_gradient_check(loss, 1e-4, &report));
        assert_true(report.passed);
        for (size_t i = 0; i < 4; i++) {
            const double want = k ? book[i] : exact[i], got = report.row[i].mean_abs;
            if (k || i == 3)
                assert_near(got, want, .02 * want);
            else
                assert_true(got > want / 5 && got < want);
            assert_reason(&report.row[i], k ? NB_BIAS : NB_WRONG, report.row[i].tally[NB_BIAS]);
        }
        assert_true(!k == (report.tally[NB_BIAS] == 0));
        nb_gradient_report_destroy(&report);
        nb_model_destroy(net);
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_mnist_destroy(&mnist);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_graph_is_clean),
        cmocka_unit_test(a_wrong_transpose_is_found_upstream),
        cmocka_unit_test(factors_are_named),
        cmocka_unit_test(one_part_in_a_million_of_one_element_is_found),
        cmocka_unit_test(what_is_not_finite_is_named),
        cmocka_unit_test(a_bad_step_is_named_and_excuses_nothing),
        cmocka_unit_test(richardson_forgives_a_large_step),
        cmocka_unit_test(the_1e_7_is_named_and_excuses_nothing),
        cmocka_unit_test(chance_is_not_called_bias),
        cmocka_unit_test(a_corner_within_the_step_is_named),
        cmocka_unit_test(a_corner_excuses_nothing),
        cmocka_unit_test(corners_deep_in_a_net_are_named),
        cmocka_unit_test(a_dead_unit_is_vacuous),
        cmocka_unit_test(every_net_passes),
        cmocka_unit_test(a_trained_net_passes),
        cmocka_unit_test(the_books_table),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
