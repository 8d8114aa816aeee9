/* simple_convnet - the book's SimpleConvNet (7.5): what each layer makes of an image, its parameters and
 * what it costs. Also the two other networks that the programs know. */
#include "common.h"
#include "convnets.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 28 };

/* Multiplications for one image: each number of the output is a sum over what one of its weights'
 * columns, or one filter, meets. */
static size_t products(nb_node *out, nb_node *W)
{
    const nb_tensor *weights = nb_value(W);
    const bool filters = weights->shape.ndim == 4;
    const size_t each = filters ? nb_tensor_width(weights) : weights->shape.dim[0];
    return nb_tensor_width(nb_value(out)) * each;
}

static void print_layer(nb_node *node, size_t *numbers, size_t *work)
{
    char shape[64], weights[64] = "", count[24] = "";
    nb_shape one = nb_value(node)->shape;
    memmove(one.dim, one.dim + 1, --one.ndim * sizeof *one.dim); /* of one image */
    nb_shape_text(one, shape, sizeof shape);
    for (size_t i = 1; i < nb_node_inputs(node); i++) {
        nb_node *in = nb_node_input(node, i);
        char text[48];
        if (!nb_node_is_parameter(in)) continue;
        const size_t n = nb_tensor_count(nb_value(in)), at = strlen(weights);
        nb_shape_text(nb_value(in)->shape, text, sizeof text);
        if (nb_value(in)->shape.ndim > 1) {
            snprintf(weights + at, sizeof weights - at, "%s %s", nb_node_name(in), text);
            *work += products(node, in);
        }
        *numbers += n;
        snprintf(count, sizeof count, "%zu", n + (size_t)strtoull(count, NULL, 10));
    }
    printf("%-14s %-14s %-20s %s\n", nb_node_op(node)->name, shape, weights, count);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"simple", "deep", "lenet5", NULL};
    static convnet (*const make[])(void) = {simple_convnet, deep_convnet, lenet5};
    page p;
    nb_model *model;
    const char *name = "simple";
    const page_option options[] = {{"net", "NAME", "simple, deep (8.1) or lenet5 (simple)", &name},
                                   {0}};
    page_begin_text(&p, argc, argv, "SimpleConvNet, layer by layer (7.5).", options);
    const convnet net = make[one_of(p.program, "--net", name, names)]();
    nb_model_options o = convnet_options(&net, SIDE, SIDE, NB_FLOAT32, NULL);
    o.max_batch = 100;
    page_check(&p, nb_model_create(&model, &o));

    size_t numbers = 0, work = 0;
    printf("%s\n%-14s %-14s %-20s %s\n%-14s (1, %d, %d)\n", net.name, "layer", "output", "weights",
           "numbers", "image", SIDE, SIDE);
    for (size_t i = 0; i <= nb_node_index(model->output); i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        if (nb_node_op(node)) print_layer(node, &numbers, &work);
    }
    printf("%zu numbers to learn; %.3g million multiplications for an image\n", numbers,
           (double)work / 1e6);
    nb_model_destroy(model);
    return page_end(&p);
}
