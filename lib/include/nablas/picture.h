/* picture.h - a computational graph as a diagram, with its numbers.
 *
 *     nb_picture picture;
 *     nb_status status = nb_picture_create(&picture, price, true);
 *     if (!status) status = nb_diagram_save(&picture.diagram, "price.png", NULL);
 *     if (!status) status = nb_diagram_save_dot(&picture.diagram, "price.dot");
 *     nb_picture_destroy(&picture);
 */
#ifndef NABLAS_PICTURE_H
#define NABLAS_PICTURE_H

#include "nablas/diagram.h"
#include "nablas/graph.h"
#include "nablas/status.h"

#include <stdbool.h>

NB_BEGIN_DECLS

typedef struct nb_picture {
    nb_diagram diagram; /* to be read, until the picture is destroyed */
    void *memory[3];
} nb_picture;

/* nb_picture_create - `target` and all that it needs: a box for each leaf, a circle for each
 * operation; above an edge the value that goes forward, below it, if `backward`, the derivative of
 * `target` that comes back.
 *
 *   target    in  of a graph that was built; values and derivatives are the current ones, so call
 *                 nb_forward(target) and nb_backward(target) first
 *   backward  in  with derivatives, where there are any: not for inputs
 * A single number is written as such, with six digits, an array by its shape. Where a node is used
 * several times, each of its edges has the whole derivative, the sum over its uses.
 * Errors: NB_EINVAL target is NULL; NB_ENOMEM. *picture is zeroed then.
 * Cost:   one pass over the graph.
 * Source: textbook 5.1 to 5.3. */
nb_status nb_picture_create(nb_picture *picture, nb_node *target, bool backward);

/* nb_picture_destroy - free it and zero the struct; fine on a zeroed one and on NULL. */
void nb_picture_destroy(nb_picture *picture);

NB_END_DECLS
#endif
