/* Weights under PyTorch's names and in its layouts, out and in.
 *
 * Out, a model is an nn.Sequential: "0.weight" (m,k) of a Linear, which nablas has as W1 (k,m); filters as they
 * are; a batch norm's gamma, beta, mean and variance as weight, bias, running_mean and running_var. The
 * Python that makes it is a text of the file. In, modules may have any names: they are taken in the
 * order of these, numbers by their value. */
#include "export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128 };

/* --- out -------------------------------------------------------------------------------------- */

typedef struct writer {
    FILE *python;
    const nb_arrays *from;
    nb_arrays to;
    nb_shape shape; /* of a sample, so far */
    size_t modules, weights, norms, standards;
    nb_status status;
} writer;

static nb_status transposed(const nb_tensor *from, nb_tensor *to)
{
    const size_t k = from->shape.dim[0], m = from->shape.dim[1], size = nb_dtype_size(from->dtype);
    nb_status status = nb_tensor_create(to, from->dtype, NB_SHAPE(m, k));
    for (size_t i = 0; i < k && !status; i++)
        for (size_t j = 0; j < m; j++)
            memcpy((char *)to->data + (j * k + i) * size,
                   (const char *)from->data + (i * m + j) * size, size);
    return status;
}

/* Our array LETTERnumber as `part` of the module that was just written. */
static void put_array(writer *w, const char *letter, size_t number, const char *part)
{
    char ours[NAME], theirs[NAME];
    nb_snprintf(ours, NAME, "%s%zu", letter, number);
    nb_snprintf(theirs, NAME, "%zu.%s", w->modules - 1, part);
    const nb_tensor *t = nb_arrays_find(w->from, ours);
    if (!t || w->status) return;
    nb_tensor turned = {0};
    if (*letter == 'W' && t->shape.ndim == 2) {
        w->status = transposed(t, &turned);
        if (!w->status) w->status = nb_arrays_add(&w->to, theirs, &turned);
        nb_tensor_destroy(&turned);
    } else {
        w->status = nb_arrays_add_view(&w->to, theirs, *t);
    }
}

static void put_module(writer *w, const char *format, ...) NB_PRINTF(2, 3);
static void put_module(writer *w, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    nb_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(w->python, "    %s,  # %zu\n", text, w->modules++);
}

static size_t count_of(const nb_shape *shape)
{
    size_t count = 1;
    for (size_t d = 0; d < shape->ndim; d++) count *= shape->dim[d];
    return count;
}

/* A shape of one sample as Python has it. */
static const char *sizes(const nb_shape *shape, char text[NAME])
{
    return nb_shape_text(*shape, text, NAME);
}

static void put_flatten(writer *w)
{
    if (w->shape.ndim > 1) put_module(w, "nn.Flatten()");
    w->shape = NB_SHAPE(count_of(&w->shape));
}

static void put_dense(writer *w, const nb_layer *l)
{
    put_flatten(w);
    put_module(w, "nn.Linear(%zu, %zu%s)", w->shape.dim[0], l->units,
               l->bias ? "" : ", bias=False");
    put_array(w, "W", ++w->weights, "weight");
    put_array(w, "b", w->weights, "bias");
    w->shape = NB_SHAPE(l->units);
}

static void put_norm_arrays(writer *w)
{
    w->norms++;
    put_array(w, "gamma", w->norms, "weight");
    put_array(w, "beta", w->norms, "bias");
    put_array(w, "mean", w->norms, "running_mean");
    put_array(w, "variance", w->norms, "running_var");
}

