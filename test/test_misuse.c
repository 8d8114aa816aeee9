/* Misuse is answered: NULL, wrong types and sizes, an unfinished graph, two graphs mixed, use after
 * an error give a status and a message, or NULL, 0, false, NaN. Never a crash. */
#include "support.h"

#include "nablas/memory.h"
#include "nablas/model_file.h"
#include "nablas/train.h"

#include <math.h>
#include <stdlib.h>

static const nb_shape nine_dims = {NB_MAX_DIMS + 1, {1, 1, 1, 1, 1, 1, 1, 1}};
static float numbers[64];
static int32_t integers[64];

static nb_tensor floats(nb_shape shape)
{
    return nb_tensor_view(NB_FLOAT32, shape, numbers);
}

static nb_tensor ints(nb_shape shape)
{
    return nb_tensor_view(NB_INT32, shape, integers);
}

static bool is_empty(nb_tensor t)
{
    return !t.data && t.shape.ndim == 0;
}

/* Fails with that code and a message. */
static void assert_answers(nb_status code, nb_status got, int line)
{
    if (got == code && *nb_last_error()) return;
    fail_msg("line %d: expected '%s', got '%s' with \"%s\"", line, nb_status_text(code),
             nb_status_text(got), nb_last_error());
}
#define INVALID(call) (nb_fail(NB_OK, "%s", ""), assert_answers(NB_EINVAL, (call), __LINE__))
#define SHAPE(call) (nb_fail(NB_OK, "%s", ""), assert_answers(NB_ESHAPE, (call), __LINE__))
#define DTYPE(call) (nb_fail(NB_OK, "%s", ""), assert_answers(NB_EDTYPE, (call), __LINE__))
#define RANGE(call) (nb_fail(NB_OK, "%s", ""), assert_answers(NB_ERANGE, (call), __LINE__))

/* --- tensor.h --------------------------------------------------------------------------------- */

static void tensors(void **state)
{
    (void)state;
    size_t count = 7, index[] = {0, 1};
    char text[64] = "old";
    nb_tensor t, x = floats(NB_SHAPE(2, 3)), wrong = x, none = {0}, nine = floats(nine_dims);
    assert_int_equal(nb_dtype_size((nb_dtype)99), 0);
    assert_int_equal(nb_dtype_size((nb_dtype)-1), 0);
    assert_string_equal(nb_dtype_name((nb_dtype)99), "unknown type");
    assert_false(nb_shape_equal(nine_dims, nine_dims));
    INVALID(nb_shape_count(nine_dims, &count));
    INVALID(nb_shape_count(NB_SHAPE(1), NULL));
    assert_answers(NB_EOVERFLOW, nb_shape_count(NB_SHAPE(SIZE_MAX, 2), &count), __LINE__);
    assert_int_equal(count, 7);
    assert_null(nb_shape_text(NB_SHAPE(1), NULL, 9));
    assert_ptr_equal(nb_shape_text(nine_dims, text, sizeof text), text);
    strcpy(text, "old");
    assert_string_equal(nb_shape_text(NB_SHAPE(1), text, 0), "old");

    INVALID(nb_tensor_create(NULL, NB_FLOAT32, NB_SHAPE(1)));
    memset(&t, 0x5a, sizeof t);
    DTYPE(nb_tensor_create(&t, (nb_dtype)99, NB_SHAPE(1)));
    assert_true(is_empty(t));
    INVALID(nb_tensor_create(&t, NB_FLOAT32, nine_dims));
    assert_answers(NB_EOVERFLOW, nb_tensor_create(&t, NB_FLOAT64, NB_SHAPE(SIZE_MAX / 4)),
                   __LINE__);
    nb_tensor_destroy(NULL);
    nb_tensor_destroy(&none);
    assert_int_equal(nb_tensor_count(NULL), 0);
    assert_int_equal(nb_tensor_height(NULL), 0);
    assert_int_equal(nb_tensor_width(NULL), 0);
    assert_int_equal(nb_tensor_count(&nine), 0);
    assert_int_equal(nb_tensor_width(&nine), 0);
    assert_null(nb_tensor_at(NULL, 3));
    assert_null(nb_tensor_at(&none, 3));
    assert_true(is_empty(nb_tensor_rows(NULL, 0, 0)));
    assert_true(is_empty(nb_tensor_rows(&x, 2, 1)));
    assert_true(is_empty(nb_tensor_rows(&x, 0, 3)));
    assert_null(nb_tensor_rows(&none, 0, 1).data);

    t = floats(NB_SHAPE(2, 3));
    INVALID(nb_tensor_gather(NULL, 2, index, &t));
    INVALID(nb_tensor_gather(&x, 2, NULL, &t));
    INVALID(nb_tensor_gather(&x, 2, index, NULL));
    none = floats(NB_SHAPE(2, 3));
    none.data = NULL;
    INVALID(nb_tensor_gather(&none, 2, index, &t));
    INVALID(nb_tensor_gather(&x, 2, index, &none));
    SHAPE(nb_tensor_gather(&x, 1, index, &t));
    t = ints(NB_SHAPE(2, 3));
    DTYPE(nb_tensor_gather(&x, 2, index, &t));
    t = wrong = floats(NB_SHAPE(2, 3));
    t.dtype = wrong.dtype = (nb_dtype)99;
    DTYPE(nb_tensor_gather(&wrong, 2, index, &t));
    DTYPE(nb_tensor_convert(&x, &t));
    DTYPE(nb_tensor_convert(&t, &x));
    DTYPE(nb_tensor_convert(&t, &wrong));
    INVALID(nb_tensor_convert(NULL, &x));
    INVALID(nb_tensor_convert(&x, NULL));
    INVALID(nb_tensor_convert(&none, &x));
    SHAPE(nb_tensor_convert(&nine, &nine));

    const nb_packed no_run = {.columns = 1, .runs = 1};
    const nb_packed no_end = {.row = index}, no_entry = {.row = index, .row_end = index};
    const nb_packed *const bad[] = {&no_run, &no_end, &no_entry};
    for (size_t i = 0; i < COUNT(bad); i++) {
        wrong = floats(NB_SHAPE(2, 3));
        wrong.packed = bad[i];
        INVALID(nb_packed_check(&wrong, true));
        INVALID(nb_packed_check(&wrong, false));
        INVALID(nb_tensor_convert(&wrong, &x));
        INVALID(nb_tensor_convert(&x, &wrong));
        INVALID(nb_tensor_gather(&wrong, 2, index, &x));
        assert_true(is_empty(nb_tensor_rows(&wrong, 1, 2)));
    }
    INVALID(nb_packed_check(NULL, true));
    INVALID(nb_packed_check(&x, true));
}

/* --- function.h ------------------------------------------------------------------------------- */

