/* bench.h - timing, tables and charts for the benchmarks; one file bench/<question>.c for each
 * question. */
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
void bench_gemm(void);
void bench_kernels(void);
void bench_optimizers(void);
void bench_training(void);
void bench_scaling(void);
void bench_convolution(void);
void bench_convnets(void);

/* --- timing (measure.c, peak.c, products.c) --------------------------------------------------------------- */

/* Seconds of one call. */
typedef struct bench_time {
    double least, median;
} bench_time;

/* bench_measure - time call(context) as FFTW does: blocks of as many calls as take 2 ms (or of one
 * call, if that takes longer), for 0.2 s in all; the least and the median block.
 * bench_compare - the same for several calls whose ratio is wanted: in three rounds, each of them
 * in turn, so that a change of the machine's speed meets all of them. Before its blocks of a round
 * each runs untimed for 30 ms: caches fill, its threads wake, and those of the call before it,
 * which OpenBLAS lets spin for 26 ms, fall asleep. At most 8 calls. */
bench_time bench_measure(void (*call)(void *context), void *context);
void bench_compare(size_t n, void (*const call[])(void *context), void *const context[],
                   bench_time time[]);

/* bench_fma_peak - GFLOP/s of fused multiply-adds in registers on so many threads at once, float32
 * or float64, measured now. */
double bench_fma_peak(nb_dtype dtype, size_t threads);

/* bench_blas_threads - set BLAS's own threads, if they are others; for use in timed calls.
 * bench_cblas - cblas_sgemm or cblas_dgemm itself, rows contiguous: what nb_?gemm is held to.
 *               C(m,n) := alpha op(A)(m,k) op(B)(k,n) + beta C */
void bench_blas_threads(size_t threads);
void bench_cblas(nb_dtype dtype, bool trans_a, bool trans_b, size_t m, size_t n, size_t k,
                 double alpha, const void *A, const void *B, double beta, void *C);

/* --- tables (table.c) ------------------------------------------------------------------------- */

/* A table on the terminal, and beside it build/bench/<name>.csv. Cells are text, made with
 * bench_cell (static buffers, used in turn). */
void bench_table(const char *name, const char *title, size_t columns, const char *const *heading);
void bench_row(const char *const *cell);
void bench_note(const char *format, ...) NB_PRINTF(1, 2);
void bench_table_end(void);
const char *bench_cell(const char *format, ...) NB_PRINTF(1, 2);

/* --- charts (chart.c) ------------------------------------------------------------------------- */

/* A height that a chart marks with a line: the peak. */
typedef struct bench_mark {
    const char *label;
    double height;
} bench_mark;

/* One pair of axes: value(series, points) as lines over at[], both axes logarithmic, or, where `at`
 * is NULL, as a group of bars for each point. A NaN is left out. */
typedef struct bench_panel {
    const char *title, *x, *y;
    size_t points, series;
    const double *at;         /* (points) or NULL */
    const char *const *group; /* (points) names of the groups of bars */
    const char *const *label; /* (series) */
    const double *value;
    const char *format; /* printf's for one double: write it above each bar; NULL: do not */
    size_t marks;
    bench_mark mark[2];
} bench_panel;

/* bench_pick - of value(series, all) the chosen points, as picked(series, points). */
void bench_pick(size_t series, size_t all, const double *value, size_t points,
                const size_t chosen[], double *picked);

/* bench_chart - the panels as build/bench/<name>.png: lines side by side, bars one above another.
 */
void bench_chart(const char *name, const char *title, size_t panels, const bench_panel *panel);

/* --- the rest (data.c) ------------------------------------------------------------------------ */

/* bench_check - the status of a call that must not fail; ends the program with its detail if it
 * did.
 * bench_fail - end the program: a result is wrong, so its time means nothing. */
void bench_check(nb_status status);
_Noreturn void bench_fail(const char *format, ...) NB_PRINTF(1, 2);

/* bench_numbers - n numbers in [0, 1) of a type, aligned, to be released with nb_free. */
void *bench_numbers(nb_dtype dtype, size_t n);

/* bench_mnist - real MNIST from $NABLAS_DATA or data/mnist, or else a stand-in of the same size in
 * which as many pixels are ink; says which. Loaded once. */
const nb_mnist *bench_mnist(void);

#endif
