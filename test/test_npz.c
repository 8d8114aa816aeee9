#include "support.h"

#include "failing_malloc.h"
#include "io_fixtures.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npz.h"

#include <zip.h>

static const float a_values[] = {0, 0.5f, 1, 1.5f, 2, 2.5f};
static const double b_values[] = {1.5, -2};

static void assert_two(nb_arrays *arrays)
{
    assert_int_equal(arrays->count, 2);
    assert_string_equal(arrays->item[0].name, "W");
    assert_string_equal(arrays->item[1].name, "b");
    assert_true(nb_shape_equal(arrays->item[0].tensor.shape, NB_SHAPE(2, 3)));
    assert_memory_equal(arrays->item[0].tensor.data, a_values, sizeof a_values);
    assert_memory_equal(arrays->item[1].tensor.data, b_values, sizeof b_values);
    nb_arrays_destroy(arrays);
}

static void what_numpy_wrote_is_read(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_ok(nb_npz_parse(npz_stored, sizeof npz_stored, "f", &arrays));
    assert_two(&arrays);
    assert_ok(nb_npz_parse(npz_deflated, sizeof npz_deflated, "f", &arrays));
    assert_two(&arrays);
}

/* Their local headers tell no sizes, which follow the data. */
static void what_was_zipped_into_a_stream_is_read(void **state)
{
    (void)state;
    nb_arrays arrays;
    static const float counted[] = {0, 1, 2, 3, 4, 5};
    assert_ok(nb_npz_parse(npz_streamed, sizeof npz_streamed, "f", &arrays));
    assert_two(&arrays);
    assert_ok(nb_npz_parse(npz_bsdtar, sizeof npz_bsdtar, "f", &arrays));
    assert_int_equal(arrays.count, 1);
    assert_string_equal(arrays.item[0].name, "W1");
    assert_memory_equal(arrays.item[0].tensor.data, counted, sizeof counted);
    nb_arrays_destroy(&arrays);
}

static void stored_and_deflated_are_written_alike_each_time(void **state)
{
    (void)state;
    nb_arrays arrays, back;
    unsigned char *first, *second;
    size_t size, other, sizes[2];
    assert_ok(nb_npz_parse(npz_stored, sizeof npz_stored, "f", &arrays));
    nb_tensor zeros;
    assert_ok(nb_tensor_create(&zeros, NB_UINT8, NB_SHAPE(1000)));
    assert_ok(nb_arrays_add(&arrays, "zeros", &zeros));
    for (int deflate = 0; deflate < 2; deflate++) {
        assert_ok(nb_npz_save(&arrays, support_path("1.npz"), deflate));
        assert_ok(nb_npz_save(&arrays, support_path("2.npz"), deflate));
        assert_ok(nb_file_read(support_path("1.npz"), &first, &size));
        assert_ok(nb_file_read(support_path("2.npz"), &second, &other));
        assert_int_equal(size, other);
        assert_memory_equal(first, second, size);
        assert_ok(nb_npz_parse(first, size, "1.npz", &back));
        assert_int_equal(back.count, 3);
        sizes[deflate] = size;
        nb_arrays_destroy(&back);
        nb_free(first);
        nb_free(second);
    }
    assert_true(sizes[0] > 1000 && sizes[1] < 1000);
    nb_arrays_destroy(&arrays);
}

/* An archive of one entry, made by libzip. */
static const char *make_zip(const char *name, const void *bytes, size_t size, bool encrypt)
{
    const char *path = support_path("made.npz");
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(zip);
    assert_int_equal(zip_file_add(zip, name, zip_source_buffer(zip, bytes, size, 0), 0), 0);
    if (encrypt) assert_int_equal(zip_file_set_encryption(zip, 0, ZIP_EM_AES_128, "secret"), 0);
    assert_int_equal(zip_close(zip), 0);
    return path;
}

