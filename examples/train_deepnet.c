/* train_deepnet - the book's train_deepnet.py (8.1): DeepConvNet on MNIST by Adam. The loss that it
 * reports is that of a training pass, with dropout. */
#include "convnet_run.h"

int main(int argc, char **argv)
{
    const convnet net = deep_convnet();
    return convnet_main(argc, argv,
                        "Train the book's DeepConvNet (six convolutions of 3x3, three times pooled "
                        "- 50 - 10, with dropout) on MNIST by Adam.",
                        &net);
}
