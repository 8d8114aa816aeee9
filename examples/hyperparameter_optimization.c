/* hyperparameter_optimization - a hundred networks with learning rates and weight decays drawn at
 * random, and how well they do on images that they have not seen (6.5.2, 6.5.3, figure 6-24). */
#include "chapter6.h"
#include "common.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { IMAGES = 500, BATCH = 100, EPOCHS = 50, BEST = 20, PANEL_COLS = 5 };

typedef struct trial {
    nb_random random; /* where its draws begin */
    double decay, lr;
    double validation[EPOCHS], training[EPOCHS]; /* accuracies */
} trial;

typedef struct search {
    const page *page;
    nb_dataset train, validation;
    size_t count, per_epoch; /* trials; iterations of an epoch */
    trial *trial;
    atomic_size_t next, done;
    double begin;
    bool terminal;
} search;

static nb_model *make_net(const search *s, nb_random *random)
{
    return deep_net_create(s->page,
                           &(deep_net){.inputs = nb_tensor_width(&s->train.x),
                                       .hidden = 6,
                                       .init = NB_INIT_HE,
                                       .batch = BATCH},
                           random);
}

/* --- the trials ------------------------------------------------------------------------------- */

/* One stream runs through all trials, as in the book. The draws of each trial are made once in
 * advance, so that the starting points are known and trials can run in parallel. */
static void draw_trials(search *s, nb_random *random)
{
    for (size_t k = 0; k < s->count; k++) {
        trial *t = &s->trial[k];
        size_t batch[BATCH];
        t->decay = pow(10, -8 + 4 * nb_random_rand(random)); /* 10 ** np.random.uniform(-8, -4) */
        t->lr = pow(10, -6 + 4 * nb_random_rand(random));
        t->random = *random;
        nb_model_destroy(make_net(s, random));
        for (size_t i = 0; i < EPOCHS * s->per_epoch; i++)
            page_check(s->page,
                       nb_random_choice(random, nb_dataset_count(&s->train), BATCH, batch));
    }
}

static void run_trial(const search *s, trial *t)
{
    nb_random random = t->random;
    nb_source *source;
    nb_model *net = make_net(s, &random);
    nb_optimizer *optimizer = optimizer_for(s->page, net, &nb_sgd, t->lr, t->decay);
    page_check(s->page, nb_source_create(&source, &s->train,
                                         &(nb_source_options){.dtype = NB_FLOAT64,
                                                              .batch = BATCH,
                                                              .sampling = NB_REPLACE,
                                                              .random = &random,
                                                              .dense = true}));
    for (size_t i = 0; i < EPOCHS * s->per_epoch; i++) {
        nb_batch batch;
        page_check(s->page, nb_source_next(source, &batch));
        learn(s->page, net, optimizer, &batch, &random);
        if (i % s->per_epoch) continue;
        t->training[i / s->per_epoch] = accuracy_of(s->page, net, &s->train);
        t->validation[i / s->per_epoch] = accuracy_of(s->page, net, &s->validation);
    }
    nb_source_destroy(source);
    nb_optimizer_destroy(optimizer);
    nb_model_destroy(net);
}

/* Trials as long as there are any, on each thread. */
static nb_status take_turns(void *context, size_t part, size_t parts)
{
    search *s = context;
    (void)parts;
    for (size_t k; (k = atomic_fetch_add(&s->next, 1)) < s->count;) {
        run_trial(s, &s->trial[k]);
        const size_t done = atomic_fetch_add(&s->done, 1) + 1;
        const double seconds = nb_seconds() - s->begin;
        if (s->terminal && part == 0)
            fprintf(stderr, "\r%zu of %zu trials, %.0f s left ", done, s->count,
                    seconds / (double)done * (double)(s->count - done));
    }
    return NB_OK;
}

static void run_trials(search *s, size_t threads)
{
    nb_pool *pool;
    page_check(s->page, nb_pool_create(&pool, threads));
    s->terminal = !s->page->quiet && isatty(STDERR_FILENO);
    s->begin = nb_seconds();
    page_check(s->page, nb_pool_run(pool, take_turns, s));
    if (s->terminal) fputs("\r                                        \r", stderr);
    nb_pool_destroy(pool);
}

/* --- what came of them ------------------------------------------------------------------------ */

static void print_trial(const trial *t)
{
    printf("val acc:%.4g, train acc:%.4g | lr:%.17g, weight decay:%.17g\n",
           t->validation[EPOCHS - 1], t->training[EPOCHS - 1], t->lr, t->decay);
}

/* The best at the end first; of equals the earlier one. */
static int better(const void *a, const void *b)
{
    const trial *const *s = a, *const *t = b;
    const double x = (*s)->validation[EPOCHS - 1], y = (*t)->validation[EPOCHS - 1];
    return x != y ? (x < y ? 1 : -1) : (*s > *t) - (*s < *t);
}

