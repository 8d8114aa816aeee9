/* A recipe as JSON. */
#include "nablas/memory.h"
#include "nablas/recipe.h"
#include "table/words.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { format = 1 };

/* The words of the file; NB_USE_... and NB_MISSING_... in order. */
static const char *const uses[NB_COLUMN_USES] = {"input", "target",   "ignored", "text",
                                                 "empty", "constant", "counter", "levels"};
static const char *const missings[] = {"mean", "drop", "error"};

static size_t place_of(const char *word, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && (!word || strcmp(word, words[i]) != 0)) i++;
    return i;
}

/* --- out -------------------------------------------------------------------------------------- */

static json_t *names_json(const nb_names *names)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < names->count; i++)
        if (json_array_append_new(array, json_string(names->text[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static json_t *numbers_json(const double *value, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++)
        if (json_array_append_new(array, json_real(value[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static json_t *column_json(const nb_recipe_column *c)
{
    const char *type = nb_column_type_name(c->type);
    if (c->use != NB_USE_INPUT)
        return json_pack("{s:s, s:s, s:s}", "name", c->name, "use", uses[c->use], "type", type);
    if (c->type == NB_COLUMN_NUMBER)
        return json_pack("{s:s, s:s, s:s, s:f, s:f}", "name", c->name, "use", uses[c->use], "type",
                         type, "mean", c->mean, "deviation", c->deviation);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", c->name, "use", uses[c->use], "type",
                     type, "levels", names_json(&c->levels), "share",
                     numbers_json(c->share, c->width));
}

static json_t *recipe_json(const nb_recipe *r)
{
    json_t *columns = json_array();
    for (size_t i = 0; columns && i < r->columns; i++)
        if (json_array_append_new(columns, column_json(&r->column[i]))) {
            json_decref(columns);
            columns = NULL;
        }
    return json_pack(
        "{s:i, s:s, s:b, s:b, s:b, s:o, s:o, s:f, s:f, s:o}", "format", format, "missing",
        missings[r->missing], "raw", (int)r->raw, "header", (int)r->header, "learns_classes",
        (int)r->learns_classes, "classes", names_json(&r->classes), "class_values",
        numbers_json(r->class_value, r->class_value ? r->classes.count : 0), "target_mean",
        r->target_mean, "target_deviation", r->target_deviation, "columns", columns);
}

nb_status nb_recipe_write(const nb_recipe *r, char **text)
{
    if (text) *text = NULL;
    if (!r || !text || !r->column)
        return nb_fail(NB_EINVAL, "nb_recipe_write: %s", !text ? "text is NULL" : "no recipe");
    json_t *root = recipe_json(r);
    const size_t size = root ? json_dumpb(root, NULL, 0, JSON_COMPACT) : 0;
    char *buffer = size ? nb_alloc(size + 1, 1) : NULL;
    if (buffer && json_dumpb(root, buffer, size, JSON_COMPACT) == size) {
        buffer[size] = 0;
        *text = buffer;
    } else {
        nb_free(buffer);
    }
    json_decref(root);
    return *text ? NB_OK : nb_fail(NB_ENOMEM, "nb_recipe_write: no memory for the text");
}

/* --- in --------------------------------------------------------------------------------------- */

static nb_status bad(const char *label, const char *what)
{
    return nb_fail(NB_EFORMAT, "%s: the recipe (%s) has no valid %s", label, NB_RECIPE_KEY, what);
}

static bool read_number(const json_t *object, const char *key, double *to)
{
    const json_t *value = json_object_get(object, key);
    *to = json_number_value(value);
    return json_is_number(value) && isfinite(*to);
}

/* Texts, no two alike. */
static nb_status read_names(const json_t *array, const char *label, const char *what,
                            nb_names *names)
{
    nb_words words = {0};
    nb_status status = json_is_array(array) ? NB_OK : bad(label, what);
    size_t number;
    for (size_t i = 0; !status && i < json_array_size(array); i++) {
        const json_t *text = json_array_get(array, i);
        if (!json_is_string(text)) {
            status = bad(label, what);
            break;
        }
        status =
            nb_words_add(&words, json_string_value(text), strlen(json_string_value(text)), &number);
        if (!status && number < i) status = bad(label, what);
    }
    if (!status) status = nb_words_names(&words, NULL, names);
    nb_words_destroy(&words);
    return status;
}

static nb_status read_numbers(const json_t *array, size_t count, const char *label,
                              const char *what, double **to)
{
    if (json_array_size(array) != count) return bad(label, what);
    *to = nb_alloc(count, sizeof **to);
    if (!*to) return NB_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        (*to)[i] = json_number_value(value);
        if (!json_is_number(value) || !isfinite((*to)[i])) return bad(label, what);
    }
    return NB_OK;
}

static nb_status read_column(nb_recipe *r, size_t i, const json_t *object, const char *label)
{
    nb_recipe_column *c = &r->column[i];
    const char *use = json_string_value(json_object_get(object, "use"));
    const char *type = json_string_value(json_object_get(object, "type"));
    c->name = r->names.text[i];
    c->use = (nb_column_use)place_of(use, uses, NB_COLUMN_USES);
    while (c->type < NB_COLUMN_TYPES && (!type || strcmp(type, nb_column_type_name(c->type)) != 0))
        c->type++;
    const bool used = c->use == NB_USE_INPUT || c->use == NB_USE_TARGET;
    const bool known = c->use < NB_COLUMN_USES && c->type < NB_COLUMN_TYPES;
    if (!known || (used && c->type != NB_COLUMN_NUMBER && c->type != NB_COLUMN_CATEGORY))
        return bad(label, "use or type of a column");
    if (c->use == NB_USE_TARGET) r->target = i;
    if (c->use != NB_USE_INPUT) return NB_OK;
    c->at = r->width;
    c->width = 1;
    nb_status status = NB_OK;
    if (c->type == NB_COLUMN_NUMBER) {
        const bool fine = read_number(object, "mean", &c->mean) &&
                          read_number(object, "deviation", &c->deviation) && c->deviation > 0;
        if (!fine) status = bad(label, "mean and deviation of a column");
    } else {
        status =
            read_names(json_object_get(object, "levels"), label, "levels of a column", &c->levels);
        c->width = c->levels.count;
        if (!status && c->width == 0) status = bad(label, "levels of a column");
        if (!status)
            status = read_numbers(json_object_get(object, "share"), c->width, label,
                                  "shares of a column's levels", &c->share);
    }
    r->width += c->width;
    return status;
}

static nb_status read_columns(nb_recipe *r, const json_t *root, const char *label)
{
    const json_t *columns = json_object_get(root, "columns");
    const size_t count = json_array_size(columns);
    size_t targets = 0;
    if (count == 0 || count > NB_TABLE_MAX_COLUMNS) return bad(label, "list of columns");
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) /* json_array_append refuses NULL: no such name */
        json_array_append(list, json_object_get(json_array_get(columns, i), "name"));
    nb_status status = list ? read_names(list, label, "names of columns", &r->names) : NB_ENOMEM;
    json_decref(list);
    if (!status && r->names.count != count) status = bad(label, "names of columns");
    if (status) return status;
    r->column = nb_alloc_zero(count, sizeof *r->column);
    if (!r->column) return NB_ENOMEM;
    r->columns = count;
    for (size_t i = 0; !status && i < count; i++) {
        status = read_column(r, i, json_array_get(columns, i), label);
        targets += r->column[i].use == NB_USE_TARGET;
    }
    if (!status && (targets != 1 || r->width == 0)) status = bad(label, "inputs and target");
    return status;
}

static nb_status read_target(nb_recipe *r, const json_t *root, const char *label)
{
    const json_t *values = json_object_get(root, "class_values");
    const bool category = r->column[r->target].type == NB_COLUMN_CATEGORY;
    nb_status status = read_names(json_object_get(root, "classes"), label, "classes", &r->classes);
    if (status) return status;
    if (r->learns_classes != (r->classes.count > 0) || (category && !r->learns_classes) ||
        r->classes.count > NB_TABLE_MAX_LEVELS)
        return bad(label, "classes");
    if (r->learns_classes && !category)
        status = read_numbers(values, r->classes.count, label, "class_values", &r->class_value);
    for (size_t i = 1; !status && r->class_value && i < r->classes.count; i++)
        if (!(r->class_value[i - 1] < r->class_value[i])) status = bad(label, "class_values");
    return status;
}

static nb_status read_rest(nb_recipe *r, const json_t *root, const char *label)
{
    const char *missing = json_string_value(json_object_get(root, "missing"));
    const json_int_t found = json_integer_value(json_object_get(root, "format"));
    if (found != format)
        return nb_fail(NB_EFORMAT, "%s: the recipe (%s) is of format %lld, expected %d", label,
                       NB_RECIPE_KEY, (long long)found, format);
    r->missing = (nb_missing)place_of(missing, missings, 3);
    if (r->missing > NB_MISSING_ERROR) return bad(label, "missing");
    r->raw = json_is_true(json_object_get(root, "raw"));
    r->header = json_is_true(json_object_get(root, "header"));
    r->learns_classes = json_is_true(json_object_get(root, "learns_classes"));
    if (!read_number(root, "target_mean", &r->target_mean) ||
        !read_number(root, "target_deviation", &r->target_deviation) || !(r->target_deviation > 0))
        return bad(label, "target_mean and target_deviation");
    return NB_OK;
}

nb_status nb_recipe_read(nb_recipe *r, const char *text, const char *label)
{
    json_error_t error;
    if (r) *r = (nb_recipe){0};
    if (!r || !label)
        return nb_fail(NB_EINVAL, "nb_recipe_read: %s is NULL", r ? "label" : "recipe");
    if (!text) return nb_fail(NB_EINVAL, "%s: a model without a recipe (%s)", label, NB_RECIPE_KEY);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return nb_fail(NB_EFORMAT, "%s: the recipe (%s) is not JSON: %s", label, NB_RECIPE_KEY,
                       error.text);
    nb_status status = read_rest(r, root, label);
    if (!status) status = read_columns(r, root, label);
    if (!status) status = read_target(r, root, label);
    json_decref(root);
    if (status) nb_recipe_destroy(r);
    return status;
}
