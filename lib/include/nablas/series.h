/* series.h - smoothing, histograms and calibration of series of numbers, for figures. */
#ifndef NABLAS_SERIES_H
#define NABLAS_SERIES_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* nb_smooth_curve - a weighted mean over eleven neighbours, the book's smooth_curve.
 *
 *   y[i] := sum over k = -5 ... 5 of w[k] x[i+k],   w[k] = I0(2 sqrt(1 - (k/5)^2)) / their sum
 *
 *   n  in   >= 11
 *   x  in   (n); the series is extended at its ends as in the book: x[5] ... x[1] before the first
 *           and x[n-1] ... x[n-5] after the last. NaN spreads to its eleven neighbours
 *   y  out  (n), not x
 * Errors: NB_EINVAL x or y is NULL; NB_ESHAPE n < 11; y untouched. Cost: 22n flop.
 * Source: textbook's common/util.py; np.kaiser(11, 2) and np.convolve, equal to rounding. */
nb_status nb_smooth_curve(size_t n, const double *x, double *y);

/* nb_histogram - how many of x(n) fall into each of `bins` equal bins of [lo, hi].
 *
 *   count[b] := number of i with edge[b] <= x[i] < edge[b+1]; the last bin has its end too
 *
 *   lo, hi  in   lo < hi, both finite. Values outside, and NaN, are not counted
 *   count   out  (bins)
 * The same counts as np.histogram's with range=(lo, hi), even for values on an edge.
 * Errors: NB_EINVAL x (with n > 0) or count is NULL; NB_ERANGE no bins, or lo and hi. */
nb_status nb_histogram(size_t n, const double *x, double lo, double hi, size_t bins, size_t *count);

/* One bin of a calibration curve: predictions with a confidence in [b/bins, (b+1)/bins). */
typedef struct nb_calibration_bin {
    size_t count;      /* of answers */
    double confidence; /* their mean confidence; NaN if there are none */
    double accuracy;   /* the share of correct ones; NaN if there are none */
} nb_calibration_bin;

/* nb_calibration - whether a classifier that is 80 % sure is right 80 % of the time.
 *
 *   confidence  in   (n), in [0, 1]: the probability of the predicted class; 1 belongs to the last
 *                    bin
 *   right       in   (n): the prediction was correct
 *   bin         out  (bins)
 *   error       out  the expected calibration error, sum of count |accuracy - confidence| / n; NaN
 *                    for n = 0. NULL: not wanted
 * Errors: NB_EINVAL an array is NULL; NB_ERANGE no bins, or a confidence outside [0, 1] (its place
 *         is named); bin and *error untouched.
 * Source: Guo, Pleiss, Sun & Weinberger, ICML 2017, eq. 2, 3. */
nb_status nb_calibration(size_t n, const double *confidence, const bool *right, size_t bins,
                         nb_calibration_bin *bin, double *error);

NB_END_DECLS
#endif
