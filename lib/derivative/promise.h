/* promise.h - does an operation keep its promises (nablas/op.h)? For lib/derivative alone. */
#ifndef NABLAS_PROMISE_H
#define NABLAS_PROMISE_H

#include "nablas/check.h"
#include "nablas/graph.h"

/* An operation with values for its inputs. */
typedef struct nb_probe {
    const nb_op *op;
    const void *config;
    nb_tensor in[NB_MAX_INPUTS];  /* values, float64 or int32 labels; not packed */
    bool batched[NB_MAX_INPUTS];  /* their first dimension is the batch's */
    bool constant[NB_MAX_INPUTS]; /* no gradient is asked for */
    nb_pass pass;                 /* frozen where masks are to be those of `kept` and `memory` */
    const nb_tensor *kept;        /* of the last pass, or NULL */
    const void *memory;           /* need.memory numbers of the last pass, or NULL */
} nb_probe;

/* nb_promises_check - run the operation on copies of everything: whole, twice, by ranges with the
 * other rows hidden, on threads, with beta and alpha, in both precisions; forward and backward.
 *
 *   breach  out  what it is called; NB_KEPT if nothing is broken
 *   broken  out  a sentence that names the first promise that is broken; "" if none is
 * Errors: NB_ENOMEM; what the operation answers when it is run whole. */
nb_status nb_promises_check(const nb_probe *probe, nb_breach *breach, char *broken, size_t size);

#endif
