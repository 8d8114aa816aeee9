/* Batch normalisation, textbook 6.3; Ioffe & Szegedy, arXiv:1502.03167.
 *
 * With features side by side in a row, each of `spatial` neighbouring elements (1 where every column
 * is a feature of its own), everything is done by column; only totals are then taken over the
 * columns of a feature. So the loops are those of rows, for a channel as for a column. */
#include "op/ops.h"
#include "tensor/element.h"

#include <math.h>

const nb_batch_norm_options nb_batch_norm_book = {false, 0.9, 1e-6};
const nb_batch_norm_options nb_batch_norm_channels = {true, 0.9, 1e-5};

typedef struct layout {
    size_t rows, width;       /* of x */
    size_t features, spatial; /* width = features spatial */
    double count;             /* numbers of one feature */
    /* (width) of what the columns share; gain, ... are of backward: dx = gain (dy - shift - xn tilt) */
    char *mean, *std, *gamma, *beta, *gain, *shift, *tilt;
    char *dgamma, *dbeta; /* (features) */
} layout;

enum { gamma_in = 1, beta_in, mean_in, variance_in, row_vectors = 7 };

static size_t features_of(const nb_tensor *x, const nb_batch_norm_options *o)
{
    return o->channels ? x->shape.dim[1] : nb_tensor_width(x);
}

static layout layout_of(const nb_call *c)
{
    const nb_tensor *x = c->in[0];
    layout l = {.rows = nb_tensor_height(x), .width = nb_tensor_width(x)};
    l.features = features_of(x, c->config);
    l.spatial = l.width / l.features;
    l.count = (double)l.rows * (double)l.spatial;
    char *at = c->memory;
    char **const vector[] = {&l.mean, &l.std, &l.gamma, &l.beta, &l.gain, &l.shift, &l.tilt};
    for (size_t i = 0; i < row_vectors; i++, at += l.width * c->kernels->size) *vector[i] = at;
    l.dgamma = at;
    l.dbeta = at + l.features * c->kernels->size;
    return l;
}

static nb_status batch_norm_plan(const nb_tensor *in, const void *config, nb_need *need)
{
    static const char *const names[] = {"x", "gamma", "beta", "mean", "variance"};
    const nb_batch_norm_options *o = config;
    char x[96], found[96], wanted[96];
    if (!(o->epsilon >= 0) || !isfinite(o->epsilon) || !(o->momentum >= 0 && o->momentum <= 1))
        return nb_fail(NB_EINVAL,
                       "batch_norm: epsilon=%g, momentum=%g, expected from 0, and 0 ... 1",
                       o->epsilon, o->momentum);
    nb_shape_text(in[0].shape, x, sizeof x);
    if (in[0].shape.ndim < 2)
        return nb_fail(NB_ESHAPE, "batch_norm: x is %s, expected (n, m) or (n, c, ...)", x);
    const size_t width = nb_tensor_width(&in[0]), features = features_of(&in[0], o);
    const nb_shape want = NB_SHAPE(features);
    nb_shape_text(want, wanted, sizeof wanted);
    for (size_t i = gamma_in; i <= variance_in; i++)
        if (!nb_shape_equal(in[i].shape, want))
            return nb_fail(NB_ESHAPE, "batch_norm: %s is %s, expected %s for x %s", names[i],
                           nb_shape_text(in[i].shape, found, sizeof found), wanted, x);
    need->out = in[0].shape;
    need->kept = width;
    need->memory = row_vectors * width + 2 * features;
    need->partial = 2 * width;
    return NB_OK;
}

/* --- totals over the batch -------------------------------------------------------------------- */

static void *partial_of(const nb_call *c, size_t group, size_t which)
{
    const size_t width = nb_tensor_width(c->in[0]);
    return (char *)c->partial + (2 * group + which) * width * c->kernels->size;
}

/* The total of feature f, after nb_fold: of the first group's sums. */
static inline double total(const nb_call *c, const layout *l, size_t which, size_t f)
{
    const char *sums = (char *)c->partial + which * l->width * c->kernels->size;
    if (l->spatial == 1) return nb_element(c->kernels, sums, f) + 0; /* as `sum` */
    return c->kernels->sum(l->spatial, sums + f * l->spatial * c->kernels->size);
}

