#include "support.h"

#include "nablas/memory.h"
#include "nablas/png.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <png.h>
#include <zlib.h>

/* --- files made with libpng alone, whose pixels are known --- */

/* Sample c of pixel (x, y), at `depth` bits. */
static unsigned sample(size_t x, size_t y, size_t c, int depth)
{
    return (unsigned)(x * 2654435761u + y * 40503u + c * 977u + (x ^ y) * 131u) >> 3 &
           ((1u << depth) - 1);
}

typedef struct kind {
    int type, depth;
    bool interlaced, transparent; /* transparent: a tRNS chunk */
} kind;

static size_t samples_of(int type)
{
    switch (type) {
    case PNG_COLOR_TYPE_RGB:
        return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return 4;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return 2;
    }
    return 1;
}

static png_color palette_entry(size_t i)
{
    return (png_color){(png_byte)(i * 7 + 1), (png_byte)(255 - i), (png_byte)(i * 31)};
}

/* Rows of packed samples, as a PNG stores them. */
static void pack(uint8_t *row, size_t width, size_t y, kind k)
{
    size_t channels = samples_of(k.type), bit = 0;
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < channels; c++, bit += (size_t)k.depth) {
            unsigned value = sample(x, y, c, k.depth);
            if (k.depth == 16)
                row[bit / 8] = (uint8_t)(value >> 8), row[bit / 8 + 1] = (uint8_t)value;
            else
                row[bit / 8] |= (uint8_t)(value << (8 - (size_t)k.depth - bit % 8));
        }
}

static const char *make(const char *name, size_t width, size_t height, kind k)
{
    const char *path = support_path(name);
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    size_t bytes = (width * samples_of(k.type) * (size_t)k.depth + 7) / 8;
    uint8_t *pixels = calloc(height, bytes);
    png_bytep rows[64];
    assert_true(file && height <= 64);
    if (setjmp(png_jmpbuf(png))) fail_msg("libpng cannot make %s", name);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, k.depth, k.type,
                 k.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (k.type == PNG_COLOR_TYPE_PALETTE) {
        png_color colours[256];
        png_byte alpha[2] = {7, 100};
        for (size_t i = 0; i < 256; i++) colours[i] = palette_entry(i);
        png_set_PLTE(png, info, colours, 1 << k.depth);
        if (k.transparent) png_set_tRNS(png, info, alpha, 2, NULL);
    } else if (k.transparent) {
        png_color_16 key = {.gray = (png_uint_16)sample(1, 0, 0, k.depth),
                            .red = (png_uint_16)sample(1, 0, 0, k.depth),
                            .green = (png_uint_16)sample(1, 0, 1, k.depth),
                            .blue = (png_uint_16)sample(1, 0, 2, k.depth)};
        png_set_tRNS(png, info, NULL, 0, &key);
    }
    png_write_info(png, info);
    for (size_t y = 0; y < height; y++) {
        rows[y] = pixels + y * bytes;
        pack(rows[y], width, y, k);
    }
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(pixels);
    fclose(file);
    return path;
}

/* What pixel (x, y) of such a file is in RGBA, by the PNG specification. */
static void expected(size_t x, size_t y, kind k, unsigned rgba[4])
{
    unsigned raw[4], wide[4];
    bool same = true;
    for (size_t c = 0; c < 4; c++) {
        raw[c] = sample(x, y, c, k.depth);
        unsigned top = (1u << k.depth) - 1;
        wide[c] = (raw[c] * 255 + top / 2) / top;
        if (c < samples_of(k.type)) same = same && raw[c] == sample(1, 0, c, k.depth);
    }
    rgba[3] = 255;
    if (k.type == PNG_COLOR_TYPE_PALETTE) {
        png_color p = palette_entry(raw[0]);
        rgba[0] = p.red, rgba[1] = p.green, rgba[2] = p.blue;
        if (k.transparent && raw[0] < 2) rgba[3] = raw[0] ? 100 : 7;
        return;
    }
    bool grey = !(k.type & PNG_COLOR_MASK_COLOR);
    for (size_t c = 0; c < 3; c++) rgba[c] = wide[grey ? 0 : c];
    if (k.type & PNG_COLOR_MASK_ALPHA) rgba[3] = wide[grey ? 1 : 3];
    if (k.transparent && same) rgba[3] = 0;
}

