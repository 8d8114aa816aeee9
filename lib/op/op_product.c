/* Matrix products: affine and matmul. */
#include "nablas/blas.h"
#include "nablas/memory.h"
#include "op/ops.h"

#include <string.h>

/* Rows of b that one product of gradient_packed makes; the last takes what is left, less than twice
 * as many. */
enum { chunk = 2 * NB_ROW_GROUP };

/* The copy of b's rows is needed only where a may be packed. */
static nb_status product_plan(const char *name, const nb_tensor *in, nb_need *need)
{
    char left[96], right[96];
    const nb_tensor *a = &in[0], *b = &in[1];
    if (a->shape.ndim < 2 || b->shape.ndim != 2 || nb_tensor_width(a) != b->shape.dim[0])
        return nb_fail(NB_ESHAPE, "%s: %s times %s, expected (n, k) times (k, m)", name,
                       nb_shape_text(a->shape, left, sizeof left),
                       nb_shape_text(b->shape, right, sizeof right));
    need->out = NB_SHAPE(a->shape.dim[0], b->shape.dim[1]);
    if (a->packed) need->memory = nb_tensor_count(b);
    if (a->packed && !nb_size_mul(2 * chunk, b->shape.dim[1], &need->scratch))
        return nb_fail(NB_EOVERFLOW, "%s: %zu columns", name, b->shape.dim[1]);
    return NB_OK;
}

/* --- packed first operand ---------------------------------------------------------------------
 *
 * Of a, BLAS sees only the columns in the runs; the rows of b that they meet are kept in c->memory.
 * Rows of b are named by their place in b. Single entries of a meet b itself. */

static nb_run clip(nb_run run, size_t lo, size_t hi)
{
    if (run.begin < lo) run.begin = (uint32_t)(lo < run.end ? lo : run.end);
    if (run.end > hi) run.end = (uint32_t)(hi > run.begin ? hi : run.begin);
    return run;
}

/* Rows of b before `row` that are active: its place in c->memory. */
static size_t active_before(const nb_call *c, size_t row)
{
    size_t count = 0;
    for (size_t r = 0; r < c->in[0]->packed->runs && c->in[0]->packed->run[r].begin < row; r++)
        count += clip(c->in[0]->packed->run[r], 0, row).end - c->in[0]->packed->run[r].begin;
    return count;
}

/* Where a share of b's rows begins: at or after `row`, with a group of packed rows (nb_share_rows).
 * For descent, in which no other operation writes to b. */
static size_t group_at(const nb_call *c, size_t row)
{
    const size_t height = nb_tensor_height(c->in[1]), all = active_before(c, height);
    const size_t before = active_before(c, row);
    size_t from = (before + NB_ROW_GROUP - 1) / NB_ROW_GROUP * NB_ROW_GROUP;
    if (row == 0) return 0;
    if (from + NB_ROW_GROUP > all) return height;
    for (const nb_run *run = c->in[0]->packed->run;; run++) {
        if (from < run->end - run->begin) return run->begin + from;
        from -= run->end - run->begin;
    }
}

/* Copy the active rows in lo ... hi-1, from b to c->memory or back. After a step they are the same
 * already, so they are compared first: what one thread writes, the others have to fetch. */
static void copy_active(const nb_call *c, bool pack, size_t lo, size_t hi)
{
    const size_t bytes = nb_tensor_width(c->in[1]) * c->kernels->size;
    char *packed = (char *)c->memory + active_before(c, lo) * bytes;
    for (size_t r = 0; r < c->in[0]->packed->runs; r++) {
        const nb_run run = clip(c->in[0]->packed->run[r], lo, hi);
        const size_t length = (run.end - run.begin) * bytes;
        char *rows = nb_tensor_at(c->in[1], run.begin);
        if (length && memcmp(packed, rows, length) != 0)
            memcpy(pack ? packed : rows, pack ? rows : packed, length);
        packed += length;
    }
}

