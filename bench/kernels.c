/* The elementwise loops, for each instruction set of the machine. */
#include "kernels.h"

#include <math.h>

static const char *const isa[isas] = {"base", "avx2", "avx512"};

enum { n = 5000 };

static void run_libm(void *context)
{
    float *y = context; /* (2n), the second half what the exponential is taken of */
    for (size_t i = 0; i < n; i++) y[i] = expf(y[n + i]);
}

/* Nanoseconds of libm's expf for one element: what the loops replace. */
static double libm(void)
{
    float *y = bench_numbers(NB_FLOAT32, 2 * n);
    const double seconds = bench_measure(run_libm, y).least;
    nb_free(y);
    return seconds * 1e9 / n;
}

static const char *cell_of(double ns)
{
    return isnan(ns) ? "-" : bench_cell("%.3f", ns);
}

static double fastest(const kernel_time *row)
{
    return fmin(row->ns[0], fmin(row->ns[1], row->ns[2])); /* fmin ignores NaN */
}

static void table(nb_dtype dtype, const kernel_time *row, size_t count)
{
    const char *name = nb_dtype_name(dtype);
    bench_table(bench_cell("kernels-%s", name),
                bench_cell("elementwise loops in %s, in the cache: least ns per element", name), 5,
                (const char *[]){"", isa[0], isa[1], isa[2], "gain"});
    for (size_t k = 0; k < count; k++)
        bench_row((const char *[]){row[k].name, cell_of(row[k].ns[0]), cell_of(row[k].ns[1]),
                                   cell_of(row[k].ns[2]),
                                   bench_cell("%.1f", row[k].ns[0] / fastest(&row[k]))});
    bench_table_end();
}

/* How many times faster than base the wider ones are. */
static bench_panel panel_of(nb_dtype dtype, const kernel_time *row, size_t count,
                            const char **group, double *gain)
{
    for (size_t k = 0; k < count; k++) {
        group[k] = row[k].name;
        for (size_t i = 1; i < isas; i++) gain[(i - 1) * count + k] = row[k].ns[0] / row[k].ns[i];
    }
    return (bench_panel){.title = nb_dtype_name(dtype),
                         .y = "times as fast as base",
                         .points = count,
                         .series = isas - 1,
                         .group = group,
                         .label = isa + 1,
                         .value = gain,
                         .marks = 1,
                         .mark = {{"base", 1}}};
}

void bench_kernels(void)
{
    static const nb_dtype dtype[2] = {NB_FLOAT32, NB_FLOAT64};
    static kernel_time row[most_kernels];
    const char *group[most_kernels];
    double gain[2][isas * most_kernels];
    bench_panel panel[2];
    for (int d = 0; d < 2; d++) {
        const size_t count = d ? nb_dkernel_times(isa, row) : nb_skernel_times(isa, row);
        table(dtype[d], row, count);
        panel[d] = panel_of(dtype[d], row, count, group, gain[d]);
    }
    bench_note("gain: base against the fastest; all give the same bits.");
    bench_note("libm's expf, one element at a time: %.2f ns", libm());
    bench_chart("kernels", "Elementwise loops, by instruction set", 2, panel);
}
