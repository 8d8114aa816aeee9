#include "support.h"

#include "nablas/gradient.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "nablas/numeric.h"

#include <float.h>
#include <math.h>

enum { most_inputs = 16, most_elements = 64, classes = 4 };

/* What is fed to a graph: it must outlive the pass. */
typedef struct fed {
    double real[most_inputs][most_elements];
    int32_t label[most_inputs][most_elements];
} fed;

static bool is_input(nb_node *node)
{
    return !nb_node_op(node) && !nb_node_is_parameter(node);
}

/* Random numbers for every input; labels, or one-hot rows for inputs of that name. */
static void feed_all(nb_graph *g, size_t batch, fed *data, uint64_t seed)
{
    for (size_t i = 0, used = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!is_input(node)) continue;
        assert_true(used < most_inputs);
        nb_tensor t = *nb_value(node);
        if (t.shape.ndim && t.shape.dim[0] == NB_BATCH) t.shape.dim[0] = batch;
        const size_t count = nb_tensor_count(&t), width = nb_tensor_width(&t);
        double *real = data->real[used];
        int32_t *label = data->label[used++];
        assert_true(count <= most_elements);
        support_fill_d(count, real, seed + 100 * i);
        for (size_t j = 0; j < count; j++) label[j] = (int32_t)((seed + i + 3 * j) % classes);
        if (strcmp(nb_node_name(node), "one_hot") == 0)
            for (size_t j = 0; j < count; j++)
                real[j] = j % width == (seed + j / width) % width ? 1 : 0;
        t.data = t.dtype == NB_INT32 ? (void *)label : (void *)real;
        assert_ok(nb_feed(node, &t));
    }
}

static void fill_parameters(nb_graph *g, uint64_t seed)
{
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        nb_tensor *value = nb_value(node);
        for (size_t j = 0; j < nb_tensor_count(value); j++)
            nb_kernels_of(value->dtype)->set(value->data, j, support_value(&seed));
    }
}

/* Backpropagation agrees with central differences, h = 1e-5: their error is a few h^2 and
 * DBL_EPSILON/h times what the loss is made of. */
static void assert_gradient(nb_node *loss, double bound)
{
    nb_gradient_report report;
    assert_ok(nb_gradient_check(loss, 1e-5, &report));
    for (size_t i = 0; i < report.count; i++) {
        const nb_gradient_row *row = &report.row[i];
        if (row->max_abs <= bound * (1 + fabs(row->analytic))) continue;
        print_error("%s[%zu]: numerical %.12g, analytic %.12g\n", row->name, row->worst,
                    row->numerical, row->analytic);
        fail();
    }
    nb_gradient_report_destroy(&report);
}

static void copy_gradients(const nb_graph *g, double *to, size_t room)
{
    const nb_tensor flat = nb_graph_gradients(g);
    const size_t count = nb_tensor_count(&flat);
    assert_true(count <= room);
    for (size_t i = 0; i < count; i++) to[i] = nb_kernels_of(flat.dtype)->get(flat.data, i);
}

/* The gradients of `loss`, whoever computes them, are the `count` numbers `want`. */
static void assert_same_gradients(nb_node *loss, const double *want, double bound)
{
    double got[512];
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    copy_gradients(nb_node_graph(loss), got, COUNT(got));
    const nb_tensor flat = nb_graph_gradients(nb_node_graph(loss));
    for (size_t i = 0; i < nb_tensor_count(&flat); i++)
        assert_near(got[i], want[i], bound * (1 + fabs(want[i])));
}

/* The same on two to four threads, and in single precision. */
static void assert_gradient_everywhere(nb_node *loss, nb_pool *const *pools, size_t count)
{
    double serial[512];
    nb_graph *g = nb_node_graph(loss), *single;
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    copy_gradients(g, serial, COUNT(serial));
    for (size_t i = 0; i < count; i++) {
        nb_graph_set_pool(g, pools[i]);
        assert_same_gradients(loss, serial, 1e-13);
    }
    nb_graph_set_pool(g, NULL);

    assert_ok(nb_graph_cast(g, NB_FLOAT32, &single));
    loss = nb_graph_node(single, nb_node_index(loss));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        if (!nb_node_is_parameter(nb_graph_node(g, i))) continue;
        const nb_tensor *a = nb_gradient(nb_graph_node(g, i));
        const nb_tensor *b = nb_gradient(nb_graph_node(single, i));
        for (size_t j = 0; j < nb_tensor_count(a); j++)
            assert_near(nb_kernels_of(NB_FLOAT64)->get(a->data, j),
                        nb_kernels_of(NB_FLOAT32)->get(b->data, j), 1e-4);
    }
    nb_graph_destroy(single);
}

