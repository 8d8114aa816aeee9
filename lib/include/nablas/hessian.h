/* hessian.h - second derivatives of a C callback by differences, and Newton's method with them. */
#ifndef NABLAS_HESSIAN_H
#define NABLAS_HESSIAN_H

#include "nablas/numeric.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_numerical_hessian - the Hessian of f at x: the central difference of the central difference.
 *
 *   H_ij := (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 h_i h_j)
 *           with a = h_i e_i, b = h_j e_j;  h_i = 2^-13 max(1, 2^e), 2^(e-1) <= |x_i| < 2^e
 *
 *   n  in      elements; n = 0 is a no-op
 *   x  in/out  (n), changed while f runs, restored to the bit on return
 *   H  out     (n,n), symmetric to the bit; must not overlap x
 * The error is about (h^2 / 3) |f''''| + (u / h^2) |f|, u = 2^-53. h = 2^-13 makes the two equal,
 * 5e-9 |f''''| and 7e-9 |f|: half of double's digits. The book's h = 1e-4, taken for second
 * derivatives, is close to it; a power of two makes x + h exact for x of few digits, and H exact
 * for a quadratic f of few digits. In a coordinate above 1 the step grows with it, so that it is
 * not lost in rounding x.
 * Units:  those of f over those of x squared. NaN and Inf propagate.
 * Errors: NB_EINVAL f, x or H is NULL.
 * Cost:   2n(n+1) calls of f, no workspace. Thread-safe for distinct x if f is.
 * Source: Abramowitz & Stegun, 25.3.24 and 25.3.26; Dennis & Schnabel, Numerical Methods for
 *         Unconstrained Optimization (1983), 5.6, on the step. */
nb_status nb_numerical_hessian(nb_function f, void *context, size_t n, double *x, double *H);

/* nb_newton - `steps` steps of Newton's method, with numerical derivatives.
 *
 *   x := x - H(x)^-1 grad f(x),  by nb_numerical_gradient, nb_numerical_hessian and DPOSV
 *
 *   n        in      elements; n = 0 is a no-op
 *   x        in/out  (n), where to begin; where it ended
 *   history  out     (steps+1, n), the path from the first x to the last, or NULL
 * On a quadratic with a minimum, one step from any point reaches the minimum, except for a share
 * sqrt(n) (u / h^2) |f| / lambda of the distance, because of the error of H; lambda is its least
 * eigenvalue. Further steps remove this rest. For other functions the number of correct digits doubles
 * with each step near the minimum, until the numerical gradient is 0; the distance to the minimum is
 * then the error of the gradient, (h^2 / 6) |f'''|, over the curvature. Far from the minimum a step
 * may go uphill: there is no line search (minimize.h has one).
 * Errors: NB_ESINGULAR H is not positive definite, or not by more than its rounding error (the share
 *         above is 1): the quadratic approximation of f has no minimum, or none that can be found.
 *         NB_EDIVERGED an element of H or of x is no longer finite. NB_ENOMEM.
 *         x and the rest of history then hold the last point reached.
 *         NB_EINVAL f or x is NULL; NB_EOVERFLOW n beyond LAPACK's int.
 * Cost:   2n(n+2) + 1 calls of f and (5/3) n^3 flop a step; 3n(n+1) doubles of workspace.
 * Source: Nocedal & Wright, Numerical Optimization, 2nd ed., 3.3. */
nb_status nb_newton(nb_function f, void *context, size_t n, double *x, size_t steps,
                    double *history);

NB_END_DECLS
#endif
