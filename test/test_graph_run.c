/* Running a graph: feeding, the order of calls, what comes out. */
#include "graph_fixtures.h"

#include "nablas/blas.h"
#include "nablas/loss.h"
#include "nablas/threads.h"

#include <math.h>
#include <stdatomic.h>

/* --- feeding and the order of calls ----------------------------------------------------------- */

enum { most = 2 * NB_ROW_GROUP + 1 }; /* rows enough to be shared out */

typedef struct small {
    nb_graph *g;
    nb_node *x, *T, *t, *W, *b, *scores, *labels_loss, *loss, *other;
    double numbers[most * 3], rows[most * 2];
    int32_t label[most];
} small;

/* (batch,3) -> 2 classes, with labels, one-hot rows and squares as losses. */
static void small_init(small *s, size_t max_batch)
{
    s->g = graph_of(NB_FLOAT64);
    s->x = x_of(s->g, 3);
    s->T = nb_input(s->g, "T", NB_SHAPE(NB_BATCH, 2));
    s->t = nb_labels(s->g, "t");
    s->W = nb_parameter(s->g, "W", NB_SHAPE(3, 2));
    s->b = nb_parameter(s->g, "b", NB_SHAPE(2));
    s->scores = nb_affine(s->x, s->W, s->b);
    s->labels_loss = nb_softmax_cross_entropy(s->scores, s->t, NB_BOOK_EPSILON);
    s->loss = nb_name(nb_mean_squared_error(nb_sigmoid(s->scores), s->T), "squares");
    s->other = nb_mean_squared_error(s->scores, s->T);
    assert_ok(nb_graph_finish(s->g, max_batch));
    support_fill_d(most * 3, s->numbers, 1);
    support_fill_d(most * 2, s->rows, 2);
    for (size_t i = 0; i < most; i++) s->label[i] = (int32_t)(i % 2);
    PUT(s->W, .1, -.2, .3, .4, -.5, .6);
    PUT(s->b, .7, -.8);
}

static void small_feed(small *s, size_t rows)
{
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 3), s->numbers);
    const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, 2), s->rows);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(rows), s->label);
    assert_ok(nb_feed(s->x, &x));
    assert_ok(nb_feed(s->T, &T));
    assert_ok(nb_feed(s->t, &t));
}

static void feeding_is_checked(void **state)
{
    (void)state;
    small s;
    float single[15] = {0};
    small_init(&s, 4);
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), s.numbers);
    assert_fails(NB_EINVAL, "nb_feed: W is not an input", nb_feed(s.W, &x));
    assert_fails(NB_EINVAL, "nb_feed: affine is not an input", nb_feed(s.scores, &x));
    assert_ok(nb_feed(s.x, &x));
    const nb_tensor wrong[] = {
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3, 1), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(0, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(NB_BATCH, 3), s.numbers),
        nb_tensor_view(NB_FLOAT64, NB_SCALAR, s.numbers),
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(NB_ESHAPE, "expected (4, 3) or fewer rows", nb_feed(s.x, &wrong[i]));
    assert_fails(NB_ESHAPE, "nb_feed: x is (5, 3), expected", nb_feed(s.x, &wrong[0]));
    const nb_tensor f = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 3), single);
    assert_fails(NB_EDTYPE, "nb_feed: x takes float64, not float32", nb_feed(s.x, &f));
    assert_fails(NB_EDTYPE, "nb_feed: t takes int32, not float64", nb_feed(s.t, &x));
    /* The value fed before stays. */
    assert_ptr_equal(nb_value(s.x)->data, s.numbers);
    assert_true(nb_shape_equal(nb_value(s.x)->shape, NB_SHAPE(3, 3)));
    assert_ok(nb_forward(s.scores));
    assert_true(nb_shape_equal(nb_value(s.scores)->shape, NB_SHAPE(3, 2)));
    nb_graph_destroy(s.g);

    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *v = nb_input(g, "v", NB_SHAPE(2));
    x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), s.numbers);
    assert_fails(NB_EINVAL, "v is not an input of a finished graph", nb_feed(v, &x));
    assert_ok(nb_graph_finish(g, 4));
    assert_ok(nb_feed(v, &x));
    x.shape = NB_SHAPE(1);
    assert_fails(NB_ESHAPE, "nb_feed: v is (1,), expected (2,)", nb_feed(v, &x));
    assert_null(strstr(nb_last_error(), "fewer"));
    nb_graph_destroy(g);
}

