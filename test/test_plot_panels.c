#include "plot_fixtures.h"

#include "nablas/random.h"

/* --- grids of panels --- */

static nb_figure *panels(size_t rows, size_t cols, size_t count, nb_axes *ax[])
{
    nb_figure *fig;
    assert_ok(nb_figure_create(&fig, 820, 640));
    nb_figure_share(fig, true, true);
    nb_figure_labels(fig, "epochs", "accuracy");
    for (size_t k = 0; k < count; k++) {
        const double x[] = {0, 1 + (double)k}, y[] = {-(double)k, 5};
        ax[k] = nb_figure_axes(fig, rows, cols, k);
        nb_plot_line(ax[k], 2, x, y, NULL);
        nb_axes_title(ax[k], "panel");
        nb_axes_labels(ax[k], "x", "y");
    }
    lay_out(fig);
    return fig;
}

static void shared_panels_have_one_scale_and_names_outside(void **state)
{
    (void)state;
    nb_axes *ax[18];
    nb_figure *fig = panels(4, 5, 18, ax); /* the last row has three */
    for (size_t k = 0; k < 18; k++) {
        assert_near(ax[k]->axis[0].hi, ax[0]->axis[0].hi, 0);
        assert_near(ax[k]->axis[1].lo, ax[0]->axis[1].lo, 0);
        assert_true(ax[k]->axis[0].hi > 18 && ax[k]->axis[1].lo < -17);
        assert_int_equal(ax[k]->axis[1].unnamed, k % 5 != 0);
        assert_int_equal(ax[k]->axis[0].unnamed, k < 13);
        assert_near(ax[k]->box.w, ax[0]->box.w, 1e-9);
        assert_near(ax[k]->box.h, ax[0]->box.h, 1e-9);
        for (size_t other = 0; other < k; other++)
            assert_near(nb_rect_overlap(ax[k]->box, ax[other]->box), 0, 0);
    }
    /* Labels, names and titles have their room, and the panels the rest. */
    assert_true(ax[0]->box.x > 60 && ax[17]->box.y + ax[17]->box.h < 640 - 60);
    assert_true(5 * ax[0]->box.w > 0.7 * 820 && 4 * ax[0]->box.h > 0.6 * 640);
    nb_figure_destroy(fig);
}

static void without_sharing_each_has_its_own(void **state)
{
    (void)state;
    nb_axes *ax[4];
    nb_figure *fig = panels(2, 2, 4, ax);
    nb_figure_share(fig, false, true);
    lay_out(fig);
    assert_true(ax[0]->axis[0].hi < 2 && ax[3]->axis[0].hi > 4);
    assert_near(ax[0]->axis[1].lo, ax[3]->axis[1].lo, 0);
    assert_false(ax[0]->axis[0].unnamed);
    assert_true(ax[1]->axis[1].unnamed);
    nb_figure_destroy(fig);
    nb_figure_share(NULL, true, true);
    nb_figure_labels(NULL, "x", "y");
    nb_figure_legend(NULL);
    nb_axes_color_bar(NULL, "c");
}

/* --- names of ticks --- */

static void names_that_would_meet_are_set_aslant(void **state)
{
    (void)state;
    static const char *const longs[] = {"a rather long name", "another long name", "the third"};
    static const char *const shorts[] = {"a", "b", "c"};
    const double at[] = {0, 1, 2};
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_plot_bars(ax, 3, NULL, at, NULL);
    nb_axes_xticks(ax, 3, at, shorts);
    lay_out(fig);
    assert_false(ax->axis[0].slanted);
    const double bottom = ax->box.y + ax->box.h, left = ax->box.x;
    nb_axes_xticks(ax, 3, at, longs);
    lay_out(fig);
    assert_true(ax->axis[0].slanted);
    assert_true(bottom - (ax->box.y + ax->box.h) > 60); /* a name is some 110 points long */
    assert_true(ax->box.x > left);                      /* the first reaches over to the left */
    nb_figure_destroy(fig);
}

/* --- histograms --- */