/* --- an operation of a user's: every row of x times the parameter p --------------------------- */

static nb_status scaled_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    *aux = 0;
    *out = in[0].shape;
    if (nb_tensor_width(&in[0]) == nb_tensor_count(&in[1])) return NB_OK;
    return nb_fail(NB_ESHAPE, "scaled: widths differ");
}

static nb_status scaled_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t i = lo; i < hi; i++)
        c->kernels->multiply(width, nb_tensor_at(c->in[0], i), c->in[1]->data, 0,
                             nb_tensor_at(c->out, i));
    return NB_OK;
}

static nb_status scaled_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t n = nb_tensor_height(c->out), width = nb_tensor_width(c->out);
    const size_t each = nb_tensor_width(c->din);
    if (i == 0) return nb_fail(NB_EINVAL, "scaled: x has no gradient");
    for (size_t j = lo * each; j < hi * each; j++) {
        double sum = 0;
        for (size_t row = 0; row < n; row++)
            sum += k->get(c->in[0]->data, row * width + j) * k->get(c->dout->data, row * width + j);
        k->set(c->din->data, j,
               c->alpha * sum + (c->beta == 0 ? 0 : c->beta * k->get(c->din->data, j)));
    }
    return NB_OK;
}

static const nb_op scaled = {
    .name = "scaled",
    .inputs = 2,
    .shape = scaled_shape,
    .forward = scaled_forward,
    .backward = scaled_backward,
    .scales = true,
};

/* The same without a promise about alpha, and so without a look at it. */
static nb_status plain_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    nb_call one = *c;
    one.alpha = 1;
    return scaled_backward(&one, i, lo, hi);
}

static const nb_op plain = {
    .name = "plain",
    .inputs = 2,
    .shape = scaled_shape,
    .forward = scaled_forward,
    .backward = plain_backward,
};

/* --- every operation -------------------------------------------------------------------------- */

typedef enum { none, parameter, input, hidden, labels, one_hot } role;

typedef struct slot {
    role role;
    nb_shape shape;
} slot;

/* An input of the operation under test: a parameter; fed; an operation on a parameter. */
#define SHAPE(...)                                        \
    {                                                     \
        sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), \
        {                                                 \
            __VA_ARGS__                                   \
        }                                                 \
    }
#define P(...)                        \
    {                                 \
        parameter, SHAPE(__VA_ARGS__) \
    }
#define X(...)                    \
    {                             \
        input, SHAPE(__VA_ARGS__) \
    }
#define H(...)                     \
    {                              \
        hidden, SHAPE(__VA_ARGS__) \
    }
#define HOT(...)                    \
    {                               \
        one_hot, SHAPE(__VA_ARGS__) \
    }
#define LABELS                  \
    {                           \
        labels, SHAPE(NB_BATCH) \
    }
#define SCALAR     \
    {              \
        parameter, \
        {          \
            0,     \
            {      \
                0  \
            }      \
        }          \
    }
#define N NB_BATCH

typedef struct op_case {
    const char *op;
    double attribute;
    slot in[NB_MAX_INPUTS];
} op_case;

