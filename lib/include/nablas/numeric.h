/* numeric.h - derivatives of a C callback by differences, and descent along them.
 *
 * All in double, step by step as the textbook's Python does it, so that its digits come out. With
 * u = 2^-53, the central difference of f at x is off by about
 *
 *   (h^2 / 6) |f'''(x)| + (u / h) (|f(x)| + |x f'(x)|)
 *
 * the first by truncation, the second by rounding f and x + h. The book's h = 1e-4 leaves 1.7e-9
 * and 1.1e-12 as the factors; a smaller h gives more of the second, h < u|x| nothing else.
 *
 * NaN and Inf propagate through differences and gradients; they are no error there. A callback that
 * has no answer returns NAN. */
#ifndef NABLAS_NUMERIC_H
#define NABLAS_NUMERIC_H

#include "nablas/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function of one number, and of a vector x(n). `context` is what the caller of the routine gave:
 * the function's parameters, or NULL. */
typedef double (*nb_function1)(double x, void *context);
typedef double (*nb_function)(size_t n, const double *x, void *context);

/* The book's step. */
#define NB_NUMERICAL_H 1e-4

/* nb_numerical_diff - the derivative of f at x by the central difference.
 *
 *   (f(x + h) - f(x - h)) / (2h),  h = NB_NUMERICAL_H
 *
 * nb_numerical_diff_central - the same with the caller's h.
 * Units:  those of f over those of x; h as x.
 * Cost:   2 calls of f.
 * Source: textbook 4.3.1. */
double nb_numerical_diff(nb_function1 f, void *context, double x);
double nb_numerical_diff_central(nb_function1 f, void *context, double x, double h);

/* nb_numerical_diff_forward - by the forward difference, whose truncation error is (h/2) |f''(x)|.
 *
 *   (f(x + h) - f(x)) / h
 *
 * nb_numerical_diff_bad - the same with h = 10e-50, as a warning: x + h is x in double, so the
 * answer is 0 wherever |x| > 1e-33.
 * Units, cost, source: as nb_numerical_diff. */
double nb_numerical_diff_forward(nb_function1 f, void *context, double x, double h);
double nb_numerical_diff_bad(nb_function1 f, void *context, double x);

/* nb_numerical_gradient - the gradient of f at x by central differences, one element at a time.
 *
 *   gradient[i] := (f(x + h e_i) - f(x - h e_i)) / (2h),  h = NB_NUMERICAL_H
 *
 *   n         in      elements; n = 0 is a no-op
 *   x         in/out  (n), changed while f runs, restored to the bit on return
 *   gradient  out     (n), must not overlap x
 * Units:  those of f over those of x.
 * Cost:   2n calls of f, no workspace. Thread-safe for distinct x if f is.
 * Source: textbook 4.4. */
void nb_numerical_gradient(nb_function f, void *context, size_t n, double *x, double *gradient);

/* nb_gradient_descent - `steps` steps down the numerical gradient.
 *
 *   x := x - lr grad f(x)
 *
 *   n        in      elements; n = 0 is a no-op
 *   x        in/out  (n), where to begin; where it ended
 *   lr       in      learning rate; < 0 ascends
 *   history  out     (steps+1, n), the path from the first x to the last, or NULL. (The book's
 *                    has no last row.)
 * Units:  lr in [x]^2 / [f].
 * Errors: NB_ENOMEM x and history untouched.
 *         NB_EDIVERGED an element of x is no longer finite: the descent stops there, and x and the
 *         rest of history hold that point. A large value is no error: with lr = 10 the book's
 *         descent ends at -2.6e13.
 * Cost:   2n calls of f a step; n doubles of workspace for all steps.
 * Source: textbook 4.4.1; Cauchy, C. R. Acad. Sci. Paris 25 (1847), 536-538. */
nb_status nb_gradient_descent(nb_function f, void *context, size_t n, double *x, double lr,
                              size_t steps, double *history);

#ifdef __cplusplus
}
#endif
#endif
