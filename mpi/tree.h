/* tree.h - the one binary tree in which the sums of groups are added. Node (level, index) is the sum of
 * groups index 2^level ... (index + 1) 2^level - 1, as far as there are such groups. */
#ifndef MPI_TREE_H
#define MPI_TREE_H

#include <stddef.h>

typedef struct tree_node {
    size_t level, index;
} tree_node;

/* Add the partial sum at place `right` to that at `left`. */
typedef void (*tree_merge)(size_t left, size_t right, void *context);

/* tree_push - put a node behind the `depth` nodes of the stack, in the order of the groups, and add what
 *             belongs together: merge is called for places in the stack; NULL: nothing is called. Returns
 *             the new depth; 1 with the root when all groups are there.
 * tree_range - push groups lo ... hi-1; *most: the largest depth on the way, the group just pushed
 *              included. Returns the depth. */
size_t tree_push(tree_node *stack, size_t depth, size_t groups, tree_node node, tree_merge merge,
                 void *context);
size_t tree_range(tree_node *stack, size_t groups, size_t lo, size_t hi, size_t *most);

enum { TREE_DEPTH = 130 }; /* of any stack: two nodes for each level, and one */

#endif
