/* softmax - probabilities from scores, and how not to overflow on the way (3.5). */
#include "common.h"
#include "print.h"

#include <math.h>

/* e^a over its sum, as the formula says: overflows at a = 710. */
static void naive_softmax(size_t n, const double *a, double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += y[i] = exp(a[i]);
    for (size_t i = 0; i < n; i++) y[i] /= sum;
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "The softmax function, naive and safe (3.5).", NULL);

    nb_figure *fig;
    const double a[3] = {0.3, 2.9, 4.0}, large[3] = {1010, 1000, 990};
    double y[3];

    print_array("a", 3, a);
    for (int i = 0; i < 3; i++) y[i] = exp(a[i]);
    print_array("exp(a)", 3, y);
    printf("np.sum(exp(a)) = %s\n", repr(nb_dsum(3, y)));
    page_check(&p, nb_dsoftmax(1, 3, a, 3, y, 3));
    print_array("softmax(a)", 3, y);
    printf("np.sum(softmax(a)) = %s\n\n", repr(nb_dsum(3, y)));

    nb_figure_create(&fig, 480, 240);
    for (size_t i = 0; i < 2; i++) {
        nb_axes *ax = nb_figure_axes(fig, 1, 2, i);
        nb_plot_bars(ax, 3, NULL, i ? y : a, &(nb_bar_style){.format = i ? "%.3f" : "%.1f"});
        nb_axes_ylim(ax, 0, i ? 1 : 5);
        nb_axes_title(ax, i ? "softmax(a)" : "a");
        nb_axes_xticks(ax, 3, (double[]){0, 1, 2}, NULL);
    }

    print_array("a", 3, large);
    naive_softmax(3, large, y);
    print_array("exp(a) / np.sum(exp(a))", 3, y);
    for (int i = 0; i < 3; i++) y[i] = large[i] - large[0];
    print_array("a - np.max(a)", 3, y);
    page_check(&p, nb_dsoftmax(1, 3, large, 3, y, 3)); /* subtracts the largest first */
    print_array("softmax(a)", 3, y);

    page_save(&p, fig, NULL, "softmax");
    return page_end(&p);
}