static nb_node *leaky(nb_node *x)
{
    return nb_leaky_relu(x, .1);
}
static nb_node *elu(nb_node *x)
{
    return nb_elu(x, 1);
}
static nb_node *power(nb_node *x)
{
    return nb_power(x, 2);
}
static nb_node *scale(nb_node *x)
{
    return nb_scale(x, 2);
}
static nb_node *first_axis(nb_node *x)
{
    return nb_sum_axis(x, 0, false);
}
static nb_node *last_axis(nb_node *x)
{
    return nb_mean_axis(x, -1, true);
}
static nb_node *second_axis(nb_node *x)
{
    return nb_max_axis(x, 1, true);
}
static nb_node *no_axis(nb_node *x)
{
    return nb_sum_axis(x, 9, true);
}
static nb_node *reshaped(nb_node *x)
{
    return nb_reshape(x, NB_SHAPE(3, 1));
}
static nb_node *reshaped_to_nine(nb_node *x)
{
    return nb_reshape(x, nine_dims);
}
static nb_node *turned(nb_node *x)
{
    return nb_transpose(x, NB_SHAPE(0, 2, 1));
}
static nb_node *turned_to_nine(nb_node *x)
{
    return nb_transpose(x, nine_dims);
}
static nb_node *turned_twice(nb_node *x)
{
    return nb_transpose(x, NB_SHAPE(1, 1));
}
static nb_node *slice(nb_node *x)
{
    return nb_slice(x, 1, 1, 3);
}
static nb_node *slice_backward(nb_node *x)
{
    return nb_slice(x, -1, 3, 1);
}
static nb_node *slice_far(nb_node *x)
{
    return nb_slice(x, -1, SIZE_MAX - 1, SIZE_MAX);
}
static nb_node *joined(nb_node *a, nb_node *b)
{
    return nb_concatenate(a, b, -1);
}
static nb_node *joined_far(nb_node *a, nb_node *b)
{
    return nb_concatenate(a, b, -99);
}
static nb_node *entropy(nb_node *a, nb_node *t)
{
    return nb_softmax_cross_entropy(a, t, 0);
}
static nb_node *huber(nb_node *y, nb_node *t)
{
    return nb_huber_loss(y, t, 1);
}

typedef nb_node *(*one_input)(nb_node *);
typedef nb_node *(*two_inputs)(nb_node *, nb_node *);
static const one_input unary[] = {nb_identity,
                                  nb_step,
                                  nb_sigmoid,
                                  nb_relu,
                                  nb_softmax,
                                  nb_sum,
                                  nb_mean,
                                  nb_tanh,
                                  nb_gelu,
                                  nb_exp,
                                  nb_log,
                                  nb_square,
                                  nb_sqrt,
                                  nb_abs,
                                  nb_softplus,
                                  leaky,
                                  elu,
                                  power,
                                  scale,
                                  first_axis,
                                  last_axis,
                                  second_axis,
                                  no_axis,
                                  reshaped,
                                  turned,
                                  turned_twice,
                                  slice,
                                  slice_backward,
                                  slice_far,
                                  nb_flatten,
                                  reshaped_to_nine,
                                  turned_to_nine};
static const two_inputs binary[] = {nb_add,
                                    nb_multiply,
                                    nb_subtract,
                                    nb_divide,
                                    nb_matmul,
                                    nb_mean_squared_error,
                                    entropy,
                                    nb_squared_loss,
                                    nb_absolute_loss,
                                    huber,
                                    nb_binary_cross_entropy,
                                    joined,
                                    joined_far};

static nb_graph *graph_of(nb_dtype dtype)
{
    nb_graph *g;
    assert_ok(nb_graph_create(&g, dtype));
    return g;
}

/* `made` is NULL, and nb_graph_finish says why, however often it is asked; nothing can be made any
 * more, and whoever uses the graph hears that it is not finished. */
static void assert_spoilt(nb_graph *g, nb_node *made, nb_status code)
{
    nb_graph *copy;
    assert_null(made);
    assert_answers(code, nb_graph_finish(g, 4), __LINE__);
    assert_null(nb_parameter(g, "late", NB_SHAPE(2)));
    assert_null(nb_input(g, "late", NB_SHAPE(2)));
    assert_answers(code, nb_graph_finish(g, 4), __LINE__);
    assert_int_equal(nb_graph_max_batch(g), 0);
    INVALID(nb_graph_set_pool(g, NULL));
    INVALID(nb_graph_cast(g, NB_FLOAT32, &copy));
    assert_null(copy);
    INVALID(nb_graph_clone(g, &copy));
    assert_null(copy);
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        const nb_tensor x = floats(NB_SHAPE(1, 3));
        INVALID(nb_forward(node));
        assert_true(nb_backward(node) != NB_OK);
        INVALID(nb_descend(node, .1));
        INVALID(nb_feed(node, &x));
        assert_int_equal(nb_graph_schedule_text(node, NULL, 0), 0);
        assert_true(isnan(nb_scalar(node)));
        assert_null(nb_gradient(node));
    }
    assert_true(is_empty(nb_graph_parameters(g)));
    assert_true(is_empty(nb_graph_gradients(g)));
    nb_graph_destroy(g);
}

static void functions_of_no_nodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unary); i++) assert_null(unary[i](NULL));
    for (size_t i = 0; i < COUNT(binary); i++) assert_null(binary[i](NULL, NULL));
    assert_null(nb_affine(NULL, NULL, NULL));
    for (size_t i = 0; i < 2 * COUNT(binary); i++) {
        nb_graph *g = graph_of(NB_FLOAT32);
        nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3));
        assert_spoilt(g, i % 2 ? binary[i / 2](x, NULL) : binary[i / 2](NULL, x), NB_EINVAL);
    }
    for (int i = 0; i < 3; i++) {
        nb_graph *g = graph_of(NB_FLOAT32);
        nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3)),
                *W = nb_parameter(g, "W", NB_SHAPE(3, 2));
        nb_node *b = nb_parameter(g, "b", NB_SHAPE(2));
        assert_spoilt(g, nb_affine(i == 0 ? NULL : x, i == 1 ? NULL : W, i == 2 ? NULL : b),
                      NB_EINVAL);
    }
}

/* Whatever the shapes, a function makes a node or says why not; then the graph finishes and runs,
 * and once more from the node back to its parameters. */
static void functions_of_any_shapes(void **state)
{
    (void)state;
    const nb_shape shapes[] = {NB_SCALAR,
                               NB_SHAPE(1),
                               NB_SHAPE(3),
                               NB_SHAPE(NB_BATCH),
                               NB_SHAPE(NB_BATCH, 3),
                               NB_SHAPE(3, 3),
                               NB_SHAPE(1, 3),
                               NB_SHAPE(NB_BATCH, 1, 3),
                               NB_SHAPE(2, 1, 3),
                               {NB_MAX_DIMS, {NB_BATCH, 1, 1, 1, 1, 1, 1, 2}}};
    for (size_t c = 0; c < (COUNT(unary) + COUNT(binary)) * COUNT(shapes) * COUNT(shapes); c++) {
        const size_t f = c / COUNT(shapes) / COUNT(shapes);
        const nb_shape a = shapes[c % COUNT(shapes)], b = shapes[c / COUNT(shapes) % COUNT(shapes)];
        nb_graph *g = graph_of(NB_FLOAT32);
        nb_node *leaf[2];
        for (size_t k = 0; k < 2; k++) {
            const nb_shape s = k ? b : a;
            leaf[k] =
                s.ndim && s.dim[0] == NB_BATCH ? nb_input(g, "x", s) : nb_parameter(g, "p", s);
        }
        nb_node *made =
            f < COUNT(unary) ? unary[f](leaf[0]) : binary[f - COUNT(unary)](leaf[0], leaf[1]);
        nb_node *loss = nb_sum(made);
        const nb_status status = nb_graph_finish(g, 4);
        assert_int_equal(made != NULL, status == NB_OK);
        if (!made && status != NB_ESHAPE && status != NB_EINVAL && status != NB_EOVERFLOW)
            fail_msg("function %zu: %s", f, nb_last_error());
        for (size_t k = 0; k < 2 && !status; k++) {
            nb_shape s = k ? b : a;
            if (!s.ndim || s.dim[0] != NB_BATCH) continue;
            s.dim[0] = 4;
            const nb_tensor value = floats(s);
            assert_ok(nb_feed(leaf[k], &value));
        }
        if (!status) {
            assert_ok(nb_forward(loss));
            const nb_status back = nb_backward(loss);
            if (back) assert_non_null(strstr(nb_last_error(), "no gradient"));
            assert_true(nb_graph_schedule_text(loss, NULL, 0) > 0);
        }
        nb_graph_destroy(g);
    }
}

