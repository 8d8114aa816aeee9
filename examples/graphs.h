/* graphs.h - what the pages on computational graphs share: the nodes of the book's drawings, and
 * the drawings. */
#ifndef EXAMPLES_GRAPHS_H
#define EXAMPLES_GRAPHS_H

#include "common.h"

/* A node with one input that the book draws and nablas has no operation for. */
typedef enum elementary {
    TIMES_TWO,
    TIMES_TAX,   /* 1.1 x */
    TIMES_GIVEN, /* 1.3 x: the derivative that comes back in 5.3 */
    TIMES_MINUS, /* -x; the last of the products */
    PLUS_ONE,
    SQUARE,
    EXPONENTIAL,
    LOGARITHM,
    RECIPROCAL
} elementary;

nb_node *elementary_node(elementary which, nb_node *x);

/* set_values - the elements of a parameter of a float64 graph. */
void set_values(nb_node *parameter, const double *values);

/* run_graph - forward, backward, and print each node that has a name: its value and, if there is
 *             one, its derivative.
 * draw_graph - the same as a picture, DIR/NAME_part.png and .dot: values above the edges, derivatives
 *              below; a small array with all of its numbers, a larger one by its shape. The
 *              target needs every node of its graph, which is of float64. */
void run_graph(const page *p, nb_node *target);
void draw_graph(const page *p, nb_node *target, const char *part, const char *title);

#endif
