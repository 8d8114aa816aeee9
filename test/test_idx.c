#include "support.h"

#include "nablas/idx.h"
#include "nablas/memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

/* --- helpers ---------------------------------------------------------------------------------- */

/* `name` with the gzip of `bytes` as one member, added to what is there when `mode` is "ab". */
static const char *write_gzip(const char *name, const char *mode, const void *bytes, size_t size)
{
    const char *path = support_path(name);
    gzFile file = gzopen(path, mode);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

static size_t slurp(const char *path, unsigned char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    assert_true(size < room);
    fclose(file);
    return size;
}

/* nb_idx_read fails with `code`; the message names the file and has `text`; nothing stays. */
#define assert_unreadable(code, text, path)             \
    do {                                                \
        assert_fails(code, text, unreadable(path));     \
        assert_non_null(strstr(nb_last_error(), path)); \
    } while (0)
static nb_status unreadable(const char *path)
{
    nb_tensor t;
    memset(&t, 0x5a, sizeof t);
    support_allocator_start(0);
    nb_status status = nb_idx_read(path, &t);
    support_allocator_stop();
    assert_int_equal(support_memory.live, 0);
    assert_null(t.data);
    assert_int_equal(t.shape.ndim, 0);
    return status;
}

static const nb_dtype dtypes[] = {NB_UINT8, NB_INT8, NB_INT16, NB_INT32, NB_FLOAT32, NB_FLOAT64};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* (2, 3) bytes 1 to 6, the small file that most tests damage. */
static const unsigned char small[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
enum { HEADER = 12, SMALL = sizeof small };

/* --- what is read ----------------------------------------------------------------------------- */

static void every_type_is_big_endian(void **state)
{
    (void)state;
    static const unsigned char u8[] = {0, 0, 0x08, 1, 0, 0, 0, 2, 7, 255};
    static const unsigned char s8[] = {0, 0, 0x09, 1, 0, 0, 0, 2, 7, 255};
    static const unsigned char s16[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe};
    static const unsigned char s32[] = {0, 0, 0x0c, 1, 0,    0,    0,    2,
                                        1, 2, 3,    4, 0xff, 0xff, 0xff, 0xfe};
    static const unsigned char f32[] = {0,    0,    0x0d, 1, 0,    0,    0, 2,
                                        0x3f, 0xc0, 0,    0, 0xc0, 0x20, 0, 0};
    static const unsigned char f64[] = {0,    0,    0x0e, 1,    0,    0,    0,    1,
                                        0xc0, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18};
    nb_tensor t;

    assert_ok(nb_idx_read(support_write("u8", u8, sizeof u8), &t));
    assert_int_equal(t.dtype, NB_UINT8);
    assert_int_equal(((uint8_t *)t.data)[0], 7);
    assert_int_equal(((uint8_t *)t.data)[1], 255);
    assert_int_equal((uintptr_t)t.data % NB_ALIGNMENT, 0);
    nb_tensor_destroy(&t);

    assert_ok(nb_idx_read(support_write("s8", s8, sizeof s8), &t));
    assert_int_equal(t.dtype, NB_INT8);
    assert_int_equal(((int8_t *)t.data)[1], -1);
    nb_tensor_destroy(&t);

    assert_ok(nb_idx_read(support_write("s16", s16, sizeof s16), &t));
    assert_int_equal(t.dtype, NB_INT16);
    assert_int_equal(((int16_t *)t.data)[0], 0x0102);
    assert_int_equal(((int16_t *)t.data)[1], -2);
    nb_tensor_destroy(&t);

    assert_ok(nb_idx_read(support_write("s32", s32, sizeof s32), &t));
    assert_int_equal(t.dtype, NB_INT32);
    assert_int_equal(((int32_t *)t.data)[0], 0x01020304);
    assert_int_equal(((int32_t *)t.data)[1], -2);
    nb_tensor_destroy(&t);

    assert_ok(nb_idx_read(support_write("f32", f32, sizeof f32), &t));
    assert_int_equal(t.dtype, NB_FLOAT32);
    assert_near((double)((float *)t.data)[0], 1.5, 0);
    assert_near((double)((float *)t.data)[1], -2.5, 0);
    nb_tensor_destroy(&t);

    assert_ok(nb_idx_read(support_write("f64", f64, sizeof f64), &t));
    assert_int_equal(t.dtype, NB_FLOAT64);
    assert_near(((double *)t.data)[0], -3.141592653589793, 0);
    nb_tensor_destroy(&t);
}

/* Every type with 0 to 8 dimensions, raw and gzipped: what is written is what is read. */
static void what_is_written_is_read(void **state)
{
    (void)state;
    unsigned char file[8192];
    for (size_t k = 0; k < DTYPES; k++) {
        for (size_t ndim = 0; ndim <= NB_MAX_DIMS; ndim++) {
            nb_shape shape = {ndim, {2, 3, 1, 2, 3, 1, 2, 3}};
            nb_tensor t, back;
            assert_ok(nb_tensor_create(&t, dtypes[k], shape));
            size_t bytes = nb_tensor_count(&t) * nb_dtype_size(t.dtype);
            uint64_t seed = k;
            for (size_t i = 0; i < bytes; i++)
                ((unsigned char *)t.data)[i] =
                    (unsigned char)(int)(128 + 127 * support_value(&seed));
            const char *raw = support_path("raw");
            assert_ok(nb_idx_write(raw, &t));
            size_t size = slurp(raw, file, sizeof file);
            assert_int_equal(size, 4 + 4 * shape.ndim + bytes);
            const char *gzipped = write_gzip("gzipped", "wb", file, size);
            for (int packed = 0; packed < 2; packed++) {
                assert_ok(nb_idx_read(packed ? gzipped : raw, &back));
                assert_int_equal(back.dtype, t.dtype);
                assert_true(nb_shape_equal(back.shape, t.shape));
                assert_memory_equal(back.data, t.data, bytes);
                nb_tensor_destroy(&back);
            }
            nb_tensor_destroy(&t);
        }
    }
}

static void no_elements_are_fine(void **state)
{
    (void)state;
    static const unsigned char none[] = {0, 0, 0x0e, 2, 0, 0, 0, 0, 0, 0, 0, 28};
    nb_tensor t;
    assert_ok(nb_idx_read(support_write("none", none, sizeof none), &t));
    assert_true(nb_shape_equal(t.shape, NB_SHAPE(0, 28)));
    nb_tensor_destroy(&t);
    assert_ok(nb_idx_read(write_gzip("none.gz", "wb", none, sizeof none), &t));
    assert_int_equal(nb_tensor_count(&t), 0);
    nb_tensor_destroy(&t);
}

/* Larger than every buffer on the way, and packed close to the 1032 times that deflate can. */
static void a_large_gzip_file_is_read_whole(void **state)
{
    (void)state;
    enum { ZEROS = 4 << 20, NOISE = 300000 };
    size_t size = 8 + ZEROS + NOISE;
    unsigned char *bytes = calloc(size, 1);
    uint64_t seed = 3;
    nb_tensor t;
    bytes[2] = 8;
    bytes[3] = 1;
    for (size_t k = 0; k < 4; k++) bytes[4 + k] = (unsigned char)(ZEROS >> (24 - 8 * k));
    const char *path = write_gzip("zeros", "wb9", bytes, 8 + ZEROS);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_size < ZEROS / 1000);
    assert_ok(nb_idx_read(path, &t));
    assert_memory_equal(t.data, bytes + 8, ZEROS);
    nb_tensor_destroy(&t);

    for (size_t i = 8 + ZEROS; i < size; i++)
        bytes[i] = (unsigned char)(int)(128 + 127 * support_value(&seed));
    for (size_t k = 0; k < 4; k++) bytes[4 + k] = (unsigned char)((ZEROS + NOISE) >> (24 - 8 * k));
    path = write_gzip("large", "wb", bytes, size);
    assert_ok(nb_idx_read(path, &t));
    assert_memory_equal(t.data, bytes + 8, ZEROS + NOISE);
    nb_tensor_destroy(&t);
    free(bytes);
}

static void gzip_members_follow_each_other(void **state)
{
    (void)state;
    nb_tensor t;
    for (size_t cut = 0; cut <= SMALL; cut++) {
        write_gzip("members", "wb", small, cut);
        const char *path = write_gzip("members", "ab", small + cut, SMALL - cut);
        assert_ok(nb_idx_read(path, &t));
        assert_memory_equal(t.data, small + HEADER, 6);
        nb_tensor_destroy(&t);
    }
}

/* --- what is not ------------------------------------------------------------------------------ */

/* The rest of a tape's last block: gzip and Python take it for nothing, before another member too. */
static void zeros_after_a_gzip_member_are_skipped(void **state)
{
    (void)state;
    static const unsigned char zeros[100000] = {0};
    static const size_t counts[] = {1, 2, 10, 511, sizeof zeros};
    for (size_t i = 0; i < COUNT(counts); i++) {
        for (int more = 0; more < 3; more++) {
            const size_t half = more ? SMALL / 2 : SMALL;
            const char *path = write_gzip("zeros", "wb", small, half);
            FILE *file = fopen(path, "ab");
            assert_int_equal(fwrite(zeros, 1, counts[i], file), counts[i]);
            assert_int_equal(fclose(file), 0);
            if (more) write_gzip("zeros", "ab", small + half, SMALL - half);
            nb_tensor t;
            if (more == 2) { /* and what is no member is still a fault */
                file = fopen(path, "ab");
                assert_int_equal(fwrite("\0x", 1, 2, file), 2);
                assert_int_equal(fclose(file), 0);
                assert_fails(NB_EFORMAT, "gzip stream", nb_idx_read(path, &t));
                continue;
            }
            assert_ok(nb_idx_read(path, &t));
            assert_memory_equal(t.data, small + HEADER, SMALL - HEADER);
            nb_tensor_destroy(&t);
        }
    }
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    nb_tensor t;
    char path[4000];
    size_t used = (size_t)snprintf(path, sizeof path, "%s", support_folder());
    while (used + 2 < sizeof path - 20) used += (size_t)sprintf(path + used, "/.");
    sprintf(path + used, "/long");
    support_write("long", "\0\0\x08\1\0\0\0\3\1\2", 10);
    assert_fails(NB_EFORMAT, "./long: has 10 bytes, expected 11", nb_idx_read(path, &t));
    assert_fails(NB_EIO, "./longer: cannot open: No such file",
                 nb_idx_read(strcat(path, "er"), &t));
}

static void null_is_an_answer(void **state)
{
    (void)state;
    nb_tensor t = nb_tensor_view(NB_UINT8, NB_SHAPE(2), NULL);
    assert_fails(NB_EINVAL, "2 elements, but data is NULL",
                 nb_idx_write(support_path("never"), &t));
    assert_fails(NB_EINVAL, "path is NULL", nb_idx_write(NULL, &t));
    assert_fails(NB_EINVAL, "t is NULL", nb_idx_write("x", NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_idx_read(NULL, &t));
    assert_fails(NB_EINVAL, "out is NULL", nb_idx_read("x", NULL));
}

static void a_file_must_be_a_file(void **state)
{
    (void)state;
    nb_tensor t;
    assert_unreadable(NB_EIO, "No such file", support_path("missing"));
    assert_unreadable(NB_EIO, "is a directory, expected a file", support_folder());
    const char *fifo = support_path("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_unreadable(NB_EIO, "is a pipe or device, expected a file", fifo);
    assert_unreadable(NB_EIO, "is a pipe or device", "/dev/zero");
    assert_fails(NB_EINVAL, "nb_idx_read: path is NULL", nb_idx_read(NULL, &t));
    assert_null(t.data);
}

static void headers_are_checked(void **state)
{
    (void)state;
    static const struct {
        nb_status code;
        const char *text;
        size_t size;
        const char *bytes;
    } cases[] = {
        {NB_EFORMAT, "is empty, expected an IDX file", 0, ""},
        {NB_EFORMAT, "ends at offset 1 within the magic number", 1, "\0"},
        {NB_EFORMAT, "ends at offset 3 within the magic number, expected 4 bytes", 3, "\0\0\x08"},
        {NB_EFORMAT, "offset 0 is 0x3c, expected 0x00", 9, "<!doctype"},
        {NB_EFORMAT, "or gzip's 0x1f 0x8b", 1, "\x1f"},
        {NB_EFORMAT, "offset 1 is 0x07, expected 0x00", 4, "\0\x07\x08\0"},
        {NB_EFORMAT, "type at offset 2 is 0x0a, expected 0x08, 0x09, 0x0b", 5, "\0\0\x0a\0\1"},
        {NB_EFORMAT, "type at offset 2 is 0x00", 5, "\0\0\0\0\1"},
        {NB_EFORMAT, "number of dimensions at offset 3 is 9, expected at most 8", 5,
         "\0\0\x08\x09\1"},
        {NB_EFORMAT, "offset 3 is 255", 5, "\0\0\x08\xff\1"},
        {NB_EFORMAT, "ends at offset 7 within dimension 0 of 1, expected a header of 8 bytes", 7,
         "\0\0\x08\1\0\0\0"},
        {NB_EFORMAT, "ends at offset 8 within dimension 1 of 2, expected a header of 12 bytes", 8,
         "\0\0\x08\2\0\0\0\1"},
        {NB_EOVERFLOW, "(4294967294, 4294967294, 4294967294) of uint8, expected at most", 16,
         "\0\0\x08\3\xff\xff\xff\xfe\xff\xff\xff\xfe\xff\xff\xff\xfe"},
        {NB_EOVERFLOW, "(4294967294, 1073741824) of float64, expected at most", 12,
         "\0\0\x0e\2\xff\xff\xff\xfe\x40\0\0\0"},
        {NB_EOVERFLOW, "(4294967294, 4294967294, 1) of", 16,
         "\0\0\x0c\3\xff\xff\xff\xfe\xff\xff\xff\xfe\0\0\0\1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *raw = support_write("header", cases[i].bytes, cases[i].size);
        assert_unreadable(cases[i].code, cases[i].text, raw);
        if (cases[i].bytes[0] == 0x1f) continue;
        const char *gzipped = write_gzip("header.gz", "wb", cases[i].bytes, cases[i].size);
        assert_unreadable(cases[i].code, cases[i].text, gzipped);
    }
}

static void a_size_that_the_header_does_not_promise_is_refused(void **state)
{
    (void)state;
    unsigned char longer[SMALL + 70000] = {0};
    char text[64];
    memcpy(longer, small, SMALL);
    for (size_t size = 0; size < SMALL; size++) {
        assert_unreadable(NB_EFORMAT, "expected", support_write("cut", small, size));
        assert_unreadable(NB_EFORMAT, "expected", write_gzip("cut.gz", "wb", small, size));
        if (size < HEADER) continue;
        snprintf(text, sizeof text, "has %zu bytes, expected 18: 12 of header, (2, 3) of uint8",
                 size);
        assert_unreadable(NB_EFORMAT, text, support_write("cut", small, size));
        snprintf(text, sizeof text, "ends after %zu bytes, expected 18: 12 of header", size);
        assert_unreadable(NB_EFORMAT, text, write_gzip("cut.gz", "wb", small, size));
    }
    assert_unreadable(NB_EFORMAT, "has 19 bytes, expected 18",
                      support_write("long", longer, SMALL + 1));
    assert_unreadable(NB_EFORMAT, "goes on after 18 bytes, expected 18",
                      write_gzip("long.gz", "wb", longer, SMALL + 1));
    assert_unreadable(NB_EFORMAT, "goes on after 18 bytes, expected 18",
                      write_gzip("long.gz", "wb", longer, sizeof longer));
    write_gzip("twice.gz", "wb", small, SMALL);
    assert_unreadable(NB_EFORMAT, "goes on after 18 bytes",
                      write_gzip("twice.gz", "ab", small, SMALL));
}

static size_t largest;
static void *watched_take(size_t bytes, void *context)
{
    (void)context;
    if (bytes > largest) largest = bytes;
    return aligned_alloc(NB_ALIGNMENT, bytes);
}
static void watched_give(void *block, void *context)
{
    (void)context;
    free(block);
}

/* A header of a few bytes that promises 2 GB takes no such memory. */
static void a_promise_alone_takes_no_memory(void **state)
{
    (void)state;
    static const unsigned char bold[50] = {0, 0, 8, 2, 0, 0, 0x80, 0, 0, 0, 0xff, 0};
    static const nb_allocator watched = {watched_take, watched_give, NULL};
    const char *raw = support_write("bold", bold, sizeof bold);
    const char *gzipped = write_gzip("bold.gz", "wb", bold, sizeof bold);
    nb_tensor t;
    largest = 0;
    nb_set_allocator(&watched);
    nb_status of_raw = nb_idx_read(raw, &t);
    size_t taken_by_raw = largest;
    nb_status of_gzip = nb_idx_read(gzipped, &t);
    nb_set_allocator(NULL);
    assert_int_equal(of_raw, NB_EFORMAT);
    assert_int_equal(taken_by_raw, 0);
    assert_int_equal(of_gzip, NB_EFORMAT);
    assert_true(largest <= 1 << 16);
    assert_unreadable(NB_EFORMAT, "has 50 bytes, expected 2139095052", raw);
    assert_unreadable(NB_EFORMAT, "cannot unpack to more than", gzipped);
}

static void a_gzip_stream_cut_anywhere_is_refused(void **state)
{
    (void)state;
    unsigned char file[256];
    char text[64];
    size_t size = slurp(write_gzip("whole.gz", "wb", small, SMALL), file, sizeof file);
    for (size_t cut = 2; cut < size; cut++) {
        snprintf(text, sizeof text, "gzip stream cut short at offset %zu, after", cut);
        assert_unreadable(NB_EFORMAT, text, support_write("short.gz", file, cut));
    }
    /* The last eight bytes are the trailer: all the data are there, and still it is refused. */
    assert_unreadable(NB_EFORMAT, "after 18 unpacked bytes, expected a CRC-32",
                      support_write("short.gz", file, size - 8));
}

static void a_wrong_gzip_trailer_is_refused(void **state)
{
    (void)state;
    unsigned char file[256];
    char text[128];
    size_t size = slurp(write_gzip("whole.gz", "wb", small, SMALL), file, sizeof file);
    unsigned long crc = crc32(0, small, SMALL);
    file[size - 8] ^= 1;
    snprintf(text, sizeof text,
             "gzip CRC-32 at offset %zu is %08lx, expected %08lx, that of the 18", size - 8,
             crc ^ 1, crc);
    assert_unreadable(NB_EFORMAT, text, support_write("crc.gz", file, size));
    file[size - 8] ^= 1;
    file[size - 4] ^= 1;
    assert_unreadable(NB_EFORMAT, "incorrect length check", support_write("length.gz", file, size));
    file[size - 4] ^= 1;
    file[size] = 'x';
    snprintf(text, sizeof text, "offset %zu", size + 1);
    assert_unreadable(NB_EFORMAT, "gzip stream", support_write("tail.gz", file, size + 1));
    assert_non_null(strstr(nb_last_error(), text));
    file[size + 1] = 'y';
    assert_unreadable(NB_EFORMAT, "incorrect header check",
                      support_write("tail.gz", file, size + 2));
}

/* Whichever bit flips: a refusal, or the right elements (some bits, as the time in gzip's header,
 * do not touch them). */
static void a_flipped_bit_harms_nothing(void **state)
{
    (void)state;
    unsigned char file[256];
    size_t refused = 0;
    size_t size = slurp(write_gzip("whole.gz", "wb", small, SMALL), file, sizeof file);
    for (size_t bit = 16; bit < 8 * size; bit++) {
        nb_tensor t;
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
        nb_status status = nb_idx_read(support_write("flip.gz", file, size), &t);
        if (status) {
            assert_null(t.data);
            refused++;
        } else {
            assert_memory_equal(t.data, small + HEADER, 6);
            nb_tensor_destroy(&t);
        }
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    /* Ten bytes of header, and the bits that fill deflate's last byte. */
    assert_true(refused >= 8 * (size - 10) - 7);
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    const char *paths[2];
    paths[0] = support_write("whole", small, SMALL);
    paths[1] = write_gzip("whole.gz", "wb", small, SMALL);
    for (int packed = 0; packed < 2; packed++) {
        for (size_t k = 1;; k++) {
            nb_tensor t;
            support_allocator_start(k);
            nb_status status = nb_idx_read(paths[packed], &t);
            bool reached = support_memory.taken >= k;
            if (!status) nb_tensor_destroy(&t);
            support_allocator_stop();
            assert_memory_status(status);
            assert_int_equal(support_memory.live, 0);
            if (!reached) {
                assert_int_equal(status, NB_OK);
                assert_true(k > (packed ? 4 : 1));
                break;
            }
            assert_int_equal(status, NB_ENOMEM);
            assert_null(t.data);
            assert_non_null(strstr(nb_last_error(), paths[packed]));
        }
    }
}

/* --- what is written -------------------------------------------------------------------------- */

static size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static void a_file_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    int16_t elements[] = {0x0102, -2};
    static const unsigned char expected[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe};
    unsigned char file[64];
    nb_tensor t = nb_tensor_view(NB_INT16, NB_SHAPE(2), elements);
    const char *path = support_write("there", "before", 6);
    size_t files = count_files(support_folder());
    assert_ok(nb_idx_write(path, &t));
    assert_int_equal(slurp(path, file, sizeof file), sizeof expected);
    assert_memory_equal(file, expected, sizeof expected);
    assert_int_equal(elements[0], 0x0102);

    const char *folder = support_path("folder");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(support_path("folder/in"), 0700), 0);
    assert_fails(NB_EIO, folder, nb_idx_write(folder, &t));
    assert_fails(NB_EIO, "No such file", nb_idx_write(support_path("no/such"), &t));
    support_allocator_start(1);
    nb_status status = nb_idx_write(path, &t);
    support_allocator_stop();
    assert_int_equal(status, NB_ENOMEM);
    assert_int_equal(count_files(support_folder()), files + 1);
}

static void what_the_format_cannot_hold_is_refused(void **state)
{
    (void)state;
    int64_t element = 1;
    const char *path = support_path("refused");
    nb_tensor t = nb_tensor_view(NB_INT64, NB_SHAPE(1), &element);
    assert_fails(NB_EDTYPE, "int64, which an IDX file cannot hold", nb_idx_write(path, &t));
    t = nb_tensor_view(NB_UINT8, NB_SHAPE(1), &element);
#if SIZE_MAX > UINT32_MAX
    t.shape = NB_SHAPE(1, (size_t)UINT32_MAX + 1);
    assert_fails(NB_ERANGE, "dim[1]=4294967296 > 4294967295", nb_idx_write(path, &t));
#endif
    t.shape.ndim = NB_MAX_DIMS + 1;
    assert_fails(NB_EINVAL, "ndim=9 > 8", nb_idx_write(path, &t));
    assert_fails(NB_EINVAL, "nb_idx_write: path is NULL", nb_idx_write(NULL, &t));
    assert_unreadable(NB_EIO, "No such file", path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_big_endian),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_elements_are_fine),
        cmocka_unit_test(a_large_gzip_file_is_read_whole),
        cmocka_unit_test(gzip_members_follow_each_other),
        cmocka_unit_test(zeros_after_a_gzip_member_are_skipped),
        cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
        cmocka_unit_test(null_is_an_answer),
        cmocka_unit_test(a_file_must_be_a_file),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(a_size_that_the_header_does_not_promise_is_refused),
        cmocka_unit_test(a_promise_alone_takes_no_memory),
        cmocka_unit_test(a_gzip_stream_cut_anywhere_is_refused),
        cmocka_unit_test(a_wrong_gzip_trailer_is_refused),
        cmocka_unit_test(a_flipped_bit_harms_nothing),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
        cmocka_unit_test(a_file_is_written_whole_or_not_at_all),
        cmocka_unit_test(what_the_format_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests_name("idx", tests, NULL, NULL);
}
