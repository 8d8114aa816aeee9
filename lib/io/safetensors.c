#include "nablas/safetensors.h"
#include "io/elements.h"
#include "io/texts.h"
#include "nablas/file.h"
#include "nablas/memory.h"

#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"

static const struct {
    const char *name;
    nb_dtype dtype;
} types[] = {
    {"F32", NB_FLOAT32}, {"F64", NB_FLOAT64}, {"U8", NB_UINT8},  {"I8", NB_INT8},
    {"I16", NB_INT16},   {"I32", NB_INT32},   {"I64", NB_INT64},
};

/* --- reading -----------------------------------------------------------------------------------
 */

/* One tensor of the header: its bytes are begin ... end-1 of the data. */
typedef struct entry {
    const char *name;
    nb_elements layout;
    size_t begin, end;
} entry;

static nb_status get_size(const json_t *number, const char *where, const char *what, size_t *value)
{
    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return nb_fail(NB_EFORMAT, "%s: %s: expected an integer >= 0", where, what);
    if ((uintmax_t)json_integer_value(number) > SIZE_MAX)
        return nb_fail(NB_EOVERFLOW, "%s: %s: %" JSON_INTEGER_FORMAT " does not fit a size", where,
                       what, json_integer_value(number));
    *value = (size_t)json_integer_value(number);
    return NB_OK;
}

static nb_status get_dtype(const json_t *value, const char *where, nb_elements *layout)
{
    const char *name = json_string_value(value);
    if (!name) return nb_fail(NB_EFORMAT, "%s: dtype: expected a string", where);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        layout->dtype = types[i].dtype;
        layout->swapped = !NB_HOST_IS_LITTLE;
        return NB_OK;
    }
    return nb_fail(NB_EDTYPE, "%s: dtype: \"%.40s\"; expected F32, F64, U8, I8, I16, I32 or I64",
                   where, name);
}

static nb_status get_shape(const json_t *value, const char *where, nb_shape *shape)
{
    if (!json_is_array(value)) return nb_fail(NB_EFORMAT, "%s: shape: expected an array", where);
    if (json_array_size(value) > NB_MAX_DIMS)
        return nb_fail(NB_ERANGE, "%s: shape: %zu dimensions; at most %d are held", where,
                       json_array_size(value), NB_MAX_DIMS);
    shape->ndim = json_array_size(value);
    for (size_t i = 0; i < shape->ndim; i++) {
        nb_status status = get_size(json_array_get(value, i), where, "shape", &shape->dim[i]);
        if (status) return status;
    }
    return NB_OK;
}

static nb_status get_offsets(const json_t *value, const char *where, entry *e)
{
    if (!json_is_array(value) || json_array_size(value) != 2)
        return nb_fail(NB_EFORMAT, "%s: data_offsets: expected [begin, end]", where);
    nb_status status = get_size(json_array_get(value, 0), where, "data_offsets", &e->begin);
    if (!status) status = get_size(json_array_get(value, 1), where, "data_offsets", &e->end);
    if (!status && e->begin > e->end)
        status =
            nb_fail(NB_EFORMAT, "%s: data_offsets: begin %zu > end %zu", where, e->begin, e->end);
    return status;
}

static nb_status get_entry(json_t *value, const char *label, entry *e)
{
    char where[400], text[200];
    const char *key;
    json_t *field;
    size_t expected;
    nb_status status = NB_OK;
    snprintf(where, sizeof where, "nb_safetensors_parse: %s: \"%.100s\"", label, e->name);
    if (!json_is_object(value)) return nb_fail(NB_EFORMAT, "%s: expected an object", where);
    json_object_foreach(value, key, field)
    {
        if (strcmp(key, "dtype") == 0)
            status = get_dtype(field, where, &e->layout);
        else if (strcmp(key, "shape") == 0)
            status = get_shape(field, where, &e->layout.shape);
        else if (strcmp(key, "data_offsets") == 0)
            status = get_offsets(field, where, e);
        else
            status = nb_fail(NB_EFORMAT, "%s: unknown key \"%.40s\"", where, key);
        if (status) return status;
    }
    if (json_object_size(value) != 3) /* three of three names, none twice */
        return nb_fail(NB_EFORMAT, "%s: expected dtype, shape and data_offsets; %s is missing",
                       where,
                       !json_object_get(value, "dtype")
                           ? "dtype"
                           : (!json_object_get(value, "shape") ? "shape" : "data_offsets"));
    status = nb_elements_bytes(&e->layout, where, &expected);
    if (!status && e->end - e->begin != expected)
        status = nb_fail(NB_EFORMAT, "%s: data_offsets: %zu bytes; %s %s takes %zu", where,
                         e->end - e->begin, nb_dtype_name(e->layout.dtype),
                         nb_shape_text(e->layout.shape, text, sizeof text), expected);
    return status;
}

