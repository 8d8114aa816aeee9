/* fuzz_idx.c - nb_idx_read on a file of any bytes: an answer, no leak, elements that can be read.
 */
#include "fuzz.h"
#include "nablas/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_tensor tensor;
    if (nb_idx_read(fuzz_file(bytes, size), &tensor) == NB_OK)
        fuzz_touch(&tensor);
    else
        fuzz_check(tensor.data == NULL);
    nb_tensor_destroy(&tensor);
    return 0;
}
