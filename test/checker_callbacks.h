/* checker_callbacks.h - functions of one number that are hard to differentiate, with the right slope;
 * for checker_tool.c and test_check_callbacks.c. */
#ifndef TEST_CHECKER_CALLBACKS_H
#define TEST_CHECKER_CALLBACKS_H

#include "nablas/check.h"

#include <stdbool.h>

typedef struct curve {
    const char *name;
    double (*f)(double x), (*slope)(double x);
    bool smooth;    /* no corner, no jump and no staircase */
    nb_reason want; /* of the right slope; NB_REASONS: any that passes */
} curve;

/* Point k: a curve at x. */
typedef struct hard_point {
    const curve *curve;
    double x;
} hard_point;

extern const size_t hard_points;
const curve *hard_curve(const char *name);
hard_point hard_point_at(size_t k);

/* Its check, with x -> c x (f(x / c), so that nothing but the unit of x changes) and the slope times
 * `factor`. */
nb_status hard_check(hard_point p, double c, double factor, nb_gradient_report *report);

#endif
