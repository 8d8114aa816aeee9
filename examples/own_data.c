#include "own_data.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static void check(const page *p, nb_status status)
{
    if (status) fail(p->program);
}

static void *room(const page *p, size_t count, size_t size)
{
    void *block = nb_alloc(count, size);
    if (!block) fail(p->program);
    return block;
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t length = strlen(path), end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}

static own_kind kind_of(const own_settings *s)
{
    if (s->images) return OWN_PICTURES;
    const bool arrays = s->targets || ends_in(s->path, ".npz") || ends_in(s->path, ".safetensors");
    return arrays ? OWN_ARRAYS : OWN_TABLE;
}

/* An option that would do nothing is a mistake. */
static void check_options(const own_data *d, const own_settings *s)
{
    const char *me = s->page.program, *kind = d->kind == OWN_ARRAYS ? "arrays" : "pictures";
    if (d->kind == OWN_TABLE) return;
    if (s->target) usage_error(me, "--target: %s are no table", kind);
    if (s->table.told) usage_error(me, "--ignore and --type: %s are no table", kind);
    if (s->table.separator || s->table.decimal || s->table.header || s->missing)
        usage_error(me, "--separator, --decimal, --header and --missing: %s are no table", kind);
    if (d->kind == OWN_PICTURES && s->learning == NB_LEARN_NUMBERS)
        usage_error(me, "--regress: the folders of pictures are classes");
}

/* The rows that can be learnt from, and their targets. */
static void take_rows(own_data *d, const page *p)
{
    d->row = room(p, d->table.rows, sizeof *d->row);
    check(p, nb_recipe_rows(&d->recipe, &d->table, true, d->row, &d->count));
    if (d->count == 0) {
        fprintf(stderr, "%s: %s: none of the %zu rows has %s\n", p->program, d->path, d->table.rows,
                d->recipe.missing == NB_MISSING_DROP ? "all its cells" : "a target");
        exit(EXIT_FAILED);
    }
    check(p, nb_recipe_targets(&d->recipe, &d->table, d->count, d->row, &d->set.t));
    d->set.x = nb_tensor_view(d->set.t.dtype, NB_SHAPE(d->count, 1), d->set.t.data);
    d->set.classes = d->classes.count;
    d->targets = 1;
}

static void read_table(own_data *d, const own_settings *s)
{
    const page *p = &s->page;
    const nb_recipe_options options = {
        .target = s->target, .learning = s->learning, .missing = s->missing};
    check(p, nb_table_read(&d->table, d->path, &s->table));
    check(p, nb_recipe_create(&d->recipe, &d->table, &options));
    d->classes = d->recipe.classes;
    take_rows(d, p);
}

static void read_pictures(own_data *d, const own_settings *s, const nb_names *classes,
                          nb_pool *pool)
{
    const nb_status status = nb_images_read(&d->pictures, d->path,
                                            &(nb_images_options){.width = s->width,
                                                                 .height = s->height,
                                                                 .channels = s->channels,
                                                                 .classes = classes,
                                                                 .skip_bad = s->skip_bad,
                                                                 .pool = pool});
    if (status == NB_ESHAPE && !s->width)
        fprintf(stderr, "%s: pictures of several sizes: --size 28x28 scales each\n",
                s->page.program);
    check(&s->page, status);
    d->set = d->pictures.set;
    d->classes = d->pictures.classes;
    d->count = nb_dataset_count(&d->set);
}

static void read_arrays(own_data *d, const own_settings *s, const char *targets,
                        const nb_names *classes)
{
    check(&s->page,
          nb_dataset_load(&d->set, &d->classes, d->path, targets,
                          &(nb_dataset_file_options){.learning = s->learning, .classes = classes}));
    d->count = nb_dataset_count(&d->set);
    d->targets = nb_tensor_width(&d->set.t);
}

static void make_scales(own_data *d, const page *p)
{
    d->mean = room(p, d->targets + 1, sizeof *d->mean);
    d->deviation = room(p, d->targets + 1, sizeof *d->deviation);
}

