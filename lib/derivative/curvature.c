#include "nablas/curvature.h"
#include "nablas/memory.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

/* The gradient at w + t v, w being what the parameters were. */
static nb_status gradient_at(nb_node *loss, const double *w, double t, const double *v)
{
    const nb_tensor parameters = nb_graph_parameters(nb_node_graph(loss));
    const size_t count = nb_tensor_count(&parameters);
    double *moved = parameters.data;
    for (size_t i = 0; i < count; i++) moved[i] = w[i] + t * v[i];
    nb_status status = nb_forward(loss);
    return status ? status : nb_backward(loss);
}

nb_status nb_graph_hessian_vector(nb_node *loss, const double *v, double *Hv)
{
    const nb_tensor parameters = nb_graph_parameters(nb_node_graph(loss));
    const nb_tensor gradients = nb_graph_gradients(nb_node_graph(loss));
    if (parameters.dtype != NB_FLOAT64)
        return nb_fail(NB_EDTYPE, "nb_graph_hessian_vector: the graph is %s, expected float64",
                       nb_dtype_name(parameters.dtype));
    const size_t count = nb_tensor_count(&parameters);
    const double *gradient = gradients.data;
    if (count > INT_MAX)
        return nb_fail(NB_EOVERFLOW, "nb_graph_hessian_vector: %zu parameters, beyond BLAS's int",
                       count);
    double *w = nb_alloc(count, sizeof *w);
    if (!w) return NB_ENOMEM;
    memcpy(w, parameters.data, count * sizeof *w);

    const double length = cblas_dnrm2((int)count, v, 1);
    const double t = length > 0 ? 0x1p-26 * (1 + cblas_dnrm2((int)count, w, 1)) / length : 1;
    nb_status status = gradient_at(loss, w, t, v);
    if (!status) memcpy(Hv, gradient, count * sizeof *Hv);
    if (!status) status = gradient_at(loss, w, -t, v);
    for (size_t i = 0; i < count && !status; i++) Hv[i] = (Hv[i] - gradient[i]) / (2 * t);
    memcpy(parameters.data, w, count * sizeof *w);
    nb_free(w);
    return status;
}

nb_status nb_graph_hessian(nb_node *loss, double *H)
{
    const nb_tensor parameters = nb_graph_parameters(nb_node_graph(loss));
    const size_t count = nb_tensor_count(&parameters);
    double *unit = nb_alloc_zero(count, sizeof *unit);
    nb_status status = unit ? NB_OK : NB_ENOMEM;
    for (size_t i = 0; i < count && !status; i++) {
        unit[i] = 1;
        status = nb_graph_hessian_vector(loss, unit, H + i * count);
        unit[i] = 0;
    }
    for (size_t i = 0; i < count && !status; i++)
        for (size_t j = 0; j < i; j++)
            H[i * count + j] = H[j * count + i] = (H[i * count + j] + H[j * count + i]) / 2;
    nb_free(unit);
    return status;
}

/* As nb_operator. */
static nb_status product(size_t n, const double *v, double *Hv, void *loss)
{
    (void)n;
    return nb_graph_hessian_vector(loss, v, Hv);
}

/* A random vector in the place of the parameters; 0 in the gaps. */
static void draw(const nb_graph *g, nb_random *random, double *v)
{
    const nb_tensor parameters = nb_graph_parameters(g);
    memset(v, 0, nb_tensor_count(&parameters) * sizeof *v);
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        const nb_tensor *value = nb_value(node);
        double *part = v + ((const double *)value->data - (const double *)parameters.data);
        for (size_t j = 0; j < nb_tensor_count(value); j++) part[j] = nb_random_randn(random);
    }
}

nb_status nb_graph_curvature(nb_node *loss, nb_random *random, double tolerance, size_t iterations,
                             nb_eigenvalue *largest)
{
    nb_graph *g;
    nb_status status = nb_graph_cast(nb_node_graph(loss), NB_FLOAT64, &g);
    if (status) return status;
    const nb_tensor parameters = nb_graph_parameters(g);
    const size_t count = nb_tensor_count(&parameters);
    double *v = nb_alloc(count, sizeof *v);
    status = v ? NB_OK : NB_ENOMEM;
    if (!status) {
        status = nb_graph_set_pool(g, nb_graph_pool(nb_node_graph(loss)));
        draw(g, random, v);
    }
    if (!status)
        status = nb_largest_eigenvalue(product, nb_graph_node(g, nb_node_index(loss)), count, v,
                                       tolerance, iterations, largest);
    nb_free(v);
    nb_graph_destroy(g);
    return status;
}
