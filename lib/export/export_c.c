/* A model's prediction as one file of C99. */
#include "export/int8.h"
#include "export/parts.h"
#include "nablas/export.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "nablas/version.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { longest_name = 60 };

typedef struct writer {
    nb_file file;
    FILE *to;
    const nb_export_steps *steps;
    const char *name, *note;
    char upper[longest_name + 1];
    bool int8;
    size_t flash, room[2]; /* bytes of const arrays; numbers of the two static ones */
} writer;

/* --- what it takes ---------------------------------------------------------------------------- */

static bool moves(const nb_export_step *s)
{
    return s->kind <= NB_STEP_AVERAGE_POOL;
}

/* Where step i writes: 0 and 1 the static arrays, 2 `out`. From the last step that moves numbers on,
 * everything is done in `out`; before, elementwise steps work in place. */
static int place_of(const nb_export_steps *steps, size_t i)
{
    int at = -1; /* `in` */
    size_t last = 0;
    for (size_t k = 0; k < steps->count; k++)
        if (moves(&steps->step[k])) last = k;
    for (size_t k = 0; k <= i; k++) {
        if (k >= last)
            at = 2;
        else if (at < 0 || moves(&steps->step[k]))
            at = at == 0;
    }
    return at;
}

static size_t bytes_of(const writer *w, const nb_export_step *s)
{
    const size_t weights = nb_export_step_weights(s), biases = nb_export_step_biases(s);
    const size_t numbers = (s->b ? biases : 0) + (w->int8 ? biases : weights) +
                           (s->shift ? s->features : 0) + (s->gain ? s->features : 0) +
                           (s->bias ? s->features : 0);
    return 4 * numbers + (w->int8 ? weights : 0);
}

static void measure(writer *w)
{
    for (size_t i = 0; i < w->steps->count; i++) {
        const nb_export_step *s = &w->steps->step[i];
        const int at = place_of(w->steps, i);
        w->flash += bytes_of(w, s);
        if (at < 2 && w->room[at] < s->outputs) w->room[at] = s->outputs;
    }
}

/* --- arrays ----------------------------------------------------------------------------------- */

static void put_number(FILE *to, float value)
{
    char text[32];
    nb_snprintf(text, sizeof text, "%.9g", (double)value);
    fprintf(to, "%s%sf,", text, strpbrk(text, ".e") ? "" : ".0");
}

static void put_floats(const writer *w, const char *letter, size_t step, size_t n, const float *x)
{
    if (!x) return;
    fprintf(w->to, "static const float %s_%zu[%zu] = {", letter, step, n);
    for (size_t i = 0; i < n; i++) {
        fputs(i % 8 ? " " : "\n    ", w->to);
        put_number(w->to, x[i]);
    }
    fputs("\n};\n", w->to);
}

static void put_bytes(const writer *w, size_t step, const nb_export_step *s)
{
    const size_t outputs = nb_export_step_biases(s), weights = nb_export_step_weights(s),
                 n = weights / outputs;
    float scale = 0;
    fprintf(w->to, "static const signed char W_%zu[%zu] = {", step, weights);
    for (size_t i = 0; i < weights; i++) {
        if (i % n == 0) scale = nb_int8_scale(n, s->W + i);
        fprintf(w->to, "%s%d,", i % 20 ? " " : "\n    ", nb_int8_of(s->W[i], scale));
    }
    fprintf(w->to, "\n};\nstatic const float s_%zu[%zu] = {", step, outputs);
    for (size_t j = 0; j < outputs; j++) {
        fputs(j % 8 ? " " : "\n    ", w->to);
        put_number(w->to, nb_int8_scale(n, s->W + j * n));
    }
    fputs("\n};\n", w->to);
}

static void put_arrays(const writer *w)
{
    for (size_t i = 0; i < w->steps->count; i++) {
        const nb_export_step *s = &w->steps->step[i];
        const nb_window *v = &s->window;
        if (s->W && w->int8) put_bytes(w, i, s);
        if (s->W && !w->int8) put_floats(w, "W", i, nb_export_step_weights(s), s->W);
        put_floats(w, "b", i, nb_export_step_biases(s), s->b);
        put_floats(w, "shift", i, s->features, s->shift);
        put_floats(w, "gain", i, s->features, s->gain);
        put_floats(w, "bias", i, s->features, s->bias);
        if (v->rows)
            fprintf(w->to,
                    "static const struct window window_%zu = {%zu, %zu, %zu, %zu, %zu, %zu, %zu, "
                    "%zu, %zu, %zu, %zu};\n",
                    i, v->channels, v->height, v->width, v->rows, v->columns, v->stride_y,
                    v->stride_x, v->pad_y, v->pad_x, v->out_height, v->out_width);
    }
    if (w->room[0]) fprintf(w->to, "static float room_0[%zu];\n", w->room[0]);
    if (w->room[1]) fprintf(w->to, "static float room_1[%zu];\n", w->room[1]);
}

