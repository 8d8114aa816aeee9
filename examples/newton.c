/* newton - Newton's method beside gradient descent: on the book's function_2 (4.4.1), which one
 * step solves, and on Rosenbrock's valley, where descent crawls. */
#include "common.h"
#include "display.h"

enum { NEWTON = 8, DESCENT = 10000 };

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

/* (1 - x0)^2 + 100 (x1 - x0^2)^2, least at (1, 1): a bent valley with steep sides. */
static double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double valley = x[1] - x[0] * x[0], far = 1 - x[0];
    return far * far + 100 * (valley * valley);
}

/* x0^2 - x1^2 */
static double saddle(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] - x[1] * x[1];
}

/* Both methods from the same point, and the paths that they take. */
static void compare(const page *p, nb_function f, const double *from, double lr, double path[][2],
                    double way[][2])
{
    double x[2] = {from[0], from[1]}, y[2] = {from[0], from[1]};
    page_check(p, nb_newton(f, NULL, 2, x, NEWTON, *path));
    page_check(p, nb_gradient_descent(f, NULL, 2, y, lr, DESCENT, *way));
    printf("Newton\nstep   x0               x1               f\n");
    for (size_t i = 0; i <= NEWTON && (i == 0 || path[i][0] != path[i - 1][0]); i++)
        printf("%5zu  %-15.9g  %-15.9g  %.3g\n", i, path[i][0], path[i][1], f(2, path[i], NULL));
    printf("gradient descent, lr %g\n", lr);
    for (size_t i = 1; i <= DESCENT; i *= 10)
        printf("%5zu  %-15.9g  %-15.9g  %.3g\n", i, way[i][0], way[i][1], f(2, way[i], NULL));
}

static void draw_line(nb_axes *ax, size_t n, double path[][2], const nb_line_style *style)
{
    static double x[DESCENT + 1], y[DESCENT + 1];
    for (size_t i = 0; i < n; i++) x[i] = path[i][0], y[i] = path[i][1];
    nb_plot_line(ax, n, x, y, style);
}

static void draw(const page *p, double path[][2], double way[][2])
{
    enum { FINE = 161 };
    static double x[FINE], y[FINE], f[FINE * FINE];
    for (int i = 0; i < FINE; i++) x[i] = -2 + 4.0 * i / (FINE - 1);
    for (int j = 0; j < FINE; j++) y[j] = -3.5 + 6.0 * j / (FINE - 1);
    for (int j = 0; j < FINE; j++)
        for (int i = 0; i < FINE; i++)
            f[j * FINE + i] = rosenbrock(2, (double[]){x[i], y[j]}, NULL);

    nb_figure *fig;
    nb_figure_create(&fig, 480, 480);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_contour(ax, FINE, FINE, x, y, f,
                    &(nb_contour_style){.levels = (double[]){1, 10, 100, 1000},
                                        .count = 4,
                                        .color = NB_GREY,
                                        .dash = NB_DASHED,
                                        .values = true});
    draw_line(ax, DESCENT + 1, way, &(nb_line_style){.label = "10,000 steps of descent"});
    draw_line(ax, NEWTON + 1, path,
              &(nb_line_style){.color = NB_RED, .marker = NB_CIRCLE, .label = "Newton"});
    nb_axes_labels(ax, "x₀", "x₁");
    nb_axes_legend(ax, NB_BEST);
    page_save(p, fig, NULL, "Newton's method on Rosenbrock's function");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Newton's method beside gradient descent.", NULL);
    static double path[NEWTON + 1][2], way[DESCENT + 1][2];
    printf("x0^2 + x1^2 from (-3, 4)\n");
    compare(&p, function_2, (double[]){-3, 4}, 0.1, path, way);
    printf("\n(1 - x0)^2 + 100 (x1 - x0^2)^2 from (-1.2, 1)\n");
    compare(&p, rosenbrock, (double[]){-1.2, 1}, 0.001, path, way);
    print_line("Newton ends where the numerical gradient is 0, and that errs by 400 h^2 = 4e-6.");
    draw(&p, path, way);

    printf("\nx0^2 - x1^2 from (1, 1)\n");
    double x[2] = {1, 1};
    const nb_status status = nb_newton(saddle, NULL, 2, x, 1, NULL);
    if (status != NB_ESINGULAR) page_check(&p, status);
    print_line("%s: %s", nb_status_text(status), nb_last_error());
    return page_end(&p);
}
