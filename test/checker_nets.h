/* checker_nets.h - random networks, sound ones and ones with a slip, for checker_tool.c. */
#ifndef TEST_CHECKER_NETS_H
#define TEST_CHECKER_NETS_H

#include "nablas/gradient.h"
#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/op.h"
#include "nablas/random.h"

#include <stdbool.h>
#include <stdint.h>

/* What is wrong with the backward of one layer; from `subtle` on by a factor of 1e-5 and 1e-6. */
#define SLIP_LIST(X)                            \
    X(SOUND, "sound")                           \
    X(SIGN, "sign of dW")                       \
    X(SIGN_X, "sign of dx")                     \
    X(TRANSPOSED, "dx by W, not its transpose") \
    X(SHIFTED, "dW shifted by one")             \
    X(TIMES_N, "dW times N")                    \
    X(HALF, "dW halved")                        \
    X(NO_DB, "db = 0")                          \
    X(LAST_ROW, "last row left out")            \
    X(ONE_LABEL, "one label left out")          \
    X(NO_MASK, "relu without its mask")         \
    X(SWAPPED, "two columns swapped")           \
    X(SUBTLE_5, "dW (1 + 1e-5)")                \
    X(SUBTLE_6, "dW (1 + 1e-6)")

typedef enum {
#define X(code, name) code,
    SLIP_LIST(X)
#undef X
        SLIPS
} slip;

extern const char *const slip_names[];

/* Where nets differ. */
#define FAMILY_LIST(X)                                   \
    X(SIGMOIDS, "sigmoid")                               \
    X(RELUS, "relu")                                     \
    X(TANHS, "tanh")                                     \
    X(MIXED, "leaky relu, elu, gelu, softplus")          \
    X(INTEGERS, "relu, integer inputs, quarter weights") \
    X(BLANK, "relu, blank rows and columns")             \
    X(STACK_1, "relu 6-6-6-6-3, weights 0.01")           \
    X(STACK_2, "relu 6-6-6-6-3, weights 0.001")          \
    X(TINY, "weights 1e-6 ... 1e-3")                     \
    X(LARGE, "weights 10 ... 100")                       \
    X(SCALED, "inputs 1e-8 ... 1e8")                     \
    X(BOOK, "the book's 1e-7")                           \
    X(TRAINED, "trained 5,000-30,000 steps")             \
    X(TRAINED_BOOK, "the same with the book's 1e-7")     \
    X(SATURATED, "saturated, the book's 1e-7")           \
    X(SATURATED_EXACT, "saturated, exact")               \
    X(SQUARES, "squared error")                          \
    X(DROPPED, "dropout")                                \
    X(NORMED, "batch norm")                              \
    X(POOLED, "convolution, max pooling")                \
    X(POOLED_INTEGERS, "the same, integer images")       \
    X(DEEP, "ten layers")                                \
    X(NORM_DROPPED, "batch norm, dropout, tanh")         \
    X(MET, "squared error, trained until it is met")

typedef enum {
#define X(code, name) code,
    FAMILY_LIST(X)
#undef X
        FAMILIES
} family;

extern const char *const family_names[];

enum { most_numbers = 4096 };

typedef struct net {
    nb_graph *g;
    nb_node *loss;
    double x[most_numbers];
    double real_t[most_numbers];
    int32_t t[64];
    nb_random random;
    slip slip;
    bool wrapped;
} net;

/* The same net for the same family and seed, whatever the slip; *applies: there is a place for it. */
nb_status net_create(net *n, family family, slip slip, uint32_t seed, bool *applies);
void net_destroy(net *n);

/* The slip is the net's from here on: one at a time. */
void net_use(const net *n);

#endif
