/* report.h - a report as one HTML page that needs no other file: text, tables, figures.
 *
 *     report page;
 *     report_begin(&page, "run.html", "iris.csv: species from 4 columns");
 *     report_fact(&page, "accuracy", "%.4f", accuracy);
 *     report_heading(&page, "By class");
 *     report_table(&page, 1, (const char *const[]){"class", "precision", NULL});
 *     report_row(&page);
 *     report_cell(&page, "%s", name);
 *     report_cell(&page, "%.3f", precision);
 *     report_figure(&page, fig, "loss of the mini-batches");
 *     status = report_end(&page);
 *
 * The page follows the browser's dark or light, is readable from 400 pixels on, and runs no script.
 * Text is UTF-8 and is escaped here. Errors are sticky: what comes after a failure does nothing, and
 * report_end returns it. The file appears whole, at the end, or not at all (file.h). */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include "nablas/nablas.h"

#include <stdbool.h>

/* What the page is in the middle of; the next part of another kind ends it. */
typedef enum {
    REPORT_NOTHING,
    REPORT_FACTS,
    REPORT_LINES,
    REPORT_TABLE,
    REPORT_FIGURES
} report_part;

typedef struct report {
    nb_file file;
    nb_status status; /* the first failure */
    report_part part;
    bool row;            /* a table's row is open, ... */
    size_t cells, texts; /* ... with so many cells so far; so many of a row are text */
} report;

/* report_begin - start the page; `title` is its heading and the name of its window.
 * report_end - the end of the page; the first failure, with its message in nb_last_error().
 * report_heading - what the parts that follow are about.
 * report_text - a paragraph.
 * report_code - lines as a terminal shows them: a command, what it printed.
 * report_fact - a name and its value: "accuracy", "0.9613". Several in a row stand side by side.
 * report_line - a name and a longer text, below the one before.
 * report_table - the heads of a table's columns, ended by NULL; its rows and cells follow. The first
 *                `texts` columns are text, the others numbers, set flush right.
 * report_figure - a figure, which is destroyed; several in a row stand side by side where there is
 *                 room. A dark page shows it with light and dark exchanged.
 * report_pictures - the same for photographs and colour maps, whose colours stay. */
void report_begin(report *r, const char *path, const char *title);
nb_status report_end(report *r);
void report_heading(report *r, const char *text);
void report_text(report *r, const char *format, ...) NB_PRINTF(2, 3);
void report_code(report *r, const char *text);
void report_fact(report *r, const char *name, const char *format, ...) NB_PRINTF(3, 4);
void report_line(report *r, const char *name, const char *format, ...) NB_PRINTF(3, 4);
void report_table(report *r, size_t texts, const char *const *heads);
void report_row(report *r);
void report_cell(report *r, const char *format, ...) NB_PRINTF(2, 3);
void report_figure(report *r, nb_figure *fig, const char *caption);
void report_pictures(report *r, nb_figure *fig, const char *caption);

/* put_base64 - bytes as text, as in the address of a picture that is inside its page. */
nb_status put_base64(nb_file *file, const unsigned char *bytes, size_t size);

#endif
