/* weight_init_activation_histogram - what five layers make of random numbers, for four standard
 * deviations of their weights (6.2.2, figures 6-10 to 6-14). */
#include "chapter6.h"
#include "common.h"

#include <math.h>

enum { ROWS = 1000, NODES = 100, LAYERS = 5, COUNT = ROWS * NODES, BINS = 30 };

static const char *const activations[] = {"sigmoid", "relu", "tanh", NULL};

/* A way to choose the standard deviation of the weights. */
typedef struct scale {
    const char *name;
    double std;
} scale;

static double x[LAYERS + 1][COUNT]; /* input data, then the layers' activations */

/* x = activation(x w), five times. */
static void run(const page *p, int activation, double std, uint32_t seed)
{
    void (*const functions[])(size_t, const double *, double *) = {nb_dsigmoid, nb_drelu, nb_dtanh};
    static double w[NODES * NODES], a[COUNT];
    nb_random random;
    nb_random_seed(&random, seed);
    for (size_t i = 0; i < COUNT; i++) x[0][i] = nb_random_randn(&random);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        for (size_t i = 0; i < NODES * NODES; i++) w[i] = nb_random_randn(&random) * std;
        page_check(p, nb_dgemm(false, false, ROWS, NODES, NODES, 1, x[layer], NODES, w, NODES, 0, a,
                               NODES));
        functions[activation](COUNT, a, x[layer + 1]);
    }
}

typedef struct summary {
    double mean, std;
    size_t count[BINS], inside; /* of (0, 1) */
} summary;

static summary summarize(const page *p, const double *z)
{
    static double squares[COUNT];
    summary s = {.mean = nb_dsum(COUNT, z) / COUNT};
    for (size_t i = 0; i < COUNT; i++) squares[i] = (z[i] - s.mean) * (z[i] - s.mean);
    s.std = sqrt(nb_dsum(COUNT, squares) / COUNT);
    page_check(p, nb_histogram(COUNT, z, 0, 1, BINS, s.count));
    for (size_t b = 0; b < BINS; b++) s.inside += s.count[b];
    return s;
}

static void print_scale(const page *p, const scale *chosen)
{
    printf("weights: %s = %.8g\n", chosen->name, chosen->std);
    for (size_t layer = 1; layer <= LAYERS; layer++) {
        const summary s = summarize(p, x[layer]);
        printf("  layer %zu: mean %-13.8g std %-11.8g bins 0, 15, 29: %zu %zu %zu, inside %zu\n",
               layer, s.mean, s.std, s.count[0], s.count[15], s.count[29], s.inside);
    }
}

/* Of ReLU half of everything is 0, and would hide the rest. */
static void draw(nb_figure *fig, size_t rows, size_t row, bool relu, const char *name)
{
    for (size_t layer = 1; layer <= LAYERS; layer++) {
        char title[64];
        nb_axes *ax = nb_figure_axes(fig, rows, LAYERS, row * LAYERS + layer - 1);
        nb_plot_histogram(ax, COUNT, x[layer], BINS, 0, 1, NULL);
        nb_axes_xlim(ax, 0, 1);
        if (relu) nb_axes_ylim(ax, 0, 7000);
        snprintf(title, sizeof title, "layer %zu", layer);
        if (row == 0) nb_axes_title(ax, title);
        if (layer == 1) nb_axes_labels(ax, NULL, name);
    }
}

int main(int argc, char **argv)
{
    page p;
    const char *activation_name = "sigmoid", *std_text = NULL, *seed_text = "0";
    const page_option options[] = {
        {"activation", "NAME", "sigmoid, relu or tanh (sigmoid)", &activation_name},
        {"std", "X", "of the weights (1, 0.01, Xavier's and He's)", &std_text},
        {"seed", "N", "as np.random.seed(N), anew for each std (0)", &seed_text},
        {0}};
    page_begin(&p, argc, argv, "Activations of five layers, by their first weights (6.2.2).",
               options);
    const int activation = one_of(p.program, "--activation", activation_name, activations);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;
    scale scales[4] = {
        {"std", 1}, {"std", 0.01}, {"Xavier", sqrt(1.0 / NODES)}, {"He", sqrt(2.0 / NODES)}};
    size_t count = 4;
    if (std_text) {
        scales[0].std = finite_number(p.program, "--std", std_text);
        if (scales[0].std < 0)
            usage_error(p.program, "--std '%s': expected a number from 0", std_text);
        count = 1;
    }

    nb_figure *fig;
    nb_figure_create(&fig, 860, count == 1 ? 220 : 640);
    printf("%d x %d numbers through %d layers of %s\n", ROWS, NODES, LAYERS, activation_name);
    for (size_t k = 0; k < count; k++) {
        char name[64];
        run(&p, activation, scales[k].std, seed);
        print_scale(&p, &scales[k]);
        snprintf(name, sizeof name, "%s %.3g", scales[k].name, scales[k].std);
        draw(fig, count, k, activation == 1, name);
    }
    nb_figure_share(fig, true, false);
    page_save(&p, fig, NULL, "activations of five layers");
    return page_end(&p);
}
