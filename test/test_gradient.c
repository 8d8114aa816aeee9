#include "gradient_fixtures.h"

#include <math.h>

/* --- the report ------------------------------------------------------------------------------- */

/* x^2, whose backward multiplies x by the attribute: right only for 2. */
static nb_status square_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static nb_status square_forward(const nb_call *c, size_t lo, size_t hi)
{
    for (size_t i = lo; i < hi; i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        c->kernels->set(c->out->data, i, x * x);
    }
    return NB_OK;
}

static nb_status square_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    for (size_t i = lo; i < hi; i++) {
        const double old = c->beta == 0 ? 0 : c->beta * k->get(c->din->data, i);
        const double share =
            *(const double *)c->config * k->get(c->in[0]->data, i) * k->get(c->dout->data, i);
        k->set(c->din->data, i, share + old);
    }
    return NB_OK;
}

static const nb_op square = {.name = "square",
                             .inputs = 1,
                             .config = sizeof(double),
                             .promises = NB_BY_ROW,
                             .plan = square_plan,
                             .forward = {{square_forward, NB_ROWS, 0, false}},
                             .backward = {{square_backward, NB_INPUT_ROWS, 0, false}}};

typedef struct squares {
    nb_graph *g;
    nb_node *good, *suspect, *unused, *loss;
} squares;

/* good^2 + square(suspect) with the factor; and a parameter that the loss does not see. */
static squares make_squares(double factor, nb_dtype dtype)
{
    static const double w[3] = {.5, -.75, .25};
    squares s;
    assert_ok(nb_graph_create(&s.g, dtype));
    s.good = nb_parameter(s.g, "good", NB_SHAPE(2));
    s.suspect = nb_parameter(s.g, "suspect", NB_SHAPE(3));
    s.unused = nb_parameter(s.g, "unused", NB_SHAPE(2, 2));
    s.loss = nb_add(nb_sum(nb_multiply(s.good, s.good)),
                    nb_sum(nb_apply(&square, &(double){factor}, (nb_node *[]){s.suspect})));
    assert_ok(nb_graph_finish(s.g, 1));
    fill_parameters(s.g, 9);
    for (size_t i = 0; i < 3; i++) nb_kernels_of(dtype)->set(nb_value(s.suspect)->data, i, w[i]);
    return s;
}

static void the_report_says_how_far_and_where(void **state)
{
    (void)state;
    static const double factors[] = {2, 1, -2, 2.001, 0};
    for (size_t f = 0; f < 2 * COUNT(factors); f++) {
        const double factor = factors[f / 2], off = fabs(2 - factor);
        nb_gradient_report report;
        squares s = make_squares(factor, f % 2 ? NB_FLOAT32 : NB_FLOAT64);
        assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
        assert_true(report.options.h == 1e-4);
        assert_int_equal(report.count, 3);
        assert_string_equal(report.row[0].name, "good");
        assert_string_equal(report.row[1].name, "suspect");
        assert_string_equal(report.row[2].name, "unused");
        assert_int_equal(report.row[0].count, 2);
        assert_true(report.row[0].max_abs < 1e-10 && report.row[0].max_rel < 1e-9);
        assert_int_equal(report.row[2].count, 4);
        assert_true(report.row[2].max_abs == 0 && report.row[2].max_rel == 0 &&
                    report.row[2].mean_abs == 0);
        const nb_gradient_row *row = &report.row[1];
        assert_int_equal(row->count, 3);
        assert_near(row->max_abs, .75 * off, 1e-10);
        assert_near(row->mean_abs, .5 * off, 1e-10);
        assert_near(row->max_rel, off / fmax(2, fabs(factor)), 1e-9);
        if (off > 0) {
            assert_int_equal(row->worst, 1);
            assert_near(row->numerical, -1.5, 1e-10);
            assert_near(row->analytic, -.75 * factor, 1e-15);
        }
        nb_gradient_report_destroy(&report);
        assert_true(report.row == NULL && report.count == 0);
        nb_graph_destroy(s.g);
    }
    nb_gradient_report_destroy(NULL);
}

static void what_is_not_finite_does_not_hide(void **state)
{
    (void)state;
    nb_gradient_report report;
    squares s = make_squares((double)NAN, NB_FLOAT64);
    ((double *)nb_value(s.suspect)->data)[0] = .5;
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isnan(report.row[1].max_abs) && isnan(report.row[1].mean_abs) &&
                isnan(report.row[1].max_rel) && isnan(report.row[1].analytic));
    assert_true(report.row[0].max_abs < 1e-10);
    nb_gradient_report_destroy(&report);
    nb_graph_destroy(s.g);

    s = make_squares((double)INFINITY, NB_FLOAT64);
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isinf(report.row[1].max_abs) && isinf(report.row[1].max_rel));
    nb_gradient_report_destroy(&report);
    /* 0 times infinity: one NaN, and the infinities after it do not cover it. */
    ((double *)nb_value(s.suspect)->data)[0] = 0;
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isnan(report.row[1].max_abs) && isnan(report.row[1].max_rel));
    assert_true(report.row[1].worst == 0 && isnan(report.row[1].analytic));
    nb_gradient_report_destroy(&report);
    nb_graph_destroy(s.g);
}

