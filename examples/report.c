#include "report.h"
#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- bytes ------------------------------------------------------------------------------------ */

static void put(report *r, const char *text)
{
    if (!r->status) r->status = nb_file_write(&r->file, text, strlen(text));
}

static void put_escaped(report *r, const char *text)
{
    while (*text && !r->status) {
        const size_t plain = strcspn(text, "&<>\"");
        r->status = nb_file_write(&r->file, text, plain);
        text += plain;
        if (!*text) return;
        put(r,
            *text == '&' ? "&amp;" : (*text == '<' ? "&lt;" : (*text == '>' ? "&gt;" : "&quot;")));
        text++;
    }
}

nb_status put_base64(nb_file *file, const unsigned char *bytes, size_t size)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[4 * 256];
    size_t used = 0;
    nb_status status = NB_OK;
    for (size_t i = 0; i < size && !status; i += 3) {
        const unsigned b = bytes[i], c = i + 1 < size ? bytes[i + 1] : 0,
                       d = i + 2 < size ? bytes[i + 2] : 0;
        text[used++] = digit[b >> 2];
        text[used++] = digit[(b & 3) << 4 | c >> 4];
        text[used++] = i + 1 < size ? digit[(c & 15) << 2 | d >> 6] : '=';
        text[used++] = i + 2 < size ? digit[d & 63] : '=';
        if (used < sizeof text && i + 3 < size) continue;
        status = nb_file_write(file, text, used);
        used = 0;
    }
    return status;
}

/* --- the page --------------------------------------------------------------------------------- */

/* Wide tables and lines of code scroll by themselves, so that the page never does sideways. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--quiet:#59636e;--line:#d4d9df;"
    "--panel:#f5f7f9}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--paper:#141414;--quiet:#9aa4af;"
    "--line:#383b40;--panel:#1f2124}"
    "img{filter:brightness(.85)}img.drawn{filter:invert(.92) hue-rotate(180deg)}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--paper);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}\n"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line)}\n"
    "p{max-width:46rem}\n"
    "pre{background:var(--panel);padding:.7rem;overflow-x:auto;font-size:.85rem}\n"
    "dl{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}\n"
    "dl div{background:var(--panel);padding:.5rem .8rem;border-radius:.4rem}\n"
    ".lines{display:block}.lines div{background:none;padding:.2rem 0}\n"
    ".lines dd{font-weight:400;max-width:60rem}\n"
    "dt{color:var(--quiet);font-size:.85rem}dd{margin:0;font-weight:600}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;"
    "overflow-wrap:normal}\n"
    ".t{text-align:left;min-width:5rem}\n"
    "@media(max-width:500px){th,td{padding:.25rem .35rem}.t{min-width:4rem}}\n"
    "th{color:var(--quiet);font-weight:600;font-size:.85rem;vertical-align:bottom}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1.2rem}\n"
    "figure{margin:0;max-width:100%}img{max-width:100%;height:auto;display:block}\n"
    "figcaption{color:var(--quiet);font-size:.9rem}\n"
    "footer{margin-top:2rem;color:var(--quiet);font-size:.85rem}\n";

static void close_row(report *r)
{
    if (r->row) put(r, "</tr>\n");
    r->row = false;
}

/* End the part that is open, unless it goes on. */
static void enter(report *r, report_part part)
{
    static const char *const begin[] = {"", "<dl>\n", "<dl class=\"lines\">\n",
                                        "<div class=\"wide\"><table>\n",
                                        "<div class=\"figures\">\n"};
    static const char *const end[] = {"", "</dl>\n", "</dl>\n", "</tbody></table></div>\n",
                                      "</div>\n"};
    if (part == r->part && part != REPORT_TABLE) return;
    close_row(r);
    put(r, end[r->part]);
    put(r, begin[part]);
    r->part = part;
}

void report_begin(report *r, const char *path, const char *title)
{
    *r = (report){0};
    r->status = nb_file_begin(&r->file, path);
    discard_at_exit(&r->file);
    put(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
           "<link rel=\"icon\" href=\"data:,\">\n<title>");
    put_escaped(r, title);
    put(r, "</title>\n<style>\n");
    put(r, style);
    put(r, "</style>\n</head>\n<body>\n<h1>");
    put_escaped(r, title);
    put(r, "</h1>\n");
}

