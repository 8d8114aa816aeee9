/* partial_derivatives - one variable moves, the others are held (4.3.3), and all of them as a
 * gradient (4.4). */
#include "common.h"
#include "print.h"

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

/* function_2 with the other variable held at *context. */
static double function_tmp(double x, void *context)
{
    const double *held = context;
    return function_2(2, (double[]){x, *held}, NULL);
}

/* f of the variable that moves, the other one held, and its tangent at `at`. */
static void draw(nb_axes *ax, double held, double at, const char *title, const char *label)
{
    enum { N = 61 };
    double x[N], f[N], tangent[N];
    const double slope = nb_numerical_diff(function_tmp, &held, at);
    for (int i = 0; i < N; i++) {
        x[i] = 0.1 * i;
        f[i] = function_tmp(x[i], &held);
        tangent[i] = function_tmp(at, &held) + slope * (x[i] - at);
    }
    char text[32];
    snprintf(text, sizeof text, "slope %.3g", slope);
    nb_plot_line(ax, N, x, f, &(nb_line_style){.label = "f"});
    nb_plot_line(ax, N, x, tangent, &(nb_line_style){.label = text, .dash = NB_DASHED});
    nb_plot_scatter(ax, 1, &at, (double[]){function_tmp(at, &held)},
                    &(nb_line_style){.color = NB_BLACK});
    nb_axes_title(ax, title);
    nb_axes_labels(ax, label, "f(x₀, x₁)");
    nb_axes_legend(ax, NB_UPPER_LEFT);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Partial derivatives and gradients of x0^2 + x1^2 (4.3.3, 4.4).",
               NULL);

    double three = 3, four = 4;
    printf("at x0 = 3, x1 = 4\n");
    printf("  df/dx0 = %s\n", repr(nb_numerical_diff(function_tmp, &four, 3)));
    printf("  df/dx1 = %s\n", repr(nb_numerical_diff(function_tmp, &three, 4)));

    printf("\nnumerical_gradient(function_2, x)\n");
    double at[][2] = {{3, 4}, {0, 2},     {3, 0}, {1, 2},  {0, 0},  {0.5, 0.5},
                      {1, 1}, {1.5, 1.5}, {2, 2}, {2, -2}, {-2, -2}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double gradient[2];
        char name[64];
        nb_numerical_gradient(function_2, NULL, 2, at[i], gradient);
        snprintf(name, sizeof name, "  x = (%g, %g): gradient", at[i][0], at[i][1]);
        print_array(name, 2, gradient);
    }

    printf("\na small step of x1 changes f twice as much as one of x0: the gradient is (2, 4)\n");
    const double near[4][2] = {{1, 2}, {1.00001, 2}, {1, 2.00001}, {1.00001, 2.00001}};
    for (int i = 0; i < 4; i++)
        printf("  f(%-7s, %-7s) = %.10f\n", repr(near[i][0]), repr(near[i][1]),
               function_2(2, near[i], NULL));

    nb_figure *fig;
    nb_figure_create(&fig, 560, 300);
    draw(nb_figure_axes(fig, 1, 2, 0), 4, 3, "x₁ = 4", "x₀");
    draw(nb_figure_axes(fig, 1, 2, 1), 3, 4, "x₀ = 3", "x₁");
    page_save(&p, fig, NULL, "partial derivatives");
    return page_end(&p);
}
