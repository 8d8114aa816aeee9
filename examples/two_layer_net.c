/* two_layer_net - TwoLayerNet: its shapes, and one step of learning (4.5.1, 4.5.2). */
#include "common.h"
#include "print.h"

#include <math.h>

enum { BATCH = 100 };

static const char *const names[4] = {"W1", "b1", "W2", "b2"};

/* The steepest element of each gradient, by backpropagation and by differences. */
static void compare(const page *p, const nb_model *net, nb_node *loss)
{
    printf("\n%-10s %-22s %s\n", "dloss/d", "backpropagation", "numerical");
    for (int i = 0; i < 4; i++) {
        nb_node *node = nb_model_parameter(net, names[i]);
        const double *gradient = nb_gradient(node)->data;
        double *w = nb_value(node)->data;
        size_t at = 0;
        for (size_t k = 1; k < nb_tensor_count(nb_gradient(node)); k++)
            if (fabs(gradient[k]) > fabs(gradient[at])) at = k;
        const double analytic = gradient[at], here = w[at];
        double f[2];
        char name[32];
        for (int side = 0; side < 2; side++) {
            w[at] = side ? here - NB_NUMERICAL_H : here + NB_NUMERICAL_H;
            page_check(p, nb_forward(loss));
            f[side] = nb_scalar(loss);
        }
        w[at] = here;
        snprintf(name, sizeof name, "%s[%zu]", names[i], at);
        printf("%-10s %-22s %s\n", name, repr(analytic),
               repr((f[0] - f[1]) / (2 * NB_NUMERICAL_H)));
    }
}

/* The network as the graph that computes its loss: shapes above the edges, and below them those of
 * the gradients. */
static void draw(const page *p, nb_node *loss)
{
    nb_picture picture;
    const nb_png_text text = page_text(p, "TwoLayerNet");
    page_check(p, nb_picture_create(&picture, loss, true));
    page_check(p, nb_diagram_save(&picture.diagram, page_path(p, NULL, "png"), &text));
    nb_picture_destroy(&picture);
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data}, {0}};
    page_begin(&p, argc, argv, "TwoLayerNet: shapes and one step of learning (4.5.1, 4.5.2).",
               options);

    nb_mnist mnist;
    nb_model *net;
    nb_random random;
    const uint32_t seed = 0;
    p.seed = &seed;
    load_mnist(&p, data, &mnist);
    nb_random_seed(&random, seed);
    page_check(&p, nb_two_layer_net_create(&net, nb_tensor_width(&mnist.train.x), 50, 10, 0.01,
                                           NB_SIGMOID, NB_FLOAT64, BATCH, &random));
    for (int i = 0; i < 4; i++) {
        char shape[64];
        nb_shape_text(nb_value(nb_model_parameter(net, names[i]))->shape, shape, sizeof shape);
        printf("params['%s'] %s\n", names[i], shape);
    }

    nb_tensor x, t;
    nb_node *loss;
    size_t mask[BATCH];
    page_check(&p, nb_tensor_create(&x, NB_FLOAT64, nb_dataset_x_shape(&mnist.train, BATCH)));
    page_check(&p, nb_tensor_create(&t, NB_INT32, nb_dataset_t_shape(&mnist.train, BATCH)));
    page_check(&p, nb_random_choice(&random, nb_dataset_count(&mnist.train), BATCH, mask));
    page_check(&p, nb_dataset_gather(&mnist.train, BATCH, mask, &x, &t));

    page_check(&p, nb_model_feed(net, &x, &t, &loss));
    page_check(&p, nb_forward(loss));
    printf("\nloss of %d images before the step %s\n", BATCH, repr(nb_scalar(loss)));
    page_check(&p, nb_backward(loss));
    compare(&p, net, loss);
    page_check(&p, nb_forward(loss));
    page_check(&p, nb_descend(loss, 0.1));
    page_check(&p, nb_forward_again(loss));
    printf("\nloss of the same images after it  %s\n", repr(nb_scalar(loss)));

    draw(&p, loss);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
