#define _GNU_SOURCE /* pthread_setattr_default_np */
#include "support.h"

#include "nablas/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 4 };

#if defined(__SANITIZE_THREAD__)
static const bool thread_sanitizer = true;
#else
static const bool thread_sanitizer = false;
#endif

static nb_pool *pool_of(size_t threads)
{
    nb_pool *pool;
    assert_ok(nb_pool_create(&pool, threads));
    assert_int_equal(nb_pool_threads(pool), threads);
    return pool;
}

/* --- running ---------------------------------------------------------------------------------- */

typedef struct tally {
    unsigned long calls[most]; /* plain: each part has its own, and nb_pool_run orders the rounds */
    size_t parts;
    atomic_size_t all;
    atomic_bool wrong;
} tally;

static nb_status count_call(void *context, size_t part, size_t parts)
{
    tally *t = context;
    if (part >= parts || parts != t->parts) atomic_store(&t->wrong, true);
    t->calls[part % most]++;
    return NB_OK;
}

static nb_status add_call(void *context, size_t part, size_t parts)
{
    tally *t = context;
    if (part >= parts || parts != t->parts) atomic_store(&t->wrong, true);
    atomic_fetch_add(&t->all, 1);
    return NB_OK;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Many rounds so short that a thread may still be finishing one when the next begins. Where
 * processors are few or busy, a round waits for the scheduler: then fewer, but some. */
static void every_part_runs_once_a_round(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= most; threads++) {
        nb_pool *pool = pool_of(threads);
        tally t = {.parts = threads};
        const double end = seconds() + 0.2;
        for (unsigned long round = 1; round <= 100000; round++) {
            assert_ok(nb_pool_run(pool, count_call, &t));
            for (size_t i = 0; i < threads; i++)
                if (t.calls[i] != round) fail_msg("part %zu ran %lu times", i, t.calls[i]);
            if (round > 50 && round % 16 == 0 && seconds() > end) break;
        }
        assert_false(atomic_load(&t.wrong));
        nb_pool_destroy(pool);
    }
}

