#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "support.h"

#include "nablas/file.h"
#include "nablas/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char old[] = "old contents";

/* The end of a message; in the words of the C library, which are not the same in all. */
static const char *because(const char *path, int error)
{
    static char text[128];
    snprintf(text, sizeof text, "%s: %s", path, strerror(error));
    return text;
}

/* --- calls that can be made to fail ------------------------------------------------------------
 */

/* What the linker calls them where a file's size has more bits than a size (Makefile, `large`). */
#ifdef __i386__
#define __wrap_openat __wrap_openat64
#define __real_openat __real_openat64
#define __wrap_fstat __wrap_fstat64
#define __real_fstat __real_fstat64
#define __wrap_fstatat __wrap_fstatat64
#define __real_fstatat __real_fstatat64
#define __wrap_tmpfile __wrap_tmpfile64
#define __real_tmpfile __real_tmpfile64
#endif

int __real_fstat(int fd, struct stat *info);
static size_t calls, failing; /* number `failing`, from 1, of the calls below fails; 0: none does */
static const char *failed;

/* A power cut at call number `cut`: nothing is done from then on. What was done before goes into
 * `trace`, which parent and child share. */
static size_t cut;
static struct trace {
    size_t calls, synced; /* bytes of the file when fsync was called on it */
    bool renamed, folder_synced;
} * trace;

static void leave_trace(const char *name, int fd)
{
    struct stat info;
    if (!trace) return;
    trace->calls = calls;
    if (strcmp(name, "renameat") == 0) trace->renamed = true;
    if (strcmp(name, "fsync") != 0 || __real_fstat(fd, &info)) return;
    if (S_ISREG(info.st_mode)) trace->synced = (size_t)info.st_size;
    if (S_ISDIR(info.st_mode)) trace->folder_synced = trace->renamed;
}

static bool fails(const char *name)
{
    if (cut && calls + 1 == cut) _exit(0);
    if (++calls != failing) return false;
    failed = name;
    errno = EIO;
    return true;
}

