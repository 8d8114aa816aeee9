#include "support.h"

#include "nablas/check.h"
#include "nablas/gradient.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "nablas/mnist.h"
#include "nablas/net.h"
#include "nablas/numeric.h"
#include "nablas/random.h"

#include <math.h>
#include <stdlib.h>

static const nb_op *find_op(const char *name)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (strcmp(nb_op_at(i)->name, name) == 0) return nb_op_at(i);
    fail_msg("no operation %s", name);
    return NULL;
}

/* The row has `want` elements for `reason`, and no other but agreeing and vacuous ones. */
static void assert_reason(const nb_gradient_row *row, nb_reason reason, size_t want)
{
    bool right = row->tally[reason] == want;
    size_t sum = 0;
    for (nb_reason r = 0; r < NB_REASONS; r++) {
        sum += row->tally[r];
        right &= r == reason || r <= NB_VACUOUS || row->tally[r] == 0;
    }
    assert_int_equal(sum, row->count);
    if (right) return;
    for (nb_reason r = 0; r < NB_REASONS; r++)
        if (row->tally[r]) print_error("%s: %zu %s\n", row->name, row->tally[r], nb_reason_name(r));
    fail_msg("%s: expected %zu %s", row->name, want, nb_reason_name(reason));
}

static void assert_clean(const nb_gradient_report *report)
{
    assert_true(report->passed);
    for (size_t i = 0; i < report->count; i++)
        assert_reason(&report->row[i], NB_AGREES, report->row[i].tally[NB_AGREES]);
}

/* --- planted bugs: an affine layer whose backward has the slip that its attribute names ------- */

enum { clean, transposed, no_bias, flipped, times_batch, over_batch, not_a_number, one_element };

static nb_status planted_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    return find_op("affine")->shape(in, out, aux);
}

static nb_status planted_forward(const nb_call *c, size_t lo, size_t hi)
{
    return find_op("affine")->forward(c, lo, hi);
}

static nb_status scale_rows(const nb_call *c, size_t lo, size_t hi, double factor)
{
    const size_t width = nb_tensor_width(c->din);
    for (size_t k = lo * width; k < hi * width; k++)
        c->kernels->set(c->din->data, k, factor * c->kernels->get(c->din->data, k));
    return NB_OK;
}

static nb_status planted_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    const int slip = (int)c->attribute;
    const size_t n = c->in[0]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (slip == transposed && i == 0) /* dx = dy W, for a square W */
        return c->kernels->gemm(false, false, hi - lo, m, m, 1, nb_tensor_at(c->dout, lo), m,
                                c->in[1]->data, m, c->beta, nb_tensor_at(c->din, lo), m);
    nb_status status = find_op("affine")->backward(c, i, lo, hi);
    if (status) return status;
    if (slip == no_bias && i == 2) return scale_rows(c, lo, hi, 0);
    if (slip == flipped && i == 1) return scale_rows(c, lo, hi, -1);
    if (slip == times_batch && i > 0) return scale_rows(c, lo, hi, (double)n);
    if (slip == over_batch && i == 1) return scale_rows(c, lo, hi, 1 / (double)n);
    if (slip == not_a_number && i == 2) return scale_rows(c, lo, hi, (double)NAN);
    if (slip == one_element && i == 1 && lo == 0)
        c->kernels->set(c->din->data, 1, c->kernels->get(c->din->data, 1) * (1 + 1e-6));
    return NB_OK;
}

static const nb_op planted = {.name = "planted",
                              .inputs = 3,
                              .shape = planted_shape,
                              .forward = planted_forward,
                              .backward = planted_backward};

typedef struct bed {
    nb_graph *g;
    nb_node *loss;
    double x[5 * 4], t[5 * 3];
    nb_gradient_report report;
} bed;

enum { rows = 5, elements = 55 };

