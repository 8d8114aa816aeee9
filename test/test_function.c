/* The operations by their names: values as NumPy's, what broadcasting and axes have to be, and what
 * is said of shapes that do not fit. Gradients are held to differences in test_gradient_ops.c. */
#include "gradient_fixtures.h"
#include "graph_fixtures.h"

#include <stdlib.h>

static nb_node *filled(nb_graph *g, nb_shape shape)
{
    return nb_parameter(g, "p", shape);
}

/* Finish, fill the parameters, compute. */
static void run(nb_node *node, uint64_t seed)
{
    nb_graph *g = nb_node_graph(node);
    if (nb_graph_max_batch(g) == 0) assert_ok(nb_graph_finish(g, 8));
    fill_parameters(g, seed);
    assert_ok(nb_forward(node));
}

/* --- elementwise ------------------------------------------------------------------------------ */

enum { numbers = 5 };
static const double any_number[numbers] = {-2.385, -.7, -.013, .41, 1.93};
static const double above_0[numbers] = {.013, .41, 1.93, 7.5, 123.25};

static nb_node *leaky_relu_3(nb_node *x)
{
    return nb_leaky_relu(x, .3);
}

static nb_node *elu_15(nb_node *x)
{
    return nb_elu(x, 1.5);
}

static nb_node *cube(nb_node *x)
{
    return nb_power(x, 3);
}

static nb_node *power_of_13(nb_node *x)
{
    return nb_power(x, -1.3);
}

static nb_node *scale_17(nb_node *x)
{
    return nb_scale(x, -1.7);
}

/* From NumPy 1.24.2: np.tanh and so on, x ** 3, x ** -1.3; gelu with Python's math.erf and erfc. */
static const struct {
    const char *name;
    nb_node *(*function)(nb_node *x);
    const double *x, want[numbers];
} maps[] = {
    {"tanh",
     nb_tanh,
     any_number,
     {-0.983181863868074, -0.6043677771171634, -0.012999267716169013, 0.38847268021606096,
      0.9587334055461876}},
    {"leaky_relu", leaky_relu_3, any_number, {-0.7154999999999999, -0.21, -0.0039, 0.41, 1.93}},
    {"elu",
     elu_15,
     any_number,
     {-1.3618665306310782, -0.7551220443128857, -0.01937379746956862, 0.41, 1.93}},
    {"gelu",
     nb_gelu,
     any_number,
     {-0.020366852213886576, -0.16937455655615113, -0.006432580653595763, 0.27022978075334775,
      1.8782694015672838}},
    {"softplus",
     nb_softplus,
     any_number,
     {0.08809235713435318, 0.4031860488854579, 0.6866683054111917, 0.9190141340906441,
      2.0655340596207994}},
    {"exp",
     nb_exp,
     any_number,
     {0.09208897957928121, 0.4965853037914096, 0.9870841350202877, 1.5068177851128537,
      6.889510241581292}},
    {"log",
     nb_log,
     above_0,
     {-4.3428059215206005, -0.8915981192837836, 0.6575200029167941, 2.0149030205422647,
      4.814214812922799}},
    {"square",
     nb_square,
     any_number,
     {5.688224999999999, 0.48999999999999994, 0.000169, 0.16809999999999997, 3.7249}},
    {"sqrt",
     nb_sqrt,
     above_0,
     {0.11401754250991379, 0.6403124237432849, 1.3892443989449805, 2.7386127875258306,
      11.10180165558726}},
    {"abs", nb_abs, any_number, {2.385, 0.7, 0.013, 0.41, 1.93}},
    {"cube",
     cube,
     any_number,
     {-13.566416624999997, -0.3429999999999999, -2.197e-06, 0.06892099999999998,
      7.189056999999999}},
    {"power",
     power_of_13,
     above_0,
     {283.0568322001641, 3.186992095082467, 0.42537846357441406, 0.07284845702682148,
      0.0019141545218335453}},
    {"scale",
     scale_17,
     any_number,
     {4.054499999999999, 1.19, 0.022099999999999998, -0.697, -3.2809999999999997}},
};

/* Within 8 ulp, the widest that activation.h promises, and in float32 also what rounding x moves. */
static void functions_have_numpys_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(maps); i++)
        for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
            nb_graph *g = graph_of(dtype);
            nb_node *x = p_of(g, NB_SHAPE(numbers)), *y = maps[i].function(x);
            assert_ok(nb_graph_finish(g, 1));
            put(x, numbers, maps[i].x);
            assert_ok(nb_forward(y));
            const double ulp = dtype == NB_FLOAT64 ? 0x1p-52 : 0x1p-23;
            for (size_t j = 0; j < numbers; j++) {
                const double want = maps[i].want[j];
                if (fabs(at(y, j) - want) > 8 * ulp * fabs(want))
                    print_error("%s(%g)\n", maps[i].name, maps[i].x[j]);
                assert_near(at(y, j), want, 8 * ulp * fabs(want));
            }
            nb_graph_destroy(g);
        }
}

