/* The gradient checks of `textbook`: 5.7.3, batch norm's (6.3), and that of chapter 7. */
#include "chapter6.h"
#include "compare.h"
#include "convnets.h"
#include "textbook_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean absolute difference of one parameter's gradients. The book's differences are of the loss
 * itself, and so is their rounding error: the definition, not the faster way. */
static double mean_difference(const page *p, nb_node *loss, nb_node *parameter)
{
    const nb_tensor *analytic = nb_gradient(parameter);
    const size_t count = nb_tensor_count(analytic);
    const double *b = analytic->data;
    nb_tensor numerical;
    double sum = 0;
    page_check(p, nb_tensor_create(&numerical, NB_FLOAT64, analytic->shape));
    page_check(p, nb_graph_numerical_gradient_brute(loss, parameter, NB_NUMERICAL_H, &numerical));
    for (size_t i = 0; i < count; i++) sum += fabs(((const double *)numerical.data)[i] - b[i]);
    nb_tensor_destroy(&numerical);
    return sum / (double)count;
}

/* The book's mean of one parameter, and how it is compared. */
typedef struct difference {
    const char *parameter, *book;
    void (*rule)(const char *section, const char *what, const char *book, double ours);
} difference;

/* 0 on both sides, but for the rounding of the losses: 4.4e-16 / 2e-4 for each element. */
static void zero(const char *section, const char *what, const char *book, double ours)
{
    within(section, what, book, ours, "zero", 4.4e-16 / 2e-4);
}

/* After a forward and a backward pass. Rows end with a NULL parameter. */
static void differences(const page *p, const char *section, const char *check, const nb_model *net,
                        nb_node *loss, const difference *row)
{
    for (; row->parameter; row++) {
        char what[64];
        nb_node *parameter = nb_model_parameter(net, row->parameter);
        snprintf(what, sizeof what, "%s: %s", check, row->parameter);
        row->rule(section, what, row->book, mean_difference(p, loss, parameter));
    }
}

/* --- 5.7.3 ------------------------------------------------------------------------------------ */

/* Backpropagation against differences on three images. */
static void two_layers(const page *p, const nb_mnist *mnist, double epsilon, const char *check,
                       const difference *rows)
{
    nb_model *net;
    nb_random random;
    nb_tensor x, t;
    nb_node *loss;
    nb_random_seed(&random, 0);
    page_check(p, nb_model_create(
                      &net, &(nb_model_options){
                                .input = NB_SHAPE(784),
                                .layers = NB_LAYERS(nb_dense(50), nb_act(NB_RELU), nb_dense(10)),
                                .epsilon = epsilon,
                                .dtype = NB_FLOAT64,
                                .max_batch = 3,
                                .random = &random,
                                .init = NB_INIT_STD,
                                .std = 0.01}));
    first_images(p, mnist, 3, &x, &t);
    page_check(p, nb_model_gradient(net, &x, &t));
    page_check(p, nb_model_feed(net, &x, &t, &loss));
    differences(p, "5.7.3", check, net, loss, rows);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
}

void gradient_checks_5(const page *p, const nb_mnist *mnist)
{
    /* Without the 1e-7 only b2's is more than rounding: h^2/6 f'''. */
    static const difference exact_log[] = {{"W1", "2.55e-13", noise},
                                           {"b1", "7.60e-13", noise},
                                           {"W2", "8.53e-13", noise},
                                           {"b2", "1.20e-10", digits},
                                           {0}};
    static const difference books_log[] = {{"W1", "4.6e-10", digits},
                                           {"b1", "2.8e-09", digits},
                                           {"W2", "6.1e-09", digits},
                                           {"b2", "1.4e-07", digits},
                                           {0}};
    two_layers(p, mnist, NB_EXACT_LOG, "gradient check, exact log", exact_log);
    two_layers(p, mnist, NB_BOOK_EPSILON, "gradient check, 1e-7 in log", books_log);
}

