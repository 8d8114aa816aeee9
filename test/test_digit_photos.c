#include "support.h"

#include "digit_fixtures.h"
#include "nablas/memory.h"

/* --- what came of a picture ------------------------------------------------------------------- */

/* The cosine of the angle between two images, 1 for equal ones, when one is moved by a pixel at most:
 * an image is placed by whole pixels. */
static double similarity(const uint8_t *a, const uint8_t *b)
{
    double best = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            double ab = 0, aa = 0, bb = 0;
            for (int y = 1; y < NB_DIGIT_SIDE - 1; y++)
                for (int x = 1; x < NB_DIGIT_SIDE - 1; x++) {
                    const double u = a[y * NB_DIGIT_SIDE + x],
                                 v = b[(y + dy) * NB_DIGIT_SIDE + x + dx];
                    ab += u * v;
                    aa += u * u;
                    bb += v * v;
                }
            best = fmax(best, ab / sqrt(aa * bb));
        }
    return best;
}

static double apart(size_t a, size_t b)
{
    return fabs((double)a - (double)b);
}

/* Where and what it is when it is alone on white paper. */
static void check_digit(const photo_kind *k, size_t number, const nb_image *clean,
                        const nb_digit *got)
{
    nb_digit want;
    size_t count;
    assert_ok(nb_digits_from_image(clean, 1, &want, &count));
    assert_int_equal(count, 1);
    const double bound = .03 * (double)k->height + 2, alike = similarity(got->pixels, want.pixels);
    if (apart(got->left, want.left) > bound || apart(got->top, want.top) > bound ||
        apart(got->left + got->width, want.left + want.width) > bound ||
        apart(got->top + got->height, want.top + want.height) > bound || alike < .85)
        fail_msg("%s, %zu: %zux%zu at %zu,%zu, expected %zux%zu at %zu,%zu; similarity %.3f",
                 k->name, number, got->width, got->height, got->left, got->top, want.width,
                 want.height, want.left, want.top, alike);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void every_digit_is_found_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHOTO_KINDS; i++)
        for (size_t number = 0; number < 10; number++) {
            const photo_kind *k = &photo_kinds[i];
            photo p = photo_make(k, number);
            nb_digit digits[PHOTO_DIGITS];
            size_t count = 99;
            const nb_status status = nb_digits_from_image(&p.image, PHOTO_DIGITS, digits, &count);
            if (status) fail_msg("%s, %zu: %s", k->name, number, nb_last_error());
            if (count != p.count) fail_msg("%s, %zu: %zu digits", k->name, number, count);
            for (size_t d = 0; d < count; d++) check_digit(k, number, &p.clean[d], &digits[d]);
            photo_destroy(&p);
        }
}

/* The same papers without a digit; but an empty frame is a 0 to anyone who has not seen the others. */
static void no_paper_is_a_digit(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHOTO_KINDS; i++)
        for (size_t number = 0; number < 5; number++) {
            photo_kind k = photo_kinds[i];
            nb_digit digit;
            size_t count = 99;
            if (k.print == FRAME) continue;
            k.digits = 0;
            photo p = photo_make(&k, number);
            const nb_status status = nb_digits_from_image(&p.image, 1, &digit, &count);
            if (status != NB_EINVAL || count != 0)
                fail_msg("%s, %zu: %zu digits on empty paper, %zux%zu at %zu,%zu", k.name, number,
                         count, digit.width, digit.height, digit.left, digit.top);
            assert_non_null(strstr(nb_last_error(), "nb_digits_from_image: no digit"));
            photo_destroy(&p);
        }
}

static void several_digits_are_said_to_be_several(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHOTO_KINDS; i++) {
        const photo_kind *k = &photo_kinds[i];
        photo p = photo_make(k, 3);
        nb_digit digits[PHOTO_DIGITS];
        uint8_t digit[NB_DIGIT_PIXELS], before[NB_DIGIT_PIXELS];
        char text[32];
        size_t count;
        memset(digit, 7, sizeof digit);
        memset(before, 7, sizeof before);
        if (k->digits == 1) {
            assert_ok(nb_digit_from_image(&p.image, digit));
            assert_ok(nb_digits_from_image(&p.image, 1, digits, &count));
            assert_memory_equal(digit, digits[0].pixels, sizeof digit);
        } else {
            snprintf(text, sizeof text, "%zu digits, expected one", k->digits);
            assert_fails(NB_EINVAL, text, nb_digit_from_image(&p.image, digit));
            assert_memory_equal(digit, before, sizeof digit);
        }
        photo_destroy(&p);
    }
}

