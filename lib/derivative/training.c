#include "derivative/training.h"
#include "derivative/decide.h"
#include "derivative/pieces.h"
#include "nablas/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whole passes in long double are taken for a graph of no more multiplications than this. */
static const double bearable = 2e8;

static const nb_node *twin(const nb_training *t, const nb_node *node)
{
    return t->judge->loss->graph->node[node->index];
}

static bool is_parameter(const nb_node *node)
{
    return node->role == NB_PARAMETER;
}

static size_t count_of(const nb_node *node)
{
    return nb_tensor_count(&node->value);
}

/* Rounding of the graph's precision in units of float64's. */
static double coarseness(const nb_training *t)
{
    return t->loss->graph->dtype == NB_FLOAT32 ? (double)FLT_EPSILON / DBL_EPSILON : 1;
}

double nb_training_bound(const nb_training *t, double analytic, double rounding)
{
    const double u = coarseness(t) * DBL_EPSILON;
    return coarseness(t) * rounding + 256 * u * fabs(analytic) + 1e6 * (double)FLT_TRUE_MIN;
}

/* --- the copy --------------------------------------------------------------------------------- */

static double root_mean_square(const nb_kernels *k, const nb_tensor *x)
{
    double sum = 0;
    const size_t n = nb_tensor_count(x);
    for (size_t i = 0; i < n; i++) sum += k->get(x->data, i) * k->get(x->data, i) / (double)n;
    return isfinite(sum) ? sqrt(sum) : 0;
}

/* 16 times that of the element with the largest gradient; where that takes too long, a hundredth of
 * the gradient. */
static nb_status find_noise(nb_training *t, const nb_node *parameter, bool judged, size_t p)
{
    const double *g = parameter->gradient.data;
    double scale = root_mean_square(parameter->graph->kernels, &parameter->value), rounding = 0;
    size_t largest = 0;
    for (size_t i = 1; i < count_of(parameter); i++)
        if (fabs(g[i]) > fabs(g[largest])) largest = i;
    if (count_of(parameter) == 0) return NB_OK;
    scale = fmax(scale, fabs(((const double *)parameter->value.data)[largest]));
    if (!(scale > 0)) scale = 1;
    nb_status status =
        judged ? nb_judge_terms(t->judge, parameter, largest, scale, &rounding) : NB_OK;
    t->rounding[p] = 16 * rounding;
    t->noise[p] = judged ? nb_training_bound(t, g[largest], 16 * rounding) : .01 * fabs(g[largest]);
    return status;
}

static nb_status find_noises(nb_training *t, nb_judge *judge)
{
    const nb_graph *g = t->judge->loss->graph;
    const bool judged = judge->wide || nb_judge_work(judge->exact, NULL) < bearable;
    nb_status status = judged ? nb_judge_ready(judge) : NB_OK;
    for (size_t i = 0, p = 0; i < g->nodes && !status; i++)
        if (is_parameter(g->node[i])) status = find_noise(t, g->node[i], judged, p++);
    return status;
}

/* All elements of an array that is laid out as the parameters are. */
static void gather(const nb_training *t, const void *from, double *to)
{
    const nb_graph *g = t->loss->graph;
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        if (!is_parameter(node)) continue;
        const ptrdiff_t at = (char *)node->value.data - (char *)g->parameters.data;
        for (size_t e = 0; e < count_of(node); e++)
            *to++ = g->kernels->get((const char *)from + at, e);
    }
}

static nb_status both(nb_training *t)
{
    nb_status status = nb_forward(t->loss);
    return status ? status : nb_backward(t->loss);
}

static nb_status copy(nb_training *t, const nb_node *loss, nb_dtype dtype, nb_node **made)
{
    nb_graph *g;
    nb_status status = nb_graph_cast(loss->graph, dtype, &g);
    if (status) return status;
    *made = g->node[loss->index];
    nb_pass pass = nb_graph_pass(g);
    if (pass.random) {
        t->stream = *pass.random;
        pass.random = &t->stream;
    }
    nb_graph_set_pass(g, pass);
    status = pass.frozen ? NB_OK : nb_forward(*made);
    pass.frozen = true;
    nb_graph_set_pass(g, pass);
    return status;
}

