/* fuzz_checkpoint.c - nb_trainer_load on any bytes: refused, and the trainer goes on as before, or
 * taken, and it goes on as the file says. Bytes that do not begin as a ZIP archive are edits of a
 * checkpoint, which is then saved with the checksums right. */
#include "fuzz.h"
#include "nablas/arrays.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npz.h"
#include "nablas/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_trainer *trainer;
static nb_model *model;
static nb_random random_stream;
static char path[4096], seed[4096];
static unsigned char *bytes_of_seed;
static size_t size_of_seed;
static nb_random random_before;
static unsigned char before[512]; /* parameters and what the optimiser keeps */
static size_t size_before;

static void create(void)
{
    static float x[] = {0.1f, -0.4f, 0.7f, 0.2f, -0.3f, 0.9f};
    static int32_t t[] = {0, 1, 0};
    static nb_dataset set;
    static nb_optimizer_options adam;
    set = (nb_dataset){.x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 2), x),
                       .t = nb_tensor_view(NB_INT32, NB_SHAPE(3), t),
                       .classes = 2};
    nb_random_seed(&random_stream, 0);
    nb_optimizer_defaults(&nb_adam, &adam);
    fuzz_check(!nb_model_create(&model, &(nb_model_options){.input = NB_SHAPE(2),
                                                            .layers = NB_LAYERS(nb_dense(2)),
                                                            .max_batch = 200,
                                                            .random = &random_stream}));
    fuzz_check(!nb_trainer_create(&trainer, model, &set, NULL, &random_stream,
                                  &(nb_train_options){.iterations = 9,
                                                      .batch = 2,
                                                      .lr = 0.1,
                                                      .sampling = NB_EPOCH,
                                                      .optimizer = &nb_adam,
                                                      .optimizer_options = &adam,
                                                      .threads = 1}));
}

static size_t take(unsigned char *to, size_t used, const nb_tensor *t)
{
    const size_t size = nb_tensor_count(t) * nb_dtype_size(t->dtype);
    fuzz_check(used + size <= sizeof before);
    memcpy(to + used, t->data, size);
    return used + size;
}

static size_t take_all(unsigned char *to)
{
    nb_optimizer *optimizer = nb_trainer_optimizer(trainer);
    const nb_tensor parameters = nb_graph_parameters(model->graph);
    size_t used = take(to, 0, &parameters);
    for (size_t i = 0; i < nb_optimizer_states(optimizer); i++) {
        const nb_optimizer_state state = nb_optimizer_state_at(optimizer, i);
        used = take(to, used, &state.value);
    }
    return used;
}

/* A small run, two steps old, with something of the caller's; what it saves is the seed of
 * test/fuzz/corpus/checkpoint. */
static void begin(void)
{
    static double numbers[] = {1, 2};
    nb_arrays own = {0};
    double loss;
    create();
    snprintf(path, sizeof path, "%s", fuzz_path("checkpoint"));
    snprintf(seed, sizeof seed, "%s",
             getenv("FUZZ_SEED") ? getenv("FUZZ_SEED") : fuzz_path("seed"));
    fuzz_check(!nb_trainer_step(trainer, &loss) && !nb_trainer_step(trainer, &loss));
    fuzz_check(!nb_arrays_add_view(&own, "mine", nb_tensor_view(NB_FLOAT64, NB_SHAPE(2), numbers)));
    fuzz_check(!nb_arrays_set_text(&own, "said", "by me"));
    fuzz_check(!nb_trainer_save(trainer, &own, seed));
    fuzz_check(!nb_file_read(seed, &bytes_of_seed, &size_of_seed));
    nb_arrays_destroy(&own);
    size_before = take_all(before);
    random_before = random_stream;
}

static void edit_array(nb_named_array *item, size_t at, uint8_t value)
{
    nb_tensor *t = &item->tensor;
    const size_t size = nb_tensor_count(t) * nb_dtype_size(t->dtype);
    if (at == 0xffff)
        item->name[0] = (char)(1 + value % 127);
    else if (at == 0xfffe && t->shape.ndim > 1)
        t->shape = NB_SHAPE(nb_tensor_count(t));
    else if (size > 0)
        ((unsigned char *)t->data)[at % size] = value;
}

/* Each edit is four bytes: which array or text, where (two), and what is put there. */
static void save_edited(const uint8_t *edits, size_t size)
{
    nb_arrays all;
    fuzz_check(!nb_npz_parse(bytes_of_seed, size_of_seed, "seed", &all));
    for (; size >= 4; edits += 4, size -= 4) {
        const size_t which = edits[0] % (all.count + all.texts);
        const size_t at = (size_t)edits[1] << 8 | edits[2];
        if (which < all.count) {
            edit_array(&all.item[which], at, edits[3]);
        } else {
            char *text = (char *)(uintptr_t)all.text[which - all.count].value;
            if (*text) text[at % strlen(text)] = (char)(edits[3] & 0x7f);
        }
    }
    const nb_status status = nb_npz_save(&all, path, false);
    nb_arrays_destroy(&all);
    if (status) fuzz_save(path, "", 0); /* names that are none, or twice the same */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_arrays own;
    double loss;
    if (!trainer) begin();
    if (size > 0 && bytes[0] == 'P')
        fuzz_save(path, bytes, size);
    else
        save_edited(bytes, size);
    if (!nb_trainer_load(trainer, &own, path)) {
        for (size_t i = 0; i < own.count; i++) fuzz_touch(&own.item[i].tensor);
        fuzz_check(!nb_trainer_step(trainer, &loss));
        fuzz_check(!nb_trainer_load(trainer, NULL, seed));
    } else {
        unsigned char now[sizeof before];
        fuzz_check(own.count == 0 && nb_trainer_steps(trainer) == 2);
        fuzz_check(take_all(now) == size_before && !memcmp(now, before, size_before));
        fuzz_check(!memcmp(random_stream.key, random_before.key, sizeof random_before.key));
        fuzz_check(random_stream.pos == random_before.pos);
    }
    nb_arrays_destroy(&own);
    return 0;
}
