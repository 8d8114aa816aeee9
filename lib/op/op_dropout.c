/* Dropout, textbook 6.4.3; Srivastava et al., J. Mach. Learn. Res. 15 (2014).
 *
 * `kept` holds what each element is multiplied by. */
#include "op/op_dropout.h"
#include "op/ops.h"
#include "tensor/element.h"

static nb_status dropout_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    const nb_dropping *o = config;
    if (!(o->ratio >= 0 && o->ratio < 1))
        return nb_fail(NB_EINVAL, "dropout: ratio=%g, expected 0 ... below 1", o->ratio);
    need->out = in[0].shape;
    need->kept = nb_tensor_width(&in[0]);
    return NB_OK;
}

/* rand(*shape) > ratio, in C order. */
static nb_status draw_mask(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const nb_dropping *o = c->config;
    const double stays = o->book ? 1 : 1 / (1 - o->ratio);
    if (!c->pass.training || c->pass.frozen) return NB_OK;
    if (!c->pass.random)
        return nb_fail(NB_EINVAL, "dropout: training without a random stream (nb_graph_set_pass)");
    const size_t count = nb_tensor_count(c->out);
    for (size_t i = 0; i < count; i++)
        nb_put_element(c->kernels, c->kept->data, i,
                       nb_random_rand(c->pass.random) > o->ratio ? stays : 0);
    return NB_OK;
}

/* to := mask from + beta to */
static nb_status mask_rows(const nb_call *c, const nb_tensor *from, double beta,
                           const nb_tensor *to, size_t lo, size_t hi)
{
    const nb_dropping *o = c->config;
    const size_t count = (hi - lo) * nb_tensor_width(to);
    const void *x = nb_tensor_at(from, lo);
    void *y = nb_tensor_at(to, lo);
    if (c->pass.training)
        c->kernels->multiply(count, x, nb_tensor_at(c->kept, lo), beta, y);
    else
        c->kernels->scale(count, o->book ? 1 - o->ratio : 1, x, beta, y);
    return NB_OK;
}

static nb_status dropout_forward(const nb_call *c, size_t lo, size_t hi)
{
    return mask_rows(c, c->in[0], 0, c->out, lo, hi);
}

static nb_status dropout_backward(const nb_call *c, size_t lo, size_t hi)
{
    return mask_rows(c, c->dout, c->beta, c->din, lo, hi);
}

const nb_op nb_op_dropout = {
    .name = "dropout",
    .inputs = 1,
    .config = sizeof(nb_dropping),
    .promises = NB_BY_ROW,
    .plan = dropout_plan,
    .forward = {{draw_mask, NB_DRAW, 0, false}, {dropout_forward, NB_ROWS, 0, false}},
    .backward = {{dropout_backward, NB_INPUT_ROWS, 0, false}},
};
