#include "nablas/packed.h"

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

nb_status nb_packed_check(const nb_tensor *x, bool entries)
{
    char text[96];
    if (!x || !x->packed)
        return nb_fail(NB_EINVAL, "nb_packed: x is %s", x ? "not packed" : "NULL");
    const nb_packed *p = x->packed;
    if ((p->runs && !p->run) || (p->row && (!p->row_end || !p->entry)))
        return nb_fail(NB_EINVAL, "nb_packed: %s is NULL",
                       p->runs && !p->run ? "run" : (p->row_end ? "entry" : "row_end"));
    if (x->shape.ndim != 2)
        return nb_fail(NB_ESHAPE, "nb_packed: x is %s, expected a matrix",
                       nb_shape_text(x->shape, text, sizeof text));
    const size_t n = x->shape.dim[0], k = x->shape.dim[1];
    size_t columns = 0, from = 0;
    for (size_t r = 0; r < p->runs; r++) {
        const nb_run run = p->run[r];
        if (run.begin < from || run.end <= run.begin || run.end > k)
            return nb_fail(NB_ESHAPE,
                           "nb_packed: run %zu is %u ... %u, expected ascending columns below %zu",
                           r, run.begin, run.end, k);
        columns += run.end - run.begin;
        from = run.end;
    }
    if (p->columns != columns)
        return nb_fail(NB_ESHAPE, "nb_packed: %zu columns, the runs have %zu", p->columns, columns);
    for (size_t i = 0; entries && p->row && i < n; i++) {
        nb_status status = check_entries(p, k, i);
        if (status) return status;
    }
    return NB_OK;
}
