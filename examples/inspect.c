/* inspect - what a model's file holds: layers, shapes, parameters, how inputs are made, classes, how it was
 * trained. */
#include "display.h"
#include "own_model.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

/* --- layers ----------------------------------------------------------------------------------- */

/* How many arrays of the graph, parameters or state, belong to a layer. */
static size_t arrays_of(const nb_layer *l)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        return l->bias ? 2 : 1;
    case NB_LAYER_CONVOLUTION:
    case NB_LAYER_STANDARDIZE:
        return 2;
    case NB_LAYER_BATCH_NORM:
        return 4;
    default:
        return 0;
    }
}

/* The next array of the graph from node *at on, or NULL. */
static nb_node *next_array(const nb_model *m, size_t *at)
{
    while (*at < nb_graph_nodes(m->graph)) {
        nb_node *node = nb_graph_node(m->graph, (*at)++);
        const nb_role role = nb_node_role(node);
        if (role == NB_PARAMETER || role == NB_STATE) return node;
    }
    return NULL;
}

static void print_layers(display *d, const nb_model *m)
{
    size_t at = 0, parameters = 0;
    for (size_t i = 0; i < m->options.layers.count; i++) {
        const nb_layer *l = &m->options.layers.layer[i];
        char text[128], line[1024], shape[64];
        layer_text(l, text);
        int used = nb_snprintf(line, sizeof line, "%4zu  %s", i + 1, text);
        for (size_t k = 0; k < arrays_of(l); k++) {
            nb_node *node = next_array(m, &at);
            if (!node) break;
            const nb_tensor *value = nb_value(node);
            used +=
                nb_snprintf(line + used, sizeof line - (size_t)used, "%s %s %s", k ? "," : ":",
                            nb_node_name(node), nb_shape_text(value->shape, shape, sizeof shape));
            if (nb_node_is_parameter(node)) parameters += nb_tensor_count(value);
        }
        show_line(d, "%s", line);
    }
    show_line(d, "parameters: %zu, %s", parameters, nb_dtype_name(nb_graph_dtype(m->graph)));
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Quotes for a name that a list of names would break in two. */
static const char *quote(const char *name)
{
    return strpbrk(name, ",\"") ? "'" : "";
}

static void print_column(display *d, const nb_recipe_column *c, bool raw)
{
    char line[2048];
    int used = nb_snprintf(line, sizeof line, "  %.200s: ", c->name);
    const size_t room = sizeof line - (size_t)used;
    if (c->use == NB_USE_TARGET) return;
    if (c->use != NB_USE_INPUT) {
        nb_snprintf(line + used, room, "not used (%s)", nb_column_use_text(c->use));
    } else if (c->type == NB_COLUMN_NUMBER) {
        nb_snprintf(line + used, room, raw ? "number" : "number, mean %.6g, deviation %.6g",
                    c->mean, c->deviation);
    } else {
        used += nb_snprintf(line + used, room, "category:");
        for (size_t k = 0; k < c->levels.count && (size_t)used < sizeof line - 64; k++)
            used +=
                nb_snprintf(line + used, sizeof line - (size_t)used, "%s %s%s%s", k ? "," : "",
                            quote(c->levels.text[k]), c->levels.text[k], quote(c->levels.text[k]));
    }
    show_line(d, "%s", line);
}

static void print_names(display *d, const char *what, size_t count, const char *const *name)
{
    char line[2048];
    int used = nb_snprintf(line, sizeof line, "%s:", what);
    for (size_t c = 0; c < count; c++) {
        if ((size_t)used > sizeof line - 300) {
            used +=
                nb_snprintf(line + used, sizeof line - (size_t)used, ", and %zu more", count - c);
            break;
        }
        used += nb_snprintf(line + used, sizeof line - (size_t)used, "%s %s%.200s%s", c ? "," : "",
                            quote(name[c]), name[c], quote(name[c]));
    }
    show_line(d, "%s", line);
}

static void print_recipe(display *d, const page *p, const nb_model *m)
{
    static const char *const missings[] = {"the mean", "the row is left out", "an error"};
    const char *text = nb_model_text(m, NB_RECIPE_KEY);
    nb_recipe r;
    if (!text) return;
    if (nb_recipe_read(&r, text, p->rest[0])) fail(p->program);
    show_line(d, "predicts: %s%s", r.column[r.target].name,
              r.learns_classes ? ", a class" : ", a number");
    if (!r.learns_classes)
        show_line(d, "  mean %.6g, deviation %.6g in training", r.target_mean, r.target_deviation);
    show_line(d, "columns: %zu, a missing cell: %s", r.columns, missings[r.missing]);
    for (size_t j = 0; j < r.columns; j++) print_column(d, &r.column[j], r.raw);
    nb_recipe_destroy(&r);
}

int main(int argc, char **argv)
{
    page p;
    display d;
    nb_model *m;
    char shape[64];
    page_begin_text(&p, argc, argv,
                    "What is in a model's file: layers, parameters, columns, classes, training.",
                    (const page_option[]){{NULL, "MODEL", NULL, NULL}});
    if (!p.rest[0] || p.rest[1])
        usage_error(p.program, "expected one MODEL%s%s", p.rest[0] ? ", not also " : "",
                    p.rest[0] ? p.rest[1] : "");
    if (nb_model_open(&m, p.rest[0], NULL)) fail(p.program);
    show_begin(&d);
    show_line(&d, "input: %s%s", nb_shape_text(m->options.input, shape, sizeof shape),
              m->options.scale > 1 ? ", divided by 255" : "");
    print_layers(&d, m);
    show_line(&d, "loss: %s", nb_loss_name(m->options.loss));
    if (m->options.classes) print_names(&d, "classes", m->outputs, m->options.classes);
    print_recipe(&d, &p, m);
    const char *training = nb_model_text(m, OWN_TRAINING);
    if (training) {
        show_line(&d, "how it was trained");
        show_lines(&d, training);
    }
    nb_model_destroy(m);
    return page_end(&p);
}
