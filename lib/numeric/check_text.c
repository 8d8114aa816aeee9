/* The report of a gradient check as text. */
#include "nablas/text.h"
#include "numeric/check.h"
#include "numeric/check_page.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

const char *nb_slip_name(nb_slip slip)
{
    static const char *const names[] = {
#define X(code, name) name,
        NB_SLIP_LIST(X)
#undef X
    };
    return (size_t)slip < NB_SLIPS ? names[slip] : "";
}

const char *nb_breach_name(nb_breach breach)
{
    static const char *const names[] = {
#define X(code, name) name,
        NB_BREACH_LIST(X)
#undef X
    };
    return (size_t)breach < NB_BREACHES ? names[breach] : "";
}

/* --- writing into a buffer that may be too small ---------------------------------------------- */

void nb_check_put(nb_check_page *p, const char *format, ...)
{
    va_list args;
    const size_t room = p->length < p->size ? p->size - p->length : 0;
    va_start(args, format);
    const int length = nb_vsnprintf(room ? p->text + p->length : NULL, room, format, args);
    va_end(args);
    if (length > 0) p->length += (size_t)length;
}

/* A line, indented, broken at spaces where it is wider than a terminal. */
static void put_wrapped(nb_check_page *p, const char *line, int indent)
{
    const size_t width = 80 - (size_t)indent;
    while (strlen(line) > width) {
        size_t length = width;
        while (length > 0 && line[length] != ' ') length--;
        if (length == 0) break;
        nb_check_put(p, "%*s%.*s\n", indent, "", (int)length, line);
        line += length + 1;
    }
    nb_check_put(p, "%*s%s\n", indent, "", line);
}

/* "W1 (784, 50)" */
static void put_shape(nb_check_page *p, const nb_gradient_row *row)
{
    nb_check_put(p, "%s (", row->name);
    for (size_t k = 0; k < row->ndim; k++) nb_check_put(p, k ? ", %zu" : "%zu", row->dim[k]);
    nb_check_put(p, row->ndim == 1 ? ",)" : ")");
}

/* "W1[402, 17]" */
static void put_element(nb_check_page *p, const nb_gradient_row *row, size_t index)
{
    size_t stride = row->count;
    nb_check_put(p, "%s", row->name);
    for (size_t k = 0; k < row->ndim; k++) {
        stride /= row->dim[k];
        nb_check_put(p, k ? ", %zu" : "[%zu", index / stride);
        index %= stride;
    }
    if (row->ndim) nb_check_put(p, "]");
}

/* Spaces up to `width` columns after `from`. */
static void pad(nb_check_page *p, size_t from, size_t width)
{
    while (p->length < from + width) nb_check_put(p, " ");
}

/* --- the table -------------------------------------------------------------------------------- */

static void put_row(nb_check_page *p, const nb_gradient_row *row)
{
    size_t from = p->length;
    put_shape(p, row);
    pad(p, from, 15);
    nb_check_put(p, " %6zu %9.2e %9.2e %9.2e %9.2e  ", row->count, row->mean_abs, row->max_abs,
                 row->mean_rel, row->max_rel);
    if (row->count) put_element(p, row, row->worst);
    nb_check_put(p, "\n");
}

/* The two derivatives where they are farthest apart. */
static void put_worst(nb_check_page *p, const nb_gradient_report *report)
{
    const nb_gradient_row *worst = report->row;
    for (size_t i = 1; i < report->count; i++)
        if (report->row[i].max_abs > worst->max_abs) worst = &report->row[i];
    if (!report->count || !worst->count) return;
    nb_check_put(p, "farthest apart: ");
    put_element(p, worst, worst->worst);
    nb_check_put(p, ", d = %.9g, a = %.9g\n", worst->numerical, worst->analytic);
}

