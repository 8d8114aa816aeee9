#include "nablas/names.h"
#include "nablas/memory.h"

#include <stdint.h>
#include <string.h>

nb_status nb_names_create(nb_names *names, size_t count, const char *const *text)
{
    size_t bytes;
    if (!names) return nb_fail(NB_EINVAL, "nb_names_create: names is NULL");
    *names = (nb_names){0};
    if (count == 0) return NB_OK;
    if (!text) return nb_fail(NB_EINVAL, "nb_names_create: text is NULL");
    if (!nb_size_mul(count, sizeof(char *), &bytes))
        return nb_fail(NB_EOVERFLOW, "nb_names_create: %zu texts", count);
    for (size_t i = 0; i < count; i++) {
        if (!text[i]) return nb_fail(NB_EINVAL, "nb_names_create: text[%zu] is NULL", i);
        bytes += strlen(text[i]) + 1;
    }
    const char **to = nb_alloc(bytes, 1);
    if (!to) return NB_ENOMEM;
    char *at = (char *)(to + count);
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(text[i]) + 1;
        to[i] = memcpy(at, text[i], size);
        at += size;
    }
    *names = (nb_names){count, to};
    return NB_OK;
}

void nb_names_destroy(nb_names *names)
{
    if (!names) return;
    nb_free((void *)(uintptr_t)names->text);
    *names = (nb_names){0};
}

size_t nb_names_find(const nb_names *names, const char *text)
{
    if (!names) return 0;
    for (size_t i = 0; text && i < names->count; i++)
        if (strcmp(names->text[i], text) == 0) return i;
    return names->count;
}
