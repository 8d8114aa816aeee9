/* check_your_own - the gradient check on code of one's own: an operation, and a callback with its
 * hand-written gradient. docs/gradients.md explains it. */
#include "common.h"

#include <math.h>

/* --- an operation: y = tanh(x), dx = (1 - y^2) dy --------------------------------------------- */

static nb_status tanh_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static nb_status tanh_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t k = lo * width; k < hi * width; k++)
        c->kernels->set(c->out->data, k, tanh(c->kernels->get(c->in[0]->data, k)));
    return NB_OK;
}

static nb_status tanh_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t k = lo * width; k < hi * width; k++) {
        const double y = c->kernels->get(c->out->data, k), dy = c->kernels->get(c->dout->data, k);
        const double old = c->beta == 0 ? 0 : c->beta * c->kernels->get(c->din->data, k);
        c->kernels->set(c->din->data, k, (1 - y * y) * dy + old);
    }
    return NB_OK;
}

static const nb_op tanh_op = {
    .name = "tanh",
    .inputs = 1,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = tanh_plan,
    .forward = {{tanh_forward, NB_ROWS, 0, false}},
    .backward = {{tanh_backward, NB_INPUT_ROWS, 0, false}},
};

/* --- a callback: Rosenbrock's function, with a slip in its gradient --------------------------- */

static double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    return a * a + 100 * b * b;
}

static void rosenbrock_gradient(size_t n, const double *x, void *context, double *gradient)
{
    (void)n, (void)context;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * b * x[0];
    gradient[1] = 100 * b; /* should be 200 b */
}

static void rosenbrock_curvature(size_t n, const double *x, const double *v, void *context,
                                 double *Hv)
{
    (void)n, (void)context;
    Hv[0] = (2 - 400 * (x[1] - 3 * x[0] * x[0])) * v[0] - 400 * x[0] * v[1];
    Hv[1] = -400 * x[0] * v[0] + 200 * v[1];
}

/* --- both, checked ---------------------------------------------------------------------------- */

static void show(const page *p, nb_status status, nb_gradient_report *report)
{
    char text[4096];
    page_check(p, status);
    nb_gradient_report_text(report, text, sizeof text);
    puts(text);
    nb_gradient_report_destroy(report);
}

int main(int argc, char **argv)
{
    page p;
    nb_gradient_report report;
    page_begin_text(&p, argc, argv, "Check the gradient of an operation and of a callback.", NULL);

    const nb_operand x = {.shape = NB_SHAPE(3, 4)};
    show(&p, nb_op_check(&tanh_op, NULL, &x, NULL, &report), &report);

    const double at[2] = {-1.2, 1};
    show(&p, nb_function_check(rosenbrock, rosenbrock_gradient, NULL, 2, at, NULL, &report),
         &report);

    nb_taylor taylor;
    page_check(&p, nb_taylor_check(rosenbrock, rosenbrock_gradient, rosenbrock_curvature, NULL, 2,
                                   at, NULL, &taylor));
    printf("rates %.2f %.2f %.2f: the gradient is %s\n", taylor.rate[0], taylor.rate[1],
           taylor.rate[2], taylor.verdict == NB_GRADIENT_RIGHT ? "right" : "wrong");
    return page_end(&p);
}
