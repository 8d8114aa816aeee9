#include "table_fixtures.h"

#include "nablas/memory.h"
#include "nablas/model.h"
#include "nablas/model_file.h"
#include "nablas/recipe.h"
#include "nablas/train.h"

#include <math.h>
#include <stdlib.h>

static nb_status recipe_of(nb_recipe *r, nb_table *t, const char *text, const nb_recipe_options *o)
{
    assert_ok(parse(t, text));
    nb_status status = nb_recipe_create(r, t, o);
    if (status) nb_table_destroy(t);
    return status;
}

static void destroy(nb_recipe *r, nb_table *t)
{
    nb_recipe_destroy(r);
    nb_table_destroy(t);
}

static float x_at(const nb_dataset *d, size_t row, size_t column)
{
    return ((const float *)nb_tensor_at(&d->x, row))[column];
}

/* --- encoding --------------------------------------------------------------------------------- */

static void numbers_are_standardised_and_categories_one_hot(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    nb_dataset d;
    assert_ok(
        recipe_of(&r, &t, "size,colour,kind\n1,red,a\n3,blue,b\n5,red,a\n7,,b\n,red,a\n", NULL));
    assert_int_equal(r.width, 3);
    assert_int_equal(r.target, 2);
    assert_true(r.learns_classes);
    assert_near(r.column[0].mean, 4, 0);
    assert_near(r.column[0].deviation, sqrt(5), 1e-15);
    assert_near(r.column[1].share[1], 0.75, 0);
    assert_ok(nb_recipe_encode(&r, &t, t.rows, NULL, &d));
    assert_ok(nb_dataset_check(&d, "the"));
    assert_int_equal(d.classes, 2);
    assert_near((double)x_at(&d, 0, 0), -3 / sqrt(5), 1e-7);
    assert_true(x_at(&d, 4, 0) == 0.0F); /* missing: the mean */
    assert_true(x_at(&d, 0, 1) == 0.0F && x_at(&d, 0, 2) == 1.0F);
    assert_true(x_at(&d, 1, 1) == 1.0F && x_at(&d, 1, 2) == 0.0F);
    assert_true(x_at(&d, 3, 1) == 0.25F && x_at(&d, 3, 2) == 0.75F); /* missing: the shares */
    for (int i = 0; i < 5; i++) assert_int_equal(((int32_t *)d.t.data)[i], i % 2);
    nb_dataset_destroy(&d);
    destroy(&r, &t);
}

static void raw_numbers_stay_as_they_are(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    nb_dataset d;
    assert_ok(recipe_of(&r, &t, "a,y\n1,10.5\n3,20.5\n,30.5\n", &(nb_recipe_options){.raw = true}));
    assert_ok(nb_recipe_encode(&r, &t, 3, NULL, &d));
    assert_true(x_at(&d, 1, 0) == 3.0F);
    assert_true(x_at(&d, 2, 0) == 2.0F);
    assert_true(((float *)d.t.data)[2] == 30.5F);
    assert_true(nb_recipe_value(&r, 1.25) == 1.25);
    nb_dataset_destroy(&d);
    destroy(&r, &t);
}

/* Seconds since 1970: single precision has steps of 128 there. */
static void large_offsets_keep_their_differences(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    nb_dataset d;
    assert_ok(recipe_of(
        &r, &t,
        "time,y\n1600000001,1600000001.5\n1600000002,1600000002.5\n1600000003,1600000003.5\n",
        NULL));
    assert_ok(nb_recipe_encode(&r, &t, 3, NULL, &d));
    const double unit = sqrt(2.0 / 3);
    assert_near((double)x_at(&d, 0, 0), -1 / unit, 1e-6);
    assert_near((double)x_at(&d, 2, 0), 1 / unit, 1e-6);
    assert_near(nb_recipe_value(&r, (double)((float *)d.t.data)[2]), 1600000003.5, 1e-6);
    nb_dataset_destroy(&d);
    destroy(&r, &t);
}

