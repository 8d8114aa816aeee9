/* What runs when: stages, who runs alone, sums over the batch, random numbers, scratch memory. */
#include "counting_malloc.h"
#include "graph_fixtures.h"

#include "nablas/blas.h"
#include "nablas/gradient.h"
#include "nablas/model.h"
#include "nablas/random.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Rows enough for four threads, and a last group that is not full. */
enum { MOST = 4 * NB_ROW_GROUP + 5, K = 6, M = 4 };

static void schedule(nb_node *target, char text[8192])
{
    assert_true(nb_graph_schedule_text(target, text, 8192) < 8192);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++) n++;
    return n;
}

static nb_tensor copy_of(nb_tensor from)
{
    nb_tensor copy;
    assert_ok(nb_tensor_create(&copy, from.dtype, from.shape));
    assert_ok(nb_tensor_convert(&from, &copy));
    return copy;
}

/* --- multilayer perceptrons ------------------------------------------------------------------- */

static nb_status no_rows(void *context, size_t lo, size_t hi)
{
    (void)context, (void)lo, (void)hi;
    return NB_OK;
}

static void a_perceptron_has_two_stages_each_way(void **state)
{
    (void)state;
    static const char want[] = "forward, stage 1\n"
                               "    affine: rows\n"
                               "    sigmoid: rows\n"
                               "    affine scores: rows\n"
                               "    softmax_cross_entropy: rows\n"
                               "forward, stage 2\n"
                               "    mean loss: once, one thread\n"
                               "backward, stage 1\n"
                               "    mean loss: gradient, rows of softmax_cross_entropy\n"
                               "    softmax_cross_entropy: gradient, rows of scores\n"
                               "    affine scores: gradient, rows of sigmoid\n"
                               "    sigmoid: gradient, rows of affine\n"
                               "backward, stage 2\n"
                               "    affine scores: gradient, rows of W2\n"
                               "    affine scores: gradient, rows of b2\n"
                               "    affine: gradient, rows of W1\n"
                               "    affine: gradient, rows of b1\n";
    char text[8192];
    nb_model *model;
    assert_ok(nb_two_layer_net_create(&model, 784, 50, 10, .01, NB_SIGMOID, NB_FLOAT32, 200, NULL));
    schedule(model->label_loss, text);
    assert_string_equal(text, want);
    /* Rows that are fetched belong to the stage of who reads them first. */
    float pixels[784];
    const nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, 784), pixels);
    assert_ok(nb_feed_rows(model->x, &x, no_rows, NULL));
    schedule(model->label_loss, text);
    assert_int_equal(count(text, "fetch x"), 1);
    assert_int_equal(count(text, "stage"), 4);
    assert_ok(nb_feed(model->x, NULL));
    /* Scores alone are one stage, and have no way back. */
    schedule(model->scores, text);
    assert_int_equal(count(text, "stage"), 1);
    assert_int_equal(count(text, "backward"), 0);
    nb_model_destroy(model);
}

static void depth_adds_no_stage(void **state)
{
    (void)state;
    for (size_t layers = 1; layers <= 9; layers += 2) {
        nb_layer layer[9];
        nb_model *model;
        char text[8192];
        for (size_t i = 0; i < layers; i++) layer[i] = i % 2 ? nb_act(NB_RELU) : nb_dense(5);
        for (int loss = 0; loss < NB_LOSSES; loss++) {
            assert_ok(nb_model_create(&model, &(nb_model_options){.input = NB_SHAPE(5),
                                                                  .layers = {layers, layer},
                                                                  .loss = (nb_loss)loss}));
            schedule(model->target_loss, text);
            assert_int_equal(count(text, "forward, stage"), 2);
            assert_int_equal(count(text, "backward, stage"), 2);
            assert_int_equal(count(text, "one thread"), 1);
            nb_model_destroy(model);
        }
    }
}

/* A look at the schedule of one target, between the two passes of another. */
static void looking_changes_nothing(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 2), *W = nb_parameter(g, "W", NB_SHAPE(2, 2));
    nb_node *V = nb_parameter(g, "V", NB_SHAPE(2, 2));
    nb_node *a = nb_sum(nb_matmul(x, W)), *b = nb_sum(nb_sigmoid(nb_matmul(x, V)));
    double numbers[] = {1, 2, 3, 4};
    char text[8192];
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), numbers);
    assert_ok(nb_graph_finish(g, 2));
    assert_ok(nb_feed(x, &fed));
    assert_ok(nb_forward(a));
    schedule(b, text);
    assert_ok(nb_backward(a));
    for (size_t i = 0; i < 4; i++) {
        assert_near(slope(W, i), i < 2 ? 4 : 6, 0);
        assert_near(slope(V, i), 0, 0);
    }
    nb_graph_destroy(g);
}

