/* How many fused multiply-adds the cores do: the ceiling over every product. */
#include "bench.h"

#include <stdlib.h>

/* Enough independent sums to hide the latency of a multiply-add; the compiler keeps them in vector
 * registers, and the Makefile gives this file the machine's own instruction set. */
enum { bytes = 16 * 64, rounds = 100000 };

typedef struct sums {
    _Alignas(128) float single[bytes / sizeof(float)];
    _Alignas(128) double twice[bytes / sizeof(double)];
} sums;

static nb_status run_single(void *context, size_t part, size_t parts)
{
    (void)parts;
    float *sum = ((sums *)context)[part].single;
    enum { count = bytes / sizeof *sum };
    float x[count];
    for (size_t j = 0; j < count; j++) x[j] = sum[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < count; j++) x[j] = __builtin_fmaf(x[j], 0.999f, 0.001f);
    for (size_t j = 0; j < count; j++) sum[j] = x[j];
    return NB_OK;
}

static nb_status run_double(void *context, size_t part, size_t parts)
{
    (void)parts;
    double *sum = ((sums *)context)[part].twice;
    enum { count = bytes / sizeof *sum };
    double x[count];
    for (size_t j = 0; j < count; j++) x[j] = sum[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < count; j++) x[j] = __builtin_fma(x[j], 0.999, 0.001);
    for (size_t j = 0; j < count; j++) sum[j] = x[j];
    return NB_OK;
}

typedef struct crew {
    nb_pool *pool;
    nb_task task;
    sums *sums; /* (threads) */
} crew;

static void run(void *context)
{
    const crew *c = context;
    bench_check(nb_pool_run(c->pool, c->task, c->sums));
}

double bench_fma_peak(nb_dtype dtype, size_t threads)
{
    crew c = {.task = dtype == NB_FLOAT32 ? run_single : run_double,
              .sums = aligned_alloc(_Alignof(sums), threads * sizeof(sums))};
    if (!c.sums) abort();
    for (size_t t = 0; t < threads; t++) c.sums[t] = (sums){.single = {0}};
    bench_check(nb_pool_create(&c.pool, threads));
    const bench_time time = bench_measure(run, &c);
    nb_pool_destroy(c.pool);
    free(c.sums);
    const double count = bytes / (double)nb_dtype_size(dtype) * (double)threads;
    return 2 * count * rounds / time.least * 1e-9;
}