/* One line for each way to use an operation; every operation of the table must be here. */
static const op_case cases[] = {
    {"affine", 0, {P(3, 5), P(5, 2), P(2)}},
    {"affine", 0, {H(N, 5), P(5, 2), P(2)}},
    {"affine", 0, {X(N, 2, 3), P(6, 4), P(4)}},
    {"affine", 0, {X(N, 1), P(1, 1), P(1)}},
    {"affine", 0, {X(N, 3), X(3, 2), P(2)}},
    {"affine", 0, {H(N, 3), X(3, 2), X(2)}},
    {"matmul", 0, {P(3, 5), P(5, 2)}},
    {"matmul", 0, {H(N, 5), P(5, 2)}},
    {"matmul", 0, {X(N, 5), P(5, 3)}},
    {"matmul", 0, {P(4, 3), X(3, 2)}},
    {"matmul", 0, {H(N, 2, 2), H(4, 3)}},
    {"add", 0, {SCALAR, SCALAR}},
    {"add", 0, {P(5), P(5)}},
    {"add", 0, {H(N, 3), H(N, 3)}},
    {"add", 0, {P(2, 3, 2), X(2, 3, 2)}},
    {"multiply", 0, {SCALAR, SCALAR}},
    {"multiply", 0, {P(5), P(5)}},
    {"multiply", 0, {H(N, 3), H(N, 3)}},
    {"multiply", 0, {X(N), H(N)}},
    {"multiply", 0, {P(2, 3, 2), X(2, 3, 2)}},
    {"identity", 0, {SCALAR}},
    {"identity", 0, {P(3, 2)}},
    {"identity", 0, {H(N, 3)}},
    {"step", 0, {SCALAR}},
    {"step", 0, {P(3, 2)}},
    {"step", 0, {H(N, 3)}},
    {"sigmoid", 0, {SCALAR}},
    {"sigmoid", 0, {P(3, 2)}},
    {"sigmoid", 0, {H(N, 3)}},
    {"relu", 0, {SCALAR}},
    {"relu", 0, {P(3, 2)}},
    {"relu", 0, {H(N, 3)}},
    {"softmax", 0, {P(3, 4)}},
    {"softmax", 0, {P(4, 1)}},
    {"softmax", 0, {H(N, 5)}},
    {"sum", 0, {SCALAR}},
    {"sum", 0, {P(7)}},
    {"sum", 0, {P(2, 3, 2)}},
    {"sum", 0, {H(N, 3)}},
    {"mean", 0, {SCALAR}},
    {"mean", 0, {P(7)}},
    {"mean", 0, {P(2, 3, 2)}},
    {"mean", 0, {H(N, 3)}},
    {"squared_error", 0, {P(5), P(5)}},
    {"squared_error", 0, {P(3, 4), X(3, 4)}},
    {"squared_error", 0, {H(N, 4), X(N, 4)}},
    {"squared_error", 0, {X(N, 4), H(N, 4)}},
    {"squared_error", 0, {H(N, 2, 2), H(N, 2, 2)}},
    {"softmax_cross_entropy", NB_EXACT_LOG, {P(3, classes), HOT(3, classes)}},
    {"softmax_cross_entropy", NB_EXACT_LOG, {H(N, classes), HOT(N, classes)}},
    {"softmax_cross_entropy", NB_EXACT_LOG, {H(N, classes), LABELS}},
};

static const nb_op *find_op(const char *name)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (strcmp(nb_op_at(i)->name, name) == 0) return nb_op_at(i);
    return NULL;
}

static void every_operation_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < nb_op_count(); i++) {
        bool found = false;
        assert_ptr_equal(find_op(nb_op_at(i)->name), nb_op_at(i)); /* names differ */
        for (size_t c = 0; c < COUNT(cases); c++)
            found |= strcmp(cases[c].op, nb_op_at(i)->name) == 0;
        if (!found) fail_msg("%s is not gradient-checked: add a line to cases", nb_op_at(i)->name);
    }
    for (size_t c = 0; c < COUNT(cases); c++)
        if (!find_op(cases[c].op)) fail_msg("the table has no %s", cases[c].op);
    assert_null(nb_op_at(nb_op_count()));
}

static nb_node *make_input(nb_graph *g, const slot *s)
{
    nb_shape row = {0};
    switch (s->role) {
    case none:
        break;
    case parameter:
        return nb_parameter(g, "p", s->shape);
    case input:
        return nb_input(g, "x", s->shape);
    case labels:
        return nb_labels(g, "t");
    case one_hot:
        return nb_input(g, "one_hot", s->shape);
    case hidden:
        if (s->shape.dim[0] != NB_BATCH) return nb_identity(nb_parameter(g, "h", s->shape));
        for (size_t i = 1; i < s->shape.ndim; i++) row.dim[row.ndim++] = s->shape.dim[i];
        return nb_apply(&scaled, 0,
                        (nb_node *[]){nb_input(g, "x", s->shape), nb_parameter(g, "h", row)});
    }
    return NULL;
}

/* A scalar that depends on every element of `node` in another way. */
static nb_node *scalar_of(nb_node *node)
{
    const nb_tensor *value = nb_value(node);
    if (value->shape.ndim == 0) return nb_multiply(node, node);
    return nb_mean_squared_error(node, nb_input(nb_node_graph(node), "target", value->shape));
}

