/* wide.h - a graph's forward pass in long double, on the smooth piece on which the function is: for
 * lib/derivative alone.
 *
 * What a difference of doubles cannot tell, as the loss has lost the digits or a corner is near, a
 * difference of this pass can: relu, max_pool and the like keep the sides and the winners of the
 * graph's last pass, dropout its masks, cross entropy is that of the logits, and rounding is 2^-64
 * (x86; other machines have 2^-113 or, without a wider type, 2^-53). It is a second forward pass,
 * written on its own: where the two differ, one of them is wrong. An operation that is not nablas's
 * is computed by its own forward, in double. */
#ifndef NABLAS_WIDE_H
#define NABLAS_WIDE_H

#include "graph/graph.h"

typedef long double nb_real;
typedef struct nb_wide nb_wide;

/* nb_wide_create - from the last forward pass of a graph in float64, which has to stay as it is while
 * this is used. Errors: NB_ENOMEM, what an operation of the caller's answers. */
nb_status nb_wide_create(const nb_node *loss, nb_wide **wide);
void nb_wide_destroy(nb_wide *wide);

/* nb_wide_loss - at the parameters as they are. Where the loss is made of cross entropies or squares
 * by sums, it is counted from there, so that it is 0: its changes then lose no digits to it. */
nb_real nb_wide_loss(const nb_wide *wide);

/* nb_wide_move - the loss with element i of a parameter at w.
 *
 *   crossed  out  an input of an operation of the caller's with a corner (NB_CORNER) changed sign
 * nb_wide_moved - what that made of a node; NULL: it is as it was. nb_wide_was - as it was. */
nb_status nb_wide_move(nb_wide *wide, const nb_node *parameter, size_t i, nb_real w, nb_real *loss,
                       bool *crossed);
const nb_real *nb_wide_moved(const nb_wide *wide, const nb_node *node);
const nb_real *nb_wide_was(const nb_wide *wide, const nb_node *node);

/* nb_wide_apply - one node's operation, with `in` for one of its inputs and the others as they were.
 * The node has nothing of what nb_wide_move made of it afterwards. */
nb_status nb_wide_apply(nb_wide *wide, const nb_node *node, size_t input, const nb_real *in,
                        nb_real *out, bool *crossed);

/* nb_wide_is_loss - can the change of this operation's output be computed by itself?
 * nb_wide_change - that change, where the first input was `was` and is `now`. */
bool nb_wide_is_loss(const nb_op *op);
void nb_wide_change(const nb_node *node, const nb_real *was, const nb_real *now,
                    const nb_real *target, nb_real *out);

/* nb_wide_adds - is the operation linear in its first input, without a constant? */
bool nb_wide_adds(const nb_op *op);

/* nb_wide_knows - is the operation computed here? nb_wide_forward - by it: out from in, which has NULL
 * for labels. */
bool nb_wide_knows(const nb_op *op);
void nb_wide_forward(const nb_node *node, const nb_real *const *in, nb_real *out);

#endif
