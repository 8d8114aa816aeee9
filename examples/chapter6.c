#include "chapter6.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- logs ------------------------------------------------------------------------------------- */

static const char *log_name;

static _Noreturn void log_failed(const page *p)
{
    fprintf(stderr, "%s: cannot write the log %s: %s\n", p->program, log_name, strerror(errno));
    exit(EXIT_FAILED);
}

FILE *log_open(const page *p, const char *name)
{
    if (!name) return NULL;
    log_name = name;
    FILE *log = fopen(name, "w");
    if (!log || fputs("iter", log) < 0) log_failed(p);
    return log;
}

void log_text(const page *p, FILE *log, const char *format, ...)
{
    if (!log) return;
    va_list values;
    va_start(values, format);
    const int written = vfprintf(log, format, values);
    va_end(values);
    if (written < 0) log_failed(p);
}

void log_close(const page *p, FILE *log)
{
    if (log && (putc('\n', log) == EOF || fclose(log))) log_failed(p);
}

/* --- networks --------------------------------------------------------------------------------- */

nb_model *deep_net_create(const page *p, const deep_net *d, nb_random *random)
{
    nb_layer layer[4 * MOST_HIDDEN + 1];
    size_t count = 0;
    for (size_t i = 0; i < d->hidden; i++) {
        layer[count++] = nb_dense(DEEP_WIDTH);
        if (d->batch_norm) layer[count++] = nb_as_in_book(nb_batch_norm_layer());
        layer[count++] = nb_act(NB_RELU);
        if (d->dropout > 0) layer[count++] = nb_as_in_book(nb_dropout_layer(d->dropout));
    }
    layer[count++] = nb_dense(NB_MNIST_CLASSES);
    nb_model *net;
    page_check(p,
               nb_model_create(&net, &(nb_model_options){.input = NB_SHAPE(d->inputs),
                                                         .layers = {count, layer},
                                                         .epsilon = NB_BOOK_EPSILON,
                                                         .dtype = NB_FLOAT64,
                                                         .max_batch = nb_train_max_batch(d->batch),
                                                         .random = random,
                                                         .init = d->init,
                                                         .std = d->std,
                                                         .scale = 255}));
    return net;
}

nb_optimizer *optimizer_for(const page *p, nb_model *net, const nb_optimizer_type *type, double lr,
                            double lambda)
{
    nb_optimizer *optimizer;
    nb_optimizer_options options;
    nb_optimizer_defaults(type, &options);
    options.lr = lr;
    options.weight_decay = lambda;
    page_check(p, nb_optimizer_create(&optimizer, net->graph, type, &options));
    return optimizer;
}

double decay_term(const nb_model *net, double lambda)
{
    double squares = 0;
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        const nb_tensor *w = nb_value(node);
        if (nb_node_is_parameter(node) && w->shape.ndim == 2)
            squares += nb_kernels_of(w->dtype)->sum_squares(nb_tensor_count(w), w->data);
    }
    return 0.5 * lambda * squares;
}

double learn(const page *p, nb_model *net, nb_optimizer *optimizer, const nb_batch *batch,
             nb_random *random)
{
    nb_node *loss;
    page_check(p, nb_graph_set_pass(net->graph, (nb_pass){.training = true, .random = random}));
    page_check(p, nb_model_feed_batch(net, batch, &loss));
    page_check(p, nb_forward(loss));
    page_check(p, nb_optimizer_step(optimizer, loss));
    page_check(p, nb_graph_set_pass(net->graph, (nb_pass){0}));
    page_check(p, nb_optimizer_forward(optimizer, loss));
    return nb_scalar(loss);
}

double accuracy_of(const page *p, nb_model *net, const nb_dataset *set)
{
    const size_t n = nb_dataset_count(set), most = nb_graph_max_batch(net->graph);
    nb_source *source;
    nb_score score = {0};
    page_check(p, nb_source_create(&source, set,
                                   &(nb_source_options){.dtype = nb_graph_dtype(net->graph),
                                                        .most = most,
                                                        .dense = true}));
    for (size_t lo = 0; lo < n; lo += most) {
        nb_batch batch;
        nb_node *loss;
        page_check(p, nb_source_range(source, lo, n - lo < most ? n : lo + most, &batch));
        page_check(p, nb_model_feed_batch(net, &batch, &loss));
        page_check(p, nb_model_compare(net, &batch.t, &score));
    }
    page_check(p, nb_feed(net->x, NULL));
    nb_source_destroy(source);
    return nb_model_metric(net, &score);
}

/* --- side by side ----------------------------------------------------------------------------- */

static void print_row(size_t iteration, size_t count, const contender *c)
{
    printf("%9zu", iteration);
    for (size_t k = 0; k < count; k++) printf("  %-19.17g", c[k].loss[iteration]);
    putchar('\n');
    fflush(stdout);
}

/* 0, 1, 9, 99, then every hundredth, and the last. */
static bool is_shown(size_t i, size_t iterations)
{
    return i < 2 || i == 9 || (i + 1) % 100 == 0 || i + 1 == iterations;
}

