#include "search.h"
#include "chapter6.h"
#include "display.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { IMAGES = 500, BATCH = 100, EPOCHS = 50, BEST = 20, PANEL_COLS = 5 };

typedef struct trial {
    double decay, lr;
    double validation[EPOCHS], training[EPOCHS]; /* accuracies */
} trial;

typedef struct search {
    experiment e;
    nb_dataset train, validation;
    size_t count, per_epoch; /* trials; iterations of an epoch */
    trial *trial;
    size_t first, end;    /* trials of this process */
    pthread_mutex_t lock; /* of all below, and of e.random */
    size_t next, done;
    double begin;
    bool terminal;
} search;

/* --- the trials ------------------------------------------------------------------------------- */

/* One stream runs through all trials, as in the book. Whoever begins a trial takes from it all that
 * the trial will draw: its numbers, its weights, and, in advance, `batches` as its batches will. */
static void draw_trial(search *s, trial *t, learner *l, nb_random *batches)
{
    nb_random *random = &s->e.random;
    size_t batch[BATCH];
    t->decay = pow(10, -8 + 4 * nb_random_rand(random)); /* 10 ** np.random.uniform(-8, -4) */
    t->lr = pow(10, -6 + 4 * nb_random_rand(random));
    *l = learner_create(
        &s->e,
        &(deep_net){
            .hidden = 6, .init = NB_INIT_HE, .lr = t->lr, .decay = t->decay, .batch = BATCH},
        random);
    *batches = *random;
    for (size_t i = 0; i < EPOCHS * s->per_epoch; i++)
        page_check(&s->e.page, nb_random_choice(random, nb_dataset_count(&s->train), BATCH, batch));
}

/* The next trial of this process; NULL: there is none. The stream goes past those of others. */
static trial *begin_trial(search *s, learner *l, nb_random *batches)
{
    trial *t = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->next < s->end && !t) {
        draw_trial(s, &s->trial[s->next], l, batches);
        if (s->next >= s->first)
            t = &s->trial[s->next];
        else
            learner_destroy(l);
        s->next++;
    }
    pthread_mutex_unlock(&s->lock);
    return t;
}

static void end_trial(search *s)
{
    pthread_mutex_lock(&s->lock);
    const double each = (nb_seconds() - s->begin) / (double)++s->done;
    const size_t all = s->end - s->first;
    if (s->terminal)
        fprintf(stderr, "\r%zu of %zu trials, %.0f s left ", s->done, all,
                each * (double)(all - s->done));
    pthread_mutex_unlock(&s->lock);
}

/* Trials as long as there are any, on each thread. */
static nb_status take_turns(void *context, size_t part, size_t parts)
{
    search *s = context;
    learner l;
    nb_random random;
    nb_source *train = batches_of(&s->e, &s->train, BATCH, &random);
    nb_source *validation = batches_of(&s->e, &s->validation, BATCH, &random);
    (void)part, (void)parts;
    for (trial *t; (t = begin_trial(s, &l, &random)); end_trial(s)) {
        for (size_t i = 0; i < EPOCHS * s->per_epoch; i++) {
            nb_batch batch;
            page_check(&s->e.page, nb_source_next(train, &batch));
            learn(&s->e.page, &l, &batch, &random);
            if (i % s->per_epoch) continue;
            t->training[i / s->per_epoch] = accuracy_of(&s->e.page, &l, train);
            t->validation[i / s->per_epoch] = accuracy_of(&s->e.page, &l, validation);
        }
        learner_destroy(&l);
    }
    nb_source_destroy(train);
    nb_source_destroy(validation);
    return NB_OK;
}

static void run_trials(search *s, size_t threads)
{
    nb_pool *pool;
    page_check(&s->e.page, nb_pool_create(&pool, threads));
    s->terminal = !s->e.page.quiet && isatty(STDERR_FILENO);
    s->begin = nb_seconds();
    page_check(&s->e.page, nb_pool_run(pool, take_turns, s));
    if (s->terminal) fputs("\r                                       \r", stderr);
    nb_pool_destroy(pool);
}

/* --- what came of them ------------------------------------------------------------------------ */

/* `rank`: "Best-1 ", or nothing. */
static void print_trial(const char *rank, const trial *t)
{
    display d;
    show_begin(&d);
    show_line(&d, "%sval acc:%.4g, train acc:%.4g | lr:%.17g, weight decay:%.17g", rank,
              t->validation[EPOCHS - 1], t->training[EPOCHS - 1], t->lr, t->decay);
}

/* The best at the end first; of equals the earlier one. */
static int better(const void *a, const void *b)
{
    const trial *const *s = a, *const *t = b;
    const double x = (*s)->validation[EPOCHS - 1], y = (*t)->validation[EPOCHS - 1];
    return x != y ? (x < y ? 1 : -1) : (*s > *t) - (*s < *t);
}

