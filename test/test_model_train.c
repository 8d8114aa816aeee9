/* Models as lists of layers: built, trained, saved, opened again. */
#include "digits.h"
#include "support.h"

#include "nablas/memory.h"
#include "nablas/model_file.h"
#include "nablas/train.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { SAMPLES = 240, BATCH = 24 };

static nb_tensor tensor_of(nb_dtype dtype, nb_shape shape)
{
    nb_tensor t;
    assert_ok(nb_tensor_create(&t, dtype, shape));
    return t;
}

static void set(const nb_tensor *t, size_t i, double value)
{
    nb_kernels_of(t->dtype)->set(t->data, i, value);
}

static void destroy(nb_dataset *d)
{
    nb_tensor_destroy(&d->x);
    nb_tensor_destroy(&d->t);
}

/* --- data ------------------------------------------------------------------------------------- */

/* Points of the plane around three corners of a triangle. */
static nb_dataset triangle(nb_dtype dtype, uint64_t seed)
{
    static const double corner[3][2] = {{0, 1}, {-.9, -.5}, {.9, -.5}};
    nb_dataset d = {.x = tensor_of(dtype, NB_SHAPE(SAMPLES, 2)),
                    .t = tensor_of(NB_INT16, NB_SHAPE(SAMPLES)),
                    .classes = 3};
    for (size_t i = 0; i < SAMPLES; i++) {
        ((int16_t *)d.t.data)[i] = (int16_t)(i % 3);
        for (size_t j = 0; j < 2; j++)
            set(&d.x, 2 * i + j, corner[i % 3][j] + .4 * support_value(&seed));
    }
    return d;
}

/* Two smooth functions of three numbers. */
static nb_dataset curves(nb_dtype dtype, uint64_t seed)
{
    nb_dataset d = {.x = tensor_of(dtype, NB_SHAPE(SAMPLES, 3)),
                    .t = tensor_of(NB_FLOAT64, NB_SHAPE(SAMPLES, 2))};
    for (size_t i = 0; i < SAMPLES; i++) {
        const double a = support_value(&seed), b = support_value(&seed), c = support_value(&seed);
        set(&d.x, 3 * i, a);
        set(&d.x, 3 * i + 1, b);
        set(&d.x, 3 * i + 2, c);
        set(&d.t, 2 * i, 3 + sin(2 * a) - b);
        set(&d.t, 2 * i + 1, -1 + a * c + .5 * b);
    }
    return d;
}

/* Inside or outside of a circle, in two columns, one of them the other's opposite. */
static nb_dataset circle(nb_dtype dtype, uint64_t seed)
{
    nb_dataset d = {.x = tensor_of(dtype, NB_SHAPE(SAMPLES, 2)),
                    .t = tensor_of(NB_UINT8, NB_SHAPE(SAMPLES, 2))};
    for (size_t i = 0; i < SAMPLES; i++) {
        const double a = support_value(&seed), b = support_value(&seed);
        const bool inside = a * a + b * b < .6;
        set(&d.x, 2 * i, a);
        set(&d.x, 2 * i + 1, b);
        ((uint8_t *)d.t.data)[2 * i] = inside;
        ((uint8_t *)d.t.data)[2 * i + 1] = !inside;
    }
    return d;
}

/* Digits, and the same as numbers from 0 to 1. */
static nb_dataset digits(nb_dtype dtype, uint64_t first)
{
    uint8_t labels[SAMPLES];
    nb_dataset d = {.x = tensor_of(NB_UINT8, NB_SHAPE(SAMPLES, DIGIT_PIXELS)),
                    .t = tensor_of(dtype, NB_SHAPE(SAMPLES, DIGIT_PIXELS)),
                    .scale = 255};
    make_digits((size_t)first, SAMPLES, d.x.data, labels);
    for (size_t i = 0; i < SAMPLES * DIGIT_PIXELS; i++)
        set(&d.t, i, (double)((float)((uint8_t *)d.x.data)[i] / 255.0f));
    return d;
}

/* --- build, train, save, open ----------------------------------------------------------------- */

typedef struct job {
    const char *name;
    nb_dataset (*data)(nb_dtype dtype, uint64_t seed);
    nb_model_options model;
    const char *metric;
    const nb_optimizer_type *optimizer;
    double lr;
    size_t iterations;
    double reaches; /* accuracy at least, R^2 at least */
} job;

static const char *const class_names[] = {"top", "left", "r\xc3\xa9ght \"quoted\""};

