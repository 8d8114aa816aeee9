#include "derivative/decide.h"
#include "derivative/pieces.h"
#include "op/ops.h"

#include <float.h>
#include <math.h>

/* An error of this part of an element, or of the largest of its parameter, has to be seen. */
static const double visible = 1e-3;

nb_status nb_judge_ready(nb_judge *judge)
{
    return judge->wide ? NB_OK : nb_wide_create(judge->exact, &judge->wide);
}

/* --- what the whole parameter says ------------------------------------------------------------ */

typedef struct view {
    nb_deciding *d;
    double scale;   /* root mean square of the elements */
    double largest; /* |a| or |d| */
    double fourth;  /* of the |a|: these and larger ones are judged whatever their difference */
    size_t spare;   /* elements that may be judged though nothing calls for it */
    nb_gradient_row *row;
} view;

double nb_judge_work(const nb_node *loss, const nb_node *parameter)
{
    double work = 1;
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        if (!node->op || !node->needed) continue;
        const bool direct = node->op->inputs > 1 && node->input[1] == parameter;
        const bool product = nb_promises(node, NB_PRODUCT) && !direct;
        const bool filters = node->op == &nb_op_conv2d;
        work += (double)nb_tensor_count(&node->value) *
                (product   ? (double)nb_tensor_width(&node->input[0]->value)
                 : filters ? (double)nb_tensor_width(&node->input[1]->value)
                           : 4);
    }
    return work;
}

static view look_over(nb_deciding *d, nb_gradient_row *row)
{
    const nb_checked *c = &d->c;
    double square = 0, top[4] = {0};
    view v = {.d = d, .row = row};
    for (size_t i = 0; i < c->count; i++) {
        const double a = fabs(c->analytic[i]);
        square += c->x[i] * c->x[i] / (double)c->count;
        if (!isfinite(a)) continue;
        v.largest = fmax(v.largest, fmax(a, isfinite(c->exact[i]) ? fabs(c->exact[i]) : 0));
        double moved = a;
        for (size_t k = 0; k < 4; k++) {
            const double here = top[k];
            if (moved <= here) continue;
            top[k] = moved;
            moved = here;
        }
    }
    v.scale = isfinite(square) ? sqrt(square) : 0;
    v.fourth = top[3] > 0 ? top[3] : top[0] > 0 ? DBL_TRUE_MIN : (double)INFINITY;
    v.spare = 64 + (size_t)(2e7 / nb_judge_work(d->judge->exact, d->parameter));
    return v;
}

/* --- one element ------------------------------------------------------------------------------ */

static bool has_exact_form(const nb_deciding *d)
{
    return d->judge->exact != d->judge->loss;
}

/* The rounding of a difference with the check's own step. */
static double rounding_at(const nb_deciding *d, size_t i)
{
    return 8 * (DBL_EPSILON / 2) / d->h * (fabs(d->f) + fabs(d->c.x[i] * d->c.analytic[i]));
}

static nb_status piece_at(const nb_deciding *d, size_t i, double w, uint64_t *piece)
{
    double *value = d->parameter->value.data;
    const double kept = value[i];
    value[i] = w;
    nb_status status = nb_forward((nb_node *)(uintptr_t)d->judge->loss);
    *piece = nb_piece(d->judge->loss);
    value[i] = kept;
    return status;
}

/* Does the check's own step leave the smooth piece? */
static nb_status leaves(const nb_deciding *d, size_t i, bool *left)
{
    const double x = d->c.x[i];
    uint64_t above, below = 0, here = 0;
    nb_status status = piece_at(d, i, x + d->h, &above);
    if (!status) status = piece_at(d, i, x - d->h, &below);
    if (!status) status = piece_at(d, i, x, &here); /* and leaves the graph as it was */
    *left = above != here || below != here;
    return status;
}

/* d is off though a is right: why. */
static nb_status explain(const view *v, size_t i, const nb_gradient_element *e, nb_reason *reason)
{
    const nb_deciding *d = v->d;
    bool left;
    nb_status status = leaves(d, i, &left);
    const double off = fabs(e->numerical - e->best);
    *reason = left ? NB_KINK : off <= rounding_at(d, i) ? NB_ROUNDING : NB_TRUNCATION;
    return status;
}

/* Would an error of this size show, beside the largest element, or in the loss as x moves? */
static bool matters(const view *v, double error, double scale)
{
    return error > visible * v->largest && error * scale > 1e-9 * fabs(v->d->f_exact);
}

