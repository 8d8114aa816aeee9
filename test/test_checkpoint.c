/* Runs that were cut somewhere and continued, against the same runs in one piece. */
#include "train_fixtures.h"

#include "nablas/checkpoint.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npz.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- runs ------------------------------------------------------------------------------------- */

/* Every kind of state there is: dropout's stream, batch norm's statistics, labels or targets. */
typedef struct kind {
    const char *name;
    const nb_optimizer_type *type;
    nb_sampling sampling;
    nb_lr_kind schedule;
    size_t patience, eval_every;
    double clip;
    nb_dtype dtype;
    nb_gradient_method gradient;
} kind;

static const kind kinds[] = {
    {.name = "sgd", .type = &nb_sgd},
    {.name = "momentum", .type = &nb_momentum, .sampling = NB_EPOCH, .clip = 0.3},
    {.name = "nesterov", .type = &nb_nesterov, .dtype = NB_FLOAT64, .sampling = NB_IN_ORDER},
    {.name = "adagrad", .type = &nb_adagrad, .schedule = NB_LR_STEPS},
    {.name = "rmsprop", .type = &nb_rmsprop, .schedule = NB_LR_COSINE, .sampling = NB_EPOCH},
    {.name = "adam", .type = &nb_adam, .eval_every = 2, .patience = 3, .sampling = NB_EPOCH},
    {.name = "adamw", .type = &nb_adamw, .eval_every = 3, .patience = 100, .dtype = NB_FLOAT64},
    {.name = "numerical", .type = &nb_sgd, .gradient = NB_NUMERICAL, .dtype = NB_FLOAT64},
};

enum { ITERATIONS = 23, WEIGHTS = 512 };

static nb_model *deep_net(nb_dtype dtype, nb_random *random)
{
    nb_model *net;
    nb_random_seed(random, 7);
    assert_ok(nb_model_create(
        &net, &(nb_model_options){.input = NB_SHAPE(DIGIT_PIXELS),
                                  .layers = NB_LAYERS(nb_dense(HIDDEN), nb_batch_norm_layer(),
                                                      nb_act(NB_RELU), nb_dropout_layer(0.3),
                                                      nb_dense(NB_MNIST_CLASSES)),
                                  .dtype = dtype,
                                  .max_batch = nb_train_max_batch(BATCH),
                                  .scale = 255,
                                  .random = random}));
    return net;
}

typedef struct outcome {
    nb_status status;
    nb_train_result result;
    size_t count;
    double weight[WEIGHTS]; /* parameters and state */
    double next;            /* what the stream gives then */
} outcome;

static void remember_weights(outcome *o, const nb_model *net, nb_random *random)
{
    o->count = 0;
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (nb_node_role(node) != NB_PARAMETER && nb_node_role(node) != NB_STATE) continue;
        const nb_tensor *w = nb_value(node);
        for (size_t k = 0; k < nb_tensor_count(w); k++)
            o->weight[o->count++] = nb_kernels_of(w->dtype)->get(w->data, k);
    }
    assert_true(o->count > 100 && o->count <= WEIGHTS);
    o->next = nb_random_randn(random);
}

static void assert_same(const outcome *a, const outcome *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->weight, b->weight, a->count * sizeof *a->weight);
    assert_memory_equal(&a->next, &b->next, sizeof a->next);
    assert_int_equal(a->result.completed, b->result.completed);
    assert_int_equal(a->result.best_iteration, b->result.best_iteration);
    assert_memory_equal(&a->result.best, &b->result.best, sizeof a->result.best);
    const nb_progress *p = &a->result.last, *q = &b->result.last;
    assert_int_equal(p->iteration, q->iteration);
    assert_true(p->loss == q->loss && p->smoothed == q->smoothed && p->lr == q->lr);
    assert_memory_equal(&p->train_metric, &q->train_metric, 2 * sizeof(double));
}

/* The log of a run: a line an iteration; `cut` stops it there. */
typedef struct report {
    size_t cut, lines;
    double loss[64];
    size_t saves, loads;
} report;

