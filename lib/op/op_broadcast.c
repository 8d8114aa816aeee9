/* Arithmetic on two inputs: subtract and divide of equal shapes, and all four with NumPy's
 * broadcasting.
 *
 * Broadcasting walks over `out` and both inputs at once, as NumPy's nditer does: an array that is
 * stretched along a dimension has the stride 0 there, dimensions that every array walks through
 * without a gap are one, and the last one is given to the kernels in runs. */
#include "op/op_broadcast.h"
#include "op/op_map.h"
#include "op/ops.h"

#include <string.h>

enum { most_run = 512, of_a = 0, of_b = 1, of_out = 2, arrays = 3 };

/* One dimension: how many steps, and by how many elements each array moves. */
typedef struct dimension {
    size_t count, stride[arrays];
} dimension;

typedef struct walk {
    size_t dims;
    dimension dim[NB_MAX_DIMS];
    size_t start[arrays];
    size_t moves, stays; /* steps through all dimensions but the last in which `of` moves, or not */
} walk;

/* --- the arithmetic of a run ------------------------------------------------------------------ */

static void compute(const nb_kernels *k, nb_broadcast kind, size_t n, const void *a, const void *b,
                    void *y)
{
    switch (kind) {
    case NB_BROADCAST_ADD:
        k->add(n, a, b, y);
        break;
    case NB_BROADCAST_SUBTRACT:
        k->subtract(n, a, b, y);
        break;
    case NB_BROADCAST_MULTIPLY:
        k->multiply(n, a, b, 0, y);
        break;
    default:
        k->divide(n, a, b, 0, y);
    }
}

/* dout times the slope of input `input`: in `share`, which may not be one of the others, or dout
 * itself. */
static const void *differentiate(const nb_kernels *k, nb_broadcast kind, size_t input, size_t n,
                                 const void *const *x, const void *dout, void *share)
{
    switch (kind) {
    case NB_BROADCAST_MULTIPLY:
        k->multiply(n, dout, x[1 - input], 0, share);
        return share;
    case NB_BROADCAST_DIVIDE: /* 1/b, and -a/b^2 = -out/b */
        k->divide(n, dout, x[of_b], 0, share);
        if (input == of_b) k->multiply(n, share, x[of_out], 0, share);
        if (input == of_b) k->scale(n, -1, share, 0, share);
        return share;
    default:
        if (kind == NB_BROADCAST_ADD || input == of_a) return dout;
        k->scale(n, -1, dout, 0, share);
        return share;
    }
}

/* Does that need the values of this array? */
static bool slope_reads(nb_broadcast kind, size_t input, size_t array)
{
    if (kind == NB_BROADCAST_MULTIPLY) return array == 1 - input;
    return kind == NB_BROADCAST_DIVIDE && (array == of_b || (array == of_out && input == of_b));
}

/* --- equal shapes ----------------------------------------------------------------------------- */

static nb_status equal_plan(const char *name, const nb_tensor *in, nb_need *need)
{
    char a[96], b[96];
    need->out = in[0].shape;
    if (nb_shape_equal(in[0].shape, in[1].shape)) return NB_OK;
    return nb_fail(NB_ESHAPE, "%s: %s and %s, expected equal shapes", name,
                   nb_shape_text(in[0].shape, a, sizeof a),
                   nb_shape_text(in[1].shape, b, sizeof b));
}

static nb_status equal_forward(const nb_call *c, nb_broadcast kind, size_t lo, size_t hi)
{
    compute(c->kernels, kind, (hi - lo) * nb_tensor_width(c->out), nb_tensor_at(c->in[0], lo),
            nb_tensor_at(c->in[1], lo), nb_tensor_at(c->out, lo));
    return NB_OK;
}

static nb_status subtract_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    return equal_plan("subtract", in, need);
}

static nb_status subtract_forward(const nb_call *c, size_t lo, size_t hi)
{
    return equal_forward(c, NB_BROADCAST_SUBTRACT, lo, hi);
}

static nb_status subtract_backward(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->scale((hi - lo) * nb_tensor_width(c->din), c->input == of_a ? 1 : -1,
                      nb_tensor_at(c->dout, lo), c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

const nb_op nb_op_subtract = {
    .name = "subtract",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = subtract_plan,
    .forward = {{subtract_forward, NB_ROWS, 0, false}},
    .backward = {{subtract_backward, NB_INPUT_ROWS, 0, false},
                 {subtract_backward, NB_INPUT_ROWS, 1, false}},
};

static nb_status divide_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    need->scratch = most_run;
    return equal_plan("divide", in, need);
}

static nb_status divide_forward(const nb_call *c, size_t lo, size_t hi)
{
    return equal_forward(c, NB_BROADCAST_DIVIDE, lo, hi);
}

static nb_status divide_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const size_t width = nb_tensor_width(c->din);
    for (size_t i = lo * width, n; i < hi * width; i += n) {
        n = hi * width - i < most_run ? hi * width - i : most_run;
        const size_t at = i * k->size;
        const void *x[arrays] = {(char *)c->in[0]->data + at, (char *)c->in[1]->data + at,
                                 (char *)c->out->data + at};
        differentiate(k, NB_BROADCAST_DIVIDE, c->input, n, x, (char *)c->dout->data + at,
                      c->scratch);
        k->scale(n, 1, c->scratch, c->beta, (char *)c->din->data + at);
    }
    return NB_OK;
}

