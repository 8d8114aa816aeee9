#include "chapter6.h"

#include "display.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- a program -------------------------------------------------------------------------------- */

void experiment_begin(experiment *e, int argc, char **argv, const char *about,
                      const page_option *own, const char *logged)
{
    static const char *const dtypes[] = {"float32", "float64", NULL};
    const char *dtype = "float64", *seed = "0";
    const page_option shared[] = {
        {"dtype", "NAME", "float32 or float64: faster, or the book's digits (float64)", &dtype},
        {"seed", "N", "as np.random.seed(N) (0)", &seed},
        {"log", "FILE.csv", logged, &e->log}};
    page_option options[MOST_OPTIONS + 5] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &e->data}};
    size_t count = 1;
    *e = (experiment){0};
    for (; own->name && count <= MOST_OPTIONS; own++) options[count++] = *own;
    memcpy(options + count, shared, sizeof shared);
    page_begin(&e->page, argc, argv, about, options);
    e->dtype = (nb_dtype)one_of(e->page.program, "--dtype", dtype, dtypes);
    e->seed = (uint32_t)whole_number(e->page.program, "--seed", seed, 0, UINT32_MAX);
    e->page.seed = &e->seed;
}

void experiment_load(experiment *e)
{
    page_folder(&e->page);
    load_some_mnist(&e->page, e->data, e->train, e->test, &e->mnist);
    nb_random_seed(&e->random, e->seed);
}

int experiment_end(experiment *e)
{
    nb_mnist_destroy(&e->mnist);
    return page_end(&e->page);
}

/* --- logs ------------------------------------------------------------------------------------- */

static nb_file log_file;

FILE *log_open(const page *p, const char *name)
{
    if (!name) return NULL;
    page_check(p, nb_file_begin(&log_file, name));
    discard_at_exit(&log_file);
    log_text(p, log_file.stream, "iter");
    return log_file.stream;
}

void log_text(const page *p, FILE *log, const char *format, ...)
{
    if (!log) return;
    va_list values;
    va_start(values, format);
    const int written = vfprintf(log, format, values);
    va_end(values);
    if (written >= 0) return;
    fprintf(stderr, "%s: cannot write the log %s: %s\n", p->program, log_file.path,
            strerror(errno));
    exit(EXIT_FAILED);
}

void log_close(const page *p, FILE *log)
{
    log_text(p, log, "\n");
    if (log) page_check(p, nb_file_commit(&log_file));
}

/* --- networks --------------------------------------------------------------------------------- */

learner learner_create(const experiment *e, const deep_net *d, nb_random *random)
{
    nb_layer layer[4 * MOST_HIDDEN + 1];
    size_t count = 0;
    learner l;
    for (size_t i = 0; i < d->hidden; i++) {
        layer[count++] = nb_dense(DEEP_WIDTH);
        if (d->batch_norm) layer[count++] = nb_as_in_book(nb_batch_norm_layer());
        layer[count++] = nb_act(NB_RELU);
        if (d->dropout > 0) layer[count++] = nb_as_in_book(nb_dropout_layer(d->dropout));
    }
    layer[count++] = nb_dense(NB_MNIST_CLASSES);
    const nb_model_options options = {.input = NB_SHAPE(nb_tensor_width(&e->mnist.train.x)),
                                      .layers = {count, layer},
                                      .epsilon = NB_BOOK_EPSILON,
                                      .dtype = e->dtype,
                                      .max_batch = nb_train_max_batch(d->batch),
                                      .random = random,
                                      .init = d->init,
                                      .std = d->std,
                                      .scale = 255};
    const nb_optimizer_type *type = d->type ? d->type : &nb_sgd;
    nb_optimizer_options how;
    nb_optimizer_defaults(type, &how);
    how.lr = d->lr;
    how.weight_decay = d->decay;
    page_check(&e->page, nb_model_create(&l.net, &options));
    page_check(&e->page, nb_graph_join(l.net->graph, true));
    page_check(&e->page, nb_optimizer_create(&l.optimizer, l.net->graph, type, &how));
    return l;
}

void learner_destroy(learner *l)
{
    nb_optimizer_destroy(l->optimizer);
    nb_model_destroy(l->net);
}

