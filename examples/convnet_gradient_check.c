/* convnet_gradient_check - the book's gradient check of chapter 7 (ch07/gradient_check.py): a small
 * SimpleConvNet on one image of random pixels, and why two of its six lines are as large as they are. */
#include "common.h"
#include "print.h"

#include <stdlib.h>

enum { SIDE = 10, FILTERS = 10, FILTER = 3, HIDDEN = 10 };

static nb_model *make_net(const page *p, nb_random *random)
{
    nb_model *net;
    page_check(p, nb_model_create(
                      &net, &(nb_model_options){
                                .input = NB_SHAPE(1, SIDE, SIDE),
                                .layers = NB_LAYERS(nb_conv(FILTERS, FILTER, 1, 0), nb_act(NB_RELU),
                                                    nb_max_pooling(2, 2), nb_dense(HIDDEN),
                                                    nb_act(NB_RELU), nb_dense(10)),
                                .epsilon = NB_BOOK_EPSILON,
                                .dtype = NB_FLOAT64,
                                .max_batch = 1,
                                .random = random,
                                .init = NB_INIT_STD,
                                .std = 0.01}));
    return net;
}

/* The book's lines: mean differences, and the sums of what backpropagation gives. */
static void print_books(nb_model *net, const nb_gradient_report *report)
{
    printf("loss %s\n", repr(report->value));
    for (size_t i = 0; i < report->count; i++) {
        const nb_tensor *g = nb_gradient(nb_model_parameter(net, report->row[i].name));
        double sum = 0;
        for (size_t k = 0; k < nb_tensor_count(g); k++) sum += ((const double *)g->data)[k];
        printf("%s  mean |d - a| %.3g, sum of a %s\n", report->row[i].name, report->row[i].mean_abs,
               repr(sum));
    }
}

int main(int argc, char **argv)
{
    page p;
    const char *seed_text = "0", *label_text = "1";
    const page_option options[] = {
        {"seed", "N", "of weights and pixels, as np.random.seed(N) (0)", &seed_text},
        {"label", "N", "of the image (1)", &label_text},
        {0}};
    page_begin_text(&p, argc, argv,
                    "Compare backpropagation through a convolution with differences (ch. 7).\n"
                    "Exits with 1 if the gradient is wrong.",
                    options);
    nb_random random;
    nb_random_seed(&random, (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX));
    int32_t label = (int32_t)whole_number(p.program, "--label", label_text, 0, 9);
    double pixels[SIDE * SIDE];
    nb_model *net = make_net(&p, &random);
    for (int i = 0; i < SIDE * SIDE; i++) pixels[i] = nb_random_rand(&random);
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 1, SIDE, SIDE), pixels);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);

    nb_node *loss;
    nb_gradient_report report;
    char text[8192];
    page_check(&p, nb_model_gradient(net, &x, &t));
    page_check(&p, nb_model_feed(net, &x, &t, &loss));
    page_check(&p, nb_gradient_check(loss, NB_NUMERICAL_H, &report));
    print_books(net, &report);
    nb_gradient_report_text(&report, text, sizeof text);
    printf("\n%s", text);
    const bool passed = report.passed;
    nb_gradient_report_destroy(&report);
    nb_model_destroy(net);
    return page_end(&p) == EXIT_SUCCESS && passed ? EXIT_SUCCESS : EXIT_FAILED;
}
