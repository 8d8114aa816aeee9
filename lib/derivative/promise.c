#include "derivative/promise.h"
#include "graph/graph.h"
#include "nablas/memory.h"
#include "nablas/random.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* One set of arrays that the operation is run on. */
typedef struct arrays {
    nb_tensor in[NB_MAX_INPUTS], out, kept, dout, din[NB_MAX_INPUTS];
    void *memory, *partial, *scratch;
} arrays;

typedef struct trial {
    const nb_probe *p;
    const nb_kernels *k;
    nb_need need;
    size_t rows; /* of the batch */
    bool out_batched;
    bool frozen;        /* from the second run on: masks and state stay */
    arrays whole, part; /* as it should be; what is compared with it */
    nb_breach *breach;
    char *broken;
    size_t size;
} trial;

static nb_status says(const trial *t, nb_breach breach, const char *what)
{
    *t->breach = breach;
    snprintf(t->broken, t->size, "%s: %s: %s", t->p->op->name, nb_breach_name(breach), what);
    return NB_OK;
}

static bool found(const trial *t)
{
    return *t->broken;
}

/* --- arrays ----------------------------------------------------------------------------------- */

static nb_dtype type_of(const trial *t, const nb_tensor *in)
{
    return in->dtype == NB_INT32 ? NB_INT32 : t->k->dtype;
}

static nb_status copy_inputs(const trial *t, arrays *a)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < t->p->op->inputs && !status; i++) {
        const nb_tensor *from = &t->p->in[i];
        status = nb_tensor_create(&a->in[i], type_of(t, from), from->shape);
        if (!status) status = nb_tensor_convert(from, &a->in[i]);
        if (!status && from->dtype != NB_INT32)
            status = nb_tensor_create(&a->din[i], t->k->dtype, from->shape);
    }
    return status;
}

static nb_status copy_past(const trial *t, arrays *a)
{
    const nb_probe *p = t->p;
    const nb_shape shape = NB_SHAPE(t->need.memory);
    nb_tensor to = nb_tensor_view(t->k->dtype, shape, a->memory);
    const nb_tensor from = nb_tensor_view(NB_FLOAT64, shape, (void *)(uintptr_t)p->memory);
    nb_status status = p->memory && t->need.memory ? nb_tensor_convert(&from, &to) : NB_OK;
    if (!status && p->kept && p->kept->data && nb_shape_equal(p->kept->shape, a->kept.shape))
        status = nb_tensor_convert(p->kept, &a->kept);
    return status;
}

static nb_status create(const trial *t, arrays *a)
{
    nb_shape out = t->need.out;
    const size_t size = t->k->size, threads = 3;
    nb_status status = copy_inputs(t, a);
    if (t->out_batched) out.dim[0] = t->rows;
    if (!status) status = nb_tensor_create(&a->out, t->k->dtype, out);
    if (!status) status = nb_tensor_create(&a->dout, t->k->dtype, out);
    if (!status)
        status = nb_tensor_create(&a->kept, t->k->dtype,
                                  NB_SHAPE(nb_tensor_height(&a->out), t->need.kept));
    if (status) return status;
    a->memory = nb_alloc_zero(t->need.memory + 1, size);
    a->partial = nb_alloc_zero(nb_groups(t->rows) * t->need.partial + 1, size);
    a->scratch = nb_alloc_zero(threads * t->need.scratch + 1, size);
    return a->memory && a->partial && a->scratch ? copy_past(t, a) : NB_ENOMEM;
}

static void destroy(arrays *a)
{
    for (size_t i = 0; i < NB_MAX_INPUTS; i++) {
        nb_tensor_destroy(&a->in[i]);
        nb_tensor_destroy(&a->din[i]);
    }
    nb_tensor_destroy(&a->out);
    nb_tensor_destroy(&a->kept);
    nb_tensor_destroy(&a->dout);
    nb_free(a->memory);
    nb_free(a->partial);
    nb_free(a->scratch);
    *a = (arrays){0};
}

static nb_call call_on(const trial *t, const arrays *a)
{
    nb_call c = {.kernels = t->k,
                 .config = t->p->config,
                 .pass = t->p->pass,
                 .rows = t->rows,
                 .out = &a->out,
                 .kept = &a->kept,
                 .memory = a->memory,
                 .partial = a->partial,
                 .scratch = a->scratch,
                 .dout = &a->dout,
                 .alpha = 1};
    c.pass.frozen |= t->frozen;
    for (size_t i = 0; i < t->p->op->inputs; i++) c.in[i] = &a->in[i];
    return c;
}

