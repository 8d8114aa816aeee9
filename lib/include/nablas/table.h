/* table.h - a table in a text file (CSV, TSV), read column by column.
 *
 *     nb_table table;
 *     nb_table_read(&table, "iris.csv", NULL);
 *     nb_recipe_create(&recipe, &table, NULL);        what is input, what is target: recipe.h
 *
 * Without options the reader guesses the format from the first lines, up to 1000 rows or 4 MiB:
 *   separator  of tab, semicolon, | and comma, the first that divides all of these lines into the same
 *              number of cells, at least two; if there is none, the one that does so for most lines;
 *              blanks if none of them divides a line
 *   header     the first line, if its cells are names: no numbers (except 0, 1, 2, ... as pandas writes
 *              them beside a name), all different, and either there are numbers below one of them, or
 *              none of them occurs again in its own column
 *   decimal    a point, whatever the locale; a comma, if it is not the separator and the numbers of
 *              these lines have commas and never points
 *   types      numbers, if every cell of these lines is a number or missing, also whole numbers with
 *              few values; otherwise a category. A column of many different numbers with texts in at
 *              most a tenth of its cells is refused, and the message names its first text
 * Later lines have to agree with the guess. If one does not, the table is refused, and the message
 * names the place: the type of a column does not change on line 40,000.
 *
 * Format: RFC 4180. A cell may be in quotes, which then may hold separators, line ends and doubled
 * quotes; a quote within an unquoted cell is a character. Lines end by LF, CR LF or CR; empty lines
 * are skipped. UTF-8, with or without a byte order mark. Blanks around an unquoted cell do not count.
 * Numbers are decimal: "-1.5e3", "+2", ".5"; hexadecimal, thousands separators and units are texts.
 * A cell is missing if it is empty, NA, N/A, NaN, nan, null, NULL or ?, also in quotes. Infinity, and
 * a number beyond the range of a double, is refused.
 *
 * Every message about a cell says FILE:LINE:COLUMN, both counted from 1, the column in cells. */
#ifndef NABLAS_TABLE_H
#define NABLAS_TABLE_H

#include "nablas/names.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

#define NB_TABLE_MAX_COLUMNS 65536
#define NB_TABLE_MAX_LEVELS 65536 /* of a category */
#define NB_TABLE_MAX_CELL 65536   /* bytes of a cell */

typedef enum {
    NB_COLUMN_AUTO,     /* in options: told from the file */
    NB_COLUMN_NUMBER,   /* float64 */
    NB_COLUMN_CATEGORY, /* one of its levels, sorted: as numbers if all are numbers, else by bytes */
    NB_COLUMN_TEXT, /* kept as it stands, however many different texts there are: an identifier */
    NB_COLUMN_IGNORED, /* not kept */
    NB_COLUMN_TYPES
} nb_column_type;

const char *nb_column_type_name(nb_column_type type); /* "number", ...; "" for any other number */

typedef struct nb_column {
    const char *name;    /* UTF-8; "column 3" without a header, or where its cell is empty */
    nb_column_type type; /* not NB_COLUMN_AUTO; a column without any filled cell is of numbers */
    bool told;           /* the type is from the options */
    bool too_many;       /* a category of more than NB_TABLE_MAX_LEVELS: it has no levels, and every
                            cell counts as missing */
    nb_names levels;     /* category, text */
    size_t missing;      /* cells */
    size_t missing_line; /* of the first; 0: none */
} nb_column;

/* Read-only. */
typedef struct nb_table {
    char *label; /* what messages call the file */
    size_t rows, columns;
    nb_column *column; /* (columns) */
    nb_names names;    /* theirs */
    char separator, decimal;
    bool header;
    struct nb_cells *cells;
} nb_table;

/* The type of one column; `name` is its name or, if no column is called so, its number from 1. */
typedef struct nb_column_told {
    const char *name;
    nb_column_type type;
} nb_column_told;

typedef enum { NB_HEADER_AUTO, NB_HEADER_YES, NB_HEADER_NO } nb_table_header;

struct nb_recipe;

typedef struct nb_table_options {
    char separator; /* 0: told from the file; ' ': one or more blanks or tabs */
    char decimal;   /* 0: told from the file; '.' or ',' */
    nb_table_header header;
    size_t told; /* how many: */
    const nb_column_told *tell;
    const struct nb_recipe
        *recipe; /* of a model: only its columns are read, and those of `tell`; they
                                       have its types and levels. Inputs that are not there are
                                       refused by name, and so is a category that training never
                                       saw; the target may be absent */
    bool
        unseen_is_missing; /* with a recipe: a category that training never saw counts as missing */
} nb_table_options;

/* nb_table_read - read a table.
 *
 *   path     in   a file, a pipe, or "-" for standard input, read to its end. A path that ends in
 *                 .npy: a matrix (n, k), as a table of numbers without a header; NaN is missing
 *   options  in   NULL: all told from the file
 *   table    out  zeroed on error
 * Errors: NB_EIO cannot be opened or read, or a file that changed while it was read;
 *         NB_EFORMAT empty, a header alone, a line with more or fewer cells than the first, a cell
 *         that does not fit its column's type, a quote that is never closed or that text follows, a
 *         byte that is not UTF-8, a zero byte, two columns of one name; a name in `tell` or an input
 *         of the recipe that the table does not have;
 *         NB_ERANGE infinity, a category that training never saw, more than NB_TABLE_MAX_COLUMNS,
 *         a cell longer than NB_TABLE_MAX_CELL;
 *         NB_ESHAPE a .npy that is no matrix; NB_EINVAL a NULL, an option that is none; NB_ENOMEM.
 * Cost:   one pass. The text is not kept: 8 bytes for each number, 4 for each category, and the
 *         levels. */
nb_status nb_table_read(nb_table *table, const char *path, const nb_table_options *options);

/* nb_table_parse - the same from `size` bytes of text, called `label` in messages. */
nb_status nb_table_parse(nb_table *table, const void *bytes, size_t size, const char *label,
                         const nb_table_options *options);

/* nb_table_destroy - free it and zero the struct; fine on a zeroed one and on NULL. */
void nb_table_destroy(nb_table *table);

/* nb_table_find - the column of that name or, if there is none, of that number, from 1.
 * Errors: NB_EINVAL there is none; the message lists the names. */
nb_status nb_table_find(const nb_table *table, const char *name, size_t *column);

/* nb_table_number - the number in a cell; NaN: missing, or no column of numbers, or beyond the table.
 * nb_table_code - the level in a cell of a category or text, 0 ... levels.count-1; -1: missing, or
 * no such column.
 * nb_table_text - that level's text; of a number what nb_number_text (text.h) makes of it; "" if
 * missing. `text` is room for the number's. */
double nb_table_number(const nb_table *table, size_t row, size_t column);
ptrdiff_t nb_table_code(const nb_table *table, size_t row, size_t column);
const char *nb_table_text(const nb_table *table, size_t row, size_t column, char text[32]);

NB_END_DECLS
#endif
