#include "plot_fixtures.h"

#include "nablas/memory.h"
#include "plot/reduce.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* --- colours --- */

static void colour_maps_have_their_ends(void **state)
{
    (void)state;
    assert_int_equal(nb_color_of(NB_VIRIDIS, 0), 0xff440154u);
    assert_int_equal(nb_color_of(NB_VIRIDIS, 0.5), 0xff21918cu);
    assert_int_equal(nb_color_of(NB_VIRIDIS, 1), 0xfffde725u);
    assert_int_equal(nb_color_of(NB_VIRIDIS, 7), 0xfffde725u);
    assert_int_equal(nb_color_of(NB_VIRIDIS, -inf_value), 0xff440154u);
    assert_int_equal(nb_color_of(NB_GREYS, 0), NB_BLACK);
    assert_int_equal(nb_color_of(NB_GREYS, 0.5), 0xff808080u);
    assert_int_equal(nb_color_of(NB_GREYS, 1), NB_WHITE);
    assert_int_equal(nb_color_of(NB_GREYS, nan_value), 0);
    assert_int_equal(nb_color_of(NB_GREYS_REVERSED, 0), NB_WHITE);
    assert_int_equal(nb_color_of(NB_GREYS_REVERSED, 9), NB_BLACK);
    assert_int_equal(nb_color_of(NB_GREYS_REVERSED, nan_value), 0);
}

static void reducing_keeps_areas(void **state)
{
    (void)state;
    nb_image image, before;
    uint64_t seed = 2;
    assert_ok(nb_image_create(&image, 200, 100, 3));
    assert_ok(nb_image_create(&before, 200, 100, 3));
    for (size_t i = 0; i < 20000; i++) {
        size_t x = i % 200, y = i / 200;
        uint8_t *p = image.pixels + 3 * i;
        /* Forty areas of their own colour, and noise. */
        for (size_t c = 0; c < 3; c++)
            p[c] = y < 40 ? (uint8_t)(x / 5 * 37 + c * 91)
                          : (uint8_t)(127 + 127 * support_value(&seed));
    }
    memcpy(before.pixels, image.pixels, 60000);
    assert_ok(nb_image_reduce(&image));
    assert_memory_equal(image.pixels, before.pixels, 3 * 200 * 30);
    uint32_t seen[256];
    size_t count = 0;
    for (size_t i = 0; i < 20000; i++) {
        const uint8_t *p = image.pixels + 3 * i;
        uint32_t colour = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        size_t k = 0;
        while (k < count && seen[k] != colour) k++;
        if (k < count) continue;
        assert_true(count < 256);
        seen[count++] = colour;
    }
    for (size_t i = 0; i < 60000; i++) assert_true(abs(image.pixels[i] - before.pixels[i]) < 70);
    nb_image_destroy(&image);
    nb_image_destroy(&before);
}

/* --- limits --- */

static void check_limits(nb_axes *ax, int d, double lo, double hi)
{
    nb_layout_limits(ax);
    double near = 1e-9 * (fabs(lo) + fabs(hi));
    assert_near(ax->axis[d].lo, lo, near);
    assert_near(ax->axis[d].hi, hi, near);
}

static void limits_come_from_finite_values(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    double x[] = {0, 1, 2, 3, 4}, y[] = {-inf_value, 10, nan_value, 20, 1e305};
    nb_plot_line(ax, 5, x, y, NULL);
    check_limits(ax, 0, 1 - 0.09, 3 + 0.09);
    check_limits(ax, 1, 10 - 0.45, 20 + 0.45);
    nb_axes_ylim(ax, 5, nan_value);
    check_limits(ax, 1, 5, 20 + 0.675);
    nb_axes_ylim(ax, 30, 25); /* no data between: what was asked for */
    check_limits(ax, 1, 25, 30);
    assert_true(ax->axis[1].flipped);
    nb_axes_hide(NULL);
    nb_plot_hline(ax, 1e6, NULL); /* guides do not count */
    nb_axes_ylim(ax, nan_value, nan_value);
    check_limits(ax, 1, 10 - 0.45, 20 + 0.45);
    nb_figure_destroy(fig);

    fig = one(&ax);
    check_limits(ax, 0, 0, 1);
    double flat[] = {7, 7, 7};
    nb_plot_line(ax, 3, x, flat, NULL);
    check_limits(ax, 1, 7 - 0.35, 7 + 0.35);
    nb_figure_destroy(fig);

    fig = one(&ax);
    double tall[] = {1, 100, 0, -5, 10000};
    nb_axes_log(ax, false, true);
    nb_plot_line(ax, 5, x, tall, NULL);
    check_limits(ax, 1, -0.18, 4.18);
    nb_figure_destroy(fig);

    fig = one(&ax);
    nb_plot_bars(ax, 3, NULL, (double[]){1, 2, 4}, NULL);
    check_limits(ax, 1, 0, 4 * 1.045);
    nb_figure_destroy(fig);
}

