#include "table/columns.h"
#include "io/texts.h"
#include "nablas/memory.h"
#include "nablas/recipe.h"
#include "nablas/text.h"
#include "table/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- names ------------------------------------------------------------------------------------ */

char *nb_list_text(const nb_names *names, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < names->count; i++) {
        const char *comma = i ? ", " : "";
        const char *quote = strchr(names->text[i], ',') ? "'" : "";
        const size_t length = strlen(comma) + strlen(names->text[i]) + 2 * strlen(quote);
        if (used + length + sizeof ", ..." > size) {
            strcpy(text + used, i ? ", ..." : "...");
            break;
        }
        used += (size_t)nb_snprintf(text + used, size - used, "%s%s%s%s", comma, quote,
                                    names->text[i], quote);
    }
    return text;
}

static nb_status add_name(nb_reader *r, nb_words *words, size_t i, nb_cell *cell)
{
    char excerpt[NB_EXCERPT], numbered[32];
    size_t number;
    if (!cell || cell->size == 0) {
        nb_cell made = {numbered,
                        (size_t)nb_snprintf(numbered, sizeof numbered, "column %zu", i + 1), false};
        return add_name(r, words, i, &made);
    }
    if (!nb_is_utf8(cell->text, cell->size))
        return nb_scan_fail(&r->scan, NB_EFORMAT, i, "the name '%s' is not UTF-8",
                            nb_scan_excerpt(cell, excerpt));
    nb_status status = nb_words_add(words, cell->text, cell->size, &number);
    if (!status && number < i)
        status = nb_scan_fail(&r->scan, NB_EFORMAT, i, "the name '%s' is that of column %zu too",
                              nb_scan_excerpt(cell, excerpt), number + 1);
    return status;
}

nb_status nb_columns_name(nb_reader *r, size_t columns, nb_cell *names)
{
    nb_table *t = r->table;
    nb_words words = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < columns; i++) {
        if (names) nb_scan_unquote(&names[i]);
        status = add_name(r, &words, i, names ? &names[i] : NULL);
    }
    if (!status) status = nb_words_names(&words, NULL, &t->names);
    nb_words_destroy(&words);
    if (status) return status;
    t->column = nb_alloc_zero(columns, sizeof *t->column);
    r->levels = nb_alloc_zero(columns, sizeof *r->levels);
    if (!t->column || !r->levels) return NB_ENOMEM;
    t->columns = columns;
    for (size_t i = 0; i < columns; i++) t->column[i].name = t->names.text[i];
    return NB_OK;
}

/* --- types ------------------------------------------------------------------------------------ */

static nb_status know_levels(nb_levels *l, const nb_names *names)
{
    nb_status status = NB_OK;
    size_t number;
    for (size_t i = 0; !status && i < names->count; i++)
        status = nb_words_add(&l->words, names->text[i], strlen(names->text[i]), &number);
    l->fixed = true;
    return status;
}

/* Table column i is the recipe's column c. */
static nb_status follow(nb_reader *r, size_t i, const nb_recipe *recipe, size_t c)
{
    const nb_recipe_column *from = &recipe->column[c];
    nb_column *to = &r->table->column[i];
    const bool target = c == recipe->target;
    if (from->use != NB_USE_INPUT && !target) return NB_OK;
    to->type = from->type;
    to->told = true;
    if (to->type != NB_COLUMN_CATEGORY) return NB_OK;
    return know_levels(&r->levels[i], target ? &recipe->classes : &from->levels);
}

/* Without a header a table has all columns of the recipe's, or all but the target. */
static nb_status follow_by_place(nb_reader *r, const nb_recipe *recipe)
{
    const size_t columns = r->table->columns, all = recipe->columns;
    if (columns != all && columns + 1 != all)
        return nb_fail(NB_EFORMAT,
                       "nb_table_read: %s: %zu columns; the model was trained on a table without a "
                       "header, of %zu columns and the target",
                       r->scan.label, columns, all - 1);
    nb_status status = NB_OK;
    for (size_t c = 0, i = 0; !status && c < all; c++)
        if (columns == all || c != recipe->target) status = follow(r, i++, recipe, c);
    return status;
}

static nb_status follow_by_name(nb_reader *r, const nb_recipe *recipe)
{
    const nb_table *t = r->table;
    char list[160];
    nb_words words = {0};
    nb_status status = NB_OK;
    size_t place;
    for (size_t i = 0; !status && i < t->columns; i++)
        status = nb_words_add(&words, t->names.text[i], strlen(t->names.text[i]), &place);
    for (size_t c = 0; !status && c < recipe->columns; c++) {
        const nb_recipe_column *from = &recipe->column[c];
        place = nb_words_find(&words, from->name, strlen(from->name));
        if (place < t->columns)
            status = follow(r, place, recipe, c);
        else if (from->use == NB_USE_INPUT)
            status =
                nb_fail(NB_EFORMAT,
                        "nb_table_read: %s: no column '%.80s', which the model needs; there are: "
                        "%s",
                        r->scan.label, from->name, nb_list_text(&t->names, list, sizeof list));
    }
    nb_words_destroy(&words);
    return status;
}

