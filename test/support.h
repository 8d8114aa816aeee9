/* support.h - what the tests share. Include it first: cmocka needs its headers in this order. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nablas/status.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is expected where a size has 64 bits, and where it has 32. */
#if SIZE_MAX > UINT32_MAX
#define SIZES(wide, narrow) wide
#else
#define SIZES(wide, narrow) narrow
#endif

/* The call succeeds; if not, the test shows the detail. */
#define assert_ok(call) support_assert_ok((call), #call, __FILE__, __LINE__)
void support_assert_ok(nb_status status, const char *call, const char *file, int line);

/* The call fails with `code`, and nb_last_error() contains `text`. */
#define assert_fails(code, text, call) \
    support_assert_fails((code), (text), (call), __FILE__, __LINE__)
void support_assert_fails(nb_status code, const char *text, nb_status got, const char *file,
                          int line);

/* |a - b| <= bound; a NaN on either side fails. */
#define assert_near(a, b, bound) support_assert_near((a), (b), (bound), __FILE__, __LINE__)
void support_assert_near(double a, double b, double bound, const char *file, int line);

/* Uniform in [-1, 1), the same on every machine, never 0 or a power of two: test data. */
double support_value(uint64_t *state);
void support_fill_d(size_t n, double *x, uint64_t seed);
void support_fill_s(size_t n, float *x, uint64_t seed);

/* A counting allocator for nb_set_allocator. support_allocator_start makes allocation number
 * `fail_at` (from 1; 0 never) return NULL; `live` counts blocks not yet given back. */
typedef struct support_counts {
    size_t taken, live, fail_at;
} support_counts;
extern support_counts support_memory;
void support_allocator_start(size_t fail_at);
void support_allocator_stop(void);

/* `status` is NB_ENOMEM if the allocation that was to fail was reached, and NB_OK if not: a failure that is
 * passed over fails the test. */
#define assert_memory_status(status)                                                              \
    assert_int_equal((status),                                                                    \
                     support_memory.fail_at > 0 && support_memory.taken >= support_memory.fail_at \
                         ? NB_ENOMEM                                                              \
                         : NB_OK)

/* The path of a new empty folder for this test's files, made once per process; removed at exit. */
const char *support_folder(void);
/* folder/name, in one of eight static buffers used in turn. */
const char *support_path(const char *name);
/* Write `size` bytes to support_path(name) and return that path. */
const char *support_write(const char *name, const void *bytes, size_t size);

/* Set a locale with a decimal comma, which is made in that folder; false where it cannot be. Go back
 * with setlocale(LC_ALL, "C"). */
bool support_decimal_comma(void);

#endif
