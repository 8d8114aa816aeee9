#include "support.h"

#include "io_fixtures.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/pickle.h"

#include <stdlib.h>

static const float a_values[] = {0, 0.5f, 1, 1.5f, 2, 2.5f};
static const double wide_a_values[] = {0, 0.5, 1, 1.5, 2, 2.5}, b_values[] = {1.5, -2};

static void assert_array(const nb_arrays *arrays, size_t i, const char *name, nb_dtype dtype,
                         nb_shape shape, const void *elements)
{
    const nb_tensor *t = &arrays->item[i].tensor;
    assert_string_equal(arrays->item[i].name, name);
    assert_int_equal(t->dtype, dtype);
    assert_true(nb_shape_equal(t->shape, shape));
    if (elements) assert_memory_equal(t->data, elements, nb_tensor_count(t) * nb_dtype_size(dtype));
}

/* W float32 in C order, b float64 big-endian in Fortran order, by every protocol and NumPy. */
static void what_numpy_pickled_is_read(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t size;
    } cases[] = {
        {pickle_2, sizeof pickle_2},
        {pickle_3, sizeof pickle_3},
        {pickle_4, sizeof pickle_4},
        {pickle_5, sizeof pickle_5},
        {pickle_numpy2_4, sizeof pickle_numpy2_4},
        {pickle_numpy2_5, sizeof pickle_numpy2_5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_arrays arrays;
        assert_ok(nb_pickle_parse(cases[i].bytes, cases[i].size, "f", &arrays));
        assert_int_equal(arrays.count, 2);
        assert_array(&arrays, 0, "W", NB_FLOAT32, NB_SHAPE(2, 3), a_values);
        assert_array(&arrays, 1, "b", NB_FLOAT64, NB_SHAPE(2, 3), wide_a_values);
        nb_arrays_destroy(&arrays);
    }
}

