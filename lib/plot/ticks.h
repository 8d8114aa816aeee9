/* ticks.h - round numbers along an axis, and how they are written. */
#ifndef PLOT_TICKS_H
#define PLOT_TICKS_H

#include <stdbool.h>
#include <stddef.h>

enum { NB_MAX_TICKS = 40, NB_TICK_TEXT = 32 };

typedef struct nb_ticks {
    size_t count;
    double at[NB_MAX_TICKS]; /* log axes: the value, not its logarithm */
    char buffer[NB_MAX_TICKS][NB_TICK_TEXT];
    const char *text[NB_MAX_TICKS]; /* in `buffer`, or elsewhere if given */
    char note[2 * NB_TICK_TEXT];    /* what all texts leave out: "×10⁶", "+5"; or "" */
    size_t minor_count;
    double minor[9 * NB_MAX_TICKS]; /* unlabelled; log axes only */
} nb_ticks;

/* nb_ticks_linear - at most `most` multiples of 1, 2 or 5 times a power of ten in [lo, hi]; if
 *                   `whole`, of whole numbers.
 *   lo < hi, both finite; 2 <= most <= NB_MAX_TICKS
 * Texts need no more than seven digits: a common factor or a common offset goes to `note`. */
void nb_ticks_linear(nb_ticks *ticks, double lo, double hi, size_t most, bool whole);

/* nb_ticks_log - at most `most` powers of ten in [lo, hi], 0 < lo < hi; if the range has less than
 * two, round numbers as above. */
void nb_ticks_log(nb_ticks *ticks, double lo, double hi, size_t most);

/* nb_ticks_given - the caller's, n <= NB_MAX_TICKS; names, or any of them, may be NULL. */
void nb_ticks_given(nb_ticks *ticks, size_t n, const double *at, const char *const *names);

/* nb_round_step - the smallest of 1, 2, 5 times a power of ten of which [lo, hi] has at most `most`
 * multiples, as mantissa times 10^*exponent; the multiples are *first ... *last times it. */
int nb_round_step(double lo, double hi, size_t most, int *exponent, double *first, double *last);

/* nb_decimal - whole * 10^exponent, correctly rounded while |exponent| <= 22 and |whole| < 2^53. */
double nb_decimal(double whole, int exponent);

/* nb_minus - `text` with every hyphen turned into a minus sign, in `to`; cut to `size` bytes. */
void nb_minus(char *to, size_t size, const char *text);

#endif
