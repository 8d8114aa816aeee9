/* team.h - training by several processes: the functions that nb_train needs to connect them.
 *
 * The members of a team hold the same model, data, stream and options and draw the same batches. All
 * take a step together: each member computes some of the batch's rows, and all update their weights by
 * the same sum of gradients. Only member 0 writes and reads checkpoints. libnablas-mpi makes a team of
 * the ranks of an MPI communicator (nablas/mpi.h); this header does not depend on MPI.
 *
 * Every member calls each function, in the same order, even after a failure: a member that failed
 * reports it in the next `agree`, and all end with its status and message. */
#ifndef NABLAS_TEAM_H
#define NABLAS_TEAM_H

#include "nablas/dataset.h"
#include "nablas/model.h"
#include "nablas/optim.h"
#include "nablas/random.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* One step, for nb_team.step. */
typedef struct nb_team_step {
    nb_status before; /* of what this member did before the step; the detail is nb_last_error's */
    nb_model *model;
    nb_optimizer *optimizer;
    nb_source *source;  /* the batch is drawn; nb_source_rows has its rows */
    size_t n;           /* rows of the batch, also where this member could not read it */
    nb_random *random;  /* the stream for masks; all members draw the same from it */
    bool training_loss; /* as nb_train_options */
    double first, loss; /* out: of the batch before the update, and after it */
} nb_team_step;

typedef struct nb_team {
    size_t rank, size; /* this member, of how many */
    size_t rows;       /* the most rows of the batch that a member computes at once */
    const char *sum;   /* how gradients are added, for checkpoints: "tree 24"; bits depend on it */
    void *context;     /* for all below */

    /* prepare - called before the first step; may refuse a model. The team's owner frees what it
     * allocates. */
    nb_status (*prepare)(nb_model *model, size_t batch, void *context);
    /* step - forward, backward, sum, update, loss. All members return the same status; after a failure
     * before the update no weight has changed. */
    nb_status (*step)(nb_team_step *step, void *context);
    /* agree - NB_OK if `mine` is NB_OK on all members. Otherwise the status and detail of the lowest
     * member that failed with another status than NB_ESTOPPED; if there is none, of the lowest that
     * stopped. */
    nb_status (*agree)(nb_status mine, void *context);
    /* copy - bytes(n) of member 0 to all. */
    nb_status (*copy)(void *bytes, size_t n, void *context);
    /* gather - of items(n), `size` bytes each, member r has those of nb_share(n, r, team size); then all
     * have all. */
    nb_status (*gather)(void *items, size_t size, size_t n, void *context);
} nb_team;

/* nb_team_agree - as `agree`; `mine` itself for a NULL team.
 * nb_team_same - check that `text` is the same on all members. All return the same status; the message
 *                of NB_EINVAL names the member, `what`, and both texts.
 * nb_team_read - member 0 reads the file (nb_file_read) and sends the bytes to all; a NULL team:
 *                nb_file_read. */
nb_status nb_team_agree(const nb_team *team, nb_status mine);
nb_status nb_team_same(const nb_team *team, const char *what, const char *text);
nb_status nb_team_read(const nb_team *team, const char *path, unsigned char **bytes, size_t *size);

/* nb_team_share_dataset - member 0's samples and targets to all: the others' *set is written, to be freed
 *                         by nb_dataset_destroy.
 * nb_team_share_model - member 0's parameters and state to all, of models that are otherwise the same.
 *
 *   before  in  this member's status so far: one that could not read its file says so here
 * Errors: of `before`, wherever it was; NB_EINVAL a NULL; NB_ENOMEM; NB_ESHAPE. All have the same.
 * Cost:   one broadcast. */
nb_status nb_team_share_dataset(const nb_team *team, nb_status before, nb_dataset *set);
nb_status nb_team_share_model(const nb_team *team, nb_status before, nb_model *model);

NB_END_DECLS
#endif