static void outside_of_its_domain_a_function_is_ieees(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = p_of(g, NB_SHAPE(3));
    nb_node *l = nb_log(x), *s = nb_sqrt(x), *q = nb_divide(x, nb_subtract(x, x));
    assert_ok(nb_graph_finish(g, 1));
    PUT(x, 0, -1, 2);
    assert_ok(nb_forward(l));
    assert_true(at(l, 0) == -(double)INFINITY && isnan(at(l, 1)));
    assert_ok(nb_forward(s));
    assert_true(at(s, 0) == 0 && isnan(at(s, 1)));
    assert_ok(nb_forward(q));
    assert_true(isnan(at(q, 0)) && at(q, 1) == -(double)INFINITY && at(q, 2) == (double)INFINITY);
    nb_graph_destroy(g);
}

/* --- broadcasting ----------------------------------------------------------------------------- */

typedef nb_node *binary(nb_node *a, nb_node *b);
static binary *const binaries[] = {nb_add, nb_subtract, nb_multiply, nb_divide};

static const struct {
    nb_shape a, b, out;
} pairs[] = {
#define S(...)                                            \
    {                                                     \
        sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), \
        {                                                 \
            __VA_ARGS__                                   \
        }                                                 \
    }
    {S(3, 4), S(4), S(3, 4)},
    {S(4), S(3, 4), S(3, 4)},
    {S(3, 1), S(1, 4), S(3, 4)},
    {S(3, 4), {0, {0}}, S(3, 4)},
    {{0, {0}}, S(1), S(1)},
    {S(2, 3, 4), S(3, 1), S(2, 3, 4)},
    {S(2, 1, 4), S(3, 1), S(2, 3, 4)},
    {S(1, 3, 1, 2), S(5, 1, 4, 1), S(5, 3, 4, 2)},
    {S(2, 1, 2, 1, 2, 1, 2, 1), S(1, 2, 1, 2, 1, 2, 1, 2), S(2, 2, 2, 2, 2, 2, 2, 2)},
    {S(700, 3), S(700, 1), S(700, 3)},
    {S(3, 1300), S(3, 1), S(3, 1300)},
    {S(2, 1300), S(1300), S(2, 1300)},
    {S(1), S(1300), S(1300)},
};

/* Element i of `out` comes from which element of an array of this shape? The index is written out in
 * digits, and read with the array's. */
static size_t source(const nb_shape *out, const nb_shape *shape, size_t i)
{
    size_t at = 0, step = 1;
    for (size_t d = 0; d < shape->ndim; d++) {
        const size_t of_out = out->ndim - 1 - d, of_shape = shape->ndim - 1 - d;
        const size_t digit = i % out->dim[of_out];
        i /= out->dim[of_out];
        if (shape->dim[of_shape] > 1) at += digit * step;
        step *= shape->dim[of_shape];
    }
    return at;
}

/* Values, and gradients against those of arrays copied out to the full shape: each the sum of its
 * copies'. */
static void compare_with_copies(nb_dtype dtype, binary *f, const nb_shape *a, const nb_shape *b,
                                const nb_shape *out)
{
    nb_graph *g = graph_of(dtype);
    const nb_kernels *k = nb_kernels_of(dtype);
    nb_node *p[2] = {filled(g, *a), filled(g, *b)}, *copy[2] = {filled(g, *out), filled(g, *out)};
    nb_node *y = f(p[0], p[1]), *want = f(copy[0], copy[1]);
    nb_node *loss = nb_sum(nb_square(y)), *full = nb_sum(nb_square(want));
    assert_ok(nb_graph_finish(g, 1));
    fill_parameters(g, 7);
    const size_t count = nb_tensor_count(nb_value(want));
    assert_true(nb_shape_equal(nb_value(y)->shape, *out));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 2; j++)
            k->set(nb_value(copy[j])->data, i, at(p[j], source(out, j ? b : a, i)));
    double *sum = calloc(2 * count, sizeof *sum), *size = calloc(2 * count, sizeof *size);
    assert_non_null(sum);
    assert_non_null(size);
    assert_ok(nb_forward(full));
    assert_ok(nb_backward(full));
    for (size_t i = 0; i < 2 * count; i++) {
        const size_t j = i / count, to = j * count + source(out, j ? b : a, i % count);
        sum[to] += slope(copy[j], i % count);
        size[to] += fabs(slope(copy[j], i % count));
    }
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    for (size_t i = 0; i < count; i++) assert_true(at(y, i) == at(want, i));
    const double epsilon = dtype == NB_FLOAT64 ? 0x1p-52 : 0x1p-23;
    for (size_t j = 0; j < 2; j++)
        for (size_t i = 0; i < nb_tensor_count(nb_value(p[j])); i++)
            assert_near(slope(p[j], i), sum[j * count + i],
                        epsilon * (double)count * size[j * count + i]);
    free(sum);
    free(size);
    nb_graph_destroy(g);
}

static void broadcasting_is_arithmetic_on_copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++)
        for (size_t f = 0; f < COUNT(binaries); f++)
            for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
                compare_with_copies(dtype, binaries[f], &pairs[i].a, &pairs[i].b, &pairs[i].out);
                compare_with_copies(dtype, binaries[f], &pairs[i].b, &pairs[i].a, &pairs[i].out);
            }
}

/* x + b has the value and the gradients of the affine layer's bias, to the last bit: rows are added
 * in order. */
