/* The names for what a check of layers that train runs into: masks, statistics, decay, largest
 * pixels. Each beside the case without it, and beside a slip that the name must not excuse. */
#include "check_fixtures.h"

#include "nablas/convolution.h"
#include "nablas/op.h"
#include "nablas/random.h"

#include <math.h>

static nb_status same_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->kept = nb_tensor_width(&in[0]);
    return NB_OK;
}

static void fill(nb_graph *g, uint64_t seed)
{
    const nb_tensor w = nb_graph_parameters(g);
    support_fill_d(nb_tensor_count(&w), w.data, seed);
}

static size_t tally(const nb_gradient_report *r, nb_reason reason)
{
    return r->tally[reason];
}

/* --- masks ------------------------------------------------------------------------------------ */

/* Dropout that draws in every pass: `own` from a stream that no one else knows. */
typedef struct carelessness {
    bool obeys, own;
} carelessness;

static nb_status draw(const nb_call *c, size_t lo, size_t hi)
{
    static double hidden;
    const carelessness *k = c->config;
    (void)lo, (void)hi;
    if (k->obeys && c->pass.frozen) return NB_OK;
    for (size_t i = 0; i < nb_tensor_count(c->out); i++) {
        hidden = fmod(hidden + .618, 1);
        const double u = k->own ? hidden : nb_random_rand(c->pass.random);
        c->kernels->set(c->kept->data, i, u > .5);
    }
    return NB_OK;
}

static nb_status mask(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->out);
    c->kernels->multiply((hi - lo) * w, nb_tensor_at(c->in[0], lo), nb_tensor_at(c->kept, lo), 0,
                         nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status mask_back(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->out);
    c->kernels->multiply((hi - lo) * w, nb_tensor_at(c->dout, lo), nb_tensor_at(c->kept, lo),
                         c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

static const nb_op own_dropout = {.name = "own_dropout",
                                  .inputs = 1,
                                  .config = sizeof(carelessness),
                                  .plan = same_plan,
                                  .forward = {{draw, NB_DRAW, 0, false}, {mask, NB_ROWS, 0, false}},
                                  .backward = {{mask_back, NB_INPUT_ROWS, 0, false}}};

static void a_mask_that_is_drawn_again_is_named(void **state)
{
    (void)state;
    static const nb_reason want[] = {NB_REDRAWN, NB_NONDETERMINISTIC, NB_AGREES};
    for (size_t k = 0; k < COUNT(want); k++) {
        nb_graph *g;
        nb_random random;
        nb_gradient_report report;
        const carelessness how = {.obeys = k == 2, .own = k == 1};
        nb_random_seed(&random, 3);
        const nb_random before = random;
        assert_ok(nb_graph_create(&g, NB_FLOAT64));
        nb_node *w = nb_parameter(g, "w", NB_SHAPE(4, 5)),
                *other = nb_parameter(g, "v", NB_SHAPE(2));
        nb_node *y = nb_apply(&own_dropout, &how, (nb_node *[]){nb_square(w)});
        nb_node *loss = nb_add(nb_sum(y), nb_sum(other));
        assert_ok(nb_graph_finish(g, 1));
        fill(g, 5);
        assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .random = &random}));
        assert_ok(nb_gradient_check(loss, 1e-4, &report));
        assert_int_equal(report.passed, k == 2);
        if (k < 2) {
            assert_int_equal(tally(&report, want[k]), 22);
            assert_non_null(strstr(report.broken, "own_dropout"));
            assert_non_null(strstr(report.broken, nb_reason_name(want[k])));
        }
        assert_memory_equal(&before, &random, sizeof random);
        nb_gradient_report_destroy(&report);
        nb_graph_destroy(g);
    }
}

/* --- batch norm ------------------------------------------------------------------------------- */

typedef struct normed {
    nb_graph *g;
    nb_node *loss;
    double x[6 * 3 * 16];
    nb_gradient_report report;
} normed;

