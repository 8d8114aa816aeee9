#include "nablas/npy.h"
#include "io/elements.h"
#include "nablas/memory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* --- the header's dictionary, read as what it is and never evaluated -------------------------- */

typedef struct cursor {
    const unsigned char *bytes;
    size_t at, end; /* offsets in the file; `end` is the end of the header */
    const char *where;
    bool longs; /* 3L for 3: Python 2 wrote versions 1.0 and 2.0 */
} cursor;

static nb_status fail_at(const cursor *c, const char *expected)
{
    if (c->at >= c->end)
        return nb_fail(NB_EFORMAT, "%s: header ends at offset %zu; expected %s", c->where, c->end,
                       expected);
    unsigned char found = c->bytes[c->at];
    if (found >= ' ' && found < 0x7f)
        return nb_fail(NB_EFORMAT, "%s: offset %zu: found '%c', expected %s", c->where, c->at,
                       found, expected);
    return nb_fail(NB_EFORMAT, "%s: offset %zu: found byte 0x%02x, expected %s", c->where, c->at,
                   found, expected);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && memchr(" \t\r\n\f", c->bytes[c->at], 5)) c->at++;
}

/* Take `token` if it comes next, after any space. */
static bool take(cursor *c, char token)
{
    skip_space(c);
    if (c->at >= c->end || c->bytes[c->at] != (unsigned char)token) return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    size_t length = strlen(word);
    if (c->end - c->at < length || memcmp(c->bytes + c->at, word, length) != 0) return false;
    c->at += length;
    return true;
}

static nb_status parse_string(cursor *c, const char **string, size_t *length)
{
    char quote = '\'';
    if (!take(c, quote) && !take(c, quote = '"')) return fail_at(c, "a string");
    *string = (const char *)c->bytes + c->at;
    for (size_t begin = c->at; c->at < c->end; c->at++) {
        if (c->bytes[c->at] == (unsigned char)quote) {
            *length = c->at++ - begin;
            return NB_OK;
        }
        if (c->bytes[c->at] < ' ' || c->bytes[c->at] == '\\') break;
    }
    return fail_at(c, "the end of a string");
}

static nb_status parse_bool(cursor *c, bool *value)
{
    skip_space(c);
    *value = take_word(c, "True");
    return *value || take_word(c, "False") ? NB_OK : fail_at(c, "True or False");
}

static nb_status parse_size(cursor *c, size_t *value)
{
    skip_space(c);
    size_t begin = c->at, digit;
    for (*value = 0; c->at < c->end; c->at++) {
        digit = (size_t)c->bytes[c->at] - '0';
        if (digit > 9) break;
        if (!nb_size_mul(*value, 10, value) || !nb_size_add(*value, digit, value))
            return nb_fail(NB_EOVERFLOW, "%s: offset %zu: dimension does not fit a size", c->where,
                           begin);
    }
    if (c->at == begin) return fail_at(c, "a dimension");
    if (c->bytes[begin] == '0' && c->at > begin + 1) {
        c->at = begin;
        return fail_at(c, "a dimension without leading zeros");
    }
    if (c->longs) take(c, 'L');
    return NB_OK;
}

/* (), (3,), (3, 4), (3, 4,): as Python writes a tuple; (3) is none. */
static nb_status parse_shape(cursor *c, nb_shape *shape)
{
    bool comma = true;
    shape->ndim = 0;
    if (!take(c, '(')) return fail_at(c, "'(' of a shape");
    while (!take(c, ')')) {
        size_t dim;
        if (!comma) return fail_at(c, "',' or ')'");
        nb_status status = parse_size(c, &dim);
        if (status) return status;
        if (shape->ndim == NB_MAX_DIMS)
            return nb_fail(NB_ERANGE, "%s: offset %zu: more than %d dimensions", c->where, c->at,
                           NB_MAX_DIMS);
        shape->dim[shape->ndim++] = dim;
        comma = take(c, ',');
        if (!comma && shape->ndim == 1) return fail_at(c, "',' of a tuple");
    }
    return NB_OK;
}

