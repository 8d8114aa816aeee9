/* numerical_diff - derivatives by differences, a bad one and two good ones, and tangents (4.3). */
#include "common.h"
#include "print.h"

enum { N = 200 }; /* np.arange(0, 20, 0.1) */

static double function_1(double x, void *context)
{
    (void)context;
    return 0.01 * (x * x) + 0.1 * x;
}

/* A figure with function_1 in it. */
static nb_axes *begin_figure(nb_figure **fig)
{
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = 0.1 * i;
        y[i] = function_1(x[i], NULL);
    }
    nb_figure_create(fig, 480, 360);
    nb_axes *ax = nb_figure_axes(*fig, 1, 1, 0);
    nb_plot_line(ax, N, x, y, &(nb_line_style){.label = "f(x) = 0.01x² + 0.1x"});
    nb_axes_labels(ax, "x", "f(x)");
    return ax;
}

/* The line through (at, f(at)) of slope `slope`, drawn from x = lo to hi. */
static void draw_slope(nb_axes *ax, double at, double slope, double lo, double hi,
                       const nb_line_style *style)
{
    const double f = function_1(at, NULL);
    nb_plot_line(ax, 2, (double[]){lo, hi},
                 (double[]){f + slope * (lo - at), f + slope * (hi - at)}, style);
}

static void draw_tangent(const page *p, double at, const char *part)
{
    nb_figure *fig;
    nb_axes *ax = begin_figure(&fig);
    const double f = function_1(at, NULL), slope = nb_numerical_diff(function_1, NULL, at);
    char text[64];
    draw_slope(ax, at, slope, 0, 20, &(nb_line_style){.label = "tangent"});
    nb_plot_segment(ax, at, -1, at, f, NULL);
    nb_plot_segment(ax, 0, f, at, f, NULL);
    nb_plot_scatter(ax, 1, &at, &f, &(nb_line_style){.color = NB_BLACK});
    snprintf(text, sizeof text, "(%g, %g)", at, f);
    nb_plot_text(ax, at, f, text, &(nb_text_style){.place = NB_LOWER_RIGHT});
    nb_axes_xlim(ax, 0, 20);
    nb_axes_ylim(ax, -1, 6);
    nb_axes_legend(ax, NB_UPPER_LEFT);
    page_save(p, fig, part, "function_1 and its tangent");
}

/* Figure 4-5, with a step that can be seen: the line of the central difference is parallel to the
 * tangent, that of the forward difference is not. */
static void draw_differences(const page *p)
{
    const double at = 8, h = 6, ends[3] = {at - h, at, at + h};
    nb_figure *fig;
    nb_axes *ax = begin_figure(&fig);
    double f[3];
    for (int i = 0; i < 3; i++) {
        f[i] = function_1(ends[i], NULL);
        nb_plot_segment(ax, ends[i], -1, ends[i], f[i], NULL);
    }
    draw_slope(ax, at, nb_numerical_diff(function_1, NULL, at), 0, 20,
               &(nb_line_style){.label = "tangent"});
    draw_slope(ax, at, nb_numerical_diff_forward(function_1, NULL, at, h), 0, 20,
               &(nb_line_style){.label = "forward difference", .dash = NB_DASHED});
    draw_slope(ax, ends[0], nb_numerical_diff_central(function_1, NULL, at, h), 0, 20,
               &(nb_line_style){.label = "central difference", .dash = NB_DASHED});
    nb_plot_scatter(ax, 3, ends, f, &(nb_line_style){.color = NB_BLACK});
    nb_axes_xticks(ax, 3, ends, (const char *[]){"x − h", "x", "x + h"});
    nb_axes_xlim(ax, 0, 17);
    nb_axes_ylim(ax, -1, 5);
    nb_axes_legend(ax, NB_UPPER_LEFT);
    page_save(p, fig, "differences", "forward and central difference");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv,
               "Numerical differentiation of 0.01 x^2 + 0.1 x, and its tangents (4.3).", NULL);

    const double tiny = 1e-50;
    const nb_tensor from = nb_tensor_view(NB_FLOAT64, NB_SCALAR, &(double){tiny});
    float single;
    nb_tensor to = nb_tensor_view(NB_FLOAT32, NB_SCALAR, &single);
    page_check(&p, nb_tensor_convert(&from, &to));
    printf("np.float32(1e-50) = %s, in double precision %s\n\n", repr((double)single), repr(tiny));

    printf("%-40s %-20s %s\n", "", "x = 5", "x = 10");
    printf("%-40s %-20s %s\n", "bad: forward with h = 10e-50",
           repr(nb_numerical_diff_bad(function_1, NULL, 5)),
           repr(nb_numerical_diff_bad(function_1, NULL, 10)));
    printf("%-40s %-20s %s\n", "forward: (f(x+h) - f(x)) / h",
           repr(nb_numerical_diff_forward(function_1, NULL, 5, NB_NUMERICAL_H)),
           repr(nb_numerical_diff_forward(function_1, NULL, 10, NB_NUMERICAL_H)));
    printf("%-40s %-20s %s\n", "numerical_diff: (f(x+h) - f(x-h)) / 2h",
           repr(nb_numerical_diff(function_1, NULL, 5)),
           repr(nb_numerical_diff(function_1, NULL, 10)));
    printf("%-40s %-20s %s\n", "exact: 0.02 x + 0.1", "0.2", "0.3");

    nb_figure *fig;
    begin_figure(&fig);
    page_save(&p, fig, NULL, "function_1");
    draw_tangent(&p, 5, "tangent_5");
    draw_tangent(&p, 10, "tangent_10");
    draw_differences(&p);
    return page_end(&p);
}
