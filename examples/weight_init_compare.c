/* weight_init_compare - the same network from three standard deviations of its first weights: 0.01,
 * Xavier's and He's (6.2.4, figure 6-15). */
#include "chapter6.h"
#include "common.h"

enum { NETS = 3 };

static const struct start {
    const char *name;
    nb_init init;
    double std;
} starts[NETS] = {
    {"std=0.01", NB_INIT_STD, 0.01}, {"Xavier", NB_INIT_XAVIER, 0}, {"He", NB_INIT_HE, 0}};

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *iters = "2000", *seed_text = "0", *log = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"iters", "N", "iterations (2000)", &iters},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write all losses", &log},
        {0}};
    page_begin(&p, argc, argv, "Three ways to draw first weights, on MNIST (6.2.4).", options);
    const size_t iterations = whole_number(p.program, "--iters", iters, 1, 100000000);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;

    nb_mnist mnist;
    nb_random random;
    contender c[NETS];
    page_folder(&p);
    load_mnist(&p, data, &mnist);
    nb_random_seed(&random, seed);
    for (size_t k = 0; k < NETS; k++) {
        snprintf(c[k].name, sizeof c[k].name, "%s", starts[k].name);
        c[k].net = deep_net_create(&p,
                                   &(deep_net){.inputs = nb_tensor_width(&mnist.train.x),
                                               .hidden = 4,
                                               .init = starts[k].init,
                                               .std = starts[k].std,
                                               .batch = COMPETE_BATCH},
                                   &random);
        c[k].optimizer = optimizer_for(&p, c[k].net, &nb_sgd, 0.01, 0);
    }
    compete(&p, &mnist, NETS, c, iterations, log, &random);
    draw_losses(&p, NETS, c, iterations, 2.5, "losses after three kinds of first weights");
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
