#include "gradient_check_demo.h"

#include <math.h>
#include <string.h>

typedef struct callback {
    const char *what;
    nb_function f;
    nb_gradient_function gradient;
    double x[2];
} callback;

#define FUNCTION(name, value)                                    \
    static double name(size_t n, const double *x, void *context) \
    {                                                            \
        (void)n, (void)context;                                  \
        return value;                                            \
    }
#define GRADIENT(name, first, second)                                            \
    static void name(size_t n, const double *x, void *context, double *gradient) \
    {                                                                            \
        (void)n, (void)context, (void)x;                                         \
        gradient[0] = first;                                                     \
        gradient[1] = second;                                                    \
    }

FUNCTION(wave, sin(x[0]) * exp(x[1]))
GRADIENT(right, cos(x[0]) * exp(x[1]), sin(x[0]) * exp(x[1]))
GRADIENT(sign, -cos(x[0]) * exp(x[1]), -sin(x[0]) * exp(x[1]))
GRADIENT(half, cos(x[0]) * exp(x[1]) / 2, sin(x[0]) * exp(x[1]) / 2)
GRADIENT(infinite, cos(x[0]) * exp(x[1]), sin(x[0]) / 0. * exp(x[1]))
GRADIENT(nothing, 0, 0)

FUNCTION(decayed, sin(x[0]) * exp(x[1]) + .05 * (x[0] * x[0] + x[1] * x[1]))
FUNCTION(tilted, sin(x[0]) * exp(x[1]) + .3 * (x[0] + x[1]))

FUNCTION(bent, fabs(x[0] - 1e-6) + fabs(x[1]))
GRADIENT(bent_slope, x[0] > 1e-6 ? 1 : -1, x[1] > 0 ? 1 : -1)

FUNCTION(stepping, floor(x[0]) + x[1])
GRADIENT(flat, 0, 1)

FUNCTION(constant, 5 + 0 * x[0])

FUNCTION(hidden, 1e20 + sin(x[0]) + sin(x[1]))
GRADIENT(cosines, cos(x[0]), cos(x[1]))

static double restless(size_t n, const double *x, void *context)
{
    static double calls;
    (void)n, (void)context;
    return x[0] + x[1] + 1e-9 * ++calls;
}
GRADIENT(ones, 1, 1)

FUNCTION(fast, sin(1e6 * x[0]) + x[1])
GRADIENT(fast_slope, 1e6 * cos(1e6 * x[0]), 1)

FUNCTION(stairs, (x[0] + 1e8) - 1e8 + x[1])

FUNCTION(faint, 1e-20 * sin(x[0]) + x[1])
GRADIENT(faint_slope, 1e-20 * cos(x[0]), 1)

GRADIENT(turned, sin(x[0]) * exp(x[1]), cos(x[0]) * exp(x[1]))

static double scribbling(size_t n, const double *x, void *context)
{
    double *w = (double *)(uintptr_t)x;
    (void)n, (void)context;
    return w[0]++ + w[1];
}

static const callback callbacks[] = {
    {"a right gradient", wave, right, {.7, .3}},
    {"the sign is wrong", wave, sign, {.7, .3}},
    {"half of it", wave, half, {.7, .3}},
    {"it was never written", wave, nothing, {.7, .3}},
    {"a division by 0", wave, infinite, {.7, .3}},
    {"the decay 0.05 w^2 was forgotten", decayed, right, {.7, .3}},
    {"0.3 w was forgotten", tilted, right, {.7, .3}},
    {"right, beside a corner", bent, bent_slope, {1.00005e-6, .5}},
    {"right, beside a jump", stepping, flat, {3.00001, .5}},
    {"right, of a constant", constant, nothing, {.7, .3}},
    {"1e20 hides the function", hidden, cosines, {.7, .3}},
    {"the function counts its calls", restless, ones, {.7, .3}},
    {"the function changes x", scribbling, ones, {.7, .3}},
    {"right, a million waves", fast, fast_slope, {.7, .3}},
    {"right, of a staircase", stairs, ones, {1e-4, .3}},
    {"right, too faint to see", faint, faint_slope, {.7, .3}},
    {"one element further", wave, turned, {.7, .3}},
};

