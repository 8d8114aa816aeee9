/* gradient_check - the book's gradient_check.py (5.7.3): backpropagation against differences, for
 * every parameter of a network, and a reason for every difference that is too large. */
#include "common.h"
#include "gradient_check_demo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { TWO_LAYER, THREE_LAYER, SIMPLE } net_kind;
static const char *const nets[] = {"two_layer", "three_layer", "simple", NULL};
static const char *const activations[] = {"sigmoid", "relu", NULL};

typedef struct settings {
    page page;
    const char *data;
    net_kind net;
    nb_activation activation;
    size_t batch, inputs; /* inputs: pixels of an image, or the 2 of simpleNet */
    uint32_t seed;
    nb_check_options check;
    bool exact, plot, json, demo;
} settings;

static void parse(int argc, char **argv, settings *s)
{
    const char *net = nets[TWO_LAYER], *activation = "relu", *batch = "100", *seed = "0",
               *h = "1e-4";
    const char *exact = NULL, *richardson = NULL, *plot = NULL, *json = NULL, *demonstrate = NULL;
    const page_option options[] = {
        {"net", "NAME", "two_layer, three_layer (784-50-100-10) or simple (two_layer)", &net},
        {"activation", "NAME", "sigmoid or relu (relu)", &activation},
        {"batch", "N", "the first N training images (100)", &batch},
        {"seed", "N", "of the weights, as np.random.seed(N) (0)", &seed},
        {"h", "X", "the step (1e-4)", &h},
        {"richardson", NULL, "extrapolate from h and h/2", &richardson},
        {"exact", NULL, "leave out the 1e-7 in the logarithm", &exact},
        {"json", NULL, "the report as JSON, for programs", &json},
        {"demo", NULL, "what the check calls the slips that it finds, and no more", &demonstrate},
        {"plot", NULL, "draw the error of differences against h", &plot},
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &s->data},
        {0}};
    page_begin(&s->page, argc, argv,
               "Compare backpropagation with differences, in float64, and explain what "
               "differs (5.7.3).\nExits with 0 if the gradient is right, 1 if it is wrong, 2 if "
               "some elements could not be told.",
               options);
    const char *me = s->page.program;
    s->net = (net_kind)one_of(me, "--net", net, nets);
    s->activation = (nb_activation)one_of(me, "--activation", activation, activations);
    s->batch = whole_number(me, "--batch", batch, 1, 60000);
    s->seed = (uint32_t)whole_number(me, "--seed", seed, 0, UINT32_MAX);
    s->page.seed = &s->seed;
    s->check = (nb_check_options){.h = finite_number(me, "--h", h), .richardson = richardson};
    s->exact = exact != NULL;
    s->plot = plot != NULL;
    s->json = json != NULL;
    s->demo = demonstrate != NULL;
}

static void make_net(const settings *s, nb_model **net)
{
    const nb_layer act = nb_act(s->activation);
    const nb_layers layers[] = {
        NB_LAYERS(nb_dense(50), act, nb_dense(10)),
        NB_LAYERS(nb_dense(50), act, nb_dense(100), act, nb_dense(10)),
        NB_LAYERS(nb_dense_without_bias(3)),
    };
    nb_random random;
    nb_random_seed(&random, s->seed);
    const nb_model_options options = {.input = NB_SHAPE(s->inputs),
                                      .layers = layers[s->net],
                                      .epsilon = s->exact ? NB_EXACT_LOG : NB_BOOK_EPSILON,
                                      .dtype = NB_FLOAT64,
                                      .max_batch = s->batch,
                                      .random = &random,
                                      .init = NB_INIT_STD,
                                      .std = s->net == SIMPLE ? 1 : 0.01};
    page_check(&s->page, nb_model_create(net, &options));
}

/* simpleNet's x and t in the book. */
static void make_vector(settings *s, nb_tensor *x, nb_tensor *t)
{
    s->inputs = 2;
    page_check(&s->page, nb_tensor_create(x, NB_FLOAT64, NB_SHAPE(1, 2)));
    page_check(&s->page, nb_tensor_create(t, NB_INT32, NB_SHAPE(1)));
    memcpy(x->data, (double[]){.6, .9}, 2 * sizeof(double));
    memcpy(t->data, &(int32_t){2}, sizeof(int32_t));
}

