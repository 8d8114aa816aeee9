/* plot.h - figures, drawn by cairo and saved as PNG.
 *
 *     nb_figure *fig;
 *     nb_figure_create(&fig, 640, 480);
 *     nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
 *     nb_plot_line(ax, n, x, sine, &(nb_line_style){.label = "sin"});
 *     nb_plot_line(ax, n, x, cosine, &(nb_line_style){.label = "cos", .dash = NB_DASHED});
 *     nb_axes_labels(ax, "x", "y");
 *     nb_axes_legend(ax, NB_BEST);
 *     status = nb_figure_save(fig, "figures/sin_cos.png", &(nb_png_text){.title = "sin and cos"});
 *     nb_figure_destroy(fig);
 *
 * Lengths on paper are points; a figure has two pixels to the point (640x480 gives 1280x960).
 * All arguments, data and text, are copied. Text is UTF-8, may have several lines, and is
 * set in DejaVu Sans, which has x₀, ∂, ∇, η and the like; text too long for its place is set
 * smaller.
 *
 * Errors are sticky, as in cairo: the figure keeps its first failure, later calls do nothing (also
 * on NULL axes), and nb_figure_save returns the failure. So a program checks once.
 *
 * Values that are NaN, infinite or beyond 1e300, and those not above 0 on a logarithmic axis, are
 * not drawn (a line breaks there) and do not count for the limits. Data without a drawable point
 * leave the axes empty. Equal calls give equal bytes. Thread-safe for distinct figures. */
#ifndef NABLAS_PLOT_H
#define NABLAS_PLOT_H

#include "nablas/png.h"
#include "nablas/series.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* --- the figure --------------------------------------------------------------------------------*/

typedef struct nb_figure nb_figure;
typedef struct nb_axes nb_axes;

/* nb_figure_create - an empty white figure of width x height points.
 * nb_figure_destroy - free it with its axes and data; NULL is fine.
 *
 * Errors: NB_ERANGE a side is not in [16, 4000]; NB_ENOMEM; *fig is NULL then, and every other
 *         function accepts that and fails. */
nb_status nb_figure_create(nb_figure **fig, double width, double height);
void nb_figure_destroy(nb_figure *fig);

/* nb_figure_axes - axes in cell `index` (from 0, row by row) of a grid of rows x cols cells. Axes
 *                  may come from different grids; those of one grid share their margins.
 * Returns NULL, and the figure has failed (NB_EINVAL, NB_ENOMEM), if there is no such cell. */
nb_axes *nb_figure_axes(nb_figure *fig, size_t rows, size_t cols, size_t index);

/* nb_figure_title - a title above all axes.
 * nb_figure_labels - common labels below and at the left of all axes; NULL is none.
 * nb_figure_legend - one legend above all axes, of the first axes' labels: for panels that show the
 *                    same series.
 * nb_figure_share - axes of one grid have the same limits along x, along y, and only the outermost
 *                   have names of ticks and labels: the lowest of a column, the leftmost of a row. */
void nb_figure_title(nb_figure *fig, const char *title);
void nb_figure_labels(nb_figure *fig, const char *x, const char *y);
void nb_figure_legend(nb_figure *fig);
void nb_figure_share(nb_figure *fig, bool x, bool y);

/* nb_figure_status - the first failure so far, with its detail in nb_last_error(); NB_OK if none.
 */
nb_status nb_figure_status(nb_figure *fig);

/* nb_figure_render - the figure as an RGB image of 2 width x 2 height pixels; destroy it.
 * nb_figure_save - the same into a PNG file with `text` (or NULL), as nb_png_save.
 * nb_figure_encode - the bytes of that file, as nb_png_encode.
 *
 * A saved figure has at most 256 colours, areas before the shades of soft edges, unless it shows an
 * image in colour; this makes files three times smaller. Either may be called again, also after
 * more was drawn. Errors: the figure's first; else NB_ENOMEM, or what nb_png_save answers. */
nb_status nb_figure_render(nb_figure *fig, nb_image *image);
nb_status nb_figure_save(nb_figure *fig, const char *path, const nb_png_text *text);
nb_status nb_figure_encode(nb_figure *fig, const nb_png_text *text, unsigned char **bytes,
                           size_t *size);

