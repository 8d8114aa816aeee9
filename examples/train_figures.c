#include "train_figures.h"

#include <math.h>

/* --- the history ------------------------------------------------------------------------------ */

static void add(series *s, double x, double y0, double y1)
{
    if (s->every == 0) s->every = 1;
    if (s->seen++ % s->every != 0) return;
    if (s->count == SERIES_ROOM) {
        s->every *= 2;
        s->count /= 2;
        for (size_t i = 0; i < s->count; i++) {
            s->x[i] = s->x[2 * i];
            s->y[0][i] = s->y[0][2 * i];
            s->y[1][i] = s->y[1][2 * i];
        }
    }
    s->x[s->count] = x;
    s->y[0][s->count] = y0;
    s->y[1][s->count++] = y1;
}

void record(run_history *h, const nb_progress *p, double epoch)
{
    const double i = (double)p->iteration;
    add(&h->loss, i, p->loss, 0);
    if (p->iteration < FIRST) add(&h->first, i, p->loss, 0);
    if (p->evaluated) add(&h->accuracy, i / epoch, p->train_metric, p->test_metric);
}

/* --- the figures ------------------------------------------------------------------------------ */

static nb_status save(const page *p, nb_figure *fig, const char *part, const char *title)
{
    const nb_png_text text = page_text(p, title);
    if (!fig) return NB_ENOMEM; /* as nb_figure_create said */
    const nb_status status = nb_figure_save(fig, page_path(p, part, "png"), &text);
    nb_figure_destroy(fig);
    return status;
}

/* The mean over up to `half` points on either side. */
static void smooth(size_t n, const double *x, size_t half, double *y)
{
    double sum = 0;
    size_t lo = 0, hi = 0; /* the sum's points */
    for (size_t i = 0; i < n; i++) {
        while (hi < n && hi <= i + half) sum += x[hi++];
        if (i > half) sum -= x[lo++];
        y[i] = sum / (double)(hi - lo);
    }
}

void plot_loss(nb_axes *ax, const series *s, const char *title)
{
    static double smoothed[SERIES_ROOM];
    const nb_marker marker = s->count < 3 ? NB_CIRCLE : NB_NO_MARKER;
    smooth(s->count, s->y[0], 5 + s->count / 200, smoothed);
    nb_plot_line(ax, s->count, s->x, s->y[0],
                 &(nb_line_style){.label = "mini-batch", .color = 0xff9ec3e0u, .width = 0.8});
    nb_plot_line(ax, s->count, s->x, smoothed,
                 &(nb_line_style){.label = "smoothed", .color = NB_BLUE, .marker = marker});
    nb_axes_ylim(ax, 0, (double)NAN);
    nb_axes_title(ax, title);
    nb_axes_labels(ax, "iteration", "loss");
    nb_axes_legend(ax, NB_BEST);
}

/* Figure 4-11. */
static nb_status draw_loss(const page *p, const run_history *h)
{
    const bool all = h->loss.seen > FIRST;
    nb_figure *fig;
    nb_figure_create(&fig, all ? 960 : 520, 380);
    if (all) plot_loss(nb_figure_axes(fig, 1, 2, 0), &h->loss, "all iterations");
    plot_loss(nb_figure_axes(fig, 1, all ? 2 : 1, all), &h->first,
              all ? "the first 1,000" : "all iterations");
    return save(p, fig, "loss", "loss of the mini-batches");
}

void plot_metric(nb_axes *ax, const series *s, const char *first, const char *second,
                 const char *metric)
{
    const nb_marker marker = s->count < 30 ? NB_CIRCLE : NB_NO_MARKER;
    nb_plot_line(ax, s->count, s->x, s->y[0], &(nb_line_style){.label = first, .marker = marker});
    nb_plot_line(ax, s->count, s->x, s->y[1],
                 &(nb_line_style){.label = second, .dash = NB_DASHED, .marker = marker});
    nb_axes_labels(ax, "epoch", metric);
    nb_axes_legend(ax, NB_BEST);
}

/* Figure 4-12. */
static nb_status draw_accuracy(const page *p, const series *s)
{
    nb_figure *fig;
    nb_figure_create(&fig, 520, 380);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    plot_metric(ax, s, "train", "test", "accuracy");
    nb_axes_ylim(ax, 0, 1);
    return save(p, fig, "accuracy", "accuracy of the training set and of the test set");
}

/* The images that the network gets wrong, the first of them in order. */
enum { SHOWN = 80 };
typedef struct wrong {
    size_t count; /* also those not shown */
    nb_image image[SHOWN];
    char caption[SHOWN][48];
} wrong;

static nb_status find_wrong(nb_model *net, const nb_mnist *m, wrong *w)
{
    const nb_dataset *test = &m->test;
    const nb_kernels *kernels = nb_kernels_of(nb_graph_dtype(net->graph));
    const size_t n = nb_dataset_count(test), most = nb_graph_max_batch(net->graph);
    const uint8_t *label = test->t.data;
    const char *const *names = class_names(test);
    const bool clothes = names[0][1];
    nb_tensor x;
    nb_blas_set_threads(1); /* products so small take longer on two */
    nb_status status = nb_tensor_create(&x, kernels->dtype, nb_dataset_x_shape(test, most));
    for (size_t lo = 0; lo < n && !status; lo += most) {
        const size_t rows = n - lo < most ? n - lo : most;
        nb_tensor part = nb_tensor_rows(&x, 0, rows);
        status = nb_dataset_range(test, lo, lo + rows, &part, NULL);
        if (!status) status = nb_feed(net->x, &part);
        if (!status) status = nb_forward(net->scores);
        for (size_t i = lo; i < lo + rows && !status; i++) {
            const size_t said =
                kernels->argmax(NB_MNIST_CLASSES, nb_tensor_at(nb_value(net->scores), i - lo));
            if (said == label[i] || w->count++ >= SHOWN) continue;
            w->image[w->count - 1] = (nb_image){m->columns, m->rows, 1, nb_tensor_at(&test->x, i)};
            /* Names of clothes take a line each. */
            snprintf(w->caption[w->count - 1], sizeof w->caption[0], "%s%s→%s%s", names[label[i]],
                     clothes ? "\n" : "", clothes ? " " : "", names[said]);
        }
    }
    nb_feed(net->x, NULL);
    nb_tensor_destroy(&x);
    return status;
}

static nb_status draw_wrong(const page *p, nb_model *net, const nb_mnist *m)
{
    static wrong w;
    const char *captions[SHOWN];
    char title[128];
    nb_status status = find_wrong(net, m, &w);
    if (status) return status;
    const size_t shown = w.count < SHOWN ? w.count : SHOWN;
    for (size_t i = 0; i < shown; i++) captions[i] = w.caption[i];
    snprintf(title, sizeof title, "what it is → what the network says: %zu of the %zu mistakes",
             shown, w.count);
    nb_figure *fig;
    const bool clothes = class_names(&m->test)[0][1]; /* long names, in two lines */
    nb_figure_create(&fig, 560, clothes ? 900 : 590);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_images(ax, shown, clothes ? 8 : 10, w.image, captions);
    nb_axes_title(ax, title);
    return save(p, fig, "wrong", "test images that the network gets wrong");
}

nb_status draw_run(const page *p, const run_history *h, nb_model *net, const nb_mnist *m)
{
    nb_status status = draw_loss(p, h);
    if (!status) status = draw_accuracy(p, &h->accuracy);
    return status ? status : draw_wrong(p, net, m);
}
