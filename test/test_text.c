#include "support.h"

#include "nablas/check.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/plot.h"
#include "nablas/text.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <wchar.h>

/* --- as printf, in the C locale ----------------------------------------------------------------- */

#define SAME(...)                                                                        \
    do {                                                                                 \
        char want[200], got[200];                                                        \
        for (size_t size = 0; size <= sizeof got; size += size < 12 ? 1 : 94) {          \
            memset(want, 'x', sizeof want);                                              \
            memset(got, 'x', sizeof got);                                                \
            const int length = snprintf(size ? want : NULL, size, __VA_ARGS__);          \
            assert_int_equal(nb_snprintf(size ? got : NULL, size, __VA_ARGS__), length); \
            if (size) assert_string_equal(got, want);                                    \
            for (size_t i = size; i < sizeof got; i++) assert_int_equal(got[i], 'x');    \
        }                                                                                \
    } while (0)

static void text_is_printfs(void **state)
{
    (void)state;
    const char *const word = "Fläche";
    SAME("%s", "");
    SAME("plain");
    SAME("100 %% of %s", word);
    SAME("%d %i %u %x %X %o %c|", -5, 7, 4000000000u, 0xbeefu, 0xBEEFu, 8u, 'c');
    SAME("%hhd %hd %ld %lld %jd %zu %td", (signed char)-3, (short)-300, -70000L, -5000000000LL,
         INTMAX_MIN, SIZE_MAX, (ptrdiff_t)-9);
    SAME("%hhu %hu %lu %llx %jo", (unsigned char)200, (unsigned short)60000, 1ul << 31, ~0ull,
         UINTMAX_MAX);
    SAME("[%8.3f] [%-12.4e] [%+g] [% G] [%#.0f] [%a] [%08.2f]", 2.385, -6.02e23, 1.5, 1e-7, 3.0,
         2.385, -2.385);
    SAME("%Lg %.3Lf %LE", 2.385L, -1e10L, 1e-300L);
    SAME("%*d|%-*d|%.*f|%*.*f|%.*s", 6, 42, -6, 42, 3, 2.385, 9, 2, 2.385, 4, word);
    SAME("%.*f %*d", -1, 2.385, -5, 3); /* negative: no precision, to the left */
    SAME("%5s|%-9s|%.3s|%p", word, word, word, (void *)&word);
    SAME("%f %e %g", (double)INFINITY, (double)-INFINITY, 0.0);
    SAME("%.150f", 1e-150);
}

static void wide_text_is_left_to_printf(void **state)
{
    (void)state;
    SAME("%g %ls %d", 2.5, L"wide", 3);
    SAME("%lc%s", (wint_t)L'w', "x");
}

static void nan_has_no_sign(void **state)
{
    (void)state;
    char text[64];
    for (int sign = -1; sign <= 1; sign += 2) {
        const double value = copysign((double)NAN, sign);
        nb_snprintf(text, sizeof text, "%g [%6.3f] %Lg %+e", value, value, (long double)value,
                    value);
        assert_string_equal(text, "nan [   nan] nan +nan");
    }
    /* A name is not a number. */
    nb_snprintf(text, sizeof text, "%s %G", "x-nan.npz", -(double)NAN);
    assert_string_equal(text, "x-nan.npz NAN");
    assert_fails(NB_EINVAL, "h=nan", nb_fail(NB_EINVAL, "h=%g", copysign((double)NAN, -1)));
}

static void a_detail_may_quote_the_one_before(void **state)
{
    (void)state;
    nb_fail(NB_EIO, "inner: %d", 7);
    nb_fail(NB_EIO, "outer: %s", nb_last_error());
    assert_string_equal(nb_last_error(), "outer: inner: 7");
}

/* --- whatever the locale ------------------------------------------------------------------------ */

/* Ticks, numbers on bars and on contours. */
static const char *draw(const char *name)
{
    static const double x[] = {0, 0.25, 0.5, 0.75}, y[] = {1.25, -0.5, 0.125, 2.5};
    static const double z[] = {0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6}, level[] = {2.5};
    nb_figure *fig;
    assert_ok(nb_figure_create(&fig, 450, 200));
    nb_plot_line(nb_figure_axes(fig, 1, 3, 0), 4, x, y, NULL);
    nb_plot_bars(nb_figure_axes(fig, 1, 3, 1), 4, NULL, y, &(nb_bar_style){.format = "%.2f"});
    nb_plot_contour(nb_figure_axes(fig, 1, 3, 2), 4, 4, x, x, z,
                    &(nb_contour_style){.levels = level, .count = 1, .values = true});
    assert_ok(nb_figure_save(fig, support_path(name), NULL));
    nb_figure_destroy(fig);
    return support_path(name);
}

static void assert_same_files(const char *a, const char *b)
{
    unsigned char *bytes[2];
    size_t size[2];
    assert_ok(nb_file_read(a, &bytes[0], &size[0]));
    assert_ok(nb_file_read(b, &bytes[1], &size[1]));
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    nb_free(bytes[0]);
    nb_free(bytes[1]);
}

static double parabola(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return 1.25 * x[0] * x[0];
}

static void its_gradient(size_t n, const double *x, void *context, double *gradient)
{
    (void)n, (void)context;
    gradient[0] = 2.5 * x[0];
}

static void write_report(char *text, size_t size)
{
    const double x = 0.75;
    nb_gradient_report report;
    assert_ok(nb_function_check(parabola, its_gradient, NULL, 1, &x, NULL, &report));
    assert_true(nb_gradient_report_text(&report, text, size) < size);
    nb_gradient_report_destroy(&report);
}

static void no_text_depends_on_the_locale(void **state)
{
    (void)state;
    char text[64], report[2][4000];
    const char *point = draw("point.png");
    write_report(report[0], sizeof report[0]);
    if (!support_decimal_comma()) skip();
    snprintf(text, sizeof text, "%g", 1.25);
    assert_string_equal(text, "1,25");
    nb_snprintf(text, sizeof text, "%g %.3Lf", 1.25, 0.5L);
    assert_string_equal(text, "1.25 0.500");
    assert_fails(NB_EINVAL, "h=1.25", nb_fail(NB_EINVAL, "h=%g", 1.25));
    write_report(report[1], sizeof report[1]);
    assert_string_equal(report[0], report[1]);
    assert_same_files(point, draw("comma.png"));
    /* The caller's locale is as it was. */
    snprintf(text, sizeof text, "%g", 1.25);
    assert_string_equal(text, "1,25");
    setlocale(LC_ALL, "C");
}

/* The shortest of three lengths that reads as the same number. */
static void numbers_read_as_they_were_written(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {3, "3"},
                 {1e300, "1e+300"},
                 {-2.5, "-2.5"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {5e-324, "4.94065645841247e-324"}};
    char text[32], *end;
    for (int comma = 0; comma < 2; comma++) {
        if (comma && !support_decimal_comma()) break;
        for (size_t i = 0; i < COUNT(cases); i++) {
            assert_string_equal(nb_number_text(cases[i].value, text), cases[i].text);
            assert_true(nb_strtod(text, &end) == cases[i].value && *end == 0);
        }
        assert_true(nb_strtod("1.5;", &end) == 1.5 && *end == ';');
    }
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_printfs),
        cmocka_unit_test(wide_text_is_left_to_printf),
        cmocka_unit_test(nan_has_no_sign),
        cmocka_unit_test(a_detail_may_quote_the_one_before),
        cmocka_unit_test(no_text_depends_on_the_locale),
        cmocka_unit_test(numbers_read_as_they_were_written),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
