#include "convnets.h"

#include <stdio.h>

#define LAYERS(...) \
    .layer = {__VA_ARGS__}, .layers = sizeof((nb_layer[]){__VA_ARGS__}) / sizeof(nb_layer)

convnet simple_convnet(void)
{
    return (convnet){.name = "SimpleConvNet",
                     LAYERS(nb_conv(30, 5, 1, 0), nb_act(NB_RELU), nb_max_pooling(2, 2),
                            nb_dense(100), nb_act(NB_RELU), nb_dense(NB_MNIST_CLASSES)),
                     .init = NB_INIT_STD,
                     .std = 0.01};
}

convnet deep_convnet(void)
{
    const nb_layer relu = nb_act(NB_RELU), pool = nb_max_pooling(2, 2);
    const nb_layer drop = nb_as_in_book(nb_dropout_layer(0.5));
    return (convnet){.name = "DeepConvNet",
                     LAYERS(nb_conv(16, 3, 1, 1), relu, nb_conv(16, 3, 1, 1), relu, pool,
                            nb_conv(32, 3, 1, 1), relu, nb_conv(32, 3, 1, 2), relu, pool,
                            nb_conv(64, 3, 1, 1), relu, nb_conv(64, 3, 1, 1), relu, pool,
                            nb_dense(50), relu, drop, nb_dense(NB_MNIST_CLASSES), drop),
                     .init = NB_INIT_HE,
                     .training_loss = true};
}

convnet lenet5(void)
{
    const nb_layer relu = nb_act(NB_RELU), pool = nb_max_pooling(2, 2);
    return (convnet){.name = "LeNet-5",
                     LAYERS(nb_conv(6, 5, 1, 0), relu, pool, nb_conv(16, 5, 1, 0), relu, pool,
                            nb_dense(120), relu, nb_dense(84), relu, nb_dense(NB_MNIST_CLASSES)),
                     .init = NB_INIT_HE};
}

nb_layers convnet_layers(const convnet *net)
{
    return (nb_layers){net->layers, net->layer};
}

nb_model_options convnet_options(const convnet *net, size_t rows, size_t columns, nb_dtype dtype,
                                 nb_random *random)
{
    return (nb_model_options){.input = NB_SHAPE(1, rows, columns),
                              .layers = convnet_layers(net),
                              .epsilon = NB_BOOK_EPSILON,
                              .dtype = dtype,
                              .random = random,
                              .init = net->init,
                              .std = net->std};
}

bool convnet_recognise(const nb_arrays *weights, convnet *net)
{
    /* The filters, and the last weights, tell the two from each other and from what is neither. */
    static const struct {
        convnet (*make)(void);
        nb_shape first, last;
        size_t count;
    } books[] = {{simple_convnet, {4, {30, 1, 5, 5}}, {2, {100, 10}}, 3},
                 {deep_convnet, {4, {16, 1, 3, 3}}, {2, {50, 10}}, 8}};
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        char name[8], beyond[8];
        snprintf(name, sizeof name, "W%zu", books[i].count);
        snprintf(beyond, sizeof beyond, "W%zu", books[i].count + 1);
        const nb_tensor *first = nb_arrays_find(weights, "W1"),
                        *last = nb_arrays_find(weights, name);
        if (!first || !last || nb_arrays_find(weights, beyond) ||
            !nb_shape_equal(first->shape, books[i].first) ||
            !nb_shape_equal(last->shape, books[i].last))
            continue;
        *net = books[i].make();
        return true;
    }
    return false;
}

void as_images(const nb_mnist *mnist, nb_dataset *set)
{
    set->x.shape = NB_SHAPE(nb_dataset_count(set), 1, mnist->rows, mnist->columns);
}