/* The operation once, or on the same inputs twice: then gradients add up. */
static nb_node *build_case(nb_graph *g, const op_case *c, bool twice)
{
    const nb_op *op = find_op(c->op);
    nb_node *in[NB_MAX_INPUTS] = {NULL};
    for (size_t i = 0; i < op->inputs; i++) in[i] = make_input(g, &c->in[i]);
    nb_node *node = nb_apply(op, c->attribute, in);
    return scalar_of(twice ? nb_add(node, nb_apply(op, c->attribute, in)) : node);
}

static double largest_gradient(const nb_graph *g)
{
    double all[512], largest = 0;
    copy_gradients(g, all, COUNT(all));
    const nb_tensor flat = nb_graph_gradients(g);
    for (size_t i = 0; i < nb_tensor_count(&flat); i++) largest = fmax(largest, fabs(all[i]));
    return largest;
}

static void run_case(const op_case *c, bool twice, size_t batch, nb_pool *const *pools)
{
    nb_graph *g;
    fed data;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *loss = build_case(g, c, twice);
    assert_ok(nb_graph_finish(g, 7));
    feed_all(g, batch, &data, 1000 + batch);
    fill_parameters(g, 79);
    assert_gradient(loss, 1e-8);
    assert_gradient_everywhere(loss, pools, 3);
    /* Zero is the gradient of step, everywhere, and of a softmax over one class. */
    const bool zero =
        strcmp(c->op, "step") == 0 || (strcmp(c->op, "softmax") == 0 && c->in[0].shape.dim[1] == 1);
    if (zero)
        assert_true(largest_gradient(g) == 0);
    else {
        if (!(largest_gradient(g) > 1e-3)) fail_msg("%s: case %td tests nothing", c->op, c - cases);
    }
    nb_graph_destroy(g);
}

static void make_pools(nb_pool **pools)
{
    for (size_t i = 0; i < 3; i++) assert_ok(nb_pool_create(&pools[i], i + 2));
}

static void destroy_pools(nb_pool **pools)
{
    for (size_t i = 0; i < 3; i++) nb_pool_destroy(pools[i]);
}

static void every_operation_has_the_gradient_of_its_differences(void **state)
{
    (void)state;
    nb_pool *pools[3];
    make_pools(pools);
    for (size_t c = 0; c < COUNT(cases); c++)
        for (size_t batch = 1; batch <= 5; batch += 4) {
            run_case(&cases[c], false, batch, pools);
            run_case(&cases[c], true, batch, pools);
        }
    destroy_pools(pools);
}

/* 0 is what backward gives, though the graph is asked after another loss filled the gradients. */
static void step_has_no_gradient(void **state)
{
    (void)state;
    nb_graph *g;
    double x[3] = {.5, -.3, .2}, t[2] = {.7, .1};
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3));
    nb_node *target = nb_input(g, "t", NB_SHAPE(NB_BATCH, 2));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(3, 2));
    nb_node *a = nb_matmul(in, W), *s = nb_step(a);
    nb_node *smooth = nb_mean_squared_error(nb_sigmoid(a), target);
    nb_node *loss = nb_mean_squared_error(s, target);
    assert_null(nb_node_op(s)->backward);
    assert_ok(nb_graph_finish(g, 1));
    fill_parameters(g, 3);
    nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), x);
    nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), t);
    assert_ok(nb_feed(in, &X));
    assert_ok(nb_feed(target, &T));
    assert_ok(nb_forward(smooth));
    assert_ok(nb_backward(smooth));
    assert_true(largest_gradient(g) > 1e-3);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    assert_true(largest_gradient(g) == 0);
    for (size_t j = 0; j < 2; j++) {
        assert_true(((const double *)nb_gradient(a)->data)[j] == 0);
        assert_true(((const double *)nb_gradient(s)->data)[j] != 0);
    }
    nb_graph_destroy(g);
}

/* --- the book's 1e-7 -------------------------------------------------------------------------- */

/* The loss with epsilon has the derivative y/(y + epsilon) (y_t - t); backward, as the book's,
 * leaves out the factor. */
