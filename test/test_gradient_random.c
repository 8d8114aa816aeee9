/* Random graphs have the gradients of their differences. */
#include "gradient_fixtures.h"

#include "nablas/blas.h"

#include "nablas/loss.h"

#include <math.h>

/* `scaled` without a promise about alpha, and so without a look at it. */
static nb_status plain_backward(const nb_call *c, size_t lo, size_t hi)
{
    nb_call one = *c;
    one.alpha = 1;
    return scaled_backward(&one, lo, hi);
}

static const nb_op plain = {
    .name = "plain",
    .inputs = 2,
    .config = sizeof(double),
    .promises = NB_BY_ROW,
    .plan = scaled_plan,
    .forward = {{scaled_forward, NB_ROWS, 0, false}},
    .backward = {{plain_backward, NB_INPUT_ROWS, 0, false},
                 {plain_backward, NB_INPUT_ROWS, 1, false}},
};

typedef struct builder {
    nb_graph *g;
    uint64_t state;
    size_t rows; /* NB_BATCH, or a fixed number: then nothing is fed but targets */
    nb_node *weight[2][2], *bias[2];
    nb_node *node[32];
    size_t nodes;
} builder;

static size_t pick(builder *b, size_t n)
{
    return (size_t)((support_value(&b->state) + 1) / 2 * (double)n);
}

static size_t columns(nb_node *node)
{
    return nb_value(node)->shape.dim[1];
}

/* Widths are 4 and 5, so that labels 0 ... 3 are classes of both. Half of the time a parameter is
 * one that another layer has. */
static nb_node *weight_of(builder *b, size_t k, size_t m)
{
    nb_node **W = &b->weight[k - 4][m - 4];
    if (!*W || pick(b, 2)) *W = nb_parameter(b->g, "W", NB_SHAPE(k, m));
    return *W;
}

static nb_node *bias_of(builder *b, size_t m)
{
    nb_node **bias = &b->bias[m - 4];
    if (!*bias || pick(b, 2)) *bias = nb_parameter(b->g, "b", NB_SHAPE(m));
    return *bias;
}

static nb_node *random_root(builder *b)
{
    const size_t m = 4 + pick(b, 2);
    if (b->rows != NB_BATCH) return nb_parameter(b->g, "root", NB_SHAPE(b->rows, m));
    nb_node *x = nb_input(b->g, "x", NB_SHAPE(NB_BATCH, m));
    return pick(b, 2) ? x
                      : nb_apply(pick(b, 2) ? &scaled : &plain, &(double){0},
                                 (nb_node *[]){x, nb_parameter(b->g, "scale", NB_SHAPE(m))});
}

/* What a reader composes: broadcasting, axes, parts, other shapes. */
static nb_node *random_composition(builder *b, nb_node *x, nb_node *y)
{
    const size_t m = columns(x);
    const bool shared = pick(b, 2);
    switch (pick(b, 9)) {
    case 0:
        return nb_subtract(x, nb_mean_axis(y, shared ? 0 : 1, true));
    case 1:
        return nb_divide(x, nb_exp(nb_sigmoid(shared ? bias_of(b, m) : nb_slice(y, 1, 1, 2))));
    case 2:
        return nb_multiply(x, shared ? bias_of(b, m) : nb_mean_axis(nb_tanh(y), -1, true));
    case 3:
        return nb_add(bias_of(b, m), nb_scale(x, .7));
    case 4:
        return nb_slice(nb_concatenate(nb_softplus(x), nb_gelu(y), 1), -1, 2, m + 2);
    case 5:
        x = nb_reshape(x, b->rows == NB_BATCH ? NB_SHAPE(m, 1) : NB_SHAPE(b->rows, m, 1));
        return nb_flatten(nb_transpose(x, NB_SHAPE(0, 2, 1)));
    case 6:
        x = nb_reshape(x, b->rows == NB_BATCH ? NB_SHAPE(1, m) : NB_SHAPE(b->rows, 1, m));
        return nb_flatten(nb_matmul(x, weight_of(b, m, m)));
    case 7:
        return nb_add(x, nb_sum_axis(nb_scale(y, .1), 0, false));
    default:
        return nb_subtract(nb_square(nb_tanh(x)), bias_of(b, m));
    }
}

static nb_node *random_operation(builder *b)
{
    nb_node *x = b->node[pick(b, b->nodes)], *y = b->node[pick(b, b->nodes)];
    const size_t m = 4 + pick(b, 2);
    if (pick(b, 2)) x = b->node[b->nodes - 1];
    if (columns(x) != columns(y)) y = x;
    if (pick(b, 3) == 0) return random_composition(b, x, y);
    switch (pick(b, 10)) {
    case 0:
    case 1:
        return nb_affine(x, weight_of(b, columns(x), m), bias_of(b, m));
    case 2:
        return nb_matmul(x, weight_of(b, columns(x), m));
    case 3:
        return nb_add(x, y);
    case 4:
        return nb_multiply(x, y);
    case 5:
        return nb_identity(x);
    case 6:
        return nb_sigmoid(x);
    case 7:
        return nb_relu(x);
    case 8:
        return nb_softmax(x);
    default:
        return pick(b, 2) ? nb_step(x) : nb_sigmoid(x);
    }
}

