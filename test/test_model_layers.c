/* Layers that know whether the model trains, and those with state: in a list, a file, a copy. */
#include "support.h"

#include "nablas/gradient.h"
#include "nablas/memory.h"
#include "nablas/mnist.h"
#include "nablas/model_file.h"
#include "nablas/train.h"

#include <math.h>
#include <unistd.h>

enum { N = 40, C = 2, H = 3, W = 2, K = C * H * W, CLASSES = 4 };

static double data[N * K];
static int32_t label[N];

static nb_dataset some_data(void)
{
    support_fill_d(N * K, data, 7);
    for (size_t i = 0; i < N; i++) {
        label[i] = (int32_t)(i * i % CLASSES);
        data[i * K + 3] = 5;                              /* constant */
        data[i * K + (size_t)label[i]] += 100 + label[i]; /* far from 0 */
    }
    return (nb_dataset){.x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, C, H, W), data),
                        .t = nb_tensor_view(NB_INT32, NB_SHAPE(N), label),
                        .classes = CLASSES};
}

/* One of every kind. */
static nb_model *make(nb_dtype dtype, bool book, nb_random *random)
{
    static const double weights[CLASSES] = {1, .5, 0, 2.25};
    const nb_layer norm = nb_batch_norm_layer(), drop = nb_dropout_layer(.25);
    const nb_layer layer[] = {
        nb_standardize(), book ? nb_as_in_book(norm) : norm, nb_flatten_layer(), nb_dense(9), norm,
        nb_act(NB_RELU),  book ? nb_as_in_book(drop) : drop, nb_dense(CLASSES)};
    nb_model *m;
    nb_random_seed(random, 5);
    assert_ok(nb_model_create(&m, &(nb_model_options){.input = NB_SHAPE(C, H, W),
                                                      .layers = {COUNT(layer), layer},
                                                      .dtype = dtype,
                                                      .class_weights = weights,
                                                      .random = random}));
    return m;
}

static nb_train_options some_options(size_t threads)
{
    return (nb_train_options){.iterations = 20, .batch = 16, .lr = .1, .threads = threads};
}

static nb_model *trained(nb_dtype dtype, bool book, size_t threads)
{
    nb_random random;
    const nb_dataset d = some_data();
    const nb_train_options options = some_options(threads);
    nb_train_result result;
    nb_model *m = make(dtype, book, &random);
    assert_ok(nb_model_standardize(m, &d));
    assert_ok(nb_train(m, &d, NULL, &random, &options, &result));
    return m;
}

static double number(const nb_model *m, const char *name, size_t i)
{
    const nb_tensor *t = nb_value(nb_graph_find(m->graph, name));
    assert_non_null(t);
    return nb_kernels_of(t->dtype)->get(t->data, i);
}

/* Every parameter and state. */
static void assert_same(const nb_model *a, const nb_model *b)
{
    assert_int_equal(nb_graph_nodes(a->graph), nb_graph_nodes(b->graph));
    for (size_t i = 0; i < nb_graph_nodes(a->graph); i++) {
        nb_node *x = nb_graph_node(a->graph, i), *y = nb_graph_node(b->graph, i);
        if (nb_node_role(x) != NB_PARAMETER && nb_node_role(x) != NB_STATE) continue;
        assert_string_equal(nb_node_name(x), nb_node_name(y));
        assert_memory_equal(nb_value(x)->data, nb_value(y)->data,
                            nb_tensor_count(nb_value(x)) * nb_dtype_size(nb_value(x)->dtype));
    }
}

