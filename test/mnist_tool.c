/* mnist_tool DIR TRAIN TEST [large] - write the digits of digits.h as MNIST's four files into the
 * folder DIR: TRAIN and TEST images; `large`: their pixels first in images of 28x28. For the tests
 * of programs. */
#include "digits.h"

#include "nablas/idx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Spread n images of DIGIT_PIXELS bytes out to `pixels` bytes each, in place. */
static void enlarge(uint8_t *images, size_t n, size_t pixels)
{
    for (size_t i = n; i-- > 0;) {
        memmove(images + i * pixels, images + i * DIGIT_PIXELS, DIGIT_PIXELS);
        memset(images + i * pixels + DIGIT_PIXELS, 0, pixels - DIGIT_PIXELS);
    }
}

static nb_status write_set(const char *folder, const char *name, size_t first, size_t n,
                           nb_shape shape)
{
    char path[4096];
    nb_tensor images = {0}, labels = {0};
    nb_status status = nb_tensor_create(&images, NB_UINT8, NB_SHAPE(n, shape.dim[0], shape.dim[1]));
    if (!status) status = nb_tensor_create(&labels, NB_UINT8, NB_SHAPE(n));
    if (!status) {
        make_digits(first, n, images.data, labels.data);
        enlarge(images.data, n, nb_tensor_width(&images));
        snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, name);
        status = nb_idx_write(path, &images);
    }
    if (!status) {
        snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, name);
        status = nb_idx_write(path, &labels);
    }
    nb_tensor_destroy(&images);
    nb_tensor_destroy(&labels);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4 && !(argc == 5 && strcmp(argv[4], "large") == 0)) {
        fprintf(stderr, "usage: mnist_tool DIR TRAIN TEST [large]\n");
        return 2;
    }
    const nb_shape shape = argc == 5 ? NB_SHAPE(28, 28) : NB_SHAPE(DIGIT_ROWS, DIGIT_COLUMNS);
    if (write_set(argv[1], "train", 0, strtoul(argv[2], NULL, 10), shape) ||
        write_set(argv[1], "t10k", 1000, strtoul(argv[3], NULL, 10), shape)) {
        fprintf(stderr, "mnist_tool: %s\n", nb_last_error());
        return 1;
    }
    return 0;
}
