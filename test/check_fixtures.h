/* check_fixtures.h - what the gradient checker is tried on, and what its rows should say. */
#ifndef TEST_CHECK_FIXTURES_H
#define TEST_CHECK_FIXTURES_H

#include "support.h"

#include "nablas/check.h"
#include "nablas/gradient.h"
#include "nablas/loss.h"

#include <math.h>

/* The phase that computes the output's rows, and the one that writes the gradient of c->input. */
static inline nb_status op_forward(const nb_op *op, const nb_call *c, size_t lo, size_t hi)
{
    size_t last = 0;
    while (last + 1 < NB_MAX_PHASES && op->forward[last + 1].run) last++;
    return op->forward[last].run(c, lo, hi);
}

static inline nb_status op_backward(const nb_op *op, const nb_call *c, size_t lo, size_t hi)
{
    size_t k = 0;
    while (op->backward[k].over != NB_INPUT_ROWS || op->backward[k].input != c->input) k++;
    return op->backward[k].run(c, lo, hi);
}

static inline const nb_op *find_op(const char *name)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (strcmp(nb_op_at(i)->name, name) == 0) return nb_op_at(i);
    fail_msg("no operation %s", name);
    return NULL;
}

/* The row has `want` elements for `reason`, and no other but agreeing and vacuous ones, or below the noise. */
static inline void assert_reason(const nb_gradient_row *row, nb_reason reason, size_t want)
{
    bool right = row->tally[reason] == want;
    size_t sum = 0;
    for (nb_reason r = 0; r < NB_REASONS; r++) {
        sum += row->tally[r];
        right &= r == reason || r <= NB_BELOW_NOISE || row->tally[r] == 0;
    }
    assert_int_equal(sum, row->count);
    if (right) return;
    for (nb_reason r = 0; r < NB_REASONS; r++)
        if (row->tally[r]) print_error("%s: %zu %s\n", row->name, row->tally[r], nb_reason_name(r));
    fail_msg("%s: expected %zu %s", row->name, want, nb_reason_name(reason));
}

static inline void assert_clean(const nb_gradient_report *report)
{
    assert_true(report->passed);
    for (size_t i = 0; i < report->count; i++)
        assert_reason(&report->row[i], NB_AGREES, report->row[i].tally[NB_AGREES]);
}

/* --- planted bugs: an affine layer whose backward has the slip that its attribute names ------- */

enum { clean, transposed, no_bias, flipped, times_batch, over_batch, not_a_number, one_element };

static inline nb_status planted_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    return find_op("affine")->plan(in, config, need);
}

static inline nb_status planted_forward(const nb_call *c, size_t lo, size_t hi)
{
    return op_forward(find_op("affine"), c, lo, hi);
}

static inline nb_status scale_rows(const nb_call *c, size_t lo, size_t hi, double factor)
{
    const size_t width = nb_tensor_width(c->din);
    for (size_t k = lo * width; k < hi * width; k++)
        c->kernels->set(c->din->data, k, factor * c->kernels->get(c->din->data, k));
    return NB_OK;
}

static inline nb_status planted_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t i = c->input;
    const int slip = (int)*(const double *)c->config;
    const size_t n = c->in[0]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (slip == transposed && i == 0) /* dx = dy W, for a square W */
        return c->kernels->gemm(false, false, hi - lo, m, m, 1, nb_tensor_at(c->dout, lo), m,
                                c->in[1]->data, m, c->beta, nb_tensor_at(c->din, lo), m);
    nb_status status = op_backward(find_op("affine"), c, lo, hi);
    if (status) return status;
    if (slip == no_bias && i == 2) return scale_rows(c, lo, hi, 0);
    if (slip == flipped && i == 1) return scale_rows(c, lo, hi, -1);
    if (slip == times_batch && i > 0) return scale_rows(c, lo, hi, (double)n);
    if (slip == over_batch && i == 1) return scale_rows(c, lo, hi, 1 / (double)n);
    if (slip == not_a_number && i == 2) return scale_rows(c, lo, hi, (double)NAN);
    if (slip == one_element && i == 1 && lo == 0)
        c->kernels->set(c->din->data, 1, c->kernels->get(c->din->data, 1) * (1 + 1e-6));
    return NB_OK;
}

