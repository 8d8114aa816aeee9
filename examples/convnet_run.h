/* convnet_run.h - train_convnet and train_deepnet: the same options, another network. */
#ifndef EXAMPLES_CONVNET_RUN_H
#define EXAMPLES_CONVNET_RUN_H

#include "convnets.h"

/* convnet_main - read the command line, train `net` on MNIST by Adam. Returns main's value. */
int convnet_main(int argc, char **argv, const char *about, const convnet *net);

#endif
