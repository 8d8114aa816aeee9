#include "five_layers.h"

#include <math.h>

const char *const five_activations[] = {"sigmoid", "relu", "tanh", NULL};

void five_scales(five_scale scale[FIVE_SCALES])
{
    scale[0] = (five_scale){"std", 1};
    scale[1] = (five_scale){"std", 0.01};
    scale[2] = (five_scale){"Xavier", sqrt(1.0 / FIVE_NODES)};
    scale[3] = (five_scale){"He", sqrt(2.0 / FIVE_NODES)};
}

double (*five_layers(const page *p, int activation, double std, uint32_t seed))[FIVE_COUNT]
{
    void (*const functions[])(size_t, const double *, double *) = {nb_dsigmoid, nb_drelu, nb_dtanh};
    static double x[FIVE + 1][FIVE_COUNT], w[FIVE_NODES * FIVE_NODES], a[FIVE_COUNT];
    nb_random random;
    nb_random_seed(&random, seed);
    for (size_t i = 0; i < FIVE_COUNT; i++) x[0][i] = nb_random_randn(&random);
    for (size_t layer = 0; layer < FIVE; layer++) {
        for (size_t i = 0; i < FIVE_NODES * FIVE_NODES; i++) w[i] = nb_random_randn(&random) * std;
        page_check(p, nb_dgemm(false, false, FIVE_ROWS, FIVE_NODES, FIVE_NODES, 1, x[layer],
                               FIVE_NODES, w, FIVE_NODES, 0, a, FIVE_NODES));
        functions[activation](FIVE_COUNT, a, x[layer + 1]);
    }
    return x;
}

five_summary five_summarize(const page *p, const double *z)
{
    static double squares[FIVE_COUNT];
    five_summary s = {.mean = nb_dsum(FIVE_COUNT, z) / FIVE_COUNT};
    for (size_t i = 0; i < FIVE_COUNT; i++) squares[i] = (z[i] - s.mean) * (z[i] - s.mean);
    s.std = sqrt(nb_dsum(FIVE_COUNT, squares) / FIVE_COUNT);
    page_check(p, nb_histogram(FIVE_COUNT, z, 0, 1, FIVE_BINS, s.count));
    for (size_t b = 0; b < FIVE_BINS; b++) s.inside += s.count[b];
    return s;
}
