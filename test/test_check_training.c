/* Is what trains what was checked? nb_training_check, nb_gradient_check_fast, nb_op_adjoint. */
#include "check_fixtures.h"

#include "nablas/model.h"
#include "nablas/random.h"

#include <float.h>
#include <math.h>

/* --- y = x p, row by row, with a slip that only some passes show ------------------------------ */

typedef enum { sound, no_beta, no_alpha, single, row_0, restless, in_all } kind;

static size_t backwards; /* of p's gradient */
static size_t calls;

static double at(const nb_call *c, const nb_tensor *t, size_t i)
{
    return c->kernels->get(t->data, i);
}

static nb_status own_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static nb_status own_forward(const nb_call *c, size_t lo, size_t hi)
{
    const kind k = *(const kind *)c->config;
    const size_t w = nb_tensor_width(c->out), from = k == row_0 ? 0 : lo;
    for (size_t i = from * w; i < (from + hi - lo) * w; i++)
        c->kernels->set(c->out->data, i, at(c, c->in[0], i) * at(c, c->in[1], i % w));
    return NB_OK;
}

static nb_status own_backward(const nb_call *c, size_t lo, size_t hi)
{
    const kind k = *(const kind *)c->config;
    const size_t w = nb_tensor_width(c->out), n = nb_tensor_height(c->out);
    double alpha = k == no_alpha ? 1 : c->alpha;
    if (k == single && c->kernels->dtype == NB_FLOAT32) alpha = -alpha;
    if (k == in_all) alpha = -alpha;
    if (k == restless && c->input == 1) alpha *= 1 + (double)++calls * .01;
    backwards += c->input == 1 && lo == 0;
    const size_t from = c->input == 0 ? lo * w : lo, to = c->input == 0 ? hi * w : hi;
    for (size_t i = from; i < to; i++) {
        double sum = 0;
        if (c->input == 0) sum = at(c, c->dout, i) * at(c, c->in[1], i % w);
        for (size_t r = 0; r < n && c->input == 1; r++)
            sum += at(c, c->dout, r * w + i) * at(c, c->in[0], r * w + i);
        const double old = c->beta == 0 || k == no_beta ? 0 : c->beta * at(c, c->din, i);
        c->kernels->set(c->din->data, i, alpha * sum + old);
    }
    return NB_OK;
}

static const nb_op own = {
    .name = "rowscale",
    .inputs = 2,
    .config = sizeof(kind),
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = own_plan,
    .forward = {{own_forward, NB_ROWS, 0, false}},
    .backward = {{own_backward, NB_INPUT_ROWS, 0, false}, {own_backward, NB_INPUT_ROWS, 1, false}}};

enum { batch = 53, wide = 6 };

typedef struct field {
    nb_graph *g;
    nb_node *loss;
    nb_tensor x;
    nb_gradient_report report;
} field;

/* x (53,6) -> W (6,6) -> rowscale by p -> tanh -> mean of squares */
static void plough(field *f, kind k, nb_dtype dtype, bool sparse)
{
    nb_random random;
    assert_ok(nb_graph_create(&f->g, dtype));
    nb_node *x = nb_input(f->g, "x", NB_SHAPE(NB_BATCH, wide));
    if (sparse) nb_sparse(x);
    nb_node *W = nb_parameter(f->g, "W", NB_SHAPE(wide, wide));
    nb_node *p = nb_parameter(f->g, "p", NB_SHAPE(wide));
    nb_node *h = nb_matmul(x, W), *y = nb_apply(&own, &k, (nb_node *[]){h, p});
    if (k == no_beta) y = nb_add(y, nb_apply(&own, &k, (nb_node *[]){nb_sigmoid(h), p}));
    f->loss = nb_mean(nb_square(nb_tanh(y)));
    assert_ok(nb_graph_finish(f->g, batch));
    nb_random_seed(&random, 5);
    const nb_kernels *kernels = nb_kernels_of(dtype);
    const nb_tensor w = nb_graph_parameters(f->g);
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        kernels->set(w.data, i, nb_random_randn(&random));
    assert_ok(nb_tensor_create(&f->x, dtype, NB_SHAPE(batch, wide)));
    for (size_t i = 0; i < batch * wide; i++)
        kernels->set(f->x.data, i, sparse && i % 5 ? 0 : nb_random_randn(&random));
    assert_ok(nb_feed(x, &f->x));
}