/* --- an operation that promises nothing ------------------------------------------------------- */

static atomic_size_t inside, most_inside, calls;

static void enter(void)
{
    const size_t now = atomic_fetch_add(&inside, 1) + 1;
    if (now > atomic_load(&most_inside)) atomic_store(&most_inside, now);
    atomic_fetch_add(&calls, 1);
}

/* to_ij := from_ij - mean_i from_ij + beta to_ij, rows lo ... hi-1. `sums` has the columns' sums;
 * NULL: they are taken here. */
static void subtract_means(const nb_call *c, const nb_tensor *from, const nb_tensor *to,
                           double beta, const void *sums, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t n = nb_tensor_height(from), m = nb_tensor_width(from);
    for (size_t j = 0; j < m; j++) {
        double sum = sums ? k->get(sums, j) : 0;
        for (size_t i = 0; !sums && i < n; i++) sum += k->get(from->data, i * m + j);
        for (size_t i = lo; i < hi; i++) {
            const double old = beta == 0 ? 0 : beta * k->get(to->data, i * m + j);
            k->set(to->data, i * m + j, k->get(from->data, i * m + j) - sum / (double)n + old);
        }
    }
}

static nb_status same_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static nb_status centre(const nb_call *c, size_t lo, size_t hi)
{
    enter();
    assert_true(lo == 0 && hi == c->rows); /* whole, on one thread */
    subtract_means(c, c->in[0], c->out, 0, NULL, lo, hi);
    atomic_fetch_sub(&inside, 1);
    return NB_OK;
}

static nb_status centre_backward(const nb_call *c, size_t lo, size_t hi)
{
    enter();
    assert_true(lo == 0 && hi == c->rows);
    subtract_means(c, c->dout, c->din, c->beta, NULL, lo, hi);
    atomic_fetch_sub(&inside, 1);
    return NB_OK;
}

/* y = x - mean of its column, as somebody writes it who has not read op.h to the end. */
static const nb_op centred = {.name = "centred",
                              .inputs = 1,
                              .plan = same_plan,
                              .forward = {{.run = centre, .over = NB_ROWS}},
                              .backward = {{.run = centre_backward, .over = NB_INPUT_ROWS}}};

/* --- sums over the batch, by groups ----------------------------------------------------------- */

static nb_status group_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->partial = nb_tensor_width(&in[0]);
    return NB_OK;
}

/* Sums of the columns of `from` in groups lo ... hi-1. */
static nb_status sum_groups(const nb_call *c, const nb_tensor *from, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t n = nb_tensor_height(from), m = nb_tensor_width(from);
    for (size_t g = lo; g < hi; g++)
        for (size_t j = 0; j < m; j++) {
            double sum = 0;
            for (size_t i = g * NB_GROUP_ROWS; i < n && i < (g + 1) * NB_GROUP_ROWS; i++)
                sum += k->get(from->data, i * m + j);
            k->set(c->partial, g * m + j, sum);
        }
    return NB_OK;
}

static nb_status groups_forward(const nb_call *c, size_t lo, size_t hi)
{
    assert_true(hi <= nb_groups(c->rows));
    return sum_groups(c, c->in[0], lo, hi);
}

static nb_status groups_backward(const nb_call *c, size_t lo, size_t hi)
{
    assert_true(hi <= nb_groups(c->rows));
    return sum_groups(c, c->dout, lo, hi);
}

static nb_status fold(const nb_call *c, size_t lo, size_t hi)
{
    assert_true(lo == 0 && hi == 1);
    const size_t m = nb_tensor_width(c->out);
    nb_fold(c->kernels, nb_groups(c->rows), m, m, c->partial);
    return NB_OK;
}

static nb_status subtract_forward(const nb_call *c, size_t lo, size_t hi)
{
    subtract_means(c, c->in[0], c->out, 0, c->partial, lo, hi);
    return NB_OK;
}

static nb_status subtract_backward(const nb_call *c, size_t lo, size_t hi)
{
    subtract_means(c, c->dout, c->din, c->beta, c->partial, lo, hi);
    return NB_OK;
}