/* --- text ------------------------------------------------------------------------------------- */

/* Lines of a comment, in which nothing ends it, begins another or is a trigraph. */
static void put_note(const writer *w)
{
    if (!w->note || !*w->note) return;
    fputs(" *\n * ", w->to);
    for (const char *c = w->note; *c; c++) {
        const bool pair =
            c > w->note && ((c[-1] == '*' && *c == '/') || (c[-1] == '/' && *c == '*') ||
                            (c[-1] == '?' && *c == '?'));
        if (*c == '\n' && !c[1]) break;
        fprintf(w->to, *c == '\n' ? "\n * " : (pair ? " %c" : "%c"), *c);
    }
    fputc('\n', w->to);
}

static void put_head(const writer *w)
{
    const nb_export_steps *s = w->steps;
    char shape[96];
    fprintf(
        w->to,
        "/* %s - a trained network, written by nablas %s.\n"
        " *\n"
        " *   void %s(const float *in, float *out);\n"
        " *\n"
        " *   in   (%s_INPUTS) one sample, %s, as the training data were before any scaling\n"
        " *   out  (%s_OUTPUTS) %s; must not overlap in\n"
        " *\n"
        " * Flash: %zu bytes of constants%s, and 0.3 to 2 KB of code.\n"
        " * RAM:   %zu bytes, static: one thread at a time.\n"
        " * Stack: under 200 bytes%s. No memory is allocated.\n"
        " * C99: cc -std=c99 -O2 -c FILE.c%s. With -D%s_MAIN it is a program that reads samples\n"
        " * as numbers and prints the answers.\n",
        w->name, nb_version(), w->name, w->upper, nb_shape_text(s->input, shape, sizeof shape),
        w->upper,
        s->count && s->step[s->count - 1].kind == NB_STEP_SOFTMAX ? "probabilities" : "answers",
        w->flash, w->int8 ? ", weights as bytes" : "", 4 * (w->room[0] + w->room[1]),
        nb_parts_need_exp(s) ? ", beside that of expf" : "",
        nb_parts_need_exp(s) ? ", linked with -lm" : "", w->upper);
    put_note(w);
    fputs(" */\n", w->to);
    if (nb_parts_need_exp(s)) fputs("#include <math.h>\n", w->to);
    fprintf(w->to,
            "#include <stddef.h>\n\n#define %s_INPUTS %zu\n#define %s_OUTPUTS %zu\n\n"
            "void %s(const float *in, float *out);\n\n",
            w->upper, s->inputs, w->upper, s->outputs, w->name);
}

/* In octal, what C does not take as it is; and ?, for its trigraphs. */
static void put_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        fprintf(to, *c < ' ' || *c > '~' || strchr("\"\\?", *c) ? "\\%03o" : "%c", *c);
    fputc('"', to);
}

static void put_classes(const writer *w)
{
    const nb_export_steps *s = w->steps;
    if (!s->classes) return;
    fprintf(w->to, "extern const char *const %s_class[%s_OUTPUTS];\n", w->name, w->upper);
    fprintf(w->to, "const char *const %s_class[%s_OUTPUTS] = {\n", w->name, w->upper);
    for (size_t i = 0; i < s->outputs; i++) {
        fputs("    ", w->to);
        put_text(w->to, s->classes[i]);
        fputs(",\n", w->to);
    }
    fputs("};\n\n", w->to);
}

static const char *array_name(const char *letter, bool there, size_t step, char text[32])
{
    if (there)
        snprintf(text, 32, "%s_%zu", letter, step);
    else
        snprintf(text, 32, "NULL");
    return text;
}

static void put_call(const writer *w, size_t i, const char *from, const char *to)
{
    const nb_export_step *s = &w->steps->step[i];
    char a[32], b[32], c[32], value[32];
    nb_snprintf(value, sizeof value, "%.9g", (double)(float)s->value);
    switch (s->kind) {
    case NB_STEP_DENSE:
        fprintf(w->to, "    dense(%zu, %zu, W_%zu, %s%s, %s, %s);\n", s->inputs, s->outputs, i,
                w->int8 ? (snprintf(c, sizeof c, "s_%zu, ", i), c) : "",
                array_name("b", s->b, i, b), from, to);
        break;
    case NB_STEP_CONVOLUTION:
        fprintf(w->to, "    convolution(&window_%zu, %zu, W_%zu, %sb_%zu, %s, %s);\n", i,
                s->out.dim[0], i, w->int8 ? (snprintf(c, sizeof c, "s_%zu, ", i), c) : "", i, from,
                to);
        break;
    case NB_STEP_MAX_POOL:
    case NB_STEP_AVERAGE_POOL:
        fprintf(w->to, "    %s(&window_%zu, %s, %s);\n", nb_part_name(s), i, from, to);
        break;
    case NB_STEP_NORMALIZE:
        fprintf(w->to, "    normalize(%zu, %zu, %s, %s, %s, %s, %s);\n", s->inputs,
                s->inputs / s->features, array_name("shift", s->shift, i, a),
                array_name("gain", s->gain, i, b), array_name("bias", s->bias, i, c), from, to);
        break;
    default:
        if (nb_part_takes_value(s))
            fprintf(w->to, "    %s(%zu, %s%sf, %s, %s);\n", nb_part_name(s), s->inputs, value,
                    strpbrk(value, ".e") ? "" : ".0", from, to);
        else
            fprintf(w->to, "    %s(%zu, %s, %s);\n", nb_part_name(s), s->inputs, from, to);
    }
}

