/* How many fused multiply-adds one core does: the ceiling over every product. */
#include "bench.h"

/* Enough independent sums to hide the latency of a multiply-add; the compiler keeps them in vector
 * registers, and the Makefile gives this file the machine's own instruction set. */
enum { bytes = 16 * 64, rounds = 20000 };

typedef struct single {
    float sum[bytes / sizeof(float)];
} single;
typedef struct pair {
    double sum[bytes / sizeof(double)];
} pair;

static void run_single(void *context)
{
    single *s = context;
    enum { sums = bytes / sizeof(float) };
    float x[sums];
    for (size_t j = 0; j < sums; j++) x[j] = s->sum[j];
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < sums; j++) x[j] = __builtin_fmaf(x[j], 0.999f, 0.001f);
    for (size_t j = 0; j < sums; j++) s->sum[j] = x[j];
}

static void run_double(void *context)
{
    pair *s = context;
    enum { sums = bytes / sizeof(double) };
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
    const double sums = bytes / (double)nb_dtype_size(dtype);
    return 2 * sums * rounds / time.least * 1e-9;
}
