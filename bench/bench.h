/* bench.h - timing and tables for the benchmarks; one file bench/<question>.c for each question. */
#ifndef BENCH_H
#define BENCH_H

#include "nablas/nablas.h"

#include <stddef.h>

/* One benchmark: `make bench BENCH=name` runs it alone. */
typedef struct bench_question {
    const char *name;
    const char *question;
    void (*answer)(void);
} bench_question;

void bench_gradients(void);
void bench_training(void);
void bench_scaling(void);

/* Seconds of one call. */
typedef struct bench_time {
    double least, median;
} bench_time;

/* bench_measure - repeat call(context) as FFTW does: the number of calls in a timed block is
 * doubled until a block takes 0.02 s, then blocks are timed for 0.2 s in all. */
bench_time bench_measure(void (*call)(void *context), void *context);

/* bench_compare - the same for several calls whose ratio is wanted: blocks of each in turn, so that
 * a change of the machine's speed meets all of them. */
void bench_compare(size_t n, void (*const call[])(void *context), void *const context[],
                   bench_time time[]);

/* A table on the terminal, and beside it build/bench/<name>.csv. Cells are text, made with
 * bench_cell (static buffers, used in turn). */
void bench_table(const char *name, const char *title, size_t columns, const char *const *heading);
void bench_row(const char *const *cell);
void bench_note(const char *format, ...) NB_PRINTF(1, 2);
void bench_table_end(void);
const char *bench_cell(const char *format, ...) NB_PRINTF(1, 2);

/* bench_check - the status of a call that must not fail; ends the program with its detail if it
 * did. */
void bench_check(nb_status status);

/* bench_mnist - real MNIST from $NABLAS_DATA or data/mnist, or else a stand-in of the same size in
 * which as many pixels are ink; says which. Loaded once. */
const nb_mnist *bench_mnist(void);

/* bench_fma_peak - GFLOP/s of fused multiply-adds in registers, one thread, float32 or float64. */
double bench_fma_peak(nb_dtype dtype);

#endif
