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
 * image or wider than it, padding beyond the window, more images than are unfolded at a time; for dW more
 * weights than are summed at a time, and images that are summed in parts. */
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
    {2, 17, WINDOW(4140, 1, 1, 1, 1, 1, 1, 0, 0)}, {2, 3, WINDOW(1, 70, 67, 2, 2, 2, 2, 0, 1)},
    {1, 2, WINDOW(1, 42, 40, 3, 6, 1, 1, 0, 0)},
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

/* --- by transformed tiles ---------------------------------------------------------------------- */

/* |A|^T ((|G| |g| |G|^T) * (|B|^T |d| |B|)) |A| of one channel at output (r, s) of a tile, which bounds
 * the error (convolution.h). `d` (4, 4), `g` (3, 3). */
static long double tile_size(const float *d, const float *g, size_t r, size_t s)
{
    static const double A[4][2] = {{1, 0}, {1, 1}, {1, 1}, {0, 1}};
    static const double B[4][4] = {{1, 0, 0, 0}, {0, 1, 1, 1}, {1, 1, 1, 0}, {0, 0, 0, 1}};
    static const double G[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, .5, .5}, {0, 0, 1}};
    long double sum = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            long double filter = 0, pixels = 0;
            for (size_t k = 0; k < 9; k++) filter += G[i][k / 3] * G[j][k % 3] * fabs(g[k]);
            for (size_t k = 0; k < 16; k++) pixels += B[k / 4][i] * B[k % 4][j] * fabs(d[k]);
            sum += A[i][r] * A[j][s] * filter * pixels;
        }
    return sum;
}

/* A pass as a convolution of x(C, H, W) by w(f, c, k) with that padding, to `y`. */
typedef struct tiled {
    size_t images, channels, filters, height, width, out_height, out_width;
    ptrdiff_t pad_y, pad_x;
    const float *x, *w;
    size_t filter_stride, channel_stride;
    bool turned;
} tiled;

static float pixel_at(const tiled *t, size_t n, size_t c, ptrdiff_t y, ptrdiff_t x)
{
    const bool in = y >= 0 && x >= 0 && y < (ptrdiff_t)t->height && x < (ptrdiff_t)t->width;
    return in ? t->x[((n * t->channels + c) * t->height + (size_t)y) * t->width + (size_t)x] : 0;
}

/* Exact sum and bound of output (n, f, oy, ox). */
static long double exact_at(const tiled *t, size_t n, size_t f, size_t oy, size_t ox,
                            long double *bound)
{
    long double sum = 0, size = 0;
    for (size_t c = 0; c < t->channels; c++) {
        float d[16], g[9];
        const float *w = t->w + f * t->filter_stride + c * t->channel_stride;
        for (size_t k = 0; k < 9; k++) g[k] = w[t->turned ? 8 - k : k];
        for (size_t k = 0; k < 16; k++)
            d[k] = pixel_at(t, n, c, (ptrdiff_t)(oy / 2 * 2 + k / 4) - t->pad_y,
                            (ptrdiff_t)(ox / 2 * 2 + k % 4) - t->pad_x);
        for (size_t k = 0; k < 9; k++)
            sum += (long double)g[k] * d[(oy % 2 + k / 3) * 4 + ox % 2 + k % 3];
        size += tile_size(d, g, oy % 2, ox % 2);
    }
    *bound = (long double)(t->channels + 15) * FLT_EPSILON / 2 * size;
    return sum;
}

/* `add`: what y had before, and `b`: a bias; the most of error / bound. */
static double worst_of(const tiled *t, const float *y, const float *add, float beta, const float *b)
{
    double worst = 0;
    size_t i = 0;
    for (size_t n = 0; n < t->images; n++)
        for (size_t f = 0; f < t->filters; f++)
            for (size_t oy = 0; oy < t->out_height; oy++)
                for (size_t ox = 0; ox < t->out_width; ox++, i++) {
                    long double bound, want = exact_at(t, n, f, oy, ox, &bound);
                    if (add) want += (long double)beta * add[i];
                    if (add) bound += fabsl((long double)beta * add[i]) * FLT_EPSILON;
                    if (b) want += b[f], bound += fabsl((long double)b[f]) * FLT_EPSILON;
                    worst = fmax(worst, (double)(fabsl(y[i] - want) / bound));
                }
    return worst;
}