void own_read(own_data *d, const own_settings *s, nb_pool *pool)
{
    *d = (own_data){.kind = kind_of(s), .path = s->images ? s->images : s->path};
    check_options(d, s);
    if (d->kind == OWN_TABLE) read_table(d, s);
    if (d->kind == OWN_ARRAYS) read_arrays(d, s, s->targets, NULL);
    if (d->kind == OWN_PICTURES) read_pictures(d, s, NULL, pool);
    make_scales(d, &s->page);
}

/* --test X,T where the training data are two files. */
static void read_test_arrays(own_data *d, const own_data *like, const own_settings *s)
{
    char *comma = s->targets ? strchr(s->test, ',') : NULL;
    if (s->targets && !comma)
        usage_error(s->page.program, "--test '%s': expected two files, X,T", s->test);
    char *x = room(&s->page, strlen(s->test) + 1, 1);
    strcpy(x, s->test);
    if (comma) x[comma - s->test] = 0;
    d->path = x;
    read_arrays(d, s, comma ? comma + 1 : NULL, like->classes.count ? &like->classes : NULL);
}

void own_read_test(own_data *d, const own_data *like, const own_settings *s, nb_pool *pool)
{
    const page *p = &s->page;
    *d = (own_data){.kind = like->kind, .path = s->test, .borrowed = true};
    if (d->kind == OWN_TABLE) {
        nb_table_options options = s->table;
        options.recipe = &like->recipe;
        options.told = 0;
        check(p, nb_table_read(&d->table, d->path, &options));
        d->recipe = like->recipe;
        d->classes = like->classes;
        take_rows(d, p);
    }
    if (d->kind == OWN_ARRAYS) read_test_arrays(d, like, s);
    if (d->kind == OWN_PICTURES) {
        own_settings same = *s;
        const size_t *dim = like->set.x.shape.dim;
        same.channels = dim[1], same.height = dim[2], same.width = dim[3];
        read_pictures(d, &same, &like->classes, pool);
    }
    make_scales(d, p);
    memcpy(d->mean, like->mean, d->targets * sizeof *d->mean);
    memcpy(d->deviation, like->deviation, d->targets * sizeof *d->deviation);
}

void own_destroy(own_data *d)
{
    if (d->kind == OWN_TABLE) {
        nb_tensor_destroy(&d->set.t);
        nb_table_destroy(&d->table);
        if (!d->borrowed) nb_recipe_destroy(&d->recipe);
    }
    if (d->kind == OWN_ARRAYS) {
        nb_dataset_destroy(&d->set);
        nb_names_destroy(&d->classes);
        if (d->borrowed) nb_free((char *)(uintptr_t)d->path);
    }
    nb_images_destroy(&d->pictures);
    nb_free(d->row);
    nb_free(d->mean);
    nb_free(d->deviation);
    *d = (own_data){0};
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Mean and deviation of each target of arrays; a constant one has the deviation 1. */
static void fit_targets(own_data *d, size_t n, const size_t *index)
{
    const nb_kernels *kernels = nb_kernels_of(d->set.t.dtype);
    for (size_t j = 0; j < d->targets; j++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < n; i++)
            mean +=
                kernels->get(d->set.t.data, (index ? index[i] : i) * d->targets + j) / (double)n;
        for (size_t i = 0; i < n; i++)
            square +=
                pow(kernels->get(d->set.t.data, (index ? index[i] : i) * d->targets + j) - mean, 2);
        d->mean[j] = mean;
        d->deviation[j] = square > 0 ? sqrt(square / (double)n) : 1;
    }
}

/* The rows of the table that samples are. */
static size_t *rows_of(const own_data *d, const page *p, size_t n, const size_t *index)
{
    size_t *row = room(p, n, sizeof *row);
    for (size_t i = 0; i < n; i++) row[i] = d->row[index ? index[i] : i];
    return row;
}

