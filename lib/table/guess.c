#include "table/guess.h"
#include "nablas/memory.h"
#include "table/number.h"
#include "table/words.h"

#include <string.h>

enum { ROWS = 1000 };

/* Where a scanner stands, to go back to. */
typedef struct place {
    size_t begin, line;
} place;

static place place_of(const nb_scanner *s)
{
    return (place){s->begin, s->line};
}

static void go_back(nb_scanner *s, place to)
{
    s->begin = to.begin;
    s->line = to.line;
}

/* --- separator -------------------------------------------------------------------------------- */

typedef struct division {
    size_t rows, columns, same; /* rows; cells of the first; rows with as many */
} division;

static division divide(nb_scanner *s, char separator)
{
    const place start = place_of(s);
    division d = {0};
    bool found = true;
    s->separator = separator;
    while (d.rows < ROWS && !nb_scan_peek(s, &found) && found && s->cells > 0) {
        if (d.rows++ == 0) d.columns = s->cells;
        d.same += s->cells == d.columns;
    }
    go_back(s, start);
    return d;
}

/* The first that divides all rows alike, or, if none does, most rows. Blanks only divide alike. */
static char choose_separator(nb_scanner *s)
{
    static const char candidates[] = {'\t', ';', '|', ','};
    char best = ',';
    size_t most = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        const division d = divide(s, candidates[i]);
        if (d.columns > 1 && d.same == d.rows) return candidates[i];
        if (d.columns > 1 && d.same > most) {
            best = candidates[i];
            most = d.same;
        }
    }
    if (most > 0) return best;
    const division d = divide(s, ' ');
    return d.columns > 1 && d.same == d.rows ? ' ' : best;
}

/* --- decimal ---------------------------------------------------------------------------------- */

/* A comma is decimal if numbers have it and none has a point, and if not all have three digits behind
 * it, as thousands do. */
static char choose_decimal(nb_scanner *s)
{
    const place start = place_of(s);
    size_t points = 0, commas = 0, thousands = 0;
    bool found = true;
    double value;
    for (size_t row = 0; row < ROWS && !nb_scan_peek(s, &found) && found && s->cells; row++)
        for (size_t i = 0; i < s->cells; i++) {
            const nb_cell *c = &s->cell[i];
            const char *comma = memchr(c->text, ',', c->size);
            if (memchr(c->text, '.', c->size))
                points += nb_number_read(c->text, c->size, '.', &value) != NB_NO_NUMBER;
            else if (comma && nb_number_read(c->text, c->size, ',', &value) != NB_NO_NUMBER) {
                commas++;
                thousands += comma + 4 == c->text + c->size;
            }
        }
    go_back(s, start);
    return points == 0 && commas > thousands ? ',' : '.';
}

/* --- columns ---------------------------------------------------------------------------------- */

static void count_cell(nb_guess_column *g, const nb_cell *c, char decimal, size_t row)
{
    double value;
    if (nb_is_missing(c->text, c->size)) return;
    g->filled++;
    const nb_number_kind kind = nb_number_read(c->text, c->size, decimal, &value);
    if (kind == NB_NO_NUMBER && !g->first_text) g->first_text = row;
    g->numbers += kind != NB_NO_NUMBER;
    if (kind != NB_FINITE) return;
    for (size_t i = 0; i < g->values && i < NB_FEW_VALUES; i++)
        if (g->value[i] == value) return;
    if (g->values < NB_FEW_VALUES) g->value[g->values] = value;
    if (g->values <= NB_FEW_VALUES) g->values++;
}