static void put_function(const writer *w)
{
    static const char *const places[] = {"room_0", "room_1", "out"};
    const char *from = "in";
    fprintf(w->to, "\nvoid %s(const float *in, float *out)\n{\n", w->name);
    for (size_t i = 0; i < w->steps->count; i++) {
        const char *to = places[place_of(w->steps, i)];
        put_call(w, i, from, to);
        from = to;
    }
    if (w->steps->count == 0)
        fprintf(w->to, "    for (size_t i = 0; i < %s_OUTPUTS; i++) out[i] = in[i];\n", w->upper);
    fputs("}\n", w->to);
}

static void put_main(const writer *w)
{
    const char *n = w->name, *u = w->upper;
    fprintf(w->to, "\n#ifdef %s_MAIN\n#include <stdio.h>\n\nint main(void)\n{\n", u);
    fprintf(w->to, "    static float in[%s_INPUTS], out[%s_OUTPUTS];\n    size_t n = 0;\n", u, u);
    fprintf(w->to, "    while (scanf(\"%%f\", &in[n]) == 1) {\n");
    fprintf(w->to, "        if (++n < %s_INPUTS) continue;\n        n = 0;\n", u);
    fprintf(w->to, "        %s(in, out);\n", n);
    fprintf(w->to, "        for (size_t j = 0; j < %s_OUTPUTS; j++)\n", u);
    fprintf(w->to,
            "            printf(\"%%.9g%%c\", (double)out[j], j + 1 < %s_OUTPUTS ? ' ' : '\\n');\n",
            u);
    fprintf(w->to, "    }\n    return n != 0 || !feof(stdin) || ferror(stdin);\n}\n#endif\n");
}

/* --- all of it -------------------------------------------------------------------------------- */

/* C's words, and those of the file itself. */
static bool is_taken(const char *name)
{
    static const char words[] =
        " auto break case char const continue default do double else enum extern float for goto if "
        "inline "
        "int long register restrict return short signed sizeof static struct switch typedef union "
        "unsigned void volatile while main in out n window size_t expf NULL scanf printf EOF stdin "
        "feof ferror "
        /* of C23, which a compiler may take the file for */
        "alignas alignof bool constexpr false nullptr static_assert thread_local true typeof "
        "typeof_unqual ";
    static const char letters[] = " W b s shift gain bias window room ";
    char word[longest_name + 3];
    snprintf(word, sizeof word, " %s ", name);
    if (strstr(words, word) || nb_part_is_name(name)) return true;
    char *number = strchr(word, '_');
    if (!number || !isdigit((unsigned char)number[1])) return false;
    *number = ' ';
    number[1] = 0;
    return strstr(letters, word) != NULL;
}

static nb_status take_name(writer *w, const char *name)
{
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const size_t length = strlen(name);
    const bool fine = length > 0 && length <= longest_name && strspn(name, characters) == length &&
                      *name != '_' && !isdigit((unsigned char)*name);
    if (!fine || is_taken(name))
        return nb_fail(NB_EINVAL, "nb_export_c: name='%.80s', expected a free C identifier", name);
    for (size_t i = 0; i < length; i++) w->upper[i] = (char)toupper((unsigned char)name[i]);
    w->name = name;
    return NB_OK;
}

nb_status nb_export_c(const nb_model *m, const char *path, const nb_export_options *options)
{
    nb_export_steps steps = {0};
    writer w = {
        .steps = &steps, .note = options ? options->note : NULL, .int8 = options && options->int8};
    if (!m || !path) return nb_fail(NB_EINVAL, "nb_export_c: %s is NULL", m ? "path" : "model");
    nb_status status = take_name(&w, options && options->name ? options->name : "predict");
    if (!status) status = nb_export_steps_create(&steps, m);
    if (!status) status = nb_file_begin(&w.file, path);
    if (!status) {
        w.to = w.file.stream;
        measure(&w);
        put_head(&w);
        put_classes(&w);
        nb_parts_write(w.to, &steps, w.int8);
        put_arrays(&w);
        put_function(&w);
        put_main(&w);
        status = nb_file_commit(&w.file);
    }
    nb_file_abort(&w.file);
    nb_export_steps_destroy(&steps);
    return status;
}
