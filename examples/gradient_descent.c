/* gradient_descent - down x0^2 + x1^2, and what the learning rate does (4.4.1, figure 4-10). */
#include "common.h"
#include "print.h"

enum { STEPS = 20 };

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

static void descend(const page *p, double x0, double x1, double lr, size_t steps, double *path)
{
    double x[2] = {x0, x1};
    char name[64];
    page_check(p, nb_gradient_descent(function_2, NULL, 2, x, lr, steps, path));
    snprintf(name, sizeof name, "from (%g, %g), lr %g, %zu steps", x0, x1, lr, steps);
    printf("%-34s", name);
    print_array("x", 2, x);
}

/* Figure 4-10: where each of the steps arrives, over circles of equal height. */
static void draw(const page *p, double path[][2])
{
    enum { FINE = 91 };
    static double at[FINE], f[FINE * FINE];
    double x[STEPS + 1], y[STEPS + 1];
    for (int i = 0; i < FINE; i++) at[i] = -4.5 + 0.1 * i;
    for (int j = 0; j < FINE; j++)
        for (int i = 0; i < FINE; i++)
            f[j * FINE + i] = function_2(2, (double[]){at[i], at[j]}, NULL);
    for (int i = 0; i <= STEPS; i++) x[i] = path[i][0], y[i] = path[i][1];

    nb_figure *fig;
    nb_figure_create(&fig, 420, 420);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_contour(
        ax, FINE, FINE, at, at, f,
        &(nb_contour_style){
            .levels = (double[]){1, 4, 9, 16}, .count = 4, .color = NB_GREY, .dash = NB_DASHED});
    nb_plot_hline(ax, 0, &(nb_line_style){.color = NB_BLUE});
    nb_plot_vline(ax, 0, &(nb_line_style){.color = NB_BLUE});
    nb_plot_scatter(ax, STEPS + 1, x, y, &(nb_line_style){.color = NB_RED});
    nb_axes_xlim(ax, -4.5, 4.5);
    nb_axes_ylim(ax, -4.5, 4.5);
    nb_axes_labels(ax, "x₀", "x₁");
    nb_axes_equal(ax);
    page_save(p, fig, NULL, "gradient descent on x0^2 + x1^2");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Gradient descent on x0^2 + x1^2 (4.4.1).", NULL);

    double path[STEPS + 1][2];
    descend(&p, -3, 4, 0.1, 100, NULL);
    descend(&p, 2, 2, 0.1, 100, NULL);
    descend(&p, -3, 4, 0.1, STEPS, *path); /* the figure's path */
    descend(&p, -3, 4, 10, 100, NULL);     /* too large: it leaps away */
    descend(&p, -3, 4, 1e-10, 100, NULL);  /* too small: it does not move */

    printf("\nstep   x0         x1         f\n");
    for (int i = 0; i <= STEPS; i += i < 4 ? 1 : 4)
        printf("%4d   %-9.6f  %-9.6f  %.6f\n", i, path[i][0], path[i][1],
               function_2(2, path[i], NULL));
    draw(&p, path);
    return page_end(&p);
}
