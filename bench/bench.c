/* make bench: which benchmarks there are, and under what conditions they ran. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_question questions[] = {
    {"gradients", "numerical against analytic gradients", bench_gradients},
    {"training", "a step and the whole job against the BLAS floor", bench_training},
    {"scaling", "how a step scales with batch, units, layers, threads, precision", bench_scaling},
};
enum { count = sizeof questions / sizeof *questions };

#ifndef BENCH_FLAGS
#define BENCH_FLAGS "unknown"
#endif

static void print_processor(void)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            printf("processor:  %s", colon + 2);
            break;
        }
    }
    if (file) fclose(file);
}

static void print_header(void)
{
    print_processor();
    printf("processors: %zu for this process\n", nb_processors());
#ifdef __VERSION__
    printf("compiler:   %s\n", __VERSION__);
#endif
    printf("flags:      %s\n", BENCH_FLAGS);
    printf("BLAS:       OpenBLAS for %s, one thread unless a row says otherwise\n", nb_blas_core());
    printf("FMA peak:   %.0f GFLOP/s in float32, %.0f in float64, one core\n",
           bench_fma_peak(NB_FLOAT32), bench_fma_peak(NB_FLOAT64));
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
            fprintf(stderr, "  %-10s %s\n", questions[q].name, questions[q].question);
        return 2;
    }
    print_header();
    for (size_t q = 0; q < count; q++) {
        bool wanted = argc == 1;
        for (int i = 1; i < argc; i++) wanted |= strcmp(argv[i], questions[q].name) == 0;
        if (wanted) questions[q].answer();
    }
    return 0;
}
