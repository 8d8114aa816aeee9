/* batch_norm_test - a network with batch norm and one without, from sixteen standard deviations of the
 * first weights (6.3.2, figure 6-18). */
#include "chapter6.h"
#include "display.h"

#include <math.h>
#include <stdlib.h>

enum { SCALES = 16, IMAGES = 1000, BATCH = 100 };

/* Accuracies on the training images, in one block. */
typedef struct curves {
    size_t epochs;
    double *epoch, *with, *without; /* (epochs), (SCALES, epochs) each */
} curves;

/* np.logspace(0, -4, 16) */
static double scale_of(size_t i)
{
    return pow(10, -4.0 / (SCALES - 1) * (double)i);
}

/* The two networks learn from the same batches; their accuracies after iterations 0, n/100, ... */
static void learn_both(experiment *e, nb_source *source, size_t i, const curves *c)
{
    const page *p = &e->page;
    const size_t count = nb_dataset_count(nb_source_dataset(source));
    const double epoch = fmax((double)count / BATCH, 1);
    double *curve[2] = {c->with + i * c->epochs, c->without + i * c->epochs};
    learner l[2];
    for (int k = 0; k < 2; k++)
        l[k] = learner_create(e,
                              &(deep_net){.hidden = 5,
                                          .init = NB_INIT_STD,
                                          .std = scale_of(i),
                                          .batch_norm = k == 0,
                                          .lr = 0.01,
                                          .batch = BATCH},
                              &e->random);
    for (size_t step = 0, done = 0; done < c->epochs; step++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        for (int k = 0; k < 2; k++) {
            learn(p, &l[k], &batch, &e->random);
            batch.fill = NULL; /* the rows are written now */
        }
        if (fmod((double)step, epoch) != 0) continue;
        double accuracy[2];
        accuracies_of(p, 2, (const learner *[]){&l[0], &l[1]}, source, accuracy);
        for (int k = 0; k < 2; k++) curve[k][done] = accuracy[k];
        done++;
    }
    for (int k = 0; k < 2; k++) learner_destroy(&l[k]);
}

/* After epochs 0, 1, 5, 19 and the last. */
static void print_curve(const char *name, size_t epochs, const double *curve)
{
    char text[128];
    size_t n = (size_t)snprintf(text, sizeof text, "  %-10s", name);
    for (size_t e = 0; e < epochs; e++)
        if (e < 2 || e == 5 || e == 19 || e + 1 == epochs)
            n += (size_t)snprintf(text + n, sizeof text - n, "  %3zu: %.3f", e, curve[e]);
    display d;
    show_begin(&d);
    show_line(&d, "%s", text);
}

static void write_log(const page *p, const char *name, const curves *c)
{
    FILE *log = log_open(p, name);
    for (size_t i = 0; i < SCALES; i++)
        log_text(p, log, ",batch_norm %.6g,plain %.6g", scale_of(i), scale_of(i));
    for (size_t e = 0; e < c->epochs; e++) {
        log_text(p, log, "\n%zu", e);
        for (size_t i = 0; i < SCALES; i++)
            log_text(p, log, ",%.17g,%.17g", c->with[i * c->epochs + e],
                     c->without[i * c->epochs + e]);
    }
    log_close(p, log);
}

static void draw(const page *p, const curves *c)
{
    nb_figure *fig;
    nb_figure_create(&fig, 760, 720);
    for (size_t i = 0; i < SCALES; i++) {
        char title[32];
        nb_axes *ax = nb_figure_axes(fig, 4, 4, i);
        snprintf(title, sizeof title, "W: %.4g", scale_of(i));
        nb_plot_line(ax, c->epochs, c->epoch, c->with + i * c->epochs,
                     &(nb_line_style){.label = "batch norm"});
        nb_plot_line(ax, c->epochs, c->epoch, c->without + i * c->epochs,
                     &(nb_line_style){.label = "without", .dash = NB_DASHED});
        nb_axes_ylim(ax, 0, 1.03);
        nb_axes_title(ax, title);
    }
    nb_figure_share(fig, true, true);
    nb_figure_labels(fig, "epochs", "accuracy");
    nb_figure_legend(fig);
    page_save(p, fig, NULL, "batch norm from sixteen standard deviations of the first weights");
}

int main(int argc, char **argv)
{
    experiment e;
    const char *epochs_text = "20";
    const page_option options[] = {{"epochs", "N", "accuracies that are taken (20)", &epochs_text},
                                   {0}};
    experiment_begin(&e, argc, argv,
                     "Batch norm, from sixteen scales of the first weights (6.3.2).", options,
                     "write all accuracies; iter counts epochs");
    curves c = {.epochs = whole_number(e.page.program, "--epochs", epochs_text, 1, 1000000)};
    e.train = IMAGES;
    e.test = NB_MNIST_NONE;
    experiment_load(&e);
    nb_source *source = batches_of(&e, &e.mnist.train, BATCH, &e.random);
    c.epoch = calloc((1 + 2 * SCALES) * c.epochs, sizeof *c.epoch);
    if (!c.epoch) page_check(&e.page, nb_fail(NB_ENOMEM, "no memory for %zu epochs", c.epochs));
    c.with = c.epoch + c.epochs;
    c.without = c.with + SCALES * c.epochs;
    for (size_t i = 0; i < c.epochs; i++) c.epoch[i] = (double)i;

    printf("accuracy on %zu training images after epoch\n", nb_dataset_count(&e.mnist.train));
    for (size_t i = 0; i < SCALES; i++) {
        learn_both(&e, source, i, &c);
        printf("%zu of %d: std %.6g\n", i + 1, SCALES, scale_of(i));
        print_curve("batch norm", c.epochs, c.with + i * c.epochs);
        print_curve("without", c.epochs, c.without + i * c.epochs);
    }
    write_log(&e.page, e.log, &c);
    draw(&e.page, &c);
    free(c.epoch);
    nb_source_destroy(source);
    return experiment_end(&e);
}
