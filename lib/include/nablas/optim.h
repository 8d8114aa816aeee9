/* optim.h - optimisers: how parameters follow their gradients. */
#ifndef NABLAS_OPTIM_H
#define NABLAS_OPTIM_H

#include "nablas/graph.h"
#include "nablas/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nb_optimizer nb_optimizer;
typedef struct nb_optimizer_type nb_optimizer_type;
typedef struct nb_optimizer_options {
    double lr;
} nb_optimizer_options;
extern const nb_optimizer_type nb_sgd;

void nb_optimizer_defaults(const nb_optimizer_type *type, nb_optimizer_options *options);
nb_status nb_optimizer_create(nb_optimizer **optimizer, nb_graph *g, const nb_optimizer_type *type,
                              const nb_optimizer_options *options);
void nb_optimizer_destroy(nb_optimizer *optimizer);
/* nb_optimizer_step - backward and update, after nb_forward(loss).
 * nb_optimizer_update - update from the gradients in the graph.
 * nb_optimizer_forward - the loss after the step: nb_forward_again where that is right, else
 * nb_forward.
 * nb_optimizer_lr - the learning rate of the last step, or of the first if there was none. */
nb_status nb_optimizer_step(nb_optimizer *optimizer, nb_node *loss);
nb_status nb_optimizer_update(nb_optimizer *optimizer);
nb_status nb_optimizer_forward(nb_optimizer *optimizer, nb_node *loss);
double nb_optimizer_lr(const nb_optimizer *optimizer);

#ifdef __cplusplus
}
#endif
#endif
