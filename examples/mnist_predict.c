/* mnist_predict - a network of three layers on the test images (3.6.2, 3.6.3): one by one and in
 * batches, in both precisions; or on digits of your own. Also the book's convolutional nets. */
#include "common.h"
#include "convnets.h"
#include "display.h"
#include "read_digits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

enum { CLASSES = NB_MNIST_CLASSES, BATCH = 100, EPOCHS = 10 };

typedef struct settings {
    const char *data, *weights;
    bool given;               /* --activation is */
    nb_activation activation; /* what --weights do not say; of the program's own */
    bool described;           /* the weights say what they are */
    convnet net;              /* without layers: the weights are not one of the book's nets */
    bool dtypes[2];           /* float32, float64 */
} settings;

/* --- weights ---------------------------------------------------------------------------------- */

/* 784-50-100-10, as the book's. */
static void train(const page *p, const settings *s, const nb_mnist *mnist, const char *path)
{
    nb_model *net;
    nb_random random;
    nb_train_result result;
    const nb_layer act = nb_act(s->activation);
    const bool relu = s->activation == NB_RELU;
    nb_train_options options = NB_TRAIN_DEFAULTS;
    options.iterations = EPOCHS * ((nb_dataset_count(&mnist->train) + BATCH - 1) / BATCH);
    options.batch = BATCH;
    options.lr = relu ? 0.1 : 0.5;
    options.sampling = NB_EPOCH;
    options.eval_every = 0;
    nb_random_seed(&random, 0);
    page_check(p, nb_model_create(&net, &(nb_model_options){
                                            .input = NB_SHAPE(nb_tensor_width(&mnist->train.x)),
                                            .layers = NB_LAYERS(nb_dense(50), act, nb_dense(100),
                                                                act, nb_dense(CLASSES)),
                                            .epsilon = NB_BOOK_EPSILON,
                                            .dtype = NB_FLOAT32,
                                            .max_batch = nb_train_max_batch(BATCH),
                                            .random = &random,
                                            .init = relu ? NB_INIT_HE : NB_INIT_STD,
                                            .std = 0.1,
                                            .scale = mnist->train.scale,
                                            .classes = class_names(&mnist->train)}));
    page_check(p, nb_model_can_save(net, path));
    page_check(p, nb_train(net, &mnist->train, &mnist->test, &random, &options, &result));
    page_check(p, nb_model_save(net, path));
    print_line("no weights given: trained %d epochs in %.2f s, kept in %s", EPOCHS,
               result.last.seconds, path);
    nb_model_destroy(net);
}

/* Other images or labels, other fingerprint. */
static unsigned long fingerprint(const nb_dataset *set)
{
    const nb_tensor *part[2] = {&set->t, &set->x};
    unsigned long crc = crc32(0, NULL, 0);
    for (int i = 0; i < 2; i++) {
        const size_t width = nb_tensor_width(part[i]);
        crc = crc32_z(crc, (const Bytef *)&width, sizeof width);
        crc = crc32_z(crc, part[i]->data, nb_tensor_count(part[i]));
    }
    return crc;
}

/* The weights that an earlier run kept in DIR for these images and this activation, or new ones. */
static const char *own_weights(const page *p, const settings *s, const nb_mnist *mnist)
{
    static char path[4200];
    page_folder(p);
    snprintf(path, sizeof path, "%s/mnist_predict_%s_%08lx.npz", p->out,
             nb_activation_name(s->activation), fingerprint(&mnist->train));
    if (access(path, F_OK))
        train(p, s, mnist, path);
    else
        print_line("no weights given: those of %s, from an earlier run", path);
    return path;
}

/* Are they the book's sample_weight.pkl? */
static bool are_the_books(const char *path, const nb_arrays *weights)
{
    static const struct {
        const char *name;
        size_t rows, columns;
    } books[] = {{"W1", 784, 50}, {"W2", 50, 100}, {"W3", 100, 10}};
    const char *dot = strrchr(path, '.');
    for (int i = 0; i < 3; i++) {
        const nb_tensor *W = nb_arrays_find(weights, books[i].name);
        if (!W || !nb_shape_equal(W->shape, NB_SHAPE(books[i].rows, books[i].columns)))
            return false;
    }
    return dot && !strcmp(dot, ".pkl") && !nb_arrays_find(weights, "W4");
}

