/* The report of a gradient check as text. */
#include "nablas/check.h"
#include "nablas/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *nb_reason_name(nb_reason reason)
{
    static const char *const names[] = {
#define X(code, name, text) name,
        NB_REASON_LIST(X)
#undef X
    };
    return (size_t)reason < NB_REASONS ? names[reason] : "";
}

const char *nb_reason_text(nb_reason reason)
{
    static const char *const texts[] = {
#define X(code, name, text) text,
        NB_REASON_LIST(X)
#undef X
    };
    return (size_t)reason < NB_REASONS ? texts[reason] : "";
}

/* --- writing into a buffer that may be too small ---------------------------------------------- */

typedef struct page {
    char *text;
    size_t size, length;
} page;

static void put(page *p, const char *format, ...) NB_PRINTF(2, 3);

static void put(page *p, const char *format, ...)
{
    va_list args;
    const size_t room = p->length < p->size ? p->size - p->length : 0;
    va_start(args, format);
    const int length = nb_vsnprintf(room ? p->text + p->length : NULL, room, format, args);
    va_end(args);
    if (length > 0) p->length += (size_t)length;
}

/* "W1 (784, 50)" */
static void put_shape(page *p, const nb_gradient_row *row)
{
    put(p, "%s (", row->name);
    for (size_t k = 0; k < row->ndim; k++) put(p, k ? ", %zu" : "%zu", row->dim[k]);
    put(p, row->ndim == 1 ? ",)" : ")");
}

/* "W1[402, 17]" */
static void put_element(page *p, const nb_gradient_row *row, size_t index)
{
    size_t stride = row->count;
    put(p, "%s", row->name);
    for (size_t k = 0; k < row->ndim; k++) {
        stride /= row->dim[k];
        put(p, k ? ", %zu" : "[%zu", index / stride);
        index %= stride;
    }
    if (row->ndim) put(p, "]");
}

/* Spaces up to `width` columns after `from`. */
static void pad(page *p, size_t from, size_t width)
{
    while (p->length < from + width) put(p, " ");
}

/* --- the table -------------------------------------------------------------------------------- */

static void put_row(page *p, const nb_gradient_row *row)
{
    size_t from = p->length;
    put_shape(p, row);
    pad(p, from, 15);
    put(p, " %7zu %9.2e %9.2e %9.2e %9.2e  ", row->count, row->mean_abs, row->max_abs,
        row->mean_rel, row->max_rel);
    from = p->length;
    if (row->count) put_element(p, row, row->worst);
    pad(p, from, 12);
    put(p, " %15.8e %15.8e\n", row->numerical, row->analytic);
}

static void put_table(page *p, const nb_gradient_report *report)
{
    const double h = report->options.h;
    if (report->options.richardson)
        put(p, "d = (4 D(h/2) - D(h)) / 3, D(h) = (f(w+h) - f(w-h)) / (2h), h = %g; ", h);
    else
        put(p, "d = (f(w+h) - f(w-h)) / (2h), h = %g; ", h);
    put(p, "a as coded; f = %.10g\n", report->value);
    put(p, "%-15s %7s %9s %9s %9s %9s  %-12s %15s %15s\n", "parameter", "count", "mean|d-a|",
        "max|d-a|", "mean rel", "max rel", "worst element", "d", "a");
    for (size_t i = 0; i < report->count; i++) put_row(p, &report->row[i]);
}

/* --- the reasons ------------------------------------------------------------------------------ */

static void put_listed(page *p, const nb_gradient_row *row, nb_reason reason, size_t place)
{
    const nb_gradient_element *e = &row->listed[reason][place];
    put(p, "    ");
    put_element(p, row, e->index);
    put(p, ": d = %.9g, a = %.9g, bound %.1e", e->numerical, e->analytic, e->bound);
    if (reason == NB_BIAS)
        put(p, "; exact d = %.9g", e->best);
    else if (isfinite(e->best_h))
        put(p, "; at h = %g d = %.9g", e->best_h, e->best);
    put(p, "\n");
}

/* All wrong ones off by one factor: the likeliest slip. */
static void put_ratio(page *p, const nb_gradient_row *row)
{
    if (isnan(row->ratio)) return;
    put(p, "    %s: every wrong a is %.6g times d", row->name, row->ratio);
    if (fabs(row->ratio + 1) < 1e-6)
        put(p, ": a sign");
    else
        put(p, row->ratio == 0 ? ": the gradient is missing" : ": a factor");
    put(p, "\n");
}

static void put_reason(page *p, const nb_gradient_report *report, nb_reason reason)
{
    const size_t shown = reason < NB_UNEXAMINED ? 1 : 3;
    const char *comma = "";
    put(p, "%s, %zu (", nb_reason_name(reason), report->tally[reason]);
    for (size_t i = 0; i < report->count; i++) {
        const size_t tally = report->row[i].tally[reason];
        if (tally) put(p, "%s%s %zu", comma, report->row[i].name, tally);
        if (tally) comma = ", ";
    }
    put(p, "): %s.\n", nb_reason_text(reason));
    for (size_t i = 0; i < report->count && reason != NB_VACUOUS; i++) {
        const nb_gradient_row *row = &report->row[i];
        for (size_t k = 0; k < row->tally[reason] && k < shown; k++) put_listed(p, row, reason, k);
        if (reason == NB_WRONG) put_ratio(p, row);
    }
}

static void put_verdict(page *p, const nb_gradient_report *report)
{
    size_t count = 0, bad = 0;
    for (size_t r = 0; r < NB_REASONS; r++) count += report->tally[r];
    for (size_t r = NB_UNEXAMINED; r < NB_REASONS; r++) bad += report->tally[r];
    const size_t vacuous = report->tally[NB_VACUOUS];
    if (*report->broken) put(p, "BROKEN PROMISE: %s\n", report->broken);
    if (bad)
        put(p, "FAILED: %zu of %zu elements\n", bad, count);
    else if (*report->broken)
        put(p, "FAILED: an operation breaks its promise; the derivatives of %zu elements agree\n",
            report->tally[NB_AGREES]);
    else if (vacuous == count)
        put(p, "passed, but nothing was checked: all of %zu elements are vacuous\n", count);
    else
        put(p, "passed: %zu of %zu elements agree, %zu are explained, %zu are vacuous\n",
            report->tally[NB_AGREES], count, count - vacuous - report->tally[NB_AGREES], vacuous);
}

size_t nb_gradient_report_text(const nb_gradient_report *report, char *text, size_t size)
{
    page p = {text, size, 0};
    put_table(&p, report);
    for (nb_reason r = NB_VACUOUS; r < NB_REASONS; r++)
        if (report->tally[r]) put_reason(&p, report, r);
    put_verdict(&p, report);
    return p.length;
}