/* The same function, by somebody who has. */
static const nb_op centred_by_groups = {
    .name = "centred_by_groups",
    .inputs = 1,
    .promises = NB_BY_ROW,
    .plan = group_plan,
    .forward = {{.run = groups_forward, .over = NB_GROUPS},
                {.run = fold, .over = NB_ONCE},
                {.run = subtract_forward, .over = NB_ROWS}},
    .backward = {{.run = groups_backward, .over = NB_GROUPS},
                 {.run = fold, .over = NB_ONCE},
                 {.run = subtract_backward, .over = NB_INPUT_ROWS}}};

static nb_status columns_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = NB_SHAPE(nb_tensor_width(&in[0]));
    need->partial = nb_tensor_width(&in[0]);
    return NB_OK;
}

/* Columns are independent: threads share them. */
static nb_status fold_columns(const nb_call *c, size_t lo, size_t hi)
{
    const size_t size = c->kernels->size, m = nb_tensor_width(c->in[0]);
    char *first = (char *)c->partial + lo * size;
    nb_fold(c->kernels, nb_groups(c->rows), hi - lo, m, first);
    memcpy((char *)c->out->data + lo * size, first, (hi - lo) * size);
    return NB_OK;
}

/* din_ij := dout_j + beta din_ij */
static nb_status columns_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->din);
    for (size_t i = lo * m; i < hi * m; i++) {
        const double old = c->beta == 0 ? 0 : c->beta * c->kernels->get(c->din->data, i);
        c->kernels->set(c->din->data, i, c->kernels->get(c->dout->data, i % m) + old);
    }
    return NB_OK;
}

/* (m) := the sum over the batch of (n, m) */
static const nb_op column_sums = {
    .name = "column_sums",
    .inputs = 1,
    .promises = NB_BY_ROW,
    .plan = columns_plan,
    .forward = {{.run = groups_forward, .over = NB_GROUPS}, {.run = fold_columns, .over = NB_ROWS}},
    .backward = {{.run = columns_backward, .over = NB_INPUT_ROWS}}};

/* --- the same bits ---------------------------------------------------------------------------- */

typedef struct net {
    nb_graph *g;
    nb_node *x, *middle, *loss;
} net;

/* A perceptron with `op` in its middle. */
static net net_of(nb_dtype dtype, const nb_op *op)
{
    net n = {.g = graph_of(dtype)};
    uint64_t seed = 5;
    n.x = x_of(n.g, K);
    nb_node *W1 = nb_parameter(n.g, "W1", NB_SHAPE(K, M)),
            *b1 = nb_parameter(n.g, "b1", NB_SHAPE(M));
    nb_node *W2 = nb_parameter(n.g, "W2", NB_SHAPE(M, 3)),
            *b2 = nb_parameter(n.g, "b2", NB_SHAPE(3));
    nb_node *h = nb_relu(nb_affine(n.x, W1, b1));
    n.middle = op ? nb_apply(op, NULL, &h) : h;
    nb_node *y = nb_sigmoid(nb_affine(n.middle, W2, b2));
    n.loss = nb_mean(nb_multiply(y, y));
    assert_ok(nb_graph_finish(n.g, MOST));
    const nb_tensor w = nb_graph_parameters(n.g);
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        nb_kernels_of(dtype)->set(w.data, i, support_value(&seed));
    return n;
}

static void feed(const net *n, size_t rows)
{
    static double doubles[MOST * K];
    static float singles[MOST * K];
    support_fill_d(MOST * K, doubles, 8);
    support_fill_s(MOST * K, singles, 8);
    const nb_dtype dtype = nb_graph_dtype(n->g);
    const nb_tensor x = nb_tensor_view(dtype, NB_SHAPE(rows, K),
                                       dtype == NB_FLOAT32 ? (void *)singles : (void *)doubles);
    assert_ok(nb_feed(n->x, &x));
}

/* Value in the middle, gradients, and weights after two steps. */
typedef struct outcome {
    nb_tensor middle, gradients, weights;
} outcome;

static outcome run(nb_dtype dtype, const nb_op *op, size_t rows, size_t threads)
{
    outcome o;
    nb_pool *pool;
    net n = net_of(dtype, op);
    assert_ok(nb_pool_create(&pool, threads));
    assert_ok(nb_graph_set_pool(n.g, pool));
    feed(&n, rows);
    assert_ok(nb_forward(n.loss));
    assert_ok(nb_backward(n.loss));
    o.middle = copy_of(*nb_value(n.middle));
    o.gradients = copy_of(nb_graph_gradients(n.g));
    for (int step = 0; step < 2; step++) {
        assert_ok(nb_descend(n.loss, .1));
        assert_ok(nb_forward_again(n.loss));
    }
    o.weights = copy_of(nb_graph_parameters(n.g));
    nb_graph_destroy(n.g);
    nb_pool_destroy(pool);
    return o;
}

