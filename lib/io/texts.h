/* texts.h - the texts of named arrays as a JSON object of strings, as files keep them. */
#ifndef NB_IO_TEXTS_H
#define NB_IO_TEXTS_H

#include "nablas/arrays.h"

#include <jansson.h>
#include <stdbool.h>

/* nb_is_utf8 - is it well-formed UTF-8 (Unicode 15, table 3-7: shortest forms, no surrogates)? */
bool nb_is_utf8(const char *text, size_t size);

/* The longest JSON of texts that is read: a byte is at most \u0001 there. */
#define NB_TEXTS_MAX_JSON (6 * NB_TEXTS_MAX_BYTES + 16 * NB_TEXTS_MAX)

/* nb_texts_load - json_loadb, strict and with every key once, of the `size` bytes that begin at
 * `offset` of a file. Errors, with `where` (function and file) before the detail: NB_EFORMAT,
 * NB_ENOMEM. */
nb_status nb_texts_load(const void *bytes, size_t size, size_t offset, const char *where,
                        json_t **out);

/* nb_texts_read - set the texts of `map`. Errors: NB_EFORMAT it is no object of strings; NB_ERANGE,
 * NB_ENOMEM. */
nb_status nb_texts_read(json_t *map, const char *where, nb_arrays *arrays);

/* nb_texts_make - the object that nb_texts_read would read; NULL if memory is out. */
json_t *nb_texts_make(const nb_arrays *arrays);

#endif
