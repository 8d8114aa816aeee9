/* Timing and tables. */
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { most_blocks = 4096 };

static double block(void (*call)(void *), void *context, size_t calls)
{
    const double begin = nb_seconds();
    for (size_t i = 0; i < calls; i++) call(context);
    return nb_seconds() - begin;
}

static size_t calls_in_a_block(void (*call)(void *), void *context)
{
    for (size_t calls = 1;; calls *= 2)
        if (block(call, context, calls) >= 0.02 || calls > (size_t)1 << 30) return calls;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_compare(size_t n, void (*const call[])(void *), void *const context[], bench_time time[])
{
    enum { most_calls = 8 };
    static double taken[most_calls][most_blocks];
    size_t calls[most_calls], blocks = 0;
    for (size_t i = 0; i < n; i++) calls[i] = calls_in_a_block(call[i], context[i]);
    for (double total = 0; (blocks < 3 || total < 0.2 * (double)n) && blocks < most_blocks;
         blocks++)
        for (size_t i = 0; i < n; i++) {
            const double seconds = block(call[i], context[i], calls[i]);
            taken[i][blocks] = seconds / (double)calls[i];
            total += seconds;
        }
    for (size_t i = 0; i < n; i++) {
        qsort(taken[i], blocks, sizeof taken[i][0], ascending);
        time[i] = (bench_time){taken[i][0], taken[i][blocks / 2]};
    }
}

bench_time bench_measure(void (*call)(void *), void *context)
{
    bench_time time;
    bench_compare(1, &call, &context, &time);
    return time;
}

/* --- tables ----------------------------------------------------------------------------------- */

static struct {
    size_t columns;
    FILE *csv;
} table;

const char *bench_cell(const char *format, ...)
{
    static char cells[64][64];
    static size_t turn;
    char *cell = cells[turn++ % 64];
    va_list args;
    va_start(args, format);
    vsnprintf(cell, sizeof cells[0], format, args);
    va_end(args);
    return cell;
}

/* Display width of UTF-8 text: bytes that do not continue a character. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) width += (*text & 0xc0) != 0x80;
    return width;
}

void bench_row(const char *const *cell)
{
    for (size_t i = 0; i < table.columns; i++) {
        const int padding = (i == 0 ? 34 : 12) - width_of(cell[i]);
        if (i == 0)
            printf("  %s%*s", cell[i], padding > 0 ? padding : 0, "");
        else
            printf(" %*s%s", padding > 0 ? padding : 0, "", cell[i]);
        if (table.csv) fprintf(table.csv, "%s\"%s\"", i ? "," : "", cell[i]);
    }
    putchar('\n');
    fflush(stdout);
    if (table.csv) fputc('\n', table.csv);
}

void bench_table(const char *name, const char *title, size_t columns, const char *const *heading)
{
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    table.columns = columns;
    table.csv = fopen(bench_cell("build/bench/%s.csv", name), "w");
    printf("\n%s\n", title);
    bench_row(heading);
}

void bench_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("  ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void bench_table_end(void)
{
    if (table.csv) fclose(table.csv);
    table.csv = NULL;
}

void bench_check(nb_status status)
{
    if (status == NB_OK) return;
    fprintf(stderr, "bench: %s\n", nb_last_error());
    exit(1);
}

/* --- data ------------------------------------------------------------------------------------- */

/* A stand-in: ink where a fixed digit-like blob of a fifth of the pixels is, jittered per image. */
static void invent(nb_dataset *d, size_t n, nb_random *random)
{
    bench_check(nb_tensor_create(&d->images, NB_UINT8, NB_SHAPE(n, 28, 28)));
    bench_check(nb_tensor_create(&d->labels, NB_UINT8, NB_SHAPE(n)));
    d->normalize = d->flatten = true;
    for (size_t i = 0; i < n; i++) {
        size_t draw[4];
        bench_check(nb_random_choice(random, 9, 4, draw));
        uint8_t *image = nb_tensor_at(&d->images, i);
        for (size_t y = 4; y < 24; y++)
            for (size_t x = 4; x < 24; x++)
                if ((x + y * draw[0] + draw[1]) % 5 < 2 && x > draw[2] && y > draw[3])
                    image[28 * y + x] = (uint8_t)(100 + 7 * draw[0] + 3 * (x + y));
        ((uint8_t *)d->labels.data)[i] = (uint8_t)draw[0];
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
        printf("data:       a stand-in; 'make data' fetches MNIST\n");
    }
    return &mnist;
}
