/* Figures and axes: making, setting, freeing. The artists are made in their own sources. */
#include "nablas/memory.h"
#include "nablas/text.h"
#include "plot/figure.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* --- the figure and its memory --- */

nb_status nb_figure_create(nb_figure **fig, double width, double height)
{
    *fig = NULL;
    if (!(width >= 16 && width <= 4000 && height >= 16 && height <= 4000))
        return nb_fail(NB_ERANGE, "nb_figure_create: %gx%g points; a side must be 16 ... 4000",
                       width, height);
    nb_figure *made = nb_alloc_zero(1, sizeof *made);
    if (!made) return NB_ENOMEM;
    made->width = width;
    made->height = height;
    made->end = &made->first;
    *fig = made;
    return NB_OK;
}

void nb_figure_destroy(nb_figure *fig)
{
    if (!fig) return;
    for (nb_figure_block *block = fig->blocks, *next; block; block = next) {
        next = block->next;
        nb_free(block);
    }
    nb_free(fig);
}

void nb_figure_fail(nb_figure *fig, nb_status status)
{
    if (!fig || fig->status) return;
    fig->status = status;
    snprintf(fig->detail, sizeof fig->detail, "%s", nb_last_error());
}

nb_status nb_figure_status(nb_figure *fig)
{
    if (!fig) return nb_fail(NB_EINVAL, "nb_figure_status: the figure is NULL");
    return fig->status ? nb_fail(fig->status, "%s", fig->detail) : NB_OK;
}

void *nb_figure_take(nb_figure *fig, size_t count, size_t size)
{
    size_t bytes;
    nb_figure_block *block = NULL;
    if (!nb_size_mul(count, size, &bytes) || !nb_size_add(bytes, NB_ALIGNMENT, &bytes))
        nb_fail(NB_ENOMEM, "nb_figure: %zu elements of %zu bytes overflow a size", count, size);
    else
        block = nb_alloc_zero(bytes, 1);
    if (!block) {
        nb_figure_fail(fig, NB_ENOMEM);
        return NULL;
    }
    block->next = fig->blocks;
    fig->blocks = block;
    return (char *)block + NB_ALIGNMENT;
}

const double *nb_figure_copy(nb_figure *fig, size_t n, const double *x)
{
    double *copy = x ? nb_figure_take(fig, n, sizeof *x) : NULL;
    if (copy && n) memcpy(copy, x, n * sizeof *x);
    return copy;
}

/* Bytes of the character at `s`, or 0 if it is none (RFC 3629) or a control character. */
static size_t character(const unsigned char *s)
{
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xf0 ? 4 : (s[0] >= 0xe0 ? 3 : 2);
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return length;
}

const char *nb_figure_text(nb_figure *fig, const char *text)
{
    char *copy = text ? nb_figure_take(fig, strlen(text) + 1, 1) : NULL;
    if (!copy) return NULL;
    for (size_t i = 0; text[i];) {
        size_t length = character((const unsigned char *)text + i);
        if (length)
            memcpy(copy + i, text + i, length);
        else
            copy[i] = text[i] == '\n' ? '\n' : '?';
        i += length ? length : 1;
    }
    return copy;
}

void nb_figure_title(nb_figure *fig, const char *title)
{
    if (fig && !fig->status) fig->title = nb_figure_text(fig, title);
}

void nb_figure_share(nb_figure *fig, bool x, bool y)
{
    if (!fig || fig->status) return;
    fig->share[0] = x;
    fig->share[1] = y;
}

void nb_figure_labels(nb_figure *fig, const char *x, const char *y)
{
    if (!fig || fig->status) return;
    fig->label[0] = nb_figure_text(fig, x);
    fig->label[1] = nb_figure_text(fig, y);
}

void nb_figure_legend(nb_figure *fig)
{
    if (fig && !fig->status) fig->has_legend = true;
}

/* --- axes --- */

nb_axes *nb_figure_axes(nb_figure *fig, size_t rows, size_t cols, size_t index)
{
    if (!fig || fig->status) return NULL;
    if (rows == 0 || cols == 0 || rows > 100 || cols > 100 || index >= rows * cols) {
        nb_figure_fail(fig, nb_fail(NB_EINVAL, "nb_figure_axes: no cell %zu in a grid of %zux%zu",
                                    index, rows, cols));
        return NULL;
    }
    nb_axes *ax = nb_figure_take(fig, 1, sizeof *ax);
    if (!ax) return NULL;
    *ax = (nb_axes){.fig = fig, .rows = rows, .cols = cols, .index = index};
    ax->azimuth = -60;
    ax->elevation = 30;
    ax->end = &ax->first;
    for (int d = 0; d < 3; d++) ax->axis[d].set_lo = ax->axis[d].set_hi = (double)NAN;
    *fig->end = ax;
    fig->end = &ax->next;
    return ax;
}

