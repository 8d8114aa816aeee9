/* encode.h - what the parts of recipe.h share; for lib/table alone. */
#ifndef NABLAS_ENCODE_H
#define NABLAS_ENCODE_H

#include "nablas/recipe.h"

#include <stdint.h>

#define NB_NO_PLACE SIZE_MAX

/* nb_recipe_map - for each column of the recipe the table's, or NB_NO_PLACE; a block for nb_free.
 *                 Inputs have to be there, and of their types. */
nb_status nb_recipe_map(const nb_recipe *r, const nb_table *t, const char *who, size_t **place);

/* nb_recipe_codes - for each level of the table's column its place in `names`, or NB_NO_PLACE; a
 *                   block for nb_free. */
nb_status nb_recipe_codes(const nb_names *names, const nb_column *column, size_t **codes);

#endif
