/* A packed input gives what the dense one gives: the dense way is its definition. */
#include "support.h"

#include "data/packer.h"
#include "graph/graph.h"
#include "nablas/blas.h"
#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "perceptron.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Enough rows, and columns in runs, to be shared out. */
enum { k = 101, hidden = 5, classes = 3, most_rows = 2 * NB_ROW_GROUP + 3 };

/* A net, and a batch in which only the columns of some runs are not 0. */
typedef struct fixture {
    nb_model *net;
    nb_dtype dtype;
    size_t n;
    nb_tensor dense, columns;
    int32_t labels[most_rows];
    nb_packed packed;
    nb_tensor value; /* packed */
    nb_run run[k];
    size_t row[most_rows], row_end[most_rows];
    nb_entry entry[most_rows * k];
} fixture;

/* Columns j with `active` of (j, kind): none, all, the ends, every other one, three blocks, the ends. */
static bool active(size_t j, int kind)
{
    switch (kind) {
    case 0:
        return false;
    case 1:
        return true;
    case 2:
    case 5:
        return j == 0 || j == k - 1;
    case 3:
        return j % 2 == 0;
    default:
        return (j >= 3 && j < 11) || (j >= 20 && j < 33) || (j >= 41 && j < 90);
    }
}

/* Kinds 4 and 5 also have single entries, in columns that no run has. Those of kind 5, nearly all, are
 * more than are sorted at once. */
static bool single(size_t i, size_t j, int kind)
{
    if (kind == 5) return j > 0 && j < k - 1;
    return kind == 4 && (j == 0 || j == 15 || j == k - 1) && (i + j) % 3 == 0;
}

static void start(fixture *f, nb_dtype dtype, size_t n, int kind, bool bias)
{
    static const size_t sizes[] = {k, hidden, classes};
    const perceptron options = {.layers = 2,
                                .sizes = sizes,
                                .bias = bias,
                                .epsilon = 1e-7,
                                .dtype = dtype,
                                .max_batch = most_rows};
    uint32_t mask[k];
    size_t columns, at = 0, entries = 0;
    uint64_t seed = 7;
    nb_random random;
    const nb_kernels *kernels = nb_kernels_of(dtype);
    *f = (fixture){.dtype = dtype, .n = n};
    nb_random_seed(&random, 3);
    assert_ok(perceptron_create(&f->net, &options));
    perceptron_randomize(f->net, &random, 0.4);
    for (size_t j = 0; j < k; j++) mask[j] = active(j, kind);
    f->packed = (nb_packed){.runs = nb_find_runs(k, mask, 0, f->run, &columns),
                            .run = f->run,
                            .row = kind >= 4 ? f->row : NULL,
                            .row_end = f->row_end,
                            .entry = f->entry};
    assert_ok(nb_tensor_create(&f->dense, dtype, NB_SHAPE(n, k)));
    assert_ok(nb_tensor_create(&f->columns, dtype, NB_SHAPE(n, columns)));
    for (size_t i = 0; i < n; i++) {
        f->labels[i] = (int32_t)(i % classes);
        f->row[i] = entries;
        for (size_t j = 0; j < k; j++) {
            if (!mask[j] && !single(i, j, kind)) continue;
            const double value = support_value(&seed);
            kernels->set(f->dense.data, i * k + j, value);
            if (mask[j])
                kernels->set(f->columns.data, at++, value);
            else
                f->entry[entries++] = (nb_entry){(uint32_t)j, value};
        }
        f->row_end[i] = entries;
    }
    f->packed.columns = columns;
    f->value = nb_tensor_view(dtype, NB_SHAPE(n, k), f->columns.data);
    f->value.packed = &f->packed;
}

static void stop(fixture *f)
{
    nb_model_destroy(f->net);
    nb_tensor_destroy(&f->dense);
    nb_tensor_destroy(&f->columns);
}

static void feed(fixture *f, bool packed)
{
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(f->n), f->labels);
    assert_ok(packed ? nb_feed(f->net->x, &f->value) : nb_feed(f->net->x, &f->dense));
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