static void the_1e_7_is_a_bias_of_known_size(void **state)
{
    (void)state;
    enum { n = 3 };
    nb_graph *g;
    double logits[n * classes];
    const int32_t t[n] = {2, 0, 3};
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *one = nb_input(g, "1", NB_SHAPE(NB_BATCH, n));
    nb_node *a = nb_parameter(g, "a", NB_SHAPE(n, classes));
    nb_node *target = nb_labels(g, "t");
    nb_node *y = nb_softmax(nb_matmul(one, a));
    nb_node *loss = nb_softmax_cross_entropy(nb_matmul(one, a), target, NB_BOOK_EPSILON);
    assert_ok(nb_graph_finish(g, n));
    double unit[n * n] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    nb_tensor U = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, n), unit);
    nb_tensor T = nb_tensor_view(NB_INT32, NB_SHAPE(n), (void *)(uintptr_t)t);
    assert_ok(nb_feed(one, &U));
    assert_ok(nb_feed(target, &T));
    fill_parameters(g, 5);
    /* One row where the target's class is unlikely, y = 5e-6: there it weighs. */
    ((double *)nb_value(a)->data)[0 * classes + 2] = -12;
    assert_ok(nb_forward(y));
    const double *p = nb_value(y)->data;
    double kept[n * classes];
    memcpy(kept, p, sizeof kept);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    nb_tensor numerical = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, classes), logits);
    assert_ok(nb_graph_numerical_gradient(loss, a, 1e-5, &numerical));
    const double *analytic = nb_gradient(a)->data;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < classes; j++) {
            const double yt = kept[i * classes + (size_t)t[i]];
            const double exact = (kept[i * classes + j] - (j == (size_t)t[i])) / n;
            assert_near(analytic[i * classes + j], exact, 1e-15);
            assert_near(logits[i * classes + j], exact * (yt / (yt + 1e-7)), 1e-10);
        }
    /* 1e-7 / 5e-6: two per cent. */
    assert_in_range((uint64_t)(1e4 * fabs(1 - logits[2] / analytic[2])), 50, 500);
    nb_graph_destroy(g);
}

/* --- random graphs ---------------------------------------------------------------------------- */

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
                      : nb_apply(pick(b, 2) ? &scaled : &plain, 0,
                                 (nb_node *[]){x, nb_parameter(b->g, "scale", NB_SHAPE(m))});
}

