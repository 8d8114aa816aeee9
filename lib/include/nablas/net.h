/* net.h - networks as graphs: the book's simpleNet and TwoLayerNet, and any multilayer perceptron.
 *
 *     x -> affine -> activation -> ... -> affine = scores -> softmax = y
 *                                                 \-> softmax with cross entropy = loss
 *
 * Everywhere below, with n rows:
 *   x  in  (n, inputs), the network's element type
 *   t  in  labels, int32 (n), or one-hot rows (n, outputs) of the network's element type
 * They are fed, not copied (nb_feed): before nb_graph_cast or nb_gradient_check looks at the graph,
 * what was fed last must still be there, or something else be fed.
 * Errors: NB_ESHAPE, NB_EDTYPE as nb_feed; NB_ERANGE a label that is no class. */
#ifndef NABLAS_NET_H
#define NABLAS_NET_H

#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Activations of the hidden layers. */
typedef enum { NB_SIGMOID, NB_RELU } nb_activation;

/* A network: a finished graph and the nodes by which it is used. Fields are for reading. */
typedef struct nb_net {
    nb_graph *graph;
    nb_node *x;             /* input (NB_BATCH, inputs) */
    nb_node *labels;        /* target as labels */
    nb_node *one_hot;       /* target as rows */
    nb_node *scores;        /* (NB_BATCH, outputs) before softmax */
    nb_node *probabilities; /* softmax of the scores */
    nb_node *loss;          /* for labels */
    nb_node *one_hot_loss;  /* for rows */
} nb_net;

typedef struct nb_net_options {
    size_t layers;            /* affine layers, >= 1 */
    const size_t *sizes;      /* (layers + 1): inputs, hidden ..., outputs */
    bool bias;                /* affine x W + b, or matmul x W */
    nb_activation activation; /* between the layers */
    double epsilon;           /* of the loss: NB_BOOK_EPSILON or NB_EXACT_LOG (loss.h) */
    nb_dtype dtype;           /* NB_FLOAT32 or NB_FLOAT64 */
    size_t max_batch;         /* rows of one pass */
} nb_net_options;

/* nb_net_create - a multilayer perceptron with parameters W1, b1, W2, ..., all zero.
 * nb_net_destroy - free it; NULL is fine.
 * Errors: NB_EINVAL layers = 0; NB_ESHAPE a size of 0; NB_EDTYPE; NB_EOVERFLOW; NB_ENOMEM; *net is
 *         NULL then. */
nb_status nb_net_create(nb_net **net, const nb_net_options *options);
void nb_net_destroy(nb_net *net);

/* nb_net_randomize - W_l := std * randn, layer by layer in row-major order; biases := 0. Drawn and
 * multiplied in double, as the book does, then rounded to the network's precision. */
void nb_net_randomize(nb_net *net, nb_random *random, double std);

/* nb_two_layer_net_create - the book's TwoLayerNet (4.5.1, 5.7.2): inputs-hidden-outputs, book's
 * epsilon, randomised with `std`.
 * nb_simple_net_create - the book's simpleNet (4.4.2): one product x W with W (2,3), no bias,
 * W := randn. */
nb_status nb_two_layer_net_create(nb_net **net, size_t inputs, size_t hidden, size_t outputs,
                                  double std, nb_activation activation, nb_dtype dtype,
                                  size_t max_batch, nb_random *random);
nb_status nb_simple_net_create(nb_net **net, nb_dtype dtype, nb_random *random);

/* nb_net_predict - y(n, outputs) := the scores, as in chapter 5 and simpleNet.
 * nb_net_probabilities - their softmax, as in chapters 3 and 4.
 * y is of the network's type; n may exceed max_batch. */
nb_status nb_net_predict(nb_net *net, const nb_tensor *x, nb_tensor *y);
nb_status nb_net_probabilities(nb_net *net, const nb_tensor *x, nb_tensor *y);

/* nb_net_loss - the mean cross entropy of softmax(scores); n <= max_batch. */
nb_status nb_net_loss(nb_net *net, const nb_tensor *x, const nb_tensor *t, double *loss);

/* nb_net_count_correct - of the rows fed to net->x, those whose largest score is t's class.
 * nb_net_accuracy - the share of rows of x for which that is so; any n > 0. */
nb_status nb_net_count_correct(nb_net *net, const nb_tensor *t, size_t *count);
nb_status nb_net_accuracy(nb_net *net, const nb_tensor *x, const nb_tensor *t, double *accuracy);

/* nb_net_gradient - the gradient of the loss in every parameter, by backpropagation; read it with
 * nb_gradient or nb_graph_gradients.
 * nb_net_numerical_gradient - the same by central differences with step h, into the same place.
 * n <= max_batch. */
nb_status nb_net_gradient(nb_net *net, const nb_tensor *x, const nb_tensor *t);
nb_status nb_net_numerical_gradient(nb_net *net, const nb_tensor *x, const nb_tensor *t, double h);

/* nb_net_feed - feed x and t and say which loss belongs to t: for a loop of one's own. */
nb_status nb_net_feed(nb_net *net, const nb_tensor *x, const nb_tensor *t, nb_node **loss);

/* nb_net_parameter - the parameter of that name ("W1"), or NULL. */
nb_node *nb_net_parameter(const nb_net *net, const char *name);

#ifdef __cplusplus
}
#endif
#endif