static void the_gradient_of_a_row_added_is_that_of_a_bias(void **state)
{
    (void)state;
    enum { n = 100, m = 30 };
    nb_graph *g = graph_of(NB_FLOAT32);
    float x[n * m], t[n * m];
    nb_tensor X = nb_tensor_view(NB_FLOAT32, NB_SHAPE(n, m), x), T = X;
    T.data = t;
    nb_node *in = x_of(g, m), *target = nb_input(g, "t", NB_SHAPE(NB_BATCH, m));
    nb_node *W = p_of(g, NB_SHAPE(m, m)), *b = p_of(g, NB_SHAPE(m)), *c = p_of(g, NB_SHAPE(m));
    nb_node *bias = nb_mean_squared_error(nb_affine(in, W, b), target);
    nb_node *row = nb_mean_squared_error(nb_add(nb_matmul(in, W), c), target);
    nb_node *sum = nb_sum(nb_add(bias, row));
    assert_ok(nb_graph_finish(g, n));
    support_fill_s(n * m, x, 1);
    support_fill_s(n * m, t, 2);
    fill_parameters(g, 3);
    memcpy(nb_value(c)->data, nb_value(b)->data, m * sizeof(float));
    assert_ok(nb_feed(in, &X));
    assert_ok(nb_feed(target, &T));
    assert_ok(nb_forward(sum));
    assert_ok(nb_backward(sum));
    assert_true(nb_scalar(bias) == nb_scalar(row));
    assert_memory_equal(nb_gradient(b)->data, nb_gradient(c)->data, m * sizeof(float));
    nb_graph_destroy(g);
}

/* --- along an axis ---------------------------------------------------------------------------- */

typedef nb_node *reduction(nb_node *x, int axis, bool keep);

/* NumPy 1.24.2: i = np.arange(24.); x = ((i * 37) % 29 - 14).reshape(2, 3, 4) / 7 */
static const struct {
    reduction *f;
    int axis;
    size_t count;
    double want[12];
} reduced[] = {
    {nb_sum_axis,
     0,
     12,
     {-2.7142857142857144, -0.42857142857142855, 1.8571428571428572, 0.0, -1.8571428571428572,
      0.42857142857142855, 2.7142857142857144, 0.8571428571428572, -1.0, 1.2857142857142858,
      -0.5714285714285714, -2.428571428571429}},
    {nb_sum_axis,
     1,
     8,
     {-4.7142857142857135, -1.2857142857142856, 2.142857142857143, 1.4285714285714284,
      -0.8571428571428572, 2.571428571428571, 1.857142857142857, -3.0}},
    {nb_sum_axis,
     2,
     6,
     {-1.142857142857143, 0.5714285714285716, -1.8571428571428572, -0.14285714285714302,
      1.5714285714285712, -0.857142857142857}},
    {nb_mean_axis,
     -3,
     12,
     {-1.3571428571428572, -0.21428571428571427, 0.9285714285714286, 0.0, -0.9285714285714286,
      0.21428571428571427, 1.3571428571428572, 0.4285714285714286, -0.5, 0.6428571428571429,
      -0.2857142857142857, -1.2142857142857144}},
    {nb_mean_axis,
     -2,
     8,
     {-1.5714285714285712, -0.42857142857142855, 0.7142857142857143, 0.4761904761904761,
      -0.28571428571428575, 0.8571428571428571, 0.619047619047619, -1.0}},
    {nb_mean_axis,
     -1,
     6,
     {-0.28571428571428575, 0.1428571428571429, -0.4642857142857143, -0.035714285714285754,
      0.3928571428571428, -0.21428571428571425}},
    {nb_max_axis,
     0,
     12,
     {-0.7142857142857143, 0.42857142857142855, 1.5714285714285714, 1.4285714285714286,
      -0.2857142857142857, 0.8571428571428571, 2.0, 1.8571428571428572, 0.14285714285714285,
      1.2857142857142858, 1.1428571428571428, -0.5714285714285714}},
    {nb_max_axis,
     1,
     8,
     {-1.1428571428571428, 0.0, 1.1428571428571428, 1.8571428571428572, 0.14285714285714285,
      1.2857142857142858, 2.0, -0.5714285714285714}},
    {nb_max_axis,
     2,
     6,
     {1.4285714285714286, 1.8571428571428572, 1.1428571428571428, 1.5714285714285714, 2.0,
      1.2857142857142858}},
};

static void along_an_axis_the_bits_are_numpys(void **state)
{
    (void)state;
    double x[24];
    for (size_t i = 0; i < 24; i++) x[i] = ((double)(i * 37 % 29) - 14) / 7;
    for (size_t i = 0; i < COUNT(reduced); i++)
        for (size_t way = 0; way < 4; way++) { /* kept or not; with the batch or not */
            nb_graph *g = graph_of(NB_FLOAT64);
            const bool batch = way % 2, keep = way / 2;
            nb_node *in =
                batch ? nb_input(g, "x", NB_SHAPE(NB_BATCH, 3, 4)) : p_of(g, NB_SHAPE(2, 3, 4));
            nb_node *y = reduced[i].f(in, reduced[i].axis, keep);
            assert_ok(nb_graph_finish(g, 5));
            nb_tensor given = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 3, 4), x);
            if (batch)
                assert_ok(nb_feed(in, &given));
            else
                put(in, 24, x);
            assert_ok(nb_forward(y));
            assert_int_equal(nb_value(y)->shape.ndim, keep ? 3 : 2);
            assert_int_equal(nb_tensor_count(nb_value(y)), reduced[i].count);
            for (size_t j = 0; j < reduced[i].count; j++)
                assert_true(at(y, j) == reduced[i].want[j]);
            nb_graph_destroy(g);
        }
}

