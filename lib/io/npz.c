#include "nablas/npz.h"
#include "io/elements.h"
#include "io/texts.h"
#include "io/zip_stream.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npy.h"

#include <errno.h>
#include <minizip/unzip.h>
#include <minizip/zip.h>
#include <stdio.h>
#include <string.h>

/* Deflate codes at most 258 bytes in two bits: Deutsch, RFC 1951, 3.2.5. */
#define DEFLATE_MAX_RATIO 1032

/* The entry of the texts. np.load gives its bytes for this name. */
#define TEXTS "__metadata__.json"

/* The least that an archive has: its end record. */
enum { END_RECORD = 22 };

/* What minizip could not do. It does not say when memory was the reason; malloc does. */
static nb_status zip_fail(int code, nb_status otherwise, const char *where)
{
    if (errno == ENOMEM || code == Z_MEM_ERROR)
        return nb_fail(NB_ENOMEM, "%s: no memory for minizip", where);
    const char *why = code == UNZ_CRCERROR      ? "the checksum (CRC) is another one"
                      : code == Z_DATA_ERROR    ? "damaged compressed data"
                      : code == UNZ_BADZIPFILE  ? "not a zip archive, or a damaged one"
                      : otherwise == NB_EFORMAT ? "damaged"
                                                : "minizip failed";
    return nb_fail(otherwise, "%s: %s", where, why);
}

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct reader {
    unzFile zip; /* at the entry that is read */
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
static nb_status check_entry(reader *r, const unz_file_info64 *info, const char *name,
                             const char *where)
{
    const ZPOS64_T packed = info->compressed_size, size = info->uncompressed_size;
    if (info->flag & 1) return nb_fail(NB_EFORMAT, "%s: encrypted", where);
    if (info->compression_method != 0 && info->compression_method != Z_DEFLATED)
        return nb_fail(NB_EFORMAT,
                       "%s: compression method %lu; expected 0 (stored) or 8 (deflated)", where,
                       info->compression_method);
    if (packed > r->packed_left)
        return nb_fail(NB_EFORMAT, "%s: %llu packed bytes; %zu of the file are left", where,
                       (unsigned long long)packed, r->packed_left);
    r->packed_left -= (size_t)packed;
    if (size / (info->compression_method == 0 ? 1 : DEFLATE_MAX_RATIO) > packed)
        return nb_fail(NB_EFORMAT, "%s: %llu bytes declared; %llu packed bytes cannot hold them",
                       where, (unsigned long long)size, (unsigned long long)packed);
    const size_t room = strcmp(name, TEXTS) == 0 ? NB_TEXTS_MAX_JSON : r->room_left;
    if (size > room || size > r->room_left)
        return nb_fail(NB_ERANGE, "%s: %llu bytes declared; more than the %zu that are allowed",
                       where, (unsigned long long)size, room < r->room_left ? room : r->room_left);
    r->room_left -= (size_t)size;
    return NB_OK;
}

/* Unpack the entry into `bytes`. Closing it after the read past its end compares the CRC. */
static nb_status unpack(unzFile zip, unsigned char *bytes, size_t size, const char *where)
{
    enum { MOST = 1 << 30 };
    size_t have = 0;
    int code = unzOpenCurrentFile(zip), got = 0;
    if (code) return zip_fail(code, NB_EFORMAT, where);
    while (have < size &&
           (got = unzReadCurrentFile(zip, bytes + have,
                                     size - have < MOST ? (unsigned)(size - have) : MOST)) > 0)
        have += (size_t)got;
    unsigned char beyond;
    if (got >= 0 && have == size) got = unzReadCurrentFile(zip, &beyond, 1);
    nb_status status = NB_OK;
    if (got < 0)
        status = zip_fail(got, NB_EFORMAT, where);
    else if (have < size || got > 0)
        status = nb_fail(NB_EFORMAT, "%s: unpacks to %s than the %zu bytes declared", where,
                         have < size ? "less" : "more", size);
    code = unzCloseCurrentFile(zip);
    return code && !status ? zip_fail(code, NB_EFORMAT, where) : status;
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

static nb_status read_named(reader *r, const unz_file_info64 *info, const char *name)
{
    char where[400];
    snprintf(where, sizeof where, "nb_npz_parse: %s: %.100s", r->label, name);
    if (strlen(name) != info->size_filename)
        return nb_fail(NB_EFORMAT, "%s: a zero byte in the name", where);
    if (ends_in(name, "/")) return NB_OK; /* a folder */
    nb_status status = check_entry(r, info, name, where);
    if (status) return status;
    const size_t size = (size_t)info->uncompressed_size;
    unsigned char *bytes = nb_alloc(size, 1);
    if (!bytes) return NB_ENOMEM;
    status = unpack(r->zip, bytes, size, where);
    if (!status && strcmp(name, TEXTS) == 0)
        status = read_texts(r, bytes, size, where);
    else if (!status && !ends_in(name, ".npy") &&
             !(size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0))
        status = nb_fail(NB_EFORMAT, "%s: no array, and not " TEXTS, where);
    else if (!status)
        status = read_array(r, name, bytes, size, where + strlen("nb_npz_parse: "));
    nb_free(bytes);
    return status;
}

static nb_status read_entry(reader *r)
{
    unz_file_info64 info;
    char where[400];
    snprintf(where, sizeof where, "nb_npz_parse: %s", r->label);
    int code = unzGetCurrentFileInfo64(r->zip, &info, NULL, 0, NULL, 0, NULL, 0);
    if (code) return zip_fail(code, NB_EFORMAT, where);
    char *name = nb_alloc(info.size_filename + 1, 1);
    if (!name) return NB_ENOMEM;
    code = unzGetCurrentFileInfo64(r->zip, NULL, name, info.size_filename + 1, NULL, 0, NULL, 0);
    name[info.size_filename] = 0;
    nb_status status = code ? zip_fail(code, NB_EFORMAT, where) : read_named(r, &info, name);
    nb_free(name);
    return status;
}

static nb_status read_entries(reader *r, const char *where)
{
    unz_global_info64 all;
    nb_status status = NB_OK;
    int code = unzGetGlobalInfo64(r->zip, &all);
    if (!code && all.number_entry > 0) code = unzGoToFirstFile(r->zip);
    for (ZPOS64_T i = 0; i < all.number_entry && !code && !status; i++) {
        status = read_entry(r);
        if (!status && i + 1 < all.number_entry) code = unzGoToNextFile(r->zip);
    }
    return code ? zip_fail(code, NB_EFORMAT, where) : status;
}

nb_status nb_npz_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    char where[400];
    nb_status status = nb_elements_arguments("nb_npz_parse", bytes, label, arrays);
    if (arrays) *arrays = (nb_arrays){0};
    if (status) return status;
    label = nb_file_label(label);
    if (size < END_RECORD)
        return nb_fail(NB_EFORMAT, "nb_npz_parse: %s: %zu bytes; a zip archive has %d or more",
                       label, size, END_RECORD);
    /* Without an entry its directory begins at 0, which minizip takes for not found. */
    static const unsigned char empty[END_RECORD] = {'P', 'K', 5, 6};
    if (size == END_RECORD && memcmp(bytes, empty, sizeof empty) == 0) return NB_OK;
    snprintf(where, sizeof where, "nb_npz_parse: %s", label);
    nb_zip_stream stream = {.bytes = (unsigned char *)(uintptr_t)bytes, .size = size};
    zlib_filefunc64_def calls = nb_zip_stream_calls(&stream);
    errno = 0;
    reader r = {unzOpen2_64(label, &calls), label, size, size, false, arrays};
    if (!r.zip) return zip_fail(UNZ_BADZIPFILE, NB_EFORMAT, where);
    if (!nb_size_add(size, NB_NPZ_MAX_GROWTH, &r.room_left)) r.room_left = SIZE_MAX;
    if (!stream.cut) status = read_entries(&r, where);
    if (stream.cut && !status) status = nb_fail(NB_EFORMAT, "%s: cut off", where);
    if (status) nb_arrays_destroy(arrays);
    unzClose(r.zip);
    return status;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static nb_status write_bytes(zipFile zip, const void *bytes, size_t size, const char *where)
{
    enum { MOST = 1 << 30 };
    const unsigned char *from = bytes;
    while (size > 0) {
        const unsigned count = size < MOST ? (unsigned)size : MOST;
        const int code = zipWriteInFileInZip(zip, from, count);
        if (code) return zip_fail(code, NB_EIO, where);
        from += count;
        size -= count;
    }
    return NB_OK;
}

/* An entry of a header, which may be empty, and what follows it. */
static nb_status add_entry(zipFile zip, const char *name, const void *header, size_t header_size,
                           const void *bytes, size_t size, bool deflate)
{
    enum { UTF_8 = 1 << 11, MEMORY = 8 };
    char where[200];
    /* 1980-01-01 00:00 in the words of MS-DOS: the first moment that a zip archive knows. */
    const zip_fileinfo info = {.dosDate = (1 << 5 | 1) << 16};
    snprintf(where, sizeof where, "nb_npz_save: '%.100s'", name);
    const bool large = size > UINT32_MAX / 2;
    int code = zipOpenNewFileInZip4_64(
        zip, name, &info, NULL, 0, NULL, 0, NULL, deflate ? Z_DEFLATED : 0, Z_DEFAULT_COMPRESSION,
        0, -MAX_WBITS, MEMORY, Z_DEFAULT_STRATEGY, NULL, 0, 0, UTF_8, large);
    if (code) return zip_fail(code, NB_EIO, where);
    nb_status status = write_bytes(zip, header, header_size, where);
    if (!status) status = write_bytes(zip, bytes, size, where);
    code = zipCloseFileInZip(zip);
    return code && !status ? zip_fail(code, NB_EIO, where) : status;
}

static nb_status add_array(zipFile zip, const nb_named_array *array, bool deflate)
{
    char header[NB_NPY_HEADER_MAX];
    const nb_tensor *t = &array->tensor;
    const size_t length = strlen(array->name);
    if (!nb_is_utf8(array->name, strlen(array->name)))
        return nb_fail(NB_EINVAL, "nb_npz_save: name '%.100s': expected UTF-8", array->name);
    if (length + strlen(".npy") > UINT16_MAX)
        return nb_fail(NB_EINVAL,
                       "nb_npz_save: name '%.100s...' of %zu bytes: a zip archive has "
                       "room for %zu",
                       array->name, length, UINT16_MAX - strlen(".npy"));
    char *name = nb_alloc(length + sizeof ".npy", 1);
    if (!name) return NB_ENOMEM;
    memcpy(name, array->name, length);
    memcpy(name + length, ".npy", sizeof ".npy");
    nb_status status = add_entry(zip, name, header, nb_npy_header(t, header), t->data,
                                 nb_tensor_count(t) * nb_dtype_size(t->dtype), deflate);
    nb_free(name);
    return status;
}

static nb_status add_texts(zipFile zip, const nb_arrays *arrays, bool deflate)
{
    json_t *map = nb_texts_make(arrays);
    const size_t size = map ? json_dumpb(map, NULL, 0, 0) : 0;
    char *json = size ? nb_alloc(size, 1) : NULL;
    const bool made = json && json_dumpb(map, json, size, 0) == size;
    nb_status status = made ? add_entry(zip, TEXTS, NULL, 0, json, size, deflate)
                            : nb_fail(NB_ENOMEM, "nb_npz_save: no memory for " TEXTS);
    json_decref(map);
    nb_free(json);
    return status;
}

static nb_status make_archive(nb_zip_stream *stream, const nb_arrays *arrays, bool deflate)
{
    zlib_filefunc64_def calls = nb_zip_stream_calls(stream);
    nb_status status = NB_OK;
    zipFile zip = zipOpen2_64("", APPEND_STATUS_CREATE, NULL, &calls);
    if (!zip) return zip_fail(ZIP_INTERNALERROR, NB_EIO, "nb_npz_save");
    if (arrays->texts > 0) status = add_texts(zip, arrays, deflate);
    for (size_t i = 0; i < arrays->count && !status; i++)
        status = add_array(zip, &arrays->item[i], deflate);
    const int code = zipClose(zip, NULL);
    if (code && !status) status = zip_fail(code, NB_EIO, "nb_npz_save");
    return stream->no_memory ? NB_ENOMEM : status;
}

nb_status nb_npz_save(const nb_arrays *arrays, const char *path, bool deflate)
{
    nb_file file = {0};
    nb_zip_stream stream = {0};
    if (!arrays || !path)
        return nb_fail(NB_EINVAL, "nb_npz_save: %s is NULL", !arrays ? "arrays" : "path");
    errno = 0;
    nb_status status = make_archive(&stream, arrays, deflate);
    if (!status) status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, stream.bytes, stream.size);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    nb_free(stream.bytes);
    return status;
}