/* Every number that goes in moved by some units of float32. */
static void shake(const nb_graph *g)
{
    nb_random random;
    nb_random_seed(&random, 21);
    for (size_t i = 0; i < g->nodes; i++) {
        const nb_node *node = g->node[i];
        double *x = node->value.data;
        if (node->op || !x || node->value.dtype != NB_FLOAT64 || node->role == NB_STATE) continue;
        for (size_t e = 0; e < count_of(node); e++)
            x[e] *= 1 + 8 * (double)FLT_EPSILON * (nb_random_rand(&random) < .5 ? -1 : 1);
    }
}

/* How far the rounding of a forward pass in float32 may move the gradient: a sum is the exact sum of
 * terms that are slightly moved, so the pass is the exact one of numbers that are. */
static nb_status find_sway(nb_training *t, const nb_node *loss)
{
    nb_node *shaken = NULL;
    nb_status status = copy(t, loss, NB_FLOAT64, &shaken);
    if (!status) shake(shaken->graph);
    if (!status) status = nb_forward(shaken);
    if (!status) status = nb_backward(shaken);
    for (size_t i = 0, p = 0; i < loss->graph->nodes && !status; i++) {
        const nb_node *node = t->judge->loss->graph->node[i];
        if (!is_parameter(node)) continue;
        const double *a = node->gradient.data, *b = shaken->graph->node[i]->gradient.data;
        for (size_t e = 0; e < count_of(node); e++)
            t->sway[p] = fmax(t->sway[p], 16 * fabs(a[e] - b[e]));
        t->noise[p] += t->sway[p];
        p++;
    }
    if (shaken) nb_graph_destroy(shaken->graph);
    return status;
}

nb_status nb_training_create(nb_training *t, nb_node *loss, nb_judge *judge)
{
    *t = (nb_training){.judge = judge};
    size_t parameters = 0;
    nb_status status = copy(t, loss, loss->graph->dtype, &t->loss);
    for (size_t i = 0; i < loss->graph->nodes; i++) {
        if (!is_parameter(loss->graph->node[i])) continue;
        t->count += count_of(loss->graph->node[i]);
        parameters++;
    }
    if (!status) {
        t->gradient = nb_alloc_zero(t->count + 1, sizeof *t->gradient);
        t->noise = nb_alloc_zero(3 * parameters + 1, sizeof *t->noise);
        status = t->gradient && t->noise ? NB_OK : NB_ENOMEM;
    }
    if (!status) {
        t->rounding = t->noise + parameters;
        t->sway = t->rounding + parameters;
        status = both(t);
    }
    if (!status) gather(t, t->loss->graph->gradients.data, t->gradient);
    if (!status) status = find_noises(t, judge);
    if (!status && loss->graph->dtype == NB_FLOAT32) status = find_sway(t, loss);
    t->same_piece = !status && nb_piece(t->loss) == nb_piece(judge->loss);
    if (status) nb_training_destroy(t);
    return status;
}

void nb_training_destroy(nb_training *t)
{
    if (t->loss) nb_graph_destroy(t->loss->graph);
    nb_free(t->gradient);
    nb_free(t->noise);
    *t = (nb_training){0};
}

/* --- comparing -------------------------------------------------------------------------------- */

typedef struct trial {
    nb_training *t;
    double *other; /* (count) what is compared with t->gradient */
    nb_breach *breach;
    char *broken;
    size_t size;
} trial;

/* Names the first parameter with an element farther apart than rounding; `extra` for each: NULL. */
static bool compare(const trial *r, const double *extra, nb_breach breach, const char *what)
{
    const nb_graph *g = r->t->loss->graph;
    size_t e = 0;
    for (size_t i = 0, p = 0; i < g->nodes; i++) {
        if (!is_parameter(g->node[i])) continue;
        const double noise = r->t->noise[p] + (extra ? extra[p] : 0);
        p++;
        for (const size_t end = e + count_of(g->node[i]); e < end; e++) {
            const double a = r->t->gradient[e], b = r->other[e];
            if (fabs(a - b) <= noise || (!isfinite(a) && !isfinite(b))) continue;
            *r->breach = breach;
            snprintf(r->broken, r->size, "%s: the gradient of %s is %g, %s %g",
                     nb_breach_name(breach), nb_node_title(g->node[i]), a, what, b);
            return true;
        }
    }
    return false;
}

