/* The matrix products that training and prediction ask for, four ways:
 *   nablas  nb_?gemm through the table of kernels, as the graph calls it
 *   cblas   cblas_?gemm itself
 *   BLAS    the same call on all of BLAS's own threads
 *   pool    the rows of C shared out over our threads, each with BLAS on one thread, as the graph
 *           does */
#include "bench.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* C(m,n) := alpha op(A)(m,k) op(B)(k,n) + beta C */
typedef struct shape {
    const char *name;
    bool trans_a, trans_b;
    size_t m, n, k;
    double beta;
} shape;

/* The default job has 784-50-10 and batches of 100, of whose 784 pixels 259 go through BLAS;
 * its evaluation takes 200 rows at once. Weights get their update in the product (beta = 1). */
static const shape shapes[] = {
    {"forward W1", false, false, 100, 50, 784, 0},
    {"packed forward", false, false, 100, 50, 259, 0},
    {"forward W2", false, false, 100, 10, 50, 0},
    {"back W2", false, true, 100, 50, 10, 0},
    {"update W2", true, false, 50, 10, 100, 1},
    {"update W1", true, false, 784, 50, 100, 1},
    {"packed update", true, false, 259, 50, 100, 1},
    {"evaluation", false, false, 200, 50, 784, 0},
    {"image W1", false, false, 1, 50, 784, 0},
    {"image W2", false, false, 1, 100, 50, 0},
    {"hidden 500", false, false, 1000, 500, 784, 0},
    {"update 500", true, false, 784, 500, 1000, 1},
    {"square 256", false, false, 256, 256, 256, 0},
    {"square 1024", false, false, 1024, 1024, 1024, 0},
};
enum { count = sizeof shapes / sizeof *shapes };
static const double alpha = 1e-3;

typedef enum { NABLAS, CBLAS, BLAS, POOL, WAYS } way;

typedef struct product {
    const shape *s;
    const nb_kernels *kernels;
    nb_pool *pool;
    const void *A, *B;
    void *C;
    size_t lda, ldb;
} product;

/* --- the ways --------------------------------------------------------------------------------- */

static void by_nablas(const product *p)
{
    const shape *s = p->s;
    bench_check(p->kernels->gemm(s->trans_a, s->trans_b, s->m, s->n, s->k, alpha, p->A, p->lda,
                                 p->B, p->ldb, s->beta, p->C, s->n));
}

static void run_nablas(void *context)
{
    bench_blas_threads(1);
    by_nablas(context);
}

static void run_blas(void *context)
{
    bench_blas_threads(nb_processors());
    by_nablas(context);
}

static void run_cblas(void *context)
{
    const product *p = context;
    const shape *s = p->s;
    bench_blas_threads(1);
    bench_cblas(p->kernels->dtype, s->trans_a, s->trans_b, s->m, s->n, s->k, alpha, p->A, p->B,
                s->beta, p->C);
}

static nb_status do_share(void *context, size_t part, size_t parts)
{
    const product *p = context;
    const shape *s = p->s;
    const size_t size = p->kernels->size;
    size_t lo, hi;
    nb_share_rows(s->m, part, parts, &lo, &hi);
    return p->kernels->gemm(s->trans_a, s->trans_b, hi - lo, s->n, s->k, alpha,
                            (const char *)p->A + (s->trans_a ? lo : lo * p->lda) * size, p->lda,
                            p->B, p->ldb, s->beta, (char *)p->C + lo * s->n * size, s->n);
}

static void run_pool(void *context)
{
    const product *p = context;
    bench_blas_threads(1);
    bench_check(nb_pool_run(p->pool, do_share, context));
}

static void (*const run[WAYS])(void *) = {run_nablas, run_cblas, run_blas, run_pool};

/* --- the check -------------------------------------------------------------------------------- */

/* Some elements against their definition in double, within Higham's bound: an element is k+1
 * products and as many sums (Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.5). */
static void check(const product *p, const void *C0)
{
    const shape *s = p->s;
    double (*get)(const void *, size_t) = p->kernels->get;
    const double epsilon = p->kernels->dtype == NB_FLOAT32 ? (double)FLT_EPSILON : DBL_EPSILON;
    for (size_t c = 0; c < s->m * s->n; c += 1 + s->m * s->n / 97) {
        const size_t i = c / s->n, j = c % s->n;
        double sum = s->beta == 0 ? 0 : s->beta * get(C0, c), size = fabs(sum);
        for (size_t l = 0; l < s->k; l++) {
            const double a = get(p->A, s->trans_a ? l * p->lda + i : i * p->lda + l);
            const double b = get(p->B, s->trans_b ? j * p->ldb + l : l * p->ldb + j);
            sum += alpha * a * b;
            size += fabs(alpha * a * b);
        }
        if (!(fabs(get(p->C, c) - sum) <= (double)(s->k + 3) * epsilon * size))
            bench_fail("%s, element (%zu, %zu): %.17g, expected %.17g", s->name, i, j, get(p->C, c),
                       sum);
    }
}

/* --- the tables ------------------------------------------------------------------------------- */

static product product_of(const shape *s, nb_dtype dtype, nb_pool *pool)
{
    return (product){.s = s,
                     .kernels = nb_kernels_of(dtype),
                     .pool = pool,
                     .A = bench_numbers(dtype, s->m * s->k),
                     .B = bench_numbers(dtype, s->k * s->n),
                     .C = bench_numbers(dtype, s->m * s->n),
                     .lda = s->trans_a ? s->m : s->k,
                     .ldb = s->trans_b ? s->k : s->n};
}