/* By column, or of more dimensions than PyTorch has a batch norm for: as rows. */
static void put_batch_norm(writer *w, const nb_layer *l)
{
    const nb_shape shape = w->shape;
    char text[NAME];
    if (!l->book && shape.ndim <= 4) {
        const size_t d = shape.ndim < 3 ? 1 : shape.ndim - 1;
        put_module(w, "nn.BatchNorm%zud(%zu)", d, shape.dim[0]);
        put_norm_arrays(w);
        return;
    }
    const size_t first = l->book ? 0 : 1;
    nb_shape rest = shape;
    rest.ndim -= first;
    memmove(rest.dim, shape.dim + first, rest.ndim * sizeof *rest.dim);
    if (rest.ndim > 1) put_module(w, "nn.Flatten(%zu)", first + 1);
    put_module(w, "nn.BatchNorm1d(%zu%s)", l->book ? count_of(&shape) : shape.dim[0],
               l->book ? ", eps=1e-6" : "");
    put_norm_arrays(w);
    if (rest.ndim > 1) put_module(w, "nn.Unflatten(%zu, %s)", first + 1, sizes(&rest, text));
}

static void put_standardize(writer *w)
{
    char text[NAME];
    put_module(w, "Standardize(%s)", sizes(&w->shape, text));
    put_array(w, "center", ++w->standards, "center");
    put_array(w, "deviation", w->standards, "deviation");
}

static void put_activation(writer *w, const nb_layer *l)
{
    static const char *const names[NB_ACTIVATIONS] = {
        "nn.Sigmoid()",  "nn.ReLU()", "nn.Tanh()",    "", "", "nn.GELU()",
        "nn.Softplus()", "Step()",    "nn.Identity()"};
    char value[32];
    if (l->activation == NB_LEAKY_RELU)
        put_module(w, "nn.LeakyReLU(%s)", nb_number_text(l->value, value));
    else if (l->activation == NB_ELU)
        put_module(w, "nn.ELU(%s)", nb_number_text(l->value, value));
    else
        put_module(w, "%s", names[l->activation]);
}

/* Padding is 0 for a maximum too, which only a layer of its own does in PyTorch. */
static void put_window(writer *w, const nb_layer *l)
{
    const nb_sliding *s = &l->window;
    const bool filters = l->kind == NB_LAYER_CONVOLUTION; /* which move by 1 if nothing is said */
    const size_t *dim = w->shape.dim, rows = s->rows ? s->rows : dim[1],
                 columns = s->columns ? s->columns : dim[2],
                 dy = s->stride_y ? s->stride_y : (filters ? 1 : rows),
                 dx = s->stride_x ? s->stride_x : (filters ? 1 : columns);
    nb_window v = {dim[0], dim[1], dim[2], rows, columns, dy, dx, s->pad_y, s->pad_x, 0, 0};
    if (!w->status) w->status = nb_window_fit(&v);
    if (filters) {
        put_module(w, "nn.Conv2d(%zu, %zu, (%zu, %zu), stride=(%zu, %zu), padding=(%zu, %zu))",
                   dim[0], l->filters, rows, columns, dy, dx, s->pad_y, s->pad_x);
        put_array(w, "W", ++w->weights, "weight");
        put_array(w, "b", w->weights, "bias");
    } else {
        if (s->pad_y || s->pad_x)
            put_module(w, "nn.ZeroPad2d((%zu, %zu, %zu, %zu))", s->pad_x, s->pad_x, s->pad_y,
                       s->pad_y);
        put_module(w, "nn.%s((%zu, %zu), stride=(%zu, %zu))",
                   l->kind == NB_LAYER_MAX_POOL ? "MaxPool2d" : "AvgPool2d", rows, columns, dy, dx);
    }
    w->shape = NB_SHAPE(filters ? l->filters : dim[0], v.out_height, v.out_width);
}

static void put_layer(writer *w, const nb_layer *l)
{
    char value[32];
    switch (l->kind) {
    case NB_LAYER_DENSE:
        put_dense(w, l);
        break;
    case NB_LAYER_ACTIVATION:
        put_activation(w, l);
        break;
    case NB_LAYER_STANDARDIZE:
        put_standardize(w);
        break;
    case NB_LAYER_BATCH_NORM:
        put_batch_norm(w, l);
        break;
    case NB_LAYER_DROPOUT:
        put_module(w, "%s(%s)", l->book ? "BookDropout" : "nn.Dropout",
                   nb_number_text(l->value, value));
        break;
    case NB_LAYER_FLATTEN:
        put_flatten(w);
        break;
    default:
        put_window(w, l);
    }
}

