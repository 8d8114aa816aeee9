#include "support.h"

#include "nablas/dataset.h"
#include "nablas/file.h"
#include "nablas/idx.h"
#include "nablas/map.h"
#include "nablas/npy.h"
#include "nablas/train.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* What the linker calls them where a file's size has more bits than a size (Makefile, `large`). */
#ifdef __i386__
#define __wrap_mmap __wrap_mmap64
#define __real_mmap __real_mmap64
#endif

enum { n = 300, width = 7 };

/* What is mapped is what nb_npy_load reads, of every type. */
static void a_mapped_npy_is_the_array(void **state)
{
    (void)state;
    for (int dtype = NB_FLOAT32; dtype <= NB_INT64; dtype++) {
        nb_tensor t, read;
        nb_map m;
        const char *path = support_path("a.npy");
        assert_ok(nb_tensor_create(&t, (nb_dtype)dtype, NB_SHAPE(n, width)));
        for (size_t i = 0; i < n * width * nb_dtype_size(t.dtype); i++)
            ((unsigned char *)t.data)[i] = (unsigned char)(i * 37 % 100);
        assert_ok(nb_npy_save(&t, path));
        assert_ok(nb_map_open(&m, path));
        assert_ok(nb_npy_load(path, &read));
        assert_int_equal(m.tensor.dtype, dtype);
        assert_true(nb_shape_equal(m.tensor.shape, read.shape));
        assert_memory_equal(m.tensor.data, read.data, n * width * nb_dtype_size(t.dtype));
        nb_map_close(&m);
        assert_null(m.base);
        nb_tensor_destroy(&t);
        nb_tensor_destroy(&read);
    }
    nb_map_close(NULL);
}

/* A dense source over mapped files gives the batches of the arrays in memory. */
static void batches_come_from_mapped_files(void **state)
{
    (void)state;
    nb_tensor x, t;
    nb_map mx, mt;
    nb_source *a, *b;
    nb_random ra, rb;
    assert_ok(nb_tensor_create(&x, NB_UINT8, NB_SHAPE(n, width)));
    assert_ok(nb_tensor_create(&t, NB_UINT8, NB_SHAPE(n)));
    for (size_t i = 0; i < n * width; i++) ((uint8_t *)x.data)[i] = (uint8_t)(i * 91);
    for (size_t i = 0; i < n; i++) ((uint8_t *)t.data)[i] = (uint8_t)(i % 3);
    assert_ok(nb_idx_write(support_path("x-idx2-ubyte"), &x));
    assert_ok(nb_npy_save(&t, support_path("t.npy")));
    assert_ok(nb_map_open(&mx, support_path("x-idx2-ubyte")));
    assert_ok(nb_map_open(&mt, support_path("t.npy")));
    const nb_dataset memory = {.x = x, .t = t, .classes = 3, .scale = 255};
    const nb_dataset mapped = {.x = mx.tensor, .t = mt.tensor, .classes = 3, .scale = 255};
    nb_random_seed(&ra, 1);
    nb_random_seed(&rb, 1);
    nb_source_options o = {.dtype = NB_FLOAT32, .batch = 16, .random = &ra, .dense = true};
    assert_ok(nb_source_create(&a, &memory, &o));
    o.random = &rb;
    assert_ok(nb_source_create(&b, &mapped, &o));
    for (int k = 0; k < 20; k++) {
        nb_batch p, q;
        assert_ok(nb_source_next(a, &p));
        assert_ok(nb_source_next(b, &q));
        assert_ok(p.fill(p.context, 0, p.n));
        assert_ok(q.fill(q.context, 0, q.n));
        assert_memory_equal(p.x.data, q.x.data, p.n * width * sizeof(float));
        assert_memory_equal(p.t.data, q.t.data, p.n * sizeof(int32_t));
    }
    nb_source_destroy(a);
    nb_source_destroy(b);
    nb_map_close(&mx);
    nb_map_close(&mt);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
}

