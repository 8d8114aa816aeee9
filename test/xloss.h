/* xloss.h - the tests of loss.h; see xsupport.h. */
#include "xsupport.h"

/* --- the book's digits --------------------------------------------------------------------------
 */

/* Textbook 4.2: in double the digits that Python prints, in single their nearest neighbours. */
static void T(losses_have_the_books_digits)(void **state)
{
    (void)state;
    static const double book[2][2] = {{0.09750000000000003, 0.5975},
                                      {0.510825457099338, 2.302584092994546}};
    const real y[2][10] = {
        {(real).1, (real).05, (real).6, 0, (real).05, (real).1, 0, (real).1, 0, 0},
        {(real).1, (real).05, (real).1, 0, (real).05, (real).1, 0, (real).6, 0, 0}};
    const real t[10] = {0, 0, 1};
    const int32_t label = 2;
    const real epsilon = (real)NB_BOOK_EPSILON;
    for (size_t i = 0; i < 2; i++) {
        real loss[3];
        assert_ok(NB(mean_squared_error)(1, 10, y[i], 10, t, 10, NULL, &loss[0]));
        assert_ok(NB(cross_entropy_error)(1, 10, y[i], 10, t, 10, epsilon, NULL, &loss[1]));
        assert_ok(NB(cross_entropy_error_labels)(1, 10, y[i], 10, &label, epsilon, NULL, &loss[2]));
        assert_true(T(same)(loss[1], loss[2]));
        for (size_t k = 0; k < 2; k++) {
            if (sizeof(real) == 8) assert_true((double)loss[k] == book[k][i]);
            assert_near((double)loss[k], book[k][i], 3 * (double)REAL(EPSILON));
        }
    }
}

/* Textbook 4.4.2, simpleNet's logits and loss, which its page prints with the 1e-7. */
static void T(simple_net_has_the_books_loss)(void **state)
{
    (void)state;
    const double few = 4 * (double)REAL(EPSILON);
    const real a[] = {(real)1.05414809, (real)0.63071653, (real)1.1328074};
    const int32_t label = 2;
    real y[3], book, exact, logit;
    assert_ok(NB(softmax)(1, 3, a, 3, y, 3));
    assert_ok(NB(cross_entropy_error_labels)(1, 3, y, 3, &label, (real)1e-7, NULL, &book));
    assert_ok(NB(cross_entropy_error_labels)(1, 3, y, 3, &label, NB_EXACT_LOG, NULL, &exact));
    assert_ok(NB(logit_cross_entropy_labels)(1, 3, a, 3, &label, NULL, &logit));
    assert_near((double)book, .9280682857864075, 1e-8 + few);
    assert_near((double)exact, .92806853663411326, 1e-8 + few);
    assert_near((double)logit, (double)exact, few);
    if (sizeof(real) == 8) assert_near((double)(exact - book), 1e-7 / (double)y[2], 1e-13);
}

/* --- against the definitions, in long double ----------------------------------------------------
 */

/* A batch with padded rows: probabilities and their logits, soft targets, labels. */
typedef struct T(batch) {
    size_t n, m, lda, ldy, ldt;
    real *A, *Y, *T;
    int32_t labels[300];
} T(batch);

static T(batch) T(make_batch)(size_t n, size_t m, size_t pad)
{
    T(batch) b = {.n = n, .m = m};
    b.lda = T(stride)(m, pad);
    b.ldy = T(stride)(m, 2 * pad);
    b.ldt = T(stride)(m, 3 * pad);
    b.A = T(matrix)(n, m, b.lda, 1000);
    b.Y = T(matrix)(n, 0, b.ldy, 0);
    b.T = T(matrix)(n, m, b.ldt, 3000);
    assert_true(n <= 300);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) b.A[i * b.lda + j] *= 5;
        for (size_t j = 0; j < m; j++) b.T[i * b.ldt + j] = MATH(fabs)(b.T[i * b.ldt + j]);
        b.labels[i] = m ? (int32_t)((i * 7 + 3) % m) : 0;
    }
    assert_ok(NB(softmax)(n, m, b.A, b.lda, b.Y, b.ldy));
    return b;
}

