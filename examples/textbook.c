/* textbook - the numbers that chapters 1 to 8 print, the book's and ours, and how far apart.
 * Those of chapters 1 to 5 that need no data are here, the others in textbook_*.c. */
#include "common.h"
#include "compare.h"
#include "convnets.h"
#include "textbook_values.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
    "Compare the numbers that the book prints in chapters 1 to 8 with ours.\n"
    "One line each: section, what it is, the book's value as printed, ours, how far ours is from "
    "it in "
    "units in the last printed place, by which rule the two are compared, and whether it holds:\n"
    "  digits   the book rounds: ours rounds to the same digits, at most 0.5 units away\n"
    "  exact    all digits are printed, or it is text: ours is the same double; the distance is "
    "followed by that in ulp\n"
    "  sum      the same, of a sum of thousands that every BLAS adds up in its own order: at most "
    "16 "
    "ulp\n"
    "  input    the book rounds what it starts from: no further away than that explains\n"
    "  1e-9     losses: at most that far away, relative to the value; also 1e-8 and 1e-12\n"
    "  +-.005   accuracies at the end of long runs: at most that far away\n"
    "  noise    nothing but rounding errors: of the same size, within a factor of 2\n"
    "  zero     would be 0 without rounding, and is in what the losses' rounding makes of it\n"
    "Exit status 0 only if every value holds; those that need missing data are skipped.";

static page self;

static void check(nb_status status)
{
    page_check(&self, status);
}

/* --- chapter 3: forward ----------------------------------------------------------------------- */

static void shape_of(const char *section, const char *what, const char *book, nb_shape shape)
{
    char text[64];
    words(section, what, book, nb_shape_text(shape, text, sizeof text));
}

static void sets(const char *section, const char *name, const nb_dataset *set, const char *x_shape,
                 const char *t_shape)
{
    char what[64];
    const size_t n = nb_dataset_count(set);
    snprintf(what, sizeof what, "x_%s.shape", name);
    shape_of(section, what, x_shape, nb_dataset_x_shape(set, n));
    snprintf(what, sizeof what, "t_%s.shape", name);
    shape_of(section, what, t_shape, nb_dataset_t_shape(set, n));
}

static void first_image(const nb_mnist *mnist)
{
    sets("3.6.1", "train", &mnist->train, "(60000, 784)", "(60000,)");
    sets("3.6.1", "test", &mnist->test, "(10000, 784)", "(10000,)");
    whole("3.6.1", "first image of MNIST: label", "5", *(const uint8_t *)mnist->train.t.data);
    whole("3.6.1", "first image of MNIST: values", "784", nb_tensor_width(&mnist->train.x));
    shape_of("3.6.1", "first image of MNIST: shape", "(28, 28)",
             NB_SHAPE(mnist->rows, mnist->columns));
}

/* Of the test images, those that the book's weights recognise, `batch` at a time. */
static size_t recognised(const nb_arrays *weights, const nb_dataset *test, nb_dtype dtype,
                         size_t batch)
{
    nb_model *net;
    nb_tensor x, t;
    const size_t n = nb_dataset_count(test);
    check(nb_model_create(
        &net,
        &(nb_model_options){.input = NB_SHAPE(784),
                            .layers = NB_LAYERS(nb_dense(50), nb_act(NB_SIGMOID), nb_dense(100),
                                                nb_act(NB_SIGMOID), nb_dense(10)),
                            .dtype = dtype,
                            .max_batch = batch}));
    for (size_t i = 0; i < weights->count; i++) {
        nb_node *node = nb_model_parameter(net, weights->item[i].name);
        if (node) check(nb_tensor_convert(&weights->item[i].tensor, nb_value(node)));
    }
    check(nb_tensor_create(&x, dtype, nb_dataset_x_shape(test, n)));
    check(nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(test, n)));
    check(nb_dataset_range(test, 0, n, &x, &t));
    double accuracy;
    check(nb_model_accuracy(net, &x, &t, &accuracy));
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
    return (size_t)lround(accuracy * (double)n);
}

