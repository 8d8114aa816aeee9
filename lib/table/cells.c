#include "table/cells.h"
#include "nablas/memory.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

nb_status nb_cells_create(nb_cells **out, size_t columns, const unsigned char *keep)
{
    nb_cells *c = *out = nb_alloc_zero(1, sizeof *c);
    if (!c) return NB_ENOMEM;
    c->columns = columns;
    c->keep = nb_alloc(columns, 1);
    c->at = nb_alloc(columns, sizeof *c->at);
    if (!c->keep || !c->at) {
        nb_cells_destroy(c);
        *out = NULL;
        return NB_ENOMEM;
    }
    memcpy(c->keep, keep, columns);
    for (int size = NB_KEEP_NUMBERS; size >= 0; size -= NB_KEEP_CODES) /* doubles first: aligned */
        for (size_t i = 0; i < columns; i++) {
            if (keep[i] != size) continue;
            c->at[i] = c->row_bytes;
            c->row_bytes += keep[i];
        }
    while (c->row_bytes && c->row_bytes << (c->shift + 1) <= BLOCK) c->shift++;
    return NB_OK;
}

nb_status nb_cells_reserve(nb_cells *c, size_t row)
{
    if (c->row_bytes == 0 || row >> c->shift < c->blocks) return NB_OK;
    if (c->blocks == c->room) {
        const size_t room = c->room ? 2 * c->room : 8;
        void **larger = nb_alloc(room, sizeof *larger);
        if (!larger) return NB_ENOMEM;
        if (c->blocks) memcpy(larger, c->block, c->blocks * sizeof *larger);
        nb_free(c->block);
        c->block = larger;
        c->room = room;
    }
    void *block = nb_alloc((size_t)1 << c->shift, c->row_bytes);
    if (!block) return NB_ENOMEM;
    c->block[c->blocks++] = block;
    return NB_OK;
}

static void *address(const nb_cells *c, size_t row, size_t column)
{
    const size_t in_block = row & (((size_t)1 << c->shift) - 1);
    return (char *)c->block[row >> c->shift] + (c->at[column] << c->shift) +
           in_block * c->keep[column];
}

void nb_cells_set(nb_cells *c, size_t row, size_t column, double number)
{
    if (c->keep[column] == NB_KEEP_NUMBERS) *(double *)address(c, row, column) = number;
}

void nb_cells_set_code(nb_cells *c, size_t row, size_t column, uint32_t code)
{
    if (c->keep[column] == NB_KEEP_CODES)
        *(uint32_t *)address(c, row, column) = code;
    else
        nb_cells_set(c, row, column, code == NB_NO_CODE ? (double)NAN : code);
}

double nb_cells_number(const nb_cells *c, size_t row, size_t column)
{
    return c->keep[column] == NB_KEEP_NUMBERS ? *(double *)address(c, row, column) : (double)NAN;
}

uint32_t nb_cells_code(const nb_cells *c, size_t row, size_t column)
{
    if (c->keep[column] == NB_KEEP_CODES) return *(uint32_t *)address(c, row, column);
    const double number = nb_cells_number(c, row, column);
    return isnan(number) ? NB_NO_CODE : (uint32_t)number;
}

void nb_cells_destroy(nb_cells *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->blocks; i++) nb_free(c->block[i]);
    nb_free(c->block);
    nb_free(c->keep);
    nb_free(c->at);
    nb_free(c);
}