static void check_kind(kind k)
{
    enum { WIDTH = 13, HEIGHT = 9 };
    nb_image image;
    const char *path = make("kind.png", WIDTH, HEIGHT, k);
    assert_ok(nb_image_read(path, 4, &image));
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    for (size_t y = 0; y < HEIGHT; y++)
        for (size_t x = 0; x < WIDTH; x++) {
            unsigned rgba[4];
            expected(x, y, k, rgba);
            for (size_t c = 0; c < 4; c++)
                if (image.pixels[(y * WIDTH + x) * 4 + c] != rgba[c])
                    fail_msg("type %d, depth %d, interlaced %d, tRNS %d: pixel (%zu, %zu)[%zu] is "
                             "%d, expected %u",
                             k.type, k.depth, k.interlaced, k.transparent, x, y, c,
                             image.pixels[(y * WIDTH + x) * 4 + c], rgba[c]);
        }
    nb_image_destroy(&image);
}

static void every_kind_and_depth_is_read(void **state)
{
    (void)state;
    static const struct {
        int type, depths[6];
    } table[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}},
                 {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
                 {PNG_COLOR_TYPE_RGB, {8, 16}},
                 {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (const int *depth = table[i].depths; *depth; depth++)
            for (int bits = 0; bits < 4; bits++) {
                kind k = {table[i].type, *depth, bits & 1, bits & 2};
                if (k.transparent && k.type & PNG_COLOR_MASK_ALPHA) continue;
                check_kind(k);
            }
}

static void grey_lies_over_white_and_weighs_colours(void **state)
{
    (void)state;
    uint8_t pixels[] = {0, 0, 0, 255, 0, 0, 0,   0, 0,  0,  0,  51,  255, 0, 0, 255,
                        0, 0, 9, 0,   9, 9, 200, 0, 37, 37, 37, 255, 0,   0, 0, 255};
    nb_image image = {4, 2, 4, pixels}, grey, rgb;
    const char *path = support_path("alpha.png");
    assert_ok(nb_png_save(&image, path, NULL));
    assert_ok(nb_image_read(path, 1, &grey));
    assert_ok(nb_image_read(path, 3, &rgb));
    static const uint8_t want[] = {0, 255, 204, 54, 255, 255, 37, 0};
    assert_memory_equal(grey.pixels, want, sizeof want);
    assert_int_equal(rgb.pixels[3], 255);
    assert_int_equal(rgb.pixels[6], 204);
    assert_int_equal(rgb.pixels[10], 0);
    nb_image_destroy(&grey);
    nb_image_destroy(&rgb);
    assert_fails(NB_EINVAL, "channels=2", nb_image_read(path, 2, &grey));
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {7, 3}, {64, 64}, {1000, 2}};
    static const unsigned colours[] = {1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 100000};
    for (size_t channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t k = 0; k < sizeof colours / sizeof *colours; k++) {
                nb_image image, again;
                size_t count = sizes[s][0] * sizes[s][1];
                assert_ok(nb_image_create(&image, sizes[s][0], sizes[s][1], channels));
                for (size_t i = 0; i < count; i++)
                    for (size_t c = 0; c < channels; c++)
                        image.pixels[i * channels + c] =
                            (uint8_t)((i % colours[k] + 3) * (2 * c + 77) >> (c == 2 ? 4 : 0));
                assert_ok(nb_png_save(&image, support_path("w.png"), NULL));
                assert_ok(nb_image_read(support_path("w.png"), channels, &again));
                assert_memory_equal(image.pixels, again.pixels, count * channels);
                nb_image_destroy(&image);
                nb_image_destroy(&again);
            }
}

static size_t read_all(const char *path, uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(bytes, 1, size, file);
    fclose(file);
    return got;
}

