/* Areas between contours. */
#include "plot/contour.h"

#include <math.h>
#include <stdbool.h>

/* One cell: its corners from the lower left round, and where the level crosses the side after each
 * corner. */
typedef struct cell {
    double x[4], y[4], z[4];
    bool above[4];
    size_t count; /* of corners above */
    bool finite;
} cell;

typedef struct walk {
    nb_band_polygon polygon;
    void *context;
    double level;
} walk;

static cell cell_at(const walk *w, size_t nx, const double *x, const double *y, const double *z,
                    size_t i, size_t j)
{
    const size_t at = j * nx + i, corner[] = {at, at + 1, at + 1 + nx, at + nx};
    cell c = {.x = {x[i], x[i + 1], x[i + 1], x[i]},
              .y = {y[j], y[j], y[j + 1], y[j + 1]},
              .finite = true};
    for (int k = 0; k < 4; k++) {
        c.z[k] = z[corner[k]];
        c.above[k] = c.z[k] >= w->level;
        c.count += c.above[k];
        c.finite = c.finite && isfinite(c.z[k]);
    }
    return c;
}

/* Where the level crosses the side from corner k to the next; reckoned from the lower or left end,
 * as nb_isolines_trace does, so that neighbours meet. */
static void crossing(const cell *c, int k, double level, double *x, double *y)
{
    const int next = (k + 1) % 4, from = k < 2 ? k : next, to = k < 2 ? next : k;
    double s = (level - c->z[from]) / (c->z[to] - c->z[from]);
    if (!isfinite(s)) s = 0.5;
    *x = c->x[from] + s * (c->x[to] - c->x[from]);
    *y = c->y[from] + s * (c->y[to] - c->y[from]);
}

/* A corner that is above between two that are not, cut off. */
static void corner_alone(const walk *w, const cell *c, int k)
{
    double x[3], y[3];
    crossing(c, (k + 3) % 4, w->level, &x[0], &y[0]);
    x[1] = c->x[k], y[1] = c->y[k];
    crossing(c, k, w->level, &x[2], &y[2]);
    w->polygon(w->context, 3, x, y);
}

static void part_of(const walk *w, const cell *c)
{
    double x[8], y[8];
    size_t n = 0;
    const double mean = c->z[0] / 4 + c->z[1] / 4 + c->z[2] / 4 + c->z[3] / 4;
    if (c->count == 2 && c->above[0] == c->above[2] && mean < w->level) { /* a saddle, split */
        for (int k = 0; k < 4; k++)
            if (c->above[k]) corner_alone(w, c, k);
        return;
    }
    for (int k = 0; k < 4; k++) {
        if (c->above[k]) x[n] = c->x[k], y[n++] = c->y[k];
        if (c->above[k] != c->above[(k + 1) % 4]) {
            crossing(c, k, w->level, &x[n], &y[n]);
            n++;
        }
    }
    w->polygon(w->context, n, x, y);
}

void nb_band_walk(size_t nx, size_t ny, const double *x, const double *y, const double *z,
                  double level, nb_band_polygon polygon, void *context)
{
    const walk w = {polygon, context, level};
    for (size_t j = 0; j + 1 < ny; j++) {
        size_t whole = 0; /* cells just before i that are above */
        for (size_t i = 0; i < nx; i++) {
            cell c = {.finite = false};
            if (i + 1 < nx) c = cell_at(&w, nx, x, y, z, i, j);
            if (c.finite && c.count == 4) {
                whole++;
                continue;
            }
            if (whole)
                polygon(context, 4, (double[]){x[i - whole], x[i], x[i], x[i - whole]},
                        (double[]){y[j], y[j], y[j + 1], y[j + 1]});
            whole = 0;
            if (c.finite && c.count) part_of(&w, &c);
        }
    }
}
