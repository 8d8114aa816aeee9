#include "support.h"

#include "nablas/digit.h"
#include "nablas/memory.h"
#include "nablas/mnist.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIDE = NB_DIGIT_SIDE };

/* --- pictures --------------------------------------------------------------------------------- */

/* A 7 in the unit square: a bar, and a slanted stroke. */
static bool is_seven(double x, double y)
{
    const bool bar = x > 0.3 && x < 0.7 && y > 0.2 && y < 0.28;
    const double middle = 0.67 - (y - 0.2) * 0.4;
    return bar || (y > 0.2 && y < 0.8 && fabs(x - middle) < 0.05);
}

/* How a picture is made: the colours of paper and ink, each grey and alpha. */
typedef struct look {
    size_t width, height, channels;
    uint8_t paper, paper_alpha, ink, ink_alpha;
} look;

static nb_image draw(const look *l, bool (*is_ink)(double x, double y))
{
    nb_image image;
    const size_t side = l->width < l->height ? l->width : l->height;
    assert_ok(nb_image_create(&image, l->width, l->height, l->channels));
    for (size_t y = 0; y < l->height; y++)
        for (size_t x = 0; x < l->width; x++) {
            const double s = (double)side;
            const bool ink = is_ink(((double)x + .5) / s, ((double)y + .5) / s);
            uint8_t *p = image.pixels + (y * l->width + x) * l->channels;
            memset(p, ink ? l->ink : l->paper, l->channels);
            if (l->channels == 4) p[3] = ink ? l->ink_alpha : l->paper_alpha;
        }
    return image;
}

static void prepare(const look *l, uint8_t *digit)
{
    nb_image image = draw(l, is_seven);
    assert_ok(nb_digit_from_image(&image, digit));
    nb_image_destroy(&image);
}

/* Grey, from rows of characters: '#' is 0, ' ' is 255. */
static nb_image from_text(size_t width, size_t height, const char *text)
{
    nb_image image;
    assert_ok(nb_image_create(&image, width, height, 1));
    for (size_t i = 0; i < width * height; i++) image.pixels[i] = text[i] == '#' ? 0 : 255;
    return image;
}

/* --- what came of them ------------------------------------------------------------------------ */

typedef struct extent {
    size_t left, right, top, bottom; /* the last is within */
    double x, y;                     /* centre of mass: 14.5 is the middle of pixel 14 */
} extent;

static extent measure(const uint8_t *digit)
{
    extent e = {SIDE, 0, SIDE, 0, 0, 0};
    double sum = 0;
    for (size_t y = 0; y < SIDE; y++)
        for (size_t x = 0; x < SIDE; x++) {
            const double ink = digit[y * SIDE + x];
            if (ink <= 0) continue;
            if (x < e.left) e.left = x;
            if (x > e.right) e.right = x;
            if (y < e.top) e.top = y;
            e.bottom = y;
            sum += ink;
            e.x += ink * ((double)x + .5);
            e.y += ink * ((double)y + .5);
        }
    e.x /= sum;
    e.y /= sum;
    return e;
}

static int largest_difference(const uint8_t *a, const uint8_t *b)
{
    int most = 0;
    for (size_t i = 0; i < NB_DIGIT_PIXELS; i++)
        if (abs(a[i] - b[i]) > most) most = abs(a[i] - b[i]);
    return most;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_digit_is_twenty_high_and_centred(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    for (size_t side = 40; side <= 640; side *= 2) {
        prepare(&(look){side, side, 1, 255, 255, 0, 255}, digit);
        const extent e = measure(digit);
        assert_int_equal(e.bottom - e.top + 1, NB_DIGIT_BOX);
        assert_true(e.x >= 14 && e.x < 15 && e.y >= 14 && e.y < 15);
        assert_int_equal(e.right - e.left + 1, 14); /* .42 wide, .6 high */
    }
}

/* The same 7 in every look gives the same bytes. */
static void colours_and_alpha_do_not_matter(void **state)
{
    (void)state;
    static const look looks[] = {
        {200, 200, 1, 0, 255, 255, 255},   /* light on dark */
        {200, 200, 1, 140, 255, 100, 255}, /* faint */
        {200, 200, 1, 100, 255, 140, 255}, {200, 200, 3, 255, 255, 0, 255},
        {200, 200, 3, 30, 255, 220, 255},  {200, 200, 4, 255, 255, 0, 255},
        {200, 200, 4, 0, 0, 0, 255},     /* black on nothing */
        {200, 200, 4, 255, 0, 255, 255}, /* white on nothing */
        {200, 200, 4, 77, 0, 240, 255},  /* light on nothing */
        {200, 200, 4, 255, 255, 0, 128}, /* ink that lets white through */
        {200, 200, 4, 0, 255, 0, 0},     /* a hole in black */
    };
    uint8_t expected[NB_DIGIT_PIXELS], digit[NB_DIGIT_PIXELS];
    prepare(&(look){200, 200, 1, 255, 255, 0, 255}, expected);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        prepare(&looks[i], digit);
        assert_memory_equal(digit, expected, sizeof digit);
    }
}

