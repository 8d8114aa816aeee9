#include "support.h"

#include "nablas/memory.h"
#include "nablas/tensor.h"

#include <math.h>
#include <stdlib.h>

static const nb_dtype all_dtypes[] = {
#define X(code, type, name) code,
    NB_DTYPE_LIST(X)
#undef X
};
enum { dtypes = sizeof all_dtypes / sizeof *all_dtypes };

/* A value of nb_dtype that is none of the list; a variable, so that compilers let it pass. */
static nb_dtype no_dtype(void)
{
    volatile int number = 99;
    return (nb_dtype)number;
}

static void element_types_have_sizes_and_names(void **state)
{
    (void)state;
    static const size_t sizes[dtypes] = {4, 8, 1, 1, 2, 4, 8};
    static const char *const names[dtypes] = {"float32", "float64", "uint8", "int8",
                                              "int16",   "int32",   "int64"};
    for (size_t i = 0; i < dtypes; i++) {
        assert_int_equal(nb_dtype_size(all_dtypes[i]), sizes[i]);
        assert_string_equal(nb_dtype_name(all_dtypes[i]), names[i]);
    }
    assert_int_equal(nb_dtype_size(no_dtype()), 0);
    assert_string_equal(nb_dtype_name(no_dtype()), "unknown type");
}

static void shapes_are_compared(void **state)
{
    (void)state;
    assert_true(nb_shape_equal(NB_SHAPE(3, 5), NB_SHAPE(3, 5)));
    assert_false(nb_shape_equal(NB_SHAPE(3, 5), NB_SHAPE(5, 3)));
    assert_false(nb_shape_equal(NB_SHAPE(3, 5), NB_SHAPE(3, 4)));
    assert_false(nb_shape_equal(NB_SHAPE(3, 5), NB_SHAPE(3, 5, 1)));
    assert_false(nb_shape_equal(NB_SHAPE(1), NB_SCALAR));
    assert_true(nb_shape_equal(NB_SCALAR, NB_SCALAR));
    /* What stands behind the last dimension does not count. */
    assert_true(nb_shape_equal((nb_shape){1, {3, 7}}, (nb_shape){1, {3, 8}}));
}

static void elements_are_counted(void **state)
{
    (void)state;
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    size_t count = 42;
    assert_ok(nb_shape_count(NB_SCALAR, &count));
    assert_int_equal(count, 1);
    assert_ok(nb_shape_count(NB_SHAPE(60000, 784), &count));
    assert_int_equal(count, 47040000);
    assert_ok(nb_shape_count(NB_SHAPE(3, 0, 5), &count));
    assert_int_equal(count, 0);
    assert_ok(nb_shape_count(NB_SHAPE(2, 2, 2, 2, 2, 2, 2, 2), &count));
    assert_int_equal(count, 256);
    assert_ok(nb_shape_count(NB_SHAPE(half, half - 1), &count));
    assert_int_equal(count, half * (half - 1));
    count = 42;
    assert_fails(NB_EOVERFLOW, "has more elements than a size holds",
                 nb_shape_count(NB_SHAPE(half, half), &count));
    assert_fails(NB_EOVERFLOW, "(3, ", nb_shape_count(NB_SHAPE(3, SIZE_MAX, 2), &count));
    assert_fails(NB_EINVAL, "ndim=9 > 8", nb_shape_count((nb_shape){9, {1, 1}}, &count));
    assert_int_equal(count, 42);
}

static void shapes_read_as_in_python(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(nb_shape_text(NB_SCALAR, text, sizeof text), "()");
    assert_string_equal(nb_shape_text(NB_SHAPE(5), text, sizeof text), "(5,)");
    assert_string_equal(nb_shape_text(NB_SHAPE(60000, 784), text, sizeof text), "(60000, 784)");
    assert_string_equal(nb_shape_text(NB_SHAPE(2, 3, 0, 7), text, sizeof text), "(2, 3, 0, 7)");
    assert_ptr_equal(nb_shape_text(NB_SCALAR, text, sizeof text), text);
}

