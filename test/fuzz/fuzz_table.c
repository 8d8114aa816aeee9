/* fuzz_table.c - nb_table_parse on any bytes: an answer, no leak, and cells that can be read; a
 * recipe of every table that has one, which survives its text and encodes the table to finite
 * numbers. */
#include "fuzz.h"
#include "nablas/memory.h"
#include "nablas/recipe.h"

#include <math.h>
#include <string.h>

static void check_recipe(const nb_recipe *r, const nb_table *t)
{
    nb_recipe back;
    nb_tensor x;
    char *text, *again;
    fuzz_check(!nb_recipe_write(r, &text));
    fuzz_check(!nb_recipe_read(&back, text, "fuzz"));
    fuzz_check(!nb_recipe_write(&back, &again));
    fuzz_check(strcmp(text, again) == 0);
    if (nb_recipe_inputs(&back, t, t->rows, NULL, &x) == NB_OK) {
        for (size_t i = 0; i < nb_tensor_count(&x); i++) fuzz_check(isfinite(((float *)x.data)[i]));
        nb_tensor_destroy(&x);
    }
    nb_free(text);
    nb_free(again);
    nb_recipe_destroy(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const nb_column_told tell = {"1", NB_COLUMN_TEXT};
    const nb_table_options options[] = {{0},
                                        {.header = NB_HEADER_YES, .separator = ';', .decimal = ','},
                                        {.header = NB_HEADER_NO, .told = 1, .tell = &tell},
                                        {.separator = ' '}};
    nb_table t, again;
    nb_recipe r;
    char text[32];
    const nb_status status = nb_table_parse(&t, bytes, size, "fuzz", &options[size % 4]);
    fuzz_check((status == NB_OK) == (t.cells != NULL));
    size_t missing = 0, counted = 0;
    for (size_t c = 0; c < t.columns; c++) {
        if (t.column[c].type == NB_COLUMN_IGNORED || t.column[c].too_many) continue;
        counted += t.column[c].missing;
        for (size_t row = 0; row < t.rows; row++) missing += !*nb_table_text(&t, row, c, text);
    }
    fuzz_check(missing == counted);
    if (!status && nb_recipe_create(&r, &t, NULL) == NB_OK) {
        check_recipe(&r, &t);
        if (nb_table_parse(&again, bytes, size, "fuzz", &(nb_table_options){.recipe = &r}) == NB_OK)
            nb_table_destroy(&again);
        nb_recipe_destroy(&r);
    }
    nb_table_destroy(&t);
    return 0;
}
