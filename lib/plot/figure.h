/* figure.h - what a figure is made of; for the sources of lib/plot.
 *
 * A figure holds axes, axes hold artists (a line, a field of arrows, ...), and an artist's kind is
 * a table of what it can do. plot.c keeps them, layout.c gives each axes its limits and its
 * rectangle, frame.c draws what surrounds the data, and one source for each family of artists the
 * data. */
#ifndef PLOT_FIGURE_H
#define PLOT_FIGURE_H

#include "nablas/plot.h"
#include "plot/ticks.h"

#include <cairo.h>

/* Values beyond it are not drawn, so that sums and differences of limits stay finite. */
#define NB_PLOT_HUGE 1e300
#define NB_HARMLESS 1.0

typedef struct nb_rect {
    double x, y, w, h;
} nb_rect;

/* The box around what artists show: x, y, z. Starts as lo = inf, hi = -inf. */
typedef struct nb_bounds {
    double lo[3], hi[3];
    bool tight;     /* no room around it: images, contours */
    bool from_zero; /* nor below y = 0: bars */
} nb_bounds;

typedef struct nb_artist nb_artist;

typedef struct nb_artist_kind {
    const char *name; /* the public function, for messages */
    bool solid;       /* three-dimensional */
    bool on_top;      /* drawn after the frame, and not cut at it */
    /* Widen `b` by what the artist shows; NULL: nothing. */
    void (*bounds)(const nb_artist *a, nb_bounds *b);
    void (*draw)(const nb_artist *a, cairo_t *cr);
    /* Draw the sample beside the label in a legend; NULL: has none. */
    void (*key)(const nb_artist *a, cairo_t *cr, nb_rect box);
    /* How much of it a legend at `r` would hide, in points of line, say: below NB_HARMLESS nothing
     * that matters; NULL: it may stand over it. */
    double (*hides)(const nb_artist *a, cairo_t *cr, nb_rect r);
} nb_artist_kind;

struct nb_artist {
    const nb_artist_kind *kind;
    nb_artist *next;
    nb_axes *ax;
    const char *label; /* or NULL */
    nb_color color;
    size_t n;      /* points */
    size_t nx, ny; /* of a grid or an image: columns, rows */
    size_t count;  /* of levels or images */
    const double *x, *y, *u, *v;
    const char *text; /* or a printf format */
    nb_image *images;
    const char **captions;
    nb_line_style line; /* lines, guides; contours: dash and width */
    nb_color_map map;
    nb_place place;
    double size, scale;
    double lo, hi; /* values at the ends of the map, for the colour bar; equal: it has no map */
    bool filled;   /* the areas between the levels */
    bool flag;     /* contour: write values; surface: smooth */
};

typedef struct nb_axis {
    const char *label;
    bool log, flipped;
    bool down;             /* flipped unless the limits are too: images */
    bool whole;            /* ticks at whole numbers alone */
    bool slanted;          /* names of ticks, which would overlap else */
    bool unnamed;          /* a neighbour has the names */
    double tick_height;    /* of the tallest name of a tick, on paper */
    double set_lo, set_hi; /* by the caller; NaN: by the data */
    bool given;            /* ticks are */
    size_t given_count;
    const double *given_at;
    const char *const *given_names;
    double lo, hi; /* drawn; the logarithms if log; lo < hi */
    nb_ticks ticks;
} nb_axis;

/* A legend laid out. */
typedef struct nb_legend {
    nb_rect at;
    size_t count, shown, rows, cols; /* entries, of them shown; count = 0: there is none */
    double column, row;              /* width of a column, height of a row */
    bool whole;                      /* all are shown, in full size */
    bool line;                       /* side by side, each as wide as it is */
    char more[32];                   /* the last line, if not all are */
} nb_legend;

struct nb_axes {
    nb_figure *fig;
    nb_axes *next;
    size_t rows, cols, index;
    const char *title;
    nb_axis axis[3];
    nb_axis bar; /* of the colours */
    bool equal, grid, hidden, solid, has_legend, has_bar;
    nb_place legend;
    nb_place legend_side; /* where the layout put it: NB_BEST in the box, NB_RIGHT or NB_BELOW it */
    double azimuth, elevation;
    nb_artist *first, **end;
    size_t turn;  /* the next colour */
    nb_rect cell; /* its share of the figure */
    nb_rect box;  /* where the data go */
    nb_legend key;
};

/* A block that lives as long as its figure. */
typedef struct nb_figure_block {
    struct nb_figure_block *next;
} nb_figure_block;