static nb_node *random_operation(builder *b)
{
    nb_node *x = b->node[pick(b, b->nodes)], *y = b->node[pick(b, b->nodes)];
    const size_t m = 4 + pick(b, 2);
    if (pick(b, 2)) x = b->node[b->nodes - 1];
    if (columns(x) != columns(y)) y = x;
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
        assert_ok(nb_descend(loss, .1, false));
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
    assert_ok(nb_graph_finish(b.g, 5));
    fill_parameters(b.g, seed);
    bool smooth = true;
    for (size_t round = 0; round < 2 && smooth; round++) {
        feed_all(b.g, round ? 1 + seed % 5 : 5, &data, seed + round);
        for (size_t i = 0; i < losses && smooth; i++) {
            assert_ok(nb_forward(loss[i]));
            if (near_a_kink(loss[i])) smooth = false;
            if (!smooth) break;
            assert_gradient(loss[i], 1e-7);
            assert_ok(nb_backward(loss[i]));
            copy_gradients(b.g, kept, COUNT(kept));
            for (size_t p = 0; p < 3; p++) {
                nb_graph_set_pool(b.g, pools[p]);
                assert_same_gradients(loss[i], kept, 1e-12);
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

/* --- the report ------------------------------------------------------------------------------- */

/* x^2, whose backward multiplies x by the attribute: right only for 2. */
static nb_status square_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    *aux = 0;
    *out = in[0].shape;
    return NB_OK;
}

static nb_status square_forward(const nb_call *c, size_t lo, size_t hi)
{
    for (size_t i = lo; i < hi; i++) {
        const double x = c->kernels->get(c->in[0]->data, i);
        c->kernels->set(c->out->data, i, x * x);
    }
    return NB_OK;
}

static nb_status square_backward(const nb_call *c, size_t j, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    (void)j;
    for (size_t i = lo; i < hi; i++) {
        const double old = c->beta == 0 ? 0 : c->beta * k->get(c->din->data, i);
        const double share = c->attribute * k->get(c->in[0]->data, i) * k->get(c->dout->data, i);
        k->set(c->din->data, i, share + old);
    }
    return NB_OK;
}

static const nb_op square = {.name = "square",
                             .inputs = 1,
                             .shape = square_shape,
                             .forward = square_forward,
                             .backward = square_backward};

typedef struct squares {
    nb_graph *g;
    nb_node *good, *suspect, *unused, *loss;
} squares;

/* good^2 + square(suspect) with the factor; and a parameter that the loss does not see. */
static squares make_squares(double factor, nb_dtype dtype)
{
    static const double w[3] = {.5, -.75, .25};
    squares s;
    assert_ok(nb_graph_create(&s.g, dtype));
    s.good = nb_parameter(s.g, "good", NB_SHAPE(2));
    s.suspect = nb_parameter(s.g, "suspect", NB_SHAPE(3));
    s.unused = nb_parameter(s.g, "unused", NB_SHAPE(2, 2));
    s.loss = nb_add(nb_sum(nb_multiply(s.good, s.good)),
                    nb_sum(nb_apply(&square, factor, (nb_node *[]){s.suspect})));
    assert_ok(nb_graph_finish(s.g, 1));
    fill_parameters(s.g, 9);
    for (size_t i = 0; i < 3; i++) nb_kernels_of(dtype)->set(nb_value(s.suspect)->data, i, w[i]);
    return s;
}

static void the_report_says_how_far_and_where(void **state)
{
    (void)state;
    static const double factors[] = {2, 1, -2, 2.001, 0};
    for (size_t f = 0; f < 2 * COUNT(factors); f++) {
        const double factor = factors[f / 2], off = fabs(2 - factor);
        nb_gradient_report report;
        squares s = make_squares(factor, f % 2 ? NB_FLOAT32 : NB_FLOAT64);
        assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
        assert_true(report.options.h == 1e-4);
        assert_int_equal(report.count, 3);
        assert_string_equal(report.row[0].name, "good");
        assert_string_equal(report.row[1].name, "suspect");
        assert_string_equal(report.row[2].name, "unused");
        assert_int_equal(report.row[0].count, 2);
        assert_true(report.row[0].max_abs < 1e-10 && report.row[0].max_rel < 1e-9);
        assert_int_equal(report.row[2].count, 4);
        assert_true(report.row[2].max_abs == 0 && report.row[2].max_rel == 0 &&
                    report.row[2].mean_abs == 0);
        const nb_gradient_row *row = &report.row[1];
        assert_int_equal(row->count, 3);
        assert_near(row->max_abs, .75 * off, 1e-10);
        assert_near(row->mean_abs, .5 * off, 1e-10);
        assert_near(row->max_rel, off / fmax(2, fabs(factor)), 1e-9);
        if (off > 0) {
            assert_int_equal(row->worst, 1);
            assert_near(row->numerical, -1.5, 1e-10);
            assert_near(row->analytic, -.75 * factor, 1e-15);
        }
        nb_gradient_report_destroy(&report);
        assert_true(report.row == NULL && report.count == 0);
        nb_graph_destroy(s.g);
    }
    nb_gradient_report_destroy(NULL);
}

static void what_is_not_finite_does_not_hide(void **state)
{
    (void)state;
    nb_gradient_report report;
    squares s = make_squares((double)NAN, NB_FLOAT64);
    ((double *)nb_value(s.suspect)->data)[0] = .5;
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isnan(report.row[1].max_abs) && isnan(report.row[1].mean_abs) &&
                isnan(report.row[1].max_rel) && isnan(report.row[1].analytic));
    assert_true(report.row[0].max_abs < 1e-10);
    nb_gradient_report_destroy(&report);
    nb_graph_destroy(s.g);

    s = make_squares((double)INFINITY, NB_FLOAT64);
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isinf(report.row[1].max_abs) && isinf(report.row[1].max_rel));
    nb_gradient_report_destroy(&report);
    /* 0 times infinity: one NaN, and the infinities after it do not cover it. */
    ((double *)nb_value(s.suspect)->data)[0] = 0;
    assert_ok(nb_gradient_check(s.loss, 1e-4, &report));
    assert_true(isnan(report.row[1].max_abs) && isnan(report.row[1].max_rel));
    assert_true(report.row[1].worst == 0 && isnan(report.row[1].analytic));
    nb_gradient_report_destroy(&report);
    nb_graph_destroy(s.g);
}

static void a_check_leaves_the_graph_alone_and_leaks_nothing(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    squares s = make_squares(1, NB_FLOAT32);
    const nb_tensor w = nb_graph_parameters(s.g), dw = nb_graph_gradients(s.g);
    const size_t bytes = nb_tensor_count(&w) * sizeof(float);
    char before[512], gradients[512];
    assert_true(bytes <= sizeof before);
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    memcpy(before, w.data, bytes);
    memcpy(gradients, dw.data, bytes);
    do {
        nb_gradient_report report;
        support_allocator_start(++fail_at);
        status = nb_gradient_check(s.loss, 1e-4, &report);
        if (status) {
            assert_fails(NB_ENOMEM, "no memory", status);
            assert_true(report.row == NULL && report.count == 0);
        }
        nb_gradient_report_destroy(&report);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
    } while (status);
    assert_true(fail_at > 10);
    assert_memory_equal(w.data, before, bytes);
    assert_memory_equal(dw.data, gradients, bytes);
    nb_graph_destroy(s.g);
}

/* --- the numerical gradient ------------------------------------------------------------------- */

static void the_parameter_is_restored_bit_for_bit(void **state)
{
    (void)state;
    static const double values[] = {-0.0, 0.1, -1.0 / 3, 5e-324, 1e-40, 1e30, -123456.789, 1};
    for (size_t i = 0; i < 2; i++) {
        const nb_dtype dtype = i ? NB_FLOAT32 : NB_FLOAT64;
        nb_graph *g;
        nb_tensor gradient;
        double before[COUNT(values)];
        assert_ok(nb_graph_create(&g, dtype));
        nb_node *w = nb_parameter(g, "w", NB_SHAPE(COUNT(values)));
        nb_node *loss = nb_sum(nb_sigmoid(w));
        assert_ok(nb_graph_finish(g, 1));
        for (size_t j = 0; j < COUNT(values); j++)
            nb_kernels_of(dtype)->set(nb_value(w)->data, j, values[j]);
        const size_t bytes = COUNT(values) * nb_dtype_size(dtype);
        memcpy(before, nb_value(w)->data, bytes);
        assert_ok(nb_tensor_create(&gradient, dtype, nb_value(w)->shape));
        assert_ok(nb_graph_numerical_gradient(loss, w, 1e-2, &gradient));
        assert_memory_equal(nb_value(w)->data, before, bytes);
        /* sigmoid' (0) = 1/4 */
        assert_near(nb_kernels_of(dtype)->get(gradient.data, 0), .25, 1e-4);
        nb_tensor_destroy(&gradient);
        nb_graph_destroy(g);
    }
}

/* Backward after it sees the parameters as they are, not as they were shifted. */
static void backward_may_follow_a_numerical_gradient(void **state)
{
    (void)state;
    double first[512], numbers[3];
    squares s = make_squares(2, NB_FLOAT64);
    nb_tensor gradient = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_forward(s.loss));
    const double loss = nb_scalar(s.loss);
    assert_ok(nb_backward(s.loss));
    copy_gradients(s.g, first, COUNT(first));
    assert_ok(nb_graph_numerical_gradient(s.loss, s.suspect, .5, &gradient));
    assert_true(nb_scalar(s.loss) == loss);
    assert_ok(nb_backward(s.loss));
    double second[512];
    copy_gradients(s.g, second, COUNT(second));
    const nb_tensor flat = nb_graph_gradients(s.g);
    assert_memory_equal(first, second, nb_tensor_count(&flat) * sizeof *first);
    /* Of squares, central differences are exact for any h. */
    for (size_t i = 0; i < 3; i++)
        assert_near(numbers[i], 2 * ((const double *)nb_value(s.suspect)->data)[i], 1e-14);
    nb_graph_destroy(s.g);
}