static nb_status write_line(const nb_progress *p, void *context)
{
    report *r = context;
    assert_int_equal(p->iteration, r->lines);
    r->loss[r->lines++] = p->loss;
    return r->lines == r->cut ? NB_ESTOPPED : NB_OK;
}

static nb_status save_lines(nb_arrays *own, const char *path, void *context)
{
    assert_non_null(path);
    report *r = context;
    r->saves++;
    assert_ok(nb_arrays_set_text(own, "about", "losses"));
    return nb_arrays_add_view(own, "loss", nb_tensor_view(NB_FLOAT64, NB_SHAPE(r->lines), r->loss));
}

static nb_status load_lines(const nb_arrays *own, void *context)
{
    report *r = context;
    const nb_tensor *loss = nb_arrays_find(own, "loss");
    assert_string_equal(nb_arrays_text(own, "about"), "losses");
    r->loads++;
    r->lines = nb_tensor_count(loss);
    memcpy(r->loss, loss->data, r->lines * sizeof *r->loss);
    return NB_OK;
}

typedef struct plan {
    const kind *kind;
    size_t threads, iterations;
    nb_checkpoint_options checkpoint;
    report report;
} plan;

static outcome run(plan *p)
{
    static outcome o;
    nb_random random;
    const nb_mnist data = small_mnist();
    nb_model *net = deep_net(p->kind->dtype, &random);
    nb_optimizer_options options;
    nb_optimizer_defaults(p->kind->type, &options);
    options.clip = p->kind->clip;
    options.schedule = (nb_lr_schedule){
        .kind = p->kind->schedule, .warmup = 3, .every = 5, .factor = 0.5, .total = ITERATIONS};
    p->checkpoint.save = save_lines;
    p->checkpoint.load = load_lines;
    p->checkpoint.context = &p->report;
    o.status =
        nb_train(net, &data.train, &data.test, &random,
                 &(nb_train_options){.iterations = p->iterations ? p->iterations : ITERATIONS,
                                     .batch = BATCH,
                                     .lr = options.lr,
                                     .optimizer = p->kind->type,
                                     .optimizer_options = &options,
                                     .sampling = p->kind->sampling,
                                     .gradient = p->kind->gradient,
                                     .eval_every = p->kind->eval_every,
                                     .patience = p->kind->patience,
                                     .threads = p->threads,
                                     .checkpoint = &p->checkpoint,
                                     .report = write_line,
                                     .context = &p->report},
                 &o.result);
    remember_weights(&o, net, &random);
    nb_model_destroy(net);
    return o;
}

/* --- the same bits ---------------------------------------------------------------------------- */

/* Cut after each iteration in turn; continued on one thread more. */
static void a_resumed_run_ends_with_the_same_bits(void **state)
{
    (void)state;
    const char *path = support_path("run.ckpt");
    for (size_t k = 0; k < COUNT(kinds); k++) {
        plan whole = {.kind = &kinds[k], .threads = 1};
        const outcome want = run(&whole);
        assert_int_equal(want.status, NB_OK);
        const size_t end = want.result.completed;
        for (size_t cut = 1; cut <= end; cut += kinds[k].gradient == NB_NUMERICAL ? 7 : 1) {
            plan first = {.kind = &kinds[k], .threads = 1 + cut % 3, .report.cut = cut};
            first.checkpoint.path = path;
            const outcome stopped = run(&first);
            assert_int_equal(stopped.status, NB_ESTOPPED);
            plan second = {.kind = &kinds[k], .threads = 1 + (cut + 1) % 3};
            second.checkpoint.resume = path;
            const outcome got = run(&second);
            assert_same(&got, &want);
            assert_int_equal(second.report.lines, whole.report.lines);
            assert_memory_equal(second.report.loss, whole.report.loss,
                                end * sizeof *whole.report.loss);
            assert_int_equal(second.report.loads, 1);
        }
    }
}

