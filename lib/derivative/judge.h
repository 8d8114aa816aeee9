/* judge.h - the derivative of the frozen function in better arithmetic, and whether the one that
 * backpropagation gives is it; for lib/derivative alone. */
#ifndef NABLAS_JUDGE_H
#define NABLAS_JUDGE_H

#include "derivative/wide.h"
#include "nablas/gradient.h"

/* A function of one number t around 0; *crossed: it left its smooth piece on the way. */
typedef nb_status (*nb_line_function)(void *context, nb_real t, nb_real *f, bool *crossed);

/* What a ladder of steps says of f'(0). */
typedef struct nb_slope {
    nb_real value;
    nb_real error; /* estimate; infinite: no three steps on one piece */
    double step;   /* the widest of those that `value` is from */
} nb_slope;

/* nb_find_slope - from central differences with the steps 2^-4 scale, 2^-5 scale, ..., extrapolated
 * over three (Romberg), until three results in a row are the same to 10 digits (of the slope, or of
 * the expected one where that is larger), and if none are, with wider steps. `unit` is what f(0) is
 * rounded by. Errors: those of f. */
nb_status nb_find_slope(nb_line_function f, void *context, double scale, double unit,
                        double expected, nb_slope *slope);

/* Of a graph: `wide` of its exact form, gradients of backpropagation in `loss`'s. */
typedef struct nb_judge {
    const nb_node *loss;  /* in float64, after backward */
    const nb_node *exact; /* the loss that `wide` is of: the same, or its exact form */
    nb_wide *wide;
} nb_judge;

/* The verdict on one element. */
typedef struct nb_judgement {
    nb_slope slope;
    double rounding; /* what backpropagation may be off by, as it rounds its own terms */
    bool right;      /* no more apart than error and rounding explain */
    bool corner;     /* it is one at x itself: any slope between left and right is right */
} nb_judgement;

nb_status nb_judge_element(const nb_judge *judge, const nb_node *parameter, size_t i, double scale,
                           double analytic, nb_judgement *judgement);

/* nb_judge_terms - the `rounding` of that judgement alone: 256 u times the terms that backpropagation
 * adds up to the element. */
nb_status nb_judge_terms(const nb_judge *judge, const nb_node *parameter, size_t i, double scale,
                         double *rounding);

/* nb_judge_adjoint - does backward of one node give the transpose of what forward does? With random
 * numbers c for the gradient of its output and a random direction v of one input, c^T (J v) from
 * forward against (J^T c)^T v from backward. No loss is involved, so that nothing is too small.
 * nb_judge_slip - what its wrong gradient of that input has in common; NB_SLIP_NONE also where finding
 * it would take more than about a second.
 * Errors: NB_ENOMEM; what the operation answers. */
nb_status nb_judge_adjoint(const nb_judge *judge, nb_node *node, size_t input, nb_adjoint *adjoint);
nb_status nb_judge_slip(const nb_judge *judge, nb_node *node, size_t input, nb_slip *slip,
                        double *amount);

#endif
