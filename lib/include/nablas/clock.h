/* clock.h - elapsed time. */
#ifndef NABLAS_CLOCK_H
#define NABLAS_CLOCK_H

#include "nablas/status.h"

NB_BEGIN_DECLS

/* nb_seconds - a monotonic clock, in seconds since some fixed moment. */
double nb_seconds(void);

NB_END_DECLS
#endif