static void draw(const nb_kernels *k, nb_tensor *x, unsigned seed)
{
    nb_random random;
    nb_random_seed(&random, seed);
    for (size_t i = 0; i < nb_tensor_count(x); i++) k->set(x->data, i, nb_random_randn(&random));
}

static size_t bytes_of(const nb_tensor *x)
{
    return nb_tensor_count(x) * nb_dtype_size(x->dtype);
}

static bool same(const nb_tensor *a, const nb_tensor *b)
{
    return memcmp(a->data, b->data, bytes_of(a)) == 0;
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Everything outside rows lo ... hi-1 hidden: NaN, or a label that is no class. */
static void hide(nb_tensor *x, size_t lo, size_t hi)
{
    const size_t row = nb_tensor_height(x) ? bytes_of(x) / nb_tensor_height(x) : 0;
    memset(x->data, 0xff, lo * row);
    memset((char *)x->data + hi * row, 0xff, bytes_of(x) - hi * row);
}

static void show(nb_tensor *x, const nb_tensor *as)
{
    if (x->data) memcpy(x->data, as->data, bytes_of(x));
}

/* Elements from ... to-1 are the same, to rounding: BLAS rounds otherwise where it is given other
 * rows. (A graph shares rows so that it does not, nb_share_rows.) */
static bool alike(const trial *t, const nb_tensor *a, const nb_tensor *b, size_t from, size_t to)
{
    double largest = 0;
    for (size_t e = 0; e < nb_tensor_count(b); e++) {
        const double x = fabs(t->k->get(b->data, e));
        if (isfinite(x)) largest = fmax(largest, x);
    }
    for (size_t e = from; e < to; e++) {
        const double x = t->k->get(a->data, e), y = t->k->get(b->data, e);
        if (!(fabs(x - y) <= 1e-12 * largest) && x != y && !(isnan(x) && isnan(y))) return false;
    }
    return true;
}

/* Run rows lo ... hi-1 of a phase of the part, which sees of the batch only them. */
static nb_status run_hidden(trial *t, const nb_phase *phase, nb_call c, size_t lo, size_t hi,
                            bool backward)
{
    arrays *a = &t->part;
    const arrays *w = &t->whole;
    const bool input_rows = phase->over == NB_INPUT_ROWS;
    const bool same_rows =
        t->out_batched && (input_rows ? t->p->batched[phase->input] : phase->over == NB_ROWS);
    if (same_rows) {
        for (size_t i = 0; i < t->p->op->inputs; i++)
            if (t->p->batched[i]) hide(&a->in[i], lo, hi);
        if (backward) {
            hide(&a->out, lo, hi);
            hide(&a->dout, lo, hi);
            if (t->need.kept) hide(&a->kept, lo, hi);
        }
    }
    nb_status status = phase->run(&c, lo, hi);
    for (size_t i = 0; i < t->p->op->inputs; i++) show(&a->in[i], &w->in[i]);
    show(&a->dout, &w->dout);
    if (backward) {
        show(&a->out, &w->out);
        if (t->need.kept) show(&a->kept, &w->kept);
    }
    return status;
}

/* The ends of uneven ranges of n things, from the last to the first. */
static size_t next_range(size_t hi)
{
    return hi > 7 ? hi - hi / 2 : hi - 1;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* The output of one phase, range by range; the last phase's is compared. */
static nb_status forward_by_ranges(trial *t)
{
    nb_call c = call_on(t, &t->part);
    const nb_op *op = t->p->op;
    memset(t->part.out.data, 0xff, bytes_of(&t->part.out));
    for (size_t k = 0; k < NB_MAX_PHASES && op->forward[k].run; k++) {
        const nb_phase *phase = &op->forward[k];
        if (!nb_phase_applies(phase, &c)) continue;
        c.input = phase->input;
        for (size_t hi = nb_phase_count(phase, &c), lo; hi > 0; hi = lo) {
            nb_tensor before;
            lo = phase->over == NB_ONCE || phase->over == NB_DRAW ? 0 : next_range(hi);
            nb_status status = nb_tensor_create(&before, t->k->dtype, t->part.out.shape);
            if (!status) status = nb_tensor_convert(&t->part.out, &before);
            if (!status) status = run_hidden(t, phase, c, lo, hi, false);
            const bool last = k + 1 == NB_MAX_PHASES || !op->forward[k + 1].run;
            const size_t width = nb_tensor_width(&before), all = nb_tensor_count(&before);
            const bool wrong =
                !status && last && phase->over == NB_ROWS &&
                (!alike(t, &t->part.out, &t->whole.out, lo * width, hi * width) ||
                 memcmp(t->part.out.data, before.data, lo * width * t->k->size) != 0 ||
                 memcmp((char *)t->part.out.data + hi * width * t->k->size,
                        (char *)before.data + hi * width * t->k->size,
                        (all - hi * width) * t->k->size) != 0);
            nb_tensor_destroy(&before);
            if (status == NB_ENOMEM) return status; /* that says nothing of the operation */
            if (status || wrong)
                return says(t, NB_BREACH_ROWS,
                            "it promises NB_BY_ROW, but forward for some rows gives other "
                            "numbers than for all, or writes other rows");
        }
    }
    return NB_OK;
}

typedef struct crowd {
    trial *t;
    const nb_phase *phase;
    nb_call call;
} crowd;

static nb_status run_crowd(void *context, size_t part, size_t parts)
{
    const crowd *w = context;
    size_t lo, hi;
    nb_call c = w->call;
    c.scratch = (char *)c.scratch + part * w->t->need.scratch * w->t->k->size;
    nb_phase_share(w->phase, &c, part, parts, &lo, &hi);
    return lo < hi ? w->phase->run(&c, lo, hi) : NB_OK;
}

static nb_status on_threads(trial *t, const nb_phase *phase, const nb_call *c)
{
    nb_pool *pool;
    const bool once = phase->over == NB_ONCE || phase->over == NB_DRAW;
    crowd w = {t, phase, *c};
    nb_status status = nb_pool_create(&pool, 3);
    if (status) return status;
    status = nb_pool_run(once ? NULL : pool, run_crowd, &w);
    nb_pool_destroy(pool);
    return status;
}

static nb_status forward_on_threads(trial *t)
{
    nb_call c = call_on(t, &t->part);
    const nb_op *op = t->p->op;
    nb_status status = NB_OK;
    for (size_t k = 0; k < NB_MAX_PHASES && op->forward[k].run && !status; k++) {
        c.input = op->forward[k].input;
        if (nb_phase_applies(&op->forward[k], &c)) status = on_threads(t, &op->forward[k], &c);
    }
    if (status) return status;
    return same(&t->part.out, &t->whole.out)
               ? NB_OK
               : says(t, NB_BREACH_THREADS,
                      "it promises NB_BY_ROW, but forward on three threads gives other numbers");
}

/* Its inputs are still what they were. */
static nb_status check_inputs(trial *t, const arrays *a, const char *otherwise)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < t->p->op->inputs && !status && !found(t); i++) {
        nb_tensor was;
        status = nb_tensor_create(&was, a->in[i].dtype, a->in[i].shape);
        if (!status) status = nb_tensor_convert(&t->p->in[i], &was);
        if (!status && !same(&was, &a->in[i])) says(t, NB_BREACH_OVERWRITTEN, otherwise);
        nb_tensor_destroy(&was);
    }
    return status;
}