static const job jobs[] = {
    {"triangle",
     triangle,
     {.input = {1, {2}}, .loss = NB_CROSS_ENTROPY, .classes = class_names},
     "accuracy",
     &nb_sgd,
     .5,
     300,
     .97},
    {"curves",
     curves,
     {.input = {1, {3}}, .loss = NB_SQUARED_LOSS},
     "RMSE",
     &nb_adam,
     .01,
     800,
     .95},
    {"curves",
     curves,
     {.input = {1, {3}}, .loss = NB_ABSOLUTE_LOSS},
     "MAE",
     &nb_adam,
     .01,
     800,
     .9},
    {"curves",
     curves,
     {.input = {1, {3}}, .loss = NB_HUBER_LOSS, .delta = .25},
     "RMSE",
     &nb_adam,
     .01,
     800,
     .95},
    {"circle",
     circle,
     {.input = {1, {2}}, .loss = NB_BINARY_CROSS_ENTROPY},
     "accuracy",
     &nb_adam,
     .02,
     800,
     .93},
    {"digits",
     digits,
     {.input = {1, {DIGIT_PIXELS}}, .loss = NB_SQUARED_LOSS, .scale = 255},
     "RMSE",
     &nb_adam,
     .01,
     1500,
     .7},
};

static nb_model *build(const job *j, nb_dtype dtype, size_t outputs, nb_random *random)
{
    nb_model *model;
    nb_model_options o = j->model;
    o.layers = NB_LAYERS(nb_dense(outputs == DIGIT_PIXELS ? 6 : 16), nb_act(NB_RELU), nb_dense(10),
                         nb_act(NB_SIGMOID), nb_dense(outputs));
    o.dtype = dtype;
    o.random = random;
    assert_ok(nb_model_create(&model, &o));
    assert_int_equal(model->outputs, outputs);
    assert_string_equal(nb_model_metric_name(model), j->metric);
    return model;
}

/* Accuracy, or the share of the variance that is explained. */
static double quality(nb_model *model, const nb_dataset *d)
{
    nb_score score = {0};
    nb_source *source;
    nb_batch batch;
    nb_node *loss;
    assert_ok(nb_source_create(&source, d,
                               &(nb_source_options){.dtype = model->options.dtype, .most = 200}));
    for (size_t lo = 0; lo < SAMPLES; lo += 80) {
        assert_ok(nb_source_range(source, lo, lo + 80, &batch));
        assert_ok(nb_model_feed_batch(model, &batch, &loss));
        assert_ok(nb_model_compare(model, &batch.t, &score));
    }
    assert_ok(nb_feed(model->x, NULL));
    nb_source_destroy(source);
    return d->classes || model->options.loss == NB_BINARY_CROSS_ENTROPY
               ? nb_model_metric(model, &score)
               : nb_score_r2(&score);
}

static nb_tensor predictions(nb_model *model, const nb_dataset *d)
{
    nb_tensor x = tensor_of(model->options.dtype, nb_dataset_x_shape(d, SAMPLES));
    nb_tensor y = tensor_of(model->options.dtype, NB_SHAPE(SAMPLES, model->outputs));
    assert_ok(nb_dataset_range(d, 0, SAMPLES, &x, NULL));
    assert_ok(nb_model_predict(model, &x, &y));
    nb_tensor_destroy(&x);
    return y;
}

static void assert_same_tensor(const nb_tensor *a, const nb_tensor *b)
{
    assert_true(nb_shape_equal(a->shape, b->shape));
    assert_memory_equal(a->data, b->data, nb_tensor_count(a) * nb_dtype_size(a->dtype));
}

/* Another model, of the same description and the same predictions to the bit. */
static void assert_is_twin(nb_model *model, nb_model *twin, const nb_dataset *d)
{
    const nb_model_options *a = &model->options, *b = &twin->options;
    assert_true(nb_shape_equal(a->input, b->input));
    assert_true(a->loss == b->loss && a->scale == b->scale && a->delta == b->delta);
    assert_true(a->epsilon == b->epsilon && a->layers.count == b->layers.count);
    assert_int_equal(a->classes == NULL, b->classes == NULL);
    for (size_t i = 0; a->classes && i < model->outputs; i++)
        assert_string_equal(a->classes[i], b->classes[i]);
    nb_tensor y = predictions(model, d), same = predictions(twin, d);
    assert_same_tensor(&y, &same);
    nb_tensor_destroy(&y);
    nb_tensor_destroy(&same);
}

