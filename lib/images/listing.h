/* listing.h - the pictures in a folder, sorted; for lib/images alone. */
#ifndef NABLAS_LISTING_H
#define NABLAS_LISTING_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Texts one behind the other, which grow. Start from a zeroed struct. */
typedef struct nb_listing {
    size_t count, room, used, text_room;
    size_t *at; /* (count) where each begins */
    char *text;
} nb_listing;

/* nb_listing_add - append "folder/name", or `name` alone if folder is NULL. Errors: NB_ENOMEM.
 * nb_listing_folder - append, sorted, the names in the folder that is at `path`: of pictures, or of
 *                     folders. Names that begin with a point are left out; *others counts what is
 *                     neither. Errors: also NB_EIO. */
nb_status nb_listing_add(nb_listing *l, const char *folder, const char *name);
nb_status nb_listing_folder(nb_listing *l, const char *path, const char *prefix, bool folders,
                            size_t *others);
const char *nb_listing_text(const nb_listing *l, size_t i);
void nb_listing_destroy(nb_listing *l);

#endif
