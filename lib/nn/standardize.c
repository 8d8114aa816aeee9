/* Inputs by column, from a dataset in two passes over it; and scores by column. */
#include "nablas/memory.h"
#include "nablas/model.h"

#include <math.h>
#include <string.h>

enum { chunk_rows = 64 };

/* Of each column: its first value, whether there is another, mean, sum of (x - mean)^2. */
typedef struct columns {
    size_t width;
    double *first, *other, *mean, *spread;
} columns;

static void add_row(columns *c, const double *x, double n, bool second)
{
    for (size_t j = 0; j < c->width; j++) {
        const double d = x[j] - c->mean[j];
        c->other[j] += x[j] != c->first[j];
        if (second)
            c->spread[j] += d * d;
        else
            c->mean[j] += x[j] / n;
    }
}

static nb_status pass_over(columns *c, const nb_dataset *d, nb_tensor *x, bool second)
{
    const size_t n = nb_dataset_count(d);
    for (size_t lo = 0, hi; lo < n; lo = hi) {
        hi = n - lo < chunk_rows ? n : lo + chunk_rows;
        nb_tensor part = nb_tensor_rows(x, 0, hi - lo);
        nb_status status = nb_dataset_range(d, lo, hi, &part, NULL);
        if (status) return status;
        if (lo == 0) memcpy(c->first, x->data, c->width * sizeof *c->first);
        for (size_t i = 0; i < hi - lo; i++) add_row(c, nb_tensor_at(&part, i), (double)n, second);
    }
    return NB_OK;
}

static void store(const columns *c, double n, const nb_tensor *center, const nb_tensor *deviation)
{
    const nb_kernels *kernels = nb_kernels_of(center->dtype);
    for (size_t j = 0; j < c->width; j++) {
        kernels->set(center->data, j, c->other[j] != 0 ? c->mean[j] : c->first[j]);
        kernels->set(deviation->data, j, c->other[j] != 0 ? sqrt(c->spread[j] / n) : 1);
    }
}

nb_status nb_model_standardize(nb_model *m, const nb_dataset *d)
{
    char got[96], want[96];
    nb_tensor x;
    if (!m) return nb_fail(NB_EINVAL, "nb_model_standardize: model is NULL");
    nb_status status = nb_dataset_check(d, "nb_model_standardize");
    if (status) return status;
    const nb_tensor *center = nb_value(nb_graph_find(m->graph, "center1"));
    const nb_tensor *deviation = nb_value(nb_graph_find(m->graph, "deviation1"));
    if (!center || !deviation)
        return nb_fail(NB_EINVAL, "nb_model_standardize: the model has no nb_standardize layer");
    columns c = {.width = nb_tensor_count(center)};
    const nb_shape one = nb_dataset_x_shape(d, 1), chunk = nb_dataset_x_shape(d, chunk_rows);
    const nb_tensor row = nb_tensor_view(NB_FLOAT64, one, NULL);
    if (nb_tensor_width(&row) != c.width)
        return nb_fail(NB_ESHAPE, "nb_model_standardize: a sample is %s, the layer's is %s",
                       nb_shape_text(one, got, sizeof got),
                       nb_shape_text(center->shape, want, sizeof want));
    c.first = nb_alloc_zero(4 * c.width, sizeof *c.first);
    if (!c.first) return NB_ENOMEM;
    c.other = c.first + c.width;
    c.mean = c.other + c.width;
    c.spread = c.mean + c.width;
    status = nb_tensor_create(&x, NB_FLOAT64, chunk);
    if (!status) status = pass_over(&c, d, &x, false);
    if (!status) status = pass_over(&c, d, &x, true);
    if (!status) store(&c, (double)nb_dataset_count(d), center, deviation);
    nb_tensor_destroy(&x);
    nb_free(c.first);
    return status;
}

nb_status nb_model_scale_scores(nb_model *m, const double *mean, const double *deviation)
{
    nb_node *last[2] = {NULL, NULL}; /* W, b */
    if (!m || !mean || !deviation)
        return nb_fail(NB_EINVAL, "nb_model_scale_scores: %s is NULL",
                       !m      ? "model"
                       : !mean ? "mean"
                               : "deviation");
    const nb_layers *layers = &m->options.layers;
    const nb_layer *layer = &layers->layer[layers->count - 1];
    if (layer->kind != NB_LAYER_DENSE || !layer->bias)
        return nb_fail(NB_EINVAL, "nb_model_scale_scores: layer %zu is not dense with a bias",
                       layers->count);
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++)
        if (nb_node_is_parameter(nb_graph_node(m->graph, i))) {
            last[0] = last[1];
            last[1] = nb_graph_node(m->graph, i);
        }
    const nb_kernels *kernels = nb_kernels_of(nb_graph_dtype(m->graph));
    for (size_t part = 0; part < 2; part++) {
        const nb_tensor *w = nb_value(last[part]);
        for (size_t k = 0, j; k < nb_tensor_count(w); k++) {
            j = k % m->outputs;
            kernels->set(w->data, k,
                         kernels->get(w->data, k) * deviation[j] + (part ? mean[j] : 0));
        }
    }
    return NB_OK;
}
