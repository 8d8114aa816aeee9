/* check.h - whether a hand-written gradient is the gradient of its function, and if not, why.
 *
 * A check compares the derivative a, computed by the code under test, with the difference
 *
 *   d(h) = (f(w + h) - f(w - h)) / (2h)
 *
 * for every element w of every parameter, by value and sign. With u = 2^-53 and f accurate to v >=
 * u|f|
 *
 *   |d(h) - f'(w)| <= (h^2 / 6) |f'''| + v / h                                                 (1)
 *
 * the errors of truncation and rounding. A derivative that is not finite fails at once. The
 * derivative is computed again where |d - a| exceeds
 *
 *   bound = floor + 10 H^2 max(|d|, |a|),    floor = 8 (u / H) (|f| + |w a|),    H = 1e-4
 *
 * where both are below the floor, and for the four largest elements of each parameter. It then comes
 * from a series of steps 2^-k times the size of w. Three steps in a row have to agree (Romberg's or
 * Richardson's extrapolation); their spread and (1) give the error E of the result.
 *
 * A graph (nb_gradient_check, nb_op_check) is then computed in long double, in its exact form (no 1e-7
 * in a logarithm), and frozen: each relu keeps its side, max pooling its winners, dropout its masks, so
 * that the function is smooth around w. The element is wrong if
 * |d - a| > 1e-9 max(|d|, |a|) + 4 E + 256 u S, where S is the sum of the absolute values of the terms
 * that backpropagation adds up to a.
 *
 * A callback (nb_function_check) is computed as it is, at all steps from 2^-2 to 2^-51 of |x|. The
 * smallest steps that agree decide, unless rounding makes f piecewise constant there. The element is
 * wrong if |d - a| > 1e-7 max(|d|, |a|) + 4 E.
 *
 * Source: Nocedal & Wright, Numerical Optimization, 2nd ed. (2006), 8.1; Press et al., Numerical
 *         Recipes, 3rd ed. (2007), 5.7; Romberg, Norske Vid. Selsk. Forh. 28 (1955), 30-36; noise from
 *         differences: More & Wild, SIAM J. Sci. Comput. 33 (2011), 1292-1314. */
#ifndef NABLAS_CHECK_H
#define NABLAS_CHECK_H

#include "nablas/numeric.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A complex number, laid out alike in C and C++: real part, imaginary part. */
#ifdef __cplusplus
#include <complex>
typedef std::complex<double> nb_complex;
#else
typedef double _Complex nb_complex;
#endif

NB_BEGIN_DECLS

/* The result for one element: code, name, meaning. From NB_UNRESOLVED on, the check has failed. */
#define NB_REASON_LIST(X)                                                                          \
    X(NB_AGREES, "agrees", "both derivatives are the same to the bound")                           \
    X(NB_VACUOUS, "vacuous",                                                                       \
      "both sides are 0 (a dead unit, an input that is never on): nothing was checked there")      \
    X(NB_BELOW_NOISE, "below noise",                                                               \
      "too small beside the others to be told from rounding: an error there would not matter")     \
    X(NB_BATCH_OF_ONE, "batch of one",                                                             \
      "both sides are 0: batch norm divides by a deviation of one number, which is 0; feed more")  \
    X(NB_BEFORE_NORM, "before batch norm",                                                         \
      "both sides are 0: batch norm takes away the mean, and this bias with it; it needs none")    \
    X(NB_KINK, "kink",                                                                             \
      "the function has a corner between -h and +h (an input of relu or step changes sign, or "    \
      "another pixel is the largest)")                                                             \
    X(NB_JUMP, "jump", "the function jumps between -h and +h; beside the jump the two agree")      \
    X(NB_BIAS, "bias",                                                                             \
      "forward adds what backward leaves out (the 1e-7); without it the two agree")                \
    X(NB_ROUNDING, "rounding", "h is so small that rounding shows; at a larger one the two agree") \
    X(NB_TRUNCATION, "truncation",                                                                 \
      "h is so large that curvature shows; at a smaller one the two agree")                        \
    X(NB_UNRESOLVED, "unresolved",                                                                 \
      "no step is accurate enough to see an error of one part in a thousand: nothing is known")    \
    X(NB_UNEXAMINED, "unexamined",                                                                 \
      "beyond the bound, and not looked at again after so many wrong ones")                        \
    X(NB_REDRAWN, "mask redrawn",                                                                  \
      "two passes differ, as masks are drawn again in each: nothing can be said")                  \
    X(NB_NONDETERMINISTIC, "nondeterministic",                                                     \
      "the function gives another value for the same arguments: nothing can be said")              \
    X(NB_OVERWRITTEN, "input overwritten", "a pass changes what it is given: nothing can be said") \
    X(NB_NOT_FINITE, "not finite", "a derivative is NaN or infinite")                              \
    X(NB_WRONG, "wrong", "no step makes the two agree: the code of the derivative is wrong")