/* What a pass does not write must not look right because the last one did. */
static void forget(const nb_node *loss)
{
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        bool own = node->op && node->needed && node->value.data;
        for (size_t j = 0; own && j < node->op->inputs; j++)
            own &= node->input[j]->value.data != node->value.data;
        if (own) memset(node->value.data, 0xff, count_of(node) * loss->graph->kernels->size);
    }
}

static nb_status again(const trial *r, nb_breach breach, const char *what)
{
    forget(r->t->loss);
    nb_status status = both(r->t);
    if (status) return status;
    gather(r->t, r->t->loss->graph->gradients.data, r->other);
    compare(r, NULL, breach, what);
    return NB_OK;
}

/* --- one by one ------------------------------------------------------------------------------- */

static nb_status twice(const trial *r)
{
    const double *a = r->t->gradient;
    nb_status status = again(r, NB_BREACH_NONDETERMINISTIC, "the second time");
    if (status || *r->broken || memcmp(a, r->other, r->t->count * sizeof *a) == 0) return status;
    *r->breach = NB_BREACH_NONDETERMINISTIC;
    snprintf(r->broken, r->size, "%s: the gradient has other bits the second time",
             nb_breach_name(NB_BREACH_NONDETERMINISTIC));
    return NB_OK;
}

static nb_status on_two_threads(const trial *r)
{
    nb_pool *pool;
    nb_status status = nb_pool_create(&pool, 2);
    if (status) return status;
    status = nb_graph_set_pool(r->t->loss->graph, pool);
    if (!status) status = again(r, NB_BREACH_THREADS, "on two threads");
    nb_graph_set_pool(r->t->loss->graph, NULL);
    nb_pool_destroy(pool);
    return status;
}

static nb_status split_as(const trial *r, const char *what)
{
    nb_random random;
    nb_random_seed(&random, 15);
    r->t->loss->graph->split = &random;
    nb_status status = again(r, NB_BREACH_ROWS, what);
    r->t->loss->graph->split = NULL;
    return status;
}

static nb_status by_random_rows(const trial *r)
{
    return split_as(r, "by rows split at random");
}

/* What backward adds to `into`, which is laid out as the parameters, divided by alpha. */
static nb_status through_sinks(const trial *r, char *into, double alpha, nb_sink *sink,
                               double *before, double *extra)
{
    const nb_graph *g = r->t->loss->graph;
    gather(r->t, into, before);
    for (size_t i = 0, p = 0; i < g->nodes; i++) {
        if (!is_parameter(g->node[i])) continue;
        const ptrdiff_t at = (char *)g->node[i]->value.data - (char *)g->parameters.data;
        sink[p++] = (nb_sink){into + at, alpha, 1};
    }
    nb_status status = nb_forward(r->t->loss);
    if (!status) status = nb_backward_into(r->t->loss, sink);
    gather(r->t, into, r->other);
    for (size_t i = 0, p = 0, e = 0; i < g->nodes; i++) {
        if (!is_parameter(g->node[i])) continue;
        double most = 0;
        for (const size_t end = e + count_of(g->node[i]); e < end; e++) {
            most = fmax(most, fabs(before[e]) + fabs(r->other[e]));
            r->other[e] = (r->other[e] - before[e]) / alpha;
        }
        extra[p++] = 4 * coarseness(r->t) * DBL_EPSILON * most / fabs(alpha);
    }
    return status;
}