static void entries_must_be_plain_arrays(void **state)
{
    (void)state;
    nb_arrays arrays;
    assert_fails(NB_EFORMAT, "made.npz: W.txt: no array, and not __metadata__.json",
                 nb_arrays_load(&arrays, make_zip("W.txt", "hello, world", 12, false)));
    assert_fails(NB_EFORMAT, "made.npz: W: no array",
                 nb_arrays_load(&arrays, make_zip("W", "\x93NUMP", 5, false)));
    assert_fails(NB_EFORMAT, "made.npz: W.npy: offset 0: not a .npy",
                 nb_arrays_load(&arrays, make_zip("W.npy", "hello, world", 12, false)));
    if (zip_encryption_method_supported(ZIP_EM_AES_128,
                                        1)) /* if libzip was built with cryptography */
        assert_fails(NB_EFORMAT, "W.npy: encrypted",
                     nb_arrays_load(&arrays, make_zip("W.npy", npy_f4, sizeof npy_f4, true)));
    assert_ok(nb_arrays_load(&arrays, make_zip(".npy", npy_f4, sizeof npy_f4, false)));
    assert_string_equal(arrays.item[0].name, "");
    nb_arrays_destroy(&arrays);
    /* a name is what is before .npy, or, as for np.load, all of it */
    assert_ok(nb_arrays_load(&arrays, make_zip("npy", npy_f4, sizeof npy_f4, false)));
    assert_string_equal(arrays.item[0].name, "npy");
    nb_arrays_destroy(&arrays);
    assert_ok(nb_arrays_load(&arrays, make_zip("folder/", "", 0, false)));
    assert_int_equal(arrays.count, 0);
}

static nb_status parse_texts(const char *json, size_t size, nb_arrays *arrays)
{
    return nb_arrays_load(arrays, make_zip("__metadata__.json", json, size, false));
}

static void texts_are_an_object_of_strings(void **state)
{
    (void)state;
    nb_arrays arrays;
    static const char good[] = " {\"a\": \"b\",\n\"\\u03b8\": \"\"} ";
    assert_ok(parse_texts(good, sizeof good - 1, &arrays));
    assert_string_equal(nb_arrays_text(&arrays, "a"), "b");
    assert_string_equal(nb_arrays_text(&arrays, "\xce\xb8"), "");
    assert_int_equal(arrays.count, 0);
    nb_arrays_destroy(&arrays);
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"__metadata__.json: offset 0: ", ""},
        {"__metadata__.json: offset 8: ", "{\"a\":1,}"},
        {"expected an object", "[\"a\", \"b\"]"},
        {"\"b\": expected a string", "{\"a\":\"b\",\"b\":{}}"},
        {"duplicate", "{\"a\":\"1\",\"a\":\"2\"}"},
        {"made.npz: __metadata__.json: offset", "{\"a\":\"\\u0000\"}"},
        {"made.npz: __metadata__.json: offset", "{\"a\":\"\xff\"}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(NB_EFORMAT, cases[i].text,
                     parse_texts(cases[i].json, strlen(cases[i].json), &arrays));
        assert_int_equal(arrays.texts, 0);
    }
}

static void texts_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    nb_arrays arrays;
    enum { MANY = NB_TEXTS_MAX + 1 };
    static char many[20 * MANY], large[30 << 20];
    size_t size = 0;
    for (int i = 0; i < MANY; i++)
        size +=
            (size_t)snprintf(many + size, sizeof many - size, "%c\"%d\":\"\"", i ? ',' : '{', i);
    many[size++] = '}';
    assert_fails(NB_ERANGE, "__metadata__.json: texts beyond 1000 or 4194304 bytes",
                 parse_texts(many, size, &arrays));
    assert_int_equal(arrays.texts, 0);
    memset(large, ' ', sizeof large);
    assert_fails(NB_ERANGE, "bytes declared; more than the",
                 parse_texts(large, sizeof large, &arrays));
    memset(large, 'x', sizeof large);
    memcpy(large, "{\"a\":\"", 6);
    memcpy(large + NB_TEXTS_MAX_BYTES + 8, "\"}", 2);
    assert_fails(NB_ERANGE, "texts beyond", parse_texts(large, NB_TEXTS_MAX_BYTES + 10, &arrays));
}

static void put32(unsigned char *at, uint32_t x)
{
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(x >> 8 * i & 0xff);
}

/* Where `signature` (of a local or a central header) stands for the n-th time. */
static unsigned char *find(unsigned char *bytes, size_t size, const char *signature, int n)
{
    for (size_t i = 0; i + 4 <= size; i++)
        if (memcmp(bytes + i, signature, 4) == 0 && n-- == 0) return bytes + i;
    fail_msg("no such header");
    return NULL;
}

/* Both headers of the second entry, b.npy, tell of `packed` bytes that unpack to `size`. A stored
 * fixture of NumPy's keeps its sizes in a zip64 field as well, so ours is made by libzip. */