void own_fit(own_data *d, const page *p, size_t n, const size_t *index)
{
    if (d->kind == OWN_TABLE) {
        size_t *row = rows_of(d, p, n, index);
        check(p, nb_recipe_fit(&d->recipe, &d->table, n, row));
        nb_free(row);
        d->mean[0] = d->recipe.target_mean;
        d->deviation[0] = d->recipe.target_deviation;
    } else if (d->classes.count == 0) {
        fit_targets(d, n, index);
    }
}

static void take_elements(const own_data *d, const page *p, size_t n, const size_t *index,
                          nb_dataset *set)
{
    nb_shape x = nb_dataset_x_shape(&d->set, n), t = d->set.t.shape;
    size_t *all = room(p, n, sizeof *all);
    for (size_t i = 0; i < n; i++) all[i] = index ? index[i] : i;
    t.dim[0] = n;
    *set = (nb_dataset){.scale = d->set.scale, .classes = d->set.classes};
    check(p, nb_tensor_create(&set->x, d->set.x.dtype, x));
    check(p, nb_tensor_gather(&d->set.x, n, all, &set->x));
    check(p, nb_tensor_create(&set->t, d->set.t.dtype, t));
    check(p, nb_tensor_gather(&d->set.t, n, all, &set->t));
    nb_free(all);
    if (d->classes.count) return;
    double *value = set->t.data;
    for (size_t k = 0; k < n * d->targets; k++) {
        const size_t j = k % d->targets;
        value[k] = (value[k] - d->mean[j]) / d->deviation[j];
    }
}

void own_take(const own_data *d, const page *p, size_t n, const size_t *index, nb_dataset *set)
{
    if (d->kind != OWN_TABLE) {
        take_elements(d, p, n, index, set);
        return;
    }
    size_t *row = rows_of(d, p, n, index);
    check(p, nb_recipe_encode(&d->recipe, &d->table, n, row, set));
    nb_free(row);
}

double own_number(const own_data *d, size_t j, double y)
{
    return y * d->deviation[j] + d->mean[j];
}

/* --- what was found --------------------------------------------------------------------------- */

static void say(char text[OWN_TEXT], const char *format, ...) NB_PRINTF(2, 3);

static void say(char text[OWN_TEXT], const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    nb_vsnprintf(text + used, OWN_TEXT - used, format, args);
    va_end(args);
}

enum { NAMED = 10 }; /* of a long list */

static void say_more(char text[OWN_TEXT], size_t count)
{
    if (count > NAMED) say(text, ", and %zu more", count - NAMED);
}

/* "target: species, 3 classes: setosa 50, versicolor 50, virginica 50". */
static void say_classes(const own_data *d, char text[OWN_TEXT])
{
    const int32_t *t = d->set.t.data;
    say(text, "%zu classes: ", d->classes.count);
    for (size_t c = 0; c < d->classes.count && c < NAMED; c++) {
        size_t count = 0;
        for (size_t i = 0; i < d->count; i++) count += (size_t)t[i] == c;
        say(text, "%s%s %zu", c ? ", " : "", d->classes.text[c], count);
    }
    say_more(text, d->classes.count);
    say(text, "\n");
}

/* The columns of one use: "inputs: 2 numbers (age, fare), 1 category (sex: 2 levels)". */
static size_t say_inputs(const nb_recipe *r, nb_column_type type, size_t before,
                         char text[OWN_TEXT])
{
    const bool number = type == NB_COLUMN_NUMBER;
    size_t count = 0, said = 0;
    for (size_t j = 0; j < r->columns; j++)
        count += r->column[j].use == NB_USE_INPUT && r->column[j].type == type;
    if (!count) return before;
    say(text, "%s%zu %s (", before ? ", " : "inputs: ", count,
        number ? (count > 1 ? "numbers" : "number") : (count > 1 ? "categories" : "category"));
    for (size_t j = 0; j < r->columns && said < NAMED; j++) {
        const nb_recipe_column *c = &r->column[j];
        if (c->use != NB_USE_INPUT || c->type != type) continue;
        say(text, "%s%s", said++ ? ", " : "", c->name);
        if (!number) say(text, ": %zu levels", c->levels.count);
    }
    say_more(text, count);
    say(text, ")");
    return before + count;
}