/* One number for all columns of feature f. */
static inline void spread(const nb_call *c, const layout *l, char *vector, size_t f, double value)
{
    for (size_t i = f * l->spatial; i < (f + 1) * l->spatial; i++)
        nb_put_element(c->kernels, vector, i, value);
}

/* --- forward ---------------------------------------------------------------------------------- */

static nb_status sum_rows(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->in[0]);
    nb_status status = NB_OK;
    for (size_t g = lo, end; c->pass.training && g < hi && !status; g++) {
        const size_t from = nb_group_begin(c, g, &end);
        status = c->kernels->column_sums(end - from, width, 1, nb_tensor_at(c->in[0], from), width,
                                         0, partial_of(c, g, 0));
    }
    return status;
}

static nb_status take_mean(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const layout l = layout_of(c);
    if (c->pass.training) nb_fold(c->kernels, nb_groups(c->rows), l.width, 2 * l.width, c->partial);
    for (size_t f = 0; f < l.features; f++)
        spread(c, &l, l.mean, f,
               c->pass.training ? total(c, &l, 0, f) / l.count
                                : nb_element(c->kernels, c->in[mean_in]->data, f));
    return NB_OK;
}

static nb_status square_rows(const nb_call *c, size_t lo, size_t hi)
{
    const layout l = layout_of(c);
    for (size_t g = lo, end; c->pass.training && g < hi; g++) {
        const size_t from = nb_group_begin(c, g, &end);
        c->kernels->square_deviations(end - from, l.width, nb_tensor_at(c->in[0], from), l.mean,
                                      partial_of(c, g, 0));
    }
    return NB_OK;
}

/* running := momentum running + (1 - momentum) value */
static inline void move(const nb_call *c, size_t input, size_t f, double value)
{
    const double momentum = ((const nb_batch_norm_options *)c->config)->momentum;
    void *running = c->in[input]->data;
    nb_put_element(c->kernels, running, f,
                   momentum * nb_element(c->kernels, running, f) + (1 - momentum) * value);
}

static nb_status take_variance(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const layout l = layout_of(c);
    const nb_kernels *k = c->kernels;
    const double epsilon = ((const nb_batch_norm_options *)c->config)->epsilon;
    if (c->pass.training) nb_fold(k, nb_groups(c->rows), l.width, 2 * l.width, c->partial);
    for (size_t f = 0; f < l.features; f++) {
        const double variance = c->pass.training ? total(c, &l, 0, f) / l.count
                                                 : nb_element(k, c->in[variance_in]->data, f);
        if (c->pass.training && !c->pass.frozen) {
            move(c, mean_in, f, nb_element(k, l.mean, f * l.spatial));
            move(c, variance_in, f, variance);
        }
        spread(c, &l, l.std, f, sqrt(variance + epsilon));
        spread(c, &l, l.gamma, f, nb_element(k, c->in[gamma_in]->data, f));
        spread(c, &l, l.beta, f, nb_element(k, c->in[beta_in]->data, f));
    }
    return NB_OK;
}

static void normalize(const nb_call *c, bool relu, size_t lo, size_t hi)
{
    const layout l = layout_of(c);
    c->kernels->normalize(hi - lo, l.width, nb_tensor_at(c->in[0], lo),
                          (const void *const[]){l.mean, l.std, l.gamma, l.beta}, relu,
                          nb_tensor_at(c->kept, lo), nb_tensor_at(c->out, lo));
}

static nb_status normalize_rows(const nb_call *c, size_t lo, size_t hi)
{
    normalize(c, false, lo, hi);
    return NB_OK;
}

static nb_status normalize_and_relu(const nb_call *c, size_t lo, size_t hi)
{
    normalize(c, true, lo, hi);
    return NB_OK;
}

/* --- backward --------------------------------------------------------------------------------- */

/* Sums of dy and of dy xn over a group. */
static nb_status sum_group(const nb_call *c, const nb_tensor *dout, size_t g, size_t from,
                           size_t end)
{
    const size_t width = nb_tensor_width(c->in[0]);
    const void *dy = nb_tensor_at(dout, from);
    c->kernels->multiply_rows(end - from, width, dy, nb_tensor_at(c->kept, from),
                              partial_of(c, g, 1));
    return c->kernels->column_sums(end - from, width, 1, dy, width, 0, partial_of(c, g, 0));
}