/* --- 6.3 -------------------------------------------------------------------------------------- */

void gradient_check_6(const page *p, const nb_mnist *mnist)
{
    enum { IMAGES = 5 };
    /* Batch norm takes b1 and b2 away. */
    static const difference rows[] = {{"b1", "2.22e-13", zero},      {"gamma1", "8.47e-08", digits},
                                      {"beta1", "6.89e-08", digits}, {"W2", "4.84e-08", digits},
                                      {"b2", "2.22e-13", zero},      {"gamma2", "7.53e-08", digits},
                                      {"beta2", "8.44e-08", digits}, {"W3", "6.21e-08", digits},
                                      {"b3", "9.92e-08", digits},    {0}};
    nb_random random;
    nb_tensor x, t;
    nb_node *loss;
    nb_random_seed(&random, 0);
    first_images(p, mnist, IMAGES, &x, &t);
    nb_model *net = batch_norm_net_create(p, nb_tensor_width(&x), IMAGES, &random);
    page_check(p, nb_graph_set_pass(net->graph, (nb_pass){.training = true, .random = &random}));
    page_check(p, nb_model_feed(net, &x, &t, &loss));
    page_check(p, nb_forward(loss));
    sum("6.3", "batch norm: loss, training", "2.251225547207544", nb_scalar(loss));
    page_check(p, nb_backward(loss));
    differences(p, "6.3", "batch norm, gradient check", net, loss, rows);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_model_destroy(net);
}

/* --- chapter 7 -------------------------------------------------------------------------------- */

/* A SimpleConvNet for images of 10 x 10, with 10 filters of 3 x 3 and 10 hidden units. */
static nb_model *small_convnet(const page *p, nb_random *random)
{
    convnet small = simple_convnet();
    nb_model *net;
    small.layer[0] = nb_conv(10, 3, 1, 0);
    small.layer[3] = nb_dense(10);
    nb_model_options options = convnet_options(&small, 10, 10, NB_FLOAT64, random);
    options.max_batch = 1;
    page_check(p, nb_model_create(&net, &options));
    return net;
}

static double sum_of_gradient(const nb_model *net, const char *parameter)
{
    const nb_tensor *gradient = nb_gradient(nb_model_parameter(net, parameter));
    return nb_dsum(nb_tensor_count(gradient), gradient->data);
}

void gradient_check_7(const page *p)
{
    static const difference rows[] = {{"W1", "1.09e-06", digits},
                                      {"b1", "7.88e-06", digits},
                                      {"W2", "4.62e-11", digits},
                                      {"b2", "3.83e-09", digits},
                                      {"W3", "1.51e-10", digits},
                                      {"b3", "1.80e-07", digits},
                                      {0}};
    static const char *const sums[][2] = {{"W1", "-0.013348995617455069"},
                                          {"b1", "-0.002401603471481655"},
                                          {"W2", "-0.01039091998407367"},
                                          {"b2", "-0.005384145030752595"}};
    double pixels[100];
    int32_t label = 1;
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 1, 10, 10), pixels);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    nb_random random;
    nb_node *loss;
    nb_random_seed(&random, 0);
    nb_model *net = small_convnet(p, &random);
    for (size_t i = 0; i < 100; i++) pixels[i] = nb_random_rand(&random);
    page_check(p, nb_model_feed(net, &x, &t, &loss));
    page_check(p, nb_forward(loss));
    sum("7.5", "SimpleConvNet, 10 x 10: loss", "2.3025183631819917", nb_scalar(loss));
    page_check(p, nb_backward(loss));
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        char what[64];
        snprintf(what, sizeof what, "SimpleConvNet, 10 x 10: sum of d%s", sums[i][0]);
        relative("7.5", what, sums[i][1], sum_of_gradient(net, sums[i][0]), 1e-9);
    }
    differences(p, "7.5", "gradient check", net, loss, rows);
    nb_model_destroy(net);
}
