/* Which build of vector.c this machine runs. Decided once, by the machine and by NABLAS_ISA. */
#include "kernel/vector.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const NB(vector) * NB(vector_named)(const char *name)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return &NB(vector_avx512);
    if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return &NB(vector_avx2);
#endif
    return strcmp(name, "base") == 0 ? &NB(vector_base) : NULL;
}

static const NB(vector) * choose(void)
{
    static const char *const widest_first[] = {"avx512", "avx2", "base"};
    const char *name = getenv("NABLAS_ISA");
    const NB(vector) *table = name ? NB(vector_named)(name) : NULL;
    for (size_t i = 0; !table; i++) table = NB(vector_named)(widest_first[i]);
    return table;
}

/* Two threads that come here first together store the same pointer. */
const NB(vector) * NB(vector_table)(void)
{
    static _Atomic(const NB(vector) *) chosen;
    const NB(vector) *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!table) {
        table = choose();
        atomic_store_explicit(&chosen, table, memory_order_release);
    }
    return table;
}