/* By place; an empty tensor before the one that begins where it stands. */
static int by_place(const void *a, const void *b)
{
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors must lie end to end and cover the data. */
static nb_status check_cover(entry *entries, size_t count, size_t size, const char *label)
{
    size_t at = 0;
    entry **sorted = nb_alloc(count, sizeof *sorted);
    if (!sorted) return NB_ENOMEM;
    for (size_t i = 0; i < count; i++) sorted[i] = &entries[i];
    qsort(sorted, count, sizeof *sorted, by_place);
    nb_status status = NB_OK;
    for (size_t i = 0; i < count && !status; at = sorted[i++]->end)
        if (sorted[i]->begin != at)
            status = nb_fail(NB_EFORMAT,
                             "nb_safetensors_parse: %s: \"%.100s\": data_offsets: begins at %zu, "
                             "%s; expected %zu",
                             label, sorted[i]->name, sorted[i]->begin,
                             sorted[i]->begin < at ? "an overlap" : "after a hole", at);
    if (!status && at != size)
        status = nb_fail(NB_EFORMAT,
                         "nb_safetensors_parse: %s: %zu bytes of data; the tensors "
                         "take %zu",
                         label, size, at);
    nb_free(sorted);
    return status;
}

static nb_status read_tensors(json_t *header, const unsigned char *data, size_t size,
                              const char *label, nb_arrays *arrays)
{
    const char *name;
    json_t *value;
    size_t count = 0;
    char where[400];
    nb_status status = NB_OK;
    snprintf(where, sizeof where, "nb_safetensors_parse: %s: " METADATA, label);
    entry *entries = nb_alloc_zero(json_object_size(header), sizeof *entries);
    if (!entries) return NB_ENOMEM;
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, METADATA) == 0) {
            status = nb_texts_read(value, where, arrays);
        } else {
            entries[count].name = name;
            status = get_entry(value, label, &entries[count++]);
        }
        if (status) goto done;
    }
    status = check_cover(entries, count, size, label);
    for (size_t i = 0; i < count && !status; i++) {
        nb_tensor tensor;
        status = nb_elements_read(&entries[i].layout, data + entries[i].begin, &tensor);
        if (!status) status = nb_arrays_add(arrays, entries[i].name, &tensor);
        nb_tensor_destroy(&tensor);
    }
done:
    nb_free(entries);
    return status;
}

nb_status nb_safetensors_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    const unsigned char *at = bytes;
    uint64_t length = 0;
    char where[400];
    json_t *header = NULL;
    nb_status status = nb_elements_arguments("nb_safetensors_parse", bytes, label, arrays);
    if (arrays) *arrays = (nb_arrays){0};
    if (status) return status;
    label = nb_file_label(label);
    if (size < 8)
        return nb_fail(NB_EFORMAT, "nb_safetensors_parse: %s: %zu bytes; expected 8 or more", label,
                       size);
    for (size_t i = 8; i-- > 0;) length = length << 8 | at[i];
    if (length > NB_SAFETENSORS_MAX_HEADER || length > size - 8)
        return nb_fail(NB_EFORMAT,
                       "nb_safetensors_parse: %s: offset 0: header of %llu bytes; %zu are left and "
                       "%d allowed",
                       label, (unsigned long long)length, size - 8, NB_SAFETENSORS_MAX_HEADER);
    if (length == 0 || at[8] != '{')
        return nb_fail(NB_EFORMAT, "nb_safetensors_parse: %s: offset 8: expected '{' of a header",
                       label);
    snprintf(where, sizeof where, "nb_safetensors_parse: %s", label);
    status = nb_texts_load(at + 8, (size_t)length, 8, where, &header);
    if (!status)
        status = read_tensors(header, at + 8 + length, size - 8 - (size_t)length, label, arrays);
    json_decref(header);
    if (status) nb_arrays_destroy(arrays);
    return status;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static size_t tensor_bytes(const nb_tensor *t)
{
    return nb_tensor_count(t) * nb_dtype_size(t->dtype);
}