/* Whatever the room, the beginning of the text, ended by 0, and nothing behind it. */
static void shapes_are_cut_to_the_room(void **state)
{
    (void)state;
    static const char whole[] = "(60000, 784, 10)";
    for (size_t size = 0; size <= sizeof whole + 2; size++) {
        char text[32];
        memset(text, '#', sizeof text);
        nb_shape_text(NB_SHAPE(60000, 784, 10), text, size);
        const size_t length = size == 0 ? 0 : size - 1;
        const size_t shown = length < strlen(whole) ? length : strlen(whole);
        assert_memory_equal(text, whole, shown);
        if (size) assert_int_equal(text[shown], 0);
        for (size_t i = size; i < sizeof text; i++) assert_int_equal(text[i], '#');
    }
}

/* Memory as it comes from a busy heap: full of what was there before. */
static void *take_dirty(size_t bytes, void *context)
{
    (void)context;
    void *block = aligned_alloc(NB_ALIGNMENT, bytes);
    return block ? memset(block, 0xff, bytes) : NULL;
}

static void give_back(void *block, void *context)
{
    (void)context;
    free(block);
}

static void tensors_begin_as_aligned_zeros(void **state)
{
    (void)state;
    nb_set_allocator(&(nb_allocator){take_dirty, give_back, NULL});
    for (size_t k = 0; k < dtypes; k++) {
        nb_tensor t;
        memset(&t, 0xff, sizeof t);
        assert_ok(nb_tensor_create(&t, all_dtypes[k], NB_SHAPE(3, 5)));
        assert_int_equal(t.dtype, all_dtypes[k]);
        assert_true(nb_shape_equal(t.shape, NB_SHAPE(3, 5)));
        assert_int_equal(nb_tensor_count(&t), 15);
        assert_int_equal((uintptr_t)t.data % NB_ALIGNMENT, 0);
        for (size_t i = 0; i < 15 * nb_dtype_size(t.dtype); i++)
            assert_int_equal(((unsigned char *)t.data)[i], 0);
        nb_tensor_destroy(&t);
        assert_null(t.data);
        assert_int_equal(t.shape.ndim, 0);
        nb_tensor_destroy(&t);
    }
    nb_tensor_destroy(NULL);
    nb_set_allocator(NULL);
}

static void scalars_and_empty_tensors_are_tensors(void **state)
{
    (void)state;
    nb_tensor scalar, empty;
    support_allocator_start(0);
    assert_ok(nb_tensor_create(&scalar, NB_FLOAT64, NB_SCALAR));
    assert_int_equal(nb_tensor_count(&scalar), 1);
    assert_ok(nb_tensor_create(&empty, NB_FLOAT32, NB_SHAPE(0, 784)));
    assert_int_equal(nb_tensor_count(&empty), 0);
    assert_int_equal(support_memory.live, 2);
    nb_tensor_destroy(&scalar);
    nb_tensor_destroy(&empty);
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
}

static void creation_fails_whole(void **state)
{
    (void)state;
    nb_tensor t;
#define CREATE(dtype, shape) (memset(&t, 0xff, sizeof t), nb_tensor_create(&t, (dtype), (shape)))
    assert_fails(NB_EDTYPE, "dtype=99", CREATE(no_dtype(), NB_SHAPE(3)));
    assert_null(t.data);
    assert_fails(NB_EINVAL, "ndim=9", CREATE(NB_FLOAT32, ((nb_shape){9, {1}})));
    assert_null(t.data);
    assert_fails(NB_EOVERFLOW, "elements", CREATE(NB_UINT8, NB_SHAPE(SIZE_MAX, 3)));
    assert_null(t.data);
    assert_fails(NB_EOVERFLOW, "elements of 8 bytes", CREATE(NB_FLOAT64, NB_SHAPE(SIZE_MAX / 4)));
    assert_null(t.data);
    support_allocator_start(1);
    assert_fails(NB_ENOMEM, "no memory for 64 bytes", CREATE(NB_FLOAT32, NB_SHAPE(3)));
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
#undef CREATE
    assert_null(t.data);
    assert_int_equal(t.shape.ndim, 0);
    nb_tensor_destroy(&t);
}

