#include "nablas/arrays.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npy.h"
#include "nablas/npz.h"
#include "nablas/pickle.h"
#include "nablas/safetensors.h"

#include <string.h>

static nb_status append(nb_arrays *arrays, const char *name, nb_tensor tensor, bool owned)
{
    if (nb_arrays_find(arrays, name))
        return nb_fail(NB_EINVAL, "nb_arrays_add: the name '%.80s' is there already", name);
    if (arrays->count == NB_ARRAYS_MAX)
        return nb_fail(NB_ERANGE, "nb_arrays_add: more than %d arrays", NB_ARRAYS_MAX);
    if (arrays->count == arrays->capacity) {
        size_t capacity = arrays->capacity ? 2 * arrays->capacity : 8;
        nb_named_array *item = nb_alloc(capacity, sizeof *item);
        if (!item) return NB_ENOMEM;
        if (arrays->count > 0) memcpy(item, arrays->item, arrays->count * sizeof *item);
        nb_free(arrays->item);
        arrays->item = item;
        arrays->capacity = capacity;
    }
    char *copy = nb_alloc(strlen(name) + 1, 1);
    if (!copy) return NB_ENOMEM;
    strcpy(copy, name);
    arrays->item[arrays->count++] = (nb_named_array){copy, tensor, owned};
    return NB_OK;
}

nb_status nb_arrays_add(nb_arrays *arrays, const char *name, nb_tensor *tensor)
{
    nb_status status = append(arrays, name, *tensor, true);
    if (!status) *tensor = (nb_tensor){0};
    return status;
}

nb_status nb_arrays_add_view(nb_arrays *arrays, const char *name, nb_tensor tensor)
{
    return append(arrays, name, tensor, false);
}

nb_tensor *nb_arrays_find(const nb_arrays *arrays, const char *name)
{
    for (size_t i = 0; i < arrays->count; i++)
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
    nb_free(arrays->item);
    *arrays = (nb_arrays){0};
}

/* --- formats -----------------------------------------------------------------------------------
 */

/* The array of "folder/W1.npy" is "W1". */
static nb_status parse_npy(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    nb_tensor tensor;
    const char *slash = strrchr(label, '/'), *base = slash ? slash + 1 : label;
    size_t length = strlen(base) - strlen(".npy");
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

nb_status nb_arrays_load(nb_arrays *arrays, const char *path)
{
    unsigned char *bytes;
    size_t size;
    *arrays = (nb_arrays){0};
    const file_format *format = find_format(path);
    if (!format)
        return nb_fail(NB_EINVAL,
                       "nb_arrays_load: %s: unknown suffix; known: .npz .npy "
                       ".safetensors .pkl",
                       path);
    nb_status status = nb_file_read(path, &bytes, &size);
    if (status) return status;
    status = format->parse(bytes, size, path, arrays);
    nb_free(bytes);
    if (status) nb_arrays_destroy(arrays);
    return status;
}

static nb_status find_writer(const nb_arrays *arrays, const char *path, const file_format **format)
{
    *format = find_format(path);
    if (!*format || !(*format)->save)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s: %s; known: .npz .npy .safetensors", path,
                       *format ? "pickles are read, not written" : "unknown suffix");
    if ((*format)->single && arrays->count != 1)
        return nb_fail(NB_EINVAL, "nb_arrays_save: %s: a %s holds one array, not %zu", path,
                       (*format)->suffix, arrays->count);
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
    nb_file file;
    nb_status status = find_writer(arrays, path, &format);
    if (!status) status = nb_file_begin(&file, path);
    if (!status) nb_file_abort(&file);
    return status;
}
