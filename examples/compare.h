/* compare.h - the book's value and ours on one line; `textbook --help` names the rules. */
#ifndef EXAMPLES_COMPARE_H
#define EXAMPLES_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

/* compare_begin - print the heads of the columns; if `quiet`, what does not hold goes to stderr.
 * compare_end - print the totals; true if every value holds. */
void compare_begin(const char *program, bool quiet);
bool compare_end(void);

/* Each prints a line and counts it. `book` is the book's text. */
void digits(const char *section, const char *what, const char *book, double ours);
void exact(const char *section, const char *what, const char *book, double ours);
void sum(const char *section, const char *what, const char *book, double ours);
void noise(const char *section, const char *what, const char *book, double ours);
void words(const char *section, const char *what, const char *book, const char *ours);
void whole(const char *section, const char *what, const char *book, size_t ours);

/* within - ours is at most `bound` away, for the reason `rule`. */
void within(const char *section, const char *what, const char *book, double ours, const char *rule,
            double bound);

/* relative - at most `bound` of the value away; the rule is "1e-9" then.
 * near_to - at most `bound` away; the rule is "+-0.01" then. all_near - the same for each of the numbers
 * in `book`, parted by blanks, on one line: its decimals are those of the first. */
void relative(const char *section, const char *what, const char *book, double ours, double bound);
void near_to(const char *section, const char *what, const char *book, double ours, double bound);
void all_near(const char *section, const char *what, const char *book, const double *x,
              double bound);

/* digits_of - each word of `book`, parted by blanks, with the element of x at its place. */
void digits_of(const char *section, const char *what, const char *book, const double *x);

/* skip - say that something was left out, and why. */
void skip(const char *section, const char *what, const char *why);

#endif