static void *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void assert_reopens(nb_model *model, const nb_dataset *d, const char *suffix)
{
    char name[32];
    size_t size;
    nb_model *twin;
    const nb_model_options o = {.dtype = model->options.dtype};
    snprintf(name, sizeof name, "model%s", suffix);
    const char *path = support_path(name);
    assert_ok(nb_model_save(model, path));
    assert_ok(nb_model_open(&twin, path, &o));
    assert_is_twin(model, twin, d);
    nb_model_destroy(twin);
    void *bytes = read_bytes(path, &size);
    assert_ok(nb_model_parse(&twin, bytes, size, suffix, "in memory", &o));
    assert_is_twin(model, twin, d);
    nb_model_destroy(twin);
    /* Cut short, it is no model. */
    for (size_t part = 0; part < size; part += 1 + size / 23) {
        twin = (nb_model *)(uintptr_t)1;
        assert_true(nb_model_parse(&twin, bytes, part, suffix, "in memory", &o) != NB_OK);
        assert_non_null(strstr(nb_last_error(), "in memory"));
        assert_null(twin);
    }
    free(bytes);
}

static void models_train_and_come_back(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * COUNT(jobs); c++) {
        const job *j = &jobs[c / 2];
        const nb_dtype dtype = c % 2 ? NB_FLOAT64 : NB_FLOAT32;
        nb_dataset train = j->data(dtype, 100), test = j->data(dtype, 7000);
        const nb_shape t = nb_dataset_t_shape(&train, 1);
        nb_random random;
        nb_train_result result;
        nb_random_seed(&random, 5);
        nb_model *model = build(j, dtype, train.classes ? train.classes : t.dim[1], &random);
        const nb_train_options o = {.iterations = j->iterations,
                                    .batch = BATCH,
                                    .lr = j->lr,
                                    .optimizer = j->optimizer,
                                    .sampling = NB_EPOCH,
                                    .threads = 1};
        const double before = quality(model, &test);
        assert_ok(nb_train(model, &train, &test, &random, &o, &result));
        assert_string_equal(result.last.metric, j->metric);
        const double after = quality(model, &test);
        if (!(after > j->reaches && before < j->reaches - .1))
            fail_msg("%s, %s: %g before, %g after, expected more than %g", j->name,
                     nb_loss_name(j->model.loss), before, after, j->reaches);
        if (train.classes) assert_near(result.last.test_metric, after, 0);
        assert_reopens(model, &test, ".npz");
        assert_reopens(model, &test, ".safetensors");
        nb_model_destroy(model);
        destroy(&train);
        destroy(&test);
    }
}

/* Each activation is the operation of its name, in the model and in the one that its file opens. */
static void activations_are_what_they_are_called(void **state)
{
    (void)state;
    for (int a = 0; a < NB_ACTIVATIONS; a++) {
        nb_random random;
        nb_model *model;
        nb_dataset d = triangle(NB_FLOAT32, 9);
        nb_random_seed(&random, 4);
        nb_layer act = nb_act((nb_activation)a);
        if (act.value != 0) act.value *= 1.5;
        assert_ok(nb_model_create(
            &model, &(nb_model_options){.input = NB_SHAPE(2),
                                        .layers = NB_LAYERS(nb_dense(4), act, nb_dense(3)),
                                        .random = &random}));
        assert_string_equal(nb_node_op(nb_node_input(model->scores, 0))->name,
                            nb_activation_name((nb_activation)a));
        assert_reopens(model, &d, ".npz");
        assert_reopens(model, &d, ".safetensors");
        /* With another slope it is another model. */
        const nb_model_options o = {
            .input = NB_SHAPE(2),
            .layers = NB_LAYERS(nb_dense(4), nb_act((nb_activation)a), nb_dense(3))};
        nb_model *other = NULL;
        const char *path = support_path("model.npz");
        if (a == NB_LEAKY_RELU)
            assert_fails(NB_EINVAL, "layer 2: leaky_relu 0.015, not leaky_relu 0.01",
                         nb_model_open(&other, path, &o));
        else if (a == NB_ELU)
            assert_fails(NB_EINVAL, "layer 2: elu 1.5, not elu 1", nb_model_open(&other, path, &o));
        else
            assert_ok(nb_model_open(&other, path, &o));
        nb_model_destroy(other);
        nb_model_destroy(model);
        destroy(&d);
    }
}

/* --- a file of another model ------------------------------------------------------------------ */

