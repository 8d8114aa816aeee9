#include "nablas/table.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/recipe.h"
#include "nablas/text.h"
#include "table/columns.h"
#include "table/guess.h"

#include <math.h>
#include <string.h>

const char *nb_column_type_name(nb_column_type type)
{
    static const char *const names[] = {"auto", "number", "category", "text", "ignored"};
    return (unsigned)type < NB_COLUMN_TYPES ? names[type] : "";
}

/* --- reading ---------------------------------------------------------------------------------- */

static nb_status check_options(const nb_table_options *o)
{
    if (o->separator && strchr("\"\n\r.0123456789+-", o->separator))
        return nb_fail(NB_EINVAL, "nb_table_read: separator='%c', which separates nothing",
                       o->separator);
    if ((o->decimal && o->decimal != '.' && o->decimal != ',') ||
        (o->decimal && o->decimal == o->separator))
        return nb_fail(NB_EINVAL, "nb_table_read: decimal='%c', separator='%c', expected . or ,",
                       o->decimal, o->separator ? o->separator : '?');
    if ((unsigned)o->header > NB_HEADER_NO)
        return nb_fail(NB_EINVAL, "nb_table_read: header=%d", (int)o->header);
    if (o->told && !o->tell) return nb_fail(NB_EINVAL, "nb_table_read: tell is NULL");
    for (size_t i = 0; i < o->told; i++)
        if (!o->tell[i].name || (unsigned)o->tell[i].type >= NB_COLUMN_TYPES)
            return nb_fail(NB_EINVAL, "nb_table_read: tell[%zu]: name=%s, type=%d", i,
                           o->tell[i].name ? o->tell[i].name : "NULL", (int)o->tell[i].type);
    return NB_OK;
}

/* Names and types of the columns, from the header, the options and the first lines. */
static nb_status find_columns(nb_reader *r)
{
    nb_table_options o = *r->options;
    nb_table *t = r->table;
    nb_guess g;
    if (o.recipe && o.header == NB_HEADER_AUTO)
        o.header = o.recipe->header ? NB_HEADER_YES : NB_HEADER_NO;
    nb_status status = nb_guess_make(&g, &r->scan, &o);
    if (!status && g.columns == 0)
        status =
            nb_fail(NB_EFORMAT, "nb_table_read: %s: is empty, expected a table", r->scan.label);
    t->separator = g.separator;
    t->decimal = g.decimal;
    t->header = g.header;
    if (!status && g.header) status = nb_scan_row(&r->scan);
    if (!status) status = nb_columns_name(r, g.columns, g.header ? r->scan.cell : NULL);
    if (!status) status = nb_columns_type(r);
    for (size_t i = 0; !status && i < t->columns; i++)
        if (t->column[i].type == NB_COLUMN_AUTO)
            status = nb_guess_type(&g, &r->scan, i, &t->column[i].type);
    nb_guess_free(&g);
    return status ? status : nb_columns_begin(r);
}

static nb_status read_row(nb_reader *r, size_t row)
{
    const size_t cells = r->scan.cells, columns = r->table->columns;
    if (cells != columns)
        return nb_scan_fail(&r->scan, NB_EFORMAT, cells < columns ? cells : columns,
                            "the row has %zu cell%s, expected %zu as in the first one", cells,
                            cells == 1 ? "" : "s", columns);
    nb_status status = nb_cells_reserve(r->table->cells, row);
    for (size_t i = 0; !status && i < columns; i++)
        status = nb_columns_put(r, row, i, &r->scan.cell[i]);
    return status;
}

static nb_status read_rows(nb_reader *r)
{
    nb_table *t = r->table;
    nb_status status = find_columns(r);
    for (; !status; t->rows++) {
        status = nb_scan_row(&r->scan);
        if (status || r->scan.cells == 0) break;
        status = read_row(r, t->rows);
    }
    /* What is wrong in it may be the change. */
    if (status == NB_OK || status == NB_EFORMAT || status == NB_ERANGE) {
        const nb_status changed = nb_scan_end(&r->scan);
        if (changed) return changed;
    }
    if (!status && t->rows == 0)
        status = nb_fail(NB_EFORMAT, "nb_table_read: %s: a header and no row", r->scan.label);
    return status ? status : nb_columns_end(r);
}

