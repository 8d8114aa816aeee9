/* fuzz.h - what the fuzz targets share. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include "nablas/image.h"
#include "nablas/tensor.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A property of every answer: libFuzzer keeps the input that breaks it. */
#define fuzz_check(condition)                                                       \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* Read every element, for the sanitizer to see. */
static inline void fuzz_touch(const nb_tensor *t)
{
    volatile unsigned char sum = 0;
    const unsigned char *at = t->data;
    for (size_t i = nb_tensor_count(t) * nb_dtype_size(t->dtype); i > 0; i--)
        sum = (unsigned char)(sum + *at++);
}

/* The image in these bytes, if there is one, and every pixel of it. */
static inline void fuzz_image(const uint8_t *bytes, size_t size)
{
    static const size_t channels[] = {1, 3, 4};
    volatile unsigned char sum = 0;
    nb_image image;
    const nb_status status = nb_image_parse(bytes, size, "fuzz", channels[size % 3], &image);
    fuzz_check((status == NB_OK) == (image.pixels != NULL));
    for (size_t i = 0; i < image.width * image.height * image.channels; i++)
        sum = (unsigned char)(sum + image.pixels[i]);
    nb_image_destroy(&image);
}

/* The path of a file of these bytes: in memory where there is such a folder, and without a name, so
 * that a crash leaves nothing behind. */
static inline const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static char path[32];
    static int fd = -1;
    if (fd < 0) {
        char memory[] = "/dev/shm/nablas-fuzz-XXXXXX", disk[] = "/tmp/nablas-fuzz-XXXXXX";
        char *name = access("/dev/shm", W_OK) == 0 ? memory : disk;
        fd = mkstemp(name);
        unlink(name);
        snprintf(path, sizeof path, "/dev/fd/%d", fd);
    }
    if (ftruncate(fd, 0) || pwrite(fd, bytes, size, 0) != (ssize_t)size) {
        perror(path);
        exit(1);
    }
    return path;
}

static inline void fuzz_save(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file && fwrite(bytes, 1, size, file) == size && !fclose(file)) return;
    perror(path);
    exit(1);
}

/* The path of a file of that name in the folder that scripts/fuzz.sh makes and removes. */
static inline const char *fuzz_path(const char *name)
{
    static char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "/tmp", name);
    return path;
}

#endif
