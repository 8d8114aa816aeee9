#include "nablas/idx.h"
#include "nablas/file.h"
#include "nablas/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const struct {
    unsigned char code;
    nb_dtype dtype;
} types[] = {
    {0x08, NB_UINT8}, {0x09, NB_INT8},    {0x0b, NB_INT16},
    {0x0c, NB_INT32}, {0x0d, NB_FLOAT32}, {0x0e, NB_FLOAT64},
};
enum { TYPES = sizeof types / sizeof *types };

/* Big-endian to the machine's order, or back: the elements' bytes reversed, unless the machine is
 * big-endian itself. The three sizes are spelled out so that each loop is one byte-swap. */
static void reorder(void *data, size_t count, size_t size)
{
    static const uint16_t one = 1;
    unsigned char *p = data;
    if (*(const unsigned char *)&one == 0) return;
    if (size == 2) {
        for (size_t i = 0; i < count; i++, p += 2) {
            uint16_t x = (uint16_t)(p[0] << 8 | p[1]);
            memcpy(p, &x, 2);
        }
    } else if (size == 4) {
        for (size_t i = 0; i < count; i++, p += 4) {
            uint32_t x = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
            memcpy(p, &x, 4);
        }
    } else if (size == 8) {
        for (size_t i = 0; i < count; i++, p += 8) {
            uint64_t x = 0;
            for (int k = 0; k < 8; k++) x = x << 8 | p[k];
            memcpy(p, &x, 8);
        }
    }
}

/* --- a file's bytes, unpacked if it is gzipped -------------------------------------------------*/

enum { PACKED = 1 << 16 };

typedef struct source {
    const char *path; /* as messages say it */
    int fd;
    size_t size;           /* of the file */
    size_t offset;         /* in the file, of the next byte to read */
    size_t given;          /* bytes handed out, unpacked if need be */
    unsigned char *packed; /* NULL: a raw file; else the last bytes read of a gzip file */
    z_stream z;
    bool member_ended;
} source;

static voidpf z_take(voidpf context, uInt count, uInt size)
{
    (void)context;
    return nb_alloc(count, size);
}

static void z_give(voidpf context, voidpf block)
{
    (void)context;
    nb_free(block);
}

