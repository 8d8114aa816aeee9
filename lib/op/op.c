#include "nablas/op.h"
#include "op/ops.h"

static const nb_op *const table[] = {
#define X(name) &nb_op_##name,
    NB_OP_LIST(X)
#undef X
};

size_t nb_op_count(void)
{
    return sizeof table / sizeof *table;
}

const nb_op *nb_op_at(size_t i)
{
    return i < nb_op_count() ? table[i] : NULL;
}

size_t nb_groups(size_t n)
{
    return n / NB_GROUP_ROWS + (n % NB_GROUP_ROWS != 0);
}

size_t nb_group_begin(const nb_call *c, size_t group, size_t *end)
{
    const size_t rows = nb_tensor_height(c->in[0]), from = group * NB_GROUP_ROWS;
    *end = group + 1 == nb_groups(c->rows) ? rows : from + NB_GROUP_ROWS;
    if (*end > rows) *end = rows;
    return from < rows ? from : rows;
}

void nb_fold(const nb_kernels *kernels, size_t groups, size_t width, size_t stride, void *partial)
{
    char *sum = partial;
    const size_t bytes = stride * kernels->size;
    for (size_t step = 1; step < groups; step *= 2)
        for (size_t g = 0; g + step < groups; g += 2 * step)
            kernels->add(width, sum + g * bytes, sum + (g + step) * bytes, sum + g * bytes);
}