static void the_text_is_in_the_file(void **state)
{
    (void)state;
    uint8_t pixel[] = {1, 2, 3}, bytes[2000];
    nb_image image = {1, 1, 3, pixel};
    uint32_t seed = 4294967295u;
    nb_png_text text = {"f(x\xe2\x82\x80)", "./examples/x --seed 7", &seed};
    assert_ok(nb_png_save(&image, support_path("t.png"), &text));
    FILE *file = fopen(support_path("t.png"), "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_textp got;
    int count;
    png_init_io(png, file);
    png_read_png(png, info, 0, NULL);
    png_get_text(png, info, &got, &count);
    assert_int_equal(count, 4);
    static const char *const want[][2] = {{"Title", "f(x\xe2\x82\x80)"},
                                          {"Description", "./examples/x --seed 7"},
                                          {"Seed", "4294967295"},
                                          {"Software", "nablas 0.2.0"}};
    for (int i = 0; i < count; i++) {
        assert_string_equal(got[i].key, want[i][0]);
        assert_string_equal(got[i].text, want[i][1]);
    }
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);

    uint8_t first[2000];
    size_t size = read_all(support_path("t.png"), first, sizeof first);
    assert_ok(nb_png_save(&image, support_path("t.png"), &text));
    assert_int_equal(read_all(support_path("t.png"), bytes, sizeof bytes), size);
    assert_memory_equal(first, bytes, size);

    unsigned char *encoded;
    size_t length;
    assert_ok(nb_png_encode(&image, &text, &encoded, &length));
    assert_int_equal(length, size);
    assert_memory_equal(first, encoded, size);
    nb_free(encoded);
    assert_fails(NB_EINVAL, "size is NULL", nb_png_encode(&image, &text, &encoded, NULL));
    assert_null(encoded);
    assert_fails(NB_EINVAL, "bytes is NULL", nb_png_encode(&image, &text, NULL, &length));
    assert_fails(NB_EINVAL, "image is NULL", nb_png_encode(NULL, &text, &encoded, &length));
    image.pixels = NULL;
    assert_fails(NB_EINVAL, "no pixels", nb_png_encode(&image, &text, &encoded, &length));
}

/* --- bad input --- */

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A PNG that begins well: signature, header, `zeros` deflated zero bytes, end. */
static size_t bare(uint8_t *png, uint32_t width, uint32_t height, size_t zeros)
{
    static const uint8_t start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13};
    uint8_t *raw = calloc(zeros, 1);
    uLongf size = compressBound((uLong)zeros);
    memcpy(png, start, sizeof start);
    memcpy(png + 12, "IHDR", 4);
    put32(png + 16, width);
    put32(png + 20, height);
    memcpy(png + 24, (uint8_t[]){8, 6, 0, 0, 0}, 5);
    put32(png + 29, (uint32_t)crc32(0, png + 12, 17));
    assert_int_equal(compress2(png + 41, &size, raw, (uLong)zeros, 9), Z_OK);
    put32(png + 33, (uint32_t)size);
    memcpy(png + 37, "IDAT", 4);
    put32(png + 41 + size, (uint32_t)crc32(0, png + 37, (uInt)size + 4));
    memcpy(png + 45 + size, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    free(raw);
    return 57 + size;
}

static void sizes_have_limits(void **state)
{
    (void)state;
    static uint8_t png[1 << 16];
    nb_image image;
    size_t size = bare(png, 3, 2, 26);
    assert_ok(nb_image_parse(png, size, "memory", 4, &image));
    nb_image_destroy(&image);
    size = bare(png, 0, 0, 1);
    assert_fails(NB_EFORMAT, "", nb_image_parse(png, size, "memory", 4, &image));
    size = bare(png, 100000, 100000, 1000);
    assert_fails(NB_ERANGE, "memory: 100000x100000",
                 nb_image_parse(png, size, "memory", 4, &image));
    size = bare(png, NB_IMAGE_MAX_SIDE + 1, 1, 1000);
    assert_fails(NB_ERANGE, "32768x1", nb_image_parse(png, size, "memory", 4, &image));
    size = bare(png, 0x80000000u, 1, 1000);
    assert_fails(NB_EFORMAT, "", nb_image_parse(png, size, "memory", 4, &image));
    assert_null(image.pixels);
    assert_fails(NB_ERANGE, "0x5", nb_image_create(&image, 0, 5, 1));
    assert_fails(NB_ERANGE, "", nb_image_create(&image, SIZE_MAX, SIZE_MAX, 1));
    assert_fails(NB_EINVAL, "channels=2", nb_image_create(&image, 1, 1, 2));
}

static void a_bomb_takes_no_memory(void **state)
{
    (void)state;
    static uint8_t png[1 << 20];
    nb_image image;
    /* 128 MB promised, 1 MB packed into 1 kB. */
    size_t size = bare(png, 8192, 4096, 1 << 20);
    support_allocator_start(0);
    assert_fails(NB_EFORMAT, "too short", nb_image_parse(png, size, "memory", 4, &image));
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
}

