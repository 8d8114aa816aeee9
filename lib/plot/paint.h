/* paint.h - colours, text, dashes and markers on cairo. */
#ifndef PLOT_PAINT_H
#define PLOT_PAINT_H

#include "plot/figure.h"

/* Sizes of text, in points, and the inks of what is not data. */
enum { NB_SIZE_TICK = 12, NB_SIZE_LABEL = 14, NB_SIZE_TITLE = 15, NB_SIZE_LEGEND = 12 };
#define NB_INK 0xff222222u
#define NB_INK_FRAME 0xff444444u
#define NB_INK_GUIDE 0xff8a8a8au
#define NB_INK_GRID 0xffe2e2e2u

void nb_paint_color(cairo_t *cr, nb_color color);
nb_color nb_paint_alpha(nb_color color, unsigned alpha);

/* nb_paint_stroke - stroke the current path. */
void nb_paint_stroke(cairo_t *cr, nb_color color, double width, nb_dash dash);

/* nb_paint_marker - filled, around (x, y). */
void nb_paint_marker(cairo_t *cr, nb_marker marker, double x, double y, double size,
                     nb_color color);

/* nb_paint_line - (x0, y0) to (x1, y1) as a path, cut to what is near the figure, so that no
 * coordinate overflows cairo's; *pen says whether the path already ends at (x0, y0). */
void nb_paint_line(cairo_t *cr, double x0, double y0, double x1, double y1, bool *pen);

/* nb_paint_inside - how much of the line from (x0, y0) to (x1, y1) lies in `r`; at least 1 if an end
 *                   does. */
double nb_paint_inside(nb_rect r, double x0, double y0, double x1, double y1);

/* nb_text_width - of the widest line of `text`, in points.
 * nb_text_height - from the top of the first line's capitals to the last baseline.
 * nb_text_draw - lines of text, the block's point (h, v) at (x, y): h = 0 left, .5 centre, 1 right;
 *                v = 0 top, .5 middle, 1 last baseline; turned by `angle` (radians, clockwise).
 * nb_text_fit - the size, at most `size`, at which `text` is at most `width` wide. */
double nb_text_width(cairo_t *cr, const char *text, double size);
double nb_text_height(const char *text, double size);
void nb_text_draw(cairo_t *cr, const char *text, double size, double x, double y, double h,
                  double v, double angle, nb_color color);
double nb_text_fit(cairo_t *cr, const char *text, double size, double width);

/* nb_key_box - the sample of a filled artist in a legend.
 * nb_rect_overlap - the area that two rectangles share. */
void nb_key_box(const nb_artist *a, cairo_t *cr, nb_rect box);
double nb_rect_overlap(nb_rect a, nb_rect b);

/* nb_paint_image - scaled into `to`, its pixels as sharp squares. */
void nb_paint_image(cairo_t *cr, const nb_image *image, nb_rect to);

#endif
