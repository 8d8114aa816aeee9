/* A deeper graph: on threads, in descent, cast, and the memory it takes. */
#include "counting_malloc.h"
#include "graph_fixtures.h"

#include "nablas/blas.h"
#include "nablas/loss.h"
#include "nablas/threads.h"

#include <float.h>
#include <stdatomic.h>

/* --- threads and descent ---------------------------------------------------------------------- */

typedef struct deep {
    nb_graph *g;
    nb_node *x, *t, *loss;
} deep;

enum { deep_rows = 4 * NB_ROW_GROUP + 3, deep_inputs = 77, deep_hidden = 51 };

/* Two hidden layers that share their weight, one of them twice in a diamond. With `penalty` the
 * loss has the squared weights added: a use of the weight that does not scale. */
static deep deep_of(nb_dtype dtype, bool penalty)
{
    deep d = {.g = graph_of(dtype)};
    nb_node *W1 = nb_parameter(d.g, "W1", NB_SHAPE(deep_inputs, deep_hidden));
    nb_node *b1 = nb_parameter(d.g, "b1", NB_SHAPE(deep_hidden));
    nb_node *W2 = nb_parameter(d.g, "W2", NB_SHAPE(deep_hidden, deep_hidden));
    nb_node *b2 = nb_parameter(d.g, "b2", NB_SHAPE(deep_hidden));
    nb_node *W3 = nb_parameter(d.g, "W3", NB_SHAPE(deep_hidden, 10));
    d.x = x_of(d.g, deep_inputs);
    d.t = nb_labels(d.g, "t");
    nb_node *h1 = nb_relu(nb_affine(d.x, W1, b1));
    nb_node *h2 = nb_sigmoid(nb_affine(h1, W2, b2));
    nb_node *h3 = nb_sigmoid(nb_affine(nb_add(h2, nb_multiply(h1, h2)), W2, b2));
    d.loss = nb_softmax_cross_entropy(nb_matmul(h3, W3), d.t, NB_BOOK_EPSILON);
    if (penalty) d.loss = nb_add(d.loss, nb_sum(nb_multiply(W2, W2)));
    assert_ok(nb_graph_finish(d.g, deep_rows));
    const nb_tensor w = nb_graph_parameters(d.g);
    uint64_t seed = 11;
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        nb_kernels_of(dtype)->set(w.data, i, support_value(&seed) / 2);
    return d;
}

static void deep_feed(deep *d, size_t rows)
{
    static double doubles[deep_rows * deep_inputs];
    static float singles[deep_rows * deep_inputs];
    static int32_t label[deep_rows];
    support_fill_d(deep_rows * deep_inputs, doubles, 12);
    support_fill_s(deep_rows * deep_inputs, singles, 12);
    for (size_t i = 0; i < deep_rows; i++) label[i] = (int32_t)(i * 7 % 10);
    const nb_dtype dtype = nb_graph_dtype(d->g);
    const nb_tensor x = nb_tensor_view(dtype, NB_SHAPE(rows, deep_inputs),
                                       dtype == NB_FLOAT32 ? (void *)singles : (void *)doubles);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(rows), label);
    assert_ok(nb_feed(d->x, &x));
    assert_ok(nb_feed(d->t, &t));
}

static nb_tensor copy_of(nb_tensor from)
{
    nb_tensor copy;
    assert_ok(nb_tensor_create(&copy, from.dtype, from.shape));
    assert_ok(nb_tensor_convert(&from, &copy));
    return copy;
}

