/* Matrix products: affine and matmul. */
#include "graph/ops.h"

#include <stdio.h>

static nb_status product_shape(const char *name, const nb_tensor *a, const nb_tensor *b,
                               nb_shape *out)
{
    char left[96], right[96];
    if (a->shape.ndim >= 2 && b->shape.ndim == 2 && nb_tensor_width(a) == b->shape.dim[0]) {
        *out = NB_SHAPE(a->shape.dim[0], b->shape.dim[1]);
        return NB_OK;
    }
    return nb_fail(NB_ESHAPE, "%s: %s times %s", name, nb_shape_text(a->shape, left, sizeof left),
                   nb_shape_text(b->shape, right, sizeof right));
}

/* din[lo:hi] of a product y = a b: rows of da = dy b^T, or rows of db = a^T dy, that is, columns
 * lo ... hi-1 of a. */
static nb_status product_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    const nb_kernels *kernels = c->kernels;
    const size_t n = c->in[0]->shape.dim[0], k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (i == 0)
        return kernels->gemm(false, true, hi - lo, k, m, c->alpha, nb_tensor_at(c->dout, lo), m,
                             c->in[1]->data, m, c->beta, nb_tensor_at(c->din, lo), k);
    return kernels->gemm(true, false, hi - lo, m, n, c->alpha,
                         (char *)c->in[0]->data + lo * kernels->size, k, c->dout->data, m, c->beta,
                         nb_tensor_at(c->din, lo), m);
}

static nb_status matmul_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    *aux = 0;
    return product_shape("matmul", &in[0], &in[1], out);
}

static nb_status matmul_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    return c->kernels->affine(hi - lo, k, m, nb_tensor_at(c->in[0], lo), k, c->in[1]->data, m, NULL,
                              nb_tensor_at(c->out, lo), m);
}

const nb_op nb_op_matmul = {
    .name = "matmul",
    .inputs = 2,
    .shape = matmul_shape,
    .forward = matmul_forward,
    .backward = product_backward,
    .scales = true,
};

static nb_status affine_shape(const nb_tensor *in, nb_shape *out, size_t *aux)
{
    char text[96];
    *aux = 0;
    nb_status status = product_shape("affine", &in[0], &in[1], out);
    if (status) return status;
    if (nb_shape_equal(in[2].shape, NB_SHAPE(out->dim[1]))) return NB_OK;
    return nb_fail(NB_ESHAPE, "affine: bias %s, expected (%zu,)",
                   nb_shape_text(in[2].shape, text, sizeof text), out->dim[1]);
}

static nb_status affine_forward(const nb_call *c, size_t lo, size_t hi)
{
    const size_t k = c->in[1]->shape.dim[0], m = c->in[1]->shape.dim[1];
    return c->kernels->affine(hi - lo, k, m, nb_tensor_at(c->in[0], lo), k, c->in[1]->data, m,
                              c->in[2]->data, nb_tensor_at(c->out, lo), m);
}

static nb_status affine_backward(const nb_call *c, size_t i, size_t lo, size_t hi)
{
    const size_t n = c->in[0]->shape.dim[0], m = c->in[1]->shape.dim[1];
    if (i < 2) return product_backward(c, i, lo, hi);
    return c->kernels->column_sums(n, hi - lo, c->alpha,
                                   (char *)c->dout->data + lo * c->kernels->size, m, c->beta,
                                   nb_tensor_at(c->din, lo));
}

const nb_op nb_op_affine = {
    .name = "affine",
    .inputs = 3,
    .shape = affine_shape,
    .forward = affine_forward,
    .backward = affine_backward,
    .scales = true,
};
