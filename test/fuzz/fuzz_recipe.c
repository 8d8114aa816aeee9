/* fuzz_recipe.c - nb_recipe_read on any text: an answer, no leak; and what is read says the same
 * again, and reads a table. */
#include "fuzz.h"
#include "nablas/memory.h"
#include "nablas/recipe.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char text[1 << 16];
    static const char table[] = "a,colour,y\n1,red,u\n2,blue,v\n";
    nb_recipe r, back;
    nb_table t;
    char *first, *second;
    if (size >= sizeof text) return 0;
    if (size) memcpy(text, bytes, size);
    text[size] = 0;
    if (nb_recipe_read(&r, text, "fuzz")) {
        fuzz_check(r.column == NULL);
        return 0;
    }
    fuzz_check(!nb_recipe_write(&r, &first));
    fuzz_check(!nb_recipe_read(&back, first, "fuzz"));
    fuzz_check(!nb_recipe_write(&back, &second));
    fuzz_check(strcmp(first, second) == 0);
    if (nb_table_parse(&t, table, sizeof table - 1, "fuzz", &(nb_table_options){.recipe = &r}) ==
        NB_OK) {
        nb_dataset d;
        if (nb_recipe_encode(&r, &t, t.rows, NULL, &d) == NB_OK) fuzz_touch(&d.x);
        nb_dataset_destroy(&d);
        nb_table_destroy(&t);
    }
    nb_free(first);
    nb_free(second);
    nb_recipe_destroy(&back);
    nb_recipe_destroy(&r);
    return 0;
}
