/* activations - step function, sigmoid and ReLU (3.2). */
#include "common.h"
#include "print.h"

enum { N = 100 };

static void draw(const page *p, const char *name, const double *x, const double *y, double lo,
                 double hi)
{
    nb_figure *fig;
    nb_figure_create(&fig, 480, 360);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, N, x, y, NULL);
    nb_axes_ylim(ax, lo, hi);
    nb_axes_labels(ax, "x", "y");
    page_save(p, fig, name, name);
}

/* Both in one figure, as 3-8. */
static void draw_both(const page *p, const double *x, const double *step, const double *sigmoid)
{
    nb_figure *fig;
    nb_figure_create(&fig, 480, 360);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, N, x, sigmoid, &(nb_line_style){.label = "sigmoid"});
    nb_plot_line(ax, N, x, step,
                 &(nb_line_style){.label = "step", .color = NB_BLACK, .dash = NB_DASHED});
    nb_axes_ylim(ax, -0.1, 1.1);
    nb_axes_labels(ax, "x", "y");
    nb_axes_legend(ax, NB_UPPER_LEFT);
    page_save(p, fig, "step_sigmoid", "step function and sigmoid");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Step function, sigmoid and ReLU, their values and graphs (3.2).",
               NULL);

    const double few[3] = {-1, 1, 2};
    double y[3];
    print_array("x         ", 3, few);
    print_bools("x > 0     ", 0, 3, (bool[]){few[0] > 0, few[1] > 0, few[2] > 0});
    nb_dstep(3, few, y);
    print_array("step(x)   ", 3, y);
    nb_dsigmoid(3, few, y);
    print_array("sigmoid(x)", 3, y);
    nb_drelu(3, few, y);
    print_array("relu(x)   ", 3, y);

    /* A number and an array: the number applies to each element, as in 1 / (1 + exp(-x)). */
    const double t[3] = {1, 2, 3};
    print_array("t         ", 3, t);
    for (int i = 0; i < 3; i++) y[i] = 1.0 + t[i];
    print_array("1.0 + t   ", 3, y);
    for (int i = 0; i < 3; i++) y[i] = 1.0 / t[i];
    print_array("1.0 / t   ", 3, y);

    double x[N], step[N], sigmoid[N], relu[N];
    for (int i = 0; i < N; i++) x[i] = -5 + 0.1 * i;
    nb_dstep(N, x, step);
    nb_dsigmoid(N, x, sigmoid);
    nb_drelu(N, x, relu);
    draw(&p, "step", x, step, -0.1, 1.1);
    draw(&p, "sigmoid", x, sigmoid, -0.1, 1.1);
    draw_both(&p, x, step, sigmoid);
    draw(&p, "relu", x, relu, -1, 5.5);
    return page_end(&p);
}