/* jansson's containers take what they are given, or free it, and refuse NULL: a failure anywhere
 * shows in the sum. */
static json_t *describe(const nb_tensor *t, size_t place)
{
    const char *name = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == t->dtype) name = types[i].name;
    json_t *value = json_object(), *shape = json_array(), *offsets = json_array();
    int failed = 0;
    for (size_t i = 0; i < t->shape.ndim; i++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)t->shape.dim[i]));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)place));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)(place + tensor_bytes(t))));
    failed |= json_object_set_new(value, "dtype", json_string(name));
    failed |= json_object_set_new(value, "shape", shape);
    failed |= json_object_set_new(value, "data_offsets", offsets);
    if (!failed) return value;
    json_decref(value);
    return NULL;
}

/* Where each tensor's elements begin, and in which order they are written: widest first. */
static void place_tensors(const nb_arrays *arrays, size_t *begin, size_t *order)
{
    static const size_t widths[] = {8, 4, 2, 1};
    size_t at = 0, n = 0;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        for (size_t i = 0; i < arrays->count; i++) {
            const nb_tensor *t = &arrays->item[i].tensor;
            if (nb_dtype_size(t->dtype) != widths[w]) continue;
            order[n++] = i;
            begin[i] = at;
            at += tensor_bytes(t);
        }
    }
}

static nb_status no_memory(void)
{
    return nb_fail(NB_ENOMEM, "nb_safetensors_save: no memory for the header");
}

static nb_status fill_header(json_t *root, const nb_arrays *arrays, const size_t *begin)
{
    if (arrays->texts > 0 && json_object_set_new(root, METADATA, nb_texts_make(arrays)))
        return no_memory();
    for (size_t i = 0; i < arrays->count; i++) {
        const char *name = arrays->item[i].name;
        if (strcmp(name, METADATA) == 0)
            return nb_fail(NB_EINVAL, "nb_safetensors_save: the name " METADATA " is taken");
        if (!nb_is_utf8(name, strlen(name)))
            return nb_fail(NB_EINVAL, "nb_safetensors_save: name '%.100s': expected UTF-8", name);
        if (json_object_set_new(root, name, describe(&arrays->item[i].tensor, begin[i])))
            return no_memory();
    }
    return NB_OK;
}

/* The header, padded with spaces to a multiple of 8, after its length. */
static nb_status write_header(const json_t *root, char **header, size_t *size)
{
    size_t length = json_dumpb(root, NULL, 0, JSON_COMPACT), padded = (length + 7) / 8 * 8;
    if (length == 0) return no_memory();
    if (padded > NB_SAFETENSORS_MAX_HEADER)
        return nb_fail(NB_ERANGE, "nb_safetensors_save: header of %zu bytes > %d", padded,
                       NB_SAFETENSORS_MAX_HEADER);
    if (!(*header = nb_alloc(8 + padded, 1))) return NB_ENOMEM;
    *size = 8 + padded;
    for (size_t i = 0; i < 8; i++) (*header)[i] = (char)((uint64_t)padded >> 8 * i & 0xff);
    memset(*header + 8, ' ', padded);
    return json_dumpb(root, *header + 8, padded, JSON_COMPACT) == length ? NB_OK : no_memory();
}

static nb_status make_header(const nb_arrays *arrays, const size_t *begin, char **header,
                             size_t *size)
{
    json_t *root = json_object();
    nb_status status = root ? fill_header(root, arrays, begin) : no_memory();
    if (!status) status = write_header(root, header, size);
    json_decref(root);
    return status;
}

nb_status nb_safetensors_save(const nb_arrays *arrays, const char *path)
{
    char *header = NULL;
    size_t size = 0;
    nb_file file = {0};
    nb_status status = NB_ENOMEM;
    if (!arrays || !path)
        return nb_fail(NB_EINVAL, "nb_safetensors_save: %s is NULL", !arrays ? "arrays" : "path");
    size_t *begin = nb_alloc(arrays->count, sizeof *begin);
    size_t *order = nb_alloc(arrays->count, sizeof *order);
    if (!begin || !order) goto done;
    place_tensors(arrays, begin, order);
    status = make_header(arrays, begin, &header, &size);
    if (!status) status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, header, size);
    for (size_t i = 0; i < arrays->count && !status; i++)
        status = nb_elements_write_little(&arrays->item[order[i]].tensor, &file);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
done:
    nb_free(header);
    nb_free(order);
    nb_free(begin);
    return status;
}