static void assert_same_predictions(nb_model *a, nb_model *b, double bound)
{
    double y[N * CLASSES], z[N * CLASSES];
    float single[N * K], w[N * CLASSES];
    const nb_dataset d = some_data();
    const nb_shape shape = NB_SHAPE(N, CLASSES);
    nb_tensor Y = nb_tensor_view(NB_FLOAT64, shape, y), Z = nb_tensor_view(NB_FLOAT64, shape, z);
    assert_ok(nb_model_predict(a, &d.x, &Y));
    if (nb_graph_dtype(b->graph) == NB_FLOAT64) {
        assert_ok(nb_model_predict(b, &d.x, &Z));
    } else {
        nb_tensor X = nb_tensor_view(NB_FLOAT32, NB_SHAPE(N, C, H, W), single);
        nb_tensor V = nb_tensor_view(NB_FLOAT32, shape, w);
        assert_ok(nb_tensor_convert(&d.x, &X));
        assert_ok(nb_model_predict(b, &X, &V));
        assert_ok(nb_tensor_convert(&V, &Z));
    }
    for (size_t i = 0; i < N * CLASSES; i++) assert_near(y[i], z[i], bound);
}

/* --- first values ----------------------------------------------------------------------------- */

static void a_new_model_is_ready(void **state)
{
    (void)state;
    nb_random random;
    for (int book = 0; book < 2; book++) {
        nb_model *m = make(NB_FLOAT64, book, &random);
        assert_int_equal(nb_tensor_count(nb_value(nb_graph_find(m->graph, "gamma1"))),
                         book ? K : C);
        assert_true(number(m, "gamma1", 1) == 1 && number(m, "gamma2", 8) == 1);
        assert_true(number(m, "beta1", 0) == 0 && number(m, "mean2", 0) == 0);
        assert_true(number(m, "variance1", 1) == (book ? 0 : 1) && number(m, "variance2", 0) == 1);
        assert_true(number(m, "center1", 0) == 0 && number(m, "deviation1", K - 1) == 1);
        assert_true(number(m, "class_weights", 3) == 2.25);
        assert_null(m->options.class_weights);
        nb_model_destroy(m);
    }
}

static void drawing_anew_begins_batch_norm_anew_and_keeps_the_standards(void **state)
{
    (void)state;
    nb_random random;
    nb_model *m = trained(NB_FLOAT64, true, 1), *fresh = make(NB_FLOAT64, true, &random);
    const nb_dataset d = some_data();
    assert_true(number(m, "gamma1", 0) != 1 && number(m, "variance1", 0) != 0);
    assert_ok(nb_model_standardize(fresh, &d));
    nb_random_seed(&random, 5);
    assert_ok(nb_model_draw(m, &random));
    assert_same(m, fresh);
    nb_model_destroy(m);
    nb_model_destroy(fresh);
}

/* NumPy: x.mean(axis=0), x.std(axis=0), to the rounding of 40 numbers. */
static void standardized_columns_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    nb_random random;
    const nb_dataset d = some_data();
    nb_model *m = make(NB_FLOAT64, false, &random);
    assert_ok(nb_model_standardize(m, &d));
    for (size_t j = 0; j < K; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < N; i++) sum += data[i * K + j];
        for (size_t i = 0; i < N; i++) squares += pow(data[i * K + j] - sum / N, 2);
        const bool constant = j == 3;
        assert_near(number(m, "center1", j), sum / N, 1e-12);
        assert_near(number(m, "deviation1", j), constant ? 1 : sqrt(squares / N), 1e-12);
    }
    assert_true(number(m, "center1", 3) == 5 && number(m, "deviation1", 3) == 1);
    nb_model_destroy(m);
}

