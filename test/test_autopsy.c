/* Losses that are not finite: whose fault it is said to be, and runs that go on. */
#include "train_fixtures.h"

#include "nablas/autopsy.h"
#include "nablas/function.h"

#include <math.h>
#include <unistd.h>

/* --- runs that go wrong ----------------------------------------------------------------------- */

enum { ROWS = 40, COLUMNS = 6 };

/* Two classes of numbers about 0, in float64, to be spoilt. */
typedef struct spoilt {
    double x[ROWS * COLUMNS];
    int32_t t[ROWS];
    double W1, scale; /* the first weight; what x is divided by */
    double lr, decay;
    const nb_optimizer_type *type;
    nb_sampling sampling;
    size_t iterations, threads;
    nb_nan_options nan;
    nb_checkpoint_options checkpoint;
    bool careless;  /* no nan options */
    size_t fail_at; /* this allocation of nb_train */
    size_t seen;
    nb_autopsy first;
    size_t index[BATCH];
    size_t lines;
    double loss[512], lr_of[512];
    double weight[128];
    nb_train_result result;
} spoilt;

static spoilt of_lr(double lr)
{
    spoilt s = {.lr = lr, .type = &nb_sgd, .iterations = 60, .threads = 1, .W1 = 0.1};
    uint64_t state = 5;
    for (size_t i = 0; i < ROWS; i++) {
        s.t[i] = (int32_t)(i % 2);
        for (size_t j = 0; j < COLUMNS; j++)
            s.x[i * COLUMNS + j] = support_value(&state) + (i % 2 ? 0.4 : -0.4);
    }
    return s;
}

static nb_status note(const nb_autopsy *a, void *context)
{
    spoilt *s = context;
    if (s->seen++) return NB_OK;
    s->first = *a;
    memcpy(s->index, a->index, a->batch * sizeof *a->index);
    s->first.index = s->index;
    return NB_OK;
}

static nb_status line(const nb_progress *p, void *context)
{
    spoilt *s = context;
    assert_true(p->iteration < 512 && p->iteration <= s->lines); /* less: it went back */
    s->lines = p->iteration;
    s->lr_of[s->lines] = p->lr;
    s->loss[s->lines++] = p->loss;
    return NB_OK;
}

static nb_status run(spoilt *s)
{
    nb_random random;
    nb_model *net;
    const nb_dataset set = {.x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(ROWS, COLUMNS), s->x),
                            .t = nb_tensor_view(NB_INT32, NB_SHAPE(ROWS), s->t),
                            .scale = s->scale,
                            .classes = 2};
    nb_random_seed(&random, 11);
    assert_ok(nb_model_create(
        &net, &(nb_model_options){.input = NB_SHAPE(COLUMNS),
                                  .layers = NB_LAYERS(nb_dense(7), nb_act(NB_RELU), nb_dense(2)),
                                  .max_batch = nb_train_max_batch(BATCH),
                                  .random = &random}));
    if (s->W1 != 0.1) ((float *)nb_value(nb_graph_find(net->graph, "W1"))->data)[0] = (float)s->W1;
    nb_optimizer_options o;
    nb_optimizer_defaults(s->type, &o);
    o.lr = s->lr;
    o.weight_decay = s->decay;
    s->nan.found = note;
    s->nan.context = s;
    if (s->fail_at) support_allocator_start(s->fail_at);
    const nb_status status = nb_train(net, &set, NULL, &random,
                                      &(nb_train_options){.iterations = s->iterations,
                                                          .batch = BATCH,
                                                          .lr = s->lr,
                                                          .optimizer = s->type,
                                                          .optimizer_options = &o,
                                                          .sampling = s->sampling,
                                                          .threads = s->threads,
                                                          .nan = s->careless ? NULL : &s->nan,
                                                          .checkpoint = &s->checkpoint,
                                                          .report = line,
                                                          .context = s},
                                      &s->result);
    if (s->fail_at) assert_int_equal(support_memory.live, 0);
    if (s->fail_at) support_allocator_stop();
    const nb_tensor w = nb_graph_parameters(net->graph);
    assert_true(nb_tensor_count(&w) <= 128);
    nb_tensor copy = nb_tensor_view(NB_FLOAT64, w.shape, s->weight);
    assert_ok(nb_tensor_convert(&w, &copy));
    nb_model_destroy(net);
    return status;
}

/* --- causes ----------------------------------------------------------------------------------- */

