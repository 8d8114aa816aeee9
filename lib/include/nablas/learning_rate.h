/* learning_rate.h - learning rates that change from step to step, as functions of its number.
 *
 *     nb_lr_schedule s = {.kind = NB_LR_COSINE, .total = 2000, .warmup = 100};
 *     lr = nb_lr_at(&s, 0.1, step);
 *
 * There is no state, so a run that continues another has the same rates. */
#ifndef NABLAS_LEARNING_RATE_H
#define NABLAS_LEARNING_RATE_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* In step s, with k = s - warmup:
 *
 *   s < warmup   lr (s + 1) / warmup, whatever the kind
 *   constant     lr
 *   steps        lr factor^(k / every), the quotient cut to a whole number
 *   cosine       lr (floor + (1 - floor) (1 + cos(pi k / (total - warmup))) / 2), and lr floor from
 *                step `total` on
 * Source: Loshchilov & Hutter, ICLR 2017 (cosine); Goyal et al., arXiv:1706.02677 (warm-up). */
typedef enum { NB_LR_CONSTANT, NB_LR_STEPS, NB_LR_COSINE } nb_lr_kind;

/* {0} is constant. */
typedef struct nb_lr_schedule {
    nb_lr_kind kind;
    size_t warmup; /* steps; 0: none */
    size_t every;  /* steps: > 0 */
    double factor; /* steps: > 0, finite */
    size_t total;  /* cosine: > warmup */
    double floor;  /* cosine: 0 ... 1 */
} nb_lr_schedule;

/* nb_lr_check - Errors: NB_EINVAL a number outside its range, or NULL. */
nb_status nb_lr_check(const nb_lr_schedule *schedule);

/* nb_lr_at - the learning rate of step 0, 1, ... of a schedule that passes nb_lr_check. */
double nb_lr_at(const nb_lr_schedule *schedule, double lr, size_t step);

NB_END_DECLS
#endif
