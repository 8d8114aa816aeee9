#include "tree.h"

size_t tree_push(tree_node *stack, size_t depth, size_t groups, tree_node node, tree_merge merge,
                 void *context)
{
    stack[depth++] = node;
    for (;;) {
        tree_node *top = &stack[depth - 1];
        if (top->index == 0 && groups <= (size_t)1 << top->level) return depth;
        if (top->index % 2 == 0) {
            /* Its right neighbour is still to come, or there is none and it is the sum of both. */
            if ((top->index + 1) << top->level < groups) return depth;
        } else {
            if (depth < 2 || top[-1].level != top->level || top[-1].index + 1 != top->index)
                return depth;
            if (merge) merge(depth - 2, depth - 1, context);
            top = &stack[--depth - 1];
        }
        top->level++;
        top->index /= 2;
    }
}

size_t tree_range(tree_node *stack, size_t groups, size_t lo, size_t hi, size_t *most)
{
    size_t depth = 0;
    *most = 0;
    for (size_t g = lo; g < hi; g++) {
        if (depth + 1 > *most) *most = depth + 1;
        depth = tree_push(stack, depth, groups, (tree_node){0, g}, NULL, NULL);
    }
    return depth;
}
