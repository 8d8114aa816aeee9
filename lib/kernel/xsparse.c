#include "kernel/vector.h"

void NB(add_rows)(size_t entries, const nb_entry *entry, size_t m, const real *W, real *y)
{
    NB(vector_table)()->add_rows(entries, entry, m, W, y);
}
