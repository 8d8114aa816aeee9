#include "support.h"

#include "nablas/memory.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

void support_assert_ok(nb_status status, const char *call, const char *file, int line)
{
    if (status == NB_OK) return;
    print_error("%s\n  gave %s: %s\n", call, nb_status_text(status), nb_last_error());
    _fail(file, line);
}

void support_assert_fails(nb_status code, const char *text, nb_status got, const char *file,
                          int line)
{
    if (got == code && strstr(nb_last_error(), text)) return;
    print_error("expected '%s' with \"%s\"\n  got      '%s' with \"%s\"\n", nb_status_text(code),
                text, nb_status_text(got), nb_last_error());
    _fail(file, line);
}

void support_assert_near(double a, double b, double bound, const char *file, int line)
{
    if (fabs(a - b) <= bound) return;
    print_error("%.17g and %.17g differ by %.3g, more than %.3g\n", a, b, fabs(a - b), bound);
    _fail(file, line);
}

double support_value(uint64_t *state)
{
    /* splitmix64: Steele, Lea & Flood, OOPSLA 2014. */
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11 | 1) * 0x1p-52 - 1.0;
}

void support_fill_d(size_t n, double *x, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) x[i] = support_value(&seed);
}

void support_fill_s(size_t n, float *x, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)support_value(&seed);
}

support_counts support_memory;

static void *counted_take(size_t bytes, void *context)
{
    (void)context;
    if (++support_memory.taken == support_memory.fail_at) return NULL;
    void *block = aligned_alloc(NB_ALIGNMENT, bytes);
    support_memory.live += block != NULL;
    return block;
}

static void counted_give(void *block, void *context)
{
    (void)context;
    support_memory.live--;
    free(block);
}

void support_allocator_start(size_t fail_at)
{
    static const nb_allocator counted = {counted_take, counted_give, NULL};
    support_memory = (support_counts){.fail_at = fail_at};
    nb_set_allocator(&counted);
}

void support_allocator_stop(void)
{
    nb_set_allocator(NULL);
}

static char folder[] = "/tmp/nablas-test-XXXXXX";

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command)) fprintf(stderr, "cannot remove %s\n", folder);
}

const char *support_folder(void)
{
    static bool made;
    if (!made) {
        if (!mkdtemp(folder)) {
            perror("mkdtemp");
            exit(1);
        }
        atexit(remove_folder);
        made = true;
    }
    return folder;
}

const char *support_path(const char *name)
{
    static char paths[8][256];
    static size_t turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", support_folder(), name);
    return path;
}

const char *support_write(const char *name, const void *bytes, size_t size)
{
    const char *path = support_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
        perror(path);
        exit(1);
    }
    return path;
}

bool support_decimal_comma(void)
{
    char command[200];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>&1",
             support_folder());
    return setenv("LOCPATH", support_folder(), 1) == 0 && system(command) == 0 &&
           setlocale(LC_ALL, "de_DE.UTF-8") && *localeconv()->decimal_point == ',';
}
