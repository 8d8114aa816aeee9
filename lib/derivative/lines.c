#include "derivative/lines.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdlib.h>

/* A number of x and the column of x, that is, the row of W, where it stands. */
typedef struct number {
    double value;
    uint32_t column;
} number;

/* By value, equal ones by column. */
static int compare(const void *a, const void *b)
{
    const number *p = a, *q = b;
    if (p->value != q->value) return p->value < q->value ? -1 : 1;
    return (p->column > q->column) - (p->column < q->column);
}

/* The numbers of row r that are not 0, in order; returns how many. */
static size_t sort_row(const nb_kernels *kernels, const nb_tensor *x, size_t r, number *to)
{
    const size_t width = nb_tensor_width(x);
    size_t count = 0;
    for (size_t i = 0; i < width; i++) {
        const double value = kernels->get(x->data, r * width + i);
        if (value != 0) to[count++] = (number){value, (uint32_t)i};
    }
    qsort(to, count, sizeof *to, compare);
    return count;
}

static void append(nb_lines *l, const nb_kernels *kernels, size_t r, const number *sorted,
                   size_t count)
{
    size_t end = l->start[l->count];
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || sorted[i].value != sorted[i - 1].value) {
            l->row[l->count] = (uint32_t)r;
            kernels->set(l->value, l->count, sorted[i].value);
            l->count++;
        }
        l->number[end++] = sorted[i].column;
        l->start[l->count] = end;
    }
}

/* Room for all numbers that are not 0; false in *finite if one is not finite. */
static size_t count_nonzero(const nb_kernels *kernels, const nb_tensor *x, bool *finite)
{
    size_t count = 0;
    *finite = true;
    for (size_t i = 0; i < nb_tensor_count(x); i++) {
        const double value = kernels->get(x->data, i);
        *finite &= isfinite(value) != 0;
        count += value != 0;
    }
    return count;
}

static bool allocate(nb_lines *l, const nb_kernels *kernels, size_t room)
{
    l->row = nb_alloc(room, sizeof *l->row);
    l->value = nb_alloc(room, kernels->size);
    l->start = nb_alloc(room + 1, sizeof *l->start);
    l->number = nb_alloc(room, sizeof *l->number);
    return l->row && l->value && l->start && l->number;
}

static nb_status lines_of(nb_lines *l, const nb_kernels *kernels, const nb_tensor *x)
{
    const size_t room = count_nonzero(kernels, x, &l->finite);
    number *sorted = nb_alloc(nb_tensor_width(x), sizeof *sorted);
    nb_status status = sorted && allocate(l, kernels, room) ? NB_OK : NB_ENOMEM;
    l->columns = nb_tensor_width(x);
    if (!status) l->start[0] = 0;
    for (size_t r = 0; !status && l->finite && r < nb_tensor_height(x); r++)
        append(l, kernels, r, sorted, sort_row(kernels, x, r, sorted));
    nb_free(sorted);
    return status;
}

nb_status nb_lines_create(nb_lines *l, const nb_node *node, size_t position)
{
    const nb_node *x = node->input[0];
    const nb_kernels *kernels = x->graph->kernels;
    nb_tensor whole = {0};
    nb_status status = NB_OK;
    *l = (nb_lines){0};
    if (position == 2) { /* b is W of a column of ones */
        status = nb_tensor_create(&whole, x->graph->dtype, NB_SHAPE(node->value.shape.dim[0], 1));
        for (size_t i = 0; !status && i < nb_tensor_count(&whole); i++)
            kernels->set(whole.data, i, 1);
    } else if (x->value.packed) {
        status = nb_tensor_create(&whole, x->graph->dtype, x->value.shape);
        if (!status) status = nb_tensor_convert(&x->value, &whole);
    }
    if (!status) status = lines_of(l, kernels, whole.data ? &whole : &x->value);
    nb_tensor_destroy(&whole);
    if (status) nb_lines_destroy(l);
    return status;
}

void nb_lines_destroy(nb_lines *l)
{
    nb_free(l->row);
    nb_free(l->value);
    nb_free(l->start);
    nb_free(l->number);
    *l = (nb_lines){0};
}