static void numbers_of_any_size_are_standardised(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    nb_dataset d;
    assert_ok(recipe_of(&r, &t, "a,b,y\n1e300,1e-300,1\n3e300,3e-300,2.5\n2e300,2e-300,3\n", NULL));
    assert_ok(nb_recipe_encode(&r, &t, 3, NULL, &d));
    for (size_t c = 0; c < 2; c++) assert_near((double)x_at(&d, 1, c), sqrt(1.5), 1e-6);
    nb_dataset_destroy(&d);
    destroy(&r, &t);
    assert_fails(NB_ERANGE, "the numbers of column 'a' are too far apart",
                 recipe_of(&r, &t, "a,y\n1.7e308,1\n-1.7e308,2.5\n", NULL));
    assert_ok(recipe_of(&r, &t, "a,y\n1e-300,1\n3e-300,2.5\n", NULL));
    nb_table far;
    assert_ok(parse_with(&far, "a\n5\n", &(nb_table_options){.recipe = &r}));
    nb_tensor x;
    assert_fails(NB_ERANGE, "row 1: 5 in column 'a', too far",
                 nb_recipe_inputs(&r, &far, 1, NULL, &x));
    assert_null(x.data);
    nb_table_destroy(&far);
    destroy(&r, &t);
}

static void a_recipe_is_fitted_to_the_rows_that_are_given(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    const size_t rows[] = {0, 2};
    assert_ok(recipe_of(&r, &t, "a,c,y\n1,u,1.5\n100,v,200\n3,u,3.5\n", NULL));
    assert_ok(nb_recipe_fit(&r, &t, 2, rows));
    assert_near(r.column[0].mean, 2, 0);
    assert_near(r.column[0].deviation, 1, 0);
    assert_near(r.column[1].share[0], 1, 0);
    assert_near(r.target_mean, 2.5, 0);
    assert_fails(NB_ERANGE, "row[0]=3", nb_recipe_fit(&r, &t, 1, &(size_t){3}));
    assert_fails(NB_EINVAL, "n=0", nb_recipe_fit(&r, &t, 0, rows));
    destroy(&r, &t);
}

/* --- what columns are for --------------------------------------------------------------------- */

static void columns_that_tell_nothing_are_left_out_with_a_word(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    char text[8000] = ",PassengerId,name,same,none,word,x,y\n", *at = text + strlen(text);
    for (int i = 0; i < 60; i++)
        at += sprintf(at, "%d,%d,Mr %d,7,,w,%d.5,%d\n", i, i + 1, i, i * i % 11, i % 3);
    assert_ok(recipe_of(&r, &t, text, NULL));
    static const nb_column_use uses[] = {NB_USE_COUNTER,  NB_USE_COUNTER, NB_USE_LEVELS,
                                         NB_USE_CONSTANT, NB_USE_EMPTY,   NB_USE_CONSTANT,
                                         NB_USE_INPUT,    NB_USE_TARGET};
    for (size_t i = 0; i < COUNT(uses); i++) assert_int_equal(r.column[i].use, uses[i]);
    assert_int_equal(r.width, 1);
    assert_string_equal(nb_column_use_text(NB_USE_CONSTANT), "the same in every row");
    assert_string_equal(nb_column_use_text((nb_column_use)99), "");
    nb_recipe_destroy(&r);
    assert_ok(nb_recipe_create(&r, &t, &(nb_recipe_options){.keep_constant = true}));
    assert_int_equal(r.width, 3);
    destroy(&r, &t);

    const nb_column_told tell[] = {{"name", NB_COLUMN_CATEGORY},
                                   {"1", NB_COLUMN_NUMBER},
                                   {"x", NB_COLUMN_IGNORED},
                                   {"word", NB_COLUMN_TEXT}};
    assert_ok(parse_with(&t, text, &(nb_table_options){.told = 4, .tell = tell}));
    assert_ok(nb_recipe_create(&r, &t, NULL));
    assert_int_equal(r.width, 61); /* as told */
    assert_int_equal(r.column[6].use, NB_USE_IGNORED);
    assert_int_equal(r.column[5].use, NB_USE_TEXT);
    destroy(&r, &t);
    assert_fails(NB_EINVAL, "no column is left as input: a: the same in every row; b: empty",
                 recipe_of(&r, &t, "a,b,y\n1,,1\n1,,2\n", NULL));
}

