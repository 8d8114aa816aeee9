/* Keras's names and layouts: a keras.Sequential, of Keras 3 or tf.keras 2, whose layers have the names that
 * Keras itself would give them: dense, dense_1, ..., conv2d.
 *
 * An image is (H, W, C) there. W (FN, C, FH, FW) of filters is their kernel (FH, FW, C, FN). What was
 * made flat has the order of (H, W, C), so the rows of the next dense kernel change places, and so do
 * the numbers of a batch norm or a standardisation of columns. */
#include "export_layout.h"

#include <string.h>

enum { NAME = 128 };

static nb_shape channels_last(nb_shape shape)
{
    if (shape.ndim < 2) return shape;
    const size_t channels = shape.dim[0];
    memmove(shape.dim, shape.dim + 1, (shape.ndim - 1) * sizeof *shape.dim);
    shape.dim[shape.ndim - 1] = channels;
    return shape;
}

static void turn_array(const place *p, letter which, turn *t)
{
    const size_t *d = t->shape.dim, channels = p->image.dim[0];
    const bool by_channel =
        p->layer->kind == NB_LAYER_BATCH_NORM && !p->layer->book && p->in.ndim > 1;
    if (which == LETTER_B || by_channel) return;
    if (p->layer->kind == NB_LAYER_CONVOLUTION) {
        *t = (turn){{d[0], d[1], d[2] * d[3]}, {2, 1, 0}, NB_SHAPE(d[2], d[3], d[1], d[0])};
    } else if (p->image.ndim) {
        const size_t units = which == LETTER_W ? d[1] : 1,
                     pixels = shape_count(&p->image) / channels;
        t->axis[0] = channels, t->axis[1] = pixels, t->axis[2] = units;
        t->order[0] = 1, t->order[1] = 0;
        if (which == LETTER_CENTER || which == LETTER_DEVIATION) t->shape = channels_last(t->shape);
    }
}

/* --- the layers ------------------------------------------------------------------------------- */

static void put(writer *w, const char *format, ...) NB_PRINTF(2, 3);
static void put(writer *w, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    nb_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(w->python, "    %s,\n", text);
}

/* The name that Keras gives the layer of that number in its class. */
static const char *named(const char *class, size_t number, char name[NAME])
{
    if (number > 1)
        nb_snprintf(name, NAME, "%s_%zu", class, number - 1);
    else
        nb_snprintf(name, NAME, "%s", class);
    return name;
}

/* Where no dense layer is to come, the order of the outputs stays ours. */
static void put_flatten(writer *w)
{
    const nb_shape *in = &w->at.in;
    if (in->ndim < 2) return;
    if (w->at.layer->kind == NB_LAYER_FLATTEN && !place_feeds_dense(&w->at) && in->dim[0] > 1 &&
        shape_count(in) > in->dim[0]) {
        fprintf(w->python, "    layers.Permute((%zu", in->ndim);
        for (size_t d = 1; d < in->ndim; d++) fprintf(w->python, ", %zu", d);
        fputs(")),\n", w->python);
    }
    put(w, "layers.Flatten()");
}

static void put_dense(writer *w)
{
    char name[NAME];
    put_flatten(w);
    named("dense", w->at.weights - w->at.convolutions, name);
    put(w, "layers.Dense(%zu%s, name=\"%s\")", w->at.layer->units,
        w->at.layer->bias ? "" : ", use_bias=False", name);
    put_arrays(w, name);
}

static void put_batch_norm(writer *w)
{
    const bool book = w->at.layer->book, flat = book && w->at.in.ndim > 1;
    const nb_batch_norm_options *o = book ? &nb_batch_norm_book : &nb_batch_norm_channels;
    char name[NAME], text[NAME], epsilon[32], momentum[32];
    named("batch_normalization", w->at.norms, name);
    if (flat) put(w, "layers.Flatten()");
    put(w, "layers.BatchNormalization(epsilon=%s, momentum=%s, name=\"%s\")",
        nb_number_text(o->epsilon, epsilon), nb_number_text(o->momentum, momentum), name);
    if (flat)
        put(w, "layers.Reshape(%s)", nb_shape_text(channels_last(w->at.in), text, sizeof text));
    put_arrays(w, name);
}

