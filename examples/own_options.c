#include "own_options.h"

#include <stdlib.h>
#include <string.h>

/* The words of the command line; NULL: not given. */
typedef struct words {
    const char *ignore, *type, *classify, *regress, *missing, *separator, *decimal, *header, *size,
        *channels, *skip_bad, *validation, *folds, *weights, *hidden, *activation, *dropout,
        *optimizer, *lr, *schedule, *batch, *epochs, *patience, *decay, *seed, *threads;
    run_words run;
} words;

static const char about[] =
    "Train a network on a file of your own, and say how good it is.\n"
    "FILE is a table (CSV), arrays x and t (.npz, .safetensors), or two files of them (.npy, IDX).";

static void read_words(own_settings *s, words *w, int argc, char **argv)
{
    const page_option options[] = {
        {"target", "COLUMN", "what to predict: a column's name or number (the last)", &s->target},
        {"ignore", "A,B,...", "columns to leave out", &w->ignore},
        {"type", "A=TYPE,...", "number, category or text (told from the column)", &w->type},
        {"classify", NULL, "the target is a class, also if it is written in numbers", &w->classify},
        {"regress", NULL, "the target is a number", &w->regress},
        {"missing", "NAME", "cells without a value: mean, drop (the row) or error (mean)",
         &w->missing},
        {"separator", "C", "between cells; tab for a tabulator (told from the file)",
         &w->separator},
        {"decimal", "C", "of numbers, . or , (told from the file)", &w->decimal},
        {"header", "NAME", "whether the first line has names: yes or no (told from the file)",
         &w->header},
        {"images", "DIR", "in place of FILE: pictures, in a folder for each class", &s->images},
        {"size", "WxH", "scale pictures to that (all must have the size of the first)", &w->size},
        {"channels", "N", "1 grey, 3 colour (told from the first pictures)", &w->channels},
        {"skip-bad", NULL, "leave out pictures that cannot be read", &w->skip_bad},
        {"validation", "X", "share of the rows held out to judge by (0.2; 0 with --test)",
         &w->validation},
        {"test", "FILE", "judge by these rows; two files of arrays: X,T", &s->test},
        {"folds", "K", "cross-validation: each of K parts is judged by a model of the others",
         &w->folds},
        {"class-weights", "NAME", "balanced: rare classes count as much as common ones (none)",
         &w->weights},
        {"hidden", "N,N,...", "units of each hidden layer; 0 for none (32,32)", &w->hidden},
        {"activation", "NAME",
         "sigmoid, relu, tanh, leaky_relu, elu, gelu, softplus, step or identity (gelu)",
         &w->activation},
        {"dropout", "X", "share of each hidden layer that a step leaves out (0)", &w->dropout},
        {"optimizer", "NAME", "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw (adamw)",
         &w->optimizer},
        {"lr", "X", "learning rate (0.01)", &w->lr},
        {"schedule", "NAME", "learning rate: constant, steps or cosine, which ends at 0 (cosine)",
         &w->schedule},
        {"decay", "X", "weight decay (30 / sqrt(steps) for adamw, else 0)", &w->decay},
        {"batch", "N", "rows of a step (32; from 4096 rows on more)", &w->batch},
        {"epochs", "N", "how often each row is learnt from (50)", &w->epochs},
        {"patience", "N",
         "stop after N epochs without a better validation; keep the best weights (never)",
         &w->patience},
        {"seed", "N", "of split, weights and order (0)", &w->seed},
        {"threads", "N", "threads (one or several, whichever is faster as it goes)", &w->threads},
        RUN_OPTIONS(&w->run),
        {"report", "FILE.html", "all that is printed, and figures, as one page", &s->report},
        {"quiet", NULL, "only the last line", NULL},
        {NULL, "[FILE [TARGETS]]", NULL, NULL}};
    page_begin_text(&s->page, argc, argv, about, options);
}

/* --- what they mean --------------------------------------------------------------------------- */

/* The next part of a list with commas, copied; NULL at its end. Exits where there is no memory. */
static char *next_part(const char *program, const char **at)
{
    if (!**at) return NULL;
    const size_t length = strcspn(*at, ",");
    char *part = nb_alloc_zero(length + 1, 1);
    if (!part) fail(program);
    memcpy(part, *at, length);
    *at += length + ((*at)[length] == ',');
    return part;
}