static nb_status sum_gradients(const nb_call *c, size_t lo, size_t hi)
{
    nb_status status = NB_OK;
    for (size_t g = lo, end; g < hi && !status; g++) {
        const size_t from = nb_group_begin(c, g, &end);
        status = sum_group(c, c->dout, g, from, end);
    }
    return status;
}

/* Behind relu: y is 0 where what relu saw is 0 or below it. */
static nb_status sum_relu_gradients(const nb_call *c, size_t lo, size_t hi)
{
    nb_status status = NB_OK;
    for (size_t g = lo, end; g < hi && !status; g++) {
        const size_t from = nb_group_begin(c, g, &end);
        c->kernels->relu_backward((end - from) * nb_tensor_width(c->out),
                                  nb_tensor_at(c->out, from), nb_tensor_at(c->dout, from), 0,
                                  nb_tensor_at(c->between, from));
        status = sum_group(c, c->between, g, from, end);
    }
    return status;
}

/* A batch's mean and deviation depend on x, running ones do not. */
static nb_status take_gradients(const nb_call *c, size_t lo, size_t hi)
{
    (void)lo, (void)hi;
    const layout l = layout_of(c);
    const nb_kernels *k = c->kernels;
    nb_fold(k, nb_groups(c->rows), 2 * l.width, 2 * l.width, c->partial);
    for (size_t f = 0; f < l.features; f++) {
        const double dbeta = total(c, &l, 0, f), dgamma = total(c, &l, 1, f);
        const double share = c->pass.training ? -1 / l.count : 0;
        nb_put_element(k, l.dbeta, f, dbeta);
        nb_put_element(k, l.dgamma, f, dgamma);
        spread(c, &l, l.gain, f,
               nb_element(k, l.gamma, f * l.spatial) / nb_element(k, l.std, f * l.spatial));
        spread(c, &l, l.shift, f, share * dbeta);
        spread(c, &l, l.tilt, f, share * dgamma);
    }
    return NB_OK;
}

static nb_status x_backward(const nb_call *c, size_t lo, size_t hi)
{
    const layout l = layout_of(c);
    const nb_tensor *dout = c->between ? c->between : c->dout;
    c->kernels->normalize_backward(
        hi - lo, l.width, nb_tensor_at(dout, lo), nb_tensor_at(c->kept, lo),
        (const void *const[]){l.gain, l.shift, l.tilt}, c->beta, nb_tensor_at(c->din, lo));
    return NB_OK;
}

static nb_status give(const nb_call *c, const char *total_of, size_t lo, size_t hi)
{
    c->kernels->scale(hi - lo, 1, total_of + lo * c->kernels->size, c->beta,
                      nb_tensor_at(c->din, lo));
    return NB_OK;
}

static nb_status gamma_backward(const nb_call *c, size_t lo, size_t hi)
{
    return give(c, layout_of(c).dgamma, lo, hi);
}

static nb_status beta_backward(const nb_call *c, size_t lo, size_t hi)
{
    return give(c, layout_of(c).dbeta, lo, hi);
}

#define BATCH_NORM(text, last_phase, first_phase)                                                  \
    {                                                                                              \
        .name = text, .inputs = 5, .config = sizeof(nb_batch_norm_options), .promises = NB_BY_ROW, \
        .plan = batch_norm_plan,                                                                   \
        .forward = {{sum_rows, NB_GROUPS, 0, false},                                               \
                    {take_mean, NB_ONCE, 0, false},                                                \
                    {square_rows, NB_GROUPS, 0, false},                                            \
                    {take_variance, NB_ONCE, 0, false},                                            \
                    {last_phase, NB_ROWS, 0, false}},                                              \
        .backward = {{first_phase, NB_GROUPS, 0, false},                                           \
                     {take_gradients, NB_ONCE, 0, false},                                          \
                     {x_backward, NB_INPUT_ROWS, 0, false},                                        \
                     {gamma_backward, NB_INPUT_ROWS, gamma_in, false},                             \
                     {beta_backward, NB_INPUT_ROWS, beta_in, false}},                              \
    }

const nb_op nb_op_batch_norm = BATCH_NORM("batch_norm", normalize_rows, sum_gradients);
const nb_op nb_batch_norm_relu =
    BATCH_NORM("batch_norm, relu", normalize_and_relu, sum_relu_gradients);