static void a_check_leaves_the_graph_alone_and_leaks_nothing(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    squares s = make_squares(1, NB_FLOAT32);
    const nb_tensor w = nb_graph_parameters(s.g), dw = nb_graph_gradients(s.g);
    const size_t bytes = nb_tensor_count(&w) * sizeof(float);
    char before[512], gradients[512];
    assert_true(bytes <= sizeof before);
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    memcpy(before, w.data, bytes);
    memcpy(gradients, dw.data, bytes);
    do {
        nb_gradient_report report;
        support_allocator_start(++fail_at);
        status = nb_gradient_check(s.loss, 1e-4, &report);
        if (status) {
            assert_fails(NB_ENOMEM, "no memory", status);
            assert_true(report.row == NULL && report.count == 0);
        }
        nb_gradient_report_destroy(&report);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    } while (status);
    assert_true(fail_at > 10);
    assert_memory_equal(w.data, before, bytes);
    assert_memory_equal(dw.data, gradients, bytes);
    nb_graph_destroy(s.g);
}

/* --- the numerical gradient ------------------------------------------------------------------- */

static void the_parameter_is_restored_bit_for_bit(void **state)
{
    (void)state;
    static const double values[] = {-0.0, 0.1, -1.0 / 3, 5e-324, 1e-40, 1e30, -123456.789, 1};
    for (size_t i = 0; i < 2; i++) {
        const nb_dtype dtype = i ? NB_FLOAT32 : NB_FLOAT64;
        nb_graph *g;
        nb_tensor gradient;
        double before[COUNT(values)];
        assert_ok(nb_graph_create(&g, dtype));
        nb_node *w = nb_parameter(g, "w", NB_SHAPE(COUNT(values)));
        nb_node *loss = nb_sum(nb_sigmoid(w));
        assert_ok(nb_graph_finish(g, 1));
        for (size_t j = 0; j < COUNT(values); j++)
            nb_kernels_of(dtype)->set(nb_value(w)->data, j, values[j]);
        const size_t bytes = COUNT(values) * nb_dtype_size(dtype);
        memcpy(before, nb_value(w)->data, bytes);
        assert_ok(nb_tensor_create(&gradient, dtype, nb_value(w)->shape));
        assert_ok(nb_graph_numerical_gradient(loss, w, 1e-2, &gradient));
        assert_memory_equal(nb_value(w)->data, before, bytes);
        /* sigmoid' (0) = 1/4 */
        assert_near(nb_kernels_of(dtype)->get(gradient.data, 0), .25, 1e-4);
        nb_tensor_destroy(&gradient);
        nb_graph_destroy(g);
    }
}

/* Backward after it sees the parameters as they are, not as they were shifted. */
static void backward_may_follow_a_numerical_gradient(void **state)
{
    (void)state;
    double first[512], numbers[3];
    squares s = make_squares(2, NB_FLOAT64);
    nb_tensor gradient = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_forward(s.loss));
    const double loss = nb_scalar(s.loss);
    assert_ok(nb_backward(s.loss));
    copy_gradients(s.g, first, COUNT(first));
    assert_ok(nb_graph_numerical_gradient(s.loss, s.suspect, .5, &gradient));
    assert_true(nb_scalar(s.loss) == loss);
    assert_ok(nb_backward(s.loss));
    double second[512];
    copy_gradients(s.g, second, COUNT(second));
    const nb_tensor flat = nb_graph_gradients(s.g);
    assert_memory_equal(first, second, nb_tensor_count(&flat) * sizeof *first);
    /* Of squares, central differences are exact for any h. */
    for (size_t i = 0; i < 3; i++)
        assert_near(numbers[i], 2 * ((const double *)nb_value(s.suspect)->data)[i], 1e-14);
    nb_graph_destroy(s.g);
}

/* An operation that fails when asked for the nth time. */
static size_t patience;

static nb_status moody_forward(const nb_call *c, size_t lo, size_t hi)
{
    if (patience-- == 0) return nb_fail(NB_EDIVERGED, "moody: enough");
    return square_forward(c, lo, hi);
}

static const nb_op moody = {.name = "moody",
                            .inputs = 1,
                            .config = sizeof(double),
                            .promises = NB_BY_ROW,
                            .plan = square_plan,
                            .forward = {{moody_forward, NB_ROWS, 0, false}}};

