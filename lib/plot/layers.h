/* layers.h - where the nodes of a diagram stand: columns from left to right, few crossings. */
#ifndef PLOT_LAYERS_H
#define PLOT_LAYERS_H

#include "nablas/diagram.h"

#include <stdbool.h>

#define NB_NO_NODE ((size_t)-1)

/* A place in a column: a node, or a bend of an edge that passes through the column. */
typedef struct nb_spot {
    size_t node; /* NB_NO_NODE: a bend */
    size_t layer, rank;
    double x, y, w, h; /* middle, size */
    bool side;         /* off the main line: flush right, and others are aligned first */
    size_t next;       /* of a bend: the next spot of its edge */
} nb_spot;

/* A piece of an edge, from one column to the next. */
typedef struct nb_link {
    size_t from, to; /* spots */
} nb_link;

typedef struct nb_layers {
    size_t spot_count, layer_count, link_count;
    nb_spot *spots;     /* (spot_count); spot i < node_count is node i */
    size_t *order;      /* (spot_count) spots, layer by layer, from top to bottom */
    size_t *start;      /* (layer_count + 1) where each layer begins in `order` */
    nb_link *links;     /* (link_count), by the layer they start from */
    size_t *link_start; /* (layer_count + 1) */
    size_t *first;      /* (edge_count) the first spot of each edge after its node */
    double *work;       /* (4 spot_count) */
} nb_layers;

/* nb_layers_create - columns, bends and their order.
 *                    The caller then gives nodes their w, h and side.
 * nb_layers_place - y of every spot, spots of one column at least `gap` apart, edges as straight as
 *                   that allows; then x, columns as far apart as `between`[layer] (from the right
 *                   side of one to the left side of the next).
 * nb_layers_destroy - fine on a zeroed one.
 *
 * Errors: NB_EINVAL a cycle; NB_ERANGE more than 2^20 spots; NB_ENOMEM; *l is zeroed then. */
nb_status nb_layers_create(nb_layers *l, const nb_diagram *d);
void nb_layers_place(nb_layers *l, double gap, const double *between);
void nb_layers_destroy(nb_layers *l);

/* nb_layers_crossings - pairs of links between two columns that cross. Cost: quadratic in them. */
size_t nb_layers_crossings(const nb_layers *l);

#endif
