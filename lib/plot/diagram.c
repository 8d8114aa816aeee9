#include "nablas/diagram.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "plot/canvas.h"
#include "plot/layers.h"
#include "plot/paint.h"
#include "plot/reduce.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    SIZE = 15,
    SIZE_SMALL = 13,
    MARGIN = 16,
    RADIUS = 19,
    APART = 5,
    LIFT = 5,
    RUN = 16,
    SLANT = 46
};
#define INK_BACK 0xffc0392bu

static nb_status check(const nb_diagram *d)
{
    if (!d->nodes || !d->node_count || (d->edge_count && !d->edges))
        return nb_fail(NB_EINVAL, "nb_diagram: %zu nodes and %zu edges%s", d->node_count,
                       d->edge_count, d->nodes && d->edges ? "" : ", some at NULL");
    if (d->node_count > NB_DIAGRAM_MAX_NODES || d->edge_count > NB_DIAGRAM_MAX_EDGES)
        return nb_fail(NB_ERANGE, "nb_diagram: %zu nodes and %zu edges; at most %d and %d",
                       d->node_count, d->edge_count, NB_DIAGRAM_MAX_NODES, NB_DIAGRAM_MAX_EDGES);
    for (size_t e = 0; e < d->edge_count; e++)
        if (d->edges[e].from >= d->node_count || d->edges[e].to >= d->node_count)
            return nb_fail(NB_EINVAL, "nb_diagram: edge %zu goes from node %zu to node %zu of %zu",
                           e, d->edges[e].from, d->edges[e].to, d->node_count);
    return NB_OK;
}

/* --- the picture --- */

static bool empty(const char *text)
{
    return !text || !*text;
}

/* A picture in the making. */
typedef struct picture {
    const nb_diagram *d;
    nb_layers layers;
    double *between; /* (layer_count) */
    size_t *fan;     /* (node_count) edges that leave each node */
    double gap;
    cairo_t *cr;
} picture;

static double text_width(cairo_t *cr, const char *text)
{
    return empty(text) ? 0 : nb_text_width(cr, text, SIZE_SMALL);
}

/* Sizes of nodes, and the room that the texts on edges need between columns and rows. */
static void measure(picture *p)
{
    const nb_diagram *d = p->d;
    nb_layers *l = &p->layers;
    p->gap = 22;
    for (size_t k = 0; k < l->layer_count; k++) p->between[k] = 56;
    for (size_t i = 0; i < d->node_count; i++) {
        const nb_diagram_node *node = &d->nodes[i];
        nb_spot *s = &l->spots[i];
        double w = empty(node->label) ? 0 : nb_text_width(p->cr, node->label, SIZE);
        double h = empty(node->label) ? 0 : nb_text_height(node->label, SIZE);
        s->side = node->kind == NB_NODE_LEAF;
        if (node->kind == NB_NODE_OP) {
            s->w = s->h = 2 * fmax(RADIUS, hypot(w, h) / 2 + 6);
        } else {
            s->w = empty(node->label) ? 4 : w + (s->side ? 24 : 8);
            s->h = h + (s->side ? 20 : 8);
        }
    }
    for (size_t e = 0; e < d->edge_count; e++) {
        const nb_diagram_edge *edge = &d->edges[e];
        double *room = &p->between[l->spots[edge->from].layer];
        double text = fmax(text_width(p->cr, edge->above), text_width(p->cr, edge->below));
        *room = fmax(*room, text + RUN + SLANT);
        if (edge->below) p->gap = 28;
        p->fan[edge->from]++;
    }
}

/* How far from the middle of a node its outline is in the direction (dx, dy), of length 1. */
static double outline(const nb_diagram *d, const nb_spot *s, double dx, double dy)
{
    if (s->node == NB_NO_NODE) return 0;
    if (d->nodes[s->node].kind == NB_NODE_OP) return s->w / 2;
    return fmin(s->w / 2 / fmax(fabs(dx), 1e-9), s->h / 2 / fmax(fabs(dy), 1e-9));
}

