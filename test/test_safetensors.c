#include "support.h"

#include "io_fixtures.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static const float a_values[] = {0, 0.5f, 1, 1.5f, 2, 2.5f};
static const double b_values[] = {1.5, -2};

/* A file of that header and so many zero bytes of data. */
static nb_status parse(const char *header, size_t data, nb_arrays *arrays)
{
    unsigned char bytes[2048] = {0};
    size_t length = strlen(header);
    assert_true(8 + length + data <= sizeof bytes);
    bytes[0] = (unsigned char)(length & 0xff);
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    return nb_safetensors_parse(bytes, 8 + length + data, "f", arrays);
}

static void a_file_is_read_in_the_headers_order(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_ok(nb_safetensors_parse(safetensors_two, sizeof safetensors_two, "f", &arrays));
    assert_int_equal(arrays.count, 2);
    assert_string_equal(arrays.item[0].name, "W");
    assert_string_equal(arrays.item[1].name, "b");
    assert_true(nb_shape_equal(arrays.item[0].tensor.shape, NB_SHAPE(2, 3)));
    assert_memory_equal(arrays.item[0].tensor.data, a_values, sizeof a_values);
    assert_memory_equal(arrays.item[1].tensor.data, b_values, sizeof b_values);
    nb_arrays_destroy(&arrays);
}

#define T(dtype, shape, begin, end) \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]}"

