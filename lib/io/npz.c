#include "nablas/npz.h"
#include "io/elements.h"
#include "io/texts.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zip.h>

/* Deflate codes at most 258 bytes in two bits: Deutsch, RFC 1951, 3.2.5. */
#define DEFLATE_MAX_RATIO 1032

/* The entry of the texts. np.load gives its bytes for this name. */
#define TEXTS "__metadata__.json"

/* The end record, which is all that an archive without entries has. */
static const unsigned char empty_archive[22] = {'P', 'K', 5, 6};

/* What libzip could not do. It does not always know that memory was the reason; malloc says so. */
static nb_status zip_fail(zip_error_t *error, nb_status otherwise, const char *where)
{
    if (errno == ENOMEM || zip_error_code_zip(error) == ZIP_ER_MEMORY)
        return nb_fail(NB_ENOMEM, "%s: no memory for libzip", where);
    return nb_fail(otherwise, "%s: %s", where, zip_error_strerror(error));
}

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct reader {
    zip_t *zip;
    const char *label;
    size_t packed_left, room_left; /* bytes the entries may still take, packed and unpacked */
    bool has_texts;
    nb_arrays *arrays;
} reader;

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

/* Judge an entry by the directory's word, before a byte of it is unpacked. */
static nb_status check_entry(reader *r, const zip_stat_t *info, const char *where)
{
    if (info->encryption_method != ZIP_EM_NONE) return nb_fail(NB_EFORMAT, "%s: encrypted", where);
    if (info->comp_method != ZIP_CM_STORE && info->comp_method != ZIP_CM_DEFLATE)
        return nb_fail(NB_EFORMAT, "%s: compression method %u; expected 0 (stored) or 8 (deflated)",
                       where, (unsigned)info->comp_method);
    if (info->comp_size > r->packed_left)
        return nb_fail(NB_EFORMAT, "%s: %llu packed bytes; %zu of the file are left", where,
                       (unsigned long long)info->comp_size, r->packed_left);
    r->packed_left -= (size_t)info->comp_size;
    size_t ratio = info->comp_method == ZIP_CM_STORE ? 1 : DEFLATE_MAX_RATIO;
    if (info->size / ratio > info->comp_size)
        return nb_fail(NB_EFORMAT, "%s: %llu bytes declared; %llu packed bytes cannot hold them",
                       where, (unsigned long long)info->size, (unsigned long long)info->comp_size);
    if (info->size > r->room_left)
        return nb_fail(NB_ERANGE, "%s: %llu bytes declared; more than the %zu that are allowed",
                       where, (unsigned long long)info->size, r->room_left);
    r->room_left -= (size_t)info->size;
    if (strcmp(info->name, TEXTS) == 0 && info->size > NB_TEXTS_MAX_JSON)
        return nb_fail(NB_ERANGE, "%s: %llu bytes declared; more than the %zu that are allowed",
                       where, (unsigned long long)info->size, NB_TEXTS_MAX_JSON);
    return NB_OK;
}

/* Unpack entry i into `bytes`; the read past its end makes libzip check the CRC. */
static nb_status unpack(zip_t *zip, zip_uint64_t i, unsigned char *bytes, size_t size,
                        const char *where)
{
    size_t have = 0;
    zip_int64_t got = 0;
    zip_file_t *file = zip_fopen_index(zip, i, 0);
    if (!file) return zip_fail(zip_get_error(zip), NB_EFORMAT, where);
    while (have < size && (got = zip_fread(file, bytes + have, size - have)) > 0)
        have += (size_t)got;
    unsigned char beyond;
    if (got >= 0 && have == size) got = zip_fread(file, &beyond, 1);
    nb_status status = NB_OK;
    if (got < 0)
        status = zip_fail(zip_file_get_error(file), NB_EFORMAT, where);
    else if (have < size || got > 0)
        status = nb_fail(NB_EFORMAT, "%s: unpacks to %s than the %zu bytes declared", where,
                         have < size ? "less" : "more", size);
    if (zip_fclose(file) && !status) status = nb_fail(NB_EFORMAT, "%s: damaged at its end", where);
    return status;
}

static nb_status read_texts(reader *r, const unsigned char *bytes, size_t size, const char *where)
{
    json_t *map = NULL;
    if (r->has_texts) return nb_fail(NB_EFORMAT, "%s: the name for the second time", where);
    r->has_texts = true;
    nb_status status = nb_texts_load(bytes, size, 0, where, &map);
    if (!status) status = nb_texts_read(map, where, r->arrays);
    json_decref(map);
    return status;
}

/* `entry` is "W1.npy" or, as np.load reads it too, "W1"; `label`, of the messages, is "file.npz:
 * W1.npy". */
