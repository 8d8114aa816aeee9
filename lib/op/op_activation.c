/* Activations beside those of the book's chapters 3 to 5, which are in op_elementwise.c. */
#include "op/op_map.h"
#include "op/ops.h"

static nb_status tanh_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->tanh, lo, hi);
}

static nb_status tanh_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->tanh_backward, c->out, lo, hi);
}

const nb_op nb_op_tanh = {
    .name = "tanh",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{tanh_forward, NB_ROWS, 0, false}},
    .backward = {{tanh_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status leaky_relu_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return nb_map_number("leaky_relu", in, config, need);
}

static nb_status leaky_relu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_with(c, c->kernels->leaky_relu, lo, hi);
}

static nb_status leaky_relu_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back_with(c, c->kernels->leaky_relu_backward, lo, hi);
}

const nb_op nb_op_leaky_relu = {
    .name = "leaky_relu",
    .inputs = 1,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_CORNER,
    .plan = leaky_relu_plan,
    .forward = {{leaky_relu_forward, NB_ROWS, 0, false}},
    .backward = {{leaky_relu_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status elu_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return nb_map_number("elu", in, config, need);
}

static nb_status elu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_with(c, c->kernels->elu, lo, hi);
}

static nb_status elu_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back_with(c, c->kernels->elu_backward, lo, hi);
}

const nb_op nb_op_elu = {
    .name = "elu",
    .inputs = 1,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_CORNER,
    .plan = elu_plan,
    .forward = {{elu_forward, NB_ROWS, 0, false}},
    .backward = {{elu_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status gelu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->gelu, lo, hi);
}

static nb_status gelu_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->gelu_backward, c->in[0], lo, hi);
}

const nb_op nb_op_gelu = {
    .name = "gelu",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{gelu_forward, NB_ROWS, 0, false}},
    .backward = {{gelu_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status softplus_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->softplus, lo, hi);
}

static nb_status softplus_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->softplus_backward, c->in[0], lo, hi);
}

const nb_op nb_op_softplus = {
    .name = "softplus",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{softplus_forward, NB_ROWS, 0, false}},
    .backward = {{softplus_backward, NB_INPUT_ROWS, 0, false}},
};
