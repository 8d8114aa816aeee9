/* What the fast numerical gradient does with graphs: every operation, random graphs of them and of
 * operations of one's own, and no more work than can change. */
#include "trial.h"

#include "nablas/loss.h"
#include "nablas/packed.h"

#include "op/op_axis.h"
#include "op/op_broadcast.h"
#include "op/op_dropout.h"
#include "op/op_pointwise.h"

#include <stdatomic.h>

/* --- operations of one's own ------------------------------------------------------------------ */

static nb_status same_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static atomic_size_t rows_computed;

/* A row by itself, with something kept: y_j = x_j x_(m-1-j) + x_0, the number x_j x_0 in aux. */
static nb_status fold_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->kept = nb_tensor_width(&in[0]);
    return NB_OK;
}

static nb_status fold_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t m = nb_tensor_width(c->out);
    atomic_fetch_add(&rows_computed, hi - lo);
    assert_int_equal(c->kept->shape.dim[0], c->out->shape.dim[0]);
    for (size_t i = lo; i < hi; i++)
        for (size_t j = 0; j < m; j++)
            k->set(c->kept->data, i * m + j,
                   k->get(c->in[0]->data, i * m + j) * k->get(c->in[0]->data, i * m + m - 1 - j));
    for (size_t i = lo; i < hi; i++)
        for (size_t j = 0; j < m; j++)
            k->set(c->out->data, i * m + j,
                   k->get(c->kept->data, i * m + j) + k->get(c->in[0]->data, i * m));
    return NB_OK;
}

static const nb_op fold = {.name = "fold",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW,
                           .plan = fold_plan,
                           .forward = {{fold_forward, NB_ROWS, 0, false}}};

/* An element by itself, and its user says so: y = x^3 / 3. */
static atomic_size_t elements_computed;

static nb_status cube_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    atomic_fetch_add(&elements_computed, (hi - lo) * m);
    for (size_t i = lo * m; i < hi * m; i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        c->kernels->set(c->out->data, i, x * x * x / 3);
    }
    return NB_OK;
}

static const nb_op cube = {.name = "cube",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW | NB_BY_ELEMENT,
                           .plan = same_plan,
                           .forward = {{cube_forward, NB_ROWS, 0, false}}};

/* An element by itself again, but something is kept of it: y = x + x^2 / 2. */
static nb_status keep_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->kept = nb_tensor_width(&in[0]);
    return NB_OK;
}

static nb_status keep_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    assert_int_equal(nb_tensor_width(c->kept), m);
    for (size_t i = lo * m; i < hi * m; i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        c->kernels->set(c->kept->data, i, x * x / 2);
        c->kernels->set(c->out->data, i, x + c->kernels->get(c->kept->data, i));
    }
    return NB_OK;
}

static const nb_op keep = {.name = "keep",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW | NB_BY_ELEMENT,
                           .plan = keep_plan,
                           .forward = {{keep_forward, NB_ROWS, 0, false}}};

/* A parameter that meets every row: y(n,m) = x(n,m) diag(g(m)). */
static nb_status gain_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = nb_tensor_width(c->out);
    for (size_t i = lo * m; i < hi * m; i++)
        c->kernels->set(c->out->data, i,
                        c->kernels->get(c->in[0]->data, i) *
                            c->kernels->get(c->in[1]->data, i % m));
    return NB_OK;
}

static const nb_op gain = {.name = "gain",
                           .inputs = 2,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW,
                           .plan = same_plan,
                           .forward = {{gain_forward, NB_ROWS, 0, false}}};

/* A scalar that is no sum: the largest element's square root of 1 + x^2. */
static nb_status peak_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    (void)in;
    need->out = NB_SCALAR;
    return NB_OK;
}

static nb_status peak_forward(const nb_call *c, size_t lo, size_t hi)
{
    double peak = 0;
    (void)lo, (void)hi;
    for (size_t i = 0; i < nb_tensor_count(c->in[0]); i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        peak = fmax(peak, sqrt(1 + x * x));
    }
    c->kernels->set(c->out->data, 0, peak);
    return NB_OK;
}

static const nb_op peak = {.name = "peak",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW,
                           .plan = peak_plan,
                           .forward = {{peak_forward, NB_ROWS, 0, false}}};

static nb_node *apply1(const nb_op *op, double attribute, nb_node *x)
{
    return nb_apply(op, &(double){attribute}, (nb_node *[]){x});
}

