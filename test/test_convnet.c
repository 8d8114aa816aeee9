/* The book's convolutional nets: layers, its weights, its losses; convolutional models in files. */
#include "convnets.h"

#include "nablas/arrays.h"

#include <math.h>

static double number(const nb_model *m, const char *name, size_t i)
{
    const nb_tensor *t = nb_value(nb_model_parameter(m, name));
    return nb_kernels_of(t->dtype)->get(t->data, i);
}

static void assert_shape(const nb_model *m, const char *name, nb_shape shape)
{
    char text[96];
    const nb_tensor *t = nb_value(nb_model_parameter(m, name));
    if (!t || !nb_shape_equal(t->shape, shape))
        fail_msg("%s is %s", name, t ? nb_shape_text(t->shape, text, sizeof text) : "not there");
}

/* --- layers ----------------------------------------------------------------------------------- */

/* NumPy: seed 0; .01 randn(30, 1, 5, 5), .01 randn(4320, 100), .01 randn(100, 10). */
static void first_weights_are_the_books(void **state)
{
    (void)state;
    static const double first[] = {0.017640523459676642, 0.004001572083672233,
                                   0.009787379841057393};
    nb_random random;
    nb_random_seed(&random, 0);
    nb_model *net = simple_convnet(NB_FLOAT64, &random);
    assert_shape(net, "W1", NB_SHAPE(30, 1, 5, 5));
    assert_shape(net, "W2", NB_SHAPE(4320, 100));
    assert_shape(net, "W3", NB_SHAPE(100, 10));
    assert_shape(net, "b1", NB_SHAPE(30));
    for (size_t i = 0; i < 3; i++) assert_true(number(net, "W1", i) == first[i]);
    for (size_t i = 0; i < 30; i++) assert_true(number(net, "b1", i) == 0);
    nb_model_destroy(net);
}

/* What goes into a filter is C FH FW: sqrt(2 / 9), sqrt(2 / 144), ... sqrt(2 / 1024), 8.1.1. */
static void he_counts_the_inputs_of_a_filter(void **state)
{
    (void)state;
    static const size_t inputs[] = {9, 144, 144, 288, 288, 576, 1024, 50};
    nb_random random, again;
    nb_random_seed(&random, 4);
    nb_random_seed(&again, 4);
    nb_model *net = deep_convnet(NB_FLOAT64, &random);
    assert_shape(net, "W4", NB_SHAPE(32, 32, 3, 3));
    assert_shape(net, "W7", NB_SHAPE(1024, 50));
    for (size_t i = 0; i < COUNT(inputs); i++) {
        char name[8];
        snprintf(name, sizeof name, "W%zu", i + 1);
        const double std = sqrt(2. / (double)inputs[i]);
        const size_t count = nb_tensor_count(nb_value(nb_model_parameter(net, name)));
        for (size_t j = 0; j < count; j++)
            assert_true(number(net, name, j) == std * nb_random_randn(&again));
    }
    nb_model_destroy(net);
}

/* --- the book's weights ----------------------------------------------------------------------- */

typedef nb_model *(*maker)(nb_dtype dtype, nb_random *random);

static size_t count_right(nb_model *net, const nb_dataset *test)
{
    enum { AT_ONCE = 1000 };
    const nb_dtype dtype = nb_graph_dtype(net->graph);
    nb_tensor x, t;
    size_t right = 0;
    assert_ok(nb_tensor_create(&x, dtype, NB_SHAPE(AT_ONCE, 1, IMAGE, IMAGE)));
    assert_ok(nb_tensor_create(&t, NB_INT32, NB_SHAPE(AT_ONCE)));
    for (size_t i = 0; i < nb_dataset_count(test); i += AT_ONCE) {
        double accuracy;
        assert_ok(nb_dataset_range(test, i, i + AT_ONCE, &x, &t));
        assert_ok(nb_model_accuracy(net, &x, &t, &accuracy));
        right += (size_t)lround(accuracy * AT_ONCE);
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return right;
}

static void assert_scores(nb_model *net, const nb_dataset *test, const double *want)
{
    double pixels[PIXELS], scores[10];
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 1, IMAGE, IMAGE), pixels);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 10), scores);
    int32_t label;
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    assert_ok(nb_dataset_range(test, 0, 1, &x, &t));
    assert_ok(nb_model_scores(net, &x, &y));
    for (size_t i = 0; i < 10; i++) assert_near(scores[i], want[i], 1e-12 * fabs(want[i]));
}

