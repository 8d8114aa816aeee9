/* mnist_tool DIR TRAIN TEST - write the digits of digits.h as MNIST's four files into the folder
 * DIR: TRAIN and TEST images. For test_cli.sh. */
#include "digits.h"

#include "nablas/idx.h"

#include <stdio.h>
#include <stdlib.h>

static nb_status write_set(const char *folder, const char *name, size_t first, size_t n)
{
    char path[4096];
    nb_tensor images = {0}, labels = {0};
    nb_status status = nb_tensor_create(&images, NB_UINT8, NB_SHAPE(n, DIGIT_ROWS, DIGIT_COLUMNS));
    if (!status) status = nb_tensor_create(&labels, NB_UINT8, NB_SHAPE(n));
    if (!status) {
        make_digits(first, n, images.data, labels.data);
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
    if (argc != 4) {
        fprintf(stderr, "usage: mnist_tool DIR TRAIN TEST\n");
        return 2;
    }
    if (write_set(argv[1], "train", 0, strtoul(argv[2], NULL, 10)) ||
        write_set(argv[1], "t10k", 1000, strtoul(argv[3], NULL, 10))) {
        fprintf(stderr, "mnist_tool: %s\n", nb_last_error());
        return 1;
    }
    return 0;
}
