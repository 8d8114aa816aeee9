/* pieces.h - on which smooth piece of the function the last pass was, and other facts about a graph
 * that explain a difference; for lib/derivative alone. */
#ifndef NABLAS_PIECES_H
#define NABLAS_PIECES_H

#include "graph/graph.h"
#include "nablas/check.h"

/* nb_piece - a number that changes with the side of 0 on which an input of an operation with a
 * corner (NB_CORNER) lies, and with the element that max_pool or max_axis chooses. */
uint64_t nb_piece(const nb_node *loss);

/* nb_hash - FNV-1a of bytes, on top of `hash`; nb_hash_begin of none. */
#define nb_hash_begin 0xcbf29ce484222325u
uint64_t nb_hash(uint64_t hash, const void *bytes, size_t count);

/* nb_silent_reason - why the gradient of the parameter is 0, if it is and the graph tells: every way
 * to the loss goes through a batch norm with one number for each deviation (NB_BATCH_OF_ONE), or the
 * parameter is a bias that goes only into batch norm (NB_BEFORE_NORM); else NB_VACUOUS.
 * Errors: NB_ENOMEM. */
nb_status nb_silent_reason(const nb_node *loss, const nb_node *parameter, nb_reason *reason);

#endif
