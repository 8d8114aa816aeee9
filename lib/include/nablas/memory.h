/* memory.h - checked sizes and aligned memory, through one replaceable allocator. */
#ifndef NABLAS_MEMORY_H
#define NABLAS_MEMORY_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* The alignment, in bytes, of every block that the library allocates: one cache line, one AVX-512
 * register. */
#define NB_ALIGNMENT 64

/* nb_size_mul, nb_size_add - *out = a * b, a + b; false, and *out untouched, if the result does not
 * fit in a size_t. */
bool nb_size_mul(size_t a, size_t b, size_t *out);
bool nb_size_add(size_t a, size_t b, size_t *out);

/* An allocator: `take` returns `bytes` (a positive multiple of NB_ALIGNMENT) aligned to
 * NB_ALIGNMENT, or NULL; `give` takes back what `take` returned, never NULL. `context` is passed to
 * both. */
typedef struct nb_allocator {
    void *(*take)(size_t bytes, void *context);
    void (*give)(void *block, void *context);
    void *context;
} nb_allocator;

/* nb_set_allocator - use `allocator` (copied) from now on; NULL restores the C library's. Set it
 * before the first object is made or when none is left: a block is freed by the current allocator.
 * Not thread-safe. */
void nb_set_allocator(const nb_allocator *allocator);

/* nb_alloc - room for `count` elements of `size` bytes each, contents undefined.
 * nb_alloc_zero - the same, all bytes 0.
 *
 * Returns NULL, with a detail in nb_last_error(), if the product overflows or memory runs out.
 * A size of 0 gives a block that may be freed but not read. */
void *nb_alloc(size_t count, size_t size);
void *nb_alloc_zero(size_t count, size_t size);

/* nb_free - free a block; NULL is fine. */
void nb_free(void *block);

NB_END_DECLS
#endif