static void a_learning_rate_that_is_too_large_is_named(void **state)
{
    (void)state;
    char text[NB_AUTOPSY_ROOM];
    spoilt s = of_lr(1e12);
    assert_fails(NB_EDIVERGED, "the learning rate 1e+12 is above 2 / the largest curvature",
                 run(&s));
    const nb_autopsy *a = &s.first;
    assert_int_equal(a->cause, NB_NAN_RATE);
    assert_int_equal(s.seen, 1);
    assert_int_equal(a->step, s.lines);
    assert_true(!isfinite(a->loss));
    assert_true(a->phase != NB_NAN_NOWHERE && a->node[0]);
    assert_true(a->stable > 0.01 && a->stable < 1000 && a->lr == 1e12);
    assert_int_equal(a->steps, a->step + 1 < NB_AUTOPSY_STEPS ? a->step + 1 : NB_AUTOPSY_STEPS);
    for (size_t i = 0; i + 1 < a->steps; i++) {
        assert_true(a->loss_of[i] == s.loss[a->step + 1 - a->steps + i]);
        /* Of descent: |update| = lr |gradient|, to float32. */
        assert_near(a->update[i] / (a->lr * a->gradient[i]), 1, 1e-5);
    }
    const size_t length = nb_autopsy_text(a, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "likely cause: the learning rate 1e+12 is above"));
    assert_non_null(strstr(text, "try: a learning rate of "));
}

/* Weights grow with each step until their type cannot hold them, more than a hundred steps on. */
static void a_late_step_has_the_twenty_before_it(void **state)
{
    (void)state;
    spoilt s = of_lr(0.01);
    s.decay = 240;
    s.iterations = 400;
    assert_int_equal(run(&s), NB_EDIVERGED);
    const nb_autopsy *a = &s.first;
    assert_true(a->step > NB_AUTOPSY_PERIOD);
    assert_int_equal(a->step, s.lines);
    assert_int_equal(a->steps, NB_AUTOPSY_STEPS);
    for (size_t i = 0; i + 1 < a->steps; i++) {
        assert_true(a->loss_of[i] == s.loss[a->step + 1 - a->steps + i]);
        assert_true(isfinite(a->update[i]) && isfinite(a->gradient[i]));
        /* What is subtracted is lr decay w = 2.4 w: -1.4 w is left. */
        if (i > 0) assert_near(a->update[i] / a->update[i - 1], 1.4, 0.01);
    }
}

/* The batch is the one that the stream gives in that step. */
static void the_batch_is_named(void **state)
{
    (void)state;
    for (int sampling = NB_REPLACE; sampling <= NB_IN_ORDER; sampling++) {
        spoilt s = of_lr(1e12);
        s.sampling = (nb_sampling)sampling;
        assert_int_equal(run(&s), NB_EDIVERGED);
        nb_random random;
        nb_model *net;
        nb_random_seed(&random, 11);
        assert_ok(nb_model_create(
            &net,
            &(nb_model_options){.input = NB_SHAPE(COLUMNS),
                                .layers = NB_LAYERS(nb_dense(7), nb_act(NB_RELU), nb_dense(2)),
                                .max_batch = 200,
                                .random = &random}));
        nb_model_destroy(net);
        const nb_dataset set = {.x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(ROWS, COLUMNS), s.x),
                                .t = nb_tensor_view(NB_INT32, NB_SHAPE(ROWS), s.t),
                                .classes = 2};
        nb_source *source;
        nb_batch batch;
        assert_ok(nb_source_create(
            &source, &set,
            &(nb_source_options){
                .dtype = NB_FLOAT32, .batch = BATCH, .sampling = s.sampling, .random = &random}));
        for (size_t i = 0; i <= s.first.step; i++) assert_ok(nb_source_next(source, &batch));
        assert_int_equal(s.first.batch, batch.n);
        for (size_t i = 0; i < batch.n; i++)
            assert_int_equal(s.index[i], batch.index ? batch.index[i] : batch.first + i);
        nb_source_destroy(source);
    }
}

static void a_bad_sample_is_found(void **state)
{
    (void)state;
    static const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < COUNT(bad); i++) {
        spoilt s = of_lr(0.1);
        s.x[23 * COLUMNS + 4] = bad[i];
        s.nan.halve = true; /* which would not help */
        assert_fails(NB_EDIVERGED,
                     "bad data: sample 23 of the training set is not finite in column 4", run(&s));
        assert_int_equal(s.first.cause, NB_NAN_DATA);
        assert_int_equal(s.first.row, 23);
        assert_int_equal(s.first.column, 4);
    }
}

