#include "train/description.h"
#include "nablas/memory.h"
#include "nablas/text.h"

#include <jansson.h>
#include <stddef.h>
#include <string.h>

enum { format = 1, most_layers = 10000 };

static const char *const kinds[NB_LAYER_KINDS] = {"dense",       "",         "standardize",
                                                  "batch_norm",  "dropout",  "flatten",
                                                  "convolution", "max_pool", "average_pool"};

/* Where a layer keeps its sizes, and by which names a file does. */
static const struct {
    const char *name;
    size_t at;
} window_sizes[] = {{"filters", offsetof(nb_layer, filters)},
                    {"rows", offsetof(nb_layer, window.rows)},
                    {"columns", offsetof(nb_layer, window.columns)},
                    {"stride_y", offsetof(nb_layer, window.stride_y)},
                    {"stride_x", offsetof(nb_layer, window.stride_x)},
                    {"pad_y", offsetof(nb_layer, window.pad_y)},
                    {"pad_x", offsetof(nb_layer, window.pad_x)}};

static bool has_window(const nb_layer *l)
{
    return l->kind >= NB_LAYER_CONVOLUTION;
}

/* --- out -------------------------------------------------------------------------------------- */

static json_t *window_json(const nb_layer *l)
{
    json_t *object = json_pack("{s:s}", "type", kinds[l->kind]);
    for (size_t i = 0; object && i < sizeof window_sizes / sizeof *window_sizes; i++) {
        const size_t size = *(const size_t *)(const void *)((const char *)l + window_sizes[i].at);
        if (!json_object_set_new(object, window_sizes[i].name, json_integer((json_int_t)size)))
            continue;
        json_decref(object);
        object = NULL;
    }
    return object;
}

static json_t *layer_json(const nb_layer *l)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        return json_pack("{s:s, s:I, s:b}", "type", "dense", "units", (json_int_t)l->units, "bias",
                         (int)l->bias);
    case NB_LAYER_ACTIVATION:
        return json_pack("{s:s, s:f}", "type", nb_activation_name(l->activation), "value",
                         l->value);
    default:
        if (has_window(l)) return window_json(l);
        return json_pack("{s:s, s:f, s:b}", "type", kinds[l->kind], "value", l->value, "book",
                         (int)l->book);
    }
}

static bool append(json_t *array, json_t *item)
{
    return json_array_append_new(array, item) == 0;
}

static json_t *model_json(const nb_model *m)
{
    const nb_model_options *o = &m->options;
    json_t *input = json_array(), *layers = json_array(), *classes = json_array(),
           *weights = json_array();
    const nb_tensor *w = nb_value(nb_graph_find(m->graph, "class_weights"));
    bool fine = input && layers && classes && weights;
    for (size_t i = 0; fine && i < o->input.ndim; i++)
        fine = append(input, json_integer((json_int_t)o->input.dim[i]));
    for (size_t i = 0; fine && i < o->layers.count; i++)
        fine = append(layers, layer_json(&o->layers.layer[i]));
    for (size_t i = 0; fine && o->classes && i < m->outputs; i++)
        fine = append(classes, json_string(o->classes[i]));
    for (size_t i = 0; fine && w && i < m->outputs; i++)
        fine = append(weights, json_real(nb_kernels_of(w->dtype)->get(w->data, i)));
    json_t *root = fine ? json_pack("{s:i, s:O, s:f, s:s, s:f, s:f, s:O, s:O, s:O}", "format",
                                    format, "input", input, "scale", o->scale, "loss",
                                    nb_loss_name(o->loss), "epsilon", o->epsilon, "delta", o->delta,
                                    "layers", layers, "classes", classes, "class_weights", weights)
                        : NULL;
    json_decref(input);
    json_decref(layers);
    json_decref(classes);
    json_decref(weights);
    return root;
}

/* JSON is UTF-8. */
static nb_status check_names(const nb_model *m)
{
    for (size_t i = 0; m->options.classes && i < m->outputs; i++) {
        json_t *name = json_string(m->options.classes[i]);
        json_decref(name);
        if (!name)
            return nb_fail(NB_EINVAL, "nb_model_save: the name of class %zu, '%.80s', is not UTF-8",
                           i, m->options.classes[i]);
    }
    return NB_OK;
}

