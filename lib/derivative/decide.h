/* decide.h - the reason for each element of a parameter; for lib/derivative alone. */
#ifndef NABLAS_DECIDE_H
#define NABLAS_DECIDE_H

#include "derivative/judge.h"
#include "numeric/check.h"

/* One parameter of a graph: its differences, and how to look again. */
typedef struct nb_deciding {
    nb_judge *judge;      /* its `wide` is made when it is first needed */
    nb_node *parameter;   /* of judge->loss's graph */
    nb_checked c;         /* the differences; `exact` where there is an exact form */
    double f, f_exact, h; /* the loss as it is, in its exact form; the step */
    const nb_check_options *options;
} nb_deciding;

/* nb_decide - count and list every element of the row. Errors: NB_ENOMEM, what a pass answers. */
nb_status nb_decide(nb_deciding *d, nb_gradient_row *row);

/* nb_judge_ready - make judge->wide if there is none. */
nb_status nb_judge_ready(nb_judge *judge);

#endif