static void forward_needs_what_it_needs(void **state)
{
    (void)state;
    small s;
    small_init(&s, 5);
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 3), s.numbers);
    nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), s.rows);
    assert_fails(NB_EINVAL, "nb_forward: the input x was not fed", nb_forward(s.scores));
    assert_ok(nb_feed(s.x, &x));
    assert_ok(nb_forward(s.scores)); /* without a target */
    assert_fails(NB_EINVAL, "nb_forward: the input T was not fed", nb_forward(s.loss));
    assert_ok(nb_feed(s.T, &T));
    assert_fails(NB_ESHAPE, "x has 3 rows, T has 2", nb_forward(s.loss));
    assert_ok(nb_forward(s.scores));
    T.shape.dim[0] = 3;
    assert_ok(nb_feed(s.T, &T));
    assert_ok(nb_forward(s.loss));
    nb_graph_destroy(s.g);

    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *p = nb_sum(p_of(g, NB_SHAPE(2)));
    assert_fails(NB_EINVAL, "not finished", nb_forward(p));
    nb_graph_destroy(g);
}

static void a_label_is_a_class(void **state)
{
    (void)state;
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, 3));
    for (size_t row = 0; row < most; row += 6)
        for (int threads = 0; threads < 2; threads++)
            for (int32_t wrong = -1; wrong <= 2; wrong += 3) {
                small s;
                char text[64];
                small_init(&s, most);
                small_feed(&s, most);
                nb_graph_set_pool(s.g, threads ? pool : NULL);
                s.label[row] = wrong;
                s.label[most - 1] = wrong; /* the first of two is named */
                snprintf(text, sizeof text, "t[%zu]=%d is no label of m=2 classes", row, wrong);
                assert_fails(NB_ERANGE, text, nb_forward(s.labels_loss));
                assert_fails(NB_EINVAL, "no nb_forward", nb_backward(s.labels_loss));
                s.label[row] = s.label[most - 1] = 1;
                assert_ok(nb_forward(s.labels_loss));
                nb_graph_destroy(s.g);
            }
    nb_pool_destroy(pool);
}

static void backward_follows_forward(void **state)
{
    (void)state;
    small s;
    small_init(&s, 5);
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_backward(s.loss));
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_descend(s.loss, .1));
    small_feed(&s, 3);
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.loss));
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_backward(s.loss));
    assert_ok(nb_backward(s.loss)); /* nothing changed */
    assert_fails(NB_EINVAL, "no nb_forward(sum)", nb_backward(s.other));
    assert_ok(nb_forward(s.other));
    assert_fails(NB_EINVAL, "no nb_forward(squares)", nb_backward(s.loss));
    assert_ok(nb_backward(s.other));
    small_feed(&s, 3);
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.other));
    /* Descent changes the parameters: what forward computed is past. */
    assert_ok(nb_forward(s.loss));
    assert_ok(nb_descend(s.loss, .1));
    assert_fails(NB_EINVAL, "since the last feed", nb_backward(s.loss));
    assert_fails(NB_EINVAL, "since the last feed", nb_descend(s.loss, .1));
    assert_ok(nb_forward(s.scores));
    assert_fails(NB_ESHAPE, "affine is (batch, 2), expected a scalar", nb_backward(s.scores));
    nb_graph_destroy(s.g);
}

/* A gradient belongs to the loss that was asked last; batches come and go. */
static void losses_share_a_graph(void **state)
{
    (void)state;
    small s;
    double first[8], second[8];
    small_init(&s, 5);
    small_feed(&s, 5);
    nb_node *const losses[] = {s.loss, s.labels_loss, s.other};
    const nb_tensor dw = nb_graph_gradients(s.g);
    assert_int_equal(nb_tensor_count(&dw), 16);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(nb_forward(losses[i]));
        assert_ok(nb_backward(losses[i]));
        for (size_t j = 0; j < 8; j++) first[j] = j < 6 ? slope(s.W, j) : slope(s.b, j - 6);
        /* In between: another loss, another batch. */
        small_feed(&s, 2);
        assert_ok(nb_forward(losses[(i + 1) % 3]));
        assert_true(nb_gradient(s.scores)->shape.dim[0] == 2);
        assert_ok(nb_backward(losses[(i + 1) % 3]));
        small_feed(&s, 5);
        assert_ok(nb_forward(losses[i]));
        assert_ok(nb_backward(losses[i]));
        for (size_t j = 0; j < 8; j++) second[j] = j < 6 ? slope(s.W, j) : slope(s.b, j - 6);
        assert_memory_equal(first, second, sizeof first);
        /* What this loss does not need has no gradient. */
        for (size_t k = 0; k < 3; k++) assert_true((nb_gradient(losses[k]) != NULL) == (k == i));
    }
    nb_graph_destroy(s.g);
}

