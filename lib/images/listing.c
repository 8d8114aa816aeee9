#include "images/listing.h"
#include "nablas/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static nb_status grow(void **block, size_t *room, size_t least, size_t size)
{
    if (least <= *room) return NB_OK;
    if (least > SIZE_MAX / 2) return nb_fail(NB_EOVERFLOW, "nb_images_read: %zu", least);
    void *larger = nb_alloc(2 * least, size);
    if (!larger) return NB_ENOMEM;
    if (*room) memcpy(larger, *block, *room * size);
    nb_free(*block);
    *block = larger;
    *room = 2 * least;
    return NB_OK;
}

const char *nb_listing_text(const nb_listing *l, size_t i)
{
    return l->text + l->at[i];
}

nb_status nb_listing_add(nb_listing *l, const char *folder, const char *name)
{
    const size_t before = folder ? strlen(folder) + 1 : 0, size = strlen(name) + 1;
    void *at = l->at, *text = l->text;
    nb_status status = grow(&at, &l->room, l->count + 1, sizeof *l->at);
    l->at = at;
    if (!status) status = grow(&text, &l->text_room, l->used + before + size, 1);
    l->text = text;
    if (status) return status;
    l->at[l->count++] = l->used;
    char *to = l->text + l->used;
    if (folder) {
        memcpy(to, folder, before - 1);
        to[before - 1] = '/';
    }
    memcpy(to + before, name, size);
    l->used += before + size;
    return NB_OK;
}

void nb_listing_destroy(nb_listing *l)
{
    nb_free(l->at);
    nb_free(l->text);
    *l = (nb_listing){0};
}

/* --- a folder --------------------------------------------------------------------------------- */

static bool is_picture(const char *name)
{
    const char *point = strrchr(name, '.');
    return point && point > name &&
           (strcasecmp(point, ".png") == 0 || strcasecmp(point, ".jpg") == 0 ||
            strcasecmp(point, ".jpeg") == 0);
}

static bool is_folder(DIR *dir, const char *name)
{
    struct stat facts;
    return fstatat(dirfd(dir), name, &facts, 0) == 0 && S_ISDIR(facts.st_mode);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The listing's texts from `first` on, sorted. */
static nb_status sort(nb_listing *l, size_t first)
{
    const size_t n = l->count - first;
    const char **text = nb_alloc(n, sizeof *text);
    if (!text) return NB_ENOMEM;
    for (size_t i = 0; i < n; i++) text[i] = nb_listing_text(l, first + i);
    qsort(text, n, sizeof *text, by_bytes);
    for (size_t i = 0; i < n; i++) l->at[first + i] = (size_t)(text[i] - l->text);
    nb_free(text);
    return NB_OK;
}

nb_status nb_listing_folder(nb_listing *l, const char *path, const char *prefix, bool folders,
                            size_t *others)
{
    const size_t first = l->count;
    nb_status status = NB_OK;
    DIR *dir = opendir(path);
    if (!dir) return nb_fail(NB_EIO, "nb_images_read: %s: %s", path, strerror(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            status = nb_fail(NB_EIO, "nb_images_read: %s: %s", path, strerror(errno));
        if (!entry || status) break;
        if (entry->d_name[0] == '.') continue;
        if (folders ? is_folder(dir, entry->d_name) : is_picture(entry->d_name))
            status = nb_listing_add(l, prefix, entry->d_name);
        else
            ++*others;
    }
    closedir(dir);
    return status ? status : sort(l, first);
}
