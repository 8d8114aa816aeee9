#include "nablas/op.h"
#include "graph/ops.h"

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
