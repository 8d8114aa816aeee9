/* metrics.h - how good predictions are, of classes and of numbers, compared with a constant
 * prediction. Calibration is in series.h (nb_calibration). */
#ifndef NABLAS_METRICS_H
#define NABLAS_METRICS_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* --- classes -------------------------------------------------------------------------------- */

/* nb_confusion - count[t][y] := how many samples of class t were answered by y.
 *
 *   t, y   in   (n), 0 ... classes-1: what is true, what was answered
 *   count  out  (classes, classes)
 * Errors: NB_EINVAL a NULL, no class; NB_ERANGE a t or y that is no class, with its place; count
 *         is then untouched. */
nb_status nb_confusion(size_t n, const int32_t *t, const int32_t *y, size_t classes, size_t *count);

/* Of one class c: tp = count[c][c]; answered, the sum of column c; support, the sum of row c. */
typedef struct nb_class_score {
    size_t support;   /* samples of the class */
    double precision; /* tp / answered; NaN if it was never answered */
    double recall;    /* tp / support; NaN if there are none */
    double f1;        /* 2 tp / (answered + support); NaN if both are 0 */
} nb_class_score;

typedef struct nb_class_report {
    size_t n, correct;
    double accuracy;  /* correct / n; NaN for n = 0 */
    double low, high; /* its 95 % interval (nb_wilson) */
    size_t largest;   /* the class with the most samples, the first of several ... */
    double baseline;  /* ... and the accuracy of always answering it */
    double macro_f1;  /* mean of f1 over the classes that have one */
    double balanced;  /* mean of recall over the classes that have samples */
} nb_class_report;

/* nb_class_report_of - the report of a confusion matrix; `score` (classes) may be NULL.
 * Errors: NB_EINVAL a NULL, no class. */
nb_status nb_class_report_of(size_t classes, const size_t *count, nb_class_report *report,
                             nb_class_score *score);

/* nb_wilson - Wilson's interval for a share, of which `correct` of n were observed.
 *
 *   (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n),   p = correct / n, z = 1.959964
 *
 * 0 and 1 for n = 0. It stays within 0 ... 1 and is not empty at 0 and n.
 * Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209. */
void nb_wilson(size_t correct, size_t n, double *low, double *high);

/* --- numbers -------------------------------------------------------------------------------- */

typedef struct nb_number_report {
    size_t n;
    double rmse, mae; /* sqrt(mean (y-t)^2), mean |y-t|; NaN for n = 0 */
    double r2;        /* 1 - sum (y-t)^2 / sum (t - mean t)^2; NaN: t is constant */
    double baseline_rmse, baseline_mae; /* of always answering `baseline` */
    double baseline;                    /* the mean that is answered */
} nb_number_report;

/* nb_number_report_of - compare y(n) with t(n).
 *   baseline  in  the mean of the training targets; NaN: that of t
 * Errors: NB_EINVAL a NULL. */
nb_status nb_number_report_of(size_t n, const double *t, const double *y, double baseline,
                              nb_number_report *report);

NB_END_DECLS
#endif