static void tell(own_settings *s, const char *option, const char *name, nb_column_type type)
{
    if (!name || !*name) usage_error(s->page.program, "%s: expected names of columns", option);
    if (s->table.told == MAX_TOLD)
        usage_error(s->page.program, "%s: more than %d columns", option, MAX_TOLD);
    s->tell[s->table.told++] = (nb_column_told){name, type};
}

static void read_columns(own_settings *s, const words *w)
{
    static const char *const types[] = {"number", "category", "text", NULL};
    static const nb_column_type codes[] = {NB_COLUMN_NUMBER, NB_COLUMN_CATEGORY, NB_COLUMN_TEXT};
    const char *at = w->ignore ? w->ignore : "", *me = s->page.program;
    char *part;
    while ((part = next_part(me, &at))) tell(s, "--ignore", part, NB_COLUMN_IGNORED);
    at = w->type ? w->type : "";
    while ((part = next_part(me, &at))) {
        char *equals = strrchr(part, '=');
        if (!equals) usage_error(me, "--type '%s': expected COLUMN=TYPE", part);
        *equals = 0;
        tell(s, "--type", part, codes[one_of(me, "--type", equals + 1, types)]);
    }
    s->table.tell = s->tell;
}

/* A character, or one of two words for those that are hard to type. */
static char character(const own_settings *s, const char *option, const char *word)
{
    if (!word) return 0;
    if (strcmp(word, "tab") == 0 || strcmp(word, "\\t") == 0) return '\t';
    if (strcmp(word, "blank") == 0) return ' ';
    if (!word[0] || word[1] || (word[0] & 0x80))
        usage_error(s->page.program, "%s '%s': expected one character, tab or blank", option, word);
    return word[0];
}

static void read_table(own_settings *s, const words *w)
{
    static const char *const missings[] = {"mean", "drop", "error", NULL};
    static const char *const headers[] = {"yes", "no", NULL};
    const char *me = s->page.program;
    read_columns(s, w);
    s->table.separator = character(s, "--separator", w->separator);
    s->table.decimal = character(s, "--decimal", w->decimal);
    if (w->header)
        s->table.header = one_of(me, "--header", w->header, headers) ? NB_HEADER_NO : NB_HEADER_YES;
    if (w->missing) s->missing = (nb_missing)one_of(me, "--missing", w->missing, missings);
    if (w->classify && w->regress) usage_error(me, "--classify and --regress: give one of the two");
    s->learning = w->classify ? NB_LEARN_CLASSES : (w->regress ? NB_LEARN_NUMBERS : NB_LEARN_AUTO);
}

/* "28x28". */
static void read_size(own_settings *s, const char *word)
{
    char *end;
    const unsigned long long width = strtoull(word, &end, 10);
    const unsigned long long height = *end == 'x' ? strtoull(end + 1, &end, 10) : 0;
    if (*word < '0' || *word > '9' || *end || !width || !height || width > NB_IMAGE_MAX_SIDE ||
        height > NB_IMAGE_MAX_SIDE)
        usage_error(s->page.program, "--size '%s': expected width and height in pixels: 28x28",
                    word);
    s->width = (size_t)width;
    s->height = (size_t)height;
}

static void read_data(own_settings *s, const words *w)
{
    const char *me = s->page.program;
    char *const *rest = s->page.rest;
    s->path = rest[0];
    s->targets = rest[0] ? rest[1] : NULL;
    if (s->path && s->images) usage_error(me, "--images and '%s': give one of the two", s->path);
    if (!s->path && !s->images) usage_error(me, "what to learn from? Expected a FILE or --images");
    if (s->targets && rest[2]) usage_error(me, "unexpected '%s'", rest[2]);
    if (!s->images && (w->size || w->channels || w->skip_bad))
        usage_error(me, "--%s is for --images",
                    w->size       ? "size"
                    : w->channels ? "channels"
                                  : "skip-bad");
    if (w->size) read_size(s, w->size);
    static const char *const channels[] = {"1", "3", NULL};
    if (w->channels) s->channels = one_of(me, "--channels", w->channels, channels) ? 3 : 1;
    s->skip_bad = w->skip_bad != NULL;
}

