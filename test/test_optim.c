#include "graph_fixtures.h"
#include "optim_fixtures.h"

#include "nablas/blas.h"
#include "nablas/memory.h"
#include "nablas/optim.h"
#include "nablas/threads.h"

#include <math.h>
#include <stdlib.h>

/* --- a graph with every kind of parameter ----------------------------------------------------- */

enum {
    rows = 2 * NB_ROW_GROUP + 3,
    inputs = 90,
    filled = 60,
    hidden = 100,
    outputs = 60,
    most = 6,
    first = 7
};

/* W1 meets a packed input, c is used twice, so that its gradient can go nowhere else, and nobody
 * uses `idle`. W1, W2 and V are weights of several blocks. */
typedef struct net {
    nb_graph *g;
    nb_node *x, *loss, *parameter[most];
    double whole[rows * inputs], packed[rows * filled];
    nb_run run;
    nb_packed packing;
} net;

static void net_feed(net *n, bool packed)
{
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, inputs), packed ? n->packed : n->whole);
    if (packed) x.packed = &n->packing;
    assert_ok(nb_feed(n->x, &x));
}

static net *net_of(bool packed)
{
    net *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->g = graph_of(NB_FLOAT64);
    n->x = nb_sparse(x_of(n->g, inputs));
    nb_node *W1 = nb_parameter(n->g, "W1", NB_SHAPE(inputs, hidden));
    nb_node *b1 = nb_parameter(n->g, "b1", NB_SHAPE(hidden));
    nb_node *W2 = nb_parameter(n->g, "W2", NB_SHAPE(hidden, outputs));
    nb_node *c = nb_parameter(n->g, "", NB_SHAPE(outputs));
    nb_node *V = nb_parameter(n->g, "W2", NB_SHAPE(hidden, outputs)); /* the other's name */
    nb_node *idle = nb_parameter(n->g, "idle", NB_SHAPE(5, 1));
    nb_node *h = nb_sigmoid(nb_affine(n->x, W1, b1));
    nb_node *y = nb_add(nb_affine(h, W2, c), nb_affine(h, V, c));
    n->loss = nb_sum(nb_multiply(nb_softmax(y), y));
    assert_ok(nb_graph_finish(n->g, rows));
    nb_node *const all[most] = {W1, b1, W2, c, V, idle};
    for (size_t i = 0; i < most; i++) {
        nb_tensor *value = nb_value(n->parameter[i] = all[i]);
        support_fill_d(nb_tensor_count(value), value->data, 10 + i);
    }
    support_fill_d(rows * filled, n->packed, 3);
    for (size_t i = 0; i < rows * filled; i++)
        n->whole[i / filled * inputs + first + i % filled] = n->packed[i];
    n->run = (nb_run){first, first + filled};
    n->packing = (nb_packed){.columns = filled, .runs = 1, .run = &n->run};
    net_feed(n, packed);
    return n;
}

static void net_destroy(net *n)
{
    nb_graph_destroy(n->g);
    free(n);
}

static nb_optimizer *optimizer_of(net *n, const nb_optimizer_type *type,
                                  const nb_optimizer_options *options)
{
    nb_optimizer *o;
    assert_ok(nb_optimizer_create(&o, n->g, type, options));
    return o;
}

static void take_step(nb_optimizer *o, net *n)
{
    assert_ok(nb_forward(n->loss));
    assert_ok(nb_optimizer_step(o, n->loss));
}

/* All parameters' bits. */
static void assert_same_parameters(const net *a, const net *b)
{
    for (size_t i = 0; i < most; i++)
        for (size_t j = 0; j < nb_tensor_count(nb_value(a->parameter[i])); j++)
            if (at(a->parameter[i], j) != at(b->parameter[i], j))
                fail_msg("parameter %zu[%zu]: %.17g and %.17g", i, j, at(a->parameter[i], j),
                         at(b->parameter[i], j));
}

/* --- the cases: every type with every kind of option ------------------------------------------- */

