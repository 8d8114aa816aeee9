/* train_run.h - a run of training as train_mnist and train_convnet report it. */
#ifndef EXAMPLES_TRAIN_RUN_H
#define EXAMPLES_TRAIN_RUN_H

#include "train_options.h"

/* model_of - the network that the settings name, for these images; shapes them for it.
 * train_run - make the network of options' input and layers, all else as the settings say, train it,
 *             save it, draw the figures. Returns main's value; exits where the run cannot begin. */
nb_model_options model_of(settings *s, nb_mnist *mnist);
int train_run(settings *s, nb_model_options *options, const nb_mnist *mnist);

#endif
