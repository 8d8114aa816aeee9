/* op_dropout.h - the configuration of dropout; for lib/op and lib/graph. */
#ifndef NABLAS_OP_DROPOUT_H
#define NABLAS_OP_DROPOUT_H

#include <stdbool.h>

typedef struct nb_dropping {
    double ratio; /* of elements that become 0, 0 <= ratio < 1 */
    bool book;    /* what stays is not scaled, predicting multiplies by 1 - ratio */
} nb_dropping;

#endif