static bool is_odd(const nb_node *parameter, void *context)
{
    const net *n = context;
    return parameter == n->parameter[1] || parameter == n->parameter[4];
}

static const char *const kinds[] = {"plain",  "coupled", "decoupled",
                                    "chosen", "clipped", "warm-up"};

static nb_optimizer_options options_of(const nb_optimizer_type *type, size_t kind, net *n)
{
    nb_optimizer_options o;
    nb_optimizer_defaults(type, &o);
    if (kind == 1) o.decoupled = false;
    if (kind >= 1) o.weight_decay = 0.3;
    if (kind == 2) o.decoupled = true;
    if (kind == 3) {
        o.decays = is_odd;
        o.context = n;
    }
    if (kind == 4) o.clip = 0.02;
    if (kind == 5) o.schedule = (nb_lr_schedule){.warmup = 4};
    return o;
}

/* --- the definitions, written anew: one element of one step ------------------------------------ */

typedef struct element {
    double w, a, b; /* its states: v, h or m; Adam's v */
} element;

static element stepped(const nb_optimizer_type *type, const nb_optimizer_options *o, double lr,
                       double t, double lambda, double g, element e)
{
    if (!o->decoupled) g += lambda * e.w;
    if (o->decoupled) e.w -= lr * lambda * e.w;
    if (type == &nb_sgd) e.w -= lr * g;
    if (type == &nb_momentum || type == &nb_nesterov) {
        const double old = e.a;
        e.a = o->momentum * old - lr * g;
        e.w += type == &nb_momentum ? e.a : (1 + o->momentum) * e.a - o->momentum * old;
    }
    if (type == &nb_adagrad || type == &nb_rmsprop) {
        const double kept = type == &nb_adagrad ? 1 : o->decay;
        e.a = kept * e.a + (type == &nb_adagrad ? 1 : 1 - o->decay) * g * g;
        e.w -= lr * g / (sqrt(e.a) + o->epsilon);
    }
    if (type == &nb_adam || type == &nb_adamw) {
        e.a = o->beta1 * e.a + (1 - o->beta1) * g;
        e.b = o->beta2 * e.b + (1 - o->beta2) * g * g;
        const double m = e.a / (1 - pow(o->beta1, t)), v = e.b / (1 - pow(o->beta2, t));
        /* The book's epsilon stands beside the root of v as it is, the paper's beside v's. */
        const double epsilon = o->epsilon / (type == &nb_adam ? sqrt(1 - pow(o->beta2, t)) : 1);
        e.w -= lr * m / (sqrt(v) + epsilon);
    }
    return e;
}

/* One step of all parameters of `n` by the definitions; state: (most)(hidden * outputs ...). */
static void step_by_definition(net *n, const nb_optimizer_type *type, const nb_optimizer_options *o,
                               size_t t, element *state[most])
{
    double norm = 0;
    assert_ok(nb_forward(n->loss));
    assert_ok(nb_backward(n->loss));
    for (size_t i = 0; i < most; i++)
        for (size_t j = 0; j < nb_tensor_count(nb_value(n->parameter[i])); j++)
            norm += slope(n->parameter[i], j) * slope(n->parameter[i], j);
    norm = sqrt(norm);
    const double scale = o->clip > 0 && norm > o->clip ? o->clip / norm : 1;
    const double lr = o->lr * (t < o->schedule.warmup ? (double)t / (double)o->schedule.warmup : 1);
    for (size_t i = 0; i < most; i++) {
        nb_node *p = n->parameter[i];
        const bool decays = o->decays ? o->decays(p, o->context) : nb_value(p)->shape.ndim > 1;
        double *w = nb_value(p)->data;
        for (size_t j = 0; j < nb_tensor_count(nb_value(p)); j++) {
            state[i][j].w = w[j];
            state[i][j] = stepped(type, o, lr, (double)t, decays ? o->weight_decay : 0,
                                  scale * slope(p, j), state[i][j]);
            w[j] = state[i][j].w;
        }
    }
}