static const trial tiled_trials[] = {
    {3, 8, WINDOW(8, 8, 8, 3, 3, 1, 1, 1, 1)},  {2, 9, WINDOW(11, 7, 5, 3, 3, 1, 1, 0, 1)},
    {1, 8, WINDOW(8, 5, 18, 3, 3, 1, 1, 1, 1)}, {2, 17, WINDOW(10, 3, 4, 3, 3, 1, 1, 0, 0)},
    {1, 8, WINDOW(9, 4, 70, 3, 3, 1, 1, 2, 2)}, {9, 12, WINDOW(20, 1, 2, 3, 3, 1, 1, 1, 2)},
    {1, 8, WINDOW(8, 5, 6, 3, 3, 1, 1, 4, 3)},
};

static void winograd_is_within_its_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tiled_trials); i++)
        for (float beta = 0; beta < 1; beta += 0.7f) {
            trial t = tiled_trials[i];
            const nb_window *w = &t.window;
            assert_ok(nb_window_fit(&t.window));
            arrays_s a = arrays_of_s(t, NB_CONVOLUTION_WINOGRAD);
            float *old = numbers_s(a.images * a.image, 6);
            assert_ok(nb_sconvolution_forward(&a.c, a.images, a.x, a.W, a.b, a.y, NULL, a.scratch));
            const tiled forward = {a.images,
                                   w->channels,
                                   t.filters,
                                   w->height,
                                   w->width,
                                   w->out_height,
                                   w->out_width,
                                   (ptrdiff_t)w->pad_y,
                                   (ptrdiff_t)w->pad_x,
                                   a.x,
                                   a.W,
                                   9 * w->channels,
                                   9,
                                   false};
            if (beta == 0) assert_true(worst_of(&forward, a.y, NULL, 0, a.b) <= 1);
            assert_ok(nb_sconvolution_backward_input(&a.c, a.images, a.dy, NULL, NULL, a.W, beta,
                                                     a.dx, a.scratch));
            const tiled back = {a.images,
                                t.filters,
                                w->channels,
                                w->out_height,
                                w->out_width,
                                w->height,
                                w->width,
                                2 - (ptrdiff_t)w->pad_y,
                                2 - (ptrdiff_t)w->pad_x,
                                a.dy,
                                a.W,
                                9,
                                9 * w->channels,
                                true};
            assert_true(worst_of(&back, a.dx, beta != 0 ? old : NULL, beta, NULL) <= 1);
            free(old);
            release_s(&a);
        }
}

/* Alone or with others, joined to what follows or not. */
static void winograd_gives_an_image_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tiled_trials); i++) {
        trial t = tiled_trials[i];
        assert_ok(nb_window_fit(&t.window));
        arrays_s a = arrays_of_s(t, NB_CONVOLUTION_WINOGRAD);
        float *y = blank_s(a.output), *dx = numbers_s(a.image, 6);
        assert_ok(nb_sconvolution_forward(&a.c, a.images, a.x, a.W, a.b, a.y, NULL, a.scratch));
        assert_ok(nb_sconvolution_backward_input(&a.c, a.images, a.dy, NULL, NULL, a.W, 0, a.dx,
                                                 a.scratch));
        for (size_t n = 0; n < a.images; n++) {
            fill_nan_s(a.scratches, a.scratch);
            assert_ok(
                nb_sconvolution_forward(&a.c, 1, a.x + n * a.image, a.W, a.b, y, NULL, a.scratch));
            assert_memory_equal(y, a.y + n * a.output, a.output * sizeof *y);
            assert_ok(nb_sconvolution_backward_input(&a.c, 1, a.dy + n * a.output, NULL, NULL, a.W,
                                                     0, dx, a.scratch));
            assert_memory_equal(dx, a.dx + n * a.image, a.image * sizeof *dx);
        }
        free(y);
        free(dx);
        release_s(&a);
        check_then_s(t, NB_CONVOLUTION_WINOGRAD, NB_THEN_RELU);
        if (t.window.out_height > 1 && t.window.out_width > 1)
            check_then_s(t, NB_CONVOLUTION_WINOGRAD, NB_THEN_RELU_POOL);
    }
}

/* --- every instruction set --------------------------------------------------------------------- */

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_the_books),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
        cmocka_unit_test(winograd_is_within_its_bound),
        cmocka_unit_test(winograd_gives_an_image_the_same_bits),
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
