#include "table/scan.h"
#include "io/texts.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 4 << 20, MOST_ROOM = 1 << 30 };

/* --- bytes ------------------------------------------------------------------------------------ */

/* Room for more bytes behind `end`: what is used up goes, and if that is little, a larger buffer. */
static nb_status make_room(nb_scanner *s)
{
    const size_t left = s->end - s->begin;
    if (s->room && s->begin >= s->room / 2) {
        memmove(s->buffer, s->buffer + s->begin, left);
    } else {
        const size_t room = s->room ? 2 * s->room : FIRST_ROOM;
        if (room > MOST_ROOM)
            return nb_fail(NB_ERANGE, "nb_table_read: %s:%zu: a line of more than %d bytes",
                           s->label, s->line, MOST_ROOM / 2);
        char *larger = nb_alloc(room, 1);
        if (!larger) return NB_ENOMEM;
        if (left) memcpy(larger, s->buffer + s->begin, left);
        nb_free(s->buffer);
        s->buffer = larger;
        s->room = room;
    }
    s->begin = 0;
    s->end = left;
    return NB_OK;
}

nb_status nb_scan_more(nb_scanner *s)
{
    if (s->last) return NB_OK;
    nb_status status = s->end < s->room ? NB_OK : make_room(s);
    while (!status && s->end < s->room && !s->last) {
        const ssize_t got = read(s->fd, s->buffer + s->end, s->room - s->end);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return nb_fail(NB_EIO, "nb_table_read: %s:%zu: cannot read on: %s", s->label, s->line,
                           strerror(errno));
        s->last = got == 0;
        s->end += (size_t)got;
        s->read += (size_t)got;
    }
    return status;
}

/* A byte order mark is none of the first cell's; what is no UTF-8 text at all is told at once. */
static nb_status begin(nb_scanner *s)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } other[] = {{"\xff\xfe", 2, "UTF-16 text"},
                 {"\xfe\xff", 2, "UTF-16 text"},
                 {"PK\3\4", 4, "a zip archive, such as a spreadsheet"},
                 {"\x1f\x8b", 2, "a gzip file"},
                 {"\x89PNG", 4, "a picture"},
                 {"%PDF", 4, "a PDF document"}};
    const size_t size = s->end - s->begin;
    const char *bytes = s->buffer + s->begin;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (size >= other[i].size && memcmp(bytes, other[i].bytes, other[i].size) == 0)
            return nb_fail(NB_EFORMAT, "nb_table_read: %s: %s, expected a table in UTF-8 text",
                           s->label, other[i].what);
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) s->begin += 3;
    return NB_OK;
}

nb_status nb_scan_open(nb_scanner *s, const char *path)
{
    const bool standard = strcmp(path, "-") == 0;
    *s = (nb_scanner){.label = standard ? "standard input" : nb_file_label(path), .line = 1};
    s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    s->close = !standard;
    if (s->fd < 0 || fstat(s->fd, &s->before))
        return nb_fail(NB_EIO, "nb_table_read: %s: cannot open: %s", s->label, strerror(errno));
    if (S_ISDIR(s->before.st_mode))
        return nb_fail(NB_EIO, "nb_table_read: %s: is a folder, expected a file", s->label);
    nb_status status = nb_scan_more(s);
    return status ? status : begin(s);
}

nb_status nb_scan_bytes(nb_scanner *s, const void *bytes, size_t size, const char *label)
{
    *s = (nb_scanner){.label = nb_file_label(label), .fd = -1, .line = 1, .last = true};
    s->buffer = nb_alloc(size, 1);
    if (!s->buffer) return NB_ENOMEM;
    if (size) memcpy(s->buffer, bytes, size);
    s->room = s->end = size;
    return begin(s);
}

void nb_scan_close(nb_scanner *s)
{
    if (s->close && s->fd >= 0) close(s->fd);
    nb_free(s->buffer);
    nb_free(s->cell);
    *s = (nb_scanner){.fd = -1};
}

