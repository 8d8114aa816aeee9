/* How many fused multiply-adds one core does: the ceiling over every product. */
#include "bench.h"

/* Enough independent sums to hide the latency of a multiply-add; the compiler keeps them in vector
 * registers, and the Makefile gives this file the machine's own instruction set. */
enum { sums = 256, rounds = 20000 };

typedef struct single {
    float sum[sums];
} single;
typedef struct pair {
    double sum[sums];
} pair;

static void run_single(void *context)
{
    single *s = context;
    float x[sums];
    for (size_t j = 0; j < sums; j++) x[j] = s->sum[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < sums; j++) x[j] = __builtin_fmaf(x[j], 0.999f, 0.001f);
    for (size_t j = 0; j < sums; j++) s->sum[j] = x[j];
}

static void run_double(void *context)
{
    pair *s = context;
    double x[sums];
    for (size_t j = 0; j < sums; j++) x[j] = s->sum[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < sums; j++) x[j] = __builtin_fma(x[j], 0.999, 0.001);
    for (size_t j = 0; j < sums; j++) s->sum[j] = x[j];
}

double bench_fma_peak(nb_dtype dtype)
{
    static single s;
    static pair d;
    const bool narrow = dtype == NB_FLOAT32;
    const bench_time time =
        bench_measure(narrow ? run_single : run_double, narrow ? (void *)&s : (void *)&d);
    return 2.0 * sums * rounds / time.least * 1e-9;
}
