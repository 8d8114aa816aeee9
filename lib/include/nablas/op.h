/* op.h - the operations of a computational graph, and how to write one.
 *
 * An operation computes `out` from its inputs in a few phases, and the gradients of its inputs from
 * that of `out` in a few more. A phase is called with a range lo ... hi-1 of what it counts:
 *
 *   NB_ROWS        forward: rows of `out`
 *   NB_INPUT_ROWS  forward: rows of one input, to prepare something from them;
 *                  backward: rows of the gradient of one input, which the phase writes
 *   NB_GROUPS      groups of NB_GROUP_ROWS rows of the batch, for sums over the batch
 *   NB_ONCE        everything, on one thread: lo = 0, hi = 1
 *   NB_DRAW        forward: the same, before anything is computed, in the order of the nodes: the
 *                  only place to draw random numbers; it reads no input
 *
 * The graph calls the phases of an operation in order, with a barrier between them. An operation
 * that promises NB_BY_ROW is called by several threads, each with its own range, and needs no
 * barrier between it and its neighbours. One that promises nothing is called for the whole range by
 * one thread: slower, but always right. nb_op_check (gradient.h) runs an operation by ranges, on
 * threads and twice, and names the promise that it breaks.
 *
 * lib/op holds the examples: elementwise.c the shortest. */
#ifndef NABLAS_OP_H
#define NABLAS_OP_H

#include "nablas/kernels.h"
#include "nablas/packed.h"
#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

#define NB_MAX_INPUTS 6
#define NB_MAX_PHASES 6

/* How a forward pass runs; the backward pass differentiates the forward pass that came before. */
typedef struct nb_pass {
    bool training; /* training: dropout draws masks, batch norm uses the batch's statistics and
                          moves the running ones; otherwise predicting */
    bool frozen;   /* repeat the last pass: no random number is drawn (masks are kept), no state
                          is changed; for differences and checks */
    nb_random
        *random; /* the stream that masks come from; NULL: an operation that needs one fails */
} nb_pass;

/* What a phase works on. Tensors have the shapes of the current batch. */
typedef struct nb_call {
    const nb_kernels *kernels;          /* of the graph's precision */
    const void *config;                 /* the bytes given when the node was made */
    nb_pass pass;                       /* of the forward pass; backward sees the same */
    size_t rows;                        /* of the batch */
    const nb_tensor *in[NB_MAX_INPUTS]; /* values of the inputs */
    const nb_tensor *out;               /* value of this node: forward writes it */
    const nb_tensor *kept;              /* (rows of out, need.kept): written by forward, read by
                                           backward */
    const nb_tensor *between; /* backward of several nodes run as one (nb_graph_join): room for the
                                 gradient of the first one's value; NULL otherwise */
    void *memory;  /* need.memory elements of the node's own, which stay from pass to pass */
    void *partial; /* (groups of the batch, need.partial): see nb_fold */
    void *scratch; /* need.scratch elements of this thread, for the length of the call */

    size_t input;          /* NB_INPUT_ROWS: which */
    const nb_tensor *dout; /* backward: gradient with respect to `out` */
    const nb_tensor *din;  /* backward, NB_INPUT_ROWS: where the gradient of the input goes */
    double alpha, beta;    /* there: din := alpha gradient + beta din */
} nb_call;

/* What an operation asks for, in elements of the graph's type. */
typedef struct nb_need {
    nb_shape out;   /* shape of the output */
    size_t kept;    /* for each row of the output */
    size_t memory;  /* for the node */
    size_t partial; /* for each group of rows of the batch */
    size_t scratch; /* for each thread */
} nb_need;

typedef enum nb_over { NB_ROWS, NB_INPUT_ROWS, NB_GROUPS, NB_ONCE, NB_DRAW } nb_over;

typedef struct nb_phase {
    nb_status (*run)(const nb_call *c, size_t lo, size_t hi); /* NULL: there are no more phases */
    nb_over over;
    size_t input;     /* NB_INPUT_ROWS: which */
    bool packed_only; /* only where in[0] is packed */
} nb_phase;

/* Promises: facts about an operation that the graph and numerical gradients may rely on. All are
 * optional; a false one gives wrong results, which nb_op_check finds. */