static void clear(field *f)
{
    nb_gradient_report_destroy(&f->report);
    nb_graph_destroy(f->g);
    nb_tensor_destroy(&f->x);
}

static void each_pass_that_differs_is_named(void **state)
{
    (void)state;
    static const struct {
        kind k;
        nb_dtype dtype;
        nb_breach breach;
    } cases[] = {{sound, NB_FLOAT64, NB_KEPT},
                 {sound, NB_FLOAT32, NB_KEPT},
                 {no_beta, NB_FLOAT64, NB_BREACH_DIRECTION},
                 {no_alpha, NB_FLOAT64, NB_BREACH_FUSED},
                 {no_alpha, NB_FLOAT32, NB_BREACH_FUSED},
                 {single, NB_FLOAT32, NB_BREACH_PRECISION},
                 {row_0, NB_FLOAT64, NB_BREACH_ROWS},
                 {restless, NB_FLOAT32, NB_BREACH_NONDETERMINISTIC},
                 {restless, NB_FLOAT64, NB_BREACH_NONDETERMINISTIC},
                 {in_all, NB_FLOAT64, NB_BREACH_DIRECTION}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int sparse = 0; sparse < 2; sparse++) {
            field f;
            plough(&f, cases[i].k, cases[i].dtype, sparse);
            const nb_tensor w = nb_graph_parameters(f.g);
            nb_tensor before;
            assert_ok(nb_tensor_create(&before, w.dtype, w.shape));
            assert_ok(nb_tensor_convert(&w, &before));
            backwards = calls = 0;
            assert_ok(nb_training_check(f.loss, &f.report));
            if (f.report.breach != cases[i].breach)
                fail_msg("case %zu: %s: %s", i, nb_breach_name(f.report.breach), f.report.broken);
            assert_int_equal(f.report.passed, cases[i].breach == NB_KEPT);
            assert_int_equal(f.report.count, 0);
            /* p's gradient is in one range, but where rows are split. */
            if (cases[i].k != no_beta)
                assert_true(backwards < 10 + (size_t)sparse); /* which uses p twice */
            if (cases[i].k == sound)
                assert_int_equal(backwards, 7 + 2 * sparse + (cases[i].dtype == NB_FLOAT32));
            assert_memory_equal(before.data, w.data, nb_tensor_count(&w) * nb_dtype_size(w.dtype));
            nb_tensor_destroy(&before);
            clear(&f);
        }
}

/* A product that clears the row behind its share where x is packed. */
static nb_status spill(const nb_call *c, size_t lo, size_t hi)
{
    nb_status status = find_op("matmul")->backward[1].run(c, lo, hi);
    if (c->in[0]->packed && hi < nb_tensor_height(c->din))
        memset(nb_tensor_at(c->din, hi), 0, nb_tensor_width(c->din) * c->kernels->size);
    return status;
}

