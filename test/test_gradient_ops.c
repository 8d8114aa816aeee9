/* Every operation has the gradient of its differences. */
#include "gradient_fixtures.h"

#include "nablas/blas.h"

#include "nablas/loss.h"

#include "op/op_axis.h"
#include "op/op_broadcast.h"
#include "op/op_dropout.h"
#include "op/op_pointwise.h"

#include <math.h>

/* --- every operation -------------------------------------------------------------------------- */

typedef enum { none, parameter, input, hidden, positive, labels, one_hot, stateful, mixed } role;

typedef struct slot {
    role role;
    nb_shape shape;
} slot;

/* An input of the operation under test: a parameter; fed; an operation on a parameter; e to the
 * power of one. */
#define SHAPE(...)                                        \
    {                                                     \
        sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), \
        {                                                 \
            __VA_ARGS__                                   \
        }                                                 \
    }
#define P(...)                        \
    {                                 \
        parameter, SHAPE(__VA_ARGS__) \
    }
#define X(...)                    \
    {                             \
        input, SHAPE(__VA_ARGS__) \
    }
#define H(...)                     \
    {                              \
        hidden, SHAPE(__VA_ARGS__) \
    }
#define POSITIVE(...)                \
    {                                \
        positive, SHAPE(__VA_ARGS__) \
    }
#define HOT(...)                    \
    {                               \
        one_hot, SHAPE(__VA_ARGS__) \
    }
#define M(...)                    \
    {                             \
        mixed, SHAPE(__VA_ARGS__) \
    }
#define S(...)                       \
    {                                \
        stateful, SHAPE(__VA_ARGS__) \
    }
#define LABELS                  \
    {                           \
        labels, SHAPE(NB_BATCH) \
    }
#define SCALAR     \
    {              \
        parameter, \
        {          \
            0,     \
            {      \
                0  \
            }      \
        }          \
    }
#define N NB_BATCH

typedef struct op_case {
    const char *op;
    const void *config;
    slot in[NB_MAX_INPUTS];
} op_case;

