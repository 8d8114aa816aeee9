/* state.h - what a team over MPI is made of; for mpi alone. */
#ifndef MPI_STATE_H
#define MPI_STATE_H

#include "nablas/mpi.h"
#include "tree.h"

/* A range of the flat gradient that travels together. */
typedef struct bucket {
    size_t lo, hi;                  /* elements */
    size_t parameters;              /* in it */
    size_t missing;                 /* of them, in this rank's last group */
    bool combined;                  /* this rank's segment has its total */
    MPI_Request *in, *out, *result; /* partial sums to and from, totals to and from */
    size_t ins, outs, results;
    char *received; /* partial sums of this rank's segment, one after the other */
} bucket;

struct nb_mpi {
    MPI_Comm comm;
    size_t rank, size;
    nb_mpi_options options;
    nb_team team;
    char sum_name[32];
    nb_status broken;    /* NB_OK: no MPI function failed */
    char text[512];      /* of that failure */
    bool agreed_to_fail; /* in the last agreement */
    nb_mpi_work work;

    /* Of the model that was prepared. */
    nb_model *model;
    const nb_kernels *kernels;
    nb_tensor gradients; /* the graph's, flat */
    size_t n, parameters;
    bool draws; /* its operations draw random numbers */
    char *slot; /* (depth, n): partial sums of this rank */
    size_t depth;
    nb_sink *sink;     /* (depth, parameters) */
    size_t *bucket_of; /* (parameters) */
    bucket *bucket;
    size_t buckets, launched;
    MPI_Request *request;
    char *received;
    double *loss; /* (2 groups + 1): before, after, failures */

    /* Of the step at hand. */
    size_t groups, first, end; /* this rank's are first ... end-1 */
    tree_node *mine;           /* (depth) what its groups add up to */
    size_t nodes;
    size_t filled;  /* partial sums there are so far */
    size_t pending; /* the group whose gradients are arriving in slot `filled` */
};

/* mpi_check - the status of what an MPI function returned. */
nb_status mpi_check(nb_mpi *m, int code, const char *function);

/* team_* - the functions of nb_team. */
nb_status team_prepare(nb_model *model, size_t batch, void *context);
nb_status team_step(nb_team_step *step, void *context);
nb_status team_agree(nb_status mine, void *context);
void team_forget(nb_mpi *m);

/* sum_begin - before a step's first group: expect what others send.
 * sum_add - the group at hand, in slot `filled`: elements lo ... hi-1 are complete; add what belongs
 *           together in the tree.
 * sum_launch - send the buckets that are complete, in their order; `all`: whether they are or not.
 * sum_poll - go on with what has arrived, without waiting.
 * sum_end - wait until the graph's gradient is the total. */
nb_status sum_begin(nb_mpi *m);
void sum_add(nb_mpi *m, size_t lo, size_t hi, bool keep);
nb_status sum_launch(nb_mpi *m, bool all);
nb_status sum_poll(nb_mpi *m);
nb_status sum_end(nb_mpi *m);

#endif