static void check_type(const nb_optimizer_type *type, size_t kind)
{
    net *fast = net_of(true), *slow = net_of(false);
    const nb_optimizer_options quick = options_of(type, kind, fast);
    const nb_optimizer_options plain = options_of(type, kind, slow);
    nb_optimizer *o = optimizer_of(fast, type, &quick);
    element *state[most];
    for (size_t i = 0; i < most; i++)
        assert_non_null(state[i] =
                            calloc(nb_tensor_count(nb_value(slow->parameter[i])), sizeof **state));
    for (size_t t = 1; t <= 6; t++) {
        take_step(o, fast);
        step_by_definition(slow, type, &plain, t, state);
        for (size_t i = 0; i < most; i++)
            for (size_t j = 0; j < nb_tensor_count(nb_value(fast->parameter[i])); j++) {
                const double got = at(fast->parameter[i], j), want = at(slow->parameter[i], j);
                if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want))))
                    fail_msg("%s, %s: parameter %zu[%zu] is %.17g after step %zu, not %.17g",
                             type->name, kinds[kind], i, j, got, t, want);
            }
    }
    assert_int_equal(nb_optimizer_steps(o), 6);
    for (size_t i = 0; i < most; i++) free(state[i]);
    nb_optimizer_destroy(o);
    net_destroy(fast);
    net_destroy(slow);
}

static void each_step_is_its_definition(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++)
        for (size_t kind = 0; kind < COUNT(kinds); kind++) check_type(*type, kind);
}

/* --- the ways of one step agree ----------------------------------------------------------------- */

/* Fused or not: to rounding. */
static void a_step_is_backward_and_update(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++)
        for (size_t kind = 0; kind < COUNT(kinds); kind++) {
            net *a = net_of(false), *b = net_of(false);
            const nb_optimizer_options of_a = options_of(*type, kind, a);
            const nb_optimizer_options of_b = options_of(*type, kind, b);
            nb_optimizer *one = optimizer_of(a, *type, &of_a), *two = optimizer_of(b, *type, &of_b);
            for (size_t t = 0; t < 4; t++) {
                take_step(one, a);
                assert_ok(nb_forward(b->loss));
                assert_ok(nb_backward(b->loss));
                assert_ok(nb_optimizer_update(two));
            }
            for (size_t i = 0; i < most; i++)
                assert_tensors_near(nb_value(a->parameter[i]), nb_value(b->parameter[i]), 1e-10);
            if (of_a.clip > 0)
                assert_near(nb_optimizer_norm(one), nb_optimizer_norm(two), 1e-12);
            else
                assert_true(isnan(nb_optimizer_norm(one)));
            nb_optimizer_destroy(one);
            nb_optimizer_destroy(two);
            net_destroy(a);
            net_destroy(b);
        }
}

/* What the graph prepared from weights is made anew where the optimiser wrote them itself. */
static void the_loss_after_a_step_is_of_the_new_weights(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++) {
        net *n = net_of(true);
        nb_optimizer *o = optimizer_of(n, *type, NULL);
        double before = (double)NAN;
        for (size_t t = 0; t < 3; t++) {
            take_step(o, n);
            assert_ok(nb_optimizer_forward(o, n->loss));
            const double loss = nb_scalar(n->loss);
            assert_true(loss != before);
            assert_ok(nb_forward(n->loss));
            assert_near(nb_scalar(n->loss), loss, 1e-12 * fabs(loss));
            before = loss;
        }
        /* An update by gradients of the caller's, after a step that was fused. */
        take_step(o, n);
        assert_ok(nb_optimizer_update(o));
        assert_ok(nb_optimizer_forward(o, n->loss));
        const double loss = nb_scalar(n->loss);
        assert_ok(nb_forward(n->loss));
        assert_near(nb_scalar(n->loss), loss, 1e-12 * fabs(loss));
        nb_optimizer_destroy(o);
        net_destroy(n);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    for (size_t threads = 2; threads <= 5; threads += 3)
        for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++)
            for (size_t kind = 0; kind < COUNT(kinds); kind += 2) {
                const bool packed = kind == 2;
                net *a = net_of(packed), *b = net_of(packed);
                nb_pool *pool;
                assert_ok(nb_pool_create(&pool, threads));
                assert_ok(nb_graph_set_pool(b->g, pool));
                const nb_optimizer_options of_a = options_of(*type, kind, a);
                const nb_optimizer_options of_b = options_of(*type, kind, b);
                nb_optimizer *one = optimizer_of(a, *type, &of_a);
                nb_optimizer *two = optimizer_of(b, *type, &of_b);
                for (size_t t = 0; t < 3; t++) {
                    take_step(one, a);
                    take_step(two, b);
                    assert_same_parameters(a, b);
                }
                nb_optimizer_destroy(one);
                nb_optimizer_destroy(two);
                net_destroy(a);
                net_destroy(b);
                nb_pool_destroy(pool);
            }
}

