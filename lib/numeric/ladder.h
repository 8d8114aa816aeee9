/* ladder.h - what differences of a function of one number say of its derivative, for all steps: for
 * lib/numeric alone. Nothing is known of the function but its values. */
#ifndef NABLAS_NUMERIC_LADDER_H
#define NABLAS_NUMERIC_LADDER_H

#include <stdbool.h>

typedef double (*nb_ladder_function)(void *context, double x);

/* A derivative that three steps in a row agree on. */
typedef struct nb_plateau {
    double slope, error; /* error: infinite: there is none */
    double h;            /* the widest step of the three */
} nb_plateau;

/* One side, or both: d for each step. */
enum { nb_ladder_steps = 50 };
typedef struct nb_ladder_side {
    long double d[nb_ladder_steps];
    double h[nb_ladder_steps]; /* 0: too narrow to move x */
    double rounding;           /* of x within f, as in f(x / 10): u |x| */
    int order;                 /* of the error of d in h: 2 central, 1 one-sided */
} nb_ladder_side;

typedef struct nb_ladder {
    double x, f, scale;
    nb_ladder_side both, before, after;
    bool flat;       /* f(x + h) = f(x - h) for every step */
    bool lost;       /* f waves faster than any steps with digits: these say nothing */
    double noise;    /* of f */
    nb_plateau best; /* the smallest error */
    nb_plateau narrow,
        wide; /* the narrowest with three digits; the best of wider ones that differ */
    nb_plateau left, right; /* from one side alone */
} nb_ladder;

/* nb_ladder_climb - with steps 2^-2 scale, 2^-3 scale, ... 2^-51 scale: 120 calls.
 * nb_ladder_jump - the size of a jump between x and x + t, 0 if f only bends: 60 calls.
 * nb_ladder_listen - look for jumps on both sides, which are the steps of a staircase to which f is
 * rounded, and so its noise; then find the plateaus again: 120 calls.
 * nb_ladder_fit - where noise leaves no plateau with three digits: the slope of a polynomial through
 * many values, whose noise the square root of their number divides, into `narrow`; false, and nothing
 * written, if that has no three digits either, or what is left beside the polynomial is no noise: 3,000
 * calls, 8,000 where it succeeds. */
void nb_ladder_climb(nb_ladder_function f, void *context, double x, double scale,
                     nb_ladder *ladder);
double nb_ladder_jump(nb_ladder_function f, void *context, double x, double t, double slope);
void nb_ladder_listen(nb_ladder_function f, void *context, nb_ladder *ladder);
bool nb_ladder_fit(nb_ladder_function f, void *context, nb_ladder *ladder);

#endif