static void shares_of_packed_inputs_keep_apart(void **state)
{
    (void)state;
    nb_op spilling = *find_op("matmul");
    for (int slip = 0; slip < 2; slip++) {
        field f;
        nb_random random;
        if (slip) spilling.backward[1].run = spill;
        assert_ok(nb_graph_create(&f.g, NB_FLOAT64));
        nb_node *x = nb_sparse(nb_input(f.g, "x", NB_SHAPE(NB_BATCH, wide)));
        nb_node *W = nb_parameter(f.g, "W", NB_SHAPE(wide, 2));
        f.loss = nb_mean(nb_square(nb_apply(&spilling, NULL, (nb_node *[]){x, W})));
        assert_ok(nb_graph_finish(f.g, batch));
        nb_random_seed(&random, 5);
        assert_ok(nb_tensor_create(&f.x, NB_FLOAT64, NB_SHAPE(batch, wide)));
        for (size_t i = 0; i < batch * wide; i++)
            ((double *)f.x.data)[i] = i % 5 ? 0 : nb_random_randn(&random);
        for (size_t i = 0; i < 2 * wide; i++)
            ((double *)nb_value(W)->data)[i] = nb_random_randn(&random);
        assert_ok(nb_feed(x, &f.x));
        assert_ok(nb_training_check(f.loss, &f.report));
        assert_int_equal(f.report.breach, slip ? NB_BREACH_ROWS : NB_KEPT);
        assert_true(!slip ||
                    strstr(f.report.broken, "from a packed input by rows split at random"));
        clear(&f);
    }
}

/* Whether the sign is wrong in float32 alone or a rounding too large, single elements show it. */
static void float32_is_held_to_its_rounding(void **state)
{
    (void)state;
    field f;
    plough(&f, sound, NB_FLOAT32, false);
    assert_ok(nb_gradient_check(f.loss, 1e-4, &f.report));
    assert_true(f.report.passed);
    assert_string_equal(f.report.broken, "");
    clear(&f);
}

static void a_fast_check_has_one_element_for_each_parameter(void **state)
{
    (void)state;
    for (int slip = 0; slip < 2; slip++) {
        bed b;
        make_bed(&b, slip ? flipped : clean, nb_relu, NB_BOOK_EPSILON, 6);
        assert_ok(nb_gradient_check_fast(b.loss, &b.report));
        assert_int_equal(b.report.count, 6);
        assert_int_equal(nb_gradient_report_verdict(&b.report), slip);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(b.report.row[i].count, 1);
            assert_int_equal(b.report.row[i].tally[slip && i == 2 ? NB_WRONG : NB_AGREES], 1);
        }
        if (slip) assert_near(b.report.row[2].amount, -1, 1e-6);
        char text[8192];
        assert_true(nb_gradient_report_text(&b.report, text, sizeof text) < sizeof text);
        end_bed(&b);
    }
}

static void the_adjoint_test_needs_no_step_where_the_operation_is_linear(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double config;
        size_t inputs;
        bool linear;
    } cases[] = {{"affine", 0, 3, true},
                 {"relu", 0, 1, true},
                 {"sigmoid", 0, 1, false},
                 {"tanh", 0, 1, false}};
    const nb_operand in[] = {
        {.shape = NB_SHAPE(7, 4)}, {.shape = NB_SHAPE(4, 5)}, {.shape = NB_SHAPE(5)}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < cases[i].inputs; k++) {
            nb_adjoint a;
            assert_ok(nb_op_adjoint(find_op(cases[i].name), &cases[i].config, in, k, &a));
            assert_int_equal(a.linear, cases[i].linear);
            assert_true(a.agrees);
            assert_true(fabs(a.forward - a.backward) <=
                        (a.linear ? 16 * DBL_EPSILON : 1e-12) * a.terms);
        }
    nb_adjoint a;
    for (int slip = clean; slip <= one_element; slip++) {
        bool agrees = true;
        const nb_operand square[] = {
            {.shape = NB_SHAPE(7, 4)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
        for (size_t k = 0; k < 3; k++) {
            assert_ok(nb_op_adjoint(&planted, &(double){slip}, square, k, &a));
            assert_true(a.linear);
            agrees &= a.agrees;
        }
        assert_int_equal(agrees, slip == clean);
    }
    assert_fails(NB_EINVAL, "nb_op_adjoint: op is NULL", nb_op_adjoint(NULL, NULL, in, 0, &a));
    assert_fails(NB_EINVAL, "input=3", nb_op_adjoint(find_op("affine"), NULL, in, 3, &a));
}

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_gradient_report report;
    assert_fails(NB_EINVAL, "nb_training_check: loss is NULL", nb_training_check(NULL, &report));
    assert_fails(NB_EINVAL, "nb_gradient_check_fast: loss is NULL",
                 nb_gradient_check_fast(NULL, &report));
    for (int fast = 0; fast < 2; fast++) {
        field f;
        size_t fail_at = 0;
        nb_status status;
        plough(&f, sound, NB_FLOAT32, true);
        do {
            support_allocator_start(++fail_at);
            status = fast ? nb_gradient_check_fast(f.loss, &f.report)
                          : nb_training_check(f.loss, &f.report);
            nb_gradient_report_destroy(&f.report);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
            assert_memory_status(status);
        } while (status);
        assert_true(fail_at > 10);
        clear(&f);
    }
}