/* --- vectors ------------------------------------------------------------------------------------ */

static void the_naive_comparison_has_numpys_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(naive_comparison); k++) {
        const nb_optimizer_type *type = nb_optimizer_find(naive_comparison[k].name);
        nb_optimizer_options options;
        nb_optimizer *o;
        nb_optimizer_defaults(type, &options);
        options.lr = naive_comparison[k].lr;
        assert_ok(nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 2, type, &options));
        double w[2] = {-7, 2}, g[2];
        for (size_t t = 1, next = 0; t <= 30; t++) {
            naive_gradient(w, g);
            assert_ok(nb_optimizer_apply(o, w, g));
            if (t != naive_updates[next]) continue;
            for (int i = 0; i < 2; i++)
                if (w[i] != naive_comparison[k].after[next][i])
                    fail_msg("%s, update %zu: %.17g, NumPy %.17g", type->name, t, w[i],
                             naive_comparison[k].after[next][i]);
            next++;
        }
        assert_int_equal(nb_optimizer_steps(o), 30);
        nb_optimizer_destroy(o);
    }
}

/* Numbers of PyTorch 1.13: torch.optim.AdamW(lr=0.1, weight_decay=0.2) in float64. */
static void adamw_is_pytorchs(void **state)
{
    (void)state;
    static const double gradient[3][2] = {{.3, -2.385}, {1.7, .01}, {-.2, .6}};
    static const double want[3][2] = {{0.39000000333333318, -1.0760000004192871},
                                      {0.29727854467333348, -0.98778692538960589},
                                      {0.23348072460768113, -0.9336377312310703}};
    nb_optimizer_options options;
    nb_optimizer *o;
    nb_optimizer_defaults(&nb_adamw, &options);
    options.lr = .1;
    options.weight_decay = .2;
    assert_ok(nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 2, &nb_adamw, &options));
    double w[2] = {.5, -1.2};
    for (size_t t = 0; t < 3; t++) {
        assert_ok(nb_optimizer_apply(o, w, gradient[t]));
        for (size_t i = 0; i < 2; i++) assert_near(w[i], want[t][i], 4e-16);
    }
    nb_optimizer_destroy(o);
}

/* Float32 takes the same steps, to its own rounding. */
static void float32_goes_the_same_way(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++) {
        nb_optimizer *single, *twice;
        assert_ok(nb_optimizer_create_for_vectors(&single, NB_FLOAT32, 2, *type, NULL));
        assert_ok(nb_optimizer_create_for_vectors(&twice, NB_FLOAT64, 2, *type, NULL));
        float ws[2] = {-7, 2};
        double wd[2] = {-7, 2};
        for (size_t t = 0; t < 100; t++) {
            const float gs[2] = {ws[0] / 10, 2 * ws[1]};
            const double gd[2] = {wd[0] / 10, 2 * wd[1]};
            assert_ok(nb_optimizer_apply(single, ws, gs));
            assert_ok(nb_optimizer_apply(twice, wd, gd));
        }
        /* A rounding of w (at most 2^-22) and one of the step for each of the 100. */
        for (int i = 0; i < 2; i++) assert_near((double)ws[i], wd[i], 200 * 0x1p-22);
        nb_optimizer_destroy(single);
        nb_optimizer_destroy(twice);
    }
}

