/* Rows of a table as inputs and targets. */
#include "nablas/memory.h"
#include "table/encode.h"
#include "table/words.h"

#include <math.h>
#include <string.h>

enum { BLOCK_ROWS = 256 };

/* --- columns ---------------------------------------------------------------------------------- */

static nb_status check_place(const nb_recipe *r, const nb_table *t, const char *who, size_t c,
                             size_t *place)
{
    const nb_recipe_column *from = &r->column[c];
    if (*place != NB_NO_PLACE && t->column[*place].type == from->type) return NB_OK;
    if (from->use == NB_USE_INPUT)
        return nb_fail(NB_EINVAL, "%s: %s: column '%.80s' is %s, the recipe's is of type %s", who,
                       t->label, from->name,
                       *place == NB_NO_PLACE ? "not there"
                                             : nb_column_type_name(t->column[*place].type),
                       nb_column_type_name(from->type));
    *place = NB_NO_PLACE;
    return NB_OK;
}

static nb_status map_by_name(const nb_recipe *r, const nb_table *t, size_t *place)
{
    nb_words words = {0};
    nb_status status = NB_OK;
    size_t number;
    for (size_t i = 0; !status && i < t->columns; i++)
        status = nb_words_add(&words, t->names.text[i], strlen(t->names.text[i]), &number);
    for (size_t c = 0; !status && c < r->columns; c++) {
        place[c] = nb_words_find(&words, r->column[c].name, strlen(r->column[c].name));
        if (place[c] == t->columns) place[c] = NB_NO_PLACE;
    }
    nb_words_destroy(&words);
    return status;
}

/* As columns.c's follow_by_place. */
static void map_by_place(const nb_recipe *r, const nb_table *t, size_t *place)
{
    const bool whole = t->columns >= r->columns;
    for (size_t c = 0, i = 0; c < r->columns; c++) {
        place[c] = (whole || c != r->target) && i < t->columns ? i : NB_NO_PLACE;
        i += whole || c != r->target;
    }
}

nb_status nb_recipe_map(const nb_recipe *r, const nb_table *t, const char *who, size_t **out)
{
    size_t *place = *out = nb_alloc(r->columns, sizeof *place);
    nb_status status = place ? NB_OK : NB_ENOMEM;
    if (!status && r->header)
        status = map_by_name(r, t, place);
    else if (!status)
        map_by_place(r, t, place);
    for (size_t c = 0; !status && c < r->columns; c++)
        status = check_place(r, t, who, c, &place[c]);
    if (!status) return NB_OK;
    nb_free(place);
    *out = NULL;
    return status;
}

