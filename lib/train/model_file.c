#include "nablas/model_file.h"
#include "nablas/arrays.h"
#include "nablas/memory.h"
#include "nn/layers.h"
#include "train/description.h"

#include <stdio.h>
#include <string.h>

static bool is_weight(const nb_node *node)
{
    return nb_node_role(node) == NB_PARAMETER || nb_node_role(node) == NB_STATE;
}

/* --- out -------------------------------------------------------------------------------------- */

/* Save parameters and state, as views, or ask whether they could be saved. */
static nb_status hand_over(const nb_model *m, const char *who, const char *path,
                           nb_status (*save)(const nb_arrays *arrays, const char *path))
{
    nb_arrays arrays = {0};
    char *text = NULL;
    if (!m || !path) return nb_fail(NB_EINVAL, "%s: %s is NULL", who, m ? "path" : "model");
    nb_status status = nb_description_write(m, &text);
    if (!status) status = nb_arrays_set_text(&arrays, NB_DESCRIPTION_KEY, text);
    for (size_t i = 0; !status && i < m->texts.texts; i++)
        status = nb_arrays_set_text(&arrays, m->texts.text[i].key, m->texts.text[i].value);
    for (size_t i = 0; i < nb_graph_nodes(m->graph) && !status; i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        if (is_weight(node))
            status = nb_arrays_add_view(&arrays, nb_node_name(node), *nb_value(node));
    }
    if (!status) status = save(&arrays, path);
    nb_arrays_destroy(&arrays);
    nb_free(text);
    return status;
}

nb_status nb_model_save(const nb_model *m, const char *path)
{
    return hand_over(m, "nb_model_save", path, nb_arrays_save);
}

nb_status nb_model_can_save(const nb_model *m, const char *path)
{
    return hand_over(m, "nb_model_can_save", path, nb_arrays_can_save);
}

/* --- in --------------------------------------------------------------------------------------- */

#define CLASS_WEIGHTS "class_weights" /* a state's name */

/* What messages say: who reads which file. */
typedef struct origin {
    const char *caller, *path;
} origin;

static nb_status check_array(const origin *from, const char *name, const nb_tensor *array,
                             const nb_tensor *weight)
{
    char got[96], want[96];
    nb_shape_text(weight->shape, want, sizeof want);
    if (!array)
        return nb_fail(NB_ESHAPE, "%s: %s: no %s, the model has one of %s", from->caller,
                       from->path, name, want);
    if (!nb_shape_equal(array->shape, weight->shape))
        return nb_fail(NB_ESHAPE, "%s: %s: %s is %s, the model's is %s", from->caller, from->path,
                       name, nb_shape_text(array->shape, got, sizeof got), want);
    if (array->dtype != NB_FLOAT32 && array->dtype != NB_FLOAT64)
        return nb_fail(NB_EDTYPE, "%s: %s: %s is %s, expected float32 or float64", from->caller,
                       from->path, name, nb_dtype_name(array->dtype));
    return NB_OK;
}

/* `weighted`: class weights may be missing, as the model was made with the description's. */
static nb_status check_all(const origin *from, const nb_model *m, const nb_arrays *arrays,
                           bool weighted)
{
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        const char *name = nb_node_name(node);
        const nb_tensor *array = nb_arrays_find(arrays, name);
        if (!is_weight(node) || (weighted && !array && !strcmp(name, CLASS_WEIGHTS))) continue;
        nb_status status = check_array(from, name, array, nb_value(node));
        if (status) return status;
    }
    for (size_t i = 0; i < arrays->count; i++)
        if (!is_weight(nb_graph_find(m->graph, arrays->item[i].name)))
            return nb_fail(NB_ESHAPE, "%s: %s: the model has no '%.80s'", from->caller, from->path,
                           arrays->item[i].name);
    return NB_OK;
}

/* All weights or none. */
static nb_status assign(const origin *from, nb_model *m, const nb_arrays *arrays, bool weighted)
{
    nb_status status = check_all(from, m, arrays, weighted);
    for (size_t i = 0; i < arrays->count && !status; i++)
        status = nb_tensor_convert(&arrays->item[i].tensor,
                                   nb_value(nb_graph_find(m->graph, arrays->item[i].name)));
    return status;
}