static void what_cannot_be_mapped_is_told(void **state)
{
    (void)state;
    static const unsigned char wide[] = {0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0};
    static const unsigned char cut[] = {0, 0, 8, 1, 0, 0, 0, 9, 1, 2, 3};
    static const unsigned char gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0};
    static const char fortran[] =
        "\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': True, "
        "'shape': (1, 1), }         \n12345678";
    nb_map m;
    assert_fails(NB_EINVAL, "path is NULL", nb_map_open(&m, NULL));
    assert_fails(NB_EINVAL, "m is NULL", nb_map_open(NULL, "x"));
    assert_fails(NB_EIO, "No such file", nb_map_open(&m, support_path("none.npy")));
    assert_fails(NB_EIO, "not a regular file", nb_map_open(&m, support_folder()));
    assert_fails(NB_EIO, "empty", nb_map_open(&m, support_write("empty.npy", "", 0)));
    assert_fails(NB_EDTYPE, "only bytes", nb_map_open(&m, support_write("w", wide, sizeof wide)));
    assert_fails(NB_EFORMAT, "3 bytes of elements, expected 9",
                 nb_map_open(&m, support_write("c", cut, sizeof cut)));
    assert_fails(NB_EFORMAT, "neither a .npy nor", nb_map_open(&m, support_write("g", gzip, 8)));
    assert_fails(NB_EFORMAT, "",
                 nb_map_open(&m, support_write("f.npy", fortran, sizeof fortran - 1)));
    assert_null(m.base);
    assert_null(m.tensor.data);
}

/* Nor cut to what is left of its size: four gigabytes and a whole header. */
static void a_file_larger_than_a_size_is_refused(void **state)
{
    (void)state;
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 1, 10};
    if (SIZE_MAX > UINT32_MAX) skip();
    const char *path = support_write("four_gigabytes", idx, sizeof idx);
    const int file = open(path, O_WRONLY);
    assert_int_equal(ftruncate(file, (off_t)UINT32_MAX + 1 + (off_t)sizeof idx), 0);
    close(file);
    nb_map m;
    nb_tensor t;
    unsigned char *bytes;
    size_t size;
    assert_fails(NB_EOVERFLOW, "4294967305 bytes", nb_map_open(&m, path));
    assert_fails(NB_EOVERFLOW, "4294967305 bytes", nb_idx_read(path, &t));
    assert_fails(NB_EOVERFLOW, "4294967305 bytes", nb_file_read(path, &bytes, &size));
}

/* Replaced by rename the old data stay; written in place, it is said before they are read. */
static void a_file_that_changes_is_noticed(void **state)
{
    (void)state;
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 4, 10, 20, 30, 40},
                               other[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 7};
    nb_map m;
    char path[4096];
    assert_fails(NB_EINVAL, "nb_map_check: m is NULL", nb_map_check(NULL));
    snprintf(path, sizeof path, "%s", support_write("mapped", idx, sizeof idx));
    assert_ok(nb_map_open(&m, path));
    assert_ok(nb_map_check(&m));
    assert_int_equal(rename(support_write("other", other, sizeof other), path), 0);
    assert_ok(nb_map_check(&m));
    assert_int_equal(((unsigned char *)m.tensor.data)[3], 40);
    nb_map_close(&m);
    assert_fails(NB_EINVAL, "nothing is mapped", nb_map_check(&m));
    assert_ok(nb_map_open(&m, support_write("mapped", idx, sizeof idx)));
    support_write("mapped", "", 0);
    assert_fails(NB_EIO, "the file has 0 bytes, it had 12 when it was mapped", nb_map_check(&m));
    nb_map_close(&m);
}

static volatile sig_atomic_t others;

static void on_others(int number)
{
    (void)number;
    others++;
}