static bool usable(const nb_axes *ax)
{
    return ax && !ax->fig->status;
}

void nb_axes_title(nb_axes *ax, const char *title)
{
    if (usable(ax)) ax->title = nb_figure_text(ax->fig, title);
}

void nb_axes_labels(nb_axes *ax, const char *x, const char *y)
{
    if (!usable(ax)) return;
    ax->axis[0].label = nb_figure_text(ax->fig, x);
    ax->axis[1].label = nb_figure_text(ax->fig, y);
}

void nb_axes_zlabel(nb_axes *ax, const char *z)
{
    if (usable(ax)) ax->axis[2].label = nb_figure_text(ax->fig, z);
}

static void set_limits(nb_axes *ax, int d, double lo, double hi)
{
    if (!usable(ax)) return;
    if (lo == hi || fabs(lo) > NB_PLOT_HUGE || fabs(hi) > NB_PLOT_HUGE) {
        nb_figure_fail(ax->fig,
                       nb_fail(NB_ERANGE, "nb_axes_%clim: from %g to %g", "xyz"[d], lo, hi));
        return;
    }
    nb_axis *axis = &ax->axis[d];
    axis->flipped = axis->down != (lo > hi);
    axis->set_lo = lo > hi ? hi : lo;
    axis->set_hi = lo > hi ? lo : hi;
}

void nb_axes_xlim(nb_axes *ax, double lo, double hi)
{
    set_limits(ax, 0, lo, hi);
}

void nb_axes_ylim(nb_axes *ax, double lo, double hi)
{
    set_limits(ax, 1, lo, hi);
}

void nb_axes_zlim(nb_axes *ax, double lo, double hi)
{
    set_limits(ax, 2, lo, hi);
}

void nb_axes_log(nb_axes *ax, bool x, bool y)
{
    if (!usable(ax)) return;
    ax->axis[0].log = x;
    ax->axis[1].log = y;
}

static void set_ticks(nb_axes *ax, int d, size_t n, const double *at, const char *const *names)
{
    if (!usable(ax)) return;
    nb_axis *axis = &ax->axis[d];
    if (n > NB_MAX_TICKS) {
        nb_figure_fail(ax->fig, nb_fail(NB_ERANGE, "nb_axes_%cticks: %zu ticks, at most %d",
                                        "xyz"[d], n, NB_MAX_TICKS));
        return;
    }
    const char **copies = names ? nb_figure_take(ax->fig, n, sizeof *names) : NULL;
    for (size_t i = 0; copies && i < n; i++) copies[i] = nb_figure_text(ax->fig, names[i]);
    axis->given = true;
    axis->given_at = nb_figure_copy(ax->fig, n, at);
    axis->given_names = copies;
    axis->given_count = axis->given_at ? n : 0;
}

void nb_axes_xticks(nb_axes *ax, size_t n, const double *at, const char *const *names)
{
    set_ticks(ax, 0, n, at, names);
}

void nb_axes_yticks(nb_axes *ax, size_t n, const double *at, const char *const *names)
{
    set_ticks(ax, 1, n, at, names);
}

void nb_axes_equal(nb_axes *ax)
{
    if (usable(ax)) ax->equal = true;
}

void nb_axes_grid(nb_axes *ax)
{
    if (usable(ax)) ax->grid = true;
}

void nb_axes_hide(nb_axes *ax)
{
    if (usable(ax)) ax->hidden = true;
}

void nb_axes_legend(nb_axes *ax, nb_place place)
{
    if (!usable(ax)) return;
    ax->has_legend = true;
    ax->legend = place;
}

void nb_axes_color_bar(nb_axes *ax, const char *label)
{
    if (!usable(ax)) return;
    ax->has_bar = true;
    ax->bar.label = nb_figure_text(ax->fig, label);
}

void nb_axes_view(nb_axes *ax, double azimuth, double elevation)
{
    if (!usable(ax)) return;
    ax->azimuth = isfinite(azimuth) ? fmod(azimuth, 360) : -60;
    ax->elevation = isfinite(elevation) ? fmin(fmax(elevation, -89), 89) : 30;
}

/* --- what all artists share --- */

