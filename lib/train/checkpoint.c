#include "nablas/checkpoint.h"
#include "nablas/arrays.h"
#include "nablas/memory.h"

#include <stdio.h>

/* --- out -------------------------------------------------------------------------------------- */

/* Save the parameters, as views, or ask whether they could be saved. */
static nb_status hand_over(const nb_model *model, const char *path,
                           nb_status (*save)(const nb_arrays *arrays, const char *path))
{
    nb_arrays arrays = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < nb_graph_nodes(model->graph) && !status; i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        if (nb_node_is_parameter(node))
            status = nb_arrays_add_view(&arrays, nb_node_name(node), *nb_value(node));
    }
    if (!status) status = save(&arrays, path);
    nb_arrays_destroy(&arrays);
    return status;
}

nb_status nb_model_save(const nb_model *model, const char *path)
{
    return hand_over(model, path, nb_arrays_save);
}

nb_status nb_model_can_save(const nb_model *model, const char *path)
{
    return hand_over(model, path, nb_arrays_can_save);
}

/* --- in --------------------------------------------------------------------------------------- */

/* What messages say: who reads which file. */
typedef struct source {
    const char *caller, *path;
} source;

static nb_status check_array(const source *from, const char *name, const nb_tensor *array,
                             const nb_tensor *parameter)
{
    char got[96], want[96];
    nb_shape_text(parameter->shape, want, sizeof want);
    if (!array)
        return nb_fail(NB_ESHAPE, "%s: %s: no %s, the network has one of %s", from->caller,
                       from->path, name, want);
    if (!nb_shape_equal(array->shape, parameter->shape))
        return nb_fail(NB_ESHAPE, "%s: %s: %s is %s, the network's is %s", from->caller, from->path,
                       name, nb_shape_text(array->shape, got, sizeof got), want);
    if (array->dtype != NB_FLOAT32 && array->dtype != NB_FLOAT64)
        return nb_fail(NB_EDTYPE, "%s: %s: %s is %s, expected float32 or float64", from->caller,
                       from->path, name, nb_dtype_name(array->dtype));
    return NB_OK;
}

static nb_status check_all(const source *from, const nb_model *model, const nb_arrays *arrays)
{
    for (size_t i = 0; i < nb_graph_nodes(model->graph); i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        const char *name = nb_node_name(node);
        if (!nb_node_is_parameter(node)) continue;
        nb_status status = check_array(from, name, nb_arrays_find(arrays, name), nb_value(node));
        if (status) return status;
    }
    for (size_t i = 0; i < arrays->count; i++)
        if (!nb_model_parameter(model, arrays->item[i].name))
            return nb_fail(NB_ESHAPE, "%s: %s: the network has no '%.80s'", from->caller,
                           from->path, arrays->item[i].name);
    return NB_OK;
}

/* All parameters or none. */
static nb_status assign(const source *from, nb_model *model, const nb_arrays *arrays)
{
    nb_status status = check_all(from, model, arrays);
    for (size_t i = 0; i < arrays->count && !status; i++)
        status = nb_tensor_convert(&arrays->item[i].tensor,
                                   nb_value(nb_model_parameter(model, arrays->item[i].name)));
    return status;
}

nb_status nb_model_load(nb_model *model, const char *path)
{
    nb_arrays arrays;
    nb_status status = nb_arrays_load(&arrays, path);
    if (!status) status = assign(&(source){"nb_model_load", path}, model, &arrays);
    nb_arrays_destroy(&arrays);
    return status;
}

/* W1, W2, ...; NULL if there is none of that number. */
static const nb_tensor *weight(const nb_arrays *arrays, size_t number)
{
    char name[32];
    snprintf(name, sizeof name, "W%zu", number);
    return nb_arrays_find(arrays, name);
}

/* The layers' sizes, a block for nb_free. */
static nb_status find_sizes(const source *from, const nb_arrays *arrays, size_t *layers,
                            size_t **sizes)
{
    char shape[96];
    *layers = 0;
    while (weight(arrays, *layers + 1)) ++*layers;
    if (*layers == 0)
        return nb_fail(NB_ESHAPE, "%s: %s: no W1: these are not a network's weights", from->caller,
                       from->path);
    *sizes = nb_alloc(*layers + 1, sizeof **sizes);
    if (!*sizes) return NB_ENOMEM;
    for (size_t l = 0; l < *layers; l++) {
        const nb_tensor *W = weight(arrays, l + 1);
        if (W->shape.ndim != 2)
            return nb_fail(NB_ESHAPE, "%s: %s: W%zu is %s, expected a matrix", from->caller,
                           from->path, l + 1, nb_shape_text(W->shape, shape, sizeof shape));
        if (l == 0) (*sizes)[0] = W->shape.dim[0];
        (*sizes)[l + 1] = W->shape.dim[1];
    }
    return NB_OK;
}

nb_status nb_model_open(nb_model **model, const char *path, const nb_model_options *options)
{
    const source from = {"nb_model_open", path};
    nb_model_options o = *options;
    nb_arrays arrays;
    size_t *sizes = NULL;
    *model = NULL;
    nb_status status = nb_arrays_load(&arrays, path);
    if (!status) status = find_sizes(&from, &arrays, &o.layers, &sizes);
    if (!status) {
        o.sizes = sizes;
        o.bias = nb_arrays_find(&arrays, "b1") != NULL;
        status = nb_model_create(model, &o);
    }
    if (!status) status = assign(&from, *model, &arrays);
    if (status) {
        nb_model_destroy(*model);
        *model = NULL;
    }
    nb_free(sizes);
    nb_arrays_destroy(&arrays);
    return status;
}
