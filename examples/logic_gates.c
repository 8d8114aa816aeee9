/* logic_gates - perceptrons that are AND, NAND and OR, and the XOR of two layers (2.3 to 2.5). */
#include "common.h"
#include "print.h"

#include <math.h>

static const double points[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};

/* 1 if x w + b > 0, else 0. */
static double gate(const double x[2], const double w[2], double b)
{
    double a, y;
    nb_daffine(1, 2, 1, x, 2, w, 1, &b, &a, 1);
    nb_dstep(1, &a, &y);
    return y;
}

static double and_gate(const double x[2])
{
    return gate(x, (double[]){0.5, 0.5}, -0.7);
}

/* AND with every sign reversed, including that of b: with b = -0.7 the output would never be 1. */
static double nand_gate(const double x[2])
{
    return gate(x, (double[]){-0.5, -0.5}, 0.7);
}

static double or_gate(const double x[2])
{
    return gate(x, (double[]){0.5, 0.5}, -0.2);
}

static double xor_gate(const double x[2])
{
    const double s[2] = {nand_gate(x), or_gate(x)};
    return and_gate(s);
}

static const struct {
    const char *name;
    double (*of)(const double x[2]);
} gates[4] = {{"AND", and_gate}, {"NAND", nand_gate}, {"OR", or_gate}, {"XOR", xor_gate}};

/* The plane of the inputs: grey where the gate says 1; its four inputs, triangles where it says 1,
 * circles where it says 0. */
static void draw(nb_axes *ax, int g)
{
    enum { SIDE = 181 };
    double x[SIDE], lowest[SIDE], highest[SIDE];
    for (int i = 0; i < SIDE; i++) {
        x[i] = -0.4 + 0.01 * i;
        lowest[i] = highest[i] = (double)NAN;
        for (int j = 0; j < SIDE; j++) {
            const double y = -0.403 + 0.01 * j; /* off the line, where rounding decides */
            if (gates[g].of((double[]){x[i], y}) == 0) continue;
            highest[i] = y;
            if (isnan(lowest[i])) lowest[i] = y;
        }
    }
    nb_plot_fill(ax, SIDE, x, lowest, highest, &(nb_fill_style){.color = 0x40808080});
    for (int i = 0; i < 4; i++) {
        const bool one = gates[g].of(points[i]) == 1;
        nb_plot_scatter(ax, 1, &points[i][0], &points[i][1],
                        &(nb_line_style){.color = one ? NB_RED : NB_BLUE,
                                         .marker = one ? NB_TRIANGLE : NB_CIRCLE,
                                         .size = 11});
    }
    nb_axes_title(ax, gates[g].name);
    nb_axes_labels(ax, "x₁", "x₂");
    nb_axes_xlim(ax, -0.4, 1.4);
    nb_axes_ylim(ax, -0.4, 1.4);
    nb_axes_xticks(ax, 2, (double[]){0, 1}, NULL);
    nb_axes_yticks(ax, 2, (double[]){0, 1}, NULL);
    nb_axes_equal(ax);
}

/* What AND computes for (0, 1) before it says 0 or 1. */
static void weigh(void)
{
    const double x[2] = {0, 1}, w[2] = {0.5, 0.5}, b = -0.7;
    double wx[2];
    nb_dmultiply(2, w, x, 0, wx);
    print_array("x", 2, x);
    print_array("w", 2, w);
    printf("b = %s\n", repr(b));
    print_array("w*x", 2, wx);
    printf("np.sum(w*x) = %s\n", repr(nb_dsum(2, wx)));
    printf("np.sum(w*x) + b = %s\n\n", repr(nb_dsum(2, wx) + b));
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Perceptrons as logic gates: AND, NAND, OR, XOR (2.3, 2.5).", NULL);

    weigh();
    printf("x1 x2 ");
    for (int g = 0; g < 4; g++) printf("%6s", gates[g].name);
    for (int i = 0; i < 4; i++) {
        printf("\n %g  %g ", points[i][0], points[i][1]);
        for (int g = 0; g < 4; g++) printf("%6g", gates[g].of(points[i]));
    }
    putchar('\n');

    nb_figure *fig;
    nb_figure_create(&fig, 480, 480);
    for (int g = 0; g < 4; g++) draw(nb_figure_axes(fig, 2, 2, (size_t)g), g);
    page_save(&p, fig, NULL, "logic gates");
    return page_end(&p);
}
