/* gradient_field - function_2 and the arrows of its negative gradient (4.4, figures 4-8, 4-9). */
#include "common.h"

#include <math.h>

enum { SIDE = 18, N = SIDE * SIDE }; /* np.arange(-2, 2.5, 0.25) */

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

enum { COARSE = 21, FINE = 121, ARROWS = 17 }; /* along one side of an area */

/* f(side, side) at x(side) from -3 to 3 both ways. */
static void sample(int side, double *x, double *f)
{
    for (int i = 0; i < side; i++) x[i] = -3 + 6.0 * i / (side - 1);
    for (int j = 0; j < side; j++)
        for (int i = 0; i < side; i++)
            f[j * side + i] = function_2(2, (double[]){x[i], x[j]}, NULL);
}

static void draw_surface(nb_axes *ax)
{
    double x[COARSE], f[COARSE * COARSE];
    sample(COARSE, x, f);
    nb_plot_surface(ax, COARSE, COARSE, x, x, f, NULL);
    nb_axes_labels(ax, "x₀", "x₁");
    nb_axes_zlabel(ax, "f(x)");
    nb_axes_xlim(ax, -3.3, 3.3);
    nb_axes_ylim(ax, -3.3, 3.3);
}

/* The negative gradient crosses the contours at right angles, and points downhill. */
static void draw_contours(nb_axes *ax)
{
    static double x[FINE], f[FINE * FINE];
    double at[2][ARROWS * ARROWS], down[2][ARROWS * ARROWS];
    sample(FINE, x, f);
    nb_plot_contour(ax, FINE, FINE, x, x, f, &(nb_contour_style){.filled = true, .count = 30});
    for (int i = 0; i < ARROWS * ARROWS; i++) {
        double gradient[2];
        at[0][i] = -2.8 + 0.35 * (i % ARROWS);
        at[1][i] = -2.8 + 0.35 * (i / ARROWS);
        nb_numerical_gradient(function_2, NULL, 2, (double[]){at[0][i], at[1][i]}, gradient);
        down[0][i] = -gradient[0];
        down[1][i] = -gradient[1];
    }
    nb_plot_quiver(ax, ARROWS * ARROWS, at[0], at[1], down[0], down[1],
                   &(nb_arrow_style){.color = NB_WHITE, .width = 1.2});
    nb_axes_labels(ax, "x₀", "x₁");
    nb_axes_color_bar(ax, "f(x)");
    nb_axes_equal(ax);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "x0^2 + x1^2 as a surface, as arrows and as contours (4.4).", NULL);

    double x0[N], x1[N], u[N], v[N];
    for (int i = 0; i < N; i++) {
        double gradient[2];
        x0[i] = -2 + 0.25 * (i % SIDE);
        x1[i] = -2 + 0.25 * (i / SIDE);
        nb_numerical_gradient(function_2, NULL, 2, (double[]){x0[i], x1[i]}, gradient);
        u[i] = -gradient[0];
        v[i] = -gradient[1];
    }
    printf("the arrow at (x0, x1) is -gradient: it points to the minimum at (0, 0)\n");
    for (int i = 0; i < N; i += 5 * SIDE + 4)
        printf("  (%5.2f, %5.2f)  arrow (%6.3f, %6.3f)\n", x0[i], x1[i], u[i], v[i]);

    nb_figure *fig;
    nb_figure_create(&fig, 420, 350);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    draw_surface(ax);
    page_save(&p, fig, "surface", "x0^2 + x1^2");

    nb_figure_create(&fig, 420, 420);
    ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_quiver(ax, N, x0, x1, u, v, NULL);
    nb_axes_xlim(ax, -2, 2);
    nb_axes_ylim(ax, -2, 2);
    nb_axes_labels(ax, "x₀", "x₁");
    nb_axes_grid(ax);
    page_save(&p, fig, "arrows", "the negative gradient of x0^2 + x1^2");

    nb_figure_create(&fig, 410, 360);
    ax = nb_figure_axes(fig, 1, 1, 0);
    draw_contours(ax);
    page_save(&p, fig, "contours", "contours of x0^2 + x1^2, and its negative gradient");
    return page_end(&p);
}