static void places_are_where_they_belong(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    double px, py;
    nb_axes_xlim(ax, 0, 10);
    nb_axes_ylim(ax, 1, 100);
    nb_axes_log(ax, false, true);
    nb_layout_limits(ax);
    ax->box = (nb_rect){20, 10, 100, 50};
    assert_true(nb_axes_place(ax, 2.5, 10, &px, &py));
    assert_near(px, 45, 1e-9);
    assert_near(py, 35, 1e-9);
    assert_false(nb_axes_place(ax, 2.5, 0, &px, &py));
    assert_false(nb_axes_place(ax, nan_value, 1, &px, &py));
    nb_figure_destroy(fig);
}

static double bottom_of(const char *tick)
{
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_image image;
    nb_axes_xticks(ax, 1, (double[]){0.5}, (const char *[]){tick});
    assert_ok(nb_figure_render(fig, &image));
    double bottom = ax->box.y + ax->box.h;
    nb_image_destroy(&image);
    nb_figure_destroy(fig);
    return bottom;
}

static void tick_names_of_several_lines_have_room(void **state)
{
    (void)state;
    double one_line = bottom_of("packed"), two = bottom_of("packed\nupdate");
    assert_near(bottom_of("a\nb\nc") - two, two - one_line, 1e-9);
    assert_in_range(one_line - two, 10, 20); /* one line of a tick's text */
}

/* --- pictures --- */

static void a_line_is_drawn_in_its_colour(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_image image;
    double x[] = {0, 1, 2, 3}, y[] = {1, 1, nan_value, 1};
    nb_plot_line(ax, 4, x, y, &(nb_line_style){.width = 4, .color = NB_RED});
    assert_ok(nb_figure_render(fig, &image));
    assert_int_equal(image.width, 640);
    assert_int_equal(image.height, 480);
    assert_int_equal(image.channels, 3);
    size_t third = count_color(&image, NB_RED);
    nb_image_destroy(&image);
    nb_figure_destroy(fig);

    fig = one(&ax);
    y[2] = 1;
    nb_plot_line(ax, 4, x, y, &(nb_line_style){.width = 4, .color = NB_RED});
    assert_ok(nb_figure_render(fig, &image));
    size_t whole = count_color(&image, NB_RED);
    assert_true(10 * whole > 28 * third && 10 * whole < 32 * third); /* one part of three */
    nb_image_destroy(&image);
    nb_figure_destroy(fig);
}

/* A hundred thousand points look as the few that their columns keep. */
static void dense_lines_keep_their_peaks(void **state)
{
    (void)state;
    enum { N = 100000 };
    static double x[N], y[N];
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_image image;
    for (size_t i = 0; i < N; i++) x[i] = (double)i, y[i] = i == 41234 ? 1 : 0;
    nb_plot_line(ax, N, x, y, &(nb_line_style){.color = NB_GREEN, .width = 2});
    assert_ok(nb_figure_render(fig, &image));
    assert_true(count_color(&image, NB_GREEN) > 640 * 2 + 300 * 2); /* the line, and the peak */
    nb_image_destroy(&image);
    nb_figure_destroy(fig);
}

