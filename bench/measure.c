/* Timing. */
#include "bench.h"

#include <stdlib.h>

enum { rounds = 3, most_calls = 8, most_blocks = 64 };

static const double warm_seconds = 0.03, round_seconds = 0.07, block_seconds = 0.002;

static double block(void (*call)(void *), void *context, size_t calls)
{
    const double begin = nb_seconds();
    for (size_t i = 0; i < calls; i++) call(context);
    return nb_seconds() - begin;
}

/* Run untimed; the number of calls that fill a block. */
static size_t warm_up(void (*call)(void *), void *context)
{
    size_t calls = 1;
    for (double total = 0; total < warm_seconds;) {
        const double seconds = block(call, context, calls);
        total += seconds;
        if (seconds < block_seconds) calls *= 2;
    }
    return calls;
}

/* One round; seconds of a call, block by block. Returns the number of blocks. */
static size_t time_blocks(void (*call)(void *), void *context, double taken[most_blocks])
{
    const size_t calls = warm_up(call, context);
    size_t blocks = 0;
    for (double total = 0; total < round_seconds && blocks < most_blocks; blocks++) {
        const double seconds = block(call, context, calls);
        taken[blocks] = seconds / (double)calls;
        total += seconds;
    }
    return blocks;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_compare(size_t n, void (*const call[])(void *), void *const context[], bench_time time[])
{
    static double taken[most_calls][rounds * most_blocks];
    size_t blocks[most_calls] = {0};
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < n; i++)
            blocks[i] += time_blocks(call[i], context[i], taken[i] + blocks[i]);
    for (size_t i = 0; i < n; i++) {
        qsort(taken[i], blocks[i], sizeof taken[i][0], ascending);
        time[i] = (bench_time){taken[i][0], taken[i][blocks[i] / 2]};
    }
}

bench_time bench_measure(void (*call)(void *), void *context)
{
    bench_time time;
    bench_compare(1, &call, &context, &time);
    return time;
}
