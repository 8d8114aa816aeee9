#include "derivative/judge.h"
#include "nablas/memory.h"
#include "op/ops.h"

#include <float.h>
#include <math.h>

/* Backpropagation is right to this much of its value, and to so many roundings of its terms. */
static const double close_enough = 1e-9;
static const double roundings = 256 * (DBL_EPSILON / 2);

/* --- a slope ---------------------------------------------------------------------------------- */

enum { narrowest = 44, widest = -24, first_step = 4 };

/* The last differences, on one piece. */
typedef struct romberg {
    nb_real d, once, twice, change; /* of the step before */
    int count;                      /* steps in a row */
    bool moves;                     /* some d was not 0 */
} romberg;

/* Takes d at half the last step; *error: how far the last three results are apart. */
static bool refine(romberg *r, nb_real d, nb_real *value, nb_real *error)
{
    const nb_real once = (4 * d - r->d) / 3, twice = (16 * once - r->once) / 15;
    const nb_real change = fabsl(twice - r->twice);
    *value = twice;
    *error = change > r->change ? change : r->change;
    const bool usable = r->count >= 4;
    *r = (romberg){d, once, twice, change, r->count + 1, r->moves || d != 0};
    return usable;
}

static nb_status difference(nb_line_function f, void *context, nb_real h, nb_real *d, bool *usable)
{
    nb_real above = 0, below = 0;
    bool up = false, down = false;
    nb_status status = f(context, h, &above, &up);
    if (!status) status = f(context, -h, &below, &down);
    *d = (above - below) / (2 * h);
    *usable = !up && !down && isfinite(*d);
    return status;
}

/* One more step; is the result good enough? */
static nb_status take(nb_line_function f, void *context, double h, double unit, romberg *r,
                      nb_slope *slope, nb_real *last)
{
    nb_real d, value, error;
    bool usable;
    nb_status status = difference(f, context, (nb_real)h, &d, &usable);
    if (status) return status;
    /* What moved with a wider step does not stop: if rounding is not known, it was rounded away. */
    if (!usable || (d == 0 && r->moves && !(unit > 0))) {
        *r = (romberg){.moves = r->moves};
        return NB_OK;
    }
    if (!refine(r, d, &value, &error)) return NB_OK;
    error += (nb_real)unit / (nb_real)h;
    *last = error;
    if (!(error < slope->error)) return NB_OK;
    *slope = (nb_slope){value, error, 4 * h};
    return NB_OK;
}

static bool is_enough(const nb_slope *slope, double expected)
{
    return slope->error <= 1e-10L * fmaxl(fabsl(slope->value), fabsl((nb_real)expected));
}

nb_status nb_find_slope(nb_line_function f, void *context, double scale, double unit,
                        double expected, nb_slope *slope)
{
    romberg r = {0};
    nb_real last = 0;
    nb_status status = NB_OK;
    *slope = (nb_slope){0, (nb_real)INFINITY, 0};
    for (int k = first_step; k <= narrowest && !status; k++) {
        if ((nb_real)unit / (nb_real)ldexp(scale, -k) > slope->error)
            break; /* from here on worse */
        status = take(f, context, ldexp(scale, -k), unit, &r, slope, &last);
        if (is_enough(slope, expected)) return status;
    }
    for (int from = first_step - 4; from >= widest && !status; from -= 4) {
        r = (romberg){0};
        for (int k = from; k < from + 6 && !status; k++)
            status = take(f, context, ldexp(scale, -k), unit, &r, slope, &last);
        if (is_enough(slope, expected)) return status;
    }
    return status;
}

/* --- one element ------------------------------------------------------------------------------ */

typedef struct element {
    const nb_judge *judge;
    const nb_node *parameter; /* of the graph that `wide` is of */
    size_t i;
    nb_real x;
} element;

static nb_status element_at(void *context, nb_real t, nb_real *f, bool *crossed)
{
    const element *e = context;
    return nb_wide_move(e->judge->wide, e->parameter, e->i, e->x + t, f, crossed);
}

/* sum |g_k| |z_k moved by t| / t */
static nb_real share(const double *g, const nb_real *now, const nb_real *was, size_t n, nb_real t)
{
    nb_real sum = 0;
    for (size_t k = 0; k < n; k++) sum += fabsl((nb_real)g[k] * (now[k] - was[k]) / t);
    return sum;
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
    return most;
}

