/* numeric.h - derivatives of a C callback by differences, and descent along them.
 *
 * All in double, step by step like the textbook's Python, so that the digits are the same. With
 * u = 2^-53, the central difference of f at x is off by about
 *
 *   (h^2 / 6) |f'''(x)| + (u / h) (|f(x)| + |x f'(x)|)
 *
 * the first by truncation, the second by rounding f and x + h. For the book's h = 1e-4 the factors
 * are 1.7e-9 and 1.1e-12; a smaller h increases the second, and h < u|x| leaves nothing else.
 *
 * NaN and Inf propagate through differences and gradients; they are no error there. A callback
 * returns NAN where it is undefined, as does the difference of a callback that is NULL. */
#ifndef NABLAS_NUMERIC_H
#define NABLAS_NUMERIC_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* A function of one number, and of a vector x(n). `context` is passed on from the caller of the
 * routine: the function's parameters, or NULL. */
typedef double (*nb_function1)(double x, void *context);
typedef double (*nb_function)(size_t n, const double *x, void *context);

/* A hand-written gradient of an nb_function: writes gradient(n). */
typedef void (*nb_gradient_function)(size_t n, const double *x, void *context, double *gradient);

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

/* nb_numerical_diff_richardson - by central differences with steps h and h/2, extrapolated to a
 * step of 0: their leading errors are h^2 f'''/6 and a fourth of that, so
 *
 *   D := (4 d(h/2) - d(h)) / 3,  off by (h^4 / 480) |f^(5)| + 3 (u / h) |f|
 *
 * which at its best step, near 1e-3, leaves 1e-13 where the central difference leaves 1e-11.
 *
 *   error  out  |D - d(h/2)|, how far the extrapolation moved it: more than the error of D as long
 *               as truncation dominates; or NULL
 * Units:  as nb_numerical_diff.
 * Cost:   4 calls of f.
 * Source: Richardson, Phil. Trans. A 210 (1911), 307-357; Press et al., Numerical Recipes, 3rd ed.
 *         (2007), 5.7. */
double nb_numerical_diff_richardson(nb_function1 f, void *context, double x, double h,
                                    double *error);

/* What nb_numerical_diff_errors compares, one curve each: code, name. */
#define NB_DIFF_LIST(X)                           \
    X(NB_DIFF_FORWARD_SINGLE, "forward, float32") \
    X(NB_DIFF_CENTRAL_SINGLE, "central, float32") \
    X(NB_DIFF_FORWARD, "forward, float64")        \
    X(NB_DIFF_CENTRAL, "central, float64")        \
    X(NB_DIFF_RICHARDSON, "central, extrapolated, float64")

typedef enum {
#define X(code, name) code,
    NB_DIFF_LIST(X)
#undef X
        NB_DIFFS
} nb_diff;

/* nb_diff_name - of the list; "" for any other number. */
const char *nb_diff_name(nb_diff diff);

/* nb_numerical_diff_errors - the error of each kind of difference against its step: the V-shaped
 * curves of truncation, on the right, and rounding.
 *
 *   derivative  in   the true one of f at x
 *   n, h        in   (n) steps
 *   errors      out  (NB_DIFFS, n), |difference - derivative|; a row for each of the list
 * The float32 curves round x, the steps, the value of f and every result to float, but compute f in
 * double: the best that a float32 program can reach.
 * Units:  those of f over those of x.
 * Cost:   10 n calls of f. */
nb_status nb_numerical_diff_errors(nb_function1 f, void *context, double x, double derivative,
                                   size_t n, const double *h, double *errors);

/* nb_numerical_gradient - the gradient of f at x by central differences, one element at a time.
 *
 *   gradient[i] := (f(x + h e_i) - f(x - h e_i)) / (2h),  h = NB_NUMERICAL_H
 *
 *   n         in      elements; n = 0 is a no-op
 *   x         in/out  (n), changed while f runs, restored to the bit on return
 *   gradient  out     (n), must not overlap x
 * Units:  those of f over those of x.
 * Errors: NB_EINVAL f, x or gradient is NULL.
 * Cost:   2n calls of f, no workspace. Thread-safe for distinct x if f is.
 * Source: textbook 4.4. */
nb_status nb_numerical_gradient(nb_function f, void *context, size_t n, double *x,
                                double *gradient);

/* nb_gradient_descent - `steps` steps down the numerical gradient.
 *
 *   x := x - lr grad f(x)
 *
 *   n        in      elements; n = 0 is a no-op
 *   x        in/out  (n), the starting point; the end point
 *   lr       in      learning rate; < 0 ascends
 *   history  out     (steps+1, n), the path from the first x to the last, or NULL. (The book's
 *                    has no last row.)
 * Units:  lr in [x]^2 / [f].
 * Errors: NB_EINVAL f or x is NULL, lr NaN or infinite; NB_ENOMEM: x and history untouched.
 *         NB_EDIVERGED an element of x is no longer finite: the descent stops there, and x and the
 *         rest of history hold that point. A large value is no error: with lr = 10 the book's
 *         descent ends at -2.6e13.
 * Cost:   2n calls of f a step; n doubles of workspace for all steps.
 * Source: textbook 4.4.1; Cauchy, C. R. Acad. Sci. Paris 25 (1847), 536-538. */
nb_status nb_gradient_descent(nb_function f, void *context, size_t n, double *x, double lr,
                              size_t steps, double *history);

NB_END_DECLS
#endif