nb_status nb_scan_end(const nb_scanner *s)
{
    struct stat now;
    if (s->fd < 0 || !S_ISREG(s->before.st_mode)) return NB_OK;
    if (fstat(s->fd, &now))
        return nb_fail(NB_EIO, "nb_table_read: %s: %s", s->label, strerror(errno));
    if (now.st_size == s->before.st_size && now.st_mtim.tv_sec == s->before.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == s->before.st_mtim.tv_nsec)
        return NB_OK;
    return nb_fail(NB_EIO,
                   "nb_table_read: %s: changed while it was read: %jd bytes when it was opened, "
                   "%jd at the end, %zu read",
                   s->label, (intmax_t)s->before.st_size, (intmax_t)now.st_size, s->read);
}

/* --- messages --------------------------------------------------------------------------------- */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

const char *nb_scan_excerpt(const nb_cell *cell, char text[NB_EXCERPT])
{
    enum { MOST = NB_EXCERPT - 4 };
    size_t size = cell->size;
    if (size > MOST)
        for (size = MOST; size > 0 && is_continuation(cell->text[size]);) size--;
    const bool fine = nb_is_utf8(cell->text, size);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)cell->text[i];
        text[i] = c < 32 || c == 127 || (c > 127 && !fine) ? '.' : (char)c;
    }
    strcpy(text + size, size < cell->size ? "..." : "");
    return text;
}

static size_t line_ends(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to; from++)
        count += *from == '\n' || (*from == '\r' && !(from + 1 < to && from[1] == '\n'));
    return count;
}