static void scores_are_scaled_through_the_last_layer(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
        nb_random random;
        double was[2], now[2];
        nb_tensor x, y;
        nb_model *m;
        nb_random_seed(&random, 3);
        assert_ok(nb_model_create(
            &m, &(nb_model_options){.input = NB_SHAPE(3),
                                    .layers = NB_LAYERS(nb_dense(4), nb_act(NB_TANH), nb_dense(2)),
                                    .loss = NB_SQUARED_LOSS,
                                    .dtype = dtype,
                                    .random = &random,
                                    .init = NB_INIT_XAVIER}));
        assert_ok(nb_tensor_create(&x, dtype, NB_SHAPE(1, 3)));
        assert_ok(nb_tensor_create(&y, dtype, NB_SHAPE(1, 2)));
        const nb_kernels *k = nb_kernels_of(dtype);
        for (size_t j = 0; j < 3; j++) k->set(x.data, j, .3 * (double)j - .2);
        assert_ok(nb_model_scores(m, &x, &y));
        for (size_t j = 0; j < 2; j++) was[j] = k->get(y.data, j);
        assert_ok(nb_model_scale_scores(m, (double[]){10, -1e3}, (double[]){4, 250}));
        assert_ok(nb_model_scores(m, &x, &y));
        for (size_t j = 0; j < 2; j++) now[j] = k->get(y.data, j);
        const double near = dtype == NB_FLOAT32 ? 1e-4 : 1e-12;
        assert_near(now[0], 4 * was[0] + 10, near);
        assert_near(now[1], 250 * was[1] - 1e3, near * 100);
        assert_fails(NB_EINVAL, "mean is NULL", nb_model_scale_scores(m, NULL, was));
        nb_model_destroy(m);
        nb_tensor_destroy(&x);
        nb_tensor_destroy(&y);
    }
    nb_model *m;
    assert_ok(
        nb_model_create(&m, &(nb_model_options){.input = NB_SHAPE(3),
                                                .layers = NB_LAYERS(nb_dense(2), nb_act(NB_TANH)),
                                                .loss = NB_SQUARED_LOSS,
                                                .dtype = NB_FLOAT64}));
    assert_fails(NB_EINVAL, "layer 2 is not dense with a bias",
                 nb_model_scale_scores(m, (double[]){0, 0}, (double[]){1, 1}));
    nb_model_destroy(m);
}

/* --- copies ----------------------------------------------------------------------------------- */

static void every_kind_comes_back_from_a_file(void **state)
{
    (void)state;
    static const char *const names[] = {"m.npz", "m.safetensors"};
    for (size_t f = 0; f < COUNT(names); f++)
        for (int book = 0; book < 2; book++) {
            nb_model *m = trained(NB_FLOAT64, book, 1), *opened;
            assert_ok(nb_model_save(m, support_path(names[f])));
            assert_ok(nb_model_open(&opened, support_path(names[f]),
                                    &(nb_model_options){.dtype = NB_FLOAT64}));
            assert_same(m, opened);
            assert_same_predictions(m, opened, 0);
            nb_model_destroy(opened);
            assert_ok(nb_model_open(&opened, support_path(names[f]), NULL));
            assert_same_predictions(m, opened, 2e-5);
            nb_model_destroy(opened);
            nb_model_destroy(m);
        }
}

static void clones_and_casts_predict_the_same(void **state)
{
    (void)state;
    nb_model *m = trained(NB_FLOAT64, true, 1), *clone;
    assert_ok(nb_model_clone(m, &clone));
    assert_same_predictions(m, clone, 0);
    nb_model_destroy(clone);
    nb_graph *single;
    assert_ok(nb_graph_cast(m->graph, NB_FLOAT32, &single));
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (nb_node_role(node) != NB_STATE) continue;
        const nb_tensor *a = nb_value(node), *b = nb_value(nb_graph_node(single, i));
        for (size_t j = 0; j < nb_tensor_count(a); j++)
            assert_true((float)((double *)a->data)[j] == ((float *)b->data)[j]);
    }
    nb_graph_destroy(single);
    nb_model_destroy(m);
}

/* --- training --------------------------------------------------------------------------------- */

static void the_bits_are_those_of_one_thread(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        nb_model *one = trained(kind % 2 ? NB_FLOAT32 : NB_FLOAT64, kind / 2, 1);
        for (size_t threads = 2; threads <= 4; threads++) {
            nb_model *more = trained(kind % 2 ? NB_FLOAT32 : NB_FLOAT64, kind / 2, threads);
            assert_same(one, more);
            nb_model_destroy(more);
        }
        nb_model_destroy(one);
    }
}

