/* layers - ReLU, sigmoid, affine and softmax with loss as graphs: values forward, derivatives
 * backward (5.5, 5.6; softmax with loss node by node: appendix A). */
#include "graphs.h"
#include "print.h"

#include <math.h>

static nb_graph *begin(const page *p, const char *title)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    printf("%s\n", title);
    return g;
}

/* Derivatives pass only where the input was positive (5.5.1). */
static void relu(const page *p)
{
    nb_graph *g = begin(p, "relu");
    nb_node *x = nb_parameter(g, "x", NB_SHAPE(2, 2));
    nb_node *L = nb_name(nb_sum(nb_name(nb_relu(x), "y")), "L");
    page_check(p, nb_graph_finish(g, 1));
    set_values(x, (double[]){1.0, -0.5, -2.0, 3.0});
    run_graph(p, L);
    draw_graph(p, L, "relu", "the ReLU layer");
    nb_graph_destroy(g);
}

/* y = 1 / (1 + exp(-x)), node by node, and as one node whose derivative is y (1 - y) (5.5.2). */
static void sigmoid(const page *p)
{
    const double at = 0.5;
    nb_graph *g = begin(p, "\nsigmoid, node by node");
    nb_node *x = nb_parameter(g, "x", NB_SCALAR);
    nb_node *minus = nb_name(elementary_node(TIMES_MINUS, x), "-x");
    nb_node *power = nb_name(elementary_node(EXPONENTIAL, minus), "exp(-x)");
    nb_node *below = nb_name(elementary_node(PLUS_ONE, power), "1 + exp(-x)");
    nb_node *y = nb_name(elementary_node(RECIPROCAL, below), "y");
    page_check(p, nb_graph_finish(g, 1));
    set_values(x, &at);
    run_graph(p, y);
    draw_graph(p, y, "sigmoid_nodes", "the sigmoid layer, node by node");
    nb_graph_destroy(g);

    g = begin(p, "\nsigmoid, one node");
    x = nb_parameter(g, "x", NB_SCALAR);
    y = nb_name(nb_sigmoid(x), "y");
    page_check(p, nb_graph_finish(g, 1));
    set_values(x, &at);
    run_graph(p, y);
    printf("  y (1 - y) = %s\n", repr(nb_scalar(y) * (1 - nb_scalar(y))));
    draw_graph(p, y, "sigmoid", "the sigmoid layer");
    nb_graph_destroy(g);
}

/* Y = X W + B for two samples. B is added to each row of X W, so dB is the sum of dY's rows
 * (5.6.2, with the book's X W, B and dY). */
static void affine(const page *p)
{
    nb_graph *g = begin(p, "\naffine, two samples");
    nb_node *X = nb_parameter(g, "X", NB_SHAPE(2, 2)), *W = nb_parameter(g, "W", NB_SHAPE(2, 3));
    nb_node *B = nb_parameter(g, "B", NB_SHAPE(3));
    nb_node *Y = nb_name(nb_affine(X, W, B), "Y");
    nb_node *dY = nb_input(g, "given dY", NB_SHAPE(2, 3));
    nb_node *L = nb_name(nb_sum(nb_multiply(Y, dY)), "L");
    page_check(p, nb_graph_finish(g, 1));
    set_values(X, (double[]){0, 0, 4, 6});
    set_values(W, (double[]){1, 1, 1, 1, 1, 1});
    set_values(B, (double[]){1, 2, 3});
    const nb_tensor given =
        nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 3), (double[]){1, 2, 3, 4, 5, 6});
    page_check(p, nb_feed(dY, &given));
    run_graph(p, L);
    draw_graph(p, L, "affine", "the affine layer");
    nb_graph_destroy(g);
}

/* As one node of the library: its derivative is y - t (5.6.3, with the book's y and t). */
static void softmax_with_loss(const page *p, const double *y, const char *part, const char *title)
{
    nb_graph *g = begin(p, title);
    nb_node *a = nb_parameter(g, "a", NB_SHAPE(1, 3)), *t = nb_input(g, "t", NB_SHAPE(1, 3));
    nb_node *L = nb_name(nb_softmax_cross_entropy(a, t, NB_EXACT_LOG), "L");
    page_check(p, nb_graph_finish(g, 1));
    double target[3] = {0, 1, 0};
    double scores[3], probabilities[3], difference[3];
    for (int k = 0; k < 3; k++) scores[k] = y[k] > 0 ? log(y[k]) : -800; /* e^-800 is 0 */
    set_values(a, scores);
    const nb_tensor truth = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), target);
    page_check(p, nb_feed(t, &truth));
    run_graph(p, L);
    page_check(p, nb_dsoftmax(1, 3, scores, 3, probabilities, 3));
    for (int k = 0; k < 3; k++) difference[k] = probabilities[k] - target[k];
    print_array("  y", 3, probabilities);
    print_array("  y - t", 3, difference);
    if (part) draw_graph(p, L, part, "the softmax layer with loss");
    nb_graph_destroy(g);
}

/* The same of elementary nodes, for t = (0, 0, 1): L = -log y3, y3 = exp(a3) / S (appendix A). */
static void softmax_nodes(const page *p)
{
    static const double scores[3] = {0.3, 2.9, 4.0};
    nb_graph *g = begin(p, "\nsoftmax with loss, node by node");
    nb_node *a[3], *power[3];
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "a%d", k + 1);
        a[k] = nb_parameter(g, name, NB_SCALAR);
        snprintf(name, sizeof name, "exp(a%d)", k + 1);
        power[k] = nb_name(elementary_node(EXPONENTIAL, a[k]), name);
    }
    nb_node *sum = nb_name(nb_add(power[0], nb_add(power[1], power[2])), "S");
    nb_node *share = nb_name(elementary_node(RECIPROCAL, sum), "1/S");
    nb_node *y3 = nb_name(nb_multiply(power[2], share), "y3");
    nb_node *log_y = nb_name(elementary_node(LOGARITHM, y3), "log y3");
    nb_node *L = nb_name(elementary_node(TIMES_MINUS, log_y), "L");
    page_check(p, nb_graph_finish(g, 1));
    for (int k = 0; k < 3; k++) set_values(a[k], &scores[k]);
    run_graph(p, L);

    double y[3];
    page_check(p, nb_dsoftmax(1, 3, scores, 3, y, 3));
    y[2] -= 1;
    print_array("  y - t", 3, y);
    draw_graph(p, L, "softmax_nodes", "the softmax layer with loss, node by node");
    nb_graph_destroy(g);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Layers as graphs, with values and derivatives (5.5, 5.6).", NULL);
    relu(&p);
    sigmoid(&p);
    affine(&p);
    softmax_with_loss(&p, (double[]){0.3, 0.2, 0.5}, "softmax_with_loss",
                      "\nsoftmax with loss, y = (0.3, 0.2, 0.5)");
    softmax_with_loss(&p, (double[]){0.01, 0.99, 0}, NULL,
                      "\nsoftmax with loss, y = (0.01, 0.99, 0)");
    softmax_nodes(&p);
    return page_end(&p);
}
