/* optim.h - optimisers: update parameters from their gradients. Textbook 6.1.
 *
 *     nb_optimizer *adam;
 *     nb_optimizer_create(&adam, graph, &nb_adam, NULL);
 *     while (...) {
 *         nb_forward(loss);
 *         nb_optimizer_step(adam, loss);
 *     }
 *
 * The types, with g the gradient and the book's defaults (update.h has the arithmetic):
 *
 *   nb_sgd       w -= lr g                                              lr 0.01
 *   nb_momentum  v := 0.9 v - lr g;  w += v                             lr 0.01, momentum 0.9
 *   nb_nesterov  w += 0.9^2 v - 1.9 lr g;  v := 0.9 v - lr g            the same
 *   nb_adagrad   h += g^2;  w -= lr g / (sqrt h + 1e-7)                 lr 0.01
 *   nb_rmsprop   h := 0.99 h + 0.01 g^2;  w -= lr g / (sqrt h + 1e-7)   lr 0.01, decay 0.99
 *   nb_adam      m += 0.1 (g - m);  v += 0.001 (g^2 - v);               lr 0.001, beta1 0.9,
 *                w -= lr_t m / (sqrt v + 1e-7)                          beta2 0.999
 *                with lr_t = lr sqrt(1 - beta2^t) / (1 - beta1^t) in step t = 1, 2, ...
 *   nb_adamw     Adam as in its paper, w -= lr m' / (sqrt v' + 1e-8) with m' = m / (1 - beta1^t)
 *                and v' = v / (1 - beta2^t), and weight decay 0.01 decoupled from the gradient
 *
 * Where a type allows (SGD, momentum without clipping), the gradient is added straight to weights
 * or velocity (nb_backward_into): for a product the step is then a part of the product. Otherwise
 * the update is one pass over its vectors, divided among the threads of the graph's pool, with the
 * same bits for any number of them. A step allocates nothing.
 *
 * Thread safety: an optimiser belongs to its graph's thread. A NULL is answered with NB_EINVAL, 0
 * or NaN. */
#ifndef NABLAS_OPTIM_H
#define NABLAS_OPTIM_H

#include "nablas/graph.h"
#include "nablas/learning_rate.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/update.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* Which parameters decay. */
typedef bool (*nb_decays)(const nb_node *parameter, void *context);

typedef struct nb_optimizer_options {
    double lr;               /* finite */
    nb_lr_schedule schedule; /* {0}: constant */
    double momentum;         /* momentum, nesterov: 0 ... 1 */
    double decay;            /* rmsprop: the factor of the old h, 0 ... 1 */
    double beta1, beta2;     /* adam, adamw: each below 1 */
    double epsilon;          /* adagrad, rmsprop, adam, adamw: > 0 */
    double weight_decay; /* lambda >= 0. Coupled, it is a part of the gradient, g + lambda w, the
                                derivative of a term 1/2 lambda |w|^2 of the loss (6.4.2); ... */
    bool decoupled;      /* ... decoupled, w := (1 - lr lambda) w before the step */
    nb_decays decays;    /* NULL: parameters of two and more dimensions: weights, not biases, nor
                                gamma and beta of batch norm */
    void *context;       /* for decays */
    double clip;         /* the largest norm of the whole gradient, weight decay not counted;
                                where it is exceeded the gradient is scaled to it. 0: no limit */
} nb_optimizer_options;

/* A type of optimiser; define one for an optimiser of your own. */
#define NB_MAX_OPTIMIZER_STATES 2
typedef struct nb_optimizer_type {
    const char *name;                           /* "adam" */
    const char *state[NB_MAX_OPTIMIZER_STATES]; /* names of its vectors, NULL behind the last; zeros
                                                   at first */
    nb_optimizer_options defaults;              /* epsilon 0: it uses none */

    /* prepare - the numbers of step t = 1, 2, ...: u has lr, scale, l2, keep and those of `options`
     * and may be changed. NULL: they stay. */
    void (*prepare)(const nb_optimizer_options *options, size_t t, nb_update *u);

    /* step - n elements of one parameter: state[k] (n) and w (n) from g (n). */
    void (*step)(const nb_kernels *kernels, size_t n, const nb_update *u, const void *g,
                 void *const *state, void *w);

    /* fuse - the sink that may take the gradient instead: into := alpha gradient + beta into, with
     * `into` state[0] or w; NULL: no fusing. settle - the rest of the step then; NULL: none. */
    nb_sink (*fuse)(const nb_update *u, void *const *state, void *w);
    void (*settle)(const nb_kernels *kernels, size_t n, const nb_update *u, void *const *state,
                   void *w);
} nb_optimizer_type;

