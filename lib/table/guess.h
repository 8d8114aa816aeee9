/* guess.h - what a table's first lines tell of it; for lib/table alone. */
#ifndef NABLAS_GUESS_H
#define NABLAS_GUESS_H

#include "table/scan.h"

/* How many values a column of numbers may have and still be codes, among which a text is one more. */
enum { NB_FEW_VALUES = 20 };

/* Of a column in the first lines, but for what is or may be the header. */
typedef struct nb_guess_column {
    size_t filled, numbers;
    size_t
        first_text; /* the row, from 1 and the header among them, of the first that is no number */
    size_t values;  /* different numbers, up to NB_FEW_VALUES + 1 */
    double value[NB_FEW_VALUES];
    bool repeats; /* the header's cell stands again below */
} nb_guess_column;

typedef struct nb_guess {
    char separator, decimal;
    bool header;
    size_t columns;
    nb_guess_column *column; /* without a header, its cells count */
    nb_cell *first;          /* (columns) the first row, as it is in the scanner's buffer */
} nb_guess;

/* nb_guess_make - from the rows in the scanner's buffer, from which none is taken; the scanner
 *                 then has the separator. An empty file has no columns.
 * nb_guess_type - the type of a column. Errors: NB_EFORMAT numbers and few texts, at the first. */
nb_status nb_guess_make(nb_guess *g, nb_scanner *s, const nb_table_options *o);
nb_status nb_guess_type(const nb_guess *g, nb_scanner *s, size_t column, nb_column_type *type);
void nb_guess_free(nb_guess *g);

#endif
