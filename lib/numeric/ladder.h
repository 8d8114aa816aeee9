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

typedef struct nb_ladder {
    double x, f;             /* f(x) */
    bool flat;               /* f is the same for every step, on both sides */
    double noise;            /* of f */
    nb_plateau best;         /* the smallest error */
    nb_plateau narrow, wide; /* the narrowest of those with three digits, the widest */
    nb_plateau left, right;  /* from one side alone */
    bool jumps;              /* between the narrow and the wide steps f jumps, and not just bends */
} nb_ladder;

/* nb_ladder_climb - with steps 2^-2 scale, 2^-3 scale, ... 2^-46 scale.
 * nb_ladder_jumps - does f jump between x and x + t, or only bend? About 60 calls. */
void nb_ladder_climb(nb_ladder_function f, void *context, double x, double scale,
                     nb_ladder *ladder);
bool nb_ladder_jumps(nb_ladder_function f, void *context, double x, double t, double slope);

#endif
