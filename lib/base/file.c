#define _GNU_SOURCE /* O_PATH, where there is one */

#include "nablas/file.h"
#include "nablas/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *nb_file_label(const char *path)
{
    enum { ROOM = 200 };
    size_t length = strlen(path);
    if (length <= ROOM) return path;
    for (path += length - ROOM; (*path & 0xc0) == 0x80;) path++; /* not within a character */
    return path;
}

/* --- reading ------------------------------------------------------------ */

static nb_status read_all(int fd, const char *path, unsigned char *bytes, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read(fd, bytes + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return nb_fail(NB_EIO, "nb_file_read: %s: %s", nb_file_label(path), strerror(errno));
        if (got == 0)
            return nb_fail(NB_EIO, "nb_file_read: %s: ended after %zu of %zu bytes",
                           nb_file_label(path), have, size);
        have += (size_t)got;
    }
    return NB_OK;
}

nb_status nb_file_read(const char *path, unsigned char **bytes, size_t *size)
{
    struct stat info;
    nb_status status;
    if (bytes) *bytes = NULL;
    if (size) *size = 0;
    if (!path || !bytes || !size)
        return nb_fail(NB_EINVAL, "nb_file_read: %s is NULL",
                       !path ? "path" : (!bytes ? "bytes" : "size"));
    /* O_NONBLOCK: opening a pipe without a writer must not hang. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info)) {
        status = nb_fail(NB_EIO, "nb_file_read: %s: %s", nb_file_label(path), strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = nb_fail(NB_EIO, "nb_file_read: %s: %s", nb_file_label(path),
                         S_ISDIR(info.st_mode) ? strerror(EISDIR) : "not a regular file");
    } else if ((uintmax_t)info.st_size > SIZE_MAX) {
        status = nb_fail(NB_EOVERFLOW, "nb_file_read: %s: %jd bytes", nb_file_label(path),
                         (intmax_t)info.st_size);
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

/* To look names up in a folder that we may not list. */
#if defined(O_PATH)
#define FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#elif defined(O_SEARCH)
#define FOLDER (O_SEARCH | O_DIRECTORY | O_CLOEXEC)
#else
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

enum { MAX_LINKS = 40, TEMP_ROOM = sizeof ".nablas--.tmp" + 2 * 20 };

static void close_quietly(int fd)
{
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
}

/* Where a file of that path is or would be: its folder, opened, and its name there. Links are
 * followed, also one to a file that is not there yet, and each name is looked up in an open folder:
 * the folder's own path may be of any length. Returns -1 with errno. */
static int open_folder(const char *path, char name[PATH_MAX])
{
    char at[PATH_MAX];
    int folder = AT_FDCWD;
    size_t size = strlen(path);
    for (int links = 0; links <= MAX_LINKS && size < sizeof at; links++) {
        if (links == 0) memcpy(at, path, size);
        at[size] = 0;
        char *slash = strrchr(at, '/'), *base = slash ? slash + 1 : at;
        strcpy(name, base);
        *base = 0;
        int next = openat(folder, *at ? at : ".", FOLDER);
        close_quietly(folder);
        folder = next;
        if (folder < 0) return -1;
        errno = EISDIR;
        if (!*name) goto fail; /* "folder/" */
        ssize_t got = readlinkat(folder, name, at, sizeof at);
        if (got < 0 && (errno == EINVAL || errno == ENOENT)) return folder; /* no link, or new */
        if (got < 0) goto fail;
        size = (size_t)got;
    }
    errno = size < sizeof at ? ELOOP : ENAMETOOLONG;
fail:
    close_quietly(folder);
    return -1;
}

/* Open a file with an unused name in the folder: .nablas-PID-0.tmp, -1, ... */
static int open_temp(int folder, char temp[TEMP_ROOM], mode_t mode)
{
    for (unsigned turn = 0;; turn++) {
        snprintf(temp, TEMP_ROOM, ".nablas-%ld-%u.tmp", (long)getpid(), turn);
        int fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST || turn == 9999) return fd;
    }
}

/* The new file is given to the owner and the group of the old one as far as we may, with the same
 * permissions; to another group than before, no more than to everybody. */
static int keep_owner(int fd, const struct stat *old)
{
    struct stat now;
    mode_t mode = old->st_mode & 07777;
    if (fstat(fd, &now)) return -1;
    if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid)) {
        mode &= 0777;
        if (now.st_gid != old->st_gid && fchown(fd, (uid_t)-1, old->st_gid))
            mode &= (mode & 07) * 011 | 0700;
    }
    return fchmod(fd, mode);
}

static nb_status fail_and_abort(nb_file *file, const char *function, int error)
{
    nb_status status = nb_fail(error == ENOMEM ? NB_ENOMEM : NB_EIO, "%s: %s: %s", function,
                               nb_file_label(file->path), strerror(error));
    nb_file_abort(file);
    return status;
}

/* Without O_NONBLOCK, a pipe would make us wait for its reader. */
static nb_status begin_in_place(nb_file *file, bool pipe)
{
    file->place = open(file->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file->place >= 0) file->stream = tmpfile();
    if (file->stream) return NB_OK;
    if (file->place >= 0 || errno != ENXIO || !pipe)
        return fail_and_abort(file, "nb_file_begin", errno);
    nb_fail(NB_EIO, "nb_file_begin: %s: a pipe that nobody reads", nb_file_label(file->path));
    nb_file_abort(file);
    return NB_EIO;
}