/* NumPy 1.24.2: i = np.arange(2100); x = (((i * 7919) % 1009 - 500) / 333).astype(np.float32), as
 * (300, 7) summed over axis 0, and its transpose, copied, over axis 1: other bits. */
static void long_float32_sums_are_numpys_in_both_orders(void **state)
{
    (void)state;
    static const double rows[7] = {7.396392822265625, 5.909910202026367,   4.423422336578369,
                                   2.936938762664795, -1.5795785188674927, 2.9939939975738525,
                                   4.537534713745117},
                        columns[7] = {7.396398544311523, 5.909909248352051,   4.423423767089844,
                                      2.936936378479004, -1.5795786380767822, 2.9939956665039062,
                                      4.537539482116699},
                        means[7] = {0.024654662236571312,   0.0196996983140707,
                                    0.014744745567440987,   0.009789788164198399,
                                    -0.0052652619779109955, 0.009979985654354095,
                                    0.015125131234526634};
    nb_graph *g = graph_of(NB_FLOAT32);
    nb_node *x = p_of(g, NB_SHAPE(300, 7)), *turned = nb_transpose(x, NB_SHAPE(1, 0));
    nb_node *a = nb_sum_axis(x, 0, false), *b = nb_sum_axis(turned, 1, false);
    nb_node *m = nb_mean_axis(turned, 1, true);
    assert_ok(nb_graph_finish(g, 1));
    for (size_t i = 0; i < 2100; i++)
        ((float *)nb_value(x)->data)[i] = (float)(((double)(i * 7919 % 1009) - 500) / 333);
    assert_ok(nb_forward(a));
    assert_ok(nb_forward(b));
    assert_ok(nb_forward(m));
    for (size_t j = 0; j < 7; j++) {
        assert_true(at(a, j) == rows[j]);
        assert_true(at(b, j) == columns[j]);
        assert_true(at(m, j) == means[j]);
    }
    nb_graph_destroy(g);
}

static void sums_along_all_axes_are_the_sum(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *x = p_of(g, NB_SHAPE(5, 3, 4, 2)), *all = nb_sum(x), *mean = nb_mean(x);
    nb_node *s = x, *m = x;
    static const int order[] = {1, -1, 0, 0};
    for (size_t i = 0; i < 4; i++) s = nb_sum_axis(s, order[i], false);
    for (size_t i = 0; i < 4; i++) m = nb_mean_axis(m, (int)i, true);
    run(all, 11);
    assert_ok(nb_forward(s));
    assert_int_equal(nb_value(s)->shape.ndim, 0);
    assert_near(nb_scalar(s), nb_scalar(all), 120 * 0x1p-52 * 120);
    assert_ok(nb_forward(mean));
    assert_ok(nb_forward(m));
    assert_true(nb_shape_equal(nb_value(m)->shape, NB_SHAPE(1, 1, 1, 1)));
    assert_near(at(m, 0), nb_scalar(mean), 120 * 0x1p-52);
    nb_graph_destroy(g);
}

/* Of equal largest elements the first has the gradient; a NaN is the largest; -Inf may be. */
static void the_first_of_the_largest_has_the_gradient(void **state)
{
    (void)state;
    for (int axis = 0; axis < 2; axis++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_node *x = p_of(g, NB_SHAPE(3, 3));
        nb_node *y = nb_max_axis(axis ? x : nb_transpose(x, NB_SHAPE(1, 0)), axis, false);
        nb_node *loss = nb_sum(nb_scale(y, 3));
        assert_ok(nb_graph_finish(g, 1));
        PUT(x, 2, 5, 5, /**/ 1, (double)NAN, (double)NAN, /**/ -(double)INFINITY, -(double)INFINITY,
            -(double)INFINITY);
        assert_ok(nb_forward(loss));
        assert_ok(nb_backward(loss));
        assert_true(at(y, 0) == 5 && isnan(at(y, 1)) && at(y, 2) == -(double)INFINITY);
        static const double want[9] = {0, 3, 0, 0, 3, 0, 3, 0, 0};
        for (size_t i = 0; i < 9; i++) assert_true(slope(x, i) == want[i]);
        nb_graph_destroy(g);
    }
}

/* --- shapes and parts ------------------------------------------------------------------------- */