static void sleepers_wake(void **state)
{
    (void)state;
    nb_pool *pool = pool_of(3);
    tally t = {.parts = 3};
    for (unsigned long round = 1; round <= 5; round++) {
        assert_ok(nb_pool_run(pool, count_call, &t));
        for (size_t i = 0; i < 3; i++) assert_int_equal(t.calls[i], round);
        /* Far longer than a thread watches before it sleeps. */
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    nb_pool_destroy(pool);
}

static nb_status wait_long(void *context, size_t part, size_t parts)
{
    (void)context, (void)parts;
    if (part) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return count_call(context, part, parts);
}

static void the_caller_sleeps_until_the_last_part_is_done(void **state)
{
    (void)state;
    nb_pool *pool = pool_of(4);
    tally t = {.parts = 4};
    assert_ok(nb_pool_run(pool, wait_long, &t));
    for (size_t i = 0; i < 4; i++) assert_int_equal(t.calls[i], 1);
    nb_pool_destroy(pool);
}

typedef struct meeting {
    atomic_size_t present;
} meeting;

/* Ends only if every part is running: parts that wait for each other would not. */
static nb_status meet(void *context, size_t part, size_t parts)
{
    meeting *m = context;
    const time_t end = time(NULL) + 20;
    (void)part;
    atomic_fetch_add(&m->present, 1);
    while (atomic_load(&m->present) < parts) {
        if (time(NULL) > end) return nb_fail(NB_ESTOPPED, "part %zu waited in vain", part);
        sched_yield();
    }
    return NB_OK;
}

static void parts_run_at_the_same_time(void **state)
{
    (void)state;
    nb_pool *pool = pool_of(4);
    meeting m = {0};
    assert_ok(nb_pool_run(pool, meet, &m));
    nb_pool_destroy(pool);
}

/* --- more threads than processors --------------------------------------------------------------- */

/* A round of a thousand parts that do nothing took 17 ms, to wake every thread; it takes 0.1 ms. */
static void a_thousand_threads_are_soon_through(void **state)
{
    (void)state;
    /* Addresses of 32 bits have no room for the stacks of more. */
    const size_t threads = sizeof(void *) == 4 ? 300 : 1000;
    nb_pool *pool = pool_of(threads);
    tally t = {.parts = threads};
    const double begin = seconds();
    for (int round = 0; round < 200; round++) assert_ok(nb_pool_run(pool, add_call, &t));
    if (!thread_sanitizer) assert_true(seconds() - begin < 1.5);
    nb_pool_destroy(pool);
    assert_int_equal(atomic_load(&t.all), 200 * threads);
    assert_false(atomic_load(&t.wrong));
}

/* Rounds that need all threads at once between rounds that one thread can do alone. */
static void parts_of_a_crowded_pool_run_at_the_same_time_too(void **state)
{
    (void)state;
    const size_t threads = nb_processors() + 37;
    nb_pool *pool = pool_of(threads);
    tally t = {.parts = threads};
    for (int round = 1; round <= 20; round++) {
        meeting m = {0};
        assert_ok(nb_pool_run(pool, meet, &m));
        for (int i = 0; i < round; i++) assert_ok(nb_pool_run(pool, add_call, &t));
    }
    assert_int_equal(atomic_load(&t.all), threads * 20 * 21 / 2);
    nb_pool_destroy(pool);
}

static nb_status fail_everywhere(void *context, size_t part, size_t parts)
{
    (void)context, (void)parts;
    return nb_fail(NB_EINVAL, "part %zu", part);
}

static void the_lowest_part_of_a_crowded_pool_answers(void **state)
{
    (void)state;
    nb_pool *pool = pool_of(nb_processors() + 5);
    for (int round = 0; round < 100; round++) {
        nb_fail(NB_EIO, "before");
        assert_int_equal(nb_pool_run(pool, fail_everywhere, NULL), NB_EINVAL);
        assert_string_equal(nb_last_error(), "part 0");
    }
    nb_pool_destroy(pool);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) /* TSan needs a larger stack itself */
/* A kernel of OpenBLAS needs more than the 64 kB that some systems, or ulimit -s 64, give a thread. */
static nb_status use_stack(void *context, size_t part, size_t parts)
{
    volatile char deep[500000];
    (void)context, (void)part, (void)parts;
    for (size_t i = 0; i < sizeof deep; i += 1000) deep[i] = 1;
    return deep[7000] == 1 ? NB_OK : NB_ERANGE;
}

static void threads_have_room_for_blas(void **state)
{
    (void)state;
    pthread_attr_t before, small;
    const long least = sysconf(_SC_THREAD_STACK_MIN); /* 128 kB on arm64 */
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, least > 65536 ? (size_t)least : 65536), 0);
    assert_int_equal(pthread_setattr_default_np(&small), 0);
    nb_pool *pool = pool_of(2);
    assert_ok(nb_pool_run(pool, use_stack, NULL));
    nb_pool_destroy(pool);
    assert_int_equal(pthread_setattr_default_np(&before), 0);
}
#else
static void threads_have_room_for_blas(void **state)
{
    (void)state;
    skip();
}
#endif

/* --- after fork() ------------------------------------------------------------------------------- */

