/* The steps before a loss that is not finite, once more and looked at. */
#include "train/autopsy_run.h"
#include "nablas/curvature.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "train/state.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* What is being done to one step. */
typedef struct table {
    nb_autopsy *a;
    bool last;     /* the step that fails */
    size_t *index; /* its samples */
    bool found;
    char *before; /* the parameters before the update */
    nb_node *loss;
    const nb_node *x; /* the input whose range is a->x; or NULL */
} table;

/* --- ranges ----------------------------------------------------------------------------------- */

static bool is_real(nb_dtype dtype)
{
    return dtype == NB_FLOAT32 || dtype == NB_FLOAT64;
}

static void widen(nb_range *range, double value)
{
    if (!isfinite(value)) {
        range->bad++;
        return;
    }
    if (!(range->least <= value)) range->least = value;
    if (!(range->most >= value)) range->most = value;
}

/* Labels and packed rows are whole numbers of a few bits: they are finite. */
static nb_range range_of(const nb_tensor *t)
{
    nb_range range = {.least = (double)NAN, .most = (double)NAN};
    if (!t || !t->data || t->packed || !is_real(t->dtype)) return range;
    const nb_kernels *kernels = nb_kernels_of(t->dtype);
    for (size_t i = 0; i < nb_tensor_count(t); i++) widen(&range, kernels->get(t->data, i));
    return range;
}

static void describe(const nb_node *node, char text[48])
{
    const nb_op *op = nb_node_op(node);
    const char *name = nb_node_name(node);
    if (name[0])
        nb_snprintf(text, 48, "%.24s%s%.20s", op ? op->name : name, op ? " " : "", op ? name : "");
    else
        nb_snprintf(text, 48, "%.24s (node %zu)", op ? op->name : "input", nb_node_index(node));
}