static void transpose_moves_every_element_to_its_place(void **state)
{
    (void)state;
    static const size_t orders[][4] = {{3, 1, 0, 2}, {0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 1, 0}};
    static const size_t dim[4] = {2, 3, 4, 5};
    for (size_t o = 0; o < COUNT(orders); o++)
        for (nb_dtype dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++) {
            const size_t *order = orders[o];
            nb_shape axes = {4, {0}}, back = {4, {0}};
            for (size_t d = 0; d < 4; d++) axes.dim[d] = order[d], back.dim[order[d]] = d;
            nb_graph *g = graph_of(dtype);
            nb_node *x = p_of(g, NB_SHAPE(2, 3, 4, 5)), *y = nb_transpose(x, axes);
            nb_node *z = nb_transpose(y, back);
            run(z, 5);
            for (size_t i = 0; i < 120; i++) {
                const size_t digit[4] = {i / 60, i / 20 % 3, i / 5 % 4, i % 5};
                size_t to = 0;
                for (size_t d = 0; d < 4; d++) to = to * dim[order[d]] + digit[order[d]];
                assert_true(at(y, to) == at(x, i));
                assert_true(at(z, i) == at(x, i));
            }
            nb_graph_destroy(g);
        }
}

static void slices_of_what_was_concatenated_are_its_parts(void **state)
{
    (void)state;
    for (size_t axis = 0; axis < 3; axis++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        nb_shape first = NB_SHAPE(2, 3, 4), second = first;
        second.dim[axis] = 5;
        nb_node *a = filled(g, first), *b = filled(g, second);
        nb_node *c = nb_concatenate(a, b, (int)axis - 3);
        nb_node *x = nb_slice(c, (int)axis, 0, first.dim[axis]);
        nb_node *y = nb_slice(c, (int)axis, first.dim[axis], first.dim[axis] + 5);
        nb_node *middle = nb_slice(c, (int)axis, 1, first.dim[axis] + 1);
        run(c, 17);
        assert_ok(nb_forward(x));
        assert_ok(nb_forward(y));
        assert_ok(nb_forward(middle));
        assert_memory_equal(nb_value(x)->data, nb_value(a)->data, 24 * sizeof(double));
        assert_memory_equal(nb_value(y)->data, nb_value(b)->data,
                            nb_tensor_count(nb_value(b)) * sizeof(double));
        assert_true(nb_shape_equal(nb_value(middle)->shape, first));
        assert_true(at(middle, 23) == at(b, axis == 0 ? 11 : (axis == 1 ? 23 : 25)));
        nb_graph_destroy(g);
    }
}

static void reshape_keeps_the_order_and_the_batch(void **state)
{
    (void)state;
    nb_graph *g = graph_of(NB_FLOAT64);
    double x[24];
    support_fill_d(24, x, 3);
    nb_tensor given = nb_tensor_view(NB_FLOAT64, NB_SHAPE(2, 3, 4), x);
    nb_node *in = nb_input(g, "x", NB_SHAPE(NB_BATCH, 3, 4)), *p = p_of(g, NB_SHAPE(2, 3, 4));
    nb_node *flat = nb_flatten(in), *again = nb_reshape(flat, NB_SHAPE(2, 3, 2));
    nb_node *whole = nb_flatten(p), *line = nb_reshape(p, NB_SHAPE(24));
    assert_ptr_equal(nb_flatten(flat), flat);
    assert_ok(nb_graph_finish(g, 9));
    assert_ok(nb_feed(in, &given));
    assert_ok(nb_forward(again));
    assert_true(nb_shape_equal(nb_value(flat)->shape, NB_SHAPE(2, 12)));
    assert_true(nb_shape_equal(nb_value(again)->shape, NB_SHAPE(2, 2, 3, 2)));
    assert_true(nb_shape_equal(nb_value(whole)->shape, NB_SHAPE(2, 12)));
    assert_memory_equal(nb_value(again)->data, x, sizeof x);
    run(line, 3);
    assert_memory_equal(nb_value(line)->data, nb_value(p)->data, sizeof x);
    nb_graph_destroy(g);
}

/* --- products --------------------------------------------------------------------------------- */

static void products_of_stacks_are_products_of_their_matrices(void **state)
{
    (void)state;
    enum { n = 3, i = 4, k = 5, j = 2 };
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *a = p_of(g, NB_SHAPE(n, i, k)), *b = p_of(g, NB_SHAPE(k, j));
    nb_node *c = p_of(g, NB_SHAPE(n, k, j));
    nb_node *one = nb_matmul(a, b), *each = nb_matmul(a, c);
    run(one, 23);
    assert_ok(nb_forward(each));
    assert_true(nb_shape_equal(nb_value(one)->shape, NB_SHAPE(n, i, j)));
    for (size_t y = 0; y < n * i * j; y++) {
        double want = 0, other = 0;
        const size_t p = y / (i * j), row = y / j, column = y % j;
        for (size_t q = 0; q < k; q++) {
            want += at(a, row * k + q) * at(b, q * j + column);
            other += at(a, row * k + q) * at(c, (p * k + q) * j + column);
        }
        assert_near(at(one, y), want, k * 0x1p-52 * k);
        assert_near(at(each, y), other, k * 0x1p-52 * k);
    }
    nb_graph_destroy(g);
}

/* --- composed --------------------------------------------------------------------------------- */

enum { samples = 60, features = 3, outputs = 2 };

/* What a reader writes for regression with a variance of their own for each output, learnt as its
 * logarithm: the mean of log s^2 / 2 + (y - mu)^2 / (2 s^2), Gaussian but for a constant. */
static nb_node *gaussian_loss(nb_node *mu, nb_node *log_variance, nb_node *y)
{
    nb_node *square = nb_square(nb_subtract(y, mu));
    return nb_scale(nb_mean(nb_add(nb_divide(square, nb_exp(log_variance)), log_variance)), .5);
}

