/* train_mnist - the book's train_neuralnet.py (4.5.2, 4.5.3; with --activation relu 5.7.4):
 * TwoLayerNet on MNIST by stochastic gradient descent. */
#include "train_run.h"

int main(int argc, char **argv)
{
    settings s;
    nb_mnist mnist;
    read_settings(&s, argc, argv);
    load_mnist(&s.page, s.data, &mnist);
    nb_model_options options = {.input = NB_SHAPE(nb_tensor_width(&mnist.train.x)),
                                .layers = {s.layers, s.layer}};
    if (s.net.layers) {
        as_images(&mnist, &mnist.train);
        as_images(&mnist, &mnist.test);
        options.input = NB_SHAPE(1, mnist.rows, mnist.columns);
        options.layers = convnet_layers(&s.net);
    }
    const int code = train_run(&s, &options, &mnist);
    nb_mnist_destroy(&mnist);
    return code;
}
