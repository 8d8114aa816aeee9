#include "nablas/blas.h"

#include "kernel/blocks.h"
#include "nablas/threads.h"

#include <cblas.h>
#include <stdatomic.h>
#include <string.h>

int nb_blas_threads(void)
{
    return openblas_get_num_threads();
}

void nb_blas_set_threads(int n)
{
    openblas_set_num_threads(n < 1 ? 1 : n);
}

const char *nb_blas_core(void)
{
    return openblas_get_corename();
}

/* Where OpenBLAS has kernels for small matrices: its AVX-512 processors, since 0.3.17. */
static bool has_small_kernels(void)
{
    static const char *const cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        answer = 1;
        for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
            if (strcmp(openblas_get_corename(), cores[i]) == 0) answer = 2;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}

void nb_share_rows(size_t m, size_t part, size_t parts, size_t *lo, size_t *hi)
{
    const size_t groups = m < NB_ROW_GROUP ? 1 : m / NB_ROW_GROUP;
    size_t begin, end;
    nb_share(groups, part, parts, &begin, &end);
    *lo = begin < groups ? begin * NB_ROW_GROUP : m;
    *hi = end < groups ? end * NB_ROW_GROUP : m;
}

size_t nb_block_rows(bool trans_a, bool trans_b, size_t m, size_t n, size_t k)
{
    enum { least = 8, step = 4 };
    static const double small = 1e6;
    const double row = (double)n * (double)k;
    if ((double)m * row <= small || (double)least * row > small || (trans_b && !trans_a) ||
        !has_small_kernels() || nb_blas_threads() != 1)
        return m;
    const size_t most = (size_t)(small / row) / step * step, blocks = (m + most - 1) / most;
    return ((m + blocks - 1) / blocks + step - 1) / step * step;
}
