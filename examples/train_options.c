#include "train_options.h"

#include <string.h>

/* The words of the command line; NULL: not given. */
typedef struct words {
    const char *iters, *epochs, *batch, *net, *hidden, *lr, *std, *activation, *batch_norm,
        *dropout, *init, *optimizer, *decay, *schedule, *warmup, *sampling, *gradient, *dtype,
        *seed, *threads, *eval, *dense, *curvature, *no_figures;
    run_words run;
} words;

static const char of_train_mnist[] =
    "Train the book's TwoLayerNet (784-50-10), or one with other layers, on MNIST.";

/* To the end of `options`; one that is there already is only described anew. */
static void add_options(page_option *options, const page_option *more)
{
    for (; more && more->name; more++) {
        page_option *o = options;
        while (o->name && strcmp(o->name, more->name) != 0) o++;
        if (o->name)
            o->help = more->help;
        else
            *o = *more;
    }
}

static void read_words(settings *s, words *w, int argc, char **argv, const char *about,
                       const page_option *more)
{
    page_option options[60] = {
        {"data", "DIR", "folder of MNIST's four files ($NABLAS_DATA, or data/mnist)", &s->data},
        {"iters", "N", "iterations (10000)", &w->iters},
        {"epochs", "N", "the iterations of so many epochs, in place of --iters", &w->epochs},
        {"batch", "N", "images in a mini-batch (100)", &w->batch},
        {"net", "NAME", "perceptron, simple_convnet, deep_convnet or lenet5 (perceptron)", &w->net},
        {"hidden", "N,N,...", "units of each hidden layer (50)", &w->hidden},
        {"activation", "NAME",
         "sigmoid, relu, tanh, leaky_relu, elu, gelu, softplus, step or identity (sigmoid)",
         &w->activation},
        {"batch-norm", NULL, "the book's batch norm before each activation", &w->batch_norm},
        {"dropout", "X", "share of each hidden layer that the book's dropout leaves out (0)",
         &w->dropout},
        {"init", "NAME", "first weights: std, xavier or he (std)", &w->init},
        {"std", "X", "their standard deviation (0.01)", &w->std},
        {"optimizer", "NAME", "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw (sgd)",
         &w->optimizer},
        {"lr", "X", "learning rate (0.1; the optimizer's own if that is not sgd)", &w->lr},
        {"decay", "X", "weight decay (0; adamw 0.01)", &w->decay},
        {"schedule", "NAME",
         "learning rate: constant, cosine (falls to 0 at the end) or steps (a tenth of it after "
         "each "
         "third of the run) (constant)",
         &w->schedule},
        {"warmup", "N", "iterations in which the learning rate grows to that (0)", &w->warmup},
        {"sampling", "NAME", "replace: at random, as the book; epoch: each image once (replace)",
         &w->sampling},
        {"gradient", "NAME", "backprop or numerical (backprop)", &w->gradient},
        {"dense", NULL, "every product by BLAS, whole; the same to rounding, but slower",
         &w->dense},
        {"dtype", "NAME", "float32 or float64 (float32; float64 with --gradient numerical)",
         &w->dtype},
        {"seed", "N", "as np.random.seed(N) (0)", &w->seed},
        {"threads", "N", "threads (one or several, whichever is faster as it goes)", &w->threads},
        {"eval-every", "N", "iterations between accuracies, 0 for the last alone (one epoch)",
         &w->eval},
        {"load", "FILE", "begin with these weights: .npz, .safetensors or .pkl", &s->load},
        RUN_OPTIONS(&w->run),
        {"curvature", NULL,
         "at each evaluation the loss's largest curvature, and the learning rate that it allows "
         "(docs/curvature.md)",
         &w->curvature},
        {"report", "FILE.html",
         "one page with how good it is, curves, histograms, and the run's data", &s->report},
        {"page", "FILE.html", "a page on which one writes digits and the network reads them",
         &s->digit_page},
        {"no-figures", NULL, "draw none", &w->no_figures},
        {"quiet", NULL, "only the last line", NULL}};
    add_options(options, more);
    page_begin(&s->page, argc, argv, about ? about : of_train_mnist, options);
}

/* --- what they mean --------------------------------------------------------------------------- */

/* The word of an option that was given, else `otherwise`. */
static size_t whole(const settings *s, const char *option, const char *word, size_t least,
                    size_t otherwise)
{
    return word ? whole_number(s->page.program, option, word, least, SIZE_MAX) : otherwise;
}

static double number(const settings *s, const char *option, const char *word, double otherwise)
{
    return word ? finite_number(s->page.program, option, word) : otherwise;
}

static int name(const settings *s, const char *option, const char *word, const char *const *names)
{
    return word ? one_of(s->page.program, option, word, names) : 0;
}

/* "100,50": two hidden layers. */
static void read_layers(settings *s, const char *text, const words *w, nb_activation activation)
{
    const char *me = s->page.program;
    const double dropout = number(s, "--dropout", w->dropout, 0);
    size_t units[MAX_HIDDEN];
    if (!(dropout >= 0 && dropout < 1))
        usage_error(me, "--dropout '%s': expected a number from 0 to below 1", w->dropout);
    const size_t count = hidden_units(me, text, units);
    for (size_t i = 0; i < count; i++) {
        s->layer[s->layers++] = nb_dense(units[i]);
        if (w->batch_norm) s->layer[s->layers++] = nb_as_in_book(nb_batch_norm_layer());
        s->layer[s->layers++] = nb_act(activation);
        if (dropout > 0) s->layer[s->layers++] = nb_as_in_book(nb_dropout_layer(dropout));
    }
    s->layer[s->layers++] = nb_dense(NB_MNIST_CLASSES);
}