/* An operation that fails when asked for the nth time. */
static size_t patience;

static nb_status moody_forward(const nb_call *c, size_t lo, size_t hi)
{
    if (patience-- == 0) return nb_fail(NB_EDIVERGED, "moody: enough");
    return square_forward(c, lo, hi);
}

static const nb_op moody = {
    .name = "moody", .inputs = 1, .shape = square_shape, .forward = moody_forward};

static void a_failing_pass_is_answered_and_the_parameter_restored(void **state)
{
    (void)state;
    nb_graph *g;
    double numbers[2];
    nb_tensor gradient = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), numbers);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *w = nb_parameter(g, "w", NB_SHAPE(2));
    nb_node *loss = nb_sum(nb_apply(&moody, 0, (nb_node *[]){w}));
    assert_ok(nb_graph_finish(g, 1));
    fill_parameters(g, 4);
    double before[2];
    memcpy(before, nb_value(w)->data, sizeof before);
    for (size_t passes = 0; passes < 5; passes++) {
        patience = passes;
        assert_fails(NB_EDIVERGED, "moody: enough",
                     nb_graph_numerical_gradient(loss, w, 1e-4, &gradient));
        assert_memory_equal(nb_value(w)->data, before, sizeof before);
    }
    patience = 5;
    assert_ok(nb_graph_numerical_gradient(loss, w, 1e-4, &gradient));
    nb_gradient_report report;
    patience = 3;
    assert_fails(NB_EDIVERGED, "moody: enough", nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.row == NULL && report.count == 0);
    nb_graph_destroy(g);
}