/* Rows: W b gamma beta. */
static void make_normed(normed *n, bool images, bool channels, size_t batch, const nb_op *norm)
{
    assert_ok(nb_graph_create(&n->g, NB_FLOAT64));
    nb_node *x = images ? nb_input(n->g, "x", NB_SHAPE(NB_BATCH, 3, 4, 4))
                        : nb_input(n->g, "x", NB_SHAPE(NB_BATCH, 3));
    nb_node *W = nb_parameter(n->g, "W", images ? NB_SHAPE(2, 3, 3, 3) : NB_SHAPE(3, 2));
    nb_node *b = nb_parameter(n->g, "b", NB_SHAPE(2));
    const size_t features = images && !channels ? 8 : 2;
    nb_node *gamma = nb_parameter(n->g, "gamma", NB_SHAPE(features));
    nb_node *beta = nb_parameter(n->g, "beta", NB_SHAPE(features));
    nb_node *mean = nb_state(n->g, "mean", NB_SHAPE(features));
    nb_node *variance = nb_state(n->g, "variance", NB_SHAPE(features));
    nb_node *z = images ? nb_conv2d(x, W, b, &(nb_sliding){0}) : nb_affine(x, W, b);
    const nb_batch_norm_options *o = channels ? &nb_batch_norm_channels : &nb_batch_norm_book;
    nb_node *y = norm ? nb_apply(norm, o, (nb_node *[]){z, gamma, beta, mean, variance}) : z;
    n->loss = nb_mean(nb_square(nb_sigmoid(y)));
    assert_ok(nb_graph_finish(n->g, batch));
    fill(n->g, 5);
    support_fill_d(COUNT(n->x), n->x, 8);
    nb_tensor X =
        nb_tensor_view(NB_FLOAT64, images ? NB_SHAPE(batch, 3, 4, 4) : NB_SHAPE(batch, 3), n->x);
    assert_ok(nb_feed(x, &X));
    assert_ok(nb_graph_set_pass(n->g, (nb_pass){.training = true}));
    assert_ok(nb_gradient_check(n->loss, 1e-4, &n->report));
}

static void end_normed(normed *n)
{
    nb_gradient_report_destroy(&n->report);
    nb_graph_destroy(n->g);
}

static void a_bias_before_batch_norm_is_named(void **state)
{
    (void)state;
    const nb_op *norm = find_op("batch_norm");
    for (int k = 0; k < 4; k++) {
        normed n;
        make_normed(&n, k & 1, k & 2, 6, norm);
        assert_true(n.report.passed);
        assert_reason(&n.report.row[1], NB_BEFORE_NORM, 2);
        assert_int_equal(n.report.row[0].tally[NB_BEFORE_NORM], 0);
        assert_int_equal(tally(&n.report, NB_BEFORE_NORM), 2);
        end_normed(&n);
        make_normed(&n, k & 1, k & 2, 6, NULL);
        assert_int_equal(tally(&n.report, NB_BEFORE_NORM), 0);
        end_normed(&n);
    }
}

static void a_batch_of_one_is_named(void **state)
{
    (void)state;
    const nb_op *norm = find_op("batch_norm");
    normed n;
    for (size_t batch = 1; batch <= 2; batch++)
        for (int k = 0; k < 4; k++) {
            const bool images = k & 1, channels = k & 2;
            make_normed(&n, images, channels, batch, norm);
            assert_true(n.report.passed);
            /* Of images by channel, there are several numbers for each deviation. */
            const bool alone = batch == 1 && !(images && channels);
            for (size_t row = 0; row < 3; row++)
                assert_int_equal(n.report.row[row].tally[NB_BATCH_OF_ONE],
                                 alone ? n.report.row[row].count : 0);
            assert_int_equal(n.report.row[3].tally[NB_BATCH_OF_ONE], 0);
            end_normed(&n);
        }
}

/* Batch norm whose gradient of x leaves out that the mean depends on it. */
static nb_status forgets(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->din);
    for (size_t i = lo * w; i < hi * w; i++)
        c->kernels->set(c->din->data, i, c->kernels->get(c->dout->data, i));
    return NB_OK;
}

static void neither_excuses_a_slip(void **state)
{
    (void)state;
    nb_op bad = *find_op("batch_norm");
    for (size_t k = 0; k < NB_MAX_PHASES; k++)
        if (bad.backward[k].over == NB_INPUT_ROWS && bad.backward[k].input == 0)
            bad.backward[k].run = forgets;
    for (size_t batch = 1; batch <= 6; batch += 5) {
        normed n;
        make_normed(&n, false, false, batch, &bad);
        assert_false(n.report.passed);
        assert_int_equal(n.report.row[1].tally[NB_WRONG], 2);
        end_normed(&n);
    }
}