/* Checkpoints along the way change nothing, and the last one is the run's end. */
static void checkpoints_change_nothing(void **state)
{
    (void)state;
    const char *path = support_path("along.ckpt");
    plan whole = {.kind = &kinds[5], .threads = 1};
    plan saving = whole, again = whole;
    saving.checkpoint = (nb_checkpoint_options){.path = path, .every = 4, .seconds = 1e-9};
    again.checkpoint.resume = path;
    const outcome want = run(&whole), got = run(&saving);
    assert_same(&got, &want);
    assert_int_equal(saving.report.saves, want.result.completed); /* by time: after each */
    const outcome end = run(&again);
    assert_same(&end, &want);
    assert_int_equal(again.report.lines, whole.report.lines);
}

static void a_run_may_go_on_for_longer(void **state)
{
    (void)state;
    const char *path = support_path("longer.ckpt");
    plan whole = {.kind = &kinds[1], .iterations = 30},
         first = {.kind = &kinds[1], .iterations = 20};
    plan second = {.kind = &kinds[1], .iterations = 30, .threads = 2};
    first.checkpoint = (nb_checkpoint_options){.path = path};
    second.checkpoint.resume = path;
    const outcome want = run(&whole);
    run(&first);
    const outcome got = run(&second);
    assert_same(&got, &want);
    plan fewer = {.kind = &kinds[1], .iterations = 19, .checkpoint.resume = path};
    const outcome refused = run(&fewer);
    assert_int_equal(refused.status, NB_EINVAL);
    assert_non_null(strstr(nb_last_error(), "nb_train: iterations=19, but "));
    assert_non_null(strstr(nb_last_error(), "longer.ckpt has done 20"));
}

/* As in checkpoint.h. */
static void a_loop_of_ones_own_continues_too(void **state)
{
    (void)state;
    const char *path = support_path("own.ckpt");
    const nb_mnist data = small_mnist();
    outcome whole = {0}, parts = {0};
    for (int cut = 0; cut < 2; cut++) {
        nb_random random;
        nb_model *net = deep_net(NB_FLOAT32, &random);
        nb_trainer *trainer;
        nb_train_options o = small_options(10);
        double loss = 0;
        o.optimizer = &nb_adam;
        o.sampling = NB_EPOCH;
        assert_ok(nb_trainer_create(&trainer, net, &data.train, NULL, &random, &o));
        while (nb_trainer_steps(trainer) < 9) {
            assert_ok(nb_trainer_step(trainer, &loss));
            if (!cut || nb_trainer_steps(trainer) != 5) continue;
            assert_ok(nb_trainer_save(trainer, NULL, path));
            nb_trainer_destroy(trainer);
            nb_model_destroy(net);
            net = deep_net(NB_FLOAT32, &random);
            nb_random_seed(&random, 99);
            assert_ok(nb_trainer_create(&trainer, net, &data.train, NULL, &random, &o));
            assert_ok(nb_trainer_load(trainer, NULL, path));
        }
        outcome *into = cut ? &parts : &whole;
        into->result.last.loss = loss;
        remember_weights(into, net, &random);
        nb_trainer_destroy(trainer);
        nb_model_destroy(net);
    }
    assert_same(&parts, &whole);
}

/* --- refusals --------------------------------------------------------------------------------- */

typedef struct scene {
    nb_mnist data;
    nb_random random;
    nb_model *net;
    nb_train_options options;
    nb_optimizer_options optimizer;
    nb_trainer *trainer;
} scene;

static void set_scene(scene *s)
{
    *s = (scene){.data = small_mnist(), .options = small_options(10)};
    nb_optimizer_defaults(&nb_adam, &s->optimizer);
    s->options.optimizer = &nb_adam;
    s->options.optimizer_options = &s->optimizer;
    s->net = deep_net(NB_FLOAT32, &s->random);
}

static void start(scene *s)
{
    assert_ok(nb_trainer_create(&s->trainer, s->net, &s->data.train, &s->data.test, &s->random,
                                &s->options));
}

