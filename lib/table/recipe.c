/* What each column is for, and its mean and deviation. recipe_rows.c applies it. */
#include "nablas/recipe.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "table/encode.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { FEW_CLASSES = 20, ROWS_PER_CLASS = 3, FEW_LEVELS = 20, MOST_LEVELS = 1000 };

const char *nb_column_use_text(nb_column_use use)
{
    static const char *const texts[] = {
#define X(code, text) text,
        NB_COLUMN_USE_LIST(X)
#undef X
    };
    return (unsigned)use < NB_COLUMN_USES ? texts[use] : "";
}

/* --- target ----------------------------------------------------------------------------------- */

/* The different numbers of a column, sorted, up to `most`; *count = most + 1 if there are more. */
static void find_values(const nb_table *t, size_t column, size_t most, double *value, size_t *count)
{
    *count = 0;
    for (size_t row = 0; row < t->rows && *count <= most; row++) {
        const double v = nb_table_number(t, row, column);
        if (isnan(v)) continue;
        size_t lo = 0;
        for (size_t hi = *count; lo < hi;) {
            const size_t middle = lo + (hi - lo) / 2;
            if (value[middle] < v)
                lo = middle + 1;
            else
                hi = middle;
        }
        if (lo < *count && value[lo] == v) continue;
        if (*count < most) {
            memmove(value + lo + 1, value + lo, (*count - lo) * sizeof *value);
            value[lo] = v;
        }
        ++*count;
    }
}

/* Whether numbers are rather names of classes: few whole ones, each several times. */
static bool look_like_classes(const nb_table *t, size_t column)
{
    double value[FEW_CLASSES];
    size_t count;
    find_values(t, column, FEW_CLASSES, value, &count);
    for (size_t i = 0; i < count && i < FEW_CLASSES; i++)
        if (value[i] != floor(value[i])) return false;
    return count > 1 && count <= FEW_CLASSES &&
           count <= (t->rows - t->column[column].missing) / ROWS_PER_CLASS;
}

static nb_status make_classes_of_numbers(nb_recipe *r, const nb_table *t)
{
    const size_t most = t->rows < NB_TABLE_MAX_LEVELS ? t->rows : NB_TABLE_MAX_LEVELS;
    double *value = nb_alloc(most, sizeof *value);
    char(*text)[32] = nb_alloc(most, sizeof *text);
    const char **names = nb_alloc(most, sizeof *names);
    size_t count = 0;
    nb_status status = value && text && names ? NB_OK : NB_ENOMEM;
    if (!status) find_values(t, r->target, most, value, &count);
    if (count > most)
        status =
            nb_fail(NB_EINVAL, "nb_recipe_create: %s: the target '%.80s' has more than %d classes",
                    t->label, t->column[r->target].name, NB_TABLE_MAX_LEVELS);
    for (size_t i = 0; !status && i < count; i++) names[i] = nb_number_text(value[i], text[i]);
    if (!status) status = nb_names_create(&r->classes, count, names);
    if (!status && count) {
        r->class_value = nb_alloc(count, sizeof *value);
        if (r->class_value)
            memcpy(r->class_value, value, count * sizeof *value);
        else
            status = NB_ENOMEM;
    }
    nb_free(value);
    nb_free(text);
    nb_free(names);
    return status;
}

static nb_status find_target(nb_recipe *r, const nb_table *t, const nb_recipe_options *o)
{
    if (o->target) {
        nb_status status = nb_table_find(t, o->target, &r->target);
        if (status) return status;
    } else {
        for (r->target = t->columns - 1; r->target > 0; r->target--)
            if (t->column[r->target].type <= NB_COLUMN_CATEGORY) break;
    }
    const nb_column *c = &t->column[r->target];
    if (c->type != NB_COLUMN_NUMBER && c->type != NB_COLUMN_CATEGORY)
        return nb_fail(NB_EINVAL, "nb_recipe_create: %s: the target '%.80s' is %s", t->label,
                       c->name, c->type == NB_COLUMN_TEXT ? "a text" : "ignored");
    if (c->too_many)
        return nb_fail(NB_EINVAL,
                       "nb_recipe_create: %s: the target '%.80s' has more than %d classes",
                       t->label, c->name, NB_TABLE_MAX_LEVELS);
    if (c->type == NB_COLUMN_CATEGORY && o->learning == NB_LEARN_NUMBERS)
        return nb_fail(NB_EINVAL,
                       "nb_recipe_create: %s: the target '%.80s' is a category, expected numbers",
                       t->label, c->name);
    return NB_OK;
}

