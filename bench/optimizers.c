/* One step of each optimiser, in memory and in the cache, beside the machine's bandwidth. */
#include "bench.h"

/* A vector of `large` bytes is in no cache. */
enum { large = 128000000, small = 8000, types = 7 };

/* Vectors read and written in a step: g, w and w; g, v, w and v, w; ... */
static const double traffic[types] = {3, 5, 5, 5, 5, 7, 7};

typedef struct work {
    nb_optimizer *optimizer;
    void *w, *g;
} work;

static void step(void *context)
{
    const work *job = context;
    bench_check(nb_optimizer_apply(job->optimizer, job->w, job->g));
}

/* STREAM's triad (McCalpin, 1995), which counts three vectors: a := b + s c. */
typedef struct triad {
    nb_dtype dtype;
    size_t n;
    void *a, *b, *c;
} triad;

static void run_triad(void *context)
{
    const triad *t = context;
    if (t->dtype == NB_FLOAT32) {
        float *restrict a = t->a;
        const float *restrict b = t->b, *restrict c = t->c;
        for (size_t i = 0; i < t->n; i++) a[i] = b[i] + 0.385f * c[i];
    } else {
        double *restrict a = t->a;
        const double *restrict b = t->b, *restrict c = t->c;
        for (size_t i = 0; i < t->n; i++) a[i] = b[i] + 0.385 * c[i];
    }
}

/* lr so small that nothing grows in however many steps. */
static work work_of(const nb_optimizer_type *type, nb_dtype dtype, size_t n, void *w, void *g)
{
    work job = {.w = w, .g = g};
    nb_optimizer_options options;
    nb_optimizer_defaults(type, &options);
    options.lr = 1e-9;
    options.weight_decay = 0;
    bench_check(nb_optimizer_create_for_vectors(&job.optimizer, dtype, n, type, &options));
    return job;
}

/* Seconds of the triad and of a step, in turn. */
static void measure_large(const nb_optimizer_type *type, triad *t, bench_time time[2])
{
    work job = work_of(type, t->dtype, t->n, t->a, t->b);
    bench_compare(2, (void (*const[])(void *)){run_triad, step}, (void *const[]){t, &job}, time);
    nb_optimizer_destroy(job.optimizer);
}

static double measure_small(const nb_optimizer_type *type, nb_dtype dtype)
{
    void *w = bench_numbers(dtype, small), *g = bench_numbers(dtype, small);
    work job = work_of(type, dtype, small, w, g);
    const double seconds = bench_measure(step, &job).least;
    nb_optimizer_destroy(job.optimizer);
    nb_free(w);
    nb_free(g);
    return seconds;
}

static void table(nb_dtype dtype)
{
    const size_t n = large / nb_dtype_size(dtype);
    triad t = {dtype, n, bench_numbers(dtype, n), bench_numbers(dtype, n), bench_numbers(dtype, n)};
    bench_table(bench_cell("optimizers-%s", nb_dtype_name(dtype)),
                bench_cell("one step of %zu million parameters in %s, one thread", n / 1000000,
                           nb_dtype_name(dtype)),
                7, (const char *[]){"", "vectors", "ns", "GB/s", "triad", "ratio", "in cache"});
    for (size_t k = 0; k < types; k++) {
        bench_time time[2];
        measure_large(nb_optimizer_types[k], &t, time);
        const double stream = 3e-9 * large / time[0].least;
        const double rate = 1e-9 * traffic[k] * large / time[1].least;
        const double cached = measure_small(nb_optimizer_types[k], dtype);
        bench_row((const char *[]){nb_optimizer_types[k]->name, bench_cell("%.0f", traffic[k]),
                                   bench_cell("%.3f", time[1].least * 1e9 / (double)n),
                                   bench_cell("%.1f", rate), bench_cell("%.1f", stream),
                                   bench_cell("%.2f", stream / rate),
                                   bench_cell("%.3f", cached * 1e9 / small)});
    }
    bench_table_end();
    nb_free(t.a);
    nb_free(t.b);
    nb_free(t.c);
}

void bench_optimizers(void)
{
    table(NB_FLOAT32);
    table(NB_FLOAT64);
    bench_note("ns: of one parameter, the least; vectors: read and written in a step;");
    bench_note(
        "triad: GB/s of STREAM's triad, in turn with the step; ratio: the step's time against");
    bench_note("the triad's for as many bytes; in cache: ns of one of %d parameters.", small);
}
