/* xupdate.h - the tests of update.h; see xsupport.h. */
#include "xsupport.h"

#include "nablas/activation.h"
#include "nablas/elementwise.h"
#include "nablas/kernels.h"

/* Numbers that matter to some step each, none of them 0 or 1. */
static const nb_update T(numbers) = {.lr = 0.385,
                                     .scale = 0.7,
                                     .l2 = 0.03,
                                     .keep = 0.99,
                                     .momentum = 0.9,
                                     .decay = 0.99,
                                     .beta1 = 0.9,
                                     .beta2 = 0.999,
                                     .epsilon = 1e-7};

/* The definition of each step for one element, in long double; state a, b. */
typedef struct T(place) {
    long double a, b, w;
} T(place);
typedef T(place) T(definition)(const nb_update *u, long double g, T(place) p);

static T(place) T(momentum_of)(const nb_update *u, long double g, T(place) p)
{
    p.a = u->momentum * p.a - u->lr * g;
    p.w = u->keep * p.w + p.a;
    return p;
}

static T(place) T(nesterov_of)(const nb_update *u, long double g, T(place) p)
{
    p.w = u->keep * p.w + u->momentum * u->momentum * p.a - (1 + u->momentum) * u->lr * g;
    p.a = u->momentum * p.a - u->lr * g;
    return p;
}

static T(place) T(adagrad_of)(const nb_update *u, long double g, T(place) p)
{
    p.a += g * g;
    p.w = u->keep * p.w - u->lr * g / (sqrtl(p.a) + u->epsilon);
    return p;
}

static T(place) T(rmsprop_of)(const nb_update *u, long double g, T(place) p)
{
    p.a = u->decay * p.a + (1 - u->decay) * g * g;
    p.w = u->keep * p.w - u->lr * g / (sqrtl(p.a) + u->epsilon);
    return p;
}

static T(place) T(adam_of)(const nb_update *u, long double g, T(place) p)
{
    p.a += (1 - u->beta1) * (g - p.a);
    p.b += (1 - u->beta2) * (g * g - p.b);
    p.w = u->keep * p.w - u->lr * p.a / (sqrtl(p.b) + u->epsilon);
    return p;
}

/* The kernels with one signature. */
typedef void T(step)(size_t n, const nb_update *u, const real *g, real *a, real *b, real *w);

static void T(run_momentum)(size_t n, const nb_update *u, const real *g, real *a, real *b, real *w)
{
    (void)b;
    NB(momentum)(n, u, g, a, w);
}

static void T(run_nesterov)(size_t n, const nb_update *u, const real *g, real *a, real *b, real *w)
{
    (void)b;
    NB(nesterov)(n, u, g, a, w);
}

static void T(run_adagrad)(size_t n, const nb_update *u, const real *g, real *a, real *b, real *w)
{
    (void)b;
    NB(adagrad)(n, u, g, a, w);
}

static void T(run_rmsprop)(size_t n, const nb_update *u, const real *g, real *a, real *b, real *w)
{
    (void)b;
    NB(rmsprop)(n, u, g, a, w);
}

static const struct {
    const char *name;
    T(step) * step;
    T(definition) * definition;
} T(kinds)[] = {
    {"momentum", T(run_momentum), T(momentum_of)},
    {"nesterov", T(run_nesterov), T(nesterov_of)},
    {"adagrad", T(run_adagrad), T(adagrad_of)},
    {"rmsprop", T(run_rmsprop), T(rmsprop_of)},
    {"adam", NB(adam), T(adam_of)},
};
#define KINDS 5

/* Squares are remembered, so they are not negative; nothing is small beside epsilon. */
static void T(fill_state)(size_t n, real *g, real *a, real *b, real *w)
{
    T(fill)(n, g, 1);
    T(fill)(n, a, 2);
    T(fill)(n, b, 3);
    T(fill)(n, w, 4);
    for (size_t i = 0; i < n; i++) {
        a[i] = MATH(fabs)(a[i]) + (real)0.1;
        b[i] = MATH(fabs)(b[i]) + (real)0.1;
    }
}

/* With and without decay, to a few roundings of numbers that are all below 4; nothing is written
 * behind n. */
