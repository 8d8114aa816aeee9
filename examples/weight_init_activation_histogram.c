/* weight_init_activation_histogram - what five layers make of random numbers, for four standard
 * deviations of their weights (6.2.2, figures 6-10 to 6-14). */
#include "display.h"
#include "five_layers.h"

static void print_scale(const page *p, const five_scale *chosen, double (*x)[FIVE_COUNT])
{
    printf("weights: %s = %.8g\n", chosen->name, chosen->std);
    for (size_t layer = 1; layer <= FIVE; layer++) {
        const five_summary s = five_summarize(p, x[layer]);
        print_line("  layer %zu: mean %-13.8g std %-11.8g bins 0, 15, 29: %zu %zu %zu, inside %zu",
                   layer, s.mean, s.std, s.count[0], s.count[15], s.count[29], s.inside);
    }
}

/* Of ReLU half of everything is 0, and would hide the rest. */
static void draw(nb_figure *fig, size_t rows, size_t row, bool relu, const char *name,
                 double (*x)[FIVE_COUNT])
{
    for (size_t layer = 1; layer <= FIVE; layer++) {
        char title[64];
        nb_axes *ax = nb_figure_axes(fig, rows, FIVE, row * FIVE + layer - 1);
        nb_plot_histogram(ax, FIVE_COUNT, x[layer], FIVE_BINS, 0, 1, NULL);
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
    const int activation = one_of(p.program, "--activation", activation_name, five_activations);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;
    five_scale scales[FIVE_SCALES];
    size_t count = FIVE_SCALES;
    five_scales(scales);
    if (std_text) {
        scales[0].std = finite_number(p.program, "--std", std_text);
        if (scales[0].std < 0)
            usage_error(p.program, "--std '%s': expected a number from 0", std_text);
        count = 1;
    }

    nb_figure *fig;
    nb_figure_create(&fig, 860, count == 1 ? 220 : 640);
    printf("%d x %d numbers through %d layers of %s\n", FIVE_ROWS, FIVE_NODES, FIVE,
           activation_name);
    for (size_t k = 0; k < count; k++) {
        char name[64];
        double(*x)[FIVE_COUNT] = five_layers(&p, activation, scales[k].std, seed);
        print_scale(&p, &scales[k], x);
        snprintf(name, sizeof name, "%s %.3g", scales[k].name, scales[k].std);
        draw(fig, count, k, activation == 1, name, x);
    }
    nb_figure_share(fig, true, false);
    page_save(&p, fig, NULL, "activations of five layers");
    return page_end(&p);
}
