/* failing_malloc.h - make the C library's malloc fail: for libraries that take no allocator.
 *
 * The program's malloc comes before the C library's also for the shared libraries, where the C
 * library is glibc and no sanitizer has one of its own. Include it in one file. */
#ifndef TEST_FAILING_MALLOC_H
#define TEST_FAILING_MALLOC_H

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Allocation number `malloc_fails_at` (from 1; 0 never) of those counted in `malloc_calls` fails. */
static size_t malloc_calls, malloc_fails_at;

#if defined(__GLIBC__) && !SANITIZED
#define MALLOC_CAN_FAIL 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static bool malloc_fails(void)
{
    if (++malloc_calls != malloc_fails_at) return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return malloc_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return malloc_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return malloc_fails() ? NULL : __libc_realloc(block, size);
}
#else
#define MALLOC_CAN_FAIL 0
#endif

#endif
