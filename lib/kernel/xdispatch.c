/* Which build of vector.c this machine runs. Decided once, by the machine and by NABLAS_ISA. */
#include "kernel/vector.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const NB(vector) * choose(void)
{
#if defined(__x86_64__)
    const char *name = getenv("NABLAS_ISA");
    if (!name) name = "";
    __builtin_cpu_init();
    const int wants_base = strcmp(name, "base") == 0;
    const int wants_avx2 = strcmp(name, "avx2") == 0;
    const int has_avx512 = __builtin_cpu_supports("avx512f") &&
                           __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (has_avx512 && !wants_base && !wants_avx2) return &NB(vector_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !wants_base)
        return &NB(vector_avx2);
#endif
    return &NB(vector_base);
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