static void the_books_weights(const char *file, const nb_mnist *mnist)
{
    nb_arrays weights;
    nb_dataset bytes = mnist->test;
    bytes.scale = 1;
    check(nb_arrays_load(&weights, file));
    static const char *const layers[3][2] = {
        {"W1", "(784, 50)"}, {"W2", "(50, 100)"}, {"W3", "(100, 10)"}};
    for (int i = 0; i < 3; i++) {
        const nb_tensor *W = nb_arrays_find(&weights, layers[i][0]);
        char what[64];
        snprintf(what, sizeof what, "the book's weights: %s.shape", layers[i][0]);
        shape_of("3.6.3", what, layers[i][1], W ? W->shape : NB_SCALAR);
    }
    whole("3.6.2", "right of 10000, one by one, float64", "9352",
          recognised(&weights, &mnist->test, NB_FLOAT64, 1));
    whole("3.6.2", "right of 10000, one by one, float32", "9352",
          recognised(&weights, &mnist->test, NB_FLOAT32, 1));
    whole("3.6.3", "right of 10000, 100 at a time, float64", "9352",
          recognised(&weights, &mnist->test, NB_FLOAT64, 100));
    whole("3.6.3", "right of 10000, 100 at a time, float32", "9352",
          recognised(&weights, &mnist->test, NB_FLOAT32, 100));
    whole("3.6.2", "right of 10000, pixels not divided by 255", "9207",
          recognised(&weights, &bytes, NB_FLOAT32, 100));
    nb_arrays_destroy(&weights);
}

/* --- chapter 4: learning ---------------------------------------------------------------------- */

static void one_hot(const nb_mnist *mnist)
{
    nb_dataset rows = mnist->train;
    rows.one_hot = true;
    sets("4.2.3", "train", &rows, "(60000, 784)", "(60000, 10)");
}

/* The weights are printed with 8 decimals: that moves the loss by up to 0.5e-8 sum |dW|. */
static const struct simple_run {
    const char *name;
    double W[6], epsilon; /* what was inside the logarithm of that run */
    const char *p, *loss, *dW;
} simple_runs[] = {
    {"simpleNet",
     {0.47355232, 0.9977393, 0.84668094, 0.85557411, 0.03563661, 0.69422093},
     NB_EXACT_LOG,
     "1.05414809 .63071653 1.1328074",
     "0.92806853663411326",
     ".21924763 .14356247 -.36281009 .32887144 .2153437 -.54421514"},
    {"simpleNet, first note",
     {-0.31211728, 0.81783696, 1.0369602, -0.35531326, -0.40729509, 1.30223118},
     NB_BOOK_EPSILON,
     "-.5070523 .1241366 1.79418418",
     "0.25338010072421907",
     ".0466332 .08766316 -.13429636 .06994981 .13149474 -.20144454"},
};

static void simple_net(const struct simple_run *run)
{
    nb_model *net;
    double p[3], input_error = 0, loss;
    int32_t label = 2;
    char what[64];
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), (double[]){0.6, 0.9});
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), p);
    check(nb_model_create(&net, &(nb_model_options){.input = NB_SHAPE(2),
                                                    .layers = NB_LAYERS(nb_dense_without_bias(3)),
                                                    .epsilon = run->epsilon,
                                                    .dtype = NB_FLOAT64,
                                                    .max_batch = 1}));
    nb_node *W = nb_model_parameter(net, "W1");
    const double *dW = nb_gradient(W)->data;
    memcpy(nb_value(W)->data, run->W, sizeof run->W);

    check(nb_model_scores(net, &x, &y));
    snprintf(what, sizeof what, "%s: p", run->name);
    digits_of("4.4.2", what, run->p, p);
    snprintf(what, sizeof what, "%s: argmax(p)", run->name);
    whole("4.4.2", what, "2", nb_dargmax(3, p));
    check(nb_model_loss(net, &x, &t, &loss));
    check(nb_model_numerical_gradient(net, &x, &t, NB_NUMERICAL_H));
    for (int i = 0; i < 6; i++) input_error += 0.5e-8 * fabs(dW[i]);
    snprintf(what, sizeof what, "%s: loss", run->name);
    within("4.4.2", what, run->loss, loss, "input", input_error);
    snprintf(what, sizeof what, "%s: dW", run->name);
    digits_of("4.4.2", what, run->dW, dW);
    nb_model_destroy(net);
}

