/* The numerical gradients of networks: the fast one against its definition, on sparse and packed
 * data, on threads, without memory, at the edges. */
#include "trial.h"

#include "nablas/blas.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "perceptron.h"

#include <stdlib.h>

/* --- networks --------------------------------------------------------------------------------- */

/* A batch with digit-like rows: four fifths 0, the rest of 255 values, many of them the largest. */
static void fill_pixels(const nb_tensor *x, uint64_t seed)
{
    const nb_kernels *k = nb_kernels_of(x->dtype);
    for (size_t i = 0; i < nb_tensor_count(x); i++) {
        const double u = support_value(&seed);
        k->set(x->data, i, u < 0.6 ? 0 : floor(fmin(1000 * (u - 0.6), 255)) / 255);
    }
}

typedef struct net_trial {
    nb_model *net;
    nb_tensor x, labels, rows;
} net_trial;

static void net_trial_init(net_trial *t, const perceptron *o, size_t n)
{
    nb_random random;
    const size_t m = o->sizes[o->layers];
    uint64_t state = 3;
    assert_ok(perceptron_create(&t->net, o));
    nb_random_seed(&random, 1);
    perceptron_randomize(t->net, &random, 0.3);
    assert_ok(nb_tensor_create(&t->x, o->dtype, NB_SHAPE(n, o->sizes[0])));
    assert_ok(nb_tensor_create(&t->labels, NB_INT32, NB_SHAPE(n)));
    assert_ok(nb_tensor_create(&t->rows, o->dtype, NB_SHAPE(n, m)));
    fill_pixels(&t->x, 7);
    for (size_t i = 0; i < n; i++) {
        const int32_t label = (int32_t)((support_value(&state) + 1) / 2 * (double)m);
        ((int32_t *)t->labels.data)[i] = label;
        nb_kernels_of(o->dtype)->set(t->rows.data, i * m + (size_t)label, 1);
    }
}

static void net_trial_end(net_trial *t)
{
    nb_model_destroy(t->net);
    nb_tensor_destroy(&t->x);
    nb_tensor_destroy(&t->labels);
    nb_tensor_destroy(&t->rows);
}

static void test_networks(void **state)
{
    (void)state;
    static const size_t sizes[] = {12, 7, 6, 5};
    for (size_t layers = 1; layers <= 3; layers++)
        for (int variant = 0; variant < 16; variant++) {
            const perceptron o = {.layers = layers,
                                  .sizes = sizes + 3 - layers,
                                  .bias = variant & 1,
                                  .activation = variant & 2 ? NB_RELU : NB_SIGMOID,
                                  .epsilon = variant & 4 ? NB_EXACT_LOG : NB_BOOK_EPSILON,
                                  .dtype = variant & 8 ? NB_FLOAT64 : NB_FLOAT32,
                                  .max_batch = 20};
            net_trial t;
            nb_node *loss;
            net_trial_init(&t, &o, 17);
            assert_ok(nb_model_feed(t.net, &t.x, &t.labels, &loss));
            compare_all(loss, step_for(o.dtype));
            assert_ok(nb_model_feed(t.net, &t.x, &t.rows, &loss));
            compare_all(loss, step_for(o.dtype));
            net_trial_end(&t);
        }
}

/* The book's: every 53rd parameter against two forward passes, all against backpropagation. */
static void test_book(void **state)
{
    (void)state;
    const perceptron o = {.layers = 2,
                          .sizes = (const size_t[]){784, 50, 10},
                          .bias = true,
                          .epsilon = NB_EXACT_LOG,
                          .dtype = NB_FLOAT64,
                          .max_batch = 100};
    net_trial t;
    net_trial_init(&t, &o, 100);
    nb_node *loss;
    double *w = nb_graph_parameters(t.net->graph).data;
    const size_t count = 39760 + 6 + 4 + 6; /* with the gaps behind b1, W2 and b2 */
    assert_int_equal(nb_graph_parameters(t.net->graph).shape.dim[0], count);
    double *numerical = malloc(count * sizeof *numerical);
    assert_ok(nb_model_numerical_gradient(t.net, &t.x, &t.labels, 1e-4));
    memcpy(numerical, nb_graph_gradients(t.net->graph).data, count * sizeof *numerical);
    assert_ok(nb_model_feed(t.net, &t.x, &t.labels, &loss));
    for (size_t i = 0; i < count; i += i < 39200 ? 53 : 1) {
        const double old = w[i];
        w[i] = old + 1e-4;
        assert_ok(nb_forward(loss));
        const double above = nb_scalar(loss);
        w[i] = old - 1e-4;
        assert_ok(nb_forward(loss));
        const double below_ = nb_scalar(loss);
        w[i] = old;
        assert_near(numerical[i], (above - below_) / 2e-4, 1e-10);
    }
    assert_ok(nb_model_gradient(t.net, &t.x, &t.labels));
    const double *analytic = nb_graph_gradients(t.net->graph).data;
    for (size_t i = 0; i < count; i++) assert_near(numerical[i], analytic[i], 1e-7);
    free(numerical);
    net_trial_end(&t);
}

