/* Elementwise operations: add, multiply, identity and the activations. */
#include "op/op_map.h"
#include "op/ops.h"

static nb_status same_shape(const char *name, const nb_tensor *in, nb_need *need)
{
    char a[96], b[96];
    need->out = in[0].shape;
    if (nb_shape_equal(in[0].shape, in[1].shape)) return NB_OK;
    return nb_fail(NB_ESHAPE, "%s: %s and %s", name, nb_shape_text(in[0].shape, a, sizeof a),
                   nb_shape_text(in[1].shape, b, sizeof b));
}

/* Elements in rows lo ... hi-1 of a node whose inputs have its shape. */
static size_t elements(const nb_tensor *t, size_t lo, size_t hi)
{
    return (hi - lo) * nb_tensor_width(t);
}

static nb_status add_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    return same_shape("add", in, need);
}

static nb_status add_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->add(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                    nb_tensor_at(c->in[1], lo), nb_tensor_at(c->out, lo));
    return NB_OK;
}

/* din := alpha dout + beta din; identity's too. */
static nb_status pass_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->scale(elements(c->din, lo, hi), c->alpha, nb_tensor_at(c->dout, lo), c->beta,
                      nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_add = {
    .name = "add",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_FUSES,
    .plan = add_plan,
    .forward = {{add_forward, NB_ROWS, 0, false}},
    .backward = {{pass_backward, NB_INPUT_ROWS, 0, false},
                 {pass_backward, NB_INPUT_ROWS, 1, false}},
};

static nb_status multiply_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    return same_shape("multiply", in, need);
}

static nb_status multiply_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->multiply(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                         nb_tensor_at(c->in[1], lo), 0, nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status multiply_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->multiply(elements(c->din, lo, hi), nb_tensor_at(c->dout, lo),
                         nb_tensor_at(c->in[1 - c->input], lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_multiply = {
    .name = "multiply",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = multiply_plan,
    .forward = {{multiply_forward, NB_ROWS, 0, false}},
    .backward = {{multiply_backward, NB_INPUT_ROWS, 0, false},
                 {multiply_backward, NB_INPUT_ROWS, 1, false}},
};

static nb_status identity_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->scale(elements(c->out, lo, hi), 1, nb_tensor_at(c->in[0], lo), 0,
                      nb_tensor_at(c->out, lo));
    return NB_OK;
}

const nb_op nb_op_identity = {
    .name = "identity",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_FUSES,
    .plan = nb_map_plan,
    .forward = {{identity_forward, NB_ROWS, 0, false}},
    .backward = {{pass_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status step_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->step, lo, hi);
}

/* The gradient is 0 wherever it exists: the reason why the book leaves step for sigmoid (4.2.5). */
const nb_op nb_op_step = {
    .name = "step",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_CORNER,
    .plan = nb_map_plan,
    .forward = {{step_forward, NB_ROWS, 0, false}},
};

static nb_status sigmoid_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->sigmoid, lo, hi);
}

static nb_status sigmoid_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->sigmoid_backward, c->out, lo, hi);
}

const nb_op nb_op_sigmoid = {
    .name = "sigmoid",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{sigmoid_forward, NB_ROWS, 0, false}},
    .backward = {{sigmoid_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status relu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->relu, lo, hi);
}

static nb_status relu_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->relu_backward, c->in[0], lo, hi);
}

const nb_op nb_op_relu = {
    .name = "relu",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_CORNER,
    .plan = nb_map_plan,
    .forward = {{relu_forward, NB_ROWS, 0, false}},
    .backward = {{relu_backward, NB_INPUT_ROWS, 0, false}},
};
