#define _GNU_SOURCE
#include "nablas/threads.h"
#include "nablas/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* How often a waiting thread looks before it sleeps; some tens of microseconds. On a machine whose
 * processors are all busy a spinning thread steals the time it waits for, so it must not be long. */
enum { spins = 4000 };

/* A kernel of OpenBLAS alone takes 64 kB of stack, which is all that a thread gets by some systems' or
 * ulimit's choice. */
enum { least_stack = 1 << 20 };

/* Of each thread, and of each part: thread i does part i, unless the pool is crowded. */
typedef struct worker {
    nb_pool *pool;
    size_t part;
    pthread_t thread;
    nb_status status;
    char detail[512];
} worker;

struct nb_pool {
    size_t threads, started;
    unsigned forks; /* when it was made */
    /* More threads than processors. Waking them all would take far longer than most tasks, so they
     * do not spin; an awake thread takes part after part, and wakes one more thread while parts are
     * left. Parts that wait for each other therefore still get a thread each. */
    bool crowded;
    atomic_ullong turn; /* crowded: the round and, in the lower half, the next part to take */
    atomic_bool waking; /* crowded: a thread was woken that has not come yet */
    nb_task task;
    void *context;
    atomic_uint round; /* grows by one for each task */
    atomic_size_t
        running; /* parts of this round that are not finished, the caller's own left out */
    atomic_bool ending;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end; /* for sleeping threads: a new round, a finished one */
    worker *workers;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Waits for a round that is not `seen`, and tells which it is. */
static unsigned await_round(nb_pool *pool, unsigned seen)
{
    unsigned round;
    for (int i = 0; i < spins && !pool->crowded; i++) {
        round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen) return round;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while ((round = atomic_load_explicit(&pool->round, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->begin, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return round;
}

static void do_part(nb_pool *pool, size_t part)
{
    worker *w = &pool->workers[part];
    w->status = pool->task(pool->context, part, pool->threads);
    if (w->status) snprintf(w->detail, sizeof w->detail, "%s", nb_last_error());
}

static void finish_part(nb_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) != 1) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->end);
    pthread_mutex_unlock(&pool->mutex);
}

/* The next part of that round; false if none is left, or the round is over. */
static bool take_part(nb_pool *pool, unsigned round, size_t *part)
{
    unsigned long long turn = atomic_load(&pool->turn);
    do {
        *part = turn & UINT32_MAX;
        if (turn >> 32 != round || *part >= pool->threads) return false;
    } while (!atomic_compare_exchange_weak(&pool->turn, &turn, turn + 1));
    return true;
}

static void take_parts(nb_pool *pool, unsigned round)
{
    for (size_t part; take_part(pool, round, &part);) {
        if (part + 1 < pool->threads && !atomic_exchange(&pool->waking, true)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->begin);
            pthread_mutex_unlock(&pool->mutex);
        }
        do_part(pool, part);
        finish_part(pool);
    }
}

static void *work(void *argument)
{
    worker *self = argument;
    nb_pool *pool = self->pool;
    for (unsigned round = 0;;) {
        round = await_round(pool, round);
        if (atomic_load(&pool->ending)) return NULL;
        if (pool->crowded) {
            atomic_store(&pool->waking, false);
            take_parts(pool, round);
        } else {
            do_part(pool, self->part);
            finish_part(pool);
        }
    }
}

/* Begins the next round, or the end. The caller does part 0 itself. */
static unsigned start_round(nb_pool *pool)
{
    const unsigned round = atomic_load_explicit(&pool->round, memory_order_relaxed) + 1;
    atomic_store(&pool->waking, true);
    atomic_store(&pool->turn, (unsigned long long)round << 32 | 1);
    pthread_mutex_lock(&pool->mutex);
    atomic_store_explicit(&pool->round, round, memory_order_release);
    if (pool->crowded && !atomic_load(&pool->ending))
        pthread_cond_signal(&pool->begin);
    else
        pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->mutex);
    return round;
}

static void await_end(nb_pool *pool)
{
    for (int i = 0; i < spins && !pool->crowded; i++) {
        if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->running, memory_order_acquire) != 0)
        pthread_cond_wait(&pool->end, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

/* A child of fork() has the pool and none of its threads. */
static atomic_uint forks;

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static bool forked(const nb_pool *pool)
{
    return pool->forks != atomic_load_explicit(&forks, memory_order_relaxed);
}

static bool can_count_forks;

static void watch_forks(void)
{
    can_count_forks = pthread_atfork(NULL, NULL, count_fork) == 0;
}

static int start(worker *w)
{
    pthread_attr_t attributes;
    size_t stack;
    int error = pthread_attr_init(&attributes);
    if (error) return error;
    if (pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < least_stack)
        pthread_attr_setstacksize(&attributes, least_stack);
    error = pthread_create(&w->thread, &attributes, work, w);
    pthread_attr_destroy(&attributes);
    return error;
}

nb_status nb_pool_create(nb_pool **out, size_t threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!out) return nb_fail(NB_EINVAL, "nb_pool_create: pool=NULL");
    *out = NULL;
    if (threads < 1 || threads > NB_MAX_THREADS)
        return nb_fail(NB_EINVAL, "nb_pool_create: threads=%zu, expected 1 ... %d", threads,
                       NB_MAX_THREADS);
    pthread_once(&once, watch_forks);
    if (!can_count_forks) return nb_fail(NB_ENOMEM, "nb_pool_create: no memory to watch for fork");
    nb_pool *pool = nb_alloc_zero(1, sizeof *pool);
    if (!pool) return NB_ENOMEM;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->end, NULL);
    pool->threads = threads;
    pool->forks = atomic_load(&forks);
    pool->crowded = threads > nb_processors();
    pool->workers = nb_alloc_zero(threads, sizeof *pool->workers);
    if (!pool->workers) goto fail;
    for (size_t i = 1; i < threads; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->part = i;
        if (start(w)) {
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
    if (!forked(pool)) { /* after a fork there are no threads to end, and locks may be held */
        atomic_store(&pool->ending, true);
        start_round(pool);
        for (size_t i = 1; i <= pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
        pthread_cond_destroy(&pool->begin);
        pthread_cond_destroy(&pool->end);
        pthread_mutex_destroy(&pool->mutex);
    }
    nb_free(pool->workers);
    nb_free(pool);
}

size_t nb_pool_threads(const nb_pool *pool)
{
    return pool && !forked(pool) ? pool->threads : 1;
}

nb_status nb_pool_run(nb_pool *pool, nb_task task, void *context)
{
    if (!task) return nb_fail(NB_EINVAL, "nb_pool_run: task=NULL");
    if (nb_pool_threads(pool) == 1) return task(context, 0, 1);
    pool->task = task;
    pool->context = context;
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_release);
    const unsigned round = start_round(pool);
    do_part(pool, 0);
    if (pool->crowded) take_parts(pool, round);
    await_end(pool);
    for (size_t i = 0; i < pool->threads; i++)
        if (pool->workers[i].status)
            return nb_fail(pool->workers[i].status, "%s", pool->workers[i].detail);
    return NB_OK;
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