static void assert_book(maker make, const char *file, size_t right, const double *scores)
{
    char path[1200];
    nb_mnist m;
    nb_pool *pool;
    if (!find_weights(file, path, sizeof path)) {
        print_message("no %s (scripts/get_book_weights.sh fetches it)\n", file);
        skip();
    }
    if (!find_images(&m)) {
        print_message("no MNIST (scripts/get_mnist.sh fetches it)\n");
        skip();
    }
    assert_ok(nb_pool_create(&pool, 2));
    for (int d = 0; d < 2; d++) {
        nb_model *net = make(d ? NB_FLOAT64 : NB_FLOAT32, NULL);
        assert_ok(nb_model_load(net, path));
        assert_ok(nb_graph_set_pool(net->graph, pool));
        if (d) assert_scores(net, &m.test, scores);
        assert_int_equal(count_right(net, &m.test), right);
        nb_model_destroy(net);
    }
    nb_pool_destroy(pool);
    nb_mnist_destroy(&m);
}

static void simple_convnets_weights_classify_9890(void **state)
{
    (void)state;
    static const double scores[] = {-9.52908997718287,  -10.417572835041117, -8.078533515287852,
                                    -4.529725469887789, -22.763866704744068, -14.207598756763986,
                                    -42.16245915632673, 18.490323127393665,  -12.657330647291355,
                                    -10.591462741383195};
    assert_book(simple_convnet, "simple_convnet_params.pkl", 9890, scores);
}

static void deep_convnets_weights_classify_9935(void **state)
{
    (void)state;
    static const double scores[] = {-11.771778127406712, -7.058771006549232, -7.298753912576459,
                                    -9.200717902118804,  -8.413607429750156, -11.344272725081677,
                                    -10.540893532213795, 3.004176575300501,  -8.483518495120332,
                                    -8.050118764422233};
    assert_book(deep_convnet, "deep_convnet_params.pkl", 9935, scores);
}

/* --- the book's training ---------------------------------------------------------------------- */

static void assert_accuracy(nb_trainer *trainer, const nb_dataset *set, double want)
{
    double accuracy;
    assert_ok(nb_trainer_metric(trainer, set, &accuracy));
    assert_near(accuracy, want, 1e-12);
}

static void the_first_losses_of_simple_convnet_are_the_books(void **state)
{
    (void)state;
    static const double train[] = {0.118, 0.868}, test[] = {0.111, 0.868}; /* after 0 and 99 */
    static const struct {
        size_t iteration;
        double loss;
    } book[] = {{0, 2.3002395252453582}, {1, 2.299338058140439},   {2, 2.295831208635151},
                {9, 2.2348138386241603}, {49, 0.5633998093708318}, {99, 0.3677883474441618}};
    nb_mnist m;
    nb_random random;
    nb_trainer *trainer;
    if (!find_images(&m)) {
        print_message("no MNIST (scripts/get_mnist.sh fetches it)\n");
        skip();
    }
    nb_random_seed(&random, 0);
    nb_model *net = simple_convnet(NB_FLOAT64, &random);
    nb_train_options options = NB_TRAIN_DEFAULTS;
    options.optimizer = &nb_adam;
    options.lr = .001;
    options.evaluate = 1000;
    assert_ok(nb_trainer_create(&trainer, net, &m.train, &m.test, &random, &options));
    for (size_t i = 0, k = 0; k < COUNT(book); i++) {
        double loss;
        assert_ok(nb_trainer_step(trainer, &loss));
        if (i != book[k].iteration) continue;
        if (!(fabs(loss - book[k].loss) <= 1e-9 * book[k].loss))
            fail_msg("iteration %zu: %.17g, the book's %.17g", i, loss, book[k].loss);
        if (i == 0 || i == 99) {
            assert_accuracy(trainer, &m.train, train[i == 99]);
            assert_accuracy(trainer, &m.test, test[i == 99]);
        }
        k++;
    }
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
    nb_mnist_destroy(&m);
}

/* --- files ------------------------------------------------------------------------------------ */

static nb_model *small(size_t pad, nb_random *random)
{
    nb_model *net;
    assert_ok(nb_model_create(
        &net, &(nb_model_options){.input = NB_SHAPE(2, 7, 5),
                                  .layers = NB_LAYERS(nb_conv(3, 3, 1, pad), nb_act(NB_RELU),
                                                      nb_max_pooling(2, 1), nb_conv(4, 2, 2, 1),
                                                      nb_average_pooling(0, 0), nb_dense(3)),
                                  .dtype = NB_FLOAT64,
                                  .random = random}));
    return net;
}

