/* mpi.h - training by the ranks of an MPI communicator: libnablas-mpi, on top of libnablas.
 *
 *     MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
 *     nb_mpi *mpi;
 *     nb_mpi_create(&mpi, MPI_COMM_WORLD, &(nb_mpi_options){.batch = 200});
 *     options.batch = 200;
 *     options.team = nb_mpi_team(mpi);
 *     nb_train(model, &train, &test, &random, &options, &result);
 *     nb_mpi_destroy(mpi);
 *     MPI_Finalize();
 *
 * All ranks draw the same global batch. Its rows are divided into groups whose size depends on the
 * batch alone; a rank computes whole groups, one after the other. The sums of the groups' gradients,
 *
 *     g = sum over groups k of (rows of k / rows of the batch) g_k,
 *
 * are added in one binary tree over k (op.h: nb_fold), on whichever ranks they are: s_k += s_(k+1) for k = 0, 2,
 * 4 ..., then s_k += s_(k+2) for k = 0, 4, 8 ..., and so on. So weights, losses and metrics have the
 * same bits on any number of ranks and threads, and a checkpoint may be continued on another number.
 * The result of one process without a team is the same to rounding.
 *
 * Each parameter's gradient is sent as soon as it is complete, while those of the layers before are
 * computed; gradients smaller than `bucket` are sent together. docs/distributed.md has the algorithm,
 * measurements, and a model for larger machines.
 *
 * The dropout masks of group k come from a stream of their own, seeded by two numbers of the run's
 * stream and k. Batch norm is refused: its statistics are those of the whole batch.
 *
 * Errors: a rank that fails says so before the sum is used; all ranks end with its status and message.
 *         NB_EIO an MPI function failed, with MPI's text; the communicator can then no longer be used:
 *         every later call returns the same error at once (nb_mpi_broken).
 * Thread safety: all calls from the thread that initialised MPI (MPI_THREAD_FUNNELED). Every function
 * that takes a communicator or communicates is called by all ranks, in the same order. */
#ifndef NABLAS_MPI_H
#define NABLAS_MPI_H

#include "nablas/status.h"
#include "nablas/team.h"

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* NB_MPI_TREE - the fixed tree. NB_MPI_FAST - each rank's groups in the tree's order, then
 * MPI_Allreduce: bits depend on the number of ranks, and on MPI. */
typedef enum { NB_MPI_TREE, NB_MPI_FAST } nb_mpi_sum;

typedef struct nb_mpi_options {
    size_t batch; /* rows of the global batch, >= 1 */
    size_t rows;  /* of a group, the last may be smaller; 0: nb_mpi_group_rows(batch) */
    nb_mpi_sum sum;
    size_t bucket; /* least bytes of gradient in a message; 0: 256 KiB */
    bool wait;     /* send nothing before the whole gradient is computed */
} nb_mpi_options;

typedef struct nb_mpi nb_mpi;

/* nb_mpi_create - a team of the ranks of `comm`, which is duplicated and stays the caller's. MPI is
 * initialised. Refuses ranks with other options or another version of nablas than rank 0.
 * nb_mpi_destroy - free it, and the duplicate; NULL is fine. After an MPI error neither the duplicate nor
 * buffers that it may still write are freed.
 * nb_mpi_team - for nb_train_options.team; belongs to `mpi`.
 * nb_mpi_broken - whether an MPI function failed. Then end with MPI_Abort, not with MPI_Finalize, which
 * may wait for ranks that are gone. false for NULL.
 * nb_mpi_group_rows - the rows of a group where options do not say: about a sixteenth of the batch, in
 * multiples of NB_ROW_GROUP. Ranks beyond batch / rows have no work.
 * Errors: NB_EINVAL a NULL, batch = 0, a sum that is none, MPI not initialised, other options or another
 *         version; NB_EIO; NB_ENOMEM; *mpi is NULL then. */
nb_status nb_mpi_create(nb_mpi **mpi, MPI_Comm comm, const nb_mpi_options *options);
void nb_mpi_destroy(nb_mpi *mpi);
const nb_team *nb_mpi_team(const nb_mpi *mpi);
bool nb_mpi_broken(const nb_mpi *mpi);
size_t nb_mpi_group_rows(size_t batch);

/* nb_mpi_leave - tell the other ranks that this rank ends: their next agreement fails with NB_EIO
 * and "rank R has ended". Does nothing for NULL, or if the last agreement was on a failure, as all ranks
 * then know. For atexit, before MPI_Finalize. */
void nb_mpi_leave(nb_mpi *mpi);

/* What this rank did in the steps since it was made. */
typedef struct nb_mpi_work {
    size_t steps;
    double compute; /* seconds: forward, backward, update */
    double wait;    /* ... waiting for others, agreements included */
    double add;     /* ... adding gradients */
    double least;   /* seconds of the fastest step */
    double sent;    /* bytes of gradient */
    size_t messages;
} nb_mpi_work;
nb_mpi_work nb_mpi_work_of(const nb_mpi *mpi); /* zeros for NULL */

NB_END_DECLS
#endif
