#include "support.h"

#include "nablas/file.h"
#include "nablas/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char old[] = "old contents";

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
        if (status == NB_OK) break;
        assert_int_equal(status, NB_ENOMEM);
    }
    assert_no_temp();
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
        cmocka_unit_test(a_full_disk_is_an_answer),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(a_failed_rename_leaves_nothing),
        cmocka_unit_test(a_forbidden_place_is_an_answer),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