static nb_status decide_target(nb_recipe *r, const nb_table *t, const nb_recipe_options *o)
{
    nb_status status = find_target(r, t, o);
    if (status) return status;
    const nb_column *c = &t->column[r->target];
    r->column[r->target].use = NB_USE_TARGET;
    r->learns_classes = c->type == NB_COLUMN_CATEGORY || o->learning == NB_LEARN_CLASSES ||
                        (o->learning == NB_LEARN_AUTO && look_like_classes(t, r->target));
    if (!r->learns_classes) return NB_OK;
    if (c->type == NB_COLUMN_NUMBER) return make_classes_of_numbers(r, t);
    return nb_names_create(&r->classes, c->levels.count, c->levels.text);
}

/* --- inputs ----------------------------------------------------------------------------------- */

static bool ends_in_id(const char *name)
{
    const size_t length = strlen(name);
    return length >= 2 && tolower((unsigned char)name[length - 2]) == 'i' &&
           tolower((unsigned char)name[length - 1]) == 'd';
}

/* As pandas, R and databases call the numbers of rows. */
static bool is_called_index(const nb_table *t, size_t column)
{
    static const char *const names[] = {"index", "row", "rownames", "Unnamed: 0"};
    const char *name = t->column[column].name;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return ends_in_id(name) || (t->header && column == 0 && strcmp(name, "column 1") == 0);
}

static bool counts_rows(const nb_table *t, size_t column)
{
    const double first = nb_table_number(t, 0, column);
    if (first != 0 && first != 1) return false;
    for (size_t row = 1; row < t->rows; row++)
        if (nb_table_number(t, row, column) != first + (double)row) return false;
    return t->rows > 1;
}

static bool is_constant(const nb_table *t, size_t column)
{
    double first = (double)NAN;
    for (size_t row = 0; row < t->rows; row++) {
        const double value = nb_table_number(t, row, column);
        if (isnan(first)) first = value;
        if (!isnan(value) && value != first) return false;
    }
    return true;
}

static nb_column_use use_of(const nb_table *t, size_t column, const nb_recipe_options *o)
{
    const nb_column *c = &t->column[column];
    const size_t filled = t->rows - c->missing, levels = c->levels.count;
    if (c->type == NB_COLUMN_IGNORED) return NB_USE_IGNORED;
    if (c->type == NB_COLUMN_TEXT) return NB_USE_TEXT;
    if (filled == 0) return NB_USE_EMPTY;
    if (c->type == NB_COLUMN_CATEGORY) {
        if (c->too_many) return NB_USE_LEVELS;
        if (levels == 1) return o->keep_constant ? NB_USE_INPUT : NB_USE_CONSTANT;
        const bool many = levels > MOST_LEVELS || (levels > FEW_LEVELS && 2 * levels > filled);
        return many && !c->told ? NB_USE_LEVELS : NB_USE_INPUT;
    }
    if (!o->keep_constant && is_constant(t, column)) return NB_USE_CONSTANT;
    const bool counter = !c->told && is_called_index(t, column) && counts_rows(t, column);
    return counter ? NB_USE_COUNTER : NB_USE_INPUT;
}

/* What was left out, for a message: "a: the same in every row; b: ...". */
static char *reasons(const nb_recipe *r, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < r->columns && used < size; i++)
        if (i != r->target)
            used += (size_t)nb_snprintf(text + used, size - used, "%s%.40s: %s", used ? "; " : "",
                                        r->column[i].name, nb_column_use_text(r->column[i].use));
    return text;
}

static nb_status decide_inputs(nb_recipe *r, const nb_table *t, const nb_recipe_options *o)
{
    char text[240];
    for (size_t i = 0; i < r->columns; i++) {
        nb_recipe_column *c = &r->column[i];
        if (i == r->target) continue;
        c->use = use_of(t, i, o);
        if (c->use != NB_USE_INPUT) continue;
        c->at = r->width;
        c->width = 1;
        if (c->type == NB_COLUMN_CATEGORY) {
            nb_status status =
                nb_names_create(&c->levels, t->column[i].levels.count, t->column[i].levels.text);
            if (status) return status;
            c->width = c->levels.count;
            c->share = nb_alloc_zero(c->width, sizeof *c->share);
            if (!c->share) return NB_ENOMEM;
        }
        r->width += c->width;
    }
    if (r->width) return NB_OK;
    return nb_fail(NB_EINVAL, "nb_recipe_create: %s: no column is left as input: %s", t->label,
                   reasons(r, text, sizeof text));
}