static void T(steps_are_their_definitions)(void **state)
{
    (void)state;
    enum { most = 70 };
    real g[most], a[most + 1], b[most + 1], w[most + 1];
    for (size_t k = 0; k < KINDS; k++)
        for (size_t way = 0; way < 2; way++) {
            nb_update u = T(numbers);
            if (way) u.l2 = 0;
            T(fill_state)(most, g, a, b, w);
            real old_a[most], old_b[most], old_w[most];
            memcpy(old_a, a, sizeof old_a);
            memcpy(old_b, b, sizeof old_b);
            memcpy(old_w, w, sizeof old_w);
            a[most] = b[most] = w[most] = (real)NAN;
            T(kinds)[k].step(most, &u, g, a, b, w);
            for (size_t i = 0; i < most; i++) {
                const T(place) old = {old_a[i], old_b[i], old_w[i]};
                const T(place) want = T(kinds)[k].definition(
                    &u, u.scale * (double)g[i] + u.l2 * (double)old_w[i], old);
                T(assert_within)(a[i], want.a, 16 * REAL(EPSILON), T(kinds)[k].name, i);
                T(assert_within)(b[i], want.b, 16 * REAL(EPSILON), T(kinds)[k].name, i);
                T(assert_within)(w[i], want.w, 16 * REAL(EPSILON), T(kinds)[k].name, i);
            }
            assert_true(isnan(a[most]) && isnan(b[most]) && isnan(w[most]));
        }
}

/* Any split gives the same bits. */
static void T(steps_can_be_shared_out)(void **state)
{
    (void)state;
    enum { n = 70 };
    real g[n], whole[3][n], split[3][n];
    for (size_t k = 0; k < KINDS; k++)
        for (size_t cut = 0; cut <= n; cut++) {
            T(fill_state)(n, g, whole[0], whole[1], whole[2]);
            memcpy(split, whole, sizeof split);
            T(kinds)[k].step(n, &T(numbers), g, whole[0], whole[1], whole[2]);
            T(kinds)[k].step(cut, &T(numbers), g, split[0], split[1], split[2]);
            T(kinds)
            [k].step(n - cut, &T(numbers), g + cut, split[0] + cut, split[1] + cut, split[2] + cut);
            for (size_t v = 0; v < 3; v++)
                assert_int_equal(T(first_difference)(n, split[v], whole[v]), n);
        }
}

/* A weight that is infinite stays so without decay: 0 times infinity is not asked for. */
static void T(no_decay_leaves_the_weight_alone)(void **state)
{
    (void)state;
    const nb_update u = {.lr = 0.1, .scale = 1, .keep = 1, .momentum = 0.9};
    real g = 0, v = 0, w = (real)INFINITY;
    NB(momentum)(1, &u, &g, &v, &w);
    assert_true(v == 0 && w == (real)INFINITY);
    g = (real)NAN;
    NB(momentum)(1, &u, &g, &v, &w);
    assert_true(isnan(v) && isnan(w));
}

/* Element i in sum i mod 8, in double: the same bits on every instruction set. */
static void T(squares_are_summed_in_eight)(void **state)
{
    (void)state;
    enum { most = 1000 };
    static const char *const isa[] = {"base", "avx2", "avx512"};
    real x[most];
    T(fill)(most, x, 9);
    for (size_t n = 0; n <= most; n += n < 70 ? 1 : 93) {
        double r[8] = {0};
        for (size_t i = 0; i < n; i++) r[i % 8] += (double)x[i] * (double)x[i];
        const double want = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        assert_true(NB(sum_squares)(n, x) == want);
        for (size_t i = 0; i < 3; i++)
            if (NB(vector_named)(isa[i]))
                assert_true(NB(vector_named)(isa[i])->sum_squares(n, x) == want);
    }
    x[3] = (real)INFINITY;
    assert_true(isinf(NB(sum_squares)(most, x)));
    x[3] = (real)NAN;
    assert_true(isnan(NB(sum_squares)(most, x)));
}

