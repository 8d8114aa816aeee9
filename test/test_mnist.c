#include "support.h"

#include "nablas/idx.h"
#include "nablas/memory.h"
#include "nablas/mnist.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* --- a small MNIST: 7 and 5 images of 3 x 4 --------------------------------------------------- */

enum { TRAIN = 7, TEST = 5, ROWS = 3, COLUMNS = 4, PIXELS = ROWS * COLUMNS };

static uint8_t train_images[TRAIN * PIXELS], test_images[TEST * PIXELS];
static const uint8_t train_labels[TRAIN] = {5, 0, 4, 1, 9, 2, 1};
static const uint8_t test_labels[TEST] = {7, 2, 1, 0, 4};

static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static const char *in(const char *dir, const char *name)
{
    static char paths[4][512];
    static size_t turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void write_file(const char *dir, const char *name, nb_dtype dtype, nb_shape shape,
                       const void *data)
{
    nb_tensor t = nb_tensor_view(dtype, shape, (void *)(uintptr_t)data);
    assert_ok(nb_idx_write(in(dir, name), &t));
}

/* A folder with the four files, in one of four buffers used in turn. */
static const char *make_set(void)
{
    static char dirs[4][64];
    static int made;
    char *dir = dirs[made % 4];
    snprintf(dir, sizeof dirs[0], "%s/set%d", support_folder(), made++);
    assert_int_equal(mkdir(dir, 0700), 0);
    for (size_t i = 0; i < sizeof train_images; i++) train_images[i] = (uint8_t)(37 * i);
    for (size_t i = 0; i < sizeof test_images; i++) test_images[i] = (uint8_t)(255 - 11 * i);
    write_file(dir, names[0], NB_UINT8, NB_SHAPE(TRAIN, ROWS, COLUMNS), train_images);
    write_file(dir, names[1], NB_UINT8, NB_SHAPE(TRAIN), train_labels);
    write_file(dir, names[2], NB_UINT8, NB_SHAPE(TEST, ROWS, COLUMNS), test_images);
    write_file(dir, names[3], NB_UINT8, NB_SHAPE(TEST), test_labels);
    return dir;
}

/* Replace one of the four by its gzip. */
static void pack(const char *dir, const char *name)
{
    unsigned char bytes[1024];
    char packed[512];
    FILE *file = fopen(in(dir, name), "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    snprintf(packed, sizeof packed, "%s.gz", in(dir, name));
    gzFile gz = gzopen(packed, "wb");
    assert_int_equal(gzwrite(gz, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_int_equal(unlink(in(dir, name)), 0);
}

static void assert_is_the_set(const nb_mnist *m)
{
    assert_true(nb_shape_equal(m->train.x.shape, NB_SHAPE(TRAIN, PIXELS)));
    assert_true(nb_shape_equal(m->test.x.shape, NB_SHAPE(TEST, PIXELS)));
    assert_true(m->rows == ROWS && m->columns == COLUMNS);
    assert_memory_equal(m->train.x.data, train_images, sizeof train_images);
    assert_memory_equal(m->train.t.data, train_labels, sizeof train_labels);
    assert_memory_equal(m->test.x.data, test_images, sizeof test_images);
    assert_memory_equal(m->test.t.data, test_labels, sizeof test_labels);
}

/* nb_mnist_load fails with `code`, both texts are in its message, nothing stays. */
static void assert_unloadable(nb_status code, const char *text, const char *and, const char *dir)
{
    nb_mnist m;
    memset(&m, 0x5a, sizeof m);
    support_allocator_start(0);
    nb_status status = nb_mnist_load(&m, dir, NULL);
    support_allocator_stop();
    assert_int_equal(support_memory.live, 0);
    assert_fails(code, text, status);
    assert_fails(code, and, status);
    assert_null(m.train.x.data);
    assert_null(m.test.t.data);
}

/* --- loading ---------------------------------------------------------------------------------- */

static void raw_and_gzipped_files_load(void **state)
{
    (void)state;
    const char *dir = make_set();
    nb_mnist m;
    for (size_t packed = 0; packed <= 4; packed++) {
        assert_ok(nb_mnist_load(&m, dir, NULL));
        assert_is_the_set(&m);
        nb_mnist_destroy(&m);
        assert_null(m.train.x.data);
        if (packed < 4) pack(dir, names[packed]);
    }
    nb_mnist_destroy(&m);
    nb_mnist_destroy(NULL);
}

/* Images stay bytes: one block for each file, of its size. */
static void a_set_costs_its_bytes(void **state)
{
    (void)state;
    const char *dir = make_set();
    nb_mnist m;
    support_allocator_start(0);
    nb_status status = nb_mnist_load(&m, dir, NULL);
    support_allocator_stop();
    assert_ok(status);
    assert_int_equal(support_memory.taken, 4);
    assert_int_equal(m.train.x.dtype, NB_UINT8);
    nb_mnist_destroy(&m);
}

static void assert_set(const nb_dataset *d, nb_shape shape, double scale, bool one_hot)
{
    assert_true(nb_shape_equal(d->x.shape, shape));
    assert_true(d->scale == scale && d->one_hot == one_hot && d->classes == NB_MNIST_CLASSES);
    assert_ok(nb_dataset_check(d, "small"));
}

static void the_switches_are_the_books(void **state)
{
    (void)state;
    const char *dir = make_set();
    nb_mnist m;
    assert_ok(nb_mnist_load(&m, dir, NULL));
    assert_set(&m.train, NB_SHAPE(TRAIN, PIXELS), 255, false);
    assert_set(&m.test, NB_SHAPE(TEST, PIXELS), 255, false);
    nb_mnist_destroy(&m);
    for (int bits = 0; bits < 8; bits++) {
        const nb_mnist_options o = {bits & 1, bits & 2, bits & 4, 0, 0};
        const double scale = o.normalize ? 255 : 1;
        assert_ok(nb_mnist_load(&m, dir, &o));
        assert_set(&m.train,
                   o.flatten ? NB_SHAPE(TRAIN, PIXELS) : NB_SHAPE(TRAIN, 1, ROWS, COLUMNS), scale,
                   o.one_hot_label);
        assert_set(&m.test, o.flatten ? NB_SHAPE(TEST, PIXELS) : NB_SHAPE(TEST, 1, ROWS, COLUMNS),
                   scale, o.one_hot_label);
        nb_mnist_destroy(&m);
    }
}

/* From a raw file and from a packed one; asked for more than there are, all. */
static void only_the_images_asked_for_are_read(void **state)
{
    (void)state;
    const char *dir = make_set();
    nb_mnist m;
    for (int packed = 0; packed < 2; packed++) {
        if (packed) pack(dir, names[0]);
        for (size_t n = 1; n <= TRAIN + 1; n++) {
            const size_t count = n < TRAIN ? n : TRAIN;
            assert_ok(nb_mnist_load(
                &m, dir, &(nb_mnist_options){.flatten = true, .train = n, .test = NB_MNIST_NONE}));
            assert_true(nb_shape_equal(m.train.x.shape, NB_SHAPE(count, PIXELS)));
            assert_memory_equal(m.train.x.data, train_images, count * PIXELS);
            assert_memory_equal(m.train.t.data, train_labels, count);
            assert_true(m.rows == ROWS && m.columns == COLUMNS);
            assert_int_equal(nb_dataset_count(&m.test), 0);
            nb_mnist_destroy(&m);
        }
    }
    assert_int_equal(unlink(in(dir, names[1])), 0); /* not opened */
    assert_ok(nb_mnist_load(&m, dir, &(nb_mnist_options){.train = NB_MNIST_NONE, .test = 1}));
    assert_true(nb_shape_equal(m.test.x.shape, NB_SHAPE(1, 1, ROWS, COLUMNS)));
    assert_true(!m.train.x.data && m.rows == ROWS && m.columns == COLUMNS);
    nb_mnist_destroy(&m);
}

/* As many sites and unpacking programs call them. */
static void names_with_a_dot_load(void **state)
{
    (void)state;
    const char *dir = make_set();
    nb_mnist m;
    for (size_t i = 0; i < 4; i++) {
        char old[512], dotted[64];
        snprintf(dotted, sizeof dotted, "%s", names[i]);
        *strstr(dotted, "-idx") = '.';
        snprintf(old, sizeof old, "%s", in(dir, names[i]));
        assert_int_equal(rename(old, in(dir, dotted)), 0);
        if (i % 2) pack(dir, dotted);
        assert_ok(nb_mnist_load(&m, dir, NULL));
        assert_is_the_set(&m);
        nb_mnist_destroy(&m);
    }
}

static void missing_files_are_named(void **state)
{
    (void)state;
    nb_mnist m;
    for (size_t i = 0; i < 4; i++) {
        const char *dir = make_set();
        char text[128];
        assert_int_equal(unlink(in(dir, names[i])), 0);
        snprintf(text, sizeof text, "neither %s nor %s.gz is there; 'make data'", names[i],
                 names[i]);
        assert_unloadable(NB_EIO, dir, text, dir);
        assert_int_equal(mkdir(in(dir, names[i]), 0700), 0);
        assert_unloadable(NB_EIO, in(dir, names[i]), "is a directory", dir);
    }
    assert_unloadable(NB_EIO, "no/such/folder", "neither train-images-idx3-ubyte nor",
                      "no/such/folder");
    const char *file = support_write("file", "x", 1);
    assert_unloadable(NB_EIO, file, "Not a directory", file);
    char *longest = malloc(5000);
    memset(longest, 'a', 4999);
    longest[4999] = 0;
    assert_unloadable(NB_EINVAL, "dir has 4999 bytes", "expected at most 4068", longest);
    longest[4069] = 0;
    assert_unloadable(NB_EINVAL, "dir has 4069 bytes", "expected at most 4068", longest);
    longest[4068] = 0;
    assert_unloadable(NB_EIO, "nb_idx_read: aaaa", "", longest);
    free(longest);
    assert_fails(NB_EINVAL, "dir is NULL", nb_mnist_load(&m, NULL, NULL));
}

static void files_of_another_form_are_refused(void **state)
{
    (void)state;
    static const float reals[TRAIN * PIXELS];
    const char *dir = make_set();

    write_file(dir, names[0], NB_FLOAT32, NB_SHAPE(TRAIN, ROWS, COLUMNS), reals);
    assert_unloadable(NB_EDTYPE, names[0], "elements are float32, expected uint8", dir);
    write_file(dir, names[0], NB_UINT8, NB_SHAPE(TRAIN, PIXELS), train_images);
    assert_unloadable(NB_ESHAPE, names[0], "shape (7, 12), expected (n, rows, columns)", dir);
    write_file(dir, names[0], NB_UINT8, NB_SHAPE(0, ROWS, COLUMNS), train_images);
    assert_unloadable(NB_ESHAPE, names[0], "shape (0, 3, 4), expected (n, rows, columns) with n",
                      dir);

    dir = make_set();
    write_file(dir, names[1], NB_INT8, NB_SHAPE(TRAIN), train_labels);
    assert_unloadable(NB_EDTYPE, names[1], "elements are int8, expected uint8", dir);
    write_file(dir, names[1], NB_UINT8, NB_SHAPE(TRAIN, 1), train_labels);
    assert_unloadable(NB_ESHAPE, names[1], "shape (7, 1), expected (n,)", dir);

    dir = make_set();
    write_file(dir, names[2], NB_UINT8, NB_SHAPE(TEST, COLUMNS, ROWS), test_images);
    assert_unloadable(NB_ESHAPE, dir, "t10k images are 4 x 3, expected 3 x 4", dir);

    dir = make_set();
    FILE *file = fopen(in(dir, names[3]), "ab");
    assert_non_null(file);
    fputc(1, file);
    fclose(file);
    assert_unloadable(NB_EFORMAT, names[3], "has 14 bytes, expected 13", dir);
}

static void counts_and_labels_are_checked(void **state)
{
    (void)state;
    static const uint8_t wrong[TEST] = {7, 2, 10, 255, 4};
    char text[1200];
    const char *dir = make_set();
    write_file(dir, names[1], NB_UINT8, NB_SHAPE(TRAIN - 1), train_labels);
    snprintf(text, sizeof text, "%s has 7 images, %s has 6 labels", in(dir, names[0]),
             in(dir, names[1]));
    assert_unloadable(NB_ESHAPE, text, "expected as many", dir);

    dir = make_set();
    write_file(dir, names[3], NB_UINT8, NB_SHAPE(TEST), wrong);
    assert_unloadable(NB_ERANGE, in(dir, names[3]), "label 2 is 10, expected 0 to 9", dir);
    pack(dir, names[3]);
    assert_unloadable(NB_ERANGE, "t10k-labels-idx1-ubyte.gz", "label 2 is 10, expected 0 to 9",
                      dir);
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    const char *dir = make_set();
    for (size_t packed = 0; packed <= 4; packed++) {
        for (size_t k = 1;; k++) {
            nb_mnist m;
            support_allocator_start(k);
            nb_status status = nb_mnist_load(&m, dir, NULL);
            bool reached = support_memory.taken >= k;
            nb_mnist_destroy(&m);
            support_allocator_stop();
            assert_memory_status(status);
            assert_int_equal(support_memory.live, 0);
            if (!reached) {
                assert_true(k > 4 + packed);
                break;
            }
        }
        if (packed < 4) pack(dir, names[packed]);
    }
}

/* --- the real set ----------------------------------------------------------------------------- */

static const char *real_dir(void)
{
    const char *dir = getenv("NABLAS_DATA");
    return dir && *dir ? dir : "data/mnist";
}

static void the_real_set_is_the_books(void **state)
{
    (void)state;
    static const int32_t first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
    static const size_t of_class[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    size_t counted[10] = {0}, sum = 0;
    int32_t labels[10];
    double pixels[784], total = 0;
    nb_mnist m;
    if (access(in(real_dir(), names[0]), R_OK)) skip();
    assert_ok(nb_mnist_load(&m, real_dir(), NULL));
    assert_true(nb_shape_equal(m.train.x.shape, NB_SHAPE(60000, 784)));
    assert_true(nb_shape_equal(m.test.x.shape, NB_SHAPE(10000, 784)));
    for (size_t i = 0; i < 60000; i++) counted[((uint8_t *)m.train.t.data)[i]]++;
    assert_memory_equal(counted, of_class, sizeof counted);
    for (size_t i = 0; i < 47040000; i++) sum += ((uint8_t *)m.train.x.data)[i];
    assert_int_equal(sum, 1567298545);
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 784), pixels);
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(10), labels);
    assert_ok(nb_dataset_range(&m.train, 0, 10, NULL, &t));
    assert_memory_equal(labels, first, sizeof labels);
    assert_ok(nb_dataset_range(&m.train, 0, 1, &x, NULL));
    for (size_t i = 0; i < 784; i++) total += pixels[i];
    assert_near(total, 107.94117754790932, 1e-12);
    nb_mnist_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_and_gzipped_files_load),
        cmocka_unit_test(a_set_costs_its_bytes),
        cmocka_unit_test(the_switches_are_the_books),
        cmocka_unit_test(only_the_images_asked_for_are_read),
        cmocka_unit_test(names_with_a_dot_load),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(files_of_another_form_are_refused),
        cmocka_unit_test(counts_and_labels_are_checked),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
        cmocka_unit_test(the_real_set_is_the_books),
    };
    return cmocka_run_group_tests_name("mnist", tests, NULL, NULL);
}
