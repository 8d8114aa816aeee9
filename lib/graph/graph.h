/* graph.h - what a graph and a node are made of; for lib/graph alone. */
#ifndef NABLAS_GRAPH_INTERNAL_H
#define NABLAS_GRAPH_INTERNAL_H

#include "nablas/graph.h"

typedef enum { INPUT, PARAMETER, OPERATION } nb_node_kind;

struct nb_node {
    nb_graph *graph;
    size_t index;
    char *name; /* NULL: none */
    nb_node_kind kind;

    const nb_op *op; /* operations */
    double attribute;
    nb_node *input[NB_MAX_INPUTS];

    nb_shape shape; /* as declared: NB_BATCH for the batch */
    bool batched;   /* shape.dim[0] == NB_BATCH */
    bool needs_gradient;
    nb_tensor value, aux, gradient; /* at the current batch */
    size_t aux_width;
    bool sparse;   /* input: nb_sparse */
    nb_packed fed; /* input: as it was fed packed; fed.run is NULL where it is whole, fed.fill once
                      its rows are written, as they are after nb_forward */
    void *packed;  /* operation: its copy of input 1's active rows */
    void *owned;   /* an input's value when the graph is a cast; NULL otherwise */

    /* The plan for the target that was last asked for, see run.c. */
    bool needed;
    bool written;              /* backward writes this node's gradient */
    bool first[NB_MAX_INPUTS]; /* this node is the first to write input i's gradient */
};

struct nb_graph {
    nb_dtype dtype;
    const nb_kernels *kernels;
    nb_node **node;
    size_t nodes, room;

    nb_status status; /* first failure while building */
    char detail[256];

    size_t max_batch; /* 0 until finished */
    void *arena;
    nb_tensor parameters, gradients;

    nb_pool *pool;
    bool row_parallel;  /* rows may be shared out: only final scalars have no batch */
    bool fusable;       /* every use of every parameter honours alpha */
    nb_node *planned;   /* target of the plan in the nodes */
    nb_node *forwarded; /* target of the last forward pass, NULL if something changed since */
    size_t batch;
};

/* Record the first failure while building, from nb_last_error(); returns NULL. */
nb_node *nb_graph_spoil(nb_graph *g, nb_status status);

/* What the node's operation is called with in a forward pass. */
nb_call nb_node_call(const nb_node *node);

#endif