const nb_op nb_op_divide = {
    .name = "divide",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_BY_ELEMENT,
    .plan = divide_plan,
    .forward = {{divide_forward, NB_ROWS, 0, false}},
    .backward = {{divide_backward, NB_INPUT_ROWS, 0, false},
                 {divide_backward, NB_INPUT_ROWS, 1, false}},
};

/* --- shapes that are stretched ---------------------------------------------------------------- */

/* A dimension of `shape`, which is aligned with the last ones of a shape of `ndim`. */
static size_t size_at(const nb_shape *shape, size_t ndim, size_t d)
{
    return d + shape->ndim < ndim ? 1 : shape->dim[d + shape->ndim - ndim];
}

static nb_status misfit(nb_broadcast kind, const nb_tensor *in, size_t d)
{
    static const char *const names[] = {"add", "subtract", "multiply", "divide"};
    char a[96], b[96], x[24], y[24];
    const size_t ndim = in[0].shape.ndim > in[1].shape.ndim ? in[0].shape.ndim : in[1].shape.ndim;
    const nb_shape found[] = {NB_SHAPE(size_at(&in[0].shape, ndim, d)),
                              NB_SHAPE(size_at(&in[1].shape, ndim, d))};
    nb_shape_text(in[0].shape, a, sizeof a);
    nb_shape_text(in[1].shape, b, sizeof b);
    if (d > 0 && (found[0].dim[0] == SIZE_MAX || found[1].dim[0] == SIZE_MAX))
        return nb_fail(NB_ESHAPE,
                       "%s: %s and %s: aligned at their ends, a batch is dimension %zu, "
                       "expected 0",
                       names[kind], a, b, d);
    /* "(5,)" without what is around the 5 */
    nb_shape_text(found[0], x, sizeof x);
    nb_shape_text(found[1], y, sizeof y);
    return nb_fail(NB_ESHAPE, "%s: %s and %s: dimension %zu is %.*s and %.*s, expected equal or 1",
                   names[kind], a, b, d, (int)strlen(x) - 3, x + 1, (int)strlen(y) - 3, y + 1);
}

static nb_status broadcast_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    const nb_broadcast kind = *(const nb_broadcast *)config;
    if ((unsigned)kind > NB_BROADCAST_DIVIDE)
        return nb_fail(NB_EINVAL, "broadcast: kind=%d, expected 0 ... 3", (int)kind);
    const size_t ndim = in[0].shape.ndim > in[1].shape.ndim ? in[0].shape.ndim : in[1].shape.ndim;
    need->out.ndim = ndim;
    for (size_t d = 0; d < ndim; d++) {
        const size_t a = size_at(&in[0].shape, ndim, d), b = size_at(&in[1].shape, ndim, d);
        if ((a != b && a != 1 && b != 1) || (d > 0 && (a == SIZE_MAX || b == SIZE_MAX)))
            return misfit(kind, in, d);
        need->out.dim[d] = a == 1 ? b : a;
    }
    need->scratch = (arrays + 2) * most_run;
    return NB_OK;
}

/* All of `out`, or rows lo ... hi-1 of the array `of`: dimensions of one step and those that can be
 * joined are gone; there is always a last one. */
static walk walk_over(const nb_call *c, size_t of, size_t lo, size_t hi)
{
    const nb_tensor *const t[arrays] = {c->in[0], c->in[1], c->out};
    const size_t ndim = c->out->shape.ndim;
    size_t stride[arrays] = {1, 1, 1};
    walk w = {.moves = 1, .stays = 1};
    dimension *const end = w.dim + NB_MAX_DIMS, *first = end;
    for (size_t d = ndim; d-- > 0;) {
        dimension now = {.count = c->out->shape.dim[d]};
        for (size_t i = 0; i < arrays; i++) {
            const size_t size = size_at(&t[i]->shape, ndim, d);
            now.stride[i] = size == 1 ? 0 : stride[i];
            stride[i] *= size;
        }
        const bool rows = d + t[of]->shape.ndim == ndim && now.stride[of] > 0;
        for (size_t i = 0; rows && i < arrays; i++) w.start[i] = lo * now.stride[i];
        if (rows) now.count = hi - lo;
        if (c->out->shape.dim[d] == 1) continue;
        bool joins = first < end;
        for (size_t i = 0; joins && i < arrays; i++)
            joins = now.stride[i] == first->count * first->stride[i];
        if (joins)
            first->count *= now.count;
        else
            *--first = now;
    }
    if (first == end) *--first = (dimension){1, {1, 1, 1}};
    w.dims = (size_t)(end - first);
    memmove(w.dim, first, w.dims * sizeof *first);
    for (size_t d = 0; d + 1 < w.dims; d++)
        *(w.dim[d].stride[of] > 0 ? &w.moves : &w.stays) *= w.dim[d].count;
    return w;
}

