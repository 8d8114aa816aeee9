/* Packed inputs, as a graph takes them: columns of zeros left out. */
#include "graph_fixtures.h"

#include "nablas/blas.h"
#include "nablas/threads.h"

/* Enough rows and columns to be shared out. */
enum { pattern_length = 11, wide = 7 * pattern_length, wide_rows = 2 * NB_ROW_GROUP + 2 };

/* How the packed input is used: once; its weight by two layers; by a layer of another input as
 * well; as an operation; in matmul. */
typedef enum { ONCE, TWICE, ELSEWHERE, COMPUTED, MATMUL, uses } packed_use;

typedef struct packed_graph {
    nb_graph *g;
    nb_node *x, *z, *W, *loss;
} packed_graph;

static packed_graph packed_graph_of(packed_use use)
{
    packed_graph p = {.g = graph_of(NB_FLOAT64)};
    p.x = nb_sparse(x_of(p.g, wide));
    p.z = nb_input(p.g, "z", NB_SHAPE(NB_BATCH, wide));
    p.W = p_of(p.g, NB_SHAPE(wide, 3));
    nb_node *W = use == COMPUTED ? nb_sigmoid(p.W) : p.W;
    nb_node *b = p_of(p.g, NB_SHAPE(3));
    nb_node *y = use == MATMUL ? nb_matmul(p.x, W) : nb_affine(p.x, W, b);
    if (use == TWICE) y = nb_add(nb_sigmoid(y), nb_relu(nb_matmul(p.x, W)));
    if (use == ELSEWHERE) y = nb_add(nb_sigmoid(y), nb_relu(nb_affine(p.z, W, b)));
    p.loss = nb_mean(nb_multiply(nb_softmax(y), y));
    assert_ok(nb_graph_finish(p.g, wide_rows));
    support_fill_d(nb_tensor_count(nb_value(p.W)), nb_value(p.W)->data, 5);
    PUT(b, .1, -.2, .3);
    return p;
}

/* Which of the columns are not 0, seven times side by side: all, none, first and last, runs. */
static const char *const column_patterns[] = {"xxxxxxxxxxx", "...........", "x.........x",
                                              ".xxx..x.xx.", "xx........."};

typedef struct columns {
    double whole[wide_rows * wide], packed[wide_rows * wide];
    nb_run run[wide];
    size_t runs, count;
} columns;

static void columns_init(columns *c, const char *pattern)
{
    uint32_t active[wide];
    double *next = c->packed;
    support_fill_d(wide_rows * wide, c->whole, 31);
    for (size_t j = 0; j < wide; j++) active[j] = pattern[j % pattern_length] == 'x';
    for (size_t i = 0; i < wide_rows * wide; i++)
        if (active[i % wide])
            *next++ = c->whole[i];
        else
            c->whole[i] = 0;
    c->runs = nb_find_runs(wide, active, 0, c->run, &c->count);
}

/* The dense part, and the columns that it is. */
static nb_status feed_runs(nb_node *x, const nb_tensor *dense, size_t runs, const nb_run *run)
{
    static nb_packed packed;
    packed = (nb_packed){.columns = dense->shape.dim[1], .runs = runs, .run = run};
    nb_tensor value = *dense;
    value.shape.dim[1] = wide;
    value.packed = &packed;
    return nb_feed(x, &value);
}

static void feed_columns(packed_graph *p, columns *c, size_t rows, bool packed)
{
    nb_tensor whole = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, wide), c->whole);
    const nb_tensor some = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, c->count), c->packed);
    static double other[wide_rows * wide];
    if (packed)
        assert_ok(feed_runs(p->x, &some, c->runs, c->run));
    else
        assert_ok(nb_feed(p->x, &whole));
    support_fill_d(wide_rows * wide, other, 32);
    whole.data = other;
    assert_ok(nb_feed(p->z, &whole));
}

/* Forward, backward, three steps of descent: the graph fed packed and the one fed whole agree. */
static void run_packed(packed_use use, const char *pattern, size_t rows, nb_pool *pool)
{
    columns c;
    columns_init(&c, pattern);
    packed_graph a = packed_graph_of(use), b = packed_graph_of(use);
    const nb_tensor dw[] = {nb_graph_gradients(a.g), nb_graph_gradients(b.g)};
    const nb_tensor w[] = {nb_graph_parameters(a.g), nb_graph_parameters(b.g)};
    nb_graph_set_pool(b.g, pool);
    feed_columns(&a, &c, rows, false);
    feed_columns(&b, &c, rows, true);
    assert_ok(nb_forward(b.loss));
    for (size_t step = 0; step < 3; step++) {
        assert_ok(nb_forward(a.loss));
        assert_near(nb_scalar(b.loss), nb_scalar(a.loss), 1e-13);
        assert_ok(nb_backward(a.loss));
        /* NaN: the columns left out have a gradient too, and it is 0. */
        memset(nb_gradient(b.W)->data, 0xff, wide * 3 * sizeof(double));
        assert_ok(nb_backward(b.loss));
        assert_tensors_near(&dw[0], &dw[1], 1e-13);
        nb_kernels_of(NB_FLOAT64)->sgd(nb_tensor_count(&w[0]), .3, dw[0].data, w[0].data);
        assert_ok(nb_descend(b.loss, .3));
        assert_ok(step ? nb_forward(b.loss) : nb_forward_again(b.loss));
        assert_tensors_near(&w[0], &w[1], 1e-13);
    }
    /* A cast is fed whole; it may be fed packed again. */
    nb_graph *cast;
    assert_ok(nb_forward(a.loss));
    assert_ok(nb_graph_cast(b.g, NB_FLOAT64, &cast));
    nb_node *loss = nb_graph_node(cast, nb_node_index(b.loss));
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(a.loss), 1e-13);
    b.x = nb_graph_node(cast, nb_node_index(b.x));
    b.z = nb_graph_node(cast, nb_node_index(b.z));
    feed_columns(&b, &c, rows, true);
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), nb_scalar(a.loss), 1e-13);
    nb_graph_destroy(cast);
    nb_graph_destroy(a.g);
    nb_graph_destroy(b.g);
}