enum {
    /* Ranges of a phase are independent of each other. Where `out` and an input both have the
     * batch's dimension, rows lo ... hi-1 of NB_ROWS and of NB_INPUT_ROWS read no other rows of the
     * inputs, of `out`, `kept` and `dout`. (NB_GROUPS reads the rows of its groups; NB_ONCE, and
     * NB_INPUT_ROWS of an input without the batch's dimension, may read everything.) */
    NB_BY_ROW = 1,
    /* By row, one phase forward, nothing kept, inputs of the output's shape, and an element of the
     * output depends only on the same element of each input: forward may be given one column. */
    NB_BY_ELEMENT = 2,
    /* out := in[0] (n,k) times in[1] (k,m), plus in[2] (m) in each row if there is one. */
    NB_PRODUCT = 4,
    /* out := the scalar sum, the scalar mean of all elements of in[0]. */
    NB_SUM = 8,
    NB_MEAN = 16,
    /* Backward honours alpha (which is 1 otherwise). Where `out` has the batch's dimension, in the
     * phase that writes the gradient of input i, it reads neither the value of another input without
     * the batch's dimension nor, in another row, that of input i: the graph may let it write into
     * in[i] itself, w := w - lr dw. What a forward phase NB_INPUT_ROWS prepared from in[i] is then
     * kept equal to it. */
    NB_FUSES = 32,
    /* forward has a corner or a jump where an element of in[0] is 0. */
    NB_CORNER = 64,
    /* Inputs may be labels (int32), which nb_apply refuses otherwise. */
    NB_LABELS = 128,
    /* in[0] may be packed (packed.h). */
    NB_PACKED = 256
};

typedef struct nb_op {
    const char *name; /* "affine" */
    size_t inputs;    /* 1 ... NB_MAX_INPUTS */
    size_t config;    /* bytes of configuration, copied when a node is made */
    unsigned promises;

    /* plan - from the inputs' element types and shapes (their `data` is NULL, a batch's first
     * dimension is NB_BATCH, `packed` is set where the input may be packed) and the configuration
     * say what the operation needs; *need is zeroed before. Errors: NB_ESHAPE, NB_EDTYPE, NB_EINVAL, with what was
     * found and what was expected. */
    nb_status (*plan)(const nb_tensor *in, const void *config, nb_need *need);

    /* forward - the last phase completes `out`. */
    nb_phase forward[NB_MAX_PHASES];

    /* backward - phases NB_INPUT_ROWS write gradients, others prepare them:
     *   din[lo:hi] := alpha (d out / d in_i)^T dout + beta din[lo:hi]
     * with beta = 0 the old contents are not read. An input without a phase has the gradient 0. */
    nb_phase backward[NB_MAX_PHASES];

    /* exact - where forward differs slightly from the function that backward differentiates: change
     * the configuration to that of the exact function; false if it already is. NULL: it always is.
     * For gradient checks (check.h). */
    bool (*exact)(void *config);
} nb_op;

/* --- sums over the batch ---------------------------------------------------------------------
 *
 * An NB_GROUPS phase first sums each group of NB_GROUP_ROWS rows of the batch (the last group may
 * be smaller); the partial sums are then added in one fixed tree. The bits therefore do not depend
 * on which thread computed which group. */

#define NB_GROUP_ROWS 8

/* nb_groups - the groups of a batch of n rows.
 * nb_fold - add the partial sums of `groups` groups, of `width` elements each, `stride` elements
 * apart, in the fixed tree: s_g += s_(g+1) for g = 0, 2, 4 ..., s_g += s_(g+2) for g = 0, 4, 8 ...,
 * and so on. The total is where the first group's was; the others are overwritten. Columns are
 * independent: threads may share them. */
size_t nb_groups(size_t n);
void nb_fold(const nb_kernels *kernels, size_t groups, size_t width, size_t stride, void *partial);

/* How nb_batch_norm works. */
typedef struct nb_batch_norm_options {
    bool channels;   /* of x (n, c, ...): a mean for each of the c channels; else for each of the
                        columns, c times the rest, as the book does for images too */
    double momentum; /* 0 ... 1: what a running statistic keeps of itself in a training pass */
    double epsilon;  /* >= 0, added to the variance */
} nb_batch_norm_options;

/* The book's, by column; the usual, by channel. */
extern const nb_batch_norm_options nb_batch_norm_book;     /* momentum 0.9, epsilon 1e-6 */
extern const nb_batch_norm_options nb_batch_norm_channels; /* momentum 0.9, epsilon 1e-5 */

/* How a window moves over images (n, C, H, W); convolution.h says what that gives. */
typedef struct nb_sliding {
    size_t rows, columns;      /* of the window; 0: pooling: those of the image, convolution: those
                                  of the filters, which is all that they may be */
    size_t stride_y, stride_x; /* 0: pooling: the window's size, convolution: 1 */
    size_t pad_y, pad_x;       /* zeros on each side of the image */
    bool winograd;             /* convolution in float32: NB_CONVOLUTION_WINOGRAD (convolution.h) */
} nb_sliding;

/* nb_op_count, nb_op_at - the built-in operations, for tests and tools. */
size_t nb_op_count(void);
const nb_op *nb_op_at(size_t i);

NB_END_DECLS
#endif