/* A day or a position that counts is an input, unless it is called an index. */
static void a_counter_by_another_name_is_an_input(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    assert_ok(recipe_of(&r, &t, "day,y\n0,1.5\n1,2\n2,3\n", NULL));
    assert_int_equal(r.column[0].use, NB_USE_INPUT);
    destroy(&r, &t);
    assert_ok(recipe_of(&r, &t, "id,y\n7,1.5\n9,2\n2,3\n", NULL)); /* does not count */
    assert_int_equal(r.column[0].use, NB_USE_INPUT);
    destroy(&r, &t);
}

static void classes_and_numbers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t classes;
    } cases[] = {
        {"x,y\n1,a\n2,b\n", 2},
        {"x,y\n1,0\n2,1\n3,0\n4,1\n5,0\n7,1\n", 2},
        {"x,y\n1,-1\n2,1\n3,-1\n4,1\n5,1\n7,1\n", 2},
        {"x,y\n1,0\n2,1\n3,2\n", 0},                   /* each once */
        {"x,y\n1,0\n2,.5\n3,0\n4,.5\n5,0\n6,.5\n", 0}, /* no whole numbers */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_table t;
        nb_recipe r;
        assert_ok(recipe_of(&r, &t, cases[i].text, NULL));
        assert_int_equal(r.classes.count, cases[i].classes);
        destroy(&r, &t);
    }
    nb_table t;
    nb_recipe r;
    nb_dataset d;
    assert_ok(recipe_of(&r, &t, "x,y\n1,0.5\n2,-1\n3,10\n",
                        &(nb_recipe_options){.learning = NB_LEARN_CLASSES}));
    assert_int_equal(r.classes.count, 3);
    assert_string_equal(r.classes.text[0], "-1");
    assert_string_equal(r.classes.text[2], "10");
    assert_ok(nb_recipe_encode(&r, &t, 3, NULL, &d));
    assert_int_equal(((int32_t *)d.t.data)[0], 1);
    assert_int_equal(((int32_t *)d.t.data)[2], 2);
    nb_dataset_destroy(&d);
    nb_recipe_destroy(&r);
    assert_ok(nb_recipe_create(&r, &t,
                               &(nb_recipe_options){.learning = NB_LEARN_NUMBERS, .target = "1"}));
    assert_int_equal(r.target, 0);
    assert_int_equal(r.classes.count, 0);
    destroy(&r, &t);
}

static void targets_that_cannot_be_learnt_are_named(void **state)
{
    (void)state;
    nb_table t;
    nb_recipe r;
    assert_fails(NB_EINVAL,
                 "data.csv: the target 'y' is 'a' in all 2 rows, expected at least two classes",
                 recipe_of(&r, &t, "x,y\n1,a\n2,a\n3,\n", NULL));
    assert_fails(NB_EINVAL, "the target 'y' is '7' in all 2 rows, expected at least two values",
                 recipe_of(&r, &t, "x,y\n1,7\n2,7\n", NULL));
    assert_fails(
        NB_EINVAL, "the target 'y' is a category, expected numbers",
        recipe_of(&r, &t, "x,y\n1,a\n2,b\n", &(nb_recipe_options){.learning = NB_LEARN_NUMBERS}));
    assert_fails(NB_EINVAL, "no column 'z'; the 2 are: x, y",
                 recipe_of(&r, &t, "x,y\n1,a\n2,b\n", &(nb_recipe_options){.target = "z"}));
    char text[2000] = "x,y\n", *at = text + 4;
    for (int i = 0; i < 30; i++) at += sprintf(at, "%d,Mr %d\n", i * i, i);
    assert_fails(NB_EINVAL, "the target 'y' has 30 classes in 30 rows, expected several",
                 recipe_of(&r, &t, text, NULL));
    assert_ok(recipe_of(&r, &t, text, &(nb_recipe_options){.learning = NB_LEARN_CLASSES}));
    destroy(&r, &t);
    assert_fails(NB_EINVAL, "no row has the target 'y'", recipe_of(&r, &t, "x,y\n1,\n2,\n", NULL));
    assert_fails(
        NB_EINVAL, "no row has the target 'y' and all inputs",
        recipe_of(&r, &t, "x,y\n,1\n2,\n3,\n", &(nb_recipe_options){.missing = NB_MISSING_DROP}));
}

/* --- missing ---------------------------------------------------------------------------------- */

