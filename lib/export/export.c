/* A model's layers as steps. */
#include "nablas/export.h"
#include "export/int8.h"
#include "nablas/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

size_t nb_export_step_weights(const nb_export_step *s)
{
    if (!s || !s->W) return 0;
    const nb_window *w = &s->window;
    return s->kind == NB_STEP_DENSE ? s->inputs * s->outputs
                                    : s->out.dim[0] * w->channels * w->rows * w->columns;
}

size_t nb_export_step_biases(const nb_export_step *s)
{
    if (!s || !s->W) return 0;
    return s->kind == NB_STEP_DENSE ? s->outputs : s->out.dim[0];
}

/* --- reading the model ------------------------------------------------------------------------ */

/* How many layers with names of their own there were. */
typedef struct reader {
    const nb_model *model;
    nb_export_steps *steps;
    nb_shape shape; /* of a sample, so far */
    size_t weights, norms, standards;
    double factor; /* of all of x, not applied yet: a product that comes next has it in W */
    float *next;   /* of the block that is not used */
} reader;

static const nb_tensor *array_of(const nb_model *m, const char *letter, size_t number)
{
    char name[32];
    snprintf(name, sizeof name, "%s%zu", letter, number);
    return nb_value(nb_graph_find(m->graph, name));
}

static size_t count_of(nb_shape shape)
{
    size_t count = 1;
    for (size_t d = 0; d < shape.ndim; d++) count *= shape.dim[d];
    return count;
}

static nb_export_step *add_step(reader *r, nb_export_step_kind kind)
{
    nb_export_step *s = &r->steps->step[r->steps->count++];
    *s = (nb_export_step){.kind = kind, .in = r->shape, .out = r->shape};
    s->inputs = s->outputs = count_of(r->shape);
    return s;
}

static nb_status keep(reader *r, double value, const char *what, size_t i)
{
    *r->next++ = (float)value;
    if (isfinite((float)value)) return NB_OK;
    return nb_fail(NB_ERANGE, "nb_export_steps_create: %s[%zu]=%g is not finite in float32", what,
                   i, value);
}

static nb_status copy_array(reader *r, const char *letter, size_t number, double factor,
                            const float **to)
{
    const nb_tensor *t = array_of(r->model, letter, number);
    nb_status status = NB_OK;
    *to = r->next;
    for (size_t i = 0; i < nb_tensor_count(t) && !status; i++)
        status = keep(r, factor * nb_kernels_of(t->dtype)->get(t->data, i), letter, i);
    return status;
}

static nb_status add_dense(reader *r, const nb_layer *l)
{
    nb_export_step *s = add_step(r, NB_STEP_DENSE);
    const nb_tensor *W = array_of(r->model, "W", ++r->weights);
    nb_status status = NB_OK;
    r->shape = s->out = NB_SHAPE(l->units);
    s->outputs = l->units;
    s->W = r->next;
    for (size_t j = 0; j < s->outputs; j++)
        for (size_t i = 0; i < s->inputs && !status; i++)
            status = keep(r, r->factor * nb_kernels_of(W->dtype)->get(W->data, i * s->outputs + j),
                          "W", i);
    r->factor = 1;
    return status || !l->bias ? status : copy_array(r, "b", r->weights, 1, &s->b);
}

static nb_status add_window(reader *r, const nb_layer *l, nb_export_step_kind kind)
{
    nb_export_step *s = add_step(r, kind);
    const size_t *dim = r->shape.dim;
    const nb_sliding *w = &l->window;
    const size_t rows = w->rows ? w->rows : dim[1], columns = w->columns ? w->columns : dim[2];
    const bool filters = kind == NB_STEP_CONVOLUTION; /* which move by 1 where nothing is said */
    s->window = (nb_window){.channels = dim[0],
                            .height = dim[1],
                            .width = dim[2],
                            .rows = rows,
                            .columns = columns,
                            .stride_y = w->stride_y ? w->stride_y : (filters ? 1 : rows),
                            .stride_x = w->stride_x ? w->stride_x : (filters ? 1 : columns),
                            .pad_y = w->pad_y,
                            .pad_x = w->pad_x};
    nb_status status = nb_window_fit(&s->window);
    r->shape = s->out =
        NB_SHAPE(filters ? l->filters : dim[0], s->window.out_height, s->window.out_width);
    s->outputs = count_of(s->out);
    if (status || !filters) return status;
    status = copy_array(r, "W", ++r->weights, r->factor, &s->W);
    r->factor = 1;
    return status ? status : copy_array(r, "b", r->weights, 1, &s->b);
}