/* --- printing --------------------------------------------------------------------------------- */

/* The reason that comes last in the list: the worst. */
static nb_reason worst(const nb_gradient_report *report)
{
    nb_reason r = NB_REASONS - 1;
    while (r > 0 && !report->tally[r]) r--;
    return r;
}

static void print_slip(nb_slip slip, double amount)
{
    if (slip) printf(" %s", nb_slip_name(slip));
    if (slip && isfinite(amount) && slip != NB_SLIP_TRANSPOSED) printf(" %.3g", amount);
}

/* A line: what was planted, the verdict, its name, what the wrong elements have in common. */
static void print_line(const char *what, nb_gradient_report *report)
{
    static const char *const verdicts[] = {"right", "wrong", "unknown"};
    const char *name = report->breach && report->breach != NB_BREACH_BACKWARD
                           ? nb_breach_name(report->breach)
                           : nb_reason_name(worst(report));
    size_t row = 0;
    while (row + 1 < report->count && !report->row[row].slip) row++;
    const nb_slip slip = report->count ? report->row[row].slip : NB_SLIP_NONE;
    const bool more = slip || report->first_slip;
    printf(more ? "%-33s %-7s %-19s" : "%-33s %-7s %s", what,
           verdicts[nb_gradient_report_verdict(report)], name);
    if (slip)
        print_slip(slip, report->row[row].amount);
    else
        print_slip(report->first_slip, (double)NAN); /* of an operation between */
    printf("\n");
    nb_gradient_report_destroy(report);
}

/* --- in a graph: y = x W, with a slip --------------------------------------------------------- */

#define GRAPH_LIST(X)                             \
    X(SOUND, "a right operation, y = x W")        \
    X(W_TRANSPOSED, "dW transposed")              \
    X(X_BY_W, "dx = dy W, not dy W^T")            \
    X(W_SHIFTED, "dW one element too early")      \
    X(LAST_ROW, "the last row is left out of dW") \
    X(NO_BETA, "beta is ignored")                 \
    X(NO_ALPHA, "alpha is ignored")               \
    X(WRITES, "forward writes into x")            \
    X(RESTLESS, "forward counts its calls")       \
    X(REDRAWN, "dropout that always draws")       \
    X(SINGLE, "the sign is wrong in float32")     \
    X(FROM_0, "forward begins at row 0, not lo")  \
    X(NEIGHBOURS, "rows use the row before")      \
    X(NO_PRODUCT, "NB_PRODUCT, but y = x W + x")  \
    X(FIRST_SHARE, "W is copied where lo is 0 only")

typedef enum {
#define X(code, what) code,
    GRAPH_LIST(X)
#undef X
        GRAPHS
} planted;

enum { SIDE = 3, BATCH = 8, MANY = 96 }; /* 96: rows that threads share */

static double at(const nb_call *c, const nb_tensor *t, size_t i)
{
    return c->kernels->get(t->data, i);
}

static nb_status own_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    need->kept = SIDE;
    need->scratch = SIDE * SIDE;
    return NB_OK;
}

static nb_status own_draw(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    for (size_t i = 0; i < nb_tensor_count(c->kept); i++)
        c->kernels->set(c->kept->data, i,
                        *(const planted *)c->config == REDRAWN ? nb_random_rand(c->pass.random) > .3
                                                               : 1);
    return NB_OK;
}

