/* make bench: which benchmarks there are, and under what conditions they ran. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_question questions[] = {
    {"gradients", "numerical against analytic gradients", bench_gradients},
    {"gemm", "matrix products at the shapes used, against the FMA peak", bench_gemm},
    {"kernels", "the elementwise loops for each instruction set", bench_kernels},
    {"optimizers", "one step of each optimiser beside the memory's bandwidth", bench_optimizers},
    {"training", "a step and the whole job against the BLAS floor", bench_training},
    {"scaling", "how a step scales with batch, units, layers, threads, precision", bench_scaling},
    {"convolution", "convolutions of known networks against the FMA peak", bench_convolution},
    {"convnets", "training steps of these networks against the FMA peak", bench_convnets},
};
enum { count = sizeof questions / sizeof *questions };

#ifndef BENCH_FLAGS
#define BENCH_FLAGS "unknown"
#endif

#if defined(__clang__)
#define BENCH_COMPILER __VERSION__
#elif defined(__GNUC__)
#define BENCH_COMPILER "gcc " __VERSION__
#else
#define BENCH_COMPILER "unknown"
#endif

static void print_processor(void)
{
    char line[256], name[256] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name : %255[^\n]", name) == 1) break;
    if (file) fclose(file);
    printf("processor:  %s, %zu for this process\n", name, nb_processors());
}

static void print_peak(nb_dtype dtype)
{
    const size_t all = nb_processors();
    printf("FMA peak:   %s, %.0f GFLOP/s on one thread", nb_dtype_name(dtype),
           bench_fma_peak(dtype, 1));
    if (all > 1) printf(", %.0f on %zu", bench_fma_peak(dtype, all), all);
    putchar('\n');
}

/* Of the last minute, before any of our own work. */
static void print_load(void)
{
    double load;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%lf", &load) == 1) {
        printf("load:       %.2f\n", load);
        if (load > 0.5)
            puts(
                "WARNING:    the machine is busy, or was a minute ago: do not trust these figures");
    }
    if (file) fclose(file);
}

static void print_header(void)
{
    print_processor();
    printf("compiler:   %s, %s\n", BENCH_COMPILER, BENCH_FLAGS);
    printf("BLAS:       %s\n", nb_blas_description());
    printf("            with its kernels for %s\n", nb_blas_core());
    printf("threads:    one, ours and BLAS's, unless a row or a column says otherwise\n");
    print_load();
    print_peak(NB_FLOAT32);
    print_peak(NB_FLOAT64);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    nb_blas_set_threads(1);
    for (int i = 1; i < argc; i++) {
        int known = 0;
        for (size_t q = 0; q < count; q++) known |= strcmp(argv[i], questions[q].name) == 0;
        if (known) continue;
        fprintf(stderr, "bench: '%s' is none of:\n", argv[i]);
        for (size_t q = 0; q < count; q++)
            fprintf(stderr, "  %-11s %s\n", questions[q].name, questions[q].question);
        return 2;
    }
    print_header();
    for (size_t q = 0; q < count; q++) {
        bool wanted = argc == 1 && questions[q].answer != bench_convnets; /* part of another */
        for (int i = 1; i < argc; i++) wanted |= strcmp(argv[i], questions[q].name) == 0;
        if (wanted) questions[q].answer();
    }
    return 0;
}
