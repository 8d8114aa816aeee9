/* Functions of each element: exponential and logarithm, powers, the absolute value, a factor. */
#include "op/op_map.h"
#include "op/ops.h"

static nb_status exp_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->exp, lo, hi);
}

static nb_status exp_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->multiply, c->out, lo, hi);
}

const nb_op nb_op_exp = {
    .name = "exp",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{exp_forward, NB_ROWS, 0, false}},
    .backward = {{exp_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status log_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->log, lo, hi);
}

static nb_status log_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->divide((hi - lo) * nb_tensor_width(c->din), nb_tensor_at(c->dout, lo),
                       nb_tensor_at(c->in[0], lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_log = {
    .name = "log",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{log_forward, NB_ROWS, 0, false}},
    .backward = {{log_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status square_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->square, lo, hi);
}

static nb_status square_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->square_backward, c->in[0], lo, hi);
}

const nb_op nb_op_square = {
    .name = "square",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{square_forward, NB_ROWS, 0, false}},
    .backward = {{square_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status sqrt_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->sqrt, lo, hi);
}

static nb_status sqrt_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->sqrt_backward, c->out, lo, hi);
}

const nb_op nb_op_sqrt = {
    .name = "sqrt",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = nb_map_plan,
    .forward = {{sqrt_forward, NB_ROWS, 0, false}},
    .backward = {{sqrt_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status abs_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map(c, c->kernels->abs, lo, hi);
}

static nb_status abs_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back(c, c->kernels->abs_backward, c->in[0], lo, hi);
}

const nb_op nb_op_abs = {
    .name = "abs",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT | NB_CORNER,
    .plan = nb_map_plan,
    .forward = {{abs_forward, NB_ROWS, 0, false}},
    .backward = {{abs_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status power_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return nb_map_number("power", in, config, need);
}

static nb_status power_forward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_with(c, c->kernels->power, lo, hi);
}

static nb_status power_backward(const nb_call *c, size_t lo, size_t hi)
{
    return nb_map_back_with(c, c->kernels->power_backward, lo, hi);
}

const nb_op nb_op_power = {
    .name = "power",
    .inputs = 1,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = power_plan,
    .forward = {{power_forward, NB_ROWS, 0, false}},
    .backward = {{power_backward, NB_INPUT_ROWS, 0, false}},
};

static nb_status scale_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return nb_map_number("scale", in, config, need);
}

static nb_status scale_forward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->scale((hi - lo) * nb_tensor_width(c->out), *(const double *)c->config,
                      nb_tensor_at(c->in[0], lo), 0, nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status scale_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->scale((hi - lo) * nb_tensor_width(c->din), *(const double *)c->config,
                      nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_scale = {
    .name = "scale",
    .inputs = 1,
    .config = sizeof(double),
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = scale_plan,
    .forward = {{scale_forward, NB_ROWS, 0, false}},
    .backward = {{scale_backward, NB_INPUT_ROWS, 0, false}},
};
