/* autopsy.h - why the loss of a run stopped being finite.
 *
 *     static nb_status tell(const nb_autopsy *a, void *context)
 *     {
 *         char text[NB_AUTOPSY_ROOM];
 *         nb_autopsy_text(a, text, sizeof text);
 *         fputs(text, stderr);
 *         return NB_OK;
 *     }
 *     options.nan = &(nb_nan_options){.found = tell, .checkpoint = "run.ckpt.nan"};
 *
 * nb_train then copies the run in memory every NB_AUTOPSY_PERIOD iterations, and keeps two copies. When
 * a loss is NaN or infinite, it goes back to a copy and repeats the iterations since then, which give
 * the same bits. It examines the last NB_AUTOPSY_STEPS of them. A run without NaN costs only the
 * copies. */
#ifndef NABLAS_AUTOPSY_H
#define NABLAS_AUTOPSY_H

#include "nablas/graph.h"
#include "nablas/op.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

enum { NB_AUTOPSY_STEPS = 20, NB_AUTOPSY_PERIOD = 100, NB_AUTOPSY_ROOM = 4096 };

/* Where in the step the first number that is not finite was made. */
typedef enum nb_nan_phase {
    NB_NAN_BEFORE,   /* it was there already: a parameter or a state */
    NB_NAN_FORWARD,  /* the training forward pass */
    NB_NAN_BACKWARD, /* the gradients */
    NB_NAN_UPDATE,   /* a parameter, after the update from finite gradients */
    NB_NAN_AFTER,    /* the forward pass with the new, finite parameters, which gives the loss */
    NB_NAN_NOWHERE   /* the repeated step was finite: its bits differ from those of the run */
} nb_nan_phase;

typedef enum nb_nan_cause {
    NB_NAN_DATA,        /* a sample or target of the batch is not finite */
    NB_NAN_WEIGHTS,     /* a parameter or a state was not finite before the step */
    NB_NAN_LOG,         /* log, division, root or power of a number for which it is not finite */
    NB_NAN_UNSCALED,    /* inputs of the batch are far from 1 */
    NB_NAN_RATE,        /* the learning rate is above what the curvature allows */
    NB_NAN_ACTIVATIONS, /* values grow from layer to layer beyond what the type can hold */
    NB_NAN_UNKNOWN
} nb_nan_cause;

/* The finite elements of an array lie from `least` to `most`; `bad` elements are not finite. */
typedef struct nb_range {
    char name[48]; /* "z1", "affine (node 4)" */
    double least, most;
    size_t bad;
} nb_range;

typedef struct nb_autopsy {
    size_t step;        /* the iteration, from 0 */
    double loss;        /* its loss */
    nb_nan_phase phase; /* where the first number that is not finite was computed, ... */
    char node[48];      /* ... by which node; "" for NB_NAN_NOWHERE */
    size_t inputs;      /* of that node: */
    nb_range input[NB_MAX_INPUTS];
    nb_range x;   /* the batch's samples as the network sees them, divided by `scale` */
    size_t batch; /* samples, and which; valid while `found` runs */
    const size_t *index;
    size_t row, column; /* NB_NAN_DATA: of the training set; a target's column counts on from the
                            sample's */
    size_t steps;       /* the last ones, this one included, oldest first: */
    double loss_of[NB_AUTOPSY_STEPS], gradient[NB_AUTOPSY_STEPS], /* norms, ... */
        update[NB_AUTOPSY_STEPS];                                 /* ... of w's change */
    double lr;                                                    /* of this step */
    double stable; /* plain descent with a larger learning rate diverges along one direction: 2 /
                            the largest curvature, before this step or `steps` - 1 steps before it,
                            whichever is smaller, on as many of the first samples as a batch has; NaN
                            if there is none */
    nb_nan_cause cause;
    bool halved; /* the run goes on from iteration `from` with `factor` of its learning rate */
    size_t from;
    double factor;
} nb_autopsy;

/* What nb_train does about it. */
typedef struct nb_nan_options {
    bool
        halve; /* go back to the older copy, 100 to 199 iterations or to the beginning, and go on with half
                   the learning rate, at most 30 times; where no rate would help (NB_NAN_DATA,
                   NB_NAN_WEIGHTS) and else: end with NB_EDIVERGED. The weights are then those before
                   the step */
    const char
        *checkpoint; /* of the run before that step is written here; NULL: nowhere. One before the
                               first step is not */
    nb_status (*found)(const nb_autopsy *a, void *context); /* is told; or NULL. Not NB_OK ends the
                                                               run with that status */
    void *context;
} nb_nan_options;

/* nb_autopsy_graph - the same for a graph and a loop of your own: which node, forward or backward, was
 * the first with a number that is not finite. Call it after an nb_forward(loss) that is not finite, or
 * before an update. The fields of *a that describe a run are 0 or NaN; `cause` is guessed from one pass.
 * Errors: NB_EINVAL a NULL; those of nb_backward, whose gradients are in the graph then; NB_ENOMEM. */
nb_status nb_autopsy_graph(nb_node *loss, nb_autopsy *a);

/* nb_autopsy_text - the autopsy as lines of text: what, where, the numbers, the likely cause, what to
 * try.
 *   text  out  cut to size - 1 bytes and closed by 0; NB_AUTOPSY_ROOM bytes hold most
 * nb_autopsy_cause - the cause in a sentence.
 * Return the length of the whole text, as snprintf; 0 for NULL. */
size_t nb_autopsy_text(const nb_autopsy *a, char *text, size_t size);
size_t nb_autopsy_cause(const nb_autopsy *a, char *text, size_t size);

NB_END_DECLS

#endif