static nb_status parse_with_sizes(uint32_t packed, uint32_t size)
{
    unsigned char *bytes;
    size_t length;
    nb_arrays arrays;
    assert_ok(nb_npz_parse(npz_stored, sizeof npz_stored, "f", &arrays));
    assert_ok(nb_npz_save(&arrays, support_path("sizes.npz"), true));
    nb_arrays_destroy(&arrays);
    assert_ok(nb_file_read(support_path("sizes.npz"), &bytes, &length));
    unsigned char *local = find(bytes, length, "PK\3\4", 1);
    unsigned char *central = find(bytes, length, "PK\1\2", 1);
    if (packed) {
        put32(local + 18, packed);
        put32(central + 20, packed);
    }
    put32(local + 22, size);
    put32(central + 24, size);
    nb_status status = nb_npz_parse(bytes, length, "sizes.npz", &arrays);
    nb_free(bytes);
    return status;
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    /* b.npy is 144 bytes */
    assert_fails(NB_EFORMAT, "b.npy: 4000000000 bytes declared;", parse_with_sizes(0, 4000000000u));
    assert_fails(NB_EFORMAT, "sizes.npz: ", parse_with_sizes(100000, 144));
    assert_fails(NB_EFORMAT, "b.npy: unpacks to less than the 145", parse_with_sizes(0, 145));
    assert_int_equal(parse_with_sizes(0, 143), NB_EFORMAT);
}

/* Two million packed bytes can hold the gigabyte and a half that they declare, and yet are not let.
 */
static void a_bomb_is_refused(void **state)
{
    (void)state;
    static unsigned char noise[2000000];
    nb_arrays arrays;
    unsigned char *bytes;
    size_t size;
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)(int)(support_value(&seed) * 128);
    assert_ok(nb_file_read(make_zip("big.npy", noise, sizeof noise, false), &bytes, &size));
    unsigned char *local = find(bytes, size, "PK\3\4", 0);
    unsigned char *central = find(bytes, size, "PK\1\2", 0);
    local[8] = central[10] = 8; /* deflated, it says */
    put32(local + 22, 1500000000);
    put32(central + 24, 1500000000);
    assert_fails(NB_ERANGE, "f: big.npy: 1500000000 bytes declared; more than the 107",
                 nb_npz_parse(bytes, size, "f", &arrays));
    put32(local + 22, 2100000000);
    put32(central + 24, 2100000000);
    assert_fails(NB_EFORMAT, "2100000000 bytes declared; 2",
                 nb_npz_parse(bytes, size, "f", &arrays));
    local[8] = central[10] = 12;
    assert_fails(NB_EFORMAT, "compression method 12", nb_npz_parse(bytes, size, "f", &arrays));
    nb_free(bytes);
}

static void damage_is_seen(void **state)
{
    (void)state;
    nb_arrays arrays;
    unsigned char bytes[sizeof npz_stored];
    for (size_t size = 0; size < sizeof npz_deflated; size++)
        assert_int_equal(nb_npz_parse(npz_deflated, size, "cut", &arrays), NB_EFORMAT);
    memcpy(bytes, npz_stored, sizeof bytes);
    bytes[190] ^= 1; /* in an element: only the CRC tells */
    assert_fails(NB_EFORMAT, "f.npz: W.npy: the checksum (CRC) is another one",
                 nb_npz_parse(bytes, sizeof bytes, "f.npz", &arrays));
    for (size_t i = 0; i < sizeof bytes; i++) { /* any byte: an answer, whatever it is */
        memcpy(bytes, npz_stored, sizeof bytes);
        bytes[i] ^= 0x55;
        nb_npz_parse(bytes, sizeof bytes, "f.npz", &arrays);
        nb_arrays_destroy(&arrays);
    }
}

static void a_name_is_given_once(void **state)
{
    (void)state;
    nb_arrays arrays;
    unsigned char bytes[sizeof npz_stored];
    memcpy(bytes, npz_stored, sizeof bytes);
    for (size_t i = 0; i + 5 < sizeof bytes; i++)
        if (memcmp(bytes + i, "b.npy", 5) == 0) bytes[i] = 'W';
    assert_fails(NB_EFORMAT, "f.npz: W.npy: the name for the second time",
                 nb_npz_parse(bytes, sizeof bytes, "f.npz", &arrays));
    assert_int_equal(arrays.count, 0);
    /* W.npy and W are both W */
    static unsigned char twice[sizeof npz_streamed];
    memcpy(twice, npz_streamed, sizeof twice);
    find(twice, sizeof twice, "PK\3\4", 1)[30] = 'W';
    find(twice, sizeof twice, "PK\1\2", 1)[46] = 'W';
    assert_fails(NB_EFORMAT, "f.npz: W: the name for the second time",
                 nb_npz_parse(twice, sizeof twice, "f.npz", &arrays));
}