static void put_standardize(writer *w)
{
    char name[NAME];
    put(w, "Standardize(name=\"%s\")", named("standardize", w->at.standards, name));
    put_arrays(w, name);
}

/* LeakyReLU takes no slope below 0. */
static bool leans_back(const nb_layer *l)
{
    return l->kind == NB_LAYER_ACTIVATION && l->activation == NB_LEAKY_RELU && l->value < 0;
}

static void put_activation(writer *w)
{
    static const char *const names[NB_ACTIVATIONS] = {"sigmoid", "relu",     "tanh", "",      "",
                                                      "gelu",    "softplus", "",     "linear"};
    const nb_layer *l = w->at.layer;
    char value[32];
    nb_number_text(l->value, value);
    if (l->activation == NB_LEAKY_RELU)
        put(w, "%s(%s)", leans_back(l) ? "Leaky" : "layers.LeakyReLU", value);
    else if (l->activation == NB_ELU)
        put(w, "layers.ELU(%s)", value);
    else if (l->activation == NB_STEP)
        put(w, "Step()");
    else
        put(w, "layers.Activation(\"%s\")", names[l->activation]);
}

static void put_window(writer *w)
{
    const nb_layer *l = w->at.layer;
    const nb_window *v = &w->at.window;
    char name[NAME];
    if (v->pad_y || v->pad_x) put(w, "layers.ZeroPadding2D((%zu, %zu))", v->pad_y, v->pad_x);
    if (l->kind == NB_LAYER_CONVOLUTION) {
        named("conv2d", w->at.convolutions, name);
        put(w, "layers.Conv2D(%zu, (%zu, %zu), strides=(%zu, %zu), name=\"%s\")", l->filters,
            v->rows, v->columns, v->stride_y, v->stride_x, name);
        put_arrays(w, name);
        return;
    }
    put(w, "layers.%s((%zu, %zu), strides=(%zu, %zu))",
        l->kind == NB_LAYER_MAX_POOL ? "MaxPooling2D" : "AveragePooling2D", v->rows, v->columns,
        v->stride_y, v->stride_x);
}

static void put_dropout(writer *w)
{
    char value[32];
    put(w, "%s(%s)", w->at.layer->book ? "BookDropout" : "layers.Dropout",
        nb_number_text(w->at.layer->value, value));
}

/* --- what is around them ---------------------------------------------------------------------- */

/* The layers that Keras does not have. Its Normalization has the variance, and limits it from below. */
static void put_classes(FILE *to, const nb_layers *list)
{
    bool steps = false, leaks = false, drops = false, standards = false;
    for (size_t i = 0; i < list->count; i++) {
        const nb_layer *l = &list->layer[i];
        steps |= l->kind == NB_LAYER_ACTIVATION && l->activation == NB_STEP;
        leaks |= leans_back(l);
        drops |= l->kind == NB_LAYER_DROPOUT && l->book;
        standards |= l->kind == NB_LAYER_STANDARDIZE;
    }
    if (steps || leaks)
        fputs("# Of Keras 3, or 2.\nops = keras.ops if hasattr(keras, \"ops\") else "
              "keras.backend\n\n\n",
              to);
    if (steps)
        fputs("class Step(layers.Layer):\n    def call(self, x):\n"
              "        return ops.cast(x > 0, x.dtype)\n\n\n",
              to);
    if (leaks)
        fputs("class Leaky(layers.Layer):\n    \"\"\"LeakyReLU with a slope below 0.\"\"\"\n\n"
              "    def __init__(self, slope, **rest):\n        super().__init__(**rest)\n"
              "        self.slope = slope\n\n    def call(self, x):\n"
              "        return ops.maximum(x, 0.0) + self.slope * ops.minimum(x, 0.0)\n\n\n",
              to);
    if (drops)
        fputs("class BookDropout(layers.Dropout):\n"
              "    \"\"\"Not inverted: predicts with x (1 - rate).\"\"\"\n\n"
              "    def call(self, x, training=False):\n"
              "        return super().call(x, training=training) * (1 - self.rate)\n\n\n",
              to);
    if (standards)
        fputs("class Standardize(layers.Layer):\n    def build(self, input_shape):\n"
              "        shape = tuple(input_shape[1:])\n"
              "        self.center = self.add_weight(name=\"center\", shape=shape, "
              "initializer=\"zeros\",\n"
              "                                      trainable=False)\n"
              "        self.deviation = self.add_weight(name=\"deviation\", shape=shape, "
              "initializer=\"ones\",\n"
              "                                         trainable=False)\n\n"
              "    def call(self, x):\n        return (x - self.center) / self.deviation\n\n\n",
              to);
}