void compete(const page *p, const nb_mnist *mnist, size_t count, contender *c, size_t iterations,
             const char *log_path, nb_random *random)
{
    nb_source *source;
    FILE *log = log_open(p, log_path);
    printf("%9s", "iteration");
    for (size_t k = 0; k < count; k++) {
        printf("  %-19s", c[k].name);
        log_text(p, log, ",%s", c[k].name);
        c[k].loss = calloc(iterations, sizeof *c[k].loss);
        if (!c[k].loss) page_check(p, nb_fail(NB_ENOMEM, "no memory for %zu losses", iterations));
    }
    putchar('\n');
    page_check(p, nb_source_create(&source, &mnist->train,
                                   &(nb_source_options){.dtype = NB_FLOAT64,
                                                        .batch = COMPETE_BATCH,
                                                        .sampling = NB_REPLACE,
                                                        .random = random}));
    for (size_t i = 0; i < iterations; i++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        log_text(p, log, "\n%zu", i);
        for (size_t k = 0; k < count; k++) {
            c[k].loss[i] = learn(p, c[k].net, c[k].optimizer, &batch, random);
            log_text(p, log, ",%.17g", c[k].loss[i]);
        }
        if (is_shown(i, iterations)) print_row(i, count, c);
    }
    log_close(p, log);
    nb_source_destroy(source);
    printf("%9s", "test");
    for (size_t k = 0; k < count; k++) {
        printf("  %-19.4f", accuracy_of(p, c[k].net, &mnist->test));
        nb_optimizer_destroy(c[k].optimizer);
        nb_model_destroy(c[k].net);
    }
    putchar('\n');
}

void draw_losses(const page *p, size_t count, contender *c, size_t iterations, double top,
                 const char *title)
{
    nb_figure *fig;
    nb_figure_create(&fig, 560, 400);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    double *x = calloc(2 * iterations, sizeof *x), *smoothed = x + iterations;
    if (!x) page_check(p, nb_fail(NB_ENOMEM, "no memory for the figure"));
    for (size_t i = 0; i < iterations; i++) x[i] = (double)i;
    for (size_t k = 0; k < count; k++) {
        const bool smooth = iterations >= 11;
        if (smooth) page_check(p, nb_smooth_curve(iterations, c[k].loss, smoothed));
        nb_plot_line(ax, iterations, x, smooth ? smoothed : c[k].loss,
                     &(nb_line_style){.label = c[k].name, .width = 1.2});
        free(c[k].loss);
    }
    free(x);
    nb_axes_ylim(ax, 0, top);
    nb_axes_labels(ax, "iterations", "loss");
    nb_axes_legend(ax, NB_UPPER_RIGHT);
    page_save(p, fig, NULL, title);
}

/* --- overfitting ------------------------------------------------------------------------------ */

/* Of each epoch; in one block. */
typedef struct accuracies {
    size_t count;
    double *epoch, *train, *test;
} accuracies;

static accuracies accuracies_create(const page *p, size_t epochs)
{
    double *block = calloc(3 * epochs, sizeof *block);
    if (!block) page_check(p, nb_fail(NB_ENOMEM, "no memory for %zu epochs", epochs));
    return (accuracies){0, block, block + epochs, block + 2 * epochs};
}

static void evaluate(const page *p, const overfitting *o, accuracies *a, double loss)
{
    const size_t k = a->count++;
    a->epoch[k] = (double)k;
    a->train[k] = accuracy_of(p, o->net, &o->train);
    a->test[k] = accuracy_of(p, o->net, &o->test);
    if (k % 10 && k + 1 != o->epochs) return;
    printf("epoch %3zu: loss %.8g, train acc %.4f, test acc %.4f\n", k, loss, a->train[k],
           a->test[k]);
    fflush(stdout);
}

static void draw_accuracies(const page *p, const overfitting *o, accuracies *a)
{
    nb_figure *fig;
    nb_figure_create(&fig, 520, 380);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, a->count, a->epoch, a->train, &(nb_line_style){.label = "train"});
    nb_plot_line(ax, a->count, a->epoch, a->test,
                 &(nb_line_style){.label = "test", .dash = NB_DASHED});
    nb_axes_ylim(ax, 0, 1);
    nb_axes_title(ax, o->title);
    nb_axes_labels(ax, "epochs", "accuracy");
    nb_axes_legend(ax, NB_LOWER_RIGHT);
    free(a->epoch);
    page_save(p, fig, NULL, o->title);
}

void overfit(const page *p, const overfitting *o, nb_random *random)
{
    const double epoch = fmax((double)nb_dataset_count(&o->train) / OVERFIT_BATCH, 1);
    nb_source *source;
    accuracies a = accuracies_create(p, o->epochs);
    double first[3] = {0}; /* losses of iterations 0, 99 and the last */
    FILE *log = log_open(p, o->log);
    log_text(p, log, ",loss,train_acc,test_acc");
    page_check(p, nb_source_create(&source, &o->train,
                                   &(nb_source_options){.dtype = NB_FLOAT64,
                                                        .batch = OVERFIT_BATCH,
                                                        .sampling = NB_REPLACE,
                                                        .random = random,
                                                        .dense = true}));
    for (size_t i = 0; i < o->iterations; i++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        const double loss =
            learn(p, o->net, o->optimizer, &batch, random) + decay_term(o->net, o->lambda);
        first[i < 1 ? 0 : (i <= 99 ? 1 : 2)] = loss;
        log_text(p, log, "\n%zu,%.17g,", i, loss);
        if (fmod((double)i, epoch) == 0 && a.count < o->epochs) {
            evaluate(p, o, &a, loss);
            log_text(p, log, "%.17g,%.17g", a.train[a.count - 1], a.test[a.count - 1]);
        } else {
            log_text(p, log, ",");
        }
    }
    log_close(p, log);
    printf("loss: iteration 0 %.17g", first[0]);
    if (o->iterations > 99) printf(", 99 %.17g", first[1]);
    if (o->iterations > 100) printf(", %zu %.17g", o->iterations - 1, first[2]);
    printf("\ntest accuracy at the end: %.4f\n", accuracy_of(p, o->net, &o->test));
    nb_source_destroy(source);
    nb_optimizer_destroy(o->optimizer);
    nb_model_destroy(o->net);
    draw_accuracies(p, o, &a);
}