static void every_type_and_shape_is_known(void **state)
{
    (void)state;
    static const struct {
        nb_dtype dtype;
        const char *header;
        size_t data;
    } cases[] = {
        {NB_FLOAT32, "{\"x\":" T("F32", "2", 0, 8) "}", 8},
        {NB_FLOAT64, "{\"x\":" T("F64", "1,1", 0, 8) "}", 8},
        {NB_UINT8, "{\"x\":" T("U8", "3", 0, 3) "}", 3},
        {NB_INT8, "{\"x\":" T("I8", "", 0, 1) "}", 1},
        {NB_INT16, "{\"x\":" T("I16", "2,0", 0, 0) "}", 0},
        {NB_INT32, "{\"x\":" T("I32", "1", 0, 4) "}", 4},
        {NB_INT64, "{\"x\":" T("I64", "1", 0, 8) "}   ", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_arrays arrays;
        assert_ok(parse(cases[i].header, cases[i].data, &arrays));
        assert_int_equal(arrays.item[0].tensor.dtype, cases[i].dtype);
        nb_arrays_destroy(&arrays);
    }
}

static void odd_but_right_headers_are_read(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_ok(parse("{}", 0, &arrays));
    assert_ok(parse("{\"__metadata__\":{}}", 0, &arrays));
    assert_ok(parse("{\"__metadata__\":{\"a\":\"b\",\"c\":\"\"}}", 0, &arrays));
    assert_int_equal(arrays.count, 0);
    assert_int_equal(arrays.texts, 2);
    assert_string_equal(nb_arrays_text(&arrays, "a"), "b");
    assert_string_equal(nb_arrays_text(&arrays, "c"), "");
    nb_arrays_destroy(&arrays);
    /* empty tensors stand between the others, which come in any order */
    assert_ok(parse("{\"z\":" T("U8", "3", 2, 5) ",\"e\":" T("F64", "0", 2, 2) ",\"a\":" T(
                        "U8", "2", 0, 2) ",\"f\":" T("U8", "0", 5, 5) "}",
                    5, &arrays));
    assert_int_equal(arrays.count, 4);
    assert_string_equal(arrays.item[0].name, "z");
    nb_arrays_destroy(&arrays);
    assert_ok(
        parse("{\"\\u03b8\":{\"data_offsets\":[0,1],\"shape\":[],\"dtype\":\"U8\"}}", 1, &arrays));
    assert_string_equal(arrays.item[0].name, "\xce\xb8");
    nb_arrays_destroy(&arrays);
}

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        nb_status code;
        const char *text, *header;
        size_t data;
    } cases[] = {
        {NB_EFORMAT, "offset 8: expected '{'", "", 0},
        {NB_EFORMAT, "offset 8: expected '{'", " {}", 0},
        {NB_EFORMAT, "offset 8: expected '{'", "[]", 0},
        {NB_EFORMAT, "f: offset 9: ", "{", 0},
        {NB_EFORMAT, "f: offset 12: ", "{} x", 0},
        {NB_EFORMAT, "f: offset ", "{\"a\":1,}", 0},
        {NB_EFORMAT, "f: offset ", "{'a':1}", 0},
        {NB_EFORMAT, "f: offset ", "{\"a\\u0000\":1}", 0},
        {NB_EFORMAT, "f: offset ", "{\"a\xff\":1}", 0},
        {NB_EFORMAT, "duplicate", "{\"a\":" T("U8", "1", 0, 1) ",\"a\":" T("U8", "1", 1, 2) "}", 2},
        {NB_EFORMAT, "duplicate", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0},
        {NB_EFORMAT, "\"a\": expected an object", "{\"a\":1}", 0},
        {NB_EFORMAT, "dtype is missing", "{\"a\":{}}", 0},
        {NB_EFORMAT, "shape is missing", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1},
        {NB_EFORMAT, "data_offsets is missing", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1},
        {NB_EFORMAT, "unknown key \"x\"", "{\"a\":{\"x\":1}}", 0},
        {NB_EFORMAT, "dtype: expected a string", "{\"a\":{\"dtype\":1}}", 0},
        {NB_EDTYPE, "\"a\": dtype: \"BF16\"; expected F32", "{\"a\":" T("BF16", "1", 0, 2) "}", 2},
        {NB_EFORMAT, "shape: expected an array", "{\"a\":{\"shape\":1}}", 0},
        {NB_EFORMAT, "shape: expected an integer >= 0", "{\"a\":" T("U8", "-1", 0, 1) "}", 1},
        {NB_EFORMAT, "shape: expected an integer >= 0", "{\"a\":" T("U8", "1.0", 0, 1) "}", 1},
        {NB_EFORMAT, "offset", "{\"a\":" T("U8", "9223372036854775808", 0, 1) "}", 1},
        {NB_EOVERFLOW, "more bytes", "{\"a\":" T("F32", "3000000000,3000000000", 0, 1) "}", 1},
        {NB_EOVERFLOW, SIZES("more bytes", "shape: 9000000000000000000 does not fit a size"),
         "{\"a\":" T("F32", "9000000000000000000", 0, 1) "}", 1},
        {NB_ERANGE, "9 dimensions", "{\"a\":" T("U8", "1,1,1,1,1,1,1,1,1", 0, 1) "}", 1},
        {NB_EFORMAT, "expected [begin, end]", "{\"a\":{\"data_offsets\":[0]}}", 0},
        {NB_EFORMAT, "expected [begin, end]", "{\"a\":{\"data_offsets\":[0,1,2]}}", 0},
        {NB_EFORMAT, "expected [begin, end]", "{\"a\":{\"data_offsets\":\"01\"}}", 0},
        {NB_EFORMAT, "offsets: expected an integer", "{\"a\":" T("U8", "1", -1, 0) "}", 1},
        {NB_EFORMAT, "begin 1 > end 0", "{\"a\":" T("U8", "1", 1, 0) "}", 1},
        {NB_EFORMAT, "3 bytes; float32 (1,) takes 4", "{\"a\":" T("F32", "1", 0, 3) "}", 3},
        {NB_EFORMAT, "1 bytes; uint8 (0,) takes 0", "{\"a\":" T("U8", "0", 0, 1) "}", 1},
        {NB_EFORMAT, "begins at 1, after a hole; expected 0", "{\"a\":" T("U8", "1", 1, 2) "}", 2},
        {NB_EFORMAT, "begins at 2, after a hole; expected 1",
         "{\"a\":" T("U8", "1", 0, 1) ",\"b\":" T("U8", "1", 2, 3) "}", 3},
        {NB_EFORMAT, "begins at 1, an overlap; expected 2",
         "{\"a\":" T("U8", "2", 0, 2) ",\"b\":" T("U8", "2", 1, 3) "}", 3},
        {NB_EFORMAT, "begins at 0, an overlap; expected 2",
         "{\"a\":" T("U8", "2", 0, 2) ",\"b\":" T("U8", "2", 0, 2) "}", 2},
        {NB_EFORMAT, "begins at 1, an overlap; expected 2",
         "{\"a\":" T("U8", "2", 0, 2) ",\"b\":" T("U8", "0", 1, 1) "}", 2},
        {NB_EFORMAT, "f: 3 bytes of data; the tensors take 2", "{\"a\":" T("U8", "2", 0, 2) "}", 3},
        {NB_EFORMAT, "f: 1 bytes of data; the tensors take 2", "{\"a\":" T("U8", "2", 0, 2) "}", 1},
        {NB_EFORMAT, "f: 1 bytes of data; the tensors take 0", "{}", 1},
        {NB_EFORMAT, "__metadata__: expected an object", "{\"__metadata__\":[]}", 0},
        {NB_EFORMAT, "__metadata__: \"a\": expected a string", "{\"__metadata__\":{\"a\":1}}", 0},
        {NB_EFORMAT, "duplicate", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0},
        {NB_EFORMAT, "duplicate", "{\"__metadata__\":{},\"__metadata__\":{}}", 0},
        {NB_EFORMAT, "f: offset ", "{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0},
        {NB_EFORMAT, "f: offset ", "{\"__metadata__\":{\"a\":\"\xed\xa0\x80\"}}", 0},
        {NB_EFORMAT, "1 bytes of data", "{\"__metadata__\":{\"a\":\"1\"}}", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_arrays arrays;
        assert_fails(cases[i].code, cases[i].text, parse(cases[i].header, cases[i].data, &arrays));
        assert_int_equal(arrays.count, 0);
        assert_int_equal(arrays.texts, 0);
    }
}

static void the_headers_length_is_held_against_the_file(void **state)
{
    (void)state;
    nb_arrays arrays;
    unsigned char bytes[sizeof safetensors_two];
    for (size_t size = 0; size < sizeof bytes; size++)
        assert_int_equal(nb_safetensors_parse(safetensors_two, size, "f", &arrays), NB_EFORMAT);
    assert_fails(NB_EFORMAT, "f: 7 bytes; expected 8",
                 nb_safetensors_parse(safetensors_two, 7, "f", &arrays));
    memcpy(bytes, safetensors_two, sizeof bytes);
    memset(bytes, 0xff, 8);
    assert_fails(NB_EFORMAT, "header of 18446744073709551615 bytes",
                 nb_safetensors_parse(bytes, sizeof bytes, "f", &arrays));
}

/* jansson stops at 2048 levels; without a stop this would be a stack overflow. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    static unsigned char bytes[8 + 5 + DEPTH];
    nb_arrays arrays;
    for (size_t i = 0; i < 4; i++) bytes[i] = (unsigned char)((5 + DEPTH) >> 8 * i & 0xff);
    memcpy(bytes + 8, "{\"a\":", 5);
    memset(bytes + 13, '[', DEPTH);
    assert_fails(NB_EFORMAT, "depth", nb_safetensors_parse(bytes, sizeof bytes, "f", &arrays));
}

/* W is written behind b, which is wider, and still named first. */
static void what_is_written(void **state)
{
    (void)state;
    float w[] = {1, 2, 3};
    double b[] = {4};
    nb_arrays arrays = {0};
    unsigned char *bytes;
    size_t size;
    static const char header[] = "{\"W\":" T("F32", "3", 8, 20) ",\"b\":" T("F64", "", 0, 8) "}";
    const char *path = support_path("out.safetensors");
    assert_ok(nb_arrays_add_view(&arrays, "W", nb_tensor_view(NB_FLOAT32, NB_SHAPE(3), w)));
    assert_ok(nb_arrays_add_view(&arrays, "b", nb_tensor_view(NB_FLOAT64, NB_SCALAR, b)));
    assert_ok(nb_safetensors_save(&arrays, path));
    assert_ok(nb_file_read(path, &bytes, &size));
    size_t length = bytes[0];
    assert_int_equal(length % 8, 0);
    assert_int_equal(size, 8 + length + 20);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < length; i++) assert_int_equal(bytes[8 + i], ' ');
    static const char little[] =
        "\0\0\0\0\0\0\x10\x40\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40"; /* b, W */
    assert_memory_equal(bytes + 8 + length, little, 20);
    nb_free(bytes);
    assert_fails(NB_EIO, "/dev/full: No space", nb_safetensors_save(&arrays, "/dev/full"));
    assert_ok(
        nb_arrays_add_view(&arrays, "__metadata__", nb_tensor_view(NB_FLOAT32, NB_SCALAR, w)));
    assert_fails(NB_EINVAL, "name __metadata__ is taken", nb_safetensors_save(&arrays, path));
    nb_arrays_destroy(&arrays);
}