static void colour_counts_by_luminance(void **state)
{
    (void)state;
    uint8_t expected[NB_DIGIT_PIXELS], digit[NB_DIGIT_PIXELS];
    const look l = {90, 90, 3, 255, 255, 0, 255};
    prepare(&l, expected);
    nb_image image = draw(&l, is_seven);
    for (size_t i = 0; i < 90 * 90; i++) { /* yellow on blue */
        uint8_t *p = image.pixels + 3 * i;
        const bool ink = p[0] == 0;
        p[0] = p[1] = ink ? 255 : 0;
        p[2] = ink ? 0 : 255;
    }
    assert_ok(nb_digit_from_image(&image, digit));
    assert_memory_equal(digit, expected, sizeof digit);
    nb_image_destroy(&image);
}

static void size_and_margins_hardly_matter(void **state)
{
    (void)state;
    uint8_t expected[NB_DIGIT_PIXELS], digit[NB_DIGIT_PIXELS];
    prepare(&(look){1000, 1000, 1, 255, 255, 0, 255}, expected);
    static const size_t sizes[][2] = {{2000, 2000}, {1000, 3000}, {3000, 1000}, {500, 700}};
    for (size_t i = 0; i < 4; i++) {
        prepare(&(look){sizes[i][0], sizes[i][1], 1, 255, 255, 0, 255}, digit);
        assert_true(largest_difference(digit, expected) <= 12);
    }
}

static void noise_hardly_matters(void **state)
{
    (void)state;
    uint8_t expected[NB_DIGIT_PIXELS], digit[NB_DIGIT_PIXELS];
    const look l = {300, 300, 1, 200, 255, 60, 255};
    uint64_t seed = 5;
    prepare(&l, expected);
    nb_image image = draw(&l, is_seven);
    for (size_t i = 0; i < 300 * 300; i++)
        image.pixels[i] = (uint8_t)lround(image.pixels[i] + 25 * support_value(&seed));
    assert_ok(nb_digit_from_image(&image, digit));
    const extent e = measure(digit), f = measure(expected);
    assert_int_equal(e.left, f.left);
    assert_int_equal(e.bottom, f.bottom);
    assert_true(largest_difference(digit, expected) <= 30);
    nb_image_destroy(&image);
}

/* Stripes of one pixel beside a solid bar: half ink, full ink. */
static void areas_are_averaged_exactly(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    nb_image image;
    assert_ok(nb_image_create(&image, 44, 44, 1));
    for (size_t y = 2; y < 42; y++)
        for (size_t x = 2; x < 42; x++) image.pixels[y * 44 + x] = x >= 22 || x % 2 == 0 ? 255 : 0;
    assert_ok(nb_digit_from_image(&image, digit));
    const extent e = measure(digit);
    assert_int_equal(e.right - e.left + 1, 20);
    for (size_t y = e.top; y <= e.bottom; y++)
        for (size_t x = e.left; x <= e.right; x++)
            assert_int_equal(digit[y * SIDE + x], x - e.left < 10 ? 128 : 255);
    nb_image_destroy(&image);
}

/* 7 pixels become 20: a part of 7/20 pixel lies in one or across two of them. */
static void small_pictures_grow(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    nb_image image = from_text(5, 9,
                               "     "
                               "  #  "
                               "     "
                               "  #  "
                               "  #  "
                               "  #  "
                               "  #  "
                               "  #  "
                               "     ");
    assert_ok(nb_digit_from_image(&image, digit));
    const extent e = measure(digit);
    assert_int_equal(e.left, e.right - 2); /* 20/7, rounded */
    assert_int_equal(e.bottom - e.top + 1, 20);
    const uint8_t *column = digit + e.top * SIDE + e.left;
    assert_int_equal(column[1 * SIDE], 255);
    assert_int_equal(column[2 * SIDE], lround(255 * (1 - 14 / 20.) / (7 / 20.)));
    assert_int_equal(column[3 * SIDE], 0);
    assert_int_equal(column[5 * SIDE], lround(255 * (42 / 20. - 2) / (7 / 20.)));
    assert_int_equal(column[6 * SIDE], 255);
    nb_image_destroy(&image);
}

/* Mass at one end would push the rest out of the picture. */
static void nothing_leaves_the_picture(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    for (int turn = 0; turn < 2; turn++) {
        nb_image image;
        assert_ok(nb_image_create(&image, 104, 104, 1));
        for (size_t y = 2; y < 102; y++)
            for (size_t x = 2; x < 102; x++) {
                const size_t along = turn ? 103 - x : x;
                if (along < 12 || y == 2) image.pixels[y * 104 + x] = 255;
            }
        assert_ok(nb_digit_from_image(&image, digit));
        const extent e = measure(digit);
        assert_int_equal(e.right - e.left + 1, 20);
        assert_int_equal(turn ? e.left : SIDE - 1 - e.right, 0);
        nb_image_destroy(&image);
    }
}

