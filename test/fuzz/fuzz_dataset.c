/* fuzz_dataset.c - arrays x and t of any type, shape and elements in a file: a dataset that can be
 * checked, gathered and divided, or the reason why not, and no leak. */
#include "fuzz.h"
#include "nablas/arrays.h"
#include "nablas/dataset_file.h"

#include <string.h>

/* Its type, its dimensions, then its elements, repeated as often as they are needed. */
static size_t add(nb_arrays *arrays, const char *name, const uint8_t *bytes, size_t size)
{
    static const nb_dtype dtypes[] = {NB_FLOAT32, NB_FLOAT64, NB_UINT8, NB_INT8,
                                      NB_INT16,   NB_INT32,   NB_INT64};
    nb_tensor t;
    if (size < 5) return size;
    nb_shape shape = {bytes[1] % 5, {bytes[2] % 32, 1 + bytes[3] % 3, 1 + bytes[3] / 3 % 3, 1}};
    size_t used = bytes[4] < size - 5 ? bytes[4] : size - 5;
    fuzz_check(!nb_tensor_create(&t, dtypes[bytes[0] % 7], shape));
    const size_t room = nb_tensor_count(&t) * nb_dtype_size(t.dtype);
    for (size_t i = 0; used > 0 && i < room; i++)
        ((unsigned char *)t.data)[i] = bytes[5 + i % used];
    fuzz_check(!nb_arrays_add(arrays, name, &t));
    return 5 + used;
}

static void use(const nb_dataset *d, const nb_names *classes)
{
    nb_dataset first, second;
    nb_random random;
    char text[NB_FINGERPRINT_ROOM];
    nb_random_seed(&random, 1);
    fuzz_check(!nb_dataset_check(d, "fuzz"));
    fuzz_check(!nb_dataset_fingerprint(d, text, sizeof text));
    fuzz_check(classes->count == 0 || classes->count == d->classes);
    if (d->classes)
        for (size_t i = 0; i < nb_dataset_count(d); i++)
            fuzz_check((size_t)((int32_t *)d->t.data)[i] < d->classes);
    const nb_status status = nb_dataset_divide(d, 0.3, &random, &first, &second);
    fuzz_check(!status || status == NB_EINVAL);
    if (!status)
        fuzz_check(nb_dataset_count(&first) + nb_dataset_count(&second) == nb_dataset_count(d));
    nb_dataset_destroy(&first);
    nb_dataset_destroy(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"one", "2", "three"};
    nb_names known, classes;
    nb_dataset d;
    nb_arrays arrays = {0};
    if (size < 2) return 0;
    const uint8_t how = bytes[0];
    size_t used = 1;
    used += add(&arrays, "x", bytes + used, size - used);
    add(&arrays, "t", bytes + used, size - used);
    const char *path = fuzz_path("d.safetensors");
    fuzz_check(!nb_names_create(&known, 3, names));
    if (nb_arrays_save(&arrays, path) == NB_OK) {
        const nb_dataset_file_options options = {.learning = (nb_learning)(how % 3),
                                                 .classes = how & 64 ? &known : NULL,
                                                 .inputs_only = how & 128};
        if (nb_dataset_load(&d, &classes, path, NULL, &options) == NB_OK)
            use(&d, &classes);
        else
            fuzz_check(!d.x.data && !d.t.data && classes.count == 0);
        nb_dataset_destroy(&d);
        nb_names_destroy(&classes);
    }
    nb_names_destroy(&known);
    nb_arrays_destroy(&arrays);
    return 0;
}