/* --- styles ------------------------------------------------------------------------------------*/

/* 0xAARRGGBB: alpha (ff opaque), red, green, blue. 0 lets the library choose: lines, points and
 * bars take the next of the ten colours below in turn. */
typedef uint32_t nb_color;
#define NB_BLACK 0xff000000u
#define NB_WHITE 0xffffffffu
#define NB_BLUE 0xff1f77b4u
#define NB_ORANGE 0xffff7f0eu
#define NB_GREEN 0xff2ca02cu
#define NB_RED 0xffd62728u
#define NB_PURPLE 0xff9467bdu
#define NB_BROWN 0xff8c564bu
#define NB_PINK 0xffe377c2u
#define NB_GREY 0xff7f7f7fu
#define NB_OLIVE 0xffbcbd22u
#define NB_CYAN 0xff17becfu

typedef enum {
    NB_DASH_AUTO, /* solid; none for nb_plot_scatter; dashed for guides */
    NB_SOLID,
    NB_DASHED,
    NB_DASH_DOT,
    NB_DOTTED,
    NB_NO_LINE
} nb_dash;

typedef enum {
    NB_MARKER_AUTO, /* none; a circle for nb_plot_scatter */
    NB_NO_MARKER,
    NB_CIRCLE,
    NB_SQUARE,
    NB_TRIANGLE,
    NB_DIAMOND,
    NB_CROSS,
    NB_PLUS
} nb_marker;

/* Where a legend goes: into its axes, whatever it hides there; beside them (NB_OUTSIDE: at the
 * right or, where that would take too much of the width, below); or, NB_BEST, into the first corner
 * or side where it hides no line, point, bar, arrow or text, and outside if there is none. It may
 * cover images and areas. Also on which side of its point a text goes (NB_BEST, NB_OUTSIDE: the
 * upper right). */
typedef enum {
    NB_BEST,
    NB_UPPER_RIGHT,
    NB_UPPER_LEFT,
    NB_LOWER_LEFT,
    NB_LOWER_RIGHT,
    NB_ABOVE,
    NB_BELOW,
    NB_LEFT,
    NB_RIGHT,
    NB_CENTER,
    NB_OUTSIDE
} nb_place;

/* NB_GREYS: black to white; NB_GREYS_REVERSED: white to black, as ink. */
typedef enum { NB_VIRIDIS, NB_GREYS, NB_GREYS_REVERSED } nb_color_map;

/* nb_color_of - the colour of `at` in [0, 1], clamped; transparent for NaN. */
nb_color nb_color_of(nb_color_map map, double at);

/* In every style a zeroed field is the default, and a NULL style is all defaults. `label` is the
 * name in the legend. Widths and sizes are in points. */
typedef struct nb_line_style {
    const char *label;
    nb_color color;
    nb_dash dash;
    double width; /* 1.8; guides 1 */
    nb_marker marker;
    double size; /* of a marker: 6 */
} nb_line_style;

typedef struct nb_fill_style {
    const char *label;
    nb_color color; /* the next in turn, at alpha 0x50 */
} nb_fill_style;

typedef struct nb_arrow_style {
    const char *label;
    nb_color color; /* dark grey */
    double width;   /* of the shaft: 1.6 */
    double scale;   /* an arrow ends at (x + scale u, y + scale v); 0: long enough to be seen and
                       short enough not to meet the next */
} nb_arrow_style;

typedef struct nb_contour_style {
    const char *label;
    nb_color color; /* 0: by `map` */
    nb_color_map map;
    nb_dash dash;
    double width;         /* 1.2 */
    const double *levels; /* (count), ascending; NULL: about `count` (0: 8) round levels */
    size_t count;
    bool values; /* write its level on each line */
    bool filled; /* colour the areas that the levels part, count+1 of them, in place of lines;
                    levels NULL: `count` (0: 30) areas equally high from the least z to the
                    greatest */
} nb_contour_style;

typedef struct nb_surface_style {
    nb_color_map map;
    nb_color color; /* of all patches; 0: by height, from `map` */
    bool smooth;    /* no lines between the patches */
} nb_surface_style;

