/* gradient_check - the book's gradient_check.py (5.7.3): backpropagation against differences, for
 * every parameter of a network, and a reason for every difference that is too large. */
#include "common.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum { TWO_LAYER, THREE_LAYER, SIMPLE } net_kind;
static const char *const nets[] = {"two_layer", "three_layer", "simple", NULL};
static const char *const activations[] = {"sigmoid", "relu", NULL};

typedef struct settings {
    const char *program, *data, *out;
    net_kind net;
    nb_activation activation;
    size_t batch, seed;
    nb_check_options check;
    bool exact, plot, quiet;
} settings;

static const char help[] =
    "usage: gradient_check [option ...]\n"
    "Compare backpropagation with central differences, in float64, and explain the differences.\n"
    "Exits with 1 if the gradient is wrong.\n"
    "  --net NAME         two_layer (784-50-10), three_layer (784-50-100-10) or simple (2-3)\n"
    "  --activation NAME  sigmoid or relu (relu)\n"
    "  --batch N          the first N training images (3)\n"
    "  --seed N           of the weights, as np.random.seed(N) (0)\n"
    "  --h X              the step (1e-4)\n"
    "  --richardson       extrapolate from h and h/2\n"
    "  --exact            leave out the 1e-7 in the logarithm\n"
    "  --plot             draw the error of differences against h, of the loss by one weight\n"
    "  --out DIR          folder of the figure (figures)\n"
    "  --data DIR         folder of the four MNIST files ($NABLAS_DATA, or data/mnist)\n"
    "  --quiet            only the verdict\n"
    "  --help             this text\n";

static void parse(int argc, char **argv, settings *s)
{
    enum { NET, ACT, BATCH, SEED, STEP, RICHARDSON, EXACT, PLOT, OUT, DATA, QUIET, HELP };
    static const struct option options[] = {
        {"net", 1, NULL, NET},     {"activation", 1, NULL, ACT},
        {"batch", 1, NULL, BATCH}, {"seed", 1, NULL, SEED},
        {"h", 1, NULL, STEP},      {"richardson", 0, NULL, RICHARDSON},
        {"exact", 0, NULL, EXACT}, {"plot", 0, NULL, PLOT},
        {"out", 1, NULL, OUT},     {"data", 1, NULL, DATA},
        {"quiet", 0, NULL, QUIET}, {"help", 0, NULL, HELP},
        {NULL, 0, NULL, 0}};
    const char *me = s->program;
    int code;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == NET) s->net = (net_kind)one_of(me, "--net", optarg, nets);
        if (code == ACT)
            s->activation = (nb_activation)one_of(me, "--activation", optarg, activations);
        if (code == BATCH) s->batch = whole_number(me, "--batch", optarg, 1, 60000);
        if (code == SEED) s->seed = whole_number(me, "--seed", optarg, 0, UINT32_MAX);
        if (code == STEP) s->check.h = finite_number(me, "--h", optarg);
        if (code == DATA) s->data = optarg;
        if (code == OUT) s->out = optarg;
        s->check.richardson |= code == RICHARDSON;
        s->exact |= code == EXACT;
        s->plot |= code == PLOT;
        s->quiet |= code == QUIET;
        if (code == HELP) {
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        }
        if (code == '?') usage_hint(me);
    }
    if (optind < argc) usage_error(me, "unexpected '%s'", argv[optind]);
}

static void make_net(const settings *s, nb_net **net)
{
    static const size_t sizes[][4] = {{784, 50, 10}, {784, 50, 100, 10}, {2, 3}};
    static const size_t layers[] = {2, 3, 1};
    nb_random random;
    const nb_net_options options = {.layers = layers[s->net],
                                    .sizes = sizes[s->net],
                                    .bias = s->net != SIMPLE,
                                    .activation = s->activation,
                                    .epsilon = s->exact ? NB_EXACT_LOG : NB_BOOK_EPSILON,
                                    .dtype = NB_FLOAT64,
                                    .max_batch = s->batch};
    if (nb_net_create(net, &options)) fail(s->program);
    nb_random_seed(&random, (uint32_t)s->seed);
    nb_net_randomize(*net, &random, s->net == SIMPLE ? 1 : 0.01);
}

