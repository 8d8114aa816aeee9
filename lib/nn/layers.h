/* layers.h - layers as nodes of a graph; for lib/nn alone. */
#ifndef NABLAS_LAYERS_INTERNAL_H
#define NABLAS_LAYERS_INTERNAL_H

#include "nablas/model.h"

/* How many layers of each kind with names of their own there were. */
typedef struct nb_layer_numbers {
    size_t weights, norms, standards;
} nb_layer_numbers;

/* What a file has, whatever it says: elements of arrays, names of classes, class weights; 0: none. */
typedef struct nb_model_bounds {
    size_t elements, classes, class_weights;
} nb_model_bounds;

/* nb_model_create_within - nb_model_create, but NB_ESHAPE, before memory is taken for them, if parameters
 * and state have more elements than there are, and NB_EFORMAT another number of names or class weights
 * than outputs. */
nb_status nb_model_create_within(nb_model **model, const nb_model_options *options,
                                 const nb_model_bounds *bounds);

/* nb_layer_check - can layer i of a list be built? Errors: NB_EINVAL, NB_ESHAPE. */
nb_status nb_layer_check(const nb_layer *layer, size_t i);

/* nb_layer_build - the layer behind x. NULL: the graph is spoilt, nb_graph_finish says how. */
nb_node *nb_layer_build(nb_node *x, const nb_layer *layer, nb_layer_numbers *numbers);

/* nb_layer_begin - the first values of what the layer has beside weights: batch norm's of gamma,
 * beta and state, and, if `made` just now, standardize's. */
void nb_layer_begin(nb_graph *g, const nb_layer *layer, nb_layer_numbers *numbers, bool made);

/* nb_layer_weighs - does the layer have weights, which are drawn? */
bool nb_layer_weighs(const nb_layer *layer);

/* nb_layer_std - the standard deviation of the first weights of layer i, with so many inputs. */
double nb_layer_std(const nb_model_options *options, size_t i, size_t inputs);

#endif
