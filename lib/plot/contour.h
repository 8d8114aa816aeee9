/* contour.h - marching squares. */
#ifndef PLOT_CONTOUR_H
#define PLOT_CONTOUR_H

#include "nablas/status.h"

#include <stddef.h>

/* Lines of one level: line l has the points start[l] ... start[l+1]-1; a closed one ends where it
 * begins. */
typedef struct nb_isolines {
    size_t count, points;
    size_t *start; /* (count + 1) */
    double *x, *y; /* (points) */
} nb_isolines;

/* nb_isolines_trace - where z(ny,nx), linear along the sides of the grid's cells, takes `level`.
 * nb_isolines_free - fine on a zeroed one.
 *
 *   nx, ny  >= 2; z[j*nx+i] is the value at (x[i], y[j])
 * A value equal to the level counts as above it. A saddle cell joins the corners on the side of its
 * mean. Cells with a corner that is not finite are left out, and lines end there.
 * Errors: NB_ENOMEM; *lines is zeroed then. Cost: one pass, 4 numbers a grid side. */
nb_status nb_isolines_trace(nb_isolines *lines, size_t nx, size_t ny, const double *x,
                            const double *y, const double *z, double level);
void nb_isolines_free(nb_isolines *lines);

/* nb_band_walk - the area where z >= level, in pieces: polygon(context, n, x, y) is called for each,
 *                n <= 8 corners. Their sides are those of nb_isolines_trace and of the cells; whole
 *                cells side by side in a row come as one. */
typedef void (*nb_band_polygon)(void *context, size_t n, const double *x, const double *y);
void nb_band_walk(size_t nx, size_t ny, const double *x, const double *y, const double *z,
                  double level, nb_band_polygon polygon, void *context);

#endif