/* The linker makes lib/base/file.c call __wrap_NAME (wrap_file in the Makefile). */
#define CATCH(type, name, failure, parameters, ...) \
    type __real_##name parameters;                  \
    type __wrap_##name parameters;                  \
    type __wrap_##name parameters                   \
    {                                               \
        if (fails(#name)) return failure;           \
        leave_trace(#name, FIRST(__VA_ARGS__));     \
        return __real_##name(__VA_ARGS__);          \
    }
/* The descriptor, where the first argument is one. */
#define FIRST(...) _Generic(FIRST_OF(__VA_ARGS__, 0), int : FIRST_OF(__VA_ARGS__, 0), default : -1)
#define FIRST_OF(first, ...) first
CATCH(int, openat, -1, (int folder, const char *path, int flags, mode_t mode), folder, path, flags,
      mode)
CATCH(ssize_t, readlinkat, -1, (int folder, const char *path, char *to, size_t room), folder, path,
      to, room)
CATCH(int, faccessat, -1, (int folder, const char *path, int mode, int flags), folder, path, mode,
      flags)
CATCH(int, fstat, -1, (int fd, struct stat *info), fd, info)
CATCH(int, fstatat, -1, (int folder, const char *path, struct stat *info, int flags), folder, path,
      info, flags)
CATCH(int, fchown, -1, (int fd, uid_t user, gid_t group), fd, user, group)
CATCH(int, fchmod, -1, (int fd, mode_t mode), fd, mode)
CATCH(FILE *, fdopen, NULL, (int fd, const char *mode), fd, mode)
CATCH(int, fflush, EOF, (FILE * stream), stream)
CATCH(int, fsync, -1, (int fd), fd)
CATCH(int, fclose, (__real_fclose(stream), EOF), (FILE * stream), stream)
CATCH(int, renameat, -1, (int from, const char *a, int to, const char *b), from, a, to, b)

FILE *__real_tmpfile(void);
FILE *__wrap_tmpfile(void);
FILE *__wrap_tmpfile(void)
{
    return fails("tmpfile") ? NULL : __real_tmpfile();
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

static void assert_holds(const char *path, const void *bytes, size_t size)
{
    unsigned char *found;
    size_t length;
    assert_ok(nb_file_read(path, &found, &length));
    assert_int_equal(length, size);
    assert_memory_equal(found, bytes, size);
    nb_free(found);
}

/* No file of ours is left in the tests' folder. */
static void assert_no_temp(void)
{
    DIR *folder = opendir(support_folder());
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, ".nablas-", 8) == 0) fail_msg("left behind: %s", entry->d_name);
    closedir(folder);
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    assert_holds(support_write("some", "abc", 3), "abc", 3);
    assert_holds(support_write("none", "", 0), "", 0);
}

static void what_is_no_file_is_not_read(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size;
    assert_fails(NB_EIO, "/missing: No such file",
                 nb_file_read(support_path("missing"), &bytes, &size));
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_fails(NB_EIO, "Is a directory", nb_file_read(support_folder(), &bytes, &size));
    assert_fails(NB_EIO, "not a regular file", nb_file_read("/dev/zero", &bytes, &size));
    const char *pipe = support_path("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_fails(NB_EIO, "not a regular file", nb_file_read(pipe, &bytes, &size));
    support_allocator_start(1);
    assert_int_equal(nb_file_read(support_path("some"), &bytes, &size), NB_ENOMEM);
    support_allocator_stop();
}

static void a_commit_replaces_and_an_abort_does_not(void **state)
{
    (void)state;
    nb_file file;
    const char *path = support_write("target", old, sizeof old);
    assert_int_equal(chmod(path, 0640), 0);

    assert_ok(nb_file_begin(&file, path));
    assert_ok(nb_file_write(&file, "new", 3));
    assert_holds(path, old, sizeof old);
    nb_file_abort(&file);
    assert_holds(path, old, sizeof old);

    assert_ok(nb_file_begin(&file, path));
    assert_ok(nb_file_write(&file, "new", 3));
    assert_true(fputs("er", file.stream) >= 0);
    assert_ok(nb_file_commit(&file));
    nb_file_abort(&file);
    nb_file_abort(NULL);
    assert_holds(path, "newer", 5);

    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_no_temp();
}

static void a_new_file_obeys_the_umask(void **state)
{
    (void)state;
    nb_file file;
    struct stat info;
    mode_t mask = umask(027);
    assert_ok(nb_file_begin(&file, support_path("fresh")));
    assert_ok(nb_file_commit(&file));
    umask(mask);
    assert_int_equal(stat(support_path("fresh"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_holds(support_path("fresh"), "", 0);
}

static void a_bare_name_is_in_the_current_folder(void **state)
{
    (void)state;
    nb_file file;
    int here = open(".", O_RDONLY);
    assert_int_equal(chdir(support_folder()), 0);
    assert_ok(nb_file_begin(&file, "bare"));
    assert_ok(nb_file_write(&file, "x", 1));
    assert_ok(nb_file_commit(&file));
    assert_holds(support_path("bare"), "x", 1);
    assert_int_equal(fchdir(here), 0);
    close(here);
}

static void a_link_is_followed(void **state)
{
    (void)state;
    nb_file file;
    struct stat info;
    const char *path = support_write("linked", old, sizeof old), *link = support_path("link");
    assert_int_equal(symlink("linked", link), 0);
    assert_ok(nb_file_begin(&file, link));
    assert_ok(nb_file_write(&file, "new", 3));
    assert_ok(nb_file_commit(&file));
    assert_holds(path, "new", 3);
    assert_true(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
}

static void save(const char *path, const char *text)
{
    nb_file file;
    assert_ok(nb_file_begin(&file, path));
    assert_ok(nb_file_write(&file, text, strlen(text)));
    assert_ok(nb_file_commit(&file));
}

/* Through a second link, in another folder, and of either kind: what they name is made, they stay. */
static void a_link_to_nothing_is_followed(void **state)
{
    (void)state;
    static const char *const links[] = {"sub/relative", "absolute", "chain"};
    struct stat info;
    char target[512];
    nb_file file;
    assert_int_equal(mkdir(support_path("sub"), 0755), 0);
    assert_int_equal(mkdir(support_path("store"), 0755), 0);
    snprintf(target, sizeof target, "%s/store/absolute", support_folder());
    assert_int_equal(symlink("../store/relative", support_path(links[0])), 0);
    assert_int_equal(symlink(target, support_path(links[1])), 0);
    assert_int_equal(symlink("sub/next", support_path(links[2])), 0);
    assert_int_equal(symlink("../store/chain", support_path("sub/next")), 0);
    for (size_t i = 0; i < COUNT(links); i++) {
        snprintf(target, sizeof target, "store/%s", i ? links[i] : "relative");
        for (int again = 0; again < 2; again++) {
            save(support_path(links[i]), again ? "again" : "new");
            assert_holds(support_path(target), again ? "again" : "new", again ? 5 : 3);
            assert_true(lstat(support_path(links[i]), &info) == 0 && S_ISLNK(info.st_mode));
        }
    }
    assert_int_equal(symlink("gone/w", support_path("nowhere")), 0);
    assert_fails(NB_EIO, "nowhere: No such file", nb_file_begin(&file, support_path("nowhere")));
    assert_int_equal(symlink("store/", support_path("folder")), 0);
    assert_fails(NB_EIO, "folder: Is a directory", nb_file_begin(&file, support_path("folder")));
    assert_int_equal(symlink("round", support_path("round")), 0);
    assert_fails(NB_EIO, because("round", ELOOP), nb_file_begin(&file, support_path("round")));
}

/* Whatever the folder's path is, a file of it is found by its name there. */
static void a_deep_folder_is_a_folder(void **state)
{
    (void)state;
    enum { DEPTH = 20, WIDTH = 240 };
    char name[WIDTH + 1], *all = nb_alloc(DEPTH * (WIDTH + 1) + 300, 1);
    nb_file file;
    int here = open(".", O_RDONLY);
    assert_non_null(all);
    memset(name, 'd', WIDTH);
    name[WIDTH] = 0;
    assert_int_equal(chdir(support_folder()), 0);
    sprintf(all, "%s", support_folder());
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdir(name, 0755), 0);
        assert_int_equal(chdir(name), 0);
        strcat(strcat(all, "/"), name);
    }
    save("w", "new");
    save("w", "again");
    assert_holds("w", "again", 5);
    assert_ok(nb_file_begin(&file, "w"));
    assert_int_equal(fchdir(here), 0); /* meanwhile */
    assert_ok(nb_file_write(&file, "third", 5));
    assert_ok(nb_file_commit(&file));
    int fd = open(support_folder(), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < DEPTH; i++) {
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    assert_int_equal(fchdir(fd), 0);
    assert_holds("w", "third", 5);
    assert_int_equal(unlinkat(fd, "w", 0), 0);
    assert_int_equal(fchdir(here), 0);
    close(fd);
    close(here);
    assert_fails(NB_EIO, because("d/w", ENAMETOOLONG), nb_file_begin(&file, strcat(all, "/w")));
    nb_free(all);
}

static void a_file_without_a_name_is_not_given_one(void **state)
{
    (void)state;
    nb_file file;
    char path[32];
    const char *name = support_write("unnamed", old, sizeof old);
    int fd = open(name, O_RDWR);
    assert_int_equal(unlink(name), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    struct stat info;
    if (stat(path, &info)) skip(); /* a system without /dev/fd */
    assert_fails(NB_EIO, "No such file", nb_file_begin(&file, path));
    close(fd);
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_pipe_never_hangs(void **state)
{
    (void)state;
    nb_file file;
    static char much[1 << 20];
    const char *path = support_path("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(nb_file_can_begin(path));
    assert_fails(NB_EIO, "fifo: a pipe that nobody reads", nb_file_begin(&file, path));

    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_ok(nb_file_can_begin(path)); /* and does not end what the reader waits for */
    assert_int_equal(poll(&(struct pollfd){.fd = reader, .events = POLLIN}, 1, 0), 0);
    save(path, "through");
    assert_int_equal(read(reader, much, sizeof much), 7);
    assert_memory_equal(much, "through", 7);

    /* it fills up, and a signal ends the wait, whatever its handler asks for */
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, before;
    const struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_ok(nb_file_begin(&file, path));
    assert_ok(nb_file_write(&file, much, sizeof much));
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    nb_status status = nb_file_commit(&file);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_fails(NB_EIO, "fifo: Interrupted", status);
    close(reader);
    assert_no_temp();
}

/* Who may give files away gives it back; who may not, lets no group read more than before. */
static void a_file_keeps_its_owner(void **state)
{
    (void)state;
    struct stat info;
    if (geteuid() != 0) skip();
    const char *path = support_write("theirs", old, sizeof old);
    assert_int_equal(chown(path, 1234, 4321), 0);
    assert_int_equal(chmod(path, 04640), 0);
    save(path, "new");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 1234);
    assert_int_equal(info.st_gid, 4321);
    assert_int_equal(info.st_mode & 07777, 04640);

    assert_int_equal(chmod(path, 04676), 0);
    assert_int_equal(chmod(support_folder(), 0777), 0);
    assert_int_equal(seteuid(65534), 0);
    save(path, "newer");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(support_folder(), 0755), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 65534);
    assert_int_equal(info.st_mode & 07777, 0666);
}

static nb_status save_failing(const char *path, size_t k)
{
    nb_file file;
    calls = 0;
    failing = k;
    failed = NULL;
    nb_status status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, "new", 3);
    if (!status) status = nb_file_commit(&file);
    failing = 0;
    return status;
}

/* Each call in turn: an answer, no file of ours, no descriptor left open, and the old file; but for
 * the last fsync, the folder's, which comes too late for that. */
static void any_call_may_fail(void **state)
{
    (void)state;
    char path[256], link[256];
    snprintf(path, sizeof path, "%s/failing", support_folder());
    snprintf(link, sizeof link, "%s/failing-link", support_folder());
    assert_int_equal(symlink("failing", link), 0);
    for (int there = 0; there < 2; there++) {
        size_t renamed = SIZE_MAX, k = 0;
        do {
            unlink(path);
            if (there) support_write("failing", old, sizeof old);
            if (there && geteuid() == 0) assert_int_equal(chown(path, 1234, 4321), 0);
            const size_t before = open_descriptors();
            nb_status status = save_failing(link, ++k);
            assert_int_equal(open_descriptors(), before);
            assert_no_temp();
            if (!failed || strcmp(failed, "fchown") == 0) /* as for those who may not */
                assert_ok(status);
            else
                assert_fails(NB_EIO, because("failing-link", EIO), status);
            if (!status || k > renamed)
                assert_holds(path, "new", 3);
            else if (there)
                assert_holds(path, old, sizeof old);
            else
                assert_int_equal(access(path, F_OK), -1);
            if (failed && strcmp(failed, "renameat") == 0) renamed = k;
        } while (failed);
        assert_true(k > renamed + 2); /* the folder is opened, and fsync called */
    }
    size_t k = 0;
    do {
        nb_status status = save_failing("/dev/null", ++k);
        if (!failed || strcmp(failed, "fclose") == 0) /* of the unnamed file, when all is through */
            assert_ok(status);
        else
            assert_fails(NB_EIO, because("/dev/null", EIO), status);
    } while (failed);
    assert_true(k > 3); /* tmpfile, fflush and fsync */
}

static void null_is_an_answer(void **state)
{
    (void)state;
    nb_file file = {0};
    unsigned char *bytes;
    size_t size;
    assert_fails(NB_EINVAL, "path is NULL", nb_file_read(NULL, &bytes, &size));
    assert_fails(NB_EINVAL, "bytes is NULL", nb_file_read("x", NULL, &size));
    assert_fails(NB_EINVAL, "size is NULL", nb_file_read("x", &bytes, NULL));
    assert_fails(NB_EINVAL, "file is NULL", nb_file_begin(NULL, "x"));
    assert_fails(NB_EINVAL, "path is NULL", nb_file_begin(&file, NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_file_can_begin(NULL));
    assert_fails(NB_EINVAL, "file is NULL", nb_file_write(NULL, "x", 1));
    assert_fails(NB_EINVAL, "no file open", nb_file_write(&file, "x", 1));
    assert_fails(NB_EINVAL, "file is NULL", nb_file_commit(NULL));
    assert_fails(NB_EINVAL, "no file open", nb_file_commit(&file));
    assert_ok(nb_file_begin(&file, "/dev/null"));
    assert_fails(NB_EINVAL, "bytes is NULL", nb_file_write(&file, NULL, 1));
    assert_ok(nb_file_write(&file, NULL, 0));
    assert_ok(nb_file_commit(&file));
    assert_fails(NB_EINVAL, "no file open", nb_file_commit(&file));
}

static void a_full_disk_is_an_answer(void **state)
{
    (void)state;
    nb_file file;
    struct stat info;
    static char much[1 << 20];
    for (int big = 0; big < 2; big++) { /* small: seen by the flush; big: by the write */
        assert_ok(nb_file_begin(&file, "/dev/full"));
        nb_status status = nb_file_write(&file, much, big ? sizeof much : 10);
        if (!status) status = nb_file_commit(&file);
        assert_fails(NB_EIO, "/dev/full: No space left", status);
        nb_file_abort(&file);
    }
    assert_true(stat("/dev/full", &info) == 0 && S_ISCHR(info.st_mode));
}

/* A limit on the size of files stands for the disk: the write fails half-way. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    nb_file file;
    static char much[1 << 20];
    struct rlimit before, limit;
    const char *path = support_write("kept", old, sizeof old);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 16;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_ok(nb_file_begin(&file, path));
    nb_status written = nb_file_write(&file, much, sizeof much);
    nb_status committed = nb_file_commit(&file); /* although told not to */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(written, NB_EIO);
    assert_fails(NB_EIO, "kept: ", committed);
    assert_holds(path, old, sizeof old);
    assert_no_temp();
}

static void a_failed_rename_leaves_nothing(void **state)
{
    (void)state;
    nb_file file;
    const char *path = support_path("taken");
    assert_ok(nb_file_begin(&file, path));
    assert_int_equal(mkdir(path, 0755), 0); /* meanwhile */
    assert_fails(NB_EIO, "taken: Is a directory", nb_file_commit(&file));
    assert_null(file.temp);
    assert_no_temp();
}

static void a_forbidden_place_is_an_answer(void **state)
{
    (void)state;
    nb_file file;
    assert_fails(NB_EIO, "No such file", nb_file_begin(&file, support_path("no/such/folder")));
    assert_fails(NB_EIO, "Not a directory",
                 nb_file_begin(&file, support_path("target/below-a-file")));
    assert_fails(NB_EIO, "Is a directory", nb_file_begin(&file, support_folder()));
    assert_fails(NB_EIO, "No such file", nb_file_begin(&file, ""));
    bool root = geteuid() == 0; /* whom nothing is forbidden */
    const char *fresh = support_path("forbidden"), *kept = support_path("target");
    assert_int_equal(chmod(kept, 0444), 0);
    assert_int_equal(chmod(support_folder(), 0555), 0);
    if (root) assert_int_equal(seteuid(65534), 0);
    nb_status status = nb_file_begin(&file, fresh);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(support_folder(), 0755), 0);
    assert_fails(NB_EIO, "forbidden: Permission denied", status);
    assert_null(file.stream);
    if (!root) assert_fails(NB_EIO, "Permission denied", nb_file_begin(&file, kept));
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    nb_file file;
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_file_begin(&file, support_path("late"));
        nb_file_abort(&file);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (status == NB_OK) break;
        assert_int_equal(status, NB_ENOMEM);
    }
    assert_no_temp();
}

/* Power fails before each call of a save in turn. What fsync did not see may be lost, and a rename may
 * or may not have reached the disk before its folder was synced: either way the path has the old
 * contents or the new ones, and the new ones for certain once the save has returned. */
static void after_a_power_cut_there_is_the_old_file_or_the_new(void **state)
{
    (void)state;
    static const char fresh[] = "the new contents";
    trace = mmap(NULL, sizeof *trace, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(trace != MAP_FAILED);
    for (size_t k = 1, all = 0; k <= all + 1; k++) {
        char path[4096];
        snprintf(path, sizeof path, "%s", support_write("cut", old, sizeof old));
        *trace = (struct trace){0};
        const pid_t child = fork();
        if (child == 0) {
            calls = 0;
            cut = all ? k : 0; /* first a whole one, to count */
            save(path, fresh);
            _exit(0);
        }
        int status;
        assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
        if (!all) {
            all = trace->calls;
            assert_true(all > 5 && trace->folder_synced);
            k = 0;
        } else if (trace->renamed) {
            /* On the disk under either name: the old file, or a whole new one. */
            assert_int_equal(trace->synced, strlen(fresh));
            assert_holds(path, fresh, strlen(fresh));
        } else {
            assert_holds(path, old, sizeof old);
        }
        if (k == all + 1) assert_true(trace->folder_synced);
    }
    munmap(trace, sizeof *trace);
    trace = NULL;
    /* The temporary files of processes that are no more are left: file.h says so. */
    DIR *folder = opendir(support_folder());
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, ".nablas-", 8) == 0) unlink(support_path(entry->d_name));
    closedir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(what_is_no_file_is_not_read),
        cmocka_unit_test(a_commit_replaces_and_an_abort_does_not),
        cmocka_unit_test(a_new_file_obeys_the_umask),
        cmocka_unit_test(a_bare_name_is_in_the_current_folder),
        cmocka_unit_test(a_link_is_followed),
        cmocka_unit_test(a_link_to_nothing_is_followed),
        cmocka_unit_test(a_deep_folder_is_a_folder),
        cmocka_unit_test(a_file_without_a_name_is_not_given_one),
        cmocka_unit_test(a_pipe_never_hangs),
        cmocka_unit_test(a_file_keeps_its_owner),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(null_is_an_answer),
        cmocka_unit_test(a_full_disk_is_an_answer),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(a_failed_rename_leaves_nothing),
        cmocka_unit_test(a_forbidden_place_is_an_answer),
        cmocka_unit_test(memory_may_run_out_at_any_point),
        cmocka_unit_test(after_a_power_cut_there_is_the_old_file_or_the_new),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
