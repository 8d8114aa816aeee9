/* hyperparameter_optimization_mpi - hyperparameter_optimization with its trials shared among the ranks of
 * MPI: the same results in the same order. */
#include "ranks.h"
#include "search.h"

static const nb_team *connect_ranks(const char *program)
{
    return ranks_team(program, &(nb_mpi_options){.batch = 1});
}

int main(int argc, char **argv)
{
    ranks_begin(&argc, &argv);
    const int code = search_main(argc, argv, connect_ranks);
    ranks_end();
    return code;
}