nb_status nb_description_write(const nb_model *m, char **text)
{
    *text = NULL;
    nb_status status = check_names(m);
    if (status) return status;
    json_t *root = model_json(m);
    const size_t flags = JSON_COMPACT, size = root ? json_dumpb(root, NULL, 0, flags) : 0;
    char *buffer = size ? nb_alloc(size + 1, 1) : NULL;
    if (buffer && json_dumpb(root, buffer, size, flags) == size) {
        buffer[size] = 0;
        *text = buffer;
    } else {
        nb_free(buffer);
    }
    json_decref(root);
    return *text ? NB_OK : nb_fail(NB_ENOMEM, "nb_model_save: no memory for the description");
}

/* --- in --------------------------------------------------------------------------------------- */

static nb_status bad(const char *label, const char *what)
{
    return nb_fail(NB_EFORMAT, "%s: the description (%s) has no valid %s", label,
                   NB_DESCRIPTION_KEY, what);
}

static bool read_size(const json_t *value, size_t *to)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1) return false;
    *to = (size_t)json_integer_value(value);
    return true;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : 0;
}

static bool read_window(const json_t *object, nb_layer *l)
{
    for (size_t i = 0; i < sizeof window_sizes / sizeof *window_sizes; i++) {
        const json_t *value = json_object_get(object, window_sizes[i].name);
        if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
        *(size_t *)(void *)((char *)l + window_sizes[i].at) = (size_t)json_integer_value(value);
    }
    return true;
}

static bool read_layer(const json_t *object, nb_layer *l)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    *l = (nb_layer){.value = number(object, "value"),
                    .book = json_is_true(json_object_get(object, "book"))};
    for (size_t k = 0; type && *type && k < NB_LAYER_KINDS; k++) {
        if (strcmp(type, kinds[k]) != 0) continue;
        l->kind = (nb_layer_kind)k;
        l->bias = json_is_true(json_object_get(object, "bias"));
        if (has_window(l)) return read_window(object, l);
        return k != NB_LAYER_DENSE || read_size(json_object_get(object, "units"), &l->units);
    }
    for (size_t a = 0; type && a < NB_ACTIVATIONS; a++)
        if (strcmp(type, nb_activation_name((nb_activation)a)) == 0) {
            l->kind = NB_LAYER_ACTIVATION;
            l->activation = (nb_activation)a;
            return true;
        }
    return false;
}

static nb_status read_layers(nb_description *d, const json_t *root, const char *label)
{
    const json_t *layers = json_object_get(root, "layers");
    const size_t count = json_array_size(layers);
    if (count == 0 || count > most_layers) return bad(label, "list of layers");
    nb_layer *layer = d->memory[0] = nb_alloc(count, sizeof *layer);
    if (!layer) return NB_ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (!read_layer(json_array_get(layers, i), &layer[i]))
            return nb_fail(NB_EFORMAT, "%s: the description (%s): layer %zu is none that is known",
                           label, NB_DESCRIPTION_KEY, i);
    d->options.layers = (nb_layers){count, layer};
    return NB_OK;
}

static nb_status read_classes(nb_description *d, const json_t *root, const char *label)
{
    const json_t *classes = json_object_get(root, "classes");
    const size_t count = json_array_size(classes);
    size_t bytes = count * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(classes, i);
        if (!json_is_string(name)) return bad(label, "list of classes");
        bytes += json_string_length(name) + 1;
    }
    if (count == 0) return NB_OK;
    char **names = d->memory[1] = nb_alloc(bytes, 1);
    if (!names) return NB_ENOMEM;
    char *text = (char *)(names + count);
    for (size_t i = 0; i < count; i++) {
        names[i] = strcpy(text, json_string_value(json_array_get(classes, i)));
        text += strlen(text) + 1;
    }
    d->classes = count;
    d->options.classes = (const char *const *)names;
    return NB_OK;
}

static nb_status read_class_weights(nb_description *d, const json_t *root, const char *label)
{
    const json_t *weights = json_object_get(root, "class_weights");
    const size_t count = json_array_size(weights);
    if (count == 0) return NB_OK;
    double *weight = d->memory[2] = nb_alloc(count, sizeof *weight);
    if (!weight) return NB_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!json_is_number(json_array_get(weights, i))) return bad(label, "list of class weights");
        weight[i] = json_number_value(json_array_get(weights, i));
    }
    d->class_weights = count;
    d->options.class_weights = weight;
    return NB_OK;
}

