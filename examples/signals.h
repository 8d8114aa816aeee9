/* signals.h - a run that Ctrl-C or SIGTERM asks to end. */
#ifndef EXAMPLES_SIGNALS_H
#define EXAMPLES_SIGNALS_H

#include <signal.h>

/* The signal that asked the run to end. It ends after the iteration at hand; a third signal does
 * not wait for that. (Not the second: `timeout` sends two.) */
extern volatile sig_atomic_t interrupted;

/* catch_signals - from now on. A signal that whoever started us wants ignored stays ignored. */
void catch_signals(void);

#endif
