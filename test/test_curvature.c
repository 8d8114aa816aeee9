#include "support.h"

#include "nablas/curvature.h"
#include "nablas/hessian.h"
#include "nablas/linear.h"
#include "nablas/memory.h"
#include "nablas/model.h"

#include <math.h>

/* --- a small network on random data ----------------------------------------------------------- */

enum { INPUTS = 3, HIDDEN = 4, OUTPUTS = 3, ROWS = 6, MOST = 64 };

typedef struct fixture {
    nb_model *net;
    double x[ROWS * INPUTS];
    float single[ROWS * INPUTS];
    int32_t labels[ROWS];
    nb_node *loss;
    size_t count;  /* P */
    double *w, *H; /* (P), the graph's; (P,P) */
} fixture;

static void start(fixture *f, nb_dtype dtype, nb_activation activation, uint32_t seed)
{
    nb_random random;
    nb_random_seed(&random, seed);
    assert_ok(nb_two_layer_net_create(&f->net, INPUTS, HIDDEN, OUTPUTS, 0.7, activation, dtype,
                                      ROWS, &random));
    support_fill_s(ROWS * INPUTS, f->single, seed + 10);
    for (size_t i = 0; i < ROWS * INPUTS; i++) f->x[i] = (double)f->single[i];
    for (size_t i = 0; i < ROWS; i++) f->labels[i] = (int32_t)((i * i + seed) % OUTPUTS);
    const nb_tensor x = nb_tensor_view(dtype, NB_SHAPE(ROWS, INPUTS),
                                       dtype == NB_FLOAT64 ? (void *)f->x : (void *)f->single);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(ROWS), f->labels);
    assert_ok(nb_model_feed(f->net, &x, &t, &f->loss));
    const nb_tensor w = nb_graph_parameters(f->net->graph);
    f->count = nb_tensor_count(&w);
    f->w = w.data;
    assert_true(f->count <= MOST);
    f->H = nb_alloc(f->count * f->count, sizeof *f->H);
    assert_non_null(f->H);
}

static void stop(fixture *f)
{
    nb_free(f->H);
    nb_model_destroy(f->net);
}

/* The loss as a function of all parameters. */
static double loss_of(size_t n, const double *w, void *context)
{
    fixture *f = context;
    memcpy(f->w, w, n * sizeof *w);
    assert_ok(nb_forward(f->loss));
    return nb_scalar(f->loss);
}

/* --- the Hessian ------------------------------------------------------------------------------ */

/* Differences of gradients against second differences of the loss, which are good for 5e-6. */
static void the_hessian_is_the_callbacks(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 8; seed++) {
        fixture f;
        double w[MOST], H[MOST * MOST], largest = 0;
        start(&f, NB_FLOAT64, seed % 2 ? NB_RELU : NB_SIGMOID, seed);
        memcpy(w, f.w, f.count * sizeof *w);
        assert_ok(nb_graph_hessian(f.loss, f.H));
        assert_memory_equal(f.w, w, f.count * sizeof *w);
        nb_numerical_hessian(loss_of, &f, f.count, w, H);
        for (size_t i = 0; i < f.count; i++)
            for (size_t j = 0; j < f.count; j++) {
                assert_near(f.H[i * f.count + j], H[i * f.count + j], 5e-6);
                assert_true(f.H[i * f.count + j] == f.H[j * f.count + i]);
                largest = fmax(largest, fabs(H[i * f.count + j]));
            }
        assert_true(largest > 0.05);
        stop(&f);
    }
}

/* One layer with softmax and cross entropy: H = x x^T (x) (diag(p) - p p^T), exactly. */
static void simple_nets_hessian_is_known(void **state)
{
    (void)state;
    double x[2] = {0.6, 0.9}, p[3], H[8 * 8];
    int32_t label = 2;
    nb_random random;
    nb_model *net;
    nb_node *loss;
    nb_random_seed(&random, 1);
    assert_ok(nb_simple_net_create(&net, NB_FLOAT64, &random));
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), x);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), p);
    assert_ok(nb_model_predict(net, &X, &y));
    assert_ok(nb_model_feed(net, &X, &t, &loss));
    assert_ok(nb_graph_hessian(loss, H));
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++) {
            const size_t a = i % 3, b = j % 3;
            const double exact =
                i < 6 && j < 6 ? x[i / 3] * x[j / 3] * p[a] * ((a == b) - p[b]) : 0;
            assert_near(H[i * 8 + j], exact, 1e-8);
            if (i >= 6 || j >= 6) assert_true(H[i * 8 + j] == 0);
        }
    nb_model_destroy(net);
}