static nb_status add_batch_norm(reader *r, const nb_layer *l)
{
    nb_export_step *s = add_step(r, NB_STEP_NORMALIZE);
    const nb_batch_norm_options *o = l->book ? &nb_batch_norm_book : &nb_batch_norm_channels;
    const nb_tensor *gamma = array_of(r->model, "gamma", ++r->norms),
                    *variance = array_of(r->model, "variance", r->norms);
    s->features = nb_tensor_count(gamma);
    nb_status status = copy_array(r, "mean", r->norms, 1, &s->shift);
    s->gain = r->next;
    for (size_t i = 0; i < s->features && !status; i++) {
        const nb_kernels *k = nb_kernels_of(gamma->dtype);
        status = keep(r, k->get(gamma->data, i) / sqrt(k->get(variance->data, i) + o->epsilon),
                      "gamma / sqrt(variance + epsilon)", i);
    }
    return status ? status : copy_array(r, "beta", r->norms, 1, &s->bias);
}

static nb_status add_standardize(reader *r)
{
    nb_export_step *s = add_step(r, NB_STEP_NORMALIZE);
    const nb_tensor *deviation = array_of(r->model, "deviation", ++r->standards);
    s->features = s->inputs;
    nb_status status = copy_array(r, "center", r->standards, 1, &s->shift);
    s->gain = r->next;
    for (size_t i = 0; i < s->features && !status; i++)
        status = keep(r, 1 / nb_kernels_of(deviation->dtype)->get(deviation->data, i),
                      "1 / deviation", i);
    return status;
}

static nb_status apply_factor(reader *r)
{
    const double factor = r->factor;
    if (factor == 1) return NB_OK;
    nb_export_step *s = add_step(r, NB_STEP_NORMALIZE);
    s->features = 1;
    s->gain = r->next;
    r->factor = 1;
    return keep(r, factor, "factor", 0);
}

static nb_status add_activation(reader *r, nb_activation activation, double value)
{
    if (activation == NB_IDENTITY) return NB_OK;
    nb_export_step *s = add_step(r, NB_STEP_ACTIVATION);
    s->activation = activation;
    s->value = value;
    return NB_OK;
}

static nb_status add_layer(reader *r, const nb_layer *l)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        return add_dense(r, l);
    case NB_LAYER_CONVOLUTION:
        return add_window(r, l, NB_STEP_CONVOLUTION);
    case NB_LAYER_DROPOUT:
        if (l->book) r->factor *= 1 - l->value;
        return NB_OK;
    case NB_LAYER_FLATTEN:
        r->shape = NB_SHAPE(count_of(r->shape));
        return NB_OK;
    default:
        break;
    }
    nb_status status = apply_factor(r);
    if (status) return status;
    switch (l->kind) {
    case NB_LAYER_ACTIVATION:
        return add_activation(r, l->activation, l->value);
    case NB_LAYER_STANDARDIZE:
        return add_standardize(r);
    case NB_LAYER_BATCH_NORM:
        return add_batch_norm(r, l);
    case NB_LAYER_MAX_POOL:
        return add_window(r, l, NB_STEP_MAX_POOL);
    default:
        return add_window(r, l, NB_STEP_AVERAGE_POOL);
    }
}

static nb_status add_output(reader *r)
{
    nb_status status = apply_factor(r);
    if (status) return status;
    if (r->model->options.loss == NB_BINARY_CROSS_ENTROPY) return add_activation(r, NB_SIGMOID, 0);
    if (r->model->options.loss == NB_CROSS_ENTROPY) add_step(r, NB_STEP_SOFTMAX);
    return NB_OK;
}