static void write_log(const search *s, const char *name)
{
    FILE *log = log_open(s->page, name);
    log_text(s->page, log, ",validation_acc,train_acc,lr,weight_decay");
    for (size_t k = 0; k < s->count; k++)
        log_text(s->page, log, "\n%zu,%.17g,%.17g,%.17g,%.17g", k,
                 s->trial[k].validation[EPOCHS - 1], s->trial[k].training[EPOCHS - 1],
                 s->trial[k].lr, s->trial[k].decay);
    log_close(s->page, log);
}

static void draw(const search *s, trial *const *order)
{
    const size_t shown = s->count < BEST ? s->count : BEST;
    const size_t rows = (shown + PANEL_COLS - 1) / PANEL_COLS;
    double epoch[EPOCHS];
    nb_figure *fig;
    nb_figure_create(&fig, 860, 80 + 160 * (double)rows);
    for (size_t e = 0; e < EPOCHS; e++) epoch[e] = (double)e;
    for (size_t k = 0; k < shown; k++) {
        char title[32];
        nb_axes *ax = nb_figure_axes(fig, rows, PANEL_COLS, k);
        snprintf(title, sizeof title, "best %zu", k + 1);
        nb_plot_line(ax, EPOCHS, epoch, order[k]->validation,
                     &(nb_line_style){.label = "validation"});
        nb_plot_line(ax, EPOCHS, epoch, order[k]->training,
                     &(nb_line_style){.label = "training", .dash = NB_DASHED});
        nb_axes_ylim(ax, 0, 1.03);
        nb_axes_title(ax, title);
    }
    nb_figure_share(fig, true, true);
    nb_figure_labels(fig, "epochs", "accuracy");
    nb_figure_legend(fig);
    page_save(s->page, fig, NULL, "the best trials of a random search");
}

static void show_results(const search *s)
{
    trial **order = calloc(s->count, sizeof *order);
    if (!order) page_check(s->page, nb_fail(NB_ENOMEM, "no memory for %zu trials", s->count));
    for (size_t k = 0; k < s->count; k++) {
        order[k] = &s->trial[k];
        print_trial(order[k]);
    }
    qsort(order, s->count, sizeof *order, better);
    puts("=========== Hyper-Parameter Optimization Result ===========");
    for (size_t k = 0; k < s->count && k < BEST; k++) {
        printf("Best-%zu ", k + 1);
        print_trial(order[k]);
    }
    draw(s, order);
    free(order);
}

/* --- the data --------------------------------------------------------------------------------- */

/* The first 500 images in another order (shuffle_dataset): a fifth of them validates. */
static void split(search *s, const nb_dataset *all, nb_dataset *shuffled, nb_random *random)
{
    size_t index[IMAGES];
    const size_t n = nb_dataset_count(all) < IMAGES ? nb_dataset_count(all) : IMAGES;
    nb_shape x = all->x.shape, t = all->t.shape;
    x.dim[0] = t.dim[0] = n;
    *shuffled = *all;
    nb_random_permutation(random, n, index);
    page_check(s->page, nb_tensor_create(&shuffled->x, all->x.dtype, x));
    page_check(s->page, nb_tensor_create(&shuffled->t, all->t.dtype, t));
    page_check(s->page, nb_tensor_gather(&all->x, n, index, &shuffled->x));
    page_check(s->page, nb_tensor_gather(&all->t, n, index, &shuffled->t));
    s->validation = nb_dataset_rows(shuffled, 0, n / 5);
    s->train = nb_dataset_rows(shuffled, n / 5, n);
    s->per_epoch = nb_dataset_count(&s->train) / BATCH ? nb_dataset_count(&s->train) / BATCH : 1;
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *trials = "100", *threads = NULL, *seed_text = "0", *log = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"trials", "N", "networks (100)", &trials},
        {"threads", "N", "that share the trials, with the same results (all processors)", &threads},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write all trials", &log},
        {0}};
    page_begin(&p, argc, argv, "A random search for learning rate and weight decay (6.5).",
               options);
    search s = {.page = &p, .count = whole_number(p.program, "--trials", trials, 1, 100000)};
    const size_t workers = threads
                               ? whole_number(p.program, "--threads", threads, 1, NB_MAX_THREADS)
                               : nb_processors();
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;

    nb_mnist mnist;
    nb_random random;
    nb_dataset shuffled;
    page_folder(&p);
    load_mnist(&p, data, &mnist);
    nb_random_seed(&random, seed);
    split(&s, &mnist.train, &shuffled, &random);
    s.trial = calloc(s.count, sizeof *s.trial);
    if (!s.trial) page_check(&p, nb_fail(NB_ENOMEM, "no memory for %zu trials", s.count));
    draw_trials(&s, &random);
    run_trials(&s, workers < NB_MAX_THREADS ? workers : NB_MAX_THREADS);
    show_results(&s);
    if (log) write_log(&s, log);
    free(s.trial);
    nb_tensor_destroy(&shuffled.x);
    nb_tensor_destroy(&shuffled.t);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