/* Find the place of the file and open another one there, whose name goes into `temp`. */
static int open_beside(nb_file *file, const struct stat *old, char temp[TEMP_ROOM])
{
    struct stat found;
    file->place = open_folder(file->path, file->name);
    if (file->place < 0) return -1;
    if (old) {
        if (faccessat(file->place, file->name, W_OK, AT_EACCESS) ||
            fstatat(file->place, file->name, &found, 0))
            return -1;
        errno = ENOENT; /* of /dev/fd/N, when the file has no name any more */
        if (found.st_dev != old->st_dev || found.st_ino != old->st_ino) return -1;
    }
    return open_temp(file->place, temp, old ? 0600 : 0666);
}

static nb_status begin_beside(nb_file *file, const struct stat *old)
{
    char *temp = nb_alloc(TEMP_ROOM, 1);
    file->name = nb_alloc(PATH_MAX, 1);
    if (!temp || !file->name) {
        nb_free(temp);
        nb_file_abort(file);
        return NB_ENOMEM;
    }
    int fd = open_beside(file, old, temp);
    if (fd < 0) {
        int error = errno;
        nb_free(temp);
        return fail_and_abort(file, "nb_file_begin", error);
    }
    file->temp = temp;
    if ((!old || !keep_owner(fd, old)) && (file->stream = fdopen(fd, "wb"))) return NB_OK;
    close_quietly(fd);
    return fail_and_abort(file, "nb_file_begin", errno);
}

nb_status nb_file_begin(nb_file *file, const char *path)
{
    struct stat info;
    if (file) *file = (nb_file){.place = -1};
    if (!file || !path)
        return nb_fail(NB_EINVAL, "nb_file_begin: %s is NULL", !file ? "file" : "path");
    bool old = stat(path, &info) == 0;
    if (!old && (errno != ENOENT || !*path))
        return nb_fail(NB_EIO, "nb_file_begin: %s: %s", nb_file_label(path), strerror(errno));
    file->path = nb_alloc(strlen(path) + 1, 1);
    if (!file->path) return NB_ENOMEM;
    strcpy(file->path, path);
    return old && !S_ISREG(info.st_mode) ? begin_in_place(file, S_ISFIFO(info.st_mode))
                                         : begin_beside(file, old ? &info : NULL);
}

/* Opening a pipe and closing it again would give its reader an end of file. */
nb_status nb_file_can_begin(const char *path)
{
    nb_file file;
    struct stat info;
    if (!path || stat(path, &info) || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) {
        nb_status status = nb_file_begin(&file, path);
        if (!status) nb_file_abort(&file);
        return status;
    }
    if (!faccessat(AT_FDCWD, path, W_OK, AT_EACCESS)) return NB_OK;
    return nb_fail(NB_EIO, "nb_file_can_begin: %s: %s", nb_file_label(path), strerror(errno));
}

nb_status nb_file_write(nb_file *file, const void *bytes, size_t size)
{
    if (!file || !file->stream || (!bytes && size > 0))
        return nb_fail(NB_EINVAL, "nb_file_write: %s",
                       !file ? "file is NULL" : (!file->stream ? "no file open" : "bytes is NULL"));
    if (size == 0 || fwrite(bytes, 1, size, file->stream) == size) return NB_OK;
    return nb_fail(NB_EIO, "nb_file_write: %s: %s", nb_file_label(file->path), strerror(errno));
}

/* fsync, on what knows how: a terminal or a pipe answers EINVAL, some file systems for folders
 * too. */
static int sync_to_disk(int fd)
{
    return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

static int sync_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : -1; /* a folder to write but not to list */
    int result = sync_to_disk(fd);
    close_quietly(fd);
    return result;
}

/* A full pipe is waited for with poll, which any signal that is caught ends, also one whose handler
 * asks for SA_RESTART: a write would go on waiting. */
static int write_in_place(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1) < 0) return -1;
        } else if (put == 0 || errno != EINTR) {
            if (put == 0) errno = EIO;
            return -1;
        }
    }
    return 0;
}

static nb_status commit_in_place(nb_file *file)
{
    char part[16384];
    size_t got;
    rewind(file->stream);
    while ((got = fread(part, 1, sizeof part, file->stream)) > 0)
        if (write_in_place(file->place, part, got))
            return fail_and_abort(file, "nb_file_commit", errno);
    if (ferror(file->stream) || sync_to_disk(file->place))
        return fail_and_abort(file, "nb_file_commit", errno);
    nb_file_abort(file);
    return NB_OK;
}

nb_status nb_file_commit(nb_file *file)
{
    if (!file || !file->stream)
        return nb_fail(NB_EINVAL, "nb_file_commit: %s", !file ? "file is NULL" : "no file open");
    const bool failed_before = ferror(file->stream);
    if (fflush(file->stream)) return fail_and_abort(file, "nb_file_commit", errno);
    if (failed_before) { /* through the stream: its errno is long gone */
        nb_fail(NB_EIO, "nb_file_commit: %s: a part could not be written",
                nb_file_label(file->path));
        nb_file_abort(file);
        return NB_EIO;
    }
    if (!file->name) return commit_in_place(file);
    if (sync_to_disk(fileno(file->stream))) return fail_and_abort(file, "nb_file_commit", errno);
    int closed = fclose(file->stream);
    file->stream = NULL;
    if (closed || renameat(file->place, file->temp, file->place, file->name))
        return fail_and_abort(file, "nb_file_commit", errno);
    nb_free(file->temp);
    file->temp = NULL;
    if (sync_folder(file->place)) return fail_and_abort(file, "nb_file_commit", errno);
    nb_file_abort(file);
    return NB_OK;
}

void nb_file_abort(nb_file *file)
{
    if (!file) return;
    if (file->stream) fclose(file->stream);
    if (file->temp) unlinkat(file->place, file->temp, 0);
    if (file->path && file->place >= 0) close(file->place);
    nb_free(file->temp);
    nb_free(file->name);
    nb_free(file->path);
    *file = (nb_file){0};
}