static void measure(const shape *s, nb_dtype dtype, nb_pool *pool, size_t ways, bench_time *time)
{
    product p = product_of(s, dtype, pool);
    void *C0 = bench_numbers(dtype, s->m * s->n);
    for (size_t w = 0; w < ways; w++) {
        memcpy(p.C, C0, s->m * s->n * p.kernels->size);
        run[w](&p);
        check(&p, C0);
    }
    bench_compare(ways, run, (void *const[]){&p, &p, &p, &p}, time);
    nb_free((void *)p.A);
    nb_free((void *)p.B);
    nb_free(p.C);
    nb_free(C0);
}

static const char *micro(double seconds)
{
    return bench_cell(seconds < 1e-4 ? "%.2f" : "%.0f", seconds * 1e6);
}

static void print(const shape *s, size_t ways, const bench_time time[], const double rate[],
                  double peak, double peak_all)
{
    const char *cell[10] = {bench_cell("%-14s %c%c %zux%zux%zu", s->name, s->trans_a ? 'T' : 'N',
                                       s->trans_b ? 'T' : 'N', s->m, s->n, s->k),
                            micro(time[NABLAS].least),
                            micro(time[NABLAS].median),
                            bench_cell("%.1f", rate[NABLAS]),
                            bench_cell("%.0f", 100 * rate[NABLAS] / peak),
                            bench_cell("%.3f", time[NABLAS].least / time[CBLAS].least)};
    for (size_t w = BLAS; w < ways; w++) {
        cell[6 + 2 * (w - BLAS)] = bench_cell("%.1f", rate[w]);
        cell[7 + 2 * (w - BLAS)] = bench_cell("%.0f", 100 * rate[w] / peak_all);
    }
    bench_row(cell);
}

/* Fills rate(ways, count). */
static void answer_for(nb_dtype dtype, nb_pool *pool, double *rate, bench_mark mark[2])
{
    const size_t all = nb_processors(), ways = all > 1 ? WAYS : BLAS;
    const char *name = nb_dtype_name(dtype);
    mark[0] = (bench_mark){"FMA peak, 1 core", bench_fma_peak(dtype, 1)};
    mark[1] = (bench_mark){"FMA peak, all cores", bench_fma_peak(dtype, all)};
    bench_table(bench_cell("gemm-%s", name),
                bench_cell("products C(m,n) += A(m,k) B(k,n) in %s; FMA peak %.0f GFLOP/s "
                           "on 1 thread, %.0f on %zu",
                           name, mark[0].height, mark[1].height, all),
                ways == WAYS ? 10 : 6,
                (const char *[]){"                  mxnxk", "us", "median", "GFLOP/s", "% peak",
                                 "/ cblas", bench_cell("BLAS x%zu", all), "% peak",
                                 bench_cell("pool x%zu", all), "% peak"});
    for (size_t i = 0; i < count; i++) {
        const shape *s = &shapes[i];
        const double flop = 2.0 * (double)s->m * (double)s->n * (double)s->k;
        bench_time time[WAYS];
        double now[WAYS];
        measure(s, dtype, pool, ways, time);
        for (size_t w = 0; w < ways; w++) now[w] = flop / time[w].least * 1e-9;
        print(s, ways, time, now, mark[0].height, mark[1].height);
        for (size_t w = 0; w < ways; w++) rate[w * count + i] = now[w];
    }
    bench_table_end();
}

static void draw(bench_panel panel[2], size_t all)
{
    const char *const label[WAYS] = {"nablas, 1 thread", "cblas, 1 thread",
                                     bench_cell("BLAS on %zu threads", all),
                                     bench_cell("our pool of %zu threads", all)};
    const char *group[count];
    for (size_t i = 0; i < count; i++) group[i] = shapes[i].name;
    for (int d = 0; d < 2; d++) {
        panel[d].group = group;
        panel[d].label = label;
    }
    bench_chart("gemm", "Products of the default job and larger ones", 2, panel);
}

void bench_gemm(void)
{
    static double rate[2][WAYS * count];
    static const nb_dtype dtype[2] = {NB_FLOAT32, NB_FLOAT64};
    const size_t all = nb_processors();
    bench_panel panel[2];
    nb_pool *pool;
    bench_check(nb_pool_create(&pool, all));
    for (int d = 0; d < 2; d++) {
        panel[d] = (bench_panel){.title = nb_dtype_name(dtype[d]),
                                 .y = "GFLOP/s",
                                 .points = count,
                                 .series = all > 1 ? WAYS : BLAS,
                                 .value = rate[d],
                                 .marks = all > 1 ? 2 : 1};
        answer_for(dtype[d], pool, rate[d], panel[d].mark);
    }
    nb_pool_destroy(pool);
    bench_blas_threads(1);
    bench_note("us ... %% peak: nb_?gemm on one thread, the least time and rates from it;");
    bench_note("/ cblas: its time against that of cblas_?gemm. All rates are by the least time.");
    bench_note("BLAS: GFLOP/s on BLAS's own threads. pool: rows of C shared out over ours.");
    bench_note("T: that operand is transposed. Operands stay in the cache as far as they fit.");
    draw(panel, all);
}