static void simple_nets(void)
{
    double y[3], loss;
    const int32_t label = 2;
    simple_net(&simple_runs[0]);
    check(
        nb_dgemm(false, false, 1, 3, 2, 1, (double[]){0.6, 0.9}, 2, simple_runs[0].W, 3, 0, y, 3));
    check(nb_dsoftmax(1, 3, y, 3, y, 3));
    check(nb_dcross_entropy_error_labels(1, 3, y, 3, &label, NB_BOOK_EPSILON, NULL, &loss));
    exact("4.4.2", "simpleNet: loss, 1e-7 in the logarithm", "0.9280682857864075", loss);
    simple_net(&simple_runs[1]);
}

static void draws(void)
{
    static const char *const books[5] = {"41993", "57043", "20757", "55026", "46884"};
    nb_random r;
    double normal[3];
    size_t mask[5];
    nb_random_seed(&r, 0);
    for (int i = 0; i < 3; i++) normal[i] = nb_random_randn(&r);
    digits_of("4.5", "seed(0); randn(3)", "1.76405235 .40015721 .97873798", normal);
    check(nb_random_choice(&r, 60000, 5, mask));
    for (int i = 0; i < 5; i++) {
        char what[64];
        snprintf(what, sizeof what, "seed(0); randn(3); choice(60000, 5) [%d]", i);
        whole("4.5", what, books[i], mask[i]);
    }
}

/* TwoLayerNet on the first batch, after one step: as the book's loop records it. */
static double first_loss(const nb_mnist *mnist, nb_activation activation)
{
    enum { BATCH = 100 };
    nb_model *net;
    nb_random random;
    nb_tensor x, t;
    nb_node *loss;
    size_t mask[BATCH];
    nb_random_seed(&random, 0);
    check(nb_two_layer_net_create(&net, 784, 50, 10, 0.01, activation, NB_FLOAT64, BATCH, &random));
    check(nb_random_choice(&random, nb_dataset_count(&mnist->train), BATCH, mask));
    check(nb_tensor_create(&x, NB_FLOAT64, nb_dataset_x_shape(&mnist->train, BATCH)));
    check(nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(&mnist->train, BATCH)));
    check(nb_dataset_gather(&mnist->train, BATCH, mask, &x, &t));
    check(nb_model_feed(net, &x, &t, &loss));
    check(nb_forward(loss));
    check(nb_descend(loss, 0.1));
    check(nb_forward_again(loss));
    const double value = nb_scalar(loss);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
    return value;
}

/* Accuracies of the book's run: the last of every epoch's, and those at the end. */
static void training(const char *section, const nb_mnist *mnist, nb_activation activation,
                     const char *name, const char *const books[4])
{
    nb_model *net;
    nb_trainer *trainer;
    nb_random random;
    nb_train_options options = NB_TRAIN_DEFAULTS;
    options.threads = 1;
    nb_random_seed(&random, 0);
    check(nb_two_layer_net_create(&net, 784, 50, 10, 0.01, activation, NB_FLOAT64,
                                  nb_train_max_batch(options.batch), &random));
    check(nb_trainer_create(&trainer, net, &mnist->train, &mnist->test, &random, &options));
    for (size_t i = 0; i < options.iterations; i++) {
        double loss, train, test;
        char what[64];
        check(nb_trainer_step(trainer, &loss));
        if (i != 16 * options.eval_every && i != options.iterations - 1) continue;
        check(nb_trainer_metric(trainer, &mnist->train, &train));
        check(nb_trainer_metric(trainer, &mnist->test, &test));
        snprintf(what, sizeof what, "%s, iteration %zu: train accuracy", name, i);
        digits(section, what, *books++, train);
        snprintf(what, sizeof what, "%s, iteration %zu: test accuracy", name, i);
        digits(section, what, *books++, test);
    }
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
}

/* ---------------------------------------------------------------------------------------------- */

/* --- chapters 7 and 8 ------------------------------------------------------------------------- */

/* Of chapters 3, 7 and 8; "" where there are none. */
static char weights_of[3][PATH];

