/* A model as a page that reads digits: its numbers put into examples/digit_page.html. */
#include "export.h"
#include "report.h"

#include <string.h>

/* The lines of that file, by the Makefile. */
static const char *const lines[] = {
#include "digit_page.h"
};

static const char *const kinds[NB_STEP_KINDS] = {
    "dense", "convolution", "max_pool", "average_pool", "normalize", "activation", "softmax"};

typedef struct writer {
    nb_file file;
    FILE *to;
    const nb_export_steps *steps;
} writer;

/* JSON, in a script: no < that could end it. */
static void put_name(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        fprintf(to, c < ' ' || strchr("\"\\<", c) ? "\\u%04x" : "%c", c);
    }
    fputc('"', to);
}

/* Where an array begins among all numbers, if it is there. */
static void put_place(const writer *w, const char *name, const float *array)
{
    if (array) fprintf(w->to, ", %s: %td", name, array - w->steps->block);
}

static void put_window(const writer *w, const nb_window *v)
{
    if (!v->rows) return;
    fprintf(w->to, ", window: {channels: %zu, height: %zu, width: %zu, rows: %zu, columns: %zu, ",
            v->channels, v->height, v->width, v->rows, v->columns);
    fprintf(w->to, "stride_y: %zu, stride_x: %zu, pad_y: %zu, pad_x: %zu, ", v->stride_y,
            v->stride_x, v->pad_y, v->pad_x);
    fprintf(w->to, "out_height: %zu, out_width: %zu}", v->out_height, v->out_width);
}

static void put_step(const writer *w, const nb_export_step *s)
{
    char value[32];
    fprintf(w->to, "    {kind: \"%s\", inputs: %zu, outputs: %zu, out: [", kinds[s->kind],
            s->inputs, s->outputs);
    for (size_t d = 0; d < s->out.ndim; d++) fprintf(w->to, "%s%zu", d ? ", " : "", s->out.dim[d]);
    fputc(']', w->to);
    if (s->kind == NB_STEP_ACTIVATION)
        fprintf(w->to, ", activation: \"%s\", value: %s", nb_activation_name(s->activation),
                nb_number_text(s->value, value));
    if (s->features) fprintf(w->to, ", features: %zu", s->features);
    put_place(w, "W", s->W);
    put_place(w, "b", s->b);
    put_place(w, "shift", s->shift);
    put_place(w, "gain", s->gain);
    put_place(w, "bias", s->bias);
    put_window(w, &s->window);
    fputs("},\n", w->to);
}

/* Of all processors, as a page is read on another. */
static nb_status put_weights(writer *w)
{
    const float *x = w->steps->block;
    unsigned char bytes[4 * 768];
    nb_status status = NB_OK;
    for (size_t i = 0, n; i < w->steps->numbers && !status; i += n) {
        n = w->steps->numbers - i < 768 ? w->steps->numbers - i : 768;
        for (size_t k = 0; k < n; k++) {
            uint32_t bits;
            memcpy(&bits, &x[i + k], sizeof bits);
            for (size_t b = 0; b < 4; b++) bytes[4 * k + b] = (unsigned char)(bits >> 8 * b);
        }
        status = put_base64(&w->file, bytes, 4 * n);
    }
    return status;
}

static nb_status put_network(writer *w)
{
    const nb_export_steps *s = w->steps;
    fprintf(w->to, "const network = {\n  outputs: %zu,\n  classes: ", s->outputs);
    fputs(s->classes ? "[" : "null", w->to);
    for (size_t i = 0; s->classes && i < s->outputs; i++) {
        fputs(i ? ", " : "", w->to);
        put_name(w->to, s->classes[i]);
    }
    fputs(s->classes ? "],\n  steps: [\n" : ",\n  steps: [\n", w->to);
    for (size_t i = 0; i < s->count; i++) put_step(w, &s->step[i]);
    fputs("  ],\n  weights: \"", w->to);
    nb_status status = put_weights(w);
    fputs("\"\n};\n", w->to);
    return status;
}

nb_status export_page(const nb_model *m, const char *path)
{
    char shape[96];
    nb_export_steps steps;
    writer w = {.steps = &steps};
    nb_status status = nb_export_steps_create(&steps, m);
    if (!status && steps.inputs != NB_DIGIT_PIXELS)
        status = nb_fail(NB_EINVAL,
                         "%s: a page is for images of 28 x 28 pixels, the model's input is %s",
                         nb_file_label(path), nb_shape_text(steps.input, shape, sizeof shape));
    if (!status) status = nb_file_begin(&w.file, path);
    w.to = w.file.stream;
    for (size_t i = 0; i < sizeof lines / sizeof *lines && !status; i++) {
        if (strcmp(lines[i], "//NETWORK//\n") == 0)
            status = put_network(&w);
        else
            status = nb_file_write(&w.file, lines[i], strlen(lines[i]));
    }
    if (!status) status = nb_file_commit(&w.file);
    nb_file_abort(&w.file);
    nb_export_steps_destroy(&steps);
    return status;
}