static void a_file_of_another_model_is_refused(void **state)
{
    (void)state;
    const nb_layers relu = NB_LAYERS(nb_dense(4), nb_act(NB_RELU), nb_dense(3));
    const struct {
        nb_layers layers;
        nb_shape input;
        nb_loss loss;
        const char *text;
    } other[] = {
        {NB_LAYERS(nb_dense(4), nb_act(NB_SIGMOID), nb_dense(3)), NB_SHAPE(5), NB_CROSS_ENTROPY,
         "layer 2: relu, not sigmoid"},
        {NB_LAYERS(nb_dense(4), nb_act(NB_RELU), nb_dense_without_bias(3)), NB_SHAPE(5),
         NB_CROSS_ENTROPY, "layer 3: dense 3, not dense 3 without bias"},
        {NB_LAYERS(nb_dense(7), nb_act(NB_RELU), nb_dense(3)), NB_SHAPE(5), NB_CROSS_ENTROPY,
         "layer 1: dense 4, not dense 7"},
        {NB_LAYERS(nb_dense(4), nb_dense(3)), NB_SHAPE(5), NB_CROSS_ENTROPY, "3 layers, not 2"},
        {relu, NB_SHAPE(1, 5), NB_CROSS_ENTROPY, "inputs (5,), not (1, 5)"},
        {relu, NB_SHAPE(5), NB_SQUARED_LOSS, "the loss cross_entropy, not squared"},
    };
    nb_random random;
    nb_model *saved, *model, *opened;
    nb_random_seed(&random, 2);
    assert_ok(nb_model_create(
        &saved, &(nb_model_options){.input = NB_SHAPE(5), .layers = relu, .random = &random}));
    for (size_t f = 0; f < 2; f++) {
        const char *path = support_path(f ? "other.npz" : "other.safetensors");
        assert_ok(nb_model_save(saved, path));
        for (size_t i = 0; i < COUNT(other); i++) {
            const nb_model_options o = {.input = other[i].input,
                                        .layers = other[i].layers,
                                        .loss = other[i].loss,
                                        .random = &random};
            assert_ok(nb_model_create(&model, &o));
            const nb_tensor w = nb_graph_parameters(model->graph);
            nb_tensor before = tensor_of(w.dtype, w.shape);
            assert_ok(nb_tensor_convert(&w, &before));
            assert_fails(NB_EINVAL, other[i].text, nb_model_load(model, path));
            assert_fails(NB_EINVAL, path, nb_model_load(model, path));
            assert_same_tensor(&before, &w);
            assert_fails(NB_EINVAL, other[i].text, nb_model_open(&opened, path, &o));
            assert_null(opened);
            nb_tensor_destroy(&before);
            nb_model_destroy(model);
        }
        /* Weights of a ReLU network are not opened as a sigmoid's. */
        assert_fails(NB_EINVAL, "layer 2: relu, not sigmoid",
                     nb_model_open_perceptron(&opened, path, NB_SIGMOID, NULL));
        assert_null(opened);
        assert_ok(nb_model_open_perceptron(&opened, path, NB_RELU, NULL));
        nb_model_destroy(opened);
    }
    nb_model_destroy(saved);
}

/* --- two losses and weight decay -------------------------------------------------------------- */

enum { INPUTS = 7, HIDDEN = 9, ROWS = 101 };

/* Classes and numbers from one hidden layer, and 1/2 lambda |W|^2 for both of the weights behind. */
typedef struct both {
    nb_graph *g;
    nb_node *x, *t, *T, *half, *loss, *W1, *W2, *W3;
} both;

static nb_node *decay(nb_node *W, nb_node *half)
{
    return nb_multiply(nb_sum(nb_multiply(W, W)), half);
}

static both both_of(nb_dtype dtype)
{
    both b;
    uint64_t seed = 3;
    assert_ok(nb_graph_create(&b.g, dtype));
    b.x = nb_input(b.g, "x", NB_SHAPE(NB_BATCH, INPUTS));
    b.t = nb_labels(b.g, "t");
    b.T = nb_input(b.g, "T", NB_SHAPE(NB_BATCH, 2));
    b.half = nb_input(b.g, "lambda/2", NB_SCALAR);
    b.W1 = nb_parameter(b.g, "W1", NB_SHAPE(INPUTS, HIDDEN));
    b.W2 = nb_parameter(b.g, "W2", NB_SHAPE(HIDDEN, 3));
    b.W3 = nb_parameter(b.g, "W3", NB_SHAPE(HIDDEN, 2));
    nb_node *h = nb_sigmoid(nb_affine(b.x, b.W1, nb_parameter(b.g, "b1", NB_SHAPE(HIDDEN))));
    nb_node *classes = nb_softmax_cross_entropy(nb_matmul(h, b.W2), b.t, 0);
    nb_node *numbers = nb_squared_loss(nb_matmul(h, b.W3), b.T);
    b.loss = nb_add(nb_add(classes, numbers), nb_add(decay(b.W2, b.half), decay(b.W3, b.half)));
    assert_ok(nb_graph_finish(b.g, ROWS));
    const nb_tensor w = nb_graph_parameters(b.g);
    for (size_t i = 0; i < nb_tensor_count(&w); i++) set(&w, i, support_value(&seed));
    return b;
}

