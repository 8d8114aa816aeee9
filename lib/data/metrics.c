#include "nablas/metrics.h"

#include <math.h>
#include <string.h>

/* --- classes ---------------------------------------------------------------------------------- */

nb_status nb_confusion(size_t n, const int32_t *t, const int32_t *y, size_t classes, size_t *count)
{
    if (!count || classes == 0 || (n && (!t || !y)))
        return nb_fail(NB_EINVAL, "nb_confusion: %s",
                       classes ? "an argument is NULL" : "classes=0");
    for (size_t i = 0; i < n; i++)
        if (t[i] < 0 || y[i] < 0 || (size_t)t[i] >= classes || (size_t)y[i] >= classes)
            return nb_fail(NB_ERANGE, "nb_confusion: t[%zu]=%ld, y[%zu]=%ld, expected 0 to %zu", i,
                           (long)t[i], i, (long)y[i], classes - 1);
    memset(count, 0, classes * classes * sizeof *count);
    for (size_t i = 0; i < n; i++) count[(size_t)t[i] * classes + (size_t)y[i]]++;
    return NB_OK;
}

void nb_wilson(size_t correct, size_t n, double *low, double *high)
{
    const double z2 = 1.959963984540054 * 1.959963984540054, m = (double)n;
    if (!low || !high) return;
    *low = 0;
    *high = 1;
    if (n == 0) return;
    const double p = (double)correct / m, middle = p + z2 / (2 * m);
    const double half = sqrt(z2 * (p * (1 - p) / m + z2 / (4 * m * m)));
    if (correct > 0) *low = fmax(0, (middle - half) / (1 + z2 / m));
    if (correct < n) *high = fmin(1, (middle + half) / (1 + z2 / m));
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : (double)NAN;
}

static nb_class_score score_of(size_t classes, const size_t *count, size_t c)
{
    nb_class_score s = {0};
    size_t answered = 0;
    for (size_t k = 0; k < classes; k++) {
        s.support += count[c * classes + k];
        answered += count[k * classes + c];
    }
    const double right = (double)count[c * classes + c];
    s.precision = ratio(right, (double)answered);
    s.recall = ratio(right, (double)s.support);
    s.f1 = ratio(2 * right, (double)answered + (double)s.support);
    return s;
}

nb_status nb_class_report_of(size_t classes, const size_t *count, nb_class_report *report,
                             nb_class_score *score)
{
    nb_class_report r = {0};
    size_t most = 0, with_f1 = 0, with_recall = 0;
    if (!count || !report || classes == 0)
        return nb_fail(NB_EINVAL, "nb_class_report_of: %s",
                       classes ? "an argument is NULL" : "classes=0");
    for (size_t c = 0; c < classes; c++) {
        const nb_class_score s = score_of(classes, count, c);
        if (score) score[c] = s;
        r.n += s.support;
        r.correct += count[c * classes + c];
        if (s.support > most) {
            most = s.support;
            r.largest = c;
        }
        if (!isnan(s.f1)) r.macro_f1 += s.f1, with_f1++;
        if (!isnan(s.recall)) r.balanced += s.recall, with_recall++;
    }
    r.accuracy = ratio((double)r.correct, (double)r.n);
    r.baseline = ratio((double)most, (double)r.n);
    r.macro_f1 = ratio(r.macro_f1, (double)with_f1);
    r.balanced = ratio(r.balanced, (double)with_recall);
    nb_wilson(r.correct, r.n, &r.low, &r.high);
    *report = r;
    return NB_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

nb_status nb_number_report_of(size_t n, const double *t, const double *y, double baseline,
                              nb_number_report *report)
{
    if (!report || (n && (!t || !y)))
        return nb_fail(NB_EINVAL, "nb_number_report_of: an argument is NULL");
    const double count = (double)n;
    double sum = 0, mean, squares = 0, spread = 0;
    nb_number_report r = {.n = n};
    for (size_t i = 0; i < n; i++) sum += t[i] - t[0];
    mean = n ? t[0] + sum / count : (double)NAN;
    r.baseline = isnan(baseline) ? mean : baseline;
    for (size_t i = 0; i < n; i++) {
        const double d = y[i] - t[i], b = r.baseline - t[i];
        squares += d * d;
        spread += (t[i] - mean) * (t[i] - mean);
        r.mae += fabs(d);
        r.baseline_mae += fabs(b);
        r.baseline_rmse += b * b;
    }
    r.rmse = sqrt(ratio(squares, count));
    r.mae = ratio(r.mae, count);
    r.r2 = 1 - ratio(squares, spread);
    r.baseline_rmse = sqrt(ratio(r.baseline_rmse, count));
    r.baseline_mae = ratio(r.baseline_mae, count);
    *report = r;
    return NB_OK;
}
