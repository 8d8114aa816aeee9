/* predict - what a model that train kept says of new rows or pictures, as CSV; and how good that is,
 * where the truth is there. docs/your-own-data.md goes through it. */
#include "common.h"
#include "display.h"
#include "judge.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ASKED = 1024 }; /* samples at once */

typedef struct job {
    page page;
    const char *id, *output, *skip_bad, *unseen, *brief, *separator, *decimal;
    nb_model *model;
    nb_recipe recipe; /* of a table's model */
    bool tabular;
    nb_names classes;
    nb_file file;
    FILE *to;
    answers answers;
    nb_tensor x, y; /* of ASKED samples */
} job;

/* --- out -------------------------------------------------------------------------------------- */

/* A cell of CSV: in quotes where it needs them (RFC 4180). */
static void put_cell(FILE *to, const char *text)
{
    const size_t length = strlen(text);
    const bool blank = length && (text[0] == ' ' || text[length - 1] == ' ');
    if (!blank && !text[strcspn(text, ",\"\r\n")]) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"') fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

/* id,species,P(setosa),P(versicolor) */
static void put_head(const job *j, const char *id)
{
    const char *target = j->tabular ? j->recipe.column[j->recipe.target].name : "answer";
    if (id) {
        put_cell(j->to, id);
        fputc(',', j->to);
    }
    for (size_t k = 0; k < (j->classes.count ? 1 : j->model->outputs); k++) {
        char name[512];
        nb_snprintf(name, sizeof name, "%s", target);
        if (!j->classes.count && j->model->outputs > 1)
            nb_snprintf(name, sizeof name, "%.400s %zu", target, k + 1);
        if (k) fputc(',', j->to);
        put_cell(j->to, name);
    }
    for (size_t c = 0; !j->brief && c < j->classes.count; c++) {
        char name[512];
        nb_snprintf(name, sizeof name, "P(%.500s)", j->classes.text[c]);
        fputc(',', j->to);
        put_cell(j->to, name);
    }
    fputc('\n', j->to);
}

static double value_of(const job *j, float y)
{
    return j->tabular ? nb_recipe_value(&j->recipe, (double)y) : (double)y;
}

static void put_answer(const job *j, const float *y)
{
    char text[32];
    if (!j->classes.count) {
        for (size_t k = 0; k < j->model->outputs; k++) {
            nb_snprintf(text, sizeof text, "%s%.7g", k ? "," : "", value_of(j, y[k]));
            fputs(text, j->to);
        }
        fputc('\n', j->to);
        return;
    }
    size_t best = 0;
    for (size_t c = 1; c < j->classes.count; c++)
        if (y[c] > y[best]) best = c;
    put_cell(j->to, j->classes.text[best]);
    for (size_t c = 0; !j->brief && c < j->classes.count; c++) {
        nb_snprintf(text, sizeof text, ",%.6g", (double)y[c]);
        fputs(text, j->to);
    }
    fputc('\n', j->to);
}

/* What the model says of the first n rows of j->x; in j->y. */
static const float *ask(job *j, size_t n)
{
    nb_tensor x = nb_tensor_rows(&j->x, 0, n), y = nb_tensor_rows(&j->y, 0, n);
    if (nb_model_predict(j->model, &x, &y)) fail(j->page.program);
    return y.data;
}

/* The truth of a sample is t[k], with the answer y. */
static void compare(job *j, const nb_tensor *t, size_t k, const float *y)
{
    answers *a = &j->answers;
    if (a->classes) {
        answers_class(a, ((const int32_t *)t->data)[k], y);
        return;
    }
    const nb_kernels *kernels = nb_kernels_of(t->dtype);
    for (size_t i = 0; i < a->targets; i++) {
        const double truth = kernels->get(t->data, k * a->targets + i);
        a->truth[a->count * a->targets + i] =
            j->tabular ? nb_recipe_value(&j->recipe, truth) : truth;
        a->answer[a->count * a->targets + i] = value_of(j, y[i]);
    }
    a->count++;
}

static void open_answers(job *j, size_t room, const char *what)
{
    j->answers = (answers){.classes = j->classes.count,
                           .targets = j->model->outputs,
                           .names = j->classes.text,
                           .what = what};
    answers_open(&j->answers, j->page.program, room);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Where --id's column is, if it is not one of the model's; it is read as it stands then. */
static bool is_input(const job *j, const char *name)
{
    for (size_t c = 0; c < j->recipe.columns; c++) {
        const nb_recipe_column *column = &j->recipe.column[c];
        if (column->use <= NB_USE_TARGET && !strcmp(column->name, name)) return true;
    }
    return false;
}

static char character(const page *p, const char *option, const char *word)
{
    if (!word) return 0;
    if (strcmp(word, "tab") == 0) return '\t';
    if (strcmp(word, "blank") == 0) return ' ';
    if (!word[0] || word[1])
        usage_error(p->program, "%s '%s': expected one character", option, word);
    return word[0];
}

static void read_table(job *j, nb_table *table, size_t *id)
{
    const page *p = &j->page;
    const nb_column_told tell = {j->id, NB_COLUMN_TEXT};
    if (p->rest[1] && p->rest[2])
        usage_error(p->program, "unexpected '%s': the model is one of tables, and takes one FILE",
                    p->rest[2]);
    const char *path = p->rest[1] ? p->rest[1] : "-";
    const nb_table_options options = {.recipe = &j->recipe,
                                      .separator = character(p, "--separator", j->separator),
                                      .decimal = character(p, "--decimal", j->decimal),
                                      .unseen_is_missing = j->unseen != NULL,
                                      .tell = &tell,
                                      .told = j->id && !is_input(j, j->id)};
    if (nb_table_read(table, path, &options)) fail(p->program);
    if (j->id && nb_table_find(table, j->id, id)) fail(p->program);
}

/* The rows with a truth and what it is; fails where rows without a cell are to. */
static size_t truths(job *j, const nb_table *table, size_t **row, nb_tensor *t)
{
    const page *p = &j->page;
    const bool truth = nb_recipe_has_target(&j->recipe, table);
    size_t count = 0;
    *row = nb_alloc(table->rows + 1, sizeof **row);
    if (!*row) fail(p->program);
    if (!truth && j->recipe.missing != NB_MISSING_ERROR) return 0;
    if (nb_recipe_rows(&j->recipe, table, truth, *row, &count)) fail(p->program);
    if (!truth || !count) return 0;
    if (nb_recipe_targets(&j->recipe, table, count, *row, t)) fail(p->program);
    return count;
}

static void predict_table(job *j)
{
    const page *p = &j->page;
    nb_table table;
    nb_tensor t = {0};
    size_t id = 0, *row, seen = 0, block[ASKED];
    char text[32];
    read_table(j, &table, &id);
    const size_t count = truths(j, &table, &row, &t);
    open_answers(j, count, "rows");
    put_head(j, j->id ? table.column[id].name : NULL);
    for (size_t lo = 0; lo < table.rows; lo += ASKED) {
        const size_t n = table.rows - lo < ASKED ? table.rows - lo : ASKED;
        nb_tensor x;
        for (size_t i = 0; i < n; i++) block[i] = lo + i;
        if (nb_recipe_inputs(&j->recipe, &table, n, block, &x)) fail(p->program);
        memcpy(j->x.data, x.data, nb_tensor_count(&x) * sizeof(float));
        nb_tensor_destroy(&x);
        const float *y = ask(j, n);
        for (size_t i = 0; i < n; i++, y += j->model->outputs) {
            if (j->id) {
                put_cell(j->to, nb_table_text(&table, lo + i, id, text));
                fputc(',', j->to);
            }
            put_answer(j, y);
            if (seen < count && row[seen] == lo + i) compare(j, &t, seen++, y);
        }
    }
    nb_free(row);
    nb_tensor_destroy(&t);
    nb_table_destroy(&table);
}

/* --- arrays and pictures ---------------------------------------------------------------------- */

/* Samples with their names, or NULL; with their truth, if there is any. */
static void predict_set(job *j, const nb_dataset *set, const nb_names *names, bool truth)
{
    const size_t n = nb_dataset_count(set);
    if (truth) open_answers(j, n, names ? "pictures" : "rows");
    put_head(j, names ? "file" : NULL);
    for (size_t lo = 0; lo < n; lo += ASKED) {
        const size_t rows = n - lo < ASKED ? n - lo : ASKED;
        nb_tensor part = nb_tensor_rows(&j->x, 0, rows);
        if (nb_dataset_range(set, lo, lo + rows, &part, NULL)) fail(j->page.program);
        const float *y = ask(j, rows);
        for (size_t i = lo; i < lo + rows; i++, y += j->model->outputs) {
            if (names) {
                put_cell(j->to, names->text[i]);
                fputc(',', j->to);
            }
            put_answer(j, y);
            if (truth) compare(j, &set->t, i, y);
        }
    }
}

static bool is_folder(const char *path)
{
    struct stat about;
    return !stat(path, &about) && S_ISDIR(about.st_mode);
}

/* Pictures in folders of their classes have a truth. */
static bool has_folders(const char *path)
{
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *e; folder && !found && (e = readdir(folder));) {
        char name[PATH];
        if (e->d_name[0] != '.' && snprintf(name, sizeof name, "%s/%s", path, e->d_name) < PATH)
            found = is_folder(name);
    }
    if (folder) closedir(folder);
    return found;
}

static void predict_pictures(job *j)
{
    const page *p = &j->page;
    const size_t *dim = j->model->options.input.dim;
    const bool folder = is_folder(p->rest[1]), labelled = folder && has_folders(p->rest[1]);
    nb_images images;
    nb_images_options options = {.channels = dim[0],
                                 .height = dim[1],
                                 .width = dim[2],
                                 .skip_bad = j->skip_bad != NULL,
                                 .flat = !labelled,
                                 .classes = labelled ? &j->classes : NULL};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = 0;
    while (p->rest[1 + count]) count++;
    if (folder && count > 1)
        usage_error(p->program, "unexpected '%s': expected one folder, or pictures", p->rest[2]);
    if (nb_pool_create(&options.pool, processors > 0 ? (size_t)processors : 1)) fail(p->program);
    if (folder ? nb_images_read(&images, p->rest[1], &options)
               : nb_images_load(&images, count, (const char *const *)(p->rest + 1), &options))
        fail(p->program);
    nb_pool_destroy(options.pool);
    predict_set(j, &images.set, &images.paths, labelled);
    if (images.skipped)
        fprintf(stderr, "%s: left out %zu pictures that cannot be read, the first: %s\n",
                p->program, images.skipped, images.why);
    nb_images_destroy(&images);
}

static void predict_arrays(job *j)
{
    const page *p = &j->page;
    nb_dataset set;
    nb_names classes;
    const char *path = p->rest[1], *targets = p->rest[2];
    if (targets && p->rest[3]) usage_error(p->program, "unexpected '%s'", p->rest[3]);
    nb_dataset_file_options options = {.classes = j->classes.count ? &j->classes : NULL,
                                       .learning =
                                           j->classes.count ? NB_LEARN_CLASSES : NB_LEARN_NUMBERS};
    nb_arrays arrays = {0};
    if (!targets) { /* one file of arrays may have no t */
        options.inputs_only = nb_arrays_load(&arrays, path) || !nb_arrays_find(&arrays, "t");
        nb_arrays_destroy(&arrays);
    }
    if (nb_dataset_load(&set, &classes, path, targets, &options)) fail(p->program);
    nb_shape row = nb_dataset_x_shape(&set, 1), want = j->model->options.input;
    size_t got = 1, expected = 1;
    for (size_t i = 1; i < row.ndim; i++) got *= row.dim[i];
    for (size_t i = 0; i < want.ndim; i++) expected *= want.dim[i];
    if (got != expected) {
        fprintf(stderr, "%s: %s: a sample has %zu numbers, the model takes %zu\n", p->program, path,
                got, expected);
        exit(EXIT_FAILED);
    }
    predict_set(j, &set, NULL, !options.inputs_only);
    nb_dataset_destroy(&set);
    nb_names_destroy(&classes);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void open_model(job *j)
{
    const page *p = &j->page;
    if (nb_model_open(&j->model, p->rest[0], &(nb_model_options){.max_batch = ASKED}))
        fail(p->program);
    const nb_model_options *o = &j->model->options;
    const char *text = nb_model_text(j->model, NB_RECIPE_KEY);
    j->tabular = text != NULL;
    if (text && nb_recipe_read(&j->recipe, text, p->rest[0])) fail(p->program);
    if (o->loss == NB_CROSS_ENTROPY) {
        const char *const *names = text ? j->recipe.classes.text : o->classes;
        if (!names || (text && j->recipe.classes.count != j->model->outputs)) {
            fprintf(stderr, "%s: %s: the model's classes have no names\n", p->program, p->rest[0]);
            exit(EXIT_FAILED);
        }
        if (nb_names_create(&j->classes, j->model->outputs, names)) fail(p->program);
    }
    nb_shape shape = o->input;
    memmove(shape.dim + 1, shape.dim, shape.ndim++ * sizeof *shape.dim);
    shape.dim[0] = ASKED;
    if (nb_tensor_create(&j->x, NB_FLOAT32, shape) ||
        nb_tensor_create(&j->y, NB_FLOAT32, NB_SHAPE(ASKED, j->model->outputs)))
        fail(p->program);
}

static bool takes_pictures(const job *j)
{
    const nb_model_options *o = &j->model->options;
    const char *path = j->page.rest[1], *end = path ? strrchr(path, '.') : NULL;
    if (j->tabular || o->input.ndim != 3 || !path) return false;
    return is_folder(path) || (end && strcmp(end, ".npy") && strcmp(end, ".npz") &&
                               strcmp(end, ".safetensors") && strcmp(end, ".gz"));
}

/* To a person: beside the CSV, where that is standard output. */
static void print_verdict(const job *j)
{
    char line[256];
    FILE *to = j->output ? stdout : stderr;
    if (!j->answers.count || j->page.quiet) return;
    judge_print(&j->answers, to, isatty(fileno(to)) ? terminal_width() : 80);
    fprintf(to, "%s\n", judge_line(&j->answers, line));
}

int main(int argc, char **argv)
{
    static job j;
    const page_option options[] = {
        {"id", "COLUMN", "put this column of FILE before the answers", &j.id},
        {"output", "FILE", "write there, whole or not at all (standard output)", &j.output},
        {"brief", NULL, "the answers alone, no probabilities", &j.brief},
        {"unseen", NULL, "take a category that training never saw as a missing cell", &j.unseen},
        {"separator", "C", "between cells; tab for a tabulator (told from the file)", &j.separator},
        {"decimal", "C", "of numbers, . or , (told from the file)", &j.decimal},
        {"skip-bad", NULL, "leave out pictures that cannot be read", &j.skip_bad},
        {"quiet", NULL, "no verdict where the truth is there", NULL},
        {NULL, "MODEL [FILE ...]", NULL, NULL}};
    page_begin_text(
        &j.page, argc, argv,
        "What a model that train kept says of each row of FILE, in order, as CSV. Without "
        "FILE, or with -, a table is read from standard input. For a model of pictures: "
        "pictures, or a folder of them; for one of arrays: X, or X and T.",
        options);
    const page *p = &j.page;
    if (!p->rest[0]) usage_error(p->program, "expected a MODEL, and a FILE");
    open_model(&j);
    j.to = p->answers;
    if (j.output) {
        if (nb_file_begin(&j.file, j.output)) fail(p->program);
        discard_at_exit(&j.file);
        j.to = j.file.stream;
    }
    if (j.tabular)
        predict_table(&j);
    else if (!p->rest[1])
        usage_error(p->program, "expected a FILE behind the MODEL");
    else if (takes_pictures(&j))
        predict_pictures(&j);
    else
        predict_arrays(&j);
    if (j.output && nb_file_commit(&j.file)) fail(p->program);
    discard_at_exit(NULL);
    print_verdict(&j);
    answers_close(&j.answers);
    nb_tensor_destroy(&j.x);
    nb_tensor_destroy(&j.y);
    nb_names_destroy(&j.classes);
    nb_recipe_destroy(&j.recipe);
    nb_model_destroy(j.model);
    return page_end(p);
}
