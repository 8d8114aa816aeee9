/* One training step, one evaluation of the 70,000 images and, from them, the default job (10,000
 * iterations of 100, hidden 50, 18 evaluations), three ways:
 *   floor   the job's cblas_sgemm calls alone, back to back, on resident dense data
 *   dense   the yardstick trainer of dense.c
 *   nablas  nb_trainer_step and nb_trainer_metric */
#include "bench.h"
#include "dense.h"

#include <math.h>
#include <stdio.h>

enum {
    batch = 100,
    hidden = 50,
    inputs = 784,
    outputs = 10,
    eval_rows = 200,
    iterations = 10000,
    every = 600,
    images = 70000,
    evaluations = 18
};

/* --- the floor -------------------------------------------------------------------------------- */

typedef struct floor_data {
    float *x, *W1, *z, *W2, *y;
} floor_data;

static void floor_forward(const floor_data *f, size_t n)
{
    bench_cblas(NB_FLOAT32, false, false, n, hidden, inputs, 1, f->x, f->W1, 0, f->z);
    bench_cblas(NB_FLOAT32, false, false, n, outputs, hidden, 1, f->z, f->W2, 0, f->y);
}

static void floor_step(void *context)
{
    const floor_data *f = context;
    bench_blas_threads(1);
    floor_forward(f, batch);
    bench_cblas(NB_FLOAT32, false, true, batch, hidden, outputs, 1, f->y, f->W2, 0, f->z);
    bench_cblas(NB_FLOAT32, true, false, hidden, outputs, batch, 1e-9, f->z, f->y, 1, f->W2);
    bench_cblas(NB_FLOAT32, true, false, inputs, hidden, batch, 1e-9, f->x, f->z, 1, f->W1);
    floor_forward(f, batch);
}

static void floor_evaluation(void *context)
{
    bench_blas_threads(1);
    for (int i = 0; i < images / eval_rows; i++) floor_forward(context, eval_rows);
}

/* --- the yardstick ---------------------------------------------------------------------------- */

typedef struct dense_run {
    dense *d;
    nb_random *random;
    size_t threads; /* of BLAS */
} dense_run;

static double dense_draw_and_step(const dense_run *r)
{
    size_t index[batch];
    bench_blas_threads(r->threads);
    bench_check(nb_random_choice(r->random, 60000, batch, index));
    return dense_step(r->d, index, batch, 0.1f);
}

static void dense_steps(void *context)
{
    dense_draw_and_step(context);
}

static void dense_evaluation(void *context)
{
    const dense_run *r = context;
    dense *d = r->d;
    bench_blas_threads(r->threads);
    dense_correct(d, d->images, d->labels, 60000);
    dense_correct(d, d->test_images, d->test_labels, 10000);
}

/* --- nablas ----------------------------------------------------------------------------------- */

typedef struct nablas_run {
    nb_model *net;
    nb_random random;
    nb_trainer *trainer;
} nablas_run;

static void nablas_create(nablas_run *r, size_t threads)
{
    const nb_mnist *mnist = bench_mnist();
    nb_train_options options = NB_TRAIN_DEFAULTS;
    options.threads = threads;
    nb_random_seed(&r->random, 0);
    bench_check(nb_two_layer_net_create(&r->net, inputs, hidden, outputs, 0.01, NB_SIGMOID,
                                        NB_FLOAT32, nb_train_max_batch(batch), &r->random));
    bench_check(
        nb_trainer_create(&r->trainer, r->net, &mnist->train, &mnist->test, &r->random, &options));
}

static void nablas_destroy(nablas_run *r)
{
    nb_trainer_destroy(r->trainer);
    nb_model_destroy(r->net);
}

static void nablas_step(void *context)
{
    double loss;
    bench_blas_threads(1);
    bench_check(nb_trainer_step(((nablas_run *)context)->trainer, &loss));
}

static void nablas_evaluation(void *context)
{
    nb_trainer *trainer = ((nablas_run *)context)->trainer;
    double accuracy;
    bench_blas_threads(1);
    bench_check(nb_trainer_metric(trainer, &bench_mnist()->train, &accuracy));
    bench_check(nb_trainer_metric(trainer, &bench_mnist()->test, &accuracy));
}

/* --- the check -------------------------------------------------------------------------------- */

/* The yardstick and nablas do the same work: from the same seed the same losses and accuracy. */
static void check_same(const dense_run *d, nablas_run *r)
{
    const nb_mnist *mnist = bench_mnist();
    double accuracy;
    for (int i = 0; i < 20; i++) {
        double loss;
        const double expected = dense_draw_and_step(d);
        bench_check(nb_trainer_step(r->trainer, &loss));
        if (!(fabs(loss - expected) < 1e-5))
            bench_fail("dense has loss %.9g, nablas %.9g at step %d", expected, loss, i);
    }
    const size_t correct = dense_correct(d->d, d->d->test_images, d->d->test_labels, 10000);
    bench_check(nb_trainer_metric(r->trainer, &mnist->test, &accuracy));
    if (!(fabs(accuracy - (double)correct / 10000) < 5e-4))
        bench_fail("dense has %zu of 10000 images right, nablas %.0f", correct, accuracy * 10000);
}