nb_node *learn(const page *p, const learner *l, const nb_batch *batch, nb_random *random)
{
    nb_node *loss;
    page_check(p, nb_graph_set_pass(l->net->graph, (nb_pass){.training = true, .random = random}));
    page_check(p, nb_model_feed_batch(l->net, batch, &loss));
    page_check(p, nb_forward(loss));
    page_check(p, nb_optimizer_step(l->optimizer, loss));
    page_check(p, nb_graph_set_pass(l->net->graph, (nb_pass){0}));
    return loss;
}

double loss_after(const page *p, const learner *l, nb_node *loss)
{
    page_check(p, nb_optimizer_forward(l->optimizer, loss));
    return nb_scalar(loss);
}

void accuracies_of(const page *p, size_t count, const learner *const *l, nb_source *source,
                   double *accuracy)
{
    const size_t n = nb_dataset_count(nb_source_dataset(source));
    const size_t most = nb_graph_max_batch(l[0]->net->graph);
    nb_score score[MOST_CONTENDERS] = {{0}};
    for (size_t lo = 0; lo < n; lo += most) {
        nb_batch batch;
        nb_node *loss;
        page_check(p, nb_source_range(source, lo, n - lo < most ? n : lo + most, &batch));
        for (size_t k = 0; k < count; k++) {
            page_check(p, nb_model_feed_batch(l[k]->net, &batch, &loss));
            page_check(p, nb_model_compare(l[k]->net, &batch.t, &score[k]));
            batch.fill = NULL; /* the rows are written now */
        }
    }
    for (size_t k = 0; k < count; k++) accuracy[k] = nb_model_metric(l[k]->net, &score[k]);
}

double accuracy_of(const page *p, const learner *l, nb_source *source)
{
    double accuracy;
    accuracies_of(p, 1, &l, source, &accuracy);
    return accuracy;
}

double decay_term(const nb_model *net, double decay)
{
    double squares = 0;
    for (size_t i = 0; decay != 0 && i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        const nb_tensor *w = nb_value(node);
        if (nb_node_is_parameter(node) && w->shape.ndim == 2)
            squares += nb_kernels_of(w->dtype)->sum_squares(nb_tensor_count(w), w->data);
    }
    return 0.5 * decay * squares;
}

nb_model *batch_norm_net_create(const page *p, size_t inputs, size_t batch, nb_random *random)
{
    const nb_layer norm = nb_as_in_book(nb_batch_norm_layer()), relu = nb_act(NB_RELU);
    nb_model *net;
    page_check(
        p, nb_model_create(&net, &(nb_model_options){
                                     .input = NB_SHAPE(inputs),
                                     .layers = NB_LAYERS(nb_dense(20), norm, relu, nb_dense(20),
                                                         norm, relu, nb_dense(NB_MNIST_CLASSES)),
                                     .epsilon = NB_BOOK_EPSILON,
                                     .dtype = NB_FLOAT64,
                                     .max_batch = batch,
                                     .random = random,
                                     .init = NB_INIT_HE}));
    return net;
}

void first_images(const page *p, const nb_mnist *mnist, size_t n, nb_tensor *x, nb_tensor *t)
{
    page_check(p, nb_tensor_create(x, NB_FLOAT64, nb_dataset_x_shape(&mnist->train, n)));
    page_check(p, nb_tensor_create(t, NB_INT32, nb_dataset_t_shape(&mnist->train, n)));
    page_check(p, nb_dataset_range(&mnist->train, 0, n, x, t));
}

void shuffle_first(const page *p, const nb_dataset *all, size_t most, nb_random *random,
                   nb_dataset *shuffled)
{
    const size_t n = nb_dataset_count(all) < most ? nb_dataset_count(all) : most;
    size_t *index = calloc(n ? n : 1, sizeof *index);
    nb_shape x = all->x.shape, t = all->t.shape;
    if (!index) page_check(p, nb_fail(NB_ENOMEM, "no memory for %zu numbers", n));
    x.dim[0] = t.dim[0] = n;
    *shuffled = *all;
    nb_random_permutation(random, n, index);
    page_check(p, nb_tensor_create(&shuffled->x, all->x.dtype, x));
    page_check(p, nb_tensor_create(&shuffled->t, all->t.dtype, t));
    page_check(p, nb_tensor_gather(&all->x, n, index, &shuffled->x));
    page_check(p, nb_tensor_gather(&all->t, n, index, &shuffled->t));
    free(index);
}