static void T(free_batch)(T(batch) * b)
{
    free(b->A);
    free(b->Y);
    free(b->T);
}

/* Turn the targets into the one-hot rows of the labels. */
static void T(make_one_hot)(T(batch) * b)
{
    for (size_t i = 0; i < b->n; i++)
        for (size_t j = 0; j < b->m; j++) b->T[i * b->ldt + j] = (int32_t)j == b->labels[i] ? 1 : 0;
}

/* The loss of row i by its definition, and in *size the sum of its terms' sizes. */
typedef long double T(definition)(const T(batch) * b, size_t i, long double *size);

static long double T(squared)(const T(batch) * b, size_t i, long double *size)
{
    long double sum = 0;
    for (size_t j = 0; j < b->m; j++) {
        const long double d = (long double)b->Y[i * b->ldy + j] - b->T[i * b->ldt + j];
        sum += d * d / 2;
    }
    *size = sum;
    return sum;
}

static long double T(entropy)(const T(batch) * b, size_t i, long double *size)
{
    long double sum = 0;
    *size = 0;
    for (size_t j = 0; j < b->m; j++) {
        const long double y = (long double)b->Y[i * b->ldy + j] + (real)1e-7;
        sum -= b->T[i * b->ldt + j] * logl(y);
        /* y + 1e-7 is rounded: log y moves by that relative error, so by eps where log y is 0. */
        *size += b->T[i * b->ldt + j] * (fabsl(logl(y)) + 1);
    }
    return sum;
}

static long double T(logit_entropy)(const T(batch) * b, size_t i, long double *size)
{
    long double sum = 0, exps = 0, max = -INFINITY;
    *size = 0;
    for (size_t j = 0; j < b->m; j++) max = fmaxl(max, b->A[i * b->lda + j]);
    for (size_t j = 0; j < b->m; j++) exps += expl(b->A[i * b->lda + j] - max);
    for (size_t j = 0; j < b->m; j++) {
        const long double gap = max - b->A[i * b->lda + j];
        sum += b->T[i * b->ldt + j] * (logl(exps) + gap);
        *size += b->T[i * b->ldt + j] * (logl(exps) + gap + 1);
    }
    return sum;
}

/* Each row, and the batch, within (m + n + 8) eps of the sum of their terms' sizes. */
static void T(check_rows)(const T(batch) * b, T(definition) * definition, const real *each,
                          real loss, bool mean)
{
    long double total = 0, total_size = 0, size;
    for (size_t i = 0; i < b->n; i++) {
        const long double want = definition(b, i, &size);
        const long double bound = (long double)(b->m + 8) * REAL(EPSILON) * size;
        T(assert_within)(each[i], want, bound, "each", i);
        total += want;
        total_size += size;
    }
    const long double count = mean && b->n ? (long double)b->n : 1;
    const long double bound = (long double)(b->m + b->n + 8) * REAL(EPSILON) * total_size;
    T(assert_within)(loss, total / count, bound / count, "loss", b->n);
}

static void T(check_losses)(size_t n, size_t m, size_t pad)
{
    T(batch) b = T(make_batch)(n, m, pad);
    const real e = (real)1e-7;
    real each[300], loss, again;
    assert_ok(NB(mean_squared_error)(n, m, b.Y, b.ldy, b.T, b.ldt, each, &loss));
    T(check_rows)(&b, T(squared), each, loss, false);
    assert_ok(NB(mean_squared_error)(n, m, b.Y, b.ldy, b.T, b.ldt, NULL, &again));
    assert_true(T(same)(again, loss));
    assert_ok(NB(cross_entropy_error)(n, m, b.Y, b.ldy, b.T, b.ldt, e, each, &loss));
    T(check_rows)(&b, T(entropy), each, loss, true);
    assert_ok(NB(logit_cross_entropy)(n, m, b.A, b.lda, b.T, b.ldt, each, &loss));
    T(check_rows)(&b, T(logit_entropy), each, loss, true);
    T(free_batch)(&b);
}