/* Columns that many rows use in runs, the others as entries. */
typedef struct packed_trial {
    nb_run run[64];
    nb_entry entry[512];
    size_t row[64], row_end[64];
    double dense[512];
    nb_packed packed;
    nb_tensor value;
} packed_trial;

static void pack(packed_trial *p, const nb_tensor *x)
{
    enum { k = 40 };
    const size_t n = x->shape.dim[0];
    uint32_t count[k] = {0};
    size_t columns, entries = 0, at = 0;
    const double *value = x->data;
    for (size_t i = 0; i < n * k; i++) count[i % k] += value[i] != 0;
    const size_t runs = nb_find_runs(k, count, 2, p->run, &columns);
    for (size_t i = 0; i < n; i++) {
        p->row[i] = entries;
        for (size_t j = 0; j < k; j++) {
            if (count[j] > 2)
                p->dense[at++] = value[i * k + j];
            else if (value[i * k + j] != 0)
                p->entry[entries++] = (nb_entry){(uint32_t)j, value[i * k + j]};
        }
        p->row_end[i] = entries;
    }
    assert_true(entries > 0 && columns > 0);
    p->packed = (nb_packed){.columns = columns,
                            .runs = runs,
                            .run = p->run,
                            .row = p->row,
                            .row_end = p->row_end,
                            .entry = p->entry};
    p->value = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), p->dense);
    p->value.packed = &p->packed;
}

static void test_zeros_and_packed(void **state)
{
    (void)state;
    const perceptron o = {.layers = 2,
                          .sizes = (const size_t[]){40, 6, 3},
                          .bias = true,
                          .epsilon = NB_BOOK_EPSILON,
                          .dtype = NB_FLOAT64,
                          .max_batch = 9};
    enum { n = 9, k = 40, m = 6 };
    net_trial t;
    nb_node *loss;
    packed_trial p;
    double whole[k * m], packed[k * m];
    net_trial_init(&t, &o, n);
    double *x = t.x.data;
    for (size_t i = 0; i < n * k; i++)
        if (i % k % 7 < 3) x[i] = i % 2 ? -0.0 : 0.0;
    pack(&p, &t.x);
    nb_node *W = nb_model_parameter(t.net, "W1");
    nb_tensor gradient = nb_tensor_view(NB_FLOAT64, NB_SHAPE(k, m), whole);
    assert_ok(nb_model_feed(t.net, &t.x, &t.labels, &loss));
    compare_all(loss, 1e-4);
    assert_ok(nb_graph_numerical_gradient(loss, W, 1e-4, &gradient));
    for (size_t j = 0; j < k; j++) assert_true(j % 7 >= 3 || whole[j * m] == 0);

    assert_ok(nb_feed(t.net->x, &p.value));
    compare_all(loss, 1e-4);
    gradient.data = packed;
    assert_ok(nb_graph_numerical_gradient(loss, W, 1e-4, &gradient));
    for (size_t i = 0; i < k * m; i++) assert_near(whole[i], packed[i], 1e-11);

    memset(x, 0, n * k * sizeof *x);
    assert_ok(nb_model_feed(t.net, &t.x, &t.labels, &loss));
    compare_all(loss, 1e-4);
    net_trial_end(&t);
}

/* --- what it leaves alone --------------------------------------------------------------------- */

static void test_threads(void **state)
{
    (void)state;
    const perceptron o = {.layers = 2,
                          .sizes = (const size_t[]){30, 7, 4},
                          .bias = true,
                          .epsilon = NB_BOOK_EPSILON,
                          .dtype = NB_FLOAT64,
                          .max_batch = 300};
    net_trial t;
    net_trial_init(&t, &o, 300); /* many sheets */
    const nb_tensor gradients = nb_graph_gradients(t.net->graph);
    const size_t bytes = nb_tensor_count(&gradients) * sizeof(double);
    double *one = malloc(bytes);
    for (size_t threads = 1; threads <= 3; threads++) {
        nb_pool *pool;
        assert_ok(nb_pool_create(&pool, threads));
        nb_graph_set_pool(t.net->graph, pool);
        for (int again = 0; again < 3; again++) {
            assert_ok(nb_model_numerical_gradient(t.net, &t.x, &t.labels, 1e-4));
            if (threads == 1 && again == 0) memcpy(one, gradients.data, bytes);
            assert_memory_equal(gradients.data, one, bytes);
        }
        nb_graph_set_pool(t.net->graph, NULL);
        nb_pool_destroy(pool);
    }
    free(one);
    net_trial_end(&t);
}

