/* canvas.h - from a cairo drawing to an image of two pixels to the point. */
#ifndef PLOT_CANVAS_H
#define PLOT_CANVAS_H

#include "nablas/png.h"

#include <cairo.h>

/* nb_canvas_open - a white sheet of width x height points; NULL, with a detail, if there is no
 *                  memory.
 * nb_canvas_close - the drawing as an RGB image if `status` is NB_OK, and the sheet is gone.
 * Returns `status`, or NB_ENOMEM if cairo lacked memory; *image is zeroed then. */
cairo_t *nb_canvas_open(double width, double height);
nb_status nb_canvas_close(cairo_t *cr, nb_status status, nb_image *image);

#endif