static void head(cairo_t *cr, double x, double y, double dx, double dy, nb_color color)
{
    const double length = 9, half = 4;
    cairo_move_to(cr, x, y);
    cairo_line_to(cr, x - length * dx - half * dy, y - length * dy + half * dx);
    cairo_line_to(cr, x - 0.75 * length * dx, y - 0.75 * length * dy);
    cairo_line_to(cr, x - length * dx + half * dy, y - length * dy - half * dx);
    cairo_close_path(cr);
    nb_paint_color(cr, color);
    cairo_fill(cr);
}

/* Beside (x, y), off the line along (dx, dy): above it or, if `sign` is 1, below. */
static void edge_text(cairo_t *cr, const char *text, double x, double y, double dx, double dy,
                      double sign, double lift, nb_color color)
{
    if (empty(text)) return;
    double nx = -dy * sign, ny = dx * sign;
    double w = nb_text_width(cr, text, SIZE_SMALL), h = nb_text_height(text, SIZE_SMALL);
    double off = lift + fabs(nx) * w / 2 + fabs(ny) * h / 2;
    nb_text_draw(cr, text, SIZE_SMALL, x + nx * off, y + ny * off, 0.5, 0.5, 0, color);
}

/* A line from (x0, y0) over (xm, ym) to (x1, y1), with an arrow head if `arrow`. */
static void bent(cairo_t *cr, double x0, double y0, double xm, double ym, double x1, double y1,
                 bool arrow, double width, nb_color color)
{
    double dx = x1 - xm, dy = y1 - ym, length = hypot(dx, dy), back = arrow ? 6 : 0;
    if (length < 1) dx = x1 - x0, dy = y1 - y0, length = fmax(hypot(dx, dy), 1);
    dx /= length, dy /= length;
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, xm, ym);
    cairo_line_to(cr, x1 - back * dx, y1 - back * dy);
    nb_paint_stroke(cr, color, width, NB_SOLID);
    if (arrow) head(cr, x1, y1, dx, dy, color);
}

/* One piece of an edge. The first carries the texts, on a level run if its node has no other edge
 * out (two would run over each other), and ends the arrow back; the last ends the arrow. */
static void draw_piece(const picture *p, const nb_diagram_edge *edge, const nb_spot *a,
                       const nb_spot *b, bool first)
{
    bool last = b->node != NB_NO_NODE, back = edge->below != NULL;
    double text = fmax(text_width(p->cr, edge->above), text_width(p->cr, edge->below));
    bool level = first && p->fan[edge->from] == 1 && text > 0;
    double x0 = a->x, y0 = a->y, xm = x0, ym = y0, off = back ? APART / 2.0 : 0;
    if (level) {
        x0 += a->w / 2 + 2;
        xm = fmin(x0 + text + RUN, b->x - b->w / 2 - SLANT / 2.0);
    }
    double dx = b->x - xm, dy = b->y - ym, length = hypot(dx, dy);
    dx /= length, dy /= length;
    double t1 = length - outline(p->d, b, dx, dy) - (last ? 2 : 0);
    double x1 = xm + t1 * dx, y1 = ym + t1 * dy;
    if (!level) {
        double t0 = outline(p->d, a, dx, dy) + (first ? 2 : 0);
        x0 += t0 * dx, y0 += t0 * dy, xm = x0, ym = y0;
    }
    /* With an arrow back, both move off the line between. */
    double px = -dy * off, py = dx * off, qx = level ? 0 : px, qy = level ? off : py;
    bent(p->cr, x0 - qx, y0 - qy, xm - qx, ym - qy, x1 - px, y1 - py, last, 1.3, NB_INK);
    if (back) bent(p->cr, x1 + px, y1 + py, xm + qx, ym + qy, x0 + qx, y0 + qy, first, 2, INK_BACK);
    if (!first) return;
    double mx = (x0 + xm) / 2, my = y0;
    if (level)
        dx = 1, dy = 0;
    else
        mx = x0 + 0.55 * (x1 - x0), my = y0 + 0.55 * (y1 - y0);
    edge_text(p->cr, edge->above, mx, my, dx, dy, -1, LIFT + off, NB_INK);
    edge_text(p->cr, edge->below, mx, my, dx, dy, 1, LIFT + off, INK_BACK);
}