static double share(const own_settings *s, const char *option, const char *word)
{
    const double value = finite_number(s->page.program, option, word);
    if (value < 0 || value >= 1)
        usage_error(s->page.program, "%s '%s': expected a number from 0, below 1", option, word);
    return value;
}

static void read_split(own_settings *s, const words *w)
{
    static const char *const weights[] = {"balanced", "none", NULL};
    const char *me = s->page.program;
    s->folds = w->folds ? whole_number(me, "--folds", w->folds, 2, SIZE_MAX) : 0;
    s->patience = w->patience ? whole_number(me, "--patience", w->patience, 1, SIZE_MAX) : 0;
    s->validation = s->test && !s->patience ? 0 : 0.2;
    if (w->validation) s->validation = share(s, "--validation", w->validation);
    if (s->folds && (s->test || (w->validation && !s->patience)))
        usage_error(me, "--folds and --%s: each part is judged by itself",
                    s->test ? "test" : "validation");
    if (s->patience && s->validation == 0)
        usage_error(me, "--patience needs rows to judge by: --validation above 0");
    if (w->weights) s->balanced = one_of(me, "--class-weights", w->weights, weights) == 0;
    s->seed = w->seed ? (uint32_t)whole_number(me, "--seed", w->seed, 0, UINT32_MAX) : 0;
}

static void read_network(own_settings *s, const words *w)
{
    static const char *const activations[] = {
#define X(code, name) #name,
        NB_ACTIVATION_LIST(X)
#undef X
            NULL};
    const char *me = s->page.program, *hidden = w->hidden ? w->hidden : "32,32";
    if (strcmp(hidden, "0") != 0) s->layers = hidden_units(me, hidden, s->hidden);
    s->activation = w->activation
                        ? (nb_activation)one_of(me, "--activation", w->activation, activations)
                        : NB_GELU;
    s->dropout = w->dropout ? share(s, "--dropout", w->dropout) : 0;
}

static void read_training(own_settings *s, const words *w)
{
    static const char *const schedules[] = {"constant", "steps", "cosine", NULL};
    const char *me = s->page.program;
    const nb_optimizer_type *type = optimizer_named(me, w->optimizer ? w->optimizer : "adamw");
    nb_train_options *t = &s->train;
    nb_optimizer_defaults(type, &s->optimizer);
    s->optimizer.lr = w->lr               ? finite_number(me, "--lr", w->lr)
                      : type == &nb_adamw ? 0.01
                                          : s->optimizer.lr;
    s->decay_given = w->decay != NULL || type != &nb_adamw;
    if (w->decay) s->optimizer.weight_decay = finite_number(me, "--decay", w->decay);
    if (s->optimizer.weight_decay < 0)
        usage_error(me, "--decay '%s': expected a number from 0", w->decay);
    s->schedule =
        w->schedule ? (nb_lr_kind)one_of(me, "--schedule", w->schedule, schedules) : NB_LR_COSINE;
    t->optimizer = type;
    t->optimizer_options = &s->optimizer;
    t->sampling = NB_EPOCH;
    t->lr = s->optimizer.lr;
    t->batch = w->batch ? whole_number(me, "--batch", w->batch, 1, SIZE_MAX) : 0;
    t->threads = w->threads ? whole_number(me, "--threads", w->threads, 1, NB_MAX_THREADS) : 0;
    s->epochs = w->epochs ? whole_number(me, "--epochs", w->epochs, 1, SIZE_MAX) : 50;
}

void read_own_settings(own_settings *s, int argc, char **argv)
{
    words w = {0};
    *s = (own_settings){0};
    read_words(s, &w, argc, argv);
    read_data(s, &w);
    read_table(s, &w);
    read_split(s, &w);
    read_network(s, &w);
    read_training(s, &w);
    read_run_files(&s->files, &s->page, &w.run, NULL);
    const run_files *f = &s->files;
    const char *suffix = f->save ? strrchr(f->save, '.') : ".npz";
    if (!suffix || (strcmp(suffix, ".npz") != 0 && strcmp(suffix, ".safetensors") != 0))
        usage_error(s->page.program, "--save '%s': expected a name in .safetensors or .npz",
                    f->save);
    if (s->folds && (f->log || f->checkpoint.path))
        usage_error(s->page.program, "--folds and --%s: that is for one run",
                    f->log ? "log" : "checkpoint");
}
