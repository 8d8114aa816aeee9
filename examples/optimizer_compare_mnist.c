/* optimizer_compare_mnist - four optimisers teach the same network MNIST (6.1.8, figure 6-9): five
 * affine layers with ReLU, on the same batches. */
#include "chapter6.h"
#include "common.h"

#include <string.h>

/* The book's names. */
static const struct named {
    const char *name;
    const nb_optimizer_type *type;
} optimizers[] = {{"SGD", &nb_sgd},   {"Momentum", &nb_momentum}, {"AdaGrad", &nb_adagrad},
                  {"Adam", &nb_adam}, {"Nesterov", &nb_nesterov}, {"RMSprop", &nb_rmsprop}};

enum { KNOWN = sizeof optimizers / sizeof *optimizers };

/* The types and learning rates of the book's script: its classes' defaults, but RMSprop 0.001. */
static double learning_rate(const nb_optimizer_type *type)
{
    return type == &nb_rmsprop ? 0.001 : type->defaults.lr;
}

/* The next name of a list with commas: which optimiser it is. */
static const struct named *next_name(const page *p, const char **list)
{
    const size_t length = strcspn(*list, ",");
    for (size_t k = 0; k < KNOWN; k++) {
        if (strlen(optimizers[k].name) != length || memcmp(*list, optimizers[k].name, length) != 0)
            continue;
        *list += length + ((*list)[length] == ',');
        return &optimizers[k];
    }
    usage_error(p->program,
                "--optimizers '%s': expected SGD, Momentum, AdaGrad, Adam, Nesterov or RMSprop, "
                "with commas between",
                *list);
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *iters = "2000", *seed_text = "0", *log = NULL;
    const char *list = "SGD,Momentum,AdaGrad,Adam";
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"optimizers", "NAMES",
         "in the order of their first weights; also Nesterov, RMSprop\n"
         "                     (SGD,Momentum,AdaGrad,Adam)",
         &list},
        {"iters", "N", "iterations (2000)", &iters},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write all losses", &log},
        {0}};
    page_begin(&p, argc, argv, "Four optimisers on MNIST (6.1.8).", options);
    const size_t iterations = whole_number(p.program, "--iters", iters, 1, 100000000);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;

    nb_mnist mnist;
    nb_random random;
    contender c[MOST_CONTENDERS];
    const struct named *chosen[MOST_CONTENDERS];
    size_t count = 0;
    do {
        if (count == MOST_CONTENDERS)
            usage_error(p.program, "--optimizers: more than %d", MOST_CONTENDERS);
        chosen[count++] = next_name(&p, &list);
    } while (*list);
    page_folder(&p);
    load_mnist(&p, data, &mnist);

    nb_random_seed(&random, seed);
    for (size_t k = 0; k < count; k++) {
        const nb_optimizer_type *type = chosen[k]->type;
        snprintf(c[k].name, sizeof c[k].name, "%s", chosen[k]->name);
        c[k].net = deep_net_create(&p,
                                   &(deep_net){.inputs = nb_tensor_width(&mnist.train.x),
                                               .hidden = 4,
                                               .init = NB_INIT_HE,
                                               .batch = COMPETE_BATCH},
                                   &random);
        c[k].optimizer = optimizer_for(&p, c[k].net, type, learning_rate(type), 0);
    }
    compete(&p, &mnist, count, c, iterations, log, &random);
    draw_losses(&p, count, c, iterations, 1, "losses of optimisers on MNIST");
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