static void draw_node(const nb_diagram_node *node, const nb_spot *s, cairo_t *cr)
{
    cairo_new_path(cr);
    if (node->kind == NB_NODE_OP) {
        cairo_arc(cr, s->x, s->y, s->w / 2, 0, 6.283185307179586);
        nb_paint_color(cr, 0xfff3f6fa);
        cairo_fill_preserve(cr);
        nb_paint_stroke(cr, NB_INK_FRAME, 1.4, NB_SOLID);
    } else if (node->kind == NB_NODE_LEAF) {
        cairo_rectangle(cr, s->x - s->w / 2, s->y - s->h / 2, s->w, s->h);
        nb_paint_color(cr, 0xfffdf4e3);
        cairo_fill_preserve(cr);
        nb_paint_stroke(cr, 0xffd0b070, 1.2, NB_SOLID);
    }
    if (!empty(node->label)) nb_text_draw(cr, node->label, SIZE, s->x, s->y, 0.5, 0.5, 0, NB_INK);
}

/* Move everything into the upper left corner; returns the size. */
static nb_rect gather(picture *p)
{
    double x0 = HUGE_VAL, y0 = HUGE_VAL, x1 = -HUGE_VAL, y1 = -HUGE_VAL, texts = 0;
    for (size_t e = 0; e < p->d->edge_count; e++) {
        const char *both[] = {p->d->edges[e].above, p->d->edges[e].below};
        for (int i = 0; i < 2; i++)
            if (!empty(both[i]))
                texts = fmax(texts, nb_text_height(both[i], SIZE_SMALL) + LIFT + APART);
    }
    for (size_t i = 0; i < p->layers.spot_count; i++) {
        const nb_spot *s = &p->layers.spots[i];
        double tall = fmax(s->h / 2, texts);
        x0 = fmin(x0, s->x - s->w / 2), x1 = fmax(x1, s->x + s->w / 2);
        y0 = fmin(y0, s->y - tall), y1 = fmax(y1, s->y + tall);
    }
    for (size_t i = 0; i < p->layers.spot_count; i++) {
        p->layers.spots[i].x += MARGIN - x0;
        p->layers.spots[i].y += MARGIN - y0;
    }
    return (nb_rect){0, 0, x1 - x0 + 2 * MARGIN, y1 - y0 + 2 * MARGIN};
}

static void draw(const picture *p)
{
    const nb_diagram *d = p->d;
    const nb_layers *l = &p->layers;
    for (size_t e = 0; e < d->edge_count; e++) {
        const nb_spot *a = &l->spots[d->edges[e].from];
        bool first = true;
        for (size_t to = l->first[e]; to != NB_NO_NODE; to = l->spots[to].next) {
            draw_piece(p, &d->edges[e], a, &l->spots[to], first);
            a = &l->spots[to];
            first = false;
        }
    }
    for (size_t i = 0; i < d->node_count; i++) draw_node(&d->nodes[i], &l->spots[i], p->cr);
}

static nb_status render(picture *p, nb_image *image)
{
    /* A first sheet to measure text on, whose size does not matter. */
    p->cr = nb_canvas_open(16, 16);
    if (!p->cr) return NB_ENOMEM;
    measure(p);
    nb_layers_place(&p->layers, p->gap, p->between);
    nb_rect size = gather(p);
    cairo_destroy(p->cr);
    double scale = fmin(1, 4000 / fmax(size.w, size.h));
    p->cr = nb_canvas_open(fmax(scale * size.w, 1), fmax(scale * size.h, 1));
    if (!p->cr) return NB_ENOMEM;
    cairo_scale(p->cr, scale, scale);
    draw(p);
    return nb_canvas_close(p->cr, NB_OK, image);
}

/* --- labels --- */

