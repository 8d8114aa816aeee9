/* recipe.h - how the columns of a table become the inputs and targets of a model, and back.
 *
 *     nb_table_read(&table, "iris.csv", NULL);
 *     nb_recipe_create(&recipe, &table, &(nb_recipe_options){.target = "species"});
 *     nb_recipe_rows(&recipe, &table, true, rows, &n);
 *     nb_recipe_encode(&recipe, &table, n, rows, &iris);         a dataset for nb_train
 *     nb_recipe_write(&recipe, &text);
 *     nb_model_set_text(model, NB_RECIPE_KEY, text);             kept in the model's file
 *
 * and where the model is used:
 *
 *     nb_recipe_read(&recipe, nb_model_text(model, NB_RECIPE_KEY), "iris.safetensors");
 *     nb_table_read(&table, "new.csv", &(nb_table_options){.recipe = &recipe});
 *     nb_recipe_inputs(&recipe, &table, n, NULL, &x);
 *     nb_model_predict(model, &x, &y);
 *
 * Columns are found by their names, in any order; other columns may be there. Encoding:
 *
 *   number    one column of x: (value - mean) / deviation, or, raw, the value; missing: the mean
 *   category  one column of x for each level: 1 where the cell is of that level, else 0; missing: the
 *             level's share
 *   target    a class 0 ... classes-1, or a number (value - target_mean) / target_deviation
 *
 * Mean, deviation (of the population) and shares are those of the rows that the recipe was fitted
 * on. They are computed and applied in double, before x is rounded to single precision: a column of
 * dates around 1.6e9 keeps its differences, which would be lost before a layer that standardises
 * (model.h). */
#ifndef NABLAS_RECIPE_H
#define NABLAS_RECIPE_H

#include "nablas/dataset.h"
#include "nablas/names.h"
#include "nablas/status.h"
#include "nablas/table.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* The text of a recipe is kept in a model's file under this key. */
#define NB_RECIPE_KEY "nablas.recipe"

/* What the target is. Told from the table: classes, if it is a category, or if it has whole numbers
 * of at most 20 different values, each at least three times on average; else numbers. */
typedef enum { NB_LEARN_AUTO, NB_LEARN_CLASSES, NB_LEARN_NUMBERS } nb_learning;

/* What happens to a row with a missing input. A row without a target is never learnt from. */
typedef enum {
    NB_MISSING_MEAN, /* the column's mean, or the levels' shares */
    NB_MISSING_DROP, /* nb_recipe_rows leaves the row out */
    NB_MISSING_ERROR /* nb_recipe_create and nb_recipe_rows fail, and name the first; so they do for a
                        target that is missing */
} nb_missing;

/* Whether a column is used, and if not, why. Unless its type was told (nb_table_options.tell), a
 * column is left out
 *   if it counts the rows from 0 or 1 and has no name, or a name that is index, row or rownames or
 *   ends in id;
 *   if it is a category of more than 1000 levels, or of more than 20 levels and more than half as many
 *   as it has filled cells, as names and identifiers have. */
#define NB_COLUMN_USE_LIST(X)                   \
    X(NB_USE_INPUT, "input")                    \
    X(NB_USE_TARGET, "target")                  \
    X(NB_USE_IGNORED, "ignored, as told")       \
    X(NB_USE_TEXT, "an identifier, as told")    \
    X(NB_USE_EMPTY, "empty")                    \
    X(NB_USE_CONSTANT, "the same in every row") \
    X(NB_USE_COUNTER, "counts the rows")        \
    X(NB_USE_LEVELS, "too many different texts")

typedef enum {
#define X(code, text) code,
    NB_COLUMN_USE_LIST(X)
#undef X
        NB_COLUMN_USES
} nb_column_use;

const char *nb_column_use_text(nb_column_use use); /* of the list; "" for any other number */

typedef struct nb_recipe_column {
    const char *name;
    nb_column_type type;
    nb_column_use use;
    size_t at, width;       /* its columns of x: at ... at+width-1 */
    double mean, deviation; /* number */
    nb_names levels;        /* category */
    double *share;          /* (levels.count) category: of the filled cells */
} nb_recipe_column;

/* Read-only. */
typedef struct nb_recipe {
    size_t columns; /* of the table, in its order */
    nb_recipe_column *column;
    nb_names names; /* theirs */
    size_t target;  /* which column */
    size_t width;   /* columns of x */
    bool learns_classes;
    nb_names classes; /* names, sorted as levels are; count 0: numbers */
    double
        *class_value; /* (classes.count) of a target that is written in numbers; NULL: a category */
    double target_mean, target_deviation; /* numbers; 0 and 1 if raw */
    nb_missing missing;
    bool raw, header; /* as told; whether the table had one */
} nb_recipe;

