/* How many fused multiply-adds the cores do: the ceiling over every product. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* Twelve vectors of sums hide the latency of a multiply-add (4 cycles, two a cycle) and stay in
 * registers. The Makefile gives this file the machine's own instruction set, and lets the compiler
 * make one instruction of a product and a sum. */
#if defined(__AVX512F__)
enum { width = 64 };
#elif defined(__AVX__)
enum { width = 32 };
#else
enum { width = 16 };
#endif
enum { vectors = 12, rounds = 100000 };

typedef float singles __attribute__((vector_size(width)));
typedef double doubles __attribute__((vector_size(width)));

typedef struct sums {
    _Alignas(128) singles single[vectors];
    _Alignas(128) doubles twice[vectors];
} sums;

static nb_status run_single(void *context, size_t part, size_t parts)
{
    (void)parts;
    sums *s = &((sums *)context)[part];
    singles x[vectors];
    for (size_t j = 0; j < vectors; j++) x[j] = s->single[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < vectors; j++) x[j] = x[j] * 0.999f + 0.001f;
    for (size_t j = 0; j < vectors; j++) s->single[j] = x[j];
    return NB_OK;
}

static nb_status run_double(void *context, size_t part, size_t parts)
{
    (void)parts;
    sums *s = &((sums *)context)[part];
    doubles x[vectors];
    for (size_t j = 0; j < vectors; j++) x[j] = s->twice[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < vectors; j++) x[j] = x[j] * 0.999 + 0.001;
    for (size_t j = 0; j < vectors; j++) s->twice[j] = x[j];
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
    memset(c.sums, 0, threads * sizeof(sums));
    bench_check(nb_pool_create(&c.pool, threads));
    const bench_time time = bench_measure(run, &c);
    nb_pool_destroy(c.pool);
    free(c.sums);
    const size_t count = threads * vectors * width / nb_dtype_size(dtype);
    return 2.0 * (double)count * rounds / time.least * 1e-9;
}
