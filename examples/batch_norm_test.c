/* batch_norm_test - a network with batch norm and one without, from sixteen standard deviations of the
 * first weights (6.3.2, figure 6-18). */
#include "chapter6.h"
#include "common.h"

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

static nb_model *make(const page *p, const nb_dataset *train, double scale, bool batch_norm,
                      nb_random *random)
{
    return deep_net_create(p,
                           &(deep_net){.inputs = nb_tensor_width(&train->x),
                                       .hidden = 5,
                                       .init = NB_INIT_STD,
                                       .std = scale,
                                       .batch_norm = batch_norm,
                                       .batch = BATCH},
                           random);
}

/* The two networks learn from the same batches; their accuracies after iterations 0, n/100, ... */
static void learn_both(const page *p, const nb_dataset *train, size_t i, const curves *c,
                       nb_random *random)
{
    const double epoch = fmax((double)nb_dataset_count(train) / BATCH, 1);
    double *curve[2] = {c->with + i * c->epochs, c->without + i * c->epochs};
    nb_model *net[2];
    nb_optimizer *optimizer[2];
    nb_source *source;
    for (int k = 0; k < 2; k++) {
        net[k] = make(p, train, scale_of(i), k == 0, random);
        optimizer[k] = optimizer_for(p, net[k], &nb_sgd, 0.01, 0);
    }
    page_check(p, nb_source_create(&source, train,
                                   &(nb_source_options){.dtype = NB_FLOAT64,
                                                        .batch = BATCH,
                                                        .sampling = NB_REPLACE,
                                                        .random = random}));
    for (size_t step = 0, done = 0; done < c->epochs; step++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        for (int k = 0; k < 2; k++) learn(p, net[k], optimizer[k], &batch, random);
        if (fmod((double)step, epoch) != 0) continue;
        for (int k = 0; k < 2; k++) curve[k][done] = accuracy_of(p, net[k], train);
        done++;
    }
    nb_source_destroy(source);
    for (int k = 0; k < 2; k++) {
        nb_optimizer_destroy(optimizer[k]);
        nb_model_destroy(net[k]);
    }
}

/* After epochs 0, 1, 5, 19 and the last. */
static void print_curve(const char *name, size_t epochs, const double *curve)
{
    printf("  %-10s", name);
    for (size_t e = 0; e < epochs; e++)
        if (e < 2 || e == 5 || e == 19 || e + 1 == epochs) printf("  %3zu: %.3f", e, curve[e]);
    putchar('\n');
    fflush(stdout);
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
    page p;
    const char *data = NULL, *epochs_text = "20", *seed_text = "0", *log = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"epochs", "N", "accuracies that are taken (20)", &epochs_text},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write all accuracies; iter counts epochs", &log},
        {0}};
    page_begin(&p, argc, argv, "Batch norm, from sixteen scales of the first weights (6.3.2).",
               options);
    curves c = {.epochs = whole_number(p.program, "--epochs", epochs_text, 1, 1000000)};
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;

    nb_mnist mnist;
    nb_random random;
    page_folder(&p);
    load_mnist(&p, data, &mnist);
    const size_t count = nb_dataset_count(&mnist.train);
    const nb_dataset train = nb_dataset_rows(&mnist.train, 0, count < IMAGES ? count : IMAGES);
    c.epoch = calloc((1 + 2 * SCALES) * c.epochs, sizeof *c.epoch);
    if (!c.epoch) page_check(&p, nb_fail(NB_ENOMEM, "no memory for %zu epochs", c.epochs));
    c.with = c.epoch + c.epochs;
    c.without = c.with + SCALES * c.epochs;
    for (size_t e = 0; e < c.epochs; e++) c.epoch[e] = (double)e;

    nb_random_seed(&random, seed);
    printf("accuracy on %zu training images after epoch\n", nb_dataset_count(&train));
    for (size_t i = 0; i < SCALES; i++) {
        learn_both(&p, &train, i, &c, &random);
        printf("%zu of %d: std %.6g\n", i + 1, SCALES, scale_of(i));
        print_curve("batch norm", c.epochs, c.with + i * c.epochs);
        print_curve("without", c.epochs, c.without + i * c.epochs);
    }
    if (log) write_log(&p, log, &c);
    draw(&p, &c);
    free(c.epoch);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
