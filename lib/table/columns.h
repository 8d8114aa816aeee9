/* columns.h - a table's columns while it is read: their types, their levels; for lib/table alone. */
#ifndef NABLAS_COLUMNS_H
#define NABLAS_COLUMNS_H

#include "table/cells.h"
#include "table/scan.h"
#include "table/words.h"

/* Where a new level of a column stands. */
typedef struct nb_levels {
    nb_words words;
    bool fixed; /* the recipe's: no other may come */
} nb_levels;

typedef struct nb_reader {
    nb_scanner scan;
    const nb_table_options *options;
    nb_table *table;
    nb_levels *levels; /* (columns) */
} nb_reader;

/* nb_columns_name - make the columns, with these names; those without a text are numbered.
 * nb_columns_type - set the types that options and recipe tell; NB_COLUMN_AUTO where they do not.
 * nb_columns_begin - cells for them.
 * nb_columns_put - a cell of row `row`, unquoted.
 * nb_columns_missing - a cell without a value.
 * nb_columns_end - levels sorted, and codes with them. */
nb_status nb_columns_name(nb_reader *r, size_t columns, nb_cell *names);
nb_status nb_columns_type(nb_reader *r);
nb_status nb_columns_begin(nb_reader *r);
nb_status nb_columns_put(nb_reader *r, size_t row, size_t column, nb_cell *cell);
void nb_columns_missing(nb_reader *r, size_t row, size_t column);
nb_status nb_columns_end(nb_reader *r);
void nb_reader_close(nb_reader *r);

/* nb_list_text - "a, b, c, ..." of the names, for a message. */
char *nb_list_text(const nb_names *names, char *text, size_t size);

/* nb_npy_table - a table of a .npy, with the reader's label and options. */
nb_status nb_npy_table(nb_reader *r, const char *path);

/* nb_order_levels - the words in their order: as numbers if all are, else by bytes. A block for
 * nb_free. */
nb_status nb_order_levels(const nb_words *w, size_t **order);

#endif