/* The first training images. */
static void make_batch(settings *s, nb_tensor *x, nb_tensor *t)
{
    nb_mnist mnist;
    load_mnist(&s->page, s->data, &mnist);
    if (s->batch > nb_dataset_count(&mnist.train)) {
        s->batch = nb_dataset_count(&mnist.train);
        printf("images: %zu, there are no more\n", s->batch);
    }
    s->inputs = nb_tensor_width(&mnist.train.x);
    page_check(&s->page, nb_tensor_create(x, NB_FLOAT64, NB_SHAPE(s->batch, s->inputs)));
    page_check(&s->page, nb_tensor_create(t, NB_INT32, NB_SHAPE(s->batch)));
    page_check(&s->page, nb_dataset_range(&mnist.train, 0, s->batch, x, t));
    nb_mnist_destroy(&mnist);
}

static void print_report(const settings *s, const nb_gradient_report *report)
{
    size_t (*const write)(const nb_gradient_report *, char *, size_t) =
        s->json ? nb_gradient_report_json : nb_gradient_report_text;
    const size_t length = write(report, NULL, 0);
    char *text = nb_alloc(length + 1, 1);
    if (!text) fail(s->page.program);
    write(report, text, length + 1);
    fputs(text, stdout);
    nb_free(text);
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
    nb_figure *fig;
    for (int i = 0; i < steps; i++) h[i] = pow(10, -i / 4.0);
    nb_numerical_diff_errors(f, context, x, derivative, steps, h, errors[0]);
    page_check(&s->page, nb_figure_create(&fig, 560, 440));
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_axes_log(ax, true, true);
    for (nb_diff k = 0; k < NB_DIFFS; k++)
        nb_plot_line(ax, steps, h, errors[k], &(nb_line_style){.label = nb_diff_name(k)});
    nb_plot_vline(ax, NB_NUMERICAL_H, NULL);
    nb_axes_labels(ax, "h", "|difference - derivative|");
    nb_axes_legend(ax, NB_BEST);
    page_save(&s->page, fig, NULL, "Error of differences against h");
}

/* The loss as a function of the last layer's weight with the largest gradient. The logarithm is the
 * exact one: backpropagation gives its derivative, and the error would end at the 1e-7's. */
static void draw_loss(const settings *given, const nb_tensor *x, const nb_tensor *t)
{
    static const char *const last[] = {"W2", "W3", "W1"};
    settings s = *given;
    nb_model *net;
    nb_node *loss;
    s.exact = true;
    make_net(&s, &net);
    page_check(&s.page, nb_model_feed(net, x, t, &loss));
    page_check(&s.page, nb_forward(loss));
    page_check(&s.page, nb_backward(loss));
    nb_node *W = nb_model_parameter(net, last[s.net]);
    const double *gradient = nb_gradient(W)->data;
    size_t i = 0;
    for (size_t k = 0; k < nb_tensor_count(nb_value(W)); k++)
        if (fabs(gradient[k]) > fabs(gradient[i])) i = k;
    one_weight o = {loss, (double *)nb_value(W)->data + i};
    draw(&s, loss_at, &o, *o.weight, gradient[i]);
    nb_model_destroy(net);
}

int main(int argc, char **argv)
{
    settings s = {0};
    nb_model *net;
    nb_tensor x, t;
    nb_node *loss;
    nb_gradient_report report;
    parse(argc, argv, &s);
    if (s.demo) {
        demo(&s.page);
        return page_end(&s.page);
    }
    (s.net == SIMPLE ? make_vector : make_batch)(&s, &x, &t);
    make_net(&s, &net);
    page_check(&s.page, nb_model_feed(net, &x, &t, &loss));
    page_check(&s.page, nb_gradient_check_with(loss, &s.check, &report));
    print_report(&s, &report);
    if (s.plot) draw_loss(&s, &x, &t);
    const int verdict = (int)nb_gradient_report_verdict(&report);
    nb_gradient_report_destroy(&report);
    nb_model_destroy(net);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return page_end(&s.page) == EXIT_SUCCESS ? verdict : EXIT_FAILED;
}
