/* Numerical gradients: the definition, and the fast way to the same numbers (nudge.c). */
#include "derivative/nudge.h"
#include "nablas/gradient.h"

#include <math.h>

static nb_status check_arguments(const char *function, const nb_node *loss,
                                 const nb_node *parameter, double h, const nb_tensor *gradient)
{
    char got[96], want[96];
    const nb_tensor *value = &parameter->value;
    if (parameter->role != NB_PARAMETER || parameter->graph != loss->graph)
        return nb_fail(NB_EINVAL, "%s: %s is no parameter of the graph", function,
                       nb_node_name(parameter));
    if (!loss->graph->max_batch)
        return nb_fail(NB_EINVAL, "%s: the graph is not finished", function);
    if (!(h > 0) || !isfinite(h))
        return nb_fail(NB_EINVAL, "%s: h=%g, expected a positive number", function, h);
    if (gradient->dtype != value->dtype)
        return nb_fail(NB_EDTYPE, "%s: gradient is %s, %s is %s", function,
                       nb_dtype_name(gradient->dtype), nb_node_name(parameter),
                       nb_dtype_name(value->dtype));
    if (!nb_shape_equal(gradient->shape, value->shape))
        return nb_fail(NB_ESHAPE, "%s: gradient is %s, %s is %s", function,
                       nb_shape_text(gradient->shape, got, sizeof got), nb_node_name(parameter),
                       nb_shape_text(value->shape, want, sizeof want));
    return NB_OK;
}

/* The loss as it is, whose value must be one number. */
static nb_status begin(const char *function, nb_node *loss, const nb_node *parameter, double h,
                       const nb_tensor *gradient)
{
    char text[96];
    nb_status status = check_arguments(function, loss, parameter, h, gradient);
    if (!status) status = nb_graph_join(loss->graph, false); /* values of all nodes are needed */
    if (!status) status = nb_forward(loss);
    if (status || nb_tensor_count(&loss->value) == 1) return status;
    return nb_fail(NB_ESHAPE, "%s: the loss is %s, expected a scalar", function,
                   nb_shape_text(loss->value.shape, text, sizeof text));
}

/* Differences of float32 have too few digits: those of the same graph in float64. */
static nb_status in_double(const nb_node *loss, const nb_node *parameter, double h,
                           nb_tensor *gradient)
{
    nb_graph *g;
    nb_tensor wide;
    nb_status status = nb_graph_cast(loss->graph, NB_FLOAT64, &g);
    if (status) return status;
    nb_graph_set_pool(g, nb_graph_pool(loss->graph));
    status = nb_tensor_create(&wide, NB_FLOAT64, gradient->shape);
    if (!status)
        status =
            nb_graph_numerical_gradient(g->node[loss->index], g->node[parameter->index], h, &wide);
    if (!status) status = nb_tensor_convert(&wide, gradient);
    nb_tensor_destroy(&wide);
    nb_graph_destroy(g);
    return status;
}

nb_status nb_graph_numerical_gradient(nb_node *loss, nb_node *parameter, double h,
                                      nb_tensor *gradient)
{
    nb_status status = begin("nb_graph_numerical_gradient", loss, parameter, h, gradient);
    if (status) return status;
    if (loss->graph->dtype == NB_FLOAT32) return in_double(loss, parameter, h, gradient);
    return nb_nudge(loss, parameter, h, gradient);
}

static nb_status loss_at(nb_node *loss, const nb_node *parameter, size_t i, double w, double *f)
{
    loss->graph->kernels->set(parameter->value.data, i, w);
    nb_status status = nb_forward(loss);
    *f = nb_scalar(loss);
    return status;
}

nb_status nb_graph_numerical_gradient_brute(nb_node *loss, nb_node *parameter, double h,
                                            nb_tensor *gradient)
{
    nb_status status = begin("nb_graph_numerical_gradient_brute", loss, parameter, h, gradient);
    if (status) return status;
    const nb_kernels *kernels = loss->graph->kernels;
    void *w = parameter->value.data;
    const size_t count = nb_tensor_count(gradient);
    for (size_t i = 0; i < count && !status; i++) {
        const double old = kernels->get(w, i);
        double above, below = 0;
        status = loss_at(loss, parameter, i, old + h, &above);
        if (!status) status = loss_at(loss, parameter, i, old - h, &below);
        kernels->set(w, i, old);
        if (!status) kernels->set(gradient->data, i, (above - below) / (2 * h));
    }
    /* Leave no value of a shifted parameter behind for nb_backward. */
    return status ? status : nb_forward(loss);
}
