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

static inline uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static size_t find_in(size_t begin, size_t end, const uint8_t *bytes, const uint8_t *wanted,
                      float divisor, nb_entry *entry)
{
    size_t found = 0;
    for (size_t j = begin; j < end; j++)
        if (bytes[j] & wanted[j])
            entry[found++] = (nb_entry){(uint32_t)j, (double)((float)bytes[j] / divisor)};
    return found;
}

/* Hits are rare: thirty-two columns are asked at once, then eight, and one by one where there is
 * something. */
size_t nb_find_entries(size_t k, const uint8_t *bytes, const uint8_t *wanted, float divisor,
                       nb_entry *entry)
{
    size_t found = 0, j = 0;
    for (; j + 32 <= k; j += 32) {
        uint64_t hit[4];
        for (size_t i = 0; i < 4; i++)
            hit[i] = word_at(bytes + j + 8 * i) & word_at(wanted + j + 8 * i);
        if ((hit[0] | hit[1] | hit[2] | hit[3]) == 0) continue;
        for (size_t i = 0; i < 4; i++)
            if (hit[i])
                found += find_in(j + 8 * i, j + 8 * i + 8, bytes, wanted, divisor, entry + found);
    }
    return found + find_in(j, k, bytes, wanted, divisor, entry + found);
}