/* A vector longer than many blocks has the bits of its pieces; one without elements is fine. */
static void a_long_vector_is_its_pieces(void **state)
{
    (void)state;
    enum { n = 5 * 4096 + 77, m = 4096 + 3 };
    double *w = calloc(2 * n, sizeof *w), *g = calloc(n, sizeof *g);
    nb_optimizer *whole, *part, *none;
    assert_true(w && g);
    support_fill_d(n, g, 1);
    support_fill_d(n, w, 2);
    memcpy(w + n, w, n * sizeof *w);
    assert_ok(nb_optimizer_create_for_vectors(&whole, NB_FLOAT64, n, &nb_adam, NULL));
    assert_ok(nb_optimizer_create_for_vectors(&part, NB_FLOAT64, m, &nb_adam, NULL));
    for (size_t t = 0; t < 3; t++) {
        assert_ok(nb_optimizer_apply(whole, w, g));
        assert_ok(nb_optimizer_apply(part, w + 2 * n - m, g + n - m));
    }
    assert_memory_equal(w + n - m, w + 2 * n - m, m * sizeof *w);
    assert_ok(nb_optimizer_create_for_vectors(&none, NB_FLOAT64, 0, &nb_adam, NULL));
    assert_ok(nb_optimizer_apply(none, w, g));
    nb_optimizer_destroy(whole);
    nb_optimizer_destroy(part);
    nb_optimizer_destroy(none);
    free(w);
    free(g);
}

static void nan_and_infinity_propagate(void **state)
{
    (void)state;
    const double bad[] = {(double)NAN, (double)INFINITY};
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++)
        for (size_t k = 0; k < 4; k++) {
            nb_optimizer_options options;
            nb_optimizer *o;
            nb_optimizer_defaults(*type, &options);
            options.clip = k < 2 ? 0 : 1;
            assert_ok(nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 2, *type, &options));
            double w[2] = {1, 1};
            const double g[2] = {bad[k % 2], 0.5};
            assert_ok(nb_optimizer_apply(o, w, g));
            assert_true(!isfinite(w[0]));
            if (k < 2) assert_true(isfinite(w[1]));
            if (k >= 2) assert_true(!isfinite(nb_optimizer_norm(o)));
            nb_optimizer_destroy(o);
        }
}

/* --- states ------------------------------------------------------------------------------------- */

static void states_have_names_and_shapes(void **state)
{
    (void)state;
    static const char *const names[] = {
        "adam.step", "adam.m.W1", "adam.m.b1", "adam.m.W2", "adam.m.3", "adam.m.4",   "adam.m.idle",
        "adam.v.W1", "adam.v.b1", "adam.v.W2", "adam.v.3",  "adam.v.4", "adam.v.idle"};
    net *n = net_of(false);
    nb_optimizer *o = optimizer_of(n, &nb_adam, NULL), *vector;
    assert_int_equal(nb_optimizer_states(o), COUNT(names));
    take_step(o, n);
    take_step(o, n);
    for (size_t i = 0; i < COUNT(names); i++) {
        const nb_optimizer_state s = nb_optimizer_state_at(o, i);
        assert_string_equal(s.name, names[i]);
        if (i == 0) {
            assert_true(s.value.dtype == NB_INT64 && s.value.shape.ndim == 0);
            assert_true(*(int64_t *)s.value.data == 2);
        } else {
            const nb_tensor *value = nb_value(n->parameter[(i - 1) % most]);
            assert_true(nb_shape_equal(s.value.shape, value->shape));
            assert_int_equal((uintptr_t)s.value.data % NB_ALIGNMENT, 0);
        }
    }
    assert_null(nb_optimizer_state_at(o, COUNT(names)).name);
    assert_ok(nb_optimizer_create_for_vectors(&vector, NB_FLOAT32, 7, &nb_momentum, NULL));
    assert_int_equal(nb_optimizer_states(vector), 2);
    assert_string_equal(nb_optimizer_state_at(vector, 1).name, "momentum.v");
    assert_true(nb_shape_equal(nb_optimizer_state_at(vector, 1).value.shape, NB_SHAPE(7)));
    nb_optimizer_destroy(vector);
    nb_optimizer_destroy(o);
    net_destroy(n);
}

