/* PyTorch's names and layouts: an nn.Sequential whose modules are called by their number.
 *
 * "0.weight" (m,k) of a Linear is our W1 (k,m); filters are as they are; a batch norm's gamma, beta, mean and
 * variance are weight, bias, running_mean and running_var. */
#include "export_layout.h"

#include <string.h>

enum { NAME = 128 };

static void turn_array(const place *p, letter which, turn *t)
{
    if (p->layer->kind != NB_LAYER_DENSE || which != LETTER_W) return;
    const size_t k = t->shape.dim[0], m = t->shape.dim[1];
    *t = (turn){{1, k, m}, {0, 2, 1}, NB_SHAPE(m, k)};
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

/* The arrays of this layer belong to the module that was written last. */
static void put_numbers(writer *w)
{
    char number[32];
    nb_snprintf(number, sizeof number, "%zu", w->modules - 1);
    put_arrays(w, number);
}

static void put_flatten(writer *w)
{
    if (w->at.in.ndim > 1) put_module(w, "nn.Flatten()");
}

static void put_dense(writer *w)
{
    const nb_layer *l = w->at.layer;
    put_flatten(w);
    put_module(w, "nn.Linear(%zu, %zu%s)", shape_count(&w->at.in), l->units,
               l->bias ? "" : ", bias=False");
    put_numbers(w);
}

/* By column, or of more dimensions than PyTorch has a batch norm for: as rows. */
static void put_batch_norm(writer *w)
{
    const nb_layer *l = w->at.layer;
    const nb_shape shape = w->at.in;
    char text[NAME];
    if (!l->book && shape.ndim <= 4) {
        const size_t d = shape.ndim < 3 ? 1 : shape.ndim - 1;
        put_module(w, "nn.BatchNorm%zud(%zu)", d, shape.dim[0]);
        put_numbers(w);
        return;
    }
    const size_t first = l->book ? 0 : 1;
    nb_shape rest = shape;
    rest.ndim -= first;
    memmove(rest.dim, shape.dim + first, rest.ndim * sizeof *rest.dim);
    if (rest.ndim > 1) put_module(w, "nn.Flatten(%zu)", first + 1);
    put_module(w, "nn.BatchNorm1d(%zu%s)", l->book ? shape_count(&shape) : shape.dim[0],
               l->book ? ", eps=1e-6" : "");
    put_numbers(w);
    if (rest.ndim > 1)
        put_module(w, "nn.Unflatten(%zu, %s)", first + 1, nb_shape_text(rest, text, NAME));
}

static void put_standardize(writer *w)
{
    char text[NAME];
    put_module(w, "Standardize(%s)", nb_shape_text(w->at.in, text, NAME));
    put_numbers(w);
}

static void put_activation(writer *w)
{
    const nb_layer *l = w->at.layer;
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
static void put_window(writer *w)
{
    const nb_layer *l = w->at.layer;
    const nb_window *v = &w->at.window;
    if (l->kind == NB_LAYER_CONVOLUTION) {
        put_module(w, "nn.Conv2d(%zu, %zu, (%zu, %zu), stride=(%zu, %zu), padding=(%zu, %zu))",
                   v->channels, l->filters, v->rows, v->columns, v->stride_y, v->stride_x, v->pad_y,
                   v->pad_x);
        put_numbers(w);
        return;
    }
    if (v->pad_y || v->pad_x)
        put_module(w, "nn.ZeroPad2d((%zu, %zu, %zu, %zu))", v->pad_x, v->pad_x, v->pad_y, v->pad_y);
    put_module(w, "nn.%s((%zu, %zu), stride=(%zu, %zu))",
               l->kind == NB_LAYER_MAX_POOL ? "MaxPool2d" : "AvgPool2d", v->rows, v->columns,
               v->stride_y, v->stride_x);
}

static void put_dropout(writer *w)
{
    char value[32];
    put_module(w, "%s(%s)", w->at.layer->book ? "BookDropout" : "nn.Dropout",
               nb_number_text(w->at.layer->value, value));
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
    walk_layers(w, o);
    fputs(")\n", w->python);
}

const layout layout_torch = {.name = "PyTorch",
                             .key = "torch",
                             .separator = '.',
                             .part = {"weight", "bias", "weight", "bias", "running_mean",
                                      "running_var", "center", "deviation"},
                             .ignored = "num_batches_tracked",
                             .turn = turn_array,
                             .put = {[NB_LAYER_DENSE] = put_dense,
                                     [NB_LAYER_ACTIVATION] = put_activation,
                                     [NB_LAYER_STANDARDIZE] = put_standardize,
                                     [NB_LAYER_BATCH_NORM] = put_batch_norm,
                                     [NB_LAYER_DROPOUT] = put_dropout,
                                     [NB_LAYER_FLATTEN] = put_flatten,
                                     [NB_LAYER_CONVOLUTION] = put_window,
                                     [NB_LAYER_MAX_POOL] = put_window,
                                     [NB_LAYER_AVERAGE_POOL] = put_window},
                             .python = put_python};
