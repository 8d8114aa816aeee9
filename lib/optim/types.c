/* The optimisers: their defaults, and which kernels they are. */
#include "nablas/optim.h"

#include <math.h>
#include <string.h>

/* w := keep w - lr (scale g + l2 w) */
static nb_sink descend(const nb_update *u, void *const *state, void *w)
{
    (void)state;
    return (nb_sink){w, -u->lr * u->scale, u->keep - u->lr * u->l2};
}

static void sgd_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                     void *const *state, void *w)
{
    const nb_sink sink = descend(u, state, w);
    k->scale(n, sink.alpha, g, sink.beta, w);
}

const nb_optimizer_type nb_sgd = {
    .name = "sgd", .defaults = {.lr = 0.01}, .step = sgd_step, .fuse = descend};

static void momentum_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                          void *const *state, void *w)
{
    k->momentum(n, u, g, state[0], w);
}

static nb_sink momentum_fuse(const nb_update *u, void *const *state, void *w)
{
    (void)w;
    return (nb_sink){state[0], -u->lr * u->scale, u->momentum};
}

/* v -= lr l2 w, which the sink does not know; w := keep w + v */
static void momentum_settle(const nb_kernels *k, size_t n, const nb_update *u, void *const *state,
                            void *w)
{
    if (u->l2 != 0) k->scale(n, -u->lr * u->l2, w, 1, state[0]);
    k->scale(n, 1, state[0], u->keep, w);
}

const nb_optimizer_type nb_momentum = {.name = "momentum",
                                       .state = {"v"},
                                       .defaults = {.lr = 0.01, .momentum = 0.9},
                                       .step = momentum_step,
                                       .fuse = momentum_fuse,
                                       .settle = momentum_settle};

static void nesterov_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                          void *const *state, void *w)
{
    k->nesterov(n, u, g, state[0], w);
}

const nb_optimizer_type nb_nesterov = {.name = "nesterov",
                                       .state = {"v"},
                                       .defaults = {.lr = 0.01, .momentum = 0.9},
                                       .step = nesterov_step};

static void adagrad_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                         void *const *state, void *w)
{
    k->adagrad(n, u, g, state[0], w);
}

const nb_optimizer_type nb_adagrad = {.name = "adagrad",
                                      .state = {"h"},
                                      .defaults = {.lr = 0.01, .epsilon = 1e-7},
                                      .step = adagrad_step};

static void rmsprop_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                         void *const *state, void *w)
{
    k->rmsprop(n, u, g, state[0], w);
}

const nb_optimizer_type nb_rmsprop = {.name = "rmsprop",
                                      .state = {"h"},
                                      .defaults = {.lr = 0.01, .decay = 0.99, .epsilon = 1e-7},
                                      .step = rmsprop_step};

static void adam_step(const nb_kernels *k, size_t n, const nb_update *u, const void *g,
                      void *const *state, void *w)
{
    k->adam(n, u, g, state[0], state[1], w);
}

/* lr sqrt(1 - beta2^t) / (1 - beta1^t), in NumPy's order */
static void adam_prepare(const nb_optimizer_options *o, size_t t, nb_update *u)
{
    u->lr = u->lr * sqrt(1 - pow(o->beta2, (double)t)) / (1 - pow(o->beta1, (double)t));
}

const nb_optimizer_type nb_adam = {
    .name = "adam",
    .state = {"m", "v"},
    .defaults = {.lr = 0.001, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-7},
    .prepare = adam_prepare,
    .step = adam_step};

static void adamw_prepare(const nb_optimizer_options *o, size_t t, nb_update *u)
{
    adam_prepare(o, t, u);
    u->epsilon = o->epsilon * sqrt(1 - pow(o->beta2, (double)t));
}

const nb_optimizer_type nb_adamw = {.name = "adamw",
                                    .state = {"m", "v"},
                                    .defaults = {.lr = 0.001,
                                                 .beta1 = 0.9,
                                                 .beta2 = 0.999,
                                                 .epsilon = 1e-8,
                                                 .weight_decay = 0.01,
                                                 .decoupled = true},
                                    .prepare = adamw_prepare,
                                    .step = adam_step};

const nb_optimizer_type *const nb_optimizer_types[] = {
    &nb_sgd, &nb_momentum, &nb_nesterov, &nb_adagrad, &nb_rmsprop, &nb_adam, &nb_adamw, NULL};

const nb_optimizer_type *nb_optimizer_find(const char *name)
{
    const nb_optimizer_type *const *type = nb_optimizer_types;
    while (name && *type && strcmp((*type)->name, name) != 0) type++;
    return name ? *type : NULL;
}