static nb_status into(const trial *r, char *array, double alpha, nb_breach breach, const char *what)
{
    const size_t nodes = r->t->loss->graph->nodes;
    double *before = nb_alloc_zero(r->t->count + nodes, sizeof *before);
    nb_sink *sink = nb_alloc_zero(nodes, sizeof *sink);
    nb_status status = before && sink ? NB_OK : NB_ENOMEM;
    double *extra = status ? NULL : before + r->t->count;
    if (!status) status = through_sinks(r, array, alpha, sink, before, extra);
    if (!status) compare(r, extra, breach, what);
    nb_free(before);
    nb_free(sink);
    return status;
}

/* beta = 1: to numbers of the gradient's size. */
static nb_status added(const trial *r)
{
    const nb_graph *g = r->t->loss->graph;
    const double size = root_mean_square(g->kernels, &g->gradients);
    nb_random random;
    nb_random_seed(&random, 16);
    nb_tensor old;
    nb_status status = nb_tensor_create(&old, g->dtype, g->parameters.shape);
    if (status) return status;
    for (size_t i = 0; i < nb_tensor_count(&old); i++)
        g->kernels->set(old.data, i, (size > 0 ? size : 1) * nb_random_randn(&random));
    status = into(r, old.data, 1, NB_BREACH_ACCUMULATED, "added to what is there");
    nb_tensor_destroy(&old);
    return status;
}

/* w := w - lr dw, with a step of the size of w. */
static nb_status fused(const trial *r)
{
    nb_graph *g = r->t->loss->graph;
    const double w = root_mean_square(g->kernels, &g->parameters);
    const double d = root_mean_square(g->kernels, &g->gradients);
    nb_tensor old;
    nb_status status = nb_tensor_create(&old, g->dtype, g->parameters.shape);
    if (!status) status = nb_tensor_convert(&g->parameters, &old);
    if (status) return status;
    const double lr = w > 0 && d > 0 ? fmin(w / d, 1e15) : 1; /* no overflow in float32 */
    status = into(r, g->parameters.data, -lr, NB_BREACH_FUSED, "by w := w - lr dw in one step");
    nb_tensor_convert(&old, &g->parameters);
    nb_tensor_destroy(&old);
    return status;
}

/* --- packed inputs ---------------------------------------------------------------------------- */

typedef struct packing {
    nb_packed packed;
    nb_run *run;
    nb_entry *entry;
    size_t *row;
    uint32_t *count;
    nb_tensor data;
} packing;

static void unpack(packing *p)
{
    nb_free(p->run);
    nb_free(p->entry);
    nb_free(p->row);
    nb_free(p->count);
    nb_tensor_destroy(&p->data);
}

static void fill(packing *p, const nb_kernels *k, const nb_tensor *x)
{
    const size_t n = nb_tensor_height(x), width = nb_tensor_width(x);
    size_t entries = 0, to = 0;
    for (size_t i = 0; i < n; i++) {
        const nb_run *run = p->run;
        p->row[i] = entries;
        for (size_t j = 0; j < width; j++) {
            const double value = k->get(x->data, i * width + j);
            while (run < p->run + p->packed.runs && j >= run->end) run++;
            if (run < p->run + p->packed.runs && j >= run->begin)
                k->set(p->data.data, to++, value);
            else if (value != 0)
                p->entry[entries++] = (nb_entry){(uint32_t)j, value};
        }
        p->row[n + i] = entries;
    }
}

/* The columns that most rows use side by side, the rest one by one. */
static nb_status pack(packing *p, const nb_kernels *k, const nb_tensor *x)
{
    const size_t n = nb_tensor_height(x), width = nb_tensor_width(x);
    uint32_t most = 0;
    *p = (packing){.run = nb_alloc_zero(width / 2 + 1, sizeof *p->run),
                   .entry = nb_alloc_zero(n * width, sizeof *p->entry),
                   .row = nb_alloc_zero(2 * n, sizeof *p->row),
                   .count = nb_alloc_zero(width, sizeof *p->count)};
    if (!p->run || !p->entry || !p->row || !p->count) return NB_ENOMEM;
    for (size_t j = 0; j < n * width; j++) p->count[j % width] += k->get(x->data, j) != 0;
    for (size_t j = 0; j < width; j++) most = p->count[j] > most ? p->count[j] : most;
    if (most == 0) return NB_OK; /* there is nothing to pack */
    const uint32_t above = most / 2 < most ? most / 2 : most - 1;
    p->packed.runs = nb_find_runs(width, p->count, above, p->run, &p->packed.columns);
    p->packed.run = p->run;
    p->packed.row = p->row;
    p->packed.row_end = p->row + n;
    p->packed.entry = p->entry;
    nb_status status = nb_tensor_create(&p->data, k->dtype, NB_SHAPE(n, p->packed.columns));
    if (!status) fill(p, k, x);
    return status;
}