/* Values, parameters and gradients are those of nb_forward and what was there before. */
static void check_undisturbed(trial *t, nb_node *w)
{
    enum { most = 200 };
    double before[40][most];
    nb_tensor gradient;
    assert_ok(nb_forward(t->loss));
    assert_ok(nb_backward(t->loss));
    const nb_tensor all = nb_graph_gradients(t->g);
    double *analytic = malloc(nb_tensor_count(&all) * sizeof *analytic);
    memcpy(analytic, all.data, nb_tensor_count(&all) * sizeof *analytic);
    for (size_t i = 0; i < nb_graph_nodes(t->g); i++) {
        const nb_tensor *v = nb_value(nb_graph_node(t->g, i));
        const size_t bytes = nb_tensor_count(v) * nb_dtype_size(v->dtype);
        assert_true(i < 40 && bytes <= sizeof before[i]);
        if (nb_node_index(t->loss) >= i && v->shape.dim[0] != NB_BATCH)
            memcpy(before[i], v->data, bytes);
    }
    assert_ok(nb_tensor_create(&gradient, NB_FLOAT64, nb_value(w)->shape));
    assert_ok(nb_graph_numerical_gradient(t->loss, w, 1e-4, &gradient));
    for (size_t i = 0; i < nb_graph_nodes(t->g); i++) {
        const nb_tensor *v = nb_value(nb_graph_node(t->g, i));
        const size_t bytes = nb_tensor_count(v) * nb_dtype_size(v->dtype);
        if (nb_node_index(t->loss) >= i && v->shape.dim[0] != NB_BATCH)
            assert_memory_equal(before[i], v->data, bytes);
    }
    assert_memory_equal(analytic, all.data, nb_tensor_count(&all) * sizeof *analytic);
    assert_ok(nb_backward(t->loss)); /* from the values as they are */
    assert_memory_equal(analytic, all.data, nb_tensor_count(&all) * sizeof *analytic);
    assert_ok(nb_graph_numerical_gradient_brute(t->loss, w, 1e-4, &gradient));
    assert_ok(nb_backward(t->loss));
    assert_memory_equal(analytic, all.data, nb_tensor_count(&all) * sizeof *analytic);
    nb_tensor_destroy(&gradient);
    free(analytic);
}

static nb_node *chain(trial *t, bool twice)
{
    nb_node *x = nb_input(t->g, "x", NB_SHAPE(NB_BATCH, 3));
    nb_node *W = nb_parameter(t->g, "W", NB_SHAPE(3, 3)), *b = nb_parameter(t->g, "b", NB_SHAPE(3));
    nb_node *z = nb_sigmoid(nb_affine(x, W, b));
    nb_node *a = nb_affine(z, twice ? W : nb_parameter(t->g, "V", NB_SHAPE(3, 3)), b);
    t->loss =
        nb_softmax_cross_entropy(nb_add(a, nb_relu(z)), nb_labels(t->g, "t"), NB_BOOK_EPSILON);
    return W;
}

static void test_undisturbed(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        trial t;
        trial_init(&t, NB_FLOAT64, 5, 2);
        nb_node *W = chain(&t, twice);
        trial_finish(&t);
        check_undisturbed(&t, W);
        compare_all(t.loss, 1e-4);
        trial_end(&t);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        trial t;
        double gradient[9];
        nb_tensor to = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), gradient);
        trial_init(&t, NB_FLOAT64, 5, 2);
        nb_node *W = chain(&t, twice);
        trial_finish(&t);
        for (size_t k = 1;; k++) {
            support_allocator_start(k);
            const nb_status status = nb_graph_numerical_gradient(t.loss, W, 1e-4, &to);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
            assert_memory_status(status);
            if (status == NB_OK) {
                assert_int_equal(k, twice ? 3 : 8); /* one more than there are */
                break;
            }
            assert_int_equal(status, NB_ENOMEM);
            assert_ok(nb_backward(t.loss));
        }
        trial_end(&t);
    }
}

/* --- edges ------------------------------------------------------------------------------------ */