static void rows_with_missing_cells_are_filled_dropped_or_refused(void **state)
{
    (void)state;
    static const char text[] = "a,b,y\n1,u,1.5\n,v,2\n3,,3\n4,u,\n5,v,5\n";
    nb_table t;
    nb_recipe r;
    size_t row[5], n;
    assert_ok(recipe_of(&r, &t, text, NULL));
    assert_ok(nb_recipe_rows(&r, &t, true, row, &n));
    assert_int_equal(n, 4);
    assert_int_equal(row[3], 4);
    assert_ok(nb_recipe_rows(&r, &t, false, row, &n));
    assert_int_equal(n, 5);
    nb_dataset d;
    assert_fails(NB_ERANGE, "row 4 has no target", nb_recipe_encode(&r, &t, 5, NULL, &d));
    destroy(&r, &t);
    assert_ok(recipe_of(&r, &t, text, &(nb_recipe_options){.missing = NB_MISSING_DROP}));
    assert_ok(nb_recipe_rows(&r, &t, true, row, &n));
    assert_int_equal(n, 2);
    assert_int_equal(row[1], 4);
    assert_near(r.column[0].mean, 3, 0);
    destroy(&r, &t);
    assert_fails(NB_ERANGE, "data.csv:3:1: column 'a' is missing there and in 0 more rows",
                 recipe_of(&r, &t, text, &(nb_recipe_options){.missing = NB_MISSING_ERROR}));
}

/* --- other tables ----------------------------------------------------------------------------- */

static const char training[] = "a,colour,y\n1,red,u\n2,blue,v\n4,red,u\n5,green,v\n";

static void new_tables_are_read_by_the_names_of_columns(void **state)
{
    (void)state;
    nb_table t, new;
    nb_recipe r;
    nb_tensor x;
    assert_ok(recipe_of(&r, &t, training, NULL));
    const nb_table_options options = {.recipe = &r};
    assert_ok(parse_with(&new, "note,colour,id,a\nhm,green,7,1\nhm,?,8,5\n", &options));
    assert_int_equal(new.column[0].type, NB_COLUMN_IGNORED);
    assert_false(nb_recipe_has_target(&r, &new));
    assert_ok(nb_recipe_inputs(&r, &new, 2, NULL, &x));
    const float *f = x.data;
    assert_true(f[1] == 0.0F && f[2] == 1.0F && f[3] == 0.0F); /* blue, green, red */
    assert_true(f[5] == 0.25F && f[6] == 0.25F && f[7] == 0.5F);
    assert_near((double)f[0], (1 - r.column[0].mean) / r.column[0].deviation, 1e-6);
    nb_tensor_destroy(&x);
    nb_table_destroy(&new);

    assert_fails(NB_EFORMAT, "data.csv: no column 'colour', which the model needs; there are: a, y",
                 parse_with(&new, "a,y\n1,u\n", &options));
    assert_fails(
        NB_ERANGE,
        "data.csv:3:2: 'purple' in the column 'colour', which training never saw; it knows "
        "blue, green, red",
        parse_with(&new, "a,colour\n1,red\n2,purple\n", &options));
    assert_fails(NB_EFORMAT, "data.csv:2:1: 'one' in the column 'a', which has numbers",
                 parse_with(&new, "a,colour\none,red\n", &options));
    assert_ok(parse_with(&new, "a,colour,y\n1,purple,u\n",
                         &(nb_table_options){.recipe = &r, .unseen_is_missing = true}));
    assert_int_equal(nb_table_code(&new, 0, 1), -1);
    assert_true(nb_recipe_has_target(&r, &new));
    nb_table_destroy(&new);
    const nb_column_told id = {"id", NB_COLUMN_TEXT}, own = {"a", NB_COLUMN_TEXT};
    assert_ok(parse_with(&new, "id,a,colour\n007,1,red\n",
                         &(nb_table_options){.recipe = &r, .told = 1, .tell = &id}));
    assert_string_equal(cell(&new, 0, 0), "007");
    nb_table_destroy(&new);
    assert_fails(NB_EINVAL, "column 'a' is the model's",
                 parse_with(&new, "id,a,colour\n007,1,red\n",
                            &(nb_table_options){.recipe = &r, .told = 1, .tell = &own}));
    destroy(&r, &t);
}