nb_artist *nb_artist_add(nb_axes *ax, const nb_artist_kind *kind, const char *label, nb_color color,
                         nb_color otherwise)
{
    static const nb_color turn[] = {NB_BLUE,  NB_ORANGE, NB_GREEN, NB_RED,   NB_PURPLE,
                                    NB_BROWN, NB_PINK,   NB_GREY,  NB_OLIVE, NB_CYAN};
    if (!usable(ax)) return NULL;
    if (ax->first && ax->solid != kind->solid) {
        nb_figure_fail(ax->fig,
                       nb_fail(NB_EINVAL, "%s: the axes hold %s, which does not share them",
                               kind->name, ax->first->kind->name));
        return NULL;
    }
    nb_artist *a = nb_figure_take(ax->fig, 1, sizeof *a);
    if (!a) return NULL;
    *a = (nb_artist){.kind = kind, .ax = ax, .color = color ? color : otherwise};
    if (!a->color) a->color = turn[ax->turn++ % (sizeof turn / sizeof *turn)];
    a->label = nb_figure_text(ax->fig, label);
    ax->solid = kind->solid;
    *ax->end = a;
    ax->end = &a->next;
    return a;
}

bool nb_artist_needs(nb_artist *a, size_t n, const void *data)
{
    if (!n || data) return true;
    nb_figure_fail(a->ax->fig, nb_fail(NB_EINVAL, "%s: n=%zu values at NULL", a->kind->name, n));
    return false;
}

bool nb_artist_grid(nb_artist *a, size_t nx, size_t ny, const double *x, const double *y,
                    const double *z)
{
    size_t count;
    nb_figure *fig = a->ax->fig;
    if (nx < 2 || ny < 2 || !nb_size_mul(nx, ny, &count)) {
        nb_figure_fail(
            fig, nb_fail(NB_ESHAPE, "%s: %zux%zu values; at least 2x2", a->kind->name, nx, ny));
        return false;
    }
    if (!nb_artist_needs(a, nx, x) || !nb_artist_needs(a, ny, y) || !nb_artist_needs(a, count, z))
        return false;
    a->nx = nx;
    a->ny = ny;
    a->x = nb_figure_copy(fig, nx, x);
    a->y = nb_figure_copy(fig, ny, y);
    a->u = nb_figure_copy(fig, count, z);
    return a->x && a->y && a->u;
}

bool nb_artist_format(nb_artist *a, const char *format)
{
    size_t conversions = 0;
    for (const char *c = format; c && *c; c++) {
        if (*c != '%' || *++c == '%') continue;
        c += strspn(c, "+- 0#");
        c += strspn(c, "0123456789");
        if (*c == '.') c += 1 + strspn(c + 1, "0123456789");
        conversions += *c && strchr("eEfFgG", *c) ? 1 : 2;
        if (!*c) break;
    }
    a->text = nb_figure_text(a->ax->fig, format);
    if (!format || conversions == 1) return true;
    nb_figure_fail(a->ax->fig, nb_fail(NB_EINVAL, "%s: format \"%s\" is not that of one double",
                                       a->kind->name, format));
    return false;
}

void nb_format(char *text, size_t size, const char *format, double value)
{
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
    nb_snprintf(text, size, format, value);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
}

double nb_axis_unit(const nb_axis *axis, double value)
{
    if (!(fabs(value) <= NB_PLOT_HUGE) || (axis->log && value <= 0)) return (double)NAN;
    return axis->log ? log10(value) : value;
}

bool nb_axes_place(const nb_axes *ax, double x, double y, double *px, double *py)
{
    const nb_axis *h = &ax->axis[0], *v = &ax->axis[1];
    double s = (nb_axis_unit(h, x) - h->lo) / (h->hi - h->lo);
    double t = (nb_axis_unit(v, y) - v->lo) / (v->hi - v->lo);
    if (!isfinite(s) || !isfinite(t)) return false;
    *px = ax->box.x + ax->box.w * (h->flipped ? 1 - s : s);
    *py = ax->box.y + ax->box.h * (v->flipped ? t : 1 - t);
    return true;
}

void nb_bounds_point(nb_bounds *b, const nb_axes *ax, double x, double y)
{
    double at[] = {nb_axis_unit(&ax->axis[0], x), nb_axis_unit(&ax->axis[1], y)};
    if (isnan(at[0]) || isnan(at[1])) return;
    for (int d = 0; d < 2; d++) {
        b->lo[d] = fmin(b->lo[d], at[d]);
        b->hi[d] = fmax(b->hi[d], at[d]);
    }
}

void nb_bounds_points(const nb_artist *a, nb_bounds *b)
{
    for (size_t i = 0; i < a->n; i++) nb_bounds_point(b, a->ax, a->x[i], a->y[i]);
}
