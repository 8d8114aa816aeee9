/* file.h - whole files, read at once and replaced atomically: a reader sees the old file or the new
 * one, never a part.
 *
 *     nb_file file;
 *     nb_status status = nb_file_begin(&file, "weights.npy");
 *     if (!status) status = nb_file_write(&file, bytes, size);
 *     if (!status) status = nb_file_commit(&file);
 *     nb_file_abort(&file);
 *
 * Until the commit the bytes are in a temporary file in the same folder (.nablas-PID-N.tmp); the
 * commit flushes it to the disk and renames it. After a crash the temporary file may be left, but
 * the file at `path` is whole. */
#ifndef NABLAS_FILE_H
#define NABLAS_FILE_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdio.h>

NB_BEGIN_DECLS

/* nb_file_label - the form of a path for messages: the last 200 bytes of a long one, in whole
 * characters, so that the rest of the message fits (nb_fail). */
const char *nb_file_label(const char *path);

/* nb_file_read - the bytes of a regular file.
 *
 *   path   in   what to read; directories, pipes and devices are refused
 *   bytes  out  a block for nb_free, 64-byte aligned; NULL on error
 *   size   out  number of bytes; 0 on error
 * Errors: NB_EINVAL an argument is NULL; NB_EIO with the system's reason; NB_EOVERFLOW, NB_ENOMEM.
 * Cost:   one allocation of the file's size. */
nb_status nb_file_read(const char *path, unsigned char **bytes, size_t *size);

typedef struct nb_file {
    FILE *stream; /* open for writing between begin and commit or abort, else NULL */
    char *path;   /* as it was given */
    char *name;   /* of the file in its folder; NULL for a device or a pipe */
    char *temp;   /* its name there until the commit */
    int place;    /* the folder, the device or the pipe, open while `path` is not NULL */
} nb_file;

/* nb_file_begin - open a temporary file beside `path`.
 *
 * Links are followed, including one to a file that does not exist yet. An existing file keeps its
 * permissions, and its owner and group if the process may set them; access control lists and other
 * hard links are not kept. From then on the folder is held open: it may be moved, be deeper than
 * PATH_MAX, and the current folder may change.
 * An existing path that is no regular file (/dev/full, a pipe) is written in place, and only by the
 * commit: until then the bytes are in an unnamed file in the system's temporary folder. A pipe must
 * have a reader at the beginning. While a pipe is full the commit waits, until the process catches a
 * signal: NB_EIO. A reader that leaves before the end raises SIGPIPE, as write() does.
 *
 * nb_file_can_begin - check whether nb_file_begin would succeed, and leave nothing there. A pipe is
 * not opened for that.
 * nb_file_write - append `size` bytes. A library that wants a FILE * writes to file->stream; the
 * commit sees its failures.
 * nb_file_commit - flush, fsync, close, rename, fsync the folder. On failure nothing is left behind
 * and the old file remains; only if fsync of the folder fails is the new one already there.
 * nb_file_abort - close and remove the temporary file; fine after a commit, a failure, on a zeroed
 * struct and on NULL.
 *
 * Errors: NB_EINVAL an argument is NULL, or no file is open; NB_EIO with the system's reason: a
 *         folder or file that may not be written, a full disk; NB_ENOMEM. After a failed begin or
 *         commit *file is as if zeroed. */
nb_status nb_file_begin(nb_file *file, const char *path);
nb_status nb_file_can_begin(const char *path);
nb_status nb_file_write(nb_file *file, const void *bytes, size_t size);
nb_status nb_file_commit(nb_file *file);
void nb_file_abort(nb_file *file);

NB_END_DECLS
#endif