static void both_feed(both *b, size_t rows, double lambda)
{
    static nb_tensor x, T, half, labels;
    const nb_dtype dtype = nb_graph_dtype(b->g);
    uint64_t seed = 17 + rows;
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&T);
    nb_tensor_destroy(&half);
    nb_tensor_destroy(&labels);
    if (rows == 0) return;
    x = tensor_of(dtype, NB_SHAPE(rows, INPUTS));
    T = tensor_of(dtype, NB_SHAPE(rows, 2));
    half = tensor_of(dtype, NB_SCALAR);
    labels = tensor_of(NB_INT32, NB_SHAPE(rows));
    set(&half, 0, lambda / 2);
    for (size_t i = 0; i < rows * INPUTS; i++) set(&x, i, support_value(&seed));
    for (size_t i = 0; i < rows * 2; i++) set(&T, i, support_value(&seed));
    for (size_t i = 0; i < rows; i++) ((int32_t *)labels.data)[i] = (int32_t)(i * i % 3);
    assert_ok(nb_feed(b->x, &x));
    assert_ok(nb_feed(b->t, &labels));
    assert_ok(nb_feed(b->T, &T));
    assert_ok(nb_feed(b->half, &half));
}

/* The gradient with decay is that without it, and lambda W. */
static void decay_adds_lambda_w(void **state)
{
    (void)state;
    both b = both_of(NB_FLOAT64);
    const nb_tensor g = nb_graph_gradients(b.g);
    nb_tensor without = tensor_of(g.dtype, g.shape);
    both_feed(&b, ROWS, 0);
    assert_ok(nb_forward(b.loss));
    assert_ok(nb_backward(b.loss));
    assert_ok(nb_tensor_convert(&g, &without));
    both_feed(&b, ROWS, .3);
    assert_ok(nb_forward(b.loss));
    assert_ok(nb_backward(b.loss));
    for (size_t k = 0; k < 3; k++) {
        nb_node *W = k == 0 ? b.W1 : (k == 1 ? b.W2 : b.W3);
        const double *dW = nb_gradient(W)->data, *w = nb_value(W)->data;
        const double *plain = (double *)without.data + (dW - (double *)g.data);
        for (size_t i = 0; i < nb_tensor_count(nb_value(W)); i++)
            assert_near(dW[i], plain[i] + (k ? .3 : 0) * w[i], 1e-15);
    }
    both_feed(&b, 0, 0);
    nb_tensor_destroy(&without);
    nb_graph_destroy(b.g);
}

/* Steps of descent, or of an optimiser, with batches of several lengths; the weights afterwards. */
static nb_tensor run_both(nb_dtype dtype, size_t threads, const nb_optimizer_type *type)
{
    static const size_t batch[] = {ROWS, 1, 49, 24, ROWS - 1, 73};
    nb_pool *pool;
    nb_optimizer *optimizer = NULL;
    both b = both_of(dtype);
    assert_ok(nb_pool_create(&pool, threads));
    assert_ok(nb_graph_set_pool(b.g, pool));
    if (type) assert_ok(nb_optimizer_create(&optimizer, b.g, type, NULL));
    for (size_t step = 0; step < COUNT(batch); step++) {
        both_feed(&b, batch[step], .01);
        assert_ok(nb_forward(b.loss));
        assert_ok(type ? nb_optimizer_step(optimizer, b.loss) : nb_descend(b.loss, .2));
    }
    const nb_tensor w = nb_graph_parameters(b.g);
    nb_tensor copy = tensor_of(dtype, w.shape);
    assert_ok(nb_tensor_convert(&w, &copy));
    both_feed(&b, 0, 0);
    nb_optimizer_destroy(optimizer);
    nb_graph_destroy(b.g);
    nb_pool_destroy(pool);
    return copy;
}