/* --- fitting ---------------------------------------------------------------------------------- */

/* Mean and deviation of the numbers in these rows, those missing left out; false if there are none.
 * Differences to the first value, and squares of shares of the largest, neither cancel nor
 * overflow. */
static bool measure(const nb_table *t, size_t column, size_t n, const size_t *row, double *mean,
                    double *deviation)
{
    double first = (double)NAN, sum = 0, most = 0, squares = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = nb_table_number(t, row ? row[i] : i, column);
        if (isnan(v)) continue;
        if (count++ == 0) first = v;
        sum += v - first;
    }
    if (count == 0) return false;
    const double middle = first + sum / (double)count;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs(nb_table_number(t, row ? row[i] : i, column) - middle);
        if (d > most) most = d;
    }
    for (size_t i = 0; most > 0 && i < n; i++) {
        const double d = (nb_table_number(t, row ? row[i] : i, column) - middle) / most;
        if (!isnan(d)) squares += d * d;
    }
    *mean = middle;
    *deviation = most > 0 ? most * sqrt(squares / (double)count) : 1;
    return true;
}

static void count_levels(const nb_table *t, size_t column, size_t n, const size_t *row,
                         const size_t *codes, nb_recipe_column *c)
{
    size_t count = 0;
    for (size_t k = 0; k < c->width; k++) c->share[k] = 0;
    for (size_t i = 0; i < n; i++) {
        const ptrdiff_t code = nb_table_code(t, row ? row[i] : i, column);
        if (code < 0 || codes[code] == NB_NO_PLACE) continue;
        c->share[codes[code]]++;
        count++;
    }
    for (size_t k = 0; count && k < c->width; k++) c->share[k] /= (double)count;
}

static nb_status fit_column(nb_recipe *r, const nb_table *t, size_t n, const size_t *row, size_t i,
                            size_t place)
{
    nb_recipe_column *c = &r->column[i];
    const bool target = c->use == NB_USE_TARGET;
    if (c->type == NB_COLUMN_CATEGORY) {
        size_t *codes;
        nb_status status = nb_recipe_codes(&c->levels, &t->column[place], &codes);
        if (!status) count_levels(t, place, n, row, codes, c);
        nb_free(codes);
        return status;
    }
    double mean = c->mean, deviation = c->deviation;
    measure(t, place, n, row, &mean, &deviation);
    if (!isfinite(mean) || !isfinite(deviation))
        return nb_fail(NB_ERANGE,
                       "nb_recipe_fit: %s: the numbers of column '%.80s' are too far apart",
                       t->label, c->name);
    c->mean = mean;
    c->deviation = deviation;
    if (target && !r->raw) {
        r->target_mean = mean;
        r->target_deviation = deviation;
    }
    return NB_OK;
}