/* x (5,4) -> planted W1 (4,4) -> activation -> affine W2 (4,3) -> softmax with cross entropy. */
static void make_bed(bed *b, int slip, nb_node *(*activate)(nb_node *), double epsilon,
                     uint64_t seed)
{
    assert_ok(nb_graph_create(&b->g, NB_FLOAT64));
    nb_node *x = nb_input(b->g, "x", NB_SHAPE(NB_BATCH, 4));
    nb_node *t = nb_input(b->g, "t", NB_SHAPE(NB_BATCH, 3));
    nb_node *W0 = nb_parameter(b->g, "W0", NB_SHAPE(4, 4));
    nb_node *b0 = nb_parameter(b->g, "b0", NB_SHAPE(4));
    nb_node *W1 = nb_parameter(b->g, "W1", NB_SHAPE(4, 4));
    nb_node *b1 = nb_parameter(b->g, "b1", NB_SHAPE(4));
    nb_node *W2 = nb_parameter(b->g, "W2", NB_SHAPE(4, 3));
    nb_node *b2 = nb_parameter(b->g, "b2", NB_SHAPE(3));
    nb_node *z = nb_apply(&planted, slip, (nb_node *[]){nb_affine(x, W0, b0), W1, b1});
    nb_node *a = nb_affine(activate(z), W2, b2);
    b->loss = nb_softmax_cross_entropy(a, t, epsilon);
    assert_ok(nb_graph_finish(b->g, rows));
    support_fill_d(COUNT(b->x), b->x, seed);
    for (size_t i = 0; i < COUNT(b->t); i++) b->t[i] = i % 3 == i / 3 % 3;
    const nb_tensor value = nb_graph_parameters(b->g);
    support_fill_d(nb_tensor_count(&value), value.data, seed + 1);
    assert_ok(nb_feed(x, &(nb_tensor){NB_FLOAT64, NB_SHAPE(rows, 4), b->x}));
    assert_ok(nb_feed(t, &(nb_tensor){NB_FLOAT64, NB_SHAPE(rows, 3), b->t}));
}

static void end_bed(bed *b)
{
    nb_gradient_report_destroy(&b->report);
    nb_graph_destroy(b->g);
}

/* Rows of the report: W0 b0 W1 b1 W2 b2. */
static void check_slip(bed *b, int slip, uint64_t seed)
{
    make_bed(b, slip, nb_sigmoid, NB_EXACT_LOG, seed);
    assert_ok(nb_gradient_check(b->loss, 1e-4, &b->report));
    assert_int_equal(b->report.count, 6);
    assert_int_equal(b->report.passed, slip == clean);
}

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
    assert_ok(nb_gradient_check_with(b.loss, &(nb_check_options){h, true}, &b.report));
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
    assert_ok(nb_op_check(op, 0, &operand, &(nb_check_options){.h = h}, report));
}

static nb_status bent_forward(const nb_call *c, size_t lo, size_t hi)
{
    return find_op("relu")->forward(c, lo, hi);
}

/* relu with the gradient of its other side, and with one that no side has. */
static nb_status bent_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    nb_status status = find_op("relu")->backward(c, i, lo, hi);
    const bool near = fabs(c->kernels->get(c->in[0]->data, 0)) < 1;
    if (near) c->kernels->set(c->din->data, 0, c->attribute * c->kernels->get(c->dout->data, 0));
    return status;
}

static nb_status bent_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    return find_op("relu")->shape(in, out, aux);
}

static const nb_op bent = {.name = "bent",
                           .inputs = 1,
                           .shape = bent_shape,
                           .forward = bent_forward,
                           .backward = bent_backward,
                           .corner = true};

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
        assert_ok(nb_op_check(&bent, cases[i].slope, &operand, NULL, &report));
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

static void check_net(const nb_net_options *o, uint32_t seed, double std)
{
    nb_net *net;
    nb_node *loss;
    nb_random random;
    nb_gradient_report report;
    double x[4 * 8];
    const int32_t t[4] = {0, 2, 1, 2};
    nb_random_seed(&random, seed);
    assert_ok(nb_net_create(&net, o));
    nb_net_randomize(net, &random, std);
    support_fill_d(COUNT(x), x, seed);
    const nb_tensor images = {NB_FLOAT64, NB_SHAPE(4, o->sizes[0]), x};
    assert_ok(nb_net_feed(net, &images, &(nb_tensor){NB_INT32, NB_SHAPE(4), (void *)t}, &loss));
    assert_ok(nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.passed);
    assert_true(report.tally[NB_VACUOUS] < 100);
    if (o->epsilon != NB_EXACT_LOG) assert_true(report.tally[NB_BIAS] > 0);
    assert_int_equal(report.tally[NB_ROUNDING], 0);
    nb_gradient_report_destroy(&report);
    nb_net_destroy(net);
}