static void destroy(outcome *o)
{
    nb_tensor_destroy(&o->middle);
    nb_tensor_destroy(&o->gradients);
    nb_tensor_destroy(&o->weights);
}

static void assert_same_bits(const nb_tensor *a, const nb_tensor *b)
{
    assert_true(nb_shape_equal(a->shape, b->shape));
    assert_memory_equal(a->data, b->data, nb_tensor_count(a) * nb_dtype_size(a->dtype));
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 7, 8, 9, 2 * NB_ROW_GROUP, MOST};
    const nb_op *const ops[] = {&centred, &centred_by_groups};
    for (size_t c = 0; c < 2 * COUNT(batches) * COUNT(ops); c++) {
        const nb_dtype dtype = c % 2 ? NB_FLOAT32 : NB_FLOAT64;
        const nb_op *op = ops[c / 2 % COUNT(ops)];
        const size_t rows = batches[c / 2 / COUNT(ops)];
        outcome one = run(dtype, op, rows, 1);
        for (size_t threads = 2; threads <= 4; threads++) {
            outcome more = run(dtype, op, rows, threads);
            assert_same_bits(&one.middle, &more.middle);
            assert_same_bits(&one.gradients, &more.gradients);
            assert_same_bits(&one.weights, &more.weights);
            destroy(&more);
        }
        /* And both are the same function. */
        outcome other = run(dtype, ops[c / 2 % COUNT(ops) == 0], rows, 1);
        const double bound = dtype == NB_FLOAT32 ? 0x1p-20 : 0x1p-49;
        assert_tensors_near(&one.middle, &other.middle, bound);
        assert_tensors_near(&one.gradients, &other.gradients, bound);
        destroy(&other);
        destroy(&one);
    }
}

static void who_promises_nothing_runs_alone_and_nobody_else(void **state)
{
    (void)state;
    char text[8192], plain[8192];
    net n = net_of(NB_FLOAT64, &centred), without = net_of(NB_FLOAT64, NULL);
    nb_pool *pool;
    schedule(n.loss, text);
    schedule(without.loss, plain);
    /* `mean` is one thread's in both. */
    assert_int_equal(count(plain, "one thread"), 1);
    assert_int_equal(count(text, "one thread"), 3);
    assert_int_equal(count(text, "centred: rows, one thread"), 1);
    assert_int_equal(count(text, "centred: gradient, rows of relu, one thread"), 1);
    /* A stage for it and one for what is behind it, on both ways. */
    assert_int_equal(count(text, "forward, stage"), count(plain, "forward, stage") + 2);
    assert_int_equal(count(text, "backward, stage"), count(plain, "backward, stage") + 2);
    assert_ok(nb_pool_create(&pool, 3));
    assert_ok(nb_graph_set_pool(n.g, pool));
    feed(&n, MOST);
    atomic_store(&most_inside, 0);
    atomic_store(&calls, 0);
    for (size_t step = 0; step < 20; step++) {
        assert_ok(nb_forward(n.loss));
        assert_ok(nb_descend(n.loss, .1));
    }
    assert_int_equal(atomic_load(&calls), 40);
    assert_int_equal(atomic_load(&most_inside), 1);
    nb_graph_destroy(n.g);
    nb_graph_destroy(without.g);
    nb_pool_destroy(pool);
}

static void groups_are_shared(void **state)
{
    (void)state;
    char text[8192];
    net n = net_of(NB_FLOAT64, &centred_by_groups);
    schedule(n.loss, text);
    assert_int_equal(count(text, "centred_by_groups: groups of rows\n"), 2);
    assert_int_equal(count(text, "centred_by_groups: once, one thread\n"), 2);
    assert_int_equal(count(text, "centred_by_groups: rows\n"), 1);
    assert_int_equal(count(text, "centred_by_groups: gradient, rows of relu\n"), 1);
    assert_int_equal(count(text, "one thread"), 3);
    nb_graph_destroy(n.g);
}

