#include "nablas/sparse.h"
#include "kernel/vector.h"

#include <string.h>

/* Bytes are counted in bytes, and those added up before they can overflow. They know no precision:
 * the table of either serves. */
void nb_count_bytes(size_t n, size_t k, const uint8_t *bytes, uint32_t *count)
{
    enum { width = 1024 };
    const nb_dvector *table = nb_dvector_table();
    memset(count, 0, k * sizeof *count);
    for (size_t i = 0; i < n; i += UINT8_MAX) {
        const size_t end = n - i < UINT8_MAX ? n : i + UINT8_MAX;
        for (size_t j = 0; j < k; j += width) {
            const size_t columns = k - j < width ? k - j : width;
            uint8_t few[width] = {0};
            for (size_t row = i; row < end; row++)
                table->count_bytes(columns, bytes + row * k + j, few);
            for (size_t c = 0; c < columns; c++) count[j + c] += few[c];
        }
    }
}

size_t nb_find_runs(size_t k, const uint32_t *count, uint32_t above, nb_run *runs, size_t *columns)
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
                      nb_byte_entry *found)
{
    size_t count = 0;
    for (size_t j = begin; j < end; j++)
        if (bytes[j] & wanted[j])
            found[count++] = (nb_byte_entry){(uint8_t)j, (uint8_t)(j >> 8), bytes[j]};
    return count;
}

/* Hits are rare: eight columns are asked at once, and one by one where there is something. */
size_t nb_find_bytes(size_t k, const uint8_t *bytes, const uint8_t *wanted, nb_byte_entry *found)
{
    size_t count = 0, j = 0;
    for (; j + 8 <= k; j += 8)
        if (word_at(bytes + j) & word_at(wanted + j))
            count += find_in(j, j + 8, bytes, wanted, found + count);
    return count + find_in(j, k, bytes, wanted, found + count);
}