/* The target may be absent: then what stands behind it is one place further left. */
static void tables_without_a_header_are_read_by_place(void **state)
{
    (void)state;
    nb_table t, new;
    nb_recipe r;
    nb_tensor x;
    assert_ok(recipe_of(&r, &t, "u,1.5,10\nv,2,20\nu,3,31\nv,4,42\n",
                        &(nb_recipe_options){.target = "1"}));
    assert_false(r.header);
    const nb_table_options options = {.recipe = &r};
    assert_ok(parse_with(&new, "2,31\n", &options));
    assert_false(nb_recipe_has_target(&r, &new));
    assert_ok(nb_recipe_inputs(&r, &new, 1, NULL, &x));
    assert_near((double)((float *)x.data)[1], (31 - r.column[2].mean) / r.column[2].deviation,
                1e-6);
    nb_tensor_destroy(&x);
    nb_table_destroy(&new);
    assert_ok(parse_with(&new, "v,2,31\n", &options));
    assert_true(nb_recipe_has_target(&r, &new));
    nb_table_destroy(&new);
    assert_fails(
        NB_EFORMAT,
        "4 columns; the model was trained on a table without a header, of 2 columns and the target",
        parse_with(&new, "v,2,31,4\n", &options));
    destroy(&r, &t);
}

static void a_table_read_without_the_recipe_is_checked(void **state)
{
    (void)state;
    nb_table t, new;
    nb_recipe r;
    nb_tensor x;
    nb_dataset d;
    assert_ok(recipe_of(&r, &t, training, NULL));
    assert_ok(parse(&new, "colour,a\nred,x\nblue,y\n"));
    assert_fails(NB_EINVAL, "column 'a' is category, the recipe's is of type number",
                 nb_recipe_inputs(&r, &new, 1, NULL, &x));
    nb_table_destroy(&new);
    assert_ok(parse(&new, "y,colour,a\nw,red,1\nu,pink,2\n"));
    assert_fails(NB_ERANGE, "row 2: 'pink' in column 'colour', which training never saw",
                 nb_recipe_inputs(&r, &new, 2, NULL, &x));
    assert_fails(NB_ERANGE, "row 1: 'w' is no class", nb_recipe_encode(&r, &new, 1, NULL, &d));
    assert_null(d.x.data);
    assert_fails(NB_ERANGE, "row[0]=2", nb_recipe_inputs(&r, &new, 1, &(size_t){2}, &x));
    nb_table_destroy(&new);
    destroy(&r, &t);
}

/* --- text ------------------------------------------------------------------------------------- */

static void a_recipe_survives_its_text(void **state)
{
    (void)state;
    static const char *const tables[] = {training,
                                         "a,b,y\n0.1,x \"q\",1.5\n0.7,\xc3\xa9,2.25\n3,x,7\n",
                                         "1,2.5,0\n2,3,1\n3,4,1\n4,1,0\n5,5,1\n6,2,0\n"};
    for (size_t i = 0; i < COUNT(tables); i++) {
        nb_table t;
        nb_recipe r, back;
        nb_dataset a, b;
        char *text, *again;
        assert_ok(recipe_of(&r, &t, tables[i], NULL));
        assert_ok(nb_recipe_write(&r, &text));
        assert_ok(nb_recipe_read(&back, text, "model.npz"));
        assert_ok(nb_recipe_write(&back, &again));
        assert_string_equal(text, again);
        assert_ok(nb_recipe_encode(&r, &t, t.rows, NULL, &a));
        assert_ok(nb_recipe_encode(&back, &t, t.rows, NULL, &b));
        assert_memory_equal(a.x.data, b.x.data, nb_tensor_count(&a.x) * sizeof(float));
        assert_memory_equal(a.t.data, b.t.data, t.rows * sizeof(float));
        nb_dataset_destroy(&a);
        nb_dataset_destroy(&b);
        nb_free(text);
        nb_free(again);
        nb_recipe_destroy(&back);
        destroy(&r, &t);
    }
}

#define HEAD "{\"format\":1,\"missing\":\"mean\",\"raw\":false,\"header\":true,\"learns_classes\":"
#define REST "\"target_mean\":0,\"target_deviation\":1,\"columns\":["
#define INPUT "{\"name\":\"a\",\"use\":\"input\",\"type\":\"number\",\"mean\":0,\"deviation\":1}"