/* The first training images; for simpleNet, the book's x and t. */
static void make_batch(const settings *s, nb_tensor *x, nb_tensor *t)
{
    nb_mnist mnist;
    const nb_shape shape = s->net == SIMPLE ? NB_SHAPE(1, 2) : NB_SHAPE(s->batch, 784);
    if (nb_tensor_create(x, NB_FLOAT64, shape)) fail(s->program);
    if (nb_tensor_create(t, NB_INT32, NB_SHAPE(shape.dim[0]))) fail(s->program);
    if (s->net == SIMPLE) {
        memcpy(x->data, (double[]){.6, .9}, 2 * sizeof(double));
        memcpy(t->data, &(int32_t){2}, sizeof(int32_t));
        return;
    }
    load_mnist(s->program, mnist_folder(s->data), &mnist);
    if (nb_dataset_range(&mnist.train, 0, s->batch, x, t)) fail(s->program);
    nb_mnist_destroy(&mnist);
}

static void print_report(const settings *s, const nb_gradient_report *report)
{
    const size_t size = nb_gradient_report_text(report, NULL, 0) + 1;
    char *text = malloc(size);
    if (!text) return;
    nb_gradient_report_text(report, text, size);
    text[size - 2] = 0; /* without the last newline, the verdict is the last line */
    const char *verdict = strrchr(text, '\n');
    puts(s->quiet && verdict ? verdict + 1 : text);
    free(text);
}

/* --- the figure: errors of differences against their step ------------------------------------- */

typedef struct one_weight {
    nb_node *loss;
    double *weight;
} one_weight;

static double loss_at(double w, void *context)
{
    const one_weight *o = context;
    *o->weight = w;
    return nb_forward(o->loss) ? (double)NAN : nb_scalar(o->loss);
}

static void draw(const settings *s, nb_function1 f, void *context, double x, double derivative)
{
    enum { steps = 49 };
    double h[steps], errors[NB_DIFFS][steps];
    char path[4096];
    nb_figure *fig;
    for (int i = 0; i < steps; i++) h[i] = pow(10, -i / 4.0);
    nb_numerical_diff_errors(f, context, x, derivative, steps, h, errors[0]);
    if (nb_figure_create(&fig, 560, 380)) fail(s->program);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_axes_log(ax, true, true);
    for (nb_diff k = 0; k < NB_DIFFS; k++)
        nb_plot_line(ax, steps, h, errors[k], &(nb_line_style){.label = nb_diff_name(k)});
    nb_plot_vline(ax, NB_NUMERICAL_H, NULL);
    nb_axes_labels(ax, "h", "|difference - derivative|");
    nb_axes_legend(ax, NB_BEST);
    mkdir(s->out, 0777); /* where it cannot, saving says so */
    snprintf(path, sizeof path, "%s/difference_errors.png", s->out);
    if (nb_figure_save(fig, path, NULL)) fail(s->program);
    nb_figure_destroy(fig);
    if (!s->quiet) printf("%s\n", path);
}

/* The loss as a function of the last layer's weight with the largest gradient. The logarithm is the
 * exact one: backpropagation gives its derivative, and the error would end at the 1e-7's. */
static void draw_loss(const settings *given, const nb_tensor *x, const nb_tensor *t)
{
    static const char *const last[] = {"W2", "W3", "W1"};
    settings s = *given;
    nb_net *net;
    nb_node *loss;
    s.exact = true;
    make_net(&s, &net);
    if (nb_net_feed(net, x, t, &loss) || nb_forward(loss) || nb_backward(loss)) fail(s.program);
    nb_node *W = nb_net_parameter(net, last[s.net]);
    const double *gradient = nb_gradient(W)->data;
    size_t i = 0;
    for (size_t k = 0; k < nb_tensor_count(nb_value(W)); k++)
        if (fabs(gradient[k]) > fabs(gradient[i])) i = k;
    one_weight o = {loss, (double *)nb_value(W)->data + i};
    draw(&s, loss_at, &o, *o.weight, gradient[i]);
    nb_net_destroy(net);
}

int main(int argc, char **argv)
{
    settings s = {.out = "figures",
                  .program = argv[0],
                  .activation = NB_RELU,
                  .batch = 3,
                  .check = NB_CHECK_DEFAULTS};
    nb_net *net;
    nb_tensor x, t;
    nb_node *loss;
    nb_gradient_report report;
    parse(argc, argv, &s);
    make_batch(&s, &x, &t);
    make_net(&s, &net);
    if (nb_net_feed(net, &x, &t, &loss)) fail(s.program);
    if (nb_gradient_check_with(loss, &s.check, &report)) fail(s.program);
    print_report(&s, &report);
    if (s.plot) draw_loss(&s, &x, &t);
    const bool passed = report.passed;
    nb_gradient_report_destroy(&report);
    nb_net_destroy(net);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return passed ? EXIT_SUCCESS : EXIT_FAILED;
}