static void functions_of_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unary) + 2 * COUNT(binary); i++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH)), *t = nb_labels(g, "t"), *made;
        const size_t k = (i - COUNT(unary)) / 2;
        if (i < COUNT(unary))
            made = unary[i](t);
        else
            made = (i - COUNT(unary)) % 2 ? binary[k](x, t) : binary[k](t, x);
        assert_spoilt(g, made, i >= COUNT(unary) && binary[k] == entropy ? NB_ESHAPE : NB_EDTYPE);
    }
}

static void two_graphs_mixed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(binary); i++)
        for (int same_type = 0; same_type < 2; same_type++) {
            nb_graph *g = graph_of(NB_FLOAT32), *h = graph_of(same_type ? NB_FLOAT32 : NB_FLOAT64);
            nb_node *a = nb_input(g, "a", NB_SHAPE(3, 3)), *b = nb_input(h, "b", NB_SHAPE(3, 3));
            assert_spoilt(g, binary[i](a, b), NB_EINVAL);
            /* The other one is as it was. */
            nb_node *sum = nb_sum(b);
            assert_ok(nb_graph_finish(h, 1));
            assert_non_null(sum);
            nb_graph_destroy(h);
        }
}

/* --- graph.h ---------------------------------------------------------------------------------- */

static void no_graph(void **state)
{
    (void)state;
    nb_graph *g = (nb_graph *)(uintptr_t)1, *copy = g;
    nb_tensor x = floats(NB_SHAPE(1, 3));
    INVALID(nb_graph_create(NULL, NB_FLOAT32));
    DTYPE(nb_graph_create(&g, NB_INT32));
    assert_null(g);
    DTYPE(nb_graph_create(&g, (nb_dtype)99));
    nb_graph_destroy(NULL);
    assert_null(nb_input(NULL, "x", NB_SHAPE(1)));
    assert_null(nb_labels(NULL, "t"));
    assert_null(nb_parameter(NULL, "p", NB_SHAPE(1)));
    assert_null(nb_state(NULL, "s", NB_SHAPE(1)));
    assert_null(nb_apply(NULL, NULL, (nb_node *[]){NULL}));
    assert_null(nb_apply(nb_op_at(0), NULL, NULL));
    assert_null(nb_sparse(NULL));
    assert_null(nb_name(NULL, "n"));
    INVALID(nb_graph_finish(NULL, 1));
    INVALID(nb_graph_set_pool(NULL, NULL));
    assert_null(nb_graph_pool(NULL));
    INVALID(nb_graph_set_pass(NULL, (nb_pass){0}));
    assert_false(nb_graph_pass(NULL).training);
    INVALID(nb_feed(NULL, &x));
    INVALID(nb_feed(NULL, NULL));
    INVALID(nb_feed_rows(NULL, &x, NULL, NULL));
    INVALID(nb_feed_rows(NULL, NULL, NULL, NULL));
    INVALID(nb_forward(NULL));
    INVALID(nb_forward_again(NULL));
    INVALID(nb_backward(NULL));
    INVALID(nb_backward_into(NULL, NULL));
    INVALID(nb_descend(NULL, .1));
    assert_null(nb_value(NULL));
    assert_null(nb_gradient(NULL));
    assert_true(isnan(nb_scalar(NULL)));
    assert_int_equal(nb_node_role(NULL), NB_INPUT);
    assert_string_equal(nb_node_name(NULL), "");
    assert_null(nb_node_op(NULL));
    assert_null(nb_node_config(NULL));
    assert_int_equal(nb_node_inputs(NULL), 0);
    assert_null(nb_node_input(NULL, 0));
    assert_false(nb_node_is_parameter(NULL));
    assert_null(nb_node_graph(NULL));
    assert_int_equal(nb_node_index(NULL), 0);
    assert_int_equal(nb_graph_dtype(NULL), NB_FLOAT32);
    assert_int_equal(nb_graph_max_batch(NULL), 0);
    assert_int_equal(nb_graph_nodes(NULL), 0);
    assert_null(nb_graph_node(NULL, 0));
    assert_null(nb_graph_find(NULL, "x"));
    assert_true(is_empty(nb_graph_parameters(NULL)));
    assert_true(is_empty(nb_graph_gradients(NULL)));
    INVALID(nb_graph_cast(NULL, NB_FLOAT32, &copy));
    assert_null(copy);
    INVALID(nb_graph_clone(NULL, &copy));
    assert_null(copy);
    assert_int_equal(nb_graph_schedule_text(NULL, NULL, 0), 0);
}

static nb_status plan_as(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)in;
    *need = *(const nb_need *)config;
    return NB_OK;
}

static nb_status nothing(const nb_call *c, size_t lo, size_t hi)
{
    (void)c, (void)lo, (void)hi;
    return NB_OK;
}

static nb_status no_rows(void *context, size_t lo, size_t hi)
{
    (void)context, (void)lo, (void)hi;
    return NB_OK;
}

/* Operations that cannot be: each spoils the graph with its reason. */
static void operations_that_cannot_be(void **state)
{
    (void)state;
    const nb_op good = {.name = "mine",
                        .inputs = 1,
                        .config = sizeof(nb_need),
                        .plan = plan_as,
                        .forward = {{.run = nothing}}};
    nb_op bad[7];
    for (size_t i = 0; i < COUNT(bad); i++) bad[i] = good;
    bad[0].name = NULL;
    bad[1].inputs = NB_MAX_INPUTS + 1;
    bad[2].plan = NULL;
    bad[3].forward[0].run = NULL;
    bad[4].forward[0].input = 1;
    bad[5].backward[2].input = 1;
    bad[6].inputs = SIZE_MAX;
    const nb_need need = {.out = NB_SHAPE(2)};
    for (size_t i = 0; i < COUNT(bad); i++) {
        nb_graph *g = graph_of(NB_FLOAT32);
        nb_node *x[NB_MAX_INPUTS + 1];
        for (size_t k = 0; k < COUNT(x); k++) x[k] = nb_input(g, "x", NB_SHAPE(3));
        assert_spoilt(g, nb_apply(&bad[i], &need, x), NB_EINVAL);
    }
    nb_graph *g = graph_of(NB_FLOAT32);
    nb_node *x = nb_input(g, "x", NB_SHAPE(3));
    assert_spoilt(g, nb_apply(&good, NULL, &x), NB_EINVAL);
    /* What it needs is too much, or no shape. */
    const nb_need much[] = {{.out = NB_SHAPE(2, SIZE_MAX)},
                            {.out = nine_dims},
                            {.out = NB_SHAPE(0)},
                            {.out = NB_SHAPE(SIZE_MAX - 1)},
                            {.out = NB_SHAPE(NB_BATCH, SIZE_MAX)},
                            {.out = NB_SHAPE(2), .kept = SIZE_MAX},
                            {.out = NB_SHAPE(2), .memory = SIZE_MAX},
                            {.out = NB_SHAPE(2), .partial = SIZE_MAX},
                            {.out = NB_SHAPE(2), .scratch = SIZE_MAX}};
    for (size_t i = 0; i < COUNT(much); i++) {
        g = graph_of(NB_FLOAT32);
        x = nb_input(g, "x", NB_SHAPE(3));
        nb_apply(&good, &much[i], &x);
        nb_fail(NB_OK, "%s", "");
        assert_true(nb_graph_finish(g, 4) != NB_OK && *nb_last_error());
        assert_true(nb_graph_finish(g, 4) != NB_OK);
        nb_graph_destroy(g);
    }
}

