/* loss_values - mean squared error and cross entropy of a good guess and of a bad one (4.2). */
#include "common.h"
#include "print.h"

#include <math.h>

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv,
               "Mean squared error and cross entropy error (4.2); log x, figure 4-3.", NULL);

    const double t[10] = {[2] = 1}; /* it is a 2 */
    const double y[2][10] = {{0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0},
                             {0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0}};
    for (int i = 0; i < 2; i++) {
        double squared, entropy;
        page_check(&p, nb_dmean_squared_error(1, 10, y[i], 10, t, 10, NULL, &squared));
        page_check(
            &p, nb_dcross_entropy_error(1, 10, y[i], 10, t, 10, NB_BOOK_EPSILON, NULL, &entropy));
        printf("the network says %zu:\n", nb_dargmax(10, y[i]));
        printf("  mean_squared_error  = %s\n", repr(squared));
        printf("  cross_entropy_error = %s\n", repr(entropy));
    }

    enum { N = 1000 };
    double x[N], log_x[N];
    for (int i = 0; i < N; i++) {
        x[i] = (i + 1) / (double)N;
        log_x[i] = log(x[i]);
    }
    nb_figure *fig;
    nb_figure_create(&fig, 480, 360);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, N, x, log_x, NULL);
    nb_axes_xlim(ax, 0, 1);
    nb_axes_ylim(ax, -5, 0);
    nb_axes_labels(ax, "x", "log x");
    page_save(&p, fig, NULL, "log x");
    return page_end(&p);
}