nb_status nb_recipe_fit(nb_recipe *r, const nb_table *t, size_t n, const size_t *row)
{
    if (!r || !t) return nb_fail(NB_EINVAL, "nb_recipe_fit: %s is NULL", r ? "table" : "recipe");
    if (n == 0 || (!row && n > t->rows))
        return nb_fail(NB_EINVAL, "nb_recipe_fit: n=%zu, expected 1 to %zu rows", n, t->rows);
    for (size_t i = 0; row && i < n; i++)
        if (row[i] >= t->rows)
            return nb_fail(NB_ERANGE, "nb_recipe_fit: row[%zu]=%zu, expected below %zu", i, row[i],
                           t->rows);
    size_t *place;
    nb_status status = nb_recipe_map(r, t, "nb_recipe_fit", &place);
    for (size_t i = 0; !status && i < r->columns; i++) {
        const bool numbers = i == r->target && !r->learns_classes;
        if (place[i] != NB_NO_PLACE && (r->column[i].use == NB_USE_INPUT || numbers))
            status = fit_column(r, t, n, row, i, place[i]);
    }
    nb_free(place);
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

static nb_status check_options(const nb_table *t, const nb_recipe_options *o)
{
    if (t->columns == 0 || t->rows == 0)
        return nb_fail(NB_EINVAL, "nb_recipe_create: a table of %zu rows and %zu columns", t->rows,
                       t->columns);
    if ((unsigned)o->learning > NB_LEARN_NUMBERS || (unsigned)o->missing > NB_MISSING_ERROR)
        return nb_fail(NB_EINVAL, "nb_recipe_create: learning=%d, missing=%d", (int)o->learning,
                       (int)o->missing);
    return NB_OK;
}

static nb_status begin(nb_recipe *r, const nb_table *t, const nb_recipe_options *o)
{
    *r = (nb_recipe){
        .missing = o->missing, .raw = o->raw, .header = t->header, .target_deviation = 1};
    r->column = nb_alloc_zero(t->columns, sizeof *r->column);
    if (!r->column) return NB_ENOMEM;
    r->columns = t->columns;
    nb_status status = nb_names_create(&r->names, t->columns, t->names.text);
    for (size_t i = 0; !status && i < r->columns; i++)
        r->column[i] =
            (nb_recipe_column){.name = r->names.text[i], .type = t->column[i].type, .deviation = 1};
    return status;
}

/* Among the rows that are learnt from there are two classes, or two values; and, unless classes were
 * asked for, not a class for almost every row, as names have. */
static nb_status check_variety(const nb_recipe *r, const nb_table *t, size_t n, const size_t *row,
                               nb_learning learning)
{
    const char *name = r->column[r->target].name;
    char text[32];
    if (n == 0)
        return nb_fail(NB_EINVAL, "nb_recipe_create: %s: no row has the target '%.80s'%s", t->label,
                       name, r->missing == NB_MISSING_DROP ? " and all inputs" : "");
    if (r->classes.count > FEW_CLASSES && 2 * r->classes.count > n && learning == NB_LEARN_AUTO)
        return nb_fail(
            NB_EINVAL,
            "nb_recipe_create: %s: the target '%.80s' has %zu classes in %zu rows, expected "
            "several rows of each",
            t->label, name, r->classes.count, n);
    for (size_t i = 1; i < n; i++) {
        if (nb_table_code(t, row[i], r->target) != nb_table_code(t, row[0], r->target))
            return NB_OK;
        const double a = nb_table_number(t, row[i], r->target);
        if (!isnan(a) && a != nb_table_number(t, row[0], r->target)) return NB_OK;
    }
    return nb_fail(
        NB_EINVAL,
        "nb_recipe_create: %s: the target '%.80s' is '%.40s' in all %zu rows, expected at "
        "least two %s",
        t->label, name, nb_table_text(t, row[0], r->target, text), n,
        r->learns_classes ? "classes" : "values");
}

nb_status nb_recipe_create(nb_recipe *r, const nb_table *t, const nb_recipe_options *options)
{
    const nb_recipe_options o = options ? *options : (nb_recipe_options){0};
    size_t n, *row = NULL;
    if (!r) return nb_fail(NB_EINVAL, "nb_recipe_create: recipe is NULL");
    *r = (nb_recipe){0};
    if (!t) return nb_fail(NB_EINVAL, "nb_recipe_create: table is NULL");
    nb_status status = check_options(t, &o);
    if (status) return status;
    status = begin(r, t, &o);
    if (!status) status = decide_target(r, t, &o);
    if (!status) status = decide_inputs(r, t, &o);
    if (!status && !(row = nb_alloc(t->rows, sizeof *row))) status = NB_ENOMEM;
    if (!status) status = nb_recipe_rows(r, t, true, row, &n);
    if (!status) status = check_variety(r, t, n, row, o.learning);
    if (!status) status = nb_recipe_fit(r, t, n, row);
    nb_free(row);
    if (status) nb_recipe_destroy(r);
    return status;
}

void nb_recipe_destroy(nb_recipe *r)
{
    if (!r) return;
    for (size_t i = 0; r->column && i < r->columns; i++) {
        nb_names_destroy(&r->column[i].levels);
        nb_free(r->column[i].share);
    }
    nb_free(r->column);
    nb_names_destroy(&r->names);
    nb_names_destroy(&r->classes);
    nb_free(r->class_value);
    *r = (nb_recipe){0};
}

double nb_recipe_value(const nb_recipe *r, double y)
{
    return r ? y * r->target_deviation + r->target_mean : (double)NAN;
}