static void graphs_that_cannot_be(void **state)
{
    (void)state;
    char long_name[4000];
    memset(long_name, 110, sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    nb_graph *g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_input(g, NULL, NB_SHAPE(1)), NB_EINVAL);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_labels(g, NULL), NB_EINVAL);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_parameter(g, NULL, NB_SHAPE(1)), NB_EINVAL);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_input(g, "x", nine_dims), NB_EINVAL);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_parameter(g, "p", NB_SHAPE(3, 0)), NB_ESHAPE);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_parameter(g, long_name, NB_SHAPE(NB_BATCH)), NB_ESHAPE);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_state(g, "s", NB_SHAPE(NB_BATCH, 2)), NB_ESHAPE);
    g = graph_of(NB_FLOAT32);
    assert_spoilt(g, nb_input(g, "x", NB_SHAPE(SIZE_MAX, SIZE_MAX, SIZE_MAX)), NB_EOVERFLOW);
    const size_t sizes[] = {0, NB_BATCH};
    for (size_t i = 0; i < 2; i++) {
        g = graph_of(NB_FLOAT32);
        nb_input(g, "x", NB_SHAPE(NB_BATCH, 2));
        INVALID(nb_graph_finish(g, sizes[i]));
        assert_ok(nb_graph_finish(g, 3));
        INVALID(nb_graph_finish(g, 3));
        nb_graph_destroy(g);
    }
    g = graph_of(NB_FLOAT32);
    nb_parameter(g, "p", NB_SHAPE(1, SIZE_MAX - 7));
    assert_answers(NB_EOVERFLOW, nb_graph_finish(g, 1), __LINE__);
    nb_graph_destroy(g);
    g = graph_of(NB_FLOAT32);
    assert_ok(nb_graph_finish(g, 1)); /* nothing is a graph, too */
    nb_graph *copy;
    assert_ok(nb_graph_clone(g, &copy));
    nb_graph_destroy(copy);
    INVALID(nb_graph_clone(g, NULL));
    INVALID(nb_graph_cast(g, NB_FLOAT64, NULL));
    nb_graph_destroy(g);
}

/* x W, its softmax cross entropy, and what the graph may be asked afterwards. */
typedef struct small {
    nb_graph *g;
    nb_node *x, *t, *W, *y, *loss;
    nb_tensor x_fed, t_fed;
} small;

static small small_of(bool finish)
{
    small s = {
        .g = graph_of(NB_FLOAT32), .x_fed = floats(NB_SHAPE(4, 3)), .t_fed = ints(NB_SHAPE(4))};
    s.x = nb_input(s.g, "x", NB_SHAPE(NB_BATCH, 3));
    s.t = nb_labels(s.g, "t");
    s.W = nb_parameter(s.g, "W", NB_SHAPE(3, 2));
    s.y = nb_matmul(s.x, s.W);
    s.loss = nb_softmax_cross_entropy(s.y, s.t, 0);
    memset(integers, 0, sizeof integers);
    support_fill_s(COUNT(numbers), numbers, 1);
    if (finish) assert_ok(nb_graph_finish(s.g, 4));
    return s;
}

static void an_unfinished_graph(void **state)
{
    (void)state;
    small s = small_of(false);
    nb_optimizer *o = (nb_optimizer *)(uintptr_t)1;
    nb_sink sink = {numbers, 1, 0};
    INVALID(nb_feed(s.x, &s.x_fed));
    INVALID(nb_feed_rows(s.x, &s.x_fed, no_rows, NULL));
    INVALID(nb_forward(s.loss));
    INVALID(nb_forward_again(s.loss));
    INVALID(nb_backward(s.loss));
    INVALID(nb_backward_into(s.loss, &sink));
    INVALID(nb_descend(s.loss, .1));
    INVALID(nb_graph_set_pool(s.g, NULL));
    INVALID(nb_optimizer_create(&o, s.g, &nb_sgd, NULL));
    assert_null(o);
    assert_true(isnan(nb_scalar(s.loss)) && isnan(nb_scalar(s.W)));
    assert_null(nb_gradient(s.W));
    assert_null(nb_value(s.W)->data);
    assert_int_equal(nb_graph_schedule_text(s.loss, NULL, 0), 0);
    /* None of it harmed the graph. */
    assert_ok(nb_graph_finish(s.g, 4));
    assert_ok(nb_feed(s.x, &s.x_fed));
    assert_ok(nb_feed(s.t, &s.t_fed));
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    nb_graph_destroy(s.g);
}

