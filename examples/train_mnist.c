/* train_mnist - the book's train_neuralnet.py (4.5.2, 4.5.3; with --activation relu 5.7.4):
 * TwoLayerNet on MNIST by stochastic gradient descent. */
#include "common.h"
#include "train_figures.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const activations[] = {"sigmoid", "relu", NULL};
static const char *const samplings[] = {"replace", "epoch", NULL};
static const char *const methods[] = {"backprop", "numerical", NULL};
static const char *const dtypes[] = {"float32", "float64", NULL};

typedef struct settings {
    const char *program, *data, *load, *save, *log;
    size_t hidden, seed;
    double std;
    nb_activation activation;
    nb_dtype dtype;
    bool curvature, quiet, figures;
    page page; /* of the figures */
    nb_train_options train;
} settings;

static const char help[] =
    "usage: train_mnist [option ...]\n"
    "Train the book's TwoLayerNet (784-50-10) on MNIST.\n"
    "  --data DIR         folder of the four MNIST files ($NABLAS_DATA, or data/mnist)\n"
    "  --iters N          iterations (10000)\n"
    "  --batch N          images in a mini-batch (100)\n"
    "  --hidden N         hidden units (50)\n"
    "  --lr X             learning rate (0.1)\n"
    "  --std X            standard deviation of the first weights (0.01)\n"
    "  --activation NAME  sigmoid or relu (sigmoid)\n"
    "  --sampling NAME    replace: at random, as the book; epoch: each image once (replace)\n"
    "  --gradient NAME    backprop or numerical (backprop)\n"
    "  --dtype NAME       float32 or float64 (float32; float64 with --gradient numerical)\n"
    "  --seed N           as np.random.seed(N) (0)\n"
    "  --threads N        threads (one or several, whichever is faster as it goes)\n"
    "  --eval-every N     iterations between accuracies, 0 for the last alone (one epoch)\n"
    "  --load FILE        begin with these weights: .npz, .safetensors or .pkl\n"
    "  --save FILE        keep the weights: .npz or .safetensors\n"
    "  --log FILE.csv     write iter,loss,train_acc,test_acc\n"
    "  --curvature        at each evaluation the loss's largest curvature, and the learning rate\n"
    "                     that it allows (docs/curvature.md)\n"
    "  --out DIR          folder of the figures (figures)\n"
    "  --no-figures       draw none\n"
    "  --quiet            only the last line\n"
    "  --help             this text\n";

static void parse(int argc, char **argv, settings *s)
{
    enum {
        DATA,
        ITERS,
        BATCH,
        HIDDEN,
        LR,
        STD,
        ACT,
        SAMPLING,
        GRADIENT,
        DTYPE,
        SEED,
        THREADS,
        EVAL,
        LOAD,
        SAVE,
        LOG,
        CURVATURE,
        OUT,
        NO_FIGURES,
        QUIET,
        HELP
    };
    static const struct option options[] = {{"data", 1, NULL, DATA},
                                            {"iters", 1, NULL, ITERS},
                                            {"batch", 1, NULL, BATCH},
                                            {"hidden", 1, NULL, HIDDEN},
                                            {"lr", 1, NULL, LR},
                                            {"std", 1, NULL, STD},
                                            {"activation", 1, NULL, ACT},
                                            {"sampling", 1, NULL, SAMPLING},
                                            {"gradient", 1, NULL, GRADIENT},
                                            {"dtype", 1, NULL, DTYPE},
                                            {"seed", 1, NULL, SEED},
                                            {"threads", 1, NULL, THREADS},
                                            {"eval-every", 1, NULL, EVAL},
                                            {"load", 1, NULL, LOAD},
                                            {"save", 1, NULL, SAVE},
                                            {"log", 1, NULL, LOG},
                                            {"curvature", 0, NULL, CURVATURE},
                                            {"out", 1, NULL, OUT},
                                            {"no-figures", 0, NULL, NO_FIGURES},
                                            {"quiet", 0, NULL, QUIET},
                                            {"help", 0, NULL, HELP},
                                            {NULL, 0, NULL, 0}};
    const char *me = s->program;
    bool dtype_given = false;
    int code, at = 0;
    while ((code = getopt_long(argc, argv, "", options, &at)) != -1) {
        char name[32] = "";
        if (code != '?') snprintf(name, sizeof name, "--%s", options[at].name);
        switch (code) {
        case DATA:
            s->data = optarg;
            break;
        case ITERS:
            s->train.iterations = whole_number(me, name, optarg, 1, SIZE_MAX);
            break;
        case BATCH:
            s->train.batch = whole_number(me, name, optarg, 1, SIZE_MAX);
            break;
        case HIDDEN:
            s->hidden = whole_number(me, name, optarg, 1, SIZE_MAX);
            break;
        case LR:
            s->train.lr = finite_number(me, name, optarg);
            break;
        case STD:
            s->std = finite_number(me, name, optarg);
            if (s->std < 0) usage_error(me, "--std '%s': expected a number from 0", optarg);
            break;
        case ACT:
            s->activation = (nb_activation)one_of(me, name, optarg, activations);
            break;
        case SAMPLING:
            s->train.sampling = (nb_sampling)one_of(me, name, optarg, samplings);
            break;
        case GRADIENT:
            s->train.gradient = (nb_gradient_method)one_of(me, name, optarg, methods);
            break;
        case DTYPE:
            s->dtype = (nb_dtype)one_of(me, name, optarg, dtypes);
            dtype_given = true;
            break;
        case SEED:
            s->seed = whole_number(me, name, optarg, 0, UINT32_MAX);
            break;
        case THREADS:
            s->train.threads = whole_number(me, name, optarg, 1, NB_MAX_THREADS);
            break;
        case EVAL:
            s->train.eval_every = whole_number(me, name, optarg, 0, SIZE_MAX);
            break;
        case LOAD:
            s->load = optarg;
            break;
        case SAVE:
            s->save = optarg;
            break;
        case LOG:
            s->log = optarg;
            break;
        case CURVATURE:
            s->curvature = true;
            break;
        case OUT:
            s->page.out = optarg;
            break;
        case NO_FIGURES:
            s->figures = false;
            break;
        case QUIET:
            s->quiet = true;
            break;
        case HELP:
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        default:
            usage_hint(me);
        }
    }
    /* h = 1e-4 leaves three digits of a difference in float32. */
    if (!dtype_given && s->train.gradient == NB_NUMERICAL) s->dtype = NB_FLOAT64;
    if (optind < argc) usage_error(me, "unexpected '%s'", argv[optind]);
}

