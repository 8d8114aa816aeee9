/* training.h - is what trains what was checked? For lib/derivative alone. */
#ifndef NABLAS_TRAINING_H
#define NABLAS_TRAINING_H

#include "derivative/judge.h"
#include "nablas/check.h"

/* A copy of the caller's graph, in its own precision, after backward. */
typedef struct nb_training {
    const nb_judge *judge; /* the same graph in float64, after backward */
    nb_node *loss;         /* of the copy */
    size_t count;          /* elements of all parameters */
    double *gradient;      /* (count) of the copy, parameter after parameter */
    double *noise;         /* (parameters) by which rounding may move an element */
    double *rounding;      /* (parameters) the same in float64; 0: not known */
    double *sway;     /* (parameters) float32: by which rounding of the forward pass may move it */
    bool same_piece;  /* relu and the like are on the sides where they are in float64 */
    nb_random stream; /* that masks are drawn from */
} nb_training;

/* nb_training_create - the copy of `loss`'s graph; judge->wide is made if it is worth its time. One
 * backward pass, two for float32. nb_training_destroy - fine on a zeroed one. Errors: NB_ENOMEM, those of the passes. */
nb_status nb_training_create(nb_training *t, nb_node *loss, nb_judge *judge);
void nb_training_destroy(nb_training *t);

/* nb_training_run - the gradient twice, added to what is there, straight into the parameters, on two
 * threads, by rows split at random, from packed inputs, and in float32 against float64; the first
 * that differs is named. Six backward passes, or five.
 *
 *   breach, broken  out  as nb_promises_check */
nb_status nb_training_run(nb_training *t, nb_breach *breach, char *broken, size_t size);

/* nb_training_bound - how far element i of the parameter may be from float64's, by the rounding of
 * the graph's own precision: `rounding` is that of float64. */
double nb_training_bound(const nb_training *t, double analytic, double rounding);

/* nb_check_direction - along one random direction v of all parameters (or of one), d of the loss by
 * whole forward passes in float64, against the gradient: one element.
 *
 *   only     in   a parameter of judge->loss's graph, or NULL: all
 *   rounding in   (parameters) by which it may move an element of the gradient
 *   element  out  numerical: d, or NaN where no three steps are on one smooth piece
 * Errors: those of nb_forward. */
nb_status nb_check_direction(const nb_judge *judge, const nb_node *only, const double *rounding,
                             nb_gradient_element *element, bool *agrees);

#endif