nb_status nb_scan_fail(const nb_scanner *s, nb_status status, size_t column, const char *format,
                       ...)
{
    char detail[400];
    va_list args;
    if (s->quiet) return status;
    va_start(args, format);
    nb_vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    const size_t line =
        s->row_line +
        (column > 0 && column <= s->cells
             ? line_ends(s->cell[0].text, s->cell[column - 1].text + s->cell[column - 1].size)
             : 0);
    return nb_fail(status, "nb_table_read: %s:%zu:%zu: %s", s->label, line, column + 1, detail);
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static nb_status too_long(const nb_scanner *s)
{
    return nb_scan_fail(s, NB_ERANGE, s->cells, "a cell of more than %d bytes", NB_TABLE_MAX_CELL);
}

static nb_status add_cell(nb_scanner *s, char *text, size_t size, bool quoted)
{
    if (size > NB_TABLE_MAX_CELL) return too_long(s);
    if (s->cells == NB_TABLE_MAX_COLUMNS)
        return nb_scan_fail(s, NB_ERANGE, s->cells, "more than %d columns", NB_TABLE_MAX_COLUMNS);
    if (s->cells == s->cell_room) {
        const size_t room = s->cell_room ? 2 * s->cell_room : 16;
        nb_cell *larger = nb_alloc(room, sizeof *larger);
        s->starved = s->starved || !larger;
        if (!larger) return NB_ENOMEM;
        if (s->cells) memcpy(larger, s->cell, s->cells * sizeof *larger);
        nb_free(s->cell);
        s->cell = larger;
        s->cell_room = room;
    }
    s->cell[s->cells++] = (nb_cell){text, size, quoted};
    return NB_OK;
}

/* A cell in quotes: *at goes from behind the first to behind the last, or becomes NULL where more
 * bytes are needed. */
static nb_status quoted_cell(nb_scanner *s, char **at)
{
    char *const from = *at, *const end = s->buffer + s->end;
    for (char *p = from;; p += 2) {
        p = memchr(p, '"', (size_t)(end - p));
        if (!p && s->last)
            return nb_scan_fail(s, NB_EFORMAT, s->cells, "a quote that is never closed");
        if (!p || (p + 1 == end && !s->last)) {
            *at = NULL;
            return end - from > NB_TABLE_MAX_CELL + 1 ? too_long(s) : NB_OK;
        }
        if (p + 1 < end && p[1] == '"') continue;
        if (memchr(from, 0, (size_t)(p - from))) {
            *at = p;
            return nb_scan_fail(s, NB_EFORMAT, s->cells, "a zero byte, expected text");
        }
        *at = p + 1;
        return add_cell(s, from, (size_t)(p - from), true);
    }
}

/* A cell without quotes, blanks behind it left out. */
static nb_status plain_cell(nb_scanner *s, char **at)
{
    char *const from = *at, *const end = s->buffer + s->end, *p = from;
    const char separator = s->separator, blank = separator == ' ' ? '\t' : separator;
    while (p < end && *p != separator && *p != '\n' && *p != '\r' && *p != 0 && *p != blank) p++;
    *at = p;
    if (p == end && !s->last) {
        *at = NULL;
        return p - from > NB_TABLE_MAX_CELL ? too_long(s) : NB_OK;
    }
    while (p > from && is_blank(p[-1])) p--;
    return add_cell(s, from, (size_t)(p - from), false);
}

static char *skip_blanks(const nb_scanner *s, char *p)
{
    const char *end = s->buffer + s->end;
    while (p < end && is_blank(*p) && (*p != s->separator || *p == ' ')) p++;
    return p;
}

/* Behind a cell: *at moves over a separator or a line end; NULL where more bytes are needed. */
static nb_status behind_cell(nb_scanner *s, char **at, bool *row_ends)
{
    const char *end = s->buffer + s->end;
    char *p = skip_blanks(s, *at);
    *row_ends = false;
    if (p == end || (*p == '\r' && p + 1 == end)) {
        *row_ends = s->last;
        *at = s->last ? p + (p < end) : NULL;
    } else if (*p == '\n' || *p == '\r') {
        *row_ends = true;
        *at = p + 1 + (*p == '\r' && p[1] == '\n');
    } else if (s->separator == ' ' && p > *at) {
        *at = p;
    } else if (*p == s->separator) {
        *at = p + 1;
    } else {
        return nb_scan_fail(
            s, NB_EFORMAT, s->cells - 1,
            *p ? "text behind a closing quote, expected a separator or the line's end"
               : "a zero byte, expected text");
    }
    return NB_OK;
}

/* The cells of one line, which may be none but a blank one. */
static nb_status scan_line(nb_scanner *s, bool *found)
{
    char *at = s->buffer + s->begin;
    size_t lines = 1;
    bool row_ends = false;
    s->cells = 0;
    s->row_line = s->line;
    while (!row_ends) {
        at = skip_blanks(s, at);
        const bool quoted = at < s->buffer + s->end && *at == '"';
        at += quoted;
        nb_status status = (quoted ? quoted_cell : plain_cell)(s, &at);
        if (!status && at && quoted) {
            const nb_cell *cell = &s->cell[s->cells - 1];
            lines += line_ends(cell->text, cell->text + cell->size);
        }
        if (!status && at) status = behind_cell(s, &at, &row_ends);
        *found = !status && at;
        if (!*found) return status;
    }
    s->begin = (size_t)(at - s->buffer);
    s->line += lines;
    return NB_OK;
}

nb_status nb_scan_peek(nb_scanner *s, bool *found)
{
    for (;;) {
        *found = s->last && s->begin == s->end;
        s->cells = 0;
        if (s->begin == s->end) return NB_OK;
        nb_status status = scan_line(s, found);
        if (status || !*found) return status;
        if (s->cells > 1 || s->cell[0].size > 0 || s->cell[0].quoted) return NB_OK;
    }
}

nb_status nb_scan_row(nb_scanner *s)
{
    for (;;) {
        bool found;
        nb_status status = nb_scan_peek(s, &found);
        if (status || found) return status;
        status = nb_scan_more(s);
        if (status) return status;
    }
}

void nb_scan_unquote(nb_cell *cell)
{
    char *to = cell->quoted ? memchr(cell->text, '"', cell->size) : NULL;
    const char *end = cell->text + cell->size;
    if (!to) return;
    for (const char *from = to; from < end; from += 1 + (*from == '"')) *to++ = *from;
    cell->size = (size_t)(to - cell->text);
}
