/* How a training step scales: with the batch, the hidden units, the layers, the threads and the
 * precision. Beside it the same products by cblas_?gemm alone, dense, with BLAS's own threads. */
#include "bench.h"

#include <math.h>

enum { most_layers = 4 };

typedef struct shape {
    const char *name;
    size_t batch, layers, sizes[most_layers + 1];
} shape;

static const shape shapes[] = {
    {"batch 10, hidden 50", 10, 2, {784, 50, 10}},
    {"batch 100, hidden 50", 100, 2, {784, 50, 10}},
    {"batch 1000, hidden 50", 1000, 2, {784, 50, 10}},
    {"batch 10000, hidden 50", 10000, 2, {784, 50, 10}},
    {"batch 100, hidden 10", 100, 2, {784, 10, 10}},
    {"batch 100, hidden 500", 100, 2, {784, 500, 10}},
    {"batch 100, hidden 2000", 100, 2, {784, 2000, 10}},
    {"batch 1000, hidden 500", 1000, 2, {784, 500, 10}},
    {"batch 1000, hidden 2000", 1000, 2, {784, 2000, 10}},
    {"batch 1000, hidden 500, 500, 500", 1000, 4, {784, 500, 500, 500, 10}},
};

/* --- the products alone ----------------------------------------------------------------------- */

typedef struct products {
    const shape *shape;
    size_t threads;
    nb_dtype dtype;
    void *z[most_layers + 1], *W[most_layers];
} products;

static products products_of(const shape *s, nb_dtype dtype, size_t threads)
{
    products p = {.shape = s, .threads = threads, .dtype = dtype};
    for (size_t l = 0; l <= s->layers; l++) p.z[l] = bench_numbers(dtype, s->batch * s->sizes[l]);
    for (size_t l = 0; l < s->layers; l++)
        p.W[l] = bench_numbers(dtype, s->sizes[l] * s->sizes[l + 1]);
    return p;
}

static void release(products *p)
{
    for (size_t l = 0; l <= p->shape->layers; l++) nb_free(p->z[l]);
    for (size_t l = 0; l < p->shape->layers; l++) nb_free(p->W[l]);
}

static void forward(const products *p)
{
    const size_t *size = p->shape->sizes;
    for (size_t l = 0; l < p->shape->layers; l++)
        bench_cblas(p->dtype, false, false, p->shape->batch, size[l + 1], size[l], 1e-3, p->z[l],
                    p->W[l], 0, p->z[l + 1]);
}

static void run_products(void *context)
{
    const products *p = context;
    const size_t *size = p->shape->sizes, n = p->shape->batch;
    bench_blas_threads(p->threads);
    forward(p);
    for (size_t l = p->shape->layers; l-- > 0;) {
        if (l > 0)
            bench_cblas(p->dtype, false, true, n, size[l], size[l + 1], 1e-3, p->z[l + 1], p->W[l],
                        0, p->z[l]);
        bench_cblas(p->dtype, true, false, size[l], size[l + 1], n, 1e-9, p->z[l], p->z[l + 1], 1,
                    p->W[l]);
    }
    forward(p);
}

/* Multiplications and additions of those products, dense. */
static double flop(const shape *s)
{
    double sum = 0;
    for (size_t l = 0; l < s->layers; l++)
        sum += 2.0 * (double)s->batch * (double)s->sizes[l] * (double)s->sizes[l + 1] * (l ? 4 : 3);
    return sum;
}

/* --- a step ----------------------------------------------------------------------------------- */

static void run_step(void *trainer)
{
    double loss;
    bench_blas_threads(1);
    bench_check(nb_trainer_step(trainer, &loss));
}

/* The loss after the first step, which the precision may change in its last digits only. */
static void check_loss(const shape *s, nb_trainer *trainer, double *expected)
{
    double loss;
    bench_check(nb_trainer_step(trainer, &loss));
    if (isnan(*expected)) *expected = loss;
    if (!(fabs(loss - *expected) <= 1e-4 * *expected))
        bench_fail("%s: loss %.9g, expected %.9g", s->name, loss, *expected);
}