/* --- the run, as it is reported --------------------------------------------------------------- */

/* The signal that asked the run to end. It ends after the iteration at hand; a third signal does
 * not wait for that. (Not the second: `timeout` sends two.) */
static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    static volatile sig_atomic_t count;
    interrupted = number;
    if (++count == 3) _exit(EXIT_SIGNAL + number);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* The images whose loss --curvature looks at: the first of the training set. */
enum { CURVATURE_IMAGES = 1000 };

typedef struct curvature {
    nb_model *net; /* NULL: not asked for */
    double lr;
    nb_tensor x, t;
} curvature;

static nb_status open_curvature(curvature *c, nb_model *net, const nb_dataset *set, double lr)
{
    const size_t count = nb_dataset_count(set);
    const size_t n = count < CURVATURE_IMAGES ? count : CURVATURE_IMAGES;
    *c = (curvature){.net = net, .lr = lr};
    nb_status status =
        nb_tensor_create(&c->x, nb_graph_dtype(net->graph), nb_dataset_x_shape(set, n));
    if (!status) status = nb_tensor_create(&c->t, NB_INT32, nb_dataset_t_shape(set, n));
    return status ? status : nb_dataset_range(set, 0, n, &c->x, &c->t);
}

static void close_curvature(curvature *c)
{
    nb_tensor_destroy(&c->x);
    nb_tensor_destroy(&c->t);
}

static nb_status print_curvature(const curvature *c, size_t iteration)
{
    nb_node *loss;
    nb_random random;
    nb_eigenvalue largest;
    nb_random_seed(&random, 0);
    nb_status status = nb_model_feed(c->net, &c->x, &c->t, &loss);
    if (!status) status = nb_graph_curvature(loss, &random, 1e-4, 200, &largest);
    if (!status)
        printf("iteration %5zu: largest curvature %.4f, stable up to lr %.4f (lr is %g)\n",
               iteration, largest.value, largest.value > 0 ? 2 / largest.value : (double)INFINITY,
               c->lr);
    return status;
}

typedef struct report {
    display display;
    curvature curvature;
    run_history *history;
    double epoch; /* iterations of one */
    FILE *log;    /* NULL: none */
    const char *log_name;
} report;

static nb_status log_failed(const report *r)
{
    return nb_fail(NB_EIO, "cannot write the log %s: %s", r->log_name, strerror(errno));
}

static bool log_iteration(FILE *log, const nb_progress *p)
{
    if (fprintf(log, "%zu,%.17g,", p->iteration, p->loss) < 0) return false;
    if (!p->evaluated) return fputs(",\n", log) >= 0;
    return fprintf(log, "%.17g,%.17g\n", p->train_metric, p->test_metric) >= 0;
}

static nb_status on_iteration(const nb_progress *p, void *context)
{
    report *r = context;
    if (r->log && !log_iteration(r->log, p)) return log_failed(r);
    show_progress(&r->display, p);
    if (p->evaluated && r->curvature.net) {
        show_end(&r->display);
        nb_status status = print_curvature(&r->curvature, p->iteration);
        if (status) return status;
    }
    record(r->history, p, r->epoch);
    return interrupted ? NB_ESTOPPED : NB_OK;
}

