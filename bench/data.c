/* What the benchmarks work on, and what ends them. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void bench_check(nb_status status)
{
    if (status) bench_fail("%s", nb_last_error());
}

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *bench_numbers(nb_dtype dtype, size_t n)
{
    nb_tensor t;
    nb_random random;
    nb_random_seed(&random, 0);
    bench_check(nb_tensor_create(&t, dtype, NB_SHAPE(n)));
    for (size_t i = 0; i < n; i++) nb_kernels_of(dtype)->set(t.data, i, nb_random_rand(&random));
    return t.data;
}

/* A stand-in: ink where a fixed digit-like blob of a fifth of the pixels is, jittered per image. */
static void invent(nb_dataset *d, size_t n, nb_random *random)
{
    bench_check(nb_tensor_create(&d->x, NB_UINT8, NB_SHAPE(n, 784)));
    bench_check(nb_tensor_create(&d->t, NB_UINT8, NB_SHAPE(n)));
    d->scale = 255;
    d->classes = NB_MNIST_CLASSES;
    for (size_t i = 0; i < n; i++) {
        size_t draw[4];
        bench_check(nb_random_choice(random, 9, 4, draw));
        uint8_t *image = nb_tensor_at(&d->x, i);
        for (size_t y = 4; y < 24; y++)
            for (size_t x = 4; x < 24; x++)
                if ((x + y * draw[0] + draw[1]) % 5 < 2 && x > draw[2] && y > draw[3])
                    image[28 * y + x] = (uint8_t)(100 + 7 * draw[0] + 3 * (x + y));
        ((uint8_t *)d->t.data)[i] = (uint8_t)draw[0];
    }
}

const nb_mnist *bench_mnist(void)
{
    static nb_mnist mnist;
    static bool loaded;
    const char *folder = getenv("NABLAS_DATA");
    if (loaded) return &mnist;
    loaded = true;
    if (nb_mnist_load(&mnist, folder ? folder : "data/mnist", NULL)) {
        nb_random random;
        nb_random_seed(&random, 1);
        invent(&mnist.train, 60000, &random);
        invent(&mnist.test, 10000, &random);
        mnist.rows = mnist.columns = 28;
        printf("data:       a stand-in; 'make data' fetches MNIST\n");
    }
    return &mnist;
}
