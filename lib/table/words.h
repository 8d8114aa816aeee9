/* words.h - different texts, numbered in the order in which they came; for lib/table alone. */
#ifndef NABLAS_WORDS_H
#define NABLAS_WORDS_H

#include "nablas/names.h"

#include <stdint.h>

/* Start from a zeroed struct. */
typedef struct nb_words {
    size_t count, room;     /* words, places in `at` */
    size_t *at;             /* where in `text` each begins; ended by 0 there */
    size_t used, text_room; /* of text */
    char *text;
    size_t slots;   /* of the hash table, a power of two */
    uint32_t *slot; /* the word's number + 1; 0: free */
} nb_words;

/* NB_WORDS_MAX is more than any number of words. */
#define NB_WORDS_MAX ((size_t)UINT32_MAX)

/* nb_words_find - the number of that word; `count` if it is not there.
 * nb_words_add - the same, and adds it if it is not there. Errors: NB_EOVERFLOW, NB_ENOMEM.
 * nb_words_names - the words in the given order, or their own if `order` is NULL. */
size_t nb_words_find(const nb_words *w, const char *text, size_t size);
nb_status nb_words_add(nb_words *w, const char *text, size_t size, size_t *number);
const char *nb_words_text(const nb_words *w, size_t number);
nb_status nb_words_names(const nb_words *w, const size_t *order, nb_names *names);
void nb_words_destroy(nb_words *w);

#endif
