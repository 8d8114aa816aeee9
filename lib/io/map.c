#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "nablas/map.h"
#include "nablas/file.h"
#include "nablas/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- pages that are no more ------------------------------------------------------------------- */

/* What is mapped, for the handler of SIGBUS: no locks there. */
static struct {
    _Atomic(uintptr_t) base; /* 0: free */
    _Atomic(size_t) bytes;
    atomic_bool lost; /* a page was read that the file has no more */
} maps[NB_MAP_MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t mapped;
static bool handling; /* our handler is set, or called by one that was set over it */
static struct sigaction before;

/* A page of zeros in place of the one that is not there, so that the read goes on; nb_map_check tells.
 * Any other SIGBUS is that of whoever handled it before. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr;
    const int error = errno;
    for (size_t i = 0; i < NB_MAP_MOST; i++) {
        const uintptr_t base = atomic_load(&maps[i].base);
        if (!base || at < base || at - base >= atomic_load(&maps[i].bytes)) continue;
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        if (mmap((void *)(at & ~(uintptr_t)(page - 1)), page, PROT_READ,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            break;
        atomic_store(&maps[i].lost, true);
        errno = error;
        return;
    }
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    else
        signal(number, SIG_DFL); /* the read is repeated, and ends the process */
    errno = error;
}

static bool enter(uintptr_t base, size_t bytes)
{
    size_t i = 0;
    pthread_mutex_lock(&lock);
    while (i < NB_MAP_MOST && atomic_load(&maps[i].base)) i++;
    if (i < NB_MAP_MOST) {
        atomic_store(&maps[i].bytes, bytes);
        atomic_store(&maps[i].lost, false);
        atomic_store(&maps[i].base, base);
        struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
        mapped++;
        handling = handling || !sigaction(SIGBUS, &action, &before);
    }
    pthread_mutex_unlock(&lock);
    return i < NB_MAP_MOST;
}

/* Its place in `maps`; NB_MAP_MOST: it has none. */
static size_t place_of(const nb_map *m)
{
    size_t i = 0;
    while (i < NB_MAP_MOST && atomic_load(&maps[i].base) != (uintptr_t)m->base) i++;
    return i;
}

/* The handler stays if another was set over ours meanwhile, which may call it; it is then not set a second
 * time, or the two would call each other. */
static void leave(const nb_map *m)
{
    struct sigaction now;
    pthread_mutex_lock(&lock);
    const size_t i = place_of(m);
    if (i < NB_MAP_MOST) {
        atomic_store(&maps[i].base, 0);
        if (--mapped == 0 && !sigaction(SIGBUS, NULL, &now) && now.sa_sigaction == on_bus_error)
            handling = sigaction(SIGBUS, &before, NULL) != 0;
    }
    pthread_mutex_unlock(&lock);
}

/* --- files ------------------------------------------------------------------------------------ */

