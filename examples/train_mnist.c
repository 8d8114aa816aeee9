/* train_mnist - the book's train_neuralnet.py (4.5.2, 4.5.3; with --activation relu 5.7.4):
 * TwoLayerNet on MNIST by stochastic gradient descent. */
#include "train_run.h"

int main(int argc, char **argv)
{
    settings s;
    nb_mnist mnist;
    read_settings(&s, argc, argv, NULL, NULL);
    load_mnist(&s.page, s.data, &mnist);
    nb_model_options options = model_of(&s, &mnist);
    const int code = train_run(&s, &options, &mnist);
    nb_mnist_destroy(&mnist);
    return code;
}