/* Column j of everything as if it were all there is. */
static nb_status check_column(trial *t, size_t j)
{
    const size_t rows = nb_tensor_height(&t->whole.out), width = nb_tensor_width(&t->whole.out);
    nb_tensor in[NB_MAX_INPUTS] = {{0}}, out = {0};
    nb_call c = call_on(t, &t->part);
    nb_status status = nb_tensor_create(&out, t->k->dtype, NB_SHAPE(rows, 1));
    for (size_t i = 0; i < t->p->op->inputs && !status; i++) {
        status = nb_tensor_create(&in[i], t->k->dtype, NB_SHAPE(rows, 1));
        for (size_t r = 0; r < rows && !status; r++)
            t->k->set(in[i].data, r, t->k->get(t->whole.in[i].data, r * width + j));
        c.in[i] = &in[i];
    }
    c.out = &out;
    if (!status) status = nb_call_forward(t->p->op, &c);
    for (size_t r = 0; r < rows && !status && !found(t); r++) {
        const double a = t->k->get(out.data, r), b = t->k->get(t->whole.out.data, r * width + j);
        if (a != b && !(isnan(a) && isnan(b)))
            status = says(t, NB_BREACH_COLUMNS,
                          "it promises NB_BY_ELEMENT, but a column alone gives other numbers");
    }
    for (size_t i = 0; i < NB_MAX_INPUTS; i++) nb_tensor_destroy(&in[i]);
    nb_tensor_destroy(&out);
    return status;
}