static void put_use(FILE *to)
{
    fputs("\n\ndef variables(model):\n"
          "    \"\"\"By name, as dense/kernel: Keras 3 calls it kernel, Keras 2 "
          "dense/kernel:0.\"\"\"\n"
          "    return {layer.name + \"/\" + v.name.split(\"/\")[-1].split(\":\")[0]: v\n"
          "            for layer in model.layers for v in layer.weights}\n\n\n"
          "# Its weights; arrays = numpy.load(FILE), or safetensors.numpy.load_file(FILE):\n"
          "#     for name, v in variables(model).items(): v.assign(arrays[name])\n"
          "# Back to nablas, with export FILE.npz --like MODEL:\n"
          "#     numpy.savez(FILE, **{name: v.numpy() for name, v in variables(model).items()})\n",
          to);
}

static void put_inputs(writer *w, const nb_model_options *o)
{
    char text[NAME], scale[32];
    if (o->input.ndim > 1)
        fputs("# Samples have their channels last: numpy.moveaxis(x, 1, -1), if x is nablas's.\n",
              w->python);
    if (o->loss == NB_CROSS_ENTROPY || o->loss == NB_BINARY_CROSS_ENTROPY)
        fprintf(w->python, "# It gives probabilities, as the loss \"%s\" takes them.\n",
                o->loss == NB_CROSS_ENTROPY ? "sparse_categorical_crossentropy"
                                            : "binary_crossentropy");
    fprintf(w->python, "model = keras.Sequential([\n    keras.Input(shape=%s),\n",
            nb_shape_text(channels_last(o->input), text, sizeof text));
    if (o->scale != 1) put(w, "layers.Rescaling(1 / %s)", nb_number_text(o->scale, scale));
}

static void put_python(writer *w, const nb_model_options *o)
{
    fputs("import keras  # 3; or 2 of TensorFlow: from tensorflow import keras\n\n"
          "layers = keras.layers\n",
          w->python);
    if (o->dtype == NB_FLOAT64) fputs("keras.backend.set_floatx(\"float64\")\n", w->python);
    fputs("\n\n", w->python);
    put_classes(w->python, &o->layers);
    put_inputs(w, o);
    walk_layers(w, o);
    if (o->loss == NB_CROSS_ENTROPY) put(w, "layers.Activation(\"softmax\")");
    if (o->loss == NB_BINARY_CROSS_ENTROPY) put(w, "layers.Activation(\"sigmoid\")");
    fputs("])\n", w->python);
    put_use(w->python);
}

const layout layout_keras = {.name = "Keras",
                             .key = "keras",
                             .separator = '/',
                             .part = {"kernel", "bias", "gamma", "beta", "moving_mean",
                                      "moving_variance", "center", "deviation"},
                             .ignored = "seed_generator_state",
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
