/* fuzz_safetensors.c - nb_safetensors_parse on any bytes: an answer, no leak, and arrays that can
 * be read. */
#include "fuzz.h"
#include "nablas/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_arrays arrays;
    nb_status status = nb_safetensors_parse(bytes, size, "fuzz", &arrays);
    fuzz_check(status == NB_OK || arrays.count == 0);
    for (size_t i = 0; i < arrays.count; i++) {
        fuzz_touch(&arrays.item[i].tensor);
        fuzz_check(nb_arrays_find(&arrays, arrays.item[i].name) == &arrays.item[i].tensor);
    }
    nb_arrays_destroy(&arrays);
    return 0;
}