static size_t json_taken, json_live, json_fails_at;

static void *json_take(size_t size)
{
    void *block = ++json_taken == json_fails_at ? NULL : malloc(size);
    if (!block) errno = ENOMEM; /* as malloc does */
    json_live += block != NULL;
    return block;
}

static void json_give(void *block)
{
    json_live -= block != NULL;
    free(block);
}

/* Whichever of jansson's allocations fails, saving answers and leaves the old file, or the file is
 * right; loading answers. */
static void jansson_may_run_out_of_memory(void **state)
{
    (void)state;
    nb_arrays arrays = {0}, back;
    double w[25] = {0};
    const char *path = support_path("memory.safetensors");
    assert_ok(nb_arrays_add_view(&arrays, "W", nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 5), w)));
    assert_ok(nb_arrays_add_view(&arrays, "b", nb_tensor_view(NB_FLOAT64, NB_SCALAR, w)));
    assert_ok(nb_arrays_set_text(&arrays, "key", "value"));
    json_set_alloc_funcs(json_take, json_give);
    nb_status status = NB_ENOMEM;
    for (json_fails_at = 1; status; json_fails_at++) {
        support_write("memory.safetensors", "old", 3);
        json_taken = 0;
        status = nb_safetensors_save(&arrays, path);
        assert_int_equal(json_live, 0);
        assert_int_equal(status, json_taken >= json_fails_at ? NB_ENOMEM : NB_OK);
        unsigned char *bytes;
        size_t size;
        assert_ok(nb_file_read(path, &bytes, &size));
        if (status) assert_int_equal(size, 3);
        nb_free(bytes);
    }
    assert_true(json_fails_at > 20);
    status = NB_ENOMEM;
    for (json_fails_at = 1; status; json_fails_at++) {
        json_taken = 0;
        status = nb_arrays_load(&back, path);
        assert_int_equal(json_live, 0);
        assert_int_equal(status, json_taken >= json_fails_at ? NB_ENOMEM : NB_OK);
        if (status) assert_int_equal(back.count + back.texts, 0);
    }
    assert_true(nb_shape_equal(back.item[0].tensor.shape, NB_SHAPE(5, 5)));
    assert_string_equal(nb_arrays_text(&back, "key"), "value");
    json_set_alloc_funcs(malloc, free);
    nb_arrays_destroy(&back);
    nb_arrays_destroy(&arrays);
}

static void null_is_an_answer(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    assert_fails(NB_EINVAL, "bytes is NULL", nb_safetensors_parse(NULL, 0, "f", &arrays));
    assert_fails(NB_EINVAL, "label is NULL", nb_safetensors_parse("", 0, NULL, &arrays));
    assert_fails(NB_EINVAL, "place is NULL", nb_safetensors_parse("", 0, "f", NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_safetensors_save(NULL, "f"));
    assert_fails(NB_EINVAL, "path is NULL", nb_safetensors_save(&arrays, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_in_the_headers_order),
        cmocka_unit_test(every_type_and_shape_is_known),
        cmocka_unit_test(odd_but_right_headers_are_read),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(the_headers_length_is_held_against_the_file),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(jansson_may_run_out_of_memory),
        cmocka_unit_test(null_is_an_answer),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
