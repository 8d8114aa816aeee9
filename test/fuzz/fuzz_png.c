/* fuzz_png.c - nb_png_parse on any bytes: an answer, no leak, and an image that can be read. */
#include "fuzz.h"
#include "nablas/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t channels[] = {1, 3, 4};
    volatile unsigned char sum = 0;
    nb_image image;
    nb_status status = nb_png_parse(bytes, size, "fuzz", channels[size % 3], &image);
    fuzz_check((status == NB_OK) == (image.pixels != NULL));
    for (size_t i = 0; i < image.width * image.height * image.channels; i++)
        sum = (unsigned char)(sum + image.pixels[i]);
    nb_image_destroy(&image);
    return 0;
}
