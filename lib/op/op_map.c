#include "op/op_map.h"

#include <math.h>
#include <string.h>

nb_status nb_map_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

nb_status nb_map_number(const char *name, const nb_tensor *in, const void *config, nb_need *need)
{
    const double number = *(const double *)config;
    need->out = in[0].shape;
    return isfinite(number) ? NB_OK
                            : nb_fail(NB_EINVAL, "%s: %g, expected a finite number", name, number);
}

static size_t elements(const nb_tensor *t, size_t lo, size_t hi)
{
    return (hi - lo) * nb_tensor_width(t);
}

nb_status nb_map(const nb_call *c, nb_kernel *f, size_t lo, size_t hi)
{
    f(elements(c->out, lo, hi), nb_tensor_at(c->in[0], lo), nb_tensor_at(c->out, lo));
    return NB_OK;
}

nb_status nb_map_with(const nb_call *c, nb_kernel_number *f, size_t lo, size_t hi)
{
    f(elements(c->out, lo, hi), *(const double *)c->config, nb_tensor_at(c->in[0], lo),
      nb_tensor_at(c->out, lo));
    return NB_OK;
}

nb_status nb_map_back(const nb_call *c, nb_slope *f, const nb_tensor *from, size_t lo, size_t hi)
{
    f(elements(c->din, lo, hi), nb_tensor_at(from, lo), nb_tensor_at(c->dout, lo), c->beta,
      nb_tensor_at(c->din, lo));
    return NB_OK;
}

nb_status nb_map_back_with(const nb_call *c, nb_slope_number *f, size_t lo, size_t hi)
{
    f(elements(c->din, lo, hi), *(const double *)c->config, nb_tensor_at(c->in[0], lo),
      nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

/* A few one by one, then by doubling: a call of memcpy costs more than a few numbers. */
void nb_repeat(const nb_kernels *k, size_t n, const void *x, void *to)
{
    enum { few = 16 };
    char *filled = to;
    if (k->size == sizeof(float))
        for (size_t i = 0; i < n && i < few; i++) ((float *)to)[i] = *(const float *)x;
    else
        for (size_t i = 0; i < n && i < few; i++) ((double *)to)[i] = *(const double *)x;
    for (size_t i = few; i < n; i *= 2)
        memcpy(filled + i * k->size, to, (i < n - i ? i : n - i) * k->size);
}