static void columns_of_zeros_may_be_left_out(void **state)
{
    (void)state;
    nb_pool *pool[3] = {NULL};
    assert_ok(nb_pool_create(&pool[1], 2));
    assert_ok(nb_pool_create(&pool[2], 4));
    for (int use = 0; use < uses; use++)
        for (size_t c = 0; c < COUNT(column_patterns); c++)
            for (size_t rows = 1; rows <= wide_rows; rows += wide_rows - 1)
                for (size_t p = 0; p < 3; p++)
                    run_packed((packed_use)use, column_patterns[c], rows, pool[p]);
    nb_pool_destroy(pool[1]);
    nb_pool_destroy(pool[2]);
}

static void packed_feeding_is_checked(void **state)
{
    (void)state;
    columns c;
    columns_init(&c, ".xxx..x.xx.");
    packed_graph p = packed_graph_of(ONCE);
    nb_tensor v = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 42), c.packed);
    assert_fails(NB_EINVAL, "nb_feed: z is no nb_sparse input, the value is packed",
                 feed_runs(p.z, &v, c.runs, c.run));
    assert_fails(NB_ESHAPE, "42 columns, the runs have 4", feed_runs(p.x, &v, 2, c.run));
    v.shape.dim[0] = wide_rows + 1;
    assert_fails(NB_ESHAPE, "or fewer rows", feed_runs(p.x, &v, c.runs, c.run));
    v.shape.dim[0] = 2;
    v.dtype = NB_FLOAT32;
    assert_fails(NB_EDTYPE, "x takes float64", feed_runs(p.x, &v, c.runs, c.run));
    v.dtype = NB_FLOAT64;
    const nb_run wrong[][2] = {
        {{1, 4}, {3, 6}}, {{4, 7}, {1, 4}}, {{0, 5}, {77, 78}}, {{0, 6}, {7, 7}}, {{5, 4}, {6, 8}}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(NB_ESHAPE, "expected ascending columns below 77",
                     feed_runs(p.x, &v, 2, wrong[i]));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(p.loss));
    nb_graph_destroy(p.g);
}

static void only_products_take_a_packed_input(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++)
        for (int use = 0; use < 4 - late; use++) {
            nb_graph *g = graph_of(NB_FLOAT64);
            nb_node *x = x_of(g, 3), *y = x_of(g, 3);
            if (!late) assert_ptr_equal(nb_sparse(x), x);
            if (use == 0) nb_sigmoid(x);
            if (use == 1) nb_add(y, x);
            if (use == 2) nb_softmax_cross_entropy(y, x, 0);
            if (use == 3) nb_matmul(y, x);
            if (late) assert_null(nb_sparse(x));
            assert_fails(NB_EINVAL, late ? "x is used already" : "may not be packed (nb_sparse)",
                         nb_graph_finish(g, 2));
            nb_graph_destroy(g);
        }
    nb_graph *g = graph_of(NB_FLOAT64);
    assert_null(nb_sparse(NULL));
    assert_null(nb_sparse(p_of(g, NB_SHAPE(2, 2))));
    assert_fails(NB_EINVAL, "nb_sparse: p is no input of shape (batch, k)", nb_graph_finish(g, 2));
    nb_graph_destroy(g);
    /* After nb_graph_finish there is no room for the copy. */
    g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 3);
    nb_matmul(x, p_of(g, NB_SHAPE(3, 2)));
    assert_ok(nb_graph_finish(g, 2));
    assert_null(nb_sparse(x));
    double numbers[2] = {1, 2};
    nb_tensor v = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 1), numbers);
    assert_fails(NB_EINVAL, "no nb_sparse input", feed_runs(x, &v, 1, &(nb_run){0, 1}));
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_zeros_may_be_left_out),
        cmocka_unit_test(packed_feeding_is_checked),
        cmocka_unit_test(only_products_take_a_packed_input),
    };
    return cmocka_run_group_tests_name("graph_packed", tests, NULL, NULL);
}