typedef struct nb_matrix_style {
    nb_color_map map;
    double lo, hi;      /* the values of the map's ends; equal: those of the data */
    const char *format; /* printf's for one double: write each value in its cell; NULL: do not */
} nb_matrix_style;

typedef struct nb_bar_style {
    const char *label;
    nb_color color;
    double width;       /* in units of x: 0.8; of a histogram, in bins: 1 */
    const char *format; /* printf's for one double: write the height above each bar */
} nb_bar_style;

typedef struct nb_text_style {
    nb_color color; /* near black */
    double size;    /* 12 */
    nb_place place; /* on which side of the point */
} nb_text_style;

/* --- what is drawn -----------------------------------------------------------------------------*/

/* nb_plot_line - the points (x[i], y[i]), i < n, joined in order.
 * nb_plot_scatter - the same points, not joined.
 * nb_plot_fill - the area between y0 and y1 (NULL: 0) over x. */
void nb_plot_line(nb_axes *ax, size_t n, const double *x, const double *y,
                  const nb_line_style *style);
void nb_plot_scatter(nb_axes *ax, size_t n, const double *x, const double *y,
                     const nb_line_style *style);
void nb_plot_fill(nb_axes *ax, size_t n, const double *x, const double *y0, const double *y1,
                  const nb_fill_style *style);

/* nb_plot_hline, nb_plot_vline - a guide across the axes at y or x.
 * nb_plot_segment - a guide from (x0, y0) to (x1, y1).
 * Guides are thin, dashed and grey unless told otherwise, and do not widen the limits. */
void nb_plot_hline(nb_axes *ax, double y, const nb_line_style *style);
void nb_plot_vline(nb_axes *ax, double x, const nb_line_style *style);
void nb_plot_segment(nb_axes *ax, double x0, double y0, double x1, double y1,
                     const nb_line_style *style);

/* nb_plot_text - `text` beside (x, y); moved, if need be, to stay inside the figure. */
void nb_plot_text(nb_axes *ax, double x, double y, const char *text, const nb_text_style *style);

/* nb_plot_bars - n bars from 0 to height[i] at x[i] (NULL: at 0, 1, ... n-1).
 * nb_plot_histogram - how many of x(n) are in each of `bins` equal bins of [lo, hi]: the counts of
 *                     nb_histogram, and its errors. */
void nb_plot_bars(nb_axes *ax, size_t n, const double *x, const double *height,
                  const nb_bar_style *style);
void nb_plot_histogram(nb_axes *ax, size_t n, const double *x, size_t bins, double lo, double hi,
                       const nb_bar_style *style);

/* nb_plot_quiver - n arrows (u[i], v[i]) from (x[i], y[i]), with their directions in data units.
 */
void nb_plot_quiver(nb_axes *ax, size_t n, const double *x, const double *y, const double *u,
                    const double *v, const nb_arrow_style *style);

/* nb_plot_contour - the lines on which z(ny,nx) takes given values, or the areas between them;
 *                   z[j*nx+i] is at (x[i], y[j]), linear between neighbours (marching squares).
 *                   nx, ny >= 2. Cells with a corner that is not finite stay blank. Errors: NB_ERANGE
 *                   levels of areas that do not ascend, or are NaN.
 * nb_plot_surface - the same z as a surface; the axes become three-dimensional, and hold surfaces
 *                   alone. Cost: n log n in the number of patches. */
void nb_plot_contour(nb_axes *ax, size_t nx, size_t ny, const double *x, const double *y,
                     const double *z, const nb_contour_style *style);
void nb_plot_surface(nb_axes *ax, size_t nx, size_t ny, const double *x, const double *y,
                     const double *z, const nb_surface_style *style);

/* nb_plot_image - pixel (i, j), counted from the upper left, covers [i-.5, i+.5] x [j-.5, j+.5];
 *                 y grows downwards, and pixels are square.
 * nb_plot_matrix - the same for values(rows,cols) through a colour map; NaN is left blank.
 * nb_plot_images - `count` images in rows of `cols`, each with a caption below (captions, or any of
 *                  them, may be NULL); they fill the axes, which lose their frame.
 * nb_plot_filters - the same for values(count,height,width), as the weights of a convolution with
 *                   one input channel; each filter through the colour map from its own least value
 *                   to its own greatest, or from style's lo to hi. style NULL: as ink. */