static void bad_weights_are_found(void **state)
{
    (void)state;
    spoilt s = of_lr(0.1);
    s.W1 = (double)NAN;
    assert_fails(NB_EDIVERGED, "W1 was not finite before the step", run(&s));
    assert_int_equal(s.first.cause, NB_NAN_WEIGHTS);
    assert_int_equal(s.first.step, 0);
}

static void inputs_without_scale_are_named(void **state)
{
    (void)state;
    spoilt s = of_lr(0.1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) s.x[i] *= 1e18;
    assert_fails(NB_EDIVERGED, "the inputs are not scaled: they are from -1.", run(&s));
    assert_int_equal(s.first.cause, NB_NAN_UNSCALED);
    s = of_lr(0.1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) s.x[i] *= 1e18;
    s.scale = 1e18;
    assert_ok(run(&s));
}

static void weights_that_are_too_large_explode(void **state)
{
    (void)state;
    spoilt s = of_lr(0.1);
    s.W1 = 3e38;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) s.x[i] *= 10;
    assert_fails(NB_EDIVERGED, "the loss is ", run(&s));
    assert_int_equal(s.first.phase, NB_NAN_FORWARD);
    assert_int_equal(s.first.cause, NB_NAN_ACTIVATIONS);
    assert_non_null(strstr(s.first.node, "affine"));
}

/* A graph of one's own: mean(log(relu(x w))), 0 for a row of zeros. */
static void a_logarithm_of_zero_is_named(void **state)
{
    (void)state;
    nb_graph *g;
    nb_autopsy a;
    char text[256];
    double data[] = {1, 2, 0, 0};
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 2), data);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 2)),
            *w = nb_parameter(g, "w", NB_SHAPE(2, 1));
    nb_node *y = nb_log(nb_relu(nb_matmul(in, w))), *loss = nb_mean(y);
    assert_ok(nb_graph_finish(g, 2));
    ((double *)nb_value(w)->data)[0] = 3;
    assert_ok(nb_feed(in, &x));
    assert_ok(nb_forward(loss));
    assert_ok(nb_autopsy_graph(loss, &a));
    assert_int_equal(a.cause, NB_NAN_LOG);
    assert_int_equal(a.phase, NB_NAN_FORWARD);
    assert_int_equal(a.inputs, 1);
    assert_true(a.input[0].least == 0 && a.input[0].most == 3 && a.input[0].bad == 0);
    nb_autopsy_cause(&a, text, sizeof text);
    assert_non_null(strstr(text, "log (node "));
    assert_non_null(strstr(text, "no finite value where its input is 0 or less (it is from 0)"));
    /* sqrt of 0: the value is finite, its derivative is not. */
    nb_graph_destroy(g);
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 2)), w = nb_parameter(g, "w", NB_SHAPE(2, 1));
    loss = nb_mean(nb_sqrt(nb_matmul(in, w)));
    assert_ok(nb_graph_finish(g, 2));
    ((double *)nb_value(w)->data)[0] = 3;
    assert_ok(nb_feed(in, &x));
    assert_ok(nb_forward(loss));
    assert_true(isfinite(nb_scalar(loss)));
    assert_ok(nb_autopsy_graph(loss, &a));
    assert_int_equal(a.phase, NB_NAN_BACKWARD);
    assert_fails(NB_EINVAL, "loss is NULL", nb_autopsy_graph(NULL, &a));
    nb_graph_destroy(g);
}

/* --- what it costs, and what comes after ------------------------------------------------------ */

static void a_good_run_is_not_changed(void **state)
{
    (void)state;
    spoilt with = of_lr(0.1), without = of_lr(0.1);
    with.iterations = without.iterations = 350;
    without.careless = true;
    assert_ok(run(&with));
    assert_ok(run(&without));
    assert_int_equal(with.seen, 0);
    assert_memory_equal(with.weight, without.weight, sizeof with.weight);
    assert_memory_equal(with.loss, without.loss, sizeof with.loss);
}

