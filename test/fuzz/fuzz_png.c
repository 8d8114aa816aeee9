/* fuzz_png.c - nb_image_parse on PNGs of any bytes: an answer, no leak, and an image that can be
 * read. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[0] == 0xff) return -1; /* fuzz_jpeg's */
    fuzz_image(bytes, size);
    return 0;
}
