#include "support.h"

#include "nablas/arrays.h"
#include "nablas/dataset_file.h"
#include "nablas/idx.h"
#include "nablas/npy.h"

#include <math.h>

enum { N = 12, K = 3 };
static float x[N][K];
static int64_t labels[N];
static double numbers[N];

static int prepare(void **state)
{
    (void)state;
    support_fill_s((size_t)N * K, &x[0][0], 5);
    support_fill_d(N, numbers, 6);
    for (size_t i = 0; i < N; i++) labels[i] = (int64_t)(i % 3) * 2 - 1;
    return 0;
}

static nb_tensor x_view(void)
{
    return nb_tensor_view(NB_FLOAT32, NB_SHAPE(N, K), x);
}

static const char *save_npz(const char *name, nb_tensor samples, const char *t_name, nb_tensor t)
{
    nb_arrays arrays = {0};
    assert_ok(nb_arrays_add_view(&arrays, "x", samples));
    if (t_name) assert_ok(nb_arrays_add_view(&arrays, t_name, t));
    assert_ok(nb_arrays_save(&arrays, support_path(name)));
    nb_arrays_destroy(&arrays);
    return support_path(name);
}

static const char *save_npy(const char *name, nb_tensor t)
{
    assert_ok(nb_npy_save(&t, support_path(name)));
    return support_path(name);
}

static void few_whole_numbers_are_classes(void **state)
{
    (void)state;
    nb_dataset d;
    nb_names classes;
    const char *path =
        save_npz("d.npz", x_view(), "t", nb_tensor_view(NB_INT64, NB_SHAPE(N), labels));
    assert_ok(nb_dataset_load(&d, &classes, path, NULL, NULL));
    assert_ok(nb_dataset_check(&d, "the"));
    assert_int_equal(d.classes, 3);
    assert_string_equal(classes.text[0], "-1");
    assert_string_equal(classes.text[2], "3");
    for (size_t i = 0; i < N; i++) assert_int_equal(((int32_t *)d.t.data)[i], i % 3);
    assert_memory_equal(d.x.data, x, sizeof x);
    assert_true(d.scale == 1);
    nb_dataset_destroy(&d);
    nb_names_destroy(&classes);
    assert_ok(nb_dataset_load(&d, &classes, path, NULL,
                              &(nb_dataset_file_options){.learning = NB_LEARN_NUMBERS}));
    assert_int_equal(d.classes, 0);
    assert_int_equal(classes.count, 0);
    assert_true(((double *)d.t.data)[2] == 3);
    nb_dataset_destroy(&d);
}

static void other_numbers_are_numbers(void **state)
{
    (void)state;
    nb_dataset d;
    nb_names classes;
    const char *path = save_npy("x.npy", x_view());
    const char *t = save_npy("t.npy", nb_tensor_view(NB_FLOAT64, NB_SHAPE(N), numbers));
    assert_ok(nb_dataset_load(&d, &classes, path, t, NULL));
    assert_int_equal(d.classes, 0);
    assert_memory_equal(d.t.data, numbers, sizeof numbers);
    nb_dataset_destroy(&d);
    assert_fails(NB_EINVAL, "x.npy: x alone", nb_dataset_load(&d, &classes, path, NULL, NULL));
    assert_ok(
        nb_dataset_load(&d, &classes, path, NULL, &(nb_dataset_file_options){.inputs_only = true}));
    assert_int_equal(nb_dataset_count(&d), N);
    nb_dataset_destroy(&d);
}

