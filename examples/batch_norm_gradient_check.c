/* batch_norm_gradient_check - backpropagation through batch norm against differences, as the book's
 * script of that name (6.3), in a training pass whose running statistics are frozen.
 *
 * The book feeds one image. The mean of one row is the row itself, which cancels the effect of the
 * weights before a batch norm: both sides are 0, and nothing is checked. Hence five images. */
#include "chapter6.h"

#include <stdlib.h>

/* The book's lines, then the result for each element. */
static void print_report(const nb_gradient_report *report)
{
    char text[8192];
    printf("loss %.16g\n", report->value);
    for (size_t i = 0; i < report->count; i++)
        printf("%s:%.17g\n", report->row[i].name, report->row[i].mean_abs);
    nb_gradient_report_text(report, text, sizeof text);
    printf("\n%s", text);
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *batch_text = "5", *seed_text = "0";
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"batch", "N", "the first N training images (5)", &batch_text},
        {"seed", "N", "of the weights, as np.random.seed(N) (0)", &seed_text},
        {0}};
    page_begin_text(&p, argc, argv,
                    "Compare backpropagation through batch norm with differences (6.3).\n"
                    "Exits with 1 if the gradient is wrong.",
                    options);
    const size_t batch = whole_number(p.program, "--batch", batch_text, 1, 1000);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);

    nb_mnist mnist;
    nb_random random;
    nb_tensor x = {0}, t = {0};
    nb_node *loss;
    nb_gradient_report report;
    load_mnist(&p, data, &mnist);
    first_images(&p, &mnist, batch, &x, &t);
    nb_random_seed(&random, seed);
    nb_model *net = batch_norm_net_create(&p, nb_tensor_width(&x), batch, &random);
    page_check(&p, nb_graph_set_pass(net->graph, (nb_pass){.training = true, .random = &random}));
    page_check(&p, nb_model_feed(net, &x, &t, &loss));
    page_check(&p, nb_gradient_check(loss, NB_NUMERICAL_H, &report));
    print_report(&report);
    const bool passed = report.passed;
    nb_gradient_report_destroy(&report);
    nb_model_destroy(net);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_mnist_destroy(&mnist);
    return page_end(&p) == EXIT_SUCCESS && passed ? EXIT_SUCCESS : EXIT_FAILED;
}
