#define _DEFAULT_SOURCE
#include "nablas/memory.h"
#include "nablas/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* With pages of four kilobytes, a network's arrays and images drawn at random miss the processor's table of
 * pages often: ask Linux for large pages where a block fills one. */
enum { page = 2 << 20 };

static void *large_take(size_t bytes)
{
    void *block = aligned_alloc(page, (bytes + page - 1) / page * page);
#if defined(MADV_HUGEPAGE)
    if (block) (void)madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
}

static void *libc_take(size_t bytes, void *context)
{
    (void)context;
    if (bytes >= page && bytes <= SIZE_MAX / 2) return large_take(bytes);
    return aligned_alloc(NB_ALIGNMENT, bytes);
}

static void libc_give(void *block, void *context)
{
    (void)context;
    free(block);
}

static const nb_allocator libc_allocator = {libc_take, libc_give, NULL};
static nb_allocator current = {libc_take, libc_give, NULL};

bool nb_size_mul(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool nb_size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

void nb_set_allocator(const nb_allocator *allocator)
{
    current = allocator ? *allocator : libc_allocator;
}

void *nb_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!nb_size_mul(count, size, &bytes) || !nb_size_add(bytes, NB_ALIGNMENT - 1, &bytes)) {
        nb_fail(NB_ENOMEM, "nb_alloc: %zu elements of %zu bytes overflow a size", count, size);
        return NULL;
    }
    bytes = bytes / NB_ALIGNMENT * NB_ALIGNMENT;
    void *block = current.take(bytes ? bytes : NB_ALIGNMENT, current.context);
    if (!block) nb_fail(NB_ENOMEM, "nb_alloc: no memory for %zu bytes", bytes);
    return block;
}

void *nb_alloc_zero(size_t count, size_t size)
{
    void *block = nb_alloc(count, size);
    if (block) memset(block, 0, count * size);
    return block;
}

void nb_free(void *block)
{
    if (block) current.give(block, current.context);
}
