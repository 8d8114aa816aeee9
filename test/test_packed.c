/* A packed input gives what the dense one gives: the dense way is its definition. */
#include "support.h"

#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "nablas/mnist.h"
#include "nablas/net.h"

#include <math.h>

enum { k = 37, hidden = 5, classes = 3, most_rows = 8 };

/* A net, and a batch in which only the columns of some runs are not 0. */
typedef struct fixture {
    nb_net *net;
    nb_dtype dtype;
    size_t n;
    nb_tensor dense, packed;
    int32_t labels[most_rows];
    size_t runs;
    nb_run run[k];
} fixture;

/* Columns j with `active` of (j, kind): none, all, the ends, every other one, two blocks. */
static bool active(size_t j, int kind)
{
    switch (kind) {
    case 0:
        return false;
    case 1:
        return true;
    case 2:
        return j == 0 || j == k - 1;
    case 3:
        return j % 2 == 0;
    default:
        return (j >= 3 && j < 11) || (j >= 20 && j < 33);
    }
}

static void start(fixture *f, nb_dtype dtype, size_t n, int kind, bool bias)
{
    static const size_t sizes[] = {k, hidden, classes};
    const nb_net_options options = {.layers = 2,
                                    .sizes = sizes,
                                    .bias = bias,
                                    .epsilon = 1e-7,
                                    .dtype = dtype,
                                    .max_batch = most_rows};
    uint8_t mask[k];
    size_t columns, at = 0;
    uint64_t seed = 7;
    nb_random random;
    const nb_kernels *kernels = nb_kernels_of(dtype);
    *f = (fixture){.dtype = dtype, .n = n};
    nb_random_seed(&random, 3);
    assert_ok(nb_net_create(&f->net, &options));
    nb_net_randomize(f->net, &random, 0.4);
    for (size_t j = 0; j < k; j++) mask[j] = active(j, kind);
    f->runs = nb_find_runs(k, mask, f->run, &columns);
    assert_ok(nb_tensor_create(&f->dense, dtype, NB_SHAPE(n, k)));
    assert_ok(nb_tensor_create(&f->packed, dtype, NB_SHAPE(n, columns)));
    for (size_t i = 0; i < n; i++) {
        f->labels[i] = (int32_t)(i % classes);
        for (size_t j = 0; j < k; j++) {
            if (!mask[j]) continue;
            const double value = support_value(&seed);
            kernels->set(f->dense.data, i * k + j, value);
            kernels->set(f->packed.data, at++, value);
        }
    }
}

static void stop(fixture *f)
{
    nb_net_destroy(f->net);
    nb_tensor_destroy(&f->dense);
    nb_tensor_destroy(&f->packed);
}

static void feed(fixture *f, bool packed)
{
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(f->n), f->labels);
    assert_ok(packed ? nb_feed_packed(f->net->x, &f->packed, f->runs, f->run)
                     : nb_feed(f->net->x, &f->dense));
    assert_ok(nb_feed(f->net->labels, &t));
}

static double bound(const fixture *f)
{
    return f->dtype == NB_FLOAT32 ? 2e-6 : 4e-15;
}

static void assert_same(const fixture *f, const nb_tensor *a, const nb_tensor *b)
{
    const nb_kernels *kernels = nb_kernels_of(f->dtype);
    assert_int_equal(nb_tensor_count(a), nb_tensor_count(b));
    for (size_t i = 0; i < nb_tensor_count(a); i++)
        assert_near(kernels->get(a->data, i), kernels->get(b->data, i), bound(f));
}

static nb_tensor copy_of(const nb_tensor *t)
{
    nb_tensor copy;
    assert_ok(nb_tensor_create(&copy, t->dtype, t->shape));
    assert_ok(nb_tensor_convert(t, &copy));
    return copy;
}

/* Loss, gradients, and the parameters after two steps of descent, fed one way. */
typedef struct outcome {
    double loss, after;
    nb_tensor gradients, parameters;
} outcome;