/* kernels.h: each entry is the kernel of its name. `which` numbers them; false behind the last. */
static bool T(run_both)(size_t which, const real *x, const real *y, real *got, real *want)
{
    enum { n = 9 };
    const nb_kernels *k = nb_kernels_of(sizeof(real) == 4 ? NB_FLOAT32 : NB_FLOAT64);
    const nb_update *u = &T(numbers);
    switch (which) {
    case 0:
        k->tanh(n, x, got);
        NB(tanh)(n, x, want);
        return true;
    case 1:
        k->gelu(n, x, got);
        NB(gelu)(n, x, want);
        return true;
    case 2:
        k->softplus(n, x, got);
        NB(softplus)(n, x, want);
        return true;
    case 3:
        k->log(n, x, got);
        NB(log)(n, x, want);
        return true;
    case 4:
        k->exp(n, x, got);
        NB(exp)(n, x, want);
        return true;
    case 5:
        k->square(n, x, got);
        NB(square)(n, x, want);
        return true;
    case 6:
        k->sqrt(n, x, got);
        NB(sqrt)(n, x, want);
        return true;
    case 7:
        k->abs(n, x, got);
        NB(abs)(n, x, want);
        return true;
    case 8:
        k->leaky_relu(n, 1.5, x, got);
        NB(leaky_relu)(n, (real)1.5, x, want);
        return true;
    case 9:
        k->elu(n, 1.5, x, got);
        NB(elu)(n, (real)1.5, x, want);
        return true;
    case 10:
        k->power(n, 1.5, x, got);
        NB(power)(n, (real)1.5, x, want);
        return true;
    case 11:
        k->tanh_backward(n, x, y, 0.5, got);
        NB(tanh_backward)(n, x, y, (real)0.5, want);
        return true;
    case 12:
        k->gelu_backward(n, x, y, 0.5, got);
        NB(gelu_backward)(n, x, y, (real)0.5, want);
        return true;
    case 13:
        k->softplus_backward(n, x, y, 0.5, got);
        NB(softplus_backward)(n, x, y, (real)0.5, want);
        return true;
    case 14:
        k->square_backward(n, x, y, 0.5, got);
        NB(square_backward)(n, x, y, (real)0.5, want);
        return true;
    case 15:
        k->sqrt_backward(n, x, y, 0.5, got);
        NB(sqrt_backward)(n, x, y, (real)0.5, want);
        return true;
    case 16:
        k->abs_backward(n, x, y, 0.5, got);
        NB(abs_backward)(n, x, y, (real)0.5, want);
        return true;
    case 17:
        k->leaky_relu_backward(n, 1.5, x, y, 0.5, got);
        NB(leaky_relu_backward)(n, (real)1.5, x, y, (real)0.5, want);
        return true;
    case 18:
        k->elu_backward(n, 1.5, x, y, 0.5, got);
        NB(elu_backward)(n, (real)1.5, x, y, (real)0.5, want);
        return true;
    case 19:
        k->power_backward(n, 1.5, x, y, 0.5, got);
        NB(power_backward)(n, (real)1.5, x, y, (real)0.5, want);
        return true;
    case 20:
        k->subtract(n, x, y, got);
        NB(subtract)(n, x, y, want);
        return true;
    case 21:
        k->divide(n, x, y, 0.5, got);
        NB(divide)(n, x, y, (real)0.5, want);
        return true;
    case 22:
        k->momentum(n, u, x, got, got + n);
        NB(momentum)(n, u, x, want, want + n);
        return true;
    case 23:
        k->nesterov(n, u, x, got, got + n);
        NB(nesterov)(n, u, x, want, want + n);
        return true;
    case 24:
        k->adagrad(n, u, x, got, got + n);
        NB(adagrad)(n, u, x, want, want + n);
        return true;
    case 25:
        k->rmsprop(n, u, x, got, got + n);
        NB(rmsprop)(n, u, x, want, want + n);
        return true;
    case 26:
        k->adam(n, u, x, got, got + n, got + 2 * n);
        NB(adam)(n, u, x, want, want + n, want + 2 * n);
        return true;
    default:
        assert_true(k->sum_squares(n, x) == NB(sum_squares)(n, x));
        return false;
    }
}

static void T(the_table_has_the_kernels_of_its_names)(void **state)
{
    (void)state;
    enum { n = 9 };
    real x[n], y[n], got[3 * n], want[3 * n], old[3 * n];
    T(fill)(n, x, 5);
    T(fill)(n, y, 6);
    T(fill)(3 * n, old, 7);
    for (size_t i = 0; i < n; i++) x[i] = i % 3 ? x[i] : MATH(fabs)(x[i]);
    for (size_t which = 0;; which++) {
        memcpy(got, old, sizeof old);
        memcpy(want, old, sizeof old);
        if (!T(run_both)(which, x, y, got, want)) break;
        assert_int_equal(T(first_difference)(3 * n, got, want), 3 * n);
        assert_true(memcmp(got, old, sizeof old) != 0);
    }
}
