/* Elementwise operations: add, multiply, identity and the activations. */
#include "graph/ops.h"

static nb_status unary_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    *aux = 0;
    *out = in[0].shape;
    return NB_OK;
}

static nb_status same_shape(const char *name, const nb_tensor *in, nb_shape *out, size_t *aux)
{
    char a[96], b[96];
    if (!nb_shape_equal(in[0].shape, in[1].shape))
        return nb_fail(NB_ESHAPE, "%s: %s and %s", name, nb_shape_text(in[0].shape, a, sizeof a),
                       nb_shape_text(in[1].shape, b, sizeof b));
    return unary_shape(in, out, aux);
}

/* Elements in rows lo ... hi-1 of a node whose inputs have its shape. */
static size_t elements(const nb_tensor *t, size_t lo, size_t hi)
{
    return (hi - lo) * nb_tensor_width(t);
}

static nb_status add_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    return same_shape("add", in, out, aux);
}

static nb_status add_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->add(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                    nb_tensor_at(c->in[1], lo), nb_tensor_at(c->out, lo));
    return NB_OK;
}

/* din := alpha dout + beta din; identity's too. */
static nb_status pass_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    c->kernels->scale(elements(c->din, lo, hi), c->alpha, nb_tensor_at(c->dout, lo), c->beta,
                      nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_add = {
    .name = "add",
    .inputs = 2,
    .kind = NB_BY_ELEMENT,
    .shape = add_shape,
    .forward = add_forward,
    .backward = pass_backward,
    .scales = true,
};

static nb_status multiply_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    return same_shape("multiply", in, out, aux);
}

static nb_status multiply_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->multiply(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                         nb_tensor_at(c->in[1], lo), 0, nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status multiply_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    c->kernels->multiply(elements(c->din, lo, hi), nb_tensor_at(c->dout, lo),
                         nb_tensor_at(c->in[1 - i], lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_multiply = {
    .name = "multiply",
    .inputs = 2,
    .kind = NB_BY_ELEMENT,
    .shape = multiply_shape,
    .forward = multiply_forward,
    .backward = multiply_backward,
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
    .kind = NB_BY_ELEMENT,
    .shape = unary_shape,
    .forward = identity_forward,
    .backward = pass_backward,
    .scales = true,
};

static nb_status step_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->step(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                     nb_tensor_at(c->out, lo));
    return NB_OK;
}

/* The gradient is 0 wherever it exists: the reason why the book leaves step for sigmoid (4.2.5). */
const nb_op nb_op_step = {
    .name = "step",
    .inputs = 1,
    .kind = NB_BY_ELEMENT,
    .shape = unary_shape,
    .forward = step_forward,
    .corner = true,
};

static nb_status sigmoid_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->sigmoid(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                        nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status sigmoid_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    c->kernels->sigmoid_backward(elements(c->din, lo, hi), nb_tensor_at(c->out, lo),
                                 nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_sigmoid = {
    .name = "sigmoid",
    .inputs = 1,
    .kind = NB_BY_ELEMENT,
    .shape = unary_shape,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};

static nb_status relu_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->relu(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo),
                     nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status relu_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    (void)i;
    c->kernels->relu_backward(elements(c->din, lo, hi), nb_tensor_at(c->in[0], lo),
                              nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_relu = {
    .name = "relu",
    .inputs = 1,
    .kind = NB_BY_ELEMENT,
    .shape = unary_shape,
    .forward = relu_forward,
    .backward = relu_backward,
    .corner = true,
};
