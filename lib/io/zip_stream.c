#include "io/zip_stream.h"
#include "nablas/memory.h"

#include <stdio.h>
#include <string.h>

static voidpf open_stream(voidpf stream, const void *name, int mode)
{
    (void)name, (void)mode;
    return stream;
}

static uLong read_stream(voidpf opaque, voidpf handle, void *to, uLong wanted)
{
    nb_zip_stream *s = handle;
    (void)opaque;
    const size_t left = s->at < s->size ? s->size - s->at : 0;
    const size_t count = wanted < left ? wanted : left;
    if (count > 0) memcpy(to, s->bytes + s->at, count);
    if (count < wanted) s->cut = true;
    s->at += count;
    return (uLong)count;
}

/* Room for `end` bytes, with as much again, so that a large archive is moved only a few times. */
static bool make_room(nb_zip_stream *s, size_t end)
{
    size_t room;
    if (end <= s->room) return true;
    if (!nb_size_mul(end, 2, &room)) room = end;
    unsigned char *bytes = nb_alloc(room, 1);
    if (!bytes) s->no_memory = true; /* also where a later, smaller one succeeds */
    if (!bytes) return false;
    if (s->size > 0) memcpy(bytes, s->bytes, s->size);
    nb_free(s->bytes);
    s->bytes = bytes;
    s->room = room;
    return true;
}

static uLong write_stream(voidpf opaque, voidpf handle, const void *from, uLong count)
{
    nb_zip_stream *s = handle;
    size_t end;
    (void)opaque;
    /* A write that fails in the middle of an entry makes minizip forget a block of its own, so it is told of
     * none; who began the archive asks no_memory at the end. */
    if (!nb_size_add(s->at, count, &end) || !make_room(s, end)) return count;
    if (count > 0) memcpy(s->bytes + s->at, from, count);
    s->at = end;
    if (end > s->size) s->size = end;
    return count;
}

static ZPOS64_T tell(voidpf opaque, voidpf handle)
{
    (void)opaque;
    return ((nb_zip_stream *)handle)->at;
}

/* An archive may claim any offset: the sum wraps around, and is refused as beyond the end. */
static long seek(voidpf opaque, voidpf handle, ZPOS64_T offset, int origin)
{
    nb_zip_stream *s = handle;
    (void)opaque;
    const ZPOS64_T base = origin == ZLIB_FILEFUNC_SEEK_CUR   ? s->at
                          : origin == ZLIB_FILEFUNC_SEEK_END ? s->size
                                                             : 0;
    if (base + offset > s->size) return -1;
    s->at = (size_t)(base + offset);
    return 0;
}

static int nothing(voidpf opaque, voidpf handle)
{
    (void)opaque, (void)handle;
    return 0;
}

zlib_filefunc64_def nb_zip_stream_calls(nb_zip_stream *stream)
{
    return (zlib_filefunc64_def){open_stream, read_stream, write_stream, tell,
                                 seek,        nothing,     nothing,      stream};
}
