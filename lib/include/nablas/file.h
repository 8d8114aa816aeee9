/* file.h - whole files: read at once, written so that a reader sees the old file or the new one,
 * never a half.
 *
 *     nb_file file;
 *     nb_status status = nb_file_begin(&file, "weights.npy");
 *     if (!status) status = nb_file_write(&file, bytes, size);
 *     if (!status) status = nb_file_commit(&file);
 *     nb_file_abort(&file);
 *
 * Until the commit the bytes stand under another name in the same folder (.nablas-PID-N.tmp); the
 * commit brings them to the disk and renames. After a crash such a file may stay behind; the file
 * at `path` is whole all the same. */
#ifndef NABLAS_FILE_H
#define NABLAS_FILE_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* nb_file_label - what messages say for a path: of a long one the last 200 bytes, whole characters, so
 * that the rest of the message fits (nb_fail). */
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
 * Links are followed, also one to a file that is not there yet. An old file keeps its permissions,
 * its owner if we may give files away, and its group if we may give it that; access control lists
 * and further hard links are not kept. From then on the folder is held open: it may be moved,
 * be deeper than PATH_MAX, and the current folder may change.
 * What is neither a file nor new (/dev/full, a pipe) is written in place, by the commit alone: till
 * then the bytes are in an unnamed file of the system's folder for such. A pipe must have a reader
 * at the begin. While a pipe is full the commit waits, until the process catches a signal: NB_EIO.
 * A reader that leaves before the end raises SIGPIPE, as write() does.
 *
 * nb_file_can_begin - ask whether nb_file_begin would do, and leave nothing there. A pipe is not
 * opened for that.
 * nb_file_write - append `size` bytes. A library that wants a FILE * writes to file->stream; the
 * commit sees its failures.
 * nb_file_commit - flush, fsync, close, rename, fsync the folder. On failure nothing is left behind
 * and the old file stands; only when fsync of the folder fails is the new one there already.
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

#ifdef __cplusplus
}
#endif
#endif