static void T(losses_are_their_definitions)(void **state)
{
    (void)state;
    static const size_t rows[] = {0, 1, 2, 3, 100, 127, 128, 129, 300};
    static const size_t columns[] = {0, 1, 2, 10, 129, 140};
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t pad = 0; pad < 3; pad += 2) T(check_losses)(rows[i], columns[j], pad);
}

/* Row and batch sums run in NumPy's order: the bits of nb_sum over the terms. */
static void T(sums_run_in_numpys_order)(void **state)
{
    (void)state;
    enum { n = 100, m = 140 };
    T(batch) b = T(make_batch)(n, m, 0);
    real each[n], loss, terms[m];
    assert_ok(NB(mean_squared_error)(n, m, b.Y, m, b.T, m, each, &loss));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            const real d = b.Y[i * m + j] - b.T[i * m + j];
            terms[j] = d * d;
        }
        assert_true(T(same)(each[i], (real)0.5 * NB(sum)(m, terms)));
    }
    assert_true(T(same)(loss, NB(sum)(n, each)));
    assert_ok(NB(cross_entropy_error)(n, m, b.Y, m, b.T, m, (real)1e-7, each, &loss));
    assert_true(T(same)(loss, NB(sum)(n, each) / n));
    T(free_batch)(&b);
}

static void T(one_hot_rows_and_labels_agree)(void **state)
{
    (void)state;
    static const real epsilons[] = {(real)NB_BOOK_EPSILON, (real)NB_EXACT_LOG};
    T(batch) b = T(make_batch)(300, 10, 1);
    real one[300], two[300], loss1, loss2;
    T(make_one_hot)(&b);
    for (size_t k = 0; k < 2; k++) {
        const real e = epsilons[k];
        assert_ok(NB(cross_entropy_error)(300, 10, b.Y, b.ldy, b.T, b.ldt, e, one, &loss1));
        assert_ok(NB(cross_entropy_error_labels)(300, 10, b.Y, b.ldy, b.labels, e, two, &loss2));
        assert_int_equal(T(first_difference)(300, one, two), 300);
        assert_true(T(same)(loss1, loss2));
    }
    assert_ok(NB(logit_cross_entropy)(300, 10, b.A, b.lda, b.T, b.ldt, one, &loss1));
    assert_ok(NB(logit_cross_entropy_labels)(300, 10, b.A, b.lda, b.labels, two, &loss2));
    assert_int_equal(T(first_difference)(300, one, two), 300);
    assert_true(T(same)(loss1, loss2));
    T(free_batch)(&b);
}

/* The loss is log(1 + sum e^-margin) however near to 1 the probability is, where log y moves in steps
 * of epsilon: with labels, with one-hot rows, and for 2 to 300 classes of which one leads. */
static void T(a_sure_answer_has_an_exact_loss)(void **state)
{
    (void)state;
    for (size_t m = 2; m <= 300; m = 3 * m - 2)
        for (int margin = 0; margin <= 60; margin += 5) {
            real a[300], t[300] = {0}, by_label, by_row;
            long double rest = 0;
            const int32_t label = (int32_t)(m / 2);
            T(fill)(m, a, m);
            a[label] = (real)(1.5 + margin);
            t[label] = 1;
            for (size_t j = 0; j < m; j++)
                if (j != (size_t)label) rest += expl((long double)a[j] - a[label]);
            assert_ok(NB(logit_cross_entropy_labels)(1, m, a, m, &label, NULL, &by_label));
            assert_ok(NB(logit_cross_entropy)(1, m, a, m, t, m, NULL, &by_row));
            /* a_j - a_k is rounded to eps/2 of up to 64, exp, log1p and sums to some eps. */
            const long double want = log1pl(rest), bound = (32 + 40) * REAL(EPSILON) * want;
            T(assert_within)(by_label, want, bound, "margin", (size_t)margin);
            assert_true(T(same)(by_label, by_row));
        }
}

