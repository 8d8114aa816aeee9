/* display.h - the progress of a run on the terminal. */
#ifndef EXAMPLES_DISPLAY_H
#define EXAMPLES_DISPLAY_H

#include "nablas/nablas.h"

#include <stdbool.h>
#include <stddef.h>

/* put_wrapped - print `text` in lines of at most `width` columns, broken behind a comma or else at a
 *               space, all but the first indented by `indent`. */
void put_wrapped(const char *text, size_t width, size_t indent);

/* duration_text - "12.8 s", "2 min 37 s", "1 h 02 min"; below a minute with so many `digits`. */
const char *duration_text(double seconds, int digits, char text[32]);

/* On a terminal lines are no wider than it is, and the last is live: it follows the run. A terminal
 * that cannot go back in its line (TERM=dumb) gets no live line, nor does a file or a pipe. */
typedef struct display {
    bool terminal, live;
    const char *samples; /* what the speed counts: "images" */
    const char *part;    /* before the live line: "fold 2 of 5"; or NULL */
    double shown;        /* when the live line was last drawn; -1: there is none */
} display;

/* show_begin - ask what standard output is.
 * show_progress - draw the live line; at an evaluation a line that stays, above it.
 * show_line - print a line that stays.
 * show_lines - print lines that stay, each as show_line.
 * show_end - take the live line away.
 * print_line - a line of a program without a live line; on a terminal no wider than that. */
void show_begin(display *d);
void show_progress(display *d, const nb_progress *p);
void show_line(display *d, const char *format, ...) NB_PRINTF(2, 3);
void show_lines(display *d, const char *text);
void show_end(display *d);
void print_line(const char *format, ...) NB_PRINTF(1, 2);

/* terminal_width - of standard output, or what COLUMNS says, or 80. */
size_t terminal_width(void);

#endif