/* What a product, a sum or a mean must be, to rounding. */
static double expected(const trial *t, size_t e, double *scale)
{
    const nb_tensor *a = &t->whole.in[0], *b = &t->whole.in[1];
    double sum = 0;
    *scale = 0;
    if (!(t->p->op->promises & NB_PRODUCT)) {
        const size_t n = nb_tensor_count(a);
        for (size_t i = 0; i < n; i++) {
            sum += t->k->get(a->data, i);
            *scale += fabs(t->k->get(a->data, i));
        }
        if (t->p->op->promises & NB_MEAN) sum /= (double)n, *scale /= (double)n;
        return sum;
    }
    const size_t k = nb_tensor_width(a), m = nb_tensor_width(b), i = e / m, j = e % m;
    for (size_t l = 0; l < k; l++) {
        const double x = t->k->get(a->data, i * k + l) * t->k->get(b->data, l * m + j);
        sum += x;
        *scale += fabs(x);
    }
    if (t->p->op->inputs == 3) {
        sum += t->k->get(t->whole.in[2].data, j);
        *scale += fabs(t->k->get(t->whole.in[2].data, j));
    }
    return sum;
}

static nb_status check_kind(trial *t)
{
    const unsigned kinds = NB_PRODUCT | NB_SUM | NB_MEAN;
    if (!(t->p->op->promises & kinds)) return NB_OK;
    const size_t count = nb_tensor_count(&t->whole.out), step = count / 500 + 1;
    for (size_t e = 0; e < count; e += step) {
        double scale;
        const double want = expected(t, e, &scale), got = t->k->get(t->whole.out.data, e);
        if (!isfinite(want) || fabs(got - want) <= 1e-9 * scale) continue;
        return says(t, NB_BREACH_KIND,
                    t->p->op->promises & NB_PRODUCT ? "it promises NB_PRODUCT, and is none"
                    : t->p->op->promises & NB_SUM   ? "it promises NB_SUM, and is none"
                                                    : "it promises NB_MEAN, and is none");
    }
    return NB_OK;
}

/* Masks of the first run; state that it moved is put back. */
static void repeat_past(trial *t)
{
    if (t->need.kept) show(&t->part.kept, &t->whole.kept);
    memcpy(t->part.memory, t->whole.memory, t->need.memory * t->k->size);
    for (size_t i = 0; i < t->p->op->inputs; i++) show(&t->whole.in[i], &t->part.in[i]);
}

static nb_status check_forward(trial *t)
{
    const bool by_row = t->p->op->promises & (NB_BY_ROW | NB_BY_ELEMENT);
    nb_call c = call_on(t, &t->whole);
    nb_status status = nb_call_forward(t->p->op, &c);
    if (status) return status;
    t->frozen = true;
    repeat_past(t);
    c = call_on(t, &t->part);
    status = nb_call_forward(t->p->op, &c);
    if (!status) status = check_inputs(t, &t->part, "forward writes into an input");
    if (!found(t) && !status && !same(&t->part.out, &t->whole.out))
        says(t, NB_BREACH_NONDETERMINISTIC, "forward gives other numbers the second time");
    if (!found(t) && !status && by_row) status = forward_by_ranges(t);
    if (!found(t) && !status && by_row) status = forward_on_threads(t);
    for (size_t j = 0; j < nb_tensor_width(&t->whole.out) && !found(t) && !status; j++)
        if (t->p->op->promises & NB_BY_ELEMENT) status = check_column(t, j);
    if (!found(t) && !status) status = check_kind(t);
    return status;
}

/* --- backward --------------------------------------------------------------------------------- */

/* din[i] by all backward phases, on the whole or in ranges. */
static nb_status backward_of(trial *t, arrays *a, size_t i, double alpha, double beta, bool hidden)
{
    nb_call c = call_on(t, a);
    const nb_op *op = t->p->op;
    c.alpha = alpha;
    c.beta = beta;
    for (size_t k = 0; k < NB_MAX_PHASES && op->backward[k].run; k++) {
        const nb_phase *phase = &op->backward[k];
        const bool writes = phase->over == NB_INPUT_ROWS;
        if (!nb_phase_applies(phase, &c) || (writes && phase->input != i)) continue;
        c.input = phase->input;
        c.din = writes ? &a->din[i] : NULL;
        const size_t count = nb_phase_count(phase, &c);
        for (size_t hi = count, lo; hi > 0; hi = lo) {
            lo = hidden && phase->over != NB_ONCE ? next_range(hi) : 0;
            nb_status status =
                hidden ? run_hidden(t, phase, c, lo, hi, true) : phase->run(&c, lo, hi);
            if (status) return status;
        }
    }
    return NB_OK;
}