/* The modules that PyTorch does not have. */
static void put_classes(FILE *to, const nb_layers *layers)
{
    bool steps = false, drops = false, standards = false;
    for (size_t i = 0; i < layers->count; i++) {
        const nb_layer *l = &layers->layer[i];
        steps |= l->kind == NB_LAYER_ACTIVATION && l->activation == NB_STEP;
        drops |= l->kind == NB_LAYER_DROPOUT && l->book;
        standards |= l->kind == NB_LAYER_STANDARDIZE;
    }
    if (steps)
        fputs("class Step(nn.Module):\n    def forward(self, x):\n        return (x > "
              "0).to(x.dtype)\n\n\n",
              to);
    if (drops)
        fputs("class BookDropout(nn.Module):\n    \"\"\"Not inverted: predicts with x (1 - "
              "ratio).\"\"\"\n\n"
              "    def __init__(self, ratio):\n        super().__init__()\n        self.ratio = "
              "ratio\n\n"
              "    def forward(self, x):\n"
              "        return x * (torch.rand_like(x) > self.ratio) if self.training else x * (1 - "
              "self.ratio)\n\n\n",
              to);
    if (standards)
        fputs("class Standardize(nn.Module):\n    def __init__(self, shape):\n        "
              "super().__init__()\n"
              "        self.register_buffer(\"center\", torch.zeros(shape))\n"
              "        self.register_buffer(\"deviation\", torch.ones(shape))\n\n"
              "    def forward(self, x):\n        return (x - self.center) / self.deviation\n\n\n",
              to);
}

static void put_python(writer *w, const nb_model_options *o)
{
    char scale[32];
    fprintf(w->python, "import torch\nfrom torch import nn\n\n\n");
    put_classes(w->python, &o->layers);
    if (o->scale != 1)
        fprintf(w->python, "# Its inputs are divided by %s first.\n",
                nb_number_text(o->scale, scale));
    if (o->loss == NB_CROSS_ENTROPY || o->loss == NB_BINARY_CROSS_ENTROPY)
        fprintf(w->python, "# It gives scores, as nn.%s takes them: %s makes them probabilities.\n",
                o->loss == NB_CROSS_ENTROPY ? "CrossEntropyLoss" : "BCEWithLogitsLoss",
                o->loss == NB_CROSS_ENTROPY ? "softmax" : "sigmoid");
    fputs("model = nn.Sequential(\n", w->python);
    for (size_t i = 0; i < o->layers.count; i++) put_layer(w, &o->layers.layer[i]);
    fputs(")\n", w->python);
}

nb_status export_torch(const nb_model *m, const nb_arrays *arrays, const char *path, char **python)
{
    size_t size;
    writer w = {.from = arrays, .shape = m->options.input};
    *python = NULL;
    w.python = open_memstream(python, &size);
    if (!w.python) return nb_fail(NB_ENOMEM, "%s: no memory", nb_file_label(path));
    put_python(&w, &m->options);
    if (fclose(w.python) && !w.status) w.status = nb_fail(NB_ENOMEM, "%s: no memory", path);
    for (size_t i = 0; i < arrays->texts && !w.status; i++)
        w.status = nb_arrays_set_text(&w.to, arrays->text[i].key, arrays->text[i].value);
    if (!w.status) w.status = nb_arrays_set_text(&w.to, "torch", *python);
    if (!w.status) w.status = nb_arrays_save(&w.to, path);
    nb_arrays_destroy(&w.to);
    return w.status;
}

/* --- in --------------------------------------------------------------------------------------- */

/* "net.10.weight" is part `weight` of the module "net.10". */
static const char *part_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static size_t module_length(const char *name)
{
    return (size_t)(part_of(name) - name);
}