static nb_status read_array(reader *r, const char *entry, const unsigned char *bytes, size_t size,
                            const char *label)
{
    nb_tensor tensor = {0};
    size_t stem = strlen(entry) - (ends_in(entry, ".npy") ? strlen(".npy") : 0);
    char *name = nb_alloc(stem + 1, 1);
    if (!name) return NB_ENOMEM;
    memcpy(name, entry, stem);
    name[stem] = 0;
    nb_status status = NB_OK;
    if (nb_arrays_find(r->arrays, name))
        status = nb_fail(NB_EFORMAT, "nb_npz_parse: %s: the name for the second time", label);
    if (!status) status = nb_npy_parse(bytes, size, label, &tensor);
    if (!status) status = nb_arrays_add(r->arrays, name, &tensor);
    nb_tensor_destroy(&tensor);
    nb_free(name);
    return status;
}

static nb_status read_entry(reader *r, zip_uint64_t i)
{
    char where[400];
    zip_stat_t info;
    snprintf(where, sizeof where, "nb_npz_parse: %s: entry %llu", r->label, (unsigned long long)i);
    if (zip_stat_index(r->zip, i, 0, &info))
        return zip_fail(zip_get_error(r->zip), NB_EFORMAT, where);
    snprintf(where, sizeof where, "nb_npz_parse: %s: %.100s", r->label, info.name);
    if (ends_in(info.name, "/")) return NB_OK; /* a folder */
    nb_status status = check_entry(r, &info, where);
    if (status) return status;
    size_t size = (size_t)info.size;
    unsigned char *bytes = nb_alloc(size, 1);
    if (!bytes) return NB_ENOMEM;
    status = unpack(r->zip, i, bytes, size, where);
    if (!status && strcmp(info.name, TEXTS) == 0)
        status = read_texts(r, bytes, size, where);
    else if (!status && !ends_in(info.name, ".npy") &&
             !(size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0))
        status = nb_fail(NB_EFORMAT, "%s: no array, and not " TEXTS, where);
    else if (!status)
        status = read_array(r, info.name, bytes, size, where + strlen("nb_npz_parse: "));
    nb_free(bytes);
    return status;
}

nb_status nb_npz_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    zip_error_t error;
    char where[400];
    nb_status status = nb_elements_arguments("nb_npz_parse", bytes, label, arrays);
    if (arrays) *arrays = (nb_arrays){0};
    if (status) return status;
    label = nb_file_label(label);
    if (size < sizeof empty_archive) /* libzip takes an empty file for an empty archive */
        return nb_fail(NB_EFORMAT, "nb_npz_parse: %s: %zu bytes; a zip archive has %zu or more",
                       label, size, sizeof empty_archive);
    snprintf(where, sizeof where, "nb_npz_parse: %s", label);
    errno = 0;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    /* Without ZIP_CHECKCONS, which refuses archives that were written as a stream, and a name given
     * twice without saying which: what it guards against is checked entry by entry. */
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip) {
        status = zip_fail(&error, NB_EFORMAT, where);
        zip_source_free(source);
        zip_error_fini(&error);
        return status;
    }
    reader r = {zip, label, size, size, false, arrays};
    if (!nb_size_add(size, NB_NPZ_MAX_GROWTH, &r.room_left)) r.room_left = SIZE_MAX;
    zip_uint64_t count = (zip_uint64_t)zip_get_num_entries(zip, 0);
    for (zip_uint64_t i = 0; i < count && !status; i++) status = read_entry(&r, i);
    if (status) nb_arrays_destroy(arrays);
    zip_discard(zip);
    zip_error_fini(&error);
    return status;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Append an entry of these parts, which must last until the archive is closed. */
static nb_status add_entry(zip_t *zip, const char *name, const zip_buffer_fragment_t *parts,
                           size_t count, bool deflate)
{
    char where[200];
    snprintf(where, sizeof where, "nb_npz_save: '%.100s'", name);
    zip_source_t *source = zip_source_buffer_fragment(zip, parts, count, 0);
    zip_int64_t i = source ? zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (i < 0) zip_source_free(source);
    /* 1980-01-01 00:00 in the words of MS-DOS: the first moment that a zip archive knows. */
    if (i < 0 || zip_file_set_dostime(zip, (zip_uint64_t)i, 0, 1 << 5 | 1, 0) ||
        zip_set_file_compression(zip, (zip_uint64_t)i, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0))
        return zip_fail(zip_get_error(zip), NB_EINVAL, where);
    return NB_OK;
}

