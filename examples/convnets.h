/* convnets.h - convolutional networks for MNIST: the book's two, and LeNet-5. */
#ifndef EXAMPLES_CONVNETS_H
#define EXAMPLES_CONVNETS_H

#include "nablas/nablas.h"

#include <stdbool.h>
#include <stddef.h>

/* A network for images (1, 28, 28), and how its first weights are drawn. */
typedef struct convnet {
    const char *name;
    nb_layer layer[24];
    size_t layers;
    nb_init init;
    double std;         /* NB_INIT_STD */
    bool training_loss; /* its loss is taken with dropout (8.1) */
} convnet;

/* simple_convnet - 7.5: conv 30@5x5, ReLU, pool, 100, ReLU, 10; std 0.01.
 * deep_convnet - 8.1.1: six convolutions of 3x3, three times pooled, 50, 10, each of these two with
 *                dropout; He.
 * lenet5 - LeNet-5 as CPU libraries are compared with it: conv 6@5x5, pool, conv 16@5x5, pool, 120, 84,
 *          10; ReLU; He. */
convnet simple_convnet(void);
convnet deep_convnet(void);
convnet lenet5(void);

/* convnet_layers - the list, valid as long as *net.
 * convnet_options - of a model of that network for images of rows x columns; weights from `random`, or 0
 *                   if that is NULL. */
nb_layers convnet_layers(const convnet *net);
nb_model_options convnet_options(const convnet *net, size_t rows, size_t columns, nb_dtype dtype,
                                 nb_random *random);

/* convnet_recognise - is one of the book's two what these weights are of, by their shapes? */
bool convnet_recognise(const nb_arrays *weights, convnet *net);

/* as_images - a set of rows of pixels as images (n, 1, rows, columns). */
void as_images(const nb_mnist *mnist, nb_dataset *set);

#endif