/* What is read where the file is no more is 0, and said; the handler that was there has the rest. */
static void a_file_that_is_cut_is_an_error(void **state)
{
    (void)state;
    enum { pages = 5, size = pages * 65536 };
    struct sigaction mine = {.sa_handler = on_others}, then, now;
    nb_tensor t;
    nb_map m, other;
    char path[4096];
    others = 0;
    snprintf(path, sizeof path, "%s", support_path("cut.npy"));
    assert_ok(nb_tensor_create(&t, NB_UINT8, NB_SHAPE(pages, size / pages)));
    memset(t.data, 7, size);
    assert_ok(nb_npy_save(&t, path));
    assert_int_equal(sigaction(SIGBUS, &mine, &then), 0);
    assert_ok(nb_map_open(&m, path));
    assert_ok(nb_map_open(&other, path));
    assert_int_equal(truncate(path, 65536), 0);
    const volatile unsigned char *at = m.tensor.data;
    assert_int_equal(at[0], 7);
    assert_fails(NB_EIO, "the file has 65536 bytes, it had", nb_map_check(&m));
    for (size_t i = 2 * 65536; i < size; i++) assert_int_equal(at[i], 0);
    assert_fails(NB_EIO, "the file was cut, or the disk failed, as it was read", nb_map_check(&m));
    assert_fails(NB_EIO, "the file has 65536 bytes", nb_map_check(&other));
    nb_map_close(&m);
    assert_int_equal(others, 0);
    raise(SIGBUS);
    assert_int_equal(others, 1);
    nb_map_close(&other);
    assert_int_equal(sigaction(SIGBUS, &then, &now), 0);
    assert_ptr_equal(now.sa_handler, on_others);
    nb_tensor_destroy(&t);
}

/* As a host's handler may, this one calls the handler that it replaced. */
static struct sigaction under;
static volatile sig_atomic_t over;

static void on_top(int number, siginfo_t *info, void *context)
{
    if (++over < 9) under.sa_sigaction(number, info, context);
}

static void a_handler_that_calls_ours_is_not_called_by_it(void **state)
{
    (void)state;
    struct sigaction mine = {.sa_handler = on_others},
                     top = {.sa_sigaction = on_top, .sa_flags = SA_SIGINFO}, then;
    nb_map m;
    const char *path = support_write("idx", "\0\0\10\1\0\0\0\1x", 9);
    others = over = 0;
    assert_int_equal(sigaction(SIGBUS, &mine, &then), 0);
    assert_ok(nb_map_open(&m, path));
    assert_int_equal(sigaction(SIGBUS, &top, &under), 0);
    nb_map_close(&m);
    assert_ok(nb_map_open(&m, path));
    raise(SIGBUS);
    assert_int_equal(over, 1);
    assert_int_equal(others, 1);
    nb_map_close(&m);
    assert_int_equal(sigaction(SIGBUS, &under, NULL),
                     0); /* ours again, of which a next map is the last */
    assert_ok(nb_map_open(&m, path));
    nb_map_close(&m);
    assert_int_equal(sigaction(SIGBUS, &then, &top), 0);
    assert_ptr_equal(top.sa_handler, on_others);
}

static nb_status unchanged(const void *maps)
{
    const nb_map *const *map = maps;
    nb_status status = nb_map_check(map[0]);
    return status ? status : nb_map_check(map[1]);
}

static nb_status cut_at_five(const nb_progress *p, void *path)
{
    if (p->iteration == 5) assert_int_equal(truncate(path, 0), 0);
    return NB_OK;
}

