/* How good a model is on samples in files of any kind. */
#include "export.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ASKED = 500 }; /* samples at once */

/* What holds the samples; those that were not read are zeroed. */
typedef struct samples {
    nb_dataset set;
    nb_mnist mnist;
    nb_images pictures;
    nb_names classes;
    nb_table table;
    nb_recipe recipe;
    bool owned; /* set */
} samples;

static void read_table(const page *p, samples *s, const char *text, const char *path)
{
    size_t count = 0;
    if (nb_recipe_read(&s->recipe, text, p->rest[0]) ||
        nb_table_read(&s->table, path, &(nb_table_options){.recipe = &s->recipe}))
        fail(p->program);
    size_t *row = nb_alloc(s->table.rows + 1, sizeof *row);
    if (!row || nb_recipe_rows(&s->recipe, &s->table, true, row, &count) ||
        nb_recipe_encode(&s->recipe, &s->table, count, row, &s->set))
        fail(p->program);
    nb_free(row);
    s->owned = true;
}

static void read_pictures(const page *p, samples *s, const nb_model *m, const char *path)
{
    const size_t *dim = m->options.input.dim;
    if (m->options.input.ndim != 3)
        usage_error(p->program, "--data %s: a folder of pictures, but the model's input is none",
                    path);
    if (m->options.classes && nb_names_create(&s->classes, m->outputs, m->options.classes))
        fail(p->program);
    if (nb_images_read(&s->pictures, path,
                       &(nb_images_options){.channels = dim[0],
                                            .height = dim[1],
                                            .width = dim[2],
                                            .classes = s->classes.count ? &s->classes : NULL}))
        fail(p->program);
    s->set = s->pictures.set;
}

static void read_arrays(const page *p, samples *s, const nb_model *m, const char *path)
{
    const bool learns_classes = m->options.loss == NB_CROSS_ENTROPY;
    nb_dataset_file_options options = {.learning =
                                           learns_classes ? NB_LEARN_CLASSES : NB_LEARN_NUMBERS};
    nb_names classes;
    if (m->options.classes && nb_names_create(&s->classes, m->outputs, m->options.classes))
        fail(p->program);
    if (learns_classes && s->classes.count) options.classes = &s->classes;
    if (nb_dataset_load(&s->set, &classes, path, NULL, &options)) fail(p->program);
    nb_names_destroy(&classes);
    s->owned = true;
}

static void read_samples(const page *p, samples *s, const nb_model *m, const char *path)
{
    struct stat about;
    const char *recipe = nb_model_text(m, NB_RECIPE_KEY);
    if (recipe) {
        read_table(p, s, recipe, path);
    } else if (stat(path, &about) || !S_ISDIR(about.st_mode)) {
        read_arrays(p, s, m, path);
    } else if (have_mnist(path)) {
        load_mnist(p, path, &s->mnist);
        s->set = s->mnist.test;
    } else {
        read_pictures(p, s, m, path);
    }
}

static void destroy(samples *s)
{
    if (s->owned) nb_dataset_destroy(&s->set);
    nb_mnist_destroy(&s->mnist);
    nb_images_destroy(&s->pictures);
    nb_names_destroy(&s->classes);
    nb_table_destroy(&s->table);
    nb_recipe_destroy(&s->recipe);
}

/* The shape of a sample is the model's where the numbers are as many. */
static nb_shape batch_shape(const page *p, const nb_model *m, const nb_dataset *set, size_t n)
{
    nb_shape found = nb_dataset_x_shape(set, n), shape = m->options.input;
    char got[96], want[96];
    size_t count;
    memmove(shape.dim + 1, shape.dim, shape.ndim++ * sizeof *shape.dim);
    shape.dim[0] = n;
    size_t expected = 0;
    if (nb_shape_count(found, &count) || nb_shape_count(shape, &expected) || count != expected) {
        fprintf(stderr, "%s: --data: a batch is %s, the model's is %s\n", p->program,
                nb_shape_text(found, got, sizeof got), nb_shape_text(shape, want, sizeof want));
        exit(EXIT_FAILED);
    }
    return shape;
}

double export_metric(const page *p, nb_model *m, const char *path)
{
    static samples s;
    nb_score score = {0};
    nb_tensor x, t;
    nb_dtype dtype = nb_graph_dtype(m->graph);
    s = (samples){0};
    read_samples(p, &s, m, path);
    const size_t n = nb_dataset_count(&s.set);
    nb_node *loss;
    if (nb_tensor_create(&x, dtype, nb_dataset_x_shape(&s.set, ASKED)) ||
        nb_tensor_create(&t, s.set.classes ? NB_INT32 : dtype, nb_dataset_t_shape(&s.set, ASKED)))
        fail(p->program);
    for (size_t lo = 0, rows; lo < n; lo += rows) {
        rows = n - lo < ASKED ? n - lo : ASKED;
        nb_tensor part = nb_tensor_rows(&x, 0, rows), truth = nb_tensor_rows(&t, 0, rows);
        if (nb_dataset_range(&s.set, lo, lo + rows, &part, &truth)) fail(p->program);
        part.shape = batch_shape(p, m, &s.set, rows);
        if (nb_model_feed(m, &part, &truth, &loss) || nb_model_compare(m, &truth, &score))
            fail(p->program);
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    destroy(&s);
    return nb_model_metric(m, &score);
}

/* --- what the numbers of a table's model are --------------------------------------------------- */

/* in[0] = (bill_length_mm - 43.9258) / 5.33687; in[4] = 1 if island is "Biscoe", else 0. */
static void describe_column(FILE *to, const nb_recipe *r, const nb_recipe_column *c)
{
    char mean[32], deviation[32];
    if (c->use != NB_USE_INPUT) return;
    for (size_t k = 0; k < c->levels.count && c->type != NB_COLUMN_NUMBER; k++)
        fprintf(to, "in[%zu] = 1 if %s is %s, else 0\n", c->at + k, c->name, c->levels.text[k]);
    if (c->type != NB_COLUMN_NUMBER) return;
    if (r->raw)
        fprintf(to, "in[%zu] = %s\n", c->at, c->name);
    else
        fprintf(to, "in[%zu] = (%s - %s) / %s\n", c->at, c->name, nb_number_text(c->mean, mean),
                nb_number_text(c->deviation, deviation));
}

char *export_note(const page *p, const nb_model *m)
{
    char *text = NULL, mean[32], deviation[32];
    size_t size;
    nb_recipe r;
    const char *recipe = nb_model_text(m, NB_RECIPE_KEY);
    if (!recipe) return NULL;
    if (nb_recipe_read(&r, recipe, p->rest[0])) fail(p->program);
    FILE *to = open_memstream(&text, &size);
    if (!to) fail(p->program);
    for (size_t i = 0; i < r.columns; i++) describe_column(to, &r, &r.column[i]);
    for (size_t k = 0; k < r.classes.count; k++)
        fprintf(to, "out[%zu] = probability that %s is %s\n", k, r.column[r.target].name,
                r.classes.text[k]);
    if (!r.learns_classes)
        fprintf(to, "%s = out[0] * %s + %s\n", r.column[r.target].name,
                nb_number_text(r.target_deviation, deviation), nb_number_text(r.target_mean, mean));
    if (fclose(to)) fail(p->program);
    nb_recipe_destroy(&r);
    return text;
}
