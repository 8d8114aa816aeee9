#define _GNU_SOURCE
#include "nablas/threads.h"
#include "nablas/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* How often a waiting thread looks before it sleeps; some tens of microseconds. On a machine whose
 * processors are all busy a spinning thread steals the time it waits for, so it must not be long;
 * a pool of more threads than processors does not spin at all.
 */
enum { spins = 4000 };

typedef struct worker {
    nb_pool *pool;
    size_t part;
    pthread_t thread;
    nb_status status;
    char detail[512];
} worker;

struct nb_pool {
    size_t threads, started;
    int spins;
    nb_task task;
    void *context;
    atomic_uint round;     /* grows by one for each task */
    atomic_size_t running; /* workers that have not finished this round */
    atomic_bool ending;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end; /* for those who sleep: a new round, a finished one */
    worker *workers;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void await_round(nb_pool *pool, unsigned seen)
{
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->round, memory_order_acquire) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen)
        pthread_cond_wait(&pool->begin, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument)
{
    worker *self = argument;
    nb_pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        await_round(pool, seen);
        if (atomic_load(&pool->ending)) return NULL;
        self->status = pool->task(pool->context, self->part, pool->threads);
        if (self->status) snprintf(self->detail, sizeof self->detail, "%s", nb_last_error());
        if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->end);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void start_round(nb_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->mutex);
}

static void await_end(nb_pool *pool)
{
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->running, memory_order_acquire) != 0)
        pthread_cond_wait(&pool->end, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

nb_status nb_pool_create(nb_pool **out, size_t threads)
{
    *out = NULL;
    if (threads < 1 || threads > NB_MAX_THREADS)
        return nb_fail(NB_EINVAL, "nb_pool_create: threads=%zu, expected 1 ... %d", threads,
                       NB_MAX_THREADS);
    nb_pool *pool = nb_alloc_zero(1, sizeof *pool);
    if (!pool) return NB_ENOMEM;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->end, NULL);
    pool->threads = threads;
    pool->spins = threads <= nb_processors() ? spins : 0;
    pool->workers = nb_alloc_zero(threads, sizeof *pool->workers);
    if (!pool->workers) goto fail;
    for (size_t i = 1; i < threads; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->part = i;
        if (pthread_create(&w->thread, NULL, work, w)) {
            nb_fail(NB_ENOMEM, "nb_pool_create: the system started %zu of %zu threads", i, threads);
            goto fail;
        }
        pool->started++;
    }
    *out = pool;
    return NB_OK;
fail:
    nb_pool_destroy(pool);
    return NB_ENOMEM;
}

void nb_pool_destroy(nb_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->ending, true);
    start_round(pool);
    for (size_t i = 1; i <= pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->begin);
    pthread_cond_destroy(&pool->end);
    pthread_mutex_destroy(&pool->mutex);
    nb_free(pool->workers);
    nb_free(pool);
}

size_t nb_pool_threads(const nb_pool *pool)
{
    return pool ? pool->threads : 1;
}

nb_status nb_pool_run(nb_pool *pool, nb_task task, void *context)
{
    if (!pool || pool->threads == 1) return task(context, 0, 1);
    pool->task = task;
    pool->context = context;
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_release);
    start_round(pool);
    nb_status status = task(context, 0, pool->threads);
    await_end(pool);
    for (size_t i = 1; i < pool->threads && !status; i++) {
        status = pool->workers[i].status;
        if (status) nb_fail(status, "%s", pool->workers[i].detail);
    }
    return status;
}

void nb_share(size_t n, size_t part, size_t parts, size_t *lo, size_t *hi)
{
    const size_t each = n / parts, extra = n % parts;
    *lo = part * each + (part < extra ? part : extra);
    *hi = *lo + each + (part < extra);
}

size_t nb_processors(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return (size_t)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (size_t)online;
}
