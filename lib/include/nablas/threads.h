/* threads.h - a thread pool whose threads share one task at a time.
 *
 * Made for frequent tasks of ten microseconds or more: an idle thread spins briefly for the next
 * task and then sleeps, so that an idle pool costs nothing. */
#ifndef NABLAS_THREADS_H
#define NABLAS_THREADS_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_pool nb_pool;

/* One task: called once for each part 0 ... parts-1, all at the same time, so that parts may wait
 * for each other. Only part 0 is bound to a thread, the caller's. */
typedef nb_status (*nb_task)(void *context, size_t part, size_t parts);

#define NB_MAX_THREADS 1024

/* nb_pool_create - a pool of `threads` threads, including the caller: threads-1 are started.
 * nb_pool_destroy - end them; NULL is fine. No task may be running.
 * More threads than processors are no faster, and not much slower, than one for each processor: a
 * thread is only woken while parts are left.
 * A child of fork() has the pool, but not its threads: there it works as a pool of one thread, and
 * nb_pool_destroy frees its memory.
 * Errors: NB_EINVAL threads outside 1 ... NB_MAX_THREADS; NB_ENOMEM no memory, or the system
 *         starts no more threads; *pool is NULL then. */
nb_status nb_pool_create(nb_pool **pool, size_t threads);
void nb_pool_destroy(nb_pool *pool);

/* nb_pool_threads - the number of parts of a task; 1 for NULL and after a fork. */
size_t nb_pool_threads(const nb_pool *pool);

/* nb_pool_run - run task(context, part, parts) for all parts and return when all are done. The
 * caller does part 0. A NULL pool runs task(context, 0, 1) directly.
 * Errors: the status of the lowest part that failed, its detail as if it had failed here.
 * One caller at a time. Cost: about a microsecond beyond the task while the threads are awake. */
nb_status nb_pool_run(nb_pool *pool, nb_task task, void *context);

/* nb_share - divide n items evenly: the range lo ... hi-1 of one part; for tasks. */
void nb_share(size_t n, size_t part, size_t parts, size_t *lo, size_t *hi);

/* nb_processors - processors that this process may run on; at least 1. */
size_t nb_processors(void);

NB_END_DECLS
#endif