/* The tree of op.h, written out: groups of eight rows, then pairs of neighbours, then of those. */
static double tree(const nb_kernels *k, const nb_tensor *x, size_t j)
{
    const size_t n = nb_tensor_height(x), m = nb_tensor_width(x);
    double sum[MOST], all;
    nb_tensor rounded = nb_tensor_view(k->dtype, NB_SCALAR, &all);
    size_t groups = 0;
    for (size_t i = 0; i < n; i += NB_GROUP_ROWS) {
        sum[groups] = 0;
        for (size_t r = i; r < n && r < i + NB_GROUP_ROWS; r++)
            sum[groups] += k->get(x->data, r * m + j);
        k->set(rounded.data, 0, sum[groups]);
        sum[groups++] = k->get(rounded.data, 0);
    }
    for (; groups > 1; groups = (groups + 1) / 2)
        for (size_t g = 0; g < groups; g += 2) {
            k->set(rounded.data, 0, g + 1 < groups ? sum[g] + sum[g + 1] : sum[g]);
            sum[g / 2] = k->get(rounded.data, 0);
        }
    return sum[0];
}

static void a_sum_over_the_batch_is_one_tree(void **state)
{
    (void)state;
    for (size_t c = 0; c < 8; c++) {
        const nb_dtype dtype = c % 2 ? NB_FLOAT32 : NB_FLOAT64;
        nb_pool *pool;
        net n = {.g = graph_of(dtype)};
        n.x = x_of(n.g, K);
        n.middle = nb_apply(&column_sums, NULL, &n.x);
        nb_node *p = nb_parameter(n.g, "p", NB_SHAPE(K));
        n.loss = nb_sum(nb_multiply(n.middle, p));
        assert_ok(nb_graph_finish(n.g, MOST));
        assert_ok(nb_pool_create(&pool, 1 + c / 2));
        assert_ok(nb_graph_set_pool(n.g, pool));
        for (size_t rows = 1; rows <= MOST; rows++) {
            feed(&n, rows);
            assert_ok(nb_forward(n.loss));
            assert_ok(nb_backward(n.loss));
            for (size_t j = 0; j < K; j++) {
                assert_true(at(n.middle, j) == tree(nb_kernels_of(dtype), nb_value(n.x), j));
                assert_true(slope(p, j) == at(n.middle, j));
            }
        }
        nb_graph_destroy(n.g);
        nb_pool_destroy(pool);
    }
}

/* --- graphs of any form ----------------------------------------------------------------------- */

enum { NODES = 14 };

static size_t below(uint64_t *seed, size_t n)
{
    return (size_t)(fabs(support_value(seed)) * 1000003) % n;
}

/* Operations with and without promises, on any nodes that were there before, some used often. */
static nb_node *grow(nb_graph *g, nb_node *const *node, size_t nodes, uint64_t *seed)
{
    nb_node *a = node[below(seed, nodes)], *b = node[below(seed, nodes)];
    nb_node *W = nb_graph_find(g, below(seed, 2) ? "W" : "V");
    switch (below(seed, 8)) {
    case 0:
        return nb_add(a, b);
    case 1:
        return nb_multiply(a, b);
    case 2:
        return nb_apply(&centred, NULL, &a);
    case 3:
        return nb_apply(&centred_by_groups, NULL, &a);
    case 4:
        return nb_matmul(a, W);
    case 5:
        return nb_affine(a, W, nb_apply(&column_sums, NULL, &b));
    case 6:
        return nb_softmax(a);
    default:
        return nb_sigmoid(nb_affine(a, W, nb_graph_find(g, "b")));
    }
}

static net random_net(uint64_t seed)
{
    net n = {.g = graph_of(NB_FLOAT64)};
    nb_node *node[NODES];
    n.x = x_of(n.g, K);
    nb_node *first = nb_parameter(n.g, "first", NB_SHAPE(K, M));
    nb_parameter(n.g, "W", NB_SHAPE(M, M));
    nb_parameter(n.g, "V", NB_SHAPE(M, M));
    nb_parameter(n.g, "b", NB_SHAPE(M));
    node[0] = nb_matmul(n.x, first);
    for (size_t i = 1; i < NODES; i++) node[i] = nb_sigmoid(grow(n.g, node, i, &seed));
    n.middle = node[NODES - 1];
    n.loss = nb_add(nb_mean(nb_multiply(n.middle, node[NODES - 2])),
                    nb_add(nb_mean(node[NODES / 2]), nb_sum(nb_graph_find(n.g, "W"))));
    assert_ok(nb_graph_finish(n.g, MOST));
    const nb_tensor w = nb_graph_parameters(n.g);
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        ((double *)w.data)[i] = support_value(&seed) / 2;
    return n;
}