static void a_finished_graph(void **state)
{
    (void)state;
    small s = small_of(true);
    char text[8];
    const nb_tensor wrong[] = {floats(NB_SHAPE(5, 3)), floats(NB_SHAPE(0, 3)),
                               floats(NB_SHAPE(4, 2)), floats(NB_SHAPE(12)),
                               floats(NB_SCALAR),      floats(nine_dims)};
    for (size_t i = 0; i < COUNT(wrong); i++) SHAPE(nb_feed(s.x, &wrong[i]));
    DTYPE(nb_feed(s.x, &s.t_fed));
    DTYPE(nb_feed(s.t, &s.x_fed));
    nb_tensor x = s.x_fed;
    x.data = NULL;
    INVALID(nb_feed(s.x, &x));
    x = s.x_fed;
    x.dtype = (nb_dtype)99;
    DTYPE(nb_feed(s.x, &x));
    x = s.x_fed;
    x.packed = &(nb_packed){0};
    INVALID(nb_feed(s.x, &x));
    INVALID(nb_feed(s.W, &s.x_fed));
    INVALID(nb_feed(s.y, &s.x_fed));
    INVALID(nb_feed_rows(s.x, NULL, no_rows, NULL));
    INVALID(nb_feed_rows(s.x, &s.x_fed, NULL, NULL));
    INVALID(nb_forward(s.loss)); /* not fed */
    INVALID(nb_forward(s.x));
    assert_ok(nb_forward(s.W));
    assert_ok(nb_feed(s.x, &s.x_fed));
    INVALID(nb_forward(s.loss));
    assert_ok(nb_forward(s.x));
    nb_tensor t = ints(NB_SHAPE(3));
    assert_ok(nb_feed(s.t, &t));
    SHAPE(nb_forward(s.loss));
    assert_ok(nb_feed(s.t, &s.t_fed));
    INVALID(nb_backward(s.loss)); /* no forward pass */
    INVALID(nb_descend(s.loss, .1));
    assert_ok(nb_forward(s.loss));
    SHAPE(nb_backward(s.y));
    SHAPE(nb_backward(s.x));
    INVALID(nb_backward_into(s.loss, &(nb_sink){NULL, 1, 0}));
    INVALID(nb_descend(s.loss, (double)NAN));
    INVALID(nb_descend(s.loss, (double)INFINITY));
    assert_ok(nb_backward(s.loss));
    assert_ok(nb_backward(s.loss));
    assert_ok(nb_descend(s.loss, .1));
    INVALID(nb_descend(s.loss, .1)); /* one step for each forward pass */
    INVALID(nb_backward(s.loss));
    assert_null(nb_gradient(s.x));
    assert_true(isnan(nb_scalar(s.y)));
    assert_null(nb_node_input(s.y, 2));
    assert_null(nb_graph_node(s.g, nb_graph_nodes(s.g)));
    assert_null(nb_graph_find(s.g, NULL));
    assert_null(nb_graph_find(s.g, "none"));
    assert_int_equal(nb_graph_schedule_text(s.loss, NULL, 9), 0);
    const size_t length = nb_graph_schedule_text(s.loss, NULL, 0);
    for (size_t size = 1; size <= sizeof text; size++) {
        memset(text, 'x', sizeof text);
        assert_int_equal(nb_graph_schedule_text(s.loss, text, size), length);
        assert_int_equal(strlen(text), size - 1);
    }
    nb_graph_destroy(s.g);
}

/* Nothing can be added to a finished graph; it stays what it was. */
static void a_finished_graph_grows_no_more(void **state)
{
    (void)state;
    small s = small_of(true);
    const size_t nodes = nb_graph_nodes(s.g);
    assert_null(nb_input(s.g, "x", NB_SHAPE(1)));
    assert_null(nb_labels(s.g, "t"));
    assert_null(nb_parameter(s.g, "p", NB_SHAPE(1)));
    assert_null(nb_state(s.g, "s", NB_SHAPE(1)));
    assert_null(nb_sum(s.y));
    assert_null(nb_sparse(s.x));
    assert_int_equal(nb_graph_nodes(s.g), nodes);
    assert_ok(nb_feed(s.x, &s.x_fed));
    assert_ok(nb_feed(s.t, &s.t_fed));
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_descend(s.loss, .1));
    nb_graph_destroy(s.g);
}

static void use_after_an_error(void **state)
{
    (void)state;
    small s = small_of(true);
    double before;
    assert_ok(nb_feed(s.x, &s.x_fed));
    assert_ok(nb_feed(s.t, &s.t_fed));
    assert_ok(nb_forward(s.loss));
    before = nb_scalar(s.loss);
    integers[2] = 2;
    RANGE(nb_forward(s.loss));
    INVALID(nb_backward(s.loss));
    INVALID(nb_descend(s.loss, .1));
    integers[2] = -1;
    RANGE(nb_forward(s.loss));
    integers[2] = 0;
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    assert_true(nb_scalar(s.loss) == before);
    /* A wrong feed changes nothing; no feed at all does. */
    DTYPE(nb_feed(s.t, &s.x_fed));
    assert_ok(nb_backward(s.loss));
    assert_ok(nb_feed(s.t, NULL));
    INVALID(nb_backward(s.loss));
    INVALID(nb_forward(s.loss));
    nb_graph_destroy(s.g);
}

/* --- optim.h ---------------------------------------------------------------------------------- */

static void optimizers(void **state)
{
    (void)state;
    small s = small_of(true), other = small_of(true);
    nb_optimizer *o = (nb_optimizer *)(uintptr_t)1, *v;
    nb_optimizer_options plain;
    nb_optimizer_type no_step = nb_sgd;
    no_step.step = NULL;
    assert_null(nb_optimizer_find(NULL));
    assert_null(nb_optimizer_find("none"));
    nb_optimizer_defaults(NULL, NULL);
    nb_optimizer_defaults(&nb_adam, NULL);
    nb_optimizer_defaults(NULL, &plain);
    assert_true(plain.lr == 0);
    INVALID(nb_optimizer_create(NULL, s.g, &nb_sgd, NULL));
    INVALID(nb_optimizer_create(&o, NULL, &nb_sgd, NULL));
    assert_null(o);
    INVALID(nb_optimizer_create(&o, s.g, NULL, NULL));
    INVALID(nb_optimizer_create(&o, s.g, &no_step, NULL));
    INVALID(nb_optimizer_create_for_vectors(NULL, NB_FLOAT32, 3, &nb_sgd, NULL));
    INVALID(nb_optimizer_create_for_vectors(&o, NB_FLOAT32, 3, NULL, NULL));
    DTYPE(nb_optimizer_create_for_vectors(&o, NB_INT32, 3, &nb_sgd, NULL));
    assert_answers(NB_EOVERFLOW,
                   nb_optimizer_create_for_vectors(&o, NB_FLOAT32, SIZE_MAX, &nb_adam, NULL),
                   __LINE__);
    for (size_t i = 0; nb_optimizer_types[i]; i++) {
        const nb_optimizer_type *type = nb_optimizer_types[i];
        const double wrong[] = {(double)NAN, (double)INFINITY, -1, 1.5};
        for (size_t k = 0; k < COUNT(wrong); k++) {
            nb_optimizer_options bad[7];
            for (size_t j = 0; j < COUNT(bad); j++) nb_optimizer_defaults(type, &bad[j]);
            bad[0].momentum = wrong[k];
            bad[1].decay = wrong[k];
            bad[2].beta1 = wrong[k];
            bad[3].beta2 = wrong[k];
            bad[4].weight_decay = k == 3 ? -1 : wrong[k];
            bad[5].clip = k == 1 || k == 3 ? -1 : wrong[k];
            bad[6].lr = k < 2 ? wrong[k] : (double)NAN;
            for (size_t j = 0; j < COUNT(bad); j++) {
                INVALID(nb_optimizer_create(&o, s.g, type, &bad[j]));
                assert_null(o);
            }
        }
    }
    nb_optimizer_destroy(NULL);
    INVALID(nb_optimizer_step(NULL, s.loss));
    INVALID(nb_optimizer_update(NULL));
    INVALID(nb_optimizer_forward(NULL, s.loss));
    INVALID(nb_optimizer_apply(NULL, numbers, numbers));
    assert_true(isnan(nb_optimizer_lr(NULL)) && isnan(nb_optimizer_norm(NULL)));
    assert_int_equal(nb_optimizer_steps(NULL) + nb_optimizer_states(NULL), 0);
    assert_null(nb_optimizer_state_at(NULL, 0).name);

    assert_ok(nb_optimizer_create(&o, s.g, &nb_adam, NULL));
    assert_ok(nb_optimizer_create_for_vectors(&v, NB_FLOAT32, 3, &nb_adam, NULL));
    INVALID(nb_optimizer_step(o, NULL));
    INVALID(nb_optimizer_forward(o, NULL));
    INVALID(nb_optimizer_step(o, other.loss));
    INVALID(nb_optimizer_forward(o, other.loss));
    INVALID(nb_optimizer_step(o, s.loss)); /* no forward pass */
    INVALID(nb_optimizer_forward(o, s.loss));
    INVALID(nb_optimizer_apply(o, numbers, numbers));
    INVALID(nb_optimizer_apply(v, NULL, numbers));
    INVALID(nb_optimizer_apply(v, numbers, NULL));
    INVALID(nb_optimizer_step(v, s.loss));
    INVALID(nb_optimizer_update(v));
    INVALID(nb_optimizer_forward(v, s.loss));
    assert_int_equal(nb_optimizer_steps(o) + nb_optimizer_steps(v), 0);
    assert_null(nb_optimizer_state_at(o, nb_optimizer_states(o)).name);
    nb_optimizer_destroy(o);
    nb_optimizer_destroy(v);
    nb_graph_destroy(s.g);
    nb_graph_destroy(other.g);
}

