/* learning_rate - why a learning rate of 0.1 works and 10 does not, and where the limit is
 * (4.4.1). */
#include "common.h"
#include "display.h"
#include "print.h"

#include <math.h>

enum { STEPS = 100, POINTS = 121 };

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

/* From (-3, 4); returns |x| at the end. */
static double descend(const page *p, double lr, double *x, double *path)
{
    x[0] = -3;
    x[1] = 4;
    page_check(p, nb_gradient_descent(function_2, NULL, 2, x, lr, STEPS, path));
    return hypot(x[0], x[1]);
}

static void print_books_runs(const page *p)
{
    static const double rates[] = {0.1, 10, 1e-10};
    double x[2];
    printf("from (-3, 4), %d steps\n", STEPS);
    for (int i = 0; i < 3; i++) {
        descend(p, rates[i], x, NULL);
        printf("lr %-8g", rates[i]);
        print_array("x", 2, x);
    }
}

/* The Hessian's largest eigenvalue says how far a step may go. */
static double print_limit(const page *p)
{
    double x[2] = {-3, 4}, H[4], values[2];
    nb_numerical_hessian(function_2, NULL, 2, x, H);
    page_check(p, nb_symmetric_eigenvalues(2, H, values, NULL));
    printf("\nthe Hessian at (-3, 4), by differences\n");
    print_matrix("H", 2, 2, H);
    print_array("eigenvalues", 2, values);
    printf("A step multiplies x along an eigenvector by 1 - lr eigenvalue: it shrinks\n"
           "if lr < 2 / largest eigenvalue = %g.\n",
           2 / values[1]);
    return 2 / values[1];
}

static void sweep(const page *p, double limit)
{
    static const double rates[] = {0.001, 0.01, 0.1,  0.3, 0.5, 0.7, 0.9,
                                   0.99,  1,    1.01, 1.1, 1.5, 2,   10};
    double x[2];
    printf("\nlr       1 - 2 lr   |x| after %d steps   5 |1 - 2 lr|^%d\n", STEPS, STEPS);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        printf("%-7g  %-9.6g  %-19.3g  %.3g%s\n", rates[i], 1 - 2 * rates[i],
               descend(p, rates[i], x, NULL), 5 * pow(fabs(1 - 2 * rates[i]), STEPS),
               rates[i] == limit ? "   the limit" : "");
    printf("Near 1e-21 and beyond 1e12 rounding takes over.\n");
}

/* With lr = 10 a step multiplies x by -19, and a hundred would make 4e128 of the 5. */
static void print_freeze(const page *p)
{
    double path[STEPS + 1][2], x[2], gradient[2];
    int last = 0;
    descend(p, 10, x, *path);
    while (last < STEPS && (path[last][0] != x[0] || path[last][1] != x[1])) last++;
    printf("\nlr 10, step by step: rounding stops the gradient\n"
           "step  x0                numerical gradient  2 x0            gap to next double\n");
    for (int i = 0; i <= last + 1; i++) {
        nb_numerical_gradient(function_2, NULL, 2, path[i], gradient);
        printf("%4d  %-16.9g  %-18.9g  %-14.9g  %.2g\n", i, path[i][0], gradient[0], 2 * path[i][0],
               nextafter(fabs(path[i][0]), (double)INFINITY) - fabs(path[i][0]));
    }
    print_line(
        "Where the gap is above 2h = 0.0002, x + h and x - h both round to x: the difference");
    print_line("is 0, and x stays. Both elements have stood still since step %d.", last);
}

static void draw(const page *p, double limit)
{
    double lr[POINTS], end[POINTS], predicted[POINTS], x[2];
    for (int i = 0; i < POINTS; i++) {
        lr[i] = pow(10, -3 + 4.5 * i / (POINTS - 1));
        end[i] = descend(p, lr[i], x, NULL);
        predicted[i] = 5 * pow(fabs(1 - 2 * lr[i]), STEPS);
    }
    nb_figure *fig;
    nb_figure_create(&fig, 560, 400);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, POINTS, lr, predicted,
                 &(nb_line_style){.label = "5 |1 − 2η|¹⁰⁰", .dash = NB_DASHED, .color = NB_GREY});
    nb_plot_scatter(ax, POINTS, lr, end, &(nb_line_style){.label = "descent", .size = 4});
    nb_plot_vline(ax, limit, &(nb_line_style){.color = NB_RED, .label = "2 / λmax"});
    nb_axes_log(ax, true, true);
    nb_axes_ylim(ax, 1e-24, 1e20);
    nb_axes_labels(ax, "learning rate η", "|x| after 100 steps");
    nb_axes_legend(ax, NB_UPPER_LEFT);
    page_save(p, fig, NULL, "the learning rate and where descent ends");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "What the learning rate does, and its limit (4.4.1).", NULL);
    print_books_runs(&p);
    const double limit = print_limit(&p);
    sweep(&p, limit);
    print_freeze(&p);
    draw(&p, limit);
    return page_end(&p);
}