struct nb_figure {
    double width, height;
    const char *title;
    bool photo;           /* it shows a coloured image: keep every colour */
    bool share[2];        /* limits and names of ticks along x, y */
    const char *label[2]; /* of all axes together */
    bool has_legend;
    nb_legend key;
    nb_axes *first, **end;
    nb_figure_block *blocks;
    nb_status status;
    char detail[512];
};

/* nb_figure_fail - remember the first failure: `status` with what nb_last_error() says now. */
void nb_figure_fail(nb_figure *fig, nb_status status);

/* nb_figure_take - zeroed memory that is freed with the figure; NULL, and the figure has failed, if
 *                  there is none.
 * nb_figure_copy - n doubles; x = NULL gives NULL.
 * nb_figure_text - a string, made valid UTF-8 (what is not becomes '?'); NULL gives NULL. */
void *nb_figure_take(nb_figure *fig, size_t count, size_t size);
const double *nb_figure_copy(nb_figure *fig, size_t n, const double *x);
const char *nb_figure_text(nb_figure *fig, const char *text);

/* nb_artist_add - a zeroed artist at the end of the axes, with a copy of `label`, and `color` or,
 * if that is 0, `otherwise` or, if that is 0 too, the next colour in turn. NULL, to be answered by
 * a return, if `ax` is NULL, the figure has failed or the axes hold artists of other dimensions. */
nb_artist *nb_artist_add(nb_axes *ax, const nb_artist_kind *kind, const char *label, nb_color color,
                         nb_color otherwise);

/* nb_artist_needs - false, and the figure has failed, if n > 0 and `data` is NULL.
 * nb_artist_grid - keep x(nx), y(ny) and z(ny,nx) in a->x, a->y, a->u; false, and the figure has
 *                  failed, if a side is shorter than 2 or one of them is NULL.
 * nb_artist_format - keep `format` in a->text; false, and the figure has failed, if it is not that
 * of one double (NULL is fine). nb_format - printf one double by a format that nb_artist_format
 * accepted. */
bool nb_artist_needs(nb_artist *a, size_t n, const void *data);
bool nb_artist_grid(nb_artist *a, size_t nx, size_t ny, const double *x, const double *y,
                    const double *z);
bool nb_artist_format(nb_artist *a, const char *format);
void nb_format(char *text, size_t size, const char *format, double value);

/* nb_bounds_point - widen by (x, y), if both can be drawn on the axes. */
void nb_bounds_point(nb_bounds *b, const nb_axes *ax, double x, double y);
/* Bounds of a->n points a->x, a->y. */
void nb_bounds_points(const nb_artist *a, nb_bounds *b);

/* nb_axis_unit - `value` as the axis counts: itself, or its logarithm; NaN if it cannot be drawn.
 */
double nb_axis_unit(const nb_axis *axis, double value);

/* nb_axes_place - where (x, y) is on paper; false if it cannot be drawn. May be far outside. */
bool nb_axes_place(const nb_axes *ax, double x, double y, double *px, double *py);

/* nb_layout - cells, limits, ticks, boxes and legends of all axes. `cr` measures text. */
void nb_layout(nb_figure *fig, cairo_t *cr);
/* nb_layout_limits - the limits alone. */
void nb_layout_limits(nb_axes *ax);

/* nb_legend_hides - how much of all artists but one a thing at `r` hides.
 * nb_legend_inside - set ax->key: at the corner asked for or, if that is NB_BEST, where it hides
 *                    least; false if that is still more than NB_HARMLESS, or not all
 *                    names fit.
 * nb_legend_beside - the same outside the box, on ax->legend_side; its margins count for the box.
 * nb_legend_above - fig->key, the legend of the whole figure, below `top`.
 */
double nb_legend_hides(const nb_axes *ax, const nb_artist *but, cairo_t *cr, nb_rect r);
bool nb_legend_inside(nb_axes *ax, cairo_t *cr);
void nb_legend_beside(nb_axes *ax, cairo_t *cr);
void nb_legend_above(nb_figure *fig, cairo_t *cr, double top);

/* nb_bar_find - the artist whose colours the bar explains, or NULL.
 * nb_bar_ticks - its limits and ticks.
 * nb_bar_room - what it takes at the right of the box, in points. */
const nb_artist *nb_bar_find(const nb_axes *ax);
void nb_bar_ticks(nb_axes *ax);
double nb_bar_room(const nb_axes *ax, cairo_t *cr);

/* Drawing the axes around and in the data. */
void nb_frame_draw_back(const nb_axes *ax, cairo_t *cr);
void nb_frame_draw_front(const nb_axes *ax, cairo_t *cr);
void nb_legend_draw(const nb_axes *ax, const nb_legend *l, cairo_t *cr);
void nb_bar_draw(const nb_axes *ax, cairo_t *cr);
void nb_solid_draw(nb_axes *ax, cairo_t *cr);

#endif
