/* convnets.h - the book's convolutional nets (7.5, 8.1.1), and where their data are. */
#ifndef TEST_CONVNETS_H
#define TEST_CONVNETS_H

#include "support.h"

#include "nablas/mnist.h"
#include "nablas/model_file.h"
#include "nablas/train.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { IMAGE = 28, PIXELS = IMAGE * IMAGE };

static inline nb_model *convnet(nb_layers layers, nb_dtype dtype, nb_init init, nb_random *random)
{
    nb_model *net;
    assert_ok(nb_model_create(&net, &(nb_model_options){.input = NB_SHAPE(1, IMAGE, IMAGE),
                                                        .layers = layers,
                                                        .epsilon = NB_BOOK_EPSILON,
                                                        .dtype = dtype,
                                                        .random = random,
                                                        .init = init,
                                                        .std = .01}));
    return net;
}

static inline nb_model *simple_convnet(nb_dtype dtype, nb_random *random)
{
    return convnet(NB_LAYERS(nb_conv(30, 5, 1, 0), nb_act(NB_RELU), nb_max_pooling(2, 2),
                             nb_dense(100), nb_act(NB_RELU), nb_dense(10)),
                   dtype, NB_INIT_STD, random);
}

static inline nb_model *deep_convnet(nb_dtype dtype, nb_random *random)
{
    const nb_layer relu = nb_act(NB_RELU), pool = nb_max_pooling(2, 2);
    const nb_layer drop = nb_as_in_book(nb_dropout_layer(.5));
    return convnet(NB_LAYERS(nb_conv(16, 3, 1, 1), relu, nb_conv(16, 3, 1, 1), relu, pool,
                             nb_conv(32, 3, 1, 1), relu, nb_conv(32, 3, 1, 2), relu, pool,
                             nb_conv(64, 3, 1, 1), relu, nb_conv(64, 3, 1, 1), relu, pool,
                             nb_dense(50), relu, drop, nb_dense(10), drop),
                   dtype, NB_INIT_HE, random);
}

/* MNIST as images; false: it is not here. */
static inline bool find_images(nb_mnist *m)
{
    const char *dir = getenv("NABLAS_DATA");
    if (!dir || !*dir) dir = "data/mnist";
    return nb_mnist_load(m, dir, &(nb_mnist_options){.normalize = true}) == NB_OK;
}

/* The file of that name beside the book's sample_weight.pkl; false: it is not here. */
static inline bool find_weights(const char *name, char *path, size_t size)
{
    char beside[1024] = "";
    const char *given = getenv("NABLAS_BOOK_WEIGHTS");
    snprintf(beside, sizeof beside, "%s", given ? given : "data/book/x");
    const char *const folders[] = {dirname(beside), "../shared/data"};
    for (size_t i = 0; i < COUNT(folders); i++) {
        snprintf(path, size, "%s/%s", folders[i], name);
        if (access(path, R_OK) == 0) return true;
    }
    return false;
}

#endif
