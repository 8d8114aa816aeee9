#include "plot_fixtures.h"

/* What a network answers: confusion, calibration, predictions, filters. */

static void a_confusion_has_any_number_of_classes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 10, 40, 41, 200};
    static size_t count[200 * 200];
    static char text[200][16];
    const char *names[200];
    for (size_t c = 0; c < 200; c++) {
        snprintf(text[c], sizeof text[c], "class %zu", c);
        names[c] = text[c];
    }
    for (size_t s = 0; s < COUNT(sizes); s++) {
        const size_t n = sizes[s];
        nb_axes *ax;
        nb_figure *fig = one(&ax);
        for (size_t k = 0; k < n * n; k++) count[k] = k / n == k % n ? 100 : k % 7;
        nb_plot_confusion(ax, n, count, names);
        lay_out(fig);
        const nb_artist *a = ax->first;
        assert_int_equal(a->nx, n);
        assert_int_equal(a->ny, n);
        for (size_t k = 0; k < n * n; k++) assert_near(a->u[k], (double)count[k], 0);
        assert_near(a->lo, 0, 0);
        if (n > 4)
            assert_near(a->hi, 1.25 * 6, 0); /* the most frequent mistake is told from right */
        if (n == 10) assert_string_equal(ax->axis[1].ticks.text[9], "class 9");
        assert_int_equal(ax->axis[0].given, n <= NB_MAX_TICKS);
        nb_figure_destroy(fig);
    }
}

static void confusions_refuse_what_is_none(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1001};
    const size_t count = 3;
    nb_axes *ax;
    nb_figure *fig;
    for (size_t s = 0; s < COUNT(sizes); s++) {
        fig = one(&ax);
        nb_plot_confusion(ax, sizes[s], &count, NULL);
        assert_fails(NB_ERANGE, "classes, expected 1 ... 1000", nb_figure_status(fig));
        nb_figure_destroy(fig);
    }
    fig = one(&ax);
    nb_plot_confusion(ax, 1, NULL, NULL);
    assert_fails(NB_EINVAL, "counts at NULL", nb_figure_status(fig));
    nb_figure_destroy(fig);
    nb_plot_confusion(NULL, 1, &count, NULL);
}

static void a_calibration_curve_leaves_empty_bins_out(void **state)
{
    (void)state;
    const nb_calibration_bin bin[] = {
        {0, nan_value, nan_value}, {3, 0.3, 0.5}, {0, nan_value, nan_value}, {9, 0.9, 0.7}};
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_plot_calibration(ax, 4, bin, &(nb_line_style){.label = "net"});
    lay_out(fig);
    const nb_artist *curve = ax->first->next; /* on the diagonal */
    assert_int_equal(curve->n, 2);
    assert_near(curve->x[1], 0.9, 0);
    assert_near(curve->y[1], 0.7, 0);
    for (int d = 0; d < 2; d++) {
        assert_near(ax->axis[d].lo, -0.045, 1e-12);
        assert_near(ax->axis[d].hi, 1.045, 1e-12);
    }
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_calibration(ax, 4, NULL, NULL);
    assert_fails(NB_EINVAL, "4 bins at NULL", nb_figure_status(fig));
    nb_figure_destroy(fig);
    nb_plot_calibration(NULL, 4, bin, NULL);
}

static void predictions_have_one_scale_both_ways(void **state)
{
    (void)state;
    const double truth[] = {1, 2, 3, nan_value, 1e305}, predicted[] = {2, 9, 3, 50, 7};
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_plot_predictions(ax, 5, truth, predicted, NULL);
    lay_out(fig);
    for (int d = 0; d < 2; d++) {
        assert_near(ax->axis[d].lo, 1 - 0.36, 1e-12);
        assert_near(ax->axis[d].hi, 9 + 0.36, 1e-12);
    }
    assert_near(ax->box.w, ax->box.h, 1e-9); /* so the diagonal has 45 degrees */
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_predictions(ax, 5, truth, NULL, NULL);
    assert_fails(NB_EINVAL, "n=5 values at NULL", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_predictions(ax, 0, NULL, NULL, NULL);
    nb_plot_predictions(ax, 1, &nan_value, truth, NULL);
    lay_out(fig);
    nb_figure_destroy(fig);
    nb_plot_predictions(NULL, 5, truth, predicted, NULL);
}

/* Filters of very different sizes all use the whole map, unless one range is given for all. */
static void filters_are_coloured_each_by_its_own_range(void **state)
{
    (void)state;
    double w[3 * 2 * 5];
    for (size_t i = 0; i < 30; i++) w[i] = (i < 10 ? 1e-6 : 1e3) * sin(2.385 * (double)i);
    for (size_t i = 20; i < 30; i++) w[i] = 7; /* and one without any range */
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    nb_plot_filters(ax, 3, 2, 2, 5, w, NULL, NULL);
    lay_out(fig);
    const nb_artist *a = ax->first;
    assert_int_equal(a->count, 3);
    assert_int_equal(a->ny, 2);
    for (size_t f = 0; f < 3; f++) {
        uint8_t darkest = 255, lightest = 0;
        assert_int_equal(a->images[f].width, 5);
        assert_int_equal(a->images[f].height, 2);
        for (size_t k = 0; k < 10; k++) {
            const uint8_t grey = a->images[f].pixels[4 * k];
            if (grey < darkest) darkest = grey;
            if (grey > lightest) lightest = grey;
        }
        assert_int_equal(darkest, f < 2 ? 0 : 128);
        assert_int_equal(lightest, f < 2 ? 255 : 128);
    }
    /* As ink: the greatest is black. */
    size_t greatest = 0;
    for (size_t k = 0; k < 10; k++)
        if (w[k] > w[greatest]) greatest = k;
    assert_int_equal(a->images[0].pixels[4 * greatest], 0);
    nb_figure_destroy(fig);

    fig = one(&ax);
    nb_plot_filters(ax, 2, 2, 2, 5, w, NULL,
                    &(nb_matrix_style){.map = NB_GREYS, .lo = -1e3, .hi = 1e3});
    for (size_t k = 0; k < 10; k++)
        assert_in_range(ax->first->images[0].pixels[4 * k], 127, 128); /* all near 0 */
    nb_plot_filters(ax, 2, 0, 2, 5, w, NULL, NULL);
    assert_fails(NB_ERANGE, "nb_plot_filters: cols=0", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_filters(ax, 2, 2, 0, 5, w, NULL, NULL);
    assert_fails(NB_ERANGE, "0x5", nb_figure_status(fig));
    nb_figure_destroy(fig);
    fig = one(&ax);
    nb_plot_filters(ax, 2, 2, 2, 5, NULL, NULL, NULL);
    assert_fails(NB_EINVAL, "nb_plot_filters: n=2 values at NULL", nb_figure_status(fig));
    nb_figure_destroy(fig);
    nb_plot_filters(NULL, 2, 2, 2, 5, w, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confusion_has_any_number_of_classes),
        cmocka_unit_test(confusions_refuse_what_is_none),
        cmocka_unit_test(a_calibration_curve_leaves_empty_bins_out),
        cmocka_unit_test(predictions_have_one_scale_both_ways),
        cmocka_unit_test(filters_are_coloured_each_by_its_own_range),
    };
    return run_plot_tests(cmocka_run_group_tests_name("plot answers", tests, NULL, NULL));
}
