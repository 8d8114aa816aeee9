#include "support.h"

#include "nablas/activation.h"
#include "nablas/blas.h"
#include "nablas/convolution.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what both precisions share ---------------------------------------------------------------- */

static size_t taps_of(const nb_window *w)
{
    return w->channels * w->rows * w->columns;
}

static size_t positions_of(const nb_window *w)
{
    return w->out_height * w->out_width;
}

/* The pixel of an image (C, H, W) that tap (c, fy, fx) sees at a position, or false: padding. */
static bool sees(const nb_window *w, size_t position, size_t tap, size_t *pixel)
{
    const size_t window = w->rows * w->columns, c = tap / window;
    const size_t fy = tap % window / w->columns, fx = tap % w->columns;
    const long y = (long)(position / w->out_width * w->stride_y + fy) - (long)w->pad_y;
    const long x = (long)(position % w->out_width * w->stride_x + fx) - (long)w->pad_x;
    *pixel = (c * w->height + (size_t)y) * w->width + (size_t)x;
    return y >= 0 && y < (long)w->height && x >= 0 && x < (long)w->width;
}

typedef struct trial {
    size_t images, filters;
    nb_window window;
} trial;

/* The layers of the three networks; then odd sizes, strides and paddings, windows as large as the
 * image or wider than it, padding beyond the window, more images than are unfolded at a time. */
#define WINDOW(C, H, W, FH, FW, SY, SX, PY, PX) \
    {                                           \
        C, H, W, FH, FW, SY, SX, PY, PX, 0, 0   \
    }
static const trial all_trials[] = {
    {2, 30, WINDOW(1, 28, 28, 5, 5, 1, 1, 0, 0)},  {2, 16, WINDOW(1, 28, 28, 3, 3, 1, 1, 1, 1)},
    {1, 32, WINDOW(16, 14, 14, 3, 3, 1, 1, 1, 1)}, {1, 32, WINDOW(5, 14, 14, 3, 3, 1, 1, 2, 2)},
    {2, 16, WINDOW(6, 12, 12, 5, 5, 1, 1, 0, 0)},  {2, 5, WINDOW(3, 7, 7, 5, 5, 1, 1, 0, 0)},
    {3, 3, WINDOW(2, 5, 9, 3, 2, 2, 3, 1, 2)},     {1, 1, WINDOW(1, 1, 1, 1, 1, 1, 1, 0, 0)},
    {2, 7, WINDOW(3, 8, 8, 1, 1, 1, 1, 0, 0)},     {2, 3, WINDOW(2, 6, 5, 3, 3, 1, 1, 4, 3)},
    {1, 4, WINDOW(2, 9, 9, 2, 3, 3, 1, 0, 1)},     {2, 9, WINDOW(4, 10, 11, 3, 3, 2, 2, 1, 1)},
    {1, 11, WINDOW(5, 13, 17, 4, 5, 1, 1, 2, 3)},  {1, 3, WINDOW(2, 9, 9, 2, 2, 4, 4, 0, 0)},
    {35, 3, WINDOW(2, 8, 8, 3, 3, 1, 1, 1, 1)},    {1, 2, WINDOW(1, 2, 2, 4, 4, 1, 1, 1, 1)},
    {5, 4, WINDOW(3, 6, 4, 6, 4, 1, 1, 0, 0)},     {1, 2, WINDOW(1, 3, 130, 2, 3, 1, 1, 0, 1)},
    {2, 2, WINDOW(1, 1, 1, 3, 3, 1, 1, 3, 3)},     {1, 2, WINDOW(2, 3, 70, 3, 7, 1, 2, 1, 0)},
};
enum { trials = COUNT(all_trials) };
static const nb_convolution_way ways[] = {NB_CONVOLUTION_AUTO, NB_CONVOLUTION_DIRECT,
                                          NB_CONVOLUTION_PRODUCT};

static trial trial_at(size_t i)
{
    trial t = all_trials[i];
    assert_ok(nb_window_fit(&t.window));
    return t;
}

#define NB_REAL_SINGLE
#include "xconvolution.h"
#undef NB_REAL_SINGLE
#include "xconvolution.h"

/* --- windows ----------------------------------------------------------------------------------- */

/* Textbook 7.2.4 and 7.2.3: (4,4), 3 x 3, padding 1 -> 4; (7,7), 3 x 3, stride 2 -> 3; (28,31),
 * 5 x 5, padding 2, stride 3 -> (10,11). */
