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

size_t nb_tensor_width(const nb_tensor *t)
{
    size_t width = 1;
    for (size_t i = 1; i < t->shape.ndim; i++) width *= t->shape.dim[i];
    return width;
}

size_t nb_tensor_height(const nb_tensor *t)
{
    return t->shape.ndim ? t->shape.dim[0] : 1;
}

void *nb_tensor_at(const nb_tensor *t, size_t row)
{
    return (char *)t->data + row * nb_tensor_width(t) * nb_dtype_size(t->dtype);
}