static nb_status open_log(report *r)
{
    if (!r->log_name) return NB_OK;
    r->log = fopen(r->log_name, "w");
    if (!r->log || fputs("iter,loss,train_acc,test_acc\n", r->log) == EOF) return log_failed(r);
    return NB_OK;
}

static nb_status close_log(report *r)
{
    FILE *log = r->log;
    r->log = NULL;
    return log && fclose(log) ? log_failed(r) : NB_OK;
}

static void print_done(const nb_train_result *result)
{
    const nb_progress *p = &result->last;
    printf("done: %zu iterations in %.2f s (%.2f s training, %.2f s evaluation), %.0f images/s, "
           "train acc %.5f, test acc %.4f\n",
           result->completed, p->seconds, p->train_seconds, p->eval_seconds, p->samples_per_second,
           p->train_metric, p->test_metric);
}

/* What should fail, if it must, before the run. */
static void prepare(const settings *s, nb_model *net, report *r)
{
    if (s->load && nb_model_load(net, s->load)) fail(s->program);
    if (s->save && nb_model_can_save(net, s->save)) fail(s->program);
    if (s->figures) page_folder(&s->page);
    if (open_log(r)) fail(s->program);
}

/* Say so; what else there is to do is still done. */
static bool went_wrong(const settings *s, nb_status status)
{
    if (status) fprintf(stderr, "%s: %s\n", s->program, nb_last_error());
    return status != NB_OK;
}

static int train(const settings *s, nb_model *net, const nb_mnist *mnist, nb_random *random)
{
    static run_history history;
    report r = {.history = &history, .log_name = s->log};
    nb_train_options options = s->train;
    nb_train_result result;
    r.epoch = (double)nb_dataset_count(&mnist->train) / (double)options.batch;
    options.report = on_iteration;
    options.context = &r;
    show_begin(&r.display, s->quiet);
    if (s->curvature && !s->quiet && open_curvature(&r.curvature, net, &mnist->train, options.lr))
        fail(s->program);
    prepare(s, net, &r);
    catch_signals();
    const nb_status status = nb_train(net, &mnist->train, &mnist->test, random, &options, &result);
    show_end(&r.display);
    close_curvature(&r.curvature);
    if (status && status != NB_ESTOPPED) {
        fprintf(stderr, "%s: %s\n", s->program, nb_last_error());
        close_log(&r);
        return EXIT_FAILED;
    }
    if (close_log(&r)) fail(s->program);
    bool failed = s->save && went_wrong(s, nb_model_save(net, s->save));
    failed |= s->figures && went_wrong(s, draw_run(&s->page, &history, net, mnist));
    if (!s->quiet) printf("threads: %zu\n", result.threads);
    print_done(&result);
    if (failed) return EXIT_FAILED;
    return status ? EXIT_SIGNAL + interrupted : EXIT_SUCCESS;
}

/* What the figures say of themselves. */
static void sign_figures(settings *s, int argc, char **argv, const uint32_t *seed)
{
    char *command = s->page.command;
    const size_t room = sizeof s->page.command;
    s->page.quiet = s->quiet;
    s->page.seed = seed;
    snprintf(command, room, "examples/train_mnist");
    for (int i = 1; i < argc; i++) {
        const size_t used = strlen(command);
        snprintf(command + used, room - used, " %s", argv[i]);
    }
}

int main(int argc, char **argv)
{
    settings s = {.program = argv[0],
                  .hidden = 50,
                  .std = 0.01,
                  .activation = NB_SIGMOID,
                  .dtype = NB_FLOAT32,
                  .figures = true,
                  .page = {.program = argv[0], .name = "train_mnist", .out = "figures"},
                  .train = NB_TRAIN_DEFAULTS};
    s.train.eval_every = SIZE_MAX; /* one epoch, once the batch is known */
    parse(argc, argv, &s);
    const uint32_t seed = (uint32_t)s.seed;
    sign_figures(&s, argc, argv, &seed);

    nb_mnist mnist;
    nb_model *net;
    nb_random random;
    load_mnist(s.program, mnist_folder(s.data), &mnist);
    if (s.train.eval_every == SIZE_MAX) {
        const size_t epoch = nb_dataset_count(&mnist.train) / s.train.batch;
        s.train.eval_every = epoch ? epoch : 1;
    }
    nb_random_seed(&random, seed);
    const size_t pixels = nb_tensor_width(&mnist.train.x);
    size_t rows = nb_train_max_batch(s.train.batch);
    if (s.curvature && rows < CURVATURE_IMAGES) rows = CURVATURE_IMAGES;
    if (nb_two_layer_net_create(&net, pixels, s.hidden, NB_MNIST_CLASSES, s.std, s.activation,
                                s.dtype, rows, &random))
        fail(s.program);
    const int code = train(&s, net, &mnist, &random);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return code;
}