typedef enum {
#define X(code, name, text) code,
    NB_REASON_LIST(X)
#undef X
        NB_REASONS
} nb_reason;

/* nb_reason_name, nb_reason_text - of the list; "" for any other number. */
const char *nb_reason_name(nb_reason reason);
const char *nb_reason_text(nb_reason reason);

typedef struct nb_gradient_element {
    size_t index;
    double numerical, analytic, bound; /* as compared */
    double best_h, best; /* if examined again: the most accurate step, and d there; else NaN */
    double noise;        /* the rounding error that the d that decided may have */
    double seen;         /* the smallest error that would have been detected */
} nb_gradient_element;

/* Called for each element: the parameter's name, the result. */
typedef void (*nb_element_function)(void *context, const char *name, nb_reason reason,
                                    const nb_gradient_element *element);

typedef struct nb_check_options {
    double h;        /* the step, > 0 */
    bool richardson; /* (4 d(h/2) - d(h)) / 3, of order h^4, in place of d(h) */
    bool relative; /* callbacks: the step of x_i is h |x_i|, and where x_i is 0, h times the largest
                        |x_j|: the result does not depend on the unit of x. Graphs have the step h. */
    nb_element_function each; /* NULL: only what the report lists */
    void *context;            /* of `each` */
} nb_check_options;

#define NB_CHECK_DEFAULTS (NB_LITERAL(nb_check_options){NB_NUMERICAL_H, false, true, NULL, NULL})

#define NB_CHECK_LISTED 8  /* elements that a row lists for each reason: the first ones */
#define NB_CHECK_WRONG 100 /* wrong elements of a row after which the rest is not examined */
#define NB_CHECK_DIMS 8

/* What all wrong elements of a row have in common: the most likely mistake, code and name. `amount`
 * belongs to it.
 *   factor         a = amount d; -1: a sign, 0: never written, the batch: a mean
 *   transposed     a_ij = d_ji, or the array of a is that of d with rows and columns exchanged
 *   shifted        a_i = d_(i + amount), in the order of memory
 *   term in w      a term is missing, d - a = amount w: a forgotten decay
 *   term in x      d - a = amount x, of the other operand x of w's operation (or its sum over the
 *                  batch, for a matrix of weights)
 *   term constant  d - a = amount
 *   rows left out  d - a is what rows of the batch give, from row `amount` on, or row `amount` alone */
#define NB_SLIP_LIST(X)                       \
    X(NB_SLIP_NONE, "")                       \
    X(NB_SLIP_FACTOR, "factor")               \
    X(NB_SLIP_TRANSPOSED, "transposed")       \
    X(NB_SLIP_SHIFTED, "shifted")             \
    X(NB_SLIP_TERM_IN_W, "term in w")         \
    X(NB_SLIP_TERM_IN_X, "term in x")         \
    X(NB_SLIP_TERM_CONSTANT, "term constant") \
    X(NB_SLIP_ROWS, "rows left out")

typedef enum {
#define X(code, name) code,
    NB_SLIP_LIST(X)
#undef X
        NB_SLIPS
} nb_slip;

/* nb_slip_name - of the list; "" for any other number. */
const char *nb_slip_name(nb_slip slip);

/* What is wrong with a whole pass, independent of single elements: code, name. report->broken
 * describes it in words. */