typedef struct regression {
    nb_graph *g;
    nb_node *mu, *log_variance, *loss;
    nb_tensor X, Y;
    double x[samples * features], y[samples * outputs];
} regression;

static void make_regression(regression *r, bool by_sample)
{
    r->g = graph_of(NB_FLOAT64);
    nb_node *x = x_of(r->g, features), *y = nb_input(r->g, "y", NB_SHAPE(NB_BATCH, outputs));
    r->mu = nb_affine(x, nb_parameter(r->g, "W", NB_SHAPE(features, outputs)),
                      nb_parameter(r->g, "b", NB_SHAPE(outputs)));
    r->log_variance = by_sample ? nb_matmul(x, nb_parameter(r->g, "V", NB_SHAPE(features, 1)))
                                : nb_parameter(r->g, "log_variance", NB_SHAPE(outputs));
    r->loss = gaussian_loss(r->mu, r->log_variance, y);
    assert_ok(nb_graph_finish(r->g, samples));
    support_fill_d(samples * features, r->x, 41);
    support_fill_d(samples * outputs, r->y, 42);
    fill_parameters(r->g, 43);
    r->X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(samples, features), r->x);
    r->Y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(samples, outputs), r->y);
    assert_ok(nb_feed(x, &r->X));
    assert_ok(nb_feed(y, &r->Y));
}

static void a_loss_of_ones_own_has_its_gradient(void **state)
{
    (void)state;
    nb_pool *pools[3];
    make_pools(pools);
    for (size_t way = 0; way < 2; way++) {
        regression r;
        double want = 0, gradients[64];
        make_regression(&r, way);
        assert_ok(nb_forward(r.loss));
        for (size_t i = 0; i < samples * outputs; i++) {
            const double v = at(r.log_variance, way ? i / outputs : i % outputs);
            const double d = r.y[i] - at(r.mu, i);
            want += (d * d / exp(v) + v) / 2 / (samples * outputs);
        }
        assert_near(nb_scalar(r.loss), want, 1e-14);
        assert_gradient(r.loss, 1e-9);
        assert_ok(nb_forward(r.loss));
        assert_ok(nb_backward(r.loss));
        copy_gradients(r.g, gradients, COUNT(gradients));
        for (size_t i = 0; i < 3; i++) {
            assert_ok(nb_graph_set_pool(r.g, pools[i]));
            assert_same_gradients(r.loss, gradients, 0);
        }
        assert_ok(nb_graph_set_pool(r.g, NULL));
        for (size_t step = 0; step < 300; step++) {
            assert_ok(nb_forward(r.loss));
            assert_ok(nb_descend(r.loss, .3));
        }
        assert_ok(nb_forward(r.loss));
        assert_true(nb_scalar(r.loss) < want - .1);
        if (way == 0) { /* where the variance is best, it is the mean square */
            for (size_t j = 0; j < outputs; j++) {
                double mean_square = 0;
                for (size_t i = j; i < samples * outputs; i += outputs)
                    mean_square += (r.y[i] - at(r.mu, i)) * (r.y[i] - at(r.mu, i)) / samples;
                assert_near(at(r.log_variance, j), log(mean_square), 1e-3);
            }
        }
        nb_graph_destroy(r.g);
    }
    destroy_pools(pools);
}

/* A row less the mean of all rows: what it says of a batch must not depend on who computes which
 * rows, or on a gradient that looks at rows one by one. */
static void a_statistic_of_the_batch_is_that_of_all_threads(void **state)
{
    (void)state;
    enum { n = 200, k = 4, m = 3 };
    double x[n * k], gradients[64];
    nb_pool *pools[3];
    nb_graph *g = graph_of(NB_FLOAT64);
    nb_node *in = x_of(g, k);
    nb_node *a = nb_affine(in, p_of(g, NB_SHAPE(k, m)), p_of(g, NB_SHAPE(m)));
    nb_node *centred = nb_subtract(a, nb_mean_axis(a, 0, true));
    nb_node *variance = nb_mean_axis(nb_square(centred), 0, false);
    nb_node *epsilon = p_of(g, NB_SCALAR), *std = nb_sqrt(nb_add(variance, epsilon));
    nb_node *loss = nb_sum(nb_sigmoid(nb_divide(centred, std)));
    assert_ok(nb_graph_finish(g, n));
    support_fill_d(n * k, x, 8);
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, k), x);
    fill_parameters(g, 9);
    PUT(epsilon, .3);
    assert_ok(nb_feed(in, &X));
    assert_ok(nb_forward(loss));
    const double serial = nb_scalar(loss);
    assert_gradient(loss, 1e-6);
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    copy_gradients(g, gradients, COUNT(gradients));
    make_pools(pools);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(nb_graph_set_pool(g, pools[i]));
        assert_same_gradients(loss, gradients, 0);
        assert_true(nb_scalar(loss) == serial);
    }
    nb_graph_destroy(g);
    destroy_pools(pools);
}

/* --- mistakes --------------------------------------------------------------------------------- */

typedef struct leaves {
    nb_node *batch, *deep; /* (batch, 3), (batch, 2, 6) */
    nb_node *m4, *m23, *scalar, *huge, *wide;
} leaves;