extern const nb_optimizer_type nb_sgd, nb_momentum, nb_nesterov, nb_adagrad, nb_rmsprop, nb_adam,
    nb_adamw;

/* nb_optimizer_types - all of them, in that order, NULL behind the last.
 * nb_optimizer_find - the one of that name, or NULL. */
extern const nb_optimizer_type *const nb_optimizer_types[];
const nb_optimizer_type *nb_optimizer_find(const char *name);

typedef struct nb_optimizer nb_optimizer;

/* nb_optimizer_defaults - *options := those of the type; zeros for a NULL type. */
void nb_optimizer_defaults(const nb_optimizer_type *type, nb_optimizer_options *options);

/* nb_optimizer_create - an optimiser for all parameters of a finished graph, which must outlive it.
 *   options  in  copied; NULL: nb_optimizer_defaults
 * nb_optimizer_create_for_vectors - for vectors of n numbers that are no graph's; all decay.
 * nb_optimizer_destroy - free it; NULL is fine.
 * Errors: NB_EINVAL an option outside its range, a graph that is not finished; NB_EDTYPE; NB_ENOMEM;
 *         *optimizer is NULL then. */
nb_status nb_optimizer_create(nb_optimizer **optimizer, nb_graph *g, const nb_optimizer_type *type,
                              const nb_optimizer_options *options);
nb_status nb_optimizer_create_for_vectors(nb_optimizer **optimizer, nb_dtype dtype, size_t n,
                                          const nb_optimizer_type *type,
                                          const nb_optimizer_options *options);
void nb_optimizer_destroy(nb_optimizer *optimizer);

/* nb_optimizer_step - backward from the loss and update, after nb_forward(loss). The gradients in
 * the graph are undefined afterwards.
 * nb_optimizer_update - the update alone, from the gradients in the graph.
 * nb_optimizer_forward - the loss after the step: nb_forward_again where that is valid, otherwise
 * nb_forward.
 * nb_optimizer_apply - one step on vectors of n numbers: w from its gradient g. They do not overlap.
 * Errors: NB_EINVAL a loss of another graph, a graph's function for vectors or the other way round;
 *         of nb_backward_into, nb_forward. The parameters are untouched then, and the step does not
 *         count. NaN and Inf propagate. */
nb_status nb_optimizer_step(nb_optimizer *optimizer, nb_node *loss);
nb_status nb_optimizer_update(nb_optimizer *optimizer);
nb_status nb_optimizer_forward(nb_optimizer *optimizer, nb_node *loss);
nb_status nb_optimizer_apply(nb_optimizer *optimizer, void *w, const void *g);

/* nb_optimizer_lr - the learning rate of the last step, or of the first if there was none, from the
 * schedule, without Adam's corrections.
 * nb_optimizer_scale - from the next step on, multiply the learning rate of options and schedule by
 * `factor`; a factor that is not finite and positive is ignored.
 * nb_optimizer_norm - norm of the gradient of the last step, before it was clipped; NaN without
 * clipping or before the first step.
 * nb_optimizer_steps - steps taken. */
double nb_optimizer_lr(const nb_optimizer *optimizer);
void nb_optimizer_scale(nb_optimizer *optimizer, double factor);
double nb_optimizer_norm(const nb_optimizer *optimizer);
size_t nb_optimizer_steps(const nb_optimizer *optimizer);

/* The state of an optimiser, by name: "adam.step" (an int64 scalar), "adam.m.W1", "adam.v.W1",
 * ..., the vectors in the shapes of their parameters, for checkpoints and reports. A run whose
 * state was saved and written back continues as if it had not ended. A parameter without a name, or
 * with that of an earlier one, is named by its number: "adam.m.3"; a vector: "adam.m". */
typedef struct nb_optimizer_state {
    const char *name; /* the optimiser's, as is the value; both live as long as it does */
    nb_tensor value;
} nb_optimizer_state;

/* nb_optimizer_states - how many there are.
 * nb_optimizer_state_at - number i of them; {0} behind the last. */
size_t nb_optimizer_states(const nb_optimizer *optimizer);
nb_optimizer_state nb_optimizer_state_at(nb_optimizer *optimizer, size_t i);

NB_END_DECLS
#endif