/* What backward of batch norm subtracts from each other: gain (dy - ...), a row as large as sqrt n. */
static nb_real norm_terms(const nb_node *norm, const nb_real *now, const nb_real *was, nb_real t)
{
    const nb_tensor *x = &norm->input[0]->value;
    const size_t n = nb_tensor_count(x);
    const double *y = norm->value.data, *in = x->data, *g = norm->gradient.data;
    double gain = 0, moved = 0;
    for (size_t k = 1; k < n; k++) /* y moves by gain x within a row of one feature */
        if (in[k] != in[k - 1]) gain = fmax(gain, fabs((y[k] - y[k - 1]) / (in[k] - in[k - 1])));
    for (size_t k = 0; k < n; k++) moved += (double)fabsl((now[k] - was[k]) / t);
    return (nb_real)(gain * largest(g, n) * (1 + sqrt((double)nb_tensor_height(x))) * moved);
}

/* y - t, of which a square or its like is taken, is off by roundings of y and t, however small it is: in
 * a network that meets its targets nothing else is left of the gradient. */
static nb_real gap_terms(const nb_node *node, const nb_real *now, const nb_real *was, nb_real step)
{
    const nb_node *from = node->input[0], *gap = node->op == &nb_op_square ? from : node;
    if (gap == from && from->op != &nb_op_subtract && from->op != &nb_op_add) return 0;
    const nb_tensor *y = &gap->input[0]->value, *t = &gap->input[1]->value;
    const size_t n = nb_tensor_count(y);
    if (nb_tensor_count(t) != n || nb_tensor_count(&from->value) != n) return 0;
    const size_t each = n / nb_tensor_count(&node->value);
    const double *g = node->gradient.data, *a = y->data, *b = t->data;
    nb_real sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += 2 * fabsl((nb_real)(g[k / each] * (fabs(a[k]) + fabs(b[k]))) * (now[k] - was[k]));
    return sum / step;
}

/* Where backward subtracts, its rounding is that of what it subtracts. */
static nb_real hidden_terms(const nb_node *node, const nb_real *now, const nb_real *was, nb_real t)
{
    const nb_tensor *x = &node->input[0]->value;
    const size_t n = nb_tensor_count(x), width = nb_tensor_width(x);
    const double *g = node->gradient.data;
    nb_real sum = 0;
    if (node->op->forward[0].run == nb_op_softmax_cross_entropy.forward[0].run)
        for (size_t k = 0; k < n; k++)
            sum += 2 * fabsl((nb_real)g[k / width] * (now[k] - was[k]) / t);
    else if (node->op == &nb_op_batch_norm)
        sum = norm_terms(node, now, was, t);
    else if (nb_tensor_count(&node->value) == n)
        sum = share(g, now, was, n, t);
    if (node->op->forward[0].run == nb_op_squared_error.forward[0].run ||
        node->op == &nb_op_pointwise_loss || node->op == &nb_op_square)
        sum += gap_terms(node, now, was, t);
    return sum;
}

/* What the loss is rounded by where these values are: sum unit |g_k| |z_k|. */
static nb_real rounding_of(const nb_node *node, const nb_real *was)
{
    const double *g = node->gradient.data;
    nb_real sum = 0;
    for (size_t k = 0; k < nb_tensor_count(&node->value); k++)
        if (isfinite(g[k])) sum += fabsl((nb_real)g[k] * was[k]);
    return sum * (nb_wide_knows(node->op) ? LDBL_EPSILON : (nb_real)DBL_EPSILON) / 2;
}

/* The terms of the derivative, where the element's change meets the gradients of backpropagation;
 * and what the loss is rounded by. */
static nb_status sum_terms(const element *e, double scale, nb_real *terms, nb_real *noise)
{
    const nb_graph *g = e->judge->loss->graph;
    const nb_real t = (nb_real)ldexp(scale, -10);
    nb_real f;
    bool crossed;
    nb_status status = element_at((void *)(uintptr_t)e, t, &f, &crossed);
    *terms = 0;
    for (size_t i = 0; i < e->judge->loss->index && !status; i++) {
        const nb_node *node = g->node[i], *moved = e->judge->exact->graph->node[i];
        const nb_real *now = node->op && node->needed ? nb_wide_moved(e->judge->wide, moved) : NULL;
        if (!now || !node->gradient.data) continue;
        const nb_real *was = nb_wide_was(e->judge->wide, moved);
        *terms += share(node->gradient.data, now, was, nb_tensor_count(&node->value), t);
        *noise += rounding_of(node, was);
    }
    for (size_t i = 0; i <= e->judge->loss->index && !status; i++) {
        const nb_node *node = g->node[i];
        if (!node->op || !node->needed || !node->gradient.data || !node->op->inputs) continue;
        const nb_node *from = e->judge->exact->graph->node[node->input[0]->index];
        const nb_real *now = from->op ? nb_wide_moved(e->judge->wide, from) : NULL;
        if (now) *terms += hidden_terms(node, now, nb_wide_was(e->judge->wide, from), t);
    }
    return status;
}

