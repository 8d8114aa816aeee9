/* The report of a gradient check as JSON. */
#include "nablas/check.h"
#include "nablas/text.h"

#include <math.h>
#include <stdarg.h>

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

/* In quotes; names may hold anything. */
static void put_string(page *p, const char *text)
{
    put(p, "\"");
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            put(p, "\\%c", c);
        else if (c < ' ')
            put(p, "\\u%04x", c);
        else
            put(p, "%c", c);
    }
    put(p, "\"");
}

static void put_number(page *p, const char *name, double value)
{
    if (isfinite(value))
        put(p, ", \"%s\": %.17g", name, value);
    else
        put(p, ", \"%s\": null", name);
}

static void put_tally(page *p, const size_t *tally)
{
    const char *comma = "";
    put(p, ", \"tally\": {");
    for (nb_reason r = 0; r < NB_REASONS; r++) {
        if (!tally[r]) continue;
        put(p, "%s\"%s\": %zu", comma, nb_reason_name(r), tally[r]);
        comma = ", ";
    }
    put(p, "}");
}

static void put_element(page *p, const nb_gradient_element *e, nb_reason reason)
{
    put(p, "{\"index\": %zu, \"reason\": \"%s\"", e->index, nb_reason_name(reason));
    put_number(p, "numerical", e->numerical);
    put_number(p, "analytic", e->analytic);
    put_number(p, "best", e->best);
    put_number(p, "bound", e->bound);
    put_number(p, "seen", e->seen);
    put(p, "}");
}

static void put_row(page *p, const nb_gradient_row *row)
{
    static const char *const slips[] = {"", "factor", "term in w", "term constant"};
    const char *comma = "";
    put(p, "{\"name\": ");
    put_string(p, row->name);
    put(p, ", \"shape\": [");
    for (size_t k = 0; k < row->ndim; k++) put(p, k ? ", %zu" : "%zu", row->dim[k]);
    put(p, "], \"count\": %zu", row->count);
    put_number(p, "mean_abs", row->mean_abs);
    put_number(p, "max_abs", row->max_abs);
    put_number(p, "max_rel", row->max_rel);
    put(p, ", \"slip\": \"%s\"", slips[row->slip]);
    put_number(p, "amount", row->amount);
    put_tally(p, row->tally);
    put(p, ", \"elements\": [");
    for (nb_reason r = NB_VACUOUS; r < NB_REASONS; r++)
        for (size_t k = 0; k < row->tally[r] && k < NB_CHECK_LISTED; k++) {
            put(p, "%s", comma);
            put_element(p, &row->listed[r][k], r);
            comma = ", ";
        }
    put(p, "]}");
}

size_t nb_gradient_report_json(const nb_gradient_report *report, char *text, size_t size)
{
    static const char *const verdicts[] = {"right", "wrong", "unknown"};
    page p = {text, size, 0};
    put(&p, "{\"verdict\": \"%s\"", verdicts[nb_gradient_report_verdict(report)]);
    put_number(&p, "value", report->value);
    put_number(&p, "h", report->options.h);
    put(&p, ", \"broken\": ");
    put_string(&p, report->broken);
    put_tally(&p, report->tally);
    put(&p, ", \"parameters\": [");
    for (size_t i = 0; i < report->count; i++) {
        put(&p, i ? ", " : "");
        put_row(&p, &report->row[i]);
    }
    put(&p, "]}\n");
    return p.length;
}