static void strike(scene *s)
{
    nb_trainer_destroy(s->trainer);
    nb_model_destroy(s->net);
    s->trainer = NULL;
}

static const char *some_checkpoint(void)
{
    scene s;
    double loss;
    set_scene(&s);
    start(&s);
    for (int i = 0; i < 3; i++) assert_ok(nb_trainer_step(s.trainer, &loss));
    const char *path = support_path("some.ckpt");
    assert_ok(nb_trainer_save(s.trainer, NULL, path));
    strike(&s);
    return path;
}

static bool only_biases(const nb_node *node, void *context)
{
    (void)context;
    return nb_value((nb_node *)node)->shape.ndim == 1;
}

static void other_options_are_refused(void **state)
{
    (void)state;
    static const char *const says[] = {
        "batch 8, here 7",
        "sampling \"replace\", here \"epoch\"",
        "eval_every 0, here 3",
        "patience 0, here 2",
        "dense false, here true",
        "optimizer \"adam\", here \"rmsprop\"",
        "lr 0.001, here 0.002",
        "beta1 0.9, here 0.8",
        "weight_decay 0.0, here 0.25",
        "decays \"ynnnyn\", here \"nyyyny\"",
        "clip 0.0, here 1.5",
        "warmup 0, here 4",
        "schedule \"constant\", here \"cosine\"",
        "gradient \"backprop\", here \"numerical\"",
        "evaluate 0, here 9",
        "training_loss false, here true",
    };
    const char *path = some_checkpoint();
    for (size_t c = 0; c < COUNT(says); c++) {
        scene s;
        set_scene(&s);
        nb_optimizer_options *o = &s.optimizer;
        switch (c) {
        case 0:
            s.options.batch = 7;
            break;
        case 1:
            s.options.sampling = NB_EPOCH;
            break;
        case 2:
            s.options.eval_every = 3;
            break;
        case 3:
            s.options.patience = 2;
            break;
        case 4:
            s.options.dense = true;
            break;
        case 5:
            s.options.optimizer = &nb_rmsprop;
            o->epsilon = 1e-7;
            break;
        case 6:
            o->lr = 0.002;
            break;
        case 7:
            o->beta1 = 0.8;
            break;
        case 8:
            o->weight_decay = 0.25;
            break;
        case 9:
            o->decays = only_biases;
            break;
        case 10:
            o->clip = 1.5;
            break;
        case 11:
            o->schedule.warmup = 4;
            break;
        case 12:
            o->schedule = (nb_lr_schedule){.kind = NB_LR_COSINE, .total = 10};
            break;
        case 14:
            s.options.evaluate = 9;
            break;
        case 15:
            s.options.training_loss = true;
            break;
        default:
            s.options.gradient = NB_NUMERICAL;
        }
        start(&s);
        assert_fails(NB_EINVAL, says[c], nb_trainer_load(s.trainer, NULL, path));
        assert_non_null(strstr(nb_last_error(), "some.ckpt is of other options: "));
        strike(&s);
    }
}

/* What may change is iterations, threads, report and context. */
static void some_options_may_change(void **state)
{
    (void)state;
    scene s;
    const char *path = some_checkpoint();
    set_scene(&s);
    s.options.iterations = 1000;
    s.options.threads = 2;
    s.options.report = write_line;
    s.options.context = &s;
    start(&s);
    assert_ok(nb_trainer_load(s.trainer, NULL, path));
    assert_int_equal(nb_trainer_steps(s.trainer), 3);
    strike(&s);
}

static void other_data_are_refused(void **state)
{
    (void)state;
    static const char *const says[] = {"another training set", "another training set",
                                       "another test set", "another test set", "another test set"};
    const char *path = some_checkpoint();
    for (size_t c = 0; c < COUNT(says); c++) {
        scene s;
        set_scene(&s);
        if (c == 0) train_images[17] ^= 1;
        if (c == 1) s.data.train = nb_dataset_rows(&s.data.train, 0, TRAIN - 1);
        if (c == 2) test_images[TEST * DIGIT_PIXELS - 1] ^= 128;
        if (c == 3) test_labels[3] = (uint8_t)((test_labels[3] + 1) % 10);
        if (c == 4) s.data.test.scale = 254;
        start(&s);
        assert_fails(NB_EINVAL, says[c], nb_trainer_load(s.trainer, NULL, path));
        assert_int_equal(nb_trainer_steps(s.trainer), 0);
        strike(&s);
    }
}