static nb_status one_packed(const trial *r, nb_node *input)
{
    packing p;
    const nb_tensor dense = input->value;
    nb_status status = pack(&p, r->t->loss->graph->kernels, &dense);
    nb_tensor x = dense;
    x.data = p.data.data;
    x.packed = &p.packed;
    if (!status && x.data) status = nb_feed(input, &x);
    if (!status && x.data) status = again(r, NB_BREACH_PACKED, "from a packed input");
    if (!status && x.data && !*r->broken)
        status = split_as(r, "from a packed input by rows split at random");
    const nb_status fed = nb_feed(input, &dense);
    unpack(&p);
    return status ? status : fed;
}

static nb_status packed(const trial *r)
{
    const nb_graph *g = r->t->loss->graph;
    nb_status status = NB_OK;
    for (size_t i = 0; i <= r->t->loss->index && !status && !*r->broken; i++)
        if (g->node[i]->role == NB_INPUT && g->node[i]->needed && g->node[i]->sparse)
            status = one_packed(r, g->node[i]);
    return status;
}

/* --- float32 ---------------------------------------------------------------------------------- */

/* Where a relu of the two is on another side, single elements say nothing, and lengths little. */
static bool is_far(const double *a, const double *b, size_t n, bool same_piece, double noise)
{
    double most = 0, off = 0, length = 0, apart = 0;
    for (size_t e = 0; e < n; e++) {
        most = fmax(most, fabs(b[e]));
        off = fmax(off, fabs(a[e] - b[e]));
        length += b[e] * b[e];
        apart += (a[e] - b[e]) * (a[e] - b[e]);
        if (isfinite(b[e]) && fabs(b[e]) < (double)FLT_MAX / 16 && !isfinite(a[e])) return true;
    }
    if (same_piece) return off > fmax(.02 * most, noise);
    return sqrt(apart) > .5 * sqrt(length) + noise * sqrt((double)n);
}

static void in_both_precisions(const trial *r)
{
    const nb_training *t = r->t;
    const nb_graph *g = t->loss->graph;
    if (g->dtype != NB_FLOAT32) return;
    const double *single = t->gradient;
    for (size_t i = 0, p = 0; i < g->nodes; i++) {
        if (!is_parameter(g->node[i])) continue;
        const size_t n = count_of(g->node[i]);
        if (is_far(single, twin(t, g->node[i])->gradient.data, n, t->same_piece, t->noise[p++])) {
            *r->breach = NB_BREACH_PRECISION;
            snprintf(r->broken, r->size, "%s: the gradient of %s in float32 is not that in float64",
                     nb_breach_name(NB_BREACH_PRECISION), nb_node_title(g->node[i]));
            return;
        }
        single += n;
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

nb_status nb_training_run(nb_training *t, nb_breach *breach, char *broken, size_t size)
{
    static nb_status (*const trials[])(const trial *) = {twice,  by_random_rows, on_two_threads,
                                                         packed, added,          fused};
    const trial r = {t, nb_alloc_zero(t->count + 1, sizeof(double)), breach, broken, size};
    nb_status status = r.other ? NB_OK : NB_ENOMEM;
    *breach = NB_KEPT;
    *broken = 0;
    if (!status) in_both_precisions(&r);
    for (size_t k = 0; k < sizeof trials / sizeof *trials && !status && !*broken; k++)
        status = trials[k](&r);
    nb_free(r.other);
    return status;
}
