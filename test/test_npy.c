#include "support.h"

#include "io_fixtures.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npy.h"
#include "nablas/tensor.h"

static const double a_values[] = {0, 0.5, 1, 1.5, 2, 2.5};

static void assert_tensor(nb_tensor *t, nb_dtype dtype, nb_shape shape, const double *values)
{
    nb_tensor wide;
    assert_int_equal(t->dtype, dtype);
    assert_true(nb_shape_equal(t->shape, shape));
    assert_ok(nb_tensor_create(&wide, NB_FLOAT64, shape));
    assert_ok(nb_tensor_convert(t, &wide));
    for (size_t i = 0; i < nb_tensor_count(t); i++)
        assert_true(((double *)wide.data)[i] == values[i]);
    nb_tensor_destroy(&wide);
    nb_tensor_destroy(t);
}

static void what_numpy_wrote_is_read(void **state)
{
    (void)state;
    nb_tensor t;
    static const double small[] = {1, -2}, scalar[] = {2.5};
#define READ(fixture, ...)                                     \
    assert_ok(nb_npy_parse(fixture, sizeof fixture, "f", &t)); \
    assert_tensor(&t, __VA_ARGS__)
    READ(npy_f4, NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    READ(npy_f8_big_fortran, NB_FLOAT64, NB_SHAPE(2, 3), a_values);
    READ(npy_v2, NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    READ(npy_v3, NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    READ(npy_scalar, NB_FLOAT64, NB_SCALAR, scalar);
    READ(npy_empty, NB_UINT8, NB_SHAPE(0, 3), NULL);
    READ(npy_i8, NB_INT64, NB_SHAPE(2), small);
    READ(npy_i2_big, NB_INT16, NB_SHAPE(2), small);
#undef READ
}

/* NumPy writes this machine's byte order, and the fixtures are from a little-endian one. */
static void in_this_machines_order(unsigned char *npy, size_t size, size_t element)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) return;
    unsigned char *at = npy + 10 + npy[8], *little = memchr(npy, '<', size);
    if (little) *little = '>';
    for (; at < npy + size; at += element)
        for (size_t i = 0; i < element / 2; i++) {
            const unsigned char byte = at[i];
            at[i] = at[element - 1 - i], at[element - 1 - i] = byte;
        }
}

/* Read a fixture, save it, and compare the bytes with those of another fixture. */
static void what_numpy_writes_is_written(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *from, *to;
        size_t from_size, to_size;
    } cases[] = {
        {npy_f4, npy_f4, sizeof npy_f4, sizeof npy_f4},
        {npy_v3, npy_f4, sizeof npy_v3, sizeof npy_f4},
        {npy_scalar, npy_scalar, sizeof npy_scalar, sizeof npy_scalar},
        {npy_empty, npy_empty, sizeof npy_empty, sizeof npy_empty},
        {npy_i8, npy_i8, sizeof npy_i8, sizeof npy_i8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_tensor t;
        unsigned char *bytes, expected[300];
        size_t size;
        const char *path = support_path("same.npy");
        assert_ok(nb_npy_parse(cases[i].from, cases[i].from_size, "from", &t));
        assert_ok(nb_npy_save(&t, path));
        assert_ok(nb_file_read(path, &bytes, &size));
        assert_int_equal(size, cases[i].to_size);
        assert_true(size <= sizeof expected);
        memcpy(expected, cases[i].to, size);
        in_this_machines_order(expected, size, nb_dtype_size(t.dtype));
        assert_memory_equal(bytes, expected, size);
        nb_free(bytes);
        nb_tensor_destroy(&t);
    }
}

static void three_dimensions_in_fortran_order(void **state)
{
    (void)state;
    /* element (i, j, k) of shape (2, 3, 4) is 12i + 4j + k, stored at i + 2j + 6k */
    unsigned char bytes[128 + 24];
    double expected[24];
    nb_tensor t;
    memset(bytes, ' ', sizeof bytes);
    static const char header[] =
        "\x93NUMPY\1\0\x76\0{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}";
    memcpy(bytes, header, sizeof header - 1);
    for (int n = 0; n < 24; n++) {
        int i = n / 12, j = n / 4 % 3, k = n % 4;
        bytes[128 + i + 2 * j + 6 * k] = (unsigned char)n;
        expected[n] = n;
    }
    assert_ok(nb_npy_parse(bytes, sizeof bytes, "f", &t));
    assert_tensor(&t, NB_UINT8, NB_SHAPE(2, 3, 4), expected);
}

/* A version 1.0 file of that header and so many zero bytes of elements. */
static nb_status parse_text(const char *header, size_t elements)
{
    unsigned char bytes[1024] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    size_t length = strlen(header);
    nb_tensor t;
    bytes[8] = (unsigned char)(length & 0xff);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    nb_status status = nb_npy_parse(bytes, 10 + length + elements, "f.npy", &t);
    nb_tensor_destroy(&t);
    return status;
}

static void headers_are_read_as_python_writes_them(void **state)
{
    (void)state;
    assert_ok(parse_text("{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}", 8));
    assert_ok(
        parse_text("  {'descr' : '=i4' , 'fortran_order' : True, 'shape' : ( 2 , 1 , ) , } \n", 8));
    assert_ok(parse_text("{'descr': '<u1', 'fortran_order': True, 'shape': (0, " SIZES(
                             "99999999999", "3999999999") "), }\n",
                         0));
    assert_ok(
        parse_text("{'descr': '|i1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1)}", 1));
}

/* numpy.load of 1.24 reads each of these. */
static void headers_of_old_pythons_and_other_writers_are_read(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': ( 1 L , 2 ) }",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}",
        "\f{'descr': '>u1',\r\n\t'fortran_order': False,\f'shape': (8,)}\f\n",
        "{'descr': 'u1', 'fortran_order': False, 'shape': (8,)}",
        "{'descr': '=i1', 'fortran_order': False, 'shape': (8,)}",
    };
    for (size_t i = 0; i < COUNT(headers); i++) assert_ok(parse_text(headers[i], 8));
    /* the L is of Python 2, which wrote no version 3.0 */
    unsigned char bytes[128] = {0x93, 'N', 'U', 'M', 'P', 'Y', 3, 0};
    nb_tensor t;
    bytes[8] = (unsigned char)strlen(headers[0]);
    memcpy(bytes + 12, headers[0], bytes[8]);
    assert_fails(NB_EFORMAT, "found 'L'", nb_npy_parse(bytes, 12u + bytes[8] + 8, "f", &t));
    bytes[6] = 2;
    assert_ok(nb_npy_parse(bytes, 12u + bytes[8] + 8, "f", &t));
    nb_tensor_destroy(&t);
}

