/* term.h - which term of a gradient is missing, as far as the graph tells; for lib/derivative alone. */
#ifndef NABLAS_TERM_H
#define NABLAS_TERM_H

#include "graph/graph.h"
#include "numeric/check.h"

/* nb_only_user - the only node that uses this one, on the way to the loss, and as which input; NULL:
 * none, or several. */
const nb_node *nb_only_user(const nb_node *loss, const nb_node *used, size_t *position);

/* nb_name_term - where wrong elements have no slip in common: is d - a in proportion to the other
 * operand of the only operation that uses the parameter, or what some rows of the batch give?
 * Errors: NB_ENOMEM. */
nb_status nb_name_term(const nb_node *loss, const nb_node *parameter, const nb_checked *c,
                       nb_gradient_row *row);

#endif