/* A run that was saved after two steps and goes on elsewhere: the bits of the run that did not end.
 */
static void states_written_back_resume_a_run(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++) {
        net *a = net_of(false), *b = net_of(false);
        nb_optimizer_options options;
        nb_optimizer_defaults(*type, &options);
        options.schedule = (nb_lr_schedule){.kind = NB_LR_COSINE, .warmup = 1, .total = 5};
        nb_optimizer *one = optimizer_of(a, *type, &options);
        nb_optimizer *two = optimizer_of(b, *type, &options);
        take_step(one, a);
        take_step(one, a);
        for (size_t i = 0; i < nb_optimizer_states(one); i++) {
            const nb_tensor from = nb_optimizer_state_at(one, i).value;
            nb_tensor to = nb_optimizer_state_at(two, i).value;
            assert_ok(nb_tensor_convert(&from, &to));
        }
        for (size_t i = 0; i < most; i++)
            assert_ok(nb_tensor_convert(nb_value(a->parameter[i]), nb_value(b->parameter[i])));
        for (size_t t = 0; t < 3; t++) {
            take_step(one, a);
            take_step(two, b);
            assert_same_parameters(a, b);
            assert_true(nb_optimizer_lr(one) == nb_optimizer_lr(two));
        }
        nb_optimizer_destroy(one);
        nb_optimizer_destroy(two);
        net_destroy(a);
        net_destroy(b);
    }
}

static void the_learning_rate_is_the_last_steps(void **state)
{
    (void)state;
    nb_optimizer *o;
    const nb_optimizer_options options = {.lr = 0.5, .schedule = {.warmup = 4}};
    assert_ok(nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 1, &nb_sgd, &options));
    static const double want[] = {0.125, 0.125, 0.25, 0.375, 0.5, 0.5};
    double w = 1;
    for (size_t t = 0; t < COUNT(want); t++) {
        assert_true(nb_optimizer_lr(o) == want[t]);
        assert_ok(nb_optimizer_apply(o, &w, &(double){0}));
    }
    nb_optimizer_destroy(o);
}

/* --- memory and misuse -------------------------------------------------------------------------- */

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++) {
        support_allocator_start(0);
        net *n = net_of(true);
        const nb_optimizer_options options = options_of(*type, 4, n);
        nb_optimizer *o = optimizer_of(n, *type, &options);
        const size_t before = support_memory.taken;
        take_step(o, n);
        assert_ok(nb_optimizer_forward(o, n->loss));
        assert_ok(nb_optimizer_update(o));
        assert_int_equal(support_memory.taken, before);
        nb_optimizer_destroy(o);
        net_destroy(n);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    net *n = net_of(false);
    const nb_optimizer_options options = options_of(&nb_adam, 4, n);
    nb_status status = NB_ENOMEM;
    size_t fail_at = 0;
    while (status) {
        nb_optimizer *o = (nb_optimizer *)&fail_at;
        support_allocator_start(++fail_at);
        status = nb_optimizer_create(&o, n->g, &nb_adam, &options);
        if (status) {
            assert_int_equal(status, NB_ENOMEM);
            assert_null(o);
        }
        nb_optimizer_destroy(o);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    }
    assert_true(fail_at > 10);
    net_destroy(n);
}