static void write_log(const search *s)
{
    FILE *log = log_open(&s->e.page, s->e.log);
    log_text(&s->e.page, log, ",validation_acc,train_acc,lr,weight_decay");
    for (size_t k = 0; k < s->count; k++)
        log_text(&s->e.page, log, "\n%zu,%.17g,%.17g,%.17g,%.17g", k,
                 s->trial[k].validation[EPOCHS - 1], s->trial[k].training[EPOCHS - 1],
                 s->trial[k].lr, s->trial[k].decay);
    log_close(&s->e.page, log);
}

static void draw(const search *s, trial *const *order)
{
    const size_t shown = s->count < BEST ? s->count : BEST;
    const size_t rows = (shown + PANEL_COLS - 1) / PANEL_COLS;
    double epoch[EPOCHS];
    nb_figure *fig;
    nb_figure_create(&fig, 760, 80 + 130 * (double)rows);
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
    page_save(&s->e.page, fig, NULL, "the best trials of a random search");
}

static void show_results(const search *s)
{
    trial **order = calloc(s->count, sizeof *order);
    if (!order) page_check(&s->e.page, nb_fail(NB_ENOMEM, "no memory for %zu trials", s->count));
    for (size_t k = 0; k < s->count; k++) {
        order[k] = &s->trial[k];
        print_trial("", order[k]);
    }
    qsort(order, s->count, sizeof *order, better);
    puts("=========== Hyper-Parameter Optimization Result ===========");
    for (size_t k = 0; k < s->count && k < BEST; k++) {
        char rank[32];
        snprintf(rank, sizeof rank, "Best-%zu ", k + 1);
        print_trial(rank, order[k]);
    }
    draw(s, order);
    free(order);
}

/* --- the data --------------------------------------------------------------------------------- */

/* The first 500 images in another order (shuffle_dataset): a fifth of them validates. */
static void split(search *s, const nb_dataset *all, nb_dataset *shuffled, nb_random *random)
{
    shuffle_first(&s->e.page, all, IMAGES, random, shuffled);
    const size_t n = nb_dataset_count(shuffled);
    s->validation = nb_dataset_rows(shuffled, 0, n / 5);
    s->train = nb_dataset_rows(shuffled, n / 5, n);
    s->per_epoch = nb_dataset_count(&s->train) / BATCH ? nb_dataset_count(&s->train) / BATCH : 1;
}

/* Each member has some of the trials; afterwards all have all. */
static void share_trials(search *s, const nb_team *team, size_t threads)
{
    s->end = s->count;
    if (team) nb_share(s->count, team->rank, team->size, &s->first, &s->end);
    run_trials(s, threads);
    nb_status status = nb_team_agree(team, NB_OK);
    if (team && !status) status = team->gather(s->trial, sizeof *s->trial, s->count, team->context);
    page_check(&s->e.page, status);
}

static void check_images(search *s, const nb_team *team)
{
    char text[NB_FINGERPRINT_ROOM];
    page_check(&s->e.page, nb_dataset_fingerprint(&s->e.mnist.train, text, sizeof text));
    page_check(&s->e.page, nb_team_same(team, "training set", text));
}

int search_main(int argc, char **argv, const nb_team *(*connect_team)(const char *program))
{
    search s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *trials = "100", *threads = NULL;
    const page_option options[] = {
        {"trials", "N", "networks (100)", &trials},
        {"threads", "N",
         connect_team ? "of each rank, that share its trials (1)"
                      : "that share the trials, with the same results (all processors)",
         &threads},
        {0}};
    experiment_begin(&s.e, argc, argv, "A random search for learning rate and weight decay (6.5).",
                     options, "write all trials");
    const char *me = s.e.page.program;
    const size_t most = nb_processors() < NB_MAX_THREADS ? nb_processors() : NB_MAX_THREADS;
    const size_t workers = threads ? whole_number(me, "--threads", threads, 1, NB_MAX_THREADS)
                                   : (connect_team ? 1 : most);
    s.count = whole_number(me, "--trials", trials, 1, 100000);

    nb_dataset shuffled;
    const nb_team *team = connect_team ? connect_team(me) : NULL;
    s.e.train = IMAGES;
    s.e.test = NB_MNIST_NONE;
    experiment_load(&s.e);
    check_images(&s, team);
    split(&s, &s.e.mnist.train, &shuffled, &s.e.random);
    s.trial = calloc(s.count, sizeof *s.trial);
    if (!s.trial) page_check(&s.e.page, nb_fail(NB_ENOMEM, "no memory for %zu trials", s.count));
    share_trials(&s, team, workers);
    if (!team || team->rank == 0) {
        show_results(&s);
        write_log(&s);
    }
    free(s.trial);
    nb_dataset_destroy(&shuffled);
    return experiment_end(&s.e);
}
