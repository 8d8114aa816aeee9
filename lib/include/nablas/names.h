/* names.h - a list of texts in one block: the levels of a category, the names of classes. */
#ifndef NABLAS_NAMES_H
#define NABLAS_NAMES_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_names {
    size_t count;
    const char *const *text; /* (count) and what they point to: one block; NULL if count is 0 */
} nb_names;

/* nb_names_create - a copy of `count` texts.
 * nb_names_destroy - free it and zero the struct; fine on a zeroed one and on NULL.
 * nb_names_find - the place of `text`, or `count` if it is not there; one comparison for each name.
 * Errors: NB_EINVAL a NULL; NB_EOVERFLOW; NB_ENOMEM; *names is zeroed then. */
nb_status nb_names_create(nb_names *names, size_t count, const char *const *text);
void nb_names_destroy(nb_names *names);
size_t nb_names_find(const nb_names *names, const char *text);

NB_END_DECLS
#endif
