#include "train_run.h"
#include "display.h"
#include "export.h"
#include "run_report.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* --- curvature -------------------------------------------------------------------------------- */

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

static nb_status print_curvature(const curvature *c, display *d, size_t iteration)
{
    nb_node *loss;
    nb_random random;
    nb_eigenvalue largest;
    nb_random_seed(&random, 0);
    nb_status status = nb_model_feed(c->net, &c->x, &c->t, &loss);
    if (!status) status = nb_graph_curvature(loss, &random, 1e-4, 200, &largest);
    if (!status)
        show_line(d, "iteration %5zu: largest curvature %.4f, stable up to lr %.4f (lr is %g)",
                  iteration, largest.value,
                  largest.value > 0 ? 2 / largest.value : (double)INFINITY, c->lr);
    return status;
}

/* --- the run ---------------------------------------------------------------------------------- */

typedef struct report {
    display display;
    curvature curvature;
    run_history *history;
    run_files *files;
    bool quiet;
    double epoch; /* iterations of one */
    double first; /* loss */
} report;

static nb_status on_iteration(const nb_progress *p, void *context)
{
    report *r = context;
    nb_status status = NB_OK;
    if (p->iteration == 0) r->first = p->loss;
    log_iteration(r->files, p);
    if (!r->quiet) show_progress(&r->display, p);
    if (p->evaluated && r->curvature.net)
        status = print_curvature(&r->curvature, &r->display, p->iteration);
    record(r->history, p, r->epoch);
    if (status) return status;
    return interrupted ? NB_ESTOPPED : NB_OK;
}

/* Where the checkpoint of the step before a loss that is not finite goes. */
static const char *step_before(const settings *s, char path[PATH])
{
    const char *checkpoint = s->files.checkpoint.path;
    return checkpoint && snprintf(path, PATH, "%s.nan", checkpoint) < PATH ? path : NULL;
}

static nb_status tell_of_nan(const nb_autopsy *a, void *context)
{
    report *r = context;
    char text[NB_AUTOPSY_ROOM];
    show_end(&r->display);
    nb_autopsy_text(a, text, sizeof text);
    fflush(stdout);
    fputs(text, stderr);
    return NB_OK;
}

/* A run that is no better than guessing, and does not get better, ends well but should not pass
 * without a word. */
static void warn_of_loss(const report *r, const settings *s, const nb_train_result *result)
{
    const double guessing = log(NB_MNIST_CLASSES), loss = result->last.smoothed;
    if (loss < 1.2 * guessing || loss < r->first) return;
    fprintf(
        stderr,
        "%s: the loss is %.4g, that of guessing %.4g: nothing was learnt; try a smaller --lr than "
        "%g\n",
        s->page.program, loss, guessing, s->train.lr);
}

/* The accuracy on a whole set. */
static nb_status whole_accuracy(nb_model *net, const nb_dataset *set, double *accuracy)
{
    const size_t n = nb_dataset_count(set), rows = nb_graph_max_batch(net->graph);
    nb_tensor x, t = {0};
    *accuracy = 0;
    nb_status status =
        nb_tensor_create(&x, nb_graph_dtype(net->graph), nb_dataset_x_shape(set, rows));
    if (!status) status = nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(set, rows));
    for (size_t lo = 0, hi; lo < n && !status; lo = hi) {
        double of_part = 0;
        hi = n - lo < rows ? n : lo + rows;
        nb_tensor part = nb_tensor_rows(&x, 0, hi - lo), labels = nb_tensor_rows(&t, 0, hi - lo);
        status = nb_dataset_range(set, lo, hi, &part, &labels);
        if (!status) status = nb_model_accuracy(net, &part, &labels, &of_part);
        *accuracy += of_part * (double)(hi - lo) / (double)n;
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return status;
}

static void print_done(report *r, const settings *s, const nb_train_result *result,
                       const double *all)
{
    char text[3][32], whole[48] = "", line[256];
    const nb_progress *p = &result->last;
    if (!s->page.quiet) printf("threads: %zu\n", result->threads);
    if (all) snprintf(whole, sizeof whole, ", on all test images %.4f", *all);
    snprintf(line, sizeof line,
             "%s: %zu iterations in %s (%s training, %s evaluation), %.0f images/s, "
             "train acc %.5f, test acc %.4f%s",
             interrupted ? "interrupted" : "done", result->completed,
             duration_text(p->seconds, 2, text[0]), duration_text(p->train_seconds, 2, text[1]),
             duration_text(p->eval_seconds, 2, text[2]), p->samples_per_second, p->train_metric,
             p->test_metric, whole);
    if (s->page.quiet)
        fprintf(s->page.answers, "%s\n", line);
    else
        show_line(&r->display, "%s", line);
}

/* Say so; what else there is to do is still done. */
static bool went_wrong(const settings *s, nb_status status)
{
    if (status) fprintf(stderr, "%s: %s\n", s->page.program, nb_last_error());
    return status != NB_OK;
}