static void other_plain_pickles_are_read(void **state)
{
    (void)state;
    nb_arrays arrays;
    static const double scalar = 2.5;
    assert_ok(nb_pickle_parse(pickle_python2, sizeof pickle_python2, "f", &arrays));
    assert_array(&arrays, 0, "W", NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    assert_array(&arrays, 1, "b", NB_FLOAT64, NB_SHAPE(2), b_values);
    nb_arrays_destroy(&arrays);
    assert_ok(nb_pickle_parse(pickle_small_2, sizeof pickle_small_2, "f", &arrays));
    assert_array(&arrays, 0, "e", NB_UINT8, NB_SHAPE(0, 3), NULL);
    assert_array(&arrays, 1, "s", NB_FLOAT64, NB_SCALAR, &scalar);
    nb_arrays_destroy(&arrays);
    assert_ok(nb_pickle_parse(pickle_shared, sizeof pickle_shared, "f", &arrays));
    assert_array(&arrays, 0, "W", NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    assert_array(&arrays, 1, "tied", NB_FLOAT32, NB_SHAPE(2, 3), a_values);
    assert_ptr_not_equal(arrays.item[0].tensor.data, arrays.item[1].tensor.data);
    nb_arrays_destroy(&arrays);
    assert_ok(nb_pickle_parse("\x80\x03}.", 4, "f", &arrays));
    assert_int_equal(arrays.count, 0);
}

/* Bytes of shape (2, 3, 4) in order, axes (2, 0, 1): element (i, j, k) is 12 j + 4 k + i. */
static void a_permuted_array_is_read(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_ok(nb_pickle_parse(pickle_numpy23, sizeof pickle_numpy23, "f", &arrays));
    assert_array(&arrays, 0, "K", NB_INT16, NB_SHAPE(4, 2, 3), NULL);
    const int16_t *element = arrays.item[0].tensor.data;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 3; k++) assert_int_equal(*element++, 12 * j + 4 * k + i);
    nb_arrays_destroy(&arrays);
    /* the axes, K 2 K 0 K 1, made into what is no permutation */
    static const struct {
        size_t offset;
        unsigned char byte;
    } faults[] = {{179, 1}, {181, 3}, {183, 0xff}};
    for (size_t i = 0; i < COUNT(faults); i++) {
        unsigned char bytes[sizeof pickle_numpy23];
        memcpy(bytes, pickle_numpy23, sizeof bytes);
        bytes[faults[i].offset] = faults[i].byte;
        assert_fails(NB_EFORMAT, "no permutation",
                     nb_pickle_parse(bytes, sizeof bytes, "f", &arrays));
    }
}

static void null_is_an_answer(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_fails(NB_EINVAL, "bytes is NULL", nb_pickle_parse(NULL, 0, "f", &arrays));
    assert_fails(NB_EINVAL, "label is NULL", nb_pickle_parse("", 0, NULL, &arrays));
    assert_fails(NB_EINVAL, "place is NULL", nb_pickle_parse("", 0, "f", NULL));
}

static void what_is_no_array_is_refused_by_name(void **state)
{
    (void)state;
    nb_arrays arrays;
#define REFUSE(code, text, fixture)                                                       \
    assert_fails(code, text, nb_pickle_parse(fixture, sizeof fixture, "f.pkl", &arrays)); \
    assert_int_equal(arrays.count, 0)
    REFUSE(NB_EFORMAT, "f.pkl: offset 2: global 'posix.system' has no place", pickle_evil);
    REFUSE(NB_EFORMAT, "f.pkl: offset 2: opcode 0x5d (EMPTY_LIST)", pickle_list);
    REFUSE(NB_EDTYPE, "'O8'", pickle_object);
    REFUSE(NB_EFORMAT, "offset 147: a second dictionary", pickle_structured);
    REFUSE(NB_EDTYPE, "element type '<f2'", pickle_half);
#undef REFUSE
}

/* Parts of programs for the stack machine. */
#define HEAD "\x80\x03}"
#define RECONSTRUCT "cnumpy.core.multiarray\n_reconstruct\n"
#define NEW                                \
    RECONSTRUCT "cnumpy\nndarray\nK\0\x85" \
                "C\1b\x87R"
#define DTYPE "cnumpy\ndtype\nX\2\0\0\0u1K\0K\1\x87R"
#define DSTATE "(K\3X\1\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
#define TEXT_W "X\1\0\0\0W"
#define ARRAY                             \
    NEW "(K\1K\1\x85" DTYPE DSTATE "\x89" \
        "C\1\7tb"
#define ENCODE "c_codecs\nencode\n"

#define CASE(code, text, program)               \
    {                                           \
        code, text, program, sizeof program - 1 \
    }

static void programs_that_pickle_never_writes_are_refused(void **state)
{
    (void)state;
    static const struct {
        nb_status code;
        const char *text, *program;
        size_t size;
    } cases[] = {
        CASE(NB_EFORMAT, "offset 0: the file ends", ""),
        CASE(NB_EFORMAT, "offset 0: found byte 0x28, expected PROTO", "(dp0\n."),
        CASE(NB_EFORMAT, "offset 0: protocol 1", "\x80\1}."),
        CASE(NB_EFORMAT, "offset 0: protocol 6", "\x80\6}."),
        CASE(NB_EFORMAT, "offset 2: protocol 3; expected 2 to 5, at the beg", "\x80\3\x80\3}."),
        CASE(NB_EFORMAT, "offset 0: 1 bytes expected, 0 are left", "\x80"),
        CASE(NB_EFORMAT, "offset 3: the file ends without STOP", HEAD),
        CASE(NB_EFORMAT, "offset 3: 0xff is no opcode", HEAD "\xff"),
        CASE(NB_EFORMAT, "offset 3: opcode 0x69 (INST)", HEAD "ios\nsystem\n."),
        CASE(NB_EFORMAT, "offset 3: opcode 0x81 (NEWOBJ)", HEAD "\x81."),
        CASE(NB_EFORMAT, "offset 3: opcode 0x32 (DUP)", HEAD "2."),
        CASE(NB_EFORMAT, "offset 3: opcode 0x97 (NEXT_BUFFER)", HEAD "\x97."),
        CASE(NB_EFORMAT, "0 values at the end, nothing on top", "\x80\3."),
        CASE(NB_EFORMAT, "1 values at the end, None on top", "\x80\3N."),
        CASE(NB_EFORMAT, "2 values at the end, a mark on top", HEAD "(."),
        CASE(NB_EFORMAT, "offset 3: 2 bytes after the end", HEAD ".N."),
        CASE(NB_EFORMAT, "a second dictionary", HEAD "}."),
        CASE(NB_EFORMAT, "items for nothing", "\x80\3" TEXT_W "Ns."),
        CASE(NB_EFORMAT, "an item of a text and None", HEAD TEXT_W "Ns."),
        CASE(NB_EFORMAT, "an item of an int and an array", HEAD "K\1" ARRAY "s."),
        CASE(NB_EFORMAT, "an item of a text and a dictionary", HEAD "q\0" TEXT_W "h\0s."),
        CASE(NB_EFORMAT, "a name without an array", HEAD "(" TEXT_W "u."),
        CASE(NB_EFORMAT, "no mark on the stack", HEAD TEXT_W "u."),
        CASE(NB_EFORMAT, "no mark on the stack", HEAD "t."),
        CASE(NB_EFORMAT, "0 values for a tuple of 1", HEAD "(\x85."),
        CASE(NB_EFORMAT, "1 values for a tuple of 3", "\x80\3N\x87."),
        CASE(NB_EFORMAT, "memo 9 is empty", HEAD "h\x09."),
        CASE(NB_EFORMAT, "memo 1 is empty", HEAD "q\2h\1."),
        CASE(NB_EFORMAT, "memo 4294967295 in a file of 9", HEAD "r\xff\xff\xff\xff."),
        CASE(NB_EFORMAT, "nothing to put into memo 0", HEAD "(q\0."),
        CASE(NB_EFORMAT, "nothing to put into memo 0", "\x80\4\x94."),
        CASE(NB_EFORMAT, "a frame of 4294967296 bytes", "\x80\4\x95\0\0\0\0\1\0\0\0}."),
        CASE(NB_EFORMAT, "18446744073709551615 bytes expected, 1 are left",
             HEAD "\x8e\xff\xff\xff\xff\xff\xff\xff\xff."),
        CASE(NB_EFORMAT, "4294967295 bytes expected", HEAD "X\xff\xff\xff\xff."),
        CASE(NB_EFORMAT, "an int of more than 64 bits",
             HEAD "\x8a\x09"
                  "123456789."),
        CASE(NB_EFORMAT, "a line without end", HEAD "cnumpy"),
        CASE(NB_EFORMAT, "a line without end", HEAD "cnumpy\nndarray"),
        CASE(NB_EFORMAT, "global 'builtins.eval'",
             "\x80\4}\x8c\x08"
             "builtins\x8c\4eval\x93."),
        CASE(NB_EFORMAT, "global 'numpy.ndarrayx'", HEAD "cnumpy\nndarrayx\n."),
        CASE(NB_EFORMAT, "found an int, expected a text", HEAD TEXT_W "K\1\x93."),
        CASE(NB_EFORMAT, "found None, expected a tuple", HEAD "cnumpy\nndarray\nNR."),
        CASE(NB_EFORMAT, "found a text, expected a global", HEAD TEXT_W ")R."),
        CASE(NB_EFORMAT, "arguments that NumPy does not give", HEAD "cnumpy\nndarray\n)R."),
        CASE(NB_EFORMAT, "arguments that", HEAD RECONSTRUCT ")R."),
        CASE(NB_EFORMAT, "arguments that",
             HEAD RECONSTRUCT "cnumpy\ndtype\nK\0\x85"
                              "C\1b\x87R."),
        CASE(NB_EFORMAT, "arguments that",
             HEAD RECONSTRUCT "cnumpy\nndarray\nK\1\x85"
                              "C\1b\x87R."),
        CASE(NB_EFORMAT, "arguments that", HEAD "c__builtin__\nbytes\nN\x85R."),
        CASE(NB_EFORMAT, "arguments that", HEAD ENCODE TEXT_W "X\5\0\0\0ascii\x86R."),
        CASE(NB_EFORMAT, "byte 0 of a text", HEAD ENCODE "X\2\0\0\0\xc4\x80X\6\0\0\0latin1\x86R."),
        CASE(NB_EFORMAT, "byte 1 of a text", HEAD ENCODE "X\2\0\0\0a\xc3X\6\0\0\0latin1\x86R."),
        CASE(NB_EDTYPE, "'datetime64'", HEAD "cnumpy\ndtype\nX\x0a\0\0\0datetime64K\0K\1\x87R."),
        CASE(NB_EFORMAT, "a state for a dictionary", HEAD ")b."),
        CASE(NB_EFORMAT, "a state for nothing", "\x80\3)b."),
        CASE(NB_EFORMAT, "found None, expected a tuple", HEAD NEW "Nb."),
        CASE(NB_EFORMAT, "an array's state is not", HEAD NEW ")b."),
        CASE(NB_EFORMAT, "a dtype's state is not", HEAD DTYPE ")b."),
        CASE(NB_EFORMAT, "'W' is an array without a state", HEAD TEXT_W NEW "s."),
        CASE(NB_EFORMAT, "an array of a tuple, None and bytes",
             HEAD NEW "(K\1)N\x89"
                      "C\0tb."),
        CASE(NB_EFORMAT, "a dtype without byte order",
             HEAD NEW "(K\1K\1\x85" DTYPE "\x89"
                      "C\1\7tb."),
        CASE(NB_EFORMAT, "dimension 0 is not an int >= 0",
             HEAD NEW "(K\1J\xff\xff\xff\xff\x85" DTYPE DSTATE "\x89"
                      "C\1\7tb."),
        CASE(NB_EFORMAT, "2 bytes of elements; uint8 (1,) takes 1",
             HEAD NEW "(K\1K\1\x85" DTYPE DSTATE "\x89"
                      "C\2\7\7tb."),
        CASE(NB_EOVERFLOW, "takes more bytes than a size holds",
             HEAD NEW "(K\1(\x8a\4\1\1\1\x7f\x8a\4\1\1\1\x7f\x8a\4\1\1\1\x7ft" DTYPE DSTATE "\x89"
                      "C\1\7tb."),
        CASE(NB_EOVERFLOW,
             SIZES("takes more bytes than a size holds", "dimension 0 does not fit a size"),
             HEAD NEW "(K\1(\x8a\5\1\1\1\1\1\x8a\5\1\1\1\1\1t" DTYPE DSTATE "\x89"
                      "C\1\7tb."),
        CASE(NB_ERANGE, "9 dimensions",
             HEAD NEW "(K\1(K\1K\1K\1K\1K\1K\1K\1K\1K\1t" DTYPE DSTATE "\x89"
                      "C\1\7tb."),
        CASE(NB_EFORMAT, "an order that is none of 'C', 'F', and 'K' with axes",
             HEAD "cnumpy.core.numeric\n_frombuffer\n(C\1\7" DTYPE DSTATE "K\1\x85X\1\0\0\0KtR."),
        CASE(NB_EFORMAT, "an order that is none",
             HEAD "cnumpy.core.numeric\n_frombuffer\n(C\1\7" DTYPE DSTATE
                  "K\1\x85X\1\0\0\0CK\0\x85tR."),
        CASE(NB_EFORMAT, "axes that are no permutation",
             HEAD "cnumpy.core.numeric\n_frombuffer\n(C\1\7" DTYPE DSTATE "K\1\x85X\1\0\0\0K)tR."),
        CASE(NB_EFORMAT, "'W' for the second time", HEAD "(" TEXT_W ARRAY TEXT_W ARRAY "u."),
        CASE(NB_EFORMAT, "a name with a zero byte", HEAD "X\2\0\0\0W\0" ARRAY "s."),
    };
    nb_arrays arrays;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fails(cases[i].code, cases[i].text,
                     nb_pickle_parse(cases[i].program, cases[i].size, "f", &arrays));
        assert_int_equal(arrays.count, 0);
    }
    /* and their parts, put together rightly, are an array */
    static const char good[] = HEAD TEXT_W ARRAY "s.";
    assert_ok(nb_pickle_parse(good, sizeof good - 1, "f", &arrays));
    assert_array(&arrays, 0, "W", NB_UINT8, NB_SHAPE(1), "\7");
    nb_arrays_destroy(&arrays);
}