typedef struct nb_recipe_options {
    const char *target; /* name, or number from 1; NULL: the last column */
    nb_learning learning;
    nb_missing missing;
    bool raw;           /* numbers as they are, not standardised: the target too */
    bool keep_constant; /* constant columns are inputs (of value 0, or raw) */
} nb_recipe_options;

/* nb_recipe_create - decide what each column is for, and fit to all rows that have a target.
 * Levels and classes are those of the whole table.
 * nb_recipe_fit - fit to other rows: mean, deviation and shares; to training rows alone, so that what
 * is held out does not leak into them.
 * nb_recipe_destroy - free it and zero the struct; fine on a zeroed one and on NULL.
 *
 *   options  in  NULL: defaults
 *   row      in  (n) rows of the table; NULL: all
 * Errors: NB_EINVAL a NULL, an option that is none, no such target, a target that is text, too many
 *         classes or a category where numbers are to be learnt, a target of one class or with one
 *         value only, or, unless told, with a class for every other row, no input left (the
 *         message says why each column was left out); NB_ERANGE a row beyond the table, a missing
 *         cell where none may be; NB_ENOMEM. On error of create *recipe is zeroed; of fit it has
 *         to be fitted again.
 * Cost: three passes over the cells. */
nb_status nb_recipe_create(nb_recipe *recipe, const nb_table *table,
                           const nb_recipe_options *options);
nb_status nb_recipe_fit(nb_recipe *recipe, const nb_table *table, size_t n, const size_t *row);
void nb_recipe_destroy(nb_recipe *recipe);

/* nb_recipe_has_target - whether the table has the recipe's target as a column.
 * nb_recipe_rows - the rows of the table that can be encoded, in order: with the target, if it is
 * wanted, and with all inputs, if missing ones are dropped.
 *
 *   row  out  (table->rows)
 *   n    out  how many of them are set
 * Errors: NB_EINVAL; NB_ERANGE a missing cell where none may be, with its line. */
bool nb_recipe_has_target(const nb_recipe *recipe, const nb_table *table);
nb_status nb_recipe_rows(const nb_recipe *recipe, const nb_table *table, bool with_target,
                         size_t *row, size_t *n);

/* nb_recipe_encode - rows of the table as a dataset: x float32 (n, width), t int32 (n) with classes,
 * or float32 (n, 1). To be freed by nb_dataset_destroy.
 * nb_recipe_inputs - x alone; a row with a missing input is filled, whatever recipe->missing says.
 * To be freed by nb_tensor_destroy.
 * nb_recipe_targets - t alone, to split by before anything is fitted. To be freed by nb_tensor_destroy.
 *
 *   row  in  (n) rows of the table; NULL: its first n
 * Errors: NB_EINVAL a NULL, n = 0, a column that is not there or is of another type; NB_ERANGE a row
 *         beyond the table, one without a target, a level or class that the recipe does not know;
 *         NB_EOVERFLOW; NB_ENOMEM. *d and *x are zeroed then. Cost: one pass. */
nb_status nb_recipe_encode(const nb_recipe *recipe, const nb_table *table, size_t n,
                           const size_t *row, nb_dataset *d);
nb_status nb_recipe_inputs(const nb_recipe *recipe, const nb_table *table, size_t n,
                           const size_t *row, nb_tensor *x);
nb_status nb_recipe_targets(const nb_recipe *recipe, const nb_table *table, size_t n,
                            const size_t *row, nb_tensor *targets);

/* nb_recipe_value - a model's output y as a number of the target's own unit:
 * y target_deviation + target_mean. */
double nb_recipe_value(const nb_recipe *recipe, double y);

/* nb_recipe_write - the recipe as a text, JSON in UTF-8; a block for nb_free. A recipe of 65,536
 * columns may be longer than the texts of a file may be (NB_TEXTS_MAX_BYTES), which
 * nb_model_set_text says.
 * nb_recipe_read - the recipe in a text; `label` names the file in messages.
 * Errors: NB_EINVAL a NULL (a model without a recipe); NB_EFORMAT the text is no recipe, with what is
 *         wrong; NB_ENOMEM. *text is NULL, *recipe zeroed then. */
nb_status nb_recipe_write(const nb_recipe *recipe, char **text);
nb_status nb_recipe_read(nb_recipe *recipe, const char *text, const char *label);

NB_END_DECLS
#endif
