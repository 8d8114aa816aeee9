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

enum { STEPS = 3 };

static nb_trainer *trainer;
static char path[4096], seed[4096];
static unsigned char *bytes_of_seed;
static size_t size_of_seed;
static double losses[STEPS];

static void create(void)
{
    static float x[] = {0.1f, -0.4f, 0.7f, 0.2f, -0.3f, 0.9f};
    static int32_t t[] = {0, 1, 0};
    static nb_random random;
    static nb_dataset set;
    static nb_optimizer_options adam;
    nb_model *model;
    set = (nb_dataset){.x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 2), x),
                       .t = nb_tensor_view(NB_INT32, NB_SHAPE(3), t),
                       .classes = 2};
    nb_random_seed(&random, 0);
    nb_optimizer_defaults(&nb_adam, &adam);
    fuzz_check(!nb_model_create(&model, &(nb_model_options){.input = NB_SHAPE(2),
                                                            .layers = NB_LAYERS(nb_dense(2)),
                                                            .max_batch = 200,
                                                            .random = &random}));
    fuzz_check(!nb_trainer_create(&trainer, model, &set, NULL, &random,
                                  &(nb_train_options){.iterations = 9,
                                                      .batch = 2,
                                                      .lr = 0.1,
                                                      .sampling = NB_EPOCH,
                                                      .optimizer = &nb_adam,
                                                      .optimizer_options = &adam,
                                                      .threads = 1}));
}

/* A small run, two steps old, with something of the caller's; what it saves is the seed of
 * test/fuzz/corpus/checkpoint. Then what its next steps give. */
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
    for (size_t i = 0; i < STEPS; i++) fuzz_check(!nb_trainer_step(trainer, &losses[i]));
    fuzz_check(!nb_trainer_load(trainer, NULL, seed));
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
        const size_t which = edits[0] % (all.count + all.texts), at = edits[1] << 8 | edits[2];
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
    } else {
        fuzz_check(own.count == 0);
        for (size_t i = 0; i < STEPS; i++)
            fuzz_check(!nb_trainer_step(trainer, &loss) && loss == losses[i]);
    }
    fuzz_check(!nb_trainer_load(trainer, NULL, seed));
    nb_arrays_destroy(&own);
    return 0;
}