/* A convolutional network has its own layers and first weights. */
static void read_net(settings *s, const words *w)
{
    static const char *const names[] = {"perceptron", "simple_convnet", "deep_convnet", "lenet5",
                                        NULL};
    static convnet (*const make[])(void) = {NULL, simple_convnet, deep_convnet, lenet5};
    const int which = name(s, "--net", w->net, names);
    if (which == 0) return;
    if (w->hidden || w->activation || w->batch_norm || w->dropout)
        usage_error(s->page.program,
                    "--net %s has its own layers: --hidden, --activation, --batch-norm and "
                    "--dropout are the perceptron's",
                    w->net);
    s->net = make[which]();
    s->train.training_loss = s->net.training_loss;
    if (!w->init) s->init = w->std ? NB_INIT_STD : s->net.init;
    if (!w->std) s->std = s->net.std;
}

static void read_network(settings *s, const words *w)
{
    static const char *const activations[] = {
#define X(code, name) #name,
        NB_ACTIVATION_LIST(X)
#undef X
            NULL};
    static const char *const inits[] = {"std", "xavier", "he", NULL};
    static const nb_init codes[] = {NB_INIT_STD, NB_INIT_XAVIER, NB_INIT_HE};
    static const char *const dtypes[] = {"float32", "float64", NULL};
    const char *me = s->page.program;
    read_layers(s, w->hidden ? w->hidden : "50", w,
                (nb_activation)name(s, "--activation", w->activation, activations));
    s->init = codes[name(s, "--init", w->init, inits)];
    s->std = number(s, "--std", w->std, 0.01);
    if (s->std < 0) usage_error(me, "--std '%s': expected a number from 0", w->std);
    if (w->std && s->init != NB_INIT_STD)
        usage_error(me, "--std: --init %s says the standard deviation", w->init);
    read_net(s, w);
    s->dtype = (nb_dtype)name(s, "--dtype", w->dtype, dtypes);
    /* h = 1e-4 leaves three digits of a difference in float32. */
    if (!w->dtype && s->train.gradient == NB_NUMERICAL) s->dtype = NB_FLOAT64;
    s->seed = w->seed ? (uint32_t)whole_number(me, "--seed", w->seed, 0, UINT32_MAX) : 0;
}

static void read_optimizer(settings *s, const words *w)
{
    static const char *const schedules[] = {"constant", "steps", "cosine", NULL};
    const char *me = s->page.program;
    nb_optimizer_options *o = &s->optimizer;
    s->train.optimizer = optimizer_named(me, w->optimizer ? w->optimizer : "sgd");
    nb_optimizer_defaults(s->train.optimizer, o);
    o->lr = number(s, "--lr", w->lr, s->train.optimizer == &nb_sgd ? s->train.lr : o->lr);
    o->weight_decay = number(s, "--decay", w->decay, o->weight_decay);
    if (o->weight_decay < 0) usage_error(me, "--decay '%s': expected a number from 0", w->decay);
    s->schedule = (nb_lr_kind)name(s, "--schedule", w->schedule, schedules);
    s->warmup = whole(s, "--warmup", w->warmup, 0, 0);
    s->train.lr = o->lr;
    s->train.optimizer_options = o;
}

static void read_run(settings *s, const words *w)
{
    static const char *const samplings[] = {"replace", "epoch", NULL};
    static const char *const methods[] = {"backprop", "numerical", NULL};
    const char *me = s->page.program;
    nb_train_options *t = &s->train;
    if (w->iters && w->epochs) usage_error(me, "--iters and --epochs: give one of the two");
    t->iterations = whole(s, "--iters", w->iters, 1, t->iterations);
    s->epochs = whole(s, "--epochs", w->epochs, 1, 0);
    t->batch = whole(s, "--batch", w->batch, 1, t->batch);
    t->sampling = (nb_sampling)name(s, "--sampling", w->sampling, samplings);
    t->gradient = (nb_gradient_method)name(s, "--gradient", w->gradient, methods);
    t->dense = w->dense != NULL;
    t->threads = w->threads ? whole_number(me, "--threads", w->threads, 1, NB_MAX_THREADS) : 0;
    s->eval_given = w->eval != NULL;
    t->eval_every = whole(s, "--eval-every", w->eval, 0, 0);
}

void read_settings(settings *s, int argc, char **argv, const char *about, const page_option *more)
{
    words w = {0};
    *s = (settings){.train = NB_TRAIN_DEFAULTS};
    read_words(s, &w, argc, argv, about, more);
    read_run(s, &w);
    read_network(s, &w);
    read_optimizer(s, &w);
    read_run_files(&s->files, &s->page, &w.run, s->load);
    s->curvature = w.curvature != NULL;
    s->figures = w.no_figures == NULL;
    s->page.seed = &s->seed;
}

void settle_settings(settings *s, size_t images)
{
    nb_train_options *t = &s->train;
    const size_t epoch = images / t->batch; /* the book's: what is left over does not count */
    if (!s->eval_given) t->eval_every = epoch ? epoch : 1;
    if (s->epochs) {
        const size_t steps = images / t->batch + (images % t->batch != 0);
        if (s->epochs > SIZE_MAX / steps)
            usage_error(s->page.program, "--epochs: %zu are too many", s->epochs);
        t->iterations = s->epochs * steps;
    }
    nb_lr_schedule *schedule = &s->optimizer.schedule;
    *schedule = (nb_lr_schedule){.kind = s->schedule, .warmup = s->warmup, .factor = 0.1};
    if (s->warmup >= t->iterations)
        usage_error(s->page.program, "--warmup: %zu iterations, but there are no more than %zu",
                    s->warmup, t->iterations);
    schedule->total = t->iterations;
    schedule->every = (t->iterations - s->warmup + 2) / 3;
}
