#include "support.h"

#include "nablas/image.h"
#include "nablas/memory.h"
#include "nablas/png.h"

#include <stdlib.h>
#include <unistd.h>

#include <jpeglib.h>

/* --- JPEG files made with libjpeg alone, whose pixels are known --- */

enum { WIDTH = 37, HEIGHT = 22, MOST_BYTES = 1 << 16, SCANS = 127 };

typedef struct kind {
    J_COLOR_SPACE colours; /* what is stored, and what it is made of */
    int samples;
    bool progressive, restarts, adobe;
    size_t scans; /* of its own script; 0: libjpeg's */
    const char *exif;
    unsigned exif_bytes;
} kind;

/* Smooth, so that JPEG loses little, and different in every corner. */
static unsigned sample(size_t x, size_t y, size_t c)
{
    return (unsigned)(20 + 4 * x + (c == 1 ? 3 * y : 0) + (c == 2 ? 30 : 0));
}

/* Of grey: the mean, then coefficient after coefficient without its last bit, then the last bits. */
static void script(jpeg_scan_info *scan, size_t count)
{
    for (int i = 0; i < (int)count; i++) {
        const int k = i == 0 ? 0 : 1 + (i - 1) % 63, last = i > 63;
        scan[i] = (jpeg_scan_info){
            .comps_in_scan = 1, .Ss = k, .Se = k, .Ah = last ? 1 : 0, .Al = i == 0 || last ? 0 : 1};
    }
}

static size_t make(kind k, uint8_t *bytes)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[SCANS];
    unsigned char *made = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &made, &size);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = k.samples;
    jpeg.in_color_space = k.samples == 1 ? JCS_GRAYSCALE : (k.samples == 3 ? JCS_RGB : JCS_CMYK);
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, k.colours);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int c = 0; c < jpeg.num_components; c++) /* no colour for two pixels at once */
        jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    if (k.progressive) jpeg_simple_progression(&jpeg);
    if (k.scans > 0) {
        script(scans, k.scans);
        jpeg.scan_info = scans;
        jpeg.num_scans = (int)k.scans;
    }
    if (k.restarts) jpeg.restart_interval = 2;
    if (k.samples == 4) jpeg.write_Adobe_marker = k.adobe;
    jpeg_start_compress(&jpeg, TRUE);
    if (k.exif)
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, (const JOCTET *)(const void *)k.exif, k.exif_bytes);
    for (size_t y = 0; y < HEIGHT; y++) {
        JSAMPLE row[WIDTH * 4], *rows = row;
        for (size_t x = 0; x < WIDTH; x++)
            for (size_t c = 0; c < (size_t)k.samples; c++)
                row[x * (size_t)k.samples + c] = (JSAMPLE)(c == 3 ? 200 : sample(x, y, c));
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_in_range(size, 1, MOST_BYTES);
    memcpy(bytes, made, size);
    free(made);
    return size;
}

static const kind grey = {JCS_GRAYSCALE, 1, .adobe = false},
                  colour = {JCS_YCbCr, 3, .adobe = false};

static void check_kind(kind k)
{
    static uint8_t bytes[MOST_BYTES];
    nb_image image;
    const size_t size = make(k, bytes);
    assert_ok(nb_image_parse(bytes, size, "memory", 4, &image));
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    for (size_t y = 0; y < HEIGHT; y++)
        for (size_t x = 0; x < WIDTH; x++) {
            const uint8_t *p = image.pixels + (y * WIDTH + x) * 4;
            assert_int_equal(p[3], 255);
            for (size_t c = 0; c < 3; c++) {
                double want = sample(x, y, k.samples == 1 ? 0 : c);
                if (k.samples == 4 && k.adobe) want = want * 200 / 255; /* inverted: as light */
                if (k.samples == 4 && !k.adobe) want = (255 - want) * 55 / 255;
                assert_near(p[c], want, 4);
            }
        }
    nb_image_destroy(&image);
}