/* One line for each way to use an operation; every operation of the table must be here. */
static const op_case cases[] = {
    {"affine", 0, {P(3, 5), P(5, 2), P(2)}},
    {"affine", 0, {H(N, 5), P(5, 2), P(2)}},
    {"affine", 0, {X(N, 2, 3), P(6, 4), P(4)}},
    {"affine", 0, {X(N, 1), P(1, 1), P(1)}},
    {"affine", 0, {X(N, 3), X(3, 2), P(2)}},
    {"affine", 0, {H(N, 3), X(3, 2), X(2)}},
    {"matmul", 0, {P(3, 5), P(5, 2)}},
    {"matmul", 0, {H(N, 5), P(5, 2)}},
    {"matmul", 0, {X(N, 5), P(5, 3)}},
    {"matmul", 0, {P(4, 3), X(3, 2)}},
    {"matmul", 0, {H(N, 2, 2), H(4, 3)}},
    {"matmul_stack", 0, {H(N, 2, 3), P(3, 4)}},
    {"matmul_stack", 0, {P(2, 2, 3), P(3, 2)}},
    {"matmul_stack", 0, {H(N, 2, 3), H(N, 3, 2)}},
    {"matmul_stack", 0, {P(3, 2, 2), P(3, 2, 1)}},
    {"matmul_stack", 0, {H(N, 2, 2, 1), H(N, 2, 1, 3)}},
    {"matmul_stack", 0, {X(N, 1, 2, 3), P(3, 2)}},
    {"matmul_stack", 0, {X(N, 1, 3), P(3, 2)}},
    {"add", 0, {SCALAR, SCALAR}},
    {"add", 0, {P(5), P(5)}},
    {"add", 0, {H(N, 3), H(N, 3)}},
    {"add", 0, {P(2, 3, 2), X(2, 3, 2)}},
    {"multiply", 0, {SCALAR, SCALAR}},
    {"multiply", 0, {P(5), P(5)}},
    {"multiply", 0, {H(N, 3), H(N, 3)}},
    {"multiply", 0, {X(N), H(N)}},
    {"multiply", 0, {P(2, 3, 2), X(2, 3, 2)}},
    {"subtract", 0, {SCALAR, SCALAR}},
    {"subtract", 0, {P(5), P(5)}},
    {"subtract", 0, {H(N, 3), H(N, 3)}},
    {"subtract", 0, {P(2, 3, 2), P(2, 3, 2)}},
    {"divide", 0, {P(1), POSITIVE(1)}},
    {"divide", 0, {P(5), POSITIVE(5)}},
    {"divide", 0, {H(N, 3), POSITIVE(N, 3)}},
    {"divide", 0, {P(2, 3, 2), POSITIVE(2, 3, 2)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {P(3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 3), H(N, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 1), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 3), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {P(1, 3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 1, 3), P(2, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {X(N, 2, 3), P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 2, 3), P(1, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N), P(1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {P(4, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {P(2, 1, 3), P(4, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {SCALAR, P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {P(1), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 2, 1, 2), P(1, 3, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_ADD}, {H(N, 1), P(30)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {P(3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 3), H(N, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 1), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 3), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {P(1, 3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 1, 3), P(2, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {X(N, 2, 3), P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 2, 3), P(1, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N), P(1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {P(4, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {P(2, 1, 3), P(4, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {SCALAR, P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {P(1), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 2, 1, 2), P(1, 3, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_SUBTRACT}, {H(N, 1), P(30)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {P(3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 3), H(N, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 1), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 3), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {P(1, 3), H(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 1, 3), P(2, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {X(N, 2, 3), P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 2, 3), P(1, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N), P(1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {P(4, 3), P(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {P(2, 1, 3), P(4, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {SCALAR, P(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {P(1), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 2, 1, 2), P(1, 3, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_MULTIPLY}, {H(N, 1), P(30)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 3), POSITIVE(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {P(3), POSITIVE(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 3), POSITIVE(N, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 1), POSITIVE(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 3), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {P(1, 3), POSITIVE(N, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 1, 3), POSITIVE(2, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {X(N, 2, 3), POSITIVE(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 2, 3), POSITIVE(1, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N), POSITIVE(1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {P(4, 3), POSITIVE(3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {P(2, 1, 3), POSITIVE(4, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {SCALAR, POSITIVE(2, 3)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {P(1), SCALAR}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 2, 1, 2), POSITIVE(1, 3, 1)}},
    {"broadcast", &(nb_broadcast){NB_BROADCAST_DIVIDE}, {H(N, 1), POSITIVE(30)}},
    {"identity", 0, {SCALAR}},
    {"identity", 0, {P(3, 2)}},
    {"identity", 0, {H(N, 3)}},
    {"step", 0, {SCALAR}},
    {"step", 0, {P(3, 2)}},
    {"step", 0, {H(N, 3)}},
    {"sigmoid", 0, {SCALAR}},
    {"sigmoid", 0, {P(3, 2)}},
    {"sigmoid", 0, {H(N, 3)}},
    {"relu", 0, {SCALAR}},
    {"relu", 0, {P(3, 2)}},
    {"relu", 0, {H(N, 3)}},
    {"tanh", 0, {SCALAR}},
    {"tanh", 0, {P(3, 2)}},
    {"tanh", 0, {H(N, 3)}},
    {"gelu", 0, {SCALAR}},
    {"gelu", 0, {P(3, 2)}},
    {"gelu", 0, {H(N, 3)}},
    {"softplus", 0, {SCALAR}},
    {"softplus", 0, {P(3, 2)}},
    {"softplus", 0, {H(N, 3)}},
    {"exp", 0, {SCALAR}},
    {"exp", 0, {P(3, 2)}},
    {"exp", 0, {H(N, 3)}},
    {"square", 0, {SCALAR}},
    {"square", 0, {P(3, 2)}},
    {"square", 0, {H(N, 3)}},
    {"abs", 0, {SCALAR}},
    {"abs", 0, {P(3, 2)}},
    {"abs", 0, {H(N, 3)}},
    {"log", 0, {POSITIVE(3, 2)}},
    {"log", 0, {POSITIVE(N, 3)}},
    {"sqrt", 0, {POSITIVE(3, 2)}},
    {"sqrt", 0, {POSITIVE(N, 3)}},
    {"leaky_relu", &(double){.3}, {SCALAR}},
    {"leaky_relu", &(double){.3}, {P(3, 2)}},
    {"leaky_relu", &(double){.3}, {H(N, 3)}},
    {"elu", &(double){1}, {SCALAR}},
    {"elu", &(double){1}, {P(3, 2)}},
    {"elu", &(double){1}, {H(N, 3)}},
    {"elu", &(double){.7}, {SCALAR}},
    {"elu", &(double){.7}, {P(3, 2)}},
    {"elu", &(double){.7}, {H(N, 3)}},
    {"power", &(double){3}, {SCALAR}},
    {"power", &(double){3}, {P(3, 2)}},
    {"power", &(double){3}, {H(N, 3)}},
    {"power", &(double){2}, {SCALAR}},
    {"power", &(double){2}, {P(3, 2)}},
    {"power", &(double){2}, {H(N, 3)}},
    {"power", &(double){1}, {SCALAR}},
    {"power", &(double){1}, {P(3, 2)}},
    {"power", &(double){1}, {H(N, 3)}},
    {"scale", &(double){-1.7}, {SCALAR}},
    {"scale", &(double){-1.7}, {P(3, 2)}},
    {"scale", &(double){-1.7}, {H(N, 3)}},
    {"power", &(double){-1}, {POSITIVE(N, 3)}},
    {"power", &(double){-.5}, {POSITIVE(N, 3)}},
    {"power", &(double){.5}, {POSITIVE(N, 3)}},
    {"power", &(double){1.7}, {POSITIVE(N, 3)}},
    {"power", &(double){-2.3}, {POSITIVE(N, 3)}},
    {"softmax", 0, {P(3, 4)}},
    {"softmax", 0, {P(4, 1)}},
    {"softmax", 0, {H(N, 5)}},
    {"sum", 0, {SCALAR}},
    {"sum", 0, {P(7)}},
    {"sum", 0, {P(2, 3, 2)}},
    {"sum", 0, {H(N, 3)}},
    {"mean", 0, {SCALAR}},
    {"mean", 0, {P(7)}},
    {"mean", 0, {P(2, 3, 2)}},
    {"mean", 0, {H(N, 3)}},
    {"sum_axis", &(nb_reduction){0, false}, {P(5)}},
    {"sum_axis", &(nb_reduction){0, false}, {H(N, 3)}},
    {"sum_axis", &(nb_reduction){0, true}, {H(N, 3)}},
    {"sum_axis", &(nb_reduction){1, false}, {H(N, 3)}},
    {"sum_axis", &(nb_reduction){-1, true}, {H(N, 3)}},
    {"sum_axis", &(nb_reduction){1, false}, {H(N, 2, 3)}},
    {"sum_axis", &(nb_reduction){1, true}, {P(4, 3, 2)}},
    {"sum_axis", &(nb_reduction){0, true}, {P(4, 3)}},
    {"sum_axis", &(nb_reduction){-3, false}, {H(N, 2, 3)}},
    {"sum_axis", &(nb_reduction){0, false}, {H(N)}},
    {"sum_axis", &(nb_reduction){2, false}, {P(2, 3, 4, 2)}},
    {"sum_axis", &(nb_reduction){2, true}, {H(N, 2, 3, 2)}},
    {"mean_axis", &(nb_reduction){0, false}, {P(5)}},
    {"mean_axis", &(nb_reduction){0, false}, {H(N, 3)}},
    {"mean_axis", &(nb_reduction){0, true}, {H(N, 3)}},
    {"mean_axis", &(nb_reduction){1, false}, {H(N, 3)}},
    {"mean_axis", &(nb_reduction){-1, true}, {H(N, 3)}},
    {"mean_axis", &(nb_reduction){1, false}, {H(N, 2, 3)}},
    {"mean_axis", &(nb_reduction){1, true}, {P(4, 3, 2)}},
    {"mean_axis", &(nb_reduction){0, true}, {P(4, 3)}},
    {"mean_axis", &(nb_reduction){-3, false}, {H(N, 2, 3)}},
    {"mean_axis", &(nb_reduction){0, false}, {H(N)}},
    {"mean_axis", &(nb_reduction){2, false}, {P(2, 3, 4, 2)}},
    {"mean_axis", &(nb_reduction){2, true}, {H(N, 2, 3, 2)}},
    {"max_axis", &(nb_reduction){0, false}, {P(5)}},
    {"max_axis", &(nb_reduction){0, false}, {H(N, 3)}},
    {"max_axis", &(nb_reduction){0, true}, {H(N, 3)}},
    {"max_axis", &(nb_reduction){1, false}, {H(N, 3)}},
    {"max_axis", &(nb_reduction){-1, true}, {H(N, 3)}},
    {"max_axis", &(nb_reduction){1, false}, {H(N, 2, 3)}},
    {"max_axis", &(nb_reduction){1, true}, {P(4, 3, 2)}},
    {"max_axis", &(nb_reduction){0, true}, {P(4, 3)}},
    {"max_axis", &(nb_reduction){-3, false}, {H(N, 2, 3)}},
    {"max_axis", &(nb_reduction){0, false}, {H(N)}},
    {"max_axis", &(nb_reduction){2, false}, {P(2, 3, 4, 2)}},
    {"max_axis", &(nb_reduction){2, true}, {H(N, 2, 3, 2)}},
    {"reshape", &(nb_shape)SHAPE(2, 3), {H(N, 6)}},
    {"reshape", &(nb_shape)SHAPE(6), {H(N, 2, 3)}},
    {"reshape", &(nb_shape)SHAPE(3, 4), {P(2, 6)}},
    {"reshape", &(nb_shape)SHAPE(12), {P(3, 4)}},
    {"reshape", &(nb_shape)SHAPE(1), {SCALAR}},
    {"reshape", &(nb_shape){0, {0}}, {P(1, 1)}},
    {"reshape", &(nb_shape){0, {0}}, {H(N, 1)}},
    {"transpose", &(nb_shape)SHAPE(1, 0), {P(3, 4)}},
    {"transpose", &(nb_shape)SHAPE(0, 2, 1), {H(N, 2, 3)}},
    {"transpose", &(nb_shape)SHAPE(0, 1), {H(N, 3)}},
    {"transpose", &(nb_shape)SHAPE(2, 0, 1), {P(2, 3, 4)}},
    {"transpose", &(nb_shape)SHAPE(0, 3, 1, 2), {H(N, 2, 1, 3)}},
    {"transpose", &(nb_shape){0, {0}}, {SCALAR}},
    {"transpose", &(nb_shape)SHAPE(0), {P(5)}},
    {"slice", &(nb_part){1, 1, 3}, {H(N, 4)}},
    {"slice", &(nb_part){0, 2, 5}, {P(6)}},
    {"slice", &(nb_part){0, 1, 3}, {P(4, 3)}},
    {"slice", &(nb_part){-2, 0, 2}, {H(N, 3, 2)}},
    {"slice", &(nb_part){2, 1, 2}, {P(2, 3, 2)}},
    {"slice", &(nb_part){1, 0, 3}, {H(N, 3)}},
    {"concatenate", &(int){1}, {H(N, 2), H(N, 3)}},
    {"concatenate", &(int){0}, {P(2), P(3)}},
    {"concatenate", &(int){0}, {P(2, 3), P(1, 3)}},
    {"concatenate", &(int){-1}, {H(N, 2, 1), H(N, 2, 2)}},
    {"concatenate", &(int){1}, {X(N, 2, 2), H(N, 1, 2)}},
    {"concatenate", &(int){1}, {P(2, 3, 2), X(2, 1, 2)}},
    {"squared_error", 0, {P(5), P(5)}},
    {"squared_error", 0, {P(3, 4), X(3, 4)}},
    {"squared_error", 0, {H(N, 4), X(N, 4)}},
    {"squared_error", 0, {X(N, 4), H(N, 4)}},
    {"squared_error", 0, {H(N, 2, 2), H(N, 2, 2)}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_SQUARED}, {P(5), P(5)}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_SQUARED}, {H(N, 4), X(N, 4)}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_SQUARED}, {X(N, 4), H(N, 4)}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_ABSOLUTE}, {H(N, 4), X(N, 4)}},
    {"pointwise_loss", &(nb_pointwise){NB_POINT_HUBER, .4}, {H(N, 4), H(N, 4)}},
    {"pointwise_loss", &(nb_pointwise){.kind = NB_POINT_BINARY}, {H(N, 4), H(N, 4)}},
    {"batch_norm", &nb_batch_norm_book, {P(5, 2), P(2), P(2), S(2), S(2)}},
    {"batch_norm", &nb_batch_norm_book, {M(N, 3), P(3), P(3), S(3), S(3)}},
    {"batch_norm", &nb_batch_norm_book, {P(4, 2, 2), P(4), P(4), S(4), S(4)}},
    {"batch_norm", &nb_batch_norm_channels, {H(N, 2, 3), P(2), P(2), S(2), S(2)}},
    {"batch_norm", &nb_batch_norm_channels, {H(N, 2, 1, 2), P(2), P(2), S(2), S(2)}},
    {"conv2d", &(nb_sliding){0}, {H(N, 1, 3, 3), P(2, 1, 2, 2), P(2)}},
    {"conv2d", &(nb_sliding){0}, {X(N, 2, 3, 2), P(3, 2, 3, 2), P(3)}},
    {"conv2d", &(nb_sliding){0, 0, 2, 1, 1, 0, false}, {H(N, 2, 3, 3), P(2, 2, 2, 3), P(2)}},
    {"conv2d", &(nb_sliding){0, 0, 1, 2, 2, 1, false}, {P(2, 2, 3, 2), P(3, 2, 3, 3), P(3)}},
    {"conv2d", &(nb_sliding){1, 1, 3, 3, 0, 0, false}, {H(N, 3, 1, 4), P(1, 3, 1, 1), P(1)}},
    {"conv2d", &(nb_sliding){0}, {H(N, 2, 2, 2), X(2, 2, 2, 1), X(2)}},
    {"conv2d", &(nb_sliding){0}, {H(N, 1, 2, 2), X(2, 1, 1, 1), P(2)}},
    {"conv2d", &(nb_sliding){0, 0, 1, 1, 1, 1, false}, {H(N, 1, 2, 3), H(2, 1, 3, 3), H(2)}},
    {"max_pool", &(nb_sliding){2, 2, 2, 2, 0, 0, false}, {H(N, 2, 4, 2)}},
    {"max_pool", &(nb_sliding){2, 3, 1, 2, 1, 1, false}, {H(N, 1, 3, 4)}},
    {"max_pool", &(nb_sliding){0}, {H(N, 3, 2, 2)}},
    {"max_pool", &(nb_sliding){2, 1, 0, 0, 0, 0, false}, {P(3, 2, 5, 2)}},
    {"average_pool", &(nb_sliding){2, 2, 2, 2, 0, 0, false}, {H(N, 2, 4, 2)}},
    {"average_pool", &(nb_sliding){2, 3, 1, 2, 1, 1, false}, {H(N, 1, 3, 4)}},
    {"average_pool", &(nb_sliding){0}, {H(N, 3, 2, 2)}},
    {"average_pool", &(nb_sliding){2, 1, 0, 0, 0, 0, false}, {P(3, 2, 5, 2)}},
    {"dropout", &(nb_dropping){.3, true}, {P(4, 3)}},
    {"dropout", &(nb_dropping){.3, true}, {H(N, 4)}},
    {"dropout", &(nb_dropping){.5, false}, {H(N, 2, 3)}},
    {"weigh", 0, {POSITIVE(N), LABELS, X(classes)}},
    {"weigh", 0, {P(3), HOT(3, classes), X(classes)}},
    {"weigh", 0, {POSITIVE(N), HOT(N, classes), X(classes)}},
    {"softmax_cross_entropy", &(double){NB_EXACT_LOG}, {P(3, classes), HOT(3, classes)}},
    {"softmax_cross_entropy", &(double){NB_EXACT_LOG}, {H(N, classes), HOT(N, classes)}},
    {"softmax_cross_entropy", &(double){NB_EXACT_LOG}, {H(N, classes), LABELS}},
};

static void every_operation_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < nb_op_count(); i++) {
        bool found = false;
        assert_ptr_equal(find_op(nb_op_at(i)->name), nb_op_at(i)); /* names differ */
        for (size_t c = 0; c < COUNT(cases); c++)
            found |= strcmp(cases[c].op, nb_op_at(i)->name) == 0;
        if (!found) fail_msg("%s is not gradient-checked: add a line to cases", nb_op_at(i)->name);
    }
    for (size_t c = 0; c < COUNT(cases); c++)
        if (!find_op(cases[c].op)) fail_msg("the table has no %s", cases[c].op);
    assert_null(nb_op_at(nb_op_count()));
}

static nb_node *make_input(nb_graph *g, const slot *s)
{
    nb_shape row = {0};
    switch (s->role) {
    case none:
        break;
    case parameter:
        return nb_parameter(g, "p", s->shape);
    case input:
        return nb_input(g, "x", s->shape);
    case mixed: /* of all columns: a batch norm takes a factor of one column away */
        row = NB_SHAPE(s->shape.dim[1], s->shape.dim[1]);
        return nb_matmul(nb_input(g, "x", s->shape), nb_parameter(g, "m", row));
    case stateful:
        return nb_state(g, "s", s->shape);
    case labels:
        return nb_labels(g, "t");
    case one_hot:
        return nb_input(g, "one_hot", s->shape);
    case positive:
        return nb_exp(make_input(g, &(slot){hidden, s->shape}));
    case hidden:
        if (s->shape.dim[0] != NB_BATCH) return nb_identity(nb_parameter(g, "h", s->shape));
        for (size_t i = 1; i < s->shape.ndim; i++) row.dim[row.ndim++] = s->shape.dim[i];
        return nb_apply(&scaled, &(double){0},
                        (nb_node *[]){nb_input(g, "x", s->shape), nb_parameter(g, "h", row)});
    }
    return NULL;
}

/* A scalar that depends on every element of `node` in another way. */
static nb_node *scalar_of(nb_node *node)
{
    const nb_tensor *value = nb_value(node);
    if (value->shape.ndim == 0) return nb_exp(node);
    return nb_mean_squared_error(node, nb_input(nb_node_graph(node), "target", value->shape));
}

/* The operation once, or on the same inputs twice: then gradients add up. */
static nb_node *build_case(nb_graph *g, const op_case *c, bool twice)
{
    const nb_op *op = find_op(c->op);
    nb_node *in[NB_MAX_INPUTS] = {NULL};
    for (size_t i = 0; i < op->inputs; i++) in[i] = make_input(g, &c->in[i]);
    nb_node *node = nb_apply(op, c->config, in);
    return scalar_of(twice ? nb_add(node, nb_apply(op, c->config, in)) : node);
}

/* The same on two to four threads, and in single precision. */
static void assert_gradient_everywhere(nb_node *loss, nb_pool *const *pools, size_t count)
{
    double serial[512];
    nb_graph *g = nb_node_graph(loss), *single;
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    copy_gradients(g, serial, COUNT(serial));
    for (size_t i = 0; i < count; i++) {
        nb_graph_set_pool(g, pools[i]);
        assert_same_gradients(loss, serial, 0);
    }
    nb_graph_set_pool(g, NULL);

    assert_ok(nb_graph_cast(g, NB_FLOAT32, &single));
    loss = nb_graph_node(single, nb_node_index(loss));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        if (!nb_node_is_parameter(nb_graph_node(g, i))) continue;
        const nb_tensor *a = nb_gradient(nb_graph_node(g, i));
        const nb_tensor *b = nb_gradient(nb_graph_node(single, i));
        for (size_t j = 0; j < nb_tensor_count(a); j++) {
            const double want = ((const double *)a->data)[j];
            const double got = (double)((const float *)b->data)[j];
            assert_near(got, want, 1e-4 + 1e-6 * fabs(want));
        }
    }
    nb_graph_destroy(single);
}

static double largest_gradient(const nb_graph *g)
{
    double all[512], largest = 0;
    copy_gradients(g, all, COUNT(all));
    const nb_tensor flat = nb_graph_gradients(g);
    for (size_t i = 0; i < nb_tensor_count(&flat); i++) largest = fmax(largest, fabs(all[i]));
    return largest;
}

/* Something that can be a variance. */
static void fill_state(nb_graph *g)
{
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        for (size_t j = 0; nb_node_role(node) == NB_STATE && j < nb_tensor_count(nb_value(node));
             j++)
            ((double *)nb_value(node)->data)[j] = .7 + .1 * (double)j;
    }
}

/* A training pass, whose masks the following ones repeat. */
static void freeze_training(nb_node *loss)
{
    nb_graph *g = nb_node_graph(loss);
    nb_random random;
    nb_random_seed(&random, 5);
    assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .random = &random}));
    assert_ok(nb_forward(loss));
    assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .frozen = true}));
}

static void run_case(const op_case *c, bool twice, bool trains, size_t batch, nb_pool *const *pools)
{
    nb_graph *g;
    fed data;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *loss = build_case(g, c, twice);
    assert_ok(nb_graph_finish(g, batch + 2));
    feed_all(g, batch, &data, 1000 + batch);
    fill_parameters(g, 79);
    fill_state(g);
    if (trains) freeze_training(loss);
    assert_gradient(loss, 1e-8);
    assert_gradient_everywhere(loss, pools, 3);
    /* Zero is the gradient of step, everywhere, and of a softmax over one class. */
    const bool zero =
        strcmp(c->op, "step") == 0 || (strcmp(c->op, "softmax") == 0 && c->in[0].shape.dim[1] == 1);
    if (zero)
        assert_true(largest_gradient(g) == 0);
    else {
        /* A mean's gradient falls with the batch. */
        if (!(largest_gradient(g) > 1e-3 / (double)batch))
            fail_msg("%s: case %td tests nothing", c->op, c - cases);
    }
    nb_graph_destroy(g);
}

static void every_operation_has_the_gradient_of_its_differences(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 5, 2 * NB_ROW_GROUP + 1}; /* the last is shared out */
    nb_pool *pools[3];
    make_pools(pools);
    for (size_t c = 0; c < COUNT(cases); c++)
        for (size_t i = 0; i < COUNT(batches); i++) {
            run_case(&cases[c], false, false, batches[i], pools);
            run_case(&cases[c], true, true, batches[i], pools);
        }
    destroy_pools(pools);
}

/* 0 is what backward gives, though the graph is asked after another loss filled the gradients. */
static void step_has_no_gradient(void **state)
{
    (void)state;
    nb_graph *g;
    double x[3] = {.5, -.3, .2}, t[2] = {.7, .1};
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3));
    nb_node *target = nb_input(g, "t", NB_SHAPE(NB_BATCH, 2));
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(3, 2));
    nb_node *a = nb_matmul(in, W), *s = nb_step(a);
    nb_node *smooth = nb_mean_squared_error(nb_sigmoid(a), target);
    nb_node *loss = nb_mean_squared_error(s, target);
    assert_null(nb_node_op(s)->backward[0].run);
    assert_ok(nb_graph_finish(g, 1));
    fill_parameters(g, 3);
    nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), x);
    nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), t);
    assert_ok(nb_feed(in, &X));
    assert_ok(nb_feed(target, &T));
    assert_ok(nb_forward(smooth));
    assert_ok(nb_backward(smooth));
    assert_true(largest_gradient(g) > 1e-3);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    assert_true(largest_gradient(g) == 0);
    for (size_t j = 0; j < 2; j++) {
        assert_true(((const double *)nb_gradient(a)->data)[j] == 0);
        assert_true(((const double *)nb_gradient(s)->data)[j] != 0);
    }
    nb_graph_destroy(g);
}

/* --- the book's 1e-7 -------------------------------------------------------------------------- */

/* The loss with epsilon has the derivative y/(y + epsilon) (y_t - t); backward, as the book's,
 * leaves out the factor. */
static void the_1e_7_is_a_bias_of_known_size(void **state)
{
    (void)state;
    enum { n = 3 };
    nb_graph *g;
    double logits[n * classes];
    const int32_t t[n] = {2, 0, 3};
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *one = nb_input(g, "1", NB_SHAPE(NB_BATCH, n));
    nb_node *a = nb_parameter(g, "a", NB_SHAPE(n, classes));
    nb_node *target = nb_labels(g, "t");
    nb_node *y = nb_softmax(nb_matmul(one, a));
    nb_node *loss = nb_softmax_cross_entropy(nb_matmul(one, a), target, NB_BOOK_EPSILON);
    assert_ok(nb_graph_finish(g, n));
    double unit[n * n] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    nb_tensor U = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, n), unit);
    nb_tensor T = nb_tensor_view(NB_INT32, NB_SHAPE(n), (void *)(uintptr_t)t);
    assert_ok(nb_feed(one, &U));
    assert_ok(nb_feed(target, &T));
    fill_parameters(g, 5);
    /* One row where the target's class is unlikely, y = 5e-6: there it weighs. */
    ((double *)nb_value(a)->data)[0 * classes + 2] = -12;
    assert_ok(nb_forward(y));
    const double *p = nb_value(y)->data;
    double kept[n * classes];
    memcpy(kept, p, sizeof kept);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    nb_tensor numerical = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, classes), logits);
    assert_ok(nb_graph_numerical_gradient(loss, a, 1e-5, &numerical));
    const double *analytic = nb_gradient(a)->data;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < classes; j++) {
            const double yt = kept[i * classes + (size_t)t[i]];
            const double exact = (kept[i * classes + j] - (j == (size_t)t[i])) / n;
            assert_near(analytic[i * classes + j], exact, 1e-15);
            assert_near(logits[i * classes + j], exact * (yt / (yt + 1e-7)), 1e-10);
        }
    /* 1e-7 / 5e-6: two per cent. */
    assert_in_range((uint64_t)(1e4 * fabs(1 - logits[2] / analytic[2])), 50, 500);
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_case),
        cmocka_unit_test(every_operation_has_the_gradient_of_its_differences),
        cmocka_unit_test(step_has_no_gradient),
        cmocka_unit_test(the_1e_7_is_a_bias_of_known_size),
    };
    return cmocka_run_group_tests_name("gradient_ops", tests, NULL, NULL);
}
