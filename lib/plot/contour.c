#include "plot/contour.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>

/* The sides of the cells, numbered: side 2(j nx + i) runs from (i, j) to (i+1, j), the odd one
 * after it from (i, j) to (i, j+1). A level crosses a side at most once, and from there goes on
 * into at most the two cells that share it: `next` holds the sides it comes from and goes to,
 * plus 1. */
typedef struct tracer {
    size_t nx, ny;
    const double *x, *y, *z;
    double level;
    size_t (*next)[2]; /* (2 nx ny) */
    nb_isolines *lines;
} tracer;

static void join(tracer *t, size_t a, size_t b)
{
    t->next[a][t->next[a][0] != 0] = b + 1;
    t->next[b][t->next[b][0] != 0] = a + 1;
}

static void cross_cell(tracer *t, size_t i, size_t j)
{
    size_t at = j * t->nx + i;
    double z[] = {t->z[at], t->z[at + 1], t->z[at + 1 + t->nx], t->z[at + t->nx]};
    /* From corner to corner: bottom, right, top, left. */
    size_t side[] = {2 * at, 2 * (at + 1) + 1, 2 * (at + t->nx), 2 * at + 1}, crossed[4], n = 0;
    double mean = 0;
    for (int c = 0; c < 4; c++) {
        if (!isfinite(z[c])) return;
        mean += z[c] / 4;
        if ((z[c] >= t->level) != (z[(c + 1) % 4] >= t->level)) crossed[n++] = side[c];
    }
    if (n == 2) join(t, crossed[0], crossed[1]);
    if (n < 4) return;
    /* All four sides: cut off the corners that differ from the middle. */
    bool low_corner_alone = (z[0] >= t->level) != (mean >= t->level);
    join(t, side[0], side[low_corner_alone ? 3 : 1]);
    join(t, side[2], side[low_corner_alone ? 1 : 3]);
}

static void add_point(tracer *t, size_t side)
{
    size_t at = side / 2, i = at % t->nx, j = at / t->nx, to = side % 2 ? at + t->nx : at + 1;
    double s = (t->level - t->z[at]) / (t->z[to] - t->z[at]);
    double x1 = side % 2 ? t->x[i] : t->x[i + 1], y1 = side % 2 ? t->y[j + 1] : t->y[j];
    if (!isfinite(s)) s = 0.5; /* the difference overflowed */
    t->lines->x[t->lines->points] = t->x[i] + s * (x1 - t->x[i]);
    t->lines->y[t->lines->points++] = t->y[j] + s * (y1 - t->y[j]);
}

/* Walk from `side` to the end, unlinking behind, and back at the start if it is closed. */
static void walk(tracer *t, size_t side)
{
    size_t start = side;
    nb_isolines *lines = t->lines;
    add_point(t, side);
    for (;;) {
        size_t *links = t->next[side], on = links[0] ? links[0] : links[1];
        if (!on) break;
        links[links[0] ? 0 : 1] = 0;
        size_t *back = t->next[on - 1];
        back[back[0] == side + 1 ? 0 : 1] = 0;
        side = on - 1;
        add_point(t, side);
        if (side == start) break;
    }
    lines->start[++lines->count] = lines->points;
}

nb_status nb_isolines_trace(nb_isolines *lines, size_t nx, size_t ny, const double *x,
                            const double *y, const double *z, double level)
{
    size_t sides, links = 0, ends = 0;
    *lines = (nb_isolines){0};
    tracer t = {nx, ny, x, y, z, level, NULL, lines};
    if (!nb_size_mul(nx, ny, &sides) || !nb_size_mul(sides, 2, &sides))
        return nb_fail(NB_ENOMEM, "nb_isolines_trace: %zux%zu values", nx, ny);
    t.next = nb_alloc_zero(sides, sizeof *t.next);
    if (!t.next) return NB_ENOMEM;
    for (size_t j = 0; j + 1 < ny; j++)
        for (size_t i = 0; i + 1 < nx; i++) cross_cell(&t, i, j);
    for (size_t s = 0; s < sides; s++) {
        size_t degree = (size_t)(t.next[s][0] != 0) + (t.next[s][1] != 0);
        links += degree;
        ends += degree == 1;
    }
    /* A line has one point more than steps; a closed one has at least four steps. */
    size_t most = links / 2 + ends / 2 + links / 8 + 1;
    lines->x = nb_alloc(most, sizeof *lines->x);
    lines->y = nb_alloc(most, sizeof *lines->y);
    lines->start = nb_alloc_zero(ends / 2 + links / 8 + 2, sizeof *lines->start);
    if (!lines->x || !lines->y || !lines->start) {
        nb_free(t.next);
        nb_isolines_free(lines);
        return NB_ENOMEM;
    }
    for (size_t s = 0; s < sides; s++)
        if ((t.next[s][0] != 0) != (t.next[s][1] != 0)) walk(&t, s);
    for (size_t s = 0; s < sides; s++)
        if (t.next[s][0] || t.next[s][1]) walk(&t, s);
    nb_free(t.next);
    return NB_OK;
}

void nb_isolines_free(nb_isolines *lines)
{
    nb_free(lines->start);
    nb_free(lines->x);
    nb_free(lines->y);
    *lines = (nb_isolines){0};
}