static double unit(nb_dtype dtype)
{
    return dtype == NB_FLOAT32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 2, NB_ROW_GROUP, 2 * NB_ROW_GROUP + 1, deep_rows};
    const int before = nb_blas_threads();
    nb_blas_set_threads(1);
    for (size_t c = 0; c < 2 * COUNT(batches); c++) {
        const nb_dtype dtype = c % 2 ? NB_FLOAT32 : NB_FLOAT64;
        deep d = deep_of(dtype, false);
        deep_feed(&d, batches[c / 2]);
        assert_ok(nb_forward(d.loss));
        assert_ok(nb_backward(d.loss));
        const double loss = nb_scalar(d.loss);
        nb_tensor serial = copy_of(nb_graph_gradients(d.g));
        for (size_t threads = 2; threads <= 4; threads++) {
            nb_pool *pool;
            assert_ok(nb_pool_create(&pool, threads));
            nb_graph_set_pool(d.g, pool);
            assert_ok(nb_forward(d.loss));
            assert_ok(nb_backward(d.loss));
            assert_near(nb_scalar(d.loss), loss, 0);
            assert_memory_equal(nb_graph_gradients(d.g).data, serial.data,
                                nb_tensor_count(&serial) * nb_dtype_size(dtype));
            nb_graph_set_pool(d.g, NULL);
            nb_pool_destroy(pool);
        }
        nb_tensor_destroy(&serial);
        nb_graph_destroy(d.g);
    }
    nb_blas_set_threads(before);
}

/* Three steps of descent, with batches of different length, against backward and w -= lr dw. */
static void assert_descends(nb_dtype dtype, bool penalty, size_t threads)
{
    enum { steps = 3 };
    static const size_t batch[steps] = {deep_rows, 2, 2 * NB_ROW_GROUP + 5};
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, threads));
    deep d = deep_of(dtype, penalty), reference = deep_of(dtype, penalty);
    const nb_tensor w = nb_graph_parameters(reference.g), dw = nb_graph_gradients(reference.g);
    const nb_tensor mine = nb_graph_parameters(d.g), untouched = nb_graph_gradients(d.g);
    const size_t count = nb_tensor_count(&w);
    nb_graph_set_pool(d.g, pool);
    nb_kernels_of(dtype)->set(untouched.data, 0, 7);
    for (size_t step = 0; step < steps; step++) {
        deep_feed(&reference, batch[step]);
        assert_ok(nb_forward(reference.loss));
        assert_ok(nb_backward(reference.loss));
        nb_kernels_of(dtype)->sgd(count, .25, dw.data, w.data);
        deep_feed(&d, batch[step]);
        assert_ok(nb_forward(d.loss));
        assert_ok(nb_descend(d.loss, .25));
        assert_tensors_near(&mine, &w, 64 * unit(dtype));
    }
    /* W1, the first, is used once: straight into it, whatever else the loss is made of. */
    assert_true(nb_kernels_of(dtype)->get(untouched.data, 0) == 7);
    nb_graph_destroy(d.g);
    nb_graph_destroy(reference.g);
    nb_pool_destroy(pool);
}

static void descent_is_backward_and_a_step(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++)
        for (int penalty = 0; penalty < 2; penalty++) {
            assert_descends(NB_FLOAT64, penalty, threads);
            assert_descends(NB_FLOAT32, penalty, threads);
        }
}

/* Either the weight is an operation, without rows to share, which all threads would need first; or
 * a scalar follows scalars, and its gradient must reach them before it reaches the rows. */
static nb_node *not_rows(nb_node *x, nb_node *W, bool weight)
{
    nb_node *y = nb_sigmoid(nb_matmul(x, weight ? nb_sigmoid(W) : W));
    return weight ? nb_sum(y) : nb_multiply(nb_mean(nb_multiply(y, y)), nb_sum(y));
}

