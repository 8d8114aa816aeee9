/* visualize_filter - the book's visualize_filter.py (7.6.1, figure 7-24): the filters of SimpleConvNet's
 * first layer before learning and after it. */
#include "convnet_weights.h"
#include "display.h"

#include <math.h>

enum { COLUMNS = 8 };

static void draw(const page *p, nb_model *net, const char *part, const char *title)
{
    const nb_tensor *W = nb_value(nb_model_parameter(net, "W1"));
    const size_t count = W->shape.dim[0] * W->shape.dim[1];
    double lo = 0, hi = 0, sum = 0;
    for (size_t i = 0; i < nb_tensor_count(W); i++) {
        const double w = ((const double *)W->data)[i];
        lo = w < lo ? w : lo;
        hi = w > hi ? w : hi;
        sum += w * w;
    }
    print_line("%s: %zu filters of %zux%zu, from %.4f to %.4f, root mean square %.4f", title, count,
               W->shape.dim[2], W->shape.dim[3], lo, hi, sqrt(sum / (double)nb_tensor_count(W)));
    nb_figure *fig;
    nb_figure_create(&fig, 480, 260);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_filters(ax, count, COLUMNS, W->shape.dim[2], W->shape.dim[3], W->data, NULL, NULL);
    nb_axes_title(ax, title);
    page_save(p, fig, part, "filters of the first layer");
}

int main(int argc, char **argv)
{
    page p;
    nb_mnist mnist;
    nb_random random;
    const char *data = NULL, *weights = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "of a convolutional net (the book's SimpleConvNet, or learnt first)",
         &weights},
        {0}};
    page_begin(&p, argc, argv, "The first filters before and after learning (7.6.1).", options);
    load_mnist(&p, data, &mnist);
    const convnet simple = simple_convnet();
    nb_model *net =
        trained_convnet(&p, &mnist, weights, &simple, "simple_convnet_params.pkl", 2, NB_FLOAT64);
    /* The same layers anew, with first weights as the net's own have been. */
    nb_model_options o = net->options;
    o.init = simple.init;
    o.std = simple.std;
    o.random = &random;
    nb_random_seed(&random, 0);
    nb_model *fresh;
    page_check(&p, nb_model_create(&fresh, &o));
    draw(&p, fresh, "before", "before learning");
    draw(&p, net, "after", "after learning");
    nb_model_destroy(fresh);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