static void null_is_an_answer(void **state)
{
    (void)state;
    char header[NB_NPY_HEADER_MAX];
    nb_tensor t = {0};
    assert_fails(NB_EINVAL, "bytes is NULL", nb_npy_parse(NULL, 0, "f", &t));
    assert_fails(NB_EINVAL, "label is NULL", nb_npy_parse(npy_f4, sizeof npy_f4, NULL, &t));
    assert_fails(NB_EINVAL, "place is NULL", nb_npy_parse(npy_f4, sizeof npy_f4, "f", NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_npy_load(NULL, &t));
    assert_fails(NB_EINVAL, "out is NULL", nb_npy_load("f", NULL));
    assert_fails(NB_EINVAL, "tensor is NULL", nb_npy_save(NULL, "f"));
    assert_fails(NB_EINVAL, "path is NULL", nb_npy_save(&t, NULL));
    assert_int_equal(nb_npy_header(NULL, header), 0);
    assert_int_equal(nb_npy_header(&t, NULL), 0);
    const char *path = support_path("never.npy");
    t = nb_tensor_view(NB_FLOAT32, NB_SHAPE(2), NULL);
    assert_fails(NB_EINVAL, "(2,) without elements", nb_npy_save(&t, path));
    t = nb_tensor_view((nb_dtype)99, NB_SHAPE(0), NULL);
    assert_fails(NB_EDTYPE, "dtype=99", nb_npy_save(&t, path));
    t = nb_tensor_view(NB_FLOAT32, (nb_shape){9, {0}}, NULL);
    assert_fails(NB_EINVAL, "ndim=9 > 8", nb_npy_save(&t, path));
    t = nb_tensor_view(NB_FLOAT32, NB_SHAPE(SIZE_MAX / 2), header);
    assert_fails(NB_EOVERFLOW, "more bytes than a size holds", nb_npy_save(&t, path));
}

#define D "{'descr': "
#define F ", 'fortran_order': False"
#define S ", 'shape': (1,)}"

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        nb_status code;
        const char *text, *header;
    } cases[] = {
        {NB_EFORMAT, "header ends at offset 10; expected '{'", ""},
        {NB_EFORMAT, "offset 10: found '[', expected '{'", "[]"},
        {NB_EFORMAT, "lacks descr", "{}"},
        {NB_EFORMAT, "lacks fortran_order", D "'<f4'" S},
        {NB_EFORMAT, "lacks shape", D "'<f4'" F "}"},
        {NB_EFORMAT, "'descr' for the second time", D "'<f4', 'descr': '<f4'" F S},
        {NB_EFORMAT, "key 'x'", D "'<f4', 'x': 1" F S},
        {NB_EFORMAT, "expected ':'", "{'descr' '<f4'" F S},
        {NB_EFORMAT, "expected ',' or '}'", D "'<f4' 'shape': (1,)}"},
        {NB_EFORMAT, "end of a string", D "'<f4"},
        {NB_EFORMAT, "end of a string", D "'<\\x664'" F S},
        {NB_EFORMAT, "expected a string", D "4" F S},
        {NB_EFORMAT, "True or False", D "'<f4', 'fortran_order': 0" S},
        {NB_EFORMAT, "header ends at offset 43; expected True", D "'<f4', 'fortran_order':"},
        {NB_EFORMAT, "'(' of a shape", D "'<f4'" F ", 'shape': [1]}"},
        {NB_EFORMAT, "',' of a tuple", D "'<f4'" F ", 'shape': (1)}"},
        {NB_EFORMAT, "a dimension", D "'<f4'" F ", 'shape': (-1,)}"},
        {NB_EFORMAT, "a dimension", D "'<f4'" F ", 'shape': (,)}"},
        {NB_EFORMAT, "a dimension", D "'<f4'" F ", 'shape': (1,,)}"},
        {NB_EFORMAT, "leading zeros", D "'<f4'" F ", 'shape': (01,)}"},
        {NB_EFORMAT, "',' or ')'", D "'<f4'" F ", 'shape': (1, 1 1)}"},
        {NB_EFORMAT, "header ends", D "'<f4'" F ", 'shape': (1,"},
        {NB_EFORMAT, "nothing after '}'", D "'<f4'" F S "x"},
        {NB_EFORMAT, "0x01, expected", "\1"},
        {NB_ERANGE, "more than 8 dim", D "'<f4'" F ", 'shape': (1,1,1,1,1,1,1,1,1)}"},
        {NB_EOVERFLOW, "does not fit", D "'<f4'" F ", 'shape': (99999999999999999999,)}"},
        {NB_EOVERFLOW, "more bytes",
         D "'<f4'" F ", 'shape': (" SIZES("9999999999999999999", "3999999999") ",)}"},
        {NB_EOVERFLOW, "more bytes", D "'<f4'" F ", 'shape': (3000000000,3000000000)}"},
        {NB_EDTYPE, "structured", D "[('x', '<f4')]" F S},
        {NB_EDTYPE, "'|O' (pickled objects", D "'|O'" F S},
        {NB_EDTYPE, "'<f2'", D "'<f2'" F S},
        {NB_EDTYPE, "'|b1'", D "'|b1'" F S},
        {NB_EDTYPE, "'<c8'", D "'<c8'" F S},
        {NB_EDTYPE, "'!f4'", D "'!f4'" F S},
        {NB_EDTYPE, "'<<f4'", D "'<<f4'" F S},
        {NB_EDTYPE, "'<f'", D "'<f'" F S},
        {NB_EDTYPE, "'<f44'", D "'<f44'" F S},
        {NB_EDTYPE, "'O' (pickled objects", D "'O'" F S},
        {NB_EFORMAT, "found 'L'", D "'<f4'" F ", 'shape': (1LL,)}"},
        {NB_EFORMAT, "found 'l'", D "'<f4'" F ", 'shape': (1l,)}"},
        {NB_EFORMAT, "expected a dimension", D "'<f4'" F ", 'shape': (L,)}"},
        {NB_EDTYPE, "''", D "''" F S},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(cases[i].code, cases[i].text, parse_text(cases[i].header, 4));
}

