/* fuzz_npy.c - nb_npy_parse on any bytes: an answer, no leak, and an array that can be read. */
#include "fuzz.h"
#include "nablas/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_tensor tensor;
    char header[NB_NPY_HEADER_MAX];
    if (nb_npy_parse(bytes, size, "fuzz", &tensor) == NB_OK) {
        fuzz_touch(&tensor);
        fuzz_check(nb_npy_header(&tensor, header) % 64 == 0);
    } else {
        fuzz_check(tensor.data == NULL);
    }
    nb_tensor_destroy(&tensor);
    return 0;
}
