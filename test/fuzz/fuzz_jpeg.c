/* fuzz_jpeg.c - nb_image_parse on JPEGs of any bytes: an answer, no leak, and an image that can be
 * read. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || bytes[0] != 0xff) return -1; /* no JPEG: not for the corpus */
    fuzz_image(bytes, size);
    return 0;
}
