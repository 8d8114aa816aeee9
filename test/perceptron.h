/* perceptron.h - multilayer perceptrons by their sizes, for tests of what is under a model. */
#ifndef TEST_PERCEPTRON_H
#define TEST_PERCEPTRON_H

#include "support.h"

#include "nablas/model.h"

typedef struct perceptron {
    size_t layers;       /* dense ones */
    const size_t *sizes; /* (layers + 1) */
    bool bias;
    nb_activation activation; /* between them */
    double epsilon;
    nb_dtype dtype;
    size_t max_batch;
} perceptron;

static inline nb_status perceptron_create(nb_model **model, const perceptron *p)
{
    nb_layer layer[16];
    assert_true(p->layers <= COUNT(layer) / 2);
    for (size_t l = 0; l < p->layers; l++) {
        layer[2 * l] = p->bias ? nb_dense(p->sizes[l + 1]) : nb_dense_without_bias(p->sizes[l + 1]);
        layer[2 * l + 1] = nb_act(p->activation);
    }
    return nb_model_create(model, &(nb_model_options){.input = NB_SHAPE(p->sizes[0]),
                                                      .layers = {2 * p->layers - 1, layer},
                                                      .epsilon = p->epsilon,
                                                      .dtype = p->dtype,
                                                      .max_batch = p->max_batch});
}

/* Weights := std * randn, as in the book; biases 0. */
static inline void perceptron_randomize(nb_model *model, nb_random *random, double std)
{
    model->options.init = NB_INIT_STD;
    model->options.std = std;
    assert_ok(nb_model_draw(model, random));
}

#endif