static void say_left_out(const nb_recipe *r, char text[OWN_TEXT])
{
    size_t count = 0;
    for (size_t j = 0; j < r->columns; j++) {
        const nb_recipe_column *c = &r->column[j];
        if (c->use == NB_USE_INPUT || c->use == NB_USE_TARGET) continue;
        if (count < NAMED)
            say(text, "%s%s (%s)", count ? ", " : "left out: ", c->name,
                nb_column_use_text(c->use));
        count++;
    }
    say_more(text, count);
    if (count) say(text, "\n");
}

static void say_missing(const own_data *d, char text[OWN_TEXT])
{
    static const char *const what[] = {"filled with the column's mean",
                                       "rows without them are left out", "none"};
    size_t count = 0;
    for (size_t j = 0; j < d->recipe.columns; j++) {
        const nb_recipe_column *c = &d->recipe.column[j];
        const size_t missing = d->table.column[j].missing;
        if (c->use != NB_USE_INPUT || !missing) continue;
        if (count < NAMED) say(text, "%s%zu in %s", count ? ", " : "missing: ", missing, c->name);
        count++;
    }
    say_more(text, count);
    if (count) say(text, "; %s\n", what[d->recipe.missing]);
    if (d->count < d->table.rows)
        say(text, "rows: %zu of %zu can be learnt from\n", d->count, d->table.rows);
}

static void describe_table(const own_data *d, char text[OWN_TEXT])
{
    const nb_table *t = &d->table;
    const char *separator = t->separator == ','    ? "commas"
                            : t->separator == ';'  ? "semicolons"
                            : t->separator == '\t' ? "tabulators"
                            : t->separator == '|'  ? "bars"
                            : t->separator == ' '  ? "blanks"
                                                   : "";
    say(text, "data: %s, %zu rows, %zu columns", d->path, t->rows, t->columns);
    if (*separator && t->columns > 1) say(text, ", separated by %s", separator);
    say(text, ", %s%s\n", t->header ? "with a header" : "no header",
        t->decimal == ',' ? ", decimal commas" : "");
    say(text, "target: %s, ", d->recipe.column[d->recipe.target].name);
    if (d->classes.count)
        say_classes(d, text);
    else
        say(text, "a number, mean %.5g, deviation %.4g\n", d->recipe.target_mean,
            d->recipe.target_deviation);
    if (say_inputs(&d->recipe, NB_COLUMN_CATEGORY,
                   say_inputs(&d->recipe, NB_COLUMN_NUMBER, 0, text), text))
        say(text, "\n");
    say_left_out(&d->recipe, text);
    say_missing(d, text);
}

void own_describe(const own_data *d, char text[OWN_TEXT])
{
    char shape[64];
    *text = 0;
    if (d->kind == OWN_TABLE) {
        describe_table(d, text);
        return;
    }
    const size_t *dim = d->set.x.shape.dim;
    if (d->kind == OWN_PICTURES) {
        say(text, "data: %s, %zu pictures, %s, %zux%zu\n", d->path, d->count,
            dim[1] == 1 ? "grey" : "in colour", dim[3], dim[2]);
        if (d->pictures.skipped)
            say(text, "left out: %zu that cannot be read, the first: %s\n", d->pictures.skipped,
                d->pictures.why);
        if (d->pictures.others)
            say(text, "not looked at: %zu files and folders that are no pictures\n",
                d->pictures.others);
    } else {
        nb_shape row = d->set.x.shape;
        row.ndim--;
        memmove(row.dim, row.dim + 1, row.ndim * sizeof *row.dim);
        say(text, "data: %s, %zu samples %s, %s\n", d->path, d->count,
            nb_shape_text(row, shape, sizeof shape), nb_dtype_name(d->set.x.dtype));
    }
    say(text, "target: ");
    if (d->classes.count)
        say_classes(d, text);
    else
        say(text, "%zu number%s\n", d->targets, d->targets > 1 ? "s" : "");
}
