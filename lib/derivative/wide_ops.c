/* The operations of lib/op in long double, each by its definition. */
#include "derivative/wide.h"
#include "op/op_axis.h"
#include "op/op_dropout.h"
#include "op/op_pointwise.h"
#include "op/op_window.h"
#include "op/ops.h"

#include <math.h>
#include <string.h>

typedef struct work {
    const nb_node *node;
    const nb_real *const *in;
    nb_real *out;
    size_t count, rows, width; /* of out */
} work;

/* Values of the graph's own pass: which side, which winner. */
static const double *graph_value(const work *w, size_t input)
{
    return w->node->input[input]->value.data;
}

static double number(const work *w)
{
    return *(const double *)w->node->config;
}

/* --- element by element ----------------------------------------------------------------------- */

static nb_real softplus(nb_real x)
{
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

static void map(const work *w, nb_real (*f)(nb_real x, nb_real p))
{
    const nb_real p = w->node->op->config == sizeof(double) ? (nb_real)number(w) : 0;
    for (size_t i = 0; i < w->count; i++) w->out[i] = f(w->in[0][i], p);
}

static nb_real sigmoid_of(nb_real x, nb_real p)
{
    (void)p;
    return 1 / (1 + expl(-x));
}

static nb_real tanh_of(nb_real x, nb_real p)
{
    (void)p;
    return tanhl(x);
}

static nb_real gelu_of(nb_real x, nb_real p)
{
    (void)p;
    return x * erfcl(-x * 0.707106781186547524400844362104849039L) / 2;
}

static nb_real softplus_of(nb_real x, nb_real p)
{
    (void)p;
    return softplus(x);
}

static nb_real exp_of(nb_real x, nb_real p)
{
    (void)p;
    return expl(x);
}

static nb_real log_of(nb_real x, nb_real p)
{
    (void)p;
    return logl(x);
}

static nb_real square_of(nb_real x, nb_real p)
{
    (void)p;
    return x * x;
}

static nb_real sqrt_of(nb_real x, nb_real p)
{
    (void)p;
    return sqrtl(x);
}

static nb_real power_of(nb_real x, nb_real p)
{
    return powl(x, p);
}

static nb_real scale_of(nb_real x, nb_real p)
{
    return x * p;
}

static nb_real identity_of(nb_real x, nb_real p)
{
    (void)p;
    return x;
}

#define MAP(name)                         \
    static void name##_all(const work *w) \
    {                                     \
        map(w, name##_of);                \
    }
MAP(sigmoid)
MAP(tanh)
MAP(gelu)
MAP(softplus)
MAP(exp)
MAP(log)
MAP(square)
MAP(sqrt)
MAP(power)
MAP(scale)
MAP(identity)
#undef MAP

/* With a corner: on the side where the graph's pass was. */
static void sided(const work *w, nb_real (*above)(nb_real, nb_real),
                  nb_real (*below)(nb_real, nb_real))
{
    const double *x = graph_value(w, 0);
    const nb_real p = w->node->op->config == sizeof(double) ? (nb_real)number(w) : 0;
    for (size_t i = 0; i < w->count; i++) w->out[i] = (x[i] > 0 ? above : below)(w->in[0][i], p);
}

static nb_real zero_of(nb_real x, nb_real p)
{
    (void)p;
    return 0 * x;
}

static nb_real one_of(nb_real x, nb_real p)
{
    (void)p;
    return 1 + 0 * x;
}

static nb_real elu_below(nb_real x, nb_real p)
{
    return p * expm1l(x);
}

static void relu(const work *w)
{
    sided(w, identity_of, zero_of);
}

static void step(const work *w)
{
    sided(w, one_of, zero_of);
}

static void leaky_relu(const work *w)
{
    sided(w, identity_of, scale_of);
}

static void elu(const work *w)
{
    sided(w, identity_of, elu_below);
}

static nb_real sign(double x)
{
    return (x > 0) - (x < 0);
}

static void absolute(const work *w)
{
    const double *x = graph_value(w, 0);
    for (size_t i = 0; i < w->count; i++) w->out[i] = sign(x[i]) * w->in[0][i];
}

static void add(const work *w)
{
    for (size_t i = 0; i < w->count; i++) w->out[i] = w->in[0][i] + w->in[1][i];
}

static void subtract(const work *w)
{
    for (size_t i = 0; i < w->count; i++) w->out[i] = w->in[0][i] - w->in[1][i];
}

static void multiply(const work *w)
{
    for (size_t i = 0; i < w->count; i++) w->out[i] = w->in[0][i] * w->in[1][i];
}

static void divide(const work *w)
{
    for (size_t i = 0; i < w->count; i++) w->out[i] = w->in[0][i] / w->in[1][i];
}

static void dropout(const work *w)
{
    const nb_dropping *o = w->node->config;
    const double *kept = w->node->kept.data;
    const bool training = w->node->graph->passed.training;
    for (size_t i = 0; i < w->count; i++)
        w->out[i] = w->in[0][i] * (training  ? (nb_real)kept[i]
                                   : o->book ? 1 - (nb_real)o->ratio
                                             : 1);
}

/* --- products and windows --------------------------------------------------------------------- */

static void product(const work *w)
{
    const size_t k = nb_tensor_width(&w->node->input[0]->value), m = w->width;
    const nb_real *b = w->node->op->inputs == 3 ? w->in[2] : NULL;
    for (size_t r = 0; r < w->rows; r++) {
        nb_real *y = w->out + r * m;
        for (size_t j = 0; j < m; j++) y[j] = b ? b[j] : 0;
        for (size_t l = 0; l < k; l++)
            for (size_t j = 0; j < m; j++) y[j] += w->in[0][r * k + l] * w->in[1][l * m + j];
    }
}

/* The pixel under (fy, fx) of the window at position p, or NULL in the padding. */
static const nb_real *pixel(const nb_window *v, const nb_real *plane, size_t p, size_t fy,
                            size_t fx)
{
    const size_t y = p / v->out_width * v->stride_y + fy - v->pad_y; /* huge above the image */
    const size_t x = p % v->out_width * v->stride_x + fx - v->pad_x;
    return y < v->height && x < v->width ? plane + y * v->width + x : NULL;
}

static nb_window window_of(const work *w, size_t rows, size_t columns, size_t stride)
{
    nb_sliding how = *(const nb_sliding *)w->node->config;
    if (rows) how.rows = rows, how.columns = columns;
    if (!how.stride_y) how.stride_y = stride;
    if (!how.stride_x) how.stride_x = stride;
    nb_window window = nb_window_of(&how, w->node->input[0]->value.shape.dim);
    (void)nb_window_fit(&window); /* it fitted when the node was made */
    return window;
}

static nb_real filtered(const nb_window *v, const nb_real *image, const nb_real *filter, size_t p)
{
    nb_real sum = 0;
    for (size_t c = 0; c < v->channels; c++)
        for (size_t fy = 0; fy < v->rows; fy++)
            for (size_t fx = 0; fx < v->columns; fx++, filter++) {
                const nb_real *x = pixel(v, image + c * v->height * v->width, p, fy, fx);
                if (x) sum += *x * *filter;
            }
    return sum;
}

static void conv2d(const work *w)
{
    const size_t *filter = w->node->input[1]->value.shape.dim;
    const nb_window v = window_of(w, filter[2], filter[3], 1);
    const size_t positions = v.out_height * v.out_width, image = v.channels * v.height * v.width;
    const size_t weights = v.channels * v.rows * v.columns;
    for (size_t n = 0; n < w->rows; n++)
        for (size_t f = 0; f < filter[0]; f++)
            for (size_t p = 0; p < positions; p++)
                w->out[(n * filter[0] + f) * positions + p] =
                    filtered(&v, w->in[0] + n * image, w->in[1] + f * weights, p) + w->in[2][f];
}

static void max_pool(const work *w)
{
    const nb_window v = window_of(w, 0, 0, 0);
    const size_t positions = v.out_height * v.out_width;
    for (size_t i = 0; i < w->count; i++) {
        const uint8_t *winner = nb_tensor_at(&w->node->kept, i / w->width);
        const size_t at = winner[i % w->width];
        const nb_real *x = pixel(&v, w->in[0] + i / positions * v.height * v.width, i % positions,
                                 at / v.columns, at % v.columns);
        w->out[i] = x ? *x : 0;
    }
}

static void average_pool(const work *w)
{
    const nb_window v = window_of(w, 0, 0, 0);
    const size_t positions = v.out_height * v.out_width;
    for (size_t i = 0; i < w->count; i++) {
        nb_real sum = 0;
        for (size_t k = 0; k < v.rows * v.columns; k++) {
            const nb_real *x = pixel(&v, w->in[0] + i / positions * v.height * v.width,
                                     i % positions, k / v.columns, k % v.columns);
            if (x) sum += *x;
        }
        w->out[i] = sum / (nb_real)(v.rows * v.columns);
    }
}

/* --- sums ------------------------------------------------------------------------------------- */

static void sum(const work *w)
{
    nb_real total = 0;
    for (size_t i = 0; i < nb_tensor_count(&w->node->input[0]->value); i++) total += w->in[0][i];
    w->out[0] = total;
}

static void mean(const work *w)
{
    sum(w);
    w->out[0] /= (nb_real)nb_tensor_count(&w->node->input[0]->value);
}

static nb_slab slab_of(const work *w)
{
    return nb_slab_of(&w->node->input[0]->value, ((const nb_reduction *)w->node->config)->axis);
}

static size_t first_of(const nb_slab *s, size_t i)
{
    return i / s->inner * s->along * s->inner + i % s->inner;
}

static void sum_axis(const work *w)
{
    const nb_slab s = slab_of(w);
    for (size_t i = 0; i < w->count; i++) {
        w->out[i] = 0;
        for (size_t j = 0; j < s.along; j++) w->out[i] += w->in[0][first_of(&s, i) + j * s.inner];
    }
}

static void mean_axis(const work *w)
{
    sum_axis(w);
    for (size_t i = 0; i < w->count; i++) w->out[i] /= (nb_real)slab_of(w).along;
}

static void max_axis(const work *w)
{
    const nb_slab s = slab_of(w);
    const double *x = graph_value(w, 0);
    for (size_t i = 0; i < w->count; i++) {
        const size_t first = first_of(&s, i);
        size_t best = 0;
        for (size_t j = 1; j < s.along; j++)
            if (x[first + j * s.inner] > x[first + best * s.inner]) best = j;
        w->out[i] = w->in[0][first + best * s.inner];
    }
}

/* --- batch norm ------------------------------------------------------------------------------- */

typedef struct statistics {
    nb_real mean, variance;
} statistics;

static statistics statistics_of(const work *w, size_t feature, size_t spatial)
{
    const nb_real *x = w->in[0] + feature * spatial, n = (nb_real)(w->rows * spatial);
    statistics s = {w->in[3][feature], w->in[4][feature]};
    if (!w->node->graph->passed.training) return s;
    s = (statistics){0, 0};
    for (size_t i = 0; i < w->rows * spatial; i++)
        s.mean += x[i / spatial * w->width + i % spatial];
    s.mean /= n;
    for (size_t i = 0; i < w->rows * spatial; i++) {
        const nb_real d = x[i / spatial * w->width + i % spatial] - s.mean;
        s.variance += d * d / n;
    }
    return s;
}

static void batch_norm(const work *w)
{
    const nb_batch_norm_options *o = w->node->config;
    const size_t features = nb_tensor_count(&w->node->input[1]->value);
    const size_t spatial = w->width / features;
    for (size_t f = 0; f < features; f++) {
        const statistics s = statistics_of(w, f, spatial);
        const nb_real gain = w->in[1][f] / sqrtl(s.variance + (nb_real)o->epsilon);
        for (size_t i = 0; i < w->rows * spatial; i++) {
            const size_t at = i / spatial * w->width + f * spatial + i % spatial;
            w->out[at] = (w->in[0][at] - s.mean) * gain + w->in[2][f];
        }
    }
}

/* --- losses ----------------------------------------------------------------------------------- */

static size_t argmax(size_t m, const nb_real *a)
{
    size_t best = 0;
    for (size_t j = 1; j < m; j++)
        if (a[j] > a[best]) best = j;
    return best;
}

static void softmax(const work *w)
{
    const size_t m = w->width;
    for (size_t r = 0; r < w->rows; r++) {
        const nb_real *a = w->in[0] + r * m, most = a[argmax(m, a)];
        nb_real total = 0;
        for (size_t j = 0; j < m; j++) total += w->out[r * m + j] = expl(a[j] - most);
        for (size_t j = 0; j < m; j++) w->out[r * m + j] /= total;
    }
}

/* What target j of row r is: 0 or 1 for labels. */
static nb_real target(const work *w, size_t m, size_t r, size_t j)
{
    const nb_tensor *t = &w->node->input[1]->value;
    return t->dtype == NB_INT32 ? (size_t)((const int32_t *)t->data)[r] == j : w->in[1][r * m + j];
}

/* log sum e^(a_j - a_top) without the 1 of the largest, so that a small loss keeps its digits. */
static void softmax_cross_entropy(const work *w)
{
    const size_t m = nb_tensor_width(&w->node->input[0]->value);
    for (size_t r = 0; r < w->rows; r++) {
        const nb_real *a = w->in[0] + r * m;
        const size_t top = argmax(m, a);
        nb_real rest = 0, all = 0, below = 0;
        for (size_t j = 0; j < m; j++) {
            const nb_real t = target(w, m, r, j);
            if (j != top) rest += expl(a[j] - a[top]);
            if (t != 0) below += t * (a[j] - a[top]);
            all += t;
        }
        w->out[r] = log1pl(rest) * all - below;
    }
}

static void squared_error(const work *w)
{
    const size_t m = nb_tensor_width(&w->node->input[0]->value);
    for (size_t r = 0; r < w->rows; r++) {
        w->out[r] = 0;
        for (size_t i = r * m; i < (r + 1) * m; i++) {
            const nb_real d = w->in[0][i] - w->in[1][i];
            w->out[r] += d * d / 2;
        }
    }
}

/* On the side, and in the part of Huber's loss, where the graph's pass was. */
static nb_real point(const nb_pointwise *p, nb_real y, nb_real t, double was)
{
    const nb_real d = y - t, delta = (nb_real)p->delta;
    switch (p->kind) {
    case NB_POINT_SQUARED:
        return d * d;
    case NB_POINT_ABSOLUTE:
        return sign(was) * d;
    case NB_POINT_HUBER:
        return fabs(was) <= p->delta ? d * d / 2 : delta * (sign(was) * d - delta / 2);
    default:
        return softplus(y) - y * t;
    }
}

static void pointwise_loss(const work *w)
{
    const size_t m = nb_tensor_width(&w->node->input[0]->value);
    const double *y = graph_value(w, 0), *t = graph_value(w, 1);
    for (size_t r = 0; r < w->rows; r++) {
        w->out[r] = 0;
        for (size_t i = r * m; i < (r + 1) * m; i++)
            w->out[r] += point(w->node->config, w->in[0][i], w->in[1][i], y[i] - t[i]) / (nb_real)m;
    }
}

static void weigh(const work *w)
{
    const size_t m = nb_tensor_count(&w->node->input[2]->value);
    for (size_t r = 0; r < w->rows; r++) {
        nb_real weight = 0;
        for (size_t j = 0; j < m; j++) weight += target(w, m, r, j) * w->in[2][j];
        w->out[r] = w->in[0][r] * weight;
    }
}

/* --- changes of losses ------------------------------------------------------------------------ */

/* Of log sum_j e^(a_j - a_k): log(1 + sum_j p_j (e^(change of a_j - a_k) - 1)), with the p of before. */
static nb_real entropy_change(size_t m, const nb_real *was, const nb_real *now, nb_real total,
                              nb_real most, size_t k)
{
    nb_real sum = 0;
    for (size_t j = 0; j < m; j++)
        if (j != k)
            sum += expl(was[j] - most) / total * expm1l(now[j] - was[j] - (now[k] - was[k]));
    return log1pl(sum);
}

static void entropy_changes(const work *w, const nb_real *was)
{
    const size_t m = nb_tensor_width(&w->node->input[0]->value);
    for (size_t r = 0; r < w->rows; r++) {
        const nb_real *a = was + r * m, *b = w->in[0] + r * m, most = a[argmax(m, a)];
        nb_real total = 0;
        for (size_t j = 0; j < m; j++) total += expl(a[j] - most);
        w->out[r] = 0;
        for (size_t k = 0; k < m; k++) {
            const nb_real t = target(w, m, r, k);
            if (t != 0) w->out[r] += t * entropy_change(m, a, b, total, most, k);
        }
    }
}

static void square_changes(const work *w, const nb_real *was)
{
    const size_t m = nb_tensor_width(&w->node->input[0]->value);
    for (size_t r = 0; r < w->rows; r++) {
        w->out[r] = 0;
        for (size_t i = r * m; i < (r + 1) * m; i++) {
            const nb_real by = w->in[0][i] - was[i];
            w->out[r] += by * (was[i] - w->in[1][i] + by / 2);
        }
    }
}

/* --- which ------------------------------------------------------------------------------------ */

/* Those that only move elements are left to the graph's own code, as are products of stacks and
 * broadcasting. */
static const struct {
    const nb_op *op;
    void (*run)(const work *w);
} known[] = {
    {&nb_op_affine, product},
    {&nb_op_matmul, product},
    {&nb_op_add, add},
    {&nb_op_subtract, subtract},
    {&nb_op_multiply, multiply},
    {&nb_op_divide, divide},
    {&nb_op_identity, identity_all},
    {&nb_op_reshape, identity_all},
    {&nb_op_step, step},
    {&nb_op_sigmoid, sigmoid_all},
    {&nb_op_relu, relu},
    {&nb_op_tanh, tanh_all},
    {&nb_op_leaky_relu, leaky_relu},
    {&nb_op_elu, elu},
    {&nb_op_gelu, gelu_all},
    {&nb_op_softplus, softplus_all},
    {&nb_op_exp, exp_all},
    {&nb_op_log, log_all},
    {&nb_op_square, square_all},
    {&nb_op_sqrt, sqrt_all},
    {&nb_op_abs, absolute},
    {&nb_op_power, power_all},
    {&nb_op_scale, scale_all},
    {&nb_op_softmax, softmax},
    {&nb_op_sum, sum},
    {&nb_op_mean, mean},
    {&nb_op_sum_axis, sum_axis},
    {&nb_op_mean_axis, mean_axis},
    {&nb_op_max_axis, max_axis},
    {&nb_op_batch_norm, batch_norm},
    {&nb_op_dropout, dropout},
    {&nb_op_conv2d, conv2d},
    {&nb_op_max_pool, max_pool},
    {&nb_op_average_pool, average_pool},
    {&nb_op_squared_error, squared_error},
    {&nb_op_softmax_cross_entropy, softmax_cross_entropy},
    {&nb_op_weigh, weigh},
    {&nb_op_pointwise_loss, pointwise_loss},
};

/* A copy of one with another backward is that one. */
static bool same_forward(const nb_op *a, const nb_op *b)
{
    bool same = a->plan == b->plan && a->inputs == b->inputs && a->config == b->config;
    for (size_t k = 0; k < NB_MAX_PHASES && same; k++) {
        same = a->forward[k].run == b->forward[k].run;
        if (!a->forward[k].run) break;
    }
    return same;
}

static size_t find(const nb_op *op)
{
    size_t i = 0;
    while (i < sizeof known / sizeof *known && !same_forward(op, known[i].op)) i++;
    return i;
}

bool nb_wide_knows(const nb_op *op)
{
    return find(op) < sizeof known / sizeof *known;
}

void nb_wide_forward(const nb_node *node, const nb_real *const *in, nb_real *out)
{
    const nb_tensor *t = &node->value;
    known[find(node->op)].run(&(work){.node = node,
                                      .in = in,
                                      .out = out,
                                      .count = nb_tensor_count(t),
                                      .rows = nb_tensor_height(t),
                                      .width = nb_tensor_width(t)});
}

static bool is_entropy(const nb_op *op)
{
    return same_forward(op, &nb_op_softmax_cross_entropy);
}

bool nb_wide_is_loss(const nb_op *op)
{
    return is_entropy(op) || same_forward(op, &nb_op_squared_error);
}

void nb_wide_change(const nb_node *node, const nb_real *was, const nb_real *now,
                    const nb_real *target_of, nb_real *out)
{
    const nb_real *in[2] = {now, target_of};
    const work w = {.node = node, .in = in, .out = out, .rows = nb_tensor_height(&node->value)};
    (is_entropy(node->op) ? entropy_changes : square_changes)(&w, was);
}

bool nb_wide_adds(const nb_op *op)
{
    static const nb_op *const adding[] = {&nb_op_sum,   &nb_op_mean,     &nb_op_weigh,
                                          &nb_op_scale, &nb_op_identity, &nb_op_reshape};
    for (size_t i = 0; i < sizeof adding / sizeof *adding; i++)
        if (op == adding[i]) return true;
    return false;
}