static nb_status own_forward(const nb_call *c, size_t lo, size_t hi)
{
    static double calls;
    const planted kind = *(const planted *)c->config;
    const size_t from = kind == FROM_0 ? 0 : lo;
    /* Each thread has a scratch of its own. */
    for (size_t i = 0; i < SIDE * SIDE && (kind != FIRST_SHARE || lo == 0); i++)
        c->kernels->set(c->scratch, i, at(c, c->in[1], i));
    for (size_t r = from; r < from + hi - lo; r++)
        for (size_t j = 0; j < SIDE; j++) {
            double y = kind == RESTLESS     ? ++calls
                       : kind == NO_PRODUCT ? at(c, c->in[0], r * SIDE + j)
                                            : 0;
            for (size_t k = 0; k < SIDE; k++)
                y += at(c, c->in[0], r * SIDE + k) * c->kernels->get(c->scratch, k * SIDE + j);
            if (kind == NEIGHBOURS && r > 0) y += at(c, c->in[0], (r - 1) * SIDE + j);
            c->kernels->set(c->out->data, r * SIDE + j, y * at(c, c->kept, r * SIDE + j));
        }
    if (kind == WRITES) c->kernels->set(c->in[0]->data, 0, at(c, c->in[0], 0) + 1);
    return NB_OK;
}

/* Element i of dx or dW. */
static double own_gradient(const nb_call *c, planted kind, size_t i)
{
    const size_t n = nb_tensor_height(c->dout) - (kind == LAST_ROW && c->input == 1);
    const size_t row = i / SIDE, column = i % SIDE;
    double sum = 0;
    if (c->input == 0)
        for (size_t j = 0; j < SIDE; j++)
            sum += at(c, c->dout, row * SIDE + j) *
                   at(c, c->in[1], kind == X_BY_W ? j * SIDE + column : column * SIDE + j);
    else
        for (size_t r = 0; r < n; r++)
            sum += at(c, c->in[0], r * SIDE + row) * at(c, c->dout, r * SIDE + column);
    return sum;
}

static nb_status own_backward(const nb_call *c, size_t lo, size_t hi)
{
    const planted kind = *(const planted *)c->config;
    const size_t all = SIDE * SIDE;
    const double alpha = (kind == NO_ALPHA ? 1 : c->alpha) *
                         (kind == SINGLE && c->kernels->dtype == NB_FLOAT32 ? -1 : 1);
    for (size_t i = lo * SIDE; i < hi * SIDE; i++) {
        size_t from = i;
        if (kind == W_TRANSPOSED && c->input == 1) from = i % SIDE * SIDE + i / SIDE;
        if (kind == W_SHIFTED && c->input == 1) from = (i + 1) % all;
        const double old = c->beta == 0 || kind == NO_BETA ? 0 : c->beta * at(c, c->din, i);
        c->kernels->set(c->din->data, i, alpha * own_gradient(c, kind, from) + old);
    }
    return NB_OK;
}

static const nb_op own = {
    .name = "own",
    .inputs = 2,
    .config = sizeof(planted),
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = own_plan,
    .forward = {{own_draw, NB_DRAW, 0, false}, {own_forward, NB_ROWS, 0, false}},
    .backward = {{own_backward, NB_INPUT_ROWS, 0, false}, {own_backward, NB_INPUT_ROWS, 1, false}}};

/* y = x sin w + 0.3 x w, element by element; the second term was forgotten in dw. */
static nb_status mixed_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->out = in[0].shape;
    return NB_OK;
}

static nb_status mixed_forward(const nb_call *c, size_t lo, size_t hi)
{
    for (size_t i = lo * SIDE; i < hi * SIDE; i++) {
        const double w = at(c, c->in[1], i);
        c->kernels->set(c->out->data, i, at(c, c->in[0], i) * (sin(w) + .3 * w));
    }
    return NB_OK;
}

static nb_status mixed_backward(const nb_call *c, size_t lo, size_t hi)
{
    for (size_t i = lo * SIDE; i < hi * SIDE; i++) {
        const double slope = at(c, c->in[0], i) * cos(at(c, c->in[1], i));
        const double old = c->beta == 0 ? 0 : c->beta * at(c, c->din, i);
        c->kernels->set(c->din->data, i, slope * at(c, c->dout, i) + old);
    }
    return NB_OK;
}