static void two_losses_and_decay_have_the_same_bits_on_threads(void **state)
{
    (void)state;
    const nb_optimizer_type *const types[] = {NULL, &nb_sgd, &nb_momentum, &nb_adam};
    for (size_t c = 0; c < 2 * COUNT(types); c++) {
        const nb_dtype dtype = c % 2 ? NB_FLOAT64 : NB_FLOAT32;
        nb_tensor one = run_both(dtype, 1, types[c / 2]);
        for (size_t threads = 2; threads <= 4; threads++) {
            nb_tensor more = run_both(dtype, threads, types[c / 2]);
            assert_same_tensor(&one, &more);
            nb_tensor_destroy(&more);
        }
        nb_tensor_destroy(&one);
    }
}

/* --- clones ----------------------------------------------------------------------------------- */

typedef struct predictor {
    nb_model *clone;
    nb_tensor x, y;
    nb_status status;
} predictor;

static void *predict_often(void *argument)
{
    predictor *p = argument;
    for (size_t i = 0; i < 20 && !p->status; i++) {
        memset(p->y.data, 0xff, nb_tensor_count(&p->y) * nb_dtype_size(p->y.dtype));
        p->status = nb_model_predict(p->clone, &p->x, &p->y);
    }
    return NULL;
}

static void clones_predict_at_the_same_time(void **state)
{
    (void)state;
    enum { CLONES = 4 };
    nb_model *model;
    nb_random random;
    predictor p[CLONES];
    pthread_t thread[CLONES];
    nb_random_seed(&random, 6);
    assert_ok(nb_model_create(
        &model, &(nb_model_options){.input = NB_SHAPE(INPUTS),
                                    .layers = NB_LAYERS(nb_dense(20), nb_act(NB_RELU), nb_dense(5)),
                                    .classes = (const char *const[]){"a", "b", "c", "d", "e"},
                                    .max_batch = 64,
                                    .random = &random}));
    const nb_tensor w = nb_graph_parameters(model->graph);
    for (size_t k = 0; k < CLONES; k++) {
        p[k] = (predictor){.x = tensor_of(NB_FLOAT32, NB_SHAPE(150 + k, INPUTS)),
                           .y = tensor_of(NB_FLOAT32, NB_SHAPE(150 + k, 5))};
        support_fill_s(nb_tensor_count(&p[k].x), p[k].x.data, 40 + k);
        assert_ok(nb_model_clone(model, &p[k].clone));
        assert_ptr_equal(nb_graph_parameters(p[k].clone->graph).data, w.data);
        assert_string_equal(p[k].clone->options.classes[4], "e");
    }
    for (size_t k = 0; k < CLONES; k++)
        assert_int_equal(pthread_create(&thread[k], NULL, predict_often, &p[k]), 0);
    for (size_t k = 0; k < CLONES; k++) assert_int_equal(pthread_join(thread[k], NULL), 0);
    for (size_t k = 0; k < CLONES; k++) {
        nb_tensor y = tensor_of(NB_FLOAT32, p[k].y.shape);
        assert_ok(p[k].status);
        assert_ok(nb_model_predict(model, &p[k].x, &y));
        assert_same_tensor(&y, &p[k].y);
        nb_tensor_destroy(&y);
    }
    for (size_t k = 0; k < CLONES; k++) {
        nb_tensor y = tensor_of(NB_FLOAT32, p[k].y.shape);
        /* What the model learns, its clones know. */
        nb_kernels_of(NB_FLOAT32)->set(w.data, k, 3 + (double)k);
        assert_ok(nb_model_predict(model, &p[k].x, &y));
        assert_ok(nb_model_predict(p[k].clone, &p[k].x, &p[k].y));
        assert_same_tensor(&y, &p[k].y);
        nb_tensor_destroy(&y);
        nb_tensor_destroy(&p[k].x);
        nb_tensor_destroy(&p[k].y);
        nb_model_destroy(p[k].clone);
    }
    nb_model_destroy(model);
}

/* --- early stopping --------------------------------------------------------------------------- */

typedef struct history {
    size_t evaluations, last;
    double best;
    size_t best_iteration;
    bool smaller; /* is better */
} history;

static nb_status follow(const nb_progress *p, void *context)
{
    history *h = context;
    h->last = p->iteration;
    if (!p->evaluated) return NB_OK;
    const bool better = h->smaller ? p->test_metric < h->best : p->test_metric > h->best;
    if (h->evaluations++ == 0 || better) {
        h->best = p->test_metric;
        h->best_iteration = p->iteration;
    }
    return NB_OK;
}

