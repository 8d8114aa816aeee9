/* Operations that break their word (op.h): nb_op_check and nb_gradient_check name the promise. Each
 * slip below passed the checker once, and trained to something else. */
#include "support.h"

#include "nablas/blas.h"
#include "nablas/gradient.h"
#include "nablas/kernels.h"

#include <math.h>

enum { rows = 4, columns = 3, batch = 2 * NB_ROW_GROUP + 5 };

static nb_status same_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static double value(const nb_call *c, const nb_tensor *t, size_t i)
{
    return c->kernels->get(t->data, i);
}

static void add_to(const nb_call *c, size_t i, double share)
{
    const double old = c->beta == 0 ? 0 : c->beta * value(c, c->din, i);
    c->kernels->set(c->din->data, i, share + old);
}

/* --- y = x p, row by row, with a slip --------------------------------------------------------- */

typedef enum {
    clean,
    no_beta,
    no_alpha,
    from_row_0,
    wrong_sign_in_float32,
    counts_calls,
    writes_input,
    slips
} slip;

static nb_status scale_forward(const nb_call *c, size_t lo, size_t hi)
{
    static size_t calls;
    const slip s = *(const slip *)c->config;
    const size_t w = nb_tensor_width(c->out), from = s == from_row_0 ? 0 : lo;
    const double extra = s == counts_calls ? (double)++calls : 0;
    for (size_t r = from; r < from + hi - lo; r++)
        for (size_t j = 0; j < w; j++)
            c->kernels->set(c->out->data, r * w + j,
                            value(c, c->in[0], r * w + j) * value(c, c->in[1], j) + extra);
    if (s == writes_input) c->kernels->set(c->in[0]->data, 0, value(c, c->in[0], 0) + 1);
    return NB_OK;
}

static nb_status scale_backward(const nb_call *c, size_t lo, size_t hi)
{
    const slip s = *(const slip *)c->config;
    const size_t w = nb_tensor_width(c->out), n = nb_tensor_height(c->out);
    nb_call d = *c;
    if (s == no_beta) d.beta = 0;
    if (s == no_alpha) d.alpha = 1;
    if (s == wrong_sign_in_float32 && c->kernels->dtype == NB_FLOAT32) d.alpha = -d.alpha;
    for (size_t i = lo; i < hi; i++) {
        double sum = 0;
        if (c->input == 0)
            for (size_t j = 0; j < w; j++)
                add_to(&d, i * w + j,
                       d.alpha * value(c, c->dout, i * w + j) * value(c, c->in[1], j));
        else
            for (size_t r = 0; r < n; r++)
                sum += value(c, c->dout, r * w + i) * value(c, c->in[0], r * w + i);
        if (c->input == 1) add_to(&d, i, d.alpha * sum);
    }
    return NB_OK;
}

static const nb_op scale = {
    .name = "rowscale",
    .inputs = 2,
    .config = sizeof(slip),
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = same_plan,
    .forward = {{scale_forward, NB_ROWS, 0, false}},
    .backward = {{scale_backward, NB_INPUT_ROWS, 0, false},
                 {scale_backward, NB_INPUT_ROWS, 1, false}},
};

static const char *const words[slips] = {
    [clean] = "",
    [no_beta] = "backward ignores beta",
    [no_alpha] = "backward ignores alpha",
    [from_row_0] = "promises NB_BY_ROW, but forward for some rows",
    [wrong_sign_in_float32] = "backward in float32 differs from float64",
    [counts_calls] = "other numbers the second time",
    [writes_input] = "forward writes into an input",
};

static void assert_named(const nb_gradient_report *report, const char *text)
{
    char page[4096];
    nb_gradient_report_text(report, page, sizeof page);
    if (report->passed != (*text == 0)) fail_msg("%s", page);
    if (*text == 0) assert_string_equal(report->broken, "");
    if (!strstr(report->broken, text)) fail_msg("'%s' in place of '%s'", report->broken, text);
    char begin[32]; /* lines are broken to fit a terminal */
    snprintf(begin, sizeof begin, "%.30s", report->broken);
    assert_non_null(strstr(page, begin));
}

static void each_slip_is_named_by_nb_op_check(void **state)
{
    (void)state;
    const nb_operand operand[] = {{.shape = NB_SHAPE(rows, columns)}, {.shape = NB_SHAPE(columns)}};
    for (slip s = clean; s < slips; s++) {
        nb_gradient_report report;
        assert_ok(nb_op_check(&scale, &s, operand, NULL, &report));
        assert_named(&report, words[s]);
        nb_gradient_report_destroy(&report);
    }
}