/* --- terms ------------------------------------------------------------------------------------ */

/* out := (constant or w) of the sum, whose backward is forgotten in part: y = sum 0.05 w^2 or 0.3 w. */
static nb_status sum_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)in, (void)config;
    need->out = NB_SCALAR;
    return NB_OK;
}

static nb_status penalty(const nb_call *c, size_t lo, size_t hi)
{
    double sum = 0;
    (void)lo, (void)hi;
    for (size_t i = 0; i < nb_tensor_count(c->in[0]); i++) {
        const double w = c->kernels->get(c->in[0]->data, i);
        sum += *(const int *)c->config ? .05 * w * w : .3 * w;
    }
    c->kernels->set(c->out->data, 0, sum);
    return NB_OK;
}

static const nb_op forgotten = {.name = "penalty",
                                .inputs = 1,
                                .config = sizeof(int),
                                .plan = sum_plan,
                                .forward = {{penalty, NB_ONCE, 0, false}}};

static void a_missing_term_is_named(void **state)
{
    (void)state;
    for (int decay = 0; decay < 2; decay++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            nb_graph *g;
            nb_gradient_report report;
            char text[8192];
            assert_ok(nb_graph_create(&g, NB_FLOAT64));
            nb_node *W = nb_parameter(g, "W", NB_SHAPE(3, 2));
            nb_node *term = nb_apply(&forgotten, &decay, (nb_node *[]){W});
            nb_node *loss = nb_add(nb_sum(nb_exp(nb_sigmoid(W))), term);
            assert_ok(nb_graph_finish(g, 1));
            fill(g, seed);
            assert_ok(nb_gradient_check(loss, 1e-4, &report));
            assert_int_equal(tally(&report, NB_WRONG), 6);
            assert_int_equal(report.row[0].slip, decay ? NB_SLIP_TERM_IN_W : NB_SLIP_TERM_CONSTANT);
            assert_near(report.row[0].amount, decay ? .1 : .3, 1e-6);
            nb_gradient_report_text(&report, text, sizeof text);
            assert_non_null(strstr(text, decay
                                             ? "every wrong d - a is 0.1 times W: a term is missing"
                                             : "every wrong d - a is 0.3: a term is missing"));
            nb_gradient_report_destroy(&report);
            nb_graph_destroy(g);
        }
}

/* --- largest ---------------------------------------------------------------------------------- */

/* The pixels of a window, or the numbers of a row, are 5e-5 apart: within the step. */
static void another_largest_pixel_is_a_kink(void **state)
{
    (void)state;
    static const double apart[] = {5e-5, -5e-5, 3e-4};
    for (int pool = 0; pool < 2; pool++)
        for (size_t k = 0; k < COUNT(apart); k++) {
            nb_graph *g;
            nb_gradient_report report;
            assert_ok(nb_graph_create(&g, NB_FLOAT64));
            nb_node *w = nb_parameter(g, "w", pool ? NB_SHAPE(1, 1, 2, 4) : NB_SHAPE(2, 4));
            nb_node *y = pool ? nb_max_pool(w, &(nb_sliding){.rows = 2, .columns = 2})
                              : nb_max_axis(w, 0, false);
            nb_node *loss = nb_sum(nb_square(y));
            assert_ok(nb_graph_finish(g, 1));
            /* In one window (rows 0 and 1, columns 0 and 1), or in column 0. */
            const double x[8] = {1.5, -.3, .7, .2, 1.5 + apart[k], -.4, .1, -.6};
            memcpy(nb_value(w)->data, x, sizeof x);
            assert_ok(nb_gradient_check(loss, 1e-4, &report));
            assert_true(report.passed);
            assert_int_equal(tally(&report, NB_KINK), k < 2 ? 2 : 0);
            nb_gradient_report_destroy(&report);
            nb_graph_destroy(g);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_that_is_drawn_again_is_named),
        cmocka_unit_test(a_bias_before_batch_norm_is_named),
        cmocka_unit_test(a_batch_of_one_is_named),
        cmocka_unit_test(neither_excuses_a_slip),
        cmocka_unit_test(a_missing_term_is_named),
        cmocka_unit_test(another_largest_pixel_is_a_kink),
    };
    return cmocka_run_group_tests_name("check_names", tests, NULL, NULL);
}