#define MISTAKE(name, expression)         \
    static nb_node *name(const leaves *l) \
    {                                     \
        return expression;                \
    }

MISTAKE(add_4, nb_add(l->batch, l->m4))
MISTAKE(subtract_rows, nb_subtract(l->m23, nb_transpose(l->m23, NB_SHAPE(1, 0))))
MISTAKE(batch_behind, nb_multiply(l->batch, l->deep))
MISTAKE(divide_rows, nb_divide(l->batch, l->m23))
MISTAKE(multiply_huge, nb_multiply(l->huge, nb_transpose(l->huge, NB_SHAPE(1, 0))))
MISTAKE(power_nan, nb_power(l->m4, (double)NAN))
MISTAKE(slope_infinite, nb_leaky_relu(l->m4, (double)INFINITY))
MISTAKE(sum_axis_2, nb_sum_axis(l->batch, 2, false))
MISTAKE(max_axis_3, nb_max_axis(l->batch, -3, true))
MISTAKE(mean_axis_scalar, nb_mean_axis(l->scalar, 0, false))
MISTAKE(reshape_7, nb_reshape(l->deep, NB_SHAPE(7)))
MISTAKE(reshape_batch, nb_reshape(l->deep, NB_SHAPE(NB_BATCH, 12)))
MISTAKE(reshape_whole, nb_reshape(l->m23, NB_SHAPE(3)))
MISTAKE(reshape_deep, nb_reshape(l->m23, (nb_shape){NB_MAX_DIMS + 1, {1}}))
MISTAKE(reshape_8, nb_reshape(l->deep, NB_SHAPE(2, 1, 1, 1, 1, 1, 1, 6)))
MISTAKE(reshape_huge, nb_reshape(l->m23, NB_SHAPE(SIZE_MAX / 2, 8)))
MISTAKE(transpose_batch, nb_transpose(l->deep, NB_SHAPE(1, 0, 2)))
MISTAKE(transpose_twice, nb_transpose(l->m23, NB_SHAPE(1, 1)))
MISTAKE(transpose_short, nb_transpose(l->deep, NB_SHAPE(0, 1)))
MISTAKE(transpose_deep, nb_transpose(l->deep, (nb_shape){SIZE_MAX, {0}}))
MISTAKE(slice_batch, nb_slice(l->batch, 0, 0, 2))
MISTAKE(slice_beyond, nb_slice(l->batch, 1, 1, 4))
MISTAKE(slice_empty, nb_slice(l->batch, -1, 2, 2))
MISTAKE(concatenate_batch, nb_concatenate(l->batch, l->batch, 0))
MISTAKE(concatenate_shapes, nb_concatenate(l->batch, l->deep, 1))
MISTAKE(concatenate_huge, nb_concatenate(l->wide, l->wide, 0))
MISTAKE(matmul_stack, nb_matmul(l->deep, l->m4))
MISTAKE(matmul_k, nb_matmul(l->deep, l->m23))
MISTAKE(matmul_stacks, nb_matmul(l->deep, nb_reshape(l->m4, NB_SHAPE(1, 2, 2))))

static const struct {
    nb_node *(*build)(const leaves *l);
    nb_status status;
    const char *text;
} mistakes[] = {
    {add_4, NB_ESHAPE, "add: (batch, 3) and (4,): dimension 1 is 3 and 4, expected equal or 1"},
    {subtract_rows, NB_ESHAPE, "subtract: (2, 3) and (3, 2): dimension 0 is 2 and 3, expected"},
    {batch_behind, NB_ESHAPE,
     "multiply: (batch, 3) and (batch, 2, 6): aligned at their ends, a "
     "batch is dimension 1, expected 0"},
    {divide_rows, NB_ESHAPE, "divide: (batch, 3) and (2, 3): dimension 0 is batch and 2"},
    {multiply_huge, NB_EOVERFLOW, "has more elements than a size holds"},
    {power_nan, NB_EINVAL, "power: nan, expected a finite number"},
    {slope_infinite, NB_EINVAL, "leaky_relu: inf, expected a finite number"},
    {sum_axis_2, NB_ESHAPE, "sum_axis: axis 2 of (batch, 3), expected -2 ... 1"},
    {max_axis_3, NB_ESHAPE, "max_axis: axis -3 of (batch, 3), expected -2 ... 1"},
    {mean_axis_scalar, NB_ESHAPE, "mean_axis: axis 0 of (), which has none"},
    {reshape_7, NB_ESHAPE,
     "reshape: (batch, 2, 6) as (7,), expected a shape of 12 elements for "
     "each row of the batch"},
    {reshape_batch, NB_ESHAPE, "reshape: (batch, 2, 6) as (batch, 12), expected"},
    {reshape_whole, NB_ESHAPE, "reshape: (2, 3) as (3,), expected a shape of 6 elements"},
    {reshape_deep, NB_ESHAPE, "reshape: (2, 3) as too many dimensions, expected"},
    {reshape_8, NB_ESHAPE, "reshape: (batch, 2, 6) as too many dimensions, expected"},
    {reshape_huge, NB_ESHAPE, "expected a shape of 6 elements"},
    {transpose_batch, NB_ESHAPE,
     "transpose: (batch, 2, 6) with axes (1, 0, 2): the batch has to "
     "stay first"},
    {transpose_twice, NB_ESHAPE, "transpose: (2, 3) with axes (1, 1), expected each of its 2 axes"},
    {transpose_short, NB_ESHAPE,
     "transpose: (batch, 2, 6) with axes (0, 1), expected each of its "
     "3 axes once"},
    {transpose_deep, NB_ESHAPE, "transpose: (batch, 2, 6) with axes too many axes"},
    {slice_batch, NB_ESHAPE, "slice: axis 0 of (batch, 3) is the batch, expected another"},
    {slice_beyond, NB_ESHAPE,
     "slice: from 1 to 4 along axis 1 of (batch, 3), expected 0 <= from < "
     "to <= 3"},
    {slice_empty, NB_ESHAPE, "slice: from 2 to 2 along axis -1 of (batch, 3)"},
    {concatenate_batch, NB_ESHAPE, "concatenate: axis 0 of (batch, 3) is the batch"},
    {concatenate_shapes, NB_ESHAPE,
     "concatenate: (batch, 3) and (batch, 2, 6), expected shapes "
     "that differ along axis 1 only"},
    {concatenate_huge, NB_EOVERFLOW, "concatenate: "},
    {matmul_stack, NB_ESHAPE,
     "matmul: (batch, 2, 6) times (4,), expected (n, k) times (k, m), (n, "
     "i, k) times (k, j) or (n, i, k) times (n, k, j)"},
    {matmul_k, NB_ESHAPE, "matmul: (batch, 2, 6) times (2, 3)"},
    {matmul_stacks, NB_ESHAPE, "matmul: (batch, 2, 6) times (1, 2, 2)"},
};

