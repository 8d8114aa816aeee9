/* half_float_network - the book's half_float_network.py (8.3.4): DeepConvNet with weights and images kept
 * in 16 bits. Arithmetic is in float64, so only the rounding of what is stored shows. */
#include "convnet_weights.h"
#include "print.h"

/* Keep an array in halves, and take it out again. */
static void round_to_half(const page *p, const nb_tensor *t)
{
    const size_t n = nb_tensor_count(t);
    uint16_t *half = nb_alloc(n, sizeof *half);
    if (!half) fail(p->program);
    nb_half_pack(n, t->data, half);
    nb_half_unpack(n, half, t->data);
    nb_free(half);
}

static void report(const page *p, nb_model *net, const nb_dataset *test, const nb_tensor *x,
                   const char *name, size_t bytes)
{
    const size_t n = nb_tensor_height(x);
    const uint8_t *label = test->t.data;
    size_t right = 0, numbers = 0;
    double scores[NB_MNIST_CLASSES];
    uint8_t *said = nb_alloc(n, 1);
    if (!said) fail(p->program);
    answers_of(p, net, x, said);
    for (size_t i = 0; i < n; i++) right += said[i] == label[i];
    nb_free(said);
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (nb_node_is_parameter(node)) numbers += nb_tensor_count(nb_value(node));
    }
    printf("%-8s %zu of %zu right, %.4f; weights of %zu bytes\n", name, right, n,
           (double)right / (double)n, numbers * bytes);
    const nb_tensor first = nb_tensor_rows(x, 0, 1);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, NB_MNIST_CLASSES), scores);
    page_check(p, nb_model_scores(net, &first, &y));
    printf("  scores of image 0:\n");
    for (int c = 0; c < NB_MNIST_CLASSES; c++)
        printf("%s%s%s", c % 3 ? ", " : "    ", repr(scores[c]),
               c % 3 == 2 || c == NB_MNIST_CLASSES - 1 ? "\n" : "");
}

int main(int argc, char **argv)
{
    page p;
    nb_mnist mnist;
    const char *data = NULL, *weights = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "of a convolutional net (the book's DeepConvNet, or learnt first)",
         &weights},
        {0}};
    page_begin(&p, argc, argv, "DeepConvNet in half precision (8.3.4).", options);
    load_mnist(&p, data, &mnist);
    const convnet deep = deep_convnet();
    nb_model *net =
        trained_convnet(&p, &mnist, weights, &deep, "deep_convnet_params.pkl", 1, NB_FLOAT64);
    nb_tensor x = images_of(&p, net, &mnist.test);
    report(&p, net, &mnist.test, &x, "float64", sizeof(double));
    round_to_half(&p, &x);
    for (size_t i = 0; i < nb_graph_nodes(net->graph); i++) {
        nb_node *node = nb_graph_node(net->graph, i);
        if (nb_node_is_parameter(node)) round_to_half(&p, nb_value(node));
    }
    report(&p, net, &mnist.test, &x, "float16", sizeof(uint16_t));
    nb_tensor_destroy(&x);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
