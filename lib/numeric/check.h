/* check.h - the part of a gradient check that does not know where the function comes from; for
 * lib/numeric and lib/graph. nablas/check.h is what callers see. */
#ifndef NABLAS_NUMERIC_CHECK_H
#define NABLAS_NUMERIC_CHECK_H

#include "nablas/check.h"

#include <stdint.h>

/* One parameter under the check. */
typedef struct nb_checked {
    size_t count;
    const double *x;                    /* (count) where it is */
    const double *numerical, *analytic; /* (count) */
    const double *exact;                /* (count) of the exact form, or numerical again */
    double f;                           /* the function at x */
    double scale; /* > 0: steps are relative to |x|, and to this where x is 0; 0: they are not */
    nb_reason silent; /* why both sides are 0, where they are: NB_VACUOUS, or a reason known */
} nb_checked;

/* nb_check_begin - a report with `rows` zeroed rows. Errors: NB_EINVAL h; NB_ENOMEM; the report is
 * zeroed then. `who` names the caller in the message. */
nb_status nb_check_begin(nb_gradient_report *report, const nb_check_options *options, size_t rows,
                         const char *who);

/* nb_check_compare - the differences of a row. */
void nb_check_compare(const nb_checked *c, nb_gradient_row *row);

/* For those who find reasons: nb_check_floor, nb_check_bound of an element; nb_check_record counts and lists an element; a wrong one (reason
 * NB_WRONG, with the best d) also goes into what all wrong ones have in common, nb_habits, which
 * nb_check_name_slip writes into the row. */
typedef struct nb_range {
    double least, most;
} nb_range;

typedef struct nb_habits {
    nb_range factor, in_w, constant, w;
} nb_habits;

extern const nb_habits nb_no_habits;
double nb_check_floor(double f, double x, double a);
double nb_check_bound(double f, double x, double d, double a);
void nb_check_record(nb_gradient_row *row, const nb_check_options *options, nb_reason reason,
                     double x, const nb_gradient_element *element, nb_habits *habits);
void nb_check_name_slip(const nb_habits *habits, const nb_checked *c, nb_gradient_row *row);

/* nb_check_matches - is a_i = d_j with j = place(context, i) for all elements (SIZE_MAX: any number),
 * where a_i = d_i is not true of two or more? */
typedef size_t (*nb_check_place)(const void *context, size_t i);
bool nb_check_matches(const nb_checked *c, nb_check_place place, const void *context);

/* nb_check_slip_text - "W1: every wrong a is -1 times d: a sign", as snprintf. */
int nb_check_slip_text(const char *name, nb_slip slip, double amount, char *text, size_t size);

/* nb_check_all_are - all elements of a row have one reason, and nothing was compared. */
void nb_check_all_are(nb_reason reason, nb_gradient_row *row);

/* nb_check_add_row - the check of nb_function_check as one more row of the report, named "x".
 * Errors: NB_ENOMEM. */
nb_status nb_check_add_row(nb_gradient_report *report, nb_function f, void *context, size_t n,
                           const double *x, const double *analytic);

/* nb_check_end - sum up the rows. */
void nb_check_end(nb_gradient_report *report);

/* nb_check_extrapolate - half := (4 half - whole) / 3: Richardson, from d(h/2) and d(h). */
void nb_check_extrapolate(size_t n, const double *whole, double *half);

#endif