/* On so many threads; 0: in ranges of rows that are drawn at random. */
static outcome run(fixture *f, bool packed, size_t threads)
{
    outcome o;
    nb_pool *pool;
    nb_random random;
    nb_graph *g = f->net->graph;
    const nb_tensor live = nb_graph_parameters(g), gradients = nb_graph_gradients(g);
    nb_tensor before = copy_of(&live);
    assert_ok(nb_pool_create(&pool, threads ? threads : 1));
    nb_graph_set_pool(g, pool);
    nb_random_seed(&random, (uint32_t)f->n);
    if (threads == 0) g->split = &random;
    feed(f, packed);
    assert_ok(nb_forward(f->net->label_loss));
    o.loss = nb_scalar(f->net->label_loss);
    /* Stale numbers must not shine through. */
    memset(gradients.data, 0xff, nb_tensor_count(&gradients) * nb_dtype_size(f->dtype));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        memset(nb_gradient(node)->data, 0xff,
               nb_tensor_count(nb_gradient(node)) * nb_dtype_size(f->dtype));
    }
    assert_ok(nb_backward(f->net->label_loss));
    nb_node *W1 = nb_model_parameter(f->net, "W1");
    o.gradients = copy_of(nb_gradient(W1));
    for (int step = 0; step < 2; step++) {
        assert_ok(nb_descend(f->net->label_loss, 0.3));
        assert_ok(nb_forward_again(f->net->label_loss));
    }
    o.after = nb_scalar(f->net->label_loss);
    /* A forward pass that gathers the rows anew agrees with the one that need not. */
    assert_ok(nb_forward(f->net->label_loss));
    assert_near(nb_scalar(f->net->label_loss), o.after, 0);
    o.parameters = copy_of(&live);
    assert_ok(nb_tensor_convert(
        &before, &(nb_tensor){.dtype = live.dtype, .shape = live.shape, .data = live.data}));
    g->split = NULL;
    nb_graph_set_pool(g, NULL);
    nb_pool_destroy(pool);
    nb_tensor_destroy(&before);
    return o;
}

static void packed_is_dense(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++)
        for (size_t n = 1; n <= most_rows; n += n < 16 ? 3 : most_rows - 16)
            for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
                for (size_t threads = 0; threads <= 3; threads++) {
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
    assert_ok(nb_forward(f.net->label_loss));
    assert_ok(nb_graph_cast(f.net->graph, NB_FLOAT64, &cast));
    nb_node *loss = nb_graph_node(cast, nb_node_index(f.net->label_loss));
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(f.net->label_loss), 1e-15);
    nb_graph_destroy(cast);
    stop(&f);
}

/* Fed with `p` in place of the fixture's packing. */
static nb_status feed_as(fixture *f, nb_node *input, const nb_packed *p)
{
    nb_tensor x = f->value;
    x.packed = p;
    return nb_feed(input, &x);
}

static void bad_matrices_are_refused(void **state)
{
    (void)state;
    fixture f;
    start(&f, NB_FLOAT32, 2, 2, true);
    nb_packed p = f.packed;
    const nb_run beyond[] = {{0, 1}, {k, k + 1}}, backward[] = {{5, 6}, {2, 3}}, empty[] = {{3, 3}},
                 wide[] = {{0, 3}};
    p.run = beyond;
    assert_fails(NB_ESHAPE, "run 1", feed_as(&f, f.net->x, &p));
    p.run = backward;
    assert_fails(NB_ESHAPE, "run 1", feed_as(&f, f.net->x, &p));
    p.runs = 1;
    p.run = empty;
    assert_fails(NB_ESHAPE, "run 0", feed_as(&f, f.net->x, &p));
    p.run = wide;
    assert_fails(NB_ESHAPE, "2 columns, the runs have 3", feed_as(&f, f.net->x, &p));
    p = f.packed;
    const size_t row[] = {0, 1}, row_end[] = {1, 3};
    const nb_entry twice[] = {{1, 2}, {4, 2}, {4, 2}}, far[] = {{1, 2}, {3, 1}, {k, 2}};
    p.row = row;
    p.row_end = row_end;
    p.entry = twice;
    assert_fails(NB_ESHAPE, "of row 1", feed_as(&f, f.net->x, &p));
    p.entry = far;
    assert_fails(NB_ESHAPE, "of row 1", feed_as(&f, f.net->x, &p));
    assert_fails(NB_EINVAL, "nb_sparse", feed_as(&f, f.net->targets, &p));
    nb_tensor x = f.value;
    x.dtype = NB_FLOAT64;
    assert_fails(NB_EDTYPE, "float64", nb_feed(f.net->x, &x));
    x = f.value;
    x.shape = NB_SHAPE(2, k - 1);
    assert_fails(NB_ESHAPE, "(2, 100)", nb_feed(f.net->x, &x));
    assert_ok(nb_feed(f.net->x, &f.value));
    assert_ok(nb_feed(f.net->x, &f.dense)); /* nothing left out */
    assert_ok(nb_tensor_create(&x, NB_FLOAT64, NB_SHAPE(3, k)));
    assert_fails(NB_ESHAPE, "to (3, 101)", nb_tensor_convert(&f.value, &x));
    nb_tensor_destroy(&x);
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

/* More pixels than a byte counts. */
enum { images = 40, side = 17, pixels = side * side };

/* Images with ink in a few columns of all, in some of a few, and in none of the others. */
static nb_tensor make_bytes(uint8_t *bytes)
{
    uint64_t seed = 11;
    for (size_t i = 0; i < images * pixels; i++) {
        const size_t column = i % pixels, image = i / pixels;
        const bool ink = column % 7 < 2 || (column % 7 == 4 && image % 9 == column % 9);
        bytes[i] = ink ? (uint8_t)(fabs(support_value(&seed)) * 254 + 1) : 0;
    }
    return nb_tensor_view(NB_UINT8, NB_SHAPE(images, pixels), bytes);
}

/* Byte by byte, as the header says; an integer's quotient has single precision. */
static void assert_is_batch(const nb_tensor *bytes, float scale, const nb_tensor *x, size_t n,
                            const size_t *index, size_t first)
{
    const size_t width = nb_tensor_width(bytes);
    nb_tensor whole;
    assert_ok(nb_tensor_create(&whole, x->dtype, NB_SHAPE(n, width)));
    assert_ok(nb_tensor_convert(x, &whole));
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = nb_tensor_at(bytes, index ? index[i] : first + i);
        for (size_t j = 0; j < width; j++)
            assert_true(nb_kernels_of(x->dtype)->get(whole.data, i * width + j) ==
                        (double)((float)row[j] / scale));
    }
    nb_tensor_destroy(&whole);
}