/* --- dataset.h -------------------------------------------------------------------------------- */

/* test_dataset has the rest. */
static void no_dataset(void **state)
{
    (void)state;
    const nb_dataset none = {.scale = 0};
    nb_dataset d = {.x = floats(NB_SHAPE(4, 3)), .t = ints(NB_SHAPE(4)), .classes = 2};
    nb_tensor x = floats(NB_SHAPE(4, 3));
    const size_t index[4] = {0};
    INVALID(nb_dataset_check(NULL, NULL));
    INVALID(nb_dataset_check(&none, NULL));
    assert_int_equal(nb_dataset_count(NULL) + nb_dataset_count(&none), 0);
    assert_int_equal(nb_dataset_x_shape(NULL, 3).ndim, 0);
    assert_int_equal(nb_dataset_t_shape(NULL, 3).ndim, 0);
    INVALID(nb_dataset_check(&(nb_dataset){.x = nb_dataset_rows(NULL, 0, 1).x}, NULL));
    const nb_dataset beyond = nb_dataset_rows(&d, 3, 5), backward = nb_dataset_rows(&d, 3, 2);
    INVALID(nb_dataset_check(&beyond, NULL));
    INVALID(nb_dataset_check(&backward, NULL));
    INVALID(nb_dataset_gather(NULL, 4, index, &x, NULL));
    INVALID(nb_dataset_gather(&none, 4, index, &x, NULL));
    INVALID(nb_dataset_range(NULL, 0, 4, &x, NULL));
    INVALID(nb_dataset_range(&none, 0, 4, &x, NULL));
    nb_random random;
    nb_dataset first = {.classes = 9}, second = first;
    size_t order[4], firsts;
    nb_random_seed(&random, 1);
    nb_dataset_destroy(NULL);
    INVALID(nb_dataset_split(NULL, .5, &random, order, &firsts));
    INVALID(nb_dataset_divide(NULL, .5, &random, &first, &second));
    assert_true(first.classes == 0 && second.classes == 0);
    INVALID(nb_dataset_divide(&d, .5, NULL, &first, &second));
    INVALID(nb_dataset_divide(&d, .5, &random, NULL, &second));
    INVALID(nb_dataset_divide(&d, .5, &random, &first, NULL));
    INVALID(nb_dataset_divide(&d, 0, &random, &first, &second));
    INVALID(nb_dataset_divide(&d, (double)NAN, &random, &first, &second));
    nb_dataset_destroy(&first);
    d.x.packed = &(nb_packed){0};
    DTYPE(nb_dataset_check(&d, NULL));
    d.x.packed = NULL;
    d.t.packed = &(nb_packed){0};
    DTYPE(nb_dataset_check(&d, NULL));
}

/* --- model.h ---------------------------------------------------------------------------------- */

static nb_model *model_of(nb_loss loss)
{
    nb_model *m;
    nb_random random;
    nb_random_seed(&random, 1);
    support_fill_s(COUNT(numbers), numbers, 1);
    memset(integers, 0, sizeof integers);
    assert_ok(nb_model_create(&m, &(nb_model_options){.input = NB_SHAPE(3),
                                                      .layers = NB_LAYERS(nb_dense(2)),
                                                      .loss = loss,
                                                      .max_batch = 4,
                                                      .random = &random}));
    return m;
}

static void models_that_cannot_be(void **state)
{
    (void)state;
    const nb_model_options good = {.input = NB_SHAPE(3), .layers = NB_LAYERS(nb_dense(2))};
    nb_layer dense = nb_dense(2), act = nb_act(NB_LEAKY_RELU), none = {.kind = (nb_layer_kind)99};
    nb_model_options bad[20];
    nb_model *m = (nb_model *)(uintptr_t)1;
    size_t n = 0;
    for (size_t i = 0; i < COUNT(bad); i++) bad[i] = good;
    bad[n++].layers = (nb_layers){0, &dense};
    bad[n++].layers = (nb_layers){1, NULL};
    bad[n++].layers = (nb_layers){1, &none};
    bad[n++].layers = NB_LAYERS(nb_dense(0));
    bad[n++].layers = NB_LAYERS(nb_act((nb_activation)99), nb_dense(2));
    act.value = (double)NAN;
    bad[n++].layers = (nb_layers){1, &act};
    bad[n++].loss = (nb_loss)99;
    bad[n++].init = (nb_init)99;
    bad[n++].std = -1;
    bad[n++].std = (double)NAN;
    bad[n++].epsilon = -1;
    bad[n++].epsilon = (double)NAN;
    bad[n++].delta = -1;
    bad[n++].scale = (double)INFINITY;
    bad[n++].dtype = NB_UINT8;
    bad[n++].input = NB_SCALAR;
    bad[n++].input = nine_dims;
    bad[n++].input = NB_SHAPE(3, 0);
    bad[n++].classes = (const char *const[]){"a", NULL};
    bad[n++].max_batch = SIZE_MAX;
    assert_int_equal(n, COUNT(bad));
    for (size_t i = 0; i < n; i++) {
        nb_fail(NB_OK, "%s", "");
        if (!nb_model_create(&m, &bad[i]) || m || !*nb_last_error()) fail_msg("case %zu", i);
    }
    INVALID(nb_model_create(NULL, &good));
    INVALID(nb_model_create(&m, NULL));
    SHAPE(nb_two_layer_net_create(&m, 0, 1, 1, .1, NB_RELU, NB_FLOAT32, 1, NULL));
    INVALID(nb_two_layer_net_create(NULL, 1, 1, 1, .1, NB_RELU, NB_FLOAT32, 1, NULL));
    INVALID(nb_simple_net_create(NULL, NB_FLOAT32, NULL));
    DTYPE(nb_simple_net_create(&m, NB_INT8, NULL));
    assert_null(m);
    assert_string_equal(nb_activation_name((nb_activation)99), "");
    assert_string_equal(nb_loss_name((nb_loss)-1), "");
}

