/* op.h - one operation of a computational graph: what its author writes.
 *
 * An operation computes rows: its output has a first dimension (the samples of a batch, as a rule),
 * and `forward` is asked for a range of them. `backward` is asked for a range of rows of the
 * gradient of one input. Ranges let several threads share the work without knowing of each other.
 * So a sample looks at no other sample: where the output and an input both have the batch's
 * dimension, rows lo ... hi-1 are computed from rows lo ... hi-1. What has no batch may be read
 * whole, and the gradient of a parameter is computed from all rows.
 * lib/graph/op_*.c are the examples. */
#ifndef NABLAS_OP_H
#define NABLAS_OP_H

#include "nablas/kernels.h"
#include "nablas/packed.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NB_MAX_INPUTS 3

/* What an operation works on. Tensors have the shapes of the current batch. */
typedef struct nb_call {
    const nb_kernels *kernels;          /* of the graph's precision */
    double attribute;                   /* the number given when the node was made */
    const nb_tensor *in[NB_MAX_INPUTS]; /* values of the inputs */
    const nb_tensor *out;               /* value of this node: forward writes it */
    const nb_tensor *aux;               /* (rows, aux): kept by forward for backward */
    const nb_tensor *dout;              /* backward: gradient with respect to `out` */
    const nb_tensor *din;               /* backward: where the gradient of the input goes */
    double alpha, beta;                 /* backward: din := alpha share + beta din */

    /* Where in[0] is packed (nb_feed_packed), its columns and entries, else NULL; in[0] is then its
     * dense part, and `packed` is room for the rows of in[1] that meet it. */
    const nb_packed *sparse;
    void *packed;
} nb_call;

/* What kind of function of its inputs an operation is, for those who ask what one changed number
 * can change: the fast numerical gradient (gradient.h). A kind is a promise about `forward`; the
 * first one is the promise that every operation makes, and is always right. */
typedef enum nb_op_kind {
    NB_BY_ROW,     /* a row of the output comes from the same row of the inputs with a batch */
    NB_BY_ELEMENT, /* an element from the same element of each input; all have the output's shape.
                      `forward` may be given any one column as if it were all there is */
    NB_PRODUCT,    /* in[0] (n,k) times in[1] (k,m), plus in[2] (m) in each row if there is one */
    NB_SUM,        /* the scalar sum of all elements of in[0] */
    NB_MEAN        /* the scalar mean of all elements of in[0] */
} nb_op_kind;

typedef struct nb_op {
    const char *name; /* "affine" */
    size_t inputs;    /* 1 ... NB_MAX_INPUTS */
    nb_op_kind kind;

    /* shape - from the inputs' element types and shapes (their `data` is NULL, a batch's first
     * dimension is NB_BATCH) say the shape of the output and how many numbers per row of it
     * `forward` keeps for `backward`. Errors: NB_ESHAPE, NB_EDTYPE, with the offending shapes. */
    nb_status (*shape)(const nb_tensor *in, nb_shape *out, size_t *aux);

    /* forward - out[lo:hi] from the inputs. An output without the batch's dimension has all of its
     * rows asked for at once. */
    nb_status (*forward)(const nb_call *c, size_t lo, size_t hi);

    /* backward - din[lo:hi] := alpha (d out / d in_i)^T dout + beta din[lo:hi]; with beta = 0 the
     * old contents are not read. alpha is 1 unless `scales` is set. NULL: the gradient is 0. */
    nb_status (*backward)(const nb_call *c, size_t i, size_t lo, size_t hi);

    /* prepare - where in[0] is packed: copy the active ones of in[1]'s rows lo ... hi-1 to
     * `packed`. Called for all rows before `forward`, whenever in[1] may have changed. An operation
     * that writes in[1] in `backward` (din is in[1], in gradient descent) keeps `packed` equal to
     * it. NULL: the operation takes no packed input. */
    nb_status (*prepare)(const nb_call *c, size_t lo, size_t hi);

    /* backward honours alpha and, for one parameter, does not read the others' values nor, in
     * another row, its own: gradient descent may then write w - lr dw in place of dw. */
    bool scales;

    bool labels; /* inputs may be labels (int32), which nb_apply refuses otherwise */

    /* What a gradient check must know (check.h). `corner`: forward has a corner or a jump where an
     * element of in[0] is 0. `exact`: the attribute with which forward is the function that
     * backward differentiates, where another one makes it a little different; NULL: any. */
    bool corner;
    const double *exact;
} nb_op;

/* nb_op_count, nb_op_at - the operations that nablas brings, for tests and tools. */
size_t nb_op_count(void);
const nb_op *nb_op_at(size_t i);

#ifdef __cplusplus
}
#endif
#endif