static void every_net_passes(void **state)
{
    (void)state;
    static const size_t sizes[][4] = {{2, 3}, {8, 6, 3}, {8, 6, 5, 3}};
    for (uint32_t seed = 0; seed < 10; seed++)
        for (size_t layers = 1; layers <= 3; layers++)
            for (size_t k = 0; k < 8; k++) {
                const nb_net_options o = {.layers = layers,
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

/* Trained until the loss is 1e-5 and less, where logits of 20 leave more noise in it than its own
 * size does, and gradients of 1e-8 sink in it: no false alarm, at any step. */
static void a_trained_net_passes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        bed b;
        make_bed(&b, clean, seed % 2 ? nb_relu : nb_sigmoid, NB_EXACT_LOG, seed);
        assert_ok(nb_forward(b.loss));
        for (int k = 0; k < 100000; k++) assert_ok(nb_descend(b.loss, .5, true));
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
        const nb_net_options o = {.layers = 2,
                                  .sizes = (const size_t[]){784, 50, 10},
                                  .bias = true,
                                  .activation = NB_RELU,
                                  .epsilon = k ? NB_BOOK_EPSILON : NB_EXACT_LOG,
                                  .dtype = NB_FLOAT64,
                                  .max_batch = 3};
        nb_net *net;
        nb_node *loss;
        nb_random random;
        nb_gradient_report report;
        nb_random_seed(&random, 0);
        assert_ok(nb_net_create(&net, &o));
        nb_net_randomize(net, &random, .01);
        assert_ok(nb_net_feed(net, &x, &t, &loss));
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
        nb_net_destroy(net);
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_mnist_destroy(&mnist);
}

/* --- operations ------------------------------------------------------------------------------- */

static void every_operation_passes(void **state)
{
    (void)state;
    static const double one_hot[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1};
    static const nb_operand x = {.shape = {2, {4, 3}}};
    static const nb_operand t = {.shape = {2, {4, 3}}, .value = one_hot, .constant = true};
    const nb_operand W = {.shape = NB_SHAPE(3, 5)}, b = {.shape = NB_SHAPE(5)};
    for (size_t i = 0; i < nb_op_count(); i++) {
        const nb_op *op = nb_op_at(i);
        nb_operand in[NB_MAX_INPUTS] = {x, x};
        nb_gradient_report report;
        if (strcmp(op->name, "affine") == 0 || strcmp(op->name, "matmul") == 0) in[1] = W;
        if (strcmp(op->name, "affine") == 0) in[2] = b;
        if (strcmp(op->name, "softmax_cross_entropy") == 0) in[1] = t;
        assert_ok(nb_op_check(op, 0, in, NULL, &report));
        assert_clean(&report);
        assert_int_equal(report.count, op->inputs - in[1].constant);
        assert_string_equal(report.row[0].name, "in[0]");
        assert_int_equal(report.row[0].count, 12);
        const size_t agrees = report.row[0].tally[NB_AGREES];
        if (strcmp(op->name, "step") == 0)
            assert_int_equal(agrees, 0);
        else if (strcmp(op->name, "relu") == 0)
            assert_true(agrees > 3 && agrees < 12);
        else
            assert_int_equal(agrees, 12);
        nb_gradient_report_destroy(&report);
    }
}

static void an_operation_of_ones_own_is_checked(void **state)
{
    (void)state;
    const nb_operand in[] = {
        {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
    static const size_t wrong[][3] = {
        [clean] = {0}, [transposed] = {16}, [no_bias] = {0, 0, 4}, [flipped] = {0, 16, 0}};
    for (int slip = clean; slip <= flipped; slip++) {
        nb_gradient_report report;
        assert_ok(nb_op_check(&planted, slip, in, NULL, &report));
        for (size_t i = 0; i < 3; i++) assert_reason(&report.row[i], NB_WRONG, wrong[slip][i]);
        nb_gradient_report_destroy(&report);
    }
    nb_gradient_report report;
    const nb_operand bad[] = {
        {.shape = NB_SHAPE(4, 3)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
    assert_fails(NB_ESHAPE, "affine", nb_op_check(&planted, 0, bad, NULL, &report));
    assert_true(report.row == NULL && report.count == 0);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    return a * a + 100 * b * b;
}

static void rosenbrock_gradient(size_t n, const double *x, void *context, double *gradient)
{
    (void)n;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * b * x[0];
    gradient[1] = *(const double *)context * b;
}

static void callbacks_are_checked(void **state)
{
    (void)state;
    static const double factors[] = {200, -200, 100, 0, 200.001, (double)NAN};
    for (size_t i = 0; i < COUNT(factors); i++) {
        nb_gradient_report report;
        double factor = factors[i];
        const double x[2] = {-1.2, 1.3};
        assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x, NULL, &report));
        assert_int_equal(report.count, 1);
        assert_int_equal(report.passed, i == 0);
        assert_true(report.value == rosenbrock(2, x, NULL));
        assert_reason(&report.row[0], i < 5 ? NB_WRONG : NB_NOT_FINITE, i > 0);
        if (i > 0 && i < 5) assert_near(report.row[0].ratio, factor / 200, 1e-6);
        nb_gradient_report_destroy(&report);
        assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x,
                                    &(nb_check_options){1e-3, true}, &report));
        assert_int_equal(report.passed, i == 0);
        nb_gradient_report_destroy(&report);
    }
}

typedef struct curve {
    double (*f)(double), (*derivative)(double);
    double scale, factor;
} curve;

static double curve_at(size_t n, const double *x, void *context)
{
    const curve *c = context;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += c->f(c->scale * x[i]);
    return sum;
}

static void curve_gradient(size_t n, const double *x, void *context, double *gradient)
{
    const curve *c = context;
    for (size_t i = 0; i < n; i++)
        gradient[i] = c->factor * c->scale * c->derivative(c->scale * x[i]);
}

static double one_sided(double x)
{
    return x > 0 ? 1 : -1;
}

/* Of the element that comes first only, and hidden by no later one. */
static void nan_first(size_t n, const double *x, void *context, double *gradient)
{
    curve_gradient(n, x, context, gradient);
    gradient[0] = (double)NAN;
}

static void a_nan_is_the_worst(void **state)
{
    (void)state;
    nb_gradient_report report;
    curve c = {sin, cos, 1, 1};
    const double x[3] = {.3, .5, .7};
    assert_ok(nb_function_check(curve_at, nan_first, &c, 3, x, NULL, &report));
    assert_true(isnan(report.row[0].max_abs) && report.row[0].worst == 0);
    assert_reason(&report.row[0], NB_NOT_FINITE, 1);
    assert_int_equal(report.tally[NB_AGREES], 2);
    nb_gradient_report_destroy(&report);
}

/* A quartic that is flat at 0, where curvature and slope vanish together. */
static double quartic(double x)
{
    return x * x * x * x / 4;
}

static double cube(double x)
{
    return x * x * x;
}

/* sin, known to 1e-8 only. */
static double offset_sin(double x)
{
    return (sin(x) + 1e8) - 1e8;
}

static void curves_pass_and_slips_do_not(void **state)
{
    (void)state;
    static const struct {
        double (*f)(double), (*derivative)(double);
        double scale, x, h;
        nb_reason reason;
    } cases[] = {
        {sin, cos, 1, .7, 1e-4, NB_AGREES},
        {sin, cos, 1, .7, .5, NB_TRUNCATION},
        {sin, cos, 1, .7, 1e-10, NB_ROUNDING},
        {sin, cos, 1e5, .7, 1e-4, NB_TRUNCATION}, /* h sees many periods */
        {exp, exp, 1, 3, 1e-4, NB_AGREES},
        {exp, exp, 20, 1, 1e-4, NB_TRUNCATION},
        {quartic, cube, 1, 0, 1e-4, NB_VACUOUS},
        {quartic, cube, 1, 1e-3, 1e-4, NB_TRUNCATION},
        {offset_sin, cos, 1, .7, 1e-4, NB_ROUNDING}, /* the noise is not u |f| */
        {fabs, one_sided, 1, 2.385, 1e-4, NB_AGREES},
        {fabs, one_sided, 1, 4e-5, 1e-4, NB_KINK},
        {fabs, one_sided, 1, -3e-7, 1e-4, NB_KINK},
        {fabs, one_sided, 1, 0, 1e-4, NB_KINK},
        {log, NULL, 1, 5e-5, 1e-4, NB_NOT_FINITE}, /* no value at x - h */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int slip = 0; slip < 3; slip++) {
            static const double factors[] = {1, -1.001, 1.001};
            nb_gradient_report report;
            curve c = {cases[i].f, cases[i].derivative ? cases[i].derivative : fabs, cases[i].scale,
                       factors[slip]};
            const nb_check_options o = {.h = cases[i].h};
            assert_ok(nb_function_check(curve_at, curve_gradient, &c, 1, &cases[i].x, &o, &report));
            const bool same = !slip || cases[i].reason == NB_VACUOUS;
            const nb_reason want =
                same || cases[i].reason == NB_NOT_FINITE ? cases[i].reason : NB_WRONG;
            if (report.tally[want] != 1) print_error("case %zu, slip %d\n", i, slip);
            assert_reason(&report.row[0], want, 1);
            nb_gradient_report_destroy(&report);
        }
}

/* --- the report ------------------------------------------------------------------------------- */

static const char *text_of(const nb_gradient_report *report)
{
    static char text[16384];
    const size_t length = nb_gradient_report_text(report, text, sizeof text);
    assert_int_equal(length, strlen(text));
    /* Cut anywhere, it is the beginning and ends with 0. */
    for (size_t size = 0; size <= length + 1; size += 1 + size / 7) {
        char cut[16384];
        memset(cut, 'x', sizeof cut);
        assert_int_equal(nb_gradient_report_text(report, cut, size), length);
        if (size) assert_int_equal(strlen(cut), size - 1);
        if (size) assert_memory_equal(cut, text, size - 1);
        assert_true(cut[size] == 'x');
    }
    assert_int_equal(nb_gradient_report_text(report, NULL, 0), length);
    return text;
}

static void assert_says(const char *text, const char *what)
{
    if (!strstr(text, what)) fail_msg("no \"%s\" in\n%s", what, text);
}

static void the_text_says_it(void **state)
{
    (void)state;
    bed b;
    check_slip(&b, flipped, 6);
    const char *text = text_of(&b.report);
    assert_says(text, "W1 (4, 4)");
    assert_says(text, "b2 (3,)");
    assert_says(text, "h = 0.0001");
    assert_says(text, "wrong, 16 (W1 16): no step makes the two agree");
    assert_says(text, "    W1[0, 0]: d = ");
    char worst[32];
    snprintf(worst, sizeof worst, "W1[%zu, %zu]", b.report.row[2].worst / 4,
             b.report.row[2].worst % 4);
    assert_true(b.report.row[2].worst >= 4);
    assert_says(text, worst);
    assert_says(text, "every wrong a is -1 times d: a sign");
    assert_says(text, "FAILED: 16 of 55 elements\n");
    end_bed(&b);

    check_slip(&b, no_bias, 6);
    assert_says(text_of(&b.report), "every wrong a is 0 times d: the gradient is missing");
    end_bed(&b);
    check_slip(&b, times_batch, 6);
    assert_says(text_of(&b.report), "every wrong a is 5 times d: a factor");
    assert_says(text_of(&b.report), "wrong, 20 (W1 16, b1 4)");
    end_bed(&b);
    check_slip(&b, clean, 6);
    text = text_of(&b.report);
    assert_says(text, "passed: 55 of 55 elements agree, 0 are explained, 0 are vacuous\n");
    assert_null(strstr(text, "wrong"));
    end_bed(&b);
    make_bed(&b, clean, nb_step, NB_BOOK_EPSILON, 6);
    assert_ok(nb_gradient_check_with(b.loss, &(nb_check_options){1e-4, true}, &b.report));
    text = text_of(&b.report);
    assert_says(text, "D(h/2)");
    assert_says(text, "vacuous, ");
    assert_says(text, "; exact d = ");
    end_bed(&b);

    nb_gradient_report report;
    const double w[3] = {-1, -2, -3};
    assert_ok(nb_op_check(find_op("relu"), 0, &(nb_operand){NB_SHAPE(3), w, false}, NULL, &report));
    assert_says(text_of(&report), "nothing was checked: all of 3 elements are vacuous");
    nb_gradient_report_destroy(&report);
}

static void reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(nb_reason_name(NB_KINK), "kink");
    assert_string_equal(nb_reason_name(NB_REASONS), "");
    assert_string_equal(nb_reason_text(NB_REASONS), "");
    for (nb_reason r = 0; r < NB_REASONS; r++) assert_true(*nb_reason_text(r));
}

/* Wrong everywhere, the check stops looking after NB_CHECK_WRONG. */
static void many_wrong_elements_are_not_all_examined(void **state)
{
    (void)state;
    nb_gradient_report report;
    const nb_operand in[] = {
        {.shape = NB_SHAPE(3, 20)}, {.shape = NB_SHAPE(20, 10)}, {.shape = NB_SHAPE(10)}};
    assert_ok(nb_op_check(&planted, flipped, in, NULL, &report));
    assert_int_equal(report.tally[NB_WRONG], NB_CHECK_WRONG);
    assert_int_equal(report.tally[NB_UNEXAMINED], 200 - NB_CHECK_WRONG);
    assert_near(report.row[1].ratio, -1, 1e-6);
    for (size_t k = 0; k < NB_CHECK_LISTED; k++)
        assert_int_equal(report.row[1].listed[NB_WRONG][k].index, k);
    nb_gradient_report_destroy(&report);
}

static void checks_leak_nothing_when_memory_is_out(void **state)
{
    (void)state;
    static const double x[2] = {-1.2, 1.3};
    double factor = 200;
    bed b;
    make_bed(&b, clean, nb_sigmoid, NB_BOOK_EPSILON, 1);
    for (int k = 0; k < 3; k++) {
        size_t fail_at = 0;
        nb_status status;
        do {
            const nb_check_options o = {1e-4, true};
            const nb_operand in[] = {
                {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
            support_allocator_start(++fail_at);
            status = k == 0   ? nb_gradient_check_with(b.loss, &o, &b.report)
                     : k == 1 ? nb_op_check(&planted, 0, in, &o, &b.report)
                              : nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x,
                                                  &o, &b.report);
            if (status) {
                assert_int_equal(status, NB_ENOMEM);
                assert_true(b.report.row == NULL && b.report.count == 0);
            }
            nb_gradient_report_destroy(&b.report);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
        } while (status);
        assert_true(fail_at > 2);
    }
    end_bed(&b);
}

static void misuse_is_an_error(void **state)
{
    (void)state;
    static const double steps[] = {0, -1e-4, (double)INFINITY, (double)NAN};
    static const double x[2] = {1, 2};
    double factor = 200;
    for (size_t i = 0; i < COUNT(steps); i++) {
        const nb_check_options o = {.h = steps[i]};
        nb_gradient_report report = {.count = 7};
        assert_fails(
            NB_EINVAL, "nb_function_check: h=",
            nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x, &o, &report));
        assert_true(report.row == NULL && report.count == 0);
        assert_fails(
            NB_EINVAL, "expected a positive number",
            nb_op_check(find_op("relu"), 0, &(nb_operand){.shape = NB_SHAPE(2)}, &o, &report));
    }
    nb_gradient_report report;
    assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 0, x, NULL, &report));
    assert_true(report.passed && report.row[0].count == 0 && report.row[0].max_abs == 0);
    text_of(&report);
    nb_gradient_report_destroy(&report);
    nb_gradient_report_destroy(NULL);
}