static outcome run(fixture *f, bool packed, size_t threads)
{
    outcome o;
    nb_pool *pool;
    nb_graph *g = f->net->graph;
    const nb_tensor live = nb_graph_parameters(g), gradients = nb_graph_gradients(g);
    nb_tensor before = copy_of(&live);
    assert_ok(nb_pool_create(&pool, threads));
    nb_graph_set_pool(g, pool);
    feed(f, packed);
    assert_ok(nb_forward(f->net->loss));
    o.loss = nb_scalar(f->net->loss);
    /* Stale numbers must not shine through. */
    memset(gradients.data, 0xff, nb_tensor_count(&gradients) * nb_dtype_size(f->dtype));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        memset(nb_gradient(node)->data, 0xff,
               nb_tensor_count(nb_gradient(node)) * nb_dtype_size(f->dtype));
    }
    assert_ok(nb_backward(f->net->loss));
    nb_node *W1 = nb_net_parameter(f->net, "W1");
    o.gradients = copy_of(nb_gradient(W1));
    assert_ok(nb_descend(f->net->loss, 0.3, true));
    assert_ok(nb_descend(f->net->loss, 0.3, true));
    o.after = nb_scalar(f->net->loss);
    /* A forward pass that gathers the rows anew agrees with the one inside nb_descend. */
    assert_ok(nb_forward(f->net->loss));
    assert_near(nb_scalar(f->net->loss), o.after, 0);
    o.parameters = copy_of(&live);
    assert_ok(nb_tensor_convert(&before, &(nb_tensor){live.dtype, live.shape, live.data}));
    nb_graph_set_pool(g, NULL);
    nb_pool_destroy(pool);
    nb_tensor_destroy(&before);
    return o;
}

static void packed_is_dense(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++)
        for (size_t n = 1; n <= most_rows; n += 3)
            for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
                for (size_t threads = 1; threads <= 3; threads++) {
                    fixture f;
                    start(&f, (nb_dtype)dtype, n, kind, kind % 2 == 0);
                    outcome a = run(&f, false, 1), b = run(&f, true, threads);
                    assert_near(a.loss, b.loss, bound(&f));
                    assert_near(a.after, b.after, 10 * bound(&f));
                    assert_same(&f, &a.gradients, &b.gradients);
                    assert_same(&f, &a.parameters, &b.parameters);
                    nb_tensor_destroy(&a.gradients);
                    nb_tensor_destroy(&a.parameters);
                    nb_tensor_destroy(&b.gradients);
                    nb_tensor_destroy(&b.parameters);
                    stop(&f);
                }
}

static void a_cast_unpacks(void **state)
{
    (void)state;
    fixture f;
    nb_graph *cast;
    start(&f, NB_FLOAT64, 4, 4, true);
    feed(&f, true);
    assert_ok(nb_forward(f.net->loss));
    assert_ok(nb_graph_cast(f.net->graph, NB_FLOAT64, &cast));
    nb_node *loss = nb_graph_node(cast, nb_node_index(f.net->loss));
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(f.net->loss), 1e-15);
    nb_graph_destroy(cast);
    stop(&f);
}

static void bad_runs_are_refused(void **state)
{
    (void)state;
    fixture f;
    start(&f, NB_FLOAT32, 2, 2, true);
    nb_tensor two = nb_tensor_view(NB_FLOAT32, NB_SHAPE(2, 2), f.packed.data);
    const nb_run beyond[] = {{0, 1}, {k, k + 1}}, backward[] = {{5, 6}, {2, 3}}, empty[] = {{3, 3}},
                 wide[] = {{0, 3}};
    assert_fails(NB_ESHAPE, "run 1", nb_feed_packed(f.net->x, &two, 2, beyond));
    assert_fails(NB_ESHAPE, "run 1", nb_feed_packed(f.net->x, &two, 2, backward));
    assert_fails(NB_ESHAPE, "run 0", nb_feed_packed(f.net->x, &two, 1, empty));
    assert_fails(NB_ESHAPE, "(2, 2)", nb_feed_packed(f.net->x, &two, 1, wide));
    assert_fails(NB_EINVAL, "nb_sparse", nb_feed_packed(f.net->one_hot, &two, 1, wide));
    stop(&f);
}