/* A program put together piece by piece. */
typedef struct program {
    char *bytes;
    size_t size;
} program;

static void append(program *p, const char *bytes, size_t size, size_t times)
{
    p->bytes = realloc(p->bytes, p->size + size * times);
    assert_non_null(p->bytes);
    for (; times > 0; times--, p->size += size) memcpy(p->bytes + p->size, bytes, size);
}
#define APPEND(p, bytes, times) append(p, bytes, sizeof bytes - 1, times)

static void assert_refused(program *p, nb_status code, const char *text)
{
    nb_arrays arrays;
    assert_fails(code, text, nb_pickle_parse(p->bytes, p->size, "f", &arrays));
    assert_int_equal(arrays.count, 0);
    free(p->bytes);
    *p = (program){0};
}

static void stack_and_memory_are_bounded(void **state)
{
    (void)state;
    program p = {0};
    APPEND(&p, HEAD, 1);
    APPEND(&p, "N", 5000);
    assert_refused(&p, NB_ERANGE, "offset 4098: more than 4096 values");

    APPEND(&p, HEAD, 1);
    APPEND(&p, "(", 5000);
    assert_refused(&p, NB_ERANGE, "offset 4098: more than 4096 values");

    /* a tuple in a tuple in a tuple */
    APPEND(&p, HEAD ")", 1);
    APPEND(&p, "\x85", 1000000);
    assert_refused(&p, NB_EFORMAT, "offset 1000004: the file ends without STOP");

    /* one text encoded again and again */
    APPEND(&p, HEAD ENCODE "q\0X\xe8\3\0\0", 1);
    APPEND(&p, "0123456789", 100);
    APPEND(&p, "X\6\0\0\0latin1\x86q\1R", 1);
    APPEND(&p, "h\0h\1R\x86", 100);
    assert_refused(&p, NB_ERANGE, "texts encode to more bytes than the file has");

    /* one array under name after name */
    APPEND(&p,
           HEAD "(" TEXT_W NEW "q\0(K\1M\xe8\3\x85" DTYPE DSTATE "\x89"
                "B\xe8\3\0\0",
           1);
    APPEND(&p, "0123456789", 100);
    APPEND(&p, "tb", 1);
    for (char name[] = "X\1\0\0\0ah\0"; name[5] <= 'z'; name[5]++) APPEND(&p, name, 1);
    APPEND(&p, "u.", 1);
    assert_refused(&p, NB_ERANGE, "arrays of more than 16 times the file's size");
}

