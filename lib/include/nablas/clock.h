/* clock.h - elapsed time. */
#ifndef NABLAS_CLOCK_H
#define NABLAS_CLOCK_H

#ifdef __cplusplus
extern "C" {
#endif

/* nb_seconds - a monotonic clock, in seconds since some fixed moment. */
double nb_seconds(void);

#ifdef __cplusplus
}
#endif
#endif