/* --- the table -------------------------------------------------------------------------------- */

enum { most = 5 };

typedef struct contender {
    const char *name;
    void (*step)(void *), (*evaluation)(void *);
    void *context;
} contender;

typedef struct times {
    bench_time step[most], evaluation[most], job[most];
} times;

static void measure(size_t n, const contender c[], times *t)
{
    void (*step[most])(void *), (*evaluation[most])(void *);
    void *context[most];
    for (size_t i = 0; i < n; i++) {
        step[i] = c[i].step;
        evaluation[i] = c[i].evaluation;
        context[i] = c[i].context;
    }
    bench_compare(n, step, context, t->step);
    bench_compare(n, evaluation, context, t->evaluation);
    for (size_t i = 0; i < n; i++)
        t->job[i] =
            (bench_time){iterations * t->step[i].least + evaluations * t->evaluation[i].least,
                         iterations * t->step[i].median + evaluations * t->evaluation[i].median};
}

static void print(size_t n, const contender c[], const times *t)
{
    bench_table("training", "training 784-50-10 with batches of 100 in float32", 9,
                (const char *[]){"", "step us", "least", "eval ms", "least", "job s", "least",
                                 "/ floor", "/ dense"});
    for (size_t i = 0; i < n; i++)
        bench_row((const char *[]){c[i].name, bench_cell("%.1f", t->step[i].median * 1e6),
                                   bench_cell("%.1f", t->step[i].least * 1e6),
                                   bench_cell("%.1f", t->evaluation[i].median * 1e3),
                                   bench_cell("%.1f", t->evaluation[i].least * 1e3),
                                   bench_cell("%.2f", t->job[i].median),
                                   bench_cell("%.2f", t->job[i].least),
                                   bench_cell("%.2f", t->job[i].median / t->job[0].median),
                                   bench_cell("%.2f", t->job[i].median / t->job[1].median)});
    bench_note("Medians, and the least beside each. A step ends with the loss after the update.");
    bench_note("job: computed, %d steps and %d evaluations of %d images.", iterations, evaluations,
               images);
    bench_table_end();
}

static void draw(size_t n, const contender c[], const times *t)
{
    enum { parts = 3 };
    double seconds[most * parts];
    const char *label[most];
    for (size_t i = 0; i < n; i++) {
        label[i] = c[i].name;
        seconds[parts * i] = iterations * t->step[i].median;
        seconds[parts * i + 1] = evaluations * t->evaluation[i].median;
        seconds[parts * i + 2] = t->job[i].median;
    }
    bench_chart(
        "training", "The default job: 784-50-10, 10,000 batches of 100, float32", 1,
        &(bench_panel){.y = "seconds",
                       .points = parts,
                       .series = n,
                       .group = (const char *[]){"10,000 steps", "18 evaluations", "the whole job"},
                       .label = label,
                       .value = seconds,
                       .format = "%.2f"});
}

void bench_training(void)
{
    const size_t all = nb_processors();
    floor_data f = {
        bench_numbers(NB_FLOAT32, eval_rows * inputs), bench_numbers(NB_FLOAT32, inputs * hidden),
        bench_numbers(NB_FLOAT32, eval_rows * hidden), bench_numbers(NB_FLOAT32, hidden * outputs),
        bench_numbers(NB_FLOAT32, eval_rows * outputs)};
    nb_random random;
    dense d;
    nb_random_seed(&random, 0);
    dense_create(&d, bench_mnist(), hidden, eval_rows, &random);
    dense_run dense_one = {&d, &random, 1}, dense_all = {&d, &random, all};
    nablas_run one, team;
    nablas_create(&one, 1);
    nablas_create(&team, all);
    check_same(&dense_one, &one);

    contender c[] = {
        {"cblas_sgemm calls alone, 1 thread", floor_step, floor_evaluation, &f},
        {"dense C over OpenBLAS, 1 thread", dense_steps, dense_evaluation, &dense_one},
        {"nablas, 1 thread", nablas_step, nablas_evaluation, &one},
        {"", dense_steps, dense_evaluation, &dense_all},
        {"", nablas_step, nablas_evaluation, &team},
    };
    char name[2][64];
    snprintf(name[0], sizeof name[0], "dense C, BLAS on %zu threads", all);
    snprintf(name[1], sizeof name[1], "nablas, %zu threads", all);
    c[3].name = name[0];
    c[4].name = name[1];
    const size_t n = all > 1 ? 5 : 3;
    times t;
    measure(n, c, &t);
    print(n, c, &t);
    draw(n, c, &t);

    nablas_destroy(&team);
    nablas_destroy(&one);
    dense_destroy(&d);
    float *const owned[] = {f.x, f.W1, f.z, f.W2, f.y};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) nb_free(owned[i]);
}