static nb_status parse_descr(cursor *c, nb_elements *layout)
{
    const char *descr;
    size_t length;
    skip_space(c);
    if (c->at < c->end && c->bytes[c->at] == '[')
        return nb_fail(NB_EDTYPE, "%s: offset %zu: a structured element type; expected a plain one",
                       c->where, c->at);
    nb_status status = parse_string(c, &descr, &length);
    return status ? status : nb_elements_descr(layout, descr, length, c->where);
}

static nb_status parse_item(cursor *c, nb_elements *layout, unsigned *seen)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    const char *key = "";
    size_t length = 0, which = 0, begin = c->at;
    nb_status status = parse_string(c, &key, &length);
    if (status) return status;
    while (which < 3 && (strlen(keys[which]) != length || memcmp(keys[which], key, length) != 0))
        which++;
    if (which == 3)
        return nb_fail(NB_EFORMAT,
                       "%s: offset %zu: key '%.*s'; expected descr, fortran_order or "
                       "shape",
                       c->where, begin, (int)(length < 40 ? length : 40), key);
    if (*seen & 1u << which)
        return nb_fail(NB_EFORMAT, "%s: offset %zu: key '%s' for the second time", c->where, begin,
                       keys[which]);
    *seen |= 1u << which;
    if (!take(c, ':')) return fail_at(c, "':'");
    switch (which) {
    case 0:
        return parse_descr(c, layout);
    case 1:
        return parse_bool(c, &layout->fortran);
    default:
        return parse_shape(c, &layout->shape);
    }
}

static nb_status parse_dict(cursor *c, nb_elements *layout)
{
    unsigned seen = 0;
    bool comma = true;
    if (!take(c, '{')) return fail_at(c, "'{'");
    while (!take(c, '}')) {
        if (!comma) return fail_at(c, "',' or '}'");
        nb_status status = parse_item(c, layout, &seen);
        if (status) return status;
        comma = take(c, ',');
    }
    if (seen != 7)
        return nb_fail(NB_EFORMAT, "%s: offset %zu: the header lacks %s", c->where, c->at,
                       !(seen & 1) ? "descr" : (!(seen & 2) ? "fortran_order" : "shape"));
    skip_space(c);
    return c->at == c->end ? NB_OK : fail_at(c, "nothing after '}'");
}

/* --- the file ----------------------------------------------------------------------------------
 */

/* Magic, version and the header's bounds. */
static nb_status find_header(cursor *c, size_t size)
{
    const unsigned char *b = c->bytes;
    if (size < 8 || memcmp(b, magic, sizeof magic) != 0)
        return nb_fail(NB_EFORMAT,
                       "%s: offset 0: not a .npy file: expected \\x93NUMPY, a version "
                       "and a header, found %zu bytes that are not so",
                       c->where, size);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return nb_fail(NB_EFORMAT, "%s: offset 6: version %d.%d; expected 1.0, 2.0 or 3.0",
                       c->where, b[6], b[7]);
    size_t width = b[6] == 1 ? 2 : 4, length = 0;
    if (size < 8 + width)
        return nb_fail(NB_EFORMAT, "%s: offset 8: file ends within the header's length", c->where);
    for (size_t i = width; i-- > 0;) length = length << 8 | b[8 + i];
    if (length > size - 8 - width)
        return nb_fail(NB_EFORMAT, "%s: offset 8: header of %zu bytes; %zu are left", c->where,
                       length, size - 8 - width);
    c->longs = b[6] < 3;
    c->at = 8 + width;
    c->end = c->at + length;
    return NB_OK;
}

/* The header, and where the elements begin. */
static nb_status parse_header(cursor *c, size_t size, nb_elements *layout)
{
    char text[200];
    size_t expected;
    nb_status status = find_header(c, size);
    if (!status) status = parse_dict(c, layout);
    if (!status) status = nb_elements_bytes(layout, c->where, &expected);
    if (status || size - c->end == expected) return status;
    return nb_fail(NB_EFORMAT, "%s: offset %zu: %zu bytes of elements; %s %s takes %zu", c->where,
                   c->end, size - c->end, nb_dtype_name(layout->dtype),
                   nb_shape_text(layout->shape, text, sizeof text), expected);
}