static size_t entries_of(const nb_packed *a, size_t i, const nb_entry **entry)
{
    if (!a->row) return 0;
    *entry = a->entry + a->row[i];
    return a->row_end[i] - a->row[i];
}

/* y[lo:hi] += (entries of a) b */
static void add_entries(const nb_call *c, size_t lo, size_t hi)
{
    const nb_entry *entry;
    for (size_t i = lo; i < hi; i++) {
        const size_t count = entries_of(c->in[0]->packed, i, &entry);
        if (count)
            c->kernels->add_rows(count, entry, nb_tensor_width(c->out), c->in[1]->data,
                                 nb_tensor_at(c->out, i));
    }
}

/* din[lo:hi] += alpha (entries of a)^T dy */
static void add_entries_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_entry *entry;
    for (size_t i = 0; i < nb_tensor_height(c->in[0]); i++) {
        const size_t count = entries_of(c->in[0]->packed, i, &entry);
        if (count)
            c->kernels->add_outer(count, entry, lo, hi, nb_tensor_width(c->din), c->alpha,
                                  nb_tensor_at(c->dout, i), c->din->data);
    }
}

static nb_status prepare(const nb_call *c, size_t lo, size_t hi)
{
    copy_active(c, true, group_at(c, lo), group_at(c, hi));
    return NB_OK;
}

/* Rows p ... p+count-1 of a^T dy, counted as they are packed, to `to`. */
static nb_status packed_rows(const nb_call *c, size_t p, size_t count, double beta, void *to)
{
    const size_t n = c->in[0]->shape.dim[0], k = c->in[0]->packed->columns;
    const size_t m = c->in[1]->shape.dim[1];
    return c->kernels->gemm(true, false, count, m, n, c->alpha,
                            (char *)c->in[0]->data + p * c->kernels->size, k ? k : 1, c->dout->data,
                            m, beta, to, m);
}

/* din[lo:hi] := beta din, in the rows between the runs. */
static void fade(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->din);
    for (size_t r = 0, from = lo; c->beta != 1 && from < hi; r++) {
        const bool last = r == c->in[0]->packed->runs;
        const nb_run run =
            last ? (nb_run){(uint32_t)hi, (uint32_t)hi} : clip(c->in[0]->packed->run[r], lo, hi);
        const size_t count = run.begin > from ? (run.begin - from) * width : 0;
        void *rows = nb_tensor_at(c->din, from);
        if (c->beta == 0)
            memset(rows, 0, count * c->kernels->size);
        else
            c->kernels->scale(count, c->beta, rows, 0, rows);
        if (run.end > from) from = run.end;
    }
}

/* Gradient descent goes to the packed copy, in one product, and from there to b. */
static nb_status descend_packed(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = c->in[1]->shape.dim[1];
    const size_t first = active_before(c, lo), end = active_before(c, hi);
    nb_status status = packed_rows(c, first, end - first, c->beta,
                                   (char *)c->memory + first * m * c->kernels->size);
    if (status) return status;
    copy_active(c, false, lo, hi);
    fade(c, lo, hi);
    add_entries_backward(c, lo, hi);
    return NB_OK;
}

/* Rows lo ... hi-1 of din, from products whose rows do not depend on lo and hi, nor then do the bits:
 * where a chunk is cut by a share's end, both neighbours compute it. */