nb_status nb_judge_terms(const nb_judge *judge, const nb_node *parameter, size_t i, double scale,
                         double *rounding)
{
    const nb_node *own = judge->exact->graph->node[parameter->index];
    const element e = {judge, own, i, nb_wide_was(judge->wide, own)[i]};
    nb_real terms = 0, noise = 0;
    nb_status status = sum_terms(&e, scale, &terms, &noise);
    *rounding = roundings * (double)terms;
    return status;
}

/* At a corner of an operation of the caller's: is `a` between the slopes on either side? */
static nb_status between(const element *e, double scale, double a, bool *yes)
{
    const nb_real h = (nb_real)ldexp(scale, -20), f0 = nb_wide_loss(e->judge->wide);
    nb_real f[4];
    bool crossed;
    nb_status status = NB_OK;
    for (int k = 0; k < 4 && !status; k++)
        status = element_at((void *)(uintptr_t)e, (k & 1 ? h / 2 : h) * (k & 2 ? -1 : 1), &f[k],
                            &crossed);
    if (status) return status;
    const nb_real right = 2 * (f[1] - f0) / (h / 2) - (f[0] - f0) / h;
    const nb_real left = 2 * (f0 - f[3]) / (h / 2) - (f0 - f[2]) / h;
    const nb_real low = fminl(left, right), high = fmaxl(left, right);
    const nb_real margin = 1e-6L * fmaxl(fabsl(low), fabsl(high));
    const nb_real here = (nb_real)a;
    *yes = high - low > margin && here >= low - margin && here <= high + margin;
    return NB_OK;
}

static bool agrees(const nb_slope *slope, double a, double rounding)
{
    const nb_real off = fabsl(slope->value - (nb_real)a);
    const nb_real most = fmaxl(fabsl(slope->value), fabsl((nb_real)a));
    return isfinite(slope->error) &&
           off <= (nb_real)close_enough * most + 4 * slope->error + (nb_real)rounding;
}

/* Two results that are one, to their errors. */
static bool repeats(const nb_slope *a, const nb_slope *b)
{
    if (a->value == 0 && b->value != 0) return true; /* the change was rounded away */
    return isfinite(b->error) && fabsl(a->value - b->value) <= 4 * (a->error + b->error);
}

nb_status nb_judge_element(const nb_judge *judge, const nb_node *parameter, size_t i, double scale,
                           double a, nb_judgement *j)
{
    const nb_node *own = judge->exact->graph->node[parameter->index];
    const element e = {judge, own, i, nb_wide_was(judge->wide, own)[i]};
    nb_real terms = 0, noise = (LDBL_EPSILON / 2 * fabsl(nb_wide_loss(judge->wide)));
    *j = (nb_judgement){0};
    nb_status status = sum_terms(&e, scale, &terms, &noise);
    j->rounding = roundings * (double)terms;
    /* Where the widest steps agree with one another, but not with a, narrower ones decide, unless they
     * say the same less well. */
    for (int k = 0; k <= 24 && !status && !j->right; k += 12) {
        nb_slope slope;
        status = nb_find_slope(element_at, (void *)(uintptr_t)&e, ldexp(scale, -k), (double)noise,
                               a, &slope);
        const bool far = j->slope.step > 16 * scale; /* where the function may be another */
        if (k > 0 && (!isfinite(slope.error) || (repeats(&slope, &j->slope) && !far))) continue;
        j->right = agrees(&slope, a, j->rounding);
        if (k == 0 || j->right || !isfinite(j->slope.error)) j->slope = slope;
    }
    if (status || j->right || isfinite(j->slope.error)) return status;
    status = between(&e, scale, a, &j->corner);
    j->right = j->corner;
    return status;
}
