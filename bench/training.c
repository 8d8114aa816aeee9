/* One training step and the whole default job (10,000 iterations of 100, hidden 50, 18 evaluations
 * of 70,000 images), three ways:
 *   floor   the job's cblas_sgemm calls alone, back to back, on resident dense data
 *   dense   the yardstick trainer of dense.c
 *   nablas  nb_trainer_step and nb_train */
#include "bench.h"
#include "dense.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static float *reserve(size_t count)
{
    float *p = aligned_alloc(64, count * sizeof *p);
    if (!p) abort();
    for (size_t i = 0; i < count; i++) p[i] = 0.5f / (float)(1 + i % 17);
    return p;
}

static void product(enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, int m, int n, int k,
                    float alpha, const float *A, const float *B, float beta, float *C)
{
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, A, ta == CblasTrans ? m : k, B,
                tb == CblasTrans ? k : n, beta, C, n);
}

static void floor_forward(const floor_data *f, int n)
{
    product(CblasNoTrans, CblasNoTrans, n, hidden, inputs, 1, f->x, f->W1, 0, f->z);
    product(CblasNoTrans, CblasNoTrans, n, outputs, hidden, 1, f->z, f->W2, 0, f->y);
}

static void floor_step(void *context)
{
    const floor_data *f = context;
    floor_forward(f, batch);
    product(CblasNoTrans, CblasTrans, batch, hidden, outputs, 1, f->y, f->W2, 0, f->z);
    product(CblasTrans, CblasNoTrans, hidden, outputs, batch, 1e-9f, f->z, f->y, 1, f->W2);
    product(CblasTrans, CblasNoTrans, inputs, hidden, batch, 1e-9f, f->x, f->z, 1, f->W1);
    floor_forward(f, batch);
}

static void floor_evaluation(void *context)
{
    for (int i = 0; i < images / eval_rows; i++) floor_forward(context, eval_rows);
}

/* --- the yardstick ---------------------------------------------------------------------------- */

typedef struct dense_run {
    dense d;
    nb_random random;
} dense_run;

static void dense_steps(void *context)
{
    dense_run *r = context;
    size_t index[batch];
    bench_check(nb_random_choice(&r->random, 60000, batch, index));
    dense_step(&r->d, index, batch, 0.1f);
}

static void dense_evaluation(void *context)
{
    dense *d = &((dense_run *)context)->d;
    dense_correct(d, d->images, d->labels, 60000);
    dense_correct(d, d->test_images, d->test_labels, 10000);
}

/* --- nablas ----------------------------------------------------------------------------------- */

typedef struct nablas_run {
    nb_net *net;
    nb_random random;
    nb_trainer *trainer;
} nablas_run;

static void nablas_create(nablas_run *r, nb_dtype dtype, size_t threads)
{
    nb_train_options options = NB_TRAIN_DEFAULTS;
    options.threads = threads;
    nb_random_seed(&r->random, 0);
    bench_check(nb_two_layer_net_create(&r->net, inputs, hidden, outputs, 0.01, NB_SIGMOID, dtype,
                                        nb_train_max_batch(batch), &r->random));
    bench_check(nb_trainer_create(&r->trainer, r->net, bench_mnist(), &r->random, &options));
}

static void nablas_destroy(nablas_run *r)
{
    nb_trainer_destroy(r->trainer);
    nb_net_destroy(r->net);
}

static void nablas_step(void *context)
{
    double loss;
    bench_check(nb_trainer_step(((nablas_run *)context)->trainer, &loss));
}

static void nablas_evaluation(void *context)
{
    nb_trainer *trainer = ((nablas_run *)context)->trainer;
    double accuracy;
    bench_check(nb_trainer_accuracy(trainer, &bench_mnist()->train, &accuracy));
    bench_check(nb_trainer_accuracy(trainer, &bench_mnist()->test, &accuracy));
}

/* --- the tables ------------------------------------------------------------------------------- */

/* The three do the same work: the same losses from the same seed. */
static void check_same(void)
{
    dense_run d;
    nablas_run r;
    double loss[2];
    nb_random_seed(&d.random, 0);
    dense_create(&d.d, bench_mnist(), hidden, eval_rows, &d.random);
    nablas_create(&r, NB_FLOAT32, 1);
    for (int i = 0; i < 20; i++) {
        size_t index[batch];
        bench_check(nb_random_choice(&d.random, 60000, batch, index));
        loss[0] = dense_step(&d.d, index, batch, 0.1f);
        bench_check(nb_trainer_step(r.trainer, &loss[1]));
        const double difference = loss[0] - loss[1];
        if (difference > 1e-5 || difference < -1e-5) {
            fprintf(stderr, "bench: dense has loss %.9g, nablas %.9g at step %d\n", loss[0],
                    loss[1], i);
            exit(1);
        }
    }
    nablas_destroy(&r);
    dense_destroy(&d.d);
}

static void print(const char *name, double unit, const char *format, bench_time t,
                  const bench_time *floor, const bench_time *yardstick)
{
    bench_row((const char *[]){name, bench_cell(format, t.least * unit),
                               bench_cell(format, t.median * unit),
                               bench_cell("%.2f", t.median / floor->median),
                               bench_cell("%.2f", t.median / yardstick->median)});
}

static void answer_for(size_t threads)
{
    enum { n = 3 };
    floor_data f = {reserve(eval_rows * inputs), reserve(inputs * hidden),
                    reserve(eval_rows * hidden), reserve(hidden * outputs),
                    reserve(eval_rows * outputs)};
    dense_run d;
    nablas_run r;
    bench_time step[n], evaluation[n], job[n];
    void *const context[n] = {&f, &d, &r};
    static const char *const name[n] = {"cblas_sgemm calls alone", "dense C over OpenBLAS",
                                        "nablas"};
    nb_random_seed(&d.random, 0);
    dense_create(&d.d, bench_mnist(), hidden, eval_rows, &d.random);
    nablas_create(&r, NB_FLOAT32, threads);
    bench_compare(n, (void (*const[])(void *)){floor_step, dense_steps, nablas_step}, context,
                  step);
    bench_compare(n,
                  (void (*const[])(void *)){floor_evaluation, dense_evaluation, nablas_evaluation},
                  context, evaluation);
    for (int i = 0; i < n; i++)
        job[i] = (bench_time){iterations * step[i].least + evaluations * evaluation[i].least,
                              iterations * step[i].median + evaluations * evaluation[i].median};

    bench_table(bench_cell("training-%zu", threads),
                bench_cell("training 784-50-10, batch 100, float32; nablas on %zu thread%s",
                           threads, threads > 1 ? "s" : ""),
                5, (const char *[]){"", "least", "median", "/ floor", "/ dense C"});
    for (int i = 0; i < n; i++)
        print(bench_cell("step, us: %s", name[i]), 1e6, "%.1f", step[i], &step[0], &step[1]);
    for (int i = 0; i < n; i++)
        print(bench_cell("eval, ms: %s", name[i]), 1e3, "%.1f", evaluation[i], &evaluation[0],
              &evaluation[1]);
    for (int i = 0; i < n; i++)
        print(bench_cell("job, s: %s", name[i]), 1, "%.2f", job[i], &job[0], &job[1]);
    bench_note("job = %d steps + %d evaluations of %d images; loss after each update", iterations,
               evaluations, images);
    bench_table_end();
    nablas_destroy(&r);
    dense_destroy(&d.d);
    float *const owned[] = {f.x, f.W1, f.z, f.W2, f.y};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

void bench_training(void)
{
    bench_mnist();
    check_same();
    answer_for(1);
    if (nb_processors() > 1) answer_for(nb_processors());
}