static void options_outside_their_range_are_named(void **state)
{
    (void)state;
    static const struct {
        nb_optimizer_options options;
        const char *text;
    } cases[] = {
        {{.lr = (double)NAN, .epsilon = 1}, "adam with lr=nan"},
        {{.lr = 1, .momentum = 1}, "momentum=1, expected 0 <= momentum < 1"},
        {{.lr = 1, .decay = -0.1}, "decay=-0.1"},
        {{.lr = 1, .beta1 = (double)NAN}, "beta1=nan"},
        {{.lr = 1, .beta2 = 1}, "beta2=1"},
        {{.lr = 1}, "epsilon=0, expected > 0 (1e-07 by nb_optimizer_defaults)"},
        {{.lr = 1, .epsilon = 1, .weight_decay = -1}, "weight_decay=-1"},
        {{.lr = 1, .epsilon = 1, .weight_decay = (double)INFINITY}, "weight_decay=inf"},
        {{.lr = 1, .epsilon = 1, .clip = -1}, "clip=-1"},
        {{.lr = 1, .epsilon = 1, .clip = (double)NAN}, "clip=nan"},
        {{.lr = 1, .epsilon = 1, .schedule = {.kind = NB_LR_STEPS}}, "every=0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_optimizer *o;
        assert_fails(
            NB_EINVAL, cases[i].text,
            nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 3, &nb_adam, &cases[i].options));
        assert_null(o);
    }
}

static void misuse_is_answered(void **state)
{
    (void)state;
    net *n = net_of(false), *other = net_of(false);
    nb_optimizer *o, *vector;
    double w[2] = {0}, g[2] = {0};
    nb_graph *unfinished = graph_of(NB_FLOAT64);
    assert_fails(NB_EINVAL, "optimizer is NULL", nb_optimizer_create(NULL, n->g, &nb_sgd, NULL));
    assert_fails(NB_EINVAL, "graph is NULL", nb_optimizer_create(&o, NULL, &nb_sgd, NULL));
    assert_fails(NB_EINVAL, "type is NULL", nb_optimizer_create(&o, n->g, NULL, NULL));
    assert_fails(NB_EINVAL, "type->step is NULL",
                 nb_optimizer_create(&o, n->g, &(nb_optimizer_type){.name = "own"}, NULL));
    assert_fails(NB_EINVAL, "not finished", nb_optimizer_create(&o, unfinished, &nb_sgd, NULL));
    assert_null(o);
    assert_fails(NB_EINVAL, "is NULL",
                 nb_optimizer_create_for_vectors(&o, NB_FLOAT64, 2, NULL, NULL));
    assert_fails(NB_EDTYPE, "int32 is neither",
                 nb_optimizer_create_for_vectors(&o, NB_INT32, 2, &nb_sgd, NULL));
    assert_int_equal(nb_optimizer_create_for_vectors(&o, NB_FLOAT64, SIZE_MAX / 2, &nb_adam, NULL),
                     NB_EOVERFLOW);

    o = optimizer_of(n, &nb_adam, NULL);
    assert_ok(nb_optimizer_create_for_vectors(&vector, NB_FLOAT64, 2, &nb_adam, NULL));
    assert_fails(NB_EINVAL, "optimizer is NULL", nb_optimizer_step(NULL, n->loss));
    assert_fails(NB_EINVAL, "loss is NULL", nb_optimizer_step(o, NULL));
    assert_fails(NB_EINVAL, "another graph", nb_optimizer_step(o, other->loss));
    assert_fails(NB_EINVAL, "for vectors", nb_optimizer_step(vector, n->loss));
    assert_fails(NB_EINVAL, "for vectors", nb_optimizer_update(vector));
    assert_fails(NB_EINVAL, "NULL", nb_optimizer_update(NULL));
    assert_fails(NB_EINVAL, "NULL", nb_optimizer_forward(NULL, n->loss));
    assert_fails(NB_EINVAL, "another graph", nb_optimizer_forward(o, other->loss));
    assert_fails(NB_EINVAL, "is a graph's", nb_optimizer_apply(o, w, g));
    assert_fails(NB_EINVAL, "NULL", nb_optimizer_apply(vector, NULL, g));
    assert_fails(NB_EINVAL, "NULL", nb_optimizer_apply(vector, w, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_optimizer_apply(NULL, w, g));
    assert_true(isnan(nb_optimizer_lr(NULL)) && isnan(nb_optimizer_norm(NULL)));
    assert_true(nb_optimizer_steps(NULL) == 0 && nb_optimizer_states(NULL) == 0);
    assert_null(nb_optimizer_state_at(NULL, 0).name);
    assert_null(nb_optimizer_find(NULL));
    assert_null(nb_optimizer_find("Adam"));
    nb_optimizer_options zeros = {.lr = 1};
    nb_optimizer_defaults(NULL, &zeros);
    assert_true(zeros.lr == 0);
    nb_optimizer_defaults(&nb_sgd, NULL);
    nb_optimizer_destroy(NULL);
    nb_optimizer_destroy(vector);
    nb_optimizer_destroy(o);
    nb_graph_destroy(unfinished);
    net_destroy(n);
    net_destroy(other);
}

/* A step that fails counts for nothing; a second step without a forward pass is one. */
static void a_step_needs_a_forward_pass(void **state)
{
    (void)state;
    for (const nb_optimizer_type *const *type = nb_optimizer_types; *type; type++) {
        net *n = net_of(false), *same = net_of(false);
        nb_optimizer *o = optimizer_of(n, *type, NULL);
        assert_fails(NB_EINVAL, "no nb_forward", nb_optimizer_step(o, n->loss));
        assert_same_parameters(n, same);
        assert_int_equal(nb_optimizer_steps(o), 0);
        take_step(o, n);
        assert_fails(NB_EINVAL, "no nb_forward", nb_optimizer_step(o, n->loss));
        assert_int_equal(nb_optimizer_steps(o), 1);
        nb_optimizer_destroy(o);
        net_destroy(n);
        net_destroy(same);
    }
}

/* w -= lr sign(g): a type of the caller's own, with a vector that counts. */
static void sign_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                      void *const *state, void *w)
{
    for (size_t i = 0; i < n; i++) {
        const double slope_here = k->get(g, i);
        k->set(state[0], i, k->get(state[0], i) + 1);
        k->set(w, i, k->get(w, i) - u->lr * ((slope_here > 0) - (slope_here < 0)));
    }
}

