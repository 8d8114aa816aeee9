/* trainer.h - a trainer, and its functions for the loop of nb_train; for lib/train alone. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "nablas/train.h"
#include "train/pace.h"

enum { MOST_HALVINGS = 30 };

struct nb_trainer {
    nb_model *model;
    nb_source *train, *test; /* test is NULL where there is no such set */
    nb_train_options options;
    nb_random *random;
    nb_optimizer *optimizer;
    nb_pool *pool; /* NULL: one thread is all there is */
    nb_pace step_pace, eval_pace;
    size_t steps;                 /* done, those before nb_trainer_load included */
    size_t steps_here, steps_all; /* done by this trainer; done with all threads */
    size_t halvings;              /* of the learning rate, after a loss that was not finite */
    double first;                 /* loss of the first batch, before the step */
    nb_pass pass_before;
    bool joins_before;
    /* Looks at a step between its forward pass and its update; NULL: nobody does. */
    nb_status (*look)(nb_trainer *trainer, const nb_batch *batch, nb_node *loss, void *context);
    void *look_context;
    char *data[2];       /* fingerprints of the sets, once they were asked for */
    int64_t counters[5]; /* what nb_trainer_view shows of numbers kept elsewhere */
    double numbers[2];
};

/* nb_trainer_first_loss - the loss of the first batch before the first step, once that is taken. */
double nb_trainer_first_loss(const nb_trainer *trainer);

/* nb_trainer_team - the members it trains with, or NULL.
 * nb_team_begin - of a trainer in a team, before the first step: all that decides its bits is the same on
 *                 all members; agreed. Errors: NB_EINVAL with what differs, and those of `prepare`. */
const nb_team *nb_trainer_team(const nb_trainer *trainer);
nb_status nb_team_begin(nb_trainer *trainer);

#endif
