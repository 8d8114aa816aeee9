/* fuzz_npy.c - nb_npy_parse on any bytes: an answer, no leak, and an array that can be read; and what
 * can be mapped is the same. */
#include "fuzz.h"
#include "nablas/map.h"
#include "nablas/npy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    nb_tensor tensor;
    nb_map map;
    char header[NB_NPY_HEADER_MAX];
    const nb_status status = nb_npy_parse(bytes, size, "fuzz", &tensor);
    if (status == NB_OK) {
        fuzz_touch(&tensor);
        fuzz_check(nb_npy_header(&tensor, header) % 64 == 0);
    } else {
        fuzz_check(tensor.data == NULL);
    }
    const char *path = fuzz_path("map.npy");
    fuzz_save(path, bytes, size);
    if (nb_map_open(&map, path) == NB_OK) {
        fuzz_check(!status && map.tensor.dtype == tensor.dtype);
        fuzz_check(nb_shape_equal(map.tensor.shape, tensor.shape));
        const size_t count = nb_tensor_count(&tensor) * nb_dtype_size(tensor.dtype);
        fuzz_check(count == 0 || !memcmp(map.tensor.data, tensor.data, count));
    }
    nb_map_close(&map);
    nb_tensor_destroy(&tensor);
    return 0;
}
