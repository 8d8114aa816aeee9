/* A run in a file. */
#include "nablas/checkpoint.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npz.h"
#include "train/belonging.h"
#include "train/state.h"
#include "train/trainer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the caller adds has names of its own in the file. */
static const char own_prefix[] = "own.";

size_t nb_trainer_steps(const nb_trainer *r)
{
    return r ? r->steps : 0;
}

/* --- out -------------------------------------------------------------------------------------- */

static nb_status set_own_text(nb_arrays *arrays, const nb_named_text *text)
{
    const size_t room = sizeof own_prefix + strlen(text->key);
    char *key = nb_alloc(room, 1);
    if (!key) return NB_ENOMEM;
    snprintf(key, room, "%s%s", own_prefix, text->key);
    nb_status status = nb_arrays_set_text(arrays, key, text->value);
    nb_free(key);
    return status;
}

nb_status nb_trainer_save(nb_trainer *r, const nb_arrays *own, const char *path)
{
    nb_arrays all = {0};
    if (!r || !path)
        return nb_fail(NB_EINVAL, "nb_trainer_save: %s is NULL", r ? "path" : "trainer");
    nb_status status = nb_belonging_write(r, &all);
    if (!status) status = nb_trainer_view(r, &all);
    for (size_t i = 0; own && i < own->count && !status; i++)
        status = nb_arrays_add_as(&all, own_prefix, own->item[i].name, own->item[i].tensor);
    for (size_t i = 0; own && i < own->texts && !status; i++)
        status = set_own_text(&all, &own->text[i]);
    if (!status) status = nb_npz_save(&all, path, false);
    nb_arrays_destroy(&all);
    return status;
}

/* --- in --------------------------------------------------------------------------------------- */

/* The name without the prefix; NULL: it has none. */
static const char *own_name(const char *name)
{
    const size_t length = sizeof own_prefix - 1;
    return strncmp(name, own_prefix, length) == 0 && name[length] ? name + length : NULL;
}

static nb_status take_own(nb_arrays *all, nb_arrays *own)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < all->count && !status; i++) {
        const char *name = own_name(all->item[i].name);
        if (name) status = nb_arrays_add(own, name, &all->item[i].tensor);
    }
    for (size_t i = 0; i < all->texts && !status; i++) {
        const char *key = own_name(all->text[i].key);
        if (key) status = nb_arrays_set_text(own, key, all->text[i].value);
    }
    return status;
}

nb_status nb_trainer_load(nb_trainer *r, nb_arrays *own, const char *path)
{
    unsigned char *bytes;
    size_t size;
    nb_arrays all = {0}, taken = {0};
    if (own) *own = (nb_arrays){0};
    if (!r || !path)
        return nb_fail(NB_EINVAL, "nb_trainer_load: %s is NULL", r ? "path" : "trainer");
    const nb_team *team = nb_trainer_team(r);
    nb_status status = nb_team_read(team, path, &bytes, &size);
    if (status) return status;
    status = nb_npz_parse(bytes, size, nb_file_label(path), &all);
    nb_free(bytes);
    if (!status) status = nb_belonging_check(r, &all, nb_file_label(path));
    if (!status) status = take_own(&all, &taken);
    if (!status) status = nb_trainer_assign(r, &all, nb_file_label(path));
    status = nb_team_agree(team, status);
    nb_arrays_destroy(&all);
    if (!status && own)
        *own = taken;
    else
        nb_arrays_destroy(&taken);
    return status;
}

/* --- the ones before -------------------------------------------------------------------------- */

/* path.NUMBER into `name`; path itself for 0. */
static const char *numbered(char *name, size_t room, const char *path, size_t number)
{
    if (number)
        snprintf(name, room, "%s.%zu", path, number);
    else
        snprintf(name, room, "%s", path);
    return name;
}

static nb_status rotate(const char *path, size_t keep, char *from, char *to, size_t room)
{
    struct stat now, before;
    if (stat(path, &now) || !S_ISREG(now.st_mode)) return NB_OK;
    if (!stat(numbered(to, room, path, 1), &before) && before.st_dev == now.st_dev &&
        before.st_ino == now.st_ino)
        return NB_OK;
    for (size_t i = keep - 1; i > 1; i--)
        if (rename(numbered(from, room, path, i - 1), numbered(to, room, path, i)) &&
            errno != ENOENT)
            return nb_fail(NB_EIO, "nb_checkpoint_rotate: %s: %s", nb_file_label(from),
                           strerror(errno));
    /* keep = 2: nothing was moved out of the way. */
    if (unlink(numbered(to, room, path, 1)) && errno != ENOENT)
        return nb_fail(NB_EIO, "nb_checkpoint_rotate: %s: %s", nb_file_label(to), strerror(errno));
    if (!linkat(AT_FDCWD, path, AT_FDCWD, to, AT_SYMLINK_FOLLOW)) return NB_OK;
    return nb_fail(NB_EIO, "nb_checkpoint_rotate: cannot link %s: %s", nb_file_label(to),
                   strerror(errno));
}

nb_status nb_checkpoint_rotate(const char *path, size_t keep)
{
    if (!path) return nb_fail(NB_EINVAL, "nb_checkpoint_rotate: path is NULL");
    if (keep <= 1) return NB_OK;
    const size_t room = strlen(path) + 24;
    char *names = nb_alloc(2, room);
    if (!names) return NB_ENOMEM;
    nb_status status = rotate(path, keep, names, names + room, room);
    nb_free(names);
    return status;
}
