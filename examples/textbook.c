/* textbook - every number that chapters 2 to 5 print, the book's and ours, and how far apart. */
#include "common.h"
#include "compare.h"
#include "print.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char about[] =
    "Compare every number that the book prints in chapters 2 to 5 with ours.\n"
    "\n"
    "One line each: section, what it is, the book's value as printed, ours, how far ours is\n"
    "from it in units in the last printed place, by which rule the two are compared, and\n"
    "whether it holds:\n"
    "  digits   the book rounds: ours rounds to the same digits, at most 0.5 units away\n"
    "  exact    all digits are printed, or it is text: ours is the same double; the distance\n"
    "           is followed by that in ulp\n"
    "  sum      the same, of a sum of thousands that every BLAS adds up in its own order: at\n"
    "           most 16 ulp\n"
    "  input    the book rounds what it starts from: no further away than that explains\n"
    "  noise    nothing but rounding errors: of the same size, within a factor of 2\n"
    "Exit status 0 only if every value holds; those that need missing data are skipped.";

static page self;

static void check(nb_status status)
{
    page_check(&self, status);
}

/* --- chapter 2: perceptrons ------------------------------------------------------------------- */

/* 1 if x w + b > 0, else 0. */
static double gate(const double x[2], const double w[2], double b)
{
    double a, y;
    check(nb_daffine(1, 2, 1, x, 2, w, 1, &b, &a, 1));
    nb_dstep(1, &a, &y);
    return y;
}

static void chapter_2(void)
{
    static const double half[2] = {0.5, 0.5}, minus_half[2] = {-0.5, -0.5};
    static const char *const names[4] = {"AND", "NAND", "OR", "XOR"};
    static const char *const books[4] = {"0 0 0 1", "1 1 1 0", "0 1 1 1", "0 1 1 0"};
    double y[4][4];
    for (int i = 0; i < 4; i++) {
        const double x[2] = {i & 1, i >> 1};
        y[0][i] = gate(x, half, -0.7);
        y[1][i] = gate(x, minus_half, 0.7);
        y[2][i] = gate(x, half, -0.2);
        y[3][i] = gate((double[]){y[1][i], y[2][i]}, half, -0.7);
    }
    for (int g = 0; g < 4; g++) {
        char what[64], ours[64];
        snprintf(what, sizeof what, "%s of 00 10 01 11", names[g]);
        snprintf(ours, sizeof ours, "%g %g %g %g", y[g][0], y[g][1], y[g][2], y[g][3]);
        words(g < 3 ? "2.3.3" : "2.5.2", what, books[g], ours);
    }
}

/* --- chapter 3: forward ----------------------------------------------------------------------- */

static void three_layers(void)
{
    static const double X[2] = {1.0, 0.5};
    static const double W1[6] = {0.1, 0.3, 0.5, 0.2, 0.4, 0.6}, b1[3] = {0.1, 0.2, 0.3};
    static const double W2[6] = {0.1, 0.4, 0.2, 0.5, 0.3, 0.6}, b2[2] = {0.1, 0.2};
    static const double W3[4] = {0.1, 0.3, 0.2, 0.4}, b3[2] = {0.1, 0.2};
    double a[3], z[3];
    check(nb_daffine(1, 2, 3, X, 2, W1, 3, b1, a, 3));
    digits_of("3.4.2", "three layers: A1", ".3 .7 1.1", a);
    nb_dsigmoid(3, a, z);
    digits_of("3.4.2", "three layers: Z1", ".57444252 .66818777 .75026011", z);
    check(nb_daffine(1, 3, 2, z, 3, W2, 2, b2, a, 2));
    digits_of("3.4.2", "three layers: A2", ".51615984 1.21402696", a);
    nb_dsigmoid(2, a, z);
    digits_of("3.4.2", "three layers: Z2", ".62624937 .7710107", z);
    check(nb_daffine(1, 2, 2, z, 2, W3, 2, b3, a, 2));
    digits_of("3.4.3", "three layers: Y", ".31682708 .69627909", a);
}

static void chapter_3(void)
{
    static const double x[3] = {-1, 1, 2}, a[3] = {0.3, 2.9, 4}, large[3] = {1010, 1000, 990};
    double y[3];
    nb_dsigmoid(3, x, y);
    digits_of("3.2.4", "sigmoid(-1, 1, 2)", ".26894142 .73105858 .88079708", y);
    three_layers();
    check(nb_dsoftmax(1, 3, a, 3, y, 3));
    digits_of("3.5.1", "softmax(.3, 2.9, 4)", ".01821127 .24519181 .73659691", y);
    digits("3.5.3", "softmax(.3, 2.9, 4), sum", "1.0", nb_dsum(3, y));
    check(nb_dsoftmax(1, 3, large, 3, y, 3));
    digits_of("3.5.2", "softmax(1010, 1000, 990)", ".999954600 4.53978686e-05 2.06106005e-09", y);
}