static void texts_that_are_no_recipes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"format\":2}",
        "{\"format\":1,\"missing\":\"never\"}",
        HEAD "false,\"classes\":[],\"class_values\":[],\"target_mean\":0,\"target_deviation\":0,"
             "\"columns\":[]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST "]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST INPUT "]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST INPUT
             ",{\"use\":\"target\",\"type\":\"number\"}]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST INPUT "," INPUT "]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST INPUT
             ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"category\"}]}",
        HEAD "false,\"classes\":[],\"class_values\":[]," REST INPUT
             ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"text\"}]}",
        HEAD "true,\"classes\":[\"u\",\"u\"],\"class_values\":[]," REST INPUT
             ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"category\"}]}",
        HEAD "true,\"classes\":[\"1\",\"0\"],\"class_values\":[1,0]," REST INPUT
             ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"number\"}]}",
        HEAD "true,\"classes\":[\"0\",\"1\"],\"class_values\":[0]," REST INPUT
             ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"number\"}]}",
        HEAD
        "false,\"classes\":[],\"class_values\":[]," REST
        "{\"name\":\"a\",\"use\":\"input\",\"type\":\"category\",\"levels\":[\"x\"],\"share\":[]}"
        ",{\"name\":\"y\",\"use\":\"target\",\"type\":\"number\"}]}",
    };
    nb_recipe r;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_fails(NB_EFORMAT, "model.npz: the recipe (nablas.recipe)",
                     nb_recipe_read(&r, texts[i], "model.npz"));
        assert_null(r.column);
    }
    assert_fails(NB_EINVAL, "model.npz: a model without a recipe",
                 nb_recipe_read(&r, NULL, "model.npz"));
}

/* --- with a model ----------------------------------------------------------------------------- */