static void a_target_cannot_be_learnt_through_the_entropy(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *loss = nb_softmax_cross_entropy(p_of(g, NB_SHAPE(2, 3)), p_of(g, NB_SHAPE(2, 3)), 0);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_forward(loss));
    assert_fails(NB_EINVAL, "the target has no gradient", nb_backward(loss));
    nb_graph_destroy(g);
}

/* A loss without a parameter, a parameter without a loss, a parameter as the loss. */
static void unreached_parameters_have_gradient_zero(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = nb_input(g, "x", NB_SHAPE(3)), *w = p_of(g, NB_SHAPE(3)), *p = p_of(g, NB_SCALAR);
    nb_node *sum_x = nb_sum(x), *sum_w = nb_sum(w);
    double numbers[3] = {1, 2, 4};
    const nb_tensor fed = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), numbers);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_feed(x, &fed));
    assert_ok(nb_forward(sum_w));
    assert_ok(nb_backward(sum_w));
    for (size_t i = 0; i < 3; i++) assert_true(slope(w, i) == 1);
    assert_true(slope(p, 0) == 0);
    assert_ok(nb_forward(sum_x));
    assert_true(nb_scalar(sum_x) == 7);
    assert_ok(nb_backward(sum_x));
    for (size_t i = 0; i < 3; i++) assert_true(slope(w, i) == 0);
    PUT(p, 3);
    assert_ok(nb_forward(p));
    assert_ok(nb_backward(p));
    assert_true(slope(p, 0) == 1 && slope(w, 0) == 0);
    assert_ok(nb_descend(p, .5));
    assert_true(at(p, 0) == 2.5 && at(w, 0) == 0);
    nb_graph_destroy(g);

    /* Also where nothing stands between descent and the parameter. */
    g = graph_of(NB_FLOAT64);
    p = p_of(g, NB_SCALAR);
    assert_ok(nb_graph_finish(g, 1));
    assert_ok(nb_forward(p));
    assert_ok(nb_descend(p, .5));
    assert_true(at(p, 0) == -.5);
    nb_graph_destroy(g);
}

/* From the logits, the loss stays finite where the probability is 0 in any precision. */
static void the_exact_logarithm_is_taken_of_the_logits(void **state)
{
    (void)state;
    static const double epsilon[] = {NB_EXACT_LOG, NB_BOOK_EPSILON};
    const double loss_of[] = {1000, -log(1e-7)};
    for (size_t e = 0; e < 2; e++) {
        double hot[] = {0, 1};
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *a = p_of(g, NB_SHAPE(1, 2)), *t = nb_input(g, "t", NB_SHAPE(1, 2));
        nb_node *loss = nb_softmax_cross_entropy(a, t, epsilon[e]);
        const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), hot);
        assert_ok(nb_graph_finish(g, 1));
        PUT(a, 1000, 0);
        assert_ok(nb_feed(t, &T));
        assert_ok(nb_forward(loss));
        assert_near(nb_scalar(loss), loss_of[e], 1e-12);
        assert_ok(nb_backward(loss));
        assert_true(slope(a, 0) == 1 && slope(a, 1) == -1);
        nb_graph_destroy(g);
    }
}

/* --- the book's numbers ----------------------------------------------------------------------- */

static void two_apples(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
    nb_node *number = nb_parameter(g, "number", NB_SCALAR);
    nb_node *tax = nb_parameter(g, "tax", NB_SCALAR);
    nb_node *price = nb_multiply(nb_multiply(apple, number), tax);
    assert_ok(nb_graph_finish(g, 1));
    PUT(apple, 100);
    PUT(number, 2);
    PUT(tax, 1.1);
    assert_ok(nb_forward(price));
    assert_near(nb_scalar(price), 220, 1e-13);
    assert_ok(nb_backward(price));
    assert_true(slope(apple, 0) == 2.2);
    assert_near(slope(number, 0), 110, 2e-14);
    assert_true(slope(tax, 0) == 200);
    nb_graph_destroy(g);
}