/* --- targets that are met --------------------------------------------------------------------- */

static nb_node *squares(nb_node *y, nb_node *t)
{
    return nb_mean(nb_square(nb_subtract(y, t)));
}

static nb_node *huber(nb_node *y, nb_node *t)
{
    return nb_huber_loss(y, t, 1);
}

/* All that is left of the gradient is the rounding of y - t. */
static void a_network_that_meets_its_targets_is_right(void **state)
{
    (void)state;
    enum { N = 6, in = 5, out = 4 };
    static nb_node *(*const losses[])(nb_node *, nb_node *) = {
        nb_mean_squared_error, nb_squared_loss, huber, squares, nb_binary_cross_entropy};
    for (uint32_t seed = 0; seed < 20 * COUNT(losses); seed++) {
        nb_graph *g;
        nb_random random;
        nb_gradient_report report;
        double data[N * in], target[N * out];
        nb_random_seed(&random, seed);
        assert_ok(nb_graph_create(&g, NB_FLOAT64));
        nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, in));
        nb_node *t = nb_input(g, "t", NB_SHAPE(NB_BATCH, out));
        nb_node *W = nb_parameter(g, "W", NB_SHAPE(in, out));
        nb_node *y = nb_affine(x, W, nb_parameter(g, "b", NB_SHAPE(out)));
        nb_node *p = nb_sigmoid(y), *loss = losses[seed % COUNT(losses)](y, t);
        const bool binary = losses[seed % COUNT(losses)] == nb_binary_cross_entropy;
        assert_ok(nb_graph_finish(g, N));
        const nb_tensor w = nb_graph_parameters(g);
        double *values = w.data;
        for (size_t i = 0; i < nb_tensor_count(&w); i++) values[i] = nb_random_randn(&random);
        for (size_t i = 0; i < N * in; i++) data[i] = nb_random_randn(&random);
        const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, in), data);
        const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, out), target);
        assert_ok(nb_feed(x, &X));
        assert_ok(nb_forward(binary ? p : y));
        const double *met = nb_value(binary ? p : y)->data;
        for (size_t i = 0; i < N * out; i++)
            target[i] = met[i] * (1 + DBL_EPSILON * floor(5 * nb_random_rand(&random) - 2));
        assert_ok(nb_feed(t, &T));
        assert_ok(nb_gradient_check(loss, NB_NUMERICAL_H, &report));
        if (!report.passed) fail_msg("loss %zu, seed %u", seed % COUNT(losses), seed);
        nb_gradient_report_destroy(&report);
        nb_graph_destroy(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pass_that_differs_is_named),
        cmocka_unit_test(shares_of_packed_inputs_keep_apart),
        cmocka_unit_test(float32_is_held_to_its_rounding),
        cmocka_unit_test(a_fast_check_has_one_element_for_each_parameter),
        cmocka_unit_test(the_adjoint_test_needs_no_step_where_the_operation_is_linear),
        cmocka_unit_test(a_network_that_meets_its_targets_is_right),
        cmocka_unit_test(misuse_is_answered),
    };
    return cmocka_run_group_tests_name("check_training", tests, NULL, NULL);
}