/* The description in the file of --weights; --activation, if the file has none. */
static void know_weights(const page *p, settings *s)
{
    nb_arrays weights;
    page_check(p, nb_arrays_load(&weights, s->weights));
    s->described = nb_arrays_text(&weights, "nablas.model");
    const bool known = s->described || convnet_recognise(&weights, &s->net) || s->given ||
                       are_the_books(s->weights, &weights);
    nb_arrays_destroy(&weights);
    if (!known)
        usage_error(p->program,
                    "%s does not say what stands between its layers: give --activation sigmoid or "
                    "relu",
                    s->weights);
}

/* --- the network ------------------------------------------------------------------------------ */

static void check_activation(const page *p, const settings *s, const nb_model *net)
{
    const nb_layers *layers = &net->options.layers;
    for (size_t i = 0; i < layers->count; i++) {
        const nb_layer *layer = &layers->layer[i];
        if (layer->kind != NB_LAYER_ACTIVATION || layer->activation == s->activation) continue;
        fprintf(stderr, "%s: %s: a network with %s, but --activation is %s\n", p->program,
                s->weights, nb_activation_name(layer->activation),
                nb_activation_name(s->activation));
        exit(EXIT_FAILED);
    }
}

/* The network of the weights, which must fit images of `pixels`. */
static nb_model *open_net(const page *p, const settings *s, nb_dtype dtype, size_t pixels)
{
    nb_model *net;
    nb_model_options options = {.dtype = dtype};
    if (s->net.layers)
        options = convnet_options(&s->net, NB_DIGIT_SIDE, NB_DIGIT_SIDE, dtype, NULL);
    options.max_batch = BATCH;
    page_check(p, s->described || s->net.layers
                      ? nb_model_open(&net, s->weights, &options)
                      : nb_model_open_perceptron(&net, s->weights, s->activation, &options));
    if (s->given) check_activation(p, s, net);
    const size_t inputs = nb_tensor_width(nb_value(net->x));
    if (inputs == pixels && net->outputs == CLASSES) return net;
    fprintf(stderr, "%s: %s: a network of %zu inputs and %zu outputs, expected %zu and %d\n",
            p->program, s->weights, inputs, net->outputs, pixels, CLASSES);
    exit(EXIT_FAILED);
}

/* --- the test set ----------------------------------------------------------------------------- */

/* Predictions for `count` images, `batch` at a time; the seconds that they took. */
static double classify(const page *p, nb_model *net, const nb_tensor *x, size_t batch,
                       uint8_t *said)
{
    double room[BATCH * CLASSES];
    const nb_kernels *kernels = nb_kernels_of(x->dtype);
    const size_t count = nb_tensor_height(x);
    const double begin = nb_seconds();
    for (size_t lo = 0; lo < count; lo += batch) {
        const size_t hi = lo + batch < count ? lo + batch : count;
        const nb_tensor part = nb_tensor_rows(x, lo, hi);
        nb_tensor y = nb_tensor_view(x->dtype, NB_SHAPE(hi - lo, CLASSES), room);
        page_check(p, nb_model_predict(net, &part, &y));
        for (size_t i = lo; i < hi; i++)
            said[i] = (uint8_t)kernels->argmax(CLASSES, nb_tensor_at(&y, i - lo));
    }
    return nb_seconds() - begin;
}

static size_t count_right(const nb_dataset *test, const uint8_t *said)
{
    const uint8_t *label = test->t.data;
    size_t right = 0;
    for (size_t i = 0; i < nb_dataset_count(test); i++) right += said[i] == label[i];
    return right;
}

/* One by one and in batches; `said` is left as the batches have it. */
static void run(const page *p, nb_model *net, const nb_dataset *test, uint8_t *said)
{
    const size_t count = nb_dataset_count(test);
    const nb_dtype dtype = nb_graph_dtype(net->graph);
    nb_dataset as_net = *test; /* images, or rows of pixels */
    as_net.x.shape = nb_value(net->x)->shape;
    as_net.x.shape.dim[0] = count;
    nb_tensor x;
    page_check(p, nb_tensor_create(&x, dtype, as_net.x.shape));
    page_check(p, nb_dataset_range(&as_net, 0, count, &x, NULL));
    for (size_t batch = 1; batch <= BATCH; batch *= BATCH) {
        const double seconds = classify(p, net, &x, batch, said);
        const size_t right = count_right(test, said);
        print_line("%s, %-14s %5zu of %zu right, %.4f %7.3f s %6.1f µs each", nb_dtype_name(dtype),
                   batch == 1 ? "one by one" : "batches of 100", right, count,
                   (double)right / (double)count, seconds, 1e6 * seconds / (double)count);
    }
    nb_tensor_destroy(&x);
}