static nb_node *random_loss(builder *b, nb_node *z)
{
    const nb_shape shape = nb_value(z)->shape;
    switch (pick(b, 5)) {
    case 0:
        return nb_mean_squared_error(z, nb_input(b->g, "target", shape));
    case 1:
        if (b->rows == NB_BATCH)
            return nb_softmax_cross_entropy(z, nb_labels(b->g, "t"), NB_EXACT_LOG);
        /* fall through */
    case 2:
        return nb_softmax_cross_entropy(z, nb_input(b->g, "one_hot", shape), NB_EXACT_LOG);
    case 3:
        return nb_sum(z);
    default:
        return nb_mean(nb_multiply(z, z));
    }
}

/* Chains and diamonds of random operations on shared parameters, and two or three losses. */
static size_t random_graph(builder *b, nb_node **loss)
{
    const size_t operations = 2 + pick(b, 8);
    b->node[b->nodes++] = random_root(b);
    if (pick(b, 2)) b->node[b->nodes++] = random_root(b);
    for (size_t i = 0; i < operations; i++) {
        nb_node *made = random_operation(b);
        b->node[b->nodes++] = made;
    }
    loss[0] = random_loss(b, b->node[b->nodes - 1]);
    loss[1] = random_loss(b, b->node[pick(b, b->nodes)]);
    if (pick(b, 2)) return 2;
    loss[2] = nb_add(loss[0], loss[1]);
    return 3;
}

/* Differences across a kink are no gradient. An exact 0 comes from a relu or step that is not near
 * its own. */
static bool near_a_kink(nb_node *loss)
{
    const nb_graph *g = nb_node_graph(loss);
    for (size_t i = 0; i <= nb_node_index(loss); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (nb_node_op(node) != find_op("relu") && nb_node_op(node) != find_op("step")) continue;
        const nb_tensor *x = nb_value(nb_node_input(node, 0));
        if (!nb_gradient(node)) continue; /* not needed by this loss, or without a parameter */
        for (size_t j = 0; j < nb_tensor_count(x); j++) {
            const double v = fabs(((const double *)x->data)[j]);
            if (v > 0 && v < 1e-3) return true;
        }
    }
    return false;
}

/* nb_descend is nb_backward and nb_dsgd, on any number of threads. */
static void assert_descent(nb_node *loss, nb_pool *const *pools)
{
    enum { room = 512 };
    double before[room], after[room];
    nb_graph *g = nb_node_graph(loss);
    const nb_tensor w = nb_graph_parameters(g), dw = nb_graph_gradients(g);
    const size_t count = nb_tensor_count(&w);
    assert_true(count <= room);
    memcpy(before, w.data, count * sizeof *before);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    nb_kernels_of(NB_FLOAT64)->sgd(count, .1, dw.data, w.data);
    memcpy(after, w.data, count * sizeof *after);
    for (size_t i = 0; i < 3; i++) {
        memcpy(w.data, before, count * sizeof *before);
        nb_graph_set_pool(g, pools[i]);
        assert_ok(nb_forward(loss));
        assert_ok(nb_descend(loss, .1));
        for (size_t j = 0; j < count; j++)
            assert_near(((const double *)w.data)[j], after[j], 1e-12 * (1 + fabs(after[j])));
    }
    memcpy(w.data, before, count * sizeof *before);
    nb_graph_set_pool(g, NULL);
}

static bool run_random_graph(uint64_t seed, nb_pool *const *pools)
{
    builder b = {.state = seed * 1000003, .rows = seed % 3 ? NB_BATCH : 3};
    nb_node *loss[3];
    double kept[512];
    fed data;
    assert_ok(nb_graph_create(&b.g, NB_FLOAT64));
    const size_t losses = random_graph(&b, loss);
    const size_t rows = seed % 5 ? 5 : 2 * NB_ROW_GROUP + 1; /* enough to be shared out */
    assert_ok(nb_graph_finish(b.g, rows));
    fill_parameters(b.g, seed);
    bool smooth = true;
    for (size_t round = 0; round < 2 && smooth; round++) {
        feed_all(b.g, round ? 1 + seed % 5 : rows, &data, seed + round);
        for (size_t i = 0; i < losses && smooth; i++) {
            assert_ok(nb_forward(loss[i]));
            if (near_a_kink(loss[i])) smooth = false;
            if (!smooth) break;
            assert_gradient(loss[i], 1e-7);
            assert_ok(nb_backward(loss[i]));
            copy_gradients(b.g, kept, COUNT(kept));
            for (size_t p = 0; p < 3; p++) {
                nb_graph_set_pool(b.g, pools[p]);
                assert_same_gradients(loss[i], kept, 0);
            }
            nb_graph_set_pool(b.g, NULL);
            assert_descent(loss[i], (nb_pool *const[]){NULL, pools[0], pools[1]});
        }
    }
    nb_graph_destroy(b.g);
    return smooth;
}

static void random_graphs_have_the_gradients_of_their_differences(void **state)
{
    (void)state;
    enum { seeds = 300 };
    size_t checked = 0;
    nb_pool *pools[3];
    make_pools(pools);
    for (uint64_t seed = 1; seed <= seeds; seed++) checked += run_random_graph(seed, pools);
    assert_true(checked > seeds * 8 / 10);
    destroy_pools(pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_have_the_gradients_of_their_differences),
    };
    return cmocka_run_group_tests_name("gradient_random", tests, NULL, NULL);
}
