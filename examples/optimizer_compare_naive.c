/* optimizer_compare_naive - how SGD, Momentum, AdaGrad and Adam walk down x^2/20 + y^2 (6.1.2 to
 * 6.1.7, figures 6-3 to 6-8), with Nesterov and RMSprop beside them. */
#include "chapter6.h"
#include "common.h"
#include "print.h"

enum { STEPS = 30, METHODS = 6 };

static const struct method {
    const char *name;
    const nb_optimizer_type *type;
    double lr;
} methods[METHODS] = {{"SGD", &nb_sgd, 0.95},          {"Momentum", &nb_momentum, 0.1},
                      {"AdaGrad", &nb_adagrad, 1.5},   {"Adam", &nb_adam, 0.3},
                      {"Nesterov", &nb_nesterov, 0.1}, {"RMSprop", &nb_rmsprop, 0.1}};

/* Where each step of a method leads. */
typedef struct path {
    double x[STEPS + 1], y[STEPS + 1];
} path;

static double f(double x, double y)
{
    return x * x / 20.0 + y * y;
}

static void df(const double *at, double *gradient)
{
    gradient[0] = at[0] / 10.0;
    gradient[1] = 2.0 * at[1];
}

static void walk(const page *p, const struct method *m, path *to)
{
    nb_optimizer *optimizer;
    nb_optimizer_options options;
    double at[2] = {-7.0, 2.0}, gradient[2];
    nb_optimizer_defaults(m->type, &options);
    options.lr = m->lr;
    page_check(p, nb_optimizer_create_for_vectors(&optimizer, NB_FLOAT64, 2, m->type, &options));
    for (int i = 0;; i++) {
        to->x[i] = at[0];
        to->y[i] = at[1];
        if (i == STEPS) break;
        df(at, gradient);
        page_check(p, nb_optimizer_apply(optimizer, at, gradient));
    }
    nb_optimizer_destroy(optimizer);
}

static void print_places(const path *paths)
{
    static const int shown[] = {1, 10, 30};
    printf("x^2/20 + y^2 from (-7, 2): the place after k updates\n");
    for (int m = 0; m < METHODS; m++) {
        printf("%s, lr %g\n", methods[m].name, methods[m].lr);
        for (int k = 0; k < 3; k++)
            printf("  k = %-2d  (%s, %s)  f = %.6g\n", shown[k], repr(paths[m].x[shown[k]]),
                   repr(paths[m].y[shown[k]]), f(paths[m].x[shown[k]], paths[m].y[shown[k]]));
    }
}

static void write_log(const page *p, const char *name, const path *paths)
{
    FILE *log = log_open(p, name);
    for (int m = 0; m < METHODS; m++)
        log_text(p, log, ",%s x,%s y", methods[m].name, methods[m].name);
    for (int i = 0; i <= STEPS; i++) {
        log_text(p, log, "\n%d", i);
        for (int m = 0; m < METHODS; m++)
            log_text(p, log, ",%.17g,%.17g", paths[m].x[i], paths[m].y[i]);
    }
    log_close(p, log);
}

static void draw(const page *p, const path *paths)
{
    enum { FINE = 101 };
    static double x[FINE], y[FINE], z[FINE * FINE];
    for (int i = 0; i < FINE; i++) x[i] = -10 + 0.2 * i, y[i] = -5 + 0.1 * i;
    for (int j = 0; j < FINE; j++)
        for (int i = 0; i < FINE; i++) z[j * FINE + i] = f(x[i], y[j]);
    nb_figure *fig;
    nb_figure_create(&fig, 680, 420);
    for (size_t m = 0; m < METHODS; m++) {
        nb_axes *ax = nb_figure_axes(fig, 2, 3, m);
        nb_plot_contour(ax, FINE, FINE, x, y, z,
                        &(nb_contour_style){.levels = (double[]){0.5, 1, 2, 3, 4, 5, 6, 7},
                                            .count = 8,
                                            .color = NB_GREY,
                                            .width = 0.7});
        nb_plot_line(
            ax, STEPS + 1, paths[m].x, paths[m].y,
            &(nb_line_style){.color = NB_RED, .width = 1.2, .marker = NB_CIRCLE, .size = 4});
        nb_plot_scatter(ax, 1, (double[]){0}, (double[]){0},
                        &(nb_line_style){.color = NB_BLACK, .marker = NB_PLUS});
        nb_axes_xlim(ax, -10, 10);
        nb_axes_ylim(ax, -5, 5);
        nb_axes_xticks(ax, 3, (double[]){-5, 0, 5}, NULL);
        nb_axes_title(ax, methods[m].name);
    }
    nb_figure_share(fig, true, true);
    nb_figure_labels(fig, "x", "y");
    page_save(p, fig, NULL, "six optimisers on x^2/20 + y^2");
}

int main(int argc, char **argv)
{
    page p;
    const char *seed = NULL, *log = NULL;
    const page_option options[] = {
        {"seed", "N", "as the other programs of the chapter; nothing is random here (0)", &seed},
        {"log", "FILE.csv", "write the places after each update", &log},
        {0}};
    page_begin(&p, argc, argv, "Six optimisers on x^2/20 + y^2 (6.1.2 to 6.1.7).", options);
    if (seed) whole_number(p.program, "--seed", seed, 0, UINT32_MAX);

    static path paths[METHODS];
    for (int m = 0; m < METHODS; m++) walk(&p, &methods[m], &paths[m]);
    print_places(paths);
    if (log) write_log(&p, log, paths);
    draw(&p, paths);
    return page_end(&p);
}