#define NB_BREACH_LIST(X)                                                                         \
    X(NB_KEPT, "")                                                                                \
    X(NB_BREACH_REDRAWN, "mask redrawn")              /* masks are drawn again in each pass */    \
    X(NB_BREACH_NONDETERMINISTIC, "nondeterministic") /* the same pass gives other numbers */     \
    X(NB_BREACH_OVERWRITTEN, "input overwritten")     /* a pass writes into what it is given */   \
    X(NB_BREACH_ROWS, "rows mixed")                   /* rows alone give other numbers */         \
    X(NB_BREACH_COLUMNS, "columns mixed")             /* a column alone gives other numbers */    \
    X(NB_BREACH_KIND, "another kind")                 /* it is no product, sum or mean */         \
    X(NB_BREACH_THREADS, "one thread alone")          /* several threads give other numbers */    \
    X(NB_BREACH_ACCUMULATED, "accumulated")           /* beta is ignored: gradients do not add */ \
    X(NB_BREACH_FUSED, "fused")                       /* w := w - lr dw in one step is another */ \
    X(NB_BREACH_PRECISION, "one precision alone")     /* float32 differs from float64 */          \
    X(NB_BREACH_PACKED, "packed")                     /* packed inputs give other numbers */      \
    X(NB_BREACH_BACKWARD, "backward")                 /* of one operation is not the transpose */ \
    X(NB_BREACH_DIRECTION, "direction")               /* along a random direction d is not a */

typedef enum {
#define X(code, name) code,
    NB_BREACH_LIST(X)
#undef X
        NB_BREACHES
} nb_breach;

/* nb_breach_name - of the list; "" for any other number. */
const char *nb_breach_name(nb_breach breach);

/* How the two derivatives of one parameter compare. Differences are of signed values. */
typedef struct nb_gradient_row {
    char name[32]; /* cut to fit */
    size_t ndim, dim[NB_CHECK_DIMS];
    size_t count;               /* elements */
    double mean_abs, max_abs;   /* |numerical - analytic| */
    double mean_rel, max_rel;   /* the same over max(|numerical|, |analytic|), where not vacuous */
    size_t worst;               /* the element with max_abs */
    double numerical, analytic; /* there */
    double ratio; /* analytic over numerical, where all wrong ones share it, else NaN */
    nb_slip slip;
    double amount;            /* of the slip; NaN without one */
    size_t tally[NB_REASONS]; /* elements by reason; their sum is `count` */
    nb_gradient_element listed[NB_REASONS]
                              [NB_CHECK_LISTED]; /* the first tally[reason] are filled */
} nb_gradient_row;

typedef struct nb_gradient_report {
    nb_check_options options;
    double value;       /* of the function */
    nb_breach breach;   /* the first that was found, such as a promise that is broken (op.h) */
    char broken[240];   /* it in words, with the operation's name; or "" */
    char first[240];    /* wrong elements: the first operation, from the loss on, whose backward
                                 is, and how; "": none alone is, or it was not looked for */
    nb_slip first_slip; /* what its wrong gradient has in common */
    bool passed;        /* nothing wrong, not finite or unexamined, no promise broken */
    size_t tally[NB_REASONS]; /* over all rows */
    size_t count;             /* one row for each parameter */
    nb_gradient_row *row;
} nb_gradient_report;

/* nb_gradient_report_text - the report for people, in 80 columns: whether the gradient is right, a
 * table with a line for each parameter, a sentence for each reason that occurred with elements as
 * examples, and the verdict.
 *
 *   text  out  cut to size - 1 bytes and closed by 0; not written if size = 0
 *
 * Returns the length of the whole text, as snprintf. */
size_t nb_gradient_report_text(const nb_gradient_report *report, char *text, size_t size);

/* nb_gradient_report_verdict - what a program answers with, its exit status. */
typedef enum {
    NB_GRADIENT_RIGHT,  /* 0: passed */
    NB_GRADIENT_WRONG,  /* 1: an element is wrong or not finite, or an operation breaks a promise */
    NB_GRADIENT_UNKNOWN /* 2: neither, but some elements could not be decided */
} nb_gradient_verdict;
nb_gradient_verdict nb_gradient_report_verdict(const nb_gradient_report *report);

