#include "run_report.h"
#include "display.h"
#include "judge.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { CLASSES = NB_MNIST_CLASSES, MISTAKES = 20, COLUMNS = 5, BINS = 40, PANEL = 190 };

/* --- answers ---------------------------------------------------------------------------------- */

static nb_status ask(nb_model *net, const nb_dataset *set, answers *a)
{
    const size_t n = nb_dataset_count(set), most = nb_graph_max_batch(net->graph);
    const nb_kernels *kernels = nb_kernels_of(nb_graph_dtype(net->graph));
    const uint8_t *label = set->t.data;
    nb_tensor x, y = {0};
    nb_status status = nb_tensor_create(&x, kernels->dtype, nb_dataset_x_shape(set, most));
    if (!status) status = nb_tensor_create(&y, kernels->dtype, NB_SHAPE(most, CLASSES));
    for (size_t lo = 0, rows; lo < n && !status; lo += rows) {
        rows = n - lo < most ? n - lo : most;
        nb_tensor part = nb_tensor_rows(&x, 0, rows), said = nb_tensor_rows(&y, 0, rows);
        status = nb_dataset_range(set, lo, lo + rows, &part, NULL);
        if (!status) status = nb_model_predict(net, &part, &said);
        for (size_t i = 0; i < rows && !status; i++) {
            float probability[CLASSES];
            for (size_t c = 0; c < CLASSES; c++)
                probability[c] = (float)kernels->get(nb_tensor_at(&said, i), c);
            answers_class(a, label[lo + i], probability);
        }
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
    return status;
}

/* The wrong answers of the highest confidence, the surest first; returns how many. */
static size_t surest_mistakes(const answers *a, size_t *list)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        size_t at = count;
        if (a->t[i] == a->y[i]) continue;
        for (; at > 0 && a->confidence[list[at - 1]] < a->confidence[i]; at--)
            if (at < MISTAKES) list[at] = list[at - 1];
        if (at < MISTAKES) list[at] = i;
        if (count < MISTAKES) count++;
    }
    return count;
}

static void report_mistakes(report *r, const nb_mnist *m, const answers *a)
{
    size_t list[MISTAKES];
    const size_t count = surest_mistakes(a, list);
    nb_image image[MISTAKES];
    char text[MISTAKES][64];
    const char *captions[MISTAKES];
    report_heading(r, "What it is surest of and wrong");
    if (count == 0) report_text(r, "Nothing: every answer is right.");
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) {
        const size_t k = list[i];
        image[i] = (nb_image){m->columns, m->rows, 1, nb_tensor_at(&m->test.x, k)};
        nb_snprintf(text[i], sizeof text[i], "%s → %s\n%.2f %%", a->names[a->t[k]],
                    a->names[a->y[k]], 100 * a->confidence[k]);
        captions[i] = text[i];
    }
    nb_figure *fig;
    const size_t rows = (count + COLUMNS - 1) / COLUMNS;
    nb_figure_create(&fig, 560, 20 + 150 * (double)rows);
    nb_plot_images(nb_figure_axes(fig, 1, 1, 0), count, COLUMNS, image, captions);
    report_pictures(r, fig, "What it is, what the network says, and how sure it is");
}

/* --- weights and gradients -------------------------------------------------------------------- */

static void plot_values(report *r, nb_axes *ax, const nb_tensor *t, const char *title)
{
    const size_t n = nb_tensor_count(t);
    const nb_kernels *kernels = nb_kernels_of(t->dtype);
    double *x = nb_alloc(n, sizeof *x), lo = (double)INFINITY, hi = -(double)INFINITY;
    for (size_t i = 0; x && i < n; i++) {
        x[i] = kernels->get(t->data, i);
        if (isfinite(x[i])) lo = fmin(lo, x[i]), hi = fmax(hi, x[i]);
    }
    if (!(lo < hi)) lo = -1, hi = 1;
    if (x) nb_plot_histogram(ax, n, x, BINS, lo, hi, NULL);
    if (!x && !r->status) r->status = NB_ENOMEM;
    nb_axes_title(ax, title);
    nb_free(x);
}

/* A panel for each array of weights, W1, W2, ... */
static void report_values(report *r, nb_model *net, bool gradients, const char *caption)
{
    size_t count = 0, i = 0;
    for (size_t k = 0; k < nb_graph_nodes(net->graph); k++) {
        nb_node *node = nb_graph_node(net->graph, k);
        count += nb_node_is_parameter(node) && nb_value(node)->shape.ndim > 1;
    }
    const size_t columns = count < 3 ? count : 3,
                 rows = columns ? (count + columns - 1) / columns : 0;
    if (count == 0) return;
    nb_figure *fig;
    nb_figure_create(&fig, PANEL * (double)columns + 20, PANEL * (double)rows);
    for (size_t k = 0; k < nb_graph_nodes(net->graph); k++) {
        nb_node *node = nb_graph_node(net->graph, k);
        if (!nb_node_is_parameter(node) || nb_value(node)->shape.ndim < 2) continue;
        plot_values(r, nb_figure_axes(fig, rows, columns, i++),
                    gradients ? nb_gradient(node) : nb_value(node), nb_node_name(node));
    }
    report_figure(r, fig, caption);
}