static bool same_cell(const nb_cell *a, const nb_cell *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

/* The columns of all first rows but the first. Rows with another number of cells are found later. */
static nb_status count_columns(nb_guess *g, nb_scanner *s)
{
    const place start = place_of(s);
    bool found = true;
    nb_status status = nb_scan_peek(s, &found);
    if (status || !found || s->cells == 0) return status;
    g->columns = s->cells;
    g->column = nb_alloc_zero(g->columns, sizeof *g->column);
    g->first = nb_alloc(g->columns, sizeof *g->first);
    if (!g->column || !g->first) return NB_ENOMEM;
    memcpy(g->first, s->cell, g->columns * sizeof *g->first);
    for (size_t row = 2; row <= ROWS && !nb_scan_peek(s, &found) && found && s->cells; row++)
        for (size_t i = 0; i < s->cells && i < g->columns; i++) {
            count_cell(&g->column[i], &s->cell[i], g->decimal, row);
            if (same_cell(&s->cell[i], &g->first[i])) g->column[i].repeats = true;
        }
    go_back(s, start);
    return NB_OK;
}

/* --- header ----------------------------------------------------------------------------------- */

/* Whether the first row's cells could be names: what is no number is of different texts, at most
 * one of them empty, and the numbers count from 0 or 1. */
static nb_status could_be_names(const nb_guess *g, bool *could)
{
    nb_words names = {0};
    nb_status status = NB_OK;
    size_t texts = 0, empty = 0, numbers = 0, number;
    double value, next = 0;
    *could = true;
    for (size_t i = 0; !status && *could && i < g->columns; i++) {
        const nb_cell *c = &g->first[i];
        if (c->size == 0) {
            *could = ++empty == 1;
        } else if (nb_number_read(c->text, c->size, g->decimal, &value) != NB_NO_NUMBER) {
            if (numbers++ == 0) next = value;
            *could = next == value && (numbers > 1 || value == 0 || value == 1);
            next++;
        } else {
            *could = !nb_is_missing(c->text, c->size);
            status = nb_words_add(&names, c->text, c->size, &number);
            if (number != texts++) *could = false;
        }
    }
    *could = *could && texts > 0;
    nb_words_destroy(&names);
    return status;
}

static nb_status choose_header(nb_guess *g)
{
    bool could, numbers_below = false, repeats = false;
    double value;
    nb_status status = could_be_names(g, &could);
    for (size_t i = 0; i < g->columns; i++) {
        const nb_guess_column *c = &g->column[i];
        const bool name =
            g->first[i].size > 0 &&
            nb_number_read(g->first[i].text, g->first[i].size, g->decimal, &value) == NB_NO_NUMBER;
        numbers_below = numbers_below || (name && c->filled && c->numbers == c->filled);
        repeats = repeats || (name && c->repeats);
    }
    g->header = could && (numbers_below || !repeats);
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

nb_status nb_guess_make(nb_guess *g, nb_scanner *s, const nb_table_options *o)
{
    *g = (nb_guess){.separator = o->separator, .decimal = o->decimal};
    s->quiet = true;
    nb_status status = NB_OK;
    for (;;) { /* two rows at least, as far as there are */
        if (!o->separator) g->separator = choose_separator(s);
        if (s->last || divide(s, g->separator).rows > 1) break;
        status = nb_scan_more(s);
        if (status) break;
    }
    s->quiet = false;
    s->separator = g->separator;
    if (!g->decimal) g->decimal = g->separator == ',' ? '.' : choose_decimal(s);
    if (!status) status = count_columns(g, s);
    if (!status && o->header == NB_HEADER_AUTO) status = choose_header(g);
    if (o->header != NB_HEADER_AUTO) g->header = o->header == NB_HEADER_YES;
    for (size_t i = 0; !status && !g->header && i < g->columns; i++)
        count_cell(&g->column[i], &g->first[i], g->decimal, 1);
    if (s->starved) /* what was tried without memory says nothing about the table */
        status = nb_fail(NB_ENOMEM, "nb_table_read: %s: no memory for a row's cells", s->label);
    return status;
}

nb_status nb_guess_type(const nb_guess *g, nb_scanner *s, size_t column, nb_column_type *type)
{
    const nb_guess_column *c = &g->column[column];
    const size_t texts = c->filled - c->numbers;
    char excerpt[NB_EXCERPT];
    nb_status status;
    bool found = true;
    *type = c->filled == 0 ? NB_COLUMN_AUTO : texts == 0 ? NB_COLUMN_NUMBER : NB_COLUMN_CATEGORY;
    const bool few = c->values <= NB_FEW_VALUES && 2 * c->values <= c->filled;
    if (texts == 0 || texts > c->filled / 10 || few) return NB_OK;
    const place start = place_of(s);
    for (size_t row = g->header; row < c->first_text; row++) /* the header is behind us */
        if ((status = nb_scan_peek(s, &found))) return status;
    go_back(s, start);
    return nb_scan_fail(
        s, NB_EFORMAT, column,
        "'%s' in a column that has numbers almost everywhere (%zu of the first %zu); "
        "say whether it is of numbers or a category",
        nb_scan_excerpt(&s->cell[column], excerpt), c->numbers, c->filled);
}

void nb_guess_free(nb_guess *g)
{
    nb_free(g->column);
    nb_free(g->first);
    *g = (nb_guess){0};
}