/* Where step `step` of these takes every array. */
static void take_step(const walk *w, size_t of, bool moves, size_t step, size_t *at)
{
    for (size_t d = w->dims - 1; d-- > 0;) {
        const dimension *dim = &w->dim[d];
        if ((dim->stride[of] > 0) != moves) continue;
        for (size_t i = 0; i < arrays; i++) at[i] += step % dim->count * dim->stride[i];
        step /= dim->count;
    }
}

/* n numbers of an array from element `at` on; where it stands still, a copy of the one in `room`. */
static const void *run_of(const nb_kernels *k, const void *data, size_t at, size_t stride, size_t n,
                          void *room)
{
    const char *x = (const char *)data + at * k->size;
    if (stride > 0 || n == 1) return x;
    nb_repeat(k, n, x, room);
    return room;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static nb_status broadcast_forward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *k = c->kernels;
    const walk w = walk_over(c, of_out, lo, hi);
    const dimension *last = &w.dim[w.dims - 1];
    char *room = c->scratch;
    for (size_t step = 0; step < w.moves; step++) {
        size_t at[arrays] = {w.start[0], w.start[1], w.start[2]};
        take_step(&w, of_out, true, step, at);
        for (size_t from = 0, n; from < last->count; from += n) {
            n = least(last->count - from, most_run);
            const void *x[2];
            for (size_t i = 0; i < 2; i++)
                x[i] = run_of(k, c->in[i]->data, at[i] + from * last->stride[i], last->stride[i], n,
                              room + i * most_run * k->size);
            compute(k, *(const nb_broadcast *)c->config, n, x[0], x[1],
                    (char *)c->out->data + (at[of_out] + from) * k->size);
        }
    }
    return NB_OK;
}

/* What n elements of `out`, from `from` on in the last dimension, give input c->input. */
static const void *share_of_run(const nb_call *c, const dimension *last, const size_t *at,
                                size_t from, size_t n, void *share)
{
    const nb_kernels *k = c->kernels;
    const void *const data[arrays] = {c->in[0]->data, c->in[1]->data, c->out->data};
    const void *x[arrays] = {NULL};
    const nb_broadcast kind = *(const nb_broadcast *)c->config;
    char *room = c->scratch;
    for (size_t i = 0; i < arrays; i++)
        if (slope_reads(kind, c->input, i))
            x[i] = run_of(k, data[i], at[i] + from * last->stride[i], last->stride[i], n,
                          room + i * most_run * k->size);
    return differentiate(k, kind, c->input, n, x,
                         (char *)c->dout->data + (at[of_out] + from) * k->size, share);
}

/* The gradient of up to most_run numbers side by side, or of one number that is stretched along the
 * last dimension: the shares of all steps in which the input stays, added in their order. */
static void gather_shares(const nb_call *c, const walk *w, const size_t *start, size_t from,
                          size_t n)
{
    const nb_kernels *k = c->kernels;
    const dimension *last = &w->dim[w->dims - 1];
    const bool stretched = last->stride[c->input] == 0;
    char *room = (char *)c->scratch + arrays * most_run * k->size;
    char *sum = room + most_run * k->size;
    const void *total = sum;
    const size_t end = stretched ? last->count : from + n;
    bool first = true;
    for (size_t step = 0; step < w->stays; step++) {
        size_t at[arrays] = {start[0], start[1], start[2]};
        take_step(w, c->input, false, step, at);
        for (size_t begin = from, count; begin < end; begin += count) {
            count = least(end - begin, most_run);
            const void *share = share_of_run(c, last, at, begin, count, room);
            if (stretched)
                k->set(sum, 0, (first ? 0 : k->get(sum, 0)) + k->sum(count, share));
            else if (w->stays == 1)
                total = share;
            else if (first)
                memcpy(sum, share, count * k->size);
            else
                k->add(count, sum, share, sum);
            first = false;
        }
    }
    k->scale(n, c->alpha, total, c->beta,
             (char *)c->din->data + (start[c->input] + from * !stretched) * k->size);
}

static nb_status broadcast_backward(const nb_call *c, size_t lo, size_t hi)
{
    const walk w = walk_over(c, c->input, lo, hi);
    const dimension *last = &w.dim[w.dims - 1];
    const size_t numbers = last->stride[c->input] == 0 ? 1 : last->count;
    for (size_t step = 0; step < w.moves; step++) {
        size_t at[arrays] = {w.start[0], w.start[1], w.start[2]};
        take_step(&w, c->input, true, step, at);
        for (size_t from = 0, n; from < numbers; from += n) {
            n = least(numbers - from, most_run);
            gather_shares(c, &w, at, from, n);
        }
    }
    return NB_OK;
}

const nb_op nb_op_broadcast = {
    .name = "broadcast",
    .inputs = 2,
    .config = sizeof(nb_broadcast),
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = broadcast_plan,
    .forward = {{broadcast_forward, NB_ROWS, 0, false}},
    .backward = {{broadcast_backward, NB_INPUT_ROWS, 0, false},
                 {broadcast_backward, NB_INPUT_ROWS, 1, false}},
};
