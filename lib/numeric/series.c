#include "nablas/series.h"

#include <math.h>

/* The modified Bessel function of order 0 by its power series; for x <= 2, 16 terms are more than
 * enough. */
static double bessel_i0(double x)
{
    double term = 1, sum = 1;
    for (int k = 1; k <= 16; k++) {
        term *= x / 2 / k * (x / 2 / k);
        sum += term;
    }
    return sum;
}

nb_status nb_smooth_curve(size_t n, const double *x, double *y)
{
    enum { HALF = 5, WINDOW = 2 * HALF + 1 };
    double w[WINDOW], sum = 0;
    if (!x || !y)
        return nb_fail(NB_EINVAL, "nb_smooth_curve: x=%p, y=%p", (const void *)x, (void *)y);
    if (n < WINDOW) return nb_fail(NB_ESHAPE, "nb_smooth_curve: n=%zu < %d", n, WINDOW);
    for (int k = 0; k < WINDOW; k++) {
        const double at = (double)(k - HALF) / HALF;
        w[k] = bessel_i0(2 * sqrt(1 - at * at));
        sum += w[k];
    }
    for (int k = 0; k < WINDOW; k++) w[k] /= sum;
    for (size_t i = 0; i < n; i++) {
        double mean = 0;
        for (size_t k = 0; k < WINDOW; k++) {
            /* -j lies at j, but n-1+j at n-j: the book's two ends differ by one. */
            const size_t at = i + k < HALF ? HALF - i - k : i + k - HALF;
            mean += w[k] * x[at < n ? at : 2 * n - 1 - at];
        }
        y[i] = mean;
    }
    return NB_OK;
}

/* np.linspace(lo, hi, bins + 1)[b] */
static double edge(double lo, double hi, size_t bins, size_t b)
{
    return b == bins ? hi : (double)b * ((hi - lo) / (double)bins) + lo;
}

nb_status nb_histogram(size_t n, const double *x, double lo, double hi, size_t bins, size_t *count)
{
    if ((n && !x) || !count)
        return nb_fail(NB_EINVAL, "nb_histogram: x=%p, count=%p", (const void *)x, (void *)count);
    if (!bins || !(lo < hi) || !isfinite(hi - lo))
        return nb_fail(NB_ERANGE, "nb_histogram: %zu bins from %g to %g", bins, lo, hi);
    for (size_t b = 0; b < bins; b++) count[b] = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] >= lo && x[i] <= hi)) continue;
        size_t b = (size_t)((x[i] - lo) * ((double)bins / (hi - lo)));
        if (b >= bins) b = bins - 1;
        /* The quotient's rounding may miss by one; the edges decide. */
        if (x[i] < edge(lo, hi, bins, b) && b > 0)
            b--;
        else if (x[i] >= edge(lo, hi, bins, b + 1) && b + 1 < bins)
            b++;
        count[b]++;
    }
    return NB_OK;
}

nb_status nb_calibration(size_t n, const double *confidence, const bool *right, size_t bins,
                         nb_calibration_bin *bin, double *error)
{
    double sum = 0;
    if ((n && (!confidence || !right)) || !bin)
        return nb_fail(NB_EINVAL, "nb_calibration: confidence=%p, right=%p, bin=%p",
                       (const void *)confidence, (const void *)right, (void *)bin);
    if (!bins) return nb_fail(NB_ERANGE, "nb_calibration: no bins");
    for (size_t i = 0; i < n; i++)
        if (!(confidence[i] >= 0 && confidence[i] <= 1))
            return nb_fail(NB_ERANGE, "nb_calibration: confidence[%zu]=%g is not in [0, 1]", i,
                           confidence[i]);
    for (size_t b = 0; b < bins; b++) bin[b] = (nb_calibration_bin){0};
    for (size_t i = 0; i < n; i++) {
        size_t b = (size_t)(confidence[i] * (double)bins);
        if (b >= bins) b = bins - 1;
        bin[b].count++;
        bin[b].confidence += confidence[i];
        bin[b].accuracy += right[i];
    }
    for (size_t b = 0; b < bins; b++) {
        if (bin[b].count) sum += fabs(bin[b].accuracy - bin[b].confidence);
        bin[b].confidence = bin[b].count ? bin[b].confidence / (double)bin[b].count : (double)NAN;
        bin[b].accuracy = bin[b].count ? bin[b].accuracy / (double)bin[b].count : (double)NAN;
    }
    if (error) *error = n ? sum / (double)n : (double)NAN;
    return NB_OK;
}