static void what_is_not_rows_is_not_shared(void **state)
{
    (void)state;
    enum { rows = 2 * NB_ROW_GROUP + 2 };
    double numbers[rows * 3];
    nb_pool *pool;
    support_fill_d(rows * 3, numbers, 3);
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 3), numbers);
    assert_ok(nb_pool_create(&pool, 3));
    for (int weight = 0; weight < 2; weight++) {
        nb_graph *g[2];
        nb_node *loss[2];
        for (size_t i = 0; i < 2; i++) {
            g[i] = graph_of(NB_FLOAT64);
            nb_node *x = x_of(g[i], 3), *W = p_of(g[i], NB_SHAPE(3, 2));
            loss[i] = not_rows(x, W, weight);
            assert_ok(nb_graph_finish(g[i], rows));
            PUT(W, .1, .2, -.3, .4, .5, -.6);
            assert_ok(nb_feed(x, &fed));
            nb_graph_set_pool(g[i], i ? pool : NULL);
        }
        for (size_t step = 0; step < 4; step++) {
            const nb_tensor w = nb_graph_parameters(g[0]), threaded = nb_graph_parameters(g[1]);
            assert_ok(nb_forward(loss[0]));
            assert_ok(nb_backward(loss[0]));
            nb_kernels_of(NB_FLOAT64)->sgd(6, .5, nb_graph_gradients(g[0]).data, w.data);
            assert_ok(nb_forward(loss[1]));
            assert_ok(nb_descend(loss[1], .5));
            assert_near(nb_scalar(loss[0]), nb_scalar(loss[1]), 1e-14);
            assert_tensors_near(&w, &threaded, 1e-14);
        }
        nb_graph_destroy(g[0]);
        nb_graph_destroy(g[1]);
    }
    nb_pool_destroy(pool);
}

static void descent_may_go_on_to_the_next_value(void **state)
{
    (void)state;
    for (int penalty = 0; penalty < 2; penalty++) {
        deep d = deep_of(NB_FLOAT64, penalty), twin = deep_of(NB_FLOAT64, penalty);
        deep_feed(&d, 9);
        deep_feed(&twin, 9);
        assert_ok(nb_forward(d.loss));
        for (size_t step = 0; step < 3; step++) {
            assert_ok(nb_descend(d.loss, .1));
            assert_ok(nb_forward_again(d.loss));
            assert_ok(nb_forward(twin.loss));
            assert_ok(nb_descend(twin.loss, .1));
            assert_ok(nb_forward(twin.loss));
            assert_true(nb_scalar(d.loss) == nb_scalar(twin.loss));
        }
        nb_graph_destroy(d.g);
        nb_graph_destroy(twin.g);
    }
}

/* --- casting ---------------------------------------------------------------------------------- */

static void a_cast_computes_the_same_in_another_precision(void **state)
{
    (void)state;
    nb_graph *copy;
    deep d = deep_of(NB_FLOAT32, true);
    deep_feed(&d, 9);
    assert_ok(nb_forward(d.loss));
    assert_ok(nb_backward(d.loss));
    assert_ok(nb_graph_cast(d.g, NB_FLOAT64, &copy));
    assert_int_equal(nb_graph_dtype(copy), NB_FLOAT64);
    assert_int_equal(nb_graph_nodes(copy), nb_graph_nodes(d.g));
    assert_int_equal(nb_graph_max_batch(copy), deep_rows);
    for (size_t i = 0; i < nb_graph_nodes(copy); i++) {
        nb_node *a = nb_graph_node(d.g, i), *b = nb_graph_node(copy, i);
        assert_string_equal(nb_node_name(a), nb_node_name(b));
        assert_ptr_equal(nb_node_op(a), nb_node_op(b));
        assert_int_equal(nb_node_is_parameter(a), nb_node_is_parameter(b));
    }
    nb_node *loss = nb_graph_node(copy, nb_node_index(d.loss));
    assert_fails(NB_EINVAL, "no nb_forward", nb_backward(loss));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    /* The penalty makes the loss 226. */
    assert_near(nb_scalar(loss), nb_scalar(d.loss), 4 * unit(NB_FLOAT32) * nb_scalar(loss));
    for (size_t i = 0; i < nb_graph_nodes(copy); i++) {
        nb_node *a = nb_graph_node(d.g, i), *b = nb_graph_node(copy, i);
        if (!nb_node_is_parameter(a)) continue;
        for (size_t j = 0; j < nb_tensor_count(nb_value(a)); j++) {
            assert_true(at(a, j) == at(b, j));
            assert_near(slope(a, j), slope(b, j), 1e-5);
        }
    }
    /* It lives without the first graph, may be cast on, and be fed anew. */
    const double value = nb_scalar(loss);
    const size_t x = nb_node_index(d.x), t = nb_node_index(d.t);
    nb_graph *again;
    nb_graph_destroy(d.g);
    assert_ok(nb_graph_cast(copy, NB_FLOAT64, &again));
    nb_node *same = nb_graph_node(again, nb_node_index(loss));
    assert_ok(nb_forward(same));
    assert_true(nb_scalar(same) == value);
    deep fresh = {again, nb_graph_node(again, x), nb_graph_node(again, t), same};
    deep_feed(&fresh, deep_rows);
    assert_ok(nb_forward(same));
    assert_true(nb_scalar(same) != value);
    nb_graph_destroy(copy);
    nb_graph_destroy(again);
}

