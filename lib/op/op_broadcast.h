/* op_broadcast.h - configuration of the operation broadcast; for lib/op and lib/graph. */
#ifndef NABLAS_BROADCAST_H
#define NABLAS_BROADCAST_H

typedef enum {
    NB_BROADCAST_ADD,
    NB_BROADCAST_SUBTRACT,
    NB_BROADCAST_MULTIPLY,
    NB_BROADCAST_DIVIDE
} nb_broadcast;

#endif