static void a_file_opens_as_the_net_it_was(void **state)
{
    (void)state;
    enum { N = 4 };
    static double pixels[N * 70], a[N * 3], b[N * 3];
    const nb_model_options o = {.dtype = NB_FLOAT64};
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, 2, 7, 5), pixels);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(N, 3), a), z = y;
    nb_random random;
    nb_random_seed(&random, 1);
    support_fill_d(N * 70, pixels, 5);
    nb_model *saved = small(1, &random), *opened, *other = small(0, NULL);
    assert_ok(nb_model_save(saved, support_path("convnet.npz")));
    assert_ok(nb_model_open(&opened, support_path("convnet.npz"), &o));
    z.data = b;
    assert_ok(nb_model_scores(saved, &x, &y));
    assert_ok(nb_model_scores(opened, &x, &z));
    assert_memory_equal(a, b, sizeof a);
    assert_fails(NB_EINVAL, "convolution of 3 x 3 (3), stride 1 x 1, pad 1 x 1, not ",
                 nb_model_load(other, support_path("convnet.npz")));
    nb_model_destroy(saved);
    nb_model_destroy(opened);
    nb_model_destroy(other);
}

/* The same file with one layer written in another way. */
static void sizes_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        nb_status code;
        const char *text;
    } cases[] = {{"\"rows\":3", "\"rows\":-3", NB_EFORMAT, "layer 0 is none that is known"},
                 {"\"pad_x\":1", "\"pad_x\":\"\"", NB_EFORMAT, "layer 0 is none that is known"},
                 {"\"filters\":3", "\"F\":3", NB_EFORMAT, "layer 0 is none that is known"},
                 {"\"filters\":3", "\"filters\":0", NB_ESHAPE, "layer 0: 0 filters"},
                 {"\"filters\":3", "\"filters\":4611686018427387904", NB_EOVERFLOW, ""},
                 {"\"rows\":3", "\"rows\":99", NB_ESHAPE, "W1 is more than the 124 weights"},
                 {"\"pad_y\":1", "\"pad_y\":9223372036854775807", NB_EOVERFLOW, "padding"}};
    const nb_model_options o = {.dtype = NB_FLOAT64};
    const char *path = support_path("sizes.npz");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[4096];
        nb_arrays arrays;
        nb_model *saved = small(1, NULL), *opened;
        assert_ok(nb_model_save(saved, path));
        assert_ok(nb_arrays_load(&arrays, path));
        const char *was = nb_arrays_text(&arrays, "nablas.model");
        const char *at = strstr(was, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - was), was, cases[i].to,
                 at + strlen(cases[i].from));
        assert_ok(nb_arrays_set_text(&arrays, "nablas.model", text));
        assert_ok(nb_arrays_save(&arrays, path));
        assert_fails(cases[i].code, cases[i].text, nb_model_open(&opened, path, &o));
        assert_null(opened);
        nb_arrays_destroy(&arrays);
        nb_model_destroy(saved);
    }
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void refuses(nb_shape input, nb_layer layer, nb_status code, const char *text)
{
    nb_model *net;
    assert_fails(code, text,
                 nb_model_create(&net, &(nb_model_options){.input = input,
                                                           .layers = NB_LAYERS(layer, nb_dense(2)),
                                                           .dtype = NB_FLOAT32}));
    assert_null(net);
}

static void layers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const nb_shape image = NB_SHAPE(1, 5, 5);
    refuses(image, nb_conv(0, 3, 1, 0), NB_ESHAPE, "layer 0: 0 filters of 3 x 3");
    refuses(image, nb_conv(2, 0, 1, 0), NB_ESHAPE, "layer 0: 2 filters of 0 x 0");
    refuses(image, nb_conv(2, 6, 1, 0), NB_EINVAL, "a window of height 6 on images of 5");
    refuses(NB_SHAPE(25), nb_conv(2, 3, 1, 0), NB_ESHAPE, "conv2d: x is (batch, 25)");
    refuses(NB_SHAPE(25), nb_max_pooling(2, 2), NB_ESHAPE, "max_pool: x is (batch, 25)");
    refuses(NB_SHAPE(25), nb_average_pooling(2, 2), NB_ESHAPE, "average_pool: x is (batch, 25)");
    refuses(image, nb_max_pooling(6, 2), NB_EINVAL, "a window of height 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_weights_are_the_books),
        cmocka_unit_test(he_counts_the_inputs_of_a_filter),
        cmocka_unit_test(simple_convnets_weights_classify_9890),
        cmocka_unit_test(deep_convnets_weights_classify_9935),
        cmocka_unit_test(the_first_losses_of_simple_convnet_are_the_books),
        cmocka_unit_test(a_file_opens_as_the_net_it_was),
        cmocka_unit_test(sizes_that_are_none_are_refused),
        cmocka_unit_test(layers_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("convnet", tests, NULL, NULL);
}
