#include "plot_fixtures.h"

/* --- a legend never hides a curve --- */

static bool holds(nb_rect r, double x, double y)
{
    return x > r.x && x < r.x + r.w && y > r.y && y < r.y + r.h;
}

/* Go along every line in steps of a quarter point, as far as it is seen: none is in the legend. */
static void check_lines_are_seen(const nb_axes *ax)
{
    for (const nb_artist *a = ax->first; a; a = a->next) {
        double x0 = 0, y0 = 0, x1, y1;
        bool joined = false;
        for (size_t i = 0; a->x && a->y && i < a->n; i++, x0 = x1, y0 = y1) {
            const bool now = nb_axes_place(ax, a->x[i], a->y[i], &x1, &y1);
            if (now) assert_false(holds(ax->key.at, x1, y1) && holds(ax->box, x1, y1));
            const double steps = joined && now ? 4 * hypot(x1 - x0, y1 - y0) : 0;
            for (double s = 0; s < steps && a->line.dash != NB_NO_LINE; s++) {
                const double x = x0 + (x1 - x0) * s / steps, y = y0 + (y1 - y0) * s / steps;
                assert_false(holds(ax->key.at, x, y) && holds(ax->box, x, y));
            }
            joined = now;
        }
    }
}

/* Whole, in its cell, and in the box or clear of it. */
static void check_legend_has_room(const nb_axes *ax)
{
    assert_true(ax->key.count > 0 && ax->key.at.w > 0);
    assert_true(within(ax->key.at, ax->cell));
    if (ax->legend_side == NB_BEST)
        assert_true(within(ax->key.at, ax->box));
    else if (ax->legend_side == NB_RIGHT)
        assert_true(ax->key.at.x > ax->box.x + ax->box.w + nb_bar_room(ax, NULL));
    else
        assert_true(ax->key.at.y > ax->box.y + ax->box.h + 20); /* below the names of ticks */
}

/* Random walks, waves, straight lines and clouds; linear and logarithmic; few and many. */
static void random_lines(nb_axes *ax, uint64_t *seed, size_t series)
{
    enum { N = 150 };
    double x[N], y[N];
    char label[32];
    for (size_t s = 0; s < series; s++) {
        double at = support_value(seed), pace = 0.1 + fabs(support_value(seed));
        const int kind = (int)(fabs(support_value(seed)) * 4);
        for (int i = 0; i < N; i++) {
            at += 0.2 * support_value(seed);
            x[i] = 1 + i;
            y[i] = kind == 0   ? exp(at)
                   : kind == 1 ? 2 + sin(pace * i)
                   : kind == 2 ? 0.01 + pace * i / N
                               : 1.1 + support_value(seed);
            if (i % 40 == 39) y[i] = nan_value;
        }
        snprintf(label, sizeof label, "the series %zu", s);
        const nb_line_style style = {.label = label};
        (kind == 3 ? nb_plot_scatter : nb_plot_line)(ax, N, x, y, &style);
    }
}

static void the_best_place_hides_no_line(void **state)
{
    (void)state;
    size_t inside = 0, beside = 0, below = 0;
    uint64_t seed = 7;
    for (int trial = 0; trial < 200; trial++) {
        nb_figure *fig;
        const double width = trial % 3 ? 480 : 260;
        assert_ok(nb_figure_create(&fig, width, 360));
        nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
        nb_axes_log(ax, trial % 4 == 0, trial % 5 == 0);
        random_lines(ax, &seed, 1 + (size_t)trial % 6);
        nb_axes_labels(ax, "x", "y");
        nb_axes_legend(ax, NB_BEST);
        lay_out(fig);
        check_legend_has_room(ax);
        check_lines_are_seen(ax);
        inside += ax->legend_side == NB_BEST;
        beside += ax->legend_side == NB_RIGHT;
        below += ax->legend_side == NB_BELOW;
        nb_figure_destroy(fig);
    }
    assert_true(inside > 10 && beside > 10 && below > 0); /* each was tried */
}

/* Two points, far outside the limits: only the line between them is in the axes. */
static void a_line_between_far_points_is_not_hidden(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    const double x[] = {-1e6, 1e6}, up[] = {-1e6, 1e6}, down[] = {1e6, -1e6};
    nb_plot_line(ax, 2, x, up, &(nb_line_style){.label = "up"});
    nb_plot_line(ax, 2, x, down, &(nb_line_style){.label = "down"});
    nb_axes_xlim(ax, -1, 1);
    nb_axes_ylim(ax, -1, 1);
    nb_axes_legend(ax, NB_BEST);
    lay_out(fig);
    assert_int_equal(ax->legend_side, NB_BEST);
    assert_near(ax->key.at.y + ax->key.at.h / 2, ax->box.y + ax->box.h / 2, 1e-9); /* RIGHT, LEFT */
    nb_figure_destroy(fig);
}

