#include "nablas/arrays.h"
#include "io/elements.h"
#include "io/texts.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npy.h"
#include "nablas/npz.h"
#include "nablas/pickle.h"
#include "nablas/safetensors.h"

#include <string.h>

/* Room for one more of `count` elements: the old block or a new one, NULL if memory is out. */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return items;
    size_t larger = *capacity ? 2 * *capacity : 8;
    void *block = nb_alloc(larger, size);
    if (!block) return NULL;
    if (count > 0) memcpy(block, items, count * size);
    nb_free(items);
    *capacity = larger;
    return block;
}

/* --- arrays ------------------------------------------------------------------------------------
 */

static nb_status append(nb_arrays *arrays, const char *name, nb_tensor tensor, bool owned)
{
    nb_status status = nb_elements_check("nb_arrays_add", &tensor);
    if (status) return status;
    if (nb_arrays_find(arrays, name))
        return nb_fail(NB_EINVAL, "nb_arrays_add: the name '%.80s' is there already", name);
    if (arrays->count == NB_ARRAYS_MAX)
        return nb_fail(NB_ERANGE, "nb_arrays_add: more than %d arrays", NB_ARRAYS_MAX);
    nb_named_array *item =
        grown(arrays->item, arrays->count, &arrays->capacity, sizeof *arrays->item);
    if (!item) return NB_ENOMEM;
    arrays->item = item;
    char *copy = nb_alloc(strlen(name) + 1, 1);
    if (!copy) return NB_ENOMEM;
    strcpy(copy, name);
    arrays->item[arrays->count++] = (nb_named_array){copy, tensor, owned};
    return NB_OK;
}

nb_status nb_arrays_add(nb_arrays *arrays, const char *name, nb_tensor *tensor)
{
    if (!arrays || !name || !tensor)
        return nb_fail(NB_EINVAL, "nb_arrays_add: %s is NULL",
                       !arrays ? "arrays" : (!name ? "name" : "tensor"));
    nb_status status = append(arrays, name, *tensor, true);
    if (!status) *tensor = (nb_tensor){0};
    return status;
}

nb_status nb_arrays_add_view(nb_arrays *arrays, const char *name, nb_tensor tensor)
{
    if (!arrays || !name)
        return nb_fail(NB_EINVAL, "nb_arrays_add_view: %s is NULL", !arrays ? "arrays" : "name");
    return append(arrays, name, tensor, false);
}

nb_tensor *nb_arrays_find(const nb_arrays *arrays, const char *name)
{
    for (size_t i = 0; arrays && name && i < arrays->count; i++)
        if (strcmp(arrays->item[i].name, name) == 0) return &arrays->item[i].tensor;
    return NULL;
}

void nb_arrays_destroy(nb_arrays *arrays)
{
    if (!arrays) return;
    for (size_t i = 0; i < arrays->count; i++) {
        nb_free(arrays->item[i].name);
        if (arrays->item[i].owned) nb_tensor_destroy(&arrays->item[i].tensor);
    }
    for (size_t i = 0; i < arrays->texts; i++) nb_free(arrays->text[i].key);
    nb_free(arrays->item);
    nb_free(arrays->text);
    *arrays = (nb_arrays){0};
}

/* --- texts -------------------------------------------------------------------------------------
 */

static nb_named_text *find_text(const nb_arrays *arrays, const char *key)
{
    for (size_t i = 0; arrays && key && i < arrays->texts; i++)
        if (strcmp(arrays->text[i].key, key) == 0) return &arrays->text[i];
    return NULL;
}

const char *nb_arrays_text(const nb_arrays *arrays, const char *key)
{
    const nb_named_text *found = find_text(arrays, key);
    return found ? found->value : NULL;
}

static nb_status check_text(const nb_arrays *arrays, const char *key, const char *value)
{
    if (!arrays || !key || !value)
        return nb_fail(NB_EINVAL, "nb_arrays_set_text: %s is NULL",
                       !arrays ? "arrays" : (!key ? "key" : "value"));
    if (!nb_is_utf8(key, strlen(key)))
        return nb_fail(NB_EINVAL, "nb_arrays_set_text: the key '%.80s' is not UTF-8", key);
    if (!nb_is_utf8(value, strlen(value)))
        return nb_fail(NB_EINVAL, "nb_arrays_set_text: the value of '%.80s' is not UTF-8", key);
    return NB_OK;
}

nb_status nb_arrays_set_text(nb_arrays *arrays, const char *key, const char *value)
{
    nb_status status = check_text(arrays, key, value);
    if (status) return status;
    nb_named_text *old = find_text(arrays, key);
    size_t key_size = strlen(key) + 1, value_size = strlen(value) + 1;
    size_t others = arrays->texts_bytes - (old ? key_size + strlen(old->value) + 1 : 0);
    size_t room = NB_TEXTS_MAX_BYTES - others;
    if (key_size > room || value_size > room - key_size)
        return nb_fail(NB_ERANGE, "nb_arrays_set_text: '%.80s' of %zu bytes; %zu of %zu are left",
                       key, key_size + value_size, room, NB_TEXTS_MAX_BYTES);
    if (!old) {
        if (arrays->texts == NB_TEXTS_MAX)
            return nb_fail(NB_ERANGE, "nb_arrays_set_text: more than %d texts", NB_TEXTS_MAX);
        nb_named_text *text =
            grown(arrays->text, arrays->texts, &arrays->texts_capacity, sizeof *arrays->text);
        if (!text) return NB_ENOMEM;
        arrays->text = text;
    }
    char *block = nb_alloc(key_size + value_size, 1);
    if (!block) return NB_ENOMEM;
    memcpy(block, key, key_size);
    memcpy(block + key_size, value, value_size);
    if (old)
        nb_free(old->key);
    else
        old = &arrays->text[arrays->texts++];
    *old = (nb_named_text){block, block + key_size};
    arrays->texts_bytes = others + key_size + value_size;
    return NB_OK;
}