static void cut_and_damaged_files_get_an_answer(void **state)
{
    (void)state;
    nb_arrays arrays;
    unsigned char bytes[sizeof pickle_4];
    for (size_t size = 0; size < sizeof pickle_4; size++)
        assert_int_equal(nb_pickle_parse(pickle_4, size, "f", &arrays), NB_EFORMAT);
    for (size_t i = 0; i < sizeof bytes; i++) {
        memcpy(bytes, pickle_4, sizeof bytes);
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = pickle_4[i] ^ (unsigned char)(1 << bit);
            nb_pickle_parse(bytes, sizeof bytes, "f", &arrays);
            nb_arrays_destroy(&arrays);
        }
    }
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    for (size_t k = 1;; k++) {
        nb_arrays arrays;
        support_allocator_start(k);
        nb_status status = nb_pickle_parse(pickle_2, sizeof pickle_2, "f", &arrays);
        assert_int_equal(arrays.count, status ? 0 : 2);
        nb_arrays_destroy(&arrays);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (status == NB_OK) break;
        assert_int_equal(status, NB_ENOMEM);
    }
}

/* The book's weights, if they are there: names, shapes, and the sum of the elements' bit patterns,
 * by NumPy: w.view('u4').astype('u8').sum(). */
static void the_books_weights_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        nb_shape shape;
        uint64_t sum;
    } expected[] = {
        {"b2", {1, {100}}, 209621958239},      {"W1", {2, {784, 50}}, 82101675597179},
        {"b1", {1, {50}}, 103065152472},       {"W2", {2, {50, 100}}, 10644904829325},
        {"W3", {2, {100, 10}}, 2120173229155}, {"b3", {1, {10}}, 18776845357},
    };
    const char *path = getenv("NABLAS_BOOK_WEIGHTS");
    if (!path) path = "../shared/data/sample_weight.pkl";
    FILE *file = fopen(path, "rb");
    if (!file) skip();
    fclose(file);
    nb_arrays arrays;
    assert_ok(nb_arrays_load(&arrays, path));
    assert_int_equal(arrays.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < arrays.count; i++) {
        uint64_t sum = 0;
        assert_array(&arrays, i, expected[i].name, NB_FLOAT32, expected[i].shape, NULL);
        for (size_t j = 0; j < nb_tensor_count(&arrays.item[i].tensor); j++) {
            uint32_t bits;
            memcpy(&bits, (float *)arrays.item[i].tensor.data + j, 4);
            sum += bits;
        }
        assert_int_equal(sum, expected[i].sum);
    }
    nb_arrays_destroy(&arrays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_pickled_is_read),
        cmocka_unit_test(other_plain_pickles_are_read),
        cmocka_unit_test(a_permuted_array_is_read),
        cmocka_unit_test(null_is_an_answer),
        cmocka_unit_test(what_is_no_array_is_refused_by_name),
        cmocka_unit_test(programs_that_pickle_never_writes_are_refused),
        cmocka_unit_test(stack_and_memory_are_bounded),
        cmocka_unit_test(cut_and_damaged_files_get_an_answer),
        cmocka_unit_test(memory_may_run_out_at_any_point),
        cmocka_unit_test(the_books_weights_are_read),
    };
    return cmocka_run_group_tests_name("pickle", tests, NULL, NULL);
}
