/* Runs of active columns; see array.h. */
#include "kernel/vector.h"

size_t nb_find_runs(size_t k, const uint8_t *active, nb_run *runs, size_t *count)
{
    size_t found = 0, columns = 0;
    for (size_t j = 0; j < k;) {
        if (!active[j]) {
            j++;
            continue;
        }
        size_t end = j + 1;
        while (end < k && active[end]) end++;
        runs[found++] = (nb_run){(uint32_t)j, (uint32_t)end};
        columns += end - j;
        j = end;
    }
    *count = columns;
    return found;
}

/* Bytes know no precision; the table of either serves. */
void nb_merge_bytes(size_t n, const uint8_t *bytes, uint8_t *into)
{
    nb_dvector_table()->merge_bytes(n, bytes, into);
}