static void a_histogram_draws_the_counts(void **state)
{
    (void)state;
    enum { N = 5000, BINS = 30 };
    static double x[N];
    size_t count[BINS];
    nb_random random;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_random_seed(&random, 3);
    for (size_t i = 0; i < N; i++) x[i] = nb_random_rand(&random) * 1.2 - 0.1;
    assert_ok(nb_histogram(N, x, 0, 1, BINS, count));
    nb_plot_histogram(ax, N, x, BINS, 0, 1, &(nb_bar_style){.color = NB_RED});
    const nb_artist *bars = ax->first;
    assert_int_equal(bars->n, BINS);
    for (size_t b = 0; b < BINS; b++) {
        assert_near(bars->y[b], (double)count[b], 0);
        assert_near(bars->x[b], ((double)b + 0.5) / BINS, 1e-15);
    }
    assert_near(bars->size, 1.0 / BINS, 1e-15);
    nb_image image; /* no seam between the bars: along a low line all is red */
    assert_ok(nb_figure_render(fig, &image));
    double left, right, y;
    assert_true(nb_axes_place(ax, 0, 20, &left, &y));
    assert_true(nb_axes_place(ax, 1, 20, &right, &y));
    for (size_t i = (size_t)(2 * left) + 1; i + 1 < (size_t)(2 * right); i++)
        assert_int_equal(color_at(&image, i, (size_t)(2 * y)), NB_RED);
    nb_image_destroy(&image);
    nb_figure_destroy(fig);

    fig = one(&ax);
    nb_plot_histogram(ax, N, x, 0, 0, 1, NULL);
    assert_fails(NB_ERANGE, "nb_histogram: 0 bins", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_histogram(ax, N, x, 3, 1, 0, NULL);
    assert_fails(NB_ERANGE, "from 1 to 0", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_histogram(ax, N, x, SIZE_MAX, 0, 1, NULL);
    assert_fails(NB_ENOMEM, "overflow", nb_figure_status(fig));
    nb_figure_destroy(fig);
    nb_plot_histogram(NULL, N, x, 3, 0, 1, NULL);
}

/* --- areas between contours, and the colour bar --- */

enum { SIDE = 81 };

static void cone(double *x, double *z)
{
    for (size_t i = 0; i < SIDE; i++) x[i] = -1 + 2.0 * (double)i / (SIDE - 1);
    for (size_t j = 0; j < SIDE; j++)
        for (size_t i = 0; i < SIDE; i++) z[j * SIDE + i] = hypot(x[i], x[j]);
}

static void filled_contours_have_the_area_of_their_rings(void **state)
{
    (void)state;
    static double x[SIDE], z[SIDE * SIDE];
    const double pi = 3.14159265358979, levels[] = {0.25, 0.5, 0.75}, area[] = {1, 3, 5};
    nb_axes *ax;
    nb_image image;
    nb_figure *fig = one(&ax);
    cone(x, z);
    nb_plot_contour(ax, SIDE, SIDE, x, x, z,
                    &(nb_contour_style){.filled = true, .levels = levels, .count = 3});
    nb_axes_equal(ax);
    assert_ok(nb_figure_render(fig, &image));
    const double pixels = 4 * ax->box.w * ax->box.h, ring = pi * 0.25 * 0.25 / 4 * pixels;
    for (int k = 0; k < 3; k++) {
        const double found = (double)count_color(&image, nb_color_of(NB_VIRIDIS, k / 3.0));
        /* soft edges, one pixel wide, belong to neither */
        const double edges = 2 * pi * (0.25 * k + 0.25 * (k + 1)) * ax->box.w;
        assert_near(found, area[k] * ring, 1.1 * edges);
    }
    /* Nothing blank in the box: what is white are margins alone. */
    for (size_t j = (size_t)(2 * ax->box.y) + 3; j < (size_t)(2 * (ax->box.y + ax->box.h)) - 3; j++)
        for (size_t i = (size_t)(2 * ax->box.x) + 3; i < (size_t)(2 * (ax->box.x + ax->box.w)) - 3;
             i++)
            assert_true(color_at(&image, i, j) != NB_WHITE);
    nb_image_destroy(&image);
    nb_figure_destroy(fig);
}

static void thirty_areas_part_the_range_evenly(void **state)
{
    (void)state;
    static double x[SIDE], z[SIDE * SIDE];
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    cone(x, z);
    nb_plot_contour(ax, SIDE, SIDE, x, x, z, &(nb_contour_style){.filled = true});
    const nb_artist *a = ax->first;
    assert_int_equal(a->count, 29);
    for (size_t k = 0; k < 29; k++) assert_near(a->v[k], sqrt(2) * (double)(k + 1) / 30, 1e-12);
    nb_plot_contour(ax, SIDE, SIDE, x, x, z,
                    &(nb_contour_style){.filled = true, .levels = x + 40, .count = 41});
    assert_ok(nb_figure_status(fig));
    nb_plot_contour(ax, SIDE, SIDE, x, x, z,
                    &(nb_contour_style){.filled = true, .levels = (double[]){1, 1}, .count = 2});
    assert_fails(NB_ERANGE, "levels[1]=1 after 1", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_contour(ax, SIDE, SIDE, x, x, z,
                    &(nb_contour_style){.filled = true, .levels = &nan_value, .count = 1});
    assert_fails(NB_ERANGE, "levels[0]=nan", nb_figure_status(fig));
    nb_figure_destroy(fig);
}

static void a_color_bar_shows_the_map_beside_the_axes(void **state)
{
    (void)state;
    static double x[SIDE], z[SIDE * SIDE];
    nb_axes *ax;
    nb_image image;
    nb_figure *fig = one(&ax);
    cone(x, z);
    nb_axes_color_bar(ax, "how high");
    lay_out(fig); /* nothing with a map yet: no bar */
    assert_near(nb_bar_room(ax, NULL), 0, 0);
    const double wide = ax->box.w;
    nb_plot_contour(ax, SIDE, SIDE, x, x, z, &(nb_contour_style){.filled = true, .count = 4});
    assert_ok(nb_figure_render(fig, &image));
    assert_true(ax->box.w < wide - 40);
    assert_near(ax->bar.lo, 0, 0);
    assert_near(ax->bar.hi, sqrt(2), 1e-12);
    assert_true(ax->bar.ticks.count >= 3);
    const size_t at = (size_t)(2 * (ax->box.x + ax->box.w + 17));
    for (int k = 0; k < 4; k++)
        assert_int_equal(
            color_at(&image, at, (size_t)(2 * (ax->box.y + ax->box.h * (1 - (k + 0.5) / 4)))),
            nb_color_of(NB_VIRIDIS, k / 3.0));
    for (size_t j = 0; j < image.height; j++) /* nothing is cut at the right */
        assert_int_equal(color_at(&image, image.width - 2, j), NB_WHITE);
    nb_image_destroy(&image);
    nb_figure_destroy(fig);

    fig = one(&ax); /* a matrix whose map runs backwards */
    const double values[] = {-3, 1, 2, 5};
    nb_plot_matrix(ax, 2, 2, values, &(nb_matrix_style){.map = NB_GREYS, .lo = 5, .hi = -3});
    nb_axes_color_bar(ax, NULL);
    assert_ok(nb_figure_render(fig, &image));
    assert_near(ax->bar.lo, -3, 0);
    assert_near(ax->bar.hi, 5, 0);
    const size_t bar = (size_t)(2 * (ax->box.x + ax->box.w + 17));
    assert_true((color_at(&image, bar, (size_t)(2 * ax->box.y) + 4) & 255) < 10);
    assert_true((color_at(&image, bar, (size_t)(2 * (ax->box.y + ax->box.h)) - 4) & 255) > 245);
    nb_image_destroy(&image);
    nb_figure_destroy(fig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_panels_have_one_scale_and_names_outside),
        cmocka_unit_test(without_sharing_each_has_its_own),
        cmocka_unit_test(names_that_would_meet_are_set_aslant),
        cmocka_unit_test(a_histogram_draws_the_counts),
        cmocka_unit_test(filled_contours_have_the_area_of_their_rings),
        cmocka_unit_test(thirty_areas_part_the_range_evenly),
        cmocka_unit_test(a_color_bar_shows_the_map_beside_the_axes),
    };
    return run_plot_tests(cmocka_run_group_tests_name("plot panels", tests, NULL, NULL));
}