static void positions_are_the_books(void **state)
{
    (void)state;
    nb_window a = WINDOW(1, 4, 4, 3, 3, 1, 1, 1, 1), b = WINDOW(1, 7, 7, 3, 3, 2, 2, 0, 0);
    nb_window c = WINDOW(1, 28, 31, 5, 5, 3, 3, 2, 2);
    assert_ok(nb_window_fit(&a));
    assert_ok(nb_window_fit(&b));
    assert_ok(nb_window_fit(&c));
    assert_true(a.out_height == 4 && a.out_width == 4);
    assert_true(b.out_height == 3 && b.out_width == 3);
    assert_true(c.out_height == 10 && c.out_width == 11);
}

static void windows_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        nb_window window;
        nb_status status;
        const char *text;
    } cases[] = {
        {WINDOW(0, 4, 4, 3, 3, 1, 1, 0, 0), NB_EINVAL, "0 channels"},
        {WINDOW(1, 0, 4, 3, 3, 1, 1, 9, 9), NB_EINVAL, "height 0"},
        {WINDOW(1, 4, 0, 3, 3, 1, 1, 9, 9), NB_EINVAL, "width 0"},
        {WINDOW(1, 4, 4, 0, 3, 1, 1, 0, 0), NB_EINVAL, "window 0"},
        {WINDOW(1, 4, 4, 3, 0, 1, 1, 0, 0), NB_EINVAL, "window 0"},
        {WINDOW(1, 4, 4, 3, 3, 0, 1, 0, 0), NB_EINVAL, "stride 0"},
        {WINDOW(1, 4, 4, 3, 3, 1, 0, 0, 0), NB_EINVAL, "stride 0"},
        {WINDOW(1, 4, 4, 7, 3, 1, 1, 1, 0), NB_EINVAL, "height 7 on images of 4 + 2 * 1"},
        {WINDOW(1, 4, 4, 3, 5, 1, 1, 0, 0), NB_EINVAL, "width 5 on images of 4 + 2 * 0"},
        {WINDOW(1, 4, 4, 3, 3, 1, 1, SIZE_MAX, 0), NB_EOVERFLOW, "padding"},
        {WINDOW(1, SIZE_MAX, 4, 3, 3, 1, 1, 0, 0), NB_EOVERFLOW, "height"},
        {WINDOW(SIZE_MAX / 8, 4, 4, 3, 3, 1, 1, 0, 0), NB_EOVERFLOW, "channels of 4 x 4"},
        {WINDOW(1, SIZE_MAX >> 16, 1 << 16, 1, 1, 1, 1, 0, 0), NB_EOVERFLOW, "1 channels"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_window w = cases[i].window;
        assert_fails(cases[i].status, cases[i].text, nb_window_fit(&w));
    }
    assert_fails(NB_EINVAL, "window is NULL", nb_window_fit(NULL));
}

/* --- every instruction set --------------------------------------------------------------------- */

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_the_books),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
        BOTH(im2col_shows_what_the_window_sees),
        BOTH(im2col_has_the_books_shape_and_order),
        BOTH(col2im_is_the_transpose_of_im2col),
        BOTH(forward_is_six_nested_loops),
        BOTH(backward_input_is_its_transpose),
        BOTH(backward_weights_is_the_sum_over_images),
        BOTH(ranges_of_images_give_the_bits_of_the_whole),
        BOTH(a_group_of_images_has_one_gradient),
        BOTH(nan_goes_where_it_is_seen),
        BOTH(joined_or_apart_the_bits_are_the_same),
        BOTH(convolution_refuses_before_it_writes),
        BOTH(no_images_are_no_error),
    };
    nb_blas_set_threads(1);
    return cmocka_run_group_tests_name("convolution", tests, NULL, NULL);
}

/* A process takes one instruction set for good, so each gets a process. */
int main(void)
{
    static const char *const isa[] = {"base", "avx2", "avx512"};
    int failed = 0;
    for (size_t i = 0; i < COUNT(isa); i++) {
        if (!nb_dvector_named(isa[i])) continue;
        const pid_t child = fork();
        if (child < 0) return 1;
        if (child == 0) {
            setenv("NABLAS_ISA", isa[i], 1);
            _exit(run_all());
        }
        int status = 0;
        failed |= waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status);
    }
    return failed;
}
