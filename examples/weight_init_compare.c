/* weight_init_compare - the same network from three standard deviations of its first weights: 0.01,
 * Xavier's and He's (6.2.4, figure 6-15). */
#include "chapter6.h"

int main(int argc, char **argv)
{
    experiment e;
    contender c[] = {
        {.name = "std=0.01", .net = {.hidden = 4, .init = NB_INIT_STD, .std = 0.01, .lr = 0.01}},
        {.name = "Xavier", .net = {.hidden = 4, .init = NB_INIT_XAVIER, .lr = 0.01}},
        {.name = "He", .net = {.hidden = 4, .init = NB_INIT_HE, .lr = 0.01}}};
    const char *iters = "2000";
    const page_option options[] = {{"iters", "N", "iterations (2000)", &iters}, {0}};
    experiment_begin(&e, argc, argv, "Three ways to draw first weights, on MNIST (6.2.4).", options,
                     "write all losses");
    const size_t iterations = whole_number(e.page.program, "--iters", iters, 1, 100000000);
    experiment_load(&e);
    compete(&e, sizeof c / sizeof *c, c, iterations, 2.5,
            "losses after three kinds of first weights");
    return experiment_end(&e);
}
