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

/* Three vectors of memory traffic for the yardsticks. */
typedef struct vectors {
    nb_dtype dtype;
    size_t n;
    void *a, *b, *c;
} vectors;

/* a := b + s c */
static void add_scaled(const vectors *v, void *a_out, const void *b_in, const void *c_in)
{
    if (v->dtype == NB_FLOAT32) {
        float *a = a_out;
        const float *b = b_in, *c = c_in;
        for (size_t i = 0; i < v->n; i++) a[i] = b[i] + 1e-9f * c[i];
    } else {
        double *a = a_out;
        const double *b = b_in, *c = c_in;
        for (size_t i = 0; i < v->n; i++) a[i] = b[i] + 1e-9 * c[i];
    }
}

/* STREAM's triad (McCalpin, 1995) counts three vectors, but the processor also reads a before it is
 * overwritten. */
static void run_triad(void *context)
{
    const vectors *v = context;
    add_scaled(v, v->a, v->b, v->c);
}

/* The same in place, as a step works: three vectors are counted, and three there are. */
static void run_in_place(void *context)
{
    const vectors *v = context;
    add_scaled(v, v->a, v->a, v->b);
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

/* Seconds of the triad, of the same in place and of a step, in turn. */
static void measure_large(const nb_optimizer_type *type, vectors *v, bench_time time[3])
{
    work job = work_of(type, v->dtype, v->n, v->a, v->b);
    bench_compare(3, (void (*const[])(void *)){run_triad, run_in_place, step},
                  (void *const[]){v, v, &job}, time);
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
    vectors v = {dtype, n, bench_numbers(dtype, n), bench_numbers(dtype, n),
                 bench_numbers(dtype, n)};
    bench_table(
        bench_cell("optimizers-%s", nb_dtype_name(dtype)),
        bench_cell("one step of %zu million parameters in %s, one thread", n / 1000000,
                   nb_dtype_name(dtype)),
        8, (const char *[]){"", "vectors", "ns", "GB/s", "in place", "ratio", "triad", "in cache"});
    for (size_t k = 0; k < types; k++) {
        bench_time time[3];
        measure_large(nb_optimizer_types[k], &v, time);
        const double triad = 3e-9 * large / time[0].least;
        const double in_place = 3e-9 * large / time[1].least;
        const double rate = 1e-9 * traffic[k] * large / time[2].least;
        const double cached = measure_small(nb_optimizer_types[k], dtype);
        bench_row((const char *[]){nb_optimizer_types[k]->name, bench_cell("%.0f", traffic[k]),
                                   bench_cell("%.3f", time[2].least * 1e9 / (double)n),
                                   bench_cell("%.1f", rate), bench_cell("%.1f", in_place),
                                   bench_cell("%.2f", in_place / rate), bench_cell("%.1f", triad),
                                   bench_cell("%.3f", cached * 1e9 / small)});
    }
    bench_table_end();
    nb_free(v.a);
    nb_free(v.b);
    nb_free(v.c);
}

void bench_optimizers(void)
{
    table(NB_FLOAT32);
    table(NB_FLOAT64);
    bench_note("ns: of one parameter, the least; vectors: read and written in a step;");
    bench_note("in place: GB/s of a := a + s b, in turn with the step; ratio: the step's time");
    bench_note(
        "against its for as many bytes; triad: of STREAM's a := b + s c, which counts three");
    bench_note("vectors but moves four; in cache: ns of one of %d parameters.", small);
}
