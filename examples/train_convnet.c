/* train_convnet - the book's train_convnet.py (7.5): SimpleConvNet on MNIST by Adam. */
#include "convnet_run.h"

int main(int argc, char **argv)
{
    const convnet net = simple_convnet();
    return convnet_main(argc, argv,
                        "Train the book's SimpleConvNet (30 filters of 5x5 - ReLU - 2x2 pooling - "
                        "100 - ReLU - 10) on MNIST by Adam.",
                        &net);
}