/* The same operation in the middle of a graph, in single precision, which is what trains. */
static void each_slip_is_named_by_nb_gradient_check(void **state)
{
    (void)state;
    for (slip s = clean; s < slips; s++) {
        nb_gradient_report report;
        nb_graph *g;
        static float data[batch * columns];
        assert_ok(nb_graph_create(&g, NB_FLOAT32));
        nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, columns));
        nb_node *W = nb_parameter(g, "W", NB_SHAPE(columns, columns));
        nb_node *p = nb_parameter(g, "p", NB_SHAPE(columns));
        nb_node *y = nb_apply(&scale, &s, (nb_node *[]){nb_matmul(x, W), p});
        nb_node *loss = nb_mean(nb_multiply(y, y));
        assert_ok(nb_graph_finish(g, batch));
        support_fill_s(batch * columns, data, 3);
        support_fill_s(columns * columns, nb_value(W)->data, 4);
        support_fill_s(columns, nb_value(p)->data, 5);
        const nb_tensor X = nb_tensor_view(NB_FLOAT32, NB_SHAPE(batch, columns), data);
        assert_ok(nb_feed(x, &X));
        assert_ok(nb_gradient_check(loss, 1e-4, &report));
        if (report.passed != (s == clean))
            fail_msg("slip %d: passed %d, %s", (int)s, report.passed, report.broken);
        if (!strstr(report.broken, words[s]))
            fail_msg("'%s' in place of '%s'", report.broken, words[s]);
        nb_gradient_report_destroy(&report);
        nb_graph_destroy(g);
    }
}

/* --- y = x - (mean of its column) ------------------------------------------------------------- */

static double column_mean(const nb_call *c, const nb_tensor *t, size_t j)
{
    const size_t n = nb_tensor_height(t), w = nb_tensor_width(t);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += value(c, t, i * w + j);
    return sum / (double)n;
}

static nb_status centre_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->out);
    for (size_t k = lo * w; k < hi * w; k++)
        c->kernels->set(c->out->data, k, value(c, c->in[0], k) - column_mean(c, c->in[0], k % w));
    return NB_OK;
}

static nb_status centre_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->out);
    for (size_t k = lo * w; k < hi * w; k++)
        add_to(c, k, value(c, c->dout, k) - column_mean(c, c->dout, k % w));
    return NB_OK;
}

static const nb_op lying = {
    .name = "centre",
    .inputs = 1,
    .promises = NB_BY_ROW,
    .plan = same_plan,
    .forward = {{centre_forward, NB_ROWS, 0, false}},
    .backward = {{centre_backward, NB_INPUT_ROWS, 0, false}},
};

static const nb_op honest = {
    .name = "centre",
    .inputs = 1,
    .plan = same_plan,
    .forward = {{centre_forward, NB_ROWS, 0, false}},
    .backward = {{centre_backward, NB_INPUT_ROWS, 0, false}},
};

static void an_operation_that_looks_at_other_rows_is_named(void **state)
{
    (void)state;
    const nb_operand operand = {.shape = NB_SHAPE(rows, columns)};
    nb_gradient_report report;
    assert_ok(nb_op_check(&lying, NULL, &operand, NULL, &report));
    assert_named(&report, "promises NB_BY_ROW");
    nb_gradient_report_destroy(&report);
    assert_ok(nb_op_check(&honest, NULL, &operand, NULL, &report));
    assert_named(&report, "");
    nb_gradient_report_destroy(&report);
}

/* Without the promise: the same numbers on any number of threads, and the fast numerical gradient
 * is that of brute force. */