nb_status nb_columns_type(nb_reader *r)
{
    const nb_table_options *o = r->options;
    nb_status status = NB_OK;
    if (o->recipe) status = (r->table->header ? follow_by_name : follow_by_place)(r, o->recipe);
    for (size_t i = 0; o->recipe && i < r->table->columns; i++)
        if (!r->table->column[i].told) r->table->column[i].type = NB_COLUMN_IGNORED;
    for (size_t k = 0; !status && k < o->told; k++) {
        size_t i;
        status = nb_table_find(r->table, o->tell[k].name, &i);
        if (status) break;
        nb_column *c = &r->table->column[i];
        if (o->recipe && c->type != NB_COLUMN_IGNORED)
            return nb_fail(NB_EINVAL,
                           "nb_table_read: %s: column '%.80s' is the model's: its type is "
                           "known",
                           r->scan.label, c->name);
        c->type = o->tell[k].type;
        c->told = c->type != NB_COLUMN_AUTO;
    }
    return status;
}

nb_status nb_columns_begin(nb_reader *r)
{
    const nb_table *t = r->table;
    unsigned char *keep = nb_alloc(t->columns, 1);
    if (!keep) return NB_ENOMEM;
    for (size_t i = 0; i < t->columns; i++) {
        const nb_column_type type = t->column[i].type;
        keep[i] = type == NB_COLUMN_IGNORED                            ? NB_KEEP_NOTHING
                  : type == NB_COLUMN_NUMBER || type == NB_COLUMN_AUTO ? NB_KEEP_NUMBERS
                                                                       : NB_KEEP_CODES;
    }
    nb_status status = nb_cells_create(&r->table->cells, t->columns, keep);
    nb_free(keep);
    return status;
}

/* --- cells ------------------------------------------------------------------------------------ */

void nb_columns_missing(nb_reader *r, size_t row, size_t i)
{
    nb_column *c = &r->table->column[i];
    if (c->missing++ == 0) c->missing_line = r->scan.row_line;
    if (c->type == NB_COLUMN_CATEGORY || c->type == NB_COLUMN_TEXT)
        nb_cells_set_code(r->table->cells, row, i, NB_NO_CODE);
    else
        nb_cells_set(r->table->cells, row, i, (double)NAN);
}

static nb_status put_number(nb_reader *r, size_t row, size_t i, const nb_cell *cell)
{
    char excerpt[NB_EXCERPT];
    double value;
    switch (nb_number_read(cell->text, cell->size, r->table->decimal, &value)) {
    case NB_FINITE:
        nb_cells_set(r->table->cells, row, i, value);
        return NB_OK;
    case NB_NOT_FINITE:
        return nb_scan_fail(&r->scan, NB_ERANGE, i,
                            "'%s' in the column '%.80s', expected a finite number, below 1.8e308",
                            nb_scan_excerpt(cell, excerpt), r->table->column[i].name);
    default:
        return nb_scan_fail(
            &r->scan, NB_EFORMAT, i,
            "'%s' in the column '%.80s', which has numbers: expected one, or NA, ? or "
            "an empty cell where it is missing",
            nb_scan_excerpt(cell, excerpt), r->table->column[i].name);
    }
}

static nb_status unseen(nb_reader *r, size_t row, size_t i, const nb_cell *cell)
{
    char excerpt[NB_EXCERPT], list[160];
    nb_names known;
    if (r->options->unseen_is_missing) {
        nb_columns_missing(r, row, i);
        return NB_OK;
    }
    nb_status status = nb_words_names(&r->levels[i].words, NULL, &known);
    if (status) return status;
    status = nb_scan_fail(&r->scan, NB_ERANGE, i,
                          "'%s' in the column '%.80s', which training never saw; it knows %s",
                          nb_scan_excerpt(cell, excerpt), r->table->column[i].name,
                          nb_list_text(&known, list, sizeof list));
    nb_names_destroy(&known);
    return status;
}

/* A category of more levels than any has: none of them is kept. */
static void give_up(nb_reader *r, size_t i)
{
    nb_words_destroy(&r->levels[i].words);
    r->table->column[i].too_many = true;
}