static void show_confusion(const page *p, const nb_dataset *test, const uint8_t *said)
{
    size_t counts[CLASSES][CLASSES] = {{0}};
    double of_class[CLASSES] = {0};
    const uint8_t *label = test->t.data;
    const char *const *names = class_names(test);
    for (size_t i = 0; i < nb_dataset_count(test); i++) {
        counts[label[i]][said[i]]++;
        of_class[label[i]]++;
    }
    printf("\nrows: what it is; columns: what the network says\n  ");
    for (int c = 0; c < CLASSES; c++) printf("%6d", c);
    printf("   right\n");
    for (int r = 0; r < CLASSES; r++) {
        printf("%2d", r);
        for (int c = 0; c < CLASSES; c++) printf("%6zu", counts[r][c]);
        printf("  %5.1f %%", of_class[r] > 0 ? 100 * (double)counts[r][r] / of_class[r] : 0);
        printf("%s%s\n", names[r][1] ? "  " : "", names[r][1] ? names[r] : "");
    }

    nb_figure *fig;
    nb_figure_create(&fig, 480, 480);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_confusion(ax, CLASSES, counts[0], names);
    page_save(p, fig, "confusion", "test images, by what they are and what the network says");
}

static void test_all(const page *p, const settings *s, const nb_dataset *test)
{
    uint8_t *said = nb_alloc(nb_dataset_count(test), 1);
    if (!said) fail(p->program);
    for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
        if (!s->dtypes[dtype]) continue;
        nb_model *net = open_net(p, s, dtype, nb_tensor_width(&test->x));
        run(p, net, test, said);
        nb_model_destroy(net);
    }
    show_confusion(p, test, said);
    nb_free(said);
}

int main(int argc, char **argv)
{
    enum { FLOAT32, FLOAT64, BOTH };
    static const char *const dtypes[] = {"float32", "float64", "both", NULL};
    static const char *const activations[] = {
#define X(code, name) #name,
        NB_ACTIVATION_LIST(X)
#undef X
            NULL};
    page p;
    settings s = {0};
    nb_mnist mnist = {0};
    const char *dtype = "both", *activation = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &s.data},
        {"weights", "FILE", ".npz .safetensors .pkl (its own, trained at the first run)",
         &s.weights},
        {"activation", "NAME",
         "as train_mnist's: of its own weights (sigmoid), or of a FILE that does not say it",
         &activation},
        {"dtype", "NAME", "float32, float64 or both (both)", &dtype},
        {"quiet", NULL, "print nothing but what the pictures are", NULL},
        {.argument = "[PICTURE ...]"}};
    page_begin(&p, argc, argv,
               "A network of three layers on MNIST's test images (3.6.2, 3.6.3), or on digits of "
               "your own in PNG and JPEG files.",
               options);
    const int which = one_of(p.program, "--dtype", dtype, dtypes);
    s.dtypes[NB_FLOAT32] = which != FLOAT64;
    s.dtypes[NB_FLOAT64] = which != FLOAT32;
    s.given = activation;
    s.activation = (nb_activation)one_of(p.program, "--activation",
                                         activation ? activation : "sigmoid", activations);

    nb_blas_set_threads(1); /* products so small take longer on two */
    if (s.weights) know_weights(&p, &s);
    if (!s.weights || !*p.rest) load_mnist(&p, s.data, &mnist);
    if (!s.weights) {
        s.weights = own_weights(&p, &s, &mnist);
        s.described = true;
    }
    int code;
    if (*p.rest) {
        nb_model *net =
            open_net(&p, &s, which == FLOAT64 ? NB_FLOAT64 : NB_FLOAT32, NB_DIGIT_PIXELS);
        code = read_digits(&p, net);
        nb_model_destroy(net);
    } else {
        test_all(&p, &s, &mnist.test);
        code = page_end(&p);
    }
    nb_mnist_destroy(&mnist);
    return code;
}
