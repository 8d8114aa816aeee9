/* sin_cos - the first figures of the book (1.6): sine alone, then sine and cosine. */
#include "common.h"
#include "print.h"

#include <math.h>

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Draw sine, then sine and cosine, from 0 to 6 (1.6).", NULL);

    enum { N = 60 };
    double x[N], sine[N], cosine[N];
    for (int i = 0; i < N; i++) {
        x[i] = 0.1 * i;
        sine[i] = sin(x[i]);
        cosine[i] = cos(x[i]);
    }
    print_array("x[:5]     ", 5, x);
    print_array("sin(x)[:5]", 5, sine);
    print_array("cos(x)[:5]", 5, cosine);

    nb_figure *fig;
    nb_figure_create(&fig, 480, 360);
    nb_plot_line(nb_figure_axes(fig, 1, 1, 0), N, x, sine, NULL);
    page_save(&p, fig, "sin", "sin");

    nb_figure_create(&fig, 480, 360);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_line(ax, N, x, sine, &(nb_line_style){.label = "sin"});
    nb_plot_line(ax, N, x, cosine, &(nb_line_style){.label = "cos", .dash = NB_DASHED});
    nb_axes_labels(ax, "x", "y");
    nb_axes_title(ax, "sin & cos");
    nb_axes_legend(ax, NB_BEST);
    page_save(&p, fig, NULL, "sin & cos");
    return page_end(&p);
}