static nb_node *apply2(const nb_op *op, nb_node *a, nb_node *b)
{
    return nb_apply(op, &(double){0}, (nb_node *[]){a, b});
}

/* --- every operation -------------------------------------------------------------------------- */

/* Of operations that need one other than a double. */
static const struct {
    const char *name;
    const void *config;
} configs[] = {
    {"softmax_cross_entropy", &(double){NB_BOOK_EPSILON}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_SQUARED}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}},
    {"sum_axis", &(nb_reduction){0, true}},
    {"mean_axis", &(nb_reduction){1, true}},
    {"max_axis", &(nb_reduction){1, false}},
    {"reshape", &NB_SHAPE(1, 3, 1)},
    {"transpose", &NB_SHAPE(0, 1)},
    {"slice", &(nb_part){1, 1, 3}},
    {"concatenate", &(int){1}},
    {"batch_norm", &nb_batch_norm_book},
    {"conv2d", &(nb_sliding){0}},
    {"max_pool", &(nb_sliding){0}},
    {"average_pool", &(nb_sliding){0}},
    {"dropout", &(nb_dropping){.3, true}},
};

static const void *config_of(const nb_op *op)
{
    static const double number = 2;
    for (size_t i = 0; i < COUNT(configs); i++)
        if (strcmp(op->name, configs[i].name) == 0) return configs[i].config;
    return &number;
}

/* One operation of the table behind an affine one, as first and as second input if it has two, and
 * what came of it through another product. */
static nb_node *around(trial *t, const nb_op *op, size_t at)
{
    nb_node *x = nb_input(t->g, "x", NB_SHAPE(NB_BATCH, 4));
    nb_node *a =
        nb_affine(x, nb_parameter(t->g, "W", NB_SHAPE(4, 3)), nb_parameter(t->g, "b", NB_SHAPE(3)));
    nb_node *V = nb_parameter(t->g, "V", NB_SHAPE(3, 3)), *c = nb_parameter(t->g, "c", NB_SHAPE(3));
    nb_node *other = nb_input(t->g, "t", NB_SHAPE(NB_BATCH, 3));
    const bool product = op->promises & NB_PRODUCT;
    nb_node *input[NB_MAX_INPUTS] = {a, product ? V : other, c};
    if (at == 1 && !product) input[0] = other, input[1] = a;
    if (strcmp(op->name, "log") == 0 || strcmp(op->name, "sqrt") == 0) input[0] = nb_exp(a);
    if (strcmp(op->name, "matmul_stack") == 0) {
        input[at] = nb_reshape(a, at ? NB_SHAPE(3, 1) : NB_SHAPE(1, 3));
        input[1 - at] = at ? nb_reshape(other, NB_SHAPE(1, 3)) : V;
    }
    if (strcmp(op->name, "batch_norm") == 0) {
        input[0] = a;
        input[1] = c;
        input[2] = nb_parameter(t->g, "beta", NB_SHAPE(3));
        input[3] = nb_state(t->g, "mean", NB_SHAPE(3));
        input[4] = nb_state(t->g, "variance", NB_SHAPE(3));
    }
    if (strcmp(op->name, "conv2d") == 0 || strstr(op->name, "_pool")) { /* of images of 1 x 3 */
        input[0] = nb_reshape(a, NB_SHAPE(1, 1, 3));
        input[1] = nb_parameter(t->g, "F", NB_SHAPE(2, 1, 1, 2));
        input[2] = nb_parameter(t->g, "c2", NB_SHAPE(2));
    }
    if (strcmp(op->name, "weigh") == 0) { /* the loss of each row, one-hot targets, weights */
        input[0] = nb_sum_axis(a, 1, false);
        input[1] = other;
        input[2] = nb_state(t->g, "weights", NB_SHAPE(3));
    }
    nb_node *y = nb_apply(op, config_of(op), input);
    if (nb_value(y)->shape.ndim == 2 && nb_value(y)->shape.dim[1] == 3) y = nb_matmul(y, V);
    return nb_value(y)->shape.ndim ? nb_mean(nb_sigmoid(y)) : y;
}

static void test_each_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < nb_op_count(); i++)
        for (size_t at = 0; at < nb_op_at(i)->inputs && at < 2; at++)
            for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
                for (size_t rows = 1; rows < 8; rows += 3) {
                    trial t;
                    trial_init(&t, dtype, rows, i + 1);
                    t.loss = around(&t, nb_op_at(i), at);
                    trial_finish(&t);
                    compare_all(t.loss, step_for(dtype));
                    trial_end(&t);
                }
}