static void a_line_keeps_its_length(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    nb_image image;
    assert_ok(nb_image_create(&image, 30, 1000, 1));
    for (size_t y = 100; y < 900; y++) image.pixels[y * 30 + 15] = 255;
    assert_ok(nb_digit_from_image(&image, digit));
    extent e = measure(digit);
    assert_int_equal(e.left, 14);
    assert_int_equal(e.right, 14);
    assert_int_equal(e.top, 4);
    assert_int_equal(e.bottom, 23);
    nb_image_destroy(&image);
}

static void blank_pictures_are_refused(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS], before[NB_DIGIT_PIXELS];
    uint64_t seed = 3;
    nb_image image;
    memset(before, 7, sizeof before);
    memset(digit, 7, sizeof digit);
    for (size_t channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        assert_ok(nb_image_create(&image, 30, 20, channels));
        assert_fails(NB_EINVAL, "no digit", nb_digit_from_image(&image, digit));
        memset(image.pixels, 200, 30 * 20 * channels);
        assert_fails(NB_EINVAL, "no digit", nb_digit_from_image(&image, digit));
        nb_image_destroy(&image);
    }
    /* noise alone; a shade too faint; a single pixel */
    assert_ok(nb_image_create(&image, 200, 200, 1));
    for (size_t i = 0; i < 200 * 200; i++)
        image.pixels[i] = (uint8_t)lround(128 + 40 * support_value(&seed));
    assert_fails(NB_EINVAL, "no digit", nb_digit_from_image(&image, digit));
    nb_image_destroy(&image);
    image = draw(&(look){100, 100, 1, 200, 255, 185, 255}, is_seven);
    assert_fails(NB_EINVAL, "no digit", nb_digit_from_image(&image, digit));
    nb_image_destroy(&image);
    assert_ok(nb_image_create(&image, 1, 1, 1));
    assert_fails(NB_EINVAL, "no digit", nb_digit_from_image(&image, digit));
    nb_image_destroy(&image);

    uint8_t pixels[8] = {0};
    assert_fails(NB_EINVAL, "channels=2", nb_digit_from_image(&(nb_image){2, 2, 2, pixels}, digit));
    assert_fails(NB_EINVAL, "0x2", nb_digit_from_image(&(nb_image){0, 2, 1, pixels}, digit));
    assert_fails(NB_EINVAL, "without", nb_digit_from_image(&(nb_image){2, 2, 1, NULL}, digit));
    assert_memory_equal(digit, before, sizeof digit);
}

static void narrow_pictures_are_read(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    nb_image row = from_text(9, 1, "    #    "), column = from_text(1, 9, "    #    ");
    const nb_image *pictures[] = {&row, &column};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(nb_digit_from_image(pictures[i], digit));
        const extent e = measure(digit);
        assert_int_equal(e.right - e.left + 1, 20);
        assert_int_equal(e.bottom - e.top + 1, 20);
    }
    nb_image_destroy(&row);
    nb_image_destroy(&column);
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    uint8_t digit[NB_DIGIT_PIXELS];
    nb_image image = draw(&(look){50, 50, 4, 255, 255, 0, 255}, is_seven);
    support_allocator_start(1);
    assert_fails(NB_ENOMEM, "", nb_digit_from_image(&image, digit));
    support_memory.fail_at = 0;
    assert_ok(nb_digit_from_image(&image, digit));
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
    nb_image_destroy(&image);
}

/* MNIST's images were made this way, so they pass nearly unchanged. */
static void mnist_is_almost_a_fixed_point(void **state)
{
    (void)state;
    char path[4096];
    const char *dir = getenv("NABLAS_DATA");
    nb_mnist mnist;
    size_t alike = 0;
    if (!dir || !*dir) dir = "data/mnist";
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte", dir);
    if (access(path, R_OK)) skip();
    assert_ok(nb_mnist_load(&mnist, dir, NULL));
    for (size_t i = 0; i < 1000; i++) {
        uint8_t *pixels = nb_tensor_at(&mnist.test.x, i), digit[NB_DIGIT_PIXELS];
        double ink = 0, difference = 0;
        assert_ok(nb_digit_from_image(&(nb_image){SIDE, SIDE, 1, pixels}, digit));
        for (size_t j = 0; j < NB_DIGIT_PIXELS; j++) {
            ink += pixels[j];
            difference += abs(digit[j] - pixels[j]);
        }
        alike += difference < 0.15 * ink;
    }
    assert_in_range(alike, 950, 1000);
    nb_mnist_destroy(&mnist);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_is_twenty_high_and_centred),
        cmocka_unit_test(colours_and_alpha_do_not_matter),
        cmocka_unit_test(colour_counts_by_luminance),
        cmocka_unit_test(size_and_margins_hardly_matter),
        cmocka_unit_test(noise_hardly_matters),
        cmocka_unit_test(areas_are_averaged_exactly),
        cmocka_unit_test(small_pictures_grow),
        cmocka_unit_test(nothing_leaves_the_picture),
        cmocka_unit_test(a_line_keeps_its_length),
        cmocka_unit_test(blank_pictures_are_refused),
        cmocka_unit_test(narrow_pictures_are_read),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
        cmocka_unit_test(mnist_is_almost_a_fixed_point),
    };
    return cmocka_run_group_tests_name("digit", tests, NULL, NULL);
}
