/* The operations by their names: nb_apply with the operation filled in. */
#include "graph/graph.h"
#include "op/op_axis.h"
#include "op/op_broadcast.h"
#include "op/op_dropout.h"
#include "op/op_pointwise.h"
#include "op/ops.h"

static nb_node *unary(const nb_op *op, nb_node *x)
{
    return nb_apply(op, NULL, (nb_node *[]){x});
}

static nb_node *binary(const nb_op *op, nb_node *a, nb_node *b)
{
    return nb_apply(op, NULL, (nb_node *[]){a, b});
}

static nb_node *with_number(const nb_op *op, nb_node *x, double number)
{
    return nb_apply(op, &number, (nb_node *[]){x});
}

nb_node *nb_affine(nb_node *x, nb_node *W, nb_node *b)
{
    return nb_apply(&nb_op_affine, NULL, (nb_node *[]){x, W, b});
}

nb_node *nb_matmul(nb_node *a, nb_node *b)
{
    const bool stack = a && nb_value(a)->shape.ndim > 2;
    return binary(stack ? &nb_op_matmul_stack : &nb_op_matmul, a, b);
}

/* The fast operation for equal shapes, the general one for others. */
static nb_node *arithmetic(const nb_op *op, nb_broadcast kind, nb_node *a, nb_node *b)
{
    if (!a || !b || nb_shape_equal(nb_value(a)->shape, nb_value(b)->shape)) return binary(op, a, b);
    return nb_apply(&nb_op_broadcast, &kind, (nb_node *[]){a, b});
}

nb_node *nb_add(nb_node *a, nb_node *b)
{
    return arithmetic(&nb_op_add, NB_BROADCAST_ADD, a, b);
}

nb_node *nb_subtract(nb_node *a, nb_node *b)
{
    return arithmetic(&nb_op_subtract, NB_BROADCAST_SUBTRACT, a, b);
}

nb_node *nb_multiply(nb_node *a, nb_node *b)
{
    return arithmetic(&nb_op_multiply, NB_BROADCAST_MULTIPLY, a, b);
}

nb_node *nb_divide(nb_node *a, nb_node *b)
{
    return arithmetic(&nb_op_divide, NB_BROADCAST_DIVIDE, a, b);
}

nb_node *nb_identity(nb_node *x)
{
    return unary(&nb_op_identity, x);
}

nb_node *nb_step(nb_node *x)
{
    return unary(&nb_op_step, x);
}

nb_node *nb_sigmoid(nb_node *x)
{
    return unary(&nb_op_sigmoid, x);
}

nb_node *nb_relu(nb_node *x)
{
    return unary(&nb_op_relu, x);
}

nb_node *nb_tanh(nb_node *x)
{
    return unary(&nb_op_tanh, x);
}

nb_node *nb_gelu(nb_node *x)
{
    return unary(&nb_op_gelu, x);
}

nb_node *nb_softplus(nb_node *x)
{
    return unary(&nb_op_softplus, x);
}

nb_node *nb_exp(nb_node *x)
{
    return unary(&nb_op_exp, x);
}

nb_node *nb_log(nb_node *x)
{
    return unary(&nb_op_log, x);
}

nb_node *nb_square(nb_node *x)
{
    return unary(&nb_op_square, x);
}

nb_node *nb_sqrt(nb_node *x)
{
    return unary(&nb_op_sqrt, x);
}

nb_node *nb_abs(nb_node *x)
{
    return unary(&nb_op_abs, x);
}

nb_node *nb_leaky_relu(nb_node *x, double slope)
{
    return with_number(&nb_op_leaky_relu, x, slope);
}

nb_node *nb_elu(nb_node *x, double alpha)
{
    return with_number(&nb_op_elu, x, alpha);
}

nb_node *nb_power(nb_node *x, double p)
{
    return with_number(&nb_op_power, x, p);
}

nb_node *nb_scale(nb_node *x, double factor)
{
    return with_number(&nb_op_scale, x, factor);
}

nb_node *nb_softmax(nb_node *a)
{
    return unary(&nb_op_softmax, a);
}

nb_node *nb_sum(nb_node *x)
{
    return unary(&nb_op_sum, x);
}

nb_node *nb_mean(nb_node *x)
{
    return unary(&nb_op_mean, x);
}

nb_node *nb_sum_axis(nb_node *x, int axis, bool keep)
{
    return nb_apply(&nb_op_sum_axis, &(nb_reduction){axis, keep}, (nb_node *[]){x});
}

nb_node *nb_mean_axis(nb_node *x, int axis, bool keep)
{
    return nb_apply(&nb_op_mean_axis, &(nb_reduction){axis, keep}, (nb_node *[]){x});
}