static bool ends_in_npy(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".npy") == 0;
}

/* From `path`, or from the bytes called `label`. */
static nb_status read_table(nb_table *t, const char *path, const void *bytes, size_t size,
                            const char *label, const nb_table_options *options)
{
    static const nb_table_options none = {0};
    nb_reader r = {.scan = {.fd = -1}, .options = options ? options : &none, .table = t};
    const bool standard = path && strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : nb_file_label(path ? path : label);
    *t = (nb_table){0};
    nb_status status = check_options(r.options);
    if (status) return status;
    t->label = nb_alloc(strlen(name) + 1, 1);
    if (!t->label) return NB_ENOMEM;
    strcpy(t->label, name);
    if (path && ends_in_npy(path)) {
        status = nb_npy_table(&r, path);
    } else {
        status = path ? nb_scan_open(&r.scan, path) : nb_scan_bytes(&r.scan, bytes, size, label);
        if (!status) status = read_rows(&r);
    }
    nb_reader_close(&r);
    if (status) nb_table_destroy(t);
    return status;
}

nb_status nb_table_read(nb_table *t, const char *path, const nb_table_options *options)
{
    if (!t || !path) return nb_fail(NB_EINVAL, "nb_table_read: %s is NULL", t ? "path" : "table");
    return read_table(t, path, NULL, 0, NULL, options);
}

nb_status nb_table_parse(nb_table *t, const void *bytes, size_t size, const char *label,
                         const nb_table_options *options)
{
    if (!t) return nb_fail(NB_EINVAL, "nb_table_parse: table is NULL");
    *t = (nb_table){0};
    if (!label || (size && !bytes))
        return nb_fail(NB_EINVAL, "nb_table_parse: %s is NULL", label ? "bytes" : "label");
    return read_table(t, NULL, bytes, size, label, options);
}

void nb_table_destroy(nb_table *t)
{
    if (!t) return;
    for (size_t i = 0; t->column && i < t->columns; i++) nb_names_destroy(&t->column[i].levels);
    nb_free(t->column);
    nb_names_destroy(&t->names);
    nb_cells_destroy(t->cells);
    nb_free(t->label);
    *t = (nb_table){0};
}

/* --- using ------------------------------------------------------------------------------------ */

nb_status nb_table_find(const nb_table *t, const char *name, size_t *column)
{
    char list[200];
    if (!t || !name || !column) return nb_fail(NB_EINVAL, "nb_table_find: an argument is NULL");
    *column = nb_names_find(&t->names, name);
    if (*column < t->columns) return NB_OK;
    size_t number = 0;
    const char *p = name;
    for (; *p >= '0' && *p <= '9' && number <= t->columns; p++)
        number = 10 * number + (size_t)(*p - '0');
    if (*p == 0 && number >= 1 && number <= t->columns) {
        *column = number - 1;
        return NB_OK;
    }
    return nb_fail(NB_EINVAL, "nb_table_find: %s: no column '%.80s'; the %zu are: %s", t->label,
                   name, t->columns, nb_list_text(&t->names, list, sizeof list));
}

double nb_table_number(const nb_table *t, size_t row, size_t column)
{
    if (!t || row >= t->rows || column >= t->columns || t->column[column].type != NB_COLUMN_NUMBER)
        return (double)NAN;
    return nb_cells_number(t->cells, row, column);
}

ptrdiff_t nb_table_code(const nb_table *t, size_t row, size_t column)
{
    if (!t || row >= t->rows || column >= t->columns || t->column[column].levels.count == 0)
        return -1;
    const uint32_t code = nb_cells_code(t->cells, row, column);
    return code == NB_NO_CODE ? -1 : (ptrdiff_t)code;
}

const char *nb_table_text(const nb_table *t, size_t row, size_t column, char text[32])
{
    const ptrdiff_t code = nb_table_code(t, row, column);
    if (code >= 0) return t->column[column].levels.text[code];
    const double number = nb_table_number(t, row, column);
    return isnan(number) ? "" : nb_number_text(number, text);
}