/* Also over more samples and columns than NumPy adds in one block. */
static void T(long_sums_run_in_numpys_order)(void **state)
{
    (void)state;
    enum { n = 20000 };
    real *Y = malloc(2 * n * sizeof *Y), *each = Y + n, loss;
    int32_t *labels = calloc(n, sizeof *labels);
    assert_non_null(Y);
    assert_non_null(labels);
    for (size_t i = 0; i < n; i++) Y[i] = (real)(2.385 / (double)(i * 7919 % 1009 + 3));
    assert_ok(NB(cross_entropy_error_labels)(n, 1, Y, 1, labels, 0, each, &loss));
    assert_true(T(same)(loss, NB(sum)(n, each) / n));
    real *T0 = calloc(n, sizeof *T0);
    assert_non_null(T0);
    assert_ok(NB(mean_squared_error)(1, n, Y, n, T0, n, NULL, &loss));
    for (size_t i = 0; i < n; i++) each[i] = Y[i] * Y[i];
    assert_true(T(same)(loss, (real)0.5 * NB(sum)(n, each)));
    free(T0);
    free(labels);
    free(Y);
}

/* --- edges --------------------------------------------------------------------------------------
 */

static void T(a_certain_mistake_costs_what_epsilon_says)(void **state)
{
    (void)state;
    const real y[] = {0, 1}, t[] = {1, 0};
    const int32_t label = 0;
    real loss;
    assert_ok(NB(cross_entropy_error)(1, 2, y, 2, t, 2, (real)1e-7, NULL, &loss));
    assert_near((double)loss, 16.11809565095832, 16 * (double)REAL(EPSILON));
    assert_ok(NB(cross_entropy_error_labels)(1, 2, y, 2, &label, NB_EXACT_LOG, NULL, &loss));
    assert_true(loss == (real)INFINITY);
    /* A zero where the target is zero costs nothing, also with the exact logarithm. */
    const real right[] = {0, 1};
    assert_ok(NB(cross_entropy_error)(1, 2, y, 2, right, 2, NB_EXACT_LOG, NULL, &loss));
    assert_true(loss == 0);
}

static void T(large_logits_give_finite_losses)(void **state)
{
    (void)state;
    const real a[] = {(real)1e4, (real)-1e4, (real)2.385};
    const real t[] = {0, 1, 0}, infinite[] = {0, (real)2.5, (real)-INFINITY}, none[] = {0, 1, 0};
    static const double want[] = {0, 2e4, 9997.615};
    real loss;
    for (int32_t label = 0; label < 3; label++) {
        assert_ok(NB(logit_cross_entropy_labels)(1, 3, a, 3, &label, NULL, &loss));
        assert_near((double)loss, want[label], 1e4 * (double)REAL(EPSILON));
    }
    assert_ok(NB(logit_cross_entropy)(1, 3, a, 3, t, 3, NULL, &loss));
    assert_true(loss == 20000);
    /* A class ruled out by -Inf costs nothing unless it is the target. */
    assert_ok(NB(logit_cross_entropy)(1, 3, infinite, 3, none, 3, NULL, &loss));
    assert_near((double)loss, log1p(exp(-2.5)), 4 * (double)REAL(EPSILON));
    const int32_t ruled_out = 2;
    assert_ok(NB(logit_cross_entropy_labels)(1, 3, infinite, 3, &ruled_out, NULL, &loss));
    assert_true(loss == (real)INFINITY);
}

static void T(nan_reaches_the_loss)(void **state)
{
    (void)state;
    const real t[] = {0, 1, 0};
    for (size_t k = 0; k < 3; k++) {
        real y[] = {(real).2, (real).5, (real).3}, loss[4];
        const int32_t label = (int32_t)k;
        y[k] = (real)NAN;
        assert_ok(NB(mean_squared_error)(1, 3, y, 3, t, 3, NULL, &loss[0]));
        assert_ok(NB(cross_entropy_error)(1, 3, y, 3, t, 3, (real)1e-7, NULL, &loss[1]));
        assert_ok(NB(cross_entropy_error_labels)(1, 3, y, 3, &label, 0, NULL, &loss[2]));
        assert_ok(NB(logit_cross_entropy)(1, 3, y, 3, t, 3, NULL, &loss[3]));
        for (size_t i = 0; i < 4; i++) assert_true(isnan(loss[i]));
        assert_ok(NB(logit_cross_entropy_labels)(1, 3, y, 3, &(int32_t){0}, NULL, &loss[0]));
        assert_true(isnan(loss[0]));
    }
}