static void no_model(void **state)
{
    (void)state;
    nb_model *m = (nb_model *)(uintptr_t)1;
    nb_node *loss;
    nb_tensor x = floats(NB_SHAPE(4, 3)), t = ints(NB_SHAPE(4)), y = floats(NB_SHAPE(4, 2));
    nb_random random;
    nb_score score = {0};
    nb_batch batch = {.n = 4, .x = x, .t = t};
    double value = 7;
    nb_random_seed(&random, 1);
    INVALID(nb_model_clone(NULL, &m));
    assert_null(m);
    nb_model_destroy(NULL);
    INVALID(nb_model_draw(NULL, &random));
    INVALID(nb_model_scores(NULL, &x, &y));
    INVALID(nb_model_predict(NULL, &x, &y));
    INVALID(nb_model_feed(NULL, &x, &t, &loss));
    INVALID(nb_model_feed_batch(NULL, &batch, &loss));
    INVALID(nb_model_loss(NULL, &x, &t, &value));
    INVALID(nb_model_accuracy(NULL, &x, &t, &value));
    INVALID(nb_model_gradient(NULL, &x, &t));
    INVALID(nb_model_numerical_gradient(NULL, &x, &t, 1e-4));
    assert_null(nb_model_parameter(NULL, "W1"));
    INVALID(nb_model_compare(NULL, &t, &score));
    assert_true(isnan(nb_model_metric(NULL, &score)) && isnan(nb_score_r2(NULL)));
    assert_true(isnan(nb_score_r2(&score)));
    assert_string_equal(nb_model_metric_name(NULL), "");
    assert_false(nb_model_metric_better(NULL, 1, 2) || nb_model_metric_better(NULL, 2, 1));
    assert_true(value == 7);
}

static void models_with_wrong_data(void **state)
{
    (void)state;
    for (int loss_kind = 0; loss_kind < NB_LOSSES; loss_kind++) {
        nb_model *m = model_of((nb_loss)loss_kind);
        const bool classes = loss_kind == NB_CROSS_ENTROPY;
        nb_node *loss;
        nb_tensor x = floats(NB_SHAPE(4, 3)), T = floats(NB_SHAPE(4, 2)), y = T, none = {0}, bad;
        nb_tensor t = ints(NB_SHAPE(4));
        nb_score score = {0};
        double value = 7;
        const nb_packed packed = {0};
        nb_random random;
        nb_random_seed(&random, 1);
        const nb_tensor *const right = classes ? &t : &T;
        const nb_batch batch = {.n = 4, .x = none, .t = T};
        INVALID(nb_model_clone(m, NULL));
        INVALID(nb_model_draw(m, NULL));
        INVALID(nb_model_scores(m, NULL, &y));
        INVALID(nb_model_scores(m, &x, NULL));
        INVALID(nb_model_predict(m, NULL, &y));
        INVALID(nb_model_predict(m, &x, NULL));
        INVALID(nb_model_predict(m, &x, &none));
        bad = floats(NB_SHAPE(4, 3));
        bad.data = NULL;
        INVALID(nb_model_predict(m, &bad, &y));
        bad = floats(nine_dims);
        assert_true(nb_model_predict(m, &bad, &y) != NB_OK);
        INVALID(nb_model_feed(m, NULL, right, &loss));
        INVALID(nb_model_feed(m, &x, NULL, &loss));
        INVALID(nb_model_feed(m, &x, right, NULL));
        INVALID(nb_model_feed(m, &x, &none, &loss));
        INVALID(nb_model_feed(m, &none, right, &loss));
        INVALID(nb_model_feed_batch(m, NULL, &loss));
        INVALID(nb_model_feed_batch(m, &batch, &loss));
        INVALID(nb_model_loss(m, &x, right, NULL));
        INVALID(nb_model_accuracy(m, &x, right, NULL));
        INVALID(nb_model_accuracy(m, &x, NULL, &value));
        INVALID(nb_model_gradient(m, &x, NULL));
        INVALID(nb_model_numerical_gradient(m, &x, right, (double)NAN));
        assert_null(nb_model_parameter(m, NULL));
        assert_ok(nb_feed(m->x, NULL));
        INVALID(nb_model_compare(m, right, &score)); /* not fed */
        assert_ok(nb_feed(m->x, &x));
        INVALID(nb_model_compare(m, NULL, &score));
        INVALID(nb_model_compare(m, right, NULL));
        INVALID(nb_model_compare(m, &none, &score));
        bad = T;
        bad.packed = &packed;
        INVALID(nb_model_compare(m, &bad, &score));
        bad = floats(NB_SHAPE(4, 1));
        SHAPE(nb_model_compare(m, &bad, &score));
        if (!classes) {
            DTYPE(nb_model_feed(m, &x, &t, &loss));
            DTYPE(nb_model_compare(m, &t, &score));
        }
        if (!classes && loss_kind != NB_BINARY_CROSS_ENTROPY)
            INVALID(nb_model_accuracy(m, &x, &T, &value));
        assert_true(value == 7 && score.count == 0);
        assert_ok(nb_model_loss(m, &x, right, &value));
        nb_model_destroy(m);
    }
}

/* A packed matrix has no rows to be cut out of: more of them than one pass takes are refused. */
static void packed_rows_beyond_one_pass(void **state)
{
    (void)state;
    nb_model *m = model_of(NB_CROSS_ENTROPY);
    const nb_run run = {1, 2};
    const nb_packed packed = {.columns = 1, .runs = 1, .run = &run};
    float column[9] = {0}, y_data[18];
    int32_t labels[9] = {0};
    double accuracy;
    for (size_t n = 1; n <= 9; n++) {
        nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(n, 3), column);
        nb_tensor y = nb_tensor_view(NB_FLOAT32, NB_SHAPE(n, 2), y_data);
        const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(n), labels);
        x.packed = &packed;
        if (n <= 4) {
            assert_ok(nb_model_predict(m, &x, &y));
            assert_ok(nb_model_accuracy(m, &x, &t, &accuracy));
        } else {
            INVALID(nb_model_predict(m, &x, &y));
            INVALID(nb_model_accuracy(m, &x, &t, &accuracy));
        }
    }
    nb_model_destroy(m);
}

/* --- model_file.h ----------------------------------------------------------------------------- */

