/* nudge.h - numerical gradients that recompute only what can change; for lib/derivative alone. */
#ifndef NABLAS_NUDGE_H
#define NABLAS_NUDGE_H

#include "graph/graph.h"

/* nb_nudge - nb_graph_numerical_gradient behind its checks, after nb_forward(loss). */
nb_status nb_nudge(nb_node *loss, const nb_node *parameter, double h, nb_tensor *gradient);

#endif