static void shapes_that_do_not_fit_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        const leaves l = {.batch = x_of(g, 3),
                          .deep = nb_input(g, "deep", NB_SHAPE(NB_BATCH, 2, 6)),
                          .m4 = p_of(g, NB_SHAPE(4)),
                          .m23 = p_of(g, NB_SHAPE(2, 3)),
                          .scalar = p_of(g, NB_SCALAR),
                          .huge = p_of(g, NB_SHAPE(SIZE_MAX / 2, 1)),
                          .wide = p_of(g, NB_SHAPE(SIZE_MAX / 2 + 1))};
        assert_non_null(l.wide);
        assert_null(mistakes[i].build(&l));
        assert_fails(mistakes[i].status, mistakes[i].text, nb_graph_finish(g, 1));
        nb_graph_destroy(g);
    }
}

static void null_gives_null(void **state)
{
    (void)state;
    static nb_node *(*const unary[])(nb_node *) = {
        nb_tanh, nb_gelu, nb_softplus, nb_exp, nb_log, nb_square, nb_sqrt, nb_abs, nb_flatten};
    for (size_t i = 0; i < COUNT(unary); i++) assert_null(unary[i](NULL));
    for (size_t i = 0; i < COUNT(binaries); i++) {
        nb_graph *g = graph_of(NB_FLOAT64);
        assert_null(binaries[i](NULL, NULL));
        assert_null(binaries[i](p_of(g, NB_SHAPE(2)), NULL));
        assert_fails(NB_EINVAL, "input 1 is NULL", nb_graph_finish(g, 1));
        nb_graph_destroy(g);
    }
    assert_null(nb_leaky_relu(NULL, 1));
    assert_null(nb_elu(NULL, 1));
    assert_null(nb_power(NULL, 1));
    assert_null(nb_scale(NULL, 1));
    assert_null(nb_matmul(NULL, NULL));
    assert_null(nb_sum_axis(NULL, 0, false));
    assert_null(nb_mean_axis(NULL, 0, false));
    assert_null(nb_max_axis(NULL, 0, false));
    assert_null(nb_reshape(NULL, NB_SCALAR));
    assert_null(nb_transpose(NULL, NB_SCALAR));
    assert_null(nb_slice(NULL, 0, 0, 1));
    assert_null(nb_concatenate(NULL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_have_numpys_values),
        cmocka_unit_test(outside_of_its_domain_a_function_is_ieees),
        cmocka_unit_test(broadcasting_is_arithmetic_on_copies),
        cmocka_unit_test(the_gradient_of_a_row_added_is_that_of_a_bias),
        cmocka_unit_test(along_an_axis_the_bits_are_numpys),
        cmocka_unit_test(long_float32_sums_are_numpys_in_both_orders),
        cmocka_unit_test(sums_along_all_axes_are_the_sum),
        cmocka_unit_test(the_first_of_the_largest_has_the_gradient),
        cmocka_unit_test(transpose_moves_every_element_to_its_place),
        cmocka_unit_test(slices_of_what_was_concatenated_are_its_parts),
        cmocka_unit_test(reshape_keeps_the_order_and_the_batch),
        cmocka_unit_test(products_of_stacks_are_products_of_their_matrices),
        cmocka_unit_test(a_loss_of_ones_own_has_its_gradient),
        cmocka_unit_test(a_statistic_of_the_batch_is_that_of_all_threads),
        cmocka_unit_test(shapes_that_do_not_fit_are_named),
        cmocka_unit_test(null_gives_null),
    };
    return cmocka_run_group_tests_name("function", tests, NULL, NULL);
}