static void compare_single(nb_deciding *d, size_t i, double a, double rounding)
{
    if (!d->single || !d->training->same_piece || !isfinite(rounding)) return;
    const double bound = nb_training_bound(d->training, a, rounding) + d->sway;
    d->apart |= !(fabs((double)d->single[i] - a) <= bound);
}

static nb_status judge(const view *v, size_t i, nb_reason *reason, nb_gradient_element *e)
{
    nb_deciding *d = v->d;
    const double a = e->analytic, exact = d->c.exact[i], x = d->c.x[i];
    double scale = fmax(fabs(x), v->scale);
    nb_judgement j;
    if (!(scale > 0) || !isfinite(scale)) scale = 1;
    nb_status status = nb_judge_ready(d->judge);
    if (!status) status = nb_judge_element(d->judge, d->parameter, i, scale, a, &j);
    if (status) return status;
    compare_single(d, i, a, j.rounding);
    const double error = 4 * (double)j.slope.error,
                 size = fmax(fabs(a), fabs((double)j.slope.value));
    e->best = (double)j.slope.value;
    e->best_h = j.slope.step;
    e->noise = (double)j.slope.error + j.rounding;
    e->seen = error + j.rounding + 1e-9 * size;
    const double bound = nb_check_bound(d->f, x, e->numerical, a);
    *reason = NB_WRONG;
    if (!j.right) return NB_OK;
    *reason = NB_KINK;
    if (j.corner) return NB_OK;
    *reason = d->c.silent;
    if (d->c.silent != NB_VACUOUS && size <= nb_check_floor(d->f, x, a)) return NB_OK;
    *reason = NB_UNRESOLVED;
    /* Below the rounding of backpropagation better arithmetic would not tell more. */
    if (error > visible * size && size > j.rounding && matters(v, error, scale)) return NB_OK;
    *reason = NB_BIAS;
    const double off = fabs(e->numerical - a);
    if (has_exact_form(d) && fabs(exact - a) <= bound && off > bound + rounding_at(d, i))
        return NB_OK;
    if (off > bound) return explain(v, i, e, reason);
    *reason = error + j.rounding > visible * size ? NB_BELOW_NOISE : NB_AGREES;
    return NB_OK;
}

/* Where differences alone are enough. */
static bool is_clear(view *v, size_t i, nb_reason *reason, nb_gradient_element *e)
{
    const nb_deciding *d = v->d;
    const double a = e->analytic, exact = d->c.exact[i], x = d->c.x[i];
    const double floor = nb_check_floor(d->f_exact, x, a), size = fmax(fabs(exact), fabs(a));
    *reason = NB_NOT_FINITE;
    if (!isfinite(a) || !isfinite(d->f)) return true;
    *reason = d->c.silent;
    if (a == 0 && exact == 0) return true;
    if (fabs(a) >= v->fourth && v->row->tally[NB_WRONG] < NB_CHECK_WRONG) return false;
    const double bound = nb_check_bound(d->f_exact, x, exact, a);
    if (size <= floor) {
        e->seen = floor;
        *reason = matters(v, floor, fmax(fabs(x), v->scale)) ? NB_UNRESOLVED : NB_BELOW_NOISE;
        return v->spare == 0 || v->spare-- == 0;
    }
    *reason = NB_UNEXAMINED;
    if (!(fabs(exact - a) <= bound)) return v->row->tally[NB_WRONG] >= NB_CHECK_WRONG;
    *reason = NB_AGREES;
    if (fabs(e->numerical - a) <= e->bound) return true;
    *reason = NB_BIAS;
    e->best = exact;
    e->best_h = d->h;
    const double rounding = rounding_at(d, i);
    return rounding <= bound || fabs(e->numerical - a) > bound + rounding;
}

nb_status nb_decide(nb_deciding *d, nb_gradient_row *row)
{
    nb_habits habits = nb_no_habits;
    view v = look_over(d, row);
    const nb_checked *c = &d->c;
    for (size_t i = 0; i < c->count; i++) {
        nb_reason reason;
        nb_gradient_element e = {.index = i,
                                 .numerical = c->numerical[i],
                                 .analytic = c->analytic[i],
                                 .bound =
                                     nb_check_bound(d->f, c->x[i], c->numerical[i], c->analytic[i]),
                                 .best_h = (double)NAN,
                                 .best = (double)NAN};
        e.seen = e.bound;
        e.noise = rounding_at(d, i);
        nb_status status = is_clear(&v, i, &reason, &e) ? NB_OK : judge(&v, i, &reason, &e);
        if (status) return status;
        nb_check_record(row, d->options, reason, c->x[i], &e, &habits);
    }
    nb_check_name_slip(&habits, c, row);
    return NB_OK;
}
