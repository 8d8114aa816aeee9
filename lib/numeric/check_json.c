/* The report of a gradient check as JSON. */
#include "nablas/check.h"
#include "nablas/text.h"
#include "numeric/check_page.h"

#include <math.h>

/* In quotes; names may hold anything. */
static void put_string(nb_check_page *p, const char *text)
{
    nb_check_put(p, "\"");
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            nb_check_put(p, "\\%c", c);
        else if (c < ' ')
            nb_check_put(p, "\\u%04x", c);
        else
            nb_check_put(p, "%c", c);
    }
    nb_check_put(p, "\"");
}

static void put_number(nb_check_page *p, const char *name, double value)
{
    if (isfinite(value))
        nb_check_put(p, ", \"%s\": %.17g", name, value);
    else
        nb_check_put(p, ", \"%s\": null", name);
}

static void put_tally(nb_check_page *p, const size_t *tally)
{
    const char *comma = "";
    nb_check_put(p, ", \"tally\": {");
    for (nb_reason r = 0; r < NB_REASONS; r++) {
        if (!tally[r]) continue;
        nb_check_put(p, "%s\"%s\": %zu", comma, nb_reason_name(r), tally[r]);
        comma = ", ";
    }
    nb_check_put(p, "}");
}

static void put_element(nb_check_page *p, const nb_gradient_element *e, nb_reason reason)
{
    nb_check_put(p, "{\"index\": %zu, \"reason\": \"%s\"", e->index, nb_reason_name(reason));
    put_number(p, "numerical", e->numerical);
    put_number(p, "analytic", e->analytic);
    put_number(p, "best", e->best);
    put_number(p, "bound", e->bound);
    put_number(p, "noise", e->noise);
    put_number(p, "seen", e->seen);
    nb_check_put(p, "}");
}

static void put_row(nb_check_page *p, const nb_gradient_row *row)
{
    const char *comma = "";
    nb_check_put(p, "{\"name\": ");
    put_string(p, row->name);
    nb_check_put(p, ", \"shape\": [");
    for (size_t k = 0; k < row->ndim; k++) nb_check_put(p, k ? ", %zu" : "%zu", row->dim[k]);
    nb_check_put(p, "], \"count\": %zu", row->count);
    put_number(p, "mean_abs", row->mean_abs);
    put_number(p, "max_abs", row->max_abs);
    put_number(p, "max_rel", row->max_rel);
    nb_check_put(p, ", \"slip\": \"%s\"", nb_slip_name(row->slip));
    put_number(p, "amount", row->amount);
    put_tally(p, row->tally);
    nb_check_put(p, ", \"elements\": [");
    for (nb_reason r = NB_VACUOUS; r < NB_REASONS; r++)
        for (size_t k = 0; k < row->tally[r] && k < NB_CHECK_LISTED; k++) {
            nb_check_put(p, "%s", comma);
            put_element(p, &row->listed[r][k], r);
            comma = ", ";
        }
    nb_check_put(p, "]}");
}

size_t nb_gradient_report_json(const nb_gradient_report *report, char *text, size_t size)
{
    static const char *const verdicts[] = {"right", "wrong", "unknown"};
    nb_check_page p = {text, size, 0};
    nb_check_put(&p, "{\"verdict\": \"%s\"", verdicts[nb_gradient_report_verdict(report)]);
    put_number(&p, "value", report->value);
    put_number(&p, "h", report->options.h);
    nb_check_put(&p, ", \"breach\": \"%s\", \"broken\": ", nb_breach_name(report->breach));
    put_string(&p, report->broken);
    nb_check_put(&p, ", \"first\": ");
    put_string(&p, report->first);
    put_tally(&p, report->tally);
    nb_check_put(&p, ", \"parameters\": [");
    for (size_t i = 0; i < report->count; i++) {
        nb_check_put(&p, i ? ", " : "");
        put_row(&p, &report->row[i]);
    }
    nb_check_put(&p, "]}\n");
    return p.length;
}