/* A product without a batch moves every row of what it meets. */
static void test_product_beside_the_batch(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        trial t;
        trial_init(&t, NB_FLOAT64, 5, 31 + kind);
        nb_node *x = nb_input(t.g, "x", NB_SHAPE(NB_BATCH, 3));
        nb_node *W = nb_matmul(nb_parameter(t.g, "P", NB_SHAPE(kind ? 1 : 3, 2)),
                               nb_parameter(t.g, "Q", NB_SHAPE(2, 3)));
        if (kind == 0) t.loss = nb_mean(nb_sigmoid(nb_matmul(x, W)));
        if (kind == 1) t.loss = nb_mean(nb_sigmoid(apply2(&gain, x, W)));
        if (kind == 2) t.loss = nb_sum(nb_sigmoid(apply2(&gain, x, nb_sigmoid(W))));
        trial_finish(&t);
        compare_all(t.loss, 1e-4);
        trial_end(&t);
    }
}

/* --- random graphs ---------------------------------------------------------------------------- */

enum { width = 3, most_nodes = 24 };

typedef struct grown {
    trial t;
    nb_node *node[most_nodes]; /* (batch, width) */
    size_t nodes;
    nb_node *W[4], *b[4]; /* to be used once, or again */
    size_t used;
} grown;

static nb_node *any(grown *r)
{
    return r->node[below(&r->t, r->nodes)];
}

/* Mostly a new parameter, sometimes an old one again, sometimes computed from two. */
static nb_node *weight(grown *r)
{
    static const char *const names[] = {"W0", "W1", "W2", "W3"};
    const size_t draw = below(&r->t, 8);
    if (draw == 0 && r->used > 0) return r->W[below(&r->t, r->used)];
    if (draw == 1 && r->used > 1) return nb_multiply(r->W[0], nb_sigmoid(r->W[1]));
    if (r->used == 4) return r->W[3];
    r->W[r->used] = nb_parameter(r->t.g, names[r->used], NB_SHAPE(width, width));
    r->b[r->used] = nb_parameter(r->t.g, "b", NB_SHAPE(width));
    return r->W[r->used++];
}

static nb_node *grow(grown *r)
{
    nb_node *x = any(r), *y = any(r);
    switch (below(&r->t, 20)) {
    case 0:
    case 1:
        return nb_matmul(x, weight(r));
    case 2:
    case 3: {
        nb_node *W = weight(r);
        return nb_affine(x, W, r->b[r->used - 1]);
    }
    case 4:
        return nb_add(x, y);
    case 5:
        return nb_multiply(x, y);
    case 6:
        return nb_sigmoid(x);
    case 7:
        return nb_relu(x);
    case 8:
        return nb_softmax(x);
    case 9:
        return nb_identity(x);
    case 10:
        return apply1(&fold, 0, x);
    case 11:
        return apply1(&cube, 0, nb_sigmoid(x));
    case 12:
        return apply1(&keep, 0, x);
    case 13:
        return nb_subtract(x, nb_mean_axis(y, below(&r->t, 2) ? 1 : 0, true));
    case 14:
        return nb_divide(x, nb_exp(nb_max_axis(y, -1, true)));
    case 15:
        return nb_add(nb_softplus(x), nb_tanh(r->b[below(&r->t, r->used)]));
    case 16:
        return nb_slice(nb_concatenate(nb_abs(x), y, 1), 1, 1, 1 + width);
    case 17:
        return nb_reshape(nb_transpose(nb_reshape(x, NB_SHAPE(width, 1)), NB_SHAPE(0, 2, 1)),
                          NB_SHAPE(width));
    case 18:
        return nb_reshape(nb_matmul(nb_reshape(x, NB_SHAPE(width, 1)),
                                    nb_reshape(nb_sum_axis(y, 1, false), NB_SHAPE(1, 1))),
                          NB_SHAPE(width));
    default:
        return apply2(&gain, x, r->used ? r->b[below(&r->t, r->used)] : x);
    }
}

