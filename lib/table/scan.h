/* scan.h - text to rows of cells; for lib/table alone. */
#ifndef NABLAS_SCAN_H
#define NABLAS_SCAN_H

#include "nablas/table.h"

#include <sys/stat.h>

/* One cell, within the scanner's buffer. Not ended by 0. */
typedef struct nb_cell {
    char *text;
    size_t size;
    bool quoted;
} nb_cell;

/* A stretch of the text, refilled from a file or whole from the start. */
typedef struct nb_scanner {
    const char *label;
    int fd;             /* -1: all is in the buffer */
    bool close;         /* fd is ours */
    struct stat before; /* what fd was when it was opened */
    size_t read;        /* bytes so far */
    char *buffer;
    size_t room, begin, end; /* of the buffer; what is not used up of it */
    bool last;               /* nothing comes behind `end` */
    bool quiet;              /* failures leave no message */
    bool starved;            /* a row's cells found no memory, even if whoever asked went on */
    char separator;
    size_t line;     /* of `begin`, from 1 */
    size_t row_line; /* of the row that was scanned last */
    nb_cell *cell;   /* the row */
    size_t cells, cell_room;
} nb_scanner;

/* nb_scan_open - of a file, or "-"; nb_scan_bytes - of bytes, which are copied. The first stretch is
 *                read, and a byte order mark skipped.
 * nb_scan_close - fine on a zeroed scanner.
 * Errors: NB_EIO, NB_EFORMAT a file that is no text, NB_ENOMEM. */
nb_status nb_scan_open(nb_scanner *s, const char *path);
nb_status nb_scan_bytes(nb_scanner *s, const void *bytes, size_t size, const char *label);
void nb_scan_close(nb_scanner *s);

/* nb_scan_row - the next row into s->cell; s->cells = 0 at the end. Cells are valid until the next.
 * nb_scan_more - read more behind s->end: the buffer grows, and moves.
 * nb_scan_peek - the next row of what is in the buffer; *found is false where that needs more than is
 *                there. Quotes are as they are.
 * nb_scan_unquote - the cell without its quotes, doubled ones as one, in place.
 * nb_scan_end - whether the file is still what it was.
 * Errors: NB_EFORMAT, NB_ERANGE with the place; NB_EIO; NB_ENOMEM. */
nb_status nb_scan_row(nb_scanner *s);
nb_status nb_scan_more(nb_scanner *s);
nb_status nb_scan_peek(nb_scanner *s, bool *found);
void nb_scan_unquote(nb_cell *cell);
nb_status nb_scan_end(const nb_scanner *s);

/* nb_scan_fail - a failure at cell `column`, from 0, of the row. The message begins with its
 *                place, and `format` may go on with up to four of what follows.
 * nb_scan_excerpt - the cell's beginning, fit for a message. */
enum { NB_EXCERPT = 64 };
nb_status nb_scan_fail(const nb_scanner *s, nb_status status, size_t column, const char *format,
                       ...) NB_PRINTF(4, 5);
const char *nb_scan_excerpt(const nb_cell *cell, char text[NB_EXCERPT]);

#endif
