#include "nablas/picture.h"
#include "nablas/kernels.h"
#include "nablas/memory.h"
#include "nablas/text.h"

#include <stdio.h>
#include <string.h>

/* The text in a node, and above and below the edges that leave it. */
typedef struct texts {
    char label[64], value[64], derivative[64];
} texts;

/* The signs of the book for what has one; else the operation's name, a word to a line. */
static void label_of(const nb_node *node, char *label, size_t size)
{
    static const char *const signs[][2] = {
        {"add", "+"}, {"multiply", "\u00d7"}, {"matmul", "dot"}, {"sum", "\u03a3"}};
    const nb_op *op = nb_node_op(node);
    snprintf(label, size, "%s", op ? op->name : nb_node_name(node));
    if (!op) return;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strcmp(op->name, signs[i][0]) == 0) snprintf(label, size, "%s", signs[i][1]);
    for (char *at = label; *at; at++)
        if (*at == '_') *at = '\n';
}

/* The number or the shape of what is there; NULL where nothing is. */
static const char *text_of(const nb_tensor *t, char *text, size_t size)
{
    if (!t || !t->data) return NULL;
    const nb_kernels *kernels = nb_kernels_of(t->dtype);
    if (nb_tensor_count(t) == 1 && kernels)
        nb_snprintf(text, size, "%.6g", kernels->get(t->data, 0));
    else
        nb_shape_text(t->shape, text, size);
    return text;
}

/* place[i]: 1 + the place in the diagram of node i, 0 if the target does not need it. */
static void find_needed(nb_node *target, size_t *place, size_t *nodes, size_t *edges)
{
    const nb_graph *g = nb_node_graph(target);
    place[nb_node_index(target)] = 1;
    *nodes = *edges = 0;
    for (size_t i = nb_node_index(target) + 1; i-- > 0;) {
        const nb_node *node = nb_graph_node(g, i);
        if (!place[i]) continue;
        ++*nodes;
        *edges += nb_node_inputs(node);
        for (size_t k = 0; k < nb_node_inputs(node); k++)
            place[nb_node_index(nb_node_input(node, k))] = 1;
    }
    size_t next = 0;
    for (size_t i = 0; i <= nb_node_index(target); i++)
        if (place[i]) place[i] = ++next;
}

static nb_diagram_edge edge_of(nb_node *from, size_t at, size_t to, bool backward, texts *text)
{
    const nb_tensor *derivative = backward ? nb_gradient(from) : NULL;
    return (nb_diagram_edge){at, to, text_of(nb_value(from), text[at].value, sizeof text[at].value),
                             text_of(derivative, text[at].derivative, sizeof text[at].derivative)};
}

static void fill(nb_node *target, const size_t *place, bool backward, nb_diagram_node *node,
                 nb_diagram_edge *edge, texts *text)
{
    const nb_graph *g = nb_node_graph(target);
    const size_t last = nb_node_index(target), result = place[last];
    for (size_t i = 0; i <= last; i++) {
        if (!place[i]) continue;
        nb_node *to = nb_graph_node(g, i);
        const size_t at = place[i] - 1;
        label_of(to, text[at].label, sizeof text[at].label);
        node[at] = (nb_diagram_node){text[at].label, nb_node_op(to) ? NB_NODE_OP : NB_NODE_LEAF};
        for (size_t k = 0; k < nb_node_inputs(to); k++) {
            nb_node *from = nb_node_input(to, k);
            *edge++ = edge_of(from, place[nb_node_index(from)] - 1, at, backward, text);
        }
    }
    snprintf(text[result].label, sizeof text[result].label, "%s",
             nb_node_op(target) ? nb_node_name(target) : "");
    node[result] = (nb_diagram_node){text[result].label, NB_NODE_RESULT};
    *edge = edge_of(target, result - 1, result, backward, text);
}

nb_status nb_picture_create(nb_picture *picture, nb_node *target, bool backward)
{
    size_t nodes, edges;
    *picture = (nb_picture){0};
    if (!target) return nb_fail(NB_EINVAL, "nb_picture_create: target is NULL");
    size_t *place = nb_alloc_zero(nb_node_index(target) + 1, sizeof *place);
    if (!place) return NB_ENOMEM;
    find_needed(target, place, &nodes, &edges);
    nodes++, edges++; /* the result, and the edge to it */
    nb_diagram_node *node = picture->memory[0] = nb_alloc_zero(nodes, sizeof *node);
    nb_diagram_edge *edge = picture->memory[1] = nb_alloc_zero(edges, sizeof *edge);
    texts *text = picture->memory[2] = nb_alloc_zero(nodes, sizeof *text);
    if (node && edge && text) {
        fill(target, place, backward, node, edge, text);
        picture->diagram = (nb_diagram){node, nodes, edge, edges};
    }
    nb_free(place);
    if (picture->diagram.nodes) return NB_OK;
    nb_picture_destroy(picture);
    return NB_ENOMEM;
}

void nb_picture_destroy(nb_picture *picture)
{
    if (!picture) return;
    for (size_t i = 0; i < 3; i++) nb_free(picture->memory[i]);
    *picture = (nb_picture){0};
}
