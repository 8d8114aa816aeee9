/* The gradient along one random direction, by forward passes of the whole graph: no other code than
 * nb_forward is asked. */
#include "derivative/pieces.h"
#include "derivative/training.h"
#include "nablas/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct way {
    nb_node *loss;
    double *was, *v; /* (parameters, with their gaps) */
    size_t count;
    uint64_t piece;
} way;

static nb_status loss_at(void *context, nb_real t, nb_real *f, bool *crossed)
{
    const way *w = context;
    double *now = w->loss->graph->parameters.data;
    for (size_t i = 0; i < w->count; i++) now[i] = w->was[i] + (double)t * w->v[i];
    nb_status status = nb_forward(w->loss);
    *f = (nb_real)nb_scalar(w->loss);
    *crossed = nb_piece(w->loss) != w->piece;
    return status;
}

/* As far as each parameter is large; 0 in the gaps. *slack: by what rounding may move the result. */
static void draw(const way *w, const nb_node *only, const double *rounding, double *slack)
{
    const nb_graph *g = w->loss->graph;
    const double *start = g->parameters.data;
    nb_random random;
    nb_random_seed(&random, 17);
    *slack = 0;
    for (size_t i = 0, p = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        if (node->role != NB_PARAMETER) continue;
        const double each = rounding[p++];
        if (only && node->index != only->index) continue;
        const double *x = node->value.data;
        const size_t n = nb_tensor_count(&node->value);
        double sum = 0;
        for (size_t e = 0; e < n; e++) sum += x[e] * x[e] / (double)n;
        const double size = sum > 0 && isfinite(sum) ? sqrt(sum) : 1;
        double *v = w->v + (x - start);
        for (size_t e = 0; e < n; e++) {
            v[e] = size * nb_random_randn(&random);
            *slack += each * fabs(v[e]);
        }
    }
}

/* By what a forward pass in double rounds its loss: half a unit of each number, as far as it moves it. */
static double noise_of(const nb_node *loss)
{
    double sum = fabs(nb_scalar(loss));
    for (size_t i = 0; i < loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        if (!node->op || !node->needed || !node->gradient.data) continue;
        const double *g = node->gradient.data, *z = node->value.data;
        for (size_t e = 0; e < nb_tensor_count(&node->value); e++)
            if (isfinite(g[e])) sum += fabs(g[e] * z[e]);
    }
    return DBL_EPSILON * sum;
}

static double bound_of(const nb_slope *slope, double a, double slack)
{
    return 1e-8 * fmax(fabs((double)slope->value), fabs(a)) + 4 * (double)slope->error + slack;
}

/* From ladders that begin with ever narrower steps: one that agrees is enough; where none does, the
 * narrowest that tells something decides. */
static nb_status follow(way *w, double unit, double a, double slack, nb_slope *slope, bool *agrees)
{
    nb_status status = NB_OK;
    *slope = (nb_slope){0, (nb_real)INFINITY, 0};
    *agrees = false;
    for (int k = 0; k <= 24 && !status && !*agrees; k += 12) {
        nb_slope found;
        const double scale = ldexp(1, -k);
        status = nb_find_slope(loss_at, w, scale, unit, a, &found);
        const double d = (double)found.value, error = (double)found.error;
        /* Steps wider than that see another part of the function. */
        if (status || found.step > scale || !(error <= 1e-3 * fmax(fabs(d), fabs(a)))) continue;
        *slope = found;
        *agrees = fabs(d - a) <= bound_of(&found, a, slack);
    }
    return status;
}

nb_status nb_check_direction(const nb_judge *judge, const nb_node *only, const double *rounding,
                             nb_gradient_element *e, bool *agrees)
{
    nb_graph *g = judge->exact->graph;
    const double *gradient = judge->loss->graph->gradients.data;
    way w = {.loss = g->node[judge->exact->index], .count = nb_tensor_count(&g->parameters)};
    nb_slope slope;
    double slack, a = 0;
    w.was = nb_alloc_zero(2 * w.count + 1, sizeof *w.was);
    if (!w.was) return NB_ENOMEM;
    w.v = w.was + w.count;
    memcpy(w.was, g->parameters.data, w.count * sizeof *w.was);
    draw(&w, only, rounding, &slack);
    nb_status status = nb_forward(w.loss);
    w.piece = nb_piece(w.loss);
    for (size_t i = 0; i < w.count; i++) {
        a += gradient[i] * w.v[i];
        slack += 256 * DBL_EPSILON * fabs(gradient[i] * w.v[i]);
    }
    const double unit = noise_of(judge->loss);
    if (!status) status = follow(&w, unit, a, slack, &slope, agrees);
    memcpy(g->parameters.data, w.was, w.count * sizeof *w.was);
    if (!status) status = nb_forward(w.loss);
    nb_free(w.was);
    if (status) return status;
    const double d = isfinite(slope.error) ? (double)slope.value : (double)NAN;
    *e = (nb_gradient_element){
        .numerical = d, .analytic = a, .best = d, .best_h = slope.step, .noise = unit / slope.step};
    e->bound = e->seen = bound_of(&slope, a, slack);
    *agrees |= isnan(d);
    return NB_OK;
}
