/* search.h - the random search of 6.5.2, by one process or by a team of them. */
#ifndef EXAMPLES_SEARCH_H
#define EXAMPLES_SEARCH_H

#include "nablas/nablas.h"

/* search_main - main of a program that searches; connect_team, called once the command line is read, gives
 *               the processes that share the trials (NULL: this one alone). The results are the same. */
int search_main(int argc, char **argv, const nb_team *(*connect_team)(const char *program));

#endif
