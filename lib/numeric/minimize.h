/* minimize.h - what the methods of nb_minimize share; for lib/numeric alone. */
#ifndef NABLAS_NUMERIC_MINIMIZE_H
#define NABLAS_NUMERIC_MINIMIZE_H

#include "nablas/minimize.h"

#include <float.h>

/* A search: where it is, and the point that it tries. All vectors are (n). */
typedef struct nb_search {
    nb_function f;
    nb_gradient_function gradient;
    void *context;
    size_t n;
    const nb_minimize_options *options;
    nb_minimum *now;
    double *x, *g;           /* f(x) is now->value */
    double *trial, *trial_g; /* x + step p */
    double trial_value;
    double *p;     /* direction */
    double *low_g; /* the line search's own */
    bool anew;     /* forget what former steps taught; the method clears it */
    double *work;  /* the method's own */
} nb_search;

/* The step of central differences, in units of max(1, |x_i|): the cube root of 2^-52. */
#define NB_CUBE_ROOT 6.055454452393343e-06

/* What one step came to. */
typedef enum {
    NB_STEP_TAKEN,
    NB_STEP_NONE,    /* f gets no smaller */
    NB_STEP_ENDLESS, /* taken; f falls on and on */
    NB_STEP_BLIND    /* the Hessian is not finite */
} nb_step;

/* f at s->trial; +infinity where it has no answer. */
double nb_search_value(nb_search *s);

/* The gradient at s->trial into `g`; false if it is not finite. */
bool nb_search_gradient(nb_search *s, double *g);

/* Find trial := x + a p by the strong Wolfe conditions, from a = 1 on; slope = g^T p < 0. */
nb_step nb_line_search(nb_search *s, double slope);

/* The methods: doubles of work for n elements (false: too many), and a step from x to trial. */
bool nb_bfgs_size(const nb_search *s, size_t *size);
nb_step nb_bfgs_step(nb_search *s);
bool nb_lbfgs_size(const nb_search *s, size_t *size);
nb_step nb_lbfgs_step(nb_search *s);
bool nb_trust_size(const nb_search *s, size_t *size);
nb_step nb_trust_step(nb_search *s);

#endif