nb_status report_end(report *r)
{
    enter(r, REPORT_NOTHING);
    put(r, "<footer>nablas ");
    put(r, nb_version());
    put(r, "</footer>\n</body>\n</html>\n");
    if (!r->status) r->status = nb_file_commit(&r->file);
    nb_file_abort(&r->file);
    discard_at_exit(NULL);
    return r->status;
}

void report_heading(report *r, const char *text)
{
    enter(r, REPORT_NOTHING);
    put(r, "<h2>");
    put_escaped(r, text);
    put(r, "</h2>\n");
}

/* --- text ------------------------------------------------------------------------------------- */

enum { TEXT = 4096 };

static void put_formatted(report *r, const char *format, va_list args)
{
    char text[TEXT];
    nb_vsnprintf(text, sizeof text, format, args);
    put_escaped(r, text);
}

void report_text(report *r, const char *format, ...)
{
    va_list args;
    enter(r, REPORT_NOTHING);
    put(r, "<p>");
    va_start(args, format);
    put_formatted(r, format, args);
    va_end(args);
    put(r, "</p>\n");
}

void report_code(report *r, const char *text)
{
    enter(r, REPORT_NOTHING);
    put(r, "<pre>");
    put_escaped(r, text);
    put(r, "</pre>\n");
}

static void put_pair(report *r, const char *name, const char *format, va_list args)
{
    put(r, "<div><dt>");
    put_escaped(r, name);
    put(r, "</dt><dd>");
    put_formatted(r, format, args);
    put(r, "</dd></div>\n");
}

void report_fact(report *r, const char *name, const char *format, ...)
{
    va_list args;
    enter(r, REPORT_FACTS);
    va_start(args, format);
    put_pair(r, name, format, args);
    va_end(args);
}

void report_line(report *r, const char *name, const char *format, ...)
{
    va_list args;
    enter(r, REPORT_LINES);
    va_start(args, format);
    put_pair(r, name, format, args);
    va_end(args);
}

/* --- tables ----------------------------------------------------------------------------------- */

void report_table(report *r, size_t texts, const char *const *heads)
{
    enter(r, REPORT_TABLE);
    r->texts = texts;
    put(r, "<thead><tr>");
    for (size_t i = 0; heads[i]; i++) {
        put(r, i < texts ? "<th class=\"t\">" : "<th>");
        put_escaped(r, heads[i]);
        put(r, "</th>");
    }
    put(r, "</tr></thead>\n<tbody>\n");
}

void report_row(report *r)
{
    close_row(r);
    put(r, "<tr>");
    r->row = true;
    r->cells = 0;
}

void report_cell(report *r, const char *format, ...)
{
    va_list args;
    put(r, r->cells++ < r->texts ? "<td class=\"t\">" : "<td>");
    va_start(args, format);
    put_formatted(r, format, args);
    va_end(args);
    put(r, "</td>");
}

/* --- figures ---------------------------------------------------------------------------------- */

static void put_figure(report *r, nb_figure *fig, const char *caption, bool drawn)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    char start[64];
    enter(r, REPORT_FIGURES);
    if (!r->status) /* nb_figure_create has said why there is no figure */
        r->status = fig ? nb_figure_encode(fig, NULL, &bytes, &size) : NB_ENOMEM;
    nb_figure_destroy(fig);
    if (r->status) return;
    /* A PNG file has its width, below 2^16 here, in bytes 16 to 19; a point is two pixels. */
    const unsigned width = (unsigned)bytes[18] << 8 | bytes[19];
    nb_snprintf(start, sizeof start, "<figure><img %swidth=\"%u\" alt=\"",
                drawn ? "class=\"drawn\" " : "", width / 2);
    put(r, start);
    put_escaped(r, caption);
    put(r, "\" src=\"data:image/png;base64,");
    if (!r->status) r->status = put_base64(&r->file, bytes, size);
    put(r, "\"><figcaption>");
    put_escaped(r, caption);
    put(r, "</figcaption></figure>\n");
    nb_free(bytes);
}

void report_figure(report *r, nb_figure *fig, const char *caption)
{
    put_figure(r, fig, caption, true);
}

void report_pictures(report *r, nb_figure *fig, const char *caption)
{
    put_figure(r, fig, caption, false);
}
