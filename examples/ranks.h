/* ranks.h - a program that mpirun starts several times: rank 0 alone prints, all end together. */
#ifndef EXAMPLES_RANKS_H
#define EXAMPLES_RANKS_H

#include "nablas/mpi.h"

/* ranks_begin - initialise MPI; all ranks but 0 lose standard output and error. At exit a rank that ends
 *               before ranks_end has the others end too, in what they agree on next; then MPI is
 *               finalised. The exit status is rank 0's.
 * ranks_team - the team of all ranks. Exits on failure.
 * ranks_end - the end of what the ranks do together. */
void ranks_begin(int *argc, char ***argv);
const nb_team *ranks_team(const char *program, const nb_mpi_options *options);
void ranks_end(void);

/* ranks_work - of this rank so far. */
nb_mpi_work ranks_work(void);

#endif