static nb_status add_array(zip_t *zip, const nb_named_array *array, char *header, bool deflate)
{
    const nb_tensor *t = &array->tensor;
    const zip_buffer_fragment_t parts[2] = {
        {(zip_uint8_t *)header, nb_npy_header(t, header)},
        {t->data, nb_tensor_count(t) * nb_dtype_size(t->dtype)},
    };
    size_t length = strlen(array->name);
    if (!nb_is_utf8(array->name))
        return nb_fail(NB_EINVAL, "nb_npz_save: name '%.100s': expected UTF-8", array->name);
    char *name = nb_alloc(length + sizeof ".npy", 1);
    if (!name) return NB_ENOMEM;
    memcpy(name, array->name, length);
    memcpy(name + length, ".npy", sizeof ".npy");
    nb_status status = add_entry(zip, name, parts, parts[1].length ? 2 : 1, deflate);
    nb_free(name);
    return status;
}

/* What the archive is made of, beside the arrays' elements. */
typedef struct parts {
    char (*headers)[NB_NPY_HEADER_MAX];
    char *texts;
} parts;

static nb_status add_texts(zip_t *zip, const nb_arrays *arrays, char **json, bool deflate)
{
    json_t *map = nb_texts_make(arrays);
    size_t size = map ? json_dumpb(map, NULL, 0, 0) : 0;
    *json = size ? nb_alloc(size, 1) : NULL;
    bool made = *json && json_dumpb(map, *json, size, 0) == size;
    json_decref(map);
    if (!made) return nb_fail(NB_ENOMEM, "nb_npz_save: no memory for " TEXTS);
    return add_entry(zip, TEXTS, &(zip_buffer_fragment_t){(zip_uint8_t *)*json, size}, 1, deflate);
}

static nb_status add_all(zip_t *zip, const nb_arrays *arrays, parts *p, bool deflate)
{
    nb_status status = NB_OK;
    p->headers = nb_alloc(arrays->count, sizeof *p->headers);
    if (!p->headers) return NB_ENOMEM;
    if (arrays->texts > 0) status = add_texts(zip, arrays, &p->texts, deflate);
    for (size_t i = 0; i < arrays->count && !status; i++)
        status = add_array(zip, &arrays->item[i], p->headers[i], deflate);
    return status;
}

/* Make the archive in the memory behind `source`, which the caller owns. */
static nb_status make_archive(zip_source_t *source, const nb_arrays *arrays, bool deflate)
{
    zip_error_t error;
    parts p = {0};
    zip_error_init(&error);
    zip_source_keep(source); /* zip_close lets go of it */
    zip_t *zip = zip_open_from_source(source, ZIP_TRUNCATE, &error);
    nb_status status = NB_OK;
    if (!zip) {
        zip_source_free(source);
        status = zip_fail(&error, NB_EIO, "nb_npz_save");
    }
    if (!status) status = add_all(zip, arrays, &p, deflate);
    if (!status && zip_close(zip)) status = zip_fail(zip_get_error(zip), NB_EIO, "nb_npz_save");
    if (status && zip) zip_discard(zip);
    zip_error_fini(&error);
    nb_free(p.headers);
    nb_free(p.texts);
    return status;
}

static nb_status write_archive(zip_source_t *source, nb_file *file)
{
    char part[16384];
    zip_int64_t got = 0;
    nb_status status = NB_OK;
    if (zip_source_open(source)) return zip_fail(zip_source_error(source), NB_EIO, "nb_npz_save");
    while (!status && (got = zip_source_read(source, part, sizeof part)) > 0)
        status = nb_file_write(file, part, (size_t)got);
    if (got < 0) status = zip_fail(zip_source_error(source), NB_EIO, "nb_npz_save");
    if (zip_source_close(source) && !status)
        status = zip_fail(zip_source_error(source), NB_EIO, "nb_npz_save");
    return status;
}

nb_status nb_npz_save(const nb_arrays *arrays, const char *path, bool deflate)
{
    zip_error_t error;
    nb_file file = {0};
    if (!arrays || !path)
        return nb_fail(NB_EINVAL, "nb_npz_save: %s is NULL", !arrays ? "arrays" : "path");
    errno = 0;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    nb_status status = NB_OK;
    bool empty = arrays->count + arrays->texts == 0; /* of which libzip makes no archive */
    if (!source) status = zip_fail(&error, NB_EIO, "nb_npz_save");
    if (!status && !empty) status = make_archive(source, arrays, deflate);
    if (!status) status = nb_file_begin(&file, path);
    if (!status)
        status = empty ? nb_file_write(&file, empty_archive, sizeof empty_archive)
                       : write_archive(source, &file);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    zip_source_free(source);
    zip_error_fini(&error);
    return status;
}
