/* logic_gates - perceptrons that are AND, NAND and OR, and the XOR of two layers (2.3 to 2.5). */
#include "common.h"

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

/* AND with every sign turned round, that of b too: with b = -0.7 it would never answer 1. */
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

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Perceptrons as logic gates: AND, NAND, OR, XOR (2.3, 2.5).", NULL);

    printf("x1 x2 ");
    for (int g = 0; g < 4; g++) printf("%6s", gates[g].name);
    for (int i = 0; i < 4; i++) {
        printf("\n %g  %g ", points[i][0], points[i][1]);
        for (int g = 0; g < 4; g++) printf("%6g", gates[g].of(points[i]));
    }
    putchar('\n');
    return page_end(&p);
}