static void sizes_are_held_against_the_file(void **state)
{
    (void)state;
    assert_fails(NB_EFORMAT, "f.npy: offset 66: 3 bytes of elements; float32 (1,) takes 4",
                 parse_text(D "'<f4'" F S " ", 3));
    assert_fails(NB_EFORMAT, "5 bytes of elements", parse_text(D "'<f4'" F S, 5));
    assert_fails(NB_EFORMAT, "takes 3600000000",
                 parse_text(D "'<f4'" F ", 'shape': (30000, 30000)}", 4));
    nb_tensor t;
    unsigned char bytes[sizeof npy_f4];
    for (size_t size = 0; size < sizeof npy_f4; size++) { /* cut anywhere */
        assert_int_equal(nb_npy_parse(npy_f4, size, "f", &t), NB_EFORMAT);
        assert_null(t.data);
    }
    memcpy(bytes, npy_f4, sizeof bytes);
    bytes[0] = 'x';
    assert_fails(NB_EFORMAT, "not a .npy", nb_npy_parse(bytes, sizeof bytes, "f", &t));
    bytes[0] = 0x93;
    bytes[6] = 4;
    assert_fails(NB_EFORMAT, "version 4.0", nb_npy_parse(bytes, sizeof bytes, "f", &t));
    bytes[6] = 1;
    bytes[7] = 1;
    assert_fails(NB_EFORMAT, "version 1.1", nb_npy_parse(bytes, sizeof bytes, "f", &t));
    memcpy(bytes, npy_v2, sizeof bytes);
    bytes[11] = 0xff;
    assert_fails(NB_EFORMAT, "offset 8: header of 4278190196 bytes; 140 are left",
                 nb_npy_parse(bytes, sizeof bytes, "f", &t));
}