static void only_products_take_packed_inputs(void **state)
{
    (void)state;
    nb_graph *g;
    assert_ok(nb_graph_create(&g, NB_FLOAT32));
    assert_null(nb_relu(nb_sparse(nb_input(g, "x", NB_SHAPE(NB_BATCH, 3)))));
    assert_fails(NB_EINVAL, "relu", nb_graph_finish(g, 1));
    nb_graph_destroy(g);
    assert_ok(nb_graph_create(&g, NB_FLOAT32));
    assert_null(nb_sparse(nb_parameter(g, "w", NB_SHAPE(3, 3))));
    assert_fails(NB_EINVAL, "nb_sparse", nb_graph_finish(g, 1));
    nb_graph_destroy(g);
}

/* Bytes, packed, are the gathered rows without their columns of zeros. */
static void a_dataset_packs_what_it_gathers(void **state)
{
    (void)state;
    enum { images = 9, side = 6, pixels = side * side };
    uint8_t bytes[images * pixels], labels[images] = {0}, seen[pixels] = {0};
    uint64_t seed = 11;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i % pixels % 5 < 2 ? (uint8_t)(fabs(support_value(&seed)) * 255) : 0;
    const nb_dataset d = {.images = nb_tensor_view(NB_UINT8, NB_SHAPE(images, side, side), bytes),
                          .labels = nb_tensor_view(NB_UINT8, NB_SHAPE(images), labels),
                          .normalize = true,
                          .flatten = true};
    const size_t index[] = {8, 0, 8, 3};
    nb_run runs[pixels];
    float whole[4 * pixels], packed[4 * pixels];
    int32_t t[4];
    size_t columns;
    assert_ok(nb_dataset_active(&d, 4, index, 0, seen));
    const size_t count = nb_find_runs(pixels, seen, runs, &columns);
    nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(4, pixels), whole);
    nb_tensor p = nb_tensor_view(NB_FLOAT32, NB_SHAPE(4, columns), packed);
    nb_tensor labels_out = nb_tensor_view(NB_INT32, NB_SHAPE(4), t);
    assert_ok(nb_dataset_gather(&d, 4, index, &x, &labels_out));
    assert_ok(nb_dataset_pack(&d, 4, index, 0, count, runs, &p, &labels_out));
    for (size_t i = 0, at = 0; i < 4; i++)
        for (size_t j = 0; j < pixels; j++) {
            const bool kept = seen[j] != 0;
            assert_true(kept || whole[i * pixels + j] == 0);
            if (kept) assert_true(packed[at++] == whole[i * pixels + j]);
        }
    const size_t wrong[] = {9};
    assert_fails(NB_ERANGE, "index[0]=9", nb_dataset_active(&d, 1, wrong, 0, seen));
    assert_fails(NB_ERANGE, "index[0]=9", nb_dataset_pack(&d, 1, wrong, 0, count, runs, &p, NULL));
    assert_fails(NB_ERANGE, "8", nb_dataset_pack(&d, 2, NULL, 8, count, runs, &p, NULL));
    assert_fails(NB_ESHAPE, "x is", nb_dataset_pack(&d, 3, index, 0, count, runs, &p, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_is_dense),
        cmocka_unit_test(a_cast_unpacks),
        cmocka_unit_test(bad_runs_are_refused),
        cmocka_unit_test(only_products_take_packed_inputs),
        cmocka_unit_test(a_dataset_packs_what_it_gathers),
    };
    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