static void every_kind_of_jpeg_is_read(void **state)
{
    (void)state;
    static const kind kinds[] = {{JCS_GRAYSCALE, 1, .adobe = false}, {JCS_YCbCr, 3, .adobe = false},
                                 {JCS_RGB, 3, .adobe = true},        {JCS_CMYK, 4, .adobe = true},
                                 {JCS_CMYK, 4, .adobe = false},      {JCS_YCCK, 4, .adobe = true}};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (int bits = 0; bits < 4; bits++) {
            kind k = kinds[i];
            k.progressive = bits & 1;
            k.restarts = bits & 2;
            check_kind(k);
        }
}

/* EXIF as cameras write it, in both orders of bytes: another tag before the orientation. */
static void exif_says_which_side_is_up(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    static const char little[] = "Exif\0\0II*\0\10\0\0\0\2\0\17\1\2\0\2\0\0\0x\0\0\0"
                                 "\22\1\3\0\1\0\0\0o\0\0\0\0\0\0",
                      big[] = "Exif\0\0MM\0*\0\0\0\10\0\2\1\17\0\2\0\0\0\2x\0\0\0"
                              "\1\22\0\3\0\0\0\1\0o\0\0\0\0\0";
    for (size_t o = 0; o <= 9; o++)
        for (int order = 0; order < 2; order++) {
            char exif[sizeof little];
            nb_image image;
            memcpy(exif, order ? big : little, sizeof exif);
            *(char *)memchr(exif, 'o', sizeof exif) = (char)o;
            kind k = colour;
            k.exif = exif;
            k.exif_bytes = sizeof exif - 1;
            const size_t size = make(k, bytes);
            assert_ok(nb_image_parse(bytes, size, "memory", 3, &image));
            const bool lying = o >= 5 && o <= 8;
            assert_int_equal(image.width, lying ? HEIGHT : WIDTH);
            assert_int_equal(image.height, lying ? WIDTH : HEIGHT);
            for (size_t y = 0; y < image.height; y++)
                for (size_t x = 0; x < image.width; x++) {
                    /* The stored pixel that is seen at (x, y), as EXIF tells it. */
                    size_t u = lying ? y : x, v = lying ? x : y;
                    if (o == 2 || o == 3 || o == 7 || o == 8) u = WIDTH - 1 - u;
                    if (o == 3 || o == 4 || o == 6 || o == 7) v = HEIGHT - 1 - v;
                    for (size_t c = 0; c < 3; c++)
                        assert_near(image.pixels[(y * image.width + x) * 3 + c], sample(u, v, c),
                                    4);
                }
            nb_image_destroy(&image);
        }
}

/* Wherever it is cut or wrong, EXIF is never a reason to refuse a picture. */
static void broken_exif_is_ignored(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    char exif[] = "Exif\0\0II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0\0\0\0\0";
    nb_image image;
    kind k = grey;
    k.exif = exif;
    for (k.exif_bytes = 0; k.exif_bytes < sizeof exif - 1; k.exif_bytes++) {
        const size_t size = make(k, bytes);
        assert_ok(nb_image_parse(bytes, size, "memory", 1, &image));
        assert_int_equal(image.width, k.exif_bytes < 28 ? WIDTH : HEIGHT);
        nb_image_destroy(&image);
    }
    for (size_t at = 0; at < sizeof exif - 1; at++) {
        exif[at] ^= (char)0xff;
        const size_t size = make(k, bytes);
        assert_ok(nb_image_parse(bytes, size, "memory", 1, &image));
        nb_image_destroy(&image);
        exif[at] ^= (char)0xff;
    }
}