/* The caller's diagram with every text made valid UTF-8, in memory of a figure. */
static nb_status copy_texts(nb_figure *fig, const nb_diagram *d, nb_diagram *copy)
{
    nb_diagram_node *nodes = nb_figure_take(fig, d->node_count, sizeof *nodes);
    nb_diagram_edge *edges = nb_figure_take(fig, d->edge_count, sizeof *edges);
    for (size_t i = 0; nodes && i < d->node_count; i++) {
        nodes[i] = d->nodes[i];
        nodes[i].label = nb_figure_text(fig, d->nodes[i].label);
    }
    for (size_t e = 0; edges && e < d->edge_count; e++) {
        edges[e] = d->edges[e];
        edges[e].above = nb_figure_text(fig, d->edges[e].above);
        edges[e].below = nb_figure_text(fig, d->edges[e].below);
    }
    *copy = (nb_diagram){nodes, d->node_count, edges, d->edge_count};
    return nb_figure_status(fig);
}

nb_status nb_diagram_render(const nb_diagram *d, nb_image *image)
{
    nb_figure *fig;
    nb_diagram copy;
    picture p = {.d = &copy};
    *image = (nb_image){0};
    nb_status status = check(d);
    if (status) return status;
    status = nb_figure_create(&fig, 16, 16);
    if (status) return status;
    status = copy_texts(fig, d, &copy);
    if (!status) status = nb_layers_create(&p.layers, &copy);
    if (!status) {
        p.between = nb_figure_take(fig, p.layers.layer_count, sizeof *p.between);
        p.fan = nb_figure_take(fig, d->node_count, sizeof *p.fan);
        status = p.between && p.fan ? render(&p, image) : NB_ENOMEM;
    }
    nb_layers_destroy(&p.layers);
    nb_figure_destroy(fig);
    return status;
}

nb_status nb_diagram_save(const nb_diagram *d, const char *path, const nb_png_text *text)
{
    nb_image image;
    nb_status status = nb_diagram_render(d, &image);
    if (status) return status;
    status = nb_image_reduce(&image);
    if (!status) status = nb_png_save(&image, path, text);
    nb_image_destroy(&image);
    return status;
}

/* --- dot --- */

static void quoted(FILE *file, const char *text)
{
    putc('"', file);
    for (; text && *text; text++) {
        if (*text == '\n') {
            fputs("\\n", file);
            continue;
        }
        if (*text == '"' || *text == '\\') putc('\\', file);
        putc((unsigned char)*text < 0x20 ? ' ' : *text, file);
    }
    putc('"', file);
}

nb_status nb_diagram_dot(const nb_diagram *d, FILE *file)
{
    static const char *const shapes[] = {
        [NB_NODE_LEAF] = "box", [NB_NODE_OP] = "circle", [NB_NODE_RESULT] = "plaintext"};
    nb_status status = check(d);
    if (status) return status;
    fputs("digraph nablas {\n    rankdir=LR;\n", file);
    for (size_t i = 0; i < d->node_count; i++) {
        unsigned kind = (unsigned)d->nodes[i].kind;
        fprintf(file, "    n%zu [shape=%s, label=", i,
                kind <= NB_NODE_RESULT ? shapes[kind] : "box");
        quoted(file, d->nodes[i].label);
        fputs("];\n", file);
    }
    for (size_t e = 0; e < d->edge_count; e++) {
        const nb_diagram_edge *edge = &d->edges[e];
        fprintf(file, "    n%zu -> n%zu [label=", edge->from, edge->to);
        quoted(file, edge->above);
        if (edge->below) {
            fputs("];\n", file);
            fprintf(file,
                    "    n%zu -> n%zu [dir=back, color=\"#c0392b\", fontcolor=\"#c0392b\", label=",
                    edge->from, edge->to);
            quoted(file, edge->below);
        }
        fputs("];\n", file);
    }
    fputs("}\n", file);
    return ferror(file) ? nb_fail(NB_EIO, "nb_diagram_dot: cannot write") : NB_OK;
}

nb_status nb_diagram_save_dot(const nb_diagram *d, const char *path)
{
    nb_file file;
    nb_status status = nb_file_begin(&file, path);
    if (!status) status = nb_diagram_dot(d, file.stream);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    return status;
}
