/* fuzz_model.c - any text as the description in a model's file, of a small network's weights: an
 * answer, no leak; and a model that opens predicts. */
#include "fuzz.h"
#include "nablas/arrays.h"
#include "nablas/model_file.h"

#include <string.h>

enum { WIDTH = 4 };

/* A .safetensors of W1 (3, 4), b1 and, if the text has such layers, W2 (4, 2), b2 and batch
 * norm's, with this description. */
static nb_status save(const char *text, const char *path)
{
    static float numbers[24] = {.1F, -.2F, .3F, .4F, -.5F, .6F, .7F, -.8F, .9F, 1, 1.1F, 1.2F};
    static const struct {
        const char *name;
        nb_shape shape;
    } all[] = {{"W1", {2, {3, 4}}}, {"b1", {1, {4}}},       {"W2", {2, {4, 2}}},
               {"b2", {1, {2}}},    {"gamma1", {1, {4}}},   {"beta1", {1, {4}}},
               {"mean1", {1, {4}}}, {"variance1", {1, {4}}}};
    nb_arrays arrays = {0};
    nb_status status = nb_arrays_set_text(&arrays, "nablas.model", text);
    const size_t count = strstr(text, "batch_norm") ? 8 : (strstr(text, "relu") ? 4 : 2);
    for (size_t i = 0; !status && i < count; i++)
        status = nb_arrays_add_view(&arrays, all[i].name,
                                    nb_tensor_view(NB_FLOAT32, all[i].shape, numbers));
    if (!status) status = nb_arrays_save(&arrays, path);
    nb_arrays_destroy(&arrays);
    return status;
}

static void predict(nb_model *model, float outputs[])
{
    nb_tensor x, y;
    nb_shape shape = {model->options.input.ndim + 1, {2}};
    memcpy(shape.dim + 1, model->options.input.dim, model->options.input.ndim * sizeof *shape.dim);
    fuzz_check(!nb_tensor_create(&x, NB_FLOAT32, shape));
    fuzz_check(!nb_tensor_create(&y, NB_FLOAT32, NB_SHAPE(2, model->outputs)));
    fuzz_check(!nb_model_predict(model, &x, &y));
    memcpy(outputs, y.data, 2 * model->outputs * sizeof *outputs);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
}

static void go_round(nb_model *model)
{
    float before[2 * WIDTH], after[2 * WIDTH];
    nb_model *again;
    fuzz_check(model->outputs <= WIDTH);
    const char *path = fuzz_path("again.npz");
    predict(model, before);
    fuzz_check(!nb_model_save(model, path));
    fuzz_check(!nb_model_open(&again, path, &(nb_model_options){.max_batch = 2}));
    predict(again, after);
    fuzz_check(!memcmp(before, after, 2 * model->outputs * sizeof *before));
    nb_model_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char text[1 << 14];
    nb_model *model;
    if (size >= sizeof text) return 0;
    if (size) memcpy(text, bytes, size);
    text[size] = 0;
    const char *path = fuzz_path("m.safetensors");
    if (save(text, path)) return 0; /* no UTF-8 */
    if (nb_model_open(&model, path, &(nb_model_options){.max_batch = 2}) == NB_OK)
        go_round(model);
    else
        fuzz_check(model == NULL);
    nb_model_destroy(model);
    return 0;
}