static void blame(table *t, nb_nan_phase phase, nb_node *node)
{
    nb_autopsy *a = t->a;
    t->found = true;
    a->phase = phase;
    describe(node, a->node);
    a->inputs = nb_node_inputs(node);
    for (size_t i = 0; i < a->inputs; i++) {
        nb_node *input = nb_node_input(node, i);
        a->input[i] = input == t->x ? a->x : range_of(nb_value(input));
        describe(input, a->input[i].name);
    }
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Does the loss depend on it? Only then it was computed. */
static void mark(const nb_node *node, char *used)
{
    if (used[nb_node_index(node)]) return;
    used[nb_node_index(node)] = 1;
    for (size_t i = 0; i < nb_node_inputs(node); i++) mark(nb_node_input(node, i), used);
}

/* Leaves that are bad are the data's or the parameters'; else the first operation. */
static void find_forward(table *t, const nb_graph *g, const char *used, nb_nan_phase phase)
{
    for (size_t i = 0; i < nb_graph_nodes(g) && !t->found; i++) {
        nb_node *node = nb_graph_node(g, i);
        const nb_role role = nb_node_role(node);
        if (!used[i] || range_of(nb_value(node)).bad == 0) continue;
        if (role == NB_OPERATION || role == NB_INPUT)
            blame(t, phase, node);
        else
            blame(t, phase == NB_NAN_AFTER ? NB_NAN_UPDATE : NB_NAN_BEFORE, node);
    }
}

static void find_backward(table *t, const nb_graph *g, const char *used)
{
    for (size_t i = nb_graph_nodes(g); i-- > 0 && !t->found;) {
        nb_node *node = nb_graph_node(g, i);
        if (used[i] && range_of(nb_gradient(node)).bad) blame(t, NB_NAN_BACKWARD, node);
    }
}

/* A sample or target of the batch, in the set itself. */
static bool find_bad_row(nb_autopsy *a, const nb_dataset *d)
{
    const nb_tensor *parts[] = {&d->x, &d->t};
    for (size_t k = 0; k < a->batch; k++)
        for (size_t p = 0; p < 2; p++) {
            const size_t width = nb_tensor_width(parts[p]);
            if (!is_real(parts[p]->dtype)) continue;
            const nb_kernels *kernels = nb_kernels_of(parts[p]->dtype);
            for (size_t j = 0; j < width; j++) {
                if (isfinite(kernels->get(parts[p]->data, a->index[k] * width + j))) continue;
                a->row = a->index[k];
                a->column = p * nb_tensor_width(&d->x) + j;
                return true;
            }
        }
    return false;
}

/* --- measuring -------------------------------------------------------------------------------- */

static double norm_of(const nb_tensor *v)
{
    const nb_kernels *kernels = nb_kernels_of(v->dtype);
    return sqrt(kernels->sum_squares(nb_tensor_count(v), v->data));
}

static double distance(const nb_tensor *now, const void *before)
{
    const nb_kernels *kernels = nb_kernels_of(now->dtype);
    double sum = 0;
    for (size_t i = 0; i < nb_tensor_count(now); i++) {
        const double d = kernels->get(now->data, i) - kernels->get(before, i);
        sum += d * d;
    }
    return sqrt(sum);
}

/* The range of the samples after the division by their scale. */
static nb_range range_of_samples(const nb_dataset *d, size_t n, const size_t *index)
{
    nb_range range = {.least = (double)NAN, .most = (double)NAN};
    const size_t width = nb_tensor_width(&d->x);
    const double scale = d->scale == 0 ? 1 : d->scale;
    nb_tensor row = {0};
    if (nb_tensor_create(&row, NB_FLOAT64, nb_dataset_x_shape(d, 1))) return range;
    nb_dataset plain = *d;
    plain.scale = 1;
    for (size_t k = 0; k < n; k++)
        if (!nb_dataset_gather(&plain, 1, index + k, &row, NULL))
            for (size_t j = 0; j < width; j++) widen(&range, ((double *)row.data)[j] / scale);
    nb_tensor_destroy(&row);
    return range;
}

static void note_batch(table *t, const nb_trainer *r, const nb_batch *b)
{
    nb_autopsy *a = t->a;
    a->batch = b->n;
    a->index = t->index;
    for (size_t i = 0; i < b->n; i++) t->index[i] = b->index ? b->index[i] : b->first + i;
    const nb_dataset *set = nb_source_dataset(r->train);
    a->x = range_of_samples(set, b->n, t->index);
    if (find_bad_row(a, set)) a->cause = NB_NAN_DATA;
}

/* Between forward pass and update. */
static nb_status look(nb_trainer *r, const nb_batch *b, nb_node *loss, void *context)
{
    table *t = context;
    nb_autopsy *a = t->a;
    const nb_graph *g = r->model->graph;
    const nb_tensor w = nb_graph_parameters(g), dw = nb_graph_gradients(g);
    const size_t bytes = nb_tensor_count(&w) * nb_dtype_size(w.dtype);
    memcpy(t->before, w.data, bytes);
    t->loss = loss;
    char *used = nb_alloc_zero(nb_graph_nodes(g), 1);
    if (!used) return NB_ENOMEM;
    mark(loss, used);
    if (t->last) note_batch(t, r, b);
    if (t->last) find_forward(t, g, used, NB_NAN_FORWARD);
    nb_status status = NB_OK;
    if (r->options.gradient == NB_BACKPROP) status = nb_backward(loss);
    if (!status && t->last) find_backward(t, g, used);
    a->gradient[a->steps] = norm_of(&dw);
    nb_free(used);
    return status;
}

static nb_status take_step(nb_trainer *r, table *t)
{
    nb_autopsy *a = t->a;
    if (a->steps == NB_AUTOPSY_STEPS) {
        double *const rows[] = {a->loss_of, a->gradient, a->update};
        for (size_t i = 0; i < 3; i++)
            memmove(rows[i], rows[i] + 1, (NB_AUTOPSY_STEPS - 1) * sizeof **rows);
        a->steps--;
    }
    const bool joins = nb_graph_joins(r->model->graph);
    nb_graph_join(r->model->graph, false); /* every node is looked at */
    r->look = look;
    r->look_context = t;
    nb_status status = nb_trainer_step(r, &a->loss_of[a->steps]);
    r->look = NULL;
    nb_graph_join(r->model->graph, joins);
    if (status) return status;
    const nb_tensor w = nb_graph_parameters(r->model->graph);
    a->update[a->steps++] = distance(&w, t->before);
    return NB_OK;
}

/* 2 over the largest curvature for the first samples; NaN where that has no meaning. */
static double stable_rate(nb_trainer *r)
{
    const nb_dataset *set = nb_source_dataset(r->train);
    const size_t count = nb_dataset_count(set);
    const size_t n = count < r->options.batch ? count : r->options.batch;
    nb_graph *g = r->model->graph;
    const nb_pass pass = nb_graph_pass(g);
    const bool labels = set->classes && !set->one_hot;
    nb_tensor x = {0}, t = {0};
    nb_node *loss;
    nb_random random;
    nb_eigenvalue largest = {.value = (double)NAN};
    nb_random_seed(&random, 0);
    nb_graph_set_pass(g, (nb_pass){0});
    nb_status status = nb_tensor_create(&x, nb_graph_dtype(g), nb_dataset_x_shape(set, n));
    if (!status)
        status =
            nb_tensor_create(&t, labels ? NB_INT32 : nb_graph_dtype(g), nb_dataset_t_shape(set, n));
    if (!status) status = nb_dataset_range(set, 0, n, &x, &t);
    if (!status) status = nb_model_feed(r->model, &x, &t, &loss);
    if (!status) status = nb_graph_curvature(loss, &random, 1e-3, 100, &largest);
    nb_feed(r->model->x, NULL);
    if (r->model->labels) nb_feed(r->model->labels, NULL);
    nb_feed(r->model->targets, NULL);
    nb_graph_set_pass(g, pass);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    return status || !isfinite(largest.value) || largest.value <= 0 ? (double)NAN
                                                                    : 2 / largest.value;
}

/* --- the cause -------------------------------------------------------------------------------- */

static bool has_poles(const char *node)
{
    static const char *const names[] = {"log", "divide", "sqrt", "power"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(node, names[i], strlen(names[i])) == 0) return true;
    return false;
}

/* Its inputs are finite, and one reaches 0 or below. */
static bool at_a_pole(const nb_autopsy *a)
{
    bool low = false;
    for (size_t i = 0; i < a->inputs; i++) {
        if (a->input[i].bad) return false;
        low |= a->input[i].least <= 0;
    }
    return low && a->phase == NB_NAN_FORWARD && has_poles(a->node);
}

static nb_nan_cause find_cause(const nb_autopsy *a)
{
    const size_t n = a->steps;
    const double far = 30; /* MNIST's pixels and standardised columns are below it */
    if (a->cause == NB_NAN_DATA) return NB_NAN_DATA;
    if (a->phase == NB_NAN_BEFORE) return NB_NAN_WEIGHTS;
    if (a->phase == NB_NAN_NOWHERE) return NB_NAN_UNKNOWN;
    if (at_a_pole(a) && !(fabs(a->x.most) > far)) return NB_NAN_LOG;
    if (a->x.most > far || a->x.least < -far) return NB_NAN_UNSCALED;
    const bool grows = n > 1 && a->update[n - 2] > 10 * a->update[0];
    if (a->step > 0 || a->phase > NB_NAN_FORWARD)
        if (fabs(a->lr) > a->stable || a->lr < 0 || grows || isnan(a->stable)) return NB_NAN_RATE;
    return NB_NAN_ACTIVATIONS;
}

/* --- all of it -------------------------------------------------------------------------------- */

static double lesser(double a, double b)
{
    return !(a > b) || isnan(b) ? (isnan(a) ? b : a) : b;
}

static nb_status approach(nb_trainer *r, size_t step, table *t)
{
    nb_status status = NB_OK;
    while (r->steps < step && !status) {
        double loss;
        if (step - r->steps == NB_AUTOPSY_STEPS - 1 ||
            (!t->a->steps && step - r->steps < NB_AUTOPSY_STEPS))
            t->a->stable = isnan(t->a->stable) ? stable_rate(r) : t->a->stable;
        status = step - r->steps < NB_AUTOPSY_STEPS ? take_step(r, t) : nb_trainer_step(r, &loss);
    }
    return status;
}

static nb_status examine(nb_trainer *r, table *t)
{
    nb_autopsy *a = t->a;
    const nb_graph *g = r->model->graph;
    a->stable = lesser(a->stable, stable_rate(r));
    t->last = true;
    nb_status status = take_step(r, t);
    if (status) return status;
    a->loss = a->loss_of[a->steps - 1];
    a->lr = nb_optimizer_lr(r->optimizer);
    char *used = nb_alloc_zero(nb_graph_nodes(g), 1);
    if (!used) return NB_ENOMEM;
    mark(t->loss, used);
    if (!t->found) find_forward(t, g, used, NB_NAN_AFTER);
    nb_free(used);
    return NB_OK;
}

nb_status nb_autopsy_perform(nb_trainer *r, const nb_arrays *copy, size_t step,
                             nb_status (*before)(void *context), void *context, size_t *index,
                             nb_autopsy *a)
{
    const nb_tensor w = nb_graph_parameters(r->model->graph);
    nb_arrays views = {0}, there = {0};
    table t = {.a = a, .index = index, .x = r->model->x};
    *a = (nb_autopsy){
        .step = step, .phase = NB_NAN_NOWHERE, .cause = NB_NAN_UNKNOWN, .stable = (double)NAN};
    t.before = nb_alloc(nb_tensor_count(&w), nb_dtype_size(w.dtype));
    nb_status status = t.before ? nb_trainer_assign(r, copy, "memory") : NB_ENOMEM;
    if (!status) status = approach(r, step, &t);
    if (!status) status = nb_trainer_view(r, &views);
    if (!status) status = nb_arrays_copy(&views, &there);
    if (!status && before) status = before(context);
    if (!status) status = examine(r, &t);
    if (!status) a->cause = find_cause(a);
    if (there.count) {
        const nb_status back = nb_trainer_assign(r, &there, "memory");
        if (!status) status = back;
    }
    nb_free(t.before);
    nb_arrays_destroy(&views);
    nb_arrays_destroy(&there);
    return status;
}

nb_status nb_autopsy_graph(nb_node *loss, nb_autopsy *a)
{
    if (!loss || !a)
        return nb_fail(NB_EINVAL, "nb_autopsy_graph: %s is NULL", loss ? "autopsy" : "loss");
    const nb_graph *g = nb_node_graph(loss);
    table t = {.a = a};
    *a = (nb_autopsy){.phase = NB_NAN_NOWHERE,
                      .cause = NB_NAN_UNKNOWN,
                      .loss = nb_scalar(loss),
                      .lr = (double)NAN,
                      .stable = (double)NAN,
                      .x = {.least = (double)NAN, .most = (double)NAN}};
    char *used = nb_alloc_zero(nb_graph_nodes(g), 1);
    if (!used) return NB_ENOMEM;
    mark(loss, used);
    find_forward(&t, g, used, NB_NAN_FORWARD);
    nb_status status = nb_backward(loss);
    if (!status) find_backward(&t, g, used);
    nb_free(used);
    if (!status) a->cause = find_cause(a);
    return status;
}
