/* graph.h - what a graph and a node are made of; for lib/graph and lib/derivative. */
#ifndef NABLAS_GRAPH_INTERNAL_H
#define NABLAS_GRAPH_INTERNAL_H

#include "nablas/graph.h"

struct nb_node {
    nb_graph *graph;
    size_t index;
    char *name; /* NULL: none */
    nb_role role;

    const nb_op *op; /* operations */
    void *config;    /* op->config bytes */
    nb_need need;
    nb_node *input[NB_MAX_INPUTS];

    nb_shape shape; /* as declared: NB_BATCH for the batch */
    bool batched;   /* shape.dim[0] == NB_BATCH */
    bool needs_gradient;
    size_t uses;                     /* how often it is an input of other nodes */
    nb_tensor value, kept, gradient; /* at the current batch */
    void *memory, *partial;
    bool sparse;        /* input: nb_sparse */
    nb_fill fill;       /* input: writes its rows; NULL once they are written */
    void *fill_context; /* for fill */
    void *owned;        /* an input's value when the graph is a cast; NULL otherwise */

    /* For the target of the schedules. Nodes that are computed as one are run by the last of them, with
     * the inputs and memory of the first: `runs` is then the joined operation, else `op`, and `head`
     * the first node, else this one. */
    const nb_op *runs;
    struct nb_node *head;
    bool inner; /* no value and no gradient of its own */
    bool needed;
    bool written; /* backward writes this node's gradient */
    bool direct;  /* parameter: its gradient may go straight to its sink */
    bool follows; /* parameter: the last step went through its operation, which keeps what it has
                     prepared from it */
};

/* One call for each thread: a phase of an operation, or one of the others. */
typedef enum { NB_STEP_PHASE, NB_STEP_FILL, NB_STEP_ADD } nb_step_kind;

typedef struct nb_step_of {
    nb_step_kind kind;
    nb_node *node;         /* whose phase; the input to fill; the parameter to add to */
    const nb_phase *phase; /* NB_STEP_PHASE */
    size_t stage;
    bool alone;  /* one thread does all of it */
    bool first;  /* backward: the first step that writes din */
    bool direct; /* backward: din is the parameter's sink, if there are sinks */
} nb_step_of;

/* Steps in the order in which they run; threads meet where the stage changes. */
typedef struct nb_schedule {
    nb_step_of *step;
    size_t steps, room, stages;
} nb_schedule;

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
    const nb_graph *lender; /* whose parameters and state these are; NULL: its own */
    size_t scratch_bytes;   /* for each thread */
    size_t scratch_threads; /* that there is scratch memory for */
    char *scratch;

    nb_pool *pool;
    nb_random *split; /* for checks: phases run by ranges drawn from it, on one thread; or NULL */
    nb_pass pass, passed; /* of the next forward pass, of the last */
    nb_node *planned;     /* target of the schedules; NULL: none */
    nb_schedule forward, backward;
    struct nb_mark *mark; /* (nodes) workspace of the planner */
    nb_sink *sink;        /* (parameters) for nb_descend */
    nb_node *forwarded;   /* target of the last forward pass, NULL if something changed since */
    size_t batch;
    bool joins;       /* nb_graph_join */
    bool batch_given; /* by an input; else it is 1 */
};

/* Record the first failure while building, from nb_last_error(); returns NULL. */
nb_node *nb_graph_spoil(nb_graph *g, nb_status status);

/* What messages call a node. */
const char *nb_node_title(const nb_node *node);

/* The inputs of what the node runs. */
static inline nb_node *nb_run_input(const nb_node *node, size_t i)
{
    return node->head->input[i];
}

static inline size_t nb_run_inputs(const nb_node *node)
{
    return node->runs ? node->runs->inputs : 0;
}

/* What the node's operation is called with in a forward pass. */
nb_call nb_node_call(const nb_node *node);

/* The number of items that a phase counts in that call, and the range for each part. */
size_t nb_phase_count(const nb_phase *phase, const nb_call *c);
void nb_phase_share(const nb_phase *phase, const nb_call *c, size_t part, size_t parts, size_t *lo,
                    size_t *hi);

/* Is this phase part of this call? */
bool nb_phase_applies(const nb_phase *phase, const nb_call *c);

/* All phases of a forward pass on one thread: for calls on other arrays than the graph's. */
nb_status nb_call_forward(const nb_op *op, const nb_call *c);

bool nb_promises(const nb_node *node, unsigned promise);

/* Find the schedules for `target`; nothing is done where they are known. */
void nb_graph_plan(nb_node *target);

/* The memory of a schedule for the whole graph. Errors: NB_ENOMEM. */
nb_status nb_graph_schedule_create(nb_graph *g);
void nb_graph_schedule_destroy(nb_graph *g);

#endif