static const nb_op mixed = {.name = "mixed",
                            .inputs = 2,
                            .plan = mixed_plan,
                            .forward = {{mixed_forward, NB_ROWS, 0, false}},
                            .backward = {{mixed_backward, NB_INPUT_ROWS, 1, false}}};

/* y_j = w_j + w_(j+1) / 2, which promises to be by element; the second was forgotten in dw. */
static nb_status beside_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t i = lo * width; i < hi * width; i++) {
        const double next = (i + 1) % width ? at(c, c->in[0], i + 1) : 0;
        c->kernels->set(c->out->data, i, at(c, c->in[0], i) + next / 2);
    }
    return NB_OK;
}

static nb_status beside_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->out);
    for (size_t i = lo * width; i < hi * width; i++) {
        const double old = c->beta == 0 ? 0 : c->beta * at(c, c->din, i);
        c->kernels->set(c->din->data, i, at(c, c->dout, i) + old);
    }
    return NB_OK;
}

static const nb_op beside = {.name = "beside",
                             .inputs = 1,
                             .promises = NB_BY_ROW | NB_BY_ELEMENT,
                             .plan = mixed_plan,
                             .forward = {{beside_forward, NB_ROWS, 0, false}},
                             .backward = {{beside_backward, NB_INPUT_ROWS, 0, false}}};

/* y = x W + b, and where x is packed, twice that. */
static const nb_op *affine_op(void)
{
    size_t i = 0;
    while (strcmp(nb_op_at(i)->name, "affine") != 0) i++;
    return nb_op_at(i);
}

static nb_phase *last_forward(nb_op *op)
{
    size_t k = 0;
    while (k + 1 < NB_MAX_PHASES && op->forward[k + 1].run) k++;
    return &op->forward[k];
}

static nb_status doubling_forward(const nb_call *c, size_t lo, size_t hi)
{
    nb_op affine = *affine_op();
    const nb_status status = last_forward(&affine)->run(c, lo, hi);
    for (size_t i = lo * SIDE; i < hi * SIDE && !status && c->in[0]->packed; i++)
        c->kernels->set(c->out->data, i, 2 * at(c, c->out, i));
    return status;
}

/* --- graphs ----------------------------------------------------------------------------------- */

typedef struct bed {
    nb_graph *g;
    nb_node *x, *W0, *b0, *W;
    nb_random random;
} bed;

static void begin(const page *p, bed *b, nb_dtype dtype, bool batch)
{
    nb_random_seed(&b->random, 1);
    page_check(p, nb_graph_create(&b->g, dtype));
    b->x = nb_input(b->g, "x", NB_SHAPE(batch ? NB_BATCH : SIDE, SIDE));
    b->W0 = nb_parameter(b->g, "W0", NB_SHAPE(SIDE, SIDE));
    b->b0 = nb_parameter(b->g, "b0", NB_SHAPE(SIDE));
    b->W = nb_parameter(b->g, "W", NB_SHAPE(SIDE, SIDE));
}

/* Random numbers for everything; the check. */
static void end(const page *p, bed *b, const char *what, nb_node *loss, size_t rows)
{
    nb_gradient_report report;
    nb_tensor x;
    page_check(p, nb_graph_finish(b->g, MANY));
    const nb_tensor w = nb_graph_parameters(b->g);
    const nb_kernels *k = nb_kernels_of(w.dtype);
    for (size_t i = 0; i < nb_tensor_count(&w); i++) k->set(w.data, i, nb_random_randn(&b->random));
    page_check(p, nb_tensor_create(&x, w.dtype, NB_SHAPE(rows, SIDE)));
    for (size_t i = 0; i < rows * SIDE; i++) k->set(x.data, i, nb_random_randn(&b->random));
    page_check(p, nb_feed(b->x, &x));
    page_check(p, nb_graph_set_pass(b->g, (nb_pass){.training = true, .random = &b->random}));
    page_check(p, nb_gradient_check(loss, NB_NUMERICAL_H, &report));
    print_line(what, &report);
    nb_graph_destroy(b->g);
    nb_tensor_destroy(&x);
}