static void a_product_is_the_hessian_times_the_vector(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 8; seed++) {
        fixture f;
        double v[MOST] = {0}, Hv[MOST], w[MOST];
        start(&f, NB_FLOAT64, seed % 2 ? NB_RELU : NB_SIGMOID, seed);
        memcpy(w, f.w, f.count * sizeof *w);
        assert_ok(nb_graph_hessian(f.loss, f.H));
        for (int scale = -300; scale <= 300; scale += 300) {
            support_fill_d(INPUTS * HIDDEN, v, seed); /* W1 alone: no gap before its end */
            for (size_t j = 0; j < f.count; j++) v[j] = ldexp(v[j], scale);
            assert_ok(nb_graph_hessian_vector(f.loss, v, Hv));
            assert_memory_equal(f.w, w, f.count * sizeof *w);
            for (size_t i = 0; i < f.count; i++) {
                double sum = 0;
                for (size_t j = 0; j < f.count; j++) sum += f.H[i * f.count + j] * v[j];
                assert_near(ldexp(Hv[i], -scale), ldexp(sum, -scale), 1e-7);
            }
        }
        memset(v, 0, sizeof v);
        assert_ok(nb_graph_hessian_vector(f.loss, v, Hv));
        for (size_t i = 0; i < f.count; i++) assert_true(Hv[i] == 0);
        stop(&f);
    }
}

/* 1/2 relu(w)^2, whose curvature is 1 where w > 0: a kink at a millionth is not stepped over, and a
 * step is not lost in rounding a large w. */
static void the_step_fits_kinks_and_large_parameters(void **state)
{
    (void)state;
    nb_graph *g;
    double one = 1, nought = 0;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 1));
    nb_node *t = nb_input(g, "t", NB_SHAPE(NB_BATCH, 1));
    nb_node *w = nb_parameter(g, "w", NB_SHAPE(1, 1));
    nb_node *loss = nb_mean_squared_error(nb_relu(nb_matmul(x, w)), t);
    assert_ok(nb_graph_finish(g, 1));
    const nb_tensor data = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 1), &one);
    const nb_tensor target = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 1), &nought);
    assert_ok(nb_feed(x, &data));
    assert_ok(nb_feed(t, &target));
    static const double at[] = {1e-6, 1, 1e3, 1e9, 1e15};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double v[8] = {1}, Hv[8];
        *(double *)nb_value(w)->data = at[i];
        assert_ok(nb_graph_hessian_vector(loss, v, Hv));
        assert_near(Hv[0], 1, 1e-7);
    }
    nb_graph_destroy(g);
}

/* --- the largest eigenvalue ------------------------------------------------------------------- */

static void lanczos_finds_what_dsyev_finds(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 12; seed++) {
        fixture f, single;
        double values[MOST];
        nb_random random;
        nb_eigenvalue largest, again, of_single;
        const nb_activation activation = seed % 2 ? NB_RELU : NB_SIGMOID;
        start(&f, NB_FLOAT64, activation, seed);
        assert_ok(nb_graph_hessian(f.loss, f.H));
        assert_ok(nb_symmetric_eigenvalues(f.count, f.H, values, NULL));
        nb_random_seed(&random, seed);
        assert_ok(nb_graph_curvature(f.loss, &random, 1e-7, 100, &largest));
        assert_near(largest.value / values[f.count - 1], 1, 1e-6);
        assert_true(largest.residual <= 1e-7 * fmax(values[f.count - 1], -values[0]) * 1.001);
        assert_true(largest.iterations > 2 && largest.iterations <= f.count);

        nb_random other;
        nb_random_seed(&random, seed);
        nb_random_seed(&other, seed);
        assert_ok(nb_graph_curvature(f.loss, &random, 1e-7, 100, &again));
        assert_memory_equal(&largest, &again, sizeof again);
        for (size_t i = 0; i < INPUTS * HIDDEN + HIDDEN + HIDDEN * OUTPUTS + OUTPUTS; i++)
            nb_random_randn(&other);
        assert_true(nb_random_rand(&random) == nb_random_rand(&other));
        stop(&f);

        /* A float32 graph is cast: only the weights differ, by 6e-8 of themselves. */
        start(&single, NB_FLOAT32, activation, seed);
        nb_random_seed(&random, seed);
        assert_ok(nb_graph_curvature(single.loss, &random, 1e-7, 100, &of_single));
        assert_near(of_single.value / largest.value, 1, 1e-5);
        stop(&single);
    }
}

/* 1/2 sum (x W - t)^2 has the Hessian X^T X for each column of W: descent with nb_descend converges
 * just below 2 / lambda_max and leaves just above. */