static const nb_op planted = {.name = "planted",
                              .inputs = 3,
                              .config = sizeof(double),
                              .promises = NB_BY_ROW,
                              .plan = planted_plan,
                              .forward = {{planted_forward, NB_ROWS, 0, false}},
                              .backward = {{planted_backward, NB_INPUT_ROWS, 0, false},
                                           {planted_backward, NB_INPUT_ROWS, 1, false},
                                           {planted_backward, NB_INPUT_ROWS, 2, false}}};

typedef struct bed {
    nb_graph *g;
    nb_node *loss;
    double x[5 * 4], t[5 * 3];
    nb_gradient_report report;
} bed;

enum { rows = 5, elements = 55 };

/* x (5,4) -> planted W1 (4,4) -> activation -> affine W2 (4,3) -> softmax with cross entropy. */
static inline void make_bed(bed *b, int slip, nb_node *(*activate)(nb_node *), double epsilon,
                            uint64_t seed)
{
    assert_ok(nb_graph_create(&b->g, NB_FLOAT64));
    nb_node *x = nb_input(b->g, "x", NB_SHAPE(NB_BATCH, 4));
    nb_node *t = nb_input(b->g, "t", NB_SHAPE(NB_BATCH, 3));
    nb_node *W0 = nb_parameter(b->g, "W0", NB_SHAPE(4, 4));
    nb_node *b0 = nb_parameter(b->g, "b0", NB_SHAPE(4));
    nb_node *W1 = nb_parameter(b->g, "W1", NB_SHAPE(4, 4));
    nb_node *b1 = nb_parameter(b->g, "b1", NB_SHAPE(4));
    nb_node *W2 = nb_parameter(b->g, "W2", NB_SHAPE(4, 3));
    nb_node *b2 = nb_parameter(b->g, "b2", NB_SHAPE(3));
    nb_node *z = nb_apply(&planted, &(double){slip}, (nb_node *[]){nb_affine(x, W0, b0), W1, b1});
    nb_node *a = nb_affine(activate(z), W2, b2);
    b->loss = nb_softmax_cross_entropy(a, t, epsilon);
    assert_ok(nb_graph_finish(b->g, rows));
    support_fill_d(COUNT(b->x), b->x, seed);
    for (size_t i = 0; i < COUNT(b->t); i++) b->t[i] = i % 3 == i / 3 % 3;
    const nb_tensor value = nb_graph_parameters(b->g);
    support_fill_d(nb_tensor_count(&value), value.data, seed + 1);
    assert_ok(
        nb_feed(x, &(nb_tensor){.dtype = NB_FLOAT64, .shape = NB_SHAPE(rows, 4), .data = b->x}));
    assert_ok(
        nb_feed(t, &(nb_tensor){.dtype = NB_FLOAT64, .shape = NB_SHAPE(rows, 3), .data = b->t}));
}

static inline void end_bed(bed *b)
{
    nb_gradient_report_destroy(&b->report);
    nb_graph_destroy(b->g);
}

/* Rows of the report: W0 b0 W1 b1 W2 b2. */
static inline void check_slip(bed *b, int slip, uint64_t seed)
{
    make_bed(b, slip, nb_sigmoid, NB_EXACT_LOG, seed);
    assert_ok(nb_gradient_check(b->loss, 1e-4, &b->report));
    assert_int_equal(b->report.count, 6);
    assert_int_equal(b->report.passed, slip == clean);
}

/* --- a callback ------------------------------------------------------------------------------- */

static inline double rosenbrock(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    return a * a + 100 * b * b;
}

static inline void rosenbrock_gradient(size_t n, const double *x, void *context, double *gradient)
{
    (void)n;
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * b * x[0];
    gradient[1] = *(const double *)context * b;
}

#endif
