/* fuzz_idx.c - nb_idx_read on a file of any bytes: an answer, no leak, elements that can be read; and
 * what can be mapped is the same. */
#include "fuzz.h"
#include "nablas/idx.h"
#include "nablas/map.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_tensor tensor;
    nb_map map;
    const char *path = fuzz_file(bytes, size);
    const nb_status status = nb_idx_read(path, &tensor);
    if (status == NB_OK)
        fuzz_touch(&tensor);
    else
        fuzz_check(tensor.data == NULL);
    if (nb_map_open(&map, path) == NB_OK) {
        fuzz_check(!status && nb_shape_equal(map.tensor.shape, tensor.shape));
        const size_t count = nb_tensor_count(&tensor);
        fuzz_check(count == 0 || !memcmp(map.tensor.data, tensor.data, count));
        fuzz_check(!nb_map_check(&map));
    }
    nb_map_close(&map);
    nb_tensor_destroy(&tensor);
    return 0;
}
