/* two_layer_shapes - the book's TwoLayerNet with 100 hidden units, written out as a graph: shapes of
 * its parameters, of what it predicts and of its gradients (4.5.1). */
#include "common.h"
#include "print.h"

#include <math.h>

enum { INPUTS = 784, HIDDEN = 100, OUTPUTS = 10, BATCH = 100 };

typedef struct net {
    nb_graph *graph;
    nb_node *x, *t, *parameter[4], *y, *loss;
} net;

static void build(const page *p, net *n)
{
    page_check(p, nb_graph_create(&n->graph, NB_FLOAT64));
    nb_graph *g = n->graph;
    n->x = nb_input(g, "x", NB_SHAPE(NB_BATCH, INPUTS));
    n->t = nb_labels(g, "t");
    nb_node *W1 = n->parameter[0] = nb_parameter(g, "W1", NB_SHAPE(INPUTS, HIDDEN));
    nb_node *b1 = n->parameter[1] = nb_parameter(g, "b1", NB_SHAPE(HIDDEN));
    nb_node *W2 = n->parameter[2] = nb_parameter(g, "W2", NB_SHAPE(HIDDEN, OUTPUTS));
    nb_node *b2 = n->parameter[3] = nb_parameter(g, "b2", NB_SHAPE(OUTPUTS));
    nb_node *scores = nb_affine(nb_sigmoid(nb_affine(n->x, W1, b1)), W2, b2);
    n->y = nb_softmax(scores);
    n->loss = nb_softmax_cross_entropy(scores, n->t, NB_BOOK_EPSILON);
    page_check(p, nb_graph_finish(g, BATCH));
}

static void print_shape(const char *what, const char *name, const nb_tensor *t)
{
    char shape[64];
    printf("%s['%s'].shape = %s", what, name, nb_shape_text(t->shape, shape, sizeof shape));
}

/* np.random.rand(100, 784) and np.random.rand(100, 10): the label of a row of the latter is where
 * it is largest, as in the book's cross_entropy_error. */
static void draw_data(nb_random *random, nb_tensor *x, nb_tensor *t)
{
    for (size_t i = 0; i < BATCH * INPUTS; i++) ((double *)x->data)[i] = nb_random_rand(random);
    for (size_t i = 0; i < BATCH; i++) {
        double row[OUTPUTS];
        for (int k = 0; k < OUTPUTS; k++) row[k] = nb_random_rand(random);
        ((int32_t *)t->data)[i] = (int32_t)nb_dargmax(OUTPUTS, row);
    }
}

/* By differences, as chapter 4 has it, and by backpropagation. */
static void print_gradients(const page *p, const net *n)
{
    page_check(p, nb_forward(n->loss));
    printf("loss = %s\n\n", repr(nb_scalar(n->loss)));
    page_check(p, nb_backward(n->loss));
    for (int i = 0; i < 4; i++) {
        const nb_tensor *exact = nb_gradient(n->parameter[i]);
        nb_tensor numerical;
        double largest = 0;
        page_check(p, nb_tensor_create(&numerical, NB_FLOAT64, exact->shape));
        page_check(
            p, nb_graph_numerical_gradient(n->loss, n->parameter[i], NB_NUMERICAL_H, &numerical));
        for (size_t k = 0; k < nb_tensor_count(exact); k++)
            largest = fmax(largest, fabs(((const double *)numerical.data)[k] -
                                         ((const double *)exact->data)[k]));
        print_shape("grads", nb_node_name(n->parameter[i]), &numerical);
        printf(", by backpropagation the same within %.1e\n", largest);
        nb_tensor_destroy(&numerical);
    }
}

int main(int argc, char **argv)
{
    page p;
    const uint32_t seed = 0;
    page_begin_text(&p, argc, argv,
                    "TwoLayerNet with 100 hidden units: shapes, predict, grads (4.5.1).", NULL);

    net n;
    nb_random random;
    nb_tensor x, t;
    build(&p, &n);
    nb_random_seed(&random, seed);
    for (int i = 0; i < 4; i++) {
        const nb_tensor *value = nb_value(n.parameter[i]);
        print_shape("params", nb_node_name(n.parameter[i]), value);
        putchar('\n');
        for (size_t k = 0; i % 2 == 0 && k < nb_tensor_count(value); k++)
            ((double *)value->data)[k] = 0.01 * nb_random_randn(&random);
    }

    page_check(&p, nb_tensor_create(&x, NB_FLOAT64, NB_SHAPE(BATCH, INPUTS)));
    page_check(&p, nb_tensor_create(&t, NB_INT32, NB_SHAPE(BATCH)));
    draw_data(&random, &x, &t);
    page_check(&p, nb_feed(n.x, &x));
    page_check(&p, nb_feed(n.t, &t));
    page_check(&p, nb_forward(n.y));
    char shape[64];
    printf("\ny = predict(x), y.shape = %s\n",
           nb_shape_text(nb_value(n.y)->shape, shape, sizeof shape));
    print_array("y[0][:5]", 5, nb_value(n.y)->data);
    print_gradients(&p, &n);

    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_graph_destroy(n.graph);
    return page_end(&p);
}
