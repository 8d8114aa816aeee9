#include "graphs.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- nodes ------------------------------------------------------------------------------------ */

static nb_status plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static const double factor[] = {
    [TIMES_TWO] = 2, [TIMES_TAX] = 1.1, [TIMES_GIVEN] = 1.3, [TIMES_MINUS] = -1};

static double value_of(elementary which, double x)
{
    if (which <= TIMES_MINUS) return x * factor[which];
    if (which == PLUS_ONE) return x + 1;
    if (which == SQUARE) return x * x;
    if (which == EXPONENTIAL) return exp(x);
    return which == LOGARITHM ? log(x) : 1 / x;
}

/* dy/dx, y being the value at x (5.5.2). */
static double slope_of(elementary which, double x, double y)
{
    if (which <= TIMES_MINUS) return factor[which];
    if (which == PLUS_ONE) return 1;
    if (which == SQUARE) return 2 * x;
    if (which == EXPONENTIAL) return y;
    return which == LOGARITHM ? 1 / x : -y * y;
}

static nb_status forward(const nb_call *c, size_t lo, size_t hi)
{
    const elementary *which = c->config;
    const size_t width = nb_tensor_width(c->out);
    for (size_t k = lo * width; k < hi * width; k++)
        c->kernels->set(c->out->data, k, value_of(*which, c->kernels->get(c->in[0]->data, k)));
    return NB_OK;
}

static nb_status backward(const nb_call *c, size_t lo, size_t hi)
{
    const elementary *which = c->config;
    const size_t width = nb_tensor_width(c->out);
    for (size_t k = lo * width; k < hi * width; k++) {
        const double x = c->kernels->get(c->in[0]->data, k), y = c->kernels->get(c->out->data, k);
        const double dy = c->kernels->get(c->dout->data, k);
        const double old = c->beta == 0 ? 0 : c->beta * c->kernels->get(c->din->data, k);
        c->kernels->set(c->din->data, k, slope_of(*which, x, y) * dy + old);
    }
    return NB_OK;
}

nb_node *elementary_node(elementary which, nb_node *x)
{
#define OP(text)                                                                          \
    {                                                                                     \
        .name = (text), .inputs = 1, .config = sizeof(elementary), .promises = NB_BY_ROW, \
        .plan = plan, .forward = {{forward, NB_ROWS, 0, false}}, .backward = {            \
            {backward, NB_INPUT_ROWS, 0, false}                                           \
        }                                                                                 \
    }
    static const nb_op ops[] = {
        [TIMES_TWO] = OP("×2"),      [TIMES_TAX] = OP("×1.1"), [TIMES_GIVEN] = OP("×1.3"),
        [TIMES_MINUS] = OP("×(−1)"), [PLUS_ONE] = OP("+1"),    [SQUARE] = OP("**2"),
        [EXPONENTIAL] = OP("exp"),   [LOGARITHM] = OP("log"),  [RECIPROCAL] = OP("1/x")};
#undef OP
    return nb_apply(&ops[which], &which, &x);
}

void set_values(nb_node *parameter, const double *values)
{
    nb_tensor *t = nb_value(parameter);
    memcpy(t->data, values, nb_tensor_count(t) * sizeof *values);
}

/* --- what is seen ----------------------------------------------------------------------------- */

void run_graph(const page *p, nb_node *target)
{
    const nb_graph *g = nb_node_graph(target);
    page_check(p, nb_forward(target));
    page_check(p, nb_backward(target));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        const nb_tensor *value = nb_value(node), *derivative = nb_gradient(node);
        const char *name = nb_node_name(node);
        char line[64];
        if (!*name) continue;
        if (nb_tensor_count(value) == 1) {
            printf("  %-14s %-20s", name, repr(*(const double *)value->data));
            if (derivative) printf(" derivative %s", repr(*(const double *)derivative->data));
            putchar('\n');
            continue;
        }
        snprintf(line, sizeof line, "  %s", name);
        print_tensor(line, value);
        snprintf(line, sizeof line, "  d%s", name);
        if (derivative) print_tensor(line, derivative);
    }
}

enum { SHOWN = 12, LONGEST = 192 }; /* elements of an array in a picture, and their text */

/* Its numbers, "[1 2] [3 4]" for two rows; NULL: there is none, or too many. */
static const char *numbers(const nb_tensor *t, char text[LONGEST])
{
    if (!t || !t->data || t->dtype != NB_FLOAT64 || nb_tensor_count(t) > SHOWN) return NULL;
    const double *x = t->data;
    const size_t n = nb_tensor_count(t), cols = t->shape.ndim ? t->shape.dim[t->shape.ndim - 1] : n;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const char *before = i % cols ? " " : !t->shape.ndim ? "" : i ? "] [" : "[";
        used += (size_t)snprintf(text + used, LONGEST - used, "%s%.4g", before,
                                 x[i] == 0 ? 0 : x[i]); /* not -0 */
    }
    if (t->shape.ndim) snprintf(text + used, LONGEST - used, "]");
    return text;
}

/* Another edge after `e` comes from the same node: that one will carry the texts. */
static bool comes_again(const nb_diagram *d, size_t e)
{
    for (size_t k = e + 1; k < d->edge_count; k++)
        if (d->edges[k].from == d->edges[e].from) return true;
    return false;
}

void draw_graph(const page *p, nb_node *target, const char *part, const char *title)
{
    const nb_graph *g = nb_node_graph(target);
    nb_picture picture;
    page_check(p, nb_picture_create(&picture, target, true));
    nb_diagram d = picture.diagram;
    nb_diagram_edge *edges = calloc(d.edge_count, sizeof *edges);
    char(*text)[2][LONGEST] = calloc(d.edge_count, sizeof *text);
    if (!edges || !text) exit(EXIT_FAILED);
    for (size_t e = 0; e < d.edge_count; e++) {
        /* The node at the same place: true where the target needs all that the graph has. */
        nb_node *from = nb_graph_node(g, d.edges[e].from);
        const char *above = numbers(nb_value(from), text[e][0]);
        const char *below = numbers(nb_gradient(from), text[e][1]);
        edges[e] = d.edges[e];
        if (above) edges[e].above = above;
        if (below && edges[e].below) edges[e].below = below;
        if (!comes_again(&d, e)) continue;
        edges[e].above = NULL;
        if (edges[e].below) edges[e].below = ""; /* the arrow back stays */
    }
    d.edges = edges;
    const nb_png_text about = page_text(p, title);
    page_check(p, nb_diagram_save(&d, page_path(p, part, "png"), &about));
    page_check(p, nb_diagram_save_dot(&d, page_path(p, part, "dot")));
    free(text);
    free(edges);
    nb_picture_destroy(&picture);
}
