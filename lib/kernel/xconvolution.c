#include "kernel/direct.h"

#ifdef NB_REAL_SINGLE
#define ME(name) "nb_sconvolution_" name
#else
#define ME(name) "nb_dconvolution_" name
#endif

static nb_status check(const char *function, const nb_convolution *c, const void *images,
                       const void *gradient, const void *weights, const void *scratch)
{
    if (!c) return nb_fail(NB_EINVAL, "%s: convolution is NULL", function);
    nb_status status = nb_convolution_check(function, c);
    if (status) return status;
    if (images && gradient && weights && scratch) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s is NULL", function,
                   !images     ? "x or dx"
                   : !gradient ? "y or dy"
                   : !weights  ? "W or dW"
                               : "scratch");
}

size_t NB(convolution_scratch)(const nb_convolution *c)
{
    if (!c || nb_convolution_check(ME("scratch"), c)) return 0;
    size_t most = 0;
    for (nb_convolution_pass pass = 0; pass < NB_PASSES; pass++) {
        const size_t size =
            nb_takes_direct(c, pass) ? NB(direct_scratch)(c, pass) : NB(product_scratch)(c);
        if (size > most) most = size;
    }
    return most;
}

nb_status NB(convolution_forward)(const nb_convolution *c, size_t images, const real *x,
                                  const real *W, const real *b, bool relu, real *y, real *scratch)
{
    nb_status status = check(ME("forward"), c, x, y, W, scratch);
    if (status) return status;
    if (!nb_takes_direct(c, NB_PASS_FORWARD))
        return NB(product_forward)(c, images, x, W, b, relu, y, scratch);
    NB(direct_forward)(c, images, x, W, b, relu, y, scratch);
    return NB_OK;
}

nb_status NB(convolution_backward_input)(const nb_convolution *c, size_t images, const real *dy,
                                         const real *W, real beta, real *dx, real *scratch)
{
    nb_status status = check(ME("backward_input"), c, dx, dy, W, scratch);
    if (status) return status;
    if (!nb_takes_direct(c, NB_PASS_INPUT))
        return NB(product_input)(c, images, dy, W, beta, dx, scratch);
    NB(direct_input)(c, images, dy, W, beta, dx, scratch);
    return NB_OK;
}

nb_status NB(convolution_backward_weights)(const nb_convolution *c, size_t images, const real *x,
                                           const real *dy, real beta, real *dW, real *db,
                                           real *scratch)
{
    nb_status status = check(ME("backward_weights"), c, x, dy, dW, scratch);
    if (status) return status;
    if (!nb_takes_direct(c, NB_PASS_WEIGHTS))
        return NB(product_weights)(c, images, x, dy, beta, dW, db, scratch);
    NB(direct_weights)(c, images, x, dy, beta, dW, db, scratch);
    return NB_OK;
}