static void model_files(void **state)
{
    (void)state;
    nb_model *m = model_of(NB_CROSS_ENTROPY), *opened = (nb_model *)(uintptr_t)1;
    const char *path = support_path("m.npz");
    INVALID(nb_model_save(NULL, path));
    INVALID(nb_model_save(m, NULL));
    INVALID(nb_model_save(m, ""));
    INVALID(nb_model_save(m, "noSuffix"));
    INVALID(nb_model_can_save(NULL, path));
    INVALID(nb_model_can_save(m, NULL));
    INVALID(nb_model_load(NULL, path));
    INVALID(nb_model_load(m, NULL));
    INVALID(nb_model_load(m, ""));
    assert_answers(NB_EIO, nb_model_load(m, support_path("none.npz")), __LINE__);
    assert_answers(NB_EIO, nb_model_save(m, support_path("none/m.npz")), __LINE__);
    INVALID(nb_model_open(NULL, path, NULL));
    INVALID(nb_model_open(&opened, NULL, NULL));
    assert_null(opened);
    INVALID(nb_model_open_perceptron(NULL, path, NB_RELU, NULL));
    INVALID(nb_model_open_perceptron(&opened, NULL, NB_RELU, NULL));
    INVALID(nb_model_parse(NULL, "PK", 2, ".npz", "memory", NULL));
    INVALID(nb_model_parse(&opened, NULL, 2, ".npz", "memory", NULL));
    INVALID(nb_model_parse(&opened, "PK", 2, NULL, "memory", NULL));
    INVALID(nb_model_parse(&opened, "PK", 2, ".npz", NULL, NULL));
    INVALID(nb_model_parse(&opened, "PK", 2, ".txt", "memory", NULL));
    INVALID(nb_model_from_arrays(NULL, &(nb_arrays){0}, "memory", NULL));
    INVALID(nb_model_from_arrays(&opened, NULL, "memory", NULL));
    INVALID(nb_model_from_arrays(&opened, &(nb_arrays){0}, NULL, NULL));
    for (int i = 0; i < 3; i++)
        assert_answers(NB_EFORMAT,
                       nb_model_parse(&opened, "PK", (size_t)i, i % 2 ? ".npz" : ".safetensors",
                                      "memory", NULL),
                       __LINE__);
    assert_null(opened);
    assert_ok(nb_model_save(m, path));
    assert_fails(NB_EINVAL, "activation=99",
                 nb_model_open_perceptron(&opened, path, (nb_activation)99, NULL));
    DTYPE(nb_model_open(&opened, path, &(nb_model_options){.dtype = NB_INT8}));
    assert_null(opened);
    nb_model_destroy(m);
    /* Names of classes that no JSON text can hold. */
    assert_ok(nb_model_create(
        &m, &(nb_model_options){.input = NB_SHAPE(3),
                                .layers = NB_LAYERS(nb_dense(2)),
                                .classes = (const char *const[]){"a", "\xff\xfe"}}));
    assert_fails(NB_EINVAL, "the name of class 1", nb_model_save(m, path));
    nb_model_destroy(m);
}

/* --- train.h ---------------------------------------------------------------------------------- */

static void training(void **state)
{
    (void)state;
    nb_model *m = model_of(NB_CROSS_ENTROPY);
    nb_model *fit;
    nb_random random;
    nb_dataset d = {.x = floats(NB_SHAPE(4, 3)), .t = ints(NB_SHAPE(4)), .classes = 2};
    const nb_train_options good = {.iterations = 2, .batch = 2, .lr = .1, .threads = 1};
    nb_train_result r;
    nb_trainer *trainer = (nb_trainer *)(uintptr_t)1;
    double value = 7;
    nb_random_seed(&random, 1);
    SHAPE(nb_train(m, &d, NULL, &random, &good, &r)); /* max_batch */
    assert_ok(nb_model_create(&fit, &(nb_model_options){.input = NB_SHAPE(3),
                                                        .layers = NB_LAYERS(nb_dense(2)),
                                                        .random = &random}));
    INVALID(nb_train(NULL, &d, NULL, &random, &good, &r));
    INVALID(nb_train(fit, NULL, NULL, &random, &good, &r));
    assert_int_equal(r.completed, 0);
    INVALID(nb_train(fit, &d, NULL, NULL, &good, &r));
    INVALID(nb_train(fit, &d, NULL, &random, NULL, &r));
    INVALID(nb_train(fit, &d, NULL, &random, &good, NULL));
    INVALID(nb_trainer_create(NULL, fit, &d, NULL, &random, &good));
    INVALID(nb_trainer_create(&trainer, NULL, &d, NULL, &random, &good));
    assert_null(trainer);
    INVALID(nb_trainer_create(&trainer, fit, NULL, NULL, &random, &good));
    INVALID(nb_trainer_create(&trainer, fit, &d, NULL, NULL, &good));
    INVALID(nb_trainer_create(&trainer, fit, &d, NULL, &random, NULL));
    nb_train_options bad[9];
    for (size_t i = 0; i < COUNT(bad); i++) bad[i] = good;
    const nb_optimizer_options no_rate = {.lr = (double)NAN};
    bad[0].iterations = 0;
    bad[1].batch = 0;
    bad[2].lr = (double)NAN;
    bad[3].sampling = (nb_sampling)9;
    bad[4].gradient = (nb_gradient_method)9;
    bad[5].threads = NB_MAX_THREADS + 1;
    bad[6].patience = 1;
    bad[7].optimizer_options = &no_rate;
    bad[8].optimizer = &(nb_optimizer_type){.name = "none"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        INVALID(nb_train(fit, &d, NULL, &random, &bad[i], &r));
        INVALID(nb_trainer_create(&trainer, fit, &d, NULL, &random, &bad[i]));
        assert_null(trainer);
    }
    nb_dataset wrong = d;
    wrong.x.shape = NB_SHAPE(4, 2);
    SHAPE(nb_train(fit, &wrong, NULL, &random, &good, &r));
    SHAPE(nb_train(fit, &d, &wrong, &random, &good, &r));
    wrong = d;
    wrong.classes = 3;
    SHAPE(nb_train(fit, &wrong, NULL, &random, &good, &r));
    wrong.classes = 0;
    wrong.t = floats(NB_SHAPE(4, 3));
    SHAPE(nb_train(fit, &wrong, NULL, &random, &good, &r));

    INVALID(nb_trainer_step(NULL, &value));
    INVALID(nb_trainer_metric(NULL, &d, &value));
    assert_int_equal(nb_trainer_threads(NULL), 1);
    assert_null(nb_trainer_optimizer(NULL));
    nb_trainer_destroy(NULL);
    assert_ok(nb_trainer_create(&trainer, fit, &d, NULL, &random, &good));
    INVALID(nb_trainer_step(trainer, NULL));
    INVALID(nb_trainer_metric(trainer, NULL, &value));
    INVALID(nb_trainer_metric(trainer, &d, NULL));
    SHAPE(nb_trainer_metric(trainer, &wrong, &value));
    integers[0] = integers[1] = integers[2] = integers[3] = 5;
    RANGE(nb_trainer_step(trainer, &value));
    RANGE(nb_trainer_metric(trainer, &d, &value));
    assert_true(value == 7);
    memset(integers, 0, sizeof integers);
    assert_ok(nb_trainer_step(trainer, &value));
    nb_trainer_destroy(trainer);
    nb_model_destroy(fit);
    nb_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors),
        cmocka_unit_test(functions_of_no_nodes),
        cmocka_unit_test(functions_of_any_shapes),
        cmocka_unit_test(functions_of_labels),
        cmocka_unit_test(two_graphs_mixed),
        cmocka_unit_test(no_graph),
        cmocka_unit_test(operations_that_cannot_be),
        cmocka_unit_test(graphs_that_cannot_be),
        cmocka_unit_test(an_unfinished_graph),
        cmocka_unit_test(a_finished_graph),
        cmocka_unit_test(a_finished_graph_grows_no_more),
        cmocka_unit_test(use_after_an_error),
        cmocka_unit_test(optimizers),
        cmocka_unit_test(no_dataset),
        cmocka_unit_test(models_that_cannot_be),
        cmocka_unit_test(no_model),
        cmocka_unit_test(models_with_wrong_data),
        cmocka_unit_test(packed_rows_beyond_one_pass),
        cmocka_unit_test(model_files),
        cmocka_unit_test(training),
    };
    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
