#include "plot/ticks.h"
#include "nablas/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double nb_decimal(double whole, int exponent)
{
    if (exponent < -300) return whole / 1e300 / pow(10, -exponent - 300);
    return exponent < 0 ? whole / pow(10, -exponent) : whole * pow(10, exponent);
}

void nb_minus(char *to, size_t size, const char *text)
{
    size_t used = 0;
    for (; *text && used + 4 < size; text++) {
        if (*text == '-') {
            memcpy(to + used, "\xe2\x88\x92", 3);
            used += 3;
        } else {
            to[used++] = *text;
        }
    }
    to[used] = 0;
}

int nb_round_step(double lo, double hi, size_t most, int *exponent, double *first, double *last)
{
    static const int mantissas[] = {1, 2, 5};
    double near = 1e-6; /* of a step: a limit this close to a tick has it */
    int e = (int)floor(log10((hi - lo) / (double)most)) - 1;
    for (;; e++)
        for (size_t i = 0; i < 3; i++) {
            double step = nb_decimal(mantissas[i], e);
            *first = ceil(lo / step - near);
            *last = floor(hi / step + near);
            *exponent = e;
            if (*last - *first + 1 <= (double)most) return mantissas[i];
        }
}

/* "×10⁻⁵" */
static void power_text(char *text, size_t size, const char *before, int exponent)
{
    static const char *const digits[] = {
        "\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
        "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char plain[16];
    size_t used =
        (size_t)snprintf(text, size, "%s10%s", before, exponent < 0 ? "\xe2\x81\xbb" : "");
    snprintf(plain, sizeof plain, "%d", abs(exponent));
    for (const char *c = plain; *c && used < size; c++)
        used += (size_t)snprintf(text + used, size - used, "%s", digits[*c - '0']);
}

static int magnitude(double x)
{
    return x == 0 ? 0 : (int)floor(log10(fabs(x)) + 1e-9);
}

/* whole * mantissa * 10^exponent for each tick, less what `note` takes. */
static void write_texts(nb_ticks *ticks, int mantissa, int exponent, double first)
{
    double last = first + (double)ticks->count - 1, base = 0;
    double largest = fmax(fabs(first), fabs(last)) * mantissa;
    char number[NB_TICK_TEXT], offset[NB_TICK_TEXT] = "";
    if (magnitude(largest) >= 6) { /* seven digits and more tell the ticks apart: take an offset */
        double unit = pow(10, magnitude((last - first) * mantissa) + 1);
        base = floor(first * mantissa / unit) * unit;
        largest = fmax(fabs(first * mantissa - base), fabs(last * mantissa - base));
        nb_snprintf(number, sizeof number, "%+.15g", nb_decimal(base, exponent));
        nb_minus(offset, sizeof offset, number);
    }
    int order = magnitude(largest) + exponent, factor = 0;
    if (order >= 6 || order < -4) factor = order;
    int decimals = factor - exponent > 0 ? factor - exponent : 0;
    if (factor) power_text(ticks->note, sizeof ticks->note, "\xc3\x97", factor);
    size_t used = strlen(ticks->note);
    snprintf(ticks->note + used, sizeof ticks->note - used, "%s%s", used && offset[0] ? " " : "",
             offset);
    for (size_t i = 0; i < ticks->count; i++) {
        double whole = (first + (double)i) * mantissa - base;
        nb_snprintf(number, sizeof number, "%.*f", decimals,
                    nb_decimal(whole, exponent - factor) + 0.0);
        nb_minus(ticks->buffer[i], NB_TICK_TEXT, number);
        ticks->text[i] = ticks->buffer[i];
    }
}

void nb_ticks_linear(nb_ticks *ticks, double lo, double hi, size_t most, bool whole)
{
    int exponent;
    double first, last;
    *ticks = (nb_ticks){0};
    int mantissa = nb_round_step(lo, hi, most, &exponent, &first, &last);
    if (whole && exponent < 0) {
        mantissa = 1, exponent = 0;
        first = ceil(lo - 1e-6), last = floor(hi + 1e-6);
    }
    for (double i = first; i <= last && ticks->count < NB_MAX_TICKS; i++)
        ticks->at[ticks->count++] = i == 0 ? 0 : nb_decimal(i * mantissa, exponent);
    if (ticks->count) write_texts(ticks, mantissa, exponent, first);
}

void nb_ticks_log(nb_ticks *ticks, double lo, double hi, size_t most)
{
    double near = 1e-6;
    int first = (int)ceil(log10(lo) - near), last = (int)floor(log10(hi) + near);
    if (last - first < 1) {
        nb_ticks_linear(ticks, lo, hi, most, false);
        return;
    }
    *ticks = (nb_ticks){0};
    int stride = (last - first) / (int)most + 1;
    first = (int)ceil((double)first / stride) * stride;
    for (int e = first; e <= last && ticks->count < NB_MAX_TICKS; e += stride) {
        size_t i = ticks->count++;
        ticks->at[i] = nb_decimal(1, e);
        power_text(ticks->buffer[i], NB_TICK_TEXT, "", e);
        ticks->text[i] = ticks->buffer[i];
    }
    if (stride > 1) return;
    for (int e = first - 1; e <= last; e++)
        for (int digit = 2; digit < 10; digit++) {
            double at = nb_decimal(digit, e);
            if (at >= lo && at <= hi && ticks->minor_count < sizeof ticks->minor / sizeof at)
                ticks->minor[ticks->minor_count++] = at;
        }
}

void nb_ticks_given(nb_ticks *ticks, size_t n, const double *at, const char *const *names)
{
    char number[NB_TICK_TEXT];
    *ticks = (nb_ticks){.count = n};
    for (size_t i = 0; i < n; i++) {
        nb_snprintf(number, sizeof number, "%.6g", at[i]);
        nb_minus(ticks->buffer[i], NB_TICK_TEXT, number);
        ticks->at[i] = at[i];
        ticks->text[i] = names && names[i] ? names[i] : ticks->buffer[i];
    }
}
