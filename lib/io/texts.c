#include "io/texts.h"

#include <errno.h>
#include <string.h>

/* The length of the well-formed sequence that `left` bytes at `s` begin with, 0 if there is none. */
static size_t sequence(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    const size_t length = s[0] < 0xe0 ? 2 : (s[0] < 0xf0 ? 3 : 4);
    if (s[0] == 0xe0) low = 0xa0;  /* not the shortest form */
    if (s[0] == 0xed) high = 0x9f; /* surrogates */
    if (s[0] == 0xf0) low = 0x90;
    if (s[0] == 0xf4) high = 0x8f; /* beyond U+10FFFF */
    if (length > left || s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf) return 0;
    return length;
}

bool nb_is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t length; size > 0; at += length, size -= length)
        if ((length = sequence(at, size)) == 0) return false;
    return true;
}

nb_status nb_texts_load(const void *bytes, size_t size, size_t offset, const char *where,
                        json_t **out)
{
    json_error_t error;
    errno = 0;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (*out) return NB_OK;
    /* jansson calls many a failed malloc a wrong token; malloc itself says what it was. */
    if (errno == ENOMEM || json_error_code(&error) == json_error_out_of_memory)
        return nb_fail(NB_ENOMEM, "%s: no memory to read the JSON", where);
    return nb_fail(NB_EFORMAT, "%s: offset %lld: %s", where, (long long)offset + error.position,
                   error.text);
}

nb_status nb_texts_read(json_t *map, const char *where, nb_arrays *arrays)
{
    const char *key;
    json_t *value;
    nb_status status = NB_OK;
    if (!json_is_object(map)) return nb_fail(NB_EFORMAT, "%s: expected an object", where);
    json_object_foreach(map, key, value)
    {
        if (!json_is_string(value))
            return nb_fail(NB_EFORMAT, "%s: \"%.40s\": expected a string", where, key);
        status = nb_arrays_set_text(arrays, key, json_string_value(value));
        if (status == NB_ERANGE)
            return nb_fail(status, "%s: texts beyond %d or %zu bytes", where, NB_TEXTS_MAX,
                           NB_TEXTS_MAX_BYTES);
        if (status) return status;
    }
    return NB_OK;
}

json_t *nb_texts_make(const nb_arrays *arrays)
{
    json_t *map = json_object();
    int failed = 0;
    for (size_t i = 0; i < arrays->texts; i++)
        failed |= json_object_set_new(map, arrays->text[i].key, json_string(arrays->text[i].value));
    if (!failed) return map;
    json_decref(map);
    return NULL;
}