static void put_table(nb_check_page *p, const nb_gradient_report *report)
{
    const double h = report->options.h;
    if (report->options.richardson)
        nb_check_put(p, "d = (4 D(h/2) - D(h)) / 3, D(h) = (f(w+h) - f(w-h)) / (2h), h = %g;\n", h);
    else
        nb_check_put(p, "d = (f(w+h) - f(w-h)) / (2h), h = %g; ", h);
    nb_check_put(p, "a as coded; f = %.10g\n", report->value);
    nb_check_put(p, "%-15s %6s %9s %9s %9s %9s  %s\n", "parameter", "count", "mean|d-a|",
                 "max|d-a|", "mean rel", "max rel", "worst element");
    for (size_t i = 0; i < report->count; i++) put_row(p, &report->row[i]);
    put_worst(p, report);
}

/* --- the reasons ------------------------------------------------------------------------------ */

static void put_listed(nb_check_page *p, const nb_gradient_row *row, nb_reason reason, size_t place)
{
    const nb_gradient_element *e = &row->listed[reason][place];
    nb_check_put(p, "    ");
    put_element(p, row, e->index);
    nb_check_put(p, ": d = %.9g, a = %.9g, bound %.1e", e->numerical, e->analytic, e->bound);
    if (reason == NB_BIAS)
        nb_check_put(p, ";\n        exact d = %.9g", e->best);
    else if (isfinite(e->best_h))
        nb_check_put(p, ";\n        at h = %g d = %.9g", e->best_h, e->best);
    nb_check_put(p, "\n");
}

int nb_check_slip_text(const char *name, nb_slip slip, double amount, char *text, size_t size)
{
    switch (slip) {
    case NB_SLIP_FACTOR:
        return nb_snprintf(text, size, "%s: every wrong a is %.6g times d: %s", name, amount,
                           fabs(amount + 1) < 1e-6 ? "a sign"
                           : amount == 0           ? "the gradient is missing"
                                                   : "a factor");
    case NB_SLIP_TRANSPOSED:
        return nb_snprintf(text, size, "%s: a is d transposed", name);
    case NB_SLIP_SHIFTED:
        return nb_snprintf(text, size, "%s: a is d shifted by %.0f", name, amount);
    case NB_SLIP_TERM_IN_W:
        return nb_snprintf(text, size,
                           "%s: every wrong d - a is %.4g times %s: a term is missing (decay?)",
                           name, amount, name);
    case NB_SLIP_TERM_IN_X:
        return nb_snprintf(text, size,
                           "%s: every wrong d - a is in proportion to the other operand (%.4g x): "
                           "a term is missing",
                           name, amount);
    case NB_SLIP_TERM_CONSTANT:
        return nb_snprintf(text, size, "%s: every wrong d - a is %.4g: a term is missing", name,
                           amount);
    case NB_SLIP_ROWS:
        return nb_snprintf(text, size,
                           "%s: d - a is what row %.0f of the batch gives: rows are left out", name,
                           amount);
    default:
        return nb_snprintf(text, size, "%s", "");
    }
}

/* Nothing was compared. */
static bool blind(nb_reason reason)
{
    return reason >= NB_REDRAWN && reason <= NB_OVERWRITTEN;
}

static void put_reason(nb_check_page *p, const nb_gradient_report *report, nb_reason reason)
{
    const size_t shown = reason < NB_UNRESOLVED ? 1 : 3;
    const char *comma = "";
    char text[1024];
    nb_check_page line = {text, sizeof text, 0};
    nb_check_put(&line, "%s, %zu (", nb_reason_name(reason), report->tally[reason]);
    for (size_t i = 0; i < report->count; i++) {
        const size_t tally = report->row[i].tally[reason];
        if (tally) nb_check_put(&line, "%s%s %zu", comma, report->row[i].name, tally);
        if (tally) comma = ", ";
    }
    nb_check_put(&line, "): %s.", nb_reason_text(reason));
    put_wrapped(p, text, 0);
    for (size_t i = 0; i < report->count && reason > NB_BEFORE_NORM && !blind(reason); i++) {
        const nb_gradient_row *row = &report->row[i];
        for (size_t k = 0; k < row->tally[reason] && k < shown; k++) put_listed(p, row, reason, k);
        if (reason == NB_WRONG && row->slip) {
            nb_check_slip_text(row->name, row->slip, row->amount, text, sizeof text);
            put_wrapped(p, text, 4);
        }
    }
}