/* As snprintf: the number of all, the first of them. */
static void more_digits_than_room_are_counted(void **state)
{
    (void)state;
    const photo_kind *k = photo_kinds;
    while (k->digits != 4) k++;
    photo p = photo_make(k, 1);
    nb_digit all[4], some[4];
    size_t count;
    assert_ok(nb_digits_from_image(&p.image, 0, NULL, &count));
    assert_int_equal(count, 4);
    assert_ok(nb_digits_from_image(&p.image, 4, all, &count));
    memset(some, 7, sizeof some);
    assert_ok(nb_digits_from_image(&p.image, 2, some, &count));
    assert_int_equal(count, 4);
    assert_memory_equal(some, all, 2 * sizeof *all);
    assert_int_equal(some[2].left, some[3].top); /* untouched */
    photo_destroy(&p);
}

/* Rows from above, and in each from the left, though the right one is higher. */
static void rows_are_read_like_text(void **state)
{
    (void)state;
    static const size_t at[][2] = {{30, 44}, {90, 30}, {150, 38}, {40, 130}, {120, 122}};
    nb_image image;
    nb_digit digits[5];
    size_t count;
    assert_ok(nb_image_create(&image, 200, 200, 1));
    for (size_t i = 0; i < COUNT(at); i++)
        for (size_t y = 0; y < 40; y++)
            for (size_t x = 0; x < 25; x++)
                if (x < 6 || y < 6) image.pixels[(at[i][1] + y) * 200 + at[i][0] + x] = 255;
    assert_ok(nb_digits_from_image(&image, 5, digits, &count));
    assert_int_equal(count, COUNT(at));
    for (size_t i = 0; i < COUNT(at); i++) {
        assert_int_equal(digits[i].left, at[i][0]);
        assert_int_equal(digits[i].top, at[i][1]);
        assert_int_equal(digits[i].width, 25);
        assert_int_equal(digits[i].height, 40);
    }
    nb_image_destroy(&image);
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    const photo_kind *k = photo_kinds;
    while (k->light != SHADOW) k++; /* which takes every way */
    photo p = photo_make(k, 0);
    nb_digit digit;
    size_t count;
    for (size_t at = 1;; at++) {
        support_allocator_start(at);
        const nb_status status = nb_digits_from_image(&p.image, 1, &digit, &count);
        const bool done = support_memory.taken < at;
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(count, done ? 1 : 0);
        if (done) break;
    }
    photo_destroy(&p);
}

static void null_pointers_are_answered(void **state)
{
    (void)state;
    uint8_t pixels[NB_DIGIT_PIXELS] = {0};
    nb_image image = {2, 2, 1, pixels};
    nb_digit digit;
    size_t count;
    assert_fails(NB_EINVAL, "image is NULL", nb_digits_from_image(NULL, 1, &digit, &count));
    assert_fails(NB_EINVAL, "digits is NULL", nb_digits_from_image(&image, 1, NULL, &count));
    assert_fails(NB_EINVAL, "count is NULL", nb_digits_from_image(&image, 1, &digit, NULL));
    assert_fails(NB_EINVAL, "image is NULL", nb_digit_from_image(NULL, pixels));
    assert_fails(NB_EINVAL, "digit is NULL", nb_digit_from_image(&image, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_digit_is_found_where_it_is),
        cmocka_unit_test(no_paper_is_a_digit),
        cmocka_unit_test(several_digits_are_said_to_be_several),
        cmocka_unit_test(more_digits_than_room_are_counted),
        cmocka_unit_test(rows_are_read_like_text),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
        cmocka_unit_test(null_pointers_are_answered),
    };
    const int failed = cmocka_run_group_tests_name("digit_photos", tests, NULL, NULL);
    photo_end();
    return failed;
}
