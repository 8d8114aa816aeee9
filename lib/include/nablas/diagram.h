/* diagram.h - computational graphs as pictures, from left to right: values above the edges, going
 * forward; derivatives below them, going back.
 *
 *     const nb_diagram_node nodes[] = {{"apple", NB_NODE_LEAF}, {"2", NB_NODE_LEAF},
 *                                      {"×", NB_NODE_OP}, {"", NB_NODE_RESULT}};
 *     const nb_diagram_edge edges[] = {{0, 2, "100", "2"}, {1, 2, "2", "100"}, {2, 3, "200", "1"}};
 *     const nb_diagram d = {nodes, 4, edges, 3};
 *     status = nb_diagram_save(&d, "figures/apples.png", NULL);
 *
 * The library draws any acyclic graph given in these plain structs; it keeps no pointer to them.
 * Text is UTF-8. */
#ifndef NABLAS_DIAGRAM_H
#define NABLAS_DIAGRAM_H

#include "nablas/png.h"
#include "nablas/status.h"

#include <stddef.h>
#include <stdio.h>

NB_BEGIN_DECLS

typedef enum {
    NB_NODE_LEAF,  /* a box: an input */
    NB_NODE_OP,    /* a circle: an operation */
    NB_NODE_RESULT /* bare text, or nothing: where the last edge leads */
} nb_node_kind;

typedef struct nb_diagram_node {
    const char *label; /* NULL: none */
    nb_node_kind kind;
} nb_diagram_node;

typedef struct nb_diagram_edge {
    size_t from, to;   /* indices of nodes */
    const char *above; /* the value; NULL: none */
    const char *below; /* the derivative, beside an arrow back; NULL: neither */
} nb_diagram_edge;

#define NB_DIAGRAM_MAX_NODES 2000
#define NB_DIAGRAM_MAX_EDGES 10000

typedef struct nb_diagram {
    const nb_diagram_node *nodes; /* (node_count) */
    size_t node_count;
    const nb_diagram_edge *edges; /* (edge_count) */
    size_t edge_count;
} nb_diagram;

/* nb_diagram_render - the picture as an RGB image, as large as it needs to be; destroy it.
 * nb_diagram_save - the same into a PNG file with `text` (or NULL), as nb_png_save.
 *
 * A node is one column to the right of the last of its inputs, a leaf just before its first
 * use; columns are ordered to cross few edges (barycentres; Sugiyama, Tagawa & Toda, IEEE
 * Transactions on Systems, Man and Cybernetics 11 (1981)). Pictures beyond 4000 points are scaled
 * down. Errors: NB_EINVAL no nodes, an edge to or from a node that is not there, or a cycle (naming
 * a node on it); NB_ERANGE more nodes or edges than the limits; NB_ENOMEM; those of nb_png_save.
 * Cost:   some dozen passes over edges times the columns they cross. Equal diagrams give equal
 *         bytes. Thread-safe. */
nb_status nb_diagram_render(const nb_diagram *d, nb_image *image);
nb_status nb_diagram_save(const nb_diagram *d, const char *path, const nb_png_text *text);

/* nb_diagram_dot - the graph in Graphviz's language, labels escaped, to an open file.
 * nb_diagram_save_dot - the same into a file that appears whole or not at all.
 *
 * Errors: NB_EINVAL, NB_ERANGE as above (a cycle is fine); NB_EIO. */
nb_status nb_diagram_dot(const nb_diagram *d, FILE *file);
nb_status nb_diagram_save_dot(const nb_diagram *d, const char *path);

NB_END_DECLS
#endif