static void rows_are_a_view(void **state)
{
    (void)state;
    int16_t data[4 * 3 * 2];
    for (int i = 0; i < 24; i++) data[i] = (int16_t)(i * 100 - 1150);
    const nb_tensor t = nb_tensor_view(NB_INT16, NB_SHAPE(4, 3, 2), data);
    nb_tensor rows = nb_tensor_rows(&t, 1, 3);
    assert_true(nb_shape_equal(rows.shape, NB_SHAPE(2, 3, 2)));
    assert_int_equal(rows.dtype, NB_INT16);
    assert_ptr_equal(rows.data, data + 6);
    assert_int_equal(nb_tensor_count(&rows), 12);
    ((int16_t *)rows.data)[0] = 77;
    assert_int_equal(data[6], 77);
    assert_int_equal(nb_tensor_height(&t), 4);
    assert_int_equal(nb_tensor_width(&t), 6);
    assert_ptr_equal(nb_tensor_at(&t, 3), data + 18);
    rows = nb_tensor_rows(&t, 4, 4);
    assert_int_equal(nb_tensor_count(&rows), 0);
    assert_ptr_equal(rows.data, data + 24);
    /* One dimension: a row is an element. */
    const nb_tensor flat = nb_tensor_view(NB_INT16, NB_SHAPE(24), data);
    rows = nb_tensor_rows(&flat, 5, 24);
    assert_int_equal(nb_tensor_count(&rows), 19);
    assert_ptr_equal(rows.data, data + 5);
    assert_int_equal(nb_tensor_width(&flat), 1);
    const nb_tensor scalar = nb_tensor_view(NB_INT16, NB_SCALAR, data);
    assert_int_equal(nb_tensor_height(&scalar), 1);
    assert_int_equal(nb_tensor_width(&scalar), 1);
}

/* Convert one number; `to` is read back by the caller. */
static void convert(nb_dtype from, const void *value, nb_dtype to, void *result)
{
    const nb_tensor source = nb_tensor_view(from, NB_SCALAR, (void *)(uintptr_t)value);
    nb_tensor target = nb_tensor_view(to, NB_SCALAR, result);
    assert_ok(nb_tensor_convert(&source, &target));
}

/* Small whole numbers pass between any two types and come back. */
static void every_type_converts_to_every_other(void **state)
{
    (void)state;
    for (size_t a = 0; a < dtypes; a++) {
        for (size_t b = 0; b < dtypes; b++) {
            nb_tensor first, second;
            double back[7];
            const double values[7] = {0, 1, 2, 77, 100, 126, 127};
            nb_tensor start = nb_tensor_view(NB_FLOAT64, NB_SHAPE(7), (void *)(uintptr_t)values);
            nb_tensor end = nb_tensor_view(NB_FLOAT64, NB_SHAPE(7), back);
            assert_ok(nb_tensor_create(&first, all_dtypes[a], NB_SHAPE(7)));
            assert_ok(nb_tensor_create(&second, all_dtypes[b], NB_SHAPE(7)));
            assert_ok(nb_tensor_convert(&start, &first));
            assert_ok(nb_tensor_convert(&first, &second));
            assert_ok(nb_tensor_convert(&second, &end));
            for (size_t i = 0; i < 7; i++) assert_true(back[i] == values[i]);
            nb_tensor_destroy(&first);
            nb_tensor_destroy(&second);
        }
    }
}