static nb_status gradient_packed(const nb_call *c, size_t lo, size_t hi)
{
    const size_t bytes = nb_tensor_width(c->din) * c->kernels->size;
    const size_t all = active_before(c, nb_tensor_height(c->in[1]));
    const size_t chunks = all < chunk ? 1 : all / chunk;
    size_t p = active_before(c, lo), from = 0, end = 0; /* the chunk in scratch */
    for (size_t r = 0; r < c->in[0]->packed->runs; r++) {
        const nb_run run = clip(c->in[0]->packed->run[r], lo, hi);
        for (size_t row = run.begin; row < run.end; p++, row++) {
            if (p >= end) {
                const size_t i = p / chunk < chunks ? p / chunk : chunks - 1;
                from = i * chunk;
                end = i + 1 < chunks ? from + chunk : all;
                nb_status status = packed_rows(c, from, end - from, 0, c->scratch);
                if (status) return status;
            }
            c->kernels->scale(nb_tensor_width(c->din), 1, (char *)c->scratch + (p - from) * bytes,
                              c->beta, nb_tensor_at(c->din, row));
        }
    }
    fade(c, lo, hi);
    add_entries_backward(c, lo, hi);
    return NB_OK;
}

/* --- the products ----------------------------------------------------------------------------- */

/* What the rows get beside the product. */
typedef enum { NOTHING, BIAS, BIAS_RELU } addition;

/* The bias comes after the entries, as after all of a product that is not packed. */
static nb_status packed_forward(const nb_call *c, addition then, size_t lo, size_t hi)
{
    const size_t k = c->in[0]->packed->columns, m = c->in[1]->shape.dim[1];
    const void *a = (char *)c->in[0]->data + lo * k * c->kernels->size;
    void *y = nb_tensor_at(c->out, lo);
    nb_status status =
        c->kernels->gemm(false, false, hi - lo, m, k, 1, a, k ? k : 1, c->memory, m, 0, y, m);
    if (status) return status;
    add_entries(c, lo, hi);
    if (then != NOTHING) c->kernels->add_bias(hi - lo, m, c->in[2]->data, then == BIAS_RELU, y, m);
    return NB_OK;
}

static nb_status product_forward(const nb_call *c, addition then, size_t lo, size_t hi)
{
    const size_t k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (c->in[0]->packed) return packed_forward(c, then, lo, hi);
    return (then == BIAS_RELU ? c->kernels->affine_relu : c->kernels->affine)(
        hi - lo, k, m, nb_tensor_at(c->in[0], lo), k, c->in[1]->data, m,
        then == NOTHING ? NULL : c->in[2]->data, nb_tensor_at(c->out, lo), m);
}

/* din[lo:hi] of a product y = a b: rows of da = dy b^T, or rows of db = a^T dy, that is, columns
 * lo ... hi-1 of a. */
static nb_status product_backward(const nb_call *c, size_t lo, size_t hi)
{
    const nb_kernels *kernels = c->kernels;
    const size_t n = c->in[0]->shape.dim[0], k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (c->input == 0)
        return kernels->gemm(false, true, hi - lo, k, m, c->alpha, nb_tensor_at(c->dout, lo), m,
                             c->in[1]->data, m, c->beta, nb_tensor_at(c->din, lo), k);
    if (c->in[0]->packed)
        return c->din->data == c->in[1]->data ? descend_packed(c, group_at(c, lo), group_at(c, hi))
                                              : gradient_packed(c, lo, hi);
    return kernels->gemm(true, false, hi - lo, m, n, c->alpha,
                         (char *)c->in[0]->data + lo * kernels->size, k, c->dout->data, m, c->beta,
                         nb_tensor_at(c->din, lo), m);
}

static nb_status matmul_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    (void)config;
    return product_plan("matmul", in, need);
}

static nb_status matmul_forward(const nb_call *c, size_t lo, size_t hi)
{
    return product_forward(c, NOTHING, lo, hi);
}

const nb_op nb_op_matmul = {
    .name = "matmul",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_PRODUCT | NB_FUSES | NB_PACKED,
    .plan = matmul_plan,
    .forward = {{prepare, NB_INPUT_ROWS, 1, true}, {matmul_forward, NB_ROWS, 0, false}},
    .backward = {{product_backward, NB_INPUT_ROWS, 0, false},
                 {product_backward, NB_INPUT_ROWS, 1, false}},
};

