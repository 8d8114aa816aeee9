#include "signals.h"
#include "common.h"

#include <unistd.h>

volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    static volatile sig_atomic_t count;
    interrupted = number;
    if (++count == 3) _exit(EXIT_SIGNAL + number);
}

void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction old, action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++)
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}