static void another_model_is_refused(void **state)
{
    (void)state;
    scene s;
    const char *path = some_checkpoint();
    set_scene(&s);
    nb_model_destroy(s.net);
    s.net = small_net(NB_FLOAT32, NB_RELU, &s.random);
    start(&s);
    assert_fails(NB_EINVAL, "is of another model: 5 layers, not 3",
                 nb_trainer_load(s.trainer, NULL, path));
    strike(&s);
    set_scene(&s);
    nb_model_destroy(s.net);
    s.net = deep_net(NB_FLOAT64, &s.random);
    start(&s);
    assert_fails(NB_EINVAL, "dtype \"float32\", here \"float64\"",
                 nb_trainer_load(s.trainer, NULL, path));
    strike(&s);
}

static void set_text(const char *path, const char *key, const char *value)
{
    nb_arrays a;
    unsigned char *bytes;
    size_t size;
    assert_ok(nb_file_read(path, &bytes, &size));
    assert_ok(nb_npz_parse(bytes, size, "it", &a));
    nb_free(bytes);
    assert_ok(nb_arrays_set_text(&a, key, value));
    assert_ok(nb_npz_save(&a, path, false));
    nb_arrays_destroy(&a);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
    (void)state;
    scene s;
    nb_arrays own = {0};
    set_scene(&s);
    start(&s);
    assert_fails(NB_EIO, "/none: No such file",
                 nb_trainer_load(s.trainer, NULL, support_path("none")));
    const char *path = support_path("weights.npz");
    assert_ok(nb_arrays_add_view(&own, "W1", *nb_value(nb_graph_find(s.net->graph, "W1"))));
    assert_ok(nb_arrays_save(&own, path));
    nb_arrays_destroy(&own);
    assert_fails(NB_EFORMAT, "weights.npz is no checkpoint",
                 nb_trainer_load(s.trainer, &own, path));
    assert_int_equal(own.count, 0);
    path = some_checkpoint();
    set_text(path, "nablas.version", "9.9.9");
    assert_ok(nb_trainer_load(s.trainer, NULL, path));
    set_text(path, "nablas.checkpoint", "2");
    assert_fails(NB_EFORMAT, "a checkpoint of format 2 (nablas 9.9.9), this is nablas",
                 nb_trainer_load(s.trainer, NULL, path));
    assert_fails(NB_EINVAL, "path is NULL", nb_trainer_load(s.trainer, NULL, NULL));
    assert_fails(NB_EINVAL, "trainer is NULL", nb_trainer_save(NULL, NULL, path));
    strike(&s);
}

/* All of what a trainer is made of, as bytes. */
static void state_of(scene *s, const char *name, unsigned char **bytes, size_t *size)
{
    const char *path = support_path(name);
    assert_ok(nb_trainer_save(s->trainer, NULL, path));
    assert_ok(nb_file_read(path, bytes, size));
}

/* The weights and the stream, which are the first and the last to be written. */
static bool untouched(const scene *s, const double *weights, const nb_random *random)
{
    const nb_tensor w = nb_graph_parameters(s->net->graph);
    return memcmp(w.data, weights, nb_tensor_count(&w) * nb_dtype_size(w.dtype)) == 0 &&
           memcmp(&s->random, random, sizeof *random) == 0 && nb_trainer_steps(s->trainer) == 0;
}

/* Whichever byte of a checkpoint is damaged, and wherever it is cut: it is refused and the run is
 * untouched, or the byte did not matter (a date in the archive) and the run is that of the file. */
