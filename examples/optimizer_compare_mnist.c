/* optimizer_compare_mnist - four optimisers teach the same network MNIST (6.1.8, figure 6-9): five
 * affine layers with ReLU, on the same batches. */
#include "chapter6.h"

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
    experiment e;
    contender c[MOST_CONTENDERS];
    size_t count = 0;
    const char *iters = "2000", *list = "SGD,Momentum,AdaGrad,Adam";
    const page_option options[] = {{"optimizers", "NAMES",
                                    "in the order of their first weights; also Nesterov, RMSprop\n"
                                    "                     (SGD,Momentum,AdaGrad,Adam)",
                                    &list},
                                   {"iters", "N", "iterations (2000)", &iters},
                                   {0}};
    experiment_begin(&e, argc, argv, "Four optimisers on MNIST (6.1.8).", options,
                     "write all losses");
    const size_t iterations = whole_number(e.page.program, "--iters", iters, 1, 100000000);
    do {
        if (count == MOST_CONTENDERS)
            usage_error(e.page.program, "--optimizers: more than %d", MOST_CONTENDERS);
        const struct named *next = next_name(&e.page, &list);
        contender *one = &c[count++];
        *one = (contender){.net = {.hidden = 4,
                                   .init = NB_INIT_HE,
                                   .type = next->type,
                                   .lr = learning_rate(next->type)}};
        snprintf(one->name, sizeof one->name, "%s", next->name);
    } while (*list);
    experiment_load(&e);
    compete(&e, count, c, iterations, 1, "losses of optimisers on MNIST");
    return experiment_end(&e);
}