/* --- formats -----------------------------------------------------------------------------------
 */

/* The array of "folder/W1.npy" or "folder/W1" is "W1". */
static nb_status parse_npy(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    nb_tensor tensor;
    const char *slash = strrchr(label, '/'), *base = slash ? slash + 1 : label;
    size_t length = strlen(base);
    if (length >= 4 && strcmp(base + length - 4, ".npy") == 0) length -= 4;
    char *name = nb_alloc(length + 1, 1);
    if (!name) return NB_ENOMEM;
    memcpy(name, base, length);
    name[length] = 0;
    nb_status status = nb_npy_parse(bytes, size, label, &tensor);
    if (!status) status = nb_arrays_add(arrays, name, &tensor);
    nb_tensor_destroy(&tensor);
    nb_free(name);
    return status;
}

static nb_status save_npy(const nb_arrays *arrays, const char *path)
{
    return nb_npy_save(&arrays->item[0].tensor, path);
}

static nb_status save_npz(const nb_arrays *arrays, const char *path)
{
    return nb_npz_save(arrays, path, false);
}

typedef struct file_format {
    const char *suffix;
    bool single; /* holds one array */
    nb_status (*parse)(const void *bytes, size_t size, const char *label, nb_arrays *arrays);
    nb_status (*save)(const nb_arrays *arrays, const char *path);
} file_format;

static const file_format formats[] = {
    {".npz", false, nb_npz_parse, save_npz},
    {".npy", true, parse_npy, save_npy},
    {".safetensors", false, nb_safetensors_parse, nb_safetensors_save},
    {".pkl", false, nb_pickle_parse, NULL},
};

static const file_format *find_format(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t suffix = strlen(formats[i].suffix);
        if (length >= suffix && strcmp(path + length - suffix, formats[i].suffix) == 0)
            return &formats[i];
    }
    return NULL;
}

static nb_status parse_as(const file_format *format, const void *bytes, size_t size,
                          const char *label, nb_arrays *arrays)
{
    nb_status status = format->parse(bytes, size, label, arrays);
    if (status) nb_arrays_destroy(arrays);
    return status;
}

static nb_status find_reader(const char *function, const char *suffix, const file_format **format)
{
    *format = find_format(suffix);
    if (*format) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s: unknown suffix; known: .npz .npy .safetensors .pkl",
                   function, nb_file_label(suffix));
}

nb_status nb_arrays_parse(const void *bytes, size_t size, const char *suffix, const char *label,
                          nb_arrays *arrays)
{
    const file_format *format;
    nb_status status = nb_elements_arguments("nb_arrays_parse", bytes, label, arrays);
    if (arrays) *arrays = (nb_arrays){0};
    if (status) return status;
    if (!suffix) return nb_fail(NB_EINVAL, "nb_arrays_parse: suffix is NULL");
    status = find_reader("nb_arrays_parse", suffix, &format);
    return status ? status : parse_as(format, bytes, size, label, arrays);
}

nb_status nb_arrays_load(nb_arrays *arrays, const char *path)
{
    const file_format *format;
    unsigned char *bytes;
    size_t size;
    if (arrays) *arrays = (nb_arrays){0};
    if (!arrays || !path)
        return nb_fail(NB_EINVAL, "nb_arrays_load: %s is NULL", !arrays ? "arrays" : "path");
    nb_status status = find_reader("nb_arrays_load", path, &format);
    if (!status) status = nb_file_read(path, &bytes, &size);
    if (status) return status;
    status = parse_as(format, bytes, size, path, arrays);
    nb_free(bytes);
    return status;
}

static nb_status find_writer(const nb_arrays *arrays, const char *path, const file_format **format)
{
    if (!arrays || !path)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s is NULL", !arrays ? "arrays" : "path");
    *format = find_format(path);
    if (!*format || !(*format)->save)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s: %s; known: .npz .npy .safetensors",
                       nb_file_label(path),
                       *format ? "pickles are read, not written" : "unknown suffix");
    if ((*format)->single && arrays->count != 1)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s: a %s holds one array, not %zu",
                       nb_file_label(path), (*format)->suffix, arrays->count);
    if ((*format)->single && arrays->texts > 0)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s: a %s holds no texts, such as '%.80s'",
                       nb_file_label(path), (*format)->suffix, arrays->text[0].key);
    return NB_OK;
}

nb_status nb_arrays_save(const nb_arrays *arrays, const char *path)
{
    const file_format *format;
    nb_status status = find_writer(arrays, path, &format);
    return status ? status : format->save(arrays, path);
}

nb_status nb_arrays_can_save(const nb_arrays *arrays, const char *path)
{
    const file_format *format;
    nb_status status = find_writer(arrays, path, &format);
    return status ? status : nb_file_can_begin(path);
}