/* The step trains, the loss it tells predicts: nb_model_loss of the same batch gives it again. */
static void the_loss_of_a_step_is_a_predicting_one(void **state)
{
    (void)state;
    nb_random random;
    nb_trainer *trainer;
    double told, loss;
    nb_dataset d = some_data();
    nb_train_options options = some_options(1);
    options.sampling = NB_IN_ORDER;
    nb_model *m = make(NB_FLOAT64, true, &random);
    assert_ok(nb_trainer_create(&trainer, m, &d, NULL, &random, &options));
    assert_ok(nb_trainer_step(trainer, &told));
    assert_true(number(m, "mean1", 0) != 0);
    const double mean = number(m, "mean1", 0);
    const nb_tensor x = nb_tensor_rows(&d.x, 0, 16), t = nb_tensor_rows(&d.t, 0, 16);
    const nb_random before = random;
    assert_ok(nb_model_loss(m, &x, &t, &loss));
    assert_true(loss == told && number(m, "mean1", 0) == mean);
    assert_memory_equal(&before, &random, sizeof random);
    nb_trainer_destroy(trainer);
    nb_model_destroy(m);
}

/* By differences: one mask for all of them, and the statistics move once. */
static void a_numerical_step_is_nearly_the_other(void **state)
{
    (void)state;
    nb_model *m[2];
    const nb_dataset d = some_data();
    for (int numerical = 0; numerical < 2; numerical++) {
        nb_random random;
        nb_trainer *trainer;
        double loss;
        nb_train_options options = some_options(1);
        options.gradient = numerical ? NB_NUMERICAL : NB_BACKPROP;
        m[numerical] = make(NB_FLOAT64, false, &random);
        assert_ok(nb_model_standardize(m[numerical], &d));
        assert_ok(nb_trainer_create(&trainer, m[numerical], &d, NULL, &random, &options));
        for (size_t i = 0; i < 2; i++) assert_ok(nb_trainer_step(trainer, &loss));
        nb_trainer_destroy(trainer);
    }
    for (size_t i = 0; i < 9; i++) {
        assert_near(number(m[0], "gamma2", i), number(m[1], "gamma2", i), 1e-7);
        assert_near(number(m[0], "mean2", i), number(m[1], "mean2", i), 1e-7);
    }
    nb_model_destroy(m[0]);
    nb_model_destroy(m[1]);
}

static void a_class_of_weight_0_teaches_nothing(void **state)
{
    (void)state;
    nb_random random;
    nb_dataset d = some_data();
    int32_t all_two[N];
    double hot[N * CLASSES] = {0}, loss, by_rows;
    nb_model *m = make(NB_FLOAT64, false, &random);
    for (size_t i = 0; i < N; i++) all_two[i] = 2, hot[i * CLASSES + (size_t)label[i]] = 1;
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(N), all_two);
    const nb_tensor rows = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, CLASSES), hot);
    assert_ok(nb_model_loss(m, &d.x, &t, &loss));
    assert_true(loss == 0);
    assert_ok(nb_model_loss(m, &d.x, &d.t, &loss));
    assert_ok(nb_model_loss(m, &d.x, &rows, &by_rows));
    assert_near(loss, by_rows, 1e-15 * loss);
    assert_true(loss > 0);
    nb_model_destroy(m);
}

/* --- the book's gradient check ---------------------------------------------------------------- */

static double mean_difference(const nb_gradient_report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->row[i].name, name) == 0) return report->row[i].mean_abs;
    fail_msg("no %s", name);
    return (double)NAN;
}

/* MultiLayerNetExtend 784-20-20-10, seed 0, the first five images of MNIST; differences as the book's
 * own NumPy gave them, which have their own rounding: to a hundredth. */
