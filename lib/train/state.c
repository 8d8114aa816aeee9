/* What a trainer is made of, as named views of its memory. */
#include "train/state.h"
#include "nablas/memory.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

nb_status nb_arrays_add_as(nb_arrays *arrays, const char *prefix, const char *name,
                           nb_tensor tensor)
{
    const size_t room = strlen(prefix) + strlen(name) + 1;
    char *whole = nb_alloc(room, 1);
    if (!whole) return NB_ENOMEM;
    snprintf(whole, room, "%s%s", prefix, name);
    nb_status status = nb_arrays_add_view(arrays, whole, tensor);
    nb_free(whole);
    return status;
}

nb_status nb_arrays_copy(const nb_arrays *arrays, nb_arrays *into)
{
    nb_status status = NB_OK;
    *into = (nb_arrays){0};
    for (size_t i = 0; i < arrays->count && !status; i++) {
        const nb_tensor *from = &arrays->item[i].tensor;
        nb_tensor copy;
        status = nb_tensor_create(&copy, from->dtype, from->shape);
        if (status) break;
        memcpy(copy.data, from->data, nb_tensor_count(from) * nb_dtype_size(from->dtype));
        status = nb_arrays_add(into, arrays->item[i].name, &copy);
        if (status) nb_tensor_destroy(&copy);
    }
    for (size_t i = 0; i < arrays->texts && !status; i++)
        status = nb_arrays_set_text(into, arrays->text[i].key, arrays->text[i].value);
    if (status) nb_arrays_destroy(into);
    return status;
}

/* --- views ------------------------------------------------------------------------------------ */

static bool is_weight(const nb_node *node)
{
    return nb_node_role(node) == NB_PARAMETER || nb_node_role(node) == NB_STATE;
}

/* Numbers that have no memory of the right type to view. */
static void gather_numbers(nb_trainer *r, const nb_source_place *place)
{
    const int64_t counters[] = {(int64_t)r->steps, (int64_t)place->next, r->random->pos,
                                r->random->has_gauss, (int64_t)r->halvings};
    const double numbers[] = {r->first, r->random->gauss};
    memcpy(r->counters, counters, sizeof counters);
    memcpy(r->numbers, numbers, sizeof numbers);
}

nb_status nb_trainer_view(nb_trainer *r, nb_arrays *views)
{
    nb_source_place place;
    nb_status status = nb_source_tell(r->train, &place);
    if (status) return status;
    gather_numbers(r, &place);
    for (size_t i = 0; i < nb_graph_nodes(r->model->graph) && !status; i++) {
        nb_node *node = nb_graph_node(r->model->graph, i);
        if (is_weight(node))
            status = nb_arrays_add_view(views, nb_node_name(node), *nb_value(node));
    }
    for (size_t i = 0; i < nb_optimizer_states(r->optimizer) && !status; i++) {
        const nb_optimizer_state state = nb_optimizer_state_at(r->optimizer, i);
        status = nb_arrays_add_view(views, state.name, state.value);
    }
    const nb_tensor key = nb_tensor_view(NB_INT32, NB_SHAPE(624), r->random->key),
                    counters = nb_tensor_view(NB_INT64, NB_SHAPE(5), r->counters),
                    numbers = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), r->numbers);
    if (!status) status = nb_arrays_add_view(views, "random.key", key);
    if (!status && place.order.data)
        status = nb_arrays_add_view(views, "sampler.order", place.order);
    if (!status) status = nb_arrays_add_view(views, "trainer.counters", counters);
    return status ? status : nb_arrays_add_view(views, "trainer.numbers", numbers);
}

/* --- back ------------------------------------------------------------------------------------- */

static nb_status check_one(const nb_named_array *mine, const nb_arrays *arrays, const char *label)
{
    char got[96], want[96];
    const nb_tensor *theirs = nb_arrays_find(arrays, mine->name);
    nb_shape_text(mine->tensor.shape, want, sizeof want);
    if (!theirs)
        return nb_fail(NB_EFORMAT, "nb_trainer_load: %s: no %.80s, the run has one of %s", label,
                       mine->name, want);
    if (theirs->dtype == mine->tensor.dtype && nb_shape_equal(theirs->shape, mine->tensor.shape))
        return NB_OK;
    return nb_fail(NB_EFORMAT, "nb_trainer_load: %s: %.80s is %s %s, the run's is %s %s", label,
                   mine->name, nb_dtype_name(theirs->dtype),
                   nb_shape_text(theirs->shape, got, sizeof got), nb_dtype_name(mine->tensor.dtype),
                   want);
}

/* The stream's words are not all 0, or it would give nothing else; every step is one of the
 * optimiser's. */
static nb_status check_numbers(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    const char *taken = nb_optimizer_state_at(r->optimizer, 0).name;
    const int64_t steps = *(const int64_t *)nb_arrays_find(arrays, taken)->data;
    const int64_t *c = nb_arrays_find(arrays, "trainer.counters")->data;
    const int32_t *key = nb_arrays_find(arrays, "random.key")->data;
    int32_t any = 0;
    for (size_t i = 0; i < 624; i++) any |= key[i];
    if (c[0] >= 0 && c[0] == steps && c[1] >= 0 && c[2] >= 0 && c[2] <= 624 &&
        (c[3] == 0 || c[3] == 1) && any && c[4] >= 0 && c[4] <= MOST_HALVINGS)
        return NB_OK;
    return nb_fail(
        NB_EFORMAT,
        "nb_trainer_load: %s: trainer.counters %lld %lld %lld %lld %lld are not those of a "
        "run",
        label, (long long)c[0], (long long)c[1], (long long)c[2], (long long)c[3], (long long)c[4]);
}

static void scatter_numbers(nb_trainer *r)
{
    r->steps = (size_t)r->counters[0];
    r->random->pos = (int)r->counters[2];
    r->random->has_gauss = r->counters[3] != 0;
    r->halvings = (size_t)r->counters[4];
    r->first = r->numbers[0];
    r->random->gauss = r->numbers[1];
    nb_optimizer_scale(r->optimizer, ldexp(1, -(int)r->halvings));
}

static nb_status check_all(nb_trainer *r, const nb_arrays *views, const nb_arrays *arrays,
                           const char *label)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < views->count && !status; i++)
        status = check_one(&views->item[i], arrays, label);
    return status ? status : check_numbers(r, arrays, label);
}

nb_status nb_trainer_assign(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    nb_arrays views = {0};
    nb_status status = nb_trainer_view(r, &views);
    if (!status) status = check_all(r, &views, arrays, label);
    if (!status) {
        const nb_tensor *order = nb_arrays_find(arrays, "sampler.order");
        const int64_t *counters = nb_arrays_find(arrays, "trainer.counters")->data;
        const nb_source_place place = {(size_t)counters[1], order ? *order : (nb_tensor){0}};
        status = nb_source_seek(r->train, &place);
    }
    for (size_t i = 0; i < views.count && !status; i++) {
        const nb_tensor *to = &views.item[i].tensor;
        memmove(to->data, nb_arrays_find(arrays, views.item[i].name)->data,
                nb_tensor_count(to) * nb_dtype_size(to->dtype));
    }
    if (!status) scatter_numbers(r);
    nb_arrays_destroy(&views);
    return status;
}
