/* fuzz_checkpoint.c - nb_trainer_load on any bytes: an answer, and a trainer that goes on as before or
 * as the file says. */
#include "fuzz.h"
#include "nablas/file.h"
#include "nablas/train.h"

#include <stdio.h>
#include <stdlib.h>

static nb_trainer *trainer;
static char path[4096];

/* A small run, two steps old; what it saves is the seed of test/fuzz/corpus/checkpoint. */
static void begin(void)
{
    static float x[] = {0.1f, -0.4f, 0.7f, 0.2f, -0.3f, 0.9f};
    static int32_t t[] = {0, 1, 0};
    static nb_random random;
    static nb_dataset set;
    static nb_optimizer_options adam;
    nb_model *model;
    double loss;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/checkpoint", folder ? folder : "/tmp");
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
    fuzz_check(!nb_trainer_step(trainer, &loss) && !nb_trainer_step(trainer, &loss));
    if (getenv("FUZZ_SEED")) fuzz_check(!nb_trainer_save(trainer, NULL, getenv("FUZZ_SEED")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_arrays own;
    double loss;
    if (!trainer) begin();
    FILE *file = fopen(path, "wb");
    fuzz_check(file && fwrite(bytes, 1, size, file) == size && !fclose(file));
    if (!nb_trainer_load(trainer, &own, path)) {
        for (size_t i = 0; i < own.count; i++) fuzz_touch(&own.item[i].tensor);
        fuzz_check(!nb_trainer_step(trainer, &loss));
    } else {
        fuzz_check(own.count == 0);
    }
    nb_arrays_destroy(&own);
    return 0;
}