static void the_book_s_gradient_check(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double difference;
    } want[] = {{"gamma1", 8.47e-08}, {"beta1", 6.89e-08}, {"W2", 4.84e-08}, {"gamma2", 7.53e-08},
                {"beta2", 8.44e-08},  {"W3", 6.21e-08},    {"b3", 9.92e-08}};
    nb_mnist mnist;
    if (access("data/mnist/train-images-idx3-ubyte", R_OK) != 0) {
        print_message("no MNIST in data/mnist ('make data'): skipped\n");
        skip();
    }
    assert_ok(nb_mnist_load(&mnist, "data/mnist", NULL));
    static double x[5 * 784];
    int32_t t[5];
    nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 784), x);
    nb_tensor T = nb_tensor_view(NB_INT32, NB_SHAPE(5), t);
    assert_ok(nb_dataset_range(&mnist.train, 0, 5, &X, &T));
    nb_random random;
    nb_random_seed(&random, 0);
    nb_model *m;
    nb_node *loss;
    const nb_layer norm = nb_as_in_book(nb_batch_norm_layer());
    assert_ok(nb_model_create(
        &m,
        &(nb_model_options){.input = NB_SHAPE(784),
                            .layers = NB_LAYERS(nb_dense(20), norm, nb_act(NB_RELU), nb_dense(20),
                                                norm, nb_act(NB_RELU), nb_dense(10)),
                            .init = NB_INIT_HE,
                            .epsilon = NB_BOOK_EPSILON,
                            .dtype = NB_FLOAT64,
                            .random = &random}));
    assert_ok(nb_graph_set_pass(m->graph, (nb_pass){.training = true, .random = &random}));
    assert_ok(nb_model_feed(m, &X, &T, &loss));
    assert_ok(nb_forward(loss));
    assert_near(nb_scalar(loss), 2.251225547207544, 1e-14);
    nb_gradient_report report;
    assert_ok(nb_gradient_check(loss, 1e-4, &report));
    for (size_t i = 0; i < COUNT(want); i++)
        assert_near(mean_difference(&report, want[i].name), want[i].difference,
                    .01 * want[i].difference);
    assert_true(mean_difference(&report, "b1") < 1e-11 && mean_difference(&report, "b2") < 1e-11);
    nb_gradient_report_destroy(&report);
    nb_model_destroy(m);
    nb_mnist_destroy(&mnist);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Not dense: filters, or columns of the data themselves. */
static void names_of_classes_come_back_whatever_the_last_layer_is(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const double weights[] = {1, 2, 3};
    const nb_model_options all[] = {
        {.input = NB_SHAPE(1, 4, 4),
         .layers = NB_LAYERS(nb_conv(3, 2, 1, 0), nb_average_pooling(0, 0), nb_flatten_layer())},
        {.input = NB_SHAPE(3), .layers = NB_LAYERS(nb_standardize())}};
    for (size_t i = 0; i < COUNT(all); i++) {
        nb_model *m, *opened;
        nb_model_options o = all[i];
        const char *path = support_path("named.safetensors");
        o.classes = names;
        o.class_weights = weights;
        assert_ok(nb_model_create(&m, &o));
        assert_ok(nb_model_save(m, path));
        assert_ok(nb_model_open(&opened, path, NULL));
        assert_string_equal(opened->options.classes[2], "c");
        nb_model_destroy(opened);
        nb_model_destroy(m);
    }
}

/* Another number of them than outputs is no model's. */
static void names_without_outputs_are_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"format\": 1, \"input\": [2], \"scale\": 1, \"loss\": "
                               "\"cross_entropy\", \"epsilon\": 0, \"delta\": 1, \"layers\": "
                               "[{\"type\": \"relu\", \"value\": 0}], \"classes\": [%s], "
                               "\"class_weights\": [%s]}";
    static const char *const bad[][2] = {{"\"a\"", ""}, {"", "1, 2, 3"}, {"\"a\", \"b\"", "1"}};
    for (size_t i = 0; i <= COUNT(bad); i++) {
        char described[400];
        nb_model *m;
        nb_arrays a = {0};
        const bool good = i == COUNT(bad);
        snprintf(described, sizeof described, text, good ? "\"a\", \"b\"" : bad[i][0],
                 good ? "1, 2" : bad[i][1]);
        assert_ok(nb_arrays_set_text(&a, NB_MODEL_KEY, described));
        const nb_status status = nb_model_from_arrays(&m, &a, "made.npz", NULL);
        if (good)
            assert_ok(status); /* the description has the weights, so the arrays need not */
        else
            assert_fails(NB_EFORMAT, "of classes, the model has 2 outputs", status);
        if (good) assert_true(number(m, "class_weights", 1) == 2);
        nb_model_destroy(m);
        nb_arrays_destroy(&a);
    }
}

