/* minimize - the paths of gradient descent, momentum (6.1.4), BFGS and Newton in Rosenbrock's
 * valley, and what each of them costs. */
#include "common.h"
#include "display.h"

#include <math.h>
#include <string.h>

enum { DESCENT = 10000, MOMENTUM = 1000, SEARCH = 200 };

/* A method's path, and what it took. */
typedef struct path {
    const char *name;
    size_t steps, calls, gradients;
    double x[DESCENT + 1][2];
    char end[96]; /* why it ended */
} path;

/* (1 - x0)^2 + 100 (x1 - x0^2)^2, least at (1, 1). */
static double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double valley = x[1] - x[0] * x[0], far = 1 - x[0];
    return far * far + 100 * (valley * valley);
}

static void rosenbrock_gradient(size_t n, const double *x, void *context, double *gradient)
{
    (void)n, (void)context;
    const double valley = x[1] - x[0] * x[0];
    gradient[0] = -2 * (1 - x[0]) - 400 * valley * x[0];
    gradient[1] = 200 * valley;
}

/* v := momentum v - lr grad f, x := x + v; with momentum 0 it is gradient descent. */
static void roll(path *way, size_t steps, double lr, double momentum)
{
    double v[2] = {0, 0}, g[2];
    while (way->steps < steps && isfinite(rosenbrock(2, way->x[way->steps], NULL))) {
        const double *x = way->x[way->steps];
        double *next = way->x[++way->steps];
        rosenbrock_gradient(2, x, NULL, g);
        for (int i = 0; i < 2; i++) {
            v[i] = momentum * v[i] - lr * g[i];
            next[i] = x[i] + v[i];
        }
    }
    way->gradients = way->steps;
    snprintf(way->end, sizeof way->end, "%s",
             way->steps < steps ? "f is no number" : "the steps are used up");
}

static void search(const page *p, path *way, nb_minimizer method)
{
    nb_minimize_options o = NB_MINIMIZE_DEFAULTS;
    nb_minimum end;
    double x[2];
    memcpy(x, way->x[0], sizeof x);
    o.method = method;
    o.steps = SEARCH;
    o.history = *way->x;
    const nb_status status = nb_minimize(rosenbrock, rosenbrock_gradient, NULL, 2, x, &o, &end);
    if (status == NB_ENOMEM) fail(p->program);
    way->steps = end.steps;
    way->calls = end.calls;
    way->gradients = end.gradients;
    snprintf(way->end, sizeof way->end, "%s",
             end.stop == NB_STOP_NOT_RUN ? nb_status_text(status) : nb_stop_text(end.stop));
}

static void print(const path *way)
{
    const double *x = way->x[way->steps];
    print_line("%-9s %6zu %6zu %9zu   %-10.3g %-10.3g %s", way->name, way->steps, way->calls,
               way->gradients, rosenbrock(2, x, NULL), hypot(x[0] - 1, x[1] - 1), way->end);
}

static void draw(nb_figure *fig, size_t panel, const path *way)
{
    enum { FINE = 161 };
    static double x[FINE], y[FINE], f[FINE * FINE], x0[DESCENT + 1], x1[DESCENT + 1];
    char title[64];
    for (int i = 0; i < FINE; i++) x[i] = -1.8 + 3.4 * i / (FINE - 1);
    for (int j = 0; j < FINE; j++) y[j] = -.7 + 2.4 * j / (FINE - 1);
    for (int j = 0; j < FINE; j++)
        for (int i = 0; i < FINE; i++)
            f[j * FINE + i] = rosenbrock(2, (double[]){x[i], y[j]}, NULL);
    for (size_t i = 0; i <= way->steps; i++) x0[i] = way->x[i][0], x1[i] = way->x[i][1];

    nb_axes *ax = nb_figure_axes(fig, 2, 2, panel);
    nb_plot_contour(
        ax, FINE, FINE, x, y, f,
        &(nb_contour_style){
            .levels = (double[]){.3, 3, 30, 300}, .count = 4, .color = NB_GREY, .dash = NB_DASHED});
    nb_plot_line(ax, way->steps + 1, x0, x1,
                 &(nb_line_style){.marker = way->steps <= SEARCH ? NB_CIRCLE : NB_NO_MARKER});
    nb_plot_scatter(ax, 1, (double[]){1}, (double[]){1},
                    &(nb_line_style){.color = NB_RED, .size = 6});
    nb_axes_xlim(ax, x[0], x[FINE - 1]);
    nb_axes_ylim(ax, y[0], y[FINE - 1]);
    nb_axes_labels(ax, "x₀", "x₁");
    snprintf(title, sizeof title, "%s: %zu steps", way->name, way->steps);
    nb_axes_title(ax, title);
}

int main(int argc, char **argv)
{
    static path ways[4] = {
        {.name = "descent"}, {.name = "momentum"}, {.name = "BFGS"}, {.name = "Newton"}};
    const char *start[2] = {"-1.2", "1"};
    page p;
    page_begin(&p, argc, argv, "Four methods in Rosenbrock's valley.",
               (const page_option[]){{"x0", "NUMBER", "where to begin (-1.2)", &start[0]},
                                     {"x1", "NUMBER", "(1)", &start[1]},
                                     {0}});
    for (size_t k = 0; k < 4; k++) {
        ways[k].x[0][0] = finite_number(p.program, "--x0", start[0]);
        ways[k].x[0][1] = finite_number(p.program, "--x1", start[1]);
    }
    roll(&ways[0], DESCENT, 0.001, 0);
    roll(&ways[1], MOMENTUM, 0.001, 0.9);
    search(&p, &ways[2], NB_MINIMIZER_BFGS);
    search(&p, &ways[3], NB_MINIMIZER_NEWTON);

    printf("(1 - x0)^2 + 100 (x1 - x0^2)^2 from (%g, %g)\n", ways[0].x[0][0], ways[0].x[0][1]);
    printf("           steps  calls gradients   f          to (1, 1)\n");
    for (size_t k = 0; k < 4; k++) print(&ways[k]);
    printf("descent and momentum have a learning rate of 0.001, and a momentum of 0.9.\n");

    nb_figure *fig;
    nb_figure_create(&fig, 720, 600);
    for (size_t k = 0; k < 4; k++) draw(fig, k, &ways[k]);
    page_save(&p, fig, NULL, "four methods in Rosenbrock's valley");
    return page_end(&p);
}
