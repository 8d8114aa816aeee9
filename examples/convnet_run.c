#include "convnet_run.h"
#include "train_run.h"

/* The words of the command line; NULL: not given. */
typedef struct words {
    const char *iters, *epochs, *batch, *lr, *std, *dtype, *seed, *threads, *eval, *evaluate,
        *no_figures, *winograd;
    run_words run;
} words;

static void read_words(settings *s, words *w, int argc, char **argv, const char *about,
                       const convnet *net)
{
    const bool std = net->init == NB_INIT_STD;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files ($NABLAS_DATA, or data/mnist)", &s->data},
        {"epochs", "N", "passes through the training images (20)", &w->epochs},
        {"iters", "N", "iterations, in place of --epochs", &w->iters},
        {"batch", "N", "images in a mini-batch (100)", &w->batch},
        {"lr", "X", "learning rate (0.001)", &w->lr},
        {"std", "X",
         std ? "standard deviation of the first weights (0.01)"
             : "standard deviation of the first weights (He's, of each layer)",
         &w->std},
        {"dtype", "NAME", "float32 or float64 (float32)", &w->dtype},
        {"seed", "N", "as np.random.seed(N) (0)", &w->seed},
        {"threads", "N", "threads (one or several, whichever is faster as it goes)", &w->threads},
        {"eval-every", "N", "iterations between accuracies, 0 for the last alone (one epoch)",
         &w->eval},
        {"evaluate", "N",
         "accuracies of the first N images of each set; the last line also has that of all test "
         "images (all)",
         &w->evaluate},
        {"load", "FILE", "begin with these weights: .npz, .safetensors or .pkl", &s->load},
        RUN_OPTIONS(&w->run),
        {"report", "FILE.html",
         "one page with how good it is, curves, histograms, and the run's data", &s->report},
        {"page", "FILE.html", "a page on which one writes digits and the network reads them",
         &s->digit_page},
        {"winograd", NULL,
         "convolve with fewer products and more rounding: F(2x2, 3x3), float32 only", &w->winograd},
        {"no-figures", NULL, "draw none", &w->no_figures},
        {"quiet", NULL, "only the last line", NULL},
        {0}};
    page_begin(&s->page, argc, argv, about, options);
}

static size_t whole(const settings *s, const char *option, const char *word, size_t least,
                    size_t most, size_t otherwise)
{
    return word ? whole_number(s->page.program, option, word, least, most) : otherwise;
}

static void read_run(settings *s, const words *w)
{
    static const char *const dtypes[] = {"float32", "float64", NULL};
    const char *me = s->page.program;
    nb_train_options *t = &s->train;
    if (w->iters && w->epochs) usage_error(me, "--iters and --epochs: give one of the two");
    read_run_files(&s->files, &s->page, &w->run, s->load);
    t->iterations = whole(s, "--iters", w->iters, 1, SIZE_MAX, 0);
    s->epochs = w->iters ? 0 : whole(s, "--epochs", w->epochs, 1, SIZE_MAX, 20);
    t->batch = whole(s, "--batch", w->batch, 1, SIZE_MAX, 100);
    t->threads = whole(s, "--threads", w->threads, 1, NB_MAX_THREADS, 0);
    t->eval_every = whole(s, "--eval-every", w->eval, 0, SIZE_MAX, 0);
    t->evaluate = whole(s, "--evaluate", w->evaluate, 1, SIZE_MAX, 0);
    s->eval_given = w->eval != NULL;
    s->seed = (uint32_t)whole(s, "--seed", w->seed, 0, UINT32_MAX, 0);
    if (w->dtype) s->dtype = (nb_dtype)one_of(me, "--dtype", w->dtype, dtypes);
    if (w->winograd && s->dtype == NB_FLOAT64)
        usage_error(me, "--winograd: in float32 only, not with --dtype float64");
    if (w->std) {
        s->init = NB_INIT_STD;
        s->std = finite_number(me, "--std", w->std);
    }
    if (s->std < 0) usage_error(me, "--std '%s': expected a number from 0", w->std);
    nb_optimizer_defaults(&nb_adam, &s->optimizer);
    if (w->lr) s->optimizer.lr = finite_number(me, "--lr", w->lr);
    t->lr = s->optimizer.lr;
    s->figures = w->no_figures == NULL;
}

int convnet_main(int argc, char **argv, const char *about, const convnet *net)
{
    words w = {0};
    convnet own = *net;
    nb_mnist mnist;
    settings s = {.init = net->init, .std = net->std, .dtype = NB_FLOAT32};
    s.train.optimizer = &nb_adam;
    s.train.optimizer_options = &s.optimizer;
    s.train.training_loss = net->training_loss;
    s.page.seed = &s.seed;
    read_words(&s, &w, argc, argv, about, net);
    read_run(&s, &w);
    for (size_t i = 0; i < own.layers; i++) own.layer[i].window.winograd = w.winograd != NULL;
    load_mnist(&s.page, s.data, &mnist);
    as_images(&mnist, &mnist.train);
    as_images(&mnist, &mnist.test);
    nb_model_options options = {.input = NB_SHAPE(1, mnist.rows, mnist.columns),
                                .layers = convnet_layers(&own)};
    const int code = train_run(&s, &options, &mnist);
    nb_mnist_destroy(&mnist);
    return code;
}