static void show_planted(const page *p, planted kind, const char *what)
{
    bed b;
    nb_op op = own;
    if (kind == NO_PRODUCT || kind == LAST_ROW) op.promises |= NB_PRODUCT;
    begin(p, &b, kind == SINGLE ? NB_FLOAT32 : NB_FLOAT64, true);
    nb_node *h = nb_affine(b.x, b.W0, b.b0);
    nb_node *y = nb_apply(&op, &kind, (nb_node *[]){h, b.W});
    if (kind == NO_BETA) y = nb_add(y, nb_apply(&op, &kind, (nb_node *[]){nb_sigmoid(h), b.W}));
    end(p, &b, what, nb_mean(nb_square(y)), kind == FIRST_SHARE ? MANY : BATCH);
}

static void show_term_in_x(const page *p)
{
    bed b;
    begin(p, &b, NB_FLOAT64, false);
    end(p, &b, "0.3 x was forgotten", nb_sum(nb_apply(&mixed, NULL, (nb_node *[]){b.x, b.W})),
        SIDE);
}

static void show_beside(const page *p)
{
    bed b;
    begin(p, &b, NB_FLOAT64, true);
    nb_node *y = nb_apply(&beside, NULL, (nb_node *[]){nb_affine(b.x, b.W0, b.b0)});
    end(p, &b, "by element, but uses the next", nb_mean(nb_square(nb_matmul(y, b.W))), BATCH);
}

static void show_packed(const page *p)
{
    bed b;
    nb_op op = *affine_op();
    last_forward(&op)->run = doubling_forward;
    begin(p, &b, NB_FLOAT64, true);
    nb_node *h = nb_apply(&op, NULL, (nb_node *[]){nb_sparse(b.x), b.W0, b.b0});
    end(p, &b, "of packed rows the double", nb_mean(nb_square(nb_matmul(h, b.W))), BATCH);
}

/* A bias before batch norm; a batch of one. */
static void show_norm(const page *p, const char *what, size_t rows)
{
    bed b;
    begin(p, &b, NB_FLOAT64, true);
    nb_node *gamma = nb_parameter(b.g, "gamma", NB_SHAPE(SIDE));
    nb_node *beta = nb_parameter(b.g, "beta", NB_SHAPE(SIDE));
    nb_node *mean = nb_state(b.g, "mean", NB_SHAPE(SIDE));
    nb_node *variance = nb_state(b.g, "variance", NB_SHAPE(SIDE));
    nb_node *y = nb_batch_norm(nb_affine(b.x, b.W0, b.b0), gamma, beta, mean, variance, NULL);
    end(p, &b, what, nb_mean(nb_square(nb_sigmoid(nb_matmul(y, b.W)))), rows);
}

static void show_book(const page *p)
{
    bed b;
    begin(p, &b, NB_FLOAT64, true);
    nb_node *a = nb_matmul(nb_sigmoid(nb_affine(b.x, b.W0, b.b0)), b.W);
    end(p, &b, "right, with 1e-7 in the logarithm",
        nb_softmax_cross_entropy(a, nb_softmax(b.x), NB_BOOK_EPSILON), BATCH);
}

void demo(const page *p)
{
    static const char *const whats[] = {
#define X(code, what) what,
        GRAPH_LIST(X)
#undef X
    };
    for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++) {
        nb_gradient_report report;
        const callback *s = &callbacks[i];
        page_check(p, nb_function_check(s->f, s->gradient, NULL, 2, s->x, NULL, &report));
        print_line(s->what, &report);
    }
    for (planted k = 0; k < GRAPHS; k++) show_planted(p, k, whats[k]);
    show_term_in_x(p);
    show_beside(p);
    show_packed(p);
    show_norm(p, "right, a bias before batch norm", BATCH);
    show_norm(p, "right, batch norm of one row", 1);
    show_book(p);
}
