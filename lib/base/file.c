#define _XOPEN_SOURCE 700 /* realpath */

#include "nablas/file.h"
#include "nablas/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- reading ------------------------------------------------------------ */

static nb_status read_all(int fd, const char *path, unsigned char *bytes, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read(fd, bytes + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return nb_fail(NB_EIO, "nb_file_read: %s: %s", path, strerror(errno));
        if (got == 0)
            return nb_fail(NB_EIO, "nb_file_read: %s: ended after %zu of %zu bytes", path, have,
                           size);
        have += (size_t)got;
    }
    return NB_OK;
}

nb_status nb_file_read(const char *path, unsigned char **bytes, size_t *size)
{
    struct stat info;
    nb_status status;
    *bytes = NULL;
    *size = 0;
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info)) {
        status = nb_fail(NB_EIO, "nb_file_read: %s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = nb_fail(NB_EIO, "nb_file_read: %s: %s", path,
                         S_ISDIR(info.st_mode) ? strerror(EISDIR) : "not a regular file");
    } else if ((uintmax_t)info.st_size > SIZE_MAX) {
        status = nb_fail(NB_EOVERFLOW, "nb_file_read: %s: %jd bytes", path, (intmax_t)info.st_size);
    } else if (!(*bytes = nb_alloc((size_t)info.st_size, 1))) {
        status = NB_ENOMEM;
    } else {
        status = read_all(fd, path, *bytes, (size_t)info.st_size);
        *size = (size_t)info.st_size;
    }
    if (fd >= 0) close(fd);
    if (status) {
        nb_free(*bytes);
        *bytes = NULL;
        *size = 0;
    }
    return status;
}

/* --- writing ------------------------------------------------------------ */

/* The length of the folder's part of a path, with its slash; 0 for the current folder. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Open a file of a name that nobody has: .nablas-PID-0.tmp, -1, ... beside `path`. */
static int open_temp(char *temp, size_t room, const char *path)
{
    size_t folder = folder_length(path);
    memcpy(temp, path, folder);
    for (unsigned turn = 0;; turn++) {
        snprintf(temp + folder, room - folder, ".nablas-%ld-%u.tmp", (long)getpid(), turn);
        int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST || turn == 9999) return fd;
    }
}

static nb_status fail_and_abort(nb_file *file, const char *function, const char *path, int error)
{
    nb_fail(NB_EIO, "%s: %s: %s", function, path, strerror(error));
    nb_file_abort(file);
    return NB_EIO;
}

nb_status nb_file_begin(nb_file *file, const char *path)
{
    struct stat info;
    char resolved[PATH_MAX];
    int fd = -1;
    *file = (nb_file){0};

    bool old = stat(path, &info) == 0;
    bool in_place = old && !S_ISREG(info.st_mode);
    if (!old && (errno != ENOENT || !*path))
        return fail_and_abort(file, "nb_file_begin", path, errno);
    if (old && access(path, W_OK)) return fail_and_abort(file, "nb_file_begin", path, errno);
    const char *target = old && !in_place ? realpath(path, resolved) : path;
    if (!target) return fail_and_abort(file, "nb_file_begin", path, errno);

    size_t room = strlen(target) + sizeof ".nablas--.tmp" + 2 * 20;
    file->path = nb_alloc(strlen(target) + 1, 1);
    if (!file->path) goto no_memory;
    strcpy(file->path, target);
    if (in_place) {
        fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        file->temp = nb_alloc(room, 1);
        if (!file->temp) goto no_memory;
        fd = open_temp(file->temp, room, target);
        if (fd < 0) { /* nothing to remove */
            nb_free(file->temp);
            file->temp = NULL;
        }
    }
    if (fd < 0) return fail_and_abort(file, "nb_file_begin", path, errno);
    if (old && !in_place && fchmod(fd, info.st_mode & 07777)) goto no_stream;
    file->stream = fdopen(fd, "wb");
    if (!file->stream) goto no_stream;
    return NB_OK;

no_stream:;
    int error = errno;
    close(fd);
    return fail_and_abort(file, "nb_file_begin", path, error);
no_memory:
    nb_file_abort(file);
    return NB_ENOMEM;
}

nb_status nb_file_write(nb_file *file, const void *bytes, size_t size)
{
    if (size == 0 || fwrite(bytes, 1, size, file->stream) == size) return NB_OK;
    return nb_fail(NB_EIO, "nb_file_write: %s: %s", file->path, strerror(errno));
}

/* fsync, on what knows how: a terminal or a pipe answers EINVAL, some file systems for folders
 * too. */
static int sync_to_disk(int fd)
{
    return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

static int sync_folder(char *path)
{
    size_t folder = folder_length(path);
    char after = path[folder];
    path[folder] = 0;
    int fd = open(folder ? path : ".", O_RDONLY | O_CLOEXEC);
    path[folder] = after;
    if (fd < 0) return errno == EACCES ? 0 : -1; /* a folder to write but not to list */
    int result = sync_to_disk(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

nb_status nb_file_commit(nb_file *file)
{
    bool failed_before = ferror(file->stream);
    errno = 0;
    if (fflush(file->stream) || failed_before || sync_to_disk(fileno(file->stream)))
        return fail_and_abort(file, "nb_file_commit", file->path, errno ? errno : EIO);
    int closed = fclose(file->stream);
    file->stream = NULL;
    if (closed) return fail_and_abort(file, "nb_file_commit", file->path, errno);
    if (file->temp) {
        if (rename(file->temp, file->path))
            return fail_and_abort(file, "nb_file_commit", file->path, errno);
        nb_free(file->temp);
        file->temp = NULL;
        if (sync_folder(file->path))
            return fail_and_abort(file, "nb_file_commit", file->path, errno);
    }
    nb_file_abort(file);
    return NB_OK;
}

void nb_file_abort(nb_file *file)
{
    if (!file) return;
    if (file->stream) fclose(file->stream);
    if (file->temp) unlink(file->temp);
    nb_free(file->temp);
    nb_free(file->path);
    *file = (nb_file){0};
}