nb_source *batches_of(const experiment *e, const nb_dataset *set, size_t batch, nb_random *random)
{
    nb_source *source;
    const nb_source_options options = {.dtype = e->dtype,
                                       .batch = batch,
                                       .most = nb_train_max_batch(batch),
                                       .sampling = NB_REPLACE,
                                       .random = random};
    page_check(&e->page, nb_source_create(&source, set, &options));
    return source;
}

/* --- several side by side --------------------------------------------------------------------- */

/* Columns of the first field, and of each loss. */
typedef struct layout {
    bool whole; /* all digits; a terminal may be too narrow for them */
    int first, each;
} layout;

static layout layout_of(size_t count)
{
    const layout whole = {true, 9, 19};
    const int width = (int)terminal_width(), names = (int)count;
    if (!isatty(STDOUT_FILENO) || whole.first + names * (whole.each + 2) <= width) return whole;
    const int first = width < 60 ? 5 : whole.first, each = (width - first) / names - 2;
    return (layout){false, first, each < 5 ? 5 : each};
}

static void print_row(size_t iteration, size_t count, const contender *c)
{
    const layout l = layout_of(count);
    printf("%*zu", l.first, iteration);
    for (size_t k = 0; k < count; k++) {
        if (l.whole)
            printf("  %-*.17g", l.each, c[k].loss[iteration]);
        else
            printf("  %-*.*f", l.each, l.each - 2, c[k].loss[iteration]);
    }
    putchar('\n');
    fflush(stdout);
}

/* 0, 1, 9, 99, then every hundredth, and the last. */
static bool is_shown(size_t i, size_t iterations)
{
    return i < 2 || i == 9 || (i + 1) % 100 == 0 || i + 1 == iterations;
}

static void print_names(experiment *e, size_t count, contender *c, size_t iterations, FILE *log)
{
    const layout l = layout_of(count);
    printf("%*s", l.first, l.first < 9 ? "iter" : "iteration");
    for (size_t k = 0; k < count; k++) {
        printf("  %-*.*s", l.each, l.each, c[k].name);
        log_text(&e->page, log, ",%s", c[k].name);
        c[k].loss = calloc(iterations, sizeof *c[k].loss);
        if (!c[k].loss)
            page_check(&e->page, nb_fail(NB_ENOMEM, "no memory for %zu losses", iterations));
        c[k].net.batch = COMPETE_BATCH;
        c[k].learner = learner_create(e, &c[k].net, &e->random);
    }
    putchar('\n');
}

static void draw_losses(const page *p, size_t count, contender *c, size_t iterations, double top,
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
    nb_axes_legend(ax, NB_BEST);
    page_save(p, fig, NULL, title);
}

void compete(experiment *e, size_t count, contender *c, size_t iterations, double top,
             const char *title)
{
    const page *p = &e->page;
    FILE *log = log_open(p, e->log);
    print_names(e, count, c, iterations, log);
    nb_source *source = batches_of(e, &e->mnist.train, COMPETE_BATCH, &e->random);
    for (size_t i = 0; i < iterations; i++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        log_text(p, log, "\n%zu", i);
        for (size_t k = 0; k < count; k++) {
            nb_node *loss = learn(p, &c[k].learner, &batch, &e->random);
            c[k].loss[i] = loss_after(p, &c[k].learner, loss);
            batch.fill = NULL; /* the first has written the rows */
            log_text(p, log, ",%.17g", c[k].loss[i]);
        }
        if (is_shown(i, iterations)) print_row(i, count, c);
    }
    log_close(p, log);
    nb_source_destroy(source);
    source = batches_of(e, &e->mnist.test, COMPETE_BATCH, &e->random);
    const layout l = layout_of(count);
    printf("%*s", l.first, "test");
    for (size_t k = 0; k < count; k++) {
        printf("  %-*.*f", l.each, l.each < 6 ? 3 : 4, accuracy_of(p, &c[k].learner, source));
        learner_destroy(&c[k].learner);
    }
    putchar('\n');
    nb_source_destroy(source);
    draw_losses(p, count, c, iterations, top, title);
}

/* --- overfitting ------------------------------------------------------------------------------ */

enum { OVERFIT_BATCH = 100 };

/* Of each epoch; in one block. */
typedef struct accuracies {
    size_t count, epochs;
    double *epoch, *train, *test;
} accuracies;

static accuracies accuracies_create(const page *p, size_t epochs)
{
    double *block = calloc(3 * epochs, sizeof *block);
    if (!block) page_check(p, nb_fail(NB_ENOMEM, "no memory for %zu epochs", epochs));
    return (accuracies){0, epochs, block, block + epochs, block + 2 * epochs};
}