/* Elements from one reason on. */
static size_t elements(const nb_gradient_report *report, size_t from)
{
    size_t count = 0;
    for (size_t r = from; r < NB_REASONS; r++) count += report->tally[r];
    return count;
}

/* Elements where both sides are 0. */
static size_t silent(const nb_gradient_report *report)
{
    return elements(report, NB_VACUOUS) - elements(report, NB_KINK);
}

/* The answer, in a sentence. */
static void put_answer(nb_check_page *p, const nb_gradient_report *report)
{
    const size_t count = elements(report, 0), bad = elements(report, NB_UNRESOLVED);
    const size_t checked = count - silent(report);
    const size_t wrong = bad ? bad - report->tally[NB_UNRESOLVED] : 0;
    const size_t blinded = elements(report, NB_REDRAWN) - elements(report, NB_NOT_FINITE);
    if (!report->count && !*report->broken)
        nb_check_put(p, "what trains is what was checked: all passes give the same gradient\n");
    else if (blinded)
        nb_check_put(p, "nothing is known of the gradient: the function is not the same twice\n");
    else if (wrong)
        nb_check_put(p, "the gradient is wrong: %zu of %zu elements are\n", wrong, count);
    else if (bad)
        nb_check_put(p, "the gradient may be right: of %zu elements %zu could not be told\n", count,
                     bad);
    else if (*report->broken)
        nb_check_put(p, "the gradient cannot be relied on: the pass is not what it should be\n");
    else if (checked)
        nb_check_put(p,
                     "the gradient is right: of %zu elements that tell something none is wrong\n",
                     checked);
    else
        nb_check_put(p, "nothing is known of the gradient: no element tells anything\n");
}

static void put_verdict(nb_check_page *p, const nb_gradient_report *report)
{
    const size_t count = elements(report, 0), bad = elements(report, NB_UNRESOLVED);
    const size_t vacuous = silent(report);
    char text[320];
    nb_snprintf(text, sizeof text, "BROKEN: %s", report->broken);
    if (*report->broken) put_wrapped(p, text, 0);
    nb_snprintf(text, sizeof text, "first wrong: %s", report->first);
    if (*report->first && strcmp(report->first, report->broken) != 0) put_wrapped(p, text, 0);
    if (bad)
        nb_check_put(p, "FAILED: %zu of %zu elements\n", bad, count);
    else if (*report->broken)
        nb_check_put(p, "FAILED: %s; the derivatives of %zu elements agree\n",
                     nb_breach_name(report->breach), report->tally[NB_AGREES]);
    else if (!report->count)
        nb_check_put(p, "passed\n");
    else if (vacuous == count)
        nb_check_put(p, "passed, but nothing was checked: all of %zu elements are vacuous\n",
                     count);
    else
        nb_check_put(p, "passed: %zu of %zu elements agree, %zu are explained, %zu are vacuous\n",
                     report->tally[NB_AGREES], count, count - vacuous - report->tally[NB_AGREES],
                     vacuous);
}

size_t nb_gradient_report_text(const nb_gradient_report *report, char *text, size_t size)
{
    nb_check_page p = {text, size, 0};
    put_answer(&p, report);
    if (report->count) put_table(&p, report);
    for (nb_reason r = NB_VACUOUS; r < NB_REASONS; r++)
        if (report->tally[r]) put_reason(&p, report, r);
    put_verdict(&p, report);
    return p.length;
}