nb_status nb_recipe_codes(const nb_names *names, const nb_column *column, size_t **out)
{
    const nb_names *levels = &column->levels;
    size_t *codes = *out = nb_alloc(levels->count, sizeof *codes);
    if (!codes) return NB_ENOMEM;
    for (size_t k = 0; k < levels->count; k++) {
        codes[k] = k < names->count && strcmp(names->text[k], levels->text[k]) == 0
                       ? k
                       : nb_names_find(names, levels->text[k]);
        if (codes[k] == names->count) codes[k] = NB_NO_PLACE;
    }
    return NB_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

bool nb_recipe_has_target(const nb_recipe *r, const nb_table *t)
{
    if (!r || !t || r->columns == 0) return false;
    const nb_recipe_column *c = &r->column[r->target];
    const size_t place = !r->header ? r->target : nb_names_find(&t->names, c->name);
    if (place >= t->columns || (!r->header && t->columns < r->columns)) return false;
    return t->column[place].type == c->type;
}

static bool is_missing(const nb_table *t, size_t row, size_t column)
{
    return t->column[column].type == NB_COLUMN_NUMBER ? isnan(nb_table_number(t, row, column))
                                                      : nb_table_code(t, row, column) < 0;
}

/* Mark rows in which that column has no value; or fail there. */
static nb_status mark_missing(const nb_recipe *r, const nb_table *t, size_t column,
                              unsigned char *without)
{
    const nb_column *c = &t->column[column];
    if (c->missing == 0) return NB_OK;
    if (r->missing == NB_MISSING_ERROR)
        return nb_fail(
            NB_ERANGE,
            "nb_recipe_rows: %s:%zu:%zu: column '%.80s' is missing there and in %zu more "
            "rows, expected it in all",
            t->label, c->missing_line, column + 1, c->name, c->missing - 1);
    for (size_t row = 0; row < t->rows; row++)
        if (is_missing(t, row, column)) without[row] = 1;
    return NB_OK;
}

nb_status nb_recipe_rows(const nb_recipe *r, const nb_table *t, bool with_target, size_t *row,
                         size_t *n)
{
    size_t *place;
    if (!r || !t || !row || !n) return nb_fail(NB_EINVAL, "nb_recipe_rows: an argument is NULL");
    nb_status status = nb_recipe_map(r, t, "nb_recipe_rows", &place);
    if (status) return status;
    unsigned char *without = nb_alloc_zero(t->rows, 1);
    if (!without) status = NB_ENOMEM;
    if (!status && with_target && place[r->target] == NB_NO_PLACE)
        status = nb_fail(NB_EINVAL, "nb_recipe_rows: %s has no column '%.80s', the target",
                         t->label, r->column[r->target].name);
    for (size_t c = 0; !status && c < r->columns; c++) {
        const bool target = c == r->target && with_target;
        const bool input = r->column[c].use == NB_USE_INPUT && r->missing != NB_MISSING_MEAN;
        if (target || input) status = mark_missing(r, t, place[c], without);
    }
    *n = 0;
    for (size_t i = 0; !status && i < t->rows; i++)
        if (!without[i]) row[(*n)++] = i;
    nb_free(without);
    nb_free(place);
    return status;
}

/* --- inputs ----------------------------------------------------------------------------------- */

/* Where an encoding reads and writes. */
typedef struct encoding {
    const nb_recipe *recipe;
    const nb_table *table;
    const size_t *row; /* NULL: the first n */
    size_t *place;     /* (columns) */
    size_t **codes;    /* (columns) of categories */
    float *x;
} encoding;

static size_t row_of(const encoding *e, size_t i)
{
    return e->row ? e->row[i] : i;
}

static nb_status put_numbers(const encoding *e, size_t c, size_t lo, size_t hi)
{
    const nb_recipe_column *from = &e->recipe->column[c];
    const double center = e->recipe->raw ? 0 : from->mean,
                 unit = e->recipe->raw ? 1 : from->deviation;
    for (size_t i = lo; i < hi; i++) {
        const double given = nb_table_number(e->table, row_of(e, i), e->place[c]);
        const float value = (float)(((isnan(given) ? from->mean : given) - center) / unit);
        if (!isfinite(value))
            return nb_fail(
                NB_ERANGE,
                "nb_recipe_encode: %s: row %zu: %g in column '%.80s', too far from the mean "
                "%g and deviation %g",
                e->table->label, row_of(e, i) + 1, given, from->name, from->mean, from->deviation);
        e->x[i * e->recipe->width + from->at] = value;
    }
    return NB_OK;
}

static nb_status put_levels(const encoding *e, size_t c, size_t lo, size_t hi)
{
    const nb_recipe_column *from = &e->recipe->column[c];
    for (size_t i = lo; i < hi; i++) {
        const ptrdiff_t level = nb_table_code(e->table, row_of(e, i), e->place[c]);
        float *to = e->x + i * e->recipe->width + from->at;
        const size_t code = level < 0 ? 0 : e->codes[c][level];
        if (code == NB_NO_PLACE)
            return nb_fail(NB_ERANGE,
                           "nb_recipe_encode: %s: row %zu: '%.40s' in column '%.80s', which "
                           "training never saw",
                           e->table->label, row_of(e, i) + 1,
                           e->table->column[e->place[c]].levels.text[level], from->name);
        for (size_t k = 0; k < from->width; k++)
            to[k] = level < 0 ? (float)from->share[k] : (float)(k == code);
    }
    return NB_OK;
}

/* Blocks of rows, so that a column's numbers land in lines of the cache that the last one's left. */
static nb_status put_inputs(const encoding *e, size_t n)
{
    const nb_recipe *r = e->recipe;
    nb_status status = NB_OK;
    for (size_t lo = 0; lo < n; lo += BLOCK_ROWS)
        for (size_t c = 0; !status && c < r->columns; c++) {
            const size_t hi = n - lo < BLOCK_ROWS ? n : lo + BLOCK_ROWS;
            if (r->column[c].use == NB_USE_INPUT)
                status = (e->codes[c] ? put_levels : put_numbers)(e, c, lo, hi);
        }
    return status;
}

static void encoding_free(encoding *e)
{
    for (size_t c = 0; e->codes && c < e->recipe->columns; c++) nb_free(e->codes[c]);
    nb_free(e->codes);
    nb_free(e->place);
}

static nb_status encoding_begin(encoding *e, size_t n)
{
    const nb_recipe *r = e->recipe;
    const nb_table *t = e->table;
    if (n == 0 || (!e->row && n > t->rows))
        return nb_fail(NB_EINVAL, "nb_recipe_encode: n=%zu of %zu rows", n, t->rows);
    for (size_t i = 0; e->row && i < n; i++)
        if (e->row[i] >= t->rows)
            return nb_fail(NB_ERANGE, "nb_recipe_encode: row[%zu]=%zu, expected below %zu", i,
                           e->row[i], t->rows);
    nb_status status = nb_recipe_map(r, t, "nb_recipe_encode", &e->place);
    if (status) return status;
    e->codes = nb_alloc_zero(r->columns, sizeof *e->codes);
    if (!e->codes) return NB_ENOMEM;
    for (size_t c = 0; !status && c < r->columns; c++) {
        const nb_names *names = c == r->target ? &r->classes : &r->column[c].levels;
        if (e->place[c] != NB_NO_PLACE && r->column[c].type == NB_COLUMN_CATEGORY)
            status = nb_recipe_codes(names, &t->column[e->place[c]], &e->codes[c]);
    }
    return status;
}

static nb_status make_inputs(encoding *e, size_t n, nb_tensor *x)
{
    nb_status status = nb_tensor_create(x, NB_FLOAT32, NB_SHAPE(n, e->recipe->width));
    if (status) return status;
    e->x = x->data;
    status = put_inputs(e, n);
    if (status) nb_tensor_destroy(x);
    return status;
}

nb_status nb_recipe_inputs(const nb_recipe *r, const nb_table *t, size_t n, const size_t *row,
                           nb_tensor *x)
{
    encoding e = {.recipe = r, .table = t, .row = row};
    if (x) *x = (nb_tensor){0};
    if (!r || !t || !x) return nb_fail(NB_EINVAL, "nb_recipe_inputs: an argument is NULL");
    nb_status status = encoding_begin(&e, n);
    if (!status) status = make_inputs(&e, n, x);
    encoding_free(&e);
    return status;
}

/* --- targets ---------------------------------------------------------------------------------- */

/* The place of a value among the classes'. */
static size_t class_of_value(const nb_recipe *r, double value)
{
    size_t lo = 0;
    for (size_t hi = r->classes.count; lo < hi;) {
        const size_t middle = lo + (hi - lo) / 2;
        if (r->class_value[middle] < value)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < r->classes.count && r->class_value[lo] == value ? lo : NB_NO_PLACE;
}

static nb_status put_target(const encoding *e, size_t i, nb_tensor *to)
{
    const nb_recipe *r = e->recipe;
    const size_t column = e->place[r->target], row = row_of(e, i);
    char text[32];
    if (is_missing(e->table, row, column))
        return nb_fail(NB_ERANGE, "nb_recipe_encode: %s: row %zu has no target", e->table->label,
                       row + 1);
    const double value = nb_table_number(e->table, row, column);
    if (!r->learns_classes) {
        ((float *)to->data)[i] = (float)((value - r->target_mean) / r->target_deviation);
        return NB_OK;
    }
    const size_t code = r->class_value ? class_of_value(r, value)
                                       : e->codes[r->target][nb_table_code(e->table, row, column)];
    if (code == NB_NO_PLACE)
        return nb_fail(NB_ERANGE,
                       "nb_recipe_encode: %s: row %zu: '%.40s' is no class of the target",
                       e->table->label, row + 1, nb_table_text(e->table, row, column, text));
    ((int32_t *)to->data)[i] = (int32_t)code;
    return NB_OK;
}

static nb_status make_targets(const encoding *e, size_t n, nb_tensor *to)
{
    const nb_recipe *r = e->recipe;
    if (e->place[r->target] == NB_NO_PLACE)
        return nb_fail(NB_EINVAL, "nb_recipe_encode: %s has no column '%.80s', the target",
                       e->table->label, r->column[r->target].name);
    nb_status status = r->learns_classes ? nb_tensor_create(to, NB_INT32, NB_SHAPE(n))
                                         : nb_tensor_create(to, NB_FLOAT32, NB_SHAPE(n, 1));
    for (size_t i = 0; !status && i < n; i++) status = put_target(e, i, to);
    if (status) nb_tensor_destroy(to);
    return status;
}

nb_status nb_recipe_targets(const nb_recipe *r, const nb_table *t, size_t n, const size_t *row,
                            nb_tensor *targets)
{
    encoding e = {.recipe = r, .table = t, .row = row};
    if (targets) *targets = (nb_tensor){0};
    if (!r || !t || !targets) return nb_fail(NB_EINVAL, "nb_recipe_targets: an argument is NULL");
    nb_status status = encoding_begin(&e, n);
    if (!status) status = make_targets(&e, n, targets);
    encoding_free(&e);
    return status;
}

nb_status nb_recipe_encode(const nb_recipe *r, const nb_table *t, size_t n, const size_t *row,
                           nb_dataset *d)
{
    encoding e = {.recipe = r, .table = t, .row = row};
    if (d) *d = (nb_dataset){0};
    if (!r || !t || !d) return nb_fail(NB_EINVAL, "nb_recipe_encode: an argument is NULL");
    nb_status status = encoding_begin(&e, n);
    if (!status) status = make_targets(&e, n, &d->t);
    if (!status) status = make_inputs(&e, n, &d->x);
    d->classes = r->classes.count;
    encoding_free(&e);
    if (status) nb_dataset_destroy(d);
    return status;
}
