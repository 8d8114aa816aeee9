/* lines.h - which rows of a product one element of a parameter changes; for lib/derivative alone.
 *
 * If W[i][j] changes by h, row r of a product x W + b changes by h x[r][i] in column j; if b[j]
 * changes by h, by h. Equal changes of a row are computed once: a line is a row and a distance, for
 * all numbers i that change the row by it. Where x is 0 nothing changes and there is no line; where
 * it is infinite, the change need not be h x. Lines are the same for every column j. */
#ifndef NABLAS_LINES_H
#define NABLAS_LINES_H

#include "graph/graph.h"

typedef struct nb_lines {
    size_t count, columns; /* lines; numbers of one column of the parameter: k, or 1 for b */
    uint32_t *row;         /* (count) ascending */
    void *value;           /* (count) x[r][i], or 1 for b; of the graph's type */
    bool finite;           /* x is; if not, there are no lines */
    size_t *start;    /* (count + 1) line q is that of number[start[q]] ... number[start[q+1]-1] */
    uint32_t *number; /* (start[count]) */
} nb_lines;

/* nb_lines_create - the lines of input `position` (1: W, 2: b) of `node`, a product.
 * nb_lines_destroy - fine on a zeroed struct.
 * Errors: NB_ENOMEM; *lines is zeroed then.
 * Cost: sorts each row of x. */
nb_status nb_lines_create(nb_lines *lines, const nb_node *node, size_t position);
void nb_lines_destroy(nb_lines *lines);

#endif