/* Cut under a run, the run ends with the reason, wherever the batches come from. */
static void a_run_over_a_file_that_is_cut_ends_with_an_error(void **state)
{
    (void)state;
    enum { samples = 4000 };
    for (int dense = 0; dense < 2; dense++) {
        nb_tensor x, t;
        nb_map mx, mt;
        nb_random random;
        nb_model *model;
        nb_train_result result;
        char path[4096];
        snprintf(path, sizeof path, "%s", support_path("run-idx2-ubyte"));
        assert_ok(nb_tensor_create(&x, NB_UINT8, NB_SHAPE(samples, width)));
        assert_ok(nb_tensor_create(&t, NB_UINT8, NB_SHAPE(samples)));
        for (size_t i = 0; i < samples; i++) ((uint8_t *)t.data)[i] = i % 2;
        for (size_t i = 0; i < samples * width; i++) ((uint8_t *)x.data)[i] = (uint8_t)(i * 91);
        assert_ok(nb_idx_write(path, &x));
        assert_ok(nb_npy_save(&t, support_path("t.npy")));
        assert_ok(nb_map_open(&mx, path));
        assert_ok(nb_map_open(&mt, support_path("t.npy")));
        const nb_map *maps[] = {&mx, &mt};
        const nb_dataset set = {.x = mx.tensor,
                                .t = mt.tensor,
                                .classes = 2,
                                .scale = 255,
                                .check = unchanged,
                                .context = maps};
        nb_random_seed(&random, 1);
        assert_ok(nb_model_create(&model, &(nb_model_options){.input = NB_SHAPE(width),
                                                              .layers = NB_LAYERS(nb_dense(2)),
                                                              .max_batch = 200,
                                                              .random = &random}));
        const nb_train_options options = {.iterations = 100,
                                          .batch = 20,
                                          .lr = 0.1,
                                          .dense = dense,
                                          .report = cut_at_five,
                                          .context = path};
        assert_fails(NB_EIO, "nb_map_check: the file has 0 bytes",
                     nb_train(model, &set, NULL, &random, &options, &result));
        nb_model_destroy(model);
        nb_map_close(&mx);
        nb_map_close(&mt);
        nb_tensor_destroy(&x);
        nb_tensor_destroy(&t);
    }
}

static void too_many_maps_are_an_error(void **state)
{
    (void)state;
    static nb_map maps[NB_MAP_MOST + 1];
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 1, 10};
    struct rlimit before, more;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    more = before;
    more.rlim_cur = NB_MAP_MOST + 100;
    if (more.rlim_cur > more.rlim_max) skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
    const char *path = support_write("small", idx, sizeof idx);
    for (size_t i = 0; i < NB_MAP_MOST; i++) assert_ok(nb_map_open(&maps[i], path));
    assert_fails(NB_ERANGE, "1024 files are mapped", nb_map_open(&maps[NB_MAP_MOST], path));
    for (size_t i = 0; i < NB_MAP_MOST; i++) nb_map_close(&maps[i]);
    assert_ok(nb_map_open(&maps[0], path));
    nb_map_close(&maps[0]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* The linker makes lib/io/map.c call these (wrap_map in the Makefile). */
static int failing;
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t from)
{
    if (!failing) return __real_mmap(at, size, protection, flags, fd, from);
    errno = failing;
    return MAP_FAILED;
}

static void mmap_may_fail(void **state)
{
    (void)state;
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 1, 10};
    static const int errors[] = {ENOMEM, EIO, ENODEV};
    nb_map m;
    const char *path = support_write("unmapped", idx, sizeof idx);
    for (size_t i = 0; i < COUNT(errors); i++) {
        failing = errors[i];
        nb_status status = nb_map_open(&m, path);
        failing = 0;
        assert_fails(NB_EIO, strerror(errors[i]), status);
        assert_null(m.base);
        nb_map_close(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_that_calls_ours_is_not_called_by_it),
        cmocka_unit_test(a_mapped_npy_is_the_array),
        cmocka_unit_test(batches_come_from_mapped_files),
        cmocka_unit_test(what_cannot_be_mapped_is_told),
        cmocka_unit_test(a_file_larger_than_a_size_is_refused),
        cmocka_unit_test(a_file_that_changes_is_noticed),
        cmocka_unit_test(a_file_that_is_cut_is_an_error),
        cmocka_unit_test(a_run_over_a_file_that_is_cut_ends_with_an_error),
        cmocka_unit_test(too_many_maps_are_an_error),
        cmocka_unit_test(mmap_may_fail),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