static void misuse_is_an_error(void **state)
{
    (void)state;
    double numbers[4];
    float singles[3];
    nb_gradient_report report;
    squares s = make_squares(2, NB_FLOAT64), other = make_squares(2, NB_FLOAT64);
    nb_tensor d = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    nb_tensor four = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4), numbers);
    nb_tensor f = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3), singles);
    assert_fails(NB_EINVAL, "is no parameter of the graph",
                 nb_graph_numerical_gradient(s.loss, s.loss, 1e-4, &d));
    assert_fails(NB_EINVAL, "suspect is no parameter of the graph",
                 nb_graph_numerical_gradient(s.loss, other.suspect, 1e-4, &d));
    const double steps[] = {0, -1e-4, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_fails(NB_EINVAL, "expected a positive number",
                     nb_graph_numerical_gradient(s.loss, s.suspect, steps[i], &d));
        assert_fails(NB_EINVAL, "expected a positive number",
                     nb_gradient_check(s.loss, steps[i], &report));
        assert_true(report.row == NULL);
    }
    assert_fails(NB_EDTYPE, "gradient is float32, suspect is float64",
                 nb_graph_numerical_gradient(s.loss, s.suspect, 1e-4, &f));
    assert_fails(NB_ESHAPE, "gradient is (4,), suspect is (3,)",
                 nb_graph_numerical_gradient(s.loss, s.suspect, 1e-4, &four));
    nb_node *vector = nb_node_input(nb_node_input(nb_node_input(s.loss, 1), 0), 0);
    assert_ptr_equal(vector, s.suspect);
    vector = nb_node_input(nb_node_input(s.loss, 1), 0);
    assert_fails(NB_ESHAPE, "the loss is (3,), expected a scalar",
                 nb_graph_numerical_gradient(vector, s.suspect, 1e-4, &d));
    assert_fails(NB_ESHAPE, "is (3,), expected a scalar", nb_gradient_check(vector, 1e-4, &report));
    nb_graph_destroy(s.g);
    nb_graph_destroy(other.g);
}

static void an_unready_graph_is_an_error(void **state)
{
    (void)state;
    nb_graph *g;
    double numbers[3];
    nb_gradient_report report;
    nb_tensor d = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3)), *w = nb_parameter(g, "w", NB_SHAPE(3));
    nb_node *loss = nb_sum(nb_apply(&scaled, 0, (nb_node *[]){x, w}));
    assert_fails(NB_EINVAL, "not finished", nb_graph_numerical_gradient(loss, w, 1e-4, &d));
    assert_fails(NB_EINVAL, "not finished", nb_gradient_check(loss, 1e-4, &report));
    assert_ok(nb_graph_finish(g, 2));
    assert_fails(NB_EINVAL, "x was not fed", nb_graph_numerical_gradient(loss, w, 1e-4, &d));
    assert_fails(NB_EINVAL, "x was not fed", nb_gradient_check(loss, 1e-4, &report));
    assert_true(report.row == NULL && report.count == 0);
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_case),
        cmocka_unit_test(every_operation_has_the_gradient_of_its_differences),
        cmocka_unit_test(step_has_no_gradient),
        cmocka_unit_test(the_1e_7_is_a_bias_of_known_size),
        cmocka_unit_test(random_graphs_have_the_gradients_of_their_differences),
        cmocka_unit_test(the_report_says_how_far_and_where),
        cmocka_unit_test(what_is_not_finite_does_not_hide),
        cmocka_unit_test(a_check_leaves_the_graph_alone_and_leaks_nothing),
        cmocka_unit_test(the_parameter_is_restored_bit_for_bit),
        cmocka_unit_test(backward_may_follow_a_numerical_gradient),
        cmocka_unit_test(a_failing_pass_is_answered_and_the_parameter_restored),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(an_unready_graph_is_an_error),
    };
    return cmocka_run_group_tests_name("gradient", tests, NULL, NULL);
}