static void damage_is_an_answer(void **state)
{
    (void)state;
    uint8_t bytes[20000];
    nb_image image;
    const char *path = make("whole.png", 40, 30, (kind){PNG_COLOR_TYPE_RGB, 8, true, false});
    size_t size = read_all(path, bytes, sizeof bytes);
    support_allocator_start(0);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 50) {
        assert_fails(NB_EFORMAT, "memory: ", nb_image_parse(bytes, cut, "memory", 4, &image));
        assert_null(image.pixels);
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x55;
        if (nb_image_parse(bytes, size, "memory", 1, &image) == NB_OK) nb_image_destroy(&image);
        bytes[at] ^= 0x55;
    }
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
    path = support_write("not.png", "P5 1 1 255 a", 12);
    assert_fails(NB_EFORMAT, "not.png: neither a PNG nor a JPEG file",
                 nb_image_read(path, 1, &image));
    assert_fails(NB_EFORMAT,
                 "empty.png: ", nb_image_read(support_write("empty.png", "", 0), 1, &image));
    assert_fails(NB_EIO, "none.png: No such file",
                 nb_image_read(support_path("none.png"), 1, &image));
    assert_fails(NB_EIO, "Is a directory", nb_image_read(support_folder(), 1, &image));
}

static void no_memory_leaks_nothing(void **state)
{
    (void)state;
    nb_image image;
    const char *path = make("m.png", 20, 10, (kind){PNG_COLOR_TYPE_RGB, 16, true, false});
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_image_read(path, 1, &image);
        bool done = support_memory.taken < k;
        if (status == NB_OK) nb_image_destroy(&image);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (done) break;
    }
    assert_ok(nb_image_create(&image, 30, 20, 3));
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_png_save(&image, support_path("n.png"), NULL);
        bool done = support_memory.taken < k;
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (done) break;
        assert_int_equal(access(support_path("n.png"), F_OK), -1);
    }
    nb_image_destroy(&image);
}

/* --- writing that fails --- */

static int files_in_folder(void)
{
    char command[300];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", support_folder());
    FILE *pipe = popen(command, "r");
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    nb_image image;
    uint64_t seed = 1;
    assert_ok(nb_image_create(&image, 200, 200, 3));
    for (size_t i = 0; i < 120000; i++)
        image.pixels[i] = (uint8_t)(100 + 100 * support_value(&seed));
    const char *path = support_write("old.png", "old", 3);
    int files = files_in_folder();

    /* A disk that fills up in the middle. */
    struct rlimit old, small = {.rlim_cur = 5000};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    nb_status status = nb_png_save(&image, path, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_fails(NB_EIO, "old.png: File too large", status);

    char bytes[8] = {0};
    assert_int_equal(read_all(path, (uint8_t *)bytes, sizeof bytes), 3);
    assert_string_equal(bytes, "old");
    assert_int_equal(files_in_folder(), files);
    assert_fails(NB_EIO, "/dev/full: No space left on device",
                 nb_png_save(&image, "/dev/full", NULL));
    struct stat full;
    assert_true(stat("/dev/full", &full) == 0 && S_ISCHR(full.st_mode));
    assert_fails(NB_EIO, "none/a.png: No such file or directory",
                 nb_png_save(&image, support_path("none/a.png"), NULL));
    assert_fails(NB_EIO, "Is a directory", nb_png_save(&image, support_folder(), NULL));
    assert_fails(NB_EIO, "", nb_png_save(&image, "/proc/a.png", NULL));
    assert_fails(NB_EINVAL, "no pixels", nb_png_save(&(nb_image){1, 1, 1, NULL}, path, NULL));
    nb_image_destroy(&image);
}

static void links_and_modes_survive(void **state)
{
    (void)state;
    uint8_t pixel = 7;
    nb_image image = {1, 1, 1, &pixel};
    struct stat facts;
    const char *path = support_write("real.png", "old", 3), *link = support_path("link.png");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_ok(nb_png_save(&image, link, NULL));
    assert_true(lstat(link, &facts) == 0 && S_ISLNK(facts.st_mode));
    assert_true(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0640 && facts.st_size > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_depth_is_read),
        cmocka_unit_test(grey_lies_over_white_and_weighs_colours),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_text_is_in_the_file),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(a_bomb_takes_no_memory),
        cmocka_unit_test(damage_is_an_answer),
        cmocka_unit_test(no_memory_leaks_nothing),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(links_and_modes_survive),
    };
    return cmocka_run_group_tests_name("png", tests, NULL, NULL);
}
