#include "nablas/sparse.h"
#include "kernel/vector.h"

#include <string.h>

/* Bytes know no precision; the table of either serves. */
void nb_count_bytes(size_t n, const uint8_t *bytes, uint8_t *count)
{
    nb_dvector_table()->count_bytes(n, bytes, count);
}

void nb_add_counts(size_t n, const uint8_t *more, uint8_t *count)
{
    nb_dvector_table()->add_counts(n, more, count);
}

size_t nb_find_runs(size_t k, const uint8_t *count, uint8_t above, nb_run *runs, size_t *columns)
{
    size_t found = 0, sum = 0;
    for (size_t j = 0; j < k;) {
        if (count[j] <= above) {
            j++;
            continue;
        }
        size_t end = j + 1;
        while (end < k && count[end] > above) end++;
        runs[found++] = (nb_run){(uint32_t)j, (uint32_t)end};
        sum += end - j;
        j = end;
    }
    *columns = sum;
    return found;
}

/* Hits are rare: eight columns are asked at once, and one by one where there is something. */
size_t nb_find_entries(size_t k, const uint8_t *bytes, const uint8_t *wanted, float divisor,
                       nb_entry *entry)
{
    size_t found = 0;
    for (size_t j = 0; j < k; j += 8) {
        const size_t width = k - j < 8 ? k - j : 8;
        uint64_t word = 0, mask = 0;
        memcpy(&word, bytes + j, width);
        memcpy(&mask, wanted + j, width);
        if ((word & mask) == 0) continue;
        for (size_t i = j; i < j + width; i++)
            if (bytes[i] & wanted[i])
                entry[found++] = (nb_entry){(uint32_t)i, (double)((float)bytes[i] / divisor)};
    }
    return found;
}