/* With the zeros left out, by a forward pass's shares or at once. */
static void check_pack(const nb_tensor *bytes, float scale, nb_dtype dtype, size_t threads,
                       size_t n, const size_t *index, size_t first)
{
    nb_packer *packer;
    nb_pool *pool;
    nb_tensor x;
    assert_ok(nb_pool_create(&pool, threads));
    assert_ok(nb_packer_create(&packer, bytes, scale, dtype, images, pool));
    assert_non_null(packer);
    for (size_t shares = 1; shares <= 3; shares++) {
        nb_packer_pack(packer, n, index, first, &x);
        assert_int_equal(x.dtype, dtype);
        assert_true(nb_shape_equal(x.shape, NB_SHAPE(n, pixels)));
        assert_true(x.packed->columns < pixels / 2);
        assert_ok(nb_packed_check(&x, false));
        for (size_t part = shares; part-- > 0;) {
            size_t from, to;
            nb_share(n, part, shares, &from, &to);
            assert_ok(nb_packer_fill(packer, from, to));
        }
        assert_ok(nb_packed_check(&x, true));
        assert_is_batch(bytes, scale, &x, n, index, first);
    }
    nb_packer_destroy(packer);
    nb_pool_destroy(pool);
}

static void a_packer_loses_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[images * pixels];
    const size_t index[] = {39, 0, 39, 3, 7, 7, 12, 30, 31, 2, 5, 8, 11, 14, 17, 20};
    const nb_tensor set = make_bytes(bytes);
    for (size_t threads = 1; threads <= 3; threads++)
        for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
            const float scale = dtype == NB_FLOAT32 ? 255 : 1;
            check_pack(&set, scale, (nb_dtype)dtype, threads, images, NULL, 0);
            check_pack(&set, scale, (nb_dtype)dtype, threads, 17, NULL, 23);
            check_pack(&set, scale, (nb_dtype)dtype, threads, 16, index, 0);
            check_pack(&set, scale, (nb_dtype)dtype, threads, 2, index, 0);
        }
}

/* A batch of the same image, as many times as there is room. */
static void the_fullest_image_may_fill_a_batch(void **state)
{
    (void)state;
    static uint8_t bytes[images * pixels];
    const nb_tensor set = make_bytes(bytes);
    size_t index[images];
    for (size_t image = 0; image < images; image++) {
        for (size_t i = 0; i < images; i++) index[i] = image;
        check_pack(&set, 255, NB_FLOAT32, 1, images, index, 0);
    }
}

/* A column is named by sixteen bits. */
static void wide_sets_are_left_whole(void **state)
{
    (void)state;
    uint8_t *bytes = calloc(2, UINT16_MAX + 2);
    nb_packer *packer;
    assert_non_null(bytes);
    for (size_t more = 1; more <= 2; more++) {
        const nb_tensor set = nb_tensor_view(NB_UINT8, NB_SHAPE(2, UINT16_MAX + more), bytes);
        assert_ok(nb_packer_create(&packer, &set, 1, NB_FLOAT32, 2, NULL));
        assert_int_equal(packer == NULL, more == 2);
        nb_packer_destroy(packer);
    }
    free(bytes);
}