/* The file that is given, by the shapes in it; the others as get_book_weights.sh fetched them. */
static void find_weights(const char *given)
{
    static const char *const names[3] = {"data/book/sample_weight.pkl",
                                         "data/book/simple_convnet_params.pkl",
                                         "data/book/deep_convnet_params.pkl"};
    for (int i = 0; i < 3; i++) {
        at_home(self.program, names[i], weights_of[i]);
        if (access(weights_of[i], R_OK)) *weights_of[i] = 0;
    }
    if (!given) return;
    nb_arrays weights;
    convnet net;
    check(nb_arrays_load(&weights, given));
    const bool conv = convnet_recognise(&weights, &net);
    const int which = !conv ? 0 : net.layers == simple_convnet().layers ? 1 : 2;
    nb_arrays_destroy(&weights);
    snprintf(weights_of[which], PATH, "%s", given);
}

static void chapters_7_and_8(const nb_mnist *mnist, bool train)
{
    static const char *const right[2] = {"9890 of 10000", "9935 of 10000"};
    const convnet nets[2] = {simple_convnet(), deep_convnet()};
    gradient_check_7(&self);
    for (int i = 0; i < 2; i++)
        if (mnist && *weights_of[1 + i])
            book_convnet(&self, mnist, weights_of[1 + i], &nets[i]);
        else
            skip(i ? "8.1" : "7.5", right[i],
                 mnist ? "no weights: scripts/get_book_weights.sh" : "no MNIST");
    if (mnist)
        train_convnets(&self, mnist, train);
    else
        skip("7.5", "SimpleConvNet, DeepConvNet: losses", "no MNIST");
}

int main(int argc, char **argv)
{
    const char *data = NULL, *weights = NULL, *train = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "one of the book's three files of weights (those in data/book)",
         &weights},
        {"train", NULL, "also the long runs of 4.5, 5.7 and chapters 6 to 8", &train},
        {0}};
    page_begin_text(&self, argc, argv, about, options);
    find_weights(weights);
    nb_mnist mnist = {0};
    const bool have = data || self.download || have_mnist(mnist_folder(&self, data));
    if (have) load_mnist(&self, data, &mnist);
    compare_begin(self.program, self.quiet);

    chapter_1(&self);
    chapter_2(&self);
    chapter_3(&self);
    if (have)
        first_image(&mnist);
    else
        skip("3.6.1", "first image of MNIST", "no MNIST; make data fetches it");
    if (have && *weights_of[0])
        the_books_weights(weights_of[0], &mnist);
    else
        skip("3.6.2", "9352 of 10000",
             have ? "no weights: scripts/get_book_weights.sh" : "no MNIST");
    batch_answers(&self);
    if (have) one_hot(&mnist);
    chapter_4(&self);
    simple_nets();
    draws();
    if (have)
        sum("4.5.2", "TwoLayerNet, sigmoid: first loss", "2.2938061065760658",
            first_loss(&mnist, NB_SIGMOID));
    else
        skip("4.5.2", "TwoLayerNet, sigmoid: first loss", "no MNIST");
    if (have && train)
        training("4.5.3", &mnist, NB_SIGMOID, "sigmoid",
                 (const char *[]){".94812", ".9468", ".9491", ".9468"});
    else
        skip("4.5.3", "TwoLayerNet, sigmoid: accuracies", have ? "no --train" : "no MNIST");
    chapter_5(&self);
    if (have) {
        gradient_checks_5(&self, &mnist);
        sum("5.7.4", "TwoLayerNet, ReLU: first loss", "2.3012864531462576",
            first_loss(&mnist, NB_RELU));
    } else {
        skip("5.7.3", "gradient check", "no MNIST");
        skip("5.7.4", "TwoLayerNet, ReLU: first loss", "no MNIST");
    }
    if (have && train)
        training("5.7.4", &mnist, NB_RELU, "ReLU",
                 (const char *[]){".97858", ".9699", ".97888", ".9704"});
    else
        skip("5.7.4", "TwoLayerNet, ReLU: accuracies", have ? "no --train" : "no MNIST");
    chapter_6(&self, have ? &mnist : NULL, train != NULL);
    chapters_7_and_8(have ? &mnist : NULL, train != NULL);
    nb_mnist_destroy(&mnist);

    const bool all_hold = compare_end();
    const int printed = page_end(&self);
    return all_hold ? printed : EXIT_FAILED;
}
