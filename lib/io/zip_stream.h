/* zip_stream.h - memory in place of a file, for minizip. */
#ifndef NABLAS_IO_ZIP_STREAM_H
#define NABLAS_IO_ZIP_STREAM_H

#include <minizip/ioapi.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct nb_zip_stream {
    unsigned char
        *bytes; /* to be read; or grown by nb_alloc while written, and the owner's to free */
    size_t size, room, at;
    bool no_memory; /* a write failed for want of memory */
    bool cut;       /* a read went beyond the end, which minizip does not always report */
} nb_zip_stream;

/* The functions with which minizip reads, or writes, `stream`. */
zlib_filefunc64_def nb_zip_stream_calls(nb_zip_stream *stream);

#endif