/* The book's losses, other sums of what grew, and scalars that are none. */
static nb_node *total(grown *r, nb_node *labels, nb_node *target)
{
    nb_node *y = r->node[r->nodes - 1];
    switch (below(&r->t, 9)) {
    case 0:
        return nb_softmax_cross_entropy(y, labels, NB_BOOK_EPSILON);
    case 1:
        return nb_softmax_cross_entropy(y, nb_softmax(any(r)), NB_EXACT_LOG);
    case 2:
        return nb_softmax_cross_entropy(y, target, NB_BOOK_EPSILON);
    case 3:
        return nb_mean_squared_error(y, any(r));
    case 4:
        return nb_sum(y);
    case 5:
        return nb_mean(nb_multiply(y, any(r)));
    case 6:
        return nb_sum(nb_mean(nb_add(y, any(r))));
    case 7:
        return nb_add(nb_mean(y), nb_sum(any(r)));
    default:
        return apply1(&peak, 0, y);
    }
}

static void grow_graph(grown *r, nb_dtype dtype, uint64_t seed)
{
    *r = (grown){.nodes = 2};
    trial_init(&r->t, dtype, 1 + seed % 6, seed);
    nb_node *labels = nb_labels(r->t.g, "labels");
    nb_node *target = nb_input(r->t.g, "target", NB_SHAPE(NB_BATCH, width));
    r->node[0] = nb_input(r->t.g, "x", NB_SHAPE(NB_BATCH, width));
    nb_node *W = weight(r);
    r->node[1] = nb_affine(r->node[0], W, r->b[0]);
    for (size_t steps = 2 + below(&r->t, 9); steps > 0; steps--) {
        nb_node *made = grow(r);
        r->node[r->nodes++] = made;
    }
    r->t.loss = total(r, labels, target);
    trial_finish(&r->t);
}

static void test_random_graphs(void **state)
{
    (void)state;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 2));
    for (uint64_t seed = 1; seed <= 400; seed++)
        for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
            grown r;
            grow_graph(&r, dtype, seed);
            nb_graph_set_pool(r.t.g, seed % 4 ? NULL : pool);
            assert_ok(nb_forward(r.t.loss));
            compare_all(r.t.loss, step_for(dtype));
            trial_end(&r.t);
        }
    nb_pool_destroy(pool);
}

/* --- only what can change --------------------------------------------------------------------- */

/* x -> affine -> cube (a column) -> affine -> fold (rows) -> mean. Each row of x has two values
 * other than 0, so a column of W is 2 lines, twice, for each row. */
static void test_work(void **state)
{
    (void)state;
    enum { n = 5, k = 9, m = 4 };
    nb_graph *g;
    double x[n * k], gradient[k * m];
    for (size_t i = 0; i < n * k; i++) x[i] = (double[]){0, 0.5, 0, 0.25, 0.5}[i % 5];
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), x);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(k, m)), *b = nb_parameter(g, "b", NB_SHAPE(m));
    nb_node *V = nb_parameter(g, "V", NB_SHAPE(m, 3)), *c = nb_parameter(g, "c", NB_SHAPE(3));
    nb_node *input = nb_input(g, "x", NB_SHAPE(NB_BATCH, k));
    nb_node *z = apply1(&cube, 0, nb_affine(input, W, b));
    nb_node *loss = nb_mean(apply1(&fold, 0, nb_affine(z, V, c)));
    assert_ok(nb_graph_finish(g, n));
    const nb_tensor w = nb_graph_parameters(g);
    support_fill_d(nb_tensor_count(&w), w.data, 4);
    assert_ok(nb_feed(input, &fed));

    const struct {
        nb_node *parameter;
        size_t elements, rows; /* through cube, through fold */
    } expected[] = {{W, 2 * m * 2 * n, 2 * m * 2 * n},
                    {b, 2 * m * n, 2 * m * n},
                    {V, 0, 2 * 3 * n * m},
                    {c, 0, 2 * 3 * n}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        nb_node *parameter = expected[i].parameter;
        nb_tensor t = nb_tensor_view(NB_FLOAT64, nb_value(parameter)->shape, gradient);
        rows_computed = elements_computed = 0;
        assert_ok(nb_graph_numerical_gradient(loss, parameter, 1e-4, &t));
        /* The first terms are the forward pass. */
        assert_int_equal(elements_computed, n * m + expected[i].elements);
        assert_int_equal(rows_computed, n + expected[i].rows);
        compare_parameter(loss, parameter, 1e-4);
    }
    nb_graph_destroy(g);
}