static nb_status affine_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char text[96];
    (void)config;
    nb_status status = product_plan("affine", in, need);
    if (status) return status;
    if (nb_shape_equal(in[2].shape, NB_SHAPE(need->out.dim[1]))) return NB_OK;
    return nb_fail(NB_ESHAPE, "affine: bias %s, expected (%zu,)",
                   nb_shape_text(in[2].shape, text, sizeof text), need->out.dim[1]);
}

static nb_status affine_forward(const nb_call *c, size_t lo, size_t hi)
{
    return product_forward(c, BIAS, lo, hi);
}

static nb_status affine_backward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t n = c->in[0]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (c->input < 2) return product_backward(c, lo, hi);
    return c->kernels->column_sums(n, hi - lo, c->alpha,
                                   (char *)c->dout->data + lo * c->kernels->size, m, c->beta,
                                   nb_tensor_at(c->din, lo));
}

const nb_op nb_op_affine = {
    .name = "affine",
    .inputs = 3,
    .promises = NB_BY_ROW | NB_PRODUCT | NB_FUSES | NB_PACKED,
    .plan = affine_plan,
    .forward = {{prepare, NB_INPUT_ROWS, 1, true}, {affine_forward, NB_ROWS, 0, false}},
    .backward = {{affine_backward, NB_INPUT_ROWS, 0, false},
                 {affine_backward, NB_INPUT_ROWS, 1, false},
                 {affine_backward, NB_INPUT_ROWS, 2, false}},
};

/* --- with relu behind it ---------------------------------------------------------------------- */

static nb_status relu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return product_forward(c, BIAS_RELU, lo, hi);
}

/* The gradient in between. Where y is 0 so is what relu saw, or below it. */
static nb_status relu_gradient(const nb_call *c, size_t lo, size_t hi)
{
    c->kernels->relu_backward((hi - lo) * nb_tensor_width(c->out), nb_tensor_at(c->out, lo),
                              nb_tensor_at(c->dout, lo), 0, nb_tensor_at(c->between, lo));
    return NB_OK;
}

static nb_status relu_affine_backward(const nb_call *c, size_t lo, size_t hi)
{
    nb_call affine = *c;
    affine.dout = c->between;
    return affine_backward(&affine, lo, hi);
}

const nb_op nb_affine_relu = {
    .name = "affine, relu",
    .inputs = 3,
    .promises = NB_BY_ROW | NB_FUSES | NB_PACKED,
    .plan = affine_plan,
    .forward = {{prepare, NB_INPUT_ROWS, 1, true}, {relu_forward, NB_ROWS, 0, false}},
    .backward = {{relu_gradient, NB_ROWS, 0, false},
                 {relu_affine_backward, NB_INPUT_ROWS, 0, false},
                 {relu_affine_backward, NB_INPUT_ROWS, 1, false},
                 {relu_affine_backward, NB_INPUT_ROWS, 2, false}},
};

/* --- products of stacks ----------------------------------------------------------------------- */

/* a (..., i, k) times one matrix b (k, j), or times as many matrices b (..., k, j). */
static nb_status matmul_stack_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    char left[96], right[96];
    const nb_shape *a = &in[0].shape, *b = &in[1].shape;
    (void)config;
    bool fits = a->ndim >= 3 && (b->ndim == 2 || b->ndim == a->ndim) &&
                a->dim[a->ndim - 1] == b->dim[b->ndim - 2];
    for (size_t d = 0; fits && b->ndim > 2 && d < a->ndim - 2; d++) fits = a->dim[d] == b->dim[d];
    if (!fits)
        return nb_fail(NB_ESHAPE,
                       "matmul: %s times %s, expected (n, k) times (k, m), (n, i, k) "
                       "times (k, j) or (n, i, k) times (n, k, j)",
                       nb_shape_text(*a, left, sizeof left),
                       nb_shape_text(*b, right, sizeof right));
    need->out = *a;
    need->out.dim[a->ndim - 1] = b->dim[b->ndim - 1];
    return NB_OK;
}

