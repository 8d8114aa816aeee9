#include "nablas/learning_rate.h"

#include <math.h>

nb_status nb_lr_check(const nb_lr_schedule *s)
{
    if (!s) return nb_fail(NB_EINVAL, "nb_lr_check: schedule is NULL");
    switch (s->kind) {
    case NB_LR_CONSTANT:
        return NB_OK;
    case NB_LR_STEPS:
        if (s->every > 0 && s->factor > 0 && isfinite(s->factor)) return NB_OK;
        return nb_fail(NB_EINVAL, "nb_lr_check: every=%zu factor=%g, expected both > 0", s->every,
                       s->factor);
    case NB_LR_COSINE:
        if (s->total > s->warmup && s->floor >= 0 && s->floor <= 1) return NB_OK;
        return nb_fail(NB_EINVAL,
                       "nb_lr_check: total=%zu warmup=%zu floor=%g, expected total > warmup and "
                       "floor from 0 to 1",
                       s->total, s->warmup, s->floor);
    }
    return nb_fail(NB_EINVAL, "nb_lr_check: kind=%d is none of the list", (int)s->kind);
}

double nb_lr_at(const nb_lr_schedule *s, double lr, size_t step)
{
    static const double pi = 3.14159265358979323846;
    if (step < s->warmup) return lr * (double)(step + 1) / (double)s->warmup;
    const size_t k = step - s->warmup;
    if (s->kind == NB_LR_STEPS) return lr * pow(s->factor, (double)(k / s->every));
    if (s->kind != NB_LR_COSINE) return lr;
    if (step >= s->total) return lr * s->floor;
    const double wave = (1 + cos(pi * (double)k / (double)(s->total - s->warmup))) / 2;
    return lr * (s->floor + (1 - s->floor) * wave);
}
