#include "nablas/packed.h"
#include "nablas/kernels.h"

#include <string.h>

/* Ascending, so that the last is the largest. */
static nb_status check_entries(const nb_packed *p, size_t k, size_t i)
{
    const size_t begin = p->row[i], end = p->row_end[i];
    for (size_t e = begin; e < end; e++) {
        const uint32_t next = e + 1 < end ? p->entry[e + 1].column : UINT32_MAX;
        if (p->entry[e].column >= next || p->entry[e].column >= k)
            return nb_fail(NB_ESHAPE,
                           "nb_packed: entry %zu of row %zu is in column %u, expected ascending "
                           "columns below %zu",
                           e - begin, i, p->entry[e].column, k);
    }
    return NB_OK;
}

nb_status nb_packed_check(const nb_packed *p, size_t k)
{
    char text[96];
    size_t columns = p->run ? 0 : k, from = 0;
    for (size_t r = 0; p->run && r < p->runs; r++) {
        const nb_run run = p->run[r];
        if (run.begin < from || run.end <= run.begin || run.end > k)
            return nb_fail(NB_ESHAPE,
                           "nb_packed: run %zu is %u ... %u, expected ascending columns below %zu",
                           r, run.begin, run.end, k);
        columns += run.end - run.begin;
        from = run.end;
    }
    if (p->dense.shape.ndim != 2 || p->dense.shape.dim[1] != columns)
        return nb_fail(NB_ESHAPE, "nb_packed: dense is %s, the runs have %zu columns",
                       nb_shape_text(p->dense.shape, text, sizeof text), columns);
    for (size_t i = 0; p->run && p->row && !p->fill && i < p->dense.shape.dim[0]; i++) {
        nb_status status = check_entries(p, k, i);
        if (status) return status;
    }
    return NB_OK;
}

nb_status nb_packed_fill(const nb_packed *p, size_t lo, size_t hi)
{
    return p->fill ? p->fill(p->context, lo, hi) : NB_OK;
}

nb_status nb_packed_expand(const nb_packed *p, nb_tensor *x)
{
    const nb_kernels *to = nb_kernels_of(x->dtype), *from = nb_kernels_of(p->dense.dtype);
    const size_t n = nb_tensor_height(&p->dense), k = nb_tensor_width(x);
    nb_status status = nb_packed_check(p, k);
    if (status) return status;
    if (nb_tensor_height(x) != n)
        return nb_fail(NB_ESHAPE, "nb_packed_expand: x has %zu rows, expected %zu",
                       nb_tensor_height(x), n);
    if ((status = nb_packed_fill(p, 0, n))) return status;
    if (!p->run) return nb_tensor_convert(&p->dense, x);
    memset(x->data, 0, nb_tensor_count(x) * nb_dtype_size(x->dtype));
    for (size_t i = 0, at = 0; i < n; i++) {
        for (size_t r = 0; r < p->runs; r++)
            for (size_t j = p->run[r].begin; j < p->run[r].end; j++)
                to->set(x->data, i * k + j, from->get(p->dense.data, at++));
        for (size_t e = p->row ? p->row[i] : 0; p->row && e < p->row_end[i]; e++)
            to->set(x->data, i * k + p->entry[e].column, p->entry[e].value);
    }
    return NB_OK;
}