static void evaluate(const page *p, const learner *l, nb_source *const source[2], accuracies *a,
                     double loss)
{
    const size_t k = a->count++;
    a->epoch[k] = (double)k;
    a->train[k] = accuracy_of(p, l, source[0]);
    a->test[k] = accuracy_of(p, l, source[1]);
    if (k % 10 && k + 1 != a->epochs) return;
    display d;
    show_begin(&d);
    show_line(&d, "epoch %3zu: loss %.8g, train acc %.4f, test acc %.4f", k, loss, a->train[k],
              a->test[k]);
}

static void draw_accuracies(const page *p, accuracies *a, const char *title)
{
    nb_figure *fig;
    nb_figure_create(&fig, 520, 380);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, a->count, a->epoch, a->train, &(nb_line_style){.label = "train"});
    nb_plot_line(ax, a->count, a->epoch, a->test,
                 &(nb_line_style){.label = "test", .dash = NB_DASHED});
    nb_axes_ylim(ax, 0, 1.03);
    nb_axes_title(ax, title);
    nb_axes_labels(ax, "epochs", "accuracy");
    nb_axes_legend(ax, NB_LOWER_RIGHT);
    free(a->epoch);
    page_save(p, fig, NULL, title);
}

/* Learn, with accuracies after iterations 0, n/100, 2n/100, ... */
static void learn_by_heart(experiment *e, const overfitting *o, const learner *l,
                           nb_source *const source[2], accuracies *a)
{
    const page *p = &e->page;
    const double images = (double)nb_dataset_count(nb_source_dataset(source[0]));
    const double epoch = fmax(images / OVERFIT_BATCH, 1);
    const size_t last = (size_t)(epoch * (double)(o->whole_epoch ? o->epochs : o->epochs - 1));
    const size_t iterations = last + !o->whole_epoch;
    double shown[3] = {0}; /* losses of iterations 0, 99 and the last */
    FILE *log = log_open(p, e->log);
    log_text(p, log, ",loss,train_acc,test_acc");
    for (size_t i = 0; i < iterations; i++) {
        nb_batch batch;
        page_check(p, nb_source_next(source[0], &batch));
        nb_node *node = learn(p, l, &batch, &e->random);
        const double loss = loss_after(p, l, node) + decay_term(l->net, o->decay);
        shown[i < 1 ? 0 : (i <= 99 ? 1 : 2)] = loss;
        log_text(p, log, "\n%zu,%.17g,", i, loss);
        if (fmod((double)i, epoch) == 0 && a->count < o->epochs) {
            evaluate(p, l, source, a, loss);
            log_text(p, log, "%.17g,%.17g", a->train[a->count - 1], a->test[a->count - 1]);
        } else {
            log_text(p, log, ",");
        }
    }
    log_close(p, log);
    char text[160];
    int n = snprintf(text, sizeof text, "loss: iteration 0 %.17g", shown[0]);
    if (iterations > 99) n += snprintf(text + n, sizeof text - (size_t)n, ", 99 %.17g", shown[1]);
    if (iterations > 100)
        snprintf(text + n, sizeof text - (size_t)n, ", %zu %.17g", iterations - 1, shown[2]);
    display d;
    show_begin(&d);
    show_line(&d, "%s", text);
    printf("test accuracy at the end: %.4f\n", accuracy_of(p, l, source[1]));
}

void overfit(experiment *e, const overfitting *o)
{
    learner l = learner_create(e,
                               &(deep_net){.hidden = 6,
                                           .init = NB_INIT_HE,
                                           .dropout = o->dropout,
                                           .lr = 0.01,
                                           .decay = o->decay,
                                           .batch = OVERFIT_BATCH},
                               &e->random);
    nb_source *source[2] = {batches_of(e, &e->mnist.train, OVERFIT_BATCH, &e->random),
                            batches_of(e, &e->mnist.test, OVERFIT_BATCH, &e->random)};
    accuracies a = accuracies_create(&e->page, o->epochs);
    learn_by_heart(e, o, &l, source, &a);
    learner_destroy(&l);
    for (int k = 0; k < 2; k++) nb_source_destroy(source[k]);
    char title[64] = "overfitting";
    if (o->dropout > 0 || o->decay > 0) snprintf(title, sizeof title, "with %s", o->against);
    draw_accuracies(&e->page, &a, title);
}
