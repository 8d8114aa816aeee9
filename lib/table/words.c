#include "table/words.h"
#include "nablas/memory.h"

#include <string.h>

/* FNV-1a, 64 bits; its low bits mixed with its high ones. */
static size_t hash(const char *text, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

const char *nb_words_text(const nb_words *w, size_t number)
{
    return w->text + w->at[number];
}

/* The slot where that word is, or would be. */
static size_t slot_of(const nb_words *w, const char *text, size_t size)
{
    size_t s = hash(text, size) & (w->slots - 1);
    for (; w->slot[s]; s = (s + 1) & (w->slots - 1)) {
        const char *word = nb_words_text(w, w->slot[s] - 1);
        if (strncmp(word, text, size) == 0 && word[size] == 0) break;
    }
    return s;
}

size_t nb_words_find(const nb_words *w, const char *text, size_t size)
{
    const uint32_t found = w->count ? w->slot[slot_of(w, text, size)] : 0;
    return found ? found - 1 : w->count;
}

/* *block of *room elements gets room for `least`, at least twice what it had. */
static nb_status grow(void **block, size_t *room, size_t least, size_t size)
{
    size_t more;
    if (least <= *room) return NB_OK;
    if (!nb_size_mul(least, 2, &more)) return nb_fail(NB_EOVERFLOW, "nb_words_add: %zu", least);
    void *larger = nb_alloc(more, size);
    if (!larger) return NB_ENOMEM;
    if (*room) memcpy(larger, *block, *room * size);
    nb_free(*block);
    *block = larger;
    *room = more;
    return NB_OK;
}

/* At most half of the slots are taken. */
static nb_status grow_slots(nb_words *w)
{
    if (w->slots / 2 > w->count) return NB_OK;
    nb_words larger = *w;
    larger.slots = w->slots ? 2 * w->slots : 16;
    larger.slot = nb_alloc_zero(larger.slots, sizeof *larger.slot);
    if (!larger.slot) return NB_ENOMEM;
    for (size_t i = 0; i < w->count; i++) {
        const char *word = nb_words_text(w, i);
        larger.slot[slot_of(&larger, word, strlen(word))] = (uint32_t)i + 1;
    }
    nb_free(w->slot);
    *w = larger;
    return NB_OK;
}

nb_status nb_words_add(nb_words *w, const char *text, size_t size, size_t *number)
{
    *number = nb_words_find(w, text, size);
    if (*number < w->count) return NB_OK;
    if (w->count + 1 >= NB_WORDS_MAX)
        return nb_fail(NB_EOVERFLOW, "nb_words_add: more than %zu different texts", w->count);
    void *at = w->at, *all = w->text;
    nb_status status = grow(&at, &w->room, w->count + 1, sizeof *w->at);
    w->at = at;
    if (!status) status = grow(&all, &w->text_room, w->used + size + 1, 1);
    w->text = all;
    if (!status) status = grow_slots(w);
    if (status) return status;
    w->slot[slot_of(w, text, size)] = (uint32_t)w->count + 1;
    w->at[w->count++] = w->used;
    memcpy(w->text + w->used, text, size);
    w->text[w->used + size] = 0;
    w->used += size + 1;
    return NB_OK;
}

nb_status nb_words_names(const nb_words *w, const size_t *order, nb_names *names)
{
    *names = (nb_names){0};
    if (w->count == 0) return NB_OK;
    const char **text = nb_alloc(w->count, sizeof *text);
    if (!text) return NB_ENOMEM;
    for (size_t i = 0; i < w->count; i++) text[i] = nb_words_text(w, order ? order[i] : i);
    nb_status status = nb_names_create(names, w->count, text);
    nb_free(text);
    return status;
}

void nb_words_destroy(nb_words *w)
{
    nb_free(w->at);
    nb_free(w->text);
    nb_free(w->slot);
    *w = (nb_words){0};
}