static void the_content_tells_the_format(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    uint8_t pixel = 77;
    nb_image image;
    const char *png = support_path("a.jpg");
    assert_ok(nb_png_save(&(nb_image){1, 1, 1, &pixel}, png, NULL));
    assert_ok(nb_image_read(png, 1, &image));
    assert_int_equal(image.pixels[0], 77);
    nb_image_destroy(&image);
    const size_t size = make(grey, bytes);
    assert_ok(nb_image_read(support_write("b.png", bytes, size), 1, &image));
    assert_int_equal(image.width, WIDTH);
    nb_image_destroy(&image);

    int ends[2];
    char path[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_ok(nb_image_read(path, 1, &image));
    nb_image_destroy(&image);
    close(ends[0]);
}

/* --- bad input --- */

/* The size in the frame header, which begins ff c0 or ff c2. */
static void resize(uint8_t *bytes, size_t width, size_t height)
{
    while (bytes[0] != 0xff || (bytes[1] != 0xc0 && bytes[1] != 0xc2)) bytes++;
    bytes[5] = (uint8_t)(height >> 8), bytes[6] = (uint8_t)height;
    bytes[7] = (uint8_t)(width >> 8), bytes[8] = (uint8_t)width;
}

static void sizes_have_limits(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    nb_image image;
    const size_t size = make(colour, bytes);
    support_allocator_start(0);
    resize(bytes, NB_IMAGE_MAX_SIDE + 1, 1);
    assert_fails(NB_ERANGE, "pic: 32768x1", nb_image_parse(bytes, size, "pic", 4, &image));
    resize(bytes, 30000, 30000);
    assert_fails(NB_ERANGE, "pic: 30000x30000", nb_image_parse(bytes, size, "pic", 4, &image));
    resize(bytes, 65535, 65535);
    assert_fails(NB_ERANGE, "pic: ", nb_image_parse(bytes, size, "pic", 4, &image));
    resize(bytes, 5000, 5000);
    assert_fails(NB_EFORMAT, "too short", nb_image_parse(bytes, size, "pic", 4, &image));
    resize(bytes, 0, 5);
    assert_fails(NB_EFORMAT, "pic: ", nb_image_parse(bytes, size, "pic", 4, &image));
    assert_int_equal(support_memory.taken, 0);
    support_allocator_stop();
}

static void scans_have_a_limit(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    kind k = grey;
    nb_image image;
    k.scans = 64;
    check_kind(k);
    k.scans = SCANS;
    const size_t size = make(k, bytes);
    assert_fails(NB_EFORMAT, "pic: more than 100 scans",
                 nb_image_parse(bytes, size, "pic", 4, &image));
}

static void damage_is_an_answer(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    nb_image image;
    for (int progressive = 0; progressive < 2; progressive++) {
        kind k = colour;
        k.progressive = progressive;
        const size_t size = make(k, bytes);
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
    }
}

/* The message of every failure names the file. */
static void every_failure_names_the_file(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    static const uint8_t huge_png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x80\0\0\0\0\1\10\0\0\0\0"
                                      "\xa2\x5d\xc5\xf4\0\0\0\1IDAT";
    const size_t size = make(colour, bytes);
    nb_image image;
    support_write("good", bytes, size);
    support_write("cut", bytes, size - 20);
    resize(bytes, 40000, 40000);
    support_write("huge", bytes, size);
    support_write("huge_png", huge_png, sizeof huge_png - 1);
    support_write("png_cut", huge_png, 20);
    support_write("png_not", "\x89PNx", 4);
    support_write("jpeg_not", "\xff\xfe", 2);
    support_write("text", "P5 1 1 255 a", 12);
    support_write("empty", "", 0);
    static const struct {
        const char *name, *text;
        nb_status status;
    } table[] = {{"cut", "too early", NB_EFORMAT},
                 {"huge", "40000x40000", NB_ERANGE},
                 {"huge_png", "32768x1", NB_ERANGE},
                 {"png_cut", "too early", NB_EFORMAT},
                 {"png_not", "", NB_EFORMAT},
                 {"jpeg_not", "Not a JPEG file", NB_EFORMAT},
                 {"text", "neither a PNG nor a JPEG file", NB_EFORMAT},
                 {"empty", "empty", NB_EFORMAT},
                 {"none", "No such file", NB_EIO},
                 {".", "Is a directory", NB_EIO}};
    for (size_t i = 0; i < COUNT(table); i++) {
        char want[300];
        const char *path = support_path(table[i].name);
        assert_fails(table[i].status, table[i].text, nb_image_read(path, 4, &image));
        snprintf(want, sizeof want, "nb_image_read: %s: ", path);
        assert_memory_equal(nb_last_error(), want, strlen(want));
        assert_null(image.pixels);
    }
    assert_fails(NB_EINVAL, "good: channels=2", nb_image_read(support_path("good"), 2, &image));
    assert_fails(NB_EINVAL, "path", nb_image_read(NULL, 4, &image));
    assert_fails(NB_EINVAL, "image", nb_image_read("x", 4, NULL));
    assert_fails(NB_EINVAL, "bytes", nb_image_parse(NULL, 1, "x", 4, &image));
    assert_fails(NB_EINVAL, "label", nb_image_parse("x", 1, NULL, 4, &image));
    assert_fails(NB_EINVAL, "image", nb_image_parse("x", 1, "x", 4, NULL));
    assert_fails(NB_EINVAL, "image", nb_image_create(NULL, 1, 1, 1));
}

static void no_memory_leaks_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[MOST_BYTES];
    nb_image image;
    const size_t size = make(colour, bytes);
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_image_parse(bytes, size, "pic", 1, &image);
        bool done = support_memory.taken < k;
        if (status == NB_OK) nb_image_destroy(&image);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (done) assert_ok(status);
        if (done) break;
        assert_fails(NB_ENOMEM, "pic: out of memory", status);
    }
}