static bool has_gradient(const trial *t, size_t i)
{
    const nb_op *op = t->p->op;
    if (t->p->constant[i] || t->p->in[i].dtype == NB_INT32) return false;
    for (size_t k = 0; k < NB_MAX_PHASES && op->backward[k].run; k++)
        if (op->backward[k].over == NB_INPUT_ROWS && op->backward[k].input == i) return true;
    return false;
}

/* Is got = alpha share + beta old, to rounding? */
static bool combines(const trial *t, size_t i, double alpha, double beta, const nb_tensor *old,
                     const nb_tensor *got)
{
    double largest = 0;
    for (size_t e = 0; e < nb_tensor_count(got); e++)
        largest = fmax(largest, fabs(t->k->get(t->whole.din[i].data, e)));
    for (size_t e = 0; e < nb_tensor_count(got); e++) {
        const double share = t->k->get(t->whole.din[i].data, e), was = t->k->get(old->data, e);
        const double want = alpha * share + beta * was;
        if (isfinite(want) &&
            !(fabs(t->k->get(got->data, e) - want) <= 1e-9 * (largest + fabs(was))))
            return false;
    }
    return true;
}

/* Into old contents, with alpha and beta. */
static nb_status check_mixing(trial *t, size_t i)
{
    const bool fuses = t->p->op->promises & NB_FUSES;
    nb_tensor *din = &t->part.din[i], old;
    nb_status status = nb_tensor_create(&old, t->k->dtype, din->shape);
    if (status) return status;
    draw(t->k, &old, 5);
    show(din, &old);
    status = backward_of(t, &t->part, i, 1, 0.75, false);
    if (!status && !combines(t, i, 1, 0.75, &old, din))
        says(t, NB_BREACH_ACCUMULATED,
             "backward ignores beta: gradients of a node with several uses do not add up");
    show(din, &old);
    if (!status && !found(t) && fuses) status = backward_of(t, &t->part, i, -0.5, 1, false);
    if (!status && !found(t) && fuses && !combines(t, i, -0.5, 1, &old, din))
        says(t, NB_BREACH_FUSED,
             "it promises NB_FUSES, but backward ignores alpha: descent would go wrong");
    nb_tensor_destroy(&old);
    return status;
}

/* Straight into the value of the input, as fused descent does. */
static nb_status check_in_place(trial *t, size_t i)
{
    arrays a = t->part;
    nb_tensor old;
    if (!(t->p->op->promises & NB_FUSES) || t->p->batched[i] || !t->out_batched) return NB_OK;
    nb_status status = nb_tensor_create(&old, t->k->dtype, a.in[i].shape);
    if (status) return status;
    show(&old, &a.in[i]);
    a.din[i] = a.in[i];
    status = backward_of(t, &a, i, -0.5, 1, false);
    if (!status && !combines(t, i, -0.5, 1, &old, &a.in[i]))
        says(t, NB_BREACH_FUSED, "it promises NB_FUSES, but backward reads what it writes");
    show(&t->part.in[i], &old);
    nb_tensor_destroy(&old);
    return status;
}

static nb_status check_input(trial *t, size_t i)
{
    nb_tensor *din = &t->part.din[i];
    memset(t->whole.din[i].data, 0xff, bytes_of(&t->whole.din[i]));
    nb_status status = backward_of(t, &t->whole, i, 1, 0, false);
    if (status) return status;
    memset(din->data, 0, bytes_of(din));
    status = backward_of(t, &t->part, i, 1, 0, false);
    if (!status && !same(din, &t->whole.din[i])) {
        memset(t->whole.din[i].data, 0, bytes_of(din));
        status = backward_of(t, &t->whole, i, 1, 0, false);
        if (same(din, &t->whole.din[i]))
            says(t, NB_BREACH_ACCUMULATED, "backward reads the old gradient though beta is 0");
        else
            says(t, NB_BREACH_NONDETERMINISTIC, "backward gives other numbers the second time");
    }
    if (!status && !found(t)) status = check_mixing(t, i);
    if (!status && !found(t)) status = check_in_place(t, i);
    if (status || found(t) || !(t->p->op->promises & (NB_BY_ROW | NB_BY_ELEMENT))) return status;
    memset(din->data, 0xff, bytes_of(din));
    status = backward_of(t, &t->part, i, 1, 0, true);
    if (status == NB_ENOMEM) return status;
    if (status || !alike(t, din, &t->whole.din[i], 0, nb_tensor_count(din)))
        says(t, NB_BREACH_ROWS,
             "it promises NB_BY_ROW, but backward for some rows gives other numbers than for "
             "all");
    return NB_OK;
}