/* What is not a line: a full chart of bars, arrows, a text in each corner. */
static void bars_arrows_and_texts_are_not_hidden(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    const double high[] = {9, 9, 9, 9, 9, 9};
    nb_plot_bars(ax, 6, NULL, high, &(nb_bar_style){.label = "all high", .width = 1});
    nb_axes_legend(ax, NB_BEST);
    lay_out(fig);
    assert_int_not_equal(ax->legend_side, NB_BEST);
    check_legend_has_room(ax);
    nb_figure_destroy(fig);

    fig = one(&ax);
    const double low[] = {9, 9, 9, 1, 1, 1};
    nb_plot_bars(ax, 6, NULL, low, &(nb_bar_style){.label = "some low", .width = 1});
    nb_axes_legend(ax, NB_BEST);
    lay_out(fig);
    assert_int_equal(ax->legend_side, NB_BEST);
    assert_true(ax->key.at.x > ax->box.x + ax->box.w / 2);
    nb_figure_destroy(fig);

    fig = one(&ax);
    double x[100], y[100], u[100], v[100];
    for (int i = 0; i < 100; i++) x[i] = i % 10, y[i] = i / 10, u[i] = 1, v[i] = 1;
    nb_plot_quiver(ax, 100, x, y, u, v, &(nb_arrow_style){.label = "wind"});
    nb_axes_legend(ax, NB_BEST);
    lay_out(fig);
    assert_int_not_equal(ax->legend_side, NB_BEST);
    check_legend_has_room(ax);
    nb_figure_destroy(fig);

    fig = one(&ax);
    const double flat[] = {0, 10}, at[] = {5, 5};
    nb_plot_line(ax, 2, flat, at, &(nb_line_style){.label = "flat"});
    nb_axes_ylim(ax, 0, 10);
    nb_plot_text(ax, 10, 9.9, "up here", &(nb_text_style){.place = NB_LOWER_LEFT});
    nb_axes_legend(ax, NB_BEST);
    lay_out(fig);
    assert_true(ax->key.at.x < ax->box.x + ax->box.w / 2); /* not in the text's corner */
    nb_figure_destroy(fig);
}

/* The valley of x0^2 + x1^2 fills the axes with rings; as areas they are background. */
static void lines_of_contours_are_not_hidden(void **state)
{
    (void)state;
    enum { N = 41 };
    static double x[N], z[N * N];
    for (size_t i = 0; i < N; i++) x[i] = -2 + 0.1 * (double)i;
    for (size_t j = 0; j < N; j++)
        for (size_t i = 0; i < N; i++) z[j * N + i] = x[i] * x[i] + x[j] * x[j];
    for (int filled = 0; filled < 2; filled++) {
        nb_axes *ax;
        nb_figure *fig = one(&ax);
        nb_plot_contour(
            ax, N, N, x, x, z,
            &(nb_contour_style){.label = "no ring holds it", .count = 20, .filled = filled});
        nb_axes_legend(ax, NB_BEST);
        lay_out(fig);
        assert_int_equal(ax->legend_side == NB_BEST, filled);
        nb_figure_destroy(fig);
    }
}

static void a_corner_asked_for_is_kept(void **state)
{
    (void)state;
    nb_axes *ax;
    nb_figure *fig = one(&ax);
    const double x[] = {0, 1}, y[] = {1, 0};
    nb_plot_line(ax, 2, x, y, &(nb_line_style){.label = "falls"});
    nb_axes_legend(ax, NB_UPPER_LEFT);
    lay_out(fig);
    assert_int_equal(ax->legend_side, NB_BEST);
    assert_near(ax->key.at.x - ax->box.x, ax->key.at.y - ax->box.y, 1e-9);
    const double wide = ax->box.w;
    nb_axes_legend(ax, NB_OUTSIDE); /* asked for later: laid out anew */
    lay_out(fig);
    assert_int_equal(ax->legend_side, NB_RIGHT);
    assert_true(ax->box.w < wide - ax->key.at.w);
    check_legend_has_room(ax);
    nb_axes_legend(ax, NB_UPPER_LEFT);
    lay_out(fig);
    assert_near(ax->box.w, wide, 0);
    nb_figure_destroy(fig);
}

static void one_legend_stands_above_all_panels(void **state)
{
    (void)state;
    nb_figure *fig;
    const double x[] = {0, 1};
    assert_ok(nb_figure_create(&fig, 600, 400));
    nb_figure_title(fig, "title");
    nb_figure_legend(fig);
    for (size_t k = 0; k < 6; k++) {
        nb_axes *ax = nb_figure_axes(fig, 2, 3, k);
        nb_plot_line(ax, 2, x, x, &(nb_line_style){.label = "one of them"});
        nb_plot_line(ax, 2, x, x, &(nb_line_style){.label = "b"});
    }
    lay_out(fig);
    assert_int_equal(fig->key.count, 2);
    assert_true(fig->key.at.y > 10 + NB_HARMLESS && fig->key.at.w < 250);
    for (const nb_axes *ax = fig->first; ax; ax = ax->next)
        assert_true(ax->box.y > fig->key.at.y + fig->key.at.h);
    nb_figure_destroy(fig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_place_hides_no_line),
        cmocka_unit_test(a_line_between_far_points_is_not_hidden),
        cmocka_unit_test(bars_arrows_and_texts_are_not_hidden),
        cmocka_unit_test(lines_of_contours_are_not_hidden),
        cmocka_unit_test(a_corner_asked_for_is_kept),
        cmocka_unit_test(one_legend_stands_above_all_panels),
    };
    return run_plot_tests(cmocka_run_group_tests_name("plot legend", tests, NULL, NULL));
}