static nb_status differs(const origin *from, const char *what)
{
    return nb_fail(NB_EINVAL, "%s: %s: the file describes another model: %s", from->caller,
                   from->path, what);
}

nb_status nb_model_load(nb_model *m, const char *path)
{
    const origin from = {"nb_model_load", path};
    nb_arrays arrays;
    nb_description d = {0};
    char what[256];
    if (!m || !path) return nb_fail(NB_EINVAL, "nb_model_load: %s is NULL", m ? "path" : "model");
    nb_status status = nb_arrays_load(&arrays, path);
    if (status) return status;
    const char *text = nb_arrays_text(&arrays, NB_DESCRIPTION_KEY);
    if (text) status = nb_description_read(&d, text, path);
    if (!status && text && !nb_description_same(&d.options, &m->options, what, sizeof what))
        status = differs(&from, what);
    if (!status) status = assign(&from, m, &arrays, false);
    nb_description_free(&d);
    nb_arrays_destroy(&arrays);
    return status;
}

/* --- making the model ------------------------------------------------------------------------- */

/* Of a described model: what the caller chooses, and what they know better. */
static nb_status settle(const origin *from, nb_description *d, const nb_model_options *given)
{
    char what[256];
    if (!given) return NB_OK;
    if (given->layers.count && !nb_description_same(&d->options, given, what, sizeof what))
        return differs(from, what);
    d->options.dtype = given->dtype;
    d->options.max_batch = given->max_batch;
    return NB_OK;
}

/* What else is written beside the arrays stays with the model. */
static nb_status take_texts(nb_model *m, const nb_arrays *arrays)
{
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < arrays->texts; i++)
        if (strcmp(arrays->text[i].key, NB_DESCRIPTION_KEY) != 0)
            status = nb_model_set_text(m, arrays->text[i].key, arrays->text[i].value);
    return status;
}

/* The model that the texts or the options describe, with weights of 0. A description that asks for more
 * elements than the arrays have is refused. *weighted: it has class weights. */
static nb_status describe(nb_model **m, const origin *from, const nb_arrays *arrays,
                          const nb_model_options *given, bool *weighted)
{
    nb_description d = {0};
    nb_status status = NB_OK;
    nb_model_bounds bounds = {0};
    for (size_t i = 0; i < arrays->count; i++)
        bounds.elements += nb_tensor_count(&arrays->item[i].tensor);
    const char *text = nb_arrays_text(arrays, NB_DESCRIPTION_KEY);
    if (text) {
        status = nb_description_read(&d, text, from->path);
        if (!status) status = settle(from, &d, given);
    } else if (given && given->layers.count) {
        d.options = *given;
        d.options.random = NULL;
    } else {
        status = nb_fail(NB_EFORMAT, "%s: %s: weights without a description (%s): say the layers",
                         from->caller, from->path, NB_DESCRIPTION_KEY);
    }
    bounds.classes = d.classes;
    bounds.class_weights = d.class_weights;
    *weighted = d.class_weights > 0;
    if (!nb_arrays_find(arrays, CLASS_WEIGHTS)) bounds.elements += d.class_weights;
    if (!status) status = nb_model_create_within(m, &d.options, &bounds);
    if (!status) status = take_texts(*m, arrays);
    nb_description_free(&d);
    if (!status) return NB_OK;
    nb_model_destroy(*m);
    *m = NULL;
    return status;
}

/* The model that the arrays and the options make together. */
static nb_status make(nb_model **m, const origin *from, const nb_arrays *arrays,
                      const nb_model_options *given)
{
    bool weighted;
    nb_status status = describe(m, from, arrays, given, &weighted);
    if (!status) status = assign(from, *m, arrays, weighted);
    if (!status) return NB_OK;
    nb_model_destroy(*m);
    *m = NULL;
    return status;
}

nb_status nb_model_open(nb_model **m, const char *path, const nb_model_options *options)
{
    nb_arrays arrays;
    if (m) *m = NULL;
    if (!m || !path) return nb_fail(NB_EINVAL, "nb_model_open: %s is NULL", m ? "path" : "model");
    nb_status status = nb_arrays_load(&arrays, path);
    if (!status) status = make(m, &(origin){"nb_model_open", path}, &arrays, options);
    nb_arrays_destroy(&arrays);
    return status;
}