static nb_status read_rest(nb_description *d, const json_t *root, const char *label)
{
    nb_model_options *o = &d->options;
    const json_t *input = json_object_get(root, "input");
    const char *loss = json_string_value(json_object_get(root, "loss"));
    if (json_integer_value(json_object_get(root, "format")) != format)
        return nb_fail(NB_EFORMAT, "%s: the description (%s) is of format %lld, expected %d", label,
                       NB_DESCRIPTION_KEY,
                       (long long)json_integer_value(json_object_get(root, "format")), format);
    o->input.ndim = json_array_size(input);
    if (o->input.ndim == 0 || o->input.ndim >= NB_MAX_DIMS) return bad(label, "input");
    for (size_t i = 0; i < o->input.ndim; i++)
        if (!read_size(json_array_get(input, i), &o->input.dim[i])) return bad(label, "input");
    while (o->loss < NB_LOSSES && (!loss || strcmp(loss, nb_loss_name(o->loss)) != 0)) o->loss++;
    if (o->loss == NB_LOSSES) return bad(label, "loss");
    o->scale = number(root, "scale");
    o->epsilon = number(root, "epsilon");
    o->delta = number(root, "delta");
    return NB_OK;
}

nb_status nb_description_read(nb_description *d, const char *text, const char *label)
{
    json_error_t error;
    *d = (nb_description){0};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return nb_fail(NB_EFORMAT, "%s: the description (%s) is not JSON: %s", label,
                       NB_DESCRIPTION_KEY, error.text);
    nb_status status = read_rest(d, root, label);
    if (!status) status = read_layers(d, root, label);
    if (!status) status = read_classes(d, root, label);
    if (!status) status = read_class_weights(d, root, label);
    json_decref(root);
    if (status) nb_description_free(d);
    return status;
}

void nb_description_free(nb_description *d)
{
    nb_free(d->memory[0]);
    nb_free(d->memory[1]);
    nb_free(d->memory[2]);
    *d = (nb_description){0};
}

static const char *layer_text(const nb_layer *l, char *text, size_t size)
{
    if (l->kind == NB_LAYER_DENSE)
        nb_snprintf(text, size, "dense %zu%s", l->units, l->bias ? "" : " without bias");
    else if (l->kind == NB_LAYER_ACTIVATION && l->value == 0)
        nb_snprintf(text, size, "%s", nb_activation_name(l->activation));
    else if (l->kind == NB_LAYER_ACTIVATION)
        nb_snprintf(text, size, "%s %g", nb_activation_name(l->activation), l->value);
    else if (has_window(l))
        nb_snprintf(text, size, "%s of %zu x %zu (%zu), stride %zu x %zu, pad %zu x %zu",
                    kinds[l->kind], l->window.rows, l->window.columns, l->filters,
                    l->window.stride_y, l->window.stride_x, l->window.pad_y, l->window.pad_x);
    else
        nb_snprintf(text, size, "%s %g%s", kinds[l->kind], l->value, l->book ? ", the book's" : "");
    return text;
}

static bool same_layer(const nb_layer *a, const nb_layer *b)
{
    return a->kind == b->kind && a->units == b->units && a->bias == b->bias &&
           a->activation == b->activation && a->value == b->value && a->book == b->book &&
           a->filters == b->filters && memcmp(&a->window, &b->window, sizeof a->window) == 0;
}

bool nb_description_same(const nb_model_options *a, const nb_model_options *b, char *what,
                         size_t size)
{
    char x[96], y[96];
    *what = 0;
    if (!nb_shape_equal(a->input, b->input))
        nb_snprintf(what, size, "inputs %s, not %s", nb_shape_text(a->input, x, sizeof x),
                    nb_shape_text(b->input, y, sizeof y));
    else if (a->loss != b->loss)
        nb_snprintf(what, size, "the loss %s, not %s", nb_loss_name(a->loss),
                    nb_loss_name(b->loss));
    else if (a->layers.count != b->layers.count)
        nb_snprintf(what, size, "%zu layers, not %zu", a->layers.count, b->layers.count);
    for (size_t i = 0; i < a->layers.count && !*what; i++)
        if (!same_layer(&a->layers.layer[i], &b->layers.layer[i]))
            nb_snprintf(what, size, "layer %zu: %s, not %s", i + 1,
                        layer_text(&a->layers.layer[i], x, sizeof x),
                        layer_text(&b->layers.layer[i], y, sizeof y));
    return !*what;
}