/* Half the size: the mean of four; a size that divides none: the same mean in all. */
static void smaller_images_have_the_same_mean(void **state)
{
    (void)state;
    nb_image image, scaled;
    assert_ok(nb_image_create(&image, 6, 4, 1));
    for (size_t i = 0; i < 24; i++) image.pixels[i] = (uint8_t)(10 * i);
    assert_ok(nb_image_scale(&image, 3, 2, &scaled));
    for (size_t y = 0; y < 2; y++)
        for (size_t x = 0; x < 3; x++) {
            const size_t at = 12 * y + 2 * x; /* (at + at+1 + at+6 + at+7) 10 / 4 */
            assert_int_equal(scaled.pixels[3 * y + x], 10 * at + 35);
        }
    nb_image_destroy(&scaled);
    assert_ok(nb_image_scale(&image, 6, 4, &scaled));
    assert_memory_equal(scaled.pixels, image.pixels, 24);
    nb_image_destroy(&scaled);
    for (size_t width = 1; width <= 6; width++)
        for (size_t height = 1; height <= 4; height++) {
            double sum = 0;
            assert_ok(nb_image_scale(&image, width, height, &scaled));
            for (size_t i = 0; i < width * height; i++) sum += scaled.pixels[i];
            assert_near(sum / (double)(width * height), 115, 0.5);
            nb_image_destroy(&scaled);
        }
    nb_image_destroy(&image);
}

/* Twice the size: a quarter of the way to each neighbour; at the edges the edge. */
static void larger_images_lie_between_their_pixels(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 25, 75, 100};
    nb_image image, scaled;
    assert_ok(nb_image_create(&image, 2, 1, 3));
    for (size_t c = 0; c < 3; c++) image.pixels[3 + c] = c == 2 ? 200 : 100;
    assert_ok(nb_image_scale(&image, 4, 3, &scaled));
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 4; x++) {
            assert_int_equal(scaled.pixels[(4 * y + x) * 3], expected[x]);
            assert_int_equal(scaled.pixels[(4 * y + x) * 3 + 2], 2 * expected[x]);
        }
    nb_image_destroy(&scaled);
    assert_fails(NB_EINVAL, "to is NULL", nb_image_scale(&image, 1, 1, NULL));
    assert_fails(NB_EINVAL, "no image", nb_image_scale(NULL, 1, 1, &scaled));
    assert_fails(NB_ERANGE, "0x1 pixels", nb_image_scale(&image, 0, 1, &scaled));
    nb_status status = NB_ENOMEM;
    for (size_t at = 1; status; at++) {
        support_allocator_start(at);
        status = nb_image_scale(&image, 5, 1, &scaled);
        nb_image_destroy(&scaled);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_true(at < 100);
    }
    nb_image_destroy(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_jpeg_is_read),
        cmocka_unit_test(exif_says_which_side_is_up),
        cmocka_unit_test(broken_exif_is_ignored),
        cmocka_unit_test(the_content_tells_the_format),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(scans_have_a_limit),
        cmocka_unit_test(damage_is_an_answer),
        cmocka_unit_test(every_failure_names_the_file),
        cmocka_unit_test(no_memory_leaks_nothing),
        cmocka_unit_test(smaller_images_have_the_same_mean),
        cmocka_unit_test(larger_images_lie_between_their_pixels),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