/* At its end the weights are those before the step, and so is the checkpoint: it ends the same way. */
static void the_step_before_is_kept(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", support_path("before.nan"));
    spoilt s = of_lr(1e8);
    s.type = &nb_momentum;
    s.nan.checkpoint = path;
    s.iterations = 500;
    assert_int_equal(run(&s), NB_EDIVERGED);
    assert_true(s.first.step > 1);
    spoilt again = of_lr(1e8);
    again.type = &nb_momentum;
    again.iterations = 500;
    again.checkpoint.resume = path;
    again.lines = s.first.step;
    assert_int_equal(run(&again), NB_EDIVERGED);
    assert_int_equal(again.lines, s.first.step); /* not one line more */
    assert_int_equal(again.first.step, s.first.step);
    assert_memory_equal(again.weight, s.weight, sizeof s.weight);
    for (size_t i = 0; i < COUNT(s.weight); i++) assert_true(isfinite(s.weight[i]));
}

/* Half the rate, as often as it takes; on any number of threads, and cut in the middle. */
static void a_run_may_go_on_with_half_the_rate(void **state)
{
    (void)state;
    const char *path = support_path("halved.ckpt");
    spoilt s = of_lr(1e5);
    s.nan.halve = true;
    s.iterations = 300;
    assert_ok(run(&s));
    assert_true(s.seen > 1 && s.seen <= 30);
    assert_int_equal(s.lines, 300);
    assert_true(s.first.halved && s.first.factor == 0.5 && s.first.from == 0);
    assert_true(s.lr_of[299] == ldexp(1e5, -(int)s.seen));
    for (size_t i = 0; i < 300; i++) assert_true(isfinite(s.loss[i]));
    spoilt two = of_lr(1e5);
    two.nan.halve = true;
    two.iterations = 300;
    two.threads = 3;
    assert_ok(run(&two));
    assert_memory_equal(two.weight, s.weight, sizeof s.weight);
    spoilt cut = of_lr(1e5);
    cut.nan.halve = true;
    cut.iterations = 170;
    cut.checkpoint.path = path;
    assert_ok(run(&cut));
    spoilt rest = of_lr(1e5);
    rest.nan.halve = true;
    rest.iterations = 300;
    rest.checkpoint.resume = path;
    rest.lines = 170;
    assert_ok(run(&rest));
    assert_memory_equal(rest.weight, s.weight, sizeof s.weight);
    assert_true(rest.lr_of[299] == s.lr_of[299]);
}

/* No rate is small enough: it ends all the same. */
static void halving_ends(void **state)
{
    (void)state;
    spoilt s = of_lr(1e300);
    s.nan.halve = true;
    assert_int_equal(run(&s), NB_EDIVERGED);
    assert_int_equal(s.seen, 31);
}

/* Before the run (nb_model_create is not in question), at a copy, in the autopsy. */
static void allocations_may_fail(void **state)
{
    (void)state;
    nb_status status = NB_ENOMEM;
    for (size_t k = 1; status == NB_ENOMEM; k++) {
        spoilt s = of_lr(1e12);
        s.iterations = 3;
        s.fail_at = k;
        status = run(&s);
        assert_true(k < 2000);
    }
    assert_int_equal(status, NB_EDIVERGED);
}

static void text_is_cut(void **state)
{
    (void)state;
    char whole[NB_AUTOPSY_ROOM], part[64];
    spoilt s = of_lr(1e12);
    assert_int_equal(run(&s), NB_EDIVERGED);
    const size_t length = nb_autopsy_text(&s.first, whole, sizeof whole);
    assert_int_equal(nb_autopsy_text(&s.first, NULL, 0), length);
    for (size_t size = 1; size <= sizeof part; size++) {
        assert_int_equal(nb_autopsy_text(&s.first, part, size), length);
        assert_int_equal(strlen(part), size - 1);
        assert_memory_equal(part, whole, size - 1);
    }
    assert_int_equal(nb_autopsy_text(NULL, part, sizeof part), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_learning_rate_that_is_too_large_is_named),
        cmocka_unit_test(a_late_step_has_the_twenty_before_it),
        cmocka_unit_test(the_batch_is_named),
        cmocka_unit_test(a_bad_sample_is_found),
        cmocka_unit_test(bad_weights_are_found),
        cmocka_unit_test(inputs_without_scale_are_named),
        cmocka_unit_test(weights_that_are_too_large_explode),
        cmocka_unit_test(a_logarithm_of_zero_is_named),
        cmocka_unit_test(a_good_run_is_not_changed),
        cmocka_unit_test(the_step_before_is_kept),
        cmocka_unit_test(a_run_may_go_on_with_half_the_rate),
        cmocka_unit_test(halving_ends),
        cmocka_unit_test(allocations_may_fail),
        cmocka_unit_test(text_is_cut),
    };
    return cmocka_run_group_tests_name("autopsy", tests, NULL, NULL);
}