/* A parameter that is the loss, one that the loss does not need, one made after it, and scalars. */
static void test_odd_parameters(void **state)
{
    (void)state;
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *apple = nb_parameter(g, "apple", NB_SCALAR), *count = nb_parameter(g, "n", NB_SCALAR);
    nb_node *tax = nb_parameter(g, "tax", NB_SCALAR);
    nb_node *price = nb_multiply(nb_multiply(apple, count), tax);
    nb_node *late = nb_parameter(g, "late", NB_SHAPE(2));
    nb_node *after = nb_multiply(nb_sum(late), price);
    assert_ok(nb_graph_finish(g, 1));
    nb_kernels_of(NB_FLOAT64)->set(nb_value(apple)->data, 0, 100);
    nb_kernels_of(NB_FLOAT64)->set(nb_value(count)->data, 0, 2);
    nb_kernels_of(NB_FLOAT64)->set(nb_value(tax)->data, 0, 1.1);
    double d[2] = {7, 7};
    nb_tensor one = nb_tensor_view(NB_FLOAT64, NB_SCALAR, d);
    nb_tensor two = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), d);
    assert_ok(nb_graph_numerical_gradient(price, apple, 1e-4, &one));
    assert_near(d[0], 2.2, 1e-9);
    assert_ok(nb_graph_numerical_gradient(price, count, 1e-4, &one));
    assert_near(d[0], 110, 1e-7);
    assert_ok(nb_graph_numerical_gradient(price, tax, 1e-4, &one));
    assert_near(d[0], 200, 1e-7);
    assert_ok(nb_graph_numerical_gradient(tax, tax, 1e-4, &one));
    assert_near(d[0], 1, 1e-11);
    assert_ok(nb_graph_numerical_gradient(apple, tax, 1e-4, &one));
    assert_true(d[0] == 0);
    assert_ok(nb_graph_numerical_gradient(price, late, 1e-4, &two));
    assert_true(d[0] == 0 && d[1] == 0);
    compare_all(after, 1e-4);
    nb_graph_destroy(g);
}

/* A product of parameters, as first and as second factor; one whose x has no batch; and one that
 * is the loss itself. */
static void test_odd_products(void **state)
{
    (void)state;
    nb_graph *g;
    double row[3];
    support_fill_d(3, row, 5);
    const nb_tensor one = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), row);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *P = nb_parameter(g, "P", NB_SHAPE(2, 3)), *Q = nb_parameter(g, "Q", NB_SHAPE(3, 4));
    nb_node *w = nb_parameter(g, "w", NB_SHAPE(3, 1));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3));
    nb_node *sum = nb_sum(nb_matmul(P, Q)), *softmax = nb_sum(nb_softmax(nb_matmul(P, Q)));
    nb_node *peak = nb_sum(nb_multiply(nb_softmax(nb_matmul(P, Q)), nb_sigmoid(nb_matmul(P, Q))));
    nb_node *product = nb_matmul(x, w);
    assert_ok(nb_graph_finish(g, 1));
    const nb_tensor all = nb_graph_parameters(g);
    support_fill_d(nb_tensor_count(&all), all.data, 6);
    assert_ok(nb_feed(x, &one));
    compare_all(sum, 1e-4);
    compare_all(softmax, 1e-4);
    compare_all(peak, 1e-4);
    compare_all(product, 1e-4);
    nb_graph_destroy(g);
}

/* NaN and Inf come out as by the definition: everywhere, if the loss is not finite. */
static void test_not_finite(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        trial t;
        double gradient[9], brute[9];
        nb_tensor fast = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), gradient);
        nb_tensor slow = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), brute);
        trial_init(&t, NB_FLOAT64, 5, 2);
        nb_node *W = chain(&t, false);
        trial_finish(&t);
        if (at < 2)
            ((double *)t.fed[0].data)[at] = at ? (double)NAN : (double)INFINITY;
        else
            ((double *)nb_value(W)->data)[4] = (double)NAN;
        for (size_t i = 0; i < 5; i++) ((double *)t.fed[0].data)[3 * i + 2] = 0; /* no lines */
        assert_ok(nb_graph_numerical_gradient(t.loss, W, 1e-4, &fast));
        assert_ok(nb_graph_numerical_gradient_brute(t.loss, W, 1e-4, &slow));
        for (size_t i = 0; i < 9; i++) {
            assert_int_equal(isnan(gradient[i]) != 0, isnan(brute[i]) != 0);
            if (!isnan(brute[i])) assert_near(gradient[i], brute[i], 1e-9);
        }
        trial_end(&t);
    }
}