static void without_the_promise_it_is_right(void **state)
{
    (void)state;
    nb_graph *g;
    nb_pool *pool;
    static double data[batch * columns];
    double fast[columns * columns], brute[columns * columns];
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, columns));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(columns, columns));
    nb_node *y = nb_apply(&honest, NULL, (nb_node *[]){nb_matmul(x, W)});
    nb_node *loss = nb_sum(nb_multiply(y, nb_multiply(y, y)));
    assert_ok(nb_graph_finish(g, batch));
    support_fill_d(batch * columns, data, 3);
    support_fill_d(columns * columns, nb_value(W)->data, 4);
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(batch, columns), data);
    assert_ok(nb_feed(x, &X));
    assert_ok(nb_forward(loss));
    const double one = nb_scalar(loss);
    for (size_t threads = 2; threads <= 4; threads++) {
        assert_ok(nb_pool_create(&pool, threads));
        assert_ok(nb_graph_set_pool(g, pool));
        assert_ok(nb_forward(loss));
        assert_near(nb_scalar(loss), one, 0);
        assert_ok(nb_graph_set_pool(g, NULL));
        nb_pool_destroy(pool);
    }
    nb_tensor a = nb_tensor_view(NB_FLOAT64, NB_SHAPE(columns, columns), fast);
    nb_tensor b = nb_tensor_view(NB_FLOAT64, NB_SHAPE(columns, columns), brute);
    assert_ok(nb_graph_numerical_gradient(loss, W, 1e-4, &a));
    assert_ok(nb_graph_numerical_gradient_brute(loss, W, 1e-4, &b));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    const double *analytic = nb_gradient(W)->data;
    for (size_t i = 0; i < columns * columns; i++) {
        assert_near(fast[i], brute[i], 1e-8);
        assert_near(fast[i], analytic[i], 1e-6);
    }
    nb_graph_destroy(g);
}

/* --- kinds ------------------------------------------------------------------------------------ */

/* y_j = x_j + x_(j+1) / 2: of a row, not of an element. */
static nb_status neighbour_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t w = nb_tensor_width(c->out);
    for (size_t k = lo * w; k < hi * w; k++)
        c->kernels->set(c->out->data, k,
                        value(c, c->in[0], k) +
                            (k % w + 1 < w ? value(c, c->in[0], k + 1) / 2 : 0));
    return NB_OK;
}

static nb_status half_mean_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)in, (void)config;
    need->out = NB_SCALAR;
    return NB_OK;
}

static nb_status half_mean_forward(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const size_t n = nb_tensor_count(c->in[0]);
    c->kernels->set(c->out->data, 0, c->kernels->sum(n, c->in[0]->data) / (2 * (double)n));
    return NB_OK;
}

static void false_kinds_are_named(void **state)
{
    (void)state;
    static const nb_op neighbour = {.name = "neighbour",
                                    .inputs = 1,
                                    .promises = NB_BY_ROW | NB_BY_ELEMENT,
                                    .plan = same_plan,
                                    .forward = {{neighbour_forward, NB_ROWS, 0, false}}};
    static const nb_op mean = {.name = "half_mean",
                               .inputs = 1,
                               .promises = NB_BY_ROW | NB_MEAN,
                               .plan = half_mean_plan,
                               .forward = {{half_mean_forward, NB_ONCE, 0, false}}};
    static const nb_op sum = {.name = "half_sum",
                              .inputs = 1,
                              .promises = NB_SUM,
                              .plan = half_mean_plan,
                              .forward = {{half_mean_forward, NB_ONCE, 0, false}}};
    static const nb_op product = {.name = "no_product",
                                  .inputs = 2,
                                  .promises = NB_PRODUCT,
                                  .plan = same_plan,
                                  .forward = {{neighbour_forward, NB_ROWS, 0, false}}};
    static const nb_op *const ops[] = {&neighbour, &mean, &sum, &product};
    static const char *const promise[] = {"promises NB_BY_ELEMENT", "promises NB_MEAN",
                                          "promises NB_SUM", "promises NB_PRODUCT"};
    const nb_operand operand[] = {{.shape = NB_SHAPE(columns, columns)},
                                  {.shape = NB_SHAPE(columns, columns), .constant = true}};
    for (size_t i = 0; i < COUNT(ops); i++) {
        nb_gradient_report report;
        assert_ok(nb_op_check(ops[i], NULL, operand, NULL, &report));
        assert_non_null(strstr(report.broken, promise[i]));
        assert_false(report.passed);
        nb_gradient_report_destroy(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_slip_is_named_by_nb_op_check),
        cmocka_unit_test(each_slip_is_named_by_nb_gradient_check),
        cmocka_unit_test(an_operation_that_looks_at_other_rows_is_named),
        cmocka_unit_test(without_the_promise_it_is_right),
        cmocka_unit_test(false_kinds_are_named),
    };
    return cmocka_run_group_tests_name("promise", tests, NULL, NULL);
}