/* nb_gradient_report_json - the report for programs, as one JSON object (RFC 8259):
 *
 *   {"verdict": "right", "value": 2.3, "h": 0.0001, "breach": "", "broken": "",
 *    "first": "", "tally": {"agrees": 12, ...}, "parameters": [{"name": "W1", "shape": [784, 50], "count": 39200,
 *    "max_abs": 1e-9, "slip": "factor", "amount": -1, "tally": {...},
 *    "elements": [{"index": 3, "reason": "wrong", "numerical": 1, "analytic": -1, "best": 1,
 *    "bound": 1e-9, "noise": 1e-13, "seen": 1e-12}, ...]}, ...]}
 *
 * with null for numbers that are not finite and only reasons that occur; elements are those listed,
 * except the ones that agree. Arguments and result as nb_gradient_report_text. */
size_t nb_gradient_report_json(const nb_gradient_report *report, char *text, size_t size);

/* nb_gradient_report_destroy - free what a check filled in and zero it; fine on a zeroed one and on
 * NULL. */
void nb_gradient_report_destroy(nb_gradient_report *report);

/* nb_function_check - compare a hand-written gradient with differences of the callback.
 *
 *   f, gradient  in   called with `context`
 *   x            in   (n), where to check
 *   options      in   NULL: NB_CHECK_DEFAULTS
 *   report       out  old contents never read; one row, named "x"
 * The check finds the corners of a callback itself. At a corner the slopes on either side stay
 * different as the steps shrink; the gradient passes if it lies between them (NB_KINK). Beside a jump
 * (NB_JUMP) it passes if it is the slope on the side without the jump. f is first called four times at
 * x: if a value differs (NB_NONDETERMINISTIC), or x has changed (NB_OVERWRITTEN), the check ends.
 * With options NULL no verdict depends on the unit of x.
 * Errors: NB_EINVAL h is not a positive number, f, gradient, x or report NULL; NB_ENOMEM. The report
 *         is zeroed then.
 * Cost:   about 170 n calls of f, two at x, one of `gradient`; 250 calls more for an element that is not clear,
 *         up to 20,000 for one that is lost in noise (of the first 100 such in a row). */
nb_status nb_function_check(nb_function f, nb_gradient_function gradient, void *context, size_t n,
                            const double *x, const nb_check_options *options,
                            nb_gradient_report *report);

/* --- vectors, complex numbers, products, second derivatives ---------------------------------- */

/* Writes m numbers y(m) of x(n), or m n numbers: the Jacobian dy_i/dx_j (m,n), row by row. */
typedef void (*nb_vector_function)(size_t n, const double *x, size_t m, void *context, double *y);

/* nb_jacobian_check - compare a hand-written Jacobian with differences of y = f(x), as
 * nb_function_check does for each y_i.
 *   report  out  a row for each y_i, "y[i]" (n)
 * Errors: as nb_function_check. Cost: m times nb_function_check. */
nb_status nb_jacobian_check(nb_vector_function f, nb_vector_function jacobian, void *context,
                            size_t n, size_t m, const double *x, const nb_check_options *options,
                            nb_gradient_report *report);

/* The function at complex arguments z(n): writes *f. Written with the operations of complex.h, and
 * without fabs, conj and comparisons of the imaginary part. */
typedef void (*nb_complex_function)(size_t n, const nb_complex *z, void *context, nb_complex *f);

/* nb_complex_check - compare a hand-written gradient with the complex step:
 *
 *   df/dx_i = Im f(x + i h e_i) / h,  h = 2^-100 |x_i| (2^-100 where x_i is 0)
 *
 * No difference is taken, so nothing cancels: the result is accurate to the rounding of f, and an
 * error of one part in 10^12 is detected. If the two disagree, but a difference of the real part agrees
 * with a, the code of f is not analytic (it takes an absolute value, for example): NB_UNRESOLVED.
 *   report  out  one row, "x"
 * Errors: as nb_function_check. Cost: n calls of f, one of `gradient`; 2 more where they disagree.
 * Source: Squire & Trapp, SIAM Review 40 (1998), 110-112; Martins, Sturdza & Alonso, ACM TOMS 29
 *         (2003), 245-262. */
