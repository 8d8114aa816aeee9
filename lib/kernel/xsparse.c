#include "kernel/vector.h"

void NB(add_rows)(size_t entries, const nb_entry *entry, size_t m, const real *W, real *y)
{
    NB(vector_table)()->add_rows(entries, entry, m, W, y);
}

void NB(add_outer)(size_t entries, const nb_entry *entry, size_t lo, size_t hi, size_t m,
                   real alpha, const real *y, real *W)
{
    NB(vector_table)()->add_outer(entries, entry, lo, hi, m, alpha, y, W);
}
