/* op_pointwise.h - configuration of the operation pointwise_loss; for lib/op and lib/graph. */
#ifndef NABLAS_POINTWISE_H
#define NABLAS_POINTWISE_H

typedef struct nb_pointwise {
    enum { NB_POINT_SQUARED, NB_POINT_ABSOLUTE, NB_POINT_HUBER, NB_POINT_BINARY } kind;
    double delta; /* Huber's */
} nb_pointwise;

#endif