static void T(no_samples_cost_nothing)(void **state)
{
    (void)state;
    const real y = 1;
    real loss[5] = {-1, -1, -1, -1, -1};
    assert_ok(NB(mean_squared_error)(0, 3, &y, 3, &y, 3, NULL, &loss[0]));
    assert_ok(NB(cross_entropy_error)(0, 3, &y, 3, &y, 3, 0, NULL, &loss[1]));
    assert_ok(NB(cross_entropy_error_labels)(0, 3, &y, 3, NULL, 0, NULL, &loss[2]));
    assert_ok(NB(logit_cross_entropy)(0, 3, &y, 3, &y, 3, NULL, &loss[3]));
    assert_ok(NB(logit_cross_entropy_labels)(0, 3, &y, 3, NULL, NULL, &loss[4]));
    for (size_t i = 0; i < 5; i++) assert_true(loss[i] == 0);
    assert_ok(NB(mean_squared_error)(1, 1, &y, 1, &y, 1, NULL, NULL));
    assert_ok(NB(cross_entropy_error)(1, 1, &y, 1, &y, 1, 0, NULL, NULL));
}

static void T(errors_name_the_place)(void **state)
{
    (void)state;
    const real Y[12] = {0};
    const int32_t high[] = {2, 0, 3, 1}, low[] = {2, 0, -1, 1}, none[] = {0};
    real each[4] = {-1, -1, -1, -1}, loss = -1, dA[12];
    assert_fails(NB_EINVAL, "mean_squared_error: ldy=2 < m=3",
                 NB(mean_squared_error)(4, 3, Y, 2, Y, 3, each, &loss));
    assert_fails(NB_EINVAL, "mean_squared_error: ldt=2 < m=3",
                 NB(mean_squared_error)(4, 3, Y, 3, Y, 2, each, &loss));
    assert_fails(NB_EINVAL, "cross_entropy_error: ldt=2 < m=3",
                 NB(cross_entropy_error)(4, 3, Y, 3, Y, 2, 0, each, &loss));
    assert_fails(NB_EINVAL, "logit_cross_entropy: ldy=0 < m=1",
                 NB(logit_cross_entropy)(4, 0, Y, 0, Y, 1, each, &loss));
    assert_true(each[0] == -1);
    assert_fails(NB_ERANGE, "cross_entropy_error_labels: t[2]=3 is no label of m=3 classes",
                 NB(cross_entropy_error_labels)(4, 3, Y, 3, high, 1, each, &loss));
    assert_fails(NB_ERANGE, "logit_cross_entropy_labels: t[2]=-1 is no label of m=3 classes",
                 NB(logit_cross_entropy_labels)(4, 3, Y, 3, low, each, &loss));
    for (size_t i = 0; i < 4; i++) assert_true(each[i] == -1);
    assert_fails(NB_ERANGE, "t[0]=0 is no label of m=0 classes",
                 NB(logit_cross_entropy_labels)(1, 0, Y, 1, none, each, &loss));
    assert_fails(NB_ERANGE, "t[0]=0 is no label of m=0 classes",
                 NB(cross_entropy_error_labels)(1, 0, Y, 1, none, 0, each, &loss));
    assert_true(loss == -1);
    assert_fails(NB_ERANGE, "residual: labels[2]=3 is no label of m=3 classes",
                 NB(residual)(4, 3, Y, Y, NULL, high, 0, dA));
    assert_fails(NB_ERANGE, "residual: labels[2]=-1 is no label of m=3 classes",
                 NB(residual)(4, 3, Y, Y, NULL, low, 0, dA));
    assert_int_equal(nb_last_error()[3], sizeof(real) == 4 ? 's' : 'd');
}