static double metric_of(nb_model *model, const nb_dataset *d, nb_random *random,
                        const nb_train_options *o)
{
    nb_trainer *trainer;
    double metric;
    assert_ok(nb_trainer_create(&trainer, model, d, NULL, random, o));
    assert_ok(nb_trainer_metric(trainer, d, &metric));
    nb_trainer_destroy(trainer);
    return metric;
}

/* A rate that is too large makes metrics go up and down. */
static void patience_ends_a_run_and_keeps_the_best_weights(void **state)
{
    (void)state;
    for (int c = 0; c < 8; c++) {
        const job *j = c & 1 ? &jobs[1] : &jobs[0];
        const size_t patience = 1 + (size_t)c / 2;
        nb_dataset train = j->data(NB_FLOAT32, 100), test = j->data(NB_FLOAT32, 7000);
        nb_random random;
        nb_train_result result;
        history h = {.smaller = c & 1};
        nb_random_seed(&random, 5);
        nb_model *model = build(j, NB_FLOAT32, c & 1 ? 2 : 3, &random);
        nb_train_options o = {.iterations = 4000,
                              .batch = 8,
                              .lr = c & 1 ? .3 : 2,
                              .eval_every = 5,
                              .patience = patience,
                              .threads = 1,
                              .report = follow,
                              .context = &h};
        assert_ok(nb_train(model, &train, &test, &random, &o, &result));
        assert_near(result.best, h.best, 0);
        assert_int_equal(result.best_iteration, h.best_iteration);
        assert_int_equal(result.completed, h.last + 1);
        assert_int_equal(h.last, h.best_iteration + 5 * patience);
        assert_true(result.completed < o.iterations);
        o.patience = 0;
        o.report = NULL;
        assert_near(metric_of(model, &test, &random, &o), h.best, 0);
        o.patience = 1;
        assert_fails(NB_EINVAL, "patience=1 without a test set",
                     nb_train(model, &train, NULL, &random, &o, &result));
        nb_model_destroy(model);
        destroy(&train);
        destroy(&test);
    }
}

/* --- first weights ---------------------------------------------------------------------------- */

/* Of a parameter: mean and standard deviation, and the largest of its numbers. */
static void assert_spread(nb_node *W, double std, bool uniform)
{
    const nb_tensor *w = nb_value(W);
    const nb_kernels *k = nb_kernels_of(w->dtype);
    const double n = (double)nb_tensor_count(w);
    double sum = 0, squares = 0, most = 0;
    for (size_t i = 0; i < nb_tensor_count(w); i++) {
        const double value = k->get(w->data, i);
        sum += value;
        squares += value * value;
        most = fmax(most, fabs(value));
    }
    /* Four standard errors: of the mean std/sqrt n, of the deviation at most std/sqrt 2n. */
    assert_near(sum / n, 0, 4 * std / sqrt(n));
    assert_near(sqrt(squares / n), std, 4 * std / sqrt(2 * n));
    if (uniform)
        assert_true(most <= sqrt(3.0) * std * (1 + 0x1p-23) && most > 1.7 * std);
    else
        assert_true(most > 2.5 * std);
}

static void first_weights_have_the_spread_asked_for(void **state)
{
    (void)state;
    enum { K = 80, M = 50 };
    static const double he[] = {.02, 1. / K, 2. / K}, he2[] = {.02, 1. / M, 2. / M};
    for (int c = 0; c < 16; c++) {
        const nb_init init = (nb_init)(c / 4);
        const bool uniform = c & 1, relu = c & 2;
        nb_random random;
        nb_model *m;
        nb_random_seed(&random, 40 + (uint32_t)c);
        assert_ok(nb_model_create(
            &m,
            &(nb_model_options){
                .input = NB_SHAPE(K),
                .layers = NB_LAYERS(nb_dense(M), nb_act(relu ? NB_RELU : NB_SIGMOID), nb_dense(60)),
                .random = &random,
                .init = init,
                .std = sqrt(.02),
                .uniform = uniform}));
        /* The last layer has no activation: Xavier by default. */
        const int kind = init == NB_INIT_DEFAULT ? (relu ? 2 : 1) : (int)init - 1;
        const int last = init == NB_INIT_DEFAULT ? 1 : kind;
        assert_spread(nb_model_parameter(m, "W1"), sqrt(he[kind]), uniform);
        assert_spread(nb_model_parameter(m, "W2"), sqrt(he2[last]), uniform);
        for (size_t i = 0; i < M; i++)
            assert_true(((float *)nb_value(nb_model_parameter(m, "b1"))->data)[i] == 0);
        nb_model_destroy(m);
    }
}