static void what_is_saved_twice_is_the_same(void **state)
{
    (void)state;
    static uint8_t first[400000], again[400000];
    size_t sizes[2];
    for (int round = 0; round < 2; round++) {
        nb_axes *ax;
        nb_figure *fig = one(&ax);
        double x[50], y[50];
        for (int i = 0; i < 50; i++) x[i] = i, y[i] = sin(i * 0.2);
        nb_plot_line(ax, 50, x, y, &(nb_line_style){.label = "x\u2080"});
        nb_axes_legend(ax, NB_BEST);
        assert_ok(nb_figure_save(fig, support_path("same.png"), NULL));
        FILE *file = fopen(support_path("same.png"), "rb");
        sizes[round] = fread(round ? again : first, 1, sizeof first, file);
        fclose(file);
        unsigned char *bytes;
        size_t size;
        assert_ok(nb_figure_encode(fig, NULL, &bytes, &size));
        assert_int_equal(size, sizes[round]);
        assert_memory_equal(bytes, round ? again : first, size);
        nb_free(bytes);
        nb_figure_destroy(fig);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_true(sizes[0] > 1000 && sizes[0] < 30000);
    assert_memory_equal(first, again, sizes[0]);
}

/* Every artist, with the values that go wrong. */
static void bad_values_make_a_picture(void **state)
{
    (void)state;
    static const double bad[][4] = {{0, 1, 2, 3},
                                    {(double)NAN, (double)NAN, (double)NAN, (double)NAN},
                                    {HUGE_VAL, -HUGE_VAL, 1, (double)NAN},
                                    {5, 5, 5, 5},
                                    {0, 0, 0, 0},
                                    {1e300, -1e300, 1e300, -1e300},
                                    {DBL_MAX, -DBL_MAX, 0, 1},
                                    {5e-324, 1e-320, 0, 5e-324},
                                    {1e16, 1e16 + 2, 1e16 + 4, 1e16},
                                    {-1, -2, -3, -4},
                                    {1e-300, 1e300, 1, 1e-5},
                                    {-1e300, 1e-300, 1e300, 0}};
    enum { BAD = sizeof bad / sizeof *bad };
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    nb_image picture = {2, 2, 3, pixels};
    for (size_t i = 0; i < BAD; i++)
        for (size_t j = 0; j < BAD; j++)
            for (int log = 0; log < 2; log++) {
                nb_figure *fig;
                nb_image image;
                assert_ok(nb_figure_create(&fig, 200, 150));
                nb_axes *ax = nb_figure_axes(fig, 1, 2, 0), *solid = nb_figure_axes(fig, 1, 2, 1);
                const double *x = bad[i], *y = bad[j];
                nb_axes_log(ax, log, log);
                nb_plot_line(ax, 4, x, y, &(nb_line_style){.label = "a", .marker = NB_PLUS});
                nb_plot_scatter(ax, 4, x, y, &(nb_line_style){.marker = NB_TRIANGLE});
                nb_plot_fill(ax, 4, x, y, NULL, NULL);
                nb_plot_bars(ax, 4, x, y, &(nb_bar_style){.format = "%.2f", .label = "b"});
                nb_plot_quiver(ax, 4, x, y, y, x, &(nb_arrow_style){.scale = log});
                nb_plot_contour(ax, 2, 2, x, y, x, &(nb_contour_style){.values = true});
                nb_plot_contour(ax, 2, 2, x, y, x, &(nb_contour_style){.filled = true});
                nb_plot_predictions(ax, 4, x, y, NULL);
                nb_axes_color_bar(ax, "c");
                nb_plot_text(ax, x[0], y[1], "t", NULL);
                nb_plot_hline(ax, y[2], NULL);
                nb_plot_vline(ax, x[2], NULL);
                nb_plot_segment(ax, x[0], y[0], x[1], y[1], NULL);
                nb_plot_matrix(ax, 2, 2, x, &(nb_matrix_style){.format = "%g"});
                nb_plot_image(ax, &picture);
                nb_plot_surface(solid, 2, 2, x, y, x, NULL);
                nb_plot_filters(nb_figure_axes(fig, 3, 3, 8), 2, 2, 1, 2, x, NULL, NULL);
                nb_axes_legend(ax, NB_BEST);
                nb_axes_grid(ax);
                assert_ok(nb_figure_render(fig, &image));
                nb_image_destroy(&image);
                nb_figure_destroy(fig);
            }
}

static void crowded_and_empty_figures_are_drawn(void **state)
{
    (void)state;
    nb_figure *fig;
    nb_image image;
    double x[] = {1, 2}, y[] = {3, 4};
    for (int size = 16; size <= 400; size += 128) { /* far too small ones too */
        assert_ok(nb_figure_create(&fig, size, size));
        nb_axes *ax = nb_figure_axes(fig, 2, 2, 3);
        for (int i = 0; i < 100; i++)
            nb_plot_line(ax, 2, x, y, &(nb_line_style){.label = "a series with a long name"});
        nb_axes_legend(ax, NB_BEST);
        nb_axes_labels(ax, "x \xff broken", "a label\nof two lines that is longer than its axes");
        nb_axes_title(ax, "a title that is much longer than the cell that it stands over");
        nb_axes_legend(nb_figure_axes(fig, 2, 2, 0), NB_CENTER);
        nb_plot_line(nb_figure_axes(fig, 2, 2, 1), 0, NULL, NULL, NULL);
        nb_plot_images(nb_figure_axes(fig, 2, 2, 2), 0, 3, NULL, NULL);
        nb_figure_title(fig, "");
        assert_ok(nb_figure_render(fig, &image));
        nb_image_destroy(&image);
        nb_figure_destroy(fig);
    }
}

/* --- errors --- */

static void the_first_error_stays(void **state)
{
    (void)state;
    nb_figure *fig = (nb_figure *)1;
    nb_axes *ax;
    nb_image image;
    double x[] = {1, 2};
    assert_fails(NB_ERANGE, "15x100 points", nb_figure_create(&fig, 15, 100));
    assert_null(fig);
    assert_fails(NB_ERANGE, "nan", nb_figure_create(&fig, nan_value, 100));
    ax = nb_figure_axes(fig, 1, 1, 0); /* all of it goes on without a figure */
    nb_plot_line(ax, 2, x, x, NULL);
    nb_axes_legend(ax, NB_BEST);
    nb_figure_title(fig, "t");
    unsigned char *bytes;
    size_t size;
    assert_fails(NB_EINVAL, "NULL", nb_figure_save(fig, "/tmp/never.png", NULL));
    assert_fails(NB_EINVAL, "NULL", nb_figure_encode(fig, NULL, &bytes, &size));
    assert_null(bytes);
    nb_figure_destroy(fig);

    fig = one(&ax);
    nb_plot_line(ax, 2, NULL, x, NULL);
    nb_plot_surface(ax, 2, 2, x, x, x, NULL);
    assert_null(nb_figure_axes(fig, 1, 1, 0));
    assert_fails(NB_EINVAL, "nb_plot_line: n=2 values at NULL", nb_figure_render(fig, &image));
    assert_fails(NB_EINVAL, "nb_plot_line", nb_figure_save(fig, support_path("no.png"), NULL));
    assert_int_equal(access(support_path("no.png"), F_OK), -1);
    nb_figure_destroy(fig);

#define FAILS(code, text, call)                      \
    fig = one(&ax);                                  \
    call;                                            \
    assert_fails(code, text, nb_figure_status(fig)); \
    nb_figure_destroy(fig)
    FAILS(NB_EINVAL, "no cell 4 in a grid of 2x2", nb_figure_axes(fig, 2, 2, 4));
    FAILS(NB_ERANGE, "nb_axes_xlim: from 1 to 1", nb_axes_xlim(ax, 1, 1));
    FAILS(NB_ERANGE, "nb_axes_ylim", nb_axes_ylim(ax, 0, inf_value));
    FAILS(NB_ERANGE, "41 ticks", nb_axes_xticks(ax, 41, x, NULL));
    FAILS(NB_ESHAPE, "1x2", nb_plot_contour(ax, 1, 2, x, x, x, NULL));
    FAILS(NB_ERANGE, "0x2", nb_plot_matrix(ax, 0, 2, x, NULL));
    FAILS(NB_EINVAL, "\"%s\"", nb_plot_bars(ax, 2, NULL, x, &(nb_bar_style){.format = "%s"}));
    FAILS(NB_EINVAL, "format", nb_plot_bars(ax, 2, 0, x, &(nb_bar_style){.format = "%f %f"}));
    FAILS(NB_EINVAL, "format", nb_plot_bars(ax, 2, 0, x, &(nb_bar_style){.format = "%*f"}));
    FAILS(NB_EINVAL, "format", nb_plot_bars(ax, 2, 0, x, &(nb_bar_style){.format = "%"}));
    FAILS(NB_EINVAL, "image 0 is 0x0", nb_plot_image(ax, &(nb_image){0}));
    FAILS(NB_EINVAL, "does not share",
          (nb_plot_line(ax, 2, x, x, NULL), nb_plot_surface(ax, 2, 2, x, x, x, NULL)));
    fig = one(&ax);
    assert_fails(NB_EIO, "none/a.png: No such file",
                 nb_figure_save(fig, support_path("none/a.png"), NULL));
    assert_fails(NB_EIO, "/dev/full: No space left", nb_figure_save(fig, "/dev/full", NULL));
    assert_ok(nb_figure_save(fig, support_path("later.png"), NULL)); /* those do not stick */
    nb_figure_destroy(fig);
}

static nb_status draw_all(const char *path)
{
    nb_figure *fig;
    double x[] = {0, 1, 2}, z[] = {0, 1, 2, 1, 2, 3, 2, 3, 5}, level = 2;
    uint8_t pixel = 9;
    nb_image image = {1, 1, 1, &pixel};
    nb_status status = nb_figure_create(&fig, 100, 80);
    nb_axes *ax = nb_figure_axes(fig, 2, 2, 0);
    nb_axes_title(ax, "t");
    nb_plot_line(ax, 3, x, x, &(nb_line_style){.label = "l"});
    nb_plot_fill(ax, 3, x, x, NULL, NULL);
    nb_plot_bars(ax, 3, NULL, x, &(nb_bar_style){.format = "%g"});
    nb_plot_contour(ax, 3, 3, x, x, z, NULL);
    nb_plot_contour(ax, 3, 3, x, x, z, &(nb_contour_style){.levels = &level, .count = 1});
    nb_plot_contour(ax, 3, 3, x, x, z, &(nb_contour_style){.filled = true});
    nb_plot_histogram(ax, 3, x, 4, 0, 2, NULL);
    nb_plot_predictions(ax, 3, x, x, NULL);
    nb_axes_color_bar(ax, "b");
    nb_figure_labels(fig, "x", "y");
    nb_plot_text(ax, 1, 1, "t", NULL);
    nb_axes_xticks(ax, 3, x, (const char *[]){"a", NULL, "c"});
    nb_axes_legend(ax, NB_BEST);
    nb_plot_surface(nb_figure_axes(fig, 2, 2, 1), 3, 3, x, x, z, NULL);
    nb_plot_matrix(nb_figure_axes(fig, 2, 2, 2), 3, 3, z, NULL);
    nb_plot_confusion(nb_figure_axes(fig, 4, 4, 2), 1, (size_t[]){3}, (const char *[]){"c"});
    nb_plot_calibration(nb_figure_axes(fig, 4, 4, 3), 1, &(nb_calibration_bin){3, 0.5, 0.5}, NULL);
    nb_plot_filters(nb_figure_axes(fig, 4, 4, 7), 1, 1, 3, 3, z, (const char *[]){"c"}, NULL);
    nb_plot_images(nb_figure_axes(fig, 2, 2, 3), 1, 1, &image, (const char *[]){"c"});
    if (!status) status = nb_figure_save(fig, path, NULL);
    nb_figure_destroy(fig);
    return status;
}

static void no_memory_leaks_nothing(void **state)
{
    (void)state;
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = draw_all(support_path("memory.png"));
        bool done = support_memory.taken < k;
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (done) break;
        assert_int_equal(access(support_path("memory.png"), F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour_maps_have_their_ends),
        cmocka_unit_test(reducing_keeps_areas),
        cmocka_unit_test(limits_come_from_finite_values),
        cmocka_unit_test(places_are_where_they_belong),
        cmocka_unit_test(tick_names_of_several_lines_have_room),
        cmocka_unit_test(a_line_is_drawn_in_its_colour),
        cmocka_unit_test(dense_lines_keep_their_peaks),
        cmocka_unit_test(what_is_saved_twice_is_the_same),
        cmocka_unit_test(bad_values_make_a_picture),
        cmocka_unit_test(crowded_and_empty_figures_are_drawn),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(no_memory_leaks_nothing),
    };
    return run_plot_tests(cmocka_run_group_tests_name("plot", tests, NULL, NULL));
}
