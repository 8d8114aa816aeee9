#include "kernel/vector.h"
#include "nablas/update.h"

void NB(momentum)(size_t n, const nb_update *u, const real *g, real *v, real *w)
{
    NB(vector_table)()->momentum(n, u, g, v, w);
}

void NB(nesterov)(size_t n, const nb_update *u, const real *g, real *v, real *w)
{
    NB(vector_table)()->nesterov(n, u, g, v, w);
}

void NB(adagrad)(size_t n, const nb_update *u, const real *g, real *h, real *w)
{
    NB(vector_table)()->adagrad(n, u, g, h, w);
}

void NB(rmsprop)(size_t n, const nb_update *u, const real *g, real *h, real *w)
{
    NB(vector_table)()->rmsprop(n, u, g, h, w);
}

void NB(adam)(size_t n, const nb_update *u, const real *g, real *m, real *v, real *w)
{
    NB(vector_table)()->adam(n, u, g, m, v, w);
}

double NB(sum_squares)(size_t n, const real *x)
{
    return NB(vector_table)()->sum_squares(n, x);
}