/* Returns images a second. */
static double row(const shape *s, nb_dtype dtype, size_t threads, double peak, double *loss)
{
    nb_model *net;
    nb_random random;
    nb_trainer *trainer;
    bench_time time[2];
    products p = products_of(s, dtype, threads);
    nb_layer layer[2 * most_layers];
    for (size_t l = 0; l < s->layers; l++) {
        layer[2 * l] = nb_dense(s->sizes[l + 1]);
        layer[2 * l + 1] = nb_act(NB_SIGMOID);
    }
    const nb_mnist *mnist = bench_mnist();
    nb_random_seed(&random, 0);
    const nb_model_options o = {.input = NB_SHAPE(s->sizes[0]),
                                .layers = {2 * s->layers - 1, layer},
                                .epsilon = NB_BOOK_EPSILON,
                                .dtype = dtype,
                                .max_batch = nb_train_max_batch(s->batch),
                                .random = &random,
                                .init = NB_INIT_STD,
                                .std = 0.01};
    nb_train_options train = NB_TRAIN_DEFAULTS;
    train.batch = s->batch;
    train.threads = threads;
    train.lr = 0.01;
    bench_check(nb_model_create(&net, &o));
    bench_check(nb_trainer_create(&trainer, net, &mnist->train, &mnist->test, &random, &train));
    check_loss(s, trainer, loss);
    bench_compare(2, (void (*const[])(void *)){run_step, run_products},
                  (void *const[]){trainer, &p}, time);
    bench_blas_threads(1);
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
    release(&p);

    const double images = (double)s->batch / time[0].median;
    const double rate = flop(s) / time[0].median * 1e-9;
    bench_row((const char *[]){s->name, nb_dtype_name(dtype), bench_cell("%zu", threads),
                               bench_cell("%.3g", time[0].median * 1e3), bench_cell("%.0f", images),
                               bench_cell("%.1f", rate), bench_cell("%.0f", 100 * rate / peak),
                               bench_cell("%.2f", time[0].median / time[1].median)});
    return images;
}

/* --- the table and the chart ------------------------------------------------------------------ */

enum { count = sizeof shapes / sizeof *shapes, series = 4 };

static void draw(size_t all, const double *images)
{
    static const size_t batches[] = {0, 1, 2, 3}, units[] = {4, 1, 5, 6};
    double value[2][series * 4];
    const char *const label[series] = {"float32, 1 thread", bench_cell("float32, %zu threads", all),
                                       "float64, 1 thread",
                                       bench_cell("float64, %zu threads", all)};
    bench_pick(series, count, images, 4, batches, value[0]);
    bench_pick(series, count, images, 4, units, value[1]);
    bench_panel panel[2] = {{.x = "batch, hidden 50", .at = (double[]){10, 100, 1000, 10000}},
                            {.x = "hidden units, batch 100", .at = (double[]){10, 50, 500, 2000}}};
    for (int i = 0; i < 2; i++) {
        panel[i].y = "images/s";
        panel[i].points = 4;
        panel[i].series = series;
        panel[i].label = label;
        panel[i].value = value[i];
    }
    bench_chart("scaling", "Training: images a second", 2, panel);
}

void bench_scaling(void)
{
    const size_t all = nb_processors();
    double images[series * count], loss[count];
    bench_mnist();
    for (size_t i = 0; i < series * count; i++) images[i] = (double)NAN;
    for (size_t i = 0; i < count; i++) loss[i] = (double)NAN;
    bench_table("scaling", "one training step, medians; GFLOP/s count the dense products", 8,
                (const char *[]){"784 inputs, 10 outputs", "type", "threads", "ms", "images/s",
                                 "GFLOP/s", "% peak", "/ gemm"});
    for (size_t d = 0; d < 2; d++) {
        const nb_dtype dtype = d ? NB_FLOAT64 : NB_FLOAT32;
        const double peak[2] = {bench_fma_peak(dtype, 1), bench_fma_peak(dtype, all)};
        for (size_t i = 0; i < count; i++)
            for (size_t t = 0; t < (all > 1 ? 2 : 1); t++)
                images[(2 * d + t) * count + i] =
                    row(&shapes[i], dtype, t ? all : 1, peak[t], &loss[i]);
    }
    bench_note("%% peak: of the FMA peak of as many threads.");
    bench_note("/ gemm: against the same products by cblas_?gemm alone, on as many BLAS threads;");
    bench_note("below 1 because columns of pixels that are mostly 0 are left out of the products.");
    bench_table_end();
    draw(all, images);
}