/* IDX: 0, 0, type, dimensions; each dimension in four bytes, the largest first. */
static nb_status view_idx(const unsigned char *bytes, size_t size, const char *label,
                          nb_tensor *out)
{
    enum { unsigned_bytes = 0x08, signed_bytes = 0x09 };
    nb_shape shape = {0};
    size_t count;
    if (size < 4 || bytes[0] || bytes[1] || bytes[3] == 0 || bytes[3] > NB_MAX_DIMS ||
        size < 4 + 4 * (size_t)bytes[3])
        return nb_fail(NB_EFORMAT, "nb_map_open: %s: neither a .npy nor a raw IDX file",
                       nb_file_label(label));
    if (bytes[2] != unsigned_bytes && bytes[2] != signed_bytes)
        return nb_fail(NB_EDTYPE,
                       "nb_map_open: %s: elements of type 0x%02x, only bytes can be mapped",
                       nb_file_label(label), bytes[2]);
    for (size_t i = 0; i < bytes[3]; i++) {
        const unsigned char *d = bytes + 4 + 4 * i;
        shape.dim[shape.ndim++] =
            (size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
    }
    const size_t head = 4 + 4 * shape.ndim;
    nb_status status = nb_shape_count(shape, &count);
    if (status) return status;
    if (size - head != count)
        return nb_fail(NB_EFORMAT, "nb_map_open: %s: %zu bytes of elements, expected %zu",
                       nb_file_label(label), size - head, count);
    *out = nb_tensor_view(bytes[2] == unsigned_bytes ? NB_UINT8 : NB_INT8, shape,
                          (void *)(uintptr_t)(bytes + head));
    return NB_OK;
}

static nb_status failed(const char *path, const char *what)
{
    return nb_fail(NB_EIO, "nb_map_open: %s: %s", nb_file_label(path), what);
}

static nb_status map_file(nb_map *m, const char *path)
{
    struct stat about = {0};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed(path, strerror(errno));
    nb_status status = fstat(file, &about) ? failed(path, strerror(errno)) : NB_OK;
    if (!status && (!S_ISREG(about.st_mode) || about.st_size == 0))
        status = failed(path, about.st_size ? "not a regular file" : "the file is empty");
    if (!status && (uintmax_t)about.st_size > SIZE_MAX)
        status = nb_fail(NB_EOVERFLOW, "nb_map_open: %s: %jd bytes", nb_file_label(path),
                         (intmax_t)about.st_size);
    if (!status) {
        m->bytes = (size_t)about.st_size;
        m->base = mmap(NULL, m->bytes, PROT_READ, MAP_PRIVATE, file, 0);
        if (m->base == MAP_FAILED) {
            m->base = NULL;
            status = failed(path, strerror(errno));
        } else if (!enter((uintptr_t)m->base, m->bytes)) {
            munmap(m->base, m->bytes);
            m->base = NULL;
            status = nb_fail(NB_ERANGE, "nb_map_open: %s: %d files are mapped, the most",
                             nb_file_label(path), NB_MAP_MOST);
        }
    }
    m->time[0] = (long long)about.st_mtim.tv_sec;
    m->time[1] = (long long)about.st_mtim.tv_nsec;
    if (m->base)
        m->file = file;
    else
        close(file);
    return status;
}

nb_status nb_map_open(nb_map *m, const char *path)
{
    if (!m || !path) return nb_fail(NB_EINVAL, "nb_map_open: %s is NULL", m ? "path" : "m");
    *m = (nb_map){0};
    const char *suffix = strrchr(path, '.');
    nb_status status = map_file(m, path);
    if (!status)
        status = suffix && strcmp(suffix, ".npy") == 0
                     ? nb_npy_view(m->base, m->bytes, path, &m->tensor)
                     : view_idx(m->base, m->bytes, path, &m->tensor);
    if (status) nb_map_close(m);
    return status;
}

nb_status nb_map_check(const nb_map *m)
{
    struct stat now;
    if (!m || !m->base)
        return nb_fail(NB_EINVAL, "nb_map_check: %s", m ? "nothing is mapped" : "m is NULL");
    if (fstat(m->file, &now)) return nb_fail(NB_EIO, "nb_map_check: %s", strerror(errno));
    const size_t place = place_of(m);
    if (place < NB_MAP_MOST && atomic_load(&maps[place].lost))
        return nb_fail(NB_EIO,
                       "nb_map_check: the file was cut, or the disk failed, as it was read");
    if ((uintmax_t)now.st_size != m->bytes)
        return nb_fail(NB_EIO,
                       "nb_map_check: the file has %jd bytes, it had %zu when it was mapped",
                       (intmax_t)now.st_size, m->bytes);
    if (now.st_mtim.tv_sec != m->time[0] || now.st_mtim.tv_nsec != m->time[1])
        return nb_fail(NB_EIO, "nb_map_check: the file was written since it was mapped");
    return NB_OK;
}

void nb_map_close(nb_map *m)
{
    if (!m) return;
    if (m->base) {
        leave(m);
        close(m->file);
        munmap(m->base, m->bytes);
    }
    *m = (nb_map){0};
}