static void bytes_of_idx_files_are_scaled(void **state)
{
    (void)state;
    static uint8_t pixels[N * 4], t[N];
    nb_dataset d;
    nb_names classes, known;
    for (size_t i = 0; i < N; i++) t[i] = (uint8_t)(i % 2 + 5);
    const nb_tensor images = nb_tensor_view(NB_UINT8, NB_SHAPE(N, 2, 2), pixels);
    const nb_tensor truth = nb_tensor_view(NB_UINT8, NB_SHAPE(N), t);
    assert_ok(nb_idx_write(support_path("images-idx3-ubyte"), &images));
    assert_ok(nb_idx_write(support_path("labels-idx1-ubyte"), &truth));
    assert_ok(nb_dataset_load(&d, &classes, support_path("images-idx3-ubyte"),
                              support_path("labels-idx1-ubyte"), NULL));
    assert_true(d.scale == 255);
    assert_int_equal(d.classes, 2);
    assert_string_equal(classes.text[1], "6");
    nb_dataset_destroy(&d);
    nb_names_destroy(&classes);
    assert_ok(nb_names_create(&known, 3, (const char *const[]){"4", "5", "6"}));
    assert_ok(nb_dataset_load(&d, &classes, support_path("images-idx3-ubyte"),
                              support_path("labels-idx1-ubyte"),
                              &(nb_dataset_file_options){.classes = &known}));
    assert_int_equal(d.classes, 3);
    assert_int_equal(((int32_t *)d.t.data)[0], 1);
    nb_dataset_destroy(&d);
    nb_names_destroy(&classes);
    nb_names_destroy(&known);
    assert_ok(nb_names_create(&known, 2, (const char *const[]){"4", "5"}));
    assert_fails(NB_ERANGE, "labels-idx1-ubyte: t[1]=6 is none of the 2 classes",
                 nb_dataset_load(&d, &classes, support_path("images-idx3-ubyte"),
                                 support_path("labels-idx1-ubyte"),
                                 &(nb_dataset_file_options){.classes = &known}));
    assert_null(d.x.data);
    nb_names_destroy(&known);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    nb_dataset d;
    nb_names classes;
    const nb_tensor t = nb_tensor_view(NB_INT64, NB_SHAPE(N), labels);
    assert_fails(NB_EFORMAT, "y.npz: no array 't', expected arrays x and t",
                 nb_dataset_load(&d, &classes, save_npz("y.npz", x_view(), "y", t), NULL, NULL));
    assert_fails(NB_ESHAPE, "n.npz: t is (11,) for x of (12, 3)",
                 nb_dataset_load(&d, &classes,
                                 save_npz("n.npz", x_view(), "t", nb_tensor_rows(&t, 0, N - 1)),
                                 NULL, NULL));
    assert_fails(
        NB_ESHAPE, "v.npz: x is (36,)",
        nb_dataset_load(&d, &classes,
                        save_npz("v.npz", nb_tensor_view(NB_FLOAT32, NB_SHAPE(N * K), x), "t", t),
                        NULL, NULL));
    const float kept = x[4][1];
    x[4][1] = NAN;
    assert_fails(NB_ERANGE, "nan.npz: x[4], element 1 of the row, is NaN",
                 nb_dataset_load(&d, &classes, save_npz("nan.npz", x_view(), "t", t), NULL, NULL));
    x[4][1] = kept;
    const double number = numbers[7];
    numbers[7] = -(double)INFINITY;
    assert_fails(NB_ERANGE, "inf.npz: t[7], element 0 of the row, is infinite",
                 nb_dataset_load(&d, &classes,
                                 save_npz("inf.npz", x_view(), "t",
                                          nb_tensor_view(NB_FLOAT64, NB_SHAPE(N), numbers)),
                                 NULL, NULL));
    numbers[7] = number;
    static const int64_t one[N];
    assert_fails(
        NB_ERANGE, "one.npz: t has 1 class, expected 2",
        nb_dataset_load(&d, &classes,
                        save_npz("one.npz", x_view(), "t",
                                 nb_tensor_view(NB_INT64, NB_SHAPE(N), (void *)(uintptr_t)one)),
                        NULL, &(nb_dataset_file_options){.learning = NB_LEARN_CLASSES}));
    assert_fails(NB_EIO, "none.npz",
                 nb_dataset_load(&d, &classes, support_path("none.npz"), NULL, NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_dataset_load(&d, &classes, NULL, NULL, NULL));
    assert_fails(NB_EINVAL, "classes is NULL", nb_dataset_load(&d, NULL, "x.npz", NULL, NULL));
    assert_fails(NB_EINVAL, "d is NULL", nb_dataset_load(NULL, &classes, "x.npz", NULL, NULL));
    assert_fails(
        NB_EINVAL, "learning=5",
        nb_dataset_load(&d, &classes, "x.npz", NULL, &(nb_dataset_file_options){.learning = 5}));
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    nb_dataset d;
    nb_names classes;
    nb_status status = NB_ENOMEM;
    const char *path = save_npy("x.npy", x_view());
    const char *t = save_npy("t.npy", nb_tensor_view(NB_INT64, NB_SHAPE(N), labels));
    for (size_t at = 1; status; at++) {
        support_allocator_start(at);
        status = nb_dataset_load(&d, &classes, path, t, NULL);
        nb_dataset_destroy(&d);
        nb_names_destroy(&classes);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_true(at < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_whole_numbers_are_classes),
        cmocka_unit_test(other_numbers_are_numbers),
        cmocka_unit_test(bytes_of_idx_files_are_scaled),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