nb_status nb_npy_parse(const void *bytes, size_t size, const char *label, nb_tensor *out)
{
    char where[320];
    nb_elements layout = {0};
    nb_status status = nb_elements_arguments("nb_npy_parse", bytes, label, out);
    if (out) *out = (nb_tensor){0};
    if (status) return status;
    snprintf(where, sizeof where, "nb_npy_parse: %s", nb_file_label(label));
    cursor c = {bytes, 0, 0, where, false};
    status = parse_header(&c, size, &layout);
    return status ? status : nb_elements_read(&layout, c.bytes + c.end, out);
}

nb_status nb_npy_view(const void *bytes, size_t size, const char *label, nb_tensor *out)
{
    char where[320];
    nb_elements layout = {0};
    nb_status status = nb_elements_arguments("nb_npy_view", bytes, label, out);
    if (out) *out = (nb_tensor){0};
    if (status) return status;
    snprintf(where, sizeof where, "nb_npy_view: %s", nb_file_label(label));
    cursor c = {bytes, 0, 0, where, false};
    status = parse_header(&c, size, &layout);
    if (status) return status;
    const unsigned char *data = c.bytes + c.end;
    if (layout.swapped || layout.fortran || layout.permuted ||
        (uintptr_t)data % nb_dtype_size(layout.dtype) != 0)
        return nb_fail(
            NB_EFORMAT, "%s: elements in %s order: they can be read (nb_npy_load), not mapped",
            where, layout.swapped ? "another byte" : (layout.fortran ? "Fortran's" : "another"));
    *out = nb_tensor_view(layout.dtype, layout.shape, (void *)(uintptr_t)data);
    return NB_OK;
}

nb_status nb_npy_load(const char *path, nb_tensor *out)
{
    unsigned char *bytes;
    size_t size;
    if (out) *out = (nb_tensor){0};
    if (!path || !out) return nb_fail(NB_EINVAL, "nb_npy_load: %s is NULL", !path ? "path" : "out");
    nb_status status = nb_file_read(path, &bytes, &size);
    if (status) return status;
    status = nb_npy_parse(bytes, size, path, out);
    nb_free(bytes);
    return status;
}

/* np.save leaves room for the first dimension to grow to 21 digits, and ends the header on a
 * multiple of 64 with a newline. */
size_t nb_npy_header(const nb_tensor *tensor, char header[NB_NPY_HEADER_MAX])
{
    char shape[200], dict[NB_NPY_HEADER_MAX];
    if (!tensor || !header) return 0;
    char order = nb_dtype_size(tensor->dtype) == 1 ? '|' : (NB_HOST_IS_LITTLE ? '<' : '>');
    int room = 0;
    if (tensor->shape.ndim > 0) room = 21 - snprintf(NULL, 0, "%zu", tensor->shape.dim[0]);
    int used =
        snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }%*s",
                 order, nb_elements_kind(tensor->dtype),
                 nb_shape_text(tensor->shape, shape, sizeof shape), room, "");
    size_t total = (10 + (size_t)used + 1) / 64 * 64 + 64, length = total - 10;
    memcpy(header, magic, sizeof magic);
    memcpy(header + 6, (char[]){1, 0, (char)(length & 0xff), (char)(length >> 8)}, 4);
    memset(header + 10, ' ', length);
    memcpy(header + 10, dict, (size_t)used);
    header[total - 1] = '\n';
    return total;
}

nb_status nb_npy_save(const nb_tensor *tensor, const char *path)
{
    char header[NB_NPY_HEADER_MAX];
    nb_file file = {0};
    if (!tensor || !path)
        return nb_fail(NB_EINVAL, "nb_npy_save: %s is NULL", !tensor ? "tensor" : "path");
    nb_status status = nb_elements_check("nb_npy_save", tensor);
    size_t length = status ? 0 : nb_npy_header(tensor, header);
    if (!status) status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, header, length);
    if (!status)
        status = nb_file_write(&file, tensor->data,
                               nb_tensor_count(tensor) * nb_dtype_size(tensor->dtype));
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    return status;
}