nb_status nb_model_parse(nb_model **m, const void *bytes, size_t size, const char *suffix,
                         const char *label, const nb_model_options *options)
{
    nb_arrays arrays;
    if (m) *m = NULL;
    if (!m || !label)
        return nb_fail(NB_EINVAL, "nb_model_parse: %s is NULL", m ? "label" : "model");
    nb_status status = nb_arrays_parse(bytes, size, suffix, label, &arrays);
    if (!status) status = make(m, &(origin){"nb_model_parse", label}, &arrays, options);
    nb_arrays_destroy(&arrays);
    return status;
}

static nb_status check_given(const char *who, nb_model **m, const nb_arrays *arrays,
                             const char *label)
{
    if (m) *m = NULL;
    if (m && arrays && label) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s is NULL", who, !m ? "model" : (arrays ? "label" : "arrays"));
}

nb_status nb_model_from_arrays(nb_model **m, const nb_arrays *arrays, const char *label,
                               const nb_model_options *options)
{
    const origin from = {"nb_model_from_arrays", label};
    nb_status status = check_given(from.caller, m, arrays, label);
    return status ? status : make(m, &from, arrays, options);
}

nb_status nb_model_described(nb_model **m, const nb_arrays *arrays, const char *label,
                             const nb_model_options *options)
{
    const origin from = {"nb_model_described", label};
    bool weighted;
    nb_status status = check_given(from.caller, m, arrays, label);
    return status ? status : describe(m, &from, arrays, options, &weighted);
}

/* --- weights alone ---------------------------------------------------------------------------- */

/* W1, W2, ...; NULL if there is none of that number. */
static const nb_tensor *weight(const nb_arrays *arrays, size_t number)
{
    char name[32];
    snprintf(name, sizeof name, "W%zu", number);
    return nb_arrays_find(arrays, name);
}

/* Dense layers of the weights' sizes, with an activation between; a block for nb_free. */
static nb_status find_layers(const origin *from, const nb_arrays *arrays, nb_activation activation,
                             nb_model_options *o, nb_layer **layer)
{
    char shape[96];
    size_t count = 0;
    const bool bias = nb_arrays_find(arrays, "b1");
    while (weight(arrays, count + 1)) count++;
    if (count == 0)
        return nb_fail(NB_ESHAPE, "%s: %s: no W1: these are not a network's weights", from->caller,
                       from->path);
    if (!(*layer = nb_alloc(2 * count, sizeof **layer))) return NB_ENOMEM;
    for (size_t l = 0; l < count; l++) {
        const nb_tensor *W = weight(arrays, l + 1);
        if (W->shape.ndim != 2)
            return nb_fail(NB_ESHAPE, "%s: %s: W%zu is %s, expected a matrix", from->caller,
                           from->path, l + 1, nb_shape_text(W->shape, shape, sizeof shape));
        if (l == 0) o->input = NB_SHAPE(W->shape.dim[0]);
        (*layer)[2 * l] = bias ? nb_dense(W->shape.dim[1]) : nb_dense_without_bias(W->shape.dim[1]);
        (*layer)[2 * l + 1] = nb_act(activation);
    }
    o->layers = (nb_layers){2 * count - 1, *layer};
    return NB_OK;
}

nb_status nb_model_open_perceptron(nb_model **m, const char *path, nb_activation activation,
                                   const nb_model_options *options)
{
    const origin from = {"nb_model_open_perceptron", path};
    nb_model_options o = options ? *options : (nb_model_options){0};
    nb_arrays arrays;
    nb_layer *layer = NULL;
    if (m) *m = NULL;
    if (!m || !path)
        return nb_fail(NB_EINVAL, "nb_model_open_perceptron: %s is NULL", m ? "path" : "model");
    if ((unsigned)activation >= NB_ACTIVATIONS)
        return nb_fail(NB_EINVAL, "nb_model_open_perceptron: activation=%d", (int)activation);
    o.loss = NB_CROSS_ENTROPY;
    nb_status status = nb_arrays_load(&arrays, path);
    if (!status) status = find_layers(&from, &arrays, activation, &o, &layer);
    if (!status) status = make(m, &from, &arrays, &o);
    nb_free(layer);
    nb_arrays_destroy(&arrays);
    return status;
}