/* No column common, and nothing but common ones. */
static void sets_at_the_ends(void **state)
{
    (void)state;
    static uint8_t bytes[images * pixels];
    const nb_tensor set = make_bytes(bytes);
    nb_packer *packer;
    nb_tensor x;
    memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < images; i++) bytes[i * pixels + i % pixels] = (uint8_t)(i + 1);
    assert_ok(nb_packer_create(&packer, &set, 255, NB_FLOAT32, images, NULL));
    nb_packer_pack(packer, 30, NULL, 3, &x);
    assert_int_equal(x.packed->columns, 0);
    assert_ok(nb_packer_fill(packer, 0, 30));
    assert_is_batch(&set, 255, &x, 30, NULL, 3);
    nb_packer_destroy(packer);

    memset(bytes, 200, sizeof bytes);
    packer = (nb_packer *)(uintptr_t)1;
    assert_ok(nb_packer_create(&packer, &set, 255, NB_FLOAT32, images, NULL));
    assert_null(packer);
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[images * pixels];
    const nb_tensor set = make_bytes(bytes);
    nb_packer *packer;
    nb_status status = NB_ENOMEM;
    size_t at = 1;
    for (; status; at++) {
        support_allocator_start(at);
        status = nb_packer_create(&packer, &set, 255, NB_FLOAT64, 20, NULL);
        assert_true((packer == NULL) == (status != NB_OK));
        nb_packer_destroy(packer);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    }
    assert_true(at > 8);
}

/* A batch whose rows are not there yet. */
typedef struct late {
    atomic_size_t rows[most_rows]; /* how often each was asked for */
    nb_status answer;
} late;

static nb_status write_late(void *context, size_t lo, size_t hi)
{
    late *l = context;
    for (size_t i = lo; i < hi; i++) atomic_fetch_add(&l->rows[i], 1);
    return l->answer ? nb_fail(l->answer, "late") : NB_OK;
}

static void assert_asked(late *l, size_t times)
{
    for (size_t i = 0; i < most_rows; i++) {
        assert_int_equal(atomic_load(&l->rows[i]), times);
        atomic_store(&l->rows[i], 0);
    }
}

/* By the forward pass, each row once, whoever does it, and by a copy of the graph that is made
 * before; what failed is asked for again. */
static void rows_are_written_when_needed(void **state)
{
    (void)state;
    static late l;
    fixture f;
    nb_graph *copy;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 2));
    start(&f, NB_FLOAT64, most_rows, 4, true);
    for (int left_out = 0; left_out < 2; left_out++)
        for (int threads = 1; threads <= 2; threads++) {
            const nb_tensor *x = left_out ? &f.value : &f.dense;
            nb_graph_set_pool(f.net->graph, threads == 2 ? pool : NULL);
            assert_ok(nb_feed_rows(f.net->x, x, write_late, &l));
            assert_asked(&l, 0);
            l.answer = NB_EIO;
            assert_fails(NB_EIO, "late", nb_graph_cast(f.net->graph, NB_FLOAT64, &copy));
            assert_null(copy);
            assert_asked(&l, 1);
            assert_fails(NB_EIO, "late", nb_forward(f.net->scores));
            assert_asked(&l, 1);
            l.answer = NB_OK;
            assert_ok(nb_graph_cast(f.net->graph, NB_FLOAT64, &copy));
            nb_graph_destroy(copy);
            assert_asked(&l, 1);
            assert_ok(nb_forward(f.net->scores));
            assert_asked(&l, 1);
            assert_ok(nb_forward(f.net->scores));
            assert_asked(&l, 0);
        }
    nb_graph_set_pool(f.net->graph, NULL);
    nb_pool_destroy(pool);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_is_dense),
        cmocka_unit_test(a_cast_unpacks),
        cmocka_unit_test(bad_matrices_are_refused),
        cmocka_unit_test(only_products_take_packed_inputs),
        cmocka_unit_test(a_packer_loses_nothing),
        cmocka_unit_test(the_fullest_image_may_fill_a_batch),
        cmocka_unit_test(wide_sets_are_left_whole),
        cmocka_unit_test(sets_at_the_ends),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
        cmocka_unit_test(rows_are_written_when_needed),
    };
    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