static void a_type_of_ones_own_works(void **state)
{
    (void)state;
    const nb_optimizer_type sign = {
        .name = "sign", .state = {"count"}, .defaults = {.lr = 0.25}, .step = sign_step};
    net *n = net_of(false);
    nb_optimizer *o = optimizer_of(n, &sign, NULL);
    const double before = at(n->parameter[2], 7);
    take_step(o, n);
    assert_near(fabs(at(n->parameter[2], 7) - before), 0.25, 1e-15);
    const nb_optimizer_state counted = nb_optimizer_state_at(o, 3);
    assert_string_equal(counted.name, "sign.count.W2");
    assert_true(((double *)counted.value.data)[7] == 1);
    nb_optimizer_destroy(o);
    net_destroy(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_is_its_definition),
        cmocka_unit_test(a_step_is_backward_and_update),
        cmocka_unit_test(the_loss_after_a_step_is_of_the_new_weights),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(the_naive_comparison_has_numpys_bits),
        cmocka_unit_test(adamw_is_pytorchs),
        cmocka_unit_test(float32_goes_the_same_way),
        cmocka_unit_test(a_long_vector_is_its_pieces),
        cmocka_unit_test(nan_and_infinity_propagate),
        cmocka_unit_test(states_have_names_and_shapes),
        cmocka_unit_test(states_written_back_resume_a_run),
        cmocka_unit_test(the_learning_rate_is_the_last_steps),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(options_outside_their_range_are_named),
        cmocka_unit_test(misuse_is_answered),
        cmocka_unit_test(a_step_needs_a_forward_pass),
        cmocka_unit_test(a_type_of_ones_own_works),
    };
    nb_blas_set_threads(1); /* as during a run; its own threads would change bits */
    return cmocka_run_group_tests_name("optim", tests, NULL, NULL);
}