static void descent_is_stable_up_to_2_over_the_curvature(void **state)
{
    (void)state;
    nb_graph *g;
    double x[4 * 2] = {1, 2, -1, 1, 3, 0.5, 0.25, -2}, t[4] = {1, -1, 2, 0};
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *X = nb_input(g, "x", NB_SHAPE(NB_BATCH, 2));
    nb_node *T = nb_input(g, "t", NB_SHAPE(NB_BATCH, 1));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(2, 1));
    nb_node *loss = nb_mean_squared_error(nb_matmul(X, W), T);
    assert_ok(nb_graph_finish(g, 4));
    const nb_tensor data = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4, 2), x);
    const nb_tensor targets = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4, 1), t);
    assert_ok(nb_feed(X, &data));
    assert_ok(nb_feed(T, &targets));

    double gram[4] = {0}, values[2], best[2];
    for (size_t i = 0; i < 8; i++) gram[i % 2 * 2] += x[i / 2 * 2] * x[i / 2 * 2 + i % 2];
    for (size_t i = 0; i < 4; i++) gram[3] += x[2 * i + 1] * x[2 * i + 1];
    assert_ok(nb_symmetric_eigenvalues(2, gram, values, NULL));
    nb_random random;
    nb_eigenvalue largest;
    nb_random_seed(&random, 0);
    assert_ok(nb_graph_curvature(loss, &random, 1e-9, 10, &largest));
    assert_near(largest.value, values[1], 1e-7 * values[1]);

    assert_ok(nb_least_squares(4, 2, 1, x, t, 0, best));
    double *w = nb_value(W)->data;
    for (int above = 0; above <= 1; above++) {
        w[0] = w[1] = 0;
        for (int step = 0; step < 1000; step++) {
            assert_ok(nb_forward(loss));
            assert_ok(nb_descend(loss, 2 / largest.value * (above ? 1.01 : 0.99)));
        }
        const double distance = hypot(w[0] - best[0], w[1] - best[1]);
        assert_true(above ? distance > 1e6 : distance < 1e-6);
    }
    nb_graph_destroy(g);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void errors_are_told(void **state)
{
    (void)state;
    fixture f;
    double v[MOST] = {1}, Hv[MOST];
    nb_random random;
    nb_eigenvalue e = {42, 42, 42};
    nb_random_seed(&random, 0);
    start(&f, NB_FLOAT32, NB_SIGMOID, 1);
    assert_fails(NB_EDTYPE, "nb_graph_hessian_vector: the graph is float32",
                 nb_graph_hessian_vector(f.loss, v, Hv));
    assert_fails(NB_EDTYPE, "float32", nb_graph_hessian(f.loss, f.H));
    stop(&f);

    start(&f, NB_FLOAT64, NB_SIGMOID, 1);
    double w[MOST];
    memcpy(w, f.w, f.count * sizeof *w);
    assert_fails(NB_ESHAPE, "expected a scalar", nb_graph_hessian_vector(f.net->scores, v, Hv));
    f.labels[2] = 77;
    assert_fails(NB_ERANGE, "77", nb_graph_hessian_vector(f.loss, v, Hv));
    assert_fails(NB_ERANGE, "77", nb_graph_curvature(f.loss, &random, 1e-6, 10, &e));
    assert_memory_equal(f.w, w, f.count * sizeof *w);
    f.labels[2] = 0;
    f.w[0] = (double)NAN;
    assert_fails(NB_EDIVERGED, "product 1", nb_graph_curvature(f.loss, &random, 1e-6, 10, &e));
    stop(&f);

    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *loss = nb_sum(nb_input(g, "x", NB_SHAPE(NB_BATCH, 2)));
    assert_fails(NB_EINVAL, "finished", nb_graph_curvature(loss, &random, 1e-6, 10, &e));
    assert_ok(nb_graph_finish(g, 1));
    assert_fails(NB_EINVAL, "n=0", nb_graph_curvature(loss, &random, 1e-6, 10, &e));
    nb_graph_destroy(g);
    assert_true(e.value == 42);
}

static void memory_that_is_refused_is_told(void **state)
{
    (void)state;
    fixture f;
    double v[MOST] = {1}, Hv[MOST];
    nb_random random;
    nb_eigenvalue e;
    start(&f, NB_FLOAT64, NB_SIGMOID, 1);
    nb_random_seed(&random, 0);
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_graph_curvature(f.loss, &random, 1e-6, 3, &e);
        if (!status) status = nb_graph_hessian_vector(f.loss, v, Hv);
        if (!status) status = nb_graph_hessian(f.loss, f.H);
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(support_memory.live, 0);
        if (support_memory.taken < k) {
            assert_ok(status);
            assert_true(k > 10);
            break;
        }
        assert_int_equal(status, NB_ENOMEM);
    }
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hessian_is_the_callbacks),
        cmocka_unit_test(simple_nets_hessian_is_known),
        cmocka_unit_test(a_product_is_the_hessian_times_the_vector),
        cmocka_unit_test(the_step_fits_kinks_and_large_parameters),
        cmocka_unit_test(lanczos_finds_what_dsyev_finds),
        cmocka_unit_test(descent_is_stable_up_to_2_over_the_curvature),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(memory_that_is_refused_is_told),
    };
    return cmocka_run_group_tests_name("curvature", tests, NULL, NULL);
}
