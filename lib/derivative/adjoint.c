/* Is backward of one node the transpose of what forward does? And if not, how does it differ? */
#include "derivative/judge.h"
#include "nablas/memory.h"
#include "numeric/check.h"
#include "op/ops.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static const double roundings = 256 * (DBL_EPSILON / 2);

typedef struct transpose {
    const nb_judge *judge;
    nb_node *node; /* of judge->loss's graph */
    const nb_node *exact;
    size_t input;
    size_t count, outputs; /* elements of the input, of the output */
    double *c, *v, *din;   /* (outputs), (count), (count) J^T c */
    nb_real *in, *out;     /* workspace */
} transpose;

/* c^T f(x + t v) */
static nb_status node_at(void *context, nb_real t, nb_real *f, bool *crossed)
{
    const transpose *p = context;
    const nb_real *was = nb_wide_was(p->judge->wide, p->exact->input[p->input]);
    for (size_t k = 0; k < p->count; k++) p->in[k] = was[k] + t * (nb_real)p->v[k];
    nb_status status = nb_wide_apply(p->judge->wide, p->exact, p->input, p->in, p->out, crossed);
    *f = 0;
    for (size_t k = 0; k < p->outputs; k++) *f += (nb_real)p->c[k] * p->out[k];
    return status;
}

/* din := J^T c, by the node's own backward. */
static nb_status pull(const transpose *p)
{
    const nb_node *node = p->node;
    nb_status status = NB_OK;
    nb_tensor din = node->input[p->input]->value, dout = node->value;
    din.data = p->din;
    dout.data = p->c;
    for (size_t k = 0; k < NB_MAX_PHASES && node->op->backward[k].run && !status; k++) {
        const nb_phase *phase = &node->op->backward[k];
        const bool writes = phase->over == NB_INPUT_ROWS;
        nb_call c = nb_node_call(node);
        if (!nb_phase_applies(phase, &c) || (writes && phase->input != p->input)) continue;
        c.input = phase->input;
        c.dout = &dout;
        c.din = writes ? &din : NULL;
        status = phase->run(&c, 0, nb_phase_count(phase, &c));
    }
    return status;
}

static void draw(nb_random *random, size_t n, double scale, double *x)
{
    for (size_t k = 0; k < n; k++) x[k] = scale * nb_random_randn(random);
}

static double scale_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += x[k] * x[k] / (double)n;
    return sum > 0 && isfinite(sum) ? sqrt(sum) : 1;
}

static nb_status create(transpose *p, const nb_judge *judge, nb_node *node, size_t input)
{
    const nb_tensor *x = &node->input[input]->value;
    nb_random random;
    *p = (transpose){.judge = judge,
                     .node = node,
                     .exact = judge->exact->graph->node[node->index],
                     .input = input,
                     .count = nb_tensor_count(x),
                     .outputs = nb_tensor_count(&node->value)};
    p->din = nb_alloc_zero(2 * p->count + p->outputs + 1, sizeof *p->din);
    p->in = nb_alloc_zero(p->count + p->outputs + 1, sizeof *p->in);
    if (!p->din || !p->in) return NB_ENOMEM;
    p->v = p->din + p->count;
    p->c = p->v + p->count;
    p->out = p->in + p->count;
    nb_random_seed(&random, (uint32_t)(node->index * NB_MAX_INPUTS + input));
    draw(&random, p->outputs, 1, p->c);
    draw(&random, p->count, scale_of(x->data, p->count), p->v);
    /* At a corner there is no derivative. */
    for (size_t k = 0; nb_promises(node, NB_CORNER) && input == 0 && k < p->count; k++)
        if (((const double *)x->data)[k] == 0) p->v[k] = 0;
    return NB_OK;
}

static void destroy(transpose *p)
{
    nb_free(p->din);
    nb_free(p->in);
}

/* --- one direction ---------------------------------------------------------------------------- */

/* What sums are rounded by: of c^T out, and of what J^T c meets. */
static nb_real unit_of(const transpose *p)
{
    nb_real sum = 0;
    for (size_t k = 0; k < p->outputs; k++) sum += fabsl((nb_real)p->c[k] * p->out[k]);
    for (size_t k = 0; k < p->count; k++)
        if (isfinite(p->din[k]))
            sum += fabsl((nb_real)p->din[k]) * (fabsl(p->in[k]) + fabsl((nb_real)p->v[k]));
    return sum * (nb_wide_knows(p->node->op) ? LDBL_EPSILON : (nb_real)DBL_EPSILON);
}

/* Where the output is linear in this input no step is needed: f(v) - f(-v) is exact. */
static nb_status find_linear(transpose *p, nb_slope *slope, bool *linear)
{
    nb_real f[5], unit = 0;
    bool crossed = false, any = false;
    nb_status status = NB_OK;
    for (int k = 0; k < 5 && !status; k++, any |= crossed) {
        status = node_at(p, (nb_real)(k - 2), &f[k], &crossed);
        unit = fmaxl(unit, unit_of(p));
    }
    const nb_real far = fabsl(f[4] - 2 * f[2] + f[0]), near = fabsl(f[3] - 2 * f[2] + f[1]);
    const nb_real odd = fabsl(f[4] - f[0] - 2 * (f[3] - f[1]));
    *linear = !any && far <= 64 * unit && near <= 64 * unit && odd <= 64 * unit;
    *slope = (nb_slope){(f[3] - f[1]) / 2, unit, 1};
    return status;
}