static void files_fail_with_their_names(void **state)
{
    (void)state;
    nb_tensor t;
    assert_fails(NB_EIO, "gone.npy: No such", nb_npy_load(support_path("gone.npy"), &t));
    assert_fails(NB_EFORMAT, "/bad.npy: offset 0",
                 nb_npy_load(support_write("bad.npy", "abc", 3), &t));
    assert_ok(nb_npy_load(support_write("good.npy", npy_f4, sizeof npy_f4), &t));
    assert_fails(NB_EIO, "/dev/full: No space", nb_npy_save(&t, "/dev/full"));
    nb_tensor_destroy(&t);
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    const char *path = support_write("memory.npy", npy_f4, sizeof npy_f4);
    for (size_t k = 1;; k++) {
        nb_tensor t;
        support_allocator_start(k);
        nb_status status = nb_npy_load(path, &t);
        if (!status) status = nb_npy_save(&t, path);
        nb_tensor_destroy(&t);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (status == NB_OK) break;
        assert_int_equal(status, NB_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_wrote_is_read),
        cmocka_unit_test(what_numpy_writes_is_written),
        cmocka_unit_test(three_dimensions_in_fortran_order),
        cmocka_unit_test(headers_are_read_as_python_writes_them),
        cmocka_unit_test(headers_of_old_pythons_and_other_writers_are_read),
        cmocka_unit_test(null_is_an_answer),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(sizes_are_held_against_the_file),
        cmocka_unit_test(files_fail_with_their_names),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