static void apples_and_oranges(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *leaf[5];
    static const double value[] = {100, 2, 150, 3, 1.1};
    static const double derivative[] = {2.2, 110, 3.3000000000000003, 165, 650};
    for (size_t i = 0; i < 5; i++) leaf[i] = p_of(g, NB_SCALAR);
    nb_node *apples = nb_multiply(leaf[0], leaf[1]), *oranges = nb_multiply(leaf[2], leaf[3]);
    nb_node *sum = nb_add(apples, oranges), *price = nb_multiply(sum, leaf[4]);
    assert_ok(nb_graph_finish(g, 1));
    for (size_t i = 0; i < 5; i++) put(leaf[i], 1, &value[i]);
    assert_ok(nb_forward(price));
    assert_near(nb_scalar(price), 715, 2e-13);
    assert_true(nb_scalar(sum) == 650);
    assert_ok(nb_backward(price));
    for (size_t i = 0; i < 5; i++) assert_near(slope(leaf[i], 0), derivative[i], 3e-14);
    assert_true(slope(leaf[2], 0) == 3.3000000000000003);
    assert_true(slope(sum, 0) == 1.1 && slope(apples, 0) == 1.1 && slope(price, 0) == 1);
    nb_graph_destroy(g);
}

static void the_three_layer_network(void **state)
{
    (void)state;
    static const double A1[] = {.3, .7, 1.1}, Z1[] = {.57444252, .66818777, .75026011};
    static const double A2[] = {.51615984, 1.21402696}, Z2[] = {.62624937, .7710107};
    static const double Y[] = {.31682708, .69627909};
    double numbers[] = {1, .5};
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(g, 2), *W[3], *b[3], *a[3], *z[3];
    static const size_t size[] = {2, 3, 2, 2};
    for (size_t l = 0; l < 3; l++) {
        W[l] = p_of(g, NB_SHAPE(size[l], size[l + 1]));
        b[l] = p_of(g, NB_SHAPE(size[l + 1]));
        a[l] = nb_affine(l ? z[l - 1] : x, W[l], b[l]);
        z[l] = l < 2 ? nb_sigmoid(a[l]) : nb_identity(a[l]);
    }
    assert_ok(nb_graph_finish(g, 1));
    PUT(W[0], .1, .3, .5, .2, .4, .6);
    PUT(b[0], .1, .2, .3);
    PUT(W[1], .1, .4, .2, .5, .3, .6);
    PUT(b[1], .1, .2);
    PUT(W[2], .1, .3, .2, .4);
    PUT(b[2], .1, .2);
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), numbers);
    assert_ok(nb_feed(x, &X));
    assert_ok(nb_forward(z[2]));
    for (size_t i = 0; i < 3; i++) {
        assert_near(at(a[0], i), A1[i], 1e-15);
        assert_near(at(z[0], i), Z1[i], 5e-9);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_near(at(a[1], i), A2[i], 5e-9);
        assert_near(at(z[1], i), Z2[i], 5e-9);
        assert_near(at(z[2], i), Y[i], 5e-9);
    }
    nb_graph_destroy(g);
}

typedef struct simple_case {
    double W[6], p[3], epsilon, loss, dW[6];
} simple_case;

static const simple_case simple_cases[] = {
    {{.47355232, .9977393, .84668094, .85557411, .03563661, .69422093},
     {1.05414809, .63071653, 1.1328074},
     NB_EXACT_LOG,
     0.92806853663411326,
     {.21924763, .14356247, -.36281009, .32887144, .2153437, -.54421514}},
    {{.47355232, .9977393, .84668094, .85557411, .03563661, .69422093},
     {1.05414809, .63071653, 1.1328074},
     NB_BOOK_EPSILON,
     0.9280682857864075,
     {.21924763, .14356247, -.36281009, .32887144, .2153437, -.54421514}},
    {{-.31211728, .81783696, 1.0369602, -.35531326, -.40729509, 1.30223118},
     {-.5070523, .1241366, 1.79418418},
     NB_BOOK_EPSILON,
     0.25338010072421907,
     {.0466332, .08766316, -.13429636, .06994981, .13149474, -.20144454}},
};

static void simple_net(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(simple_cases); c++) {
        const simple_case *s = &simple_cases[c];
        double numbers[] = {.6, .9}, hot[] = {0, 0, 1};
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = x_of(g, 2), *t = nb_input(g, "t", NB_SHAPE(NB_BATCH, 3));
        nb_node *W = p_of(g, NB_SHAPE(2, 3)), *p = nb_matmul(x, W);
        nb_node *loss = nb_softmax_cross_entropy(p, t, s->epsilon);
        assert_ok(nb_graph_finish(g, 1));
        put(W, 6, s->W);
        const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), numbers);
        const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), hot);
        assert_ok(nb_feed(x, &X));
        assert_ok(nb_feed(t, &T));
        assert_ok(nb_forward(loss));
        for (size_t i = 0; i < 3; i++) assert_near(at(p, i), s->p[i], 1e-8);
        /* Eight digits of W give as many of the loss: enough to tell the two epsilons apart. */
        assert_near(nb_scalar(loss), s->loss, 1e-8);
        assert_ok(nb_backward(loss));
        for (size_t i = 0; i < 6; i++) assert_near(slope(W, i), s->dW[i], 5e-8);
        nb_graph_destroy(g);
    }
}