/* W1 row by row, W2, ...; in double, whatever the model's type; nothing else is drawn. */
static void first_weights_are_drawn_in_order(void **state)
{
    (void)state;
    for (int c = 0; c < 8; c++) {
        const bool uniform = c & 1, twice = c & 2;
        const nb_dtype dtype = c & 4 ? NB_FLOAT64 : NB_FLOAT32;
        nb_random random;
        nb_model *m;
        nb_random_seed(&random, 12);
        nb_random twin = random;
        const nb_model_options o = {.input = NB_SHAPE(3),
                                    .layers = NB_LAYERS(nb_dense(5), nb_act(NB_RELU),
                                                        nb_dense_without_bias(4), nb_dense(2)),
                                    .loss = NB_SQUARED_LOSS,
                                    .dtype = dtype,
                                    .random = &random,
                                    .init = NB_INIT_HE,
                                    .uniform = uniform};
        assert_ok(nb_model_create(&m, &o));
        if (twice) assert_ok(nb_model_draw(m, &random));
        for (int draw = 0; draw <= twice; draw++)
            for (size_t layer = 0; layer < 3; layer++) {
                static const char *const names[] = {"W1", "W2", "W3"};
                static const size_t inputs[] = {3, 5, 4};
                const nb_tensor *w = nb_value(nb_model_parameter(m, names[layer]));
                const double std = sqrt(2.0 / (double)inputs[layer]), limit = sqrt(3.0) * std;
                for (size_t i = 0; i < nb_tensor_count(w); i++) {
                    const double want = uniform ? limit * (2 * nb_random_rand(&twin) - 1)
                                                : std * nb_random_randn(&twin);
                    const double got = nb_kernels_of(dtype)->get(w->data, i);
                    if (draw == twice)
                        assert_true(got == (dtype == NB_FLOAT32 ? (double)(float)want : want));
                }
            }
        assert_memory_equal(&random, &twin, sizeof random);
        nb_model_destroy(m);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static nb_status life(void)
{
    static const char *const names[] = {"a", "b"};
    float x_data[8 * 3], y_data[8 * 2];
    nb_random random;
    nb_model *m = NULL, *clone = NULL;
    nb_train_result result;
    nb_train_options o = {
        .iterations = 3, .batch = 4, .lr = .1, .threads = 1, .patience = 2, .optimizer = &nb_adam};
    const nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(8, 3), x_data);
    nb_tensor y = nb_tensor_view(NB_FLOAT32, NB_SHAPE(8, 2), y_data);
    const nb_dataset d = {.x = x, .t = y};
    support_fill_s(8 * 3, x_data, 1);
    support_fill_s(8 * 2, y_data, 2);
    nb_random_seed(&random, 1);
    nb_status status = nb_model_create(
        &m, &(nb_model_options){.input = NB_SHAPE(3),
                                .layers = NB_LAYERS(nb_dense(4), nb_act(NB_RELU), nb_dense(2)),
                                .loss = NB_HUBER_LOSS,
                                .random = &random,
                                .classes = names});
    if (!status) status = nb_train(m, &d, &d, &random, &o, &result);
    if (!status) status = nb_model_clone(m, &clone);
    if (!status) status = nb_model_predict(clone, &x, &y);
    nb_model_destroy(clone);
    nb_model_destroy(m);
    return status;
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    size_t at = 0;
    nb_status status;
    do {
        support_allocator_start(++at);
        status = life();
        assert_int_equal(support_memory.live, 0);
        assert_int_equal(status, support_memory.taken >= at ? NB_ENOMEM : NB_OK);
        support_allocator_stop();
        assert_memory_status(status);
    } while (status);
    assert_true(at > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_train_and_come_back),
        cmocka_unit_test(activations_are_what_they_are_called),
        cmocka_unit_test(a_file_of_another_model_is_refused),
        cmocka_unit_test(decay_adds_lambda_w),
        cmocka_unit_test(two_losses_and_decay_have_the_same_bits_on_threads),
        cmocka_unit_test(clones_predict_at_the_same_time),
        cmocka_unit_test(patience_ends_a_run_and_keeps_the_best_weights),
        cmocka_unit_test(first_weights_have_the_spread_asked_for),
        cmocka_unit_test(first_weights_are_drawn_in_order),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests_name("model_train", tests, NULL, NULL);
}
