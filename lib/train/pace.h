/* pace.h - choose between one thread and all of them from the measured time of steps.
 *
 * Now and then some steps are run the other way, and the way with the smaller mean time is kept. If
 * the machine becomes busy and threads wait for each other, this costs only a few slow steps.
 */
#ifndef NABLAS_PACE_H
#define NABLAS_PACE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct nb_pace {
    bool fixed;     /* no choice: always `all` */
    bool all;       /* how the next step runs */
    bool trial;     /* this is a trial of the other way */
    double mean[2]; /* running mean of a step's seconds: with one thread, with all */
    size_t left;    /* steps until the trial ends or the next begins */
    size_t period;  /* steps between trials */
} nb_pace;

/* nb_pace_init - fixed on one thread (all = false) or all, or free to choose. */
void nb_pace_init(nb_pace *pace, bool fixed, bool all);

/* nb_pace_record - a step took so long, run as pace->all says; decides about the next. */
void nb_pace_record(nb_pace *pace, double seconds);

#endif