/* --- gradients ----------------------------------------------------------------------------------
 */

/* diag(g) (Y - T) is the slope of sum g_i loss_i, for the squared error over Y, and for the cross
 * entropy of the softmax over the logits A if each row of T sums to 1. */
static void T(residual_is_the_slope_of_the_losses)(void **state)
{
    (void)state;
    enum { n = 4, m = 10 };
    T(batch) b = T(make_batch)(n, m, 0);
    real g[n], dY[n * m], dA[n * m], labelled[n * m];
    const real step = (real)0x1p-10;
    T(fill)(n, g, 61);
    T(fill_nan)(n * m, dY);
    T(fill_nan)(n * m, dA);
    T(fill_nan)(n * m, labelled);
    for (int one_hot = 0; one_hot < 2; one_hot++) {
        if (one_hot) T(make_one_hot)(&b);
        assert_ok(NB(residual)(n, m, g, b.Y, b.T, NULL, 0, dY));
        for (size_t i = 0; i < n * m; i++) {
            /* The points around Y_i are rounded; divide by their true distance. */
            const real y = b.Y[i], above = y + step, below = y - step;
            long double up, down, unused;
            b.Y[i] = above;
            up = T(squared)(&b, i / m, &unused);
            b.Y[i] = below;
            down = T(squared)(&b, i / m, &unused);
            b.Y[i] = y;
            const long double slope = g[i / m] * (up - down) / ((long double)above - below);
            T(assert_within)(dY[i], slope, 4 * REAL(EPSILON) + 1e-13L, "dY", i);
        }
    }
    assert_ok(NB(residual)(n, m, g, b.Y, NULL, b.labels, 0, labelled));
    assert_ok(NB(residual)(n, m, g, b.Y, b.T, NULL, 0, dA));
    assert_int_equal(T(first_difference)(n * m, labelled, dA), n * m);
    for (size_t i = 0; i < n * m; i++) {
        const real a = b.A[i], above = a + step, below = a - step;
        long double up, down, unused;
        b.A[i] = above;
        up = T(logit_entropy)(&b, i / m, &unused);
        b.A[i] = below;
        down = T(logit_entropy)(&b, i / m, &unused);
        b.A[i] = a;
        const long double slope = g[i / m] * (up - down) / ((long double)above - below);
        /* h^2/6 times the third derivative, which is below 1/8. */
        T(assert_within)(dA[i], slope, 30 * REAL(EPSILON) + 0x1p-25L, "dA", i);
    }
    T(free_batch)(&b);
}

static void T(residual_adds_to_beta_times_the_old)(void **state)
{
    (void)state;
    enum { n = 3, m = 5 };
    const real beta = (real)-1.3;
    real g[n], Y[n * m], target[n * m], fresh[n * m], dA[n * m], old[n * m];
    T(fill)(n, g, 71);
    T(fill)(n * m, Y, 72);
    T(fill)(n * m, target, 73);
    T(fill)(n * m, old, 74);
    T(fill_nan)(n * m, fresh);
    memcpy(dA, old, sizeof dA);
    assert_ok(NB(residual)(n, m, g, Y, target, NULL, 0, fresh));
    assert_ok(NB(residual)(n, m, g, Y, target, NULL, beta, dA));
    for (size_t i = 0; i < n * m; i++) {
        assert_true(fresh[i] == g[i / m] * (Y[i] - target[i]));
        assert_true(dA[i] == fresh[i] + beta * old[i]);
    }
    assert_ok(NB(residual)(n, m, g, Y, target, NULL, 0, Y)); /* dA may be Y */
    assert_int_equal(T(first_difference)(n * m, Y, fresh), n * m);
    assert_ok(NB(residual)(0, m, g, Y, NULL, NULL, 0, Y));
    assert_int_equal(T(first_difference)(n * m, Y, fresh), n * m);
}
