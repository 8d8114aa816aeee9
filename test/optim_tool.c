/* optim_tool.c - 300 steps of an optimiser on a small network, for check_numpy_optim.py.
 *
 *     optim_tool TYPE SEED [coupled|decoupled|clipped|warm-up|cosine|batch-norm|
 *                           usual-batch-norm|dropout|inverted-dropout|both]
 *
 * x (64,20), then W1 (20,30) and W2 (30,5) by half, are drawn by randn from the seed, then masks;
 * biases are 0, the label of row i is i mod 5. Batch norm and dropout stand before and behind the
 * sigmoid. Prints the loss before each step, the loss of a predicting pass, then all parameters,
 * and the running mean and variance. */
#include "nablas/nablas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows = 64, inputs = 20, hidden = 30, classes = 5, steps = 300 };

static void draw(nb_random *random, double scale, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) x[i] = scale * nb_random_randn(random);
}

static nb_status options_of(const nb_optimizer_type *type, const char *way, nb_optimizer_options *o)
{
    nb_optimizer_defaults(type, o);
    if (strcmp(way, "plain") == 0) return NB_OK;
    if (strcmp(way, "coupled") == 0 || strcmp(way, "decoupled") == 0) {
        o->weight_decay = 0.01;
        o->decoupled = strcmp(way, "decoupled") == 0;
    } else if (strstr(way, "batch-norm") || strstr(way, "dropout") || strcmp(way, "both") == 0) {
        return NB_OK; /* the network's */
    } else if (strcmp(way, "clipped") == 0) {
        o->clip = 0.05;
    } else if (strcmp(way, "warm-up") == 0) {
        o->schedule =
            (nb_lr_schedule){.kind = NB_LR_STEPS, .warmup = 20, .every = 50, .factor = 0.5};
    } else if (strcmp(way, "cosine") == 0) {
        o->schedule =
            (nb_lr_schedule){.kind = NB_LR_COSINE, .warmup = 20, .total = 250, .floor = 0.1};
    } else {
        return nb_fail(NB_EINVAL, "optim_tool: '%s' is no way", way);
    }
    return NB_OK;
}

static nb_node *filled(nb_node *vector, double value)
{
    for (size_t j = 0; vector && j < hidden; j++) ((double *)nb_value(vector)->data)[j] = value;
    return vector;
}

/* The hidden layer: its parameters and state behind W1 and b1 are written to `more`. */
static nb_node *hidden_layer(nb_graph *g, const char *way, nb_node *a, nb_node *more[4])
{
    const bool both = strcmp(way, "both") == 0, usual = strncmp(way, "usual", 5) == 0;
    if (both || strstr(way, "batch-norm")) {
        const nb_shape shape = NB_SHAPE(hidden);
        more[0] = nb_parameter(g, "gamma", shape);
        more[1] = nb_parameter(g, "beta", shape);
        more[2] = nb_state(g, "mean", shape);
        more[3] = nb_state(g, "variance", shape);
        a = nb_batch_norm(a, more[0], more[1], more[2], more[3],
                          usual ? &nb_batch_norm_channels : &nb_batch_norm_book);
    }
    nb_node *z = nb_sigmoid(a);
    if (both || strstr(way, "dropout")) z = nb_dropout(z, 0.3, strncmp(way, "inv", 3) != 0);
    return z;
}

static nb_status predict(nb_graph *g, nb_node *loss)
{
    nb_status status = nb_graph_set_pass(g, (nb_pass){0});
    if (!status) status = nb_forward(loss);
    if (!status) printf("%.17g\n", nb_scalar(loss));
    return status;
}

static nb_status run(const nb_optimizer_type *type, uint32_t seed, const char *way)
{
    static double x[rows * inputs];
    static int32_t t[rows];
    nb_graph *g = NULL;
    nb_optimizer *o = NULL;
    nb_optimizer_options options;
    nb_random random;
    nb_random_seed(&random, seed);
    draw(&random, 1, rows * inputs, x);
    for (int32_t i = 0; i < rows; i++) t[i] = i % classes;
    nb_status status = nb_graph_create(&g, NB_FLOAT64);
    if (status) return status;
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, inputs)), *labels = nb_labels(g, "t");
    nb_node *W1 = nb_parameter(g, "W1", NB_SHAPE(inputs, hidden));
    nb_node *b1 = nb_parameter(g, "b1", NB_SHAPE(hidden));
    nb_node *W2 = nb_parameter(g, "W2", NB_SHAPE(hidden, classes));
    nb_node *b2 = nb_parameter(g, "b2", NB_SHAPE(classes));
    nb_node *more[4] = {NULL};
    nb_node *scores = nb_affine(hidden_layer(g, way, nb_affine(in, W1, b1), more), W2, b2);
    nb_node *loss = nb_softmax_cross_entropy(scores, labels, NB_BOOK_EPSILON);
    status = nb_graph_finish(g, rows);
    if (!status) status = options_of(type, way, &options);
    if (!status) status = nb_optimizer_create(&o, g, type, &options);
    if (!status) {
        const nb_tensor tx = nb_tensor_view(NB_FLOAT64, NB_SHAPE(rows, inputs), x);
        const nb_tensor tt = nb_tensor_view(NB_INT32, NB_SHAPE(rows), t);
        draw(&random, 0.5, inputs * hidden, nb_value(W1)->data);
        draw(&random, 0.5, hidden * classes, nb_value(W2)->data);
        filled(more[0], 1);
        if (strncmp(way, "usual", 5) == 0) filled(more[3], 1);
        status = nb_feed(in, &tx);
        if (!status) status = nb_feed(labels, &tt);
        const nb_pass training = {.training = true, .random = &random};
        if (!status) status = nb_graph_set_pass(g, training);
    }
    for (int step = 0; step < steps && !status; step++) {
        status = nb_forward(loss);
        if (!status) printf("%.17g\n", nb_scalar(loss));
        if (!status) status = nb_optimizer_step(o, loss);
    }
    if (!status) status = predict(g, loss);
    nb_node *const parameters[] = {W1, b1, W2, b2, more[0], more[1], more[2], more[3]};
    for (size_t i = 0; i < (more[0] ? 8 : 4) && !status; i++)
        for (size_t j = 0; j < nb_tensor_count(nb_value(parameters[i])); j++)
            printf("%.17g\n", ((double *)nb_value(parameters[i])->data)[j]);
    nb_optimizer_destroy(o);
    nb_graph_destroy(g);
    return status;
}

int main(int argc, char **argv)
{
    const nb_optimizer_type *type = argc > 2 ? nb_optimizer_find(argv[1]) : NULL;
    if (!type || argc > 4) {
        fprintf(stderr, "usage: optim_tool TYPE SEED [WAY]\n");
        return 2;
    }
    const uint32_t seed = (uint32_t)strtoul(argv[2], NULL, 10);
    nb_status status = run(type, seed, argc == 4 ? argv[3] : "plain");
    if (status) fprintf(stderr, "%s: %s\n", nb_status_text(status), nb_last_error());
    return status ? 1 : 0;
}
