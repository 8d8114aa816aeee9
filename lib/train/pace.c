#include "train/pace.h"

enum { trial_steps = 8, shortest_period = 64, longest_period = 2048 };

void nb_pace_init(nb_pace *pace, bool fixed, bool all)
{
    *pace = (nb_pace){.fixed = fixed, .all = all};
    if (fixed) return;
    /* One thread for a while, then a trial of all. */
    pace->all = false;
    pace->left = trial_steps;
    pace->period = shortest_period;
}

/* A short memory, that one interrupted step does not dominate. */
static void remember(double *mean, double seconds)
{
    const double most = 4 * *mean;
    if (*mean == 0)
        *mean = seconds;
    else
        *mean += ((seconds < most ? seconds : most) - *mean) / 8;
}

static void begin_trial(nb_pace *pace)
{
    pace->all = !pace->all;
    pace->trial = true;
    pace->left = trial_steps;
    pace->mean[pace->all] = 0;
}

/* All threads must win by a tenth: they cost the machine more than one does. */
static void end_trial(nb_pace *pace)
{
    const bool other = pace->all, better = pace->mean[1] < 0.9 * pace->mean[0];
    const bool changed = better == other;
    pace->trial = false;
    pace->all = better;
    if (changed)
        pace->period = shortest_period;
    else if (pace->period < longest_period)
        pace->period *= 2;
    pace->left = pace->period;
}

void nb_pace_record(nb_pace *pace, double seconds)
{
    if (pace->fixed) return;
    remember(&pace->mean[pace->all], seconds);
    /* Much slower than the other way has been: do not wait for the next trial. */
    const double other = pace->mean[!pace->all];
    if (!pace->trial && other > 0 && pace->mean[pace->all] > 1.3 * other &&
        pace->left + trial_steps < pace->period)
        pace->left = 1;
    if (--pace->left > 0) return;
    if (pace->trial)
        end_trial(pace);
    else
        begin_trial(pace);
}
