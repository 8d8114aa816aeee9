/* minimize.h - minimise a C callback with as few calls as possible. */
#ifndef NABLAS_MINIMIZE_H
#define NABLAS_MINIMIZE_H

#include "nablas/numeric.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* The methods: code, name. With B the Hessian or an approximation of it, each moves from x along a
 * direction p with g^T p < 0:
 *
 *   BFGS    p = -H g, H an estimate of B^-1 that each step updates from the change of the gradient:
 *           the first one to try. n^2 doubles, 4n^2 flop a step.
 *   L-BFGS  the same from the last `memory` steps alone: for large n. 2 memory n doubles,
 *           8 memory n flop.
 *   Newton  p the minimum of g^T p + p^T B p / 2 over a trust region |D p| <= radius, B the true
 *           Hessian, definite or not: few but expensive steps. n^2 doubles, 9n^3 flop.
 *
 * BFGS and L-BFGS take the step that meets the strong Wolfe conditions,
 * f(x + a p) <= f(x) + 1e-4 a g^T p and |g(x + a p)^T p| <= 0.9 |g^T p|. */
#define NB_MINIMIZER_LIST(X)        \
    X(NB_MINIMIZER_BFGS, "BFGS")    \
    X(NB_MINIMIZER_LBFGS, "L-BFGS") \
    X(NB_MINIMIZER_NEWTON, "Newton")

typedef enum {
#define X(code, name) code,
    NB_MINIMIZER_LIST(X)
#undef X
        NB_MINIMIZERS
} nb_minimizer;

/* nb_minimizer_name - of the list; "" for any other number. */
const char *nb_minimizer_name(nb_minimizer which);

/* Why a search ended: code, what it means. */
#define NB_STOP_LIST(X)                                             \
    X(NB_STOP_NOT_RUN, "the search has not run to an end")          \
    X(NB_STOP_GRADIENT, "the gradient is as small as was asked")    \
    X(NB_STOP_ROUNDING, "f falls no further than its own rounding") \
    X(NB_STOP_STEPS, "the steps are used up")                       \
    X(NB_STOP_CALLER, "the callback ended it")                      \
    X(NB_STOP_UNBOUNDED, "f falls without end")

typedef enum {
#define X(code, text) code,
    NB_STOP_LIST(X)
#undef X
        NB_STOPS
} nb_stop;

/* nb_stop_text - the meaning, from the list; "" for any other number. */
const char *nb_stop_text(nb_stop stop);

/* What was found, or where the search is. */
typedef struct nb_minimum {
    double value;    /* f(x) */
    double gradient; /* max |g_i| there */
    size_t steps;
    size_t calls;     /* of f, those for differences included */
    size_t gradients; /* of the caller's gradient */
    nb_stop stop;
} nb_minimum;

/* Called at the start and after each step, with `x` (n) and `gradient` (n) there; false ends the
 * search. */
typedef bool (*nb_minimize_watch)(const nb_minimum *now, size_t n, const double *x,
                                  const double *gradient, void *context);

/* A hand-written Hessian of f: writes H(n,n), of which the lower triangle is read. */
typedef void (*nb_hessian_function)(size_t n, const double *x, void *context, double *H);

typedef struct nb_minimize_options {
    nb_minimizer method;
    double tolerance; /* stop at max |g_i| <= tolerance; >= 0, 0: as far as rounding lets */
    size_t steps;     /* at most so many */
    size_t memory;    /* L-BFGS: steps remembered, >= 1 */
    nb_hessian_function hessian; /* Newton's, or NULL: by differences of the gradient, or of f */
    nb_minimize_watch watch;     /* or NULL; called with the `context` of f */
    double *history;             /* (steps+1, n), the path from the first x to the last, or NULL */
} nb_minimize_options;

#define NB_MINIMIZE_DEFAULTS \
    (NB_LITERAL(nb_minimize_options){NB_MINIMIZER_BFGS, 1e-8, 5000, 10, NULL, NULL, NULL})

/* nb_minimize - a local minimum of f.
 *
 *   f         in      returns NAN or INFINITY where it is undefined: no step ends there
 *   gradient  in      of f, or NULL: central differences with steps of 6e-6 max(1, |x_i|), which
 *                     leave an error of about 4e-11 |f|
 *   n         in      elements; n = 0 is a no-op
 *   x         in/out  (n), the starting point, where f is finite; the lowest point found
 *   options   in      NULL: NB_MINIMIZE_DEFAULTS
 *   result    out     or NULL
 * f never rises from step to step, except by rounding. NB_OK means a minimum, or a point that
 * cannot be distinguished from one because of f's rounding (NB_STOP_ROUNDING). In this case |g| is
 * above the tolerance and x is accurate to half of its digits. If the curvatures differ by more than a
 * factor of 1e16, x can be far off along the flattest direction; another method, or better units of
 * x, may continue from there. The search also stops at a saddle point that it hits exactly. Which
 * minimum is found depends on the method.
 * Units:  tolerance in [f] / [x].
 * Errors: NB_EINVAL f or x NULL, an invalid option, f or its gradient not finite at the start, or a
 *         gradient that is not that of f: no step along it makes f smaller, and differences of f
 *         disagree with it (nb_function_check says where).
 *         NB_ESTOPPED after `steps` steps (NB_STOP_STEPS), or when `watch` says so; NB_EDIVERGED f
 *         falls without end (NB_STOP_UNBOUNDED), or the Hessian is not finite;
 *         NB_ESINGULAR the method finds no step, though f falls against the gradient; x, the rest
 *         of history and *result hold the point reached. NB_ENOMEM, NB_EOVERFLOW: x and *result
 *         untouched.
 * Cost:   one or two calls of f and one of `gradient` a step, most of the time; without a gradient 2n
 *         calls for each. Newton: `hessian`, or 2n calls of `gradient`, or 2n(n+1) of f besides. All
 *         memory is taken at the start.
 * Source: Nocedal & Wright, Numerical Optimization, 2nd ed., 3.5 (line search), 4.3 (region), 6.1
 *         (BFGS), 7.2 (L-BFGS); More, The Levenberg-Marquardt algorithm (1978), on D; Hager & Zhang,
 *         SIAM J. Optim. 16 (2005), 170-192, on conditions where f is rounding. */
nb_status nb_minimize(nb_function f, nb_gradient_function gradient, void *context, size_t n,
                      double *x, const nb_minimize_options *options, nb_minimum *result);

NB_END_DECLS
#endif