static nb_status put_code(nb_reader *r, size_t row, size_t i, const nb_cell *cell)
{
    nb_column *c = &r->table->column[i];
    nb_words *words = &r->levels[i].words;
    char excerpt[NB_EXCERPT];
    size_t code = nb_words_find(words, cell->text, cell->size);
    if (c->too_many) return NB_OK;
    if (code == words->count) {
        if (r->levels[i].fixed) return unseen(r, row, i, cell);
        if (c->type == NB_COLUMN_CATEGORY && code == NB_TABLE_MAX_LEVELS) {
            give_up(r, i);
            return NB_OK;
        }
        if (!nb_is_utf8(cell->text, cell->size))
            return nb_scan_fail(&r->scan, NB_EFORMAT, i,
                                "'%s' in the column '%.80s' is not UTF-8 (iconv makes it so)",
                                nb_scan_excerpt(cell, excerpt), c->name);
        nb_status status = nb_words_add(words, cell->text, cell->size, &code);
        if (status) return status;
    }
    nb_cells_set_code(r->table->cells, row, i, (uint32_t)code);
    return NB_OK;
}

nb_status nb_columns_put(nb_reader *r, size_t row, size_t i, nb_cell *cell)
{
    nb_column *c = &r->table->column[i];
    double value;
    if (c->type == NB_COLUMN_IGNORED) return NB_OK;
    nb_scan_unquote(cell);
    if (nb_is_missing(cell->text, cell->size)) {
        nb_columns_missing(r, row, i);
        return NB_OK;
    }
    if (c->type == NB_COLUMN_AUTO) /* the first of a column that was empty */
        c->type = nb_number_read(cell->text, cell->size, r->table->decimal, &value) == NB_NO_NUMBER
                      ? NB_COLUMN_CATEGORY
                      : NB_COLUMN_NUMBER;
    return (c->type == NB_COLUMN_NUMBER ? put_number : put_code)(r, row, i, cell);
}

/* --- levels ----------------------------------------------------------------------------------- */

typedef struct level {
    const char *text;
    double value;
    size_t number;
} level;

static int by_value(const void *a, const void *b)
{
    const level *p = a, *q = b;
    if (p->value != q->value) return p->value < q->value ? -1 : 1;
    return strcmp(p->text, q->text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const level *)a)->text, ((const level *)b)->text);
}

nb_status nb_order_levels(const nb_words *w, size_t **order)
{
    level *all = nb_alloc(w->count, sizeof *all);
    *order = nb_alloc(w->count, sizeof **order);
    bool numbers = true;
    if (!all || !*order) {
        nb_free(all);
        nb_free(*order);
        *order = NULL;
        return NB_ENOMEM;
    }
    for (size_t i = 0; i < w->count; i++) {
        all[i] = (level){.text = nb_words_text(w, i), .number = i};
        numbers = numbers &&
                  nb_number_read(all[i].text, strlen(all[i].text), '.', &all[i].value) == NB_FINITE;
    }
    qsort(all, w->count, sizeof *all, numbers ? by_value : by_text);
    for (size_t i = 0; i < w->count; i++) (*order)[i] = all[i].number;
    nb_free(all);
    return NB_OK;
}

static nb_status sort_levels(nb_reader *r, size_t i)
{
    nb_table *t = r->table;
    const nb_words *w = &r->levels[i].words;
    size_t *order = NULL;
    nb_status status = nb_order_levels(w, &order);
    uint32_t *place = status ? NULL : nb_alloc(w->count, sizeof *place);
    if (!status && !place) status = NB_ENOMEM;
    for (size_t k = 0; !status && k < w->count; k++) place[order[k]] = (uint32_t)k;
    for (size_t row = 0; !status && row < t->rows; row++) {
        const uint32_t code = nb_cells_code(t->cells, row, i);
        if (code != NB_NO_CODE) nb_cells_set_code(t->cells, row, i, place[code]);
    }
    if (!status) status = nb_words_names(w, order, &t->column[i].levels);
    nb_free(order);
    nb_free(place);
    return status;
}

nb_status nb_columns_end(nb_reader *r)
{
    nb_table *t = r->table;
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < t->columns; i++) {
        nb_column *c = &t->column[i];
        if (c->type == NB_COLUMN_AUTO) c->type = NB_COLUMN_NUMBER;
        if ((c->type != NB_COLUMN_CATEGORY && c->type != NB_COLUMN_TEXT) || c->too_many) continue;
        if (c->type == NB_COLUMN_CATEGORY && !r->levels[i].fixed)
            status = sort_levels(r, i);
        else
            status = nb_words_names(&r->levels[i].words, NULL, &c->levels);
        nb_words_destroy(&r->levels[i].words);
    }
    return status;
}

void nb_reader_close(nb_reader *r)
{
    for (size_t i = 0; r->levels && i < r->table->columns; i++)
        nb_words_destroy(&r->levels[i].words);
    nb_free(r->levels);
    nb_scan_close(&r->scan);
}