static void a_failing_pass_is_answered_and_the_parameter_restored(void **state)
{
    (void)state;
    nb_graph *g;
    double numbers[2];
    nb_tensor gradient = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), numbers);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *w = nb_parameter(g, "w", NB_SHAPE(2));
    nb_node *loss = nb_sum(nb_apply(&moody, &(double){0}, (nb_node *[]){w}));
    assert_ok(nb_graph_finish(g, 1));
    fill_parameters(g, 4);
    double before[2];
    memcpy(before, nb_value(w)->data, sizeof before);
    for (size_t passes = 0; passes < 5; passes++) {
        patience = passes;
        assert_fails(NB_EDIVERGED, "moody: enough",
                     nb_graph_numerical_gradient(loss, w, 1e-4, &gradient));
        assert_memory_equal(nb_value(w)->data, before, sizeof before);
    }
    patience = 5;
    assert_ok(nb_graph_numerical_gradient(loss, w, 1e-4, &gradient));
    nb_gradient_report report;
    patience = 3;
    assert_fails(NB_EDIVERGED, "moody: enough", nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.row == NULL && report.count == 0);
    nb_graph_destroy(g);
}

static void misuse_is_an_error(void **state)
{
    (void)state;
    double numbers[4];
    float singles[3];
    nb_gradient_report report;
    squares s = make_squares(2, NB_FLOAT64), other = make_squares(2, NB_FLOAT64);
    nb_tensor d = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    nb_tensor four = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4), numbers);
    nb_tensor f = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3), singles);
    assert_fails(NB_EINVAL, "is no parameter of the graph",
                 nb_graph_numerical_gradient(s.loss, s.loss, 1e-4, &d));
    assert_fails(NB_EINVAL, "suspect is no parameter of the graph",
                 nb_graph_numerical_gradient(s.loss, other.suspect, 1e-4, &d));
    const double steps[] = {0, -1e-4, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_fails(NB_EINVAL, "expected a positive number",
                     nb_graph_numerical_gradient(s.loss, s.suspect, steps[i], &d));
        assert_fails(NB_EINVAL, "expected a positive number",
                     nb_gradient_check(s.loss, steps[i], &report));
        assert_true(report.row == NULL);
    }
    assert_fails(NB_EDTYPE, "gradient is float32, suspect is float64",
                 nb_graph_numerical_gradient(s.loss, s.suspect, 1e-4, &f));
    assert_fails(NB_ESHAPE, "gradient is (4,), suspect is (3,)",
                 nb_graph_numerical_gradient(s.loss, s.suspect, 1e-4, &four));
    nb_node *vector = nb_node_input(nb_node_input(nb_node_input(s.loss, 1), 0), 0);
    assert_ptr_equal(vector, s.suspect);
    vector = nb_node_input(nb_node_input(s.loss, 1), 0);
    assert_fails(NB_ESHAPE, "the loss is (3,), expected a scalar",
                 nb_graph_numerical_gradient(vector, s.suspect, 1e-4, &d));
    assert_fails(NB_ESHAPE, "is (3,), expected a scalar", nb_gradient_check(vector, 1e-4, &report));
    nb_graph_destroy(s.g);
    nb_graph_destroy(other.g);
}

static void an_unready_graph_is_an_error(void **state)
{
    (void)state;
    nb_graph *g;
    double numbers[3];
    nb_gradient_report report;
    nb_tensor d = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3)), *w = nb_parameter(g, "w", NB_SHAPE(3));
    nb_node *loss = nb_sum(nb_apply(&scaled, &(double){0}, (nb_node *[]){x, w}));
    assert_fails(NB_EINVAL, "not finished", nb_graph_numerical_gradient(loss, w, 1e-4, &d));
    assert_fails(NB_EINVAL, "not finished", nb_gradient_check(loss, 1e-4, &report));
    assert_ok(nb_graph_finish(g, 2));
    assert_fails(NB_EINVAL, "x was not fed", nb_graph_numerical_gradient(loss, w, 1e-4, &d));
    assert_fails(NB_EINVAL, "x was not fed", nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.row == NULL && report.count == 0);
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_says_how_far_and_where),
        cmocka_unit_test(what_is_not_finite_does_not_hide),
        cmocka_unit_test(a_check_leaves_the_graph_alone_and_leaks_nothing),
        cmocka_unit_test(the_parameter_is_restored_bit_for_bit),
        cmocka_unit_test(backward_may_follow_a_numerical_gradient),
        cmocka_unit_test(a_failing_pass_is_answered_and_the_parameter_restored),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(an_unready_graph_is_an_error),
    };
    return cmocka_run_group_tests_name("gradient", tests, NULL, NULL);
}