/* --- an operation of one's own ---------------------------------------------------------------- */

/* attribute * x^3; keeps x^2 in aux. Counts the rows it was asked for. */
static atomic_size_t cube_rows;

static nb_status cube_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->kept = nb_tensor_width(&in[0]);
    return NB_OK;
}

static nb_status cube_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    const double *x = nb_tensor_at(c->in[0], lo);
    double *y = nb_tensor_at(c->out, lo), *kept = nb_tensor_at(c->kept, lo);
    atomic_fetch_add(&cube_rows, hi - lo);
    for (size_t i = 0; i < (hi - lo) * width; i++) {
        kept[i] = x[i] * x[i];
        y[i] = *(const double *)c->config * kept[i] * x[i];
    }
    return NB_OK;
}

static nb_status cube_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t j = c->input;
    const size_t width = nb_tensor_width(c->out);
    const double *kept = nb_tensor_at(c->kept, lo), *dy = nb_tensor_at(c->dout, lo);
    double *dx = nb_tensor_at(c->din, lo);
    assert_true(j == 0 && c->alpha == 1);
    for (size_t i = 0; i < (hi - lo) * width; i++)
        dx[i] =
            3 * *(const double *)c->config * kept[i] * dy[i] + (c->beta == 0 ? 0 : c->beta * dx[i]);
    return NB_OK;
}

static const nb_op cube = {.name = "cube",
                           .inputs = 1,
                           .config = sizeof(double),
                           .promises = NB_BY_ROW,
                           .plan = cube_plan,
                           .forward = {{cube_forward, NB_ROWS, 0, false}},
                           .backward = {{cube_backward, NB_INPUT_ROWS, 0, false}}};

static void an_operation_of_ones_own(void **state)
{
    (void)state;
    enum { n = 2 * NB_ROW_GROUP + 1, m = 3 };
    double numbers[n * m], W[m * m];
    support_fill_d(n * m, numbers, 8);
    support_fill_d(m * m, W, 9);
    for (size_t threads = 1; threads <= 4; threads++) {
        nb_pool *pool;
        assert_ok(nb_pool_create(&pool, threads));
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = x_of(g, m), *w = p_of(g, NB_SHAPE(m, m)), *a = nb_matmul(x, w);
        nb_node *y = nb_apply(&cube, &(double){.5}, (nb_node *[]){a}), *loss = nb_sum(y);
        assert_ok(nb_graph_finish(g, n));
        nb_graph_set_pool(g, pool);
        put(w, m * m, W);
        for (size_t rows = 1; rows <= n; rows += rows < 7 ? 1 : n - 7) {
            const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, m), numbers);
            assert_ok(nb_feed(x, &X));
            atomic_store(&cube_rows, 0);
            assert_ok(nb_forward(loss));
            assert_int_equal(atomic_load(&cube_rows), rows);
            assert_ok(nb_backward(loss));
            for (size_t i = 0; i < rows * m; i++) {
                assert_near(at(y, i), .5 * pow(at(a, i), 3), 1e-14);
                assert_near(slope(a, i), 1.5 * pow(at(a, i), 2), 1e-14);
            }
        }
        nb_graph_destroy(g);
        nb_pool_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feeding_is_checked),
        cmocka_unit_test(forward_needs_what_it_needs),
        cmocka_unit_test(a_label_is_a_class),
        cmocka_unit_test(backward_follows_forward),
        cmocka_unit_test(losses_share_a_graph),
        cmocka_unit_test(a_target_cannot_be_learnt_through_the_entropy),
        cmocka_unit_test(unreached_parameters_have_gradient_zero),
        cmocka_unit_test(the_exact_logarithm_is_taken_of_the_logits),
        cmocka_unit_test(two_apples),
        cmocka_unit_test(apples_and_oranges),
        cmocka_unit_test(the_three_layer_network),
        cmocka_unit_test(simple_net),
        cmocka_unit_test(an_operation_of_ones_own),
    };
    return cmocka_run_group_tests_name("graph_run", tests, NULL, NULL);
}