static void test_errors(void **state)
{
    (void)state;
    trial t, other;
    double gradient[9];
    float single[9];
    nb_tensor to = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), gradient);
    nb_tensor wrong = nb_tensor_view(NB_FLOAT64, NB_SHAPE(9), gradient);
    nb_tensor narrow = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 3), single);
    nb_status (*const both[])(nb_node *, nb_node *, double, nb_tensor *) = {
        nb_graph_numerical_gradient, nb_graph_numerical_gradient_brute};
    trial_init(&t, NB_FLOAT64, 5, 2);
    trial_init(&other, NB_FLOAT64, 5, 3);
    nb_node *W = chain(&t, false), *foreign = chain(&other, false);
    nb_node *rows = nb_graph_node(t.g, nb_node_index(t.loss) - 1);
    for (size_t i = 0; i < 2; i++)
        assert_fails(NB_EINVAL, "not finished", both[i](t.loss, W, 1e-4, &to));
    trial_finish(&t);
    trial_finish(&other);
    for (size_t i = 0; i < 2; i++) {
        assert_fails(NB_EINVAL, "no parameter of the graph", both[i](t.loss, foreign, 1e-4, &to));
        assert_fails(NB_EINVAL, "no parameter of the graph", both[i](t.loss, rows, 1e-4, &to));
        assert_fails(NB_EINVAL, "h=0", both[i](t.loss, W, 0, &to));
        assert_fails(NB_EINVAL, "h=-1", both[i](t.loss, W, -1, &to));
        assert_fails(NB_EINVAL, "h=nan", both[i](t.loss, W, (double)NAN, &to));
        assert_fails(NB_EINVAL, "h=inf", both[i](t.loss, W, (double)INFINITY, &to));
        assert_fails(NB_EDTYPE, "float32", both[i](t.loss, W, 1e-4, &narrow));
        assert_fails(NB_ESHAPE, "(9,)", both[i](t.loss, W, 1e-4, &wrong));
        assert_fails(NB_ESHAPE, "(5,), expected a scalar", both[i](rows, W, 1e-4, &to));
    }
    ((int32_t *)t.fed[1].data)[2] = 3;
    assert_fails(NB_ERANGE, "no label", nb_graph_numerical_gradient(t.loss, W, 1e-4, &to));
    trial_end(&t);
    trial_end(&other);
}

/* Fails when a number is larger than the attribute. */
static nb_status limit_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    for (size_t i = lo * m; i < hi * m; i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        if (x > *(const double *)c->config) return nb_fail(NB_ERANGE, "limit: %g", x);
        c->kernels->set(c->out->data, i, x);
    }
    return NB_OK;
}

static nb_status same_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static const nb_op limit = {.name = "limit",
                            .inputs = 1,
                            .config = sizeof(double),
                            .promises = NB_BY_ROW | NB_BY_ELEMENT,
                            .plan = same_plan,
                            .forward = {{limit_forward, NB_ROWS, 0, false}}};

/* An operation that fails only where the parameter is shifted: its status, on any thread. */
static void test_failing_operation(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++)
        for (size_t threads = 1; threads <= 2; threads++) {
            trial t;
            nb_pool *pool;
            double gradient[3];
            nb_tensor to = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 1), gradient);
            trial_init(&t, NB_FLOAT64, 2, 1);
            nb_node *x = nb_input(t.g, "x", NB_SHAPE(NB_BATCH, 3));
            nb_node *W = nb_parameter(t.g, "W", NB_SHAPE(3, 1)), *a = nb_matmul(x, W);
            if (twice) a = nb_add(a, nb_matmul(x, W));
            t.loss = nb_sum(nb_apply(&limit, &(double){2.5}, &a));
            trial_finish(&t);
            double *value = t.fed[0].data, *w = nb_value(W)->data;
            for (size_t i = 0; i < 6; i++) value[i] = 1;
            for (size_t i = 0; i < 3; i++) w[i] = twice ? 0.41 : 0.8;
            assert_ok(nb_pool_create(&pool, threads));
            nb_graph_set_pool(t.g, pool);
            assert_ok(nb_graph_numerical_gradient(t.loss, W, 0.01, &to));
            assert_fails(NB_ERANGE, "limit", nb_graph_numerical_gradient(t.loss, W, 0.2, &to));
            assert_true(w[0] == (twice ? 0.41 : 0.8));
            nb_pool_destroy(pool);
            nb_graph_set_pool(t.g, NULL);
            trial_end(&t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),          cmocka_unit_test(test_book),
        cmocka_unit_test(test_zeros_and_packed),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_undisturbed),       cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_odd_parameters),    cmocka_unit_test(test_odd_products),
        cmocka_unit_test(test_not_finite),        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_failing_operation),
    };
    nb_blas_set_threads(1); /* the pool's are what is tested */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