/* From a table to a model in a file, and in another program from that file to predictions. */
static void a_model_keeps_its_recipe(void **state)
{
    (void)state;
    nb_table t, new;
    nb_recipe r, back;
    nb_dataset iris;
    nb_model *model;
    nb_random random;
    nb_train_result result;
    nb_tensor x, y;
    char *text;
    const char *path = support_path("iris.safetensors");
    assert_ok(nb_table_read(&t, "test/tables/iris.csv", NULL));
    assert_ok(nb_recipe_create(&r, &t, &(nb_recipe_options){.target = "class"}));
    assert_ok(nb_recipe_encode(&r, &t, t.rows, NULL, &iris));
    nb_random_seed(&random, 0);
    assert_ok(nb_model_create(
        &model, &(nb_model_options){.input = NB_SHAPE(r.width),
                                    .layers = NB_LAYERS(nb_dense(16), nb_act(NB_RELU), nb_dense(3)),
                                    .random = &random,
                                    .classes = r.classes.text}));
    assert_ok(nb_train(model, &iris, NULL, &random,
                       &(nb_train_options){.iterations = 400, .batch = 30, .lr = 0.3, .threads = 1},
                       &result));
    assert_ok(nb_recipe_write(&r, &text));
    assert_ok(nb_model_set_text(model, NB_RECIPE_KEY, text));
    nb_free(text);
    assert_ok(nb_model_save(model, path));
    nb_model_destroy(model);
    nb_dataset_destroy(&iris);
    destroy(&r, &t);

    assert_ok(nb_model_open(&model, path, NULL));
    assert_ok(nb_recipe_read(&back, nb_model_text(model, NB_RECIPE_KEY), path));
    assert_ok(nb_table_read(&new, "test/tables/iris.csv", &(nb_table_options){.recipe = &back}));
    assert_ok(nb_recipe_inputs(&back, &new, 150, NULL, &x));
    assert_ok(nb_tensor_create(&y, NB_FLOAT32, NB_SHAPE(150, 3)));
    assert_ok(nb_model_predict(model, &x, &y));
    size_t right = 0;
    for (size_t i = 0; i < 150; i++) {
        const float *p = nb_tensor_at(&y, i);
        const size_t best = p[0] > p[1] && p[0] > p[2] ? 0 : (p[1] > p[2] ? 1 : 2);
        right += strcmp(model->options.classes[best], cell(&new, i, 4)) == 0;
    }
    assert_true(right >= 144);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
    nb_model_destroy(model);
    destroy(&back, &new);
}

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_table t, none = {0};
    nb_recipe r;
    nb_dataset d;
    nb_tensor x;
    size_t row[9], n;
    char *text;
    assert_ok(recipe_of(&r, &t, training, NULL));
    nb_recipe other;
    assert_fails(NB_EINVAL, "recipe is NULL", nb_recipe_create(NULL, &t, NULL));
    assert_fails(NB_EINVAL, "table is NULL", nb_recipe_create(&other, NULL, NULL));
    assert_fails(NB_EINVAL, "0 rows and 0 columns", nb_recipe_create(&other, &none, NULL));
    assert_fails(NB_EINVAL, "missing=9",
                 nb_recipe_create(&other, &t, &(nb_recipe_options){.missing = 9}));
    assert_fails(NB_EINVAL, "NULL", nb_recipe_fit(NULL, &t, 1, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_recipe_rows(&r, &t, true, NULL, &n));
    assert_fails(NB_EINVAL, "NULL", nb_recipe_encode(&r, &t, 1, NULL, NULL));
    assert_fails(NB_EINVAL, "n=0", nb_recipe_encode(&r, &t, 0, NULL, &d));
    assert_fails(NB_EINVAL, "n=5 of 4 rows", nb_recipe_encode(&r, &t, 5, NULL, &d));
    assert_fails(NB_EINVAL, "NULL", nb_recipe_inputs(NULL, &t, 1, NULL, &x));
    assert_fails(NB_EINVAL, "no recipe", nb_recipe_write(&(nb_recipe){0}, &text));
    assert_fails(NB_EINVAL, "text is NULL", nb_recipe_write(&r, NULL));
    assert_fails(NB_EINVAL, "label is NULL", nb_recipe_read(&other, "{}", NULL));
    assert_false(nb_recipe_has_target(NULL, &t));
    assert_true(isnan(nb_recipe_value(NULL, 1)));
    nb_recipe_destroy(NULL);
    assert_ok(nb_recipe_rows(&r, &t, true, row, &n));
    destroy(&r, &t);
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    nb_table t;
    assert_ok(parse(&t, training));
    nb_status status = NB_ENOMEM;
    for (size_t at = 1; status; at++) {
        nb_recipe r = {0}, back = {0};
        nb_dataset d = {0};
        char *text = NULL;
        support_allocator_start(at);
        status = nb_recipe_create(&r, &t, NULL);
        if (!status) status = nb_recipe_encode(&r, &t, 4, NULL, &d);
        if (!status) status = nb_recipe_write(&r, &text);
        if (!status) status = nb_recipe_read(&back, text, "x");
        nb_free(text);
        nb_dataset_destroy(&d);
        nb_recipe_destroy(&r);
        nb_recipe_destroy(&back);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_true(at < 1000);
    }
    nb_table_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_standardised_and_categories_one_hot),
        cmocka_unit_test(raw_numbers_stay_as_they_are),
        cmocka_unit_test(large_offsets_keep_their_differences),
        cmocka_unit_test(numbers_of_any_size_are_standardised),
        cmocka_unit_test(a_recipe_is_fitted_to_the_rows_that_are_given),
        cmocka_unit_test(columns_that_tell_nothing_are_left_out_with_a_word),
        cmocka_unit_test(a_counter_by_another_name_is_an_input),
        cmocka_unit_test(classes_and_numbers_are_told_apart),
        cmocka_unit_test(targets_that_cannot_be_learnt_are_named),
        cmocka_unit_test(rows_with_missing_cells_are_filled_dropped_or_refused),
        cmocka_unit_test(new_tables_are_read_by_the_names_of_columns),
        cmocka_unit_test(tables_without_a_header_are_read_by_place),
        cmocka_unit_test(a_table_read_without_the_recipe_is_checked),
        cmocka_unit_test(a_recipe_survives_its_text),
        cmocka_unit_test(texts_that_are_no_recipes_are_refused),
        cmocka_unit_test(a_model_keeps_its_recipe),
        cmocka_unit_test(misuse_is_answered),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