nb_status nb_export_steps_create(nb_export_steps *steps, const nb_model *m)
{
    if (steps) *steps = (nb_export_steps){0};
    if (!steps || !m)
        return nb_fail(NB_EINVAL, "nb_export_steps_create: %s is NULL", steps ? "model" : "steps");
    const nb_layers *layers = &m->options.layers;
    size_t room = 1 + layers->count; /* the scale, the book's dropouts */
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (nb_node_role(node) == NB_PARAMETER || nb_node_role(node) == NB_STATE)
            room += nb_tensor_count(nb_value(node));
    }
    steps->step = nb_alloc(2 * layers->count + 3, sizeof *steps->step);
    steps->block = nb_alloc(room, sizeof *steps->block);
    reader r = {.model = m,
                .steps = steps,
                .shape = m->options.input,
                .factor = 1 / m->options.scale,
                .next = steps->block};
    nb_status status = steps->step && steps->block ? NB_OK : NB_ENOMEM;
    steps->input = m->options.input;
    steps->inputs = count_of(m->options.input);
    steps->outputs = m->outputs;
    steps->classes = m->options.classes;
    for (size_t i = 0; i < layers->count && !status; i++) status = add_layer(&r, &layers->layer[i]);
    if (!status) status = add_output(&r);
    if (!status) steps->numbers = (size_t)(r.next - steps->block);
    if (status) nb_export_steps_destroy(steps);
    return status;
}

void nb_export_steps_destroy(nb_export_steps *s)
{
    if (!s) return;
    nb_free(s->step);
    nb_free(s->block);
    *s = (nb_export_steps){0};
}

/* --- eight bits ------------------------------------------------------------------------------- */

float nb_int8_scale(size_t n, const float *w)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(w[i]));
    const float scale = most / 127;
    return 127 * (double)scale > (double)FLT_MAX ? nextafterf(scale, 0) : scale;
}

int nb_int8_of(float w, float scale)
{
    const float q = scale > 0 ? roundf(w / scale) : 0;
    return (int)fminf(127, fmaxf(-127, q));
}

/* Of output j the weights are element begin, begin + stride, ...; n of them. */
static void round_output(const nb_tensor *W, size_t begin, size_t stride, size_t n)
{
    const nb_kernels *k = nb_kernels_of(W->dtype);
    float scale = 0;
    for (size_t i = 0; i < n; i++) {
        const float w = (float)k->get(W->data, begin + i * stride);
        scale = fmaxf(scale, nb_int8_scale(1, &w));
    }
    for (size_t i = 0; i < n; i++) {
        const size_t at = begin + i * stride;
        k->set(W->data, at, (double)(scale * (float)nb_int8_of((float)k->get(W->data, at), scale)));
    }
}

/* Those of double beside what the steps have, where the scale is in them. */
static nb_status check_weights(const nb_model *m)
{
    const nb_tensor *W;
    for (size_t number = 1; (W = array_of(m, "W", number)); number++)
        for (size_t i = 0; i < nb_tensor_count(W); i++) {
            const double w = nb_kernels_of(W->dtype)->get(W->data, i);
            if (!isfinite((float)w))
                return nb_fail(NB_ERANGE,
                               "nb_model_round_int8: W%zu[%zu]=%g is not finite in float32", number,
                               i, w);
        }
    return NB_OK;
}

nb_status nb_model_round_int8(nb_model *m)
{
    nb_export_steps steps; /* looks at every number */
    if (!m) return nb_fail(NB_EINVAL, "nb_model_round_int8: model is NULL");
    nb_status status = nb_export_steps_create(&steps, m);
    nb_export_steps_destroy(&steps);
    if (!status) status = check_weights(m);
    for (size_t number = 1; !status; number++) {
        const nb_tensor *W = array_of(m, "W", number);
        if (!W) break;
        const bool dense = W->shape.ndim == 2;
        const size_t outputs = W->shape.dim[dense ? 1 : 0], n = nb_tensor_count(W) / outputs;
        for (size_t j = 0; j < outputs; j++)
            round_output(W, dense ? j : j * n, dense ? outputs : 1, n);
    }
    return status;
}