/* The gradients of the first training images. */
static nb_status take_gradients(nb_model *net, const nb_dataset *set)
{
    const size_t count = nb_dataset_count(set), most = nb_graph_max_batch(net->graph);
    const size_t n = count < most ? count : most;
    nb_tensor x, t = {0};
    nb_status status = nb_tensor_create(&x, nb_graph_dtype(net->graph), nb_dataset_x_shape(set, n));
    if (!status) status = nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(set, n));
    if (!status) status = nb_dataset_range(set, 0, n, &x, &t);
    if (!status) status = nb_model_gradient(net, &x, &t);
    nb_feed(net->x, NULL);
    nb_feed(net->labels, NULL);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return status;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void report_curves(report *r, const run_history *h)
{
    nb_figure *fig;
    report_heading(r, "Learning");
    nb_figure_create(&fig, 420, 340);
    plot_loss(nb_figure_axes(fig, 1, 1, 0), &h->loss, NULL);
    report_figure(r, fig, "Loss of the mini-batches");
    nb_figure_create(&fig, 420, 340);
    plot_metric(nb_figure_axes(fig, 1, 1, 0), &h->accuracy, "train", "test", "accuracy");
    report_figure(r, fig, "Accuracy after each evaluation");
}

static void report_times(report *r, const nb_train_result *result)
{
    char text[4][32];
    const nb_progress *p = &result->last;
    const double rest = p->seconds - p->train_seconds - p->eval_seconds;
    report_heading(r, "Time");
    report_fact(r, "steps", "%zu", result->completed);
    report_fact(r, "training", "%s", duration_text(p->train_seconds, 2, text[0]));
    report_fact(r, "evaluation", "%s", duration_text(p->eval_seconds, 2, text[1]));
    report_fact(r, "rest", "%s", duration_text(rest > 0 ? rest : 0, 2, text[2]));
    report_fact(r, "all", "%s", duration_text(p->seconds, 2, text[3]));
    report_fact(r, "images/s in training", "%.0f", p->samples_per_second);
    report_fact(r, "threads", "%zu", result->threads);
}

static void report_layers(report *r, const nb_model *net)
{
    char all[2048] = "";
    size_t used = 0;
    for (size_t i = 0; i < net->options.layers.count && used < sizeof all; i++) {
        char text[128];
        layer_text(&net->options.layers.layer[i], text);
        used += (size_t)nb_snprintf(all + used, sizeof all - used, "%s%s", i ? " - " : "", text);
    }
    report_line(r, "layers", "%s", all);
}

/* Given or not. */
static void report_options(report *r, const settings *s)
{
    static const char *const schedules[] = {"constant", "in steps", "down a cosine to 0"};
    static const char *const samplings[] = {"drawn with replacement", "each once an epoch",
                                            "in order"};
    const nb_optimizer_options *o = &s->optimizer;
    report_line(r, "training", "%zu iterations of %zu images, %s", s->train.iterations,
                s->train.batch, samplings[s->train.sampling]);
    report_line(r, "optimiser", "%s, learning rate %g, %s%s", s->train.optimizer->name, o->lr,
                schedules[o->schedule.kind], o->schedule.warmup ? ", after a warm-up" : "");
    if (o->weight_decay > 0) report_line(r, "weight decay", "%g", o->weight_decay);
    if (o->clip > 0) report_line(r, "largest gradient", "%g", o->clip);
}

static void report_origin(report *r, const settings *s, const nb_model *net, const nb_mnist *m)
{
    struct utsname system;
    char data[NB_FINGERPRINT_ROOM];
    if (uname(&system) < 0) memset(&system, 0, sizeof system);
    report_heading(r, "What the run was made of");
    report_layers(r, net);
    report_options(r, s);
    report_line(r, "seed", "%u", (unsigned)s->seed);
    report_line(r, "element type", "%s", nb_dtype_name(s->dtype));
    if (!nb_dataset_fingerprint(&m->train, data, sizeof data))
        report_line(r, "training data", "%s", data);
    if (!nb_dataset_fingerprint(&m->test, data, sizeof data))
        report_line(r, "test data", "%s", data);
    report_line(r, "machine", "%s %s, %s, %zu processors", system.sysname, system.release,
                system.machine, nb_processors());
    report_line(r, "BLAS", "%s", nb_blas_description());
    report_line(r, "nablas", "%s", nb_version());
    report_code(r, s->page.command);
}

nb_status run_report(const settings *s, nb_model *net, const nb_mnist *m, const run_history *h,
                     const nb_train_result *result)
{
    report r;
    char title[128], line[256];
    answers a = {.classes = CLASSES, .names = class_names(&m->test), .what = "test images"};
    answers_open(&a, s->page.program, nb_dataset_count(&m->test));
    nb_status status = ask(net, &m->test, &a);
    if (!status) status = take_gradients(net, &m->train);
    if (status) {
        answers_close(&a);
        return status;
    }
    nb_snprintf(title, sizeof title, "%s on %s", s->page.name, set_name(&m->test));
    report_begin(&r, s->report, title);
    report_text(&r, "%s.", judge_line(&a, line));
    judge_report(&a, &r);
    report_mistakes(&r, m, &a);
    report_curves(&r, h);
    report_heading(&r, "Weights and gradients");
    report_values(&r, net, false, "Weights, layer by layer");
    report_values(&r, net, true, "Their gradients, of the first training images");
    report_times(&r, result);
    report_origin(&r, s, net, m);
    answers_close(&a);
    return report_end(&r);
}