/* Towards integers: cut towards zero, held to the range, 0 for NaN. */
static void integers_saturate(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, nan = (double)NAN;
    const double in[] = {2.385, -2.385, 0.999,  -0.999,  127.9,   128,    -128.9, -129,
                         255.9, 256,    -0.1,   32767.9, 32768,   -32769, 1e300,  -1e300,
                         inf,   nan,    0x1p63, -0x1p63, -0x1p64, 0x1p62, -inf};
    static const struct {
        int64_t i8, u8, i16, i32, i64;
    } want[] = {
        {2, 2, 2, 2, 2},
        {-2, 0, -2, -2, -2},
        {0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {127, 127, 127, 127, 127},
        {127, 128, 128, 128, 128},
        {-128, 0, -128, -128, -128},
        {-128, 0, -129, -129, -129},
        {127, 255, 255, 255, 255},
        {127, 255, 256, 256, 256},
        {0, 0, 0, 0, 0},
        {127, 255, 32767, 32767, 32767},
        {127, 255, 32767, 32768, 32768},
        {-128, 0, -32768, -32769, -32769},
        {127, 255, 32767, INT32_MAX, INT64_MAX},
        {-128, 0, -32768, INT32_MIN, INT64_MIN},
        {127, 255, 32767, INT32_MAX, INT64_MAX},
        {0, 0, 0, 0, 0},
        {127, 255, 32767, INT32_MAX, INT64_MAX},
        {-128, 0, -32768, INT32_MIN, INT64_MIN},
        {-128, 0, -32768, INT32_MIN, INT64_MIN},
        {127, 255, 32767, INT32_MAX, (int64_t)1 << 62},
        {-128, 0, -32768, INT32_MIN, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        convert(NB_FLOAT64, &in[i], NB_INT8, &i8);
        convert(NB_FLOAT64, &in[i], NB_UINT8, &u8);
        convert(NB_FLOAT64, &in[i], NB_INT16, &i16);
        convert(NB_FLOAT64, &in[i], NB_INT32, &i32);
        convert(NB_FLOAT64, &in[i], NB_INT64, &i64);
        if (i8 != want[i].i8 || u8 != want[i].u8 || i16 != want[i].i16 || i32 != want[i].i32 ||
            i64 != want[i].i64)
            fail_msg("%g gives %d %d %d %ld %lld", in[i], i8, u8, i16, (long)i32, (long long)i64);
    }
    const float single = NAN;
    int32_t i32 = 42;
    convert(NB_FLOAT32, &single, NB_INT32, &i32);
    assert_int_equal(i32, 0);
}

static void floats_round_and_overflow(void **state)
{
    (void)state;
    const double in[] = {2.385, 1e300, -1e300, 1e-300, (double)NAN};
    float out[5];
    for (size_t i = 0; i < 5; i++) convert(NB_FLOAT64, &in[i], NB_FLOAT32, &out[i]);
    assert_true(out[0] == 2.385f && out[1] == INFINITY && out[2] == -INFINITY && out[3] == 0);
    assert_true(isnan(out[4]));
    double back;
    convert(NB_FLOAT32, &out[0], NB_FLOAT64, &back);
    assert_true(back == (double)2.385f && back != 2.385);
}

/* The same type on both sides is a copy, also of what a double does not hold; overlap is fine. */
static void the_same_type_is_copied(void **state)
{
    (void)state;
    int64_t data[] = {INT64_MAX, INT64_MIN + 1, ((int64_t)1 << 53) + 1, -77};
    const nb_tensor from = nb_tensor_view(NB_INT64, NB_SHAPE(3), data);
    nb_tensor to = nb_tensor_view(NB_INT64, NB_SHAPE(3), data + 1);
    assert_ok(nb_tensor_convert(&from, &to));
    assert_true(data[0] == INT64_MAX && data[1] == INT64_MAX && data[2] == INT64_MIN + 1);
    assert_true(data[3] == ((int64_t)1 << 53) + 1);
}

static void shapes_must_agree(void **state)
{
    (void)state;
    double from[6] = {0};
    float to[6] = {77, 77, 77, 77, 77, 77};
    const nb_tensor a = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 3), from);
    nb_tensor b = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 2), to);
    assert_fails(NB_ESHAPE, "from (2, 3) to (3, 2)", nb_tensor_convert(&a, &b));
    b.shape = NB_SHAPE(6);
    assert_fails(NB_ESHAPE, "from (2, 3) to (6,)", nb_tensor_convert(&a, &b));
    for (size_t i = 0; i < 6; i++) assert_true(to[i] == 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(element_types_have_sizes_and_names),
        cmocka_unit_test(shapes_are_compared),
        cmocka_unit_test(elements_are_counted),
        cmocka_unit_test(shapes_read_as_in_python),
        cmocka_unit_test(shapes_are_cut_to_the_room),
        cmocka_unit_test(tensors_begin_as_aligned_zeros),
        cmocka_unit_test(scalars_and_empty_tensors_are_tensors),
        cmocka_unit_test(creation_fails_whole),
        cmocka_unit_test(rows_are_a_view),
        cmocka_unit_test(every_type_converts_to_every_other),
        cmocka_unit_test(integers_saturate),
        cmocka_unit_test(floats_round_and_overflow),
        cmocka_unit_test(the_same_type_is_copied),
        cmocka_unit_test(shapes_must_agree),
    };
    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