static void a_damaged_checkpoint_is_refused_or_the_same(void **state)
{
    (void)state;
    scene s;
    unsigned char *file, *got;
    size_t size, got_size, refused = 0, tries = 0;
    double weights[WEIGHTS];
    assert_ok(nb_file_read(some_checkpoint(), &file, &size));
    set_scene(&s);
    start(&s);
    const nb_random random = s.random;
    const nb_tensor w = nb_graph_parameters(s.net->graph);
    memcpy(weights, w.data, nb_tensor_count(&w) * nb_dtype_size(w.dtype));
    state_of(&s, "anew", &got, &got_size);
    for (size_t i = 0; i < size; i += 1 + i % 13, tries++) {
        file[i] ^= (unsigned char)(1 << i % 8);
        const nb_status status = nb_trainer_load(s.trainer, NULL, support_write("bad", file, size));
        file[i] ^= (unsigned char)(1 << i % 8);
        if (status) {
            refused++;
            assert_true(untouched(&s, weights, &random));
        } else {
            nb_free(got);
            state_of(&s, "after", &got, &got_size);
            assert_int_equal(got_size, size);
            assert_memory_equal(got, file, size);
            assert_ok(nb_trainer_load(s.trainer, NULL, support_path("anew")));
        }
    }
    assert_true(refused > tries / 2);
    for (size_t cut = 0; cut < size; cut += 97) {
        const nb_status status = nb_trainer_load(s.trainer, NULL, support_write("bad", file, cut));
        assert_true(status && untouched(&s, weights, &random));
    }
    nb_free(file);
    nb_free(got);
    strike(&s);
}

/* A file whose sums are right but whose numbers are not: nothing is read outside the data. */
static void impossible_numbers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        int64_t value;
        const char *says;
    } cases[] = {
        {"trainer.counters", 0, -1, "trainer.counters -1 "},
        {"trainer.counters", 0, 4, "trainer.counters 4 "},
        {"trainer.counters", 1, TRAIN + 1, "next=51, expected at most 50"},
        {"trainer.counters", 2, 625, "625 0"},
        {"trainer.counters", 3, 2, " 2 0 are not"},
        {"trainer.counters", 4, 1000, " 1000 are not"},
        {"sampler.order", 3, TRAIN, "order[3]=50 is no sample"},
        {"sampler.order", 3, -1, "is no sample"},
        {"adam.step", 0, 7, "are not those of a run"},
    };
    scene s;
    double loss;
    set_scene(&s);
    s.options.sampling = NB_EPOCH;
    start(&s);
    for (int i = 0; i < 3; i++) assert_ok(nb_trainer_step(s.trainer, &loss));
    const char *path = support_path("numbers");
    for (size_t c = 0; c < COUNT(cases); c++) {
        nb_arrays a;
        unsigned char *bytes;
        size_t size;
        assert_ok(nb_trainer_save(s.trainer, NULL, path));
        assert_ok(nb_file_read(path, &bytes, &size));
        assert_ok(nb_npz_parse(bytes, size, "it", &a));
        nb_free(bytes);
        nb_tensor *array = nb_arrays_find(&a, cases[c].name);
        if (array->dtype == NB_INT64)
            ((int64_t *)array->data)[cases[c].at] = cases[c].value;
        else /* the order, where a size has 32 bits */
            ((int32_t *)array->data)[cases[c].at] = (int32_t)cases[c].value;
        assert_ok(nb_npz_save(&a, path, false));
        nb_arrays_destroy(&a);
        const nb_status status = nb_trainer_load(s.trainer, NULL, path);
        assert_true(status == NB_EFORMAT || status == NB_ERANGE);
        if (!strstr(nb_last_error(), cases[c].says)) fail_msg("%s", nb_last_error());
    }
    strike(&s);
}