/* Of one matrix: a is (i, k), b (k, j). A stack has `each` of them for each row. With one b, the rows
 * of all matrices of a are taken as those of one. */
typedef struct sizes {
    size_t i, k, j, each;
    bool one;
} sizes;

static sizes sizes_of(const nb_call *c)
{
    const nb_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape;
    sizes s = {a->dim[a->ndim - 2], a->dim[a->ndim - 1], b->dim[b->ndim - 1], 1, b->ndim == 2};
    s.each = nb_tensor_width(c->in[0]) / s.k / (s.one ? 1 : s.i);
    return s;
}

static char *matrix(const nb_call *c, const nb_tensor *t, size_t p, size_t rows, size_t columns)
{
    return (char *)t->data + p * rows * columns * c->kernels->size;
}

static nb_status matmul_stack_forward(const nb_call *c, size_t lo, size_t hi)
{
    const sizes s = sizes_of(c);
    nb_status status = NB_OK;
    if (s.one)
        return c->kernels->gemm(false, false, (hi - lo) * s.each, s.j, s.k, 1,
                                nb_tensor_at(c->in[0], lo), s.k, c->in[1]->data, s.j, 0,
                                nb_tensor_at(c->out, lo), s.j);
    for (size_t p = lo * s.each; p < hi * s.each && !status; p++)
        status = c->kernels->gemm(false, false, s.i, s.j, s.k, 1, matrix(c, c->in[0], p, s.i, s.k),
                                  s.k, matrix(c, c->in[1], p, s.k, s.j), s.j, 0,
                                  matrix(c, c->out, p, s.i, s.j), s.j);
    return status;
}

/* da = dy b^T */
static nb_status stack_backward_a(const nb_call *c, size_t lo, size_t hi)
{
    const sizes s = sizes_of(c);
    nb_status status = NB_OK;
    if (s.one)
        return c->kernels->gemm(false, true, (hi - lo) * s.each, s.k, s.j, c->alpha,
                                nb_tensor_at(c->dout, lo), s.j, c->in[1]->data, s.j, c->beta,
                                nb_tensor_at(c->din, lo), s.k);
    for (size_t p = lo * s.each; p < hi * s.each && !status; p++)
        status = c->kernels->gemm(
            false, true, s.i, s.k, s.j, c->alpha, matrix(c, c->dout, p, s.i, s.j), s.j,
            matrix(c, c->in[1], p, s.k, s.j), s.j, c->beta, matrix(c, c->din, p, s.i, s.k), s.k);
    return status;
}

/* db = a^T dy */
static nb_status stack_backward_b(const nb_call *c, size_t lo, size_t hi)
{
    const sizes s = sizes_of(c);
    nb_status status = NB_OK;
    if (s.one)
        return c->kernels->gemm(true, false, hi - lo, s.j, nb_tensor_count(c->in[0]) / s.k,
                                c->alpha, (char *)c->in[0]->data + lo * c->kernels->size, s.k,
                                c->dout->data, s.j, c->beta, nb_tensor_at(c->din, lo), s.j);
    for (size_t p = lo * s.each; p < hi * s.each && !status; p++)
        status = c->kernels->gemm(
            true, false, s.k, s.j, s.i, c->alpha, matrix(c, c->in[0], p, s.i, s.k), s.k,
            matrix(c, c->dout, p, s.i, s.j), s.j, c->beta, matrix(c, c->din, p, s.k, s.j), s.j);
    return status;
}

const nb_op nb_op_matmul_stack = {
    .name = "matmul_stack",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_FUSES,
    .plan = matmul_stack_plan,
    .forward = {{matmul_stack_forward, NB_ROWS, 0, false}},
    .backward = {{stack_backward_a, NB_INPUT_ROWS, 0, false},
                 {stack_backward_b, NB_INPUT_ROWS, 1, false}},
};