static nb_status source_open(source *s, const char *path)
{
    struct stat about;
    unsigned char magic[2];
    *s = (source){.path = nb_file_label(path)};
    /* Without O_NONBLOCK, opening a pipe by mistake would wait for its writer. */
    s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &about))
        return nb_fail(NB_EIO, "nb_idx_read: %s: cannot open: %s", s->path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return nb_fail(NB_EIO, "nb_idx_read: %s: is a %s, expected a file", s->path,
                       S_ISDIR(about.st_mode) ? "directory" : "pipe or device");
    if ((uintmax_t)about.st_size > SIZE_MAX)
        return nb_fail(NB_EOVERFLOW, "nb_idx_read: %s: %jd bytes", s->path,
                       (intmax_t)about.st_size);
    s->size = (size_t)about.st_size;
    if (pread(s->fd, magic, 2, 0) != 2 || magic[0] != 0x1f || magic[1] != 0x8b) return NB_OK;
    s->packed = nb_alloc(PACKED, 1);
    s->z.zalloc = z_take;
    s->z.zfree = z_give;
    if (!s->packed || inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        return nb_fail(NB_ENOMEM, "nb_idx_read: %s: no memory to unpack gzip", s->path);
    return NB_OK;
}

/* Fine on a source that source_open did not finish. */
static void source_close(source *s)
{
    inflateEnd(&s->z);
    nb_free(s->packed);
    if (s->fd >= 0) close(s->fd);
}

/* Up to `bytes` bytes as they are in the file; *got is less only at its end. */
static nb_status read_file(source *s, void *to, size_t bytes, size_t *got)
{
    for (*got = 0; *got < bytes;) {
        ssize_t n = read(s->fd, (char *)to + *got, bytes - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return nb_fail(NB_EIO, "nb_idx_read: %s: cannot read at offset %zu: %s", s->path,
                           s->offset, strerror(errno));
        if (n == 0) break;
        *got += (size_t)n;
        s->offset += (size_t)n;
    }
    return NB_OK;
}

static nb_status gzip_fail(source *s, int code)
{
    size_t offset = s->offset - s->z.avail_in;
    const char *what = s->z.msg ? s->z.msg : zError(code);
    unsigned char crc[4];
    if (code == Z_MEM_ERROR)
        return nb_fail(NB_ENOMEM, "nb_idx_read: %s: no memory to unpack gzip", s->path);
    /* The stored CRC-32 was the last thing taken from the file, little-endian. */
    if (!strcmp(what, "incorrect data check") && pread(s->fd, crc, 4, (off_t)offset - 4) == 4)
        return nb_fail(NB_EFORMAT,
                       "nb_idx_read: %s: gzip CRC-32 at offset %zu is %02x%02x%02x%02x, "
                       "expected %08lx, that of the %zu bytes before it",
                       s->path, offset - 4, crc[3], crc[2], crc[1], crc[0], s->z.adler, s->given);
    return nb_fail(NB_EFORMAT, "nb_idx_read: %s: gzip stream damaged near offset %zu: %s", s->path,
                   offset, what);
}

/* Up to `bytes` unpacked bytes; *got is less only at the end. RFC 1952, 2.2: a gzip file is a
 * series of members; so what follows a member is another, zeros (of a tape's last block, which
 * gzip and Python skip too), or a fault. */
static nb_status read_gzip(source *s, void *to, size_t bytes, size_t *got)
{
    z_stream *z = &s->z;
    for (*got = 0; *got < bytes;) {
        if (z->avail_in == 0) {
            size_t n;
            nb_status status = read_file(s, s->packed, PACKED, &n);
            if (status) return status;
            if (n == 0 && s->member_ended) return NB_OK;
            if (n == 0)
                return nb_fail(NB_EFORMAT,
                               "nb_idx_read: %s: gzip stream cut short at offset %zu, after %zu "
                               "unpacked bytes, expected a CRC-32 and length at its end",
                               s->path, s->offset, s->given);
            z->next_in = s->packed;
            z->avail_in = (uInt)n;
        }
        for (; s->member_ended && z->avail_in > 0 && *z->next_in == 0; z->avail_in--) z->next_in++;
        if (z->avail_in == 0) continue;
        int code = s->member_ended ? inflateReset(z) : Z_OK;
        if (code != Z_OK) return gzip_fail(s, code);
        size_t room = bytes - *got;
        if (room > UINT_MAX) room = UINT_MAX;
        z->next_out = (unsigned char *)to + *got;
        z->avail_out = (uInt)room;
        code = inflate(z, Z_NO_FLUSH);
        *got += room - z->avail_out;
        s->given += room - z->avail_out;
        s->member_ended = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END) return gzip_fail(s, code);
    }
    return NB_OK;
}

static nb_status source_read(source *s, void *to, size_t bytes, size_t *got)
{
    return s->packed ? read_gzip(s, to, bytes, got) : read_file(s, to, bytes, got);
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct header {
    nb_dtype dtype;
    nb_shape shape;
    size_t size; /* bytes of the header itself */
    size_t body; /* bytes of the elements after it */
} header;

static nb_status size_fail(const source *s, const header *h, const char *found, size_t bytes)
{
    char shape[128];
    return nb_fail(NB_EFORMAT,
                   "nb_idx_read: %s: %s%zu bytes, expected %zu: %zu of header, %s of %s", s->path,
                   found, bytes, h->size + h->body, h->size,
                   nb_shape_text(h->shape, shape, sizeof shape), nb_dtype_name(h->dtype));
}

static nb_status read_dimensions(source *s, header *h)
{
    unsigned char bytes[4 * NB_MAX_DIMS] = {0};
    char shape[128];
    size_t got, total;
    nb_status status = source_read(s, bytes, h->size - 4, &got);
    if (status) return status;
    if (got < h->size - 4)
        return nb_fail(NB_EFORMAT,
                       "nb_idx_read: %s: ends at offset %zu within dimension %zu of %zu, "
                       "expected a header of %zu bytes",
                       s->path, 4 + got, got / 4, h->shape.ndim, h->size);
    for (size_t i = 0; i < h->shape.ndim; i++) {
        const unsigned char *b = bytes + 4 * i;
        h->shape.dim[i] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    }
    if (nb_shape_count(h->shape, &h->body) ||
        !nb_size_mul(h->body, nb_dtype_size(h->dtype), &h->body) ||
        !nb_size_add(h->body, h->size, &total))
        return nb_fail(NB_EOVERFLOW,
                       "nb_idx_read: %s: dimensions at offset 4 are %s of %s, "
                       "expected at most %zu bytes in all",
                       s->path, nb_shape_text(h->shape, shape, sizeof shape),
                       nb_dtype_name(h->dtype), SIZE_MAX);
    return NB_OK;
}

static nb_status read_header(source *s, header *h)
{
    unsigned char magic[4];
    size_t got, type = 0;
    nb_status status = source_read(s, magic, 4, &got);
    if (status) return status;
    if (got == 0)
        return nb_fail(NB_EFORMAT, "nb_idx_read: %s: is empty, expected an IDX file", s->path);
    if (magic[0] != 0 || (got > 1 && magic[1] != 0))
        return nb_fail(
            NB_EFORMAT, "nb_idx_read: %s: offset %d is 0x%02x, expected 0x00 as in an IDX file%s",
            s->path, magic[0] == 0, magic[magic[0] == 0], s->packed ? "" : ", or gzip's 0x1f 0x8b");
    if (got < 4)
        return nb_fail(NB_EFORMAT,
                       "nb_idx_read: %s: ends at offset %zu within the magic number, expected 4 "
                       "bytes of it",
                       s->path, got);
    while (type < TYPES && types[type].code != magic[2]) type++;
    if (type == TYPES)
        return nb_fail(NB_EFORMAT,
                       "nb_idx_read: %s: element type at offset 2 is 0x%02x, expected 0x08, 0x09, "
                       "0x0b, 0x0c, 0x0d or 0x0e",
                       s->path, magic[2]);
    if (magic[3] > NB_MAX_DIMS)
        return nb_fail(NB_EFORMAT,
                       "nb_idx_read: %s: number of dimensions at offset 3 is %d, expected at most "
                       "%d",
                       s->path, magic[3], NB_MAX_DIMS);
    *h = (header){
        .dtype = types[type].dtype, .shape = {.ndim = magic[3]}, .size = 4 + 4 * (size_t)magic[3]};
    return read_dimensions(s, h);
}

/* The most that deflate packs: a length of 258 and its distance in two bits, 1032 times. */
static nb_status check_promise(const source *s, const header *h)
{
    if (!s->packed && s->size != h->size + h->body) return size_fail(s, h, "has ", s->size);
    if (s->packed && h->body / 1032 > s->size)
        return size_fail(s, h, "a gzip file cannot unpack to more than ", 1032 * s->size);
    return NB_OK;
}

/* The header of the first `rows` rows. */
static header cut(const header *h, size_t rows)
{
    header few = *h;
    if (h->shape.ndim == 0 || h->shape.dim[0] <= rows) return few;
    few.body = h->body / h->shape.dim[0] * rows;
    few.shape.dim[0] = rows;
    return few;
}

static nb_status read_body(source *s, const header *all, size_t rows, nb_tensor *out)
{
    char shape[128];
    unsigned char extra;
    size_t got;
    nb_status status = check_promise(s, all);
    if (status) return status;
    const header few = cut(all, rows), *h = &few;
    /* Not nb_tensor_create: its zeros would touch every page that the file may never fill. */
    void *data = nb_alloc(h->body, 1);
    if (!data)
        return nb_fail(NB_ENOMEM, "nb_idx_read: %s: no memory for %zu bytes: %s of %s", s->path,
                       h->body, nb_shape_text(h->shape, shape, sizeof shape),
                       nb_dtype_name(h->dtype));
    *out = nb_tensor_view(h->dtype, h->shape, data);
    status = source_read(s, data, h->body, &got);
    if (!status && got < h->body) status = size_fail(s, all, "ends after ", h->size + got);
    if (status) goto fail;
    /* One byte more, to see the end and have gzip's trailer checked. */
    if (h->body == all->body) status = source_read(s, &extra, 1, &got);
    if (!status && h->body == all->body && got)
        status = size_fail(s, h, "goes on after ", h->size + h->body);
    if (status) goto fail;
    reorder(data, nb_tensor_count(out), nb_dtype_size(h->dtype));
    return NB_OK;
fail:
    nb_tensor_destroy(out);
    return status;
}

nb_status nb_idx_read(const char *path, nb_tensor *out)
{
    return nb_idx_read_rows(path, SIZE_MAX, out);
}

nb_status nb_idx_read_rows(const char *path, size_t rows, nb_tensor *out)
{
    source s;
    header h;
    if (out) *out = (nb_tensor){0};
    if (!path || !out) return nb_fail(NB_EINVAL, "nb_idx_read: %s is NULL", !path ? "path" : "out");
    nb_status status = source_open(&s, path);
    if (!status) status = read_header(&s, &h);
    if (!status) status = read_body(&s, &h, rows, out);
    source_close(&s);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

static nb_status make_header(const nb_tensor *t, unsigned char bytes[4 + 4 * NB_MAX_DIMS])
{
    size_t type = 0, count;
    while (type < TYPES && types[type].dtype != t->dtype) type++;
    if (type == TYPES)
        return nb_fail(NB_EDTYPE, "nb_idx_write: %s, which an IDX file cannot hold",
                       nb_dtype_name(t->dtype));
    if (t->shape.ndim > NB_MAX_DIMS)
        return nb_fail(NB_EINVAL, "nb_idx_write: ndim=%zu > %d", t->shape.ndim, NB_MAX_DIMS);
    nb_status status = nb_shape_count(t->shape, &count);
    if (status) return status;
    if (count > 0 && !t->data)
        return nb_fail(NB_EINVAL, "nb_idx_write: %zu elements, but data is NULL", count);
    bytes[0] = bytes[1] = 0;
    bytes[2] = types[type].code;
    bytes[3] = (unsigned char)t->shape.ndim;
    for (size_t i = 0; i < t->shape.ndim; i++) {
        size_t dim = t->shape.dim[i];
        if (dim > UINT32_MAX)
            return nb_fail(NB_ERANGE, "nb_idx_write: dim[%zu]=%zu > %lu", i, dim,
                           (unsigned long)UINT32_MAX);
        for (size_t k = 0; k < 4; k++) bytes[4 + 4 * i + k] = (unsigned char)(dim >> (24 - 8 * k));
    }
    return NB_OK;
}

static nb_status write_elements(nb_file *file, const nb_tensor *t)
{
    unsigned char chunk[8192];
    const unsigned char *from = t->data;
    const size_t size = nb_dtype_size(t->dtype);
    for (size_t left = nb_tensor_count(t) * size; left > 0;) {
        const size_t n = left < sizeof chunk ? left : sizeof chunk;
        memcpy(chunk, from, n);
        reorder(chunk, n / size, size);
        nb_status status = nb_file_write(file, chunk, n);
        if (status) return status;
        from += n;
        left -= n;
    }
    return NB_OK;
}

nb_status nb_idx_write(const char *path, const nb_tensor *t)
{
    unsigned char head[4 + 4 * NB_MAX_DIMS];
    nb_file file = {0};
    if (!path || !t) return nb_fail(NB_EINVAL, "nb_idx_write: %s is NULL", !path ? "path" : "t");
    nb_status status = make_header(t, head);
    if (!status) status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, head, 4 + 4 * t->shape.ndim);
    if (!status) status = write_elements(&file, t);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    return status;
}