/* The weights of --load; in a team one process reads them. */
static nb_status load(const settings *s, nb_model *net)
{
    const nb_team *team = s->train.team;
    const nb_status status = team && team->rank ? NB_OK : nb_model_load(net, s->load);
    return team ? nb_team_share_model(team, status, net) : status;
}

/* What should fail, if it must, before the run. */
static void prepare(settings *s, nb_model *net, const nb_mnist *mnist, report *r)
{
    const char *me = s->page.program;
    if (s->load && load(s, net)) fail(me);
    if (s->files.save && nb_model_can_save(net, s->files.save)) fail(me);
    if (s->report && nb_file_can_begin(s->report)) fail(me);
    if (s->digit_page && mnist->rows * mnist->columns != NB_DIGIT_PIXELS)
        usage_error(me, "--page is for images of 28 x 28 pixels, these are %zu x %zu", mnist->rows,
                    mnist->columns);
    if (s->digit_page && nb_file_can_begin(s->digit_page)) fail(me);
    if (s->figures) page_folder(&s->page);
    if (s->curvature && !r->quiet && open_curvature(&r->curvature, net, &mnist->train, s->train.lr))
        fail(me);
    if (!s->train.team || s->train.team->rank == 0) open_run_files(r->files, &s->page);
    if (s->train.lr < 0) fprintf(stderr, "%s: --lr %g: the steps go uphill\n", me, s->train.lr);
    show_begin(&r->display);
}

static int train(settings *s, nb_model *net, const nb_mnist *mnist, nb_random *random)
{
    static run_history history;
    report r = {.history = &history, .files = &s->files, .quiet = s->page.quiet};
    char nan_path[PATH];
    const nb_nan_options nan = {.halve = s->files.halve,
                                .checkpoint = step_before(s, nan_path),
                                .found = tell_of_nan,
                                .context = &r};
    nb_train_result result;
    r.epoch = (double)nb_dataset_count(&mnist->train) / (double)s->train.batch;
    s->files.history = &history;
    s->files.first = &r.first;
    s->train.report = on_iteration;
    s->train.context = &r;
    prepare(s, net, mnist, &r);
    s->train.checkpoint = &s->files.checkpoint;
    s->train.nan = s->train.team ? NULL : &nan;
    catch_signals();
    const nb_status status = nb_train(net, &mnist->train, &mnist->test, random, &s->train, &result);
    show_end(&r.display);
    close_curvature(&r.curvature);
    close_run_files(&s->files);
    if (status && status != NB_ESTOPPED) {
        went_wrong(s, status);
        return EXIT_FAILED;
    }
    bool failed = s->files.save && went_wrong(s, nb_model_save(net, s->files.save));
    failed |= s->figures && went_wrong(s, draw_run(&s->page, &history, net, mnist));
    failed |= s->report && went_wrong(s, run_report(s, net, mnist, &history, &result));
    failed |= s->digit_page && went_wrong(s, export_page(net, s->digit_page));
    double all;
    const bool part = s->train.evaluate && s->train.evaluate < nb_dataset_count(&mnist->test);
    if (part) failed |= went_wrong(s, whole_accuracy(net, &mnist->test, &all));
    print_done(&r, s, &result, part ? &all : NULL);
    warn_of_loss(&r, s, &result);
    if (interrupted && s->files.checkpoint.path && !s->files.failed && !s->page.quiet)
        printf("--resume %s continues the run\n", s->files.checkpoint.path);
    if (interrupted) return EXIT_SIGNAL + interrupted;
    const int printed = page_end(&s->page);
    return failed || s->files.failed ? EXIT_FAILED : printed;
}

nb_model_options model_of(settings *s, nb_mnist *mnist)
{
    if (!s->net.layers)
        return (nb_model_options){.input = NB_SHAPE(nb_tensor_width(&mnist->train.x)),
                                  .layers = {s->layers, s->layer}};
    as_images(mnist, &mnist->train);
    as_images(mnist, &mnist->test);
    return (nb_model_options){.input = NB_SHAPE(1, mnist->rows, mnist->columns),
                              .layers = convnet_layers(&s->net)};
}

int train_run(settings *s, nb_model_options *options, const nb_mnist *mnist)
{
    nb_model *net;
    nb_random random;
    settle_settings(s, nb_dataset_count(&mnist->train));
    nb_random_seed(&random, s->seed);
    size_t rows = nb_train_max_batch(s->train.team ? s->train.team->rows : s->train.batch);
    if (s->curvature && rows < CURVATURE_IMAGES) rows = CURVATURE_IMAGES;
    options->epsilon = NB_BOOK_EPSILON;
    options->dtype = s->dtype;
    options->max_batch = rows;
    options->random = &random;
    options->init = s->init;
    options->std = s->std;
    options->scale = mnist->train.scale;
    options->classes = class_names(&mnist->train);
    if (nb_model_create(&net, options)) fail(s->page.program);
    const int code = train(s, net, mnist, &random);
    nb_model_destroy(net);
    return code;
}
