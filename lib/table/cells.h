/* cells.h - the cells of a table in blocks of rows, column by column within a block: it grows
 * without a copy; for lib/table alone. */
#ifndef NABLAS_CELLS_H
#define NABLAS_CELLS_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

/* What is kept of a column; in bytes a cell. A column that is empty so far may become of either kind:
 * it has numbers, or codes as numbers. */
typedef enum { NB_KEEP_NOTHING = 0, NB_KEEP_CODES = 4, NB_KEEP_NUMBERS = 8 } nb_keep;

typedef struct nb_cells {
    size_t columns;
    unsigned char *keep; /* (columns) nb_keep */
    size_t *at;          /* (columns) bytes of a row before the column's */
    size_t row_bytes;
    unsigned shift; /* blocks are of 2^shift rows */
    size_t blocks, room;
    void **block;
} nb_cells;

#define NB_NO_CODE UINT32_MAX

/* nb_cells_create - no rows yet. `keep` (columns) is copied.
 * nb_cells_reserve - room for that row too. Both may fail with NB_ENOMEM.
 * nb_cells_set, nb_cells_set_code, nb_cells_number, nb_cells_code - of a row that has room; NaN and
 * NB_NO_CODE are missing, also where nothing is kept. A number is not asked for of a column of
 * codes. */
nb_status nb_cells_create(nb_cells **cells, size_t columns, const unsigned char *keep);
nb_status nb_cells_reserve(nb_cells *c, size_t row);
void nb_cells_set(nb_cells *c, size_t row, size_t column, double number);
void nb_cells_set_code(nb_cells *c, size_t row, size_t column, uint32_t code);
double nb_cells_number(const nb_cells *c, size_t row, size_t column);
uint32_t nb_cells_code(const nb_cells *c, size_t row, size_t column);
void nb_cells_destroy(nb_cells *c);

#endif