bool torch_named(const nb_arrays *arrays)
{
    for (size_t i = 0; i < arrays->count; i++)
        if (!strcmp(part_of(arrays->item[i].name), "weight")) return true;
    return nb_arrays_text(arrays, "torch") != NULL;
}

/* By name, 2 before 10. */
static int compare(const void *a, const void *b)
{
    const char *p = *(const char *const *)a, *q = *(const char *const *)b;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            char *p_end, *q_end;
            const unsigned long long m = strtoull(p, &p_end, 10), n = strtoull(q, &q_end, 10);
            if (m != n) return m < n ? -1 : 1;
            p = p_end;
            q = q_end;
        } else if (*p != *q) {
            return *p < *q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    return (*p != 0) - (*q != 0);
}

static const nb_tensor *find_part(const nb_arrays *from, const char *name, const char *part)
{
    char full[1024];
    nb_snprintf(full, sizeof full, "%.*s%s", (int)module_length(name), name, part);
    return nb_arrays_find(from, full);
}

/* Under which letter we have a part of the module of `name`; "" for one that we have not, NULL for
 * one that is none of the parts. */
static const char *letter_of(const nb_arrays *from, const char *name)
{
    static const char *const parts[][2] = {{"running_mean", "mean"},
                                           {"running_var", "variance"},
                                           {"center", "center"},
                                           {"deviation", "deviation"},
                                           {"num_batches_tracked", ""}};
    const char *part = part_of(name);
    const bool norm = find_part(from, name, "running_mean");
    if (!strcmp(part, "weight")) return norm ? "gamma" : "W";
    if (!strcmp(part, "bias")) return norm ? "beta" : "b";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(part, parts[i][0])) return parts[i][1];
    return NULL;
}

static nb_status take_array(const nb_arrays *from, const char *name, size_t number, nb_arrays *to,
                            const char *label)
{
    char ours[NAME];
    nb_tensor copy = {0};
    const nb_tensor *t = nb_arrays_find(from, name);
    const char *letter = letter_of(from, name);
    if (!letter)
        return nb_fail(NB_EFORMAT, "%s: '%.80s' is no part of a layer that nablas has",
                       nb_file_label(label), name);
    if (!*letter) return NB_OK;
    nb_snprintf(ours, NAME, "%s%zu", letter, number);
    if (*letter != 'W' || t->shape.ndim != 2) return nb_arrays_add_view(to, ours, *t);
    nb_status status = transposed(t, &copy);
    if (!status) status = nb_arrays_add(to, ours, &copy);
    nb_tensor_destroy(&copy);
    return status;
}

/* Modules of three kinds are counted, each by itself. */
nb_status torch_arrays(const nb_arrays *from, const char *label, nb_arrays *to)
{
    size_t numbers[3] = {0};
    const char *before = NULL;
    *to = (nb_arrays){0};
    const char **name = nb_alloc(from->count + 1, sizeof *name);
    if (!name) return NB_ENOMEM;
    for (size_t i = 0; i < from->count; i++) name[i] = from->item[i].name;
    qsort((void *)name, from->count, sizeof *name, compare);
    nb_status status = NB_OK;
    for (size_t i = 0; i < from->count && !status; i++) {
        const size_t length = module_length(name[i]);
        const size_t kind = find_part(from, name[i], "center")         ? 0
                            : find_part(from, name[i], "running_mean") ? 1
                                                                       : 2;
        const bool same =
            before && module_length(before) == length && !strncmp(before, name[i], length);
        if (!same) numbers[kind]++;
        before = name[i];
        status = take_array(from, name[i], numbers[kind], to, label);
    }
    for (size_t i = 0; i < from->texts && !status; i++)
        if (strcmp(from->text[i].key, "torch") != 0)
            status = nb_arrays_set_text(to, from->text[i].key, from->text[i].value);
    nb_free((void *)name);
    if (status) nb_arrays_destroy(to);
    return status;
}