nb_node *nb_max_axis(nb_node *x, int axis, bool keep)
{
    return nb_apply(&nb_op_max_axis, &(nb_reduction){axis, keep}, (nb_node *[]){x});
}

nb_node *nb_reshape(nb_node *x, nb_shape shape)
{
    return nb_apply(&nb_op_reshape, &shape, (nb_node *[]){x});
}

nb_node *nb_flatten(nb_node *x)
{
    if (!x) return NULL;
    const nb_tensor *value = nb_value(x);
    const size_t height = nb_tensor_height(value), width = nb_tensor_width(value);
    if (value->shape.ndim == 2) return x;
    return nb_reshape(x, height == NB_BATCH ? NB_SHAPE(width) : NB_SHAPE(height, width));
}

nb_node *nb_transpose(nb_node *x, nb_shape axes)
{
    return nb_apply(&nb_op_transpose, &axes, (nb_node *[]){x});
}

nb_node *nb_slice(nb_node *x, int axis, size_t from, size_t to)
{
    return nb_apply(&nb_op_slice, &(nb_part){axis, from, to}, (nb_node *[]){x});
}

nb_node *nb_concatenate(nb_node *a, nb_node *b, int axis)
{
    return nb_apply(&nb_op_concatenate, &axis, (nb_node *[]){a, b});
}

nb_node *nb_batch_norm(nb_node *x, nb_node *gamma, nb_node *beta, nb_node *mean, nb_node *variance,
                       const nb_batch_norm_options *options)
{
    nb_node *const in[] = {x, gamma, beta, mean, variance};
    for (size_t i = 3; i < 5; i++)
        if (in[i] && nb_node_role(in[i]) != NB_STATE)
            return nb_graph_spoil(nb_node_graph(in[i]),
                                  nb_fail(NB_EINVAL, "batch_norm: the running %s is no nb_state",
                                          i == 3 ? "mean" : "variance"));
    return nb_apply(&nb_op_batch_norm, options ? options : &nb_batch_norm_book, in);
}

nb_node *nb_dropout(nb_node *x, double ratio, bool book)
{
    return nb_apply(&nb_op_dropout, &(nb_dropping){ratio, book}, (nb_node *[]){x});
}

nb_node *nb_conv2d(nb_node *x, nb_node *W, nb_node *b, const nb_sliding *how)
{
    return nb_apply(&nb_op_conv2d, how ? how : &(nb_sliding){0}, (nb_node *[]){x, W, b});
}

nb_node *nb_max_pool(nb_node *x, const nb_sliding *how)
{
    return nb_apply(&nb_op_max_pool, how ? how : &(nb_sliding){0}, (nb_node *[]){x});
}

nb_node *nb_average_pool(nb_node *x, const nb_sliding *how)
{
    return nb_apply(&nb_op_average_pool, how ? how : &(nb_sliding){0}, (nb_node *[]){x});
}

nb_node *nb_mean_squared_error(nb_node *y, nb_node *t)
{
    return nb_sum(binary(&nb_op_squared_error, y, t));
}

static nb_node *each_cross_entropy(nb_node *a, nb_node *t, double epsilon)
{
    return nb_apply(&nb_op_softmax_cross_entropy, &epsilon, (nb_node *[]){a, t});
}

nb_node *nb_softmax_cross_entropy(nb_node *a, nb_node *t, double epsilon)
{
    return nb_mean(each_cross_entropy(a, t, epsilon));
}

nb_node *nb_weighted_cross_entropy(nb_node *a, nb_node *t, nb_node *weights, double epsilon)
{
    nb_node *each = each_cross_entropy(a, t, epsilon);
    return nb_mean(nb_apply(&nb_op_weigh, NULL, (nb_node *[]){each, t, weights}));
}

static nb_node *pointwise(nb_pointwise config, nb_node *y, nb_node *t)
{
    return nb_mean(nb_apply(&nb_op_pointwise_loss, &config, (nb_node *[]){y, t}));
}

nb_node *nb_squared_loss(nb_node *y, nb_node *t)
{
    return pointwise((nb_pointwise){.kind = NB_POINT_SQUARED}, y, t);
}

nb_node *nb_absolute_loss(nb_node *y, nb_node *t)
{
    return pointwise((nb_pointwise){.kind = NB_POINT_ABSOLUTE}, y, t);
}

nb_node *nb_huber_loss(nb_node *y, nb_node *t, double delta)
{
    return pointwise((nb_pointwise){NB_POINT_HUBER, delta}, y, t);
}

nb_node *nb_binary_cross_entropy(nb_node *a, nb_node *t)
{
    return pointwise((nb_pointwise){.kind = NB_POINT_BINARY}, a, t);
}