static nb_status make_and_open(const nb_dataset *d, const char *path)
{
    static const double weights[CLASSES] = {1, .5, 0, 2.25};
    nb_model *m, *opened = NULL;
    const nb_model_options o = {.input = NB_SHAPE(C, H, W),
                                .layers = NB_LAYERS(nb_standardize(), nb_batch_norm_layer(),
                                                    nb_flatten_layer(), nb_dropout_layer(.5),
                                                    nb_dense(CLASSES)),
                                .class_weights = weights};
    nb_status status = nb_model_create(&m, &o);
    if (!status) status = nb_model_standardize(m, d);
    if (!status) status = nb_model_save(m, path);
    if (!status) status = nb_model_open(&opened, path, NULL);
    nb_model_destroy(opened);
    nb_model_destroy(m);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    const nb_dataset d = some_data();
    const char *path = support_path("failing.npz");
    nb_status status = NB_ENOMEM;
    size_t n = 1;
    for (; status && n < 10000; n++) {
        support_allocator_start(n);
        status = make_and_open(&d, path);
        assert_true(status == NB_OK || status == NB_ENOMEM);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    }
    assert_in_range(n, 50, 9999);
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_model *m;
    nb_dataset d = some_data();
    nb_model_options o = {.input = NB_SHAPE(3),
                          .layers = NB_LAYERS(nb_dropout_layer(1), nb_dense(2))};
    assert_fails(NB_EINVAL, "layer 0: ratio=1", nb_model_create(&m, &o));
    o.layers = NB_LAYERS(nb_dense(2));
    o.class_weights = (double[]){1, -1};
    assert_fails(NB_EINVAL, "class_weights[1]=-1", nb_model_create(&m, &o));
    o.loss = NB_SQUARED_LOSS;
    assert_fails(NB_EINVAL, "class_weights with the loss squared", nb_model_create(&m, &o));
    o.class_weights = NULL;
    assert_ok(nb_model_create(&m, &o));
    assert_fails(NB_EINVAL, "no nb_standardize layer", nb_model_standardize(m, &d));
    assert_fails(NB_EINVAL, "NULL", nb_model_standardize(m, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_model_standardize(NULL, &d));
    nb_model_destroy(m);
    o.layers = NB_LAYERS(nb_standardize(), nb_dense(2));
    assert_ok(nb_model_create(&m, &o));
    assert_fails(NB_ESHAPE, "a sample is (1, 2, 3, 2), the layer's is (3,)",
                 nb_model_standardize(m, &d));
    nb_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_model_is_ready),
        cmocka_unit_test(drawing_anew_begins_batch_norm_anew_and_keeps_the_standards),
        cmocka_unit_test(standardized_columns_have_mean_0_and_deviation_1),
        cmocka_unit_test(scores_are_scaled_through_the_last_layer),
        cmocka_unit_test(every_kind_comes_back_from_a_file),
        cmocka_unit_test(clones_and_casts_predict_the_same),
        cmocka_unit_test(the_bits_are_those_of_one_thread),
        cmocka_unit_test(the_loss_of_a_step_is_a_predicting_one),
        cmocka_unit_test(a_numerical_step_is_nearly_the_other),
        cmocka_unit_test(a_class_of_weight_0_teaches_nothing),
        cmocka_unit_test(the_book_s_gradient_check),
        cmocka_unit_test(names_of_classes_come_back_whatever_the_last_layer_is),
        cmocka_unit_test(names_without_outputs_are_refused),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(misuse_is_answered),
    };
    return cmocka_run_group_tests_name("model_layers", tests, NULL, NULL);
}
