#include "ranks.h"
#include "common.h"

#include <stdlib.h>
#include <unistd.h>

static nb_mpi *all;
static bool ended;

/* mpirun ends all ranks when one does not answer 0: that is for rank 0 to say, when it has printed why. */
static void at_the_end(void)
{
    const bool follows = all && nb_mpi_team(all)->rank > 0;
    if (!ended) nb_mpi_leave(all);
    if (nb_mpi_broken(all)) MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
    nb_mpi_destroy(all);
    MPI_Finalize();
    if (follows) _exit(0);
}

void ranks_begin(int *argc, char ***argv)
{
    int given, rank;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &given)) exit(EXIT_FAILED);
    atexit(at_the_end);
    setenv("TERM", "dumb", true); /* mpirun's pipe may look like a terminal: no live line */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        exit(EXIT_FAILED);
}

const nb_team *ranks_team(const char *program, const nb_mpi_options *options)
{
    if (nb_mpi_create(&all, MPI_COMM_WORLD, options)) fail(program);
    return nb_mpi_team(all);
}

void ranks_end(void)
{
    ended = true;
}

nb_mpi_work ranks_work(void)
{
    return nb_mpi_work_of(all);
}
