/* Matrix products: affine and matmul. */
#include "op/op_packed.h"

static nb_status product_plan(const char *name, const nb_tensor *in, nb_need *need)
{
    char left[96], right[96];
    const nb_tensor *a = &in[0], *b = &in[1];
    if (a->shape.ndim < 2 || b->shape.ndim != 2 || nb_tensor_width(a) != b->shape.dim[0])
        return nb_fail(NB_ESHAPE, "%s: %s times %s, expected (n, k) times (k, m)", name,
                       nb_shape_text(a->shape, left, sizeof left),
                       nb_shape_text(b->shape, right, sizeof right));
    need->out = NB_SHAPE(a->shape.dim[0], b->shape.dim[1]);
    if (!nb_packed_need(a, b, need))
        return nb_fail(NB_EOVERFLOW, "%s: %zu rows, %zu columns", name, b->shape.dim[0],
                       b->shape.dim[1]);
    return NB_OK;
}

static nb_status product_forward(const nb_call *c, nb_addition then, size_t lo, size_t hi)
{
    const size_t k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (c->in[0]->packed) return nb_packed_forward(c, then, lo, hi);
    return (then == NB_ADD_BIAS_RELU ? c->kernels->affine_relu : c->kernels->affine)(
        hi - lo, k, m, nb_tensor_at(c->in[0], lo), k, c->in[1]->data, m,
        then == NB_ADD_NOTHING ? NULL : c->in[2]->data, nb_tensor_at(c->out, lo), m);
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
    if (c->in[0]->packed) return nb_packed_backward(c, lo, hi);
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
    return product_forward(c, NB_ADD_NOTHING, lo, hi);
}

const nb_op nb_op_matmul = {
    .name = "matmul",
    .inputs = 2,
    .promises = NB_BY_ROW | NB_PRODUCT | NB_FUSES | NB_PACKED,
    .plan = matmul_plan,
    .forward = {{nb_packed_prepare, NB_INPUT_ROWS, 1, true}, {matmul_forward, NB_ROWS, 0, false}},
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
    return product_forward(c, NB_ADD_BIAS, lo, hi);
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
    .forward = {{nb_packed_prepare, NB_INPUT_ROWS, 1, true}, {affine_forward, NB_ROWS, 0, false}},
    .backward = {{affine_backward, NB_INPUT_ROWS, 0, false},
                 {affine_backward, NB_INPUT_ROWS, 1, false},
                 {affine_backward, NB_INPUT_ROWS, 2, false}},
};

/* --- with relu behind it ---------------------------------------------------------------------- */

static nb_status relu_forward(const nb_call *c, size_t lo, size_t hi)
{
    return product_forward(c, NB_ADD_BIAS_RELU, lo, hi);
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
    .forward = {{nb_packed_prepare, NB_INPUT_ROWS, 1, true}, {relu_forward, NB_ROWS, 0, false}},
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
