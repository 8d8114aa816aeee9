#include "nablas/blas.h"

#include "kernel/blocks.h"
#include "nablas/text.h"
#include "nablas/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* --- which BLAS this is ----------------------------------------------------------------------- */

/* Where OpenBLAS is linked (the Makefile tries), it is asked; where another CBLAS is, it may still be
 * OpenBLAS under that name, which shows when the program is loaded. Likewise OpenMP's runtime library,
 * which is there if OpenBLAS was built for it: one build takes another's place under the same name. */
#define IF_THERE __attribute__((weak))
#if defined(NB_OPENBLAS)
#define OPENBLAS
#else
#define OPENBLAS IF_THERE
#endif
int openblas_get_parallel(void) OPENBLAS;
int openblas_get_num_threads(void) OPENBLAS;
void openblas_set_num_threads(int) OPENBLAS;
char *openblas_get_corename(void) OPENBLAS;
char *openblas_get_config(void) OPENBLAS;
int omp_get_max_threads(void) IF_THERE;
void omp_set_num_threads(int) IF_THERE;

typedef enum {
    OTHER,    /* another CBLAS: threads may call it, and it has its own settings */
    SERIAL,   /* OpenBLAS without threads: nor with locks, so one call at a time */
    PTHREADS, /* OpenBLAS with threads of its own, their number the process's */
    OPENMP    /* OpenBLAS with those of OpenMP, their number that of each calling thread */
} build;

static build build_of_blas(void)
{
    static int (*const parallel)(void) = openblas_get_parallel;
    static void (*const set)(int) = omp_set_num_threads;
    static int (*const get)(void) = omp_get_max_threads;
    if (!parallel) return OTHER;
    switch (parallel()) {
    case 1:
        return PTHREADS;
    case 2:
        return set && get ? OPENMP : SERIAL;
    default:
        return SERIAL;
    }
}

const char *nb_blas_core(void)
{
    return build_of_blas() == OTHER ? "unknown" : openblas_get_corename();
}

bool nb_blas_concurrent(void)
{
    return build_of_blas() != SERIAL;
}

static char description[256];

static void describe(void)
{
    static const char *const text[] = {[SERIAL] = "no threads, one call at a time",
                                       [PTHREADS] = "threads of its own",
                                       [OPENMP] = "OpenMP threads"};
    const build b = build_of_blas();
    if (b == OTHER)
        nb_snprintf(description, sizeof description, "CBLAS, not OpenBLAS");
    else
        nb_snprintf(description, sizeof description, "%s, %s", openblas_get_config(), text[b]);
}

const char *nb_blas_description(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, describe);
    return description;
}

/* --- how many threads it uses ----------------------------------------------------------------- */

static pthread_mutex_t setting = PTHREAD_MUTEX_INITIALIZER; /* of the next two */
static atomic_size_t singles;                               /* begun and not ended */
static atomic_int wanted; /* threads outside them; 0: what BLAS has by itself */

/* Made true for each call where BLAS's own setting is a thread's. */
static void apply(int n)
{
    if (n && build_of_blas() == PTHREADS) openblas_set_num_threads(n);
}

int nb_blas_threads(void)
{
    const build b = build_of_blas();
    const int n = atomic_load(&wanted);
    if (atomic_load(&singles) || b == SERIAL || b == OTHER) return 1;
    if (b == PTHREADS) return openblas_get_num_threads();
    return n ? n : omp_get_max_threads();
}

void nb_blas_set_threads(int n)
{
    pthread_mutex_lock(&setting);
    atomic_store(&wanted, n < 1 ? 1 : n);
    if (atomic_load(&singles) == 0) apply(atomic_load(&wanted));
    pthread_mutex_unlock(&setting);
}

void nb_blas_begin_single(void)
{
    pthread_mutex_lock(&setting);
    if (atomic_load(&singles) == 0) {
        if (build_of_blas() == PTHREADS) atomic_store(&wanted, openblas_get_num_threads());
        apply(1);
    }
    atomic_fetch_add(&singles, 1);
    pthread_mutex_unlock(&setting);
}

void nb_blas_end_single(void)
{
    pthread_mutex_lock(&setting);
    if (atomic_load(&singles) && atomic_fetch_sub(&singles, 1) == 1) apply(atomic_load(&wanted));
    pthread_mutex_unlock(&setting);
}

static pthread_mutex_t one_call = PTHREAD_MUTEX_INITIALIZER;

int nb_blas_enter(void)
{
    const build b = build_of_blas();
    if (b == SERIAL) pthread_mutex_lock(&one_call);
    if (b != OPENMP) return 0;
    const int n = atomic_load(&singles) ? 1 : atomic_load(&wanted), before = omp_get_max_threads();
    if (n == 0 || n == before) return 0;
    omp_set_num_threads(n);
    return before;
}

void nb_blas_leave(int before)
{
    if (before) omp_set_num_threads(before);
    if (build_of_blas() == SERIAL) pthread_mutex_unlock(&one_call);
}

/* --- sharing products out --------------------------------------------------------------------- */

/* Where OpenBLAS has kernels for small matrices: its AVX-512 processors, since 0.3.17. */
static bool has_small_kernels(void)
{
    static const char *const cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        answer = 1;
        for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
            if (strcmp(nb_blas_core(), cores[i]) == 0) answer = 2;
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

bool nb_block_copies(size_t m, size_t n, size_t k, size_t size)
{
    return m >= NB_ROW_GROUP && k <= NB_COPY_BYTES / size / n && has_small_kernels() &&
           nb_blas_threads() == 1;
}