/* In a child that a hang would not outlive; returns its exit status. */
static int in_a_child(int (*task)(nb_pool *), nb_pool *pool)
{
    int status = -1;
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        _exit(task(pool));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int run_alone(nb_pool *pool)
{
    tally t = {.parts = 1};
    if (nb_pool_threads(pool) != 1 || nb_pool_run(pool, count_call, &t)) return 1;
    return t.calls[0] == 1 && !atomic_load(&t.wrong) ? 0 : 2;
}

static int destroy_it(nb_pool *pool)
{
    nb_pool_destroy(pool);
    return 0;
}

static int have_one_of_its_own(nb_pool *parents)
{
    nb_pool *pool;
    meeting m = {0};
    (void)parents;
    if (nb_pool_create(&pool, 4) || nb_pool_threads(pool) != 4) return 1;
    if (nb_pool_run(pool, meet, &m)) return 2;
    nb_pool_destroy(pool);
    return 0;
}

static void a_child_works_alone(void **state)
{
    (void)state;
    for (size_t threads = 2; threads <= nb_processors() + 8; threads += 3) {
        nb_pool *pool = pool_of(threads);
        tally t = {.parts = threads};
        assert_ok(nb_pool_run(pool, add_call, &t));
        assert_int_equal(in_a_child(run_alone, pool), 0);
        assert_int_equal(in_a_child(destroy_it, pool), 0);
        if (!thread_sanitizer) /* which ends a child of threads that starts some */
            assert_int_equal(in_a_child(have_one_of_its_own, pool), 0);
        assert_ok(nb_pool_run(pool, add_call, &t));
        assert_int_equal(atomic_load(&t.all), 2 * threads);
        assert_int_equal(nb_pool_threads(pool), threads);
        nb_pool_destroy(pool);
    }
}

static void no_pool_is_one_part(void **state)
{
    (void)state;
    tally t = {.parts = 1};
    assert_int_equal(nb_pool_threads(NULL), 1);
    assert_ok(nb_pool_run(NULL, count_call, &t));
    assert_int_equal(t.calls[0], 1);
}

/* --- failing ---------------------------------------------------------------------------------- */

/* Parts whose bit is set in *context fail, the lowest last of all. */
static nb_status fail_some(void *context, size_t part, size_t parts)
{
    const unsigned bits = *(const unsigned *)context;
    (void)parts;
    if (!(bits >> part & 1)) return NB_OK;
    nanosleep(&(struct timespec){.tv_nsec = 100000 * (long)(most - part)}, NULL);
    return nb_fail((nb_status)((int)NB_EINVAL + (int)part), "part %zu of %u", part, bits);
}

static void the_lowest_failing_part_answers(void **state)
{
    (void)state;
    char detail[64];
    nb_pool *pool = pool_of(most);
    for (unsigned bits = 0; bits < 1u << most; bits++) {
        size_t lowest = 0;
        if (bits == 0) {
            assert_ok(nb_pool_run(pool, fail_some, &bits));
            continue;
        }
        while (!(bits >> lowest & 1)) lowest++;
        snprintf(detail, sizeof detail, "part %zu of %u", lowest, bits);
        assert_fails((nb_status)((int)NB_EINVAL + (int)lowest), detail,
                     nb_pool_run(pool, fail_some, &bits));
        assert_string_equal(nb_last_error(), detail);
        /* A failure is forgotten by the next round. */
        assert_ok(nb_pool_run(pool, fail_some, &(unsigned){0}));
    }
    nb_pool_destroy(pool);
}

static void a_size_outside_the_range_is_refused(void **state)
{
    (void)state;
    nb_pool *before = pool_of(1), *pool = before;
    assert_fails(NB_EINVAL, "nb_pool_create: threads=0, expected 1 ... 1024",
                 nb_pool_create(&pool, 0));
    assert_null(pool);
    pool = before;
    assert_fails(NB_EINVAL, "threads=1025", nb_pool_create(&pool, 1025));
    assert_null(pool);
    assert_fails(NB_EINVAL, "nb_pool_create: pool=NULL", nb_pool_create(NULL, 2));
    assert_fails(NB_EINVAL, "nb_pool_run: task=NULL", nb_pool_run(before, NULL, NULL));
    nb_pool_destroy(before);
    nb_pool_destroy(NULL);
}

static void a_pool_survives_no_memory(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    do {
        nb_pool *pool;
        support_allocator_start(++fail_at);
        status = nb_pool_create(&pool, 3);
        assert_int_equal(status == NB_OK, pool != NULL);
        if (status) assert_fails(NB_ENOMEM, "no memory", status);
        nb_pool_destroy(pool);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    } while (status);
    assert_true(fail_at > 1);
}

/* --- shares ----------------------------------------------------------------------------------- */

static void shares_cover_everything_once_and_are_even(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 100, 784, SIZE_MAX - 1, SIZE_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t parts = 1; parts <= 9; parts++) {
            size_t next = 0;
            for (size_t part = 0; part < parts; part++) {
                size_t lo, hi;
                nb_share(sizes[s], part, parts, &lo, &hi);
                assert_true(lo == next && lo <= hi);
                assert_in_range(hi - lo, sizes[s] / parts,
                                sizes[s] / parts + (sizes[s] % parts != 0));
                next = hi;
            }
            assert_true(next == sizes[s]);
        }
}

static void there_is_a_processor(void **state)
{
    (void)state;
    assert_true(nb_processors() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_runs_once_a_round),
        cmocka_unit_test(sleepers_wake),
        cmocka_unit_test(the_caller_sleeps_until_the_last_part_is_done),
        cmocka_unit_test(parts_run_at_the_same_time),
        cmocka_unit_test(a_thousand_threads_are_soon_through),
        cmocka_unit_test(parts_of_a_crowded_pool_run_at_the_same_time_too),
        cmocka_unit_test(the_lowest_part_of_a_crowded_pool_answers),
        cmocka_unit_test(threads_have_room_for_blas),
        cmocka_unit_test(a_child_works_alone),
        cmocka_unit_test(no_pool_is_one_part),
        cmocka_unit_test(the_lowest_failing_part_answers),
        cmocka_unit_test(a_size_outside_the_range_is_refused),
        cmocka_unit_test(a_pool_survives_no_memory),
        cmocka_unit_test(shares_cover_everything_once_and_are_even),
        cmocka_unit_test(there_is_a_processor),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
