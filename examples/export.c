/* export - a trained model for programs that know nothing of nablas: C, and what the suffix of --to says.
 * docs/export.md goes through it. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    page page;
    const char *to, *name, *int8, *data, *layout, *like;
    nb_arrays arrays; /* of the model's file, under our names */
    nb_model *model;
} job;

/* How much is lost with weights of eight bits, which the model has from then on. */
static void round_weights(job *j)
{
    const page *p = &j->page;
    const char *folder = mnist_folder(p, NULL);
    const nb_model_options *o = &j->model->options;
    size_t inputs = 0;
    const bool mnist = !nb_shape_count(o->input, &inputs) && inputs == NB_DIGIT_PIXELS &&
                       o->scale == 255 && j->model->outputs == 10 && have_mnist(folder);
    const char *data = j->data ? j->data : (mnist ? folder : NULL);
    const double before = data ? export_metric(p, j->model, data) : 0;
    if (nb_model_round_int8(j->model)) fail(p->program);
    if (!data) {
        printf("weights as bytes; what is lost was not measured: --data says on what\n");
        return;
    }
    const double after = export_metric(p, j->model, data);
    printf("weights as bytes: %s on %s %.4f, before %.4f: %+.4f\n", nb_model_metric_name(j->model),
           data, after, before, after - before);
}

static void write_c(job *j)
{
    char *note = export_note(&j->page, j->model);
    const nb_export_options options = {.name = j->name, .int8 = j->int8 != NULL, .note = note};
    if (j->int8) round_weights(j);
    page_check(&j->page, nb_export_c(j->model, j->to, &options));
    free(note);
}

static void write_page(job *j)
{
    page_check(&j->page, export_page(j->model, j->to));
}

static void write_onnx(job *j)
{
    char *note = export_note(&j->page, j->model);
    page_check(&j->page, export_onnx(j->model, j->to, note));
    free(note);
}

/* Another library's, and how to make the module there; or as train_mnist --save keeps models. */
static void write_arrays(job *j)
{
    static const char *const names[] = {"nablas", "torch", "keras", NULL};
    const page *p = &j->page;
    char *python;
    if (!j->layout || one_of(p->program, "--layout", j->layout, names) == 0) {
        page_check(p, nb_model_save(j->model, j->to));
        return;
    }
    page_check(p, layout_out(layout_named(j->layout), j->model, &j->arrays, j->to, &python));
    fputs(python, stdout);
    free(python);
}

/* From --like comes what the weights of a module do not say: the layers, and all else in texts. */
static void take_like(const job *j, nb_arrays *arrays)
{
    const page *p = &j->page;
    nb_arrays like;
    if (nb_arrays_load(&like, j->like)) fail(p->program);
    for (size_t i = 0; i < like.texts; i++)
        if (!layout_text(like.text[i].key))
            page_check(p, nb_arrays_set_text(arrays, like.text[i].key, like.text[i].value));
    nb_arrays_destroy(&like);
}

static void read_model(job *j)
{
    const page *p = &j->page;
    const char *path = p->rest[0];
    static nb_arrays arrays; /* which j->arrays may be views of */
    if (nb_arrays_load(&arrays, path)) fail(p->program);
    const layout *theirs = layout_of(&arrays);
    if (j->like) take_like(j, &arrays);
    if (theirs) {
        nb_model *described;
        const nb_model_options small = {.max_batch = 1};
        page_check(p, nb_model_described(&described, &arrays, path, &small));
        page_check(p, layout_in(theirs, &arrays, described, path, &j->arrays));
        nb_model_destroy(described);
    } else {
        j->arrays = arrays;
    }
    const bool wide = j->arrays.count && j->arrays.item[0].tensor.dtype == NB_FLOAT64;
    const nb_model_options options = {.max_batch = 500, .dtype = wide ? NB_FLOAT64 : NB_FLOAT32};
    if (nb_model_from_arrays(&j->model, &j->arrays, path, &options)) fail(p->program);
}

/* The writers, by suffix. */
static const struct {
    const char *suffix;
    void (*write)(job *j);
    bool c, arrays;
} kinds[] = {{".c", write_c, true, false},
             {".html", write_page, false, false},
             {".onnx", write_onnx, false, false},
             {".safetensors", write_arrays, false, true},
             {".npz", write_arrays, false, true}};

static bool ends_in(const char *path, const char *suffix)
{
    const size_t length = strlen(path), end = strlen(suffix);
    return length > end && strcmp(path + length - end, suffix) == 0;
}

int main(int argc, char **argv)
{
    static job j;
    const page_option options[] = {
        {"to", "FILE",
         "what to write: .c, .html (a page that reads digits), .onnx, .safetensors or .npz", &j.to},
        {"name", "NAME", ".c: name of the function (predict)", &j.name},
        {"int8", NULL, ".c: weights as bytes in a quarter of the room; says what is lost", &j.int8},
        {"data", "PATH",
         "what --int8 is measured on: MNIST's folder, arrays, pictures, or the table's kind of "
         "text "
         "(MNIST in data/mnist, if the model is for it)",
         &j.data},
        {"layout", "NAME",
         ".safetensors, .npz: names and layouts of the weights, nablas, torch or keras; torch and "
         "keras print the module (nablas)",
         &j.layout},
        {"like", "MODEL",
         "the layers of a MODEL that does not say them: weights from PyTorch or Keras", &j.like},
        {"quiet", NULL, "print nothing", NULL},
        {NULL, "MODEL", NULL, NULL}};
    page_begin_text(&j.page, argc, argv,
                    "Write a model that was saved as a file for other programs.", options);
    const page *p = &j.page;
    size_t k = 0;
    if (!p->rest[0] || p->rest[1])
        usage_error(p->program, "expected one MODEL%s%s", p->rest[0] ? ", not also " : "",
                    p->rest[0] ? p->rest[1] : "");
    if (!j.to) usage_error(p->program, "--to FILE is missing");
    while (k < sizeof kinds / sizeof *kinds && !ends_in(j.to, kinds[k].suffix)) k++;
    if (k == sizeof kinds / sizeof *kinds)
        usage_error(p->program, "--to '%s': expected .c, .html, .onnx, .safetensors or .npz", j.to);
    if (!kinds[k].c && (j.name || j.int8)) usage_error(p->program, "--name and --int8 are for .c");
    if (!kinds[k].arrays && j.layout)
        usage_error(p->program, "--layout is for .safetensors and .npz");
    if (j.data && !j.int8) usage_error(p->program, "--data is what --int8 is measured on");
    read_model(&j);
    kinds[k].write(&j);
    nb_model_destroy(j.model);
    return page_end(p);
}