static nb_status check_backward(trial *t)
{
    nb_status status = NB_OK;
    draw(t->k, &t->whole.dout, 3);
    show(&t->part.dout, &t->whole.dout);
    show(&t->part.out, &t->whole.out);
    if (t->need.kept) show(&t->part.kept, &t->whole.kept);
    for (size_t i = 0; i < t->p->op->inputs && !status && !found(t); i++)
        if (has_gradient(t, i)) status = check_input(t, i);
    if (!status && !found(t)) status = check_inputs(t, &t->whole, "backward writes into an input");
    return status;
}

/* --- both precisions -------------------------------------------------------------------------- */

static bool close(const nb_tensor *a, const nb_tensor *b)
{
    const nb_kernels *k = nb_kernels_of(a->dtype), *l = nb_kernels_of(b->dtype);
    double largest = 0;
    for (size_t e = 0; e < nb_tensor_count(a); e++)
        if (isfinite(k->get(a->data, e))) largest = fmax(largest, fabs(k->get(a->data, e)));
    for (size_t e = 0; e < nb_tensor_count(a); e++) {
        const double x = k->get(a->data, e), y = l->get(b->data, e);
        if (isfinite(x) && fabs(x) < 1e30 && !(fabs(x - y) <= 0.02 * largest + 1e-30)) return false;
    }
    return true;
}

/* The same operation in single precision, beside what `t` found. */
static nb_status check_single(trial *t)
{
    trial s = *t;
    s.k = nb_kernels_of(NB_FLOAT32);
    s.whole = s.part = (arrays){0};
    nb_status status = create(&s, &s.whole);
    nb_tensor memory = nb_tensor_view(NB_FLOAT32, NB_SHAPE(t->need.memory), s.whole.memory);
    nb_tensor past = nb_tensor_view(NB_FLOAT64, memory.shape, t->whole.memory);
    if (!status && t->need.memory) status = nb_tensor_convert(&past, &memory);
    if (!status && t->need.kept) status = nb_tensor_convert(&t->whole.kept, &s.whole.kept);
    nb_call c = call_on(&s, &s.whole);
    if (!status) status = nb_call_forward(t->p->op, &c);
    if (!status && !close(&t->whole.out, &s.whole.out))
        says(t, NB_BREACH_PRECISION, "forward in float32 differs from float64");
    if (!status) status = nb_tensor_convert(&t->whole.dout, &s.whole.dout);
    for (size_t i = 0; i < t->p->op->inputs && !status && !found(t); i++) {
        if (!has_gradient(t, i)) continue;
        status = backward_of(&s, &s.whole, i, 1, 0, false);
        if (!status && !close(&t->whole.din[i], &s.whole.din[i]))
            says(t, NB_BREACH_PRECISION, "backward in float32 differs from float64");
    }
    destroy(&s.whole);
    return status;
}

nb_status nb_promises_check(const nb_probe *p, nb_breach *breach, char *broken, size_t size)
{
    trial t = {
        .p = p, .k = nb_kernels_of(NB_FLOAT64), .breach = breach, .broken = broken, .size = size};
    nb_tensor in[NB_MAX_INPUTS];
    *broken = 0;
    *breach = NB_KEPT;
    for (size_t i = 0; i < p->op->inputs; i++) {
        in[i] = nb_tensor_view(p->in[i].dtype, p->in[i].shape, NULL);
        if (!p->batched[i]) continue;
        in[i].shape.dim[0] = NB_BATCH;
        t.rows = p->in[i].shape.dim[0];
    }
    if (t.rows == 0) t.rows = 1;
    nb_status status = p->op->plan(in, p->config, &t.need);
    if (status) return status;
    t.out_batched = t.need.out.ndim && t.need.out.dim[0] == NB_BATCH;
    status = create(&t, &t.whole);
    if (!status) status = create(&t, &t.part);
    if (!status) status = check_forward(&t);
    if (!status && !found(&t)) status = check_backward(&t);
    if (!status && !found(&t)) status = check_single(&t);
    destroy(&t.whole);
    destroy(&t.part);
    return status;
}