static void first_image(const nb_mnist *mnist)
{
    const nb_tensor *images = &mnist->train.images;
    char shape[64];
    whole("3.6.1", "first image of MNIST: label", "5", *(const uint8_t *)mnist->train.labels.data);
    whole("3.6.1", "first image of MNIST: values", "784", nb_tensor_width(images));
    nb_shape_text(NB_SHAPE(images->shape.dim[1], images->shape.dim[2]), shape, sizeof shape);
    words("3.6.1", "first image of MNIST: shape", "(28, 28)", shape);
}

/* Of the test images, those that the book's weights recognise, `batch` at a time. */
static size_t recognised(const nb_arrays *weights, const nb_dataset *test, nb_dtype dtype,
                         size_t batch)
{
    nb_model *net;
    nb_tensor x, t;
    const size_t n = nb_dataset_count(test);
    check(nb_model_create(&net, &(nb_model_options){.layers = 3,
                                                .sizes = (size_t[]){784, 50, 100, 10},
                                                .bias = true,
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
    bytes.normalize = false;
    check(nb_arrays_load(&weights, file));
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

static double function_1(double x, void *context)
{
    (void)context;
    return 0.01 * (x * x) + 0.1 * x;
}

static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

/* function_2 with the other variable held at *context. */
static double function_tmp(double x, void *context)
{
    const double *held = context;
    return function_2(2, (double[]){x, *held}, NULL);
}

static void losses(void)
{
    static const double t[10] = {[2] = 1};
    static const double y1[10] = {0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0};
    static const double y2[10] = {0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0};
    double loss;
    check(nb_dmean_squared_error(1, 10, y1, 10, t, 10, NULL, &loss));
    exact("4.2.1", "mean_squared_error(y1, t)", "0.09750000000000003", loss);
    check(nb_dmean_squared_error(1, 10, y2, 10, t, 10, NULL, &loss));
    exact("4.2.1", "mean_squared_error(y2, t)", "0.5975", loss);
    check(nb_dcross_entropy_error(1, 10, y1, 10, t, 10, NB_BOOK_EPSILON, NULL, &loss));
    exact("4.2.2", "cross_entropy_error(y1, t)", "0.510825457099338", loss);
    check(nb_dcross_entropy_error(1, 10, y2, 10, t, 10, NB_BOOK_EPSILON, NULL, &loss));
    exact("4.2.2", "cross_entropy_error(y2, t)", "2.302584092994546", loss);
}

static void derivatives(void)
{
    double three = 3, four = 4;
    exact("4.3.1", "forward difference, h = 10e-50, at 5", "0",
          nb_numerical_diff_bad(function_1, NULL, 5));
    exact("4.3.1", "forward difference, h = 10e-50, at 10", "0",
          nb_numerical_diff_bad(function_1, NULL, 10));
    exact("4.3.2", "numerical_diff(function_1, 5)", "0.1999999999990898",
          nb_numerical_diff(function_1, NULL, 5));
    exact("4.3.2", "numerical_diff(function_1, 10)", "0.2999999999986347",
          nb_numerical_diff(function_1, NULL, 10));
    exact("4.3.3", "df/dx0 at (3, 4)", "6.00000000000378",
          nb_numerical_diff(function_tmp, &four, 3));
    exact("4.3.3", "df/dx1 at (3, 4)", "7.999999999999119",
          nb_numerical_diff(function_tmp, &three, 4));

    static const struct {
        double x[2];
        const char *gradient;
    } points[] = {{{3, 4}, "6. 8."}, {{0, 2}, "0. 4."}, {{3, 0}, "6. 0."}, {{1, 2}, "2. 4."}};
    for (size_t i = 0; i < COUNT(points); i++) {
        double x[2] = {points[i].x[0], points[i].x[1]}, gradient[2];
        char what[64];
        snprintf(what, sizeof what, "numerical_gradient at (%g, %g)", x[0], x[1]);
        nb_numerical_gradient(function_2, NULL, 2, x, gradient);
        digits_of("4.4", what, points[i].gradient, gradient);
    }

    static const struct {
        double x[2];
        const char *f;
    } near[] = {{{1, 2}, "5"},
                {{1.00001, 2}, "5.0000200001"},
                {{1, 2.00001}, "5.0000400001"},
                {{1.00001, 2.00001}, "5.0000600002"}};
    for (size_t i = 0; i < COUNT(near); i++) {
        char what[64];
        snprintf(what, sizeof what, "function_2(%s, %s)", repr(near[i].x[0]), repr(near[i].x[1]));
        digits("4.4", what, near[i].f, function_2(2, near[i].x, NULL));
    }
}

static void descents(void)
{
    static const struct {
        double x[2], lr;
        size_t steps;
        const char *end;
    } runs[] = {{{-3, 4}, 0.1, 100, "-6.11110793e-10 8.14814391e-10"},
                {{2, 2}, 0.1, 100, "4.07407195e-10 4.07407195e-10"},
                {{-3, 4}, 0.1, 20, "-.03458765 .04611686"},
                {{-3, 4}, 10, 100, "-2.58983747e+13 -1.29524862e+12"},
                {{-3, 4}, 1e-10, 100, "-2.99999994 3.99999992"}};
    for (size_t i = 0; i < COUNT(runs); i++) {
        double x[2] = {runs[i].x[0], runs[i].x[1]};
        char what[96];
        snprintf(what, sizeof what, "descent from (%g, %g), lr %g, %zu steps", x[0], x[1],
                 runs[i].lr, runs[i].steps);
        check(nb_gradient_descent(function_2, NULL, 2, x, runs[i].lr, runs[i].steps, NULL));
        digits_of("4.4.1", what, runs[i].end, x);
    }
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
    check(nb_model_create(&net, &(nb_model_options){.layers = 1,
                                                .sizes = (size_t[]){2, 3},
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

static void chapter_4(void)
{
    losses();
    derivatives();
    descents();
    simple_nets();
    draws();
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
    check(nb_descend(loss, 0.1, true));
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
    check(nb_trainer_create(&trainer, net, mnist, &random, &options));
    for (size_t i = 0; i < options.iterations; i++) {
        double loss, train, test;
        char what[64];
        check(nb_trainer_step(trainer, &loss));
        if (i != 16 * options.eval_every && i != options.iterations - 1) continue;
        check(nb_trainer_accuracy(trainer, &mnist->train, &train));
        check(nb_trainer_accuracy(trainer, &mnist->test, &test));
        snprintf(what, sizeof what, "%s, iteration %zu: train accuracy", name, i);
        digits(section, what, *books++, train);
        snprintf(what, sizeof what, "%s, iteration %zu: test accuracy", name, i);
        digits(section, what, *books++, test);
    }
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
}

/* --- chapter 5: backward ---------------------------------------------------------------------- */

static nb_node *leaf(nb_graph *g, const char *name)
{
    return nb_parameter(g, name, NB_SCALAR);
}

/* The price and what it changes by with each of what it is made of. */
static void price(const char *section, const char *shop, nb_node *total, size_t leaves,
                  nb_node *const *leaf_of, const double *values, const char *const *books)
{
    char what[64];
    check(nb_graph_finish(nb_node_graph(total), 1));
    for (size_t i = 0; i < leaves; i++) *(double *)nb_value(leaf_of[i])->data = values[i];
    check(nb_forward(total));
    check(nb_backward(total));
    snprintf(what, sizeof what, "%s: price", shop);
    digits(section, what, books[0], nb_scalar(total));
    for (size_t i = 0; i < leaves; i++) {
        snprintf(what, sizeof what, "%s: d price / d %s", shop, nb_node_name(leaf_of[i]));
        const bool complete = strlen(books[i + 1]) > 16;
        (complete ? exact : digits)(section, what, books[i + 1],
                                    *(const double *)nb_gradient(leaf_of[i])->data);
    }
}

static void shops(void)
{
    nb_graph *g;
    check(nb_graph_create(&g, NB_FLOAT64));
    nb_node *two[] = {leaf(g, "apple"), leaf(g, "number"), leaf(g, "tax")};
    nb_node *total = nb_multiply(nb_multiply(two[0], two[1]), two[2]);
    price("5.4.1", "apples", total, 3, two, (double[]){100, 2, 1.1},
          (const char *[]){"220", "2.2", "110", "200"});
    nb_graph_destroy(g);

    check(nb_graph_create(&g, NB_FLOAT64));
    nb_node *five[] = {leaf(g, "apple"), leaf(g, "apple number"), leaf(g, "orange"),
                       leaf(g, "orange number"), leaf(g, "tax")};
    nb_node *fruit = nb_add(nb_multiply(five[0], five[1]), nb_multiply(five[2], five[3]));
    price("5.4.2", "apples, oranges", nb_multiply(fruit, five[4]), 5, five,
          (double[]){100, 2, 150, 3, 1.1},
          (const char *[]){"715", "2.2", "110", "3.3000000000000003", "165", "650"});
    nb_graph_destroy(g);
}

/* Mean absolute difference of one parameter's gradients. The book's differences are of the loss
 * itself, and so is their rounding error: the definition, not the faster way. */
static double mean_difference(nb_node *loss, nb_node *parameter)
{
    const nb_tensor *analytic = nb_gradient(parameter);
    const size_t count = nb_tensor_count(analytic);
    const double *b = analytic->data;
    nb_tensor numerical;
    double sum = 0;
    check(nb_tensor_create(&numerical, NB_FLOAT64, analytic->shape));
    check(nb_graph_numerical_gradient_brute(loss, parameter, NB_NUMERICAL_H, &numerical));
    for (size_t i = 0; i < count; i++) sum += fabs(((const double *)numerical.data)[i] - b[i]);
    nb_tensor_destroy(&numerical);
    return sum / (double)count;
}

/* Backpropagation against differences on three images. */
static void gradient_check(const nb_mnist *mnist, double epsilon, const char *const books[4])
{
    static const char *const names[4] = {"W1", "b1", "W2", "b2"};
    nb_model *net;
    nb_random random;
    nb_tensor x, t;
    nb_node *loss;
    nb_random_seed(&random, 0);
    check(nb_model_create(&net, &(nb_model_options){.layers = 2,
                                                .sizes = (size_t[]){784, 50, 10},
                                                .bias = true,
                                                .activation = NB_RELU,
                                                .epsilon = epsilon,
                                                .dtype = NB_FLOAT64,
                                                .max_batch = 3}));
    nb_net_randomize(net, &random, 0.01);
    check(nb_tensor_create(&x, NB_FLOAT64, nb_dataset_x_shape(&mnist->train, 3)));
    check(nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(&mnist->train, 3)));
    check(nb_dataset_range(&mnist->train, 0, 3, &x, &t));
    check(nb_model_gradient(net, &x, &t));
    check(nb_model_feed(net, &x, &t, &loss));
    for (size_t i = 0; i < 4; i++) {
        char what[64];
        const bool exact_log = epsilon == NB_EXACT_LOG;
        snprintf(what, sizeof what, "gradient check, %s: %s",
                 exact_log ? "exact log" : "1e-7 in log", names[i]);
        /* Without the 1e-7 only b2's is more than rounding: h^2/6 f'''. */
        (exact_log && i < 3 ? noise : digits)(
            "5.7.3", what, books[i], mean_difference(loss, nb_model_parameter(net, names[i])));
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
}

/* ---------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const char fetched[] = "data/book/sample_weight.pkl"; /* by get_book_weights.sh */
    const char *data = NULL, *weights = NULL, *train = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "the book's sample_weight.pkl (data/book/sample_weight.pkl)", &weights},
        {"train", NULL, "also the 10,000 iterations of 4.5 and 5.7", &train},
        {0}};
    page_begin(&self, argc, argv, about, options);
    if (!weights && access(fetched, R_OK) == 0) weights = fetched;
    nb_mnist mnist = {0};
    const bool have = have_mnist(mnist_folder(data));
    if (have) check(nb_mnist_load(&mnist, mnist_folder(data), NULL));
    compare_begin(self.program, self.quiet);

    chapter_2();
    chapter_3();
    if (have)
        first_image(&mnist);
    else
        skip("3.6.1", "first image of MNIST", "no MNIST; make data fetches it");
    if (have && weights)
        the_books_weights(weights, &mnist);
    else
        skip("3.6.2", "9352 of 10000",
             have ? "no weights: scripts/get_book_weights.sh" : "no MNIST");
    chapter_4();
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
    shops();
    if (have) {
        gradient_check(&mnist, NB_EXACT_LOG,
                       (const char *[]){"2.55e-13", "7.60e-13", "8.53e-13", "1.20e-10"});
        gradient_check(&mnist, NB_BOOK_EPSILON,
                       (const char *[]){"4.6e-10", "2.8e-09", "6.1e-09", "1.4e-07"});
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
    nb_mnist_destroy(&mnist);

    const bool all_hold = compare_end();
    const int printed = page_end(&self);
    return all_hold ? printed : EXIT_FAILED;
}