static outcome run_random(uint64_t seed, size_t rows, size_t threads, size_t descents)
{
    outcome o;
    nb_pool *pool;
    net n = random_net(seed);
    assert_ok(nb_pool_create(&pool, threads));
    assert_ok(nb_graph_set_pool(n.g, pool));
    feed(&n, rows);
    assert_ok(nb_forward(n.loss));
    assert_ok(nb_backward(n.loss));
    o.middle = copy_of(*nb_value(n.middle));
    o.gradients = copy_of(nb_graph_gradients(n.g));
    for (size_t i = 0; i < descents; i++) {
        assert_ok(nb_descend(n.loss, .1));
        assert_ok(nb_forward_again(n.loss));
    }
    o.weights = copy_of(nb_graph_parameters(n.g));
    nb_graph_destroy(n.g);
    nb_pool_destroy(pool);
    return o;
}

static void any_graph_has_the_same_bits_on_threads(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const size_t rows = seed % 3 ? MOST - seed : 9;
        outcome one = run_random(seed, rows, 1, 2);
        for (size_t threads = 2; threads <= 4; threads++) {
            outcome more = run_random(seed, rows, threads, 2);
            assert_same_bits(&one.middle, &more.middle);
            assert_same_bits(&one.gradients, &more.gradients);
            assert_same_bits(&one.weights, &more.weights);
            destroy(&more);
        }
        destroy(&one);
    }
}

/* The gradient is that of differences, and descent w -= lr dw. */
static void any_graph_has_the_right_gradient(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 130; seed++) {
        net n = random_net(seed);
        feed(&n, 11);
        assert_ok(nb_forward(n.loss));
        assert_ok(nb_backward(n.loss));
        for (size_t i = 0; i < nb_graph_nodes(n.g); i++) {
            nb_node *p = nb_graph_node(n.g, i);
            double numbers[K * M];
            if (!nb_node_is_parameter(p)) continue;
            nb_tensor numerical = nb_tensor_view(NB_FLOAT64, nb_value(p)->shape, numbers);
            assert_ok(nb_graph_numerical_gradient_brute(n.loss, p, 1e-4, &numerical));
            assert_ok(nb_forward(n.loss));
            assert_ok(nb_backward(n.loss));
            assert_tensors_near(&numerical, nb_gradient(p), 1e-6);
            assert_ok(nb_graph_numerical_gradient(n.loss, p, 1e-4, &numerical));
            assert_ok(nb_forward(n.loss));
            assert_ok(nb_backward(n.loss));
            assert_tensors_near(&numerical, nb_gradient(p), 1e-6);
        }
        outcome o = run_random(seed, 11, 1, 1);
        const nb_tensor w = nb_graph_parameters(n.g), g = nb_graph_gradients(n.g);
        nb_kernels_of(NB_FLOAT64)->sgd(nb_tensor_count(&w), .1, g.data, w.data);
        assert_tensors_near(&w, &o.weights, 0x1p-48);
        destroy(&o);
        nb_graph_destroy(n.g);
    }
}

/* --- random numbers --------------------------------------------------------------------------- */

static nb_status noise_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->memory = 2;
    return NB_OK;
}

static nb_status draw(const nb_call *c, size_t lo, size_t hi)
{
    assert_true(lo == 0 && hi == 1);
    if (c->pass.frozen) return NB_OK;
    if (!c->pass.random) return nb_fail(NB_EINVAL, "noise: random is NULL");
    for (size_t i = 0; i < 2; i++) c->kernels->set(c->memory, i, nb_random_rand(c->pass.random));
    return NB_OK;
}

static nb_status add_noise(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    for (size_t i = lo * m; i < hi * m; i++)
        c->kernels->set(c->out->data, i,
                        c->kernels->get(c->in[0]->data, i) + c->kernels->get(c->memory, i % 2));
    return NB_OK;
}

static nb_status noise_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->din);
    c->kernels->scale((hi - lo) * m, 1, nb_tensor_at(c->dout, lo), c->beta,
                      nb_tensor_at(c->din, lo));
    return NB_OK;
}

static const nb_op noise = {
    .name = "noise",
    .inputs = 1,
    .promises = NB_BY_ROW,
    .plan = noise_plan,
    .forward = {{.run = draw, .over = NB_DRAW}, {.run = add_noise, .over = NB_ROWS}},
    .backward = {{.run = noise_backward, .over = NB_INPUT_ROWS}}};