static void a_cast_can_fail(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64), *copy = g;
    p_of(g, NB_SHAPE(2));
    assert_fails(NB_EINVAL, "nb_graph_cast: the graph is not finished",
                 nb_graph_cast(g, NB_FLOAT32, &copy));
    assert_null(copy);
    assert_ok(nb_graph_finish(g, 1));
    copy = g;
    assert_fails(NB_EDTYPE, "not uint8", nb_graph_cast(g, NB_UINT8, &copy));
    assert_null(copy);
    nb_graph_destroy(g);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 2));
    for (int c = 0; c < 8; c++) {
        const size_t before = atomic_load(&allocations);
        deep d = deep_of(c & 1 ? NB_FLOAT32 : NB_FLOAT64, c & 2);
        assert_true(atomic_load(&allocations) > before); /* the wrapper sees the library */
        if (c & 4) nb_graph_set_pool(d.g, pool);
        const size_t built = atomic_load(&allocations);
        for (size_t step = 0; step < 6; step++) {
            deep_feed(&d, 1 + step * 19);
            assert_ok(nb_forward(d.loss));
            assert_ok(nb_backward(d.loss));
            assert_ok(nb_descend(d.loss, .1));
        }
        assert_int_equal(atomic_load(&allocations), built);
        nb_graph_destroy(d.g);
    }
    nb_pool_destroy(pool);
}

/* Build, finish, feed, cast, run: everything that may allocate, once. */
static nb_status whole_life(void)
{
    static double numbers[4] = {1, 2, 3, 4};
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), numbers);
    nb_graph *g, *copy = NULL;
    nb_status status = nb_graph_create(&g, NB_FLOAT64);
    if (status) {
        assert_null(g);
        return status;
    }
    nb_node *x = x_of(g, 2), *h = x;
    /* More nodes than the first room for them. */
    for (size_t i = 0; i < 8; i++)
        h = nb_name(nb_sigmoid(nb_affine(h, p_of(g, NB_SHAPE(2, 2)), p_of(g, NB_SHAPE(2)))), "h");
    nb_node *loss = nb_name(nb_name(nb_sum(h), "once"), "twice");
    status = nb_graph_finish(g, 2);
    if (!status) {
        assert_ok(nb_feed(x, &fed));
        assert_ok(nb_forward(loss));
        assert_ok(nb_backward(loss));
        status = nb_graph_cast(g, NB_FLOAT32, &copy);
        assert_true((copy == NULL) == (status != NB_OK));
        if (!status) assert_ok(nb_descend(loss, .1));
    }
    nb_graph_destroy(copy);
    nb_graph_destroy(g);
    return status;
}

static void no_failing_allocation_leaks(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    do {
        support_allocator_start(++fail_at);
        status = whole_life();
        if (status) assert_fails(NB_ENOMEM, "no memory", status);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    } while (status);
    assert_true(fail_at > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(descent_is_backward_and_a_step),
        cmocka_unit_test(what_is_not_rows_is_not_shared),
        cmocka_unit_test(descent_may_go_on_to_the_next_value),
        cmocka_unit_test(a_cast_computes_the_same_in_another_precision),
        cmocka_unit_test(a_cast_can_fail),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(no_failing_allocation_leaks),
    };
    return cmocka_run_group_tests_name("graph_deep", tests, NULL, NULL);
}
