/* lines.h - which rows of a product one element of a parameter changes; for lib/derivative alone.
 *
 * Row r of a product x W + b answers a shift h of W[i][j] by h x[r][i] in column j, and a shift of
 * b[j] by h. Two shifts that move it equally far are one: a line is a row and a distance, and
 * stands for all numbers i that it answers. Where x is 0 nothing moves and there is no line; where
 * it is infinite, the product need not move by h x. Lines are the same for every column j. */
#ifndef NABLAS_LINES_H
#define NABLAS_LINES_H

#include "graph/graph.h"

typedef struct nb_lines {
    size_t count, columns; /* lines; numbers of one column of the parameter: k, or 1 for b */
    uint32_t *row;         /* (count) ascending */
    void *value;           /* (count) x[r][i], or 1 for b; of the graph's type */
    bool finite;           /* x is; if not, there are no lines */
    size_t *start;    /* (count + 1) line q stands for number[start[q]] ... number[start[q+1]-1] */
    uint32_t *number; /* (start[count]) */
} nb_lines;

/* nb_lines_create - the lines of input `position` (1: W, 2: b) of `node`, a product.
 * nb_lines_destroy - fine on a zeroed struct.
 * Errors: NB_ENOMEM; *lines is zeroed then.
 * Cost: sorts each row of x. */
nb_status nb_lines_create(nb_lines *lines, const nb_node *node, size_t position);
void nb_lines_destroy(nb_lines *lines);

#endif