static void texts_come_once(void **state)
{
    (void)state;
    const char *path = support_path("twice.npz");
    nb_arrays arrays;
    unsigned char *bytes;
    size_t size;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(zip);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "__metadata__.jsox" : "__metadata__.json";
        assert_int_equal(zip_file_add(zip, name, zip_source_buffer(zip, "{}", 2, 0), 0), i);
    }
    assert_int_equal(zip_close(zip), 0);
    assert_ok(nb_file_read(path, &bytes, &size));
    find(bytes, size, "PK\3\4", 1)[30 + 16] = 'n';
    find(bytes, size, "PK\1\2", 1)[46 + 16] = 'n';
    assert_fails(NB_EFORMAT, "f: __metadata__.json: the name for the second time",
                 nb_npz_parse(bytes, size, "f", &arrays));
    nb_free(bytes);
}

/* libzip and zlib take their memory from malloc; so do jansson and stdio. Whichever call fails, no
 * block of ours is lost, the answer is that there is no memory, and the old file is there; or the
 * failure did no harm. */
static void assert_save_survives(const nb_arrays *arrays, bool deflate)
{
    bool ran_out = true;
    for (size_t k = 1; ran_out; k++) {
        unsigned char *bytes;
        size_t size;
        nb_arrays back;
        const char *path = support_write("memory.npz", "old", 3);
        support_allocator_start(0);
        malloc_calls = 0;
        malloc_fails_at = k;
        nb_status status = nb_npz_save(arrays, path, deflate);
        ran_out = malloc_calls >= k;
        malloc_fails_at = 0;
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_ok(nb_file_read(path, &bytes, &size));
        if (status) {
            assert_int_equal(status, NB_ENOMEM);
            assert_int_equal(size, 3);
        } else {
            assert_ok(nb_npz_parse(bytes, size, "f", &back));
            assert_string_equal(nb_arrays_text(&back, "key"), "value");
            assert_two(&back);
        }
        nb_free(bytes);
    }
}

static void assert_load_survives(const char *path)
{
    bool ran_out = true;
    for (size_t k = 1; ran_out; k++) {
        nb_arrays back;
        support_allocator_start(0);
        malloc_calls = 0;
        malloc_fails_at = k;
        nb_status status = nb_arrays_load(&back, path);
        ran_out = malloc_calls >= k;
        malloc_fails_at = 0;
        if (status) {
            assert_int_equal(status, NB_ENOMEM);
            assert_int_equal(back.count + back.texts, 0);
        } else {
            assert_string_equal(nb_arrays_text(&back, "key"), "value");
            assert_two(&back);
        }
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
    }
}

static void libraries_may_run_out_of_memory(void **state)
{
    (void)state;
    if (!MALLOC_CAN_FAIL) skip();
    nb_arrays arrays;
    assert_ok(nb_npz_parse(npz_stored, sizeof npz_stored, "f", &arrays));
    assert_ok(nb_arrays_set_text(&arrays, "key", "value"));
    for (int deflate = 0; deflate < 2; deflate++) {
        assert_save_survives(&arrays, deflate);
        assert_load_survives(support_path("memory.npz"));
    }
    nb_arrays_destroy(&arrays);
}

static void null_is_an_answer(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    assert_fails(NB_EINVAL, "bytes is NULL", nb_npz_parse(NULL, 0, "f", &arrays));
    assert_fails(NB_EINVAL, "label is NULL", nb_npz_parse("", 0, NULL, &arrays));
    assert_fails(NB_EINVAL, "place is NULL", nb_npz_parse("", 0, "f", NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_npz_save(NULL, "f", false));
    assert_fails(NB_EINVAL, "path is NULL", nb_npz_save(&arrays, NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_wrote_is_read),
        cmocka_unit_test(what_was_zipped_into_a_stream_is_read),
        cmocka_unit_test(stored_and_deflated_are_written_alike_each_time),
        cmocka_unit_test(entries_must_be_plain_arrays),
        cmocka_unit_test(texts_are_an_object_of_strings),
        cmocka_unit_test(texts_beyond_the_limits_are_refused),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(a_name_is_given_once),
        cmocka_unit_test(texts_come_once),
        cmocka_unit_test(libraries_may_run_out_of_memory),
        cmocka_unit_test(null_is_an_answer),
    };
    return cmocka_run_group_tests_name("npz", tests, NULL, NULL);
}
