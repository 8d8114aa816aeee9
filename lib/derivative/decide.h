/* decide.h - the reason for each element of a parameter; for lib/derivative alone. */
#ifndef NABLAS_DECIDE_H
#define NABLAS_DECIDE_H

#include "derivative/judge.h"
#include "derivative/training.h"
#include "numeric/check.h"

/* One parameter of a graph: its differences, and how to look again. */
typedef struct nb_deciding {
    nb_judge *judge;      /* its `wide` is made when it is first needed */
    nb_node *parameter;   /* of judge->loss's graph */
    nb_checked c;         /* the differences; `exact` where there is an exact form */
    double f, f_exact, h; /* the loss as it is, in its exact form; the step */
    const nb_check_options *options;
    const nb_training *training;
    const float *single; /* the gradient in float32, or NULL */
    double sway;         /* of it (training.h) */
    bool apart;          /* out: it is not that in float64, to rounding */
} nb_deciding;

/* nb_decide - count and list every element of the row. Errors: NB_ENOMEM, what a pass answers. */
nb_status nb_decide(nb_deciding *d, nb_gradient_row *row);

/* nb_judge_ready - make judge->wide if there is none. */
nb_status nb_judge_ready(nb_judge *judge);

/* nb_judge_work - multiplications of a forward pass, as an element of the parameter moves; NULL: of a
 * whole one. */
double nb_judge_work(const nb_node *loss, const nb_node *parameter);

#endif