void nb_plot_image(nb_axes *ax, const nb_image *image);
void nb_plot_matrix(nb_axes *ax, size_t rows, size_t cols, const double *values,
                    const nb_matrix_style *style);
void nb_plot_images(nb_axes *ax, size_t count, size_t cols, const nb_image *images,
                    const char *const *captions);
void nb_plot_filters(nb_axes *ax, size_t count, size_t cols, size_t height, size_t width,
                     const double *values, const char *const *captions,
                     const nb_matrix_style *style);

/* --- predictions of a network ------------------------------------------------------------------*/

/* nb_plot_confusion - count[r*classes+c] samples of class r were predicted as c. The colours are
 *                     scaled to the mistakes; correct counts get the brightest. `names`: those of
 *                     the classes (classes), NULL: their numbers. Each count is written in its cell
 *                     while there is room. Errors: NB_ERANGE classes not in 1 ... 1000.
 * nb_plot_calibration - how often answers of a confidence were right, over that confidence: one
 *                       point for each bin that has answers, beside the diagonal of a classifier
 *                       that is as right as it is sure. `bin` as nb_calibration leaves it.
 * nb_plot_predictions - predicted[i] over truth[i], beside the diagonal on which they are equal;
 *                       both axes alike. Pairs of which one cannot be drawn are left out.
 * All three set the axes' labels; set others afterwards. */
void nb_plot_confusion(nb_axes *ax, size_t classes, const size_t *count, const char *const *names);
void nb_plot_calibration(nb_axes *ax, size_t bins, const nb_calibration_bin *bin,
                         const nb_line_style *style);
void nb_plot_predictions(nb_axes *ax, size_t n, const double *truth, const double *predicted,
                         const nb_line_style *style);

/* --- the axes ----------------------------------------------------------------------------------*/

/* nb_axes_title, nb_axes_labels, nb_axes_zlabel - text above and along the axes; NULL is none. */
void nb_axes_title(nb_axes *ax, const char *title);
void nb_axes_labels(nb_axes *ax, const char *x, const char *y);
void nb_axes_zlabel(nb_axes *ax, const char *z);

/* nb_axes_xlim, nb_axes_ylim, nb_axes_zlim - from lo to hi; lo > hi turns the axis round; NaN
 * leaves an end to the data. Errors: NB_ERANGE lo = hi, or an end beyond 1e300. */
void nb_axes_xlim(nb_axes *ax, double lo, double hi);
void nb_axes_ylim(nb_axes *ax, double lo, double hi);
void nb_axes_zlim(nb_axes *ax, double lo, double hi);

/* nb_axes_log - logarithmic (base 10) along x, along y. */
void nb_axes_log(nb_axes *ax, bool x, bool y);

/* nb_axes_xticks, nb_axes_yticks - ticks at at[i], i < n <= 40, named names[i] (names NULL: by
 * their values); n = 0 for none. Names along x that would meet are set aslant. Errors: NB_ERANGE n.
 */
void nb_axes_xticks(nb_axes *ax, size_t n, const double *at, const char *const *names);
void nb_axes_yticks(nb_axes *ax, size_t n, const double *at, const char *const *names);

/* nb_axes_equal - one unit of x is as long as one of y.
 * nb_axes_grid - light lines at the ticks.
 * nb_axes_hide - no frame, ticks or labels; the title stays.
 * nb_axes_legend - a legend of everything that has a label.
 * nb_axes_color_bar - a colour scale at the right of the axes, with a label (NULL: none), for the
 *                     first contours, matrix or confusion in them.
 * nb_axes_view - look at a surface from `azimuth` (-60) and `elevation` (30) degrees. */
void nb_axes_equal(nb_axes *ax);
void nb_axes_grid(nb_axes *ax);
void nb_axes_hide(nb_axes *ax);
void nb_axes_legend(nb_axes *ax, nb_place place);
void nb_axes_color_bar(nb_axes *ax, const char *label);
void nb_axes_view(nb_axes *ax, double azimuth, double elevation);

NB_END_DECLS
#endif