/* Five nodes in branches of different depth; the third hangs on a sum, stages later than the rest. */
typedef struct noisy {
    net n;
    nb_node *from[5], *noise[5], *spare;
} noisy;

static nb_node *noise_of(nb_node *x)
{
    return nb_apply(&noise, NULL, &x);
}

static noisy noisy_of(void)
{
    noisy s = {.n = {.g = graph_of(NB_FLOAT64)}};
    nb_graph *g = s.n.g;
    s.n.x = x_of(g, K);
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(K, K)), *p = nb_parameter(g, "p", NB_SHAPE(K));
    s.from[0] = nb_sigmoid(nb_matmul(s.n.x, W));
    s.noise[0] = noise_of(s.from[0]);
    s.from[1] = s.n.x;
    s.noise[1] = noise_of(s.from[1]);
    nb_node *sums = nb_apply(&column_sums, NULL, &s.noise[0]);
    s.from[2] = nb_multiply(sums, p);
    s.spare = noise_of(s.n.x);
    s.noise[2] = noise_of(s.from[2]);
    s.from[3] = nb_relu(s.noise[1]);
    s.noise[3] = noise_of(s.from[3]);
    s.from[4] = s.noise[3];
    s.noise[4] = noise_of(s.from[4]);
    s.n.loss = nb_add(nb_add(nb_sum(s.noise[4]), nb_sum(s.noise[0])), nb_sum(s.noise[2]));
    assert_ok(nb_graph_finish(g, MOST));
    for (size_t i = 0; i < K * K; i++)
        nb_kernels_of(NB_FLOAT64)->set(nb_value(W)->data, i, .01 * (double)i);
    PUT(p, 1, 2, 3, 4, 5, 6);
    return s;
}

static void assert_drawn(const noisy *s, size_t k, const double drawn[2])
{
    const size_t n = nb_tensor_count(nb_value(s->noise[k]));
    for (size_t i = 0; i < n; i++)
        assert_true(at(s->noise[k], i) == at(s->from[k], i) + drawn[i % 2]);
}

/* Node after node, whatever they hang on and whoever computes them; those that the target does not
 * need draw nothing, nor does a frozen pass. */
static void random_numbers_are_drawn_in_the_order_of_the_nodes(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 3; threads++) {
        noisy s = noisy_of();
        nb_pool *pool;
        nb_random random;
        double drawn[5][2];
        char text[8192];
        nb_random_seed(&random, 77);
        nb_random twin = random;
        assert_ok(nb_pool_create(&pool, threads));
        assert_ok(nb_graph_set_pool(s.n.g, pool));
        schedule(s.n.loss, text);
        assert_int_equal(count(text, "noise: draw, one thread"), 5);
        feed(&s.n, MOST);
        assert_fails(NB_EINVAL, "random is NULL", nb_forward(s.n.loss));
        assert_ok(nb_graph_set_pass(s.n.g, (nb_pass){.training = true, .random = &random}));
        for (size_t pass = 0; pass < 3; pass++) {
            assert_ok(nb_forward(s.n.loss));
            for (size_t k = 0; k < 5; k++) {
                for (size_t i = 0; i < 2; i++) drawn[k][i] = nb_random_rand(&twin);
                assert_drawn(&s, k, drawn[k]);
            }
            assert_ok(nb_backward(s.n.loss));
        }
        assert_memory_equal(&random, &twin, sizeof random);
        assert_ok(nb_graph_set_pass(
            s.n.g, (nb_pass){.training = true, .frozen = true, .random = &random}));
        assert_ok(nb_forward(s.n.loss));
        assert_memory_equal(&random, &twin, sizeof random);
        for (size_t k = 0; k < 5; k++) assert_drawn(&s, k, drawn[k]);
        /* Of a target with two of them before it. */
        assert_ok(nb_graph_set_pass(s.n.g, (nb_pass){.training = true, .random = &random}));
        assert_ok(nb_forward(s.noise[3]));
        for (size_t i = 0; i < 4; i++) nb_random_rand(&twin);
        assert_memory_equal(&random, &twin, sizeof random);
        nb_graph_destroy(s.n.g);
        nb_pool_destroy(pool);
    }
}

/* --- scratch memory --------------------------------------------------------------------------- */

enum { SCRATCH = 13 };

static atomic_size_t arrived, expected;

static nb_status scratch_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->scratch = SCRATCH;
    return NB_OK;
}