/* --- docs/gradients.md ------------------------------------------------------------------------ */

static char *read_text(const char *path)
{
    static char texts[2][65536];
    static size_t turn;
    char *text = texts[turn++ % 2];
    FILE *file = fopen(path, "r");
    if (!file) return NULL;
    text[fread(text, 1, sizeof texts[0] - 1, file)] = 0;
    fclose(file);
    return text;
}

/* The C code that the page shows is that of the example, which is compiled. */
static void the_page_shows_code_that_compiles(void **state)
{
    (void)state;
    char *page = read_text("docs/gradients.md"), *code = read_text("examples/check_your_own.c");
    size_t blocks = 0;
    if (!page || !code) skip();
    for (char *at = page; (at = strstr(at, "```c\n")); blocks++) {
        char *end = strstr(at += 5, "```");
        assert_non_null(end);
        *end = 0;
        if (!strstr(code, at)) fail_msg("not in examples/check_your_own.c:\n%s", at);
        at = end + 1;
    }
    assert_true(blocks >= 2);
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
        cmocka_unit_test(every_operation_passes),
        cmocka_unit_test(an_operation_of_ones_own_is_checked),
        cmocka_unit_test(callbacks_are_checked),
        cmocka_unit_test(a_nan_is_the_worst),
        cmocka_unit_test(curves_pass_and_slips_do_not),
        cmocka_unit_test(the_text_says_it),
        cmocka_unit_test(reasons_have_names),
        cmocka_unit_test(many_wrong_elements_are_not_all_examined),
        cmocka_unit_test(checks_leak_nothing_when_memory_is_out),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(the_page_shows_code_that_compiles),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