/* A packed input whose weights are used twice is computed whole, with its packed copy. */
static void test_packed_whole(void **state)
{
    (void)state;
    enum { n = 4, k = 5, m = 3 };
    nb_graph *g;
    double packed[n * 3];
    const nb_run run[] = {{1, 3}, {4, 5}};
    const nb_entry entry[] = {{0, 0.7}, {3, -0.4}, {3, 0.9}};
    const size_t row[n] = {0, 0, 2, 2}, row_end[n] = {0, 2, 2, 3};
    support_fill_d(n * 3, packed, 8);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_sparse(nb_input(g, "x", NB_SHAPE(NB_BATCH, k)));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(k, m)), *b = nb_parameter(g, "b", NB_SHAPE(m));
    nb_node *loss = nb_sum(nb_multiply(nb_matmul(x, nb_sigmoid(W)), nb_affine(x, W, b)));
    assert_ok(nb_graph_finish(g, n));
    const nb_tensor w = nb_graph_parameters(g);
    support_fill_d(nb_tensor_count(&w), w.data, 4);
    const nb_packed packing = {
        .columns = 3, .runs = 2, .run = run, .row = row, .row_end = row_end, .entry = entry};
    nb_tensor value = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), packed);
    value.packed = &packing;
    assert_ok(nb_feed(x, &value));
    compare_all(loss, 1e-4);
    nb_graph_destroy(g);
}

/* y = x W + r with a packed x, of which the rows of r are what changes. */
static nb_status residual_forward(const nb_call *c, size_t lo, size_t hi)
{
    nb_tensor x = *c->in[0];
    const size_t k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (c->in[0]->packed) {
        assert_ok(nb_tensor_create(&x, NB_FLOAT64, c->in[0]->shape));
        assert_ok(nb_tensor_convert(c->in[0], &x));
    }
    for (size_t i = lo; i < hi; i++)
        memcpy(nb_tensor_at(c->out, i), nb_tensor_at(c->in[2], i), m * sizeof(double));
    nb_status status = c->kernels->gemm(false, false, hi - lo, m, k, 1, nb_tensor_at(&x, lo), k,
                                        c->in[1]->data, m, 1, nb_tensor_at(c->out, lo), m);
    if (c->in[0]->packed) nb_tensor_destroy(&x);
    return status;
}

static nb_status residual_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[2].shape;
    return NB_OK;
}

static const nb_op residual = {.name = "residual",
                               .inputs = 3,
                               .config = sizeof(double),
                               .promises = NB_BY_ROW | NB_PACKED,
                               .plan = residual_plan,
                               .forward = {{residual_forward, NB_ROWS, 0, false}}};

static void test_packed_beside(void **state)
{
    (void)state;
    enum { n = 4, k = 5, m = 3 };
    nb_graph *g;
    double packed[n * 3], dense[n * k];
    const nb_run run[] = {{1, 3}, {4, 5}};
    const nb_packed packing = {.columns = 3, .runs = 2, .run = run};
    nb_tensor value = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), packed);
    value.packed = &packing;
    const nb_tensor whole = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), dense);
    support_fill_d(n * 3, packed, 8);
    support_fill_d(n * k, dense, 9);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_sparse(nb_input(g, "x", NB_SHAPE(NB_BATCH, k)));
    nb_node *z = nb_input(g, "z", NB_SHAPE(NB_BATCH, k));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(k, m)), *V = nb_parameter(g, "V", NB_SHAPE(k, m));
    nb_node *y = nb_apply(&residual, &(double){0}, (nb_node *[]){x, W, nb_matmul(z, V)});
    nb_node *loss = nb_sum(nb_softmax(y));
    nb_node *target = nb_mean(nb_multiply(nb_softmax(y), nb_sigmoid(y)));
    assert_ok(nb_graph_finish(g, n));
    const nb_tensor w = nb_graph_parameters(g);
    support_fill_d(nb_tensor_count(&w), w.data, 4);
    assert_ok(nb_feed(x, &value));
    assert_ok(nb_feed(z, &whole));
    compare_all(loss, 1e-4);
    compare_all(target, 1e-4);
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_operation), cmocka_unit_test(test_product_beside_the_batch),
        cmocka_unit_test(test_random_graphs),  cmocka_unit_test(test_work),
        cmocka_unit_test(test_packed_whole),   cmocka_unit_test(test_packed_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