static void every_allocation_of_save_and_load_may_fail(void **state)
{
    (void)state;
    scene s;
    set_scene(&s);
    s.options.sampling = NB_EPOCH;
    start(&s);
    const char *path = support_path("memory");
    for (int load = 0; load < 2; load++) {
        nb_status status = NB_ENOMEM;
        for (size_t k = 1; status; k++) {
            support_allocator_start(k);
            status = load ? nb_trainer_load(s.trainer, NULL, path)
                          : nb_trainer_save(s.trainer, NULL, path);
            support_allocator_stop();
            assert_memory_status(status);
            assert_true(k < 1000);
        }
    }
    strike(&s);
}

/* --- the ones before -------------------------------------------------------------------------- */

static char letter_in(const char *path)
{
    unsigned char *bytes;
    size_t size;
    if (access(path, F_OK)) return '-';
    assert_ok(nb_file_read(path, &bytes, &size));
    const char letter = (char)bytes[0];
    nb_free(bytes);
    return letter;
}

static void the_last_few_stay(void **state)
{
    (void)state;
    char path[4096], one[4100], two[4100], three[4100];
    snprintf(path, sizeof path, "%s", support_path("kept"));
    snprintf(one, sizeof one, "%s.1", path);
    snprintf(two, sizeof two, "%s.2", path);
    snprintf(three, sizeof three, "%s.3", path);
    assert_ok(nb_checkpoint_rotate(path, 3)); /* nothing there */
    for (char letter = 'a'; letter <= 'e'; letter++) {
        nb_file file;
        assert_ok(nb_checkpoint_rotate(path, 3));
        assert_ok(nb_checkpoint_rotate(path, 3)); /* a save failed in between */
        assert_int_equal(letter_in(path), letter == 'a' ? '-' : letter - 1);
        assert_ok(nb_file_begin(&file, path));
        assert_ok(nb_file_write(&file, &letter, 1));
        assert_ok(nb_file_commit(&file));
        assert_int_equal(letter_in(path), letter);
        assert_int_equal(letter_in(one), letter > 'a' ? letter - 1 : '-');
        assert_int_equal(letter_in(two), letter > 'b' ? letter - 2 : '-');
        assert_int_equal(letter_in(three), '-');
    }
    assert_ok(nb_checkpoint_rotate(path, 1));
    assert_int_equal(letter_in(one), 'd');
    assert_fails(NB_EINVAL, "path is NULL", nb_checkpoint_rotate(NULL, 2));
}

static nb_status say(nb_status status, size_t iterations, void *context)
{
    report *r = context;
    assert_int_equal(iterations, r->lines);
    r->saves += 100;
    return status == NB_EIO ? NB_OK : status;
}

/* Where no checkpoint can be written, the caller says what follows. */
static void a_save_that_fails_ends_the_run_or_not(void **state)
{
    (void)state;
    plan p = {.kind = &kinds[0], .threads = 1};
    p.checkpoint = (nb_checkpoint_options){.path = "/dev/full", .every = 10};
    const outcome ended = run(&p);
    assert_int_equal(ended.status, NB_EIO);
    assert_int_equal(ended.result.completed, 10);
    p.report = (report){0};
    p.checkpoint.done = say;
    const outcome went_on = run(&p);
    assert_int_equal(went_on.status, NB_OK);
    assert_int_equal(went_on.result.completed, ITERATIONS);
    assert_int_equal(p.report.saves, 303);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(checkpoints_change_nothing),
        cmocka_unit_test(a_run_may_go_on_for_longer),
        cmocka_unit_test(a_loop_of_ones_own_continues_too),
        cmocka_unit_test(other_options_are_refused),
        cmocka_unit_test(some_options_may_change),
        cmocka_unit_test(other_data_are_refused),
        cmocka_unit_test(another_model_is_refused),
        cmocka_unit_test(what_is_no_checkpoint_is_refused),
        cmocka_unit_test(a_damaged_checkpoint_is_refused_or_the_same),
        cmocka_unit_test(impossible_numbers_are_refused),
        cmocka_unit_test(every_allocation_of_save_and_load_may_fail),
        cmocka_unit_test(the_last_few_stay),
        cmocka_unit_test(a_save_that_fails_ends_the_run_or_not),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