static nb_status measure(transpose *p, nb_adjoint *a)
{
    nb_slope slope;
    nb_real f0;
    bool crossed;
    nb_status status = pull(p);
    if (!status) status = node_at(p, 0, &f0, &crossed);
    if (status) return status;
    const nb_real unit = unit_of(p);
    status = find_linear(p, &slope, &a->linear);
    if (!status && !a->linear) status = nb_find_slope(node_at, p, 1, (double)unit, 0, &slope);
    a->forward = (double)slope.value;
    a->error = (double)slope.error;
    for (size_t k = 0; k < p->count; k++) {
        a->backward += p->din[k] * p->v[k];
        a->terms += fabs(p->din[k] * p->v[k]);
    }
    return status;
}

nb_status nb_judge_adjoint(const nb_judge *judge, nb_node *node, size_t input, nb_adjoint *a)
{
    transpose p;
    *a = (nb_adjoint){0};
    nb_status status = create(&p, judge, node, input);
    if (!status) status = measure(&p, a);
    double c = 0, v = 0;
    for (size_t k = 0; k < p.outputs && !status; k++) c = fmax(c, fabs(p.c[k]));
    for (size_t k = 0; k < p.count && !status; k++) v += fabs(p.v[k]);
    const double most = fmax(fabs(a->forward), fabs(a->backward));
    const double bound =
        (a->linear ? 0 : 1e-8 * most) + 4 * a->error + roundings * (a->terms + c * v);
    a->agrees = !(fabs(a->forward - a->backward) > bound) && isfinite(a->backward);
    destroy(&p);
    return status;
}

/* --- which slip ------------------------------------------------------------------------------- */

/* One element of J^T c by differences that stay on the piece. */
static nb_status element_of(transpose *p, size_t i, double scale, double *d)
{
    nb_status status = NB_OK;
    bool left = true;
    p->v[i] = scale;
    for (int k = -10; k > -50 && left && !status; k -= 13) {
        nb_real f[4], t = ldexpl(1, k);
        left = false;
        for (int j = 0; j < 4 && !status; j++) {
            bool crossed;
            status = node_at(p, j & 1 ? (j & 2 ? t : -t) : (j & 2 ? t : -t) / 2, &f[j], &crossed);
            left |= crossed;
        }
        const nb_real wide = (f[3] - f[1]) / (2 * t), narrow = (f[2] - f[0]) / t;
        *d = (double)((4 * narrow - wide) / 3) / scale;
    }
    p->v[i] = 0;
    return status;
}

/* dx = dy W in place of dy W^T. */
static bool is_by_untransposed(const transpose *p)
{
    const nb_node *W = p->node->op->inputs > 1 ? p->node->input[1] : NULL;
    const size_t m = nb_tensor_width(&p->node->value), k = W ? nb_tensor_width(&W->value) : 0;
    if (!W || p->input != 0 || W->value.shape.ndim != 2 || W->value.shape.dim[0] != m || k != m ||
        nb_tensor_width(&p->node->input[0]->value) != m)
        return false;
    const double *w = W->value.data;
    double most = 0, off = 0;
    for (size_t i = 0; i < p->count; i++) {
        double sum = 0;
        for (size_t j = 0; j < m; j++) sum += p->c[i / m * m + j] * w[j * m + i % m];
        most = fmax(most, fabs(sum));
        off = fmax(off, fabs(sum - p->din[i]));
    }
    return off <= 1e-9 * most;
}

static nb_status name(transpose *p, double *truth, nb_gradient_row *row)
{
    const nb_tensor *x = &p->node->input[p->input]->value;
    const double scale = scale_of(x->data, p->count);
    double most = 0;
    nb_habits habits = nb_no_habits;
    nb_status status = pull(p);
    for (size_t i = 0; i < p->count; i++) p->v[i] = 0;
    for (size_t i = 0; i < p->count && !status; i++) {
        status = element_of(p, i, scale, &truth[i]);
        most = fmax(most, fabs(truth[i]));
    }
    for (size_t i = 0; i < p->count && !status; i++) {
        const nb_gradient_element e = {.index = i, .analytic = p->din[i], .best = truth[i]};
        const double off = fabs(e.best - e.analytic);
        if (!(off <= 1e-7 * fmax(fabs(e.best), fabs(e.analytic)) + 1e-9 * most))
            nb_check_record(row, NULL, NB_WRONG, ((const double *)x->data)[i], &e, &habits);
    }
    const nb_checked all = {.count = p->count, .x = x->data, .exact = truth, .analytic = p->din};
    nb_check_name_slip(&habits, &all, row);
    if (!status && is_by_untransposed(p)) row->slip = NB_SLIP_TRANSPOSED;
    return status;
}

nb_status nb_judge_slip(const nb_judge *judge, nb_node *node, size_t input, nb_slip *slip,
                        double *amount)
{
    transpose p;
    const nb_shape *shape = &node->input[input]->value.shape;
    nb_gradient_row row = {.count = nb_tensor_count(&node->input[input]->value),
                           .ndim = shape->ndim};
    for (size_t k = 0; k < shape->ndim; k++) row.dim[k] = shape->dim[k];
    const double inner =
        nb_promises(node, NB_PRODUCT) ? (double)nb_tensor_width(&node->input[0]->value) : 4;
    *slip = NB_SLIP_NONE;
    *amount = (double)NAN;
    if ((double)row.count * (double)nb_tensor_count(&node->value) * inner > 2e7) return NB_OK;
    double *truth = nb_alloc_zero(row.count, sizeof *truth);
    nb_status status = truth ? create(&p, judge, node, input) : NB_ENOMEM;
    if (!status) status = name(&p, truth, &row);
    if (truth) destroy(&p);
    nb_free(truth);
    *slip = row.slip;
    *amount = row.amount;
    return status;
}
