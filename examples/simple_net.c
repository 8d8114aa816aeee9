/* simple_net - the gradient of a loss with respect to weights (4.4.2). */
#include "common.h"
#include "print.h"

#include <string.h>

/* The weights that the book drew, and those of another run of it. The book's own printed loss is
 * that of the exact logarithm; the other run added 1e-7 inside, as the book's code does. */
static const struct run {
    const char *name;
    double epsilon, W[6];
} runs[2] = {
    {"the book's weights, exact logarithm",
     NB_EXACT_LOG,
     {0.47355232, 0.9977393, 0.84668094, 0.85557411, 0.03563661, 0.69422093}},
    {"other weights, 1e-7 inside the logarithm",
     NB_BOOK_EPSILON,
     {-0.31211728, 0.81783696, 1.0369602, -0.35531326, -0.40729509, 1.30223118}},
};

static void draw(const page *p, nb_node *loss)
{
    nb_picture picture;
    const nb_png_text text = page_text(p, "simpleNet");
    page_check(p, nb_picture_create(&picture, loss, true));
    page_check(p, nb_diagram_save(&picture.diagram, page_path(p, NULL, "png"), &text));
    nb_picture_destroy(&picture);
}

/* p = x W, its softmax and the cross entropy with t. */
static void show(const page *p, const struct run *run, const nb_tensor *x, const nb_tensor *t)
{
    nb_model *net;
    page_check(
        p, nb_model_create(&net, &(nb_model_options){.input = NB_SHAPE(2),
                                                     .layers = NB_LAYERS(nb_dense_without_bias(3)),
                                                     .epsilon = run->epsilon,
                                                     .dtype = NB_FLOAT64,
                                                     .max_batch = 1}));
    nb_node *W = nb_model_parameter(net, "W1");
    memcpy(nb_value(W)->data, run->W, sizeof run->W);
    printf("%s\n", run->name);
    print_matrix("W", 2, 3, nb_value(W)->data);

    double score[3], loss;
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), score);
    page_check(p, nb_model_scores(net, x, &y));
    print_array("p", 3, score);
    printf("np.argmax(p) = %zu\n", nb_dargmax(3, score));
    page_check(p, nb_model_loss(net, x, t, &loss));
    printf("loss = %s\n", repr(loss));

    page_check(p, nb_model_numerical_gradient(net, x, t, NB_NUMERICAL_H));
    print_matrix("dW", 2, 3, nb_gradient(W)->data);
    page_check(p, nb_model_gradient(net, x, t));
    print_matrix("dW by backpropagation", 2, 3, nb_gradient(W)->data);
    if (run == runs) draw(p, net->label_loss);
    nb_model_destroy(net);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "simpleNet: prediction, loss, gradient of the loss (4.4.2).", NULL);

    int32_t label = 2;
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), (double[]){0.6, 0.9});
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    show(&p, &runs[0], &x, &t);
    putchar('\n');
    show(&p, &runs[1], &x, &t);
    return page_end(&p);
}