/* Fill the scratch memory, wait until all threads have done so, and see whether it is as it was. */
static nb_status use_scratch(const nb_call *c, const nb_tensor *from, const nb_tensor *to,
                             size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(to);
    assert_non_null(c->scratch);
    assert_int_equal((uintptr_t)c->scratch % 64, 0);
    for (size_t i = 0; i < SCRATCH; i++) c->kernels->set(c->scratch, i, (double)(lo * 100 + i));
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < atomic_load(&expected)) continue;
    for (size_t i = 0; i < SCRATCH; i++)
        if (c->kernels->get(c->scratch, i) != (double)(lo * 100 + i))
            return nb_fail(NB_EINVAL, "scratch memory of two threads is the same");
    c->kernels->scale((hi - lo) * m, 1, nb_tensor_at(from, lo), to == c->din ? c->beta : 0,
                      nb_tensor_at(to, lo));
    return NB_OK;
}

static nb_status scratch_forward(const nb_call *c, size_t lo, size_t hi)
{
    return use_scratch(c, c->in[0], c->out, lo, hi);
}

static nb_status scratch_backward(const nb_call *c, size_t lo, size_t hi)
{
    return use_scratch(c, c->dout, c->din, lo, hi);
}

static const nb_op scratchy = {.name = "scratchy",
                               .inputs = 1,
                               .promises = NB_BY_ROW,
                               .plan = scratch_plan,
                               .forward = {{.run = scratch_forward, .over = NB_ROWS}},
                               .backward = {{.run = scratch_backward, .over = NB_INPUT_ROWS}}};

static void scratch_memory_is_a_threads_own(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        net n = net_of(c ? NB_FLOAT32 : NB_FLOAT64, &scratchy);
        feed(&n, MOST);
        /* More threads than ever before, and fewer again. */
        static const size_t crews[] = {1, 2, 4, 3, 1, 4};
        for (size_t i = 0; i < COUNT(crews); i++) {
            nb_pool *pool;
            assert_ok(nb_pool_create(&pool, crews[i]));
            assert_ok(nb_graph_set_pool(n.g, pool));
            atomic_store(&expected, crews[i]);
            atomic_store(&arrived, 0);
            assert_ok(nb_forward(n.loss));
            assert_int_equal(atomic_load(&arrived), crews[i]);
            atomic_store(&arrived, 0);
            assert_ok(nb_backward(n.loss));
            assert_int_equal(atomic_load(&arrived), crews[i]);
            assert_ok(nb_graph_set_pool(n.g, NULL));
            nb_pool_destroy(pool);
        }
        nb_graph_destroy(n.g);
    }
    atomic_store(&expected, 0);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    const nb_op *const ops[] = {&centred, &centred_by_groups, &noise, &scratchy, NULL};
    for (size_t c = 0; c < 3 * COUNT(ops); c++) {
        nb_pool *pool;
        nb_random random;
        nb_random_seed(&random, 1);
        assert_ok(nb_pool_create(&pool, 1 + c / COUNT(ops)));
        const size_t before = atomic_load(&allocations);
        net n = net_of(c % 2 ? NB_FLOAT32 : NB_FLOAT64, ops[c % COUNT(ops)]);
        assert_true(atomic_load(&allocations) > before); /* the wrapper sees the library */
        assert_ok(nb_graph_set_pool(n.g, pool));
        assert_ok(nb_graph_set_pass(n.g, (nb_pass){.training = true, .random = &random}));
        const size_t built = atomic_load(&allocations);
        for (size_t step = 0; step < 6; step++) {
            char text[8192];
            feed(&n, 1 + step * 19);
            assert_ok(nb_forward(n.loss));
            schedule(n.middle, text);
            assert_ok(nb_backward(n.loss));
            assert_ok(nb_descend(n.loss, .1));
        }
        assert_int_equal(atomic_load(&allocations), built);
        nb_graph_destroy(n.g);
        nb_pool_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_perceptron_has_two_stages_each_way),
        cmocka_unit_test(depth_adds_no_stage),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(who_promises_nothing_runs_alone_and_nobody_else),
        cmocka_unit_test(groups_are_shared),
        cmocka_unit_test(a_sum_over_the_batch_is_one_tree),
        cmocka_unit_test(any_graph_has_the_same_bits_on_threads),
        cmocka_unit_test(any_graph_has_the_right_gradient),
        cmocka_unit_test(random_numbers_are_drawn_in_the_order_of_the_nodes),
        cmocka_unit_test(scratch_memory_is_a_threads_own),
        cmocka_unit_test(a_step_allocates_nothing),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