nb_status nb_complex_check(nb_complex_function f, nb_gradient_function gradient, void *context,
                           size_t n, const double *x, nb_gradient_report *report);

/* Writes J v (m) of v(n), or J^T v (n) of v(m), where y = f(x) has the Jacobian J (m,n) at x. */
typedef void (*nb_product_function)(size_t n, const double *x, size_t m, const double *v,
                                    void *context, double *out);

/* The two sides of the adjoint test. */
typedef struct nb_adjoint {
    double forward;  /* <J v, c> */
    double backward; /* <v, J^T c> */
    double terms;    /* |J v| |c| + |v| |J^T c|; nb_op_adjoint: sum of the sizes of the terms */
    double error;    /* of `forward`, where steps were taken */
    bool linear;     /* no step was needed */
    bool agrees;     /* no farther apart than rounding explains */
} nb_adjoint;

/* nb_adjoint_check - whether the codes for J v (forward mode) and J^T c (backward mode) use the same
 * Jacobian: <J v, c> = <v, J^T c> for random v and c, without any step. They may differ by 2^-43 of
 * `terms`; usually it is 1e-16. Whether J is the right Jacobian is checked by nb_jacobian_check.
 * Errors: NB_EINVAL a NULL; NB_ENOMEM; *adjoint is zeroed then. Cost: one call of each. */
nb_status nb_adjoint_check(nb_product_function forward, nb_product_function backward, void *context,
                           size_t n, size_t m, const double *x, nb_adjoint *adjoint);

/* Writes H v (n), H the second derivatives of an nb_function at x. */
typedef void (*nb_curvature_function)(size_t n, const double *x, const double *v, void *context,
                                      double *Hv);

/* How fast the remainders of Taylor's series vanish. */
typedef struct nb_taylor {
    double rate[3];              /* of R0, R1, R2; infinite: nothing but rounding is left;
                                    NaN: not asked, or too few steps above the rounding */
    nb_gradient_verdict verdict; /* right: at least 1.75 and, with Hv, 2.75 */
} nb_taylor;

/* nb_taylor_check - the orders of the remainders of Taylor's series along v:
 *
 *   R0(h) = |f(x + h v) - f(x)|                         ~ h
 *   R1(h) = |f(x + h v) - f(x) - h g^T v|               ~ h^2  if g is the gradient
 *   R2(h) = |... - h^2/2 v^T H v|                       ~ h^3  if H v is the curvature along v, too
 *
 * Halving h halves R0, and divides R1 by 4 and R2 by 8; an error in g leaves rate[1] at 1, one in Hv
 * rate[2] at 2. One direction is checked.
 *   Hv  in  or NULL
 *   v   in  (n), or NULL: normal random numbers, times the size of x
 * Errors: NB_EINVAL a NULL; NB_ENOMEM. Cost: 50 calls of f, one of gradient and of Hv. */
nb_status nb_taylor_check(nb_function f, nb_gradient_function gradient, nb_curvature_function Hv,
                          void *context, size_t n, const double *x, const double *v,
                          nb_taylor *taylor);

/* What second derivatives say. */
typedef struct nb_second {
    double product, difference; /* u^T H v, by Hv and by differences of the gradient */
    double error;               /* of the difference */
    double asymmetry;           /* |u^T H v - v^T H u| over |u| |H v| + |v| |H u| */
    nb_gradient_verdict
        verdict; /* wrong: farther apart than 1e-7 and the error, or asymmetry above 1e-7 */
} nb_second;

/* nb_second_check - compare the code for H v with differences of the gradient along v, and check that H
 * is symmetric, for random u and v.
 * Errors: NB_EINVAL a NULL; NB_ENOMEM. Cost: two calls of Hv, 110 to 250 of gradient. */
nb_status nb_second_check(nb_gradient_function gradient, nb_curvature_function Hv, void *context,
                          size_t n, const double *x, nb_second *second);

NB_END_DECLS
#endif
