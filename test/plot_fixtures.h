/* plot_fixtures.h - what the tests of figures share. */
#ifndef TEST_PLOT_FIXTURES_H
#define TEST_PLOT_FIXTURES_H

#include "support.h"

#include "nablas/plot.h"
#include "plot/figure.h"
#include "plot/paint.h"

#include <math.h>

#include <cairo.h>
#include <fontconfig/fontconfig.h>

static const double nan_value = (double)NAN, inf_value = HUGE_VAL;

static inline nb_figure *one(nb_axes **ax)
{
    nb_figure *fig;
    assert_ok(nb_figure_create(&fig, 320, 240));
    *ax = nb_figure_axes(fig, 1, 1, 0);
    assert_non_null(*ax);
    return fig;
}

/* Lay the figure out, and throw its picture away. */
static inline void lay_out(nb_figure *fig)
{
    nb_image image;
    assert_ok(nb_figure_render(fig, &image));
    nb_image_destroy(&image);
}

static inline nb_color color_at(const nb_image *image, size_t x, size_t y)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);
    return 0xff000000u | (nb_color)p[0] << 16 | (nb_color)p[1] << 8 | p[2];
}

static inline size_t count_color(const nb_image *image, nb_color color)
{
    size_t count = 0;
    for (size_t i = 0; i < image->width * image->height; i++)
        count += color_at(image, i, 0) == color;
    return count;
}

/* `a` lies in `b`, to rounding. */
static inline bool within(nb_rect a, nb_rect b)
{
    const double e = 1e-6;
    return a.x >= b.x - e && a.y >= b.y - e && a.x + a.w <= b.x + b.w + e &&
           a.y + a.h <= b.y + b.h + e;
}

/* What cairo and fontconfig keep for the process, so that LeakSanitizer sees ours alone. */
static inline int run_plot_tests(int failed)
{
    cairo_debug_reset_static_data();
    FcFini();
    return failed;
}

#endif
